"""Contracts only grow: each is compared with its golden file."""

import json
import os
import pathlib
from typing import Any

import pytest

from denghuo.kernel.contract import Api
from denghuo.main import MODULES, SERVICES
from denghuo.service.host.golden import breaches, published

FOLDER = pathlib.Path(__file__).parent / "golden"


@pytest.mark.parametrize("contract", [*SERVICES, *MODULES], ids=lambda contract: contract.noun)
def test_contract_equals_its_golden_file(contract: type[Api]) -> None:
    path = FOLDER / f"{contract.noun}.v{contract.api_version}.json"
    current = json.loads(json.dumps(published(contract)))
    if os.environ.get("DENGHUO_GOLDEN") == "write":
        golden = json.loads(path.read_text("utf-8")) if path.exists() else {}
        assert list(breaches(golden, current)) == []
        path.write_text(json.dumps(current, ensure_ascii=False, indent=1, sort_keys=True) + "\n", "utf-8")
    golden = json.loads(path.read_text("utf-8"))
    assert list(breaches(golden, current)) == []
    assert golden == current, "the contract grew: DENGHUO_GOLDEN=write make test keeps the new form"


def _schema(**properties: Any) -> dict[str, Any]:
    return {"request": {"properties": properties, "required": list(properties)}}


@pytest.mark.parametrize(
    ("before", "after", "allowed"),
    [
        (_schema(a={"type": "string"}), _schema(a={"type": "string"}), True),
        (_schema(a={"type": "string"}), _schema(a={"type": "integer"}), False),
        (_schema(a={"type": "string"}), _schema(), False),
        (_schema(a={"type": "string"}), _schema(a={"type": "string"}, b={"type": "string"}), False),
        ({"request": {"properties": {}}}, {"request": {"properties": {"b": {}}, "required": ["b"]}}, False),
        ({"request": {"properties": {}}}, {"request": {"properties": {"b": {}}}}, True),
        ({"permit": "a.b"}, {"permit": "a.c"}, False),
        ({"problems": ["/p/a"]}, {"problems": ["/p/a", "/p/b"]}, True),
        ({"problems": ["/p/a"]}, {"problems": []}, False),
        ({"title": "a"}, {"title": "b"}, True),
    ],
)
def test_breaches_are_found(before: Any, after: Any, allowed: bool) -> None:
    assert (list(breaches(before, after)) == []) is allowed
