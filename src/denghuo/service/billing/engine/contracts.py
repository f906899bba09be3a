"""A month's contracts rated by columns (列式计费): plan by plan, each contract in its place of one array."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from denghuo.kernel.period import Month
from denghuo.service.billing.engine.figures import Figures, Flags, Int, figures
from denghuo.service.billing.engine.gather import REGISTERS, contract_energies, meter_energies
from denghuo.service.billing.engine.plan import TIER_MONTHS, PricePlan, price_plan
from denghuo.service.tariff.api import TariffDocument

_GROUP = ["kind", "tariff_class", "tariff_code", "voltage", "settlement"]


@dataclass(frozen=True)
class Group:
    """What decides on the tariff of contracts."""

    kind: str
    tariff_class: str
    tariff_code: str | None
    voltage: str
    settlement: str


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


class Contracts:
    """The contracts of a month: a row each, with the rows of their meters behind them."""

    def __init__(self, meters: pa.Table, month: Month) -> None:
        """meters: as `gather.metered` gives them."""
        self._month, self._meters = month, meters
        number = meters["contract"].to_numpy()
        self._starts: Int = np.flatnonzero(np.diff(number, prepend=-1))
        self._lengths: Int = np.diff(np.append(self._starts, len(number)))
        self.table: pa.Table = meters.take(self._starts)

    def __len__(self) -> int:
        return len(self._starts)

    def groups(self) -> Iterable[tuple[Group, Int]]:
        """Contracts (their places) by what decides on their tariff."""
        numbered = self.table.select(_GROUP).append_column("place", pa.array(np.arange(len(self))))
        grouped = numbered.group_by(_GROUP).aggregate([("place", "list")])
        for row in range(grouped.num_rows):
            values = {name: grouped[name][row].as_py() for name in _GROUP}
            yield Group(**values), np.asarray(grouped["place_list"][row].values)

    def rate(self, tariff_of: TariffOf) -> RatedMonth:
        amount, energy = np.zeros((2, len(self)), dtype=np.int64)
        left, asked, without_bands = np.zeros((3, len(self)), dtype=np.bool_)
        for group, places in self.groups():
            tariff = tariff_of(group)
            if tariff is None:
                continue
            asked[places] = True
            plan = price_plan(tariff, self._month, group.voltage)
            if plan is None:
                left[places] = True
                continue
            found, unsettled, without_bands[places] = self._figures(plan, places)
            amount[places], energy[places] = found.amount_fen, found.energy_wh
            left[places] = found.left | unsettled
        return RatedMonth(amount, energy, left, asked, without_bands)

    def _figures(self, plan: PricePlan, places: Int) -> tuple[Figures, Flags, Flags]:
        rows, starts = self._rows_of(places)
        meters = self._meters.take(rows)
        values = {band: _column(meters, band) for band in REGISTERS}
        given = {band: _flags(meters, f"has_{band}") for band in REGISTERS}
        energies, odd = meter_energies(plan, values, given)
        odd |= ~(_flags(meters, "plain") & _flags(meters, "whole"))
        left = np.logical_or.reduceat(odd, starts) if len(starts) else odd
        head = self.table.take(places)
        if plan.annual:
            # The limits of an account that was opened in the tier year need its first day.
            begins = Month(self._month.year, 1).first_day
            left |= np.asarray(pc.greater(head["effective_from"], pa.scalar(begins, pa.date32())))
        if plan.tariff.power_factor is not None:
            left |= _flags(head, "adjusted")
        months = np.full(len(places), TIER_MONTHS, dtype=np.int64)
        used = np.maximum(_column(head, "used_before_wh"), 0)
        found = contract_energies(energies, starts)
        return figures(plan, found, used, months), left, found.given["total"] & plan.tariff.time_of_use

    def _rows_of(self, places: Int) -> tuple[Int, Int]:
        """The meter rows of contracts, and where each contract begins among them."""
        lengths = self._lengths[places]
        starts = np.r_[0, np.cumsum(lengths)[:-1]] if len(places) else np.zeros(0, dtype=np.int64)
        rows = np.repeat(self._starts[places] - starts, lengths) + np.arange(int(lengths.sum()))
        return rows, starts


def _column(table: pa.Table, name: str) -> Int:
    return np.asarray(table[name].to_numpy(), dtype=np.int64)


def _flags(table: pa.Table, name: str) -> Flags:
    return np.asarray(table[name].to_numpy(), dtype=np.bool_)
