"""Layouts: what bytes without lengths of their own mean, as text in a table, for protocols that are tables.

    A15 time;u1=M tariffs;[A14 active{tt} kWh]*M+1;{a|b} ..

Items follow each other, `;` between. An item is a form, a name and perhaps a unit; `u1=M` keeps its value as M, `{a|b}` in
a name makes one item for each. `[..]*n` repeats: n is a number, a kept value, `M+1`, `M-1`, `n&15` its low bits, `^s` the
bits set in s, `@m` the points an hour has at density m, `rest` as often as the data allow. In names `{i}` counts the turns
from 1, `{h}` from 2, `{k}` says total, 2nd .., `{tt}` total and tariffs. `raw(L)` and `text(L)` have a kept length; `rest`
takes what is left.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue
from denghuo.service.acquisition.protocol.fields import Format, Item, Value
from denghuo.service.acquisition.protocol.packed import Packed
from denghuo.service.acquisition.protocol.words import named

# Bounds what a hostile count can make of a few bytes.
ITEMS_MAX = 20_000
POINTS_AN_HOUR = {0: 0, 1: 4, 2: 2, 3: 1, 254: 12, 255: 60}


@dataclass(frozen=True, slots=True)
class Field:
    """One item; `sized` is the name of the kept value that says how many bytes it has."""

    form: Format
    zh: str
    unit: str
    keep: str = ""
    sized: str = ""
    rest: bool = False


@dataclass(frozen=True, slots=True)
class Loop:
    """`body` as often as `times` says for the kept values; None: to the end of the data. `size`: a turn's, where it is fixed."""

    body: "tuple[Node, ...]"
    times: Callable[[Mapping[str, int]], int] | None

    size: int | None = None


Node = Field | Loop
Forms = Callable[[str], Format]

_TOKEN = re.compile(r"\[|\](\*(?:rest|[@^]?\w+(?:&\d+)?(?:[+-]\d+)?))?|;|[^\[\];]+")
_TIMES = re.compile(r"(?P<how>[@^]?)(?P<name>\w+?)(?:&(?P<mask>\d+))?(?P<add>[+-]\d+)?")


class Layout:
    """A layout that is ready to use: `parse` for values with names and places, `counts` for numbers in bulk.

    `packed`: its fields, where it has no others than packed decimal ones.
    """

    def __init__(self, text: str, forms: Forms) -> None:
        tokens = [match[0] for match in _TOKEN.finditer(text)]
        self.nodes, at = _nodes(tokens, 0, forms)
        if at != len(tokens):
            raise ValueError(f"unbalanced layout {text!r}")
        self.size = _size(self.nodes)
        self._steps = _steps(self.nodes)
        only = self._steps[0] if len(self._steps) == 1 else None
        self.packed = only if isinstance(only, Packed) else None

    def parse(self, data: bytes, at: int = 0) -> list[Item]:
        """The items from `at` on; the last one's end is where the layout ends. BadFrame where the data end before."""
        found: list[Item] = []
        for field, turn, start, end, value in self._walk(data, at):
            if len(found) >= ITEMS_MAX:
                raise BadFrame("long", start, str(len(found)), str(ITEMS_MAX))
            found.append(Item(named(_name(field.zh, turn)), value, field.unit, start, end))
        return found

    def end(self, data: bytes, at: int = 0) -> int:
        """Where the layout ends when it begins at `at`; BadFrame where the data end before."""
        if self.size is not None:
            if at + self.size > len(data):
                raise BadFrame("short", len(data), str(len(data) - at), str(self.size))
            return at + self.size
        return _skip(self.nodes, data, at, {})

    def counts(self, data: bytes, at: int = 0) -> tuple[list[int | None], int]:
        """The numbers in bulk, and where they end: packed decimals as counts of their last place, times as their digits,
        binary numbers as they are; None for what is missing and for what is no number. Same order as `parse`."""
        found: list[int | None] = []
        return found, _run(self._steps, data, at, found, {})

    def _walk(self, data: bytes, at: int) -> Iterator[tuple[Field, int, int, int, Value]]:
        kept: dict[str, int] = {}

        def run(nodes: Sequence[Node], at: int, turn: int) -> Iterator[tuple[Field, int, int, int, Value]]:
            for node in nodes:
                if isinstance(node, Loop):
                    turns = node.times(kept) if node.times else len(data)
                    for number in range(turns):
                        if node.times is None and at >= len(data):
                            break
                        for one in run(node.body, at, number):
                            at = one[3]
                            yield one
                    continue
                size = len(data) - at if node.rest else kept[node.sized] if node.sized else node.form.size
                if at + size > len(data):
                    raise BadFrame("short", len(data), str(len(data) - at), str(size))
                raw = data[at : at + size]
                value: Value = raw if node.rest or node.sized else node.form.parse(raw)
                if node.sized and node.form.size:
                    value = raw.decode("gbk", "replace")
                if node.keep:
                    kept[node.keep] = value if isinstance(value, int) else 0
                yield node, turn, at, at + size, value
                at += size

        return run(self.nodes, at, 0)

    def build(self, values: Sequence[Value]) -> bytes:
        """The bytes that say `values`, one for each item in order; BadValue where they are too few, too many, or unfit."""
        left = list(reversed(values))
        kept: dict[str, int] = {}

        def run(nodes: Sequence[Node]) -> Iterator[bytes]:
            for node in nodes:
                if isinstance(node, Loop):
                    turns = node.times(kept) if node.times else len(values)
                    for _ in range(turns):
                        if node.times is None and not left:
                            break
                        yield from run(node.body)
                    continue
                if not left:
                    raise BadValue(node.zh, None, "a value")
                value = left.pop()
                if node.keep and isinstance(value, int):
                    kept[node.keep] = value
                yield _built(node, value, kept)

        raw = b"".join(run(self.nodes))
        if left:
            raise BadValue("values", len(values), f"{len(values) - len(left)}")
        return raw


_Step = Packed | Field | tuple["Loop", "tuple[_Step, ...]"]


def _steps(nodes: Sequence[Node]) -> "tuple[_Step, ...]":
    found: list[_Step] = []
    for packed, run in groupby(nodes, lambda node: isinstance(node, Field) and bool(node.form.limit) and not node.keep):
        if packed:
            found.append(Packed([(node.form.size, node.form.limit) for node in run if isinstance(node, Field)]))
        else:
            found += [(node, _steps(node.body)) if isinstance(node, Loop) else node for node in run]
    return tuple(found)


def _run(steps: "Sequence[_Step]", data: bytes, at: int, found: list[int | None], kept: dict[str, int]) -> int:
    for step in steps:
        if isinstance(step, Packed):
            found += step.read(data, at)
            at += step.size
        elif isinstance(step, Field):
            size = len(data) - at if step.rest else kept[step.sized] if step.sized else step.form.size
            if at + size > len(data):
                raise BadFrame("short", len(data), str(len(data) - at), str(size))
            value = None if step.rest or step.sized else step.form.parse(data[at : at + size])
            found.append(value if isinstance(value, int) else None)
            if step.keep:
                kept[step.keep] = value if isinstance(value, int) else 0
            at += size
        else:
            loop, body = step
            turns = loop.times(kept) if loop.times else len(data)
            if len(body) == 1 and isinstance(body[0], Packed) and loop.times:
                # A curve, or the tariffs of a register.
                found += body[0].read(data, at, turns)
                at += turns * body[0].size
                continue
            for _ in range(turns):
                if (loop.times is None and at >= len(data)) or len(found) > ITEMS_MAX:
                    break
                at = _run(body, data, at, found, kept)
    return at


def _built(field: Field, value: Value, kept: Mapping[str, int]) -> bytes:
    if field.rest or field.sized:
        raw = value if isinstance(value, bytes) else str(value).encode("gbk", "replace")
        if field.sized and len(raw) != kept.get(field.sized):
            raise BadValue(field.zh, value, f"{kept.get(field.sized)} bytes")
        return raw
    return field.form.build(value)


def _size(nodes: Sequence[Node]) -> int | None:
    """How many bytes `nodes` always have; None where that depends on the data."""
    fields = [node for node in nodes if isinstance(node, Field) and not node.sized and not node.rest]
    return sum(field.form.size for field in fields) if len(fields) == len(nodes) else None


def _skip(nodes: Sequence[Node], data: bytes, at: int, kept: dict[str, int]) -> int:
    """Where `nodes` end that begin at `at`, reading only what says how long they are."""
    for node in nodes:
        if isinstance(node, Field):
            size = len(data) - at if node.rest else kept[node.sized] if node.sized else node.form.size
            if node.keep and at + size <= len(data):
                value = node.form.parse(data[at : at + size])
                kept[node.keep] = value if isinstance(value, int) else 0
            at += size
        elif node.times is None:
            while at < len(data):
                at = _skip(node.body, data, at, kept)
        elif node.size is not None:
            at += node.times(kept) * node.size
        else:
            for _ in range(node.times(kept)):
                at = _skip(node.body, data, at, kept)
        if at > len(data):
            raise BadFrame("short", len(data), str(len(data)), str(at))
    return at


def _nodes(tokens: Sequence[str], at: int, forms: Forms) -> tuple[tuple[Node, ...], int]:
    found: list[Node] = []
    while at < len(tokens):
        token = tokens[at]
        if token.startswith("]"):
            return tuple(found), at
        if token == "[":
            body, at = _nodes(tokens, at + 1, forms)
            found.append(Loop(body, _times(tokens[at][2:]), _size(body)))
        elif token != ";":
            found += _fields(token, forms)
        at += 1
    return tuple(found), at


def _times(said: str) -> Callable[[Mapping[str, int]], int] | None:
    if said == "rest":
        return None
    match = _TIMES.fullmatch(said)
    if match is None:
        raise ValueError(f"no count {said!r}")
    name, mask, add = match["name"], int(match["mask"] or 0xFFFF), int(match["add"] or 0)
    if name.isdecimal():
        return lambda kept: int(name)
    if match["how"] == "^":
        return lambda kept: kept[name].bit_count()
    if match["how"] == "@":
        return lambda kept: POINTS_AN_HOUR.get(kept[name], 0)
    return lambda kept: max((kept[name] & mask) + add, 0)


def _fields(token: str, forms: Forms) -> list[Field]:
    form, zh, *unit = token.split(" ")
    form, _, keep = form.partition("=")
    sized = re.fullmatch(r"(raw|text)\((\w+)\)", form)
    if sized:
        return [Field(forms("text1") if sized[1] == "text" else forms("raw0"), zh, "", sized=sized[2])]
    if form == "rest":
        return [Field(forms("raw0"), zh, "", rest=True)]
    several = re.search(r"\{([^{}]*\|[^{}]*)\}", zh)
    names = [zh.replace(several[0], one) for one in several[1].split("|")] if several else [zh]
    return [Field(forms(form), name, unit[0] if unit else "", keep) for name in names]


@lru_cache(16384)
def _name(zh: str, turn: int) -> str:
    said = {
        "{i}": str(turn + 1),
        "{h}": str(turn + 2),
        "{k}": f"{turn + 1}次" if turn else "总",
        "{tt}": f"费率{turn}" if turn else "总",
    }
    for hole, word in said.items():
        zh = zh.replace(hole, word)
    return zh
