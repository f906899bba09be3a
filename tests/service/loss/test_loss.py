"""Line loss through both bindings: the balance, findings, ranks, drill-down, scope."""

import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.bindings import NOW
from tests.service.records import CLERK, OPERATOR, at, held, network

from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.kernel.values import Energy, Percent
from denghuo.service.asset.api import AssetApi
from denghuo.service.asset.service import AssetService
from denghuo.service.customer.api import CustomerApi
from denghuo.service.customer.service import CustomerService
from denghuo.service.host.binding import Ask
from denghuo.service.loss.api import AreaMonth, AreaNotComputed, FindAreas, FindFeeders, LossApi, MonthRef, NotRead
from denghuo.service.loss.rules import Balance, findings, other_multiplier, ranks
from denghuo.service.loss.service import LossService
from denghuo.service.point.api import PointApi
from denghuo.service.point.service import PointService
from denghuo.service.reading.api import MONTH_ENERGY

SERVICES = {
    CustomerApi: CustomerService,
    AssetApi: AssetService,
    PointApi: PointService,
    LossApi: LossService,
}
MONTH = "2026-04"


@pytest.fixture(params=["local", "remote"])
def ask(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[Ask]:
    yield from held(request.param, database_dsn, tmp_path, SERVICES)


@pytest.fixture
def loss(ask: Ask) -> LossApi:
    ask(PointApi).register_network(OPERATOR, network())
    return ask(LossApi)


def row(point_no: str, role: str, wh: int | None, station: int = 1, quantity: str = "active_fwd", **more: Any) -> Any:
    return {
        "point_no": point_no,
        "account_no": None,
        "area_no": None if role == "feeder_head" else f"TG{station}",
        "feeder_no": f"F{station}",
        "org": f"1405810.{station:02d}",
        "role": role,
        "meter_no": f"M{point_no}",
        "piece": 1,
        "quantity": quantity,
        "band": "total",
        "from_at": at(1),
        "to_at": at(1, month=5),
        "start_e4": 0,
        "end_e4": None if wh is None else wh * 10,
        "multiplier": 1,
        "energy_wh": wh,
        "status": "held" if wh is None else "valid",
        "rule": "in_range",
        "method": "none" if wh is None else "actual",
        "days_estimated": 0,
    } | more


def read(dsn: str, folder: pathlib.Path, *rows: Any) -> None:
    with Database(dsn) as database:
        Datasets(database, folder).publish(MONTH_ENERGY, MONTH, "all", rows, NOW)


ROWS = (
    row("G1", "gateway", 100_000),
    row("G1", "gateway", 10_000, quantity="active_rev"),
    row("S1", "sale", 70_000),
    row("S2", "sale", 35_000, status="estimated"),
    row("X1", "export", 15_000, quantity="active_rev"),
    row("P1", "sale", 40_000, band="peak"),
    row("R1", "sale", 99_000, quantity="reactive_fwd"),
    row("G2", "gateway", 50_000, station=2),
    row("S3", "sale", 60_000, station=2),
    row("S4", "sale", None, station=2),
    row("H1", "feeder_head", 120_000),
)


def test_month_is_balanced_ranked_and_repeatable(loss: LossApi, database_dsn: str, tmp_path: pathlib.Path) -> None:
    with pytest.raises(NotRead):
        loss.compute(OPERATOR, MonthRef(month=MONTH))
    read(database_dsn, tmp_path, *ROWS)
    done = loss.compute(OPERATOR, MonthRef(month=MONTH))
    assert (done.areas, done.feeders, done.flagged) == (2, 2, 2)
    first, second = loss.areas(OPERATOR, FindAreas(month=MONTH)).rows
    # (100 - 10) through the gateway + 15 fed in - (70 + 35) sold: bands and reactive energy do not count.
    assert (first.area_no, first.supply, first.sale, first.loss) == ("TG1", Energy(105_000), Energy(105_000), Energy(0))
    assert (first.rate, first.rank, first.generation) == (Percent(0), 1, Energy(15_000))
    assert (second.loss, second.rate, second.rank) == (Energy(-10_000), Percent(-2_000), 2)
    assert [flag.code for flag in first.flags] == ["estimated_members"]
    assert [flag.code for flag in second.flags] == ["negative", "held_members"]
    again = loss.compute(OPERATOR, MonthRef(month=MONTH))
    assert again.areas_month == done.areas_month and loss.areas(OPERATOR, FindAreas(month=MONTH)).total == 2
    assert loss.areas(OPERATOR, FindAreas(month=MONTH, flag="negative")).total == 1
    f1, f2 = loss.feeders(OPERATOR, FindFeeders(month=MONTH)).rows
    assert (f1.feeder_no, f1.supply, f1.loss, f1.rate) == ("F1", Energy(135_000), Energy(30_000), Percent(2_222))
    assert (f2.supply, f2.rate, f2.rank) == (None, None, None)
    whole = loss.summary(OPERATOR, MonthRef(month=MONTH))
    assert (whole.supply, whole.sale, whole.areas) == (Energy(155_000), Energy(165_000), 2)


def test_a_figure_opens_to_its_registers(loss: LossApi, database_dsn: str, tmp_path: pathlib.Path) -> None:
    read(database_dsn, tmp_path, *ROWS)
    loss.compute(OPERATOR, MonthRef(month=MONTH))
    detail = loss.area(OPERATOR, AreaMonth(area_no="TG2", month=MONTH))
    assert [(one.point_no, one.side, one.energy) for one in detail.members] == [
        ("G2", "supply", Energy(50_000)),
        ("S4", "sale", None),
        ("S3", "sale", Energy(60_000)),
    ]
    assert str(detail.members[2].end) == "60.00"


def test_station_clerk_sees_only_own_station(loss: LossApi, database_dsn: str, tmp_path: pathlib.Path) -> None:
    # A point of the other station that hangs in the own area must not show either.
    stray = row("S9", "sale", 1_000, org="1405810.02")
    read(database_dsn, tmp_path, *ROWS, stray)
    loss.compute(OPERATOR, MonthRef(month=MONTH))
    assert [one.area_no for one in loss.areas(CLERK, FindAreas(month=MONTH)).rows] == ["TG1"]
    assert [one.feeder_no for one in loss.feeders(CLERK, FindFeeders(month=MONTH)).rows] == ["F1"]
    assert loss.summary(CLERK, MonthRef(month=MONTH)).areas == 1
    with pytest.raises(AreaNotComputed):
        loss.area(CLERK, AreaMonth(area_no="TG2", month=MONTH))
    seen = {one.point_no for one in loss.area(CLERK, AreaMonth(area_no="TG1", month=MONTH)).members}
    assert seen == {"G1", "S1", "S2", "X1"}


def test_incomplete_gateway_has_no_rate(loss: LossApi, database_dsn: str, tmp_path: pathlib.Path) -> None:
    read(database_dsn, tmp_path, row("G1", "gateway", None), row("S1", "sale", 5_000))
    loss.compute(OPERATOR, MonthRef(month=MONTH))
    found = loss.area(OPERATOR, AreaMonth(area_no="TG1", month=MONTH))
    assert (found.supply, found.rate, found.rank) == (None, None, None)
    assert [flag.code for flag in found.flags] == ["incomplete"]


def test_a_wrong_ratio_is_told_from_a_loss() -> None:
    wrong = Balance(gateway_wh=75_000, generation_wh=2_000, sale_wh=100_000, multiplier=150)
    assert other_multiplier(wrong) == 200
    assert [flag.code for flag in findings(wrong)] == ["ratio", "negative"]
    theft = Balance(gateway_wh=100_000, generation_wh=0, sale_wh=85_000, multiplier=200)
    assert other_multiplier(theft) is None
    assert [flag.code for flag in findings(theft)] == ["high"]
    assert findings(Balance(gateway_wh=100_000, generation_wh=0, sale_wh=98_000, multiplier=200)) == []


@given(st.lists(st.none() | st.integers(-10_000, 10_000).map(Percent), max_size=20))
def test_ranks_count_from_the_highest(rates: list[Percent | None]) -> None:
    for value, place in zip(rates, ranks(rates), strict=True):
        if value is None:
            assert place is None
        else:
            assert place == 1 + sum(other is not None and other > value for other in rates)
