"""Meters through both bindings: batches, moves between points, scope."""

import pathlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from tests.service.records import CLERK, OPERATOR, at, held, meter

from denghuo.kernel.problem import Invalid
from denghuo.kernel.values import Multiplier
from denghuo.service.asset.api import (
    AssetApi,
    AssetSummaryRequest,
    FindMeters,
    MeterNotFound,
    MeterRef,
    MetersByNumber,
    Move,
    MoveMeters,
    OutsideScope,
    RegisterMeters,
)
from denghuo.service.asset.service import AssetService


@pytest.fixture(params=["local", "remote"])
def asset(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[AssetApi]:
    for ask in held(request.param, database_dsn, tmp_path, {AssetApi: AssetService}):
        yield ask(AssetApi)


def move(serial: int, kind: str = "placed", day: int = 1, org: str = "1405810.01", point: str = "P1") -> Move:
    return Move.model_validate(
        {"meter_no": f"M{serial:05d}", "point_no": point, "org": org, "kind": kind, "at": at(day)}
    )


def test_batch_takes_the_good_and_names_the_bad(asset: AssetApi) -> None:
    tomorrow = meter(3, installed_on=date(2026, 5, 2))
    other = meter(1, multiplier=Multiplier(20))
    reply = asset.register_meters(OPERATOR, RegisterMeters(meters=[meter(1), meter(2), meter(1), tomorrow, other]))
    assert (reply.taken, reply.unchanged) == (2, 1)
    assert [(item.item, item.key, item.field) for item in reply.refused] == [
        (3, "M00003", "installed_on"),
        (4, "M00001", "multiplier"),
    ]
    again = asset.register_meters(OPERATOR, RegisterMeters(meters=[meter(1), meter(2)]))
    assert (again.taken, again.unchanged, again.refused) == (0, 2, [])


def test_negative_multiplier_does_not_fit_the_contract() -> None:
    for wrong in ("-1", "0"):
        with pytest.raises(ValueError, match="positive"):
            RegisterMeters.model_validate({"meters": [meter(1).model_dump() | {"multiplier": wrong}]})
    assert Invalid.status == 422


def test_a_meter_follows_its_point_and_a_repeat_changes_nothing(asset: AssetApi) -> None:
    asset.register_meters(OPERATOR, RegisterMeters(meters=[meter(1), meter(2)]))
    assert asset.find_meters(CLERK, FindMeters()).total == 0, "the company's store is not the station's"
    placed = asset.move_meters(OPERATOR, MoveMeters(moves=[move(1), move(1, point="P2"), move(9)]))
    assert (placed.taken, [item.field for item in placed.refused]) == (2, ["meter_no"])
    assert asset.move_meters(OPERATOR, MoveMeters(moves=[move(1)])).unchanged == 1
    assert asset.meter(CLERK, MeterRef(meter_no="M00001")).meter.status == "in_use"
    clash = asset.move_meters(
        OPERATOR, MoveMeters(moves=[move(1, day=3), move(2, "removed"), move(2, day=1, point="P9")])
    )
    assert (clash.taken, [item.item for item in clash.refused]) == (1, [0, 1])
    asset.move_meters(OPERATOR, MoveMeters(moves=[move(1, "removed", 9), move(1, "removed", 9, point="P2")]))
    life = asset.meter(OPERATOR, MeterRef(meter_no="M00001"))
    assert life.meter.status == "removed" and {piece.removed_at for piece in life.life} == {at(9)}
    assert asset.register_meters(OPERATOR, RegisterMeters(meters=[meter(1)])).unchanged == 1
    early = MoveMeters(moves=[move(2, day=1, point="P8").model_copy(update={"at": at(1).replace(year=2020)})])
    assert [item.field for item in asset.move_meters(OPERATOR, early).refused] == ["at"]


def test_station_clerk_sees_only_own_station(asset: AssetApi) -> None:
    asset.register_meters(OPERATOR, RegisterMeters(meters=[meter(1), meter(2)]))
    asset.move_meters(OPERATOR, MoveMeters(moves=[move(1), move(2, org="1405810.02")]))
    assert [row.meter_no for row in asset.find_meters(CLERK, FindMeters()).rows] == ["M00001"]
    assert asset.find_meters(CLERK, FindMeters(org="1405810.02")).total == 0
    assert [row.meter_no for row in asset.meters(CLERK, MetersByNumber(numbers=["M00001", "M00002"])).rows] == [
        "M00001"
    ]
    assert asset.summary(CLERK, AssetSummaryRequest()).total == 1
    assert asset.summary(OPERATOR, AssetSummaryRequest()).total == 2
    with pytest.raises(MeterNotFound):
        asset.meter(CLERK, MeterRef(meter_no="M00002"))
    clerk = replace(CLERK, permits=frozenset({"asset.*"}))
    with pytest.raises(OutsideScope):
        asset.register_meters(clerk, RegisterMeters(meters=[meter(5)]))
    # A number that another unit uses is refused without a word of what it is.
    theirs = asset.register_meters(
        clerk, RegisterMeters(meters=[meter(2, org="1405810.01"), meter(6, org="1405810.01")])
    )
    assert (theirs.taken, [item.key for item in theirs.refused]) == (1, ["M00002"])


def test_search_by_part_of_a_number_takes_wildcards_literally(asset: AssetApi) -> None:
    asset.register_meters(OPERATOR, RegisterMeters(meters=[meter(serial) for serial in range(1, 8)]))
    assert asset.find_meters(OPERATOR, FindMeters(keyword="m00003")).total == 1
    assert asset.find_meters(OPERATOR, FindMeters(keyword="%")).total == 0
    first = asset.find_meters(OPERATOR, FindMeters(limit=5))
    rest = asset.find_meters(OPERATOR, FindMeters(limit=5, after=first.next))
    assert len(first.rows) + len(rest.rows) == 7 and rest.next is None
