"""Readings for other systems (示数导出): curves that count, with what is estimated marked, in formats that others read."""

from denghuo.exporter.days import MeterDay, days_of
from denghuo.exporter.formats import FORMATS, Format, write

__all__ = ["FORMATS", "Format", "MeterDay", "days_of", "write"]
