"""The tariff model (电价模型): one tariff of one area for one span of time, as dated data with its sources.

The same messages are what a tariff file holds (YAML or JSON, every number as text), what the service stores and what the rating
rules read. A document says everything that a bill needs and computes nothing. Spans are half open: `effective_to` is the first day
on which the document is no longer in force.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from denghuo.kernel.contract import Dictionary, Label, Message
from denghuo.kernel.fields import MonthText, TariffClass, TariffCode, TextPair, Voltage
from denghuo.kernel.problem import text
from denghuo.kernel.values import ApparentPower, Energy, Money, Percent, Power, Price, round_half_up
from denghuo.service.tariff.season import EVERY_MONTH, Band, MonthOfYear, Season, SourceNumber

QUANTITIES = Dictionary(
    "tariff.quantity",
    {
        "active_fwd": text("正向有功", "Active, forward"),
        "active_rev": text("反向有功", "Active, reverse"),
        "reactive_fwd": text("正向无功", "Reactive, forward"),
        "reactive_rev": text("反向无功", "Reactive, reverse"),
        "demand": text("最大需量", "Maximum demand"),
    },
)
QuantityKind = Annotated[
    Literal["active_fwd", "active_rev", "reactive_fwd", "reactive_rev", "demand"],
    Label("计量量", "Quantity", dictionary=QUANTITIES.name),
]
GROUPS = Dictionary(
    "tariff.group",
    {
        "energy": text("电度电费", "Energy charge"),
        "basic": text("基本电费", "Basic charge"),
        "power_factor": text("力调电费", "Power factor adjustment"),
        "fund": text("政府性基金及附加", "Government funds"),
        "purchase": text("上网电费", "Purchase of energy"),
        "adjustment": text("调整", "Adjustment"),
    },
)
Group = Annotated[
    Literal["energy", "basic", "power_factor", "fund", "purchase", "adjustment"],
    Label("费用类别", "Group", dictionary=GROUPS.name),
]
SETTLEMENTS = Dictionary(
    "tariff.settlement",
    {
        "agency": text("电网代理购电", "Agency purchase"),
        "market": text("市场化交易", "Market"),
        "surplus_feed_in": text("余电上网", "Surplus feed-in"),
        "full_feed_in": text("全额上网", "Full feed-in"),
    },
)
Settlement = Annotated[
    Literal["agency", "market", "surplus_feed_in", "full_feed_in"],
    Label("结算方式", "Settlement", dictionary=SETTLEMENTS.name),
]
KINDS = Dictionary("tariff.kind", {"supply": text("售电", "Supply"), "purchase": text("购电", "Purchase")})
Kind = Annotated[Literal["supply", "purchase"], Label("供购", "Kind", dictionary=KINDS.name)]
AGENCY_CASES = Dictionary(
    "tariff.agency_case",
    {
        "returned": text("无正当理由退出市场", "Left the market without reason"),
        "own_coal_plant": text("拥有燃煤自备电厂", "Owner of a coal plant"),
        "high_energy": text("未入市的高耗能", "High-energy user outside the market"),
    },
)
AgencyCase = Annotated[
    Literal["returned", "own_coal_plant", "high_energy"],
    Label("代理购电加价情形", "Agency case", dictionary=AGENCY_CASES.name),
]
CHARGED_BY = Dictionary(
    "tariff.charged_by", {"capacity": text("按容量", "By capacity"), "demand": text("按需量", "By demand")}
)
ChargedBy = Annotated[Literal["capacity", "demand"], Label("计收方式", "Charged by", dictionary=CHARGED_BY.name)]

COMPONENTS = Dictionary(
    "tariff.component",
    {
        "energy": text("电度电价", "Energy price"),
        "tier_2": text("第二档加价", "Second tier surcharge"),
        "tier_3": text("第三档加价", "Third tier surcharge"),
        "agency_energy": text("代理购电价格", "Agency purchase price"),
        "market_energy": text("市场化交易电价", "Market price"),
        "history_deviation": text("历史偏差折价", "Deviation of earlier months"),
        "capacity_compensation": text("容量补偿电价", "Capacity compensation"),
        "line_loss": text("上网环节线损费用", "Line loss"),
        "transmission": text("输配电价", "Transmission and distribution"),
        "system_operation": text("系统运行费用", "System operation"),
        "pumped_storage": text("抽水蓄能容量电费", "Pumped storage"),
        "coal_capacity": text("煤电容量电费", "Coal capacity"),
        "line_loss_balance": text("线损代理采购损益", "Line loss purchase balance"),
        "cross_subsidy_balance": text("交叉补贴新增损益", "Cross subsidy balance"),
        "capacity_compensation_balance": text("容量补偿分时损益", "Capacity compensation balance"),
        "mechanism_difference": text("新能源机制电价差价", "Renewable mechanism difference"),
        "time_of_use_balance": text("分时电价损益", "Time-of-use balance"),
        "power_factor_balance": text("力调电费损益", "Power-factor balance"),
        "green_power": text("绿电环境价值", "Green power"),
        "government_funds": text("政府性基金及附加", "Government funds"),
        "fund_renewable": text("可再生能源电价附加", "Renewable energy surcharge"),
        "fund_major_water": text("国家重大水利工程建设基金", "Major water works fund"),
        "fund_reservoir": text("大中型水库移民后期扶持资金", "Reservoir resettlement fund"),
        "fund_small_reservoir": text("小型水库移民扶助基金", "Small reservoir fund"),
        "fund_rural_grid": text("农网还贷资金", "Rural grid repayment fund"),
        "purchase_energy": text("上网电价", "Purchase price"),
        "generation_subsidy": text("发电补贴", "Generation subsidy"),
    },
)
"""The components that are known; a tariff that names another is refused, so that a slip of the pen is not a new charge."""
CHARGES = Dictionary(
    "tariff.charge",
    {"customer_charge": text("固定电费", "Customer charge"), "demand_charge": text("需量电费", "Demand charge")},
)
"""The charges that are known, as the components are."""
BASIC_LINES = Dictionary(
    "tariff.basic_line",
    {
        "basic_capacity": text("基本电费（容量）", "Basic charge by capacity"),
        "basic_demand": text("基本电费（需量）", "Basic charge by demand"),
        "basic_discount": text("基本电费优惠", "Basic charge discount"),
        "power_factor": text("功率因数调整电费", "Power factor adjustment"),
    },
)
"""Codes of bill lines that stand for no component."""

ComponentCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,47}$"), Label("价格项目", "Component")]
Words = Annotated[str, StringConstraints(max_length=600)]
TierNumber = Annotated[int, Field(ge=1, le=9), Label("阶梯", "Tier")]
FreeMonths = Annotated[int, Field(ge=0, le=12), Label("免费电量月数", "Months of free energy")]
Standard = Annotated[int, Field(ge=80, le=90, multiple_of=5), Label("功率因数标准", "Power factor standard")]
"""0.90, 0.85 or 0.80 in hundredths."""


class Source(Message):
    """A document that gives prices or rules: its number, title and where it was read."""

    number: SourceNumber
    title: Annotated[Words, Label("文件名称", "Title")] = ""
    address: Annotated[Words, Label("出处", "Address")] = ""


class PriceAt(Message):
    """A price and for what it holds: an empty list of voltages means all of the tariff; no band means without time of use (and,
    where the component floats, the flat band); no tier means every tier.

    `illustrative` marks a figure that no document published for this use and month; `note` says what it really is.
    `document` names the source where it is another than the component's.
    """

    price: Annotated[Price, Label("单价", "Price")]
    voltages: list[Voltage] = []
    band: Band | None = None
    tier: TierNumber | None = None
    document: SourceNumber | None = None
    illustrative: Annotated[bool, Label("示例价", "Illustrative")] = False
    note: TextPair | None = None


class Component(Message):
    """A part of the price per kWh (价格项目). Each is a bill line of its own, rounded by itself.

    floats: whether the ratios of the bands apply to it (absolute prices by band rule over ratios).
    some_tiers: priced in some tiers only, as a surcharge on the energy of these tiers.
    in_power_factor_base: whether its amount is part of what the power-factor adjustment is taken on.
    """

    code: ComponentCode
    title: TextPair
    group: Group = "energy"
    prices: Annotated[list[PriceAt], Field(min_length=1, max_length=500)]
    floats: Annotated[bool, Label("随分时浮动", "Floats with time of use")] = False
    some_tiers: bool = False
    in_power_factor_base: bool = True
    document: SourceNumber


class TierTable(Message):
    """Upper limits of the tiers but the last, which is open. `months`: the months for which these limits hold (monthly tiers)."""

    months: Annotated[list[MonthOfYear], Field(min_length=1, max_length=12)] = EVERY_MONTH
    up_to: Annotated[list[Energy], Field(min_length=1, max_length=8)]


class HouseholdRoom(Message):
    """Additional room of the first tier for households from so many persons on, for each month (一户多人口)."""

    persons_from: Annotated[int, Field(ge=2, le=20)]
    per_month: Energy


class Tiers(Message):
    """Tiers of energy (阶梯). Annual tiers count from the first day of the tier year; an account opened during the year gets
    its limits by months, a part of a month as a whole one. Monthly tiers are those of the months between two readings together.

    per_kva, per_kw: limits of a month for each kVA of capacity or kW of demand, as Shenzhen's transmission prices have them.
    year_by: the tier year begins with the calendar month `year_starts`, or with the last reading before it (按抄表年).
    """

    period: Annotated[Literal["annual", "monthly", "per_kva", "per_kw"], Label("阶梯周期", "Tier period")]
    tables: Annotated[list[TierTable], Field(min_length=1, max_length=12)]
    year_starts: MonthOfYear = 1
    year_by: Literal["calendar", "reading"] = "calendar"
    households: Annotated[list[HouseholdRoom], Field(max_length=5)] = []
    document: SourceNumber | None = None


class DemandRule(Message):
    """Billed demand from contract and register (发改办价格〔2016〕1583号): up to `free_share` of the contract the contract value,
    what lies above is counted `excess_times`. `above`: whether the excess is counted from the free share or, as older rules had
    it, from the contract; dated = from the contract up to June 2016, from the free share since. `floor_share`: least share of the
    capacity in operation."""

    free_share: Percent = Percent(10_500)
    excess_times: Annotated[int, Field(ge=1, le=5)] = 2
    above: Literal["dated", "free_share", "contract"] = "dated"
    floor_share: Percent | None = None


class DemandDiscount(Message):
    """Demand price reduced where the month's energy per kVA of capacity reaches a threshold; a negative line of its own."""

    energy_per_kva: Energy
    price_share: Percent
    document: SourceNumber


class Exemption(Message):
    """Central charging stations pay no basic charge up to and without `until`."""

    until: date
    document: SourceNumber


class BasicCharge(Message):
    """The basic charge of two-part tariffs (基本电费): kVA or kW of a month."""

    by: ChargedBy
    prices: Annotated[list[PriceAt], Field(min_length=1, max_length=50)]
    demand: DemandRule = DemandRule()
    discount: DemandDiscount | None = None
    charging_stations: Exemption | None = None
    document: SourceNumber


class Charge(Message):
    """A charge that is not per kWh: for each month or day of supply, or for each kW of the month's largest demand, of the whole
    month or, by `band`, of the hours of a band. Each is a bill line of its own."""

    code: ComponentCode
    title: TextPair
    per: Annotated[Literal["month", "day", "demand"], Label("计收方式", "Charged per")]
    band: Band | None = None
    price: Annotated[Price, Label("单价", "Price")]
    document: SourceNumber


class StandardFor(Message):
    """Which power-factor standard holds from which capacity on where the contract names none."""

    standard: Standard
    capacity_from: ApparentPower = ApparentPower(0)
    voltages: list[Voltage] = []


class PowerFactor(Message):
    """Power-factor adjustment (力调, 水电财字〔83〕215号): percentage by table on the base. Components say by
    `in_power_factor_base` whether they are part of it; government funds never are."""

    standards: list[StandardFor] = []
    with_basic_charge: bool = True
    reward: bool = True
    document: SourceNumber


class FreeEnergy(Message):
    """Energy that entitled households have free each month (低保、五保免费电量), given as a negative line at first-tier prices."""

    per_month: Energy
    document: SourceNumber


class AgencyMultiple(Message):
    """Customers in one of `cases` pay `share` of the agency price (150.00 = 1.5 times): only `components` are multiplied."""

    share: Percent = Percent(15_000)
    components: Annotated[list[ComponentCode], Field(min_length=1, max_length=5)] = ["agency_energy"]
    cases: Annotated[list[AgencyCase], Field(min_length=1, max_length=3)]
    document: SourceNumber


class Subsidy(Message):
    """Bounds of the component `generation_subsidy`: on all that is generated or on what is exported, for so many years from the
    day of connection, and for so many hours of the plant's capacity in its life."""

    on: Literal["generation", "export"] = "generation"
    years: Annotated[int, Field(ge=1, le=40)] | None = None
    hours: Annotated[int, Field(ge=1, le=200_000)] | None = None
    document: SourceNumber


class Rounding(Message):
    """How figures are rounded, half up: each metered row to `quantity_places` decimals of kWh, a floated price to `price_places`
    decimals of yuan, each line to the fen."""

    quantity_places: Annotated[int, Field(ge=0, le=3)] = 0
    price_places: Annotated[int, Field(ge=2, le=8)] = 8


class ExampleQuantity(Message):
    quantity: QuantityKind = "active_fwd"
    band: Band = "total"
    value: Annotated[Energy, Label("电量", "Energy")]


class ExampleLine(Message):
    """An expected line: which component, band and tier, and the amount."""

    code: ComponentCode
    band: Band | None = None
    tier: TierNumber | None = None
    amount: Money


class ExamplePlant(Message):
    """The plant of an example: what is exported is all that it generated."""

    capacity: Power
    connected_on: date
    subsidised_before: Energy = Energy(0)


class Example(Message):
    """A test inside the tariff: what goes in and which lines must come out. Publishing needs all of them right.

    tariff_class, settlement: the tariff's first where they are left out. tier_months, reading_months, tier_extra: as on a trial.
    free_months: months of free energy of an entitled household. agency_case: why the agency price is multiplied.
    """

    title: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    month: MonthText
    voltage: Voltage
    tariff_class: TariffClass | None = None
    settlement: Settlement | None = None
    quantities: Annotated[list[ExampleQuantity], Field(max_length=20)] = []
    used_before: Energy = Energy(0)
    tier_months: Annotated[int, Field(ge=1, le=12)] = 12
    reading_months: Annotated[int, Field(ge=1, le=12)] = 1
    tier_extra: Energy = Energy(0)
    free_months: FreeMonths = 0
    capacity: ApparentPower | None = None
    contract_demand: Power | None = None
    demand: Power | None = None
    reactive: Energy | None = None
    standard: Standard | None = None
    agency_case: AgencyCase | None = None
    charging_station: bool = False
    plant: ExamplePlant | None = None
    lines: Annotated[list[ExampleLine], Field(max_length=50)]
    total: Money


class TariffDocument(Message):
    """A tariff in force in an area from a day on. `version` counts the stored versions of a code; 0 = not stored.

    default: the tariff of its class, kind and settlement where a contract names none.
    partial: prices that are published by the month are missing; it is checked and shown and never put into force. A monthly price
    table completes it.
    days: parts of a month by its calendar days or by thirtieths; dated = by thirtieths up to May 2024, by calendar days since, as
    the 供电营业规则 of the time have it.
    """

    code: TariffCode
    version: Annotated[int, Field(ge=0), Label("版本", "Version")] = 0
    title: TextPair
    area: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z.-]{2,16}$"), Label("区域", "Area")]
    area_title: TextPair
    kind: Kind = "supply"
    classes: Annotated[list[TariffClass], Field(min_length=1, max_length=6)]
    settlements: Annotated[list[Settlement], Field(min_length=1, max_length=4)] = ["agency"]
    voltages: Annotated[list[Voltage], Field(min_length=1, max_length=11)]
    default: bool = False
    partial: Annotated[bool, Label("待补月度价格", "Lacks monthly prices")] = False
    effective_from: Annotated[date, Label("生效日", "Effective from")]
    effective_to: Annotated[date | None, Label("失效日", "Effective to")] = None
    sources: Annotated[list[Source], Field(min_length=1, max_length=50)]
    components: Annotated[list[Component], Field(max_length=50)]
    seasons: Annotated[list[Season], Field(max_length=50)] = []
    tiers: Tiers | None = None
    basic: BasicCharge | None = None
    charges: Annotated[list[Charge], Field(max_length=20)] = []
    power_factor: PowerFactor | None = None
    free_energy: FreeEnergy | None = None
    agency_multiple: AgencyMultiple | None = None
    subsidy: Subsidy | None = None
    days: Annotated[Literal["dated", "calendar", "thirty"], Label("天数", "Days basis")] = "dated"
    rounding: Rounding = Rounding()
    examples: Annotated[list[Example], Field(max_length=50)] = []
    note: TextPair | None = None

    @property
    def time_of_use(self) -> bool:
        return bool(self.seasons)


def floated_price(price: Price, ratio: Percent, rounding: Rounding) -> Price:
    """A price of the flat band as that of a band: the one place where a price is derived from another."""
    unit = 10 ** (8 - rounding.price_places)
    return Price(round_half_up(price.e8 * ratio.number, 10_000 * unit) * unit)
