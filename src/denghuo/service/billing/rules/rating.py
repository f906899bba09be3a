"""Rating of one contract for one month: lines with their explanation, added up to the fen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from denghuo.kernel.period import SLOTS_A_DAY, Month
from denghuo.kernel.problem import text
from denghuo.kernel.values import INT64_MAX, Money
from denghuo.service.billing.lines import BillLine, CannotRate, MeteredPiece, Rated, RatingSubject, Step
from denghuo.service.billing.rules.adjustment import power_factor_lines
from denghuo.service.billing.rules.basic import basic_lines
from denghuo.service.billing.rules.charges import charge_lines
from denghuo.service.billing.rules.days import billed_days, priced_month
from denghuo.service.billing.rules.energy import component_lines
from denghuo.service.billing.rules.households import free_energy_line
from denghuo.service.billing.rules.losses import line_loss, own_shares, transformer_loss
from denghuo.service.billing.rules.market import REPLACED, green_lines, market_lines, points_estimated
from denghuo.service.billing.rules.parts import PartEnergy, own_pieces, taken_off
from denghuo.service.billing.rules.quantities import Metered, checked, metered_energy, whole
from denghuo.service.billing.rules.resale import resold
from denghuo.service.billing.rules.special_days import days_counted
from denghuo.service.billing.rules.subsidy import COMPONENT as SUBSIDY
from denghuo.service.billing.rules.subsidy import subsidised
from denghuo.service.billing.rules.tiers import by_tier_and_band, tier_energy
from denghuo.service.billing.rules.words import milli, step
from denghuo.service.tariff.api import TariffDocument

SYSTEM_OPERATION = frozenset(
    {
        "system_operation",
        "pumped_storage",
        "coal_capacity",
        "line_loss_balance",
        "cross_subsidy_balance",
        "capacity_compensation_balance",
        "mechanism_difference",
        "power_factor_balance",
        "time_of_use_balance",
    }
)
"""The items of system operation. The basic charge is part of transmission and distribution and stands before them, as on the bills
of the utilities."""


@dataclass
class _Energies:
    """The month's energies before they are priced."""

    main: Metered
    pieces: list[MeteredPiece]
    """Those of the main meters, which the power factor is taken on."""
    parts: list[PartEnergy]
    lost: tuple[int, int] = (0, 0)
    """Losses (Wh, varh) that belong to the power factor's energies."""
    loss_steps: list[Step] = field(default_factory=list)

    @property
    def billed(self) -> int:
        return self.main.total + sum(part.metered.total for part in self.parts if part.tariff is not None)


@dataclass
class _Sums:
    """The lines of a bill by their place, and the base of the power factor in fen."""

    energy: list[BillLine] = field(default_factory=list)
    funds: list[BillLine] = field(default_factory=list)
    base: int = 0

    def add(self, lines: list[BillLine], *, in_base: bool, fund: bool = False) -> None:
        (self.funds if fund else self.energy).extend(lines)
        if in_base and not fund:
            self.base += sum(line.amount.fen for line in lines)


def rate(subject: RatingSubject, tariff: TariffDocument, others: Mapping[str, TariffDocument] | None = None) -> Rated:
    """Rates a contract's month by a tariff. others: the tariffs of its parts by code.

    Raises:
        CannotRate: something that a right bill needs is missing; nothing is guessed and nothing missing becomes zero.
    """
    first, last = billed_days(subject)
    month = priced_month(subject)
    _one_month(subject, tariff, first, last)
    _fits(subject, tariff, first, last)
    checked(subject.pieces)
    energies = _energies(subject, tariff, others or {}, month)
    metered = energies.main
    remarks = list(metered.remarks)
    if subject.market is not None and subject.market.slots is not None and subject.market.slots.estimated:
        remarks.append(points_estimated(len(subject.market.slots.estimated)))
    if subject.calendar is not None:
        remarks += days_counted(tariff, subject.calendar)
    sums = _Sums()
    tiers = _priced(subject, tariff, metered, sums)
    free: list[BillLine] = []
    if tariff.free_energy is not None and subject.free_months:
        lines = [*sums.energy, *sums.funds]
        line = free_energy_line(tariff, tariff.free_energy, subject, metered.total, lines)
        free = [line] if line is not None else []
    for part in energies.parts:
        if part.tariff is not None:
            _part_priced(subject, part, part.tariff, sums, first, last)
    basic: list[BillLine] = []
    if tariff.basic is not None:
        passed_on = list(resold(((one.part, one.metered.total) for one in energies.parts), first, last))
        basic, more = basic_lines(
            subject, tariff, tariff.basic, first, last, energies.billed, energies.pieces, passed_on
        )
        remarks += more
    adjustment: list[BillLine] = []
    if tariff.power_factor is not None:
        base = sums.base
        if tariff.power_factor.with_basic_charge:
            base += sum(line.amount.fen for line in basic)
        adjustment, more = power_factor_lines(
            subject, tariff, tariff.power_factor, energies.pieces, base, energies.lost, energies.loss_steps
        )
        remarks += more
    charges = charge_lines(energies.pieces, tariff, month, first, last) if tariff.charges else []
    before = next((at for at, line in enumerate(sums.energy) if line.code in SYSTEM_OPERATION), len(sums.energy))
    lines = [*sums.energy[:before], *basic, *charges, *sums.energy[before:], *sums.funds, *free, *adjustment]
    total = sum(line.amount.fen for line in lines)
    if max([abs(total), *(abs(line.amount.fen) for line in lines)]) > INT64_MAX:
        raise CannotRate(
            text("金额超出可记账的范围，请核对示数。", "The amount is past what can be booked; compare the registers."),
            code="bad_quantity",
            value=str(Money(total)),
        )
    return Rated(
        tariff_code=tariff.code,
        tariff_version=tariff.version,
        energy_wh=energies.billed,
        tiers_wh=tiers,
        lines=lines,
        total=Money(total),
        estimated_days=max(
            [
                metered.estimated_days,
                _days_by_estimates(subject),
                *(part.metered.estimated_days for part in energies.parts),
            ]
        ),
        illustrative=any(line.illustrative for line in lines),
        remarks=remarks,
    )


def _days_by_estimates(subject: RatingSubject) -> int:
    """Days with points that estimates filled."""
    slots = subject.market.slots if subject.market is not None else None
    return len({at // SLOTS_A_DAY for at in slots.by_estimates}) if slots is not None else 0


def _one_month(subject: RatingSubject, tariff: TariffDocument, first: date, last: date) -> None:
    """What hangs on the month is rated month by month, also where a reading covers several."""
    within = (first.year, first.month) == (last.year, last.month)
    if not within and (
        tariff.time_of_use or tariff.basic is not None or tariff.charges or subject.losses or subject.parts
    ):
        raise CannotRate(
            text(
                f"{first} 至 {last} 跨月，而分时、基本电费、损耗等按月计算；请按月分段。",
                f"{first} to {last} are of several months, and bands, basic charge or losses are those of a month; rate them in"
                " stages, month by month.",
            ),
            code="no_days",
            value=f"{first}..{last}",
        )


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


# --- energies --------------------------------------------------------------------------------------------------------------


def _energies(
    subject: RatingSubject, tariff: TariffDocument, others: Mapping[str, TariffDocument], month: Month
) -> _Energies:
    pieces = own_pieces(subject.pieces, subject.parts) if subject.parts else subject.pieces
    main = metered_energy(pieces, tariff, month)
    parts = taken_off(main, subject.parts, subject.pieces, tariff, others, month) if subject.parts else []
    found = _Energies(main, pieces, parts)
    if subject.losses or subject.line_losses:
        _lose(subject, tariff, found)
    return found


def _lose(subject: RatingSubject, tariff: TariffDocument, found: _Energies) -> None:
    """Losses are found on all that is metered behind the transformer and shared over main meter, parts and other contracts."""
    places = tariff.rounding.quantity_places
    unit: int = 10 ** (3 - places)
    metered = [found.main, *(part.metered for part in found.parts)]
    before = [one.total for one in metered]
    # A sub-meter's reactive energy is inside that of its main meter.
    inside = {part.part.point_no for part in found.parts if part.part.way != "parallel"}
    reactive = sum(
        whole(abs(piece.value_milli or 0), places)
        for piece in subject.pieces
        if piece.quantity.startswith("reactive") and piece.band == "total" and piece.point_no not in inside
    )
    parallel = {at for at, part in enumerate(found.parts, 1) if part.part.way == "parallel"}
    for transformer in subject.losses:
        lost = transformer_loss(transformer, sum(before), reactive, places)
        found.loss_steps += lost.steps
        others = transformer.behind_each or ([transformer.behind_wh] if transformer.behind_wh else [])
        main = transformer.bears_remainder or not others
        active = own_shares(lost.active_wh, before, others, unit, main=main)
        varh = own_shares(lost.reactive_varh, before, others, unit, main=main)
        for at, one in enumerate(metered):
            one.add(active[at], _borne(lost.active_wh, active[at], lost.steps[0], len(before) + len(others) > 1))
            if at not in parallel:
                found.lost = (found.lost[0] + active[at], found.lost[1] + varh[at])
    for line in subject.line_losses:
        lost = line_loss(line, found.main.total, places)
        found.loss_steps += lost.steps
        found.main.add(lost.active_wh, lost.steps[0])
        found.lost = (found.lost[0] + lost.active_wh, found.lost[1])
    if any(value < 0 for value in found.main.by_band.values()):
        raise CannotRate(
            text("扣减线损后电量为负，请核对。", "Taking off line loss leaves less than nothing; look at its terms."),
            code="bad_quantity",
            value=milli(min(found.main.by_band.values())),
        )


def _borne(whole_loss: int, borne: int, said: Step, is_shared: bool) -> Step:
    if not is_shared:
        return said
    return step(
        "loss",
        said.values | {"borne": milli(borne)},
        f"{said.text.zh}按电量分摊 {milli(borne)} 千瓦时。",
        f"{said.text.en}Its share by energy: {milli(borne)} of {milli(whole_loss)} kWh. ",
        "loss.share",
    )


# --- prices ----------------------------------------------------------------------------------------------------------------


def _priced(subject: RatingSubject, tariff: TariffDocument, metered: Metered, sums: _Sums) -> list[int]:
    """Adds the component lines of the main meter; gives its energy by tier."""
    tiers, tier_step = None, None
    places = tariff.rounding.quantity_places
    if tariff.tiers is not None:
        tiers, tier_step = tier_energy(tariff.tiers, subject, metered.total, places)
    cells = by_tier_and_band(tiers or [metered.total], metered.by_band, 10 ** (3 - places))
    market = subject.market
    if market is not None:
        sums.add(market_lines(market, metered, tariff), in_base=True)
    for component in tariff.components:
        if market is not None and component.code == REPLACED:
            continue
        if component.code == SUBSIDY and tariff.subsidy is not None:
            energy = subsidised(subject, tariff, tariff.subsidy, metered.total)
            lines = component_lines(subject, tariff, component, {(1, "total"): energy.total}, energy, None)
        else:
            lines = component_lines(subject, tariff, component, cells, metered, tier_step if tiers else None)
        sums.add(lines, in_base=component.in_power_factor_base, fund=component.group == "fund")
    if market is not None and market.green:
        sums.add(green_lines(market.green, tariff), in_base=False)
    return list(tiers or [])


def _part_priced(
    subject: RatingSubject, part: PartEnergy, tariff: TariffDocument, sums: _Sums, first: date, last: date
) -> None:
    """A part's lines: by its own tariff, with its own funds, outside the power factor's money, basic charge and tiers."""
    terms: dict[str, object] = {
        "tariff_class": part.part.tariff_class or tariff.classes[0],
        "settlement": part.part.settlement or tariff.settlements[0],
        "parts": [],
        "agency_case": None,
    }
    own = subject.model_copy(update=terms)
    _fits(own, tariff, first, last)
    cells = by_tier_and_band([part.metered.total], part.metered.by_band, 10 ** (3 - tariff.rounding.quantity_places))
    for component in tariff.components:
        lines = component_lines(own, tariff, component, cells, part.metered, None)
        sums.add(lines, in_base=False, fund=component.group == "fund")
