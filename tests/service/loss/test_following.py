"""Loss follows what becomes known of a month: once for many corrections, with the newest of them, and with one that comes
meanwhile."""

import pathlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta

import psycopg
import pytest
from tests.service.bindings import NOW, clock, local, remote, web
from tests.service.loss.test_loss import MONTH, SERVICES, read, row
from tests.service.records import OPERATOR, network

from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.values import Energy
from denghuo.service.host.binding import Ask, Directory
from denghuo.service.host.jobs import InlineJobs
from denghuo.service.host.relay import JOBS, Relay
from denghuo.service.loss.api import AreaMonth, AreaNotComputed, LossApi, MonthRef
from denghuo.service.loss.store import PATIENCE
from denghuo.service.point.api import PointApi
from denghuo.service.reading import api as reading
from denghuo.service.reading.api import ReadingApi


class Readings(ReadingApi):
    """Says that the month's energy was corrected, as often as it is asked to publish it."""

    def __init__(self, work: Work, ask: Ask) -> None:
        self._work = work

    def publish_energy(self, call: Call, request: reading.MonthRef) -> reading.EnergyPublished:
        self._work.emit(reading.EnergyCorrected(month=request.month))
        return reading.EnergyPublished(month=request.month, published=True)


@dataclass
class County:
    """An area that was supplied 100 kWh, the loss service as the binding holds it, and the jobs that wait."""

    directory: Directory
    loss: LossApi
    dsn: str
    folder: pathlib.Path
    jobs: InlineJobs = field(default_factory=InlineJobs)

    def correct(self, *sold_wh: int) -> None:
        """The dataset of the month with what was sold, and the event behind it, delivered: one after the other."""
        for wh in sold_wh:
            read(self.dsn, self.folder, row("G1", "gateway", 100_000), row("S1", "sale", wh))
            self.tell()

    def tell(self, later: timedelta = timedelta(0)) -> None:
        self.directory(ReadingApi).publish_energy(OPERATOR, reading.MonthRef(month=MONTH))
        relay = Relay(self.directory, self.directory.hosted["loss"].store, self.jobs, lambda: clock() + later)
        for consumer in ("loss", JOBS):
            relay.round(consumer)

    def work(self) -> None:
        self.jobs.drain(self.directory, clock)

    def lost(self) -> Energy | None:
        return self.loss.area(OPERATOR, AreaMonth(area_no="TG1", month=MONTH)).loss

    def count(self, what: str) -> int:
        """How often a job was ordered, or an event told."""
        with psycopg.connect(self.dsn) as connection:
            query = (
                "SELECT count(*) FROM loss.journal, jsonb_array_elements(events) e WHERE %s IN (e->>'job', e->>'type')"
            )
            found = connection.execute(query, (what,)).fetchone()
        assert found is not None
        return int(found[0])

    def done(self) -> tuple[int, int]:
        """Jobs ordered, and computations."""
        return self.count("loss.compute_due"), self.count("loss.month.computed.v1")


@pytest.fixture(params=["local", "remote"])
def county(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[County]:
    with ExitStack() as stack:
        database = stack.enter_context(Database(database_dsn))
        directory = local(database, tmp_path, {**SERVICES, ReadingApi: Readings})
        loss = directory(LossApi)
        if request.param == "remote":
            loss = remote(LossApi, stack.enter_context(web(directory)))  # type: ignore[assignment]
        directory(PointApi).register_network(OPERATOR, network())
        yield County(directory, loss, database_dsn, tmp_path)


def test_many_corrections_are_computed_once_with_the_last(county: County) -> None:
    county.correct(90_000, 91_000, 92_000, 93_000)
    county.work()
    assert county.lost() == Energy(7_000) and county.done() == (1, 1)
    assert not county.loss.compute_due(OPERATOR, MonthRef(month=MONTH)).computed
    county.correct(95_000)
    assert county.loss.compute_due(OPERATOR, MonthRef(month=MONTH)).computed
    # The job finds its work done.
    county.work()
    assert county.lost() == Energy(5_000) and county.done() == (2, 2)


def test_a_correction_that_comes_while_the_month_is_computed_is_not_lost(county: County) -> None:
    county.correct(90_000)
    with psycopg.connect(county.dsn) as other, ThreadPoolExecutor(1) as worker:
        # The computation has taken its dataset and may not write yet.
        other.execute("LOCK TABLE loss.area_month IN SHARE MODE")
        working = worker.submit(county.work)
        end = time.monotonic() + 60
        while not _waits(other):
            assert time.monotonic() < end and not working.done()
        county.correct(91_000, 92_000)
        other.rollback()
        working.result()
    assert county.lost() == Energy(8_000) and county.done() == (1, 2)


def test_who_computes_by_hand_answers_what_was_asked_before(county: County) -> None:
    county.correct(90_000)
    county.loss.compute(OPERATOR, MonthRef(month=MONTH))
    county.work()
    assert county.lost() == Energy(10_000) and county.done() == (1, 1)
    county.correct(91_000)
    county.work()
    assert county.lost() == Energy(9_000) and county.done() == (2, 2)


def test_a_job_that_failed_for_good_does_not_keep_a_month_from_being_computed(county: County) -> None:
    county.correct(90_000)
    county.jobs = InlineJobs()
    county.correct(91_000)
    county.work()
    assert county.done() == (1, 0)
    county.tell(later=PATIENCE + timedelta(minutes=1))
    county.work()
    assert county.lost() == Energy(9_000) and county.done() == (2, 1)


def test_of_a_month_that_was_not_read_nothing_is_ordered(county: County) -> None:
    county.tell()
    county.work()
    assert county.done() == (0, 0)
    with pytest.raises(AreaNotComputed):
        county.lost()


def test_the_last_computation_is_the_newest_whatever_the_clock_of_its_caller(county: County) -> None:
    county.correct(90_000)
    county.loss.compute(replace(OPERATOR, now=NOW + timedelta(hours=1)), MonthRef(month=MONTH))
    county.correct(91_000)
    last = county.loss.compute(OPERATOR, MonthRef(month=MONTH))
    assert last.as_of > NOW + timedelta(hours=1)
    with Database(county.dsn) as database:
        assert Datasets(database, county.folder).newest("loss.area_month", MONTH) == [last.areas_month]


def _waits(connection: psycopg.Connection) -> bool:
    found = connection.execute("SELECT FROM pg_locks WHERE relation = 'loss.area_month'::regclass AND NOT granted")
    return found.fetchone() is not None
