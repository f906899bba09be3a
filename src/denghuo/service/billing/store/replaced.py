"""Queries on what bills were rated by and was replaced since, and on the bills by it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString

from denghuo.data.processing.work import Work

Fact = tuple[str, int]
"""Code and version of a tariff, a price node and 0, or a unit and `UNIT`."""
UNIT = -1
RATED_BY: LiteralString = (
    "((one.version > 0 AND ((one.name, one.version) = (tariff_code, tariff_version) OR (rating -> 'tariffs')::jsonb"
    " @> jsonb_build_array(jsonb_build_object('code', one.name, 'version', one.version))))"
    " OR (one.version = 0 AND (rating -> 'market' ->> 'node' = one.name OR EXISTS (SELECT FROM"
    " json_array_elements(rating -> 'stages') AS stage WHERE stage -> 'market' ->> 'node' = one.name)))"
    " OR (one.version = -1 AND (bill.org = one.name OR starts_with(bill.org, one.name || '.'))))"
)
"""Whether a bill was rated, whole or a part of it, by the fact `one` (name, version); of a unit, all bills of it and below."""


class Replaced:
    def __init__(self, work: Work) -> None:
        self._work = work

    def note(self, subject: str, months: Sequence[str], facts: Sequence[Fact], at: datetime) -> None:
        self._work.run_many(
            "INSERT INTO replaced_fact (subject, name, version, month, replaced_at) VALUES (%s, %s, %s, %s, %s)"
            " ON CONFLICT (subject, name, version, month) DO UPDATE SET replaced_at = excluded.replaced_at",
            [(subject, *fact, month, at) for month in months for fact in facts],
        )

    def drafts(self, month: str) -> list[dict[str, Any]]:
        """Bills of a month that are not issued and were rated by what was replaced since, with its subject; facts of the month
        before count too, because two months may be read together."""
        if not self._work.value(
            "SELECT EXISTS (SELECT FROM replaced_fact WHERE month BETWEEN"
            " to_char((%(month)s || '-01')::date - interval '1 month', 'YYYY-MM') AND %(month)s)",
            {"month": month},
        ):
            return []
        return self._work.rows(
            "SELECT DISTINCT ON (bill_no) bill_no, bill.account_no, bill.org, kind, tariff_class, tariff_code, tariff_version,"
            " one.subject FROM bill JOIN bill_basis USING (bill_no) JOIN replaced_fact AS one ON rated_at < one.replaced_at"
            " AND one.month BETWEEN to_char((%(month)s || '-01')::date - interval '1 month', 'YYYY-MM') AND %(month)s AND "
            + RATED_BY
            + " WHERE bill.month = %(month)s AND state IN ('rated', 'held', 'passed') AND reverses IS NULL AND case_no IS NULL"
            " ORDER BY bill_no, one.subject",
            {"month": month},
        )
