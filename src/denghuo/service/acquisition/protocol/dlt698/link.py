"""Link layer of DL/T 698.45: marks, length, control, addresses, two checksums, fragments.

    68 | L(2) | C | AF SA(1..16) CA | HCS(2) | APDU or fragment | FCS(2) | 16

The checksums are FCS-16 (X.25). Its bits run from low to high, `crc_hqx` from high to low: bytes mirrored by a table go
through that. A checksum taken over itself leaves a constant, so one pass over a frame proves both.
"""

from binascii import crc_hqx
from collections.abc import Iterable
from typing import NamedTuple

from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue
from denghuo.service.acquisition.protocol.stream import MORE, NEVER, Framing

MIRRORED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))
_ADDED = bytes((value + 0x33) % 256 for value in range(256))
_TAKEN_OFF = bytes((value - 0x33) % 256 for value in range(256))
_INITIAL = 0xFFFF
_PROVEN = 0x1D0F
# Marks, length, control, address of one byte, client, both checksums.
FRAME_SIZE_MIN = 12
FRAME_SIZE_MAX = 0x3FFF + 2
APDU_SIZE_MAX = 65536
FIRST, LAST, CONFIRM, MIDDLE = range(4)


class Link(NamedTuple):
    """One frame of the link layer. `server`: the digits of its address, high one first (a wildcard, f filler).

    `control` as sent, see `from_server`, `fragment`, `scrambled`. `payload`: the APDU, or where `fragment` is true a
    segment word and a piece of it; never scrambled.
    """

    control: int
    address_type: int
    logical: int
    server: str
    client: int
    payload: bytes

    @property
    def from_server(self) -> bool:
        return self.control & 0x80 != 0

    @property
    def fragment(self) -> bool:
        return self.control & 0x20 != 0

    @property
    def scrambled(self) -> bool:
        return self.control & 0x08 != 0

    @property
    def function(self) -> int:
        """1 link management, 3 user data."""
        return self.control & 0x07


def fcs16(raw: bytes) -> bytes:
    """The two bytes, in the order sent, that prove `raw`."""
    turned = crc_hqx(raw.translate(MIRRORED), _INITIAL) ^ 0xFFFF
    return turned.to_bytes(2, "big").translate(MIRRORED)


def decode(raw: bytes) -> Link:
    """The one frame that `raw` is. BadFrame says what is wrong and where."""
    try:
        size = raw[1] | (raw[2] & 0x3F) << 8
        flags = raw[4]
        head = flags & 15
        body = head + 9
        if raw[0] == 0x68 and len(raw) == size + 2 and raw[-1] == 0x16 and size >= body + 1 and not raw[2] & 0x40:
            turned = raw.translate(MIRRORED)
            if (
                crc_hqx(turned[1:body], _INITIAL) == _PROVEN
                and crc_hqx(turned[body : size + 1], _PROVEN if size + 1 > body + 2 else _INITIAL) == _PROVEN
            ):
                control = raw[3]
                payload = raw[body:-3]
                if control & 0x08:
                    payload = payload.translate(_TAKEN_OFF)
                return tuple.__new__(
                    Link,
                    (control, flags >> 6, flags >> 4 & 3, raw[head + 5 : 4 : -1].hex(), raw[head + 6], payload),
                )
    except IndexError:
        pass
    raise _wrong(raw)


def _wrong(raw: bytes) -> BadFrame:
    if raw and raw[0] != 0x68:
        return BadFrame("start", 0, f"{raw[0]:02X}", "68")
    if len(raw) < FRAME_SIZE_MIN:
        return BadFrame("short", len(raw), str(len(raw)), str(FRAME_SIZE_MIN))
    size = (raw[1] | (raw[2] & 0x3F) << 8) + 2
    body = (raw[4] & 15) + 9
    if raw[2] & 0x40 or size < body + 3:
        return BadFrame("length", 1, raw[1:3].hex().upper())
    if len(raw) > body and fcs16(raw[1 : body - 2]) != raw[body - 2 : body]:
        found, expected = raw[body - 2 : body].hex().upper(), fcs16(raw[1 : body - 2]).hex().upper()
        return BadFrame("checksum", body - 2, found, expected)
    if len(raw) < size:
        return BadFrame("short", len(raw), str(len(raw)), str(size))
    if fcs16(raw[1 : size - 3]) != raw[size - 3 : size - 1]:
        found, expected = raw[size - 3 : size - 1].hex().upper(), fcs16(raw[1 : size - 3]).hex().upper()
        return BadFrame("checksum", size - 3, found, expected)
    if raw[size - 1] != 0x16:
        return BadFrame("end", size - 1, f"{raw[size - 1]:02X}", "16")
    return BadFrame("long", size, str(len(raw) - size))


def encode(link: Link) -> bytes:
    """The bytes of `link`; BadValue where its address or size does not fit."""
    try:
        server = bytes.fromhex(link.server)
    except ValueError:
        server = b""
    if not 1 <= len(server) <= 16:
        raise BadValue("server", link.server, "1..16 bytes in hexadecimal digits")
    size = len(server) + len(link.payload) + 9
    if size > 0x3FFF:
        raise BadValue("payload", len(link.payload), f"at most {0x3FFF - 9 - len(server)} bytes; send it in fragments")
    for name, value, limit in (
        ("control", link.control, 255),
        ("client", link.client, 255),
        ("address_type", link.address_type, 3),
        ("logical", link.logical, 3),
    ):
        if not 0 <= value <= limit:
            raise BadValue(name, value, f"0..{limit}")
    flags = link.address_type << 6 | link.logical << 4 | len(server) - 1
    head = size.to_bytes(2, "little") + bytes((link.control, flags)) + server[::-1] + bytes((link.client,))
    payload = link.payload.translate(_ADDED) if link.scrambled else link.payload
    body = head + fcs16(head) + payload
    return b"\x68" + body + fcs16(body) + b"\x16"


def _measure(buffer: bytes, at: int) -> int:
    left = len(buffer) - at
    if left < 5:
        return MORE
    size = (buffer[at + 1] | (buffer[at + 2] & 0x3F) << 8) + 2
    body = (buffer[at + 4] & 15) + 9
    if buffer[at + 2] & 0x40 or size < body + 3:
        return NEVER
    if left < body:
        return MORE
    # The head proves itself, so noise does not make the reader wait for a frame that is none.
    proven = crc_hqx(buffer[at + 1 : at + body].translate(MIRRORED), _INITIAL) == _PROVEN
    return size if proven else NEVER


def _whole(frame: bytes) -> bool:
    return frame[-1] == 0x16 and crc_hqx(frame[1:-1].translate(MIRRORED), _INITIAL) == _PROVEN


FRAMING = Framing(start=0x68, measure=_measure, whole=_whole, limit=FRAME_SIZE_MAX)


class Segment(NamedTuple):
    """What a fragment carries: `kind` FIRST, LAST, CONFIRM or MIDDLE, its number, and a piece of the APDU."""

    kind: int
    number: int
    piece: bytes


def segment(link: Link) -> Segment:
    """The segment of a fragment; BadFrame where `link` has no room for its word."""
    if len(link.payload) < 2:
        raise BadFrame("short", 0, str(len(link.payload)), "2")
    word = int.from_bytes(link.payload[:2], "little")
    return Segment(word >> 14, word & 0x0FFF, link.payload[2:])


def confirmation(link: Link) -> Link | None:
    """What a fragment's receiver says before the next one is sent; None after the last, and for what is no fragment."""
    if not link.fragment:
        return None
    kind, number, _ = segment(link)
    if kind not in (FIRST, MIDDLE):
        return None
    back = (link.control ^ 0x80) & ~0x08
    return link._replace(control=back, payload=(CONFIRM << 14 | number).to_bytes(2, "little"))


def fragments(link: Link, size: int) -> list[Link]:
    """`link` as frames whose pieces have at most `size` bytes; itself where it fits."""
    if size < 1:
        raise BadValue("size", size, "at least 1")
    if len(link.payload) <= size:
        return [link]
    pieces = [link.payload[at : at + size] for at in range(0, len(link.payload), size)]
    if len(pieces) > 0x1000:
        raise BadValue("size", size, f"at least {-(-len(link.payload) // 0x1000)}")
    kinds = [FIRST, *([MIDDLE] * (len(pieces) - 2)), LAST]
    return [
        link._replace(control=link.control | 0x20, payload=(kind << 14 | number).to_bytes(2, "little") + piece)
        for number, (kind, piece) in enumerate(zip(kinds, pieces, strict=True))
    ]


class Assembly:
    """Puts an APDU together from its fragments; one for each direction of a connection. Keeps at most 64 KB."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._next = 0
        self._size = 0

    def take(self, link: Link) -> bytes | None:
        """The APDU when `link` completes one, None while pieces are missing. BadFrame: out of order, or too long."""
        if not link.fragment:
            return link.payload
        kind, number, piece = segment(link)
        if kind == CONFIRM:
            return None
        if kind == FIRST:
            self._pieces, self._size = [], 0
        elif not self._pieces or number != self._next:
            self._pieces = []
            raise BadFrame("content", 0, f"fragment {number}", f"fragment {self._next}")
        self._pieces.append(piece)
        self._size += len(piece)
        self._next = (number + 1) & 0x0FFF
        if self._size > APDU_SIZE_MAX:
            self._pieces = []
            raise BadFrame("long", 0, str(self._size), str(APDU_SIZE_MAX))
        if kind != LAST:
            return None
        whole, self._pieces = b"".join(self._pieces), []
        return whole


def assembled(links: Iterable[Link]) -> list[bytes]:
    """The APDUs of a run of frames, fragments put together."""
    assembly = Assembly()
    return [apdu for link in links if (apdu := assembly.take(link)) is not None]
