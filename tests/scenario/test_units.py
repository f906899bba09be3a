"""A month that begins by its reads: the station is billed when they are there, but for one meter whose last register comes later;
that account alone follows, and the month's run closes what is left without touching what was issued."""

import pathlib
from collections.abc import Iterator
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from tests.databases import database
from tests.scenario.county import part_of_county
from tests.service.bindings import clock, local, settle

from denghuo.data.processing.database import Database
from denghuo.importer import take_over
from denghuo.kernel.contract import Call
from denghuo.kernel.period import SHANGHAI
from denghuo.main.composition import SERVICES
from denghuo.service.billing.api import (
    AskUnitBoard,
    BillingApi,
    CycleRef,
    FindBills,
    FindExceptions,
    SetAutoStart,
    StartCycle,
    UnitBoard,
)
from denghuo.service.host.binding import Directory
from denghuo.service.ledger.api import AskProof, LedgerApi
from denghuo.service.tariff.api import LoadPublished, TariffApi

MONTH = "2026-04"
AREAS = ("TG001", "TG063")
LATE = "M00001"
LAST = datetime(2026, 5, 1, tzinfo=SHANGHAI)


def call(actor: str = "operator") -> Call:
    return Call.system(clock(), actor=actor)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[pathlib.Path, pathlib.Path]:
    """The part of the county as it comes first, without the last register of one meter, and as it is whole."""
    folder = tmp_path_factory.mktemp("units")
    first, whole = part_of_county(folder / "first", AREAS), part_of_county(folder / "whole", AREAS)
    table = pq.read_table(first / "register_reads.parquet")
    late = pc.and_(
        pc.equal(table["meter_no"], LATE), pc.equal(table["read_at"], pa.scalar(LAST, table["read_at"].type))
    )
    assert pc.sum(late).as_py() == 1
    pq.write_table(table.filter(pc.invert(late)), first / "register_reads.parquet")
    return first, whole


@pytest.fixture
def found(postgres_dsn: str, template: str, tmp_path: pathlib.Path) -> Iterator[Directory]:
    with database(postgres_dsn, template) as dsn, Database(dsn) as held:
        yield local(held, tmp_path, SERVICES)


def imported(found: Directory, folder: pathlib.Path) -> None:
    datasets = found.hosted["billing"].store.datasets
    assert take_over(folder, found, call(), datasets=datasets, say=lambda line: None).exit_code == 0
    settle(found)


def board(found: Directory) -> UnitBoard:
    return found(BillingApi).unit_board(call(), AskUnitBoard(month=MONTH))


def bills(found: Directory) -> dict[str, str]:
    rows = found(BillingApi).bills(call(), FindBills(month=MONTH, state="issued", limit=200)).rows
    return {row.bill_no: str(row.amount) for row in rows}


@pytest.mark.scope("B05-01")
def test_a_station_is_billed_when_its_reads_are_there_and_a_late_meter_follows_alone(
    found: Directory, folders: tuple[pathlib.Path, pathlib.Path]
) -> None:
    found(TariffApi).load_published(call(), LoadPublished())
    found(BillingApi).set_auto_start(call(), SetAutoStart(on=True, share=90, reason="按抄表进度核算"))
    imported(found, folders[0])
    shown = board(found)
    late = [row for row in shown.rows if row.waiting]
    assert shown.auto_start and len(late) == 1 and late[0].waiting == 1
    assert late[0].due - late[0].read == 1 and late[0].state == "blocked"
    assert {row.state for row in shown.rows if row.due} <= {"issued", "blocked"}
    (awaited,) = found(BillingApi).exceptions(call(), FindExceptions(month=MONTH, code="read_awaited")).rows
    first = bills(found)
    assert first and shown.issued == len(first)
    assert not any(awaited.account_no in bill_no for bill_no in first)

    imported(found, folders[1])
    second = bills(found)
    added = second.keys() - first.keys()
    assert {number: second[number] for number in first} == first
    assert added and all(awaited.account_no in number for number in added)
    assert board(found).waiting == 0

    found(BillingApi).start_cycle(call(), StartCycle(month=MONTH))
    settle(found)
    assert found(BillingApi).cycle(call(), CycleRef(month=MONTH)).state == "done"
    third = bills(found)
    assert {number: third[number] for number in second} == second
    assert found(LedgerApi).proof(call(), AskProof()).agrees
