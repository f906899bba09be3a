"""The counter (柜台收费): payments, receipts, reversals, the cashier's day."""

from datetime import date
from typing import Annotated, Literal

from pydantic import StringConstraints

from denghuo.kernel.contract import Dictionary, Event, Label, Message, Page
from denghuo.kernel.fields import (
    AccountNo,
    AsOf,
    Instant,
    OrganisationCode,
    Reason,
    Remark,
)
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.kernel.values import Money

METHODS = Dictionary(
    "payment.method",
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
    Literal["cash", "card", "qr", "online", "bank", "debit"], Label("结算方式", "Method", dictionary=METHODS.name)
]
CounterMethod = Annotated[Literal["cash", "card", "qr"], Label("结算方式", "Method", dictionary=METHODS.name)]
STATES = Dictionary(
    "payment.state",
    {
        "taken": text("已收款，入账中", "Taken, being posted"),
        "posted": text("已入账", "Posted"),
        "reversing": text("冲正中", "Being reversed"),
        "reversed": text("已冲正", "Reversed"),
    },
    tones={"taken": "notice", "posted": "good", "reversing": "warning", "reversed": "warning"},
)
State = Annotated[
    Literal["taken", "posted", "reversing", "reversed"], Label("收款状态", "State", dictionary=STATES.name)
]
ReceiptNo = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}[0-9]{18}$"), Label("收款凭证号", "Receipt no.")]
AnyAccount = Annotated[str, StringConstraints(max_length=32), Label("户号", "Account no.")]
Sandbox = Annotated[bool, Label("沙箱", "Sandbox")]
Cashier = Annotated[str, Label("收费员", "Cashier")]


class TakePayment(Message):
    """Money taken at the counter. `tendered` is the cash handed over; the change is worked out."""

    account_no: AccountNo
    amount: Annotated[Money, Label("收款金额", "Amount")]
    method: CounterMethod = "cash"
    tendered: Annotated[Money | None, Label("实收现金", "Cash tendered")] = None
    reference: Annotated[
        str | None, StringConstraints(max_length=40, pattern=r"^[0-9A-Za-z-]*$"), Label("交易参考号", "Reference")
    ] = None
    remark: Remark = ""


class Payment(Message):
    receipt_no: ReceiptNo
    account_no: AnyAccount
    org: OrganisationCode
    amount: Annotated[Money, Label("收款金额", "Amount")]
    method: Method
    tendered: Annotated[Money | None, Label("实收现金", "Cash tendered")]
    change: Annotated[Money | None, Label("找零", "Change")]
    reference: Annotated[str | None, Label("交易参考号", "Reference")]
    cashier: Cashier
    taken_at: Instant
    day: Annotated[date, Label("收费日", "Business day")]
    state: State
    source: Annotated[str | None, Label("来源批次", "Batch")]
    settled: Annotated[Money | None, Label("冲抵欠费", "Settled")]
    prepaid: Annotated[Money | None, Label("转预存", "To prepaid")]
    suspense: Annotated[Money | None, Label("转暂存", "To suspense")]
    voucher_no: Annotated[str | None, Label("记账凭证号", "Voucher no.")]
    reversal_reason: Annotated[str | None, Label("冲正事由", "Reason of reversal")]
    sandbox: Sandbox
    remark: Annotated[str, Label("说明", "Remark")]


class ReceiptRef(Message):
    receipt_no: ReceiptNo


class FindPayments(Page):
    """Payments, newest first."""

    account_no: AccountNo | None = None
    org: OrganisationCode | None = None
    day: Annotated[date | None, Label("收费日", "Business day")] = None
    method: Method | None = None
    state: State | None = None
    cashier: Cashier | None = None
    source: Annotated[str | None, Label("来源批次", "Batch")] = None


class Payments(Message):
    rows: list[Payment]
    total: int
    amount: Annotated[Money, Label("金额合计", "Amount")]
    next: str | None
    as_of: AsOf


class ReversePayment(Message):
    """Takes a payment back: on the same day by its cashier, otherwise after another person's approval."""

    receipt_no: ReceiptNo
    reason: Reason


REVERSAL_OUTCOMES = Dictionary(
    "payment.outcome",
    {"reversing": text("已冲正", "Reversed"), "waiting": text("待审批", "Waits for approval")},
    tones={"reversing": "good", "waiting": "notice"},
)


class PaymentReversed(Message):
    receipt_no: ReceiptNo
    outcome: Annotated[Literal["reversing", "waiting"], Label("结果", "Outcome", dictionary=REVERSAL_OUTCOMES.name)]
    approval_no: Annotated[int | None, Label("审批编号", "Approval no.")]


class AskDay(Message):
    """A cashier's day; without a name the caller's own, without a day today."""

    cashier: Cashier | None = None
    day: Annotated[date | None, Label("收费日", "Business day")] = None


DAY_STATES = Dictionary(
    "payment.day",
    {
        "open": text("未扎账", "Open"),
        "waiting": text("差额待审批", "Difference waits"),
        "closed": text("已扎账", "Closed"),
    },
    tones={"open": "notice", "waiting": "warning", "closed": "good"},
)


class DayMethod(Message):
    method: Method
    count: Annotated[int, Label("笔数", "Count")]
    amount: Annotated[Money, Label("金额", "Amount")]
    reversed_count: Annotated[int, Label("冲正笔数", "Reversed")]
    reversed_amount: Annotated[Money, Label("冲正金额", "Reversed amount")]


class Day(Message):
    """What a cashier's drawer must hold."""

    cashier: Cashier
    day: Annotated[date, Label("收费日", "Business day")]
    state: Annotated[Literal["open", "waiting", "closed"], Label("扎账状态", "State", dictionary=DAY_STATES.name)]
    rows: list[DayMethod]
    expected_cash: Annotated[Money, Label("应有现金", "Cash expected")]
    counted_cash: Annotated[Money | None, Label("清点现金", "Cash counted")]
    difference: Annotated[Money | None, Label("差额", "Difference")]
    total: Annotated[Money, Label("收款合计", "Total")]
    approval_no: Annotated[int | None, Label("审批编号", "Approval no.")]
    as_of: AsOf


class CloseDay(Message):
    """Closes the caller's business day. With a difference a reason is needed, and another person's approval."""

    day: Annotated[date | None, Label("收费日", "Business day")] = None
    counted_cash: Annotated[Money, Label("清点现金", "Cash counted")]
    reason: Annotated[Reason | None, Label("差额原因", "Reason of the difference")] = None


class PaymentTaken(Event, name="payment.payment.taken", version=1):
    """Money came in at the counter or online. amount_fen is decimal text of an integer."""

    receipt_no: str
    account_no: str
    org: str
    method: str
    amount_fen: str


class AmountRefused(Problem, noun="payment", status=422, zh="收款金额不可受理", en="The amount cannot be taken"):
    """Fields: field, value."""


class AccountUnknown(NotFound, noun="payment", status=404, zh="未找到该用户", en="No such account"):
    """Fields: account_no."""


class ReceiptUnknown(NotFound, noun="payment", status=404, zh="未找到该收款凭证", en="No such receipt"):
    """Fields: receipt_no."""


class NotReversible(Problem, noun="payment", status=409, zh="该收款不能冲正", en="The payment cannot be reversed"):
    """Fields: receipt_no, state."""


class DayClosed(Problem, noun="payment", status=409, zh="当日已扎账", en="The business day is closed"):
    """Fields: cashier, day."""


class CashDiffers(Problem, noun="payment", status=409, zh="现金与应有金额不符", en="The cash does not agree"):
    """Fields: expected, counted, difference."""
