"""The verifier comes to the same fen as the platform's rules, over everything that a bill may hold."""

import ast
import inspect
import itertools
import pathlib
import re
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import denghuo_verify
from denghuo.service.billing.lines import BasicSpan, CannotRate, MeteredPiece
from denghuo.service.billing.rules import rate
from denghuo.service.billing.rules.examples import subject_of
from denghuo.service.tariff.api import TariffDocument
from denghuo.service.tariff.shipped import published
from denghuo_verify.charges import adjustment
from tests.service.billing.rules import (
    test_capacity,
    test_cases,
    test_losses,
    test_market,
    test_parts,
    test_residents,
    test_solar,
    test_stages,
)
from tests.service.billing.rules.make import component, piece, seasons, subject, tariff
from tests.service.billing.rules.test_whole import SINGLE, months
from tests.verify.make import agreeing, agreeing_stages, bill_file, checked

BANDS = ("sharp", "peak", "flat", "valley", "deep")
RATING = (
    test_capacity,
    test_cases,
    test_losses,
    test_market,
    test_parts,
    test_residents,
    test_solar,
    test_stages,
)
SHANGHAI = published("310000") or []
RATES = re.compile(r"\b(rate|rate_stages|charged|_adjusted|_price_of|basic_of|market|purchase)\(")
"""How the tests of published cases and of rules rate a bill."""


def text(number: int, places: int) -> str:
    return f"{Decimal(number).scaleb(-places):f}"


# --- the platform's own cases -----------------------------------------------------------------------------------------------


def cases() -> Iterator[tuple[ModuleType, str, dict[str, Any]]]:
    """Every test of a published case or of a rule that rates whole bills, with each set of its parameters."""
    tests = [(module, *one) for module in RATING for one in inspect.getmembers(module, inspect.isfunction)]
    for module, name, test in tests:
        if not name.startswith("test_") or not RATES.search(inspect.getsource(test)):
            continue
        marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
        sets: list[list[dict[str, Any]]] = [[{}]]
        for mark in marks:
            names = [mark.args[0]] if isinstance(mark.args[0], str) else list(mark.args[0])
            sets.append(
                [dict(zip(names, row if len(names) > 1 else [row], strict=True)) for row in mark.args[1]],
            )
        for combination in itertools.product(*sets):
            yield module, name, {key: value for part in combination for key, value in part.items()}


@pytest.mark.parametrize(
    ("module", "name", "parameters"), list(cases()), ids=lambda one: one if isinstance(one, str) else ""
)
def test_published_cases_come_out_alike(
    module: ModuleType, name: str, parameters: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "rate", agreeing)
    monkeypatch.setattr(module, "rate_stages", agreeing_stages, raising=False)
    getattr(module, name)(**parameters)


@pytest.mark.parametrize("document", SHANGHAI, ids=lambda one: one.code)
def test_examples_inside_the_shipped_tariffs_come_out_alike(document: TariffDocument) -> None:
    for example in document.examples:
        rated = agreeing(subject_of(example, document), document)
        assert rated.total == example.total


# --- made-up bills ------------------------------------------------------------------------------------------------------------


@st.composite
def prices(draw: st.DrawFn, voltage: str, bands: list[str], tiers: int, complete: bool) -> list[dict[str, Any]]:
    """Rows of a component: plain ones, by tier, by band, at the voltage or at all."""
    rows = []
    in_tiers = tiers > 1 and draw(st.booleans())
    for tier in range(1, tiers + 1) if in_tiers else [None]:
        where = draw(st.sampled_from([{}, {"voltages": [voltage]}, {"voltages": [voltage, "110"]}]))
        row = {"price": text(draw(st.integers(-(10**6), 2 * 10**8)), 8), **where}
        if tier is not None:
            row["tier"] = tier
        rows.append(row)
        for band in bands:
            if draw(st.booleans()):
                rows.append({**row, "price": text(draw(st.integers(0, 2 * 10**8)), 8), "band": band})
    if rows and not complete and len(rows) > 1:
        rows.pop(draw(st.integers(0, len(rows) - 1)))
    if draw(st.booleans()):
        rows[0]["illustrative"] = True
    return rows


@st.composite
def tariffs(draw: st.DrawFn, code: str = "test.tariff", kind: str = "", voltage: str = "") -> TariffDocument:
    """A tariff of any mixture of tiers, bands, basic charge, discount, power factor, funds and roundings."""
    kind = kind or draw(st.sampled_from(["supply", "supply", "supply", "purchase"]))
    voltage = voltage or draw(st.sampled_from(["0.38", "10"]))
    more: dict[str, Any] = {
        "code": code,
        "kind": kind,
        "voltages": [voltage],
        "days": draw(st.sampled_from(["calendar", "thirty"])),
        "rounding": {"quantity_places": draw(st.integers(0, 3)), "price_places": draw(st.integers(2, 8))},
        "settlements": ["agency", "market", "surplus_feed_in", "full_feed_in"],
    }
    bands: list[str] = []
    if draw(st.booleans()):
        bands = draw(st.lists(st.sampled_from(BANDS), min_size=2, max_size=5, unique=True))
        ratios = {band: draw(st.sampled_from(["50", "162.5", "33.33"])) for band in bands}
        if "flat" in bands:
            ratios["flat"] = draw(st.sampled_from([None, "100", "99.99"]))
        more["seasons"] = seasons(**ratios)
        if draw(st.booleans()):
            overlay = seasons(sharp="180.01")[0] | {"overlay": True, "months": draw(st.sampled_from([[4], [7, 8]]))}
            more["seasons"].insert(0, overlay)
    tiers = 1
    if draw(st.integers(0, 2)):
        limits = sorted(draw(st.sets(st.integers(1, 10**7), min_size=1, max_size=3)))
        tiers = len(limits) + 1
        more["tiers"] = {
            "period": draw(st.sampled_from(["annual", "annual", "monthly", "per_kva", "per_kw"])),
            "year_by": draw(st.sampled_from(["calendar", "reading"])),
            "tables": [{"up_to": [text(limit, draw(st.sampled_from([0, 3]))) for limit in limits]}],
        }
        more["tiers"]["tables"][0]["up_to"].sort(key=Decimal)
    components = []
    codes = [
        ("transmission", "energy"),
        ("market_energy", "energy"),
        ("tier_2", "energy"),
        ("government_funds", "fund"),
    ]
    for code, group in [("energy", "energy"), *draw(st.lists(st.sampled_from(codes), max_size=3, unique=True))]:
        surcharge = code == "tier_2"
        components.append(
            component(
                code,
                draw(prices(voltage, bands, tiers, complete=not surcharge)),
                group=group,
                floats=draw(st.booleans()),
                some_tiers=surcharge,
                in_power_factor_base=draw(st.booleans()),
            )
        )
    if draw(st.booleans()):
        more["power_factor"] = {
            "document": "X1",
            "with_basic_charge": draw(st.booleans()),
            "reward": draw(st.booleans()),
            "standards": [{"standard": 85}, {"standard": 90, "capacity_from": "160", "voltages": ["10"]}],
        }
    if draw(st.booleans()):
        by = draw(st.sampled_from(["capacity", "demand"]))
        more["basic"] = {
            "by": by,
            "prices": [{"price": text(draw(st.integers(1, 10**10)), 8)}],
            "document": "X2",
            "demand": {
                "free_share": draw(st.sampled_from(["105", "100", "102.5"])),
                "excess_times": draw(st.integers(1, 3)),
                "above": draw(st.sampled_from(["free_share", "contract"])),
                "floor_share": draw(st.sampled_from([None, "40"])),
            },
        }
        if draw(st.booleans()):
            more["basic"]["discount"] = {
                "energy_per_kva": draw(st.sampled_from(["0.001", "0.5", "260"])),
                "price_share": "90",
                "document": "X3",
            }
    return tariff(*components, **more)


def value() -> st.SearchStrategy[int]:
    return st.one_of(st.just(0), st.integers(0, 10**6), st.integers(0, 10**11))


@st.composite
def registers(draw: st.DrawFn, kind: str) -> list[MeteredPiece]:
    found = []
    wanted = "active_rev" if kind == "purchase" else "active_fwd"
    for meter in range(draw(st.integers(1, 2))):
        common: dict[str, Any] = {
            "meter_no": f"M{meter}",
            "point_no": f"P{draw(st.integers(0, 1))}",
            "piece": meter + 1,
        }
        bands = draw(st.lists(st.sampled_from(BANDS), max_size=5, unique=True))
        values = {band: draw(value()) for band in bands}
        if not bands or draw(st.booleans()):
            slack = draw(st.integers(-3_000, 3_000))
            values["total"] = draw(st.sampled_from([max(sum(values.values()) + slack, 0), draw(value())]))
        found += [
            piece("0", wanted, band, **common).model_copy(update={"value_milli": wh}) for band, wh in values.items()
        ]
        for quantity in draw(st.lists(st.sampled_from(["reactive_fwd", "reactive_rev", "demand"]), unique=True)):
            sign = draw(st.sampled_from([1, -1])) if quantity != "demand" else 1
            number = sign * draw(value())
            found.append(piece("0", quantity, **common).model_copy(update={"value_milli": number}))
    return found


@st.composite
def subjects(draw: st.DrawFn, document: TariffDocument) -> Any:
    month = draw(st.sampled_from(["2026-02", "2026-04", "2026-07"]))
    begin = date.fromisoformat(f"{month}-01")
    first, last = begin, date(begin.year, begin.month + 1, 1) - timedelta(days=1)
    change = begin + timedelta(days=draw(st.integers(1, 27)))
    terms = [
        {
            "capacity_va": draw(st.sampled_from([315_000, 1_000_500, 40_000, 0, None])),
            "contract_w": draw(st.sampled_from([250_000, 90_000, None])),
        }
        for _ in range(2)
    ]
    spans = [
        BasicSpan(first_day=first, last_day=change - timedelta(days=1), **terms[0]),
        BasicSpan(first_day=change, last_day=last, **terms[1]),
    ]
    more: dict[str, Any] = {}
    if draw(st.booleans()):
        # A reading of several months begins before the month.
        more |= {"first_day": begin + timedelta(days=draw(st.integers(-40, 10)))}
    if draw(st.booleans()):
        more |= {"last_day": last - timedelta(days=draw(st.integers(0, 10)))}
    if draw(st.booleans()):
        closing = {"billed_months": draw(st.integers(1, 12)), "billed_extra_wh": draw(st.sampled_from([0, 50_000]))}
        more |= {"tier_closing": closing}
    if draw(st.booleans()):
        more |= {"used_tiers_wh": draw(st.lists(st.integers(0, 10**7), max_size=4))}
    return subject(
        *draw(registers(document.kind)),
        month=month,
        kind=document.kind,
        settlement=draw(st.sampled_from(document.settlements)),
        voltage=document.voltages[0],
        spans=draw(st.sampled_from([spans, spans, spans[:1], []])),
        used_before_wh=draw(st.integers(0, 10**8)),
        tier_months=draw(st.integers(1, 12)),
        reading_months=draw(st.integers(1, 3)),
        tier_extra_wh=draw(st.sampled_from([0, 100_000])),
        standard=draw(st.sampled_from([None, 80, 85, 90])),
        **more,
    )


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_whatever_the_platform_rates_the_verifier_rates_alike(data: st.DataObject) -> None:
    document = data.draw(tariffs())
    contract = data.draw(subjects(document))
    try:
        rate(contract, document)
    except CannotRate:
        return
    agreeing(contract, document)


@given(month=months())
@settings(max_examples=200, deadline=None)
def test_months_with_anything_are_rated_alike(month: tuple[Any, Any]) -> None:
    document, contract = month
    try:
        rate(contract, document, {"single": SINGLE})
    except CannotRate:
        return
    agreeing(contract, document, {"single": SINGLE})


@pytest.mark.parametrize("standard", [80, 85, 90])
def test_power_factor_tables_are_the_published_ones(standard: int) -> None:
    from denghuo.service.billing.rules.power_factor import adjustment_percent

    for factor in range(1, 101):
        assert adjustment(standard, factor) * 100 == adjustment_percent(standard, factor), factor


# --- what is not alike ----------------------------------------------------------------------------------------------------------


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_one_fen_on_any_line_is_named(data: st.DataObject) -> None:
    document = tariff(
        component("energy", "0.6123", floats=True),
        component("government_funds", "0.0312", group="fund"),
        seasons=seasons(peak="160", flat=None, valley="50"),
        power_factor={"document": "X1"},
    )
    contract = subject(
        *(piece(text(data.draw(st.integers(1, 10**9)), 3), band=band) for band in ("peak", "flat", "valley")),
        piece("3", "reactive_fwd"),
        standard=90,
    )
    good = bill_file(contract, document, rate(contract, document))
    at = data.draw(st.integers(0, len(good["bill"]["lines"]) - 1))
    line = good["bill"]["lines"][at]
    line["amount"] = str(Decimal(line["amount"]) + Decimal("0.01"))
    report = checked(good)
    assert report.verdict == "differs"
    (named,) = (one for one in report.differs if one.where.startswith(f"line {at + 1} "))
    assert named.difference == "0.01"


def test_the_verifier_needs_nothing_but_the_standard_library() -> None:
    folder = pathlib.Path(denghuo_verify.__file__).parent
    allowed = sys.stdlib_module_names | {"denghuo_verify", "yaml"}
    network = {"socket", "ssl", "http", "urllib", "asyncio", "ftplib", "smtplib", "sqlite3", "subprocess"}
    for file in folder.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                top = name.partition(".")[0]
                assert top in allowed and top not in network, f"{file.name} imports {name}"
