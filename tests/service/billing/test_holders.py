"""A change of customer within a tier year whose prices change too, through both bindings: from the reading to both bills."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from tests.service.billing.county import (
    ACCOUNTANT,
    CLERK,
    DOCUMENT,
    OPERATOR,
    OTHER_PERSON,
    County,
    Prepared,
    Supply,
    prepared,
    prices,
    settle_county,
)
from tests.service.bindings import clock

from denghuo.data.processing.dataset import arrow_schema
from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import midnight
from denghuo.kernel.values import Energy, Price, Register
from denghuo.service.billing.api import (
    AsKnown,
    Bill,
    BillRef,
    ChangeHolder,
    FindBills,
    FindExceptions,
    FindHolderChanges,
    HolderChange,
    HolderChangeNotFound,
    HolderChangeRef,
    NotTransferable,
    Release,
    ReplayMonth,
    ResumeHolderChange,
    SpecialReading,
    StartCycle,
    TakeOverUse,
    TryOnBill,
    UsedMonth,
    WhatIf,
)
from denghuo.service.billing.store import BillingStore
from denghuo.service.contract.api import AgreeSpecial, ContractApi, ContractRef, ContractsOf
from denghuo.service.customer.api import AccountRef, CustomerApi
from denghuo.service.reading.api import REGISTER_INTAKE, Intake, ReadingApi, Resolve
from denghuo.service.tariff.api import Component, DraftTariff, PriceAt, TariffApi, TariffDocument, TariffVersion
from denghuo_verify.check import verify

LEAVES, STAYS, BILLED = Supply(1), Supply(2), Supply(3)
JULY = date(2026, 7, 1)
SINCE = date(2026, 7, 16)
A_DAY = 20
AUGUST = datetime(2026, 8, 1, 1, tzinfo=UTC)
DESK = replace(ACCOUNTANT, now=AUGUST)
LATER = replace(OPERATOR, now=AUGUST)


def tariffs() -> list[TariffDocument]:
    """Residents in annual tiers by readings, of which the prices change on 1 July."""
    resident, *others = prices()
    assert resident.tiers is not None
    by_readings = resident.model_copy(update={"tiers": resident.tiers.model_copy(update={"year_by": "reading"})})
    dearer = Component(
        code="energy",
        title=TextPair(zh="电度电费", en="Energy"),
        prices=[PriceAt(price=Price.of(price), tier=tier) for tier, price in ((1, "0.6"), (2, "0.7"), (3, "0.95"))],
        document=DOCUMENT,
    )
    until, since = {"effective_to": JULY}, {"effective_from": JULY, "components": [dearer]}
    return [by_readings.model_copy(update=until), by_readings.model_copy(update=since), *others]


def shown(day: date) -> int:
    return 1_000 + A_DAY * (day - date(2026, 6, 1)).days


def make(found: County) -> None:
    """Registers of June and July, but none of who leaves at the midnight of the change; January to May were billed elsewhere."""
    supplies = [LEAVES, STAYS, BILLED]
    settle_county(found, supplies, [one for one in tariffs() if one.effective_from != JULY])
    drafted = found.directory(TariffApi).draft(OPERATOR, DraftTariff(document=tariffs()[1]))
    assert drafted.publishable, drafted.findings
    found.directory(TariffApi).publish(OTHER_PERSON, TariffVersion(code=drafted.code, version=drafted.version))
    days = [date(2026, 6, 1) + timedelta(days=day) for day in range(62)]
    rows = [
        {
            "meter_no": f"M{one.serial:05d}",
            "read_at": midnight(day),
            "quantity": "active_fwd",
            "band": "total",
            "value_e4": shown(day) * 10_000,
        }
        for one in supplies
        for day in days
        if (one, day) != (LEAVES, SINCE)
    ]
    table = pa.Table.from_pylist(rows, schema=arrow_schema(REGISTER_INTAKE))
    reference = found.datasets.publish(REGISTER_INTAKE, "2026-06", "test", table, clock())
    found.directory(ReadingApi).receive_registers(LATER, Intake(rows=reference))
    months = [
        UsedMonth(account_no=one.account_no, month=f"2026-{month:02d}", org="1405810.01", energy=Energy.of("400"))
        for one in supplies
        for month in range(1, 6)
    ]
    found.billing.take_over_use(OPERATOR, TakeOverUse(months=months))
    found.billing.start_cycle(DESK, StartCycle(month="2026-06"))
    found.settle()


@pytest.fixture(scope="module")
def prepared_county(postgres_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    with prepared(postgres_dsn, template, tmp_path_factory.mktemp("holders"), make) as made:
        yield made


def asked(supply: Supply = LEAVES, **changes: Any) -> ChangeHolder:
    given: dict[str, Any] = {
        "account_no": supply.account_no,
        "since": SINCE,
        "name": "张伟",
        "phone": "13900000000",
        "readings": [SpecialReading(point_no=f"{supply.account_no}01", shown=Register.of(str(shown(SINCE))))],
        "reason": "房屋买卖过户",
    }
    return ChangeHolder.model_validate(given | changes)


def changed(found: County, request: ChangeHolder | None = None) -> HolderChange:
    change = found.billing.change_holder(DESK, request or asked())
    found.settle()
    return found.billing.holder_change(DESK, HolderChangeRef(change_no=change.change_no))


def bill(found: County, number: str) -> Bill:
    return found.billing.bill(DESK, BillRef(bill_no=number))


def begun_month(found: County) -> bool:
    with found.directory.hosted["billing"].store.work("billing", LATER, read_only=True) as work:
        return BillingStore(work).cycles.begun("2026-07")


def told(shown_: Bill) -> list[tuple[int | None, str, str]]:
    return [(line.tier, str(line.quantity), str(line.amount)) for line in shown_.lines]


def checked(found: County, number: str) -> Any:
    found.settle()
    body = json.loads(base64.b64decode(found.billing.bill_file(DESK, BillRef(bill_no=number)).content))
    report = verify(body)
    assert report.verdict == "verified", report
    return body["bill"]["rating"]


@pytest.mark.scope("B05-04")
def test_a_customer_leaves_and_another_begins_within_the_tier_year(found: County) -> None:
    change = changed(found)
    assert (change.state, change.trouble, change.bill_state, str(change.amount)) == (
        "settled",
        None,
        "issued",
        "313.00",
    )
    assert change.final_month == "2026-07" and change.bill_no is not None
    final = bill(found, change.bill_no)
    # 2,900 kWh of seven months: 1,820 and 980 in two tiers, 100 above; 2,600 of them were billed in the first one before.
    assert told(final) == [(1, "-780", "-468.00"), (2, "980", "686.00"), (3, "100", "95.00")]
    assert (final.from_on, final.to_on, str(final.energy)) == (JULY, SINCE - timedelta(days=1), "300")
    assert "阶梯清算" in final.lines[0].sentence.zh and "7 个月" in final.lines[0].sentence.zh
    assert checked(found, final.bill_no)["tier_closing"] == {"billed_months": 12}

    # One account billed to the day begins no month: the others are estimated every day until theirs is run.
    assert not begun_month(found)
    found.billing.start_cycle(DESK, StartCycle(month="2026-07"))
    found.settle()
    assert begun_month(found)
    # The review looks at the first bill of any account.
    (held,) = found.billing.exceptions(DESK, FindExceptions(month="2026-07", state="open")).rows
    assert (held.code, held.account_no) == ("first_bill", change.successor_no)
    found.billing.release(DESK, Release(exception_no=held.exception_no, reason="过户新户，示数无误"))
    found.settle()
    (first,) = found.billing.bills(DESK, FindBills(account_no=change.successor_no)).rows
    begun = bill(found, first.bill_no)
    assert (begun.state, begun.from_on, begun.to_on) == ("issued", SINCE, date(2026, 7, 31))
    assert told(begun) == [(1, "320", "192.00")]
    assert checked(found, begun.bill_no)["tier_months"] == 6
    # No kWh is lost or billed twice, and the final bill stands as it was issued.
    assert int(str(final.energy)) + int(str(begun.energy)) == shown(date(2026, 8, 1)) - shown(JULY)
    assert bill(found, change.bill_no) == final.model_copy(update={"as_of": bill(found, change.bill_no).as_of})

    replayed = found.billing.replay_month(DESK, ReplayMonth(month="2026-07"))
    assert replayed.checked == replayed.identical > 2
    for account, amount in ((LEAVES.account_no, final.amount), (change.successor_no, begun.amount)):
        today = replace(DESK, now=clock())
        assert found.billing.as_known(today, AsKnown(account_no=account, month="2026-07")).amount == amount
    for one in (final, begun):
        tried = found.billing.try_on_bill(
            DESK, TryOnBill(bill_no=one.bill_no, tariff_code=one.tariff_code, tariff_version=one.tariff_version)
        )
        assert tried.amount == one.amount
    plans = found.billing.what_if(DESK, WhatIf(account_no=LEAVES.account_no))
    july = next(one for one in plans.months if one.month == "2026-07")
    assert july.billed == july.present_amount == final.amount

    old = found.ask(CustomerApi).account(LATER, AccountRef(account_no=LEAVES.account_no))
    new = found.ask(CustomerApi).account(LATER, AccountRef(account_no=change.successor_no))
    assert (old.status, old.closed_on, old.successor_no) == ("closed", SINCE, new.account_no)
    assert (new.status, new.name, new.opened_on, new.succeeds) == ("active", "张伟", SINCE, old.account_no)
    assert (new.address, new.org) == (old.address, old.org)


@pytest.mark.scope("B05-04")
def test_a_price_that_changes_in_july_goes_on_in_the_tiers_of_the_year(found: County) -> None:
    found.billing.start_cycle(DESK, StartCycle(month="2026-07"))
    found.settle()
    june, july = (bill(found, f"2026{month}{STAYS.account_no}101") for month in ("06", "07"))
    assert told(june) == [(1, "600", "370.20")]
    # 2,600 kWh were used by July: 520 of 3,120 are left, at the price that holds since then.
    assert told(july) == [(1, "520", "312.00"), (2, "100", "70.00")]
    assert "按抄表年" in july.lines[0].sentence.zh and "2026-01-01" in july.lines[0].sentence.zh
    checked(found, july.bill_no)


def test_without_a_special_reading_the_final_bill_waits_for_it(found: County) -> None:
    change = changed(found, asked(readings=[]))
    assert (change.state, change.bill_no) == ("settled", None)
    assert change.waiting == 1
    (held,) = found.billing.exceptions(DESK, FindExceptions(month="2026-07", state="open")).rows
    assert (held.code, held.account_no) == ("read_held", LEAVES.account_no)
    with pytest.raises(NotTransferable):
        found.billing.resume_holder_change(DESK, ResumeHolderChange(change_no=change.change_no))
    read = Resolve(
        month="2026-07", point_no=f"{LEAVES.account_no}01", shown=Register.of(str(shown(SINCE))), reason="现场特抄"
    )
    found.ask(ReadingApi).resolve(LATER, read)
    found.settle()
    settled = found.billing.holder_change(DESK, HolderChangeRef(change_no=change.change_no))
    assert (settled.bill_state, str(settled.amount), settled.waiting) == ("issued", "313.00", 0)


def test_a_reading_that_is_wrong_is_said_and_put_right(found: County) -> None:
    wrong = SpecialReading(point_no=f"{LEAVES.account_no}01", shown=Register.of("900"))
    change = changed(found, asked(readings=[wrong]))
    assert change.state == "readings" and change.trouble is not None
    # Asked again, the change that stands still is given.
    assert found.billing.change_holder(DESK, asked()).change_no == change.change_no
    right = asked().readings
    found.billing.resume_holder_change(DESK, ResumeHolderChange(change_no=change.change_no, readings=right))
    found.settle()
    (row,) = found.billing.holder_changes(DESK, FindHolderChanges(account_no=change.successor_no)).rows
    assert (row.state, row.trouble, str(row.amount)) == ("settled", None, "313.00")
    # A step of the job that comes once more finds nothing to do.
    step = found.billing.advance_holder_change(LATER, HolderChangeRef(change_no=change.change_no))
    assert (step.state, step.again) == ("settled", False)
    assert found.billing.holder_changes(DESK, FindHolderChanges(state="bill")).total == 0


def test_what_belongs_to_the_household_does_not_go_over(found: County) -> None:
    contracts = found.ask(ContractApi)
    (before,) = contracts.contracts_of(LATER, ContractsOf(account_no=LEAVES.account_no)).rows
    contracts.agree_special(
        LATER,
        AgreeSpecial(
            contract_no=before.contract_no,
            effective_from=before.effective_from,
            persons=6,
            persons_since=date(2026, 2, 3),
            charging_station=False,
            reason="六口之家",
        ),
    )
    change = changed(found)
    (after,) = contracts.contracts_of(LATER, ContractsOf(account_no=change.successor_no)).rows
    assert (after.effective_from, after.tariff_class, after.special) == (SINCE, "resident", None)
    ended = contracts.terms_of(LATER, ContractRef(contract_no=before.contract_no)).contract
    assert ended.effective_to == SINCE


def test_what_stands_in_the_way_is_named(found: County) -> None:
    found.billing.start_cycle(DESK, StartCycle(month="2026-07"))
    found.settle()
    refusals = {
        "bill_no": asked(STAYS, since=date(2026, 8, 1)),
        "account_no": asked(account_no="5810199999995"),
        "since": asked(since=date(2026, 9, 1)),
    }
    for field, request in refusals.items():
        with pytest.raises(NotTransferable) as refused:
            found.billing.change_holder(DESK, request)
        assert refused.value.fields["field"] == field
    with pytest.raises(HolderChangeNotFound):
        found.billing.holder_change(DESK, HolderChangeRef(change_no="GH2026999999"))
    assert found.billing.holder_changes(replace(CLERK, now=AUGUST), FindHolderChanges()).total == 0
