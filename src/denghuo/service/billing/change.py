"""Why a bill changed (电费变化原因): two bills in, the parts of their difference out. Pure.

The earlier bill is turned into the later one a step at a time, and rated as a whole after each step by the rules of real bills:

    days -> weather -> energy a day -> shares of bands -> tier position -> capacity, demand -> power factor -> price or tariff
    -> corrections

A part is the difference of two rated bills, so the parts add up to the difference of the bills to the fen, whatever the tariff
does. Quantities change at the earlier prices, prices at the later quantities (decision 15).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import Month
from denghuo.kernel.values import Money, round_half_up
from denghuo.service.billing.api.change import PartCode
from denghuo.service.billing.changed import (
    basic_said,
    days_said,
    energy_said,
    factor_said,
    other_said,
    plan_said,
    price_said,
    shift_said,
    stages_said,
    tier_said,
)
from denghuo.service.billing.lines import BasicSpan, CannotRate, MeteredPiece, Rated, RatingSubject
from denghuo.service.billing.rules import Stage, rate, rate_stages
from denghuo.service.billing.rules.quantities import Metered, metered_energy, seasons_of, share, whole
from denghuo.service.billing.weather import Weather
from denghuo.service.tariff.api import TariffDocument

_ONE_DAY = timedelta(days=1)
_EVERY_MONTH = list(range(1, 13))
_REACTIVE = ("reactive_fwd", "reactive_rev")
_TERMS = (
    "tariff_class",
    "voltage",
    "settlement",
    "parts",
    "losses",
    "line_losses",
    "agency_case",
    "charging_station",
    "market",
    "generation",
)
"""What a tariff is applied by; that the bill is by other terms is told as one part with the change of tariff."""


@dataclass(frozen=True)
class Side:
    """A bill as it is rated again, and the amount that was issued.

    others: the tariffs of parts by code. stages: where the month was rated in stages; `subject` and `tariff` then stand for the
    whole month as in the last of them.
    """

    subject: RatingSubject
    tariff: TariffDocument
    issued: Money
    others: Mapping[str, TariffDocument] = field(default_factory=dict)
    stages: Sequence[Stage] = ()


@dataclass(frozen=True)
class Part:
    code: PartCode
    amount: Money
    sentence: TextPair


@dataclass(frozen=True)
class State:
    """Where the walk from bill to bill stands: what is rated, and what came out."""

    subject: RatingSubject
    rated: Rated


def parts_of(before: Side, after: Side, weather: Weather | None = None) -> list[Part]:
    """The parts of after - before in the order of the walk; what cannot bear on either bill is left out.

    weather: that of the two bills, where it is known and the account answers to it.

    Raises:
        CannotRate: one of the two bills cannot be rated any more.
    """
    others = {code: opened(tariff) for code, tariff in {**before.others, **after.others}.items()}
    started = rate(before.subject, opened(before.tariff), others)
    ended = rate(after.subject, opened(after.tariff), others)
    old = of_month(opened(before.tariff), Month.of(before.subject.month))
    state, parts = State(before.subject, started), []
    for code, (step, says) in _walk(weather).items():
        moved = step(state.subject, after.subject, old)
        try:
            rated = state.rated if moved == state.subject else rate(moved, old, others)
        except CannotRate:
            # The step alone makes no bill (a capacity that the new tariff no longer needs): the next one bears both.
            state = State(moved, state.rated)
            continue
        here = State(moved, rated)
        if _bears(code, before.tariff, after.tariff):
            parts.append(Part(code, rated.total - state.rated.total, says(state, here, after.subject, old)))
        elif rated.total != state.rated.total:
            parts.append(Part("other", rated.total - state.rated.total, other_said(Money(0), Money(0))))
        state = here
    if same_plan(before, after):
        parts.append(Part("price", ended.total - state.rated.total, price_said(state.rated, ended)))
    else:
        said = plan_said(before.subject, before.tariff, after.subject, after.tariff)
        parts.append(Part("plan", ended.total - state.rated.total, said))
    billed = _in_stages(before, started), _in_stages(after, ended)
    if before.stages or after.stages:
        cut = billed[0] - started.total, billed[1] - ended.total
        parts.append(Part("stages", cut[1] - cut[0], stages_said(*cut)))
    corrected = before.issued - billed[0], after.issued - billed[1]
    if any(corrected):
        parts.append(Part("other", corrected[1] - corrected[0], other_said(*corrected)))
    return parts


def _in_stages(side: Side, whole: Rated) -> Money:
    """What a bill comes to as it was rated: in its stages, or as a whole."""
    if not side.stages:
        return whole.total
    others = [{code: opened(tariff) for code, tariff in stage.others.items()} for stage in side.stages]
    stages = [Stage(one.subject, opened(one.tariff), by) for one, by in zip(side.stages, others, strict=True)]
    return rate_stages(stages).total


def same_plan(before: Side, after: Side) -> bool:
    """Whether both bills are by the same tariff on the same terms: only its prices may differ."""

    def plan(side: Side) -> tuple[object, ...]:
        return side.tariff.code, *(getattr(side.subject, name) for name in _TERMS)

    return plan(before) == plan(after)


def opened(tariff: TariffDocument) -> TariffDocument:
    """The tariff without its days in force: what was billed by it is rated by it."""
    return tariff.model_copy(update={"effective_from": date.min, "effective_to": None})


def of_month(tariff: TariffDocument, month: Month) -> TariffDocument:
    """The tariff as it is in a month, in every month: seasons and tiers stay while the days of the bill move on."""
    seasons = [season.model_copy(update={"months": _EVERY_MONTH}) for season in seasons_of(tariff, month)]
    tiers = tariff.tiers
    if tiers is not None:
        tables = [table for table in tiers.tables if month.month in table.months][:1]
        tiers = tiers.model_copy(
            update={"tables": [table.model_copy(update={"months": _EVERY_MONTH}) for table in tables]}
        )
    return tariff.model_copy(update={"seasons": seasons, "tiers": tiers})


# --- the steps -------------------------------------------------------------------------------------------------------------

Step = Callable[[RatingSubject, RatingSubject, TariffDocument], RatingSubject]


def _days(subject: RatingSubject, later: RatingSubject, tariff: TariffDocument) -> RatingSubject:
    """The later bill's days at the earlier use a day: energies grow with the days, a demand does not."""
    now, then = span_of(subject), span_of(later)
    old_days, new_days = day_count(subject), day_count(later)
    return scaled(subject, tariff, new_days, old_days).model_copy(
        update={
            "month": later.month,
            "first_day": later.first_day,
            "last_day": later.last_day,
            "spans": [_moved(span, now, then) for span in subject.spans],
        }
    )


def _energy(subject: RatingSubject, later: RatingSubject, tariff: TariffDocument) -> RatingSubject:
    """The later bill's energy in the earlier bill's bands and at its power factor."""
    wanted, here = _metered(later, tariff).total, _metered(subject, tariff).total
    if here == 0 and wanted:
        return subject.model_copy(update={"pieces": [*_active(later.pieces), *_others(subject.pieces)]})
    return scaled(subject, tariff, wanted, here)


def _shift(subject: RatingSubject, later: RatingSubject, tariff: TariffDocument) -> RatingSubject:
    if _metered(subject, tariff).by_band == _metered(later, tariff).by_band:
        return subject
    return subject.model_copy(update={"pieces": [*_active(later.pieces), *_others(subject.pieces)]})


def _tier(subject: RatingSubject, later: RatingSubject, tariff: TariffDocument) -> RatingSubject:
    return _taken(
        subject,
        later,
        "used_before_wh",
        "used_tiers_wh",
        "tier_months",
        "reading_months",
        "tier_extra_wh",
        "tier_closing",
        "tier_since",
        "free_months",
        "free_as",
        "free_evidence",
    )


def _basic(subject: RatingSubject, later: RatingSubject, tariff: TariffDocument) -> RatingSubject:
    kept = [piece for piece in subject.pieces if piece.quantity != "demand"]
    demand = [piece for piece in later.pieces if piece.quantity == "demand"]
    moved = _taken(subject, later, "transformers", "customer_energy_wh", "customer_capacity_va")
    return moved.model_copy(update={"spans": later.spans or subject.spans, "pieces": [*kept, *demand]})


def _factor(subject: RatingSubject, later: RatingSubject, tariff: TariffDocument) -> RatingSubject:
    return _taken(subject, later, "pieces", "standard", "standard_lowered")


def _taken(subject: RatingSubject, later: RatingSubject, *names: str) -> RatingSubject:
    return subject.model_copy(update={name: getattr(later, name) for name in names})


_STEPS: Mapping[PartCode, Step] = {
    "days": _days,
    "energy": _energy,
    "time_shift": _shift,
    "tier": _tier,
    "basic": _basic,
    "power_factor": _factor,
}
Said = Callable[[State, State, RatingSubject, TariffDocument], TextPair]
_SAID: Mapping[PartCode, Said] = {
    "days": lambda was, now, later, tariff: days_said(
        day_count(was.subject), day_count(later), was.rated.energy_wh, now.rated.energy_wh
    ),
    "energy": lambda was, now, later, tariff: energy_said(was.rated.energy_wh, now.rated.energy_wh, day_count(later)),
    "time_shift": lambda was, now, later, tariff: shift_said(
        _metered(was.subject, tariff).by_band, _metered(now.subject, tariff).by_band
    ),
    "tier": lambda was, now, later, tariff: tier_said(
        was.subject.used_before_wh, now.subject.used_before_wh, was.rated.tiers_wh, now.rated.tiers_wh
    ),
    "basic": lambda was, now, later, tariff: basic_said(was.rated, now.rated),
    "power_factor": lambda was, now, later, tariff: factor_said(was.rated, now.rated),
}


def _walk(weather: Weather | None) -> dict[PartCode, tuple[Step, Said]]:
    """The steps in their order with what each says; the weather's share of the energy before the rest of it."""
    found: dict[PartCode, tuple[Step, Said]] = {}
    for code, step in _STEPS.items():
        if code == "energy" and weather is not None:
            found["weather"] = _weather(weather)
        found[code] = step, _SAID[code]
    return found


def _weather(weather: Weather) -> tuple[Step, Said]:
    def step(subject: RatingSubject, later: RatingSubject, tariff: TariffDocument) -> RatingSubject:
        here = _metered(subject, tariff).total
        return scaled(subject, tariff, max(here + weather.more_wh, 0), here) if here else subject

    def said(was: State, now: State, later: RatingSubject, tariff: TariffDocument) -> TextPair:
        return weather.said(was.rated.energy_wh, now.rated.energy_wh)

    return step, said


def _bears(code: PartCode, before: TariffDocument, after: TariffDocument) -> bool:
    """Whether a part can be other than zero by either tariff."""
    return any(
        {
            "time_shift": tariff.time_of_use,
            "tier": tariff.tiers is not None,
            "basic": tariff.basic is not None,
            "power_factor": tariff.power_factor is not None,
        }.get(code, True)
        for tariff in (before, after)
    )


def _metered(subject: RatingSubject, tariff: TariffDocument) -> Metered:
    return metered_energy(subject.pieces, tariff, Month.of(subject.month))


# --- days and energies -----------------------------------------------------------------------------------------------------


def span_of(subject: RatingSubject) -> tuple[date, date]:
    """The first and the last day billed."""
    month = Month.of(subject.month)
    return subject.first_day or month.first_day, subject.last_day or month.next.first_day - _ONE_DAY


def day_count(subject: RatingSubject) -> int:
    """The days that a subject is billed for, both ends included."""
    first, last = span_of(subject)
    return (last - first).days + 1


def _moved(span: BasicSpan, now: tuple[date, date], then: tuple[date, date]) -> BasicSpan:
    """A span of unchanged terms at the same place of other days."""
    old, new = (now[1] - now[0]).days + 1, (then[1] - then[0]).days + 1

    def place(day: date) -> date:
        return then[0] + timedelta(days=round_half_up((day - now[0]).days * new, old))

    first = place(max(span.first_day, now[0]))
    last = place(min(span.last_day, now[1]) + _ONE_DAY) - _ONE_DAY
    return span.model_copy(update={"first_day": first, "last_day": max(first, last)})


def scaled(subject: RatingSubject, tariff: TariffDocument, times: int, of: int) -> RatingSubject:
    """The subject with energies times/of as large, in billed units that add up."""
    if times == of:
        return subject
    metered = _metered(subject, tariff)
    places = tariff.rounding.quantity_places
    total = whole(round_half_up(metered.total * times, of), places)
    bands = list(metered.by_band)
    parts = share(total, [metered.by_band[band] for band in bands], 10 ** (3 - places))
    pieces = [*_pieces(subject, dict(zip(bands, parts, strict=True))), *_others(subject.pieces)]
    return subject.model_copy(update={"pieces": [_more(piece, times, of) for piece in pieces]})


def _pieces(subject: RatingSubject, by_band: Mapping[str, int]) -> Iterator[MeteredPiece]:
    """Billed energies as registers of a meter; what is metered without bands hangs on a meter of its own."""
    first = next(piece for piece in subject.pieces if piece in _active(subject.pieces))
    quantity = "active_rev" if subject.kind == "purchase" else "active_fwd"
    for band, energy in by_band.items():
        changes = {"quantity": quantity, "band": band, "value_milli": energy, "piece": 2 if band == "total" else 1}
        yield first.model_copy(update=changes | {"start": None, "end": None})


def _more(piece: MeteredPiece, times: int, of: int) -> MeteredPiece:
    """Reactive energy grows with the active one, so that the power factor stays."""
    if piece.quantity not in _REACTIVE:
        return piece
    return piece.model_copy(update={"value_milli": round_half_up((piece.value_milli or 0) * times, of)})


def _active(pieces: Sequence[MeteredPiece]) -> list[MeteredPiece]:
    return [piece for piece in pieces if piece.quantity.startswith("active")]


def _others(pieces: Sequence[MeteredPiece]) -> list[MeteredPiece]:
    return [piece for piece in pieces if not piece.quantity.startswith("active")]
