"""The simulator as a tool: what its meters show, which terminals fail, and what a person gets who asks it wrongly."""

import pathlib
from datetime import date, datetime, timedelta

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from tests.asynchronous import apart
from tests.service.acquisition.field import concentrator, county, meters, written

from denghuo.main.command import main
from denghuo.service.acquisition.front.dlt698 import Speaker698
from denghuo.service.acquisition.front.gdw3761 import Speaker3761
from denghuo.service.acquisition.front.speak import Curve, Got, Place
from denghuo.service.acquisition.protocol.fault import BadFrame
from denghuo.simulator import wire698, wire3761
from denghuo.simulator.county import SHANGHAI, County
from denghuo.simulator.terminal import faults_of

OLD, NEW = "140500001", "140581000002"


@given(st.dates(date(2025, 1, 1), date(2028, 1, 1)), st.integers(0, 95))
def test_registers_grow_on_beyond_the_days_of_the_folder(day: date, slot: int) -> None:
    shown, meter_no = county(OLD), meters(OLD)[0].meter_no
    moment = datetime(day.year, day.month, day.day, tzinfo=SHANGHAI) + timedelta(minutes=15 * slot)
    first, second = (
        shown.at(meter_no, 0, moment, "TG001"),
        shown.at(meter_no, 0, moment + timedelta(minutes=15), "TG001"),
    )
    midnight = shown.at_midnight(meter_no, 0, day)
    if midnight is None or first is None or second is None:
        assert day < shown.first, "only before the folder's days may a register have stood below zero"
    else:
        assert second - first == 1_000 and first == midnight + 1_000 * slot
    assert shown.at_midnight("nobody", 0, day) is None


def test_a_value_that_nobody_read_is_not_there_and_never_zero() -> None:
    day, places = date(2026, 4, 2), [Place(1, "M1", "000000000001"), Place(2, "M2", "000000000002")]
    shown = County(date(2026, 4, 1), 2, {"M1": ([100, None, 300], [None] * 3), "M2": ([0, 0, 0], [None] * 3)})
    for speaker, wire in ((Speaker3761(), wire3761), (Speaker698(), wire698)):
        no = OLD if wire is wire3761 else NEW

        def registers(place: int | str, quantity: int, moment: datetime) -> int | None:
            return shown.at("M1" if place in (1, "000000000001") else "M2", quantity, moment, "")

        for when, expected in ((day, {"M1": [300], "M2": [0]}), (day - timedelta(days=1), {"M1": [], "M2": [0]})):
            (request,), rest = wire.split(speaker.ask(no, 5, "freeze", when, places))
            answer = wire.answer(no, request, registers, datetime(2026, 5, 1, tzinfo=SHANGHAI), 0)  # type: ignore[arg-type]
            heard = speaker.hear(answer)
            assert heard is not None and (heard.kind, heard.number, rest) == ("answer", 5, b"")
            found = speaker.understand("freeze", when, places, [heard.content])
            shows = {no: [one.value_e4 // 100 * 100 for one in got.registers] for no, got in found.items()}
            assert shows == expected
            assert found["M1"].cause == (None if expected["M1"] else "no_data")


@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 255))
def test_damage_in_an_answer_is_a_typed_error_or_another_answer(noise: bytes, at: int, byte: int) -> None:
    day, places = date(2026, 4, 2), [Place(one.number, one.meter_no, one.address) for one in meters(OLD)]
    for speaker, raw in ((Speaker3761(), ANSWER_3761), (Speaker698(), ANSWER_698)):
        damaged = bytearray(raw)
        damaged[at % len(raw)] = byte
        for piece in (bytes(damaged), raw[: at % len(raw)] + noise):
            try:
                heard = speaker.hear(piece)
                if heard is not None and heard.kind == "answer":
                    speaker.understand("curve", day, places, [heard.content])
            except BadFrame:
                pass


def _answer(no: str) -> bytes:
    place = meters(no)[0]
    asked = [Place(place.number, place.meter_no, place.address)]
    now, day = datetime(2026, 5, 1, tzinfo=SHANGHAI), date(2026, 4, 2)
    if len(no) == 9:
        (old,), _ = wire3761.split(Speaker3761().ask(no, 1, "curve", day, asked))
        return wire3761.answer(no, old, lambda point, quantity, at: 1_000, now, 0)
    (new,), _ = wire698.split(Speaker698().ask(no, 1, "curve", day, asked))
    return wire698.answer(no, new, lambda address, quantity, at: 1_000, now, 0)


ANSWER_3761, ANSWER_698 = _answer(OLD), _answer(NEW)


def test_a_curve_with_a_gap_keeps_the_gap() -> None:
    place = meters(NEW)[0]
    asked, day = [Place(place.number, place.meter_no, place.address)], date(2026, 4, 2)
    gap = datetime(2026, 4, 2, 10, tzinfo=SHANGHAI)
    for speaker, wire, no in ((Speaker3761(), wire3761, OLD), (Speaker698(), wire698, NEW)):
        (request,), _ = wire.split(speaker.ask(no, 1, "curve", day, asked))

        def registers(place: int | str, quantity: int, at: datetime) -> int | None:
            return None if at == gap or quantity else int((at - gap).total_seconds()) // 900 * 100 + 100_000

        heard = speaker.hear(wire.answer(no, request, registers, gap, 0))  # type: ignore[arg-type]
        assert heard is not None
        (found,) = speaker.understand("curve", day, asked, [heard.content]).values()
        expected = tuple(None if slot in (39, 40) else 100 for slot in range(96))
        assert found == Got(None, curves=(Curve("active_fwd", expected),))


def test_a_terminals_clock_is_understood_also_where_it_is_wrong() -> None:
    shown = datetime(2099, 12, 31, 23, 59, 58, tzinfo=SHANGHAI)
    for speaker, wire, no in ((Speaker3761(), wire3761, OLD), (Speaker698(), wire698, NEW)):
        (request,), _ = wire.split(speaker.ask_clock(no, 3))
        heard = speaker.hear(wire.answer(no, request, lambda place, quantity, at: None, shown, 0))
        assert heard is not None and speaker.clock_of([heard.content]) == shown


def test_each_fault_has_its_share_of_the_terminals_and_the_seed_chooses_them() -> None:
    numbers = [f"1405{number:05d}" for number in range(2_000)]
    found = [faults_of(no, {"silence": 0.1, "slow": 0.5}, "seed") for no in numbers]
    assert found == [faults_of(no, {"silence": 0.1, "slow": 0.5}, "seed") for no in numbers]
    assert 150 < sum("silence" in one for one in found) < 250 and 900 < sum("slow" in one for one in found) < 1_100
    assert faults_of(concentrator(OLD).terminal_no, {"reset": 1.0}, "") == {"reset"}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["nowhere"], "host:port"),
        (["h:1", "--fault", "magic"], "silence"),
        (["h:1", "--fault", "slow=x"], "0 to 1"),
        (["--broker", "http://h"], "mqtt://"),
        (["--broker", "mqtt://h:70000"], "mqtt://"),
        (["--broker", "mqtt://h"], "ADDRESS"),
        (["h:1"], "--listen"),
    ],
)
def test_what_the_command_cannot_do_is_said(tmp_path: pathlib.Path, wrong: list[str], said: str) -> None:
    """Among it terminals that have nowhere to go, and a gateway that is to listen at an address of another machine."""
    protocols = {NEW: "dlt645"} if said == "--listen" else {OLD: "gdw3761", NEW: "hdlc"}
    written(tmp_path, protocols, "192.0.2.1:4001")
    asked = ["--data", str(tmp_path), "simulate", str(tmp_path), *wrong]
    result = apart(lambda: CliRunner().invoke(main, asked))
    assert result.exit_code == 2 and said in result.output


@pytest.mark.parametrize(
    ("name", "wrong", "said"),
    [
        ("terminal_meters.csv", None, "no terminal_meters.csv"),
        ("register_reads.parquet", None, "no register_reads.parquet"),
        ("terminals.csv", "terminal_no,vendor\n140581000002,A\n", "column 'protocol' is missing"),
        ("terminal_meters.csv", "terminal_no,number,meter_no,address\n140581000002,one,M1,1\n", "'one'"),
    ],
)
def test_a_folder_that_is_none_of_terminals_is_told_of(
    tmp_path: pathlib.Path, name: str, wrong: str | None, said: str
) -> None:
    written(tmp_path, {NEW: "dlt698"}, "")
    (tmp_path / name).unlink()
    if wrong is not None:
        (tmp_path / name).write_text(wrong)
    result = apart(lambda: CliRunner().invoke(main, ["--data", str(tmp_path), "simulate", str(tmp_path), "h:1"]))
    assert result.exit_code == 2 and said in result.output.replace("\n", " ")
