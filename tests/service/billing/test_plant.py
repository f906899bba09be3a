"""Plants of purchase contracts, from agreed terms to the issued bill: the subsidy within its years and lifetime hours."""

import base64
import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from tests.service.billing.county import (
    ACCOUNTANT,
    DOCUMENT,
    MONTH,
    OPERATOR,
    OTHER_PERSON,
    County,
    Prepare,
    Prepared,
    Supply,
    daily,
    prices,
    settle_county,
)
from tests.service.bindings import clock

from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import Energy, Price
from denghuo.service.billing.api import AsKnown, Bill, BillRef, FindExceptions, Recalculate, StartCycle
from denghuo.service.contract.api import AgreeSpecial, ContractApi, SpecialRefused
from denghuo.service.tariff.api import (
    Component,
    DraftTariff,
    PriceAt,
    Subsidy,
    TariffApi,
    TariffDocument,
    TariffVersion,
)
from denghuo_verify.check import verify

BEFORE = "2026-03"
TWO_MONTHS = {day: 2_000 + 10 * day for day in range(-30, 32)}
SOLAR = Supply(5, 2, {day: 3_000 + 5 * day for day in range(-30, 32)}, surplus=TWO_MONTHS)
UNKNOWN = Supply(6, 2, daily(5), surplus=daily(10))


def solar_tariff(hours: int) -> TariffDocument:
    solar = prices()[-1]
    paid = Component(
        code="generation_subsidy",
        title=TextPair(zh="发电补贴", en="Subsidy"),
        group="purchase",
        prices=[PriceAt(price=Price.of("0.42"))],
        document=DOCUMENT,
    )
    rule = Subsidy(on="export", years=20, hours=hours, document=DOCUMENT)
    return solar.model_copy(update={"components": [*solar.components, paid], "subsidy": rule})


@pytest.fixture(scope="module")
def prepared_county(prepare: Prepare) -> Prepared:
    def make(made: County) -> None:
        settle_county(made, [SOLAR, UNKNOWN], [*prices()[:-1], solar_tariff(500)])

    return prepare(make)


def agree(found: County, contract_no: str, on: date, **terms: Any) -> None:
    request = AgreeSpecial(contract_no=contract_no, effective_from=on, reason="登记电站条款", **terms)
    found.ask(ContractApi).agree_special(OPERATOR, request)


def bill(found: County, supply: Supply, kind: str = "1", month: str = "202604") -> Bill:
    return found.billing.bill(ACCOUNTANT, BillRef(bill_no=f"{month}{supply.account_no}{kind}01"))


def told(shown: Bill) -> list[tuple[str, str, str]]:
    return [(line.code, str(line.quantity), str(line.amount)) for line in shown.lines]


def verified(found: County, number: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(
        base64.b64decode(found.billing.bill_file(ACCOUNTANT, BillRef(bill_no=number)).content)
    )
    report = verify(body)
    assert report.verdict == "verified", report
    return body


def test_a_subsidy_ends_with_the_hours_of_the_plants_life(found: County) -> None:
    # 3.6 kW x 500 h are 1,800 kWh, of which 1,300 were subsidised elsewhere: March has 310, April the last 190 of its 300.
    number = f"GS{SOLAR.account_no}"
    agree(found, number, date(2026, 3, 1), connected_on=date(2020, 5, 1), subsidised_before=Energy.of("1300"))
    for month in (BEFORE, MONTH):
        found.billing.start_cycle(ACCOUNTANT, StartCycle(month=month))
        found.settle()
    assert told(bill(found, SOLAR, "2", "202603")) == [
        ("purchase_energy", "310", "128.81"),
        ("generation_subsidy", "310", "130.20"),
    ]
    april = bill(found, SOLAR, "2")
    assert told(april) == [("purchase_energy", "300", "124.65"), ("generation_subsidy", "190", "79.80")]
    assert "1610" in april.lines[1].sentence.zh
    body = verified(found, april.bill_no)
    assert body["bill"]["rating"]["generation"]["subsidised_before_wh"] == 1_610_000
    verified(found, f"202603{SOLAR.account_no}201")

    # Computed again it is the same: what it subsidised itself does not count against it.
    again = found.billing.recalculate(ACCOUNTANT, Recalculate(account_no=SOLAR.account_no, month=MONTH))
    assert (again.issued, again.differs) == (0, 0)
    later = replace(ACCOUNTANT, now=clock())
    known = found.billing.as_known(later, AsKnown(account_no=SOLAR.account_no, month=MONTH, kind="purchase"))
    assert (known.amount, known.differences) == (april.amount, [])

    # A plant of which nothing was agreed is held, and says what is missing.
    held = found.billing.exceptions(ACCOUNTANT, FindExceptions(month=MONTH, state="open")).rows
    (unknown,) = [one for one in held if one.kind == "purchase"]
    assert unknown.account_no == UNKNOWN.account_no and "并网日期" in unknown.reason.zh


def test_the_hours_run_on_over_the_stages_of_a_month(found: County) -> None:
    dearer = solar_tariff(500).model_copy(update={"effective_from": date(2026, 4, 11)})
    drafted = found.directory(TariffApi).draft(OPERATOR, DraftTariff(document=dearer))
    found.directory(TariffApi).publish(OTHER_PERSON, TariffVersion(code=drafted.code, version=drafted.version))
    number = f"GS{SOLAR.account_no}"
    agree(found, number, date(2026, 4, 1), connected_on=date(2006, 4, 21), subsidised_before=Energy.of("1650"))
    found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    found.settle()
    # 150 kWh are left: 100 in the first ten days, then 50; the years end after ten of the twenty days, in which 100 would be.
    april = bill(found, SOLAR, "2")
    assert [(code, kwh) for code, kwh, _ in told(april)] == [
        ("purchase_energy", "100"),
        ("generation_subsidy", "100"),
        ("purchase_energy", "200"),
        ("generation_subsidy", "50"),
    ]
    verified(found, april.bill_no)


def test_terms_of_a_plant_are_refused_field_by_field(found: County) -> None:
    supply, solar = f"GY{SOLAR.account_no}", f"GS{SOLAR.account_no}"
    cases: list[tuple[str, dict[str, Any], list[str]]] = [
        (supply, {"connected_on": date(2020, 1, 1)}, ["connected_on"]),
        (solar, {"subsidised_before": Energy.of("-1")}, ["connected_on", "subsidised_before"]),
        (solar, {"charging_station": True, "connected_on": date(2020, 1, 1)}, ["charging_station"]),
    ]
    for number, terms, fields in cases:
        with pytest.raises(SpecialRefused) as caught:
            agree(found, number, date(2026, 4, 1), **terms)
        errors = caught.value.fields["errors"]
        assert [one["field"] for one in errors] == fields, terms
        assert all(one["zh"] and one["en"] for one in errors)
