"""Keys of direct meters: sealed in a file, put in force by two persons, used by the front, changed in the meter, never seen."""

import pathlib
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result
from tests.databases import database
from tests.service.acquisition import peer
from tests.service.acquisition.field import NEW, OLD, QUICK, Field, fielded, record, until
from tests.service.acquisition.test_direct import LINED, METERS, ROWS, WRAPPED, Listening, ordered
from tests.service.acquisition.test_switching import ACCOUNT, at_once, records, switched
from tests.service.acquisition.test_terminals import STATION, filled
from tests.service.bindings import settle
from tests.service.records import OPERATOR, held

from denghuo.main.command import main
from denghuo.service.acquisition.api import (
    AcquisitionApi,
    AssignMeters,
    FindKeys,
    KeysOpen,
    MeterKey,
    NewTerminalMeter,
    NoKeysInForce,
    OrderNotPossible,
    RegisterTerminals,
    TerminalNotFound,
    UseKeys,
)
from denghuo.service.acquisition.front.keys import KeyFile, Keys, KeysNotThere, KeysRefused, safe_of
from denghuo.service.acquisition.protocol.fault import BadValue
from denghuo.service.acquisition.service import AcquisitionService
from denghuo.service.permission.api import PermissionApi
from denghuo.service.permission.service import PermissionService
from denghuo.service.workflow.api import Decide, SamePerson, WorkflowApi
from denghuo.service.workflow.service import WorkflowService

MASTER, NEXT_MASTER = bytes(range(32)), bytes(range(100, 132))
FIRST = Keys(peer.KEY, peer.AUTHENTICATION, peer.MASTER)
REASON = "新装电表启用出厂密钥"


# -- the file --------------------------------------------------------------------------------------------------------------


def test_keys_lie_sealed_and_open_for_what_was_agreed_alone(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "meter.keys"
    file = KeyFile(path, MASTER)
    version, check = file.keep(WRAPPED, FIRST)
    assert (version, stat.S_IMODE(path.stat().st_mode)) == (1, 0o600)
    written = path.read_text()
    assert not any(key.hex() in written for key in FIRST)
    other = KeyFile(path, MASTER)
    assert other.association((WRAPPED, 1), check, range(1, 3)).title
    for wrong in (((WRAPPED, 2), check), ((WRAPPED, 1), "00000000"), ((LINED, 1), check)):
        with pytest.raises(KeysNotThere):
            other.association(*wrong, range(1, 3))
    with pytest.raises(KeysNotThere):
        KeyFile(path, NEXT_MASTER).association((WRAPPED, 1), check, range(1, 3))
    # A line that is moved to another meter opens no more.
    path.write_text(written + written.replace(WRAPPED, LINED))
    with pytest.raises(KeysNotThere):
        KeyFile(path, MASTER).association((LINED, 1), check, range(1, 3))
    with pytest.raises(KeysRefused):
        file.keep(WRAPPED, FIRST._replace(encryption=b"short"))


def test_an_association_uses_the_counters_that_it_was_given_and_no_other(tmp_path: pathlib.Path) -> None:
    file = KeyFile(tmp_path / "meter.keys", MASTER)
    _, check = file.keep(WRAPPED, FIRST)
    one = file.association((WRAPPED, 1), check, range(8, 11))
    assert [int.from_bytes(one.seal(b"plain")[1:5], "big") for _ in range(3)] == [8, 9, 10]
    with pytest.raises(BadValue):
        one.seal(b"plain")


def run(folder: pathlib.Path, *words: str, master: bytes = MASTER) -> Result:
    environment = {"DENGHUO_MASTER_KEY": master.hex() if master else ""}
    return CliRunner().invoke(main, ["--data", str(folder), "keys", *words], env=environment)


def test_keys_are_sealed_made_and_sealed_anew_at_the_command_line(tmp_path: pathlib.Path) -> None:
    clear, new = tmp_path / "clear.csv", tmp_path / "new"
    clear.write_text(
        f"terminal_no,encryption,authentication,master\n{WRAPPED},{','.join(key.hex() for key in FIRST)}\n"
    )
    new.write_text(NEXT_MASTER.hex())
    sealed = run(tmp_path, "seal", str(clear))
    assert sealed.exit_code == 0 and FIRST.check in sealed.output, sealed.output
    made = run(tmp_path, "make", WRAPPED)
    assert made.exit_code == 0 and "第 2 版" in made.output
    listed = run(tmp_path, "list")
    assert len(listed.output.splitlines()) == 2
    again = run(tmp_path, "reseal", str(new))
    assert again.exit_code == 0
    assert run(tmp_path, "list", master=NEXT_MASTER).output == listed.output, "the same keys under another master key"
    assert not any(key.hex() in one.output for one in (sealed, made, listed, again) for key in FIRST)
    for wrong in (run(tmp_path, "list"), run(tmp_path, "list", master=b""), run(tmp_path, "make", LINED)):
        assert wrong.exit_code == 2
    clear.write_text(f"terminal_no,encryption,authentication,master\n{WRAPPED},{peer.KEY.hex()}x,,\n")
    damaged = run(tmp_path, "seal", str(clear), master=NEXT_MASTER)
    assert damaged.exit_code == 2 and peer.KEY.hex() not in damaged.output
    assert safe_of("", tmp_path / "meter.keys", "") is None
    with pytest.raises(KeysRefused):
        safe_of("nowhere.module:factory", tmp_path / "meter.keys", "")


# -- through both bindings -------------------------------------------------------------------------------------------------


@pytest.fixture(params=["local", "remote"])
def acquisition(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[AcquisitionApi]:
    services = {PermissionApi: PermissionService, WorkflowApi: WorkflowService, AcquisitionApi: AcquisitionService}
    for ask in held(request.param, database_dsn, tmp_path, services):
        found = filled(ask(AcquisitionApi))
        direct = record(NEW).model_copy(
            update={"terminal_no": WRAPPED, "protocol": "dlms", "endpoint": "127.0.0.1:9", "org": "1405810.01"}
        )
        found.register_terminals(OPERATOR, RegisterTerminals(terminals=[direct]))
        yield found


def asked(**by: Any) -> UseKeys:
    body = {"terminal_no": WRAPPED, "version": 1, "check_value": FIRST.check, "reason": REASON, **by}
    return UseKeys.model_validate(body)


def test_keys_wait_for_a_second_person_and_one_change_is_open(acquisition: AcquisitionApi) -> None:
    one = acquisition.use_keys(STATION, asked())
    assert (one.state, one.asked_by, one.since) == ("waiting", "clerk", None) and one.approval_no is not None
    assert acquisition.keys(STATION, FindKeys(terminal_no=WRAPPED, state="waiting")).rows == [one]
    assert acquisition.keys(STATION, FindKeys(state="in_force")).rows == []
    with pytest.raises(KeysOpen):
        acquisition.use_keys(OPERATOR, asked(version=2))
    with pytest.raises(NoKeysInForce):
        acquisition.use_keys(OPERATOR, asked(transfer=True))
    with pytest.raises(OrderNotPossible):
        acquisition.use_keys(OPERATOR, asked(terminal_no=OLD))
    with pytest.raises(TerminalNotFound):
        acquisition.use_keys(replace(STATION, scope=("1405810.02",)), asked())


# -- over sockets ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def dsn(postgres_dsn: str, template: str) -> Iterator[str]:
    with database(postgres_dsn, template) as made:
        yield made


@pytest.fixture(scope="module")
def field(dsn: str, folder: pathlib.Path) -> Iterator[Field]:
    limits = replace(QUICK, dial_s=0.05, dial_again_s=0.1)
    known = records(dict.fromkeys(METERS.values(), ACCOUNT))
    safe = KeyFile(folder / "meter.keys", MASTER)
    with fielded(dsn, folder, limits, records=known, safe=safe) as made:
        at_once(made.api, made.call())
        yield made


@pytest.fixture(scope="module", params=[WRAPPED, LINED])
def listening(request: pytest.FixtureRequest, field: Field) -> Listening:
    """A meter that wants all ciphered, over TCP or over HDLC."""
    no = request.param
    meter = peer.Meter(no == LINED, "keys", ROWS, registers=(123_456, 789), now=datetime.now(UTC))
    found = Listening(meter)
    found.no = no  # type: ignore[attr-defined]
    field.sims.do(found.open())
    body = {"terminal_no": no, "protocol": "hdlc" if no == LINED else "dlms", "endpoint": f"127.0.0.1:{found.port}"}
    field.api.register_terminals(field.call(), RegisterTerminals(terminals=[record(NEW).model_copy(update=body)]))
    place = {"terminal_no": no, "number": 1, "meter_no": METERS[no], "address": f"{1:012d}"}
    field.api.assign_meters(field.call(), AssignMeters(meters=[NewTerminalMeter.model_validate(place)]))
    return found


def agreed(field: Field, request: UseKeys) -> MeterKey:
    """Asked by one person and agreed by another, and what became of it."""
    clerk = replace(field.call(), actor="clerk")
    one = field.api.use_keys(clerk, request)
    decide = Decide(approval_no=one.approval_no or 0, agreed=True, remark="校验值一致")
    with pytest.raises(SamePerson):
        field.directory(WorkflowApi).decide(clerk, decide)
    field.directory(WorkflowApi).decide(replace(field.call(), actor="boss"), decide)
    settle(field.directory)

    def now() -> MeterKey:
        rows = field.api.keys(field.call(), FindKeys(terminal_no=request.terminal_no)).rows
        return next(row for row in rows if row.key_no == one.key_no)

    until(lambda: now().state != "ordered", "the change")
    return now()


def test_a_meter_is_read_ordered_and_switched_under_its_keys_and_they_are_changed(
    field: Field, listening: Listening, dsn: str, folder: pathlib.Path
) -> None:
    no, meter = listening.no, listening.meter  # type: ignore[attr-defined]
    safe = KeyFile(folder / "meter.keys", MASTER)
    until(lambda: field.terminal(no).link == "online", "dialled")
    assert field.answer(METERS[no]).cause == "denied", "without keys the meter says no"
    assert switched(field, METERS[no], "off").cause == "no_cipher" and meter.closed
    version, check = safe.keep(no, FIRST)
    first = agreed(field, asked(terminal_no=no, version=version, check_value=check))
    assert (first.state, first.decided_by) == ("in_force", "boss")

    def read() -> list[int]:
        return [row.value.e4 for row in field.answer(METERS[no]).rows]

    until(lambda: read() == [12_345_600, 78_900], "it is read under its keys")
    assert ordered(field, "check_clock", no).state == "answered"
    for action in ("off", "on"):
        one = switched(field, METERS[no], action)
        assert (one.state, one.position, meter.closed) == ("done", action, action == "on")
    meter.stubborn = True
    lied = switched(field, METERS[no], "off")
    assert (lied.state, lied.cause) == ("failed", "not_applied")
    # New keys, which the meter says that it took and did not.
    version, check = safe.make(no)
    kept = agreed(field, asked(terminal_no=no, version=version, check_value=check, transfer=True))
    assert (kept.state, kept.cause) == ("failed", "not_applied")
    meter.stubborn = False
    until(lambda: field.answer(METERS[no]).state == "answered", "the old ones are still in force")
    changed = agreed(field, asked(terminal_no=no, version=version, check_value=check, transfer=True))
    assert changed.state == "in_force" and meter.key != peer.KEY
    until(lambda: field.answer(METERS[no]).state == "answered", "it is read under the new ones")
    states = [row.state for row in field.api.keys(field.call(), FindKeys(terminal_no=no)).rows]
    assert states == ["in_force", "failed", "replaced"]
    # What was agreed on is not what lies in the safe.
    wrong = agreed(field, asked(terminal_no=no, version=version, check_value="00000000"))
    assert wrong.state == "in_force"
    until(lambda: field.answer(METERS[no]).cause == "no_cipher", "it is not asked at all")
    assert nowhere(dsn, {*FIRST, meter.key, meter.authentication})


def nowhere(dsn: str, keys: set[bytes]) -> bool:
    """Whether no table of the database has a key, as digits or as bytes."""
    with psycopg.connect(dsn) as connection:
        tables = connection.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname IN ('acquisition', 'workflow')"
        ).fetchall()
        rows = [
            str(row) for (table,) in tables for row in connection.execute(f"SELECT t::text FROM {table} t").fetchall()
        ]
    assert any(FIRST.check in row for row in rows), "the check value is there"
    return not any(key.hex() in row for key in keys for row in rows)
