"""Which keys of a file have occurred, without keeping the file."""

import hashlib
import sqlite3
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

MOST_IN_MEMORY = 500_000


class SeenKeys:
    """Remembers the line on which each key occurred first. Past `most_in_memory` keys it goes on in a file of its own.

    Keys are kept as 128-bit digests: two of a thousand million differing keys meet with a chance below 1e-20.
    """

    def __init__(self, most_in_memory: int = MOST_IN_MEMORY) -> None:
        self._lines: dict[bytes, int] = {}
        self._most_in_memory = most_in_memory
        self._disk: sqlite3.Connection | None = None

    def first_line(self, group: int, values: Sequence[Any], line: int) -> int | None:
        """None for a key that is new, which is then kept with `line`; else the line where it stood first."""
        # repr sets values apart that would read alike when joined.
        key = hashlib.blake2b(repr((group, *values)).encode("utf-8", "backslashreplace"), digest_size=16).digest()
        if key in self._lines:
            return self._lines[key]
        if self._disk is not None:
            row = self._disk.execute("SELECT line FROM seen WHERE key = ?", (key,)).fetchone()
            if row is not None:
                return int(row[0])
        self._lines[key] = line
        if len(self._lines) >= self._most_in_memory:
            self._spill()
        return None

    def _spill(self) -> None:
        if self._disk is None:
            # An empty name is a temporary database that SQLite itself deletes when the connection closes.
            self._disk = sqlite3.connect("")
            self._disk.execute("CREATE TABLE seen (key BLOB PRIMARY KEY, line INTEGER NOT NULL) WITHOUT ROWID")
        self._disk.executemany("INSERT INTO seen VALUES (?, ?)", sorted(self._lines.items()))
        self._disk.commit()
        self._lines.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._disk is not None:
            self._disk.close()
