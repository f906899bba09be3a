"""A month's contracts rated by columns (列式计费): plan by plan, each contract in its place of one array."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from denghuo.kernel.period import Month
from denghuo.service.billing.engine.codes import grouped, rows_of
from denghuo.service.billing.engine.figures import Figures, Flags, Int, figures
from denghuo.service.billing.engine.gather import Metered, contract_energies, meter_energies
from denghuo.service.billing.engine.plan import TIER_MONTHS, PricePlan, price_plan
from denghuo.service.tariff.api import Band, TariffDocument, UnitAreas

_GROUP = ["kind", "tariff_class", "tariff_code", "voltage", "settlement", "area"]


@dataclass(frozen=True)
class Group:
    """What decides on the tariff of contracts."""

    kind: str
    tariff_class: str
    tariff_code: str | None
    voltage: str
    settlement: str
    area: str | None = None
    """The price area of their unit."""


TariffOf = Callable[[Group], TariffDocument | None]
"""The tariff of a group of contracts; None where there is none, or where the group is not asked about."""


@dataclass(frozen=True)
class RatedMonth:
    """Amounts (fen) and energies (Wh) by contract. left: those that the columns cannot rate; asked: those with a tariff;
    without_bands: those that a tariff by time of use rates without, because a meter does not give its bands."""

    amount_fen: Int
    energy_wh: Int
    left: Flags
    asked: Flags
    without_bands: Flags


@dataclass(frozen=True)
class RatedGroup:
    """Contracts at `places` that one tariff is for, rated. plan, figures: None where the columns rate none of them.

    left: which of them the columns cannot rate. without_bands: by the place of a contract in the group, the numbers of its meters
    that a tariff by time of use bills without.
    """

    group: Group
    tariff: TariffDocument
    places: Int
    left: Flags
    plan: PricePlan | None = None
    figures: Figures | None = None
    estimated_days: Int | None = None
    without_bands: Mapping[int, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Banded:
    """Totals of meters with their energy by band.

    rows: their rows of the energies that the meters were gathered from. energy_wh: rows x bands. days_estimated: days of each
    that rest on estimates.
    """

    rows: Int
    bands: tuple[Band, ...]
    energy_wh: Int
    days_estimated: Int


class Contracts:
    """The contracts of a month: a row each, with the rows of their meters behind them."""

    def __init__(
        self, meters: Metered, month: Month, areas: UnitAreas | None = None, first: Month | None = None
    ) -> None:
        """areas: the price areas of units, where units have any. first: the first of the months that the readings cover."""
        self._month, self._meters, self._first = month, meters, first or month
        self._starts = meters.starts
        self._lengths: Int = np.diff(np.append(self._starts, len(meters.plain)))
        self.table = meters.contracts
        area, moved = _areas(self.table["org"], self._first, month, areas if areas is not None else UnitAreas())
        self.table = self.table.append_column("area", area)
        self._plain = meters.plain & np.repeat(_flags(self.table, "whole") & ~moved, self._lengths)

    def __len__(self) -> int:
        return len(self._starts)

    def with_bands(self, parts: Iterable[Banded]) -> "Contracts":
        """The same contracts, of whose meters some have registers by band beside their total."""
        place = self._meters.place
        meter_of: Int = np.full(int(place.max(initial=-1)) + 2, -1)
        meter_of[place] = np.arange(len(place))
        # Meters without a total are told as -1, which is the last element.
        meter_of[-1] = -1
        values = {band: column.copy() for band, column in self._meters.values.items()}
        given = {band: flags.copy() for band, flags in self._meters.given.items()}
        days = self._meters.days_estimated.copy()
        for part in parts:
            meters = meter_of[np.minimum(part.rows, len(meter_of) - 1)]
            known = np.flatnonzero(meters >= 0)
            mine = meters[known]
            for at, band in enumerate(part.bands):
                values[band][mine], given[band][mine] = part.energy_wh[known, at], True
            days[mine] = np.maximum(days[mine], part.days_estimated[known])
        found = copy(self)
        found._meters = replace(self._meters, values=values, given=given, days_estimated=days)
        return found

    def groups(self) -> Iterable[tuple[Group, Int]]:
        """Contracts (their places) by what decides on their tariff."""
        for values, places in grouped(self.table, _GROUP):
            yield Group(**values), places

    def rate(self, tariff_of: TariffOf) -> RatedMonth:
        amount, energy = np.zeros((2, len(self)), dtype=np.int64)
        left, asked, without_bands = np.zeros((3, len(self)), dtype=np.bool_)
        for rated in self.rated(tariff_of):
            places = rated.places
            asked[places], left[places] = True, rated.left
            if rated.figures is not None:
                amount[places], energy[places] = rated.figures.amount_fen, rated.figures.energy_wh
                without_bands[places[list(rated.without_bands)]] = True
        return RatedMonth(amount, energy, left, asked, without_bands)

    def rated(self, tariff_of: TariffOf) -> Iterator[RatedGroup]:
        """The contracts with a tariff, group by group."""
        for group, places in self.groups():
            tariff = tariff_of(group)
            if tariff is None:
                continue
            plan = price_plan(tariff, self._month, group.voltage, self._first)
            if plan is None:
                yield RatedGroup(group, tariff, places, np.ones(len(places), dtype=np.bool_))
            else:
                yield self._rated(group, plan, places)

    def _rated(self, group: Group, plan: PricePlan, places: Int) -> RatedGroup:
        rows, starts = self._rows_of(places)
        values = {band: column[rows] for band, column in self._meters.values.items()}
        given = {band: flags[rows] for band, flags in self._meters.given.items()}
        energies, odd = meter_energies(plan, values, given)
        odd |= ~self._plain[rows]
        left = np.logical_or.reduceat(odd, starts)
        if plan.annual:
            # The limits of an account that was opened in the tier year need its first day.
            begins = Month(self._month.year, 1).first_day
            opened = pc.greater(self.table["effective_from"], pa.scalar(begins, pa.date32()))
            left |= np.asarray(opened)[places]
        if plan.tariff.power_factor is not None:
            left |= _flags(self.table, "adjusted")[places]
        months = np.full(len(places), TIER_MONTHS, dtype=np.int64)
        used = np.maximum(_column(self.table, "used_before_wh")[places], 0)
        found = figures(plan, contract_energies(energies, starts), used, months)
        without: dict[int, list[str]] = {}
        if plan.tariff.time_of_use:
            at = np.flatnonzero(energies.given["total"] & ~odd)
            owners = np.searchsorted(starts, at, side="right") - 1
            for owner, meter in zip(
                owners.tolist(), map(str, rows_of(self._meters.meter_no, rows[at]).to_pylist()), strict=True
            ):
                without.setdefault(owner, []).append(meter)
        days = np.maximum.reduceat(self._meters.days_estimated[rows], starts)
        return RatedGroup(group, plan.tariff, places, found.left | left, plan, found, days, without)

    def _rows_of(self, places: Int) -> tuple[Int, Int]:
        """The meter rows of contracts, and where each contract begins among them."""
        lengths = self._lengths[places]
        starts = np.r_[0, np.cumsum(lengths)[:-1]] if len(places) else np.zeros(0, dtype=np.int64)
        rows = np.repeat(self._starts[places] - starts, lengths) + np.arange(int(lengths.sum()))
        return rows, starts


def _areas(orgs: Any, begins: Month, month: Month, areas: UnitAreas) -> tuple[Any, Flags]:
    """The price area of each unit at the beginning of the months, and where it changes within them."""
    if not areas:
        return pa.nulls(len(orgs), pa.string()), np.zeros(len(orgs), dtype=np.bool_)
    units = orgs.combine_chunks().dictionary_encode()
    first, last = begins.first_day, month.next.first_day - timedelta(days=1)
    names = [str(one) for one in units.dictionary.to_pylist()]
    held = [areas.on(one, first) for one in names]
    moved = np.array([areas.changes(one, first, last) is not None for one in names], dtype=np.bool_)
    titles = pa.array([one.area if one is not None else None for one in held], pa.string())
    return titles.take(units.indices), moved[units.indices.to_numpy()]


def _column(table: pa.Table, name: str) -> Int:
    return np.asarray(table[name].to_numpy(), dtype=np.int64)


def _flags(table: pa.Table, name: str) -> Flags:
    return np.asarray(table[name].to_numpy(), dtype=np.bool_)
