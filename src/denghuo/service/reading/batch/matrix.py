"""The month's reads, column by column: registers of all meters in one matrix of midnights, checked and estimated at once.

A channel is what a read is made for: a piece of a point, a quantity and a band. Registers are never negative, so -1 stands for a
register that is not there; missing is never zero. Integers only.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from denghuo.kernel.period import Month
from denghuo.service.reading.api import BANDS, QUANTITIES
from denghuo.service.reading.batch.ends import Ends
from denghuo.service.reading.batch.plan import DAY_US, NONE, Flags, Ints, Manual, PlanPiece, Window, first_month, us
from denghuo.service.reading.batch.run import run_of
from denghuo.service.reading.rules import Rule

_QUANTITY = {name: place for place, name in enumerate(QUANTITIES.entries)}
_BAND = {name: place for place, name in enumerate(BANDS.entries)}
_QUANTITIES, _BANDS = tuple(_QUANTITY), tuple(_BAND)
_KINDS = len(_QUANTITY) * len(_BAND)

ALWAYS = {"fwd": ("active_fwd",), "rev": ("active_rev",), "net": ("active_fwd", "active_rev")}
"""Which totals a point has, by the register that it takes: they are missed where they are not received."""
FAMILY = {
    "fwd": {"active_fwd", "reactive_fwd", "reactive_rev", "demand"},
    "rev": {"active_rev"},
    "net": {"active_fwd", "active_rev", "reactive_fwd", "reactive_rev"},
}
"""Which quantities of its meter belong to a point, where they are received."""


@dataclass
class Evaluated:
    """The channels of a month with what was found in them; `rows` makes the reads."""

    window: Window
    pieces: Sequence[PlanPiece]
    channels: list[tuple[int, str, str]]
    raw: Ints
    """Channels x midnights of the window, as received or entered."""
    manual: Flags
    sequence: Ints
    """Start, the midnights inside the piece, end; -1 where there is none or it was passed over."""
    outlier: Flags
    advance: Ints
    """From the figure before, where there is one."""
    rolled: Flags
    backwards: Flags
    spike: Flags
    over_capacity: Flags
    drop: Flags
    """Of each channel."""
    reverse: Flags
    """Of each channel: whether the meter's reverse register moves though nothing generates."""
    method: list[list[str]]
    """Of start and end."""
    source: list[list[str]]
    """Of start and end: as the method, and `noted` where it stands in the record of an exchange."""
    mark: list[list[str | None]]
    """Of start and end: how its sender says that a register was not read."""
    self_read: Flags
    """Of each channel: whether an end is what the customer reported, or estimated from it."""
    days_estimated: Ints
    total: Ints
    days_missing: Ints
    zero_run: Ints
    rules: Mapping[str, Rule] = field(default_factory=dict)

    def row_of(self, place: int, quantity: str, band: str) -> int | None:
        """Where the channel of a piece stands, by the place of the piece."""
        wanted = (place, quantity, band)
        return self.channels.index(wanted) if wanted in self.channels else None


def channels_of(pieces: Sequence[PlanPiece], received: Iterable[tuple[str, str, str]]) -> list[tuple[int, str, str]]:
    """(piece, quantity, band) of all reads to make; `received` are the (meter, quantity, band) that there are."""
    more: dict[str, list[tuple[str, str]]] = {}
    for meter_no, quantity, band in received:
        if band != "total" or not quantity.startswith("active"):
            more.setdefault(meter_no, []).append((quantity, band))
    found: list[tuple[int, str, str]] = []
    for place, piece in enumerate(pieces):
        found.extend((place, quantity, "total") for quantity in ALWAYS[piece.register])
        for quantity, band in sorted(more.get(piece.meter_no, ())):
            if quantity in FAMILY[piece.register]:
                found.append((place, quantity, band))
    return found


def evaluate(
    pieces: Sequence[PlanPiece],
    registers: pa.Table,
    manuals: Sequence[Manual],
    month: Month,
    rules: Mapping[str, Rule],
) -> Evaluated:
    """Finds the registers of every channel, estimates those that are missing at its ends, and checks their run."""
    window = Window(first_month(pieces, month), month, margin_days(rules))
    meters = {meter: place for place, meter in enumerate(dict.fromkeys(piece.meter_no for piece in pieces))}
    keys, at_us, values = _coded(registers, meters)
    own = {at: one.value_e4 for at, one in _told(manuals, "self_read", meters)}
    sent = {at: (one.value_e4, one.mark) for at, one in _told(manuals, "sender", meters)}
    present = np.union1d(keys[keys >= 0], np.array([key for key, _ in (*own, *sent)], dtype=np.int64))
    names = list(meters)
    channels = channels_of(pieces, (_named(int(key), names) for key in present))
    channel_key = np.array(
        [_key(meters[pieces[place].meter_no], quantity, band) for place, quantity, band in channels], dtype=np.int64
    )
    entered = [one for one in manuals if one.source == "manual"]
    raw, manual, elsewhere = _matrix(window, channel_key, keys, at_us, values, entered, meters)
    ends = Ends(window, pieces, channels, channel_key, raw, manual, elsewhere, own, sent, rules)
    sequence, places_us = _sequence(window, ends, raw)
    run = run_of(pieces, channels, sequence, places_us, rules)
    count = len(channels)
    return Evaluated(
        window=window,
        pieces=pieces,
        channels=channels,
        raw=raw,
        manual=manual,
        sequence=run.sequence,
        outlier=run.outlier,
        advance=run.advance,
        rolled=run.rolled,
        backwards=run.backwards,
        spike=run.spike,
        over_capacity=run.over_capacity,
        drop=run.drop,
        reverse=_reverse(window, pieces, channels, keys, at_us, values, meters, rules.get("reverse")),
        method=ends.method,
        source=ends.source,
        mark=ends.mark,
        self_read=ends.self_read,
        days_estimated=ends.days,
        total=run.total,
        days_missing=ends.inside.sum(axis=1) - (sequence[:, 1:-1] >= 0).sum(axis=1) if count else np.zeros(0, np.int64),
        zero_run=run.zero_run,
        rules=rules,
    )


def margin_days(rules: Mapping[str, Rule]) -> int:
    """How far beyond the month registers are looked at, to estimate from."""
    rule = rules.get("missing")
    return rule.parameters["gap_days_max"] + 1 if rule else 0


def _told(
    manuals: Iterable[Manual], source: str, meters: Mapping[str, int]
) -> Iterator[tuple[tuple[int, int], Manual]]:
    """What a source says of meters of the plan, by key and instant."""
    for one in manuals:
        if one.source == source and one.meter_no in meters:
            yield (_key(meters[one.meter_no], one.quantity, one.band), us(one.read_at)), one


def _key(meter: int, quantity: str, band: str) -> int:
    return meter * _KINDS + _QUANTITY[quantity] * len(_BAND) + _BAND[band]


def _named(key: int, meters: Sequence[str]) -> tuple[str, str, str]:
    meter, kind = divmod(key, _KINDS)
    quantity, band = divmod(kind, len(_BAND))
    return meters[meter], _QUANTITIES[quantity], _BANDS[band]


def _coded(registers: pa.Table, meters: Mapping[str, int]) -> tuple[Ints, Ints, Ints]:
    """Key, instant and value of each register; -1 as the key of what belongs to no meter of the plan."""

    def codes(column: str, known: Mapping[str, int]) -> Ints:
        encoded = registers[column].combine_chunks().dictionary_encode()
        table = np.array(
            [known.get(str(name), NONE) for name in encoded.dictionary.to_pylist()] or [NONE], dtype=np.int64
        )
        return table[encoded.indices.to_numpy(zero_copy_only=False)] if len(encoded) else np.zeros(0, np.int64)

    meter, quantity, band = codes("meter_no", meters), codes("quantity", _QUANTITY), codes("band", _BAND)
    known = (meter >= 0) & (quantity >= 0) & (band >= 0)
    keys = np.where(known, meter * _KINDS + quantity * len(_BAND) + band, NONE)
    at_us = registers["read_at"].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy()
    return keys, at_us, registers["value_e4"].to_numpy()


def _matrix(
    window: Window,
    channel_key: Ints,
    keys: Ints,
    at_us: Ints,
    values: Ints,
    manuals: Sequence[Manual],
    meters: Mapping[str, int],
) -> tuple[Ints, Flags, dict[tuple[int, int], tuple[int, bool]]]:
    """Registers of channels x midnights, which of them a clerk entered, and those at other times by (key, instant)."""
    wanted = np.unique(channel_key)
    top = int(max(wanted.max(initial=0), keys.max(initial=0))) + 1
    row_of = np.full(top + 1, NONE, dtype=np.int64)
    row_of[wanted] = np.arange(len(wanted))
    rows = row_of[keys]  # the key -1 looks at the last place, which no key has
    offset = at_us - window.first_us
    column, beside = offset // DAY_US, offset % DAY_US
    midnight = (rows >= 0) & (beside == 0) & (column >= 0) & (column < window.count)
    matrix = np.full((len(wanted), window.count), NONE, dtype=np.int64)
    matrix[rows[midnight], column[midnight]] = values[midnight]
    other = (rows >= 0) & (beside != 0)
    elsewhere = {
        (int(key), int(at)): (int(value), False)
        for key, at, value in zip(keys[other], at_us[other], values[other], strict=True)
    }
    entered = np.zeros(matrix.shape, dtype=np.bool_)
    for one in manuals:
        if one.meter_no not in meters:
            continue
        key, at = _key(meters[one.meter_no], one.quantity, one.band), us(one.read_at)
        elsewhere[key, at] = (one.value_e4, True)
        place, rest = divmod(at - window.first_us, DAY_US)
        if key < top and row_of[key] >= 0 and rest == 0 and 0 <= place < window.count:
            matrix[row_of[key], place], entered[row_of[key], place] = one.value_e4, True
    rows = row_of[channel_key]
    return matrix[rows], entered[rows], elsewhere


def _reverse(
    window: Window,
    pieces: Sequence[PlanPiece],
    channels: Sequence[tuple[int, str, str]],
    keys: Ints,
    at_us: Ints,
    values: Ints,
    meters: Mapping[str, int],
    rule: Rule | None,
) -> Flags:
    """Channels of points that only take energy, on meters that no other point delivers through, where it flows back."""
    found: Flags = np.zeros(len(channels), dtype=np.bool_)
    if rule is None:
        return found
    delivering = {piece.meter_no for piece in pieces if piece.register != "fwd"}
    rows = [
        row
        for row, (place, quantity, band) in enumerate(channels)
        if (quantity, band) == ("active_fwd", "total")
        and pieces[place].role in rule.roles
        and pieces[place].meter_no not in delivering
    ]
    key = np.array([_key(meters[pieces[channels[row][0]].meter_no], "active_rev", "total") for row in rows], np.int64)
    if not len(rows):
        return found
    raw, _, _ = _matrix(window, key, keys, at_us, values, (), meters)
    inside = raw[:, window.margin_days : window.count - window.margin_days]
    highest = inside.max(axis=1)
    lowest = np.where(inside >= 0, inside, highest[:, None]).min(axis=1)
    multiplier = np.array([pieces[channels[row][0]].multiplier for row in rows], np.int64)
    found[np.array(rows)] = (highest - lowest) > rule.parameters["floor_wh"] * 10 // multiplier
    return found


def _sequence(window: Window, ends: Ends, raw: Ints) -> tuple[Ints, Ints]:
    """Start, inner midnights, end of every channel, and the instants of them in seconds."""
    count = len(ends.from_us)
    sequence = np.full((count, window.count + 2), NONE, dtype=np.int64)
    sequence[:, 0], sequence[:, -1] = ends.value[:, 0], ends.value[:, 1]
    sequence[:, 1:-1] = np.where(ends.inside, raw, NONE)
    seconds = np.empty(sequence.shape, dtype=np.int64)
    seconds[:, 1:-1] = (window.first_us + np.arange(window.count) * DAY_US) // 1_000_000
    seconds[:, 0], seconds[:, -1] = ends.from_us // 1_000_000, ends.to_us // 1_000_000
    return sequence, seconds
