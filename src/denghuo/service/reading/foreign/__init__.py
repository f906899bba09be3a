"""Readings in the formats that other systems write: each is read into the same blocks, which are then taken over."""

from denghuo.service.reading.foreign.file_read import FileRead, Piece, Taken
from denghuo.service.reading.foreign.formats import FORMATS, ReadingsRefused, format_of, why
from denghuo.service.reading.foreign.layout import Mapping, mapping_in

__all__ = [
    "FORMATS",
    "FileRead",
    "Mapping",
    "Piece",
    "ReadingsRefused",
    "Taken",
    "format_of",
    "mapping_in",
    "why",
]
