"""Queries on the asset schema."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString

from denghuo.data.processing.work import Work
from denghuo.kernel.values import Multiplier
from denghuo.service.asset.api import AssetCount, Custody, FindMeters, Meter, Move, NewMeter
from denghuo.service.asset.rules import Held

_METER: LiteralString = (
    "SELECT meter_no, kind, status, multiplier, integer_digits, decimal_digits, installed_on, org FROM meter "
)


def _meter(row: Mapping[str, Any]) -> Meter:
    return Meter.model_construct(**{**row, "multiplier": Multiplier(row["multiplier"])})


class AssetStore:
    def __init__(self, work: Work) -> None:
        self._work = work

    def meters(self, numbers: Sequence[str]) -> dict[str, Meter]:
        rows = self._work.rows(_METER + "WHERE meter_no = ANY (%s) ORDER BY meter_no", (list(numbers),))
        return {row["meter_no"]: _meter(row) for row in rows}

    def registered(self, numbers: Sequence[str]) -> dict[str, NewMeter]:
        """The meters as they were registered, for telling a repeat from a change."""
        rows = self._work.rows(
            "SELECT meter_no, kind, multiplier, integer_digits, decimal_digits, installed_on, registered_org AS org"
            " FROM meter WHERE meter_no = ANY (%s)",
            (list(numbers),),
        )
        return {
            row["meter_no"]: NewMeter.model_construct(**{**row, "multiplier": Multiplier(row["multiplier"])})
            for row in rows
        }

    def add(self, meters: Sequence[NewMeter], at: datetime) -> None:
        self._work.copy_in(
            "meter",
            (
                "meter_no",
                "kind",
                "multiplier",
                "integer_digits",
                "decimal_digits",
                "installed_on",
                "org",
                "registered_org",
                "status",
                "recorded_at",
            ),
            (
                (
                    item.meter_no,
                    item.kind,
                    item.multiplier.number,
                    item.integer_digits,
                    item.decimal_digits,
                    item.installed_on,
                    item.org,
                    item.org,
                    "in_store",
                    at,
                )
                for item in meters
            ),
        )

    def held(self, meters: Sequence[str]) -> list[Held]:
        return self._work.rows(
            "SELECT meter_no, point_no, lower(valid) AS placed_at, upper(valid) AS removed_at FROM custody"
            " WHERE meter_no = ANY (%s)",
            (list(meters),),
            Held,
        )

    def move(self, moves: Sequence[Move], at: datetime) -> None:
        """Applies moves that were judged to be possible, removals last, and lets unit and status of the meters follow."""
        placed = [move for move in moves if move.kind == "placed"]
        removed = [move for move in moves if move.kind == "removed"]
        if placed:
            self._work.run(
                "INSERT INTO custody (meter_no, point_no, org, valid, recorded_at)"
                " SELECT m, p, o, tstzrange(f, NULL), %s FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[])"
                " AS t (m, p, o, f)",
                (at, *_columns(placed)),
            )
        if removed:
            self._work.run(
                "UPDATE custody SET valid = tstzrange(lower(valid), f)"
                " FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[]) AS t (m, p, o, f)"
                " WHERE meter_no = m AND point_no = p AND upper_inf(valid)",
                _columns(removed),
            )
        self._work.run(
            "UPDATE meter SET org = coalesce(c.org, meter.org), status = CASE WHEN c.open THEN 'in_use' ELSE 'removed' END"
            " FROM (SELECT DISTINCT ON (meter_no) meter_no, org, upper_inf(valid) AS open FROM custody"
            " WHERE meter_no = ANY (%s) ORDER BY meter_no, upper_inf(valid) DESC, lower(valid) DESC) AS c"
            " WHERE meter.meter_no = c.meter_no",
            ([move.meter_no for move in moves],),
        )

    def life(self, meter_no: str) -> list[Custody]:
        return self._work.rows(
            "SELECT point_no, org, lower(valid) AS placed_at, upper(valid) AS removed_at FROM custody"
            " WHERE meter_no = %s ORDER BY lower(valid) DESC, point_no",
            (meter_no,),
            Custody,
        )

    def find(self, request: FindMeters) -> tuple[list[Meter], int]:
        params = {
            "keyword": request.keyword.strip().upper(),
            "kind": request.kind,
            "status": request.status,
            "org": request.org,
            "after": request.after,
            "limit": request.limit,
        }
        matching: LiteralString = (
            "WHERE position(%(keyword)s in upper(meter_no)) > 0"
            " AND (%(kind)s::text IS NULL OR kind = %(kind)s)"
            " AND (%(status)s::text IS NULL OR status = %(status)s)"
            " AND denghuo.of_unit(org, %(org)s)"
        )
        rows = self._work.rows(
            _METER
            + matching
            + " AND (%(after)s::text IS NULL OR meter_no > %(after)s) ORDER BY meter_no LIMIT %(limit)s",
            params,
        )
        total = int(self._work.value("SELECT count(*) FROM meter " + matching, params) or 0)
        return [_meter(row) for row in rows], total

    def summary(self, org: str | None) -> list[AssetCount]:
        return self._work.rows(
            "SELECT kind, status, count(*) AS count FROM meter WHERE denghuo.of_unit(org, %(org)s)"
            " GROUP BY kind, status ORDER BY kind, status",
            {"org": org},
            AssetCount,
        )


def _columns(moves: Sequence[Move]) -> tuple[list[str], list[str], list[str], list[datetime]]:
    return (
        [move.meter_no for move in moves],
        [move.point_no for move in moves],
        [move.org for move in moves],
        [move.at for move in moves],
    )
