"""Proof of the books against the sub-ledgers (账实核对), and the closing of a month (结账)."""

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month
from denghuo.kernel.problem import NotPermitted, text
from denghuo.kernel.values import Money
from denghuo.service.ledger.api import (
    AskTrialBalance,
    BooksDiffer,
    CloseMonth,
    MonthClosed,
    MonthLocked,
    MonthNotOver,
    Proof,
)
from denghuo.service.ledger.store.books import Books
from denghuo.service.ledger.store.items import Items


class Closing:
    """Compares and closes within a unit of work."""

    def __init__(self, work: Work) -> None:
        self._books, self._items = Books(work), Items(work)

    def proofs(self) -> list[Proof]:
        compared = [("documents", self._books.unbalanced_documents(), 0)]
        compared += [
            (use, self._books.balance(use), self._items.detail(use))
            for use in ("receivable", "payable", "prepaid", "suspense")
        ]
        compared.append(("settled", self._items.detail("paid"), self._items.detail("allocated")))
        return [
            Proof(check=check, books=Money(books), detail=Money(detail), difference=Money(books - detail))
            for check, books, detail in compared
        ]

    def close(self, call: Call, request: CloseMonth) -> MonthClosed:
        if not call.whole_company:
            raise NotPermitted(
                text(
                    "结账涉及全公司账务，只能由公司本部岗位执行。",
                    "Closing a month concerns the books of the whole company; only a post at the company may do it.",
                ),
                permit="ledger.close",
            )
        if Month.of(request.month).period.end > call.now:
            raise MonthNotOver(
                text(
                    f"{request.month} 尚未结束，月末之后才能结账。",
                    f"{request.month} is not over yet; close it after its end.",
                ),
                month=request.month,
            )
        self._books.hold()
        closed = self._books.closed(request.month)
        if closed is not None:
            raise MonthLocked(
                text(
                    f"{request.month} 已由 {closed['closed_by']} 结账，无需再结。",
                    f"{request.month} was closed by {closed['closed_by']} already.",
                ),
                month=request.month,
            )
        wrong = [row.check for row in self.proofs() if row.difference]
        if wrong:
            raise BooksDiffer(
                text(
                    f"总账与分户账核对不符（{'、'.join(wrong)}），不能结账，请先查明。",
                    f"Books and sub-ledgers differ ({', '.join(wrong)}); find out why before closing.",
                ),
                checks=wrong,
            )
        rows, _ = self._books.trial_balance(AskTrialBalance(month=request.month))
        self._books.close(request.month, request.reason)
        return MonthClosed(
            month=request.month,
            closed_at=call.now,
            closed_by=call.actor,
            debit=Money(sum(row.debit.fen for row in rows)),
            credit=Money(sum(row.credit.fen for row in rows)),
        )
