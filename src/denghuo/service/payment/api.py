"""Contract of payment (电费收缴管理): counter, bank files, direct debit, online orders, day-end close, reconciliation.

A payment is recorded here first and posted to the ledger afterwards by job steps that may be repeated, so an interruption leaves
no half payment. The bank and the online channel of this release are sandboxes and say so wherever they show.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from denghuo.kernel.contract import PUBLIC, Api, Call, Dictionary, Event, Label, Message, Page, command, query
from denghuo.kernel.fields import (
    AccountNo,
    AsOf,
    BillNo,
    Document,
    Instant,
    MonthText,
    OrganisationCode,
    Reason,
    Remark,
)
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.kernel.values import Money, Percent

ITEMS_MAX = 1_000
FILE_MAX = 32_000_000
"""Characters of a bank file: about 400,000 lines."""

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
BankCode = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{4,12}$"), Label("银行代码", "Bank code")]
BatchNo = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{6,24}$"), Label("批次号", "Batch no.")]
OrderNo = Annotated[str, StringConstraints(pattern=r"^OL[0-9]{18}$"), Label("订单号", "Order no.")]
AnyAccount = Annotated[str, StringConstraints(max_length=32), Label("户号", "Account no.")]
Sandbox = Annotated[bool, Label("沙箱", "Sandbox")]
Cashier = Annotated[str, Label("收费员", "Cashier")]


# --- counter --------------------------------------------------------------------------------------------------------------


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


# --- bank files -----------------------------------------------------------------------------------------------------------


class ImportBankFile(Message):
    """A bank's file as text; see docs/reference/bank-file.md."""

    file_name: Annotated[str, StringConstraints(max_length=120), Label("文件名", "File name")] = ""
    content: Annotated[str, StringConstraints(min_length=1, max_length=FILE_MAX), Label("文件内容", "Content")]


class LineError(Message):
    """What is wrong with a line and what to do."""

    line: Annotated[int, Label("行号", "Line")]
    field: Annotated[str, Label("字段", "Field")]
    value: Annotated[str, Label("内容", "Value")]
    zh: Annotated[str, Label("说明与处理", "In Chinese")]
    en: Annotated[str, Label("英文说明", "What is wrong and what to do")]


class BankFileImported(Message):
    """`warnings` are lines whose money was taken to suspense because no account could be found for them."""

    batch_no: BatchNo
    bank_code: BankCode
    file_kind: Annotated[str, Label("文件类型", "Kind of file", dictionary="payment.file_kind")]
    lines: Annotated[int, Label("明细笔数", "Lines")]
    amount: Annotated[Money, Label("明细金额", "Amount")]
    payments: Annotated[int, Label("收款笔数", "Payments")]
    paid: Annotated[Money, Label("收款金额", "Paid")]
    failed: Annotated[int, Label("扣款失败笔数", "Failed")]
    suspense: Annotated[int, Label("转暂存笔数", "To suspense")]
    warnings: list[LineError]
    sandbox: Sandbox


FILE_KINDS = Dictionary(
    "payment.file_kind",
    {"COLLECT": text("银行代收", "Collection"), "RETURN": text("代扣回盘", "Direct debit return")},
)


class FindBankFiles(Page):
    bank_code: BankCode | None = None


class BankFile(Message):
    batch_no: BatchNo
    bank_code: BankCode
    file_kind: Annotated[str, Label("文件类型", "Kind of file", dictionary=FILE_KINDS.name)]
    file_name: Annotated[str, Label("文件名", "File name")]
    bank_day: Annotated[date, Label("银行日期", "Bank day")]
    lines: Annotated[int, Label("明细笔数", "Lines")]
    amount: Annotated[Money, Label("明细金额", "Amount")]
    payments: Annotated[int, Label("收款笔数", "Payments")]
    paid: Annotated[Money, Label("收款金额", "Paid")]
    failed: Annotated[int, Label("扣款失败笔数", "Failed")]
    suspense: Annotated[int, Label("转暂存笔数", "To suspense")]
    imported_by: Annotated[str, Label("导入人", "Imported by")]
    imported_at: Instant
    sandbox: Sandbox


class BankFiles(Message):
    rows: list[BankFile]
    total: int
    next: str | None
    as_of: AsOf


# --- direct debit ---------------------------------------------------------------------------------------------------------


class Agreement(Message):
    """A customer lets the utility collect from a bank account (代扣协议)."""

    account_no: AccountNo
    org: OrganisationCode
    bank_code: BankCode
    bank_account: Annotated[
        str, StringConstraints(pattern=r"^[0-9]{8,30}$"), Label("银行账号", "Bank account", mask="bank_card")
    ]
    holder: Annotated[
        str,
        StringConstraints(min_length=1, max_length=128, strip_whitespace=True),
        Label("账户名", "Holder", mask="name"),
    ]
    effective_from: Annotated[date, Label("生效日期", "From")]


class RegisterAgreements(Message):
    agreements: Annotated[list[Agreement], Field(min_length=1, max_length=ITEMS_MAX)]


class AgreementsRegistered(Message):
    """`changed` replaced an earlier agreement of the account, which stays on record."""

    registered: int
    changed: int
    unchanged: int


class FindAgreements(Page):
    account_no: AccountNo | None = None
    org: OrganisationCode | None = None
    bank_code: BankCode | None = None


class Agreements(Message):
    rows: list[Agreement]
    total: int
    next: str | None
    as_of: AsOf


BATCH_STATES = Dictionary(
    "payment.batch_state",
    {
        "building": text("生成中", "Being made"),
        "ready": text("待发送", "Ready"),
        "sent": text("已送银行", "Sent"),
        "returned": text("已回盘", "Returned"),
        "empty": text("无应扣户", "Nothing to collect"),
    },
    tones={"building": "notice", "ready": "notice", "sent": "notice", "returned": "good"},
)
BatchState = Annotated[
    Literal["building", "ready", "sent", "returned", "empty"], Label("批次状态", "State", dictionary=BATCH_STATES.name)
]


class MakeDebitBatch(Message):
    """Collects the open bills of all accounts with an agreement; a batch under way is continued."""

    month: MonthText


class DebitBatch(Message):
    batch_no: BatchNo
    month: MonthText
    bank_code: BankCode
    state: BatchState
    lines: Annotated[int, Label("笔数", "Lines")]
    amount: Annotated[Money, Label("金额", "Amount")]
    succeeded: Annotated[int, Label("成功笔数", "Succeeded")]
    collected: Annotated[Money, Label("成功金额", "Collected")]
    failed: Annotated[int, Label("失败笔数", "Failed")]
    percent: Annotated[Percent | None, Label("扣款成功率", "Success")]
    made_at: Instant
    sandbox: Sandbox


class FindDebitBatches(Page):
    month: MonthText | None = None


class DebitBatches(Message):
    rows: list[DebitBatch]
    total: int
    next: str | None
    as_of: AsOf


class TakeDebitFile(Message):
    """Asks for bank accounts in clear, so it says what for."""

    batch_no: BatchNo
    reason: Reason


class FindDebitLines(Page):
    batch_no: BatchNo
    failed_only: Annotated[bool, Label("仅看失败", "Failed only")] = False


DEBIT_RESULTS = Dictionary(
    "payment.debit_result",
    {
        "00": text("扣款成功", "Collected"),
        "14": text("账户已冻结", "Account frozen"),
        "51": text("余额不足", "Insufficient funds"),
        "wait": text("待银行回盘", "Waits for the bank"),
    },
    tones={"00": "good", "14": "danger", "51": "warning", "wait": "notice"},
)


class DebitLine(Message):
    line: Annotated[int, Label("行号", "Line")]
    account_no: AccountNo
    org: OrganisationCode
    amount: Annotated[Money, Label("金额", "Amount")]
    result: Annotated[str, Label("扣款结果", "Result", dictionary=DEBIT_RESULTS.name)]
    receipt_no: Annotated[str | None, Label("收款凭证号", "Receipt no.")]


class DebitLines(Message):
    rows: list[DebitLine]
    total: int
    next: str | None
    as_of: AsOf


class Step(Message):
    """Continues long work of this service; sent by the job worker."""

    batch_no: BatchNo | None = None


class StepDone(Message):
    again: bool
    done: int


# --- online ---------------------------------------------------------------------------------------------------------------


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


# --- reconciliation -------------------------------------------------------------------------------------------------------


class AskReconciliation(Message):
    """Compares payments, ledger and bank files over a day or a calendar month (one of them)."""

    day: Annotated[date | None, Label("收费日", "Business day")] = None
    month: Annotated[MonthText | None, Label("收费月份", "Month of payment")] = None


CAUSES = Dictionary(
    "payment.cause",
    {
        "not_posted": text("已收款未入账（入账作业进行中或中断）", "Taken but not in the ledger yet"),
        "not_reversed": text("已冲正未冲账", "Reversed here, not in the ledger yet"),
        "amount": text("金额不一致", "Amounts differ"),
        "account": text("户号不一致", "Account numbers differ"),
        "ledger_only": text("仅账上有", "Only in the ledger"),
        "bank_total": text("与银行文件合计不一致", "Differs from the bank file's total"),
        "suspense": text("户号不明，已转暂存", "Unknown account, in suspense"),
    },
    tones={"not_posted": "notice", "suspense": "warning", "amount": "danger", "ledger_only": "danger"},
)


class Difference(Message):
    subject: Annotated[str, Label("单据", "Document")]
    account_no: Annotated[str | None, Label("户号", "Account no.")]
    here: Annotated[Money | None, Label("收费金额", "Payment")]
    there: Annotated[Money | None, Label("对方金额", "Other side")]
    cause: Annotated[str, Label("原因", "Cause", dictionary=CAUSES.name)]


class ReconciledSide(Message):
    method: Method
    count: Annotated[int, Label("收费笔数", "Payments")]
    amount: Annotated[Money, Label("收费金额", "Payments amount")]
    ledger_count: Annotated[int, Label("账务笔数", "Ledger")]
    ledger_amount: Annotated[Money, Label("账务金额", "Ledger amount")]
    bank_amount: Annotated[Money | None, Label("银行文件金额", "Bank files amount")]
    difference: Annotated[Money, Label("差额", "Difference")]


class Reconciliation(Message):
    """`agrees` when amounts agree on all sides; money in suspense is listed though it agrees."""

    start: Annotated[date, Label("起始日期", "From")]
    end: Annotated[date, Label("截止日期（不含）", "To (exclusive)")]
    rows: list[ReconciledSide]
    differences: list[Difference]
    difference_count: Annotated[int, Label("差异笔数", "Differences")]
    agrees: Annotated[bool, Label("对账相符", "Agrees")]
    as_of: AsOf


class AskCollection(Message):
    """How far the collection of a month's bills is. Without a month: the newest month with bills."""

    month: MonthText | None = None


class CollectionRow(Message):
    method: Method
    count: Annotated[int, Label("笔数", "Count")]
    amount: Annotated[Money, Label("金额", "Amount")]


class Collection(Message):
    """receivable, collected and percent are the ledger's; rows are the payments taken today and so far, by method."""

    month: MonthText | None
    receivable: Annotated[Money, Label("应收", "Receivable")]
    collected: Annotated[Money, Label("实收", "Collected")]
    outstanding: Annotated[Money, Label("未收", "Outstanding")]
    percent: Annotated[Percent | None, Label("电费回收率", "Recovery rate")]
    today_count: Annotated[int, Label("今日笔数", "Payments today")]
    today_amount: Annotated[Money, Label("今日收款", "Taken today")]
    pending: Annotated[int, Label("待入账笔数", "To be posted")]
    rows: list[CollectionRow]
    as_of: AsOf


# --- events and problems --------------------------------------------------------------------------------------------------


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


class BankFileRefused(Problem, noun="payment", status=422, zh="银行文件未导入", en="The bank file was not imported"):
    """Fields: file_name, errors = [{line, field, value, zh, en}] (the first 200), error_count."""


class BatchKnown(
    Problem, noun="payment", status=409, zh="该批次已导入且内容不同", en="The batch is known with other content"
):
    """Fields: batch_no, imported_at."""


class BatchUnknown(NotFound, noun="payment", status=404, zh="未找到该批次", en="No such batch"):
    """Fields: batch_no."""


class OrderUnknown(NotFound, noun="payment", status=404, zh="未找到该订单", en="No such order"):
    """Fields: order_no."""


class NothingToPay(
    Problem, noun="payment", status=409, zh="所选账单无应缴金额", en="The bills have nothing left to pay"
):
    """Fields: bill_nos."""


class SignatureWrong(
    Problem, noun="payment", status=422, zh="支付渠道签名无效", en="The channel's signature is invalid"
):
    """Fields: channel."""


class CallbackDiffers(
    Problem, noun="payment", status=409, zh="支付通知与订单不符", en="The callback differs from its order"
):
    """Fields: order_no, field, value, known."""


class PaymentApi(Api, noun="payment", version=1):
    """Operations on payments."""

    @command(permit="payment.take", problems=(AmountRefused, AccountUnknown, DayClosed), emits=(PaymentTaken,))
    def take_payment(self, call: Call, request: TakePayment) -> Payment:
        """Takes a payment at the counter. With an idempotency key a double submit is one payment."""

    @query(permit="payment.read", problems=(ReceiptUnknown,))
    def receipt(self, call: Call, request: ReceiptRef) -> Payment:
        """One payment."""

    @query(permit="payment.read", problems=(ReceiptUnknown,))
    def receipt_document(self, call: Call, request: ReceiptRef) -> Document:
        """The receipt as PDF."""

    @query(permit="payment.read")
    def payments(self, call: Call, request: FindPayments) -> Payments:
        """Payments, newest first."""

    @command(permit="payment.reverse", problems=(ReceiptUnknown, NotReversible))
    def reverse_payment(self, call: Call, request: ReversePayment) -> PaymentReversed:
        """Takes a payment back: the same day by its cashier, otherwise once another person has agreed."""

    @query(permit="payment.day")
    def day(self, call: Call, request: AskDay) -> Day:
        """What a cashier took on a day and what the drawer must hold."""

    @command(permit="payment.close", problems=(CashDiffers, DayClosed, AmountRefused))
    def close_day(self, call: Call, request: CloseDay) -> Day:
        """Closes the caller's day. A difference needs a reason and another person's approval."""

    @command(permit="payment.import", problems=(BankFileRefused, BatchKnown))
    def import_bank_file(self, call: Call, request: ImportBankFile) -> BankFileImported:
        """Imports a bank's file: all of it or nothing. The same file again gives the same reply and changes nothing."""

    @query(permit="payment.bank")
    def bank_files(self, call: Call, request: FindBankFiles) -> BankFiles:
        """Imported bank files, newest first."""

    @command(permit="payment.agree")
    def register_agreements(self, call: Call, request: RegisterAgreements) -> AgreementsRegistered:
        """Registers up to 1,000 direct debit agreements; a known one with the same content is left."""

    @query(permit="payment.bank")
    def agreements(self, call: Call, request: FindAgreements) -> Agreements:
        """Direct debit agreements in force, by account number."""

    @command(permit="payment.debit")
    def debit_batch(self, call: Call, request: MakeDebitBatch) -> DebitBatches:
        """Orders direct debit batches for what is open of accounts with an agreement; made and sent by job steps."""

    @query(permit="payment.bank")
    def debit_batches(self, call: Call, request: FindDebitBatches) -> DebitBatches:
        """Direct debit batches, newest first."""

    @query(permit="payment.bank", problems=(BatchUnknown,))
    def debit_lines(self, call: Call, request: FindDebitLines) -> DebitLines:
        """The lines of a batch and what the bank answered."""

    @command(permit="payment.bank_file", problems=(BatchUnknown,), reveals=True)
    def debit_file(self, call: Call, request: TakeDebitFile) -> Document:
        """The outgoing file of a batch as the bank gets it, bank accounts in clear. The journal keeps who took it, when and why."""

    @command(permit="payment.post")
    def post_pending(self, call: Call, request: Step) -> StepDone:
        """Brings payments and reversals that were recorded here into the ledger; a step of up to 500."""

    @command(permit="payment.debit")
    def run_debit(self, call: Call, request: Step) -> StepDone:
        """One step of a debit batch: collect lines, send, take the answer."""

    @command(permit="payment.pay_online", problems=(AccountUnknown, NothingToPay))
    def pay_online(self, call: Call, request: PayOnline) -> Order:
        """Orders an online payment of bills that the caller may see."""

    @query(permit="payment.read", problems=(OrderUnknown,))
    def order(self, call: Call, request: OrderRef) -> Order:
        """One online order."""

    @command(permit=PUBLIC, problems=(SignatureWrong, CallbackDiffers))
    def online_callback(self, call: Call, request: OnlineCallback) -> CallbackTaken:
        """The channel reports a paid order. Its signature is verified; a repeated report is one payment."""

    @command(permit="payment.pay_online", problems=(OrderUnknown, CallbackDiffers))
    def sandbox_pay(self, call: Call, request: OrderRef) -> CallbackTaken:
        """Plays the sandbox channel's own pay page: signs a callback for the order and delivers it. No money moves."""

    @query(permit="payment.reconcile")
    def reconcile(self, call: Call, request: AskReconciliation) -> Reconciliation:
        """Payments against ledger receipts against bank files; every difference with its cause."""

    @query(permit="payment.read")
    def collection(self, call: Call, request: AskCollection) -> Collection:
        """How far the collection of a month's bills is."""
