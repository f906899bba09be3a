"""Ledger: implementation of the contract."""

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call, DatasetRef
from denghuo.kernel.problem import text
from denghuo.kernel.values import Money
from denghuo.service.billing.api import BillingApi, EstimatesMade, EstimatesOf
from denghuo.service.contract.api import FeeControlAgreed
from denghuo.service.customer.api import AccountNumbers, CustomerApi
from denghuo.service.host.binding import Ask
from denghuo.service.ledger.api import (
    BUCKETS,
    AccountUnknown,
    Ageing,
    AgeingRow,
    AskAgeing,
    AskBalanceLimits,
    AskChart,
    AskProof,
    AskRecovery,
    AskStatement,
    AskTrialBalance,
    AskVoucher,
    BalanceLimit,
    BalanceLimits,
    BalancesTold,
    BalanceWarnings,
    BillsOpen,
    BillsPosted,
    Chart,
    CloseMonth,
    Entries,
    EstimatedBalance,
    FeeBalances,
    FindBalances,
    FindBalanceWarnings,
    FindEntries,
    FindInvoices,
    FindPostings,
    FindReceivables,
    FindVouchers,
    Invoice,
    InvoiceRef,
    Invoices,
    InvoicesSent,
    IssueInvoice,
    KnownReceipts,
    LedgerApi,
    MonthClosed,
    OpenAccounts,
    Owed,
    OwedBy,
    Postings,
    PostReceipts,
    Proofs,
    ReceiptReversed,
    ReceiptsOf,
    ReceiptsPosted,
    ReceiptTotal,
    ReceiptTotalRows,
    ReceiptTotals,
    Receivables,
    Recovery,
    RecoveryRow,
    ReverseReceipt,
    SendInvoices,
    SetBalanceLimit,
    Statement,
    TellBalances,
    TrialBalance,
    Voucher,
    Vouchers,
    VoucherUnknown,
)
from denghuo.service.ledger.balances import BalanceDesk
from denghuo.service.ledger.batch import post_run
from denghuo.service.ledger.closing import Closing
from denghuo.service.ledger.invoices import InvoiceDesk
from denghuo.service.ledger.receiving import Receiving
from denghuo.service.ledger.store.books import Books
from denghuo.service.ledger.store.items import AccountState, Items

ITEMS_SHOWN = 200


class LedgerService(LedgerApi):
    def __init__(self, work: Work, ask: Ask) -> None:
        self._work, self._ask = work, ask
        self._books, self._items = Books(work), Items(work)

    # -- bills -----------------------------------------------------------------------------------------------------------

    def take_bills(self, month: str, run_no: int, bills: DatasetRef, lines: DatasetRef) -> None:
        """Posts a run's bills (the event handler's work) and says so when there were new ones."""
        desk, invoices = BalanceDesk(self._work, self._ask), self._invoices(self._work.call)

        def follow() -> None:
            desk.follow_bills(self._work.call.today)
            invoices.follow()

        posted = post_run(self._work, month, run_no, bills, lines, follow)
        if posted.bills:
            self._work.emit(
                BillsPosted(month=month, run_no=run_no, count=posted.bills, amount_fen=str(posted.amount_fen))
            )

    # -- invoices --------------------------------------------------------------------------------------------------------

    def issue_invoice(self, call: Call, request: IssueInvoice) -> Invoice:
        return self._invoices(call).issue(request)

    def send_invoices(self, call: Call, request: SendInvoices) -> InvoicesSent:
        return self._invoices(call).send()

    def invoices(self, call: Call, request: FindInvoices) -> Invoices:
        return self._invoices(call).found(request)

    def invoice(self, call: Call, request: InvoiceRef) -> Invoice:
        return self._invoices(call).invoice(request.invoice_no)

    def _invoices(self, call: Call) -> InvoiceDesk:
        return InvoiceDesk(self._work, self._ask, call)

    # -- what is owed ----------------------------------------------------------------------------------------------------

    def owed(self, call: Call, request: OwedBy) -> Owed:
        account = self._account(request.account_no)
        today = call.today
        sums = self._items.sums_of(request.account_no, today)
        return Owed(
            account_no=request.account_no,
            items=self._items.items_of(request.account_no, today, ITEMS_SHOWN),
            outstanding=Money(sums["outstanding"]),
            overdue=Money(sums["overdue"]),
            prepaid=Money(account.prepaid_fen),
            due=Money(max(sums["outstanding"] - account.prepaid_fen, 0)),
            payable=Money(sums["payable"]),
            as_of=call.now,
        )

    def estimated_balance(self, call: Call, request: OwedBy) -> EstimatedBalance:
        owed = self.owed(call, request)
        asked = EstimatesOf(account_nos=[request.account_no])
        found = self._ask(BillingApi).unbilled(call.only("billing.read"), asked).rows
        # After the end of a month both that month and the new one may stand unbilled.
        supply = [one for one in found if one.kind == "supply"]
        newest = max(supply, key=lambda one: one.through_on, default=None)
        unbilled = sum((one.amount for one in supply), Money(0))
        return EstimatedBalance(
            account_no=request.account_no,
            prepaid=owed.prepaid,
            outstanding=owed.outstanding,
            unbilled=unbilled,
            balance=owed.prepaid - owed.outstanding - unbilled,
            through_on=None if newest is None else newest.through_on,
            estimated_at=None if newest is None else newest.estimated_at,
            as_of=call.now,
        )

    # -- balances under fee control --------------------------------------------------------------------------------------

    def take_estimates(self, call: Call, event: EstimatesMade) -> None:
        """Accounts were estimated anew (the event handler's work)."""
        self._balances().take(event.estimates, event.fee_control, event.made_at, call.today)

    def take_fee_control(self, call: Call, event: FeeControlAgreed) -> None:
        """Fee control of an account began, changed or ended (the event handler's work)."""
        self._balances().take_account(event, call.now, call.today)

    def fee_balances(self, call: Call, request: FindBalances) -> FeeBalances:
        return self._balances().find(call, request)

    def balance_warnings(self, call: Call, request: FindBalanceWarnings) -> BalanceWarnings:
        return self._balances().warnings(call, request)

    def balance_limits(self, call: Call, request: AskBalanceLimits) -> BalanceLimits:
        return self._balances().limits(call)

    def set_balance_limit(self, call: Call, request: SetBalanceLimit) -> BalanceLimit:
        return self._balances().set_limit(call, request)

    def tell_balances(self, call: Call, request: TellBalances) -> BalancesTold:
        return self._balances().tell(call)

    def _balances(self) -> BalanceDesk:
        return BalanceDesk(self._work, self._ask)

    # -- lists of what is owed -------------------------------------------------------------------------------------------

    def bills_open(self, call: Call, request: BillsOpen) -> OpenAccounts:
        return OpenAccounts(rows=self._items.open_accounts(request.account_nos))

    def receivables(self, call: Call, request: FindReceivables) -> Receivables:
        rows, sums = self._items.receivables(request, call.today)
        return Receivables(
            rows=rows,
            total=sums["total"],
            amount=Money(sums["amount"]),
            paid=Money(sums["paid"]),
            rest=Money(sums["amount"] - sums["paid"]),
            next=rows[-1].bill_no if len(rows) == request.limit else None,
            as_of=call.now,
        )

    def statement(self, call: Call, request: AskStatement) -> Statement:
        self._account(request.account_no)
        rows, total, balance = self._items.statement(request.account_no, request.after_number, request.limit)
        return Statement(
            account_no=request.account_no,
            rows=rows,
            total=total,
            next=str(rows[-1].movement_no) if len(rows) == request.limit else None,
            balance=Money(balance),
            as_of=call.now,
        )

    def _account(self, number: str) -> AccountState:
        account = self._items.account(number)
        if account is None:
            # No bill and no payment yet: whoever the customer service shows to this caller owes nothing.
            asked = AccountNumbers(numbers=[number])
            found = self._ask(CustomerApi).accounts(self._work.call.only("customer.read"), asked)
            if found.rows:
                return AccountState(number, found.rows[0].org, 0)
            raise AccountUnknown(
                text(
                    f"户号 {number} 不存在，或不在您的管辖范围内，请核对户号。",
                    f"Account {number} does not exist or is outside your scope; check the number.",
                ),
                account_no=number,
            )
        return account

    # -- receipts --------------------------------------------------------------------------------------------------------

    def post_receipts(self, call: Call, request: PostReceipts) -> ReceiptsPosted:
        posted = Receiving(self._work, self._ask).post(call, request)
        self._balances().follow_money((item.account_no for item in request.receipts), call.today)
        return posted

    def reverse_receipt(self, call: Call, request: ReverseReceipt) -> ReceiptReversed:
        reversed_ = Receiving(self._work, self._ask).reverse(call, request)
        receipt = self._items.receipts([request.receipt_no])[request.receipt_no]
        self._balances().follow_money([receipt["account_no"]], call.today)
        return reversed_

    def receipts_of(self, call: Call, request: ReceiptsOf) -> KnownReceipts:
        return KnownReceipts(rows=self._items.known_receipts(request.receipt_nos))

    def receipt_totals(self, call: Call, request: ReceiptTotals) -> ReceiptTotalRows:
        return ReceiptTotalRows(
            rows=[
                ReceiptTotal(
                    day=row["day"],
                    method=row["method"],
                    count=row["count"],
                    amount=Money(row["amount"]),
                    reversed_count=row["reversed_count"],
                    reversed_amount=Money(row["reversed_amount"]),
                )
                for row in self._items.receipt_totals(request.start, request.end)
            ]
        )

    # -- books -----------------------------------------------------------------------------------------------------------

    def chart(self, call: Call, request: AskChart) -> Chart:
        return Chart(rows=self._books.chart())

    def trial_balance(self, call: Call, request: AskTrialBalance) -> TrialBalance:
        rows, entries = self._books.trial_balance(request)
        closed = self._books.closed(request.month) if request.month else None
        debit, credit = sum(row.debit.fen for row in rows), sum(row.credit.fen for row in rows)
        difference = debit - credit + sum(row.opening.fen for row in rows)
        return TrialBalance(
            rows=rows,
            debit=Money(debit),
            credit=Money(credit),
            difference=Money(difference),
            balanced=debit == credit and difference == 0,
            entries=entries,
            closed_at=closed["closed_at"] if closed else None,
            as_of=call.now,
        )

    def vouchers(self, call: Call, request: FindVouchers) -> Vouchers:
        rows, total = self._books.vouchers(request)
        following = rows[-1].voucher_no if len(rows) == request.limit else None
        return Vouchers(rows=rows, total=total, next=following, as_of=call.now)

    def voucher(self, call: Call, request: AskVoucher) -> Voucher:
        found = self._books.voucher(request.voucher_no)
        if found is None:
            raise VoucherUnknown(
                text(
                    f"记账凭证 {request.voucher_no} 不存在，或不在您的管辖范围内。",
                    f"Voucher {request.voucher_no} does not exist or is outside your scope.",
                ),
                voucher_no=request.voucher_no,
            )
        return Voucher(voucher=found, lines=self._books.voucher_lines(request.voucher_no))

    def entries(self, call: Call, request: FindEntries) -> Entries:
        rows, total = self._books.entries(request)
        following = str(rows[-1].entry_no) if len(rows) == request.limit else None
        return Entries(rows=rows, total=total, next=following, as_of=call.now)

    def recovery(self, call: Call, request: AskRecovery) -> Recovery:
        month = request.month or self._items.newest_month()
        rows = self._items.recovery(month, request, call.today) if month else []
        nothing = RecoveryRow(
            group="",
            org=None,
            tariff_class=None,
            bills=0,
            receivable=Money(0),
            collected=Money(0),
            outstanding=Money(0),
            overdue=Money(0),
            percent=None,
        )
        return Recovery(month=month, by=request.by, rows=rows[:-1], total=rows[-1] if rows else nothing, as_of=call.now)

    def ageing(self, call: Call, request: AskAgeing) -> Ageing:
        found = {row["bucket"]: row for row in self._items.ageing(request, call.today)}
        rows = [
            AgeingRow(
                bucket=bucket,
                accounts=found[bucket]["accounts"] if bucket in found else 0,
                bills=found[bucket]["bills"] if bucket in found else 0,
                outstanding=Money(found[bucket]["outstanding"] if bucket in found else 0),
            )
            for bucket in BUCKETS.entries
        ]
        return Ageing(rows=rows, outstanding=Money(sum(row.outstanding.fen for row in rows)), as_of=call.now)

    def postings(self, call: Call, request: FindPostings) -> Postings:
        rows, total = self._items.postings(request.month, request.after_number, request.limit)
        following = str(rows[-1].posting_no) if len(rows) == request.limit else None
        return Postings(rows=rows, total=total, next=following, as_of=call.now)

    def proof(self, call: Call, request: AskProof) -> Proofs:
        rows = Closing(self._work).proofs()
        return Proofs(rows=rows, agrees=not any(row.difference for row in rows), as_of=call.now)

    def close_month(self, call: Call, request: CloseMonth) -> MonthClosed:
        return Closing(self._work).close(call, request)
