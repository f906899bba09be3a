"""A tariff that says everything the model can say, and changes of it."""

from collections.abc import Iterator
from typing import Any

from tests.service.billing.rules.make import DOCUMENT, component

from denghuo.service.tariff.api import TariffDocument

TITLE = {"zh": "名称", "en": "name"}


def windows(*parts: str) -> list[dict[str, str]]:
    return [dict(zip(("start", "end"), part.split("-"), strict=True)) for part in parts]


def whole_body() -> dict[str, Any]:
    """Every field of the model holds something other than its default. The checker finds nothing wrong with it."""
    note = {"zh": "说明", "en": "note"}
    return {
        "code": "test.whole",
        "title": TITLE,
        "area": "420000",
        "area_title": TITLE,
        "kind": "supply",
        "classes": ["two_part_demand"],
        "settlements": ["agency", "market"],
        "voltages": ["10", "110"],
        "default": True,
        "partial": True,
        "effective_from": "2026-01-01",
        "effective_to": "2026-02-01",
        "sources": [{"number": DOCUMENT, "title": "标题", "address": "出处"}, {"number": "另一文号"}],
        "components": [
            component(
                "energy",
                [
                    {
                        "price": "0.5",
                        "tier": 1,
                        "voltages": ["10"],
                        "document": "另一文号",
                        "illustrative": True,
                        "note": note,
                    },
                    {"price": "0.4", "tier": 1, "voltages": ["110"]},
                    {"price": "0.6", "tier": 2, "voltages": ["10", "110"]},
                    {"price": "0.9", "tier": 1, "band": "sharp", "voltages": ["10"]},
                ],
                floats=True,
            ),
            component("tier_2", [{"price": "0.05", "tier": 2}], some_tiers=True, in_power_factor_base=False),
            component("agency_energy", "0.38"),
            component("generation_subsidy", "0.42", group="adjustment"),
            component("government_funds", "0.03", group="fund"),
        ],
        "seasons": [
            {
                "title": {"zh": "全年", "en": "all year"},
                "days": "all",
                "document": DOCUMENT,
                "bands": [
                    {"band": "peak", "windows": windows("08:00-11:30", "18:00-21:00"), "ratio": "150"},
                    {"band": "valley", "windows": windows("22:30-06:00"), "ratio": "50"},
                    {"band": "flat"},
                ],
            },
            {
                "title": {"zh": "高温", "en": "hot days"},
                "months": [5, 6, 10],
                "temperature_from": 35,
                "temperature_days": 3,
                "temperature_at": "成都",
                "overlay": True,
                "bands": [{"band": "sharp", "windows": windows("11:00-12:00"), "ratio": "120", "of": "peak"}],
            },
            {
                "title": {"zh": "长假", "en": "long holidays"},
                "days": "holiday",
                "weekdays": [6, 7],
                "holidays": ["春节", "国庆节"],
                "holiday_days_from": 3,
                "overlay": True,
                "bands": [{"band": "deep", "windows": windows("12:00-14:00"), "ratio": "80", "of": "valley"}],
            },
        ],
        "tiers": {
            "period": "annual",
            "tables": [{"up_to": ["2520"]}],
            "year_starts": 7,
            "year_by": "reading",
            "households": [{"persons_from": 5, "per_month": "100"}],
            "document": DOCUMENT,
        },
        "free_energy": {"per_month": "15", "document": DOCUMENT},
        "agency_multiple": {
            "share": "150",
            "components": ["agency_energy"],
            "cases": ["returned"],
            "document": DOCUMENT,
        },
        "subsidy": {"on": "export", "years": 20, "hours": 22000, "document": DOCUMENT},
        "basic": {
            "by": "demand",
            "prices": [{"price": "42"}],
            "demand": {"free_share": "110", "excess_times": 3, "above": "contract", "floor_share": "40"},
            "discount": {"energy_per_kva": "260", "price_share": "90", "document": DOCUMENT},
            "charging_stations": {"until": "2030-12-31", "document": DOCUMENT},
            "document": DOCUMENT,
        },
        "charges": [
            {"code": "customer_charge", "title": TITLE, "per": "day", "price": "1.5", "document": DOCUMENT},
            {
                "code": "demand_charge",
                "title": TITLE,
                "per": "demand",
                "band": "peak",
                "price": "20",
                "document": DOCUMENT,
            },
        ],
        "power_factor": {
            "standards": [{"standard": 90, "capacity_from": "160", "voltages": ["10"]}],
            "with_basic_charge": False,
            "reward": False,
            "document": DOCUMENT,
        },
        "days": "thirty",
        "rounding": {"quantity_places": 2, "price_places": 6},
        "examples": [
            {
                "title": "例",
                "month": "2026-01",
                "voltage": "10",
                "tariff_class": "two_part_demand",
                "settlement": "market",
                "quantities": [{"quantity": "active_fwd", "band": "peak", "value": "100"}],
                "used_before": "5",
                "tier_months": 11,
                "reading_months": 2,
                "tier_extra": "100",
                "free_months": 1,
                "capacity": "315",
                "contract_demand": "200",
                "demand": "210",
                "reactive": "40",
                "standard": 90,
                "agency_case": "returned",
                "charging_station": True,
                "plant": {"capacity": "10", "connected_on": "2020-05-01", "subsidised_before": "9600"},
                "lines": [{"code": "energy", "band": "peak", "tier": 1, "amount": "50.00"}],
                "total": "50.00",
            }
        ],
        "note": note,
    }


def whole() -> TariffDocument:
    return TariffDocument.model_validate(whole_body())


Steps = tuple[str | int, ...]


def places(node: Any, at: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    """Every place of a body with what stands there."""
    yield at, node
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield from places(value, (*at, key))


def changed(node: Any, at: Steps, value: Any) -> Any:
    """A copy of a body with another value at one place."""
    if not at:
        return value
    copy = dict(node) if isinstance(node, dict) else list(node)
    copy[at[0]] = changed(node[at[0]], at[1:], value)
    return copy
