"""Tables of columns to and from the business store: COPY text made and read by Arrow, with no Python for each row."""

import io
import selectors
from collections.abc import Iterator
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
from psycopg.pq import ExecStatus

pc: Any = pyarrow.compute
_NULL = "\\N"
_ESCAPED = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))
ROWS_AT_ONCE = 100_000


def copy_text(table: pa.Table) -> "list[memoryview]":
    """The rows of a table as PostgreSQL's COPY text, in pieces. Dates, instants (UTC), text, integers and booleans."""
    pieces = []
    for batch in table.combine_chunks().to_batches(max_chunksize=ROWS_AT_ONCE):
        columns = [_text(column) for column in batch.columns]
        columns[-1] = pc.binary_join_element_wise(
            pc.fill_null(columns[-1], _NULL), pa.scalar("\n", pa.large_string()), pa.scalar("", pa.large_string())
        )
        rows = pc.binary_join_element_wise(
            *columns, pa.scalar("\t", pa.large_string()), null_handling="replace", null_replacement=_NULL
        )
        pieces.append(_content(rows))
    return pieces


def _text(column: Any) -> Any:
    """A column as large strings, escaped."""
    if pa.types.is_timestamp(column.type):
        column = pc.binary_join_element_wise(column.cast(pa.timestamp("us")).cast(pa.string()), "Z", "")
    elif pa.types.is_dictionary(column.type):
        words = _text(column.dictionary)
        return words.take(column.indices)
    plain = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    column = column.cast(pa.large_string())
    if plain:
        for found, written in _ESCAPED:
            if pc.any(pc.match_substring(column, found)).as_py():
                column = pc.replace_substring(column, found, written)
    return column


def _content(rows: Any) -> memoryview:
    """The bytes of all strings of an array, one behind the other."""
    _, offsets, data = rows.buffers()
    if not len(rows) or data is None:
        return memoryview(b"")
    places = memoryview(offsets).cast("q")
    return memoryview(data)[places[rows.offset] : places[rows.offset + len(rows)]]


def copy_out(connection: psycopg.Connection, statement: str) -> Iterator[bytes]:
    """What COPY ... TO STDOUT gives, a row each, by libpq itself: the driver's own way costs several times as much for each row."""
    line = connection.pgconn
    begun = line.exec_(statement.encode())
    if begun.status != ExecStatus.COPY_OUT:
        raise psycopg.errors.error_from_result(begun)
    with selectors.DefaultSelector() as waiting:
        waiting.register(line.socket, selectors.EVENT_READ)
        # Without blocking, which would keep all threads from running while the server computes.
        while (found := line.get_copy_data(1))[0] >= 0:
            size, data = found
            if size:
                yield bytes(data)
            else:
                waiting.select()
                line.consume_input()
    ended = None
    while (result := line.get_result()) is not None:
        ended = ended or result
    if ended is not None and ended.status != ExecStatus.COMMAND_OK:
        raise psycopg.errors.error_from_result(ended)


def read_csv(content: bytes, schema: pa.Schema) -> pa.Table:
    """A table from what COPY ... TO STDOUT (FORMAT csv) gave, in the order of the schema's columns."""
    if not content:
        return schema.empty_table()
    return pyarrow.csv.read_csv(
        io.BytesIO(content),
        pyarrow.csv.ReadOptions(column_names=schema.names, block_size=16 << 20),
        pyarrow.csv.ParseOptions(newlines_in_values=True),
        pyarrow.csv.ConvertOptions(
            column_types=schema,
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            null_values=[""],
            true_values=["t"],
            false_values=["f"],
        ),
    )
