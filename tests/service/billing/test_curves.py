"""Bills by time of use from a curve, through the services: curves taken in, atoms, bands of the month, lines of the bill."""

import pathlib
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.service.billing.county import (
    ACCOUNTANT,
    MONTH,
    OPERATOR,
    County,
    Supply,
    county,
    daily,
    settle_county,
    tariff,
)
from tests.service.bindings import clock

from denghuo.data.processing.dataset import arrow_schema
from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import Month, midnight
from denghuo.kernel.values import Percent, Price
from denghuo.service.billing.api import Bill, BillRef, FindExceptions, Recalculate, StartCycle
from denghuo.service.billing.batch import SUPPLY_ROLES
from denghuo.service.billing.curves import Curves, settled
from denghuo.service.billing.engine.atoms import Calendar, MonthCells, month_plan
from denghuo.service.reading.api import CURVE_INTAKE, MONTH_ENERGY, REGISTER_INTAKE, Intake, ReadingApi
from denghuo.service.tariff.api import BandWindows, Component, PriceAt, Season, TariffDocument, Window

DAYS = 30
Curve = Callable[[int, int], int | None]
"""Wh by day of the month and slot."""


def by_time(**changes: object) -> TariffDocument:
    """Valley 22:00-06:00 at half the price, peak 08:00-11:00 at one and a half times, flat for the rest: 0.60 yuan."""
    windows = {
        "peak": [Window(start="08:00", end="11:00")],
        "flat": [],
        "valley": [Window(start="22:00", end="06:00")],
    }
    ratios = {"peak": "150", "flat": "100", "valley": "50"}
    season = Season(
        title=TextPair(zh="全年", en="All year"),
        bands=[
            BandWindows(band=band, windows=windows[band], ratio=Percent.of(ratio)) for band, ratio in ratios.items()
        ],  # type: ignore[arg-type]
    )
    component = Component(
        code="energy",
        title=TextPair(zh="电度电费", en="Energy"),
        prices=[PriceAt(price=Price.of("0.6"))],
        floats=True,
        document="测价〔2026〕1号",
    )
    return tariff("test.tou", "energy", "0.6").model_copy(
        update={"seasons": [season], "components": [component], **changes}
    )


def steady(day: int, slot: int) -> int | None:
    """24 kWh a day: 8 at night (32 slots), 6 at peak (12 slots), 10 in between (52 slots)."""
    if slot < 24 or slot >= 88:
        return 250
    return 500 if 32 <= slot < 44 else _flat(slot)


def _flat(slot: int) -> int:
    """10,000 Wh over the 52 slots that are neither."""
    place = slot - 24 if slot < 32 else slot - 24 - 12
    return 10_000 // 52 + (1 if place < 10_000 % 52 else 0)


def take_curves(found: County, curves: Mapping[str, Curve]) -> None:
    rows = [
        {"series": "active_fwd_wh", "subject": meter, "at": midnight(date(2026, 4, day)) + slot * timedelta(minutes=15),
         "value": curve(day, slot)}
        for meter, curve in curves.items()
        for day in range(1, DAYS + 1)
        for slot in range(96)
    ]  # fmt: skip
    table = pa.Table.from_pylist(rows, schema=arrow_schema(CURVE_INTAKE))
    ref = found.datasets.publish(CURVE_INTAKE, MONTH, f"test-{clock():%H%M%S%f}", table, clock())
    assert found.directory(ReadingApi).receive_curves(OPERATOR, Intake(rows=ref)).refused == 0


def take_bands(found: County, meter: str, bands: Mapping[str, int]) -> None:
    """Registers by band at both ends of the month, in kWh of the month."""
    rows = [
        {
            "meter_no": meter,
            "read_at": midnight(day),
            "quantity": "active_fwd",
            "band": band,
            "value_e4": value * 10_000,
        }
        for band, kwh in bands.items()
        for day, value in ((date(2026, 4, 1), 100), (date(2026, 5, 1), 100 + kwh))
    ]
    table = pa.Table.from_pylist(rows, schema=arrow_schema(REGISTER_INTAKE))
    ref = found.datasets.publish(REGISTER_INTAKE, MONTH, f"bands-{meter}", table, clock())
    assert found.directory(ReadingApi).receive_registers(OPERATOR, Intake(rows=ref)).refused == 0


@pytest.fixture(params=["local", "remote"])
def empty(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[County]:
    with county(request.param, database_dsn, tmp_path) as made:
        yield made


@pytest.fixture
def quick(database_dsn: str, tmp_path: pathlib.Path) -> Iterator[County]:
    with county("local", database_dsn, tmp_path) as made:
        yield made


def run(found: County) -> None:
    found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    found.settle()


def bill_of(found: County, supply: Supply) -> Bill:
    return found.billing.bill(ACCOUNTANT, BillRef(bill_no=f"202604{supply.account_no}101"))


def bands_of(bill: Bill) -> dict[str | None, tuple[str, str]]:
    return {line.band: (str(line.quantity), str(line.amount)) for line in bill.lines}


SPLIT = {"peak": ("180", "162.00"), "flat": ("300", "180.00"), "valley": ("240", "72.00")}


def test_curve_splits_the_register_over_the_bands(empty: County) -> None:
    with_curve, without = Supply(1, 1, daily(24)), Supply(2, 1, daily(24))
    settle_county(empty, [with_curve, without], [by_time()])
    take_curves(empty, {"M00001": steady})
    run(empty)
    bill = bill_of(empty, with_curve)
    assert bands_of(bill) == SPLIT
    assert Decimal(str(bill.amount)) == Decimal("414.00")
    assert not [remark for remark in bill.remarks if "分时" in remark.zh]
    valley = next(line for line in bill.lines if line.band == "valley")
    assert "曲线" in valley.sentence.zh
    # Whose curve nobody has is billed without time of use, and told so.
    other = bill_of(empty, without)
    assert bands_of(other) == {None: ("720", "432.00")}
    assert any("没有分时示数" in remark.zh for remark in other.remarks)


def test_few_gaps_are_filled_from_the_register_and_marked(quick: County) -> None:
    supply = Supply(1, 1, daily(24))
    settle_county(quick, [supply], [by_time()])
    take_curves(quick, {"M00001": lambda day, slot: None if day == 7 and 32 <= slot < 40 else steady(day, slot)})
    run(quick)
    assert bands_of(bill_of(quick, supply)) == SPLIT


def held(found: County) -> list[tuple[str, str]]:
    rows = found.billing.exceptions(ACCOUNTANT, FindExceptions(month=MONTH, state="open")).rows
    return [(row.code, row.reason.zh) for row in rows]


def test_curve_that_does_not_agree_holds_the_account_until_it_is_right(quick: County) -> None:
    supply = Supply(1, 1, daily(24))
    settle_county(quick, [supply], [by_time()])
    take_curves(quick, {"M00001": lambda day, slot: 2 * (steady(day, slot) or 0)})
    run(quick)
    ((code, said),) = held(quick)
    assert code == "read_held" and "曲线与示数不符" in said
    take_curves(quick, {"M00001": steady})
    done = quick.billing.recalculate(ACCOUNTANT, Recalculate(month=MONTH, account_no=supply.account_no))
    assert (done.held, done.issued) == (0, 1)
    assert bands_of(bill_of(quick, supply)) == SPLIT


def test_many_gaps_hold_the_account(quick: County) -> None:
    supply = Supply(1, 1, daily(24))
    settle_county(quick, [supply], [by_time()])
    take_curves(quick, {"M00001": lambda day, slot: None if day > 28 else steady(day, slot)})
    run(quick)
    ((code, said),) = held(quick)
    assert code == "read_held" and "曲线缺点" in said


@pytest.mark.parametrize(("peak", "agrees"), [(180, True), (181, True), (150, False)])
def test_registers_by_band_stand_where_the_curve_agrees(quick: County, peak: int, agrees: bool) -> None:
    supply = Supply(1, 1, daily(24))
    settle_county(quick, [supply], [by_time()])
    take_bands(quick, "M00001", {"peak": peak, "flat": 480 - peak, "valley": 240})
    take_curves(quick, {"M00001": steady})
    run(quick)
    if agrees:
        assert bands_of(bill_of(quick, supply))["peak"][0] == str(peak)
    else:
        assert [code for code, _ in held(quick)] == ["read_held"]


def test_bands_that_hang_on_holidays_are_not_told_by_curves_alone() -> None:
    document = by_time()
    month = Month.of(MONTH)
    assert settled(document, month)
    rest = document.seasons[0].model_copy(update={"days": "rest_day"})
    assert not settled(document.model_copy(update={"seasons": [*document.seasons, rest]}), month)
    deep = document.seasons[0].model_copy(update={"overlay": True, "holidays": ["春节"]})
    assert not settled(document.model_copy(update={"seasons": [*document.seasons, deep]}), month)
    winter = rest.model_copy(update={"months": [1, 12]})
    assert settled(document.model_copy(update={"seasons": [*document.seasons, winter]}), month)


def energy_rows(*rows: dict[str, Any]) -> pa.Table:
    """Rows of `reading.month_energy` of one account, over the whole month unless said otherwise."""
    period = Month.of(MONTH).period
    common = {
        "point_no": "P1", "account_no": "A1", "org": "1", "role": "sale", "meter_no": "M1", "piece": 1, "quantity": "active_fwd",
        "band": "total", "from_at": period.start, "to_at": period.end, "start_e4": 0, "end_e4": 1, "multiplier": 1,
        "energy_wh": None, "status": "valid", "rule": "checked", "method": "actual", "days_estimated": 0,
    }  # fmt: skip
    return pa.Table.from_pylist([common | row for row in rows], schema=arrow_schema(MONTH_ENERGY))


def test_exchanged_meters_are_split_each_by_its_own_curve() -> None:
    """The first meter leaves on the 11th at 06:07, in the middle of a slot: that slot is nobody's whole one."""
    calendar: Calendar = ("valley",) * 24 + ("peak",) * 72
    days = [date(2026, 4, day) for day in range(1, DAYS + 1)]
    plan = month_plan({"t/1": dict.fromkeys(days, calendar)})
    left_at = midnight(date(2026, 4, 11)) + timedelta(hours=6, minutes=7)
    slots = np.array([[11 * 24, 10 * 72], [19 * 24, 20 * 72 - 1]])
    nothing = np.zeros(2, dtype=np.int64)
    cells = MonthCells(pa.array(["M1", "M2"]), slots * 100, slots, nothing - 1, nothing)
    curves = Curves(Month.of(MONTH), plan, {"t/1": dict.fromkeys(days, calendar)}, cells, {"A1": "t/1"})
    totals = (slots.sum(axis=1) * 100 + 40).tolist()
    table = energy_rows(
        {"to_at": left_at, "energy_wh": totals[0]},
        {"piece": 2, "meter_no": "M2", "from_at": left_at, "energy_wh": totals[1]},
        {"point_no": "P2", "meter_no": "M3", "energy_wh": 5},
        {"point_no": "P3", "role": "gateway", "energy_wh": 5},
        {"point_no": "P4", "account_no": "A2", "energy_wh": 5},
        {"point_no": "P5", "status": "held"},
    )
    rows = curves.banded(table, "active_fwd", SUPPLY_ROLES).to_pylist()
    added = [
        (row["piece"], row["band"], row["energy_wh"], row["status"], row["method"])
        for row in rows
        if row["band"] != "total"
    ]
    valley = [264 * 100 + 11, 456 * 100 + 10]
    assert added == [
        (1, "peak", totals[0] - valley[0], "valid", "curve"),
        (1, "valley", valley[0], "valid", "curve"),
        (2, "peak", totals[1] - valley[1], "valid", "curve"),
        (2, "valley", valley[1], "valid", "curve"),
    ]
    assert [row for row in rows if row["band"] == "total"] == table.to_pylist()


def test_energies_that_no_curve_touches_stay_the_same_table() -> None:
    plan = month_plan({"t/1": {date(2026, 4, 1): ("peak",) * 96}})
    nothing = np.zeros((0, 1), dtype=np.int64)
    cells = MonthCells(pa.array([], pa.string()), nothing, nothing, nothing[:, 0], nothing[:, 0])
    table = energy_rows({"energy_wh": 5})
    assert Curves(Month.of(MONTH), plan, {}, cells, {"A1": "t/1"}).banded(table, "active_fwd", SUPPLY_ROLES) is table
