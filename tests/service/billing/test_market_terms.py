"""A market customer (市场化用户) from the package in the contract to the verified bill."""

import base64
import json
from datetime import date
from typing import Any

import pytest
from tests.service.billing.county import (
    ACCOUNTANT,
    DOCUMENT,
    MONTH,
    OPERATOR,
    County,
    Prepare,
    Prepared,
    Supply,
    daily,
    prices,
    settle_county,
    tariff,
)

from denghuo.kernel.values import Energy, Price
from denghuo.service.billing.api import (
    Bill,
    BillRef,
    FindBills,
    FindExceptions,
    NotTriable,
    ReplayMonth,
    StartCycle,
    Try,
)
from denghuo.service.contract.api import (
    AgreeSpecial,
    ChangeTerms,
    ContractApi,
    ContractHistory,
    ContractsOf,
    GreenPower,
    RetailPrice,
    SpecialRefused,
)
from denghuo.service.tariff.api import Component, PriceAt, TariffDocument
from denghuo_verify.check import verify

FLAT = Supply(1, 1, daily(40), tariff_class="general_single_part", contract_kw=10)
CAPPED = Supply(2, 1, daily(40), tariff_class="general_single_part", contract_kw=10)
CHANGED = Supply(3, 1, daily(40), tariff_class="general_single_part", contract_kw=10)
AGENCY = Supply(4, 1, daily(40), tariff_class="general_single_part", contract_kw=10)
ALL = [FLAT, CAPPED, CHANGED, AGENCY]


def market_tariff() -> TariffDocument:
    """What a market customer pays beside its package: 0.2 yuan of transmission on every kWh."""
    found = tariff("test.market", "market_energy", "0.45", classes=["general_single_part"], settlements=["market"])
    grid = Component.model_validate(
        {
            "code": "transmission",
            "title": {"zh": "输配电价", "en": "Transmission"},
            "prices": [PriceAt(price=Price.of("0.2"))],
            "document": DOCUMENT,
        }
    )
    return found.model_copy(update={"components": [*found.components, grid]})


@pytest.fixture(scope="module")
def prepared_county(prepare: Prepare) -> Prepared:
    def make(made: County) -> None:
        settle_county(made, ALL, [*prices(), market_tariff()])

    return prepare(make)


def contract_no(found: County, supply: Supply) -> str:
    rows = found.directory(ContractApi).contracts_of(OPERATOR, ContractsOf(account_no=supply.account_no)).rows
    return rows[0].contract_no


def to_market(found: County, supply: Supply, day: int = 1) -> None:
    request = ChangeTerms(
        contract_no=contract_no(found, supply),
        effective_from=date(2026, 4, day),
        settlement_mode="market",
        reason="转入市场化交易",
    )
    found.ask(ContractApi).change_terms(OPERATOR, request)


def agree(found: County, supply: Supply, day: int = 1, **terms: Any) -> ContractHistory:
    package = {"retail_title": "固定价套餐", "retail_document": "LS-2026-001"}
    request = AgreeSpecial(
        contract_no=contract_no(found, supply),
        effective_from=date(2026, 4, day),
        reason="签订零售合同",
        **(package | terms),
    )
    return found.ask(ContractApi).agree_special(OPERATOR, request)


def at(price: str, band: Any = "total") -> list[RetailPrice]:
    return [RetailPrice(band=band, price=Price.of(price))]


def bill(found: County, supply: Supply) -> Bill:
    return found.billing.bill(ACCOUNTANT, BillRef(bill_no=f"202604{supply.account_no}101"))


def told(shown: Bill) -> list[tuple[str, str, str]]:
    return [(line.code, str(line.quantity), str(line.amount)) for line in shown.lines]


def test_a_package_is_billed_as_the_contract_says_and_verified(found: County) -> None:
    """1,200 kWh at 0.42 with a fee of 0.01, transmission at 0.2; green energy of 300 kWh at 0.03."""
    for supply in (FLAT, CAPPED, CHANGED):
        to_market(found, supply, 11 if supply is CHANGED else 1)
    green = [GreenPower(quantity_kwh=Energy.of("300"), price=Price.of("0.03"), document="LD-7")]
    agreed = agree(found, FLAT, retail_prices=at("0.42"), retail_fee=Price.of("0.01"), green=green)
    assert agreed.history[0].special is not None and agreed.history[0].special.retail_title == "固定价套餐"
    agree(found, CAPPED, retail_prices=at("0.50"), retail_floor=Price.of("0.30"), retail_cap=Price.of("0.48"))
    agree(found, CHANGED, 11, retail_prices=at("0.42"))
    found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    found.settle()
    assert found.billing.exceptions(ACCOUNTANT, FindExceptions(month=MONTH)).rows == []
    assert told(bill(found, FLAT)) == [
        ("retail_fixed", "1200", "504.00"),
        ("retail_fee", "1200", "12.00"),
        ("transmission", "1200", "240.00"),
        ("green_power", "300", "9.00"),
    ]
    assert told(bill(found, CAPPED)) == [
        ("retail_fixed", "1200", "600.00"),
        ("retail_bound", "1200", "-24.00"),
        ("transmission", "1200", "240.00"),
    ]
    # The same package typed as a trial comes to the same lines.
    typed = {"tariff_code": "test.market", "month": MONTH, "voltage": "0.22", "readings": [{"value": "1200"}]}
    capped = {"retail_prices": at("0.50"), "retail_floor": "0.30", "retail_cap": "0.48"}
    tried = found.billing.trial(ACCOUNTANT, Try.model_validate(typed | capped))
    assert [(line.code, str(line.quantity), str(line.amount)) for line in tried.lines] == told(bill(found, CAPPED))
    for wrong, field in (
        ({"tariff_code": "test.business", "retail_prices": at("0.5")}, "retail_prices"),
        ({"retail_fee": "0.01"}, "retail_prices"),
        ({"retail_prices": [*at("0.5"), *at("0.4", "peak")]}, "retail_prices"),
        ({"retail_prices": at("0.5"), "retail_floor": "0.6", "retail_cap": "0.5"}, "retail_cap"),
    ):
        with pytest.raises(NotTriable) as refused:
            found.billing.trial(ACCOUNTANT, Try.model_validate(typed | wrong))
        assert [one["field"] for one in refused.value.fields["errors"]] == [field]
    # Ten days at the agency's price of 0.7853, then twenty by the package: a month in stages.
    assert told(bill(found, CHANGED)) == [
        ("energy", "400", "314.12"),
        ("retail_fixed", "800", "336.00"),
        ("transmission", "800", "160.00"),
    ]
    assert [str(line.amount) for line in bill(found, AGENCY).lines] == ["942.36"]
    fixed = bill(found, FLAT).lines[0]
    assert "LS-2026-001" in fixed.sentence.zh and "固定价套餐" in fixed.sentence.zh
    for row in found.billing.bills(ACCOUNTANT, FindBills(month=MONTH, state="issued")).rows:
        file = json.loads(base64.b64decode(found.billing.bill_file(ACCOUNTANT, BillRef(bill_no=row.bill_no)).content))
        report = verify(file)
        assert (report.verdict, report.total) == ("verified", str(row.amount)), report
    page = found.billing.replay_month(ACCOUNTANT, ReplayMonth(month=MONTH))
    assert (page.checked, page.identical) == (len(ALL), len(ALL))


def test_a_package_that_lacks_something_is_refused(found: County) -> None:
    with pytest.raises(SpecialRefused) as not_at_market:
        agree(found, FLAT, retail_prices=at("0.42"))
    assert [error["field"] for error in not_at_market.value.fields["errors"]] == ["retail_title"]
    to_market(found, FLAT)
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({}, ["retail_prices"]),
        ({"retail_prices": at("0.42"), "retail_title": None}, ["retail_title"]),
        ({"retail_prices": [*at("0.42"), *at("0.5", "peak")]}, ["retail_prices"]),
        ({"retail_prices": [*at("0.42", "peak"), *at("0.5", "peak")]}, ["retail_prices.0.band"]),
        (
            {"retail_prices": at("0.42"), "retail_floor": Price.of("0.5"), "retail_cap": Price.of("0.4")},
            ["retail_cap"],
        ),
    ]
    for given, fields in cases:
        with pytest.raises(SpecialRefused) as caught:
            agree(found, FLAT, **given)
        errors = caught.value.fields["errors"]
        assert [one["field"] for one in errors][: len(fields)] == fields, given
        assert all(one["zh"] and one["en"] for one in errors)


def test_a_customer_that_leaves_the_market_is_billed_without_the_package(found: County) -> None:
    to_market(found, FLAT)
    agree(found, FLAT, retail_prices=at("0.42"))
    back = ChangeTerms(
        contract_no=contract_no(found, FLAT),
        effective_from=date(2026, 4, 21),
        settlement_mode="agency",
        reason="退出市场化交易",
    )
    found.ask(ContractApi).change_terms(OPERATOR, back)
    found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    found.settle()
    assert told(bill(found, FLAT)) == [
        ("retail_fixed", "800", "336.00"),
        ("transmission", "800", "160.00"),
        ("energy", "400", "314.12"),
    ]
