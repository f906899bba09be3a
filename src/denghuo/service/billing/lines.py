"""What rating takes and gives: metered pieces and contract terms in, explained bill lines out (计费输入与账单明细)."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from denghuo.kernel.contract import Dictionary, Label, Message
from denghuo.kernel.fields import MeterNo, MonthText, PointNo, TariffClass, TariffCode, TextPair, Voltage
from denghuo.kernel.problem import Problem, text
from denghuo.kernel.values import Money, Multiplier, Price, Register
from denghuo.service.tariff.api import Band, Group, Kind, QuantityKind, Settlement, Standard, TierNumber

STATUSES = Dictionary(
    "billing.reading_status",
    {"valid": text("有效", "Valid"), "estimated": text("估算", "Estimated"), "held": text("挂起", "Held")},
    tones={"valid": "good", "estimated": "notice", "held": "warning"},
)
UNITS = Dictionary(
    "billing.unit",
    {
        "kWh": text("千瓦时", "kWh"),
        "kW": text("千瓦", "kW"),
        "kVA": text("千伏安", "kVA"),
        "%": text("%", "%"),
    },
)
Unit = Annotated[Literal["kWh", "kW", "kVA", "%"], Label("单位", "Unit", dictionary=UNITS.name)]
STEP_KINDS = Dictionary(
    "billing.step",
    {
        "registers": text("示数", "Registers"),
        "quantity": text("电量", "Quantity"),
        "tier": text("阶梯", "Tier"),
        "band": text("时段", "Band"),
        "days": text("天数", "Days"),
        "demand": text("需量", "Demand"),
        "power_factor": text("功率因数", "Power factor"),
        "base": text("计算基数", "Base"),
        "price": text("电价", "Price"),
        "charge": text("金额", "Charge"),
    },
)
StepKind = Annotated[
    Literal["registers", "quantity", "tier", "band", "days", "demand", "power_factor", "base", "price", "charge"],
    Label("步骤", "Step", dictionary=STEP_KINDS.name),
]


class CannotRate(Problem, noun="billing", status=409, zh="无法计费", en="Unable to rate"):
    """Rating was refused, nothing was computed. Fields: code (held_reading, no_reading, not_in_force, voltage, no_price,
    no_terms, class, bad_quantity), and what the code needs: point_no, value, remedy."""


# --- what goes in ----------------------------------------------------------------------------------------------------------


class MeteredPiece(Message):
    """One register over one piece of the month: a meter exchanged in mid-month makes two pieces with their own multipliers.

    value_milli: what was metered after the multiplier: Wh, varh or, for demand, W. None = held, which cannot be rated.
    """

    point_no: PointNo
    meter_no: MeterNo
    piece: Annotated[int, Field(ge=1)] = 1
    quantity: QuantityKind
    band: Band = "total"
    start: Annotated[Register | None, Label("起码", "Start")] = None
    end: Annotated[Register | None, Label("止码", "End")] = None
    multiplier: Annotated[Multiplier, Label("倍率", "Multiplier")] = Multiplier(1)
    value_milli: int | None
    status: Annotated[
        Literal["valid", "estimated", "held"], Label("抄表状态", "Reading status", dictionary=STATUSES.name)
    ] = "valid"
    method: Annotated[str, Label("取得方式", "Method")] = "actual"
    estimated_days: int = 0


class BasicSpan(Message):
    """Capacity and contract demand in force from a day to a day, both included."""

    first_day: date
    last_day: date
    capacity_va: Annotated[int, Field(ge=0)] | None = None
    contract_w: Annotated[int, Field(ge=0)] | None = None


class RatingSubject(Message):
    """One contract in one month, with everything that rating needs.

    first_day, last_day: the days billed, both included; None = the whole month.
    used_before_wh: energy of the tier year before this month; tier_months: months of the tier year that the account counts
    (12 but in the year in which it was opened); reading_months: months between two readings; tier_extra_wh: additional room of
    the first tier in the tier period (larger households); used_tiers_wh: what was billed before in each tier, where that is known
    apart from its sum: energy billed in a higher tier is not rated again when the first tier is enlarged in mid-year.
    spans: capacity and contract demand over the days of the month; empty where there is no basic charge.
    """

    contract_no: str = ""
    account_no: str = ""
    kind: Kind = "supply"
    tariff_class: TariffClass
    settlement: Settlement = "agency"
    voltage: Voltage
    month: MonthText
    first_day: date | None = None
    last_day: date | None = None
    pieces: Annotated[list[MeteredPiece], Field(max_length=10_000)]
    used_before_wh: Annotated[int, Field(ge=0)] = 0
    used_tiers_wh: Annotated[list[Annotated[int, Field(ge=0)]], Field(max_length=9)] = []
    tier_months: Annotated[int, Field(ge=1, le=12)] = 12
    reading_months: Annotated[int, Field(ge=1, le=12)] = 1
    tier_extra_wh: Annotated[int, Field(ge=0)] = 0
    spans: Annotated[list[BasicSpan], Field(max_length=62)] = []
    standard: Standard | None = None


# --- what comes out --------------------------------------------------------------------------------------------------------


class Step(Message):
    """One step of how a line came about: `values` by name as text, `text` the sentence made from them."""

    kind: StepKind
    values: dict[str, str]
    text: TextPair


class BillLine(Message):
    """One line of a bill with its whole explanation: `sentence` and `arithmetic` are made from the steps."""

    code: Annotated[str, Label("项目代码", "Code")]
    title: TextPair
    group: Group
    band: Band | None = None
    tier: TierNumber | None = None
    quantity_milli: Annotated[int | None, Label("数量（千分之一）", "Quantity (thousandths)")] = None
    unit: Unit = "kWh"
    price: Annotated[Price | None, Label("单价", "Price")] = None
    amount: Annotated[Money, Label("金额", "Amount")]
    tariff_code: TariffCode
    tariff_version: Annotated[int, Label("电价版本", "Price version")]
    document_no: Annotated[str, Label("依据文号", "Document no.")]
    illustrative: Annotated[bool, Label("示例价", "Illustrative")] = False
    note: TextPair | None = None
    steps: list[Step]
    sentence: TextPair
    arithmetic: Annotated[str, Label("算式", "Arithmetic")]


class RatingRemark(Message):
    """Something a reader of the bill must know. `review`: a clerk should look before the bill is issued."""

    code: Annotated[str, Label("代码", "Code")]
    text: TextPair
    review: bool = False


class Rated(Message):
    """A rated contract: the total is the sum of the lines to the fen. Positive: supply is owed by the customer, purchase by the
    utility. `tiers_wh`: the energy of each tier, empty without tiers."""

    tariff_code: TariffCode
    tariff_version: int
    energy_wh: Annotated[int, Label("计费电量", "Billed energy")]
    tiers_wh: list[int]
    lines: list[BillLine]
    total: Annotated[Money, Label("合计", "Total")]
    estimated_days: int
    illustrative: bool
    remarks: list[RatingRemark]
