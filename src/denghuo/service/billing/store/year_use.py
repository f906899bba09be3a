"""Queries on the energy that counts in the tier year, and on what bills of earlier months subsidised."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, LiteralString

import pyarrow as pa

from denghuo.data.processing.work import Work
from denghuo.kernel.period import SHANGHAI
from denghuo.service.billing.rules.subsidy import COMPONENT as SUBSIDY
from denghuo.service.billing.store.bills import MONTHS_COVERED, Run
from denghuo.service.billing.used import Used
from denghuo.service.billing.whole import USE

_COLUMNS: Any = [("account_no", pa.string()), ("energy_wh", pa.int64())]
_USED_BEFORE = pa.schema(_COLUMNS)
_USE: LiteralString = "year_use"
_MONTH_BITS: LiteralString = "(2 << right(month, 2)::int) - (1 << greatest(right(month, 2)::int - months + 1, 0))"
"""A bit for each month of the year that the energy of a row runs over, and bit 0 for those of the year before."""
_KNOWN_USE: LiteralString = (
    "(SELECT account_no, month, energy_wh, months FROM year_use WHERE recorded_at <= %(known_at)s UNION ALL"
    " SELECT account_no, month, energy_wh, months FROM year_use_past"
    " WHERE recorded_at <= %(known_at)s AND superseded_at > %(known_at)s) AS known"
)


class YearUse:
    """Energy by account and month: billed here, or taken over from the system before."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def used(self, account_nos: Sequence[str], before: str, known_at: datetime | None = None) -> dict[str, Used]:
        """Energy by earlier month of these accounts, over at most the last twelve months; that of several months stands in the last
        of them, and the others have none. known_at: as it was known then."""
        since = f"{int(before[:4]) - 1}{before[4:]}"
        rows: dict[str, list[dict[str, Any]]] = {}
        for row in self._work.rows(
            "SELECT account_no, month, energy_wh, months FROM "
            + (_USE if known_at is None else _KNOWN_USE)
            + " WHERE account_no = ANY (%(accounts)s) AND month >= %(since)s AND month < %(before)s",
            {"accounts": list(account_nos), "since": since, "before": before, "known_at": known_at},
        ):
            rows.setdefault(row["account_no"], []).append(row)
        return {account_no: Used.of(own) for account_no, own in rows.items()}

    def subsidised(self, account_nos: Sequence[str], before: str, known_at: datetime | None = None) -> dict[str, int]:
        """Wh that issued bills of earlier months subsidised, by account; what was taken back counts against it. known_at: by the
        bills issued until that day."""
        rows = self._work.rows(
            "SELECT bill.account_no, sum(quantity_milli)::bigint AS energy_wh FROM bill JOIN bill_line USING (bill_no)"
            " WHERE bill.account_no = ANY (%(accounts)s) AND kind = 'purchase' AND code = %(code)s AND month < %(before)s"
            " AND state IN ('issued', 'reversed')"
            " AND (%(until)s::date IS NULL OR issued_on <= %(until)s) GROUP BY bill.account_no",
            {
                "accounts": list(account_nos),
                "code": SUBSIDY,
                "before": before,
                "until": None if known_at is None else known_at.astimezone(SHANGHAI).date(),
            },
        )
        return {row["account_no"]: row["energy_wh"] for row in rows}

    def subsidised_of(self, before: str) -> Callable[[str], int]:
        """As `subsidised`, of one account after the other."""
        return lambda account_no: self.subsidised([account_no], before).get(account_no, 0)

    def use_columns(self, accounts: tuple[str, str], before: str) -> pa.Table:
        """Energy of earlier months of the accounts from one to another (`USE`), as far back as `used`."""
        return self._work.table(
            "SELECT account_no, coalesce(sum(energy_wh) FILTER (WHERE month >= %(year)s), 0),"
            f" coalesce(sum({_MONTH_BITS}) FILTER (WHERE month >= %(year)s), 0), sum(energy_wh), sum(months)"
            " FROM year_use WHERE account_no BETWEEN %(first)s AND %(last)s AND month >= %(since)s AND month < %(before)s"
            " GROUP BY account_no",
            {
                "year": f"{before[:4]}-01",
                "first": accounts[0],
                "last": accounts[1],
                "since": f"{int(before[:4]) - 1}{before[4:]}",
                "before": before,
            },
            USE,
        )

    def used_before(self, month: str) -> pa.Table:
        """Energy of the calendar year before a month, by account: account_no, energy_wh."""
        return self._work.table(
            "SELECT account_no, sum(energy_wh) FROM year_use WHERE month >= %s AND month < %s GROUP BY account_no",
            (f"{month[:4]}-01", month),
            _USED_BEFORE,
        )

    def note_use(self, run: Run, at: datetime) -> None:
        """Adds the energy of issued supply bills to the tier year; a reversal does not add, see `Reversals.take_back_use`."""
        self._work.run(
            "INSERT INTO year_use (account_no, month, org, energy_wh, source, billed_on, recorded_at, months)"
            f" SELECT account_no, month, org, energy_wh, 'billed', issued_on, %(at)s, {MONTHS_COVERED} FROM bill"
            f" WHERE month = %(month)s AND run_no = %(run_no)s AND {run.of('bill')} AND kind = 'supply' AND state = 'issued'"
            " AND reverses IS NULL AND case_no IS NULL"
            " ON CONFLICT (account_no, month) DO UPDATE SET energy_wh = excluded.energy_wh, source = excluded.source,"
            " billed_on = excluded.billed_on, recorded_at = excluded.recorded_at, months = excluded.months",
            run.params | {"at": at},
        )

    def take_over(self, rows: Sequence[tuple[str, str, str, int, date | None]], at: datetime) -> tuple[int, int]:
        """Rows (account, month, org, Wh, billed on) of the system before; gives (taken, unchanged). Billed months stay."""
        taken = unchanged = 0
        known = {
            (row["account_no"], row["month"]): (row["energy_wh"], row["source"])
            for row in self._work.rows(
                "SELECT account_no, month, energy_wh, source FROM year_use WHERE account_no = ANY (%s)",
                ([row[0] for row in rows],),
            )
        }
        for account_no, month, org, energy_wh, billed_on in rows:
            before = known.get((account_no, month))
            if before is not None and before[0] == energy_wh:
                unchanged += 1
            elif before is None or before[1] == "taken_over":
                self._work.run(
                    "INSERT INTO year_use (account_no, month, org, energy_wh, source, billed_on, recorded_at)"
                    " VALUES (%s, %s, %s, %s, 'taken_over', %s, %s) ON CONFLICT (account_no, month)"
                    " DO UPDATE SET energy_wh = excluded.energy_wh, recorded_at = excluded.recorded_at",
                    (account_no, month, org, energy_wh, billed_on, at),
                )
                taken += 1
        return taken, unchanged
