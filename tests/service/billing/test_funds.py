"""Government funds and surcharges: each item a line of its own; from what a class is exempt, and by which document."""

import base64
import json
import pathlib
from collections.abc import Iterator
from datetime import date

import pytest
from tests.service.billing.county import (
    ACCOUNTANT,
    DOCUMENT,
    MONTH,
    OPERATOR,
    County,
    Supply,
    county,
    daily,
    settle_county,
    tariff,
)

from denghuo.kernel.problem import text
from denghuo.kernel.values import Percent, Price
from denghuo.service.billing.api import Bill, BillRef, FindExceptions, ReplayMonth, StartCycle
from denghuo.service.contract.api import AgreeSpecial, ContractApi, ContractsOf, Part
from denghuo.service.tariff.api import Component, PriceAt, Source, TariffDocument
from denghuo_verify.check import verify

EXEMPTS = "测试〔2024〕免征"
SHOP = Supply(1, 1, daily(40), tariff_class="general_single_part", contract_kw=10)
FARM = Supply(2, 1, daily(40), tariff_class="agricultural", contract_kw=10)
MIXED = Supply(3, 2, daily(40), tariff_class="general_single_part", contract_kw=10)
ALL = [SHOP, FARM, MIXED]


def fund(code: str, zh: str, en: str, price: str, document: str = DOCUMENT) -> Component:
    return Component(
        code=code,
        title=text(zh, en),
        group="fund",
        prices=[PriceAt(price=Price.of(price))],
        document=document,
    )


def with_funds() -> list[TariffDocument]:
    """Business pays three items; farms pay one, are exempt from one by a document, and another does not stand in their tariff."""
    rural = fund("fund_rural_grid", "农网还贷资金", "Rural grid repayment fund", "0.02")
    water = fund("fund_major_water", "国家重大水利工程建设基金", "Major water works fund", "0.001968")
    renewable = fund("fund_renewable", "可再生能源电价附加", "Renewable energy surcharge", "0.019")
    exempt = fund("fund_renewable", "可再生能源电价附加", "Renewable energy surcharge", "0", EXEMPTS)
    shop = tariff("test.business", "energy", "0.7853", classes=["general_single_part"])
    farm = tariff("test.farm", "energy", "0.5", classes=["agricultural"])
    return [
        shop.model_copy(update={"components": [*shop.components, renewable, water, rural]}),
        farm.model_copy(
            update={
                "components": [*farm.components, exempt, rural],
                "sources": [*farm.sources, Source(number=EXEMPTS)],
            }
        ),
    ]


@pytest.fixture(params=["local", "remote"])
def found(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[County]:
    with county(request.param, database_dsn, tmp_path) as made:
        settle_county(made, ALL, with_funds())
        yield made


def bill(found: County, supply: Supply) -> Bill:
    return found.billing.bill(ACCOUNTANT, BillRef(bill_no=f"202604{supply.account_no}101"))


def told(shown: Bill) -> list[tuple[str, ...]]:
    return [(line.code, line.group, *map(str, (line.quantity, line.price, line.amount))) for line in shown.lines]


@pytest.mark.scope("B05-10")
def test_funds_are_charged_item_by_item_and_exempt_classes_are_spared(found: County) -> None:
    rows = found.directory(ContractApi).contracts_of(OPERATOR, ContractsOf(account_no=MIXED.account_no)).rows
    farm = Part(point_no="D1", way="ratio", ratio=Percent.of("30"), tariff_code="test.farm")
    found.ask(ContractApi).agree_special(
        OPERATOR,
        AgreeSpecial(
            contract_no=rows[0].contract_no, effective_from=date(2026, 4, 1), reason="定比农业用电", parts=[farm]
        ),
    )
    found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    found.settle()
    assert found.billing.exceptions(ACCOUNTANT, FindExceptions(month=MONTH, state="open")).rows == []

    shop = bill(found, SHOP)
    assert told(shop) == [
        ("energy", "energy", "1200", "0.7853", "942.36"),
        ("fund_renewable", "fund", "1200", "0.0190", "22.80"),
        ("fund_major_water", "fund", "1200", "0.001968", "2.36"),
        ("fund_rural_grid", "fund", "1200", "0.0200", "24.00"),
    ]
    assert str(shop.amount) == "991.52"

    # The item that farms are exempt from stands on their bill at nothing, with the document that exempts them.
    spared = bill(found, FARM)
    assert told(spared) == [
        ("energy", "energy", "1200", "0.5000", "600.00"),
        ("fund_renewable", "fund", "1200", "0.0000", "0.00"),
        ("fund_rural_grid", "fund", "1200", "0.0200", "24.00"),
    ]
    (price,) = [step for step in spared.lines[1].steps if step.kind == "price"]
    assert EXEMPTS in price.text.zh and EXEMPTS in price.text.en

    # What a business uses for farming is exempt as farms are; the rest pays every item.
    assert told(bill(found, MIXED)) == [
        ("energy", "energy", "840", "0.7853", "659.65"),
        ("energy", "energy", "360", "0.5000", "180.00"),
        ("fund_renewable", "fund", "840", "0.0190", "15.96"),
        ("fund_major_water", "fund", "840", "0.001968", "1.65"),
        ("fund_rural_grid", "fund", "840", "0.0200", "16.80"),
        ("fund_renewable", "fund", "360", "0.0000", "0.00"),
        ("fund_rural_grid", "fund", "360", "0.0200", "7.20"),
    ]

    for supply in ALL:
        file = found.billing.bill_file(ACCOUNTANT, BillRef(bill_no=f"202604{supply.account_no}101"))
        report = verify(json.loads(base64.b64decode(file.content)))
        assert report.verdict == "verified", report
    page = found.billing.replay_month(ACCOUNTANT, ReplayMonth(month=MONTH))
    assert (page.checked, page.identical, page.rows) == (3, 3, [])
