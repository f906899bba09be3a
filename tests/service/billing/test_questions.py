"""Questions about issued bills through the service: who may ask them, and what they answer."""

from datetime import date, timedelta

import numpy as np
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

from denghuo.kernel.period import Month
from denghuo.kernel.values import Energy, Money
from denghuo.service.billing.api import BillingApi, BillNotFound, CompareBills, NotComparable, TakeOverUse, UsedMonth
from denghuo.service.tariff.api import AskTemperatures, DayTableRef, DraftDays, DraftTariff, TariffApi, TariffVersion

HOME = Supply(1, 1)
SHOP = Supply(2, 2, tariff_class="general_single_part")


@pytest.fixture(scope="module")
def prepared_county(prepare: Prepare) -> Prepared:
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


def measured(found: County, month: Month, tenths: int) -> None:
    """Every day of a month has the same highest temperature, by a published table of the area."""
    last = month.next.first_day - timedelta(days=1)
    rows = [f"{month.first_day + timedelta(days=at)},{tenths / 10}" for at in range((last - month.first_day).days + 1)]
    content = "\n".join(["day,maximum", *rows])
    given = {"kind": "temperatures", "area": "310000", "period": str(month)}
    days = DraftDays.model_validate({**given, "document_no": "测试气温表", "text": content})
    found.directory(TariffApi).draft_days(OPERATOR, days)
    found.directory(TariffApi).publish_days(OTHER_PERSON, DayTableRef.model_validate(given))


@pytest.mark.scope("X-02")
def test_the_weather_has_a_part_once_it_is_published_and_the_account_answers_to_it(found: County) -> None:
    """Ten months of 10 kWh a day and 0.5 kWh for each degree above 26; March is mild, April has 30 degrees."""
    month, heat = Month.of("2025-05"), [2, 5, 8, 9, 4, 0, 0, 0, 0, 1]
    used = []
    for above in heat:
        energy = Energy(500 * month.day_count * (20 + above))
        used.append(UsedMonth(account_no=HOME.account_no, org="1405810.01", month=str(month), energy=energy))
        measured(found, month, 260 + 10 * above)
        month = month.next
    found.directory(BillingApi).take_over_use(OPERATOR, TakeOverUse(months=used))
    asked = CompareBills(bill_no=bill_no(HOME, "2026-04"))
    measured(found, Month.of("2026-03"), 240)
    # April is not published yet.
    assert "weather" not in {part.code for part in found.billing.compare_bills(ACCOUNTANT, asked).parts}
    measured(found, Month.of("2026-04"), 300)
    change = found.billing.compare_bills(ACCOUNTANT, asked)
    assert sum((part.amount for part in change.parts), Money(0)) == change.difference == Money.of("55.53")
    parts = {part.code: part for part in change.parts}
    # The same line by another way: April, whose use is above it, is one of its twelve months.
    degrees, daily = [*heat, 0, 4], [*(10 + one / 2 for one in heat), 10, 400 / 30]
    kwh = 30 * 4 * float(np.polyfit(degrees, daily, 1)[0])
    assert float(str(parts["weather"].amount)) == pytest.approx(round(kwh) * 0.617, abs=0.011)
    assert parts["weather"].amount + parts["energy"].amount == Money.of("61.70")
    assert "近 12 个月" in parts["weather"].sentence.zh and "测试气温表" in parts["weather"].sentence.en
    mine = found.billing.compare_my_bills(holder(HOME.account_no), asked)
    assert mine.parts == change.parts
    told = found.ask(TariffApi).temperatures(
        OPERATOR, AskTemperatures(area="310000", first_day=date(2026, 3, 31), last_day=date(2026, 4, 1))
    )
    assert [one.tenths for one in told.days] == [240, 300] and told.documents == ["测试气温表"]
