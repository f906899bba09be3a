"""A month billed unit by unit through both bindings: begun by its reads, partial, late, twice, killed, and closed as a whole."""

import pathlib
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
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
    county,
    daily,
    settle_county,
    take_registers,
)
from tests.service.billing.test_cycle import (
    ALL,
    BUSINESS,
    EXPECTED,
    HEAVY,
    HELD,
    RESIDENT,
    SOLAR,
    UNREAD,
    bills_of,
    held_of,
    issued_rows,
)
from tests.service.bindings import NOW

from denghuo.kernel.contract import Call, Nothing
from denghuo.kernel.values import Percent
from denghuo.service.billing import units as units_module
from denghuo.service.billing.api import (
    AdvanceUnit,
    AskUnitBoard,
    BilledAsAWhole,
    BillRef,
    CycleRef,
    ExceptionRef,
    FindExceptions,
    MonthNotOver,
    ReverseBill,
    SetAutoStart,
    StartCycle,
    StartUnit,
    UnitIsUnderWay,
    UnitOutOfScope,
    UnitRef,
    UnitRow,
    UnitsUnderWay,
    WholeCompanyOnly,
)
from denghuo.service.reading.api import ReadingApi, Resolve, UnitMonth, UnitRead, UnitsToTell
from denghuo.service.workflow.api import Decide, WorkflowApi

MISHAN, SANJIA = "1405810.01", "1405810.02"
OF_MISHAN = {one.account_no for one in ALL if one.station == 1}


@pytest.fixture(scope="module")
def prepared_county(prepare: Prepare) -> Prepared:
    def make(made: County) -> None:
        settle_county(made, ALL)

    return prepare(make)


def switched(found: County, share: int = 100) -> None:
    found.billing.set_auto_start(ACCOUNTANT, SetAutoStart(on=True, share=share, reason="按单位核算"))


def started(found: County, *orgs: str) -> None:
    for org in orgs:
        found.billing.start_unit(ACCOUNTANT, StartUnit(month=MONTH, org=org))


def rows_of(found: County) -> dict[str, UnitRow]:
    return {row.org: row for row in found.billing.unit_board(ACCOUNTANT, AskUnitBoard(month=MONTH)).rows}


def advance_to_the_end(found: County, asked: AdvanceUnit) -> None:
    while found.billing.advance_unit(OPERATOR, asked).again:
        pass


def epoch_of(found: County, org: str) -> int:
    with found.datasets._database.connection() as connection:
        row = connection.execute("SELECT epoch FROM billing.billing_unit WHERE org = %s", (org,)).fetchone()
    assert row is not None
    return int(row[0])


def test_units_come_to_the_bills_of_the_whole_month(found: County) -> None:
    started(found, SANJIA, MISHAN)
    found.settle()
    assert bills_of(found) == EXPECTED
    awaited = {(UNREAD.account_no, "read_awaited")}
    assert held_of(found) == HELD - {(UNREAD.account_no, "read_held")} | awaited
    board = found.billing.unit_board(ACCOUNTANT, AskUnitBoard())
    assert (board.month, board.units, board.units_done) == (MONTH, 2, 2)
    assert (board.due, board.read, board.rated, board.issued, board.waiting) == (9, 8, 7, 5, 1)
    assert board.amount.fen == int(sum(amount for (_, kind), amount in EXPECTED.items() if kind == "supply") * 100)
    mishan, sanjia = board.rows
    assert (mishan.state, mishan.due, mishan.read, mishan.issued) == ("blocked", 4, 4, 2)
    assert (sanjia.state, sanjia.issued, sanjia.waiting, sanjia.started_by) == ("blocked", 3, 1, "accountant")
    assert mishan.ended_at is not None and mishan.rate is not None
    clerk = found.billing.unit_board(CLERK, AskUnitBoard(month=MONTH))
    assert [row.org for row in clerk.rows] == [MISHAN]
    assert clerk.issued == 2

    before = issued_rows(found)
    started(found, SANJIA, MISHAN)
    found.settle()
    assert issued_rows(found) == before
    closed = found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    assert closed.state == "running"
    found.settle()
    assert bills_of(found) == EXPECTED
    assert held_of(found) == HELD
    assert issued_rows(found) == before
    assert found.billing.cycle(ACCOUNTANT, CycleRef(month=MONTH)).state == "done"
    with pytest.raises(BilledAsAWhole):
        started(found, MISHAN)
    assert {row.state for row in rows_of(found).values()} == {"blocked"}

    # A bill that was taken back was wrong: all of it, until another stands in its place.
    whole = found.billing.unit_board(ACCOUNTANT, AskUnitBoard(month=MONTH))
    assert str(whole.error_share) == "0.00"
    number = f"202604{RESIDENT.account_no}101"
    wrong = found.billing.bill(ACCOUNTANT, BillRef(bill_no=number)).amount
    asked = found.billing.reverse_bill(ACCOUNTANT, ReverseBill(bill_no=number, reason="用电类别有误"))
    decided = Decide(approval_no=asked.approval_no, agreed=True, remark="已核对")
    found.directory(WorkflowApi).decide(OTHER_PERSON, decided)
    found.settle()
    after = found.billing.unit_board(ACCOUNTANT, AskUnitBoard(month=MONTH))
    assert after.amount == whole.amount - wrong
    assert after.error_share == Percent.of_parts(wrong.fen, after.amount.fen)
    assert {row.org for row in after.rows if row.error_share != Percent(0)} == {MISHAN}


def test_reads_start_their_unit_and_a_late_one_is_picked_up_alone(database_dsn: str, tmp_path: pathlib.Path) -> None:
    late = Supply(2, 1, daily(120), contract_kw=9)
    unread = replace(late, registers={day: kwh for day, kwh in daily(120).items() if day < 28})
    with county("remote", database_dsn, tmp_path) as found:
        settle_county(found, [replace(RESIDENT, registers={}), unread, replace(BUSINESS, registers={})])
        found.settle()
        assert not found.billing.auto_start(ACCOUNTANT, Nothing()).on
        assert rows_of(found) == {}
        switched(found, share=50)
        take_registers(found, [BUSINESS])
        found.settle()
        states = {org: (row.state, row.due, row.read) for org, row in rows_of(found).items()}
        assert states == {MISHAN: ("planned", 2, 0), SANJIA: ("issued", 1, 1)}
        assert set(bills_of(found)) == {(BUSINESS.account_no, "supply")}

        take_registers(found, [RESIDENT])
        found.settle()
        assert set(bills_of(found)) == {(BUSINESS.account_no, "supply"), (RESIDENT.account_no, "supply")}
        row = rows_of(found)[MISHAN]
        assert (row.state, row.due, row.read, row.waiting, row.started_by) == ("blocked", 2, 1, 1, "system")
        (held,) = found.billing.exceptions(ACCOUNTANT, FindExceptions(month=MONTH, state="open")).rows
        assert (held.account_no, held.code) == (late.account_no, "read_awaited")
        said = found.billing.exception(ACCOUNTANT, ExceptionRef(exception_no=held.exception_no))
        assert "M00002" in said.reason.zh and "M00002" in said.reason.en and not said.releasable

        before = {row["bill_no"]: row for row in issued_rows(found)}
        take_registers(found, [late])
        found.settle()
        assert bills_of(found)[late.account_no, "supply"] == EXPECTED[HEAVY.account_no, "supply"]
        assert held_of(found) == set()
        after = {row["bill_no"]: row for row in issued_rows(found)}
        assert {number: after[number] for number in before} == before
        assert len(after) == len(before) + 1
        assert rows_of(found)[MISHAN].state == "issued"


def test_nothing_starts_by_itself_where_it_is_switched_off(found: County) -> None:
    found.settle()
    assert bills_of(found) == {}
    assert rows_of(found)[MISHAN].state == "complete"
    switched(found)
    assert found.billing.auto_start(ACCOUNTANT, Nothing()).share == 100
    # What was complete before begins with the switch; what is not waits.
    found.settle()
    assert {org: row.state for org, row in rows_of(found).items()} == {MISHAN: "blocked", SANJIA: "planned"}
    assert {account for account, _ in bills_of(found)} == {RESIDENT.account_no, HEAVY.account_no}
    with pytest.raises(WholeCompanyOnly):
        found.billing.set_auto_start(CLERK, SetAutoStart(on=True, reason="不该由他"))


def test_told_twice_and_out_of_order_starts_once(quick: County) -> None:
    switched(quick, share=90)
    from denghuo.service.billing.listen import bill_unit

    hosted = quick.directory.hosted["billing"]
    whole = UnitRead(month=MONTH, org=MISHAN, due=4, read=4)
    part = UnitRead(month=MONTH, org=MISHAN, due=4, read=2)
    for event, part_id in ((whole, "e2"), (part, "e1"), (whole, "e2"), (part, "e1")):
        hosted.handle("billing", bill_unit, OPERATOR, event, part_id)
    assert epoch_of(quick, MISHAN) == 1
    quick.settle()
    assert rows_of(quick)[MISHAN].read == 4
    assert {account for account, _ in bills_of(quick)} == {RESIDENT.account_no, HEAVY.account_no}
    hosted.handle("billing", bill_unit, OPERATOR, whole, "e3")
    quick.settle()
    assert len(issued_rows(quick)) == 2


def test_who_may_start_and_when(found: County) -> None:
    with pytest.raises(UnitOutOfScope):
        found.billing.start_unit(CLERK, StartUnit(month=MONTH, org=SANJIA))
    with pytest.raises(UnitOutOfScope):
        found.billing.start_unit(ACCOUNTANT, StartUnit(month=MONTH, org="1405810.09"))
    with pytest.raises(MonthNotOver):
        found.billing.start_unit(ACCOUNTANT, StartUnit(month="2026-05", org=MISHAN))
    own = found.billing.start_unit(CLERK, StartUnit(month=MONTH, org=MISHAN))
    assert (own.state, own.started_by) == ("reading", "clerk")
    with pytest.raises(UnitIsUnderWay) as twice:
        found.billing.start_unit(ACCOUNTANT, StartUnit(month=MONTH, org=MISHAN))
    assert "clerk" in twice.value.detail["zh"] and "Reads are checked" in twice.value.detail["en"]
    assert rows_of(found)[MISHAN].started_at == own.started_at and epoch_of(found, MISHAN) == 1
    with pytest.raises(UnitsUnderWay) as refused:
        found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    assert MISHAN in refused.value.detail["zh"]
    found.settle()
    assert {account for account, _ in bills_of(found)} == {RESIDENT.account_no, HEAVY.account_no}
    company = found.billing.start_unit(ACCOUNTANT, StartUnit(month=MONTH, org="1405810"))
    assert company.state == "reading"
    found.settle()
    failed = rows_of(found)["1405810"]
    assert failed.state == "failed" and failed.trouble is not None and "供电所" in failed.trouble.zh


@pytest.mark.scope("A3-14")
@pytest.mark.parametrize("stage", ["read", "rate", "review", "issue"])
def test_killed_step_of_a_unit_is_done_again(quick: County, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    """The process dies in a step after its writes and before its commit."""
    monkeypatch.setattr(units_module, "RATE_SLICE", 2)
    step = getattr(units_module.UnitSteps, f"_{stage}")

    def dies(self: object, *given: object) -> bool:
        step(self, *given)
        raise SystemError("killed")

    started(quick, MISHAN)
    asked = AdvanceUnit(month=MONTH, org=MISHAN, epoch=1)
    with monkeypatch.context() as patch:
        patch.setattr(units_module.UnitSteps, f"_{stage}", dies)
        with pytest.raises(SystemError):
            advance_to_the_end(quick, asked)
    started(quick, SANJIA)
    quick.settle()
    assert bills_of(quick) == EXPECTED
    assert len(issued_rows(quick)) == 5


def test_two_workers_at_one_unit(quick: County, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one finds the step taken and throws its work away."""
    monkeypatch.setattr(units_module, "RATE_SLICE", 2)
    started(quick, MISHAN)
    asked = AdvanceUnit(month=MONTH, org=MISHAN, epoch=1)
    assert quick.billing.advance_unit(OPERATOR, asked).again
    rate_part = units_module.rate_part

    def overtaken(*given: object) -> object:
        monkeypatch.setattr(units_module, "rate_part", rate_part)
        quick.billing.advance_unit(OPERATOR, asked)
        return rate_part(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(units_module, "rate_part", overtaken)
    assert quick.billing.advance_unit(OPERATOR, asked).again
    row = rows_of(quick)[MISHAN]
    assert (row.state, row.done, row.accounts) == ("rating", 2, 4)
    quick.settle()
    assert {account for account, _ in bills_of(quick)} == {RESIDENT.account_no, HEAVY.account_no}
    assert not quick.billing.advance_unit(OPERATOR, AdvanceUnit(month=MONTH, org=MISHAN, epoch=7)).again


@pytest.mark.scope("B05-22")
def test_the_expected_end_is_told_while_a_unit_runs_and_outlives_a_stop(
    found: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units_module, "RATE_SLICE", 2)

    def at(second: int, call: Call = ACCOUNTANT) -> Call:
        return replace(call, now=NOW + timedelta(seconds=second))

    def ends(second: int) -> tuple[str, int | None, int | None]:
        """State, and the expected end of the unit and of the month in seconds from the start."""
        board = found.billing.unit_board(at(second), AskUnitBoard(month=MONTH))
        row = next(row for row in board.rows if row.org == MISHAN)
        told = [end and round((end - NOW).total_seconds()) for end in (row.ends_at, board.ends_at)]
        return row.state, told[0], told[1]

    found.billing.start_unit(at(0), StartUnit(month=MONTH, org=MISHAN))
    asked = AdvanceUnit(month=MONTH, org=MISHAN, epoch=1)
    found.billing.advance_unit(at(5, OPERATOR), asked)
    assert ends(6) == ("rating", None, None)  # nothing is rated yet, and nothing is guessed
    found.billing.advance_unit(at(20, OPERATOR), asked)
    assert ends(25) == ("rating", 40, 40)  # two of four in twenty seconds
    assert ends(50) == ("rating", 50, 50)
    stopped = found.billing.stop_unit(at(60), UnitRef(month=MONTH, org=MISHAN))
    assert (stopped.state, stopped.done, stopped.ends_at) == ("stopped", 2, None)
    assert not found.billing.advance_unit(at(61, OPERATOR), asked).again
    assert ends(62) == ("stopped", None, None)
    with pytest.raises(UnitOutOfScope):
        found.billing.stop_unit(CLERK, UnitRef(month=MONTH, org=SANJIA))
    begun = found.billing.start_unit(at(1_000), StartUnit(month=MONTH, org=MISHAN))
    assert (begun.state, begun.done, begun.started_at) == ("rating", 2, NOW)
    assert ends(1_001) == ("rating", 1_020, 1_020)  # the speed it had, without the time it stood still
    found.settle()
    row = rows_of(found)[MISHAN]
    assert (row.state, row.issued, row.done, row.ends_at) == ("blocked", 2, 4, None)
    blocked = found.billing.exceptions(CLERK, FindExceptions(month=MONTH, state="open")).rows
    assert len({one.account_no for one in blocked}) == row.open == 2
    stands = found.billing.stop_unit(CLERK, UnitRef(month=MONTH, org=MISHAN))
    assert stands.state == "blocked"  # nothing is under way: nothing is stopped


def test_what_reading_tells_of_a_unit(found: County) -> None:
    reading = found.ask(ReadingApi)
    read = reading.read_unit(OPERATOR, UnitMonth(month=MONTH, org=SANJIA))
    assert (read.due, read.read) == (5, 4)
    assert [one.account_no for one in read.awaited] == [UNREAD.account_no]
    awaited = reading.awaited(OPERATOR, UnitMonth(month=MONTH, org=SANJIA))
    assert (awaited.due, awaited.read, awaited.rows) == (5, 4, read.awaited)
    told = reading.tell_units(OPERATOR, UnitsToTell(month=MONTH, orgs=[MISHAN, SANJIA]))
    assert told.told == 2 and rows_of(found) == {}  # counted at once, and stated to others by its event
    assert reading.tell_units(OPERATOR, UnitsToTell(month=MONTH, orgs=[SANJIA])).told == 0
    found.settle()
    assert {(row.org, row.due, row.read) for row in rows_of(found).values()} == {(MISHAN, 4, 4), (SANJIA, 5, 4)}
    again = reading.read_unit(OPERATOR, UnitMonth(month=MONTH, org=SANJIA))
    assert again.energy.digest == read.energy.digest
    # What a clerk enters counts as what is received.
    for side, shown in (("start", 1_000), ("end", 1_100)):
        entered = {"month": MONTH, "point_no": f"{UNREAD.account_no}01", "side": side, "shown": str(shown)}
        reading.resolve(OPERATOR, Resolve.model_validate(entered | {"reason": "现场补抄", "confirmed": True}))
    found.settle()
    assert (rows_of(found)[SANJIA].read, rows_of(found)[SANJIA].state) == (5, "complete")
    picked = found.billing.pick_up(OPERATOR, UnitRef(month=MONTH, org=SANJIA))
    assert (picked.picked, picked.waiting) == (0, 0)
    assert not found.billing.advance_unit(OPERATOR, AdvanceUnit(month=MONTH, org=SANJIA, epoch=1)).again


def test_a_sum_of_units_is_the_sum_of_the_month(found: County) -> None:
    started(found, MISHAN, SANJIA)
    found.settle()
    rows = rows_of(found).values()
    month = found.billing.cycle(ACCOUNTANT, CycleRef(month=MONTH))
    assert month.state == "units"
    assert [stage.state for stage in month.stages] == ["waiting"] * 5
    assert sum((Decimal(str(row.amount)) for row in rows), Decimal(0)) == Decimal(str(month.amount))
    assert sum(row.issued for row in rows) == month.issued
    assert {SOLAR.account_no} <= {account for account, _ in bills_of(found)}


def test_units_are_done_with_the_whole_month(found: County) -> None:
    found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    found.settle()
    board = found.billing.unit_board(ACCOUNTANT, AskUnitBoard(month=MONTH))
    assert {row.state for row in board.rows} == {"whole"}
    assert board.units_done == board.units > 0
