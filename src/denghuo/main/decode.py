"""Frames of meters and terminals on the command line, field by field (报文解析)."""

import unicodedata
from collections.abc import Iterator, Sequence

from denghuo.service.acquisition.protocol.catalogue import Explained
from denghuo.service.acquisition.protocol.part import Part
from denghuo.service.acquisition.protocol.words import together

_BYTES_SHOWN = 12
_NAME_COLUMNS = 44


def told(raw: bytes, pieces: Sequence[Explained]) -> Iterator[str]:
    """The lines that show `pieces` of `raw`: a heading per frame, then per field its bytes' places, bytes, name and value."""
    for piece in pieces:
        size = piece.end - piece.start
        if piece.protocol is None:
            yield f"{_place(piece.start, piece.end)}  {_bytes(raw[piece.start : piece.end])}  不属于报文 of no frame"
            continue
        yield f"{piece.protocol.name['zh']}  {piece.protocol.name['en']}  {size} 字节 bytes"
        for part in piece.parts:
            for depth, inner in part.walk():
                yield _line(raw, depth, inner)


def _line(raw: bytes, depth: int, part: Part) -> str:
    name = f"{'  ' * depth}{part.name['zh']} {part.name['en']}"
    name += " " * max(_NAME_COLUMNS - _columns(name), 1)
    said = f"{together(part.value)} {part.unit}".strip()
    return f"{_place(part.start, part.end)}  {_bytes(raw[part.start : part.end])}  {name}{said}".rstrip()


def _place(start: int, end: int) -> str:
    return f"{start if end == start + 1 else f'{start}-{end - 1}':>9}"


def _bytes(raw: bytes) -> str:
    shown = raw[:_BYTES_SHOWN].hex(" ").upper() + (" .." if len(raw) > _BYTES_SHOWN else "")
    return f"{shown:{3 * _BYTES_SHOWN + 2}}"


def _columns(said: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in said)
