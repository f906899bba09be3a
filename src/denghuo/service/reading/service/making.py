"""Making reads: of a whole month, of a few accounts in it, and of these as they were known at an instant."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pyarrow as pa

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call, DatasetRef
from denghuo.kernel.period import Month
from denghuo.service.host.binding import Ask
from denghuo.service.point.api import MetersIn, PointApi
from denghuo.service.reading.api import MONTH_ENERGY
from denghuo.service.reading.batch import Manual, PlanPiece, ReadRow, evaluate, in_order, margin_days, reads_of
from denghuo.service.reading.batch.intake import REGISTERS
from denghuo.service.reading.rules import in_force
from denghuo.service.reading.service.forms import energy_table, installed_piece
from denghuo.service.reading.store import ReadingStore


class Making:
    def __init__(self, work: Work, ask: Ask, store: ReadingStore) -> None:
        self._work, self._ask, self._store = work, ask, store

    def made(
        self,
        month: Month,
        pieces: Sequence[PlanPiece],
        point_nos: Sequence[str] | None = None,
        known_at: datetime | None = None,
    ) -> list[ReadRow]:
        """The reads of the pieces, from the registers in the lake and what clerks entered, in the order of the dataset.

        point_nos: where not all of the month is asked for. known_at: from what was recorded until then.
        """
        meters = None if point_nos is None else sorted({piece.meter_no for piece in pieces})
        registers, manuals = self.registers(month, meters, known_at)
        found = evaluate(pieces, registers, manuals, month, in_force(month.first_day))
        return sorted(reads_of(found, self._store.accepted(str(month), point_nos, known_at)), key=in_order)

    def registers(
        self, month: Month, meters: Sequence[str] | None, known_at: datetime | None = None
    ) -> tuple[pa.Table, list[Manual]]:
        """Registers around a month, as received and as entered, of these meters or of all."""
        margin = timedelta(days=margin_days(in_force(month.first_day)))
        registers = self._work.lake.scan(
            REGISTERS,
            month.first_day - margin,
            month.next.first_day + margin,
            only=("meter_no", meters) if meters is not None else None,
            as_of=known_at,
        )
        begin, end = month.period.start - margin, month.period.end + margin
        return registers, self._store.manuals(begin, end, meters, known_at)

    # -- a few accounts --------------------------------------------------------------------------------------------------

    def settled(self, call: Call, month: Month, account_nos: Sequence[str]) -> list[ReadRow]:
        """Brings plan and reads of some accounts to what their meters and registers say now; gives the reads."""
        around = self.pieces(call, MetersIn(month=str(month), account_nos=list(account_nos)))
        self._store.lock_month(str(month))
        points = sorted({piece.point_no for piece in around if piece.account_no in account_nos})
        # A point that went over to another customer within the month has pieces of both.
        own = [piece for piece in around if piece.point_no in points]
        # Nearly always nothing has changed; to compare is far cheaper than to stage rows.
        if self._store.pieces_of(str(month), points) != own:
            self._store.save_plan(str(month), own, call.now, points)
            self._store.save_subjects((one.meter_no, "meter", one.org, one.account_no) for one in own)
        rows = [row for row in self.made(month, around, points) if row.point_no in points]
        if self._store.reads(str(month), points) != rows:
            self._store.save_reads(str(month), rows, call.now, points)
            self.follow(str(month))
        return [row for row in rows if row.account_no in account_nos]

    def follow(self, month: str) -> None:
        """Reads have changed: where the month's dataset was published, it follows by a job."""
        if self._store.mark_due(month):
            self._work.enqueue("reading.publish_energy", {"month": month})

    def known(self, call: Call, month: Month, account_nos: Sequence[str], known_at: datetime) -> list[ReadRow]:
        """The reads of some accounts as they were known at an instant."""
        around = self.pieces(call, MetersIn(month=str(month), account_nos=list(account_nos), known_at=known_at))
        points = sorted({piece.point_no for piece in around if piece.account_no in account_nos})
        return [row for row in self.made(month, around, points, known_at) if row.account_no in account_nos]

    def pieces(self, call: Call, asked: MetersIn) -> list[PlanPiece]:
        """What the plan has of some accounts or points, with the points that share a meter with them: those tell whether a register
        that runs backwards may do so."""
        month = Month.of(asked.month)
        rows = self._ask(PointApi).meters_in(Call.system(call.now, actor=call.actor), asked).rows
        return [installed_piece(row, month) for row in rows if call.covers(row.org)]

    # -- the dataset -----------------------------------------------------------------------------------------------------

    def publish(self, call: Call, month: str, table: pa.Table) -> DatasetRef:
        at = self._store.publication(month, call.now)
        return self._work.datasets.publish(MONTH_ENERGY, month, "all", table, at)

    def publish_due(self, call: Call, month: str) -> bool:
        """Publishes the reads as they stand, where they changed since; whether they had."""
        self._store.lock_month(month)
        due = self._store.due(month)
        if due:
            self.publish(call, month, energy_table(self._store.reads(month)))
        return due
