"""Queries on versions of tariffs that a correction replaced, and on the drafts by them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from denghuo.data.processing.work import Work


class Replaced:
    def __init__(self, work: Work) -> None:
        self._work = work

    def note(self, month: str, versions: Sequence[tuple[str, int]], at: datetime) -> None:
        self._work.run_many(
            "INSERT INTO replaced_tariff (code, version, month, replaced_at) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [(code, version, month, at) for code, version in versions],
        )

    def drafts(self, month: str) -> list[dict[str, Any]]:
        """Bills of a month that are not issued and were rated, whole or a part of them, by a version that was replaced since."""
        if not self._work.value(
            "SELECT EXISTS (SELECT FROM replaced_tariff WHERE month BETWEEN"
            " to_char((%(month)s || '-01')::date - interval '1 month', 'YYYY-MM') AND %(month)s)",
            {"month": month},
        ):
            return []
        return self._work.rows(
            "SELECT bill_no, bill.account_no, bill.org, kind, tariff_class, tariff_code, tariff_version"
            " FROM bill JOIN bill_basis USING (bill_no)"
            " WHERE month = %s AND state IN ('rated', 'held', 'passed') AND reverses IS NULL AND case_no IS NULL"
            " AND EXISTS (SELECT FROM replaced_tariff AS one WHERE rated_at < one.replaced_at AND"
            " ((one.code, one.version) = (tariff_code, tariff_version) OR (rating -> 'tariffs')::jsonb"
            " @> jsonb_build_array(jsonb_build_object('code', one.code, 'version', one.version)))) ORDER BY bill_no",
            (month,),
        )
