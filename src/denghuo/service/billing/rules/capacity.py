"""The capacity that the basic charge is taken on (计费容量): from the states of the transformers over the days of a month.

供电营业规则: in operation, in hot standby, or in cold standby without a seal: charged; cold and sealed: free. Interlocked mutual
standby counts with the largest capacity that can run at once. A pause of less than fifteen days is charged in full. From the day of
a temporary exchange the new capacity counts. Until 2016 a reduced capacity could be charged by half.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from denghuo.kernel.period import Month
from denghuo.service.billing.lines import BasicSpan, TransformerDays

PAUSE_DAYS = 15
EXCHANGE_MONTHS_UP_TO_10_KV = 2
EXCHANGE_MONTHS_FROM_35_KV = 3
_DAY = timedelta(days=1)
_CHARGED = {"running": 2, "hot_standby": 2, "cold_standby": 2, "half": 1, "sealed": 0, "paused": 0}
"""Halves of the capacity that a state is charged with."""


def halves(one: TransformerDays) -> int:
    """Halves of its capacity that a transformer is charged with: 2, 1 or 0; a pause that ends too early counts in full."""
    if one.state == "paused" and one.last_day is not None and (one.last_day - one.first_day).days + 1 < PAUSE_DAYS:
        return 2
    return _CHARGED[one.state]


def charged_capacity(transformers: Iterable[TransformerDays]) -> int:
    """VA charged for transformers at one time."""
    total = 0
    groups: dict[str, int] = {}
    for one in transformers:
        charged = one.capacity_va * halves(one) // 2
        if one.interlock is None:
            total += charged
        else:
            groups[one.interlock] = max(groups.get(one.interlock, 0), charged)
    return total + sum(groups.values())


def capacity_spans(transformers: Sequence[TransformerDays], first: date, last: date) -> list[BasicSpan]:
    """The charged capacity from day to day between two days, both included; neighbours of equal capacity are one span."""
    cuts = {first}
    for one in transformers:
        cuts.add(one.first_day)
        if one.last_day is not None:
            cuts.add(one.last_day + _DAY)
    starts = sorted(cut for cut in cuts if first <= cut <= last)
    spans: list[BasicSpan] = []
    for at, start in enumerate(starts):
        end = starts[at + 1] - _DAY if at + 1 < len(starts) else last
        present = [
            one for one in transformers if one.first_day <= start and (one.last_day is None or one.last_day >= start)
        ]
        capacity = charged_capacity(present)
        if spans and spans[-1].capacity_va == capacity:
            spans[-1] = spans[-1].model_copy(update={"last_day": end})
        else:
            spans.append(BasicSpan(first_day=start, last_day=end, capacity_va=capacity))
    return spans


def with_contract_demand(capacities: Sequence[BasicSpan], contracts: Sequence[BasicSpan]) -> list[BasicSpan]:
    """Spans of capacity cut by the spans of the contract, each with both; days without a contract are not charged."""
    if not contracts:
        return list(capacities)
    both = []
    for one in capacities:
        for other in contracts:
            first, last = max(one.first_day, other.first_day), min(one.last_day, other.last_day)
            if first <= last:
                update = {"first_day": first, "last_day": last, "contract_w": other.contract_w}
                both.append(one.model_copy(update=update))
    return both


def exchange_ends_by(begun: date, voltage_kv: str) -> date:
    """The last day that a temporary exchange (暂换) may have: two months up to 10 kV, three from 20 kV on."""
    low = voltage_kv in ("0.22", "0.38", "6", "10")
    months = EXCHANGE_MONTHS_UP_TO_10_KV if low else EXCHANGE_MONTHS_FROM_35_KV
    year, index = divmod(begun.year * 12 + begun.month - 1 + months, 12)
    last = Month(year, index + 1)
    if begun.day > last.day_count:
        return last.first_day.replace(day=last.day_count)
    return last.first_day.replace(day=begun.day) - _DAY
