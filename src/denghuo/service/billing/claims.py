"""From the facts that a clerk or an inspector states to an explained claim (退补与违约计算). Pure: no clock, no I/O; the rules of
`rules.claims` do the rest."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Literal

from denghuo.kernel.contract import Label
from denghuo.kernel.problem import text
from denghuo.kernel.values import Energy, Percent
from denghuo.service.billing.api import CLAIM_KINDS, ClaimEnergy, ClaimRow, WorkedOut, WorkOut
from denghuo.service.billing.api.bill import Counted
from denghuo.service.billing.lines import Claim, ClaimLine
from denghuo.service.billing.rules import claims as rules
from denghuo.service.billing.rules.claims import PricedEnergy, correction
from denghuo.service.billing.rules.claims.breach import CAPACITY_TIMES, CATEGORY_TIMES, THEFT_TIMES
from denghuo.service.billing.rules.registry import RULES
from denghuo.service.billing.trial import Misfit, refused
from denghuo.service.tariff.api import Band

ENERGY_TITLE = ("电度电费", "Energy charge")
NOTHING_REGISTERED = Percent.of("-100")


def work_out(facts: WorkOut, now: datetime) -> WorkedOut:
    """The claim that follows from the facts.

    Raises:
        NotTriable: a fact is missing or does not fit, with its field.
    """
    kind = _KINDS[facts.kind]
    misfits = [_missing(facts, name) for name in kind.needs if getattr(facts, name) in (None, [])]
    misfits += kind.misfits(facts)
    if misfits:
        raise refused(misfits)
    claim = kind.claim(facts)
    return WorkedOut(
        kind=facts.kind,
        amount=claim.total,
        energy=None if claim.energy_wh is None else Energy(claim.energy_wh),
        lines=[_row(number, line) for number, line in enumerate(claim.lines, 1)],
        as_of=now,
    )


def _row(number: int, line: ClaimLine) -> ClaimRow:
    return ClaimRow(
        line=number,
        code=line.code,
        name=line.title,
        group=line.group,
        band=line.band,
        quantity=None if line.quantity_milli is None else Counted(line.quantity_milli),
        unit=line.unit,
        price=line.price,
        amount=line.amount,
        sentence=line.sentence,
        arithmetic=line.arithmetic,
        rule=line.rule,
        document_no=line.document_no,
        steps=line.steps,
    )


# --- what each kind is worked out from ----------------------------------------------------------------------------------------


def _late_fee(facts: WorkOut) -> Claim:
    assert facts.principal is not None and facts.due_on is not None and facts.paid_on is not None
    debt = rules.Debt(facts.due_on.isoformat(), facts.principal, facts.due_on)
    terms = rules.late_fee_terms(facts.due_on)
    return rules.late_fee([debt], facts.paid_on, resident=facts.resident, terms=terms, waived=facts.waived)


def _late_fee_misfits(facts: WorkOut) -> list[Misfit]:
    if facts.waived is None or None in (facts.principal, facts.due_on, facts.paid_on):
        return []
    fee = _late_fee(facts.model_copy(update={"waived": None})).total
    if 0 <= facts.waived.fen <= fee.fen:
        return []
    said = text(
        f"减免 {facts.waived} 元应在 0 与违约金 {fee} 元之间，请更正。",
        f"{facts.waived} yuan let off must lie between 0 and the late fee of {fee} yuan; correct it.",
    )
    return [Misfit("waived", str(facts.waived), said)]


def _excess_capacity(facts: WorkOut) -> Claim:
    assert facts.power is not None
    return rules.unauthorised_capacity(
        facts.power.w,
        two_part_price=facts.basic_price,
        first_day=facts.first_day,
        last_day=facts.last_day,
        days=_days_basis(facts),
        times=CAPACITY_TIMES if facts.times is None else facts.times,
    )


def _sealed_equipment(facts: WorkOut) -> Claim:
    assert facts.power is not None
    return rules.sealed_equipment(
        facts.power.w,
        two_part_price=facts.basic_price,
        first_day=facts.first_day,
        last_day=facts.last_day,
        days=_days_basis(facts),
    )


def _days_basis(facts: WorkOut) -> Literal["calendar", "thirty"]:
    """How parts of a month count in the text that was in force when the use began."""
    old = facts.first_day is not None and RULES["basic.days.1996"].holds_on(facts.first_day)
    return "thirty" if old else "calendar"


def _unauthorised_supply(facts: WorkOut) -> Claim:
    assert facts.power is not None
    return rules.unauthorised_supply(facts.power.w)


def _theft(facts: WorkOut) -> Claim:
    pieces = [_priced(one) for one in facts.pieces]
    loads = [(one.power.w, one.hours_a_day, one.days) for one in facts.loads]
    if loads and facts.price is not None:
        pieces.append(PricedEnergy(sum(power * hours * days for power, hours, days in loads), facts.price))
    return rules.theft(pieces, THEFT_TIMES if facts.times is None else facts.times, loads)


def _theft_misfits(facts: WorkOut) -> list[Misfit]:
    if facts.loads and facts.price is None:
        return [_missing(facts, "price")]
    return [] if facts.loads or facts.pieces else [_missing(facts, "loads")]


def _corrected(facts: WorkOut, found: correction.Correction) -> Claim:
    return rules.correction_claim(found, {one.band: one.price for one in facts.pieces})


def _wrong_ratio(facts: WorkOut) -> Claim:
    assert facts.ratio is not None and facts.billed_ratio is not None
    factor = correction.ratio_factor(Fraction(facts.ratio), Fraction(facts.billed_ratio))
    return _corrected(facts, correction.corrected(_registered(facts), factor, "correction.ratio"))


def _meter_error(facts: WorkOut) -> Claim:
    assert facts.error is not None
    return _corrected(facts, correction.meter_error(_registered(facts), facts.error, known_since=facts.known_since))


def _lost_phase(facts: WorkOut) -> Claim:
    assert facts.working is not None
    factor = correction.phases_factor(facts.working)
    return _corrected(facts, correction.corrected(_registered(facts), factor, "correction.voltage"))


def _normal_month(facts: WorkOut) -> Claim:
    assert facts.normal is not None and facts.registered is not None and facts.price is not None
    found = correction.normal_month(facts.normal.wh, facts.registered.wh)
    return rules.correction_claim(found, {"total": facts.price})


def _outage(facts: WorkOut) -> Claim:
    assert facts.registered is not None and facts.minutes is not None and facts.price is not None
    return rules.outage_compensation(facts.registered.wh, facts.minutes, facts.price, two_part=facts.two_part)


def _temporary(facts: WorkOut) -> Claim:
    assert facts.price is not None
    loads = [rules.Load(one.power.w, one.hours_a_day, one.days) for one in facts.loads]
    return rules.temporary_supply(loads, [("energy", ENERGY_TITLE, facts.price, "")])


def _registered(facts: WorkOut) -> Mapping[Band, int]:
    return {one.band: one.energy.wh for one in facts.pieces}


def _priced(one: ClaimEnergy) -> PricedEnergy:
    return PricedEnergy(one.energy.wh, one.price, one.period, None if one.band == "total" else one.band)


# --- what does not fit --------------------------------------------------------------------------------------------------------


def _nothing(_: WorkOut) -> list[Misfit]:
    return []


def _missing(facts: WorkOut, name: str) -> Misfit:
    label = next(one for one in WorkOut.model_fields[name].metadata if isinstance(one, Label))
    kind = CLAIM_KINDS.entries[facts.kind]
    said = text(f"{kind['zh']}须填写“{label.zh}”。", f"{kind['en']}: give “{label.en}”.")
    return Misfit(name, "", said)


def _one_a_band(facts: WorkOut) -> list[Misfit]:
    bands = [one.band for one in facts.pieces]
    twice = next((band for band in bands if bands.count(band) > 1), None)
    if twice is None:
        return []
    said = text(f"时段 {twice} 出现两次，请合并为一行。", f"Band {twice} stands twice; put it into one row.")
    return [Misfit("pieces", twice, said)]


def _sane_error(facts: WorkOut) -> list[Misfit]:
    found = _one_a_band(facts)
    if facts.error is not None and facts.error.number <= NOTHING_REGISTERED.number:
        said = text(
            "误差须大于 -100%；表计完全不计量时按正常月电量退补。",
            "The error must be above -100 %; where nothing was registered, use the energy of a normal month.",
        )
        found.append(Misfit("error", str(facts.error), said))
    return found


def _days(facts: WorkOut) -> list[Misfit]:
    if facts.basic_price is None:
        return []
    found = [_missing(facts, name) for name in ("first_day", "last_day") if getattr(facts, name) is None]
    if not found and facts.first_day is not None and facts.last_day is not None and facts.last_day < facts.first_day:
        said = text(
            f"止日 {facts.last_day} 早于起日 {facts.first_day}，请更正。",
            f"The last day {facts.last_day} lies before the first, {facts.first_day}; correct it.",
        )
        found.append(Misfit("last_day", facts.last_day.isoformat(), said))
    return found


def _at_most(most: int) -> Callable[[WorkOut], list[Misfit]]:
    def misfits(facts: WorkOut) -> list[Misfit]:
        if facts.times is None or facts.times <= most:
            return []
        said = text(f"违约倍数最多 {most} 倍。", f"The text allows at most {most} times.")
        return [Misfit("times", str(facts.times), said)]

    return misfits


@dataclass(frozen=True)
class _Kind:
    """needs: facts that must be there. misfits: what else is wrong with them."""

    claim: Callable[[WorkOut], Claim]
    needs: tuple[str, ...]
    misfits: Callable[[WorkOut], list[Misfit]] = _nothing


_KINDS: dict[str, _Kind] = {
    "late_fee": _Kind(_late_fee, ("principal", "due_on", "paid_on"), _late_fee_misfits),
    "wrong_category": _Kind(
        lambda facts: rules.wrong_category(
            [_priced(one) for one in facts.pieces], CATEGORY_TIMES if facts.times is None else facts.times
        ),
        ("pieces",),
        _at_most(CATEGORY_TIMES),
    ),
    "excess_capacity": _Kind(_excess_capacity, ("power",), _days),
    "sealed_equipment": _Kind(_sealed_equipment, ("power",), _days),
    "unauthorised_supply": _Kind(_unauthorised_supply, ("power",)),
    "touched_metering": _Kind(lambda facts: rules.touched_metering(facts.count, resident=facts.resident), ()),
    "theft": _Kind(_theft, (), _theft_misfits),
    "wrong_ratio": _Kind(_wrong_ratio, ("ratio", "billed_ratio", "pieces"), _one_a_band),
    "meter_error": _Kind(_meter_error, ("error", "pieces"), _sane_error),
    "lost_phase": _Kind(_lost_phase, ("working", "pieces"), _one_a_band),
    "normal_month": _Kind(_normal_month, ("normal", "registered", "price")),
    "refund": _Kind(lambda facts: rules.settled([_priced(one) for one in facts.pieces]), ("pieces",)),
    "outage": _Kind(_outage, ("registered", "minutes", "price")),
    "temporary": _Kind(_temporary, ("loads", "price")),
}
