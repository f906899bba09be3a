"""What a dry run sees across files without a database: numbers that no file of the folder knows, reads before installation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from denghuo.data.processing.import_bulk import Columns
from denghuo.data.processing.importing import Refusal, Row
from denghuo.importer.bulk import Bulk
from denghuo.kernel.period import SHANGHAI, midnight
from denghuo.kernel.problem import Text, text

_OWN = {
    "organisations": "org_code",
    "feeders": "feeder_no",
    "network_nodes": "node_no",
    "areas": "area_no",
    "customers": "account_no",
    "meters": "meter_no",
    "points": "point_no",
    "terminals": "terminal_no",
}
_REFERS: Mapping[str, str] = {
    "org_code": "organisations",
    "parent_code": "organisations",
    "feeder_no": "feeders",
    "from_node_no": "network_nodes",
    "to_node_no": "network_nodes",
    "node_no": "network_nodes",
    "area_no": "areas",
    "account_no": "customers",
    "meter_no": "meters",
    "old_meter_no": "meters",
    "new_meter_no": "meters",
    "point_no": "points",
    "terminal_no": "terminals",
}
_DAYS = ("opened_on", "installed_on", "signed_on")


@dataclass
class References:
    """Collects what the files of a folder define and judges what they refer to. A table that is not in the folder is not judged."""

    now: datetime
    present: set[str]
    known: dict[str, set[str]] = field(default_factory=dict)
    installed: dict[str, date] = field(default_factory=dict)

    def learn(self, table: str, row: Row) -> None:
        own = _OWN.get(table)
        if own is not None:
            self.known.setdefault(table, set()).add(row[own])
        if table == "meters":
            self.installed[row["meter_no"]] = row["installed_on"]

    def judge(self, table: str, row: Row, file: str, line: int) -> Refusal | None:
        for name, value in row.items():
            target = _REFERS.get(name)
            # A node is where an area or a point says it is, but a table's own number refers to nothing.
            if value is None or target is None or target not in self.present or name == _OWN.get(table):
                continue
            if value not in self.known.get(target, set()) and not (target == table and name == "parent_code"):
                return Refusal(file, line, name, str(value), _missing(target), _REGISTER)
        for name in _DAYS:
            if row.get(name) is not None and row[name] > self.now.astimezone(SHANGHAI).date():
                return Refusal(file, line, name, str(row[name]), _FUTURE, _CHECK)
        at = row.get("exchanged_at")
        if at is not None and at > self.now:
            return Refusal(file, line, "exchanged_at", at.isoformat(), _FUTURE, _CHECK)
        return None

    def judge_bulk(self, bulk: Bulk, columns: Columns, file: str) -> list[Refusal]:
        """Rows of a bulk file whose subject no file knows, or that lie before its installation or in the future."""
        if not len(columns.rows):
            return []
        encoded = columns.rows[bulk.subject].combine_chunks().dictionary_encode()
        names, codes = encoded.dictionary.to_pylist(), encoded.indices.to_numpy()
        at = columns.rows[bulk.at].combine_chunks().cast(pa.int64()).to_numpy()
        target = _REFERS[bulk.subject]
        missing = [target in self.present and name not in self.known.get(target, set()) for name in names]
        begins = [_us(midnight(self.installed[name])) if name in self.installed else -(2**62) for name in names]
        faults: list[Refusal] = []
        for bad, name, what, remedy in (
            (np.array(missing)[codes], bulk.subject, _missing(target), _REGISTER),
            (at < np.array(begins)[codes], bulk.at, _EARLY, _CHECK),
            (at > _us(self.now), bulk.at, _FUTURE, _CHECK),
        ):
            for place in np.flatnonzero(bad).tolist():
                value: Any = names[codes[place]] if name == bulk.subject else columns.rows[bulk.at][place].as_py()
                shown = value if isinstance(value, str) else value.astimezone(SHANGHAI).isoformat()
                faults.append(Refusal(file, int(columns.lines[place]), name, shown, what, remedy))
        return faults


def _us(at: datetime) -> int:
    return int(at.astimezone(UTC).timestamp()) * 1_000_000


def _missing(table: str) -> Text:
    return text(f"{table} 中没有此编号", f"{table} does not have this number")


_REGISTER = text("请补充或核对编号", "add it, or check the number")
_EARLY = text("早于该表的安装日期", "before the meter was installed")
_FUTURE = text("在将来", "it lies in the future")
_CHECK = text("请核对日期", "check the date")
