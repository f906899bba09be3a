"""Queries on cycles and their stages."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import DatasetRef
from denghuo.kernel.fields import TextPair

STAGE_NAMES = ("plan", "read", "rate", "review", "issue")
_CYCLE = (
    "SELECT month, state, stage, epoch, run_no, accounts, terms, energy, started_at, started_by, ended_at, resumed_at,"
    " resumed_done, busy_ms, trouble, limits, later FROM cycle"
)


@dataclass(frozen=True)
class CycleState:
    """A row of the cycle table."""

    month: str
    state: str
    stage: str
    epoch: int
    run_no: int
    accounts: int
    terms: dict[str, Any] | None
    energy: dict[str, Any] | None
    started_at: datetime
    started_by: str
    ended_at: datetime | None
    resumed_at: datetime
    resumed_done: int
    busy_ms: int
    trouble: dict[str, str] | None
    limits: dict[str, int] | None = None
    later: int = 0

    @property
    def terms_ref(self) -> DatasetRef | None:
        return None if self.terms is None else DatasetRef.model_validate(self.terms)

    @property
    def energy_ref(self) -> DatasetRef | None:
        return None if self.energy is None else DatasetRef.model_validate(self.energy)


@dataclass(frozen=True)
class StageRow:
    stage: str
    done: int
    total: int
    started_at: datetime | None
    ended_at: datetime | None


class Cycles:
    """The months' cycles and their stages."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def cycle(self, month: str) -> CycleState | None:
        return self._work.row(_CYCLE + " WHERE month = %s", (month,), CycleState)

    def stages(self, month: str) -> dict[str, StageRow]:
        rows = self._work.rows(
            "SELECT stage, done, total, started_at, ended_at FROM cycle_stage WHERE month = %s", (month,), StageRow
        )
        return {row.stage: row for row in rows}

    def state(self, month: str) -> str | None:
        return self._work.value("SELECT state FROM cycle WHERE month = %s", (month,))

    def months(self, since: str) -> list[str]:
        """The months from one on of which anything was billed, in order."""
        rows = self._work.rows("SELECT month FROM cycle WHERE month >= %s ORDER BY month", (since,))
        return [row["month"] for row in rows]

    def begun(self, month: str) -> bool:
        """Whether the month, or a unit of it, is being billed or was; single accounts may have been billed to the day before."""
        return bool(
            self._work.value(
                "SELECT EXISTS (SELECT FROM cycle WHERE month = %s AND (state <> 'units' OR EXISTS (SELECT FROM billing_unit u"
                " WHERE u.month = cycle.month AND u.state <> 'planned')))",
                (month,),
            )
        )

    def keeps_units(self, month: str) -> bool:
        """Whether a month is billed unit by unit; it stays so until the transaction ends."""
        state = self._work.value("SELECT state FROM cycle WHERE month = %s FOR KEY SHARE", (month,))
        return bool(state == "units")

    def start(self, month: str, by: str, at: datetime, state: str = "running") -> bool:
        """Enters the month; False where it was there before."""
        fresh = self._work.run(
            "INSERT INTO cycle (month, state, stage, started_at, started_by, resumed_at)"
            " VALUES (%s, %s, 'plan', %s, %s, %s) ON CONFLICT DO NOTHING",
            (month, state, at, by, at),
        )
        if fresh:
            self._work.run_many(
                "INSERT INTO cycle_stage (month, stage) VALUES (%s, %s)", [(month, stage) for stage in STAGE_NAMES]
            )
        return bool(fresh)

    def take_whole(self, month: str, by: str, at: datetime) -> int | None:
        """Begins the whole month where it was billed unit by unit; the epoch of its run, else None."""
        epoch: int | None = self._work.value(
            "UPDATE cycle SET state = 'running', epoch = epoch + 1, started_at = %s, started_by = %s, resumed_at = %s"
            " WHERE month = %s AND state = 'units' RETURNING epoch",
            (at, by, at, month),
        )
        return epoch

    def stop(self, month: str, at: datetime) -> None:
        self._work.run(
            "UPDATE cycle SET state = 'stopped',"
            " busy_ms = busy_ms + greatest(0, (extract(epoch FROM %s - resumed_at) * 1000)::bigint)"
            " WHERE month = %s AND state = 'running'",
            (at, month),
        )

    def resume(self, month: str, done: int, at: datetime) -> int | None:
        """Begins a new run of the job; its epoch, or None where the month is done."""
        epoch: int | None = self._work.value(
            "UPDATE cycle SET busy_ms = busy_ms + CASE WHEN state = 'running'"
            " THEN greatest(0, (extract(epoch FROM %(at)s - resumed_at) * 1000)::bigint) ELSE 0 END,"
            " state = 'running', trouble = NULL, epoch = epoch + 1, resumed_at = %(at)s, resumed_done = %(done)s"
            " WHERE month = %(month)s AND state NOT IN ('done', 'units') RETURNING epoch",
            {"month": month, "at": at, "done": done},
        )
        return epoch

    def take_step(self, cycle: CycleState, done: int) -> bool:
        """Locks the cycle's row for the writing part of a step; False where another step or a stop came first.

        What was computed before the lock is then thrown away; nothing of it was written.
        """
        row = self._work.row(
            "SELECT c.stage, c.state, c.epoch, s.done FROM cycle c JOIN cycle_stage s USING (month, stage)"
            " WHERE month = %s FOR UPDATE OF c",
            (cycle.month,),
        )
        present = (cycle.stage, "running", cycle.epoch, done)
        return row is not None and (row["stage"], row["state"], row["epoch"], row["done"]) == present

    def lock(self, month: str) -> str:
        """Keeps the month's steps apart from a change to one account; gives the stage, "done" at the end and
        where the month is billed unit by unit: then what passes is issued at once."""
        row = self._work.row("SELECT state, stage FROM cycle WHERE month = %s FOR UPDATE", (month,))
        return "" if row is None else "done" if row["state"] in ("done", "units") else str(row["stage"])

    def begin_stage(self, month: str, stage: str, total: int, at: datetime) -> None:
        """Notes the start; a stage that was begun keeps its own."""
        self._work.run(
            "UPDATE cycle_stage SET started_at = coalesce(started_at, %s), total = greatest(total, %s)"
            " WHERE month = %s AND stage = %s",
            (at, total, month, stage),
        )

    def progress(self, month: str, stage: str, done: int) -> None:
        self._work.run("UPDATE cycle_stage SET done = %s WHERE month = %s AND stage = %s", (done, month, stage))

    def end_stage(self, month: str, stage: str, total: int, at: datetime) -> None:
        """Closes the stage and opens the next; after the last one the month is done."""
        self._work.run(
            "UPDATE cycle_stage SET done = %s, total = %s, started_at = coalesce(started_at, %s), ended_at = %s"
            " WHERE month = %s AND stage = %s",
            (total, total, at, at, month, stage),
        )
        following = STAGE_NAMES.index(stage) + 1
        if following < len(STAGE_NAMES):
            self._work.run("UPDATE cycle SET stage = %s WHERE month = %s", (STAGE_NAMES[following], month))
            self._work.run(
                "UPDATE cycle_stage SET started_at = %s WHERE month = %s AND stage = %s",
                (at, month, STAGE_NAMES[following]),
            )
        else:
            self._work.run(
                "UPDATE cycle SET state = 'done', ended_at = %s,"
                " busy_ms = busy_ms + greatest(0, (extract(epoch FROM %s - resumed_at) * 1000)::bigint) WHERE month = %s",
                (at, at, month),
            )

    def fail(self, month: str, trouble: TextPair, at: datetime) -> None:
        self.stop(month, at)
        self._work.run(
            "UPDATE cycle SET state = 'failed', trouble = %s WHERE month = %s", (trouble.model_dump_json(), month)
        )

    def note_inputs(
        self,
        month: str,
        terms: DatasetRef | None,
        energy: DatasetRef | None,
        accounts: int | None,
        later: int | None = None,
    ) -> None:
        """accounts: contracts to bill; later: accounts that are read in a later month. None = as before."""
        self._work.run(
            "UPDATE cycle SET terms = coalesce(%s, terms), energy = coalesce(%s, energy), accounts = coalesce(%s, accounts),"
            " later = coalesce(%s, later) WHERE month = %s",
            (terms and terms.model_dump_json(), energy and energy.model_dump_json(), accounts, later, month),
        )

    def note_limits(self, month: str, limits: Mapping[str, int]) -> None:
        """Keeps the limits that the month is reviewed by."""
        self._work.run("UPDATE cycle SET limits = %s WHERE month = %s", (json.dumps(limits), month))

    def next_run(self, month: str) -> int:
        """The number of the next issue of the month; its row lock keeps two issues apart."""
        return int(
            self._work.value("UPDATE cycle SET run_no = run_no + 1 WHERE month = %s RETURNING run_no", (month,)) or 0
        )
