"""Monthly price tables in the store: what came in, who drafted and published it, and the versions drafted from each."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from denghuo.data.processing.work import Work
from denghuo.service.tariff.api import FindPriceTables, Source, TableFault

_COLUMNS = (
    "SELECT area, month, status, document_no, notices, drafted_by, drafted_at, published_by, published_at,"
    " (SELECT count(*) FROM price_table_version AS one WHERE (one.area, one.month) = (price_table.area, price_table.month))"
    " AS tariffs FROM price_table "
)


@dataclass(frozen=True)
class TableStored:
    """A price table as it stands."""

    area: str
    month: str
    status: str
    document_no: str
    notices: list[TableFault]
    drafted_by: str
    drafted_at: datetime
    published_by: str | None
    published_at: datetime | None
    tariffs: int


@dataclass(frozen=True)
class VersionOfTable:
    """A version drafted from a table: the digest of its content, and the version it was compared with."""

    code: str
    version: int
    digest: str
    before_version: int | None


class TableStore:
    def __init__(self, work: Work) -> None:
        self._work = work

    def one(self, area: str, month: str) -> TableStored | None:
        row = self._work.row(_COLUMNS + "WHERE area = %s AND month = %s", (area, month))
        return _stored(row) if row is not None else None

    def versions(self, area: str, month: str) -> list[VersionOfTable]:
        rows = self._work.rows(
            "SELECT code, version, digest, before_version FROM price_table_version"
            " WHERE area = %s AND month = %s ORDER BY code",
            (area, month),
        )
        return [VersionOfTable(**row) for row in rows]

    def find(self, request: FindPriceTables) -> tuple[list[TableStored], int]:
        month, _, area = (request.after or "").partition("|")
        params = {
            "area": request.area,
            "status": request.status,
            "month": month or "9999-12",
            "after": area,
            "first": not request.after,
            "limit": request.limit,
        }
        matching = (
            "WHERE (%(area)s::text IS NULL OR area = %(area)s) AND (%(status)s::text IS NULL OR status = %(status)s)"
        )
        rows = self._work.rows(
            _COLUMNS
            + matching
            + " AND (%(first)s OR month < %(month)s OR (month = %(month)s AND area > %(after)s))"
            + " ORDER BY month DESC, area LIMIT %(limit)s",
            params,
        )
        total = self._work.value("SELECT count(*) FROM price_table " + matching, params)
        return [_stored(row) for row in rows], int(total or 0)

    def draft(
        self,
        area: str,
        month: str,
        source: Source,
        content: str,
        notices: Sequence[TableFault],
        versions: Sequence[VersionOfTable],
        actor: str,
        at: datetime,
    ) -> None:
        """Stores a draft in place of an open one of the same month."""
        self._work.run("DELETE FROM price_table WHERE area = %s AND month = %s AND status = 'draft'", (area, month))
        self._work.run(
            "INSERT INTO price_table (area, month, status, document_no, source, content, notices, drafted_by, drafted_at)"
            " VALUES (%s, %s, 'draft', %s, %s, %s, %s, %s, %s)",
            (
                area,
                month,
                source.number,
                Jsonb(source.model_dump(mode="json")),
                content,
                Jsonb([one.model_dump(mode="json") for one in notices], dumps=_dumps),
                actor,
                at,
            ),
        )
        for one in versions:
            self._work.run(
                "INSERT INTO price_table_version (area, month, code, version, digest, before_version)"
                " VALUES (%s, %s, %s, %s, %s, %s)",
                (area, month, one.code, one.version, one.digest, one.before_version),
            )

    def publish(self, area: str, month: str, actor: str, at: datetime) -> None:
        self._work.run(
            "UPDATE price_table SET status = 'published', published_by = %s, published_at = %s"
            " WHERE area = %s AND month = %s AND status = 'draft'",
            (actor, at, area, month),
        )


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _stored(row: dict[str, Any]) -> TableStored:
    return TableStored(**{**row, "notices": [TableFault.model_validate(one) for one in row["notices"]]})
