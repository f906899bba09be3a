"""From what was typed to a trial bill (电费试算). Pure: no clock, no I/O; the rating rules do the rest."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import Month
from denghuo.kernel.problem import Text, text
from denghuo.kernel.values import Energy, round_half_up
from denghuo.service.billing import show
from denghuo.service.billing.api import ShownRegister, Trial, TrialReading, Try
from denghuo.service.billing.change import opened
from denghuo.service.billing.lines import BasicSpan, MeteredPiece, Rated, RatingSubject
from denghuo.service.billing.misfits import Misfit, refused
from denghuo.service.billing.rules import rate
from denghuo.service.billing.rules.views import PRICE_PLACES, average_price
from denghuo.service.billing.special.days import Days
from denghuo.service.billing.trial_market import market_misfits, market_of, used
from denghuo.service.billing.trial_terms import term_misfits, terms_of
from denghuo.service.tariff.api import TariffDocument

_ONE_DAY = timedelta(days=1)
TYPED_POINT = "1"


def subject_of(request: Try, tariff: TariffDocument) -> RatingSubject:
    """What was typed as the month of a contract.

    Raises:
        NotTriable: with an error for each field that does not fit.
    """
    misfits = [
        *_choices(request, tariff),
        *_days(request),
        *_readings(request.readings),
        *market_misfits(request, tariff),
        *term_misfits(request, tariff),
    ]
    if misfits:
        raise refused(misfits)
    first, last = _span(request)
    pieces = [_piece(reading) for reading in request.readings]
    terms = (request.capacity, request.contract_demand)
    span = BasicSpan(
        first_day=first,
        last_day=last,
        capacity_va=None if request.capacity is None else request.capacity.va,
        contract_w=None if request.contract_demand is None else request.contract_demand.w,
    )
    return RatingSubject(
        kind=tariff.kind,
        tariff_class=request.tariff_class or tariff.classes[0],
        settlement=request.settlement or tariff.settlements[0],
        voltage=request.voltage or tariff.voltages[0],
        month=request.month,
        first_day=request.first_day,
        last_day=request.last_day,
        pieces=pieces,
        used_before_wh=request.used_before.wh,
        tier_months=request.tier_months,
        reading_months=request.reading_months,
        tier_extra_wh=request.tier_extra.wh,
        spans=[] if terms == (None, None) else [span],
        standard=request.standard,
        market=market_of(request, used(pieces)),
        **terms_of(request, Days(Month.of(request.month), first, last), tariff, used(pieces, "active_rev")),
    )


def trial(request: Try, tariff: TariffDocument, draft: bool, now: datetime) -> Trial:
    """The explained bill of what was typed.

    Raises:
        NotTriable: something that was typed does not fit.
        CannotRate: the tariff gives no price for it.
    """
    subject = subject_of(request, tariff)
    return _shown(subject, tariff, rate(subject, tariff), draft, now)


def on_subject(subject: RatingSubject, tariff: TariffDocument, draft: bool, now: datetime) -> Trial:
    """A month that was billed as it would have been by any tariff. Where the tariff is not for the contract's class, settlement or
    voltage, the first that it has stands in, and it is said; days in force do not count.

    Raises:
        NotTriable: the tariff is for the other direction of energy.
        CannotRate: the tariff gives no price for it.
    """
    if tariff.kind != subject.kind:
        raise refused(
            [
                Misfit(
                    "tariff_code",
                    tariff.code,
                    text(
                        "售电与上网的电价不能互换。",
                        "A tariff of supply is not tried on a purchase statement, nor one of purchase on a bill.",
                    ),
                )
            ]
        )
    changes, said = {}, []
    for field, own, options in (
        ("tariff_class", subject.tariff_class, tariff.classes),
        ("settlement", subject.settlement, tariff.settlements),
        ("voltage", subject.voltage, tariff.voltages),
    ):
        if own not in options:
            changes[field] = options[0]
            said.append(
                TextPair(
                    zh=f"该电价不适用于 {own}，按 {options[0]} 试算。",
                    en=f"The tariff is not for {own}; it is tried as {options[0]}.",
                )
            )
    changed = subject.model_copy(update=changes)
    shown = _shown(changed, tariff, rate(changed, opened(tariff)), draft, now)
    return shown.model_copy(update={"remarks": [*said, *shown.remarks]})


# --- what was typed --------------------------------------------------------------------------------------------------------


def _choices(request: Try, tariff: TariffDocument) -> Iterator[Misfit]:
    """What the tariff offers to choose from and was not chosen, or was chosen otherwise."""
    offered: tuple[tuple[str, str | None, Sequence[str], Text], ...] = (
        ("tariff_class", request.tariff_class, tariff.classes, text("用电类别", "class")),
        ("settlement", request.settlement, tariff.settlements, text("结算方式", "settlement")),
        ("voltage", request.voltage, tariff.voltages, text("电压等级", "voltage")),
    )
    for field, chosen, options, name in offered:
        listed = ", ".join(options)
        if chosen is None and len(options) > 1:
            yield Misfit(
                field,
                "",
                text(
                    f"请选择{name['zh']}，该电价可用：{listed}。", f"Choose the {name['en']}; this tariff has {listed}."
                ),
            )
        elif chosen is not None and chosen not in options:
            yield Misfit(
                field,
                chosen,
                text(f"该电价不适用，可用：{listed}。", f"The tariff is not for it; it is for {listed}."),
            )


def _days(request: Try) -> Iterator[Misfit]:
    first, last = _span(request)
    for field, day in (("first_day", request.first_day), ("last_day", request.last_day)):
        if day is not None and Month.holding(day) != Month.of(request.month):
            yield Misfit(
                field,
                day.isoformat(),
                text(f"应在 {request.month} 之内。", f"Must lie in {request.month}."),
            )
    if last < first:
        yield Misfit("last_day", last.isoformat(), text("止日早于起日。", "The last day lies before the first."))


def _span(request: Try) -> tuple[date, date]:
    month = Month.of(request.month)
    return request.first_day or month.first_day, request.last_day or month.next.first_day - _ONE_DAY


def _readings(readings: Sequence[TrialReading]) -> Iterator[Misfit]:
    for at, reading in enumerate(readings):
        found = _reading(reading)
        if found is not None:
            yield Misfit(f"readings.{at}.{found.field}", found.value, found.what)


def _reading(reading: TrialReading) -> Misfit | None:
    """What is wrong with one register."""
    start, end, value = reading.start, reading.end, reading.value
    if value is not None and (start is not None or end is not None):
        return Misfit("value", str(value), text("示数与计量值只填一种。", "Give registers or the quantity, not both."))
    if value is not None:
        if value.number >= 0 or reading.quantity.startswith("reactive"):
            return None
        return Misfit("value", str(value), text("计量值不能为负。", "The quantity may not be negative."))
    if start is None and end is None:
        return Misfit("value", "", text("请填起止示数或计量值。", "Give both registers, or the quantity."))
    if start is None or end is None:
        lacking = "start" if start is None else "end"
        return Misfit(lacking, "", text("起止示数须成对填写。", "Registers are given as a pair."))
    full = _full_scale(reading)
    if full is None and end < start:
        return Misfit(
            "end",
            str(end),
            text(
                f"止示数小于起示数 {start}；表计过零时请填示数整数位数，换表时两只表各填一行。",
                f"The current register is below {start}; where it passed zero, give the digits of the register, and where the meter"
                " was exchanged, a row for each.",
            ),
        )
    for field, register in (("start", start), ("end", end)):
        if full is not None and register.e4 >= full:
            return Misfit(
                field,
                str(register),
                text(f"超过 {reading.digits} 位示数的满码。", f"Beyond a register of {reading.digits} digits."),
            )
    return None


def _full_scale(reading: TrialReading) -> int | None:
    """What the register counts before it begins again at zero, in 1e-4 units."""
    return None if reading.digits is None else 10 ** (reading.digits + 4)


def _piece(reading: TrialReading) -> MeteredPiece:
    value = reading.value.number if reading.value is not None else None
    if reading.start is not None and reading.end is not None:
        turned = reading.end.e4 - reading.start.e4
        if turned < 0:
            turned += _full_scale(reading) or 0
        # 1e-4 units times the multiplier are tenths of a milli-unit.
        value = round_half_up(turned * reading.multiplier.number, 10)
    return MeteredPiece(
        point_no=TYPED_POINT,
        meter_no=reading.meter_no,
        quantity=reading.quantity,
        band=reading.band,
        start=reading.start,
        end=reading.end,
        multiplier=reading.multiplier,
        value_milli=value,
        method="manual",
    )


# --- what is shown ---------------------------------------------------------------------------------------------------------


def _shown(subject: RatingSubject, tariff: TariffDocument, rated: Rated, draft: bool, now: datetime) -> Trial:
    period = Month.of(subject.month).period
    registers = [_register(piece, period.start, period.end) for piece in subject.pieces]
    month = Month.of(subject.month)
    energy = Energy(rated.energy_wh)
    return Trial(
        tariff_code=tariff.code,
        tariff_version=tariff.version,
        tariff_title=tariff.title,
        draft=draft,
        month=subject.month,
        kind=subject.kind,
        tariff_class=subject.tariff_class,
        settlement=subject.settlement,
        voltage=subject.voltage,
        from_on=subject.first_day or month.first_day,
        to_on=subject.last_day or month.next.first_day - _ONE_DAY,
        energy=energy,
        used_before=Energy(subject.used_before_wh),
        amount=rated.total,
        average_price=average_price(rated.total, energy.wh, PRICE_PLACES),
        illustrative=rated.illustrative,
        lines=[show.shown_line(number, line, registers) for number, line in enumerate(rated.lines, 1)],
        remarks=[TextPair(zh=one.text.zh, en=one.text.en) for one in rated.remarks],
        as_of=now,
    )


def _register(piece: MeteredPiece, start: datetime, end: datetime) -> ShownRegister:
    # A quantity that is no energy stands in the sentence of its line; the register's own column is for kWh and kvarh.
    energy = None if piece.quantity == "demand" or piece.value_milli is None else Energy(piece.value_milli)
    return ShownRegister(
        point_no=piece.point_no,
        meter_no=piece.meter_no,
        piece=piece.piece,
        quantity=piece.quantity,
        band=piece.band,
        from_at=start,
        to_at=end,
        start=piece.start,
        end=piece.end,
        multiplier=piece.multiplier,
        energy=energy,
        status=piece.status,
        method=piece.method,
        days_estimated=piece.estimated_days,
    )
