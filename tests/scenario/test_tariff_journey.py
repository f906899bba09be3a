"""A tariff from the published document to the bill: written as a file, refused for a gap and for an example that comes out
otherwise, compared in words, tried on everybody, published by a second person, the price of the next month's bills and cited on
their lines; the month before stays as it was billed.
"""

import base64
import pathlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from tests.service.billing.county import (
    ACCOUNTANT,
    MONTH,
    OPERATOR,
    OTHER_PERSON,
    County,
    Supply,
    county,
    daily,
    settle_county,
    take_registers,
    tariff,
)

from denghuo.kernel.values import Money
from denghuo.main.composition import SERVICES
from denghuo.service.billing.api import (
    BillRef,
    FindBills,
    PopulationRunRef,
    ReplayMonth,
    StartCycle,
    StartPopulationRun,
    TryOnAll,
)
from denghuo.service.tariff.api import (
    CheckTariff,
    CompareTariffs,
    DraftTariff,
    InForce,
    SamePerson,
    TariffApi,
    TariffFaulty,
    TariffRef,
    TariffVersion,
)

CODE = "test.resident"
NEXT = "2026-05"
HOUSES = [Supply(serial, 1 + serial % 2, daily(serial), contract_kw=20) for serial in (3, 6, 9)]
LATER = timedelta(days=31)
NEW = "测价〔2026〕7号"


@pytest.fixture
def found(database_dsn: str, tmp_path: pathlib.Path) -> Iterator[County]:
    with county("local", database_dsn, tmp_path, {TariffApi: SERVICES[TariffApi]}) as made:
        settle_county(made, HOUSES, [tariff(CODE, "energy", "0.6")])
        yield made


def written(found: County, *changes: tuple[str, str]) -> str:
    """The file of the version in force, changed as one would in an editor."""
    text = base64.b64decode(found.ask(TariffApi).tariff_file(OPERATOR, TariffRef(code=CODE)).content).decode()
    for old, new in changes:
        assert old in text, text
        text = text.replace(old, new)
    return text


def example(total: str) -> str:
    return f"""
examples:
- title: 百度
  month: '2026-05'
  voltage: '0.22'
  quantities: [{{value: '100'}}]
  lines: [{{code: energy, amount: '{total}'}}]
  total: '{total}'
"""


@pytest.mark.scope("X-22")
def test_a_published_document_becomes_the_price_of_the_next_bill(found: County) -> None:
    tariffs, billing = found.ask(TariffApi), found.billing
    changed = [("price: '0.6000'", "price: '0.6500'"), ("测价〔2026〕1号", NEW), ("2024-01-01", "2026-05-01")]

    gap = "\nseasons:\n- title: {zh: 全年, en: all year}\n  bands: [{band: flat, windows: [{start: '06:00', end: '22:00'}]}]\n"
    refused = tariffs.check(OPERATOR, CheckTariff(text=written(found, *changed) + gap))
    assert not refused.publishable
    assert any("22:00" in one.message.zh and "06:00" in one.message.en for one in refused.findings), refused.findings

    wrong = tariffs.draft(OPERATOR, DraftTariff(text=written(found, *changed) + example("64.99")))
    assert not wrong.publishable and "65.00" in wrong.findings[0].message.zh
    with pytest.raises(TariffFaulty):
        tariffs.publish(OTHER_PERSON, TariffVersion(code=CODE, version=wrong.version))

    draft = tariffs.draft(OPERATOR, DraftTariff(text=written(found, *changed) + example("65.00")))
    assert draft.publishable and draft.version == wrong.version, "the open draft was replaced"
    said = [
        row.sentence.zh for row in tariffs.compare(OPERATOR, CompareTariffs(code=CODE, version=1, other_version=2)).rows
    ]
    assert any("由 0.6000 涨至 0.6500，涨 0.0500 元（8.33%）" in one for one in said), said
    assert any(NEW in one for one in said)

    # The draft is tried on everybody's month, at once and as a run, while the old price is the one that bills.
    billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    found.settle()
    tried = billing.try_on_all(ACCOUNTANT, TryOnAll(month=MONTH, code=CODE, version=draft.version))
    used = 30 * (3 + 6 + 9)
    assert (tried.contracts, tried.now, tried.then) == (3, Money(used * 60), Money(used * 65))
    run = StartPopulationRun(code=CODE, version=draft.version, first_month=MONTH, last_month=MONTH)
    number = billing.start_population_run(ACCOUNTANT, run).run_no
    found.settle()
    result = billing.population_run(ACCOUNTANT, PopulationRunRef(run_no=number)).result
    assert result is not None and (result.more, result.difference) == (3, Money(used * 5))
    assert {row.contracts for row in result.segments} == {1}

    this = TariffVersion(code=CODE, version=draft.version)
    with pytest.raises(SamePerson):
        tariffs.publish(OPERATOR, this)
    tariffs.publish(OTHER_PERSON, this)
    on = [InForce(on=date(2026, 4, 30)), InForce(on=date(2026, 5, 1))]
    assert [[one.version for one in tariffs.in_force(OPERATOR, day).tariffs] for day in on] == [[1], [draft.version]]
    in_may = [replace(one, registers={62: 1_000 + 61 * one.serial}) for one in HOUSES]
    take_registers(found, in_may, replace(OPERATOR, now=OPERATOR.now + LATER))
    later = replace(ACCOUNTANT, now=ACCOUNTANT.now + LATER)
    billing.start_cycle(later, StartCycle(month=NEXT))
    found.settle()
    for month, days, fen, document in ((MONTH, 30, 60, "测价〔2026〕1号"), (NEXT, 31, 65, NEW)):
        bills = billing.bills(later, FindBills(month=month)).rows
        assert {bill.amount.fen for bill in bills} == {days * serial * fen for serial in (3, 6, 9)}
        shown = billing.bill(later, BillRef(bill_no=bills[0].bill_no))
        assert {line.document_no for line in shown.lines} == {document}
        replayed = billing.replay_month(later, ReplayMonth(month=month))
        assert (replayed.checked, replayed.identical, replayed.rows) == (3, 3, [])
