"""Clocks of meters as acquisition measured them."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from denghuo.data.processing.work import Work
from denghuo.kernel.period import midnight


class ClockStore:
    def __init__(self, work: Work) -> None:
        self._work = work

    def note(self, at: datetime, clocks: Iterable[tuple[str, int]]) -> None:
        """clocks: meter and how many seconds its clock was ahead; the same again changes nothing."""
        self._work.run_many(
            "INSERT INTO meter_clock (meter_no, measured_at, offset_s) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            [(meter_no, at, offset_s) for meter_no, offset_s in clocks],
        )

    def off_s(self, day: date) -> dict[str, int]:
        """By how many seconds each meter's clock was off at most on a day: as it was measured on it and on the next one, because no
        clock goes wrong in a night, and before it at last."""
        rows = self._work.rows(
            "SELECT meter_no, max(abs(offset_s)) AS off_s FROM ("
            "SELECT meter_no, offset_s FROM meter_clock WHERE measured_at >= %(begins)s AND measured_at < %(ends)s"
            " UNION ALL (SELECT DISTINCT ON (meter_no) meter_no, offset_s FROM meter_clock WHERE measured_at < %(begins)s"
            " ORDER BY meter_no, measured_at DESC)) AS told GROUP BY meter_no",
            {"begins": midnight(day), "ends": midnight(day + timedelta(days=2))},
        )
        return {row["meter_no"]: row["off_s"] for row in rows}
