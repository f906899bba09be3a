"""Tables of days in the store and in force (日历): a file comes in, a second person publishes it, a correction replaces it."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import cache, partial
from typing import Any

from psycopg.types.json import Jsonb

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month
from denghuo.kernel.problem import text
from denghuo.kernel.values import parse_decimal, round_half_up
from denghuo.service.tariff.api import (
    NATION,
    AskCalendar,
    AskedDay,
    AskTemperatures,
    AskWorkingDays,
    CalendarShown,
    DayMaximum,
    DaysFaulty,
    DaysPublished,
    DayTableDay,
    DayTablePublished,
    DayTableRef,
    DayTableRow,
    DayTablesFound,
    DayTableShown,
    DraftDays,
    FindDayTables,
    NoSuchDayTable,
    NothingToCorrect,
    SamePerson,
    TariffDocument,
    Temperatures,
    WorkingDays,
)
from denghuo.service.tariff.rules import SATURDAY, days_of_month, months_touched, needs_of, read_days
from denghuo.service.tariff.rules.clock import DayFacts
from denghuo.service.tariff.shipped import holidays

_NUMBER = "period || '|' || area || '|' || kind || '|' || lpad(issue::text, 6, '0')"
_HEAD = (
    "SELECT kind, area, period, issue, status, document_no, days, drafted_by, drafted_at, published_by, published_at,"
    f" {_NUMBER} AS number FROM day_table "
)
_MATCHING = (
    "WHERE (%(kind)s::text IS NULL OR kind = %(kind)s) AND (%(area)s::text IS NULL OR area = %(area)s)"
    " AND (%(status)s::text IS NULL OR status = %(status)s)"
)
Row = Mapping[str, Any]


class DayDesk:
    """What the service does with tables of days, within one unit of work."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def draft(self, call: Call, request: DraftDays) -> DayTableShown:
        content = request.text if request.text is not None else _shipped(request)
        read = read_days(request, content)
        if read.faults:
            first = read.faults[0]
            raise DaysFaulty(
                text(
                    f"日历文件有 {len(read.faults)} 处错误，首处在第 {first.line} 行 {first.field}：{first.what.zh}。",
                    f"The table of days has {len(read.faults)} errors; the first in line {first.line}, {first.field}:"
                    f" {first.what.en}.",
                ),
                faults=[fault.model_dump(mode="json") for fault in read.faults],
            )
        self._lock()
        key = {"kind": request.kind, "area": request.area, "period": request.period}
        standing = self._standing(request.kind, request.area, request.period)
        if standing is not None and not request.correction:
            raise _published(request)
        if standing is None and request.correction:
            raise NothingToCorrect(
                text(
                    f"区域 {request.area} {request.period} 没有已发布的日历，请不要标为更正。",
                    f"No table of {request.area} for {request.period} is published; take it in, not as a correction.",
                ),
                **key,
            )
        mine = "(kind, area, period) = (%(kind)s, %(area)s, %(period)s)"
        self._work.run(f"DELETE FROM day_table WHERE {mine} AND status = 'draft'", key)
        self._work.run(
            "INSERT INTO day_table (kind, area, period, issue, status, document_no, days, drafted_by, drafted_at)"
            " SELECT %(kind)s, %(area)s, %(period)s, (SELECT coalesce(max(issue), 0) + 1 FROM day_table WHERE"
            f" {mine}), 'draft', %(document_no)s, %(days)s, %(actor)s, %(now)s",
            key
            | {
                "document_no": request.document_no,
                "days": Jsonb(read.rows),
                "actor": call.actor,
                "now": call.now,
            },
        )
        return self.shown(DayTableRef(kind=request.kind, area=request.area, period=request.period))

    def publish(self, call: Call, request: DayTableRef) -> DayTableShown:
        self._lock()
        head = self._one(request)
        if head["status"] != "draft":
            raise _published(request)
        if head["drafted_by"] == call.actor:
            raise SamePerson(
                text("日历须由起草人以外的人复核发布。", "A table is published by another person than its drafter."),
                drafted_by=head["drafted_by"],
            )
        key = (head["kind"], head["area"], head["period"])
        self._work.run(
            "UPDATE day_table SET status = 'replaced', replaced_at = %s WHERE (kind, area, period) = (%s, %s, %s)"
            " AND status = 'published'",
            (call.now, *key),
        )
        self._work.run(
            "UPDATE day_table SET status = 'published', published_by = %s, published_at = %s"
            " WHERE (kind, area, period, issue) = (%s, %s, %s, %s)",
            (call.actor, call.now, *key, head["issue"]),
        )
        shown = self.shown(request.model_copy(update={"issue": head["issue"]}))
        self._work.emit(
            DayTablePublished(kind=key[0], area=key[1], period=key[2], issue=head["issue"], months=shown.months)
        )
        return shown

    def find(self, call: Call, request: FindDayTables) -> DayTablesFound:
        params = {
            "kind": request.kind,
            "area": request.area,
            "status": request.status,
            "after": request.after,
            "limit": request.limit,
        }
        rows = self._work.rows(
            _HEAD + _MATCHING + f" AND (%(after)s::text IS NULL OR {_NUMBER} < %(after)s)"
            f" ORDER BY {_NUMBER} DESC LIMIT %(limit)s",
            params,
        )
        total = self._work.value("SELECT count(*) FROM day_table " + _MATCHING, params)
        return DayTablesFound(
            rows=[_row(row) for row in rows],
            total=int(total or 0),
            next=rows[-1]["number"] if len(rows) == request.limit else None,
            as_of=call.now,
        )

    def shown(self, request: DayTableRef) -> DayTableShown:
        head = self._one(request)
        days = [
            DayTableDay.model_validate({"day_no": f"{row['day']} {row.get('place', '')}".strip(), **row})
            for row in head["days"]
        ]
        return DayTableShown(head=_row(head), days=days, months=self._months(head))

    def calendar(self, call: Call, request: AskCalendar, tariff: TariffDocument) -> CalendarShown:
        """The days of a month, or of several, for a tariff."""
        standing = cache(partial(self._standing, asked=request))
        month, last = Month.of(request.month), Month.of(request.through or request.month)
        days: list[DayFacts] = []
        missing: list[date] = []
        documents: dict[str, None] = {}
        while month <= last:
            found, unknown, by = _days_of(month, tariff, standing)
            days, missing, documents = days + found, missing + unknown, documents | dict.fromkeys(by)
            month = month.next
        return CalendarShown(
            days=[
                AskedDay.model_validate(
                    {
                        "day": one.day,
                        "kind": one.kind,
                        "holiday": one.holiday,
                        "holiday_days": one.holiday_days,
                        "maxima": list(one.maxima),
                    }
                )
                for one in days
            ],
            missing=missing,
            documents=list(documents),
            as_of=request.known_at or call.now,
        )

    def working_days(self, call: Call, request: AskWorkingDays) -> WorkingDays:
        years = range(request.first_day.year, request.last_day.year + 1)
        tables = {year: self._standing("holidays", NATION, str(year)) for year in years}
        known = [table for table in tables.values() if table is not None]
        named = {row["day"]: row["kind"] for table in known for row in table["days"]}
        of_span = {
            day: kind
            for day, kind in ((date.fromisoformat(day), kind) for day, kind in sorted(named.items()))
            if request.first_day <= day <= request.last_day
        }
        return WorkingDays(
            off=[day for day, kind in of_span.items() if kind != "workday" and day.isoweekday() < SATURDAY],
            worked=[day for day, kind in of_span.items() if kind == "workday" and day.isoweekday() >= SATURDAY],
            unpublished=[year for year, table in tables.items() if table is None],
            documents=[table["document_no"] for table in known],
            as_of=call.now,
        )

    def temperatures(self, call: Call, request: AskTemperatures) -> Temperatures:
        found: dict[date, list[int]] = {}
        documents: dict[str, None] = {}
        month = Month.holding(request.first_day)
        while month.first_day <= request.last_day:
            table = self._standing("temperatures", request.area, str(month))
            for row in table["days"] if table is not None else ():
                day = date.fromisoformat(row["day"])
                if request.first_day <= day <= request.last_day:
                    found.setdefault(day, []).append(parse_decimal(row["maximum"], 1))
            documents |= {table["document_no"]: None} if table is not None else {}
            month = month.next
        return Temperatures(
            days=[DayMaximum(day=day, tenths=round_half_up(sum(found[day]), len(found[day]))) for day in sorted(found)],
            documents=list(documents),
            as_of=call.now,
        )

    # -- queries -----------------------------------------------------------------------------------------------------------

    def _lock(self) -> None:
        self._work.run("LOCK TABLE day_table IN SHARE ROW EXCLUSIVE MODE")

    def _one(self, request: DayTableRef) -> dict[str, Any]:
        row: dict[str, Any] | None = self._work.row(
            _HEAD + "WHERE kind = %(kind)s AND area = %(area)s AND period = %(period)s"
            " AND (%(issue)s::int IS NULL OR issue = %(issue)s) ORDER BY issue DESC LIMIT 1",
            request.model_dump(),
        )
        if row is None:
            raise NoSuchDayTable(
                text(
                    f"没有区域 {request.area} {request.period} 的日历。",
                    f"There is no table of days of {request.area} for {request.period}.",
                ),
                kind=request.kind,
                area=request.area,
                period=request.period,
            )
        return row

    def _months(self, head: Row) -> list[str]:
        before: list[dict[str, Any]] | None = self._work.value(
            "SELECT days FROM day_table WHERE (kind, area, period) = (%(kind)s, %(area)s, %(period)s) AND issue < %(issue)s"
            " AND published_at IS NOT NULL ORDER BY issue DESC LIMIT 1",
            head,
        )
        return months_touched(head["period"], head["days"], before)

    def _standing(self, kind: str, area: str, period: str, asked: AskCalendar | None = None) -> dict[str, Any] | None:
        row: dict[str, Any] | None = self._work.row(
            "SELECT document_no, days FROM day_table WHERE (kind, area, period) = (%(kind)s, %(area)s, %(period)s)"
            " AND published_at <= coalesce(%(known_at)s::timestamptz, 'infinity')"
            " AND (replaced_at IS NULL OR replaced_at > %(known_at)s::timestamptz)",
            {"kind": kind, "area": area, "period": period, "known_at": asked.known_at if asked else None},
        )
        return row


def _days_of(
    month: Month, tariff: TariffDocument, standing: Callable[[str, str, str], Row | None]
) -> tuple[list[DayFacts], list[date], list[str]]:
    """The days of a month for a tariff, those of which what it hangs on is not known, and the documents that say so.

    standing: the table in force of a kind, area and period.
    """
    needs = needs_of(tariff, month)
    first, last = month.first_day - timedelta(days=max(needs.running, 1)), month.next.first_day
    documents: list[str] = []
    named: dict[int, list[dict[str, Any]]] = {}
    for year in {first.year, last.year} if needs.holidays else ():
        found = [standing("holidays", area, str(year)) for area in (NATION, tariff.area)]
        known = [one for one in found if one is not None]
        if found[0] is not None:
            named[year] = list({row["day"]: row for one in known for row in one["days"]}.values())
        if year == month.year:
            documents += [one["document_no"] for one in known]
    warm: list[dict[str, Any]] = []
    for period in sorted({str(first)[:7], str(month)}) if needs.places else ():
        table = standing("temperatures", tariff.area, period)
        warm += table["days"] if table is not None else []
        documents += [table["document_no"]] if table is not None else []
    return *days_of_month(month, needs, named, warm), documents


def _shipped(request: DraftDays) -> str:
    """The holidays of a year that ship, for the whole country."""
    content = holidays(request.period) if request.kind == "holidays" and request.area == NATION else None
    if content is None:
        raise DaysFaulty(
            text(
                f"没有随附 {request.period} 的节假日，请选择文件。",
                f"No holidays of {request.period} ship with the product; choose the file.",
            ),
            faults=[],
        )
    return content


def _row(row: Row) -> DayTableRow:
    return DayTableRow.model_validate(
        {name: row[name] for name in DayTableRow.model_fields if name in row}
        | {
            "table_no": f"{row['kind']}-{row['area']}-{row['period']}-{row['issue']}",
            "days": len(row["days"]),
        }
    )


def _published(request: DraftDays | DayTableRef) -> DaysPublished:
    return DaysPublished(
        text(
            f"{request.area} {request.period} 的日历已发布；如有更正，请按更正导入。",
            f"The table of {request.area} for {request.period} is published; take what corrects it in as a correction.",
        ),
        kind=request.kind,
        area=request.area,
        period=request.period,
    )
