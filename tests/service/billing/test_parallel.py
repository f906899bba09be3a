"""A parallel run through both bindings: old bills handed over, compared, accepted; broken off, repeated and compared anew."""

import base64
from dataclasses import replace
from typing import Any

import pytest
from tests.service.billing.county import (
    ACCOUNTANT,
    CLERK,
    MONTH,
    OPERATOR,
    County,
    Prepare,
    Prepared,
    Supply,
    daily,
    settle_county,
)

from denghuo.kernel.values import Energy, Money, Price
from denghuo.service.billing.api import (
    AcceptDifferences,
    BeginParallelRun,
    DifferenceRef,
    DifferencesFile,
    FindDifferences,
    FindParallelRuns,
    HandOldBills,
    NoSuchDifference,
    NotAcceptable,
    OldBill,
    OldLine,
    ParallelRef,
    ParallelRun,
    ParallelRunNotFound,
    RefusedRow,
    StartCycle,
    WholeCompanyOnly,
)
from denghuo.service.billing.api.bill import Counted

# Residents of 300 kWh at 0.617 are 185.10 yuan, business of 300 kWh at 0.7853 is 235.59.
SAME = Supply(1, 1, daily(10))
LESS = Supply(2, 1, daily(10))
CLASS = Supply(3, 2, daily(10), tariff_class="general_single_part")
ODD = Supply(4, 2, daily(10))
OURS = Supply(5, 2, daily(10))
SOLAR = Supply(6, 1, daily(10), surplus=daily(2))
UNREAD = Supply(7, 1, {1: 1_000})
PRICED = Supply(8, 1, daily(10))
ALL = [SAME, LESS, CLASS, ODD, OURS, SOLAR, UNREAD, PRICED]
UNKNOWN = "5810100099998"
DIGEST = "ab" * 32


@pytest.fixture(scope="module")
def prepared_county(prepare: Prepare) -> Prepared:
    def make(made: County) -> None:
        settle_county(made, ALL)
        made.billing.start_cycle(ACCOUNTANT, StartCycle(month=MONTH))
        made.settle()

    return prepare(make)


def bill(supply: Supply | str, amount: str, energy: str = "300", **more: Any) -> OldBill:
    number = supply if isinstance(supply, str) else supply.account_no
    return OldBill(account_no=number, energy=Energy.of(energy), amount=Money.of(amount), file_line=2, **more)


def line(supply: Supply, component: str, quantity: str, price: str, amount: str, at: int) -> OldLine:
    return OldLine(
        account_no=supply.account_no,
        component=component,
        tier=1,
        quantity=Counted(Energy.of(quantity).wh),
        price=Price.of(price),
        amount=Money.of(amount),
        file_line=at,
    )


OLD = [
    bill(SAME, "185.10"),
    bill(LESS, "154.25", "250"),
    bill(CLASS, "185.10", tariff_class="resident"),
    bill(ODD, "123.45"),
    bill(SOLAR, "185.10"),
    bill(SOLAR, "24.93", "60", kind="purchase"),
    bill(UNREAD, "10.00"),
    bill(UNKNOWN, "1.00"),
    bill(PRICED, "180.00"),
]
LINES = [line(PRICED, "energy", "300", "0.6", "180.00", 2)]


def begun(found: County, digest: str = DIGEST) -> ParallelRun:
    asked = BeginParallelRun(month=MONTH, digest=digest, file_name="old.csv")
    return found.billing.begin_parallel_run(ACCOUNTANT, asked)


def compared(found: County, digest: str = DIGEST, bills: Any = OLD, lines: Any = LINES, **more: Any) -> ParallelRun:
    run = begun(found, digest)
    found.billing.hand_old_bills(ACCOUNTANT, HandOldBills(run_no=run.run_no, bills=bills, lines=lines, **more))
    found.billing.hand_old_bills(ACCOUNTANT, HandOldBills(run_no=run.run_no, last=True))
    found.settle()
    return found.billing.parallel_run(ACCOUNTANT, ParallelRef(run_no=run.run_no))


def verdicts(found: County, run: ParallelRun) -> dict[tuple[str, str], str]:
    page = found.billing.bill_differences(ACCOUNTANT, FindDifferences(run_no=run.run_no))
    return {(row.account_no, row.kind): row.verdict for row in page.rows}


def test_every_difference_has_its_verdict(found: County) -> None:
    run = compared(found)
    assert (run.state, run.gate, run.old_bills, run.compared) == ("done", "shut", 9, 10)
    assert {one.verdict: one.count for one in run.verdicts} == {
        "equal": 3,
        "quantity": 1,
        "tariff_class": 1,
        "price": 1,
        "only_old": 2,
        "only_new": 1,
        "unexplained": 1,
    }
    assert verdicts(found, run) == {
        (LESS.account_no, "supply"): "quantity",
        (CLASS.account_no, "supply"): "tariff_class",
        (ODD.account_no, "supply"): "unexplained",
        (OURS.account_no, "supply"): "only_new",
        (UNREAD.account_no, "supply"): "only_old",
        (UNKNOWN, "supply"): "only_old",
        (PRICED.account_no, "supply"): "price",
    }
    assert sum(one.count for one in run.units) == 10 and run.difference == run.new_amount - run.old_amount
    assert run.difference == sum((one.difference for one in run.verdicts), Money(0))
    assert {one.org: one.unexplained for one in run.units} == {"1405810": 0, "1405810.01": 0, "1405810.02": 1}


def test_a_difference_is_told_with_both_bills(found: County) -> None:
    run = compared(found)
    ref = DifferenceRef(run_no=run.run_no, account_no=PRICED.account_no)
    one = found.billing.bill_difference(ACCOUNTANT, ref)
    assert [(cause.cause, str(cause.amount)) for cause in one.causes] == [("price", "5.10")]
    (row,) = one.lines
    assert (str(row.old_price), str(row.new_price), str(row.difference)) == ("0.6000", "0.6170", "5.10")
    assert one.bill_no is not None and one.bill_no.startswith("202604")
    less = found.billing.bill_difference(ACCOUNTANT, DifferenceRef(run_no=run.run_no, account_no=LESS.account_no))
    assert "重算得 154.25 元" in less.causes[0].sentence.zh and str(less.difference) == "30.85"
    held = found.billing.bill_difference(ACCOUNTANT, DifferenceRef(run_no=run.run_no, account_no=UNREAD.account_no))
    assert held.org == UNREAD_ORG and held.causes[0].sentence.zh.startswith("本系统未出账：")
    unknown = found.billing.bill_difference(ACCOUNTANT, DifferenceRef(run_no=run.run_no, account_no=UNKNOWN))
    assert unknown.causes[0].sentence.zh == "本系统没有该户号。" and unknown.org == "1405810"
    with pytest.raises(NoSuchDifference):
        found.billing.bill_difference(ACCOUNTANT, DifferenceRef(run_no=run.run_no, account_no="5810100000000"))
    content = found.billing.differences_file(ACCOUNTANT, DifferencesFile(run_no=run.run_no)).content
    rows = base64.b64decode(content).decode("utf-8-sig").splitlines()
    assert (
        len(rows) == 8 and rows[0].startswith("account_no,kind,org,verdict") and any("未能解释" in one for one in rows)
    )


UNREAD_ORG = "1405810.01"


def test_differences_come_in_pages_and_within_the_units_of_the_caller(found: County) -> None:
    run = compared(found)
    seen, after = [], None
    while True:
        page = found.billing.bill_differences(ACCOUNTANT, FindDifferences(run_no=run.run_no, limit=2, after=after))
        seen += [(abs(row.difference.fen), row.account_no) for row in page.rows]
        if page.next is None:
            break
        after = page.next
    assert len(seen) == len(set(seen)) == page.total == 7 and seen == sorted(seen, key=lambda one: (-one[0], one[1]))
    mine = found.billing.bill_differences(CLERK, FindDifferences(run_no=run.run_no))
    assert {row.account_no for row in mine.rows} == {LESS.account_no, UNREAD.account_no, PRICED.account_no}
    # The gate is that of the whole company: what is unexplained elsewhere shuts it.
    seen_by_clerk = found.billing.parallel_run(CLERK, ParallelRef(run_no=run.run_no))
    assert (seen_by_clerk.unexplained, seen_by_clerk.gate) == (0, "shut")
    with pytest.raises(WholeCompanyOnly):
        found.billing.begin_parallel_run(CLERK, BeginParallelRun(month=MONTH, digest=DIGEST, file_name="x.csv"))


def test_explained_differences_are_accepted_for_a_reason(found: County) -> None:
    run = compared(found)
    asked = AcceptDifferences(run_no=run.run_no, verdict="quantity", reason="旧系统估抄，已现场核对")
    assert found.billing.accept_differences(CLERK, asked).accepted == 1
    assert found.billing.accept_differences(ACCOUNTANT, asked).accepted == 0
    one = found.billing.bill_difference(ACCOUNTANT, DifferenceRef(run_no=run.run_no, account_no=LESS.account_no))
    assert (one.accepted_by, one.accepted_why) == ("clerk", "旧系统估抄，已现场核对")
    for verdict in ("unexplained", "equal"):
        with pytest.raises(NotAcceptable):
            found.billing.accept_differences(ACCOUNTANT, asked.model_copy(update={"verdict": verdict}))
    waiting = FindDifferences(run_no=run.run_no, accepted=False)
    assert found.billing.bill_differences(ACCOUNTANT, waiting).total == 6
    accepted = found.billing.parallel_run(ACCOUNTANT, ParallelRef(run_no=run.run_no))
    # Compared anew, what was accepted and is the same stays so.
    found.billing.compare_again(ACCOUNTANT, ParallelRef(run_no=run.run_no))
    found.settle()
    again = found.billing.parallel_run(ACCOUNTANT, ParallelRef(run_no=run.run_no))
    assert again.accepted == 1 and again.verdicts == accepted.verdicts


def test_a_file_that_comes_again_changes_nothing_and_goes_on_where_it_stood(found: County) -> None:
    run = begun(found)
    first = HandOldBills(run_no=run.run_no, bills=OLD[:4], lines=LINES)
    assert found.billing.hand_old_bills(ACCOUNTANT, first).taken == 5
    # Broken off here; the file is begun again and handed over from its beginning.
    assert begun(found).run_no == run.run_no
    assert found.billing.hand_old_bills(ACCOUNTANT, first).unchanged == 5
    assert compared(found).run_no == run.run_no
    late = found.billing.hand_old_bills(ACCOUNTANT, HandOldBills(run_no=run.run_no, bills=[bill(OURS, "1")]))
    assert (late.taken, late.unchanged) == (0, 1)
    assert len(found.billing.parallel_runs(ACCOUNTANT, FindParallelRuns(month=MONTH)).rows) == 1
    other = compared(found, "cd" * 32, [bill(SAME, "185.10")], [])
    runs = found.billing.parallel_runs(ACCOUNTANT, FindParallelRuns())
    assert [one.run_no for one in runs.rows] == [other.run_no, run.run_no]
    with pytest.raises(ParallelRunNotFound):
        found.billing.parallel_run(ACCOUNTANT, ParallelRef(run_no=99))
    # A step of a worker that was overtaken does nothing.
    assert not found.billing.advance_parallel_run(OPERATOR, ParallelRef(run_no=run.run_no)).again


def test_the_gate_opens_without_unexplained_bills_and_refused_rows(found: County) -> None:
    explained = [one for one in OLD if one.account_no != ODD.account_no] + [bill(ODD, "185.10")]
    refused = RefusedRow.model_validate(
        {
            "file": "old.csv",
            "line": 7,
            "field": "amount",
            "value": "x",
            "what": {"zh": "不是数字", "en": "no number"},
            "remedy": {"zh": "请更正", "en": "correct it"},
        }
    )
    shut = compared(found, bills=explained, refused=[refused])
    assert (shut.gate, shut.unexplained, shut.refused) == ("shut", 0, 1) and shut.refusals == [refused]
    stray = compared(found, "cd" * 32, explained, [*LINES, line(OURS, "energy", "1", "1", "1", 3)])
    assert (stray.gate, stray.refused) == ("shut", 1) and stray.refusals[0].value == OURS.account_no
    # A post of one unit learns how many were refused, not whose they were.
    station = replace(ACCOUNTANT, scope=("1405810.01",))
    seen = found.billing.parallel_run(station, ParallelRef(run_no=stray.run_no))
    assert (seen.refused, seen.refusals) == (1, [])
    assert compared(found, "ef" * 32, explained).gate == "open"
