"""Queries on the customer schema."""

from datetime import date, datetime
from typing import LiteralString

from denghuo.data.processing.work import Work, containing
from denghuo.service.customer.api import Account, ClassCount, FindAccounts, NewAccount
from denghuo.service.customer.rules import search_text

_COLUMNS = (
    "account_no",
    "name",
    "kind",
    "tariff_class",
    "address",
    "phone",
    "org",
    "industry_code",
    "opened_on",
    "status",
    "search",
    "recorded_at",
)

_ACCOUNT: LiteralString = (
    "SELECT account_no, name, kind, tariff_class, address, phone, org, industry_code, opened_on, status, closed_on, succeeds,"
    " (SELECT after.account_no FROM account AS after WHERE after.succeeds = account.account_no) AS successor_no FROM account"
)


class CustomerStore:
    def __init__(self, work: Work) -> None:
        self._work = work

    def known(self, numbers: list[str]) -> dict[str, Account]:
        rows = self._work.rows(
            _ACCOUNT + " WHERE account_no = ANY (%s)",
            (numbers,),
            Account,
        )
        return {row.account_no: row for row in rows}

    def add(self, accounts: list[NewAccount], at: datetime) -> None:
        self._work.copy_in(
            "account",
            _COLUMNS,
            (
                (
                    item.account_no,
                    item.name,
                    item.kind,
                    item.tariff_class,
                    item.address,
                    item.phone,
                    item.org,
                    item.industry_code,
                    item.opened_on,
                    item.status,
                    search_text(item.account_no, item.name, item.address, item.phone),
                    at,
                )
                for item in accounts
            ),
        )

    def next_digits(self, org: str) -> str:
        """The digits of the next account of a unit before their check digit: after the highest that the unit has, and free.

        One change of customer after the other takes a number; held until the transaction ends.
        """
        self._work.run("SELECT pg_advisory_xact_lock(hashtextextended(%s, 21))", (f"account {org}",))
        highest = str(self._work.value("SELECT max(left(account_no, 12)) FROM account WHERE org = %s", (org,)))
        taken = set(
            self._work.values(
                "SELECT left(account_no, 12) FROM account WHERE left(account_no, 12) > %s ORDER BY 1 LIMIT 100000",
                (highest,),
            )
        )
        following = int(highest) + 1
        while f"{following:012d}" in taken:
            following += 1
        return f"{following:012d}"

    def succeed(self, account_no: str, successor_no: str, since: date, at: datetime) -> None:
        """Closes an account and links the one that follows it."""
        self._work.run(
            "UPDATE account SET status = 'closed', closed_on = %s, recorded_at = %s WHERE account_no = %s",
            (since, at, account_no),
        )
        self._work.run("UPDATE account SET succeeds = %s WHERE account_no = %s", (account_no, successor_no))

    def find(self, request: FindAccounts) -> tuple[list[Account], int]:
        """A page of the matching accounts and the number of all matches."""
        params = {
            "pattern": containing(request.keyword),
            "tariff_class": request.tariff_class,
            "org": request.org,
            "after": request.after,
            "limit": request.limit,
        }
        matching: LiteralString = (
            " WHERE search LIKE %(pattern)s"
            " AND (%(tariff_class)s::text IS NULL OR tariff_class = %(tariff_class)s)"
            " AND denghuo.of_unit(org, %(org)s)"
        )
        rows = self._work.rows(
            _ACCOUNT
            + matching
            + " AND (%(after)s::text IS NULL OR account_no > %(after)s) ORDER BY account_no LIMIT %(limit)s",
            params,
            Account,
        )
        return rows, int(self._work.value("SELECT count(*) FROM account" + matching, params) or 0)

    def summary(self, org: str | None) -> list[ClassCount]:
        return self._work.rows(
            "SELECT tariff_class, kind, status, count(*) AS count FROM account"
            " WHERE denghuo.of_unit(org, %(org)s) GROUP BY tariff_class, kind, status"
            " ORDER BY tariff_class, kind, status",
            {"org": org},
            ClassCount,
        )
