"""Larger households through both bindings: listed with the day on which they expire, renewed, and as a bill counts them."""

import pathlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.contract.test_entitlement import SERVICES
from tests.service.records import CLERK, OPERATOR, account, contract, held, number

from denghuo.kernel.period import Month
from denghuo.service.billing.rules.households import household_months
from denghuo.service.contract.api import (
    AgreeSpecial,
    ContractApi,
    EndContract,
    FindHouseholds,
    Household,
    SignContracts,
    SpecialTerms,
)
from denghuo.service.customer.api import CustomerApi, OpenAccounts

TODAY = replace(OPERATOR, now=datetime(2028, 3, 1, 1, tzinfo=UTC))


@pytest.fixture(params=["local", "remote"])
def contracts(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[ContractApi]:
    for ask in held(request.param, database_dsn, tmp_path, SERVICES):
        ask(CustomerApi).open_accounts(
            OPERATOR, OpenAccounts(accounts=[account(1), account(2), account(3, 2), account(4)])
        )
        signing = [
            contract(1, special=family(date(2026, 3, 20))),
            contract(2, special=family(date(2024, 1, 31))),
            contract(3, 2, special=family(date(2027, 5, 1), persons_until=date(2028, 12, 15))),
            contract(4),
        ]
        assert not ask(ContractApi).sign_contracts(OPERATOR, SignContracts(contracts=signing)).refused
        yield ask(ContractApi)


def family(since: date, **more: Any) -> SpecialTerms:
    return SpecialTerms(persons=6, persons_since=since, **more)


def listed(contracts: ContractApi, **asked: Any) -> list[Household]:
    return contracts.households(TODAY, FindHouseholds(**asked)).rows


def test_households_are_listed_with_the_day_on_which_they_expire(contracts: ContractApi) -> None:
    first, third = listed(contracts)
    assert (first.account_no, first.persons, first.accepted_on) == (number(1), 6, date(2026, 3, 20))
    assert (first.from_on, first.ends_on, first.days_left) == (date(2026, 4, 1), date(2028, 3, 31), 30)
    assert (third.ends_on, third.until) == (date(2028, 12, 31), date(2028, 12, 15))
    assert [one.account_no for one in listed(contracts, past=True)] == [number(1), number(2), number(3, 2)]
    assert [one.account_no for one in listed(contracts, ends_within=30)] == [number(1)]
    assert listed(contracts, ends_within=29) == []
    assert [one.org for one in listed(contracts, org="1405810.02")] == ["1405810.02"]
    assert listed(contracts, account_no=number(4)) == []
    page = contracts.households(TODAY, FindHouseholds(past=True, limit=2))
    assert (len(page.rows), page.total) == (2, 3)
    (last,) = contracts.households(TODAY, FindHouseholds(past=True, limit=2, after=page.next)).rows
    assert last.account_no == number(3, 2)
    clerk = replace(CLERK, now=TODAY.now)
    assert [one.account_no for one in contracts.households(clerk, FindHouseholds()).rows] == [number(1)]


def test_a_household_is_renewed_and_ends_with_its_contract(contracts: ContractApi) -> None:
    renewed = AgreeSpecial(
        contract_no=contract(1).contract_no,
        effective_from=date(2028, 3, 1),
        persons=7,
        persons_until=listed(contracts)[0].renewed_until,
        reason="两年期满重新申请",
    )
    contracts.agree_special(TODAY, renewed)
    (own,) = listed(contracts, account_no=number(1))
    assert (own.persons, own.from_on, own.ends_on) == (7, date(2026, 4, 1), date(2030, 3, 31))
    contracts.end_contract(
        TODAY, EndContract(contract_no=own.contract_no, effective_to=date(2028, 6, 11), reason="客户申请销户")
    )
    assert listed(contracts, account_no=number(1))[0].ends_on == date(2028, 6, 10)


@given(since=st.dates(date(2024, 1, 1), date(2027, 12, 31)), months=st.integers(0, 30))
def test_the_days_listed_are_those_that_a_bill_counts(since: date, months: int) -> None:
    begins = Month.holding(since).next
    month = Month.holding(since)
    for _ in range(months):
        month = month.next
    ends = date(begins.year + 2, begins.month, 1)
    assert household_months(month, 1, since) == int(begins.first_day <= month.first_day < ends)
    # A renewal in time takes no room from the year in which it falls.
    renewed = date(ends.year + 2, ends.month, 1) - timedelta(days=1)
    assert household_months(month, 12, since, renewed) >= household_months(month, 12, since)
