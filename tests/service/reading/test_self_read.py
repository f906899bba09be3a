"""Customers' own reading: what they see and may report, what a report is held against, where it stands among the other sources, and
the office's word."""

import uuid
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from denghuo.kernel.contract import Call
from denghuo.kernel.period import midnight
from denghuo.kernel.problem import NotPermitted, TooMany
from denghuo.service.notice.api import Inbox, NoticeApi
from denghuo.service.reading.api import (
    AskSelfReadDays,
    DecideSelfRead,
    Doubtful,
    FindSelfReads,
    FollowSelfRead,
    KnownEnergies,
    MyMeters,
    NoSuchSelfRead,
    NothingToReview,
    NotYourAccount,
    OutsideWindow,
    OwnMeter,
    OwnReport,
    RegistersUnfit,
    ReportRegisters,
    ReportSettled,
    Resolve,
    SelfReadDaysFound,
    SelfReadDaysRefused,
    SelfReadRef,
    SelfReadRow,
    StateSelfReadDays,
    TooManyDigits,
    UnitMonth,
    WrongMeter,
)
from denghuo.service.reading.rules import in_force
from denghuo.service.reading.rules.self_read import is_number_of, report_days
from tests.service.bindings import NOW, settle
from tests.service.reading.conftest import Bench, Make
from tests.service.reading.county import MONTH, PERIOD, installation, month_of, registers, steady

HOME, OTHER = "5810100000019", "5810100000027"
CUSTOMER = Call(
    actor="home",
    now=NOW + timedelta(hours=3),
    permits=frozenset({"reading.own", "reading.read", "notice.read"}),
    scope=("",),
)
CUSTOMER = replace(CUSTOMER, accounts=(HOME,), channel="phone")
CLERK = Call(
    actor="clerk",
    now=NOW + timedelta(hours=4),
    permits=frozenset({"reading.read", "reading.review"}),
    scope=("1405810",),
    channel="pc",
)
PARAMETERS = in_force(date(2026, 5, 1))["self_read"].parameters


@pytest.fixture
def made(bench: Make) -> Bench:
    """Two homes read at the end of the month: of one came registers until the tenth, of the other all of them."""
    found = bench([installation("P1", "M000001", account_no=HOME), installation("P2", "M000002", account_no=OTHER)])
    found.receive(month_of("M000001", steady()[:10]), month_of("M000002", steady()))
    found.run()
    assert found.one(point_no="P1").status == "held"
    return found


def own_meter(made: Bench, call: Call = CUSTOMER, account_no: str = HOME) -> OwnMeter:
    (found,) = made.api.my_meters(call, MyMeters(account_no=account_no)).rows
    return found


def request(shown: str = "245.00", **words: Any) -> ReportRegisters:
    given = {
        "report_no": str(uuid.uuid4()),
        "account_no": HOME,
        "number_seen": "0001",
        "registers": [{"quantity": "active_fwd", "band": "total", "shown": shown}],
    }
    return ReportRegisters.model_validate(given | words)


def report(made: Bench, shown: str = "245.00", call: Call = CUSTOMER, **words: Any) -> OwnReport:
    found = made.api.report_registers(call, request(shown, **words))
    settle(made.directory)
    return found


def decided(made: Bench, number: int, accepted: bool, call: Call = CLERK) -> SelfReadRow:
    word = DecideSelfRead(self_read_no=number, reason="已与客户电话核对")
    found = made.api.accept_self_read(call, word) if accepted else made.api.refuse_self_read(call, word)
    settle(made.directory)
    return found


def state(made: Bench, number: int) -> str:
    return made.api.self_read(CLERK, SelfReadRef(self_read_no=number)).state


def on(day: date, hour: int = 12) -> Call:
    return replace(CUSTOMER, now=midnight(day) + timedelta(hours=hour))


def test_a_customer_sees_when_to_report_and_what_a_report_is_held_against(made: Bench) -> None:
    found = own_meter(made)
    assert (found.meter_no, found.month, found.read_at, found.source) == ("M000001", MONTH, PERIOD.end, "none")
    assert (found.opens_on, found.closes_on, found.is_open) == (date(2026, 4, 28), date(2026, 5, 6), True)
    (register,) = found.registers
    assert (register.quantity, str(register.last), str(register.usual_a_day)) == ("active_fwd", "145.00", "5.00")
    assert own_meter(made, replace(CUSTOMER, accounts=(OTHER,)), OTHER).source == "actual"
    # After the days of one reading those of the next are told.
    later = own_meter(made, on(date(2026, 5, 7)))
    assert (later.month, later.opens_on, later.is_open) == ("2026-05", date(2026, 5, 29), False)


def test_units_say_when_their_customers_report_and_those_below_them_follow(made: Bench) -> None:
    planner = replace(CLERK, permits=frozenset({"reading.read", "reading.plan"}))

    def state(org: str, before: int | None, after: int | None, day: date) -> SelfReadDaysFound:
        days = StateSelfReadDays(org=org, days_before=before, days_after=after, from_day=day, reason="农忙季节")
        return made.api.state_self_read_days(planner, days)

    june, july = date(2026, 6, 1), date(2026, 7, 1)
    state("1405810", 1, 2, date(2026, 5, 2))
    state("1405810.01", 5, 0, july)
    found = state("1405810.01", 5, 1, july)
    assert [(one.org, one.from_day, one.days_after) for one in found.stated] == [
        ("1405810.01", july, 1),
        ("1405810", date(2026, 5, 2), 2),
    ]
    # Of today's reading day nothing was said yet; from the second on the company's days hold, then the station's own.
    rows = {one.org: one for one in made.api.self_read_days(planner, AskSelfReadDays(on=july)).rows}
    assert {org: (one.days_before, one.days_after, one.by_unit) for org, one in rows.items()} == {
        "1405810": (1, 2, "1405810"),
        "1405810.01": (5, 1, "1405810.01"),
        "1405810.02": (1, 2, "1405810"),
    }
    assert {(one.days_before, one.by_unit) for one in made.api.self_read_days(planner, AskSelfReadDays()).rows} == {
        (3, None)
    }
    assert own_meter(made).opens_on == date(2026, 4, 28)
    for day, opens_on, closes_on in (
        (date(2026, 5, 20), date(2026, 5, 31), date(2026, 6, 3)),
        (date(2026, 6, 4), date(2026, 6, 26), date(2026, 7, 2)),
    ):
        later = own_meter(made, on(day))
        assert (later.opens_on, later.closes_on) == (opens_on, closes_on)
    with pytest.raises(OutsideWindow):
        report(made, call=on(date(2026, 5, 30)))
    # As the company has it again, and what cannot be.
    assert state("1405810.01", None, None, july).stated[0].days_before is None
    assert own_meter(made, on(date(2026, 6, 4))).opens_on == date(2026, 6, 30)
    for org, day, field in (("1405810.09", july, "org"), ("1405810", june - timedelta(days=40), "from_day")):
        with pytest.raises(SelfReadDaysRefused) as refused:
            state(org, 1, 1, day)
        assert refused.value.fields["field"] == field
    with pytest.raises(ValidationError):
        StateSelfReadDays(org="1405810", days_before=1, from_day=july, reason="只填一项")


def test_a_plausible_report_counts_as_the_customers_own(made: Bench) -> None:
    told = report(made)
    assert (told.state, told.warnings, told.month) == ("counted", [], MONTH)
    read = made.one(point_no="P1")
    assert (read.status, read.rule, read.method, str(read.end)) == ("valid", "self_read", "self_read", "245.00")
    assert str(read.energy) == "145" and read.notices == ["self_read", "missing_days"]
    assert read.chain is not None
    assert read.chain.zh.endswith("止度：采集的零点示数（无） → 客户自报（采用）")
    assert made.energy()["P1", 1, "active_fwd"]["method"] == "self_read"
    assert [one.state for one in own_meter(made).reports] == ["counted"]


def test_the_same_report_again_changes_nothing_and_is_told_what_has_become_of_it(made: Bench) -> None:
    one = request()
    first = made.api.report_registers(CUSTOMER, one)
    assert made.api.report_registers(CUSTOMER, one) == first
    settle(made.directory)
    decided(made, first.self_read_no, accepted=True)
    # Long after the days to report.
    assert made.api.report_registers(on(date(2026, 6, 20)), one).state == "accepted"
    assert made.api.self_reads(CLERK, FindSelfReads(month=MONTH)).total == 1


@pytest.mark.parametrize(
    ("words", "refusal", "remedy"),
    [
        ({"number_seen": "0002"}, WrongMeter, "本户电表：M000001"),
        ({"number_seen": "9999"}, WrongMeter, "勿抄邻户的表"),
        ({"shown": "144.99"}, Doubtful, "小于上次示数"),
        ({"shown": "145.00"}, Doubtful, "示数没有走动"),
        ({"shown": "999.00"}, Doubtful, "远高于平常用量"),
        ({"shown": "146.00"}, Doubtful, "远低于平常用量"),
        ({"shown": "245.005"}, TooManyDigits, "6 位整数、2 位小数"),
        ({"shown": "1234567.00"}, TooManyDigits, "6 位整数、2 位小数"),
        ({"registers": [{"quantity": "active_rev", "band": "total", "shown": "1"}]}, RegistersUnfit, "正向有功 总"),
        ({"account_no": OTHER}, NotYourAccount, "未绑定"),
        ({"call": on(date(2026, 5, 7))}, OutsideWindow, "2026-05-29 至 2026-06-06"),
        ({"call": on(date(2026, 4, 27))}, OutsideWindow, "2026-04-28 至 2026-05-06"),
    ],
)
def test_what_cannot_be_right_is_told_at_entry_with_its_remedy(
    made: Bench, words: dict[str, Any], refusal: type[Any], remedy: str
) -> None:
    with pytest.raises(refusal) as refused:
        report(made, **words)
    assert remedy in refused.value.detail["zh"]
    assert made.one(point_no="P1").status == "held"
    assert made.api.self_reads(CLERK, FindSelfReads()).rows == []


def test_a_doubtful_report_that_was_confirmed_waits_for_the_office(made: Bench) -> None:
    told = report(made, "999.00", confirmed=True, reason="装修用电")
    assert (told.state, told.warnings) == ("waiting", ["high"])
    assert made.one(point_no="P1").status == "held"
    (row,) = made.api.self_reads(CLERK, FindSelfReads(month=MONTH, state="waiting", org="1405810.01")).rows
    assert (row.self_read_no, row.reason, row.confirmed) == (told.self_read_no, "装修用电", True)
    done = decided(made, told.self_read_no, accepted=True)
    assert (done.state, done.decided_by, done.remark) == ("accepted", "clerk", "已与客户电话核对")
    read = made.one(point_no="P1")
    assert (read.status, read.rule, str(read.energy)) == ("valid", "self_read", "899")
    with pytest.raises(NothingToReview):
        decided(made, told.self_read_no, accepted=False)
    (notice,) = made.directory(NoticeApi).inbox(CUSTOMER, Inbox()).rows
    assert notice.title.zh == "自报读数已采用"
    ref = SelfReadRef(self_read_no=told.self_read_no)
    assert made.api.tell_reporter(made.call(), ref).told
    assert made.directory(NoticeApi).inbox(CUSTOMER, Inbox()).total == 1
    # What the office has settled stays.
    with pytest.raises(ReportSettled):
        report(made)


def test_what_the_office_does_not_take_is_told_to_the_customer_who_may_report_again(made: Bench) -> None:
    told = report(made)
    refused = decided(made, told.self_read_no, accepted=False)
    assert refused.state == "refused" and made.one(point_no="P1").status == "held"
    (shown,) = own_meter(made).reports
    assert (shown.state, shown.remark) == ("refused", "已与客户电话核对")
    (notice,) = made.directory(NoticeApi).inbox(CUSTOMER, Inbox()).rows
    assert (
        notice.title.zh == "自报读数未采用"
        and "M000001 自报的 2026-04 示数未采用：已与客户电话核对。" in notice.body.zh
    )
    again = report(made, "246.00")
    assert again.state == "counted" and str(made.one(point_no="P1").end) == "246.00"


def test_a_later_report_stands_in_place_of_an_earlier_one(made: Bench) -> None:
    first, second = report(made, "245.00"), report(made, "247.00")
    assert (state(made, first.self_read_no), state(made, second.self_read_no)) == ("superseded", "counted")
    assert str(made.one(point_no="P1").end) == "247.00"


def test_collection_goes_before_a_report_whenever_it_comes(made: Bench) -> None:
    told = report(made)
    made.receive(registers(("M000001", PERIOD.end, 2_400_000)))
    made.run()
    read = made.one(point_no="P1")
    assert (read.method, str(read.end), read.end_source) == ("actual", "240.00", "actual")
    assert state(made, told.self_read_no) == "outweighed"
    with pytest.raises(NothingToReview):
        decided(made, told.self_read_no, accepted=True)
    # The other home was collected before its report came.
    other = report(made, "250.00", replace(CUSTOMER, accounts=(OTHER,)), account_no=OTHER, number_seen="m000002")
    assert state(made, other.self_read_no) == "outweighed"
    assert (made.one(point_no="P2").method, str(made.one(point_no="P2").end)) == ("actual", "250.00")


def test_the_corrected_month_is_told_once_its_dataset_holds_the_reports(bench: Make) -> None:
    found = bench([installation("P1", "M000001", account_no=HOME), installation("P2", "M000002", account_no=OTHER)])
    found.receive(*(month_of(meter, steady()[:10]) for meter in ("M000001", "M000002")))

    def told() -> int:
        with found.database.connection() as connection:
            rows = connection.execute(
                "SELECT FROM reading.journal WHERE events @> %s::jsonb",
                (f'[{{"type": "reading.energy.corrected.v1", "data": {{"month": "{MONTH}"}}}}]',),
            )
            return len(rows.fetchall())

    found.run()
    for account_no, meter_no in ((HOME, "M000001"), (OTHER, "M000002")):
        asked = request(account_no=account_no, number_seen=meter_no)
        found.api.report_registers(replace(CUSTOMER, accounts=(account_no,)), asked)
    assert told() == 0
    settle(found.directory)
    assert told() == 1
    assert {row["energy_wh"] for row in found.energy().values()} == {145_000}
    # What the office enters is published with its word.
    found.api.resolve(CLERK, Resolve(month=MONTH, point_no="P1", shown="244.00", reason="现场核抄"))
    assert told() == 2 and found.energy()["P1", 1, "active_fwd"]["energy_wh"] == 144_000


def test_a_field_read_goes_before_a_report(made: Bench) -> None:
    told = report(made)
    made.api.resolve(CLERK, Resolve(month=MONTH, point_no="P1", shown="244.00", reason="现场核抄"))
    read = made.one(point_no="P1")
    assert (read.method, str(read.end)) == ("manual", "244.00")
    assert state(made, told.self_read_no) == "outweighed"


@pytest.mark.parametrize(
    ("day", "shown", "end", "method"),
    [
        # 145 on the tenth and 255 on the third: 110 kWh in 23 days, of which 21 are before the reading midnight.
        (date(2026, 5, 3), "255.00", "245.43", "interpolated"),
        # 100 on the first and 240 on the thirtieth: 140 kWh in 29 days, one day further.
        (date(2026, 4, 30), "240.00", "244.82", "daily_average"),
    ],
)
def test_what_is_reported_on_another_day_is_what_the_reading_midnight_is_estimated_from(
    made: Bench, day: date, shown: str, end: str, method: str
) -> None:
    report(made, shown, on(day))
    made.run()
    read = made.one(point_no="P1")
    assert (read.status, read.method, str(read.end)) == ("estimated", method, end)
    assert "self_read" in read.notices and read.days_estimated == abs((day - date(2026, 5, 1)).days)


def test_the_next_month_begins_where_the_customer_said_this_one_ended(made: Bench) -> None:
    report(made)
    made.run("2026-05")
    read = made.energy("2026-05")["P1", 1, "active_fwd"]
    assert (read["start_e4"], read["end_e4"]) == (2_450_000, None)


def test_a_report_before_the_reading_midnight_waits_for_the_months_run(bench: Make) -> None:
    found = bench([installation("P1", "M000001", account_no=HOME)])
    found.receive(month_of("M000001", steady()[:10]))
    told = report(found, "240.00", on(date(2026, 4, 30)))
    assert told.state == "counted" and found.reads() == []
    found.run()
    assert found.one(point_no="P1").method == "daily_average"
    assert found.api.follow_self_read(found.call(), FollowSelfRead(month=MONTH, meter_no="M000001")).changed == 0


def test_a_meter_is_reported_a_few_times_a_day(made: Bench) -> None:
    for count in range(PARAMETERS["reports_a_day"]):
        report(made, f"{245 + count}.00")
    with pytest.raises(TooMany) as refused:
        report(made)
    assert "每天最多自报 5 次" in refused.value.detail["zh"] and refused.value.fields["retry_after_s"] == 12 * 3_600
    assert report(made, "250.00", on(date(2026, 5, 2))).state == "counted"


def test_a_unit_counts_reported_meters_as_read(made: Bench) -> None:
    unit = UnitMonth(month=MONTH, org="1405810.01")
    assert made.api.awaited(made.call(), unit).read == 1
    report(made)
    assert made.api.awaited(made.call(), unit).read == 2


def test_the_past_is_computed_again_as_it_was_known(made: Bench) -> None:
    told = report(made)
    decided(made, told.self_read_no, accepted=False)

    def end(at: datetime) -> str:
        asked = KnownEnergies(month=MONTH, account_nos=[HOME], known_at=at)
        return str(made.api.known_energies(made.call(), asked).rows[0].end)

    assert [end(one) for one in (CUSTOMER.now - timedelta(hours=1), CUSTOMER.now, CLERK.now)] == [
        "None",
        "245.00",
        "None",
    ]


def test_nobody_else_sees_or_reports_or_decides(made: Bench) -> None:
    told = report(made)
    stranger = replace(CUSTOMER, accounts=(OTHER,))
    assert made.api.self_reads(stranger, FindSelfReads()).rows == []
    assert [row.account_no for row in made.api.self_reads(CUSTOMER, FindSelfReads()).rows] == [HOME]
    for call in (stranger, replace(CLERK, scope=("1405810.02",))):
        with pytest.raises(NoSuchSelfRead):
            made.api.self_read(call, SelfReadRef(self_read_no=told.self_read_no))
    with pytest.raises(NotYourAccount):
        made.api.my_meters(stranger, MyMeters(account_no=HOME))
    for call in (CUSTOMER, replace(CLERK, permits=frozenset({"reading.read"}))):
        with pytest.raises(NotPermitted):
            made.api.accept_self_read(call, DecideSelfRead(self_read_no=told.self_read_no, reason="自己确认"))
    with pytest.raises(NotPermitted):
        made.api.report_registers(CLERK, request())


@given(st.dates(date(2024, 1, 2), date(2030, 1, 1)), st.integers(0, 9), st.integers(0, 9))
def test_the_days_to_report_hold_the_reading_day(day: date, before: int, after: int) -> None:
    days = report_days(day, {"days_before": before, "days_after": after})
    assert days.open_on(day) and days.opens_on + timedelta(days=before) == day == days.closes_on - timedelta(days=after)
    assert not days.open_on(days.opens_on - timedelta(days=1)) and not days.open_on(days.closes_on + timedelta(days=1))


@given(st.from_regex(r"[0-9A-Z]{4,12}", fullmatch=True), st.integers(4, 12))
def test_the_end_of_a_number_names_its_meter(number: str, length: int) -> None:
    assert is_number_of(number, number[-length:].lower())
    assert not is_number_of(number, f"{number}0") and not is_number_of(number, f"0{number}")
