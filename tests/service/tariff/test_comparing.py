"""The comparison of two tariffs covers the whole model: whatever differs is said, in both languages."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError
from tests.service.tariff.whole import changed, places, whole, whole_body

from denghuo.kernel.fields import TextPair
from denghuo.service.tariff.api import TariffDocument
from denghuo.service.tariff.rules import differences
from denghuo.service.tariff.rules.names import FIELD_NAMES

BODY = whole().model_dump(mode="json", exclude={"version"})
PLACES = [at for at, _ in places(BODY) if at]
LEAVES = [at for at, value in places(BODY) if at and not isinstance(value, dict)]
POOL: list[Any] = [
    None,
    True,
    False,
    1,
    2,
    3,
    80,
    85,
    [],
    ["10"],
    [1],
    "0.1",
    "7",
    "9.99",
    "2031-01-01",
    "2030-01",
    "x",
]
POOL += [
    "peak",
    "deep",
    "total",
    "resident",
    "calendar",
    "monthly",
    "capacity",
    "fund",
    "purchase",
    "free_share",
    "01:00",
]

POOL += ["own_coal_plant", "generation", {"until": "2030-12-31", "document": "x-9"}]
POOL += ["workday", "month", [{"start": "01:00", "end": "02:00"}], {"zh": "甲", "en": "a"}]


def models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        for inner in _inside(field.annotation):
            yield from models(inner)


def _inside(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _inside(argument)


def test_every_field_of_the_model_has_a_name_in_both_languages() -> None:
    fields = {name for model in models(TariffDocument) for name in model.model_fields} - {"version"}
    assert fields == set(FIELD_NAMES)


def test_the_whole_tariff_leaves_no_field_at_its_default() -> None:
    """So that the property below really changes every field."""
    said = {step for at, _ in places(whole_body()) for step in at if isinstance(step, str)}
    assert said == set(FIELD_NAMES)


def said(before: TariffDocument, after: TariffDocument) -> list[str]:
    rows = differences(before, after)
    for row in rows:
        assert row.where.startswith("/") and row.sentence.zh.endswith("。") and row.sentence.en.endswith(".")
    assert len({row.where for row in rows}) == len(rows)
    return [row.sentence.en for row in rows]


@given(at=st.sampled_from(PLACES), value=st.sampled_from(POOL))
def test_whatever_differs_is_said(at: tuple[str | int, ...], value: Any) -> None:
    try:
        other = TariffDocument.model_validate(changed(BODY, at, value))
    except ValidationError:
        return
    assert bool(said(whole(), other)) is (other != whole())
    assert bool(said(other, whole())) is (other != whole())


@pytest.mark.parametrize("at", LEAVES, ids=lambda at: "/".join(map(str, at)))
def test_each_field_on_its_own_is_said(at: tuple[str | int, ...]) -> None:
    """Some value of the pool or of the list beside it fits each place, and is a difference of its own."""
    before = whole()
    fitting = 0
    old = next(value for place, value in places(BODY) if place == at)
    more = (
        [(date.fromisoformat(old) + timedelta(days=1)).isoformat()]
        if at[-1] in ("effective_from", "effective_to")
        else []
    )
    more += [old[1:], old[::-1], [*old, *old]] if isinstance(old, list) else []
    more += [f"{old}9", "35", "valley", "surplus_feed_in", "reactive_fwd", "0.22"] if isinstance(old, str) else []
    more += [4] if isinstance(old, int) else []
    for value in [*POOL, *more]:
        try:
            after = TariffDocument.model_validate(changed(BODY, at, value))
        except ValidationError:
            continue
        if after != before:
            fitting += 1
            assert said(before, after)
    assert fitting


@given(
    at=st.sampled_from([at for at, value in places(BODY) if isinstance(value, list) and len(value) > 1]), data=st.data()
)
def test_an_order_that_changes_is_said(at: tuple[str | int, ...], data: st.DataObject) -> None:
    rows = next(value for place, value in places(BODY) if place == at)
    other = TariffDocument.model_validate(changed(BODY, at, data.draw(st.permutations(rows))))
    assert bool(said(whole(), other)) is (other != whole())


def test_sentences_are_in_one_language_each() -> None:
    body = changed(whole_body(), ("components", 0, "prices", 3, "price"), "0.8")
    row = differences(whole(), TariffDocument.model_validate(body))[0]
    title = TextPair(zh="energy", en="energy")
    assert row.sentence.zh == f"{title.zh} 10 kV 尖峰 第1档由 0.9000 降至 0.8000，降 0.1000 元（11.11%）。"
    assert row.sentence.en == "energy 10 kV, Sharp peak, tier 1 falls from 0.9000 to 0.8000, by 0.1000 yuan (11.11 %)."
