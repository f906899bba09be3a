"""What of bills rests on estimates (估计电量), in Wh, from what is kept with them and what reading knew when they were rated.

A register that was read says how much; where its curve has gaps, which band or point the energy of these lies in is estimated: that
is what the register has beyond the values that were received. Where an end of a register is estimated, so is how much lies between
it and the last one that was read. Of a meter with both the larger one counts, because they may be the same energy.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from denghuo.kernel.batch import ITEMS_MAX
from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import SHANGHAI, SLOTS_A_DAY, Month
from denghuo.kernel.values import Energy, decimal_text, round_half_up
from denghuo.service.billing.api.resting import ESTIMATE_METHODS, BillEstimates, EstimatedPart
from denghuo.service.billing.batch import CURVE
from denghuo.service.billing.kept import stored
from denghuo.service.billing.rules.quantities import share
from denghuo.service.host.binding import Ask
from denghuo.service.reading.api import (
    METERS_MAX,
    AtomDay,
    EnergySeries,
    EstimatedEndsAsked,
    MeterAtoms,
    ReadingApi,
)

Row = Mapping[str, Any]
"""A bill as it is stored, with its registers and what it was rated from."""
GAPS = "register_gaps"
BY_ESTIMATES, BY_GAPS = "curve_estimated", "curve_gaps"
_ACTIVE: Mapping[str, tuple[str, EnergySeries]] = {
    "supply": ("active_fwd", "active_fwd_wh"),
    "purchase": ("active_rev", "active_rev_wh"),
}
_WHOLE_DAY = [0]
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Part:
    """Energy (Wh) of a meter that rests on one method; slots: of its curve, none of a register."""

    meter_no: str | None
    quantity: str
    thing: str
    method: str
    slots: int | None
    energy_wh: int


@dataclass(frozen=True)
class Resting:
    """What of a bill rests on estimates. per_mille: of its energy; None where it has none."""

    energy_wh: int
    per_mille: int | None
    parts: Sequence[Part]


def rests(row: Row) -> bool:
    """Whether anything of a bill rests on estimates. What takes bills back or adjusts them rests on those."""
    if row["reverses"] is not None or row["case_no"] is not None:
        return False
    return any(piece["status"] == "estimated" for piece in row["registers"]) or bool(_points(row))


def resting_of(ask: Ask, call: Call, rows: Sequence[Row]) -> dict[str, Resting]:
    """What of each of these bills rests on estimates, by number; of bills of which nothing does, none.

    call: the platform's own; the caller has the bills.
    """
    mine = sorted((row for row in rows if rests(row)), key=_asked_with)
    found: dict[str, Resting] = {}
    for (kind, first, last, known_at), group in groupby(mine, key=_asked_with):
        alike = list(group)
        asked = _Asked(ask, call, kind, Month.of(first), Month.of(last), known_at)
        days, ends = asked.days(alike), asked.ends(alike)
        for row in alike:
            parts = list(_parts(row, days, ends))
            energy = sum(part.energy_wh for part in parts)
            found[row["bill_no"]] = Resting(energy, per_mille_of(energy, row["energy_wh"]), parts)
    return found


def per_mille_of(energy_wh: int, billed_wh: int) -> int | None:
    """Of billed energy, rounded half up; never above all of it, because billed energy may be rounded."""
    return min(round_half_up(1_000 * energy_wh, billed_wh), 1_000) if billed_wh > 0 else None


def _asked_with(row: Row) -> tuple[str, str, str, datetime]:
    return row["kind"], str(Month.holding(row["from_on"])), row["month"], row["rated_at"]


@dataclass(frozen=True)
class _Asked:
    """Asks reading about bills of the same months that were rated at one instant."""

    ask: Ask
    call: Call
    kind: str
    first: Month
    last: Month
    known_at: datetime

    def days(self, rows: Sequence[Row]) -> dict[str, list[AtomDay]]:
        """The days of meters whose curve was taken."""
        quantity, series = _ACTIVE[self.kind]
        meters = {
            piece["meter_no"]
            for row in rows
            for piece in row["registers"]
            if piece["quantity"] == quantity and (_filled(piece) or _points(row))
        }
        found: dict[str, list[AtomDay]] = {}
        for some in _some(meters, METERS_MAX):
            asked = MeterAtoms(
                month=str(self.first),
                through=str(self.last),
                series=series,
                starts=_WHOLE_DAY,
                meter_nos=some,
                known_at=self.known_at,
            )
            for day in self.ask(ReadingApi).meter_atoms(self.call, asked).rows:
                found.setdefault(day.subject, []).append(day)
        return found

    def ends(self, rows: Sequence[Row]) -> dict[tuple[str, int], dict[str, tuple[str, int]]]:
        """By point and piece the estimated ends of registers: method and energy by band."""
        quantity = _ACTIVE[self.kind][0]
        points = {piece["point_no"] for row in rows for piece in row["registers"] if _guessed(piece, quantity)}
        found: dict[tuple[str, int], dict[str, tuple[str, int]]] = {}
        for some in _some(points, ITEMS_MAX):
            asked = EstimatedEndsAsked(month=str(self.last), point_nos=some, known_at=self.known_at)
            for end in self.ask(ReadingApi).estimated_ends(self.call, asked).rows:
                if end.quantity == quantity:
                    found.setdefault((end.point_no, end.piece), {})[end.band] = (end.method, end.energy.wh)
        return found


def _some(names: Iterable[str], limit: int) -> Iterator[list[str]]:
    """Names in order, at most so many at a time."""
    ordered = sorted(names)
    return (ordered[begin : begin + limit] for begin in range(0, len(ordered), limit))


def _filled(piece: Row) -> bool:
    """Whether a band was filled beyond what its curve has."""
    return bool(piece["method"] == CURVE and piece["rule"] in (BY_ESTIMATES, BY_GAPS))


def _guessed(piece: Row, quantity: str) -> bool:
    return bool(piece["quantity"] == quantity and piece["status"] == "estimated" and piece["method"] != CURVE)


def _points(row: Row) -> list[tuple[bool, int, int]]:
    """Of a bill that is settled by points, by stage: whether estimates filled slots, how many, and their energy."""
    found = []
    for stage in stored(row["rating"] or {}):
        slots = (stage.get("market") or {}).get("slots") or {}
        told = set(slots.get("by_estimates") or [])
        for by_estimates in (True, False):
            places = [at for at in slots.get("estimated") or [] if (at in told) is by_estimates]
            if places:
                found.append((by_estimates, len(places), sum(slots["actual_wh"][at] for at in places)))
    return found


def _parts(
    row: Row, days: Mapping[str, Sequence[AtomDay]], ends: Mapping[tuple[str, int], Mapping[str, tuple[str, int]]]
) -> Iterator[Part]:
    quantity = _ACTIVE[row["kind"]][0]
    pieces = [piece for piece in row["registers"] if piece["quantity"] == quantity]
    points = _points(row)
    for by_estimates in sorted({told for told, _, _ in points}, reverse=True):
        meters = sorted({piece["meter_no"] for piece in pieces}) if by_estimates else []
        of_all = [day for meter in meters for day in days.get(meter, ())]
        slots, energy = (sum(one[at] for one in points if one[0] is by_estimates) for at in (1, 2))
        yield from _by_methods(Part(None, quantity, "point", GAPS, slots, energy), of_all)
    of_register = {key: _of_register(key, own, ends) for key, own in _by_meter(pieces)}
    of_curve = {} if points else {key: list(_of_curve(row, own, days)) for key, own in _by_meter(pieces)}
    for key, end in of_register.items():
        filled = of_curve.get(key, [])
        if end is not None and end.energy_wh >= sum(part.energy_wh for part in filled):
            yield end
        else:
            yield from filled


def _by_meter(pieces: Sequence[Row]) -> Iterator[tuple[tuple[str, str, int], list[Row]]]:
    def key(piece: Row) -> tuple[str, str, int]:
        return piece["point_no"], piece["meter_no"], piece["piece"]

    for found, own in groupby(sorted(pieces, key=key), key=key):
        yield found, list(own)


def _of_register(
    key: tuple[str, str, int], pieces: Sequence[Row], ends: Mapping[tuple[str, int], Mapping[str, tuple[str, int]]]
) -> Part | None:
    """What lies beyond the registers of a meter that were read: by its total, or its bands where it has none."""
    point_no, meter_no, piece = key
    of_band = ends.get((point_no, piece), {})
    told = [of_band["total"]] if "total" in of_band else list(of_band.values())
    if not told:
        return None
    energy = sum(energy_wh for _, energy_wh in told)
    return Part(meter_no, pieces[0]["quantity"], "amount", told[0][0], None, energy)


def _of_curve(row: Row, pieces: Sequence[Row], days: Mapping[str, Sequence[AtomDay]]) -> Iterator[Part]:
    """What the registers of a meter have beyond its curve, stage by stage, where bands were filled with that."""
    for total in (piece for piece in pieces if piece["band"] == "total"):
        filled = next((one for one in pieces if _filled(one) and one["from_at"] == total["from_at"]), None)
        if filled is None:
            continue
        first, last = _span(row, datetime.fromisoformat(total["from_at"]))
        own = [day for day in days.get(total["meter_no"], ()) if first <= day.day <= last]
        seen = sum(_received(day) for day in own)
        energy = max(Energy.of(total["energy"]).wh - seen, 0)
        lacking = max(_slots(total) - sum(SLOTS_A_DAY - _lacking(day) for day in own), 0)
        part = Part(total["meter_no"], total["quantity"], "band", GAPS, lacking, energy)
        yield from _by_methods(part, own if filled["rule"] == BY_ESTIMATES else [])


def _span(row: Row, begins: datetime) -> tuple[date, date]:
    """The days by which a register that begins at an instant was divided: those of its stage, or of the whole bill."""
    on = begins.astimezone(SHANGHAI).date()
    for stage in (row["rating"] or {}).get("stages", []):
        first, last = (date.fromisoformat(stage[name]) for name in ("first_day", "last_day"))
        if first <= on <= last:
            return first, last
    return row["from_on"], row["to_on"]


def _slots(total: Row) -> int:
    """The quarter-hours of a register's period."""
    begins, ends = (datetime.fromisoformat(total[name]) for name in ("from_at", "to_at"))
    return int((ends - begins) * SLOTS_A_DAY / _ONE_DAY)


def _received(day: AtomDay) -> int:
    """What counts of a day as it was received."""
    over = sum(one.wh for one in day.estimates.received) if day.estimates else 0
    return sum(cell.wh for cell in day.cells) - over


def _lacking(day: AtomDay) -> int:
    """Slots of a day that were not received, or in which something else stands in."""
    over = day.estimates.over.count("1") if day.estimates else 0
    return day.missing + over


def _by_methods(part: Part, days: Sequence[AtomDay]) -> Iterator[Part]:
    """A part apart by the methods that stood in on its days, where any did: by their energy, or by their slots where that is
    nothing."""
    slots: dict[str, int] = {}
    energy: dict[str, int] = {}
    for day in days:
        for one in day.estimates.methods if day.estimates else ():
            slots[one.method] = slots.get(one.method, 0) + one.slots
            energy[one.method] = energy.get(one.method, 0) + one.energy.wh
    if not slots:
        yield part
        return
    weights = energy if any(energy.values()) else slots
    shares = share(part.energy_wh, list(weights.values()), 1)
    for (method, count), energy_wh in zip(slots.items(), shares, strict=True):
        yield replace(part, method=method, slots=count, energy_wh=energy_wh)


# --- in words ----------------------------------------------------------------------------------------------------------------


def methods_of(parts: Sequence[Part]) -> TextPair:
    """The methods in words, each once."""
    words = [ESTIMATE_METHODS.entries[method] for method in dict.fromkeys(part.method for part in parts)]
    return TextPair(zh="、".join(one["zh"] for one in words), en=", ".join(one["en"] for one in words))


def shown(found: Resting, billed_wh: int) -> BillEstimates:
    """What stands on the bill."""
    energy, billed, words = _kwh(found.energy_wh), _kwh(billed_wh), methods_of(found.parts)
    share_zh = "" if found.per_mille is None else f"，占 {found.per_mille}‰"
    share_en = "" if found.per_mille is None else f", {found.per_mille} ‰ of it"
    return BillEstimates(
        energy=Energy(found.energy_wh),
        per_mille=found.per_mille,
        said=TextPair(
            zh=f"计费电量 {billed} 千瓦时中有 {energy} 千瓦时依据估计值{share_zh}；方法：{words.zh}。",
            en=f"Of the {billed} kWh billed {energy} kWh rest on estimates{share_en}; by: {words.en}.",
        ),
        parts=[
            EstimatedPart.model_validate(
                {
                    "part": number,
                    "meter_no": part.meter_no,
                    "quantity": part.quantity,
                    "thing": part.thing,
                    "method": part.method,
                    "slots": part.slots,
                    "energy": Energy(part.energy_wh),
                }
            )
            for number, part in enumerate(found.parts, 1)
        ],
    )


def _kwh(wh: int) -> str:
    return decimal_text(wh, 3, 0)
