"""The warehouse's logical slot on the business store: publication, position, and what was committed since."""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import psycopg
from psycopg import sql

from denghuo.data.analysis.pgoutput import (
    UNCHANGED,
    Begin,
    Change,
    Commit,
    Delete,
    Insert,
    Malformed,
    Relation,
    Truncate,
    Update,
    Value,
    decode,
    lsn_number,
    lsn_text,
)
from denghuo.data.analysis.sources import Source

PUBLICATION = "denghuo_warehouse"
CHECKED_EACH_S = 5.0
FETCHED_AT_ONCE = 5_000
_TYPES = {
    "int2": "BIGINT",
    "int4": "BIGINT",
    "int8": "BIGINT",
    "bool": "BOOLEAN",
    "date": "DATE",
    "timestamptz": "TIMESTAMP",
    "timestamp": "TIMESTAMP",
}

Key = tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A followed table as it is: its columns in the file's order with DuckDB types, and which of them are its key."""

    schema: str
    name: str
    types: dict[str, str]
    key: tuple[str, ...]

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass
class Pending:
    """The state of a row at the end of a batch; None where it is gone. `origin` is the key it had in the file before."""

    values: dict[str, Value] | None
    origin: Key


@dataclass
class TableChanges:
    emptied: bool = False
    rows: dict[Key, Pending] = field(default_factory=dict)


@dataclass
class Batch:
    """What whole transactions, in the order of their commits, leave behind."""

    changes: dict[str, TableChanges] = field(default_factory=dict)
    committed: list[datetime] = field(default_factory=list)
    end_lsn: int = 0
    cut: bool = False
    """More may be waiting behind the last transaction."""


class Slot:
    """Reads the slot through SQL alone; the position is advanced by the caller when the changes are safe."""

    def __init__(self, connection: psycopg.Connection, sources: Sequence[Source]) -> None:
        self._connection = connection
        self._sources = tuple(sources)
        self._tables: dict[str, Table] = {}
        self._checked_at = float("-inf")
        row = connection.execute(
            "SELECT current_setting('wal_level') = 'logical' AND (rolreplication OR rolsuper), d.oid::text,"
            " current_setting('server_version_num')::int FROM pg_roles, pg_database d"
            " WHERE rolname = current_user AND datname = current_database()"
        ).fetchone()
        assert row is not None
        self.is_logical = bool(row[0]) and int(row[2]) >= 150_000
        self.name = f"{PUBLICATION}_{row[1]}"

    @property
    def known(self) -> Mapping[str, Table]:
        """The followed tables as `tables` found them last."""
        return self._tables

    # -- what there is -----------------------------------------------------------------------------------------------------

    def tables(self) -> dict[str, Table]:
        """The followed tables that exist, by full name. A column that a table does not have (yet) is left out."""
        found: dict[str, Table] = {}
        for source in self._sources:
            rows = self._connection.execute(
                "SELECT a.attname, t.typname, coalesce(a.attnum = ANY (i.indkey), false)"
                " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
                " JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary"
                " WHERE n.nspname = %s AND c.relname = %s AND c.relkind IN ('r', 'p') ORDER BY a.attnum",
                (source.schema, source.table),
            ).fetchall()
            key = tuple(str(name) for name, _, is_key in rows if is_key)
            if key:
                types = {
                    str(name): _TYPES.get(str(kind), "VARCHAR")
                    for name, kind, is_key in rows
                    if is_key or name in source.columns
                }
                found[source.name] = Table(source.schema, source.table, types, key)
        self._tables = found
        return found

    def rows_of(self, table: Table) -> Iterator[list[tuple[str | None, ...]]]:
        """All rows of a table in text form, in batches."""
        query = sql.SQL("SELECT {} FROM {}").format(
            sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in table.types),
            sql.Identifier(table.schema, table.name),
        )
        with self._connection.transaction(), self._connection.cursor("rows") as cursor:
            cursor.execute(query)
            while batch := cursor.fetchmany(FETCHED_AT_ONCE):
                yield cast("list[tuple[str | None, ...]]", batch)

    def clock(self) -> tuple[datetime, int]:
        """The server's present time and log position: what was committed before that time lies before that position."""
        row = self._connection.execute("SELECT clock_timestamp(), pg_current_wal_flush_lsn()::text").fetchone()
        assert row is not None
        return row[0], lsn_number(row[1])

    # -- the slot ------------------------------------------------------------------------------------------------------------

    def follows(self, state: Mapping[str, Any]) -> bool:
        """Whether the file's state and the slot still fit each other; looked up now and then."""
        if time.monotonic() - self._checked_at < CHECKED_EACH_S:
            return True
        if state.get("mode") != "following" or state.get("signature") != self._signature(self.tables()):
            return False
        row = self._connection.execute(
            "SELECT confirmed_flush_lsn::text, wal_status FROM pg_replication_slots WHERE slot_name = %s", (self.name,)
        ).fetchone()
        # A position of the slot ahead of the file's means that an older copy of the file was put back: changes are missing.
        fits = row is not None and row[0] is not None and row[1] != "lost" and lsn_number(row[0]) <= int(state["lsn"])
        if fits:
            self._checked_at = time.monotonic()
        return fits

    def create(self, tables: Mapping[str, Table]) -> None:
        """Makes the publication and the slot anew."""
        self.drop()
        listed = sql.SQL(", ").join(
            sql.SQL("{} ({})").format(
                sql.Identifier(table.schema, table.name), sql.SQL(", ").join(map(sql.Identifier, table.types))
            )
            for table in tables.values()
        )
        self._connection.execute(
            sql.SQL("CREATE PUBLICATION {} FOR TABLE {} WITH (publish_via_partition_root = true)").format(
                sql.Identifier(PUBLICATION), listed
            )
            if tables
            else sql.SQL("CREATE PUBLICATION {}").format(sql.Identifier(PUBLICATION))
        )
        self._connection.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", (self.name,))

    def drop(self) -> None:
        self._connection.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s", (self.name,)
        )
        self._connection.execute(sql.SQL("DROP PUBLICATION IF EXISTS {}").format(sql.Identifier(PUBLICATION)))

    def advance(self, lsn: int) -> None:
        """Lets the server forget what is before `lsn`."""
        self._connection.execute("SELECT pg_replication_slot_advance(%s, %s::pg_lsn)", (self.name, lsn_text(lsn)))

    def state_after(self, lsn: int, tables: Mapping[str, Table]) -> dict[str, Any]:
        return {"mode": "following", "lsn": lsn, "signature": self._signature(tables)}

    def _signature(self, tables: Mapping[str, Table]) -> str:
        row = self._connection.execute("SELECT system_identifier::text FROM pg_control_system()").fetchone()
        assert row is not None
        shape = [[name, table.types, table.key] for name, table in sorted(tables.items())]
        return hashlib.sha256(json.dumps([row[0], self.name, shape]).encode()).hexdigest()

    # -- changes -------------------------------------------------------------------------------------------------------------

    def peek(self, applied: int, limit: int | None) -> Batch:
        """What was committed after `applied`: whole transactions until about `limit` changes; the slot stays where it is."""
        batch = Batch(end_lsn=applied)
        folding = _Folding(batch, self._tables, applied)
        seen = 0
        with self._connection.transaction(), self._connection.cursor("changes", binary=True) as cursor:
            cursor.execute(
                "SELECT data FROM pg_logical_slot_peek_binary_changes(%s, NULL, %s::int,"
                " 'proto_version', '1', 'publication_names', %s)",
                (self.name, limit, PUBLICATION),
            )
            while rows := cursor.fetchmany(FETCHED_AT_ONCE):
                seen += len(rows)
                for (data,) in rows:
                    change = decode(bytes(data))
                    if change is not None:
                        folding.take(change)
        batch.cut = limit is not None and seen >= limit
        return batch


class _Folding:
    """Folds changes of whole transactions into the final state of each row."""

    def __init__(self, batch: Batch, tables: Mapping[str, Table], applied: int) -> None:
        self._batch, self._tables, self._applied = batch, tables, applied
        self._relations: dict[int, Relation] = {}
        self._open: list[Change] = []

    def take(self, change: Change) -> None:
        match change:
            case Begin():
                self._open = []
            case Commit():
                # Applied before a kill that came ahead of the slot's advance: seen again, passed over.
                if change.end_lsn > self._applied:
                    for each in self._open:
                        self._fold(each)
                    if self._open:
                        self._batch.committed.append(change.committed_at)
                    self._batch.end_lsn = change.end_lsn
                self._open = []
            case Relation():
                self._relations[change.oid] = change
            case _:
                self._open.append(change)

    def _fold(self, change: Change) -> None:
        match change:
            case Insert(oid, new):
                self._put(self._relation(oid), None, new)
            case Update(oid, old, new):
                self._put(self._relation(oid), old, new)
            case Delete(oid, old):
                relation = self._relation(oid)
                changes = self._changes(relation)
                key = self._key(relation, old)
                changes.rows[key] = Pending(None, changes.rows[key].origin if key in changes.rows else key)
            case Truncate(oids):
                for oid in oids:
                    changes = self._changes(self._relation(oid))
                    changes.emptied = True
                    changes.rows.clear()

    def _put(self, relation: Relation, old: tuple[Value, ...] | None, new: tuple[Value, ...]) -> None:
        changes = self._changes(relation)
        key = self._key(relation, new)
        before_key = self._key(relation, old) if old is not None else key
        before = changes.rows.get(before_key)
        values: dict[str, Value] = dict(zip(relation.columns, new, strict=True))
        if before is not None and before.values is not None:
            values = {name: before.values[name] if value is UNCHANGED else value for name, value in values.items()}
        origin = before.origin if before is not None else before_key
        if before_key != key:
            changes.rows[before_key] = Pending(None, before_key)
        changes.rows[key] = Pending(values, origin)

    def _relation(self, oid: int) -> Relation:
        try:
            return self._relations[oid]
        except KeyError:
            raise Malformed(f"change of a table {oid} that was not announced") from None

    def _changes(self, relation: Relation) -> TableChanges:
        return self._batch.changes.setdefault(f"{relation.schema}.{relation.name}", TableChanges())

    def _key(self, relation: Relation, row: tuple[Value, ...]) -> Key:
        table = self._tables.get(f"{relation.schema}.{relation.name}")
        names = table.key if table is not None else relation.key
        values = dict(zip(relation.columns, row, strict=True))
        return tuple(str(values[name]) for name in names)
