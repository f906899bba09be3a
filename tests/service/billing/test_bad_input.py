"""Input that no right bill can be made of, through the services: the account is held with its reason and its remedy, its
neighbours are billed, nothing is posted twice and nothing is lost."""

import pathlib
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest
from tests.service.billing.county import (
    ACCOUNTANT,
    MONTH,
    OPERATOR,
    County,
    Supply,
    county,
    daily,
    prices,
    settle_county,
)
from tests.service.bindings import clock

from denghuo.data.processing.dataset import arrow_schema
from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import midnight
from denghuo.kernel.values import Price
from denghuo.service.billing import cycle as cycle_module
from denghuo.service.billing.api import (
    BILLS,
    Advance,
    ExceptionRef,
    FindBills,
    FindExceptions,
    StartCycle,
)
from denghuo.service.reading.api import REGISTER_INTAKE, Intake, ReadingApi
from denghuo.service.tariff.api import Component, PowerFactor, PriceAt, StandardFor, TariffDocument

GOOD = Supply(1, 1, daily(8))
BACKWARD = Supply(2, 1, daily(8) | {31: 900})
GAP = Supply(3, 1, {day: shown for day, shown in daily(8).items() if day <= 15})
NO_TARIFF = Supply(4, 1, daily(8), tariff_class="agricultural")
ENDED = Supply(5, 2, daily(8), tariff_class="general_single_part", contract_kw=10)
NEGATIVE = Supply(6, 2, daily(3), surplus=daily(9))
IDLE = Supply(7, 2, daily(0))
HUGE = Supply(8, 2, {1: 0, 31: 9 * 10**14})
ALL = [GOOD, BACKWARD, GAP, NO_TARIFF, ENDED, NEGATIVE, IDLE, HUGE]
HELD = [
    (BACKWARD.account_no, "supply", "read_held"),
    (GAP.account_no, "supply", "read_held"),
    (NO_TARIFF.account_no, "supply", "tariff_unknown"),
    (ENDED.account_no, "supply", "tariff_unknown"),
    (NEGATIVE.account_no, "purchase", "negative"),
    (IDLE.account_no, "supply", "review_remark"),
    (IDLE.account_no, "supply", "zero_use"),
    (HUGE.account_no, "supply", "read_held"),
]
SAID = {
    BACKWARD.account_no: "M00002: Register runs backwards",
    GAP.account_no: "M00003: Boundary register missing",
    NO_TARIFF.account_no: "No tariff is in force on 2026-04-01",
    ENDED.account_no: "ends on 2026-04-16, within the month, and no other follows it",
    NEGATIVE.account_no: "the amount -130.81 yuan",
    IDLE.account_no: "0 kWh",
    HUGE.account_no: "M00008: Boundary register missing",
}


def tariffs() -> list[TariffDocument]:
    """The county's prices, homes with a power factor, business until the middle of the month, solar power that costs more than it
    brings, and nothing for farms."""
    resident, business, solar = prices()
    deviation = Component(
        code="history_deviation",
        title=TextPair(zh="历史偏差折价", en="Deviation of earlier months"),
        group="adjustment",
        prices=[PriceAt(price=Price.of("-0.9"))],
        document=business.sources[0].number,
    )
    factor = PowerFactor(standards=[StandardFor(standard=90)], document=business.sources[0].number)
    return [
        resident.model_copy(update={"power_factor": factor}),
        business.model_copy(update={"effective_to": date(2026, 4, 16)}),
        solar.model_copy(update={"components": [*solar.components, deviation]}),
    ]


def reactive(found: County, supply: Supply, kvarh: int) -> None:
    rows = [
        {
            "meter_no": f"M{supply.serial:05d}",
            "read_at": midnight(date(2026, 4, 1) + timedelta(days=day)),
            "quantity": "reactive_fwd",
            "band": "total",
            "value_e4": shown * 10_000,
        }
        for day, shown in ((0, 0), (30, kvarh))
    ]
    table = pa.Table.from_pylist(rows, schema=arrow_schema(REGISTER_INTAKE))
    reference = found.datasets.publish(REGISTER_INTAKE, MONTH, "reactive", table, clock())
    found.directory(ReadingApi).receive_registers(OPERATOR, Intake(rows=reference))


@pytest.fixture(params=["local", "remote"])
def found(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[County]:
    with county(request.param, database_dsn, tmp_path) as made:
        settle_county(made, ALL, tariffs())
        reactive(made, IDLE, 50)
        yield made


def issued(found: County) -> dict[tuple[str, str], Decimal]:
    rows = found.billing.bills(ACCOUNTANT, FindBills(month=MONTH, state="issued", limit=200)).rows
    return {(row.account_no, row.kind): Decimal(str(row.amount)) for row in rows}


@pytest.mark.scope("B05-14")
def test_each_fault_holds_its_account_with_reason_and_remedy_and_no_other(found: County) -> None:
    found.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
    found.settle()
    assert issued(found) == {
        (GOOD.account_no, "supply"): Decimal("148.08"),
        (NEGATIVE.account_no, "supply"): Decimal("55.53"),
    }
    rows = found.billing.exceptions(ACCOUNTANT, FindExceptions(month=MONTH, state="open")).rows
    assert sorted((row.account_no, row.kind, row.code) for row in rows) == sorted(HELD)
    for row in rows:
        one = found.billing.exception(ACCOUNTANT, ExceptionRef(exception_no=row.exception_no))
        assert one.reason.zh and one.remedy.zh and one.remedy.en
        said = "There is no active energy" if row.code == "review_remark" else SAID[row.account_no]
        assert said in one.reason.en, one.reason
    assert {row.code: row.cause for row in rows} == {
        "read_held": "collection",
        "negative": "collection",
        "zero_use": "use",
        "tariff_unknown": "tariff",
        "review_remark": "tariff",
    }
    posted = found.datasets.scan(found.datasets.newest(BILLS.name, MONTH)).to_pylist()
    assert len(posted) == 2


def test_workers_at_the_same_unit_at_once_bill_every_account_once(
    database_dsn: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cycle_module, "RATE_SLICE", 1)
    supplies = [Supply(serial, 1, daily(serial)) for serial in range(1, 13)]
    with county("local", database_dsn, tmp_path) as made:
        settle_county(made, supplies)
        made.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
        together = threading.Barrier(3)
        failed: list[BaseException] = []

        def work() -> None:
            together.wait()
            try:
                while made.billing.advance_cycle(OPERATOR, Advance(month=MONTH, epoch=1)).again:
                    pass
            except BaseException as error:
                failed.append(error)

        workers = [threading.Thread(target=work) for _ in range(3)]
        for one in workers:
            one.start()
        for one in workers:
            one.join()
        assert failed == []
        made.settle()
        assert issued(made) == {
            (one.account_no, "supply"): (one.serial * 30 * Decimal("0.617")).quantize(Decimal("0.01"))
            for one in supplies
        }
        posted = made.datasets.scan(made.datasets.newest(BILLS.name, MONTH)).to_pylist()
        assert sorted(row["account_no"] for row in posted) == sorted(one.account_no for one in supplies)
