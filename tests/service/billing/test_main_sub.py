"""Main and sub-meters (总分表), through both bindings: what is behind a main meter comes off it as a fixed quantity, a ratio
or what its meter shows, and a meter is never taken off itself."""

import pathlib
from collections.abc import Iterator

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
from tests.service.billing.test_terms import agree, bill, households, sub_meter, told, verified
from tests.service.records import point

from denghuo.kernel.values import Energy, Percent
from denghuo.service.billing.api import FindExceptions, StartCycle
from denghuo.service.contract.api import Part, SpecialRefused
from denghuo.service.point.api import PointApi, RegisterPoints

MAINS = [Supply(serial, 1, daily(40), "general_single_part", 10) for serial in range(1, 5)]
FIXED, RATIO, METERED, LOOP = MAINS
TAKEN_OVER = Supply(5, 1, daily(40), "general_single_part", 10)
"""Its contract was taken over with its own main meter as a sub-meter behind itself, which nobody could enter now."""


@pytest.fixture(scope="module")
def settled(prepare: Prepare) -> Prepared:
    def make(made: County) -> None:
        settle_county(made, [*MAINS, TAKEN_OVER], households())
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
    # What came in before it was refused is not rated: the exception names the meter.
    (held,) = found.billing.exceptions(ACCOUNTANT, FindExceptions(month=MONTH, state="open")).rows
    assert (held.account_no, held.code) == (TAKEN_OVER.account_no, "rating_failed")
    assert f"计量点 {TAKEN_OVER.account_no}01 是本户总表" in held.reason.zh
    for supply in MAINS:
        verified(found, supply)


def test_a_meter_hangs_at_one_point_so_that_none_is_behind_the_one_behind_it(found: County) -> None:
    """The main meter of one account behind another's, and the other way round: each register is at one point only."""
    loops = [
        point(one.serial, 1, point_no=f"BACK{one.serial}", role="sub_meter", meter_no=f"M{other.serial:05d}")
        for one, other in ((FIXED, RATIO), (RATIO, FIXED))
    ]
    taken = found.ask(PointApi).register_points(OPERATOR, RegisterPoints(points=loops))
    assert [(one.field, "已装于计量点" in one.what.zh) for one in taken.refused] == [("meter_no", True)] * 2
