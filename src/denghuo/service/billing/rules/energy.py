"""The energy components of a bill: each component of the price is lines of its own, by band and tier where it distinguishes
them."""

from denghuo.kernel.problem import text
from denghuo.kernel.values import Money, charge_fen
from denghuo.service.billing.lines import BillLine, CannotRate, RatingSubject, Step
from denghuo.service.billing.rules.days import priced_month
from denghuo.service.billing.rules.making import made
from denghuo.service.billing.rules.prices import at_voltage, find_price
from denghuo.service.billing.rules.quantities import BAND_PLACES, Metered
from denghuo.service.billing.rules.words import charge, percent, step
from denghuo.service.tariff.api import AGENCY_CASES, Band, Component, PriceAt, TariffDocument, floated_price

Cells = dict[tuple[int | None, Band | None], int]
"""Energy in Wh by tier and band; None = not split that way."""


def component_lines(
    subject: RatingSubject,
    tariff: TariffDocument,
    component: Component,
    cells: dict[tuple[int, Band], int],
    metered: Metered,
    tier_step: Step | None,
) -> list[BillLine]:
    """The lines of a component over the energy in `cells` (Wh by tier and band).

    Raises:
        CannotRate: the tariff gives no price.
    """
    rows = at_voltage(component.prices, subject.voltage)
    if not rows:
        raise CannotRate(
            text(
                f"电价 {tariff.code} 的“{component.title.zh}”没有 {subject.voltage} 千伏的价格。",
                f"Tariff {tariff.code} gives {component.title.en} no price at {subject.voltage} kV.",
            ),
            code="no_price",
            value=f"{component.code}/{subject.voltage}",
        )
    rows, raised = _multiplied(subject, tariff, component, rows)
    tiered = tier_step is not None and any(row.tier is not None for row in rows)
    banded = tariff.time_of_use and (component.floats or any(row.band is not None for row in rows))
    month = priced_month(subject)
    lines: list[BillLine] = []
    for (tier, band), quantity in _collapsed(cells, tiered, banded).items():
        found = find_price(tariff, component, rows, month, band, tier)
        if found is None:
            continue
        amount = Money(charge_fen(found.price.e8, quantity))
        said, arithmetic = charge(quantity, "kWh", found.price, amount)
        steps = metered.steps_of(band)
        if tiered and tier_step is not None:
            steps.append(tier_step)
        steps += [found.step, said] if raised is None else [raised, found.step, said]
        lines.append(
            made(
                component.code,
                (component.title.zh, component.title.en),
                component.group,
                tariff,
                found.source,
                found.source.document or component.document,
                quantity,
                "kWh",
                found.price,
                amount,
                steps,
                arithmetic,
                band=None if band == "total" else band,
                tier=tier,
            )
        )
    return lines


def _collapsed(cells: dict[tuple[int, Band], int], tiered: bool, banded: bool) -> Cells:
    """Energy by what the component distinguishes. Empty parts are dropped, but for one, so that no use is a line of zero."""
    summed: Cells = {}
    for (tier, band), quantity in cells.items():
        key = (tier if tiered else None, band if banded else None)
        summed[key] = summed.get(key, 0) + quantity
    kept = {key: quantity for key, quantity in summed.items() if quantity}
    if not kept:
        kept = dict([next(iter(summed.items()))])
    return dict(sorted(kept.items(), key=lambda item: (item[0][0] or 0, BAND_PLACES[item[0][1]])))


# --- the multiplied agency price -----------------------------------------------------------------------------------------------


def _multiplied(
    subject: RatingSubject, tariff: TariffDocument, component: Component, rows: list[PriceAt]
) -> tuple[list[PriceAt], Step | None]:
    """The prices of a component for a customer who pays a multiple of the agency price; only the energy part is multiplied, and
    before it floats with time of use."""
    if subject.agency_case is None:
        return rows, None
    rule = tariff.agency_multiple
    case = AGENCY_CASES.entries[subject.agency_case]
    if rule is None or subject.agency_case not in rule.cases:
        raise CannotRate(
            text(
                f"电价 {tariff.code} 没有“{case['zh']}”的代理购电加价。",
                f"Tariff {tariff.code} has no multiple of the agency price for: {case['en']}.",
            ),
            code="no_terms",
            value=subject.agency_case,
        )
    if component.code not in rule.components:
        return rows, None
    share = percent(rule.share.number)
    raised = [row.model_copy(update={"price": floated_price(row.price, rule.share, tariff.rounding)}) for row in rows]
    said = step(
        "price",
        {"case": subject.agency_case, "share": share, "document": rule.document},
        f"{case['zh']}：{component.title.zh}按 {share}% 执行，其他项目不变，依据{rule.document}。",
        f"{case['en']}: {component.title.en} at {share} %, nothing else, {rule.document}. ",
        "agency.multiple",
    )
    return raised, said
