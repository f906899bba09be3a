"""The fall-back chain of a register (取数链): which sources were tried in which order, and which one answered. Pure.

What somebody of the utility entered goes before all others. At the end of a month: the register collected at its midnight, what
the customer reported of the day, what another system estimated for the midnight, the line between the registers around it, the
average of the days before. Where a meter was hung or taken off inside the month: the exchange record, then what was collected at
that instant.
"""

from typing import NamedTuple

from denghuo.kernel.problem import Text, text
from denghuo.service.reading.api import SIDES, SOURCES

OF_MONTHS = ("actual", "self_read", "sender", "interpolated", "daily_average")
OF_EXCHANGES = ("noted", "actual")


class Tried(NamedTuple):
    """A source, and whether it answered."""

    source: str
    answered: bool
    mark: str | None = None
    """How its sender says that a register was not read."""


def chain_of(source: str, *, at_midnight: bool, mark: str | None = None) -> list[Tried]:
    """What was tried for a register, in order, until one answered; all of it where none did.

    source: from which it came. at_midnight: not the instant of an exchange. mark: of its sender.
    """
    if source == "manual":
        return [Tried(source, True)]
    order = OF_MONTHS if at_midnight and source != "noted" else OF_EXCHANGES
    place = order.index(source) if source in order else len(order)
    tried = [Tried(one, False) for one in order[:place]]
    return [*tried, Tried(source, True, mark)] if place < len(order) else tried


def said(start: list[Tried], end: list[Tried]) -> Text:
    """The chains of both ends as a sentence."""
    sides = (("start", start), ("end", end))
    zh = "；".join(
        f"{SIDES.entries[name]['zh']}：" + " → ".join(_word(one)["zh"] for one in chain) for name, chain in sides
    )
    en = "; ".join(
        f"{SIDES.entries[name]['en']}: " + " → ".join(_word(one)["en"] for one in chain) for name, chain in sides
    )
    return text(zh, en)


def _word(tried: Tried) -> Text:
    name = SOURCES.entries[tried.source]
    if tried.answered and tried.mark:
        return text(f"{name['zh']}（{tried.mark}，采用）", f"{name['en']} ({tried.mark}, taken)")
    if tried.answered:
        return text(f"{name['zh']}（采用）", f"{name['en']} (taken)")
    return text(f"{name['zh']}（无）", f"{name['en']} (none)")
