"""Bills by time of use from a curve, through the services: curves taken in, atoms, bands of the month, lines of the bill."""

import base64
import json
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
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
    Prepare,
    Prepared,
    Supply,
    county,
    daily,
    holder,
    settle_county,
    take_registers,
    tariff,
)
from tests.service.bindings import clock
from tests.verify.make import told_of

from denghuo.data.analysis.cells import MonthCells
from denghuo.data.processing.dataset import arrow_schema
from denghuo.kernel.contract import Call
from denghuo.kernel.fields import Document, TextPair
from denghuo.kernel.period import Month, midnight
from denghuo.kernel.values import Energy, Percent, Price
from denghuo.service.billing.api import (
    AskForecastErrors,
    Bill,
    BillNotFound,
    BillRef,
    EstimateDay,
    EstimatesOf,
    FindExceptions,
    FindRecalculations,
    MySoFar,
    NothingSoFar,
    Recalculate,
    SoFar,
    StartCycle,
    Unbilled,
)
from denghuo.service.billing.banding import Curves
from denghuo.service.billing.batch import SUPPLY_ROLES
from denghuo.service.billing.engine.atoms import Calendar, month_plan
from denghuo.service.billing.rules.quantities import settled
from denghuo.service.billing.whole_months import NAMED
from denghuo.service.contract.api import AgreeFeeControl, ContractApi
from denghuo.service.host import jobs, relay
from denghuo.service.reading.api import CURVE_INTAKE, MONTH_ENERGY, REGISTER_INTAKE, Intake, MonthRef, ReadingApi
from denghuo.service.tariff.api import (
    BandWindows,
    BasicCharge,
    Component,
    DemandRule,
    PriceAt,
    Season,
    TariffDocument,
    Window,
)

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


def take_curves(found: County, curves: Mapping[str, Curve], call: Call = OPERATOR, days: int = DAYS) -> None:
    places = [(day, slot) for day in range(1, days + 1) for slot in range(96)]
    instants = [
        begin + slot * timedelta(minutes=15)
        for begin in (midnight(date(2026, 4, day)) for day in range(1, days + 1))
        for slot in range(96)
    ]
    columns = {
        "series": ["active_fwd_wh"] * len(places) * len(curves),
        "subject": [meter for meter in curves for _ in places],
        "at": instants * len(curves),
        "value": [curve(*place) for curve in curves.values() for place in places],
    }
    table = pa.Table.from_pydict(columns, schema=arrow_schema(CURVE_INTAKE))
    ref = found.datasets.publish(CURVE_INTAKE, MONTH, f"test-{clock():%H%M%S%f}", table, clock())
    assert found.directory(ReadingApi).receive_curves(call, Intake(rows=ref)).refused == 0


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


def uneven(day: int, slot: int) -> int | None:
    """A day of some 24 kWh that no two slots share, a little beside the register."""
    return (steady(day, slot) or 0) + (day * 7 + slot * 13) % 5 - 2


def gappy(day: int, slot: int) -> int | None:
    return None if day in (3, 17) and slot % 7 == 2 else uneven(day, slot)


TWO_PART = BasicCharge(
    by="demand", prices=[PriceAt(price=Price.of("40"))], document="测价〔2026〕1号", demand=DemandRule(floor_share=None)
)
DEMAND: Mapping[str, Any] = {"tariff_class": "two_part_demand", "contract_kw": 1}
STEADY, BARE, DOUBLED, AGREES, NEARLY, APART, UNEVEN = (Supply(serial, 1, daily(24)) for serial in range(1, 8))
WHOLE, UNEVEN_DEMAND, GAPPY_DEMAND, BARE_DEMAND = (Supply(serial, 1, daily(24), **DEMAND) for serial in range(8, 12))
PEAKS = ((AGREES, 180), (NEARLY, 181), (APART, 150))
"""What their registers by band say of the peak."""
CURVES: Sequence[tuple[Supply, Curve]] = (
    (STEADY, steady),
    (DOUBLED, lambda day, slot: 2 * (steady(day, slot) or 0)),
    *((supply, steady) for supply, _ in PEAKS),
    (UNEVEN, uneven),
    (WHOLE, steady),
    (UNEVEN_DEMAND, uneven),
    (GAPPY_DEMAND, gappy),
)
"""What each meter says of its days, beside registers of 24 kWh a day."""


def meter_of(supply: Supply) -> str:
    return f"M{supply.serial:05d}"


def tariffs() -> list[TariffDocument]:
    return [by_time(), by_time(code="test.demand", classes=["two_part_demand"], basic=TWO_PART)]


@pytest.fixture(scope="module")
def prepared_county(prepare: Prepare) -> Prepared:
    """All of them in one month, which is billed: none has to do with another."""

    def make(made: County) -> None:
        settle_county(made, [BARE, *(supply for supply, _ in CURVES), BARE_DEMAND], tariffs())
        for supply, peak in PEAKS:
            take_bands(made, meter_of(supply), {"peak": peak, "flat": 480 - peak, "valley": 240})
        take_curves(made, {meter_of(supply): curve for supply, curve in CURVES})
        run(made)

    return prepare(make)


@pytest.fixture
def empty(database_dsn: str, tmp_path: pathlib.Path) -> Iterator[County]:
    with county("local", database_dsn, tmp_path) as made:
        yield made


def bill_alone(empty: County, supply: Supply, curve: Curve) -> None:
    """A month of one account alone: beside others gaps are filled otherwise, and a value that comes late concerns them too."""
    settle_county(empty, [supply], tariffs())
    take_curves(empty, {meter_of(supply): curve})
    run(empty)


def run(found: County) -> None:
    found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    found.settle()


def bill_of(found: County, supply: Supply) -> Bill:
    return found.billing.bill(ACCOUNTANT, BillRef(bill_no=f"202604{supply.account_no}101"))


def bands_of(bill: Bill) -> dict[str | None, tuple[str, str]]:
    return {line.band: (str(line.quantity), str(line.amount)) for line in bill.lines}


SPLIT = {"peak": ("180", "162.00"), "flat": ("300", "180.00"), "valley": ("240", "72.00")}


def test_curve_splits_the_register_over_the_bands(found: County) -> None:
    bill = bill_of(found, STEADY)
    assert bands_of(bill) == SPLIT
    assert Decimal(str(bill.amount)) == Decimal("414.00")
    assert not [remark for remark in bill.remarks if "分时" in remark.zh]
    valley = next(line for line in bill.lines if line.band == "valley")
    assert "曲线" in valley.sentence.zh
    # Whose curve nobody has is billed without time of use, and told so.
    other = bill_of(found, BARE)
    assert bands_of(other) == {None: ("720", "432.00")}
    assert any("没有分时示数" in remark.zh for remark in other.remarks)


def held(found: County, supply: Supply | None = None) -> list[tuple[str, str]]:
    rows = found.billing.exceptions(ACCOUNTANT, FindExceptions(month=MONTH, state="open")).rows
    return [(row.code, row.reason.zh) for row in rows if supply is None or row.account_no == supply.account_no]


def test_few_gaps_are_filled_from_the_register_and_marked(empty: County, monkeypatch: pytest.MonkeyPatch) -> None:
    # As in a large company, whose atoms do not name their meters.
    monkeypatch.setattr("denghuo.service.reading.service.atoms.SMALL_ROWS", 0)
    bill_alone(empty, STEADY, lambda day, slot: None if day == 7 and 32 <= slot < 40 else steady(day, slot))
    assert bands_of(bill_of(empty, STEADY)) == SPLIT


def test_many_gaps_hold_the_account(empty: County) -> None:
    bill_alone(empty, STEADY, lambda day, slot: None if day > 28 else steady(day, slot))
    ((code, said),) = held(empty)
    assert code == "read_held" and "曲线缺点" in said


def test_curve_that_does_not_agree_holds_the_account_until_it_is_right(quick: County) -> None:
    ((code, said),) = held(quick, DOUBLED)
    assert code == "read_held" and "曲线与示数不符" in said
    take_curves(quick, {meter_of(DOUBLED): steady})
    done = quick.billing.recalculate(ACCOUNTANT, Recalculate(month=MONTH, account_no=DOUBLED.account_no))
    assert (done.held, done.issued) == (0, 1)
    assert bands_of(bill_of(quick, DOUBLED)) == SPLIT


def test_registers_by_band_stand_where_the_curve_agrees(quick: County) -> None:
    for supply, peak in PEAKS[:2]:
        assert bands_of(bill_of(quick, supply))["peak"][0] == str(peak)
    assert [code for code, _ in held(quick, APART)] == ["read_held"]


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


def test_demand_is_the_highest_quarter_hour_where_the_meter_has_no_register_of_it(found: County) -> None:
    """On the 1st at 08:00 the curve has its first 500 Wh a slot: 2 kW, of which 0.95 kW are above 105 % of the contract's 1 kW and
    charged twice."""
    bill = bill_of(found, WHOLE)
    line = next(line for line in bill.lines if line.group == "basic")
    assert (line.quantity.number, str(line.amount)) == (2_950, "118.00")
    assert "2026-04-01 08:00-08:15" in line.sentence.zh
    assert "the average of 2026-04-01 08:00-08:15" in line.sentence.en
    (shown,) = (one for one in bill.registers if one.quantity == "demand")
    begins = midnight(date(2026, 4, 1)) + timedelta(hours=8)
    assert (shown.from_at, shown.to_at) == (begins, begins + timedelta(minutes=15))
    assert bands_of(bill)["peak"][0] == "180"


def test_no_demand_is_made_of_an_estimate(empty: County) -> None:
    """With a slot missing the contract's demand is charged: an estimate stands beside the slot. When the measured value comes it is
    told what it changes."""
    bill_alone(empty, WHOLE, lambda day, slot: None if (day, slot) == (3, 0) else steady(day, slot))
    bill = bill_of(empty, WHOLE)
    line = next(line for line in bill.lines if line.group == "basic")
    assert (line.quantity.number, str(line.amount)) == (1_000, "40.00")
    assert "08:00-08:15" not in line.sentence.zh
    assert not [one for one in bill.registers if one.quantity == "demand"]
    assert bands_of(bill)["peak"][0] == "180"
    assert any("最大需量不用估计值" in one.zh for one in bill.remarks)
    late = {meter_of(WHOLE): lambda day, slot: steady(day, slot) if (day, slot) == (3, 0) else None}
    take_curves(empty, late)
    empty.settle()
    row = empty.billing.recalculations(ACCOUNTANT, FindRecalculations(month=MONTH)).rows[0]
    assert (row.cause, row.due, row.differs) == ("curves", 1, 1)


def in_april(day: int, at: int = 10) -> Call:
    """The accountant on a day of the month, at an hour of China."""
    return replace(ACCOUNTANT, now=midnight(date(2026, 4, day)) + timedelta(hours=at))


KNOWN = {day: kwh for day, kwh in daily(24).items() if day <= 16}


def test_running_month_by_curve_has_the_bands_of_its_days_and_ends_as_the_bill(empty: County) -> None:
    """Half a month of registers and curve; on the 20th the registers are a day ahead of the curve; then the whole month."""
    supply = Supply(1, 1, KNOWN, **DEMAND)
    settle_county(empty, [supply], tariffs())
    empty.directory(ReadingApi).plan_month(OPERATOR, MonthRef(month=MONTH))
    take_curves(empty, {"M00001": lambda day, slot: steady(day, slot) if day <= 15 else None})
    asked = SoFar(account_no=supply.account_no)
    told = empty.billing.bill_so_far(in_april(16), asked)
    assert (told.through_on, told.energy) == (date(2026, 4, 15), Energy(360_000))
    energy = {line.band: str(line.quantity) for line in told.lines if line.group == "energy"}
    assert energy == {"peak": "90", "flat": "150", "valley": "120"}
    demand = next(line for line in told.lines if line.group == "basic")
    assert demand.quantity.number == 2_950 and "2026-04-01 08:00-08:15" in demand.sentence.zh
    assert told.low_amount == told.expected_amount == told.high_amount
    # All accounts estimated together come to the same.
    assert empty.billing.estimate_day(OPERATOR, EstimateDay(month=MONTH, everyone=True)).estimated == 1
    (row,) = empty.billing.unbilled(in_april(16), EstimatesOf(account_nos=[supply.account_no])).rows
    assert (row.amount, row.energy, row.through_on) == (told.amount, told.energy, told.through_on)
    take_registers(empty, [Supply(1, 1, {day: kwh for day, kwh in daily(24).items() if day <= 20})])
    take_curves(empty, {"M00001": lambda day, slot: steady(day, slot) if day <= 18 else None})
    assert empty.billing.bill_so_far(in_april(20), asked).through_on == date(2026, 4, 18)
    take_registers(empty, [Supply(1, 1, daily(24))])
    take_curves(empty, {"M00001": steady})
    run(empty)
    bill = bill_of(empty, supply)
    over = empty.billing.bill_so_far(ACCOUNTANT, asked)
    assert bill.amount == over.amount == told.expected_amount
    assert [(line.band, line.amount) for line in over.lines] == [(line.band, line.amount) for line in bill.lines]
    errors = empty.billing.forecast_errors(ACCOUNTANT, AskForecastErrors(month=MONTH)).rows
    assert {(row.days_known, str(row.median_error)) for row in errors} == {(10, "0.00"), (20, "0.00")}


@pytest.fixture(scope="module")
def begun_county(prepare: Prepare) -> Prepared:
    """Half a month of registers, and no curve yet."""

    def make(made: County) -> None:
        settle_county(made, [BEGUN], tariffs())
        made.directory(ReadingApi).plan_month(OPERATOR, MonthRef(month=MONTH))

    return prepare(make)


BEGUN = Supply(1, 1, KNOWN)


@pytest.fixture
def begun(begun_county: Prepared, tmp_path: pathlib.Path) -> Iterator[County]:
    with begun_county.copy("local", tmp_path) as made:
        yield made


@pytest.mark.scope("X-09")
def test_a_curve_that_arrives_changes_the_running_bill_within_the_minute(begun: County) -> None:
    """Registers of fifteen days; the curve comes in ten days at a time. The holder's page asks and is told at once, and the stored
    estimate is made anew by the job that the arrival orders, with nobody asking for it."""
    controlled = AgreeFeeControl(
        contract_no=f"GY{BEGUN.account_no}", effective_from=date(2026, 4, 1), way="remote", reason="约定费控"
    )
    begun.directory(ContractApi).agree_fee_control(OPERATOR, controlled)
    arrived = midnight(date(2026, 4, 16)) + timedelta(hours=10)
    relay.settle(begun.directory, lambda: arrived)
    mine, asked = holder(BEGUN.account_no), MySoFar(month=MONTH)

    def told(at: datetime) -> tuple[date, str]:
        found = begun.billing.my_bill_so_far(replace(mine, now=at), asked)
        return found.through_on, str(found.amount)

    def stored() -> Unbilled:
        (row,) = begun.billing.unbilled(in_april(16), EstimatesOf(account_nos=[BEGUN.account_no])).rows
        return row

    # Without a curve all of it is flat.
    assert told(arrived) == (date(2026, 4, 15), "216.00")
    assert (stored().through_on, str(stored().amount)) == told(arrived)
    for days, through, amount in ((10, 10, "138.00"), (15, 15, "207.00")):
        arrived += timedelta(hours=1)
        take_curves(begun, {"M00001": steady}, Call.system(arrived), days)
        assert told(arrived + timedelta(seconds=1)) == (date(2026, 4, through), amount)
        # Two looks of the relay and one of the jobs lie between the arrival and the new estimate.
        assert relay.WAIT_S * 2 + jobs.LOOK_EVERY.total_seconds() < 60
        relay.settle(begun.directory, lambda: arrived + timedelta(seconds=5))  # noqa: B023
    assert timedelta(0) < stored().estimated_at - arrived < timedelta(minutes=1)
    assert (stored().through_on, str(stored().amount)) == (date(2026, 4, 15), "207.00")


def test_running_month_whose_curve_says_otherwise_is_not_told(begun: County) -> None:
    take_curves(begun, {"M00001": lambda day, slot: 2 * (steady(day, slot) or 0) if day <= 15 else None})
    with pytest.raises(NothingSoFar, match="Curve and registers disagree"):
        begun.billing.bill_so_far(in_april(16), SoFar(account_no=BEGUN.account_no))


def verified(folder: pathlib.Path, bill_file: Document, readings: Document | None) -> tuple[int, dict[str, Any]]:
    """What the verifier says of a bill with its readings file: its exit code and its report."""
    (folder / "bill.json").write_bytes(base64.b64decode(bill_file.content))
    more = []
    if readings is not None:
        (folder / "readings.json").write_bytes(base64.b64decode(readings.content))
        more = ["--readings", str(folder / "readings.json")]
    return told_of(folder / "bill.json", *more)


def test_verifier_computes_bands_and_demand_from_the_curve_itself(found: County, tmp_path: pathlib.Path) -> None:
    kept = tmp_path / "files"
    kept.mkdir()
    for supply, curves in ((WHOLE, 1), (UNEVEN_DEMAND, 1), (GAPPY_DEMAND, 1), (BARE_DEMAND, 0)):
        ref = BillRef(bill_no=f"202604{supply.account_no}101")
        bill_file = found.billing.bill_file(ACCOUNTANT, ref)
        readings = found.billing.readings_file(ACCOUNTANT, ref)
        assert found.billing.my_readings_file(holder(supply.account_no), ref) == readings
        said = json.loads(base64.b64decode(readings.content))
        assert (said["bill_no"], len(said["curves"])) == (ref.bill_no, curves)
        code, report = verified(kept, bill_file, readings)
        assert (code, report["verdict"], report["total"]) == (0, "verified", str(bill_of(found, supply).amount)), report
        assert not [one for one in report["notes"] if one["where"].startswith("register")]
        # Without the curve the bands are taken as they stand, and that is said.
        code, report = verified(kept, bill_file, None)
        assert code == 0
        assert bool([one for one in report["notes"] if "--readings" in one["zh"]]) == bool(curves)
        if not curves:
            continue
        # What is not the curve that was billed is named with both figures.
        slot = next(place for place, value in enumerate(said["curves"][0]["values"]) if value and place > 40)
        said["curves"][0]["values"][slot] = "1.9"
        changed = Document(file_name="x", media_type="x", content=base64.b64encode(json.dumps(said).encode()).decode())
        code, report = verified(kept, bill_file, changed)
        assert code == 1
        assert {one["where"] for one in report["differs"]} & {f"register {meter_of(supply)} active_fwd flat"}
    with pytest.raises(BillNotFound):
        found.billing.my_readings_file(holder("9" * 13), ref)


def test_readings_file_keeps_the_curve_that_was_billed(quick: County, tmp_path: pathlib.Path) -> None:
    ref = BillRef(bill_no=f"202604{UNEVEN.account_no}101")
    before = quick.billing.readings_file(ACCOUNTANT, ref)
    take_curves(quick, {meter_of(UNEVEN): steady}, Call.system(clock() + timedelta(days=1)))
    assert quick.billing.readings_file(ACCOUNTANT, ref) == before
    code, _ = verified(tmp_path, quick.billing.bill_file(ACCOUNTANT, ref), before)
    assert code == 0


def energy_rows(*rows: dict[str, Any]) -> pa.Table:
    """Rows of `reading.month_energy` of one account, over the whole month unless said otherwise."""
    period = Month.of(MONTH).period
    common = {
        "point_no": "P1", "account_no": "A1", "org": "1", "role": "sale", "meter_no": "M1", "piece": 1, "quantity": "active_fwd",
        "band": "total", "from_at": period.start, "to_at": period.end, "start_e4": 0, "end_e4": 1, "multiplier": 1,
        "energy_wh": None, "status": "valid", "rule": "checked", "method": "actual", "days_estimated": 0,
    }  # fmt: skip
    return pa.Table.from_pylist([common | row for row in rows], schema=arrow_schema(MONTH_ENERGY))


NAMED_A1 = pa.Table.from_pylist([{"account_no": "A1", "kind": "supply", "tariff": "t/1"}], NAMED)


def test_exchanged_meters_are_split_each_by_its_own_curve() -> None:
    """The first meter leaves on the 11th at 06:07, in the middle of a slot: that slot is nobody's whole one."""
    calendar: Calendar = ("valley",) * 24 + ("peak",) * 72
    days = [date(2026, 4, day) for day in range(1, DAYS + 1)]
    plan = month_plan({"t/1": dict.fromkeys(days, calendar)})
    left_at = midnight(date(2026, 4, 11)) + timedelta(hours=6, minutes=7)
    slots = np.array([[11 * 24, 10 * 72], [19 * 24, 20 * 72 - 1]])
    nothing = np.zeros(2, dtype=np.int64)
    cells = MonthCells(pa.array(["M1", "M2"]), slots * 100, slots, nothing - 1, nothing)
    curves = Curves(plan, {"t/1": dict.fromkeys(days, calendar)}, cells, NAMED_A1)
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
    assert Curves(plan, {}, cells, NAMED_A1).banded(table, "active_fwd", SUPPLY_ROLES) is table
