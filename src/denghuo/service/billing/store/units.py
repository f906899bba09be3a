"""Queries on the units of a month that is billed unit by unit."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import DatasetRef
from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import SHANGHAI

UNDER_WAY = ("reading", "rating", "review", "issuing")
AWAITED = "read_awaited"
"""The exception of an account whose meter was not read at the end of the month."""


@dataclass(frozen=True)
class UnitRun:
    """A row of the table of units."""

    month: str
    org: str
    state: str
    failed_in: str | None
    epoch: int
    due: int
    read: int
    terms: dict[str, Any] | None
    energy: dict[str, Any] | None
    limits: dict[str, int] | None
    done: int
    accounts: int
    started_at: datetime | None
    started_by: str | None
    rated_from: datetime | None
    rated_until: datetime | None
    ended_at: datetime | None
    trouble: dict[str, str] | None
    later: int = 0

    @property
    def terms_ref(self) -> DatasetRef | None:
        return None if self.terms is None else DatasetRef.model_validate(self.terms)

    @property
    def energy_ref(self) -> DatasetRef | None:
        return None if self.energy is None else DatasetRef.model_validate(self.energy)


class Units:
    """The units of the months."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def unit(self, month: str, org: str) -> UnitRun | None:
        return self._work.row("SELECT * FROM billing_unit WHERE month = %s AND org = %s", (month, org), UnitRun)

    def units(self, month: str, org: str | None = None) -> list[UnitRun]:
        return self._work.rows(
            "SELECT * FROM billing_unit WHERE month = %s AND denghuo.of_unit(org, %s) ORDER BY org",
            (month, org),
            UnitRun,
        )

    def newest_month(self) -> str | None:
        return self._work.value("SELECT max(month) FROM billing_unit")

    def under_way(self, month: str) -> list[str]:
        return self._work.values(
            "SELECT org FROM billing_unit WHERE month = %s AND state = ANY (%s) ORDER BY org", (month, list(UNDER_WAY))
        )

    def note_reads(self, month: str, org: str, due: int, read: int) -> UnitRun:
        """Keeps what was told of a unit's reads. An older word that comes later takes nothing back."""
        found: UnitRun | None = self._work.row(
            "INSERT INTO billing_unit AS u (month, org, due, read) VALUES (%s, %s, %s, %s) ON CONFLICT (month, org)"
            " DO UPDATE SET due = CASE WHEN excluded.read >= u.read THEN excluded.due ELSE u.due END,"
            " read = greatest(u.read, excluded.read) RETURNING *",
            (month, org, due, read),
            UnitRun,
        )
        assert found is not None  # an upsert without a condition gives its row
        return found

    def begin(self, month: str, org: str, by: str, at: datetime) -> int | None:
        """Begins a unit that was not begun, has failed or was stopped; the epoch of its run, else None. The time in which nothing
        was done does not count in its rate: what was rated keeps its speed."""
        self._work.run("INSERT INTO billing_unit (month, org) VALUES (%s, %s) ON CONFLICT DO NOTHING", (month, org))
        epoch: int | None = self._work.value(
            "UPDATE billing_unit SET epoch = epoch + 1, trouble = NULL, started_by = coalesce(started_by, %(by)s),"
            " started_at = coalesce(started_at, %(at)s), state = coalesce(failed_in, 'reading'),"
            " rated_from = CASE WHEN rated_until IS NULL THEN %(at)s ELSE rated_from + (%(at)s - rated_until) END,"
            " rated_until = CASE WHEN rated_until IS NULL THEN NULL ELSE %(at)s END"
            " WHERE month = %(month)s AND org = %(org)s AND state IN ('planned', 'failed', 'stopped') RETURNING epoch",
            {"month": month, "org": org, "by": by, "at": at},
        )
        return epoch

    def take_step(self, unit: UnitRun, issuing: bool = False) -> bool:
        """Locks the unit for the writing part of a step; False where another step came first or the month is run as a whole.

        The month's row is kept from changing hands; an issue takes it for itself, because issues of a month have numbers.
        """
        month = self._work.row(
            "SELECT state FROM cycle WHERE month = %s FOR UPDATE"
            if issuing
            else "SELECT state FROM cycle WHERE month = %s FOR KEY SHARE",
            (unit.month,),
        )
        row = self._work.row(
            "SELECT state, epoch, done FROM billing_unit WHERE month = %s AND org = %s FOR UPDATE",
            (unit.month, unit.org),
        )
        present = {"state": unit.state, "epoch": unit.epoch, "done": unit.done}
        return month is not None and month["state"] == "units" and row == present

    def note_inputs(
        self, unit: UnitRun, terms: DatasetRef, energy: DatasetRef, due: int, read: int, later: int
    ) -> None:
        """later: accounts that are read in a later month."""
        self._work.run(
            "UPDATE billing_unit SET terms = %s, energy = %s, due = greatest(due, %s), read = greatest(read, %s), done = 0,"
            " later = %s WHERE month = %s AND org = %s",
            (terms.model_dump_json(), energy.model_dump_json(), due, read, later, unit.month, unit.org),
        )

    def note_limits(self, unit: UnitRun, limits: Mapping[str, int]) -> None:
        self._work.run(
            "UPDATE billing_unit SET limits = %s WHERE month = %s AND org = %s",
            (json.dumps(limits), unit.month, unit.org),
        )

    def rated(self, unit: UnitRun, done: int, accounts: int, at: datetime) -> None:
        self._work.run(
            "UPDATE billing_unit SET done = %s, accounts = %s, rated_until = %s WHERE month = %s AND org = %s",
            (done, accounts, at, unit.month, unit.org),
        )

    def enter(self, unit: UnitRun, state: str, at: datetime) -> None:
        """Brings a unit to its next state; `issued` is the last."""
        self._work.run(
            "UPDATE billing_unit SET state = %s, ended_at = CASE WHEN %s = 'issued' THEN %s END WHERE month = %s AND org = %s",
            (state, state, at, unit.month, unit.org),
        )

    def fail(self, unit: UnitRun, trouble: TextPair) -> None:
        self._work.run(
            "UPDATE billing_unit SET failed_in = state, state = 'failed', trouble = %s"
            " WHERE month = %s AND org = %s AND epoch = %s",
            (trouble.model_dump_json(), unit.month, unit.org, unit.epoch),
        )

    def stop(self, month: str, org: str) -> None:
        """Stops a unit that is under way before its next step."""
        self._work.run(
            "UPDATE billing_unit SET failed_in = state, state = 'stopped', epoch = epoch + 1"
            " WHERE month = %s AND org = %s AND state = ANY (%s)",
            (month, org, list(UNDER_WAY)),
        )

    # -- the blocked list ------------------------------------------------------------------------------------------------

    def waiting(self, month: str, org: str) -> list[str]:
        """The accounts of a unit that wait for a read."""
        return self._work.values(
            "SELECT DISTINCT account_no FROM hold WHERE month = %s AND org = %s AND code = %s AND state = 'open'"
            " ORDER BY account_no",
            (month, org, AWAITED),
        )

    def end_waiting(self, month: str, at: datetime) -> None:
        """Nobody waits any longer: the month is run as a whole, with what was read and what rules estimate."""
        self._work.run(
            "UPDATE hold SET state = 'resolved', settled_at = %s, settled_by = 'system', settled_why = ''"
            " WHERE month = %s AND code = %s AND state = 'open'",
            (at, month, AWAITED),
        )

    # -- the setting -----------------------------------------------------------------------------------------------------

    def auto_start(self) -> tuple[bool, int]:
        row = self._work.row("SELECT active, share FROM auto_start")
        assert row is not None  # the migration wrote it
        return row["active"], row["share"]

    def set_auto_start(self, active: bool, share: int) -> None:
        self._work.run("UPDATE auto_start SET active = %s, share = %s", (active, share))

    def ready(self, share: int, now: datetime) -> list[tuple[str, str]]:
        """(month, unit) of the newest month that is over: units that were not begun, with this percent of their meters read."""
        over = f"{now.astimezone(SHANGHAI):%Y-%m}"
        rows = self._work.rows(
            "SELECT month, org FROM billing_unit WHERE month = (SELECT max(month) FROM billing_unit WHERE month < %s)"
            " AND state = 'planned' AND due > 0 AND read * 100 >= due * %s ORDER BY org",
            (over, share),
        )
        return [(row["month"], row["org"]) for row in rows]

    # -- the board -------------------------------------------------------------------------------------------------------

    def figures(self, month: str, org: str | None) -> dict[str, dict[str, int]]:
        """Bills and exceptions of a month by unit."""
        found: dict[str, dict[str, int]] = {}
        for row in self._work.rows(
            "SELECT org, count(*) FILTER (WHERE state <> 'reversed' AND reverses IS NULL AND case_no IS NULL) AS rated,"
            " count(*) FILTER (WHERE state = 'issued' AND reverses IS NULL AND case_no IS NULL) AS issued,"
            " coalesce(sum(energy_wh) FILTER (WHERE state = 'issued' AND kind = 'supply'), 0)::bigint AS energy_wh,"
            " coalesce(sum(amount_fen) FILTER (WHERE state = 'issued' AND kind = 'supply'), 0)::bigint AS amount_fen"
            " FROM bill WHERE month = %s AND denghuo.of_unit(org, %s) GROUP BY org",
            (month, org),
        ):
            found.setdefault(row["org"], dict(NO_FIGURES)).update({name: row[name] for name in row if name != "org"})
        for row in self._work.rows(
            "SELECT org, count(DISTINCT (account_no, kind)) FILTER (WHERE state = 'open') AS open,"
            " count(DISTINCT (account_no, kind)) FILTER (WHERE state = 'open' AND bill_no IS NULL) AS unrated,"
            " count(DISTINCT account_no) FILTER (WHERE state = 'open' AND code = %s) AS waiting,"
            " count(DISTINCT (account_no, kind)) FILTER (WHERE state <> 'noted') AS held"
            " FROM hold WHERE month = %s AND denghuo.of_unit(org, %s) GROUP BY org",
            (AWAITED, month, org),
        ):
            found.setdefault(row["org"], dict(NO_FIGURES)).update({name: row[name] for name in row if name != "org"})
        for org_of, wrong in self._wrong(month, org).items():
            found.setdefault(org_of, dict(NO_FIGURES))["wrong_fen"] = wrong
        return found

    def _wrong(self, month: str, org: str | None) -> dict[str, int]:
        """Money that was billed wrongly, by unit: what a rebilled bill changed, all of one that was only taken back, and what
        adjustment bills of the month settled for errors (theft, breach and other refunds are none)."""
        rows = self._work.rows(
            "SELECT org, sum(wrong)::bigint AS wrong FROM ("
            "SELECT was.org, abs(was.amount_fen - coalesce(new.amount_fen, 0)) AS wrong FROM bill AS was"
            " LEFT JOIN bill AS new ON (new.month, new.account_no, new.kind) = (was.month, was.account_no, was.kind)"
            " AND new.state = 'issued' AND new.reverses IS NULL AND new.case_no IS NULL"
            " WHERE was.month = %(month)s AND was.state = 'reversed' AND was.kind = 'supply' AND was.reverses IS NULL"
            " AND was.case_no IS NULL UNION ALL "
            "SELECT bill.org, abs(bill.amount_fen) FROM bill JOIN adjustment_case USING (case_no)"
            " WHERE bill.month = %(month)s AND bill.state = 'issued' AND bill.kind = 'supply' AND bill.reverses IS NULL"
            " AND adjustment_case.cause NOT IN ('theft', 'breach', 'refund')"
            ") AS errors WHERE denghuo.of_unit(org, %(org)s) GROUP BY org",
            {"month": month, "org": org},
        )
        return {row["org"]: row["wrong"] for row in rows}


NO_FIGURES = dict.fromkeys(
    ("rated", "issued", "energy_wh", "amount_fen", "open", "unrated", "waiting", "held", "wrong_fen"), 0
)
