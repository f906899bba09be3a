"""Figures of the company through both bindings: values, scope, facts, freshness, and that each metric is defined once."""

import json
import pathlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.exercised import RecordedLocal
from tests.service.bindings import KEY, NOW, remote, web

from denghuo.data.analysis.metrics import BY_CODE, METRICS, PLAIN, Parts, average_price, parts_of, total
from denghuo.data.analysis.sources import EXTERNALS, SOURCES
from denghuo.data.analysis.warehouse import Warehouse, abandon
from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.kernel.contract import Call, DatasetSchema, Nothing
from denghuo.kernel.problem import NotPermitted, Unavailable
from denghuo.kernel.values import ApparentPower, Energy, Money, Percent, Power, Price
from denghuo.service.analytics.api import AnalyticsApi, AskScreen, AskTrend, AskValues, Figures, MetricUnknown
from denghuo.service.analytics.rules import sentence
from denghuo.service.analytics.service import AnalyticsService
from denghuo.service.host.binding import Directory, Store
from denghuo.service.point.api import Area, Feeder, Line, Node, PointApi, RegisterNetwork
from denghuo.service.point.service import PointService

NOUNS = ["permission", "customer", "billing", "ledger", "point"]
DIRECTOR = Call(actor="director", now=NOW, permits=frozenset({"analytics.read"}), scope=("1405810",))
CLERK = replace(DIRECTOR, actor="clerk", scope=("1405810.01",))
MONTH_ENERGY = DatasetSchema(
    "reading.month_energy",
    1,
    {
        "point_no": "text",
        "account_no": "text",
        "area_no": "text",
        "feeder_no": "text",
        "org": "text",
        "role": "text",
        "quantity": "text",
        "band": "text",
        "energy_wh": "int64",
        "status": "text",
    },
)
LOSS = DatasetSchema(
    "loss.area_month",
    1,
    {"area_no": "text", "org": "text", "supply_wh": "int64", "sales_wh": "int64", "loss_wh": "int64"},
)
ORGANISATIONS = [
    ("1405810", "高平市供电公司", "Gaoping", "company", None),
    ("1405810.01", "米山供电所", "Mishan", "station", "1405810"),
    ("1405810.02", "三甲供电所", "Sanjia", "station", "1405810"),
]


def account_row(serial: int, station: int, tariff_class: str = "resident") -> tuple[Any, ...]:
    number = f"58101{serial:08d}"
    return number, "户", "resident", tariff_class, "地址", f"1405810.{station:02d}", "2024-01-01", "x", NOW


def fill(connection: psycopg.Connection) -> None:
    """Two stations: 3 accounts and two paid-in-part bills in the first, 1 account and a bill in the second."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO permission.organisation (code, name, name_en, kind, parent, address, phone, from_day)"
            " VALUES (%s, %s, %s, %s, %s, '', '', '2020-01-01')",
            ORGANISATIONS,
        )
        cursor.executemany(
            "INSERT INTO customer.account (account_no, name, kind, tariff_class, address, org, opened_on, search, recorded_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [account_row(1, 1), account_row(2, 1), account_row(3, 1, "agricultural"), account_row(4, 2)],
        )
        cursor.executemany(
            "INSERT INTO billing.bill (bill_no, month, account_no, org, kind, state, contract_no, tariff_class, tariff_code,"
            " tariff_version, tariff_title, from_on, to_on, energy_wh, used_before_wh, amount_fen, estimated_days, illustrative,"
            " remarks, rated_at) VALUES (%s, '2026-04', %s, %s, %s, %s, 'C', 'resident', 't', 1, '{}', '2026-04-01',"
            " '2026-04-30', %s, 0, %s, 0, false, '[]', now())",
            [
                ("2026045810100000001101", "1", "1405810.01", "supply", "issued", 100_000, 6_170),
                ("2026045810100000002101", "2", "1405810.01", "supply", "issued", 300_000, 18_510),
                ("2026045810100000004101", "4", "1405810.02", "supply", "issued", 50_000, 3_085),
                ("2026045810100000003201", "3", "1405810.01", "purchase", "issued", 70_000, 2_450),
                ("2026045810100000005101", "5", "1405810.02", "supply", "held", 999_000, 99_900),
            ],
        )
        cursor.executemany(
            "INSERT INTO ledger.item (bill_no, account_no, org, kind, month, tariff_class, issued_on, due_on, amount_fen, paid_fen,"
            " posting_no) VALUES (%s, %s, %s, 'supply', '2026-04', 'resident', '2026-05-01', '2026-05-20', %s, %s, 1)",
            [
                ("2026045810100000001101", "1", "1405810.01", 6_170, 6_170),
                ("2026045810100000002101", "2", "1405810.01", 18_510, 0),
                ("2026045810100000004101", "4", "1405810.02", 3_085, 1_000),
            ],
        )
        connection.execute(
            "INSERT INTO billing.cycle (month, state, stage, accounts, started_at, started_by, resumed_at)"
            " VALUES ('2026-04', 'running', 'rate', 4, now(), 'x', now())"
        )
        connection.execute(
            "INSERT INTO billing.cycle_stage (month, stage, done, total) VALUES ('2026-04', 'rate', 3, 4)"
        )
        events = [
            {"type": "payment.payment.taken.v1", "data": {"org": "1405810.02", "method": "cash", "amount_fen": "1000"}},
            {"type": "payment.payment.taken.v1", "data": {"org": "1405810.01", "method": "qr", "amount_fen": "6170"}},
            # The code of another unit may begin like the first one's.
            {"type": "payment.payment.taken.v1", "data": {"org": "1405810.010", "method": "qr", "amount_fen": "1"}},
            {
                "type": "billing.bills.issued.v1",
                "data": {"month": "2026-04", "run_no": 1, "count": 3, "amount": "277.65"},
            },
        ]
        connection.execute(
            "INSERT INTO billing.journal (at, actor, operation, key, digest, subject, request, reply, events)"
            " VALUES (%s, 'x', 'billing.advance_cycle', 'k', '', 'x', '{}', '{}', %s)",
            (NOW, json.dumps(events)),
        )


def read(
    point: str, org: str, status: str, wh: int | None, role: str = "sale", area: str | None = None
) -> dict[str, Any]:
    return {
        "point_no": point,
        "account_no": None,
        "area_no": area,
        "feeder_no": None,
        "org": org,
        "role": role,
        "quantity": "active_fwd",
        "band": "total",
        "energy_wh": wh,
        "status": status,
    }


READS = [
    read("P1", "1405810.01", "valid", 100_000),
    read("P2", "1405810.01", "estimated", 300_000),
    read("P3", "1405810.01", "held", None),
    read("P4", "1405810.02", "valid", 50_000),
    read("G1", "1405810.01", "valid", 420_000, "gateway", "TG001"),
    read("G2", "1405810.02", "valid", 52_000, "gateway", "TG002"),
]
LOSSES = [
    {"area_no": "TG001", "org": "1405810.01", "supply_wh": 420_000, "sales_wh": 400_000, "loss_wh": 20_000},
    {"area_no": "TG002", "org": "1405810.02", "supply_wh": 52_000, "sales_wh": 50_000, "loss_wh": 2_000},
]


@pytest.fixture
def store(database_dsn: str, tmp_path: pathlib.Path) -> Iterator[Store]:
    with psycopg.connect(database_dsn) as connection:
        fill(connection)
    with Database(database_dsn) as database:
        datasets = Datasets(database, tmp_path / "datasets")
        datasets.publish(MONTH_ENERGY, "2026-04", "all", READS, NOW)
        datasets.publish(LOSS, "2026-04", "all", LOSSES, NOW)
        warehouse = Warehouse(database_dsn, tmp_path / "w.duckdb", datasets.folder, SOURCES, EXTERNALS)
        warehouse.open()
        warehouse.pull()
        yield Store(database, datasets, KEY, warehouse)
        warehouse.close()
    abandon(database_dsn)


def directory_of(store: Store) -> Directory:
    directory = Directory()
    directory.bind(PointApi, RecordedLocal(store, PointService, directory))
    directory.bind(AnalyticsApi, RecordedLocal(store, AnalyticsService, directory))
    return directory


@pytest.fixture(params=["local", "remote"])
def analytics(request: pytest.FixtureRequest, store: Store) -> Iterator[AnalyticsApi]:
    directory = directory_of(store)
    if request.param == "local":
        yield directory(AnalyticsApi)
    else:
        with web(directory) as client:
            api = remote(AnalyticsApi, client)
            assert isinstance(api, AnalyticsApi)
            yield api


def test_figures_of_the_month(analytics: AnalyticsApi) -> None:
    values = analytics.values(DIRECTOR, AskValues())
    assert values.month == "2026-04" and values.as_of is not None
    figures = values.figures
    assert (figures.accounts, figures.bills, figures.held) == (4, 4, None)
    assert (figures.energy_sold, figures.energy_bought) == (Energy.of("450"), Energy.of("70"))
    assert (figures.receivable, figures.received) == (Money.of("277.65"), Money.of("71.70"))
    assert figures.outstanding == Money.of("205.95")
    # 7170 of 27765 fen; 27765 fen over 450 kWh; 3 of 4 points; 22 of 472 kWh: by hand.
    assert (figures.recovery_rate, figures.average_price) == (Percent.of("25.82"), Price.of("0.617"))
    assert (figures.read_rate, figures.reads_estimated) == (Percent.of("75"), 1)
    assert figures.line_loss == Percent.of("4.66")
    assert [(row.tariff_class, row.accounts) for row in values.classes] == [("resident", 3), ("agricultural", 1)]


def test_stations_add_up_and_ratios_are_of_sums(analytics: AnalyticsApi) -> None:
    values = analytics.values(DIRECTOR, AskValues(month="2026-04"))
    assert [(row.org, row.name.zh) for row in values.stations] == [
        ("1405810.01", "米山供电所"),
        ("1405810.02", "三甲供电所"),
    ]
    sold = [row.energy_sold for row in values.stations if row.energy_sold is not None]
    assert sum(item.wh for item in sold) == 450_000
    assert values.stations[1].recovery_rate == Percent.of("32.41")


def test_a_station_sees_its_own_figures_alone(analytics: AnalyticsApi, store: Store) -> None:
    """The warehouse has no row security: the scope stands in the SQL of every figure, and here in every reply."""
    for call, ask in ((CLERK, AskValues()), (DIRECTOR, AskValues(org="1405810.01")), (CLERK, AskValues(org="1405810"))):
        values = analytics.values(call, ask)
        assert [row.org for row in values.stations] == ["1405810.01"]
        assert values.figures.accounts == 3 and values.figures.receivable == Money.of("246.80")
        assert "1405810.02" not in values.model_dump_json()
    screen = analytics.screen(CLERK, AskScreen())
    assert [area.area_no for area in screen.areas] == ["TG001"]
    assert [fact.org for fact in screen.facts] == ["1405810.01"]
    assert "1405810.02" not in screen.model_dump_json()
    assert analytics.values(CLERK, AskValues(org="1405810.02")).stations == []
    assert analytics.trend(CLERK, AskTrend(code="receivable")).rows[0].value == "246.80"
    for nobody in (replace(CLERK, scope=()), replace(DIRECTOR, scope=("",), accounts=("5810100000001",))):
        values = analytics.values(nobody, AskValues())
        assert values.stations == [] and values.figures == Figures.model_validate(dict.fromkeys(Figures.model_fields))
        assert analytics.screen(nobody, AskScreen()).facts == []
    warehouse = store.warehouse
    assert warehouse is not None
    for metric in METRICS:
        assert {part.org for part in parts_of(metric, warehouse, "2026-04", ["1405810.02"])} <= {"1405810.02"}
        assert parts_of(metric, warehouse, "2026-04", []) == []


def test_the_screen_tells_what_happened_and_how_fresh_it_is(
    analytics: AnalyticsApi, store: Store, database_dsn: str
) -> None:
    screen = analytics.screen(DIRECTOR, AskScreen())
    assert [fact.kind for fact in screen.facts].count("paid") == 3 and len(screen.facts) == 4
    assert any("277.65" in fact.text.zh and "3 张" in fact.text.zh for fact in screen.facts)
    assert screen.run is not None and (screen.run.state, screen.run.stages[0].done) == ("running", 3)
    assert screen.areas[0].loss == Percent.of("4.76") and screen.areas[0].load == Energy.of("420")
    # "reading" on a server without logical decoding: the figures are the same.
    assert screen.freshness.state in ("following", "reading") and screen.freshness.lag_ms is not None
    fresh = analytics.warehouse(DIRECTOR, Nothing())
    assert (fresh.state, fresh.as_of) == (screen.freshness.state, screen.freshness.as_of)
    with psycopg.connect(database_dsn) as connection:
        connection.execute("UPDATE ledger.item SET paid_fen = amount_fen WHERE account_no = '2'")
    assert store.warehouse is not None and store.warehouse.pull()
    assert analytics.screen(DIRECTOR, AskScreen()).values.figures.received == Money.of("256.80")


def test_the_place_is_drawn_from_the_networks_own_coordinates_and_within_scope(
    analytics: AnalyticsApi, store: Store
) -> None:
    stations = ("1405810.01", "1405810.02")
    network = RegisterNetwork(
        feeders=[Feeder(feeder_no=f"F{n}", name=f"{n}线", org=org, voltage_kv="20") for n, org in enumerate(stations)],
        nodes=[
            Node(node_no="N0", kind="substation", x_m=0, y_m=0),
            Node(node_no="N1", kind="area", feeder_no="F0", x_m=100, y_m=-20),
            Node(node_no="N2", kind="area", feeder_no="F1", x_m=-50, y_m=300),
        ],
        lines=[Line(line_no="L1", feeder_no="F0", from_node_no="N0", to_node_no="N1", length_m=102)],
        areas=[
            Area(
                area_no=f"TG00{n + 1}",
                name=f"{n}台区",
                org=org,
                feeder_no=f"F{n}",
                transformer_kva=ApparentPower.of("100"),
                no_load_loss_kw=Power.of("0.3"),
                node_no=f"N{n + 1}",
                x_m=100 * n,
                y_m=5,
            )
            for n, org in enumerate(stations)
        ],
    )
    taken = directory_of(store)(PointApi).register_network(Call.system(NOW), network)
    assert taken.areas.taken == 2
    place = analytics.place(DIRECTOR, Nothing())
    assert [(area.area_no, area.x_m) for area in place.areas] == [("TG001", 0), ("TG002", 100)]
    assert {node.kind for node in place.nodes} == {"substation", "area"} and len(place.lines) == 1
    assert next((unit.org, unit.kind) for unit in place.stations) == ("1405810", "company")
    own = analytics.place(CLERK, Nothing())
    assert [area.area_no for area in own.areas] == ["TG001"]
    assert [unit.org for unit in own.stations] == ["1405810.01"] and "1405810.02" not in own.model_dump_json()


def test_an_empty_company_has_no_figures_and_no_failure(database_dsn: str, tmp_path: pathlib.Path) -> None:
    with Database(database_dsn) as database:
        warehouse = Warehouse(database_dsn, tmp_path / "w.duckdb", tmp_path, SOURCES, EXTERNALS)
        warehouse.open()
        store = Store(database, Datasets(database, tmp_path), KEY, warehouse)
        analytics = directory_of(store)(AnalyticsApi)
        before = analytics.screen(DIRECTOR, AskScreen())
        assert before.freshness.state == "starting" and before.freshness.as_of is None
        warehouse.pull()
        screen = analytics.screen(DIRECTOR, AskScreen())
        assert screen.values.month is None and screen.values.figures.receivable is None and screen.run is None
        warehouse.close()
        without = directory_of(replace(store, warehouse=None))(AnalyticsApi)
        with pytest.raises(Unavailable):
            without.screen(DIRECTOR, AskScreen())
    abandon(database_dsn)


def test_the_catalogue_says_all_of_each_metric(analytics: AnalyticsApi) -> None:
    rows = analytics.metrics(DIRECTOR, Nothing()).rows
    assert [row.code for row in rows] == list(BY_CODE)
    for row in rows:
        assert row.name.zh and row.name.en and row.meaning.zh and row.formula and row.sources
    with pytest.raises(MetricUnknown):
        analytics.trend(DIRECTOR, AskTrend(code="no_such"))
    with pytest.raises(NotPermitted):
        analytics.metrics(replace(DIRECTOR, permits=frozenset()), Nothing())


def test_the_reply_names_each_plain_metric_as_the_catalogue_does() -> None:
    assert set(Figures.model_fields) == {metric.code for metric in PLAIN}
    schema = Figures.model_json_schema(mode="serialization")["properties"]
    units = {"money": "money", "energy": "energy", "percent": "percent", "price": "price"}
    for metric in PLAIN:
        field = schema[metric.code]
        assert field["x-label"] == dict(metric.name), metric.code
        kinds = {item.get("format") for item in field["anyOf"]}
        assert kinds == {units.get(metric.unit), None}, metric.code


numbers = st.integers(-(2**62), 2**62)


@given(st.lists(st.tuples(numbers, st.integers(0, 2**62)), max_size=6))
def test_a_total_never_depends_on_how_the_parts_are_cut(pairs: list[tuple[int, int]]) -> None:
    metric = BY_CODE["recovery_rate"]
    parts = [Parts("a", "", value, whole) for value, whole in pairs]
    merged = [Parts("a", "", sum(v for v, _ in pairs), sum(w for _, w in pairs))] if pairs else []
    assert total(metric, parts) == total(metric, merged)


@given(st.integers(0, 10**12), st.integers(1, 10**12))
def test_average_price_is_the_nearest(fen: int, wh: int) -> None:
    price = average_price(fen, wh)
    assert price is not None and price.number % 10_000 == 0
    assert abs(price.number // 10_000 * wh - fen * 100_000) * 2 <= wh


@given(st.dictionaries(st.text(max_size=8), st.one_of(st.integers(), st.text(max_size=20), st.none())))
def test_no_event_breaks_the_ticker(data: dict[str, Any]) -> None:
    for kind in ("billing.bills.issued.v1", "ledger.bills.posted.v1", "payment.payment.taken.v1", "unknown.v9"):
        said = sentence(kind, data, "某所", "A station")
        assert said is None or said[1].zh
