"""Customers switched off and on from afar: interlocks by rule, two persons, through both bindings, over sockets to the relay."""

import pathlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.brokers import FRONT, FRONT_PASSWORD, broker, free_port
from tests.databases import database
from tests.service.acquisition.field import NEW, OLD, QUICK, Field, county, fielded, meters, until
from tests.service.acquisition.test_terminals import STATION, filled
from tests.service.bindings import settle
from tests.service.records import OPERATOR, held

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Api, Call
from denghuo.service.acquisition.api import (
    AcquisitionApi,
    EndGuard,
    FindGuards,
    FindSwitchings,
    Guard,
    GuardNotFound,
    GuardRefused,
    MeterNotCollected,
    OutsideScope,
    RequestSwitching,
    SetGuard,
    SetSwitchingPolicy,
    Switching,
    SwitchingBlocked,
    SwitchingNotFound,
    SwitchingOpen,
    SwitchingRef,
)
from denghuo.service.acquisition.front.broker import BrokerAddress
from denghuo.service.acquisition.front.cipher import CipherNotThere, Sealed, SoftwareCipher, cipher_of
from denghuo.service.acquisition.front.dlt698 import Speaker698
from denghuo.service.acquisition.front.gdw3761 import Speaker3761
from denghuo.service.acquisition.front.speak import Place
from denghuo.service.acquisition.protocol.fault import BadFrame
from denghuo.service.acquisition.rules import blocks
from denghuo.service.acquisition.service import AcquisitionService
from denghuo.service.contract.api import Contract, ContractApi, Contracts, ContractsOf
from denghuo.service.host.binding import Ask, Implementation
from denghuo.service.permission.api import PermissionApi
from denghuo.service.permission.service import PermissionService
from denghuo.service.point.api import FindPoints, Point, PointApi, PointsFound
from denghuo.service.workflow.api import ApprovalRef, Decide, SamePerson, WorkflowApi
from denghuo.service.workflow.service import WorkflowService
from denghuo.simulator import wire698, wire3761
from denghuo.simulator.county import Concentrator
from denghuo.simulator.device import Device
from denghuo.simulator.gateway import Gateway
from denghuo.simulator.mqtt import BrokerAddress as SimulatedBroker
from denghuo.simulator.mqtt import MqttTerminal
from denghuo.simulator.terminal import Behaviour

ACCOUNT, PROTECTED = "5810100000019", "5810100000027"
REASON = "欠费三个月，已三次催缴"
TODAY = OPERATOR.today
POINT = {"role": "sale", "direction": "fwd", "org": "1405810.01", "multiplier": "1", "voltage_kv": "0.38"}
POINT |= {"integer_digits": 6, "decimal_digits": 2, "installed_at": OPERATOR.now}
CONTRACT = dict.fromkeys(Contract.model_fields) | {"contract_no": "HT20240001", "org": "1405810.01", "kind": "supply"}
CONTRACT |= {"effective_from": TODAY, "tariff_class": "resident", "voltage_kv": "0.22", "settlement_mode": "agency"}


# -- the interlocks --------------------------------------------------------------------------------------------------------


def guard(**by: Any) -> Guard:
    body = {"guard_no": 1, "kind": "storm", "org": "1405810", "meter_no": None, "first_day": TODAY, "last_day": None}
    return Guard.model_validate({**body, "reason": "台风红色预警", "set_by": "boss", "set_at": OPERATOR.now, **by})


@pytest.mark.parametrize(
    ("by", "stands"),
    [
        ({}, True),
        ({"first_day": TODAY + timedelta(days=1)}, False),
        ({"last_day": TODAY}, True),
        ({"first_day": TODAY - timedelta(days=3), "last_day": TODAY - timedelta(days=1)}, False),
        ({"org": "1405810.01"}, True),
        ({"org": "1405810.02"}, False),
        ({"org": "1405810.0"}, False),
        ({"kind": "protected", "meter_no": "M1"}, True),
        ({"kind": "protected", "meter_no": "M2"}, False),
        # A guard of a meter is of that meter, wherever the unit of the record is.
        ({"kind": "protected", "meter_no": "M1", "org": "1405810.02"}, True),
    ],
)
def test_a_guard_stands_against_its_own_on_its_days(by: dict[str, Any], stands: bool) -> None:
    against = blocks("off", "M1", "1405810.01", TODAY, [guard(**by)], protected=False)
    assert bool(against) is stands
    assert all("台风红色预警" in one["zh"] and "台风红色预警" in one["en"] for one in against)


@given(st.lists(st.sampled_from(["storm", "holiday"]), max_size=3), st.booleans())
def test_nothing_stands_against_switching_on_and_every_reason_is_told(kinds: list[str], protected: bool) -> None:
    guards = [guard(kind=kind) for kind in kinds]
    assert blocks("on", "M1", "1405810.01", TODAY, guards, protected) == []
    assert len(blocks("off", "M1", "1405810.01", TODAY, guards, protected)) == len(guards) + protected


def test_a_cipher_machine_is_none_the_software_one_or_a_plug_in() -> None:
    assert cipher_of("") is None
    assert isinstance(cipher_of("software"), SoftwareCipher)
    assert isinstance(cipher_of("denghuo.service.acquisition.front.cipher:SoftwareCipher"), SoftwareCipher)
    for wrong in ("nowhere.module:factory", "denghuo.settings:nothing", "x"):
        with pytest.raises(CipherNotThere):
            cipher_of(wrong)


@given(st.sampled_from([OLD, NEW]), st.integers(0, 400), st.integers(0, 255), st.binary(max_size=8))
def test_damage_never_says_that_a_switch_is_where_it_is_not(no: str, at: int, byte: int, noise: bytes) -> None:
    """A damaged answer is an error, or no answer for this meter; where it is read, it was not the damage that was read."""
    speaker, wire = (Speaker3761(), wire3761) if no == OLD else (Speaker698(), wire698)
    place, device = Place(2, "M2", "000000000002"), Device(opened={"000000000002"})
    (asked,), _ = wire.split(speaker.ask_switch(no, 3, place))  # type: ignore[union-attr]
    now = OPERATOR.now
    raw = wire.answer(no, asked, lambda *_: None, now, 0, (), device)  # type: ignore[union-attr]
    body = bytearray(raw)
    body[at % len(raw)] = byte
    for piece in (bytes(body), raw[: at % len(raw)] + noise):
        try:
            heard = speaker.hear(piece)
            if heard is not None and heard.kind == "answer":
                assert speaker.switch_of(place, [heard.content]) is not True
                assert not speaker.switched([heard.content])
        except BadFrame:
            pass


# -- through both bindings -------------------------------------------------------------------------------------------------


def records(accounts: Mapping[str, str]) -> dict[type[Api], Implementation]:
    """Points that know whose meters these are, and contracts of which one protects its customer."""

    class Points(PointApi):
        def __init__(self, work: Work, ask: Ask) -> None:
            pass

        def find_points(self, call: Call, request: FindPoints) -> PointsFound:
            found = [
                Point.model_validate({**POINT, "point_no": f"P{no}", "meter_no": no, "account_no": account})
                for no, account in accounts.items()
                if request.keyword in no
            ]
            return PointsFound(rows=found, total=len(found), next=None, as_of=call.now)

    class Signed(ContractApi):
        def __init__(self, work: Work, ask: Ask) -> None:
            pass

        def contracts_of(self, call: Call, request: ContractsOf) -> Contracts:
            body = {**CONTRACT, "account_no": request.account_no, "protected": request.account_no == PROTECTED}
            return Contracts(rows=[Contract.model_validate(body)], as_of=call.now)

    return {PointApi: Points, ContractApi: Signed}


@pytest.fixture(params=["local", "remote"])
def acquisition(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[AcquisitionApi]:
    services: dict[type[Api], Implementation] = {
        PermissionApi: PermissionService,
        WorkflowApi: WorkflowService,
        AcquisitionApi: AcquisitionService,
        **records({"M1": ACCOUNT, "M2": PROTECTED, "M11": PROTECTED}),
    }
    for ask in held(request.param, database_dsn, tmp_path, services):
        yield at_once(filled(ask(AcquisitionApi)), OPERATOR)


def ask_off(acquisition: AcquisitionApi, meter_no: str = "M1", action: str = "off", call: Call = STATION) -> Switching:
    body = {"meter_no": meter_no, "action": action, "reason": REASON}
    return acquisition.request_switching(call, RequestSwitching.model_validate(body))


def at_once(acquisition: AcquisitionApi, call: Call) -> AcquisitionApi:
    """A policy that asks for no notice."""
    body = {"org": "1405810", "effective_from": call.today, "notice_days": 0, "call_minutes": 0, "source": "试验"}
    acquisition.set_switching_policy(call, SetSwitchingPolicy.model_validate(body))
    return acquisition


def storm(acquisition: AcquisitionApi, **by: Any) -> Guard:
    body = {"kind": "storm", "org": "1405810.01", "first_day": TODAY, "reason": "台风红色预警", **by}
    return acquisition.set_guard(OPERATOR, SetGuard.model_validate(body))


def test_a_switching_waits_for_a_second_person_and_one_at_a_time(acquisition: AcquisitionApi) -> None:
    one = ask_off(acquisition)
    assert (one.state, one.account_no, one.terminal_no, one.asked_by) == ("waiting", ACCOUNT, OLD, "clerk")
    assert one.approval_no is not None and one.position is None
    assert acquisition.switching(STATION, SwitchingRef(switching_no=one.switching_no)) == one
    assert acquisition.switchings(STATION, FindSwitchings(meter_no="M1", state="waiting", action="off")).rows == [one]
    assert acquisition.switchings(STATION, FindSwitchings(state="done")).rows == []
    with pytest.raises(SwitchingOpen) as refused:
        ask_off(acquisition, action="on")
    assert refused.value.switching_no == one.switching_no
    with pytest.raises(SwitchingNotFound):
        acquisition.switching(replace(STATION, scope=("1405810.02",)), SwitchingRef(switching_no=one.switching_no))


def test_who_is_protected_or_not_known_is_not_disconnected(acquisition: AcquisitionApi) -> None:
    with pytest.raises(SwitchingBlocked) as refused:
        ask_off(acquisition, "M2")
    assert "保电用户" in refused.value.detail["zh"] and len(refused.value.blocks) == 1
    with pytest.raises(SwitchingBlocked) as unknown:
        ask_off(acquisition, "M3", call=OPERATOR)
    assert "无法核实" in unknown.value.detail["zh"]
    assert ask_off(acquisition, "M2", "on").state == "waiting", "everybody may be reconnected"
    with pytest.raises(MeterNotCollected):
        ask_off(acquisition, "M3")


def test_guards_are_dated_and_end(acquisition: AcquisitionApi) -> None:
    here, company = storm(acquisition), storm(acquisition, kind="holiday", org="1405810", reason="春节不停电")
    with pytest.raises(SwitchingBlocked) as refused:
        ask_off(acquisition)
    assert len(refused.value.blocks) == 2, "a guard of the unit above holds as well"
    seen = acquisition.guards(STATION, FindGuards(in_force_on=TODAY)).rows
    assert [row.guard_no for row in seen] == [company.guard_no, here.guard_no]
    theirs = [storm(acquisition, org=org, meter_no="X9", kind="protected") for org in ("1405810.02", "1405810")]
    ours = storm(acquisition, org="1405810", meter_no="M1", kind="protected")
    assert acquisition.guards(STATION, FindGuards(kind="protected")).rows == [ours], "others' customers are not told"
    assert acquisition.guards(OPERATOR, FindGuards(kind="protected")).rows == [ours, *reversed(theirs)]
    acquisition.end_guard(OPERATOR, EndGuard(guard_no=ours.guard_no, ends_on=TODAY + timedelta(days=1)))
    assert acquisition.guards(STATION, FindGuards(kind="storm", in_force_on=TODAY - timedelta(days=1))).rows == []
    with pytest.raises(GuardNotFound):
        acquisition.end_guard(STATION, EndGuard(guard_no=company.guard_no, ends_on=TODAY + timedelta(days=1)))
    with pytest.raises(GuardRefused):
        acquisition.end_guard(OPERATOR, EndGuard(guard_no=here.guard_no, ends_on=TODAY))
    ended = acquisition.end_guard(OPERATOR, EndGuard(guard_no=here.guard_no, ends_on=TODAY + timedelta(days=2)))
    assert ended.last_day == TODAY + timedelta(days=1)
    with pytest.raises(SwitchingBlocked):
        ask_off(acquisition)
    with pytest.raises(OutsideScope):
        acquisition.set_guard(STATION, SetGuard(kind="storm", org="1405810.02", first_day=TODAY, reason="暴雨预警"))
    for wrong in ({"last_day": TODAY - timedelta(days=1)}, {"kind": "protected"}):
        with pytest.raises(GuardRefused):
            storm(acquisition, **wrong)


# -- over sockets ----------------------------------------------------------------------------------------------------------


class Forged(SoftwareCipher):
    """A machine with another key, while `wrong`."""

    wrong = False

    def seal(self, address: str, order: bytes) -> Sealed:
        sealed = super().seal(address, order)
        return sealed._replace(mac=bytes(4)) if self.wrong else sealed


CIPHER = Forged()


SPOKEN, GATEWAY, PASSWORD = "140581000004", "140581000009", "secret-4"
"""A terminal over MQTT, and a gateway before meters of DL/T 645."""
PORTS = {SPOKEN: free_port(), GATEWAY: free_port()}


@pytest.fixture(scope="module")
def field(postgres_dsn: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    known = records({meter.meter_no: ACCOUNT for no in (OLD, NEW, SPOKEN, GATEWAY) for meter in meters(no)})
    folder, port = tmp_path_factory.mktemp("switched"), PORTS[SPOKEN]
    address = BrokerAddress("mqtt", "127.0.0.1", port, FRONT, FRONT_PASSWORD, "denghuo")
    limits = replace(QUICK, dial_s=0.05, dial_again_s=0.2, bus_s=5.0)
    with (
        database(postgres_dsn, template) as dsn,
        broker("nats", folder / "broker", {SPOKEN: PASSWORD}, port=port),
        fielded(dsn, folder, limits, records=known, cipher=CIPHER, broker=address) as made,
    ):
        made.register(OLD, NEW)
        made.register(SPOKEN, protocol="mqtt")
        made.register(GATEWAY, protocol="dlt645", endpoint=f"127.0.0.1:{PORTS[GATEWAY]}")
        at_once(made.api, made.call())
        yield made


def connected(field: Field, no: str, *faults: str) -> tuple[Callable[[], object], Callable[[], set[str]]]:
    """The terminal or gateway is there; what sends it away, and the addresses of meters whose relay is open."""
    behaviour = Behaviour(heartbeat_s=0.3, faults=frozenset(faults))
    if no == SPOKEN:
        spoken = MqttTerminal(Concentrator(no, "mqtt", "TG001", meters(no)), county(no), behaviour, field.tally)
        leave = field.sims.run(spoken.run(SimulatedBroker("127.0.0.1", PORTS[no], PASSWORD)))
        until(lambda: field.terminal(no).link == "online", f"{no} online")
        return leave, lambda: spoken.device.opened
    if no == GATEWAY:
        gateway = Gateway(Concentrator(no, "dlt645", "TG001", meters(no)), county(no), behaviour, field.tally)

        async def listen() -> None:
            await gateway.listen("127.0.0.1", PORTS[no])

        field.sims.do(listen())
        until(lambda: field.terminal(no).link == "online", f"{no} dialled")
        return lambda: field.sims.do(gateway.shut()), lambda: set().union(
            *(one.device.opened for one in gateway.meters.values())
        )
    return field.connect(no, *faults), lambda: field.devices[no].opened


def switched(field: Field, meter_no: str, action: str, agreed: bool = True) -> Switching:
    """Asked by one person, decided by another, and what became of it."""
    return outcome(field, ordered(field, meter_no, action, agreed))


def ordered(field: Field, meter_no: str, action: str, agreed: bool = True) -> int:
    clerk = replace(field.call(), actor="clerk")
    one = field.api.request_switching(
        clerk, RequestSwitching.model_validate({"meter_no": meter_no, "action": action, "reason": REASON})
    )
    decide = Decide(approval_no=one.approval_no or 0, agreed=agreed, remark="已核对欠费与通知")
    with pytest.raises(SamePerson):
        field.directory(WorkflowApi).decide(clerk, decide)
    field.directory(WorkflowApi).decide(replace(field.call(), actor="boss"), decide)
    settle(field.directory)
    return one.switching_no


def outcome(field: Field, switching_no: int) -> Switching:
    def now() -> Switching:
        return field.api.switching(field.call(), SwitchingRef(switching_no=switching_no))

    until(lambda: now().state != "ordered", "the answer")
    return now()


def test_a_request_that_is_taken_back_ends_and_another_may_follow(field: Field) -> None:
    clerk = replace(field.call(), actor="clerk")
    asked = RequestSwitching(meter_no=meters(OLD)[0].meter_no, action="off", reason=REASON)
    for _ in range(2):
        one = field.api.request_switching(clerk, asked)
        field.directory(WorkflowApi).withdraw(clerk, ApprovalRef(approval_no=one.approval_no or 0))
        settle(field.directory)
        ended = field.api.switching(field.call(), SwitchingRef(switching_no=one.switching_no))
        assert (ended.state, ended.decided_by) == ("refused", "clerk")
        assert ended.note.zh == "申请人已撤回"


@pytest.mark.parametrize("terminal_no", [OLD, NEW, SPOKEN, GATEWAY])
def test_a_customer_is_switched_off_and_on_and_the_switch_is_read(field: Field, terminal_no: str) -> None:
    meter = meters(terminal_no)[1]
    leave, opened = connected(field, terminal_no)
    off = switched(field, meter.meter_no, "off")
    assert (off.state, off.position, off.decided_by) == ("done", "off", "boss")
    assert opened() == {meter.address}, "that meter and no other"
    on = switched(field, meter.meter_no, "on")
    assert (on.state, on.position) == ("done", "on") and opened() == set()
    assert switched(field, meter.meter_no, "off", agreed=False).state == "refused"
    assert opened() == set()
    # A wrong proof is refused by the meter.
    CIPHER.wrong = True
    forged = switched(field, meter.meter_no, "off")
    CIPHER.wrong = False
    assert (forged.state, forged.cause) == ("failed", "denied") and opened() == set()
    leave()
    until(lambda: field.terminal(terminal_no).link == "offline", "gone")
    away = switched(field, meter.meter_no, "off")
    assert (away.state, away.cause) == ("failed", "offline")


@pytest.mark.parametrize("terminal_no", [OLD, NEW, SPOKEN, GATEWAY])
def test_a_yes_is_not_believed_and_silence_leaves_it_open(field: Field, terminal_no: str) -> None:
    meter = meters(terminal_no)[0]
    leave, _ = connected(field, terminal_no, "stubborn")
    lied = switched(field, meter.meter_no, "off")
    assert (lied.state, lied.cause, lied.position) == ("failed", "not_applied", "on")
    leave()
    until(lambda: field.terminal(terminal_no).link == "offline", "gone")
    with field.hurried(answer_s=0.5, bus_s=0.5):
        leave, _ = connected(field, terminal_no, "silence")
        silent = switched(field, meter.meter_no, "off")
    assert (silent.state, silent.cause, silent.position) == ("unknown", "no_answer", None)
    leave()
    until(lambda: field.terminal(terminal_no).link == "offline", "gone")


def test_what_comes_between_asking_and_agreeing_blocks_it(field: Field) -> None:
    meter = meters(OLD)[2]
    clerk = replace(field.call(), actor="clerk")
    one = field.api.request_switching(clerk, RequestSwitching(meter_no=meter.meter_no, action="off", reason=REASON))
    day = field.call().today
    field.api.set_guard(
        field.call(),
        SetGuard(kind="storm", org="1405810", first_day=day, last_day=day + timedelta(days=1), reason="台风登陆"),
    )
    decide = Decide(approval_no=one.approval_no or 0, agreed=True, remark="同意停电")
    field.directory(WorkflowApi).decide(replace(field.call(), actor="boss"), decide)
    settle(field.directory)
    blocked = field.api.switching(field.call(), SwitchingRef(switching_no=one.switching_no))
    assert blocked.state == "blocked" and "台风登陆" in blocked.note.zh and blocked.ordered_at is None
