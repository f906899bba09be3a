"""A bill out of the ordinary: held, its causes tested with amounts that add up, its holder told before the issue, then released."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.billing.county import ACCOUNTANT, OPERATOR, County, Prepare, Prepared, Supply, settle_county
from tests.service.billing.months import bill_months, bill_no

from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import Money
from denghuo.service.billing.api import (
    BillRef,
    CauseResult,
    ExamineCauses,
    ExceptionRef,
    FindExceptions,
    HeldException,
    Release,
)
from denghuo.service.billing.change import Part
from denghuo.service.billing.shock import CAUSES, Examined, Neighbours, leading, of_the_read, of_the_record, results
from denghuo.service.notice.api import Inbox, NoticeApi

HOME = Supply(1, 1, contract_kw=8)
NEAR = [Supply(serial, 1, contract_kw=8) for serial in range(2, 8)]


@pytest.fixture(scope="module")
def prepared_county(prepare: Prepare) -> Prepared:
    def make(made: County) -> None:
        settle_county(made, [HOME, *NEAR])
        calm = {one: {"2026-03": {"total": 200}, "2026-04": {"total": 210}} for one in NEAR}
        bill_months(made, {HOME: {"2026-03": {"total": 200}, "2026-04": {"total": 900}}, **calm})

    return prepare(make)


def jump(found: County) -> HeldException:
    (row,) = found.billing.exceptions(ACCOUNTANT, FindExceptions(month="2026-04", code="bill_jump")).rows
    return found.billing.exception(ACCOUNTANT, ExceptionRef(exception_no=row.exception_no))


def told(found: County) -> list[str]:
    rows = found.ask(NoticeApi).inbox(OPERATOR, Inbox(account_no=HOME.account_no)).rows
    return [row.body.en for row in rows]


@pytest.mark.scope("X-10")
def test_a_jump_is_held_with_its_causes_and_the_holder_is_told_before_the_issue(found: County) -> None:
    held = jump(found)
    assert held.account_no == HOME.account_no and held.bill_state == "held"
    assert held.reason.en == "555.30 yuan is more than 300 % of the bill before, 123.40 yuan."
    assert held.before_bill_no == bill_no(HOME, "2026-03") and held.difference == Money.of("431.90")
    tested = {one.cause: one for one in held.tested}
    assert list(tested) == list(CAUSES)
    assert {cause: one.verdict for cause, one in tested.items()} == {
        "tariff": "excluded",
        "read": "excluded",
        "record": "excluded",
        "weather": "excluded",
        "behaviour": "found",
    }
    # The neighbours used 5 % more, this account 350 %: one part in seventy of what a day costs more.
    assert tested["weather"].amount == Money.of("6.22")
    assert sum((one.amount for one in held.tested if one.amount is not None), Money(0)) == held.difference
    assert "6 neighbours of the class changed by +5%, this account by +350%." in tested["behaviour"].said.en
    before_issue = told(found)
    text = "comes to 555.30 yuan so far, 431.90 yuan beside the bill before, at first sight by your use."
    assert len([body for body in before_issue if text in body]) == 1
    assert not any(bill_no(HOME, "2026-04") in body for body in before_issue), "the bill itself is not issued"
    assert held.told_at is not None and held.tested_at is not None
    again = found.billing.examine_causes(OPERATOR, ExamineCauses(month="2026-04"))
    assert (again.examined, again.told, told(found)) == (0, 0, before_issue)
    for row in found.billing.exceptions(ACCOUNTANT, FindExceptions(month="2026-04", state="open")).rows:
        found.billing.release(ACCOUNTANT, Release(exception_no=row.exception_no, reason="已与用户核实，确为新增电采暖"))
    found.settle()
    assert found.billing.bill(ACCOUNTANT, BillRef(bill_no=bill_no(HOME, "2026-04"))).state == "issued"
    after = told(found)
    assert [body for body in after if bill_no(HOME, "2026-04") in body] and set(before_issue) < set(after)
    assert jump(found).tested == held.tested


# --- the rules -------------------------------------------------------------------------------------------------------------

CODES: Any = st.sampled_from(
    ["days", "energy", "time_shift", "tier", "basic", "power_factor", "price", "plan", "stages", "other"]
)
SAID = TextPair(zh="因", en="cause")
PARTS = st.lists(st.builds(Part, code=CODES, amount=st.integers(-(10**9), 10**9).map(Money), sentence=st.just(SAID)))


def examined(parts: list[Part] | None, read: bool = False, record: bool = False, near: int = 0) -> Examined:
    evidence = [SAID]
    return Examined(
        parts,
        evidence if read else [],
        evidence if record else [],
        100_000,
        200_000,
        Neighbours(near, 100_000, 190_000),
    )


def by_cause(found: list[CauseResult]) -> dict[str, CauseResult]:
    return {one.cause: one for one in found}


@given(PARTS, st.booleans(), st.booleans(), st.integers(0, 9))
def test_causes_add_up_to_the_difference_and_each_has_a_verdict(
    parts: list[Part], read: bool, record: bool, near: int
) -> None:
    found = results(examined(parts, read, record, near))
    assert [one.cause for one in found] == list(CAUSES)
    whole = sum((part.amount for part in parts), Money(0))
    assert sum((one.amount for one in found if one.amount is not None), Money(0)) == whole
    named = by_cause(found)
    weather = named["weather"].amount
    assert (weather is None) == (near < 5) == (named["weather"].verdict == "unknown")
    common = weather or Money(0)
    assert not read or named["read"].verdict == "found"
    assert not record or named["record"].verdict == "found"
    grown = sum((part.amount for part in parts if part.code == "energy"), Money(0))
    # Neighbours grew by nine tenths of what the account did.
    assert near < 5 or 10 * abs(common.fen) in range(9 * abs(grown.fen) - 5, 9 * abs(grown.fen) + 6)
    energy = grown + sum((part.amount for part in parts if part.code == "time_shift"), Money(0)) - common
    rest = sum((part.amount for part in parts if part.code == "power_factor"), Money(0))
    assert named["behaviour"].amount == (rest if read or record else energy + rest)
    lead = leading(found)
    if lead is not None:
        assert lead.amount is not None and lead.verdict == "found"
        assert all(
            abs(lead.amount.fen) >= abs(one.amount.fen) for one in found if one.amount and one.verdict == "found"
        )


def test_without_a_bill_before_only_what_stands_on_this_one_is_tested() -> None:
    named = by_cause(results(examined(None, read=True)))
    assert {cause: one.verdict for cause, one in named.items()} == {
        "tariff": "unknown",
        "read": "found",
        "record": "excluded",
        "weather": "unknown",
        "behaviour": "unknown",
    }
    assert leading(list(named.values())) is None


def test_neighbours_who_moved_alike_speak_for_the_weather() -> None:
    grown = Part("energy", Money(10_000), SAID)
    named = by_cause(results(examined([grown], near=9)))
    assert (named["weather"].verdict, named["weather"].amount) == ("found", Money(9_000))
    assert (named["behaviour"].amount, "9 户用电变化 +90%" in named["weather"].said.zh) == (Money(1_000), True)
    down = Examined([grown], [], [], 100_000, 200_000, Neighbours(9, 100_000, 60_000))
    assert by_cause(results(down))["weather"].amount == Money(0)


def row(**changes: object) -> dict[str, Any]:
    piece = {"point_no": "P", "meter_no": "M1", "method": "actual", "start": "100", "end": "200.5", "multiplier": "1"}
    own = {name: value for name, value in changes.items() if name in piece}
    rest = {name: value for name, value in changes.items() if name not in piece}
    whole = {
        "estimated_days": 0,
        "registers": [piece | own],
        "contract_no": "GY1",
        "tariff_class": "resident",
        "voltage": "0.22",
        "contract_w": 8_000,
        "capacity_va": None,
        "from_on": date(2026, 4, 1),
        "to_on": date(2026, 4, 30),
    }
    return whole | rest


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        (row(), row(), ""),
        (row(estimated_days=3), row(), "3 days of this bill are estimated."),
        (row(), row(estimated_days=4), "may make up for them"),
        (row(meter_no="M2"), row(), "The meter of P was exchanged."),
        (row(start="9999.5", end="12"), row(), "A register passed zero."),
        (row(), None, ""),
    ],
)
def test_what_speaks_for_the_read(now: dict[str, Any], before: dict[str, Any] | None, said: str) -> None:
    found = of_the_read(now, before)
    assert (not found) if not said else said in found[0].en


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        (row(), row(), ""),
        (row(multiplier="30"), row(), "The multiplier of P became 30, from 1."),
        (row(contract_w=20_000), row(), "The contract power (W) became 20000, from 8000."),
        (row(tariff_class="agricultural"), row(), "The class became agricultural, from resident."),
    ],
)
def test_what_speaks_for_the_record(now: dict[str, Any], before: dict[str, Any], said: str) -> None:
    found = of_the_record(now, before, [])
    assert (not found) if not said else said in found[0].en
