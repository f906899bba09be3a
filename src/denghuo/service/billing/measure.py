"""How good the forecasts were (预测误差): told again as on two days of a month that was billed, and compared with the bills.

Only registers until that day count, as they are known today: what was corrected since is seen as corrected.
"""

from datetime import date, timedelta

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month, midnight
from denghuo.kernel.values import Money, Percent
from denghuo.service.billing.api import (
    ForecastError,
    ForecastErrors,
    ForecastMeasured,
    NothingSoFar,
    SoFar,
)
from denghuo.service.billing.past_errors import FEW_DAYS, MANY_DAYS, publish_errors
from denghuo.service.billing.sofar import so_far
from denghuo.service.billing.store import BillingStore
from denghuo.service.billing.store.checks import Check
from denghuo.service.host.binding import Ask

SAMPLE = 200
AT_ONCE = 20
DAYS = (FEW_DAYS, MANY_DAYS)
_HOUR = timedelta(hours=1)


def measure_forecast(work: Work, store: BillingStore, ask: Ask, month: str, call: Call) -> ForecastMeasured:
    """A step: some accounts of the month's sample. `again` while there are more; the last step publishes what was found."""
    waiting = store.checks.to_measure(month, SAMPLE, AT_ONCE)
    rows = []
    for one in waiting:
        for day in DAYS:
            low, expected, high = _told(store, ask, one["account_no"], month, day)
            rows.append(
                Check(
                    month,
                    day,
                    one["account_no"],
                    one["org"],
                    low,
                    expected,
                    high,
                    one["amount_fen"],
                    one["tariff_class"],
                )
            )
    store.checks.keep(rows)
    again = len(waiting) == AT_ONCE
    # Where nothing is new, what was published stands.
    publish = not again and (bool(waiting) or not store.checks.is_published(month))
    if publish:
        publish_errors(work, store, month, call)
    return ForecastMeasured(month=month, accounts=len(waiting), published=publish, again=again)


def _told(
    store: BillingStore, ask: Ask, account_no: str, month: str, day: int
) -> tuple[int | None, int | None, int | None]:
    first = Month.of(month).first_day
    then = Call.system(midnight(date(first.year, first.month, day)) + _HOUR)
    try:
        told = so_far(store, ask, then, lambda _: {}, SoFar(account_no=account_no, month=month))
    except NothingSoFar:
        return None, None, None
    return told.low_amount.fen, told.expected_amount.fen, told.high_amount.fen


def forecast_errors(store: BillingStore, month: str | None, call: Call) -> ForecastErrors:
    """The errors of months that were measured, as far as the caller may see their accounts."""
    rows = [
        ForecastError(
            row_key=f"{row['month']}:{row['tariff_class'] or 'all'}:{row['day']}",
            month=row["month"],
            tariff_class=row["tariff_class"],
            days_known=row["day"] - 1,
            accounts=row["accounts"],
            median_error=Percent(row["median"]),
            ninth_error=Percent(row["ninth"]),
            within=Percent.of_parts(row["within"], row["accounts"]),
            expected=Money(row["expected_fen"]),
            billed=Money(row["billed_fen"]),
            bias=Percent.of_parts(row["expected_fen"] - row["billed_fen"], row["billed_fen"]),
        )
        for row in store.checks.errors(month)
    ]
    return ForecastErrors(rows=rows, as_of=call.now)
