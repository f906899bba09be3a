"""Terms that few contracts have (专用条款): what lies between border and meters, what is priced apart, who has special rules.

A contract without them has none of these rows; together they are one value that holds as long as the terms it stands in.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from denghuo.kernel.contract import Dictionary, Label, Message
from denghuo.kernel.fields import AccountNo, ContractNo, PointNo, Reason, TariffClass, TariffCode
from denghuo.kernel.problem import Problem, text
from denghuo.kernel.values import ApparentPower, Energy, Percent, Power, Price, ReactiveEnergy
from denghuo.service.contract.api.entitlement import EntitlementKind, EvidenceTail
from denghuo.service.tariff.api import AgencyCase, Band, SpotNode

STANDARDS = Dictionary(
    "contract.pf_standard",
    {"90": text("0.90", "0.90"), "85": text("0.85", "0.85"), "80": text("0.80", "0.80")},
)
Standard = Annotated[Literal[90, 85, 80], Label("功率因数标准", "Power factor standard", dictionary=STANDARDS.name)]
PF_USES = Dictionary(
    "contract.pf_use",
    {
        "industry": text("工业", "Industry"),
        "non_industrial": text("非工业", "Non-industrial"),
        "pumping": text("电力排灌站", "Pumping station"),
        "agriculture": text("农业", "Agriculture"),
        "wholesale": text("趸售", "Wholesale"),
        "wholesale_industry": text("趸售（含未划出的大工业）", "Wholesale with large industry in it"),
    },
)
Use = Literal["industry", "non_industrial", "pumping", "agriculture", "wholesale", "wholesale_industry"]
PowerFactorUse = Annotated[Use, Label("力调用电性质", "Use for the power factor", dictionary=PF_USES.name)]
OnLoadChanger = Annotated[bool, Label("带负荷调压装置", "On-load tap changer")]
SETTLEMENTS = Dictionary(
    "contract.settlement",
    {
        "agency": text("代理购电", "Agency purchase"),
        "market": text("市场化", "Market"),
        "surplus_feed_in": text("余电上网", "Surplus feed-in"),
        "full_feed_in": text("全额上网", "Full feed-in"),
    },
)
Settlement = Annotated[
    Literal["agency", "market", "surplus_feed_in", "full_feed_in"],
    Label("结算方式", "Settlement", dictionary=SETTLEMENTS.name),
]
STATES = Dictionary(
    "contract.transformer_state",
    {
        "running": text("运行", "Running"),
        "hot_standby": text("热备用", "Hot standby"),
        "cold_standby": text("冷备用（未加封）", "Cold standby, not sealed"),
        "sealed": text("冷备用（加封）", "Cold standby, sealed"),
        "paused": text("暂停", "Paused"),
        "exchanged": text("暂换（运行）", "Exchanged for a time, running"),
    },
    tones={"running": "good", "paused": "notice", "exchanged": "notice"},
)
TransformerState = Annotated[
    Literal["running", "hot_standby", "cold_standby", "sealed", "paused", "exchanged"],
    Label("运行状态", "State", dictionary=STATES.name),
]
LOSS_WAYS = Dictionary(
    "contract.loss_way",
    {
        "nameplate": text("按铭牌参数", "From the nameplate"),
        "table": text("按损耗表", "From a loss table"),
        "agreed": text("协议值", "Agreed"),
    },
)
LossWay = Annotated[Literal["nameplate", "table", "agreed"], Label("变损计算方式", "Way", dictionary=LOSS_WAYS.name)]
PART_WAYS = Dictionary(
    "contract.part_way",
    {
        "meter": text("套表（分表）", "Sub-meter"),
        "parallel": text("并列计量", "Parallel meter"),
        "quantity": text("定量", "Fixed quantity"),
        "ratio": text("定比", "Fixed ratio"),
    },
)
PartWay = Annotated[
    Literal["meter", "parallel", "quantity", "ratio"], Label("分算方式", "Way", dictionary=PART_WAYS.name)
]
TAKEN_FROM = Dictionary(
    "contract.taken_from",
    {"flat": text("从平段扣减", "Off the flat band"), "each": text("各时段按比例", "Off every band in proportion")},
)
RESALES = Dictionary(
    "contract.resale",
    {
        "one_shift": text("照明及一班制", "Lighting or one shift"),
        "two_shifts": text("二班制", "Two shifts"),
        "three_shifts": text("三班制", "Three shifts"),
        "farming": text("农业用电", "Farming"),
    },
)
Resale = Annotated[
    Literal["one_shift", "two_shifts", "three_shifts", "farming"],
    Label("转供折算", "Passed on, converted", dictionary=RESALES.name),
]
QUARTER = r"^(([01][0-9]|2[0-3]):(00|15|30|45)|24:00)$"
TransformerNo = Annotated[
    str, StringConstraints(min_length=1, max_length=32, strip_whitespace=True), Label("变压器编号", "Transformer no.")
]
AppliedOn = Annotated[date, Label("申请日期", "Applied on")]
FirstDay = Annotated[date, Label("起日", "From day")]
LastDay = Annotated[date | None, Label("止日", "To day")]


class Transformer(Message):
    """A transformer of the customer in one state from a day to a day, both included; without a last day it still is.

    interlock: transformers with the same word stand by for each other and cannot run at once (互为备用).
    """

    transformer_no: TransformerNo
    capacity_kva: Annotated[ApparentPower, Label("容量", "Capacity")]
    state: TransformerState = "running"
    first_day: FirstDay
    last_day: LastDay = None
    interlock: Annotated[str | None, StringConstraints(max_length=32), Label("互备组", "Interlock")] = None


class TransformerLoss(Message):
    """Losses of a transformer that lies before the meters (变损). nameplate: no-load and load loss, in per cent no-load current and
    impedance; a copper share stands in the place of the load loss. table: the rows of `loss_rows`. agreed: active and reactive a
    month. bears_remainder: whether this contract has the main meter, where others lie behind the same transformer."""

    transformer_no: TransformerNo
    way: LossWay
    capacity_kva: Annotated[ApparentPower | None, Label("容量", "Capacity")] = None
    no_load_kw: Annotated[Power | None, Label("空载损耗", "No-load loss")] = None
    load_kw: Annotated[Power | None, Label("负载损耗", "Load loss")] = None
    no_load_current: Annotated[Percent | None, Label("空载电流", "No-load current")] = None
    impedance: Annotated[Percent | None, Label("阻抗电压", "Impedance")] = None
    copper_share: Annotated[Percent | None, Label("铜损比例", "Copper share")] = None
    active_kwh: Annotated[Energy | None, Label("协议有功(月)", "Agreed a month")] = None
    reactive_kvarh: Annotated[ReactiveEnergy | None, Label("协议无功(月)", "Agreed reactive a month")] = None
    bears_remainder: Annotated[bool, Label("承担余量", "Bears the remainder")] = True


class LossRow(Message):
    """A row of a transformer's loss table: up to this energy of a month (empty = beyond), the losses of a month."""

    transformer_no: TransformerNo
    up_to_kwh: Annotated[Energy | None, Label("月用电量上限", "Up to a month")] = None
    active_kwh: Annotated[Energy, Label("有功损耗", "Active loss")]
    reactive_kvarh: Annotated[ReactiveEnergy, Label("无功损耗", "Reactive loss")] = ReactiveEnergy(0)


class BehindTransformer(Message):
    """Another account behind the same transformer: its energy bears its share of the loss (共用变压器)."""

    transformer_no: TransformerNo
    account_no: AccountNo


class LineLoss(Message):
    """Loss of a line between the border and the meters (线损): a share of the energy, or agreed a month; `deduct` where the meter
    stands before the utility's part of the line."""

    line_no: Annotated[
        str, StringConstraints(min_length=1, max_length=32, strip_whitespace=True), Label("线路", "Line")
    ]
    share: Annotated[Percent | None, Label("线损率", "Share")] = None
    active_kwh: Annotated[Energy | None, Label("协议损耗(月)", "Agreed a month")] = None
    deduct: Annotated[bool, Label("扣减", "Taken off")] = False


class Part(Message):
    """Energy that is priced apart from the main meter (套表、定量、定比). Without a tariff it is only taken off.
    account_no: whose the sub-meter is, where it is that of another customer, who is billed for it by its own terms.
    resale: of a customer that this one supplies (转供), how it works, by which its energy takes off the largest demand."""

    point_no: PointNo
    way: PartWay
    account_no: Annotated[AccountNo | None, Label("分表户号（他户）", "Other account of the sub-meter")] = None
    tariff_code: TariffCode | None = None
    tariff_class: TariffClass | None = None
    settlement: Settlement | None = None
    quantity_kwh: Annotated[Energy | None, Label("定量(月)", "Quantity a month")] = None
    ratio: Annotated[Percent | None, Label("定比", "Ratio")] = None
    take_from: Annotated[Literal["flat", "each"], Label("扣减时段", "Taken off", dictionary=TAKEN_FROM.name)] = "flat"
    resale: Resale | None = None


class RetailPrice(Message):
    """What a retail package asks for a kWh in a band; `total` for all hours alike."""

    band: Band
    price: Annotated[Price, Label("套餐电价", "Package price")]


class PlannedEnergy(Message):
    """Energy planned for a window of each of some days, both included; every quarter-hour of the window has the same (Wh by Wh).

    start, end: on the quarter-hour, 00:00 to 24:00.
    """

    first_day: FirstDay
    last_day: Annotated[date, Label("止日", "To day")]
    start: Annotated[str, StringConstraints(pattern=QUARTER), Label("时段起", "From")] = "00:00"
    end: Annotated[str, StringConstraints(pattern=QUARTER), Label("时段止", "To")] = "24:00"
    quantity_kwh: Annotated[Energy, Label("每日电量", "Energy a day")]


class ForwardEnergy(PlannedEnergy):
    """Energy of a contract of the medium or long term (中长期合约) with its price."""

    document: Annotated[
        str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True), Label("合约编号", "Contract")
    ]
    price: Annotated[Price, Label("合约电价", "Contract price")]


class GreenPower(Message):
    """Green energy settled with the contract (绿电): the quantity of a month and the price of its environmental value."""

    quantity_kwh: Annotated[Energy, Label("绿电电量(月)", "Green energy a month")]
    price: Annotated[Price, Label("环境价值单价", "Price of its value")]
    document: Annotated[
        str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True), Label("绿电合同编号", "Contract")
    ]


Transformers = Annotated[list[Transformer], Field(max_length=200), Label("受电变压器", "Transformers")]
Losses = Annotated[list[TransformerLoss], Field(max_length=50), Label("变损", "Transformer losses")]
LossRows = Annotated[list[LossRow], Field(max_length=500), Label("损耗表", "Loss table")]
Behind = Annotated[list[BehindTransformer], Field(max_length=200), Label("共用变压器户号", "Behind the transformer")]
LineLosses = Annotated[list[LineLoss], Field(max_length=20), Label("线损", "Line losses")]
Parts = Annotated[list[Part], Field(max_length=50), Label("套表、定量、定比", "Parts")]
Persons = Annotated[int, Field(ge=1, le=99), Label("家庭人口", "Persons of the household")]
PersonsSince = Annotated[date, Label("多人口受理日期", "Accepted on")]
PersonsUntil = Annotated[date, Label("多人口止日", "Until")]
FreeEnergy = Annotated[bool, Label("享受免费电量", "Free energy")]
FreeUntil = Annotated[date, Label("免费电量止日", "Free energy until")]
Charging = Annotated[bool, Label("集中式充换电站", "Central charging station")]
Lowered = Annotated[bool, Label("降低功率因数标准（不奖）", "Lowered standard, no reward")]
CountedWith = Annotated[
    list[AccountNo], Field(max_length=100), Label("同一客户其他户号", "Other accounts of the customer")
]
RetailTitle = Annotated[
    str, StringConstraints(min_length=1, max_length=60, strip_whitespace=True), Label("零售套餐", "Retail package")
]
RetailDocument = Annotated[
    str,
    StringConstraints(min_length=1, max_length=120, strip_whitespace=True),
    Label("零售合同编号", "Retail contract"),
]
RetailPrices = Annotated[list[RetailPrice], Field(max_length=6), Label("套餐电价", "Package prices")]
RetailFee = Annotated[Price, Label("售电服务费", "Service fee")]
RetailFloor = Annotated[Price, Label("均价下限", "Floor of the average price")]
RetailCap = Annotated[Price, Label("均价上限", "Cap of the average price")]
RetailSpotShare = Annotated[Percent, Label("现货联动比例", "Share that follows spot prices")]
MarketDocument = Annotated[
    str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True), Label("结算依据", "Settlement rules")
]
Forward = Annotated[list[ForwardEnergy], Field(max_length=1_000), Label("中长期合约电量", "Forward contracts")]
Declared = Annotated[list[PlannedEnergy], Field(max_length=1_000), Label("日前申报电量", "Declared a day ahead")]
Green = Annotated[list[GreenPower], Field(max_length=20), Label("绿电", "Green power")]

ConnectedOn = Annotated[date, Label("电站并网日期", "Plant connected on")]
SubsidisedBefore = Annotated[Energy, Label("接入前已补贴电量", "Subsidised before it was billed here")]


class SpecialTerms(Message):
    """Everything beside class, voltage and capacity that a month is rated by.

    pf_use, on_load_changer: what the power factor standard follows from beside voltage and capacity; without a use the class says
    it. pf_standard: agreed in the place of the one that follows. counted_with: accounts of the same customer,
    whose energy and capacity count for a discount by energy per kVA. retail_*: the package of a market customer (零售套餐): prices
    by band or one for all hours, a share of the energy that follows the spot prices of `market_node` in their place, a fee on every
    kWh, and bounds of the month's average price. Without a package, by market_document: forward contracts, what was declared a day
    ahead (as contracted where nothing was) and what was used are settled point by point at the prices of `market_node`.
    connected_on, subsidised_before: of the plant of a purchase contract, whose subsidy ends after years or hours.
    """

    transformers: Transformers = []
    losses: Losses = []
    loss_rows: LossRows = []
    behind: Behind = []
    line_losses: LineLosses = []
    parts: Parts = []
    persons: Persons | None = None
    persons_since: PersonsSince | None = None
    persons_until: PersonsUntil | None = None
    free_energy: FreeEnergy = False
    free_until: FreeUntil | None = None
    free_as: EntitlementKind | None = None
    free_evidence: EvidenceTail | None = None
    agency_case: AgencyCase | None = None
    charging_station: Charging = False
    pf_use: PowerFactorUse | None = None
    on_load_changer: OnLoadChanger = False
    pf_standard: Standard | None = None
    standard_lowered: Lowered = False
    counted_with: CountedWith = []
    retail_title: RetailTitle | None = None
    retail_document: RetailDocument | None = None
    retail_prices: RetailPrices = []
    retail_fee: RetailFee | None = None
    retail_floor: RetailFloor | None = None
    retail_cap: RetailCap | None = None
    retail_spot_share: RetailSpotShare | None = None
    market_node: SpotNode | None = None
    market_document: MarketDocument | None = None
    forward: Forward = []
    declared: Declared = []
    green: Green = []
    connected_on: ConnectedOn | None = None
    subsidised_before: SubsidisedBefore | None = None


SpecialField = Literal[
    "transformers",
    "losses",
    "loss_rows",
    "behind",
    "line_losses",
    "parts",
    "persons",
    "persons_since",
    "persons_until",
    "free_energy",
    "free_until",
    "agency_case",
    "charging_station",
    "pf_use",
    "on_load_changer",
    "pf_standard",
    "standard_lowered",
    "counted_with",
    "retail_title",
    "retail_document",
    "retail_prices",
    "retail_fee",
    "retail_floor",
    "retail_cap",
    "retail_spot_share",
    "market_node",
    "market_document",
    "forward",
    "declared",
    "green",
    "connected_on",
    "subsidised_before",
]
FIELDS = Dictionary(
    "contract.special_field",
    {
        "transformers": text("受电变压器", "Transformers"),
        "losses": text("变损", "Transformer losses"),
        "loss_rows": text("损耗表", "Loss table"),
        "behind": text("共用变压器户号", "Behind the transformer"),
        "line_losses": text("线损", "Line losses"),
        "parts": text("套表、定量、定比", "Parts"),
        "persons": text("家庭人口", "Persons of the household"),
        "persons_since": text("多人口受理日期", "Accepted on"),
        "persons_until": text("多人口止日", "Until"),
        "free_energy": text("免费电量", "Free energy"),
        "free_until": text("免费电量止日", "Free energy until"),
        "agency_case": text("代理购电加价情形", "Agency case"),
        "charging_station": text("集中式充换电站", "Charging station"),
        "pf_use": text("力调用电性质", "Use for the power factor"),
        "on_load_changer": text("带负荷调压装置", "On-load tap changer"),
        "pf_standard": text("约定功率因数标准", "Agreed standard"),
        "standard_lowered": text("降低标准", "Lowered standard"),
        "counted_with": text("同一客户其他户号", "Other accounts of the customer"),
        "retail_title": text("零售套餐", "Retail package"),
        "retail_document": text("零售合同编号", "Retail contract"),
        "retail_prices": text("套餐电价", "Package prices"),
        "retail_fee": text("售电服务费", "Service fee"),
        "retail_floor": text("均价下限", "Floor of the average price"),
        "retail_cap": text("均价上限", "Cap of the average price"),
        "retail_spot_share": text("现货联动比例", "Share that follows spot prices"),
        "market_node": text("价格节点", "Price node"),
        "market_document": text("结算依据", "Settlement rules"),
        "forward": text("中长期合约电量", "Forward contracts"),
        "declared": text("日前申报电量", "Declared a day ahead"),
        "green": text("绿电", "Green power"),
        "connected_on": text("电站并网日期", "Plant connected on"),
        "subsidised_before": text("接入前已补贴电量", "Subsidised before"),
    },
)


class AgreeSpecial(Message):
    """Special terms from a day on: what is given stands in the place of what was agreed before, what is left out stays, and what
    `ended` names is agreed no more. On the first day of the terms in force they are put right from that day on.
    applied_on: when the customer asked for a pause or for the return from one, which a notice is counted from; else today."""

    contract_no: ContractNo
    effective_from: Annotated[date, Label("生效日期", "Effective from")]
    transformers: Transformers | None = None
    losses: Losses | None = None
    loss_rows: LossRows | None = None
    behind: Behind | None = None
    line_losses: LineLosses | None = None
    parts: Parts | None = None
    persons: Persons | None = None
    persons_since: PersonsSince | None = None
    persons_until: PersonsUntil | None = None
    free_energy: FreeEnergy | None = None
    free_until: FreeUntil | None = None
    agency_case: AgencyCase | None = None
    charging_station: Charging | None = None
    pf_use: PowerFactorUse | None = None
    on_load_changer: OnLoadChanger | None = None
    pf_standard: Standard | None = None
    standard_lowered: Lowered | None = None
    counted_with: CountedWith | None = None
    retail_title: RetailTitle | None = None
    retail_document: RetailDocument | None = None
    retail_prices: RetailPrices | None = None
    retail_fee: RetailFee | None = None
    retail_floor: RetailFloor | None = None
    retail_cap: RetailCap | None = None
    retail_spot_share: RetailSpotShare | None = None
    market_node: SpotNode | None = None
    market_document: MarketDocument | None = None
    forward: Forward | None = None
    declared: Declared | None = None
    green: Green | None = None
    connected_on: ConnectedOn | None = None
    subsidised_before: SubsidisedBefore | None = None
    ended: Annotated[
        list[SpecialField], Field(max_length=40), Label("不再约定", "No longer agreed", dictionary=FIELDS.name)
    ] = []
    applied_on: AppliedOn | None = None
    reason: Reason


class SpecialRefused(
    Problem, noun="contract", status=422, zh="专用条款不完整或有矛盾", en="The special terms do not fit"
):
    """Nothing was changed. Fields: errors = [{field, value, zh, en}], each with what to do about it."""
