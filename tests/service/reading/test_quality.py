"""Quality of reading: what was read, right at once, estimated and held, by unit and by reader."""

from dataclasses import replace
from datetime import timedelta

import pytest

from denghuo.kernel.contract import Call
from denghuo.service.reading.api import AskQuality, DecideBookChange, ProposeBookChange, QualityBy, Resolve
from tests.service.bindings import NOW
from tests.service.reading.conftest import Bench, Make
from tests.service.reading.county import MONTH, PERIOD, installation, month_of, steady

CLERK = Call(
    actor="clerk",
    now=NOW,
    permits=frozenset({"reading.read", "reading.route", "reading.approve_route"}),
    scope=("1405810",),
)


def figures(made: Bench, by: QualityBy = "org", **asked: str) -> dict[str, tuple[int, int, int, int, int]]:
    rows = made.api.quality(CLERK, AskQuality(month=MONTH, by=by, **asked)).rows
    return {row.row_key: (row.due, row.read, row.right, row.estimated, row.held) for row in rows}


def test_what_was_read_is_counted_by_unit_and_by_reader(bench: Make) -> None:
    """Of three homes of a unit one was read, one estimated and one entered by hand; that of another unit is held."""
    units = ("1405810.01", "1405810.01", "1405810.01", "1405810.02")
    made = bench(
        [
            installation(
                f"P{number}", f"M{number}", account_no=f"581010000001{number}", org=org, area_no=f"TG{org[-1]}"
            )
            for number, org in enumerate(units, start=1)
        ]
    )
    made.receive(month_of("M1", steady()), month_of("M2", steady()[:29]))
    made.receive(month_of("M3", steady()[:10]), month_of("M4", steady()[:10]))
    made.run()
    assert figures(made)["total"] == (4, 1, 1, 1, 2)
    made.api.resolve(made.call(), Resolve(month=MONTH, point_no="P3", shown="250.00", reason="现场核实"))
    assert figures(made) == {
        "1405810.01": (3, 2, 1, 1, 0),
        "1405810.02": (1, 0, 0, 0, 1),
        "total": (4, 2, 1, 1, 1),
    }
    change = made.api.propose_book_change(
        CLERK, ProposeBookChange(book="TG1", reader="reader", effective_from=CLERK.today, reason="抄表派工")
    )
    word = DecideBookChange(change_no=change.change_no, remark="同意派工")
    made.api.approve_book_change(replace(CLERK, actor="manager"), word)
    assert figures(made, "reader") == {"reader": (3, 2, 1, 1, 0), "none": (1, 0, 0, 0, 1), "total": (4, 2, 1, 1, 1)}
    assert figures(made, org="1405810.02") == {"1405810.02": (1, 0, 0, 0, 1), "total": (1, 0, 0, 0, 1)}
    (row, *_) = made.api.quality(CLERK, AskQuality(month=MONTH)).rows
    assert [str(rate) for rate in (row.read_rate, row.right_rate, row.estimated_rate, row.held_rate)] == [
        "66.67",
        "33.33",
        "33.33",
        "0.00",
    ]
    assert made.api.quality(CLERK, AskQuality(month="2026-03")).rows == []


@pytest.mark.scope("B04-10")
def test_what_was_known_late_and_what_was_wrong_are_told_by_unit(bench: Make) -> None:
    """One home of each unit was read on the day; the second of one came a day later, and the first was corrected then."""
    made = bench(
        [
            installation("P1", "M1", account_no="5810100000011"),
            installation("P2", "M2", account_no="5810100000012"),
            installation("P3", "M3", account_no="5810100000013", org="1405810.02"),
        ]
    )
    made.receive(month_of("M1", steady()), month_of("M2", steady()[:10]), month_of("M3", steady()))
    made.run()
    late = replace(made.call(), now=PERIOD.end + timedelta(days=1))
    made.api.resolve(late, Resolve(month=MONTH, point_no="P2", shown="250.00", reason="次日现场核实"))
    made.api.resolve(late, Resolve(month=MONTH, point_no="P1", shown="251.00", reason="抄错更正示数"))
    rows = made.api.quality(CLERK, AskQuality(month=MONTH)).rows
    told = {row.row_key: (str(row.on_time_rate), str(row.read_rate), str(row.wrong_rate)) for row in rows}
    assert told == {
        "1405810.01": ("50.00", "100.00", "50.00"),
        "1405810.02": ("100.00", "100.00", "0.00"),
        "total": ("66.67", "100.00", "33.33"),
    }
