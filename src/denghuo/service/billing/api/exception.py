"""What is held for a person to decide, the rules that hold it, and how it is let go."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, Page, command, query
from denghuo.kernel.fields import (
    AccountNo,
    AsOf,
    BillNo,
    MeterNo,
    MonthText,
    OrganisationCode,
    Reason,
    TariffClass,
    TextPair,
)
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.kernel.values import Energy, Money
from denghuo.service.billing.api.bill import BillKind, BillNotFound, BillsIssued, BillState, HolderName
from denghuo.service.billing.api.cycle import CycleNotFound
from denghuo.service.billing.api.shock import CauseResult

HOLD_CODES = Dictionary(
    "billing.hold",
    {
        "read_held": text("抄表示数未确定", "Register not settled"),
        "read_awaited": text("待抄表到达", "Register awaited"),
        "no_reading": text("无抄表电量", "No quantity read"),
        "tariff_unknown": text("无适用电价", "No tariff in force"),
        "contract_changed": text("月内合同变更", "Contract changed within the month"),
        "rating_failed": text("算费规则不适用", "Rules do not fit"),
        "curve_missing": text("曲线缺失", "Curve missing"),
        "spot_price_missing": text("现货价格未发布", "Spot price missing"),
        "review_remark": text("计费提示待核", "Rating asks for a look"),
        "zero_use": text("零电量", "Zero consumption"),
        "over_capacity": text("电量超出合同容量", "More than the contract power can use"),
        "negative": text("负电量或负电费", "Negative energy or amount"),
        "spike": text("电量突增", "Energy far above earlier months"),
        "drop": text("电量突降", "Energy far below earlier months"),
        "bill_jump": text("电费突增", "Amount far above the bill before"),
        "first_bill": text("首次出账", "First bill"),
        "new_tariff": text("电价变更", "Another tariff than before"),
        "old_price": text("沿用往月价格", "Price of an earlier month"),
        "prices_corrected": text("计费依据已更正待重算", "Rated by what was corrected since"),
        "estimated_share": text("估算占比过高", "Too much of it estimated"),
        "outlier_amount": text("大额电费", "Amount out of range"),
        "tier_moved": text("阶梯累计变化", "Tier position changed"),
    },
    tones={
        "read_held": "danger",
        "read_awaited": "warning",
        "prices_corrected": "warning",
        "no_reading": "danger",
        "tariff_unknown": "danger",
        "rating_failed": "danger",
        "curve_missing": "danger",
        "spot_price_missing": "danger",
    },
)
HoldCode = Annotated[
    Literal[
        "read_held",
        "read_awaited",
        "no_reading",
        "tariff_unknown",
        "contract_changed",
        "rating_failed",
        "curve_missing",
        "spot_price_missing",
        "review_remark",
        "zero_use",
        "over_capacity",
        "negative",
        "spike",
        "drop",
        "bill_jump",
        "first_bill",
        "new_tariff",
        "old_price",
        "prices_corrected",
        "estimated_share",
        "outlier_amount",
        "tier_moved",
    ],
    Label("异常类型", "Exception", dictionary=HOLD_CODES.name),
]
EXCEPTION_STATES = Dictionary(
    "billing.exception_state",
    {
        "open": text("待处理", "Open"),
        "released": text("已放行", "Released"),
        "resolved": text("已消除", "Resolved"),
        "noted": text("仅提示", "Noted only"),
    },
    tones={"open": "danger", "released": "warning", "resolved": "good"},
)
ExceptionState = Annotated[
    Literal["open", "released", "resolved", "noted"], Label("处理状态", "State", dictionary=EXCEPTION_STATES.name)
]
CAUSES = Dictionary(
    "billing.cause",
    {
        "collection": text("采集抄表", "Reading"),
        "record": text("档案", "Record"),
        "tariff": text("电价", "Tariff"),
        "use": text("用电", "Use"),
    },
)
Cause = Annotated[Literal["collection", "record", "tariff", "use"], Label("原因定位", "Cause", dictionary=CAUSES.name)]
CAUSE_OF: dict[str, Literal["collection", "record", "tariff", "use"]] = {
    "read_held": "collection",
    "read_awaited": "collection",
    "negative": "collection",
    "estimated_share": "collection",
    "curve_missing": "collection",
    "spot_price_missing": "tariff",
    "no_reading": "record",
    "contract_changed": "record",
    "rating_failed": "record",
    "tier_moved": "record",
    "over_capacity": "record",
    "first_bill": "record",
    "tariff_unknown": "tariff",
    "review_remark": "tariff",
    "new_tariff": "tariff",
    "old_price": "tariff",
    "prices_corrected": "tariff",
    "zero_use": "use",
    "spike": "use",
    "drop": "use",
    "bill_jump": "use",
    "outlier_amount": "use",
}
"""Where what holds an account is put right first."""
SEVERITIES = Dictionary(
    "billing.severity",
    {"hold": text("挂起待核", "Hold"), "note": text("仅提示", "Note only")},
    tones={"hold": "danger", "note": "notice"},
)
Severity = Annotated[Literal["hold", "note"], Label("处置", "What it does", dictionary=SEVERITIES.name)]
ExceptionNo = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{6}-[0-9]{13}-[12]-[a-z_]{3,24}$"), Label("异常编号", "Exception no.")
]


class FindExceptions(Page):
    """Exceptions in the order of account; `releasable` picks those that a person may let pass as they are."""

    month: MonthText | None = None
    keyword: Annotated[str, Label("户号", "Account no.")] = ""
    code: HoldCode | None = None
    state: ExceptionState | None = None
    kind: BillKind | None = None
    org: OrganisationCode | None = None
    tariff_class: TariffClass | None = None
    releasable: Annotated[bool | None, Label("可放行", "May be released")] = None


class ExceptionRow(Message):
    exception_no: ExceptionNo
    month: MonthText
    account_no: AccountNo
    name: HolderName
    org: OrganisationCode
    kind: BillKind
    tariff_class: TariffClass
    code: HoldCode
    cause: Cause
    reason: Annotated[TextPair, Label("原因", "Reason")]
    energy: Annotated[Energy | None, Label("电量", "Energy")]
    amount: Annotated[Money | None, Label("金额", "Amount")]
    bill_no: BillNo | None
    releasable: Annotated[bool, Label("可放行", "May be released")]
    state: ExceptionState
    raised_at: Annotated[AwareDatetime, Label("发现时间", "Raised at")]


class ExceptionsFound(Message):
    rows: list[ExceptionRow]
    total: int
    next: str | None
    as_of: AsOf


class ExceptionRef(Message):
    exception_no: ExceptionNo


class HeldPiece(Message):
    """A metered piece as it stood when the account was held."""

    point_no: Annotated[str, Label("计量点编号", "Metering point")]
    meter_no: MeterNo
    piece: Annotated[int, Label("分段", "Piece")]
    from_at: Annotated[AwareDatetime, Label("起", "From")]
    to_at: Annotated[AwareDatetime, Label("止", "To")]
    start: Annotated[str | None, Label("起示数", "Previous register")]
    end: Annotated[str | None, Label("止示数", "Current register")]
    multiplier: Annotated[int, Label("倍率", "Multiplier")]
    energy: Annotated[Energy | None, Label("电量", "Energy")]
    status: Annotated[str, Label("抄表状态", "Read status", dictionary="reading.status")]
    rule: Annotated[str, Label("判定规则", "Rule", dictionary="reading.rule")]


class HeldException(Message):
    """One exception. `remedy` says what to do; `parameters` are the figures of the rule that held it.

    tested: what the difference to the bill before comes from, cause by cause, where the bill is out of the ordinary; their amounts
    add up to `difference`. told_at: when the customer was told that the bill is looked at, before its issue.
    """

    exception_no: ExceptionNo
    month: MonthText
    account_no: AccountNo
    name: HolderName
    org: OrganisationCode
    kind: BillKind
    tariff_class: TariffClass
    code: HoldCode
    cause: Cause
    reason: Annotated[TextPair, Label("原因", "Reason")]
    remedy: Annotated[TextPair, Label("处理办法", "What to do")]
    parameters: dict[str, str]
    pieces: list[HeldPiece]
    energy: Annotated[Energy | None, Label("电量", "Energy")]
    amount: Annotated[Money | None, Label("金额", "Amount")]
    bill_no: BillNo | None
    bill_state: BillState | None
    releasable: Annotated[bool, Label("可放行", "May be released")]
    state: ExceptionState
    raised_at: Annotated[AwareDatetime, Label("发现时间", "Raised at")]
    before_bill_no: Annotated[str | None, Label("对比账单", "Beside the bill")] = None
    difference: Annotated[Money | None, Label("比上次增减", "Difference to the bill before")] = None
    tested: Annotated[list[CauseResult], Label("原因检验", "Causes tested")] = []
    tested_at: Annotated[AwareDatetime | None, Label("检验时间", "Tested at")] = None
    told_at: Annotated[AwareDatetime | None, Label("已告知客户", "Customer told at")] = None
    settled_at: Annotated[AwareDatetime | None, Label("处理时间", "Settled at")]
    settled_by: Annotated[str | None, Label("处理人", "Settled by", dictionary="staff")]
    settled_why: Annotated[str | None, Label("处理说明", "Why")]
    as_of: AsOf


class Release(Message):
    exception_no: ExceptionNo
    reason: Reason


class ReleaseMany(Message):
    exception_nos: Annotated[list[ExceptionNo], Field(min_length=1, max_length=200)]
    reason: Reason


class Released(Message):
    """released: exceptions let go. issued: bills issued by it, in run `run_no`; a bill with another open exception waits."""

    released: Annotated[int, Label("放行", "Released")]
    issued: Annotated[int, Label("发行", "Issued")]
    run_no: Annotated[int | None, Label("发行批次", "Issue no.")]


class Recalculate(Message):
    account_no: AccountNo
    month: MonthText


class Recalculated(Message):
    """What came of it: bills issued now, exceptions that remain, bills that were issued before and agree with it."""

    account_no: AccountNo
    month: MonthText
    issued: Annotated[int, Label("发行", "Issued")]
    held: Annotated[int, Label("仍为异常", "Still held")]
    unchanged: Annotated[int, Label("无变化", "Unchanged")]
    differs: Annotated[int, Label("已发行且有差异", "Issued and different")]
    amount: Annotated[Money, Label("金额", "Amount")]
    run_no: Annotated[int | None, Label("发行批次", "Issue no.")]


class ExceptionNotFound(NotFound, noun="billing", status=404, zh="未找到该异常", en="No such exception"):
    """Fields: exception_no. Raised also for an exception outside the caller's scope."""


class NotReleasable(Problem, noun="billing", status=409, zh="该异常不能放行", en="The exception cannot be released"):
    """Fields: exception_no, code, state. Without a settled quantity or a price there is no bill to let pass."""


class AlreadyIssued(Problem, noun="billing", status=409, zh="账单已发行", en="The bill was issued already"):
    """Fields: bill_no, issued, computed. An issued bill changes only by cancelling and billing again."""


class ExceptionOperations(Api):
    """What is held for a person to decide."""

    @query(permit="billing.read")
    def exceptions(self, call: Call, request: FindExceptions) -> ExceptionsFound:
        """What is held and why, to be worked off."""

    @query(permit="billing.read", problems=(ExceptionNotFound,))
    def exception(self, call: Call, request: ExceptionRef) -> HeldException:
        """One exception with the figures that led to it and what to do."""

    @command(permit="billing.release", problems=(ExceptionNotFound, NotReleasable), emits=(BillsIssued,))
    def release(self, call: Call, request: Release) -> Released:
        """Lets a held bill pass for a stated reason; with its last open exception gone it is issued at once."""

    @command(permit="billing.release", problems=(ExceptionNotFound, NotReleasable), emits=(BillsIssued,))
    def release_many(self, call: Call, request: ReleaseMany) -> Released:
        """Lets up to 200 held bills pass for one reason; they are issued together."""

    @command(permit="billing.recalculate", problems=(BillNotFound, CycleNotFound, AlreadyIssued), emits=(BillsIssued,))
    def recalculate(self, call: Call, request: Recalculate) -> Recalculated:
        """Bills an account's month again from today's readings, contract and prices; what passes the review is issued."""
