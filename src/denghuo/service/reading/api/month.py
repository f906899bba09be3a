"""Messages and operations about a month's reading (月度抄表): its plan, its run, its energies and how far it is."""

from datetime import date
from typing import Annotated

from pydantic import Field

from denghuo.kernel.batch import ITEMS_MAX
from denghuo.kernel.contract import Api, Call, DatasetRef, Event, Label, Message, Page, command, query
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
from denghuo.kernel.problem import Problem
from denghuo.kernel.values import Multiplier, Percent
from denghuo.service.reading.api.row import RegisterRow
from denghuo.service.reading.api.vocabulary import (
    Piece,
    RowCount,
    RowKey,
)


class MonthRef(Message):
    month: MonthText


class Planned(Message):
    """The reading plan of a month: points, their pieces, and how many rows of the plan were new or changed."""

    month: MonthText
    points: Annotated[int, Label("计量点数", "Points")]
    pieces: Annotated[int, Label("分段数", "Pieces")]
    changed: Annotated[int, Label("变更行数", "Rows changed")]


class MonthRead(Message):
    """What a run over the month's registers gave. `energy` refers to the rows of `reading.month_energy`; `waiting` to the accounts
    (`reading.month_waiting`) that are read in a later month, None where all are read in this one."""

    month: MonthText
    points: Annotated[int, Label("计量点数", "Points")]
    rows: RowCount
    valid: Annotated[int, Label("正常", "Valid")]
    estimated: Annotated[int, Label("估计", "Estimated")]
    held: Annotated[int, Label("待核", "Held")]
    changed: Annotated[int, Label("变更行数", "Rows changed")]
    energy: DatasetRef
    waiting: DatasetRef | None = None
    as_of: AsOf


class SettleAccounts(Message):
    """A month of some accounts."""

    month: MonthText
    account_nos: Annotated[list[AccountNo], Field(min_length=1, max_length=ITEMS_MAX)]


class KnownEnergies(Message):
    """A month of some accounts as it was known at an instant."""

    month: MonthText
    account_nos: Annotated[list[AccountNo], Field(min_length=1, max_length=ITEMS_MAX)]
    known_at: Instant


class EnergyRow(RegisterRow):
    """What a row of `reading.month_energy` says of an account, in values. What is held has no energy."""

    account_no: AccountNo


class EnergiesFound(Message):
    """In the order of points, pieces, quantities and bands. waiting: those of the accounts that are read in a later month."""

    month: MonthText
    rows: list[EnergyRow]
    waiting: list[AccountNo] = []
    as_of: AsOf


class EnergyPublished(Message):
    """Whether the month's dataset was behind its reads, so that it was published anew."""

    month: MonthText
    published: bool


class EnergySoFar(Message):
    """What a running month took until a midnight. `energy` refers to the rows of `reading.energy_so_far`, in the form of
    `reading.month_energy`; both None where nothing was read after the month's first midnight."""

    month: MonthText
    until: Annotated[date | None, Label("至零点", "Until the midnight of")]
    energy: DatasetRef | None
    as_of: AsOf


class PlanRow(Message):
    row_key: RowKey
    month: MonthText
    point_no: PointNo
    piece: Piece
    account_no: AccountNo | None
    area_no: AreaNo | None
    feeder_no: FeederNo | None
    org: OrganisationCode
    role: PointRole
    meter_no: MeterNo
    multiplier: Annotated[Multiplier, Label("倍率", "Multiplier")]
    route: Annotated[str, Label("抄表段", "Route")]
    reading_day: Annotated[date, Label("抄表例日", "Reading day")]


class FindPlan(Page):
    month: MonthText
    org: OrganisationCode | None = None
    route: Annotated[str, Field(max_length=32), Label("抄表段", "Route")] | None = None


class PlanFound(Message):
    rows: list[PlanRow]
    total: RowCount
    next: str | None
    as_of: AsOf


class StationProgress(Message):
    """The month's reading in one unit, counted in metering points."""

    org: OrganisationCode
    planned: Annotated[int, Label("应抄", "Planned")]
    collected: Annotated[int, Label("已采", "Collected")]
    valid: Annotated[int, Label("正常", "Valid")]
    estimated: Annotated[int, Label("估计", "Estimated")]
    held: Annotated[int, Label("待核", "Held")]
    collection_rate: Annotated[Percent | None, Label("采集率", "Collection rate")]


class Progress(Message):
    month: MonthText
    total: StationProgress
    rows: list[StationProgress]
    as_of: AsOf


class MonthWasRead(Event, name="reading.month.read", version=1):
    """All meters of a month were read, and its energies published; a later run tells it again."""

    month: str
    points: int


class EnergyCorrected(Event, name="reading.energy.corrected", version=1):
    """Reads of a month have changed since its run, and `reading.month_energy` was published with them: what was made of the month
    may change."""

    month: str


class WholeCompanyOnly(
    Problem, noun="reading", status=403, zh="须由公司级岗位办理", en="Only for a post of the whole company"
):
    """A month is planned and read for the whole company at once. Fields: scope."""


class MonthOperations(Api):
    """The month's plan, its run and its energies."""

    @command(permit="reading.plan", problems=(WholeCompanyOnly,))
    def plan_month(self, call: Call, request: MonthRef) -> Planned:
        """Makes or refreshes the reading plan of a month from the installed meters. Running it again changes nothing."""

    @command(permit="reading.run", problems=(WholeCompanyOnly,), emits=(MonthWasRead,))
    def read_month(self, call: Call, request: MonthRef) -> MonthRead:
        """Finds, validates and where allowed estimates every read of the month. A second run changes only what its input did."""

    @command(permit="reading.run")
    def settle_accounts(self, call: Call, request: SettleAccounts) -> EnergiesFound:
        """Plans and reads the month of a few accounts as `read_month` does that of all. Where it changes a read that was published,
        the month's dataset follows by a job."""

    @command(permit="reading.publish", emits=(EnergyCorrected,))
    def publish_energy(self, call: Call, request: MonthRef) -> EnergyPublished:
        """Publishes the month's reads as they stand, where a change of them was not published yet."""

    @query(permit="reading.read")
    def known_energies(self, call: Call, request: KnownEnergies) -> EnergiesFound:
        """What `settle_accounts` would have given at an instant: by the meters, registers and words of clerks that were recorded by
        then. Nothing is changed."""

    @command(permit="reading.run", problems=(WholeCompanyOnly,))
    def publish_so_far(self, call: Call, request: MonthRef) -> EnergySoFar:
        """Publishes what a running month took until its newest midnight, validated like the month's reads, which stay as they are.
        A register that was not read at that midnight is held."""

    @query(permit="reading.read")
    def plan(self, call: Call, request: FindPlan) -> PlanFound:
        """The reading plan of a month."""

    @query(permit="reading.read")
    def progress(self, call: Call, request: MonthRef) -> Progress:
        """How far the month's reading is, in all and by station."""
