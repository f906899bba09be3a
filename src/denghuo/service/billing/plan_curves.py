"""Bands that a bill does not have, from the 15-minute curves of its meters (套餐比较的曲线分时): so that a tariff by time of use is
compared on the bills of a customer who was never billed by one.

The bands of a candidate are those of its own hours: what another tariff's hours gave of a curve is of no use to it. The rule is
that of the month's bills: the register says how much, the curve says when, and where both do not agree nothing is made of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from denghuo.kernel.contract import Call
from denghuo.kernel.period import SLOTS_A_DAY, Month, midnight
from denghuo.service.billing.api.plan import BASES, Basis
from denghuo.service.billing.batch import Piece
from denghuo.service.billing.calendar import days_of
from denghuo.service.billing.curves import TOLERANCE, key
from denghuo.service.billing.engine.atoms import Calendar, calendars_of, slots_in
from denghuo.service.billing.engine.split import split
from denghuo.service.billing.pieces import piece_of
from denghuo.service.billing.rules.quantities import settled
from denghuo.service.host.binding import Ask
from denghuo.service.reading.api import METERS_MAX, AtomDay, EnergySeries, MeterAtoms, ReadingApi
from denghuo.service.tariff.api import AskBands, AskedDay, Band, TariffApi, TariffDocument

_QUANTITIES: Mapping[str, tuple[str, EnergySeries]] = {
    "supply": ("active_fwd", "active_fwd_wh"),
    "purchase": ("active_rev", "active_rev_wh"),
}
_ONE_DAY = timedelta(days=1)
Row = Mapping[str, Any]
Days = Mapping[date, Calendar]


class PlanCurves:
    """The registers of issued bills as tariffs by time of use would have them. Curves are asked for once.

    call: the platform's own; the caller has the bills. tariffs: all that are compared, and those that the bills were issued by.
    """

    def __init__(self, ask: Ask, call: Call, rows: Sequence[Row], tariffs: Iterable[TariffDocument]) -> None:
        self._ask, self._call = ask, call
        self._quantity, self._series = _QUANTITIES[rows[0]["kind"]]
        self._months = sorted({Month.of(row["month"]) for row in rows})
        by_time = {key(one): one for one in tariffs if one.time_of_use}
        self._calendars = {name: self._asked(one) for name, one in by_time.items()}
        self._cut = _cut_of(self._calendars.values())
        registers = (piece for row in rows for piece in row["registers"] if piece["quantity"] == self._quantity)
        self._meters = sorted({piece["meter_no"] for piece in registers})
        self._atoms: Mapping[tuple[str, Month], Sequence[AtomDay]] | None = None

    def _asked(self, tariff: TariffDocument) -> Days:
        """The calendars of the days on which the day of the week alone says which bands a tariff has."""
        weekly = any(season.weekdays for season in tariff.seasons)

        def like(day: date) -> date:
            """The first day of the month that has the same bands: the day of the week alone can tell them apart."""
            return day.replace(day=(day.day - 1) % 7 + 1 if weekly else 1)

        days = [day for month in self._months if settled(tariff, month) for day in days_of(month)]
        if not days:
            return {}
        wanted = [AskedDay(day=day) for day in sorted(set(map(like, days)))]
        asked = AskBands(code=tariff.code, version=tariff.version, days=wanted)
        told = calendars_of(self._ask(TariffApi).bands(self._call, asked).spans)
        return {day: told[like(day)] for day in days} if told else {}

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
        if mine == self._of_month(f"{row['tariff_code']}/{row['tariff_version']}", month) and not staged:
            return pieces, "curve" if by_curve else "registers"
        if not mine:
            own = [piece for piece in pieces if piece.band == "total" or piece.method != "curve"]
            return own, "registers" if any(piece.band != "total" for piece in own) else "no_calendar"
        return self._divided(pieces, month, mine)

    def _of_month(self, name: str, month: Month) -> Days:
        found = self._calendars.get(name, {})
        return {day: found[day] for day in days_of(month) if day in found}

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
        touched = [day for day in calendars if midnight(day) < total.to_at and midnight(day + _ONE_DAY) > total.from_at]
        calendars = {day: calendars[day] for day in touched}
        days = [one for one in self._days_of(total.meter_no, month) if one.day in calendars]
        if not any(one.missing < SLOTS_A_DAY for one in days) or total.energy_wh is None:
            return Told("no_curve")
        # Days of the same hours are many.
        bands = tuple(dict.fromkeys(band for calendar in dict.fromkeys(calendars.values()) for band in calendar))
        energy, received = dict.fromkeys(bands, 0), dict.fromkeys(bands, 0)
        ends = (*self._cut[1:], SLOTS_A_DAY)
        for one in days:
            calendar = calendars[one.day]
            for start, end, cell in zip(self._cut, ends, one.cells, strict=True):
                energy[calendar[start]] += cell.wh
                received[calendar[start]] += end - start - (one.gaps.count("1", start, end) if one.gaps else 0)
        expected = np.array([slots_in(calendars, bands, total.from_at, total.to_at)])
        curve, seen = (np.array([list(by_band.values())], dtype=np.int64) for by_band in (energy, received))
        highest = max((one.highest.wh for one in days if one.highest is not None), default=-1)
        made = split(
            np.array([total.energy_wh]),
            curve,
            np.maximum(expected - seen, 0),
            expected.sum(axis=1),
            np.array([highest]),
            TOLERANCE,
        )
        if made.gaps[0] or made.apart[0]:
            return Told("too_many_gaps" if made.gaps[0] else "curve_apart")
        guessed = bool(made.estimated[0])
        gap_days = sum(one.missing > 0 for one in days) if guessed else 0
        rows = zip(bands, made.energy_wh[0].tolist(), strict=True)
        return Told(
            "curve_gaps" if guessed else "curve", tuple(_part(total, band, wh, guessed, gap_days) for band, wh in rows)
        )

    def _days_of(self, meter_no: str, month: Month) -> Sequence[AtomDay]:
        """The atoms of a meter in a month."""
        if self._atoms is None:
            self._atoms = self._asked_atoms()
        return self._atoms.get((meter_no, month), ())

    def _asked_atoms(self) -> Mapping[tuple[str, Month], Sequence[AtomDay]]:
        asked = MeterAtoms(
            month=str(self._months[0]),
            through=str(self._months[-1]),
            series=self._series,
            starts=list(self._cut),
            meter_nos=self._meters[:METERS_MAX],
        )
        found: dict[tuple[str, Month], list[AtomDay]] = {}
        for one in self._ask(ReadingApi).meter_atoms(self._call, asked).rows:
            found.setdefault((one.subject, Month(one.day.year, one.day.month)), []).append(one)
        return found


def _cut_of(calendars: Iterable[Days]) -> tuple[int, ...]:
    """The coarsest cut of the day that all calendars fit."""
    every = {calendar for days in calendars for calendar in days.values()}
    starts = {slot for one in every for slot in range(1, SLOTS_A_DAY) if one[slot] != one[slot - 1]}
    return 0, *sorted(starts)


@dataclass(frozen=True)
class Told:
    """What a curve gives of a register: its bands, or why there are none."""

    basis: Basis
    pieces: tuple[Piece, ...] = ()


def _meter(piece: Piece) -> tuple[str, str, int]:
    return piece.point_no, piece.meter_no, piece.piece


def _part(total: Piece, band: Band, energy_wh: int, guessed: bool, gap_days: int) -> Piece:
    return replace(
        total,
        band=band,
        start_e4=None,
        end_e4=None,
        energy_wh=energy_wh,
        status="estimated" if guessed else total.status,
        rule="curve_gaps" if guessed else "curve",
        method="curve",
        days_estimated=max(total.days_estimated, gap_days),
    )


def _weakest(bases: Sequence[Basis]) -> Basis:
    """What the bands of all meters together rest on."""
    order = list(BASES.entries)
    return max(bases, key=order.index, default="registers")
