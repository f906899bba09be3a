"""The front over real sockets: terminals come and go, a day is collected into the lake, a meter is read on demand, and what hostile
peers send does no harm."""

import socket
from collections.abc import Iterator
from datetime import timedelta

import pytest
from tests.databases import database
from tests.service.acquisition.field import DAY, NEW, OLD, QUICK, Field, county, fielded, meters, until
from tests.service.bindings import settle

from denghuo.data.analysis.lake_day import SLOTS, curve_class
from denghuo.service.acquisition.api import (
    AskSuccess,
    FindLeft,
    FindStrangers,
    FindTerminals,
    StartCollection,
)
from denghuo.service.reading.batch.intake import REGISTERS
from denghuo.simulator import wire698, wire3761


@pytest.fixture(scope="module")
def field(postgres_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    with database(postgres_dsn, template) as dsn, fielded(dsn, tmp_path_factory.mktemp("field")) as made:
        made.register(OLD, NEW)
        yield made


def login(terminal_no: str) -> bytes:
    return wire3761.link(terminal_no, wire3761.LOGIN, 1)


def confirmation(peer: socket.socket, sequence: int) -> wire3761.Request:
    """The confirmation with this number, past whatever else the front says."""
    buffer = b""
    while True:
        said, buffer = wire3761.split(buffer + peer.recv(1_024))
        for request in said:
            if request.confirmation and request.sequence == sequence:
                return request


def ended(field: Field, raw: bytes, times: int = 1) -> bool:
    """Whether the front ends a connection that sends this, within the test's patience."""
    with field.socket() as peer:
        try:
            for _ in range(times):
                peer.sendall(raw)
            while peer.recv(65_536):
                pass
        except ConnectionError:
            pass
    return True


def test_a_day_comes_from_both_protocols_into_the_lake(field: Field) -> None:
    leave = [field.connect(OLD), field.connect(NEW)]
    started = field.api.start_collection(field.call(), StartCollection(day=DAY))
    assert started.due == 12, "two terminals with three meters, each for its registers and its curve"
    for kind in ("freeze", "curve"):
        ask = AskSuccess(day=DAY, kind=kind, by="terminal")  # type: ignore[arg-type]
        until(lambda ask=ask: field.api.success(field.call(), ask).done == 6, f"{kind} of all meters")  # type: ignore[misc]
    settle(field.directory)
    lake = field.directory.hosted["reading"].store.lake
    end = DAY + timedelta(days=1)
    rows = lake.scan(REGISTERS, end, end).to_pylist()
    known = county(OLD).registers | county(NEW).registers
    assert {(row["meter_no"], row["quantity"]): row["value_e4"] for row in rows} == {
        (meter_no, quantity): values[place][10]
        for meter_no, values in known.items()
        for place, quantity in enumerate(("active_fwd", "active_rev"))
    }
    curves = {row["subject"]: row for row in lake.scan(curve_class("active_fwd_wh"), DAY, DAY).to_pylist()}
    assert set(curves) == {meter.meter_no for no in (OLD, NEW) for meter in meters(no)}
    for no in (OLD, NEW):
        for meter in meters(no):
            values = [curves[meter.meter_no][slot] for slot in SLOTS]
            # 9.60 kWh of the meter, times the multiplier of its installation.
            assert None not in values and sum(values) == 9_600 * (20 if meter.number == 2 else 1)
    assert field.api.left(field.call(), FindLeft(day=DAY)).total == 0
    again = field.api.start_collection(field.call(), StartCollection(day=DAY))
    assert again.due == 0, "what was collected is not asked for again"
    for one in leave:
        one()
    until(lambda: field.terminal(OLD).link == "offline", "the terminal is seen to leave")
    seen = field.terminal(OLD)
    assert seen.state == "in_use" and seen.ended_by == "closed" and seen.frames_in > 3 and seen.logins >= 1


@pytest.mark.parametrize("terminal_no", [OLD, NEW])
def test_a_meter_is_read_on_demand(field: Field, terminal_no: str) -> None:
    meter = meters(terminal_no)[0]
    until(lambda: field.terminal(terminal_no).link != "online", "gone")
    failed = field.answer(meter.meter_no)
    assert (failed.state, failed.cause) == ("failed", "offline")
    leave = field.connect(terminal_no)
    found = field.answer(meter.meter_no)
    assert (found.state, found.cause) == ("answered", None)
    assert [(row.quantity, row.band) for row in found.rows] == [("active_fwd", "total"), ("active_rev", "total")]
    assert all(row.value.e4 > 1_000_000 for row in found.rows)
    leave()


@pytest.mark.parametrize(
    ("days", "terminal_no", "fault", "cause"),
    [
        (1, OLD, "silence", "no_answer"),
        (2, OLD, "wrong_clock", "wrong_day"),
        (3, NEW, "silence", "no_answer"),
        (4, NEW, "wrong_clock", "wrong_day"),
    ],
)
def test_a_terminal_that_fails_is_told_by_its_cause(
    field: Field, days: int, terminal_no: str, fault: str, cause: str
) -> None:
    day = DAY + timedelta(days=days)

    def causes() -> set[str]:
        left = field.api.left(field.call(), FindLeft(day=day, terminal_no=terminal_no))
        return {row.cause for row in left.rows if row.tries}

    with field.hurried(answer_s=0.5 if fault == "silence" else QUICK.answer_s):
        leave = field.connect(terminal_no, fault)
        field.api.start_collection(field.call(), StartCollection(day=day, kinds=["freeze"]))
        until(lambda: causes() == {cause}, f"{cause}")
    if fault == "wrong_clock":
        until(
            lambda: abs((field.terminal(terminal_no).clock_offset_s or 0) - 2 * 86_400) < 60,
            "its clock is seen, in its login or by a question",
        )
    leave()


def test_damaged_late_and_repeated_answers_do_no_harm(field: Field) -> None:
    day = DAY + timedelta(days=5)
    leave = [field.connect(OLD, "garbage", "duplicate"), field.connect(NEW, "slow", "duplicate")]
    ask = AskSuccess(day=day, by="terminal")

    def done() -> dict[str, int]:
        return {row.key: row.done for row in field.api.success(field.call(), ask).rows}

    with field.hurried(answer_s=2.0):
        field.api.start_collection(field.call(), StartCollection(day=day, kinds=["freeze"]))
        until(lambda: done().get(NEW) == 3, "late and doubled answers are understood")
        until(
            lambda: (
                done()[OLD] == 3
                or {row.cause for row in field.api.left(field.call(), FindLeft(day=day)).rows} == {"no_answer"}
            ),
            "a damaged answer is no answer",
        )
    for one in leave:
        one()


@pytest.mark.parametrize("faults", [("blocks",), ("fragments",), ("blocks", "fragments", "duplicate")])
def test_long_answers_come_in_parts(field: Field, faults: tuple[str, ...]) -> None:
    """A curve of two meters has 194 rows: asked for block by block, or confirmed piece by piece, also where each comes twice."""
    day = DAY + timedelta(days=6 + len(faults) + ("blocks" in faults))
    leave = field.connect(NEW, *faults)
    field.api.start_collection(field.call(), StartCollection(day=day))
    for kind in ("freeze", "curve"):
        ask = AskSuccess(day=day, kind=kind, by="terminal")  # type: ignore[arg-type]

        def done(ask: AskSuccess = ask) -> int:
            return next(row.done for row in field.api.success(field.call(), ask).rows if row.key == NEW)

        until(lambda done=done: done() == 3, f"{kind} in parts")  # type: ignore[misc]
    settle(field.directory)
    lake = field.directory.hosted["reading"].store.lake
    curves = {row["subject"]: row for row in lake.scan(curve_class("active_fwd_wh"), day, day).to_pylist()}
    for meter in meters(NEW):
        assert None not in [curves[meter.meter_no][slot] for slot in SLOTS]
    leave()


def test_the_newer_connection_of_a_terminal_wins(field: Field) -> None:
    with field.socket() as first, field.socket() as second:
        first.sendall(login(OLD))
        assert not confirmation(first, 1).denied
        second.sendall(login(OLD))
        assert not confirmation(second, 1).denied
        while first.recv(64):
            pass  # The older one is closed, after what was on its way.
        second.sendall(wire3761.link(OLD, wire3761.HEARTBEAT, 2))
        assert not confirmation(second, 2).denied
        until(lambda: field.terminal(OLD).link == "online", "the newer is the terminal's connection")


def test_an_unknown_terminal_is_refused_and_told_of(field: Field) -> None:
    for raw in (login("140509999"), wire698.link("140581999999", 0, 1, 60, field.call().now)):
        assert ended(field, raw)
    until(lambda: len(field.api.strangers(field.call(), FindStrangers()).rows) == 2, "strangers")
    # The address of a terminal of the other protocol is another terminal.
    with field.socket() as peer:
        peer.sendall(login("140509999"))
        (refused,), _ = wire3761.split(peer.recv(64))
        assert refused.denied


HEAD_OF_A_LONG_ONE = bytes.fromhex("68FEFFFEFF68")
HOSTILE = {
    "nothing for too long": (b"", 1),
    "noise": (b"\x55" * 1_024, 6),
    "a head without an end": (HEAD_OF_A_LONG_ONE + b"\x00" * 1_000, 20),
    "false starts": (b"\x68" * 1_024, 6),
    "good frames that say nothing a terminal may": (wire3761.frame(OLD, 0x4B, 0x02, 0x71, b"\0\0\1\0"), 8),
    "a flood of logins": (wire3761.link("140509998", 3, 1) * 10, 8),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_peers_are_sent_away(field: Field, what: str) -> None:
    raw, times = HOSTILE[what]
    with field.hurried(login_within_s=1.0):
        assert ended(field, raw, times), "limits hold"


def sent_away(peer: socket.socket) -> bool:
    try:
        return peer.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def test_connections_from_one_address_are_limited_and_the_others_go_on(field: Field) -> None:
    peers = [field.socket() for _ in range(70)]
    try:
        for peer in peers:
            peer.setblocking(False)
        until(lambda: sum(map(sent_away, peers)) >= 10, "some are sent away")
    finally:
        for peer in peers:
            peer.close()
    until(lambda: field.connect(NEW) is not None, "terminals come in again")
    assert field.api.find_terminals(field.call(), FindTerminals(link="online")).online >= 1
