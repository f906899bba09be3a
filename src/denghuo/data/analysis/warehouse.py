"""Warehouse (分析数据仓库): one DuckDB file owned by one process, which follows the business store by logical decoding.

The platform, not any service role, reads the published tables: a publication with column lists (personal columns stay out), a
logical slot, and this consumer. Rows and the log position up to which they are applied are committed to the file in one
transaction and the slot is advanced after it, so being killed at any point loses nothing and doubles nothing. Published datasets
(Parquet) stand beside the tables as views. A server without `wal_level=logical` is said to be such; the tables are then read
afresh now and then.
"""

import contextlib
import logging
import pathlib
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar, cast

import duckdb
import psycopg

from denghuo.data.analysis import pgoutput
from denghuo.data.analysis.file import WarehouseFile
from denghuo.data.analysis.slot import Slot
from denghuo.data.analysis.sources import External, LakeView, Source
from denghuo.kernel.problem import Text, Unavailable, text

POLL_S = 0.05
POLL_IDLE_S = 0.25
IDLE_AFTER_S = 10.0
RETRY_S = 2.0
REREAD_S = 15.0
CHANGES_PER_BATCH = 50_000
ADVANCE_BYTES = 4 << 20
REMEMBERED_LAGS = 200
KEPT_MAX = 500
Result = TypeVar("Result")
log = logging.getLogger("denghuo.warehouse")

State = Literal["starting", "following", "reading", "failing", "stopped"]


@dataclass(frozen=True)
class Status:
    """How fresh the warehouse is. All that was committed before `as_of` is in it.

    lag_bytes: log not examined yet; lag_ms: age of `as_of`; p50_ms, p95_ms: from commit to applied, over the last transactions.
    """

    state: State
    said: Text
    as_of: datetime | None
    lag_bytes: int
    lag_ms: int | None
    p50_ms: int | None
    p95_ms: int | None
    transactions: int
    version: int
    """Grows with each change of content, so that who shows figures knows when to ask again."""


_SAID: dict[State, Text] = {
    "starting": text("正在准备分析仓库", "The warehouse is being prepared"),
    "following": text("随业务库实时更新", "Follows the business store"),
    "reading": text(
        "数据库未启用逻辑解码（wal_level=logical），改为定时重读；启用后即可实时更新",
        "The server has no wal_level=logical, so the tables are read afresh now and then; set it for live figures",
    ),
    "failing": text("暂时跟不上业务库，正在重试", "Cannot follow the business store at present; trying again"),
    "stopped": text("分析仓库已停止", "The warehouse is stopped"),
}


class Warehouse:
    """Holds the file and follows the store in a thread of its own: `with Warehouse(...) as warehouse: warehouse.rows(...)`."""

    def __init__(
        self,
        dsn: str,
        file: pathlib.Path,
        datasets: pathlib.Path,
        sources: Sequence[Source],
        externals: Sequence[External | LakeView] = (),
    ) -> None:
        self._dsn = dsn
        self._path = file
        self._datasets = datasets
        self._sources, self._externals = tuple(sources), tuple(externals)
        self._file: WarehouseFile | None = None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._saying = threading.Lock()
        self._status = Status("starting", _SAID["starting"], None, 0, None, None, None, 0, 0)
        self._lags: list[int] = []
        self._examined = -1
        self._kept: dict[Hashable, Any] = {}
        self._kept_version = -1
        self._kept_lock = threading.Lock()

    # -- life ------------------------------------------------------------------------------------------------------------

    def __enter__(self) -> "Warehouse":
        self.open()
        self._stop.clear()
        self._thread = threading.Thread(target=self._follow, name="warehouse", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self.close()

    def open(self) -> None:
        """Opens the file without following; for tests, which step by `pull`.

        Raises:
            Unavailable: another process holds the file.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._file = WarehouseFile(self._path, self._datasets, self._externals)
        except duckdb.IOException as error:
            raise Unavailable(
                text(
                    f"分析仓库文件 {self._path} 正被另一进程使用。请先停止它。",
                    f"The warehouse file {self._path} is held by another process. Stop that one first.",
                ),
                part="warehouse",
                retry_after_s=30,
            ) from error

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()
        self._say("stopped")

    # -- reading ---------------------------------------------------------------------------------------------------------

    def rows(self, query: str, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """All rows of a query over the warehouse, with parameters as `$name`."""
        if self._file is None:
            raise Unavailable(_SAID["stopped"], part="warehouse", retry_after_s=5)
        return self._file.rows(query, params)

    def has(self, name: str) -> bool:
        """Whether a table or view `schema.table` is there: a source whose table does not exist yet is not."""
        return self._file is not None and name in self._file.names()

    def remembered(self, key: Hashable, compute: Callable[[], Result]) -> Result:
        """What `compute` gives, kept for this key until the content changes: many screens ask for the same figures."""
        version = self._status.version
        with self._kept_lock:
            if self._kept_version != version:
                self._kept.clear()
                self._kept_version = version
            if key in self._kept:
                return cast(Result, self._kept[key])
        made = compute()
        with self._kept_lock:
            if self._kept_version == version and len(self._kept) < KEPT_MAX:
                self._kept[key] = made
        return made

    def status(self) -> Status:
        status = self._status
        if status.as_of is None:
            return status
        return replace(status, lag_ms=max(int((datetime.now(UTC) - status.as_of).total_seconds() * 1000), 0))

    # -- following -------------------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        while not self._stop.is_set():
            try:
                with self._connected() as connection:
                    self._follow_on(connection)
            except (psycopg.Error, pgoutput.Malformed, duckdb.Error, OSError) as error:
                log.warning("warehouse: unable to follow: %s", error)
                self._say("failing")
                self._stop.wait(RETRY_S)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[psycopg.Connection]:
        with psycopg.connect(self._dsn, autocommit=True, application_name="denghuo warehouse") as connection:
            connection.execute("SET timezone TO 'UTC'; SET datestyle TO 'ISO'; SET statement_timeout TO 0")
            yield connection

    def _follow_on(self, connection: psycopg.Connection) -> None:
        slot = Slot(connection, self._sources)
        self._examined = -1
        changed_at = time.monotonic()
        while not self._stop.is_set():
            started = time.monotonic()
            changed, more = self._pull(slot)
            now = time.monotonic()
            changed_at = now if changed else changed_at
            if not slot.is_logical:
                self._stop.wait(REREAD_S)
            elif not more:
                pause = POLL_S if now - changed_at < IDLE_AFTER_S else POLL_IDLE_S
                # Decoding reads log anew each time: at most half of the time goes into it.
                self._stop.wait(max(pause, now - started))

    def pull(self) -> bool:
        """One step by hand: prepares what is missing, applies what was committed since. Whether the content changed."""
        with self._connected() as connection:
            self._examined = -1
            return self._pull(Slot(connection, self._sources))[0]

    def _pull(self, slot: Slot) -> tuple[bool, bool]:
        """(whether the content changed, whether more is waiting)"""
        assert self._file is not None
        if not slot.is_logical:
            return self._reread(slot, self._file), False
        if not slot.follows(self._file.state()):
            return self._rebuild(slot, self._file), False
        return self._step(slot, self._file)

    def _reread(self, slot: Slot, file: WarehouseFile) -> bool:
        at, position = slot.clock()
        tables = slot.tables()
        with file.transaction() as cursor:
            for table in tables.values():
                file.load(cursor, table, slot.rows_of(table))
            file.remember(cursor, {"mode": "reading", "lsn": position})
        self._took("reading", at, 0, [], True)
        return True

    def _rebuild(self, slot: Slot, file: WarehouseFile) -> bool:
        """A new slot, then all tables as they are now, then what was committed meanwhile: in one transaction of the file."""
        log.info("warehouse: reading all tables")
        self._say("starting")
        tables = slot.tables()
        slot.create(tables)
        with file.transaction() as cursor:
            file.drop_others(cursor, tables)
            for table in tables.values():
                file.load(cursor, table, slot.rows_of(table))
            # Changes between the slot's start and the reading come again; they are upserts by key, so they end the same.
            at, position = slot.clock()
            batch = slot.peek(0, None)
            file.apply(cursor, batch, tables)
            end = max(position, batch.end_lsn)
            file.remember(cursor, slot.state_after(end, tables))
        slot.advance(end)
        self._took("following", at, 0, [], True)
        return True

    def _step(self, slot: Slot, file: WarehouseFile) -> tuple[bool, bool]:
        at, position = slot.clock()
        state = file.state()
        applied = int(state["lsn"])
        if position == self._examined:
            self._took("following", at, 0, [], False)
            return False, False
        batch = slot.peek(applied, CHANGES_PER_BATCH)
        end = batch.end_lsn if batch.cut else max(position, batch.end_lsn)
        if batch.committed:
            with file.transaction() as cursor:
                file.apply(cursor, batch, slot.known)
                file.remember(cursor, {**state, "lsn": end})
            slot.advance(end)
        elif end - applied > ADVANCE_BYTES:
            # Nothing of ours was in it: let the server drop that log.
            with file.transaction() as cursor:
                file.remember(cursor, {**state, "lsn": end})
            slot.advance(end)
        self._examined = end
        if batch.cut and batch.committed:
            at = batch.committed[-1]
        applied_at = datetime.now(UTC)
        lags = [max(int((applied_at - committed).total_seconds() * 1000), 0) for committed in batch.committed]
        self._took("following", at, max(position - end, 0), lags, bool(batch.committed))
        return bool(batch.committed), batch.cut

    def _took(self, state: State, at: datetime, behind: int, lags: list[int], changed: bool) -> None:
        self._lags = (self._lags + lags)[-REMEMBERED_LAGS:]
        ordered = sorted(self._lags)
        with self._saying:
            before = self._status
            self._status = Status(
                state=state,
                said=_SAID[state],
                as_of=at,
                lag_bytes=behind,
                lag_ms=0,
                p50_ms=ordered[len(ordered) // 2] if ordered else None,
                p95_ms=ordered[len(ordered) * 95 // 100] if ordered else None,
                transactions=before.transactions + len(lags),
                version=before.version + (1 if changed else 0),
            )

    def _say(self, state: State) -> None:
        with self._saying:
            self._status = replace(self._status, state=state, said=_SAID[state])


def abandon(dsn: str) -> None:
    """Drops the slot and the publication of this database, so that it keeps no log for a warehouse that is given up."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        Slot(connection, ()).drop()
