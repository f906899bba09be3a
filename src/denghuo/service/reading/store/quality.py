"""Figures of the quality of reading."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, LiteralString

from denghuo.data.processing.work import Work
from denghuo.service.reading.api import AskQuality
from denghuo.service.reading.store.books import BOOKS_ON_A_DAY

_COUNTED: LiteralString = """
, counted AS (
    SELECT r.org, r.point_no, r.status, r.method IN ('actual', 'manual') AS seen,
        r.status = 'valid' AND r.method = 'actual' AND r.accepted_by IS NULL AND NOT EXISTS (SELECT FROM month_read_past p
            WHERE (p.month, p.point_no, p.piece, p.quantity, p.band) = (r.month, r.point_no, r.piece, r.quantity, r.band)
            AND (p.energy_wh IS DISTINCT FROM r.energy_wh OR p.status <> 'valid')) AS was_right,
        EXISTS (SELECT FROM month_read_past p WHERE (p.month, p.point_no, p.piece, p.quantity, p.band)
            = (r.month, r.point_no, r.piece, r.quantity, r.band) AND p.status = 'valid'
            AND p.energy_wh IS DISTINCT FROM r.energy_wh) AS was_wrong,
        least(CASE WHEN r.status <> 'held' THEN r.changed_at END, (SELECT min(p.changed_at) FROM month_read_past p
            WHERE (p.month, p.point_no, p.piece, p.quantity, p.band) = (r.month, r.point_no, r.piece, r.quantity, r.band)
            AND p.status <> 'held')) < %(by_then)s AS was_on_time
    FROM month_read r WHERE r.month = %(month)s AND r.account_no IS NOT NULL AND denghuo.of_unit(r.org, %(org)s)
)
"""
_FIGURES: LiteralString = (
    "count(*) AS due, count(*) FILTER (WHERE seen) AS read, count(*) FILTER (WHERE was_right) AS right,"
    " count(*) FILTER (WHERE was_on_time) AS on_time, count(*) FILTER (WHERE was_wrong) AS wrong,"
    " count(*) FILTER (WHERE status = 'estimated') AS estimated, count(*) FILTER (WHERE status = 'held') AS held "
)
_BY_UNIT: LiteralString = (
    "SELECT org, NULL::text AS reader, grouping(org) = 1 AS whole, "
    + _FIGURES
    + "FROM counted GROUP BY ROLLUP (org) ORDER BY whole, org"
)
_BY_READER: LiteralString = (
    "SELECT NULL::text AS org, reader, grouping(reader) = 1 AS whole, "
    + _FIGURES
    + "FROM counted LEFT JOIN walk USING (point_no) LEFT JOIN walker USING (book)"
    " GROUP BY ROLLUP (reader) ORDER BY whole, reader NULLS LAST"
)


def quality(work: Work, request: AskQuality, on: date, by_then: datetime) -> list[Mapping[str, Any]]:
    """By unit or by reader, the whole last; nothing where nothing was read. by_then: before what was known is on time."""
    asked = {"month": request.month, "org": request.org, "on": on, "by_then": by_then}
    query: LiteralString = BOOKS_ON_A_DAY + _COUNTED + (_BY_UNIT if request.by == "org" else _BY_READER)
    return [row for row in work.rows(query, asked) if row["due"]]
