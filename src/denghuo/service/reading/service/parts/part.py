"""What every part of the service stands on: its stores, and what takes in, makes, checks and counts."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month
from denghuo.service.host.binding import Ask
from denghuo.service.reading.api import MONTH_ENERGY, ReadCorrected, Reviewed
from denghuo.service.reading.batch import PlanPiece
from denghuo.service.reading.service.books import Books
from denghuo.service.reading.service.checks import not_planned
from denghuo.service.reading.service.curve_edits import CurveEdits
from denghuo.service.reading.service.curve_rules import CurveRuleDesk
from denghuo.service.reading.service.curves import Curves
from denghuo.service.reading.service.estimates import Estimates
from denghuo.service.reading.service.field import FieldReading
from denghuo.service.reading.service.forms import energy_table
from denghuo.service.reading.service.judging import Judging
from denghuo.service.reading.service.making import Making
from denghuo.service.reading.service.routes import Routes
from denghuo.service.reading.service.self_read import SelfReading
from denghuo.service.reading.service.self_read_days import SelfReadDays
from denghuo.service.reading.service.special_plan import SpecialPlans
from denghuo.service.reading.service.taking import Taking
from denghuo.service.reading.service.units import Units
from denghuo.service.reading.store import ReadingPages, ReadingStore, RouteStore
from denghuo.service.reading.store.books import BookStore

pc: Any = pyarrow.compute
_ORDER: Any = [(name, "ascending") for name in ("point_no", "piece", "quantity", "band")]


class ReadingPart:
    """A part of the service: it answers operations of some subjects."""

    def __init__(self, work: Work, ask: Ask) -> None:
        self._work, self._ask = work, ask
        self._store, self._pages = ReadingStore(work), ReadingPages(work)
        self._lake = work.lake
        self._taking = Taking(work, ask, self._store)
        self._making = Making(work, ask, self._store)
        judging = Judging(work, self._taking)
        self._checked = Curves(work, judging)
        self._estimates = Estimates(work)
        self._edits = CurveEdits(work, self._checked, judging)
        self._curve_rules = CurveRuleDesk(work, self._checked)
        self._cycles = RouteStore(work)
        self._routes = Routes(ask, self._cycles)
        self._books = Books(ask, BookStore(work))
        self._units = Units(work, ask, self._store, self._taking, self._making)
        self._special_plans = SpecialPlans(work, ask, self._store, self._taking, self._making)
        self._field = FieldReading(
            work, ask, self._store, self._taking, self._making, self._units, self._special_plans, self._remade
        )
        self._self_read_days = SelfReadDays(work, ask)
        self._self_reading = SelfReading(work, ask, self._store, self._making, self._self_read_days)

    def _remade(self, call: Call, pieces: Sequence[PlanPiece], piece: PlanPiece, quantity: str, band: str) -> Reviewed:
        """Makes the reads of one point anew and puts them into the month's dataset in place of the old ones."""
        month, point_no = piece.month, piece.point_no
        if not self._pages.reads_of_point(month, point_no):
            raise not_planned(month, point_no)
        rows = self._making.made(Month.of(month), pieces, [point_no])
        self._store.save_reads(month, rows, call.now, [point_no])
        newest = self._work.datasets.newest(MONTH_ENERGY.name, month)
        if newest:
            before = self._work.datasets.scan(newest)
            others = before.filter(pc.not_equal(before["point_no"], point_no))
            table = pa.concat_tables([others, energy_table(rows)]).sort_by(_ORDER)
            energy = self._making.publish_corrected(call, month, table)
        else:
            # Its unit was read and the whole month was not: nobody may take a part for the month.
            energy = self._units.publish(call, month, piece.org)
        self._work.emit(ReadCorrected(point_no=point_no, account_no=piece.account_no, month=month))
        read = next(
            one
            for one in self._pages.reads_of_point(month, point_no)
            if (one.piece, one.quantity, one.band) == (piece.piece, quantity, band)
        )
        return Reviewed(read=read, energy=energy)
