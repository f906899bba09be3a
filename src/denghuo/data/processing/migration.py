"""Migrations: plain SQL files, forward only, one history per service schema (applied by yoyo).

Each schema gets a role of its own (`denghuo_<schema>`, no login) with rights on its own tables alone; the tables belong to the
deploying role, so that row-level security binds the service role. The login role becomes a member of every service role.
"""

import importlib.resources
import importlib.util
import pathlib
from collections.abc import Iterable, Mapping
from urllib.parse import quote, urlencode

import psycopg
import yoyo
from psycopg import sql

from denghuo.data.processing.database import role_of

_PLATFORM = pathlib.Path(__file__).parent / "migrations"


def migrate(dsn: str, schemas: Iterable[str]) -> None:
    """Brings the platform's and the named schemas up to date; running it again changes nothing."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        # One deployment at a time: a second process waits here until the first has finished.
        connection.execute("SELECT pg_advisory_lock(hashtextextended('denghuo migration', 0))")
        connection.execute((_PLATFORM / "platform.sql").read_bytes())
        for schema in ("data", *schemas):
            _prepare(connection, schema)
            _apply(dsn, schema, _PLATFORM / ("data" if schema == "data" else "service"))
            if schema != "data":
                _apply(dsn, schema, _own_migrations(schema))
            _grant(connection, schema)


def _own_migrations(schema: str) -> pathlib.Path | None:
    """The folder of a service, or of a module which keeps state of its own (such as access)."""
    for package in (f"denghuo.service.{schema}", f"denghuo.{schema}"):
        if importlib.util.find_spec(package) is not None:
            with importlib.resources.as_file(importlib.resources.files(package) / "migrations") as folder:
                return folder
    return None


def _prepare(connection: psycopg.Connection, schema: str) -> None:
    role = sql.Identifier(role_of(schema))
    exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role_of(schema),)).fetchone()
    if exists is None:
        connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(role))
    # From PostgreSQL 16 on the creator of a role must grant itself the right to take it.
    connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(role))
    connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))


def _apply(dsn: str, schema: str, folder: pathlib.Path | None) -> None:
    if folder is None or not folder.is_dir():
        return
    if _is_applied(dsn, schema, folder):
        return
    info = psycopg.conninfo.conninfo_to_dict(dsn)
    backend = yoyo.get_backend(_yoyo_uri(info, schema))
    try:
        backend.apply_migrations(backend.to_apply(yoyo.read_migrations(str(folder))))
    finally:
        backend.connection.close()


def _is_applied(dsn: str, schema: str, folder: pathlib.Path) -> bool:
    """Whether the schema's history holds every file of the folder: most starts change nothing, and this look costs little."""
    with psycopg.connect(dsn) as connection:
        if connection.execute("SELECT to_regclass(%s)", (f"{schema}._yoyo_migration",)).fetchone() == (None,):
            return False
        query = sql.SQL("SELECT migration_id FROM {}").format(sql.Identifier(schema, "_yoyo_migration"))
        known = {str(row[0]) for row in connection.execute(query)}
    return {path.stem for path in folder.glob("*.sql")} <= known


def _yoyo_uri(info: Mapping[str, object], schema: str) -> str:
    host = str(info.get("host") or "localhost")
    user, password = quote(str(info.get("user") or "")), quote(str(info.get("password") or ""), safe="")
    options: dict[str, str] = {"schema": schema}
    if host.startswith("/"):
        options["host"], host = host, ""
    port = f":{info['port']}" if info.get("port") and host else ""
    return f"postgresql+psycopg://{user}:{password}@{host}{port}/{info.get('dbname')}?{urlencode(options)}"


def _grant(connection: psycopg.Connection, schema: str) -> None:
    names = {"schema": sql.Identifier(schema), "role": sql.Identifier(role_of(schema))}
    for statement in (
        "GRANT USAGE ON SCHEMA {schema} TO {role}",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}",
        "GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
    ):
        connection.execute(sql.SQL(statement).format(**names))
