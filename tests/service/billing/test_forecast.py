"""A running month: the bill so far is the bill of its days, the forecast lies within its band and ends as the bill."""

import pathlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.billing.county import (
    ACCOUNTANT,
    CLERK,
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
)

from denghuo.data.processing.dataset import arrow_schema
from denghuo.kernel.contract import Call
from denghuo.kernel.period import midnight
from denghuo.kernel.values import Energy, Money, Percent, Register
from denghuo.service.billing.api import (
    FORECAST_ERRORS,
    AskForecastErrors,
    AskPublishedErrors,
    BillRef,
    EstimateAccounts,
    EstimateDay,
    EstimatesOf,
    FindBills,
    MeasureForecast,
    MySoFar,
    NothingSoFar,
    SoFar,
    StartCycle,
    Try,
    Unbilled,
)
from denghuo.service.billing.batch import Piece
from denghuo.service.billing.forecast import (
    HISTORY_DAYS,
    Channel,
    days_of,
    foreseen,
    grown,
    pieces_until,
    quantile,
    read_until,
)
from denghuo.service.billing.listen import estimate_again
from denghuo.service.contract.api import AgreeFeeControl, ChangeTerms, ContractApi, ContractsOf
from denghuo.service.reading.api import REGISTER_INTAKE, DayRead, Intake, MonthRef, ReadingApi, RegistersReceived
from denghuo.service.tariff.shipped import published

APRIL = date(2026, 4, 1)
MIDDLE = datetime(2026, 4, 16, 2, tzinfo=UTC)
UNTIL_16TH = {day: kwh for day, kwh in daily(8).items() if day <= 16}
EVEN = Supply(1, 1, UNTIL_16TH)
SILENT = Supply(2, 1, {1: 500})
UNEVEN = Supply(3, 2, {day: 700 + 3 * day + 4 * (day // 3) for day in range(1, 17)})
SOLAR = Supply(4, 1, UNTIL_16TH, surplus={day: 200 + 5 * day for day in range(1, 15)})
JUMPING = Supply(5, 1, {day: kwh + (900 if day > 12 else 0) for day, kwh in UNTIL_16TH.items()})
ALL = [EVEN, SILENT, UNEVEN, SOLAR, JUMPING]
NOW_OF_MONTH = replace(ACCOUNTANT, now=MIDDLE)


@pytest.fixture(scope="module")
def prepared_county(prepare: Prepare) -> Prepared:
    def make(made: County) -> None:
        settle_county(made, ALL)

    return prepare(make)


def planned(found: County) -> None:
    found.directory(ReadingApi).plan_month(OPERATOR, MonthRef(month=MONTH))


def asked(supply: Supply, **more: str) -> SoFar:
    return SoFar.model_validate({"account_no": supply.account_no, **more})


# --- through the service ---------------------------------------------------------------------------------------------------


def test_the_bill_so_far_is_the_bill_of_its_days_and_ends_as_the_bill_of_the_month(found: County) -> None:
    planned(found)
    told = found.billing.bill_so_far(NOW_OF_MONTH, asked(EVEN))
    assert (told.month, told.from_on, told.through_on) == (MONTH, APRIL, date(2026, 4, 15))
    assert (told.days_known, told.days_left, told.history_days) == (15, 15, 15)
    assert told.read_at == midnight(date(2026, 4, 16)) and told.as_of == MIDDLE
    tried = found.billing.trial(
        ACCOUNTANT,
        Try.model_validate(
            {
                "tariff_code": told.tariff_code,
                "month": MONTH,
                "voltage": "0.22",
                "readings": [{"start": "1000", "end": "1120"}],
                "last_day": told.through_on,
            }
        ),
    )
    assert (told.energy, told.amount) == (tried.energy, tried.amount) == (Energy(120_000), tried.amount)
    assert "1120.00 - 1000.00 = 120 kWh" in told.lines[0].sentence.en
    # Days that were all alike leave no room between low and high.
    assert (told.low_amount, told.high_amount) == (told.expected_amount, told.expected_amount)
    assert told.expected_energy == Energy(240_000) and "estimate" in told.said.en.lower()
    take_registers(found, [Supply(1, 1, daily(8))])
    found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    found.settle()
    bill = found.billing.bill(ACCOUNTANT, BillRef(bill_no=f"202604{EVEN.account_no}101"))
    over = found.billing.bill_so_far(ACCOUNTANT, asked(EVEN))
    assert over.amount == bill.amount == told.expected_amount == over.low_amount == over.high_amount
    assert (over.days_left, over.through_on, over.energy) == (0, bill.to_on, bill.energy)
    assert [line.amount for line in over.lines] == [line.amount for line in bill.lines]


def test_a_holder_is_told_of_own_accounts_only(found: County) -> None:
    planned(found)
    me = replace(holder(UNEVEN.account_no), now=MIDDLE)
    told = found.billing.my_bill_so_far(me, MySoFar())
    assert told.account_no == UNEVEN.account_no
    assert told.low_amount < told.expected_amount < told.high_amount
    assert told.amount < told.low_amount
    with pytest.raises(NothingSoFar):
        found.billing.my_bill_so_far(me, MySoFar(account_no=EVEN.account_no))
    with pytest.raises(NothingSoFar):  # of the other station
        found.billing.bill_so_far(replace(CLERK, now=MIDDLE), asked(UNEVEN))


def test_what_a_plant_feeds_in_is_told_until_its_own_newest_register(found: County) -> None:
    planned(found)
    told = found.billing.bill_so_far(NOW_OF_MONTH, asked(SOLAR, kind="purchase"))
    assert (told.kind, told.through_on, told.energy) == ("purchase", date(2026, 4, 13), Energy(65_000))


def test_a_meter_that_gives_its_bands_is_told_by_them(database_dsn: str, tmp_path: pathlib.Path) -> None:
    shipped = published("shanghai") or []
    document = next(one for one in shipped if one.code == "sh.resident.tiered.tou").model_copy(update={"default": True})
    with county("local", database_dsn, tmp_path) as made:
        settle_county(made, [EVEN], [document])
        rows = [
            {
                "meter_no": "M00001",
                "read_at": midnight(date(2026, 4, day)),
                "quantity": "active_fwd",
                "band": band,
                "value_e4": (100 + a_day * (day - 1)) * 10_000,
            }
            for day in range(1, 17)
            for band, a_day in (("peak", 5), ("valley", 3))
        ]
        table = pa.Table.from_pylist(rows, schema=arrow_schema(REGISTER_INTAKE))
        reference = made.datasets.publish(REGISTER_INTAKE, MONTH, "bands", table, MIDDLE)
        made.directory(ReadingApi).receive_registers(OPERATOR, Intake(rows=reference))
        planned(made)
        told = made.billing.bill_so_far(NOW_OF_MONTH, asked(EVEN))
        assert {line.band: str(line.quantity) for line in told.lines} == {"peak": "75", "valley": "45"}
        assert told.expected_energy == Energy(240_000)
        made.billing.estimate_day(Call.system(MIDDLE), EstimateDay(month=MONTH, everyone=True))
        assert unbilled(made, NOW_OF_MONTH, EVEN)[EVEN.account_no, "supply"].amount == told.amount


def test_a_register_that_waits_for_a_person_is_said(found: County) -> None:
    planned(found)
    told = found.billing.bill_so_far(NOW_OF_MONTH, asked(JUMPING))
    assert told.energy == Energy(1_020_000)
    assert any("Sudden rise".lower() in one.en for one in told.remarks)
    assert not any("waits" in one.en for one in found.billing.bill_so_far(NOW_OF_MONTH, asked(EVEN)).remarks)


@pytest.mark.parametrize(
    ("supply", "plan", "why"),
    [(EVEN, False, "not_planned"), (SILENT, True, "no_reading"), (Supply(9), True, "no_contract")],
)
def test_why_nothing_can_be_told(found: County, supply: Supply, plan: bool, why: str) -> None:
    if plan:
        planned(found)
    with pytest.raises(NothingSoFar) as refused:
        found.billing.bill_so_far(NOW_OF_MONTH, asked(supply))
    assert refused.value.fields["why"] == why


# --- all contracts of a day ------------------------------------------------------------------------------------------------

BUSINESS = Supply(6, 1, {day: 40 * day for day in range(1, 17)}, tariff_class="general_single_part", contract_kw=10)


@pytest.fixture(scope="module")
def with_business(prepare: Prepare) -> Prepared:
    return prepare(lambda made: settle_county(made, [*ALL, BUSINESS]))


@pytest.fixture
def quick(with_business: Prepared, tmp_path: pathlib.Path) -> Iterator[County]:
    with with_business.copy("local", tmp_path) as made:
        yield made


def unbilled(found: County, call: Call, *supplies: Supply) -> dict[tuple[str, str], Unbilled]:
    rows = found.billing.unbilled(call, EstimatesOf(account_nos=[one.account_no for one in supplies])).rows
    return {(row.account_no, row.kind): row for row in rows}


def test_every_contract_is_estimated_as_it_is_told_one_by_one_until_it_is_billed(found: County) -> None:
    day = Call.system(MIDDLE)
    made = found.billing.estimate_day(day, EstimateDay(everyone=True))
    assert (made.month, made.through_on) == (MONTH, date(2026, 4, 15))
    # Nothing was read of one, and another's register jumped: a person looks at it before anybody is warned of a balance.
    assert (made.estimated, made.without) == (3, 3)
    told = unbilled(found, NOW_OF_MONTH, *ALL)
    assert set(told) == {(one.account_no, "supply") for one in (EVEN, UNEVEN, SOLAR)}
    for one in (EVEN, UNEVEN, SOLAR):
        alone = found.billing.bill_so_far(NOW_OF_MONTH, asked(one))
        estimate = told[one.account_no, "supply"]
        assert (estimate.amount, estimate.energy) == (alone.amount, alone.energy)
        assert (estimate.through_on, estimate.estimated_at) == (alone.through_on, MIDDLE)
    assert set(unbilled(found, replace(CLERK, now=MIDDLE), *ALL)) == set(told) - {(UNEVEN.account_no, "supply")}
    # The same again changes nothing; a bill takes the place of its estimate.
    assert found.billing.estimate_day(day, EstimateDay(month=MONTH, everyone=True)).estimated == 3
    take_registers(found, [Supply(1, 1, daily(8))])
    found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    found.settle()
    assert (EVEN.account_no, "supply") not in unbilled(found, ACCOUNTANT, *ALL)


def test_a_month_that_is_over_stays_estimated_beside_the_new_one_until_it_is_billed(quick: County) -> None:
    later = Call.system(datetime(2026, 5, 7, 2, tzinfo=UTC))
    take_registers(quick, [Supply(1, 1, {day: 1_000 + 8 * (day - 1) for day in range(17, 38)})], later)
    quick.billing.estimate_day(Call.system(MIDDLE), EstimateDay(month=MONTH, everyone=True))
    quick.billing.estimate_day(later, EstimateDay(month="2026-05", everyone=True))
    asked_of = EstimatesOf(account_nos=[EVEN.account_no])
    months = [row.month for row in quick.billing.unbilled(ACCOUNTANT, asked_of).rows]
    assert months == [MONTH, "2026-05"]
    # The days of the month before count among those that the missing ones are foreseen from.
    told = quick.billing.bill_so_far(replace(ACCOUNTANT, now=later.now), asked(EVEN))
    assert (told.month, told.days_known, told.history_days) == ("2026-05", 6, 36)
    assert told.expected_energy == Energy(31 * 8_000)
    quick.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    quick.settle()
    assert [row.month for row in quick.billing.unbilled(ACCOUNTANT, asked_of).rows] == ["2026-05"]


def test_what_columns_leave_the_rules_estimate(quick: County) -> None:
    begun = contract_of(quick, BUSINESS)
    quick.directory(ContractApi).change_terms(
        OPERATOR,
        ChangeTerms(contract_no=begun, effective_from=date(2026, 4, 6), tariff_class="resident", reason="用电性质变更"),
    )
    made = quick.billing.estimate_day(Call.system(MIDDLE), EstimateDay(month=MONTH, everyone=True))
    assert (made.estimated, made.by_rules) == (4, 1)
    estimate = unbilled(quick, NOW_OF_MONTH, BUSINESS)[BUSINESS.account_no, "supply"]
    # Five days at the one price, ten at the other, which is another class from the sixth on.
    assert estimate.amount == quick.billing.bill_so_far(NOW_OF_MONTH, asked(BUSINESS)).amount
    assert str(estimate.amount) == f"{Decimal('0.7853') * 200 + Decimal('0.617') * 400:.2f}"


def contract_of(found: County, supply: Supply) -> str:
    rows = found.directory(ContractApi).contracts_of(OPERATOR, ContractsOf(account_no=supply.account_no)).rows
    return rows[0].contract_no


def fee_controlled(found: County, supply: Supply, on: date = date(2026, 4, 1)) -> None:
    asked_for = AgreeFeeControl(
        contract_no=contract_of(found, supply), effective_from=on, way="remote", reason="客户申请"
    )
    found.directory(ContractApi).agree_fee_control(OPERATOR, asked_for)


@pytest.mark.scope("B05-19")
def test_the_accounts_under_fee_control_are_estimated_every_day_and_others_when_asked(found: County) -> None:
    nobody = found.billing.estimate_day(Call.system(MIDDLE), EstimateDay())
    assert (nobody.estimated, nobody.through_on) == (0, None)
    fee_controlled(found, EVEN)
    made = found.billing.estimate_day(Call.system(MIDDLE), EstimateDay())
    assert (made.estimated, made.without, made.through_on) == (1, 0, date(2026, 4, 15))
    numbers = [EVEN.account_no, SOLAR.account_no, UNEVEN.account_no]
    clerk = replace(CLERK, now=MIDDLE)
    some = found.billing.estimate_accounts(clerk, EstimateAccounts(account_nos=numbers))
    # Of the three one is another station's; the one with solar has a contract of purchase beside that of supply.
    assert (some.estimated, some.without) == (2, 1)
    told = unbilled(found, NOW_OF_MONTH, *ALL)
    assert set(told) == {(one.account_no, "supply") for one in (EVEN, SOLAR)}
    alone = found.billing.bill_so_far(NOW_OF_MONTH, asked(SOLAR))
    assert told[SOLAR.account_no, "supply"].amount == alone.amount


def test_new_registers_bring_a_new_estimate_until_the_month_is_being_billed(quick: County) -> None:
    def received(now: datetime) -> None:
        event = RegistersReceived(month=MONTH, taken=1, corrected=0)
        quick.directory.hosted["billing"].handle("billing", estimate_again, Call.system(now), event, f"reading:{now}")
        quick.settle()

    fee_controlled(quick, EVEN)
    received(MIDDLE)
    assert unbilled(quick, NOW_OF_MONTH, EVEN)[EVEN.account_no, "supply"].through_on == date(2026, 4, 15)
    month = [replace(one, registers=daily(8, 5_000)) for one in (UNEVEN, SOLAR, BUSINESS)]
    take_registers(quick, [Supply(1, 1, daily(8)), *month])
    received(datetime(2026, 5, 2, tzinfo=UTC))
    kept = unbilled(quick, NOW_OF_MONTH, EVEN)[EVEN.account_no, "supply"]
    assert kept.through_on == date(2026, 4, 30)
    quick.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    quick.settle()
    received(datetime(2026, 5, 3, tzinfo=UTC))
    assert unbilled(quick, NOW_OF_MONTH, EVEN) == {}


def test_forecasts_are_compared_with_the_bills_when_these_are_there(found: County) -> None:
    whole = {day: 700 + 3 * day + 4 * (day // 3) for day in range(1, 32)}
    take_registers(found, [Supply(1, 1, daily(8)), Supply(3, 2, whole)])
    found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    assert found.billing.forecast_errors(ACCOUNTANT, AskForecastErrors()).rows == []
    # The month's end measures and publishes, with nobody asking for it; there is nothing left to do.
    found.settle()
    issued = found.billing.bills(ACCOUNTANT, FindBills(month=MONTH, state="issued", kind="supply")).rows
    again = found.billing.measure_forecast(Call.system(MIDDLE), MeasureForecast(month=MONTH))
    assert (again.accounts, again.published, again.again) == (0, False, False)
    rows = found.billing.forecast_errors(ACCOUNTANT, AskForecastErrors(month=MONTH)).rows
    assert {row.tariff_class for row in rows} == {None, "resident"}
    assert [(row.days_known, row.accounts) for row in rows] == [(10, len(issued)), (20, len(issued))] * 2
    for row in rows:
        assert row.billed == sum((bill.amount for bill in issued), Money(0))
        assert Percent(0) <= row.median_error <= row.ninth_error < Percent.of("10")
        assert row.within == Percent.of("100")
    # What is published is the same for everybody, and says no amount; a forecast of the next month tells it beside its band.
    for caller in (holder(SILENT.account_no), replace(CLERK, permits=CLERK.permits | {"billing.own"})):
        published = found.billing.published_errors(caller, AskPublishedErrors()).rows
        assert [
            (one.tariff_class, one.days_known, one.median_error, one.ninth_error, one.within) for one in published
        ] == [(one.tariff_class, one.days_known, one.median_error, one.ninth_error, one.within) for one in rows]
    (ref,) = found.datasets.newest(FORECAST_ERRORS.name, MONTH)
    assert [row["median_e2"] for row in found.datasets.scan(ref).to_pylist()] == [
        one.median_error.number for one in rows
    ]
    # One station sees its own accounts: the even one, of which every forecast was right.
    (early, *_) = found.billing.forecast_errors(CLERK, AskForecastErrors(month=MONTH)).rows
    assert (early.accounts, early.median_error, early.bias) == (1, Percent(0), Percent(0))


def test_data_of_a_running_month_change_what_is_shown_at_once_and_past_errors_stand_beside_it(found: County) -> None:
    """April is billed; in May a register and then another one arrive."""
    take_registers(found, [Supply(1, 1, daily(8))])
    found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    found.settle()
    found.directory(ReadingApi).plan_month(OPERATOR, MonthRef(month="2026-05"))
    mine = holder(EVEN.account_no)

    def may(day: int) -> datetime:
        """The register of a midnight of May comes in an hour later; whoever looks half a minute after that sees it."""
        rows = [
            {"meter_no": "M00001", "read_at": midnight(date(2026, 5, at)), "quantity": "active_fwd", "band": "total",
             "value_e4": (1_240 + 9 * (at - 1)) * 10_000}
            for at in range(1, day + 1)
        ]  # fmt: skip
        table = pa.Table.from_pylist(rows, schema=arrow_schema(REGISTER_INTAKE))
        ref = found.datasets.publish(REGISTER_INTAKE, "2026-05", f"may-{day}", table, MIDDLE)
        arrived = midnight(date(2026, 5, day)) + timedelta(hours=1)
        call = replace(OPERATOR, now=arrived)
        assert found.directory(ReadingApi).receive_registers(call, Intake(rows=ref)).refused == 0
        return arrived + timedelta(seconds=30)

    first = found.billing.my_bill_so_far(replace(mine, now=may(11)), MySoFar(month="2026-05"))
    assert (first.days_known, str(first.energy)) == (10, "90")
    then = may(12)
    told = found.billing.my_bill_so_far(replace(mine, now=then), MySoFar(month="2026-05"))
    assert (told.days_known, str(told.energy)) == (11, "99") and told.amount > first.amount
    assert told.low_amount <= told.expected_amount <= told.high_amount
    assert told.past_error is not None and told.past_error.en == (
        "Forecasts of 2026-04 with 10 days known, against the bills of 1 accounts of this class: half were within 0.00 %, nine"
        " of ten within 0.00 %, and 100.00 % lay within their band."
    )
    late = found.billing.my_bill_so_far(replace(mine, now=may(22)), MySoFar(month="2026-05"))
    assert late.past_error is not None and "with 20 days known" in late.past_error.en


def test_without_registers_there_is_no_day_to_estimate(database_dsn: str, tmp_path: pathlib.Path) -> None:
    with county("local", database_dsn, tmp_path) as made:
        settle_county(made, [Supply(1)])
        assert made.billing.estimate_day(Call.system(MIDDLE), EstimateDay(everyone=True)).through_on is None
        assert made.billing.estimate_day(Call.system(MIDDLE), EstimateDay(month=MONTH, everyone=True)).estimated == 0


# --- the forecast ----------------------------------------------------------------------------------------------------------

USE = st.integers(0, 10**6)
DAYS = st.lists(USE, min_size=1, max_size=90)


@given(use=DAYS, left=st.integers(0, 31))
def test_low_expected_and_high_are_in_order_and_within_the_days_seen(use: list[int], left: int) -> None:
    history = {APRIL + timedelta(days=at): wh for at, wh in enumerate(use)}
    last = max(history)
    rest = foreseen(history, [last + timedelta(days=at + 1) for at in range(left)])
    seen = use[-HISTORY_DAYS:]
    assert left * min(seen) <= rest.low <= rest.expected <= rest.high <= left * max(seen)


@given(use=USE, days=st.integers(1, 60), left=st.integers(1, 31))
def test_equal_days_go_on_as_they_were(use: int, days: int, left: int) -> None:
    history = {APRIL + timedelta(days=at): use for at in range(days)}
    rest = foreseen(history, [max(history) + timedelta(days=at + 1) for at in range(left)])
    assert rest.low == rest.expected == rest.high == left * use


def test_a_weekday_goes_on_like_its_own_kind() -> None:
    history = {
        APRIL + timedelta(days=at): 9_000 if (APRIL + timedelta(days=at)).weekday() == 6 else 2_000 for at in range(28)
    }
    assert foreseen(history, [date(2026, 5, 3)]).expected == 9_000
    assert foreseen(history, [date(2026, 5, 4)]).expected == 2_000
    assert foreseen({}, [date(2026, 5, 4)]).high == 0


@given(values=st.lists(USE, min_size=1, max_size=50), tenths=st.integers(1, 10))
def test_so_many_tenths_do_not_exceed_a_quantile(values: list[int], tenths: int) -> None:
    found = quantile(values, tenths)
    assert sum(value <= found for value in values) * 10 >= tenths * len(values)
    assert sum(value < found for value in values) * 10 < tenths * len(values)


def piece(quantity: str, band: str, wh: int, point_no: str = "P1") -> Piece:
    return Piece(
        point_no=point_no,
        account_no="A",
        area_no=None,
        role="sale",
        meter_no="M",
        piece=1,
        quantity=quantity,
        band=band,
        from_at=midnight(APRIL),
        to_at=midnight(date(2026, 4, 16)),
        start_e4=0,
        end_e4=1,
        multiplier=1,
        energy_wh=wh,
        status="valid",
        rule="checked",
        method="actual",
        days_estimated=0,
    )


@given(peak=USE, valley=USE, other=USE, varh=USE, rest=USE)
def test_energy_to_come_is_shared_without_loss_and_bands_stay_parts_of_their_total(
    peak: int, valley: int, other: int, varh: int, rest: int
) -> None:
    pieces = [
        piece("active_fwd", "total", peak + valley),
        piece("active_fwd", "peak", peak),
        piece("active_fwd", "valley", valley),
        piece("active_fwd", "total", other, "P2"),
        piece("reactive_fwd", "total", varh),
        piece("demand", "total", 7),
    ]
    found = [one.energy_wh or 0 for one in grown(pieces, rest, date(2026, 5, 1))]
    assert found[0] + found[3] == peak + valley + other + rest
    assert found[1] + found[2] == found[0]
    assert found[5] == 7 and found[4] >= varh
    if rest == 0:
        assert found == [one.energy_wh for one in pieces]


def read(day: date, shown: int | None, wh: int | None, method: str = "actual") -> DayRead:
    return DayRead.model_validate(
        {
            "day": day,
            "read_at": midnight(day),
            "meter_no": "M",
            "piece": 1,
            "shown": None if shown is None else Register(shown * 10_000),
            "raw": None,
            "energy": None if wh is None else Energy(wh),
            "status": "valid",
            "rule": "checked",
            "method": method,
        }
    )


def test_what_is_known_ends_where_the_first_meter_was_not_read() -> None:
    days = [APRIL + timedelta(days=at) for at in range(4)]
    whole = Channel("P1", "active_fwd", "total", 1, [read(day, at, 1_000) for at, day in enumerate(days)])
    early = replace(whole, point_no="P2", midnights=[*whole.midnights[:3], read(days[3], 3, None, "daily_average")])
    assert read_until([whole, early], days[3]) == days[2]
    assert read_until([whole, early], days[1]) == days[1]
    gap = replace(whole, midnights=[whole.midnights[0], read(days[1], 1, None, "none"), *whole.midnights[2:]])
    assert pieces_until("A", [gap], APRIL, days[2]) is None
    (sub,) = pieces_until("A", [replace(whole, role="sub_meter")], APRIL, days[2]) or []
    assert sub.role == "sub_meter"
    (told,) = pieces_until("A", [whole], APRIL, days[2]) or []
    assert (told.start_e4, told.end_e4, told.energy_wh) == (0, 20_000, 2_000)
    assert days_of([whole, early], APRIL, days[2]) == {days[0]: 2_000, days[1]: 2_000}


def test_the_largest_demand_so_far_stands() -> None:
    days = [APRIL + timedelta(days=at) for at in range(4)]
    demand = Channel("P1", "demand", "total", 30, [read(day, at % 3 + 1, None) for at, day in enumerate(days)])
    (told,) = pieces_until("A", [demand], APRIL, days[3]) or []
    assert told.energy_wh == 3 * 30 * 1_000
