"""Contract of the asset service (资产管理): the meter archive, and the life of each meter from store to removal."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from denghuo.kernel.batch import ITEMS_MAX, BatchTaken
from denghuo.kernel.contract import Api, Call, Dictionary, Label, Message, Page, command, query
from denghuo.kernel.fields import AsOf, Instant, MeterNo, OrganisationCode, PointNo
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.kernel.values import Multiplier

KINDS = Dictionary(
    "asset.kind",
    {
        "direct": text("直接接入", "Direct"),
        "current_transformer": text("经互感器接入", "Behind current transformers"),
        "high_voltage": text("高压计量", "Behind voltage and current transformers"),
    },
)
MeterKind = Annotated[
    Literal["direct", "current_transformer", "high_voltage"], Label("接线方式", "Wiring", dictionary=KINDS.name)
]
STATUSES = Dictionary(
    "asset.status",
    {
        "in_store": text("在库", "In store"),
        "in_use": text("运行", "In use"),
        "removed": text("已拆回", "Removed"),
    },
    tones={"in_store": "plain", "in_use": "good", "removed": "warning"},
)
MeterStatus = Annotated[Literal["in_store", "in_use", "removed"], Label("资产状态", "Status", dictionary=STATUSES.name)]
Ratio = Annotated[Multiplier, Label("综合倍率", "Multiplier")]
InstalledOn = Annotated[date, Label("安装日期", "Installed on")]
IntegerDigits = Annotated[int, Field(ge=4, le=9), Label("整数位数", "Integer digits")]
DecimalDigits = Annotated[int, Field(ge=0, le=4), Label("小数位数", "Decimal digits")]


class NewMeter(Message):
    """A meter of the archive. `installed_on` is the day from which it may show readings."""

    meter_no: MeterNo
    kind: MeterKind
    multiplier: Ratio
    integer_digits: IntegerDigits
    decimal_digits: DecimalDigits
    installed_on: InstalledOn
    org: OrganisationCode


class RegisterMeters(Message):
    meters: Annotated[list[NewMeter], Field(min_length=1, max_length=ITEMS_MAX)]


class Meter(Message):
    meter_no: MeterNo
    kind: MeterKind
    status: MeterStatus
    multiplier: Ratio
    integer_digits: IntegerDigits
    decimal_digits: DecimalDigits
    installed_on: InstalledOn
    org: OrganisationCode


class FindMeters(Page):
    """A search by (part of) a meter number; pages by meter number."""

    keyword: Annotated[str, StringConstraints(max_length=64), Label("表号", "Meter no.")] = ""
    kind: MeterKind | None = None
    status: MeterStatus | None = None
    org: OrganisationCode | None = None


class MetersFound(Message):
    rows: list[Meter]
    total: Annotated[int, Label("合计", "Total")]
    next: str | None
    as_of: AsOf


class MetersByNumber(Message):
    numbers: Annotated[list[MeterNo], Field(max_length=ITEMS_MAX)]


class Meters(Message):
    rows: list[Meter]


class MeterRef(Message):
    meter_no: MeterNo


class Custody(Message):
    """A piece of a meter's life at a metering point; without an end it is there still."""

    point_no: PointNo
    org: OrganisationCode
    placed_at: Annotated[Instant, Label("装出时间", "Placed at")]
    removed_at: Annotated[Instant | None, Label("拆回时间", "Removed at")]


class MeterLife(Message):
    """A meter with every point it has been at, the newest first."""

    meter: Meter
    life: list[Custody]
    as_of: AsOf


class Move(Message):
    """A meter comes to a metering point or leaves it."""

    meter_no: MeterNo
    point_no: PointNo
    org: OrganisationCode
    kind: Literal["placed", "removed"]
    at: Instant


class MoveMeters(Message):
    moves: Annotated[list[Move], Field(min_length=1, max_length=2 * ITEMS_MAX)]


class AssetSummaryRequest(Message):
    org: OrganisationCode | None = None


class AssetCount(Message):
    kind: MeterKind
    status: MeterStatus
    count: Annotated[int, Label("数量", "Meters")]


class AssetSummary(Message):
    rows: list[AssetCount]
    total: Annotated[int, Label("合计", "Total")]
    as_of: AsOf


class MeterNotFound(NotFound, noun="asset", status=404, zh="未找到该电能表", en="No such meter"):
    """Fields: meter_no. Raised also for a meter outside the caller's organisation scope."""


class OutsideScope(Problem, noun="asset", status=403, zh="超出本单位管辖范围", en="Outside your organisation scope"):
    """Fields: org."""


class AssetApi(Api, noun="asset", version=1):
    """Operations on meters."""

    @command(permit="asset.register", problems=(OutsideScope,))
    def register_meters(self, call: Call, request: RegisterMeters) -> BatchTaken:
        """Takes up to 1,000 meters into the archive. A meter that is known with other content is refused, the rest is taken."""

    @command(permit="asset.move")
    def move_meters(self, call: Call, request: MoveMeters) -> BatchTaken:
        """Records that meters came to points or left them. What is recorded already is unchanged; the meter's unit follows."""

    @query(permit="asset.read")
    def find_meters(self, call: Call, request: FindMeters) -> MetersFound:
        """Finds meters by number, wiring, status and unit within the caller's organisation scope."""

    @query(permit="asset.read")
    def meters(self, call: Call, request: MetersByNumber) -> Meters:
        """The meters of a list of numbers; numbers that are not known are left out."""

    @query(permit="asset.read", problems=(MeterNotFound,))
    def meter(self, call: Call, request: MeterRef) -> MeterLife:
        """One meter with its life: where it was placed and when it was removed."""

    @query(permit="asset.read")
    def summary(self, call: Call, request: AssetSummaryRequest) -> AssetSummary:
        """Meters counted by wiring and status."""
