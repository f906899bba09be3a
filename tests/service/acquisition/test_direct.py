"""Direct meters over real sockets: the front dials them, a day is collected into the lake, a meter is read on demand, and a line
that is lost is dialled again. The meter's codec is another's."""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.databases import database
from tests.service.acquisition import peer
from tests.service.acquisition.field import DAY, QUICK, Field, fielded, record, until
from tests.service.bindings import settle

from denghuo.data.analysis.lake_day import SLOTS, curve_class
from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.api import (
    AmendTerminal,
    AskSuccess,
    AssignMeters,
    FindLeft,
    NewTerminalMeter,
    Order,
    OrderClock,
    OrderEvents,
    OrderNotPossible,
    OrderRef,
    RegisterTerminals,
    StartCollection,
)
from denghuo.service.reading.batch.intake import REGISTERS
from denghuo.service.reading.store.clocks import ClockStore

WRAPPED, LINED, LOCKED = "140581000004", "140581000005", "140581000006"
"""Direct meters: over TCP, over HDLC, and one that wants a password."""
METERS = {WRAPPED: "M40001", LINED: "M40002", LOCKED: "M40003"}
BEGIN = datetime(DAY.year, DAY.month, DAY.day, tzinfo=SHANGHAI)
ROWS = [(BEGIN + timedelta(minutes=15 * place), 5_000 + 10 * place, 700 + place) for place in range(97)]


class Listening:
    """A meter behind a port of its own, which can be shut and opened again."""

    def __init__(self, meter: peer.Meter) -> None:
        self.meter, self.port = meter, 0
        self.clients: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        self._server.close()
        for writer in list(self.clients):
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.clients.add(writer)
        with contextlib.suppress(asyncio.CancelledError, ConnectionError):
            while raw := await reader.read(4_096):
                writer.write(self.meter.answer(raw))
        self.clients.discard(writer)


@pytest.fixture(scope="module")
def field(postgres_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    limits = replace(QUICK, dial_s=0.05, dial_again_s=0.2)
    passwords = {LOCKED: peer.PASSWORD.decode()}
    folder = tmp_path_factory.mktemp("direct")
    with database(postgres_dsn, template) as dsn, fielded(dsn, folder, limits, passwords) as made:
        yield made


@pytest.fixture(scope="module")
def meters(field: Field) -> dict[str, Listening]:
    options = {"rows": ROWS, "registers": (123_456, 789), "now": datetime.now(UTC) + timedelta(minutes=10)}
    found = {
        WRAPPED: Listening(peer.Meter(**options)),
        LINED: Listening(peer.Meter(lined=True, **options)),
        LOCKED: Listening(peer.Meter(secret="password", **options)),
    }
    for terminal_no, listening in found.items():
        field.sims.do(listening.open())
        protocol = "hdlc" if terminal_no == LINED else "dlms"
        body = {"terminal_no": terminal_no, "protocol": protocol, "endpoint": f"127.0.0.1:{listening.port}"}
        new = record(terminal_no).model_copy(update=body)
        reply = field.api.register_terminals(field.call(), RegisterTerminals(terminals=[new]))
        assert reply.taken == 1, reply
        place = {"terminal_no": terminal_no, "number": 1, "meter_no": METERS[terminal_no], "address": f"{1:012d}"}
        field.api.assign_meters(field.call(), AssignMeters(meters=[NewTerminalMeter.model_validate(place)]))
    return found


def test_a_day_of_direct_meters_comes_into_the_lake(field: Field, meters: dict[str, Listening]) -> None:
    for terminal_no in meters:
        until(lambda no=terminal_no: field.terminal(no).link == "online", f"{terminal_no} is dialled")  # type: ignore[misc]
        until(lambda no=terminal_no: field.terminal(no).state == "in_use", "in use")  # type: ignore[misc]
    until(lambda: abs((field.terminal(WRAPPED).clock_offset_s or 0) - 600) < 60, "its clock is seen")
    started = field.api.start_collection(field.call(), StartCollection(day=DAY))
    assert started.due == 6
    for kind in ("freeze", "curve"):
        ask = AskSuccess(day=DAY, kind=kind, by="terminal")  # type: ignore[arg-type]
        until(lambda ask=ask: field.api.success(field.call(), ask).done == 3, f"{kind} of all meters")  # type: ignore[misc]
    settle(field.directory)
    lake = field.directory.hosted["reading"].store.lake
    end = DAY + timedelta(days=1)
    rows = lake.scan(REGISTERS, end, end).to_pylist()
    # A count is 10 Wh, a register of ours 0.1 Wh.
    expected = {("active_fwd", ROWS[-1][1] * 100), ("active_rev", ROWS[-1][2] * 100)}
    for meter_no in METERS.values():
        assert {(row["quantity"], row["value_e4"]) for row in rows if row["meter_no"] == meter_no} == expected
    curves = {row["subject"]: row for row in lake.scan(curve_class("active_fwd_wh"), DAY, DAY).to_pylist()}
    for meter_no in METERS.values():
        values = [curves[meter_no][slot] for slot in SLOTS]
        assert None not in values and sum(values) == 9_600 * (20 if meter_no == "M40002" else 1)


def test_a_direct_meter_is_read_on_demand_and_dialled_again(field: Field, meters: dict[str, Listening]) -> None:
    until(lambda: field.terminal(WRAPPED).link == "online", "online")
    found = field.answer(METERS[WRAPPED])
    assert [(row.quantity, row.value.e4) for row in found.rows] == [("active_fwd", 12_345_600), ("active_rev", 78_900)]
    field.sims.do(meters[WRAPPED].shut())
    until(lambda: field.terminal(WRAPPED).link == "offline", "the loss is seen")
    assert field.answer(METERS[WRAPPED]).cause == "offline"
    field.sims.do(meters[WRAPPED].open())
    until(lambda: field.terminal(WRAPPED).link == "online", "dialled again")
    assert field.answer(METERS[WRAPPED]).state == "answered"


def ordered(field: Field, kind: str, terminal_no: str) -> Order:
    one = getattr(field.api, kind)(field.call(), OrderClock(terminal_no=terminal_no))

    def now() -> Order:
        return field.api.order(field.call(), OrderRef(order_no=one.order_no))

    until(lambda: now().state != "waiting", "the answer")
    return now()


@pytest.mark.parametrize("terminal_no", [WRAPPED, LINED, LOCKED])
def test_the_clock_of_a_direct_meter_is_checked_and_set(
    field: Field, meters: dict[str, Listening], terminal_no: str
) -> None:
    until(lambda: field.terminal(terminal_no).link == "online", "online")
    meters[terminal_no].meter.now = datetime.now(UTC) + timedelta(minutes=20)
    checked = ordered(field, "check_clock", terminal_no)
    assert checked.state == "answered" and abs((checked.clock_offset_s or 0) - 1_200) < 10
    meters[terminal_no].meter.stubborn = True
    kept = ordered(field, "set_clock", terminal_no)
    assert (kept.state, kept.cause) == ("failed", "not_applied"), "its yes is not believed"
    meters[terminal_no].meter.stubborn = False
    done = ordered(field, "set_clock", terminal_no)
    assert done.state == "answered" and abs(done.clock_offset_s or 0) < 5
    until(lambda: abs(field.terminal(terminal_no).clock_offset_s or 0) < 5, "and so its record says")
    # Reading hears how far it was off, and judges the meter's day by that.
    settle(field.directory)
    with field.directory.hosted["reading"].store.work("reading", field.call()) as work:
        assert abs(ClockStore(work).off_s(field.call().today)[METERS[terminal_no]] - 1_200) < 10
    with pytest.raises(OrderNotPossible) as refused:
        field.api.order_events(field.call(), OrderEvents(terminal_no=terminal_no))
    assert "DLMS" in refused.value.detail["en"] and refused.value.kind == "events"


def test_a_day_that_the_meter_has_not_and_a_silent_meter_are_told_apart(
    field: Field, meters: dict[str, Listening]
) -> None:
    until(lambda: field.terminal(WRAPPED).link == "online", "online")
    day = DAY + timedelta(days=3)
    field.api.start_collection(field.call(), StartCollection(day=day, kinds=["freeze"]))

    def causes(terminal_no: str) -> set[str]:
        left = field.api.left(field.call(), FindLeft(day=day, terminal_no=terminal_no))
        return {row.cause for row in left.rows if row.tries}

    until(lambda: causes(WRAPPED) == {"no_data"}, "no data")
    answers = meters[LINED].meter.answer
    meters[LINED].meter.answer = lambda raw: b""  # type: ignore[method-assign]
    with field.hurried(answer_s=0.5):
        assert field.answer(METERS[LINED]).cause == "no_answer"
        meters[LINED].meter.answer = lambda raw: b"\x7e\xa0\x07\x21\x03\x73" + raw  # type: ignore[method-assign]
        assert field.answer(METERS[LINED]).state == "failed", "rubbish is no answer"
    meters[LINED].meter.answer = answers  # type: ignore[method-assign]
    until(lambda: field.answer(METERS[LINED]).state == "answered", "and does no harm")


def test_a_wrong_password_is_a_no_and_a_stopped_meter_is_let_go(field: Field, meters: dict[str, Listening]) -> None:
    until(lambda: field.terminal(LOCKED).link == "online", "online")
    meters[LOCKED].meter.secret = "keys"
    assert field.answer(METERS[LOCKED]).cause == "denied"
    stop = AmendTerminal.model_validate({"terminal_no": LOCKED, "state": "stopped", "reason": "电表已拆除"})
    field.api.amend_terminal(field.call(), stop)
    until(lambda: field.terminal(LOCKED).link == "offline", "let go")
    assert field.terminal(LOCKED).ended_by == "stopped"
