"""Queries on the customer schema."""

from datetime import datetime

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


class CustomerStore:
    def __init__(self, work: Work) -> None:
        self._work = work

    def known(self, numbers: list[str]) -> dict[str, Account]:
        rows = self._work.rows(
            "SELECT account_no, name, kind, tariff_class, address, phone, org, industry_code, opened_on, status FROM account"
            " WHERE account_no = ANY (%s)",
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

    def find(self, request: FindAccounts) -> tuple[list[Account], int]:
        """A page of the matching accounts and the number of all matches."""
        params = {
            "pattern": containing(request.keyword),
            "tariff_class": request.tariff_class,
            "org": request.org,
            "after": request.after,
            "limit": request.limit,
        }
        matching = (
            "FROM account WHERE search LIKE %(pattern)s"
            " AND (%(tariff_class)s::text IS NULL OR tariff_class = %(tariff_class)s)"
            " AND denghuo.of_unit(org, %(org)s)"
        )
        rows = self._work.rows(
            "SELECT account_no, name, kind, tariff_class, address, phone, org, industry_code, opened_on, status "
            + matching
            + ""
            " AND (%(after)s::text IS NULL OR account_no > %(after)s) ORDER BY account_no LIMIT %(limit)s",
            params,
            Account,
        )
        return rows, int(self._work.value("SELECT count(*) " + matching, params) or 0)

    def summary(self, org: str | None) -> list[ClassCount]:
        return self._work.rows(
            "SELECT tariff_class, kind, status, count(*) AS count FROM account"
            " WHERE denghuo.of_unit(org, %(org)s) GROUP BY tariff_class, kind, status"
            " ORDER BY tariff_class, kind, status",
            {"org": org},
            ClassCount,
        )
