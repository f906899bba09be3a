"""A tariff tried on all contracts of a month, through both bindings: the rules' figures, within scope, nothing kept."""

import pathlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date

import pytest
from tests.service.billing.county import (
    ACCOUNTANT,
    CLERK,
    MONTH,
    OPERATOR,
    OTHER_PERSON,
    County,
    Supply,
    county,
    daily,
    prices,
    settle_county,
    tariff,
)

from denghuo.kernel.fields import TextPair
from denghuo.kernel.problem import NotPermitted
from denghuo.kernel.values import Money, Percent, Power
from denghuo.service.billing.api import (
    FindBills,
    MonthNotRead,
    NobodyToTry,
    NoTariffToTry,
    StartCycle,
    TryOnAll,
)
from denghuo.service.contract.api import ChangeTerms, ContractApi, ContractsOf
from denghuo.service.tariff.api import (
    BandWindows,
    DraftTariff,
    Season,
    TariffApi,
    TariffDocument,
    TariffVersion,
    Window,
)

HOUSES = [Supply(serial, 1 + serial % 2, daily(serial), contract_kw=20) for serial in range(1, 13)]
EMPTY = Supply(13, 1, daily(0))
BUSINESS = Supply(14, 2, daily(40), tariff_class="general_single_part", contract_kw=10)
CHANGED = Supply(15, 1, daily(9), contract_kw=20)
TRIED = "test.resident.plain"


@contextmanager
def tried_county(binding: str, dsn: str, folder: pathlib.Path) -> Iterator[County]:
    """A county whose month was billed."""
    with county(binding, dsn, folder) as made:
        settle_county(made, [*HOUSES, EMPTY, BUSINESS, CHANGED])
        # Terms that change within the month are no matter of columns; a capacity that changes is rated by the rules.
        made.directory(ContractApi).change_terms(
            OPERATOR,
            ChangeTerms(
                contract_no=contract_no(made, CHANGED),
                effective_from=date(2026, 4, 11),
                contract_kw=Power.of("15"),
                reason="用户申请减容",
            ),
        )
        made.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
        made.settle()
        yield made


@pytest.fixture(params=["local", "remote"])
def found(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[County]:
    with tried_county(request.param, database_dsn, tmp_path) as made:
        yield made


@pytest.fixture
def quick(database_dsn: str, tmp_path: pathlib.Path) -> Iterator[County]:
    with tried_county("local", database_dsn, tmp_path) as made:
        yield made


def contract_no(found: County, supply: Supply) -> str:
    (row,) = found.directory(ContractApi).contracts_of(OPERATOR, ContractsOf(account_no=supply.account_no)).rows
    return row.contract_no


def drafted(found: County, document: TariffDocument) -> int:
    return found.ask(TariffApi).draft(OPERATOR, DraftTariff(document=document)).version


def plain(price: str) -> TariffDocument:
    return tariff(TRIED, "energy", price, default=False)


def test_everybody_is_charged_as_the_rules_charge_them(found: County) -> None:
    version = drafted(found, plain("0.7"))
    tried = found.billing.try_on_all(ACCOUNTANT, TryOnAll(month=MONTH, code=TRIED, version=version, movers=3))
    bills = found.billing.bills(ACCOUNTANT, FindBills(month=MONTH, limit=200)).rows
    houses = [bill for bill in bills if bill.tariff_class == "resident"]
    assert tried.contracts == len(houses) == 14 and tried.not_rated == 0 and tried.by_rules == 1
    assert tried.now == Money(sum(bill.amount.fen for bill in houses))
    kwh = sum(30 * serial for serial in range(1, 13)) + 270
    assert tried.then == Money(kwh * 70) and tried.difference.fen == tried.then.fen - tried.now.fen
    assert (tried.more, tried.less, tried.same) == (13, 0, 1)
    assert [row.account_no for row in tried.most_more] == [HOUSES[at].account_no for at in (11, 10, 9)]
    assert tried.most_less == []
    assert sum(row.contracts for row in tried.segments) == 14
    assert sum(row.difference.fen for row in tried.segments) == tried.difference.fen
    assert {row.use: row.contracts for row in tried.segments} == {
        "0": 1,
        "1-50": 1,
        "51-170": 4,
        "171-260": 3,
        "261-400": 5,
    }
    again = found.billing.bills(ACCOUNTANT, FindBills(month=MONTH, limit=200)).rows
    assert again == bills, "nothing is kept of a trial"


def test_the_present_tariff_tried_changes_nothing(quick: County) -> None:
    same = quick.billing.try_on_all(ACCOUNTANT, TryOnAll(month=MONTH, code="test.resident"))
    assert (same.difference, same.more, same.less) == (Money(0), 0, 0) and same.contracts == 14


def test_a_tariff_by_time_of_use_says_whose_meters_do_not_give_it(quick: County) -> None:
    bands = [
        BandWindows(band="peak", windows=[Window(start="06:00", end="22:00")], ratio=Percent.of("120")),
        BandWindows(band="valley", ratio=Percent.of("50")),
    ]
    season = Season(title=TextPair(zh="全年", en="all year"), bands=bands)
    version = drafted(quick, plain("0.617").model_copy(update={"seasons": [season]}))
    tried = quick.billing.try_on_all(ACCOUNTANT, TryOnAll(month=MONTH, code=TRIED, version=version))
    assert (tried.contracts, tried.without_bands, tried.same) == (14, 14, 14)


def test_a_tariff_that_some_gain_from(quick: County) -> None:
    version = drafted(quick, plain("0.617"))
    document = prices()[0].model_copy(update={"code": "test.resident.two", "default": False})
    cheaper = document.model_copy(
        update={"components": [document.components[0].model_copy(update={"prices": [
            row.model_copy(update={"price": type(row.price).of("0.9" if row.tier == 1 else "0.1")})
            for row in document.components[0].prices
        ]})]}
    )  # fmt: skip
    number = drafted(quick, cheaper)
    quick.ask(TariffApi).publish(OTHER_PERSON, TariffVersion(code="test.resident.two", version=number))
    assert quick.billing.try_on_all(ACCOUNTANT, TryOnAll(month=MONTH, code=TRIED, version=version)).same == 14
    dearer = quick.billing.try_on_all(ACCOUNTANT, TryOnAll(month=MONTH, code="test.resident.two"))
    assert (dearer.more, dearer.less) == (13, 0)


def test_a_clerk_tries_on_the_own_station_alone(quick: County) -> None:
    version = drafted(quick, plain("0.7"))
    mine = quick.billing.try_on_all(CLERK, TryOnAll(month=MONTH, code=TRIED, version=version, movers=50))
    assert mine.contracts == 8 and {row.org for row in mine.most_more} == {"1405810.01"}
    with pytest.raises(NotPermitted):
        quick.billing.try_on_all(
            replace(CLERK, permits=frozenset({"billing.read"})), TryOnAll(month=MONTH, code=TRIED, version=version)
        )


def test_what_cannot_be_tried_is_said(found: County) -> None:
    with pytest.raises(MonthNotRead, match="2026-03"):
        found.billing.try_on_all(ACCOUNTANT, TryOnAll(month="2026-03", code="test.resident"))
    with pytest.raises(NoTariffToTry, match=r"no\.such"):
        found.billing.try_on_all(ACCOUNTANT, TryOnAll(month=MONTH, code="no.such"))
    farm = drafted(found, tariff("test.farm", "energy", "0.5", classes=["agricultural"]))
    with pytest.raises(NobodyToTry, match=r"test\.farm"):
        found.billing.try_on_all(ACCOUNTANT, TryOnAll(month=MONTH, code="test.farm", version=farm))
