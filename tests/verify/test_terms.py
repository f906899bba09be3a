"""Losses, parts, market months and months in stages, in any mixture: the verifier comes to the same fen as the rules."""

import itertools
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from denghuo.kernel.period import Month
from denghuo.service.billing.lines import CannotRate, MeteredPiece, RatingSubject
from denghuo.service.billing.rules import Stage, rate, rate_stages
from denghuo.service.tariff.api import TariffDocument
from tests.service.billing.rules.make import DOCUMENT, component, piece, seasons, subject, tariff
from tests.verify.make import agreeing, agreeing_stages
from tests.verify.test_agrees import BANDS, subjects, tariffs, text

WH = st.one_of(st.just(0), st.integers(0, 10**5), st.integers(0, 10**9))
E8 = st.integers(-(10**7), 10**8)
PERCENT = st.integers(0, 10_000).map(lambda number: text(number, 2))
PRICE = st.integers(0, 10**8).map(lambda number: text(number, 8))


@st.composite
def parts(draw: st.DrawFn, kind: str) -> tuple[list[dict[str, Any]], list[MeteredPiece]]:
    """Parts of any ways, those with meters with registers of their own."""
    found, pieces = [], []
    for at, way in enumerate(draw(st.lists(st.sampled_from(["meter", "parallel", "quantity", "ratio"]), max_size=4))):
        found.append(
            {
                "point_no": f"S{at}",
                "way": way,
                "quantity_wh": draw(WH),
                "ratio": draw(PERCENT),
                "tariff_code": draw(st.sampled_from([None, "test.tariff", "part"])),
                "settlement": draw(st.sampled_from([None, "agency"])),
                "take_from": draw(st.sampled_from(["flat", "each"])),
            }
        )
        if way not in ("meter", "parallel"):
            continue
        active = "active_rev" if kind == "purchase" else "active_fwd"
        rows = [(active, band) for band in draw(st.sampled_from([("total",), ("peak", "flat", "valley"), BANDS]))]
        rows += [(one, "total") for one in draw(st.lists(st.sampled_from(["reactive_fwd", "demand"]), unique=True))]
        for quantity, band in rows:
            one = piece("0", quantity, band, point_no=f"S{at}", meter_no=f"S{at}")
            pieces.append(one.model_copy(update={"value_milli": draw(st.integers(0, 10**6))}))
    return found, pieces


@st.composite
def losses(draw: st.DrawFn) -> dict[str, Any]:
    """A transformer's loss in one of its ways."""
    terms: dict[str, Any] = {
        "transformer_no": "T",
        "days": draw(st.one_of(st.none(), st.integers(1, 30))),
        "bears_remainder": draw(st.booleans()),
    }
    if terms["days"] is not None:
        terms["month_days"] = draw(st.one_of(st.none(), st.integers(28, 31)))
    if draw(st.booleans()):
        terms |= {"behind_wh": draw(WH), "behind_varh": draw(WH)}
    elif draw(st.booleans()):
        each = draw(st.lists(st.one_of(st.just(0), WH), max_size=4))
        terms |= {"behind_wh": sum(each), "behind_each": each}
    way = draw(st.sampled_from(["agreed", "table", "nameplate", "copper"]))
    if way == "agreed":
        return terms | {"active_wh": draw(WH), "reactive_varh": draw(WH)}
    if way == "table":
        limits = [*sorted(draw(st.sets(st.integers(0, 10**9), max_size=3))), None]
        rows = [{"up_to_wh": limit, "active_wh": draw(WH), "reactive_varh": draw(WH)} for limit in limits]
        return terms | {"table": rows}
    terms |= {
        "capacity_va": draw(st.integers(1, 10**7)),
        "no_load_w": draw(st.integers(0, 10**4)),
        "load_w": draw(st.integers(0, 10**5)),
        "no_load_current": draw(PERCENT),
        "impedance": draw(PERCENT),
        "hours": draw(st.integers(1, 744)),
    }
    return terms | ({"copper_share": draw(PERCENT)} if way == "copper" else {})


@st.composite
def line_losses(draw: st.DrawFn) -> dict[str, Any]:
    share, small = draw(st.one_of(st.none(), PERCENT)), draw(st.integers(0, 10**5))
    return {"line_no": "L", "share": share, "active_wh": small, "deduct": draw(st.booleans())}


@st.composite
def markets(draw: st.DrawFn) -> dict[str, Any]:
    """Settlement points or a package, fixed and linked to the spot price, with and without bounds; green energy."""
    count = draw(st.integers(1, 6))
    columns = ("contract", "day_ahead", "actual"), ("contract", "day_ahead", "real_time")
    slots = {f"{name}_wh": draw(st.lists(WH, min_size=count, max_size=count)) for name in columns[0]}
    slots |= {f"{name}_price_e8": draw(st.lists(E8, min_size=count, max_size=count)) for name in columns[1]}
    market: dict[str, Any] = {"document": DOCUMENT, "slots": slots, "balance_price": draw(PRICE)}
    if draw(st.booleans()):
        bands = draw(st.sampled_from([("total",), ("total", *BANDS)]))
        market["package"] = {
            "title": {"zh": "套餐", "en": "package"},
            "document": DOCUMENT,
            "fixed": {band: draw(PRICE) for band in bands},
            "fixed_share": draw(st.sampled_from(["100", "0", "50", "33.33"])),
            "fee": draw(st.sampled_from(["0", "0.005"])),
            "floor": draw(st.one_of(st.none(), PRICE)),
            "cap": draw(st.one_of(st.none(), PRICE)),
        }
    if draw(st.booleans()):
        market["green"] = [{"quantity_wh": draw(WH), "price": draw(PRICE), "document": DOCUMENT}]
    return market


@st.composite
def rich(draw: st.DrawFn, document: TariffDocument) -> RatingSubject:
    """A contract with losses, parts and a market side beside all that any contract may have."""
    contract: RatingSubject = draw(subjects(document))
    apart, pieces = draw(parts(document.kind))
    body = contract.model_dump(exclude_defaults=True)
    body |= {
        "pieces": [one.model_dump() for one in [*contract.pieces, *pieces]],
        "parts": apart,
        "losses": draw(st.lists(losses(), max_size=2)),
        "line_losses": draw(st.lists(line_losses(), max_size=2)),
        "free_months": draw(st.integers(0, 2)),
    }
    if "market" in document.settlements and draw(st.booleans()):
        body |= {"settlement": "market", "market": draw(markets())}
    return RatingSubject.model_validate(body)


@st.composite
def contracts(draw: st.DrawFn) -> tuple[RatingSubject, TariffDocument, dict[str, TariffDocument]]:
    document = draw(tariffs())
    part = draw(tariffs("part", document.kind, document.voltages[0]))
    return draw(rich(document)), document, {document.code: document, part.code: part}


@given(contract=contracts())
@settings(max_examples=150, deadline=None)
def test_losses_parts_and_market_are_rated_alike(contract: Any) -> None:
    try:
        rate(*contract)
    except CannotRate:
        return
    agreeing(*contract)


@st.composite
def staged(draw: st.DrawFn) -> list[Stage]:
    """A month of up to three stages: the terms, the meters and perhaps the tariff change at each cut."""
    documents = [draw(tariffs()).model_copy(update={"version": 1})]
    kind, voltage = documents[0].kind, documents[0].voltages[0]
    others = [draw(tariffs(code, kind, voltage)) for code in ("test.tariff", "test.other")]
    documents += [others[0].model_copy(update={"version": 2}), others[1]]
    part = draw(tariffs("part", kind, voltage))
    month = Month.of(draw(st.sampled_from(["2026-02", "2026-04", "2026-07"])))
    days = (month.next.first_day - month.first_day).days
    cuts = sorted(draw(st.sets(st.integers(1, days - 1), min_size=0, max_size=2)))
    stages: list[Stage] = []
    for begin, end in zip([0, *cuts], [*cuts, days], strict=True):
        document = draw(st.sampled_from(documents))
        contract = draw(rich(document))
        update = {
            "month": str(month),
            "first_day": month.first_day + timedelta(days=begin),
            "last_day": month.first_day + timedelta(days=end - 1),
            "customer_energy_wh": draw(st.one_of(st.none(), WH)),
            # A tariff of two versions would leave open by which one a part is billed.
            "parts": [one.model_copy(update={"tariff_code": one.tariff_code and "part"}) for one in contract.parts],
        }
        stages.append(_ratable(contract.model_copy(update=update), document, {"part": part}))
    return stages


def _ratable(contract: RatingSubject, document: TariffDocument, others: dict[str, TariffDocument]) -> Stage:
    """A stage that can be rated, so that not every month fails by one of its stages: else a plain one of the same days."""
    try:
        rate(contract, document, others)
    except CannotRate:
        plain = tariff(component("energy", "0.5"), code="test.plain", kind=contract.kind, voltages=document.voltages)
        metered = piece("7.5", "active_rev" if contract.kind == "purchase" else "active_fwd")
        update = {"parts": [], "losses": [], "line_losses": [], "market": None, "settlement": "agency"}
        return Stage(contract.model_copy(update={"pieces": [metered], **update}), plain)
    return Stage(contract, document, others)


@given(month=staged())
@settings(max_examples=80, deadline=None)
def test_months_in_stages_are_rated_alike(month: list[Stage]) -> None:
    try:
        rate_stages(month)
    except CannotRate:
        return
    agreeing_stages(month)


def test_what_is_shared_over_bands_does_not_depend_on_the_order_of_registers() -> None:
    bands = seasons(peak="150", flat=None, valley="50")
    document = tariff(
        component("energy", "0.5", floats=True),
        component("market_energy", "0.4"),
        seasons=bands,
        settlements=["market"],
    )
    package = {"title": {"zh": "套餐", "en": "package"}, "document": DOCUMENT}
    package["fixed"] = {"peak": "0.6", "flat": "0.4", "valley": "0.2"}
    rows = [piece("1", band="valley"), piece("1", band="flat"), piece("1", band="peak")]
    rated = [
        agreeing(
            subject(
                *pieces,
                parts=[{"point_no": "S", "way": "quantity", "quantity_wh": 1000, "take_from": "each"}],
                settlement="market",
                market={"document": DOCUMENT, "package": package},
            ),
            document,
        ).lines
        for pieces in itertools.permutations(rows)
    ]
    assert [line.band for line in rated[0][:2]] == ["flat", "valley"]
    for other in rated[1:]:
        assert [(line.band, line.amount) for line in other] == [(line.band, line.amount) for line in rated[0]]


def test_limits_by_demand_are_for_the_demand_of_the_main_meter() -> None:
    document = tariff(
        component("energy", [{"price": "0.9", "tier": 1}, {"price": "0.5", "tier": 2}]),
        tiers={"period": "per_kw", "tables": [{"up_to": ["10"]}]},
    )
    pieces = [piece("1000"), piece("50", "demand"), piece("100", point_no="S"), piece("40", "demand", point_no="S")]
    rated = agreeing(subject(*pieces, parts=[{"point_no": "S", "way": "meter"}]), document)
    assert rated.tiers_wh == [500_000, 400_000]
