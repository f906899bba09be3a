"""Metering points and the network through both bindings: batches, exchanges, the month's dataset, scope."""

import pathlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date

import pytest
from tests.service.records import (
    CLERK,
    OPERATOR,
    account,
    area,
    at,
    held,
    meter,
    network,
    number,
    point,
)

from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.kernel.values import Multiplier, Power, Register
from denghuo.service.asset.api import AssetApi, MeterRef, RegisterMeters
from denghuo.service.asset.service import AssetService
from denghuo.service.customer.api import CustomerApi, OpenAccounts
from denghuo.service.customer.service import CustomerService
from denghuo.service.host.binding import Ask
from denghuo.service.point.api import (
    AreaNotFound,
    AreaNumbers,
    AreaRef,
    Exchange,
    ExchangeMeters,
    FindAreas,
    FindExchanges,
    FindFeeders,
    FindPoints,
    HandOver,
    MetersIn,
    NetworkRequest,
    NotHandedOver,
    OutsideScope,
    PointApi,
    PointNotFound,
    PointRef,
    PointsByNumber,
    PointsOf,
    PublishInstallations,
    PublishUnitInstallations,
    RegisterNetwork,
    RegisterPoints,
)
from denghuo.service.point.service import PointService

SERVICES = {CustomerApi: CustomerService, AssetApi: AssetService, PointApi: PointService}


@pytest.fixture(params=["local", "remote"])
def ask(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[Ask]:
    yield from held(request.param, database_dsn, tmp_path, SERVICES)


@pytest.fixture
def points(ask: Ask) -> PointApi:
    """Two stations with a network, an account and three meters each."""
    ask(CustomerApi).open_accounts(OPERATOR, OpenAccounts(accounts=[account(1, 1), account(2, 2)]))
    ask(AssetApi).register_meters(OPERATOR, RegisterMeters(meters=[meter(serial) for serial in range(1, 7)]))
    taken = ask(PointApi).register_network(OPERATOR, network())
    assert [len(taken.feeders.refused), taken.nodes.taken, taken.lines.taken, taken.areas.taken] == [0, 3, 2, 2]
    return ask(PointApi)


def exchange(serial: int = 1, new: int = 3, day: int = 17, station: int = 1, **changes: object) -> Exchange:
    return Exchange(
        point_no=point(serial, station).point_no,
        old_meter_no=f"M{serial:05d}",
        new_meter_no=f"M{new:05d}",
        exchanged_at=at(day, 9),
        old_final_fwd=Register.of("4370.73"),
        new_start_fwd=Register.of("0"),
        new_multiplier=Multiplier(1),
    ).model_copy(update=changes)


def test_network_parts_are_known_again_and_faults_are_named(points: PointApi) -> None:
    again = points.register_network(OPERATOR, network())
    assert [again.feeders.unchanged, again.nodes.unchanged, again.lines.unchanged, again.areas.unchanged] == [
        2,
        3,
        2,
        2,
    ]
    faults = RegisterNetwork(
        nodes=[network().nodes[1].model_copy(update={"x_m": 7})],
        lines=[network().lines[0].model_copy(update={"line_no": "LN9", "to_node_no": "ND99"})],
        areas=[area("TG9", "F9", 1), area("TG3", "F1", 1)],
    )
    reply = points.register_network(OPERATOR, faults)
    assert [reply.nodes.refused[0].field, reply.lines.refused[0].field, reply.areas.refused[0].field] == [
        "x_m",
        "to_node_no",
        "feeder_no",
    ]
    assert reply.areas.taken == 1


def test_points_are_judged_against_what_exists(points: PointApi, ask: Ask) -> None:
    batch = [
        point(1),
        point(1, point_no="P2", role="export", direction="rev", pv_kw=Power(19_000)),
        point(2, 2),
        point(3, account_no=number(99), meter_no="M00003"),
        point(4, account_no=number(1), meter_no="M99999"),
        point(5, account_no=number(1), area_no="TG99"),
        point(1, point_no="P6"),
        point(5, point_no="P7", account_no=number(1), role="export", direction="rev"),
        point(5, point_no="P8", account_no=None),
        point(1, voltage_kv="0.38"),
    ]
    reply = points.register_points(OPERATOR, RegisterPoints(points=batch))
    assert reply.taken == 3
    assert [(item.item, item.field) for item in reply.refused] == [
        (3, "account_no"),
        (4, "meter_no"),
        (5, "area_no"),
        (6, "meter_no"),
        (7, "pv_kw"),
        (8, "account_no"),
        (9, "voltage_kv"),
    ]
    assert all(item.what.zh and item.what.en and item.remedy.zh and item.remedy.en for item in reply.refused)
    again = points.register_points(OPERATOR, RegisterPoints(points=batch[:3]))
    assert (again.taken, again.unchanged, again.refused) == (0, 3, [])
    life = ask(AssetApi).meter(OPERATOR, MeterRef(meter_no="M00001"))
    assert (life.meter.status, {piece.point_no for piece in life.life}) == ("in_use", {batch[0].point_no, "P2"})
    # The day on which a meter was taken into use is where its installation begins.
    assert points.point(OPERATOR, PointRef(point_no="P2")).installations[0].installed_at == at(5, month=8).replace(
        year=2024
    )


def test_gateway_must_be_the_one_the_area_states(points: PointApi) -> None:
    stated = area("TG4", "F1", 1, gateway_meter_no="M00004", gateway_multiplier=Multiplier(200))
    points.register_network(OPERATOR, RegisterNetwork(areas=[stated]))
    gateway = point(4, point_no="G4", role="gateway", direction="net", account_no=None, area_no="TG4")
    other = gateway.model_copy(update={"meter_no": "M00005"})
    reply = points.register_points(OPERATOR, RegisterPoints(points=[gateway, other]))
    assert [item.field for item in reply.refused] == ["multiplier", "meter_no"]
    right = gateway.model_copy(update={"multiplier": Multiplier(200)})
    assert points.register_points(OPERATOR, RegisterPoints(points=[right])).taken == 1
    assert points.area(OPERATOR, AreaRef(area_no="TG4")).gateway_point_no == "G4"


def test_exchange_moves_all_points_of_the_meter_and_cuts_the_month(
    points: PointApi, ask: Ask, database_dsn: str, tmp_path: pathlib.Path
) -> None:
    export = point(1, point_no="P2", role="export", direction="rev", pv_kw=Power(19_000))
    points.register_points(OPERATOR, RegisterPoints(points=[point(1), export, point(2, 2)]))
    reply = points.exchange_meters(OPERATOR, ExchangeMeters(exchanges=[exchange(old_final_rev=Register.of("12.5"))]))
    assert (reply.taken, reply.refused) == (1, [])
    life = points.point(OPERATOR, PointRef(point_no="P2"))
    assert [piece.meter_no for piece in life.installations] == ["M00003", "M00001"]
    assert (life.installations[1].final, life.installations[0].start) == (Register.of("12.5"), None)
    # The same instant in another offset is the same exchange.
    repeat = exchange(old_final_rev=Register.of("12.5"), exchanged_at=at(17, 9).astimezone(UTC))
    assert points.exchange_meters(OPERATOR, ExchangeMeters(exchanges=[repeat])).unchanged == 1
    archive = ask(AssetApi)
    assert archive.meter(OPERATOR, MeterRef(meter_no="M00001")).meter.status == "removed"
    assert len(archive.meter(OPERATOR, MeterRef(meter_no="M00003")).life) == 2

    ref = points.publish_installations(OPERATOR, PublishInstallations(month="2026-04"))
    with Database(database_dsn) as database:
        rows = Datasets(database, tmp_path).scan(ref).to_pylist()
    first, second = [row for row in rows if row["point_no"] == point(1).point_no]
    assert (first["from_at"], first["to_at"], first["final_e4"], first["piece"]) == (at(1), at(17, 9), 43_707_300, 1)
    assert (second["from_at"], second["to_at"], second["start_e4"], second["piece"]) == (
        at(17, 9),
        at(1, month=5),
        0,
        2,
    )
    assert second["register"] == "fwd" and ref.row_count == 5
    assert points.publish_installations(OPERATOR, PublishInstallations(month="2026-04")) == ref
    march = points.publish_installations(OPERATOR, PublishInstallations(month="2026-03"))
    assert march.row_count == 3
    # Whoever asks: the dataset is the company's.
    narrow = replace(OPERATOR, scope=("1405810.01",))
    assert points.publish_installations(narrow, PublishInstallations(month="2026-04")) == ref
    # Of a unit alone, the same rows of its points.
    unit = points.publish_unit_installations(narrow, PublishUnitInstallations(month="2026-04", org="1405810.01"))
    with Database(database_dsn) as database:
        own = Datasets(database, tmp_path).scan(unit).to_pylist()
    assert own == [row for row in rows if row["org"] == "1405810.01"] and 0 < len(own) < len(rows)
    with pytest.raises(OutsideScope):
        points.publish_unit_installations(narrow, PublishUnitInstallations(month="2026-04", org="1405810.02"))


def test_impossible_exchanges_are_named(points: PointApi, ask: Ask) -> None:
    ask(AssetApi).register_meters(OPERATOR, RegisterMeters(meters=[meter(9, installed_on=date(2026, 4, 20))]))
    points.register_points(OPERATOR, RegisterPoints(points=[point(1), point(2, 2)]))
    batch = [
        exchange(point_no="P99"),
        exchange(old_meter_no="M00002"),
        exchange(new=99),
        exchange(new=2),
        exchange(new=9),
        exchange(exchanged_at=at(2, month=5)),
        exchange(exchanged_at=at(1).replace(year=2023)),
        exchange(),
        exchange(2, new=3, station=2),
    ]
    reply = points.exchange_meters(OPERATOR, ExchangeMeters(exchanges=batch))
    assert (reply.taken, [item.field for item in reply.refused]) == (
        1,
        [
            "point_no",
            "old_meter_no",
            "new_meter_no",
            "new_meter_no",
            "exchanged_at",
            "exchanged_at",
            "exchanged_at",
            "new_meter_no",
        ],
    )
    assert points.find_exchanges(OPERATOR, FindExchanges(month="2026-04")).total == 1
    assert points.find_exchanges(OPERATOR, FindExchanges(month="2026-03")).total == 0


def test_station_clerk_sees_only_own_station(points: PointApi) -> None:
    points.register_points(OPERATOR, RegisterPoints(points=[point(1), point(2, 2)]))
    points.exchange_meters(OPERATOR, ExchangeMeters(exchanges=[exchange(2, new=4, station=2)]))
    theirs = point(2, 2).point_no
    assert [row.org for row in points.find_points(CLERK, FindPoints()).rows] == ["1405810.01"]
    assert points.find_points(CLERK, FindPoints(keyword="M00004")).total == 0
    assert points.points(CLERK, PointsByNumber(numbers=[theirs])).rows == []
    assert points.points_of(CLERK, PointsOf(account_no=number(2, 2))).rows == []
    assert points.find_exchanges(CLERK, FindExchanges()).total == 0
    with pytest.raises(PointNotFound):
        points.point(CLERK, PointRef(point_no=theirs))
    assert [row.area_no for row in points.areas(CLERK, FindAreas()).rows] == ["TG1"]
    assert [row.feeder_no for row in points.feeders(CLERK, FindFeeders()).rows] == ["F1"]
    both = AreaNumbers(area_nos=["TG2", "TG1", "TG9"])
    assert [row.area_no for row in points.area_names(OPERATOR, both).rows] == ["TG1", "TG2"]
    (mine_alone,) = points.area_names(CLERK, both).rows
    assert mine_alone.name == points.area(CLERK, AreaRef(area_no="TG1")).name
    with pytest.raises(AreaNotFound):
        points.area(CLERK, AreaRef(area_no="TG2"))
    seen = points.network(CLERK, NetworkRequest())
    assert ([row.node_no for row in seen.nodes], [row.line_no for row in seen.lines]) == (["ND1", "ND2"], ["LN1"])
    assert ([row.feeder_no for row in seen.feeders], [row.area_no for row in seen.areas]) == (["F1"], ["TG1"])
    clerk = replace(CLERK, permits=frozenset({"point.*"}))
    with pytest.raises(OutsideScope):
        points.register_points(clerk, RegisterPoints(points=[point(2, 2)]))
    # An account of another station is an unknown one, and a point number in use there is refused without a word about it.
    mine = [
        point(5, point_no="P1", account_no=number(2, 2)),
        point(6, point_no=theirs, account_no=number(1)),
        point(3, account_no=number(1)),
    ]
    reply = points.register_points(clerk, RegisterPoints(points=mine))
    assert (reply.taken, [item.field for item in reply.refused]) == (1, ["account_no", "point_no"])


def test_holder_sees_own_points_only(points: PointApi) -> None:
    points.register_points(OPERATOR, RegisterPoints(points=[point(1), point(2, 2)]))
    holder = replace(CLERK, scope=("",), accounts=(number(2, 2),))
    assert [row.account_no for row in points.find_points(holder, FindPoints()).rows] == [number(2, 2)]


def test_counts_and_pages(points: PointApi) -> None:
    export = point(1, point_no="P2", role="export", direction="rev", pv_kw=Power(19_000))
    points.register_points(OPERATOR, RegisterPoints(points=[point(1), export, point(2, 2)]))
    detail = points.area(OPERATOR, AreaRef(area_no="TG1"))
    assert (detail.account_count, detail.point_count, detail.feeder_name) == (1, 2, "一线")
    assert {row.role: (row.count, row.generation_kw) for row in detail.roles} == {
        "sale": (1, Power(0)),
        "export": (1, Power(19_000)),
    }
    first = points.find_points(OPERATOR, FindPoints(limit=2))
    rest = points.find_points(OPERATOR, FindPoints(limit=2, after=first.next))
    assert (first.total, len(first.rows), len(rest.rows)) == (3, 2, 1)
    assert points.find_points(OPERATOR, FindPoints(keyword="%")).total == 0


def test_points_go_over_to_another_account_with_their_meters(points: PointApi, ask: Ask) -> None:
    points.register_points(OPERATOR, RegisterPoints(points=[point(1)]))
    points.exchange_meters(OPERATOR, ExchangeMeters(exchanges=[exchange(day=20)]))
    later = replace(OPERATOR, now=at(28))
    over = HandOver(account_no=number(1), successor_no=number(2, 2), since=date(2026, 4, 10))
    assert points.hand_over(later, over).points == [point(1).point_no]
    assert points.hand_over(later, over).points == [point(1).point_no]
    month = points.meters_in(OPERATOR, MetersIn(month="2026-04", account_nos=[number(1)])).rows
    assert [(one.account_no, one.meter_no, one.from_at, one.to_at) for one in month] == [
        (number(1), "M00001", at(1), at(10)),
        (number(2, 2), "M00001", at(10), at(20, 9)),
        (number(2, 2), "M00003", at(20, 9), at(1, month=5)),
    ]
    assert [one.final for one in month] == [None, Register.of("4370.73"), None]
    assert points.points_of(OPERATOR, PointsOf(account_no=number(1))).rows == []
    for since, field in ((date(2020, 1, 1), "since"), (date(2030, 1, 1), "since")):
        back = HandOver(account_no=number(2, 2), successor_no=number(1), since=since)
        with pytest.raises(NotHandedOver) as refused:
            points.hand_over(later, back)
        assert refused.value.fields["field"] == field
    with pytest.raises(NotHandedOver):
        points.hand_over(later, over.model_copy(update={"successor_no": number(9)}))
