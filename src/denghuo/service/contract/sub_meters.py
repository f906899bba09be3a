"""Meters behind meters (总分表): what a special term calls a sub-meter is one, behind the main meter of its own account. Pure.

A main meter that is named as its own sub-meter is a loop (环路): it would be taken off itself. A meter hangs at one point and a
point belongs to one account, so that a sub-meter of the account leads to no main meter again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from denghuo.service.contract.api import Part
from denghuo.service.contract.special import Fault, fault
from denghuo.service.point.api import Point

_MAIN, _SUB = "sale", "sub_meter"


def sub_meters(parts: Iterable[Part]) -> list[str]:
    """The points of the meters that are taken off the main one."""
    return [part.point_no for part in parts if part.way == "meter"]


def sub_meter_faults(account_no: str, parts: Sequence[Part], points: Mapping[str, Point]) -> Iterator[Fault]:
    """What is wrong with the sub-meters among the special terms of an account. points: those of them that are registered."""
    for at, part in enumerate(parts):
        if part.way != "meter":
            continue
        said = _said(account_no, part.point_no, points.get(part.point_no))
        if said is not None:
            yield fault(f"parts.{at}.point_no", part.point_no, *said)


def _said(account_no: str, point_no: str, point: Point | None) -> tuple[str, str] | None:
    if point is None:
        return (
            f"计量点 {point_no} 未登记，或不在您的管辖范围内；请先登记该分表的计量点，或改按定量、定比。",
            f"Point {point_no} is not registered or outside your scope; register the point of the sub-meter first, or agree on a"
            " quantity or a ratio.",
        )
    if point.account_no != account_no:
        return (
            f"计量点 {point_no}（表号 {point.meter_no}）属于户号 {point.account_no}，其电量计入该户电费；"
            "请在本户登记分表计量点，或改按定量、定比。",
            f"Point {point_no} (meter {point.meter_no}) is of account {point.account_no}, which is billed for it; register the"
            " point of a sub-meter for this account, or agree on a quantity or a ratio.",
        )
    if point.role == _MAIN:
        return (
            f"总分表成环：计量点 {point_no}（表号 {point.meter_no}）是本户总表，电能表不能从自身扣减；"
            "请填写总表之后的分表计量点，或改按定量、定比、并列计量。",
            f"Main and sub-meters form a loop: point {point_no} (meter {point.meter_no}) is the account's main meter, and a meter"
            " cannot be taken off itself. Name the point of a sub-meter behind it, or agree on a quantity, a ratio or a parallel"
            " meter.",
        )
    if point.role != _SUB:
        return (
            f"计量点 {point_no}（表号 {point.meter_no}）登记为上网计量点，不是分表；请填写分表计量点。",
            f"Point {point_no} (meter {point.meter_no}) is registered for feed-in and is no sub-meter; name the point of a"
            " sub-meter.",
        )
    return None
