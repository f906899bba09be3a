"""Notices through both bindings: batches, templates, inboxes of people and accounts, organisation scope."""

import pathlib
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.bindings import NOW, local, remote, web

from denghuo.data.processing.database import Database
from denghuo.kernel.contract import Call
from denghuo.kernel.problem import NotPermitted
from denghuo.service.notice.api import (
    CATEGORIES,
    Inbox,
    MarkRead,
    NewNotice,
    NoticeApi,
    OutsideReach,
    Send,
    Templates,
)
from denghuo.service.notice.rules import filled, missing, places
from denghuo.service.notice.service import NoticeService

SYSTEM = Call.system(NOW)
MISHAN, SANJIA = "1405810.01", "1405810.02"
FIRST, SECOND = "5810100000019", "5810100000027"
CLERK = Call(actor="clerk", now=NOW, permits=frozenset({"notice.read", "notice.send"}), scope=(MISHAN,))
HOLDER = Call(actor="home", now=NOW, permits=frozenset({"notice.read"}), scope=("",), accounts=(FIRST,))


def bill(account_no: str = FIRST, org: str = MISHAN, **change: str) -> NewNotice:
    parameters = {
        "account_no": account_no,
        "month": "2026-04",
        "amount": "65.22",
        "due_on": "2026-05-20",
        "bill_no": "202604" + account_no + "101",
    }
    return NewNotice(template="bill_issued", account_no=account_no, org=org, parameters=parameters | change)


def reset(user_name: str, org: str = MISHAN) -> NewNotice:
    return NewNotice(
        template="password_reset", user_name=user_name, org=org, parameters={"by": "keeper", "at": "2026-05-01 09:00"}
    )


@pytest.fixture(params=["local", "remote"])
def notice(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[NoticeApi]:
    with Database(database_dsn) as database:
        directory = local(database, tmp_path, {NoticeApi: NoticeService})
        if request.param == "local":
            yield directory(NoticeApi)
        else:
            with web(directory) as client:
                api = remote(NoticeApi, client)
                assert isinstance(api, NoticeApi)
                yield api


def test_batch_sends_the_good_once_and_names_the_bad(notice: NoticeApi) -> None:
    keyed = bill().model_copy(update={"key": "bill 1"})
    unknown = bill().model_copy(update={"template": "no_such"})
    short = bill().model_copy(update={"parameters": {"month": "2026-04"}})
    reply = notice.send(SYSTEM, Send(notices=[keyed, unknown, short]))
    assert (reply.sent, [item.item for item in reply.refused]) == (1, [1, 2])
    assert "bill_no" in reply.refused[1].en
    again = notice.send(SYSTEM, Send(notices=[keyed]))
    assert (again.sent, again.unchanged) == (0, 1)
    assert notice.inbox(HOLDER, Inbox()).total == 1


def test_what_others_rely_on_is_told_to_them_once(database_dsn: str, tmp_path: pathlib.Path) -> None:
    parameters = {"account_no": FIRST, "meter_no": "M00001", "first_day": "2026-05-08"}
    notice = NewNotice(
        template="disconnection_notice", account_no=FIRST, org=MISHAN, parameters=parameters, key="interruption-1"
    )
    with Database(database_dsn) as database:
        directory = local(database, tmp_path, {NoticeApi: NoticeService})
        for _ in range(2):
            directory(NoticeApi).send(SYSTEM, Send(notices=[notice, bill()]))
        with database.connection() as connection:
            rows = connection.execute("SELECT events FROM notice.journal ORDER BY seq").fetchall()
    told = [one["data"]["notices"] for (events,) in rows for one in events]
    assert len(told) == 1 and len(told[0]) == 1, "a repeat and a bill are told to nobody"
    assert told[0][0] | {"notice_no": 0} == {
        "notice_no": 0, "template": "disconnection_notice", "account_no": FIRST, "org": MISHAN, "parameters": parameters,
        "way": "inbox", "sent_at": NOW.isoformat().replace("+00:00", "Z"),
    }  # fmt: skip


def test_text_is_made_in_both_languages(notice: NoticeApi) -> None:
    notice.send(SYSTEM, Send(notices=[bill()]))
    row = notice.inbox(HOLDER, Inbox()).rows[0]
    assert row.title.zh == "2026-04 电费账单" and row.title.en == "Bill of 2026-04"
    assert "65.22 元" in row.body.zh and "65.22 yuan" in row.body.en and row.category == "bill"


def test_everyone_reads_their_own(notice: NoticeApi) -> None:
    notice.send(SYSTEM, Send(notices=[bill(), bill(SECOND), reset("clerk"), reset("other")]))
    assert [row.account_no for row in notice.inbox(HOLDER, Inbox()).rows] == [FIRST]
    assert notice.inbox(HOLDER, Inbox(account_no=SECOND)).total == 0, "another account is not the holder's"
    assert [row.category for row in notice.inbox(CLERK, Inbox()).rows] == ["security"]
    assert notice.inbox(CLERK, Inbox(account_no=SECOND)).total == 1, "the clerk looks after the station's customers"


def test_station_sees_nothing_of_another_station(notice: NoticeApi) -> None:
    notice.send(SYSTEM, Send(notices=[bill(SECOND, SANJIA), reset("clerk", SANJIA)]))
    assert notice.inbox(CLERK, Inbox(account_no=SECOND)).total == 0
    assert notice.inbox(CLERK, Inbox()).total == 0
    assert notice.mark_read(CLERK, MarkRead()).marked == 0
    with pytest.raises(OutsideReach):
        notice.send(CLERK, Send(notices=[bill(FIRST, MISHAN), bill(SECOND, SANJIA)]))
    assert notice.inbox(CLERK, Inbox(account_no=FIRST)).total == 0, "nothing of the batch went out"
    assert notice.inbox(replace(CLERK, scope=()), Inbox(account_no=FIRST)).total == 0


def test_reading_is_marked_for_oneself_only(notice: NoticeApi) -> None:
    notice.send(SYSTEM, Send(notices=[bill(), bill(month="2026-05"), bill(SECOND)]))
    found = notice.inbox(HOLDER, Inbox())
    assert (found.unread, found.total) == (2, 2)
    assert notice.mark_read(HOLDER, MarkRead(notice_no=found.rows[0].notice_no)).marked == 1
    assert notice.inbox(HOLDER, Inbox(unread=True)).total == 1
    foreign = notice.inbox(SYSTEM, Inbox(account_no=SECOND)).rows[0]
    assert notice.mark_read(HOLDER, MarkRead(notice_no=foreign.notice_no)).marked == 0
    assert notice.mark_read(HOLDER, MarkRead()).marked == 1
    assert notice.inbox(HOLDER, Inbox()).unread == 0
    assert notice.inbox(HOLDER, Inbox(category="payment")).total == 0


def test_pages_cover_everything_once(notice: NoticeApi) -> None:
    notice.send(SYSTEM, Send(notices=[bill() for _ in range(7)]))
    seen: list[int] = []
    after: str | None = None
    while True:
        page = notice.inbox(HOLDER, Inbox(limit=3, after=after))
        seen += [row.notice_no for row in page.rows]
        after = page.next
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 7 and seen == sorted(seen, reverse=True)


@pytest.mark.parametrize("text", ["'; DROP TABLE notice;--", "<b onclick=x>", "灯🔥", "{bill_no} {__class__}"])
def test_parameters_stay_text(notice: NoticeApi, text: str) -> None:
    notice.send(SYSTEM, Send(notices=[bill(amount=text)]))
    assert f"电费 {text} 元" in notice.inbox(HOLDER, Inbox()).rows[0].body.zh


def test_sending_needs_its_permit(notice: NoticeApi) -> None:
    with pytest.raises(NotPermitted):
        notice.send(HOLDER, Send(notices=[bill()]))


def test_delivered_templates_are_complete(notice: NoticeApi) -> None:
    for row in notice.templates(SYSTEM, Templates()).rows:
        assert row.category in CATEGORIES.entries
        assert places(row.title.zh, row.body.zh) and set(places(row.title.zh, row.body.zh)) == set(
            places(row.title.en, row.body.en)
        ), row.code


@pytest.mark.parametrize(
    "change",
    [
        {"account_no": None},
        {"user_name": "clerk"},
        {"parameters": {"month": "x" * 10_000}},
        {"parameters": {"a": "\x00"}},
    ],
)
def test_misfits_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="NewNotice"):
        NewNotice.model_validate(bill().model_dump() | change)


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.text(max_size=20)))
def test_filling_puts_in_what_is_given_and_nothing_else(parameters: dict[str, str]) -> None:
    text = filled("<{a}|{b}|{c}>", parameters)
    assert text == f"<{parameters.get('a', '')}|{parameters.get('b', '')}|{parameters.get('c', '')}>"
    assert missing(["a", "b", "c"], parameters) == [name for name in "abc" if name not in parameters]
