"""Contract of the network that metering points hang on: feeders, nodes, lines and transformer areas."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from denghuo.kernel.batch import ITEMS_MAX, BatchTaken
from denghuo.kernel.contract import (
    Api,
    Call,
    Dictionary,
    Label,
    Message,
    Page,
    command,
    query,
)
from denghuo.kernel.fields import (
    AreaNo,
    AsOf,
    FeederNo,
    MeterNo,
    NodeNo,
    OrganisationCode,
    PointNo,
    PointRole,
    Voltage,
)
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.kernel.values import ApparentPower, Multiplier, Power

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
Rating = Annotated[ApparentPower, Label("变压器容量", "Transformer rating")]
NoLoadLoss = Annotated[Power, Label("空载损耗", "No-load loss")]
Total = Annotated[int, Label("合计", "Total")]


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


class AreaNumbers(Message):
    area_nos: Annotated[list[AreaNo], Field(max_length=ITEMS_MAX)]


class AreaName(Message):
    area_no: AreaNo
    name: Name


class AreaNames(Message):
    """Names of areas, by number; those that are not known or not in scope are left out."""

    rows: list[AreaName]


class RoleCount(Message):
    role: PointRole
    count: Annotated[int, Label("计量点数", "Points")]
    generation_kw: Annotated[Power, Label("发电容量", "Generating capacity")]


class AreaDetail(AreaRow):
    """An area, its points counted by role and the gateway that is installed now."""

    roles: list[RoleCount]
    gateway_point_no: Annotated[PointNo | None, Label("关口计量点", "Gateway point")]
    as_of: AsOf


class AreaNotFound(NotFound, noun="point", status=404, zh="未找到该台区", en="No such transformer area"):
    """Fields: area_no. Raised also for an area outside the caller's organisation scope."""


class OutsideScope(Problem, noun="point", status=403, zh="超出本单位管辖范围", en="Outside your organisation scope"):
    """Fields: org."""


class NetworkOperations(Api):
    """Feeders, their lines and their transformer areas."""

    @command(permit="point.register_network", problems=(OutsideScope,))
    def register_network(self, call: Call, request: RegisterNetwork) -> NetworkTaken:
        """Takes up to 1,000 of each of feeders, nodes, lines and areas. What is known with other content is refused."""

    @query(permit="point.read")
    def network(self, call: Call, request: NetworkRequest) -> Network:
        """Nodes, lines, feeders and areas with coordinates."""

    @query(permit="point.read")
    def feeders(self, call: Call, request: FindFeeders) -> Feeders:
        """The feeders in scope."""

    @query(permit="point.read")
    def areas(self, call: Call, request: FindAreas) -> Areas:
        """Finds transformer areas."""

    @query(permit="point.read")
    def area_names(self, call: Call, request: AreaNumbers) -> AreaNames:
        """What the areas of a list are called."""

    @query(permit="point.read", problems=(AreaNotFound,))
    def area(self, call: Call, request: AreaRef) -> AreaDetail:
        """One transformer area."""
