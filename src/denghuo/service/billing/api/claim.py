"""What is asked or given outside the month's bill (违约金、违约用电、窃电、退补、赔偿、临时用电): facts in, the explained sum out.

Nothing is kept. What does not fit is refused with its field, its value and what to do (`NotTriable`).
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, query
from denghuo.kernel.fields import VOLTAGES, AsOf, TariffCode, TextPair, Voltage
from denghuo.kernel.problem import text
from denghuo.kernel.values import Energy, Money, Percent, Power, Price, ReactiveEnergy
from denghuo.service.billing.api.bill import Counted
from denghuo.service.billing.api.trial import NotTriable
from denghuo.service.billing.lines import ClaimGroup, Step, Unit
from denghuo.service.tariff.api import Band, Standard

PIECES_MAX = 200
LOADS_MAX = 100

LOAD_USES = Dictionary("billing.load_use", {"power": text("电力", "Power"), "lighting": text("照明", "Lighting")})
LoadUse = Annotated[Literal["power", "lighting"], Label("用途", "Use", dictionary=LOAD_USES.name)]

THREE_WIRE_FAULTS = Dictionary(
    "billing.three_wire_fault",
    {
        "lost_voltage": text("失压（断压）", "A voltage is missing"),
        "reversed_current": text("电流反接", "A current is reversed"),
    },
)
ThreeWireFault = Annotated[
    Literal["lost_voltage", "reversed_current"], Label("故障", "Fault", dictionary=THREE_WIRE_FAULTS.name)
]

PieceName = Annotated[str, StringConstraints(max_length=40), Label("期间", "Period")]
Ratio = Annotated[int, Field(ge=1, le=10**6)]
Days = Annotated[int, Field(ge=1, le=3_650), Label("天数", "Days")]
FoundOn = Annotated[date | None, Label("查获日期", "Found on")]
HoursADay = Annotated[int, Field(ge=1, le=24), Label("每日小时", "Hours a day")]


class ClaimEnergy(Message):
    """Energy of one register or piece of time at its own price; for a wrong category the price is the difference of the two."""

    period: PieceName = ""
    band: Band = "total"
    energy: Annotated[Energy, Label("电量", "Energy")]
    price: Annotated[Price, Label("单价", "Price")]


Pieces = Annotated[list[ClaimEnergy], Field(max_length=PIECES_MAX), Label("电量与单价", "Energies and prices")]


# --- late fee ---------------------------------------------------------------------------------------------------------------


class OverdueDebt(Message):
    """An overdue bill. year: the year of the debt, of which the days count at the lower rate; left out = that of the due day."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=40), Label("账期", "Bill")]
    principal: Annotated[Money, Label("欠费本金", "Debt")]
    due_on: Annotated[date, Label("缴费期限", "Due on")]
    year: Annotated[int | None, Field(ge=1996, le=2100), Label("所属年度", "Year of the debt")] = None


class DebtPayment(Message):
    """Part of a debt that was paid before: from the day after it counts no more."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=40), Label("账期", "Bill")]
    paid_on: Annotated[date, Label("缴费日期", "Paid on")]
    amount: Annotated[Money, Label("已缴金额", "Amount paid")]


class LateFee(Message):
    """Debts until the day on which they are paid. The text in force on the first due day holds.

    cap: the most as a share of each debt, where the company has such a rule. waived: what is let off.
    """

    debts: Annotated[list[OverdueDebt], Field(min_length=1, max_length=100), Label("欠费", "Debts")]
    payments: Annotated[list[DebtPayment], Field(max_length=100), Label("期间缴费", "Payments between")] = []
    paid_on: Annotated[date, Label("缴清日期", "Paid on")]
    resident: Annotated[bool, Label("居民", "Resident")] = False
    cap: Annotated[Percent | None, Label("封顶比例", "Cap")] = None
    waived: Annotated[Money | None, Label("减免金额", "Let off")] = None


# --- breach of use and theft ------------------------------------------------------------------------------------------------


class CapacityInUse(Message):
    """Capacity of equipment in kVA or kW. Of a two-part customer the month's basic price and the first and last day of use."""

    power: Annotated[Power, Label("容量/功率", "Capacity or power")]
    basic_price: Annotated[Price | None, Label("基本电费月单价", "Basic price a month")] = None
    first_day: Annotated[date | None, Label("起日", "First day")] = None
    last_day: Annotated[date | None, Label("止日", "Last day")] = None


class ExcessCapacity(CapacityInUse):
    """Capacity above the contract. times: of the basic charge as penalty, at most what the text allows (left out = that)."""

    times: Annotated[int | None, Field(ge=0, le=9), Label("违约倍数", "Times")] = None


class SuppliedPower(Message):
    """Power brought in, passed on or connected to the grid without leave."""

    power: Annotated[Power, Label("容量/功率", "Capacity or power")]


class TouchedMetering(Message):
    """How many times metering or load devices were touched."""

    count: Annotated[int, Field(ge=1, le=1_000), Label("次数", "Count")]
    resident: Annotated[bool, Label("居民", "Resident")] = False


class OverQuota(Message):
    """Use beyond the planned quota, as the text to 2024-05-31 charged it; used_on: a day of the use."""

    used_on: Annotated[date, Label("用电日期", "Day of use")]
    peak_power: Annotated[Power, Label("高峰超用电力", "Power above it in peak hours")]
    energy: Annotated[Energy, Label("超用电量", "Energy above it")]
    price: Annotated[Price, Label("单价", "Price")]


class Breach(Message):
    """What an inspection found (违约用电), one thing or several: the claim is their sum, a line for each.

    category: energies used in a dearer category with the difference of the two prices; category_times: how many times it is asked
    as penalty, at most what the text allows (left out = that). found_on: the day by which the text is
    chosen that a line cites; left out = the last day of use where there is one, else the text of today.
    """

    found_on: FoundOn = None
    category: Annotated[
        list[ClaimEnergy], Field(max_length=PIECES_MAX), Label("擅自改变用电类别", "Wrong category of use")
    ] = []
    category_times: Annotated[int | None, Field(ge=0, le=9), Label("改变类别违约倍数", "Times for the category")] = None
    capacity: Annotated[ExcessCapacity | None, Label("擅自超过合同容量", "Capacity above the contract")] = None
    sealed: Annotated[CapacityInUse | None, Label("擅自使用封存、暂停设备", "Sealed or paused equipment in use")] = None
    supply: Annotated[
        SuppliedPower | None, Label("擅自引入、供出电源或并网", "Power brought in or passed on without leave")
    ] = None
    metering: Annotated[TouchedMetering | None, Label("擅自操作计量、负控装置", "Metering or load devices touched")] = (
        None
    )
    quota: Annotated[OverQuota | None, Label("擅自超计划用电", "Use beyond the planned quota")] = None


class StolenLoad(Message):
    """Equipment that stole. Where the time is not known days and hours stay empty: 180 days of 12 h for power, 6 for lighting."""

    power: Annotated[Power, Label("功率", "Power")]
    use: LoadUse = "power"
    hours_a_day: HoursADay | None = None
    days: Days | None = None
    price: Annotated[Price, Label("单价", "Price")]


class StolenByMeter(Message):
    """Where the equipment is not known, the power that the meter's rated current stands for; times as above."""

    phase_volts: Annotated[int, Field(ge=1, le=1_000_000), Label("相电压（伏）", "Phase voltage (V)")]
    rated_amperes: Annotated[int, Field(ge=1, le=10_000), Label("标定电流（安）", "Rated current (A)")]
    phases: Annotated[int, Field(ge=1, le=3), Label("相数", "Phases")] = 1
    multiplier: Annotated[Ratio, Label("倍率", "Multiplier")] = 1
    use: LoadUse = "power"
    hours_a_day: HoursADay | None = None
    days: Days | None = None
    price: Annotated[Price, Label("单价", "Price")]


class Underregistered(Message):
    """Energy that was registered, and how much of it was missing: 12.5 % of 50,000 kWh are 6,250 kWh."""

    registered: Annotated[Energy, Label("抄见电量", "Energy registered")]
    share: Annotated[Percent, Label("少计比例", "Share missing")]
    price: Annotated[Price, Label("单价", "Price")]


class Theft(Message):
    """Stolen energy (窃电) by what is known of it: energies, equipment, the meter's rated current, or a share not registered.
    found_on: the day by which the text is chosen that a line cites; left out = the text of today."""

    found_on: FoundOn = None
    energies: Pieces = []
    loads: Annotated[list[StolenLoad], Field(max_length=LOADS_MAX), Label("窃电设备", "Equipment")] = []
    meters: Annotated[
        list[StolenByMeter], Field(max_length=LOADS_MAX), Label("按表计标定电流", "By rated current")
    ] = []
    shares: Annotated[list[Underregistered], Field(max_length=LOADS_MAX), Label("按少计比例", "By share missing")] = []
    times: Annotated[int | None, Field(ge=0, le=9), Label("违约倍数", "Times")] = None


# --- correction of quantity -------------------------------------------------------------------------------------------------


class WrongRatio(Message):
    """The real multiplier, and the one that was billed."""

    real: Annotated[Ratio, Label("实际倍率", "True multiplier")]
    billed: Annotated[Ratio, Label("计费倍率", "Billed multiplier")]


class WiredElement(Message):
    """A current transformer of a three-phase four-wire meter: its ratio (150/5 is 30), and whether it is reversed."""

    ratio: Annotated[Ratio, Label("变比", "Ratio")]
    reversed: Annotated[bool, Label("反接", "Reversed")] = False


class TransformerError(Message):
    """The error of a current transformer."""

    error: Annotated[Percent, Label("误差", "Error")]


class MeterError(Message):
    """The error of a meter; known_since: whether the beginning of the error is known, else half the time counts."""

    error: Annotated[Percent, Label("误差", "Error")]
    known_since: Annotated[bool, Label("起始时间可查", "Since when is known")] = False


class LostPhases(Message):
    """How many of the three phases of a four-wire meter were still registered."""

    working: Annotated[int, Field(ge=1, le=2), Label("正常相数", "Phases that registered")]


class ThreeWire(Message):
    """A fault of a three-phase three-wire meter, and the customer's energies of a normal time, which give the phase angle."""

    fault: ThreeWireFault
    phase: Annotated[Literal["A", "B", "C"], Label("相别", "Phase")]
    active: Annotated[Energy, Label("正常有功电量", "Active energy of a normal time")]
    reactive: Annotated[ReactiveEnergy, Label("正常无功电量", "Reactive energy of a normal time")]


class VoltageDrop(Message):
    """The voltage drop of the secondary circuit, and what is allowed."""

    drop: Annotated[Percent, Label("实测压降", "Drop measured")]
    allowed: Annotated[Percent, Label("允许值", "Allowed")]


class Creep(Message):
    """A meter that turned without load: minutes, minutes a turn, turns a kWh, and the price of what is given back."""

    minutes: Annotated[int, Field(ge=1, le=10**7), Label("潜动分钟", "Minutes of creep")]
    minutes_a_turn: Annotated[int, Field(ge=1, le=10**5), Label("每转分钟", "Minutes a turn")]
    turns_a_kwh: Annotated[int, Field(ge=1, le=10**6), Label("电能表常数", "Turns a kWh")]
    price: Annotated[Price, Label("单价", "Price")]


class NormalMonth(Message):
    """Energy of a normal month, and what was registered in the month of the fault."""

    normal: Annotated[Energy, Label("正常月电量", "Energy of a normal month")]
    registered: Annotated[Energy, Label("抄见电量", "Energy registered")]
    price: Annotated[Price, Label("单价", "Price")]


class QuantityCorrection(Message):
    """Energy that was not registered, or too much (退补电量), by one cause; `registered` are the registers that were wrong.

    elements with billed_ratio: transformers of several ratios, or reversed. whole_kwh: corrections are rounded to whole kWh.
    """

    registered: Pieces = []
    ratio: Annotated[WrongRatio | None, Label("倍率差错", "Wrong multiplier")] = None
    elements: Annotated[list[WiredElement], Field(max_length=3), Label("各相互感器", "Current transformers")] = []
    billed_ratio: Annotated[Ratio | None, Label("计费变比", "Billed ratio")] = None
    transformers: Annotated[
        list[TransformerError], Field(max_length=3), Label("各相互感器误差", "Errors of the current transformers")
    ] = []
    meter: Annotated[MeterError | None, Label("电能表误差", "Meter error")] = None
    lost: Annotated[LostPhases | None, Label("失压、断流", "Phases not registered")] = None
    three_wire: Annotated[ThreeWire | None, Label("三相三线接线故障", "Fault of a three-wire meter")] = None
    drop: Annotated[VoltageDrop | None, Label("二次压降超差", "Voltage drop")] = None
    creep: Annotated[Creep | None, Label("潜动", "Creep")] = None
    normal_month: Annotated[NormalMonth | None, Label("按正常月电量", "By a normal month")] = None
    whole_kwh: Annotated[bool, Label("电量取整", "Whole kWh")] = False


# --- refund, outage, temporary supply ---------------------------------------------------------------------------------------


class RefundItem(Message):
    """A charge other than energy at a price, of a piece of time: what is due of it, negative = given back."""

    period: PieceName = ""
    name: Annotated[str, StringConstraints(min_length=1, max_length=60), Label("项目", "Item")]
    amount: Annotated[Money, Label("金额", "Amount")]


class ReactiveCorrected(Message):
    """A month whose reactive energy was wrong. base: the charges that the power factor adjusts, without the adjustment."""

    period: PieceName = ""
    standard: Standard
    active: Annotated[Energy, Label("有功电量", "Active energy")]
    was: Annotated[ReactiveEnergy, Label("原计无功", "Reactive energy billed")]
    now: Annotated[ReactiveEnergy, Label("应计无功", "Reactive energy due")]
    base: Annotated[Money, Label("调整基数", "Base")]


class Refund(Message):
    """Money due or given back for the past (退补电费), piece by piece at the price of its own time; negative = given back."""

    energies: Pieces = []
    items: Annotated[list[RefundItem], Field(max_length=PIECES_MAX), Label("其他项目", "Other charges")] = []
    factors: Annotated[
        list[ReactiveCorrected], Field(max_length=60), Label("更正无功", "Reactive energy corrected")
    ] = []


class OutageCompensation(Message):
    """An outage by the utility's fault; registered: energy of the month before, month_hours: its hours, 720 by custom.
    on: the day of the outage, by which the text is chosen; left out = the text of today."""

    on: Annotated[date | None, Label("停电日期", "Day of the outage")] = None
    registered: Annotated[Energy, Label("上月电量", "Energy of the month before")]
    minutes: Annotated[int, Field(ge=1, le=10**6), Label("停电分钟", "Minutes without supply")]
    price: Annotated[Price, Label("平均电价", "Average price")]
    two_part: Annotated[bool, Label("两部制", "Two-part")] = False
    month_hours: Annotated[int, Field(ge=672, le=744), Label("当月小时", "Hours of the month")] = 720


class ClaimLoad(Message):
    """Equipment of so many kW that runs so many hours a day for so many days."""

    power: Annotated[Power, Label("功率", "Power")]
    hours_a_day: HoursADay
    days: Days


class ClaimPrice(Message):
    """A component of the price: its name, and yuan per kWh."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=60), Label("项目", "Item")]
    price: Annotated[Price, Label("单价", "Price")]


class TemporarySupply(Message):
    """Temporary supply without a meter (临时用电不装表): equipment at the components of a price.

    The prices, or a published tariff with a voltage and the day on which it holds. paid: what was paid in advance, which the
    claim settles. agreed_days: by the text to 2024-05-31, half of what was paid is given back where `paid` was for so many days
    and less than half of them were used, with the loads left out; `used_days` and `ended_on` go with it.
    """

    loads: Annotated[list[ClaimLoad], Field(max_length=LOADS_MAX), Label("用电设备", "Equipment")] = []
    prices: Annotated[list[ClaimPrice], Field(max_length=30), Label("电价构成", "Components of the price")] = []
    tariff_code: TariffCode | None = None
    voltage: Annotated[Voltage | None, Label("电压等级", "Voltage", dictionary=VOLTAGES.name)] = None
    on: Annotated[date | None, Label("执行电价日期", "Day of the price")] = None
    paid: Annotated[Money | None, Label("已预收", "Paid in advance")] = None
    agreed_days: Annotated[int | None, Field(ge=1, le=3_650), Label("约定天数", "Days agreed")] = None
    used_days: Annotated[int | None, Field(ge=0, le=3_650), Label("实际天数", "Days used")] = None
    ended_on: Annotated[date | None, Label("终止用电日期", "Supply ended on")] = None


# --- the claim ----------------------------------------------------------------------------------------------------------------


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

    amount: Annotated[Money, Label("合计", "Total")]
    energy: Annotated[Energy | None, Label("电量", "Energy")]
    lines: list[ClaimRow]
    as_of: AsOf


class ClaimOperations(Api):
    """Charges outside the month's bill. Nothing is kept."""

    @query(permit="billing.read", problems=(NotTriable,))
    def late_fee(self, call: Call, request: LateFee) -> WorkedOut:
        """The late fee of overdue bills on the day on which they are paid, explained line by line. Keeps nothing."""

    @query(permit="billing.read", problems=(NotTriable,))
    def breach(self, call: Call, request: Breach) -> WorkedOut:
        """What a breach of use is charged: the charges again and the penalty, each line with its document. Keeps nothing."""

    @query(permit="billing.read", problems=(NotTriable,))
    def theft(self, call: Call, request: Theft) -> WorkedOut:
        """What stolen energy is charged, by equipment, rated current, share or energy, and the penalty. Keeps nothing."""

    @query(permit="billing.read", problems=(NotTriable,))
    def quantity_correction(self, call: Call, request: QuantityCorrection) -> WorkedOut:
        """The energy that was not registered, or too much, by its cause, at the price of each register. Keeps nothing."""

    @query(permit="billing.read", problems=(NotTriable,))
    def refund(self, call: Call, request: Refund) -> WorkedOut:
        """Money due or given back for the past, piece by piece at the prices of their own time. Keeps nothing."""

    @query(permit="billing.read", problems=(NotTriable,))
    def outage_compensation(self, call: Call, request: OutageCompensation) -> WorkedOut:
        """What an outage by the utility's fault is compensated with (negative: given to the customer). Keeps nothing."""

    @query(permit="billing.read", problems=(NotTriable,))
    def temporary_supply(self, call: Call, request: TemporarySupply) -> WorkedOut:
        """What temporary supply without a meter is charged in advance, and how it is settled. Keeps nothing."""
