"""A unit's month: which of its meters were read at the midnight that ends it, and its reads without those of other units."""

from collections.abc import Iterable, Sequence

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call, DatasetRef
from denghuo.kernel.period import Month
from denghuo.service.reading.api import UNIT_ENERGY, AwaitedFound, AwaitedRead, UnitMonth, UnitMonthRead, UnitRead
from denghuo.service.reading.batch import ALWAYS, PlanPiece, ReadRow
from denghuo.service.reading.batch.intake import REGISTERS
from denghuo.service.reading.service.forms import energy_table, plan_piece
from denghuo.service.reading.service.making import Making
from denghuo.service.reading.service.taking import Taking
from denghuo.service.reading.store import ReadingStore


class Units:
    def __init__(self, work: Work, store: ReadingStore, taking: Taking, making: Making) -> None:
        self._work, self._store, self._taking, self._making = work, store, taking, making

    def tell(self, call: Call, month: Month) -> None:
        """States how far each unit is read at the end of a month, where that is other than what was told of it before.

        A meter counts that was read at the beginning too: of a month before the first registers nothing is to be billed.
        """
        begun, ended = self._shown(month.previous), self._shown(month)
        figures: dict[str, list[int]] = {}
        for piece in self._taking.installations(call, str(month)):
            if piece["account_no"] is not None and piece["to_at"] == month.period.end:
                figure = figures.setdefault(piece["org"], [0, 0])
                figure[0] += 1
                meter_no, register = piece["meter_no"], piece["register"]
                began = piece["from_at"] > month.period.start or _is_read(meter_no, register, begun)
                figure[1] += began and _is_read(meter_no, register, ended)
        for org in self._store.note_units(str(month), figures, call.now):
            due, read = figures[org]
            self._work.emit(UnitRead(month=str(month), org=org, due=due, read=read))

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
        found = (row for row in self._taking.installations(call, request.month) if row["org"] == request.org)
        pieces = sorted((plan_piece(row, month) for row in found), key=lambda piece: (piece.point_no, piece.piece))
        points = sorted({piece.point_no for piece in pieces})
        self._store.lock_month(request.month)
        self._store.save_plan(request.month, pieces, call.now, points)
        self._store.save_subjects({(one.meter_no, "meter", one.org, one.account_no) for one in pieces})
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
        ends, day = month.period.end, month.next.first_day
        only = None if meters is None else ("meter_no", meters)
        columns = ["meter_no", "quantity", "band", "read_at"]
        rows = self._work.lake.scan(REGISTERS, day, day, columns, only)
        found = {
            (meter, quantity)
            for meter, quantity, band, at in zip(*(rows[name].to_pylist() for name in columns), strict=True)
            if band == "total" and at == ends
        }
        entered = self._store.manuals(ends, ends, meters)
        return found | {(one.meter_no, one.quantity) for one in entered if one.band == "total"}


def _is_read(meter_no: str, register: str, shown: set[tuple[str, str]]) -> bool:
    return all((meter_no, quantity) in shown for quantity in ALWAYS[register])
