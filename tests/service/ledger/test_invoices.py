"""Invoices through both bindings: asked for, followed by red letters and new ones, numbered by the authority once."""

import pathlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
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
)
from tests.service.bindings import clock

from denghuo.kernel.values import Money
from denghuo.service.billing.api import OpenCase, Recalculate, ReverseBill, StartCycle
from denghuo.service.billing.api.claim import RefundItem, WrongRatio
from denghuo.service.contract.api import ChangeTerms, ContractApi, ContractsOf
from denghuo.service.ledger.api import (
    BuyerCodeWrong,
    FindInvoices,
    Invoice,
    InvoiceRef,
    InvoiceUnknown,
    IssueInvoice,
    LedgerApi,
    NotInvoiced,
    SendInvoices,
)
from denghuo.service.ledger.rules import VAT_RATE, is_credit_code, red_tax, spread, tax_within
from denghuo.service.ledger.service import LedgerService
from denghuo.service.workflow.api import Decide, WorkflowApi

SHOP = Supply(2, 2, daily(40), tariff_class="general_single_part", contract_kw=100)
SOLAR = Supply(3, 2, daily(3), surplus=daily(9))
CODE = "91140000MA0GXXLT42"
NOT_KNOWN = "91000000MA0GXXLT4"


def number(suffix: str = "01", supply: Supply = SHOP, kind: str = "1") -> str:
    return f"202604{supply.account_no}{kind}{suffix}"


@pytest.fixture(params=["local", "remote"])
def found(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[County]:
    with county(request.param, database_dsn, tmp_path, {LedgerApi: LedgerService}) as made:
        settle_county(made, [SHOP, SOLAR])
        made.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
        made.settle()
        yield made


def books(found: County) -> LedgerApi:
    return found.ask(LedgerApi)


def invoiced(found: County, bill_no: str, **given: Any) -> Invoice:
    asked = books(found).issue_invoice(OPERATOR, IssueInvoice(bill_no=bill_no, **given))
    assert asked.state in ("waiting", "issued")
    found.settle()
    return books(found).invoice(OPERATOR, InvoiceRef(invoice_no=asked.invoice_no))


def register(found: County) -> list[tuple[str, str, str, str, str]]:
    """Colour, suffix of the bill, amount, tax and state, in the order in which they were asked for."""
    rows = books(found).invoices(OPERATOR, FindInvoices(account_no=SHOP.account_no)).rows
    return [(one.colour, one.bill_no[-2:], str(one.amount), str(one.tax), one.state) for one in reversed(rows)]


def agree(found: County, approval_no: int | None) -> None:
    assert approval_no is not None
    found.directory(WorkflowApi).decide(OTHER_PERSON, Decide(approval_no=approval_no, agreed=True, remark="同意"))
    found.settle()


def rebill(found: County, bill_no: str) -> None:
    agree(found, found.billing.rebill(ACCOUNTANT, ReverseBill(bill_no=bill_no, reason="用电类别有误")).approval_no)


def case(found: County, **facts: Any) -> None:
    days = {"from_on": date(2026, 4, 1), "to_on": date(2026, 4, 30)}
    asked = OpenCase(account_no=SHOP.account_no, reason="现场校验", evidence="校验记录", **days, **facts)  # type: ignore[arg-type]
    agree(found, found.billing.open_case(replace(ACCOUNTANT, now=clock()), asked).approval_no)


def test_an_invoice_follows_its_bill_by_red_letter_and_a_new_one(found: County) -> None:
    blue = invoiced(found, number(), buyer="高平市示范商贸有限公司", buyer_code=CODE)
    assert (blue.colour, blue.state, str(blue.amount), str(blue.tax), str(blue.rate)) == (
        "blue",
        "issued",
        "942.36",
        "108.41",
        "13.00",
    )
    assert blue.sandbox and blue.tax_number is not None and len(blue.tax_number) == 20
    assert blue.left == blue.amount

    (known,) = found.directory(ContractApi).contracts_of(OPERATOR, ContractsOf(account_no=SHOP.account_no)).rows
    change = ChangeTerms(
        contract_no=known.contract_no, effective_from=date(2026, 4, 1), tariff_class="resident", reason="用电类别更正"
    )
    found.directory(ContractApi).change_terms(OPERATOR, change)
    rebill(found, number())
    assert register(found) == [
        ("blue", "01", "942.36", "108.41", "issued"),
        ("red", "02", "-942.36", "-108.41", "issued"),
        ("blue", "03", "740.40", "85.18", "issued"),
    ]
    rows = books(found).invoices(OPERATOR, FindInvoices(bill_no=number()))
    red, first = rows.rows
    assert (red.reds, first.left, str(rows.amount), str(rows.tax)) == (blue.invoice_no, Money(0), "0.00", "0.00")
    again = books(found).invoices(OPERATOR, FindInvoices(bill_no=number("03"))).rows
    assert [(one.buyer, one.buyer_code) for one in again] == [(first.buyer, CODE)]


def test_adjustments_are_followed_in_part_and_whole(found: County) -> None:
    invoiced(found, number())
    case(found, cause="ratio", ratio=WrongRatio(real=2, billed=1))
    case(found, cause="refund", items=[RefundItem(name="多计电费", amount=Money.of("-1000.00"))])
    # What is given back takes the newest invoice back whole, and of the one before it what is left.
    assert register(found) == [
        ("blue", "01", "942.36", "108.41", "issued"),
        ("blue", "02", "942.36", "108.41", "issued"),
        ("red", "03", "-942.36", "-108.41", "issued"),
        ("red", "03", "-57.64", "-6.63", "issued"),
    ]
    # The refund itself is taken back: the buyer is invoiced for it again.
    asked = found.billing.reverse_bill(ACCOUNTANT, ReverseBill(bill_no=number("03"), reason="退补有误"))
    agree(found, asked.approval_no)
    assert register(found)[-1] == ("blue", "04", "1000.00", "115.04", "issued")


def test_a_bill_without_an_invoice_is_followed_by_none(found: County) -> None:
    rebill(found, number())
    assert register(found) == []
    assert books(found).send_invoices(OPERATOR, SendInvoices()).issued == 0


def test_what_cannot_be_invoiced_is_said(found: County) -> None:
    def why(bill_no: str, **given: Any) -> str:
        with pytest.raises(NotInvoiced) as refused:
            books(found).issue_invoice(OPERATOR, IssueInvoice(bill_no=bill_no, **given))
        return str(refused.value.why)

    assert why(number("77")) == "not_posted"
    assert why(number("01", SOLAR, "2")) == "purchase"
    with pytest.raises(BuyerCodeWrong) as wrong:
        books(found).issue_invoice(OPERATOR, IssueInvoice(bill_no=number(), buyer_code=CODE[:-1] + "L"))
    assert wrong.value.errors[0]["field"] == "buyer_code"
    with pytest.raises(InvoiceUnknown):
        books(found).invoice(OPERATOR, InvoiceRef(invoice_no="FP202600999999"))

    # The authority may refuse; then the bill may be asked about again.
    code = next(NOT_KNOWN + last for last in "0123456789ABCDEFGHJKLMNPQRTUWXY" if is_credit_code(NOT_KNOWN + last))
    refused = invoiced(found, number(), buyer_code=code)
    assert refused.state == "refused" and refused.refusal is not None and code in refused.refusal.zh
    assert refused.tax_number is None and refused.left is None
    assert invoiced(found, number()).state == "issued"
    assert why(number()) == "known"
    agree(found, found.billing.reverse_bill(ACCOUNTANT, ReverseBill(bill_no=number(), reason="重复计费")).approval_no)
    assert why(number()) == "taken_back"
    assert why(number("02")) == "nothing_owed"
    found.billing.recalculate(ACCOUNTANT, Recalculate(account_no=SHOP.account_no, month=MONTH))
    found.settle()
    assert [row[:2] for row in register(found)] == [("blue", "01"), ("blue", "01"), ("red", "02"), ("blue", "03")]


# --- rules ------------------------------------------------------------------------------------------------------------------------


@given(amount=st.integers(1, 10**10), shares=st.lists(st.integers(1, 10**10), max_size=6))
def test_red_letters_over_all_of_an_invoice_take_back_all_of_its_tax(amount: int, shares: list[int]) -> None:
    left, tax = amount, tax_within(amount)
    for share in [*shares, amount]:
        taken = min(share, left)
        tax -= red_tax(left, taken)
        left -= taken
        assert tax == tax_within(left) and tax >= 0
    assert (left, tax) == (0, 0)


@given(credit=st.integers(0, 10**8), left=st.lists(st.integers(0, 10**7), max_size=8))
def test_a_credit_takes_back_what_was_invoiced_and_no_more(credit: int, left: list[int]) -> None:
    found = spread(credit, [(str(place), fen) for place, fen in enumerate(left)])
    assert sum(fen for _, fen in found) == min(credit, sum(left))
    assert all(0 < fen <= left[int(place)] for place, fen in found)


def test_the_tax_is_within_the_amount() -> None:
    assert (VAT_RATE, tax_within(11_300), tax_within(-11_300)) == (1_300, 1_300, -1_300)
    assert is_credit_code(CODE)
