"""Refusals that several parts have in common: of units outside a person's scope, and of what is set for days that are past."""

from datetime import date

from denghuo.kernel.contract import Call
from denghuo.kernel.problem import Problem, Text, text
from denghuo.service.acquisition.api import OutsideScope


def covered(call: Call, org: str) -> None:
    """Raises OutsideScope where the unit is not the caller's."""
    if not call.covers(org):
        raise OutsideScope(
            text(f"单位 {org} 不在您的管辖范围内。", f"Unit {org} is outside your scope."),
            org=org,
        )


def set_from(call: Call, org: str, day: date, refused: type[Problem], said: Text) -> None:
    """Whether something may be set for a unit from a day on. Raises OutsideScope, or `refused` with what is `said` where the day is
    past: what has been done by then was done by what was set."""
    covered(call, org)
    if day < call.today:
        raise refused(said, field="effective_from", value=str(day))
