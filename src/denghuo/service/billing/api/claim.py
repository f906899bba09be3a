"""What is asked or given outside the month's bill (违约金、违约用电、窃电、退补、赔偿、临时用电): facts in, the explained sum out.

Nothing is kept. Which facts a kind takes stands in `billing.claims`; a fact that is missing is named with its field.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from denghuo.kernel.contract import Dictionary, Label, Message
from denghuo.kernel.fields import AsOf, TextPair
from denghuo.kernel.problem import text
from denghuo.kernel.values import Energy, Money, Percent, Power, Price
from denghuo.service.billing.api.bill import Counted
from denghuo.service.billing.lines import ClaimGroup, Step, Unit
from denghuo.service.tariff.api import Band

CLAIM_KINDS = Dictionary(
    "billing.claim_kind",
    {
        "late_fee": text("电费违约金", "Late fee"),
        "wrong_category": text("擅自改变用电类别", "Wrong category of use"),
        "excess_capacity": text("擅自超过合同容量", "Capacity above the contract"),
        "sealed_equipment": text("擅自使用封存、暂停设备", "Sealed or paused equipment in use"),
        "unauthorised_supply": text("擅自引入、供出电源或并网", "Power brought in or passed on without leave"),
        "touched_metering": text("擅自操作计量、负控装置", "Metering or load devices touched"),
        "theft": text("窃电", "Theft"),
        "wrong_ratio": text("倍率差错退补", "Wrong multiplier"),
        "meter_error": text("计量误差退补", "Meter error"),
        "lost_phase": text("缺相退补", "Phases not registered"),
        "normal_month": text("计量故障按正常月退补", "Failed device, by a normal month"),
        "refund": text("分段退补电费", "Refund or back-billing by pieces"),
        "outage": text("停电赔偿", "Compensation for an outage"),
        "temporary": text("临时用电（不装表）", "Temporary supply without a meter"),
    },
)
ClaimKind = Annotated[
    Literal[
        "late_fee",
        "wrong_category",
        "excess_capacity",
        "sealed_equipment",
        "unauthorised_supply",
        "touched_metering",
        "theft",
        "wrong_ratio",
        "meter_error",
        "lost_phase",
        "normal_month",
        "refund",
        "outage",
        "temporary",
    ],
    Label("业务", "What is worked out", dictionary=CLAIM_KINDS.name),
]
Period = Annotated[str, StringConstraints(max_length=40), Label("时段", "Period")]


class ClaimEnergy(Message):
    """Energy of one register or piece of time at its own price; for a wrong category the price is the difference of the two."""

    period: Period = ""
    band: Band = "total"
    energy: Annotated[Energy, Label("电量", "Energy")]
    price: Annotated[Price, Label("单价", "Price")]


class ClaimLoad(Message):
    """Equipment of so many kW that ran so many hours a day for so many days."""

    power: Annotated[Power, Label("功率", "Power")]
    hours_a_day: Annotated[int, Field(ge=1, le=24), Label("每日小时", "Hours a day")]
    days: Annotated[int, Field(ge=1, le=3_650), Label("天数", "Days")]


class WorkOut(Message):
    """The facts of a claim. power: kW (or kVA) of the capacity or equipment; basic_price: the month's basic price of a two-part
    customer, with the days of use; times: how many times the charge is asked as penalty, at most what the text allows (left out =
    that). ratio, billed_ratio: true and billed multiplier. error: of the meter, in percent; known_since: whether the beginning of
    the error is known, else half the time counts. minutes: length of an outage."""

    kind: ClaimKind
    resident: Annotated[bool, Label("居民", "Resident")] = False
    two_part: Annotated[bool, Label("两部制", "Two-part")] = False
    principal: Annotated[Money | None, Label("欠费本金", "Debt")] = None
    due_on: Annotated[date | None, Label("缴费期限", "Due on")] = None
    paid_on: Annotated[date | None, Label("缴清日期", "Paid on")] = None
    waived: Annotated[Money | None, Label("减免金额", "Let off")] = None
    power: Annotated[Power | None, Label("容量/功率", "Capacity or power")] = None
    basic_price: Annotated[Price | None, Label("基本电费月单价", "Basic price a month")] = None
    first_day: Annotated[date | None, Label("起日", "First day")] = None
    last_day: Annotated[date | None, Label("止日", "Last day")] = None
    times: Annotated[int | None, Field(ge=0, le=3), Label("违约倍数", "Times")] = None
    count: Annotated[int, Field(ge=1, le=1_000), Label("次数", "Count")] = 1
    pieces: Annotated[list[ClaimEnergy], Field(max_length=200), Label("电量与单价", "Energies and prices")] = []
    loads: Annotated[list[ClaimLoad], Field(max_length=100), Label("用电设备", "Equipment")] = []
    price: Annotated[Price | None, Label("电价", "Price of energy")] = None
    ratio: Annotated[int | None, Field(ge=1, le=10**6), Label("实际倍率", "True multiplier")] = None
    billed_ratio: Annotated[int | None, Field(ge=1, le=10**6), Label("计费倍率", "Billed multiplier")] = None
    error: Annotated[Percent | None, Label("误差", "Error")] = None
    known_since: Annotated[bool, Label("起始时间可查", "Since when is known")] = False
    working: Annotated[int | None, Field(ge=1, le=2), Label("正常相数", "Phases that registered")] = None
    normal: Annotated[Energy | None, Label("正常月电量", "Energy of a normal month")] = None
    registered: Annotated[Energy | None, Label("抄见电量", "Energy registered")] = None
    minutes: Annotated[int | None, Field(ge=1, le=10**6), Label("停电分钟", "Minutes without supply")] = None


class ClaimRow(Message):
    """One line of a claim with how it came about; `rule`: the rule it rests on (docs/reference/billing-rules.md)."""

    line: Annotated[int, Label("行号", "Line")]
    code: Annotated[str, Label("项目代码", "Code")]
    name: Annotated[TextPair, Label("项目", "Item")]
    group: ClaimGroup
    band: Band | None
    quantity: Annotated[Counted | None, Label("数量", "Quantity")]
    unit: Unit
    price: Annotated[Price | None, Label("单价", "Price")]
    amount: Annotated[Money, Label("金额", "Amount")]
    sentence: Annotated[TextPair, Label("说明", "Explanation")]
    arithmetic: Annotated[str, Label("算式", "Arithmetic")]
    rule: Annotated[str, Label("规则", "Rule")]
    document_no: Annotated[str, Label("依据文号", "Document no.")]
    steps: list[Step]


class WorkedOut(Message):
    """The claim: positive is owed by the customer, negative is given to the customer."""

    kind: ClaimKind
    amount: Annotated[Money, Label("合计", "Total")]
    energy: Annotated[Energy | None, Label("电量", "Energy")]
    lines: list[ClaimRow]
    as_of: AsOf
