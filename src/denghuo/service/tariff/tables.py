"""Monthly price tables in the store: what came in, who drafted and published it, and the versions drafted from each."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from denghuo.data.processing.work import Work
from denghuo.service.tariff.api import FindPriceTables, Source, TableFault
from denghuo.service.tariff.issues import MATCHING, PAGE, page_of

_COLUMNS = (
    "SELECT area, month, issue, status, document_no, notices, drafted_by, drafted_at, published_by, published_at, replaced_at,"
    " (SELECT count(*) FROM price_table_version AS one WHERE (one.area, one.month, one.issue)"
    " = (price_table.area, price_table.month, price_table.issue)) AS tariffs FROM price_table "
)


@dataclass(frozen=True)
class TableStored:
    """A price table as it stands."""

    area: str
    month: str
    issue: int
    status: str
    document_no: str
    notices: list[TableFault]
    drafted_by: str
    drafted_at: datetime
    published_by: str | None
    published_at: datetime | None
    replaced_at: datetime | None
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

    def one(self, area: str, month: str, issue: int | None = None) -> TableStored | None:
        """An issue of a month's table; without a number the newest."""
        row = self._work.row(
            _COLUMNS + "WHERE area = %s AND month = %s AND (%s::int IS NULL OR issue = %s) ORDER BY issue DESC LIMIT 1",
            (area, month, issue, issue),
        )
        return _stored(row) if row is not None else None

    def standing(self, area: str, month: str) -> TableStored | None:
        """The issue that is published."""
        row = self._work.row(_COLUMNS + "WHERE area = %s AND month = %s AND status = 'published'", (area, month))
        return _stored(row) if row is not None else None

    def versions(self, area: str, month: str, issue: int) -> list[VersionOfTable]:
        rows = self._work.rows(
            "SELECT code, version, digest, before_version FROM price_table_version"
            " WHERE area = %s AND month = %s AND issue = %s ORDER BY code",
            (area, month, issue),
        )
        return [VersionOfTable(**row) for row in rows]

    def find(self, request: FindPriceTables) -> tuple[list[TableStored], int]:
        params = page_of(request)
        rows = self._work.rows(_COLUMNS + PAGE, params)
        total = self._work.value("SELECT count(*) FROM price_table " + MATCHING, params)
        return [_stored(row) for row in rows], int(total or 0)

    def draft(
        self,
        area: str,
        month: str,
        issue: int,
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
            "INSERT INTO price_table (area, month, issue, status, document_no, source, content, notices, drafted_by, drafted_at)"
            " VALUES (%s, %s, %s, 'draft', %s, %s, %s, %s, %s, %s)",
            (
                area,
                month,
                issue,
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
                "INSERT INTO price_table_version (area, month, issue, code, version, digest, before_version)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                (area, month, issue, one.code, one.version, one.digest, one.before_version),
            )

    def publish(self, area: str, month: str, actor: str, at: datetime) -> None:
        """The draft becomes the month's table in place of the one that stands."""
        self._work.run(
            "UPDATE price_table SET status = 'replaced', replaced_at = %s WHERE area = %s AND month = %s AND status = 'published'",
            (at, area, month),
        )
        self._work.run(
            "UPDATE price_table SET status = 'published', published_by = %s, published_at = %s"
            " WHERE area = %s AND month = %s AND status = 'draft'",
            (actor, at, area, month),
        )


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _stored(row: dict[str, Any]) -> TableStored:
    return TableStored(**{**row, "notices": [TableFault.model_validate(one) for one in row["notices"]]})
