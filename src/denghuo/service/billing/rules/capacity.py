"""The capacity that the basic charge is taken on (计费容量): from the states of the transformers over the days of a month.

供电营业规则: in operation, in hot standby, or in cold standby without a seal: charged; cold and sealed: free. Interlocked mutual
standby counts with the largest capacity that can run at once. A pause of less than fifteen days is charged in full. From the day of
a temporary exchange the new capacity counts. Up to June 2016 a reduced capacity was charged by half; since then it is not
charged.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from denghuo.service.billing.lines import BasicSpan, TransformerDays
from denghuo.service.billing.rules.registry import RULES
from denghuo.service.tariff.api import ChargedBy

PAUSE_DAYS = 15
_DAY = timedelta(days=1)
_FREE = frozenset({"sealed", "paused"})


def halves(one: TransformerDays, on: date) -> int:
    """Halves of its capacity that a transformer is charged with on a day: 2, 1 or 0; a pause that ends too early counts in full,
    a reduced capacity by half as long as that rule was in force and not at all since."""
    if one.state == "paused" and one.last_day is not None and (one.last_day - one.first_day).days + 1 < PAUSE_DAYS:
        return 2
    if one.state == "half":
        return int(RULES["basic.half"].holds_on(on))
    return 0 if one.state in _FREE else 2


def charged_capacity(transformers: Iterable[TransformerDays], on: date) -> int:
    """VA charged for transformers that are present on a day."""
    total = 0
    groups: dict[str, int] = {}
    for one in transformers:
        charged = one.capacity_va * halves(one, on) // 2
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
    if any(one.state == "half" for one in transformers):
        cuts.add(RULES["basic.half"].until or first)
    starts = sorted(cut for cut in cuts if first <= cut <= last)
    spans: list[BasicSpan] = []
    for at, start in enumerate(starts):
        end = starts[at + 1] - _DAY if at + 1 < len(starts) else last
        capacity = charged_capacity(_present(transformers, start), start)
        if spans and spans[-1].capacity_va == capacity:
            spans[-1] = spans[-1].model_copy(update={"last_day": end})
        else:
            spans.append(BasicSpan(first_day=start, last_day=end, capacity_va=capacity))
    return spans


def installed_capacity(transformers: Sequence[TransformerDays], first: date, last: date) -> int:
    """The largest VA that stood there on one day between two days, whatever state it was in: one transformer in two states after
    each other, or exchanged for another, counts once."""
    days = {first, *(one.first_day for one in transformers if first < one.first_day <= last)}
    return max(
        sum({one.transformer_no: one.capacity_va for one in _present(transformers, day)}.values()) for day in days
    )


def _present(transformers: Iterable[TransformerDays], on: date) -> list[TransformerDays]:
    return [one for one in transformers if one.first_day <= on and (one.last_day is None or one.last_day >= on)]


def joined(spans: Iterable[BasicSpan], by: ChargedBy) -> list[BasicSpan]:
    """Neighbouring spans with the same terms as one: days are counted only where something that is charged changes."""
    found: list[BasicSpan] = []
    for span in sorted(spans, key=lambda one: one.first_day):
        last = found[-1] if found else None
        same = last is not None and last.last_day + _DAY == span.first_day and last.capacity_va == span.capacity_va
        if last is not None and same and (by == "capacity" or last.contract_w == span.contract_w):
            found[-1] = last.model_copy(update={"last_day": span.last_day})
        else:
            found.append(span)
    return found


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
