"""Sums of the curves of billed months (月曲线汇总): ordered when a month is issued, and again when its curves are corrected, so
that what other tariffs would have cost over a year is told without adding up 365 days.

Kinds of days and cells are those of all tariffs in force in the month and today. Whoever asks for others is answered from the days.
"""

from datetime import date

from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month
from denghuo.service.billing.api import CurvesSummed
from denghuo.service.billing.calendar import Calendars
from denghuo.service.billing.curves import calendars_by_key
from denghuo.service.billing.cycle import platform_call, tariffs_of
from denghuo.service.billing.engine.atoms import month_plan
from denghuo.service.billing.plans import YEAR
from denghuo.service.host.binding import Ask
from denghuo.service.reading.api import EnergySeries, PublishSums, ReadingApi
from denghuo.service.tariff.api import InForce, TariffApi, TariffDocument

_SERIES: tuple[tuple[str, EnergySeries], ...] = (("supply", "active_fwd_wh"), ("purchase", "active_rev_wh"))


def sum_curves(ask: Ask, call: Call, month: str) -> CurvesSummed:
    """A step: the newest of the twelve months until this one whose sums are not those of its curves."""
    today = ask(TariffApi).in_force(platform_call(call), InForce(on=call.today)).tariffs
    at = Month.of(month)
    for _ in range(YEAR):
        kept, made = _sum_month(ask, platform_call(call), at, [*tariffs_of(ask, call, at), *today])
        if made or not kept:
            return CurvesSummed(month=str(at), made=made, again=made > 0)
        at = at.previous
    return CurvesSummed(month=month, made=0, again=False)


def _sum_month(ask: Ask, call: Call, month: Month, tariffs: list[TariffDocument]) -> tuple[int, int]:
    """How many files of sums the month has, and how many of them were made now."""
    kept = made = 0
    for kind, series in _SERIES:
        plan = month_plan(
            calendars_by_key(
                ask, call, Calendars(ask, call, month), _apart([one for one in tariffs if one.kind == kind])
            )
        )
        if not plan.kinds:
            continue
        days: dict[int, list[date]] = {}
        for day, number in plan.kinds.items():
            days.setdefault(number, []).append(day)
        asked = PublishSums(month=str(month), series=series, starts=list(plan.cut), kinds=list(days.values()))
        published = ask(ReadingApi).publish_sums(call, asked)
        kept, made = kept + len(published.rows), made + published.made
    return kept, made


def _apart(tariffs: list[TariffDocument]) -> list[TariffDocument]:
    """One tariff of each set of hours: most differ in prices alone."""
    found: list[TariffDocument] = []
    for tariff in tariffs:
        if all((one.area, one.seasons) != (tariff.area, tariff.seasons) for one in found):
            found.append(tariff)
    return found
