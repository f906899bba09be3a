"""Proof of issue: the root of a day that anyone may compare, and the step that makes the trees."""

from datetime import date
from typing import Annotated

from denghuo.kernel.contract import Label, Message
from denghuo.kernel.fields import AsOf, MonthText


class RunsSealed(Message):
    """The issue run whose tree this step made, None where none waited; `again`: another run waits."""

    month: MonthText | None
    run_no: Annotated[int | None, Label("发行批次", "Issue no.")]
    bills: Annotated[int, Label("账单数", "Bills")]
    again: bool


class DayRef(Message):
    """A day of issue in China."""

    issued_on: Annotated[date, Label("发行日期", "Issued on")]


class DayRoot(Message):
    """The root over the bills issued on a day (发行根), SHA-256 in hexadecimal; None where nothing was issued.

    `final`: the day is over and every run of it is in the root, so it never changes again.
    """

    issued_on: Annotated[date, Label("发行日期", "Issued on")]
    runs: Annotated[int, Label("发行批次数", "Issue runs")]
    root: Annotated[str | None, Label("当日根", "Root of the day")]
    final: Annotated[bool, Label("已定", "Final")]
    as_of: AsOf
