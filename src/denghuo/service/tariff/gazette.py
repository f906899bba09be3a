"""What ships of each area, as a person looks it up before loading it."""

import functools
from collections.abc import Iterable
from datetime import date

from denghuo.kernel.fields import TextPair
from denghuo.kernel.problem import text
from denghuo.service.tariff import shipped
from denghuo.service.tariff.api import (
    COMPONENTS,
    AreaDocument,
    AreaRow,
    AreasFound,
    AreaShown,
    AreaTariff,
    NoSuchArea,
    TariffDocument,
)
from denghuo.service.tariff.rules import price_rows
from denghuo.service.tariff.rules.areas import Area


@functools.lru_cache(maxsize=4)
def listed(on: date) -> AreasFound:
    """All areas of which anything ships, in the order of their codes."""
    return AreasFound(rows=[_row(code, on) for code in sorted(shipped.codes())])


def area_shown(name: str, on: date) -> AreaShown:
    """Raises NoSuchArea."""
    code = shipped.code_of(name)
    if code is None:
        raise no_such_area(name)
    known = shipped.area_of(code)
    return AreaShown(
        head=_row(code, on),
        documents=_documents(known) if known is not None else [],
        tariffs=[_tariff(one) for one in (*(shipped.published(code) or []), *shipped.partial(code, on))],
    )


def no_such_area(name: str) -> NoSuchArea:
    known = shipped.areas()
    return NoSuchArea(
        text(
            f"没有区域 {name} 的电价数据；现有：{'、'.join(known)}。",
            f"No price data ships for {name}; there is: {', '.join(known)}.",
        ),
        area=name,
        known=known,
    )


def _row(code: str, on: date) -> AreaRow:
    known, complete = shipped.area_of(code), shipped.published(code) or []
    title = known.title if known is not None else complete[0].area_title
    numbers = [one.source.number for one in known.on(on)] if known is not None else []
    return AreaRow(
        area=code,
        title=title,
        documents="；".join(numbers),
        complete=len({one.code for one in complete}),
        partial=len(shipped.partial(code, on)),
    )


def _documents(area: Area) -> list[AreaDocument]:
    return [
        AreaDocument(
            number=one.source.number,
            effective_from=one.effective_from,
            effective_to=one.effective_to,
            floats=_names(one.floats),
            note=one.note,
            address=one.source.address,
        )
        for one in area.documents
    ]


def _names(codes: Iterable[str]) -> TextPair | None:
    entries = [COMPONENTS.entries[code] for code in sorted(codes)]
    if not entries:
        return None
    return TextPair(zh="、".join(one["zh"] for one in entries), en=", ".join(one["en"] for one in entries))


def _tariff(one: TariffDocument) -> AreaTariff:
    return AreaTariff(
        code=one.code, title=one.title, partial=one.partial, prices=len(price_rows(one)), seasons=len(one.seasons)
    )
