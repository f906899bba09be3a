"""Why a bill changed: the parts add up to the fen, and each says what it is named for and nothing else."""

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from denghuo.kernel.period import Month
from denghuo.kernel.values import Money, Price
from denghuo.service.billing.change import Part, Side, of_month, opened, parts_of
from denghuo.service.billing.lines import BasicSpan, MeteredPiece, RatingSubject
from denghuo.service.billing.rules import Stage, rate, rate_stages
from denghuo.service.billing.weather import Answer, Degrees, Weather, answer_of
from denghuo.service.tariff.api import TariffDocument
from denghuo.service.tariff.shipped import published

SHANGHAI = {one.code: one for one in published("shanghai") or []}
CLASSES = {
    "sh.resident.tiered": "0.22",
    "sh.resident.tiered.tou": "0.22",
    "sh.business.single": "10",
    "sh.business.single.tou": "10",
    "sh.two_part.capacity": "10",
    "sh.two_part.demand": "10",
}
MONTHS = [f"2026-{month:02d}" for month in range(1, 13)]
wh = st.integers(0, 3_000_000)


def piece(value: int, quantity: str = "active_fwd", band: str = "total", meter: str = "M1") -> MeteredPiece:
    return MeteredPiece.model_validate(
        {"point_no": "P1", "meter_no": meter, "quantity": quantity, "band": band, "value_milli": value}
    )


def subject(code: str, month: str, energies: dict[str, int], **more: Any) -> RatingSubject:
    document = SHANGHAI[code]
    first = Month.of(month).first_day
    span = BasicSpan(first_day=first, last_day=Month.of(month).next.first_day - timedelta(days=1))
    given = {
        "tariff_class": document.classes[0],
        "voltage": CLASSES[code],
        "month": month,
        "pieces": [piece(value, band=band) for band, value in energies.items()]
        + [piece(more.pop("reactive", 100_000), "reactive_fwd"), piece(more.pop("demand", 200_000), "demand")],
        "spans": [
            span.model_copy(
                update={"capacity_va": more.pop("capacity", 315_000), "contract_w": more.pop("contract", 250_000)}
            )
        ],
    }
    return RatingSubject(**(given | more))


def side(made: RatingSubject, code: str, tariff: TariffDocument | None = None, issued: int | None = None) -> Side:
    document = tariff or SHANGHAI[code]
    total = rate(made, opened(document)).total
    return Side(made, document, total if issued is None else Money(issued))


def amounts(parts: list[Part]) -> dict[str, str]:
    return {part.code: str(part.amount) for part in parts if part.amount}


@st.composite
def sides(draw: st.DrawFn) -> Side:
    code = draw(st.sampled_from(sorted(CLASSES)))
    month = Month.of(draw(st.sampled_from(MONTHS)))
    bands = ("sharp", "peak", "flat", "valley", "deep")
    energies = draw(
        st.one_of(
            st.builds(lambda value: {"total": value}, wh),
            st.fixed_dictionaries(dict.fromkeys(bands, wh)),
            st.fixed_dictionaries({"peak": wh, "valley": wh}),
        )
    )
    more: dict[str, Any] = {
        name: draw(wh) for name in ("reactive", "demand", "capacity", "contract", "used_before_wh", "tier_extra_wh")
    }
    more["tier_months"] = draw(st.integers(1, 12))
    more["standard"] = draw(st.sampled_from([None, 80, 85, 90]))
    if draw(st.booleans()):
        days = sorted(draw(st.lists(st.integers(1, month.day_count), min_size=2, max_size=2)))
        more["first_day"], more["last_day"] = (date(month.year, month.month, day) for day in days)
    made = subject(code, str(month), energies, **more)
    return side(made, code, issued=draw(st.one_of(st.none(), st.integers(-(10**9), 10**9))))


@given(sides(), sides())
def test_the_parts_add_up_to_the_difference(before: Side, after: Side) -> None:
    parts = parts_of(before, after)
    assert sum((part.amount for part in parts), Money(0)) == after.issued - before.issued
    assert all(part.sentence.zh and part.sentence.en for part in parts)


degree = st.builds(Degrees, st.integers(0, 4_000), st.integers(0, 9_000), st.integers(1, 31))
slope = st.fractions(0, 500, max_denominator=997)
weathers = st.builds(Weather, degree, degree, st.builds(Answer, slope, slope, st.just(12)), st.just(["气温表"]))


@pytest.mark.scope("X-02")
@given(sides(), sides(), weathers)
def test_the_parts_with_the_weather_add_up_too(before: Side, after: Side, weather: Weather) -> None:
    parts = parts_of(before, after, weather)
    assert sum((part.amount for part in parts), Money(0)) == after.issued - before.issued
    codes = [part.code for part in parts]
    assert codes.index("days") < codes.index("weather") < codes.index("energy")
    # What the weather says moves between it and the rest of the energy, and nothing else.
    without = {part.code: part.amount for part in parts_of(before, after)}
    told = {part.code: part.amount for part in parts}
    if weather.more_wh == 0:
        assert told.pop("weather") == Money(0) and told == without


@given(
    st.lists(st.tuples(degree, st.integers(0, 10**6)), min_size=12, max_size=24),
    st.integers(0, 50_000),
    st.integers(0, 300),
    st.integers(0, 300),
)
def test_an_account_that_follows_the_weather_exactly_is_found_out(
    months: list[tuple[Degrees, int]], base: int, cooling: int, heating: int
) -> None:
    """Energy a day = base + slopes x degrees a day, so the line is found to the last Wh wherever it can be told at all."""
    known = [(base * at.days + cooling * at.cooling + heating * at.heating, at) for at, _ in months]
    found = answer_of(known)
    if found is not None:
        for wh, at in known:
            expected = Fraction(wh, at.days) - Fraction(known[0][0], known[0][1].days)
            moved = [now - was for was, now in zip(known[0][1].daily(), at.daily(), strict=True)]
            explained = found.cooling * moved[0] + found.heating * moved[1]
            # Where both kinds move together, or one has no effect, one of them may stand for both.
            if cooling and heating and found.cooling and found.heating:
                assert explained == expected
    by_chance = answer_of([(noise, at) for at, noise in months])
    assert by_chance is None or min(by_chance.cooling, by_chance.heating) >= 0
    assert answer_of(known[:11]) is None


def test_a_worked_case_of_a_warm_month() -> None:
    """31 and 30 days of 10 and 12 kWh; 1 kWh for each degree above 26: 3 degrees on each of 30 days would have made 90 kWh more."""
    code = "sh.resident.tiered"
    before, after = (
        side(subject(code, month, {"total": wh}), code) for month, wh in (("2026-05", 310_000), ("2026-06", 360_000))
    )
    cool = [(31 * (10_000 + 1_000 * at), Degrees(31 * 10 * at, 0, 31)) for at in range(12)]
    answer = answer_of(cool)
    assert answer == Answer(Fraction(100), Fraction(0), 12)
    warm = Weather(Degrees(0, 0, 31), Degrees(900, 0, 30), answer, ["测试气温表"])
    parts = {part.code: part for part in parts_of(before, after, warm)}
    # 310 -> 300 kWh by the days, 390 by the heat, and 30 less than that was used: 0.617 yuan each.
    assert {code: str(part.amount) for code, part in parts.items() if part.amount} == {
        "days": "-6.17",
        "weather": "55.53",
        "energy": "-18.51",
    }
    assert parts["weather"].sentence.zh == (
        "按日最高气温，26℃ 以上制冷度日由 0 变为 90，每度日约 1 千瓦时；按本户近 12 个月自身用电随冷热的变化估算，"
        "电量增加 90 千瓦时（估算，依据 测试气温表）。"
    )
    assert "90 kWh more (an estimate, by 测试气温表)" in parts["weather"].sentence.en
    # Whoever uses the same whatever the weather has no such part.
    assert answer_of([(310_000, at) for _, at in cool]) is None


@given(sides())
def test_equal_bills_have_no_part(one: Side) -> None:
    assert amounts(parts_of(one, one)) == {}


@given(sides(), st.integers(1, 10**7))
def test_another_price_alone_is_the_price_alone(one: Side, more: int) -> None:
    dearer = one.tariff.model_copy(
        update={
            "components": [
                component.model_copy(
                    update={
                        "prices": [
                            row.model_copy(update={"price": Price(row.price.e8 + more)}) for row in component.prices
                        ]
                    }
                )
                for component in one.tariff.components
            ]
        }
    )
    before = side(one.subject, one.tariff.code)
    after = side(one.subject, one.tariff.code, dearer)
    found = amounts(parts_of(before, after))
    assert set(found) <= {"price"}
    assert after.issued == before.issued or found == {"price": str(after.issued - before.issued)}


@given(sides(), st.sampled_from(MONTHS))
def test_a_tariff_held_at_a_month_bills_every_month_as_that_one(one: Side, month: str) -> None:
    held = of_month(opened(one.tariff), Month.of(one.subject.month))
    assert rate(one.subject, held).total == rate(one.subject, opened(one.tariff)).total


def test_a_worked_case_of_a_household() -> None:
    """March to April: a day less, 100 kWh more, the second tier reached, 0.617 and 0.667 yuan."""
    before = side(
        subject("sh.resident.tiered", "2026-03", {"total": 310_000}, used_before_wh=2_700_000), "sh.resident.tiered"
    )
    after = side(
        subject("sh.resident.tiered", "2026-04", {"total": 400_000}, used_before_wh=3_010_000), "sh.resident.tiered"
    )
    parts = {part.code: part for part in parts_of(before, after)}
    # 310 -> 300 kWh; 300 -> 400 kWh; 290 of the 400 kWh lie 0.05 yuan higher.
    assert amounts(list(parts.values())) == {"days": "-6.17", "energy": "61.70", "tier": "14.50"}
    assert parts["days"].sentence.zh == "计费天数由 31 天变为 30 天，按上期日均 10 千瓦时，电量减少 10 千瓦时。"
    assert parts["energy"].sentence.en == "10 kWh a day became 13.33: 100 kWh more in 30 days."
    assert "第1档 400 → 110 千瓦时，第2档 0 → 290 千瓦时" in parts["tier"].sentence.zh
    assert parts["price"].sentence.en == "The prices did not change."


def test_a_shift_of_hours_is_told_apart_from_the_energy() -> None:
    code = "sh.resident.tiered.tou"
    before = side(subject(code, "2026-03", {"peak": 200_000, "valley": 100_000}), code)
    after = side(subject(code, "2026-05", {"peak": 100_000, "valley": 200_000}), code)
    parts = {part.code: part for part in parts_of(before, after)}
    assert amounts(list(parts.values())) == {"time_shift": "-31.00"}
    assert parts["time_shift"].sentence.zh == "各时段占比：峰 66.7% → 33.3%，谷 33.3% → 66.7%。"


def test_another_plan_and_another_capacity_are_parts_of_their_own() -> None:
    energies = {"peak": 20_000_000, "flat": 20_000_000, "valley": 20_000_000}
    code = "sh.two_part.capacity"
    before = side(subject(code, "2026-04", energies, standard=90), code)
    larger = side(subject(code, "2026-04", energies, standard=90, capacity=400_000), code)
    assert set(amounts(parts_of(before, larger))) <= {"basic"}
    said = {part.code: part.sentence.zh for part in parts_of(before, larger)}
    assert said["basic"] == "计费容量或需量由 315 千伏安 变为 400 千伏安。"
    other = side(subject("sh.business.single.tou", "2026-04", energies, standard=90), "sh.business.single.tou")
    assert set(amounts(parts_of(before, other))) == {"plan"}
    weaker = side(subject(code, "2026-04", energies, standard=90, reactive=60_000_000), code)
    assert set(amounts(parts_of(before, weaker))) == {"power_factor"}


@given(sides(), sides(), st.integers(2, 28), st.integers(0, 100))
def test_a_month_in_stages_is_told_as_one_part_that_makes_the_sum_right(
    before: Side, after: Side, day: int, percent: int
) -> None:
    month = Month.of(after.subject.month)
    cut = date(month.year, month.month, day)
    whole = after.subject.model_copy(update={"first_day": None, "last_day": None})

    def part(first: date, last: date, share: int) -> Stage:
        pieces = [one.model_copy(update={"value_milli": (one.value_milli or 0) * share // 100}) for one in whole.pieces]
        return Stage(
            whole.model_copy(update={"first_day": first, "last_day": last, "pieces": pieces}), opened(after.tariff)
        )

    stages = [
        part(month.first_day, cut - timedelta(days=1), percent),
        part(cut, month.next.first_day - timedelta(days=1), 100 - percent),
    ]
    staged = Side(whole, after.tariff, rate_stages(stages).total, stages=stages)
    for one, other in ((before, staged), (staged, before)):
        parts = parts_of(one, other)
        assert sum((part.amount for part in parts), Money(0)) == other.issued - one.issued
        assert "stages" in {part.code for part in parts} and "stages" not in {
            part.code for part in parts_of(before, after)
        }
    assert amounts(parts_of(staged, staged)) == {}


def test_what_was_corrected_after_the_issue_stands_apart() -> None:
    made = subject("sh.resident.tiered", "2026-04", {"total": 100_000})
    before, after = side(made, "sh.resident.tiered"), side(made, "sh.resident.tiered", issued=6_000)
    assert amounts(parts_of(before, after)) == {"other": "-1.70"}
