"""A month billed unit by unit (按供电单位核算): what one step of a unit does, and how a unit begins.

A unit goes through the steps of the month's cycle over its own contracts: its reads, rating by columns, review, issue. An account
whose meter was not read at the end of the month waits as an exception of its own and is calculated alone when its read arrives.
"""

from collections.abc import Mapping
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call, DatasetRef, DatasetSchema
from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import Month
from denghuo.kernel.problem import Problem, Unavailable, text
from denghuo.service.billing.api import (
    AdvanceUnit,
    BilledAsAWhole,
    NothingToBill,
    PickedUp,
    UnitAdvanced,
    UnitRef,
    UnitsUnderWay,
)
from denghuo.service.billing.batch import Entry
from denghuo.service.billing.columns import MonthColumns, month_columns
from denghuo.service.billing.covered import read_terms
from denghuo.service.billing.curves import split_energy
from denghuo.service.billing.cycle import (
    RATE_SLICE,
    REVIEW_SLICE,
    by_name,
    collection_paused,
    platform_call,
    rate_part,
    review_bills,
    tariffs_of,
    write_part,
)
from denghuo.service.billing.issue import issue_passed
from denghuo.service.billing.mains import mains_again
from denghuo.service.billing.recalculation import order_again
from denghuo.service.billing.review import REMEDIES, Finding
from denghuo.service.billing.rules import Tariffs
from denghuo.service.billing.single import AccountMonths
from denghuo.service.billing.special.others import EntriesOf
from denghuo.service.billing.store import AWAITED, UNDER_WAY, BillingStore, Finished, UnitRun
from denghuo.service.contract.api import TERMS, ContractApi, PublishTerms
from denghuo.service.host.binding import Ask
from denghuo.service.reading.api import AwaitedRead, ReadingApi, UnitMonth

pc: Any = pyarrow.compute
ISSUE_SLICE = 50_000
Begun = Literal["begun", "standing", "whole"]
UNIT_TERMS = DatasetSchema(
    "billing.unit_terms", TERMS.version, TERMS.columns, text("供电单位合同条款", "Terms of a unit's contracts")
)


class UnitSteps:
    """What one call of the job worker does for a unit of a month."""

    def __init__(self, work: Work, ask: Ask) -> None:
        self._work, self._ask = work, ask
        self._store = BillingStore(work)

    def advance(self, call: Call, request: AdvanceUnit) -> UnitAdvanced:
        unit = self._store.units.unit(request.month, request.org)
        again = False
        by_unit = self._store.cycles.state(request.month) == "units"
        if unit is not None and by_unit and unit.epoch == request.epoch and unit.state in UNDER_WAY:
            steps = {"reading": self._read, "rating": self._rate, "review": self._review, "issuing": self._issue}
            try:
                again = steps[unit.state](call, unit)
            except Unavailable:
                raise
            except Problem as problem:
                # Said on the board, instead of a job that dies in silence; a start tries again.
                self._store.units.fail(unit, TextPair(**problem.detail))
        return UnitAdvanced(month=request.month, org=request.org, again=again)

    # -- steps -----------------------------------------------------------------------------------------------------------

    def _read(self, call: Call, unit: UnitRun) -> bool:
        system, month = platform_call(call), Month.of(unit.month)
        read = self._ask(ReadingApi).read_unit(system, UnitMonth(month=unit.month, org=unit.org))
        whole = self._ask(ContractApi).publish_terms(system, PublishTerms(month=unit.month))
        mine = self._work.datasets.scan(whole)
        mine = mine.filter(pc.equal(mine["org"], unit.org))
        if not len(mine):
            raise NothingToBill(
                text(
                    f"供电单位 {unit.org} 在 {unit.month} 没有可核算的合同；请按供电所启动。",
                    f"Unit {unit.org} has no contract to bill in {unit.month}; start the station that has them.",
                ),
                month=unit.month,
                org=unit.org,
            )
        mine = read_terms(self._work.datasets, self._ask, system, month, read, mine)
        awaited = {one.account_no: one for one in read.awaited}
        late = pc.is_in(mine["account_no"], value_set=pa.array(sorted(awaited), pa.string()))
        terms = self._publish(unit, mine.filter(pc.invert(late)), call)
        tariffs = tariffs_of(self._ask, call, month)
        energy = split_energy(
            self._work.datasets, self._ask, system, month, tariffs, terms, read.energy, shard=unit.org
        )
        if self._store.units.take_step(unit):
            self._store.held.hold(_waiting(unit, mine.filter(late), awaited), call.now)
            later = 0 if read.waiting is None else read.waiting.row_count
            self._store.units.note_inputs(unit, terms, energy, read.due, read.read, later)
            self._store.units.enter(unit, "rating", call.now)
        return True

    def _publish(self, unit: UnitRun, terms: pa.Table, call: Call) -> DatasetRef:
        return self._work.datasets.publish(UNIT_TERMS, unit.month, unit.org, terms, call.now)

    def _rate(self, call: Call, unit: UnitRun) -> bool:
        assert unit.terms_ref is not None and unit.energy_ref is not None  # the step before this one wrote them
        columns = month_columns(self._work.datasets, unit.terms_ref, unit.energy_ref)
        if unit.done == len(columns):
            # Everybody waits for a read.
            if self._store.units.take_step(unit):
                self._store.units.enter(unit, "review", call.now)
            return True
        part = columns.part(unit.done, unit.done + RATE_SLICE)
        with collection_paused():
            tariffs = tariffs_of(self._ask, call, Month.of(unit.month))
            others = self._entries_of(call, unit.month, tariffs, columns)
            rated = rate_part(self._store, self._ask, call, unit.month, part, tariffs, others)
            if not self._store.units.take_step(unit):
                return True
            limits = self._store.held.limits()
            if unit.limits is None:
                self._store.units.note_limits(unit, by_name(limits))
            write_part(self._store, unit.month, part, rated, limits, call)
        done = unit.done + len(part)
        self._store.units.rated(unit, done, len(columns), call.now)
        if done == len(columns):
            self._store.units.enter(unit, "review", call.now)
        return True

    def _review(self, call: Call, unit: UnitRun) -> bool:
        if not self._store.units.take_step(unit):
            return True
        limits = by_name(self._store.held.limits())
        if limits != unit.limits:
            # Bills passed by other limits when they were rated.
            self._store.bills.review_again(unit.month, unit.org)
            self._store.units.note_limits(unit, limits)
        bills = self._store.bills.to_review(unit.month, REVIEW_SLICE, org=unit.org)
        review_bills(self._store, unit.month, bills, call)
        if len(bills) < REVIEW_SLICE:
            self._store.units.enter(unit, "issuing", call.now)
            self._work.enqueue("billing.keep_tasks", {"month": unit.month})
        return True

    def _issue(self, call: Call, unit: UnitRun) -> bool:
        if not self._store.units.take_step(unit, issuing=True):
            return True
        issued = issue_passed(self._work, self._store, unit.month, ISSUE_SLICE, call, unit.org)
        if issued.count == ISSUE_SLICE:
            return True
        self._store.units.enter(unit, "issued", call.now)
        if self._store.units.waiting(unit.month, unit.org):
            # Reads may have arrived while the others were billed.
            self._work.enqueue("billing.pick_up", {"month": unit.month, "org": unit.org})
        return False

    def _entries_of(self, call: Call, month: str, tariffs: Tariffs, columns: MonthColumns) -> EntriesOf:
        """Entries of other accounts: of the unit from its columns, of another unit as that account stands."""
        others = AccountMonths(self._ask, platform_call(call), Month.of(month), tariffs)

        def entries(account_no: str) -> list[Entry]:
            return columns.of(account_no) or others.of(account_no)

        return entries

    # -- what waited -----------------------------------------------------------------------------------------------------

    def pick_up(self, call: Call, request: UnitRef) -> PickedUp:
        """Orders the accounts whose reads have arrived to be calculated, by one job; nobody else is touched."""
        waiting = self._store.units.waiting(request.month, request.org)
        if not waiting:
            return PickedUp(month=request.month, org=request.org, picked=0, waiting=0)
        asked = UnitMonth(month=request.month, org=request.org)
        absent = {one.account_no for one in self._ask(ReadingApi).awaited(platform_call(call), asked).rows}
        arrived = [account_no for account_no in waiting if account_no not in absent]
        order_again(self._work, self._store, call, request.month, "reads", dict.fromkeys(arrived, request.org))
        mains_again(self._work, self._store, self._ask, call, request.month, arrived)
        return PickedUp(month=request.month, org=request.org, picked=len(arrived), waiting=len(waiting) - len(arrived))


def begin_unit(work: Work, store: BillingStore, call: Call, month: str, org: str) -> Begun:
    """Begins a unit, or takes up one that failed or was stopped; one that was begun goes on as it is ("standing").

    "whole": the month is run as a whole, and nothing was begun.
    """
    store.cycles.start(month, call.actor, call.now, state="units")
    if not store.cycles.keeps_units(month):
        return "whole"
    epoch = store.units.begin(month, org, call.actor, call.now)
    if epoch is None:
        return "standing"
    work.enqueue("billing.advance_unit", {"month": month, "org": org, "epoch": epoch})
    return "begun"


def follow_reads(work: Work, store: BillingStore, call: Call, month: str, org: str, due: int, read: int) -> None:
    """What was told of a unit's reads: the unit begins where it may, and who waited is looked at again."""
    unit = store.units.note_reads(month, org, due, read)
    active, share = store.units.auto_start()
    if unit.state == "issued":
        work.enqueue("billing.pick_up", {"month": month, "org": org})
        return
    enough = active and 0 < unit.due * share <= unit.read * 100
    if unit.state == "planned" and enough and Month.of(month).period.end <= call.now:
        begin_unit(work, store, call, month, org)


def whole_after_units(work: Work, store: BillingStore, call: Call, month: str) -> None:
    """The whole month is run after units of it were: what is not issued yet is billed, what is stays.

    Raises:
        UnitsUnderWay: a unit is being billed.
    """
    store.cycles.lock(month)
    under_way = store.units.under_way(month)
    if under_way:
        raise UnitsUnderWay(
            text(
                f"{month} 有 {len(under_way)} 个单位正在核算（{'、'.join(under_way[:5])}），请待其结束后再启动全月核算。",
                f"{len(under_way)} units of {month} are being billed ({', '.join(under_way[:5])}); start the month after them.",
            ),
            month=month,
            units=under_way,
        )
    epoch = store.cycles.take_whole(month, call.actor, call.now)
    if epoch is not None:
        store.units.end_waiting(month, call.now)
        work.enqueue("billing.advance_cycle", {"month": month, "epoch": epoch})


def billed_as_a_whole(month: str) -> BilledAsAWhole:
    """The problem of a month that was started for the whole company."""
    return BilledAsAWhole(
        text(
            f"{month} 已按全公司启动核算，不再按单位启动；请在月度核算页查看进度，遗留户在核算异常中处理。",
            f"{month} was started for the whole company and is not started by unit; see the month's run for its progress and the"
            " exceptions for what is left.",
        ),
        month=month,
    )


def _waiting(unit: UnitRun, terms: pa.Table, awaited: Mapping[str, AwaitedRead]) -> list[Finished]:
    """The exceptions of accounts without a read, one for each contract."""
    found: dict[tuple[str, str], Finished] = {}
    for row in terms.select(["account_no", "org", "kind", "tariff_class"]).to_pylist():
        one = awaited[row["account_no"]]
        reason = TextPair(
            zh=f"表计 {one.meter_no} 没有 {unit.month} 月末示数，该户待抄表到达后自动核算；同单位其他用户先行发行。",
            en=f"Meter {one.meter_no} shows nothing at the end of {unit.month}; the account is billed by itself once its read"
            " arrives, and the others of its unit go first.",
        )
        finding = Finding(AWAITED, reason, REMEDIES[AWAITED], {"meter_no": one.meter_no, "point_no": one.point_no})
        found[row["account_no"], row["kind"]] = Finished(
            month=unit.month,
            account_no=row["account_no"],
            org=row["org"],
            kind=row["kind"],
            tariff_class=row["tariff_class"],
            finding=finding,
            pieces=[],
        )
    return list(found.values())
