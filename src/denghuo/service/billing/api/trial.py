"""Trial bills (电费试算): typed readings and a tariff in, the explained bill out; nothing is kept."""

from datetime import date
from typing import Annotated

from pydantic import Field, StringConstraints

from denghuo.kernel.contract import Api, Call, Label, Message, query
from denghuo.kernel.fields import AsOf, BillNo, MeterNo, MonthText, TariffClass, TariffCode, TextPair, Voltage
from denghuo.kernel.problem import Problem
from denghuo.kernel.values import ApparentPower, Energy, Money, Multiplier, Power, Price, Register
from denghuo.service.billing.api.bill import BillNotFound, Counted, ShownLine
from denghuo.service.billing.lines import CannotRate
from denghuo.service.contract.api import (
    Charging,
    LineLosses,
    Losses,
    LossRows,
    Lowered,
    RetailPrice,
    RetailSpotShare,
    Transformers,
)
from denghuo.service.tariff.api import (
    TEXT_MAX,
    AgencyCase,
    Band,
    FreeMonths,
    Kind,
    QuantityKind,
    Settlement,
    Standard,
)

READINGS_MAX = 100
POINTS_MAX = 31 * 96
TYPED_METER = "1"
"""What a meter is called on a trial bill where nobody gave it a number."""


class TrialReading(Message):
    """One register: its previous and current reading with the multiplier, or the quantity itself (kWh, kvarh, kW).

    digits: how many digits the register has before the point, for one that passed zero. meter_no: tells the meters before and after
    an exchange apart, each with its multiplier.
    """

    quantity: QuantityKind = "active_fwd"
    band: Band = "total"
    start: Annotated[Register | None, Label("起示数", "Previous register")] = None
    end: Annotated[Register | None, Label("止示数", "Current register")] = None
    digits: Annotated[int | None, Field(ge=3, le=8), Label("示数整数位数", "Digits of the register")] = None
    multiplier: Annotated[Multiplier, Label("倍率", "Multiplier")] = Multiplier(1)
    value: Annotated[Counted | None, Label("或直接填计量值", "Or the quantity itself")] = None
    meter_no: MeterNo = TYPED_METER


class TrialPoint(Message):
    """A settlement point of a market customer, or any hours at one price: a whole month by its averages is one.

    Energy is settled as contracted at the contract price, day-ahead energy less contracted at the day-ahead price, energy used less
    day-ahead at the real-time price. day_ahead: as contracted where it is left out. actual: all that was metered where there is one
    point alone.
    """

    contract: Annotated[Energy, Label("合约电量", "Contracted energy")] = Energy(0)
    contract_price: Annotated[Price | None, Label("合约电价", "Contract price")] = None
    day_ahead: Annotated[Energy | None, Label("日前电量", "Day-ahead energy")] = None
    day_ahead_price: Annotated[Price | None, Label("日前电价", "Day-ahead price")] = None
    actual: Annotated[Energy | None, Label("实际电量", "Energy used")] = None
    real_time_price: Annotated[Price | None, Label("实时电价", "Real-time price")] = None


class TrialPlant(Message):
    """The plant whose generation or export is subsidised. generated: as exported where it is left out."""

    capacity: Annotated[Power, Label("装机容量", "Capacity of the plant")]
    connected_on: Annotated[date, Label("并网日期", "Connected on")]
    generated: Annotated[Energy | None, Label("发电量", "Energy generated")] = None
    subsidised_before: Annotated[Energy, Label("此前已补贴电量", "Subsidised before")] = Energy(0)


class Try(Message):
    """What a bill would be. The tariff is a stored one, or the text of a tariff file, which goes before a stored one.

    Without `tariff_version` the published version that is in force at the beginning of the month. Class, settlement and voltage
    may be left out where the tariff has one alone. `used_before`: energy of the tier year before this month; `tier_months`: months
    of the tier year that count (less than 12 in the year of opening); `reading_months`: months between two readings;
    `tier_extra`: additional room of the first tier of a larger household. `retail_prices`: the package of a market customer, by
    band or one for all hours, in the place of the tariff's market price, with a fee on every kWh and bounds of the average price;
    `retail_spot_share` of it follows the real-time prices of `market_points`. Without a package these settle the contract and what
    deviates from it, and what was metered beyond them has the mean of their real-time prices.
    `transformers`: their states by days, in the place of the capacity; `losses` with `loss_rows`, and `line_losses`:
    what lies between border and meters, as special terms have them. `customer_energy`, `customer_capacity`: of all points of the
    customer, for a discount by energy per kVA.
    """

    tariff_code: TariffCode | None = None
    tariff_version: Annotated[int, Field(ge=1), Label("电价版本", "Price version")] | None = None
    tariff_text: (
        Annotated[str, StringConstraints(max_length=TEXT_MAX), Label("电价文件（草稿）", "Tariff file (draft)")] | None
    ) = None
    month: MonthText
    first_day: Annotated[date | None, Label("计费起日", "First day billed")] = None
    last_day: Annotated[date | None, Label("计费止日", "Last day billed")] = None
    tariff_class: TariffClass | None = None
    settlement: Settlement | None = None
    voltage: Voltage | None = None
    readings: Annotated[
        list[TrialReading], Field(min_length=1, max_length=READINGS_MAX), Label("示数或电量", "Registers or quantities")
    ]
    used_before: Annotated[Energy, Label("本年前期电量", "Energy before in the tier year")] = Energy(0)
    tier_months: Annotated[int, Field(ge=1, le=12), Label("阶梯年计入月数", "Months of the tier year")] = 12
    reading_months: Annotated[int, Field(ge=1, le=12), Label("抄表间隔月数", "Months between readings")] = 1
    tier_extra: Annotated[Energy, Label("第一档增加电量", "Extra room of the first tier")] = Energy(0)
    capacity: Annotated[ApparentPower | None, Label("运行容量", "Capacity")] = None
    contract_demand: Annotated[Power | None, Label("合同最大需量", "Contract demand")] = None
    standard: Standard | None = None
    standard_lowered: Lowered = False
    transformers: Transformers = []
    losses: Losses = []
    loss_rows: LossRows = []
    line_losses: LineLosses = []
    customer_energy: Annotated[Energy | None, Label("全部计量点电量", "Energy of all points")] = None
    customer_capacity: Annotated[ApparentPower | None, Label("全部计量点容量", "Capacity of all points")] = None
    agency_case: AgencyCase | None = None
    charging_station: Charging = False
    free_months: FreeMonths = 0
    plant: Annotated[TrialPlant | None, Label("电站", "Plant")] = None
    retail_prices: Annotated[list[RetailPrice], Field(max_length=6), Label("套餐电价", "Package prices")] = []
    retail_fee: Annotated[Price | None, Label("售电服务费", "Service fee")] = None
    retail_floor: Annotated[Price | None, Label("均价下限", "Floor of the average price")] = None
    retail_cap: Annotated[Price | None, Label("均价上限", "Cap of the average price")] = None
    retail_spot_share: RetailSpotShare | None = None
    market_points: Annotated[
        list[TrialPoint], Field(max_length=POINTS_MAX), Label("市场结算点", "Settlement points")
    ] = []


class TryOnBill(Message):
    """What a bill that was rated would have come to by another tariff. The tariff is a stored one (without a version the one in
    force at the beginning of the bill's month), or the text of a tariff file, which goes before a stored one."""

    bill_no: BillNo
    tariff_code: TariffCode | None = None
    tariff_version: Annotated[int, Field(ge=1), Label("电价版本", "Price version")] | None = None
    tariff_text: Annotated[str, StringConstraints(max_length=TEXT_MAX), Label("电价文件", "Tariff file")] = ""


class Trial(Message):
    """The bill as it would be, with its lines explained as on bills. `draft`: by a tariff that is not published."""

    tariff_code: TariffCode
    tariff_version: Annotated[int, Label("电价版本", "Price version")]
    tariff_title: Annotated[TextPair, Label("电价名称", "Tariff")]
    draft: Annotated[bool, Label("按草稿试算", "By a draft")]
    month: MonthText
    kind: Kind
    tariff_class: TariffClass
    settlement: Settlement
    voltage: Voltage
    from_on: Annotated[date, Label("计费起日", "From")]
    to_on: Annotated[date, Label("计费止日", "To")]
    energy: Annotated[Energy, Label("计费电量", "Energy billed")]
    used_before: Annotated[Energy, Label("本年前期电量", "Energy before in the tier year")]
    amount: Annotated[Money, Label("合计金额", "Total")]
    average_price: Annotated[Price | None, Label("平均电价（每千瓦时）", "Average price per kWh")]
    illustrative: Annotated[bool, Label("含示例价", "Illustrative prices")]
    lines: list[ShownLine]
    remarks: Annotated[list[TextPair], Label("备注", "Remarks")]
    as_of: AsOf


class NotTriable(Problem, noun="billing", status=422, zh="试算条件不完整", en="The trial is not complete"):
    """Something that was typed does not fit. Fields: errors = [{field, value, zh, en}], each with what to do about it."""


class TrialOperations(Api):
    """What a bill would be. Nothing is kept."""

    @query(permit="billing.read", problems=(NotTriable, CannotRate))
    def trial(self, call: Call, request: Try) -> Trial:
        """What a bill would be: typed readings by any tariff, published or a draft, explained line by line. Keeps nothing."""

    @query(permit="billing.read", problems=(BillNotFound, NotTriable, CannotRate))
    def try_on_bill(self, call: Call, request: TryOnBill) -> Trial:
        """What a bill of the past would have come to by any tariff, published or a draft, explained line by line. Keeps nothing."""
