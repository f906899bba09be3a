"""Records of terminals, what is due of them and what a front hands over, through both bindings."""

import pathlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from tests.service.acquisition.field import DAY, NEW, OLD, record
from tests.service.records import CLERK, OPERATOR, held

from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets, arrow_schema
from denghuo.kernel.values import Percent, Register
from denghuo.service.acquisition.api import (
    OUTCOMES,
    AcquisitionApi,
    AmendTerminal,
    AnswerReads,
    AskSuccess,
    AssignMeters,
    CauseCode,
    DayNotOver,
    EndpointTaken,
    FindBrokers,
    FindLeft,
    FindReads,
    FindStrangers,
    FindTerminals,
    FindWork,
    MeterNotCollected,
    NewTerminal,
    NewTerminalMeter,
    NotDialled,
    OutsideScope,
    ReadAnswer,
    ReadNotFound,
    ReadNow,
    ReadRef,
    ReadValue,
    RecordRefused,
    RegisterTerminals,
    StartCollection,
    SuccessRow,
    TakeCollected,
    TerminalNotFound,
    TerminalRef,
)
from denghuo.service.acquisition.rules import step_of
from denghuo.service.acquisition.service import AcquisitionService

STATION = replace(CLERK, permits=frozenset({"acquisition.*"}))


@pytest.fixture(params=["local", "remote"])
def acquisition(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[AcquisitionApi]:
    for ask in held(request.param, database_dsn, tmp_path, {AcquisitionApi: AcquisitionService}):
        yield ask(AcquisitionApi)


def behind(terminal_no: str, number: int, meter_no: str) -> NewTerminalMeter:
    return NewTerminalMeter(terminal_no=terminal_no, number=number, meter_no=meter_no, address=f"{number:012d}")


def filled(acquisition: AcquisitionApi) -> AcquisitionApi:
    acquisition.register_terminals(OPERATOR, RegisterTerminals(terminals=[record(OLD), record(NEW)]))
    meters = [behind(OLD, 1, "M1"), behind(OLD, 2, "M2"), behind(NEW, 1, "M3")]
    acquisition.assign_meters(OPERATOR, AssignMeters(meters=meters))
    return acquisition


def test_a_batch_takes_the_good_and_names_the_bad(acquisition: AcquisitionApi) -> None:
    other = record(OLD).model_copy(update={"vendor": "乙厂"})
    swapped = record("140500007").model_copy(update={"protocol": "dlt698"})
    everyone = record(OLD).model_copy(update={"terminal_no": "140565535"})
    lost = record(NEW).model_copy(update={"terminal_no": "140581000008", "protocol": "dlms"})
    dialling = record("140500006").model_copy(update={"endpoint": "10.8.0.15:4059"})
    direct = lost.model_copy(update={"terminal_no": "140581000009", "endpoint": "10.8.0.15:4059"})
    twice = direct.model_copy(update={"terminal_no": "140581000010", "endpoint": "10.8.0.15:4059"})
    batch = [record(OLD), record(NEW), record(OLD), other, swapped, everyone, lost, dialling, direct, direct, twice]
    reply = acquisition.register_terminals(OPERATOR, RegisterTerminals(terminals=batch))
    assert (reply.taken, reply.unchanged) == (3, 2)
    assert [(item.item, item.field) for item in reply.refused] == [
        (3, "vendor"),
        (4, "terminal_no"),
        (5, "terminal_no"),
        (6, "endpoint"),
        (7, "endpoint"),
        (10, "endpoint"),
    ]
    meters = [
        behind(OLD, 1, "M1"),
        behind(OLD, 1, "M1"),
        behind(OLD, 1, "M2"),
        behind(NEW, 1, "M1"),
        behind("140500009", 1, "M4"),
    ]
    assigned = acquisition.assign_meters(OPERATOR, AssignMeters(meters=meters))
    assert (assigned.taken, assigned.unchanged) == (1, 1)
    assert [(item.item, item.field) for item in assigned.refused] == [
        (2, "number"),
        (3, "meter_no"),
        (4, "terminal_no"),
    ]
    assert acquisition.assign_meters(OPERATOR, AssignMeters(meters=meters[:1])).unchanged == 1


def test_a_station_sees_and_changes_its_own_terminals_only(acquisition: AcquisitionApi) -> None:
    filled(acquisition)
    with pytest.raises(OutsideScope):
        acquisition.register_terminals(STATION, RegisterTerminals(terminals=[record("140581000004")]))
    found = acquisition.find_terminals(STATION, FindTerminals())
    assert [(row.terminal_no, row.link, row.state, row.meters) for row in found.rows] == [
        (OLD, "never", "registered", 2)
    ]
    assert (found.total, found.online, found.meters) == (1, 0, 2)
    assert acquisition.find_terminals(OPERATOR, FindTerminals(keyword="%")).total == 0
    assert acquisition.find_terminals(OPERATOR, FindTerminals(protocol="dlt698", limit=1)).next == NEW
    detail = acquisition.terminal(STATION, TerminalRef(terminal_no=OLD))
    assert [(one.number, one.meter_no) for one in detail.meters] == [(1, "M1"), (2, "M2")]
    for terminal_no in (NEW, "140500009"):
        with pytest.raises(TerminalNotFound):
            acquisition.terminal(STATION, TerminalRef(terminal_no=terminal_no))
    with pytest.raises(NotDialled):
        acquisition.amend_terminal(
            OPERATOR, AmendTerminal(terminal_no=OLD, endpoint="10.8.0.15:4059", reason="更换集中器")
        )
    amended = AmendTerminal(terminal_no=OLD, vendor="丙厂", state="stopped", reason="更换集中器")
    assert acquisition.amend_terminal(STATION, amended).vendor == "丙厂"
    with pytest.raises(TerminalNotFound):
        acquisition.amend_terminal(STATION, amended.model_copy(update={"terminal_no": NEW}))
    assert acquisition.strangers(STATION, FindStrangers()).rows == []


def test_two_that_are_dialled_do_not_share_a_network_address(acquisition: AcquisitionApi) -> None:
    def gateway(no: int, **by: Any) -> NewTerminal:
        body = {"terminal_no": f"14058100000{no}", "protocol": "dlt645", "endpoint": "gw-15.example:4001", **by}
        return record(NEW).model_copy(update=body)

    acquisition.register_terminal(OPERATOR, gateway(1))
    # Another unit does not see the one that has it, and is told no number.
    for call, same, named in (
        (OPERATOR, {"endpoint": "GW-15.example:4001"}, True),
        (replace(STATION, scope=("1405810.03",)), {"org": "1405810.03"}, False),
    ):
        with pytest.raises(RecordRefused) as raised:
            acquisition.register_terminal(call, gateway(2, **same))
        assert (raised.value.fields["field"], "140581000001" in raised.value.detail["en"]) == ("endpoint", named)
    stop = AmendTerminal(terminal_no="140581000001", state="stopped", reason="更换串口服务器")
    acquisition.amend_terminal(OPERATOR, stop)
    acquisition.register_terminal(OPERATOR, gateway(2))
    acquisition.register_terminal(OPERATOR, gateway(3, endpoint="gw-16.example:4001"))
    back = stop.model_copy(update={"state": "in_use"})
    moved = AmendTerminal(terminal_no="140581000003", endpoint="gw-15.example:4001", reason="网络改址")
    for amended in (back, moved):
        with pytest.raises(EndpointTaken) as taken:
            acquisition.amend_terminal(OPERATOR, amended)
        assert (taken.value.fields["endpoint"], taken.value.fields["taken_by"]) == (
            "gw-15.example:4001",
            "140581000002",
        )


@pytest.mark.parametrize(
    ("protocol", "changed", "field"),
    [
        ("mqtt", {}, None),
        ("mqtt", {"terminal_no": "140500009"}, "terminal_no"),
        ("mqtt", {"endpoint": "10.8.0.2:1883"}, "endpoint"),
        ("dlt645", {"endpoint": "10.8.0.15:4001"}, None),
        ("dlt645", {}, "endpoint"),
        ("dlt645", {"endpoint": "10.8.0.15:4001", "count_wh": 10}, "count_wh"),
    ],
)
def test_one_terminal_is_registered_with_its_meter_or_told_what_is_wrong(
    acquisition: AcquisitionApi, protocol: str, changed: dict[str, Any], field: str | None
) -> None:
    new = record(NEW).model_copy(update={"protocol": protocol, **changed})
    if field is not None:
        with pytest.raises(RecordRefused) as raised:
            acquisition.register_terminal(OPERATOR, new)
        assert raised.value.fields["field"] == field
        return
    assert (acquisition.register_terminal(OPERATOR, new).protocol, new.protocol) == (protocol, protocol)
    meter = behind(NEW, 1, "M1")
    assert [one.meter_no for one in acquisition.assign_meter(OPERATOR, meter).meters] == ["M1"]
    with pytest.raises(RecordRefused) as raised:
        acquisition.assign_meter(OPERATOR, meter.model_copy(update={"meter_no": "M2"}))
    assert raised.value.fields["field"] == "number"
    with pytest.raises(TerminalNotFound):
        acquisition.assign_meter(OPERATOR, behind(OLD, 1, "M3"))
    with pytest.raises(RecordRefused):
        acquisition.register_terminal(OPERATOR, new.model_copy(update={"name": "另一名称"}))


def test_a_broker_that_no_living_front_holds_is_away(acquisition: AcquisitionApi, database_dsn: str) -> None:
    assert acquisition.brokers(STATION, FindBrokers()).rows == []
    with psycopg.connect(database_dsn) as connection:
        connection.execute(
            "INSERT INTO acquisition.broker (address, node, state, since, losses) VALUES ('mqtt://10.8.0.2:1883', 'n1', 'online',"
            " %s, 2)",
            (OPERATOR.now,),
        )
    (row,) = acquisition.brokers(OPERATOR, FindBrokers()).rows
    assert (row.address, row.state, row.losses, row.terminals) == ("mqtt://10.8.0.2:1883", "offline", 2, 0)


def outcomes(datasets: Datasets, *rows: tuple[str, str | None]) -> TakeCollected:
    table = [{"day": DAY, "kind": "freeze", "meter_no": meter_no, "cause": cause} for meter_no, cause in rows]
    made = pa.Table.from_pylist(table, schema=arrow_schema(OUTCOMES))
    return TakeCollected(outcomes=datasets.publish(OUTCOMES, "2026-04", "test", made, OPERATOR.now))


def test_a_day_is_due_tried_and_counted(acquisition: AcquisitionApi, database_dsn: str, tmp_path: pathlib.Path) -> None:
    filled(acquisition)
    day = StartCollection(day=DAY, kinds=["freeze"])
    assert acquisition.start_collection(OPERATOR, day).due == 0, "terminals that were never seen owe nothing"
    for terminal_no in (OLD, NEW):
        acquisition.amend_terminal(OPERATOR, AmendTerminal(terminal_no=terminal_no, state="in_use", reason="投运验收"))
    with pytest.raises(DayNotOver):
        acquisition.start_collection(OPERATOR, StartCollection(day=OPERATOR.today))
    assert acquisition.start_collection(OPERATOR, day).due == 3
    assert acquisition.start_collection(OPERATOR, day).due == 0
    with Database(database_dsn) as database:
        datasets = Datasets(database, tmp_path)
        reply = acquisition.take_collected(OPERATOR, outcomes(datasets, ("M1", None), ("M2", "no_answer")))
        assert (reply.collected, reply.failed) == (1, 1)
        again = acquisition.take_collected(OPERATOR, outcomes(datasets, ("M1", None)))
        assert again.collected == 0, "the same outcome twice counts once"
    board = acquisition.success(OPERATOR, AskSuccess(by="terminal"))
    assert (board.day, board.due, board.done, board.missing, board.rate) == (DAY, 3, 1, 2, Percent(3_333))
    rows: dict[str, Any] = {row.key: row for row in board.rows}
    assert (rows[OLD].due, rows[OLD].done, rows[OLD].no_answer, rows[OLD].offline) == (2, 1, 1, 0)
    assert (rows[NEW].due, rows[NEW].done, rows[NEW].offline) == (1, 0, 1), "nobody asked: its terminal is offline"
    assert [row.key for row in acquisition.success(OPERATOR, AskSuccess(by="vendor")).rows] == ["甲厂"]
    assert [row.org for row in acquisition.success(OPERATOR, AskSuccess(by="vendor")).rows] == [None]
    assert acquisition.success(STATION, AskSuccess(day=DAY)).due == 2
    assert acquisition.success(OPERATOR, AskSuccess(day=date(2026, 4, 1))).rate is None
    work = acquisition.collection_work(OPERATOR, FindWork())
    assert (work.day, work.missing) == (DAY, 2)
    assert [(row.terminal_no, row.missing, row.due, row.cause, row.step, row.days, row.link) for row in work.rows] == [
        (OLD, 1, 2, "no_answer", "ask_again", 1, "never"),
        (NEW, 1, 1, "offline", "check_channel", 1, "never"),
    ]
    assert acquisition.collection_work(OPERATOR, FindWork(limit=1)).next == "1"
    second = acquisition.collection_work(OPERATOR, FindWork(limit=1, after="1"))
    assert ([row.terminal_no for row in second.rows], second.next) == ([NEW], None)
    assert [row.terminal_no for row in acquisition.collection_work(OPERATOR, FindWork(step="check_channel")).rows] == [
        NEW
    ]
    assert [row.terminal_no for row in acquisition.collection_work(STATION, FindWork()).rows] == [OLD]
    left = acquisition.left(OPERATOR, FindLeft(cause="no_answer"))
    assert [(row.meter_no, row.tries, row.state) for row in left.rows] == [("M2", 1, "due")]
    assert left.rows[0].deadline - OPERATOR.now == timedelta(hours=20)
    assert acquisition.left(STATION, FindLeft(limit=1)).next == "M2 freeze"
    with Database(database_dsn) as database:
        keyless = outcomes(Datasets(database, tmp_path), ("M2", "no_cipher"))
        acquisition.take_collected(OPERATOR, keyless)
    causes = set(SuccessRow.model_fields) - {"key", "group", "org", "due", "done", "rate"}
    for by in ("org", "terminal", "vendor", "channel"):
        found = acquisition.success(OPERATOR, AskSuccess(by=by)).rows
        assert sum(row.no_cipher for row in found) == 1
        assert by != "channel" or [row.group.zh for row in found] == ["移动公网"]
        for row in found:
            assert sum(getattr(row, cause) for cause in causes) == row.due - row.done, "what is missing has one cause"


def test_a_read_on_demand_waits_for_its_answer(acquisition: AcquisitionApi) -> None:
    filled(acquisition)
    read = acquisition.read_now(STATION, ReadNow(meter_no="M1"))
    assert (read.state, read.cause, read.terminal_no) == ("failed", "offline", OLD)
    value = ReadValue(quantity="active_fwd", band="total", value=Register(1_234_500), read_at=OPERATOR.now)
    late = AnswerReads(answers=[ReadAnswer(read_no=read.read_no, cause=None, rows=[value])])
    assert acquisition.answer_reads(OPERATOR, late).answered == 0, "what is settled stays"
    assert acquisition.on_demand_read(STATION, ReadRef(read_no=read.read_no)).rows == []
    assert [row.read_no for row in acquisition.on_demand_reads(STATION, FindReads(meter_no="M1")).rows] == [
        read.read_no
    ]
    with pytest.raises(MeterNotCollected):
        acquisition.read_now(STATION, ReadNow(meter_no="M3"))
    with pytest.raises(ReadNotFound):
        acquisition.on_demand_read(STATION, ReadRef(read_no="none"))


@pytest.mark.parametrize(
    ("cause", "days", "step"),
    [
        ("offline", 5, "check_channel"),
        ("wrong_day", 1, "set_clock"),
        ("denied", 1, "check_records"),
        ("no_data", 1, "check_records"),
        ("bad_frame", 1, "check_protocol"),
        ("no_cipher", 1, "connect_keys"),
        ("no_answer", 2, "ask_again"),
        ("no_answer", 3, "visit"),
        ("waiting", 1, "ask_again"),
    ],
)
def test_the_cause_says_the_next_step(cause: CauseCode, days: int, step: str) -> None:
    assert step_of(cause, days) == step
