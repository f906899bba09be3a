"""What another tariff would have cost: the best of the eligible ones, told by month, and what cannot be told said."""

import pathlib
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.billing.county import (
    ACCOUNTANT,
    CLERK,
    OPERATOR,
    OTHER_PERSON,
    County,
    Prepare,
    Prepared,
    Supply,
    county,
    holder,
    settle_county,
    tariff,
)
from tests.service.billing.months import bill_months, bill_no
from tests.service.billing.test_curves import Curve, steady, take_curves

from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import Money, Price
from denghuo.service.billing.api import (
    BillNotFound,
    BillRef,
    MyWhatIf,
    NothingBilled,
    NotTriable,
    Plans,
    SumCurves,
    TryOnBill,
    WhatIf,
)
from denghuo.service.billing.lines import MeteredPiece, RatingSubject
from denghuo.service.billing.plans import Standing, best_of, cost, eligible, standing
from denghuo.service.reading.api import MeterSums, ReadingApi
from denghuo.service.tariff.api import (
    NATION,
    BandWindows,
    Component,
    DayTableRef,
    DraftDays,
    DraftTariff,
    PriceAt,
    Season,
    TariffApi,
    TariffDocument,
    TariffVersion,
    Window,
)

HOME = Supply(1, 1)
BANDED = Supply(2, 2)
SHOP = Supply(3, 1, tariff_class="general_single_part")
CURVED = Supply(4, 1)
"""Its meter has one register, and of the second month a curve."""
GAPPY = Supply(5, 1)
"""As the one before, but two days of the curve are missing."""


def by_hours(peak: str, valley: str) -> TariffDocument:
    flat = tariff("test.hours", "energy", peak, default=False)
    season = Season(
        title=TextPair(zh="全年", en="all year"),
        bands=[
            BandWindows(band="peak", windows=[Window(start="06:00", end="22:00")]),
            BandWindows(band="valley", windows=[Window(start="22:00", end="06:00")]),
        ],
    )
    prices = [
        PriceAt(price=Price.of(peak)),
        PriceAt(price=Price.of(peak), band="peak"),
        PriceAt(price=Price.of(valley), band="valley"),
    ]
    component = Component(
        code="energy", title=TextPair(zh="电度电费", en="Energy"), prices=prices, document=flat.sources[0].number
    )
    return flat.model_copy(update={"components": [component], "seasons": [season]})


def publish(made: County, document: TariffDocument) -> None:
    drafted = made.ask(TariffApi).draft(OPERATOR, DraftTariff(document=document))
    assert drafted.publishable, drafted.findings
    made.ask(TariffApi).publish(OTHER_PERSON, TariffVersion(code=drafted.code, version=drafted.version))


@pytest.fixture(scope="module")
def prepared_county(prepare: Prepare) -> Prepared:
    def make(made: County) -> None:
        settle_county(made, [HOME, BANDED, SHOP, CURVED, GAPPY])
        dear = tariff("test.dear", "energy", "0.7", default=False)
        elsewhere = tariff("test.elsewhere", "energy", "0.1", default=False, area="320000")
        for document in (by_hours("0.65", "0.3"), dear, elsewhere):
            publish(made, document)
        gappy: Curve = lambda day, slot: None if day in (20, 21) else steady(day, slot)  # noqa: E731
        take_curves(made, {f"M{CURVED.serial:05d}": steady, f"M{GAPPY.serial:05d}": gappy})
        used = {
            GAPPY: {"2026-03": {"total": 600}, "2026-04": {"total": 720}},
            CURVED: {"2026-03": {"total": 600}, "2026-04": {"total": 720}},
            HOME: {"2026-03": {"total": 100}, "2026-04": {"total": 200}},
            BANDED: {
                "2026-03": {"total": 100, "peak": 50, "valley": 50},
                "2026-04": {"total": 200, "peak": 100, "valley": 100},
            },
        }
        bill_months(made, used)

    return prepare(make)


def costs(plans: Plans) -> dict[str, str | None]:
    return {one.tariff_code: None if one.amount is None else str(one.amount) for one in plans.plans}


def test_the_best_tariff_is_named_with_its_saving_by_month(found: County) -> None:
    plans = found.billing.what_if(ACCOUNTANT, WhatIf(account_no=BANDED.account_no))
    # 300 kWh at 0.617; 150 at 0.65 and 150 at 0.3; 300 at 0.7. Another area's tariff is none of this account's.
    assert costs(plans) == {"test.resident": "185.10", "test.dear": "210.00", "test.hours": "142.50"}
    assert [one.tariff_code for one in plans.plans if one.best] == ["test.hours"]
    assert (str(plans.billed), str(plans.present_amount), str(plans.saving)) == ("185.10", "185.10", "42.60")
    assert [(one.month, str(one.present_amount), str(one.best_amount)) for one in plans.months] == [
        ("2026-03", "61.70", "47.50"),
        ("2026-04", "123.40", "95.00"),
    ]
    assert plans.said.en == (
        "By 2 months of use, 2026-03 ~ 2026-04 (less than twelve, so a hint only), Test tariff test.hours would be 42.60"
        " yuan less."
    )
    assert plans.confidence == "likely"
    assert plans.confidence_said is not None and plans.confidence_said.en == (
        "In 2 of 2 months it is no worse than the other tariff, no single month decides; only 2 months were billed."
    )


@pytest.mark.scope("X-07")
def test_the_last_twelve_months_are_compared_and_are_sure(database_dsn: str, tmp_path: pathlib.Path) -> None:
    months = [*(f"2025-{month:02d}" for month in range(4, 13)), *(f"2026-{month:02d}" for month in range(1, 5))]
    with county("local", database_dsn, tmp_path) as made:
        settle_county(made, [BANDED])
        publish(made, by_hours("0.65", "0.3"))
        bill_months(made, {BANDED: {month: {"total": 200, "peak": 100, "valley": 100} for month in months}})
        plans = made.billing.what_if(ACCOUNTANT, WhatIf(account_no=BANDED.account_no))
    # Thirteen were billed; 200 kWh at 0.617, or 100 at 0.65 and 100 at 0.3.
    assert (plans.months_count, plans.from_month, plans.to_month) == (12, "2025-05", "2026-04")
    assert costs(plans) == {"test.resident": "1480.80", "test.hours": "1140.00"}
    assert (str(plans.saving), plans.confidence) == ("340.80", "sure")


def test_what_the_meter_does_not_tell_is_said_and_not_guessed(found: County) -> None:
    plans = found.billing.my_what_if(holder(HOME.account_no), MyWhatIf())
    assert costs(plans) == {"test.resident": "185.10", "test.dear": "210.00", "test.hours": None}
    hours = next(one for one in plans.plans if one.tariff_code == "test.hours")
    assert hours.reason is not None and "no registers by band" in hours.reason.en and hours.saving is None
    assert plans.best_title == plans.present_title and str(plans.saving) == "0.00"
    assert "现行电价已是最省" in plans.said.zh


def test_a_tariff_by_the_hour_is_tried_on_the_curve_of_a_meter_that_has_no_bands(found: County) -> None:
    plans = found.billing.what_if(ACCOUNTANT, WhatIf(account_no=CURVED.account_no))
    # April: 480 of 720 kWh by day at 0.65, 240 at night at 0.3. March has no curve and counts as by the present tariff: 370.20.
    assert costs(plans) == {"test.resident": "814.44", "test.dear": "924.00", "test.hours": "754.20"}
    assert (str(plans.saving), plans.best_title.en) == ("60.24", "Test tariff test.hours")
    hours = next(one for one in plans.plans if one.best)
    assert (hours.months_told, hours.by_curve) == (1, 1) and hours.reason is not None
    assert hours.reason.en == (
        "1 of 2 months can be told; 1 months: no curve; these count as by the present tariff and make no difference."
    )
    assert [(one.month, one.basis, str(one.best_amount)) for one in plans.months] == [
        ("2026-03", "no_curve", "370.20"),
        ("2026-04", "curve", "384.00"),
    ]
    # Of another one more is missing than its register may fill; what stands in says in which hours it was used.
    gappy = found.billing.what_if(ACCOUNTANT, WhatIf(account_no=GAPPY.account_no))
    assert [(one.basis, str(one.best_amount)) for one in gappy.months] == [
        ("no_curve", "370.20"),
        ("curve_gaps", "384.00"),
    ]
    # One month alone decides.
    assert plans.confidence == "open" and plans.confidence_said is not None
    assert "of 1 months the use by hours is not known" in plans.confidence_said.en


def test_a_year_by_curves_is_told_from_sums_that_say_what_the_days_say(found: County) -> None:
    """A tariff with deep valley on holidays, which are not published at first; sums made, lost, stale and made anew."""
    hours = by_hours("0.65", "0.3")
    deep = Season(
        title=TextPair(zh="节假日深谷", en="deep valley on holidays"),
        days="holiday",
        holidays=["清明节"],
        overlay=True,
        bands=[BandWindows(band="deep", windows=[Window(start="10:00", end="14:00")])],
        document=hours.sources[0].number,
    )
    price = PriceAt(price=Price.of("0.1"), band="deep")
    component = hours.components[0].model_copy(update={"prices": [*hours.components[0].prices, price]})
    changes = {"code": "test.holidays", "seasons": [*hours.seasons, deep], "components": [component]}
    publish(found, hours.model_copy(update=changes))
    asked = WhatIf(account_no=CURVED.account_no)
    untold = next(one for one in found.billing.what_if(ACCOUNTANT, asked).plans if one.tariff_code == "test.holidays")
    assert untold.amount is None
    days = DraftDays(kind="holidays", area=NATION, period="2026", document_no="国办发明电〔2025〕7号")
    head = found.ask(TariffApi).draft_days(OPERATOR, days).head
    found.ask(TariffApi).publish_days(OTHER_PERSON, DayTableRef(kind=head.kind, area=head.area, period=head.period))

    def told() -> tuple[Plans, list[str]]:
        plans = found.billing.what_if(ACCOUNTANT, asked)
        months = [date(2026, month, 1) for month in (3, 4)]
        kinds = [[first.replace(day=day) for day in range(1, 31) if day not in (4, 5, 6)] for first in months]
        kinds += [[first.replace(day=day) for day in (4, 5, 6)] for first in months]
        sums = MeterSums(series="active_fwd_wh", starts=[0], kinds=kinds, meter_nos=[f"M{CURVED.serial:05d}"])
        added = found.directory(ReadingApi).meter_sums(OPERATOR, sums).added
        return plans.model_copy(update={"as_of": asked_at}), added

    asked_at = found.billing.what_if(ACCOUNTANT, asked).as_of
    by_days, added = told()
    # The sums of the month's issue do not know of the holidays.
    assert added == ["2026-04"]
    # Of 480 kWh by day three hours of deep valley are used on each of three days, at 0.1 instead of 0.65.
    deep_wh = 3 * sum(steady(1, slot) or 0 for slot in range(40, 56))
    amounts = costs(by_days)
    assert amounts["test.holidays"] is not None and amounts["test.hours"] is not None
    less = round(round(deep_wh / 1000) * Decimal("0.55"), 2)
    assert abs(Decimal(amounts["test.hours"]) - Decimal(amounts["test.holidays"]) - less) < 1
    take_curves(found, {f"M{HOME.serial:05d}": steady})
    found.settle()
    assert told() == (by_days, [])
    # A correction of its own curve is seen at once, and in the sums when they are made anew.
    take_curves(found, {f"M{CURVED.serial:05d}": lambda day, slot: None if day > 1 else 300 if slot < 40 else 200})
    corrected, added = told()
    assert added == ["2026-04"] and corrected != by_days
    found.settle()
    assert told() == (corrected, [])
    assert not found.billing.sum_curves(OPERATOR, SumCurves(month="2026-04")).again


@pytest.mark.scope("B05-21")
def test_a_bill_of_the_past_is_tried_by_any_tariff_and_nothing_is_kept(found: County) -> None:
    april = bill_no(CURVED, "2026-04")
    before = found.billing.bill(ACCOUNTANT, BillRef(bill_no=april))
    hours = found.billing.try_on_bill(ACCOUNTANT, TryOnBill(bill_no=april, tariff_code="test.hours"))
    assert (str(hours.amount), hours.draft, str(hours.energy)) == ("384.00", False, "720")
    draft = tariff("test.farm", "energy", "0.5", classes=["agricultural"], effective_from=date(2030, 1, 1))
    version = found.ask(TariffApi).draft(OPERATOR, DraftTariff(document=draft)).version
    asked = TryOnBill(bill_no=april, tariff_code="test.farm", tariff_version=version)
    farm = found.billing.try_on_bill(ACCOUNTANT, asked)
    assert (str(farm.amount), farm.draft, farm.tariff_class) == ("360.00", True, "agricultural")
    assert farm.remarks[0].en == "The tariff is not for resident; it is tried as agricultural."
    solar = tariff(
        "test.sun", "purchase_energy", "0.4", kind="purchase", classes=["generation"], settlements=["full_feed_in"]
    )
    with pytest.raises(NotTriable, match="purchase statement"):
        found.billing.try_on_bill(ACCOUNTANT, TryOnBill(bill_no=april, tariff_text=solar.model_dump_json()))
    with pytest.raises(NotTriable):
        found.billing.try_on_bill(ACCOUNTANT, TryOnBill(bill_no=april, tariff_code="no.such"))
    with pytest.raises(BillNotFound):
        found.billing.try_on_bill(ACCOUNTANT, TryOnBill(bill_no=april[:-1] + "9", tariff_code="test.hours"))
    after = found.billing.bill(ACCOUNTANT, BillRef(bill_no=april))
    assert after.model_copy(update={"as_of": before.as_of}) == before


def test_nothing_is_told_of_accounts_that_are_not_the_callers_or_have_no_bill(found: County) -> None:
    with pytest.raises(NothingBilled):
        found.billing.my_what_if(holder(HOME.account_no), MyWhatIf(account_no=BANDED.account_no))
    with pytest.raises(NothingBilled):
        found.billing.what_if(CLERK, WhatIf(account_no=BANDED.account_no))
    with pytest.raises(NothingBilled):
        found.billing.what_if(ACCOUNTANT, WhatIf(account_no=SHOP.account_no))


# --- the rules -------------------------------------------------------------------------------------------------------------


def month(peak: int, valley: int) -> RatingSubject:
    pieces = [
        MeteredPiece.model_validate(
            {"point_no": "P", "meter_no": "M", "quantity": "active_fwd", "band": band, "value_milli": wh}
        )
        for band, wh in (("peak", peak), ("valley", valley))
    ]
    return RatingSubject(tariff_class="resident", voltage="0.22", month="2026-04", pieces=pieces)


wh = st.integers(0, 10**9)


@given(st.lists(st.tuples(wh, wh), min_size=1, max_size=12))
def test_the_best_is_never_worse_than_the_present_and_a_year_is_its_months(used: list[tuple[int, int]]) -> None:
    subjects = [month(*one) for one in used]
    now = tariff("test.resident", "energy", "0.617")
    offered = eligible([by_hours("0.65", "0.3"), now], now, subjects[0])
    found = [cost(one, subjects, None) for one in offered]
    best = best_of(found, purchase=False)
    assert best.total is not None and all(best.total <= one.total for one in found if one.total is not None)
    assert all(one.total == sum(one.months, Money(0)) for one in found)
    assert best_of(found[:1], purchase=True) is found[0]


@given(st.lists(st.tuples(wh, wh), min_size=1, max_size=12), st.integers(0, 2))
def test_confidence_is_what_leaving_out_each_month_says(used: list[tuple[int, int]], estimated: int) -> None:
    subjects = [month(*one) for one in used]
    now = tariff("test.resident", "energy", "0.617")
    found = [cost(one, subjects, None) for one in (now, by_hours("0.65", "0.3"))]
    firm = standing(found, False, set(range(min(estimated, len(used)))))
    assert firm is not None
    best = best_of(found, purchase=False)
    other = next(one for one in found if one is not best)
    stays = [
        sum(one.fen for one in best.months) - best.months[at].fen
        < sum(one.fen for one in other.months) - other.months[at].fen
        for at in range(len(used))
    ]
    assert firm.steady == (len(used) > 1 and all(stays))
    told = "open" if not firm.steady else "sure" if len(used) == 12 and not estimated else "likely"
    assert firm.level == told
    assert standing(found[:1], False, set()) is None


@given(st.lists(st.tuples(wh, wh), min_size=2, max_size=12), st.sets(st.integers(0, 11)))
def test_months_that_are_not_told_make_no_difference(used: list[tuple[int, int]], lacking: set[int]) -> None:
    whole = [month(*one) for one in used]
    dark = lacking & set(range(len(used)))
    subjects = [flat_month(*one) if at in dark else month(*one) for at, one in enumerate(used)]
    now = cost(tariff("test.resident", "energy", "0.617"), whole, None)
    hours = cost(
        by_hours("0.65", "0.3"), subjects, now, bases=["no_curve" if at in dark else "curve" for at in range(len(used))]
    )
    if len(dark) == len(used):
        assert hours.total is None and hours.reason is not None
        return
    assert hours.untold == dark and (hours.reason is None) == (not dark)
    told = cost(by_hours("0.65", "0.3"), whole, None)
    assert hours.months == tuple((now if at in dark else told).months[at] for at in range(len(used)))
    firm = standing([now, hours], False, set())
    assert firm is not None and firm.told == len(used) - len(dark)
    assert firm.level == "open" or (2 * firm.told >= len(used) and (firm.level == "sure") == (firm.told == 12))


def flat_month(peak: int, valley: int) -> RatingSubject:
    """The same use of a meter without bands."""
    subject = month(peak, valley)
    total = subject.pieces[0].model_copy(update={"band": "total", "value_milli": peak + valley})
    return subject.model_copy(update={"pieces": [total]})


def test_of_what_is_bought_more_is_better() -> None:
    subjects = [month(1_000_000, 0), month(2_000_000, 0)]
    low, high = (tariff(f"test.{price}", "purchase_energy", f"0.{price}") for price in (3, 4))
    found = [cost(one, subjects, None) for one in (low, high)]
    assert best_of(found, purchase=True).tariff is high
    assert standing(found, True, set()) == Standing(months=2, told=2, better=2, steady=True, estimated=0)


def test_a_tariff_that_holds_later_is_taken_at_its_prices_for_all_months() -> None:
    later = tariff("test.resident", "energy", "0.5", effective_from=date(2030, 1, 1))
    assert str(cost(later, [month(1_000, 1_000)], None).total) == "1.00"
