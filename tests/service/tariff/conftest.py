"""The tariff service through both bindings, and the persons of its tests."""

import pathlib
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest
from tests.service.bindings import NOW, local, remote, web

from denghuo.data.processing.database import Database
from denghuo.kernel.contract import Call
from denghuo.service.billing.rules import example_faults
from denghuo.service.tariff.api import TariffApi
from denghuo.service.tariff.service import TariffService

CLERK = Call(actor="clerk", now=NOW, permits=frozenset({"tariff.read", "tariff.draft"}), scope=("1405810",))
APPROVER = Call(actor="approver", now=NOW, permits=frozenset({"tariff.*"}), scope=("1405810",))
STATION = replace(APPROVER, actor="station", scope=("1405810.01",))


@pytest.fixture(params=["local", "remote"])
def api(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[TariffApi]:
    with Database(database_dsn) as database:
        directory = local(database, tmp_path, {TariffApi: partial(TariffService, examine=example_faults)})
        if request.param == "local":
            yield directory(TariffApi)
        else:
            with web(directory) as client:
                held = remote(TariffApi, client)
                assert isinstance(held, TariffApi)
                yield held
