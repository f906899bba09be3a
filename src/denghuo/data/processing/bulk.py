"""Bulk reads and writes: the rows of a query as an Arrow table and back, a batch of which some items may be taken already."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, LiteralString, TypeVar

import psycopg
import pyarrow as pa
from psycopg import sql

from denghuo.data.processing.columns import copy_text
from denghuo.data.processing.dataset import arrow_schema
from denghuo.data.processing.work import Work
from denghuo.kernel.contract import DatasetSchema

Item = TypeVar("Item")
_TYPES: tuple[tuple[Callable[[pa.DataType], bool], LiteralString], ...] = (
    (pa.types.is_integer, "bigint"),
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_date, "date"),
    (pa.types.is_timestamp, "timestamptz"),
)


def arrow_rows(
    work: Work, schema: DatasetSchema, query: LiteralString, params: Sequence[Any] | Mapping[str, Any] | None = None
) -> pa.Table:
    """The query's columns become the schema's columns by position. State an order, so that equal rows make an equal file."""
    shape = arrow_schema(schema)
    with work.connection.cursor() as cursor:
        cursor.execute(query, params)
        columns = list(zip(*cursor.fetchall(), strict=True)) or [()] * len(shape)
    arrays = [pa.array(values, type=field.type) for values, field in zip(columns, shape, strict=True)]
    return pa.Table.from_arrays(arrays, schema=shape)


def stage(work: Work, name: str, rows: pa.Table) -> None:
    """Puts columns into a temporary table of this transaction. An empty text is told from none."""
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(field.name), sql.SQL(_type(field.type))) for field in rows.schema
    )
    work.run(sql.SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP").format(sql.Identifier(name), columns))
    with work.connection.cursor() as cursor:
        with cursor.copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(name))) as copy:
            for piece in copy_text(rows):
                copy.write(piece)
    work.run(sql.SQL("ANALYZE {}").format(sql.Identifier(name)))


def _type(kind: pa.DataType) -> LiteralString:
    return next((name for fits, name in _TYPES if fits(kind)), "text")


def write_possible(work: Work, items: Sequence[Item], write: Callable[[Sequence[Item]], None]) -> list[Item]:
    """Writes the items in one go; where a unique key or an exclusion constraint stands against it, one by one.

    Gives the items that could not be written. They meet rows that this caller does not see (another unit's), or rows that came
    in at the same moment.
    """
    if not items:
        return []
    try:
        with work.savepoint():
            write(items)
        return []
    except (psycopg.errors.UniqueViolation, psycopg.errors.ExclusionViolation):
        pass
    left: list[Item] = []
    for item in items:
        try:
            with work.savepoint():
                write([item])
        except (psycopg.errors.UniqueViolation, psycopg.errors.ExclusionViolation):
            left.append(item)
    return left
