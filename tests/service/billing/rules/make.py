"""Tariffs, subjects and published cases for the tests of the rating rules, in a few words each."""

import json
import pathlib
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from denghuo.kernel.values import Energy, Money
from denghuo.service.billing.lines import BasicSpan, BillLine, MeteredPiece, Rated, RatingSubject, TransformerDays
from denghuo.service.billing.rules.registry import RULES, cited
from denghuo.service.tariff.api import TariffDocument

DOCUMENT = "测试文号〔2026〕1号"
PF = {"document": "水电财字〔83〕215号"}
SOURCES = [{"number": DOCUMENT}, {"number": PF["document"]}]
APRIL = ("2026-04-01", "2026-04-30")
CASES: dict[str, dict[str, Any]] = {
    case["id"]: case
    for case in json.loads((pathlib.Path(__file__).parent / "data" / "cases.json").read_text("utf-8"), parse_float=str)
}


def given(case_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a published case asks and what it answers."""
    return CASES[case_id]["inputs"], CASES[case_id]["expected"]


def yuan(value: Any) -> Money:
    """A figure of a case in fen; it has no more than two decimals."""
    return Money(int(Decimal(str(value)).scaleb(2).to_integral_exact()))


def component(
    code: str, price: str | Sequence[Mapping[str, Any]], group: str = "energy", **more: Any
) -> dict[str, Any]:
    prices = [{"price": price}] if isinstance(price, str) else list(price)
    return {
        "code": code,
        "title": {"zh": code, "en": code},
        "group": group,
        "prices": prices,
        "document": DOCUMENT,
        **more,
    }


def tiers(period: str, *up_to: str, months: Sequence[int] | None = None) -> dict[str, Any]:
    table: dict[str, Any] = {"up_to": list(up_to)}
    if months:
        table["months"] = list(months)
    return {"period": period, "tables": [table]}


def seasons(**ratios: str | None) -> list[dict[str, Any]]:
    """One season of the whole year: sharp, peak, flat, valley, deep with their shares of flat."""
    windows = {
        "sharp": [{"start": "19:00", "end": "21:00"}],
        "peak": [{"start": "08:00", "end": "11:00"}, {"start": "18:00", "end": "21:00"}],
        "flat": [],
        "valley": [{"start": "22:00", "end": "06:00"}],
        "deep": [{"start": "02:00", "end": "04:00"}],
    }
    bands = [
        {"band": band, "windows": windows[band], **({"ratio": ratio} if ratio else {})}
        for band, ratio in ratios.items()
    ]
    return [{"title": {"zh": "全年", "en": "all year"}, "bands": bands}]


def tariff(*components: Mapping[str, Any], **more: Any) -> TariffDocument:
    body: dict[str, Any] = {
        "code": "test.tariff",
        "version": 1,
        "title": {"zh": "测试电价", "en": "Test tariff"},
        "area": "310000",
        "area_title": {"zh": "上海", "en": "Shanghai"},
        "classes": ["general_single_part"],
        "voltages": ["0.22", "0.38", "10", "110"],
        "effective_from": "2020-01-01",
        "sources": [{"number": DOCUMENT}],
        "components": list(components),
        **more,
    }
    return TariffDocument.model_validate(body)


def piece(kwh: str, quantity: str = "active_fwd", band: str = "total", **more: Any) -> MeteredPiece:
    body: dict[str, Any] = {
        "point_no": "P1",
        "meter_no": "M1",
        "quantity": quantity,
        "band": band,
        "value_milli": Energy.of(kwh).number,
        **more,
    }
    return MeteredPiece.model_validate(body)


def subject(*pieces: MeteredPiece, month: str = "2026-04", **more: Any) -> RatingSubject:
    body: dict[str, Any] = {
        "tariff_class": "general_single_part",
        "voltage": "0.38",
        "month": month,
        "pieces": list(pieces),
        **more,
    }
    return RatingSubject.model_validate(body)


def span(first: str, last: str, kva: str | None = None, kw: str | None = None) -> BasicSpan:
    return BasicSpan(
        first_day=date.fromisoformat(first),
        last_day=date.fromisoformat(last),
        capacity_va=Energy.of(kva).number if kva else None,
        contract_w=Energy.of(kw).number if kw else None,
    )


def amounts(rated: Any) -> dict[tuple[str, str | None, int | None], str]:
    return {(line.code, line.band, line.tier): str(line.amount) for line in rated.lines}


def wh(kwh: Any) -> int:
    return Energy.of(str(kwh)).wh


def two_part(*components: dict[str, Any], by: str = "capacity", price: Any = "0", **more: Any) -> TariffDocument:
    basic = {"by": by, "prices": [{"price": str(price)}], "document": DOCUMENT, **more.pop("basic", {})}
    return tariff(*components, classes=[f"two_part_{by}"], basic=basic, sources=SOURCES, **more)


def amount(rated: Rated, code: str, band: str | None = None, tier: int | None = None) -> Money:
    return next(line.amount for line in rated.lines if (line.code, line.band, line.tier) == (code, band, tier))


def line_of(rated: Rated, code: str) -> BillLine:
    return next(line for line in rated.lines if line.code == code)


def rules_of(line: BillLine) -> set[str]:
    return {rule.id for rule in cited(line.steps)}


def explained(rated: Rated) -> None:
    assert rated.total.fen == sum(line.amount.fen for line in rated.lines)
    for line in rated.lines:
        assert line.sentence.zh == "".join(step.text.zh for step in line.steps)
        assert rules_of(line) <= set(RULES)
    assert Rated.model_validate_json(rated.model_dump_json()) == rated


def transformer(kva: int, state: str = "running", days: tuple[str, str | None] = APRIL, **more: Any) -> TransformerDays:
    return TransformerDays.model_validate(
        {
            "transformer_no": f"T{kva}",
            "capacity_va": kva * 1000,
            "state": state,
            "first_day": days[0],
            "last_day": days[1],
            **more,
        }
    )
