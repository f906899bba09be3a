"""Months that are not one whole (分段曲线分时): pieces cut into stages, each with its bands by its own days of the curve.

`curves` splits the months that have one tariff on all days, for everybody at once. A month in stages, one that begins or ends
within the month, and one whose terms change without a new price are split here, each stage by the calendar of its own tariff. The
register of the midnight says how much a stage has, the curve of its days when. Where no register was read at the midnight, a whole
curve says where the register's energy lay. Days to come (of a forecast) have the bands that the known days have by the stage's
tariff.

Where a reading covers several months and each is a stage, each has the demand that its own days of the curve tell. Within a month
of several stages a demand is not told by curves: it counts as one for the month (`cuts`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from denghuo.data.processing.dataset import arrow_schema
from denghuo.kernel.contract import Call
from denghuo.kernel.period import SLOTS_A_DAY, Month, midnight
from denghuo.kernel.values import round_half_up
from denghuo.service.billing.banding import TOLERANCE, Curves
from denghuo.service.billing.batch import CURVE, PURCHASE_ROLES, SUPPLY_ROLES, Entry, Piece, StagePieces, by_curve
from denghuo.service.billing.calendar import Calendars
from denghuo.service.billing.covered import earliest, months_from
from denghuo.service.billing.curves import calendars_by_key, cells_of_days
from denghuo.service.billing.cuts import ESTIMATED, Channel, CutRegisters, Shown, cut
from denghuo.service.billing.demands import charges_demand, with_demands
from denghuo.service.billing.engine.atoms import Calendar, month_plan
from denghuo.service.billing.midnights import cut_registers
from denghuo.service.billing.rating import Rating, Span
from denghuo.service.billing.rules.quantities import share
from denghuo.service.billing.special.said import subs_of_others
from denghuo.service.billing.whole_months import NAMED, key
from denghuo.service.host.binding import Ask
from denghuo.service.reading.api import METERS_MAX, MONTH_ENERGY, AtomDay, EnergySeries, MeterAtoms, ReadingApi
from denghuo.service.tariff.api import Band, TariffDocument

_SIDES: Mapping[str, tuple[str, frozenset[str], EnergySeries]] = {
    "supply": ("active_fwd", SUPPLY_ROLES, "active_fwd_wh"),
    "purchase": ("active_rev", PURCHASE_ROLES, "active_rev_wh"),
}
_ONE_DAY = timedelta(days=1)
_ALL = arrow_schema(MONTH_ENERGY)
_COLUMNS = pa.schema([_ALL.field(name) for name in Piece.__slots__])


def stage_pieces(
    ask: Ask,
    call: Call,
    month: Month,
    rating: Rating,
    entries: Sequence[Entry],
    known_at: datetime | None = None,
    until: date | None = None,
) -> StagePieces:
    """The stages of those entries that `curves` does not split as a whole; of most months there are none, and nobody is asked.

    call: the platform's own. known_at: as registers and curves were known then. until: the midnight at which what is known of a
    running month ends; pieces behind it are foreseen.
    """
    spans = {
        _key(entry): own for entry in entries if (own := rating.spans(entry)) and not _done(entry, own, month, until)
    }
    mine = [
        replace(entry, pieces=tuple(piece for piece in entry.pieces if not by_curve(piece)))
        for entry in entries
        if _key(entry) in spans
    ]
    if not mine:
        return {}
    told = _ask_curves(ask, call, month, mine, spans, known_at, until)
    shown = cut_registers(ask, call, str(month), rating, mine, known_at)
    demanding = _with_demands(
        ask, call, month, [one for one in mine if len(spans[_key(one)]) == 1], spans, known_at, until
    )
    stages: dict[tuple[str, str], list[list[Piece]]] = {}
    for at, entry in ((_key(one), demanding.get(_key(one), one)) for one in mine):
        days = [span.first for span in spans[at][1:]]
        registers = told.placed(entry.kind, entry.pieces, days, shown)
        stages[at] = cut(entry.pieces, days, registers) if days else [list(entry.pieces)]
    _demands_by_month(ask, call, stages, spans, known_at, until)
    return {
        _key(entry): [
            told.divided(entry, span, stage)
            for span, stage in zip(spans[_key(entry)], stages[_key(entry)], strict=True)
        ]
        for entry in mine
    }


def _key(entry: Entry) -> tuple[str, str]:
    return entry.account_no, entry.kind


def whole(entry: Entry, spans: Sequence[Span], month: Month, until: date | None = None) -> bool:
    """Whether an entry has one row of terms and one tariff on all days of its month (until a midnight)."""
    (first, *more), begins = entry.terms, month.first_day
    ends = until or month.next.first_day
    return (
        not more
        and len(spans) == 1
        and first.effective_from <= begins
        and (first.effective_to is None or first.effective_to >= ends)
    )


def _done(entry: Entry, spans: Sequence[Span], month: Month, until: date | None) -> bool:
    others = subs_of_others(entry.terms)
    split = len(spans) == 1 and any(by_curve(piece) for piece in entry.pieces if piece.point_no not in others)
    return split or whole(entry, spans, month, until)


def _with_demands(
    ask: Ask,
    call: Call,
    month: Month,
    entries: Sequence[Entry],
    spans: Mapping[tuple[str, str], Sequence[Span]],
    known_at: datetime | None,
    until: date | None,
) -> dict[tuple[str, str], Entry]:
    """The entries of one stage whose tariff charges the demand, with the demands that their curves tell."""
    charged = {
        entry.account_no: entry
        for entry in entries
        if entry.kind == "supply" and charges_demand(spans[_key(entry)][0].tariff, month)
    }
    if not charged:
        return {}
    ends = midnight(until or month.next.first_day)
    known = _table([one for entry in charged.values() for one in entry.pieces if one.from_at < ends])
    rows: dict[str, list[Piece]] = {}
    for row in with_demands(ask, call, month, charged, known, TOLERANCE, known_at).to_pylist():
        rows.setdefault(row["account_no"], []).append(Piece(**row))
    return {
        _key(entry): replace(
            entry, pieces=(*rows.get(number, ()), *(one for one in entry.pieces if one.from_at >= ends))
        )
        for number, entry in charged.items()
    }


def _demands_by_month(
    ask: Ask,
    call: Call,
    stages: Mapping[tuple[str, str], list[list[Piece]]],
    spans: Mapping[tuple[str, str], Sequence[Span]],
    known_at: datetime | None,
    until: date | None,
) -> None:
    """Adds to stages that are whole months by a tariff that charges the demand what their curves tell of it."""
    mine: dict[Month, dict[str, int]] = {}
    for (account_no, kind), own in spans.items():
        for place, span in enumerate(own if kind == "supply" and len(own) > 1 else ()):
            month = Month.holding(span.first)
            ends = month.next.first_day - _ONE_DAY
            if (span.first, span.last) == (month.first_day, ends) and charges_demand(span.tariff, month):
                mine.setdefault(month, {})[account_no] = place
    for month, places in mine.items():
        ends_at = midnight(min(until or date.max, month.next.first_day))
        pieces = [piece for account, place in places.items() for piece in stages[account, "supply"][place]]
        known = _table([piece for piece in pieces if piece.from_at < ends_at])
        told: dict[str, list[Piece]] = {account: [] for account in places}
        for row in with_demands(ask, call, month, places, known, TOLERANCE, known_at).to_pylist():
            told[row["account_no"]].append(Piece(**row))
        for account, place in places.items():
            ahead = [piece for piece in stages[account, "supply"][place] if piece.from_at >= ends_at]
            stages[account, "supply"][place] = [*told[account], *ahead]


def _table(pieces: Sequence[Piece]) -> pa.Table:
    return pa.Table.from_pylist([asdict(one) for one in pieces], _COLUMNS)


def _ask_curves(
    ask: Ask,
    call: Call,
    month: Month,
    entries: Sequence[Entry],
    spans: Mapping[tuple[str, str], Sequence[Span]],
    known_at: datetime | None,
    until: date | None,
) -> "StageCurves":
    """The curves of the meters without bands of entries by time of use."""
    tariffs: dict[str, TariffDocument] = {}
    meters: dict[str, set[str]] = {}
    for entry in entries:
        own = {key(span.tariff): span.tariff for span in spans[_key(entry)] if span.tariff.time_of_use}
        if own:
            tariffs |= own
            quantity = _SIDES[entry.kind][0]
            meters.setdefault(entry.kind, set()).update(
                one.meter_no for one in entry.pieces if one.quantity == quantity
            )
    first = earliest(entries, month)
    calendars = _calendars(ask, call, months_from(first, month), list(tariffs.values()), known_at, until)
    cut_of_days = month_plan(calendars).cut
    days: dict[str, list[AtomDay]] = {}
    for kind, numbers in meters.items() if calendars else ():
        ordered = sorted(numbers)
        for begin in range(0, len(ordered), METERS_MAX):
            asked = MeterAtoms(
                month=str(first),
                through=str(month),
                series=_SIDES[kind][2],
                starts=list(cut_of_days),
                meter_nos=ordered[begin : begin + METERS_MAX],
                known_at=known_at,
            )
            days.setdefault(kind, []).extend(ask(ReadingApi).meter_atoms(call, asked).rows)
    return StageCurves(month, calendars, cut_of_days, days, until)


def _calendars(
    ask: Ask,
    call: Call,
    months: Sequence[Month],
    tariffs: Sequence[TariffDocument],
    known_at: datetime | None,
    until: date | None,
) -> dict[str, Mapping[date, Calendar]]:
    """The calendars of tariffs over all days of the months; of those only whose bands are known in each of them."""
    of_months = [calendars_by_key(ask, call, Calendars(ask, call, one, known_at, until), tariffs) for one in months]
    return {
        name: {day: bands for told in of_months for day, bands in told[name].items()}
        for name in of_months[0]
        if all(name in told for told in of_months)
    }


@dataclass(frozen=True)
class StageCurves:
    """The curves of a month by day.

    calendars: by tariff (its key), of those by which bands follow from the day alone. cut: the first slots of the cells in `days`.
    days: what was received, by kind of contract. until: the midnight at which what is known ends.
    """

    month: Month
    calendars: Mapping[str, Mapping[date, Calendar]]
    cut: Sequence[int]
    days: Mapping[str, Sequence[AtomDay]]
    until: date | None = None

    def divided(self, entry: Entry, span: Span, pieces: Sequence[Piece]) -> list[Piece]:
        """The pieces of a stage, with its bands by its tariff's calendar."""
        calendar = self.calendars.get(key(span.tariff))
        if calendar is None or entry.kind not in self.days:
            return list(pieces)
        ends = midnight(self.until) if self.until is not None else None
        ahead = [one for one in pieces if ends is not None and one.from_at >= ends and one.quantity != "demand"]
        known = [one for one in pieces if one not in ahead]
        return [*self._known(entry, span, calendar, known), *self._foreseen(entry.kind, calendar, ahead)]

    def _known(
        self, entry: Entry, span: Span, calendar: Mapping[date, Calendar], pieces: Sequence[Piece]
    ) -> Sequence[Piece]:
        name, (quantity, roles, _) = key(span.tariff), _SIDES[entry.kind]
        last = span.last if self.until is None else min(span.last, self.until - _ONE_DAY)
        own = {day: bands for day, bands in calendar.items() if span.first <= day <= last}
        # A meter with registers by band of which some were estimated for the stage cannot be held to its curve.
        apart = {
            one.meter_no
            for one in pieces
            if one.quantity == quantity and one.band != "total" and one.method in ESTIMATED
        }
        meters = {one.meter_no for one in pieces if one.quantity == quantity} - apart
        atoms = self._atoms(entry.kind, meters, own)
        if not atoms:
            return pieces
        plan = month_plan({name: own}, self.cut)
        cells = cells_of_days(atoms, plan)
        row = {"account_no": entry.account_no, "kind": entry.kind, "tariff": name}
        curves = Curves(plan, {name: own}, cells, pa.Table.from_pylist([row], NAMED))
        table = _table(pieces)
        found = curves.banded(table, quantity, roles)
        return pieces if found is table else [Piece(**row) for row in found.to_pylist()]

    def _atoms(self, kind: str, meters: set[str], days: Iterable[date]) -> list[AtomDay]:
        """The days of meters that have a curve in the month. Where such a meter has none in the stage, its days are there without
        a value: they are gaps."""
        wanted = set(days)
        of_meters = [one for one in self.days[kind] if one.subject in meters]
        found = [one for one in of_meters if one.day in wanted]
        if not wanted:
            return []
        silent = sorted({one.subject for one in of_meters} - {one.subject for one in found})
        return found + [_nothing(meter_no, min(wanted), len(self.cut)) for meter_no in silent]

    def _foreseen(self, kind: str, calendar: Mapping[date, Calendar], pieces: Sequence[Piece]) -> list[Piece]:
        """Days to come: each total with the bands that all known days of its meter have by a calendar."""
        quantity = _SIDES[kind][0]
        have = {one.meter_no for one in pieces if one.quantity == quantity and one.band != "total"}
        found = list(pieces)
        for one in pieces:
            if one.quantity != quantity or one.meter_no in have:
                continue
            shape = self._shape(kind, one.meter_no, calendar)
            if sum(shape.values()) > 0:
                parts = share(one.energy_wh or 0, list(shape.values()), 1)
                found += [
                    replace(one, band=band, energy_wh=wh, method=CURVE) for band, wh in zip(shape, parts, strict=True)
                ]
        return found

    def _shape(self, kind: str, meter_no: str, calendar: Mapping[date, Calendar]) -> dict[Band, int]:
        shape: dict[Band, int] = {}
        for day in self.days[kind]:
            if day.subject == meter_no and (self.until is None or day.day < self.until):
                for start, energy in zip(self.cut, day.cells, strict=True):
                    band = calendar[day.day][start]
                    shape[band] = shape.get(band, 0) + energy.wh
        return shape

    # -- where no register was read at a midnight ---------------------------------------------------------------------------

    def placed(self, kind: str, pieces: Sequence[Piece], days: Sequence[date], shown: CutRegisters) -> CutRegisters:
        """The registers at midnights, with those that a whole curve gives where none was read."""
        if not days or kind not in self.days:
            return shown
        found = {day: dict(registers) for day, registers in shown.items()}
        for piece in pieces:
            if (piece.quantity, piece.band) != (_SIDES[kind][0], "total"):
                continue
            channel = Channel(piece.point_no, piece.meter_no, piece.piece, piece.quantity, piece.band)
            for day in days:
                there = found.get(day, {}).get(channel)
                if piece.from_at < midnight(day) < piece.to_at and (there is None or there.method in ESTIMATED):
                    register = self._register(kind, piece, day)
                    if register is not None:
                        found.setdefault(day, {})[channel] = Shown(register, "interpolated")
        return found

    def _register(self, kind: str, piece: Piece, day: date) -> int | None:
        """What the register showed at a midnight by the curve of its days; None where that is not whole or disagrees."""
        if piece.start_e4 is None or piece.end_e4 is None or not piece.energy_wh or piece.end_e4 < piece.start_e4:
            return None
        inside = [
            one
            for one in self.days[kind]
            if one.subject == piece.meter_no and piece.from_at <= midnight(one.day) < piece.to_at
        ]
        length = piece.to_at - piece.from_at
        if length % _ONE_DAY or len(inside) != length // _ONE_DAY or any(one.missing for one in inside):
            return None
        energy = {one.day: sum(cell.wh for cell in one.cells) for one in inside}
        curve = sum(energy.values())
        if curve <= 0 or abs(curve - piece.energy_wh) > int(TOLERANCE.of(np.array([piece.energy_wh]))[0]):
            return None
        before = sum(wh for one, wh in energy.items() if one < day)
        # Wh are ten times 1e-4 units of the register times its multiplier.
        return piece.start_e4 + round_half_up(piece.energy_wh * before * 10, curve * piece.multiplier)


def _nothing(meter_no: str, day: date, cells: int) -> AtomDay:
    found: dict[str, Any] = {"subject": meter_no, "day": day, "cells": ["0"] * cells}
    return AtomDay.model_validate(found | {"missing": SLOTS_A_DAY, "gaps": "1" * SLOTS_A_DAY, "highest": None})
