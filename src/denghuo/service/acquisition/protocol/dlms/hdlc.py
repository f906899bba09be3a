"""The HDLC frames that carry DLMS/COSEM on lines and over TCP (IEC 62056-46).

    7E | A0 + length (11 bits, bit 11 a segment follows) | to | from | control | HCS(2) | information | FCS(2) | 7E

Addresses have 1, 2 or 4 bytes of seven bits, the last one with its lowest bit set. The checksums are those of DL/T 698.45;
without information there is none of the head. Information begins, in the first segment, with E6E600 or E6E700. One flag 7E
may end a frame and begin the next.
"""

from typing import NamedTuple

from denghuo.kernel.problem import Text, text
from denghuo.service.acquisition.protocol.dlt698 import fcs16
from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue
from denghuo.service.acquisition.protocol.stream import MORE, NEVER, Framing

FLAG = 0x7E
FRAME_SIZE_MIN = 9
FRAME_SIZE_MAX = 0x7FF + 2
ASKED, ANSWERED = b"\xe6\xe6\x00", b"\xe6\xe7\x00"
SNRM, UA, DISC, DM, FRMR, UI = 0x83, 0x63, 0x43, 0x0F, 0x87, 0x03
RR, RNR = 0x01, 0x05
FINAL = 0x10
_ADDRESS_SIZES = (1, 2, 4)
UNNUMBERED: dict[int, Text] = {
    SNRM: text("建立链路 SNRM", "set normal response mode, SNRM"),
    UA: text("确认 UA", "acknowledged, UA"),
    DISC: text("断开 DISC", "disconnect, DISC"),
    DM: text("已断开 DM", "disconnected, DM"),
    FRMR: text("帧拒绝 FRMR", "frame rejected, FRMR"),
    UI: text("无编号信息 UI", "unnumbered information, UI"),
}


class Frame(NamedTuple):
    """One frame. `to`, `source`: addresses as bytes sent; see `address`. `information` with its three bytes E6.. in front."""

    to: bytes
    source: bytes
    control: int
    information: bytes = b""
    segmented: bool = False

    @property
    def kind(self) -> str:
        """I, RR, RNR, or U for one without numbers, whose function is `function`."""
        if self.control & 1 == 0:
            return "I"
        if self.control & 3 == 1:
            return "RNR" if self.control & 0x0F == RNR else "RR"
        return "U"

    @property
    def function(self) -> int:
        return self.control & ~FINAL

    @property
    def final(self) -> bool:
        """The other side may speak now."""
        return self.control & FINAL != 0

    @property
    def sent(self) -> int:
        return self.control >> 1 & 7

    @property
    def expected(self) -> int:
        return self.control >> 5


def address(upper: int, lower: int | None = None, size: int | None = None) -> bytes:
    """An address as sent: a client, or a logical device `upper` in a physical device `lower`. `size`: 1, 2 or 4 bytes; by
    itself as few as hold it."""
    if lower is None:
        if not 0 <= upper < 0x80:
            raise BadValue("address", upper, "0..127")
        return bytes((upper << 1 | 1,))
    size = size or (2 if upper < 0x80 and lower < 0x80 else 4)
    if size == 2 and 0 <= upper < 0x80 and 0 <= lower < 0x80:
        return bytes((upper << 1, lower << 1 | 1))
    if size == 4 and 0 <= upper < 0x4000 and 0 <= lower < 0x4000:
        return bytes((upper >> 6 & 0xFE, upper << 1 & 0xFE, lower >> 6 & 0xFE, (lower << 1 | 1) & 0xFF))
    raise BadValue("address", f"{upper}/{lower}", "below 128 each in 2 bytes, below 16384 in 4")


def address_said(octets: bytes) -> tuple[int, int | None]:
    """The inverse of `address`."""
    parts = [octet >> 1 for octet in octets]
    if len(parts) == 1:
        return parts[0], None
    if len(parts) == 2:
        return parts[0], parts[1]
    return parts[0] << 7 | parts[1], parts[2] << 7 | parts[3]


def _address_end(raw: bytes, at: int, end: int) -> int:
    for size in _ADDRESS_SIZES:
        if at + size <= end and raw[at + size - 1] & 1:
            return at + size
    raise BadFrame("content", at, raw[at : at + 4].hex().upper(), "an address of 1, 2 or 4 bytes")


def decode(raw: bytes) -> Frame:
    """The one frame that `raw` is. BadFrame says what is wrong and where."""
    if raw[:1] != b"\x7e":
        raise BadFrame("start", 0, raw[:1].hex().upper(), "7E")
    if len(raw) < FRAME_SIZE_MIN:
        raise BadFrame("short", len(raw), str(len(raw)), str(FRAME_SIZE_MIN))
    if raw[1] & 0xF0 != 0xA0:
        raise BadFrame("start", 1, f"{raw[1]:02X}", "A0..AF")
    size = (raw[1] & 7) << 8 | raw[2]
    if len(raw) != size + 2:
        reason = "short" if len(raw) < size + 2 else "long"
        raise BadFrame(reason, min(len(raw), size + 2), str(len(raw)), str(size + 2))
    if raw[-1] != FLAG:
        raise BadFrame("end", size + 1, f"{raw[-1]:02X}", "7E")
    if fcs16(raw[1:-3]) != raw[-3:-1]:
        raise BadFrame("checksum", size - 1, raw[-3:-1].hex().upper(), fcs16(raw[1:-3]).hex().upper())
    end = size - 1
    source = _address_end(raw, 3, end)
    control = _address_end(raw, source, end)
    if control >= end:
        raise BadFrame("length", 1, str(size))
    body = control + 1
    if body < end:
        if fcs16(raw[1:body]) != raw[body : body + 2] or body + 2 > end:
            raise BadFrame("checksum", body, raw[body : body + 2].hex().upper(), fcs16(raw[1:body]).hex().upper())
        body += 2
    return Frame(raw[3:source], raw[source:control], raw[control], raw[body:end], raw[1] & 8 != 0)


def encode(frame: Frame) -> bytes:
    """The bytes of `frame`; BadValue where its addresses or size do not fit."""
    for name, octets in (("to", frame.to), ("source", frame.source)):
        if len(octets) not in _ADDRESS_SIZES or octets[-1] & 1 == 0 or any(octet & 1 for octet in octets[:-1]):
            raise BadValue(name, octets.hex(), "1, 2 or 4 bytes, of which the last alone is odd")
    if not 0 <= frame.control <= 255:
        raise BadValue("control", frame.control, "0..255")
    head = frame.to + frame.source + bytes((frame.control,))
    size = 2 + len(head) + 2 + (2 + len(frame.information) if frame.information else 0)
    if size > 0x7FF:
        raise BadValue("information", len(frame.information), f"at most {0x7FF - 6 - len(head)} bytes; send segments")
    head = (0xA000 | frame.segmented << 11 | size).to_bytes(2, "big") + head
    body = head + fcs16(head) + frame.information if frame.information else head
    return b"\x7e" + body + fcs16(body) + b"\x7e"


def _measure(buffer: bytes, at: int) -> int:
    left = len(buffer) - at
    if left < 2:
        return MORE
    if buffer[at + 1] & 0xF0 != 0xA0:
        return NEVER
    if left < 3:
        return MORE
    size = (buffer[at + 1] & 7) << 8 | buffer[at + 2]
    return size + 2 if size + 2 >= FRAME_SIZE_MIN else NEVER


def _whole(frame: bytes) -> bool:
    return frame[-1] == FLAG and fcs16(frame[1:-3]) == frame[-3:-1]


FRAMING = Framing(start=FLAG, measure=_measure, whole=_whole, limit=FRAME_SIZE_MAX, shared=True)


class Terms(NamedTuple):
    """What the sides of a link agreed on: longest information sent and received, and how many frames before an answer."""

    send_max: int = 128
    receive_max: int = 128
    send_window: int = 1
    receive_window: int = 1


_TERMS = {5: "send_max", 6: "receive_max", 7: "send_window", 8: "receive_window"}


def terms_of(information: bytes) -> Terms:
    """The terms that the information of SNRM or UA says; what it leaves out is as by default. BadFrame where it is cut."""
    found: dict[str, int] = {}
    if not information:
        return Terms()
    if information[:2] != b"\x81\x80" or len(information) < 3 or information[2] != len(information) - 3:
        raise BadFrame("content", 0, information[:3].hex().upper(), "81 80 and the length")
    at = 3
    while at < len(information):
        size = information[at + 1] if at + 1 < len(information) else 0
        if at + 2 + size > len(information) or not size:
            raise BadFrame("short", at, str(len(information) - at))
        if information[at] in _TERMS:
            found[_TERMS[information[at]]] = int.from_bytes(information[at + 2 : at + 2 + size], "big")
        at += 2 + size
    return Terms(**found)
