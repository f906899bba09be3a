"""Bills taken back and billed again, through both bindings: linked, proved, posted, and the books balanced after each step."""

import base64
import json
from dataclasses import replace
from datetime import date
from typing import Any

import psycopg
import pytest
from tests.service.billing.county import (
    ACCOUNTANT,
    CLERK,
    MONTH,
    OPERATOR,
    OTHER_PERSON,
    County,
    Prepare,
    Prepared,
    Supply,
    daily,
    holder,
    settle_county,
)
from tests.service.bindings import NOW

from denghuo.kernel.values import Energy, Money
from denghuo.service.billing.api import (
    Bill,
    BillNotFound,
    BillRef,
    CycleRef,
    FindExceptions,
    MyBills,
    NotIssued,
    NotReversible,
    Recalculate,
    ReplayBill,
    ReplayMonth,
    ReversalAsked,
    ReverseBill,
    StartCycle,
    Summarise,
    TakeOverUse,
    UsedMonth,
)
from denghuo.service.billing.listen import carry_out_decision
from denghuo.service.billing.reversal import KIND
from denghuo.service.contract.api import ChangeTerms, ContractApi, ContractsOf
from denghuo.service.ledger.api import AskProof, AskTrialBalance, LedgerApi, Owed, OwedBy, PostReceipts, Receipt
from denghuo.service.ledger.service import LedgerService
from denghuo.service.notice.api import Inbox, NoticeApi
from denghuo.service.workflow.api import ApprovalDecided, ApprovalRef, Decide, WorkflowApi
from denghuo_verify.check import verify

HEAVY = Supply(1, 1, daily(120), contract_kw=9)
SHOP = Supply(2, 2, daily(40), tariff_class="general_single_part", contract_kw=10)
SOLAR = Supply(3, 2, daily(3), surplus=daily(9))
EMPTY = Supply(4, 1, daily(0))
ALL = [HEAVY, SHOP, SOLAR, EMPTY]
ACCOUNTANT_AT_WORKFLOW = replace(ACCOUNTANT, permits=frozenset({"workflow.act"}))
SHOP_AMOUNT, AS_RESIDENT = Money.of("942.36"), Money.of("740.40")


def number(supply: Supply, suffix: str = "01", kind: str = "1") -> str:
    return f"202604{supply.account_no}{kind}{suffix}"


@pytest.fixture(scope="module")
def prepared_county(prepare: Prepare) -> Prepared:
    def make(made: County) -> None:
        settle_county(made, ALL)
        made.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
        made.settle()

    return prepare(make, {LedgerApi: LedgerService})


def shown(found: County, bill_no: str) -> Bill:
    return found.billing.bill(ACCOUNTANT, BillRef(bill_no=bill_no))


def reverse(found: County, bill_no: str, reason: str = "用电类别有误") -> ReversalAsked:
    return found.billing.reverse_bill(ACCOUNTANT, ReverseBill(bill_no=bill_no, reason=reason))


def rebill(found: County, bill_no: str) -> ReversalAsked:
    return found.billing.rebill(ACCOUNTANT, ReverseBill(bill_no=bill_no, reason="用电类别有误"))


def decide(found: County, asked: ReversalAsked, agreed: bool = True) -> None:
    found.directory(WorkflowApi).decide(
        OTHER_PERSON, Decide(approval_no=asked.approval_no, agreed=agreed, remark="已核对")
    )
    found.settle()
    balanced(found)


def balanced(found: County) -> None:
    books = found.ask(LedgerApi)
    balance = books.trial_balance(OPERATOR, AskTrialBalance())
    assert balance.balanced, balance
    assert books.proof(OPERATOR, AskProof()).agrees


def owed(found: County, supply: Supply) -> Owed:
    return found.ask(LedgerApi).owed(OPERATOR, OwedBy(account_no=supply.account_no))


def pay(found: County, supply: Supply, amount: str, receipt_no: str = "SK20260501-1") -> None:
    receipt = Receipt(
        receipt_no=receipt_no,
        account_no=supply.account_no,
        org="1405810.02",
        amount=Money.of(amount),
        method="cash",
        paid_at=NOW,
    )
    found.directory(LedgerApi).post_receipts(OPERATOR, PostReceipts(receipts=[receipt]))
    found.settle()
    balanced(found)


def as_resident(found: County, supply: Supply) -> None:
    """The contract had the wrong class from the beginning of the month."""
    contracts = found.directory(ContractApi)
    (known,) = contracts.contracts_of(OPERATOR, ContractsOf(account_no=supply.account_no)).rows
    contracts.change_terms(
        OPERATOR,
        ChangeTerms(
            contract_no=known.contract_no,
            effective_from=date(2026, 4, 1),
            tariff_class="resident",
            reason="用电类别更正",
        ),
    )


def links(bill: Bill) -> list[tuple[str, str, str | None, str, str]]:
    return [(one.bill_no[-2:], one.role, one.of and one.of[-2:], one.state, str(one.amount)) for one in bill.chain]


def verified(found: County, bill_no: str) -> dict[str, Any]:
    file = found.billing.bill_file(ACCOUNTANT, BillRef(bill_no=bill_no))
    body: dict[str, Any] = json.loads(base64.b64decode(file.content))
    report = verify(body)
    assert report.verdict == "verified", report
    return body


# --- taking back ------------------------------------------------------------------------------------------------------------


def test_a_bill_is_taken_back_once_another_person_agrees(found: County) -> None:
    asked = reverse(found, number(SHOP))
    assert (asked.state, asked.rebill) == ("waiting", False)
    assert reverse(found, number(SHOP)).approval_no == asked.approval_no
    found.settle()
    waiting = shown(found, number(SHOP))
    assert (waiting.state, waiting.chain) == ("issued", [])
    assert waiting.reversal and (waiting.reversal.state, waiting.reversal.reason) == ("waiting", "用电类别有误")
    assert owed(found, SHOP).outstanding == SHOP_AMOUNT

    decide(found, asked)
    gone, back = shown(found, number(SHOP)), shown(found, number(SHOP, "02"))
    assert (gone.state, gone.reversed_by, gone.amount) == ("reversed", back.bill_no, SHOP_AMOUNT)
    assert gone.reversal and (gone.reversal.state, gone.reversal.decided_by) == ("done", "approver")
    assert (back.state, back.reverses, back.amount, back.energy) == (
        "reversed",
        gone.bill_no,
        -SHOP_AMOUNT,
        -gone.energy,
    )
    assert [-line.amount for line in back.lines] == [line.amount for line in gone.lines]
    assert [-line.quantity for line in back.lines if line.quantity] == [line.quantity for line in gone.lines]
    assert back.registers == gone.registers and gone.bill_no in back.remarks[0].zh
    assert back.bill_no in gone.remarks[-1].en
    assert (
        links(gone)
        == links(back)
        == [
            ("01", "first", None, "reversed", "942.36"),
            ("02", "reversal", "01", "reversed", "-942.36"),
        ]
    )

    # Nothing is owed, and the two are nothing in the sums of the month.
    now = owed(found, SHOP)
    assert (now.items, now.outstanding, now.prepaid) == ([], Money(0), Money(0))
    summary = found.billing.month_summary(ACCOUNTANT, Summarise(month=MONTH))
    assert (summary.supply_count, str(summary.supply_amount)) == (2, "2300.73")
    cycle = found.billing.cycle(ACCOUNTANT, CycleRef(month=MONTH))
    assert (cycle.issued, str(cycle.amount), cycle.rated) == (3, "2300.73", 4)

    # Both are proved and computed again.
    assert verified(found, gone.bill_no)["bill"]["reverses"] is None
    assert verified(found, back.bill_no)["bill"]["reverses"] == gone.bill_no
    page = found.billing.replay_month(ACCOUNTANT, ReplayMonth(month=MONTH))
    assert (page.checked, page.identical) == (5, 5)


def test_a_paid_bill_leaves_a_credit(quick: County) -> None:
    pay(quick, SHOP, "942.36")
    decide(quick, reverse(quick, number(SHOP)))
    now = owed(quick, SHOP)
    assert (now.outstanding, now.prepaid) == (Money(0), SHOP_AMOUNT)


def test_a_part_paid_bill_leaves_what_was_paid(quick: County) -> None:
    pay(quick, SHOP, "100.00")
    decide(quick, reverse(quick, number(SHOP)))
    now = owed(quick, SHOP)
    assert (now.outstanding, now.prepaid) == (Money(0), Money.of("100.00"))


def test_a_purchase_statement_is_taken_back(quick: County) -> None:
    assert owed(quick, SOLAR).payable == Money.of("112.19")
    decide(quick, reverse(quick, number(SOLAR, kind="2")))
    assert owed(quick, SOLAR).payable == Money(0)
    assert shown(quick, number(SOLAR, "02", "2")).amount == Money.of("-112.19")
    assert shown(quick, number(SOLAR)).state == "issued"


def test_what_is_taken_back_leaves_the_tier_year_until_it_is_billed_again(quick: County) -> None:
    def taken_over() -> int:
        months = [UsedMonth(account_no=HEAVY.account_no, org="1405810.01", month=MONTH, energy=Energy.of("3600"))]
        return quick.billing.take_over_use(ACCOUNTANT, TakeOverUse(months=months)).taken

    # A month that is billed here is refused, so what is taken over tells that nothing is billed.
    assert taken_over() == 0
    decide(quick, rebill(quick, number(HEAVY)))
    assert shown(quick, number(HEAVY, "03")).state == "issued" and taken_over() == 0
    decide(quick, reverse(quick, number(HEAVY, "03")))
    assert taken_over() == 1


def test_holders_are_told_that_a_bill_was_taken_back(quick: County) -> None:
    decide(quick, reverse(quick, number(SHOP)))
    inbox = quick.directory(NoticeApi).inbox(
        replace(holder(SHOP.account_no), permits=frozenset({"*"})), Inbox(account_no=SHOP.account_no)
    )
    assert "已冲销" in inbox.rows[0].title.zh and "942.36" in inbox.rows[0].body.zh
    assert number(SHOP) in inbox.rows[0].body.zh


# --- billing again ----------------------------------------------------------------------------------------------------------


def test_taken_back_billed_again_and_paid(found: County) -> None:
    as_resident(found, SHOP)
    pay(found, SHOP, "800.00")
    decide(found, rebill(found, number(SHOP)))
    new = shown(found, number(SHOP, "03"))
    assert (new.state, new.tariff_class, new.amount, new.replaces) == ("issued", "resident", AS_RESIDENT, number(SHOP))
    assert shown(found, number(SHOP)).replaced_by == new.bill_no
    assert links(new) == [
        ("01", "first", None, "reversed", "942.36"),
        ("02", "reversal", "01", "reversed", "-942.36"),
        ("03", "replacement", "01", "issued", "740.40"),
    ]
    # What was paid on the first bill pays the new one; the rest is the customer's.
    now = owed(found, SHOP)
    assert (now.outstanding, now.prepaid) == (Money(0), Money.of("59.60"))
    verified(found, new.bill_no)
    page = found.billing.replay_month(ACCOUNTANT, ReplayMonth(month=MONTH))
    assert (page.checked, page.identical) == (6, 6)

    # The new bill may be taken back in its turn.
    decide(found, rebill(found, new.bill_no))
    assert [one[:3] for one in links(shown(found, number(SHOP)))][3:] == [
        ("04", "reversal", "03"),
        ("05", "replacement", "03"),
    ]
    assert owed(found, SHOP).prepaid == Money.of("59.60")


def test_an_unpaid_bill_billed_again_is_owed_once_and_paid(quick: County) -> None:
    as_resident(quick, SHOP)
    decide(quick, rebill(quick, number(SHOP)))
    now = owed(quick, SHOP)
    assert [item.bill_no for item in now.items] == [number(SHOP, "03")]
    assert (now.outstanding, now.prepaid) == (AS_RESIDENT, Money(0))
    pay(quick, SHOP, str(AS_RESIDENT))
    assert owed(quick, SHOP).items == []


def test_a_bill_taken_back_alone_is_billed_again_by_recalculation(quick: County) -> None:
    decide(quick, reverse(quick, number(HEAVY)))
    again = quick.billing.recalculate(CLERK, Recalculate(account_no=HEAVY.account_no, month=MONTH))
    quick.settle()
    assert (again.issued, str(again.amount)) == (1, "2245.20")
    assert shown(quick, number(HEAVY, "03")).replaces == number(HEAVY)
    balanced(quick)


def test_a_bill_is_computed_as_it_was_known_on_a_day(quick: County) -> None:
    as_resident(quick, SHOP)
    decide(quick, rebill(quick, number(SHOP)))
    with psycopg.connect(quick.dsn, autocommit=True) as connection:
        # Issued in May, taken back and billed again in June.
        for suffix, day in (("01", "2026-05-03"), ("02", "2026-06-10"), ("03", "2026-06-12")):
            connection.execute("UPDATE billing.bill SET issued_on = %s WHERE bill_no = %s", (day, number(SHOP, suffix)))

    def known(day: date) -> tuple[str, str, str]:
        found = quick.billing.replay_bill(ACCOUNTANT, ReplayBill(bill_no=number(SHOP, "02"), known_on=day))
        return found.bill_no[-2:], found.outcome, str(found.computed)

    first, last = ("01", "identical", "942.36"), ("03", "identical", "740.40")
    assert [known(date(2026, 5, 3)), known(date(2026, 6, 9)), known(date(2026, 6, 12))] == [first, first, last]
    for day in (date(2026, 5, 2), date(2026, 6, 10)):
        with pytest.raises(NotIssued):
            known(day)


# --- what is refused --------------------------------------------------------------------------------------------------------


def test_bills_that_cannot_be_taken_back_are_refused_with_why(found: County) -> None:
    def why(bill_no: str) -> str:
        with pytest.raises(NotReversible) as refused:
            rebill(found, bill_no)
        assert refused.value.detail["zh"] and refused.value.detail["en"]
        return str(refused.value.fields["why"])

    assert why(number(EMPTY)) == "not_issued"
    asked = reverse(found, number(SHOP))
    assert why(number(SHOP)) == "waiting"
    decide(found, asked)
    assert (why(number(SHOP)), why(number(SHOP, "02"))) == ("reversed", "reversal")
    with pytest.raises(BillNotFound):
        found.billing.reverse_bill(CLERK, ReverseBill(bill_no=number(SOLAR), reason="不在本所"))


def test_a_refusal_changes_nothing_and_may_be_asked_again(quick: County) -> None:
    first = rebill(quick, number(SHOP))
    decide(quick, first, agreed=False)
    bill = shown(quick, number(SHOP))
    assert (bill.state, bill.chain) == ("issued", [])
    assert bill.reversal and (bill.reversal.state, bill.reversal.decided_by) == ("refused", "approver")
    second = reverse(quick, number(SHOP))
    assert second.approval_no != first.approval_no
    decide(quick, second)
    assert shown(quick, number(SHOP)).state == "reversed"


def test_a_withdrawn_request_is_forgotten_and_may_be_asked_otherwise(found: County) -> None:
    asked = rebill(found, number(SHOP))
    found.directory(WorkflowApi).withdraw(ACCOUNTANT_AT_WORKFLOW, ApprovalRef(approval_no=asked.approval_no))
    found.settle()
    bill = shown(found, number(SHOP))
    assert bill.reversal and (bill.state, bill.reversal.state) == ("issued", "withdrawn")
    assert reverse(found, number(SHOP)).approval_no != asked.approval_no


def test_a_decision_heard_twice_takes_a_bill_back_once(quick: County) -> None:
    asked = rebill(quick, number(SHOP))
    heard = ApprovalDecided(
        approval_no=asked.approval_no,
        kind=KIND,
        subject_noun="billing",
        subject_id=number(SHOP),
        agreed=True,
        decided_by="approver",
        requested_by="accountant",
        remark="",
    )
    for event_id in ("first", "first", "second"):
        quick.directory.hosted["billing"].handle("billing", carry_out_decision, OPERATOR, heard, event_id)
        quick.settle()
        balanced(quick)
    assert [one[:2] for one in links(shown(quick, number(SHOP)))] == [
        ("01", "first"),
        ("02", "reversal"),
        ("03", "replacement"),
    ]


def test_a_holder_sees_the_chain_and_not_who_asked(quick: County) -> None:
    as_resident(quick, SHOP)
    decide(quick, rebill(quick, number(SHOP)))
    mine = holder(SHOP.account_no)
    rows = quick.billing.my_bills(mine, MyBills()).rows
    assert [(row.bill_no[-2:], row.reverses and row.reverses[-2:]) for row in rows] == [
        ("03", None),
        ("02", "01"),
        ("01", None),
    ]
    bill = quick.billing.my_bill(mine, BillRef(bill_no=number(SHOP, "03")))
    assert len(bill.chain) == 3 and bill.reversal is None
    assert quick.billing.my_bill_document(mine, BillRef(bill_no=number(SHOP, "02"))).content


def test_the_ninety_ninth_bill_of_a_month_is_the_last(quick: County) -> None:
    """A number more would be one of the other kind: 2026-04, the account, 1 and 99 is followed by 2 and 00."""
    asked = rebill(quick, number(SHOP))
    columns = "month, account_no, org, kind, contract_no, tariff_class, tariff_code, tariff_version, tariff_title, from_on, to_on"
    with psycopg.connect(quick.dsn, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO billing.bill (bill_no, state, energy_wh, used_before_wh, amount_fen, estimated_days, illustrative,"
            f" remarks, rated_at, issued_on, {columns}) SELECT %s, 'reversed', 0, 0, 0, 0, false, '[]', rated_at, issued_on,"
            f" {columns} FROM billing.bill WHERE bill_no = %s",
            (number(SHOP, "99"), number(SHOP)),
        )
    # The one that waited can no longer be carried out, and another one is refused at once.
    decide(quick, asked)
    bill = shown(quick, number(SHOP))
    assert bill.state == "issued" and bill.reversal is not None and bill.reversal.state == "void"
    with pytest.raises(NotReversible, match="99") as refused:
        reverse(quick, number(SHOP))
    assert refused.value.why == "no_number"
    # Billed again, the account is held with the reason instead of getting a wrong number.
    with psycopg.connect(quick.dsn, autocommit=True) as connection:
        connection.execute("UPDATE billing.bill SET state = 'reversed' WHERE bill_no = %s", (number(SHOP),))
    done = quick.billing.recalculate(ACCOUNTANT, Recalculate(account_no=SHOP.account_no, month=MONTH))
    assert (done.issued, done.held) == (0, 1)
    (row,) = quick.billing.exceptions(ACCOUNTANT, FindExceptions(keyword=SHOP.account_no, state="open")).rows
    assert row.code == "rating_failed" and "99" in row.reason.zh
