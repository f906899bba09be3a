"""Queries on accounts under fee control: their estimates, balances, limits and warnings."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, LiteralString

from denghuo.data.processing.bulk import stage
from denghuo.data.processing.work import Work
from denghuo.kernel.contract import DatasetRef
from denghuo.kernel.values import Energy, Money
from denghuo.service.ledger.api import (
    BalanceLimit,
    BalanceWarning,
    FeeBalance,
    FindBalances,
    FindBalanceWarnings,
    SetBalanceLimit,
)

# What accounts have left: f is which rows of fee_account, counted gives them with their balances.
_COUNTED: LiteralString = (
    "o AS (SELECT i.account_no, sum(amount_fen - paid_fen)::bigint AS fen FROM item i JOIN f USING (account_no)"
    " WHERE kind = 'supply' AND paid_fen <> amount_fen GROUP BY i.account_no),"
    " u AS (SELECT account_no, sum(amount_fen)::bigint AS fen, sum(energy_wh)::bigint AS wh, sum(days)::bigint AS days,"
    " max(through_on) AS through_on FROM unbilled JOIN f USING (account_no) GROUP BY account_no),"
    " standing AS (SELECT f.*, coalesce(c.prepaid_fen, 0) AS prepaid_fen, coalesce(o.fen, 0) AS outstanding_fen,"
    " coalesce(u.fen, 0) AS unbilled_fen, coalesce(c.prepaid_fen, 0) - coalesce(o.fen, 0) - coalesce(u.fen, 0) AS balance_fen,"
    " coalesce(u.through_on, f.billed_through) AS through_on,"
    " coalesce((u.wh + u.days / 2) / u.days, f.billed_daily_wh) AS daily_wh,"
    " coalesce((u.fen + u.days / 2) / u.days, f.billed_daily_fen) AS daily_fen"
    " FROM f LEFT JOIN customer_account c USING (account_no) LEFT JOIN o USING (account_no) LEFT JOIN u USING (account_no)),"
    " counted AS (SELECT *, CASE WHEN daily_fen > 0 THEN (greatest(balance_fen, 0) / daily_fen)::int END AS days_left"
    " FROM standing)"
)


_TAKE: LiteralString = "INSERT INTO fee_account (account_no, org, tariff_class, way, protected, as_of)"
_TAKEN: LiteralString = (
    " ON CONFLICT (account_no) DO UPDATE SET org = excluded.org, tariff_class = excluded.tariff_class, way = excluded.way,"
    " protected = excluded.protected, as_of = excluded.as_of WHERE fee_account.as_of <= excluded.as_of AND (fee_account.org,"
    " fee_account.tariff_class, fee_account.way, fee_account.protected)"
    " IS DISTINCT FROM (excluded.org, excluded.tariff_class, excluded.way, excluded.protected)"
)


class Balances:
    def __init__(self, work: Work) -> None:
        self._work = work

    # -- what is known ---------------------------------------------------------------------------------------------------

    def take_accounts(self, controlled: DatasetRef, at: datetime) -> None:
        """These are the accounts under fee control, unless a later publication is known."""
        rows = self._work.datasets.scan(controlled, ["account_no", "org", "tariff_class", "way", "protected"])
        stage(self._work, "controlled", rows)
        self._work.run(
            "DELETE FROM fee_account f WHERE as_of < %s"
            " AND NOT EXISTS (SELECT FROM controlled c WHERE c.account_no = f.account_no)",
            (at,),
        )
        self._work.run(
            "DELETE FROM unbilled u WHERE NOT EXISTS (SELECT FROM fee_account f WHERE f.account_no = u.account_no)"
            " AND NOT EXISTS (SELECT FROM controlled c WHERE c.account_no = u.account_no)"
        )
        self._work.run(
            _TAKE + " SELECT account_no, org, tariff_class, way, protected, %s FROM controlled" + _TAKEN, (at,)
        )
        self._work.run("DROP TABLE controlled")

    def take_account(self, values: tuple[str, str, str, str, bool], at: datetime) -> None:
        """values: account, unit, class, way, protected."""
        self._work.run(_TAKE + " VALUES (%s, %s, %s, %s, %s, %s)" + _TAKEN, (*values, at))

    def leave_out(self, account_no: str) -> None:
        self._work.run("DELETE FROM unbilled WHERE account_no = %s", (account_no,))
        self._work.run("DELETE FROM fee_account WHERE account_no = %s", (account_no,))

    def take_estimates(self, estimates: DatasetRef) -> None:
        """Estimates of accounts under fee control, where no later one is known and no bill stands in their place."""
        columns = [
            "account_no",
            "kind",
            "month",
            "org",
            "through_on",
            "days",
            "energy_wh",
            "amount_fen",
            "estimated_at",
        ]
        stage(self._work, "estimated", self._work.datasets.scan(estimates, columns))
        with self._in_bulk():
            # Of an account that is read every two months the second one's estimate has the first one's days too.
            self._work.run(
                "DELETE FROM unbilled u USING estimated e WHERE e.account_no = u.account_no AND e.kind = 'supply'"
                " AND u.month < e.month AND u.through_on > e.through_on - e.days::int"
            )
            self._work.run(
                "INSERT INTO unbilled (account_no, month, org, through_on, days, energy_wh, amount_fen, estimated_at)"
                " SELECT account_no, e.month, e.org, e.through_on, e.days, e.energy_wh, e.amount_fen, e.estimated_at"
                " FROM estimated e JOIN fee_account USING (account_no)"
                " WHERE e.kind = 'supply' AND e.days > 0 AND NOT EXISTS (SELECT FROM item i"
                " WHERE i.account_no = e.account_no AND i.month = e.month AND i.kind = 'supply')"
                " ON CONFLICT (account_no, month) DO UPDATE SET org = excluded.org, through_on = excluded.through_on,"
                " days = excluded.days, energy_wh = excluded.energy_wh, amount_fen = excluded.amount_fen,"
                " estimated_at = excluded.estimated_at WHERE unbilled.estimated_at <= excluded.estimated_at"
            )
        self._work.run("DROP TABLE estimated")

    @contextmanager
    def _in_bulk(self) -> Iterator[None]:
        """Statements over all accounts: without statistics of tables that were just filled, the planner would go through one
        table for each row of another."""
        self._work.run("SET LOCAL enable_nestloop = off")
        yield
        self._work.run("SET LOCAL enable_nestloop = on")

    def controlled(self, account_nos: Sequence[str]) -> list[str]:
        """Those of these accounts that are under fee control."""
        return self._work.values("SELECT account_no FROM fee_account WHERE account_no = ANY (%s)", (list(account_nos),))

    def billed(self) -> list[str]:
        """Forgets the estimates of the months for which bills are staged; gives their accounts."""
        return self._work.values(
            "WITH gone AS (DELETE FROM unbilled u USING staged_bill s WHERE s.account_no = u.account_no AND s.month = u.month"
            " AND s.kind = 'supply' RETURNING u.*)"
            " UPDATE fee_account f SET billed_through = g.through_on, billed_daily_wh = (g.energy_wh + g.days / 2) / g.days,"
            " billed_daily_fen = (g.amount_fen + g.days / 2) / g.days FROM gone g WHERE g.account_no = f.account_no"
            " RETURNING f.account_no"
        )

    # -- judging ---------------------------------------------------------------------------------------------------------

    def judge(self, on: date, account_nos: Sequence[str] | None = None) -> int:
        """Sets the levels of these accounts, or of all, by the limits of a day; enters a warning for each that fell or came up
        again after it was used up. Gives how many. Of an account that was never estimated and owes nothing nothing is known."""
        some: LiteralString = "" if account_nos is None else " WHERE account_no = ANY (%(accounts)s)"
        query: LiteralString = (
            "WITH f AS (SELECT * FROM fee_account" + some + "), " + _COUNTED + ","
            " told AS (SELECT DISTINCT ON (org, tariff_class) * FROM balance_limit WHERE effective_from <= %(on)s"
            " ORDER BY org, tariff_class, effective_from DESC),"
            " kinds AS (SELECT DISTINCT org, tariff_class FROM f),"
            " limits AS (SELECT DISTINCT ON (k.org, k.tariff_class) k.org, k.tariff_class, t.low_fen, t.low_days"
            " FROM kinds k JOIN told t ON denghuo.of_unit(k.org, t.org) AND t.tariff_class IN ('', k.tariff_class)"
            " ORDER BY k.org, k.tariff_class, length(t.org) DESC, t.tariff_class DESC),"
            " judged AS (SELECT counted.*, CASE WHEN balance_fen <= 0 THEN 'exhausted' WHEN balance_fen < l.low_fen"
            " OR days_left < l.low_days THEN 'low' ELSE 'enough' END AS now"
            " FROM counted LEFT JOIN limits l USING (org, tariff_class)"
            " WHERE through_on IS NOT NULL OR outstanding_fen > 0),"
            " moved AS (UPDATE fee_account a SET level = j.now, level_since = %(at)s FROM judged j"
            " WHERE a.account_no = j.account_no AND a.level <> j.now RETURNING j.*)"
            " INSERT INTO balance_warning (account_no, org, level, balance_fen, daily_fen, days_left, through_on, protected, at)"
            " SELECT account_no, org, CASE WHEN level = 'exhausted' THEN 'restored' ELSE now END, balance_fen, daily_fen,"
            " days_left, through_on, protected, %(at)s FROM moved"
            " WHERE now IN ('low', 'exhausted') OR level = 'exhausted' ORDER BY account_no"
        )
        params = {"on": on, "at": self._work.call.now, "accounts": list(account_nos or ())}
        if account_nos is not None:
            return self._work.run(query, params)
        with self._in_bulk():
            return self._work.run(query, params)

    def untold(self, limit: int) -> list[BalanceWarning]:
        rows = self._work.rows(
            "SELECT * FROM balance_warning WHERE NOT told ORDER BY warning_no LIMIT %s FOR UPDATE", (limit,)
        )
        return [_warning(row) for row in rows]

    def tell(self, warning_nos: Sequence[int]) -> None:
        self._work.run("UPDATE balance_warning SET told = true WHERE warning_no = ANY (%s)", (list(warning_nos),))

    # -- limits ----------------------------------------------------------------------------------------------------------

    def limits(self) -> list[BalanceLimit]:
        rows = self._work.rows("SELECT * FROM balance_limit ORDER BY org, tariff_class, effective_from DESC")
        return [_limit(row) for row in rows]

    def set_limit(self, request: SetBalanceLimit) -> BalanceLimit:
        row = self._work.row(
            "INSERT INTO balance_limit (org, tariff_class, effective_from, low_fen, low_days, reason, set_by, set_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (org, tariff_class, effective_from) DO UPDATE SET"
            " low_fen = excluded.low_fen, low_days = excluded.low_days, reason = excluded.reason,"
            " set_by = excluded.set_by, set_at = excluded.set_at RETURNING *",
            (
                request.org,
                request.tariff_class or "",
                request.effective_from,
                None if request.low_amount is None else request.low_amount.fen,
                request.low_days,
                request.reason,
                self._work.call.actor,
                self._work.call.now,
            ),
        )
        assert row is not None
        return _limit(row)

    # -- lists -----------------------------------------------------------------------------------------------------------

    def find(self, request: FindBalances) -> tuple[list[FeeBalance], dict[str, int]]:
        params = request.model_dump()
        matching: LiteralString = (
            " WHERE denghuo.of_unit(f.org, %(org)s) AND (%(account_no)s::text IS NULL OR f.account_no = %(account_no)s)"
            " AND (%(tariff_class)s::text IS NULL OR f.tariff_class = %(tariff_class)s)"
            " AND (%(way)s::text IS NULL OR f.way = %(way)s) AND (%(level)s::text IS NULL OR f.level = %(level)s)"
            " AND (NOT %(protected)s OR f.protected)"
        )
        page: LiteralString = (
            "WITH f AS (SELECT f.* FROM fee_account f"
            + matching
            + " AND (%(after)s::text IS NULL OR f.account_no > %(after)s)"
            " ORDER BY f.account_no LIMIT %(limit)s), " + _COUNTED + " SELECT * FROM counted ORDER BY account_no"
        )
        sums = self._work.row(
            "SELECT count(*) AS total, count(*) FILTER (WHERE level = 'low') AS low,"
            " count(*) FILTER (WHERE level = 'exhausted') AS exhausted FROM fee_account f" + matching,
            params,
        )
        return [_balance(row) for row in self._work.rows(page, params)], dict(sums or {})

    def warnings(self, request: FindBalanceWarnings) -> tuple[list[BalanceWarning], int]:
        params = request.model_dump() | {"below": request.after_number}
        matching: LiteralString = (
            " FROM balance_warning WHERE denghuo.of_unit(org, %(org)s)"
            " AND (%(account_no)s::text IS NULL OR account_no = %(account_no)s)"
            " AND (%(level)s::text IS NULL OR level = %(level)s)"
        )
        rows = self._work.rows(
            "SELECT *" + matching + " AND (%(below)s::bigint IS NULL OR warning_no < %(below)s)"
            " ORDER BY warning_no DESC LIMIT %(limit)s",
            params,
        )
        return [_warning(row) for row in rows], int(self._work.value("SELECT count(*)" + matching, params) or 0)


def _money(fen: int | None) -> Money | None:
    return None if fen is None else Money(fen)


def _balance(row: dict[str, Any]) -> FeeBalance:
    return FeeBalance(
        account_no=row["account_no"],
        org=row["org"],
        tariff_class=row["tariff_class"],
        way=row["way"],
        protected=row["protected"],
        prepaid=Money(row["prepaid_fen"]),
        outstanding=Money(row["outstanding_fen"]),
        unbilled=Money(row["unbilled_fen"]),
        balance=Money(row["balance_fen"]),
        daily_energy=None if row["daily_wh"] is None else Energy(row["daily_wh"]),
        daily_amount=_money(row["daily_fen"]),
        days_left=row["days_left"],
        through_on=row["through_on"],
        level=row["level"],
        level_since=row["level_since"],
    )


def _warning(row: dict[str, Any]) -> BalanceWarning:
    return BalanceWarning(
        warning_no=row["warning_no"],
        account_no=row["account_no"],
        org=row["org"],
        level=row["level"],
        balance=Money(row["balance_fen"]),
        daily_amount=_money(row["daily_fen"]),
        days_left=row["days_left"],
        through_on=row["through_on"],
        protected=row["protected"],
        at=row["at"],
        told=row["told"],
    )


def _limit(row: dict[str, Any]) -> BalanceLimit:
    return BalanceLimit(
        row_key=f"{row['org']} {row['tariff_class']} {row['effective_from']}",
        org=row["org"],
        tariff_class=row["tariff_class"] or None,
        effective_from=row["effective_from"],
        low_amount=_money(row["low_fen"]),
        low_days=row["low_days"],
        reason=row["reason"],
        set_by=row["set_by"],
        set_at=row["set_at"],
    )
