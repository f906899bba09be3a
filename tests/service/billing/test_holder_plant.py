"""A change of customer at a place with a plant (过户含购售电合同): the purchase contract goes over with the supply contract, and
what the plant fed in is settled with each of both customers to the kWh."""

import pathlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

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
    settle_county,
)
from tests.service.bindings import NOW

from denghuo.service.billing.api import (
    ChangeHolder,
    FindBills,
    FindExceptions,
    HolderChangeRef,
    Release,
    StartCycle,
)
from denghuo.service.contract.api import Contract, ContractApi, ContractsOf
from denghuo.service.host import relay

SINCE = date(2026, 4, 16)
PLACE = Supply(1, 1, daily(8), surplus=daily(3))
NEIGHBOUR = Supply(2, 1, daily(5))


@pytest.fixture(scope="module")
def settled(prepare: Prepare) -> Prepared:
    return prepare(lambda made: settle_county(made, [PLACE, NEIGHBOUR]))


@pytest.fixture(params=["local", "remote"])
def found(request: pytest.FixtureRequest, settled: Prepared, tmp_path: pathlib.Path) -> Iterator[County]:
    with settled.copy(request.param, tmp_path) as made:
        yield made


def follow(found: County) -> None:
    relay.settle(found.directory, lambda: NOW + timedelta(hours=1))


def contracts(found: County, account_no: str) -> dict[str, Contract]:
    rows = found.directory(ContractApi).contracts_of(OPERATOR, ContractsOf(account_no=account_no)).rows
    return {row.kind: row for row in rows}


def energies(found: County, account_no: str) -> dict[str, str]:
    rows = found.billing.bills(ACCOUNTANT, FindBills(month=MONTH, account_no=account_no)).rows
    return {row.kind: str(row.energy) for row in rows}


def test_the_purchase_contract_goes_over_with_the_supply_contract(found: County) -> None:
    asked = ChangeHolder(
        account_no=PLACE.account_no, since=SINCE, name="张伟", phone="13900000000", reason="房屋买卖过户"
    )
    desk = replace(ACCOUNTANT, now=NOW + timedelta(hours=1))
    change = found.billing.change_holder(desk, asked)
    follow(found)
    change = found.billing.holder_change(desk, HolderChangeRef(change_no=change.change_no))
    assert (change.state, change.trouble) == ("settled", None)
    old, new = contracts(found, PLACE.account_no), contracts(found, change.successor_no)
    assert {kind: one.effective_to for kind, one in old.items()} == dict.fromkeys(("supply", "purchase"), SINCE)
    assert {kind: (one.effective_from, one.effective_to) for kind, one in new.items()} == dict.fromkeys(
        ("supply", "purchase"), (SINCE, None)
    )
    assert new["purchase"].contract_no == f"GS{change.successor_no}"
    assert (new["purchase"].pv_kw, new["purchase"].settlement_mode) == (
        old["purchase"].pv_kw,
        old["purchase"].settlement_mode,
    )
    for row in found.billing.exceptions(ACCOUNTANT, FindExceptions(month=MONTH, state="open", releasable=True)).rows:
        found.billing.release(desk, Release(exception_no=row.exception_no, reason="过户清算，资料已核实"))
    found.billing.start_cycle(desk, StartCycle(month=MONTH))
    follow(found)
    # 15 days of 8 and of 3 kWh belong to each of them.
    assert energies(found, PLACE.account_no) == {"supply": "120", "purchase": "45"}
    assert energies(found, change.successor_no) == {"supply": "120", "purchase": "45"}
