"""Tariffs beside each other over a year of one account (套餐比较). Pure: subjects and tariffs in, costs out.

All tariffs are taken at one day's prices, so that the difference is that of the tariffs and not of the months in which
prices moved.
"""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from denghuo.kernel.fields import TextPair
from denghuo.kernel.problem import text
from denghuo.kernel.values import Money
from denghuo.service.billing.api.plan import BASES, Basis, Level
from denghuo.service.billing.change import opened
from denghuo.service.billing.lines import CannotRate, RatingSubject
from denghuo.service.billing.rules import rate
from denghuo.service.billing.rules.quantities import WITHOUT_BANDS
from denghuo.service.tariff.api import TariffDocument

YEAR = 12
UNTOLD = {
    "no_time_of_use_registers": TextPair(
        zh="该电价分时计费，而电表没有分时示数，也没有可用的 15 分钟曲线，无法知道各时段用电，不能估算。",
        en="It prices by time of use, and the meter has no registers by band and no curve that tells them: what was used when is"
        " not known.",
    ),
    "no_demand_register": TextPair(
        zh="该电价按最大需量计费，而电表没有需量示数，不能估算。",
        en="It charges the maximum demand, and the meter has no demand register.",
    ),
}
"""Remarks of the rating that make a tariff's cost a guess where it is not the one that is billed."""
DEMAND = text("没有需量示数", "No demand register")
ESTIMATED: Basis = "curve_gaps"


@dataclass(frozen=True)
class Cost:
    """A tariff's amounts by month, or why there are none.

    untold: the months (their places) of which the tariff's cost is not known; they stand as by the present tariff. bases: what the
    bands of each month rest on.
    """

    tariff: TariffDocument
    months: tuple[Money, ...]
    reason: TextPair | None = None
    untold: frozenset[int] = frozenset()
    bases: tuple[Basis, ...] = ()

    @property
    def total(self) -> Money | None:
        return None if not self.months else sum(self.months, Money(0))

    @property
    def by_curve(self) -> int:
        return sum(basis in ("curve", ESTIMATED) for basis in self.bases)


def eligible(tariffs: Sequence[TariffDocument], now: TariffDocument, subject: RatingSubject) -> list[TariffDocument]:
    """The tariffs that a contract may be billed by as it is, the present one first."""
    others = [
        tariff
        for tariff in tariffs
        if tariff.code != now.code
        and tariff.area == now.area
        and tariff.kind == subject.kind
        and subject.tariff_class in tariff.classes
        and subject.settlement in tariff.settlements
        and subject.voltage in tariff.voltages
    ]
    return [now, *sorted(others, key=lambda one: one.code)]


def cost(
    tariff: TariffDocument,
    subjects: Sequence[RatingSubject],
    present: Cost | None,
    others: Sequence[Mapping[str, TariffDocument]] | None = None,
    bases: Sequence[Basis] = (),
) -> Cost:
    """What the months cost by a tariff. present: the cost by the present one; None where this is it: it is billed as it is, with
    whatever its meters give.

    others: the tariffs of parts by code, month by month. bases: what the bands of each month rest on.
    """
    months: list[Money] = []
    untold: dict[int, str] = {}
    for at, subject in enumerate(subjects):
        parts = {code: opened(one) for code, one in others[at].items()} if others else {}
        try:
            rated = rate(subject, opened(tariff), parts)
        except CannotRate as refused:
            return Cost(tariff, (), TextPair(zh=refused.detail["zh"], en=refused.detail["en"]))
        remark = next((one.code for one in rated.remarks if one.code in UNTOLD), None)
        if remark is None or present is None:
            months.append(rated.total)
        else:
            months.append(present.months[at])
            untold[at] = remark
    if len(untold) == len(subjects):
        return Cost(tariff, (), UNTOLD[untold[0]])
    return Cost(tariff, tuple(months), _partly(untold, bases, len(subjects)), frozenset(untold), tuple(bases))


def _partly(untold: Mapping[int, str], bases: Sequence[Basis], months: int) -> TextPair | None:
    """What is said of a tariff that can be told for some of the months."""
    if not untold:
        return None
    why = Counter(bases[at] if remark == WITHOUT_BANDS and bases else None for at, remark in sorted(untold.items()))
    names = {code: BASES.entries[code] if code is not None else DEMAND for code in why}
    zh = "，".join(f"{count} 个月{names[code]['zh']}" for code, count in why.items())
    en = ", ".join(f"{count} months: {names[code]['en'].lower()}" for code, count in why.items())
    return TextPair(
        zh=f"{months} 个月中 {months - len(untold)} 个月可算；{zh}，按现行电价计入，不产生差额。",
        en=f"{months - len(untold)} of {months} months can be told; {en}; these count as by the present tariff and make no"
        " difference.",
    )


def best_of(costs: Sequence[Cost], purchase: bool) -> Cost:
    """The cheapest tariff, for what is bought from a plant the dearest; the present one (first) where another is not better."""
    told = [one for one in costs if one.total is not None]
    sign = -1 if purchase else 1
    return min(told, key=lambda one: sign * (one.total or Money(0)).fen)


@dataclass(frozen=True)
class Standing:
    """How firmly the best tariff stands against the one that it is told from: against the present one where it is another, else
    against the next best. months: those of the year. told: those of which both tariffs are told. better: in how many of these it is
    at least as good. steady: whether it stays ahead whichever one month is left out, so that no single month decides. estimated:
    months with estimated registers or curves."""

    months: int
    told: int
    better: int
    steady: bool
    estimated: int

    @property
    def level(self) -> Level:
        if not self.steady or 2 * self.told < self.months:
            return "open"
        return "likely" if self.told < YEAR or self.estimated else "sure"


def standing(costs: Sequence[Cost], purchase: bool, estimated: Set[int]) -> Standing | None:
    """How firmly the best of the tariffs (the present one first) stands; None where there is nothing else to tell it from.

    estimated: the months (their places) with estimated registers."""
    best = best_of(costs, purchase)
    rivals = [one for one in costs if one.total is not None and one is not best]
    if not rivals:
        return None
    rival = costs[0] if best is not costs[0] else best_of(rivals, purchase)
    sign = -1 if purchase else 1
    ahead = [sign * (other.fen - own.fen) for own, other in zip(best.months, rival.months, strict=True)]
    untold, total = best.untold | rival.untold, sum(ahead)
    guessed = {at for one in (best, rival) for at, basis in enumerate(one.bases) if basis == ESTIMATED}
    return Standing(
        months=len(ahead),
        told=len(ahead) - len(untold),
        better=sum(one >= 0 for at, one in enumerate(ahead) if at not in untold),
        steady=len(ahead) > 1 and all(total - one > 0 for one in ahead),
        estimated=len(guessed | estimated),
    )
