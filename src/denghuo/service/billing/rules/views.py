"""Prices as a bill shows them, and figures about billing (均价、单价、抄表与核算指标). For reading only: an average must never be
used to compute a charge again, which misses it by yuan on a large bill."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from denghuo.kernel.values import Energy, Money, Percent, Price, round_half_up
from denghuo.service.billing.lines import BillLine, Rated
from denghuo.service.tariff.api import Band


@dataclass(frozen=True)
class UnitPrice:
    """What a component or a band comes to on average: amount / energy, in 1e-8 yuan per kWh rounded half up."""

    code: str
    band: Band | None
    energy: Energy
    amount: Money
    average: Price


def average_price(total: Money, energy_wh: int, places: int = 8) -> Price | None:
    """Yuan per kWh with so many decimals, rounded half up; None without energy."""
    if energy_wh == 0:
        return None
    unit = 10 ** (8 - places)
    return Price(round_half_up(total.fen * 10**9, energy_wh * unit) * unit)


def by_component(rated: Rated) -> list[UnitPrice]:
    """Each component over all bands and tiers, on the energy of its own lines."""
    return _averages(rated.lines, lambda line: (line.code, None))


def by_band(rated: Rated) -> list[UnitPrice]:
    """All components together by band, for the components that distinguish bands."""
    return _averages([line for line in rated.lines if line.band is not None], lambda line: ("", line.band))


def _averages(lines: Iterable[BillLine], key: Callable[[BillLine], tuple[str, Band | None]]) -> list[UnitPrice]:
    energies: dict[tuple[str, Band | None], int] = {}
    amounts: dict[tuple[str, Band | None], int] = {}
    seen: dict[tuple[str, Band | None], dict[str, int]] = {}
    for line in lines:
        if line.unit != "kWh" or line.quantity_milli is None:
            continue
        at = key(line)
        # Several components bear the same energy: within a band each component counts it once.
        per_code = seen.setdefault(at, {})
        per_code[line.code] = per_code.get(line.code, 0) + line.quantity_milli
        energies[at] = max(per_code.values())
        amounts[at] = amounts.get(at, 0) + line.amount.fen
    found = []
    for at, energy in energies.items():
        average = average_price(Money(amounts[at]), energy)
        if average is not None:
            found.append(UnitPrice(at[0], at[1], Energy(energy), Money(amounts[at]), average))
    return found


def reading_rate(due: Sequence[int], missed: Sequence[int]) -> Percent | None:
    """Read accounts / accounts due (实抄率): an estimated reading is one that was missed. None without accounts."""
    return Percent.of_parts(sum(due) - sum(missed), sum(due))


def error_rate(wrong: Money, due: Money) -> Percent | None:
    """Wrongly billed money / billed money (差错率)."""
    return Percent.of_parts(wrong.fen, due.fen)
