"""Larger households (一户多人口): their rows, from the special terms that are in force."""

from datetime import date
from typing import LiteralString

from denghuo.data.processing.work import Work
from denghuo.service.contract.api.household import RENEWED_AFTER_YEARS, FindHouseholds, Household

# The newest terms of each contract that state a household; its months are whole ones, as a bill counts them.
_HOUSEHOLDS: LiteralString = (
    "WITH stated AS (SELECT DISTINCT ON (contract_no) contract_no, account_no, org, upper(valid) AS closes,"
    " (special ->> 'persons')::int AS persons, (special ->> 'persons_since')::date AS accepted_on,"
    " (special ->> 'persons_until')::date AS until FROM terms WHERE special ? 'persons'"
    " ORDER BY contract_no, lower(valid) DESC),"
    " dated AS (SELECT contract_no, account_no, org, persons, accepted_on, until,"
    " (date_trunc('month', accepted_on) + interval '1 month')::date AS from_on,"
    " least(closes - 1, (date_trunc('month', coalesce(until, accepted_on + make_interval(years => %(years)s)))"
    " + interval '1 month')::date - 1) AS ends_on FROM stated)"
    " SELECT *, (date_trunc('month', ends_on) + make_interval(years => %(years)s) + interval '1 month')::date - 1 AS renewed_until,"
    " greatest(ends_on - %(today)s::date, 0) AS days_left FROM dated"
    " WHERE (%(account_no)s::text IS NULL OR account_no = %(account_no)s) AND denghuo.of_unit(org, %(org)s)"
    " AND (%(past)s OR ends_on >= %(today)s)"
    " AND (%(within)s::int IS NULL OR ends_on - %(today)s::date BETWEEN 0 AND %(within)s)"
)


class Households:
    def __init__(self, work: Work) -> None:
        self._work = work

    def find(self, request: FindHouseholds, today: date) -> tuple[list[Household], int]:
        """A page of those that match, in the order of contracts, and how many match."""
        params = {
            "account_no": request.account_no,
            "org": request.org,
            "past": request.past,
            "within": request.ends_within,
            "today": today,
            "years": RENEWED_AFTER_YEARS,
            "after": request.after or "",
            "limit": request.limit,
        }
        rows = self._work.rows(
            "SELECT * FROM ("
            + _HOUSEHOLDS
            + ") AS found WHERE contract_no > %(after)s ORDER BY contract_no LIMIT %(limit)s",
            params,
            Household,
        )
        count = self._work.value("SELECT count(*) FROM (" + _HOUSEHOLDS + ") AS found", params)
        return rows, int(count or 0)
