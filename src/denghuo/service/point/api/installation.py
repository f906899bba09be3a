"""Contract of the meters at the points in a month, as records and as datasets."""

from typing import Annotated

from pydantic import Field

from denghuo.kernel.batch import ITEMS_MAX
from denghuo.kernel.contract import (
    Api,
    Call,
    DatasetRef,
    DatasetSchema,
    Message,
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
    OrganisationCode,
    PointNo,
    PointRole,
)
from denghuo.kernel.problem import text
from denghuo.kernel.values import Register
from denghuo.service.point.api.metering import Generation, PointDirection, Ratio
from denghuo.service.point.api.network import OutsideScope

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


class MetersIn(Message):
    """A month of accounts, points or meters, or of the gateways of areas, each list up to 1,000. known_at: as it was recorded then,
    else as it is now."""

    month: MonthText
    account_nos: Annotated[list[AccountNo], Field(max_length=ITEMS_MAX)] = []
    point_nos: Annotated[list[PointNo], Field(max_length=ITEMS_MAX)] = []
    meter_nos: Annotated[list[MeterNo], Field(max_length=ITEMS_MAX)] = []
    gateway_area_nos: Annotated[list[AreaNo], Field(max_length=ITEMS_MAX)] = []
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


class PublishInstallations(Message):
    month: MonthText


class PublishUnitInstallations(Message):
    month: MonthText
    org: OrganisationCode


class InstallationOperations(Api):
    """What stood where in a month."""

    @query(permit="point.read")
    def meters_in(self, call: Call, request: MetersIn) -> MetersFound:
        """The meters of a few accounts or points, or a few meters, in a month: the rows that `point.installation` has of them."""

    @command(permit="point.publish")
    def publish_installations(self, call: Call, request: PublishInstallations) -> DatasetRef:
        """Publishes the dataset `point.installation` of a month: one row for each point and piece of the month."""

    @command(permit="point.publish", problems=(OutsideScope,))
    def publish_unit_installations(self, call: Call, request: PublishUnitInstallations) -> DatasetRef:
        """The same of the points of one unit alone, as `point.unit_installation` with the unit as its shard."""
