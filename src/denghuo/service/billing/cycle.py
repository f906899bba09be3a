"""The steps of a month's cycle. Each step asks its peers and computes first, then takes the cycle's row and writes.

A step that was overtaken (by a stop, a resume or another worker) writes nothing; a step that was killed is done again from the
progress that was committed with the last one. So the month can be ended anywhere and goes on without a bill lost or doubled.
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call, DatasetRef
from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import Month
from denghuo.kernel.problem import Problem, Unavailable
from denghuo.service.billing.api import Advance, Advanced
from denghuo.service.billing.batch import Entry, Terms
from denghuo.service.billing.calendar import calendars_of
from denghuo.service.billing.columns import MonthColumns, MonthPart, month_columns
from denghuo.service.billing.covered import READ_TERMS, earliest, months_from, read_terms
from denghuo.service.billing.curves import split_energy
from denghuo.service.billing.issue import issue_passed
from denghuo.service.billing.passing import HOURS_A_DAY, Before, passing
from denghuo.service.billing.rating import Draft, Rating
from denghuo.service.billing.review import Figures, Finding, Limits, finding, review, rule_of
from denghuo.service.billing.rules import Tariffs
from denghuo.service.billing.special.others import EntriesOf
from denghuo.service.billing.special.said import special_of
from denghuo.service.billing.special.subs import with_subs
from denghuo.service.billing.spot import Spot
from denghuo.service.billing.stage_curves import stage_pieces
from denghuo.service.billing.store import UNISSUED, BillingStore, CycleState, Finished, ToReview, finished
from denghuo.service.billing.tenure import Tenure, TenureOf, tenure_of
from denghuo.service.billing.whole import ColumnBills, bills_by_columns
from denghuo.service.contract.api import ContractApi, ContractRef, PublishTerms
from denghuo.service.contract.api import Terms as Agreed
from denghuo.service.host.binding import Ask
from denghuo.service.reading.api import MonthRead, MonthRef, ReadingApi
from denghuo.service.tariff.api import InForce, TariffApi, UnitAreas

RATE_SLICE = 50_000
REVIEW_SLICE = 10_000
ISSUE_SLICE = 50_000
NO_NUMBER_LEFT = finding(
    "rating_failed",
    "该户本月同类账单已达 99 张，账单编号用尽，不能再出账；请以退补工单结清差额。",
    "The account has 99 bills of this kind in the month, the most that their numbers can tell apart; settle what is left by a case"
    " of back-billing or refund of a later month.",
)


class CycleSteps:
    """What one call of the job worker does for a month."""

    def __init__(self, work: Work, ask: Ask) -> None:
        self._work = work
        self._ask = ask
        self._store = BillingStore(work)

    def advance(self, call: Call, request: Advance) -> Advanced:
        cycle = self._store.cycles.cycle(request.month)
        if cycle is None or cycle.state != "running" or cycle.epoch != request.epoch:
            return Advanced(month=request.month, stage=cycle.stage if cycle else "plan", again=False)  # type: ignore[arg-type]
        step = {
            "plan": self._plan,
            "read": self._read,
            "rate": self._rate,
            "review": self._review,
            "issue": self._issue,
        }[cycle.stage]
        try:
            again = step(call, cycle, self._store.cycles.stages(cycle.month)[cycle.stage].done)
        except Unavailable:
            raise
        except Problem as problem:
            # Said where the person looks, instead of a job that dies in silence; a resume tries again.
            self._store.cycles.fail(cycle.month, TextPair(**problem.detail), call.now)
            again = False
        return Advanced(month=cycle.month, stage=cycle.stage, again=again)  # type: ignore[arg-type]  # text of the table

    # -- stages ------------------------------------------------------------------------------------------------------------

    def _plan(self, call: Call, cycle: CycleState, done: int) -> bool:
        system = platform_call(call)
        planned = self._ask(ReadingApi).plan_month(system, MonthRef(month=cycle.month))
        terms = self._ask(ContractApi).publish_terms(system, PublishTerms(month=cycle.month))
        if self._store.cycles.take_step(cycle, done):
            self._store.cycles.note_inputs(cycle.month, terms, None, contracts_in(self._work, terms))
            self._store.cycles.end_stage(cycle.month, "plan", planned.points, call.now)
        return True

    def _read(self, call: Call, cycle: CycleState, done: int) -> bool:
        read = self._ask(ReadingApi).read_month(platform_call(call), MonthRef(month=cycle.month))
        assert cycle.terms_ref is not None  # the stage before this one wrote it
        terms = self._read_terms(call, cycle.month, cycle.terms_ref, read)
        energy = with_curves(self._work, self._ask, call, cycle.month, terms, read.energy)
        if self._store.cycles.take_step(cycle, done):
            contracts = contracts_in(self._work, terms) if terms != cycle.terms_ref else None
            later = 0 if read.waiting is None else read.waiting.row_count
            self._store.cycles.note_inputs(cycle.month, terms, energy, contracts, later)
            self._store.cycles.end_stage(cycle.month, "read", read.points, call.now)
        return True

    def _read_terms(self, call: Call, month: str, planned: DatasetRef, read: MonthRead) -> DatasetRef:
        """The terms of the contracts that are read in the month; those that were planned where nobody waits for another month."""
        datasets = self._work.datasets
        table = datasets.scan(planned)
        found = read_terms(datasets, self._ask, platform_call(call), Month.of(month), read, table)
        return planned if found is table else datasets.publish(READ_TERMS, month, "all", found, call.now)

    def _rate(self, call: Call, cycle: CycleState, done: int) -> bool:
        month = self._columns(cycle)
        total = len(month)
        part = month.part(done, done + RATE_SLICE)
        with collection_paused():
            tariffs = tariffs_of(self._ask, call, Month.of(cycle.month))
            rated = rate_part(self._store, self._ask, call, cycle.month, part, tariffs)
            if not self._store.cycles.take_step(cycle, done):
                return True
            limits = self._store.held.limits()
            if cycle.limits is None:
                self._store.cycles.note_limits(cycle.month, by_name(limits))
            write_part(self._store, cycle.month, part, rated, limits, call)
        self._store.cycles.begin_stage(cycle.month, "rate", total, call.now)
        if done + len(part) < total:
            self._store.cycles.progress(cycle.month, "rate", done + len(part))
        else:
            self._store.cycles.end_stage(cycle.month, "rate", total, call.now)
        return True

    def _review(self, call: Call, cycle: CycleState, done: int) -> bool:
        if not self._store.cycles.take_step(cycle, done):
            return True
        limits = by_name(self._store.held.limits())
        if limits != cycle.limits:
            # Bills passed by other limits when they were rated.
            self._store.bills.review_again(cycle.month)
            self._store.cycles.note_limits(cycle.month, limits)
        bills = self._store.bills.to_review(cycle.month, REVIEW_SLICE)
        review_bills(self._store, cycle.month, bills, call)
        counts = self._store.bills.counts(cycle.month)
        total, left = sum(counts.values()), counts.get("rated", 0)
        self._store.cycles.begin_stage(cycle.month, "review", total, call.now)
        if left:
            self._store.cycles.progress(cycle.month, "review", total - left)
        else:
            self._store.cycles.end_stage(cycle.month, "review", total, call.now)
            self._work.enqueue("billing.keep_tasks", {"month": cycle.month})
        return True

    def _issue(self, call: Call, cycle: CycleState, done: int) -> bool:
        if not self._store.cycles.take_step(cycle, done):
            return True
        if done == 0:
            passed = self._store.bills.counts(cycle.month).get("passed", 0)
            self._store.cycles.begin_stage(cycle.month, "issue", passed, call.now)
        issued = issue_passed(self._work, self._store, cycle.month, ISSUE_SLICE, call)
        if issued.count == ISSUE_SLICE:
            self._store.cycles.progress(cycle.month, "issue", done + issued.count)
            return True
        self._store.cycles.end_stage(cycle.month, "issue", done + issued.count, call.now)
        # What was forecast of the month can be held against its bills now.
        self._work.enqueue("billing.measure_forecast", {"month": cycle.month})
        return False

    def _columns(self, cycle: CycleState) -> MonthColumns:
        terms, energy = cycle.terms_ref, cycle.energy_ref
        assert terms is not None and energy is not None  # the stages before this one wrote them
        return month_columns(self._work.datasets, terms, energy)


def by_name(limits: Limits) -> dict[str, int]:
    """Limits of the review by the names under which a cycle keeps them."""
    return {" ".join(name): limit for name, limit in sorted(limits.items())}


# --- parts that a recalculation shares --------------------------------------------------------------------------------------


def platform_call(call: Call) -> Call:
    """The platform's own call for steps over the whole company, in the name of the one who started them."""
    return Call.system(call.now, actor=call.actor)


@contextmanager
def collection_paused() -> Iterator[None]:
    """Keeps the cycle collector off while a slice is rated and written.

    A slice makes many objects that all live until it is written and are in no cycle; each full collection would walk over them
    and over the month's inputs, which costs a third of the rating.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def contracts_in(work: Work, terms: DatasetRef) -> int:
    """How many contracts a dataset of terms holds."""
    table = work.datasets.scan(terms, ["account_no", "kind"])
    return table.group_by(["account_no", "kind"]).aggregate([]).num_rows


def tariffs_of(
    ask: Ask, call: Call, month: Month, known_at: datetime | None = None, first: Month | None = None
) -> Tariffs:
    """The tariffs in force on days of the month, or of the months from the first to it. known_at: by what was published until
    then."""
    begins, last = (first or month).first_day, date.fromordinal(month.next.first_day.toordinal() - 1)
    told = ask(TariffApi).in_force(platform_call(call), InForce(on=begins, until=last, known_at=known_at))
    return Tariffs(told.tariffs, UnitAreas(told.unit_areas))


def with_curves(work: Work, ask: Ask, call: Call, month: str, terms: DatasetRef, energy: DatasetRef) -> DatasetRef:
    """The month's energies with the bands that curves give."""
    tariffs = tariffs_of(ask, call, Month.of(month))
    return split_energy(work.datasets, ask, platform_call(call), Month.of(month), tariffs, terms, energy)


def tenures(ask: Ask, call: Call, known_at: datetime | None = None) -> TenureOf:
    """Tells when a contract has its class, as far as that was known at an instant; each contract is asked about once."""

    @cache
    def history(contract_no: str) -> list[Agreed]:
        asked = ContractRef(contract_no=contract_no, known_at=known_at)
        return ask(ContractApi).terms_of(platform_call(call), asked).history

    def tenure(terms: Terms) -> Tenure:
        return tenure_of(history(terms.contract_no), terms)

    return tenure


@dataclass(frozen=True)
class RatedPart:
    """Bills of a part of a month: by columns, with what their accounts had before, and by the rules what the columns leave; and
    what cannot be rated."""

    columns: ColumnBills
    before: Before
    entries: list[Entry]
    drafts: list[Draft]
    held: list[Finished]


def rate_part(
    store: BillingStore,
    ask: Ask,
    call: Call,
    month: str,
    part: MonthPart,
    tariffs: Tariffs,
    entries_of: EntriesOf | None = None,
) -> RatedPart:
    """Rates contracts of a month, all by columns that the columns carry.

    entries_of: where not all accounts are in the part's month.
    """
    span = part.accounts
    use = store.year_use.use_columns(span, month)
    # A bill that follows one that was taken back has the next number: the rules' way knows it.
    taken_back = store.bills.taken_back(month, span)
    found = bills_by_columns(part, Month.of(month), use, tariffs, taken_back)
    others = store.bills.others_before(month)
    accounts = [str(one) for one in found.bills["account_no"].unique().to_pylist()] if others else []
    before = Before(use, store.bills.tariffs_before(accounts, month), others)
    entries = part.entries(found.left)
    drafts, held = rate_entries(store, ask, call, month, entries, entries_of or part.month.of, tariffs)
    return RatedPart(found, before, entries, drafts, held)


def write_part(store: BillingStore, month: str, part: MonthPart, rated: RatedPart, limits: Limits, call: Call) -> None:
    """Puts the bills of a part in the place of the drafts before; those that no review rule can hold pass.

    What was issued stands.
    """
    standing = store.bills.standing_of(month, part.accounts)
    made = rated.columns
    if standing:
        pairs = zip(made.bills["account_no"].to_pylist(), made.bills["kind"].to_pylist(), strict=True)
        mine = {pair: place for place, pair in enumerate(pairs)}
        store.bills.drop([number for key, (number, state) in standing.items() if key in mine and state in UNISSUED])
        issued = [mine[key] for key, (_, state) in standing.items() if key in mine and state not in UNISSUED]
        made = made.without(issued)
    store.bills.add_columns(made, passing(made, limits, rated.before, Month.of(month).first_day), call.now)
    write_drafts(store, month, rated.entries, rated.drafts, rated.held, call)


def rate_entries(
    store: BillingStore,
    ask: Ask,
    call: Call,
    month: str,
    entries: Sequence[Entry],
    entries_of: EntriesOf,
    tariffs: Tariffs,
    known_at: datetime | None = None,
) -> tuple[list[Draft], list[Finished]]:
    """Draft bills of the entries, and the exceptions of those that cannot be rated.

    entries_of: the month's entries of other accounts. known_at: as far as things were known then, else as they are.
    """
    entries = [with_subs(entry, entries_of) for entry in entries]
    plants = [entry.account_no for entry in entries if entry.kind == "purchase"]
    subsidised = store.year_use.subsidised(plants, month, known_at) if plants else {}
    since = earliest(entries, Month.of(month))
    if since < Month.of(month):
        known = {(one.code, one.version) for one in tariffs}
        earlier = tariffs_of(ask, call, Month.of(month).previous, known_at, since)
        more = [one for one in earlier if (one.code, one.version) not in known]
        tariffs = Tariffs([*tariffs, *more], tariffs.areas)
    spot = Spot(ask, platform_call(call), Month.of(month), known_at)
    spot.prepare(entries, special_of)
    calendars = calendars_of(ask, platform_call(call), known_at)
    rating = Rating(
        Month.of(month),
        tariffs,
        tenures(ask, call, known_at),
        entries_of,
        subsidised=lambda one: subsidised.get(one, 0),
        market_of=spot.of,
        calendar_of=lambda tariff, one: calendars(one).of(tariff),
    )
    stages = stage_pieces(ask, platform_call(call), Month.of(month), rating, entries, known_at)
    use = store.year_use.used([entry.account_no for entry in entries if entry.kind == "supply"], month, known_at)
    numbers = store.bills.next_numbers(month, [entry.account_no for entry in entries])
    drafts: list[Draft] = []
    held: list[Finished] = []
    for entry in entries:
        outcome = rating.outcome(entry, use.get(entry.account_no, {}), stages)
        number = numbers.get((entry.account_no, entry.kind), "")
        if number is None:
            held.append(finished(month, entry, NO_NUMBER_LEFT))
        elif isinstance(outcome, Draft):
            drafts.append(replace(outcome, bill_no=number or outcome.bill_no))
        else:
            held.append(finished(month, entry, outcome))
    return drafts, held


def write_drafts(
    store: BillingStore,
    month: str,
    entries: Sequence[Entry],
    drafts: Sequence[Draft],
    held: Sequence[Finished],
    call: Call,
) -> None:
    """Puts drafts in the place of the ones before. What was issued stands, whatever the drafts say."""
    standing = store.bills.standing(month, sorted({entry.account_no for entry in entries}))
    issued = {key for key, (_, state) in standing.items() if state not in UNISSUED}
    mine = {(entry.account_no, entry.kind) for entry in entries}
    store.bills.drop([number for key, (number, state) in standing.items() if key in mine and state in UNISSUED])
    store.bills.add_drafts(
        month, [draft for draft in drafts if (draft.entry.account_no, draft.entry.kind) not in issued], call.now
    )
    store.held.hold([one for one in held if (one.account_no, one.kind) not in issued], call.now)


def review_bills(store: BillingStore, month: str, bills: Sequence[ToReview], call: Call) -> list[Finished]:
    """Lets rated bills pass, or holds them with a reason; gives what was found. What a person released holds no more, and rules
    that only note hold nothing."""
    limits, notes = store.held.limits_and_notes()
    use = store.year_use.used([bill.account_no for bill in bills], month)
    found = [
        (bill, finding)
        for bill in bills
        for finding in findings_of(month, bill, limits, tuple(use.get(bill.account_no, {}).values()))
    ]
    registers = store.bills.registers([bill.bill_no for bill, _ in found])
    held = [
        Finished(
            month=month,
            account_no=bill.account_no,
            org=bill.org,
            kind=bill.kind,
            tariff_class=bill.tariff_class,
            finding=finding,
            pieces=registers[bill.bill_no],
            bill_no=bill.bill_no,
            energy_wh=bill.energy_wh,
            amount_fen=bill.amount_fen,
            note=rule_of(finding.code, bill.kind, bill.tariff_class, limits) in notes,
        )
        for bill, finding in found
    ]
    store.held.hold(held, call.now)
    still = store.held.still_held([one.bill_no for one in held if one.bill_no is not None])
    store.bills.set_states(sorted(still), "held")
    store.bills.set_states([bill.bill_no for bill in bills if bill.bill_no not in still], "passed")
    return held


def findings_of(month: str, bill: ToReview, limits: Limits, earlier_wh: tuple[int, ...]) -> list[Finding]:
    """What the review finds in a rated bill. earlier_wh: energies of earlier months that are known, in Wh."""
    days = (bill.to_on - bill.from_on).days + 1
    months = len(months_from(Month.holding(bill.from_on), Month.holding(bill.to_on)))
    since = bill.monthly_from
    figures = Figures(
        kind=bill.kind,
        tariff_class=bill.tariff_class,
        energy_wh=bill.energy_wh,
        amount_fen=bill.amount_fen,
        days=days,
        hours=days * HOURS_A_DAY,
        estimated_days=bill.estimated_days,
        contract_w=bill.contract_w,
        pv_w=bill.pv_w,
        earlier_wh=earlier_wh if bill.kind == "supply" else (),
        questions=tuple(TextPair(zh=remark["zh"], en=remark["en"]) for remark in bill.remarks if remark.get("review")),
        tariff=bill.tariff_code,
        tariff_before=bill.tariff_before,
        first=bill.others_before and bill.tariff_before is None and not earlier_wh,
        amount_before_fen=bill.amount_before_fen,
        months=months,
        months_before=bill.months_before or 1,
        old_price_from=since if since is not None and since < Month.of(month).first_day else None,
    )
    return review(figures, limits)
