"""Queries on terminals, the meters behind them and their newest connections."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, LiteralString

from denghuo.data.processing.work import Work, containing
from denghuo.service.acquisition.api import (
    AmendTerminal,
    FindStrangers,
    FindTerminals,
    NewTerminal,
    NewTerminalMeter,
    Stranger,
    Terminal,
    TerminalMeter,
)

NODE_GONE = timedelta(seconds=30)
"""A front that did not renew its row for so long has no connections any more."""
LIVE: LiteralString = (
    "(s.online AND EXISTS (SELECT FROM front_node n WHERE n.node = s.node AND n.alive_at > %(alive)s))"
)
LINK: LiteralString = f"CASE WHEN s.terminal_no IS NULL THEN 'never' WHEN {LIVE} THEN 'online' ELSE 'offline' END"
_TERMINAL: LiteralString = (
    "SELECT t.terminal_no, protocol, name, vendor, channel, t.org, area_no, endpoint, count_wh, registers, state, "
    + LINK
    + " AS link, s.peer, s.connected_at, s.heard_at, s.ended_by, coalesce(s.logins, 0) AS logins,"
    " coalesce(s.frames_in, 0) AS frames_in, coalesce(s.frames_out, 0) AS frames_out, s.clock_offset_s,"
    " (SELECT count(*) FROM terminal_meter m WHERE m.terminal_no = t.terminal_no) AS meters"
    " FROM terminal t LEFT JOIN session s USING (terminal_no) "
)


class RecordStore:
    """Queries on terminals and the meters behind them."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def registered(self, numbers: Sequence[str]) -> dict[str, NewTerminal]:
        rows = self._work.rows(
            "SELECT terminal_no, protocol, name, vendor, channel, org, area_no, endpoint, count_wh, registers FROM terminal"
            " WHERE terminal_no = ANY (%s)",
            (list(numbers),),
        )
        return {row["terminal_no"]: NewTerminal.model_construct(**row) for row in rows}

    def at_endpoints(self, endpoints: Sequence[str]) -> dict[str, str]:
        """Terminals in use by their network address, in small letters."""
        rows = self._work.rows(
            "SELECT lower(endpoint) AS endpoint, terminal_no FROM terminal WHERE state <> 'stopped'"
            " AND lower(endpoint) = ANY (%s)",
            ([one.lower() for one in endpoints],),
        )
        return {row["endpoint"]: row["terminal_no"] for row in rows}

    def add(self, terminals: Sequence[NewTerminal], at: datetime) -> None:
        names = tuple(NewTerminal.model_fields)
        self._work.copy_in(
            "terminal", (*names, "recorded_at"), ((*(getattr(one, name) for name in names), at) for one in terminals)
        )

    def assigned(
        self, items: Sequence[NewTerminalMeter]
    ) -> tuple[dict[str, NewTerminalMeter], dict[tuple[str, int], NewTerminalMeter]]:
        """The known assignments of these meters, and of these places."""
        rows = self._work.rows(
            "SELECT terminal_no, number, meter_no, address FROM terminal_meter WHERE meter_no = ANY (%s)"
            " OR (terminal_no, number) IN (SELECT * FROM unnest(%s::text[], %s::int[]))",
            (
                [one.meter_no for one in items],
                [one.terminal_no for one in items],
                [one.number for one in items],
            ),
        )
        found = [NewTerminalMeter.model_construct(**row) for row in rows]
        return {one.meter_no: one for one in found}, {(one.terminal_no, one.number): one for one in found}

    def assign(self, items: Sequence[NewTerminalMeter], orgs: dict[str, str], at: datetime) -> None:
        self._work.copy_in(
            "terminal_meter",
            ("terminal_no", "number", "meter_no", "address", "org", "recorded_at"),
            ((one.terminal_no, one.number, one.meter_no, one.address, orgs[one.terminal_no], at) for one in items),
        )

    def amend(self, request: AmendTerminal) -> None:
        self._work.run(
            "UPDATE terminal SET name = coalesce(%(name)s, name), vendor = coalesce(%(vendor)s, vendor),"
            " channel = coalesce(%(channel)s, channel), endpoint = coalesce(%(endpoint)s, endpoint),"
            " registers = coalesce(%(registers)s, registers),"
            " state = coalesce(%(state)s, state)"
            " WHERE terminal_no = %(terminal_no)s",
            request.model_dump(exclude={"reason"}),
        )

    def find(self, request: FindTerminals, now: datetime) -> tuple[list[Terminal], int, int, int]:
        """A page; how many there are in all, how many of those are online, and the meters behind them."""
        params: dict[str, Any] = {
            **request.model_dump(exclude={"keyword"}),
            "pattern": containing(request.keyword),
            "alive": now - NODE_GONE,
        }
        matching: LiteralString = (
            "WHERE (t.terminal_no LIKE %(pattern)s OR lower(name) LIKE %(pattern)s)"
            " AND (%(protocol)s::text IS NULL OR protocol = %(protocol)s)"
            " AND (%(vendor)s::text IS NULL OR vendor = %(vendor)s)"
            " AND (%(channel)s::text IS NULL OR channel = %(channel)s)"
            " AND (%(link)s::text IS NULL OR " + LINK + " = %(link)s)"
            " AND denghuo.of_unit(t.org, %(org)s)"
        )
        rows = self._work.rows(
            _TERMINAL
            + matching
            + " AND (%(after)s::text IS NULL OR t.terminal_no > %(after)s) ORDER BY t.terminal_no LIMIT %(limit)s",
            params,
            Terminal,
        )
        counted = self._work.row(
            "SELECT count(*) AS total, count(*) FILTER (WHERE "
            + LIVE
            + ") AS online, coalesce(sum((SELECT count(*) FROM terminal_meter m WHERE m.terminal_no = t.terminal_no)), 0)::bigint"
            " AS meters FROM terminal t LEFT JOIN session s USING (terminal_no) " + matching,
            params,
        )
        return rows, *((counted["total"], counted["online"], counted["meters"]) if counted else (0, 0, 0))

    def terminal(self, terminal_no: str, now: datetime) -> Terminal | None:
        return self._work.row(
            _TERMINAL + "WHERE t.terminal_no = %(terminal_no)s",
            {"terminal_no": terminal_no, "alive": now - NODE_GONE},
            Terminal,
        )

    def meters(self, terminal_no: str) -> list[TerminalMeter]:
        return self._work.rows(
            "SELECT number, meter_no, address FROM terminal_meter WHERE terminal_no = %s ORDER BY number",
            (terminal_no,),
            TerminalMeter,
        )

    def strangers(self, request: FindStrangers) -> list[Stranger]:
        return self._work.rows(
            "SELECT terminal_no, protocol, peer, tries, first_at, heard_at FROM stranger"
            " WHERE (%(after)s::text IS NULL OR terminal_no > %(after)s) ORDER BY terminal_no, protocol LIMIT %(limit)s",
            request.model_dump(),
            Stranger,
        )
