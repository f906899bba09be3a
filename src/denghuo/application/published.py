"""What the browser side learns of the contracts: `/api/contracts.json` and the dictionaries of coded fields."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import denghuo.kernel.fields
from denghuo.kernel.contract import Api, Dictionary, Operation

_SAID_ELSEWHERE = frozenset({"title", "description", "examples"})


def contracts_json(contracts: Iterable[type[Api]]) -> dict[str, Any]:
    """Every operation of the given contracts by full name: kind, permit and the JSON Schemas of request and reply."""
    operations = {
        operation.full_name: operation_json(operation)
        for contract in contracts
        for operation in contract.operations().values()
    }
    return {"operations": operations}


def operation_json(operation: Operation) -> dict[str, Any]:
    return {
        "kind": operation.kind,
        "permit": operation.permit,
        "request": _lean(operation.request.model_json_schema()),
        "reply": _lean(operation.reply.model_json_schema(mode="serialization")),
    }


def _lean(node: Any, named: bool = False) -> Any:
    """A JSON Schema without its prose; `named` says that the keys are names of fields or definitions, which all stay."""
    if isinstance(node, list):
        return [_lean(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _lean(value, named=not named and key in {"properties", "$defs"})
        for key, value in node.items()
        if named or key not in _SAID_ELSEWHERE
    }


def dictionaries(contracts: Iterable[type[Api]]) -> dict[str, Dictionary]:
    """The dictionaries that stand in the modules of these contracts and in the shared fields, by name."""
    found: dict[str, Dictionary] = {}
    for module in [denghuo.kernel.fields, *(part for contract in contracts for part in _modules(contract))]:
        for value in vars(module).values():
            if isinstance(value, Dictionary):
                found[value.name] = value
    return found


def _modules(contract: type[Api]) -> Iterator[Any]:
    """The module of a contract; where it is a folder, its parts too."""
    name = contract.__module__
    door = f"denghuo.service.{contract.noun}.api"
    for loaded, module in list(sys.modules.items()):
        if loaded in (name, door) or loaded.startswith((f"{name}.", f"{door}.")):
            yield module


def named_dictionaries(node: Any) -> Iterator[str]:
    """The dictionary names that a JSON Schema mentions."""
    if isinstance(node, Mapping):
        name = node.get("x-dictionary")
        if isinstance(name, str):
            yield name
        for value in node.values():
            yield from named_dictionaries(value)
    elif isinstance(node, list):
        for item in node:
            yield from named_dictionaries(item)
