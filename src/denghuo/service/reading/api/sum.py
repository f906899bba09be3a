"""Sums of months of curves in the reading contract (月曲线汇总): the quarter-hours of a meter's month, added up by cells of the day
and by kinds of days.

Which days are of one kind is the asker's to say: those on which all of its tariffs have the same bands. Sums are kept by finer
kinds and cells than anybody asks for, and where none that fit are kept the days themselves are added up: the answer is the same.
"""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

from pydantic import Field, model_validator

from denghuo.kernel.contract import Api, Call, ColumnType, DatasetRef, DatasetSchema, Label, Message, command, query
from denghuo.kernel.fields import AsOf, Day, MeterNo, MonthText
from denghuo.kernel.period import SLOTS_A_DAY, Month
from denghuo.kernel.problem import text
from denghuo.kernel.values import Energy
from denghuo.service.reading.api.atom import METERS_MAX, cell_name
from denghuo.service.reading.api.month import WholeCompanyOnly
from denghuo.service.reading.api.vocabulary import EnergySeries

MONTH_SUMS = "reading.month_sums"
Starts = Annotated[list[Annotated[int, Field(ge=0, lt=SLOTS_A_DAY)]], Field(min_length=1, max_length=SLOTS_A_DAY)]
DayKind = Annotated[list[Day], Field(min_length=1, max_length=31)]
"""Days of one month that are of one kind."""


def month_sums(starts: Sequence[int]) -> DatasetSchema:
    """A month of meters by kind of day, each energy curve added up over the cells that begin at `starts` (slots of 15 minutes).

    Columns: subject (the meter); kind: the number of the kind of day (which days it has stands in the head of the file); e00, ...:
    energy of the cell that begins at that slot, as far as it was received; days: those that have a curve, or null where a slot of
    them was not received; received: in that case the slots that were, of each cell, divided by blanks; gap_days: days that lack
    some slot; highest: the highest slot of these, or null.
    """
    cells: dict[str, ColumnType] = {cell_name(start): "int64" for start in starts}
    columns: dict[str, ColumnType] = {
        "subject": "text",
        "kind": "int32",
        **cells,
        "days": "int32",
        "received": "text",
        "gap_days": "int32",
        "highest": "int64",
    }
    return DatasetSchema(MONTH_SUMS, 1, columns, text("月曲线汇总", "Sums of a month of curves"))


def _checked(starts: Sequence[int], kinds: Sequence[Sequence[date]]) -> None:
    if starts[0] != 0 or sorted(set(starts)) != list(starts):
        raise ValueError("starts begin with 0 and ascend")
    days = [day for kind in kinds for day in kind]
    if len(set(days)) != len(days) or any(len({(day.year, day.month) for day in kind}) > 1 for kind in kinds):
        raise ValueError("a day is of one kind, and the days of a kind are of one month")


class PublishSums(Message):
    """The sums of a month: where the cells begin (the first at 0), and which days are of one kind; every day is of one."""

    month: MonthText
    series: EnergySeries
    starts: Starts
    kinds: Annotated[list[DayKind], Field(min_length=1, max_length=31)]

    @model_validator(mode="after")
    def _whole(self) -> "PublishSums":
        _checked(self.starts, self.kinds)
        month = Month.of(self.month)
        days = {day for kind in self.kinds for day in kind}
        if len(days) != month.day_count or any((day.year, day.month) != (month.year, month.month) for day in days):
            raise ValueError("every day of the month is of one kind")
        return self


class SumsPublished(Message):
    """The sums of the month (`reading.month_sums`, its period is the month), and how many of them were not there yet."""

    rows: list[DatasetRef]
    made: Annotated[int, Label("新计算", "Made now")]


class MeterSums(Message):
    """A few meters, the cells of the day (the first at 0) and the kinds of days of up to twelve months."""

    series: EnergySeries
    starts: Starts
    kinds: Annotated[list[DayKind], Field(min_length=1, max_length=372)]
    meter_nos: Annotated[list[MeterNo], Field(min_length=1, max_length=METERS_MAX)]

    @model_validator(mode="after")
    def _apart(self) -> "MeterSums":
        _checked(self.starts, self.kinds)
        return self


class MeterSum(Message):
    """A meter's days of a kind (its place in what was asked): the energy of each cell and the slots of it that were received; how
    many days lack some slot, and the highest slot of these."""

    subject: MeterNo
    kind: int
    cells: list[Energy]
    received: list[int]
    gap_days: int
    highest: Energy | None


class SumsFound(Message):
    """Kinds of which a meter has no curve on any day have no row. added: the months of which no sums that fit are kept, so that
    their days were added up."""

    rows: list[MeterSum]
    added: list[MonthText]
    as_of: AsOf


class SumOperations(Api):
    """Curves added up by cells and kinds of days."""

    @query(permit="reading.read")
    def meter_sums(self, call: Call, request: MeterSums) -> SumsFound:
        """Months of a few meters, added up by cells of the day and kinds of days: from the sums that are kept of a month, or from
        its days where those do not fit or were corrected. The answer is the same."""

    @command(permit="reading.publish", problems=(WholeCompanyOnly,))
    def publish_sums(self, call: Call, request: PublishSums) -> SumsPublished:
        """Keeps the sums of a month's curves by kinds of days, for the whole company, made of the atoms by the same cells. What was
        made before of the same curves, cells and kinds is given again; a correction of a day makes them anew."""
