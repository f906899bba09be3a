"""The subsidy of solar generation (发电补贴): on generation or on export, within its years and lifetime hours
(财建〔2020〕426号).

Exported energy itself is bought at the purchase price by the energy components. The subsidy is paid when its funds arrive; it
is a line of its own so that it can be told apart.
"""

from datetime import date

from denghuo.kernel.period import Month
from denghuo.kernel.problem import text
from denghuo.service.billing.lines import CannotRate, Generated, RatingSubject, Step
from denghuo.service.billing.rules.days import billed_days
from denghuo.service.billing.rules.quantities import Metered, whole, whole_of
from denghuo.service.billing.rules.words import milli, step
from denghuo.service.tariff.api import Subsidy, TariffDocument

COMPONENT = "generation_subsidy"


def subsidised(subject: RatingSubject, tariff: TariffDocument, rule: Subsidy, exported_wh: int) -> Metered:
    """The energy of the month that is subsidised, in whole units, with its explanation.

    Raises:
        CannotRate: the plant's connection, capacity or generation is not known.
    """
    plant = subject.generation
    if plant is None:
        raise CannotRate(
            text(
                "补贴结算缺少发电量、装机容量与并网日期。",
                "The subsidy needs the plant's generation, capacity and day of connection.",
            ),
            code="no_terms",
            value=COMPONENT,
        )
    places = tariff.rounding.quantity_places
    energy = whole(plant.generated_wh if rule.on == "generation" else exported_wh, places)
    of = ("发电量", "generation") if rule.on == "generation" else ("上网电量", "export")
    steps = [
        step(
            "quantity",
            {"on": rule.on, "energy": milli(energy)},
            f"补贴电量按{of[0]} {milli(energy)} 千瓦时。",
            f"The subsidy is on {of[1]}: {milli(energy)} kWh. ",
            "solar.purchase",
        )
    ]
    energy, said = _within_years(rule, plant, billed_days(subject), energy, places)
    steps += said
    energy, said = _within_hours(rule, plant, energy)
    steps += said
    return Metered({"total": energy}, [(frozenset({None, "total"}), one) for one in steps], [])


def _within_years(
    rule: Subsidy, plant: Generated, span: tuple[date, date], energy: int, places: int
) -> tuple[int, list[Step]]:
    """Where the years end among the days that are billed, those before the end count."""
    if rule.years is None:
        return energy, []
    end = _years_after(plant.connected_on, rule.years)
    first, last = span
    if end > last:
        return energy, []
    days = max(0, (end - first).days)
    kept = whole_of(energy * days, (last - first).days + 1, places)
    return kept, [
        step(
            "limit",
            {"years": str(rule.years), "end": end.isoformat(), "days": str(days), "energy": milli(kept)},
            f"自并网 {plant.connected_on} 起补贴 {rule.years} 年，至 {end} 止，本次计 {days} 天 {milli(kept)} 千瓦时。",
            f"Subsidised for {rule.years} years from {plant.connected_on}, until {end}: {days} days, {milli(kept)} kWh. ",
            "solar.caps",
        )
    ]


def _within_hours(rule: Subsidy, plant: Generated, energy: int) -> tuple[int, list[Step]]:
    if rule.hours is None:
        return energy, []
    left = max(plant.capacity_w * rule.hours - plant.subsidised_before_wh, 0)
    if energy <= left:
        return energy, []
    return left, [
        step(
            "limit",
            {"hours": str(rule.hours), "capacity": milli(plant.capacity_w), "left": milli(left)},
            f"全生命周期合理利用小时数 {rule.hours} × {milli(plant.capacity_w)} 千瓦，此前已补贴"
            f" {milli(plant.subsidised_before_wh)} 千瓦时，余 {milli(left)} 千瓦时。",
            f"Lifetime hours {rule.hours} x {milli(plant.capacity_w)} kW, {milli(plant.subsidised_before_wh)} kWh subsidised"
            f" before, {milli(left)} kWh left. ",
            "solar.caps",
        )
    ]


def _years_after(day: date, years: int) -> date:
    """The same day so many years on; 29 February becomes 1 March."""
    year = day.year + years
    if (day.month, day.day) == (2, 29) and Month(year, 2).day_count == 28:
        return date(year, 3, 1)
    return day.replace(year=year)
