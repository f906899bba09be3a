"""Readings for other systems (示数导出): curves that count, with what is estimated marked, in formats that others read."""

from denghuo.exporter.days import days_of
from denghuo.exporter.file import write_file

__all__ = ["days_of", "write_file"]
