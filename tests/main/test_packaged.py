"""A DSN in the settings: the whole month over a packaged PostgreSQL with an ordinary role."""

import pathlib

import pytest
from tests.packaged import packaged_binaries, packaged_server
from tests.scenario.books import AREAS, run_month
from tests.scenario.county import part_of_county

from denghuo.main.composition import platform
from denghuo.settings import load


@pytest.mark.skipif(packaged_binaries() is None, reason="no packaged PostgreSQL (make test installs it where it may)")
def test_a_month_over_a_packaged_server(tmp_path: pathlib.Path) -> None:
    binaries = packaged_binaries()
    assert binaries is not None
    county = part_of_county(tmp_path / "county", AREAS)
    folder = tmp_path / "server"
    folder.mkdir()
    with packaged_server(folder, binaries) as dsn:
        loaded = load(None, {"DENGHUO_DSN": dsn}, {"data": str(tmp_path / "data")})
        with platform(loaded, serving=True) as running, running.working():
            month = run_month(running, county)
            warehouse = running.store.warehouse
            assert warehouse is not None
            assert warehouse.status().state == "reading"
    assert not (tmp_path / "data" / "postgres").exists()
    assert month["balanced"]
    assert month["total"] > 100
