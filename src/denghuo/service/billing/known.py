"""An account's month as it was known on a day (双时态复算): by what peers had recorded until its end, before the issue as after it.

Nothing that was recorded is ever overwritten: registers and curves have versions in the lake, what clerks entered and confirmed has
its time, and so have meters at points, terms of contracts, tariffs and the use of the tier year. So a month that is computed twice
for the same day comes out the same, whatever was corrected in between.
"""

from datetime import date, datetime, timedelta

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import Month, midnight
from denghuo.kernel.problem import text
from denghuo.kernel.values import Energy, Money
from denghuo.service.billing.api import BillNotFound
from denghuo.service.billing.api.replay import AsKnown, Difference, KnownBill
from denghuo.service.billing.batch import Entry
from denghuo.service.billing.cycle import platform_call, rate_entries, tariffs_of
from denghuo.service.billing.find import BillingFinder
from denghuo.service.billing.pieces import piece_json
from denghuo.service.billing.rating import Draft
from denghuo.service.billing.replay import DIFFERENCES_SHOWN, differences_of
from denghuo.service.billing.reversal import standing_on
from denghuo.service.billing.show import register, shown_line
from denghuo.service.billing.single import AccountMonths
from denghuo.service.billing.store import BillingStore, Finished
from denghuo.service.billing.store.reversals import Reversals
from denghuo.service.host.binding import Ask


def as_known(work: Work, store: BillingStore, ask: Ask, call: Call, request: AsKnown) -> KnownBill:
    """The month of an account by what was recorded until the end of a day.

    Raises:
        BillNotFound: as was known then, the account had no contract in the month; or it is outside the caller's scope.
    """
    day = request.known_on or call.today
    known_at = end_of(day, call.now)
    month = Month.of(request.month)
    tariffs = tariffs_of(ask, call, month, known_at)
    months = AccountMonths(ask, platform_call(call), month, tariffs, known_at)
    entries = [entry for entry in months.of(request.account_no) if entry.kind == request.kind]
    if not entries or not call.covers(entries[0].org):
        raise BillNotFound(
            text(
                f"截至 {day}，户号 {request.account_no} 在 {month} 没有可核算的合同，或不在您的管辖范围内。",
                f"By the end of {day} account {request.account_no} had no contract to bill in {month}, or is outside your scope.",
            ),
            account_no=request.account_no,
        )
    drafts, held = rate_entries(store, ask, call, str(month), entries, months.of, tariffs, known_at)
    return _shown(work, entries[0], (drafts or held)[0], request, day, known_at)


def end_of(day: date, now: datetime) -> datetime:
    """The last instant of a day in China; of today and of days to come, now."""
    return min(midnight(day + timedelta(days=1)) - timedelta(microseconds=1), now)


def _shown(
    work: Work, entry: Entry, outcome: Draft | Finished, request: AsKnown, day: date, known_at: datetime
) -> KnownBill:
    find = BillingFinder(work)
    chain = Reversals(work).chain(request.month, request.account_no, request.kind, issued=True)
    number = standing_on(chain, day)
    row = None if number is None else find.bill(number, issued=True)
    draft = outcome if isinstance(outcome, Draft) else None
    registers = [register(piece_json(piece)) for piece in (draft.entry if draft else entry).pieces]
    differences: list[Difference] = []
    if draft is not None and row is not None:
        lines = find.whole_lines([row["bill_no"]])[row["bill_no"]]
        differences = list(differences_of(row, lines, draft.rated))
    return KnownBill(
        account_no=request.account_no,
        month=request.month,
        kind=request.kind,
        known_on=day,
        state="held" if draft is None else "rated",
        said=outcome.finding.reason if isinstance(outcome, Finished) else _said(day, number, len(differences)),
        tariff_title=draft.tariff.title if draft else None,
        from_on=draft.first_day if draft else None,
        to_on=draft.last_day if draft else None,
        energy=Energy(draft.rated.energy_wh) if draft else None,
        used_before=Energy(draft.used_before_wh) if draft else None,
        amount=draft.rated.total if draft else None,
        remarks=[TextPair(zh=str(one["zh"]), en=str(one["en"])) for one in draft.remarks] if draft else [],
        registers=registers,
        lines=[shown_line(at, line, registers) for at, line in enumerate(draft.rated.lines, 1)] if draft else [],
        bill_no=number,
        billed=None if row is None else Money(row["amount_fen"]),
        differences=differences[:DIFFERENCES_SHOWN],
        as_of=known_at,
    )


def _said(day: date, number: str | None, differences: int) -> TextPair:
    if number is None:
        return TextPair(
            zh=f"按截至 {day} 已记录的示数、合同和电价计算；当日尚无有效的已发行账单。",
            en=f"Computed from what was recorded by the end of {day}; no issued bill stood on that day.",
        )
    if differences == 0:
        return TextPair(
            zh=f"按截至 {day} 已记录的示数、合同和电价计算，与当日有效账单 {number} 逐字一致。",
            en=f"Computed from what was recorded by the end of {day}: the same, line by line, as bill {number}, which stood then.",
        )
    return TextPair(
        zh=f"按截至 {day} 已记录的示数、合同和电价计算，与当日有效账单 {number} 有 {differences} 处不同：账单发行之后另有更正。",
        en=f"Computed from what was recorded by the end of {day}: {differences} figures or texts differ from bill {number}, which"
        " stood then; something was corrected after its issue.",
    )
