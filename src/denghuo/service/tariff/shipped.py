"""The price data that ships with Denghuo: `published/<area>/*.yaml`, one tariff a file."""

import importlib.resources
from importlib.resources.abc import Traversable

from denghuo.service.tariff.api import TariffDocument
from denghuo.service.tariff.rules import read_text

AREAS = {"310000": "shanghai"}
"""Division codes of the areas whose folder is named by their English name."""


def areas() -> list[str]:
    return sorted(folder.name for folder in _folder().iterdir() if folder.is_dir() and not folder.name.startswith("_"))


def published(area: str) -> list[TariffDocument] | None:
    """The tariffs of an area in the order of their files; None where none ship."""
    name = AREAS.get(area, area)
    if name not in areas():
        return None
    files = sorted(
        (file for file in (_folder() / name).iterdir() if file.name.endswith(".yaml")), key=lambda one: one.name
    )
    return [read_text(file.read_text("utf-8")) for file in files]


def _folder() -> Traversable:
    return importlib.resources.files("denghuo.service.tariff") / "published"
