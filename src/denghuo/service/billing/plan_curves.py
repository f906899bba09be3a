"""Bands that a bill does not have, from the 15-minute curves of its meters (套餐比较的曲线分时): so that a tariff by time of use is
compared on the bills of a customer who was never billed by one.

The bands of a candidate are those of its own hours: what another tariff's hours gave of a curve is of no use to it. The rule is
that of the month's bills: the register says how much, the curve says when, and where both do not agree nothing is made of them.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import groupby
from typing import Any, Self

import numpy as np

from denghuo.kernel.contract import Call
from denghuo.kernel.period import SLOTS_A_DAY, Month, midnight
from denghuo.service.billing.api.plan import BASES, Basis
from denghuo.service.billing.banding import TOLERANCE
from denghuo.service.billing.batch import Piece
from denghuo.service.billing.engine.atoms import Calendar, calendars_of, slots_in
from denghuo.service.billing.engine.split import split
from denghuo.service.billing.pieces import piece_of
from denghuo.service.billing.rules.quantities import settled
from denghuo.service.billing.whole_months import key
from denghuo.service.host.binding import Ask
from denghuo.service.reading.api import METERS_MAX, AtomDay, EnergySeries, MeterAtoms, MeterSum, MeterSums, ReadingApi
from denghuo.service.tariff.api import AskBands, AskCalendar, AskedDay, Band, TariffApi, TariffDocument, seasons_on

_QUANTITIES: Mapping[str, tuple[str, EnergySeries]] = {
    "supply": ("active_fwd", "active_fwd_wh"),
    "purchase": ("active_rev", "active_rev_wh"),
}
_ONE_DAY = timedelta(days=1)
Row = Mapping[str, Any]
Days = Mapping[date, Calendar]


@dataclass(frozen=True)
class Sum:
    """Days of a meter on which every tariff has the same bands, added up; day: one of them."""

    day: date
    found: MeterSum


class PlanCurves:
    """The registers of issued bills as tariffs by time of use would have them. Curves are asked for once.

    call: the platform's own; the caller has the bills. tariffs: all that are compared, and those that the bills were issued by.
    """

    def __init__(self, ask: Ask, call: Call, rows: Sequence[Row], tariffs: Iterable[TariffDocument]) -> None:
        self._ask, self._call = ask, call
        self._quantity, self._series = _QUANTITIES[rows[0]["kind"]]
        self._months = sorted({Month.of(row["month"]) for row in rows})
        by_time = {key(one): one for one in tariffs if one.time_of_use}
        self._known: list[tuple[TariffDocument, Days]] = []
        self._calendars = {name: self._asked(one) for name, one in by_time.items()}
        self._cut = _cut_of(self._calendars.values())
        registers = (piece for row in rows for piece in row["registers"] if piece["quantity"] == self._quantity)
        self._meters = sorted({piece["meter_no"] for piece in registers})
        self._sums: Mapping[tuple[str, Month], Sequence[Sum]] | None = None

    def _asked(self, tariff: TariffDocument) -> Days:
        """The calendars of the months of which it is published what the bands of a tariff hang on."""
        for one, days in self._known:
            if (one.area, one.seasons) == (tariff.area, tariff.seasons):
                return days
        days = self._asked_anew(tariff)
        self._known.append((tariff, days))
        return days

    def _asked_anew(self, tariff: TariffDocument) -> Days:
        days = [AskedDay(day=day) for month in self._months if settled(tariff, month) for day in month.period.days()]
        days += self._special(tariff)
        if not days:
            return {}
        # Days on which the same seasons hold have the same bands, and they are many.
        alike = {day.day: _alike(tariff, day) for day in days}
        wanted = {alike[day.day]: day for day in days}
        asked = AskBands(code=tariff.code, version=tariff.version, days=list(wanted.values()))
        told = calendars_of(self._ask(TariffApi).bands(self._call, asked).spans)
        return {day: told[wanted[like].day] for day, like in alike.items()} if told else {}

    def _special(self, tariff: TariffDocument) -> list[AskedDay]:
        """The days of months in which bands hang on holidays or heat, as far as all of a month is published."""
        hanging = {month for month in self._months if not settled(tariff, month)}
        found: list[AskedDay] = []
        for _, of_year in groupby(sorted(hanging), key=lambda month: month.year):
            months = list(of_year)
            asked = AskCalendar(code=tariff.code, version=tariff.version, month=str(months[0]), through=str(months[-1]))
            shown = self._ask(TariffApi).calendar(self._call, asked)
            unknown = {Month.holding(day) for day in shown.missing}
            found += [one for one in shown.days if Month.holding(one.day) in hanging - unknown]
        return found

    def of(self, row: Row, tariff: TariffDocument) -> tuple[Sequence[Piece], Basis]:
        """The registers of a bill for a tariff, and what its bands rest on."""
        pieces = [piece_of(row, piece) for piece in row["registers"]]
        month = Month.of(row["month"])
        mine = self._of_month(key(tariff), month)
        if not tariff.time_of_use:
            return pieces, "registers"
        by_curve = any(piece.method == "curve" and piece.band != "total" for piece in pieces)
        # The stages of a month may have had other hours than its last one.
        staged = "stages" in (row["rating"] or {})
        if mine and mine == self._of_month(f"{row['tariff_code']}/{row['tariff_version']}", month) and not staged:
            return pieces, "curve" if by_curve else "registers"
        if not mine:
            own = [piece for piece in pieces if piece.band == "total" or piece.method != "curve"]
            return own, "registers" if any(piece.band != "total" for piece in own) else "no_calendar"
        return self._divided(pieces, month, mine)

    def _of_month(self, name: str, month: Month) -> Days:
        found = self._calendars.get(name, {})
        return {day: found[day] for day in month.period.days() if day in found}

    def _divided(self, pieces: Sequence[Piece], month: Month, calendars: Days) -> tuple[Sequence[Piece], Basis]:
        found = [piece for piece in pieces if piece.quantity != self._quantity]
        bases: list[Basis] = []
        for meter in dict.fromkeys(_meter(piece) for piece in pieces if piece.quantity == self._quantity):
            own = [piece for piece in pieces if piece.quantity == self._quantity and _meter(piece) == meter]
            total = next((piece for piece in own if piece.band == "total"), None)
            banded = [piece for piece in own if piece.band != "total" and piece.method != "curve"]
            told = self._by_curve(total, month, calendars) if total is not None else Told("no_curve")
            if told.basis in ("curve", "curve_gaps"):
                found += [piece for piece in own if piece is total]
                found += told.pieces
            else:
                found += [total, *banded] if total is not None else banded
            bases.append("registers" if banded and not told.pieces else told.basis)
        return found, _weakest(bases)

    def _by_curve(self, total: Piece, month: Month, calendars: Days) -> "Told":
        """A register divided over the bands of a month's calendars."""
        # A stage of a month, or a meter that came or went, has its own days of the curve.
        touched = {day for day in calendars if midnight(day) < total.to_at and midnight(day + _ONE_DAY) > total.from_at}
        calendars = {day: calendars[day] for day in sorted(touched)}
        sums = self._sums_of(total.meter_no, month, touched)
        if not any(any(one.found.received) for one in sums) or total.energy_wh is None:
            return Told("no_curve")
        bands = tuple(dict.fromkeys(band for calendar in dict.fromkeys(calendars.values()) for band in calendar))
        energy, received = dict.fromkeys(bands, 0), dict.fromkeys(bands, 0)
        for one in sums:
            calendar = calendars[one.day]
            for start, cell, slots in zip(self._cut, one.found.cells, one.found.received, strict=True):
                energy[calendar[start]] += cell.wh
                received[calendar[start]] += slots
        expected = np.array([slots_in(calendars, bands, total.from_at, total.to_at)])
        guessed = _Guessed.nothing(bands)
        if sum(received.values()) < expected.sum():
            days = self._guesses(total.meter_no, month)
            guessed = _Guessed.of([one for one in days if one.day in calendars], calendars, bands, self._cut)
            energy = {band: wh - guessed.over_wh[band] for band, wh in energy.items()}
            received = {band: slots - guessed.over[band] for band, slots in received.items()}
        curve, seen = (np.array([list(by_band.values())], dtype=np.int64) for by_band in (energy, received))
        highest = max((one.found.highest.wh for one in sums if one.found.highest is not None), default=-1)
        missing = np.maximum(expected - seen, 0)
        given, filled = (np.array([list(one.values())], dtype=np.int64) for one in (guessed.given_wh, guessed.filled))
        told = (filled >= missing).all(axis=1) & (missing.sum(axis=1) > 0)
        made = split(
            np.array([total.energy_wh]),
            curve,
            missing,
            expected.sum(axis=1),
            np.array([highest]),
            TOLERANCE,
            given,
            told,
        )
        if made.gaps[0] or made.apart[0]:
            return Told("too_many_gaps" if made.gaps[0] else "curve_apart")
        rule = "curve" if not made.estimated[0] else "curve_estimated" if told[0] else "curve_gaps"
        gap_days = guessed.days if rule == "curve_estimated" else sum(one.found.gap_days for one in sums)
        rows = zip(bands, made.energy_wh[0].tolist(), strict=True)
        return Told(
            "curve" if rule == "curve" else "curve_gaps",
            tuple(_part(total, band, wh, rule, gap_days) for band, wh in rows),
        )

    def _guesses(self, meter_no: str, month: Month) -> Sequence[AtomDay]:
        """The days of a month on which anything stands in for values of a meter."""
        asked = MeterAtoms(month=str(month), series=self._series, starts=list(self._cut), meter_nos=[meter_no])
        return [one for one in self._ask(ReadingApi).meter_atoms(self._call, asked).rows if one.estimates is not None]

    def _sums_of(self, meter_no: str, month: Month, days: set[date]) -> Sequence[Sum]:
        """The days of a month that a register is of, added up."""
        if len(days) < month.day_count:
            return self._asked_sums([month], [meter_no], days).get((meter_no, month), ())
        if self._sums is None:
            self._sums = self._asked_sums(self._months, self._meters[:METERS_MAX])
        return self._sums.get((meter_no, month), ())

    def _asked_sums(
        self, months: Sequence[Month], meters: Sequence[str], only: set[date] | None = None
    ) -> Mapping[tuple[str, Month], Sequence[Sum]]:
        alike: dict[tuple[Month, tuple[Calendar | None, ...]], list[date]] = {}
        for month in months:
            for day in month.period.days():
                if only is None or day in only:
                    told = tuple(days.get(day) for _, days in self._known)
                    alike.setdefault((month, told), []).append(day)
        kinds = list(alike.values())
        asked = MeterSums(series=self._series, starts=list(self._cut), kinds=kinds, meter_nos=list(meters))
        found: dict[tuple[str, Month], list[Sum]] = {}
        for one in self._ask(ReadingApi).meter_sums(self._call, asked).rows:
            day = kinds[one.kind][0]
            found.setdefault((one.subject, Month.holding(day)), []).append(Sum(day, one))
        return found


def _alike(tariff: TariffDocument, day: AskedDay) -> Hashable:
    """What the bands of a day hang on."""
    return tuple(map(id, seasons_on(tariff.seasons, day)))


def _cut_of(calendars: Iterable[Days]) -> tuple[int, ...]:
    """The coarsest cut of the day that all calendars fit."""
    every = {calendar for days in calendars for calendar in days.values()}
    starts = {slot for one in every for slot in range(1, SLOTS_A_DAY) if one[slot] != one[slot - 1]}
    return 0, *sorted(starts)


@dataclass(frozen=True)
class _Guessed:
    """What stands in for values by band: its energy and its slots, and of them the energy and the slots that were received."""

    given_wh: dict[Band, int]
    filled: dict[Band, int]
    over_wh: dict[Band, int]
    over: dict[Band, int]
    days: int

    @classmethod
    def nothing(cls, bands: Sequence[Band]) -> Self:
        given, filled, over_wh, over = (dict.fromkeys(bands, 0) for _ in range(4))
        return cls(given, filled, over_wh, over, 0)

    @classmethod
    def of(cls, days: Sequence[AtomDay], calendars: Days, bands: Sequence[Band], cut: Sequence[int]) -> Self:
        found = replace(cls.nothing(bands), days=len(days))
        for one in days:
            calendar, told = calendars[one.day], one.estimates
            assert told is not None  # only such days are asked for
            for start, given, before in zip(cut, told.cells, told.received, strict=True):
                found.given_wh[calendar[start]] += given.wh
                found.over_wh[calendar[start]] += before.wh
            for band, filled, over in zip(calendar, told.filled, told.over, strict=True):
                found.filled[band] += filled == "1"
                found.over[band] += over == "1"
        return found


@dataclass(frozen=True)
class Told:
    """What a curve gives of a register: its bands, or why there are none."""

    basis: Basis
    pieces: tuple[Piece, ...] = ()


def _meter(piece: Piece) -> tuple[str, str, int]:
    return piece.point_no, piece.meter_no, piece.piece


def _part(total: Piece, band: Band, energy_wh: int, rule: str, gap_days: int) -> Piece:
    guessed = rule != "curve"
    return replace(
        total,
        band=band,
        start_e4=None,
        end_e4=None,
        energy_wh=energy_wh,
        status="estimated" if guessed else total.status,
        rule=rule,
        method="curve",
        days_estimated=max(total.days_estimated, gap_days if guessed else 0),
    )


def _weakest(bases: Sequence[Basis]) -> Basis:
    """What the bands of all meters together rest on."""
    order = list(BASES.entries)
    return max(bases, key=order.index, default="registers")
