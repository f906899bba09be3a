"""Contract of metering points, each with the meter that is at it."""

from datetime import date
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
    AccountNo,
    AreaNo,
    AsOf,
    FeederNo,
    Instant,
    MeterNo,
    NodeNo,
    OrganisationCode,
    PointNo,
    PointRole,
    Voltage,
)
from denghuo.kernel.problem import NotFound, Problem, text
from denghuo.kernel.values import Multiplier, Power, Register
from denghuo.service.point.api.network import OutsideScope, Total

DIRECTIONS = Dictionary(
    "point.direction",
    {"fwd": text("正向", "Forward"), "rev": text("反向", "Reverse"), "net": text("正反向", "Both directions")},
)
PointDirection = Annotated[Literal["fwd", "rev", "net"], Label("示数方向", "Direction", dictionary=DIRECTIONS.name)]
PV_MODES = Dictionary(
    "point.pv_mode", {"surplus": text("余电上网", "Surplus"), "full": text("全额上网", "Full feed-in")}
)
PvMode = Annotated[Literal["surplus", "full"], Label("上网方式", "Feed-in", dictionary=PV_MODES.name)]
Ratio = Annotated[Multiplier, Label("综合倍率", "Multiplier")]
Generation = Annotated[Power, Label("发电容量", "Generating capacity")]


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


class HandOver(Message):
    """All points of an account go over to the account of another customer, from the midnight that begins a day (过户)."""

    account_no: AccountNo
    successor_no: AccountNo
    since: Annotated[date, Label("过户日期", "First day of the new customer")]


class HandedOver(Message):
    """The points of the successor that were handed over."""

    points: list[PointNo]


class PointNotFound(NotFound, noun="point", status=404, zh="未找到该计量点", en="No such metering point"):
    """Fields: point_no. Raised also for a point outside the caller's organisation scope."""


class NotHandedOver(Problem, noun="point", status=409, zh="计量点不能过户", en="The points cannot be handed over"):
    """Fields: account_no, successor_no, field, value."""


class MeteringOperations(Api):
    """Points as they are registered, found and handed over."""

    @command(permit="point.register", problems=(OutsideScope,))
    def register_points(self, call: Call, request: RegisterPoints) -> BatchTaken:
        """Takes up to 1,000 points, each with its meter. What names an unknown account, area, feeder or meter is refused."""

    @command(permit="point.register", problems=(NotHandedOver,))
    def hand_over(self, call: Call, request: HandOver) -> HandedOver:
        """Gives the points of an account with their meters to another account from a day on. What was metered before stays with the
        account before; asked again it changes nothing."""

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
