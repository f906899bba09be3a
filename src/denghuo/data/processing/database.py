"""Connections to the business store (业务处理库): one pool per process, one PostgreSQL dialect everywhere."""

import contextlib
import select
from collections.abc import Iterator

import psycopg
import psycopg_pool
from psycopg import sql

from denghuo.kernel.problem import Invalid, Unavailable, text

POOL_TIMEOUT_S = 5.0
RETRY_AFTER_S = 5


class Database:
    """A pool of connections to one PostgreSQL database.

    Every transaction takes the role of one service schema (`SET LOCAL ROLE`), so the login role of the pool needs only
    membership in the service roles and no rights of its own on their tables.
    """

    def __init__(self, dsn: str, size_max: int = 16) -> None:
        self.dsn = dsn
        self._pool = psycopg_pool.ConnectionPool(
            dsn,
            min_size=1,
            max_size=size_max,
            open=False,
            timeout=POOL_TIMEOUT_S,
            kwargs={"application_name": "denghuo"},
            check=_still_open,
        )

    def open(self) -> None:
        self._pool.open()

    def close(self) -> None:
        self._pool.close()

    def __enter__(self) -> "Database":
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def connection(self) -> Iterator[psycopg.Connection]:
        """A pooled connection; commits at the end, rolls back on an exception.

        Raises:
            Unavailable: no server answers within the pool's time-out, or it went away in mid-transaction.
            Invalid: a text holds NUL, which PostgreSQL's text cannot.
        """
        try:
            with self._pool.connection() as connection:
                yield connection
        except psycopg_pool.PoolTimeout as error:
            raise database_unavailable() from error
        except psycopg.OperationalError as error:
            if isinstance(error, psycopg.errors.DiskFull):
                raise disk_full() from error
            raise database_unavailable() from error
        except psycopg.DataError as error:
            # The driver refuses NUL in text before it asks the server, the server refuses \u0000 in JSON.
            if isinstance(error, psycopg.errors.UntranslatableCharacter) or "NUL" in str(error):
                raise nul_in_text() from error
            raise

    def connect(self) -> psycopg.Connection:
        """A connection of its own outside the pool (LISTEN, replication slots), in autocommit."""
        try:
            return psycopg.connect(self.dsn, autocommit=True, application_name="denghuo")
        except psycopg.OperationalError as error:
            raise database_unavailable() from error


def _still_open(connection: psycopg.Connection) -> None:
    """Raises OperationalError where the server has closed a connection that lay in the pool. A server has nothing to say to one
    that asked nothing, so only where there is something to read is it asked: each use would else cost a journey more."""
    look = select.poll()
    look.register(connection.fileno(), select.POLLIN)
    if look.poll(0):
        psycopg_pool.ConnectionPool.check_connection(connection)


def database_unavailable() -> Unavailable:
    return Unavailable(
        text(
            "数据库暂时无法连接。已提交的数据不受影响，请稍后重试；若持续出现，请检查数据库服务与连接设置（denghuo settings）。",
            "The database cannot be reached. Committed data is safe; try again shortly, and if it lasts check the server and "
            "the connection settings (denghuo settings).",
        ),
        part="database",
        retry_after_s=RETRY_AFTER_S,
    )


def nul_in_text() -> Invalid:
    return Invalid(
        text(
            "文本中含有空字符（NUL），无法保存或查找，请删除后重试。",
            "A text holds a NUL character, which can neither be kept nor found; remove it.",
        ),
        errors=[],
    )


def disk_full() -> Unavailable:
    return Unavailable(
        text(
            "磁盘已满，本次操作未生效。请清理或扩充磁盘后重试。",
            "The disk is full; nothing of this operation was kept. Free or add space, then try again.",
        ),
        part="disk",
        retry_after_s=60,
    )


def role_of(schema: str) -> str:
    """The database role that works in a service's schema."""
    return f"denghuo_{schema}"


def quoted(name: str) -> sql.Identifier:
    return sql.Identifier(name)
