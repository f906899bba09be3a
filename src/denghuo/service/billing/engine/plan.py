"""A tariff compiled for one month and voltage (电价编译): every price that a bill can need, found once by the rules themselves.

What the columns can rate is the bulk of all bills: energy and funds, by tier and by band. Whatever else is charged (basic charge,
power factor of contracts that have a standard, subsidy, free energy) leaves its contracts to the rules, one by one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from denghuo.kernel.period import Month
from denghuo.kernel.values import round_half_up
from denghuo.service.billing.lines import CannotRate
from denghuo.service.billing.rules.prices import at_voltage, find_price
from denghuo.service.billing.rules.quantities import BAND_PLACES, PARENT, bands_of, base_bands_of, settled, whole
from denghuo.service.billing.rules.tiers import limits_of, tier_year_begins
from denghuo.service.tariff.api import Band, Component, Group, TariffDocument, Tiers

TIER_MONTHS = 12


@dataclass(frozen=True)
class Source:
    """Where a price stands: its document, and whether it is an example."""

    document_no: str
    illustrative: bool


@dataclass(frozen=True)
class PricedComponent:
    """A component with its prices (1e-8 yuan) by tier and band, as far as it distinguishes them.

    prices: None where a surcharge has no price for a tier, so that there is no line. unpriced: where the tariff lacks a price that
    a bill would need; whoever has energy there is left to the rules, which say what is missing. sources: of the prices.
    """

    code: str
    group: Group
    tiered: bool
    banded: bool
    prices: Mapping[tuple[int | None, Band | None], int | None]
    unpriced: frozenset[tuple[int | None, Band | None]]
    sources: Mapping[tuple[int | None, Band | None], Source]


@dataclass(frozen=True)
class PricePlan:
    """What a tariff charges at a voltage in a month.

    bands: those that energy can fall into, "total" first, in the order of a bill's lines. needed: those that a meter must give to
    be billed by time of use; residual: the one that takes what the total leaves over.
    limits_wh: upper limits of the tiers but the last, by the months that an account counts in the tier year (index 0 is unused).
    """

    tariff: TariffDocument
    month: Month
    voltage: str
    components: tuple[PricedComponent, ...]
    bands: tuple[Band, ...]
    needed: frozenset[Band]
    residual: Band
    unit_wh: int
    annual: bool
    by_readings: bool
    limits_wh: tuple[tuple[int, ...], ...]

    @property
    def tiers(self) -> int:
        return len(self.limits_wh[TIER_MONTHS]) + 1 if self.limits_wh else 1


def price_plan(tariff: TariffDocument, month: Month, voltage: str, first: Month | None = None) -> PricePlan | None:
    """The tariff compiled; None where it charges what the columns do not rate, or has no price at the voltage. first: the first of
    the months that the readings cover; of several, what hangs on the month is left to the rules."""
    read = [month]
    while first is not None and first < read[0]:
        read.insert(0, read[0].previous)
    if len(read) > 1 and (tariff.time_of_use or tariff.effective_from > read[0].first_day):
        return None
    beyond = (
        tariff.basic,
        tariff.subsidy,
        tariff.free_energy,
        tariff.charges or None,
    )
    if any(part is not None for part in beyond) or voltage not in tariff.voltages:
        return None
    if tariff.effective_to is not None and tariff.effective_to < month.next.first_day:
        # What follows it within the month makes a stage of its own.
        return None
    if not settled(tariff, month):
        # Bills that a curve gave bands keep their days, which the rules add.
        return None
    if _adjusts_all(tariff, voltage):
        return None
    if tariff.tiers is not None and not _known(tariff.tiers, month, len(read)):
        return None
    known = bands_of(tariff, month)
    if any(parent not in known for band, parent in PARENT.items() if band in known):
        return None
    bands: tuple[Band, ...] = tuple(sorted({"total", *known}, key=BAND_PLACES.__getitem__))
    places = tariff.rounding.quantity_places
    try:
        limits = _limits(tariff, read, places)
        count = len(limits[TIER_MONTHS]) + 1 if limits else 0
        components = tuple(_component(tariff, one, month, voltage, bands, count) for one in tariff.components)
    except CannotRate:
        return None
    needed = base_bands_of(tariff, month)
    return PricePlan(
        tariff=tariff,
        month=month,
        voltage=voltage,
        components=components,
        bands=bands,
        needed=frozenset(needed),
        residual="flat" if "flat" in needed else "peak",
        unit_wh=10 ** (3 - places),
        annual=tariff.tiers is not None and tariff.tiers.period == "annual",
        by_readings=tariff.tiers is not None and (tariff.tiers.period, tariff.tiers.year_by) == ("annual", "reading"),
        limits_wh=limits,
    )


def _known(tiers: Tiers, month: Month, read: int) -> bool:
    """Whether the tiers are of a month or of the calendar year, by the account alone.

    What is read at the end of each month, or of each even one, has the calendar year as its reading year.
    """
    if tiers.period == "monthly":
        return True
    return (
        tiers.period == "annual"
        and tiers.year_starts == 1
        and tier_year_begins(tiers, month, read) == Month(month.year, 1)
    )


def _adjusts_all(tariff: TariffDocument, voltage: str) -> bool:
    """Whether the power factor of every contract is adjusted, and not of those alone that name a standard."""
    rule = tariff.power_factor
    return rule is not None and any(
        row.capacity_from.va == 0 and (not row.voltages or voltage in row.voltages) for row in rule.standards
    )


def _limits(tariff: TariffDocument, read: Sequence[Month], places: int) -> tuple[tuple[int, ...], ...]:
    """Raises CannotRate where there are none, or other tiers in another month of the reading."""
    if tariff.tiers is None:
        return ()
    tables = [[limit.wh for limit in limits_of(tariff.tiers, one.month)] for one in read]
    table = tables[-1]
    if tariff.tiers.period == "monthly":
        if len({len(one) for one in tables}) > 1:
            raise CannotRate(code="no_price", value=str(read[-1]))
        summed = tuple(map(sum, zip(*tables, strict=True)))
        return tuple(summed for _ in range(TIER_MONTHS + 1))
    return tuple(
        tuple(whole(round_half_up(limit * months, TIER_MONTHS), places) for limit in table)
        for months in range(TIER_MONTHS + 1)
    )


def _component(
    tariff: TariffDocument, component: Component, month: Month, voltage: str, bands: tuple[Band, ...], tiers: int
) -> PricedComponent:
    """Raises CannotRate where the component has no price at the voltage at all."""
    rows = at_voltage(component.prices, voltage)
    if not rows:
        raise CannotRate(code="no_price", value=f"{component.code}/{voltage}")
    tiered = tiers > 0 and any(row.tier is not None for row in rows)
    banded = tariff.time_of_use and (component.floats or any(row.band is not None for row in rows))
    prices: dict[tuple[int | None, Band | None], int | None] = {}
    unpriced: set[tuple[int | None, Band | None]] = set()
    sources: dict[tuple[int | None, Band | None], Source] = {}
    for tier in range(1, tiers + 1) if tiered else (None,):
        for band in bands if banded else (None,):
            try:
                found = find_price(tariff, component, rows, month, band, tier)
            except CannotRate:
                unpriced.add((tier, band))
                continue
            prices[tier, band] = None if found is None else found.price.e8
            if found is not None:
                document_no = found.source.document or component.document
                sources[tier, band] = Source(document_no, found.source.illustrative)
    return PricedComponent(component.code, component.group, tiered, banded, prices, frozenset(unpriced), sources)
