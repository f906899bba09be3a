"""The columns against the rules: the same lines to the fen, or the contract is left to the rules."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.service.billing.rules.make import component, piece, seasons, subject, tariff, tiers

from denghuo.kernel.period import Month
from denghuo.kernel.values import charge_fen
from denghuo.service.billing.batch import PURCHASE_ROLES, SUPPLY_ROLES
from denghuo.service.billing.engine.figures import Energies, charge, figures
from denghuo.service.billing.engine.gather import meter_energies, metered
from denghuo.service.billing.engine.plan import PricePlan, price_plan
from denghuo.service.billing.lines import CannotRate
from denghuo.service.billing.rules import rate
from denghuo.service.tariff.api import TariffDocument
from denghuo.service.tariff.shipped import published

MONTH = Month.of("2026-04")
PRICES = st.integers(-(10**6), 2 * 10**8).map(lambda e8: f"{e8 / 10**8:.8f}")
WH = st.one_of(st.integers(0, 5_000), st.integers(0, 10**7), st.integers(0, 10**15))


def by_tier(*prices: str, **more: Any) -> list[dict[str, Any]]:
    return [{"price": price, "tier": tier, **more} for tier, price in enumerate(prices, 1)]


@st.composite
def tariffs(draw: st.DrawFn) -> TariffDocument:
    parts: list[dict[str, Any]] = [component("energy", draw(PRICES), floats=draw(st.booleans()))]
    more: dict[str, Any] = {"rounding": {"quantity_places": draw(st.sampled_from([0, 2, 3]))}}
    if draw(st.booleans()):
        period = draw(st.sampled_from(["annual", "monthly"]))
        more["tiers"] = tiers(period, *draw(st.sampled_from([("3120", "4800"), ("10",), ("180.5", "280", "400")])))
        more["tiers"]["year_by"] = draw(st.sampled_from(["calendar", "reading"]))
        count = len(more["tiers"]["tables"][0]["up_to"]) + 1
        parts[0] = component("energy", by_tier(*(draw(PRICES) for _ in range(count))), floats=parts[0]["floats"])
        if draw(st.booleans()):
            parts.append(component("tier_2", by_tier(draw(PRICES))[:1], some_tiers=True))
            parts[-1]["prices"][0]["tier"] = 2
    if draw(st.booleans()):
        more["seasons"] = seasons(**draw(st.sampled_from([
            {"peak": "160", "flat": None, "valley": "45"},
            {"peak": None, "valley": "50"},
            {"sharp": "180", "peak": "150", "flat": "100", "valley": "50", "deep": "40"},
        ])))  # fmt: skip
    parts.append(component("history_deviation", draw(PRICES), floats=draw(st.booleans())))
    parts.append(component("government_funds", draw(PRICES), group="fund"))
    return tariff(*parts, **more)


PUBLISHED = [
    plan
    for document in published("310000") or []
    if (plan := price_plan(document, MONTH, document.voltages[0])) is not None
]
REGISTERS = st.dictionaries(st.sampled_from(["total", "sharp", "peak", "flat", "valley", "deep"]), WH, min_size=1)


def column(value: int) -> Any:
    return np.asarray([value], dtype=np.int64)


def by_rules(document: TariffDocument, bands: Mapping[str, int], used: int, months: int) -> list[tuple[object, ...]]:
    pieces = [piece("0", band=band).model_copy(update={"value_milli": value}) for band, value in bands.items()]
    rated = rate(subject(*pieces, used_before_wh=used, tier_months=months), document)
    return [
        (line.code, line.tier, line.band, line.quantity_milli, line.price.e8 if line.price else 0, line.amount.fen)
        for line in rated.lines
    ]


def by_columns(plan: PricePlan, bands: Mapping[str, int], used: int, months: int) -> list[tuple[object, ...]] | None:
    """The lines of one contract, in the order of the rules: components of funds last; None where it is left."""
    energies = Energies(
        {band: column(bands.get(band, 0)) for band in plan.bands},
        {band: np.asarray([band in bands]) for band in plan.bands},
    )
    found = figures(plan, energies, column(used), column(months))
    if found.left[0]:
        return None
    rows = [
        (line.component.code, line.tier, None if line.band == "total" else line.band, int(line.quantity_wh[0]),
         line.price_e8, int(line.amount_fen[0]), line.component.group == "fund")
        for line in found.lines
        if line.present[0]
    ]  # fmt: skip
    assert sum(row[5] for row in rows) == int(found.amount_fen[0])
    return [row[:6] for row in sorted(rows, key=lambda row: row[6])]


def settled(plan: PricePlan, registers: Mapping[str, int]) -> dict[str, int] | None:
    """What `gather` would make of one meter's registers, by plain arithmetic; None where it leaves the meter."""
    given_ = {band: np.asarray([band in registers]) for band in ("total", "sharp", "peak", "flat", "valley", "deep")}
    values = {band: column(registers.get(band, 0)) for band in given_}
    energies, left = meter_energies(plan, values, given_)
    if left[0]:
        return None
    return {band: int(energies.by_band[band][0]) for band in plan.bands if energies.given[band][0]}


@given(document=tariffs(), registers=REGISTERS, used=st.integers(0, 10**8), months=st.integers(1, 12))
@example(tariff(component("energy", "0.5")), {"total": 0}, 0, 12)
@example(tariff(component("energy", "0.5", floats=True), seasons=seasons(peak="160", flat=None, valley="45")),
         {"peak": 0, "flat": 0, "valley": 0}, 0, 12)  # fmt: skip
@example(tariff(component("energy", "1.99999999")), {"total": 2**62}, 0, 12)
def test_columns_and_rules_give_the_same_lines(
    document: TariffDocument, registers: dict[str, int], used: int, months: int
) -> None:
    plan = price_plan(document, MONTH, "0.38")
    assert plan is not None
    bands = settled(plan, registers)
    if bands is None:
        return
    lines = by_columns(plan, bands, used, months)
    if lines is not None:
        assert lines == by_rules(document, registers, used, months)


@given(bands=st.fixed_dictionaries({"peak": WH, "flat": WH, "valley": WH}), used=st.integers(0, 6 * 10**6))
def test_what_people_use_is_never_left(bands: dict[str, int], used: int) -> None:
    """Up to a million kWh of a contract the columns rate every published tariff of energy alone."""
    household = {band: value % (3 * 10**8) for band, value in bands.items()}
    rated = 0
    for plan in PUBLISHED:
        registers = household if plan.needed else {"total": sum(household.values())}
        registers = {band: value for band, value in registers.items() if band == "total" or band in plan.bands}
        energies = settled(plan, registers)
        assert energies is not None and by_columns(plan, energies, used, 12) is not None
        rated += 1
    assert rated >= 4


@given(price=st.integers(-(10**10), 10**10), quantity=st.integers(0, 2**62))
def test_a_charge_is_the_one_of_the_kernel_or_not_told(price: int, quantity: int) -> None:
    amount, past = charge(price, column(quantity))
    assert past[0] or int(amount[0]) == charge_fen(price, quantity)
    assert not past[0] or abs(price) * quantity >= 2**60


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"basic": {"by": "capacity", "prices": [{"price": "30"}], "document": "测试文号〔2026〕1号"}}, "basic charge"),
        ({"power_factor": {"standards": [{"standard": 80}], "document": "测试文号〔2026〕1号"}}, "power factor"),
        ({"free_energy": {"per_month": "15", "document": "测试文号〔2026〕1号"}}, "free energy"),
    ],
)
def test_what_charges_more_than_energy_is_left_to_the_rules(more: dict[str, Any], why: str) -> None:
    assert price_plan(tariff(component("energy", "0.5"), **more), MONTH, "0.38") is None, why
    assert price_plan(tariff(component("energy", "0.5")), MONTH, "220") is None


def test_a_missing_price_leaves_who_needs_it() -> None:
    document = tariff(component("energy", by_tier("0.5")), tiers=tiers("annual", "100"))
    plan = price_plan(document, MONTH, "0.38")
    assert plan is not None
    assert by_columns(plan, {"total": 100_000}, 0, 12) == by_rules(document, {"total": 100_000}, 0, 12)
    assert by_columns(plan, {"total": 101_000}, 0, 12) is None
    with pytest.raises(CannotRate):
        by_rules(document, {"total": 101_000}, 0, 12)


def test_many_contracts_at_once_are_as_one_after_the_other() -> None:
    document = next(one for one in published("310000") or [] if one.code == "sh.resident.tiered.tou")
    plan = price_plan(document, MONTH, "0.22")
    assert plan is not None
    rng = np.random.default_rng(7)
    rows: Sequence[Any] = rng.integers(0, 600, size=(2, 500)) * 1000
    used = rng.integers(0, 5_000, size=500) * 1000
    none = np.zeros(500, dtype=np.int64)
    values = dict(zip(("peak", "valley"), rows, strict=True))
    energies = Energies(
        {band: values.get(band, none) for band in plan.bands},
        {band: np.full(500, band in values) for band in plan.bands},
    )
    found = figures(plan, energies, used, np.full(500, 12))
    assert not found.left.any()
    for at in range(500):
        alone = by_columns(plan, {band: int(values[band][at]) for band in values}, int(used[at]), 12)
        assert alone is not None and sum(row[5] for row in alone) == found.amount_fen[at]  # type: ignore[misc]


def gathered(
    *registers: dict[str, Any], terms: Sequence[dict[str, Any]] = ({},), first: Month | None = None
) -> list[dict[str, Any]]:
    """One account's rows as `gather.metered` gives them."""
    held = {
        "contract_no": "C", "account_no": "A", "org": "1", "kind": "supply", "tariff_class": "resident", "tariff_code": None,
        "voltage_kv": "0.22", "settlement_mode": "agency", "pf_standard": None,
        "special": None, "effective_from": date(2024, 1, 1), "effective_to": None,
    }  # fmt: skip
    read = {
        "account_no": "A", "role": "sale", "point_no": "P", "meter_no": "M", "piece": 1, "quantity": "active_fwd",
        "band": "total", "status": "valid", "energy_wh": 5_000,
        "days_estimated": 0, "from_at": MONTH.period.start,
    }  # fmt: skip
    used = pa.table({"account_no": ["A"], "energy_wh": pa.array([7_000], pa.int64())})
    types = {"effective_to": pa.date32(), "tariff_code": pa.string(), "pf_standard": pa.int64(), "special": pa.string()}
    columns = {name: [{**held, **row}[name] for row in terms] for name in held}
    contracts = pa.table({name: pa.array(values, types.get(name)) for name, values in columns.items()})
    kinds = dict.fromkeys(("piece", "energy_wh", "days_estimated"), pa.int64()) | {"from_at": pa.timestamp("us", "UTC")}
    shape = pa.schema([(name, kinds.get(name, pa.string())) for name in read])
    energy = pa.Table.from_pylist([{**read, **row} for row in registers], schema=shape)
    found = metered(contracts, energy, used, MONTH, first)
    owners = np.repeat(np.arange(len(found.contracts)), np.diff([*found.starts, len(found.plain)]))
    heads = found.contracts.to_pylist()
    return [
        heads[owner]
        | {
            "contract": owner,
            "plain": found.plain[at],
            "meter_no": found.meter_no[at].as_py(),
            "place": found.place[at],
            "days_estimated": found.days_estimated[at],
        }
        | {band: values[at] for band, values in found.values.items()}
        | {f"has_{band}": given[at] for band, given in found.given.items()}
        for at, owner in enumerate(owners.tolist())
    ]


ROWS = st.lists(
    st.fixed_dictionaries({
        "account_no": st.sampled_from(["A", "B", "C", None]), "role": st.sampled_from(["sale", "export", "sub_meter", "gateway"]),
        "point_no": st.sampled_from(["P", "Q"]), "meter_no": st.sampled_from(["M", "N"]), "piece": st.integers(1, 2),
        "quantity": st.sampled_from(["active_fwd", "active_rev"]), "band": st.sampled_from(["total", "peak", "valley", "other"]),
        "status": st.sampled_from(["valid", "held"]), "energy_wh": st.one_of(st.none(), st.integers(0, 9)),
        "days_estimated": st.integers(0, 3), "from_at": st.sampled_from([MONTH.period.start, MONTH.previous.period.start]),
    }), max_size=12,
)  # fmt: skip


@given(ROWS, st.permutations([("B", "supply"), ("A", "supply"), ("A", "purchase"), ("C", "purchase")]))
def test_registers_are_gathered_as_one_by_one(rows: list[dict[str, Any]], agreed: list[tuple[str, str]]) -> None:
    found = gathered(*rows, terms=[{"account_no": account, "kind": kind} for account, kind in agreed])
    expected = []
    for owner, (account, kind) in enumerate(sorted(agreed)):
        roles, quantity = (SUPPLY_ROLES, "active_fwd") if kind == "supply" else (PURCHASE_ROLES, "active_rev")
        mine = [
            (at, row)
            for at, row in enumerate(rows)
            if row["account_no"] == account and row["role"] in roles and row["quantity"] == quantity
        ]
        meters: dict[tuple[Any, ...], list[tuple[int, dict[str, Any]]]] = {}
        for at, row in mine:
            meters.setdefault((row["point_no"], row["meter_no"], row["piece"]), []).append((at, row))
        for (_, meter_no, _), own in meters.items():
            settled = all(
                row["status"] == "valid"
                and row["energy_wh"] is not None
                and row["role"] != "sub_meter"
                and row["from_at"] == MONTH.period.start
                for _, row in own
            )
            bands = [row["band"] for _, row in own]
            plain = settled and len(set(bands)) == len(bands) and "other" not in bands
            wh = {row["band"]: row["energy_wh"] for _, row in own}
            place = next((at for at, row in own if row["band"] == "total"), -1)
            days = max(row["days_estimated"] for _, row in own)
            expected.append((owner, meter_no, plain, days, *((wh.get("peak"), place) if plain else (None, None))))
        if not meters:
            expected.append((owner, None, False, 0, None, None))
    told = [
        (
            row["contract"],
            row["meter_no"],
            row["plain"],
            row["days_estimated"],
            row["peak"] if row["plain"] and row["has_peak"] else None,
            row["place"] if row["plain"] else None,
        )
        for row in found
    ]
    assert sorted(told, key=repr) == sorted(expected, key=repr)


def test_meters_are_turned_on_their_side() -> None:
    peak, valley = {"band": "peak", "energy_wh": 3_000}, {"band": "valley", "energy_wh": 2_000}
    other = {"meter_no": "M2", "energy_wh": 1_000, "quantity": "reactive_fwd"}
    (row,) = gathered({}, peak, valley, other)
    assert (row["total"], row["peak"], row["valley"], row["flat"]) == (5_000, 3_000, 2_000, 0)
    assert (row["has_peak"], row["has_flat"], row["plain"], row["whole"]) == (True, False, True, True)
    assert row["used_before_wh"] == 7_000
    assert [row["contract"] for row in gathered({}, {"meter_no": "M2"})] == [0, 0]


@pytest.mark.parametrize(
    "registers",
    [[{}, {}], [{"status": "held"}], [{"energy_wh": None}], [], [{"quantity": "active_rev"}]],
    ids=["twice the same register", "held", "no quantity", "no meter", "the other direction"],
)
def test_what_is_not_plain_is_left_to_the_rules(registers: list[dict[str, Any]]) -> None:
    rows = gathered(*registers)
    assert rows and not any(row["plain"] for row in rows)


@pytest.mark.parametrize(
    "terms",
    [
        [{"effective_to": date(2026, 4, 16)}, {"effective_from": date(2026, 4, 16)}],
        [{"effective_from": date(2026, 4, 2)}],
        [{"effective_to": date(2026, 4, 30)}],
        [{"special": '{"free_energy": true}'}],
    ],
    ids=["terms change", "begins within", "ends within", "special terms"],
)
def test_a_part_of_a_month_or_special_terms_are_left_to_the_rules(terms: list[dict[str, Any]]) -> None:
    assert not any(row["whole"] for row in gathered({}, terms=terms))
    assert all(row["whole"] for row in gathered({}, terms=[{"effective_to": date(2026, 5, 1)}]))


def test_a_reading_of_two_months_is_told_from_its_first_month_on() -> None:
    march = {"from_at": MONTH.previous.period.start}
    assert not gathered(march)[0]["plain"]
    assert gathered(march, first=MONTH.previous)[0]["plain"]
    begun = [{"effective_from": date(2026, 3, 2)}]
    assert gathered(march, terms=begun)[0]["whole"]
    assert not gathered(march, terms=begun, first=MONTH.previous)[0]["whole"]


def test_a_plan_of_two_months_has_the_limits_of_both_and_nothing_that_hangs_on_the_month() -> None:
    monthly = tariff(component("energy", by_tier("0.5", "0.6")), tiers=tiers("monthly", "100"))
    one, two = price_plan(monthly, MONTH, "0.38"), price_plan(monthly, MONTH, "0.38", MONTH.previous)
    assert one is not None and two is not None
    assert (one.limits_wh[12], two.limits_wh[12]) == ((100_000,), (200_000,))
    late = tariff(component("energy", "0.5"), effective_from="2026-03-02")
    assert price_plan(late, MONTH, "0.38") is not None
    assert price_plan(late, MONTH, "0.38", MONTH.previous) is None
