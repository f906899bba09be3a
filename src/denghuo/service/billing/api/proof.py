"""Proof of issue: the root of a day that anyone may compare, and the step that makes the trees."""

from datetime import date
from typing import Annotated

from pydantic import Field

from denghuo.kernel.contract import PUBLIC, Api, Call, Label, Message, Nothing, command, query
from denghuo.kernel.fields import AsOf, MonthText


class RunsSealed(Message):
    """The issue run whose tree this step made, None where none waited; `again`: another run waits."""

    month: MonthText | None
    run_no: Annotated[int | None, Label("发行批次", "Issue no.")]
    bills: Annotated[int, Label("账单数", "Bills")]
    again: bool


class DayRef(Message):
    """A day of issue in China, and an issue run of it whose root is asked for as well."""

    issued_on: Annotated[date, Label("发行日期", "Issued on")]
    month: MonthText | None = None
    run_no: Annotated[int, Field(ge=1), Label("发行批次", "Issue no.")] | None = None


class DayRoot(Message):
    """The root over the bills issued on a day (发行根), SHA-256 in hexadecimal.

    It is given once it is `final`: the day is over and every run of it has its tree, so that it never changes again; None too where
    nothing was issued. `run_root`: that of the run asked for, which is final as soon as there is one.
    """

    issued_on: Annotated[date, Label("发行日期", "Issued on")]
    runs: Annotated[int, Label("发行批次数", "Issue runs")]
    root: Annotated[str | None, Label("当日根", "Root of the day")]
    final: Annotated[bool, Label("已定", "Final")]
    run_root: Annotated[str | None, Label("批次根", "Root of the run")]
    as_of: AsOf


class ProofOperations(Api):
    """What proves that bills are as they were issued."""

    @query(permit=PUBLIC)
    def day_root(self, call: Call, request: DayRef) -> DayRoot:
        """The published root over the bills issued on a day, to be compared with the one in a bill file."""

    @command(permit="billing.advance")
    def seal_runs(self, call: Call, request: Nothing) -> RunsSealed:
        """Makes the hash tree of the oldest issue run that has none: a step of the job worker, called until none waits."""
