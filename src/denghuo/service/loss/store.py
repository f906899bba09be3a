"""Queries on the loss schema."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from denghuo.data.processing.work import Work
from denghuo.kernel.values import Energy, Percent
from denghuo.service.loss.api import AreaLoss, FeederLoss, FindAreas

_AREA: LiteralString = (
    "month, area_no, name, feeder_no, org, supply_wh, generation_wh, sale_wh, loss_wh, rate_e2, limit_e2, rank, sale_points,"
    " held, estimated, flags"
)

PATIENCE = timedelta(hours=1)
"""For so long a job that was ordered is awaited; one that failed for good may not keep a month from being computed."""


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    body = dict(row)
    for name in ("rate", "limit"):
        if f"{name}_e2" in body:
            share = body.pop(f"{name}_e2")
            body[name] = None if share is None else Percent(share)
    for name in ("supply", "generation", "sale", "loss", "area_loss", "line_loss"):
        if f"{name}_wh" in body:
            wh = body.pop(f"{name}_wh")
            body[name] = None if wh is None else Energy(wh)
    if "flags" in body:
        body["finding"] = body["flags"][0]["code"] if body["flags"] else None
    return body


@dataclass(frozen=True)
class Turn:
    """A month's turn to be computed. asked: how often it was asked for until now; due: whether since it was last computed."""

    asked: int
    due: bool
    computed_at: datetime | None

    def at(self, now: datetime) -> datetime:
        """The instant of the computation: later than the last, also where its call waited behind a younger one."""
        return now if self.computed_at is None else max(now, self.computed_at + timedelta(microseconds=1))


class LossStore:
    def __init__(self, work: Work) -> None:
        self._work = work

    # -- when a month is computed ----------------------------------------------------------------------------------------

    def ask(self, month: str, now: datetime) -> bool:
        """Notes that a month is to be computed; whether a job is to be ordered for it. None is where one was ordered that has yet
        to answer, unless that is so long ago that it will not."""
        ordered = self._work.value(
            "INSERT INTO computation AS c (month, asked, ordered_at) VALUES (%(month)s, 1, %(now)s)"
            " ON CONFLICT (month) DO UPDATE SET asked = c.asked + 1, ordered_at = CASE"
            " WHEN c.asked > c.answered AND c.ordered_at > %(now)s - %(patience)s THEN c.ordered_at ELSE %(now)s END"
            " RETURNING ordered_at = %(now)s",
            {"month": month, "now": now, "patience": PATIENCE},
        )
        return bool(ordered)

    def begin(self, month: str) -> Turn:
        """One at a time computes a month, from what is published when its turn comes. Held until the transaction ends."""
        self._work.value("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"loss {month}",))
        row = self._work.row(
            "SELECT asked, asked > answered AS due, computed_at FROM computation WHERE month = %s", (month,)
        )
        return Turn(0, False, None) if row is None else Turn(**row)

    def answer(self, month: str, turn: Turn, at: datetime) -> bool:
        """Notes that the month was computed as of its turn; whether it was asked for again since."""
        again = self._work.value(
            "INSERT INTO computation AS c (month, computed_at) VALUES (%(month)s, %(at)s)"
            " ON CONFLICT (month) DO UPDATE SET answered = %(asked)s, computed_at = %(at)s"
            " RETURNING c.asked > c.answered",
            {"month": month, "asked": turn.asked, "at": at},
        )
        return bool(again)

    # -- the month -------------------------------------------------------------------------------------------------------

    def replace(self, month: str, areas: Sequence[AreaLoss], feeders: Sequence[FeederLoss], at: datetime) -> None:
        self._work.run("DELETE FROM area_month WHERE month = %s", (month,))
        self._work.run("DELETE FROM feeder_month WHERE month = %s", (month,))
        self._work.copy_in(
            "area_month",
            (
                "month",
                "area_no",
                "name",
                "feeder_no",
                "org",
                "supply_wh",
                "generation_wh",
                "sale_wh",
                "loss_wh",
                "rate_e2",
                "limit_e2",
                "rank",
                "sale_points",
                "held",
                "estimated",
                "flags",
                "computed_at",
            ),
            (
                (
                    row.month,
                    row.area_no,
                    row.name,
                    row.feeder_no,
                    row.org,
                    number(row.supply),
                    row.generation.wh,
                    row.sale.wh,
                    number(row.loss),
                    number(row.rate),
                    number(row.limit),
                    row.rank,
                    row.sale_points,
                    row.held,
                    row.estimated,
                    Jsonb([flag.model_dump(mode="json") for flag in row.flags]),
                    at,
                )
                for row in areas
            ),
        )
        self._work.copy_in(
            "feeder_month",
            (
                "month",
                "feeder_no",
                "name",
                "org",
                "supply_wh",
                "generation_wh",
                "sale_wh",
                "loss_wh",
                "area_loss_wh",
                "line_loss_wh",
                "rate_e2",
                "rank",
                "held",
                "computed_at",
            ),
            (
                (
                    row.month,
                    row.feeder_no,
                    row.name,
                    row.org,
                    number(row.supply),
                    row.generation.wh,
                    row.sale.wh,
                    number(row.loss),
                    number(row.area_loss),
                    number(row.line_loss),
                    number(row.rate),
                    row.rank,
                    row.held,
                    at,
                )
                for row in feeders
            ),
        )

    def areas(self, request: FindAreas) -> tuple[list[AreaLoss], int, str | None]:
        skip = request.after_number or 0
        params = {
            "month": request.month,
            "keyword": request.keyword.strip().upper(),
            "feeder_no": request.feeder_no,
            "org": request.org,
            "flag": None if request.flag is None else Jsonb([{"code": request.flag}]),
            "only_flagged": request.only_flagged,
            "skip": skip,
            "limit": request.limit,
        }
        matching: LiteralString = (
            " FROM area_month WHERE month = %(month)s"
            " AND (position(%(keyword)s in upper(area_no)) > 0 OR position(%(keyword)s in upper(name)) > 0)"
            " AND (%(feeder_no)s::text IS NULL OR feeder_no = %(feeder_no)s)"
            " AND denghuo.of_unit(org, %(org)s)"
            " AND (%(flag)s::jsonb IS NULL OR flags @> %(flag)s::jsonb)"
            " AND (NOT %(only_flagged)s OR flags <> '[]')"
        )
        rows = self._work.rows(
            "SELECT " + _AREA + matching + " ORDER BY rate_e2 DESC NULLS LAST, area_no OFFSET %(skip)s LIMIT %(limit)s",
            params,
        )
        total = int(self._work.value("SELECT count(*)" + matching, params) or 0)
        following = str(skip + len(rows)) if skip + len(rows) < total else None
        return [AreaLoss(**_values(row)) for row in rows], total, following

    def computed_at(self, month: str) -> datetime | None:
        return self._work.value("SELECT max(computed_at) FROM area_month WHERE month = %s", (month,))

    def area(self, month: str, area_no: str) -> AreaLoss | None:
        row = self._work.row("SELECT " + _AREA + " FROM area_month WHERE month = %s AND area_no = %s", (month, area_no))
        return None if row is None else AreaLoss(**_values(row))

    def feeders(self, month: str, org: str | None) -> list[FeederLoss]:
        rows = self._work.rows(
            "SELECT month, feeder_no, name, org, supply_wh, generation_wh, sale_wh, loss_wh, area_loss_wh, line_loss_wh,"
            " rate_e2, rank, held,"
            " (SELECT count(*) FROM area_month a WHERE a.month = f.month AND a.feeder_no = f.feeder_no) AS areas,"
            " (SELECT count(*) FROM area_month a WHERE a.month = f.month AND a.feeder_no = f.feeder_no AND flags <> '[]')"
            " AS flagged FROM feeder_month f WHERE month = %(month)s AND denghuo.of_unit(org, %(org)s)"
            " ORDER BY rate_e2 DESC NULLS LAST, feeder_no",
            {"month": month, "org": org},
        )
        return [FeederLoss(**_values(row)) for row in rows]

    def summary(self, month: str) -> dict[str, Any]:
        row: dict[str, Any] = self._work.row(
            "SELECT coalesce(sum(supply_wh), 0)::bigint AS supply_wh,"
            " coalesce(sum(sale_wh) FILTER (WHERE supply_wh IS NOT NULL), 0)::bigint AS sale_wh, count(*) AS areas,"
            " count(*) FILTER (WHERE flags <> '[]') AS flagged, max(computed_at) AS computed_at"
            " FROM area_month WHERE month = %s",
            (month,),
        ) or {}  # fmt: skip
        return row


def number(value: Energy | Percent | None) -> int | None:
    return None if value is None else value.number
