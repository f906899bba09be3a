"""What is known of meters beside their curves, column by column: class, capacity, phases, and for how long nothing passed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from denghuo.kernel.period import midnight
from denghuo.service.reading.batch.plan import Flags, Ints
from denghuo.service.reading.rules.curve_book import ALL, RuleSet
from denghuo.service.reading.rules.curves import Beside

pc: Any = pyarrow.compute
PLANTS, USERS, GATES = ("export", "full_feed_in"), ("sale", "sub_meter"), ("gateway", "feeder_head")
Days = Callable[[date, list[str]], Ints]
"""The curves that some meters have on a day, as a matrix."""


class MeterFacts:
    """The meters that hang on a day. installed: rows of `point.installation` of the month; terms: rows of `contract.terms`."""

    def __init__(self, installed: pa.Table, terms: pa.Table, day: date) -> None:
        at = installed["from_at"].type
        begin, end = pa.scalar(midnight(day), at), pa.scalar(midnight(day + timedelta(days=1)), at)
        there = installed.filter(pc.and_(pc.less(installed["from_at"], end), pc.greater(installed["to_at"], begin)))
        # A meter may serve a sale and what is delivered back: the sale says of what class it is.
        rows = there.sort_by([("meter_no", "ascending"), ("role", "descending")]).combine_chunks()
        self._rows, role = rows, rows["role"]
        self._plants = rows.filter(pc.is_in(role, value_set=pa.array(PLANTS)))
        today = pa.scalar(day, pa.date32())
        ended = pc.fill_null(pc.less_equal(terms["effective_to"], today), False)
        of_day = terms.filter(
            pc.and_(pc.and_(pc.less_equal(terms["effective_from"], today), pc.invert(ended)), _buys(terms))
        )
        own = of_day.take(pc.index_in(rows["account_no"], value_set=_one(of_day["account_no"])))
        user, gate = (pc.is_in(role, value_set=pa.array(roles)) for roles in (USERS, GATES))
        of_account = pc.if_else(user, pc.fill_null(own["tariff_class"], ALL), "generation")
        self._class = pc.if_else(gate, "gateway", of_account)
        self._capacity_w = pc.if_else(user, pc.coalesce(own["capacity_va"], own["contract_w"]), None)

    def classes(self, subjects: Sequence[str]) -> list[str]:
        """Of each meter; of one that does not hang on that day, all."""
        return list(map(str, pc.fill_null(self._class.take(self._at(self._rows, subjects)), ALL).to_pylist()))

    def members(self, name: str) -> list[str]:
        """The meters of a class, in the order of their numbers."""
        mine = self._rows["meter_no"].filter(_one(pc.equal(self._class, name)))
        return sorted(set(map(str, mine.to_pylist())))

    def capacity_w(self, series: str, subjects: Sequence[str]) -> Ints:
        """The power that may pass at most in a direction: of the contract forwards, of the plant where it delivers. -1: unknown."""
        if series == "active_fwd_wh":
            found = self._capacity_w.take(self._at(self._rows, subjects))
        elif series == "active_rev_wh":
            found = self._plants["pv_w"].take(self._at(self._plants, subjects))
        else:
            return np.full(len(subjects), -1, dtype=np.int64)
        return _numbers(found)

    def no_plant(self, series: str, subjects: Sequence[str]) -> Flags:
        """Whether the series is what came back from a customer where no plant is known."""
        if series != "active_rev_wh":
            return np.zeros(len(subjects), dtype=np.bool_)
        place = self._at(self._rows, subjects)
        user = pc.is_in(self._rows["role"].take(place), value_set=pa.array(USERS))
        quiet = pc.and_(user, pc.is_null(self._rows["pv_w"].take(place)))
        alone = pc.is_null(self._at(self._plants, subjects))
        found: Flags = _one(pc.and_(quiet, alone)).to_numpy(zero_copy_only=False)
        return found

    @staticmethod
    def _at(rows: pa.Table, subjects: Sequence[str]) -> Any:
        return pc.index_in(pa.array(subjects, pa.string()), value_set=_one(rows["meter_no"]))


def zero_days(day: date, subjects: Sequence[str], raw: Ints, days_max: int, curves: Days) -> Ints:
    """For how many days up to this one each meter's curve was received whole and was nothing but zero, up to `days_max`."""
    count: Ints = (raw == 0).all(axis=1).astype(np.int64)
    for back in range(1, days_max):
        rows = np.flatnonzero(count == back)
        if not len(rows):
            break
        before = curves(day - timedelta(days=back), [subjects[row] for row in rows.tolist()])
        count[rows] += (before == 0).all(axis=1)
    return count


def phases_of(matrices: Sequence[Ints]) -> Ints:
    """The sums of the phases by slots, -1 where one is not known."""
    known = np.logical_and.reduce([one >= 0 for one in matrices])
    return np.where(known, sum(matrices), -1)


def alike(sets: Mapping[str, RuleSet], classes: Sequence[str]) -> Iterator[tuple[RuleSet, Ints | slice]]:
    """The meters, as places in the list, that the same rules hold for; where it is all of them, nothing has to be copied."""
    groups: dict[tuple[Any, ...], list[str]] = {}
    for name, rules in sets.items():
        key = tuple((rule.code, rule.meter_class, rule.version) for rule in rules.values())
        groups.setdefault(key, []).append(name)
    names = np.asarray(classes)
    for members in groups.values():
        rows = np.flatnonzero(np.isin(names, members))
        if len(rows):
            yield sets[members[0]], slice(None) if len(rows) == len(names) else rows


def of_rows(beside: Beside, rows: Ints | slice) -> Beside:
    """The same columns for some of the rows."""
    return Beside(*(None if column is None else column[rows] for column in beside))


def _buys(terms: pa.Table) -> Any:
    return pc.not_equal(terms["tariff_class"], "generation")


def _one(column: Any) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _numbers(column: Any) -> Ints:
    return np.asarray(_one(pc.fill_null(column.cast(pa.int64()), -1)).to_numpy(zero_copy_only=False), dtype=np.int64)
