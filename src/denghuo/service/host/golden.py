"""Golden contracts: the published form of an Api as plain data, and what a change to it must not do."""

from collections.abc import Iterator
from typing import Any

from denghuo.kernel.contract import Api


def published(contract: type[Api]) -> dict[str, Any]:
    """The contract as JSON data: operations with permit, kind, schemas, problems and events."""
    operations = {
        operation.name: {
            "kind": operation.kind,
            "permit": operation.permit,
            "reveals": operation.reveals,
            "request": operation.request.model_json_schema(),
            "reply": operation.reply.model_json_schema(mode="serialization"),
            "problems": sorted(problem.type_uri() for problem in operation.problems),
            "events": {event.event_type(): event.model_json_schema() for event in operation.emits},
        }
        for operation in contract.operations().values()
    }
    return {"noun": contract.noun, "version": contract.api_version, "operations": operations}


_PRESENTATION = frozenset({"description", "title", "x-label", "x-dictionary", "examples"})


def _bare(node: Any) -> Any:
    """A part of a contract without what only says how it is shown."""
    if isinstance(node, dict):
        return {key: _bare(value) for key, value in node.items() if key not in _PRESENTATION}
    return [_bare(item) for item in node] if isinstance(node, list) else node


def breaches(golden: Any, current: Any, path: str = "") -> Iterator[str]:
    """Where `current` takes something back that `golden` promised. Additions are allowed, but for new required fields."""
    if isinstance(golden, dict) and isinstance(current, dict):
        for key, promised in golden.items():
            if key not in current:
                yield f"{path}/{key} is gone"
            elif key == "required":
                added = sorted(set(current[key]) - set(promised))
                if added and "/request" in path:
                    yield f"{path}/required demands more: {', '.join(added)}"
                missing = sorted(set(promised) - set(current[key]))
                if missing and "/request" not in path:
                    yield f"{path}/required promises less: {', '.join(missing)}"
            elif key not in _PRESENTATION:
                yield from breaches(promised, current[key], f"{path}/{key}")
        if "/request" in path and "required" in current and "required" not in golden and "properties" in golden:
            yield f"{path}/required demands more: {', '.join(current['required'])}"
    elif isinstance(golden, list) and isinstance(current, list):
        offered = [_bare(item) for item in current]
        for item in golden:
            if _bare(item) not in offered:
                yield f"{path} no longer has {item!r}"
    elif golden != current:
        yield f"{path} was {golden!r} and is {current!r}"
