"""Atoms of curves in the reading contract (日电量原子): which are asked for, and what their dataset looks like."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, model_validator

from denghuo.kernel.contract import Api, Call, ColumnType, DatasetRef, DatasetSchema, Label, Message, command, query
from denghuo.kernel.fields import AsOf, Day, Instant, MeterNo, MonthText
from denghuo.kernel.problem import text
from denghuo.kernel.values import Energy
from denghuo.service.reading.api.curve import CurveMethod, SlotsEstimated
from denghuo.service.reading.api.curve_values import CurveNotFound
from denghuo.service.reading.api.month import WholeCompanyOnly
from denghuo.service.reading.api.vocabulary import EnergySeries

DAY_ATOMS = "reading.day_atoms"
DAY_ESTIMATES = "reading.day_estimates"


ATOM_METERS = DatasetSchema(
    "reading.atom_meters",
    1,
    {"subject": "text"},
    text("日电量原子的表计", "Meters of atoms"),
)
"""The meters of files of `reading.day_atoms` that do not name them, in the order of their rows. The period is the month; the shard
is the digest that the heads of those files tell (`subjects`): for a month of days of the same meters they are told once."""


def day_atoms(starts: Sequence[int], named: bool = True) -> DatasetSchema:
    """A day of meters, each energy curve added up over the cells that begin at `starts` (slots of 15 minutes from 0).

    Columns: subject (the meter); files of many rows are without (not `named`), `reading.atom_meters` tells theirs; e00, ...: energy
    of the cell that begins at that slot, as far as it was received; gaps: 96 marks, 1 for a slot that was not received, or null
    where there is none; highest: the highest slot, told where there are gaps or where it was asked for.
    """
    cells: dict[str, ColumnType] = {cell_name(start): "int64" for start in starts}
    subject: dict[str, ColumnType] = {"subject": "text"} if named else {}
    return DatasetSchema(
        DAY_ATOMS,
        2,
        subject | cells | {"gaps": "text", "highest": "int64"},
        text("日电量原子", "Atoms of a day"),
    )


def day_estimates(starts: Sequence[int]) -> DatasetSchema:
    """What stands in for values of a day as bills take it, by the same cells.

    Columns: subject (the meter); e00, ...: energy that stands in; x00, ...: energy that was received in those slots, where a clerk
    put something else in; filled: 96 marks, 1 for a slot in which something stands in; over: those of which a value was received.
    """
    cells: dict[str, ColumnType] = {cell_name(start): "int64" for start in starts}
    before: dict[str, ColumnType] = {over_name(start): "int64" for start in starts}
    columns: dict[str, ColumnType] = {"subject": "text", **cells, **before, "filled": "text", "over": "text"}
    return DatasetSchema(DAY_ESTIMATES, 1, columns, text("日估计值", "Estimates of a day"))


def over_name(start: int) -> str:
    """The column of what was received in a cell and something else stands in for."""
    return f"x{start:02d}"


def cell_name(start: int) -> str:
    """The column of the cell that begins at a slot."""
    return f"e{start:02d}"


METERS_MAX = 32
"""Meters whose days go into a reply: a month of them is about a thousand rows."""


class MeterAtoms(Message):
    """The days of a month of a few meters, cut as in `PublishAtoms`. through: the last of several months. known_at: as their curves
    were known then."""

    month: MonthText
    series: EnergySeries
    starts: Annotated[list[Annotated[int, Field(ge=0, le=95)]], Field(min_length=1, max_length=96)]
    meter_nos: Annotated[list[MeterNo], Field(min_length=1, max_length=METERS_MAX)]
    through: MonthText | None = None
    known_at: Instant | None = None


class AtomDay(Message):
    """What a row of `reading.day_atoms` says of a meter, in values: the energy of each cell; how many slots were not received and,
    where there are such, all 96 with 1 for each of them, and the highest slot; and what stands in where something does."""

    subject: MeterNo
    day: Day
    cells: list[Energy]
    missing: int
    gaps: str | None
    highest: Energy | None
    estimates: "DayEstimates | None" = None


class MethodSlots(Message):
    """The slots of a day in which one method stands in, and the energy that it gives them."""

    method: CurveMethod
    slots: SlotsEstimated
    energy: Annotated[Energy, Label("估计电量", "Energy estimated")]


class DayEstimates(Message):
    """What a row of `reading.day_estimates` says, in values; by which methods it stands in."""

    cells: list[Energy]
    received: list[Energy]
    filled: str
    over: str
    methods: list[MethodSlots] = []


class AtomsFound(Message):
    """Days with curves, in order; a day without a row has none."""

    rows: list[AtomDay]
    as_of: AsOf


class PublishAtoms(Message):
    """Which curves of a month to add up, and at which slots of the day (0 to 95, the first is 0) a cell begins. highest: tell the
    highest slot of every day as well."""

    month: MonthText
    series: EnergySeries
    starts: Annotated[list[Annotated[int, Field(ge=0, le=95)]], Field(min_length=1, max_length=96)]
    highest: bool = False

    @model_validator(mode="after")
    def _ascend(self) -> "PublishAtoms":
        if self.starts[0] != 0 or sorted(set(self.starts)) != self.starts:
            raise ValueError("starts begin with 0 and ascend")
        return self


class AtomsPublished(Message):
    """The atoms of the days that have curves, in order (`reading.day_atoms`, its period is the day), and how many of them were not
    there yet. meters: of those that do not name theirs (`reading.atom_meters`). estimates: of the days on which anything stands in
    (`reading.day_estimates`)."""

    rows: list[DatasetRef]
    meters: list[DatasetRef]
    made: Annotated[int, Label("新计算", "Made now")]
    estimates: list[DatasetRef] = []


class EstimatedMonthAsked(Message):
    """A month of a meter, as its estimates stood at an instant."""

    meter_no: MeterNo
    series: EnergySeries
    month: MonthText
    known_at: Instant | None = None


class EstimatedMonth(Message):
    """What stands in for values of a month in bills, 96 slots a day from its first on; null where nothing does."""

    values: list[Energy | None]
    as_of: AsOf


class AtomOperations(Api):
    """Curves added up by cells of the day."""

    @query(permit="reading.read")
    def meter_atoms(self, call: Call, request: MeterAtoms) -> AtomsFound:
        """A month's energy curves of a few meters, added up by cells of the day."""

    @query(permit="reading.read", problems=(CurveNotFound,))
    def estimated_month(self, call: Call, request: EstimatedMonthAsked) -> EstimatedMonth:
        """What stands in for values of a meter's month as bills take it: of the days whose time to wait is over."""

    @command(permit="reading.publish", problems=(WholeCompanyOnly,))
    def publish_atoms(self, call: Call, request: PublishAtoms) -> AtomsPublished:
        """Adds up a month's energy curves by cells of the day, for the whole company. What was made before of the same curves and
        cells is given again; a day is added up anew only where its curves have changed."""
