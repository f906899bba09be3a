"""Reading side of the billing schema: lists, one bill, exceptions, sums. Row security decides what exists for the caller."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Page
from denghuo.kernel.period import Month
from denghuo.service.billing.api import FindBills, FindCycles, FindExceptions, MyBills, SetReviewRule, Summarise
from denghuo.service.billing.store import HOLD, CycleState, Hold
from denghuo.service.billing.store.replaced import RATED_BY, Fact
from denghuo.service.billing.used import Used

_BILL_ROW = (
    "SELECT bill_no, account_no, org, month, kind, tariff_class, energy_wh, amount_fen, state, issued_on, due_on,"
    " estimated_days, illustrative, reverses, case_no FROM bill"
)
_WHOLE: LiteralString = "bill JOIN (SELECT bill_no, registers, rating FROM bill_basis) AS basis USING (bill_no)"
"""Bills with what they were rated from."""
_SUMS = (
    "SELECT count(*) AS total,"
    " coalesce(sum(energy_wh) FILTER (WHERE kind = 'supply'), 0)::bigint AS energy_wh,"
    " coalesce(sum(amount_fen) FILTER (WHERE kind = 'supply'), 0)::bigint AS amount_fen,"
    " coalesce(sum(energy_wh) FILTER (WHERE kind = 'purchase'), 0)::bigint AS purchase_energy_wh,"
    " coalesce(sum(amount_fen) FILTER (WHERE kind = 'purchase'), 0)::bigint AS purchase_amount_fen FROM bill"
)
_BILL_FILTER = (
    " WHERE (%(month)s::text IS NULL OR month = %(month)s)"
    " AND (%(account_no)s::text IS NULL OR account_no = %(account_no)s)"
    " AND (%(keyword)s = '' OR account_no ^@ %(keyword)s OR bill_no ^@ %(keyword)s)"
    " AND (%(state)s::text IS NULL OR state = %(state)s)"
    " AND (%(kind)s::text IS NULL OR kind = %(kind)s)"
    " AND denghuo.of_unit(org, %(org)s)"
    " AND (%(tariff_class)s::text IS NULL OR tariff_class = %(tariff_class)s)"
    " AND (NOT %(issued)s OR state IN ('issued', 'reversed'))"
    " AND (%(own)s::text[] IS NULL OR account_no = ANY (%(own)s))"
)
_REPLAYABLE: LiteralString = " WHERE month = %(month)s AND state IN ('issued', 'reversed')"
_BILLED_BY: LiteralString = (
    " WHERE month = ANY (%(months)s) AND state <> 'reversed' AND reverses IS NULL AND case_no IS NULL"
    " AND (%(before)s::timestamptz IS NULL OR rated_at < %(before)s)"
    " AND EXISTS (SELECT FROM unnest(%(names)s::text[], %(versions)s::int[]) AS one (name, version) WHERE "
    + RATED_BY
    + ")"
)
"""Bills that stand, by these facts."""
_HOLD_FILTER = (
    " WHERE (%(month)s::text IS NULL OR month = %(month)s)"
    " AND (%(keyword)s = '' OR account_no ^@ %(keyword)s)"
    " AND (%(code)s::text IS NULL OR code = %(code)s)"
    " AND (%(state)s::text IS NULL OR state = %(state)s)"
    " AND (%(kind)s::text IS NULL OR kind = %(kind)s)"
    " AND denghuo.of_unit(org, %(org)s)"
    " AND (%(tariff_class)s::text IS NULL OR tariff_class = %(tariff_class)s)"
    " AND (%(releasable)s::bool IS NULL OR (bill_no IS NOT NULL AND state = 'open') = %(releasable)s)"
)


class BillingFinder:
    def __init__(self, work: Work) -> None:
        self._work = work

    # -- bills -------------------------------------------------------------------------------------------------------------

    def bills(self, request: FindBills, issued: bool) -> tuple[list[dict[str, Any]], dict[str, int]]:
        """A page of bills in the order of their numbers, and the sums over all that match."""
        params = request.model_dump() | {"issued": issued, "own": None, "keyword": request.keyword.strip()}
        order = " AND (%(after)s::text IS NULL OR bill_no > %(after)s) ORDER BY bill_no LIMIT %(limit)s"
        return self._bills(params, order)

    def own_bills(self, request: MyBills, accounts: tuple[str, ...]) -> tuple[list[dict[str, Any]], dict[str, int]]:
        """Issued bills of these accounts, newest month first."""
        params: dict[str, Any] = {
            "month": None,
            "account_no": None,
            "keyword": "",
            "state": None,
            "kind": request.kind,
            "org": None,
            "tariff_class": None,
            "issued": True,
            "own": list(accounts),
            "after": request.after,
            "limit": request.limit,
        }
        order = " AND (%(after)s::text IS NULL OR bill_no < %(after)s) ORDER BY bill_no DESC LIMIT %(limit)s"
        return self._bills(params, order)

    def _bills(self, params: dict[str, Any], order: LiteralString) -> tuple[list[dict[str, Any]], dict[str, int]]:
        rows = self._work.rows(_BILL_ROW + _BILL_FILTER + order, params)
        sums = self._work.row(_SUMS + _BILL_FILTER, params)
        assert sums is not None  # an aggregate always has a row
        return rows, sums

    def bill(self, bill_no: str, issued: bool) -> dict[str, Any] | None:
        return self._work.row(
            f"SELECT * FROM {_WHOLE} WHERE bill_no = %s AND (NOT %s OR state IN ('issued', 'reversed'))",
            (bill_no, issued),
        )

    def bill_before(self, account_no: str, kind: str, month: str) -> str | None:
        """The newest issued bill of an account and kind before a month."""
        return self._work.value(
            "SELECT bill_no FROM bill WHERE account_no = %s AND kind = %s AND month < %s AND state = 'issued'"
            " AND reverses IS NULL AND case_no IS NULL ORDER BY month DESC, bill_no DESC LIMIT 1",
            (account_no, kind, month),
        )

    def neighbours(self, row: dict[str, Any], before: str) -> dict[str, int]:
        """What the other accounts of a bill's class, unit and transformer area used in its month and in an earlier one: how many
        were billed or rated in both, and their energies."""
        found: dict[str, int] | None = self._work.row(
            "SELECT count(*) AS count, coalesce(sum(earlier.energy_wh), 0)::bigint AS before_wh,"
            " coalesce(sum(bill.energy_wh), 0)::bigint AS now_wh FROM bill JOIN bill AS earlier USING (account_no, kind)"
            " WHERE bill.month = %(month)s AND bill.kind = %(kind)s AND bill.org = %(org)s"
            " AND bill.tariff_class = %(tariff_class)s AND bill.area_no IS NOT DISTINCT FROM %(area_no)s"
            " AND bill.account_no <> %(account_no)s AND bill.state <> 'reversed' AND bill.reverses IS NULL"
            " AND bill.case_no IS NULL AND earlier.month = %(before)s AND earlier.state = 'issued'"
            " AND earlier.reverses IS NULL AND earlier.case_no IS NULL",
            {
                **{name: row[name] for name in ("month", "kind", "org", "tariff_class", "area_no", "account_no")},
                "before": before,
            },
        )
        assert found is not None  # an aggregate has a row
        return found

    def year_of_bills(self, account_no: str, kind: str, months: int) -> list[dict[str, Any]]:
        """The newest issued bills of an account and kind, at most so many, in the order of their months."""
        rows = self._work.rows(
            f"SELECT * FROM {_WHOLE} WHERE account_no = %s AND kind = %s AND state = 'issued' AND reverses IS NULL"
            " AND case_no IS NULL ORDER BY month DESC, bill_no DESC LIMIT %s",
            (account_no, kind, months),
        )
        return rows[::-1]

    def uses(self, account_no: str) -> Used:
        """Energy of an account by month, as far back as it is known."""
        rows = self._work.rows("SELECT month, energy_wh, months FROM year_use WHERE account_no = %s", (account_no,))
        return Used.of(rows)

    # -- computed again ----------------------------------------------------------------------------------------------------

    def replayable(
        self, month: str, seed: str | None, after: str | None, limit: int
    ) -> tuple[list[dict[str, Any]], int]:
        """A page of issued bills of a month, each with its `place` in the order, and the number of all of them."""
        params = {"month": month, "seed": seed, "after": after, "limit": limit}
        rows = self._work.rows(
            "SELECT * FROM (SELECT bill.*, registers, rating, CASE WHEN %(seed)s::text IS NULL THEN bill_no"
            " ELSE md5(%(seed)s || bill_no) END AS place FROM " + _WHOLE + _REPLAYABLE + ") b"
            " WHERE %(after)s::text IS NULL OR place > %(after)s ORDER BY place LIMIT %(limit)s",
            params,
        )
        return rows, int(self._work.value("SELECT count(*) FROM bill" + _REPLAYABLE, params) or 0)

    def billed_by(
        self,
        facts: Sequence[Fact],
        months: Sequence[str],
        page: Page,
        before: datetime | None = None,
    ) -> tuple[list[dict[str, Any]], dict[str, int]]:
        """A page of standing bills of months and of the ones after them, in which two months are read together, that were rated by
        one of the facts; and their sums. before: those that were rated before an instant."""
        params = {
            "names": [name for name, _ in facts],
            "versions": [version for _, version in facts],
            "months": sorted({str(one) for month in months for one in (month, Month.of(month).next)}),
            "before": before,
            "after": page.after,
            "limit": page.limit,
        }
        rows = self._work.rows(
            "SELECT bill.*, registers, rating FROM "
            + _WHOLE
            + _BILLED_BY
            + " AND (%(after)s::text IS NULL OR bill_no > %(after)s) ORDER BY bill_no LIMIT %(limit)s",
            params,
        )
        sums = self._work.row(
            "SELECT count(*) FILTER (WHERE state = 'issued') AS issued, count(*) FILTER (WHERE state <> 'issued') AS not_issued,"
            " coalesce(sum(amount_fen) FILTER (WHERE state = 'issued'), 0)::bigint AS issued_fen FROM "
            + _WHOLE
            + _BILLED_BY,
            params,
        )
        assert sums is not None  # an aggregate has a row
        return rows, sums

    def versions(self, months: Sequence[str]) -> list[Fact]:
        """The versions of tariffs that bills of months were rated by."""
        rows = self._work.rows(
            "SELECT DISTINCT tariff_code, tariff_version FROM bill WHERE month = ANY (%s)", (list(months),)
        )
        return [(row["tariff_code"], row["tariff_version"]) for row in rows]

    def whole_lines(self, bill_nos: list[str]) -> dict[str, list[dict[str, Any]]]:
        """Lines by bill, all columns with their explanation where it is stored, else where their prices stand."""
        found: dict[str, list[dict[str, Any]]] = {number: [] for number in bill_nos}
        for row in self._work.rows(
            'SELECT bill_no, line, code, "group", band, tier, quantity_milli, price_e8, amount_fen, detail, unit, document_no,'
            " illustrative FROM bill_line LEFT JOIN line_source USING (source_no)"
            " WHERE bill_no = ANY (%s) ORDER BY bill_no, line",
            (bill_nos,),
        ):
            found[row["bill_no"]].append(row)
        return found

    def summary(self, request: Summarise) -> list[dict[str, Any]]:
        """Bills of a month by kind and class; energy and amounts of issued ones, with their adjustments."""
        return self._work.rows(
            "SELECT kind, tariff_class, count(*) FILTER (WHERE state <> 'reversed' AND case_no IS NULL) AS count,"
            " count(*) FILTER (WHERE state = 'issued' AND case_no IS NULL) AS issued,"
            " count(*) FILTER (WHERE state = 'held') AS held,"
            " coalesce(sum(energy_wh) FILTER (WHERE state = 'issued'), 0)::bigint AS energy_wh,"
            " coalesce(sum(amount_fen) FILTER (WHERE state = 'issued'), 0)::bigint AS amount_fen FROM bill"
            " WHERE month = %(month)s AND denghuo.of_unit(org, %(org)s) GROUP BY kind, tariff_class"
            " ORDER BY kind DESC, amount_fen DESC",
            request.model_dump(),
        )

    # -- exceptions --------------------------------------------------------------------------------------------------------

    def exceptions(self, request: FindExceptions) -> tuple[list[Hold], int]:
        params = request.model_dump() | {"keyword": request.keyword.strip()}
        rows = self._work.rows(
            HOLD
            + _HOLD_FILTER
            + " AND (%(after)s::text IS NULL OR exception_no > %(after)s) ORDER BY exception_no LIMIT %(limit)s",
            params,
            Hold,
        )
        return rows, int(self._work.value("SELECT count(*) FROM hold" + _HOLD_FILTER, params) or 0)

    def exception(self, exception_no: str) -> Hold | None:
        return self._work.row(HOLD + " WHERE exception_no = %s", (exception_no,), Hold)

    def holds_on(self, bill_no: str) -> list[Hold]:
        return self._work.rows(HOLD + " WHERE bill_no = %s ORDER BY exception_no", (bill_no,), Hold)

    def bill_state(self, bill_no: str) -> str | None:
        return self._work.value("SELECT state FROM bill WHERE bill_no = %s", (bill_no,))

    # -- cycles ------------------------------------------------------------------------------------------------------------

    def cycles(self, request: FindCycles) -> tuple[list[CycleState], int]:
        rows = self._work.rows(
            "SELECT month, state, stage, epoch, run_no, accounts, terms, energy, started_at, started_by, ended_at,"
            " resumed_at, resumed_done, busy_ms, trouble, limits, later FROM cycle"
            " WHERE (%(state)s::text IS NULL OR state = %(state)s)"
            " AND (%(after)s::text IS NULL OR month < %(after)s) ORDER BY month DESC LIMIT %(limit)s",
            request.model_dump(),
            CycleState,
        )
        total = self._work.value(
            "SELECT count(*) FROM cycle WHERE (%(state)s::text IS NULL OR state = %(state)s)", request.model_dump()
        )
        return rows, int(total or 0)

    def figures(self, months: list[str]) -> dict[str, dict[str, int]]:
        """Counts and sums of each month within the caller's units: rated bills, issued, held accounts, energy, amounts."""
        found: dict[str, dict[str, int]] = {
            month: {
                "rated": 0,
                "issued": 0,
                "held": 0,
                "held_in_all": 0,
                "unrated": 0,
                "energy_wh": 0,
                "amount_fen": 0,
                "purchase_energy_wh": 0,
                "purchase_amount_fen": 0,
            }
            for month in months
        }
        for row in self._work.rows(
            "SELECT month, count(*) FILTER (WHERE state <> 'reversed' AND case_no IS NULL) AS rated,"
            " count(*) FILTER (WHERE state = 'issued' AND case_no IS NULL) AS issued,"
            " coalesce(sum(energy_wh) FILTER (WHERE state = 'issued' AND kind = 'supply'), 0)::bigint AS energy_wh,"
            " coalesce(sum(amount_fen) FILTER (WHERE state = 'issued' AND kind = 'supply'), 0)::bigint AS amount_fen,"
            " coalesce(sum(energy_wh) FILTER (WHERE state = 'issued' AND kind = 'purchase'), 0)::bigint"
            " AS purchase_energy_wh,"
            " coalesce(sum(amount_fen) FILTER (WHERE state = 'issued' AND kind = 'purchase'), 0)::bigint"
            " AS purchase_amount_fen FROM bill WHERE month = ANY (%s) GROUP BY month",
            (months,),
        ):
            found[row.pop("month")].update(row)
        for row in self._work.rows(
            "SELECT month, count(DISTINCT (account_no, kind)) FILTER (WHERE state = 'open') AS held,"
            " count(DISTINCT (account_no, kind)) FILTER (WHERE state = 'open' AND bill_no IS NULL) AS unrated,"
            " count(DISTINCT (account_no, kind)) FILTER (WHERE state <> 'noted') AS held_in_all"
            " FROM hold WHERE month = ANY (%s) GROUP BY month",
            (months,),
        ):
            found[row.pop("month")].update(row)
        return found

    def rules(self) -> list[dict[str, Any]]:
        return self._work.rows(
            'SELECT code, kind, tariff_class, "limit", active, severity FROM review_rule ORDER BY 1, 2, 3'
        )

    def set_rule(self, rule: SetReviewRule) -> dict[str, Any]:
        """The rule as it stands then. Without a limit that of the class stays, else it has that of all classes."""
        row: dict[str, Any] | None = self._work.row(
            'INSERT INTO review_rule AS rule (code, kind, tariff_class, "limit", active, severity) VALUES (%(code)s, %(kind)s,'
            ' %(tariff_class)s, coalesce(%(limit)s, (SELECT "limit" FROM review_rule WHERE (code, kind, tariff_class)'
            " = (%(code)s, %(kind)s, '')), 0), %(on)s, %(severity)s)"
            ' ON CONFLICT (code, kind, tariff_class) DO UPDATE SET "limit" = coalesce(%(limit)s, rule."limit"),'
            " active = excluded.active, severity = excluded.severity"
            ' RETURNING code, kind, tariff_class, "limit", active, severity',
            rule.model_dump() | {"tariff_class": rule.tariff_class or ""},
        )
        assert row is not None  # an insert that returns
        return row

    # -- the review of a month ---------------------------------------------------------------------------------------------

    def newest_rated(self) -> str | None:
        return self._work.value("SELECT max(month) FROM bill")

    def reviewed_units(self, month: str, org: str | None) -> list[dict[str, Any]]:
        """Contracts of a month by unit: all, held at any time, held now, passed with a remark."""
        return self._work.rows(
            "WITH entry AS (SELECT account_no, kind, org FROM bill WHERE month = %(month)s AND state NOT IN ('reversed', 'rated')"
            " AND reverses IS NULL AND case_no IS NULL UNION SELECT account_no, kind, org FROM hold WHERE month = %(month)s),"
            " found AS (SELECT account_no, kind, bool_or(state <> 'noted') AS held, bool_or(state = 'open') AS open"
            " FROM hold WHERE month = %(month)s GROUP BY account_no, kind)"
            " SELECT org, count(*) AS accounts, count(*) FILTER (WHERE held) AS held, count(*) FILTER (WHERE open) AS open,"
            " count(*) FILTER (WHERE NOT held) AS noted FROM entry LEFT JOIN found USING (account_no, kind)"
            " WHERE denghuo.of_unit(org, %(org)s) GROUP BY org ORDER BY org",
            {"month": month, "org": org},
        )

    def reviewed_rules(self, month: str, org: str | None) -> list[dict[str, Any]]:
        """What each rule found in a month, by what became of it."""
        return self._work.rows(
            "SELECT code, count(*) AS found, count(*) FILTER (WHERE state = 'noted') AS noted,"
            " count(*) FILTER (WHERE state = 'open') AS open, count(*) FILTER (WHERE state = 'released') AS released,"
            " count(*) FILTER (WHERE state = 'resolved') AS resolved FROM hold WHERE month = %(month)s"
            " AND denghuo.of_unit(org, %(org)s) GROUP BY code ORDER BY found DESC, code",
            {"month": month, "org": org},
        )
