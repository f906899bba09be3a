"""Main and sub-meters (总分表), through both bindings: what is behind a main meter comes off it as a fixed quantity, a ratio
or what its meter shows, and a meter is never taken off itself."""

import pathlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.service.billing.county import (
    ACCOUNTANT,
    MONTH,
    OPERATOR,
    County,
    Prepare,
    Prepared,
    Supply,
    daily,
    settle_county,
)
from tests.service.billing.test_terms import agree, behind, bill, households, sub_meter, told, verified
from tests.service.records import point

from denghuo.kernel.values import Energy, Percent
from denghuo.service.billing.api import (
    AsKnown,
    FindExceptions,
    FindRecalculations,
    NothingSoFar,
    ReplayMonth,
    SoFar,
    StartCycle,
)
from denghuo.service.contract.api import Part, SpecialRefused
from denghuo.service.point.api import PointApi, RegisterPoints
from denghuo.service.reading.api import MonthRef, ReadingApi, Resolve

MAINS = [Supply(serial, 1, daily(40), "general_single_part", 10) for serial in range(1, 5)]
FIXED, RATIO, METERED, LOOP = MAINS
OTHERS = [Supply(serial, 1, daily(10), "general_single_part", 10) for serial in (6, 7, 8)]
"""Customers of their own behind the main meters of these:"""
RESALE = [Supply(serial, 1, daily(40), "general_single_part", 10) for serial in (9, 10, 11)]
SMALL = Supply(13, 1, daily(5), "general_single_part", 10)
"""Its meter shows less than that of the customer behind it."""
LATE = Supply(12, 1, {}, "general_single_part", 10)
TAKEN_OVER = Supply(5, 1, daily(40), "general_single_part", 10)
"""Its contract was taken over with its own main meter as a sub-meter behind itself, which nobody could enter now."""


@pytest.fixture(scope="module")
def settled(prepare: Prepare) -> Prepared:
    def make(made: County) -> None:
        settle_county(made, [*MAINS, TAKEN_OVER, *OTHERS, *RESALE, SMALL, LATE], households())
        for serial, main in ((21, METERED), (22, LOOP), (23, TAKEN_OVER)):
            sub_meter(made, serial, main)

    return prepare(make)


@pytest.fixture(params=["local", "remote"])
def found(request: pytest.FixtureRequest, settled: Prepared, tmp_path: pathlib.Path) -> Iterator[County]:
    with settled.copy(request.param, tmp_path) as made:
        yield made


@pytest.mark.scope("B04-12")
def test_sub_meters_come_off_by_quantity_ratio_or_register_and_loops_are_refused(found: County) -> None:
    agree(found, FIXED, 1, parts=[Part(point_no="D1", way="quantity", quantity_kwh=Energy.of("200"))])
    agree(found, RATIO, 1, parts=[Part(point_no="D2", way="ratio", ratio=Percent.of("30"), tariff_code="test.farm")])
    agree(found, METERED, 1, parts=[Part(point_no="SUB21", way="meter", tariff_code="test.farm")])
    # The account's main meter, as a sub-meter behind itself.
    main = f"{LOOP.account_no}01"
    with pytest.raises(SpecialRefused) as refused:
        agree(found, LOOP, 1, parts=[Part(point_no="SUB22", way="meter"), Part(point_no=main, way="meter")])
    assert f"计量点 {main}（表号 M00004）" in refused.value.detail["zh"]
    agree(found, LOOP, 1, parts=[Part(point_no="SUB22", way="meter")])
    # Other customers behind main meters: from the first, from the eleventh, and one who is not yet there.
    for main, sub, day in zip(RESALE, OTHERS, (1, 11, 1), strict=True):
        agree(found, main, day, parts=[behind(sub)])
    with pytest.raises(SpecialRefused) as priced:
        agree(found, FIXED, 1, parts=[behind(LATE).model_copy(update={"tariff_code": "test.farm"})])
    assert f"分表电量由户号 {LATE.account_no} 按其合同计费" in priced.value.detail["zh"]
    with pytest.raises(SpecialRefused) as refused:
        agree(found, OTHERS[1], 1, parts=[behind(RESALE[1])])
    assert (
        f"总分表成环：{RESALE[1].account_no} → {OTHERS[1].account_no} → {RESALE[1].account_no}"
        in refused.value.detail["zh"]
    )
    agree(found, TAKEN_OVER, 1, parts=[Part(point_no="SUB23", way="meter")])
    with found.directory.hosted["contract"].store.work("contract", OPERATOR) as work:
        asked = f"{TAKEN_OVER.account_no}01", TAKEN_OVER.account_no
        named = "UPDATE terms SET special = replace(special::text, 'SUB23', %s)::jsonb WHERE account_no = %s"
        assert work.run(f"{named} AND special IS NOT NULL", asked) == 1
    found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    found.settle()

    assert told(bill(found, FIXED)) == [("", "1000", "0.7853", "785.30")]
    assert told(bill(found, RATIO)) == [("", "840", "0.7853", "659.65"), ("", "360", "0.5000", "180.00")]
    assert told(bill(found, METERED)) == [("", "900", "0.7853", "706.77"), ("", "300", "0.5000", "150.00")]
    assert told(bill(found, LOOP)) == [("", "900", "0.7853", "706.77")]
    # Who is behind another one's meter is billed by his own, and taken off there while that is agreed.
    whole, part, _ = RESALE
    assert told(bill(found, whole)) == [("", "900", "0.7853", "706.77")]
    assert told(bill(found, OTHERS[0])) == [("", "300", "0.7853", "235.59")]
    assert told(bill(found, part)) == [("01-10", "400", "0.7853", "314.12"), ("11-30", "600", "0.7853", "471.18")]
    for one in (whole, part):
        known = found.billing.as_known(ACCOUNTANT, AsKnown(account_no=one.account_no, month=MONTH, kind="supply"))
        assert (known.state, known.differences) == ("rated", []), known.said
    replayed = found.billing.replay_month(ACCOUNTANT, ReplayMonth(month=MONTH))
    assert replayed.rows == [] and replayed.identical >= 8
    steps = [step.text.zh for step in bill(found, whole).lines[0].steps]
    assert any("总表 1200 - 他户分表（表号 M00006）" in one and "300 = 900" in one for one in steps), steps
    # What came in before it was refused is not rated: the exception names the meter.
    rows = found.billing.exceptions(ACCOUNTANT, FindExceptions(month=MONTH, state="open")).rows
    assert {one.account_no for one in rows} == {TAKEN_OVER.account_no, LATE.account_no}
    held = next(one for one in rows if one.account_no == TAKEN_OVER.account_no)
    assert held.code == "rating_failed"
    assert f"计量点 {TAKEN_OVER.account_no}01 是本户总表" in held.reason.zh
    for supply in (*MAINS, *RESALE):
        verified(found, supply)


def test_a_main_meter_waits_for_the_sub_meter_of_another_account(found: County) -> None:
    """LATE was not read at the end of the month: both accounts wait, and its read has both billed."""
    main = RESALE[2]
    agree(found, main, 1, parts=[behind(LATE)])
    found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    found.settle()
    held = {
        one.account_no: one
        for one in found.billing.exceptions(ACCOUNTANT, FindExceptions(month=MONTH, state="open")).rows
    }
    assert held.keys() >= {main.account_no, LATE.account_no}
    assert "M00012" in held[main.account_no].reason.zh or LATE.account_no in held[main.account_no].reason.zh
    entered(found, LATE, "start", 1_000)
    entered(found, LATE, "end", 1_100)
    found.settle()
    assert told(bill(found, LATE)) == [("", "100", "0.7853", "78.53")]
    assert told(bill(found, main)) == [("", "1100", "0.7853", "863.83")]
    verified(found, main)
    # Read again after both are issued: the main meter's bill stands, and is told as one that comes out otherwise.
    entered(found, LATE, "end", 1_150)
    found.settle()
    (newest, *_) = found.billing.recalculations(ACCOUNTANT, FindRecalculations(month=MONTH)).rows
    assert (newest.cause, newest.state, newest.due, newest.differs) == ("reads", "done", 1, 1)
    assert told(bill(found, main)) == [("", "1100", "0.7853", "863.83")]


def entered(found: County, supply: Supply, side: str, shown: int) -> None:
    point_no, reason = f"{supply.account_no}01", "现场补抄"
    asked = {"month": MONTH, "point_no": point_no, "side": side, "shown": str(shown), "reason": reason}
    found.ask(ReadingApi).resolve(OPERATOR, Resolve.model_validate(asked | {"confirmed": True}))


def test_a_running_month_is_told_without_the_meters_of_others(found: County) -> None:
    agree(found, RESALE[0], 1, parts=[behind(OTHERS[0])])
    agree(found, SMALL, 1, parts=[behind(OTHERS[1])])
    found.ask(ReadingApi).plan_month(OPERATOR, MonthRef(month=MONTH))
    asked = SoFar(account_no=RESALE[0].account_no)
    told = found.billing.bill_so_far(replace(ACCOUNTANT, now=datetime(2026, 4, 16, 2, tzinfo=UTC)), asked)
    assert (told.energy, told.expected_energy, told.days_left) == (Energy.of("450"), Energy.of("900"), 15)
    assert "1600.00 - 1000.00 = 600" in told.lines[0].sentence.zh
    with pytest.raises(NothingSoFar) as refused:
        found.billing.bill_so_far(ACCOUNTANT, SoFar(account_no=SMALL.account_no))
    assert refused.value.why == "rating_failed" and "大于总表余量 150 千瓦时" in refused.value.detail["zh"]


def test_a_meter_hangs_at_one_point_so_that_none_is_behind_the_one_behind_it(found: County) -> None:
    """The main meter of one account behind another's, and the other way round: each register is at one point only."""
    loops = [
        point(one.serial, 1, point_no=f"BACK{one.serial}", role="sub_meter", meter_no=f"M{other.serial:05d}")
        for one, other in ((FIXED, RATIO), (RATIO, FIXED))
    ]
    taken = found.ask(PointApi).register_points(OPERATOR, RegisterPoints(points=loops))
    assert [(one.field, "已装于计量点" in one.what.zh) for one in taken.refused] == [("meter_no", True)] * 2
