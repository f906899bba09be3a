"""Readings in the formats that other systems write: each is read into the same blocks, which are then taken over."""

from denghuo.importer.foreign.take import (
    FORMATS,
    Format,
    Mapping,
    ReadingsRefused,
    Taken,
    format_of,
    mapping_in,
    take_readings,
)

__all__ = ["FORMATS", "Format", "Mapping", "ReadingsRefused", "Taken", "format_of", "mapping_in", "take_readings"]
