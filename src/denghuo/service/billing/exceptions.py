"""Work on what is held: letting a bill pass, calculating an account again, keeping the to-do list in line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month
from denghuo.kernel.problem import text
from denghuo.kernel.values import Money
from denghuo.service.billing.api import (
    AdvanceRecalculation,
    AlreadyIssued,
    BillNotFound,
    CycleNotFound,
    ExceptionNotFound,
    NotReleasable,
    Recalculate,
    Recalculated,
    RecalculationAdvanced,
    Released,
    TasksKept,
)
from denghuo.service.billing.api.exception import HOLD_CODES
from denghuo.service.billing.batch import Entry
from denghuo.service.billing.cases.standing import tell_moved
from denghuo.service.billing.cycle import platform_call, rate_entries, review_bills, tariffs_of, write_drafts
from denghuo.service.billing.guard import EXAMINED, Guard
from denghuo.service.billing.issue import Issued, issue_bills
from denghuo.service.billing.lines import Rated
from denghuo.service.billing.proving import Prover
from denghuo.service.billing.rating import Draft
from denghuo.service.billing.rules.market import POINTS_ESTIMATED
from denghuo.service.billing.single import AccountMonths
from denghuo.service.billing.store import UNISSUED, BillingStore, Finished, Hold
from denghuo.service.billing.tasks import TASKS_MAX, finish_tasks, raise_tasks
from denghuo.service.host.binding import Ask

_REVIEWED_AT_ONCE = 10
_RECALCULATED_AT_ONCE = 50


@dataclass(frozen=True)
class _Rated:
    entries: Sequence[Entry]
    drafts: Sequence[Draft]
    held: Sequence[Finished]


@dataclass
class _Sorted:
    """What rating an account again gave, by what is to be done with it. passed: the bills that nothing holds. stands:
    issued ones, what they come to now in fen and how many days of that are estimated."""

    entries: list[Entry] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    held: list[Finished] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)
    stands: list[tuple[str, int | None, int | None]] = field(default_factory=list)
    unchanged: int = 0
    differs: list[tuple[str, Money, Money | None]] = field(default_factory=list)


class ExceptionDesk:
    def __init__(self, work: Work, ask: Ask) -> None:
        self._work = work
        self._ask = ask
        self._store = BillingStore(work)

    # -- release -----------------------------------------------------------------------------------------------------------

    def release(self, call: Call, exception_nos: Sequence[str], reason: str) -> Released:
        """All of them or none: the first one that cannot be released is named."""
        wanted = sorted(set(exception_nos))
        month = f"{wanted[0][:4]}-{wanted[0][4:6]}"
        stage = self._store.cycles.lock(month)
        holds = {hold.exception_no: hold for hold in self._store.held.holds_by_no(wanted)}
        for number in wanted:
            _releasable(holds.get(number), number, month)
        # Whoever is quicker than the job: the holder is told before the issue all the same.
        Guard(self._work, self._store, self._ask, platform_call(call)).examine(month, wanted)
        self._store.held.settle(wanted, "released", call.actor, reason, call.now)
        bills = {hold.bill_no for hold in holds.values() if hold.bill_no is not None}
        free = sorted(bills - self._store.held.still_held(sorted(bills)))
        self._store.bills.set_states(free, "passed")
        issued = issue_bills(self._work, self._store, month, free, call) if stage == "done" else None
        self._work.enqueue("billing.keep_tasks", {"month": month})
        return Released(
            released=len(wanted), issued=issued.count if issued else 0, run_no=issued.run_no if issued else None
        )

    # -- recalculation -----------------------------------------------------------------------------------------------------

    def recalculate(self, call: Call, request: Recalculate) -> Recalculated:
        month = request.month
        if self._store.cycles.cycle(month) is None:
            raise CycleNotFound(
                text(f"{month} 尚未启动核算。", f"The billing of {month} was not started."), month=month
            )
        known = (
            self._store.bills.standing(month, [request.account_no])
            or self._store.bills.next_numbers(month, [request.account_no])
            or self._store.held.holds(month, request.account_no)
        )
        if not known and not any("." not in unit for unit in call.scope):
            raise _unknown(request)
        rated = self._rated(call, request, self._months(call, month))
        stage = self._store.cycles.lock(month)
        written = self._written(call, request, rated)
        issued = self._issued(call, month, {request.account_no: written.passed}, stage)
        return Recalculated(
            account_no=request.account_no,
            month=month,
            issued=issued.count if issued else 0,
            held=len({hold.kind for hold in self._store.held.holds(month, request.account_no, "open")}),
            unchanged=written.unchanged,
            differs=len(written.differs),
            amount=sum((draft.rated.total for draft in written.drafts), Money(0)),
            run_no=issued.run_no if issued else None,
        )

    def advance(self, call: Call, request: AdvanceRecalculation) -> RecalculationAdvanced:
        """The next accounts of a recalculation."""
        number = request.recalculation_no
        month, waiting = self._store.recalculations.next(number, _RECALCULATED_AT_ONCE)
        outcomes = self._recalculated(call, month, waiting)
        again = self._store.recalculations.done(number, outcomes, call.now)
        return RecalculationAdvanced(recalculation_no=number, done=len(outcomes), again=again)

    def _recalculated(self, call: Call, month: str, account_nos: Sequence[str]) -> dict[str, str]:
        """What came of each account: issued, held, unchanged, differs or refused. Bills that pass are issued as one run; peers are
        asked for all accounts before the month is locked."""
        outcomes: dict[str, str] = {}
        rated: dict[str, _Rated] = {}
        months = self._months(call, month)
        for account_no in account_nos:
            try:
                rated[account_no] = self._rated(call, Recalculate(account_no=account_no, month=month), months)
            except BillNotFound:
                outcomes[account_no] = "refused"
        stage = self._store.cycles.lock(month)
        passed: dict[str, list[str]] = {}
        for account_no, one in rated.items():
            try:
                written = self._written(call, Recalculate(account_no=account_no, month=month), one)
            except AlreadyIssued:
                outcomes[account_no] = "differs"
                continue
            passed[account_no] = written.passed
            outcomes[account_no] = (
                "held"
                if self._store.held.holds(month, account_no, "open")
                else "issued"
                if written.passed
                else "differs"
                if written.differs
                else "unchanged"
            )
        self._issued(call, month, passed, stage)
        return outcomes

    def _months(self, call: Call, month: str) -> AccountMonths:
        """The present readings, terms and prices of single accounts, whatever the size of the company."""
        tariffs = tariffs_of(self._ask, call, Month.of(month))
        return AccountMonths(self._ask, platform_call(call), Month.of(month), tariffs)

    def _rated(self, call: Call, request: Recalculate, months: AccountMonths) -> _Rated:
        entries = months.of(request.account_no)
        if request.account_no in months.waiting:
            raise _read_later(request)
        if not entries:
            raise _unknown(request)
        rated = rate_entries(self._store, self._ask, call, request.month, entries, months.of, months.tariffs)
        return _Rated(entries, *rated)

    def _written(self, call: Call, request: Recalculate, rated: _Rated) -> _Sorted:
        """What may be written is, and is reviewed.

        Raises:
            AlreadyIssued: all of it was issued before, and differs.
        """
        month = request.month
        found = self._sort(month, rated.entries, rated.drafts, rated.held)
        self._store.resting.calculated(found.stands, call.now)
        if not found.entries and found.differs:
            raise _differs(found.differs[0])
        if not found.entries:
            # All of it is issued and agrees: there is nothing to write, and nothing to look at.
            return found
        write_drafts(self._store, month, found.entries, found.drafts, found.held, call)
        to_review = self._store.bills.to_review(month, _REVIEWED_AT_ONCE, request.account_no)
        open_now = [*found.held, *review_bills(self._store, month, to_review, call)]
        self._settle_gone(call, request, found, {one.exception_no for one in open_now})
        numbers = [draft.bill_no for draft in found.drafts]
        found.passed = sorted(set(numbers) - self._store.held.still_held(numbers))
        self._store.bills.set_states(found.passed, "passed")
        return found

    def _issued(self, call: Call, month: str, passed: Mapping[str, Sequence[str]], stage: str) -> Issued | None:
        """Issues what passed, by account, where the month is issued already, and keeps the to-do list in line."""
        numbers = [number for one in passed.values() for number in one]
        issued = issue_bills(self._work, self._store, month, numbers, call) if stage == "done" else None
        if issued is not None and issued.count:
            tariff_of = cache(Prover(self._store, self._ask, platform_call(call)).tariff)
            for account_no in (account_no for account_no, one in passed.items() if one):
                for told in tell_moved(self._store, account_no, tariff_of, call):
                    self._work.enqueue("billing.keep_tasks", {"month": told})
        self._work.enqueue("billing.keep_tasks", {"month": month})
        return issued

    def _sort(self, month: str, entries: Sequence[Entry], drafts: Sequence[Draft], held: Sequence[Finished]) -> _Sorted:
        """Apart: what may be written, and what was issued before and either agrees or differs."""
        standing = self._store.bills.standing(month, [entries[0].account_no])
        found = _Sorted()
        by_kind = {draft.entry.kind: draft for draft in drafts}
        for entry in entries:
            number, state = standing.get((entry.account_no, entry.kind), ("", "rated"))
            draft = by_kind.get(entry.kind)
            if state in UNISSUED:
                found.entries.append(entry)
                if draft is not None:
                    found.drafts.append(draft)
                continue
            issued, energy_wh = self._store.bills.figures(number)
            found.stands.append((number, *(_comes_to(draft.rated) if draft is not None else (None, None))))
            if draft is not None and (draft.rated.total, draft.rated.energy_wh) == (issued, energy_wh):
                found.unchanged += 1
            else:
                found.differs.append((number, issued, draft.rated.total if draft is not None else None))
        open_kinds = {entry.kind for entry in found.entries}
        found.held = [one for one in held if one.kind in open_kinds]
        return found

    def _settle_gone(self, call: Call, request: Recalculate, sorted_out: _Sorted, found: set[str]) -> None:
        """Exceptions whose cause is gone: what was open and was not found again by this calculation."""
        written = {entry.kind for entry in sorted_out.entries}
        gone = [
            hold.exception_no
            for hold in self._store.held.holds(request.month, request.account_no, "open")
            if hold.kind in written and hold.exception_no not in found
        ]
        self._store.held.settle(gone, "resolved", call.actor, "", call.now)

    # -- to-do list --------------------------------------------------------------------------------------------------------

    def keep_tasks(self, call: Call, month: str) -> TasksKept:
        holds = self._store.held.untold(month, TASKS_MAX)
        to_raise = [hold for hold in holds if hold.state == "open"]
        to_finish = [hold for hold in holds if hold.state != "open"]
        raise_tasks(self._ask, platform_call(call), to_raise)
        finish_tasks(self._ask, platform_call(call), to_finish)
        self._store.held.told([hold.exception_no for hold in to_raise], "raised")
        self._store.held.told([hold.exception_no for hold in to_finish], "finished")
        if self._store.held.unexamined(month, EXAMINED, 1):
            self._work.enqueue("billing.examine_causes", {"month": month})
        return TasksKept(month=month, raised=len(to_raise), finished=len(to_finish), again=len(holds) == TASKS_MAX)


def _comes_to(rated: Rated) -> tuple[int, int]:
    """What a bill comes to in fen, and how many days of it are estimated, at least one where points are."""
    by_points = any(one.code == POINTS_ESTIMATED for one in rated.remarks)
    return rated.total.fen, max(rated.estimated_days, int(by_points))


def _releasable(hold: Hold | None, number: str, month: str) -> None:
    if hold is None or hold.month != month:
        raise ExceptionNotFound(
            text(
                f"异常 {number} 不存在，或不在您的管辖范围内；一次只能放行同一月份的异常。",
                f"Exception {number} does not exist, is outside your scope, or is of another month than the first one.",
            ),
            exception_no=number,
        )
    title = HOLD_CODES.entries[hold.code]
    if hold.state != "open":
        raise NotReleasable(
            text(f"该异常（{title['zh']}）已处理。", f"This exception ({title['en']}) was settled before."),
            exception_no=number,
            code=hold.code,
            state=hold.state,
        )
    if hold.bill_no is None:
        raise NotReleasable(
            text(
                f"“{title['zh']}”没有可放行的账单：{hold.remedy['zh']}",
                f"There is no bill to let pass for {title['en'].lower()}: {hold.remedy['en']}",
            ),
            exception_no=number,
            code=hold.code,
            state=hold.state,
        )


def _read_later(request: Recalculate) -> BillNotFound:
    return BillNotFound(
        text(
            f"户号 {request.account_no} 的抄表段为双月抄表，{request.month} 不抄表、不出账；其电量计入下次抄表月份的账单。",
            f"The route of account {request.account_no} is read every two months and not for {request.month}; its energy is on the"
            " bill of the next month that is read.",
        ),
        account_no=request.account_no,
    )


def _unknown(request: Recalculate) -> BillNotFound:
    return BillNotFound(
        text(
            f"户号 {request.account_no} 在 {request.month} 没有可核算的合同，或不在您的管辖范围内。",
            f"Account {request.account_no} has no contract to bill in {request.month}, or is outside your scope.",
        ),
        account_no=request.account_no,
    )


def _differs(found: tuple[str, Money, Money | None]) -> AlreadyIssued:
    number, issued, computed = found
    now_zh, now_en = (
        (f"重算为 {computed} 元", f"now comes to {computed}")
        if computed is not None
        else ("按当前数据不能算费", "cannot be rated from today's data")
    )
    return AlreadyIssued(
        text(
            f"账单 {number} 已发行 {issued} 元，{now_zh}；已发行账单须冲销后另发。",
            f"Bill {number} was issued with {issued} yuan and {now_en}; cancel it and bill again.",
        ),
        bill_no=number,
        issued=issued,
        computed=computed,
    )
