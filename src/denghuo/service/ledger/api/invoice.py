"""Invoices (发票): a blue one for what a bill asks, a red letter (红字发票) for what takes it back, each linked to the other."""

from typing import Annotated, Literal

from pydantic import StringConstraints

from denghuo.kernel.contract import Dictionary, Label, Message, Page
from denghuo.kernel.fields import AccountNo, AsOf, BillNo, Instant, MonthText, OrganisationCode, TextPair
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.kernel.values import Money, Percent

COLOURS = Dictionary(
    "ledger.invoice_colour",
    {"blue": text("蓝字发票", "Invoice"), "red": text("红字发票", "Red letter")},
    tones={"blue": "good", "red": "danger"},
)
Colour = Annotated[Literal["blue", "red"], Label("发票种类", "Kind", dictionary=COLOURS.name)]
INVOICE_STATES = Dictionary(
    "ledger.invoice_state",
    {
        "waiting": text("待开具", "Waits for the authority"),
        "issued": text("已开具", "Issued"),
        "refused": text("税务拒绝", "Refused"),
    },
    tones={"waiting": "notice", "issued": "good", "refused": "danger"},
)
InvoiceState = Annotated[
    Literal["waiting", "issued", "refused"], Label("开票状态", "State", dictionary=INVOICE_STATES.name)
]
InvoiceNo = Annotated[str, StringConstraints(pattern=r"^FP[0-9]{12}$"), Label("发票登记号", "Register no.")]
Buyer = Annotated[str, Label("购买方", "Buyer", mask="name")]
BuyerCode = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$"),
    Label("统一社会信用代码", "Unified social credit code"),
]


class IssueInvoice(Message):
    """Asks for the invoice of an issued bill. Without a buyer it is made out to the holder of the account."""

    bill_no: BillNo
    buyer: Annotated[
        str | None,
        StringConstraints(min_length=2, max_length=100, strip_whitespace=True),
        Label("购买方", "Buyer", mask="name"),
    ] = None
    buyer_code: BuyerCode | None = None


class InvoiceRef(Message):
    invoice_no: InvoiceNo


class FindInvoices(Page):
    """Invoices, the newest first. bill_no: those of a bill, and the red letters that take them back."""

    month: MonthText | None = None
    account_no: AccountNo | None = None
    bill_no: BillNo | None = None
    colour: Colour | None = None
    state: InvoiceState | None = None
    org: OrganisationCode | None = None


class Invoice(Message):
    """An invoice. `amount` holds the tax. left: of a blue one, what red letters have not taken back. sandbox: it came from the
    sandbox of this release and is worth nothing before a tax authority."""

    invoice_no: InvoiceNo
    colour: Colour
    state: InvoiceState
    bill_no: BillNo
    account_no: AccountNo
    org: OrganisationCode
    month: MonthText
    reds: Annotated[InvoiceNo | None, Label("对应蓝字发票", "Takes back")]
    buyer: Buyer
    buyer_code: Annotated[str | None, Label("统一社会信用代码", "Unified social credit code")]
    amount: Annotated[Money, Label("价税合计", "Amount with tax")]
    tax: Annotated[Money, Label("税额", "Tax")]
    rate: Annotated[Percent, Label("税率", "Rate")]
    left: Annotated[Money | None, Label("可红冲余额", "Not taken back")]
    tax_number: Annotated[str | None, Label("发票号码", "Invoice no. of the authority")]
    sandbox: Annotated[bool | None, Label("沙箱", "Sandbox")]
    refusal: Annotated[TextPair | None, Label("拒绝原因", "Why it was refused")]
    asked_by: Annotated[str, Label("申请人", "Asked by", dictionary="staff")]
    asked_at: Annotated[Instant, Label("申请时间", "Asked at")]
    issued_at: Annotated[Instant | None, Label("开具时间", "Issued at")]


class Invoices(Message):
    rows: list[Invoice]
    total: int
    amount: Annotated[Money, Label("价税合计", "Amount with tax")]
    tax: Annotated[Money, Label("税额合计", "Tax in all")]
    next: str | None
    as_of: AsOf


class SendInvoices(Message):
    """Takes what waits to the tax authority."""


class InvoicesSent(Message):
    issued: int
    refused: int
    again: bool


class InvoiceUnknown(NotFound, noun="ledger", status=404, zh="未找到该发票", en="No such invoice"):
    """Fields: invoice_no."""


class NotInvoiced(Problem, noun="ledger", status=409, zh="该账单不能开票", en="The bill cannot be invoiced"):
    """Fields: bill_no, why (not_posted, purchase, nothing_owed, taken_back, known), invoice_no where there is one."""


class BuyerCodeWrong(Problem, noun="ledger", status=422, zh="信用代码有误", en="The credit code is wrong"):
    """Fields: errors, as for a request that does not fit its contract."""
