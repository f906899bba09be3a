"""The pool of connections."""

import psycopg
from psycopg import sql

from denghuo.data.processing.database import Database
from denghuo.data.processing.migration import migrate


def test_a_connection_that_the_server_closed_is_replaced(empty_dsn: str) -> None:
    with Database(empty_dsn) as database:
        with database.connection() as first:
            closed = first.info.backend_pid
        with psycopg.connect(empty_dsn, autocommit=True) as other:
            assert other.execute("SELECT pg_terminate_backend(%s, 10000)", (closed,)).fetchone() == (True,)
        with database.connection() as second:
            assert second.execute("SELECT 1").fetchone() == (1,)
            assert second.info.backend_pid != closed


def test_a_scope_is_reckoned_to_let_half_of_a_table_through_and_not_one_row(empty_dsn: str) -> None:
    """Of one row the planner walks through the whole of another table for each row of the first."""
    migrate(empty_dsn, ["bell"])
    with psycopg.connect(empty_dsn) as connection:
        connection.execute("CREATE TABLE held (org text, account_no text)")
        connection.execute("INSERT INTO held SELECT '1405810.01', n::text FROM generate_series(1, 1000) AS n")
        connection.execute("ANALYZE held")
        connection.execute(
            "SELECT set_config('denghuo.scope', '1405810', true), set_config('denghuo.accounts', '', true)"
        )
        for visible in ("denghuo.in_scope(org)", "denghuo.visible(org, account_no)"):
            asked = sql.SQL("SELECT count(*) FROM held WHERE ") + sql.SQL(visible)
            assert connection.execute(asked).fetchone() == (1_000,)
            (plan,) = connection.execute(sql.SQL("EXPLAIN (FORMAT JSON) ") + asked).fetchone() or ()
            assert plan[0]["Plan"]["Plans"][0]["Plan Rows"] == 500
