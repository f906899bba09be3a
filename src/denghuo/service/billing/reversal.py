"""What happens to bills after their issue (全减、全减另发): an issued bill is taken back as a whole, and billed again.

A bill never changes. Its reversal is a bill of its own with every energy, quantity and amount negated, of the same registers,
terms and tariffs, issued, proved and posted as bills are; what replaces it is rated from the present readings, terms and prices,
reviewed and issued as bills are. All three have the number of the account's month with the next suffix. An adjustment bill
(cases/) is taken back in the same way; a bill that was adjusted only once its adjustments were.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.problem import text
from denghuo.kernel.values import Energy, Money
from denghuo.service.billing.api import Bill, NotIssued
from denghuo.service.billing.api.reversal import (
    ChainedBill,
    NotReversible,
    ReversalAsked,
    ReversalRequest,
    ReverseBill,
)
from denghuo.service.billing.cases.standing import tell_moved
from denghuo.service.billing.issue import issue_bills
from denghuo.service.billing.proving import Prover
from denghuo.service.billing.store import UNISSUED, BillingStore
from denghuo.service.billing.store.reversals import Reversals
from denghuo.service.host.binding import Ask
from denghuo.service.workflow.api import RequestApproval, WorkflowApi

KIND = "billing.reversal"
APPROVER = "manager"
Row = Mapping[str, Any]


class ReversalDesk:
    """Takes requests, and carries out what another person agreed to."""

    def __init__(self, work: Work, ask: Ask) -> None:
        self._work, self._ask = work, ask
        self._store, self._reversals = BillingStore(work), Reversals(work)

    def request(self, call: Call, row: Row, request: ReverseBill, rebill: bool) -> ReversalAsked:
        """Asks another person. The same request made again is answered with the one that waits.

        Raises:
            NotReversible: the bill was not issued, was taken back, takes another one back, or waits for the other decision.
        """
        before = self._reversals.newest(row["bill_no"])
        waiting = before if before is not None and before["state"] == "waiting" else None
        refused = _refused(row, waiting, rebill) or self._adjusted(row) or self._numbered(row)
        if refused is not None:
            raise refused
        if waiting is not None:
            number = waiting["approval_no"]
        else:
            wanted = _approval(row, request.reason, rebill)
            number = self._ask(WorkflowApi).request_approval(call.only("workflow.raise"), wanted).approval_no
            self._reversals.keep(number, row, rebill, request.reason, call.actor, call.now)
        return ReversalAsked(bill_no=row["bill_no"], approval_no=number, rebill=rebill, state="waiting")

    def _adjusted(self, row: Row) -> NotReversible | None:
        """Why a bill cannot be taken back for an adjustment that rests on it: the newest is taken back first."""
        if row["case_no"] is not None:
            case_no = self._store.cases.newer_on(row["case_no"])
            newer = None if case_no is None else self._store.cases.case(case_no)
            number = None if newer is None else newer["bill_no"]
        else:
            found = self._store.cases.adjusted([row["bill_no"]]).get(row["bill_no"])
            number = None if found is None else found["adjustment_no"]
        if number is None:
            return None
        return NotReversible(
            text(
                f"账单 {row['bill_no']} 已有退补账单 {number}，请先冲销该退补账单。",
                f"Bill {row['bill_no']} was adjusted by {number}; take the adjustment back first.",
            ),
            bill_no=row["bill_no"],
            why="adjusted",
            state=row["state"],
            adjusted_by=number,
        )

    def _numbered(self, row: Row) -> NotReversible | None:
        if self._store.bills.next_number(row["month"], row["account_no"], row["kind"]) is not None:
            return None
        return NotReversible(
            text(
                f"该户 {row['month']} 同类账单已达 99 张，没有可用的账单编号，不能再冲销或另发。",
                f"The account has 99 bills of the kind in {row['month']}, and no number is left for another one.",
            ),
            bill_no=row["bill_no"],
            why="no_number",
            state=row["state"],
        )

    def decided(self, call: Call, approval_no: int, agreed: bool, by: str) -> None:
        """What another person decided. Heard twice it changes nothing twice."""
        asked = self._reversals.request(approval_no)
        if asked is not None:
            state = "refused" if not agreed else "done" if self._carry_out(call, asked) else "void"
            self._reversals.settle(approval_no, state, by, call.now)

    def withdrawn(self, call: Call, approval_no: int, by: str) -> None:
        """Whoever asked took the request back: the bill may be asked about again."""
        if self._reversals.request(approval_no) is not None:
            self._reversals.settle(approval_no, "withdrawn", by, call.now)

    def linked(self, bill: Bill, customer: bool) -> Bill:
        """A bill with its chain. customer: without drafts, and without who asked for what."""
        chain = chained(self._reversals.chain(bill.month, bill.account_no, bill.kind, issued=customer))
        before, after = replacements(chain, bill.bill_no)
        asked = None if customer else self._reversals.newest(bill.bill_no)
        remarks = list(bill.remarks)
        if bill.reversed_by is not None:
            remarks.append(_taken_back(bill.reversed_by))
        return bill.model_copy(
            update={
                "chain": chain,
                "replaces": before,
                "replaced_by": after,
                "reversal": None if asked is None else ReversalRequest.model_validate(asked),
                "remarks": remarks,
            }
        )

    def known_on(self, row: Row, day: date) -> str:
        """The bill of the same account, month and kind that stood at the end of a day.

        Raises:
            NotIssued: none did.
        """
        chain = self._reversals.chain(row["month"], row["account_no"], row["kind"], issued=True)
        found = standing_on(chain, day)
        if found is None:
            raise NotIssued(
                text(
                    f"截至 {day}，该户 {row['month']} 没有有效的已发行账单。",
                    f"At the end of {day} no issued bill of {row['month']} stood for the account.",
                ),
                bill_no=row["bill_no"],
                state=row["state"],
            )
        return found

    def _carry_out(self, call: Call, asked: Row) -> bool:
        """Issues the reversal, and orders the new bill; False where the bill can no longer be taken back."""
        month = asked["month"]
        self._store.cycles.lock(month)
        bill = self._reversals.standing(asked["bill_no"])
        if bill is None or self._adjusted({**bill, "state": "issued"}) is not None:
            return False
        number = self._store.bills.next_number(month, bill["account_no"], bill["kind"])
        if number is None:
            return False
        self._reversals.add(bill, number, [_remark(bill["bill_no"])], call.now)
        if bill["case_no"] is None:
            self._reversals.take_back_use(bill, call.now)
        else:
            self._store.cases.change_use(bill["case_no"], -1, call.now)
            self._store.cases.taken_back(bill["case_no"])
        issue_bills(self._work, self._store, month, [number], call)
        self._reversals.pair(bill["bill_no"], number)
        if not asked["rebill"]:
            prover = Prover(self._store, self._ask, Call.system(call.now))
            for told in tell_moved(self._store, bill["account_no"], cache(prover.tariff), call):
                self._work.enqueue("billing.keep_tasks", {"month": told})
        if asked["rebill"]:
            # A step of its own: peers are asked for the present readings, terms and prices, and no lock is held meanwhile.
            self._work.enqueue("billing.recalculate", {"account_no": bill["account_no"], "month": month})
        return True


def chained(rows: Sequence[Row]) -> list[ChainedBill]:
    """The chain of an account's month and kind, rows in the order of their numbers and then of their cases; empty where nothing was
    taken back or adjusted."""
    if len(rows) < 2:
        return []
    found: list[ChainedBill] = []
    replaced: str | None = None
    for row in rows:
        if row["reverses"] is not None:
            role, of = "reversal", row["reverses"]
        elif row["case_no"] is not None:
            role, of = "adjustment", row["adjusts"]
        else:
            role, of = "first" if replaced is None else "replacement", replaced
            replaced = row["bill_no"]
        found.append(
            ChainedBill(
                bill_no=row["bill_no"],
                role=role,  # type: ignore[arg-type]  # one of the four
                of=of,
                energy=Energy(row["energy_wh"]),
                amount=Money(row["amount_fen"]),
                state=row["state"],
                issued_on=row["issued_on"],
            )
        )
    return found


def standing_on(rows: Sequence[Row], day: date) -> str | None:
    """The bill of a chain (in the order of numbers) that was issued by the end of a day and not taken back by then."""
    known = [row for row in rows if row["issued_on"] is not None and row["issued_on"] <= day]
    gone = {row["reverses"] for row in known}
    return next(
        (
            row["bill_no"]
            for row in known
            if row["reverses"] is None and row["case_no"] is None and row["bill_no"] not in gone
        ),
        None,
    )


def replacements(chain: Sequence[ChainedBill], bill_no: str) -> tuple[str | None, str | None]:
    """The bill that one was billed instead of, and the one that was billed instead of it."""
    linked = [(one.of, one.bill_no) for one in chain if one.role == "replacement"]
    return (
        next((before for before, after in linked if after == bill_no), None),
        next((after for before, after in linked if before == bill_no), None),
    )


def _approval(row: Row, reason: str, rebill: bool) -> RequestApproval:
    amount = Money(row["amount_fen"])
    zh, en = ("全减另发", "Take back and bill again") if rebill else ("全减", "Take back")
    return RequestApproval(
        kind=KIND,
        subject_noun="billing",
        subject_id=row["bill_no"],
        title=TextPair(
            zh=f"{zh}：账单 {row['bill_no']}，{amount} 元", en=f"{en}: bill {row['bill_no']} of {amount} yuan"
        ),
        org=row["org"],
        role=APPROVER,
        payload={"account_no": row["account_no"], "month": row["month"], "amount": str(amount), "reason": reason},
        remark=reason,
    )


def _refused(row: Row, waiting: Row | None, rebill: bool) -> NotReversible | None:
    """Why a bill cannot be taken back."""
    number, state = row["bill_no"], row["state"]
    if state in UNISSUED:
        return NotReversible(
            text(
                f"账单 {number} 尚未发行，无须冲销；请处理异常或重新算费。",
                f"Bill {number} was not issued: settle its exceptions or calculate it again instead.",
            ),
            bill_no=number,
            why="not_issued",
            state=state,
        )
    if row["reverses"] is not None:
        return NotReversible(
            text(
                f"账单 {number} 是 {row['reverses']} 的冲销账单，不能再冲销；需要出账请另发。",
                f"Bill {number} takes {row['reverses']} back and cannot be taken back itself; bill the account again.",
            ),
            bill_no=number,
            why="reversal",
            state=state,
        )
    if state == "reversed":
        return NotReversible(
            text(
                f"账单 {number} 已由 {row['reversed_by']} 冲销，不能再次冲销。",
                f"Bill {number} was taken back by {row['reversed_by']} before.",
            ),
            bill_no=number,
            why="reversed",
            state=state,
            reversed_by=row["reversed_by"],
        )
    if rebill and row["case_no"] is not None:
        return NotReversible(
            text(
                f"账单 {number} 是退补账单，只能冲销；需要重算请冲销后另立退补。",
                f"Bill {number} is an adjustment and is only taken back; open another case for what is due.",
            ),
            bill_no=number,
            why="adjustment",
            state=state,
        )
    if waiting is not None and waiting["rebill"] != rebill:
        return NotReversible(
            text(
                f"账单 {number} 已有待审批的冲销申请（审批编号 {waiting['approval_no']}），请先办结。",
                f"Another request about bill {number} waits (approval {waiting['approval_no']}); settle that one first.",
            ),
            bill_no=number,
            why="waiting",
            state=state,
            approval_no=waiting["approval_no"],
        )
    return None


def _taken_back(reversal_no: str) -> TextPair:
    return TextPair(
        zh=f"本账单已由账单 {reversal_no} 全额冲销。", en=f"This bill was taken back in full by {reversal_no}."
    )


def _remark(bill_no: str) -> dict[str, Any]:
    return {
        "code": "reverses",
        "zh": f"本账单冲销账单 {bill_no}，全部明细与其相反，两张合计为零。",
        "en": f"This bill takes bill {bill_no} back: every line is its opposite, and both come to nothing.",
        "review": False,
    }
