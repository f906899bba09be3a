"""Online payment (线上支付): orders to a payment channel and its callbacks."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from denghuo.kernel.contract import Dictionary, Label, Message
from denghuo.kernel.fields import (
    AccountNo,
    BillNo,
    Instant,
)
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.kernel.values import Money
from denghuo.service.payment.api.counter import Sandbox

OrderNo = Annotated[str, StringConstraints(pattern=r"^OL[0-9]{18}$"), Label("订单号", "Order no.")]


class PayOnline(Message):
    """Orders the payment of bills of one account, at their open amount."""

    bill_nos: Annotated[list[BillNo], Field(min_length=1, max_length=50)]


ORDER_STATES = Dictionary(
    "payment.order_state",
    {"created": text("待支付", "To be paid"), "paid": text("支付成功", "Paid")},
    tones={"created": "notice", "paid": "good"},
)


class Order(Message):
    """An order to the payment channel. `request` and `signature` are what the channel is given."""

    order_no: OrderNo
    account_no: AccountNo
    amount: Annotated[Money, Label("支付金额", "Amount")]
    state: Annotated[Literal["created", "paid"], Label("订单状态", "State", dictionary=ORDER_STATES.name)]
    channel: Annotated[str, Label("支付渠道", "Channel")]
    channel_zh: Annotated[str, Label("渠道名称", "Channel (Chinese)")]
    channel_en: Annotated[str, Label("渠道名称（英文）", "Channel (English)")]
    sandbox: Sandbox
    bill_nos: list[BillNo]
    request: Annotated[str, Label("渠道请求", "Request to the channel")]
    signature: Annotated[str, Label("签名", "Signature")]
    receipt_no: Annotated[str | None, Label("收款凭证号", "Receipt no.")]
    created_at: Instant
    paid_at: Annotated[Instant | None, Label("支付时间", "Paid at")]


class OrderRef(Message):
    order_no: OrderNo


class OnlineCallback(Message):
    """What a channel tells about an order: `body` as it was signed."""

    channel: Annotated[str, StringConstraints(pattern=r"^[a-z_]{2,20}$")]
    body: Annotated[str, StringConstraints(max_length=2_000)]
    signature: Annotated[str, StringConstraints(max_length=200)]


class CallbackTaken(Message):
    """The report is kept; the payment follows by itself within a moment, and shows in `order`."""

    order_no: OrderNo


class OrderUnknown(NotFound, noun="payment", status=404, zh="未找到该订单", en="No such order"):
    """Fields: order_no."""


class NothingToPay(
    Problem, noun="payment", status=409, zh="所选账单无应缴金额", en="The bills have nothing left to pay"
):
    """Fields: bill_nos."""


class SandboxOff(Problem, noun="payment", status=409, zh="沙箱支付未启用", en="The sandbox of payment is off"):
    """No fields. Its pay page makes receipts without money, so it is there only where the setting sandbox_payment says so."""


class SignatureWrong(
    Problem, noun="payment", status=422, zh="支付渠道签名无效", en="The channel's signature is invalid"
):
    """Fields: channel."""


class CallbackDiffers(
    Problem, noun="payment", status=409, zh="支付通知与订单不符", en="The callback differs from its order"
):
    """Fields: order_no, field, value, known."""
