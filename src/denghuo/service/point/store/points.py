"""Queries on points, installations and exchanges."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString

import pyarrow as pa
from psycopg.types.json import Jsonb
from psycopg.types.range import Range

from denghuo.data.processing.bulk import arrow_rows
from denghuo.data.processing.work import Work
from denghuo.kernel.period import Month, midnight
from denghuo.kernel.values import Multiplier, Power, Register
from denghuo.service.asset.api import Meter
from denghuo.service.point.api import (
    INSTALLATION,
    Exchange,
    ExchangeRow,
    FindExchanges,
    FindPoints,
    Installation,
    MeterInMonth,
    MetersIn,
    NewPoint,
    Point,
)
from denghuo.service.point.rules import Installed

_POINT: LiteralString = (
    "SELECT p.point_no, p.role, p.direction, p.account_no, p.area_no, p.feeder_no, p.org, i.meter_no, i.multiplier,"
    " p.voltage_kv, p.pv_w, p.pv_mode, p.node_no, i.integer_digits, i.decimal_digits, lower(i.valid) AS installed_at"
    " FROM point p JOIN installation i ON i.point_no = p.point_no AND upper_inf(i.valid) "
)
_INSTALLED: LiteralString = (
    "SELECT point_no, account_no, org, meter_no, direction, lower(valid) AS installed_at, upper(valid) AS removed_at"
    " FROM installation "
)


def _point(row: Mapping[str, Any]) -> Point:
    body = dict(row)
    pv_w = body.pop("pv_w")
    body["pv_kw"] = None if pv_w is None else Power(pv_w)
    body["multiplier"] = Multiplier(body["multiplier"])
    return Point(**body)


def _register(number: int | None) -> Register | None:
    return None if number is None else Register(number)


def _e4(register: Register | None) -> int | None:
    return None if register is None else register.e4


def _meter_in_month(row: dict[str, Any]) -> MeterInMonth:
    pv_w = row.pop("pv_w")
    registers = {name: _register(row.pop(name)) for name in ("start", "final", "start_rev", "final_rev")}
    body = row | registers | {"multiplier": Multiplier(row["multiplier"])}
    return MeterInMonth(**body, pv_kw=None if pv_w is None else Power(pv_w))


class PointStore:
    def __init__(self, work: Work) -> None:
        self._work = work

    # -- points ----------------------------------------------------------------------------------------------------------

    def registered(self, numbers: Sequence[str]) -> dict[str, dict[str, Any]]:
        rows = self._work.rows("SELECT point_no, registered FROM point WHERE point_no = ANY (%s)", (list(numbers),))
        return {row["point_no"]: row["registered"] for row in rows}

    def open_installations(self, meters: Sequence[str]) -> dict[str, list[Installed]]:
        """Where meters hang now, by meter."""
        found: dict[str, list[Installed]] = {}
        for piece in self._work.rows(
            _INSTALLED + "WHERE meter_no = ANY (%s) AND upper_inf(valid) ORDER BY point_no", (list(meters),), Installed
        ):
            found.setdefault(piece.meter_no, []).append(piece)
        return found

    def add(self, points: Sequence[NewPoint], meters: Mapping[str, Meter], at: datetime) -> None:
        self._work.copy_in(
            "point",
            (
                "point_no",
                "role",
                "direction",
                "account_no",
                "area_no",
                "feeder_no",
                "org",
                "voltage_kv",
                "pv_w",
                "pv_mode",
                "node_no",
                "registered",
                "recorded_at",
            ),
            (
                (
                    item.point_no,
                    item.role,
                    item.direction,
                    item.account_no,
                    item.area_no,
                    item.feeder_no,
                    item.org,
                    item.voltage_kv,
                    None if item.pv_kw is None else item.pv_kw.number,
                    item.pv_mode,
                    item.node_no,
                    Jsonb(item.model_dump(mode="json")),
                    at,
                )
                for item in points
            ),
        )
        self._install(
            (
                item.point_no,
                item.account_no,
                item.org,
                item.meter_no,
                item.direction,
                item.multiplier.number,
                meters[item.meter_no].integer_digits,
                meters[item.meter_no].decimal_digits,
                Range(midnight(meters[item.meter_no].installed_on), None, "[)"),
                None,
                None,
                at,
            )
            for item in points
        )

    def _install(self, rows: Any) -> None:
        self._work.copy_in(
            "installation",
            (
                "point_no",
                "account_no",
                "org",
                "meter_no",
                "direction",
                "multiplier",
                "integer_digits",
                "decimal_digits",
                "valid",
                "start_e4",
                "start_rev_e4",
                "recorded_at",
            ),
            rows,
        )

    def find(self, request: FindPoints) -> tuple[list[Point], int]:
        params = {
            "keyword": request.keyword.strip().upper(),
            "role": request.role,
            "area_no": request.area_no,
            "feeder_no": request.feeder_no,
            "org": request.org,
            "after": request.after,
            "limit": request.limit,
        }
        matching: LiteralString = (
            "WHERE (%(keyword)s = '' OR position(%(keyword)s in upper(p.point_no)) > 0"
            " OR position(%(keyword)s in upper(i.meter_no)) > 0 OR position(%(keyword)s in coalesce(p.account_no, '')) > 0)"
            " AND (%(role)s::text IS NULL OR p.role = %(role)s)"
            " AND (%(area_no)s::text IS NULL OR p.area_no = %(area_no)s)"
            " AND (%(feeder_no)s::text IS NULL OR p.feeder_no = %(feeder_no)s)"
            " AND denghuo.of_unit(p.org, %(org)s)"
        )
        rows = self._work.rows(
            _POINT
            + matching
            + " AND (%(after)s::text IS NULL OR p.point_no > %(after)s) ORDER BY p.point_no LIMIT %(limit)s",
            params,
        )
        total = self._work.value(
            "SELECT count(*) FROM point p JOIN installation i ON i.point_no = p.point_no AND upper_inf(i.valid) "
            + matching,
            params,
        )
        return [_point(row) for row in rows], int(total or 0)

    def points(self, numbers: Sequence[str]) -> list[Point]:
        rows = self._work.rows(_POINT + "WHERE p.point_no = ANY (%s) ORDER BY p.point_no", (list(numbers),))
        return [_point(row) for row in rows]

    def of_account(self, account_no: str) -> list[Point]:
        rows = self._work.rows(_POINT + "WHERE p.account_no = %s ORDER BY p.point_no", (account_no,))
        return [_point(row) for row in rows]

    def installations(self, point_no: str) -> list[Installation]:
        rows = self._work.rows(
            "SELECT meter_no, multiplier, integer_digits, decimal_digits, lower(valid) AS installed_at,"
            " upper(valid) AS removed_at,"
            " CASE WHEN direction = 'rev' THEN start_rev_e4 ELSE start_e4 END AS start,"
            " CASE WHEN direction = 'rev' THEN final_rev_e4 ELSE final_e4 END AS final"
            " FROM installation WHERE point_no = %s ORDER BY lower(valid) DESC",
            (point_no,),
        )
        return [
            Installation(
                **{
                    **row,
                    "multiplier": Multiplier(row["multiplier"]),
                    "start": _register(row["start"]),
                    "final": _register(row["final"]),
                }
            )
            for row in rows
        ]

    # -- changes of customer ---------------------------------------------------------------------------------------------

    def hand_over(self, account_no: str, successor_no: str, since: datetime, at: datetime) -> list[str]:
        """Gives the points of an account to another; gives their numbers. An installation that runs over the instant is parted
        there, its meter stays."""
        moved = self._work.values(
            "UPDATE point SET account_no = %s WHERE account_no = %s RETURNING point_no", (successor_no, account_no)
        )
        self._work.run(
            "UPDATE installation SET account_no = %s WHERE point_no = ANY (%s) AND lower(valid) >= %s",
            (successor_no, moved, since),
        )
        parted = self._work.rows(
            "UPDATE installation AS i SET valid = tstzrange(lower(i.valid), %(since)s), final_e4 = NULL, final_rev_e4 = NULL"
            " FROM (SELECT * FROM installation WHERE point_no = ANY (%(points)s) AND valid @> %(since)s FOR UPDATE) AS was"
            " WHERE (i.point_no, i.valid) = (was.point_no, was.valid)"
            " RETURNING was.point_no, was.org, was.meter_no, was.direction, was.multiplier, was.integer_digits,"
            " was.decimal_digits, upper(was.valid) AS ends, was.final_e4, was.final_rev_e4",
            {"points": moved, "since": since},
        )
        self._work.run_many(
            "INSERT INTO installation (point_no, account_no, org, meter_no, direction, multiplier, integer_digits, decimal_digits,"
            " valid, final_e4, final_rev_e4, recorded_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, tstzrange(%s, %s), %s, %s, %s)",
            [
                (
                    row["point_no"],
                    successor_no,
                    row["org"],
                    row["meter_no"],
                    row["direction"],
                    row["multiplier"],
                    row["integer_digits"],
                    row["decimal_digits"],
                    since,
                    row["ends"],
                    row["final_e4"],
                    row["final_rev_e4"],
                    at,
                )
                for row in parted
            ],
        )
        return sorted(moved)

    # -- exchanges -------------------------------------------------------------------------------------------------------

    def exchanges(self, points: Sequence[str]) -> dict[tuple[str, datetime], dict[str, Any]]:
        rows = self._work.rows(
            "SELECT point_no, exchanged_at, body FROM exchange WHERE point_no = ANY (%s)", (list(points),)
        )
        return {(row["point_no"], row["exchanged_at"]): row["body"] for row in rows}

    def exchange(self, item: Exchange, hanging: Sequence[Installed], new: Meter, at: datetime) -> None:
        """Ends the installations of the old meter and begins those of the new one at the same points."""
        self._work.run(
            "UPDATE installation SET valid = tstzrange(lower(valid), %s), final_e4 = %s, final_rev_e4 = %s"
            " WHERE meter_no = %s AND upper_inf(valid)",
            (item.exchanged_at, _e4(item.old_final_fwd), _e4(item.old_final_rev), item.old_meter_no),
        )
        self._install(
            (
                piece.point_no,
                piece.account_no,
                piece.org,
                item.new_meter_no,
                piece.direction,
                item.new_multiplier.number,
                new.integer_digits,
                new.decimal_digits,
                Range(item.exchanged_at, None, "[)"),
                _e4(item.new_start_fwd),
                _e4(item.new_start_rev),
                at,
            )
            for piece in hanging
        )
        own = next(piece for piece in hanging if piece.point_no == item.point_no)
        self._work.run(
            "INSERT INTO exchange (point_no, account_no, org, exchanged_at, body, recorded_at) VALUES (%s, %s, %s, %s, %s, %s)",
            (
                item.point_no,
                own.account_no,
                own.org,
                item.exchanged_at,
                Jsonb(item.model_dump(mode="json")),
                at,
            ),
        )

    def find_exchanges(self, request: FindExchanges) -> tuple[list[ExchangeRow], int, str | None]:
        period = Month.of(request.month).period if request.month else None
        skip = request.after_number or 0
        params = {
            "start": period.start if period else None,
            "end": period.end if period else None,
            "org": request.org,
            "skip": skip,
            "limit": request.limit,
        }
        matching: LiteralString = (
            " FROM exchange WHERE (%(start)s::timestamptz IS NULL OR exchanged_at >= %(start)s)"
            " AND (%(end)s::timestamptz IS NULL OR exchanged_at < %(end)s)"
            " AND denghuo.of_unit(org, %(org)s)"
        )
        rows = self._work.rows(
            "SELECT account_no, org, body"
            + matching
            + " ORDER BY exchanged_at DESC, point_no OFFSET %(skip)s LIMIT %(limit)s",
            params,
        )
        total = int(self._work.value("SELECT count(*)" + matching, params) or 0)
        found = [ExchangeRow(**row["body"], account_no=row["account_no"], org=row["org"]) for row in rows]
        return found, total, str(skip + len(found)) if skip + len(found) < total else None

    # -- dataset ---------------------------------------------------------------------------------------------------------

    def meters_in(self, request: MetersIn) -> list[MeterInMonth]:
        """The meters of accounts and points in a month, with the other points of these meters; the points of meters, and the
        gateways of areas.

        An installation ends where the next one at its point begins, so its end is known when that one is.
        """
        month = Month.of(request.month)
        rows = self._work.rows(
            "WITH known AS ("
            " SELECT i.*, CASE WHEN %(known_at)s::timestamptz IS NULL OR EXISTS (SELECT FROM installation n"
            " WHERE n.point_no = i.point_no AND lower(n.valid) = upper(i.valid) AND n.recorded_at <= %(known_at)s)"
            " THEN upper(i.valid) END AS ends"
            " FROM installation i WHERE (%(known_at)s::timestamptz IS NULL OR i.recorded_at <= %(known_at)s)"
            " AND i.point_no IN (SELECT other.point_no FROM installation mine"
            " JOIN installation other ON other.meter_no = mine.meter_no"
            " WHERE mine.account_no = ANY (%(accounts)s) OR mine.point_no = ANY (%(points)s)"
            " UNION SELECT point_no FROM installation WHERE meter_no = ANY (%(meters)s)"
            " UNION SELECT point_no FROM point WHERE area_no = ANY (%(areas)s) AND role = 'gateway'))"
            " SELECT p.point_no, i.account_no, p.area_no, p.feeder_no, p.org, p.role, p.direction, i.meter_no, i.multiplier,"
            " i.integer_digits, i.decimal_digits, p.pv_w,"
            " greatest(lower(i.valid), %(start)s) AS from_at, least(coalesce(i.ends, %(end)s), %(end)s) AS to_at,"
            " CASE WHEN lower(i.valid) >= %(start)s THEN i.start_e4 END AS start,"
            " CASE WHEN i.ends <= %(end)s THEN i.final_e4 END AS final,"
            " CASE WHEN lower(i.valid) >= %(start)s THEN i.start_rev_e4 END AS start_rev,"
            " CASE WHEN i.ends <= %(end)s THEN i.final_rev_e4 END AS final_rev,"
            " row_number() OVER (PARTITION BY p.point_no ORDER BY lower(i.valid))::int AS piece"
            " FROM point p JOIN known i ON i.point_no = p.point_no"
            " WHERE tstzrange(lower(i.valid), i.ends) && tstzrange(%(start)s, %(end)s) ORDER BY p.point_no, lower(i.valid)",
            {
                "start": month.period.start,
                "end": month.period.end,
                "accounts": request.account_nos,
                "points": request.point_nos,
                "meters": request.meter_nos,
                "areas": request.gateway_area_nos,
                "known_at": request.known_at,
            },
        )
        return [_meter_in_month(row) for row in rows]

    def published(self, month: Month, org: str | None = None) -> pa.Table:
        """The rows of `point.installation` of a month, of one unit where it is given."""
        return arrow_rows(
            self._work,
            INSTALLATION,
            "SELECT p.point_no, i.account_no, p.area_no, p.feeder_no, p.org, p.role, p.direction, i.meter_no, i.multiplier,"
            " i.integer_digits, i.decimal_digits, p.voltage_kv, p.pv_w,"
            " greatest(lower(i.valid), %(start)s), least(coalesce(upper(i.valid), %(end)s), %(end)s),"
            " CASE WHEN lower(i.valid) >= %(start)s THEN i.start_e4 END,"
            " CASE WHEN upper(i.valid) <= %(end)s THEN i.final_e4 END,"
            " CASE WHEN lower(i.valid) >= %(start)s THEN i.start_rev_e4 END,"
            " CASE WHEN upper(i.valid) <= %(end)s THEN i.final_rev_e4 END,"
            " row_number() OVER (PARTITION BY p.point_no ORDER BY lower(i.valid))::int"
            " FROM point p JOIN installation i ON i.point_no = p.point_no"
            " WHERE i.valid && tstzrange(%(start)s, %(end)s) AND (%(org)s::text IS NULL OR p.org = %(org)s)"
            " ORDER BY p.point_no, lower(i.valid)",
            {"start": month.period.start, "end": month.period.end, "org": org},
        )
