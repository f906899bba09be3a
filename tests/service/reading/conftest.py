"""Reading bound in this process and through HTTP, above a point service that knows given installations."""

import pathlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from denghuo.data.analysis.lake import Lake
from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.kernel.contract import Call, DatasetSchema
from denghuo.service.contract.api import ContractApi
from denghuo.service.customer.api import CustomerApi
from denghuo.service.host.binding import Directory
from denghuo.service.notice.api import NoticeApi
from denghuo.service.notice.service import NoticeService
from denghuo.service.permission.api import PermissionApi
from denghuo.service.point.api import PointApi
from denghuo.service.reading.api import (
    CURVE_INTAKE,
    MONTH_ENERGY,
    REGISTER_INTAKE,
    FindReads,
    Intake,
    MonthRead,
    MonthReadRow,
    MonthRef,
    ReadingApi,
    Received,
)
from denghuo.service.reading.service import ReadingService
from tests.service.bindings import NOW, local, remote, web
from tests.service.reading.county import MONTH, contracts_of, customers_of, points_of, staff_of


@dataclass
class Bench:
    """A reading service with its data plane, and the shortest words for what tests do with it."""

    api: ReadingApi
    datasets: Datasets
    database: Database
    directory: Directory
    calls: int = 0

    def call(self) -> Call:
        """The platform itself, a second later each time."""
        self.calls += 1
        return Call.system(NOW + timedelta(seconds=self.calls))

    @property
    def lake(self) -> Lake:
        return self.directory.hosted["reading"].store.lake

    def intake(self, schema: DatasetSchema, *tables: pa.Table) -> Intake:
        return Intake(rows=self.datasets.publish(schema, MONTH, "all", pa.concat_tables(tables), self.call().now))

    def receive(self, *tables: pa.Table) -> Received:
        return self.api.receive_registers(self.call(), self.intake(REGISTER_INTAKE, *tables))

    def receive_curves(self, *tables: pa.Table) -> Received:
        return self.api.receive_curves(self.call(), self.intake(CURVE_INTAKE, *tables))

    def run(self, month: str = MONTH) -> MonthRead:
        return self.api.read_month(self.call(), MonthRef(month=month))

    def reads(self, **filters: Any) -> list[MonthReadRow]:
        return self.api.reads(self.call(), FindReads(month=MONTH, limit=200, **filters)).rows

    def one(self, **filters: Any) -> MonthReadRow:
        (row,) = self.reads(**filters)
        return row

    def energy(self, month: str = MONTH) -> dict[tuple[str, int, str], dict[str, Any]]:
        """The newest dataset of a month by (point, piece, quantity)."""
        rows = self.datasets.scan(self.datasets.newest(MONTH_ENERGY.name, month)).to_pylist()
        return {(row["point_no"], row["piece"], row["quantity"]): row for row in rows}


Make = Callable[..., Bench]


@pytest.fixture(params=["local", "remote"])
def bench(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[Make]:
    """Makes a bench over the given installations, once through each binding."""
    with ExitStack() as stack:
        database = stack.enter_context(Database(database_dsn))

        def make(installations: Sequence[dict[str, Any]], terms: Sequence[dict[str, Any]] = ()) -> Bench:
            staff = staff_of({"reader": ["reading.field"], "substitute": ["reading.field"], "clerk": ["reading.read"]})
            beside = {
                PointApi: points_of(installations),
                ContractApi: contracts_of(terms),
                PermissionApi: staff,
                NoticeApi: NoticeService,
                CustomerApi: customers_of({one["account_no"] for one in installations if one["account_no"]}),
            }
            directory = local(database, tmp_path, {**beside, ReadingApi: ReadingService})
            api = directory(ReadingApi)
            if request.param == "remote":
                client = stack.enter_context(web(directory))
                client.timeout = 60
                bound = remote(ReadingApi, client)
                assert isinstance(bound, ReadingApi)
                api = bound
            return Bench(api, Datasets(database, tmp_path), database, directory)

        yield make


def later(days: int) -> datetime:
    return NOW + timedelta(days=days)
