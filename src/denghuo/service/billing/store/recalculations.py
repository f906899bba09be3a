"""Queries on accounts that are calculated again together."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from denghuo.data.processing.work import Work

_MATCHING = (
    " WHERE (%(month)s::text IS NULL OR month = %(month)s) AND (%(org)s::text IS NULL OR denghuo.of_unit(org, %(org)s))"
)
_OUTCOMES = ("issued", "held", "unchanged", "differs", "refused")


class Recalculations:
    def __init__(self, work: Work) -> None:
        self._work = work

    def order(self, month: str, org: str, cause: str, account_nos: Iterable[str], at: datetime) -> int | None:
        """Adds accounts to the one that is open for the unit and cause, or begins one, whose number is returned."""
        fresh: int | None = self._work.value(
            "INSERT INTO recalculation (month, org, cause, ordered_at) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (month, org, cause) WHERE ended_at IS NULL DO NOTHING RETURNING recalculation_no",
            (month, org, cause, at),
        )
        number = fresh or self._work.value(
            "SELECT recalculation_no FROM recalculation WHERE (month, org, cause) = (%s, %s, %s) AND ended_at IS NULL"
            " FOR UPDATE",
            (month, org, cause),
        )
        self._work.run_many(
            "INSERT INTO recalculation_account (recalculation_no, account_no) VALUES (%s, %s)"
            " ON CONFLICT (recalculation_no, account_no) DO UPDATE SET outcome = NULL",
            [(number, account_no) for account_no in account_nos],
        )
        return fresh

    def by_gaps(self, month: str) -> dict[str, str]:
        """The unit of each account with a bill of the month that was rated while its curve had gaps: bands or points were filled,
        or the contract's demand stood in for one that could not be measured."""
        rows = self._work.rows(
            "SELECT DISTINCT account_no, b.org FROM bill b JOIN bill_basis USING (bill_no, account_no) WHERE month = %s"
            " AND reverses IS NULL AND (remarks::text ~ '\"(points_estimated|no_demand_register)\"'"
            " OR (estimated_days > 0 AND registers::text ~ '\"curve_(estimated|gaps)\"'))",
            (month,),
        )
        return {row["account_no"]: row["org"] for row in rows}

    def next(self, number: int, limit: int) -> tuple[str, list[str]]:
        """The month, and the next accounts that wait."""
        month: str | None = self._work.value("SELECT month FROM recalculation WHERE recalculation_no = %s", (number,))
        waiting: list[str] = self._work.values(
            "SELECT account_no FROM recalculation_account WHERE recalculation_no = %s AND outcome IS NULL"
            " ORDER BY account_no LIMIT %s",
            (number, limit),
        )
        assert month is not None  # a recalculation is never deleted
        return month, waiting

    def done(self, number: int, outcomes: Mapping[str, str], at: datetime) -> bool:
        """Notes what came of accounts; whether others wait. Where none does, it is ended."""
        self._work.run("SELECT FROM recalculation WHERE recalculation_no = %s FOR UPDATE", (number,))
        self._work.run_many(
            "UPDATE recalculation_account SET outcome = %s WHERE recalculation_no = %s AND account_no = %s",
            [(outcome, number, account_no) for account_no, outcome in outcomes.items()],
        )
        if self._work.value(
            "SELECT EXISTS (SELECT FROM recalculation_account WHERE recalculation_no = %s AND outcome IS NULL)",
            (number,),
        ):
            return True
        self._work.run("UPDATE recalculation SET ended_at = %s WHERE recalculation_no = %s", (at, number))
        return False

    def found(
        self, month: str | None, org: str | None, after: int | None, limit: int
    ) -> tuple[Sequence[Mapping[str, Any]], int]:
        params = {"month": month, "org": org, "after": after, "limit": limit}
        counts = ", ".join(f"count(*) FILTER (WHERE outcome = '{one}') AS {one}" for one in _OUTCOMES)
        rows = self._work.rows(
            "SELECT recalculation.*, counted.* FROM recalculation, LATERAL (SELECT count(*) AS due,"
            f" count(outcome) AS done, {counts} FROM recalculation_account AS one"
            " WHERE one.recalculation_no = recalculation.recalculation_no) AS counted"
            + _MATCHING
            + " AND (%(after)s::int IS NULL OR recalculation_no < %(after)s) ORDER BY recalculation_no DESC LIMIT %(limit)s",
            params,
        )
        return rows, int(self._work.value("SELECT count(*) FROM recalculation" + _MATCHING, params) or 0)
