"""What the weather did to the use of an account (天气影响): an estimate by the account's own months. Pure.

A day's highest temperature above 26 °C is so many cooling degrees, below 18 °C so many heating degrees: the usual bases of degree
days in China (CDD26, HDD18), which are counted from the day's mean; published for tariffs is its highest. Over at least twelve
months a line is laid through the account's energy a day against its degrees a day, by least squares. Where the account answers to
heat or cold, and the line explains at least half of how its months differ, the degrees of two bills tell how much energy the
weather added; else nothing is said of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import Month
from denghuo.kernel.values import decimal_text, round_half_up
from denghuo.service.billing.rules.words import milli, pair

COOLING_TENTHS, HEATING_TENTHS = 260, 180
MONTHS_LEAST, MONTHS_MOST = 12, 24
_HALF = Fraction(1, 2)
Span = tuple[date, date]
"""The first and the last day, both included."""


@dataclass(frozen=True)
class Degrees:
    """Cooling and heating degree days of some days, in tenths of a degree."""

    cooling: int
    heating: int
    days: int

    def daily(self) -> tuple[Fraction, Fraction]:
        return Fraction(self.cooling, self.days), Fraction(self.heating, self.days)


@dataclass(frozen=True)
class Answer:
    """How an account answers to the weather: Wh for each tenth of a cooling and of a heating degree day, told by so many months."""

    cooling: Fraction
    heating: Fraction
    months: int


@dataclass(frozen=True)
class Weather:
    """The degrees of two bills, how the account answers to them, and by which published tables."""

    before: Degrees
    after: Degrees
    answer: Answer
    documents: Sequence[str]

    @property
    def more_wh(self) -> int:
        """The energy that the weather added in the later bill's days; negative where it took some away."""
        moved = [now - was for was, now in zip(self.before.daily(), self.after.daily(), strict=True)]
        more = self.after.days * (self.answer.cooling * moved[0] + self.answer.heating * moved[1])
        return round_half_up(more.numerator, more.denominator)

    def said(self, was_wh: int, now_wh: int) -> TextPair:
        more = now_wh - was_wh
        told = [
            one
            for one in (
                _told(
                    "26℃ 以上制冷度日",
                    "cooling degree days above 26 °C",
                    self.answer.cooling,
                    self.before.cooling,
                    self.after.cooling,
                ),
                _told(
                    "18℃ 以下采暖度日",
                    "heating degree days below 18 °C",
                    self.answer.heating,
                    self.before.heating,
                    self.after.heating,
                ),
            )
            if one is not None
        ]
        by = "、".join(self.documents)
        word = ("增加", "more") if more >= 0 else ("减少", "less")
        return pair(
            f"按日最高气温，{'；'.join(zh for zh, _ in told)}；按本户近 {self.answer.months} 个月自身用电随冷热的变化估算，"
            f"电量{word[0]} {milli(abs(more))} 千瓦时（估算，依据 {by}）。",
            f"By the days' highest temperatures {'; '.join(en for _, en in told)}. As the account's own use followed heat and"
            f" cold over {self.answer.months} months, that is {milli(abs(more))} kWh {word[1]} (an estimate, by {by}).",
        )


def _told(zh: str, en: str, answer: Fraction, was: int, now: int) -> tuple[str, str] | None:
    """A kind of degree days that the account answers to."""
    if not answer:
        return None
    each = decimal_text(round_half_up(answer.numerator, answer.denominator), 2, 0)
    old, new = decimal_text(was, 1, 0), decimal_text(now, 1, 0)
    return (
        f"{zh}由 {old} 变为 {new}，每度日约 {each} 千瓦时",
        f"{en} went from {old} to {new}, about {each} kWh for each",
    )


def whole_month(month: Month) -> Span:
    """The first and the last day of a month."""
    return month.first_day, month.next.first_day - timedelta(days=1)


def degrees(maxima: Mapping[date, int], span: Span) -> Degrees | None:
    """The degree days of some days from the highest temperatures (tenths of a degree) by day; None where one is not known."""
    first, last = span
    found = [maxima.get(first + timedelta(days=step)) for step in range((last - first).days + 1)]
    known = [one for one in found if one is not None]
    if len(known) < len(found):
        return None
    return Degrees(
        sum(max(one - COOLING_TENTHS, 0) for one in known),
        sum(max(HEATING_TENTHS - one, 0) for one in known),
        len(known),
    )


def answer_of(months: Iterable[tuple[int, Degrees]]) -> Answer | None:
    """How an account answers, from the energy (Wh) and the degrees of its months; None where too few are known or they do not tell.

    More heat or cold never means less use: a slope the other way is chance, and that kind of degrees is left out.
    """
    known = list(months)
    if len(known) < MONTHS_LEAST:
        return None
    used = [Fraction(wh, at.days) for wh, at in known]
    daily = [at.daily() for _, at in known]
    best: tuple[Fraction, tuple[Fraction, Fraction]] | None = None
    for kinds in ((0, 1), (0,), (1,)):
        slopes = _slopes(used, [[row[kind] for row in daily] for kind in kinds])
        if slopes is None or min(slopes) <= 0:
            continue
        whole = [Fraction(0), Fraction(0)]
        for kind, slope in zip(kinds, slopes, strict=True):
            whole[kind] = slope
        explained = _explained(used, daily, whole)
        if explained >= _HALF and (best is None or explained > best[0]):
            best = explained, (whole[0], whole[1])
    return Answer(*best[1], len(known)) if best is not None else None


def _centred(values: Sequence[Fraction]) -> list[Fraction]:
    mean = sum(values, Fraction(0)) / len(values)
    return [one - mean for one in values]


def _slopes(used: Sequence[Fraction], by: Sequence[Sequence[Fraction]]) -> list[Fraction] | None:
    """The slopes of least squares, exact; None where the degrees do not differ from month to month, or only together."""
    y, x = _centred(used), [_centred(one) for one in by]

    def product(one: Sequence[Fraction], other: Sequence[Fraction]) -> Fraction:
        return sum((a * b for a, b in zip(one, other, strict=True)), Fraction(0))

    if len(x) == 1:
        square = product(x[0], x[0])
        return [product(x[0], y) / square] if square else None
    (a, d), b = (product(one, one) for one in x), product(x[0], x[1])
    whole = a * d - b * b
    if not whole:
        return None
    p, q = (product(one, y) for one in x)
    return [(p * d - q * b) / whole, (q * a - p * b) / whole]


def _explained(
    used: Sequence[Fraction], daily: Sequence[tuple[Fraction, Fraction]], slopes: Sequence[Fraction]
) -> Fraction:
    """The share of how the months differ that the line explains."""
    y = _centred(used)
    line = _centred([row[0] * slopes[0] + row[1] * slopes[1] for row in daily])
    spread = sum((one * one for one in y), Fraction(0))
    left = sum(((one - other) ** 2 for one, other in zip(y, line, strict=True)), Fraction(0))
    return 1 - left / spread if spread else Fraction(0)
