"""The books (总账): chart of accounts, vouchers, entries, trial balance, postings, proofs, closing of a month."""

from datetime import date
from typing import Annotated, Literal

from pydantic import StringConstraints

from denghuo.kernel.contract import Dictionary, Event, Label, Message, Page
from denghuo.kernel.fields import (
    AccountNo,
    AsOf,
    Instant,
    MonthText,
    OrganisationCode,
    Reason,
    TextPair,
)
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.kernel.values import Money

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
ACCOUNT_KINDS = Dictionary(
    "ledger.chart_kind",
    {
        "asset": text("资产", "Asset"),
        "liability": text("负债", "Liability"),
        "income": text("收入", "Income"),
        "expense": text("费用", "Expense"),
    },
)
VoucherNo = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}-[0-9]{6}$"), Label("记账凭证号", "Voucher no.")]
ChartCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{4,12}$"), Label("科目编码", "Account code")]
DocumentNo = Annotated[str, StringConstraints(max_length=48), Label("单据编号", "Document no.")]


class AskChart(Message):
    """The chart of accounts."""


class ChartRow(Message):
    code: ChartCode
    name: Annotated[TextPair, Label("科目名称", "Account")]
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
    name: Annotated[TextPair, Label("科目名称", "Account")]
    kind: Annotated[
        Literal["asset", "liability", "income", "expense"],
        Label("科目类别", "Kind", dictionary=ACCOUNT_KINDS.name),
    ]
    opening: Annotated[Money, Label("期初余额（借正贷负）", "Opening (debit positive)")]
    debit: Annotated[Money, Label("借方发生额", "Debit")]
    credit: Annotated[Money, Label("贷方发生额", "Credit")]
    closing: Annotated[Money, Label("期末余额（借正贷负）", "Closing (debit positive)")]


class TrialBalance(Message):
    """`difference` is debit minus credit over all accounts: always 0.00. `closed_at`: when the asked booking month was closed."""

    rows: list[BalanceRow]
    debit: Annotated[Money, Label("借方合计", "Debit")]
    credit: Annotated[Money, Label("贷方合计", "Credit")]
    difference: Annotated[Money, Label("借贷差额", "Difference")]
    balanced: Annotated[bool, Label("借贷平衡", "Balanced")]
    entries: Annotated[int, Label("分录数", "Entries")]
    closed_at: Annotated[Instant | None, Label("结账时间", "Closed at")]
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
    text: Annotated[TextPair, Label("摘要", "Text")]
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
    name: Annotated[TextPair, Label("科目名称", "Account")]
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
    name: Annotated[TextPair, Label("科目名称", "Account")]
    org: OrganisationCode
    account_no: Annotated[str | None, Label("户号", "Account no.")]
    debit: Annotated[Money | None, Label("借方金额", "Debit")]
    credit: Annotated[Money | None, Label("贷方金额", "Credit")]


class Entries(Message):
    rows: list[Entry]
    total: int
    next: str | None
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
    closed_by: Annotated[str, Label("结账人", "Closed by", dictionary="staff")]
    debit: Annotated[Money, Label("借方合计", "Debit")]
    credit: Annotated[Money, Label("贷方合计", "Credit")]


class BillsPosted(Event, name="ledger.bills.posted", version=1):
    """Bills of a run stand in the books. amount_fen is decimal text of an integer."""

    month: str
    run_no: int
    count: int
    amount_fen: str


class VoucherUnknown(NotFound, noun="ledger", status=404, zh="未找到该记账凭证", en="No such voucher"):
    """Fields: voucher_no."""


class MonthLocked(Problem, noun="ledger", status=409, zh="会计期间已结账", en="The booking month is closed"):
    """Fields: month."""


class MonthNotOver(Problem, noun="ledger", status=409, zh="会计期间尚未结束", en="The booking month is not over"):
    """Fields: month."""


class BooksDiffer(Problem, noun="ledger", status=409, zh="总账与分户账不符", en="Books and sub-ledger differ"):
    """Fields: checks."""
