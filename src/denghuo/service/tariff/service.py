"""Tariffs: implementation of the contract."""

import base64
from collections.abc import Callable, Sequence
from datetime import date
from typing import Literal

from denghuo.data.processing.work import Work
from denghuo.kernel.batch import BatchTaken
from denghuo.kernel.contract import Call, Dictionary, Nothing
from denghuo.kernel.fields import TARIFF_CLASSES, Document, TextPair
from denghuo.kernel.period import SHANGHAI
from denghuo.kernel.problem import text
from denghuo.service.host.binding import Ask
from denghuo.service.permission.api import Organisations, PermissionApi
from denghuo.service.tariff import shipped
from denghuo.service.tariff.api import (
    SETTLEMENTS,
    AreaAssigned,
    AreaRef,
    AreaRefused,
    AreasFound,
    AreaShown,
    AskBands,
    AskCalendar,
    AskSpotPrices,
    AskTemperatures,
    AskUnitAreas,
    AskWorkingDays,
    AssignAreas,
    BandsOfDays,
    BandSpan,
    CalendarShown,
    CheckTariff,
    CompareTariffs,
    DayTableRef,
    DayTablesFound,
    DayTableShown,
    DraftDays,
    Drafted,
    DraftPriceTable,
    DraftSpotPrices,
    DraftTariff,
    DraftWithdrawn,
    FindDayTables,
    Finding,
    FindPriceTables,
    FindSpotTables,
    FindTariffs,
    InForce,
    Loaded,
    LoadPublished,
    NotADraft,
    OverlappingTariff,
    PartialTariff,
    PriceTableCorrected,
    PriceTableRef,
    PriceTablesFound,
    PriceTableShown,
    ReadUrdb,
    ReplacedVersion,
    SamePerson,
    SpotPrices,
    SpotTableRef,
    SpotTablesFound,
    SpotTableShown,
    TariffApi,
    TariffDifferences,
    TariffDocument,
    TariffFaulty,
    TariffFindings,
    TariffNotFound,
    TariffPublished,
    TariffRef,
    TariffRow,
    TariffsFound,
    TariffShown,
    TariffsInForce,
    TariffVersion,
    Temperatures,
    UnitArea,
    UnitAreasFound,
    UrdbFinding,
    UrdbPrice,
    UrdbTariff,
    UrdbTariffs,
    WorkingDays,
)
from denghuo.service.tariff.days import DayDesk
from denghuo.service.tariff.gazette import area_shown, listed, no_such_area
from denghuo.service.tariff.monthly import MonthlyPrices
from denghuo.service.tariff.rules import (
    TRANSMISSION_FROM,
    DayFacts,
    Unreadable,
    check,
    differences,
    faulty,
    file_text,
    price_rows,
    read_text,
    read_urdb,
    spans_of_day,
    tier_rows,
    time_rows,
)
from denghuo.service.tariff.spot import SpotDesk
from denghuo.service.tariff.store import Stored, TariffStore
from denghuo.service.tariff.tables import TableStore
from denghuo.service.tariff.unit_areas import UnitAreaDesk

SHIPPED_BY = "denghuo"
"""Who drafted the price data that ships; whoever loads it publishes it, so two persons stand behind it."""


Examine = Callable[[TariffDocument], list[Finding]]
"""Rates the examples of a tariff and gives a finding for each that comes out otherwise. Rating is a service above this one, so it
comes in as a port."""


def unexamined(tariff: TariffDocument) -> list[Finding]:
    """Where there is no rating, examples are kept and not run."""
    return []


class TariffService(TariffApi):
    def __init__(self, work: Work, ask: Ask, examine: Examine = unexamined) -> None:
        self._work = work
        self._store = TariffStore(work)
        self._monthly = MonthlyPrices(self._store, TableStore(work))
        self._spot = SpotDesk(work)
        self._days = DayDesk(work)
        self._unit_areas = UnitAreaDesk(work)
        self._ask = ask
        self._examine = examine

    # -- drafting and publishing -----------------------------------------------------------------------------------------

    def draft(self, call: Call, request: DraftTariff) -> Drafted:
        tariff = _given(request)
        findings = self._findings(tariff)
        if tariff.effective_to is not None and tariff.effective_to <= tariff.effective_from:
            # What is in force on no day is not even a draft: there is no span to keep it under.
            raise faulty(findings)
        self._store.lock()
        version = self._store.draft(tariff, call.actor, call.now)
        return Drafted(
            code=tariff.code, version=version, status="draft", publishable=_publishable(findings), findings=findings
        )

    def check(self, call: Call, request: CheckTariff) -> TariffFindings:
        try:
            tariff = _given(request)
        except TariffFaulty as faulty:
            findings = [Finding.model_validate(one) for one in faulty.fields["findings"]]
            return TariffFindings(code=None, publishable=False, findings=findings)
        findings = self._findings(tariff)
        return TariffFindings(code=tariff.code, publishable=_publishable(findings), findings=findings, document=tariff)

    def read_urdb(self, call: Call, request: ReadUrdb) -> UrdbTariffs:
        daily: Literal["days", "average"] = "average" if request.daily_average else "days"
        try:
            tariffs = read_urdb(request.text, start=request.start, end=request.end, daily=daily)
        except Unreadable as unreadable:
            raise faulty(unreadable.findings) from None
        # What follows a run of months is the next run, which comes with it.
        findings = {one.effective_from: check(one, succeeded=True) for one in tariffs}
        return UrdbTariffs(
            rows=[
                UrdbTariff(
                    code=one.code,
                    title=one.title,
                    effective_from=one.effective_from,
                    effective_to=one.effective_to,
                    prices=len(price_rows(one)),
                    publishable=_publishable(findings[one.effective_from]),
                    document=one,
                )
                for one in tariffs
            ],
            prices=[
                UrdbPrice(effective_from=one.effective_from, **dict(row)) for one in tariffs for row in price_rows(one)
            ],
            findings=[
                UrdbFinding(effective_from=day, **dict(finding)) for day, found in findings.items() for finding in found
            ],
        )

    def publish(self, call: Call, request: TariffVersion) -> TariffRow:
        self._store.lock()
        draft = self._draft(request)
        if draft.drafted_by == call.actor:
            raise SamePerson(
                text("电价须由起草人以外的人复核发布。", "A tariff is published by another person than its drafter."),
                drafted_by=draft.drafted_by,
            )
        self._put_into_force(call, draft.document)
        return _row(self._one(request.code, request.version))

    def withdraw(self, call: Call, request: TariffVersion) -> DraftWithdrawn:
        self._store.lock()
        self._draft(request)
        self._store.withdraw(request.code, request.version)
        return DraftWithdrawn(code=request.code, version=request.version)

    def load_published(self, call: Call, request: LoadPublished) -> Loaded:
        tariffs = shipped.published(request.area)
        if tariffs is None:
            raise no_such_area(request.area)
        self._store.lock()
        unchanged = 0
        for tariff in map(self._store.fitting_default, tariffs):
            if self._store.same(tariff) is not None:
                unchanged += 1
                continue
            version = self._store.draft(tariff, SHIPPED_BY, call.now)
            self._put_into_force(call, tariff.model_copy(update={"version": version}))
        partial = [one for one in shipped.partial(request.area, _newest(call)) if not self._store.known(one.code)]
        for tariff in map(self._store.fitting_default, partial):
            self._store.draft(tariff, SHIPPED_BY, call.now)
        return Loaded(
            loaded=len(tariffs) - unchanged,
            unchanged=unchanged,
            drafted=len(partial),
            codes=sorted({tariff.code for tariff in (*tariffs, *partial)}),
        )

    def areas(self, call: Call, request: Nothing) -> AreasFound:
        return listed(_newest(call))

    def area(self, call: Call, request: AreaRef) -> AreaShown:
        return area_shown(request.area, _newest(call))

    def assign_area(self, call: Call, request: UnitArea) -> AreaAssigned:
        taken = self.assign_areas(call, AssignAreas(units=[request]))
        for fault in taken.refused:
            raise AreaRefused(
                text(
                    f"{fault.what.zh}：{fault.value}；{fault.remedy.zh}。",
                    f"{fault.value}: {fault.what.en}; {fault.remedy.en}.",
                ),
                org=request.org,
                area=request.area,
                field=fault.field,
            )
        return AreaAssigned(changed=taken.taken > 0)

    def assign_areas(self, call: Call, request: AssignAreas) -> BatchTaken:
        # All units: which of them the caller may touch is told of each.
        organisations = self._ask(PermissionApi).organisations(Call.system(call.now, actor=call.actor), Organisations())
        self._store.lock()
        return self._unit_areas.assign(call, request, organisations.rows)

    def unit_areas(self, call: Call, request: AskUnitAreas) -> UnitAreasFound:
        asked = Organisations(on=request.on)
        visible = self._ask(PermissionApi).organisations(call.only("permission.organisations"), asked)
        return self._unit_areas.found(call, request, visible.rows)

    # -- the month's prices ----------------------------------------------------------------------------------------------

    def draft_price_table(self, call: Call, request: DraftPriceTable) -> PriceTableShown:
        return self._monthly.draft(call, request)

    def publish_price_table(self, call: Call, request: PriceTableRef) -> PriceTableShown:
        shown = self._monthly.publish(call, request, self._put_into_force)
        head = shown.head
        if head.issue > 1:
            replaced = [
                ReplacedVersion(code=one.code, version=one.before_version)
                for one in shown.versions
                if one.before_version is not None
            ]
            self._work.emit(PriceTableCorrected(area=head.area, month=head.month, issue=head.issue, replaced=replaced))
        return shown

    def price_tables(self, call: Call, request: FindPriceTables) -> PriceTablesFound:
        return self._monthly.find(call, request)

    def price_table(self, call: Call, request: PriceTableRef) -> PriceTableShown:
        return self._monthly.shown(request)

    # -- spot prices -----------------------------------------------------------------------------------------------------

    def draft_spot_prices(self, call: Call, request: DraftSpotPrices) -> SpotTableShown:
        return self._spot.draft(call, request)

    def publish_spot_prices(self, call: Call, request: SpotTableRef) -> SpotTableShown:
        return self._spot.publish(call, request)

    def spot_tables(self, call: Call, request: FindSpotTables) -> SpotTablesFound:
        return self._spot.find(call, request)

    def spot_table(self, call: Call, request: SpotTableRef) -> SpotTableShown:
        return self._spot.shown(request)

    def spot_prices(self, call: Call, request: AskSpotPrices) -> SpotPrices:
        return self._spot.prices(call, request)

    def spot_file(self, call: Call, request: AskSpotPrices) -> Document:
        return self._spot.file(request)

    # -- days ------------------------------------------------------------------------------------------------------------

    def draft_days(self, call: Call, request: DraftDays) -> DayTableShown:
        return self._days.draft(call, request)

    def publish_days(self, call: Call, request: DayTableRef) -> DayTableShown:
        return self._days.publish(call, request)

    def day_tables(self, call: Call, request: FindDayTables) -> DayTablesFound:
        return self._days.find(call, request)

    def day_table(self, call: Call, request: DayTableRef) -> DayTableShown:
        return self._days.shown(request)

    def working_days(self, call: Call, request: AskWorkingDays) -> WorkingDays:
        return self._days.working_days(call, request)

    def temperatures(self, call: Call, request: AskTemperatures) -> Temperatures:
        return self._days.temperatures(call, request)

    def calendar(self, call: Call, request: AskCalendar) -> CalendarShown:
        return self._days.calendar(call, request, self._one(request.code, request.version).document)

    # -- drafts ----------------------------------------------------------------------------------------------------------

    def _draft(self, request: TariffVersion) -> Stored:
        stored = self._one(request.code, request.version)
        if stored.status != "draft":
            raise NotADraft(
                text(
                    f"电价 {request.code} 第 {request.version} 版不是草稿。",
                    f"Version {request.version} of {request.code} is {stored.status}, not a draft.",
                ),
                code=request.code,
                version=request.version,
                state=stored.status,
            )
        return stored

    def _put_into_force(self, call: Call, tariff: TariffDocument) -> None:
        findings = self._findings(tariff)
        if not _publishable(findings):
            raise faulty(findings)
        if tariff.partial:
            raise PartialTariff(
                text(
                    f"{tariff.code} 缺少按月公布的价格，待月度价格表补全后发布。",
                    f"{tariff.code} lacks the prices of the month; a monthly price table completes it.",
                ),
                code=tariff.code,
            )
        self._store.end_open(tariff.code, tariff.effective_from)
        other = self._store.overlapping(tariff) or (self._store.other_default(tariff) if tariff.default else None)
        if other is not None:
            raise _overlapping(tariff, other.document)
        if not self._store.publish(tariff.code, tariff.version, call.actor, call.now):
            raise _overlapping(tariff, tariff)
        self._work.emit(
            TariffPublished(
                code=tariff.code, version=tariff.version, area=tariff.area, effective_from=tariff.effective_from
            )
        )

    # -- reading ---------------------------------------------------------------------------------------------------------

    def tariffs(self, call: Call, request: FindTariffs) -> TariffsFound:
        found, total = self._store.find(request)
        last = found[-1].document if len(found) == request.limit else None
        return TariffsFound(
            rows=[_row(one) for one in found],
            total=total,
            next=f"{last.code}|{last.version}" if last is not None else None,
            as_of=call.now,
        )

    def tariff(self, call: Call, request: TariffRef) -> TariffShown:
        stored = self._one(request.code, request.version)
        document = stored.document
        return TariffShown(
            head=_row(stored),
            prices=price_rows(document),
            times=time_rows(document),
            tiers=tier_rows(document),
            sources=document.sources,
            findings=self._findings(document),
            document=document,
        )

    def tariff_file(self, call: Call, request: TariffRef) -> Document:
        document = self._one(request.code, request.version).document
        return Document(
            file_name=f"{document.code}.v{document.version}.yaml",
            media_type="application/yaml",
            content=base64.b64encode(file_text(document).encode()).decode(),
        )

    def bands(self, call: Call, request: AskBands) -> BandsOfDays:
        tariff = self._one(request.code, request.version).document
        return BandsOfDays(
            spans=[
                BandSpan(day=one.day, band=band, start=start, end=end)
                for one in request.days
                for band, start, end in spans_of_day(
                    tariff, DayFacts(one.day, one.kind, one.holiday, one.holiday_days, tuple(one.maxima))
                )
            ]
        )

    def in_force(self, call: Call, request: InForce) -> TariffsInForce:
        return TariffsInForce(
            tariffs=[one.document for one in self._store.in_force(request)],
            unit_areas=self._unit_areas.standing(request.known_at),
            as_of=call.now,
        )

    def compare(self, call: Call, request: CompareTariffs) -> TariffDifferences:
        before = self._one(request.code, request.version).document
        after = self._one(request.other_code or request.code, request.other_version).document
        return TariffDifferences(rows=differences(before, after))

    def _findings(self, tariff: TariffDocument) -> list[Finding]:
        end = tariff.effective_to
        succeeded = end is not None and self._store.begins(tariff.code, end)
        return [*check(tariff, succeeded), *self._examine(tariff)]

    def _one(self, code: str, version: int | None) -> Stored:
        stored = self._store.one(code, version)
        if stored is None:
            name = code if version is None else f"{code} v{version}"
            raise TariffNotFound(text(f"没有电价 {name}。", f"There is no tariff {name}."), code=code, version=version)
        return stored


def _newest(call: Call) -> date:
    """The day on which published data is taken: that of the newest transmission prices where it is still to come. A month's table
    takes what holds in its month."""
    return max(call.now.astimezone(SHANGHAI).date(), TRANSMISSION_FROM)


def _given(request: DraftTariff) -> TariffDocument:
    if (request.document is None) == (request.text is None):
        raise faulty(
            [
                Finding.model_validate(
                    {
                        "where": "/",
                        "severity": "error",
                        "message": {"zh": "请给出电价文件或电价内容之一", "en": "give either a document or a text"},
                    }
                )
            ]
        )
    if request.document is not None:
        return request.document
    try:
        return read_text(request.text or "")
    except Unreadable as unreadable:
        raise faulty(unreadable.findings) from None


def _publishable(findings: list[Finding]) -> bool:
    return all(finding.severity != "error" for finding in findings)


def _overlapping(tariff: TariffDocument, other: TariffDocument) -> OverlappingTariff:
    span = f"{other.effective_from.isoformat()}..{other.effective_to.isoformat() if other.effective_to else ''}"
    detail = text(
        f"与已发布的 {other.code} 第 {other.version} 版（{span}）重叠，请调整生效期间。",
        f"Overlaps version {other.version} of {other.code}, published for {span}; change the days in force.",
    )
    if other.area != tariff.area:
        detail = text(
            f"区域 {other.area} 的 {other.code} 第 {other.version} 版（{span}）已是同类用户的默认电价，而没有单位登记价区，"
            "无法区分；请先登记单位价区，或不设为默认电价。",
            f"Version {other.version} of {other.code}, area {other.area}, is the default of the same classes for {span}, and no"
            " unit has a price area to tell them apart; enter the price areas of units first, or do not make it a default.",
        )
    return OverlappingTariff(
        detail,
        code=tariff.code,
        version=tariff.version,
        other_code=other.code,
        other_version=other.version,
        effective_from=tariff.effective_from,
        effective_to=tariff.effective_to,
    )


def _names(dictionary: Dictionary, values: Sequence[str]) -> TextPair:
    entries = [dictionary.entries[value] for value in values]
    return TextPair(zh="、".join(one["zh"] for one in entries), en=", ".join(one["en"] for one in entries))


def _row(stored: Stored) -> TariffRow:
    tariff = stored.document
    basic = list(tariff.basic.prices) if tariff.basic is not None else []
    prices = [*basic, *(price for component in tariff.components for price in component.prices)]
    return TariffRow.model_validate(
        {
            "code": tariff.code,
            "version": tariff.version,
            "title": tariff.title,
            "area": tariff.area,
            "area_title": tariff.area_title,
            "kind": tariff.kind,
            "classes": _names(TARIFF_CLASSES, tariff.classes),
            "settlements": _names(SETTLEMENTS, tariff.settlements),
            "voltages": ", ".join(f"{one} kV" for one in tariff.voltages),
            "default": tariff.default,
            "effective_from": tariff.effective_from,
            "effective_to": tariff.effective_to,
            "status": stored.status,
            "document_no": "；".join(source.number for source in tariff.sources)[:400],
            "illustrative": any(price.illustrative for price in prices),
            "drafted_by": stored.drafted_by,
            "drafted_at": stored.drafted_at,
            "published_by": stored.published_by,
            "published_at": stored.published_at,
        }
    )
