"""Registers at the midnights where a month's terms change, asked of the reading service a thousand points at a time."""

from collections.abc import Sequence
from datetime import date, datetime

from denghuo.kernel.batch import ITEMS_MAX
from denghuo.kernel.contract import Call
from denghuo.service.billing.batch import Entry
from denghuo.service.billing.cuts import Channel, CutRegisters, Shown
from denghuo.service.billing.rating import Rating
from denghuo.service.host.binding import Ask
from denghuo.service.reading.api import ReadingApi, RegistersAt


def cut_registers(
    ask: Ask, call: Call, month: str, rating: Rating, entries: Sequence[Entry], known_at: datetime | None = None
) -> CutRegisters:
    """What the meters of the entries show where their months are cut; most months are not, and then nobody is asked.

    known_at: what they were known to show then.
    """
    wanted: dict[date, set[str]] = {}
    for entry in entries:
        for span in rating.spans(entry)[1:]:
            wanted.setdefault(span.first, set()).update(piece.point_no for piece in entry.pieces)
    found: dict[date, dict[Channel, Shown]] = {}
    for day, points in wanted.items():
        ordered = sorted(points)
        registers = found.setdefault(day, {})
        for begin in range(0, len(ordered), ITEMS_MAX):
            asked = RegistersAt(month=month, day=day, point_nos=ordered[begin : begin + ITEMS_MAX], known_at=known_at)
            for row in ask(ReadingApi).registers_at(call, asked).rows:
                if row.shown is not None:
                    channel = Channel(row.point_no, row.meter_no, row.piece, row.quantity, row.band)
                    registers[channel] = Shown(row.shown.e4, row.method)
    return found
