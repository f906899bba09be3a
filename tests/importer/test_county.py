"""The demo county taken over as a whole: once, and once more; and what loss finds in it after the month was read."""

import pathlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from tests.databases import database
from tests.service.bindings import local

from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.importer import Report, take_over
from denghuo.kernel.contract import Call
from denghuo.main.composition import SERVICES, now
from denghuo.service.customer.api import CustomerApi, FindAccounts
from denghuo.service.host.binding import Directory
from denghuo.service.loss.api import AreaMonth, FindAreas, FindFeeders, LossApi, MonthRef
from denghuo.service.point.api import FindExchanges, PointApi
from denghuo.service.reading import api as reading

DATA = pathlib.Path(__file__).parents[2] / "examples" / "gaoping" / "data"
MONTH = "2026-04"


@dataclass
class County:
    directory: Directory
    datasets: Datasets
    call: Call
    first: Report
    said: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def county(postgres_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[County]:
    folder = tmp_path_factory.mktemp("county")
    with database(postgres_dsn, template) as dsn, Database(dsn) as held:
        datasets = Datasets(held, folder)
        directory = local(held, folder, SERVICES)
        call, said = Call.system(now()), []
        first = take_over(DATA, directory, call, datasets=datasets, say=said.append)
        yield County(directory, datasets, call, first, said)


def test_everything_is_taken_and_every_total_agrees(county: County) -> None:
    report = county.first
    assert (report.exit_code, report.refused, report.unusable) == (0, 0, [])
    counts = {table.name: (table.read, table.taken, table.stored) for table in report.tables}
    assert counts["customers"] == (7061, 7061, 7061)
    assert counts["meters"] == (7150, 7150, 7150)
    assert counts["contracts"] == (7357, 7357, 7357)
    assert counts["points"] == (7444, 7444, 7444)
    assert counts["meter_exchanges"] == (2, 2, 2)
    assert counts["debit_agreements"] == (4131, 4131, 4131)
    assert (counts["terminals"], counts["terminal_meters"]) == ((116, 116, 116), (7148, 7148, 7148))
    assert counts["register_reads"] == (221_330, 442_660, 442_660)
    assert counts["gateway_15min"][1] == 3 * 227_520 and counts["voltages"][1] == 61_824
    assert len(counts) == 16 and all(total.agrees for total in report.totals) and len(report.totals) == 22
    assert any("register_reads.parquet fwd_kwh" in line and "一致" in line for line in county.said)
    exchanges = county.directory(PointApi).find_exchanges(county.call, FindExchanges(month=MONTH))
    assert [row.old_meter_no for row in exchanges.rows] == ["M04967", "M02010"]


def test_a_second_import_changes_nothing(county: County) -> None:
    report = take_over(DATA, county.directory, county.call, datasets=county.datasets, say=lambda line: None)
    assert (report.exit_code, sum(table.taken for table in report.tables)) == (0, 0)
    assert {table.name: table.stored for table in report.tables} == {t.name: t.stored for t in county.first.tables}


@pytest.mark.parametrize(
    ("keyword", "known"), [("米西村", True), ("linqingjuan", True), ("58101000", True), ("不存在的人", False)]
)
def test_search_over_the_county_finds_by_address_spelling_and_number(county: County, keyword: str, known: bool) -> None:
    found = county.directory(CustomerApi).find_accounts(county.call, FindAccounts(keyword=keyword))
    assert bool(found.rows) is bool(found.total) is known


def test_the_outliers_of_the_month_stand_out(county: County) -> None:
    month = reading.MonthRef(month=MONTH)
    county.directory(reading.ReadingApi).plan_month(county.call, month)
    county.directory(reading.ReadingApi).read_month(county.call, month)
    loss = county.directory(LossApi)
    loss.compute(county.call, MonthRef(month=MONTH))
    rows = loss.areas(county.call, FindAreas(month=MONTH, limit=200)).rows
    assert len(rows) == 79
    assert [row.area_no for row in rows[:5]] == ["TG063", "TG064", "TG013", "TG041", "TG033"]
    flags = {row.area_no: [flag.code for flag in row.flags] for row in rows if row.flags}
    assert flags == {
        "TG063": ["high", "held_members"],
        "TG064": ["high"],
        "TG013": ["high", "held_members"],
        "TG041": ["high"],
        "TG033": ["high"],
        "TG012": ["negative"],
        "TG024": ["negative"],
        "TG077": ["ratio", "negative"],
    }
    ratio = loss.area(county.call, AreaMonth(area_no="TG077", month=MONTH))
    assert "150" in ratio.flags[0].reason.zh and "200" in ratio.flags[0].reason.zh
    assert ratio.members[0].role == "gateway" and len(ratio.members) == ratio.sale_points + 2 + sum(
        one.side == "generation" for one in ratio.members
    )
    feeders = loss.feeders(county.call, FindFeeders(month=MONTH)).rows
    assert len(feeders) == 8 and all(row.rate is not None and 0 < row.rate.number < 1_000 for row in feeders)
