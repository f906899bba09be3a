"""The month's cycle through both bindings: from the reading plan to issued bills, stopped, killed, resumed and run twice."""

import base64
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest
from tests.service.billing.county import (
    ACCOUNTANT,
    CLERK,
    MONTH,
    OPERATOR,
    County,
    Prepare,
    Prepared,
    Supply,
    daily,
    holder,
    settle_county,
    take_registers,
)
from tests.service.bindings import NOW
from tests.service.records import account, contract, meter, point

from denghuo.kernel.contract import Call, Nothing
from denghuo.kernel.values import Energy, Power
from denghuo.service.asset.api import AssetApi, RegisterMeters
from denghuo.service.billing import cycle as cycle_module
from denghuo.service.billing import telling
from denghuo.service.billing.api import (
    BILL_LINES,
    BILLS,
    Advance,
    AlreadyIssued,
    BillNotFound,
    BillRef,
    CycleNotFound,
    CycleRef,
    ExceptionNotFound,
    ExceptionRef,
    FindBills,
    FindCycles,
    FindExceptions,
    MonthNotOver,
    MyBills,
    NotIssued,
    NotReleasable,
    Recalculate,
    Release,
    ReleaseMany,
    SetReviewRule,
    StartCycle,
    Summarise,
    TakeOverUse,
    TellHolders,
    UsedMonth,
    WholeCompanyOnly,
)
from denghuo.service.contract.api import ChangeTerms, ContractApi, SignContracts
from denghuo.service.customer.api import CustomerApi, OpenAccounts
from denghuo.service.notice.api import Inbox, NoticeApi
from denghuo.service.point.api import PointApi, RegisterPoints
from denghuo.service.reading.api import ReadingApi, Resolve
from denghuo.service.workflow.api import FindTasks, WorkflowApi

RESIDENT = Supply(1, 1, daily(8))
HEAVY = Supply(2, 1, daily(120), contract_kw=9)
BUSINESS = Supply(3, 2, daily(40), tariff_class="general_single_part", contract_kw=10)
SOLAR = Supply(4, 2, daily(3), surplus=daily(9))
EMPTY = Supply(5, 1, daily(0))
IMPOSSIBLE = Supply(6, 2, daily(200))
FARM = Supply(7, 1, daily(5), tariff_class="agricultural")
UNREAD = Supply(8, 2, {})
ALL = [RESIDENT, HEAVY, BUSINESS, SOLAR, EMPTY, IMPOSSIBLE, FARM, UNREAD]
GOOD = {one.account_no for one in (RESIDENT, HEAVY, BUSINESS, SOLAR)}


def yuan(kwh: int, price: str) -> Decimal:
    return (kwh * Decimal(price)).quantize(Decimal("0.01"), ROUND_HALF_UP)


EXPECTED = {
    (RESIDENT.account_no, "supply"): yuan(240, "0.617"),
    (HEAVY.account_no, "supply"): yuan(3120, "0.617") + yuan(480, "0.667"),
    (BUSINESS.account_no, "supply"): yuan(1200, "0.7853"),
    (SOLAR.account_no, "supply"): yuan(90, "0.617"),
    (SOLAR.account_no, "purchase"): yuan(270, "0.4155"),
}
HELD = {
    (EMPTY.account_no, "zero_use"),
    (IMPOSSIBLE.account_no, "over_capacity"),
    (FARM.account_no, "tariff_unknown"),
    (UNREAD.account_no, "read_held"),
}


@pytest.fixture(scope="module")
def prepared_county(prepare: Prepare) -> Prepared:
    return prepare(lambda empty: settle_county(empty, ALL))


def run_month(found: County) -> None:
    found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    found.settle()


@pytest.fixture(scope="module")
def billed_county(prepare: Prepare, prepared_county: Prepared) -> Prepared:
    return prepare(run_month, of=prepared_county)


def bills_of(found: County, call: Call = ACCOUNTANT) -> dict[tuple[str, str], Decimal]:
    rows = found.billing.bills(call, FindBills(month=MONTH, state="issued", limit=200)).rows
    return {(row.account_no, row.kind): Decimal(str(row.amount)) for row in rows}


def held_of(found: County, call: Call = ACCOUNTANT) -> set[tuple[str, str]]:
    rows = found.billing.exceptions(call, FindExceptions(month=MONTH, state="open")).rows
    return {(row.account_no, row.code) for row in rows}


def advance_to_the_end(found: County) -> None:
    while found.billing.advance_cycle(OPERATOR, Advance(month=MONTH, epoch=1)).again:
        pass


def issued_rows(found: County) -> list[dict[str, object]]:
    """All rows of all runs in the datasets that the ledger reads."""
    return found.datasets.scan(found.datasets.newest(BILLS.name, MONTH)).to_pylist()


def test_month_is_billed_and_issued_and_faults_are_held(billed: County) -> None:
    assert bills_of(billed) == EXPECTED
    assert held_of(billed) == HELD
    cycle = billed.billing.cycle(ACCOUNTANT, CycleRef(month=MONTH))
    assert (cycle.state, cycle.accounts, cycle.issued, cycle.held, cycle.run_no) == ("done", 9, 5, 4, 1)
    assert [stage.state for stage in cycle.stages] == ["done"] * 5
    assert cycle.done == cycle.total == 9
    supply = sum(amount for (_, kind), amount in EXPECTED.items() if kind == "supply")
    assert (Decimal(str(cycle.amount)), str(cycle.purchase_amount)) == (supply, "112.19")
    assert {row["bill_no"]: row["amount_fen"] for row in issued_rows(billed)} == {
        f"202604{account}{'1' if kind == 'supply' else '2'}01": int(amount * 100)
        for (account, kind), amount in EXPECTED.items()
    }
    lines = billed.datasets.scan(billed.datasets.newest(BILL_LINES.name, MONTH)).to_pylist()
    assert sum(line["amount_fen"] for line in lines) == int(sum(EXPECTED.values()) * 100)
    assert billed.billing.cycles(ACCOUNTANT, FindCycles()).rows[0].issued == 5
    summary = billed.billing.month_summary(ACCOUNTANT, Summarise(month=MONTH))
    assert (summary.supply_count, summary.purchase_count, summary.held) == (4, 1, 4)
    assert summary.supply_amount == cycle.amount


def test_second_start_and_second_run_change_nothing(found: County) -> None:
    first = found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    second = found.billing.start_cycle(replace(ACCOUNTANT, actor="another"), StartCycle(month=MONTH))
    assert (second.started_by, second.started_at) == (first.started_by, first.started_at)
    found.settle()
    before = issued_rows(found)
    run_month(found)
    found.billing.resume_cycle(ACCOUNTANT, CycleRef(month=MONTH))
    found.settle()
    assert issued_rows(found) == before
    assert found.billing.cycle(ACCOUNTANT, CycleRef(month=MONTH)).run_no == 1


def test_bill_is_explained_and_adds_up(billed: County) -> None:
    bill = billed.billing.bill(ACCOUNTANT, BillRef(bill_no=f"202604{HEAVY.account_no}101"))
    assert [(line.tier, str(line.quantity), str(line.price)) for line in bill.lines] == [
        (1, "3120", "0.6170"),
        (2, "480", "0.6670"),
    ]
    assert sum(line.amount.fen for line in bill.lines) == bill.amount.fen
    assert (str(bill.amount), str(bill.average_price)) == ("2245.20", "0.6237")
    (average,) = bill.averages
    assert average.name is not None and average.name.zh == "电度电费"
    assert (str(average.energy), str(average.amount), str(average.average)) == ("3600", "2245.20", "0.62366667")
    register = bill.lines[0].registers[0]
    assert (str(register.start), str(register.end), str(register.energy)) == ("1000.00", "4600.00", "3600")
    assert all(line.document_no and line.arithmetic and line.sentence.zh and line.sentence.en for line in bill.lines)
    assert any("2026-01 ~ 2026-03" in remark.zh for remark in bill.remarks)
    assert bill.name is not None
    assert bill.unit_name is not None
    assert bill.unit_name.zh == "米山供电所"


def test_stop_and_resume_lose_nothing(found: County, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cycle_module, "RATE_SLICE", 2)
    found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    for _ in range(4):
        assert found.billing.advance_cycle(OPERATOR, Advance(month=MONTH, epoch=1)).again
    under_way = found.billing.cycle(ACCOUNTANT, CycleRef(month=MONTH))
    assert under_way.stages[2].state == "running"
    assert (under_way.stages[2].done, under_way.stages[2].total) == (4, 9)
    assert 0 < under_way.done < under_way.total
    stopped = found.billing.stop_cycle(ACCOUNTANT, CycleRef(month=MONTH))
    assert stopped.state == "stopped"
    assert not found.billing.advance_cycle(OPERATOR, Advance(month=MONTH, epoch=1)).again
    found.settle()
    assert bills_of(found) == {}
    found.billing.resume_cycle(ACCOUNTANT, CycleRef(month=MONTH))
    assert not found.billing.advance_cycle(OPERATOR, Advance(month=MONTH, epoch=1)).again
    found.settle()
    assert bills_of(found) == EXPECTED
    assert held_of(found) == HELD


@pytest.mark.scope("A3-14")
@pytest.mark.parametrize("stage", ["plan", "read", "rate", "review", "issue"])
def test_killed_step_is_done_again(quick: County, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    """The process dies in a step after its writes and before its commit."""
    monkeypatch.setattr(cycle_module, "RATE_SLICE", 4)
    step = getattr(cycle_module.CycleSteps, f"_{stage}")

    def dies(self: object, *given: object) -> bool:
        step(self, *given)
        raise SystemError("killed")

    quick.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    with monkeypatch.context() as patch:
        patch.setattr(cycle_module.CycleSteps, f"_{stage}", dies)
        with pytest.raises(SystemError):
            advance_to_the_end(quick)
    quick.billing.resume_cycle(ACCOUNTANT, CycleRef(month=MONTH))
    quick.settle()
    assert bills_of(quick) == EXPECTED
    assert held_of(quick) == HELD
    assert len(issued_rows(quick)) == 5


def test_overtaken_step_writes_nothing(quick: County, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workers at the same step: the second one finds the step taken and throws its work away."""
    quick.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    monkeypatch.setattr(cycle_module, "RATE_SLICE", 2)
    for _ in range(2):
        quick.billing.advance_cycle(OPERATOR, Advance(month=MONTH, epoch=1))
    rate_entries = cycle_module.rate_entries

    def overtaken(*given: object) -> object:
        monkeypatch.setattr(cycle_module, "rate_entries", rate_entries)
        quick.billing.advance_cycle(OPERATOR, Advance(month=MONTH, epoch=1))
        return rate_entries(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(cycle_module, "rate_entries", overtaken)
    quick.billing.advance_cycle(OPERATOR, Advance(month=MONTH, epoch=1))
    assert quick.billing.cycle(ACCOUNTANT, CycleRef(month=MONTH)).stages[2].done == 2
    quick.settle()
    assert bills_of(quick) == EXPECTED


def test_trouble_below_is_said_and_resumed(quick: County) -> None:
    broken = [True]
    plan = cycle_module.CycleSteps._plan

    def refused(self: cycle_module.CycleSteps, *given: object) -> bool:
        if broken:
            raise CycleNotFound(month=MONTH)
        return plan(self, *given)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cycle_module.CycleSteps, "_plan", refused)
        run_month(quick)
        failed = quick.billing.cycle(ACCOUNTANT, CycleRef(month=MONTH))
        assert (failed.state, failed.stages[0].state) == ("failed", "failed")
        assert failed.trouble is not None
        assert failed.trouble.zh == "该月尚未启动核算"
        broken.clear()
        quick.billing.resume_cycle(ACCOUNTANT, CycleRef(month=MONTH))
        quick.settle()
    assert bills_of(quick) == EXPECTED


def test_release_issues_in_a_run_of_its_own(billed: County) -> None:
    (empty,) = billed.billing.exceptions(ACCOUNTANT, FindExceptions(month=MONTH, code="zero_use")).rows
    detail = billed.billing.exception(ACCOUNTANT, ExceptionRef(exception_no=empty.exception_no))
    assert (detail.releasable, detail.bill_state, detail.parameters["energy_kwh"]) == (True, "held", "0")
    assert detail.remedy.zh
    assert detail.pieces[0].start == "1000.00"
    released = billed.billing.release(ACCOUNTANT, Release(exception_no=empty.exception_no, reason="现场核实，房屋空置"))
    assert (released.released, released.issued, released.run_no) == (1, 1, 2)
    assert bills_of(billed)[EMPTY.account_no, "supply"] == 0
    settled = billed.billing.exception(ACCOUNTANT, ExceptionRef(exception_no=empty.exception_no))
    assert (settled.state, settled.settled_by, settled.settled_why) == ("released", "accountant", "现场核实，房屋空置")
    with pytest.raises(NotReleasable):
        billed.billing.release(ACCOUNTANT, Release(exception_no=empty.exception_no, reason="再次放行"))
    (unread,) = billed.billing.exceptions(ACCOUNTANT, FindExceptions(month=MONTH, code="read_held")).rows
    with pytest.raises(NotReleasable) as refused:
        billed.billing.release(ACCOUNTANT, Release(exception_no=unread.exception_no, reason="没有示数也放行"))
    assert refused.value.code == "read_held"
    assert len(issued_rows(billed)) == 6


def test_release_many_is_all_or_none(billed: County) -> None:
    numbers = [row.exception_no for row in billed.billing.exceptions(ACCOUNTANT, FindExceptions(month=MONTH)).rows]
    with pytest.raises(NotReleasable):
        billed.billing.release_many(ACCOUNTANT, ReleaseMany(exception_nos=numbers, reason="一并放行"))
    assert held_of(billed) == HELD
    may = billed.billing.exceptions(ACCOUNTANT, FindExceptions(month=MONTH, releasable=True)).rows
    done = billed.billing.release_many(
        ACCOUNTANT, ReleaseMany(exception_nos=[row.exception_no for row in may], reason="逐户核实无误")
    )
    assert (done.released, done.issued) == (2, 2)


@pytest.mark.scope("B05-15")
def test_late_register_is_billed_without_another_click(billed: County) -> None:
    for side, kwh in (("start", "2000"), ("end", "2100")):
        entered = Resolve.model_validate(
            {"month": MONTH, "point_no": f"{UNREAD.account_no}01", "side": side, "shown": kwh, "reason": "现场补抄"}
        )
        billed.ask(ReadingApi).resolve(OPERATOR, entered)
    billed.settle()
    assert bills_of(billed)[UNREAD.account_no, "supply"] == yuan(100, "0.617")
    (settled,) = billed.billing.exceptions(ACCOUNTANT, FindExceptions(month=MONTH, code="read_held")).rows
    assert settled.state == "resolved"
    assert billed.billing.cycle(ACCOUNTANT, CycleRef(month=MONTH)).run_no == 2


def test_recalculation_leaves_issued_bills_alone(billed: County) -> None:
    again = billed.billing.recalculate(ACCOUNTANT, Recalculate(account_no=SOLAR.account_no, month=MONTH))
    assert (again.issued, again.unchanged, again.held, again.differs) == (0, 2, 0, 0)
    take_registers(billed, [replace(RESIDENT, registers={31: 1_250})])
    with pytest.raises(AlreadyIssued) as refused:
        billed.billing.recalculate(ACCOUNTANT, Recalculate(account_no=RESIDENT.account_no, month=MONTH))
    assert (refused.value.issued, refused.value.computed) == ("148.08", "154.25")
    assert bills_of(billed) == EXPECTED
    with pytest.raises(BillNotFound):
        billed.billing.recalculate(CLERK, Recalculate(account_no=BUSINESS.account_no, month=MONTH))


def test_tier_year_counts_what_was_taken_over(found: County) -> None:
    months = [
        UsedMonth(account_no=HEAVY.account_no, org="1405810.01", month=month, energy=Energy.of("1500"))
        for month in ("2026-01", "2026-02", "2026-03")
    ]
    assert found.billing.take_over_use(ACCOUNTANT, TakeOverUse(months=months)).taken == 3
    assert found.billing.take_over_use(ACCOUNTANT, TakeOverUse(months=months)).unchanged == 3
    run_month(found)
    bill = found.billing.bill(ACCOUNTANT, BillRef(bill_no=f"202604{HEAVY.account_no}101"))
    # 4,500 kWh before: 300 kWh are left in tier 2, the rest of 3,600 is tier 3.
    assert Decimal(str(bill.amount)) == yuan(300, "0.667") + yuan(3300, "0.917")
    assert not any("未接入" in remark.zh for remark in bill.remarks)
    billed = [
        UsedMonth(account_no=RESIDENT.account_no, org="1405810.01", month=MONTH, energy=Energy.of("1")),
    ]
    assert found.billing.take_over_use(ACCOUNTANT, TakeOverUse(months=billed)).refused == 1


def test_tier_year_of_who_begins_within_it_counts_from_there(quick: County) -> None:
    opened, changed, since = (
        Supply(9, 1, daily(120), contract_kw=9),
        replace(BUSINESS, registers=daily(120)),
        date(2026, 3, 1),
    )
    quick.ask(CustomerApi).open_accounts(OPERATOR, OpenAccounts(accounts=[account(9, opened_on=since)]))
    assert not quick.ask(AssetApi).register_meters(OPERATOR, RegisterMeters(meters=[meter(9)])).refused
    signed = contract(9, contract_kw=Power(9_000), effective_from=since)
    assert not quick.ask(ContractApi).sign_contracts(OPERATOR, SignContracts(contracts=[signed])).refused
    assert not quick.ask(PointApi).register_points(OPERATOR, RegisterPoints(points=[point(9)])).refused
    quick.ask(ContractApi).change_terms(
        OPERATOR,
        ChangeTerms(
            contract_no=f"GY{BUSINESS.account_no}",
            effective_from=date(2026, 4, 1),
            tariff_class="resident",
            reason="商铺改为住宅",
        ),
    )
    take_registers(quick, [opened, changed])
    used = UsedMonth(account_no=opened.account_no, org="1405810.01", month="2026-03", energy=Energy.of("1500"))
    assert quick.billing.take_over_use(ACCOUNTANT, TakeOverUse(months=[used])).taken == 1
    run_month(quick)
    assert held_of(quick) == HELD
    bills = bills_of(quick)
    # Ten months of twelve: 2,600 and 4,000 kWh, of which 1,500 are used; nine from the change: 2,340 and 3,600 kWh.
    assert bills[opened.account_no, "supply"] == yuan(1100, "0.617") + yuan(1400, "0.667") + yuan(1100, "0.917")
    assert bills[changed.account_no, "supply"] == yuan(2340, "0.617") + yuan(1260, "0.667")
    assert bills[HEAVY.account_no, "supply"] == EXPECTED[HEAVY.account_no, "supply"], (
        "who was there before has the year"
    )


def test_spike_against_earlier_months_is_held(quick: County) -> None:
    earlier = [
        UsedMonth(account_no=RESIDENT.account_no, org="1405810.01", month=month, energy=Energy.of("40"))
        for month in ("2026-02", "2026-03")
    ]
    quick.billing.take_over_use(ACCOUNTANT, TakeOverUse(months=earlier))
    run_month(quick)
    assert (RESIDENT.account_no, "spike") in held_of(quick)


def test_rule_of_the_review_is_data(found: County) -> None:
    rules = {(row.code, row.kind, row.tariff_class) for row in found.billing.review_rules(ACCOUNTANT, Nothing()).rows}
    assert ("zero_use", "supply", "resident") in rules
    found.billing.set_review_rule(
        ACCOUNTANT,
        SetReviewRule(code="outlier_amount", kind="supply", tariff_class="resident", limit=2000, reason="收紧复核限额"),
    )
    found.billing.set_review_rule(
        ACCOUNTANT,
        SetReviewRule(code="zero_use", kind="supply", tariff_class="resident", on=False, reason="本月停用零电量规则"),
    )
    run_month(found)
    assert held_of(found) == HELD - {(EMPTY.account_no, "zero_use")} | {
        (HEAVY.account_no, "outlier_amount"),
        (IMPOSSIBLE.account_no, "outlier_amount"),
    }


def test_station_clerk_sees_only_own_station(billed: County) -> None:
    other = f"202604{BUSINESS.account_no}101"
    assert {account for account, _ in bills_of(billed, CLERK)} == {RESIDENT.account_no, HEAVY.account_no}
    assert {account for account, _ in held_of(billed, CLERK)} == {EMPTY.account_no, FARM.account_no}
    assert billed.billing.bills(CLERK, FindBills(keyword=BUSINESS.account_no)).total == 0
    assert billed.billing.cycle(CLERK, CycleRef(month=MONTH)).issued == 2
    assert billed.billing.cycles(CLERK, FindCycles()).rows[0].issued == 2
    summary = billed.billing.month_summary(CLERK, Summarise(month=MONTH))
    assert {row.tariff_class for row in summary.rows} == {"resident"}
    assert (summary.supply_count, summary.held) == (2, 2)
    with pytest.raises(BillNotFound):
        billed.billing.bill(CLERK, BillRef(bill_no=other))
    with pytest.raises(BillNotFound):
        billed.billing.bill_document(CLERK, BillRef(bill_no=other))
    (impossible,) = billed.billing.exceptions(ACCOUNTANT, FindExceptions(code="over_capacity")).rows
    with pytest.raises(ExceptionNotFound):
        billed.billing.exception(CLERK, ExceptionRef(exception_no=impossible.exception_no))
    with pytest.raises(ExceptionNotFound):
        billed.billing.release(CLERK, Release(exception_no=impossible.exception_no, reason="越权放行"))
    for command in (billed.billing.stop_cycle, billed.billing.resume_cycle):
        with pytest.raises(WholeCompanyOnly):
            command(CLERK, CycleRef(month=MONTH))
    with pytest.raises(WholeCompanyOnly):
        billed.billing.start_cycle(CLERK, StartCycle(month=MONTH))


def test_customer_sees_own_issued_bills_only(billed: County) -> None:
    own = f"202604{RESIDENT.account_no}101"
    customer = holder(RESIDENT.account_no, EMPTY.account_no)
    mine = billed.billing.my_bills(customer, MyBills())
    assert [row.bill_no for row in mine.rows] == [own]
    assert mine.total == 1
    assert billed.billing.my_bill(customer, BillRef(bill_no=own)).amount == mine.rows[0].amount
    for other in (f"202604{HEAVY.account_no}101", f"202604{EMPTY.account_no}101"):
        with pytest.raises(BillNotFound):
            billed.billing.my_bill(customer, BillRef(bill_no=other))
    # Staff has no bills of its own, even where it may see all.
    assert billed.billing.my_bills(OPERATOR, MyBills()).total == 0
    with pytest.raises(BillNotFound):
        billed.billing.my_bill(OPERATOR, BillRef(bill_no=own))


def test_month_that_is_not_over_is_refused(quick: County) -> None:
    with pytest.raises(MonthNotOver):
        quick.billing.start_cycle(
            replace(ACCOUNTANT, now=NOW.replace(month=4, day=30, hour=15)), StartCycle(month=MONTH)
        )
    with pytest.raises(CycleNotFound):
        quick.billing.cycle(ACCOUNTANT, CycleRef(month="2026-03"))


def test_holders_are_told_once_of_each_issued_bill(found: County, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "AT_ONCE", 2)
    found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    found.settle()
    bills = found.billing.bills(ACCOUNTANT, FindBills(month=MONTH, state="issued")).rows
    holder = replace(ACCOUNTANT, scope=("",), accounts=(bills[0].account_no,), permits=frozenset({"notice.read"}))
    own = [bill for bill in bills if bill.account_no == bills[0].account_no]
    for _ in range(2):
        inbox = found.ask(NoticeApi).inbox(holder, Inbox(account_no=bills[0].account_no))
        assert inbox.total == len(own)
        assert all(
            any(bill.bill_no in row.body.zh and str(bill.amount) in row.body.zh for row in inbox.rows) for bill in own
        )
        found.billing.tell_holders(OPERATOR, TellHolders(month=MONTH, run_no=1))


@pytest.mark.scope("B05-15")
def test_held_accounts_are_told_to_the_to_do_list_until_settled(billed: County) -> None:
    open_tasks = billed.ask(WorkflowApi).tasks(OPERATOR, FindTasks(state="open")).rows
    assert {task.subject_id for task in open_tasks} == {
        row.exception_no for row in billed.billing.exceptions(ACCOUNTANT, FindExceptions(month=MONTH)).rows
    }
    (empty,) = billed.billing.exceptions(ACCOUNTANT, FindExceptions(month=MONTH, code="zero_use")).rows
    billed.billing.release(ACCOUNTANT, Release(exception_no=empty.exception_no, reason="现场核实，房屋空置"))
    billed.settle()
    left = billed.ask(WorkflowApi).tasks(OPERATOR, FindTasks(state="open")).rows
    assert {task.subject_id for task in open_tasks} - {task.subject_id for task in left} == {empty.exception_no}
    billed.billing.keep_tasks(OPERATOR, CycleRef(month=MONTH))
    assert billed.ask(WorkflowApi).tasks(OPERATOR, FindTasks(state="open")).rows == left


def test_bill_on_paper_shows_names_to_their_holder_only(billed: County) -> None:
    number = f"202604{HEAVY.account_no}101"
    for document in (
        billed.billing.bill_document(replace(ACCOUNTANT, channel="pc"), BillRef(bill_no=number)),
        billed.billing.my_bill_document(holder(HEAVY.account_no), BillRef(bill_no=number)),
    ):
        assert (document.file_name, document.media_type) == (f"bill-{number}.pdf", "application/pdf")
        assert base64.b64decode(document.content).startswith(b"%PDF-")
    with pytest.raises(NotIssued):
        billed.billing.bill_document(ACCOUNTANT, BillRef(bill_no=f"202604{EMPTY.account_no}101"))
