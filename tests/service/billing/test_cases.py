"""Cases of back-billing and refund through both bindings: worked out, agreed to, billed, posted, proved, and taken back."""

import base64
import json
import pathlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from tests.service.billing.county import (
    ACCOUNTANT,
    OPERATOR,
    OTHER_PERSON,
    County,
    Supply,
    county,
    settle_county,
)
from tests.service.billing.months import bill_months, bill_no

from denghuo.kernel.values import Energy, Money, Power, Price
from denghuo.service.billing.api import (
    Bill,
    BillRef,
    CannotRate,
    Case,
    CaseNotFound,
    CaseRef,
    FindCases,
    NotAdjustable,
    NotReversible,
    NotTriable,
    OpenCase,
    ReplayBill,
    ReverseBill,
    RightEnergy,
)
from denghuo.service.billing.api.claim import StolenLoad, WiredElement, WrongRatio
from denghuo.service.billing.cases.desk import KIND
from denghuo.service.billing.listen import carry_out_decision
from denghuo.service.ledger.api import AskProof, AskTrialBalance, LedgerApi, Owed, OwedBy
from denghuo.service.ledger.service import LedgerService
from denghuo.service.workflow.api import ApprovalDecided, ApprovalRef, Decide, WorkflowApi
from denghuo_verify.check import verify

HOME = Supply(1, 1, contract_kw=30)
SHOP = Supply(2, 2, tariff_class="general_single_part", contract_kw=30)
USED = {"2026-02": 1_000, "2026-03": 1_200, "2026-04": 900}
FEBRUARY, APRIL = date(2026, 2, 1), date(2026, 4, 30)


@pytest.fixture(params=["local", "remote"])
def found(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[County]:
    with billed(request.param, database_dsn, tmp_path) as made:
        yield made


@pytest.fixture
def quick(database_dsn: str, tmp_path: pathlib.Path) -> Iterator[County]:
    with billed("local", database_dsn, tmp_path) as made:
        yield made


@contextmanager
def billed(binding: str, dsn: str, folder: pathlib.Path) -> Iterator[County]:
    """Three months of a home and a shop."""
    with county(binding, dsn, folder, {LedgerApi: LedgerService}) as made:
        settle_county(made, [HOME, SHOP])
        months = {month: {"total": kwh} for month, kwh in USED.items()}
        bill_months(made, {HOME: months, SHOP: months})
        yield made


def opened(cause: str, supply: Supply = SHOP, **facts: Any) -> OpenCase:
    given = {
        "from_on": FEBRUARY,
        "to_on": APRIL,
        "reason": "现场校验发现差错",
        "evidence": "校验记录 2026-05-02",
    } | facts
    return OpenCase(account_no=supply.account_no, cause=cause, **given)  # type: ignore[arg-type]


def decide(found: County, case: Case, agreed: bool = True) -> Case:
    assert case.approval_no is not None
    found.directory(WorkflowApi).decide(
        OTHER_PERSON, Decide(approval_no=case.approval_no, agreed=agreed, remark="已核对")
    )
    found.settle()
    balanced(found)
    return found.billing.case(ACCOUNTANT, CaseRef(case_no=case.case_no))


def balanced(found: County) -> None:
    books = found.ask(LedgerApi)
    balance = books.trial_balance(OPERATOR, AskTrialBalance())
    assert balance.balanced, balance
    assert books.proof(OPERATOR, AskProof()).agrees


def owed(found: County, supply: Supply) -> Owed:
    return found.ask(LedgerApi).owed(OPERATOR, OwedBy(account_no=supply.account_no))


def shown(found: County, number: str | None) -> Bill:
    assert number is not None
    return found.billing.bill(ACCOUNTANT, BillRef(bill_no=number))


def verified(found: County, number: str) -> dict[str, Any]:
    file = found.billing.bill_file(ACCOUNTANT, BillRef(bill_no=number))
    body: dict[str, Any] = json.loads(base64.b64decode(file.content))
    report = verify(body)
    assert report.verdict == "verified", report
    return body


RATIO = WrongRatio(real=2, billed=1)


def test_a_wrong_ratio_is_settled_by_one_bill_of_all_its_months(found: County) -> None:
    before = owed(found, SHOP).outstanding
    case = found.billing.open_case(ACCOUNTANT, opened("ratio", ratio=RATIO))
    assert (case.state, case.energy, case.bill_no) == ("waiting", Energy.of("3100"), None)
    assert [(one.month, str(one.was_energy), str(one.energy)) for one in case.segments] == [
        (month, str(kwh), str(kwh)) for month, kwh in USED.items()
    ]
    # 0.7853 yuan a kWh, each month rounded by itself.
    assert [str(one.amount) for one in case.segments] == ["785.30", "942.36", "706.77"]
    assert str(case.amount) == "2434.43" == str(sum((line.amount for line in case.lines), Money(0)))
    assert owed(found, SHOP).outstanding == before

    done = decide(found, case)
    assert (done.state, done.decided_by) == ("done", "approver")
    assert done.bill_no == f"202604{SHOP.account_no}102"
    adjustment = shown(found, done.bill_no)
    assert (adjustment.state, adjustment.amount, adjustment.energy) == ("issued", case.amount, case.energy)
    assert (adjustment.from_on, adjustment.to_on, adjustment.case_no) == (FEBRUARY, APRIL, case.case_no)
    assert [line.sentence for line in adjustment.lines] == [line.sentence for line in case.lines]
    assert "更正系数 2" in adjustment.lines[0].sentence.zh and "应计 1570.60 元" in adjustment.lines[0].sentence.zh
    assert owed(found, SHOP).outstanding == before + case.amount

    # The bill that it adjusts stands, and says so; the chain leads from one to the other.
    april = shown(found, bill_no(SHOP, "2026-04"))
    assert (april.state, str(april.amount)) == ("issued", "706.77")
    assert [(one.bill_no, one.role, one.of) for one in april.chain] == [
        (april.bill_no, "first", None),
        (done.bill_no, "adjustment", april.bill_no),
    ]
    assert [one.role for one in shown(found, bill_no(SHOP, "2026-02")).chain] == ["first", "adjustment"]

    # It is proved and computed again, line by line.
    body = verified(found, adjustment.bill_no)
    assert body["version"] == 3 and len(body["bill"]["rating"]["segments"]) == 3
    assert found.billing.replay_bill(ACCOUNTANT, ReplayBill(bill_no=adjustment.bill_no)).outcome == "identical"
    rows = found.billing.cases(ACCOUNTANT, FindCases(account_no=SHOP.account_no))
    assert [(row.case_no, row.state) for row in rows.rows] == [(case.case_no, "done")] and rows.amount == case.amount


# --- what is refused -------------------------------------------------------------------------------------------------------------


def test_what_does_not_fit_is_named_with_its_field(quick: County) -> None:
    def fields(case: OpenCase) -> list[str]:
        with pytest.raises(NotTriable) as refused:
            quick.billing.open_case(ACCOUNTANT, case)
        return [error["field"] for error in refused.value.errors]

    assert fields(opened("ratio")) == ["ratio"]
    assert fields(opened("ratio", ratio=RATIO, loads=[StolenLoad(power=Power(1000), price=Price.of("0.5"))])) == [
        "loads"
    ]
    assert fields(opened("ratio", ratio=RATIO, from_on=APRIL, to_on=FEBRUARY)) == ["to_on"]
    assert fields(opened("ratio", ratio=RATIO, from_on=date(2020, 1, 1))) == ["to_on"]
    assert fields(opened("wiring", elements=[WiredElement(ratio=30)] * 2, billed_ratio=30)) == ["elements"]
    twice = [RightEnergy(month="2026-03", meter_no="M00002", energy=Energy.of("5"))] * 2
    assert fields(opened("reading", right=twice)) == ["right.1.meter_no"]
    assert fields(opened("reading", right=[twice[0].model_copy(update={"month": "2026-05"})])) == ["right.0.month"]
    assert fields(opened("theft")) == ["energies"]
    assert fields(opened("tariff")) == ["tariff_class"]


def test_a_case_needs_bills_a_difference_and_no_other_case_of_its_kind(quick: County) -> None:
    def why(case: OpenCase) -> tuple[str, dict[str, Any]]:
        with pytest.raises(NotAdjustable) as refused:
            quick.billing.open_case(ACCOUNTANT, case)
        return refused.value.why, refused.value.fields

    assert why(opened("ratio", ratio=RATIO, to_on=date(2026, 5, 31)))[1]["month"] == "2026-05"
    assert why(opened("ratio", ratio=WrongRatio(real=3, billed=3)))[0] == "no_difference"
    assert why(opened("tariff", tariff_class="general_single_part"))[0] == "no_difference"
    first = quick.billing.open_case(ACCOUNTANT, opened("ratio", ratio=RATIO, from_on=date(2026, 4, 10)))
    reason, fields = why(opened("ratio", ratio=RATIO, to_on=date(2026, 4, 5)))
    assert (reason, fields["case_no"]) == ("known", first.case_no)
    # Once it was refused, the days are free again; another kind was never in its way.
    assert decide(quick, first, agreed=False).state == "refused"
    again = quick.billing.open_case(ACCOUNTANT, opened("ratio", ratio=RATIO))
    assert decide(quick, again).state == "done"
    right = [RightEnergy(month="2026-03", meter_no="M00009", energy=Energy.of("5"))]
    with pytest.raises(CannotRate, match="M00009"):
        quick.billing.open_case(ACCOUNTANT, opened("reading", right=right))
    assert why(opened("ratio", ratio=RATIO))[0] == "known"
    with pytest.raises(CaseNotFound):
        quick.billing.case(ACCOUNTANT, CaseRef(case_no="TB2026999999"))


def test_a_case_is_withdrawn_and_heard_twice_it_is_billed_once(quick: County) -> None:
    case = quick.billing.open_case(ACCOUNTANT, opened("ratio", ratio=RATIO))
    assert case.approval_no is not None
    asker = replace(ACCOUNTANT, permits=frozenset({"workflow.act"}))
    quick.directory(WorkflowApi).withdraw(asker, ApprovalRef(approval_no=case.approval_no))
    quick.settle()
    assert quick.billing.case(ACCOUNTANT, CaseRef(case_no=case.case_no)).state == "withdrawn"

    case = quick.billing.open_case(ACCOUNTANT, opened("ratio", ratio=RATIO))
    done = decide(quick, case)
    before = owed(quick, SHOP)
    assert case.approval_no is not None
    heard = ApprovalDecided(
        approval_no=case.approval_no,
        kind=KIND,
        subject_noun="billing",
        subject_id=case.case_no,
        agreed=True,
        decided_by="approver",
        requested_by="accountant",
        remark="",
    )
    for event_id in ("first", "first", "second"):
        quick.directory.hosted["billing"].handle("billing", carry_out_decision, OPERATOR, heard, event_id)
        quick.settle()
        balanced(quick)
    assert owed(quick, SHOP) == before
    assert quick.billing.case(ACCOUNTANT, CaseRef(case_no=case.case_no)) == done


# --- taking back ------------------------------------------------------------------------------------------------------------------


def take_back(found: County, number: str, rebill: bool = False) -> None:
    ask = found.billing.rebill if rebill else found.billing.reverse_bill
    asked = ask(ACCOUNTANT, ReverseBill(bill_no=number, reason="退补依据有误"))
    found.directory(WorkflowApi).decide(OTHER_PERSON, Decide(approval_no=asked.approval_no, agreed=True, remark="同意"))
    found.settle()
    balanced(found)


def test_an_adjusted_bill_is_taken_back_after_its_adjustment(found: County) -> None:
    before = owed(found, SHOP).outstanding
    case = decide(found, found.billing.open_case(ACCOUNTANT, opened("ratio", ratio=RATIO)))
    assert case.bill_no is not None
    original = bill_no(SHOP, "2026-03")
    with pytest.raises(NotReversible) as refused:
        found.billing.rebill(ACCOUNTANT, ReverseBill(bill_no=original, reason="用电类别有误"))
    assert (refused.value.why, refused.value.adjusted_by) == ("adjusted", case.bill_no)
    with pytest.raises(NotReversible) as refused:
        found.billing.rebill(ACCOUNTANT, ReverseBill(bill_no=case.bill_no, reason="用电类别有误"))
    assert refused.value.why == "adjustment"

    take_back(found, case.bill_no)
    gone, back = shown(found, case.bill_no), shown(found, f"202604{SHOP.account_no}103")
    assert (gone.state, back.reverses, back.amount) == ("reversed", gone.bill_no, -gone.amount)
    assert found.billing.case(ACCOUNTANT, CaseRef(case_no=case.case_no)).state == "reversed"
    assert owed(found, SHOP).outstanding == before
    assert verified(found, back.bill_no)["version"] == 3
    assert found.billing.replay_bill(ACCOUNTANT, ReplayBill(bill_no=back.bill_no)).outcome == "identical"

    # Now the bill itself may go, and another case may come; the numbers run on.
    take_back(found, bill_no(SHOP, "2026-04"), rebill=True)
    assert shown(found, bill_no(SHOP, "2026-04")).replaced_by == f"202604{SHOP.account_no}105"
    again = decide(found, found.billing.open_case(ACCOUNTANT, opened("ratio", ratio=RATIO)))
    assert again.bill_no == f"202604{SHOP.account_no}106"
    assert [one.bill_no for one in again.segments][-1] == f"202604{SHOP.account_no}105"


def test_what_changed_before_it_was_agreed_to_makes_a_case_void(quick: County) -> None:
    ratio = quick.billing.open_case(ACCOUNTANT, opened("ratio", ratio=RATIO))
    tariff = quick.billing.open_case(ACCOUNTANT, opened("tariff", tariff_class="resident"))
    assert decide(quick, ratio).state == "done"
    before = owed(quick, SHOP)
    assert decide(quick, tariff).state == "void"
    assert owed(quick, SHOP) == before

    # Opened again it starts from what the first one left: 0.7853 becomes the price of residents for twice the energy.
    after = quick.billing.open_case(ACCOUNTANT, opened("tariff", tariff_class="resident"))
    assert [str(one.was_energy) for one in after.segments] == ["2000", "2400", "1800"]
    done = decide(quick, after)
    assert done.bill_no is not None and done.amount.fen < 0
    verified(quick, done.bill_no)
    assert owed(quick, SHOP).outstanding == before.outstanding + done.amount
    with pytest.raises(NotReversible) as refused:
        quick.billing.reverse_bill(ACCOUNTANT, ReverseBill(bill_no=ratio_bill(quick, ratio), reason="依据有误"))
    assert refused.value.adjusted_by == done.bill_no


def ratio_bill(found: County, case: Case) -> str:
    number = found.billing.case(ACCOUNTANT, CaseRef(case_no=case.case_no)).bill_no
    assert number is not None
    return number
