"""What clerks say of values (人工确认与编辑): it counts as long as what was received stays as it was."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from denghuo.service.reading.rules.curves import (
    ACCEPTED,
    EDITED,
    INT32_MAX,
    VALID,
    VERDICTS,
    Ints,
    line,
    spread,
)

OF_WAY = {"manual": "value"}
VERDICT_OF = {OF_WAY.get(VERDICTS[number].method, VERDICTS[number].method): number for number in EDITED} | {
    "accept": ACCEPTED
}
"""The verdict that a clerk's word gives, by its way."""


@dataclass(frozen=True)
class Edit:
    """A clerk's word for the slots from `first` to `last`.

    way: accept, value, a method, or withdraw. seen: what was received when it was said, -1 where nothing was. given: what stands
    in where the word counts, -1 in the other slots; of an acceptance what was accepted.
    """

    edit_no: int
    first: int
    last: int
    way: str
    seen: tuple[int, ...]
    given: tuple[int, ...]


class Unfit(ValueError):
    """A span that cannot be edited in this way, and why: zh, en."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


def counts_of(edits: Sequence[Edit], raw: Ints) -> dict[int, Ints]:
    """Of each edit in which slots of the day it counts: where what was received is what was seen, and no later one stands before
    it. edits: in the order in which they were made."""
    last = np.zeros(len(raw), dtype=np.int64)
    for edit in edits:
        span = slice(edit.first, edit.last + 1)
        said = np.array(edit.given, dtype=np.int64) >= 0
        same = raw[span] == np.array(edit.seen, dtype=np.int64)
        last[span] = np.where((said | (edit.way == "withdraw")) & same, edit.edit_no, last[span])
    return {edit.edit_no: last == edit.edit_no for edit in edits}


def apply(edits: Sequence[Edit], raw: Ints, estimate: Ints, verdict: Any) -> None:
    """Puts what clerks said into a day's estimates and verdicts; slots of which another value was received since go by the rules
    again, and so does what was withdrawn."""
    for edit, counts in zip(edits, counts_of(edits, raw).values(), strict=True):
        if edit.way == "withdraw":
            continue
        given = np.full(len(raw), -1, dtype=np.int64)
        given[edit.first : edit.last + 1] = edit.given
        verdict[counts] = VERDICT_OF[edit.way]
        estimate[counts] = -1 if edit.way == "accept" else given[counts]


def accepted(raw: Ints, verdict: Any, first: int, last: int) -> Ints:
    """What an acceptance of a span gives: the suspicious values in it.

    Raises:
        Unfit: there is none.
    """
    span = slice(first, last + 1)
    held = np.array([VERDICTS[number].status == "held" for number in verdict[span].tolist()])
    given = np.where(held & (raw[span] >= 0), raw[span], -1)
    if not (given >= 0).any():
        raise Unfit(
            "该时段没有收到而待核的值，无可确认。", "No value of the span was received and is held: nothing to accept."
        )
    return given


def entered(verdict: Any, first: int, last: int, energy_wh: int) -> Ints:
    """A span's energy as a clerk enters it, spread evenly and exactly over the slots that are not simply valid.

    Raises:
        Unfit: all values of the span are valid, or one slot cannot hold its share.
    """
    return _placed(_touched(verdict, first, last), np.array(energy_wh))


def by_line(raw: Ints, verdict: Any, first: int, last: int) -> Ints:
    """The straight line between the valid neighbours of the slots that are not.

    Raises:
        Unfit: all values of the span are valid, or the line lacks an end within the day.
    """
    touched = _touched(verdict, first, last)
    known = np.where(verdict == VALID, raw, -1)
    value = line(known[None, :], len(raw))[0, first : last + 1]
    if (value[touched] < 0).any():
        raise Unfit(
            "当日两侧缺少有效值，不能按直线插补。", "A valid value is missing on one side within the day: no line."
        )
    return np.where(touched, value, -1)


def by_like_days(verdict: Any, like: Ints, first: int, last: int) -> Ints:
    """What days like this one had in the slots that are not valid.

    Raises:
        Unfit: all values of the span are valid, or one is known of no such day.
    """
    touched, value = _touched(verdict, first, last), like[first : last + 1]
    if (value[touched] < 0).any():
        raise Unfit("相似日没有这些时点的值。", "Days like this one have no values there.")
    return np.where(touched, value, -1)


def by_registers(raw: Ints, estimate: Ints, verdict: Any, first: int, last: int, difference: int) -> Ints:
    """What the registers leave for the slots of the span that are not valid, evenly.

    Raises:
        Unfit: all values of the span are valid, a register is not known, or the other slots have more than the registers say.
    """
    touched = _touched(verdict, first, last)
    if difference < 0:
        raise Unfit("当日首末示数不全，不能按示数差分摊。", "A register at a midnight of the day is not known.")
    counted: Any = np.where(raw >= 0, raw, np.maximum(estimate, 0))
    counted[first : last + 1] = np.where(touched, 0, counted[first : last + 1])
    left = difference - int(counted.sum())
    if left < 0:
        raise Unfit("其余时点的电量已超过示数差。", "The other slots have more than the registers say.")
    return _placed(touched, np.array(left))


def _touched(verdict: Any, first: int, last: int) -> Any:
    touched = verdict[first : last + 1] != VALID
    if not touched.any():
        raise Unfit("该时段的值全部有效，无需处理。", "All values of the span are valid.")
    return touched


def _placed(touched: Any, energy: Ints) -> Ints:
    shares = spread(energy.reshape(1), touched[None, :].astype(np.int64))[0]
    if shares.max() > INT32_MAX:
        raise Unfit("电量超出一个时点可计范围。", "The energy is more than a slot can hold.")
    return np.where(touched, shares, -1)
