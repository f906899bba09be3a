"""A tariff tried on all contracts of a month, through both bindings: the rules' figures, within scope, nothing kept."""

import tempfile
import threading
from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.service.billing.county import (
    ACCOUNTANT,
    CLERK,
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
    tariff,
)
from tests.service.billing.test_curves import take_curves

from denghuo.data.processing.dataset import arrow_schema
from denghuo.kernel.fields import TextPair
from denghuo.kernel.problem import NotPermitted
from denghuo.kernel.values import Money, Percent, Power
from denghuo.main.population import run_population
from denghuo.service.billing.api import (
    AdvancePopulationRun,
    FindBills,
    FindPopulationRuns,
    MonthNotRead,
    NobodyToTry,
    NoTariffToTry,
    PopulationRunNotFound,
    PopulationRunRef,
    StartCycle,
    StartPopulationRun,
    TryOnAll,
    WholeCompanyOnly,
)
from denghuo.service.billing.population_run import TRIED as TRIED_MONTH
from denghuo.service.billing.population_run import added_up
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


@pytest.fixture(scope="module")
def prepared_county(prepare: Prepare) -> Prepared:
    """A county whose month was billed."""

    def make(empty: County) -> None:
        settle_county(empty, [*HOUSES, EMPTY, BUSINESS, CHANGED])
        # Terms that change within the month are no matter of columns; a capacity that changes is rated by the rules.
        change = ChangeTerms(
            contract_no=contract_no(empty, CHANGED),
            effective_from=date(2026, 4, 11),
            contract_kw=Power.of("15"),
            reason="用户申请减容",
        )
        empty.directory(ContractApi).change_terms(OPERATOR, change)
        empty.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
        empty.settle()

    return prepare(make)


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


@pytest.mark.scope("X-08")
def test_a_run_over_months_is_stopped_resumed_and_added_up(found: County) -> None:
    version = drafted(found, plain("0.7"))
    asked = StartPopulationRun(code=TRIED, version=version, first_month=MONTH, last_month=MONTH)
    begun = found.billing.start_population_run(ACCOUNTANT, asked)
    assert (begun.state, begun.done, begun.months_asked, begun.result) == ("running", 0, 1, None)
    assert found.billing.start_population_run(ACCOUNTANT, asked).run_no == begun.run_no, "under way already"
    ref = PopulationRunRef(run_no=begun.run_no)
    assert found.billing.stop_population_run(ACCOUNTANT, ref).state == "stopped"
    found.settle()
    assert found.billing.population_run(ACCOUNTANT, ref).done == 0
    # A job of before the stop changes nothing any more; the one of the resumed run goes to the end.
    assert found.billing.resume_population_run(ACCOUNTANT, ref).state == "running"
    stale = found.billing.advance_population_run(OPERATOR, AdvancePopulationRun(run_no=begun.run_no, epoch=1))
    assert (stale.done, stale.again) == (0, False)
    first = found.billing.advance_population_run(OPERATOR, AdvancePopulationRun(run_no=begun.run_no, epoch=2))
    assert (first.done, first.again) == (1, True)
    half = found.billing.population_run(ACCOUNTANT, ref)
    assert half.state == "running" and half.ends_at is not None and half.result is None
    found.settle()
    done = found.billing.population_run(ACCOUNTANT, ref)
    assert done.state == "done" and done.result is not None and done.ended_at is not None
    alone = found.billing.try_on_all(ACCOUNTANT, TryOnAll(month=MONTH, code=TRIED, version=version, movers=20))
    for name in ("contracts", "now", "then", "difference", "percent", "more", "less", "same", "segments"):
        assert getattr(done.result, name) == getattr(alone, name), name
    assert [row.difference for row in done.result.most_more] == [row.difference for row in alone.most_more]
    assert {unit.org: unit.contracts for unit in done.result.units} == {"1405810.01": 8, "1405810.02": 6}
    assert [(one.month, one.contracts, one.by_rules) for one in done.months] == [(MONTH, 14, 1)]
    runs = found.billing.population_runs(ACCOUNTANT, FindPopulationRuns(code=TRIED)).rows
    assert [(row.run_no, row.state) for row in runs] == [(begun.run_no, "done")]
    assert found.billing.start_population_run(ACCOUNTANT, asked).run_no != begun.run_no, (
        "what is done is not done again"
    )


def test_a_run_in_the_terminal_is_followed_to_its_figures(quick: County, capsys: pytest.CaptureFixture[str]) -> None:
    version = drafted(quick, plain("0.7"))
    running: Any = SimpleNamespace(directory=quick.directory)
    worker = threading.Timer(0.5, quick.settle)
    worker.start()
    assert run_population(running, TRIED, version, MONTH, MONTH) == 0
    worker.join()
    told = capsys.readouterr().out
    assert f"{TRIED} v{version} done     1/1" in told and "增加户数 pay more: 13" in told
    assert "resident,51-170,4," in told


def test_a_run_that_cannot_be_is_said(quick: County) -> None:
    asked = StartPopulationRun(code="test.resident", first_month="2026-03", last_month=MONTH)
    with pytest.raises(MonthNotRead, match="2026-03"):
        quick.billing.start_population_run(ACCOUNTANT, asked)
    with pytest.raises(WholeCompanyOnly):
        quick.billing.start_population_run(CLERK, asked)
    with pytest.raises(PopulationRunNotFound):
        quick.billing.population_run(ACCOUNTANT, PopulationRunRef(run_no=99))
    with pytest.raises(ValueError, match="one to 12 months"):
        StartPopulationRun(code="test.resident", first_month="2025-04", last_month=MONTH)
    farm = drafted(quick, tariff("test.farm", "energy", "0.5", classes=["agricultural"]))
    asked = StartPopulationRun(code="test.farm", version=farm, first_month=MONTH, last_month=MONTH)
    number = quick.billing.start_population_run(ACCOUNTANT, asked).run_no
    quick.settle()
    failed = quick.billing.population_run(ACCOUNTANT, PopulationRunRef(run_no=number))
    assert failed.state == "failed" and failed.trouble is not None and "test.farm" in failed.trouble.en


def test_a_run_takes_the_hours_of_a_draft_from_curves(quick: County) -> None:
    def even(day: int, slot: int) -> int:
        return 3_000 // 96 + (slot < 3_000 % 96)

    house = HOUSES[2]
    take_curves(quick, {f"M{house.serial:05d}": even})
    bands = [
        BandWindows(band="peak", windows=[Window(start="06:00", end="22:00")], ratio=Percent.of("120")),
        BandWindows(band="valley", ratio=Percent.of("50")),
    ]
    season = Season(title=TextPair(zh="全年", en="all year"), bands=bands)
    component = plain("0.6").components[0].model_copy(update={"floats": True})
    document = plain("0.6").model_copy(update={"seasons": [season], "components": [component]})
    version = drafted(quick, document)
    asked = StartPopulationRun(code=TRIED, version=version, first_month=MONTH, last_month=MONTH)
    number = quick.billing.start_population_run(ACCOUNTANT, asked).run_no
    quick.settle()
    done = quick.billing.population_run(ACCOUNTANT, PopulationRunRef(run_no=number))
    assert done.result is not None and (done.months[0].contracts, done.months[0].without_bands) == (14, 13)
    mine = [row for row in [*done.result.most_less, *done.result.most_more] if row.account_no == house.account_no]
    # 90 kWh: two thirds of the day at 0.72, a third at 0.30, the curve being as good as even.
    assert [str(row.now) for row in mine] == ["55.53"] and abs(mine[0].then.fen - 5_220) <= 20


@given(
    st.lists(
        st.lists(
            st.tuples(st.integers(0, 9), st.integers(0, 10**7), st.integers(0, 10**9), st.integers(0, 10**9)),
            max_size=9,
        ),
        min_size=1,
        max_size=3,
    )
)
@settings(max_examples=25, deadline=None)
def test_months_add_up_by_contract(months: list[list[tuple[int, int, int, int]]]) -> None:
    by_contract: dict[int, list[tuple[int, int, int]]] = {}
    with tempfile.TemporaryDirectory() as name:
        paths = []
        for place, month in enumerate(months):
            rows = {serial: figures for serial, *figures in month}
            for serial, (energy, now, then) in rows.items():
                by_contract.setdefault(serial, []).append((energy, now, then))
            columns = {
                "account_no": [f"{serial:013d}" for serial in rows],
                "kind": ["supply"] * len(rows),
                "org": [f"1405810.0{serial % 2}" for serial in rows],
                "tariff_class": ["resident"] * len(rows),
                "energy_wh": [one[0] for one in rows.values()],
                "now_fen": [one[1] for one in rows.values()],
                "then_fen": [one[2] for one in rows.values()],
                "by_rules": [False] * len(rows),
                "without_bands": [False] * len(rows),
            }
            schema = arrow_schema(TRIED_MONTH)
            table = pa.table([pa.array(columns[one.name], one.type) for one in schema], schema=schema)
            paths.append(f"{name}/{place}.parquet")
            pq.write_table(table, paths[-1])
        found = added_up(paths)
    sums = {serial: [sum(one[at] for one in rows) for at in range(3)] for serial, rows in by_contract.items()}
    assert (found.contracts, found.now.fen, found.then.fen) == (
        len(sums),
        sum(one[1] for one in sums.values()),
        sum(one[2] for one in sums.values()),
    )
    assert found.more == sum(one[2] > one[1] for one in sums.values())
    assert found.less == sum(one[2] < one[1] for one in sums.values())
    for part in (found.segments, found.units):
        assert sum(row.contracts for row in part) == len(sums)
        assert sum(row.difference.fen for row in part) == found.difference.fen
    average = {serial: -(-one[0] // (1000 * len(by_contract[serial]))) for serial, one in sums.items()}
    small = sum(value <= 50 for value in average.values())
    assert sum(row.contracts for row in found.segments if row.use in ("0", "1-50")) == small


def test_what_cannot_be_tried_is_said(found: County) -> None:
    with pytest.raises(MonthNotRead, match="2026-03"):
        found.billing.try_on_all(ACCOUNTANT, TryOnAll(month="2026-03", code="test.resident"))
    with pytest.raises(NoTariffToTry, match=r"no\.such"):
        found.billing.try_on_all(ACCOUNTANT, TryOnAll(month=MONTH, code="no.such"))
    farm = drafted(found, tariff("test.farm", "energy", "0.5", classes=["agricultural"]))
    with pytest.raises(NobodyToTry, match=r"test\.farm"):
        found.billing.try_on_all(ACCOUNTANT, TryOnAll(month=MONTH, code="test.farm", version=farm))
