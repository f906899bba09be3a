"""Banks (银行代收代扣): collection files, direct debit agreements and batches."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from denghuo.kernel.contract import Dictionary, Label, Message, Page
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
from denghuo.kernel.values import Money, Percent
from denghuo.service.payment.api.counter import Sandbox

ITEMS_MAX = 1_000
FILE_MAX = 32_000_000
"""Characters of a bank file: about 400,000 lines."""
BankCode = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{4,12}$"), Label("银行代码", "Bank code")]
BatchNo = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{6,24}$"), Label("批次号", "Batch no.")]


class ImportBankFile(Message):
    """A bank's file as text; see docs/reference/bank-file.md."""

    file_name: Annotated[str, StringConstraints(max_length=120), Label("文件名", "File name")] = ""
    content: Annotated[str, StringConstraints(min_length=1, max_length=FILE_MAX), Label("文件内容", "Content")]


FILE_FIELDS = Dictionary("payment.file_field", {"account_no": text("户号", "Account no.")})


class LineError(Message):
    """What is wrong with a line and what to do."""

    line: Annotated[int, Label("行号", "Line")]
    field: Annotated[str, Label("字段", "Field", dictionary=FILE_FIELDS.name)]
    value: Annotated[str, Label("内容", "Value")]
    said: Annotated[TextPair, Label("说明与处理", "What is wrong and what to do")]


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
    imported_by: Annotated[str, Label("导入人", "Imported by", dictionary="staff")]
    imported_at: Instant
    sandbox: Sandbox


class BankFiles(Message):
    rows: list[BankFile]
    total: int
    next: str | None
    as_of: AsOf


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


class BankFileRefused(Problem, noun="payment", status=422, zh="银行文件未导入", en="The bank file was not imported"):
    """Fields: file_name, errors = [{line, field, value, zh, en}] (the first 200), error_count."""


class BatchKnown(
    Problem, noun="payment", status=409, zh="该批次已导入且内容不同", en="The batch is known with other content"
):
    """Fields: batch_no, imported_at."""


class BatchUnknown(NotFound, noun="payment", status=404, zh="未找到该批次", en="No such batch"):
    """Fields: batch_no."""
