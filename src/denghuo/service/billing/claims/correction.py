"""Correction of quantity (退补电量): one cause, the registers that were wrong, and the energy that follows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction

from denghuo.kernel.problem import text
from denghuo.kernel.values import Percent
from denghuo.service.billing.api import QuantityCorrection
from denghuo.service.billing.api.claim import ClaimEnergy, ThreeWire
from denghuo.service.billing.claims.facts import label, missing, require, used_energies
from denghuo.service.billing.lines import Claim
from denghuo.service.billing.misfits import Misfit
from denghuo.service.billing.rules import claims as rules
from denghuo.service.billing.rules.claims import correction
from denghuo.service.billing.rules.claims.correction import Correction
from denghuo.service.billing.rules.claims.making import claim
from denghuo.service.tariff.api import Band

CAUSES = (
    "ratio",
    "elements",
    "transformers",
    "meter",
    "lost",
    "three_wire",
    "drop",
    "creep",
    "normal_month",
)
ALONE = ("creep", "normal_month")
"""Causes that bring their own energy and price; all others correct registers."""
NOTHING_REGISTERED = Percent.of("-100")


def quantity_correction(facts: QuantityCorrection) -> Claim:
    """Energy that was registered wrongly, by its cause. Raises NotTriable where the facts do not fit."""
    require(_misfits(facts))
    if facts.creep is not None:
        found = correction.creep(facts.creep.minutes, facts.creep.minutes_a_turn, facts.creep.turns_a_kwh)
        return rules.correction_claim(found, {"total": facts.creep.price})
    if facts.normal_month is not None:
        month = facts.normal_month
        found = correction.normal_month(month.normal.wh, month.registered.wh)
        return rules.correction_claim(found, {"total": month.price})
    parts = [_piece(facts, period, rows) for period, rows in _by_period(facts.registered).items()]
    return claim([line for part in parts for line in part.lines], sum(part.energy_wh or 0 for part in parts))


def _by_period(registered: Sequence[ClaimEnergy]) -> Mapping[str, Sequence[ClaimEnergy]]:
    """The registers of each piece of time, which has prices of its own."""
    found: dict[str, list[ClaimEnergy]] = {}
    for one in registered:
        found.setdefault(one.period, []).append(one)
    return found


def _piece(facts: QuantityCorrection, period: str, rows: Sequence[ClaimEnergy]) -> Claim:
    registered: Mapping[Band, int] = {one.band: one.energy.wh for one in rows}
    return rules.correction_claim(_corrected(facts, registered), {one.band: one.price for one in rows}, period)


def _corrected(facts: QuantityCorrection, registered: Mapping[Band, int]) -> Correction:
    places = 0 if facts.whole_kwh else 3
    if facts.meter is not None:
        known = facts.meter.known_since
        return correction.meter_error(registered, facts.meter.error, known_since=known, places=places)
    factor, rule = factor_of(facts)
    return correction.corrected(registered, factor, rule, places=places)


def factor_of(facts: QuantityCorrection) -> tuple[Fraction, str]:
    """K and the rule that it rests on, of the causes that have one.

    Raises:
        ValueError: nothing was registered.
    """
    if facts.ratio is not None:
        return correction.ratio_factor(Fraction(facts.ratio.real), Fraction(facts.ratio.billed)), "correction.ratio"
    if facts.elements:
        ratios = [Fraction(-one.ratio if one.reversed else one.ratio) for one in facts.elements]
        return correction.elements_factor(ratios, Fraction(facts.billed_ratio or 1)), "correction.wiring"
    if facts.transformers:
        return correction.errors_factor([one.error for one in facts.transformers]), "correction.wiring"
    if facts.meter is not None:
        return correction.error_factor(facts.meter.error), "correction.error"
    if facts.drop is not None:
        return correction.drop_factor(facts.drop.drop, facts.drop.allowed), "correction.drop"
    if facts.lost is not None:
        return correction.phases_factor(facts.lost.working), "correction.voltage"
    assert facts.three_wire is not None
    return _three_wire(facts.three_wire), "correction.wiring"


def _three_wire(facts: ThreeWire) -> Fraction:
    tangent = Fraction(facts.reactive.number, facts.active.wh)
    if facts.fault == "lost_voltage":
        return correction.three_wire_lost_voltage(facts.phase, tangent)
    return correction.three_wire_reversed_current(facts.phase, tangent)


# --- what does not fit --------------------------------------------------------------------------------------------------------


def _misfits(facts: QuantityCorrection) -> Iterator[Misfit]:
    causes = [name for name in CAUSES if getattr(facts, name) not in (None, [])]
    if len(causes) == 1 and causes[0] not in ALONE:
        if not facts.registered:
            yield missing(QuantityCorrection, "registered")
        yield from used_energies("registered", facts.registered)
        yield from _one_a_band(facts.registered)
    yield from cause_misfits(facts)


def cause_misfits(facts: QuantityCorrection) -> Iterator[Misfit]:
    """What is wrong with the cause alone, whatever was registered."""
    causes = [name for name in CAUSES if getattr(facts, name) not in (None, [])]
    if len(causes) != 1:
        yield _one_cause(causes)
        return
    yield from _OF_CAUSE.get(causes[0], _nothing)(facts)


def _one_cause(causes: Sequence[str]) -> Misfit:
    if not causes:
        return missing(QuantityCorrection, *CAUSES)
    labels = [label(QuantityCorrection, name) for name in causes]
    said = text(
        f"一次只按一种原因退补，现有：{'、'.join(one.zh for one in labels)}，请分次计算。",
        f"One cause at a time; given are {', '.join(one.en for one in labels)}. Work them out one by one.",
    )
    return Misfit(causes[1], "", said)


def _one_a_band(registered: Sequence[ClaimEnergy]) -> Iterator[Misfit]:
    seen = set()
    for at, one in enumerate(registered):
        if (one.period, one.band) in seen:
            said = text(
                f"时段 {one.band} 出现两次，请合并为一行。", f"Band {one.band} stands twice; put it into one row."
            )
            yield Misfit(f"registered.{at}.band", one.band, said)
        seen.add((one.period, one.band))


def _nothing(_: QuantityCorrection) -> Iterator[Misfit]:
    return iter(())


def _wired(facts: QuantityCorrection) -> Iterator[Misfit]:
    if facts.billed_ratio is None:
        yield missing(QuantityCorrection, "billed_ratio")
        return
    yield from _three("elements", len(facts.elements))
    if len(facts.elements) == 3:
        yield from _registers_something("elements", facts)


def _erring(facts: QuantityCorrection) -> Iterator[Misfit]:
    yield from _three("transformers", len(facts.transformers))
    if len(facts.transformers) == 3:
        yield from _registers_something("transformers", facts)


def _three(field: str, count: int) -> Iterator[Misfit]:
    if count != 3:
        said = text(f"三相四线须填三相，现有 {count} 相。", f"A four-wire meter has three phases; given are {count}.")
        yield Misfit(field, str(count), said)


def _registers_something(field: str, facts: QuantityCorrection) -> Iterator[Misfit]:
    try:
        factor_of(facts)
    except ValueError:
        said = text(
            "按这些条件电能表不计量，没有更正系数，请按正常月电量退补。",
            "With these the meter registers nothing and there is no factor; use the energy of a normal month.",
        )
        yield Misfit(field, "", said)


def _sane_error(facts: QuantityCorrection) -> Iterator[Misfit]:
    if facts.meter is not None and facts.meter.error.number <= NOTHING_REGISTERED.number:
        said = text(
            "误差须大于 -100%；表计完全不计量时按正常月电量退补。",
            "The error must be above -100 %; where nothing was registered, use the energy of a normal month.",
        )
        yield Misfit("meter.error", str(facts.meter.error), said)


def _angle(facts: QuantityCorrection) -> Iterator[Misfit]:
    assert facts.three_wire is not None
    if facts.three_wire.active.wh <= 0:
        said = text("有功电量应大于 0，请更正。", "The active energy must be above zero; correct it.")
        yield Misfit("three_wire.active", str(facts.three_wire.active), said)
    elif facts.three_wire.fault == "reversed_current" and facts.three_wire.phase == "B":
        said = text(
            "三相三线只有 A、C 两相电流，请改相别。", "A three-wire meter has the currents of A and C; take one."
        )
        yield Misfit("three_wire.phase", "B", said)
    else:
        yield from _registers_something("three_wire", facts)


_OF_CAUSE: Mapping[str, Callable[[QuantityCorrection], Iterator[Misfit]]] = {
    "elements": _wired,
    "transformers": _erring,
    "meter": _sane_error,
    "three_wire": _angle,
}
