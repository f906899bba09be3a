"""Errors of past forecasts as everybody may see them (预测误差公布): published when a month was measured, told beside new ones."""

from typing import Any

import pyarrow as pa

from denghuo.data.processing.dataset import arrow_schema
from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TARIFF_CLASSES, TextPair
from denghuo.kernel.problem import text
from denghuo.kernel.values import Percent
from denghuo.service.billing.api import FORECAST_ERRORS, PublishedError, PublishedErrors
from denghuo.service.billing.store import BillingStore

_ALL = ""
"""Of all tariff classes."""
_EVERYBODY = text("全部用户", "All customers")
FEW_DAYS, MANY_DAYS = 11, 21
"""Midnights at which forecasts are measured: with ten and with twenty days of the month known."""


def publish_errors(work: Work, store: BillingStore, month: str, call: Call) -> None:
    """Puts the errors of a measured month in the place of those that were published of it, and publishes them as a dataset."""
    rows = [
        {
            "month": month,
            "day": row["day"],
            "tariff_class": row["tariff_class"] or _ALL,
            "accounts": row["accounts"],
            "median_e2": row["median"],
            "ninth_e2": row["ninth"],
            "within_e2": _share_e2(row["within"], row["accounts"]),
            "bias_e2": _share_e2(row["expected_fen"] - row["billed_fen"], row["billed_fen"]),
            "published_at": call.now,
        }
        for row in store.checks.errors(month)
    ]
    store.checks.publish(rows)
    named = [{**row, "days_known": row["day"] - 1, "tariff_class": row["tariff_class"] or None} for row in rows]
    table = pa.Table.from_pylist(named, schema=arrow_schema(FORECAST_ERRORS))
    work.datasets.publish(FORECAST_ERRORS, month, "all", table, call.now)


def published_errors(store: BillingStore, call: Call) -> PublishedErrors:
    """The errors of all months that were published, newest first."""
    return PublishedErrors(rows=[_shown(row) for row in store.checks.published()], as_of=call.now)


def past_error(store: BillingStore, month: str, tariff_class: str, days_known: int) -> TextPair | None:
    """How far the forecasts of the newest published month before this one were from its bills: those of the class, with about as
    many days known; of all classes where the class was not measured."""
    day = FEW_DAYS if days_known < MANY_DAYS - 1 else MANY_DAYS
    found = store.checks.newest_published(month, day, [tariff_class, _ALL])
    if found is None:
        return None
    one, alike = _shown(found), found["tariff_class"] != _ALL
    return TextPair(
        zh=f"{one.month} 的预测（已知 {one.days_known} 天时，{'同类用户' if alike else '全部用户'}抽样 {one.accounts} 户）"
        f"与账单相比：半数相差不超过 {one.median_error}%，九成不超过 {one.ninth_error}%，{one.within}% 落在区间内。",
        en=f"Forecasts of {one.month} with {one.days_known} days known, against the bills of {one.accounts} accounts of"
        f" {'this class' if alike else 'all classes'}: half were within {one.median_error} %, nine of ten within"
        f" {one.ninth_error} %, and {one.within} % lay within their band.",
    )


def _share_e2(part: int, whole: int) -> int:
    """In 0.01 %; what is measured has accounts and bills above nothing."""
    share = Percent.of_parts(part, whole)
    return 0 if share is None else share.number


def _shown(row: dict[str, Any]) -> PublishedError:
    return PublishedError.model_validate(
        {
            "row_key": f"{row['month']}:{row['tariff_class'] or 'all'}:{row['day']}",
            "month": row["month"],
            "tariff_class": row["tariff_class"] or None,
            "class_title": TARIFF_CLASSES.entries.get(row["tariff_class"], _EVERYBODY),
            "days_known": row["day"] - 1,
            "accounts": row["accounts"],
            "median_error": Percent(row["median_e2"]),
            "ninth_error": Percent(row["ninth_e2"]),
            "within": Percent(row["within_e2"]),
            "bias": Percent(row["bias_e2"]),
            "published_at": row["published_at"],
        }
    )
