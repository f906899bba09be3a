"""The strict JSONLogic evaluator, over the table of cases that the browser's evaluator is held to as well."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from denghuo.application.spec.logic import NotLogic, evaluate, holds, require_logic, variables

CASES = json.loads(Path(__file__).with_name("logic.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES["evaluates"], ids=lambda case: case["why"])
def test_evaluates(case: dict[str, Any]) -> None:
    require_logic(case["logic"])
    value = evaluate(case["logic"], case["data"])
    assert value == case["value"] and type(value) is type(case["value"])


@pytest.mark.parametrize("case", CASES["refuses"], ids=lambda case: case["why"])
def test_refuses(case: dict[str, Any]) -> None:
    with pytest.raises(NotLogic):
        require_logic(case["logic"])


def test_missing_condition_holds() -> None:
    assert holds(None, {})


def test_variables_are_found_at_every_depth() -> None:
    expression = {"if": [{"var": "row.a"}, {"cat": [{"var": "page.b"}, "x"]}, [{"var": ["user.c", 1]}]]}
    assert variables(expression) == {"row.a", "page.b", "user.c"}


JSON_DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@given(JSON_DATA, st.dictionaries(st.sampled_from(["row", "page"]), JSON_DATA))
def test_what_is_accepted_evaluates_without_error(expression: Any, data: dict[str, Any]) -> None:
    try:
        require_logic(expression)
    except NotLogic:
        return
    evaluate(expression, data)
