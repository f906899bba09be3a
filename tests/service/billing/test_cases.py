"""Cases of back-billing and refund through both bindings: worked out, agreed to, billed, posted, proved, and taken back."""

import base64
import copy
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from tests.service.billing.county import (
    ACCOUNTANT,
    OPERATOR,
    OTHER_PERSON,
    County,
    Prepare,
    Prepared,
    Supply,
    settle_county,
)
from tests.service.billing.months import bill_months, bill_no
from tests.service.bindings import clock

from denghuo.kernel.contract import Call
from denghuo.kernel.values import Energy, Money, Percent, Power, Price
from denghuo.service.billing.api import (
    Bill,
    BillRef,
    CannotRate,
    Case,
    CaseNotFound,
    CaseRef,
    FindCases,
    FindExceptions,
    NotAdjustable,
    NotReversible,
    NotTriable,
    OpenCase,
    Recalculate,
    ReplayBill,
    ReverseBill,
    RightEnergy,
)
from denghuo.service.billing.api.claim import (
    LostPhases,
    MeterError,
    RefundItem,
    StolenLoad,
    SuppliedPower,
    WiredElement,
    WrongRatio,
)
from denghuo.service.billing.cases.desk import KIND
from denghuo.service.billing.listen import carry_out_decision
from denghuo.service.ledger.api import AskProof, AskTrialBalance, FindEntries, LedgerApi, Owed, OwedBy
from denghuo.service.ledger.service import LedgerService
from denghuo.service.workflow.api import ApprovalDecided, ApprovalRef, Decide, WorkflowApi
from denghuo_verify.check import verify

HOME = Supply(1, 1, contract_kw=30)
SHOP = Supply(2, 2, tariff_class="general_single_part", contract_kw=30)
USED = {"2026-02": 1_000, "2026-03": 1_200, "2026-04": 900}
FEBRUARY, APRIL = date(2026, 2, 1), date(2026, 4, 30)


@pytest.fixture(scope="module")
def prepared_county(prepare: Prepare) -> Prepared:
    """Three months of a home and a shop."""

    def make(empty: County) -> None:
        settle_county(empty, [HOME, SHOP])
        months = {month: {"total": kwh} for month, kwh in USED.items()}
        bill_months(empty, {HOME: months, SHOP: months})

    return prepare(make, {LedgerApi: LedgerService})


def at_the_desk() -> Call:
    """An accountant of today: what was billed before is known."""
    return replace(ACCOUNTANT, now=clock())


def opened(cause: str, who: Supply = SHOP, **facts: Any) -> OpenCase:
    given = {
        "from_on": FEBRUARY,
        "to_on": APRIL,
        "reason": "现场校验发现差错",
        "evidence": "校验记录 2026-05-02",
    } | facts
    return OpenCase(account_no=who.account_no, cause=cause, **given)  # type: ignore[arg-type]


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
    case = found.billing.open_case(at_the_desk(), opened("ratio", ratio=RATIO))
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


def test_a_changed_adjustment_is_found_out(quick: County) -> None:
    done = decide(quick, quick.billing.open_case(at_the_desk(), opened("ratio", ratio=RATIO)))
    assert done.bill_no is not None
    body = verified(quick, done.bill_no)

    def said(change: Callable[[dict[str, Any]], None]) -> tuple[str, set[str]]:
        changed = copy.deepcopy(body)
        change(changed["bill"])
        report = verify(changed | {"proof": None}, need_proof=False)
        return report.verdict, {one.where for one in [*report.differs, *report.unknown]}

    def segment(bill: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = bill["rating"]["segments"][0]
        return found

    assert said(lambda bill: None) == ("verified", set())
    verdict, where = said(lambda bill: segment(bill)["corrections"][0].update(factor="3/1"))
    assert (verdict, where) == ("differs", {"segment 2026-02 M00002"})
    verdict, where = said(lambda bill: segment(bill)["now"]["registers"][0].update(energy="2100"))
    assert verdict == "differs" and {"segment 2026-02 M00002", "bill.energy", "bill.amount"} <= where
    verdict, where = said(lambda bill: bill["lines"][0].update(amount="800.00"))
    assert verdict == "differs" and "line 1 (energy).amount" in where
    assert said(lambda bill: bill["rating"].update(cause="weather"))[0] == "unknown"
    assert said(lambda bill: segment(bill).update(month="2026-05"))[0] == "differs"


# --- what is refused -------------------------------------------------------------------------------------------------------------


def test_what_does_not_fit_is_named_with_its_field(quick: County) -> None:
    def fields(case: OpenCase) -> list[str]:
        with pytest.raises(NotTriable) as refused:
            quick.billing.open_case(at_the_desk(), case)
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
    # When it was found is no fact by itself, and of a theft or a breach alone.
    assert fields(opened("breach", found_on="2026-05-02")) == ["category"]
    assert fields(opened("ratio", ratio=RATIO, found_on="2026-05-02")) == ["found_on"]
    assert fields(opened("tariff")) == ["tariff_class"]


def test_a_case_needs_bills_a_difference_and_no_other_case_of_its_kind(quick: County) -> None:
    def why(case: OpenCase) -> tuple[str, dict[str, Any]]:
        with pytest.raises(NotAdjustable) as refused:
            quick.billing.open_case(at_the_desk(), case)
        return refused.value.why, refused.value.fields

    assert why(opened("ratio", ratio=RATIO, to_on=date(2026, 5, 31)))[1]["month"] == "2026-05"
    assert why(opened("ratio", ratio=WrongRatio(real=3, billed=3)))[0] == "no_difference"
    assert why(opened("tariff", tariff_class="general_single_part"))[0] == "no_difference"
    first = quick.billing.open_case(at_the_desk(), opened("ratio", ratio=RATIO, from_on=date(2026, 4, 10)))
    reason, fields = why(opened("ratio", ratio=RATIO, to_on=date(2026, 4, 5)))
    assert (reason, fields["case_no"]) == ("known", first.case_no)
    # Once it was refused, the days are free again; another kind was never in its way.
    assert decide(quick, first, agreed=False).state == "refused"
    again = quick.billing.open_case(at_the_desk(), opened("ratio", ratio=RATIO))
    assert decide(quick, again).state == "done"
    right = [RightEnergy(month="2026-03", meter_no="M00009", energy=Energy.of("5"))]
    with pytest.raises(CannotRate, match="M00009"):
        quick.billing.open_case(at_the_desk(), opened("reading", right=right))
    assert why(opened("ratio", ratio=RATIO))[0] == "known"
    with pytest.raises(CaseNotFound):
        quick.billing.case(ACCOUNTANT, CaseRef(case_no="TB2026999999"))


def test_a_case_is_withdrawn_and_heard_twice_it_is_billed_once(quick: County) -> None:
    case = quick.billing.open_case(at_the_desk(), opened("ratio", ratio=RATIO))
    assert case.approval_no is not None
    asker = replace(ACCOUNTANT, permits=frozenset({"workflow.act"}))
    quick.directory(WorkflowApi).withdraw(asker, ApprovalRef(approval_no=case.approval_no))
    quick.settle()
    assert quick.billing.case(ACCOUNTANT, CaseRef(case_no=case.case_no)).state == "withdrawn"

    case = quick.billing.open_case(at_the_desk(), opened("ratio", ratio=RATIO))
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
    case = decide(found, found.billing.open_case(at_the_desk(), opened("ratio", ratio=RATIO)))
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
    again = decide(found, found.billing.open_case(at_the_desk(), opened("ratio", ratio=RATIO)))
    assert again.bill_no == f"202604{SHOP.account_no}106"
    assert [one.bill_no for one in again.segments][-1] == f"202604{SHOP.account_no}105"


def test_what_changed_before_it_was_agreed_to_makes_a_case_void(quick: County) -> None:
    ratio = quick.billing.open_case(at_the_desk(), opened("ratio", ratio=RATIO))
    tariff = quick.billing.open_case(at_the_desk(), opened("tariff", tariff_class="resident"))
    assert decide(quick, ratio).state == "done"
    before = owed(quick, SHOP)
    assert decide(quick, tariff).state == "void"
    assert owed(quick, SHOP) == before

    # Opened again it starts from what the first one left: 0.7853 becomes the price of residents for twice the energy.
    after = quick.billing.open_case(at_the_desk(), opened("tariff", tariff_class="resident"))
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


# --- other causes -----------------------------------------------------------------------------------------------------------------


def settled(found: County, case: OpenCase) -> tuple[Case, Bill]:
    """A case that was agreed to, and its bill, verified and computed again."""
    done = decide(found, found.billing.open_case(at_the_desk(), case))
    assert (done.state, done.amount) == ("done", sum((line.amount for line in done.lines), Money(0)))
    assert done.bill_no is not None
    body = verified(found, done.bill_no)
    assert len(json.dumps(body["proof"])) <= 2_048
    assert found.billing.replay_bill(ACCOUNTANT, ReplayBill(bill_no=done.bill_no)).outcome == "identical"
    return done, shown(found, done.bill_no)


def test_an_error_without_a_beginning_counts_for_half_the_time_and_days_for_their_share(quick: County) -> None:
    before = owed(quick, SHOP).outstanding
    # 25 % too much, from the 16th of March on: 16 of 31 days. 1,200 x 16/31 x 1/2 = 309.677 kWh, of which a fifth is given back,
    # and whole kWh are billed.
    case, bill = settled(quick, opened("meter", meter=MeterError(error=Percent.of("25")), from_on=date(2026, 3, 16)))
    assert [str(one.energy) for one in case.segments] == ["-62", "-90"]
    assert str(case.amount) == "-119.37" and "二分之一" in case.said.zh
    assert bill.energy == case.energy
    now = owed(quick, SHOP)
    assert now.outstanding - now.prepaid == before + case.amount


def test_a_lost_phase_gives_half_of_it_again(quick: County) -> None:
    case, _ = settled(quick, opened("wiring", lost=LostPhases(working=2), from_on=date(2026, 4, 1)))
    assert (str(case.energy), str(case.amount)) == ("450", "353.39")


def test_a_wrong_reading_is_settled_month_by_month(quick: County) -> None:
    right = [
        RightEnergy(month="2026-02", meter_no="M00002", energy=Energy.of("900")),
        RightEnergy(month="2026-03", meter_no="M00002", energy=Energy.of("1300")),
        RightEnergy(month="2026-04", meter_no="M00002", energy=Energy.of("950")),
    ]
    case, bill = settled(quick, opened("reading", right=right))
    assert [str(one.amount) for one in case.segments] == ["-78.53", "78.53", "39.27"]
    assert (str(case.energy), str(bill.amount)) == ("50", "39.27")


def test_a_wrong_class_is_rated_by_the_tiers_of_the_right_one(quick: County) -> None:
    case, bill = settled(quick, opened("tariff", tariff_class="resident"))
    # 3,100 kWh in the year are all in the first tier.
    assert [str(one.now_amount) for one in case.segments] == ["617.00", "740.40", "555.30"]
    assert (str(case.energy), str(case.amount)) == ("0", "-521.73")
    assert bill.tariff_code == "test.resident"


def test_theft_is_paid_back_with_its_penalty_and_linked_to_the_bills(quick: County) -> None:
    load = StolenLoad(power=Power(1_000), hours_a_day=10, days=30, price=Price.of("0.7853"))
    case, bill = settled(quick, opened("theft", loads=[load]))
    # 300 kWh, and three times as much again.
    assert [str(line.amount) for line in case.lines] == ["235.59", "706.77"]
    assert (str(case.energy), str(bill.amount), case.facts["loads"][0]["days"]) == ("300", "942.36", 30)  # type: ignore[index, call-overload]
    assert [(one.month, str(one.amount)) for one in case.segments] == [(month, "0.00") for month in USED]
    # The energy is an adjustment, the penalty has an account of its own.
    books = quick.ask(LedgerApi)
    entries = books.entries(OPERATOR, FindEntries(document_no=bill.bill_no)).rows
    assert {one.code: str(one.credit) for one in entries if one.credit} == {"600104": "235.59", "605102": "706.77"}
    # It says nothing against the bill, which may be taken back; and a month can be in a case of another cause.
    take_back(quick, bill_no(SHOP, "2026-04"), rebill=True)


@pytest.mark.parametrize("before", [False, True])
def test_a_penalty_that_is_taken_back_leaves_its_account(quick: County, before: bool) -> None:
    """before: it was posted when penalties had no account of their own."""
    load = StolenLoad(power=Power(1_000), hours_a_day=10, days=30, price=Price.of("0.7853"))
    database = quick.datasets._database
    if before:
        with database.connection() as connection:
            connection.execute("CREATE TABLE ledger.apart AS TABLE ledger.line_account")
            connection.execute("DELETE FROM ledger.line_account")
    _, bill = settled(quick, opened("theft", loads=[load]))
    if before:
        with database.connection() as connection:
            connection.execute("INSERT INTO ledger.line_account TABLE ledger.apart")
    take_back(quick, bill.bill_no)
    rows = quick.ask(LedgerApi).trial_balance(OPERATOR, AskTrialBalance()).rows
    assert {one.code: one.closing.fen for one in rows if one.code in ("600104", "605102")} == {"600104": 0, "605102": 0}
    debits = {one.code for one in rows if one.debit.fen}
    assert ("605102" in debits) is not before


def test_other_amounts_are_given_back(quick: County) -> None:
    item = RefundItem(name="重复计收的基本电费", amount=Money.of("-88.00"), period="2026-03")
    before = owed(quick, SHOP)
    _, bill = settled(quick, opened("refund", items=[item]))
    now = owed(quick, SHOP)
    assert str(bill.amount) == "-88.00" and now.outstanding - now.prepaid == before.outstanding - Money.of("88")
    supply = SuppliedPower(power=Power(2_000))
    settled(quick, opened("breach", supply=supply))


# --- the tier year ----------------------------------------------------------------------------------------------------------------


def held_for_tiers(found: County) -> list[tuple[str, str | None]]:
    rows = found.billing.exceptions(ACCOUNTANT, FindExceptions(code="tier_moved", state="open")).rows
    return [(row.month, row.bill_no) for row in rows]


def test_later_months_of_the_tier_year_are_held_until_they_are_settled(found: County) -> None:
    february = {"from_on": FEBRUARY, "to_on": date(2026, 2, 28)}
    case = decide(found, found.billing.open_case(at_the_desk(), opened("ratio", HOME, ratio=RATIO, **february)))
    assert str(case.amount) == "617.00"
    # 2,000 kWh stand before March now, and 3,200 before April, of 3,120 in the first tier.
    assert held_for_tiers(found) == [("2026-03", bill_no(HOME, "2026-03"))]
    (row,) = found.billing.exceptions(ACCOUNTANT, FindExceptions(code="tier_moved", state="open")).rows
    assert "2026-03、2026-04" in row.reason.zh

    days = {"from_on": date(2026, 3, 1), "to_on": APRIL}
    tiers = decide(found, found.billing.open_case(at_the_desk(), opened("tier_year", HOME, **days)))
    assert [(one.month, str(one.energy), str(one.amount)) for one in tiers.segments] == [
        ("2026-03", "0", "4.00"),
        ("2026-04", "0", "45.00"),
    ]
    assert tiers.bill_no is not None
    verified(found, tiers.bill_no)
    assert held_for_tiers(found) == []
    # Taken back, February moves both of them again.
    assert case.bill_no is not None
    take_back(found, case.bill_no)
    assert held_for_tiers(found) == [("2026-03", bill_no(HOME, "2026-03"))]


def test_months_of_one_case_count_what_its_earlier_months_change(quick: County) -> None:
    case, _ = settled(quick, opened("ratio", HOME, ratio=RATIO))
    # 2,000, 2,400 and 1,800 kWh: 3,120 at 0.617, 1,680 at 0.667, 1,400 at 0.917, less 3,100 at 0.617.
    assert str(case.amount) == "2416.70"
    assert held_for_tiers(quick) == []


def test_a_month_that_was_billed_again_moves_the_later_ones(quick: County) -> None:
    asked = quick.billing.reverse_bill(ACCOUNTANT, ReverseBill(bill_no=bill_no(HOME, "2026-02"), reason="抄表有误"))
    quick.directory(WorkflowApi).decide(OTHER_PERSON, Decide(approval_no=asked.approval_no, agreed=True, remark="同意"))
    quick.settle()
    assert held_for_tiers(quick) == [("2026-03", bill_no(HOME, "2026-03"))]
    # Billed again as it was, nothing is another one.
    quick.billing.recalculate(at_the_desk(), Recalculate(account_no=HOME.account_no, month="2026-02"))
    quick.settle()
    assert held_for_tiers(quick) == []
