"""Money that came in (收款): posting and reversal of receipts, and what the books know of them."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from denghuo.kernel.contract import Dictionary, Label, Message
from denghuo.kernel.fields import (
    BillNo,
    Instant,
    OrganisationCode,
    Reason,
)
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.kernel.values import Money
from denghuo.service.ledger.api.book import ITEMS_MAX, VoucherNo

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
AnyAccount = Annotated[str, StringConstraints(max_length=32), Label("户号", "Account no.")]
"""As the payer wrote it: a number that is no account of ours ends in suspense."""


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
