"""Queries on what is due, what came, and reads on demand."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, LiteralString

import pyarrow as pa

from denghuo.data.processing.bulk import stage
from denghuo.data.processing.work import Work
from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import Percent
from denghuo.service.acquisition.api import (
    CHANNELS,
    AskSuccess,
    FindLeft,
    FindReads,
    GroupBy,
    Left,
    OnDemandRead,
    ReadAnswer,
    ReadValue,
    SuccessRow,
)
from denghuo.service.acquisition.rules import FIRST_RETRY, LONGEST_RETRY
from denghuo.service.acquisition.store.records import LIVE, NODE_GONE

_READ: LiteralString = (
    "SELECT read_no, meter_no, terminal_no, number, org, asked_by, asked_at, state, cause, answered_at, rows"
    " FROM on_demand_read "
)
_KEY: Mapping[str, LiteralString] = {
    "org": "c.org",
    "terminal": "c.terminal_no",
    "vendor": "t.vendor",
    "channel": "t.channel",
}
_CAUSES = ("offline", "no_answer", "denied", "no_data", "wrong_day", "bad_frame", "no_cipher", "waiting")
CAUSE: LiteralString = (
    f"CASE WHEN c.state = 'due' AND cause IS NULL AND NOT EXISTS"
    f" (SELECT FROM session s WHERE s.terminal_no = c.terminal_no AND {LIVE}) THEN 'offline'"
    " ELSE coalesce(cause, 'waiting') END"
)


class CollectionStore:
    """Queries on what is due, came and is missing."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def start(self, day: date, kind: str, now: datetime, deadline: datetime) -> int:
        """Makes the meters of terminals in use due for a day; what is missing already is asked for again. How many."""
        return self._work.run(
            "INSERT INTO collection (day, kind, meter_no, terminal_no, number, address, org, next_at, deadline)"
            " SELECT %(day)s, %(kind)s, meter_no, m.terminal_no, number, address, m.org, %(now)s, %(deadline)s"
            " FROM terminal_meter m JOIN terminal t USING (terminal_no) WHERE t.state = 'in_use'"
            " ON CONFLICT (day, kind, meter_no) DO UPDATE SET state = 'due', cause = NULL, tries = 0,"
            " next_at = excluded.next_at, deadline = excluded.deadline, terminal_no = excluded.terminal_no,"
            " number = excluded.number, address = excluded.address WHERE collection.state = 'missing'",
            {"day": day, "kind": kind, "now": now, "deadline": deadline},
        )

    def take(self, outcomes: pa.Table, now: datetime) -> tuple[int, int]:
        """Marks what was collected, and plans the next try of the rest: (collected, failed)."""
        stage(self._work, "outcome", outcomes)
        done = self._work.run(
            "UPDATE collection c SET state = 'done', cause = NULL, done_at = %s, tries = tries + 1 FROM outcome o"
            " WHERE c.day = o.day AND c.kind = o.kind AND c.meter_no = o.meter_no AND o.cause IS NULL"
            " AND c.state <> 'done'",
            (now,),
        )
        failed = self._work.run(
            "UPDATE collection c SET cause = o.cause, tries = tries + 1,"
            " next_at = %(now)s + least(%(first)s * 2 ^ least(tries, 10), %(longest)s) FROM outcome o"
            " WHERE c.day = o.day AND c.kind = o.kind AND c.meter_no = o.meter_no AND o.cause IS NOT NULL"
            " AND c.state = 'due'",
            {"now": now, "first": FIRST_RETRY, "longest": LONGEST_RETRY},
        )
        return done, failed

    def newest_day(self, kind: str | None) -> date | None:
        return self._work.value(
            "SELECT max(day) FROM collection WHERE %(kind)s::text IS NULL OR kind = %(kind)s", {"kind": kind}
        )

    def success(self, request: AskSuccess, day: date, now: datetime) -> list[SuccessRow]:
        counted: LiteralString = ", ".join(f"count(*) FILTER (WHERE why = '{cause}') AS {cause}" for cause in _CAUSES)
        rows = self._work.rows(
            "SELECT key, CASE WHEN min(org) = max(org) THEN min(org) END AS org,"
            " count(*) AS due, count(*) FILTER (WHERE state = 'done') AS done, "
            + counted
            + " FROM (SELECT "
            + _KEY[request.by]
            + " AS key, c.org, c.state, CASE WHEN c.state <> 'done' THEN "
            + CAUSE
            + " END AS why FROM collection c JOIN terminal t USING (terminal_no) WHERE day = %(day)s AND kind = %(kind)s)"
            " AS one GROUP BY key ORDER BY count(*) FILTER (WHERE state = 'done')::numeric / count(*), key",
            {"day": day, "kind": request.kind, "alive": now - NODE_GONE},
        )
        return [
            SuccessRow(**row, group=_group(request.by, row["key"]), rate=Percent(row["done"] * 10_000 // row["due"]))
            for row in rows
        ]

    def left(self, request: FindLeft, day: date | None, now: datetime) -> tuple[list[Left], int]:
        params = {**request.model_dump(), "day": day, "alive": now - NODE_GONE}
        matching: LiteralString = (
            "FROM collection c WHERE state <> 'done' AND day = %(day)s"
            " AND (%(kind)s::text IS NULL OR kind = %(kind)s)"
            " AND (%(terminal_no)s::text IS NULL OR terminal_no = %(terminal_no)s)"
            " AND (%(cause)s::text IS NULL OR " + CAUSE + " = %(cause)s) AND denghuo.of_unit(org, %(org)s)"
        )
        key: LiteralString = "meter_no || ' ' || kind"
        rows = self._work.rows(
            "SELECT "
            + key
            + " AS row_key, day, kind, meter_no, terminal_no, number, org, state, "
            + CAUSE
            + " AS cause, tries, deadline "
            + matching
            + " AND (%(after)s::text IS NULL OR "
            + key
            + " > %(after)s) ORDER BY 1 LIMIT %(limit)s",
            params,
            Left,
        )
        return rows, int(self._work.value("SELECT count(*) " + matching, params) or 0)

    # -- reads on demand -------------------------------------------------------------------------------------------------

    def place(self, meter_no: str, now: datetime) -> Mapping[str, Any] | None:
        """Where a meter is collected, and whether its terminal is online."""
        return self._work.row(
            "SELECT m.terminal_no, m.number, m.address, m.org, coalesce(" + LIVE + ", false) AS online"
            " FROM terminal_meter m LEFT JOIN session s USING (terminal_no) WHERE m.meter_no = %(meter_no)s",
            {"meter_no": meter_no, "alive": now - NODE_GONE},
        )

    def ask(self, read: OnDemandRead, address: str) -> None:
        self._work.copy_in(
            "on_demand_read",
            (
                "read_no",
                "meter_no",
                "terminal_no",
                "number",
                "address",
                "org",
                "asked_by",
                "asked_at",
                "state",
                "cause",
                "answered_at",
            ),
            [
                (
                    read.read_no,
                    read.meter_no,
                    read.terminal_no,
                    read.number,
                    address,
                    read.org,
                    read.asked_by,
                    read.asked_at,
                    read.state,
                    read.cause,
                    read.answered_at,
                )
            ],
        )

    def read(self, read_no: str) -> OnDemandRead | None:
        row = self._work.row(_READ + "WHERE read_no = %s", (read_no,))
        return _read(row) if row else None

    def reads(self, request: FindReads) -> list[OnDemandRead]:
        rows = self._work.rows(
            _READ + "WHERE (%(meter_no)s::text IS NULL OR meter_no = %(meter_no)s)"
            " AND (%(after)s::text IS NULL OR read_no < %(after)s) ORDER BY read_no DESC LIMIT %(limit)s",
            request.model_dump(),
        )
        return [_read(row) for row in rows]

    def answer(self, answers: Sequence[ReadAnswer], now: datetime) -> int:
        return self._work.run_many(
            "UPDATE on_demand_read SET state = %s, cause = %s, rows = %s, answered_at = %s"
            " WHERE read_no = %s AND state = 'waiting'",
            [
                (
                    "failed" if one.cause else "answered",
                    one.cause,
                    json.dumps([row.model_dump(mode="json") for row in one.rows]),
                    now,
                    one.read_no,
                )
                for one in answers
            ],
        )


def _read(row: Mapping[str, Any]) -> OnDemandRead:
    return OnDemandRead.model_validate({**row, "rows": [ReadValue.model_validate(one) for one in row["rows"]]})


def _group(by: GroupBy, key: str) -> TextPair:
    """What a group is called: a channel by its name, all others as they are."""
    return TextPair(**CHANNELS.entries[key]) if by == "channel" else TextPair(zh=key, en=key)
