"""How often and how long ahead two-part customers change the basis of the basic charge and the contract demand."""

import pathlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.records import OPERATOR, account, contract, held

from denghuo.kernel.values import ApparentPower, Power
from denghuo.service.contract.api import ChangeLimited, ChangeTerms, ContractApi, SignContracts, TermsConflict
from denghuo.service.contract.limits import LIMITS, first_day, limited
from denghuo.service.contract.rules import TermsRow
from denghuo.service.contract.service import ContractService
from denghuo.service.contract.workdays import WEEKDAYS, WorkDays
from denghuo.service.customer.api import CustomerApi, OpenAccounts
from denghuo.service.customer.service import CustomerService
from denghuo.service.tariff.api import TariffApi
from denghuo.service.tariff.service import TariffService

SERVICES = {CustomerApi: CustomerService, TariffApi: TariffService, ContractApi: ContractService}
DEMAND = TermsRow(date(2024, 1, 1), None, "two_part_demand", None, "10", 800_000, 1_000_000, None, "agency", 90)
DAYS = st.dates(date(2016, 7, 1), date(2030, 12, 31))


@pytest.fixture(params=["local", "remote"])
def contracts(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[ContractApi]:
    for ask in held(request.param, database_dsn, tmp_path, SERVICES):
        ask(CustomerApi).open_accounts(OPERATOR, OpenAccounts(accounts=[account(1, 1)]))
        yield ask(ContractApi)


def test_the_table_of_limits_has_one_row_of_a_subject_on_any_day() -> None:
    assert {one.subject for one in LIMITS} == {"basis", "demand"}
    for one in LIMITS:
        assert one.document and 12 % one.period_months == 0 and one.notice_working_days > 0
        assert [other for other in LIMITS if other.subject == one.subject and other.holds_on(one.since)] == [one]


@given(DAYS, st.integers(0, 60), st.sets(st.integers(0, 59)), st.sets(st.integers(0, 59)), st.integers(1, 15))
def test_working_days_follow_published_ones(start: date, days: int, off: set[int], on: set[int], notice: int) -> None:
    at = [start + timedelta(days=step) for step in range(60)]
    work = WorkDays(
        frozenset(at[step] for step in off if at[step].weekday() < 5),
        frozenset(at[step] for step in on if at[step].weekday() >= 5),
    )
    counted = sum((day.weekday() < 5 or day in work.worked) and day not in work.off for day in at[:days])
    assert work.between(start, start + timedelta(days=days)) == counted
    earliest = work.after_notice(start, notice)
    assert work.between(start, earliest) >= notice > work.between(start, earliest - timedelta(days=1))


@given(DAYS, st.integers(0, 60))
def test_working_days_are_those_counted_one_by_one(start: date, days: int) -> None:
    counted = sum((start + timedelta(days=at)).weekday() < 5 for at in range(days))
    assert WEEKDAYS.between(start, start + timedelta(days=days)) == counted


@given(DAYS, DAYS, st.sampled_from(["basis", "demand"]))
def test_a_change_is_taken_on_the_earliest_day_named_and_on_no_day_before(
    applied: date, on: date, subject: str
) -> None:
    changed = {"tariff_class": "two_part_capacity"} if subject == "basis" else {"contract_w": 600_000}
    after = replace(DEMAND, start=on, **changed)
    (limit,) = (one for one in LIMITS if one.subject == subject)
    earliest = first_day(limit, applied)
    found = limited(DEMAND, after, applied)
    if found is None:
        assert on >= earliest and on.day == 1
    else:
        assert found.earliest == earliest and found.document == limit.document
        assert on < earliest or not limit.begins_period(on)
    assert limited(DEMAND, replace(after, start=earliest), applied) is None


def test_what_is_no_such_change_is_not_limited() -> None:
    on = date(2026, 5, 11)
    larger = replace(DEMAND, start=on, capacity_va=1_250_000, contract_w=900_000)
    assert limited(DEMAND, larger, on) is None, "with another capacity the contract demand is declared anew"
    assert limited(DEMAND, replace(DEMAND, start=on, voltage_kv="35"), on) is None
    assert limited(DEMAND, replace(DEMAND, start=on, tariff_class="general_single_part"), on) is None
    before = date(2016, 6, 15)
    assert limited(DEMAND, replace(DEMAND, start=before, contract_w=1), before) is None, "the document was not in force"


def test_basis_by_quarters_and_demand_by_months_with_notice(contracts: ContractApi) -> None:
    plant = contract(
        1,
        tariff_class="two_part_demand",
        voltage_kv="10",
        contract_kw=Power.of("800"),
        capacity_kva=ApparentPower.of("1000"),
    )
    contracts.sign_contracts(OPERATOR, SignContracts(contracts=[plant]))
    asked = ChangeTerms(
        contract_no=plant.contract_no,
        effective_from=date(2026, 4, 16),
        contract_kw=Power.of("600"),
        applied_on=date(2026, 3, 25),
        reason="用户申请调整需量",
    )
    # Friday 27 March is three working days before Wednesday 1 April; Wednesday the 25th is five.
    for update, field, earliest in [
        ({}, "effective_from", "2026-04-01"),
        ({"effective_from": date(2026, 4, 1), "applied_on": date(2026, 3, 27)}, "applied_on", "2026-05-01"),
        ({"contract_kw": None, "tariff_class": "two_part_capacity"}, "effective_from", "2026-07-01"),
        (
            {"contract_kw": None, "tariff_class": "two_part_capacity", "effective_from": date(2026, 4, 1)},
            "applied_on",
            "2026-07-01",
        ),
    ]:
        with pytest.raises(ChangeLimited) as caught:
            contracts.change_terms(OPERATOR, asked.model_copy(update=update))
        said = caught.value.fields
        assert (said["field"], str(said["earliest"]), said["document"]) == (field, earliest, "发改办价格〔2016〕1583号")
        assert earliest in caught.value.detail["zh"] and earliest in caught.value.detail["en"]
    taken = contracts.change_terms(OPERATOR, asked.model_copy(update={"effective_from": date(2026, 4, 1)}))
    assert (taken.contract.effective_from, taken.contract.contract_kw) == (date(2026, 4, 1), Power.of("600"))
    with pytest.raises(TermsConflict) as caught_late:
        contracts.change_terms(
            OPERATOR,
            asked.model_copy(
                update={"effective_from": date(2027, 7, 1), "applied_on": OPERATOR.today + timedelta(days=1)}
            ),
        )
    assert caught_late.value.fields["field"] == "applied_on"
