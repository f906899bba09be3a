"""Special terms as rating takes them: what a state, a part of a month, a household and other accounts make of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, cast

import pyarrow as pa
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from tests.service.billing.rules.make import DOCUMENT, component, piece, subject, tariff
from tests.service.records import number

from denghuo.data.processing.dataset import Datasets
from denghuo.kernel.contract import DatasetRef
from denghuo.kernel.period import Month, midnight
from denghuo.kernel.values import ApparentPower, Energy, Percent, Power
from denghuo.service.billing.batch import Entry, Piece, Terms, terms_table
from denghuo.service.billing.lines import CannotRate
from denghuo.service.billing.rules import Stage
from denghuo.service.billing.rules.losses import transformer_loss
from denghuo.service.billing.special.days import Days, TierYear
from denghuo.service.billing.special.filled import filled
from denghuo.service.billing.special.losses import over_the_month
from denghuo.service.billing.special.others import EntriesOf
from denghuo.service.billing.special.said import priced_part
from denghuo.service.billing.tenure import Tenure, tenure_of
from denghuo.service.contract.api import (
    BehindTransformer,
    LineLoss,
    LossRow,
    Part,
    SpecialTerms,
    Transformer,
    TransformerLoss,
)
from denghuo.service.contract.api import Terms as Agreed
from denghuo.service.tariff.api import TariffDocument

APRIL = Month(2026, 4)
WHOLE = Days(APRIL, date(2026, 4, 1), date(2026, 4, 30))
HALF = Days(APRIL, date(2026, 4, 16), date(2026, 4, 30))
OTHER = number(2)
FLAT = tariff(component("energy", "0.5"))


def entry(account_no: str, special: SpecialTerms | None, *kwh: tuple[str, int], capacity_va: int = 315_000) -> Entry:
    said = None if special is None else special.model_dump_json(exclude_defaults=True)
    terms = Terms(
        f"C{account_no}", account_no, "1405810.01", "supply", "two_part_demand", None, "10", None, capacity_va, None,
        "agency", 90, said, date(2024, 1, 1), None,
    )  # fmt: skip
    pieces = [
        Piece(
            point,
            account_no,
            None,
            "sale",
            f"M{point}",
            1,
            "active_fwd",
            "total",
            midnight(date(2026, 4, 1)),
            midnight(date(2026, 5, 1)),
            None,
            None,
            1,
            value * 1000,
            "valid",
            "checked",
            "actual",
            0,
        )
        for point, value in kwh
    ]
    return Entry(account_no, "supply", (terms,), tuple(pieces))


def given(
    special: SpecialTerms, days: Days = WHOLE, document: TariffDocument = FLAT, entries_of: EntriesOf = lambda _: []
) -> dict[str, Any]:
    year = TierYear([], days.month if document.tiers and document.tiers.period == "monthly" else Month(2026, 12))
    return filled(entry("1", special, ("P1", 1_000)), document, days, year, entries_of)


def test_a_paused_transformer_loses_nothing_on_its_days() -> None:
    loss = TransformerLoss(
        transformer_no="T1",
        way="nameplate",
        capacity_kva=ApparentPower.of("315"),
        no_load_kw=Power.of("0.67"),
        load_kw=Power.of("3.65"),
        no_load_current=Percent.of("1.1"),
        impedance=Percent.of("4"),
    )

    def transformer(state: str, first: int, last: int | None) -> Transformer:
        return Transformer.model_validate(
            {
                "transformer_no": "T1",
                "capacity_kva": "315",
                "state": state,
                "first_day": date(2026, 4, first),
                "last_day": last and date(2026, 4, last),
            }
        )

    running = SpecialTerms(losses=[loss])
    (whole,) = given(running)["losses"]
    assert (whole.days, whole.no_load_w, whole.load_w, whole.capacity_va) == (None, 670, 3_650, 315_000)
    assert [one.days for one in given(running, HALF)["losses"]] == [15]
    paused = running.model_copy(
        update={"transformers": [transformer("running", 1, 9), transformer("paused", 10, None)]}
    )
    found = given(paused)
    assert [one.days for one in found["losses"]] == [9]
    assert [(one.state, one.first_day.day, one.last_day) for one in found["transformers"]] == [
        ("running", 1, date(2026, 4, 9)),
        ("paused", 10, None),
    ]
    assert given(paused, HALF)["losses"] == []


def test_quantities_of_a_month_count_by_its_days_and_shares_do_not() -> None:
    special = SpecialTerms(
        losses=[TransformerLoss(transformer_no="T1", way="table")],
        loss_rows=[
            LossRow(transformer_no="T1", up_to_kwh=Energy.of("1000"), active_kwh=Energy.of("90")),
            LossRow(transformer_no="T1", active_kwh=Energy.of("120")),
            LossRow(transformer_no="T2", active_kwh=Energy.of("1")),
        ],
        line_losses=[LineLoss(line_no="L1", active_kwh=Energy.of("60")), LineLoss(line_no="L2", share=Percent.of("2"))],
        parts=[
            Part(point_no="D1", way="quantity", quantity_kwh=Energy.of("200")),
            Part(point_no="D2", way="ratio", ratio=Percent.of("10")),
        ],
    )
    found = given(special, HALF)
    (loss,) = found["losses"]
    assert ([row.active_wh for row in loss.table], loss.days) == ([90_000, 120_000], 15)
    assert [(one.active_wh, one.share) for one in found["line_losses"]] == [(30_000, None), (0, Percent.of("2"))]
    assert [(one.quantity_wh, one.ratio.number) for one in found["parts"]] == [(100_000, 0), (0, 1_000)]
    assert [one.quantity_wh for one in given(special)["parts"]] == [200_000, 0]


def spans(month: Month, *cuts: int) -> list[tuple[date, date]]:
    """First and last days of the stages of a month that begin on these days after its first."""
    firsts = [month.first_day, *(month.first_day.replace(day=day) for day in sorted(cuts)), month.next.first_day]
    return [(first, end - timedelta(days=1)) for first, end in pairwise(firsts)]


@for_all(
    quantity=st.integers(0, 10**9),
    month=st.sampled_from([Month(2026, 2), Month(2026, 4), Month(2026, 5)]),
    cuts=st.sets(st.integers(2, 28), max_size=3),
)
def test_stages_of_a_month_add_up_to_what_is_agreed_for_it(quantity: int, month: Month, cuts: set[int]) -> None:
    special = SpecialTerms(parts=[Part(point_no="D1", way="quantity", quantity_kwh=Energy(quantity))])
    stages = [given(special, Days(month, *span)) for span in spans(month, *cuts)]
    assert sum(stage["parts"][0].quantity_wh for stage in stages) == quantity


def staged(month: Month, *cuts: int, losses: Sequence[str] = ("T1",)) -> list[Stage]:
    """Stages of a month, the last of them without the transformers that are not named for it."""
    found = []
    for first, last in spans(month, *cuts):
        names = losses if last == month.next.first_day - timedelta(days=1) else ("T1",)
        agreed = [
            TransformerLoss(transformer_no=name, way="agreed", active_kwh=Energy.of("310"), reactive_kvarh=None)
            for name in names
        ]
        update = given(SpecialTerms(losses=agreed), Days(month, first, last))
        found.append(Stage(subject(piece("1000"), month=str(month), first_day=first, last_day=last, **update), FLAT))
    return found


def lost(stages: Sequence[Stage]) -> list[int]:
    return [transformer_loss(one, 0, 0, 3).active_wh for stage in stages for one in stage.subject.losses]


def test_the_stages_of_a_transformer_that_runs_all_month_bear_one_month() -> None:
    may = Month(2026, 5)
    assert lost(over_the_month(staged(may, 16))) == [150_000, 160_000]
    assert lost(over_the_month(staged(may, 11, 21))) == [100_000, 100_000, 110_000]
    february = Month(2026, 2)
    assert sum(lost(over_the_month(staged(february, 16)))) == 310_000
    both = [*staged(Month(2026, 4)), *staged(may, 16)]
    assert lost(over_the_month(both)) == [310_000, 150_000, 160_000]


def test_a_transformer_that_stops_with_its_stage_counts_by_thirtieths() -> None:
    may = Month(2026, 5)
    assert lost(over_the_month(staged(may, 16, losses=()))) == [155_000]


@pytest.mark.parametrize(("period", "extra"), [("annual", 1_100_000), ("monthly", 100_000)])
def test_a_household_has_the_room_of_its_tier_period(period: str, extra: int) -> None:
    document = tariff(
        component("energy", [{"price": "0.5", "tier": 1}, {"price": "0.6", "tier": 2}]),
        tiers={
            "period": period,
            "tables": [{"up_to": ["3120"]}],
            "households": [{"persons_from": 5, "per_month": "100"}, {"persons_from": 7, "per_month": "150"}],
        },
    )
    special = SpecialTerms(persons=6, persons_since=date(2026, 1, 10))
    assert given(special, document=document)["tier_extra_wh"] == extra
    assert given(special.model_copy(update={"persons": 4}), document=document)["tier_extra_wh"] == 0
    ended = special.model_copy(update={"persons_until": date(2026, 3, 31)})
    assert given(ended, document=document)["tier_extra_wh"] == (200_000 if period == "annual" else 0)
    assert given(special, document=FLAT)["tier_extra_wh"] == 0


def test_free_energy_is_given_once_a_month_until_it_ends() -> None:
    special = SpecialTerms(free_energy=True, free_until=date(2026, 4, 1))
    assert given(special)["free_months"] == 1
    assert given(special, Days(APRIL, date(2026, 4, 1), date(2026, 4, 15), closing=False))["free_months"] == 0
    assert given(special.model_copy(update={"free_until": date(2026, 3, 31)}))["free_months"] == 0


def test_other_accounts_of_a_customer_and_behind_a_transformer_are_counted() -> None:
    discounted = tariff(
        component("energy", "0.5"),
        classes=["two_part_demand"],
        basic={
            "by": "demand",
            "prices": [{"price": "40"}],
            "document": DOCUMENT,
            "discount": {"energy_per_kva": "260", "price_share": "90", "document": DOCUMENT},
        },
    )
    inside = SpecialTerms(parts=[Part(point_no="S1", way="meter")])
    others = {OTHER: [entry(OTHER, inside, ("P2", 500), ("S1", 200), capacity_va=100_000)]}
    loss = TransformerLoss(transformer_no="T1", way="agreed", active_kwh=Energy.of("10"), bears_remainder=False)
    special = SpecialTerms(
        counted_with=[OTHER], losses=[loss], behind=[BehindTransformer(transformer_no="T1", account_no=OTHER)]
    )
    found = given(special, document=discounted, entries_of=lambda number: others[number])
    assert (found["customer_energy_wh"], found["customer_capacity_va"]) == (1_500_000, 415_000)
    (behind,) = found["losses"]
    assert (behind.behind_wh, behind.behind_varh, behind.bears_remainder) == (500_000, 0, False)
    assert behind.behind_each == [500_000]
    assert "customer_energy_wh" not in given(special, entries_of=lambda number: others[number])
    with pytest.raises(CannotRate) as raised:
        given(special, document=discounted)
    assert raised.value.fields["value"] == OTHER


def test_what_has_days_of_its_own_makes_no_stage() -> None:
    def priced(special: SpecialTerms) -> str | None:
        return priced_part(special.model_dump_json(exclude_defaults=True))

    household = SpecialTerms(persons=6, persons_since=date(2026, 1, 10), free_energy=True, counted_with=[OTHER])
    assert priced(household) is priced_part(None) is None
    lossy = SpecialTerms(line_losses=[LineLoss(line_no="L1", share=Percent.of("2"))])
    assert priced(lossy) == priced(lossy.model_copy(update={"persons": 6})) != priced(SpecialTerms(pf_standard=80))


@pytest.mark.parametrize(
    ("classes", "since", "until"),
    [
        (["resident", "resident", "resident", "resident"], date(2024, 1, 1), date(2027, 1, 1)),
        (["general_single_part", "resident", "resident"], date(2026, 2, 1), date(2026, 9, 1)),
        (["resident", "general_single_part", "resident", "general_single_part"], date(2026, 4, 11), date(2026, 9, 1)),
    ],
)
def test_the_tier_year_counts_from_the_change_to_a_class_until_the_next(
    classes: list[str], since: date, until: date | None
) -> None:
    days = [date(2024, 1, 1), date(2026, 2, 1), date(2026, 4, 11), date(2026, 9, 1), date(2027, 1, 1)]
    history = [
        Agreed.model_validate(
            {
                "effective_from": first,
                "effective_to": end,
                "tariff_class": tariff_class,
                "tariff_code": None,
                "voltage_kv": "0.22",
                "contract_kw": None,
                "capacity_kva": None,
                "pv_kw": None,
                "settlement_mode": "agency",
                "pf_standard": None,
            }
        )
        for tariff_class, first, end in zip(classes, days, days[1:], strict=False)
    ]
    (now,) = entry("1", None).terms
    terms = replace(now, tariff_class="resident", effective_from=date(2026, 4, 11), effective_to=date(2026, 9, 1))
    assert tenure_of(history, terms) == Tenure(since, until)


def test_terms_published_before_special_terms_were_known_have_none() -> None:
    class Old:
        """Datasets whose file has no such column."""

        def scan(self, ref: DatasetRef, columns: list[str]) -> pa.Table:
            held = {"contract_no": ["C1", "C2"]}
            return pa.table({name: held.get(name, [None, None]) for name in columns})

    ref = DatasetRef(name="contract.terms", version=1, period="2026-03", shard="all", digest="", row_count=2)
    table = terms_table(cast(Datasets, Old()), ref)
    assert table.column_names == [*(name for name in Terms.__slots__ if name != "special"), "special"]
    assert table["special"].to_pylist() == [None, None]
