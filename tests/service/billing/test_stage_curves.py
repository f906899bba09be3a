"""A month in stages whose meters have no bands: each stage has those of its own days of the curve, by its own tariff's hours."""

import base64
import json
import pathlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from tests.service.billing.county import (
    ACCOUNTANT,
    MONTH,
    OPERATOR,
    OTHER_PERSON,
    County,
    Supply,
    county,
    daily,
    settle_county,
    take_registers,
)
from tests.service.billing.test_curves import by_time, held, in_april, take_curves
from tests.service.billing.test_terms import bill, change

from denghuo.kernel.contract import Call
from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import Energy, Percent, Power
from denghuo.service.billing.api import (
    AskForecastErrors,
    Bill,
    BillRef,
    EstimateDay,
    EstimatesOf,
    SoFar,
    StartCycle,
    WhatIf,
)
from denghuo.service.billing.listen import estimate_again
from denghuo.service.reading.api import MonthRef, ReadingApi, RegistersReceived
from denghuo.service.tariff.api import (
    BandWindows,
    DraftTariff,
    Season,
    TariffApi,
    TariffDocument,
    TariffVersion,
    Window,
)
from denghuo_verify.check import verify

TWICE = Supply(1, 1, daily(24))
"""Another class from the 11th on, and other hours of its new class from the 21st on."""
UNREAD = Supply(2, 1, {day: shown for day, shown in daily(24).items() if day not in (10, 11, 12)})
LARGER = Supply(3, 1, daily(24))
"""No new price, but another contract demand from the 16th on."""
APART = Supply(4, 1, daily(24))
SILENT = Supply(5, 1, daily(24))
SUPPLIES = [TWICE, UNREAD, LARGER, APART, SILENT]


def hours(peak: tuple[str, str], valley: tuple[str, str]) -> list[Season]:
    windows = {
        "peak": [Window(start=peak[0], end=peak[1])],
        "flat": [],
        "valley": [Window(start=valley[0], end=valley[1])],
    }
    ratios = {"peak": "150", "flat": "100", "valley": "50"}
    bands = [BandWindows(band=band, windows=windows[band], ratio=Percent.of(ratios[band])) for band in windows]  # type: ignore[arg-type]
    return [Season(title=TextPair(zh="全年", en="All year"), bands=bands)]


def tariffs() -> list[TariffDocument]:
    farm = by_time(code="test.farm", classes=["agricultural"], seasons=hours(("18:00", "20:00"), ("00:00", "08:00")))
    early = by_time(code="test.early", classes=["agricultural"], default=False)
    return [by_time(), farm, early]


def shifting(day: int, slot: int) -> int:
    """24 kWh a day: at night until the 10th, in the morning until the 20th, from then on in the evening, 8 kWh of them; 16
    kWh are spread over the hours until 16:00."""
    first = 0 if day <= 10 else 32 if day <= 20 else 72
    return (250 if slot < 64 else 0) + (1_000 if first <= slot < first + 8 else 0)


@pytest.fixture
def found(database_dsn: str, tmp_path: pathlib.Path) -> Iterator[County]:
    with county("local", database_dsn, tmp_path) as made:
        yield made


def changes(found: County) -> None:
    for supply in (TWICE, UNREAD, APART, SILENT):
        change(found, supply, 11, tariff_class="agricultural")
    change(found, LARGER, 16, contract_kw=Power(9_000))
    document = tariffs()[1].model_copy(
        update={"effective_from": date(2026, 4, 21), "seasons": hours(("10:00", "12:00"), ("17:00", "21:00"))}
    )
    drafted = found.directory(TariffApi).draft(OPERATOR, DraftTariff(document=document))
    assert drafted.publishable, drafted.findings
    found.directory(TariffApi).publish(OTHER_PERSON, TariffVersion(code=drafted.code, version=drafted.version))


def by_stage(shown: Bill) -> list[tuple[str, str | None, str]]:
    return [
        (f"{line.first_day:%d}-{line.last_day:%d}", line.band, str(line.quantity))
        for line in shown.lines
        if line.first_day
    ]


def document(found: County, shown: Bill) -> dict[str, Any]:
    """The bill's file with its readings file, as a person has them."""
    ref = BillRef(bill_no=shown.bill_no)
    file = json.loads(base64.b64decode(found.billing.bill_file(ACCOUNTANT, ref).content))
    readings = json.loads(base64.b64decode(found.billing.readings_file(ACCOUNTANT, ref).content))
    return {**file, "readings": readings["readings"], "curves": readings["curves"]}


def test_every_stage_has_the_bands_of_its_own_days_by_its_own_hours(found: County) -> None:
    settle_county(found, SUPPLIES, tariffs())
    changes(found)
    curves = {f"M0000{one.serial}": shifting for one in (TWICE, UNREAD, LARGER)}
    take_curves(found, curves | {"M00004": lambda day, slot: shifting(day, slot) * (2 if day > 20 else 1)})
    found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    found.settle()
    twice = bill(found, TWICE)
    stages = [
        # 250 Wh a slot until 16:00 (16 kWh), and 8 kWh at 00:00-02:00, which is valley.
        ("01-10", "peak", "30"), ("01-10", "flat", "70"), ("01-10", "valley", "140"),
        # 8 kWh at 08:00-10:00, flat by the hours of the other class, of which the valley ends at 08:00.
        ("11-20", "flat", "160"), ("11-20", "valley", "80"),
        # The evening, 18:00-20:00, is valley since the 21st, and 10:00-12:00 peak.
        ("21-30", "peak", "20"), ("21-30", "flat", "140"), ("21-30", "valley", "80"),
    ]  # fmt: skip
    assert by_stage(twice) == stages
    assert sum(Decimal(str(line.quantity)) for line in twice.lines) == Decimal(str(twice.energy)) == 720
    assert any("零点示数" in one.zh and "own days" in one.en for one in twice.remarks)
    # Where no register was read on the 11th the curve says where it stood.
    unread = bill(found, UNREAD)
    assert by_stage(unread) == stages and any("内插" in one.zh for one in unread.remarks)
    # A new contract demand is no stage; the bands are those of the month.
    larger = bill(found, LARGER)
    assert {line.band: str(line.quantity) for line in larger.lines} == {"peak": "170", "flat": "290", "valley": "260"}
    # Whose curve nobody has is billed without bands, stage by stage.
    assert {line.band for line in bill(found, SILENT).lines} == {None}
    assert [code for code, said in held(found) if "曲线与示数不符" in said] == ["read_held"]

    for shown in (twice, unread, larger, bill(found, SILENT)):
        report = verify(document(found, shown))
        assert (report.verdict, report.total) == ("verified", str(shown.amount)), report
        assert not [one for one in report.notes if "--readings" in one.zh]
    # Energy of one stage that is moved to another hour of the same stage is named with its register.
    changed = document(found, twice)
    changed["curves"][0]["values"][96 * 14 + 32], changed["curves"][0]["values"][96 * 14 + 2] = "0.250", "1.250"
    report = verify(changed)
    assert {one.where for one in report.differs} == {
        "register M00001 active_fwd flat (2)",
        "register M00001 active_fwd valley (2)",
    }
    # A comparison takes the bands of a candidate from the curve of the whole month: those of the account with one tariff.
    plans = found.billing.what_if(ACCOUNTANT, WhatIf(account_no=TWICE.account_no)).plans
    other = next(row for row in plans if row.tariff_code == "test.early")
    assert (other.months_told, other.by_curve, other.amount) == (1, 1, larger.amount)


def test_a_running_month_in_stages_is_told_and_foreseen_by_the_curve(found: County) -> None:
    known = {day: kwh for day, kwh in daily(24).items() if day <= 16}
    supply = replace(TWICE, registers=known)
    settle_county(found, [supply], tariffs())
    changes_of(found, supply)
    found.directory(ReadingApi).plan_month(OPERATOR, MonthRef(month=MONTH))
    take_curves(found, {"M00001": lambda day, slot: even(slot) if day <= 14 else None})
    asked = SoFar(account_no=supply.account_no)
    told = found.billing.bill_so_far(in_april(16), asked)
    # The registers are a day ahead of the curve.
    assert (told.through_on, told.energy) == (date(2026, 4, 14), Energy(336_000))
    assert [(line.band, str(line.quantity)) for line in told.lines] == [
        ("peak", "30"), ("flat", "130"), ("valley", "80"), ("peak", "8"), ("flat", "56"), ("valley", "32"),
    ]  # fmt: skip
    take_curves(found, {"M00001": lambda day, slot: even(slot) if day <= 15 else None})
    found.settle()
    told = found.billing.bill_so_far(in_april(16), asked)
    assert told.through_on == date(2026, 4, 15) and told.low_amount == told.expected_amount == told.high_amount
    assert found.billing.estimate_day(OPERATOR, EstimateDay(month=MONTH, everyone=True)).estimated == 1
    (row,) = found.billing.unbilled(in_april(16), EstimatesOf(account_nos=[supply.account_no])).rows
    assert (row.amount, row.through_on) == (told.amount, told.through_on)
    take_registers(found, [replace(supply, registers=daily(24))])
    take_curves(found, {"M00001": lambda day, slot: even(slot)})
    found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    found.settle()
    shown = bill(found, supply)
    over = found.billing.bill_so_far(ACCOUNTANT, asked)
    assert shown.amount == over.amount == told.expected_amount
    assert [line.amount for line in over.lines] == [line.amount for line in shown.lines]
    # With the first registers of May the forecasts of April are measured, in all and by class.
    event = RegistersReceived(month="2026-05", taken=1, corrected=0)
    may = Call.system(datetime(2026, 5, 3, tzinfo=UTC))
    found.directory.hosted["billing"].handle("billing", estimate_again, may, event, "reading:may")
    found.settle()
    errors = found.billing.forecast_errors(ACCOUNTANT, AskForecastErrors(month=MONTH)).rows
    assert [(row.tariff_class, row.days_known, row.accounts) for row in errors] == [
        (None, 10, 1), (None, 20, 1), ("agricultural", 10, 1), ("agricultural", 20, 1),
    ]  # fmt: skip
    assert {(str(row.within), row.billed) for row in errors} == {("100.00", shown.amount)}


def even(slot: int) -> int:
    return 250


def changes_of(found: County, supply: Supply) -> None:
    change(found, supply, 11, tariff_class="agricultural")
