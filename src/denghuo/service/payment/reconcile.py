"""Reconciliation (对账): payments here, receipts in the ledger, totals of bank files; and how far a month's collection is."""

from datetime import date, timedelta

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month
from denghuo.kernel.values import Money
from denghuo.service.host.binding import Ask
from denghuo.service.ledger.api import (
    AskRecovery,
    KnownReceipt,
    LedgerApi,
    ReceiptsOf,
    ReceiptTotal,
    ReceiptTotals,
)
from denghuo.service.payment.api import (
    AskCollection,
    AskReconciliation,
    Collection,
    Difference,
    ReconciledSide,
    Reconciliation,
)
from denghuo.service.payment.store.banks import BankStore
from denghuo.service.payment.store.payments import PaymentStore

AT_ONCE = 1_000
DIFFERENCES_SHOWN = 500


class Reconciling:
    def __init__(self, work: Work, ask: Ask) -> None:
        self._ask = ask
        self._payments, self._banks = PaymentStore(work), BankStore(work)

    def reconcile(self, call: Call, request: AskReconciliation) -> Reconciliation:
        start, end = _span(request, call.today)
        ledger = call.only("ledger.books")
        totals = self._ask(LedgerApi).receipt_totals(ledger, ReceiptTotals(start=start, end=end)).rows
        differences, seen = self._compare(ledger, start, end)
        bank, files = self._bank_totals(start, end)
        differences += files
        sides = self._sides(start, end, totals, bank)
        # What the ledger has beyond the payments that were compared with it came from elsewhere.
        for side in sides:
            known = seen.get(side.method, (0, 0))
            if (side.ledger_count, side.ledger_amount.fen) != known:
                differences.append(
                    Difference(
                        subject=side.method,
                        account_no=None,
                        here=Money(known[1]),
                        there=side.ledger_amount,
                        cause="ledger_only",
                    )
                )
        agrees = all(item.cause == "suspense" for item in differences)
        return Reconciliation(
            start=start,
            end=end,
            rows=sides,
            differences=differences[:DIFFERENCES_SHOWN],
            difference_count=len(differences),
            agrees=agrees,
            as_of=call.now,
        )

    def _compare(self, ledger: Call, start: date, end: date) -> tuple[list[Difference], dict[str, tuple[int, int]]]:
        """Each payment against its receipt; and what the receipts found make by method."""
        differences: list[Difference] = []
        seen: dict[str, tuple[int, int]] = {}
        after = ""
        while rows := self._payments.of_days(start, end, after, AT_ONCE):
            after = rows[-1]["receipt_no"]
            reply = self._ask(LedgerApi).receipts_of(
                ledger, ReceiptsOf(receipt_nos=[row["receipt_no"] for row in rows])
            )
            known = {item.receipt_no: item for item in reply.rows}
            for row in rows:
                found = known.get(row["receipt_no"])
                if found is not None:
                    count, fen = seen.get(found.method, (0, 0))
                    seen[found.method] = (count + 1, fen + found.amount.fen)
                cause = _cause(row, found)
                if cause is not None:
                    differences.append(
                        Difference(
                            subject=row["receipt_no"],
                            account_no=row["account_no"],
                            here=Money(row["amount_fen"]),
                            there=found.amount if found else None,
                            cause=cause,
                        )
                    )
        return differences, seen

    def _bank_totals(self, start: date, end: date) -> tuple[dict[str, int], list[Difference]]:
        """What bank files say was paid, by method, and files whose payments here make something else."""
        sums: dict[str, int] = {}
        differences = []
        for row in self._banks.files_paid(start, end):
            method = "debit" if row["file_kind"] == "RETURN" else "bank"
            sums[method] = sums.get(method, 0) + row["paid_fen"]
            if row["paid_fen"] != row["fen"]:
                differences.append(
                    Difference(
                        subject=row["batch_no"],
                        account_no=None,
                        here=Money(row["fen"]),
                        there=Money(row["paid_fen"]),
                        cause="bank_total",
                    )
                )
        return sums, differences

    def _sides(self, start: date, end: date, totals: list[ReceiptTotal], bank: dict[str, int]) -> list[ReconciledSide]:
        ours = {row["method"]: row for row in self._payments.sums(start, end)}
        counts: dict[str, tuple[int, int]] = {}
        for row in totals:
            count, fen = counts.get(row.method, (0, 0))
            counts[row.method] = (count + row.count, fen + row.amount.fen)
        sides = []
        for method in sorted({*ours, *counts}):
            here = ours.get(method, {"count": 0, "fen": 0})
            there = counts.get(method, (0, 0))
            sides.append(
                ReconciledSide.model_validate(
                    {
                        "method": method,
                        "count": here["count"],
                        "amount": Money(here["fen"]),
                        "ledger_count": there[0],
                        "ledger_amount": Money(there[1]),
                        "bank_amount": Money(bank[method]) if method in bank else None,
                        "difference": Money(here["fen"] - there[1]),
                    }
                )
            )
        return sides

    def collection(self, call: Call, request: AskCollection) -> Collection:
        recovery = self._ask(LedgerApi).recovery(call.only("ledger.books"), AskRecovery(month=request.month))
        today = self._payments.today(call.today)
        return Collection(
            month=recovery.month,
            receivable=recovery.total.receivable,
            collected=recovery.total.collected,
            outstanding=recovery.total.outstanding,
            percent=recovery.total.percent,
            today_count=today["count"],
            today_amount=Money(today["fen"]),
            pending=today["pending"],
            rows=self._payments.all_sums(),
            as_of=call.now,
        )


def _span(request: AskReconciliation, today: date) -> tuple[date, date]:
    if request.month is not None:
        month = Month.of(request.month)
        return month.first_day, month.next.first_day
    day = request.day or today
    return day, day + timedelta(days=1)


def _cause(row: dict[str, object], found: KnownReceipt | None) -> str | None:
    if found is None:
        return "not_posted"
    if found.amount.fen != row["amount_fen"]:
        return "amount"
    if found.account_no != row["account_no"]:
        return "account"
    if (found.state == "reversed") != (row["state"] == "reversed"):
        return "not_reversed"
    if found.suspense and found.state != "reversed":
        return "suspense"
    return None
