"""When customers of a unit may report their registers (自报时间) in the reading contract: by unit, from a day on."""

from datetime import date
from typing import Annotated

from pydantic import Field, model_validator

from denghuo.kernel.contract import Api, Call, Label, Message, command, query
from denghuo.kernel.fields import AsOf, Day, Instant, OrganisationCode, Reason
from denghuo.kernel.problem import Problem

DAYS_MOST = 5
"""So far from the reading day a report still tells its midnight: the rule `missing` fills gaps of as many days."""
Before = Annotated[int | None, Field(ge=0, le=DAYS_MOST), Label("抄表日前(天)", "Days before")]
After = Annotated[int | None, Field(ge=0, le=DAYS_MOST), Label("抄表日后(天)", "Days after")]
Since = Annotated[date, Label("起始日期", "From")]


class StateSelfReadDays(Message):
    """From how many days before the reading day until how many after it the customers of a unit, and of those below it of which
    nothing is said, may report. Neither of both: as the unit above has it. What is said again from the same day on counts in the
    place of what was said before."""

    org: OrganisationCode
    days_before: Before = None
    days_after: After = None
    from_day: Since
    reason: Reason

    @model_validator(mode="after")
    def _both(self) -> "StateSelfReadDays":
        if (self.days_before is None) != (self.days_after is None):
            raise ValueError("days_before and days_after are given together, or neither of them")
        return self


class SelfReadDaysRow(Message):
    """by_unit: which unit brings the days, itself or one above it; None: the rule `self_read` does."""

    org: OrganisationCode
    days_before: Annotated[int, Label("抄表日前(天)", "Days before")]
    days_after: Annotated[int, Label("抄表日后(天)", "Days after")]
    by_unit: Annotated[str | None, Label("依据单位", "By unit", dictionary="organisation")]
    from_day: Annotated[date | None, Label("起始日期", "From")]


class StatedSelfReadDays(Message):
    """What was said of a unit from a day on, and by whom."""

    row_key: Annotated[str, Label("键", "Key")]
    org: OrganisationCode
    days_before: Before
    days_after: After
    from_day: Since
    reason: Reason
    stated_by: Annotated[str, Label("办理人", "Stated by", dictionary="staff")]
    stated_at: Annotated[Instant, Label("办理时间", "Stated at")]


class AskSelfReadDays(Message):
    """On a day; without one, today."""

    on: Day | None = None


class SelfReadDaysFound(Message):
    """rows: the units of the caller's scope; stated: all that was said of them, the newest days first."""

    rows: list[SelfReadDaysRow]
    stated: list[StatedSelfReadDays]
    as_of: AsOf


class SelfReadDaysRefused(Problem, noun="reading", status=409, zh="自报时间不能变更", en="The days cannot change"):
    """There is no such unit in the caller's scope, or the day has passed. Fields: field (org or from_day), value."""


class SelfReadDaysOperations(Api):
    """When customers report, by unit."""

    @command(permit="reading.plan", problems=(SelfReadDaysRefused,))
    def state_self_read_days(self, call: Call, request: StateSelfReadDays) -> SelfReadDaysFound:
        """States when the customers of a unit may report from a day on, today or later: what customers were told before stands."""

    @query(permit="reading.read")
    def self_read_days(self, call: Call, request: AskSelfReadDays) -> SelfReadDaysFound:
        """When the customers of each unit may report on a day, and all that was said of it."""
