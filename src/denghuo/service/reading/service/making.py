"""Making reads: of a whole month, of a few accounts in it, and of these as they were known at an instant."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call, DatasetRef
from denghuo.kernel.period import Month
from denghuo.service.host.binding import Ask
from denghuo.service.point.api import MetersIn, PointApi, PublishInstallations
from denghuo.service.reading.api import MONTH_ENERGY, MONTH_FLOW, MONTH_WAITING, EnergyCorrected
from denghuo.service.reading.batch import (
    Due,
    Evaluated,
    Manual,
    PlanPiece,
    ReadRow,
    by_length,
    cut,
    due_in,
    evaluate,
    first_month,
    in_order,
    margin_days,
    reads_of,
)
from denghuo.service.reading.batch.intake import REGISTERS, SENT
from denghuo.service.reading.rules import in_force
from denghuo.service.reading.service.apart import Apart
from denghuo.service.reading.service.forms import energy_table, installed_piece, plan_piece
from denghuo.service.reading.store import ReadingStore, RouteStore

pc: Any = pyarrow.compute


class Making:
    def __init__(self, work: Work, ask: Ask, store: ReadingStore) -> None:
        self._work, self._ask, self._store = work, ask, store
        self._routes = RouteStore(work)

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
        accepted = self._store.accepted(str(month), point_nos, known_at)
        rows: list[ReadRow] = []
        for first, own in by_length(pieces, month):
            meters = None if point_nos is None and first == month else sorted({piece.meter_no for piece in own})
            registers, manuals = self.registers(month, meters, known_at, first)
            found = evaluate(own, registers, manuals, month, in_force(month.first_day))
            rows += reads_of(found, accepted)
        return sorted(rows, key=in_order)

    def registers(
        self,
        month: Month,
        meters: Sequence[str] | None,
        known_at: datetime | None = None,
        first: Month | None = None,
    ) -> tuple[pa.Table, list[Manual]]:
        """Registers around a month, or around several from the first on, as received and as entered, of these meters or of all;
        with what was entered what senders estimated for the midnights between the months."""
        margin = timedelta(days=margin_days(in_force(month.first_day)))
        first = first or month
        only = ("meter_no", meters) if meters is not None else None
        registers = self._work.lake.scan(
            REGISTERS, first.first_day - margin, month.next.first_day + margin, only=only, as_of=known_at
        )
        begin, end = first.period.start - margin, month.period.end + margin
        sent: list[Manual] = []
        border = first
        while border <= month.next:
            rows = self.sent(border.first_day, border.first_day, meters, known_at)
            sent += [one for one in rows if one.read_at == border.period.start]
            border = border.next
        return registers, [*self._store.entered(begin, end, meters, known_at), *sent]

    def sent(
        self, first: date, last: date, meters: Sequence[str] | None, known_at: datetime | None = None
    ) -> list[Manual]:
        """What senders estimated in the days `first` to `last`, both included, of these meters or of all."""
        only = ("meter_no", meters) if meters is not None else None
        rows = self._work.lake.scan(SENT, first, last, only=only, as_of=known_at)
        return [Manual(**row, source="sender") for row in rows.drop_columns(["day"]).to_pylist()]

    def made_until(self, month: Month, pieces: Sequence[PlanPiece], until: date) -> list[ReadRow]:
        """The reads of the pieces of a running month as far as a midnight."""
        rows: list[ReadRow] = []
        for first, own in by_length(pieces, month):
            meters = None if first == month else sorted({piece.meter_no for piece in own})
            registers, manuals = self.registers(month, meters, first=first)
            found = evaluate(cut(own, until), registers, manuals, month, in_force(month.first_day))
            rows += reads_of(found, {})
        return sorted(rows, key=in_order)

    def evaluated(
        self,
        month: Month,
        pieces: Sequence[PlanPiece],
        known_at: datetime | None = None,
        entered: Sequence[Manual] = (),
    ) -> Evaluated:
        """How the registers of a few pieces run over all months of their reading. entered: beside what is known."""
        meters = sorted({piece.meter_no for piece in pieces})
        registers, manuals = self.registers(month, meters, known_at, first_month(pieces, month))
        return evaluate(pieces, registers, [*manuals, *entered], month, in_force(month.first_day))

    # -- a few accounts --------------------------------------------------------------------------------------------------

    def settled(self, call: Call, month: Month, account_nos: Sequence[str]) -> tuple[list[ReadRow], frozenset[str]]:
        """Brings plan and reads of some accounts to what their meters and registers say now; gives the reads, and who is read in a
        later month."""
        due = self.due(call, MetersIn(month=str(month), account_nos=list(account_nos)))
        around = due.pieces
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
        return [row for row in rows if row.account_no in account_nos], due.waiting & set(account_nos)

    def follow(self, month: str) -> None:
        """Reads have changed: where the month's dataset was published, it follows by a job."""
        if self._store.mark_due(month):
            self._work.enqueue("reading.publish_energy", {"month": month})

    def known(
        self, call: Call, month: Month, account_nos: Sequence[str], known_at: datetime
    ) -> tuple[list[ReadRow], frozenset[str]]:
        """The same of some accounts, as far as the caller may see them, as it was known at an instant; nothing is changed."""
        due = self.due(call, MetersIn(month=str(month), account_nos=list(account_nos), known_at=known_at))
        own = set(account_nos).intersection(call.accounts) if call.accounts else set(account_nos)
        points = sorted({piece.point_no for piece in due.pieces if piece.account_no in own})
        rows = self.made(month, due.pieces, points, known_at)
        return [row for row in rows if row.account_no in own], due.waiting & own

    def due(self, call: Call, asked: MetersIn, *, running: bool = False) -> Due:
        """What the plan has of some accounts or points, with the points that share a meter with them: those tell whether a register
        that runs backwards may do so. running: as far as the month goes, whatever the cycle."""

        def pieces_of(month: Month) -> list[PlanPiece]:
            of_month = asked.model_copy(update={"month": str(month)})
            rows = self._ask(PointApi).meters_in(Call.system(call.now, actor=call.actor), of_month).rows
            return [installed_piece(row, month) for row in rows if call.covers(row.org)]

        month, cycles = Month.of(asked.month), self._routes.cycles(asked.known_at)
        apart = Apart(self._ask, self._routes, call, month, asked.known_at)
        return due_in(month, pieces_of, cycles, apart, running=running)

    def planned(self, call: Call, month: str, point_nos: Sequence[str]) -> list[PlanPiece]:
        """The plan of points as far as the caller may see them; of those read in a later month, as far as this one goes."""
        found = self._store.pieces_of(month, point_nos)
        rest = sorted(set(point_nos) - {piece.point_no for piece in found})
        unread = self._routes.cycles().unread(Month.of(month)) if rest else set()
        if unread:
            due = self.due(call, MetersIn(month=month, point_nos=rest), running=True)
            found += [
                piece
                for piece in due.pieces
                if piece.point_no in rest and piece.route in unread and call.sees(piece.org, piece.account_no)
            ]
        return found

    def waiting(self, call: Call, month: str, shard: str, accounts: Collection[str]) -> DatasetRef | None:
        """Publishes which accounts wait for the reading of a later month; nothing where none does."""
        if not accounts:
            return None
        table = pa.table({"account_no": pa.array(sorted(accounts), pa.string())})
        return self._work.datasets.publish(MONTH_WAITING, month, shard, table, call.now)

    # -- the dataset -----------------------------------------------------------------------------------------------------

    def publish(self, call: Call, month: str, table: pa.Table) -> DatasetRef:
        at = self._store.publication(month, call.now)
        self._publish_flow(call, Month.of(month), table, at)
        return self._work.datasets.publish(MONTH_ENERGY, month, "all", table, at)

    def publish_corrected(self, call: Call, month: str, table: pa.Table) -> DatasetRef:
        """Publishes a month of which reads have changed since its run, and tells it to who made something of the month."""
        energy = self.publish(call, month, table)
        self._work.emit(EnergyCorrected(month=month))
        return energy

    def _publish_flow(self, call: Call, month: Month, table: pa.Table, at: datetime) -> None:
        """Publishes the month with the own energy of points that wait for another, or that were read for earlier ones too."""
        cycles = self._routes.cycles()
        routes = cycles.unread(month) | cycles.unread(month.previous)
        if not routes:
            return
        asked = PublishInstallations(month=str(month))
        installed = self._work.datasets.scan(
            self._ask(PointApi).publish_installations(Call.system(call.now, actor=call.actor), asked)
        )
        every = (plan_piece(row, month) for row in installed.to_pylist())
        pieces = [piece for piece in every if piece.account_no is not None and piece.route in routes]
        points = sorted({piece.point_no for piece in pieces})
        others = table.filter(pc.invert(pc.is_in(table["point_no"], value_set=pa.array(points, pa.string()))))
        flow = pa.concat_tables([others, energy_table(self.made(month, pieces, points))])
        self._work.datasets.publish(MONTH_FLOW, str(month), "all", flow, at)

    def publish_due(self, call: Call, month: str) -> bool:
        """Publishes the reads as they stand, where they changed since; whether they had."""
        self._store.lock_month(month)
        due = self._store.due(month)
        if due:
            self.publish_corrected(call, month, energy_table(self._store.reads(month)))
        return due
