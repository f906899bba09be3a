"""Contracts: how a service states, once, what it offers.

A service's `api.py` holds messages, events, problems, dataset schemas and one `Api` class of coarse business operations. All
else (routes, clients, permission checks, idempotency, audit, outbox, reference pages, golden files) is derived from it.
"""

import hashlib
import inspect
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, TypeVar, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from denghuo.kernel.period import SHANGHAI
from denghuo.kernel.problem import Problem, Text

Mask = Literal["name", "phone", "identity", "bank_card", "address", "email"]


@dataclass(frozen=True)
class Label:
    """What a field is called and how it is shown; goes into the JSON Schema as `x-label`, `x-mask`, `x-dictionary`.

    Two dictionaries are data of the permission service: `organisation`, and `staff`, the person behind a user name.
    A field with a `mask` is personal data: masked towards browsers, sealed in the journal. Of a `bulk` field, such as a photo, the
    journal keeps the digest: the service keeps what it is.
    """

    zh: str
    en: str
    mask: Mask | None = None
    dictionary: str | None = None
    bulk: bool = False

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema: dict[str, Any] = dict(handler(core_schema))
        schema["x-label"] = {"zh": self.zh, "en": self.en}
        if self.mask:
            schema["x-mask"] = self.mask
        if self.dictionary:
            schema["x-dictionary"] = self.dictionary
        return schema


@dataclass(frozen=True)
class Dictionary:
    """The values of a coded field and what they are called (代码). Stands in an `api.py`; a Label names it.

    tones: how a value is coloured where it is shown: plain, good, notice, warning, danger.
    """

    name: str
    entries: Mapping[str, Text]
    tones: Mapping[str, str] = field(default_factory=dict)


class Message(BaseModel):
    """A request, a reply or a part of one: immutable, unknown fields refused, values in their wire form."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", ser_json_inf_nan="strings", protected_namespaces=(), defer_build=True
    )


class Nothing(Message):
    """The empty request or reply."""


class Event(Message):
    """A fact that happened: `class Registered(Event, name="customer.account.registered", version=1)`."""

    event_name: ClassVar[str] = ""
    event_version: ClassVar[int] = 1

    def __init_subclass__(cls, name: str = "", version: int = 1) -> None:
        super().__init_subclass__()
        if name:
            cls.event_name, cls.event_version = name, version

    @classmethod
    def event_type(cls) -> str:
        return f"{cls.event_name}.v{cls.event_version}"


class DatasetRef(Message):
    """Names a published set of rows that is too large for a reply; `data` resolves it to columns."""

    name: str
    version: int
    period: str
    shard: str
    digest: str
    row_count: int


ColumnType = Literal["text", "int64", "int32", "bool", "date", "instant", "json"]


@dataclass(frozen=True)
class DatasetSchema:
    """The published shape of a dataset. Columns carry their unit last in the name (`energy_wh`, `amount_fen`)."""

    name: str
    version: int
    columns: dict[str, ColumnType]
    title: Text = field(default_factory=lambda: Text(zh="", en=""))


def is_within(org: str, unit: str) -> bool:
    """Whether an organisation is a unit or stands below it: 1405810.1 is not above 1405810.10."""
    return org == unit or org.startswith(f"{unit}.")


@dataclass(frozen=True)
class Call:
    """Who calls, when, and what they may: made once at the edge, so no service reads a clock or a session.

    permits: names such as `customer.read`; `customer.*` and `*` stand for groups.
    scope: organisation code prefixes whose rows the caller may see; `("",)` is the whole company, `()` is nothing.
    accounts: set for a customer's own session: only rows of these account numbers are visible, whatever the scope says.
    key: idempotency key of a command.
    """

    actor: str
    now: datetime
    permits: frozenset[str] = frozenset()
    scope: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    post: str = ""
    channel: str = "system"
    key: str | None = None
    trace: str = ""

    def __post_init__(self) -> None:
        if self.now.tzinfo is None:
            raise ValueError("Call.now must be an aware instant")

    def may(self, permit: str) -> bool:
        if permit == PUBLIC or permit in self.permits or "*" in self.permits:
            return True
        return f"{permit.partition('.')[0]}.*" in self.permits

    def covers(self, org: str) -> bool:
        """Whether rows of an organisation are in scope: it is a unit of the scope or below one."""
        return any(unit == "" or is_within(org, unit) for unit in self.scope)

    def sees(self, org: str, account_no: str | None = None) -> bool:
        """Whether a record of a unit, or of an account of it, exists for the caller: as `denghuo.visible` decides in the database.

        For what is kept beside the database, or was asked of a peer in the platform's name. A customer's own session has the
        whole company as its scope, so `covers` alone would show it everybody's.
        """
        return self.covers(org) and (not self.accounts or account_no in self.accounts)

    @property
    def whole_company(self) -> bool:
        """Whether nothing of a company is out of sight: scope at the root of its organisations, and no customer's session."""
        return not self.accounts and any("." not in unit for unit in self.scope)

    def keyed(self, key: str) -> "Call":
        """The same caller with another idempotency key, for a command that follows from this one."""
        return replace(self, key=key)

    def only(self, *permits: str) -> "Call":
        """The same caller asking a peer: just the permits that the question needs, the scope as it is, no key of its own."""
        return replace(self, permits=frozenset(permits), key=None)

    @property
    def today(self) -> date:
        """The calendar day of the call in China."""
        return self.now.astimezone(SHANGHAI).date()

    @classmethod
    def system(cls, now: datetime, key: str | None = None, actor: str = "system") -> "Call":
        """The platform itself, over the whole company: event handlers, scheduled work, the command line."""
        return cls(actor=actor, now=now, permits=frozenset({"*"}), scope=("",), key=key)


PUBLIC = "public"
Kind = Literal["command", "query"]


@dataclass(frozen=True)
class Operation:
    """One operation of an Api, as derived from its method."""

    noun: str
    name: str
    version: int
    kind: Kind
    permit: str
    request: type[Message]
    reply: type[Message]
    problems: tuple[type[Problem], ...]
    emits: tuple[type[Event], ...]
    reveals: bool
    documentation: str

    @property
    def full_name(self) -> str:
        return f"{self.noun}.{self.name}"


@dataclass(frozen=True)
class _Declared:
    kind: Kind
    permit: str
    problems: tuple[type[Problem], ...]
    emits: tuple[type[Event], ...]
    reveals: bool = False


Method = TypeVar("Method", bound=Callable[..., Any])


def _declare(declared: _Declared) -> Callable[[Method], Method]:
    def mark(method: Method) -> Method:
        method.__operation__ = declared  # type: ignore[attr-defined]  # the mark is what Api.operations reads
        return method

    return mark


def command(
    permit: str,
    problems: tuple[type[Problem], ...] = (),
    emits: tuple[type[Event], ...] = (),
    reveals: bool = False,
) -> Callable[[Method], Method]:
    """Marks an operation that changes state: one transaction, journaled, idempotent by key.

    `reveals`: the purpose of the operation is to show personal data in clear, so its reply is not masked. Nor is it kept:
    the journal holds who asked, when and why, and a repeat runs the operation again.
    """
    return _declare(_Declared("command", permit, problems, emits, reveals))


def query(permit: str, problems: tuple[type[Problem], ...] = ()) -> Callable[[Method], Method]:
    """Marks an operation that only reads."""
    return _declare(_Declared("query", permit, problems, ()))


class Api:
    """Base of every contract: `class CustomerApi(Api, noun="customer", version=1)`.

    Operations take `(self, call: Call, request: SomeMessage) -> SomeMessage`. Callers hold an Api and cannot tell whether it is
    bound to this process or to another. A long contract is put together from parts, each an Api without a noun that states the
    operations of one subject beside its messages.
    """

    noun: ClassVar[str] = ""
    api_version: ClassVar[int] = 1

    def __init_subclass__(cls, noun: str | None = None, version: int = 1) -> None:
        super().__init_subclass__()
        if noun is not None:
            cls.noun, cls.api_version = noun, version

    @classmethod
    def operations(cls) -> dict[str, Operation]:
        """All operations by name, in the order of their definition, part after part. They are read from the annotations once."""
        contract = cls.contract()
        if contract not in _OPERATIONS:
            _OPERATIONS[contract] = _operations(contract)
        return _OPERATIONS[contract]

    @classmethod
    def contract(cls) -> "type[Api]":
        """The class that states the contract: an implementation answers with the Api it implements."""
        for parent in cls.__mro__:
            if "noun" in parent.__dict__ and parent is not Api:
                return typing.cast("type[Api]", parent)
        raise TypeError(f"{cls.__name__} states no noun")


_OPERATIONS: dict[type[Api], dict[str, Operation]] = {}


def _operations(contract: type[Api]) -> dict[str, Operation]:
    found: dict[str, Operation] = {}
    stated = (pair for part in contract.__mro__ for pair in vars(part).items())
    for name, method in stated:
        declared: _Declared | None = getattr(method, "__operation__", None)
        if declared is None:
            continue
        hints = get_type_hints(method)
        found[name] = Operation(
            noun=contract.noun,
            name=name,
            version=contract.api_version,
            kind=declared.kind,
            permit=declared.permit,
            request=hints["request"],
            reply=hints["return"],
            problems=declared.problems,
            emits=declared.emits,
            reveals=declared.reveals,
            documentation=inspect.getdoc(method) or "",
        )
    return found


def on(event: type[Event]) -> Callable[[Method], Method]:
    """Marks a function of a service's `listen.py`: `handler(service, call, event)`, idempotent by event id."""

    def mark(handler: Method) -> Method:
        handler.__event__ = event  # type: ignore[attr-defined]  # the mark is what the host reads
        return handler

    return mark


# --- personal data in messages -------------------------------------------------------------------------------------------

Path = tuple[str, ...]
"""Field names from the root of a message; `*` steps into every member of a list or every value of a mapping."""


def label_of(message: type[BaseModel], field: str) -> Label:
    """What a field of a message is called, for problems that name it as its form does."""
    info = message.model_fields[field]
    return next(_labels(info.annotation, info.metadata))


def _labels(annotation: Any, metadata: Iterable[Any] = ()) -> Iterator[Label]:
    """The labels of a type, the outermost first."""
    yield from (one for one in metadata if isinstance(one, Label))
    inner = get_args(annotation)
    if get_origin(annotation) is typing.Annotated:
        yield from _labels(inner[0], inner[1:])
    else:
        for one in inner:
            yield from _labels(one)


@cache
def personal_paths(message: type[BaseModel]) -> tuple[tuple[Path, Mask], ...]:
    """Where personal data stands in messages of this type."""
    return tuple(_personal(message, frozenset()))


def _personal(message: type[BaseModel], seen: frozenset[type]) -> Iterator[tuple[Path, Mask]]:
    if message in seen:
        return
    for name, info in message.model_fields.items():
        mask = _mask_of(info.metadata)
        if mask is not None:
            yield (name,), mask
            continue
        for prefix, found in _inside(info.annotation):
            if isinstance(found, str):
                yield (name, *prefix), found
                continue
            for path, inner_mask in _personal(found, seen | {message}):
                yield (name, *prefix, *path), inner_mask


def _mask_of(metadata: Iterable[Any]) -> Mask | None:
    return next((item.mask for item in metadata if isinstance(item, Label) and item.mask), None)


def _inside(annotation: Any) -> Iterator[tuple[Path, "type[BaseModel] | Mask"]]:
    """The messages and the masked values that stand inside a type, with the steps that lead to them."""
    origin = get_origin(annotation)
    if origin is typing.Annotated:
        inner, *metadata = get_args(annotation)
        mask = _mask_of(metadata)
        if mask is not None:
            yield (), mask
        else:
            yield from _inside(inner)
    elif origin in (typing.Union, types.UnionType):
        for argument in get_args(annotation):
            yield from _inside(argument)
    elif origin in (list, tuple, set, frozenset, dict):
        for argument in get_args(annotation):
            for prefix, found in _inside(argument):
                yield ("*", *prefix), found
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield (), annotation


def replace_personal(message: type[BaseModel], body: Any, change: Callable[[Any, Mask], Any]) -> Any:
    """A copy of the JSON form `body` of a message with every personal value replaced by `change(value, mask)`."""
    for path, mask in personal_paths(message):
        body = _replace_at(body, path, mask, change)
    return body


def without_bulk(message: type[BaseModel], body: dict[str, Any]) -> dict[str, Any]:
    """The JSON form of a message in which bulk fields are replaced by their SHA-256."""
    bulky = [
        name
        for name, info in message.model_fields.items()
        if body.get(name) is not None and any(isinstance(one, Label) and one.bulk for one in info.metadata)
    ]
    return body | {name: f"sha256:{hashlib.sha256(str(body[name]).encode()).hexdigest()}" for name in bulky}


def _replace_at(node: Any, path: Path, mask: Mask, change: Callable[[Any, Mask], Any]) -> Any:
    if node is None:
        return None
    if not path:
        return change(node, mask)
    step, rest = path[0], path[1:]
    if step == "*":
        if isinstance(node, dict):
            return {key: _replace_at(item, rest, mask, change) for key, item in node.items()}
        if isinstance(node, list):
            return [_replace_at(item, rest, mask, change) for item in node]
        return node
    if isinstance(node, dict) and step in node:
        return {**node, step: _replace_at(node[step], rest, mask, change)}
    return node


def masked(value: Any, mask: Mask) -> Any:
    """The masked form of a personal value (脱敏): enough to recognise, not enough to misuse."""
    if not isinstance(value, str) or not value:
        return value
    match mask:
        case "name":
            return value[0] + "*" * min(len(value) - 1, 2) if len(value) < 5 else value[:2] + "***" + value[-2:]
        case "phone":
            return value[:3] + "****" + value[-4:] if len(value) >= 8 else "****"
        case "identity" | "bank_card":
            return value[:4] + "*" * max(len(value) - 8, 4) + value[-4:] if len(value) >= 12 else "****"
        case "email":
            return value[0] + "***@" + value.rpartition("@")[2]
        case "address":
            return value[: max(len(value) // 2, 1)] + "***"


DIGITS_OF_INT64 = 18


class Page(Message):
    """Which page of a list is asked for: mixed into requests of list operations. `after` is the `next` of the page before."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    after: Annotated[str, Field(max_length=200)] | None = None

    @property
    def after_number(self) -> int | None:
        """`after` of a list that is paged by number; None at the first page, and for a text that never was a `next`."""
        text = self.after or ""
        return int(text) if text.isascii() and text.isdecimal() and len(text) <= DIGITS_OF_INT64 else None
