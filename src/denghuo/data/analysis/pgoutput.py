"""Decoder of PostgreSQL's logical replication messages (pgoutput, protocol version 1).

The messages come as rows of `pg_logical_slot_peek_binary_changes`. Values come in their text form; what a row update left
unchanged in the TOAST table is not sent at all and shows as UNCHANGED.
"""

import enum
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class NotSent(enum.Enum):
    UNCHANGED = "unchanged"


UNCHANGED = NotSent.UNCHANGED
Value = str | NotSent | None


class Malformed(ValueError):
    """A message that this decoder does not understand: nothing may be applied from here on."""


@dataclass(frozen=True)
class Begin:
    committed_at: datetime


@dataclass(frozen=True)
class Commit:
    """`end_lsn` is the position after the transaction: where it is applied, all before it is."""

    end_lsn: int
    committed_at: datetime


@dataclass(frozen=True)
class Relation:
    """Announces a table before its first change. `key` names the columns of its replica identity."""

    oid: int
    schema: str
    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]


@dataclass(frozen=True)
class Insert:
    oid: int
    new: tuple[Value, ...]


@dataclass(frozen=True)
class Update:
    """`old` is there only where the key changed."""

    oid: int
    old: tuple[Value, ...] | None
    new: tuple[Value, ...]


@dataclass(frozen=True)
class Delete:
    oid: int
    old: tuple[Value, ...]


@dataclass(frozen=True)
class Truncate:
    oids: tuple[int, ...]


Change = Begin | Commit | Relation | Insert | Update | Delete | Truncate


def decode(message: bytes) -> Change | None:
    """One message; None for those that carry no change of rows (origins, types).

    Raises:
        Malformed: unknown kind, or cut off.
    """
    reader = _Reader(message)
    kind = reader.character()
    match kind:
        case "B":
            reader.int64()
            return Begin(reader.instant())
        case "C":
            reader.int8()
            reader.int64()
            return Commit(reader.int64(), reader.instant())
        case "R":
            return _relation(reader)
        case "I":
            oid = reader.int32()
            return Insert(oid, _expected(reader, "N"))
        case "U":
            return _update(reader)
        case "D":
            oid = reader.int32()
            return Delete(oid, _expected(reader, "KO"))
        case "T":
            count, _ = reader.int32(), reader.int8()
            return Truncate(tuple(reader.int32() for _ in range(count)))
        case "O" | "Y":
            return None
    raise Malformed(f"unknown message kind {kind!r}")


def _relation(reader: "_Reader") -> Relation:
    oid, schema, name = reader.int32(), reader.string(), reader.string()
    reader.int8()
    columns, key = [], []
    for _ in range(reader.int16()):
        is_key = reader.int8() & 1
        columns.append(reader.string())
        reader.int32()
        reader.int32()
        if is_key:
            key.append(columns[-1])
    return Relation(oid, schema, name, tuple(columns), tuple(key))


def _update(reader: "_Reader") -> Update:
    oid = reader.int32()
    old = None
    part = reader.character()
    if part in "KO":
        old = reader.tuple()
        part = reader.character()
    if part != "N":
        raise Malformed(f"an update without its new row: {part!r}")
    return Update(oid, old, reader.tuple())


def _expected(reader: "_Reader", parts: str) -> tuple[Value, ...]:
    part = reader.character()
    if part not in parts:
        raise Malformed(f"row part {part!r} where {parts} was expected")
    return reader.tuple()


class _Reader:
    """Big-endian reading that never runs past the end."""

    def __init__(self, message: bytes) -> None:
        self._message = message
        self._at = 0

    def take(self, count: int) -> bytes:
        end = self._at + count
        if count < 0 or end > len(self._message):
            raise Malformed(f"message ends at {len(self._message)}, {count} more bytes wanted at {self._at}")
        taken, self._at = self._message[self._at : end], end
        return taken

    def character(self) -> str:
        return chr(self.take(1)[0])

    def int8(self) -> int:
        return self.take(1)[0]

    def int16(self) -> int:
        return int(struct.unpack(">H", self.take(2))[0])

    def int32(self) -> int:
        return int(struct.unpack(">I", self.take(4))[0])

    def int64(self) -> int:
        return int(struct.unpack(">q", self.take(8))[0])

    def instant(self) -> datetime:
        return _EPOCH + timedelta(microseconds=self.int64())

    def string(self) -> str:
        end = self._message.find(b"\x00", self._at)
        if end < 0:
            raise Malformed("text without an end")
        taken = self._message[self._at : end]
        self._at = end + 1
        return self._text(taken)

    def tuple(self) -> tuple[Value, ...]:
        return tuple(self._value() for _ in range(self.int16()))

    def _value(self) -> Value:
        kind = self.character()
        if kind == "n":
            return None
        if kind == "u":
            return UNCHANGED
        if kind == "t":
            return self._text(self.take(self.int32()))
        raise Malformed(f"unknown kind of value {kind!r}")

    @staticmethod
    def _text(raw: bytes) -> str:
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            raise Malformed("text that is not UTF-8") from error


def lsn_number(text: str) -> int:
    """A log position such as "0/16B3748" as a number of bytes."""
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) | int(low, 16)


def lsn_text(number: int) -> str:
    return f"{number >> 32:X}/{number & 0xFFFFFFFF:X}"
