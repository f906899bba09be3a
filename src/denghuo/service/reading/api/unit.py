"""A unit's month (供电单位月度抄表): how far its meters are read at the midnight that ends it, and its reads alone."""

from typing import Annotated

from pydantic import Field

from denghuo.kernel.contract import Api, Call, DatasetRef, DatasetSchema, Event, Label, Message, command, query
from denghuo.kernel.fields import AccountNo, AsOf, MeterNo, MonthText, OrganisationCode, PointNo
from denghuo.kernel.problem import text
from denghuo.service.reading.api.vocabulary import MONTH_ENERGY

UNIT_ENERGY = DatasetSchema(
    "reading.unit_energy", 1, MONTH_ENERGY.columns, text("供电单位月度电量", "Energy of a unit's month")
)
Due = Annotated[int, Label("应抄", "To be read")]
Read = Annotated[int, Label("已抄", "Read")]


class UnitMonth(Message):
    month: MonthText
    org: OrganisationCode


class UnitsToTell(Message):
    """Units of which something was received or entered for the midnight that ends the month."""

    month: MonthText
    orgs: Annotated[list[OrganisationCode], Field(max_length=100_000)]


class UnitsTold(Message):
    """told: units of which something else was known before, or nothing."""

    month: MonthText
    told: int


class AwaitedRead(Message):
    """A meter that shows nothing yet at the midnight that ends the month."""

    account_no: AccountNo
    point_no: PointNo
    meter_no: MeterNo


class AwaitedFound(Message):
    """due, read: meters of accounts to be read at the end of the month, and how many were."""

    month: MonthText
    org: OrganisationCode
    due: Due
    read: Read
    rows: list[AwaitedRead]
    as_of: AsOf


class UnitMonthRead(Message):
    """A unit's reads. `energy` refers to rows with the columns of `reading.month_energy`; `awaited`: meters not read at the end.
    `waiting`: the accounts (`reading.month_waiting`) that are read in a later month; None where all are read in this one."""

    month: MonthText
    org: OrganisationCode
    due: Due
    read: Read
    energy: DatasetRef
    waiting: DatasetRef | None = None
    awaited: list[AwaitedRead]
    as_of: AsOf


class UnitRead(Event, name="reading.unit.read", version=1):
    """How many meters of a unit's accounts were read at the midnight that ends a month has changed. With `read` the same as `due`
    the unit's reads are complete."""

    month: str
    org: str
    due: int
    read: int


class UnitOperations(Api):
    """The month of one unit."""

    @command(permit="reading.run")
    def read_unit(self, call: Call, request: UnitMonth) -> UnitMonthRead:
        """Plans and reads the month of one unit within the caller's scope as `read_month` does that of all. A second run changes
        only what its input did."""

    @query(permit="reading.read")
    def awaited(self, call: Call, request: UnitMonth) -> AwaitedFound:
        """The meters of a unit's accounts that show nothing yet at the midnight that ends the month."""

    @command(permit="reading.publish", emits=(UnitRead,))
    def tell_units(self, call: Call, request: UnitsToTell) -> UnitsTold:
        """Counts how far units are read at the end of a month, these and any of which nothing was told yet; states it where it has
        changed."""
