"""What every part of the service stands on: its store, findings of a tariff, and how one is put into force."""

from collections.abc import Callable
from datetime import date

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.period import SHANGHAI
from denghuo.kernel.problem import FOR_THE_WHOLE_COMPANY, text
from denghuo.service.host.binding import Ask
from denghuo.service.tariff.api import (
    Finding,
    OverlappingTariff,
    PartialTariff,
    TariffDocument,
    TariffNotFound,
    TariffPublished,
    WholeCompanyOnly,
)
from denghuo.service.tariff.area_proposals import AreaProposals
from denghuo.service.tariff.days import DayDesk
from denghuo.service.tariff.monthly import MonthlyPrices
from denghuo.service.tariff.rules import TRANSMISSION_FROM, check, faulty
from denghuo.service.tariff.spot import SpotDesk
from denghuo.service.tariff.store import Stored, TariffStore
from denghuo.service.tariff.tables import TableStore
from denghuo.service.tariff.unit_areas import UnitAreaDesk

Examine = Callable[[TariffDocument], list[Finding]]
"""Rates the examples of a tariff and gives a finding for each that comes out otherwise. Rating is a service above this one, so it
comes in as a port."""


def unexamined(tariff: TariffDocument) -> list[Finding]:
    """Where there is no rating, examples are kept and not run."""
    return []


def check_whole_company(call: Call) -> None:
    """Raises WholeCompanyOnly for a post of one unit: prices and days hold for all units of an area."""
    if not call.whole_company:
        raise WholeCompanyOnly(FOR_THE_WHOLE_COMPANY, scope=list(call.scope))


class TariffPart:
    """A part of the service: it answers operations of some subjects."""

    def __init__(self, work: Work, ask: Ask, examine: Examine = unexamined) -> None:
        self._work = work
        self._store = TariffStore(work)
        self._monthly = MonthlyPrices(self._store, TableStore(work))
        self._spot = SpotDesk(work)
        self._days = DayDesk(work)
        self._unit_areas = UnitAreaDesk(work)
        self._proposals = AreaProposals(work)
        self._ask = ask
        self._examine = examine

    def _put_into_force(self, call: Call, tariff: TariffDocument) -> None:
        findings = self._findings(tariff)
        if not publishable(findings):
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


def newest_day(call: Call) -> date:
    """The day on which published data is taken: that of the newest transmission prices where it is still to come. A month's table
    takes what holds in its month."""
    return max(call.now.astimezone(SHANGHAI).date(), TRANSMISSION_FROM)


def publishable(findings: list[Finding]) -> bool:
    """Whether no finding is an error."""
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
