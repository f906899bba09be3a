"""Conditions of page specs: a small, strict part of JSONLogic, evaluated by the same rules here and in the browser.

An expression is JSON data. A scalar or a list stands for itself; an object has exactly one key, the operator. Nothing is coerced:
`==` compares values of one kind, and an order exists between numbers and decimal texts ("65.22") only, by exact value. What cannot
be compared or found is false or null, never an error, so a page cannot be broken by its data. The table of cases in
`tests/application/spec/logic.json` binds this evaluator and the one in `web/src/spec/logic.ts` to each other.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Context, Decimal
from typing import Any

FORBIDDEN_NAMES = frozenset({"__proto__", "prototype", "constructor"})
"""Names that reach into the machinery of a JavaScript object; no path and no key may hold them."""

ROOTS = frozenset({"page", "filter", "row", "reply", "form", "user", "chosen"})
"""What an expression may look at: page parameters, filter values, the row, the reply, the form, the user, the chosen rows."""

MAX_DEPTH = 12
MAX_NODES = 200

_PATH = re.compile(r"[a-z][a-z0-9_]*(\.([a-z][a-z0-9_]*|\d{1,4})){0,8}")
_DECIMAL = re.compile(r"-?\d{1,30}(\.\d{1,12})?")
_EXACT = Context(prec=64)
"""Wide enough for any difference of two decimal texts."""


class NotLogic(ValueError):
    """The data is not an expression of this language; the message says why."""


def safe_path(path: str) -> bool:
    """Whether `path` is dotted lower-case names and positions, and none of them reaches into object machinery."""
    return _PATH.fullmatch(path) is not None and FORBIDDEN_NAMES.isdisjoint(path.split("."))


def look_up(data: Any, path: str) -> Any:
    """The value at a dotted path of JSON data, or None where there is none. Own members only."""
    for step in path.split("."):
        if isinstance(data, Mapping):
            data = data.get(step)
        elif isinstance(data, list) and step.isdigit() and int(step) < len(data):
            data = data[int(step)]
        else:
            return None
    return data


def truthy(value: Any) -> bool:
    """Null, false, zero, empty text and the empty list are false; everything else is true."""
    return not (value is None or value is False or value == "" or value == [] or (_is_number(value) and value == 0))


def evaluate(expression: Any, data: Mapping[str, Any]) -> Any:
    """The value of an expression over `data`, whose keys are the ROOTS that the place of use offers."""
    if isinstance(expression, list):
        return [evaluate(item, data) for item in expression]
    if not isinstance(expression, Mapping):
        return expression
    operator, arguments = _split(expression)
    if operator == "var":
        found = look_up(data, arguments[0])
        return arguments[1] if found is None and len(arguments) > 1 else found
    if operator in _LAZY:
        return _LAZY[operator](arguments, data)
    return _EAGER[operator]([evaluate(item, data) for item in arguments])


def holds(condition: Any, data: Mapping[str, Any]) -> bool:
    """Whether a condition is met; a missing condition always is."""
    return condition is None or truthy(evaluate(condition, data))


def variables(expression: Any) -> frozenset[str]:
    """Every path that the expression looks at."""
    if isinstance(expression, list):
        return frozenset().union(*(variables(item) for item in expression))
    if not isinstance(expression, Mapping):
        return frozenset()
    operator, arguments = _split(expression)
    if operator == "var":
        return frozenset({arguments[0]})
    return frozenset().union(*(variables(item) for item in arguments))


def require_logic(expression: Any) -> None:
    """Raise NotLogic unless the data is an expression of this language, within its limits, looking only at ROOTS."""
    remaining = [(expression, 1)]
    nodes = 0
    while remaining:
        node, depth = remaining.pop()
        nodes += 1
        if depth > MAX_DEPTH or nodes > MAX_NODES:
            raise NotLogic(f"an expression has at most {MAX_DEPTH} levels and {MAX_NODES} parts")
        if isinstance(node, list):
            remaining.extend((item, depth + 1) for item in node)
        elif isinstance(node, Mapping):
            operator, arguments = _split(node)
            if operator == "var":
                _require_variable(arguments)
            else:
                remaining.extend((item, depth + 1) for item in arguments)


def _require_variable(arguments: Sequence[Any]) -> None:
    path = arguments[0]
    if not isinstance(path, str) or not safe_path(path):
        raise NotLogic("var takes a dotted path of lower-case names")
    if path.split(".")[0] not in ROOTS:
        raise NotLogic(f"var looks at {', '.join(sorted(ROOTS))} only")
    if len(arguments) > 2 or (len(arguments) == 2 and isinstance(arguments[1], Mapping | list)):
        raise NotLogic("var takes a path and, if wanted, one plain value for when there is none")


def _split(expression: Mapping[str, Any]) -> tuple[str, Sequence[Any]]:
    if len(expression) != 1:
        raise NotLogic("an object in an expression has exactly one key, its operator")
    operator, arguments = next(iter(expression.items()))
    if operator not in OPERATORS:
        raise NotLogic(f"unknown operator {operator!r}")
    listed = arguments if isinstance(arguments, list) else [arguments]
    low, high = OPERATORS[operator]
    if not low <= len(listed) <= high:
        raise NotLogic(f"{operator!r} takes {low} to {high} arguments")
    return operator, listed


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _ordinal(value: Any) -> Decimal | None:
    if _is_number(value):
        return Decimal(str(value))
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Decimal(value)
    return None


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, Mapping | list) or isinstance(right, Mapping | list):
        return False
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if _is_number(left) != _is_number(right):
        return False
    return bool(left == right)


def _ordered(test: Callable[[Decimal, Decimal], bool]) -> Callable[[list[Any]], bool]:
    def run(values: list[Any]) -> bool:
        numbers = [_ordinal(value) for value in values]
        known = [number for number in numbers if number is not None]
        if len(known) < len(numbers):
            return False
        return all(test(left, right) for left, right in zip(known, known[1:], strict=False))

    return run


def _contains(values: list[Any]) -> bool:
    needle, hay = values
    if isinstance(hay, str):
        return isinstance(needle, str) and needle in hay
    return isinstance(hay, list) and any(_same(needle, item) for item in hay)


def _joined(values: list[Any]) -> str:
    return "".join(_printed(value) for value in values)


def _printed(value: Any) -> str:
    if isinstance(value, str):
        return value
    if _is_number(value) and value == int(value):
        return str(int(value))
    return ""


def _count(values: list[Any]) -> int:
    return len(values[0]) if isinstance(values[0], list | str) else 0


def _difference(values: list[Any]) -> str | None:
    """Exact, as decimal text with as many places as the longer of the two; nothing where one of them is no number."""
    left, right = (_ordinal(value) for value in values)
    if left is None or right is None:
        return None
    found = _EXACT.subtract(left, right)
    return f"{found or abs(found):f}"


def _first_of(stop: bool) -> Callable[[Sequence[Any], Mapping[str, Any]], Any]:
    def run(arguments: Sequence[Any], data: Mapping[str, Any]) -> Any:
        value = None
        for argument in arguments:
            value = evaluate(argument, data)
            if truthy(value) is stop:
                return value
        return value

    return run


def _choose(arguments: Sequence[Any], data: Mapping[str, Any]) -> Any:
    for position in range(0, len(arguments) - 1, 2):
        if truthy(evaluate(arguments[position], data)):
            return evaluate(arguments[position + 1], data)
    return evaluate(arguments[-1], data) if len(arguments) % 2 else None


OPERATORS: dict[str, tuple[int, int]] = {
    "var": (1, 2),
    "==": (2, 2),
    "!=": (2, 2),
    "<": (2, 3),
    "<=": (2, 3),
    ">": (2, 2),
    ">=": (2, 2),
    "!": (1, 1),
    "!!": (1, 1),
    "and": (1, 20),
    "or": (1, 20),
    "if": (2, 21),
    "in": (2, 2),
    "cat": (1, 20),
    "count": (1, 1),
    "-": (2, 2),
}
"""Operator to the least and the greatest number of its arguments."""

_LAZY: dict[str, Callable[[Sequence[Any], Mapping[str, Any]], Any]] = {
    "and": _first_of(False),
    "or": _first_of(True),
    "if": _choose,
}
_EAGER: dict[str, Callable[[list[Any]], Any]] = {
    "==": lambda values: _same(*values),
    "!=": lambda values: not _same(*values),
    "<": _ordered(lambda left, right: left < right),
    "<=": _ordered(lambda left, right: left <= right),
    ">": _ordered(lambda left, right: left > right),
    ">=": _ordered(lambda left, right: left >= right),
    "!": lambda values: not truthy(values[0]),
    "!!": lambda values: truthy(values[0]),
    "in": _contains,
    "cat": _joined,
    "count": _count,
    "-": _difference,
}
