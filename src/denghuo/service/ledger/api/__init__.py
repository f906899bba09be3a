"""Contract of the ledger (账务管理): books, what is owed on each account, receipts, recovery.

Every entry belongs to a document (a bill, a receipt, a reversal, an offset); the entries of a document balance to the fen, all
in the books of one organisation. Entries never change: what was wrong is reversed by another document.
"""

from denghuo.kernel.contract import Api, Call, command, query
from denghuo.service.ledger.api.balance import (
    LEVELS,
    AskBalanceLimits,
    BalanceLimit,
    BalanceLimits,
    BalancesExhausted,
    BalancesLowered,
    BalancesRestored,
    BalancesTold,
    BalanceWarning,
    BalanceWarnings,
    FallenBalance,
    FeeBalance,
    FeeBalances,
    FindBalances,
    FindBalanceWarnings,
    Level,
    LimitRefused,
    SetBalanceLimit,
    TellBalances,
)
from denghuo.service.ledger.api.book import (
    ACCOUNT_KINDS,
    DOCUMENTS,
    ITEMS_MAX,
    PROOFS,
    AskChart,
    AskProof,
    AskTrialBalance,
    AskVoucher,
    BalanceRow,
    BillsPosted,
    BooksDiffer,
    Chart,
    ChartCode,
    ChartRow,
    CloseMonth,
    DocumentKind,
    DocumentNo,
    Entries,
    Entry,
    FindEntries,
    FindPostings,
    FindVouchers,
    MonthClosed,
    MonthLocked,
    MonthNotOver,
    Posting,
    Postings,
    Proof,
    Proofs,
    TrialBalance,
    Voucher,
    VoucherLine,
    VoucherNo,
    VoucherRow,
    Vouchers,
    VoucherUnknown,
)
from denghuo.service.ledger.api.invoice import (
    COLOURS,
    INVOICE_STATES,
    BuyerCodeWrong,
    FindInvoices,
    Invoice,
    InvoiceRef,
    Invoices,
    InvoicesSent,
    InvoiceUnknown,
    IssueInvoice,
    NotInvoiced,
    SendInvoices,
)
from denghuo.service.ledger.api.item import (
    BILL_KINDS,
    BUCKETS,
    ITEM_STATES,
    RECOVERY_BY,
    AccountOpen,
    AccountUnknown,
    Ageing,
    AgeingRow,
    AskAgeing,
    AskRecovery,
    AskStatement,
    BillKind,
    BillsOpen,
    EstimatedBalance,
    FindReceivables,
    ItemState,
    OpenAccounts,
    OpenItem,
    Owed,
    OwedBy,
    Receivables,
    Recovery,
    RecoveryRow,
    Statement,
    StatementRow,
)
from denghuo.service.ledger.api.receipt import (
    METHODS,
    RECEIPT_STATES,
    AlreadyReversed,
    AmountRefused,
    AnyAccount,
    KnownReceipt,
    KnownReceipts,
    Method,
    PostedReceipt,
    PostReceipts,
    Receipt,
    ReceiptDiffers,
    ReceiptNo,
    ReceiptReversed,
    ReceiptsOf,
    ReceiptsPosted,
    ReceiptState,
    ReceiptTotal,
    ReceiptTotalRows,
    ReceiptTotals,
    ReceiptUnknown,
    ReverseReceipt,
)

__all__ = [
    "ACCOUNT_KINDS",
    "BILL_KINDS",
    "BUCKETS",
    "COLOURS",
    "DOCUMENTS",
    "INVOICE_STATES",
    "ITEMS_MAX",
    "ITEM_STATES",
    "LEVELS",
    "METHODS",
    "PROOFS",
    "RECEIPT_STATES",
    "RECOVERY_BY",
    "AccountOpen",
    "AccountUnknown",
    "Ageing",
    "AgeingRow",
    "AlreadyReversed",
    "AmountRefused",
    "AnyAccount",
    "AskAgeing",
    "AskBalanceLimits",
    "AskChart",
    "AskProof",
    "AskRecovery",
    "AskStatement",
    "AskTrialBalance",
    "AskVoucher",
    "BalanceLimit",
    "BalanceLimits",
    "BalanceRow",
    "BalanceWarning",
    "BalanceWarnings",
    "BalancesExhausted",
    "BalancesLowered",
    "BalancesRestored",
    "BalancesTold",
    "BillKind",
    "BillsOpen",
    "BillsPosted",
    "BooksDiffer",
    "BuyerCodeWrong",
    "Chart",
    "ChartCode",
    "ChartRow",
    "CloseMonth",
    "DocumentKind",
    "DocumentNo",
    "Entries",
    "Entry",
    "EstimatedBalance",
    "FallenBalance",
    "FeeBalance",
    "FeeBalances",
    "FindBalanceWarnings",
    "FindBalances",
    "FindEntries",
    "FindInvoices",
    "FindPostings",
    "FindReceivables",
    "FindVouchers",
    "Invoice",
    "InvoiceRef",
    "InvoiceUnknown",
    "Invoices",
    "InvoicesSent",
    "IssueInvoice",
    "ItemState",
    "KnownReceipt",
    "KnownReceipts",
    "LedgerApi",
    "Level",
    "LimitRefused",
    "Method",
    "MonthClosed",
    "MonthLocked",
    "MonthNotOver",
    "NotInvoiced",
    "OpenAccounts",
    "OpenItem",
    "Owed",
    "OwedBy",
    "PostReceipts",
    "PostedReceipt",
    "Posting",
    "Postings",
    "Proof",
    "Proofs",
    "Receipt",
    "ReceiptDiffers",
    "ReceiptNo",
    "ReceiptReversed",
    "ReceiptState",
    "ReceiptTotal",
    "ReceiptTotalRows",
    "ReceiptTotals",
    "ReceiptUnknown",
    "ReceiptsOf",
    "ReceiptsPosted",
    "Receivables",
    "Recovery",
    "RecoveryRow",
    "ReverseReceipt",
    "SendInvoices",
    "SetBalanceLimit",
    "Statement",
    "StatementRow",
    "TellBalances",
    "TrialBalance",
    "Voucher",
    "VoucherLine",
    "VoucherNo",
    "VoucherRow",
    "VoucherUnknown",
    "Vouchers",
]


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
