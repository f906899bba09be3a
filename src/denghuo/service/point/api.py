"""Contract of the point service (计量点管理): metering points, the meters installed at them, and the network they hang on."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from denghuo.kernel.batch import ITEMS_MAX, BatchTaken
from denghuo.kernel.contract import (
    Api,
    Call,
    DatasetRef,
    DatasetSchema,
    Dictionary,
    Event,
    Label,
    Message,
    Page,
    command,
    query,
)
from denghuo.kernel.fields import (
    AccountNo,
    AreaNo,
    AsOf,
    FeederNo,
    Instant,
    MeterNo,
    MonthText,
    NodeNo,
    OrganisationCode,
    PointNo,
    PointRole,
    Voltage,
)
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.kernel.values import ApparentPower, Multiplier, Power, Register

DIRECTIONS = Dictionary(
    "point.direction",
    {"fwd": text("正向", "Forward"), "rev": text("反向", "Reverse"), "net": text("正反向", "Both directions")},
)
PointDirection = Annotated[Literal["fwd", "rev", "net"], Label("示数方向", "Direction", dictionary=DIRECTIONS.name)]
PV_MODES = Dictionary(
    "point.pv_mode", {"surplus": text("余电上网", "Surplus"), "full": text("全额上网", "Full feed-in")}
)
PvMode = Annotated[Literal["surplus", "full"], Label("上网方式", "Feed-in", dictionary=PV_MODES.name)]
NODE_KINDS = Dictionary(
    "point.node_kind",
    {
        "substation": text("变电站", "Substation"),
        "area": text("台区", "Transformer area"),
        "user": text("专变用户", "Medium-voltage user"),
        "junction": text("联络点", "Junction"),
    },
)
NodeKind = Annotated[
    Literal["substation", "area", "user", "junction"], Label("节点类型", "Kind", dictionary=NODE_KINDS.name)
]
Name = Annotated[str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True), Label("名称", "Name")]
LineNo = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]*$", max_length=32),
    Label("线段编号", "Line"),
]
Easting = Annotated[int, Field(ge=-(10**7), le=10**7), Label("东向坐标", "Metres east")]
Northing = Annotated[int, Field(ge=-(10**7), le=10**7), Label("北向坐标", "Metres north")]
Ratio = Annotated[Multiplier, Label("综合倍率", "Multiplier")]
Generation = Annotated[Power, Label("发电容量", "Generating capacity")]
Rating = Annotated[ApparentPower, Label("变压器容量", "Transformer rating")]
NoLoadLoss = Annotated[Power, Label("空载损耗", "No-load loss")]
Total = Annotated[int, Label("合计", "Total")]

INSTALLATION = DatasetSchema(
    "point.installation",
    1,
    {
        "point_no": "text",
        "account_no": "text",
        "area_no": "text",
        "feeder_no": "text",
        "org": "text",
        "role": "text",
        "register": "text",
        "meter_no": "text",
        "multiplier": "int64",
        "integer_digits": "int32",
        "decimal_digits": "int32",
        "voltage_kv": "text",
        "pv_w": "int64",
        "from_at": "instant",
        "to_at": "instant",
        "start_e4": "int64",
        "final_e4": "int64",
        "start_rev_e4": "int64",
        "final_rev_e4": "int64",
        "piece": "int32",
    },
    text("计量装置", "Installations"),
)


UNIT_INSTALLATION = DatasetSchema(
    "point.unit_installation", 1, INSTALLATION.columns, text("单位计量装置", "Installations of a unit")
)


# --- network ----------------------------------------------------------------------------------------------------------


class Node(Message):
    node_no: NodeNo
    kind: NodeKind
    feeder_no: FeederNo | None = None
    x_m: Easting
    y_m: Northing


class Line(Message):
    line_no: LineNo
    feeder_no: FeederNo | None = None
    from_node_no: Annotated[NodeNo, Label("起点", "From node")]
    to_node_no: Annotated[NodeNo, Label("终点", "To node")]
    length_m: Annotated[int, Field(ge=0, le=10**6), Label("长度（米）", "Length (m)")]
    normally_open: Annotated[bool, Label("常开", "Normally open")] = False


class Feeder(Message):
    feeder_no: FeederNo
    name: Annotated[Name, Label("馈线名称", "Feeder")]
    org: OrganisationCode
    voltage_kv: Voltage
    head_meter_no: Annotated[MeterNo | None, Label("出口表", "Head meter")] = None
    head_multiplier: Annotated[Multiplier | None, Label("出口表倍率", "Head multiplier")] = None


class Area(Message):
    """A transformer area. The gateway as the archive states it; which meter hangs there when is told by its point."""

    area_no: AreaNo
    name: Annotated[Name, Label("台区名称", "Area")]
    org: OrganisationCode
    feeder_no: FeederNo
    transformer_kva: Rating
    no_load_loss_kw: NoLoadLoss
    gateway_meter_no: Annotated[MeterNo | None, Label("关口表", "Gateway meter")] = None
    gateway_multiplier: Annotated[Multiplier | None, Label("关口表倍率", "Gateway multiplier")] = None
    node_no: NodeNo | None = None
    x_m: Easting | None = None
    y_m: Northing | None = None


class RegisterNetwork(Message):
    """Parts of the network, taken in this order: feeders, nodes, lines, areas. Each part may be empty."""

    feeders: list[Feeder] = Field(default=[], max_length=ITEMS_MAX)
    nodes: list[Node] = Field(default=[], max_length=ITEMS_MAX)
    lines: list[Line] = Field(default=[], max_length=ITEMS_MAX)
    areas: list[Area] = Field(default=[], max_length=ITEMS_MAX)


class NetworkTaken(Message):
    feeders: BatchTaken
    nodes: BatchTaken
    lines: BatchTaken
    areas: BatchTaken


class NetworkRequest(Message):
    """The whole network in scope, or that of one feeder."""

    feeder_no: FeederNo | None = None


class Network(Message):
    nodes: list[Node]
    lines: list[Line]
    feeders: list[Feeder]
    areas: list[Area]
    as_of: AsOf


class FeederRow(Feeder):
    area_count: Annotated[int, Label("台区数", "Areas")]
    point_count: Annotated[int, Label("计量点数", "Points")]


class FindFeeders(Message):
    org: OrganisationCode | None = None


class Feeders(Message):
    rows: list[FeederRow]
    as_of: AsOf


class AreaRow(Area):
    feeder_name: Annotated[str, Label("馈线名称", "Feeder")]
    account_count: Annotated[int, Label("用户数", "Accounts")]
    point_count: Annotated[int, Label("计量点数", "Points")]


class FindAreas(Page):
    """Areas by number or name; pages by area number."""

    keyword: Annotated[str, StringConstraints(max_length=64), Label("台区编号/名称", "Area no. or name")] = ""
    feeder_no: FeederNo | None = None
    org: OrganisationCode | None = None


class Areas(Message):
    rows: list[AreaRow]
    total: Total
    next: str | None
    as_of: AsOf


class AreaRef(Message):
    area_no: AreaNo


class RoleCount(Message):
    role: PointRole
    count: Annotated[int, Label("计量点数", "Points")]
    generation_kw: Annotated[Power, Label("发电容量", "Generating capacity")]


class AreaDetail(AreaRow):
    """An area, its points counted by role and the gateway that is installed now."""

    roles: list[RoleCount]
    gateway_point_no: Annotated[PointNo | None, Label("关口计量点", "Gateway point")]
    as_of: AsOf


# --- points -----------------------------------------------------------------------------------------------------------


class NewPoint(Message):
    """A metering point with the meter that is at it. Gateways name their area, feeder heads their feeder, all else an account."""

    point_no: PointNo
    role: PointRole
    direction: PointDirection
    account_no: AccountNo | None = None
    area_no: AreaNo | None = None
    feeder_no: FeederNo | None = None
    org: OrganisationCode
    meter_no: MeterNo
    multiplier: Ratio
    voltage_kv: Voltage
    pv_kw: Generation | None = None
    pv_mode: PvMode | None = None
    node_no: NodeNo | None = None


class RegisterPoints(Message):
    points: Annotated[list[NewPoint], Field(min_length=1, max_length=ITEMS_MAX)]


class Point(NewPoint):
    """A metering point with the meter that is at it now."""

    integer_digits: Annotated[int, Label("整数位数", "Integer digits")]
    decimal_digits: Annotated[int, Label("小数位数", "Decimal digits")]
    installed_at: Annotated[Instant, Label("装表时间", "Installed at")]


class FindPoints(Page):
    """Points by (part of) point, account or meter number; pages by point number."""

    keyword: Annotated[
        str, StringConstraints(max_length=64), Label("计量点/户号/表号", "Point, account or meter no.")
    ] = ""
    role: PointRole | None = None
    area_no: AreaNo | None = None
    feeder_no: FeederNo | None = None
    org: OrganisationCode | None = None


class PointsFound(Message):
    rows: list[Point]
    total: Total
    next: str | None
    as_of: AsOf


class PointsOf(Message):
    account_no: AccountNo


class Points(Message):
    rows: list[Point]
    as_of: AsOf


class PointsByNumber(Message):
    numbers: Annotated[list[PointNo], Field(max_length=ITEMS_MAX)]


class MetersIn(Message):
    """A month of accounts, points or meters, each list up to 1,000. known_at: as it was recorded then, else as it is now."""

    month: MonthText
    account_nos: Annotated[list[AccountNo], Field(max_length=ITEMS_MAX)] = []
    point_nos: Annotated[list[PointNo], Field(max_length=ITEMS_MAX)] = []
    meter_nos: Annotated[list[MeterNo], Field(max_length=ITEMS_MAX)] = []
    known_at: Instant | None = None


class MeterInMonth(Message):
    """A meter at a point for a part of a month: what a row of `point.installation` says, in values. Registers are those of an
    exchange within the month."""

    point_no: PointNo
    account_no: AccountNo | None
    area_no: AreaNo | None
    feeder_no: FeederNo | None
    org: OrganisationCode
    role: PointRole
    direction: PointDirection
    meter_no: MeterNo
    multiplier: Ratio
    integer_digits: int
    decimal_digits: int
    pv_kw: Generation | None
    from_at: Instant
    to_at: Instant
    start: Register | None
    final: Register | None
    start_rev: Register | None
    final_rev: Register | None
    piece: int


class MetersFound(Message):
    """In the order of points and pieces. Beside the points that were asked for those that share a meter with them, whole."""

    rows: list[MeterInMonth]
    as_of: AsOf


class PointRef(Message):
    point_no: PointNo


class Installation(Message):
    """A meter at a point for a time; without an end it is there still. Registers are those of the exchange."""

    meter_no: MeterNo
    multiplier: Ratio
    integer_digits: Annotated[int, Label("整数位数", "Integer digits")]
    decimal_digits: Annotated[int, Label("小数位数", "Decimal digits")]
    installed_at: Annotated[Instant, Label("装表时间", "Installed at")]
    removed_at: Annotated[Instant | None, Label("拆表时间", "Removed at")]
    start: Annotated[Register | None, Label("起度", "First register")]
    final: Annotated[Register | None, Label("止度", "Final register")]


class PointLife(Message):
    """A point with every meter that was at it, the newest first."""

    point: Point
    installations: list[Installation]
    as_of: AsOf


class Exchange(Message):
    """A meter exchange (换表). The final register is left out where nobody wrote it down."""

    point_no: PointNo
    old_meter_no: Annotated[MeterNo, Label("旧表号", "Old meter")]
    new_meter_no: Annotated[MeterNo, Label("新表号", "New meter")]
    exchanged_at: Annotated[Instant, Label("换表时间", "Exchanged at")]
    old_final_fwd: Annotated[Register | None, Label("旧表正向止度", "Old meter's final forward register")] = None
    old_final_rev: Annotated[Register | None, Label("旧表反向止度", "Old meter's final reverse register")] = None
    new_start_fwd: Annotated[Register, Label("新表正向起度", "New meter's first forward register")]
    new_start_rev: Annotated[Register | None, Label("新表反向起度", "New meter's first reverse register")] = None
    new_multiplier: Annotated[Multiplier, Label("新表倍率", "New multiplier")]


class ExchangeMeters(Message):
    exchanges: Annotated[list[Exchange], Field(min_length=1, max_length=ITEMS_MAX)]


class ExchangeRow(Exchange):
    account_no: AccountNo | None
    org: OrganisationCode


class FindExchanges(Page):
    """Meter exchanges, the newest first."""

    month: MonthText | None = None
    org: OrganisationCode | None = None


class Exchanges(Message):
    rows: list[ExchangeRow]
    total: Total
    next: str | None
    as_of: AsOf


class HandOver(Message):
    """All points of an account go over to the account of another customer, from the midnight that begins a day (过户)."""

    account_no: AccountNo
    successor_no: AccountNo
    since: Annotated[date, Label("过户日期", "First day of the new customer")]


class HandedOver(Message):
    """The points of the successor that were handed over."""

    points: list[PointNo]


class PublishInstallations(Message):
    month: MonthText


class PublishUnitInstallations(Message):
    month: MonthText
    org: OrganisationCode


class MeterExchanged(Event, name="point.meter.exchanged", version=1):
    point_no: str
    account_no: str | None
    old_meter_no: str
    new_meter_no: str
    exchanged_on: date


class PointNotFound(NotFound, noun="point", status=404, zh="未找到该计量点", en="No such metering point"):
    """Fields: point_no. Raised also for a point outside the caller's organisation scope."""


class AreaNotFound(NotFound, noun="point", status=404, zh="未找到该台区", en="No such transformer area"):
    """Fields: area_no. Raised also for an area outside the caller's organisation scope."""


class OutsideScope(Problem, noun="point", status=403, zh="超出本单位管辖范围", en="Outside your organisation scope"):
    """Fields: org."""


class NotHandedOver(Problem, noun="point", status=409, zh="计量点不能过户", en="The points cannot be handed over"):
    """Fields: account_no, successor_no, field, value."""


class PointApi(Api, noun="point", version=1):
    """Operations on metering points and the network."""

    @command(permit="point.register_network", problems=(OutsideScope,))
    def register_network(self, call: Call, request: RegisterNetwork) -> NetworkTaken:
        """Takes up to 1,000 of each of feeders, nodes, lines and areas. What is known with other content is refused."""

    @command(permit="point.register", problems=(OutsideScope,))
    def register_points(self, call: Call, request: RegisterPoints) -> BatchTaken:
        """Takes up to 1,000 points, each with its meter. What names an unknown account, area, feeder or meter is refused."""

    @command(permit="point.register", problems=(NotHandedOver,))
    def hand_over(self, call: Call, request: HandOver) -> HandedOver:
        """Gives the points of an account with their meters to another account from a day on. What was metered before stays with the
        account before; asked again it changes nothing."""

    @command(permit="point.exchange", emits=(MeterExchanged,))
    def exchange_meters(self, call: Call, request: ExchangeMeters) -> BatchTaken:
        """Records up to 1,000 meter exchanges. All points of the old meter go over to the new one."""

    @query(permit="point.read")
    def find_points(self, call: Call, request: FindPoints) -> PointsFound:
        """Finds points by number, role, area and feeder within the caller's organisation scope."""

    @query(permit="point.read")
    def points(self, call: Call, request: PointsByNumber) -> Points:
        """The points of a list of numbers; numbers that are not known are left out."""

    @query(permit="point.read")
    def points_of(self, call: Call, request: PointsOf) -> Points:
        """The points of an account."""

    @query(permit="point.read", problems=(PointNotFound,))
    def point(self, call: Call, request: PointRef) -> PointLife:
        """One point with every meter that was at it."""

    @query(permit="point.read")
    def find_exchanges(self, call: Call, request: FindExchanges) -> Exchanges:
        """Meter exchanges, the newest first."""

    @query(permit="point.read")
    def network(self, call: Call, request: NetworkRequest) -> Network:
        """Nodes, lines, feeders and areas with coordinates."""

    @query(permit="point.read")
    def feeders(self, call: Call, request: FindFeeders) -> Feeders:
        """The feeders in scope."""

    @query(permit="point.read")
    def areas(self, call: Call, request: FindAreas) -> Areas:
        """Finds transformer areas."""

    @query(permit="point.read", problems=(AreaNotFound,))
    def area(self, call: Call, request: AreaRef) -> AreaDetail:
        """One transformer area."""

    @query(permit="point.read")
    def meters_in(self, call: Call, request: MetersIn) -> MetersFound:
        """The meters of a few accounts or points, or a few meters, in a month: the rows that `point.installation` has of them."""

    @command(permit="point.publish")
    def publish_installations(self, call: Call, request: PublishInstallations) -> DatasetRef:
        """Publishes the dataset `point.installation` of a month: one row for each point and piece of the month."""

    @command(permit="point.publish", problems=(OutsideScope,))
    def publish_unit_installations(self, call: Call, request: PublishUnitInstallations) -> DatasetRef:
        """The same of the points of one unit alone, as `point.unit_installation` with the unit as its shard."""
