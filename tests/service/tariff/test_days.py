"""Tables of days through both bindings: a file comes in, a second person publishes it, a correction replaces it."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.bindings import NOW
from tests.service.tariff.conftest import APPROVER, CLERK, STATION

from denghuo.kernel.period import Month
from denghuo.service.tariff import shipped
from denghuo.service.tariff.api import (
    NATION,
    AskWorkingDays,
    DaysFaulty,
    DaysPublished,
    DayTableRef,
    DraftDays,
    FindDayTables,
    NoSuchDayTable,
    NothingToCorrect,
    SamePerson,
    TariffApi,
    WholeCompanyOnly,
)
from denghuo.service.tariff.rules import days_of_month, read_days
from denghuo.service.tariff.rules.days import Needs, ReadDays


def of(text: str | None, kind: str = "holidays", period: str = "2026", **more: object) -> DraftDays:
    area = NATION if kind == "holidays" else "310000"
    body = {"kind": kind, "area": area, "period": period, "document_no": "测试日历", "text": text}
    return DraftDays.model_validate(body | more)


def read(request: DraftDays) -> ReadDays:
    return read_days(request, request.text or "")


def test_every_fault_of_a_file_is_told_with_its_place() -> None:
    rows = "2026-05-01,节假日,劳动节\n2026-05-01,holiday,劳动节\n2025-05-01,holiday,x\n2026-05-02,fest,x\n2026-05-03,holiday,\n"
    told = read(of("日期,日类型,节假日\n" + rows))
    assert [(one.line, one.field, one.value) for one in told.faults] == [
        (3, "day", "2026-05-01"),
        (4, "day", "2025-05-01"),
        (5, "kind", "fest"),
        (6, "name", ""),
    ]
    assert [one.field for one in read(of("day,name,wind\n")).faults] == ["wind", "kind"]
    warm = read(of("day,maximum\n2026-07-01,35.25\n2026-07-02,hot\n", "temperatures", "2026-07"))
    assert [(one.line, one.value) for one in warm.faults] == [(2, "35.25"), (3, "hot")]
    assert [one.field for one in read(of("day,maximum\n", "temperatures")).faults] == ["period"]
    assert [one.what.en for one in read(of("day,kind,name\n")).faults] == ["there is no row"]


@pytest.mark.parametrize(("year", "holidays", "moved"), [("2025", 28, 5), ("2026", 33, 6)])
def test_the_holidays_that_ship_are_those_of_the_notices(year: str, holidays: int, moved: int) -> None:
    told = read(of(shipped.holidays(year), period=year))
    kinds = [row["kind"] for row in told.rows]
    assert not told.faults and (kinds.count("holiday"), kinds.count("workday")) == (holidays, moved)
    assert shipped.holidays("2019") is None
    for row in told.rows:
        if row["kind"] == "workday":
            assert date.fromisoformat(row["day"]).isoweekday() >= 6, "only a rest day becomes a working day"


@given(st.integers(1, 12))
def test_kinds_of_days_and_the_length_of_holidays(month: int) -> None:
    rows = read(of(shipped.holidays("2026"))).rows
    days, missing = days_of_month(Month(2026, month), Needs(True, (), 0), {2026: rows}, [])
    named = {row["day"]: row for row in rows}
    assert missing == [] and len(days) == Month(2026, month).day_count
    for one in days:
        plain = "rest_day" if one.day.isoweekday() >= 6 else "workday"
        assert one.kind == named.get(str(one.day), {}).get("kind", plain)
        assert bool(one.holiday) == (one.kind == "holiday") == bool(one.holiday_days)
    if month == 2:
        assert {one.holiday_days for one in days if one.holiday} == {9}
    assert days_of_month(Month(2026, month), Needs(True, (), 0), {2025: rows}, [])[1] == [one.day for one in days]


@given(st.lists(st.integers(-300, 450), min_size=31, max_size=31), st.integers(-20, 40), st.integers(1, 3))
def test_whole_degrees_say_the_same_as_tenths(tenths: list[int], least: int, running: int) -> None:
    """Whether a day reaches whole degrees on so many days running, from maxima with a decimal."""
    days = [date(2026, 7, 1) + timedelta(days=at) for at in range(31)]
    rows = [
        {"day": str(day), "place": "", "maximum": f"{'-' if value < 0 else ''}{abs(value) // 10}.{abs(value) % 10}"}
        for day, value in zip(days, tenths, strict=True)
    ]
    facts, missing = days_of_month(Month(2026, 7), Needs(False, ("",), running), {}, rows)
    assert missing == days[: running - 1]
    for at, one in enumerate(facts[running - 1 :], running - 1):
        assert (min(one.maxima) >= least) == all(value >= least * 10 for value in tenths[at - running + 1 : at + 1])


def test_a_table_comes_in_is_published_by_another_and_corrected(api: TariffApi) -> None:
    with pytest.raises(DaysFaulty) as caught:
        api.draft_days(CLERK, of("day,kind,name\n2026-13-01,holiday,x\n"))
    assert caught.value.fields["faults"][0]["field"] == "day"
    with pytest.raises(DaysFaulty):
        api.draft_days(CLERK, of(None, period="2019"))
    with pytest.raises(NothingToCorrect):
        api.draft_days(CLERK, of(None, correction=True))
    drafted = api.draft_days(CLERK, of(None))
    assert (drafted.head.status, drafted.head.days, drafted.days[0].name) == ("draft", 39, "元旦")
    ref = DayTableRef(kind="holidays", area=NATION, period="2026")
    with pytest.raises(SamePerson):
        api.publish_days(replace(APPROVER, actor=CLERK.actor), ref)
    with pytest.raises(WholeCompanyOnly):
        api.publish_days(STATION, ref)
    assert api.publish_days(APPROVER, ref).head.status == "published"
    may = AskWorkingDays(first_day=date(2026, 5, 1), last_day=date(2026, 5, 10))
    told = api.working_days(CLERK, may)
    # The notice: 1 to 5 May off, Saturday 9 May at work.
    assert told.off == [date(2026, 5, 1), date(2026, 5, 4), date(2026, 5, 5)]
    assert (told.worked, told.unpublished) == ([date(2026, 5, 9)], [])
    assert api.working_days(CLERK, may.model_copy(update={"last_day": date(2027, 1, 1)})).unpublished == [2027]
    for again in (lambda: api.publish_days(APPROVER, ref), lambda: api.draft_days(CLERK, of(None))):
        with pytest.raises(DaysPublished):
            again()
    right = api.draft_days(CLERK, of("day,kind,name\n2026-05-01,holiday,劳动节\n", correction=True))
    assert (right.head.issue, api.publish_days(APPROVER, ref).head.days) == (2, 1)
    with pytest.raises(NoSuchDayTable):
        api.day_table(CLERK, ref.model_copy(update={"period": "2025"}))
    shown = api.day_table(CLERK, ref)
    assert (shown.head.issue, [str(row.day) for row in shown.days]) == (2, ["2026-05-01"])
    first = api.day_tables(CLERK, FindDayTables(limit=1))
    rest = api.day_tables(CLERK, FindDayTables(limit=1, after=first.next))
    assert [(row.issue, row.status) for row in [*first.rows, *rest.rows]] == [(2, "published"), (1, "replaced")]
    assert first.total == 2 and first.as_of == NOW
