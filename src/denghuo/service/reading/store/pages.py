"""Lists of the reading schema, as pages show them. Row-level security decides what exists for the caller."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString

from denghuo.data.processing.work import Work
from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import SHANGHAI, midnight
from denghuo.kernel.values import Energy, Multiplier, Percent, Register
from denghuo.service.reading.api import (
    FindExceptions,
    FindPlan,
    FindReads,
    FindRefused,
    MonthReadRow,
    PlanRow,
    ReadException,
    RefusedRead,
    StationProgress,
)
from denghuo.service.reading.rules import Rule
from denghuo.service.reading.rules.chain import chain_of, said

_READ_COLUMNS: LiteralString = (
    "SELECT month, point_no, piece, quantity, band, account_no, area_no, feeder_no, org, role, meter_no, from_at, to_at,"
    " start_e4, end_e4, multiplier, energy_wh, status, rule, method, days_estimated, days_missing, notices, accepted_by,"
    " remark, version, start_source, end_source, start_mark, end_mark "
)
_BY_POINT: LiteralString = " ORDER BY point_no, piece, quantity, band LIMIT %(limit)s"
_AFTER_POINT: LiteralString = (
    " AND (%(after)s::text[] IS NULL OR (point_no, piece, quantity, band)"
    " > (%(after)s[1], %(after)s[2]::int, %(after)s[3], %(after)s[4]))"
)
_BAR = "|"


class ReadingPages:
    def __init__(self, work: Work) -> None:
        self._work = work

    def as_of(self, month: str | None, otherwise: datetime, points: Sequence[str] | None = None) -> datetime:
        """When the reads of a month (or its plan) were last changed; of some points, where they are given: a question about one
        customer is not to look through the month of all."""
        matching: LiteralString = (
            " WHERE (%(month)s::text IS NULL OR month = %(month)s)"
            " AND (%(points)s::text[] IS NULL OR point_no = ANY (%(points)s))"
        )
        found = self._work.value(
            f"SELECT greatest((SELECT max(changed_at) FROM month_read{matching}),"
            f" (SELECT max(changed_at) FROM plan{matching}))",
            {"month": month, "points": None if points is None else list(points)},
        )
        return found or otherwise

    def plan(self, request: FindPlan) -> tuple[list[PlanRow], int, str | None]:
        params = {
            "month": request.month,
            "org": request.org,
            "route": request.route,
            "after": _parts(request.after, 2),
            "limit": request.limit,
        }
        matching: LiteralString = (
            "FROM plan WHERE month = %(month)s AND denghuo.of_unit(org, %(org)s)"
            " AND (%(route)s::text IS NULL OR route = %(route)s)"
        )
        rows = self._work.rows(
            "SELECT month, point_no, piece, account_no, area_no, feeder_no, org, role, meter_no, multiplier, route,"
            " reading_day "
            + matching
            + " AND (%(after)s::text[] IS NULL OR (point_no, piece) > (%(after)s[1], %(after)s[2]::int))"
            " ORDER BY point_no, piece LIMIT %(limit)s",
            params,
        )
        shown = [
            PlanRow(
                **row | {"row_key": _bars(row["point_no"], row["piece"]), "multiplier": Multiplier(row["multiplier"])}
            )
            for row in rows
        ]
        last = shown[-1] if len(shown) == request.limit else None
        return shown, self._count(matching, params), _bars(last.point_no, last.piece) if last else None

    def progress(self, month: str) -> list[StationProgress]:
        """Counted in points, by station: a point is as good as the worst of its reads."""
        rows = self._work.rows(
            "SELECT org, count(*) AS planned, count(*) FILTER (WHERE reads > 0 AND absent = 0) AS collected,"
            " count(*) FILTER (WHERE reads > 0 AND held + estimated = 0) AS valid,"
            " count(*) FILTER (WHERE held = 0 AND estimated > 0) AS estimated, count(*) FILTER (WHERE held > 0) AS held"
            " FROM (SELECT p.org, p.point_no, count(r.point_no) AS reads,"
            "  count(*) FILTER (WHERE r.status = 'held') AS held,"
            "  count(*) FILTER (WHERE r.status = 'estimated') AS estimated,"
            "  count(*) FILTER (WHERE r.method NOT IN ('actual', 'manual')) AS absent"
            "  FROM (SELECT DISTINCT org, point_no FROM plan WHERE month = %(month)s) p"
            "  LEFT JOIN month_read r ON r.month = %(month)s AND r.point_no = p.point_no GROUP BY p.org, p.point_no) points"
            " GROUP BY org ORDER BY org",
            {"month": month},
        )
        return [progress_row(row["org"], row) for row in rows]

    def reads(self, request: FindReads) -> tuple[list[MonthReadRow], int, str | None]:
        params = request.model_dump(mode="json") | {"after": _parts(request.after, 4)}
        matching: LiteralString = (
            "FROM month_read WHERE month = %(month)s AND denghuo.of_unit(org, %(org)s)"
            " AND (%(status)s::text IS NULL OR status = %(status)s) AND (%(rule)s::text IS NULL OR rule = %(rule)s)"
            " AND (%(account_no)s::text IS NULL OR account_no = %(account_no)s)"
            " AND (%(point_no)s::text IS NULL OR point_no = %(point_no)s)"
            " AND (%(meter_no)s::text IS NULL OR meter_no = %(meter_no)s)"
            " AND (%(area_no)s::text IS NULL OR area_no = %(area_no)s)"
        )
        rows = self._work.rows(_READ_COLUMNS + matching + _AFTER_POINT + _BY_POINT, params)
        shown = [read_row(row) for row in rows]
        return shown, self._count(matching, params), _next(shown, request.limit)

    def reads_of_account(self, account_no: str, month: str | None) -> list[MonthReadRow]:
        rows = self._work.rows(
            _READ_COLUMNS
            + "FROM month_read WHERE account_no = %(account_no)s AND (%(month)s::text IS NULL OR month = %(month)s)"
            " ORDER BY month DESC, point_no, piece, quantity, band LIMIT 1000",
            {"account_no": account_no, "month": month},
        )
        return [read_row(row) for row in rows]

    def reads_of_point(self, month: str, point_no: str) -> list[MonthReadRow]:
        rows = self._work.rows(
            _READ_COLUMNS + "FROM month_read WHERE month = %s AND point_no = %s ORDER BY piece, quantity, band",
            (month, point_no),
        )
        return [read_row(row) for row in rows]

    def exceptions(
        self, request: FindExceptions, rules: Mapping[str, Rule], titles: Mapping[str, Any]
    ) -> tuple[list[ReadException], int, int, str | None]:
        after = _parts(request.after, 5)
        params = {
            "month": request.month,
            "org": request.org,
            "rule": request.rule,
            "notices": request.notices,
            "after": after,
            "limit": request.limit,
        }
        matching: LiteralString = (
            "FROM month_read WHERE month = %(month)s AND denghuo.of_unit(org, %(org)s)"
            " AND (%(rule)s::text IS NULL OR rule = %(rule)s)"
            " AND (status = 'held' OR (%(notices)s AND (status = 'estimated' OR cardinality(notices) > 0)))"
        )
        rows = self._work.rows(
            _READ_COLUMNS
            + matching
            + " AND (%(after)s::text[] IS NULL OR (status <> 'held', point_no, piece, quantity, band)"
            " > (%(after)s[1]::boolean, %(after)s[2], %(after)s[3]::int, %(after)s[4], %(after)s[5]))"
            " ORDER BY status <> 'held', point_no, piece, quantity, band LIMIT %(limit)s",
            params,
        )
        shown = [exception_row(row, rules, titles) for row in rows]
        held = self._work.value("SELECT count(*) " + matching + " AND status = 'held'", params) or 0
        last = shown[-1] if len(shown) == request.limit else None
        following = _bars(last.status != "held", last.point_no, last.piece, last.quantity, last.band) if last else None
        return shown, self._count(matching, params), int(held), following

    def refused(self, request: FindRefused) -> tuple[list[RefusedRead], int, str | None]:
        params = {"month": request.month, "after": request.after, "limit": request.limit}
        matching: LiteralString = "FROM refused_read WHERE (%(month)s::text IS NULL OR month = %(month)s)"
        rows = self._work.rows(
            "SELECT id, subject, at, value, code, zh, en "
            + matching
            + " AND (%(after)s::text IS NULL OR id < %(after)s::bigint) ORDER BY id DESC LIMIT %(limit)s",
            params,
        )
        shown = [
            refused_row(row["subject"], row["at"], row["value"], row["code"], row["zh"], row["en"]) for row in rows
        ]
        return shown, self._count(matching, params), str(rows[-1]["id"]) if len(rows) == request.limit else None

    def _count(self, matching: LiteralString, params: Mapping[str, Any]) -> int:
        return int(self._work.value("SELECT count(*) " + matching, params) or 0)


def progress_row(org: str, row: Mapping[str, int]) -> StationProgress:
    """The progress of a unit from counts of its points."""
    return StationProgress(
        org=org,
        planned=row["planned"],
        collected=row["collected"],
        valid=row["valid"],
        estimated=row["estimated"],
        held=row["held"],
        collection_rate=Percent.of_parts(row["collected"], row["planned"]),
    )


def read_row(row: Mapping[str, Any]) -> MonthReadRow:
    """A line of `month_read` as the contract shows it."""
    shown = dict(row)
    start, end, energy = shown.pop("start_e4"), shown.pop("end_e4"), shown.pop("energy_wh")
    return MonthReadRow(
        **{
            **shown,
            "row_key": _bars(shown["point_no"], shown["piece"], shown["quantity"], shown["band"]),
            "start": Register(start) if start is not None else None,
            "end": Register(end) if end is not None else None,
            "energy": Energy(energy) if energy is not None else None,
            "multiplier": Multiplier(shown["multiplier"]),
            "chain": _chain(shown),
        }
    )


def _chain(row: Mapping[str, Any]) -> TextPair | None:
    if row["start_source"] is None:
        return None
    start, end = (
        chain_of(
            row[f"{side}_source"],
            at_midnight=at == midnight(at.astimezone(SHANGHAI).date()),
            mark=row[f"{side}_mark"],
        )
        for side, at in (("start", row["from_at"]), ("end", row["to_at"]))
    )
    return TextPair(**said(start, end))


def exception_row(row: Mapping[str, Any], rules: Mapping[str, Rule], titles: Mapping[str, Any]) -> ReadException:
    """A read to look at with what is wrong and what to do. titles: those of verdicts that no rule set."""
    read = read_row(row)
    code = read.rule
    if read.status == "valid" and read.rule in ("checked", "accepted", "manual") and read.notices:
        code = next((name for name in row["notices"] if name in rules), read.rule)
    rule = rules.get(code)
    title = rule.title if rule else titles[code]
    remedy = rule.remedy if rule else {"zh": "", "en": ""}
    return ReadException(
        **read.model_dump(include=_IN_EXCEPTION),
        title=TextPair(**title),
        remedy=TextPair(**remedy),
        may_accept=bool(rule and rule.may_accept and read.status == "held" and read.energy is not None),
    )


_IN_EXCEPTION = set(ReadException.model_fields) - {"title", "remedy", "may_accept"}


def refused_row(subject: str, at: datetime | None, value: str, code: str, zh: str, en: str) -> RefusedRead:
    """A row of an intake that was refused."""
    return RefusedRead.model_validate(
        {"subject": subject, "at": at, "value": value, "code": code, "reason": {"zh": zh, "en": en}}
    )


def _next(rows: list[MonthReadRow], limit: int) -> str | None:
    last = rows[-1] if len(rows) == limit else None
    return _bars(last.point_no, last.piece, last.quantity, last.band) if last else None


def _bars(*parts: object) -> str:
    return _BAR.join(str(part) for part in parts)


def _parts(after: str | None, count: int) -> list[str] | None:
    """The parts of an `after`; what never was a `next` is as none."""
    if after is None:
        return None
    parts = after.split(_BAR)
    numbers = parts[1:2] if count < 5 else parts[2:3]
    ok = len(parts) == count and all(part.isdecimal() and len(part) < 6 for part in numbers)
    return parts if ok and (count < 5 or parts[0] in ("True", "False")) else None
