"""Rules of metering points: what of a batch can be taken, judged against what is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from denghuo.kernel.batch import RefusedItem, refused
from denghuo.kernel.contract import Message
from denghuo.kernel.period import SHANGHAI
from denghuo.service.asset.api import Meter
from denghuo.service.point.api import Area, Exchange, NewPoint

Verdict = Literal["new", "unchanged"] | RefusedItem
_Fault = tuple[str, tuple[str, str], tuple[str, str]]
_CHECK = ("请核对编号", "check the number")


def judge_parts(
    items: Sequence[Message], key: str, known: Mapping[str, Message], references: Mapping[str, set[str]]
) -> list[Verdict]:
    """For each part of the network: new, unchanged, or why it is refused.

    key: the field that names a part. references: by field, the numbers that exist.
    """
    seen = dict(known)
    verdicts: list[Verdict] = []
    for place, item in enumerate(items):
        number = getattr(item, key)
        before = seen.get(number)
        if before is not None and before == item:
            verdicts.append("unchanged")
            continue
        fault: _Fault | None = None
        if before is not None:
            name = next(name for name in type(item).model_fields if getattr(before, name) != getattr(item, name))
            fault = (name, (f"编号已存在，{name} 不同", f"the number is known with another {name}"), _CHECK)
        for name, exist in references.items():
            value = getattr(item, name)
            if fault is None and value is not None and value not in exist:
                fault = (name, ("没有此编号", "there is no such number"), ("请先登记", "register it first"))
        if fault is None:
            seen[number] = item
            verdicts.append("new")
        else:
            verdicts.append(refused(place, number, fault[0], getattr(item, fault[0]), fault[1], fault[2]))
    return verdicts


@dataclass(frozen=True)
class Installed:
    """A piece of an installation as it is stored; `removed_at` is None while the meter hangs there."""

    point_no: str
    account_no: str | None
    org: str
    meter_no: str
    direction: str
    installed_at: datetime
    removed_at: datetime | None


@dataclass(frozen=True)
class Surroundings:
    """What the points of a batch refer to, as far as it exists."""

    accounts: set[str] = field(default_factory=set)
    areas: Mapping[str, Area] = field(default_factory=dict)
    feeders: set[str] = field(default_factory=set)
    meters: Mapping[str, Meter] = field(default_factory=dict)


def judge_points(
    items: Sequence[NewPoint],
    registered: Mapping[str, Mapping[str, Any]],
    occupied: Mapping[tuple[str, str], str],
    around: Surroundings,
) -> list[Verdict]:
    """For each point: new, unchanged, or why it is refused. occupied: the point at each (meter, direction) that is in use."""
    known = dict(registered)
    in_use = dict(occupied)
    verdicts: list[Verdict] = []
    for place, item in enumerate(items):
        body = item.model_dump(mode="json")
        before = known.get(item.point_no)
        if before == body:
            verdicts.append("unchanged")
            continue
        fault: _Fault | None
        if before is not None:
            name = next(name for name in body if body[name] != before.get(name))
            fault = (name, (f"计量点编号已存在，{name} 不同", f"the point is known with another {name}"), _CHECK)
        else:
            fault = _incomplete(item) or _unknown(item, around) or _other_gateway(item, around)
        other = in_use.get((item.meter_no, item.direction))
        if fault is None and other is not None:
            what = (f"表号重复：该表已装于计量点 {other}", f"duplicate meter: it is installed at point {other}")
            fault = ("meter_no", what, ("请核对表号，或先办理换表", "check the meter, or record its exchange first"))
        if fault is not None:
            verdicts.append(refused(place, item.point_no, fault[0], body.get(fault[0]), fault[1], fault[2]))
            continue
        known[item.point_no] = body
        in_use[(item.meter_no, item.direction)] = item.point_no
        verdicts.append("new")
    return verdicts


def _incomplete(item: NewPoint) -> _Fault | None:
    needed = {"gateway": "area_no", "feeder_head": "feeder_no"}.get(item.role, "account_no")
    if getattr(item, needed) is None:
        return needed, ("此类计量点必填", "a point of this role needs it"), ("请填写", "fill it in")
    if item.role in ("export", "full_feed_in") and item.pv_kw is None:
        return "pv_kw", ("上网计量点必填", "a point that takes in energy needs it"), ("请填写", "fill it in")
    if item.pv_kw is not None and item.pv_kw.number < 0:
        return "pv_kw", ("不能为负", "must not be negative"), ("请核对数值", "check the value")
    return None


def _unknown(item: NewPoint, around: Surroundings) -> _Fault | None:
    exist: dict[str, tuple[set[str], str, str]] = {
        "account_no": (around.accounts, "户号", "account"),
        "area_no": (set(around.areas), "台区", "area"),
        "feeder_no": (around.feeders, "馈线", "feeder"),
        "meter_no": (set(around.meters), "电能表", "meter"),
    }
    for name, (numbers, zh, en) in exist.items():
        value = getattr(item, name)
        if value is not None and value not in numbers:
            what = (f"{zh}不存在，或不在管辖范围内", f"there is no such {en} in your scope")
            return name, what, (f"请先登记{zh}或核对编号", f"register the {en} first or check the number")
    return None


def _other_gateway(item: NewPoint, around: Surroundings) -> _Fault | None:
    """The archive states an area's gateway; the point of that gateway must be the same meter with the same multiplier."""
    area = around.areas.get(item.area_no or "")
    if item.role != "gateway" or area is None:
        return None
    if area.gateway_meter_no not in (None, item.meter_no):
        what = (f"台区档案的关口表为 {area.gateway_meter_no}", f"the area's gateway meter is {area.gateway_meter_no}")
        return "meter_no", what, ("请核对台区与计量点", "compare area and point")
    if area.gateway_multiplier not in (None, item.multiplier):
        what = (f"台区档案的关口倍率为 {area.gateway_multiplier}", f"the area states {area.gateway_multiplier}")
        return "multiplier", what, ("请核对台区与计量点", "compare area and point")
    return None


@dataclass(frozen=True)
class Hanging:
    """What exchanges refer to: open installations by meter, points that exist, exchanges known, the new meters."""

    installed: Mapping[str, Sequence[Installed]]
    points: set[str]
    exchanges: Mapping[tuple[str, datetime], Mapping[str, Any]]
    meters: Mapping[str, Meter]


def judge_exchanges(items: Sequence[Exchange], around: Hanging, now: datetime) -> list[Verdict]:
    """For each exchange: new, unchanged, or why it is refused."""
    verdicts: list[Verdict] = []
    gone: set[str] = set()
    come: set[str] = set()
    for place, item in enumerate(items):
        body = item.model_dump(mode="json")
        before = around.exchanges.get((item.point_no, item.exchanged_at))
        if before == body:
            verdicts.append("unchanged")
            continue
        fault: _Fault | None = None
        if before is not None:
            name = next(name for name in body if body[name] != before.get(name))
            fault = (name, ("该换表记录已存在且内容不同", f"the exchange is known with another {name}"), _CHECK)
        fault = fault or _impossible(item, around, gone, come, now)
        if fault is not None:
            verdicts.append(refused(place, item.point_no, fault[0], body.get(fault[0]), fault[1], fault[2]))
            continue
        gone.add(item.old_meter_no)
        come.add(item.new_meter_no)
        verdicts.append("new")
    return verdicts


def _impossible(item: Exchange, around: Hanging, gone: set[str], come: set[str], now: datetime) -> _Fault | None:
    if item.point_no not in around.points:
        what = ("计量点不存在，或不在管辖范围内", "there is no such point in your scope")
        return "point_no", what, ("请先登记计量点或核对编号", "register the point first or check the number")
    if item.exchanged_at > now:
        return "exchanged_at", ("换表时间在将来", "the exchange is in the future"), ("请核对时间", "check the time")
    hanging = next(
        (piece for piece in around.installed.get(item.old_meter_no, ()) if piece.point_no == item.point_no), None
    )
    if hanging is None or item.old_meter_no in gone:
        what = ("旧表不在该计量点", "the old meter is not at the point")
        return "old_meter_no", what, ("请核对旧表号", "check the old meter")
    if item.exchanged_at <= hanging.installed_at:
        what = (
            f"早于旧表装表时间 {hanging.installed_at.astimezone(SHANGHAI):%Y-%m-%d}",
            f"before the old meter's installation on {hanging.installed_at.astimezone(SHANGHAI):%Y-%m-%d}",
        )
        return "exchanged_at", what, ("请核对时间", "check the time")
    meter = around.meters.get(item.new_meter_no)
    if meter is None:
        what = ("资产档案中没有新表", "the archive has no such new meter")
        return "new_meter_no", what, ("请先登记电能表", "register the meter first")
    if around.installed.get(item.new_meter_no) or item.new_meter_no in come:
        what = ("表号重复：新表已装于其他计量点", "duplicate meter: the new meter hangs at a point already")
        return "new_meter_no", what, ("请核对新表号", "check the new meter")
    if item.exchanged_at.astimezone(SHANGHAI).date() < meter.installed_on:
        what = (f"早于新表安装日期 {meter.installed_on}", f"before the new meter's installation, {meter.installed_on}")
        return "exchanged_at", what, ("请核对时间", "check the time")
    return None
