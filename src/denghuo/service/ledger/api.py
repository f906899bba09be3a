"""Contract of the ledger (账务管理): books, what is owed on each account, receipts, recovery.

Every entry belongs to a document (a bill, a receipt, a reversal, an offset); the entries of a document balance to the fen, all
in the books of one organisation. Entries never change: what was wrong is reversed by another document.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from denghuo.kernel.contract import Api, Call, Dictionary, Event, Label, Message, Page, command, query
from denghuo.kernel.fields import (
    AccountNo,
    AsOf,
    BillNo,
    Instant,
    MonthText,
    OrganisationCode,
    Reason,
    TariffClass,
)
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.kernel.values import Money, Percent

ITEMS_MAX = 1_000

DOCUMENTS = Dictionary(
    "ledger.document",
    {
        "bill": text("电费账单", "Bill"),
        "receipt": text("收款", "Receipt"),
        "reversal": text("收款冲正", "Receipt reversal"),
        "offset": text("预存冲抵", "Offset from prepaid"),
    },
    tones={"reversal": "warning"},
)
DocumentKind = Annotated[
    Literal["bill", "receipt", "reversal", "offset"], Label("单据类型", "Document", dictionary=DOCUMENTS.name)
]
BILL_KINDS = Dictionary("ledger.bill_kind", {"supply": text("售电", "Supply"), "purchase": text("购电", "Purchase")})
BillKind = Annotated[Literal["supply", "purchase"], Label("账单类型", "Kind of bill", dictionary=BILL_KINDS.name)]
METHODS = Dictionary(
    "ledger.method",
    {
        "cash": text("现金", "Cash"),
        "card": text("刷卡", "Card"),
        "qr": text("扫码", "QR code"),
        "online": text("线上支付", "Online"),
        "bank": text("银行代收", "Bank collection"),
        "debit": text("银行代扣", "Direct debit"),
    },
)
Method = Annotated[
    Literal["cash", "card", "qr", "online", "bank", "debit"],
    Label("结算方式", "Method", dictionary=METHODS.name),
]
ACCOUNT_KINDS = Dictionary(
    "ledger.chart_kind",
    {
        "asset": text("资产", "Asset"),
        "liability": text("负债", "Liability"),
        "income": text("收入", "Income"),
        "expense": text("费用", "Expense"),
    },
)
ITEM_STATES = Dictionary(
    "ledger.item_state",
    {
        "open": text("未缴", "Open"),
        "part": text("部分缴纳", "Part paid"),
        "paid": text("已结清", "Settled"),
        "overdue": text("逾期", "Overdue"),
    },
    tones={"open": "notice", "part": "notice", "paid": "good", "overdue": "danger"},
)
ItemState = Annotated[
    Literal["open", "part", "paid", "overdue"], Label("欠费状态", "State", dictionary=ITEM_STATES.name)
]
RECEIPT_STATES = Dictionary(
    "ledger.receipt_state",
    {
        "posted": text("已入账", "Posted"),
        "reversed": text("已冲正", "Reversed"),
        "unknown": text("未入账", "Not in the ledger"),
    },
    tones={"posted": "good", "reversed": "warning", "unknown": "danger"},
)
ReceiptState = Annotated[
    Literal["posted", "reversed", "unknown"], Label("入账状态", "In the ledger", dictionary=RECEIPT_STATES.name)
]

ReceiptNo = Annotated[
    str, StringConstraints(pattern=r"^[A-Z]{1,2}[0-9A-Za-z-]{6,38}$"), Label("收款凭证号", "Receipt no.")
]
VoucherNo = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}-[0-9]{6}$"), Label("记账凭证号", "Voucher no.")]
ChartCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{4,12}$"), Label("科目编码", "Account code")]
DocumentNo = Annotated[str, StringConstraints(max_length=48), Label("单据编号", "Document no.")]
AnyAccount = Annotated[str, StringConstraints(max_length=32), Label("户号", "Account no.")]
"""As the payer wrote it: a number that is no account of ours ends in suspense."""


# --- what is owed ---------------------------------------------------------------------------------------------------------


class OpenItem(Message):
    """A bill and what is left of it."""

    bill_no: BillNo
    account_no: AccountNo
    org: OrganisationCode
    kind: BillKind
    month: MonthText
    tariff_class: TariffClass
    issued_on: Annotated[date, Label("发行日期", "Issued on")]
    due_on: Annotated[date, Label("缴费期限", "Due on")]
    amount: Annotated[Money, Label("应收金额", "Amount")]
    paid: Annotated[Money, Label("已收金额", "Paid")]
    rest: Annotated[Money, Label("未收金额", "Outstanding")]
    overdue_days: Annotated[int, Label("逾期天数", "Days overdue")]
    state: ItemState


class OwedBy(Message):
    account_no: AccountNo


class Owed(Message):
    """What an account owes: open items, oldest first, at most 200; `due` is what a payment would settle now."""

    account_no: AccountNo
    items: list[OpenItem]
    outstanding: Annotated[Money, Label("欠费合计", "Outstanding")]
    overdue: Annotated[Money, Label("其中逾期", "Of it overdue")]
    prepaid: Annotated[Money, Label("预存余额", "Prepaid balance")]
    due: Annotated[Money, Label("应缴金额", "To be paid")]
    payable: Annotated[Money, Label("应付购电费", "Payable to the generator")]
    as_of: AsOf


class BillsOpen(Message):
    account_nos: Annotated[list[AccountNo], Field(min_length=1, max_length=ITEMS_MAX)]


class AccountOpen(Message):
    account_no: AccountNo
    org: OrganisationCode
    due: Annotated[Money, Label("应缴金额", "To be paid")]
    bill_nos: list[BillNo]


class OpenAccounts(Message):
    rows: list[AccountOpen]


class FindReceivables(Page):
    """Which bills: all filters may be left out. `state` open = everything that is not settled."""

    month: MonthText | None = None
    org: OrganisationCode | None = None
    tariff_class: TariffClass | None = None
    account_no: AccountNo | None = None
    kind: BillKind | None = None
    state: ItemState | None = None


class Receivables(Message):
    rows: list[OpenItem]
    total: int
    amount: Annotated[Money, Label("应收合计", "Receivable")]
    paid: Annotated[Money, Label("实收合计", "Collected")]
    rest: Annotated[Money, Label("未收合计", "Outstanding")]
    next: str | None
    as_of: AsOf


class AskStatement(Page):
    account_no: AccountNo


class StatementRow(Message):
    movement_no: Annotated[int, Label("序号", "No.")]
    at: Instant
    document_kind: DocumentKind
    document_no: DocumentNo
    month: Annotated[str | None, Label("电费年月", "Month")]
    debit: Annotated[Money | None, Label("应收", "Charged")]
    credit: Annotated[Money | None, Label("收款", "Credited")]
    balance: Annotated[Money, Label("余额（欠费为正）", "Balance (owed is positive)")]
    voucher_no: VoucherNo


class Statement(Message):
    """An account's movements, newest first, each with the balance after it."""

    account_no: AccountNo
    rows: list[StatementRow]
    total: int
    next: str | None
    balance: Annotated[Money, Label("当前余额（欠费为正）", "Balance (owed is positive)")]
    as_of: AsOf


# --- receipts -------------------------------------------------------------------------------------------------------------


class Receipt(Message):
    """Money that came in. It settles `bill_nos` first, then the oldest open items; the rest is prepaid."""

    receipt_no: ReceiptNo
    account_no: AnyAccount
    org: OrganisationCode
    amount: Annotated[Money, Label("收款金额", "Amount")]
    method: Method
    paid_at: Instant
    bill_nos: Annotated[list[BillNo], Field(max_length=50)] = []


class PostReceipts(Message):
    receipts: Annotated[list[Receipt], Field(min_length=1, max_length=ITEMS_MAX)]


class PostedReceipt(Message):
    """Where the money of a receipt went."""

    receipt_no: ReceiptNo
    settled: Annotated[Money, Label("冲抵欠费", "Settled")]
    prepaid: Annotated[Money, Label("转预存", "To prepaid")]
    suspense: Annotated[Money, Label("转暂存", "To suspense")]
    voucher_no: VoucherNo


class ReceiptsPosted(Message):
    """`unchanged` were in the books already with the same content."""

    rows: list[PostedReceipt]
    posted: int
    unchanged: int


class ReverseReceipt(Message):
    reversal_no: ReceiptNo
    receipt_no: ReceiptNo
    reason: Reason


class ReceiptReversed(Message):
    reversal_no: ReceiptNo
    receipt_no: ReceiptNo
    reopened: Annotated[Money, Label("恢复欠费", "Open again")]
    voucher_no: VoucherNo


class ReceiptsOf(Message):
    receipt_nos: Annotated[list[ReceiptNo], Field(min_length=1, max_length=ITEMS_MAX)]


class KnownReceipt(Message):
    receipt_no: ReceiptNo
    account_no: AnyAccount
    org: OrganisationCode
    amount: Annotated[Money, Label("收款金额", "Amount")]
    method: Method
    state: ReceiptState
    suspense: Annotated[Money, Label("其中暂存", "Of it in suspense")]
    paid_at: Instant


class KnownReceipts(Message):
    """The receipts that the books hold, of those asked for."""

    rows: list[KnownReceipt]


class ReceiptTotals(Message):
    """Sums over a half-open range of days by which receipts were paid."""

    start: Annotated[date, Label("起始日期", "From")]
    end: Annotated[date, Label("截止日期（不含）", "To (exclusive)")]


class ReceiptTotal(Message):
    day: Annotated[date, Label("日期", "Day")]
    method: Method
    count: Annotated[int, Label("笔数", "Count")]
    amount: Annotated[Money, Label("金额", "Amount")]
    reversed_count: Annotated[int, Label("冲正笔数", "Reversed")]
    reversed_amount: Annotated[Money, Label("冲正金额", "Reversed amount")]


class ReceiptTotalRows(Message):
    rows: list[ReceiptTotal]


# --- books ----------------------------------------------------------------------------------------------------------------


class AskChart(Message):
    """The chart of accounts."""


class ChartRow(Message):
    code: ChartCode
    zh: Annotated[str, Label("科目名称", "Chinese name")]
    en: Annotated[str, Label("英文名称", "English name")]
    kind: Annotated[
        Literal["asset", "liability", "income", "expense"],
        Label("科目类别", "Kind", dictionary=ACCOUNT_KINDS.name),
    ]
    use: Annotated[str, Label("用途", "Use")]


class Chart(Message):
    rows: list[ChartRow]


class AskTrialBalance(Message):
    """For a booking month (opening, turnover, closing), or everything up to and including a day. Neither: everything."""

    month: MonthText | None = None
    as_of_day: Annotated[date, Label("截至日期", "As of day")] | None = None
    org: OrganisationCode | None = None


class BalanceRow(Message):
    code: ChartCode
    zh: Annotated[str, Label("科目名称", "Chinese name")]
    en: Annotated[str, Label("英文名称", "English name")]
    kind: Annotated[
        Literal["asset", "liability", "income", "expense"],
        Label("科目类别", "Kind", dictionary=ACCOUNT_KINDS.name),
    ]
    opening: Annotated[Money, Label("期初余额（借正贷负）", "Opening (debit positive)")]
    debit: Annotated[Money, Label("借方发生额", "Debit")]
    credit: Annotated[Money, Label("贷方发生额", "Credit")]
    closing: Annotated[Money, Label("期末余额（借正贷负）", "Closing (debit positive)")]


class TrialBalance(Message):
    """`difference` is debit minus credit over all accounts: always 0.00."""

    rows: list[BalanceRow]
    debit: Annotated[Money, Label("借方合计", "Debit")]
    credit: Annotated[Money, Label("贷方合计", "Credit")]
    difference: Annotated[Money, Label("借贷差额", "Difference")]
    balanced: Annotated[bool, Label("借贷平衡", "Balanced")]
    entries: Annotated[int, Label("分录数", "Entries")]
    as_of: AsOf


class FindVouchers(Page):
    month: Annotated[MonthText | None, Label("会计期间", "Booking month")] = None
    org: OrganisationCode | None = None
    document_kind: DocumentKind | None = None


class VoucherRow(Message):
    voucher_no: VoucherNo
    month: Annotated[str, Label("会计期间", "Booking month")]
    org: OrganisationCode
    posted_at: Instant
    document_kind: DocumentKind
    zh: Annotated[str, Label("摘要", "Text")]
    en: Annotated[str, Label("英文摘要", "Text (English)")]
    documents: Annotated[int, Label("单据数", "Documents")]
    entries: Annotated[int, Label("分录数", "Entries")]
    amount: Annotated[Money, Label("借方合计", "Debit")]


class Vouchers(Message):
    rows: list[VoucherRow]
    total: int
    next: str | None
    as_of: AsOf


class AskVoucher(Message):
    voucher_no: VoucherNo


class VoucherLine(Message):
    """A voucher summed by account of the chart; its documents are found by `entries`."""

    code: ChartCode
    zh: Annotated[str, Label("科目名称", "Chinese name")]
    en: Annotated[str, Label("英文名称", "English name")]
    debit: Annotated[Money, Label("借方金额", "Debit")]
    credit: Annotated[Money, Label("贷方金额", "Credit")]
    entries: Annotated[int, Label("分录数", "Entries")]


class Voucher(Message):
    voucher: VoucherRow
    lines: list[VoucherLine]


class FindEntries(Page):
    """Entries by voucher, account of the chart, customer, document or booking month."""

    voucher_no: VoucherNo | None = None
    code: ChartCode | None = None
    account_no: AccountNo | None = None
    document_kind: DocumentKind | None = None
    document_no: DocumentNo | None = None
    month: Annotated[MonthText | None, Label("会计期间", "Booking month")] = None
    org: OrganisationCode | None = None


class Entry(Message):
    """`document_kind` and `document_no` lead to the bill or the receipt."""

    entry_no: Annotated[int, Label("分录号", "Entry no.")]
    voucher_no: VoucherNo
    posted_at: Instant
    month: Annotated[str, Label("会计期间", "Booking month")]
    document_kind: DocumentKind
    document_no: DocumentNo
    code: ChartCode
    zh: Annotated[str, Label("科目名称", "Chinese name")]
    en: Annotated[str, Label("英文名称", "English name")]
    org: OrganisationCode
    account_no: Annotated[str | None, Label("户号", "Account no.")]
    debit: Annotated[Money | None, Label("借方金额", "Debit")]
    credit: Annotated[Money | None, Label("贷方金额", "Credit")]


class Entries(Message):
    rows: list[Entry]
    total: int
    next: str | None
    as_of: AsOf


RECOVERY_BY = Dictionary(
    "ledger.recovery_by",
    {"org": text("供电单位", "Unit"), "tariff_class": text("用电类别", "Tariff class")},
)


class AskRecovery(Message):
    """Recovery of the bills of a month, by unit or by class. Without a month: of the newest month with bills."""

    month: MonthText | None = None
    by: Annotated[Literal["org", "tariff_class"], Label("分组", "By", dictionary=RECOVERY_BY.name)] = "org"


class RecoveryRow(Message):
    """`percent` = collected / receivable; none where nothing is receivable."""

    group: Annotated[str, Label("分组", "Group")]
    bills: Annotated[int, Label("账单数", "Bills")]
    receivable: Annotated[Money, Label("应收", "Receivable")]
    collected: Annotated[Money, Label("实收", "Collected")]
    outstanding: Annotated[Money, Label("未收", "Outstanding")]
    overdue: Annotated[Money, Label("逾期", "Overdue")]
    percent: Annotated[Percent | None, Label("电费回收率", "Recovery rate")]


class Recovery(Message):
    month: MonthText | None
    by: Annotated[str, Label("分组", "By", dictionary=RECOVERY_BY.name)]
    rows: list[RecoveryRow]
    total: RecoveryRow
    as_of: AsOf


BUCKETS = Dictionary(
    "ledger.bucket",
    {
        "current": text("未到期", "Not yet due"),
        "1-30": text("1–30 天", "1-30 days"),
        "31-60": text("31–60 天", "31-60 days"),
        "61-90": text("61–90 天", "61-90 days"),
        "91-180": text("91–180 天", "91-180 days"),
        "181-365": text("181–365 天", "181-365 days"),
        "366+": text("1 年以上", "Over a year"),
    },
    tones={"91-180": "warning", "181-365": "danger", "366+": "danger"},
)


class AskAgeing(Message):
    org: OrganisationCode | None = None
    tariff_class: TariffClass | None = None


class AgeingRow(Message):
    bucket: Annotated[str, Label("账龄", "Age", dictionary=BUCKETS.name)]
    accounts: Annotated[int, Label("户数", "Accounts")]
    bills: Annotated[int, Label("账单数", "Bills")]
    outstanding: Annotated[Money, Label("未收金额", "Outstanding")]


class Ageing(Message):
    rows: list[AgeingRow]
    outstanding: Annotated[Money, Label("未收合计", "Outstanding")]
    as_of: AsOf


class FindPostings(Page):
    month: MonthText | None = None


class Posting(Message):
    """What became of a billing run in the books. `held` bills did not agree with their lines and wait for correction."""

    posting_no: Annotated[int, Label("过账序号", "Posting no.")]
    month: MonthText
    run_no: Annotated[int, Label("发行批次", "Issue no.")]
    posted_at: Instant
    bills: Annotated[int, Label("入账账单数", "Bills posted")]
    unchanged: Annotated[int, Label("已在账", "Known before")]
    held: Annotated[int, Label("未入账", "Held")]
    amount: Annotated[Money, Label("入账金额", "Amount")]


class Postings(Message):
    rows: list[Posting]
    total: int
    next: str | None
    as_of: AsOf


PROOFS = Dictionary(
    "ledger.proof",
    {
        "documents": text("每张单据借贷平衡", "Every document balances"),
        "receivable": text("应收总账 = 未结清账单", "Receivable account = open items"),
        "payable": text("应付购电费总账 = 未付购电账单", "Payable account = open purchase items"),
        "prepaid": text("预收总账 = 预存分户账", "Prepaid account = prepaid balances"),
        "suspense": text("暂存总账 = 暂存收款", "Suspense account = receipts in suspense"),
        "settled": text("账单已收 = 销账记录", "Paid on items = allocations"),
    },
)


class AskProof(Message):
    """Compares the books with the sub-ledgers."""


class Proof(Message):
    check: Annotated[str, Label("核对项", "Check", dictionary=PROOFS.name)]
    books: Annotated[Money, Label("总账", "Books")]
    detail: Annotated[Money, Label("分户账", "Sub-ledger")]
    difference: Annotated[Money, Label("差额", "Difference")]


class Proofs(Message):
    rows: list[Proof]
    agrees: Annotated[bool, Label("全部相符", "All agree")]
    as_of: AsOf


class CloseMonth(Message):
    """Locks a booking month: nothing is posted into it afterwards, adjustments go into the next open month."""

    month: MonthText
    reason: Reason


class MonthClosed(Message):
    month: MonthText
    closed_at: Instant
    closed_by: Annotated[str, Label("结账人", "Closed by")]
    debit: Annotated[Money, Label("借方合计", "Debit")]
    credit: Annotated[Money, Label("贷方合计", "Credit")]


# --- events and problems --------------------------------------------------------------------------------------------------


class BillsPosted(Event, name="ledger.bills.posted", version=1):
    """Bills of a run stand in the books. amount_fen is decimal text of an integer."""

    month: str
    run_no: int
    count: int
    amount_fen: str


class AccountUnknown(NotFound, noun="ledger", status=404, zh="账上没有该户号", en="No such account in the books"):
    """Fields: account_no. Raised also for an account outside the caller's scope."""


class VoucherUnknown(NotFound, noun="ledger", status=404, zh="未找到该记账凭证", en="No such voucher"):
    """Fields: voucher_no."""


class ReceiptUnknown(NotFound, noun="ledger", status=404, zh="账上没有该收款凭证", en="No such receipt in the books"):
    """Fields: receipt_no."""


class ReceiptDiffers(
    Problem,
    noun="ledger",
    status=409,
    zh="收款凭证号已用于另一笔收款",
    en="The receipt number is used for another receipt",
):
    """Fields: receipt_no, field, value, known."""


class AmountRefused(Problem, noun="ledger", status=422, zh="收款金额不可入账", en="The amount cannot be posted"):
    """Fields: receipt_no, value."""


class AlreadyReversed(Problem, noun="ledger", status=409, zh="该收款已冲正", en="The receipt is reversed already"):
    """Fields: receipt_no, reversal_no."""


class MonthLocked(Problem, noun="ledger", status=409, zh="会计期间已结账", en="The booking month is closed"):
    """Fields: month."""


class MonthNotOver(Problem, noun="ledger", status=409, zh="会计期间尚未结束", en="The booking month is not over"):
    """Fields: month."""


class BooksDiffer(Problem, noun="ledger", status=409, zh="总账与分户账不符", en="Books and sub-ledger differ"):
    """Fields: checks."""


class LedgerApi(Api, noun="ledger", version=1):
    """Operations on the books."""

    @query(permit="ledger.read", problems=(AccountUnknown,))
    def owed(self, call: Call, request: OwedBy) -> Owed:
        """What an account owes: its open bills, prepaid balance and the amount that settles everything."""

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
