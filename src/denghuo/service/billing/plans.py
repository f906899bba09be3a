"""Tariffs beside each other over a year of one account (套餐比较). Pure: subjects and tariffs in, costs out.

All tariffs are taken at one day's prices, so that the difference is that of the tariffs and not of the months in which
prices moved.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import Money
from denghuo.service.billing.api.plan import Level
from denghuo.service.billing.change import opened
from denghuo.service.billing.lines import CannotRate, RatingSubject
from denghuo.service.billing.rules import rate
from denghuo.service.tariff.api import TariffDocument

YEAR = 12
UNTOLD = {
    "no_time_of_use_registers": TextPair(
        zh="该电价分时计费，而电表没有分时示数，无法知道各时段用电，不能估算。",
        en="It prices by time of use, and the meter has no registers by band: what was used when is not known.",
    ),
    "no_demand_register": TextPair(
        zh="该电价按最大需量计费，而电表没有需量示数，不能估算。",
        en="It charges the maximum demand, and the meter has no demand register.",
    ),
}
"""Remarks of the rating that make a tariff's cost a guess where it is not the one that is billed."""


@dataclass(frozen=True)
class Cost:
    """A tariff's amounts by month, or why there are none."""

    tariff: TariffDocument
    months: tuple[Money, ...]
    reason: TextPair | None = None

    @property
    def total(self) -> Money | None:
        return None if self.reason is not None else sum(self.months, Money(0))


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
    present: bool,
    others: Sequence[Mapping[str, TariffDocument]] | None = None,
) -> Cost:
    """What the months cost by a tariff. The present one is billed as it is, with whatever its meters give.

    others: the tariffs of parts by code, month by month.
    """
    months = []
    for at, subject in enumerate(subjects):
        parts = {code: opened(one) for code, one in others[at].items()} if others else {}
        try:
            rated = rate(subject, opened(tariff), parts)
        except CannotRate as refused:
            return Cost(tariff, (), TextPair(zh=refused.detail["zh"], en=refused.detail["en"]))
        reason = next((UNTOLD[one.code] for one in rated.remarks if one.code in UNTOLD), None)
        if reason is not None and not present:
            return Cost(tariff, (), reason)
        months.append(rated.total)
    return Cost(tariff, tuple(months))


def best_of(costs: Sequence[Cost], purchase: bool) -> Cost:
    """The cheapest tariff, for what is bought from a plant the dearest; the present one (first) where another is not better."""
    told = [one for one in costs if one.total is not None]
    sign = -1 if purchase else 1
    return min(told, key=lambda one: sign * (one.total or Money(0)).fen)


@dataclass(frozen=True)
class Standing:
    """How firmly the best tariff stands against the one that it is told from: against the present one where it is another, else
    against the next best. months: those of the year. better: in how many of them it is at least as good. steady: whether it stays
    ahead whichever one month is left out, so that no single month decides. estimated: months with estimated registers."""

    months: int
    better: int
    steady: bool
    estimated: int

    @property
    def level(self) -> Level:
        if not self.steady:
            return "open"
        return "likely" if self.months < YEAR or self.estimated else "sure"


def standing(costs: Sequence[Cost], purchase: bool, estimated: int) -> Standing | None:
    """How firmly the best of the tariffs (the present one first) stands; None where there is nothing else to tell it from."""
    best = best_of(costs, purchase)
    rivals = [one for one in costs if one.total is not None and one is not best]
    if not rivals:
        return None
    rival = costs[0] if best is not costs[0] else best_of(rivals, purchase)
    sign = -1 if purchase else 1
    ahead = [sign * (other.fen - own.fen) for own, other in zip(best.months, rival.months, strict=True)]
    total = sum(ahead)
    return Standing(
        months=len(ahead),
        better=sum(one >= 0 for one in ahead),
        steady=len(ahead) > 1 and all(total - one > 0 for one in ahead),
        estimated=estimated,
    )
