"""A customer's own reading on its bill, through both bindings: who is held for want of a register is billed by what the customer
reported, and the bill says so."""

import base64
import json
import pathlib
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest
from tests.service.billing.county import (
    ACCOUNTANT,
    MONTH,
    OPERATOR,
    County,
    Prepare,
    Prepared,
    Supply,
    daily,
    holder,
    settle_county,
    take_registers,
)
from tests.service.billing.months import bill_no
from tests.service.bindings import NOW, clock

from denghuo.data.processing.dataset import arrow_schema
from denghuo.kernel.period import Month
from denghuo.service.billing.api import AlreadyIssued, Bill, BillRef, FindBills, FindExceptions, Recalculate, StartCycle
from denghuo.service.reading.api import (
    MARKED_REGISTER_INTAKE,
    Doubtful,
    Intake,
    MyMeters,
    NewRouteCycle,
    OwnReport,
    ReadingApi,
    ReadingCycle,
    ReportRegisters,
    WrongMeter,
)
from denghuo_verify.check import verify

SILENT = Supply(1, 1, {1: 1_000})
"""Nothing came of it since the month began."""
LOUD = Supply(2, 1, daily(5))
SENT = Supply(3, 1, {1: 1_000})
"""Its register of the reading midnight was estimated by another system."""
PERIOD = Month.of(MONTH).period
CUSTOMER = replace(
    holder(SILENT.account_no), permits=frozenset({"billing.own", "reading.own"}), now=NOW + timedelta(hours=2)
)


@pytest.fixture(scope="module")
def billed(prepare: Prepare) -> Prepared:
    def make(made: County) -> None:
        settle_county(made, [SILENT, LOUD, SENT])
        row = {"meter_no": "M00003", "read_at": PERIOD.end, "quantity": "active_fwd", "band": "total"}
        table = pa.Table.from_pylist(
            [{**row, "value_e4": 11_500_000, "mark": "nem12 E52"}], schema=arrow_schema(MARKED_REGISTER_INTAKE)
        )
        rows = made.datasets.publish(MARKED_REGISTER_INTAKE, MONTH, "sent", table, clock())
        made.directory(ReadingApi).receive_registers(OPERATOR, Intake(rows=rows))
        made.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
        made.settle()

    return prepare(make)


@pytest.fixture(params=["local", "remote"])
def found(request: pytest.FixtureRequest, billed: Prepared, tmp_path: pathlib.Path) -> Iterator[County]:
    with billed.copy(request.param, tmp_path) as made:
        yield made


def report(found: County, shown: str, **words: Any) -> OwnReport:
    given = {
        "report_no": str(uuid.uuid4()),
        "account_no": SILENT.account_no,
        "number_seen": "M00001",
        "registers": [{"quantity": "active_fwd", "band": "total", "shown": shown}],
    }
    told = found.ask(ReadingApi).report_registers(CUSTOMER, ReportRegisters.model_validate(given | words))
    found.settle()
    return told


def bill(found: County) -> Bill:
    return found.billing.my_bill(CUSTOMER, BillRef(bill_no=bill_no(SILENT, MONTH)))


def test_who_is_held_for_want_of_a_register_is_billed_by_the_customers_own(found: County) -> None:
    (held,) = found.billing.exceptions(ACCOUNTANT, FindExceptions(month=MONTH, state="open")).rows
    assert (held.account_no, held.code) == (SILENT.account_no, "read_held")
    assert report(found, "1150.00").state == "counted"
    assert not found.billing.exceptions(ACCOUNTANT, FindExceptions(month=MONTH, state="open")).rows
    mine = bill(found)
    (register,) = mine.registers
    assert (register.method, register.status, str(register.end)) == ("self_read", "valid", "1150.00")
    # 150 kWh at 0.617 yuan.
    assert str(mine.amount) == "92.55"
    assert "示数为客户自报" in mine.lines[0].sentence.zh
    assert "registers as the customer reported them" in mine.lines[0].sentence.en
    document = found.billing.bill_file(ACCOUNTANT, BillRef(bill_no=mine.bill_no)).content
    checked = verify(json.loads(base64.b64decode(document)))
    assert not checked.differs and not checked.unknown, checked


def test_the_whole_month_and_the_account_by_itself_say_the_same_of_a_report(
    prepare: Prepare, tmp_path: pathlib.Path
) -> None:
    """Reported before the month was read: the bill is made by columns, and calculated again it is the same."""
    with prepare(lambda made: settle_county(made, [SILENT, LOUD])).copy("local", tmp_path) as made:
        report(made, "1150.00")
        made.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
        made.settle()
        assert "示数为客户自报" in bill(made).lines[0].sentence.zh
        again = made.billing.recalculate(ACCOUNTANT, Recalculate(account_no=SILENT.account_no, month=MONTH))
        assert (again.issued, again.unchanged) == (0, 1)


def test_what_another_system_estimated_is_billed_as_an_estimate_until_a_register_is_read(found: County) -> None:
    number = BillRef(bill_no=bill_no(SENT, MONTH))
    mine = found.billing.bill(ACCOUNTANT, number)
    (register,) = mine.registers
    assert (register.method, register.status, str(register.end)) == ("sender", "estimated", "1150.00")
    assert mine.estimates is not None and (mine.estimates.per_mille, str(mine.estimates.energy)) == (1000, "150")
    assert [(one.method, one.thing) for one in mine.estimates.parts] == [("sender", "amount")]
    assert "对方估计" in mine.estimates.said.zh and "为估算值" in mine.lines[0].sentence.zh
    document = found.billing.bill_file(ACCOUNTANT, number).content
    checked = verify(json.loads(base64.b64decode(document)))
    assert not checked.differs and not checked.unknown, checked
    take_registers(found, [replace(SENT, registers={31: 1_140})], replace(OPERATOR, now=clock()))
    found.settle()
    # An issued bill is not changed: it is cancelled and billed again, by 140 kWh.
    with pytest.raises(AlreadyIssued, match=r"92\.55 yuan and now comes to 86\.38"):
        found.billing.recalculate(ACCOUNTANT, Recalculate(account_no=SENT.account_no, month=MONTH))


def test_more_than_the_agreed_capacity_lets_pass_is_asked_about(found: County) -> None:
    # 5 kW pass 120 kWh a day, 3,720 until the first of May is over.
    with pytest.raises(Doubtful) as refused:
        report(found, "4721.00")
    assert refused.value.fields["warnings"] == ["over_capacity"]
    with pytest.raises(WrongMeter):
        report(found, "1150.00", number_seen="M00002")
    billed = {row.account_no for row in found.billing.bills(ACCOUNTANT, FindBills(month=MONTH)).rows}
    assert billed == {LOUD.account_no, SENT.account_no}


def test_a_collected_register_takes_the_place_of_the_customers_own(found: County) -> None:
    report(found, "1150.00")
    take_registers(found, [replace(SILENT, registers={31: 1_140})], replace(OPERATOR, now=clock()))
    found.settle()
    (meter,) = found.ask(ReadingApi).my_meters(CUSTOMER, MyMeters(account_no=SILENT.account_no)).rows
    assert meter.source == "actual"


def test_an_account_that_is_read_every_two_months_reports_for_its_own_reading(found: County) -> None:
    later = replace(CUSTOMER, now=CUSTOMER.now + timedelta(days=20))
    cycles: list[tuple[ReadingCycle, str]] = [("odd", "2026-05"), ("even", "2026-06")]
    for cycle, month in cycles:
        stated = NewRouteCycle(route="TG1", cycle=cycle, effective_from=date(2026, 5, 1), reason="改双月抄表")
        found.directory(ReadingApi).change_cycle(OPERATOR, stated)
        (meter,) = found.ask(ReadingApi).my_meters(later, MyMeters(account_no=SILENT.account_no)).rows
        assert (meter.month, meter.is_open) == (month, False)
