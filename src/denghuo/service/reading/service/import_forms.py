"""Imports of files of readings as pages show them, and their refusals as rows of a CSV file."""

import base64
import csv
import io
from datetime import datetime
from typing import Any, cast

from denghuo.kernel.fields import TextPair
from denghuo.kernel.problem import Text, text
from denghuo.kernel.values import decimal_text
from denghuo.service.reading.api import (
    DocumentPart,
    ImportRefusal,
    ImportRow,
    ImportState,
    ImportStep,
    ImportSum,
    ReadingsImport,
)
from denghuo.service.reading.foreign.formats import NAME_IN_MAPPING
from denghuo.service.reading.store.imports import Imports, Row

FILE_ROWS = 20_000
"""Refusals of one part of the file of them."""
_PHASES: dict[str, Text] = {
    "sending": text("上传", "Send"),
    "reading": text("解析", "Read"),
    "taking": text("入库", "Take in"),
}
_SAME = (
    "import_no",
    "file_name",
    "size_bytes",
    "format",
    "begun_by",
    "begun_at",
    "ended_at",
    "values",
    "taken",
    "unchanged",
    "corrected",
    "refused",
)
_HEAD = ("file", "line", "field", "value", "what_zh", "what_en", "remedy_zh", "remedy_en")


def state_of(row: Row) -> ImportState:
    return cast(ImportState, row["halted"] or row["phase"])


def import_row(row: Row) -> ImportRow:
    return ImportRow.model_validate(_said(row))


def shown_import(row: Row, now: datetime) -> ReadingsImport:
    done, total = _progress(row)
    more = ("epoch", "sent_bytes", "read_bytes", "handed", "missing", "estimated", "spread", "trouble", "changed")
    return ReadingsImport.model_validate(
        _said(row)
        | {name: row[name] for name in more}
        | {
            "done": done,
            "whole": total,
            "ends_at": _end(row, done, total, now),
            "stages": _steps(row),
            "sums": [
                ImportSum.model_validate({"quantity": flow, "values": count, "energy": decimal_text(wh, 3, 3)})
                for flow, (count, wh) in sorted(row["energy"].items())
            ],
            "as_of": now,
        }
    )


def _said(row: Row) -> dict[str, Any]:
    done, total = _progress(row)
    mapping = f"{row['mapping_code']} v{row['mapping_version']}" if row["mapping_code"] else None
    percent = 100 if row["phase"] == "done" else done * 100 // total if total else 0
    return {name: row[name] for name in _SAME} | {"mapping": mapping, "state": state_of(row), "percent": percent}


def _progress(row: Row) -> tuple[int, int]:
    """How much of its present step is done, and of how much: bytes, or values."""
    if row["phase"] == "sending":
        return row["sent_bytes"], row["size_bytes"]
    if row["phase"] == "reading":
        return row["read_bytes"], row["size_bytes"]
    return row["done"], row["handed"]


def _end(row: Row, done: int, total: int, now: datetime) -> datetime | None:
    passed = done - row["paced_from"]
    if row["halted"] or row["phase"] == "done" or passed <= 0:
        return None
    ends_at: datetime = now + (now - row["paced_at"]) * (total - done) / passed
    return ends_at


def _steps(row: Row) -> list[ImportStep]:
    names = list(_PHASES)
    at = names.index(row["phase"]) if row["phase"] in names else len(names)
    halted = {None: "running", "stopped": "stopped"}.get(row["halted"], "failed")
    done = {"sending": row["sent_bytes"], "reading": row["values"], "taking": row["done"]}
    return [
        ImportStep.model_validate(
            {
                "name": title,
                "state": "done" if place < at else halted if place == at else "waiting",
                "done": done[name],
            }
        )
        for place, (name, title) in enumerate(_PHASES.items())
    ]


# --- refusals -----------------------------------------------------------------------------------------------------------------


def refusals_from(
    imports: Imports, import_no: int, after: str | None, limit: int
) -> tuple[list[ImportRefusal], str | None]:
    """Refusals behind a place, and the place behind them: first what could not be read, then what was not taken."""
    kind, _, place = (after or "unread:0").partition(":")
    at = int(place) if place.isascii() and place.isdigit() and len(place) < 19 else 0
    found: list[ImportRefusal] = []
    if kind == "unread":
        found = [_unread(row) for row in imports.unread(import_no, at, limit)]
        at = 0
    if len(found) < limit:
        found += [_untaken(row) for row in imports.untaken(import_no, at, limit - len(found))]
    return found, found[-1].row_key if len(found) == limit else None


def _unread(row: Row) -> ImportRefusal:
    return ImportRefusal(
        row_key=f"unread:{row['at']}",
        line=row["line"],
        field=row["field"],
        value=row["value"],
        what=TextPair(zh=row["what_zh"], en=row["what_en"]),
        remedy=TextPair(zh=row["remedy_zh"], en=row["remedy_en"]),
    )


def _untaken(row: Row) -> ImportRefusal:
    at = "" if row["read_at"] is None else row["read_at"].isoformat()
    return ImportRefusal(
        row_key=f"untaken:{row['at']}",
        line=0,
        field=row["subject"],
        value=f"{at} {row['value']}".strip(),
        what=TextPair(zh=row["zh"], en=row["en"]),
        remedy=TextPair(**NAME_IN_MAPPING),
    )


def refusals_file(imports: Imports, row: Row, after: str | None) -> DocumentPart:
    """Values that a spreadsheet would take for a formula are given as text."""
    found, following = refusals_from(imports, row["import_no"], after, FILE_ROWS)
    words = io.StringIO()
    table = csv.writer(words, lineterminator="\n")
    if after is None:
        words.write("\ufeff")
        table.writerow(_HEAD)
    for one in found:
        value = f"'{one.value}" if one.value[:1] in tuple("=+-@") else one.value
        table.writerow(
            [row["file_name"], one.line, one.field, value, one.what.zh, one.what.en, one.remedy.zh, one.remedy.en]
        )
    return DocumentPart(
        file_name=f"refused-{row['import_no']}.csv",
        media_type="text/csv",
        content=base64.b64encode(words.getvalue().encode()).decode(),
        next=following,
    )
