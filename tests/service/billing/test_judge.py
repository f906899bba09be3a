"""The verdict of a parallel run: each cause is computed and adds up; what no derivation gives is unexplained, never guessed."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.service.billing.rules.make import DOCUMENT, component, piece, span, subject, tariff, tiers

from denghuo.kernel.values import Energy, Money, Price
from denghuo.service.billing.lines import Rated, RatingSubject
from denghuo.service.billing.parallel.judge import Judged, judge
from denghuo.service.billing.parallel.sides import Figures, OldSide, OurSide
from denghuo.service.billing.rules import rate
from denghuo.service.tariff.api import TariffDocument

BUSINESS = tariff(
    component("energy", "0.5123"),
    component("transmission", "0.1311"),
    component("government_funds", "0.027", group="fund", in_power_factor_base=False),
    basic={"by": "capacity", "prices": [{"price": "30"}], "document": DOCUMENT},
    power_factor={"document": DOCUMENT},
    classes=["two_part_capacity"],
    voltages=["10"],
)
SINGLE = tariff(component("energy", "0.7853"), code="test.single", voltages=["10"])
HOME = tariff(
    component("energy", [{"price": "0.617", "tier": 1}, {"price": "0.667", "tier": 2}]),
    tiers=tiers("annual", "3120"),
    classes=["resident"],
    code="test.home",
)


def factory(**more: Any) -> RatingSubject:
    body = {
        "tariff_class": "two_part_capacity",
        "voltage": "10",
        "standard": 90,
        "spans": [span("2026-04-01", "2026-04-30", kva="315")],
    }
    return subject(piece("40003"), piece("30001", "reactive_fwd"), **(body | more))


def home(used: str, before: str) -> RatingSubject:
    return subject(piece(used), tariff_class="resident", voltage="0.22", used_before_wh=Energy.of(before).wh)


def figures(rated: Rated) -> list[Figures]:
    return [
        Figures(
            one.code,
            one.band,
            one.tier,
            one.quantity_milli,
            None if one.price is None else one.price.e8,
            one.amount.fen,
        )
        for one in rated.lines
    ]


def ours(of: RatingSubject, by: TariffDocument, *, versions: Any = (), others: Any = ()) -> OurSide:
    rated = rate(of, by)
    base = {one.code for one in by.components if one.in_power_factor_base and one.group != "fund"}
    base |= {one.code for one in rated.lines if one.group == "basic"}
    factor = next((one.steps for one in rated.lines if one.code == "power_factor"), [])
    return OurSide(
        energy_wh=rated.energy_wh,
        amount_fen=rated.total.fen,
        lines=figures(rated),
        groups={one.code: one.group for one in rated.lines},
        in_base=frozenset(base),
        factor=next((int(one.values["factor"].replace(".", "")) for one in factor if "factor" in one.values), None),
        subject=of,
        tariff=by,
        tariffs=lambda: [by, *others],
        versions=lambda: list(versions),
        rated=rated,
    )


def old(of: RatingSubject, by: TariffDocument, *, lines: bool = False, **more: Any) -> OldSide:
    """A bill of an old system that rated so."""
    rated = rate(of, by)
    return OldSide(rated.energy_wh, rated.total.fen, lines=figures(rated) if lines else (), **more)


def judged(side: OldSide, mine: OurSide) -> Judged:
    found = judge(side, mine)
    assert sum(one.amount_fen for one in found.causes) == mine.amount_fen - side.amount_fen
    assert all(one.sentence.zh.endswith("。") and one.sentence.en.endswith(".") for one in found.causes)
    return found


def without(by: TariffDocument, *codes: str) -> TariffDocument:
    return by.model_copy(update={"components": [one for one in by.components if one.code not in codes]})


WAYS: dict[str, tuple[RatingSubject, TariffDocument]] = {
    "quantity": (factory(pieces=[piece("39000"), piece("29249", "reactive_fwd")]), BUSINESS),
    "power_factor": (factory(standard=85), BUSINESS),
    "basic_charge": (factory(), BUSINESS.model_copy(update={"basic": None})),
    "missing_component": (factory(), without(BUSINESS, "government_funds")),
    "tariff_class": (factory(tariff_class="general_single_part", spans=[], standard=None), SINGLE),
}


def test_each_cause_is_found_by_rating_again() -> None:
    mine = ours(factory(), BUSINESS, others=[SINGLE])
    for verdict, (of, by) in WAYS.items():
        found = judged(old(of, by), mine)
        assert found.verdict == verdict, (verdict, found)
        assert found.unexplained_fen == 0


def test_each_cause_is_found_by_lines() -> None:
    mine = ours(factory(), BUSINESS, others=[SINGLE])
    for verdict, (of, by) in WAYS.items():
        told = old(of, by, lines=True, tariff_class=of.tariff_class)
        expected = {"quantity": "several", "missing_component": "missing_component"}.get(verdict, verdict)
        found = judged(told, mine)
        # Other quantities change the charges that the power factor is taken on, too; without the basic charge likewise.
        assert found.verdict in (verdict, expected, "several"), (verdict, found)
        assert verdict in {one.code for one in found.causes} and found.unexplained_fen == 0


def test_prices_of_another_version() -> None:
    dearer = tariff(component("energy", "0.8853"), code="test.single", voltages=["10"], version=2)
    of = subject(piece("100"), voltage="10")
    mine = ours(of, SINGLE, versions=[dearer])
    found = judged(old(of, dearer), mine)
    assert found.verdict == "price" and [one.amount_fen for one in found.causes] == [-1000]
    assert judged(old(of, dearer, lines=True), mine).verdict == "price"
    # A price that no version has is nowhere to be computed from; the lines of the old bill tell it.
    odd = tariff(component("energy", "0.9"), code="test.single", voltages=["10"])
    assert judged(old(of, odd), mine).verdict == "unexplained"
    assert judged(old(of, odd, lines=True), mine).verdict == "price"


def test_tiers_by_the_energy_before() -> None:
    mine = ours(home("300", "3000"), HOME)
    assert mine.amount_fen == 19_410  # 120 kWh at 0.617, 180 at 0.667
    assert judged(old(home("300", "0"), HOME), mine).verdict == "tiers"
    told = old(home("300", "2900"), HOME, used_before_wh=Energy.of("2900").wh)
    assert judged(told, mine).verdict == "tiers"
    assert judged(old(home("300", "2900"), HOME), mine).verdict == "unexplained"
    by_lines = judged(old(home("300", "2900"), HOME, lines=True), mine)
    assert by_lines.verdict == "tiers" and sum(one.amount_fen for one in by_lines.causes) == 500


def test_losses_that_the_old_bill_lacks() -> None:
    line = {"line_no": "L1", "share": "2"}
    transformer = {"transformer_no": "T1", "capacity_va": 315_000, "active_wh": 500_000, "reactive_varh": 100_000}
    mine = ours(factory(line_losses=[line], losses=[transformer]), BUSINESS)
    for rest, said in (
        ({"losses": [transformer]}, "不计线损"),
        ({"line_losses": [line]}, "不计变损"),
        ({}, "不计变损、线损"),
    ):
        found = judged(old(factory(**rest), BUSINESS), mine)
        assert found.verdict == "loss" and said in found.causes[0].sentence.zh
        told = judged(old(factory(**rest), BUSINESS, lines=True), mine)
        assert "loss" in {one.code for one in told.causes} and told.unexplained_fen == 0


def test_rounding_once_and_within_a_fen_a_line() -> None:
    mine = ours(factory(), BUSINESS)
    near = OldSide(mine.energy_wh, mine.amount_fen + 2)
    assert judged(near, mine).verdict == "rounding"
    far = OldSide(mine.energy_wh, mine.amount_fen + len(mine.lines) + 1)
    assert judged(far, mine).verdict == "unexplained"
    lines = [
        Figures(one.component, one.band, one.tier, one.quantity_milli, one.price_e8, one.amount_fen + (at == 0))
        for at, one in enumerate(mine.lines)
    ]
    told = OldSide(mine.energy_wh, mine.amount_fen + 1, lines=lines)
    assert judged(told, mine).verdict == "rounding"


def test_what_is_equal_and_what_contradicts_itself() -> None:
    mine = ours(factory(), BUSINESS)
    assert judged(old(factory(), BUSINESS), mine) == Judged("equal", [])
    assert judged(old(factory(), BUSINESS, lines=True), mine) == Judged("equal", [])
    whole = old(factory(), BUSINESS, lines=True)
    beside = OldSide(whole.energy_wh, whole.amount_fen + 12_345, lines=whole.lines)
    assert judged(beside, mine).verdict == "unexplained"
    energy = OldSide(1, whole.amount_fen, lines=whole.lines)
    found = judged(energy, mine)
    assert found.verdict == "unexplained" and found.unexplained_fen == 0
    wrong = [Figures(one.component, None, None, one.quantity_milli, one.price_e8, one.amount_fen) for one in mine.lines]
    wrong[0] = Figures("energy", None, None, wrong[0].quantity_milli, wrong[0].price_e8, wrong[0].amount_fen - 5_000)
    told = OldSide(mine.energy_wh, mine.amount_fen - 5_000, lines=wrong)
    assert judged(told, mine).verdict == "unexplained"


def test_without_what_our_bill_is_rated_from_only_lines_tell() -> None:
    mine = ours(factory(), BUSINESS)
    blind = OurSide(mine.energy_wh, mine.amount_fen, mine.lines, mine.groups, mine.in_base, mine.factor)
    of, by = WAYS["missing_component"]
    assert judged(old(of, by), blind).verdict == "unexplained"
    assert judged(old(of, by, lines=True), blind).verdict == "missing_component"


@given(
    kwh=st.integers(0, 10**6),
    price=st.integers(0, 3 * 10**8),
    off=st.integers(-(10**6), 10**6),
    old_kwh=st.integers(0, 10**6),
    old_price=st.integers(0, 3 * 10**8),
)
def test_causes_always_add_up_and_an_odd_amount_is_never_explained(
    kwh: int, price: int, off: int, old_kwh: int, old_price: int
) -> None:
    by = tariff(component("energy", str(Price(price))), code="test.single", voltages=["10"])
    mine = ours(subject(piece(str(kwh)), voltage="10"), by)
    value = Money((old_kwh * old_price + 5 * 10**5) // 10**6).fen
    line = Figures("energy", None, None, old_kwh * 1000, old_price, value)
    found = judged(OldSide(old_kwh * 1000, value, lines=[line]), mine)
    assert found.unexplained_fen == 0 and found.verdict != "unexplained"
    assert (found.verdict == "equal") == ((old_kwh, value) == (kwh, mine.amount_fen) and old_price == price) or (
        found.verdict in ("equal", "price", "quantity", "rounding")
    )
    odd = judged(OldSide(kwh * 1000, mine.amount_fen + off), mine)
    if abs(off) > 1 and mine.amount_fen + off != 0:
        assert odd.verdict == "unexplained"
