"""What is published by month or by day: price tables, spot prices, holidays and temperatures."""

from denghuo.kernel.contract import Call
from denghuo.kernel.fields import Document
from denghuo.service.tariff.api import (
    AskBands,
    AskCalendar,
    AskSpotPrices,
    AskTemperatures,
    AskWorkingDays,
    BandsOfDays,
    BandSpan,
    CalendarShown,
    DayTableRef,
    DayTablesFound,
    DayTableShown,
    DraftDays,
    DraftPriceTable,
    DraftSpotPrices,
    FindDayTables,
    FindPriceTables,
    FindSpotTables,
    PriceTableCorrected,
    PriceTableRef,
    PriceTablesFound,
    PriceTableShown,
    ReplacedVersion,
    SpotPrices,
    SpotTableRef,
    SpotTablesFound,
    SpotTableShown,
    Temperatures,
    WorkingDays,
)
from denghuo.service.tariff.api.calendar import CalendarOperations
from denghuo.service.tariff.api.day import DayOperations
from denghuo.service.tariff.api.spot import SpotOperations
from denghuo.service.tariff.api.table import TableOperations
from denghuo.service.tariff.rules import DayFacts, spans_of_day
from denghuo.service.tariff.service.part import TariffPart, check_whole_company


class TablesPart(TariffPart, TableOperations, SpotOperations, CalendarOperations, DayOperations):
    """Answers on what is published by month or by day."""

    def draft_price_table(self, call: Call, request: DraftPriceTable) -> PriceTableShown:
        return self._monthly.draft(call, request)

    def publish_price_table(self, call: Call, request: PriceTableRef) -> PriceTableShown:
        check_whole_company(call)
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

    def draft_spot_prices(self, call: Call, request: DraftSpotPrices) -> SpotTableShown:
        return self._spot.draft(call, request)

    def publish_spot_prices(self, call: Call, request: SpotTableRef) -> SpotTableShown:
        check_whole_company(call)
        return self._spot.publish(call, request)

    def spot_tables(self, call: Call, request: FindSpotTables) -> SpotTablesFound:
        return self._spot.find(call, request)

    def spot_table(self, call: Call, request: SpotTableRef) -> SpotTableShown:
        return self._spot.shown(request)

    def spot_prices(self, call: Call, request: AskSpotPrices) -> SpotPrices:
        return self._spot.prices(call, request)

    def spot_file(self, call: Call, request: AskSpotPrices) -> Document:
        return self._spot.file(request)

    def draft_days(self, call: Call, request: DraftDays) -> DayTableShown:
        return self._days.draft(call, request)

    def publish_days(self, call: Call, request: DayTableRef) -> DayTableShown:
        check_whole_company(call)
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
