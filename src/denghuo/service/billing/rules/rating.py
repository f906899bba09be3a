"""Rating of one contract for one month: lines with their explanation, added up to the fen."""

from collections.abc import Callable
from datetime import date, timedelta

from denghuo.kernel.period import Month
from denghuo.kernel.problem import text
from denghuo.kernel.values import INT64_MAX, Money, charge_fen, round_half_up
from denghuo.service.billing.lines import BillLine, CannotRate, MeteredPiece, Rated, RatingRemark, RatingSubject, Step
from denghuo.service.billing.rules.basic import basic_lines, made
from denghuo.service.billing.rules.power_factor import adjustment_percent, power_factor_hundredths
from denghuo.service.billing.rules.prices import at_voltage, find_price
from denghuo.service.billing.rules.quantities import (
    Metered,
    by_tier_and_band,
    checked,
    metered_energy,
    tier_energy,
    whole,
)
from denghuo.service.billing.rules.words import charge, milli, percent, registers, remark, step
from denghuo.service.tariff.api import Component, PowerFactor, TariffDocument

Cells = dict[tuple[int | None, str | None], int]
"""Energy in Wh by tier and band; None = not split that way."""


def rate(subject: RatingSubject, tariff: TariffDocument) -> Rated:
    """Rates a contract's month by a tariff.

    Raises:
        CannotRate: something that a right bill needs is missing; nothing is guessed and nothing missing becomes zero.
    """
    month = Month.of(subject.month)
    first, last = _days(subject, month)
    _fits(subject, tariff, first, last)
    checked(subject.pieces)
    metered = metered_energy(subject, tariff)
    remarks = list(metered.remarks)
    tiers, tier_step = None, None
    places = tariff.rounding.quantity_places
    if tariff.tiers is not None:
        tiers, tier_step = tier_energy(tariff.tiers, subject, metered.total, places)
    cells = by_tier_and_band(tiers or [metered.total], metered.by_band, 10 ** (3 - places))

    energy: list[BillLine] = []
    funds: list[BillLine] = []
    base = 0
    for component in tariff.components:
        lines = _component_lines(subject, tariff, component, cells, metered, tier_step if tiers else None)
        if component.group == "fund":
            funds += lines
        else:
            energy += lines
            if component.in_power_factor_base:
                base += sum(line.amount.fen for line in lines)
    basic: list[BillLine] = []
    if tariff.basic is not None:
        basic, more = basic_lines(subject, tariff, tariff.basic, first, last, metered.total)
        remarks += more
    adjustment: list[BillLine] = []
    if tariff.power_factor is not None:
        if tariff.power_factor.with_basic_charge:
            base += sum(line.amount.fen for line in basic)
        adjustment, more = _power_factor(subject, tariff, tariff.power_factor, base)
        remarks += more
    lines = [*energy, *basic, *funds, *adjustment]
    total = sum(line.amount.fen for line in lines)
    if max(abs(total), *(abs(line.amount.fen) for line in lines)) > INT64_MAX:
        raise CannotRate(
            text("金额超出可记账的范围，请核对示数。", "The amount is past what can be booked; compare the registers."),
            code="bad_quantity",
            value=str(Money(total)),
        )
    return Rated.model_construct(
        tariff_code=tariff.code,
        tariff_version=tariff.version,
        energy_wh=metered.total,
        tiers_wh=list(tiers or []),
        lines=lines,
        total=Money(total),
        estimated_days=metered.estimated_days,
        illustrative=any(line.illustrative for line in lines),
        remarks=remarks,
    )


def _days(subject: RatingSubject, month: Month) -> tuple[date, date]:
    end = month.next.first_day - timedelta(days=1)
    first = max(subject.first_day or month.first_day, month.first_day)
    last = min(subject.last_day or end, end)
    if last < first:
        raise CannotRate(
            text(f"{subject.month} 没有应计费的天数。", f"No day of {subject.month} is to be billed."),
            code="no_days",
            value=f"{subject.first_day}..{subject.last_day}",
        )
    return first, last


def _fits(subject: RatingSubject, tariff: TariffDocument, first: date, last: date) -> None:
    def refuse(code: str, value: str, zh: str, en: str) -> None:
        raise CannotRate(text(zh, en), code=code, value=value, tariff_code=tariff.code)

    if tariff.kind != subject.kind or subject.tariff_class not in tariff.classes:
        refuse(
            "class",
            subject.tariff_class,
            f"电价 {tariff.code} 不适用于该用电类别。",
            f"Tariff {tariff.code} is not for {subject.kind} of class {subject.tariff_class}.",
        )
    if subject.settlement not in tariff.settlements:
        refuse(
            "class",
            subject.settlement,
            f"电价 {tariff.code} 不适用于该结算方式。",
            f"Tariff {tariff.code} is not for settlement {subject.settlement}.",
        )
    if subject.voltage not in tariff.voltages:
        refuse(
            "voltage",
            subject.voltage,
            f"电价 {tariff.code} 没有 {subject.voltage} 千伏的价格。",
            f"Tariff {tariff.code} has no prices at {subject.voltage} kV.",
        )
    if tariff.effective_from > first or (tariff.effective_to is not None and tariff.effective_to <= last):
        span = f"{tariff.effective_from.isoformat()}..{tariff.effective_to.isoformat() if tariff.effective_to else ''}"
        refuse(
            "not_in_force",
            span,
            f"电价 {tariff.code} 的有效期 {span} 不覆盖 {first} 至 {last}，请发布后续电价后重算。",
            f"Tariff {tariff.code} is in force {span} and does not cover {first} to {last}; publish its successor and rate again.",
        )


# --- energy --------------------------------------------------------------------------------------------------------------


def _component_lines(
    subject: RatingSubject,
    tariff: TariffDocument,
    component: Component,
    cells: dict[tuple[int, str], int],
    metered: Metered,
    tier_step: Step | None,
) -> list[BillLine]:
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
    tiered = tier_step is not None and any(row.tier is not None for row in rows)
    banded = tariff.time_of_use and (component.floats or any(row.band is not None for row in rows))
    month = Month.of(subject.month)
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
        steps += [found.step, said]
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


_BANDS = {band: at for at, band in enumerate((None, "total", "sharp", "peak", "flat", "valley", "deep"))}


def _collapsed(cells: dict[tuple[int, str], int], tiered: bool, banded: bool) -> Cells:
    """Energy by what the component distinguishes. Empty parts are dropped, but for one, so that no use is a line of zero."""
    summed: Cells = {}
    for (tier, band), quantity in cells.items():
        key = (tier if tiered else None, band if banded else None)
        summed[key] = summed.get(key, 0) + quantity
    kept = {key: quantity for key, quantity in summed.items() if quantity}
    if not kept:
        kept = dict([next(iter(summed.items()))])
    return dict(sorted(kept.items(), key=lambda item: (item[0][0] or 0, _BANDS[item[0][1]])))


# --- power factor --------------------------------------------------------------------------------------------------------


def _standard(subject: RatingSubject, rule: PowerFactor) -> int | None:
    if subject.standard is not None:
        return subject.standard
    capacity = max((span.capacity_va or 0 for span in subject.spans), default=0)
    fitting = [
        row
        for row in rule.standards
        if capacity >= row.capacity_from.va and (not row.voltages or subject.voltage in row.voltages)
    ]
    return max(fitting, key=lambda row: row.capacity_from.va).standard if fitting else None


def _power_factor(
    subject: RatingSubject, tariff: TariffDocument, rule: PowerFactor, base: int
) -> tuple[list[BillLine], list[RatingRemark]]:
    standard = _standard(subject, rule)
    if standard is None:
        return [], []
    reactive = [piece for piece in subject.pieces if piece.quantity.startswith("reactive") and piece.band == "total"]
    if not reactive:
        return [], [
            remark(
                "no_reactive_register",
                f"没有无功示数，未计功率因数调整电费（标准 0.{standard}）。",
                f"There is no reactive register: no power-factor adjustment (standard 0.{standard}).",
            )
        ]
    places = tariff.rounding.quantity_places
    # Reverse reactive energy adds to forward.
    rows = [(piece, whole(abs(piece.value_milli or 0), places)) for piece in reactive]
    kvarh = sum(value for _, value in rows)
    active = [
        piece
        for piece in subject.pieces
        if piece.quantity == ("active_rev" if tariff.kind == "purchase" else "active_fwd")
    ]
    kwh = _active_total(active, lambda value: whole(value, places))
    factor = power_factor_hundredths(kwh, kvarh)
    if factor is None or factor == 0:
        return [], [
            remark(
                "power_factor_without_energy",
                "有功电量为零，无法按功率因数表调整，请核对。",
                "There is no active energy: the power-factor table gives no adjustment; look at the registers.",
                review=kvarh > 0,
            )
        ]
    number = adjustment_percent(standard, factor)
    number = number if rule.reward else max(number, 0)
    amount = Money(round_half_up(base * number, 10_000))
    pf = f"{factor // 100}.{factor % 100:02d}"
    arithmetic = f"{Money(base)} × {percent(number)}% = {amount}"
    values = {
        "active": milli(kwh),
        "reactive": milli(kvarh),
        "factor": pf,
        "standard": f"0.{standard}",
        "percent": percent(number),
        "document": rule.document,
    }
    ratio = f"{milli(kwh)} / √({milli(kwh)}² + {milli(kvarh)}²) = {pf}"
    steps = [
        *(registers(piece, value if (piece.value_milli or 0) >= 0 else -value, "kvarh") for piece, value in rows),
        step(
            "power_factor",
            values,
            f"功率因数 {ratio}，标准 0.{standard}，调整 {percent(number)}%，依据{rule.document}。",
            f"Power factor {ratio}, standard 0.{standard}, adjustment {percent(number)} %, {rule.document}. ",
        ),
        step(
            "base",
            {"base": str(Money(base))},
            f"调整基数 {Money(base)} 元（不含政府性基金）。",
            f"Base {Money(base)} yuan without government funds. ",
        ),
        step("charge", {"amount": str(amount)}, f"金额：{arithmetic} 元。", f"Amount: {arithmetic} yuan. "),
    ]
    line = made(
        "power_factor",
        ("功率因数调整电费", "Power-factor adjustment"),
        "power_factor",
        tariff,
        None,
        rule.document,
        number * 10,
        "%",
        None,
        amount,
        steps,
        arithmetic,
    )
    return [line], []


def _active_total(pieces: list[MeteredPiece], rounded: Callable[[int], int]) -> int:
    """Active energy for the power factor: the total registers, or the bands where a meter has no total."""
    by_meter: dict[tuple[str, str, int], dict[str, int]] = {}
    for piece in pieces:
        by_meter.setdefault((piece.point_no, piece.meter_no, piece.piece), {})[piece.band] = rounded(
            piece.value_milli or 0
        )
    return sum(values.get("total", sum(values.values())) for values in by_meter.values())
