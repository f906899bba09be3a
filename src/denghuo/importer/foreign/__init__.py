"""Readings in the formats that other systems write: each is read into the same blocks, which are then taken over."""

from denghuo.importer.foreign.layout import Mapping, MappingFaulty, mapping_in
from denghuo.importer.foreign.take import FORMATS, Format, ReadingsRefused, Taken, format_of, take_readings

__all__ = [
    "FORMATS",
    "Format",
    "Mapping",
    "MappingFaulty",
    "ReadingsRefused",
    "Taken",
    "format_of",
    "mapping_in",
    "take_readings",
]
