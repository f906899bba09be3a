"""Bands by the curve that hang on holidays and heat: the published days, the bill, why a day counts, and the verifier."""

import pathlib
from dataclasses import replace
from datetime import date, timedelta

import pytest
from tests.service.billing.county import (
    ACCOUNTANT,
    OPERATOR,
    OTHER_PERSON,
    County,
    Prepare,
    Prepared,
    Supply,
    daily,
    settle_county,
)
from tests.service.billing.test_curves import (
    bands_of,
    bill_of,
    by_time,
    held,
    run,
    steady,
    take_bands,
    take_curves,
    verified,
)
from tests.service.billing.test_terms import all_identical
from tests.service.bindings import clock

from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import Percent
from denghuo.service.billing.api import AdvanceRecalculation, BillRef, FindBillsByDays, FindRecalculations
from denghuo.service.tariff.api import (
    NATION,
    AskCalendar,
    BandWindows,
    DayTableRef,
    DraftDays,
    Season,
    TariffApi,
    TariffDocument,
    Window,
)

HOLIDAYS = Supply(1, 1, daily(24))
HEAT = Supply(2, 1, daily(24), tariff_class="agricultural")
BY_REGISTERS = Supply(4, 1, daily(24))
APART = Supply(5, 1, daily(24))
"""Both have registers by band beside the curve; those of the second do not know of the holiday."""
ALL = [HOLIDAYS, HEAT, BY_REGISTERS, APART]
UNKNOWN = Supply(3, 1, daily(24), tariff_class="general_single_part")


def deep() -> Season:
    """Deep valley 10:00-14:00 on the days of Qingming."""
    return Season(
        title=TextPair(zh="节假日深谷", en="deep valley on holidays"),
        days="holiday",
        holidays=["清明节"],
        overlay=True,
        bands=[BandWindows(band="deep", windows=[Window(start="10:00", end="14:00")], ratio=Percent.of("20"))],
        document="测价〔2026〕1号",
    )


def sharp(place: str) -> Season:
    """Sharp peak 08:00-09:00 on the second and further days on which it was at least 35 °C."""
    return Season(
        title=TextPair(zh="高温尖峰", en="sharp peak in the heat"),
        temperature_from=35,
        temperature_days=2,
        temperature_at=place,
        overlay=True,
        bands=[BandWindows(band="sharp", windows=[Window(start="08:00", end="09:00")], ratio=Percent.of("200"))],
    )


def priced(code: str, tariff_class: str, season: Season) -> TariffDocument:
    document = by_time(code=code, classes=[tariff_class])
    return document.model_copy(update={"seasons": [*document.seasons, season]})


TARIFFS = [
    priced("test.holidays", "resident", deep()),
    priced("test.heat", "agricultural", sharp("测试站")),
    priced("test.elsewhere", "general_single_part", sharp("别处")),
]
HOT = {10, 11, 12, 20}
"""Of April; the 9th reached 34.9."""


@pytest.fixture(scope="module")
def prepared_county(prepare: Prepare) -> Prepared:
    def make(made: County) -> None:
        settle_county(made, [*ALL, UNKNOWN], TARIFFS)
        take_curves(made, {f"M{one.serial:05d}": steady for one in (*ALL, UNKNOWN)})
        take_bands(made, "M00004", {"peak": 174, "flat": 293, "valley": 240, "deep": 13})
        take_bands(made, "M00005", {"peak": 180, "flat": 300, "valley": 240, "deep": 0})

    return prepare(make)


def warm() -> str:
    days = [date(2026, 4, 1) + timedelta(days=at) for at in range(30)]
    rows = [f"{day},{36 if day.day in HOT else '34.9' if day.day == 9 else 20},测试站" for day in days]
    return "\n".join(["日期,最高气温(℃),测温地点", *rows])


def publish(found: County, **body: object) -> None:
    tariffs = found.ask(TariffApi)
    head = tariffs.draft_days(OPERATOR, DraftDays.model_validate(body)).head
    tariffs.publish_days(OTHER_PERSON, DayTableRef(kind=head.kind, area=head.area, period=head.period))


def used(slots: range) -> int:
    return sum(steady(1, slot) or 0 for slot in slots)


@pytest.mark.scope("B05-05")
def test_holidays_and_heat_give_bands_and_the_bill_says_why(found: County, tmp_path: pathlib.Path) -> None:
    tariffs = found.ask(TariffApi)
    asked = AskCalendar(code="test.holidays", month="2026-04")
    assert len(tariffs.calendar(OPERATOR, asked).missing) == 30
    publish(found, kind="holidays", area=NATION, period="2026", document_no="国办发明电〔2025〕7号")
    publish(
        found, kind="temperatures", area="310000", period="2026-03", document_no="气象资料",
        text="day,maximum,place\n2026-03-31,20,测试站\n",
    )  # fmt: skip
    publish(
        found, kind="temperatures", area="310000", period="2026-04", document_no="气象资料",
        text=warm(),
    )  # fmt: skip
    told = tariffs.calendar(OPERATOR, asked)
    assert (told.missing, told.documents) == ([], ["国办发明电〔2025〕7号"])
    assert [one.day.day for one in told.days if one.kind == "holiday"] == [4, 5, 6]
    assert {one.holiday_days for one in told.days if one.holiday} == {3}
    run(found)

    # Three days of deep valley from 10:00 to 14:00, which takes an hour of peak.
    bill = bill_of(found, HOLIDAYS)
    deep_wh = 3 * used(range(40, 56))
    peak_wh = 30 * used(range(32, 44)) - 3 * used(range(40, 44))
    got = {band: int(kwh) for band, (kwh, _) in bands_of(bill).items()}
    assert got["deep"] == round(deep_wh / 1000) and got["peak"] == round(peak_wh / 1000)
    assert got["valley"] == 240 and sum(got.values()) == 720
    (why,) = [one.zh for one in bill.remarks if "节假日深谷" in one.zh]
    assert "2026-04-04..2026-04-06" in why and "清明节" in why and "国办发明电〔2025〕7号" in why
    assert "测价〔2026〕1号" in why

    # Hot on the 10th to the 12th and the 20th: only the 11th and 12th follow a hot day.
    hot = bill_of(found, HEAT)
    assert bands_of(hot)["sharp"][0] == str(2 * used(range(32, 36)) // 1000)
    (why,) = [one.en for one in hot.remarks if "sharp peak" in one.en]
    assert "2026-04-11..2026-04-12" in why and "35 °C on 2 days running" in why
    # What is measured elsewhere is not known: no bands, and the bill says so.
    assert any("没有分时示数" in one.zh for one in bill_of(found, UNKNOWN).remarks)

    for supply in (HOLIDAYS, HEAT):
        ref = BillRef(bill_no=f"202604{supply.account_no}101")
        folder = tmp_path / f"verified-{supply.serial}"
        folder.mkdir()
        code, report = verified(
            folder, found.billing.bill_file(ACCOUNTANT, ref), found.billing.readings_file(ACCOUNTANT, ref)
        )
        assert (code, report["verdict"]) == (0, "verified"), report
        assert not [one for one in report["notes"] if "--readings" in one["zh"]]
    # Registers by band stand where the curve agrees with them over the same days, and are held where it does not.
    shown = bill_of(found, BY_REGISTERS)
    assert {band: kwh for band, (kwh, _) in bands_of(shown).items()} == {
        "peak": "174",
        "flat": "293",
        "valley": "240",
        "deep": "13",
    }
    assert not [one for one in shown.registers if one.method == "curve"]
    ((code, why_held),) = held(found)
    assert code == "read_held" and "M00005" in why_held, (code, why_held)
    all_identical(found, 4)
    corrected_days_name_bills_and_rate_again(found)


def corrected_days_name_bills_and_rate_again(found: County) -> None:
    """The notice is corrected: Qingming ends on the fifth."""
    key = {"kind": "holidays", "area": NATION, "period": "2026"}
    asked = FindBillsByDays.model_validate(key)
    assert found.billing.bills_by_days(ACCOUNTANT, asked).total == 0
    shipped = found.ask(TariffApi).day_table(OPERATOR, DayTableRef.model_validate(key)).days
    rows = [f"{one.day},{one.kind},{one.name}" for one in shipped if str(one.day) != "2026-04-06"]
    body = key | {"document_no": "更正通知", "correction": True, "text": "\n".join(["day,kind,name", *rows])}
    found.ask(TariffApi).draft_days(OPERATOR, DraftDays.model_validate(body))
    named = found.billing.bills_by_days(ACCOUNTANT, asked)
    assert [(one.account_no, one.corrected) for one in named.rows] == [
        (HOLIDAYS.account_no, None),
        (BY_REGISTERS.account_no, None),
    ]
    assert "尚未发布" in named.rows[0].said.zh
    found.ask(TariffApi).publish_days(replace(OTHER_PERSON, now=clock()), DayTableRef.model_validate(key))
    found.settle()
    named = found.billing.bills_by_days(replace(ACCOUNTANT, now=clock()), asked)
    # Four hours of the sixth: 4 kWh less of deep valley at 0.12, 2 more of peak at 0.90 and 2 more of flat at 0.60 yuan.
    assert (named.issued, str(named.rows[0].difference)) == (2, "2.52")
    # Its registers by band know of the holiday and agree with the curve no more.
    assert named.rows[1].corrected is None and "M00004" in named.rows[1].said.zh
    # The account that was held is calculated by the new days; its registers know of no holiday at all.
    done = found.billing.recalculations(ACCOUNTANT, FindRecalculations()).rows
    assert [(one.cause, one.due, one.held) for one in done] == [("days", 1, 1)]
    # A step of the job that comes once more finds nothing to do.
    step = found.billing.advance_recalculation(
        ACCOUNTANT, AdvanceRecalculation(recalculation_no=done[0].recalculation_no)
    )
    assert (step.done, step.again) == (0, False)
