"""Questions about issued bills through the service: who may ask them, and what they answer."""

import pathlib
from collections.abc import Iterator
from datetime import date

import pytest
from tests.service.billing.county import (
    ACCOUNTANT,
    CLERK,
    OPERATOR,
    OTHER_PERSON,
    County,
    Prepare,
    Prepared,
    Supply,
    holder,
    settle_county,
    tariff,
)
from tests.service.billing.months import bill_months, bill_no

from denghuo.kernel.values import Money
from denghuo.service.billing.api import BillNotFound, CompareBills, NotComparable
from denghuo.service.tariff.api import DraftTariff, TariffApi, TariffVersion

HOME = Supply(1, 1)
SHOP = Supply(2, 2, tariff_class="general_single_part")


@pytest.fixture(scope="module")
def billed(prepare: Prepare) -> Prepared:
    def make(made: County) -> None:
        settle_county(made, [HOME, SHOP])
        dearer = tariff(
            "test.business", "energy", "0.8", classes=["general_single_part"], effective_from=date(2026, 4, 1)
        )
        drafted = made.ask(TariffApi).draft(OPERATOR, DraftTariff(document=dearer))
        made.ask(TariffApi).publish(OTHER_PERSON, TariffVersion(code=drafted.code, version=drafted.version))
        bill_months(
            made,
            {
                HOME: {"2026-03": {"total": 310}, "2026-04": {"total": 400}},
                SHOP: {"2026-03": {"total": 310}, "2026-04": {"total": 300}},
            },
        )

    return prepare(make)


@pytest.fixture(params=["local", "remote"])
def found(request: pytest.FixtureRequest, billed: Prepared, tmp_path: pathlib.Path) -> Iterator[County]:
    with billed.copy(request.param, tmp_path) as made:
        yield made


def test_the_bill_before_is_compared_and_the_parts_add_up(found: County) -> None:
    change = found.billing.compare_bills(ACCOUNTANT, CompareBills(bill_no=bill_no(HOME, "2026-04")))
    assert (change.before_month, change.after_month) == ("2026-03", "2026-04")
    assert sum((part.amount for part in change.parts), Money(0)) == change.difference == Money.of("55.53")
    assert {part.code: str(part.amount) for part in change.parts} == {
        "days": "-6.17",
        "energy": "61.70",
        "tier": "0.00",
        "price": "0.00",
    }
    assert [(str(step.amount), step.whole) for step in change.steps] == [
        ("191.27", True),
        ("-6.17", False),
        ("61.70", False),
        ("246.80", True),
    ]


def test_a_new_price_version_is_the_price_alone_where_the_use_a_day_is_the_same(found: County) -> None:
    request = CompareBills(bill_no=bill_no(SHOP, "2026-03"), other_bill_no=bill_no(SHOP, "2026-04"))
    change = found.billing.compare_bills(ACCOUNTANT, request)
    parts = {part.code: part for part in change.parts}
    assert {code: str(part.amount) for code, part in parts.items()} == {
        "days": "-7.85",
        "energy": "0.00",
        "price": "4.41",
    }
    assert parts["price"].sentence.en == "Prices: Energy 0.7853 → 0.8000 yuan."


def test_a_holder_asks_about_own_bills_and_no_others(found: County) -> None:
    mine = holder(HOME.account_no)
    change = found.billing.compare_my_bills(mine, CompareBills(bill_no=bill_no(HOME, "2026-04")))
    assert change.difference == Money.of("55.53")
    with pytest.raises(BillNotFound):
        found.billing.compare_my_bills(mine, CompareBills(bill_no=bill_no(SHOP, "2026-04")))
    request = CompareBills(bill_no=bill_no(HOME, "2026-04"), other_bill_no=bill_no(SHOP, "2026-04"))
    with pytest.raises(BillNotFound):
        found.billing.compare_my_bills(mine, request)
    with pytest.raises(BillNotFound):
        found.billing.compare_bills(CLERK, CompareBills(bill_no=bill_no(SHOP, "2026-04")))


def test_bills_that_do_not_compare_are_refused_with_why(found: County) -> None:
    with pytest.raises(NotComparable) as first:
        found.billing.compare_bills(ACCOUNTANT, CompareBills(bill_no=bill_no(HOME, "2026-03")))
    assert first.value.why == "no_earlier"
    request = CompareBills(bill_no=bill_no(HOME, "2026-04"), other_bill_no=bill_no(SHOP, "2026-04"))
    with pytest.raises(NotComparable) as other:
        found.billing.compare_bills(ACCOUNTANT, request)
    assert other.value.why == "other_account"
