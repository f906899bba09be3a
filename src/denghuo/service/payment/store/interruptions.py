"""Queries on interruptions under fee control."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString

from denghuo.data.processing.work import Work
from denghuo.kernel.fields import TextPair
from denghuo.kernel.problem import Text, text
from denghuo.service.ledger.api import FallenBalance
from denghuo.service.payment.api import FindInterruptions, Interruption, InterruptionState

_INTERRUPTION: LiteralString = (
    "SELECT interruption_no, account_no, meter_no, org, state, NOT w.exhausted AS paid, due_at, switching_no, note_zh, note_en,"
    " opened_at, changed_at FROM interruption i JOIN balance_word w USING (account_no) "
)
NOTHING = text("", "")


class InterruptionStore:
    """Queries on interruptions and on what the ledger said last."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def hear(self, accounts: Sequence[FallenBalance], exhausted: bool) -> list[str]:
        """Keeps what the ledger says; gives the accounts of which nothing later was known."""
        params = ([one.account_no for one in accounts], [one.warning_no for one in accounts], exhausted)
        return self._work.values(
            "INSERT INTO balance_word AS w (account_no, warning_no, exhausted)"
            " SELECT account_no, max(warning_no), %s FROM unnest(%s::text[], %s::bigint[]) AS n (account_no, warning_no)"
            " GROUP BY account_no ON CONFLICT (account_no) DO UPDATE SET warning_no = excluded.warning_no,"
            " exhausted = excluded.exhausted WHERE w.warning_no < excluded.warning_no RETURNING account_no",
            (params[2], params[0], params[1]),
        )

    def open(self, meters: Sequence[tuple[str, str, str]], now: datetime) -> int:
        """meters: account, meter, unit. Of a meter that is under way already nothing new is opened; gives how many were."""
        return self._work.run_many(
            "INSERT INTO interruption (account_no, meter_no, org, due_at, opened_at, changed_at)"
            " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (meter_no) WHERE state <> 'closed' DO NOTHING",
            [(*one, now, now, now) for one in meters],
        )

    def hasten(self, account_nos: Sequence[str], now: datetime) -> int:
        """Those of accounts that are not over are looked at now; gives how many."""
        return self._work.run(
            "UPDATE interruption SET due_at = %s WHERE account_no = ANY (%s) AND state <> 'closed'",
            (now, list(account_nos)),
        )

    def due(self, now: datetime, limit: int) -> list[Interruption]:
        rows = self._work.rows(_INTERRUPTION + "WHERE due_at <= %s ORDER BY due_at, 1 LIMIT %s", (now, limit))
        return [_interruption(row) for row in rows]

    def of_switching(self, switching_no: int, meter_no: str) -> Interruption | None:
        """That of a switching, or of a meter that somebody switched otherwise."""
        row = self._work.row(
            _INTERRUPTION + "WHERE state <> 'closed' AND (switching_no = %s OR meter_no = %s)"
            " ORDER BY switching_no = %s DESC NULLS LAST LIMIT 1",
            (switching_no, meter_no, switching_no),
        )
        return _interruption(row) if row else None

    def move(
        self,
        one: Interruption,
        state: InterruptionState,
        now: datetime,
        due_at: datetime | None = None,
        note: Text = NOTHING,
        switching_no: int | None = None,
    ) -> bool:
        """Goes on from where it was seen; whether it still was there."""
        return bool(
            self._work.run(
                "UPDATE interruption SET state = %s, changed_at = %s, due_at = %s, note_zh = %s, note_en = %s,"
                " switching_no = coalesce(%s, switching_no) WHERE interruption_no = %s AND state = %s",
                (state, now, due_at, note["zh"], note["en"], switching_no, one.interruption_no, one.state),
            )
        )

    def find(self, request: FindInterruptions) -> tuple[list[Interruption], Mapping[str, int]]:
        params: dict[str, Any] = {**request.model_dump(), "after": request.after_number}
        matching: LiteralString = (
            "WHERE (state = %(state)s OR (%(state)s::text IS NULL AND state <> 'closed'))"
            " AND (%(account_no)s::text IS NULL OR account_no = %(account_no)s)"
            " AND (%(meter_no)s::text IS NULL OR meter_no = %(meter_no)s) AND denghuo.of_unit(org, %(org)s)"
        )
        rows = self._work.rows(
            _INTERRUPTION
            + matching
            + " AND (%(after)s::bigint IS NULL OR interruption_no < %(after)s) ORDER BY 1 DESC LIMIT %(limit)s",
            params,
        )
        counts = self._work.row(
            "SELECT count(*) AS total, count(*) FILTER (WHERE state = 'off') AS disconnected FROM interruption "
            + matching,
            params,
        )
        return [_interruption(row) for row in rows], counts or {}


def _interruption(row: dict[str, Any]) -> Interruption:
    note = TextPair(zh=row.pop("note_zh"), en=row.pop("note_en"))
    return Interruption.model_validate({**row, "note": note})
