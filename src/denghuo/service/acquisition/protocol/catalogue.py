"""Which protocols there are, and which of them a given piece of bytes speaks."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from denghuo.kernel.problem import Text, text
from denghuo.service.acquisition.protocol import (
    cjt188,
    dlms,
    dlt645,
    dlt698,
    gdw3761,
    gdw3762,
    iec102,
    iec104,
    modbus,
)
from denghuo.service.acquisition.protocol.dlms import hdlc, wrapper
from denghuo.service.acquisition.protocol.fault import BadFrame
from denghuo.service.acquisition.protocol.part import Part
from denghuo.service.acquisition.protocol.stream import Framing, Reader

BYTES_MAX = 65536
WAKE_UP = b"\xfe"


@dataclass(frozen=True, slots=True)
class Protocol:
    """A protocol by its code: how its frames are explained and found in a stream; None where silence alone parts them.

    `asked_only`: nothing in its bytes tells them from others, so it is never found out. `known`: no checksum does, so it is
    found out only where this holds of each of its frames and nothing else is around them.
    """

    code: str
    name: Text
    explain: Callable[[bytes], list[Part]]
    framing: Framing | None
    asked_only: bool = False
    known: Callable[[bytes], bool] | None = None


@dataclass(frozen=True, slots=True)
class Explained:
    """One frame at bytes [start, end) of what was asked, field by field; `protocol` None: bytes of no frame.

    A mark that two frames share belongs to both.
    """

    protocol: Protocol | None
    start: int
    end: int
    parts: Sequence[Part]

    def moved(self, by: int) -> "Explained":
        """The same where what was asked begins `by` bytes further on."""
        return replace(self, start=self.start + by, end=self.end + by, parts=[part.moved(by) for part in self.parts])


def _listed(
    code: str, name: Text, explain: Callable[[bytes], list[Part]], framing: Framing | None, **how: Any
) -> tuple[str, Protocol]:
    return code, Protocol(code, name, explain, framing, **how)


def _of(code: str, name: Text, module: ModuleType) -> tuple[str, Protocol]:
    return _listed(code, name, module.explain, getattr(module, "FRAMING", None))


# In the order in which they are tried: those with the strictest marks first.
PROTOCOLS: Mapping[str, Protocol] = dict(
    [
        _listed("hdlc", text("DLMS/COSEM（HDLC）", "DLMS/COSEM over HDLC"), dlms.explain_hdlc, hdlc.FRAMING),
        _of("dlt698", text("DL/T 698.45 面向对象", "DL/T 698.45 object-oriented"), dlt698),
        _of("gdw3761", text("Q/GDW 376.1 主站与终端", "Q/GDW 376.1 terminal"), gdw3761),
        _of("dlt645", text("DL/T 645 电能表", "DL/T 645 meter"), dlt645),
        _of("cjt188", text("CJ/T 188 水热气表", "CJ/T 188 water, heat and gas meter"), cjt188),
        _of("gdw3762", text("Q/GDW 376.2 本地通信模块", "Q/GDW 376.2 local module"), gdw3762),
        _listed("dlms", text("DLMS/COSEM（TCP）", "DLMS/COSEM over TCP"), dlms.explain_wrapper, wrapper.FRAMING),
        _of("iec102", text("IEC 60870-5-102 电能量终端", "IEC 60870-5-102 energy terminal"), iec102),
        _listed(
            "iec104",
            text("IEC 60870-5-104 厂站", "IEC 60870-5-104 station"),
            iec104.explain,
            iec104.FRAMING,
            known=iec104.known,
        ),
        _of("modbus", text("Modbus RTU", "Modbus RTU"), modbus),
        _listed("modbus_tcp", text("Modbus TCP", "Modbus TCP"), modbus.explain_tcp, None),
        _listed(
            "dlt698_apdu", text("DL/T 698.45 应用层", "DL/T 698.45 APDU"), dlt698.explain_apdu, None, asked_only=True
        ),
        _listed("dlms_apdu", text("DLMS/COSEM 应用层", "DLMS/COSEM APDU"), dlms.explain_apdu, None, asked_only=True),
    ]
)


def bytes_of(written: str) -> bytes:
    """The bytes that hexadecimal digits write: with or without spaces, commas, 0x or \\x; BadFrame where it is no such text."""
    digits = re.sub(r"0x|\\x|[\s,;:\-]", "", written, flags=re.IGNORECASE)
    if wrong := re.search("[^0-9A-Fa-f]", digits):
        raise BadFrame("hex", wrong.start() // 2, wrong[0])
    if len(digits) % 2 or not digits:
        raise BadFrame("hex", len(digits) // 2, digits[-1:])
    if len(digits) > 2 * BYTES_MAX:
        raise BadFrame("long", BYTES_MAX, str(len(digits) // 2), str(BYTES_MAX))
    return bytes.fromhex(digits)


def explained(raw: bytes, code: str = "auto") -> list[Explained]:
    """`raw` as frames, field by field, in order; bytes between them come as pieces of no protocol.

    `auto` takes the protocol in which `raw` is one whole frame; else all that are in it where it is whole frames and wake-up
    bytes throughout; else that whose frames cover the most of it, with what lies between these as just said. BadFrame: no
    frame of the protocol is in it, or the whole is one with a wrong checksum, whatever it carries; the reason is that of the
    protocol of whose frame the most was there.
    """
    auto = code == "auto"
    tried = [one for one in PROTOCOLS.values() if not one.asked_only] if auto else [PROTOCOLS[code]]
    failures: list[BadFrame] = []
    for protocol in tried:
        try:
            whole = [Explained(protocol, 0, len(raw), protocol.explain(raw))]
            if not auto or _believed(raw, whole):
                return whole
        except BadFrame as wrong:
            if (
                auto
                and wrong.reason == "checksum"
                and protocol.framing
                and protocol.framing.measure(raw, 0) == len(raw)
            ):
                raise
            # Without marks every text of bytes is a frame with a wrong checksum.
            if protocol.framing or not auto:
                failures.append(wrong)
    found = [_found(raw, protocol, protocol.framing) for protocol in tried if protocol.framing]
    if auto:
        found = [_by_many(raw, Explained(None, 0, len(raw), ())), *found]
        found = [pieces for pieces in found if _believed(raw, pieces)]
    best = max(found, key=lambda pieces: sum(piece.end - piece.start for piece in pieces if piece.protocol), default=[])
    if not any(piece.protocol for piece in best):
        raise max(failures, key=_told)
    return [one for piece in best for one in (_by_many(raw, piece) if auto and piece.protocol is None else [piece])]


def _by_many(raw: bytes, piece: Explained) -> list[Explained]:
    """A piece of no protocol as frames of several, as in a log of more than one; as it is where anything but bytes that wake a
    meter up stays over. Those that carry frames of others come before these."""
    pieces = [piece]
    for protocol in PROTOCOLS.values():
        # What nothing proves is found only where it is all that there is.
        if protocol.framing is None or protocol.known is not None:
            continue
        pieces = [
            found.moved(one.start) if one.protocol is None else found
            for one in pieces
            for found in ([one] if one.protocol else _found(raw[one.start : one.end], protocol, protocol.framing))
        ]
    over = [one for one in pieces if one.protocol is None and raw[one.start : one.end].strip(WAKE_UP)]
    return [piece] if over else pieces


def _believed(raw: bytes, pieces: Sequence[Explained]) -> bool:
    """Whether `pieces` prove themselves, or are all of frames whose content is known."""
    protocol = next((piece.protocol for piece in pieces if piece.protocol), None)
    if protocol is None or protocol.known is None:
        return True
    return all(piece.protocol and protocol.known(raw[piece.start : piece.end]) for piece in pieces)


def _told(wrong: BadFrame) -> tuple[int, int]:
    """How much of a frame a reading saw before it failed: marks and length that fit tell more than how far it came."""
    return ("start", "hex", "short", "length", "content", "unknown", "long", "end", "checksum").index(
        wrong.fields["reason"]
    ), int(wrong.fields["at"])


def _found(raw: bytes, protocol: Protocol, framing: Framing) -> list[Explained]:
    reader = Reader(framing)
    pieces: list[Explained] = []
    at = 0
    for frame in reader.feed(raw) + reader.idle():
        start = raw.find(frame, max(at - framing.shared, 0))
        try:
            parts = [part.moved(start) for part in protocol.explain(frame)]
        except BadFrame:
            continue
        if start > at:
            pieces.append(Explained(None, at, start, ()))
        at = start + len(frame)
        pieces.append(Explained(protocol, start, at, parts))
    if at < len(raw):
        pieces.append(Explained(None, at, len(raw), ()))
    return pieces
