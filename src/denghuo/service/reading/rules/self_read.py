"""When a customer may report the registers of their meter (客户自报读数的时间). Pure."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple


class ReportDays(NamedTuple):
    """The first and the last day on which a reading day's registers may be reported, both included."""

    opens_on: date
    closes_on: date

    def open_on(self, day: date) -> bool:
        return self.opens_on <= day <= self.closes_on


def report_days(reading_day: date, parameters: Mapping[str, int]) -> ReportDays:
    """The days about a reading day, by the parameters of the rule `self_read`."""
    return ReportDays(
        reading_day - timedelta(days=parameters["days_before"]), reading_day + timedelta(days=parameters["days_after"])
    )


def is_number_of(meter_no: str, seen: str) -> bool:
    """Whether what was read off a meter is its number or the end of it; letters of either case."""
    return meter_no.casefold().endswith(seen.casefold())
