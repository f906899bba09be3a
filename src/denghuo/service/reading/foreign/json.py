"""JSON of other systems, part by part, without letting a file hold more than a part of it in memory."""

from collections.abc import Iterator
from typing import Any, BinaryIO

import ijson

from denghuo.kernel.problem import Text, text
from denghuo.service.reading.foreign.blocks import ASK_SENDER, Malformed
from denghuo.service.reading.foreign.limits import DEPTH_MAX, ELEMENTS_MAX, TOO_MUCH, Rationed


def parts(stream: BinaryIO, within: tuple[str, ...], name: str) -> Iterator[Any]:
    """The values of a name in their order, each alone or in a list: at the top, or in objects that have the names `within` inside
    each other, any of which may be missing. Numbers are given as text; what was read is let go.

    Raises:
        Malformed: it is no whole JSON, or too deep or too large in one part.
    """
    rationed = Rationed(stream)
    places = {f"{place}{name}{item}" for place in _places(within) for item in ("", ".item")}
    number = depth = held = 0
    builder: Any = None
    try:
        for prefix, event, value in ijson.parse(rationed):
            begins, ends = event.startswith("start_"), event.startswith("end_")
            depth += begins - ends
            held += 1
            if depth > DEPTH_MAX or (builder is not None and held > ELEMENTS_MAX):
                raise _fault(number, prefix[:80], TOO_MUCH)
            if builder is None and prefix in places and event not in ("start_array", "end_array"):
                builder, held = ijson.ObjectBuilder(), 0
            if builder is not None:
                builder.event(event, str(value) if event == "number" else value)
                if prefix in places and not begins and event != "map_key":
                    number += 1
                    yield builder.value
                    builder = None
                    rationed.renew()
    except (ijson.JSONError, ValueError) as error:
        raise _fault(number, str(error)[:80], _NO_JSON) from error


def _places(within: tuple[str, ...]) -> list[str]:
    """The prefixes of a value that stands in any of these objects, in their order."""
    found = [""]
    for one in within:
        found += [f"{place}{one}." for place in found]
    return found


def _fault(number: int, value: str, what: Text) -> Malformed:
    return Malformed(number, "JSON", value, what, ASK_SENDER)


_NO_JSON = text("不是合法的 JSON", "it is no JSON")
