"""The capacity that the basic charge is taken on, from the states of transformers over the days of a month (计费容量)."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from denghuo_verify.energy import WH

PAUSE_DAYS = 15
HALVES_UNTIL = date(2016, 7, 1)
"""From here on a reduced capacity is not charged at all."""
Span = dict[str, Any]
"""first and last day, `capacity` in kVA, `contract` in kW."""


def terms(rating: Mapping[str, Any], first: date, last: date) -> list[Span]:
    """Spans of unchanged capacity and contract demand within the billed days: those of the contract, or with transformers what
    their states give, cut where the contract changes."""
    stated = []
    for one in rating.get("spans") or []:
        begin = max(date.fromisoformat(one["first_day"]), first)
        end = min(date.fromisoformat(one["last_day"]), last)
        if begin <= end:
            stated.append(
                {
                    "first": begin,
                    "last": end,
                    "capacity": _kilo(one, "capacity_va"),
                    "contract": _kilo(one, "contract_w"),
                }
            )
    transformers = rating.get("transformers") or []
    if not transformers:
        return stated
    changing = _by_transformers(transformers, first, last)
    if not stated:
        return changing
    cut = []
    for one in changing:
        for other in stated:
            begin, end = max(one["first"], other["first"]), min(one["last"], other["last"])
            if begin <= end:
                cut.append({**one, "first": begin, "last": end, "contract": other["contract"]})
    return cut


def _kilo(one: Mapping[str, Any], name: str) -> Decimal | None:
    return None if one.get(name) is None else one[name] * WH


def _by_transformers(transformers: Sequence[Mapping[str, Any]], first: date, last: date) -> list[Span]:
    """Day by day; neighbouring days of equal capacity are one span."""
    spans: list[Span] = []
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        capacity = charged_capacity([one for one in transformers if _on(one, day)], day)
        if spans and spans[-1]["capacity"] == capacity:
            spans[-1]["last"] = day
        else:
            spans.append({"first": day, "last": day, "capacity": capacity, "contract": None})
    return spans


def _on(one: Mapping[str, Any], day: date) -> bool:
    ended = one.get("last_day") is not None and date.fromisoformat(one["last_day"]) < day
    return date.fromisoformat(one["first_day"]) <= day and not ended


def charged_capacity(present: Sequence[Mapping[str, Any]], day: date) -> Decimal:
    """kVA of transformers at one time. Of those that are interlocked, the largest that can run at once."""
    alone = 0
    groups: dict[str, int] = {}
    for one in present:
        charged = one["capacity_va"] * halves(one, day) // 2
        word = one.get("interlock")
        if word is None:
            alone += charged
        else:
            groups[word] = max(groups.get(word, 0), charged)
    return (alone + sum(groups.values())) * WH


def halves(one: Mapping[str, Any], day: date) -> int:
    """Halves of its capacity that a transformer is charged with. A pause of less than fifteen days is charged in full."""
    state = one.get("state", "running")
    if state == "paused" and one.get("last_day") is not None:
        days = (date.fromisoformat(one["last_day"]) - date.fromisoformat(one["first_day"])).days + 1
        return 2 if days < PAUSE_DAYS else 0
    if state == "half":
        return int(day < HALVES_UNTIL)
    return 0 if state in ("sealed", "paused") else 2


def installed(transformers: Sequence[Mapping[str, Any]], first: date, last: date) -> int:
    """VA that stood there at most on one of the days, each transformer once, in whatever state."""
    most = 0
    for offset in range((last - first).days + 1):
        there = {one["transformer_no"]: one for one in transformers if _on(one, first + timedelta(days=offset))}
        most = max(most, sum(one["capacity_va"] for one in there.values()))
    return most


def without_equal_neighbours(spans: Sequence[Span], names: Sequence[str]) -> list[Span]:
    """Spans that follow each other with the same values under `names` are one."""
    found: list[Span] = []
    for one in sorted(spans, key=lambda span: span["first"]):
        before = found[-1] if found else None
        if (
            before is not None
            and before["last"] + timedelta(days=1) == one["first"]
            and all(before[name] == one[name] for name in names)
        ):
            before["last"] = one["last"]
        else:
            found.append(dict(one))
    return found
