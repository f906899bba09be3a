"""Spot prices in the store and in force (现货电价): a file comes in, a second person publishes it, a correction replaces days."""

import base64
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.fields import Document
from denghuo.kernel.problem import text
from denghuo.kernel.values import Price
from denghuo.service.tariff.api import (
    AskSpotPrices,
    DraftSpotPrices,
    FindSpotTables,
    NoSuchSpotTable,
    NothingToCorrect,
    SamePerson,
    SpotDay,
    SpotDayRow,
    SpotFaulty,
    SpotPrices,
    SpotPricesPublished,
    SpotPublished,
    SpotTableRef,
    SpotTableRow,
    SpotTablesFound,
    SpotTableShown,
    TableFault,
)
from denghuo.service.tariff.issues import MATCHING, PAGE, page_of
from denghuo.service.tariff.rules import file_of, mean_of, read_spot

DAYS_SHOWN = 1_000
_HEAD = (
    "SELECT t.area, t.month, t.issue, t.status, t.correction, t.document_no, t.lowest_e8, t.highest_e8, t.drafted_by, t.drafted_at,"
    " t.published_by, t.published_at, (SELECT count(*) FROM spot_day AS d WHERE (d.area, d.month, d.issue) = (t.area, t.month,"
    " t.issue)) AS days, (SELECT count(*) FROM spot_day AS d WHERE (d.area, d.month, d.issue) = (t.area, t.month, t.issue)"
    " AND d.replaced_at IS NOT NULL) AS replaced FROM spot_table AS t "
)
_STANDS = "published_at IS NOT NULL AND replaced_at IS NULL"
Row = Mapping[str, Any]


class SpotDesk:
    """What the service does with spot prices, within one unit of work."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def draft(self, call: Call, request: DraftSpotPrices) -> SpotTableShown:
        read = read_spot(request)
        if read.faults:
            raise _faulty(read.faults)
        self._lock()
        standing = self._standing(request.area, request.month)
        both = sorted(read.days.keys() & standing.keys(), key=lambda key: (key[2], key))
        if both and not request.correction:
            raise _published(request.area, request.month, both[0])
        if request.correction and not both:
            raise NothingToCorrect(
                text(
                    f"区域 {request.area} {request.month} 没有已发布的这些价格日，请不要标为更正。",
                    f"No day of the file is published for {request.area} in {request.month}; take it in, not as a correction.",
                ),
                area=request.area,
                month=request.month,
            )
        key = {"area": request.area, "month": request.month}
        self._work.run("DELETE FROM spot_table WHERE (area, month, status) = (%(area)s, %(month)s, 'draft')", key)
        issue = int(
            self._work.value(
                "SELECT coalesce(max(issue), 0) + 1 FROM spot_table WHERE (area, month) = (%(area)s, %(month)s)", key
            )
            or 1
        )
        self._work.run(
            "INSERT INTO spot_table (area, month, issue, status, correction, document_no, lowest_e8, highest_e8, content,"
            " drafted_by, drafted_at) VALUES (%s, %s, %s, 'draft', %s, %s, %s, %s, %s, %s, %s)",
            (request.area, request.month, issue, request.correction, request.document_no, request.lowest.e8,
             request.highest.e8, request.text, call.actor, call.now),
        )  # fmt: skip
        for (node, series, day), prices in read.days.items():
            self._work.run(
                "INSERT INTO spot_day (area, month, issue, node, series, day, prices) VALUES (%s, %s, %s, %s, %s, %s, %s)",
                (request.area, request.month, issue, node, series, day, list(prices)),
            )
        return self.shown(SpotTableRef(area=request.area, month=request.month, issue=issue))

    def publish(self, call: Call, request: SpotTableRef) -> SpotTableShown:
        self._lock()
        head = self._one(request)
        if head["status"] != "draft":
            raise _published(head["area"], head["month"], None)
        if head["drafted_by"] == call.actor:
            raise SamePerson(
                text("价格须由起草人以外的人复核发布。", "Prices are published by another person than their drafter."),
                drafted_by=head["drafted_by"],
            )
        key = (head["area"], head["month"], head["issue"])
        mine = {(row["node"], row["series"], row["day"]) for row in self._days(*key)}
        both = sorted(mine & self._standing(*key[:2]).keys(), key=lambda one: (one[2], one))
        if both and not head["correction"]:
            raise _published(*key[:2], both[0])
        self._work.run(
            "UPDATE spot_day AS old SET replaced_at = %s FROM spot_day AS new WHERE (new.area, new.month, new.issue)"
            " = (%s, %s, %s) AND (old.area, old.node, old.series, old.day) = (new.area, new.node, new.series, new.day)"
            " AND old.published_at IS NOT NULL AND old.replaced_at IS NULL",
            (call.now, *key),
        )
        self._work.run(
            "UPDATE spot_day SET published_at = %s WHERE (area, month, issue) = (%s, %s, %s)", (call.now, *key)
        )
        self._work.run(
            "UPDATE spot_table SET status = 'published', published_by = %s, published_at = %s"
            " WHERE (area, month, issue) = (%s, %s, %s)",
            (call.actor, call.now, *key),
        )
        self._work.emit(SpotPricesPublished(area=key[0], month=key[1], issue=key[2], nodes=self._nodes(*key)))
        return self.shown(SpotTableRef(area=key[0], month=key[1], issue=key[2]))

    def find(self, call: Call, request: FindSpotTables) -> SpotTablesFound:
        params = page_of(request)
        rows = self._work.rows(_HEAD + PAGE, params)
        total = self._work.value("SELECT count(*) FROM spot_table " + MATCHING, params)
        last = rows[-1] if len(rows) == request.limit else None
        return SpotTablesFound(
            rows=[_row(row) for row in rows],
            total=int(total or 0),
            next=None if last is None else f"{last['month']}|{last['area']}|{last['issue']}",
            as_of=call.now,
        )

    def shown(self, request: SpotTableRef) -> SpotTableShown:
        head = self._one(request)
        standing = self._standing(head["area"], head["month"]) if head["status"] == "draft" else {}
        key = (head["area"], head["month"], head["issue"])
        days = self._days(*key)[:DAYS_SHOWN]
        return SpotTableShown(head=_row(head), days=[_day(row, standing) for row in days], nodes=self._nodes(*key))

    def prices(self, call: Call, request: AskSpotPrices) -> SpotPrices:
        rows = [
            SpotDay(
                series=row["series"],
                day=row["day"],
                document_no=row["document_no"],
                issue=row["issue"],
                prices=[Price(one) for one in row["prices"]],
            )
            for row in self._known(request)
        ]
        return SpotPrices(rows=rows, as_of=request.known_at or call.now)

    def file(self, request: AskSpotPrices) -> Document:
        rows = self._known(request)
        content = file_of(request.node, {(row["series"], row["day"]): row["prices"] for row in rows})
        return Document(
            file_name=f"spot-{request.area}-{request.node}-{request.month}.csv",
            media_type="text/csv",
            content=base64.b64encode(content.encode()).decode(),
        )

    # -- queries -----------------------------------------------------------------------------------------------------------

    def _lock(self) -> None:
        self._work.run("LOCK TABLE spot_table IN SHARE ROW EXCLUSIVE MODE")

    def _one(self, request: SpotTableRef) -> dict[str, Any]:
        row: dict[str, Any] | None = self._work.row(
            _HEAD + "WHERE area = %s AND month = %s AND (%s::int IS NULL OR issue = %s) ORDER BY issue DESC LIMIT 1",
            (request.area, request.month, request.issue, request.issue),
        )
        if row is None:
            raise NoSuchSpotTable(
                text(
                    f"没有区域 {request.area} {request.month} 的现货价格。",
                    f"There are no spot prices of {request.area} for {request.month}.",
                ),
                area=request.area,
                month=request.month,
            )
        return row

    def _days(self, area: str, month: str, issue: int) -> list[dict[str, Any]]:
        return self._work.rows(
            "SELECT node, series, day, prices FROM spot_day WHERE (area, month, issue) = (%s, %s, %s)"
            " ORDER BY node, day, series",
            (area, month, issue),
        )

    def _nodes(self, area: str, month: str, issue: int) -> list[str]:
        return self._work.values(
            "SELECT DISTINCT node FROM spot_day WHERE (area, month, issue) = (%s, %s, %s) ORDER BY node",
            (area, month, issue),
        )

    def _standing(self, area: str, month: str) -> dict[tuple[str, str, date], list[int]]:
        rows = self._work.rows(
            f"SELECT node, series, day, prices FROM spot_day WHERE area = %s AND month = %s AND {_STANDS}",
            (area, month),
        )
        return {(row["node"], row["series"], row["day"]): row["prices"] for row in rows}

    def _known(self, request: AskSpotPrices) -> list[dict[str, Any]]:
        return self._work.rows(
            "SELECT d.series, d.day, d.prices, d.issue, t.document_no FROM spot_day AS d JOIN spot_table AS t"
            " USING (area, month, issue) WHERE d.area = %(area)s AND d.node = %(node)s AND d.month = %(month)s"
            " AND (d.published_at <= coalesce(%(known_at)s::timestamptz, 'infinity')"
            " AND (d.replaced_at IS NULL OR d.replaced_at > %(known_at)s::timestamptz)"
            " AND NOT EXISTS (SELECT FROM spot_day AS draft WHERE draft.published_at IS NULL AND draft.issue = %(issue)s"
            " AND (draft.area, draft.month, draft.node, draft.series, draft.day) = (d.area, d.month, d.node, d.series, d.day))"
            " OR d.published_at IS NULL AND d.issue = %(issue)s) ORDER BY d.day, d.series",
            {
                "area": request.area,
                "node": request.node,
                "month": request.month,
                "known_at": request.known_at,
                "issue": request.issue,
            },
        )


def _row(row: Row) -> SpotTableRow:
    return SpotTableRow.model_validate(
        {name: row[name] for name in SpotTableRow.model_fields if name in row}
        | {
            "table_no": f"{row['area']}-{row['month']}-{row['issue']}",
            "lowest": Price(row["lowest_e8"]),
            "highest": Price(row["highest_e8"]),
        }
    )


def _day(row: Row, standing: Mapping[tuple[str, str, date], Sequence[int]]) -> SpotDayRow:
    prices = row["prices"]
    before = standing.get((row["node"], row["series"], row["day"]))
    changed = None
    if before is not None:
        same_length = len(before) == len(prices)
        changed = sum(one != other for one, other in zip(before, prices, strict=True)) if same_length else len(prices)
    return SpotDayRow(
        day_no=f"{row['node']} {row['day']} {row['series']}",
        node=row["node"],
        series=row["series"],
        day=row["day"],
        points=len(prices),
        lowest=Price(min(prices)),
        highest=Price(max(prices)),
        mean=mean_of(prices),
        negative=sum(one < 0 for one in prices),
        before=None if before is None else mean_of(before),
        changed=changed,
    )


def _faulty(faults: Sequence[TableFault]) -> SpotFaulty:
    first = faults[0]
    return SpotFaulty(
        text(
            f"现货价格文件有 {len(faults)} 处错误，首处在第 {first.line} 行 {first.field}：{first.what.zh}。",
            f"The spot prices have {len(faults)} errors; the first in line {first.line}, {first.field}: {first.what.en}.",
        ),
        faults=[fault.model_dump(mode="json") for fault in faults],
    )


def _published(area: str, month: str, key: tuple[str, str, date] | None) -> SpotPublished:
    node, series, day = key or (None, None, None)
    said = "" if key is None else f"（{node} {day} {series}）"
    return SpotPublished(
        text(
            f"{area} {month} 的现货价格{said}已发布；如公布了更正，请按更正导入。",
            f"Spot prices of {area} for {month} {said} are published; take what corrects them in as a correction.",
        ),
        area=area,
        month=month,
        node=node,
        series=series,
        day=None if day is None else day.isoformat(),
    )
