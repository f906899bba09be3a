"""What a front bears: connections that say nothing, replayed answers, clocks of another century; limits come from the settings."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tests.databases import database
from tests.service.acquisition.field import NEW, OLD, Field, fielded, meters, until
from tests.service.acquisition.test_direct import ordered
from tests.service.acquisition.test_front import login

from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.api import FindMembers, OnDemandRead, ReadNow, ReadRef, RollOutRef, StartRollOut
from denghuo.service.acquisition.front.limits import LimitRefused, Limits, limits_of
from denghuo.settings import load
from denghuo.simulator import wire3761

LIMITS = '{"connections": 200, "connections_per_address": 1000, "login_within_s": 5, "answer_s": 5, "look_s": 0.05}'


def test_limits_come_from_the_settings_and_wrong_ones_are_named() -> None:
    given = load(None, {"DENGHUO_TERMINAL_LIMITS": LIMITS}, {}).settings.terminal_limits
    found = limits_of(given)
    assert (found.connections, found.login_within_s, found.noise) == (200, 5.0, Limits().noise)
    assert isinstance(found.connections, int)
    for wrong, said in (({"conections": 5}, "connections"), ({"noise": 0}, "above zero")):
        with pytest.raises(LimitRefused) as refused:
            limits_of(wrong)
        assert said in refused.value.detail["en"]


@pytest.fixture(scope="module")
def field(postgres_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    limits = limits_of(load(None, {"DENGHUO_TERMINAL_LIMITS": LIMITS}, {}).settings.terminal_limits)
    with database(postgres_dsn, template) as dsn, fielded(dsn, tmp_path_factory.mktemp("hostile"), limits) as made:
        made.register(OLD, NEW)
        yield made


def over(peer: socket.socket) -> bool:
    try:
        return peer.recv(64) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def test_hundreds_that_say_nothing_keep_no_terminal_out_and_are_sent_away(field: Field) -> None:
    leave = field.connect(OLD)
    silent = [field.socket() for _ in range(400)]
    for peer in silent:
        peer.setblocking(False)
    try:
        # All places are taken twice over, and a terminal still comes in: the oldest that said nothing makes room.
        come = field.connect(NEW)
        assert field.answer(meters(NEW)[0].meter_no).state == "answered"
        assert field.terminal(OLD).link == "online", "who is logged in stays"
        until(lambda: all(map(over, silent)), "who does not log in is sent away")
    finally:
        for peer in silent:
            peer.close()
    assert field.answer(meters(OLD)[0].meter_no).state == "answered"
    for one in (leave, come):
        one()


def test_a_replayed_answer_is_none(field: Field) -> None:
    """A recorded answer comes again, with the number of another question, and as the answer for another meter."""
    until(lambda: field.terminal(OLD).link == "offline", "gone")
    now = datetime.now(SHANGHAI)
    with field.socket() as peer:
        peer.sendall(login(OLD))
        said = asked_of(peer)
        clock = next(said)
        recorded = wire3761.answer(OLD, clock, lambda *_: None, now, 0)
        peer.sendall(recorded)
        until(lambda: field.terminal(OLD).link == "online", "in")
        first = field.api.read_now(field.call(), ReadNow(meter_no=meters(OLD)[0].meter_no))
        asked = next(said)
        peer.sendall(recorded * 3)
        assert became(field, first.read_no).cause == "no_answer", "an answer to another question is none"
        second = field.api.read_now(field.call(), ReadNow(meter_no=meters(OLD)[1].meter_no))
        again = next(said)
        other = wire3761.answer(OLD, replace(asked, sequence=again.sequence), lambda *_: 1_000, now, 0)
        peer.sendall(other)
        assert became(field, second.read_no).cause == "no_data", "the values of another meter are none of this one"


def asked_of(peer: socket.socket) -> Iterator[wire3761.Request]:
    """What is asked at once (class 1 data); what is due of a day is left unanswered."""
    buffer = b""
    while True:
        said, buffer = wire3761.split(buffer + peer.recv(1_024))
        yield from (request for request in said if request.function == 0x0C)


def became(field: Field, read_no: str) -> OnDemandRead:
    def read() -> OnDemandRead:
        return field.api.on_demand_read(field.call(), ReadRef(read_no=read_no))

    until(lambda: read().state != "waiting", "the answer")
    return read()


@pytest.mark.parametrize("terminal_no", [OLD, NEW])
def test_a_clock_in_2099_is_told_and_set(field: Field, terminal_no: str) -> None:
    until(lambda: field.terminal(terminal_no).link == "offline", "gone")
    leave = field.connect(terminal_no)
    off = datetime(2099, 6, 1, tzinfo=SHANGHAI) - datetime.now(SHANGHAI)
    field.devices[terminal_no].clock_off = off
    start = StartRollOut(kind="check_clock", terminals=[terminal_no], reason="核对全部终端时钟")
    one = field.api.start_roll_out(field.call(), start)
    until(lambda: field.api.roll_out(field.call(), RollOutRef(roll_out_no=one.roll_out_no)).state == "done", "checked")
    (member,) = field.api.roll_out_members(field.call(), FindMembers(roll_out_no=one.roll_out_no)).rows
    assert abs((member.clock_offset_s or 0) - off / timedelta(seconds=1)) < 60
    until(lambda: (field.terminal(terminal_no).clock_offset_s or 0) > 2_000_000_000, "its record says so")
    done = ordered(field, "set_clock", terminal_no)
    assert done.state == "answered" and abs(done.clock_offset_s or 0) < 5
    leave()
