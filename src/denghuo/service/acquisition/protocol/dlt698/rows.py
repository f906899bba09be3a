"""Rows of a record, fast: rows of one task are alike, so the shape of the first says how to unpack the others in one go.

A plan is made from a row that was read value by value. It unpacks a row into marks and values; a mark is a tag, or a tag
and the count or length behind it. A row whose marks are not those of the plan is read value by value again, so a plan never
changes a result.
"""

import struct
from typing import NamedTuple

from denghuo.service.acquisition.protocol.dlt698.data import (
    ARRAY,
    FIXED,
    NUMBERS,
    OCTETS,
    STRUCTURE,
    TIMES,
    Data,
    read_all,
)

_TSA = 0x55
_PLANS_MAX = 512
_TRIES = 3
"""How often a plan is made for the rows of one record: rows that lack something now and then are read value by value."""
_SHORT = 0x80


class _Plan(NamedTuple):
    """`marks` as unpacked and the `tags` they stand for; `groups`: (cell, end) of arrays and structures with their members,
    the last one first, so that inner ones are closed before those around them; `addresses`: cells that are meter addresses."""

    form: struct.Struct
    marks: tuple[int, ...]
    tags: tuple[int, ...]
    groups: tuple[tuple[int, int], ...]
    addresses: tuple[int, ...]


_plans: dict[bytes, _Plan | None] = {}


def read_rows(raw: bytes, at: int, count: int, width: int, columns: bytes) -> tuple[list[list[Data]], int]:
    """`count` rows of `width` data; `columns` (their bytes) only says which rows may be alike."""
    rows: list[list[Data]] = []
    plan, tries = _plans.get(columns), _TRIES
    end = len(raw)
    for _ in range(count):
        if plan is not None and at + plan.form.size <= end:
            form, marks, tags, groups, addresses = plan
            flat = form.unpack_from(raw, at)
            if flat[::2] == marks:
                at += form.size
                row = list(zip(tags, flat[1::2]))  # noqa: B905 - as long as each other by the format
                for cell in addresses:
                    row[cell] = (_TSA, row[cell][1].hex())
                for cell, last in groups:
                    row[cell:last] = [(tags[cell], row[cell + 1 : last])]
                rows.append(row)
                continue
        row, at = read_all(raw, at, width)
        if tries:
            plan, tries = _remember(columns, row), tries - 1
        rows.append(row)
    return rows, at


def _remember(columns: bytes, row: list[Data]) -> _Plan | None:
    if len(_plans) >= _PLANS_MAX:
        _plans.clear()
    _plans[columns] = _plan(row)
    return _plans[columns]


def _plan(row: list[Data]) -> _Plan | None:
    """How to unpack a row like `row`; None where it has values that are missing or of another kind."""
    form = ">"
    marks: list[int] = []
    tags: list[int] = []
    groups: list[tuple[int, int]] = []
    addresses: list[int] = []
    waiting = row[::-1]
    while waiting:
        tag, value = waiting.pop()
        if tag in (ARRAY, STRUCTURE) and len(value) < _SHORT:
            groups.append((len(tags), len(tags) + 1 + len(value)))
            form += "H0s"
            marks.append(tag << 8 | len(value))
            waiting += value[::-1]
        elif tag in FIXED:
            form += f"B{NUMBERS[tag][1:] if tag in NUMBERS else f'{TIMES[tag]}s'}"
            marks.append(tag)
        elif tag in (_TSA, OCTETS):
            size = len(value) // 2 if tag == _TSA else len(value)
            if size >= _SHORT:
                return None
            if tag == _TSA:
                addresses.append(len(tags))
            form += f"H{size}s"
            marks.append(tag << 8 | size)
        else:
            return None
        tags.append(tag)
    return _Plan(struct.Struct(form), tuple(marks), tuple(tags), tuple(reversed(groups)), tuple(addresses))
