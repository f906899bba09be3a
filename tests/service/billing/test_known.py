"""A month as it was known on a day: what was computed on that day comes out again, whatever was corrected since."""

import itertools
import pathlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.service.billing.county import (
    ACCOUNTANT,
    CLERK,
    MONTH,
    County,
    Prepare,
    Prepared,
    Supply,
    county,
    daily,
    prices,
    settle_county,
    take_registers,
)
from tests.service.billing.test_curves import by_time, steady
from tests.service.records import account, contract, meter, point

from denghuo.data.processing.dataset import arrow_schema
from denghuo.kernel.contract import Call
from denghuo.kernel.period import midnight
from denghuo.kernel.problem import Problem
from denghuo.kernel.values import Energy, Multiplier, Price, Register
from denghuo.service.asset.api import AssetApi, RegisterMeters
from denghuo.service.billing.api import (
    AsKnown,
    BillingApi,
    BillNotFound,
    BillRef,
    KnownBill,
    ReverseBill,
    StartCycle,
    TakeOverUse,
    UsedMonth,
)
from denghuo.service.contract.api import (
    AgreeSpecial,
    ChangeTerms,
    ContractApi,
    EndContract,
    LineLoss,
    SignContracts,
    TermsIn,
)
from denghuo.service.customer.api import CustomerApi, OpenAccounts
from denghuo.service.host import relay
from denghuo.service.point.api import Exchange, ExchangeMeters, MetersIn, PointApi, RegisterPoints
from denghuo.service.reading.api import (
    CURVE_INTAKE,
    Intake,
    KnownEnergies,
    MeterAtoms,
    MonthRef,
    ReadingApi,
    RegistersAt,
    Resolve,
)
from denghuo.service.tariff.api import DraftTariff, InForce, TariffApi, TariffVersion
from denghuo.service.workflow.api import Decide, WorkflowApi

HEAVY = Supply(1, 1, daily(120), contract_kw=9)
SHOP = Supply(2, 2, daily(40), tariff_class="general_single_part", contract_kw=10)


def on(day: int, hour: int = 12, month: int = 5) -> datetime:
    """An instant of 2026 by the clock in China; days past the month's end run on."""
    return midnight(date(2026, month, 1) + timedelta(days=day - 1)) + timedelta(hours=hour)


def operator(now: datetime) -> Call:
    return Call.system(now)


@pytest.fixture(scope="module")
def prepared_county(prepare: Prepare) -> Prepared:
    def make(made: County) -> None:
        settle_county(made, [HEAVY, SHOP])

    return prepare(make)


def known(found: County, supply: Supply, now: datetime, day: date | None = None, month: str = MONTH) -> KnownBill:
    request = AsKnown(account_no=supply.account_no, month=month, known_on=day)
    return found.billing.as_known(replace(ACCOUNTANT, now=now), request)


def same(one: KnownBill, other: KnownBill) -> bool:
    """All but the instant: on the day itself records counted until it was asked, later until the day's end."""
    return one.model_copy(update={"as_of": other.as_of}) == other


def bill_at(found: County, now: datetime) -> None:
    found.billing.start_cycle(replace(ACCOUNTANT, now=now), StartCycle(month=MONTH))
    relay.settle(found.directory, lambda: now)


def correct(found: County, supply: Supply, registers: dict[int, int], now: datetime) -> None:
    take_registers(found, [replace(supply, registers=registers)], operator(now))


def rebill_at(found: County, supply: Supply, now: datetime) -> None:
    asked = found.billing.rebill(
        replace(ACCOUNTANT, now=now), ReverseBill(bill_no=f"202604{supply.account_no}101", reason="示数更正后重出")
    )
    manager = Call.system(now, actor="manager")
    found.directory(WorkflowApi).decide(
        manager, Decide(approval_no=asked.approval_no, agreed=True, remark="同意重出账单")
    )
    relay.settle(found.directory, lambda: now)


def test_what_a_bill_was_made_of_comes_out_on_its_day_and_the_correction_on_the_day_after(found: County) -> None:
    bill_at(found, on(2))
    issued = known(found, HEAVY, on(2, 20))
    number_of = f"202604{HEAVY.account_no}101"
    bill = found.billing.bill(ACCOUNTANT, BillRef(bill_no=number_of))
    assert (issued.state, issued.bill_no, issued.differences) == ("rated", number_of, [])
    assert (issued.amount, issued.lines, issued.registers) == (bill.amount, bill.lines, bill.registers)
    before = known(found, HEAVY, on(2, 20), date(2026, 5, 1))
    assert (before.amount, before.bill_no, before.billed) == (bill.amount, None, None)

    correct(found, HEAVY, {31: 1_000 + 3_500}, on(5))
    corrected = known(found, HEAVY, on(5, 20))
    assert (corrected.energy, corrected.bill_no, corrected.billed) == (Energy.of("3500"), number_of, bill.amount)
    assert {"energy", "amount"} <= {one.where for one in corrected.differences}
    rebill_at(found, HEAVY, on(7))
    rebilled = known(found, HEAVY, on(7, 20))
    assert (rebilled.amount, rebilled.differences) == (corrected.amount, [])
    assert rebilled.bill_no == f"202604{HEAVY.account_no}103" and rebilled.billed == corrected.amount

    for day, snapshot in ((2, issued), (5, corrected), (7, rebilled)):
        assert same(known(found, HEAVY, on(9), date(2026, 5, day)), snapshot)
    assert known(found, HEAVY, on(9), date(2026, 5, 4)).amount == issued.amount


def test_the_tier_year_counts_what_was_billed_by_then(found: County) -> None:
    bill_at(found, on(2))
    may = {day: 1_000 + 120 * (day - 1) for day in range(1, 63)}
    take_registers(found, [replace(HEAVY, registers=may)], operator(on(2, month=6)))
    first = known(found, HEAVY, on(2, 20, month=6), month="2026-05")
    assert first.used_before == Energy.of("3600")
    # The midnight that ends April begins May: the one has less, the other more.
    correct(found, HEAVY, {31: 1_000 + 3_500}, on(3, month=6))
    rebill_at(found, HEAVY, on(3, month=6))
    second = known(found, HEAVY, on(3, 20, month=6), month="2026-05")
    assert (second.used_before, second.energy) == (Energy.of("3500"), Energy.of("3820"))
    assert same(known(found, HEAVY, on(9, month=6), date(2026, 6, 2), "2026-05"), first)
    assert same(known(found, HEAVY, on(9, month=6), date(2026, 6, 3), "2026-05"), second)


def test_who_may_not_see_an_account_and_who_had_none_is_told_so(found: County) -> None:
    for call, day in ((replace(CLERK, now=on(3)), None), (replace(ACCOUNTANT, now=on(3)), date(2026, 4, 30))):
        with pytest.raises(BillNotFound):
            found.billing.as_known(call, AsKnown(account_no=SHOP.account_no, month=MONTH, known_on=day))


def test_peers_tell_what_they_knew(found: County) -> None:
    """Each operation that is asked for a past instant, through both bindings."""
    early, late = on(1, 9), on(6)
    points = found.ask(PointApi).meters_in(operator(late), MetersIn(month=MONTH, account_nos=[SHOP.account_no])).rows
    assert [(row.meter_no, row.piece, row.to_at) for row in points] == [("M00002", 1, on(1, 0))]
    asked = TermsIn(month=MONTH, account_nos=[SHOP.account_no, HEAVY.account_no])
    assert len(found.ask(ContractApi).terms_in(operator(late), asked).rows) == 2
    long_ago = {"known_at": on(1, 8)}
    assert found.ask(ContractApi).terms_in(operator(late), asked.model_copy(update=long_ago)).rows == []
    assert found.ask(TariffApi).in_force(operator(late), InForce(on=date(2026, 4, 1), known_at=on(1, 8))).tariffs == []
    assert len(found.ask(TariffApi).in_force(operator(late), InForce(on=date(2026, 4, 1), known_at=early)).tariffs) == 3
    energies = KnownEnergies(month=MONTH, account_nos=[SHOP.account_no], known_at=early)
    (row,) = found.ask(ReadingApi).known_energies(operator(late), energies).rows
    assert (row.energy, row.status) == (Energy.of("1200"), "valid")
    correct(found, SHOP, {16: 1_610}, on(4))
    shown = [
        found.ask(ReadingApi)
        .registers_at(
            operator(late),
            RegistersAt(month=MONTH, day=date(2026, 4, 16), point_nos=[f"{SHOP.account_no}01"], known_at=instant),
        )
        .rows[0]
        .shown
        for instant in (early, on(5))
    ]
    assert shown == [Register.of("1600"), Register.of("1610")]
    atoms = MeterAtoms(month=MONTH, series="active_fwd_wh", starts=[0, 48], meter_nos=["M00001"])
    assert found.ask(ReadingApi).meter_atoms(operator(late), atoms).rows == []
    take_day_curve(found, "M00001", on(4))
    (day,) = found.ask(ReadingApi).meter_atoms(operator(late), atoms).rows
    assert (day.day, day.missing, sum(one.wh for one in day.cells)) == (date(2026, 4, 1), 0, 24_000)
    assert found.ask(ReadingApi).meter_atoms(operator(late), atoms.model_copy(update={"known_at": early})).rows == []


def take_day_curve(found: County, meter_no: str, now: datetime, days: Sequence[int] = (1,), factor: int = 1) -> None:
    rows = [
        {"series": "active_fwd_wh", "subject": meter_no, "at": on(day, 0, 4) + slot * timedelta(minutes=15),
         "value": factor * (steady(day, slot) or 0)}
        for day in days
        for slot in range(96)
    ]  # fmt: skip
    table = pa.Table.from_pylist(rows, schema=arrow_schema(CURVE_INTAKE))
    ref = found.datasets.publish(CURVE_INTAKE, MONTH, f"{meter_no}-{now:%d%H%M}-{factor}", table, now)
    assert found.directory(ReadingApi).receive_curves(operator(now), Intake(rows=ref)).refused == 0


# --- any order of corrections ---------------------------------------------------------------------------------------------


@dataclass
class Story:
    """A county in which days pass; each account has its own corrections, prices are corrected for all."""

    found: County
    day: Iterator[int] = field(default_factory=lambda: itertools.count(2))
    serial: Iterator[int] = field(default_factory=lambda: itertools.count(10))
    dearer: Iterator[int] = field(default_factory=lambda: itertools.count(2))
    seen: list[tuple[Supply, date, KnownBill]] = field(default_factory=list)


def opened(story: Story, now: datetime) -> Supply:
    """A new account of the county; every third is a shop."""
    serial = next(story.serial)
    supply = Supply(serial, 1, daily(24), "general_single_part" if serial % 3 == 0 else "resident")
    ask, call = story.found.directory, operator(now)
    ask(CustomerApi).open_accounts(call, OpenAccounts(accounts=[account(serial, tariff_class=supply.tariff_class)]))
    ask(AssetApi).register_meters(call, RegisterMeters(meters=[meter(serial), meter(5_000 + serial)]))
    ask(ContractApi).sign_contracts(call, SignContracts(contracts=[contract(serial, tariff_class=supply.tariff_class)]))
    ask(PointApi).register_points(call, RegisterPoints(points=[point(serial)]))
    take_registers(story.found, [supply], call)
    return supply


def late_register(story: Story, supply: Supply, now: datetime, value: int) -> None:
    correct(story.found, supply, {(value % 30) + 1: 1_000 + 24 * (value % 30) + value % 7}, now)


def last_register(story: Story, supply: Supply, now: datetime, value: int) -> None:
    correct(story.found, supply, {31: 1_720 + value}, now)


def by_hand(story: Story, supply: Supply, now: datetime, value: int) -> None:
    story.found.directory(ReadingApi).plan_month(operator(now), MonthRef(month=MONTH))
    story.found.directory(ReadingApi).read_month(operator(now), MonthRef(month=MONTH))
    story.found.directory(ReadingApi).resolve(
        operator(now),
        Resolve(
            month=MONTH,
            point_no=f"{supply.account_no}01",
            shown=Register((1_720 + value) * 10_000),
            reason="现场核对示数",
            confirmed=True,
        ),
    )


def of_curve(story: Story, supply: Supply, now: datetime, value: int) -> None:
    days = [day for day in range(1, 31) if value % 3 or day % 5]
    take_day_curve(story.found, f"M{supply.serial:05d}", now, days, 1 + value % 2)


def exchanged(story: Story, supply: Supply, now: datetime, value: int) -> None:
    story.found.directory(PointApi).exchange_meters(
        operator(now),
        ExchangeMeters(
            exchanges=[
                Exchange(
                    point_no=f"{supply.account_no}01",
                    old_meter_no=f"M{supply.serial:05d}",
                    new_meter_no=f"M{5_000 + supply.serial:05d}",
                    exchanged_at=on(1 + value % 28, 9, 4),
                    old_final_fwd=Register((1_000 + 24 * (value % 28) + 9) * 10_000),
                    new_start_fwd=Register(0),
                    new_multiplier=Multiplier(1),
                )
            ]
        ),
    )


def other_class(story: Story, supply: Supply, now: datetime, value: int) -> None:
    contracts = story.found.directory(ContractApi)
    tariff_class: Any = ("resident", "general_single_part")[value % 2]
    changed = ChangeTerms(
        contract_no=f"GY{supply.account_no}",
        effective_from=date(2026, 4, 1 + value % 28),
        tariff_class=tariff_class,
        reason="用电性质变更",
    )
    _if_possible(lambda: contracts.change_terms(operator(now), changed))


def special(story: Story, supply: Supply, now: datetime, value: int) -> None:
    asked = AgreeSpecial(
        contract_no=f"GY{supply.account_no}",
        effective_from=date(2026, 4, 1 + value % 3),
        line_losses=[LineLoss(line_no="L1", active_kwh=Energy(1_000 * (1 + value)))],
        reason="补签专用条款",
    )
    _if_possible(lambda: story.found.directory(ContractApi).agree_special(operator(now), asked))


def ended(story: Story, supply: Supply, now: datetime, value: int) -> None:
    asked = EndContract(
        contract_no=f"GY{supply.account_no}", effective_to=date(2026, 4, 10 + value % 20), reason="用户销户"
    )
    _if_possible(lambda: story.found.directory(ContractApi).end_contract(operator(now), asked))


def dearer(story: Story, supply: Supply, now: datetime, value: int) -> None:
    """A new price for shops from a day of the month on; it ends the one before."""
    begins = next(story.dearer)
    if begins > 29:
        return
    business = next(one for one in prices() if one.code == "test.business")
    more = business.components[0].model_copy(
        update={"prices": [business.components[0].prices[0].model_copy(update={"price": Price.of(f"0.{80 + begins}")})]}
    )
    document = business.model_copy(update={"effective_from": date(2026, 4, begins), "components": [more]})
    tariffs = story.found.directory(TariffApi)
    drafted = tariffs.draft(operator(now), DraftTariff(document=document))
    tariffs.publish(Call.system(now, actor="approver"), TariffVersion(code=drafted.code, version=drafted.version))


def used_before(story: Story, supply: Supply, now: datetime, value: int) -> None:
    used = UsedMonth(
        account_no=supply.account_no, org="1405810.01", month="2026-03", energy=Energy(1_000 * (3_000 + value))
    )
    story.found.directory(BillingApi).take_over_use(operator(now), TakeOverUse(months=[used]))


def _if_possible(change: Callable[[], object]) -> None:
    """Terms that do not fit those before are refused: then nothing was changed, which is as good a day as any."""
    with suppress(Problem):
        change()


CORRECTIONS = (
    late_register, last_register, by_hand, of_curve, exchanged, other_class, special, ended, dearer, used_before,
)  # fmt: skip


def test_every_day_comes_out_as_it_was_seen_whatever_the_order_of_corrections(
    database_dsn: str, tmp_path: pathlib.Path
) -> None:
    with county("local", database_dsn, tmp_path) as made:
        settle_county(made, [HEAVY], [by_time(), *prices()[1:]])
        story = Story(made)

        @settings(max_examples=12, deadline=None, derandomize=True, database=None)
        @given(st.lists(st.tuples(st.sampled_from(CORRECTIONS), st.integers(0, 200)), min_size=1, max_size=5))
        def tell(corrections: list[tuple[Callable[..., None], int]]) -> None:
            supply = opened(story, on(next(story.day)))
            for correction, value in corrections:
                day = next(story.day)
                correction(story, supply, on(day), value)
                seen = known(made, supply, on(day, 20))
                story.seen.append((supply, on(day).date(), seen))

        tell()
        later = on(next(story.day))
        for supply, day, seen in story.seen:
            assert same(known(made, supply, later, day), seen)
        assert len({bytes(str(seen), "utf-8") for _, _, seen in story.seen}) > len(story.seen) // 2
