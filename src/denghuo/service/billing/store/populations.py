"""Queries on runs that try a tariff on everybody."""

import json
from datetime import datetime
from typing import Any

from denghuo.data.processing.work import Work
from denghuo.kernel.fields import TextPair

Row = dict[str, Any]


class Populations:
    def __init__(self, work: Work) -> None:
        self._work = work

    def begin(self, code: str, version: int, first: str, last: str, by: str, at: datetime) -> tuple[int, bool]:
        """The run of a tariff and months that is under way, and whether it was begun just now."""
        begun = self._work.run(
            "INSERT INTO population_run (code, version, first_month, last_month, started_by, started_at, resumed_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (code, version, first, last, by, at, at),
        )
        number = self._work.value(
            "SELECT max(run_no) FROM population_run WHERE code = %s AND version = %s AND first_month = %s"
            " AND last_month = %s AND state <> 'done'",
            (code, version, first, last),
        )
        return int(number or 0), bool(begun)

    def one(self, run_no: int) -> Row | None:
        return self._work.row("SELECT * FROM population_run WHERE run_no = %s", (run_no,))

    def found(self, code: str | None, after: int | None, limit: int) -> tuple[list[Row], int]:
        """Runs, the newest first."""
        rows = self._work.rows(
            "SELECT * FROM population_run WHERE (%s::text IS NULL OR code = %s) AND (%s::int IS NULL OR run_no < %s)"
            " ORDER BY run_no DESC LIMIT %s",
            (code, code, after, after, limit),
        )
        total = self._work.value(
            "SELECT count(*) FROM population_run WHERE (%s::text IS NULL OR code = %s)", (code, code)
        )
        return rows, int(total or 0)

    def take_month(self, run: Row, month: Row) -> bool:
        """Adds what came of the next month; False where another job has done it. A stop in the meantime loses nothing."""
        return bool(
            self._work.run(
                "UPDATE population_run SET months = months || %s::jsonb, done = done + 1"
                " WHERE run_no = %s AND epoch = %s AND done = %s",
                (json.dumps([month], ensure_ascii=False), run["run_no"], run["epoch"], run["done"]),
            )
        )

    def end(self, run: Row, result: str, at: datetime) -> None:
        self._work.run(
            "UPDATE population_run SET state = 'done', result = %s::jsonb, ended_at = %s, busy_ms = busy_ms + %s"
            " WHERE run_no = %s AND epoch = %s AND state = 'running'",
            (result, at, _since(run, at), run["run_no"], run["epoch"]),
        )

    def halt(self, run: Row, state: str, at: datetime, trouble: TextPair | None = None) -> None:
        """Stops a run that is under way, or says why it failed."""
        self._work.run(
            "UPDATE population_run SET state = %s, trouble = %s, busy_ms = busy_ms + %s"
            " WHERE run_no = %s AND state = 'running'",
            (state, trouble.model_dump_json() if trouble else None, _since(run, at), run["run_no"]),
        )

    def resume(self, run_no: int, at: datetime) -> int | None:
        """The new epoch of a run that stood still; None where it does not."""
        epoch: int | None = self._work.value(
            "UPDATE population_run SET state = 'running', epoch = epoch + 1, trouble = NULL, resumed_at = %s,"
            " resumed_done = done WHERE run_no = %s AND state IN ('stopped', 'failed') RETURNING epoch",
            (at, run_no),
        )
        return epoch


def _since(run: Row, at: datetime) -> int:
    return max(int((at - run["resumed_at"]).total_seconds() * 1000), 0)
