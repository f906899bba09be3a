"""Meters behind meters (总分表): what a special term calls a sub-meter is one, of the account or of another one (套扣). Pure.

A main meter that is named as its own sub-meter is a loop (环路): it would be taken off itself. A meter hangs at one point and a
point belongs to one account, so that a sub-meter of the account leads to no main meter again; that of another account does where
the account itself is behind it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from denghuo.service.contract.api import Part
from denghuo.service.contract.special import Fault, fault
from denghuo.service.point.api import Point

_MAIN, _SUB = "sale", "sub_meter"
Behind = Mapping[str, Sequence[str]]
"""The accounts behind whose main meters an account is, with the accounts from it to each, itself the first."""


class Above(NamedTuple):
    """What is agreed on other main meters for the days of a contract. taken: the accounts of main meters that take off points of
    other accounts, by point."""

    behind: Behind
    taken: Mapping[str, str]


NOTHING_ABOVE = Above({}, {})


def sub_meters(parts: Iterable[Part]) -> list[str]:
    """The points of the meters that are taken off the main one."""
    return [part.point_no for part in parts if part.way == "meter"]


def of_others(parts: Iterable[Part]) -> list[Part]:
    """Sub-meters of other accounts."""
    return [part for part in parts if part.account_no is not None]


def sub_meter_faults(
    account_no: str, parts: Sequence[Part], points: Mapping[str, Point], above: Above
) -> Iterator[Fault]:
    """What is wrong with the sub-meters among the special terms of an account. points: those of them that are registered."""
    for at, part in enumerate(parts):
        if part.way != "meter":
            if part.account_no is not None:
                yield fault(
                    f"parts.{at}.account_no",
                    part.account_no,
                    "只有分表可以属于其他户，请清空户号，或改为套表（分表）。",
                    "Only a sub-meter can be another account's: leave the account out, or choose a sub-meter.",
                )
            continue
        if part.account_no is not None:
            yield from _of_other(account_no, at, part, points.get(part.point_no), above)
            continue
        said = _said(account_no, part.point_no, points.get(part.point_no))
        if said is not None:
            yield fault(f"parts.{at}.point_no", part.point_no, *said)


def _of_other(account_no: str, at: int, part: Part, point: Point | None, above: Above) -> Iterator[Fault]:
    """What is wrong with a sub-meter that another account has."""
    other = part.account_no or ""
    if point is None:
        said = _said(account_no, part.point_no, None)
        assert said is not None  # a point that is not registered is always wrong
        yield fault(f"parts.{at}.point_no", part.point_no, *said)
    elif other == account_no or point.account_no != other:
        yield fault(
            f"parts.{at}.account_no",
            other,
            f"计量点 {part.point_no}（表号 {point.meter_no}）属于户号 {point.account_no}；请改正户号，本户的分表不填户号。",
            f"Point {part.point_no} (meter {point.meter_no}) is of account {point.account_no}; correct the account, and leave it"
            " out for a sub-meter of this account.",
        )
    elif point.role not in (_MAIN, _SUB):
        yield fault(
            f"parts.{at}.point_no",
            part.point_no,
            f"计量点 {part.point_no}（表号 {point.meter_no}）不是用电计量点，不能从总表扣减；请填写该户的用电计量点。",
            f"Point {part.point_no} (meter {point.meter_no}) meters no use and is not taken off; name the account's point of use.",
        )
    elif part.point_no in above.taken:
        main = above.taken[part.point_no]
        yield fault(
            f"parts.{at}.point_no",
            part.point_no,
            f"计量点 {part.point_no}（表号 {point.meter_no}）已从户号 {main} 的总表扣减，不能重复扣减；请先终止该户的分算约定。",
            f"Point {part.point_no} (meter {point.meter_no}) is taken off the main meter of account {main} on these days, and is"
            " taken off once only; end that agreement first.",
        )
    elif other in above.behind:
        chain = [other, *reversed(above.behind[other]), other]
        yield fault(
            f"parts.{at}.account_no",
            other,
            f"总分表成环：{' → '.join(chain)}（箭头由总表指向分表），户号 {account_no} 已在户号 {other} 的总表之后；"
            "请先终止其中一项分算约定。",
            f"Main and sub-meters form a loop: {' → '.join(chain)} (from main to sub-meter): account {account_no} is behind the"
            f" main meter of {other} already. End one of these agreements first.",
        )
    if part.tariff_code is not None:
        yield fault(
            f"parts.{at}.tariff_code",
            part.tariff_code,
            f"分表电量由户号 {other} 按其合同计费，请清空电价。",
            f"Account {other} is billed for it by its own contract; leave the tariff out.",
        )


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
            "该户接在本户总表之后的，请填写分表户号；否则请在本户登记分表计量点，或改按定量、定比。",
            f"Point {point_no} (meter {point.meter_no}) is of account {point.account_no}, which is billed for it; state the account"
            " of the sub-meter if it is behind this main meter, else register the point of a sub-meter for this account, or agree"
            " on a quantity or a ratio.",
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
