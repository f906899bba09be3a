"""The price data that ships with Denghuo: complete tariffs as `published/<area>/*.yaml`, one a file, and what is published of every
province as tables in `published/national`, from which partial tariffs are made."""

import functools
import importlib.resources
from datetime import date
from importlib.resources.abc import Traversable

from denghuo.kernel.fields import TextPair
from denghuo.service.tariff.api import TariffDocument
from denghuo.service.tariff.rules import read_text
from denghuo.service.tariff.rules.areas import FILES, Area, read_areas
from denghuo.service.tariff.rules.frames import frames

NATIONAL = "national"
MONTHLY = "monthly"
WHOLE_PROVINCES = {"130000": "hebei"}
"""Division codes of provinces that are two areas for business prices and one for residents."""


@functools.cache
def national() -> dict[str, Area]:
    """What is published of each area, by its code: a division code, or that of a part of a division such as 150000-W."""
    folder = _folder() / NATIONAL
    return read_areas({name: (folder / f"{name}.csv").read_text("utf-8") for name in FILES})


def areas() -> list[str]:
    """The English names of all areas of which anything ships."""
    return sorted(_names().values())


def codes() -> list[str]:
    """The codes of all areas of which anything ships."""
    return list(_names())


def titles() -> dict[str, TextPair]:
    """The names of all areas of which anything ships, by code; a province that is two areas is named as its own tariffs are."""
    whole = {code: one[0].area_title for code, slug in WHOLE_PROVINCES.items() if (one := published(slug))}
    return {code: area.title for code, area in national().items()} | whole


def code_of(name: str) -> str | None:
    """The code of an area that is named by its code or its English name."""
    return name if name in _names() else {slug: code for code, slug in _names().items()}.get(name)


def area_of(name: str) -> Area | None:
    """An area for which partial tariffs can be made, by its code or English name."""
    return national().get(code_of(name) or "")


def published(area: str) -> list[TariffDocument] | None:
    """The complete tariffs of an area in the order of their files; None where nothing ships of the area."""
    code = code_of(area)
    return None if code is None else list(_complete(code))


@functools.cache
def _complete(code: str) -> tuple[TariffDocument, ...]:
    """Read once: to read the files of an area takes a tenth of a second and more, and they change with the program alone."""
    folder = _folder() / _names()[code]
    if not folder.is_dir():
        return ()
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".yaml")), key=lambda one: one.name)
    return tuple(read_text(file.read_text("utf-8")) for file in files)


def partial(area: str, on: date) -> list[TariffDocument]:
    """The partial tariffs of an area by the documents that hold on a day, but for those that ship complete."""
    known = area_of(area)
    complete = {tariff.code for tariff in published(area) or []}
    return [frame for frame in frames(known, on) if frame.code not in complete] if known is not None else []


def price_table(area: str, month: str) -> str | None:
    """The text of a monthly price table that ships as a sample of what provinces publish, by the area's code and the month."""
    file = _folder() / MONTHLY / f"{area}_{month}.csv"
    return file.read_text("utf-8") if file.is_file() else None


def holidays(year: str) -> str | None:
    """The text of the holidays and moved working days of a year, as the State Council's notice has them."""
    file = _folder() / NATIONAL / f"holidays_{year}.csv"
    return file.read_text("utf-8") if file.is_file() else None


@functools.cache
def _names() -> dict[str, str]:
    return {code: area.title.en.lower().replace(" ", "-") for code, area in national().items()} | WHOLE_PROVINCES


def _folder() -> Traversable:
    return importlib.resources.files("denghuo.service.tariff") / "published"
