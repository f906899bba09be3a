"""When customers may report their registers (自报时间): by the unit of the meter, else by the rule `self_read`."""

from dataclasses import replace
from datetime import date

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.problem import text
from denghuo.service.host.binding import Ask
from denghuo.service.permission.api import Organisations, PermissionApi
from denghuo.service.reading.api import (
    AskSelfReadDays,
    SelfReadDaysFound,
    SelfReadDaysRefused,
    SelfReadDaysRow,
    StateSelfReadDays,
)
from denghuo.service.reading.rules import in_force
from denghuo.service.reading.rules.self_read import ReportDays, report_days
from denghuo.service.reading.store.self_read_days import SelfReadDaysStore


class SelfReadDays:
    def __init__(self, work: Work, ask: Ask) -> None:
        self._ask, self._store = ask, SelfReadDaysStore(work)

    def about(self, reading_day: date, org: str, today: date) -> ReportDays:
        """The days about a reading day on which the customers of a unit may report."""
        found = self._store.standing().on(org, reading_day)
        if found is None:
            return report_days(reading_day, in_force(today)["self_read"].parameters)
        given = {"days_before": found.days_before or 0, "days_after": found.days_after or 0}
        return report_days(reading_day, given)

    def state(self, call: Call, request: StateSelfReadDays) -> SelfReadDaysFound:
        if request.org not in self._units(call, [request.org]):
            raise _refused(
                "org", request.org, "没有该单位，或不在您的管辖范围内", "there is no such unit in your scope"
            )
        if request.from_day < call.today:
            raise _refused(
                "from_day",
                request.from_day,
                "起始日期已过，客户已按原时间报送；请自今日或以后起",
                "the day has passed and customers were told otherwise; let it begin today or later",
            )
        self._store.state(request, call.actor, call.now)
        return self.found(call, AskSelfReadDays())

    def found(self, call: Call, request: AskSelfReadDays) -> SelfReadDaysFound:
        # The units of the company are nothing to one customer.
        units = [] if call.accounts else self._units(call, None)
        standing, on = self._store.standing(), request.on or call.today
        shipped = in_force(on)["self_read"].parameters
        rows = []
        for org in units:
            held = standing.on(org, on)
            rows.append(
                SelfReadDaysRow(
                    org=org,
                    days_before=shipped["days_before"] if held is None else held.days_before or 0,
                    days_after=shipped["days_after"] if held is None else held.days_after or 0,
                    by_unit=held.org if held else None,
                    from_day=held.from_day if held else None,
                )
            )
        return SelfReadDaysFound(rows=rows, stated=self._store.stated(units), as_of=call.now)

    def _units(self, call: Call, codes: list[str] | None) -> list[str]:
        peer = replace(Call.system(call.now, actor=call.actor), scope=call.scope)
        return [one.code for one in self._ask(PermissionApi).organisations(peer, Organisations(codes=codes)).rows]


def _refused(field: str, value: object, zh: str, en: str) -> SelfReadDaysRefused:
    return SelfReadDaysRefused(text(f"{value}：{zh}。", f"{value}: {en}."), field=field, value=str(value))
