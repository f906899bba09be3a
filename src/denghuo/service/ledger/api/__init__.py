"""Contract of the ledger (账务管理): books, what is owed on each account, receipts, recovery.

Every entry belongs to a document (a bill, a receipt, a reversal, an offset); the entries of a document balance to the fen, all
in the books of one organisation. Entries never change: what was wrong is reversed by another document.
"""

from denghuo.kernel.contract import Api, Call, command, query
from denghuo.service.ledger.api.balance import (
    LEVELS as LEVELS,
    AskBalanceLimits as AskBalanceLimits,
    BalanceLimit as BalanceLimit,
    BalanceLimits as BalanceLimits,
    BalancesExhausted as BalancesExhausted,
    BalancesLowered as BalancesLowered,
    BalancesRestored as BalancesRestored,
    BalancesTold as BalancesTold,
    BalanceWarning as BalanceWarning,
    BalanceWarnings as BalanceWarnings,
    FallenBalance as FallenBalance,
    FeeBalance as FeeBalance,
    FeeBalances as FeeBalances,
    FindBalances as FindBalances,
    FindBalanceWarnings as FindBalanceWarnings,
    Level as Level,
    LimitRefused as LimitRefused,
    SetBalanceLimit as SetBalanceLimit,
    TellBalances as TellBalances,
)
from denghuo.service.ledger.api.book import (
    ACCOUNT_KINDS as ACCOUNT_KINDS,
    DOCUMENTS as DOCUMENTS,
    ITEMS_MAX as ITEMS_MAX,
    PROOFS as PROOFS,
    AskChart as AskChart,
    AskProof as AskProof,
    AskTrialBalance as AskTrialBalance,
    AskVoucher as AskVoucher,
    BalanceRow as BalanceRow,
    BillsPosted as BillsPosted,
    BooksDiffer as BooksDiffer,
    Chart as Chart,
    ChartCode as ChartCode,
    ChartRow as ChartRow,
    CloseMonth as CloseMonth,
    DocumentKind as DocumentKind,
    DocumentNo as DocumentNo,
    Entries as Entries,
    Entry as Entry,
    FindEntries as FindEntries,
    FindPostings as FindPostings,
    FindVouchers as FindVouchers,
    MonthClosed as MonthClosed,
    MonthLocked as MonthLocked,
    MonthNotOver as MonthNotOver,
    Posting as Posting,
    Postings as Postings,
    Proof as Proof,
    Proofs as Proofs,
    TrialBalance as TrialBalance,
    Voucher as Voucher,
    VoucherLine as VoucherLine,
    VoucherNo as VoucherNo,
    VoucherRow as VoucherRow,
    Vouchers as Vouchers,
    VoucherUnknown as VoucherUnknown,
)
from denghuo.service.ledger.api.invoice import (
    COLOURS as COLOURS,
    INVOICE_STATES as INVOICE_STATES,
    BuyerCodeWrong as BuyerCodeWrong,
    FindInvoices as FindInvoices,
    Invoice as Invoice,
    InvoiceRef as InvoiceRef,
    Invoices as Invoices,
    InvoicesSent as InvoicesSent,
    InvoiceUnknown as InvoiceUnknown,
    IssueInvoice as IssueInvoice,
    NotInvoiced as NotInvoiced,
    SendInvoices as SendInvoices,
)
from denghuo.service.ledger.api.item import (
    BILL_KINDS as BILL_KINDS,
    BUCKETS as BUCKETS,
    ITEM_STATES as ITEM_STATES,
    RECOVERY_BY as RECOVERY_BY,
    AccountOpen as AccountOpen,
    AccountUnknown as AccountUnknown,
    Ageing as Ageing,
    AgeingRow as AgeingRow,
    AskAgeing as AskAgeing,
    AskRecovery as AskRecovery,
    AskStatement as AskStatement,
    BillKind as BillKind,
    BillsOpen as BillsOpen,
    EstimatedBalance as EstimatedBalance,
    FindReceivables as FindReceivables,
    ItemState as ItemState,
    OpenAccounts as OpenAccounts,
    OpenItem as OpenItem,
    Owed as Owed,
    OwedBy as OwedBy,
    Receivables as Receivables,
    Recovery as Recovery,
    RecoveryRow as RecoveryRow,
    Statement as Statement,
    StatementRow as StatementRow,
)
from denghuo.service.ledger.api.receipt import (
    METHODS as METHODS,
    RECEIPT_STATES as RECEIPT_STATES,
    AlreadyReversed as AlreadyReversed,
    AmountRefused as AmountRefused,
    AnyAccount as AnyAccount,
    KnownReceipt as KnownReceipt,
    KnownReceipts as KnownReceipts,
    Method as Method,
    PostedReceipt as PostedReceipt,
    PostReceipts as PostReceipts,
    Receipt as Receipt,
    ReceiptDiffers as ReceiptDiffers,
    ReceiptNo as ReceiptNo,
    ReceiptReversed as ReceiptReversed,
    ReceiptsOf as ReceiptsOf,
    ReceiptsPosted as ReceiptsPosted,
    ReceiptState as ReceiptState,
    ReceiptTotal as ReceiptTotal,
    ReceiptTotalRows as ReceiptTotalRows,
    ReceiptTotals as ReceiptTotals,
    ReceiptUnknown as ReceiptUnknown,
    ReverseReceipt as ReverseReceipt,
)


class LedgerApi(Api, noun="ledger", version=1):
    """Operations on the books."""

    @query(permit="ledger.read", problems=(AccountUnknown,))
    def owed(self, call: Call, request: OwedBy) -> Owed:
        """What an account owes: its open bills, prepaid balance and the amount that settles everything."""

    @query(permit="ledger.read", problems=(AccountUnknown,))
    def estimated_balance(self, call: Call, request: OwedBy) -> EstimatedBalance:
        """What an account would have left if its running month were billed now: for prepaid and fee-control accounts."""

    @query(permit="ledger.read")
    def fee_balances(self, call: Call, request: FindBalances) -> FeeBalances:
        """Accounts under fee control with their balances after what they used and were not billed for, as estimated every day."""

    @query(permit="ledger.read")
    def balance_warnings(self, call: Call, request: FindBalanceWarnings) -> BalanceWarnings:
        """Balances that fell below their limits or were used up, newest first; each fall is told to the customer once."""

    @query(permit="ledger.read")
    def balance_limits(self, call: Call, request: AskBalanceLimits) -> BalanceLimits:
        """From which balance on customers are told that little is left."""

    @command(permit="ledger.set_limits", problems=(LimitRefused,))
    def set_balance_limit(self, call: Call, request: SetBalanceLimit) -> BalanceLimit:
        """Sets such a limit for a unit from a day on."""

    @command(permit="ledger.advance", emits=(BalancesLowered, BalancesExhausted, BalancesRestored))
    def tell_balances(self, call: Call, request: TellBalances) -> BalancesTold:
        """Tells customers whose balance fell: a step of the job worker, called until nobody waits."""

    @query(permit="ledger.read")
    def bills_open(self, call: Call, request: BillsOpen) -> OpenAccounts:
        """Of up to 1,000 accounts those that owe something, with the open bills."""

    @query(permit="ledger.read")
    def receivables(self, call: Call, request: FindReceivables) -> Receivables:
        """Bills with what was paid on them, by month, unit, class, state; pages by bill number."""

    @query(permit="ledger.read", problems=(AccountUnknown,))
    def statement(self, call: Call, request: AskStatement) -> Statement:
        """The movements of an account with the running balance."""

    @command(permit="ledger.post", problems=(ReceiptDiffers, AmountRefused))
    def post_receipts(self, call: Call, request: PostReceipts) -> ReceiptsPosted:
        """Posts up to 1,000 receipts: named bills first, then the oldest open ones, surplus to prepaid; money for an unknown
        account goes to suspense. A receipt that is posted already is left as it is."""

    @command(permit="ledger.post", problems=(ReceiptUnknown, AlreadyReversed))
    def reverse_receipt(self, call: Call, request: ReverseReceipt) -> ReceiptReversed:
        """Takes a receipt back: its bills are open again, its prepaid part is withdrawn. Repeating it changes nothing."""

    @query(permit="ledger.books")
    def receipts_of(self, call: Call, request: ReceiptsOf) -> KnownReceipts:
        """Of up to 1,000 receipt numbers those that are in the books."""

    @query(permit="ledger.books")
    def receipt_totals(self, call: Call, request: ReceiptTotals) -> ReceiptTotalRows:
        """Receipts summed by day and method."""

    @query(permit="ledger.books")
    def chart(self, call: Call, request: AskChart) -> Chart:
        """The chart of accounts."""

    @query(permit="ledger.books")
    def trial_balance(self, call: Call, request: AskTrialBalance) -> TrialBalance:
        """Opening, turnover and closing of every account of the chart."""

    @query(permit="ledger.books")
    def vouchers(self, call: Call, request: FindVouchers) -> Vouchers:
        """Vouchers, newest first."""

    @query(permit="ledger.books", problems=(VoucherUnknown,))
    def voucher(self, call: Call, request: AskVoucher) -> Voucher:
        """One voucher, summed by account of the chart."""

    @query(permit="ledger.books")
    def entries(self, call: Call, request: FindEntries) -> Entries:
        """Entries, newest first; each leads to its bill or receipt."""

    @query(permit="ledger.books")
    def recovery(self, call: Call, request: AskRecovery) -> Recovery:
        """Collected against receivable for the bills of a month."""

    @query(permit="ledger.books")
    def ageing(self, call: Call, request: AskAgeing) -> Ageing:
        """Outstanding amounts by days overdue."""

    @query(permit="ledger.books")
    def postings(self, call: Call, request: FindPostings) -> Postings:
        """Billing runs that reached the books, newest first."""

    @query(permit="ledger.books")
    def proof(self, call: Call, request: AskProof) -> Proofs:
        """Compares the books with the sub-ledgers; every difference is 0.00."""

    @command(permit="ledger.close", problems=(MonthLocked, MonthNotOver, BooksDiffer))
    def close_month(self, call: Call, request: CloseMonth) -> MonthClosed:
        """Locks a booking month that is over and whose books agree with the sub-ledgers."""

    # -- invoices ----------------------------------------------------------------------------------------------------------

    @command(permit="ledger.invoice", problems=(NotInvoiced, BuyerCodeWrong))
    def issue_invoice(self, call: Call, request: IssueInvoice) -> Invoice:
        """Enters the invoice of an issued bill in the register and asks the tax authority for it."""

    @command(permit="ledger.advance")
    def send_invoices(self, call: Call, request: SendInvoices) -> InvoicesSent:
        """Takes what waits to the tax authority: a step of the job worker, called until nothing waits."""

    @query(permit="ledger.read")
    def invoices(self, call: Call, request: FindInvoices) -> Invoices:
        """Invoices and red letters by month, account, bill, state and unit, the newest first."""

    @query(permit="ledger.read", problems=(InvoiceUnknown,))
    def invoice(self, call: Call, request: InvoiceRef) -> Invoice:
        """One invoice with what red letters left of it, or what a red letter takes back."""
