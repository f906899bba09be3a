"""Review of what changed since the last bill: a drop, another tariff, a first bill, the price of an earlier month."""

from dataclasses import replace
from datetime import date

import pytest
from tests.service.billing.county import (
    ACCOUNTANT,
    CLERK,
    OPERATOR,
    County,
    Prepare,
    Prepared,
    Supply,
    settle_county,
    tariff,
)
from tests.service.billing.months import bill_months

from denghuo.kernel.contract import Nothing
from denghuo.kernel.values import Percent
from denghuo.service.billing.api import (
    AskReviewBoard,
    BillRef,
    FindBills,
    FindExceptions,
    Release,
    SetReviewRule,
    WholeCompanyOnly,
)
from denghuo.service.contract.api import ChangeTerms, ContractApi

HOME = Supply(1, 1)
SHOP = Supply(2, 2, tariff_class="general_single_part")
NEW = Supply(3, 1)


@pytest.fixture(scope="module")
def prepared_county(prepare: Prepare) -> Prepared:
    """February and March of two accounts: the shop pays a monthly price of February, the home has gone over to another tariff."""

    def make(made: County) -> None:
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

    return prepare(make)


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


def test_a_rule_that_only_notes_lets_the_bill_pass_with_a_remark(found: County) -> None:
    for code in ("drop", "first_bill"):
        note = SetReviewRule(code=code, kind="supply", limit=10, severity="note", reason="降为提示")
        assert found.billing.set_review_rule(ACCOUNTANT, note).severity == "note"
        with pytest.raises(WholeCompanyOnly):
            found.billing.set_review_rule(replace(ACCOUNTANT, scope=("1405810.01",)), note)
    rules = found.billing.review_rules(ACCOUNTANT, Nothing()).rows
    assert {(rule.code, rule.cause) for rule in rules if rule.severity == "note"} == {
        ("drop", "use"),
        ("first_bill", "record"),
    }
    bill_months(found, {NEW: {"2026-04": {"total": 400}}, HOME: {"2026-04": {"total": 1}}})
    assert not {(NEW.account_no, "first_bill"), (HOME.account_no, "drop")} & held(found, "2026-04")
    noted = found.billing.exceptions(ACCOUNTANT, FindExceptions(month="2026-04", state="noted")).rows
    assert {(row.account_no, row.code) for row in noted} >= {(NEW.account_no, "first_bill"), (HOME.account_no, "drop")}
    assert not any(row.releasable for row in noted)
    bills = found.billing.bills(ACCOUNTANT, FindBills(month="2026-04", account_no=NEW.account_no)).rows
    assert [bill.state for bill in bills] == ["issued"]
    shown = found.billing.bill(ACCOUNTANT, BillRef(bill_no=bills[0].bill_no))
    assert [(one.exception_no[-10:], one.noted, one.open) for one in shown.held] == [("first_bill", True, False)]


def test_the_board_tells_by_unit_and_rule_what_passes_by_itself(found: County) -> None:
    board = found.billing.review_board(ACCOUNTANT, AskReviewBoard(month="2026-03"))
    assert (board.accounts, board.held, board.open, board.passed) == (3, 3, 3, 0)
    rules = {row.code: row for row in board.rules}
    assert (rules["drop"].cause, rules["old_price"].cause, rules["read_held"].cause) == ("use", "tariff", "collection")
    rows = found.billing.exceptions(ACCOUNTANT, FindExceptions(month="2026-03", code="old_price")).rows
    found.billing.release(ACCOUNTANT, Release(exception_no=rows[0].exception_no, reason="本月价格未变，已与公告核对"))
    after = found.billing.review_board(ACCOUNTANT, AskReviewBoard(month="2026-03"))
    assert (after.held, after.open) == (3, 2), "what a person let go did not pass by itself"
    units = {row.org: (row.accounts, row.passed, row.open) for row in after.units}
    assert units == {"1405810.01": (2, 0, 2), "1405810.02": (1, 0, 0)}
    assert {row.code: row.released for row in after.rules}["old_price"] == 1
    mine = found.billing.review_board(CLERK, AskReviewBoard(month="2026-03"))
    assert [row.org for row in mine.units] == ["1405810.01"]
    calm = found.billing.review_board(ACCOUNTANT, AskReviewBoard(month="2026-02"))
    assert (calm.passed, calm.passed_share) == (2, Percent.of("66.67"))
    assert found.billing.review_board(ACCOUNTANT, AskReviewBoard()).month == "2026-03"
    assert found.billing.review_board(ACCOUNTANT, AskReviewBoard(month="2020-01")).passed_share is None


def test_the_first_bill_of_an_account_is_looked_at(found: County) -> None:
    bill_months(found, {NEW: {"2026-04": {"total": 40}}})
    assert (NEW.account_no, "first_bill") in held(found, "2026-04")
