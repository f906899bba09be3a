"""Takes cases of back-billing and refund (退补立案), and carries out what another person agreed to.

What is agreed to is what was worked out when the case was opened: its months, lines and total are kept with it and issued as they
are. Where a bill of it no longer stands by then, or another adjustment came first, the case is void and nothing is issued.
"""

from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Any

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import Month
from denghuo.kernel.problem import text
from denghuo.kernel.values import Money
from denghuo.service.billing.api.case import CASE_CAUSES, NotAdjustable, OpenCase
from denghuo.service.billing.cases.basis import Basis
from denghuo.service.billing.cases.correct import corrected, months_of
from denghuo.service.billing.cases.facts import facts_of, require_facts
from denghuo.service.billing.cases.segments import Segment, rating_of, segment
from denghuo.service.billing.cases.standing import standing_months, tell_moved
from denghuo.service.billing.cases.stated import stated
from denghuo.service.billing.cycle import platform_call
from denghuo.service.billing.issue import issue_bills
from denghuo.service.billing.lines import BasicSpan, BillLine
from denghuo.service.billing.proving import Prover
from denghuo.service.billing.rules import Tariffs
from denghuo.service.billing.rules.difference import differences
from denghuo.service.billing.store import BillingStore
from denghuo.service.billing.used import Used
from denghuo.service.host.binding import Ask
from denghuo.service.tariff.api import InForce, TariffApi, TariffDocument, UnitAreas
from denghuo.service.workflow.api import RequestApproval, WorkflowApi

KIND = "billing.case"
APPROVER = "manager"
Row = dict[str, Any]


class CaseDesk:
    def __init__(self, work: Work, ask: Ask, call: Call) -> None:
        self._work, self._ask, self._call = work, ask, call
        self._store = BillingStore(work)
        self._prover = Prover(self._store, ask, platform_call(call))
        self._tariff = cache(self._tariff_of)
        self._in_force = cache(self._tariffs_on)

    # -- opening ---------------------------------------------------------------------------------------------------------

    def open(self, case: OpenCase) -> str:
        """Works a case out, keeps it and asks another person; gives its number.

        Raises:
            NotTriable: a fact does not fit.
            NotAdjustable: nothing was billed in its days, another case settles them, or nothing differs.
            CannotRate: a month cannot be rated as it should be.
        """
        require_facts(case)
        self._alone(case)
        rows = self._bills(case)
        facts = stated(case)
        segments = [] if facts is not None else self._segments(case, rows)
        lines = self._lines(segments) if facts is None else facts.lines_for(rows[-1], case)
        total = Money(sum(line.amount.fen for line in lines))
        if not total:
            raise _no_difference(case)
        energy = sum(one.energy_wh for one in segments) if facts is None else facts.energy_wh
        number = self._store.cases.next_no(self._call.today.year)
        asked = _approval(number, case, rows[-1], total)
        approval_no = self._ask(WorkflowApi).request_approval(self._call.only("workflow.raise"), asked).approval_no
        self._store.proofs.keep_tariffs(self._new_tariffs(segments))
        self._store.cases.keep(
            {
                "case_no": number,
                "org": rows[-1]["org"],
                "account_no": case.account_no,
                "kind": case.kind,
                "cause": case.cause,
                "from_on": case.from_on,
                "to_on": case.to_on,
                "reason": case.reason,
                "evidence": case.evidence,
                "facts": facts_of(case),
                "energy_wh": energy,
                "amount_fen": total.fen,
                "approval_no": approval_no,
                "opened_by": self._call.actor,
                "opened_at": self._call.now,
            },
            [_segment_row(one) for one in segments] or [_link_row(row) for row in rows],
            lines,
        )
        return number

    def _alone(self, case: OpenCase) -> None:
        known = self._store.cases.overlapping(case.account_no, case.kind, case.cause, case.from_on, case.to_on)
        if known is None:
            return
        cause = CASE_CAUSES.entries[case.cause]
        raise NotAdjustable(
            text(
                f"{known['from_on']} 至 {known['to_on']} 已有“{cause['zh']}”退补 {known['case_no']}；"
                "请先撤回或冲销该退补，或改用其他起止日。",
                f"Case {known['case_no']} for {cause['en'].lower()} covers {known['from_on']} to {known['to_on']}; withdraw it or"
                " take its bill back first, or choose other days.",
            ),
            why="known",
            account_no=case.account_no,
            case_no=known["case_no"],
        )

    def _bills(self, case: OpenCase) -> list[Row]:
        """The bills of the months of a case, each with a basis."""
        months = list(months_of(case))
        rows = self._store.cases.bills(case.account_no, case.kind, [str(month) for month in months])
        rows = [row for row in rows if row["from_on"] <= case.to_on and row["to_on"] >= case.from_on]
        billed = {row["month"] for row in rows}
        missing = [str(month) for month in months if str(month) not in billed]
        if not rows or (missing and case.cause not in STATED):
            shown = "、".join(missing[:6]) or str(months[0])
            raise NotAdjustable(
                text(
                    f"户号 {case.account_no} 在 {shown} 没有有效的已发行账单，请核对户号与起止日。",
                    f"Account {case.account_no} has no issued bill that stands in {shown.replace('、', ', ')}; check account and"
                    " days.",
                ),
                why="nothing_billed",
                account_no=case.account_no,
                month=missing[0] if missing else str(months[0]),
            )
        old = next((row for row in rows if row["rating"] is None), None)
        if old is not None and case.cause not in STATED:
            raise NotAdjustable(
                text(
                    f"{old['month']} 的账单未留存计费依据，不能重算；请按“其他退补”逐段填写金额。",
                    f"The bill of {old['month']} is older than the keeping of its terms; state the amounts as another refund.",
                ),
                why="not_kept",
                account_no=case.account_no,
                month=old["month"],
            )
        return rows

    def _segments(self, case: OpenCase, rows: Sequence[Row]) -> list[Segment]:
        found: list[Segment] = []
        for row, standing in zip(rows, standing_months(self._store, rows), strict=True):
            span = BasicSpan(
                first_day=row["from_on"],
                last_day=row["to_on"],
                capacity_va=row["capacity_va"],
                contract_w=row["contract_w"],
            )
            right = corrected(case, standing.basis, standing.month, span, self._in_force, row["org"])
            found.append(segment(standing, right, found, self._tariff))
        return found

    def _lines(self, segments: Sequence[Segment]) -> list[BillLine]:
        return [
            line
            for one in segments
            for line in differences(
                one.rated_was, one.rated_now, one.standing.first_day, one.standing.basis.to_on, one.why
            )
        ]

    # -- carrying out ----------------------------------------------------------------------------------------------------

    def decided(self, approval_no: int, agreed: bool, by: str) -> None:
        """What another person decided. Heard twice it changes nothing twice."""
        case = self._store.cases.waiting(approval_no)
        if case is None:
            return
        if not agreed or not self._carry_out(case, by):
            self._store.cases.settle(case["case_no"], "void" if agreed else "refused", by, self._call.now)

    def withdrawn(self, approval_no: int, by: str) -> None:
        """Whoever opened the case took it back."""
        case = self._store.cases.waiting(approval_no)
        if case is not None:
            self._store.cases.settle(case["case_no"], "withdrawn", by, self._call.now)

    def _carry_out(self, case: Row, by: str) -> bool:
        """Issues the adjustment bill; False where a bill of the case no longer stands as it did."""
        segments = self._store.cases.segments(case["case_no"])
        month = segments[-1]["month"]
        self._store.cycles.lock(month)
        numbers = [one["bill_no"] for one in segments]
        if self._store.cases.hold_bills(numbers) < len(numbers):
            return False
        newest = self._store.cases.adjusted(numbers)
        if any(
            one["segment"] and one["after_case"] != newest.get(one["bill_no"], {}).get("case_no") for one in segments
        ):
            return False
        if self._tier_year_changed(case, segments):
            return False
        number = self._store.bills.next_number(month, case["account_no"], case["kind"])
        if number is None:
            return False
        lines = self._store.cases.lines(case["case_no"])
        rating = self._rating(case, segments, lines)
        span = (case["from_on"], case["to_on"])
        self._store.cases.add_bill(case, numbers[-1], number, rating, lines, span, [_remark(case)], self._call.now)
        self._store.cases.change_use(case["case_no"], 1, self._call.now)
        issue_bills(self._work, self._store, month, [number], self._call)
        # Settled before the months are looked at: the adjustment is what stands of them now.
        self._store.cases.settle(case["case_no"], "done", by, self._call.now, number)
        for told in tell_moved(self._store, case["account_no"], self._tariff, self._call):
            self._work.enqueue("billing.keep_tasks", {"month": told})
        return True

    def _tier_year_changed(self, case: Row, segments: Sequence[Row]) -> bool:
        """Whether the use of months before the case is another one than when the case was worked out."""
        rated = [one for one in segments if one["segment"] is not None]
        years = [
            Basis.of(one["segment"]["now"], date.fromisoformat(one["segment"]["last_day"])).tier_year(
                Month.of(one["month"]), self._tariff
            )
            for one in rated
        ]
        account, begins = case["account_no"], min((str(year) for year in years if year is not None), default=None)
        if begins is None:
            return False
        then, now = (
            self._store.year_use.used([account], rated[0]["month"], known_at).get(account, Used())
            for known_at in (case["opened_at"], None)
        )
        return any(then.get(month, 0) != now.get(month, 0) for month in then.keys() | now.keys() if month >= begins)

    def _rating(self, case: Row, segments: Sequence[Row], lines: Sequence[BillLine]) -> dict[str, Any]:
        rated = [one["segment"] for one in segments if one["segment"] is not None]
        last = rated[-1]["now"] if rated else self._store.cases.bill(segments[-1]["bill_no"])
        bill = self._store.cases.bill(segments[-1]["bill_no"])
        head = {
            "account_no": case["account_no"],
            "contract_no": bill["contract_no"],
            "kind": case["kind"],
            "month": segments[-1]["month"],
            "case_no": case["case_no"],
            "cause": case["cause"],
            "tariff_code": last["tariff_code"],
            "tariff_version": last["tariff_version"],
        }
        return rating_of(head, rated, [] if rated else lines, 0 if rated else case["energy_wh"])

    # -- parts -----------------------------------------------------------------------------------------------------------

    def _tariff_of(self, code: str, version: int) -> TariffDocument:
        """A tariff as bills were rated by it, or as it is published."""
        return self._prover.tariff(code, version)

    def _tariffs_on(self, day: date) -> Tariffs:
        told = self._ask(TariffApi).in_force(platform_call(self._call), InForce(on=day))
        return Tariffs(told.tariffs, UnitAreas(told.unit_areas))

    def _new_tariffs(self, segments: Sequence[Segment]) -> list[TariffDocument]:
        """Tariffs by which months are rated for the first time."""
        return [
            self._tariff(code, version)
            for one in segments
            for code, version in one.now.tariffs()
            if (code, version) not in one.standing.basis.tariffs()
        ]


STATED = frozenset({"theft", "breach", "refund"})
"""Causes that state what is owed instead of rating months again."""


def _segment_row(one: Segment) -> Row:
    return {
        "month": str(one.standing.month),
        "bill_no": one.standing.bill_no,
        "after_case": one.standing.after_case,
        "segment": one.kept(),
        "was_wh": one.rated_was.energy_wh,
        "now_wh": one.rated_now.energy_wh,
        "was_fen": one.rated_was.total.fen,
        "now_fen": one.rated_now.total.fen,
    }


def _link_row(row: Row) -> Row:
    """A month whose bill stays as it is and is only linked to the case."""
    same = {
        "was_wh": row["energy_wh"],
        "now_wh": row["energy_wh"],
        "was_fen": row["amount_fen"],
        "now_fen": row["amount_fen"],
    }
    return {"month": row["month"], "bill_no": row["bill_no"], "after_case": None, "segment": None} | same


def _approval(number: str, case: OpenCase, row: Row, total: Money) -> RequestApproval:
    cause = CASE_CAUSES.entries[case.cause]
    zh, en = ("追补", "to pay") if total.fen > 0 else ("退还", "given back")
    amount = Money(abs(total.fen))
    return RequestApproval(
        kind=KIND,
        subject_noun="billing",
        subject_id=number,
        title=TextPair(
            zh=f"退补（{cause['zh']}）：户号 {case.account_no}，{zh} {amount} 元",
            en=f"Case {number} ({cause['en'].lower()}): account {case.account_no}, {amount} yuan {en}",
        ),
        org=row["org"],
        role=APPROVER,
        payload={
            "account_no": case.account_no,
            "from_on": case.from_on.isoformat(),
            "to_on": case.to_on.isoformat(),
            "amount": str(total),
            "reason": case.reason,
        },
        remark=case.reason,
    )


def _no_difference(case: OpenCase) -> NotAdjustable:
    return NotAdjustable(
        text(
            "按所填内容重算，应退应补为 0.00 元，无须立案；请核对原因与起止日。",
            "Worked out by these facts nothing is owed and nothing given back (0.00 yuan); check cause and days.",
        ),
        why="no_difference",
        account_no=case.account_no,
    )


def _remark(case: Row) -> dict[str, Any]:
    cause = CASE_CAUSES.entries[case["cause"]]
    return {
        "code": "adjusts",
        "zh": f"退补账单：{cause['zh']}，{case['from_on']} 至 {case['to_on']}，退补编号 {case['case_no']}；"
        "逐月按当时电价计算的差额。",
        "en": f"Adjustment: {cause['en'].lower()}, {case['from_on']} to {case['to_on']}, case {case['case_no']}; the differences of"
        " months rated again by the prices of their own time.",
        "review": False,
    }
