"""Bills by time of use from a curve, through the services: curves taken in, atoms, bands of the month, lines of the bill."""

import pathlib
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal

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
from denghuo.service.billing.curves import settled
from denghuo.service.reading.api import CURVE_INTAKE, REGISTER_INTAKE, Intake, ReadingApi
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
