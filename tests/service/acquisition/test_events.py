"""Events as terminals tell them: published frames, simulated ones, damage; over sockets unasked and on request."""

import socket
from collections.abc import Iterator
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.databases import database
from tests.service.acquisition.field import NEW, OLD, Field, fielded, meters, until
from tests.service.acquisition.frames import vectors

from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.api import AlarmsFound, FindAlarms, FindEvents, Order, OrderEvents, OrderRef
from denghuo.service.acquisition.front.dlt698 import Speaker698
from denghuo.service.acquisition.front.events import told_by_apdu, told_by_frame
from denghuo.service.acquisition.front.gdw3761 import Speaker3761
from denghuo.service.acquisition.front.speak import Told
from denghuo.service.acquisition.protocol import dlt698, gdw3761
from denghuo.service.acquisition.protocol.fault import BadFrame
from denghuo.simulator import wire698, wire3761
from denghuo.simulator.happening import HAPPENINGS, Happening

PUBLISHED = {
    row.values[0]["id"]: bytes.fromhex(row.values[0]["hex"]) for row in (*vectors("gdw3761"), *vectors("dlt698"))
}


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=SHANGHAI)  # type: ignore[misc]


def test_published_records_are_told_in_the_platforms_kinds() -> None:
    told = told_by_frame(gdw3761.decode(PUBLISHED[467]))
    assert told == [Told("power_loss", "ERC14", "", at(2010, 7, 31, 14, 40), at(2010, 8, 3, 11, 31))]
    # An end that is told alone; its flags name no kind.
    assert told_by_frame(gdw3761.decode(PUBLISHED[470])) == [
        Told("other", "ERC24", "", None, at(2010, 12, 7, 22, 9), 1)
    ]
    assert [(one.kind, one.code) for one in told_by_frame(gdw3761.decode(PUBLISHED[487]))] == [
        ("power_loss", "ERC14"),
        ("other", "ERC16"),
    ]
    apdu = dlt698.decode_apdu(dlt698.decode(PUBLISHED[364]).payload)
    begun, ended = at(2023, 10, 19, 23, 50), at(2023, 10, 19, 23, 55)
    assert told_by_apdu(apdu) == [
        Told("voltage_loss", "3000", "A", begun, ended, None, f"{number:012d}") for number in (1, 2, 3)
    ]


HAPPENED = [Happening(kind, at(2026, 4, 10, 8, 30), 5, "000000000005") for kind in HAPPENINGS]


def reported(no: str, happenings: list[Happening]) -> list[Told]:
    speaker, wire = (Speaker3761(), wire3761) if len(no) == 9 else (Speaker698(), wire698)
    heard = speaker.hear(wire.report(no, happenings, 3))  # type: ignore[union-attr]
    assert heard is not None and (heard.kind, heard.number, heard.confirm) == ("events", 3, True)
    (confirmation,), _ = wire.split(speaker.acknowledge(heard))  # type: ignore[union-attr]
    assert confirmation.confirmed == 3
    return list(heard.told)


@pytest.mark.parametrize("no", [OLD, NEW])
def test_what_happens_to_a_simulated_terminal_is_understood(no: str) -> None:
    told = reported(no, HAPPENED)
    assert [one.kind for one in told] == list(HAPPENINGS)
    assert all((one.begun_at, one.ended_at) == (HAPPENED[0].begun_at, None) for one in told)
    place = {"number": 5, "address": None} if no == OLD else {"number": None, "address": "000000000005"}
    own = {"number": None, "address": None}
    assert [{"number": one.number, "address": one.address} for one in told] == [own] + [place] * 5
    assert [one.phases for one in told] == ["", "A", "A", "A", "", ""]


@given(st.binary(max_size=60), st.integers(0, 400), st.integers(0, 255))
def test_damage_in_a_report_is_a_typed_error_or_another_event(noise: bytes, place: int, byte: int) -> None:
    for no in (OLD, NEW):
        speaker, wire = (Speaker3761(), wire3761) if no == OLD else (Speaker698(), wire698)
        raw = wire.report(no, HAPPENED, 1)  # type: ignore[union-attr]
        body = bytearray(raw)
        body[place % len(raw)] = byte
        # With its checksums made right again the damage gets through to the events.
        payload = raw[17:-3] if no == NEW else raw[14:-2]
        damaged = payload[: place % len(payload)] + noise
        whole = wire698.frame(no, 0x83, damaged) if no == NEW else wire3761.frame(no, 0xC4, 0x0E, 0x71, damaged)
        for piece in (bytes(body), whole):
            try:
                heard = speaker.hear(piece)
            except BadFrame:
                continue
            for one in heard.told if heard is not None else ():
                assert all(when is None or 2000 <= when.year < 2100 for when in (one.begun_at, one.ended_at))


# -- over sockets ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def field(postgres_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    with database(postgres_dsn, template) as dsn, fielded(dsn, tmp_path_factory.mktemp("events")) as made:
        made.register(OLD, NEW)
        yield made


def alarms(field: Field, terminal_no: str) -> AlarmsFound:
    return field.api.alarms(field.call(), FindAlarms(terminal_no=terminal_no))


@pytest.mark.parametrize("terminal_no", [OLD, NEW])
def test_a_terminal_tells_what_happens_and_again_changes_nothing(field: Field, terminal_no: str) -> None:
    leave = field.connect(terminal_no, *HAPPENINGS)
    until(lambda: alarms(field, terminal_no).total == len(HAPPENINGS), "alarms")
    until(lambda: field.tally.told >= len(HAPPENINGS), "all was confirmed")
    found = alarms(field, terminal_no)
    first = meters(terminal_no)[0].meter_no
    assert {row.kind: row.meter_no for row in found.rows} == {
        kind: None if kind == "power_loss" else first for kind in HAPPENINGS
    }
    assert {row.org for row in found.rows} == {field.terminal(terminal_no).org}
    assert [(row.state, row.count, row.over_at) for row in found.rows] == [("new", 1, None)] * len(HAPPENINGS)
    # On request the same events are told once more.
    order = field.api.order_events(field.call(), OrderEvents(terminal_no=terminal_no))

    def answer() -> Order:
        return field.api.order(field.call(), OrderRef(order_no=order.order_no))

    until(lambda: answer().state != "waiting", "the answer")
    assert (answer().state, answer().events) == ("answered", len(HAPPENINGS))
    assert alarms(field, terminal_no).rows == found.rows
    kept = field.api.events(field.call(), FindEvents(terminal_no=terminal_no)).rows
    assert len(kept) == len(HAPPENINGS) and all(row.alarm_no is not None for row in kept)
    leave()
    until(lambda: field.terminal(terminal_no).link == "offline", "gone")
    failed = field.api.order_events(field.call(), OrderEvents(terminal_no=terminal_no))
    assert (failed.state, failed.cause) == ("failed", "offline")


def test_a_silent_terminal_answers_no_order(field: Field) -> None:
    with field.hurried(answer_s=0.5):
        leave = field.connect(OLD, "silence")
        order = field.api.order_events(field.call(), OrderEvents(terminal_no=OLD))
        until(
            lambda: field.api.order(field.call(), OrderRef(order_no=order.order_no)).cause == "no_answer",
            "no answer is told as such",
        )
    leave()


def test_an_event_is_confirmed_only_once_it_is_written(field: Field) -> None:
    begun = at(2026, 4, 11, 9, 0)
    raw = wire3761.report(OLD, [Happening("cover_open", begun, 2, "")], 5)
    with field.socket() as peer:
        # Before its login a terminal is nobody.
        peer.sendall(raw)
        peer.sendall(wire3761.link(OLD, wire3761.LOGIN, 1))
        assert confirmed(peer) == 1
        peer.sendall(raw)
        assert confirmed(peer) == 5
        found = field.api.events(field.call(), FindEvents(meter_no=meters(OLD)[1].meter_no)).rows
        assert [(row.kind, row.begun_at, row.place) for row in found] == [("cover_open", begun, "2")]


def test_cut_events_count_as_bad_frames(field: Field) -> None:
    with field.socket() as peer:
        peer.sendall(wire3761.link(OLD, wire3761.LOGIN, 1))
        assert confirmed(peer) == 1
        record = bytes((24, 200)) + b"\x00" * 5
        data = wire3761.identifier(0, 1) + bytes((1, 0, 0, 1)) + record
        try:
            for _ in range(8):
                peer.sendall(wire3761.frame(OLD, 0xC4, 0x0E, 0x72, data))
            while peer.recv(1_024):
                pass
        except ConnectionError:
            pass
    until(lambda: field.terminal(OLD).ended_by == "bad_frames", "limits hold")


def confirmed(peer: socket.socket) -> int | None:
    """The number of the next confirmation that is none of a question of the front's."""
    buffer = b""
    while True:
        said, buffer = wire3761.split(buffer + peer.recv(1_024))
        for request in said:
            if request.confirmation:
                return request.sequence
