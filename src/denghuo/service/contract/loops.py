"""Meters behind meters (总分表): a meter named as a sub-meter of itself, at once or over several contracts, is a loop (环路). Pure.

What lies behind a contract are the sub-meters among its special terms; what is before them are the main meters of its account. A
sub-meter may be the main meter of another account, behind which that account's contract names others in turn.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from denghuo.service.contract.api import Part
from denghuo.service.contract.special import Fault, fault
from denghuo.service.point.api import Point

_MAIN = "sale"


@dataclass(frozen=True)
class Behind:
    """What a supply contract has priced apart from a day on; `end` is the first day without, None without an end."""

    start: date
    end: date | None
    parts: Sequence[Part]

    def during(self, start: date, end: date | None) -> "Behind | None":
        """What of it holds on these days; None where nothing does."""
        first = max(self.start, start)
        ends = min((day for day in (self.end, end) if day is not None), default=None)
        return None if ends is not None and ends <= first else Behind(first, ends, self.parts)


@dataclass
class Meters:
    """The meters that special terms name, by point, and what lies behind the contract of each account that has one of them."""

    points: dict[str, Point] = field(default_factory=dict)
    behind: dict[str, list[Behind]] = field(default_factory=dict)

    def main_of(self, point_no: str) -> str | None:
        """The account whose main meter a point is; None where it is none."""
        point = self.points.get(point_no)
        return point.account_no if point is not None and point.role == _MAIN else None

    def faults(self, account_no: str, agreed: Behind) -> Iterator[Fault]:
        """Sub-meters that nobody has registered, or that have their own main meter behind them, of new terms of an account."""
        for at, part in enumerate(agreed.parts):
            if part.way != "meter":
                continue
            if part.point_no not in self.points:
                yield fault(
                    f"parts.{at}.point_no",
                    part.point_no,
                    f"计量点 {part.point_no} 未登记，或不在您的管辖范围内；请先登记该分表的计量点，或改按定量、定比。",
                    f"Point {part.point_no} is not registered or outside your scope; register the point of the sub-meter first, or"
                    " agree on a quantity or a ratio.",
                )
                continue
            loop = self._way_back(part.point_no, agreed, (account_no,), beside(agreed.parts))
            if loop is not None:
                yield self._looped(f"parts.{at}.point_no", part.point_no, [loop[-1], *loop])

    def _way_back(
        self, point_no: str, agreed: Behind, passed: Sequence[str], parallel: Collection[str]
    ) -> list[str] | None:
        """The points from one behind the contract of the account last passed to a main meter of the first; None where no way
        leads there. parallel: the meters of the first account that have nothing behind them."""
        owner = self.main_of(point_no)
        if owner == passed[0]:
            return None if point_no in parallel else [point_no]
        if owner is None or owner in passed:
            return None
        for one in self.behind.get(owner, ()):
            held = one.during(agreed.start, agreed.end)
            if held is None or point_no in beside(held.parts):
                continue
            for following in sub_meters(held.parts):
                found = self._way_back(following, held, (*passed, owner), parallel)
                if found is not None:
                    return [point_no, *found]
        return None

    def _looped(self, where: str, point_no: str, loop: Sequence[str]) -> Fault:
        zh = " → ".join(f"计量点 {one}（表号 {self.points[one].meter_no}）" for one in loop)
        en = " → ".join(f"point {one} (meter {self.points[one].meter_no})" for one in loop)
        return fault(
            where,
            point_no,
            f"总分表成环：{zh}，电能表不能从自身扣减；请填写总表之后的分表计量点，或改按定量、定比、并列计量，"
            "或先取消环上另一合同的约定。",
            f"Main and sub-meters form a loop: {en}; a meter cannot be taken off itself. Name the point of a sub-meter behind the"
            " main meter, agree on a quantity, a ratio or a parallel meter, or end what another contract of the loop agrees on.",
        )


def sub_meters(parts: Iterable[Part]) -> list[str]:
    """The points of the meters behind the main one."""
    return [part.point_no for part in parts if part.way == "meter"]


def beside(parts: Iterable[Part]) -> Collection[str]:
    """The points of the meters beside the main one, which have nothing behind them."""
    return {part.point_no for part in parts if part.way == "parallel"}


def main_meters(points: Mapping[str, Point]) -> set[str]:
    """The accounts whose main meters are among some points."""
    return {point.account_no for point in points.values() if point.role == _MAIN and point.account_no is not None}
