"""Prices as a bill shows them (均价、单价). For reading only: an average must never be
used to compute a charge again, which misses it by yuan on a large bill."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import Energy, Money, Price, round_half_up
from denghuo.service.billing.lines import BillLine
from denghuo.service.tariff.api import Band

PRICE_PLACES = 4
"""Decimals of an average price that is shown beside a total."""


@dataclass(frozen=True)
class UnitPrice:
    """What a component or a band comes to on average: amount / energy, in 1e-8 yuan per kWh rounded half up.

    code, title: of the component; empty and None where all of a band are meant."""

    code: str
    title: TextPair | None
    band: Band | None
    energy: Energy
    amount: Money
    average: Price


def average_price(total: Money, energy_wh: int, places: int = 8) -> Price | None:
    """Yuan per kWh with so many decimals, rounded half up; None without energy. A bill that takes another back has its average."""
    if energy_wh == 0:
        return None
    unit = 10 ** (8 - places)
    sign = 1 if energy_wh > 0 else -1
    return Price(round_half_up(sign * total.fen * 10**9, sign * energy_wh * unit) * unit)


def by_component(lines: Iterable[BillLine], energy_wh: int) -> list[UnitPrice]:
    """Each component over all bands and tiers, on the energy of its own lines; what is not charged per kWh on that of the bill."""
    return _averages(lines, lambda line: (line.code, None), energy_wh)


def by_band(lines: Iterable[BillLine]) -> list[UnitPrice]:
    """All components together by band, for the components that distinguish bands."""
    return _averages([line for line in lines if line.band is not None], lambda line: ("", line.band))


def _averages(
    lines: Iterable[BillLine], key: Callable[[BillLine], tuple[str, Band | None]], energy_wh: int = 0
) -> list[UnitPrice]:
    """energy_wh: of the whole bill, for lines that have no energy of their own; 0 leaves them out."""
    found: list[UnitPrice] = []
    gathered: dict[tuple[str, Band | None], list[BillLine]] = {}
    for line in lines:
        if line.unit == "kWh" or energy_wh:
            gathered.setdefault(key(line), []).append(line)
    for (code, band), own in gathered.items():
        # Several components bear the same energy: within a band each component counts it once.
        per_code: dict[str, int] = {}
        for line in own:
            if line.unit == "kWh":
                per_code[line.code] = per_code.get(line.code, 0) + (line.quantity_milli or 0)
        energy = max(per_code.values(), key=abs) if per_code else energy_wh
        amount = Money(sum(line.amount.fen for line in own))
        average = average_price(amount, energy)
        if average is not None:
            title = own[0].title if code else None
            found.append(UnitPrice(code, title, band, Energy(energy), amount, average))
    return found
