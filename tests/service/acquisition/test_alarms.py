"""Events taken in and the alarms that follow, through both bindings: what is told again, ends, late tidings, hands, scope."""

import itertools
import pathlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.service.acquisition.field import NEW, OLD
from tests.service.acquisition.test_terminals import STATION, filled
from tests.service.records import OPERATOR, held

from denghuo.service.acquisition.api import (
    AcquisitionApi,
    Alarm,
    AlarmClosed,
    AlarmNotFound,
    AlarmRef,
    AnswerOrders,
    CloseAlarm,
    FindAlarms,
    FindEvents,
    FindOrders,
    OrderAnswer,
    OrderEvents,
    OrderNotFound,
    OrderRef,
    TakeEvents,
    TerminalNotFound,
    ToldEvent,
)
from denghuo.service.acquisition.service import AcquisitionService

NOON = datetime.fromisoformat("2026-04-30T12:00:00+08:00")
HOUR = timedelta(hours=1)
_places = itertools.count()


@pytest.fixture(params=["local", "remote"])
def acquisition(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[AcquisitionApi]:
    for ask in held(request.param, database_dsn, tmp_path, {AcquisitionApi: AcquisitionService}):
        yield filled(ask(AcquisitionApi))


def told(kind: str, begun_at: datetime | None = NOON, terminal_no: str = OLD, **more: Any) -> ToldEvent:
    body = {"terminal_no": terminal_no, "number": 1, "kind": kind, "code": "ERC9", "begun_at": begun_at, **more}
    return ToldEvent.model_validate(body)


def take(acquisition: AcquisitionApi, *events: ToldEvent) -> tuple[int, int, int]:
    reply = acquisition.take_events(OPERATOR, TakeEvents(events=list(events)))
    return reply.new, reply.ended, reply.raised


def only(acquisition: AcquisitionApi, **by: Any) -> Alarm:
    (row,) = acquisition.alarms(OPERATOR, FindAlarms(**by)).rows
    return row


def test_what_is_told_again_changes_nothing_and_more_of_the_same_counts(acquisition: AcquisitionApi) -> None:
    cover = told("cover_open")
    assert take(acquisition, cover, cover, told("power_loss", number=None)) == (2, 0, 2)
    before = acquisition.alarms(OPERATOR, FindAlarms())
    assert take(acquisition, cover) == (0, 0, 0)
    assert acquisition.alarms(OPERATOR, FindAlarms()) == before
    assert take(acquisition, told("cover_open", NOON + HOUR), told("cover_open", NOON - HOUR)) == (2, 0, 0)
    alarm = only(acquisition, kind="cover_open")
    assert (alarm.meter_no, alarm.place, alarm.count) == ("M1", "1", 3)
    assert (alarm.first_at, alarm.last_at, alarm.over_at) == (NOON - HOUR, NOON + HOUR, None)
    own = only(acquisition, kind="power_loss")
    assert (own.meter_no, own.place, own.terminal_no) == (None, "", OLD)
    # The same address and another place are another subject; a phase is another event of the same alarm.
    assert take(acquisition, told("cover_open", terminal_no=NEW, number=None, address="000000000001")) == (1, 0, 1)
    assert take(acquisition, told("phase_loss", phases="A"), told("phase_loss", phases="B")) == (2, 0, 1)
    assert take(acquisition, told("cover_open", number=9)) == (1, 0, 1)
    strange = only(acquisition, terminal_no=OLD, kind="cover_open", meter_no=None, state="new", limit=1)
    assert (strange.meter_no, strange.place) == (None, "9"), "a place of which no meter is known"


def test_an_end_is_added_whether_it_comes_alone_or_with_the_begin(acquisition: AcquisitionApi) -> None:
    take(acquisition, told("phase_loss", phases="A"), told("phase_loss", NOON + HOUR, phases="B"))
    assert take(acquisition, told("phase_loss", phases="A", ended_at=NOON + 2 * HOUR)) == (0, 1, 0)
    assert only(acquisition).over_at is None, "the other phase is still lost"
    # Without its flags, as some terminals tell an end.
    assert take(acquisition, told("other", None, ended_at=NOON + 3 * HOUR)) == (0, 1, 0)
    assert only(acquisition).over_at == NOON + 3 * HOUR
    assert take(acquisition, told("other", None, ended_at=NOON + 4 * HOUR)) == (0, 0, 0), "nothing was going on"
    assert take(acquisition, told("phase_loss", NOON + 5 * HOUR)) == (1, 0, 0)
    assert (only(acquisition).over_at, only(acquisition).count) == (None, 3)
    assert take(acquisition, told("power_loss", number=None, ended_at=NOON + HOUR)) == (1, 0, 1)
    assert only(acquisition, kind="power_loss").over_at == NOON + HOUR


def test_an_alarm_goes_from_new_to_closed_and_what_comes_later_raises_another(acquisition: AcquisitionApi) -> None:
    take(acquisition, told("reverse_power"))
    ref = AlarmRef(alarm_no=only(acquisition).alarm_no)
    acknowledged = acquisition.acknowledge_alarm(STATION, ref)
    assert (acknowledged.state, acknowledged.acknowledged_by) == ("acknowledged", "clerk")
    assert acquisition.acknowledge_alarm(OPERATOR, ref).acknowledged_by == "clerk", "the first hand stays"
    close = CloseAlarm(alarm_no=ref.alarm_no, reason="接线已更正")
    closed = acquisition.close_alarm(STATION, close)
    assert (closed.state, closed.closed_by, closed.reason) == ("closed", "clerk", "接线已更正")
    for again in (lambda: acquisition.acknowledge_alarm(STATION, ref), lambda: acquisition.close_alarm(STATION, close)):
        with pytest.raises(AlarmClosed):
            again()
    # Late tidings of what was dealt with.
    assert take(acquisition, told("reverse_power", NOON - HOUR)) == (1, 0, 0)
    assert (only(acquisition).count, only(acquisition).first_at) == (2, NOON - HOUR)
    assert take(acquisition, told("reverse_power", OPERATOR.now + HOUR)) == (1, 0, 1)
    found = acquisition.alarms(OPERATOR, FindAlarms())
    assert (found.total, found.new, found.acknowledged) == (2, 1, 0)
    detail = acquisition.alarm(OPERATOR, ref)
    assert [event.begun_at for event in detail.events] == [NOON - HOUR, NOON]


def test_other_events_are_kept_without_an_alarm_and_units_see_their_own(acquisition: AcquisitionApi) -> None:
    assert take(acquisition, told("other"), told("other", code="ERC3"), told("clock_fault", terminal_no=NEW)) == (
        3,
        0,
        1,
    )
    events = acquisition.events(OPERATOR, FindEvents(kind="other")).rows
    assert [(event.code, event.alarm_no) for event in events] == [("ERC9", None), ("ERC3", None)]
    assert acquisition.events(OPERATOR, FindEvents(limit=2)).next == str(events[0].event_no)
    assert acquisition.alarms(STATION, FindAlarms()).total == 0
    assert len(acquisition.events(STATION, FindEvents()).rows) == 2
    alarm_no = only(acquisition).alarm_no
    for refused in (
        lambda: acquisition.alarm(STATION, AlarmRef(alarm_no=alarm_no)),
        lambda: acquisition.acknowledge_alarm(STATION, AlarmRef(alarm_no=alarm_no)),
        lambda: acquisition.close_alarm(STATION, CloseAlarm(alarm_no=alarm_no, reason="已处理完毕")),
    ):
        with pytest.raises(AlarmNotFound):
            refused()
    assert take(acquisition, told("cover_open", terminal_no="140509999")) == (0, 0, 0), "of nobody's terminal"


def test_alarms_are_found_by_kind_unit_and_day(acquisition: AcquisitionApi) -> None:
    take(acquisition, told("cover_open"), told("clock_fault", terminal_no=NEW))
    today = OPERATOR.today
    for by, expected in (
        ({"kind": "clock_fault"}, 1),
        ({"org": "1405810.01"}, 1),
        ({"meter_no": "M1"}, 1),
        ({"first_day": today, "last_day": today}, 2),
        ({"first_day": today + timedelta(days=1)}, 0),
        ({"last_day": today - timedelta(days=1)}, 0),
    ):
        assert acquisition.alarms(OPERATOR, FindAlarms(**by)).total == expected, by  # type: ignore[arg-type]
    first = acquisition.alarms(OPERATOR, FindAlarms(limit=1))
    second = acquisition.alarms(OPERATOR, FindAlarms(limit=1, after=first.next))
    assert first.rows[0].alarm_no > second.rows[0].alarm_no


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(("cover_open", "phase_loss")), st.integers(0, 4), st.sampled_from(("", "A"))),
        min_size=1,
        max_size=12,
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_and_the_pieces_in_which_events_come_do_not_matter(
    acquisition: AcquisitionApi, which: list[tuple[str, int, str]], random: Any
) -> None:
    """Any order, cut anywhere, with repeats: as many events as there are different ones, one alarm for each kind."""
    place = {"number": None, "address": f"9{next(_places):011d}"}
    events = [told(kind, NOON + hours * HOUR, phases=phases, **place) for kind, hours, phases in which]
    random.shuffle(events)
    at = random.randrange(len(events) + 1)
    for piece in (events[:at], events[at:], events):
        if piece:
            take(acquisition, *piece)
    rows = acquisition.alarms(OPERATOR, FindAlarms(limit=200)).rows
    counted = {row.kind: row.count for row in rows if row.place == place["address"]}
    different = {(kind, hours, phases) for kind, hours, phases in which}
    assert counted == {kind: sum(one[0] == kind for one in different) for kind in {one[0] for one in different}}


def test_an_order_waits_for_its_answer(acquisition: AcquisitionApi) -> None:
    order = acquisition.order_events(STATION, OrderEvents(terminal_no=OLD, days=3))
    assert (order.kind, order.state, order.cause, order.asked_by) == ("events", "failed", "offline", "clerk")
    late = AnswerOrders(answers=[OrderAnswer(order_no=order.order_no, cause=None, events=4)])
    assert acquisition.answer_orders(OPERATOR, late).answered == 0, "what is settled stays"
    assert acquisition.order(STATION, OrderRef(order_no=order.order_no)) == order
    assert acquisition.orders(STATION, FindOrders(terminal_no=OLD, kind="events", state="failed")).rows == [order]
    with pytest.raises(TerminalNotFound):
        acquisition.order_events(STATION, OrderEvents(terminal_no=NEW))
    with pytest.raises(OrderNotFound):
        acquisition.order(STATION, OrderRef(order_no="none"))
