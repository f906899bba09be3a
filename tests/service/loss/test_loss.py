"""Line loss through both bindings: the balance, findings, ranks, drill-down, scope."""

import pathlib
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.bindings import NOW
from tests.service.records import CLERK, OPERATOR, at, held, network

from denghuo.data.analysis.sources import EXTERNALS, External
from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.kernel.problem import NotPermitted
from denghuo.kernel.values import Energy, Percent
from denghuo.service.asset.api import AssetApi
from denghuo.service.asset.service import AssetService
from denghuo.service.customer.api import CustomerApi
from denghuo.service.customer.service import CustomerService
from denghuo.service.host.binding import Ask
from denghuo.service.loss.api import (
    AreaMonth,
    AreaNotComputed,
    FindAreas,
    FindFeeders,
    LossApi,
    MonthRef,
    NotRead,
    WholeCompanyOnly,
)
from denghuo.service.loss.batch import Sums, sums
from denghuo.service.loss.rules import RATIOS, Balance, findings, other_multiplier, ranks
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
    row("U3", "sub_meter", 20_000, station=2),
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
    assert (first.finding, second.finding) == ("estimated_members", "negative")
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


def test_estimated_gateway_and_held_generator_are_said(
    loss: LossApi, database_dsn: str, tmp_path: pathlib.Path
) -> None:
    read(
        database_dsn,
        tmp_path,
        row("G1", "gateway", 100_000, status="estimated"),
        row("S1", "sale", 99_000),
        row("X1", "export", None, quantity="active_rev"),
    )
    loss.compute(OPERATOR, MonthRef(month=MONTH))
    found = loss.area(OPERATOR, AreaMonth(area_no="TG1", month=MONTH))
    assert (found.held, found.estimated) == (1, 1)
    assert [flag.code for flag in found.flags] == ["held_members", "estimated_members"]
    assert "supply is too low" in found.flags[0].reason.en and "供电量偏少" in found.flags[0].reason.zh


def test_feeder_loss_is_that_inside_its_areas_and_that_above(
    loss: LossApi, database_dsn: str, tmp_path: pathlib.Path
) -> None:
    user = row("U1", "sale", 20_000, area_no=None)
    plant = row("P1", "full_feed_in", 5_000, area_no=None, quantity="active_rev")
    returned = row("H1", "feeder_head", 2_000, quantity="active_rev")
    read(database_dsn, tmp_path, *ROWS, user, plant, returned)
    loss.compute(OPERATOR, MonthRef(month=MONTH))
    first, second = loss.feeders(OPERATOR, FindFeeders(month=MONTH)).rows
    # 120 - 2 at the head, 15 + 5 fed in, 70 + 35 + 20 sold; the area on it is even, so all is lost above its gateway.
    assert (first.supply, first.generation, first.sale) == (Energy(138_000), Energy(20_000), Energy(125_000))
    assert (first.loss, first.area_loss, first.line_loss) == (Energy(13_000), Energy(0), Energy(13_000))
    assert (second.area_loss, second.line_loss) == (Energy(-10_000), None)


def test_only_the_company_computes_and_figures_say_when(
    loss: LossApi, database_dsn: str, tmp_path: pathlib.Path
) -> None:
    read(database_dsn, tmp_path, *ROWS)
    with pytest.raises(WholeCompanyOnly):
        loss.compute(replace(CLERK, permits=frozenset({"loss.*"})), MonthRef(month=MONTH))
    with pytest.raises(NotPermitted):
        loss.compute(CLERK, MonthRef(month=MONTH))
    company = replace(CLERK, scope=("1405810",), permits=frozenset({"loss.*"}))
    assert loss.compute(company, MonthRef(month=MONTH)).areas == 2
    later = replace(company, now=NOW + timedelta(hours=2))
    # What a stream compares may not change with the clock alone.
    assert loss.areas(company, FindAreas(month=MONTH)) == loss.areas(later, FindAreas(month=MONTH))
    assert loss.areas(later, FindAreas(month=MONTH)).as_of == NOW
    assert loss.feeders(later, FindFeeders(month=MONTH)).as_of == NOW
    assert loss.summary(later, MonthRef(month=MONTH)).as_of == NOW
    assert loss.area(later, AreaMonth(area_no="TG1", month=MONTH)).as_of == NOW


def test_the_dataset_holds_what_analysis_reads(loss: LossApi, database_dsn: str, tmp_path: pathlib.Path) -> None:
    read(database_dsn, tmp_path, *ROWS)
    ref = loss.compute(OPERATOR, MonthRef(month=MONTH)).areas_month
    with Database(database_dsn) as database:
        datasets = Datasets(database, tmp_path)
        assert datasets.newest("loss.area_month", MONTH) == [ref]
        rows = {one["area_no"]: one for one in datasets.scan(ref).to_pylist()}
    source = next(one for one in EXTERNALS if isinstance(one, External) and one.dataset == "loss.area_month")
    assert set(source.columns) <= set(rows["TG2"])
    assert (rows["TG2"]["supply_wh"], rows["TG2"]["sales_wh"], rows["TG2"]["loss_wh"]) == (50_000, 60_000, -10_000)
    assert rows["TG2"]["flags"] == '["negative","held_members"]'


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


# --- properties -----------------------------------------------------------------------------------------------------------

WH = st.integers(0, 10**12)
ROLE = st.sampled_from(["gateway", "sale", "sub_meter", "export", "full_feed_in"])
READS = st.lists(
    st.tuples(
        st.sampled_from(["TG1", "TG2", None]),
        ROLE,
        st.sampled_from(["active_fwd", "active_rev", "reactive_fwd"]),
        st.sampled_from(["total", "peak"]),
        st.none() | WH,
    ),
    max_size=25,
)
SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("area_no", "role", "quantity", "band", "status")]
    + [(name, pa.int64()) for name in ("energy_wh", "multiplier")]
)


@given(READS, st.randoms())
def test_sums_are_those_of_the_rows_in_any_order(reads: list[Any], random: Random) -> None:
    rows = [
        {
            "area_no": area_no,
            "role": role,
            "quantity": quantity,
            "band": band,
            "energy_wh": wh,
            "status": "held" if wh is None else "valid",
            "multiplier": 1,
        }
        for area_no, role, quantity, band, wh in reads
    ]
    shuffled = random.sample(rows, len(rows))
    found = sums(pa.Table.from_pylist(rows, schema=SCHEMA), "area_no", "gateway")
    assert found == sums(pa.Table.from_pylist(shuffled, schema=SCHEMA), "area_no", "gateway")
    for area_no in ("TG1", "TG2"):
        own = [
            one
            for one in rows
            if one["area_no"] == area_no
            and one["band"] == "total"
            and str(one["quantity"]).startswith("active")
            # What a sub-meter shows was sold at its main meter.
            and one["role"] != "sub_meter"
        ]
        gateway = [one for one in own if one["role"] == "gateway"]
        balance = found.get(area_no, Sums()).balance()
        if not gateway or any(one["energy_wh"] is None for one in gateway):
            assert (balance.supply_wh, balance.loss_wh, balance.rate) == (None, None, None)
            continue
        net = sum(one["energy_wh"] * (1 if one["quantity"] == "active_fwd" else -1) for one in gateway)
        fed_in = sum(one["energy_wh"] or 0 for one in own if one["role"] in ("export", "full_feed_in"))
        sold = sum(one["energy_wh"] or 0 for one in own if one["role"] == "sale")
        assert (balance.supply_wh, balance.loss_wh) == (net + fed_in, net + fed_in - sold)
        assert balance.held + balance.held_generation == sum(one["energy_wh"] is None for one in own)


BALANCES = st.builds(
    Balance,
    gateway_wh=st.none() | st.integers(-(10**12), 10**12),
    generation_wh=WH,
    sale_wh=WH,
    held=st.integers(0, 3),
    held_generation=st.integers(0, 3),
    estimated=st.integers(0, 3),
    multiplier=st.none() | st.sampled_from(RATIOS),
    no_load_wh=st.integers(0, 10**10),
    rating_wh=st.none() | st.integers(1, 10**12),
)


@given(BALANCES)
def test_findings_say_what_the_figures_say_in_both_languages(balance: Balance) -> None:
    flags = findings(balance)
    codes = [flag.code for flag in flags]
    assert len(set(codes)) == len(codes)
    assert not {"negative", "high"} <= set(codes)
    assert ("incomplete" in codes) == (balance.gateway_wh is None)
    assert ("negative" in codes) == (balance.loss_wh is not None and balance.loss_wh < 0)
    assert ("held_members" in codes) == bool(balance.held or balance.held_generation)
    assert ("estimated_members" in codes) == bool(balance.estimated)
    if balance.rate is not None and balance.limit is not None:
        assert ("high" in codes) == (balance.rate > balance.limit)
    for flag in flags:
        assert re.search(r"[一-鿿]", flag.reason.zh) and not re.search(r"[一-鿿]|None", flag.reason.en)
        assert "None" not in flag.reason.zh


@given(BALANCES, st.integers(0, 10**10))
def test_more_no_load_loss_never_narrows_the_limit(balance: Balance, more: int) -> None:
    wider = replace(balance, no_load_wh=balance.no_load_wh + more)
    if balance.limit is None or wider.limit is None:
        assert balance.limit is wider.limit
    else:
        assert Percent(300) <= balance.limit <= wider.limit


@given(st.sampled_from(RATIOS), st.sampled_from(RATIOS), st.integers(10**7, 10**10), st.integers(0, 400))
def test_a_doubted_ratio_explains_the_balance(archive: int, true: int, through: int, lost_e2: int) -> None:
    """An area that was sound but for the multiplier of its gateway in the archive."""
    shown = through - through % true
    balance = Balance(
        gateway_wh=shown // true * archive,
        generation_wh=0,
        sale_wh=shown * (10_000 - lost_e2) // 10_000,
        multiplier=archive,
    )
    found = other_multiplier(balance)
    if archive == true:
        assert found is None
    elif found is not None:
        assert found != archive
        assert 0 <= 10_000 * (shown // true * found - balance.sale_wh) <= 405 * shown // true * found
        neighbours = [other for other in RATIOS if other != true and 95 * true <= 100 * other <= 105 * true]
        assert found == true or found in neighbours
    assert other_multiplier(replace(balance, held=1)) is None


def test_no_ratio_is_proposed_beyond_what_the_transformer_carries() -> None:
    wrong = Balance(gateway_wh=75_000, generation_wh=2_000, sale_wh=100_000, multiplier=150)
    assert other_multiplier(replace(wrong, rating_wh=100_000)) == 200
    assert other_multiplier(replace(wrong, rating_wh=99_999)) is None
    loaded = Balance(gateway_wh=100_001, generation_wh=0, sale_wh=99_000, rating_wh=100_000)
    assert [flag.code for flag in findings(loaded)] == ["over_rating"]
    assert findings(replace(loaded, gateway_wh=100_000)) == []
    returned = Balance(gateway_wh=-100_001, generation_wh=200_000, sale_wh=99_000, rating_wh=100_000)
    assert [flag.code for flag in findings(returned)] == ["over_rating"]


def test_high_is_measured_against_the_transformers_own_loss() -> None:
    idle = Balance(gateway_wh=1_000_000, generation_wh=0, sale_wh=400_000, no_load_wh=600_000)
    assert findings(idle) == []
    assert [flag.code for flag in findings(replace(idle, sale_wh=360_000))] == ["high"]
    assert [flag.code for flag in findings(replace(idle, no_load_wh=500_000))] == ["high"]
