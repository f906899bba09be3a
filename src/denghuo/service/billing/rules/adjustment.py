"""The power-factor adjustment of a bill (功率因数调整电费): what its energies, its standard and its base are.

Reverse reactive energy adds to forward. Losses of transformers and lines before the meters belong to both energies; parallel
meters to neither. Where a plant of the customer's own feeds the site, the active energy is what was drawn from the grid: what the
plant gave to the site never passed the billing meter, and what was fed into the grid is not drawn. The base is what the components
say (`in_power_factor_base`) and the basic charge: energy and basic charge in the classic bills; since 2021 market energy, line
loss, transmission, system operation and the demand charge; funds never, and not what is billed at single-part prices by a fixed
ratio. The adjustment may exceed the base.
"""

from collections.abc import Sequence
from datetime import date

from denghuo.kernel.values import Money, round_half_up
from denghuo.service.billing.lines import BillLine, MeteredPiece, RatingRemark, RatingSubject, Step
from denghuo.service.billing.rules.capacity import installed_capacity
from denghuo.service.billing.rules.days import priced_month
from denghuo.service.billing.rules.making import made
from denghuo.service.billing.rules.power_factor import adjustment_percent, power_factor_hundredths
from denghuo.service.billing.rules.quantities import wanted_quantity, whole
from denghuo.service.billing.rules.words import milli, percent, registers, remark, step
from denghuo.service.tariff.api import PowerFactor, TariffDocument

MARKET_ERA = date(2021, 10, 15)
"""From here on the price is composed of market energy, line loss, transmission and system operation (发改价格〔2021〕1439号)."""


def power_factor_lines(
    subject: RatingSubject,
    tariff: TariffDocument,
    rule: PowerFactor,
    pieces: Sequence[MeteredPiece],
    base: int,
    lost: tuple[int, int],
    loss_steps: Sequence[Step],
) -> tuple[list[BillLine], list[RatingRemark]]:
    """The adjustment on `base` (fen) with the energies of `pieces` and the losses (Wh, varh) that belong to them."""
    standard = standard_of(subject, rule)
    if standard is None:
        return [], []
    reactive = [piece for piece in pieces if piece.quantity.startswith("reactive") and piece.band == "total"]
    if not reactive:
        return [], [
            remark(
                "no_reactive_register",
                f"没有无功示数，未计功率因数调整电费（标准 0.{standard}）。",
                f"There is no reactive register: no power-factor adjustment (standard 0.{standard}).",
            )
        ]
    places = tariff.rounding.quantity_places
    rows = [(piece, whole(abs(piece.value_milli or 0), places)) for piece in reactive]
    backward = [piece for piece in reactive if piece.quantity == "reactive_rev"]
    kvarh = sum(value for _, value in rows) + lost[1]
    kwh = _active_total(pieces, tariff, places) + lost[0]
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
    if subject.standard_lowered or not rule.reward:
        number = max(number, 0)
    amount = Money(round_half_up(base * number, 10_000))
    arithmetic = f"{Money(base)} × {percent(number)}% = {amount}"
    steps = [
        *(registers(piece, value if (piece.value_milli or 0) >= 0 else -value, "kvarh") for piece, value in rows),
        *loss_steps,
        *_own_plant(subject, kwh),
        _factor_step(
            subject, rule, kwh, kvarh, factor, standard, number, reverse=any(one.value_milli for one in backward)
        ),
        step(
            "base",
            {"base": str(Money(base))},
            f"调整基数 {Money(base)} 元（不含政府性基金）。",
            f"Base {Money(base)} yuan without government funds. ",
            "factor.base.2021" if tariff.effective_from >= MARKET_ERA else "factor.base",
        ),
        step("charge", {"amount": str(amount)}, f"金额：{arithmetic} 元。", f"Amount: {arithmetic} yuan. "),
    ]
    title = ("功率因数调整电费", "Power-factor adjustment")
    line = made(
        "power_factor",
        title,
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


def standard_of(subject: RatingSubject, rule: PowerFactor) -> int | None:
    """The standard in hundredths: the contract's, else the tariff's for the capacity and voltage; None = no adjustment."""
    if subject.standard is not None:
        return subject.standard
    capacity = max((span.capacity_va or 0 for span in subject.spans), default=0)
    if subject.transformers:
        month = priced_month(subject)
        last = month.first_day.replace(day=month.day_count)
        capacity = max(capacity, installed_capacity(subject.transformers, month.first_day, last))
    fitting = [
        row
        for row in rule.standards
        if capacity >= row.capacity_from.va and (not row.voltages or subject.voltage in row.voltages)
    ]
    return max(fitting, key=lambda row: row.capacity_from.va).standard if fitting else None


def _own_plant(subject: RatingSubject, kwh: int) -> list[Step]:
    """What the customer's own generation does to the factor: only the grid's side is counted."""
    exported = subject.exported_wh
    if not exported:
        return []
    return [
        step(
            "quantity",
            {"drawn": milli(kwh), "exported": milli(exported)},
            f"有自备或分布式电源：有功按计费计量点下网电量 {milli(kwh)} 千瓦时，"
            f"本月上网电量 {milli(exported)} 千瓦时与就地自用的发电量不计入，无功按计费计量点正反向绝对值之和。",
            f"There is a plant of the customer's own: the active energy is the {milli(kwh)} kWh drawn through the billing meter;"
            f" the {milli(exported)} kWh fed in this month and what was used on the spot do not count; reactive energy counts in"
            " both directions. ",
            "factor.own_plant",
        )
    ]


def _factor_step(
    subject: RatingSubject,
    rule: PowerFactor,
    kwh: int,
    kvarh: int,
    factor: int,
    standard: int,
    number: int,
    *,
    reverse: bool,
) -> Step:
    pf = f"{factor // 100}.{factor % 100:02d}"
    ratio = f"{milli(kwh)} / √({milli(kwh)}² + {milli(kvarh)}²) = {pf}"
    values = {
        "active": milli(kwh),
        "reactive": milli(kvarh),
        "factor": pf,
        "standard": f"0.{standard}",
        "percent": percent(number),
        "document": rule.document,
    }
    lowered = ("（降低标准，不减收）", " (lowered, no reward)") if subject.standard_lowered else ("", "")
    return step(
        "power_factor",
        values,
        f"功率因数 {ratio}，标准 0.{standard}{lowered[0]}，调整 {percent(number)}%，依据{rule.document}。",
        f"Power factor {ratio}, standard 0.{standard}{lowered[1]}, adjustment {percent(number)} %, {rule.document}. ",
        "factor.adjustment"
        + (" factor.lowered" if subject.standard_lowered else "")
        + (" factor.reverse" if reverse else ""),
    )


def _active_total(pieces: Sequence[MeteredPiece], tariff: TariffDocument, places: int) -> int:
    """Active energy for the power factor: the total registers, or the bands where a meter has no total."""
    wanted = wanted_quantity(tariff)
    by_meter: dict[tuple[str, str, int], dict[str, int]] = {}
    for piece in pieces:
        if piece.quantity == wanted:
            by_band = by_meter.setdefault((piece.point_no, piece.meter_no, piece.piece), {})
            by_band[piece.band] = whole(piece.value_milli or 0, places)
    return sum(values.get("total", sum(values.values())) for values in by_meter.values())
