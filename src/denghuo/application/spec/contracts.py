"""What a page spec may lean on: the registered operations and the JSON Schemas of their messages, as `/api/contracts.json` says."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

JsonSchema = Mapping[str, Any]


@dataclass(frozen=True)
class OperationContract:
    """One registered operation: who may run it and the JSON Schemas of what goes in and comes out."""

    name: str
    kind: Literal["command", "query"]
    permit: str
    request: JsonSchema
    reply: JsonSchema

    def request_fields(self) -> dict[str, JsonSchema]:
        """Name to schema of every field of the request."""
        properties = resolve(self.request, self.request).get("properties", {})
        return {name: resolve(schema, self.request) for name, schema in properties.items()}

    def required_fields(self) -> frozenset[str]:
        return frozenset(resolve(self.request, self.request).get("required", ()))

    def reply_field(self, path: str) -> JsonSchema | None:
        """The schema at a path of the reply, stepping into list members where the path says so or names one of their fields."""
        return schema_at(self.reply, path)


@dataclass(frozen=True)
class Contracts:
    """All registered operations by full name, the registered custom components and wall screens, and the known pages."""

    operations: Mapping[str, OperationContract]
    components: frozenset[str] = frozenset()
    screens: frozenset[str] = frozenset()
    pages: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Page name to the names of its parameters; empty where pages are not to be checked against each other."""
    options: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Page name to the names of what it may be opened with besides."""
    forms: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Page name to the commands that its forms send."""

    @classmethod
    def from_json(cls, body: Mapping[str, Any], **registered: Any) -> "Contracts":
        """Read the form that `/api/contracts.json` has."""
        operations = {
            name: OperationContract(name, entry["kind"], entry["permit"], entry["request"], entry["reply"])
            for name, entry in body["operations"].items()
        }
        return cls(operations=operations, **registered)


def resolve(schema: JsonSchema, root: JsonSchema) -> JsonSchema:
    """Follow `$ref` and the one real branch of an optional, keeping what was said beside them (label, mask, dictionary)."""
    for _ in range(8):
        beside = {key: value for key, value in schema.items() if key not in {"$ref", "anyOf", "allOf"}}
        if "$ref" in schema:
            schema = {**_pointed(root, schema["$ref"]), **beside}
            continue
        branches = [branch for branch in schema.get("anyOf", schema.get("allOf", ())) if branch.get("type") != "null"]
        if len(branches) != 1:
            return schema
        schema = {**branches[0], **beside}
    return schema


def _pointed(root: JsonSchema, reference: str) -> JsonSchema:
    node: Any = root
    for step in reference.removeprefix("#/").split("/"):
        node = node.get(step, {}) if isinstance(node, Mapping) else {}
    return node if isinstance(node, Mapping) else {}


def schema_at(root: JsonSchema, path: str) -> JsonSchema | None:
    """The resolved schema at a dotted path, or None where the message has no such value."""
    found = list(_walk(root, resolve(root, root), path.split(".")))
    return found[0] if found else None


def _walk(root: JsonSchema, schema: JsonSchema, steps: list[str]) -> Iterator[JsonSchema]:
    if not steps:
        yield schema
        return
    options = [resolve(branch, root) for branch in schema.get("anyOf", schema.get("oneOf", ()))] or [schema]
    for option in options:
        step, rest = steps[0], steps[1:]
        if option.get("type") == "array":
            members = resolve(option.get("items", {}), root)
            yield from _walk(root, members, rest if step.isdigit() else steps)
        elif step in option.get("properties", {}):
            yield from _walk(root, resolve(option["properties"][step], root), rest)
        elif isinstance(option.get("additionalProperties"), Mapping):
            yield from _walk(root, resolve(option["additionalProperties"], root), rest)
