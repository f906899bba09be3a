"""The month's prices (月度价格表): a table comes in, versions are drafted from it, a second person publishes all of them."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import Month
from denghuo.kernel.problem import text
from denghuo.service.tariff import shipped
from denghuo.service.tariff.api import (
    DraftPriceTable,
    FindPriceTables,
    InForce,
    NoSuchPriceTable,
    NotADraft,
    NothingToCorrect,
    PriceTableFaulty,
    PriceTablePublished,
    PriceTableRef,
    PriceTableRow,
    PriceTablesFound,
    PriceTableShown,
    SamePerson,
    Source,
    TableDifference,
    TableFault,
    TableVersion,
    TariffDocument,
)
from denghuo.service.tariff.gazette import no_such_area
from denghuo.service.tariff.rules import carried_into, compose, differences, purchase_notices, read_price_table
from denghuo.service.tariff.store import TariffStore, digest
from denghuo.service.tariff.tables import TableStore, TableStored, VersionOfTable

_ONE_DAY = timedelta(days=1)


class MonthlyPrices:
    """What the service does with price tables, within one unit of work."""

    def __init__(self, store: TariffStore, tables: TableStore) -> None:
        self._store = store
        self._tables = tables

    def draft(self, call: Call, request: DraftPriceTable) -> PriceTableShown:
        area = shipped.area_of(request.area)
        if area is None:
            raise no_such_area(request.area)
        read = read_price_table(request.text)
        if read.faults:
            raise _faulty(read.faults)
        month = Month.of(request.month)
        self._store.lock()
        standing = self._tables.standing(area.code, request.month)
        if standing is not None and not request.correction:
            raise _published(standing)
        if standing is None and request.correction:
            raise _nothing_to_correct(area.code, request.month)
        source = Source(number=request.document_no, title=request.title, address=request.address)
        last = self._store.in_force(InForce(on=month.first_day - _ONE_DAY, area=area.code))
        composed = compose(area, month, source, read.rows, [one.document for one in last])
        notices: list[TableFault] = []
        for notice in [
            *read.notices,
            *purchase_notices(request, read.rows),
            *(notice for one in composed for notice in one.notices),
        ]:
            if notice not in notices:
                notices.append(notice)
        self._withdraw_others(area.code, request.month, {one.tariff.code for one in composed})
        replaced = self._replaced(standing)
        notices += [_left_out(code) for code in sorted(replaced.keys() - {one.tariff.code for one in composed})]
        versions = []
        for one in composed:
            tariff = self._store.fitting_default(one.tariff)
            if tariff.default != one.tariff.default:
                notices.append(_no_default(tariff))
            before = one.before.version if one.before is not None else None
            versions.append(
                VersionOfTable(
                    code=tariff.code,
                    version=self._store.draft(tariff, call.actor, call.now),
                    digest=digest(tariff),
                    before_version=before if standing is None else replaced.get(tariff.code),
                )
            )
        issue = 1 if standing is None else standing.issue + 1
        self._tables.draft(
            area.code, request.month, issue, source, request.text, notices, versions, call.actor, call.now
        )
        return self.shown(PriceTableRef(area=area.code, month=request.month, issue=issue))

    def _replaced(self, standing: TableStored | None) -> dict[str, int]:
        """The published version of each tariff that tables of the month priced so far: a correction may leave some out."""
        found: dict[str, int] = {}
        if standing is None:
            return found
        for issue in range(1, standing.issue + 1):
            for one in self._tables.versions(standing.area, standing.month, issue):
                stored = self._store.one(one.code, one.version)
                if stored is not None and stored.status == "published":
                    found[one.code] = one.version
        return found

    def _withdraw_others(self, area: str, month: str, codes: set[str]) -> None:
        """Drafts of an earlier reading of the month that the new one does not replace."""
        earlier = self._tables.one(area, month)
        if earlier is None or earlier.status != "draft":
            return
        for one in self._tables.versions(area, month, earlier.issue):
            stored = self._store.one(one.code, one.version)
            if one.code not in codes and stored is not None and digest(stored.document) == one.digest:
                self._store.withdraw(one.code, one.version)

    def publish(
        self, call: Call, request: PriceTableRef, put_into_force: Callable[[Call, TariffDocument], None]
    ) -> PriceTableShown:
        self._store.lock()
        table = self._one(request)
        if table.status != "draft":
            raise _published(table)
        if table.drafted_by == call.actor:
            raise SamePerson(
                text(
                    "价格表须由起草人以外的人复核发布。",
                    "A price table is published by another person than its drafter.",
                ),
                drafted_by=table.drafted_by,
            )
        for one in self._tables.versions(table.area, table.month, table.issue):
            stored = self._store.one(one.code, one.version)
            state = "gone" if stored is None else stored.status
            if stored is not None and state == "draft" and digest(stored.document) != one.digest:
                state = "replaced"
            if stored is None or state != "draft":
                raise NotADraft(
                    text(
                        f"{one.code} 第 {one.version} 版已不是本表的草稿（{state}），请重新导入价格表。",
                        f"Version {one.version} of {one.code} is no draft of this table any more ({state}); take it in again.",
                    ),
                    code=one.code,
                    version=one.version,
                    state=state,
                )
            if table.issue > 1 and one.before_version is not None:
                self._store.replace(one.code, one.before_version, call.now)
            put_into_force(call, stored.document)
        self._tables.publish(table.area, table.month, call.actor, call.now)
        return self.shown(request)

    def find(self, call: Call, request: FindPriceTables) -> PriceTablesFound:
        found, total = self._tables.find(request)
        last = found[-1] if len(found) == request.limit else None
        return PriceTablesFound(
            rows=[_row(one) for one in found],
            total=total,
            next=f"{last.month}|{last.area}|{last.issue}" if last is not None else None,
            as_of=call.now,
        )

    def shown(self, request: PriceTableRef) -> PriceTableShown:
        table = self._one(request)
        versions: list[TableVersion] = []
        changes: list[TableDifference] = []
        for one in self._tables.versions(table.area, table.month, table.issue):
            stored = self._store.one(one.code, one.version)
            if stored is None:
                continue
            before = self._store.one(one.code, one.before_version) if one.before_version is not None else None
            found = []
            if before is not None:
                found = differences(carried_into(before.document, stored.document), stored.document)
            versions.append(
                TableVersion(
                    code=one.code,
                    version=one.version,
                    title=stored.document.title,
                    before_version=one.before_version,
                    changes=len(found),
                )
            )
            changes += [
                TableDifference(
                    where=f"{one.code}{row.where}",
                    code=one.code,
                    title=stored.document.title,
                    before=row.before,
                    after=row.after,
                    sentence=row.sentence,
                )
                for row in found
            ]
        return PriceTableShown(head=_row(table), versions=versions, differences=changes, notices=table.notices)

    def _one(self, request: PriceTableRef) -> TableStored:
        table = self._tables.one(request.area, request.month, request.issue)
        if table is None:
            raise NoSuchPriceTable(
                text(
                    f"没有区域 {request.area} {request.month} 的价格表。",
                    f"There is no price table of {request.area} for {request.month}.",
                ),
                area=request.area,
                month=request.month,
            )
        return table


def _faulty(faults: Sequence[TableFault]) -> PriceTableFaulty:
    first = faults[0]
    return PriceTableFaulty(
        text(
            f"价格表有 {len(faults)} 处错误，首处在第 {first.line} 行 {first.field}：{first.what.zh}。",
            f"The price table has {len(faults)} errors; the first in line {first.line}, {first.field}: {first.what.en}.",
        ),
        faults=[fault.model_dump(mode="json") for fault in faults],
    )


def _no_default(tariff: TariffDocument) -> TableFault:
    return TableFault(
        line=0,
        field="default",
        value=tariff.code,
        what=TextPair(
            zh="另一区域已有同类默认电价，本电价不作默认",
            en="another area has the default of these contracts; this is none",
        ),
        remedy=TextPair(zh="适用的合同须指定本电价", en="contracts that are billed by it name it"),
    )


def _nothing_to_correct(area: str, month: str) -> NothingToCorrect:
    return NothingToCorrect(
        text(
            f"区域 {area} 没有已发布的 {month} 价格表，请不要标为更正。",
            f"No price table of {area} for {month} is published; take this one in, not as a correction.",
        ),
        area=area,
        month=month,
    )


def _left_out(code: str) -> TableFault:
    return TableFault(
        line=0,
        field="tariff",
        value=code,
        what=TextPair(zh="更正表没有该电价的价格", en="the correction has no prices of this tariff"),
        remedy=TextPair(
            zh="该电价仍按原表执行；如应更正，请补全后重新导入",
            en="it stays as published; else complete the table and take it in again",
        ),
    )


def _published(table: TableStored) -> PriceTablePublished:
    return PriceTablePublished(
        text(
            f"{table.month} 的价格表（{table.document_no}）已发布；如公布了更正，请按更正重新导入。",
            f"The price table of {table.month} ({table.document_no}) is published; take what corrects it in as a correction.",
        ),
        area=table.area,
        month=table.month,
        document_no=table.document_no,
    )


def _row(table: TableStored) -> PriceTableRow:
    known = shipped.national().get(table.area)
    return PriceTableRow.model_validate(
        {
            "area": table.area,
            "area_title": known.title if known is not None else TextPair(zh=table.area, en=table.area),
            "month": table.month,
            "issue": table.issue,
            "table_no": f"{table.area}-{table.month}-{table.issue}",
            "document_no": table.document_no,
            "status": table.status,
            "tariffs": table.tariffs,
            "drafted_by": table.drafted_by,
            "drafted_at": table.drafted_at,
            "published_by": table.published_by,
            "published_at": table.published_at,
            "replaced_at": table.replaced_at,
        }
    )
