"""Any contract with anything that a month can have: it is rated exactly or refused with a reason, and never anything else."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.service.billing.rules.make import DOCUMENT, component, piece, seasons, span, subject, tariff

from denghuo.service.billing.lines import CannotRate, Rated
from denghuo.service.billing.rules import rate
from denghuo.service.billing.rules.registry import cited

APRIL = date(2026, 4, 1)
KWH = st.integers(0, 10**6)
PERCENT = st.integers(0, 10_000).map(lambda number: f"{number // 100}.{number % 100:02d}")
SINGLE = tariff(
    component("energy", "0.55"), component("government_funds", "0.03", group="fund"), code="single", voltages=["10"]
)


def document(by: str, floats: bool) -> Any:
    bands = seasons(sharp="200", peak="150", flat=None, valley="50") if floats else []
    return tariff(
        component("agency_energy", "0.38447", floats=floats),
        component("market_energy", "0.4"),
        component("transmission", "0.1263"),
        component("government_funds", "0.0452", group="fund"),
        classes=[f"two_part_{by}"],
        settlements=["agency", "market"],
        voltages=["10"],
        seasons=bands,
        basic={
            "by": by,
            "prices": [{"price": "26.3"}],
            "document": DOCUMENT,
            "demand": {"floor_share": "40"},
            "discount": {"energy_per_kva": "260", "price_share": "90", "document": DOCUMENT},
            "charging_stations": {"until": "2031-01-01", "document": DOCUMENT},
        },
        power_factor={"document": DOCUMENT, "standards": [{"standard": 90, "capacity_from": "100"}]},
        agency_multiple={"cases": ["returned"], "document": DOCUMENT},
        free_energy={"per_month": "15", "document": DOCUMENT},
        charges=[
            {
                "code": "customer_charge",
                "title": {"zh": "固定", "en": "fixed"},
                "per": "day",
                "price": "1.5",
                "document": DOCUMENT,
            }
        ],
    )


DOCUMENTS = {(by, floats): document(by, floats) for by in ("capacity", "demand") for floats in (False, True)}
TRANSFORMER = st.builds(
    lambda at, kva, state, first, length, interlock: {
        "transformer_no": f"T{at}",
        "capacity_va": kva * 1000,
        "state": state,
        "first_day": f"2026-04-{first:02d}",
        "last_day": None if length == 0 else f"2026-04-{min(30, first + length):02d}",
        "interlock": interlock,
    },
    st.integers(1, 9),
    st.integers(0, 5000),
    st.sampled_from(["running", "hot_standby", "cold_standby", "sealed", "paused", "half"]),
    st.integers(1, 30),
    st.integers(0, 29),
    st.sampled_from([None, None, "A"]),
)
LOSS = st.one_of(
    st.builds(
        lambda wh, days, behind, main: {
            "transformer_no": "T",
            "active_wh": wh * 1000,
            "reactive_varh": wh * 9000,
            "days": days,
            "behind_wh": behind * 1000,
            "behind_each": [behind * 400, behind * 600] if behind % 2 else [],
            "bears_remainder": main,
        },
        st.integers(0, 5000),
        st.one_of(st.none(), st.integers(1, 30)),
        st.one_of(st.just(0), KWH),
        st.booleans(),
    ),
    st.builds(
        lambda kva, share: {
            "transformer_no": "T",
            "capacity_va": kva * 1000,
            "no_load_w": 640,
            "load_w": 3050,
            "no_load_current": "1.4",
            "impedance": "4",
            "copper_share": share,
        },
        st.integers(1, 3000),
        st.one_of(st.none(), PERCENT),
    ),
)
PART = st.builds(
    lambda way, kwh, ratio, code, take_from, resale: {
        "point_no": f"{way[0]}1",
        "way": way,
        "quantity_wh": kwh * 1000,
        "ratio": ratio,
        "tariff_code": code,
        "take_from": take_from,
        "resale": resale,
    },
    st.sampled_from(["meter", "parallel", "quantity", "ratio"]),
    KWH,
    PERCENT,
    st.sampled_from([None, "single"]),
    st.sampled_from(["flat", "each"]),
    st.sampled_from([None, None, "one_shift", "two_shifts", "three_shifts", "farming"]),
)


@st.composite
def months(draw: st.DrawFn) -> tuple[Any, Any]:
    by, floats = draw(st.sampled_from(sorted(DOCUMENTS)))
    bands = ("sharp", "peak", "flat", "valley") if draw(st.booleans()) else ("total",)
    parts = {part["way"]: part for part in draw(st.lists(PART, max_size=4))}
    pieces = [piece(str(draw(KWH)), band=band) for band in bands]
    pieces += [piece(str(draw(KWH)), "reactive_fwd"), piece(str(draw(KWH)), "demand")][: draw(st.integers(0, 2))]
    for way in ("meter", "parallel"):
        if way in parts:
            pieces.append(piece(str(draw(KWH)), point_no=f"{way[0]}1", meter_no="SUB"))
    more: dict[str, Any] = {}
    if draw(st.booleans()):
        package = {"title": {"zh": "套餐", "en": "package"}, "document": DOCUMENT, "fixed": {"total": "0.45"}}
        package |= draw(st.sampled_from([{}, {"cap": "0.3"}, {"floor": "0.6", "fee": "0.01"}]))
        more |= {"settlement": "market", "market": {"document": DOCUMENT, "package": package}}
    elif draw(st.booleans()):
        more["agency_case"] = "returned"
    return DOCUMENTS[by, floats], subject(
        *pieces,
        tariff_class=f"two_part_{by}",
        voltage="10",
        spans=[span("2026-04-01", "2026-04-30", kva="1000", kw="400")],
        transformers=draw(st.lists(TRANSFORMER, max_size=3)),
        parts=list(parts.values()),
        losses=draw(st.lists(LOSS, max_size=2)),
        line_losses=[
            {"line_no": "L", "share": share, "deduct": deduct}
            for share, deduct in draw(st.lists(st.tuples(PERCENT, st.booleans()), max_size=1))
        ],
        standard_lowered=draw(st.booleans()),
        charging_station=draw(st.booleans()),
        free_months=draw(st.integers(0, 2)),
        **more,
    )


@given(month=months())
@settings(max_examples=200, deadline=None)
def test_a_month_is_rated_exactly_or_refused_with_a_reason(month: tuple[Any, Any]) -> None:
    document, contract = month
    try:
        rated = rate(contract, document, {"single": SINGLE})
    except CannotRate as refused:
        assert refused.detail["zh"] and refused.detail["en"] and refused.fields["code"]
        return
    assert rated.total.fen == sum(line.amount.fen for line in rated.lines)
    for line in rated.lines:
        assert line.sentence.zh == "".join(step.text.zh for step in line.steps)
        assert all(rule.holds_on(APRIL) for rule in cited(line.steps))
        if line.price is not None and line.unit == "kWh" and line.code != "free_energy":
            exact = Decimal(str(line.price)) * Decimal(line.quantity_milli or 0) / 1000
            assert str(line.amount) == str(exact.quantize(Decimal("0.01"), ROUND_HALF_UP)), line.code
        if line.unit == "kWh":
            assert line.code == "free_energy" or (line.quantity_milli or 0) >= 0
    # Each component bears the whole energy: what is priced by one component of both tariffs is what is billed.
    funds = sum(line.quantity_milli or 0 for line in rated.lines if line.code == "government_funds")
    assert funds == rated.energy_wh
    assert Rated.model_validate_json(rated.model_dump_json()) == rated
    assert rate(contract, document, {"single": SINGLE}) == rated
