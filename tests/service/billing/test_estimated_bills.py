"""Bills of meters whose curve has gaps: by estimates once the time to wait is over, verified, and put right by real values."""

import base64
import json
import pathlib
from dataclasses import replace
from datetime import date, timedelta

import pytest
from fpdf import FPDF
from tests.service.billing.county import (
    ACCOUNTANT,
    CLERK,
    MONTH,
    OPERATOR,
    County,
    Prepare,
    Prepared,
    Supply,
    daily,
    settle_county,
)
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
from tests.service.bindings import NOW

from denghuo.kernel.period import midnight
from denghuo.kernel.values import Money
from denghuo.service.billing.api import (
    BillRef,
    CalculateEstimated,
    FindEstimatedBills,
    FindRecalculations,
    NoteEstimates,
    Recalculate,
)
from denghuo.service.reading.api import (
    CurveRuleRef,
    DraftCurveRule,
    EditCurve,
    EstimatedEndsAsked,
    EstimatedMonthAsked,
    ReadingApi,
)

HOME, SILENT, WHOLE = (Supply(number, 1, daily(24)) for number in (1, 2, 3))
UNREAD = Supply(4, 2, {day: shown for day, shown in daily(24).items() if day <= 28})
GAP = slice(19 * 96, 21 * 96)


def with_gaps(made: County) -> None:
    """Of the first home two whole days are missing, a fifteenth of the month, of the second all but its first day; of another one
    the registers of the last three midnights."""
    settle_county(made, [HOME, SILENT, WHOLE, UNREAD], [by_time()])
    take_curves(
        made,
        {
            "M00001": lambda day, slot: None if day in (20, 21) else steady(day, slot),
            "M00002": lambda day, slot: None if day > 1 else steady(day, slot),
            "M00003": steady,
        },
    )
    made.settle()


@pytest.fixture(scope="module")
def prepared_county(prepare: Prepare) -> Prepared:
    return prepare(with_gaps)


@pytest.fixture(scope="module")
def billed_county(prepare: Prepare, prepared_county: Prepared) -> Prepared:
    return prepare(run, of=prepared_county)


def test_gaps_are_billed_by_their_estimates_and_the_verifier_finds_the_same(
    billed: County, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bill = bill_of(billed, HOME)
    assert bands_of(bill) == SPLIT and bill.estimated_days == 2
    assert any("其中估算 2 天" in line.sentence.zh for line in bill.lines)
    told = bill.estimates
    assert told is not None and (str(told.energy), told.per_mille) == ("48", 67)
    assert [(one.meter_no, one.thing, one.method, one.slots, str(one.energy)) for one in told.parts] == [
        ("M00001", "band", "register_like_day", 192, "48")
    ]
    assert "720 千瓦时中有 48 千瓦时依据估计值，占 67‰；方法：示数差按相似日分摊" in told.said.zh
    assert all(told.said.zh in line.sentence.zh and line.steps[-1].kind == "estimate" for line in bill.lines)
    written: list[str] = []
    cell = FPDF.cell
    monkeypatch.setattr(
        FPDF, "cell", lambda self, *given, **named: written.extend(map(str, given)) or cell(self, *given, **named)
    )
    paper = billed.billing.bill_document(ACCOUNTANT, BillRef(bill_no=bill.bill_no))
    assert base64.b64decode(paper.content).startswith(b"%PDF-")
    assert {"估计电量", "示数差按相似日分摊", "时段归属", "192", "48"} <= set(written)
    silent = bill_of(billed, SILENT).estimates
    assert silent is not None and (str(silent.energy), silent.per_mille) == ("696", 967)
    assert bill_of(billed, WHOLE).estimates is None
    ref = BillRef(bill_no=f"202604{HOME.account_no}101")
    bill_file, readings = billed.billing.bill_file(ACCOUNTANT, ref), billed.billing.readings_file(ACCOUNTANT, ref)
    said = json.loads(base64.b64decode(readings.content))
    assert {one["rule"] for one in said["readings"] if one["method"] == "curve"} == {"curve_estimated"}
    (curve,) = said["curves"]
    assert curve["values"][GAP] == [None] * 192 and None not in curve["estimated"][GAP]
    assert set(curve["estimated"][: GAP.start]) == {None}
    code, report = verified(tmp_path, bill_file, readings)
    assert (code, report["verdict"], report["total"]) == (0, "verified", str(bill.amount)), report
    for change in (
        lambda: said["estimates"]["parts"][0].update(energy="47") or said["estimates"].update(energy="47"),
        lambda: (
            said["estimates"].update(energy="48", per_mille=66) or said["estimates"]["parts"][0].update(energy="48")
        ),
        # Another estimate shares the same register otherwise.
        lambda: said["estimates"].update(per_mille=67) or curve["estimated"].__setitem__(GAP.start, "99"),
    ):
        change()
        changed = readings.model_copy(update={"content": base64.b64encode(json.dumps(said).encode()).decode()})
        assert verified(tmp_path, bill_file, changed)[0] == 1


def test_bills_that_rest_on_estimates_are_listed_and_calculated_again_together(billed: County) -> None:
    asked = FindEstimatedBills(month=MONTH)
    listed = billed.billing.estimated_bills(ACCOUNTANT, asked)
    # Whom the review holds for too much of it has no issued bill yet.
    assert [(row.account_no, row.state, str(row.energy), row.per_mille, row.methods.zh) for row in listed.rows] == [
        (HOME.account_no, "rests", "48", 67, "示数差按相似日分摊"),
        (UNREAD.account_no, "rests", "72", 100, "日均外推"),
    ]
    assert (listed.total, str(listed.energy), listed.differing) == (2, "120", 0)
    # Of a station alone, and page by page.
    assert [row.account_no for row in billed.billing.estimated_bills(CLERK, asked).rows] == [HOME.account_no]
    page = asked.model_copy(update={"limit": 1})
    following = billed.billing.estimated_bills(ACCOUNTANT, page).next
    assert following is not None
    rest = billed.billing.estimated_bills(ACCOUNTANT, page.model_copy(update={"after": following}))
    assert [row.account_no for row in rest.rows] == [UNREAD.account_no]
    (part,) = (bill_of(billed, UNREAD).estimates or listed).parts  # type: ignore[union-attr]
    assert (part.meter_no, part.thing, part.slots, str(part.energy)) == ("M00004", "amount", None, "72")
    ends = EstimatedEndsAsked(month=MONTH, point_nos=[f"{UNREAD.account_no}01"])
    for asked_at in (ends, ends.model_copy(update={"known_at": NOW})):
        (end,) = billed.ask(ReadingApi).estimated_ends(OPERATOR, asked_at).rows
        assert (end.meter_no, end.method, str(end.energy)) == ("M00004", "daily_average", "72")
    ordered = billed.billing.calculate_estimated(ACCOUNTANT, CalculateEstimated(month=MONTH))
    assert ordered.ordered == 2
    billed.settle()
    rows = billed.billing.estimated_bills(ACCOUNTANT, asked).rows
    assert [(row.state, row.difference, row.again_at is None) for row in rows] == [("rests", Money(0), False)] * 2
    noted = billed.billing.note_estimates(OPERATOR, NoteEstimates(month=MONTH))
    assert (noted.noted, noted.again) == (0, False), "each is noted once"


def test_real_values_that_come_later_are_told_with_the_difference_of_the_bill(billed: County) -> None:
    assert bands_of(bill_of(billed, HOME)) == SPLIT
    # On these two days everything was used at night.
    late = lambda day, slot: None if day not in (20, 21) else (750 if slot < 32 else 0)  # noqa: E731
    take_curves(billed, {"M00001": late})
    billed.settle()
    first = billed.billing.estimated_bills(ACCOUNTANT, FindEstimatedBills(month=MONTH)).rows[0]
    assert (first.account_no, first.state, str(first.energy), first.per_mille) == (HOME.account_no, "differs", "48", 67)
    # On each of both days 18 kWh at night instead of 8, none at peak instead of 6, and 6 between instead of 10.
    assert (str(first.amount), str(first.again), str(first.difference)) == ("414.00", "404.40", "-9.60")
    rows = billed.billing.recalculations(ACCOUNTANT, FindRecalculations(month=MONTH)).rows
    assert [(row.cause, row.differs) for row in rows if row.differs] == [("curves", 1)]
    assert bands_of(bill_of(billed, HOME)) == SPLIT, "an issued bill is never changed"


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
    # Once nobody waits for them any longer the account is calculated again by itself; now so much of it is estimated that a
    # person looks at it.
    found.settle()
    assert [code for code, _ in held(found)] == ["estimated_share"]
