"""A customer's readings as a file: of each meter the time in which it was his, as they count, in formats that are read back."""

import base64
import io
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from denghuo.kernel.contract import Call
from denghuo.kernel.period import midnight
from denghuo.kernel.problem import NotPermitted
from denghuo.service.reading.api import (
    MARKED_CURVE_INTAKE,
    AccountMonth,
    CurveMonth,
    CurveNotFound,
    MeterFileAsked,
    NothingToExport,
    NotPlanned,
    NotYourAccount,
    OwnCurveMonth,
    PointMonthRef,
    ReadingsAsked,
)
from denghuo.service.reading.foreign.espi import read_espi
from tests.service.bindings import NOW, settle
from tests.service.reading.conftest import Bench, Make
from tests.service.reading.county import MONTH, energy_day, installation, month_of, steady

MINE, OTHER = "5810100000019", "5810200000010"
DAY = date(2026, 4, 13)
MOVED = midnight(date(2026, 4, 15)) + timedelta(hours=10)
CLERK = Call(actor="clerk", now=NOW, permits=frozenset({"reading.read"}), scope=("1405810.01",), channel="pc")
CUSTOMER = replace(CLERK, actor="customer", scope=("",), accounts=(MINE,))


@pytest.fixture
def made(bench: Make) -> Bench:
    """M1 is the customer's until ten on 15 April, then another's; M2, in both directions, was taken down on 14 April."""
    plant = {"register": "net", "to_at": midnight(DAY + timedelta(days=1))}
    bench_ = bench(
        [
            installation("P1", "M1", to_at=MOVED),
            installation("P1", "M1", from_at=MOVED, account_no=OTHER, piece=2),
            installation("P2", "M2", **plant),
        ]
    )
    whole = [energy_day("M1", DAY + timedelta(days=step), [100 + step] * 96) for step in range(4)]
    bench_.receive_curves(*whole, energy_day("M2", DAY, [7] * 96, "active_rev_wh"))
    guessed = energy_day("M2", DAY, [250] * 96).append_column("mark", [["nem12 E52"] * 4 + [""] * 92])
    bench_.api.receive_curves(bench_.call(), bench_.intake(MARKED_CURVE_INTAKE, guessed))
    settle(bench_.directory)
    return bench_


def asked(made: Bench, kind: str, call: Call | None = None, account_no: str = MINE) -> tuple[str, str, bytes]:
    words = {"account_no": account_no, "first": date(2026, 3, 20), "last": date(2026, 4, 30), "format": kind}
    found = made.api.account_readings_file(call or made.call(), ReadingsAsked.model_validate(words))
    return found.file_name, found.media_type, base64.b64decode(found.content)


def test_a_meter_is_the_customers_for_its_time_and_what_was_estimated_is_marked(made: Bench) -> None:
    name, media_type, content = asked(made, "parquet")
    assert (name, media_type) == (f"{MINE}-2026-03-20-2026-04-30.parquet", "application/vnd.apache.parquet")
    rows = pq.read_table(io.BytesIO(content)).to_pylist()
    # Of the day on which he left the forty quarter-hours before ten are his.
    assert Counter((row["meter_no"], row["series"], row["energy_wh"]) for row in rows) == {
        ("M1", "active_fwd_wh", 100): 96,
        ("M1", "active_fwd_wh", 101): 96,
        ("M1", "active_fwd_wh", 102): 40,
        ("M2", "active_fwd_wh", 250): 96,
        ("M2", "active_rev_wh", 7): 96,
    }
    assert max(row["begins"] for row in rows if row["meter_no"] == "M1") == MOVED - timedelta(minutes=15)
    assert [row["quality"] for row in rows if row["estimated"]] == ["nem12 E52"] * 4
    theirs = pq.read_table(io.BytesIO(asked(made, "parquet", account_no=OTHER)[2])).to_pylist()
    assert Counter(row["energy_wh"] for row in theirs) == {102: 56, 103: 96}


def test_every_format_is_a_file_of_its_kind(made: Bench) -> None:
    name, media_type, content = asked(made, "espi")
    assert name.endswith(".xml") and media_type == "application/xml"
    blocks = list(read_espi(lambda: io.BytesIO(content)))
    assert sum(int(block.numbers.sum()) for block in blocks) == 96 * (100 + 101 + 250 + 7) + 40 * 102
    assert sum(block.estimated for block in blocks) == 4
    name, media_type, content = asked(made, "csv")
    assert (name[-4:], media_type) == (".csv", "text/csv") and content.decode().count("\n") == 1 + 96 * 4 + 40
    assert asked(made, "cim")[2].decode().count("<IntervalReadings>") == 96 * 4 + 40


def test_nobody_gets_what_is_not_his_to_see(made: Bench) -> None:
    assert asked(made, "csv", CUSTOMER) == asked(made, "csv", CLERK)
    for call, account_no in (
        (CUSTOMER, OTHER),
        (replace(CLERK, scope=("1405810.02",)), MINE),
        (replace(CLERK, scope=()), MINE),
        (CLERK, "5810300000011"),
    ):
        with pytest.raises(NothingToExport) as refused:
            asked(made, "csv", call, account_no)
        assert refused.value.fields["account_no"] == account_no


def test_the_month_of_a_meter_is_a_file_of_all_its_series_whosever_it_was(made: Bench) -> None:
    def rows(meter_no: str) -> list[dict[str, Any]]:
        found = made.api.meter_month_file(CLERK, MeterFileAsked(meter_no=meter_no, month=MONTH, format="parquet"))
        assert found.file_name == f"{meter_no}-{MONTH}.parquet"
        return pq.read_table(io.BytesIO(base64.b64decode(found.content))).to_pylist()

    # Both customers' quarter-hours are the meter's.
    assert Counter(row["energy_wh"] for row in rows("M1")) == {100: 96, 101: 96, 102: 96, 103: 96}
    # M2 has no day after the one on which it hung last: nothing stands in for what nobody measures.
    of_day = rows("M2")
    assert max(row["begins"] for row in of_day) == midnight(DAY + timedelta(days=1)) - timedelta(minutes=15)
    assert Counter(row["series"] for row in of_day) == {"active_fwd_wh": 96, "active_rev_wh": 96}
    assert [row["quality"] for row in of_day if row["estimated"]] == ["nem12 E52"] * 4
    asked_for = MeterFileAsked(meter_no="M1", month=MONTH)
    for call in (replace(CLERK, scope=("1405810.02",)), replace(CLERK, scope=())):
        with pytest.raises(CurveNotFound):
            made.api.meter_month_file(call, asked_for)
    with pytest.raises(NothingToExport) as refused:
        made.api.meter_month_file(CLERK, MeterFileAsked(meter_no="M1", month="2026-03"))
    assert refused.value.fields == {"meter_no": "M1", "first": "2026-03-01", "last": "2026-03-31"}


def test_customers_see_their_own_reading_of_the_time_in_which_it_was_theirs(made: Bench) -> None:
    made.receive(month_of("M1", steady()))
    made.run()
    mine = replace(CUSTOMER, permits=frozenset({"reading.own"}))
    other = replace(mine, accounts=(OTHER,))
    asked_for = OwnCurveMonth(meter_no="M1", month=MONTH)

    def days(call: Call) -> Counter[str]:
        found = made.api.my_curve_month(call, asked_for)
        return Counter(str(value) for value in found.energy if value is not None)

    # He left at ten on the third day; what follows is the next customer's alone.
    assert days(mine) == {"0.1": 96, "0.101": 96, "0.102": 40}
    assert days(other) == {"0.102": 56, "0.103": 96}
    for nobody in (replace(mine, accounts=("5810300000011",)), replace(mine, accounts=())):
        with pytest.raises(CurveNotFound):
            made.api.my_curve_month(nobody, asked_for)
        with pytest.raises(NotYourAccount):
            made.api.my_reads(nobody, AccountMonth(account_no=MINE))
        with pytest.raises(NotPlanned):
            made.api.my_point_month(nobody, PointMonthRef(point_no="P1", month=MONTH))
    assert {row.account_no for row in made.api.my_reads(mine, AccountMonth(account_no=MINE)).rows} == {MINE}
    month = made.api.my_point_month(mine, PointMonthRef(point_no="P1", month=MONTH))
    assert max(day.read_at for day in month.days) <= MOVED
    words = ReadingsAsked(account_no=MINE, first=DAY, last=DAY, format="csv")
    assert made.api.my_readings_file(mine, words).content == made.api.account_readings_file(CLERK, words).content
    with pytest.raises(NothingToExport):
        made.api.my_readings_file(other, words)
    # What the office asks is closed to a customer.
    with pytest.raises(NotPermitted):
        made.api.curve_month(mine, CurveMonth(subject="M1", month=MONTH))


@pytest.mark.parametrize("last", [date(2026, 3, 31), date(2027, 4, 2)])
def test_a_period_has_an_order_and_a_length(last: date) -> None:
    with pytest.raises(ValidationError, match="366 days"):
        ReadingsAsked(account_no=MINE, first=date(2026, 4, 1), last=last)
    assert ReadingsAsked(account_no=MINE, first=date(2026, 4, 1), last=date(2027, 4, 1)).format == "espi"
