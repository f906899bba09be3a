"""The curves of one account in its running month (单户曲线): the same bands as the month's bill will have, of the days so far."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, timedelta

import pyarrow as pa

from denghuo.data.processing.dataset import arrow_schema
from denghuo.kernel.contract import Call
from denghuo.kernel.period import SLOTS_A_DAY, Month
from denghuo.service.billing.batch import Piece, Terms
from denghuo.service.billing.calendar import Calendars
from denghuo.service.billing.curves import split_rows
from denghuo.service.billing.rules import Tariffs
from denghuo.service.host.binding import Ask
from denghuo.service.reading.api import METERS_MAX, MONTH_ENERGY, EnergySeries, MeterAtoms, ReadingApi
from denghuo.service.tariff.api import TariffDocument

WHOLE_DAY = [0]
_ONE_DAY = timedelta(days=1)
_ALL = arrow_schema(MONTH_ENERGY)
_COLUMNS = pa.schema([_ALL.field(name) for name in Piece.__slots__])


class OwnCurves:
    """What the curves of an account's meters tell in a month. call: the platform's own."""

    def __init__(self, ask: Ask, call: Call, month: Month, tariffs: Tariffs, terms: Sequence[Terms]) -> None:
        self._ask, self._call, self._month, self._tariffs = ask, call, month, tariffs
        self._terms = pa.Table.from_pylist([asdict(one) for one in terms])
        self._series: EnergySeries = "active_fwd_wh" if terms[0].kind == "supply" else "active_rev_wh"

    def until(self, pieces: Sequence[Piece], tariffs: Sequence[TariffDocument]) -> date | None:
        """The midnight until which the curves of all meters without bands are there; None where no band hangs on a curve.

        tariffs: those of the stages of the month.
        """
        known = Calendars(self._ask, self._call, self._month, until=self._call.today)
        by_time = [one for one in tariffs if one.time_of_use and known.asked(one) is not None]
        active = [one for one in pieces if f"{one.quantity}_wh" == self._series]
        banded = {one.meter_no for one in active if one.band != "total"}
        meters = sorted({one.meter_no for one in active} - banded)[:METERS_MAX]
        if not by_time or not meters:
            return None
        asked = MeterAtoms(month=str(self._month), series=self._series, starts=WHOLE_DAY, meter_nos=meters)
        newest: dict[str, date] = {}
        for day in self._ask(ReadingApi).meter_atoms(self._call, asked).rows:
            if day.missing < SLOTS_A_DAY:
                newest[day.subject] = max(day.day, newest.get(day.subject, day.day))
        return min(newest.values()) + _ONE_DAY if newest else None

    def divided(self, pieces: Sequence[Piece], until: date) -> list[Piece]:
        """The pieces of the days before a midnight, with the bands and the demands that curves give."""
        table = pa.Table.from_pylist([asdict(one) for one in pieces], _COLUMNS)
        found = split_rows(self._ask, self._call, self._month, self._tariffs, self._terms, table, until=until)
        return list(pieces) if found is table else [Piece(**row) for row in found.to_pylist()]
