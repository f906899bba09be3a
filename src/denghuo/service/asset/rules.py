"""Rules of the meter archive: what of a batch can be taken, judged against what is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from denghuo.kernel.batch import RefusedItem, refused
from denghuo.kernel.period import SHANGHAI
from denghuo.service.asset.api import Meter, Move, NewMeter

Verdict = Literal["new", "unchanged"] | RefusedItem


def judge_meters(items: Sequence[NewMeter], known: Mapping[str, NewMeter], today: date) -> list[Verdict]:
    """For each meter: new, unchanged, or why it is refused. A repeat within the batch counts as known."""
    seen = dict(known)
    verdicts: list[Verdict] = []
    for place, item in enumerate(items):
        before = seen.get(item.meter_no)
        if before is not None and before == item:
            verdicts.append("unchanged")
        elif before is not None:
            field = next(name for name in NewMeter.model_fields if getattr(before, name) != getattr(item, name))
            verdicts.append(
                refused(
                    place,
                    item.meter_no,
                    field,
                    getattr(item, field),
                    (f"表号重复：该表已登记，{field} 不同", f"duplicate meter: it is registered with another {field}"),
                    ("请核对表号；更正档案请办理变更", "check the number; correct the archive by a change"),
                )
            )
        elif item.installed_on > today:
            verdicts.append(
                refused(
                    place,
                    item.meter_no,
                    "installed_on",
                    item.installed_on,
                    ("安装日期在将来", "the day of installation is in the future"),
                    ("请核对日期", "check the date"),
                )
            )
        else:
            seen[item.meter_no] = item
            verdicts.append("new")
    return verdicts


@dataclass(frozen=True)
class Held:
    """A known piece of custody; `removed_at` is None while the meter is there."""

    meter_no: str
    point_no: str
    placed_at: datetime
    removed_at: datetime | None


def judge_moves(items: Sequence[Move], meters: Mapping[str, Meter], held: Sequence[Held]) -> list[Verdict]:
    """For each move: new, unchanged, or why it is refused."""
    pieces: dict[tuple[str, str], list[Held]] = {}
    for piece in held:
        pieces.setdefault((piece.meter_no, piece.point_no), []).append(piece)
    return [_judge_move(place, item, meters, pieces) for place, item in enumerate(items)]


def _judge_move(
    place: int, item: Move, meters: Mapping[str, Meter], pieces: dict[tuple[str, str], list[Held]]
) -> Verdict:
    meter = meters.get(item.meter_no)
    if meter is None:
        what = ("资产档案中没有该表", "the archive has no such meter")
        return refused(place, item.meter_no, "meter_no", item.meter_no, what, ("请先登记电能表", "register it first"))
    here = pieces.setdefault((item.meter_no, item.point_no), [])
    if item.kind == "placed":
        if any(piece.placed_at == item.at for piece in here):
            return "unchanged"
        if any(piece.removed_at is None or piece.removed_at > item.at for piece in here):
            what = ("该表此时已在该计量点", "the meter is at the point at that time already")
            return refused(place, item.meter_no, "at", item.at.isoformat(), what, ("请核对时间", "check the time"))
        if item.at.astimezone(SHANGHAI).date() < meter.installed_on:
            what = (
                f"早于该表的安装日期 {meter.installed_on}",
                f"before the meter's day of installation, {meter.installed_on}",
            )
            return refused(place, item.meter_no, "at", item.at.isoformat(), what, ("请核对时间", "check the time"))
        here.append(Held(item.meter_no, item.point_no, item.at, None))
        return "new"
    if any(piece.removed_at == item.at for piece in here):
        return "unchanged"
    there = next((piece for piece in here if piece.removed_at is None and piece.placed_at < item.at), None)
    if there is None:
        what = ("该表此时不在该计量点", "the meter is not at the point at that time")
        return refused(place, item.meter_no, "point_no", item.point_no, what, ("请核对表号", "check the meter"))
    here[here.index(there)] = Held(item.meter_no, item.point_no, there.placed_at, item.at)
    return "new"
