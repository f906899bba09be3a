"""Cases of the kinds that are published, at their edges: each expected figure is worked out here in plain decimals from the words
of the rule, beside and apart from the code that rates."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import pytest
from tests.service.billing.rules.make import DOCUMENT, amounts, component, piece, seasons, span, subject, tariff, tiers

from denghuo.kernel.values import Energy, Money, Percent, Price
from denghuo.service.billing.lines import (
    BasicSpan,
    CannotRate,
    LossBand,
    Part,
    Rated,
    RatingSubject,
    TransformerDays,
    TransformerLoss,
)
from denghuo.service.billing.rules import Stage, rate, rate_stages
from denghuo.service.billing.rules.claims import (
    Debt,
    LateFeeTerms,
    Load,
    PricedEnergy,
    correction_claim,
    late_fee,
    late_fee_terms,
    outage_compensation,
    sealed_equipment,
    temporary_supply,
    theft,
    unauthorised_capacity,
    wrong_category,
)
from denghuo.service.billing.rules.claims.breach import HOURS_A_DAY, theft_energy
from denghuo.service.billing.rules.claims.correction import (
    corrected,
    elements_factor,
    errors_factor,
    meter_error,
    phases_factor,
    ratio_factor,
)
from denghuo.service.billing.rules.losses import nameplates, transformer_loss
from denghuo.service.tariff.api import TariffDocument

PF = {"document": "(83)水电财字215号"}
SOURCES = [{"number": DOCUMENT}, {"number": PF["document"]}]


def yuan(value: Decimal | str | int) -> str:
    """Rounded half up to the fen, away from zero."""
    return str(Decimal(value).quantize(Decimal("0.01"), ROUND_HALF_UP) + 0)


def wh(kwh: Any) -> int:
    return Energy.of(str(kwh)).wh


def two_part(by: str, price: str, basic: dict[str, Any] | None = None, **more: Any) -> TariffDocument:
    charge = {"by": by, "prices": [{"price": price}], "document": DOCUMENT, **(basic or {})}
    return tariff(component("energy", "0.5"), classes=[f"two_part_{by}"], basic=charge, sources=SOURCES, **more)


def basic_of(rated: Rated) -> str:
    return str(Money(sum(line.amount.fen for line in rated.lines if line.group == "basic")))


# --- capacity --------------------------------------------------------------------------------------------------------------------


def days_of(month: str) -> tuple[date, date]:
    first = date.fromisoformat(f"{month}-01")
    following = (first + timedelta(days=31)).replace(day=1)
    return first, following - timedelta(days=1)


@pytest.mark.parametrize("month", ["2024-02", "2023-02", "2024-04", "2024-05", "2024-06", "2024-07", "2026-12"])
@pytest.mark.parametrize("change", [2, 15, 28])
@pytest.mark.parametrize("way", ["spans", "transformers"])
def test_capacity_exchanged_on_any_day_of_any_month(month: str, change: int, way: str) -> None:
    """Both sides by their days: thirtieths up to May 2024, the days of the month from June 2024 on (February 28 and 29)."""
    first, last = days_of(month)
    turn = first.replace(day=change)
    divisor = 30 if month <= "2024-05" else last.day
    expected = sum(
        Decimal(yuan(Decimal(kva) * 10 * days / divisor))
        for kva, days in ((315, change - 1), (400, last.day - change + 1))
    )
    before = turn - timedelta(days=1)
    terms: dict[str, Any] = (
        {"spans": [span(str(first), str(before), kva="315"), span(str(turn), str(last), kva="400")]}
        if way == "spans"
        else {
            "transformers": [
                _transformer("A", 315, "running", date(2020, 1, 1), before),
                _transformer("B", 400, "running", turn, None),
            ]
        }
    )
    rated = rate(
        subject(piece("0"), month=month, tariff_class="two_part_capacity", **terms), two_part("capacity", "10")
    )
    assert basic_of(rated) == yuan(expected)


def _transformer(
    number: str, kva: int, state: str, first: date, last: date | None, interlock: str | None = None
) -> TransformerDays:
    return TransformerDays.model_validate(
        {
            "transformer_no": number,
            "capacity_va": kva * 1000,
            "state": state,
            "first_day": first,
            "last_day": last,
            "interlock": interlock,
        }
    )


@pytest.mark.parametrize("month", ["2024-02", "2024-05", "2026-04", "2026-07"])
def test_an_unchanged_month_is_one_monthly_charge(month: str) -> None:
    for spans in (
        [days_of(month)],
        [(days_of(month)[0], days_of(month)[0]), (days_of(month)[0] + timedelta(days=1), days_of(month)[1])],
    ):
        terms = [span(str(first), str(last), kva="315") for first, last in spans]
        rated = rate(
            subject(piece("0"), month=month, tariff_class="two_part_capacity", spans=terms), two_part("capacity", "28")
        )
        assert basic_of(rated) == "8820.00"


@pytest.mark.parametrize("length", [1, 14, 15, 16, 29, 30])
@pytest.mark.parametrize("begins", [1, 10, 20])
def test_a_pause_is_free_from_fifteen_days_on(length: int, begins: int) -> None:
    """Within the month and over its end: April has the days of the pause that lie in it."""
    first = date(2026, 4, begins)
    last = first + timedelta(days=length - 1)
    units = [
        _transformer("A", 1000, "running", date(2020, 1, 1), first - timedelta(days=1)),
        _transformer("A", 1000, "paused", first, last),
        _transformer("A", 1000, "running", last + timedelta(days=1), None),
        _transformer("B", 500, "running", date(2020, 1, 1), None),
    ]
    in_april = (min(last, date(2026, 4, 30)) - first).days + 1
    free = in_april if length >= 15 else 0
    expected = Decimal(0)
    before, after = begins - 1, 30 - begins + 1 - in_april
    pieces = [(before, 1500), (free, 500), (after, 1500)] if free else [(30, 1500)]
    for days, kva in pieces:
        expected += Decimal(yuan(Decimal(kva) * 30 * days / 30))
    rated = rate(subject(piece("0"), tariff_class="two_part_capacity", transformers=units), two_part("capacity", "30"))
    assert basic_of(rated) == yuan(expected)


@pytest.mark.parametrize(
    ("units", "kva"),
    [
        ([(500, "running", "A"), (630, "sealed", "A"), (200, "running", None)], 700),
        ([(500, "hot_standby", "A"), (630, "hot_standby", "A")], 630),
        ([(500, "running", "A"), (500, "running", "A"), (300, "running", "B"), (400, "cold_standby", "B")], 900),
        ([(1000, "cold_standby", None), (1000, "sealed", None)], 1000),
        ([(1000, "sealed", None)], 0),
    ],
)
def test_standby_and_interlock(units: list[tuple[int, str, str | None]], kva: int) -> None:
    there = [
        _transformer(f"T{at}", size, state, date(2020, 1, 1), None, lock)
        for at, (size, state, lock) in enumerate(units)
    ]
    rated = rate(subject(piece("0"), tariff_class="two_part_capacity", transformers=there), two_part("capacity", "30"))
    assert basic_of(rated) == yuan(kva * 30)


# --- demand ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("month", ["2016-06", "2016-07", "2026-04"])
@pytest.mark.parametrize("contract", [300, 1000, 1001, None])
@pytest.mark.parametrize("actual", ["0", "399.999", "400", "1000", "1050", "1050.001", "1051.05", "1051.051", "1300"])
@pytest.mark.parametrize("floor", [None, "40"])
def test_billed_demand(month: str, contract: int | None, actual: str, floor: str | None) -> None:
    """To exactly 105 % of the contract the contract; above it the excess twice, until June 2016 that over the contract itself; with
    a floor at least 40 % of 1000 kVA."""
    got, least = Decimal(actual), Decimal(400) if floor else Decimal(0)
    billed = got
    if contract is not None:
        limit = Decimal(contract) * Decimal("1.05")
        start = limit if month >= "2016-07" else Decimal(contract)
        billed = Decimal(contract) if got <= limit else start + 2 * (got - start)
    document = two_part(
        "demand", "40", {"demand": {"floor_share": floor}} if floor else None, effective_from="2010-01-01"
    )
    terms = span(str(days_of(month)[0]), str(days_of(month)[1]), kva="1000", kw=str(contract) if contract else None)
    rated = rate(
        subject(piece("0"), piece(actual, "demand"), month=month, tariff_class="two_part_demand", spans=[terms]),
        document,
    )
    assert basic_of(rated) == yuan(max(billed, least) * 40)


@pytest.mark.parametrize(
    ("kwh", "kva", "share"),
    [("259999", 1000, 1), ("260000", 1000, "0.9"), ("260001", 1000, "0.9"), ("260000", 1001, 1)],
)
@pytest.mark.parametrize("month", ["2026-02", "2026-07"])
def test_discount_at_exactly_260_kwh_per_kva(kwh: str, kva: int, share: Any, month: str) -> None:
    discount = {"energy_per_kva": "260", "price_share": "90", "document": DOCUMENT}
    first, last = days_of(month)
    terms = {
        "tariff_class": "two_part_demand",
        "spans": [span(str(first), str(last), kva=str(kva), kw="333")],
        "month": month,
    }
    rated = rate(subject(piece(kwh), **terms), two_part("demand", "41.3", {"discount": discount}))
    full = Decimal(yuan(Decimal("41.3") * 333))
    assert basic_of(rated) == yuan(full if share == 1 else full - Decimal(yuan(full / 10)))
    if share != 1:
        assert rated.lines[-1].amount < Money(0) and rated.lines[-1].code == "basic_discount"


# --- power factor ----------------------------------------------------------------------------------------------------------------


def by_table(standard: int, factor: int) -> Decimal:
    """The published table step by step, in per cent."""
    if factor >= standard:
        steps = [Decimal("0.1") if at < 90 else Decimal("0.15") for at in range(standard, factor)]
        most = {90: "0.75", 85: "1.1", 80: "1.3"}[standard]
        return -min(sum(steps, Decimal(0)), Decimal(most))
    below = range(1, standard - factor + 1)
    return sum((Decimal("0.5") if at <= 20 else Decimal(1) if at <= 25 else Decimal(2) for at in below), Decimal(0))


@pytest.mark.parametrize("standard", [80, 85, 90])
@pytest.mark.parametrize(
    ("kwh", "kvarh"),
    [
        (800, 600), (600, 800), (960, 280), (1000, 0), (1000, 1), (1, 0), (1, 1), (1, 100), (1, 199), (1, 201), (3, 1000),
        (50_000, 59_000), (40_000, 39_670), (36_000, 16_434), (10**9, 10**9), (10**9, 3 * 10**8),
    ],
)  # fmt: skip
def test_factor_and_percentage(standard: int, kwh: int, kvarh: int) -> None:
    exact = Decimal(kwh) / (Decimal(kwh) ** 2 + Decimal(kvarh) ** 2).sqrt()
    factor = int((exact * 100).quantize(Decimal(1), ROUND_HALF_UP))
    document = tariff(component("energy", "0.6"), power_factor=PF, sources=SOURCES)
    rated = rate(subject(piece(str(kwh)), piece(str(kvarh), "reactive_fwd"), standard=standard), document)
    if factor == 0:
        assert [one.code for one in rated.remarks] == ["power_factor_without_energy"]
        return
    energy = Decimal(yuan(Decimal("0.6") * kwh))
    assert amounts(rated)["power_factor", None, None] == yuan(energy * by_table(standard, factor) / 100)


def test_a_factor_at_a_half_is_rounded_up_before_the_table() -> None:
    """0.895 to 0.90: 895 kWh of 1000 kVAh, the reactive energy just at and just beyond the half."""
    document = tariff(component("energy", "1"), power_factor=PF, sources=SOURCES, rounding={"quantity_places": 3})
    for kvarh, factor in (("446.065", 90), ("446.070", 89)):
        exact = Decimal(895) / (Decimal(895) ** 2 + Decimal(kvarh) ** 2).sqrt() * 100
        assert int(exact.quantize(Decimal(1), ROUND_HALF_UP)) == factor
        rated = rate(subject(piece("895"), piece(kvarh, "reactive_fwd"), standard=90), document)
        assert rated.lines[-1].quantity_milli == int(by_table(90, factor) * 1000)


def test_forward_and_reverse_reactive_energy_and_losses_join() -> None:
    loss = TransformerLoss(transformer_no="T", active_wh=wh(100), reactive_varh=wh(500))
    document = tariff(component("energy", "0.5"), power_factor=PF, sources=SOURCES)
    pieces = [piece("700"), piece("60", "reactive_fwd"), piece("40", "reactive_rev")]
    rated = rate(subject(*pieces, losses=[loss], standard=85), document)
    # 800 kWh against 60 + 40 + 500 kvarh: 0.80, below 0.85 by five steps.
    assert amounts(rated) == {("energy", None, None): "400.00", ("power_factor", None, None): "10.00"}


def test_every_metered_row_is_whole_before_it_is_added() -> None:
    """0.4 and 0.4 kWh are nothing, 0.5 and 0.5 are two; reactive rows alike."""
    document = tariff(component("energy", "1"), power_factor=PF, sources=SOURCES)
    two = [
        piece("0.4"),
        piece("0.4", meter_no="M2", piece=2),
        piece("0.5", meter_no="M3", piece=3),
        piece("0.5", meter_no="M4", piece=4),
    ]
    rated = rate(subject(*two, piece("1.4", "reactive_fwd"), piece("0.5", "reactive_rev"), standard=90), document)
    assert rated.energy_wh == wh(2)
    # 2 kWh against 1 + 1 kvarh is 0.71: 9.5 % of 2.00
    assert str(rated.lines[-1].amount) == "0.19"


# --- losses ----------------------------------------------------------------------------------------------------------------------


def test_bill_of_several_meters_behind_one_transformer() -> None:
    """SL7-500 loses 1220 kWh and 12820 kvarh with 27,818 kWh behind it: each meter a share in whole kWh, the main one the rest."""
    table = [LossBand(up_to_wh=wh(30_000), active_wh=wh(1220), reactive_varh=wh(12_820))]
    energies = {"P1": 20_018, "L": 5000, "M": 2800}
    assert sum(energies.values()) == 27_818
    parts = [Part(point_no=point, way="parallel", tariff_code="light") for point in ("L", "M")]
    pieces = [piece(str(kwh), point_no=point, meter_no=point) for point, kwh in energies.items()]
    main = tariff(component("energy", "0.5"), power_factor=PF, sources=SOURCES)
    rated = rate(
        subject(
            *pieces,
            piece("9000", "reactive_fwd"),
            losses=[TransformerLoss(transformer_no="T", table=table)],
            parts=parts,
            standard=90,
        ),
        main,
        {"light": tariff(component("energy", "0.7"), code="light")},
    )
    share = {
        point: int(Decimal(1220 * kwh / Decimal(27_818)).quantize(Decimal(1), ROUND_HALF_UP))
        for point, kwh in energies.items()
    }
    share["P1"] = 1220 - share["L"] - share["M"]
    varh = 12_820 - sum(
        int((Decimal(12_820 * energies[one]) / 27_818).quantize(Decimal(1), ROUND_HALF_UP)) for one in ("L", "M")
    )
    kwh = [energies[point] + share[point] for point in energies]
    assert [line.quantity_milli for line in rated.lines if line.code == "energy"] == [wh(one) for one in kwh]
    step = next(one.values for one in rated.lines[-1].steps if one.kind == "power_factor")
    assert (step["active"], step["reactive"]) == (str(kwh[0]), str(9000 + varh))


@pytest.mark.parametrize(
    ("loss", "days", "borne"),
    [(304, 20, 203), (304, 15, 152), (305, 15, 153), (1, 15, 1), (1, 14, 0), (304, None, 304)],
)
def test_a_part_of_a_month_bears_thirtieths_in_whole_kwh(loss: int, days: int | None, borne: int) -> None:
    terms = TransformerLoss(transformer_no="T", active_wh=wh(loss), days=days)
    assert rate(subject(piece("6000"), losses=[terms]), tariff(component("energy", "0.5"))).energy_wh == wh(
        6000 + borne
    )


@pytest.mark.parametrize(
    ("series", "kva"), [("S9", 30), ("S11", 250), ("S11", 800), ("S13", 100), ("S13", 315), ("S13", 1000)]
)
@pytest.mark.parametrize(("kwh", "kvarh"), [(0, 0), (55_440, 0), (40_000, 30_000)])
def test_loss_by_the_nameplate(series: str, kva: int, kwh: int, kvarh: int) -> None:
    """(P0 + b² Pk) 720 h and S (I0 + b² Uk) 720 h, half up to whole kWh and kvarh; nothing used leaves P0 720 h."""
    plate = nameplates()[series, kva * 1000]
    terms = TransformerLoss(
        transformer_no="T",
        capacity_va=plate.capacity_va,
        no_load_w=plate.no_load_w,
        load_w=plate.load_w,
        no_load_current=plate.no_load_current,
        impedance=plate.impedance,
    )
    square = Decimal(kwh**2 + kvarh**2) / Decimal(kva * 720) ** 2
    active = (Decimal(plate.no_load_w) + square * plate.load_w) * 720 / 1000
    reactive = Decimal(kva) * (Decimal(str(plate.no_load_current)) + square * Decimal(str(plate.impedance))) * 720 / 100
    lost = transformer_loss(terms, wh(kwh), wh(kvarh), 0)
    whole = Decimal(1)
    assert lost.active_wh == wh(active.quantize(whole, ROUND_HALF_UP))
    assert lost.reactive_varh == wh(reactive.quantize(whole, ROUND_HALF_UP))


# --- residents -------------------------------------------------------------------------------------------------------------------


def in_tiers(limits: Sequence[int], kwh: int, before: int = 0) -> list[int]:
    """Energy in each tier, one kWh after the other."""
    found = [0] * (len(limits) + 1)
    for at in range(before, before + kwh):
        found[sum(at >= limit for limit in limits)] += 1
    return found


@pytest.mark.parametrize("before", [0, 3119, 3120, 3121, 4799, 4800, 4801])
@pytest.mark.parametrize("kwh", [0, 1, 2, 1680, 1681, 1682])
@pytest.mark.parametrize("months", [12, 1, 7])
def test_annual_tiers_at_their_limits(before: int, kwh: int, months: int) -> None:
    prices = ("0.617", "0.667", "0.917")
    document = tariff(
        component("energy", [{"price": price, "tier": at} for at, price in enumerate(prices, 1)]),
        tiers=tiers("annual", "3120", "4800"),
    )
    limits = [3120 * months // 12, 4800 * months // 12]
    rated = rate(subject(piece(str(kwh)), used_before_wh=wh(before), tier_months=months), document)
    shares = in_tiers(limits, kwh, before)
    assert rated.tiers_wh == [wh(one) for one in shares]
    assert str(rated.total) == yuan(sum(Decimal(yuan(Decimal(p) * q)) for p, q in zip(prices, shares, strict=True)))


@pytest.mark.parametrize("reading", [1, 2])
@pytest.mark.parametrize("kwh", [200, 201, 400, 401, 800, 801, 900])
def test_monthly_tiers_at_their_limits(kwh: int, reading: int) -> None:
    prices = ("0.62", "0.67", "0.92")
    document = tariff(
        component("energy", [{"price": price, "tier": at} for at, price in enumerate(prices, 1)]),
        tiers=tiers("monthly", "200", "400"),
    )
    shares = in_tiers([200 * reading, 400 * reading], kwh)
    rated = rate(subject(piece(str(kwh)), reading_months=reading), document)
    assert str(rated.total) == yuan(sum(Decimal(yuan(Decimal(p) * q)) for p, q in zip(prices, shares, strict=True)))


def test_tier_by_total_with_bands() -> None:
    """Shanghai: the tier is that of the total; each tier has its part of peak and valley, which add up exactly."""
    rows = [
        {"price": price, "tier": tier, "band": band}
        for tier, pair in enumerate((("0.617", "0.307"), ("0.677", "0.337"), ("0.977", "0.487")), 1)
        for band, price in zip(("peak", "valley"), pair, strict=True)
    ]
    document = tariff(
        component("energy", rows), tiers=tiers("annual", "3120", "4800"), seasons=seasons(peak=None, valley=None)
    )
    rated = rate(subject(piece("201", band="peak"), piece("100", band="valley"), used_before_wh=wh(3000)), document)
    cells = {(line.tier, line.band): (line.quantity_milli or 0) // 1000 for line in rated.lines}
    assert rated.tiers_wh == [wh(120), wh(181), 0]
    assert sum(kwh for (tier, _), kwh in cells.items() if tier == 1) == 120
    assert sum(kwh for (_, band), kwh in cells.items() if band == "peak") == 201
    for (tier, band), kwh in cells.items():
        exact = Fraction((120, 181)[(tier or 1) - 1] * {"peak": 201, "valley": 100}[band or ""], 301)
        assert abs(kwh - exact) < 1


# --- late fee --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("resident", [True, False])
@pytest.mark.parametrize(
    ("due", "paid"),
    [
        (date(2025, 12, 31), date(2026, 1, 1)),
        (date(2025, 12, 30), date(2025, 12, 31)),
        (date(2025, 12, 30), date(2026, 1, 1)),
        (date(2024, 2, 28), date(2024, 3, 1)),
        (date(2025, 2, 28), date(2025, 3, 1)),
        (date(2025, 1, 1), date(2027, 1, 1)),
        (date(2026, 4, 15), date(2026, 4, 15)),
        (date(2026, 4, 15), date(2026, 4, 10)),
        (date(2023, 12, 15), date(2024, 1, 18)),
    ],
)
def test_late_fee_day_by_day(due: date, paid: date, resident: bool) -> None:
    """Each day from the one after the due day to the day of payment: 1 per mille of residents, of others 2 in the year of the debt
    and 3 in later years; until May 2024 at least 1 yuan. Each rate is rounded by itself."""
    owed, counted = Decimal("333.33"), {1: 0, 2: 0, 3: 0}
    day = due + timedelta(days=1)
    while day <= paid:
        counted[1 if resident else 2 if day.year == due.year else 3] += 1
        day += timedelta(days=1)
    fee = sum((Decimal(yuan(owed * rate_ * days / 1000)) for rate_, days in counted.items()), Decimal(0))
    if due < date(2024, 6, 1) and fee:
        fee = max(fee, Decimal(1))
    claim = late_fee([Debt("x", Money.of("333.33"), due)], paid, resident=resident, terms=late_fee_terms(due))
    assert str(claim.total) == yuan(fee)


def test_cap_is_30_percent_of_the_principal() -> None:
    terms = LateFeeTerms("late.2024", cap=Percent.of("30"))
    for days, fee in ((300, "300.00"), (301, "300.00"), (299, "299.00")):
        due = date(2025, 1, 10)
        claim = late_fee([Debt("x", Money.of("1000"), due)], due + timedelta(days=days), resident=True, terms=terms)
        assert str(claim.total) == fee


# --- breach, theft, correction ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "last", "days", "months"),
    [
        (date(2023, 8, 25), date(2023, 9, 30), "thirty", Fraction(7, 30) + 1),
        (date(2024, 1, 31), date(2024, 2, 29), "calendar", Fraction(1, 31) + 1),
        (date(2025, 2, 1), date(2025, 2, 28), "thirty", Fraction(1)),
        (date(2025, 2, 2), date(2025, 2, 28), "thirty", Fraction(27, 30)),
        (date(2024, 12, 31), date(2025, 1, 1), "calendar", Fraction(2, 31)),
        (date(2026, 4, 15), date(2026, 4, 15), "calendar", Fraction(1, 30)),
    ],
)
def test_capacity_charged_again_with_its_penalty(first: date, last: date, days: str, months: Fraction) -> None:
    back = Decimal(315 * 20) * months.numerator / months.denominator
    common: dict[str, Any] = {"two_part_price": Price.of("20"), "first_day": first, "last_day": last, "days": days}
    claim = unauthorised_capacity(315_000, **common)
    assert [str(line.amount) for line in claim.lines] == [yuan(back), yuan(back * 3)]
    sealed = sealed_equipment(315_000, **common)
    assert [str(line.amount) for line in sealed.lines] == [yuan(back), yuan(back * 2)]


@pytest.mark.parametrize(
    "pieces", [[("1", "0.3333")], [("37", "0.12345"), ("41", "0.2")], [("0", "0.3")], [("12.345", "0.0001")]]
)
def test_penalty_on_the_unrounded_difference(pieces: list[tuple[str, str]]) -> None:
    exact = sum((Decimal(kwh) * Decimal(price) for kwh, price in pieces), Decimal(0))
    for times, make in ((2, wrong_category), (3, theft)):
        claim = make([PricedEnergy(wh(kwh), Price.of(price)) for kwh, price in pieces])
        assert [str(line.amount) for line in claim.lines] == [
            *(yuan(Decimal(kwh) * Decimal(price)) for kwh, price in pieces),
            yuan(exact * times),
        ]


@pytest.mark.parametrize(
    ("kw", "use", "price"), [("2", "power", "0.52"), ("0.75", "lighting", "0.3"), ("1.5", "power", "0.617")]
)
def test_theft_of_unknown_time_by_use(kw: str, use: str, price: str) -> None:
    kwh = Decimal(kw) * {"power": 12, "lighting": 6}[use] * 180
    energy = theft_energy(int(Decimal(kw) * 1000), HOURS_A_DAY[use])
    claim = theft([PricedEnergy(energy, Price.of(price))])
    assert energy == wh(kwh)
    assert [str(line.amount) for line in claim.lines] == [yuan(kwh * Decimal(price)), yuan(kwh * Decimal(price) * 3)]


@pytest.mark.parametrize(
    ("factor", "true"),
    [
        (elements_factor([Fraction(40), Fraction(40), Fraction(-40)], Fraction(40)), Fraction(3)),  # one reversed
        (elements_factor([Fraction(30), Fraction(40), Fraction(40)], Fraction(40)), Fraction(9, 10)),
        (elements_factor([Fraction(30), Fraction(-40), Fraction(-40)], Fraction(40)), Fraction(-9, 2)),  # two reversed
        (errors_factor([Percent.of("-10"), Percent.of("0"), Percent.of("0")]), Fraction(30, 29)),
        (errors_factor([Percent.of("5"), Percent.of("-5"), Percent.of("0")]), Fraction(1)),
        (phases_factor(1), Fraction(3)),
        (phases_factor(2), Fraction(3, 2)),
        (ratio_factor(Fraction(150, 5), Fraction(200, 5)), Fraction(3, 4)),
        (ratio_factor(Fraction(600, 5), Fraction(300, 5)), Fraction(2)),
    ],
)
def test_factors_of_wrong_metering(factor: Fraction, true: Fraction) -> None:
    assert factor == true
    found = corrected({"peak": wh(1000), "valley": wh(333)}, factor, "correction.wiring")
    claim = correction_claim(found, {"peak": Price.of("0.9"), "valley": Price.of("0.3")})
    for line, (kwh, price) in zip(claim.lines, ((1000, "0.9"), (333, "0.3")), strict=True):
        back = (Decimal((true - 1).numerator) / (true - 1).denominator * kwh).quantize(Decimal("0.001"), ROUND_HALF_UP)
        assert (line.quantity_milli, str(line.amount)) == (wh(back), yuan(back * Decimal(price)))


@pytest.mark.parametrize("error", ["-5", "5", "-50", "2.5", "0"])
def test_meter_error_from_zero_error_over_half_the_time(error: str) -> None:
    registered = Decimal(10_000)
    true = registered / 2 / (1 + Decimal(error) / 100)
    back = (true - registered / 2).quantize(Decimal("0.001"), ROUND_HALF_UP)
    assert meter_error({"total": wh(registered)}, Percent.of(error)).energy_wh == wh(back)


@pytest.mark.parametrize(("two", "times"), [(False, 4), (True, 5)])
def test_outage_by_the_hours_of_the_month_before(two: bool, times: int) -> None:
    for minutes, hours in ((30 * 60, 720), (1, 720), (59, 744)):
        exact = Decimal(30_000) * minutes / (hours * 60) * Decimal("0.4321") * times
        claim = outage_compensation(wh(30_000), minutes, Price.of("0.4321"), two_part=two, month_hours=hours)
        assert str(claim.total) == f"-{yuan(exact)}"


def test_temporary_supply_of_several_loads() -> None:
    loads = [Load(7_500, 8, 13), Load(40, 24, 31)]
    kwh = Decimal("7.5") * 8 * 13 + Decimal("0.04") * 24 * 31
    prices = {"energy": "0.641", "fund_1": "0.004"}
    claim = temporary_supply(loads, [(code, (code, code), Price.of(price), DOCUMENT) for code, price in prices.items()])
    assert [str(line.amount) for line in claim.lines] == [yuan(kwh * Decimal(price)) for price in prices.values()]


# --- a meter exchanged on the day on which the price changes ----------------------------------------------------------------------


def test_pieces_of_two_meters_under_two_prices() -> None:
    """Each side with its own ratio and its own price; nothing is shared over the day of the change."""
    old = tariff(component("energy", "0.5"), effective_to="2026-04-16")
    new = tariff(component("energy", "0.6"), version=2, effective_from="2026-04-16")

    def stage(first: str, last: str, metered: Any, document: TariffDocument) -> Stage:
        return Stage(subject(metered, first_day=first, last_day=last), document)

    rated = rate_stages(
        [
            stage("2026-04-01", "2026-04-15", piece("333", multiplier="30", start="0.00", end="11.10"), old),
            stage(
                "2026-04-16", "2026-04-30", piece("160", meter_no="M2", multiplier="40", start="0.00", end="4.00"), new
            ),
        ]
    )
    assert [str(line.amount) for line in rated.lines] == [yuan(Decimal(333) / 2), yuan(Decimal(160) * Decimal("0.6"))]
    with pytest.raises(CannotRate):
        rate_stages([stage("2026-04-01", "2026-04-16", piece("1"), old)])


def test_subject_of_a_contract_without_capacity() -> None:
    """A two-part contract whose spans give nothing is refused, not charged nothing."""
    empty: RatingSubject = subject(
        piece("1"),
        tariff_class="two_part_capacity",
        spans=[BasicSpan(first_day=date(2026, 4, 1), last_day=date(2026, 4, 30))],
    )
    with pytest.raises(CannotRate) as raised:
        rate(empty, two_part("capacity", "28"))
    assert raised.value.code == "no_terms"
