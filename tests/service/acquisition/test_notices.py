"""What must have been told before a disconnection: by rule, through both bindings, and over sockets to the relay."""

import pathlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.databases import database
from tests.service.acquisition.field import NEW, OLD, Field, fielded, meters
from tests.service.acquisition.test_switching import (
    ACCOUNT,
    REASON,
    ask_off,
    outcome,
    records,
    switched,
)
from tests.service.acquisition.test_terminals import STATION, filled
from tests.service.bindings import local
from tests.service.records import OPERATOR, held

from denghuo.data.processing.database import Database
from denghuo.kernel.contract import Api, Call
from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.api import (
    AcquisitionApi,
    AskSwitchingPolicies,
    DisconnectionNotice,
    FindNotices,
    MeterNotCollected,
    NoticeRefused,
    OutsideScope,
    RecordNotice,
    RequestSwitching,
    SetSwitchingPolicy,
    SwitchingBlocked,
    SwitchingPolicy,
)
from denghuo.service.acquisition.front.cipher import SoftwareCipher
from denghuo.service.acquisition.listen import record_notices
from denghuo.service.acquisition.rules import PRESET, Terms, terms_on, untold
from denghuo.service.acquisition.service import AcquisitionService
from denghuo.service.host.binding import Implementation
from denghuo.service.notice.api import NoticesSent, SentNotice
from denghuo.service.permission.api import PermissionApi
from denghuo.service.permission.service import PermissionService
from denghuo.service.workflow.api import WorkflowApi
from denghuo.service.workflow.service import WorkflowService

NOON = datetime(2026, 5, 20, 12, tzinfo=SHANGHAI)
DAYS, MINUTES = timedelta(days=1), timedelta(minutes=1)


def told(kind: str, at: datetime) -> DisconnectionNotice:
    body = {"notice_no": 1, "meter_no": "M1", "org": "1405810.01", "kind": kind, "given_at": at, "way": "paper"}
    return DisconnectionNotice.model_validate({**body, "sent_no": None, "told_by": "clerk", "told_at": at})


@pytest.mark.parametrize(
    ("given_at", "called_at", "due", "missing"),
    [
        (None, None, False, ["没有登记"]),
        (NOON - 6 * DAYS, None, False, ["最早 2026-05-21"]),
        (NOON - 7 * DAYS, None, False, []),
        # Days are of the calendar: what was given late on the 13th counts from the 13th on.
        (NOON - 7 * DAYS + timedelta(hours=11), None, False, []),
        (NOON - 7 * DAYS, None, True, ["30 分钟前"]),
        (NOON - 7 * DAYS, NOON - 29 * MINUTES, True, ["30 分钟前"]),
        (NOON - 7 * DAYS, NOON - 30 * MINUTES, True, []),
        # A call of yesterday is none of today.
        (NOON - 7 * DAYS, NOON - 1 * DAYS, True, ["30 分钟前"]),
    ],
)
def test_a_notice_seven_days_and_a_call_thirty_minutes_before(
    given_at: datetime | None, called_at: datetime | None, due: bool, missing: list[str]
) -> None:
    given_ = [told(kind, at) for kind, at in (("notice", given_at), ("call", called_at)) if at is not None]
    for ground in ("arrears", "fee_control"):
        found = untold(PRESET, ground, given_, NOON, due)  # type: ignore[arg-type]
        assert len(found) == len(missing) and all(part in one["zh"] for part, one in zip(missing, found, strict=True))
    assert untold(PRESET, "customer_request", given_, NOON, due) == []


@given(st.integers(0, 60), st.integers(0, 90), st.integers(0, 90))
def test_a_disconnection_is_free_from_its_first_day_on_and_not_before(days: int, ago: int, more: int) -> None:
    terms = Terms(days, 0, False, "规定")
    given_ = [told("notice", NOON - ago * DAYS)]
    assert bool(untold(terms, "arrears", given_, NOON, True)) is (ago < days)
    later = untold(terms, "arrears", given_, NOON + more * DAYS, True)
    assert len(later) <= len(untold(terms, "arrears", given_, NOON, True)), "time takes no right away again"
    # A later notice of the same takes nothing away either.
    again = [*given_, told("notice", NOON)]
    assert untold(terms, "arrears", again, NOON, True) == untold(terms, "arrears", given_, NOON, True)


def test_the_nearest_unit_and_its_newest_policy_hold() -> None:
    def policy(org: str, day: date, days: int) -> SwitchingPolicy:
        body = {"policy_no": 1, "org": org, "effective_from": day, "notice_days": days, "call_minutes": 60}
        return SwitchingPolicy.model_validate({**body, "source": "省规定", "set_by": "boss", "set_at": NOON})

    today = NOON.date()
    rows = [policy("1405810", today - 9 * DAYS, 3), policy("1405810", today - DAYS, 4), policy("1405810.01", today, 5)]
    rows += [policy("1405810.01", today + DAYS, 9)]
    assert [terms_on(rows, org, today).notice_days for org in ("1405810.01", "1405810.02", "1405810.010")] == [5, 4, 4]
    assert terms_on(rows, "1405810.01", today + DAYS).notice_days == 9
    assert terms_on(rows, "1405811", today) == PRESET and (PRESET.notice_days, PRESET.call_minutes) == (7, 30)


# -- through both bindings -------------------------------------------------------------------------------------------------


@pytest.fixture(params=["local", "remote"])
def acquisition(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[AcquisitionApi]:
    services: dict[type[Api], Implementation] = {
        PermissionApi: PermissionService,
        WorkflowApi: WorkflowService,
        AcquisitionApi: AcquisitionService,
        **records({"M1": ACCOUNT}),
    }
    for ask in held(request.param, database_dsn, tmp_path, services):
        yield filled(ask(AcquisitionApi))


def record(acquisition: AcquisitionApi, kind: str, at: datetime, call: Call = OPERATOR, **by: Any) -> Any:
    body = {"meter_no": "M1", "kind": kind, "given_at": at, "way": "paper", "note": "张贴并送达", **by}
    return acquisition.record_notice(call, RecordNotice.model_validate(body))


def policy(acquisition: AcquisitionApi, call: Call = OPERATOR, **by: Any) -> SwitchingPolicy:
    body = {"org": "1405810", "effective_from": call.today, "notice_days": 3, "call_minutes": 60, "source": "省规定"}
    return acquisition.set_switching_policy(call, SetSwitchingPolicy.model_validate({**body, **by}))


def test_what_went_to_another_customer_counts_as_told_to_nobody(database_dsn: str, tmp_path: pathlib.Path) -> None:
    services: dict[type[Api], Implementation] = {AcquisitionApi: AcquisitionService, **records({"M1": ACCOUNT})}
    with Database(database_dsn) as database:
        directory = local(database, tmp_path, services)
        acquisition = filled(directory(AcquisitionApi))
        body = {
            "template": "disconnection_notice",
            "org": "1405810.01",
            "parameters": {"meter_no": "M1"},
            "way": "inbox",
        }
        sent = [
            SentNotice.model_validate({**body, "notice_no": no, "account_no": account, "sent_at": OPERATOR.now})
            for no, account in ((7, ACCOUNT), (8, "5810100000027"))
        ]
        bill = sent[0].model_copy(update={"template": "bill_issued", "notice_no": 9})
        for at in range(2):  # delivered twice, under two numbers
            event = NoticesSent(notices=[*sent, bill])
            directory.hosted["acquisition"].handle("acquisition", record_notices, OPERATOR, event, f"sent:{at}")
        (row,) = acquisition.notices(OPERATOR, FindNotices()).rows
    assert (row.sent_no, row.kind, row.way, row.given_at) == (7, "notice", "inbox", OPERATOR.now)


def test_nobody_is_disconnected_without_notice(acquisition: AcquisitionApi) -> None:
    now = OPERATOR.now
    with pytest.raises(SwitchingBlocked) as refused:
        ask_off(acquisition)
    assert "没有登记停电通知书" in refused.value.detail["zh"]
    one = record(acquisition, "notice", now - 6 * DAYS, STATION)
    assert (one.told_by, one.org) == ("clerk", "1405810.01")
    with pytest.raises(SwitchingBlocked) as early:
        ask_off(acquisition)
    assert "最早" in early.value.detail["zh"]
    assert acquisition.notices(STATION, FindNotices(meter_no="M1", kind="notice")).rows == [one]
    assert acquisition.notices(STATION, FindNotices(kind="call")).rows == []
    preset = acquisition.switching_policies(STATION, AskSwitchingPolicies())
    assert (preset.rows, preset.notice_days, preset.call_minutes) == ([], 7, 30)
    assert ask_off(acquisition, action="on").state == "waiting", "who comes back needs no notice"


def test_a_policy_is_dated_and_of_a_unit(acquisition: AcquisitionApi) -> None:
    set_ = policy(acquisition)
    righted = policy(acquisition, notice_days=2)
    assert righted.policy_no == set_.policy_no
    assert [row.notice_days for row in acquisition.switching_policies(STATION, AskSwitchingPolicies()).rows] == [2]
    with pytest.raises(OutsideScope):
        policy(acquisition, STATION)
    with pytest.raises(NoticeRefused):
        policy(acquisition, effective_from=OPERATOR.today - DAYS)
    with pytest.raises(NoticeRefused):
        record(acquisition, "notice", OPERATOR.now + DAYS)
    with pytest.raises(MeterNotCollected):
        record(acquisition, "notice", OPERATOR.now, STATION, meter_no="M3")
    record(acquisition, "notice", OPERATOR.now - 2 * DAYS)
    off = ask_off(acquisition)
    assert (off.state, off.ground) == ("waiting", "arrears")


# -- over sockets ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def field(postgres_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    known = records({meter.meter_no: ACCOUNT for no in (OLD, NEW) for meter in meters(no)})
    folder = tmp_path_factory.mktemp("told")
    with database(postgres_dsn, template) as dsn, fielded(dsn, folder, records=known, cipher=SoftwareCipher()) as made:
        made.register(OLD, NEW)
        yield made


def test_the_call_is_looked_at_when_it_is_due_and_a_disconnection_uses_up_its_notice(field: Field) -> None:
    no, now = meters(OLD)[0].meter_no, field.call().now
    leave = field.connect(OLD)
    record(field.api, "notice", now - 8 * DAYS, field.call(), meter_no=no)
    uncalled = switched(field, no, "off")
    assert uncalled.state == "blocked" and "30 分钟前" in uncalled.note.zh and uncalled.ordered_at is None
    # Before the day is half an hour old nobody can have been called half an hour before, on the day itself.
    policy(field.api, field.call(), notice_days=7, call_minutes=0, reconnect_alone=True)
    assert switched(field, no, "off").state == "done"
    # Who paid is reconnected by the policy, without a second person.
    paid = RequestSwitching.model_validate(
        {"meter_no": no, "action": "on", "ground": "fee_control", "reason": "已缴清欠费"}
    )
    one = field.api.request_switching(replace(field.call(), actor="ledger"), paid)
    assert (one.state, one.approval_no, one.decided_by) == ("ordered", None, "ledger")
    assert outcome(field, one.switching_no).state == "done" and field.devices[OLD].opened == set()
    with pytest.raises(SwitchingBlocked):
        field.api.request_switching(field.call(), RequestSwitching(meter_no=no, action="off", reason=REASON))
    leave()
