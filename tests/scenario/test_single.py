"""One account by itself: accounts of every shape in a part of the demo county get the rows, terms and drafts that the month's
datasets give them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import pytest
from tests.databases import database
from tests.scenario.county import part_of_county
from tests.service.billing.both_ways import drafts_of, inputs_of_month, said
from tests.service.bindings import NOW, local, settle

from denghuo.data.processing.database import Database
from denghuo.importer import take_over
from denghuo.kernel.contract import Call
from denghuo.kernel.period import Month
from denghuo.main.composition import SERVICES
from denghuo.service.billing.api import BillingApi, StartCycle
from denghuo.service.billing.batch import Entry
from denghuo.service.billing.cycle import tariffs_of
from denghuo.service.billing.single import AccountMonths
from denghuo.service.host.binding import Directory
from denghuo.service.reading.api import MonthRef, ReadingApi
from denghuo.service.tariff.api import LoadPublished, TariffApi

MONTH = "2026-04"
AREAS = ("TG001", "TG057", "TG063")
"""Farms, residents, business, solar of both kinds, and a meter that was exchanged within the month."""
CALL = Call.system(NOW)
EACH = 8
"""Accounts of a shape."""


@pytest.fixture(scope="module")
def found(postgres_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    folder = tmp_path_factory.mktemp("single")
    county = part_of_county(folder / "county", AREAS)
    with database(postgres_dsn, template) as dsn, Database(dsn) as held:
        directory = local(held, folder, SERVICES)
        datasets = directory.hosted["billing"].store.datasets
        assert take_over(county, directory, CALL, datasets=datasets, say=lambda line: None).exit_code == 0
        directory(TariffApi).load_published(CALL, LoadPublished())
        directory(BillingApi).start_cycle(CALL, StartCycle(month=MONTH))
        settle(directory)
        yield directory


def shape(entries: Sequence[Entry]) -> tuple[object, ...]:
    """What of an account decides on its way through the services."""
    return tuple(
        (
            entry.kind,
            tuple((one.tariff_class, one.settlement_mode) for one in entry.terms),
            frozenset((piece.role, piece.quantity, piece.piece, piece.status, piece.method) for piece in entry.pieces),
        )
        for entry in entries
    )


def test_an_account_alone_is_what_it_is_among_all(found: Directory) -> None:
    inputs, tariffs = inputs_of_month(found, MONTH), tariffs_of(found, CALL, Month.of(MONTH))
    by_shape = defaultdict[tuple[object, ...], list[str]](list)
    for number in dict.fromkeys(entry.account_no for entry in inputs.entries):
        by_shape[shape(inputs.of(number))].append(number)
    numbers = [number for alike in by_shape.values() for number in alike[:EACH]]
    assert len(by_shape) >= 8 and len(numbers) > 24
    among_all = drafts_of(found, MONTH, inputs.entries, inputs.of, tariffs)
    for number in numbers:
        alone = AccountMonths(found, CALL, Month.of(MONTH), tariffs)
        assert [said(entry) for entry in alone.of(number)] == [said(entry) for entry in inputs.of(number)]
        for key, outcome in drafts_of(found, MONTH, alone.of(number), alone.of, tariffs).items():
            assert outcome == among_all[key]


def test_what_was_read_alone_changed_nothing_of_the_month(found: Directory) -> None:
    before = found(ReadingApi).read_month(CALL, MonthRef(month=MONTH))
    assert before.changed == 0
    tariffs = tariffs_of(found, CALL, Month.of(MONTH))
    for entry in inputs_of_month(found, MONTH).entries[:20]:
        AccountMonths(found, CALL, Month.of(MONTH), tariffs).of(entry.account_no)
    settle(found)
    after = found(ReadingApi).read_month(CALL, MonthRef(month=MONTH))
    assert (after.changed, after.energy) == (0, before.energy)
