"""What follows in billing when prices, days or curves are published (计费依据发布): who waited for them is calculated again, and
so is what was rated by others before and is not issued."""

from collections.abc import Iterable, Iterator, Sequence

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month
from denghuo.service.billing.api.recalculation import RecalculationCause
from denghuo.service.billing.cycle import tariffs_of
from denghuo.service.billing.recalculation import order_again
from denghuo.service.billing.replaced import take_back_drafts
from denghuo.service.billing.rules.quantities import hangs_on
from denghuo.service.billing.store import BillingStore
from denghuo.service.billing.store.replaced import UNIT, Fact
from denghuo.service.host.binding import Ask
from denghuo.service.tariff.api import (
    NATION,
    DayTablePublished,
    PriceTableCorrected,
    SpotPricesPublished,
    TariffDocument,
    UnitAreaPublished,
)


def follow_prices(work: Work, store: BillingStore, call: Call, event: PriceTableCorrected) -> None:
    """A correction was published: bills of its month are looked at."""
    _replace(work, store, call, "prices", [event.month], [(one.code, one.version) for one in event.replaced])


def follow_spot_prices(work: Work, store: BillingStore, call: Call, event: SpotPricesPublished) -> None:
    """Spot prices were published: who is held for want of one is calculated again, and so is what was rated by corrected ones."""
    _replace(work, store, call, "spot_prices", [event.month], [(node, 0) for node in event.nodes])
    held = store.held.accounts(event.month, "spot_price_missing")
    order_again(work, store, call, event.month, "spot_prices", held)


def follow_days(work: Work, store: BillingStore, ask: Ask, call: Call, event: DayTablePublished) -> None:
    """Days were published: what was rated by other ones is looked at, and whose curve was held against its registers by them."""
    for month in event.months:
        if store.cycles.cycle(month) is None:
            continue
        tariffs = list(hanging(tariffs_of(ask, call, Month.of(month)), event.kind, event.area, month))
        _replace(work, store, call, "days", [month], [(one.code, one.version) for one in tariffs])
        classes = sorted({name for one in tariffs for name in one.classes})
        order_again(work, store, call, month, "days", store.held.accounts(month, "read_held", classes))


def follow_areas(work: Work, store: BillingStore, call: Call, event: UnitAreaPublished) -> None:
    """A unit has another price area from a day on: what was rated before of it and of units below it is looked at, and who is held
    for want of a tariff is calculated again."""
    since = str(Month(event.from_day.year, event.from_day.month))
    for month in store.cycles.months(since):
        _replace(work, store, call, "areas", [month], [(event.org, UNIT)])
        held = store.held.accounts(month, "tariff_unknown")
        mine = {one: org for one, org in held.items() if org == event.org or org.startswith(f"{event.org}.")}
        order_again(work, store, call, month, "areas", mine)


def follow_curves(work: Work, store: BillingStore, call: Call, month: str) -> None:
    """Curves arrived: who is held for want of one is calculated again."""
    order_again(work, store, call, month, "curves", store.held.accounts(month, "curve_missing"))


def follow_estimates(work: Work, store: BillingStore, call: Call, month: str) -> None:
    """Values of curves count otherwise than before: who is held for their gaps is calculated again, and so is who was billed with
    them; an issued bill that comes out otherwise stands and is told with its difference."""
    concerned = _held_for_gaps(store, month) | store.recalculations.by_gaps(month)
    order_again(work, store, call, month, "curves", concerned)


def follow_release(work: Work, store: BillingStore, call: Call, month: str) -> None:
    """The time to wait for values of a day is over: who is held for gaps is calculated again, by what stands in for them."""
    order_again(work, store, call, month, "curves", _held_for_gaps(store, month))


def _held_for_gaps(store: BillingStore, month: str) -> dict[str, str]:
    """The unit of each account that is held for its registers or for the curve of its settlement points."""
    return store.held.accounts(month, "read_held") | store.held.accounts(month, "curve_missing")


def hanging(tariffs: Iterable[TariffDocument], kind: str, area: str, month: str) -> Iterator[TariffDocument]:
    """The tariffs whose bands in a month hang on a table of days of this kind and area."""
    return (one for one in tariffs if area in (NATION, one.area) and hangs_on(one, kind, Month.of(month)))


def _replace(
    work: Work,
    store: BillingStore,
    call: Call,
    subject: RecalculationCause,
    months: Sequence[str],
    facts: Sequence[Fact],
) -> None:
    """Bills by these facts, of the months and of the next ones in which two months are read together, are looked at."""
    store.replaced.note(subject, months, facts, call.now)
    for month in sorted({str(near) for one in months for near in (one, Month.of(one).next)}):
        take_back_drafts(work, store, month, call)
