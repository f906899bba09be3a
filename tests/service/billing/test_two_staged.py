"""Readings of two months whose charges hang on the month: bands by curves, prices that change between the months, basic charge,
a customer who leaves in between. Every bill is held against the verifier."""

import base64
import json
import pathlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pyarrow as pa
import pytest
from tests.service.billing.county import (
    ACCOUNTANT,
    OPERATOR,
    OTHER_PERSON,
    County,
    Prepare,
    Prepared,
    Supply,
    prices,
    settle_county,
    tariff,
)
from tests.service.billing.months import bill_no
from tests.service.billing.test_curves import TWO_PART, by_time, steady
from tests.service.billing.test_terms import agree, behind
from tests.service.bindings import clock

from denghuo.data.processing.dataset import arrow_schema
from denghuo.kernel.period import midnight
from denghuo.kernel.values import Register
from denghuo.service.billing.api import (
    AsKnown,
    AskUnitBoard,
    Bill,
    BillRef,
    ChangeHolder,
    CycleRef,
    FindBills,
    FindExceptions,
    Recalculate,
    Release,
    SpecialReading,
    StartCycle,
    StartUnit,
)
from denghuo.service.reading.api import CURVE_INTAKE, Intake, NewRouteCycle, ReadingApi
from denghuo.service.tariff.api import DraftTariff, TariffApi, TariffDocument, TariffVersion
from denghuo_verify.check import verify

FIRST, SECOND, ENDS = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)
EVEN = NewRouteCycle(route="TG1", cycle="even", effective_from=FIRST, reason="双月抄表")


def shown(a_day: int, without: tuple[date, ...] = ()) -> dict[int, int]:
    """Registers of all midnights of both months, by the day of April, rising by so many kWh."""
    days = [FIRST + timedelta(days=step) for step in range(62)]
    return {(day - SECOND).days + 1: 1_000 + a_day * step for step, day in enumerate(days) if day not in without}


BY_CURVE = Supply(1, 1, shown(24), "agricultural")
DEARER = Supply(2, 1, shown(10), "general_single_part")
UNREAD = Supply(3, 1, {-30: 1_000, 31: 1_610}, "general_single_part")
"""Read at both ends only: nothing is known of the midnight between the months."""
CAPACITY = Supply(4, 1, shown(100), "two_part_capacity", capacity_kva=100)
LEAVES = Supply(5, 1, shown(8))
DEMANDS = Supply(6, 1, shown(24), "two_part_demand", contract_kw=1)
"""Without a register of demand; on the morning of April 11 it draws 400 W more than ever before."""
MAIN = Supply(7, 1, shown(40), "general_single_part")
BEHIND = Supply(8, 1, shown(10), "general_single_part")
"""A customer whose meter is behind the one before."""
ALL = [BY_CURVE, DEARER, UNREAD, CAPACITY, LEAVES, DEMANDS, MAIN, BEHIND]


def tariffs() -> list[TariffDocument]:
    basic = TWO_PART.model_copy(update={"by": "capacity"})
    return [
        prices()[0],
        tariff("test.business", "energy", "0.7", classes=["general_single_part"]),
        by_time(classes=["agricultural"]),
        by_time(code="test.demand", classes=["two_part_demand"], basic=TWO_PART),
        tariff("test.capacity", "energy", "0.5", classes=["two_part_capacity"], basic=basic),
    ]


def make(found: County) -> None:
    settle_county(found, ALL, tariffs())
    agree(found, MAIN, FIRST, parts=[behind(BEHIND)])
    reading = found.directory(ReadingApi)
    reading.change_cycle(OPERATOR, EVEN)
    dearer = tariff("test.business", "energy", "0.9", classes=["general_single_part"], effective_from=SECOND)
    drafted = found.directory(TariffApi).draft(OPERATOR, DraftTariff(document=dearer))
    assert drafted.publishable, drafted.findings
    found.directory(TariffApi).publish(OTHER_PERSON, TariffVersion(code=drafted.code, version=drafted.version))
    rows = [
        {
            "series": "active_fwd_wh",
            "subject": meter_no,
            "at": midnight(FIRST + timedelta(days=day)) + slot * timedelta(minutes=15),
            "value": (steady(1, slot) or 0) + (100 if (meter_no, day, slot) == ("M00006", 41, 40) else 0),
        }
        for meter_no in ("M00001", "M00006")
        for day in range(61)
        for slot in range(96)
    ]
    table = pa.Table.from_pylist(rows, schema=arrow_schema(CURVE_INTAKE))
    reading.receive_curves(
        OPERATOR, Intake(rows=found.datasets.publish(CURVE_INTAKE, "2026-04", "two", table, clock()))
    )


@pytest.fixture(scope="module")
def prepared_county(prepare: Prepare) -> Prepared:
    return prepare(make)


@pytest.fixture(scope="module")
def billed(prepare: Prepare) -> Prepared:
    def both(found: County) -> None:
        make(found)
        for month in ("2026-03", "2026-04"):
            found.billing.start_cycle(ACCOUNTANT, StartCycle(month=month))
            found.settle()

    return prepare(both)


@pytest.fixture
def quick(billed: Prepared, tmp_path: pathlib.Path) -> Iterator[County]:
    with billed.copy("local", tmp_path) as made:
        yield made


def bill(found: County, number: str) -> Bill:
    return found.billing.bill(ACCOUNTANT, BillRef(bill_no=number))


def told(shown: Bill) -> list[tuple[str, str | None, str, str]]:
    """Days, band or item, quantity and amount of the lines."""
    return [
        (f"{line.first_day:%m%d}-{line.last_day:%m%d}", line.band or line.group, str(line.quantity), str(line.amount))
        for line in shown.lines
        if line.first_day and line.last_day
    ]


def proven(found: County, number: str, *, curves: bool = False) -> None:
    ref = BillRef(bill_no=number)
    document = json.loads(base64.b64decode(found.billing.bill_file(ACCOUNTANT, ref).content))
    if curves:
        readings = json.loads(base64.b64decode(found.billing.readings_file(ACCOUNTANT, ref).content))
        document |= {"readings": readings["readings"], "curves": readings["curves"]}
    report = verify(document)
    assert not report.differs and not report.unknown, report


def the_same_again(found: County, supply: Supply) -> None:
    """By itself, and as it was known, the account has the bill that it has among all."""
    issued = bill(found, bill_no(supply, "2026-04"))
    again = found.billing.recalculate(ACCOUNTANT, Recalculate(account_no=supply.account_no, month="2026-04"))
    assert (again.issued, again.unchanged) == (0, 1)
    asked = AsKnown(account_no=supply.account_no, month="2026-04", kind="supply")
    known = found.billing.as_known(replace(ACCOUNTANT, now=clock()), asked)
    assert (known.amount, known.differences) == (issued.amount, [])


def test_each_month_has_its_bands_by_its_own_days_of_the_curve(quick: County) -> None:
    shown = bill(quick, bill_no(BY_CURVE, "2026-04"))
    assert told(shown) == [
        ("0301-0331", "peak", "186", "167.40"),
        ("0301-0331", "flat", "310", "186.00"),
        ("0301-0331", "valley", "248", "74.40"),
        ("0401-0430", "peak", "180", "162.00"),
        ("0401-0430", "flat", "300", "180.00"),
        ("0401-0430", "valley", "240", "72.00"),
    ]
    assert (shown.from_on, shown.to_on) == (FIRST, date(2026, 4, 30))
    proven(quick, shown.bill_no)
    proven(quick, shown.bill_no, curves=True)
    the_same_again(quick, BY_CURVE)


def test_prices_that_change_between_the_months_are_those_of_their_days(quick: County) -> None:
    shown = bill(quick, bill_no(DEARER, "2026-04"))
    assert told(shown) == [("0301-0331", "energy", "310", "217.00"), ("0401-0430", "energy", "300", "270.00")]
    proven(quick, shown.bill_no)
    the_same_again(quick, DEARER)
    # Without a register at the midnight between them the energy is shared by days.
    shared = bill(quick, bill_no(UNREAD, "2026-04"))
    assert told(shared) == told(shown)
    assert any("2026-04-01 零点无抄见示数" in one.zh for one in shared.remarks)
    proven(quick, shared.bill_no)


def test_the_meter_of_another_customer_comes_off_in_each_month(quick: County) -> None:
    shown = bill(quick, bill_no(MAIN, "2026-04"))
    assert told(shown) == [("0301-0331", "energy", "930", "651.00"), ("0401-0430", "energy", "900", "810.00")]
    assert str(bill(quick, bill_no(BEHIND, "2026-04")).energy) == "610"
    proven(quick, shown.bill_no)
    the_same_again(quick, MAIN)


def test_the_month_without_reading_bills_nobody_and_counts_them_apart(quick: County) -> None:
    march = quick.billing.cycle(ACCOUNTANT, CycleRef(month="2026-03"))
    assert (march.state, march.accounts, march.later, march.issued, march.held) == ("done", 0, len(ALL), 0, 0)
    april = quick.billing.cycle(ACCOUNTANT, CycleRef(month="2026-04"))
    assert (april.accounts, april.later, april.issued) == (len(ALL), 0, len(ALL))


def test_a_basic_charge_is_that_of_each_month(quick: County) -> None:
    shown = bill(quick, bill_no(CAPACITY, "2026-04"))
    basic = [(line.first_day, line.amount) for line in shown.lines if line.group == "basic"]
    assert [day for day, _ in basic] == [FIRST, SECOND]
    assert basic[0][1] == basic[1][1]
    proven(quick, shown.bill_no)
    the_same_again(quick, CAPACITY)


def test_each_month_has_the_demand_that_its_own_days_of_the_curve_tell(quick: County) -> None:
    shown = bill(quick, bill_no(DEMANDS, "2026-04"))
    basic = [line for line in shown.lines if line.group == "basic"]
    # 1 kW is agreed: what is above 105 % of it is charged twice.
    assert [(line.first_day, str(line.quantity), str(line.amount)) for line in basic] == [
        (FIRST, "2.95", "118.00"),
        (SECOND, "3.75", "150.00"),
    ]
    assert "2026-03-01 08:00-08:15" in basic[0].sentence.zh and "2026-04-11 10:00-10:15" in basic[1].sentence.zh
    assert not any("各段均按全月需量" in one.zh for one in shown.remarks)
    proven(quick, shown.bill_no)
    proven(quick, shown.bill_no, curves=True)
    the_same_again(quick, DEMANDS)


def test_a_unit_counts_apart_who_is_read_in_a_later_month(found: County) -> None:
    found.billing.start_unit(ACCOUNTANT, StartUnit(month="2026-03", org="1405810.01"))
    found.settle()
    (row,) = found.billing.unit_board(ACCOUNTANT, AskUnitBoard(month="2026-03")).rows
    assert (row.state, row.due, row.accounts, row.waiting, row.later) == ("issued", 0, 0, 0, len(ALL))
    assert not found.billing.exceptions(ACCOUNTANT, FindExceptions(month="2026-03", state="open")).rows


def test_units_bill_both_months_at_the_end_of_the_second(found: County) -> None:
    found.billing.start_unit(ACCOUNTANT, StartUnit(month="2026-04", org="1405810.01"))
    found.settle()
    rows = found.billing.bills(ACCOUNTANT, FindBills(month="2026-04", state="issued")).rows
    assert {row.account_no for row in rows} == {one.account_no for one in ALL}
    assert not found.billing.exceptions(ACCOUNTANT, FindExceptions(month="2026-04", state="open")).rows
    assert told(bill(found, bill_no(DEARER, "2026-04")))[0] == ("0301-0331", "energy", "310", "217.00")


def test_who_leaves_in_the_month_without_reading_has_the_final_bill_of_it(found: County) -> None:
    since = date(2026, 3, 16)
    change = ChangeHolder(
        account_no=LEAVES.account_no,
        since=since,
        name="张伟",
        phone="13900000000",
        readings=[SpecialReading(point_no=f"{LEAVES.account_no}01", shown=Register.of("1120"))],
        reason="房屋出售",
    )
    found.billing.change_holder(ACCOUNTANT, change)
    found.settle()
    final = bill(found, bill_no(LEAVES, "2026-03"))
    assert (final.from_on, final.to_on, str(final.energy)) == (FIRST, date(2026, 3, 15), "120")
    proven(found, final.bill_no)
    found.billing.start_unit(ACCOUNTANT, StartUnit(month="2026-04", org="1405810.01"))
    found.settle()
    # Nobody had a bill before, but for the one who left: the review looks at first bills.
    held = found.billing.exceptions(ACCOUNTANT, FindExceptions(month="2026-04", state="open")).rows
    (other,) = [row for row in held if row.account_no not in {one.account_no for one in ALL}]
    assert LEAVES.account_no not in {row.account_no for row in held}
    found.billing.release(ACCOUNTANT, Release(exception_no=other.exception_no, reason="过户新户，示数无误"))
    found.settle()
    (new,) = found.billing.bills(ACCOUNTANT, FindBills(month="2026-04", account_no=other.account_no)).rows
    rest = bill(found, new.bill_no)
    assert (rest.from_on, rest.to_on, str(rest.energy)) == (since, date(2026, 4, 30), str(8 * 61 - 120))
    assert Decimal(str(rest.amount)) == (Decimal("0.617") * (8 * 61 - 120)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    proven(found, rest.bill_no)
