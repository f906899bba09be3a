"""Bills of meters whose curve has gaps: by estimates once the time to wait is over, verified, and put right by real values."""

import base64
import json
import pathlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from tests.service.billing.county import ACCOUNTANT, MONTH, OPERATOR, County, Supply, county, daily, settle_county
from tests.service.billing.test_curves import (
    SPLIT,
    bands_of,
    bill_of,
    by_time,
    held,
    run,
    steady,
    take_curves,
    verified,
)

from denghuo.kernel.period import midnight
from denghuo.service.billing.api import BillRef, FindRecalculations, Recalculate
from denghuo.service.reading.api import CurveRuleRef, DraftCurveRule, EditCurve, EstimatedMonthAsked, ReadingApi

HOME, SILENT, WHOLE = (Supply(number, 1, daily(24)) for number in (1, 2, 3))
GAP = slice(19 * 96, 21 * 96)


@pytest.fixture(params=["local", "remote"])
def found(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[County]:
    """Of the first home two whole days are missing, a fifteenth of the month, of the second all but its first day."""
    with county(request.param, database_dsn, tmp_path) as made:
        settle_county(made, [HOME, SILENT, WHOLE], [by_time()])
        take_curves(
            made,
            {
                "M00001": lambda day, slot: None if day in (20, 21) else steady(day, slot),
                "M00002": lambda day, slot: None if day > 1 else steady(day, slot),
                "M00003": steady,
            },
        )
        made.settle()
        yield made


def test_gaps_are_billed_by_their_estimates_and_the_verifier_finds_the_same(
    found: County, tmp_path: pathlib.Path
) -> None:
    run(found)
    bill = bill_of(found, HOME)
    assert bands_of(bill) == SPLIT and bill.estimated_days == 2
    assert any("其中估算 2 天" in line.sentence.zh for line in bill.lines)
    ref = BillRef(bill_no=f"202604{HOME.account_no}101")
    bill_file, readings = found.billing.bill_file(ACCOUNTANT, ref), found.billing.readings_file(ACCOUNTANT, ref)
    said = json.loads(base64.b64decode(readings.content))
    assert {one["rule"] for one in said["readings"] if one["method"] == "curve"} == {"curve_estimated"}
    (curve,) = said["curves"]
    assert curve["values"][GAP] == [None] * 192 and None not in curve["estimated"][GAP]
    assert set(curve["estimated"][: GAP.start]) == {None}
    code, report = verified(tmp_path, bill_file, readings)
    assert (code, report["verdict"], report["total"]) == (0, "verified", str(bill.amount)), report
    # Another estimate shares the same register otherwise, and is found.
    curve["estimated"][GAP.start] = "99"
    changed = readings.model_copy(update={"content": base64.b64encode(json.dumps(said).encode()).decode()})
    assert verified(tmp_path, bill_file, changed)[0] == 1


def test_real_values_that_come_later_are_told_with_the_difference_of_the_bill(found: County) -> None:
    run(found)
    assert bands_of(bill_of(found, HOME)) == SPLIT
    # On these two days everything was used at night.
    late = lambda day, slot: None if day not in (20, 21) else (750 if slot < 32 else 0)  # noqa: E731
    take_curves(found, {"M00001": late})
    found.settle()
    rows = found.billing.recalculations(ACCOUNTANT, FindRecalculations(month=MONTH)).rows
    assert [(row.cause, row.differs) for row in rows if row.differs] == [("curves", 1)]
    assert bands_of(bill_of(found, HOME)) == SPLIT, "an issued bill is never changed"


def test_what_a_clerk_puts_in_counts_in_the_bill(found: County) -> None:
    reading, day = found.ask(ReadingApi), date(2026, 4, 20)
    words = {"meter_no": "M00001", "day": day, "begins": "00:00", "ends": "24:00", "reason": "按现场记录"}
    edit = EditCurve.model_validate(words | {"way": "value", "energy": "24"})
    reading.edit_curve(OPERATOR, edit)
    asked = EstimatedMonthAsked(meter_no="M00001", series="active_fwd_wh", month=MONTH)
    values = reading.estimated_month(OPERATOR, asked).values
    assert [str(value) for value in values[GAP.start : GAP.start + 96]] == ["0.25"] * 96
    before = asked.model_copy(update={"known_at": midnight(day + timedelta(days=1))})
    assert set(reading.estimated_month(OPERATOR, before).values) == {None}, "the time to wait is not over"
    run(found)
    # A day of 24 kWh evenly: 8 at night, 3 at peak, 13 between, beside 29 days as they are.
    assert [bands_of(bill_of(found, HOME))[band][0] for band in ("peak", "flat", "valley")] == ["177", "303", "240"]


def test_no_estimate_is_billed_where_the_rule_is_off_or_values_may_still_come(found: County) -> None:
    reading = found.ask(ReadingApi)
    off = DraftCurveRule(code="billing", effect="off", effective_from=date(2026, 4, 1), reason="四月不按估计值计费")
    drafted = reading.draft_curve_rule(OPERATOR, off)
    ref = CurveRuleRef(code="billing", version=drafted.version)
    reading.publish_curve_rule(replace(OPERATOR, actor="another"), ref)
    run(found)
    assert [(code, said[:8]) for code, said in held(found)] == [("read_held", f"表 M0000{place}") for place in (1, 2)]
    on = DraftCurveRule(code="billing", effect="estimate", effective_from=date(2026, 4, 1), reason="四月按估计值计费")
    drafted = reading.draft_curve_rule(OPERATOR, on)
    ref = CurveRuleRef(code="billing", version=drafted.version)
    reading.publish_curve_rule(replace(OPERATOR, actor="another"), ref)
    for supply in (HOME, SILENT):
        found.billing.recalculate(ACCOUNTANT, Recalculate(month=MONTH, account_no=supply.account_no))
    assert bands_of(bill_of(found, HOME)) == SPLIT
    # It is the first of May: of the last three days values may still come.
    assert [(code, said[:12]) for code, said in held(found)] == [("read_held", "表 M00002：曲线缺")]
