"""Contract of the analytics service (营销分析): the catalogue of metrics, their values by month and unit, the wall screen."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, Nothing, query
from denghuo.kernel.fields import AreaNo, AsOf, FeederNo, Instant, MonthText, OrganisationCode, TariffClass, TextPair
from denghuo.kernel.problem import NotFound, text
from denghuo.kernel.values import Energy, Money, Percent, Power, Price

UNITS = Dictionary(
    "analytics.unit",
    {
        "count": text("个", "count"),
        "energy": text("千瓦时", "kWh"),
        "money": text("元", "yuan"),
        "percent": text("%", "%"),
        "price": text("元/千瓦时", "yuan/kWh"),
    },
)
OWNERS = Dictionary(
    "analytics.owner",
    {
        "customer": text("客户档案管理", "Customer records"),
        "reading": text("抄表管理", "Reading"),
        "billing": text("核算管理", "Billing"),
        "ledger": text("账务管理", "Ledger"),
        "loss": text("线损管理", "Line loss"),
    },
)
STATES = Dictionary(
    "analytics.state",
    {
        "starting": text("准备中", "Starting"),
        "following": text("实时", "Live"),
        "reading": text("定时重读", "Read now and then"),
        "failing": text("重试中", "Retrying"),
        "stopped": text("已停止", "Stopped"),
    },
    tones={"starting": "notice", "following": "good", "reading": "warning", "failing": "danger", "stopped": "danger"},
)
FACTS = Dictionary(
    "analytics.fact",
    {
        "issued": text("发行", "Issued"),
        "posted": text("入账", "Posted"),
        "paid": text("收款", "Paid"),
        "read": text("抄表", "Read"),
        "exchanged": text("换表", "Exchanged"),
        "priced": text("电价", "Price"),
    },
    tones={"issued": "good", "posted": "notice", "paid": "good", "read": "plain", "exchanged": "notice"},
)
MetricCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{1,39}$"), Label("指标代码", "Metric")]
Count = Annotated[int, Label("数量", "Count")]


# --- the catalogue ----------------------------------------------------------------------------------------------------------


class MetricShown(Message):
    """A metric as it is defined. `formula` is the one SQL text that every figure of this name comes from."""

    code: MetricCode
    name: Annotated[TextPair, Label("指标", "Metric")]
    meaning: Annotated[TextPair, Label("口径", "Meaning")]
    unit: Annotated[str, Label("单位", "Unit", dictionary=UNITS.name)]
    by: Annotated[str, Label("细分", "By")]
    owner: Annotated[str, Label("责任业务", "Owner", dictionary=OWNERS.name)]
    sources: Annotated[list[str], Label("来源", "Sources")]
    formula: Annotated[str, Label("计算式", "Formula")]


class Metrics(Message):
    rows: list[MetricShown]


# --- values -----------------------------------------------------------------------------------------------------------------


class Figures(Message):
    """The plain metrics, by their codes. None: nothing to tell yet."""

    accounts: Annotated[int | None, Label("用电户数", "Accounts")]
    read_rate: Annotated[Percent | None, Label("抄表成功率", "Reads obtained")]
    reads_estimated: Annotated[int | None, Label("估计示数", "Reads estimated")]
    bills: Annotated[int | None, Label("已发行账单", "Bills issued")]
    energy_sold: Annotated[Energy | None, Label("售电量", "Energy sold")]
    energy_bought: Annotated[Energy | None, Label("购电量", "Energy bought")]
    receivable: Annotated[Money | None, Label("应收电费", "Receivable")]
    received: Annotated[Money | None, Label("实收电费", "Received")]
    outstanding: Annotated[Money | None, Label("未收电费", "Outstanding")]
    recovery_rate: Annotated[Percent | None, Label("电费回收率", "Recovery rate")]
    average_price: Annotated[Price | None, Label("售电均价", "Average price")]
    purchase_payable: Annotated[Money | None, Label("应付购电费", "Payable for energy bought")]
    held: Annotated[int | None, Label("待处理异常", "Held exceptions")]
    line_loss: Annotated[Percent | None, Label("综合线损率", "Line loss")]


class Station(Figures):
    """The figures of one unit."""

    org: OrganisationCode
    name: Annotated[TextPair, Label("供电单位", "Unit")]


class ClassRow(Message):
    tariff_class: TariffClass
    accounts: Annotated[int | None, Label("用电户数", "Accounts")]
    energy: Annotated[Energy | None, Label("售电量", "Energy sold")]


class MethodRow(Message):
    method: Annotated[str, Label("结算方式", "Method", dictionary="payment.method")]
    amount: Annotated[Money, Label("实收", "Received")]


class HeldRow(Message):
    code: Annotated[str, Label("异常类型", "Exception", dictionary="billing.hold")]
    count: Count


class AskValues(Message):
    """Without a month: the newest one that was billed or read. `org`: one unit with those below it."""

    month: MonthText | None = None
    org: OrganisationCode | None = None


class Freshness(Message):
    """How fresh figures are: all that was committed before `as_of` is in them.

    lag_ms: age of `as_of`; p50_ms, p95_ms: from a commit to its being in the warehouse, over the last transactions.
    """

    state: Annotated[
        Literal["starting", "following", "reading", "failing", "stopped"],
        Label("状态", "State", dictionary=STATES.name),
    ]
    said: Annotated[TextPair, Label("说明", "Remark")]
    as_of: AsOf | None
    lag_ms: Annotated[int | None, Label("滞后（毫秒）", "Lag (ms)")]
    lag_bytes: Annotated[int, Label("待解析日志（字节）", "Log behind (bytes)")]
    p50_ms: Annotated[int | None, Label("入仓用时中位数（毫秒）", "Median delay (ms)")]
    p95_ms: Annotated[int | None, Label("入仓用时 95 分位（毫秒）", "95 % delay (ms)")]
    transactions: Annotated[int, Label("已同步事务", "Transactions applied")]


class Values(Message):
    """The figures of a month: of all units in scope together, and of each. Rows by class, method and kind of exception."""

    month: MonthText | None
    figures: Figures
    stations: list[Station]
    classes: list[ClassRow]
    methods: list[MethodRow]
    held: list[HeldRow]
    as_of: AsOf | None


class AskTrend(Message):
    code: MetricCode


class TrendRow(Message):
    month: MonthText
    value: Annotated[str | None, Label("数值", "Value")]


class Trend(Message):
    """A metric over the months that have data, oldest first."""

    code: MetricCode
    name: Annotated[TextPair, Label("指标", "Metric")]
    unit: Annotated[str, Label("单位", "Unit", dictionary=UNITS.name)]
    rows: list[TrendRow]
    as_of: AsOf | None


# --- the wall screen --------------------------------------------------------------------------------------------------------


class AskScreen(Message):
    month: MonthText | None = None


class ScreenArea(Message):
    """Load and loss of an area in the month; None where they cannot be told."""

    area_no: AreaNo
    load: Annotated[Energy | None, Label("供电量", "Supply")]
    loss: Annotated[Percent | None, Label("线损率", "Loss")]


class ScreenStage(Message):
    name: Annotated[str, Label("环节", "Stage", dictionary="billing.stage")]
    done: Annotated[int, Label("已处理", "Done")]
    total: Annotated[int, Label("总数", "Total")]
    ended: Annotated[bool, Label("完成", "Ended")]


class ScreenRun(Message):
    """The month's cycle."""

    month: MonthText
    state: Annotated[str, Label("状态", "State", dictionary="billing.cycle_state")]
    stage: Annotated[str, Label("环节", "Stage", dictionary="billing.stage")]
    accounts: Annotated[int, Label("核算合同", "Contracts to bill")]
    started_at: Instant
    ended_at: Instant | None
    stages: list[ScreenStage]


class Fact(Message):
    """Something that happened, as a sentence. `org` where it belongs to one unit."""

    at: Instant
    kind: Annotated[str, Label("类别", "Kind", dictionary=FACTS.name)]
    text: Annotated[TextPair, Label("内容", "What")]
    org: OrganisationCode | None


class LoadDay(Message):
    """The load of all gateways together in the 96 quarters of a day."""

    day: date
    values: Annotated[list[Power | None], Field(max_length=96), Label("负荷", "Load")]


class Screen(Message):
    """All that moves on the wall screen, and how fresh it is."""

    values: Values
    areas: list[ScreenArea]
    run: ScreenRun | None
    facts: list[Fact]
    load: list[LoadDay]
    freshness: Freshness


class PlaceNode(Message):
    node_no: str
    kind: str
    x_m: int
    y_m: int


class PlaceLine(Message):
    from_node_no: str
    to_node_no: str
    feeder_no: FeederNo | None
    normally_open: bool


class PlaceFeeder(Message):
    feeder_no: FeederNo
    name: str
    org: OrganisationCode


class PlaceArea(Message):
    area_no: AreaNo
    name: str
    org: OrganisationCode
    feeder_no: FeederNo
    x_m: int
    y_m: int


class PlaceStation(Message):
    org: OrganisationCode
    name: TextPair
    kind: str


class Place(Message):
    """What stands still on the wall screen: the network from its own coordinates, names of areas, feeders and units."""

    nodes: list[PlaceNode]
    lines: list[PlaceLine]
    feeders: list[PlaceFeeder]
    areas: list[PlaceArea]
    stations: list[PlaceStation]


class MetricUnknown(NotFound, noun="analytics", status=404, zh="没有这个指标", en="No such metric"):
    """Fields: code."""


class AnalyticsApi(Api, noun="analytics", version=1):
    """Figures of the company. Every reply is limited to the caller's units."""

    @query(permit="analytics.read")
    def metrics(self, call: Call, request: Nothing) -> Metrics:
        """The catalogue: every metric with its meaning, formula, owner and sources."""

    @query(permit="analytics.read")
    def values(self, call: Call, request: AskValues) -> Values:
        """The figures of a month, together and by unit."""

    @query(permit="analytics.read", problems=(MetricUnknown,))
    def trend(self, call: Call, request: AskTrend) -> Trend:
        """A metric over the months that have data."""

    @query(permit="analytics.read")
    def warehouse(self, call: Call, request: Nothing) -> Freshness:
        """How fresh the warehouse is."""

    @query(permit="analytics.read")
    def screen(self, call: Call, request: AskScreen) -> Screen:
        """What moves on the wall screen: figures, areas, the month's run, recent facts, load."""

    @query(permit="analytics.read")
    def place(self, call: Call, request: Nothing) -> Place:
        """What stands still on the wall screen: the network with coordinates and names."""
