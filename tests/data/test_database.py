"""The pool of connections."""

import psycopg

from denghuo.data.processing.database import Database


def test_a_connection_that_the_server_closed_is_replaced(empty_dsn: str) -> None:
    with Database(empty_dsn) as database:
        with database.connection() as first:
            closed = first.info.backend_pid
        with psycopg.connect(empty_dsn, autocommit=True) as other:
            assert other.execute("SELECT pg_terminate_backend(%s, 10000)", (closed,)).fetchone() == (True,)
        with database.connection() as second:
            assert second.execute("SELECT 1").fetchone() == (1,)
            assert second.info.backend_pid != closed
