"""Claims through the service: published cases come out, and what is missing or does not fit is named with its field."""

import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
from tests.service.billing.county import ACCOUNTANT, County, county
from tests.service.billing.rules.make import given, yuan

from denghuo.service.billing.api import CLAIM_KINDS, NotTriable, WorkedOut, WorkOut


@pytest.fixture(params=["local", "remote"])
def found(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[County]:
    with county(request.param, database_dsn, tmp_path) as made:
        yield made


def worked(found: County, kind: str, **facts: Any) -> WorkedOut:
    return found.billing.work_out(ACCOUNTANT, WorkOut.model_validate({"kind": kind, **facts}))


def amounts(claim: WorkedOut) -> list[str]:
    assert all(line.sentence.zh and line.sentence.en and line.document_no for line in claim.lines)
    return [str(line.amount) for line in claim.lines]


def test_published_cases_come_out(found: County) -> None:
    facts, expected = given("breach-01")
    assert worked(found, "excess_capacity", power=str(facts["kW"])).amount == yuan(expected["penalty"])
    facts, expected = given("cap-02")
    again = worked(
        found,
        "excess_capacity",
        power=str(facts["kVA"]),
        basic_price=str(facts["price"]),
        first_day="2020-08-25",
        last_day="2020-09-30",
    )
    assert [line.amount for line in again.lines] == [yuan(expected["back"]), yuan(expected["penalty"])]
    facts, expected = given("breach-05")
    pieces = [{"energy": str(kwh), "price": facts["diff"]} for kwh in facts["kWh"]]
    assert worked(found, "wrong_category", pieces=pieces).lines[-1].amount == yuan(expected["penalty"])
    facts, expected = given("theft-01")
    loads = [{"power": str(facts["kW"]), "hours_a_day": facts["hours"], "days": facts["days"]}]
    stolen = worked(found, "theft", loads=loads, price=str(facts["price"]))
    assert [line.amount for line in stolen.lines] == [yuan(expected[name]) for name in ("back", "penalty")]
    facts, expected = given("err-08")
    pieces = [{"energy": str(facts["kWh"]), "price": "0.5"}]
    lost = worked(found, "lost_phase", working=facts["phases"], pieces=pieces)
    assert lost.energy is not None and lost.energy.wh == 1000 * int(expected["back"])
    facts, expected = given("outage-01")
    given_back = worked(
        found,
        "outage",
        registered=str(facts["month_kWh"]),
        minutes=facts["hours"] * 60,
        price=facts["price"],
    )
    assert given_back.amount == -yuan(int(expected["compensation"]))


def test_every_kind_is_worked_out(found: County) -> None:
    pieces = [{"band": "peak", "energy": "100", "price": "1"}, {"band": "valley", "energy": "200", "price": "0.3"}]
    late = worked(
        found, "late_fee", principal="1000", due_on="2025-12-20", paid_on="2026-01-10", waived="1", resident=False
    )
    # 11 days at 2 and 10 at 3 per mille.
    assert amounts(late) == ["22.00", "30.00", "-1.00"]
    found_kinds = {
        "wrong_category": (worked(found, "wrong_category", pieces=pieces, times=1), "320.00"),
        "sealed_equipment": (worked(found, "sealed_equipment", power="100"), "3000.00"),
        "unauthorised_supply": (worked(found, "unauthorised_supply", power="2"), "1000.00"),
        "touched_metering": (worked(found, "touched_metering", count=2, resident=True), "1000.00"),
        "wrong_ratio": (worked(found, "wrong_ratio", ratio=120, billed_ratio=60, pieces=pieces), "160.00"),
        "meter_error": (
            worked(found, "meter_error", error="25", known_since=True, pieces=[{"energy": "500", "price": "1"}]),
            "-100.00",
        ),
        "normal_month": (worked(found, "normal_month", normal="500", registered="100", price="0.5"), "200.00"),
        "refund": (worked(found, "refund", pieces=[{"energy": "-10", "price": "0.617", "period": "2026-03"}]), "-6.17"),
        "temporary": (
            worked(found, "temporary", loads=[{"power": "2", "hours_a_day": 8, "days": 10}], price="0.8"),
            "128.00",
        ),
    }
    for kind, (claim, amount) in found_kinds.items():
        assert str(claim.amount) == amount, kind
        assert claim.amount.fen == sum(line.amount.fen for line in claim.lines)
    tried = {"late_fee", "excess_capacity", "theft", "lost_phase", "outage"}
    assert set(CLAIM_KINDS.entries) == tried | set(found_kinds)


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"kind": "late_fee", "principal": "10", "due_on": "2026-04-20"}, "paid_on"),
        (
            {
                "kind": "late_fee",
                "principal": "10",
                "due_on": "2026-04-20",
                "paid_on": "2026-04-30",
                "waived": "5",
            },
            "waived",
        ),
        ({"kind": "excess_capacity", "power": "10", "basic_price": "30", "first_day": "2026-04-01"}, "last_day"),
        (
            {
                "kind": "sealed_equipment",
                "power": "10",
                "basic_price": "30",
                "first_day": "2026-04-02",
                "last_day": "2026-04-01",
            },
            "last_day",
        ),
        ({"kind": "wrong_category", "times": 3, "pieces": [{"energy": "1", "price": "1"}]}, "times"),
        ({"kind": "theft"}, "loads"),
        ({"kind": "theft", "loads": [{"power": "1", "hours_a_day": 6, "days": 180}]}, "price"),
        ({"kind": "meter_error", "error": "-100", "pieces": [{"energy": "1", "price": "1"}]}, "error"),
        ({"kind": "lost_phase", "working": 2, "pieces": [{"energy": "1", "price": "1"}] * 2}, "pieces"),
        ({"kind": "refund"}, "pieces"),
    ],
)
def test_what_is_missing_or_does_not_fit_is_named(found: County, facts: dict[str, Any], field: str) -> None:
    with pytest.raises(NotTriable) as refused:
        found.billing.work_out(ACCOUNTANT, WorkOut.model_validate(facts))
    (fault,) = refused.value.fields["errors"]
    assert fault["field"] == field and fault["zh"].endswith("。") and fault["en"].endswith(".")
