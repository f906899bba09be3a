"""Reads NEM12 (intervals) and NEM13 (registers) files: the Meter Data File Format of the Australian market (AEMO MDFF 2.x).

A file is records of comma-separated fields, each on a line: 100 opens it, 900 closes it; 200 begins a channel, each 300 holds a day
of it, 400 says the quality of parts of that day where the 300 says V, 500 tells of an order; 250 is the reads of a register before
and now, 550 tells of an order. Times are the sender's market time, intervals are told by the day and their number.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import BinaryIO

import numpy as np

from denghuo.kernel.problem import text
from denghuo.service.reading.foreign.blocks import ASK_SENDER, Block, Channel, Malformed, Marks, RegisterRead, whole

LONGEST_LINE = 64 * 1024
"""Bytes of a record: a day of 288 five-minute values with room to spare."""
PLACES = 6
"""Decimal places that are kept of a value: a millionth of a kilowatt-hour."""
MINUTES = (1, 5, 10, 15, 30)
DAYS_TOGETHER = 62
"""Days of a channel that are read at once: two months."""
_FINER = re.compile(rb"\.[0-9]{6}[0-9]*[1-9]")
"""A value that six decimal places do not hold."""
_OF_NUMBERS = b"0123456789.,-"
_DAY = 24 * 60
_INTERVAL_FLOWS = {"E": "active_fwd", "B": "active_rev", "Q": "reactive_fwd", "K": "reactive_rev"}
_REGISTER_FLOWS = {"E": "active_fwd", "I": "active_rev"}
_QUALITIES = "AEFNSV"
_ESTIMATED = "EFS"

Found = Block | RegisterRead


def read_nem(stream: BinaryIO, zone: tzinfo) -> Iterator[Found]:
    """The days and registers of a file, in its order. zone: of the market time.

    Raises:
        Malformed: the file breaks the format; what was given before is not to be taken either.
    """
    return _Reader(stream, zone).found()


class _Reader:
    def __init__(self, stream: BinaryIO, zone: tzinfo) -> None:
        self._stream, self._zone = stream, zone
        self._line = 0
        self._kind = ""
        self._channel: Channel | None = None
        self._minutes = 0
        self._stretch: _Stretch | None = None

    def found(self) -> Iterator[Found]:
        self._open(self._record() or [])
        while True:
            fields = self._record()
            if fields is None:
                raise self._fault("", "", "文件没有 900 结束记录", "the file has no closing 900 record")
            code = fields[0]
            if code == b"300":
                done = self._interval_day(fields)
                if done is not None:
                    yield done.block()
            elif code == b"400":
                self._quality(fields)
            elif code in (b"200", b"900"):
                if self._stretch is not None:
                    yield self._stretch.block()
                    self._stretch = None
                if code == b"900":
                    break
                self._begin_channel(fields)
            elif code == b"250" and self._kind == "NEM13":
                yield from self._registers(fields)
            elif code not in (b"500", b"550"):
                raise self._fault("RecordIndicator", _said(code), "未知的记录类型", "this kind of record is not known")
        if self._record() is not None:
            raise self._fault("RecordIndicator", "", "900 结束记录之后还有内容", "something follows the closing record")

    def _record(self) -> list[bytes] | None:
        """The fields of the next line that is not blank."""
        while True:
            line = self._stream.readline(LONGEST_LINE + 1)
            self._line += 1
            if not line:
                return None
            if len(line) > LONGEST_LINE:
                raise self._fault("", _said(line), "记录过长", "the record is too long")
            if line.strip():
                return line.rstrip().split(b",")

    def _fault(self, field: str, value: str, zh: str, en: str) -> Malformed:
        return Malformed(self._line, field, value[:80], text(zh, en), ASK_SENDER)

    def _open(self, fields: list[bytes]) -> None:
        kind = _said(fields[1]) if len(fields) > 1 else ""
        if not fields or fields[0] != b"100":
            raise self._fault(
                "RecordIndicator", "", "文件没有 100 开头记录", "the file does not begin with a 100 record"
            )
        if kind not in ("NEM12", "NEM13"):
            raise self._fault("VersionHeader", kind, "应为 NEM12 或 NEM13", "it is neither NEM12 nor NEM13")
        self._kind = kind

    # -- intervals -------------------------------------------------------------------------------------------------------

    def _begin_channel(self, fields: list[bytes]) -> None:
        if self._kind != "NEM12" or len(fields) < 9:
            raise self._fault("200", str(len(fields)), "200 记录的字段不全", "the 200 record lacks fields")
        meter, suffix, serial, unit = (_said(fields[place]) for place in (1, 4, 6, 7))
        if not meter or not suffix:
            raise self._fault("NMI", meter, "缺少计量点号或通道", "the point or the channel is missing")
        self._minutes = whole(self._line, "IntervalLength", _said(fields[8]), 1, 30)
        if self._minutes not in MINUTES:
            raise self._fault(
                "IntervalLength", str(self._minutes), "间隔应为 1、5、10、15、30", "it is 1, 5, 10, 15 or 30"
            )
        self._channel = Channel(meter, suffix, unit.lower(), _INTERVAL_FLOWS.get(suffix[:1].upper()), serial)

    def _interval_day(self, fields: list[bytes]) -> "_Stretch | None":
        """Adds a day to its stretch; the stretch before, where this day begins another."""
        if self._channel is None:
            raise self._fault("RecordIndicator", "300", "300 记录之前没有 200 记录", "no 200 record stands before it")
        count = _DAY // self._minutes
        values = fields[2 : 2 + count]
        quality = _said(fields[2 + count]) if len(fields) > 2 + count else ""
        if len(fields) < 2 + count + 4 or not quality[:1] or quality[0] not in _QUALITIES:
            raise self._fault(
                "300",
                quality or str(len(fields) - 2),
                f"应有 {count} 个值，其后为质量标志和三个字段",
                f"it should have {count} values, then the quality and three more fields",
            )
        if b"".join(values).translate(None, _OF_NUMBERS) or b"" in values:
            wrong = next(value for value in values if not _is_number(value))
            raise self._fault("IntervalValue", _said(wrong), "不是数字", "it is no number")
        begins = self._at(_said(fields[1]))
        before = self._stretch
        if before is not None and before.goes_on(begins):
            before.add(values, quality)
            return None
        self._stretch = _Stretch(self._line, self._channel, begins, self._minutes)
        self._stretch.add(values, quality)
        return before

    def _quality(self, fields: list[bytes]) -> None:
        if self._stretch is None or len(fields) < 4:
            raise self._fault("RecordIndicator", "400", "400 记录之前没有 300 记录", "no 300 record stands before it")
        count = _DAY // self._minutes
        first = whole(self._line, "StartInterval", _said(fields[1]), 1, count)
        last = whole(self._line, "EndInterval", _said(fields[2]), first, count)
        quality = _said(fields[3])
        if quality[:1] not in tuple("AEFNS"):
            raise self._fault("QualityMethod", quality, "质量标志应为 A、E、F、N、S", "it is A, E, F, N or S")
        self._stretch.say(first - 1, last, quality)

    # -- registers -------------------------------------------------------------------------------------------------------

    def _registers(self, fields: list[bytes]) -> Iterator[RegisterRead]:
        if len(fields) < 20:
            raise self._fault("250", str(len(fields)), "250 记录的字段不全", "the 250 record lacks fields")
        meter, suffix, serial, direction, unit = (_said(fields[place]) for place in (1, 4, 6, 7, 19))
        channel = Channel(meter, suffix, unit.lower(), _REGISTER_FLOWS.get(direction), serial)
        for place in (8, 13, 18):
            if not _is_number(fields[place]):
                raise self._fault("RegisterRead", _said(fields[place]), "不是数字", "it is no number")
        energy = Decimal(_said(fields[18]))
        for place, passed in ((8, None), (13, energy)):
            value, at, quality = (_said(fields[place + step]) for step in range(3))
            yield RegisterRead(self._line, channel, self._at(at), Decimal(value), passed, _mark(quality))

    def _at(self, said: str) -> datetime:
        try:
            if not (said.isascii() and said.isdigit() and len(said) in (8, 14)):
                raise ValueError
            parts = (int(said[:4]), int(said[4:6]), int(said[6:8]))
            clock = (int(said[8:10]), int(said[10:12]), int(said[12:14])) if len(said) == 14 else (0, 0, 0)
            return datetime(*parts, *clock, tzinfo=self._zone)
        except ValueError:
            raise self._fault("DateTime", said, "日期应写作 20260401", "write the day as 20260401") from None


class _Stretch:
    """Days of a channel that follow each other, read and judged together: many times as fast as one by one."""

    def __init__(self, line: int, channel: Channel, begins: datetime, minutes: int) -> None:
        self._line, self._channel, self._begins, self._minutes = line, channel, begins, minutes
        self._count = _DAY // minutes
        self._next = begins
        self._values: list[bytes] = []
        self._qualities: list[str] = []
        self._marks: list[tuple[int, int, str]] = []

    def goes_on(self, day: datetime) -> bool:
        """Whether a day is the next, without a change of the clock in between."""
        same_clock = day.utcoffset() == self._begins.utcoffset()
        return day == self._next and same_clock and len(self._qualities) < DAYS_TOGETHER

    def add(self, values: list[bytes], quality: str) -> None:
        begins = len(self._values)
        self._values += values
        self._qualities.append(quality[0] * self._count)
        if quality[0] in _ESTIMATED:
            self._marks.append((begins, begins + self._count, _mark(quality)))
        self._next += timedelta(days=1)

    def say(self, first: int, last: int, quality: str) -> None:
        """The quality of a part of the last day."""
        day = self._qualities[-1]
        self._qualities[-1] = day[:first] + quality[0] * (last - first) + day[last:]
        begins = len(self._values) - self._count
        self._marks.append((begins + first, begins + last, _mark(quality)))

    def block(self) -> Block:
        """Raises Malformed where a value is too large, or the quality of a part that varies is not told."""
        said = "".join(self._qualities)
        if "V" in said:
            day, at = divmod(said.index("V"), self._count)
            raise self._fault(
                f"{self._begins + timedelta(days=day):%Y%m%d}",
                f"第 {at + 1} 个间隔没有 400 质量记录",
                f"no 400 record tells the quality of interval {at + 1}",
            )
        finer = _FINER.search(b",".join(self._values))
        if finer is not None:
            value = next(one for one in self._values if _FINER.search(one))
            raise self._fault(_said(value), "小数超过六位", "it has more than six decimal places")
        try:
            numbers = np.rint(np.array(list(map(float, self._values))) * 10**PLACES)
        except ValueError:
            wrong = next(value for value in self._values if not _is_number(value))
            raise self._fault(_said(wrong), "不是数字", "it is no number") from None
        if np.abs(numbers).max() >= 2**53:
            raise self._fault("", "数值过大", "a value is too large")
        missing = np.frombuffer(said.encode(), dtype=np.uint8) == ord("N") if "N" in said else None
        return Block(
            self._line,
            self._channel,
            self._begins,
            self._minutes * 60,
            numbers.astype(np.int64),
            PLACES,
            missing,
            self._marked(len(numbers)),
        )

    def _marked(self, count: int) -> Marks | None:
        places, codes = {"": 0}, np.zeros(count, dtype=np.int64)
        for first, last, mark in self._marks:
            codes[first:last] = places.setdefault(mark, len(places))
        return Marks(tuple(places), codes) if codes.any() else None

    def _fault(self, value: str, zh: str, en: str) -> Malformed:
        return Malformed(self._line, self._channel.name, value, text(zh, en), ASK_SENDER)


def _said(field: bytes) -> str:
    return field.decode("utf-8", "replace").strip()


def _mark(quality: str) -> str:
    """Flag and method of a value that was estimated or substituted, such as E52; none of one that was measured."""
    return f"nem12 {quality[:3]}" if quality[:1] in tuple(_ESTIMATED) else ""


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return not field.translate(None, _OF_NUMBERS)
