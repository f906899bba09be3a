"""Tariffs: drafted, checked, published, shown and compared."""

import base64
from collections.abc import Sequence
from typing import Literal

from denghuo.kernel.contract import Call, Dictionary
from denghuo.kernel.fields import TARIFF_CLASSES, Document, TextPair
from denghuo.kernel.problem import text
from denghuo.service.tariff import shipped
from denghuo.service.tariff.api import (
    SETTLEMENTS,
    CheckTariff,
    CompareTariffs,
    Drafted,
    DraftTariff,
    DraftWithdrawn,
    Finding,
    FindTariffs,
    InForce,
    Loaded,
    LoadPublished,
    NotADraft,
    ReadUrdb,
    SamePerson,
    TariffDifferences,
    TariffDocument,
    TariffFaulty,
    TariffFindings,
    TariffRef,
    TariffRow,
    TariffsFound,
    TariffShown,
    TariffsInForce,
    TariffVersion,
    UrdbFinding,
    UrdbPrice,
    UrdbTariff,
    UrdbTariffs,
)
from denghuo.service.tariff.api.tariff import TariffOperations
from denghuo.service.tariff.gazette import no_such_area
from denghuo.service.tariff.rules import (
    Unreadable,
    check,
    differences,
    faulty,
    file_text,
    price_rows,
    read_text,
    read_urdb,
    tier_rows,
    time_rows,
)
from denghuo.service.tariff.service.part import TariffPart, check_whole_company, newest_day, publishable
from denghuo.service.tariff.store import Stored

SHIPPED_BY = "denghuo"
"""Who drafted the price data that ships; whoever loads it publishes it, so two persons stand behind it."""


class TariffsPart(TariffPart, TariffOperations):
    """Answers on tariffs."""

    def draft(self, call: Call, request: DraftTariff) -> Drafted:
        tariff = _given(request)
        findings = self._findings(tariff)
        if tariff.effective_to is not None and tariff.effective_to <= tariff.effective_from:
            # What is in force on no day is not even a draft: there is no span to keep it under.
            raise faulty(findings)
        self._store.lock()
        version = self._store.draft(tariff, call.actor, call.now)
        return Drafted(
            code=tariff.code, version=version, status="draft", publishable=publishable(findings), findings=findings
        )

    def check(self, call: Call, request: CheckTariff) -> TariffFindings:
        try:
            tariff = _given(request)
        except TariffFaulty as faulty:
            findings = [Finding.model_validate(one) for one in faulty.fields["findings"]]
            return TariffFindings(code=None, publishable=False, findings=findings)
        findings = self._findings(tariff)
        return TariffFindings(code=tariff.code, publishable=publishable(findings), findings=findings, document=tariff)

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
                    publishable=publishable(findings[one.effective_from]),
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
        check_whole_company(call)
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
        check_whole_company(call)
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
        partial = [one for one in shipped.partial(request.area, newest_day(call)) if not self._store.known(one.code)]
        for tariff in map(self._store.fitting_default, partial):
            self._store.draft(tariff, SHIPPED_BY, call.now)
        return Loaded(
            loaded=len(tariffs) - unchanged,
            unchanged=unchanged,
            drafted=len(partial),
            codes=sorted({tariff.code for tariff in (*tariffs, *partial)}),
        )

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
