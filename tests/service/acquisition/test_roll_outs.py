"""Clocks checked and set, month-end registers, and orders to groups of terminals: by rules, through both bindings, over sockets."""

import pathlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.databases import database
from tests.service.acquisition.field import NEW, OLD, Field, fielded, meters, record, until
from tests.service.acquisition.test_terminals import STATION, filled
from tests.service.bindings import settle
from tests.service.records import OPERATOR, held

from denghuo.kernel.contract import Call
from denghuo.service.acquisition.api import (
    AcquisitionApi,
    AmendTerminal,
    AskSuccess,
    DayPart,
    FindMembers,
    FindRollOuts,
    NothingToRollOut,
    NotMonthEnd,
    Order,
    OrderClock,
    OrderRef,
    OutsideScope,
    ReasonedRollOut,
    RegisterTerminals,
    RollOut,
    RollOutNotFound,
    RollOutRef,
    StartCollection,
    StartRollOut,
    TellClocks,
    WrongParameter,
    WrongRollOutState,
    WrongTimes,
)
from denghuo.service.acquisition.listen import carry_out_decision
from denghuo.service.acquisition.rules import rates_of
from denghuo.service.acquisition.service import AcquisitionService
from denghuo.service.permission.api import PermissionApi
from denghuo.service.permission.service import PermissionService
from denghuo.service.reading.batch.intake import REGISTERS
from denghuo.service.workflow.api import ApprovalDecided, ApprovalRef, Decide, WorkflowApi
from denghuo.service.workflow.service import WorkflowService
from denghuo.simulator.device import ATTRIBUTES, MAIN_STATIONS

PARTS = [
    DayPart(begins="00:00", rate="valley"),
    DayPart(begins="08:00", rate="peak"),
    DayPart(begins="21:30", rate="flat"),
]
REASON = "分时电价调整"
BOSS = Call.system(OPERATOR.now, actor="boss")


# -- the rates of a day ----------------------------------------------------------------------------------------------------


def test_parts_of_the_day_give_each_half_hour_its_rate() -> None:
    rates = rates_of(PARTS)
    assert rates == [4] * 16 + [2] * 27 + [3] * 5
    assert rates_of([DayPart(begins="00:00", rate="deep")]) == [5] * 48


@given(st.lists(st.tuples(st.integers(0, 47), st.sampled_from(["sharp", "peak", "flat", "valley"])), max_size=14))
def test_parts_out_of_order_are_refused_and_the_others_hold_until_the_next(drawn: list[tuple[int, str]]) -> None:
    parts = [
        DayPart.model_validate({"begins": f"{half // 2:02d}:{half % 2 * 30:02d}", "rate": rate}) for half, rate in drawn
    ]
    halves = [half for half, _ in drawn]
    if not halves or halves[0] or any(later <= before for before, later in zip(halves, halves[1:], strict=False)):
        with pytest.raises(WrongTimes):
            rates_of(parts)
        return
    rates = rates_of(parts)
    assert len(rates) == 48
    for place, rate in enumerate(rates):
        held_now = max(half for half in halves if half <= place)
        assert rate == rates[held_now]


# -- through both bindings -------------------------------------------------------------------------------------------------


@pytest.fixture(params=["local", "remote"])
def acquisition(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[AcquisitionApi]:
    services = {
        PermissionApi: PermissionService,
        WorkflowApi: WorkflowService,
        AcquisitionApi: AcquisitionService,
    }
    for ask in held(request.param, database_dsn, tmp_path, services):
        found = filled(ask(AcquisitionApi))
        for terminal_no in (OLD, NEW):
            found.amend_terminal(OPERATOR, AmendTerminal(terminal_no=terminal_no, state="in_use", reason="投运验收"))
        yield found


def start(acquisition: AcquisitionApi, call: Call = OPERATOR, **by: Any) -> RollOut:
    return acquisition.start_roll_out(
        call, StartRollOut.model_validate({"kind": "check_clock", "reason": REASON, **by})
    )


def test_a_group_is_chosen_and_what_changes_nothing_starts_at_once(acquisition: AcquisitionApi) -> None:
    one = start(acquisition, protocol="gdw3761")
    assert (one.state, one.terminals, one.pending, one.approval_no) == ("running", 1, 1, None)
    assert start(acquisition, terminals=[OLD, NEW, "140500009"]).terminals == 2
    assert start(acquisition, STATION).terminals == 1, "of one's own unit"
    with pytest.raises(OutsideScope):
        start(acquisition, STATION, org="1405810.02")
    for nothing in ({"vendor": "乙厂"}, {"clock_off_s": 60}, {"channel": "fibre"}):
        with pytest.raises(NothingToRollOut):
            start(acquisition, **nothing)
    with pytest.raises(WrongTimes):
        start(acquisition, kind="set_times", parts=[{"begins": "08:00", "rate": "peak"}])
    with pytest.raises(NothingToRollOut):
        start(acquisition, kind="set_parameter", parameter="demand_period_min", value="15")
    for wrong in (
        {},
        {"parameter": "heartbeat_min", "value": "61"},
        {"parameter": "event_valid", "value": "xyz"},
        {"parameter": "main_station", "value": "10.8.0:4001"},
        {"parameter": "main_station", "value": "10.8.0.9:70000"},
    ):
        with pytest.raises(WrongParameter):
            start(acquisition, kind="set_parameter", **wrong)
    found = acquisition.roll_outs(OPERATOR, FindRollOuts(kind="check_clock"))
    assert [row.terminals for row in found.rows] == [1, 2, 1]
    members = acquisition.roll_out_members(OPERATOR, FindMembers(roll_out_no=one.roll_out_no)).rows
    assert [(row.terminal_no, row.state) for row in members] == [(OLD, "pending")]
    # Nobody is online, so advancing it changes nothing.
    assert acquisition.advance_roll_out(OPERATOR, RollOutRef(roll_out_no=one.roll_out_no)) == one
    with pytest.raises(RollOutNotFound):
        acquisition.roll_out(STATION, RollOutRef(roll_out_no=99))


def test_who_has_no_such_order_in_its_protocol_is_left_out(acquisition: AcquisitionApi) -> None:
    for number, protocol in enumerate(("dlms", "iec104"), 8):
        body = {"terminal_no": f"14058100000{number}", "protocol": protocol, "endpoint": f"10.8.0.{number}:4059"}
        body["count_wh"] = 10 if protocol == "iec104" else None
        new = record(NEW).model_copy(update=body)
        assert acquisition.register_terminals(OPERATOR, RegisterTerminals(terminals=[new])).taken == 1
        amend = AmendTerminal(terminal_no=str(body["terminal_no"]), state="in_use", reason="投运验收")
        acquisition.amend_terminal(OPERATOR, amend)
    parts = [{"begins": "00:00", "rate": "flat"}]
    assert start(acquisition).terminals == 3 and start(acquisition, kind="set_clock").terminals == 4
    assert start(acquisition, kind="set_times", parts=parts).terminals == 2


def test_what_sets_something_waits_for_a_second_person_and_can_be_halted(acquisition: AcquisitionApi) -> None:
    one = start(acquisition, kind="set_times", parts=[part.model_dump() for part in PARTS])
    assert (one.state, one.parts) == ("waiting", PARTS) and one.approval_no is not None
    ref = ReasonedRollOut(roll_out_no=one.roll_out_no, reason="等待核对时段")
    for early in (acquisition.halt_roll_out, acquisition.resume_roll_out):
        with pytest.raises(WrongRollOutState):
            early(OPERATOR, ref)
    clocks = start(acquisition)
    stopped = ReasonedRollOut(roll_out_no=clocks.roll_out_no, reason="台风来临先停")
    halted = acquisition.halt_roll_out(OPERATOR, stopped)
    assert (halted.state, halted.note.zh, halted.note.en) == ("halted", "台风来临先停", "台风来临先停")
    assert acquisition.resume_roll_out(OPERATOR, stopped).state == "running"
    assert acquisition.roll_out(OPERATOR, RollOutRef(roll_out_no=one.roll_out_no)) == one


def test_clocks_are_ordered_and_month_ends_are_days_of_their_own(acquisition: AcquisitionApi) -> None:
    for order in (acquisition.check_clock, acquisition.set_clock):
        given_now = order(STATION, OrderClock(terminal_no=OLD))
        assert (given_now.state, given_now.cause, given_now.clock_offset_s) == ("failed", "offline", None)
    with pytest.raises(NotMonthEnd):
        acquisition.start_collection(OPERATOR, StartCollection(day=date(2026, 4, 10), kinds=["freeze", "month"]))
    started = acquisition.start_collection(OPERATOR, StartCollection(day=date(2026, 3, 31), kinds=["month"]))
    assert started.due == 3
    assert acquisition.tell_clocks(OPERATOR, TellClocks(node="front-1")).told == 0


# -- over sockets ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def field(postgres_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    with database(postgres_dsn, template) as dsn, fielded(dsn, tmp_path_factory.mktemp("rolled")) as made:
        made.register(OLD, NEW)
        yield made


def answered(field: Field, order: Order) -> Order:
    def now() -> Order:
        return field.api.order(field.call(), OrderRef(order_no=order.order_no))

    until(lambda: now().state != "waiting", "the answer")
    return now()


def told(field: Field, terminal_no: str) -> list[tuple[str, int]]:
    """What was stated of clocks of a terminal's meters: by which operation, and the days that they are ahead; each once."""
    mine, days = {meter.meter_no for meter in meters(terminal_no)}, dict[tuple[str, int], None]()
    with field.directory.hosted["acquisition"].store.work("acquisition", field.call()) as work:
        rows = work.rows("SELECT operation, events FROM journal WHERE events::text LIKE %s ORDER BY seq", ("%clocks%",))
    for row in rows:
        for event in row["events"]:
            clocks = [one for one in event["data"]["clocks"] if one["meter_no"] in mine]
            assert {one["meter_no"] for one in clocks} in (mine, set()), "all that it reads"
            days |= dict.fromkeys((row["operation"], round(one["offset_s"] / 86_400)) for one in clocks)
    return list(days)


@pytest.mark.parametrize("terminal_no", [OLD, NEW])
def test_a_wrong_clock_is_seen_and_set(field: Field, terminal_no: str) -> None:
    leave = field.connect(terminal_no, "wrong_clock")
    # Nobody asked for it: its login told it, or the question after it.
    until(lambda: told(field, terminal_no) == [("acquisition.tell_clocks", 2)], "its clock is stated")
    seen = answered(field, field.api.check_clock(field.call(), OrderClock(terminal_no=terminal_no)))
    assert seen.state == "answered" and abs((seen.clock_offset_s or 0) - 2 * 86_400) < 5
    right = answered(field, field.api.set_clock(field.call(), OrderClock(terminal_no=terminal_no)))
    assert right.state == "answered", right
    assert abs(right.clock_offset_s or 0) <= 2
    until(lambda: field.terminal(terminal_no).clock_offset_s in range(-2, 3), "the record shows it")
    by_answer = [("acquisition.answer_orders", days) for days in (2, 0)]
    until(lambda: told(field, terminal_no) == [("acquisition.tell_clocks", 2), *by_answer], "it is stated as right")
    leave()
    until(lambda: field.terminal(terminal_no).link == "offline", "gone")
    leave = field.connect(terminal_no, "wrong_clock", "stubborn")
    wrong = answered(field, field.api.set_clock(field.call(), OrderClock(terminal_no=terminal_no)))
    assert (wrong.state, wrong.cause) == ("failed", "not_applied"), "a yes is not believed, the clock is read again"
    leave()
    until(lambda: field.terminal(terminal_no).link == "offline", "gone")


def test_the_registers_of_a_months_end_come_into_the_lake(field: Field) -> None:
    day = date(2026, 4, 30)
    leave = [field.connect(OLD), field.connect(NEW)]
    assert field.api.start_collection(field.call(), StartCollection(day=day, kinds=["month"])).due == 6
    until(lambda: field.api.success(field.call(), AskSuccess(day=day, kind="month")).done == 6, "month's end")
    settle(field.directory)
    lake = field.directory.hosted["reading"].store.lake
    end = day + timedelta(days=1)
    rows = lake.scan(REGISTERS, end, end).to_pylist()
    assert {row["meter_no"] for row in rows} == {meter.meter_no for no in (OLD, NEW) for meter in meters(no)}
    first = next(row for row in rows if row["meter_no"] == meters(OLD)[0].meter_no and row["quantity"] == "active_fwd")
    assert first["value_e4"] == 1_000_000 + 30 * 96_000
    for one in leave:
        one()
    until(lambda: {field.terminal(no).link for no in (OLD, NEW)} == {"offline"}, "gone")


def test_times_of_use_go_to_a_group_halt_on_failures_and_go_on(field: Field) -> None:
    leave = {OLD: field.connect(OLD), NEW: field.connect(NEW, "stubborn")}
    body = {"kind": "set_times", "parts": [part.model_dump() for part in PARTS], "reason": REASON, "at_once": 1}
    asked_by = replace(field.call(), actor="planner")
    one = field.api.start_roll_out(asked_by, StartRollOut.model_validate(body))
    assert one.state == "waiting" and field.devices[OLD].rates == [1] * 48
    decide = Decide(approval_no=one.approval_no or 0, agreed=True, remark="已核对")
    field.directory(WorkflowApi).decide(replace(field.call(), actor="boss"), decide)
    settle(field.directory)

    def now() -> RollOut:
        return field.api.roll_out(field.call(), RollOutRef(roll_out_no=one.roll_out_no))

    until(lambda: now().state == "halted", "it halts")
    assert (now().done, now().failed, now().decided_by) == (1, 1, "boss")
    assert (now().note.zh, now().note.en) == ("失败 1 台，超过允许的 0 台", "1 failed, where 0 were allowed")
    assert field.devices[OLD].rates == rates_of(PARTS)
    failed = field.api.roll_out_members(field.call(), FindMembers(roll_out_no=one.roll_out_no, state="failed")).rows
    assert [(row.terminal_no, row.cause) for row in failed] == [(NEW, "not_applied")]
    # The terminal is put right while it is away; then it is told again, and only it.
    leave[NEW]()
    until(lambda: field.terminal(NEW).link == "offline", "gone")
    resumed = ReasonedRollOut(roll_out_no=one.roll_out_no, reason="终端已修复")
    assert field.api.resume_roll_out(field.call(), resumed).pending == 1
    leave[NEW] = field.connect(NEW)
    until(lambda: now().state == "done", "the rest is done once it is back")
    assert (now().done, now().failed) == (2, 0) and field.devices[NEW].rates == rates_of(PARTS)
    for one_leaves in leave.values():
        one_leaves()


@pytest.mark.parametrize(
    ("no", "parameter", "value", "place", "content"),
    [
        # The other fields of a unit or attribute stay as they are.
        (OLD, "heartbeat_min", "5", 1, bytes((20, 5, 0x3C, 0x10, 0, 5))),
        (OLD, "event_valid", "00000000000000FF", 9, b"\xff" + bytes(15)),
        (OLD, "main_station", "10.8.0.9:4002", 3, bytes((10, 8, 0, 9, 0xA2, 0x0F)) + MAIN_STATIONS[6:]),
        (NEW, "heartbeat_min", "4", "45000200", ATTRIBUTES["45000200"][:-2] + bytes((0, 240))),
        (
            NEW,
            "main_station",
            "10.8.0.9:4002",
            "45000300",
            bytes.fromhex("0102020209040a080009120fa2") + ATTRIBUTES["45000300"][13:],
        ),
        (NEW, "tells_events", "0", "43000800", bytes.fromhex("0300")),
    ],
)
def test_a_parameter_goes_to_a_group_and_is_read_back(
    field: Field, no: str, parameter: str, value: str, place: int | str, content: bytes
) -> None:
    body = {"kind": "set_parameter", "parameter": parameter, "value": value, "reason": REASON, "terminals": [no]}
    for faults, state, failed in ((("stubborn",), "halted", 1), ((), "done", 0)):
        leave = field.connect(no, *faults)
        one = field.api.start_roll_out(replace(field.call(), actor="planner"), StartRollOut.model_validate(body))
        assert (one.terminals, one.parameter, one.value) == (1, parameter, value.lower())
        decide = Decide(approval_no=one.approval_no or 0, agreed=True, remark="已核对")
        field.directory(WorkflowApi).decide(replace(field.call(), actor="boss"), decide)
        settle(field.directory)

        def now(no: int = one.roll_out_no) -> RollOut:
            return field.api.roll_out(field.call(), RollOutRef(roll_out_no=no))

        until(lambda now=now, state=state: now().state == state, state)  # type: ignore[misc]
        assert now().failed == failed
        device = field.devices[no]
        kept = device.parameters[place] if isinstance(place, int) else device.attributes[place]
        assert (kept == content) is (state == "done")
        leave()
        until(lambda: field.terminal(no).link == "offline", "gone")


def test_a_refused_roll_out_sets_nothing(field: Field) -> None:
    field.register("140500003")
    leave = field.connect("140500003")
    body = {"kind": "set_clock", "reason": REASON, "terminals": ["140500003"]}
    one = field.api.start_roll_out(replace(field.call(), actor="planner"), StartRollOut.model_validate(body))
    decide = Decide(approval_no=one.approval_no or 0, agreed=False, remark="暂不对时")
    field.directory(WorkflowApi).decide(replace(field.call(), actor="boss"), decide)
    settle(field.directory)
    refused = field.api.roll_out(field.call(), RollOutRef(roll_out_no=one.roll_out_no))
    assert (refused.state, refused.note.zh) == ("refused", "暂不对时")
    # The same decision heard twice changes nothing.
    event = ApprovalDecided(
        approval_no=one.approval_no or 0, kind="acquisition.roll_out", subject_noun="acquisition",
        subject_id=str(one.roll_out_no), agreed=True, decided_by="boss", requested_by="planner", remark="",
    )  # fmt: skip
    field.directory.hosted["acquisition"].handle("acquisition", carry_out_decision, field.call(), event, "again")
    assert field.api.roll_out(field.call(), RollOutRef(roll_out_no=one.roll_out_no)) == refused
    # Taken back by who asked, it ends as well.
    planner = replace(field.call(), actor="planner")
    again = field.api.start_roll_out(planner, StartRollOut.model_validate(body))
    field.directory(WorkflowApi).withdraw(planner, ApprovalRef(approval_no=again.approval_no or 0))
    settle(field.directory)
    ended = field.api.roll_out(field.call(), RollOutRef(roll_out_no=again.roll_out_no))
    assert (ended.state, ended.decided_by) == ("refused", "planner")
    assert (ended.note.zh, ended.note.en) == ("申请人已撤回", "Withdrawn by who asked")
    leave()
