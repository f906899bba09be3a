"""What rating takes and gives: metered pieces and contract terms in, explained bill lines out (计费输入与账单明细)."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from denghuo.kernel.contract import Dictionary, Label, Message
from denghuo.kernel.fields import Instant, MeterNo, MonthText, PointNo, TariffClass, TariffCode, TextPair, Voltage
from denghuo.kernel.problem import Problem, text
from denghuo.kernel.values import Money, Multiplier, Percent, Price, Register
from denghuo.service.contract.api import EntitlementKind
from denghuo.service.tariff.api import AgencyCase, Band, Group, Kind, QuantityKind, Settlement, Standard, TierNumber

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
        "kvarh": text("千乏时", "kvarh"),
        "d": text("天", "days"),
        "month": text("月", "months"),
        "time": text("次", "times"),
    },
)
Unit = Annotated[
    Literal["kWh", "kW", "kVA", "%", "kvarh", "d", "month", "time"], Label("单位", "Unit", dictionary=UNITS.name)
]
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
        "loss": text("损耗", "Losses"),
        "share": text("分摊", "Sharing"),
        "correction": text("更正", "Correction"),
        "limit": text("上下限", "Limit"),
        "estimate": text("估计", "Estimate"),
    },
)
StepKind = Annotated[
    Literal[
        "registers",
        "quantity",
        "tier",
        "band",
        "days",
        "demand",
        "power_factor",
        "base",
        "price",
        "charge",
        "loss",
        "share",
        "correction",
        "limit",
        "estimate",
    ],
    Label("步骤", "Step", dictionary=STEP_KINDS.name),
]
CLAIM_GROUPS = Dictionary(
    "billing.claim_group",
    {
        "late_fee": text("违约金", "Late fee"),
        "breach": text("违约使用电费", "Breach of use"),
        "theft": text("窃电追补", "Theft"),
        "correction": text("退补电量", "Correction of quantity"),
        "refund": text("退补电费", "Refund and back-billing"),
        "compensation": text("赔偿", "Compensation"),
        "temporary": text("临时用电", "Temporary supply"),
    },
)
ClaimGroup = Annotated[
    Literal["late_fee", "breach", "theft", "correction", "refund", "compensation", "temporary"],
    Label("费用类别", "Group", dictionary=CLAIM_GROUPS.name),
]
Wh = Annotated[int, Field(ge=0)]


class CannotRate(Problem, noun="billing", status=409, zh="无法计费", en="Unable to rate"):
    """Rating was refused, nothing was computed. Fields: code (held_reading, no_reading, not_in_force, voltage, no_price,
    no_terms, class, bad_quantity, bad_market), and what the code needs: point_no, value, remedy."""


# --- what goes in ----------------------------------------------------------------------------------------------------------


class MeteredPiece(Message):
    """One register over one piece of the month: a meter exchanged in mid-month makes two pieces with their own multipliers.

    value_milli: what was metered after the multiplier: Wh, varh or, for demand, W. None = held, which cannot be rated.
    began_at: of a demand that a curve tells, when its 15 minutes began.
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
    began_at: Annotated[Instant | None, Label("出现时刻", "Began")] = None


class BasicSpan(Message):
    """Capacity and contract demand in force from a day to a day, both included."""

    first_day: date
    last_day: date
    capacity_va: Annotated[int, Field(ge=0)] | None = None
    contract_w: Annotated[int, Field(ge=0)] | None = None


class TransformerDays(Message):
    """A transformer of the contract in one state from a day to a day, both included (last_day None = still).

    The span is the true one, also where it reaches beyond the month: a pause counts by its whole length.
    interlock: transformers with the same word are mutual standby and interlocked, so that they cannot run at once.
    """

    transformer_no: str
    capacity_va: Wh
    state: Literal["running", "hot_standby", "cold_standby", "sealed", "paused", "half"] = "running"
    first_day: date
    last_day: date | None = None
    interlock: str | None = None


class LossBand(Message):
    """A row of a loss table: up to this energy of a month (None = beyond the last), the losses of a month in Wh and varh."""

    up_to_wh: Wh | None
    active_wh: Wh
    reactive_varh: Wh


class TransformerLoss(Message):
    """Losses of a transformer that lies before the meters (变损, 高供低计). One of three ways:

    nameplate: no_load_w, load_w, and in 0.01 % no_load_current, impedance; copper_share instead of the load loss where a
    province takes it as a share of the energy. table: rows in order of their energy. active_wh, reactive_varh: agreed a month.
    days: days in operation within the month, None = the whole month; they count by thirtieths, or over month_days where the
    transformer runs all month and a stage (分段) of it bears its days; behind_wh, behind_varh: energy of other contracts behind the
    same transformer; bears_remainder: whether this contract has the main meter. behind_each: behind_wh contract by contract, that
    of the main meter last, so that the shares of all of them add up to the loss; empty where it is known in one figure only.
    """

    transformer_no: str
    capacity_va: Wh = 0
    no_load_w: Wh | None = None
    load_w: Wh = 0
    no_load_current: Percent = Percent(0)
    impedance: Percent = Percent(0)
    copper_share: Percent | None = None
    table: Annotated[list[LossBand], Field(max_length=500)] = []
    active_wh: Wh | None = None
    reactive_varh: Wh = 0
    hours: Annotated[int, Field(ge=1, le=744)] = 720
    days: Annotated[int, Field(ge=1, le=30)] | None = None
    month_days: Annotated[int, Field(ge=28, le=31)] | None = None
    behind_wh: Wh = 0
    behind_varh: Wh = 0
    behind_each: Annotated[list[Wh], Field(max_length=500)] = []
    bears_remainder: bool = True


class LineLoss(Message):
    """Loss of a line between the property border and the meters (线损), as a share of the energy or an agreed quantity of a month;
    `deduct` where the meter stands before the utility's part of the line."""

    line_no: str
    share: Percent | None = None
    active_wh: Wh = 0
    deduct: bool = False


class Part(Message):
    """Energy of the account that is priced apart from its main meter (套表、定量、定比).

    way: meter = a sub-meter behind the main one (its pieces are those of point_no); parallel = a meter beside the main one;
    quantity = a fixed quantity of a month; ratio = a fixed ratio of what the others leave. tariff_code: by which tariff it is
    billed here; None = billed elsewhere, only taken off. take_from: the bands of the main meter that it is taken from where it has
    no bands of its own: flat, or each in proportion. other_account: another account has the sub-meter. resale: of a customer that
    this one supplies, how it works, by which its energy takes off the demand.
    """

    point_no: PointNo
    way: Literal["meter", "parallel", "quantity", "ratio"]
    tariff_code: TariffCode | None = None
    tariff_class: TariffClass | None = None
    settlement: Settlement | None = None
    quantity_wh: Wh = 0
    ratio: Percent = Percent(0)
    take_from: Literal["flat", "each"] = "flat"
    other_account: bool = False
    resale: Literal["one_shift", "two_shifts", "three_shifts", "farming"] | None = None


Points = Annotated[list[int], Field(max_length=3000)]


class MarketSlots(Message):
    """Energies (Wh) and prices (1e-8 yuan per kWh) of a month by settlement point, 96 a day, all lists equally long; a package
    needs `actual_wh` and `real_time_price_e8` alone. estimated: places of points that were filled with what the register has beyond
    the curve; by_estimates: those of them that have it by what stands in for their values."""

    contract_wh: Points = []
    contract_price_e8: Points = []
    day_ahead_wh: Points = []
    day_ahead_price_e8: Points = []
    actual_wh: Points
    real_time_price_e8: Points
    estimated: Points = []
    by_estimates: Points = []


class ContractEnergy(Message):
    """Energy of a forward contract at its price, as part of the contract energy of the points."""

    document: str
    quantity_wh: Wh
    price: Price


class RetailPackage(Message):
    """A retail package (零售套餐): what the seller asks for the energy.

    fixed: price by band ("total" = all hours) for `fixed_share` of the energy; the rest follows the spot price of its points
    (real time), with `fee` on every kWh. floor, cap: bounds of the average price of the month.
    """

    title: TextPair
    document: str
    fixed: Annotated[dict[Band, Price], Field(max_length=6)] = {}
    fixed_share: Percent = Percent(10_000)
    fee: Price = Price(0)
    floor: Price | None = None
    cap: Price | None = None


class GreenEnergy(Message):
    """Green energy settled with the contract (绿电): Wh and the price of its environmental value."""

    quantity_wh: Wh
    price: Price
    document: str


class MarketMonth(Message):
    """The market side of a month: settlement points, the spot average for the month's balance, a package in their place, green
    energy. `document`: the settlement rules. node: whose prices the points have. contracts: what the contract energy is made of,
    each at its own price; without them the points have their prices."""

    document: str
    slots: MarketSlots | None = None
    node: str = ""
    contracts: Annotated[list[ContractEnergy], Field(max_length=1000)] = []
    balance_price: Price | None = None
    package: RetailPackage | None = None
    green: Annotated[list[GreenEnergy], Field(max_length=20)] = []


class Generated(Message):
    """A power plant's month for the subsidy: all that was generated, and what had been subsidised since it was connected."""

    generated_wh: Wh
    subsidised_before_wh: Wh = 0
    capacity_w: Wh
    connected_on: date


class SpecialDay(Message):
    """A day that is not what its day of the week says, or of which the temperature counts: as a calendar or the weather has it.
    maxima: whole degrees that it reached, and the days before it, the latest first."""

    day: date
    kind: Literal["workday", "rest_day", "holiday"]
    holiday: str = ""
    holiday_days: Annotated[int, Field(ge=0, le=366)] = 0
    maxima: Annotated[list[int], Field(max_length=31)] = []


class DayCalendar(Message):
    """The days of a month by published tables, for bands that hang on them; days that are not named are ordinary."""

    days: Annotated[list[SpecialDay], Field(max_length=31)] = []
    documents: Annotated[list[str], Field(max_length=10)]


class TierClosing(Message):
    """A tier year that ends for an account before its last month: it was closed, handed over or changed its class, and the year is
    settled by actual months (鲁发改价格〔2019〕509号).

    billed_months, billed_extra_wh: the months of the year, and the additional room of the first tier, by which the bills before
    counted.
    """

    billed_months: Annotated[int, Field(ge=1, le=12)]
    billed_extra_wh: Annotated[int, Field(ge=0)] = 0


class RatingSubject(Message):
    """One contract in one month, with everything that rating needs.

    first_day, last_day: the days billed, both included; None = the whole month.
    used_before_wh: energy of the tier year before this month; tier_months: months of the tier year that the account counts
    (12 but in the year in which it was opened); reading_months: months between two readings; tier_extra_wh: additional room of
    the first tier in the tier period (larger households); used_tiers_wh: what was billed before in each tier, where that is known
    apart from its sum: energy billed in a higher tier is not rated again when the first tier is enlarged in mid-year.
    tier_closing: where this bill settles a tier year that ends early. tier_since: the first day of a tier year by readings, where
    the readings before tell another than these `reading_months` let expect.
    spans: capacity and contract demand over the days of the month; empty where there is no basic charge. transformers: their states
    in place of the capacity of the spans.
    parts, losses, line_losses: what is priced apart from the main meter, and what lies between the border and the meters.
    customer_energy_wh, customer_capacity_va: all points of the customer, for the discount by kWh per kVA; None = this contract.
    standard_lowered: a lowered power-factor standard, which gives no reward.
    free_months: months of free energy that the household has in this bill; free_as, free_evidence: as what it is listed, and the
    end of its evidence number. agency_case: why the agency price is multiplied. charging_station: a central charging station.
    calendar: the days by which a curve gave the bands, where the day of the week alone does not tell them.
    exported_wh: what a plant of the customer fed in during the month, which the power factor leaves out.
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
    tier_closing: TierClosing | None = None
    tier_since: date | None = None
    spans: Annotated[list[BasicSpan], Field(max_length=62)] = []
    standard: Standard | None = None
    transformers: Annotated[list[TransformerDays], Field(max_length=200)] = []
    parts: Annotated[list[Part], Field(max_length=50)] = []
    losses: Annotated[list[TransformerLoss], Field(max_length=50)] = []
    line_losses: Annotated[list[LineLoss], Field(max_length=20)] = []
    customer_energy_wh: Wh | None = None
    customer_capacity_va: Wh | None = None
    standard_lowered: bool = False
    free_months: Annotated[int, Field(ge=0, le=12)] = 0
    free_as: EntitlementKind | None = None
    free_evidence: str = ""
    agency_case: AgencyCase | None = None
    charging_station: bool = False
    market: MarketMonth | None = None
    generation: Generated | None = None
    exported_wh: Wh | None = None
    calendar: DayCalendar | None = None


# --- what comes out --------------------------------------------------------------------------------------------------------


class Step(Message):
    """One step of how a line came about: `values` by name as text, `text` the sentence made from them."""

    kind: StepKind
    values: dict[str, str]
    text: TextPair


class BillLine(Message):
    """One line of a bill with its whole explanation: `sentence` and `arithmetic` are made from the steps.

    first_day, last_day: the days of its stage where the month was rated in stages; None = all days of the bill.
    """

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
    first_day: Annotated[date | None, Label("起日", "From day")] = None
    last_day: Annotated[date | None, Label("止日", "To day")] = None
    steps: list[Step]
    sentence: TextPair
    arithmetic: Annotated[str, Label("算式", "Arithmetic")]


class Claim(Message):
    """Something asked or given outside the month's bill, computed on demand: its lines are explained as those of a bill.

    Positive: owed by the customer. `energy_wh`: the energy that the claim is about, where it is about energy.
    """

    lines: list["ClaimLine"]
    total: Annotated[Money, Label("合计", "Total")]
    energy_wh: Annotated[int | None, Label("电量", "Energy")] = None


class ClaimLine(Message):
    """One line of a claim, in the shape of a bill line without its tariff; `rule`: the rule that it rests on."""

    code: Annotated[str, Label("项目代码", "Code")]
    title: TextPair
    group: ClaimGroup
    band: Band | None = None
    quantity_milli: Annotated[int | None, Label("数量（千分之一）", "Quantity (thousandths)")] = None
    unit: Unit = "kWh"
    price: Annotated[Price | None, Label("单价", "Price")] = None
    amount: Annotated[Money, Label("金额", "Amount")]
    rule: str
    document_no: Annotated[str, Label("依据文号", "Document no.")]
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
