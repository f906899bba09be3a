"""Review of what changed since the last bill: a drop, another tariff, a first bill, the price of an earlier month."""

import pathlib
from collections.abc import Iterator
from datetime import date

import pytest
from tests.service.billing.county import (
    ACCOUNTANT,
    OPERATOR,
    County,
    Supply,
    county,
    settle_county,
    tariff,
)
from tests.service.billing.months import bill_months

from denghuo.service.billing.api import FindExceptions, Release
from denghuo.service.contract.api import ChangeTerms, ContractApi

HOME = Supply(1, 1)
SHOP = Supply(2, 2, tariff_class="general_single_part")
NEW = Supply(3, 1)


@pytest.fixture(params=["local", "remote"])
def found(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[County]:
    """February and March of two accounts: the shop pays a monthly price of February, the home has gone over to another tariff."""
    prices = [
        tariff("test.resident", "energy", "0.6"),
        tariff("test.other", "energy", "0.5", default=False),
        tariff(
            "test.agency",
            "agency_energy",
            "0.4",
            classes=["general_single_part"],
            effective_from=date(2026, 2, 1),
        ),
    ]
    with county(request.param, database_dsn, tmp_path) as made:
        settle_county(made, [HOME, SHOP, NEW], prices)
        made.directory(ContractApi).change_terms(
            OPERATOR,
            ChangeTerms(
                contract_no=f"GY{HOME.account_no}",
                effective_from=date(2026, 3, 1),
                tariff_code="test.other",
                reason="客户申请变更电价",
            ),
        )
        used = {"2026-02": {"total": 310}, "2026-03": {"total": 30}}
        bill_months(made, {HOME: used, SHOP: {"2026-02": {"total": 310}, "2026-03": {"total": 300}}})
        yield made


def held(found: County, month: str) -> set[tuple[str, str]]:
    rows = found.billing.exceptions(ACCOUNTANT, FindExceptions(month=month, state="open")).rows
    return {(row.account_no, row.code) for row in rows}


def test_what_changed_since_the_last_bill_is_held_with_its_reason(found: County) -> None:
    # Nothing was billed before February, so that no bill is called a first one there.
    assert held(found, "2026-02") == {(NEW.account_no, "read_held")}
    march = held(found, "2026-03")
    assert march >= {(HOME.account_no, "drop"), (HOME.account_no, "new_tariff"), (SHOP.account_no, "old_price")}
    assert "first_bill" not in {code for _, code in march}
    rows = found.billing.exceptions(ACCOUNTANT, FindExceptions(month="2026-03", code="old_price")).rows
    assert [row.reason.en for row in rows] == [
        "Agency prices are published by the month; this bill still has those in force since 2026-02-01."
    ]
    found.billing.release(ACCOUNTANT, Release(exception_no=rows[0].exception_no, reason="本月价格未变，已与公告核对"))
    assert (SHOP.account_no, "old_price") not in held(found, "2026-03")


def test_the_first_bill_of_an_account_is_looked_at(found: County) -> None:
    bill_months(found, {NEW: {"2026-04": {"total": 40}}})
    assert (NEW.account_no, "first_bill") in held(found, "2026-04")
