"""How associations are opened and closed: AARQ, AARE, RLRQ and RLRE of ACSE in BER (IEC 62056-5-3, 9.4)."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from denghuo.service.acquisition.protocol.axdr import length, length_bytes, piece
from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue

_NAMES = bytes.fromhex("608574050801"), bytes.fromhex("608574050802")
PLAIN, CIPHERED = 1, 3
"""Application contexts with logical names, see `contexts`."""
NO_SECRET, LOW, HIGH_GMAC = 0, 1, 5
"""Authentication mechanisms: none, a password (LLS), GMAC over a challenge (HLS)."""


class Form(NamedTuple):
    """How a field's content is written inside its tag."""

    read: Callable[[bytes, int], Any]
    write: Callable[[Any], bytes]


def _within(tags: bytes) -> Form:
    """Octets inside the tags given, one in the other."""

    def read(raw: bytes, at: int) -> bytes:
        for tag in tags:
            if raw[:1] != bytes((tag,)):
                raise BadFrame("content", at, raw[:1].hex().upper(), f"{tag:02X}")
            size, start = length(raw, 1)
            if start + size != len(raw):
                raise BadFrame("length", at + 1, str(size), str(len(raw) - start))
            raw, at = raw[start:], at + start
        return raw

    def write(octets: bytes) -> bytes:
        for tag in reversed(tags):
            octets = bytes((tag,)) + length_bytes(len(octets)) + octets
        return octets

    return Form(read, write)


_BARE = Form(lambda raw, at: raw, bytes)
_OCTETS, _SECRET = _within(b"\x04"), _within(b"\x80")


def _number(inner: Form) -> Form:
    def read(raw: bytes, at: int) -> int:
        octets: bytes = inner.read(raw, at)
        if len(octets) != 1:
            raise BadFrame("content", at, octets.hex().upper(), "one byte")
        return octets[0]

    return Form(read, lambda value: inner.write(bytes((value,))))


def _named(prefix: bytes, inner: Form) -> Form:
    """The last number of an object identifier of DLMS."""

    def read(raw: bytes, at: int) -> int:
        octets: bytes = inner.read(raw, at)
        if octets[:-1] != prefix or not octets:
            raise BadFrame("content", at, octets.hex().upper(), f"{prefix.hex().upper()}..")
        return octets[-1]

    return Form(read, lambda value: inner.write(prefix + bytes((value,))))


_CONTEXT = _named(_NAMES[0], _within(b"\x06"))
_MECHANISM = _named(_NAMES[1], _BARE)
_INTEGER = _number(_within(b"\x02"))


def _read_diagnostic(raw: bytes, at: int) -> tuple[int, int]:
    """(1 service user or 2 service provider, what it says)."""
    if raw[:1] not in (b"\xa1", b"\xa2"):
        raise BadFrame("content", at, raw[:1].hex().upper(), "A1 A2")
    return raw[0] & 0x0F, _number(_within(raw[:1] + b"\x02")).read(raw, at)


_DIAGNOSTIC = Form(_read_diagnostic, lambda value: _number(_within(bytes((0xA0 | value[0], 2)))).write(value[1]))

# By APDU tag: by field tag its name and form, in the order in which they are sent.
FIELDS: Mapping[int, Mapping[int, tuple[str, Form]]] = {
    0x60: {
        0x80: ("acse_version", _BARE),
        0xA1: ("context", _CONTEXT),
        0xA2: ("called_title", _OCTETS),
        0xA6: ("title", _OCTETS),
        0xA7: ("certificate", _OCTETS),
        0xA9: ("user", _INTEGER),
        0x8A: ("acse_requirements", _BARE),
        0x8B: ("mechanism", _MECHANISM),
        0xAC: ("secret", _SECRET),
        0xBD: ("implementation", _OCTETS),
        0xBE: ("information", _OCTETS),
    },
    0x61: {
        0x80: ("acse_version", _BARE),
        0xA1: ("context", _CONTEXT),
        0xA2: ("accepted", _INTEGER),
        0xA3: ("diagnostic", _DIAGNOSTIC),
        0xA4: ("title", _OCTETS),
        0xA5: ("certificate", _OCTETS),
        0x88: ("acse_requirements", _BARE),
        0x89: ("mechanism", _MECHANISM),
        0xAA: ("secret", _SECRET),
        0xBD: ("implementation", _OCTETS),
        0xBE: ("information", _OCTETS),
    },
    0x62: {0x80: ("reason", _number(_BARE)), 0xBE: ("information", _OCTETS)},
    0x63: {0x80: ("reason", _number(_BARE)), 0xBE: ("information", _OCTETS)},
}


class Placed(NamedTuple):
    """A field of an association message, in bytes [start, end) with its tag and length, its content from `content` on."""

    name: str
    value: Any
    start: int
    content: int
    end: int


def fields(raw: bytes) -> list[Placed]:
    """The fields of one such message; BadFrame where it is cut, has more behind it, or has a field that is not known or twice."""
    size, at = length(raw, 1)
    if at + size != len(raw):
        raise BadFrame("length", 1, str(size), str(len(raw) - at))
    found: list[Placed] = []
    while at < len(raw):
        known = FIELDS[raw[0]].get(raw[at])
        if known is None or any(one.name == known[0] for one in found):
            raise BadFrame("unknown", at, f"{raw[at]:02X}")
        size, content = length(raw, at + 1)
        octets = piece(raw, content, size)
        found.append(Placed(known[0], known[1].read(octets, content), at, content, content + size))
        at = content + size
    return found


def encode(tag: int, values: Mapping[str, Any]) -> bytes:
    """The bytes of such a message; BadValue where it has no field of a name."""
    known = {name for name, _ in FIELDS[tag].values()}
    for name in values:
        if name not in known:
            raise BadValue(name, values[name], f"a field of the message: {', '.join(sorted(known))}")
    body = b""
    for field_tag, (name, form) in FIELDS[tag].items():
        if values.get(name) is not None:
            content = form.write(values[name])
            body += bytes((field_tag,)) + length_bytes(len(content)) + content
    return bytes((tag,)) + length_bytes(len(body)) + body
