"""Cases of back-billing and refund (退补工单): opened by one person, agreed to by another, settled by one adjustment bill."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, JsonValue, StringConstraints

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
    TariffCode,
    TextPair,
    Voltage,
)
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.kernel.values import Energy, Money
from denghuo.service.billing.api.bill import BillKind, CaseNo, HolderName, ShownLine
from denghuo.service.billing.api.claim import (
    Breach,
    LostPhases,
    MeterError,
    Ratio,
    Refund,
    Theft,
    ThreeWire,
    TransformerError,
    VoltageDrop,
    WiredElement,
    WrongRatio,
)
from denghuo.service.billing.api.reversal import ApprovalNo
from denghuo.service.billing.api.trial import NotTriable
from denghuo.service.billing.lines import CannotRate
from denghuo.service.tariff.api import Band, QuantityKind, Settlement

MONTHS_MAX = 36

CASE_CAUSES = Dictionary(
    "billing.case_cause",
    {
        "ratio": text("倍率差错", "Wrong multiplier"),
        "wiring": text("接线错误、失压断流", "Wrong wiring, lost phase"),
        "meter": text("计量误差超差", "Meter error"),
        "reading": text("示数差错", "Wrong reading"),
        "tariff": text("电价、类别差错", "Wrong tariff or class"),
        "tier_year": text("阶梯累计差错", "Tier position"),
        "theft": text("窃电追补", "Theft"),
        "breach": text("违约用电", "Breach of use"),
        "refund": text("其他退补", "Other back-billing or refund"),
    },
)
CaseCause = Annotated[
    Literal["ratio", "wiring", "meter", "reading", "tariff", "tier_year", "theft", "breach", "refund"],
    Label("退补原因", "Cause", dictionary=CASE_CAUSES.name),
]
CASE_STATES = Dictionary(
    "billing.case_state",
    {
        "waiting": text("待审批", "Waits for approval"),
        "done": text("已发行", "Issued"),
        "refused": text("未同意", "Refused"),
        "withdrawn": text("已撤回", "Withdrawn"),
        "void": text("已失效", "Void"),
        "reversed": text("已冲销", "Taken back"),
    },
    tones={
        "waiting": "notice",
        "done": "good",
        "refused": "danger",
        "withdrawn": "plain",
        "void": "plain",
        "reversed": "warning",
    },
)
CaseState = Annotated[
    Literal["waiting", "done", "refused", "withdrawn", "void", "reversed"],
    Label("办理状态", "State", dictionary=CASE_STATES.name),
]
Evidence = Annotated[
    str, StringConstraints(min_length=4, max_length=2_000, strip_whitespace=True), Label("依据与证据", "Evidence")
]


class RightEnergy(Message):
    """What a register should have given in a month, in kWh, kvarh or, for a demand, kW."""

    month: MonthText
    meter_no: MeterNo
    quantity: Annotated[QuantityKind, Label("计量量", "Quantity")] = "active_fwd"
    band: Band = "total"
    energy: Annotated[Energy, Label("应计电量", "Energy due")]


class OpenCase(Theft, Breach, Refund):
    """A case of back-billing or refund over days of an account, both included: one cause, and what that cause needs.

    ratio (wrong multiplier); of wiring one of elements with billed_ratio, transformers, lost, three_wire, drop; meter (its error);
    right: the energies that should have been read; of a wrong tariff the class, tariff, voltage or settlement due, what is left out
    stays as it was billed and without a tariff the default of the class holds, in each month that of its own time. Theft, breach
    and refund take the facts of the operations of that name. tier_year needs nothing: months are rated again with what is known now
    of those before. meter_no: the meter that was wrong; left out, all meters of the account. A month of which only some days are in
    the case is corrected for the share of those days.
    """

    account_no: AccountNo
    kind: BillKind = "supply"
    cause: CaseCause
    from_on: Annotated[date, Label("起日", "First day")]
    to_on: Annotated[date, Label("止日", "Last day")]
    reason: Reason
    evidence: Evidence
    meter_no: MeterNo | None = None
    ratio: Annotated[WrongRatio | None, Label("倍率差错", "Wrong multiplier")] = None
    elements: Annotated[list[WiredElement], Field(max_length=3), Label("各相互感器", "Current transformers")] = []
    billed_ratio: Annotated[Ratio | None, Label("计费变比", "Billed ratio")] = None
    transformers: Annotated[
        list[TransformerError], Field(max_length=3), Label("各相互感器误差", "Errors of the current transformers")
    ] = []
    lost: Annotated[LostPhases | None, Label("失压、断流", "Phases not registered")] = None
    three_wire: Annotated[ThreeWire | None, Label("三相三线接线故障", "Fault of a three-wire meter")] = None
    drop: Annotated[VoltageDrop | None, Label("二次压降超差", "Voltage drop")] = None
    meter: Annotated[MeterError | None, Label("电能表误差", "Meter error")] = None
    right: Annotated[list[RightEnergy], Field(max_length=500), Label("应计电量", "Energies due")] = []
    tariff_class: Annotated[TariffClass | None, Label("应执行类别", "Class due")] = None
    tariff_code: Annotated[TariffCode | None, Label("应执行电价", "Tariff due")] = None
    voltage: Annotated[Voltage | None, Label("应执行电压", "Voltage due")] = None
    settlement: Annotated[Settlement | None, Label("应执行结算方式", "Settlement due")] = None


class CaseRef(Message):
    case_no: CaseNo


class FindCases(Page):
    """Cases, the newest first."""

    account_no: AccountNo | None = None
    cause: CaseCause | None = None
    state: CaseState | None = None
    org: OrganisationCode | None = None


class CaseRow(Message):
    case_no: CaseNo
    account_no: AccountNo
    name: HolderName
    org: OrganisationCode
    kind: BillKind
    cause: CaseCause
    from_on: Annotated[date, Label("起日", "First day")]
    to_on: Annotated[date, Label("止日", "Last day")]
    energy: Annotated[Energy, Label("退补电量", "Energy")]
    amount: Annotated[Money, Label("退补金额", "Amount")]
    state: CaseState
    bill_no: Annotated[BillNo | None, Label("调整账单", "Adjustment bill")]
    opened_by: Annotated[str, Label("发起人", "Opened by", dictionary="staff")]
    opened_at: Annotated[AwareDatetime, Label("发起时间", "Opened at")]


class CasesFound(Message):
    rows: list[CaseRow]
    total: int
    next: str | None
    amount: Annotated[Money, Label("退补金额合计", "Amount in all")]
    as_of: AsOf


class CaseSegment(Message):
    """A month of a case: what was billed, and what is due. A case of stated amounts has none of them."""

    month: MonthText
    bill_no: Annotated[BillNo, Label("原账单", "Bill")]
    was_energy: Annotated[Energy, Label("原计电量", "Energy billed")]
    now_energy: Annotated[Energy, Label("应计电量", "Energy due")]
    energy: Annotated[Energy, Label("退补电量", "Energy")]
    was_amount: Annotated[Money, Label("原计电费", "Amount billed")]
    now_amount: Annotated[Money, Label("应计电费", "Amount due")]
    amount: Annotated[Money, Label("退补电费", "Amount")]


class Case(CaseRow):
    """A case with its months and lines. facts: what was stated, by the names of the request that opened it."""

    reason: Annotated[str, Label("事由", "Reason")]
    evidence: Annotated[str, Label("依据与证据", "Evidence")]
    facts: dict[str, JsonValue]
    said: Annotated[TextPair, Label("更正内容", "What is put right")]
    approval_no: Annotated[ApprovalNo | None, Label("审批编号", "Approval no.")]
    decided_by: Annotated[str | None, Label("审批人", "Decided by", dictionary="staff")]
    decided_at: Annotated[AwareDatetime | None, Label("审批时间", "Decided at")]
    segments: list[CaseSegment]
    lines: list[ShownLine]
    as_of: AsOf


class CaseNotFound(NotFound, noun="billing", status=404, zh="未找到该退补工单", en="No such case"):
    """Fields: case_no."""


class NotAdjustable(Problem, noun="billing", status=409, zh="不能立案退补", en="No case can be opened"):
    """Fields: why (nothing_billed, not_kept, known, no_difference, no_number), account_no, and what it needs: case_no, month."""


class CaseOperations(Api):
    """Cases of back-billing and refund."""

    @command(permit="billing.adjust", problems=(NotAdjustable, NotTriable, CannotRate))
    def open_case(self, call: Call, request: OpenCase) -> Case:
        """Opens a case over days that were billed: worked out month by month at the prices of their time, shown, and put before
        another person. Once agreed to, its adjustment bill is issued, posted and proved."""

    @query(permit="billing.read")
    def cases(self, call: Call, request: FindCases) -> CasesFound:
        """Cases by account, cause, state and unit, the newest first."""

    @query(permit="billing.read", problems=(CaseNotFound,))
    def case(self, call: Call, request: CaseRef) -> Case:
        """One case: what was found, its months as they were billed and as they are due, and its lines explained."""
