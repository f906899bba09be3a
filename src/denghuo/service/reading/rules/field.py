"""Plausibility of a register as it is entered on site (现场录入合理性校验). Pure.

`web/src/field/plausible.ts` judges the same without a network; both are held to tests/service/reading/field_cases.json.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from denghuo.kernel.values import round_half_up
from denghuo.service.reading.rules import advance_e4, fits, modulus_e4

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class FieldCheck:
    """How far an entry may stand off, in force from a day on.

    times: more than so many times the usual advance is high, less than the same part of it low. rollover_e4: both figures lie
    within this share (1e-4) of the register's range from its turn. ahead_s: how far the clock of a phone may be ahead.
    """

    effective_from: date
    times: int
    rollover_e4: int
    ahead_s: int


FIELD_CHECKS = (FieldCheck(date(2020, 1, 1), times=3, rollover_e4=1_000, ahead_s=300),)


def field_check(on: date) -> FieldCheck:
    """The check of a day."""
    return [one for one in FIELD_CHECKS if one.effective_from <= on][-1]


@dataclass(frozen=True)
class Expected:
    """What an entry is held against, in 1e-4 of the register's unit; None: not known.

    last_e4, last_at: the last register before. usual_a_day_e4: the average advance. most_a_day_e4: what the agreed capacity lets
    pass.
    """

    integer_digits: int
    decimal_digits: int
    last_e4: int | None = None
    last_at: datetime | None = None
    usual_a_day_e4: int | None = None
    most_a_day_e4: int | None = None


def most_a_day_e4(capacity_w: int, multiplier: int) -> int:
    """How far a register advances in a day at this power: 24 h, 10 steps a Wh, before the multiplier."""
    return round_half_up(capacity_w * 24 * 10, multiplier)


def shows(shown_e4: int, expected: Expected) -> bool:
    """Whether the register has these digits."""
    return fits(shown_e4, expected.integer_digits, expected.decimal_digits)


def warnings_of(shown_e4: int, at: datetime, expected: Expected, check: FieldCheck) -> list[str]:
    """What a reader must look at again: negative, still, over_capacity, high or low."""
    if expected.last_e4 is None or expected.last_at is None:
        return []
    advance, _ = advance_e4(expected.last_e4, shown_e4, modulus_e4(expected.integer_digits), check.rollover_e4)
    if advance is None:
        return ["negative"]
    days = max(-((expected.last_at - at) // _DAY), 1)
    found: list[str] = []
    if expected.most_a_day_e4 is not None and advance > expected.most_a_day_e4 * days:
        found.append("over_capacity")
    usual = (expected.usual_a_day_e4 or 0) * days
    if usual and advance == 0:
        found.append("still")
    elif usual and advance > usual * check.times:
        found.append("high")
    elif usual and advance * check.times < usual:
        found.append("low")
    return found
