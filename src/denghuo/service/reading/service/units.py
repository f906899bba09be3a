"""A unit's month: which of its meters were read at the midnight that ends it, and its reads without those of other units."""

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call, DatasetRef
from denghuo.kernel.period import Month
from denghuo.service.host.binding import Ask
from denghuo.service.reading.api import (
    UNIT_ENERGY,
    AwaitedFound,
    AwaitedRead,
    UnitMonth,
    UnitMonthRead,
    UnitRead,
    UnitsTold,
    UnitsToTell,
)
from denghuo.service.reading.batch import ALWAYS, PlanPiece, ReadRow
from denghuo.service.reading.batch.intake import REGISTERS
from denghuo.service.reading.service.apart import Apart
from denghuo.service.reading.service.forms import energy_table
from denghuo.service.reading.service.making import Making
from denghuo.service.reading.service.taking import Taking
from denghuo.service.reading.store import ReadingStore, RouteStore

pc: Any = pyarrow.compute
_AT = pa.timestamp("us", "UTC")
_DUE: Any = pa.schema(
    {name: pa.string() for name in ("org", "account_no", "area_no", "feeder_no", "meter_no", "register")}
    | {"from_at": _AT, "to_at": _AT}
)
_TOTAL = pa.schema([("meter_no", pa.string()), ("quantity", pa.string())])
_FEW_UNITS = 20
_FEW_METERS = 50_000
"""Up to so many meters are looked up by their numbers; of more the whole midnight is read."""


class Units:
    def __init__(self, work: Work, ask: Ask, store: ReadingStore, taking: Taking, making: Making) -> None:
        self._work, self._ask, self._store, self._taking, self._making = work, ask, store, taking, making
        self._routes = RouteStore(work)

    def received(self, month: str, orgs: Sequence[str]) -> None:
        """Something was received at the end of a month for meters of these units: a job counts them."""
        if orgs:
            self._work.enqueue("reading.tell_units", {"month": month, "orgs": list(orgs)})

    def entered(self, call: Call, month: Month, org: str) -> None:
        """A clerk entered something at the end of a month: the unit is counted by its plan."""
        pieces = self._store.pieces_in(str(month), org)
        rows = [{name: getattr(piece, name) for name in _DUE.names} for piece in pieces]
        self._tell(call, month, pa.Table.from_pylist(rows, _DUE))

    def tell(self, call: Call, request: UnitsToTell) -> UnitsTold:
        """The meters of these units alone are read. The first time in a month all of them are, so that a unit without any read is
        seen."""
        if len(request.orgs) > _FEW_UNITS or not self._store.told_units(request.month):
            table = self._taking.installed(call, request.month)
        else:
            table = self._taking.installed_in(call, request.month, request.orgs)
        told = self._tell(call, Month.of(request.month), table)
        return UnitsTold(month=request.month, told=told)

    def _tell(self, call: Call, month: Month, table: pa.Table) -> int:
        """States how far the units of these meters are read at the end of a month, where that is other than what was told of them
        before; of how many it was.

        A meter counts that was read at the beginning too: of a month before the first registers nothing is to be billed. Meters
        whose route is not read at the end of the month are not due, but for those of accounts that are read apart from it.
        """
        ends = pc.equal(table["to_at"], pa.scalar(month.period.end, table["to_at"].type))
        due = table.filter(pc.and_(pc.is_valid(table["account_no"]), ends))
        cycles = self._routes.cycles()
        unread = pc.is_in(_routes(due), value_set=pa.array(sorted(cycles.unread(month)), pa.string()))
        waiting = {str(one) for one in due.filter(unread)["account_no"].unique().to_pylist()}
        apart = Apart(self._ask, self._routes, call, month)(month, waiting) if waiting else ()
        of_apart = pc.is_in(due["account_no"], value_set=pa.array(sorted(apart), pa.string()))
        due = due.filter(pc.or_(pc.invert(unread), of_apart))
        start = pa.scalar(month.period.start, due["from_at"].type)
        began = pc.or_(pc.greater(due["from_at"], start), self._flags(due, month.previous))
        if cycles.unread(month.previous):
            # What was not read a month ago began before.
            waited = pa.array(sorted(cycles.unread(month.previous)), pa.string())
            began = pc.or_(began, pc.is_in(_routes(due), value_set=waited))
        read = pc.and_(began, self._flags(due, month)).cast(pa.int64())
        counted = (
            pa.table({"org": due["org"], "read": read}).group_by("org").aggregate([("read", "count"), ("read", "sum")])
        )
        figures = {row["org"]: (row["read_count"], row["read_sum"]) for row in counted.to_pylist()}
        told = self._store.note_units(str(month), figures, call.now)
        for org in told:
            self._work.emit(UnitRead(month=str(month), org=org, due=figures[org][0], read=figures[org][1]))
        return len(told)

    def _flags(self, due: pa.Table, month: Month) -> Any:
        """Of each meter whether all its totals are known at the midnight that ends a month."""
        some = len(due) <= _FEW_METERS
        shown = self._totals(month, due["meter_no"].to_pylist() if some else None)
        found: Any = pa.repeat(False, len(due))
        for register, quantities in ALWAYS.items():
            flags: Any = pc.equal(due["register"], register)
            for quantity in quantities:
                meters = shown.filter(pc.equal(shown["quantity"], quantity))["meter_no"]
                flags = pc.and_(flags, pc.is_in(due["meter_no"], value_set=meters.combine_chunks()))
            found = pc.or_(found, flags)
        return found

    def awaited(self, call: Call, request: UnitMonth) -> AwaitedFound:
        month = Month.of(request.month)
        pieces = self._store.pieces_in(request.month, request.org)
        due, rows = self._awaited(pieces, month)
        return AwaitedFound(
            month=request.month, org=request.org, due=due, read=due - len(rows), rows=rows, as_of=call.now
        )

    def read(self, call: Call, request: UnitMonth) -> UnitMonthRead:
        """Plans and reads the month of one unit; the other units' plans and reads stay as they are."""
        month = Month.of(request.month)
        whole = self._taking.due(call, month, self._routes.cycles(), org=request.org)
        pieces = whole.pieces
        points = sorted({piece.point_no for piece in pieces})
        self._store.lock_month(request.month)
        self._store.save_plan(request.month, pieces, call.now, points)
        self._store.save_subjects((one.meter_no, "meter", one.org, one.account_no) for one in pieces)
        rows = self._making.made(month, pieces, points)
        self._store.save_reads(request.month, rows, call.now, points)
        self._making.follow(request.month)
        due, awaited = self._awaited(pieces, month)
        energy = self._energy(call, request, rows)
        return UnitMonthRead(
            month=request.month,
            org=request.org,
            due=due,
            read=due - len(awaited),
            energy=energy,
            waiting=self._making.waiting(call, request.month, request.org, whole.waiting),
            awaited=awaited,
            as_of=call.now,
        )

    def publish(self, call: Call, month: str, org: str) -> DatasetRef:
        """The energies of a unit as its reads stand."""
        rows = [row for row in self._store.reads(month) if row.org == org]
        return self._energy(call, UnitMonth(month=month, org=org), rows)

    def _energy(self, call: Call, unit: UnitMonth, rows: Sequence[ReadRow]) -> DatasetRef:
        return self._work.datasets.publish(UNIT_ENERGY, unit.month, unit.org, energy_table(rows), call.now)

    def _awaited(self, pieces: Iterable[PlanPiece], month: Month) -> tuple[int, list[AwaitedRead]]:
        """How many meters of accounts are due at the end of a month, and those that are not read."""
        due = [(one, one.account_no) for one in pieces if one.to_at == month.period.end]
        shown = self._shown(month, sorted({piece.meter_no for piece, _ in due}))
        awaited = [
            AwaitedRead(account_no=account_no, point_no=piece.point_no, meter_no=piece.meter_no)
            for piece, account_no in due
            if account_no is not None and not _is_read(piece.meter_no, piece.register, shown)
        ]
        return sum(account_no is not None for _, account_no in due), awaited

    def _shown(self, month: Month, meters: Sequence[str] | None = None) -> set[tuple[str, str]]:
        """(meter, quantity) of the totals that were received or entered for the midnight that ends a month."""
        return {(row["meter_no"], row["quantity"]) for row in self._totals(month, meters).to_pylist()}

    def _totals(self, month: Month, meters: Sequence[Any] | None) -> pa.Table:
        ends, day = month.period.end, month.next.first_day
        only = None if meters is None else ("meter_no", meters)
        rows = self._work.lake.scan(REGISTERS, day, day, [*_TOTAL.names, "band", "read_at"], only)
        at = pc.equal(rows["read_at"], pa.scalar(ends, rows["read_at"].type))
        received = rows.filter(pc.and_(pc.equal(rows["band"], "total"), at)).select(_TOTAL.names).cast(_TOTAL)
        entered = [one for one in self._store.entered(ends, ends, meters) if one.band == "total"]
        more = [{"meter_no": one.meter_no, "quantity": one.quantity} for one in entered]
        return pa.concat_tables([received, pa.Table.from_pylist(more, _TOTAL)])


def _routes(table: pa.Table) -> Any:
    """The route of each meter, as `route_of` has it."""
    return pc.coalesce(table["area_no"], table["feeder_no"], table["org"])


def _is_read(meter_no: str, register: str, shown: set[tuple[str, str]]) -> bool:
    return all((meter_no, quantity) in shown for quantity in ALWAYS[register])
