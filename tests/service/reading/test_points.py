"""Reading above the real archive: accounts, meters and points as they are registered, a meter exchanged, the month read."""

import pathlib
from collections.abc import Iterator

import pyarrow as pa
import pytest

from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.kernel.values import Energy, Multiplier, Power, Register
from denghuo.service.asset.api import AssetApi, RegisterMeters
from denghuo.service.asset.service import AssetService
from denghuo.service.customer.api import CustomerApi, OpenAccounts
from denghuo.service.customer.service import CustomerService
from denghuo.service.host.binding import Ask
from denghuo.service.point.api import Exchange, ExchangeMeters, PointApi, RegisterPoints
from denghuo.service.point.service import PointService
from denghuo.service.reading.api import REGISTER_INTAKE, AccountMonth, FindReads, Intake, MonthRef, ReadingApi
from denghuo.service.reading.service import ReadingService
from tests.service.reading.county import MONTH, month_of, steady
from tests.service.records import OPERATOR, account, at, held, meter, network, number, point

SERVICES = {CustomerApi: CustomerService, AssetApi: AssetService, PointApi: PointService, ReadingApi: ReadingService}


@pytest.fixture(params=["local", "remote"])
def ask(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[Ask]:
    yield from held(request.param, database_dsn, tmp_path, SERVICES)


def test_exchange_in_the_archive_cuts_the_month(ask: Ask, database_dsn: str, tmp_path: pathlib.Path) -> None:
    ask(PointApi).register_network(OPERATOR, network())
    ask(CustomerApi).open_accounts(OPERATOR, OpenAccounts(accounts=[account(1)]))
    ask(AssetApi).register_meters(OPERATOR, RegisterMeters(meters=[meter(1), meter(2, installed_on=at(17).date())]))
    export = point(1, point_no="P2", role="export", direction="rev", pv_kw=Power(19_000))
    ask(PointApi).register_points(OPERATOR, RegisterPoints(points=[point(1), export]))
    exchange = Exchange(
        point_no=point(1).point_no,
        old_meter_no="M00001",
        new_meter_no="M00002",
        exchanged_at=at(17, 9),
        old_final_fwd=Register(1_820_000),
        new_start_fwd=Register(0),
        new_multiplier=Multiplier(30),
    )
    assert ask(PointApi).exchange_meters(OPERATOR, ExchangeMeters(exchanges=[exchange])).taken == 1
    table = pa.concat_tables(
        [
            month_of("M00001", steady()[:17]),
            month_of("M00001", steady(0, 1_000)[:17], "active_rev"),
            month_of("M00002", {day: (day - 17) * 5_000 for day in range(18, 32)}),
            # Before it was put in, and after the old one was taken away.
            month_of("M00002", {17: 0}),
            month_of("M00001", {18: 1_850_000}),
        ]
    )
    reading = ask(ReadingApi)
    with Database(database_dsn) as database:
        intake = Intake(rows=Datasets(database, tmp_path).publish(REGISTER_INTAKE, MONTH, "all", table, OPERATOR.now))
    received = reading.receive_registers(OPERATOR, intake)
    assert [(row.subject, row.code) for row in received.refused_rows] == [
        ("M00002", "not_installed"),
        ("M00001", "not_installed"),
    ]
    run = reading.read_month(OPERATOR, MonthRef(month=MONTH))
    assert (run.points, run.rows, run.held) == (2, 4, 2)
    sale = reading.reads(OPERATOR, FindReads(month=MONTH, point_no=point(1).point_no)).rows
    assert [(row.meter_no, row.multiplier.number, row.energy, row.rule) for row in sale] == [
        ("M00001", 1, Energy(82_000), "exchange"),
        ("M00002", 30, Energy(210_000), "exchange"),
    ]
    # Nobody noted the reverse registers of the exchange: nothing is made up for them.
    feed = [
        row for row in reading.account_reads(OPERATOR, AccountMonth(account_no=number(1))).rows if row.point_no == "P2"
    ]
    assert [(row.status, row.rule, row.energy) for row in feed] == [
        ("held", "exchange_no_final", None),
        ("held", "no_start", None),
    ]
