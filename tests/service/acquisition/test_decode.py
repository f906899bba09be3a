"""Decoding frames through both bindings: a meter's answer, a terminal's with noise around it, damage, bytes of no frame."""

import pathlib
import pickle
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.service.acquisition.frames import vectors
from tests.service.records import OPERATOR, held

from denghuo.kernel.problem import NotPermitted
from denghuo.service.acquisition.api import PROTOCOLS, AcquisitionApi, Decode
from denghuo.service.acquisition.protocol import catalogue
from denghuo.service.acquisition.protocol.catalogue import bytes_of, explained
from denghuo.service.acquisition.protocol.fault import BadFrame
from denghuo.service.acquisition.rules import shown
from denghuo.service.acquisition.service import AcquisitionService

VOLTAGE = "68 61 01 00 00 00 00 68 91 06 33 34 34 35 34 43 10 16"
TECHNICIAN = replace(OPERATOR, permits=frozenset({"acquisition.decode"}), scope=("1405810.01",))


@pytest.fixture(params=["local", "remote"])
def acquisition(request: pytest.FixtureRequest, database_dsn: str, tmp_path: pathlib.Path) -> Iterator[AcquisitionApi]:
    for ask in held(request.param, database_dsn, tmp_path, {AcquisitionApi: AcquisitionService}):
        yield ask(AcquisitionApi)


def test_a_meters_answer_comes_field_by_field(acquisition: AcquisitionApi) -> None:
    reply = acquisition.decode(TECHNICIAN, Decode(text=VOLTAGE))
    assert (reply.size, reply.bytes, reply.left_off) == (18, VOLTAGE.replace(" ", ""), 0)
    (frame,) = reply.frames
    assert (frame.protocol, frame.start, frame.end) == ("dlt645", 0, 18)
    voltage = next(field for field in frame.fields if field.value.en == "100.1")
    assert (voltage.unit, voltage.start, voltage.end) == ("V", 14, 16)
    assert "A相电压" in voltage.name.zh and "phase A voltage" in voltage.name.en


def test_stray_bytes_stand_apart_from_the_frames(acquisition: AcquisitionApi) -> None:
    reply = acquisition.decode(TECHNICIAN, Decode(text=f"00 11 {VOLTAGE}\n{VOLTAGE} 99", protocol="dlt645"))
    assert [(frame.protocol, frame.start, frame.end) for frame in reply.frames] == [
        (None, 0, 2),
        ("dlt645", 2, 20),
        ("dlt645", 20, 38),
        (None, 38, 39),
    ]
    assert reply.frames[2].fields[0].start == 20, "places are of the whole text"


@pytest.mark.parametrize(
    ("said", "protocol", "reason", "at", "found", "expected"),
    [
        (VOLTAGE.replace("10 16", "11 16"), "auto", "checksum", 16, "11", "10"),
        (VOLTAGE[:-6], "dlt645", "short", 16, "16", "18"),
        ("68 6g", "auto", "hex", 1, "g", ""),
    ],
)
def test_damage_is_told_with_its_place(
    acquisition: AcquisitionApi, said: str, protocol: str, reason: str, at: int, found: str, expected: str
) -> None:
    with pytest.raises(BadFrame) as caught:
        acquisition.decode(TECHNICIAN, Decode.model_validate({"text": said, "protocol": protocol}))
    wrong = caught.value
    assert (wrong.reason, wrong.at, wrong.found, wrong.expected) == (reason, at, found, expected)
    assert wrong.detail["zh"].startswith(f"第 {at} 字节") and wrong.detail["en"].startswith(f"byte {at}: ")


def test_it_needs_its_permit(acquisition: AcquisitionApi) -> None:
    with pytest.raises(NotPermitted):
        acquisition.decode(replace(TECHNICIAN, permits=frozenset({"reading.read"})), Decode(text=VOLTAGE))


@pytest.mark.parametrize("row", [*vectors("gdw3761", whole=True)[:40], *vectors("dlt698", whole=True)[:40]])
def test_every_field_lies_inside_the_one_it_belongs_to(row: dict[str, str]) -> None:
    raw = bytes.fromhex(row["hex"])
    for frame in shown(raw, explained(raw), 4_000).frames:
        around: list[tuple[int, int]] = []
        for field in frame.fields:
            del around[field.depth :]
            assert len(around) == field.depth
            start, end = around[-1] if around else (frame.start, frame.end)
            assert start <= field.start <= field.end <= end
            around.append((field.start, field.end))


def test_what_is_too_much_is_counted() -> None:
    raw = bytes_of(VOLTAGE * 3)
    whole = shown(raw, explained(raw), 4_000)
    fields = sum(len(frame.fields) for frame in whole.frames)
    cut = shown(raw, explained(raw), 5)
    assert whole.left_off == 0 and cut.left_off == fields - 5
    assert sum(len(frame.fields) for frame in cut.frames) == 5


def test_the_contract_names_every_protocol() -> None:
    assert set(PROTOCOLS.entries) - {"auto"} == set(catalogue.PROTOCOLS)
    assert {code: PROTOCOLS.entries[code] for code in catalogue.PROTOCOLS} == {
        code: protocol.name for code, protocol in catalogue.PROTOCOLS.items()
    }


def test_damage_keeps_its_words_between_processes_and_with_a_newer_peer() -> None:
    wrong = BadFrame("checksum", 16, "11", "10")
    assert pickle.loads(pickle.dumps(wrong)).to_json() == wrong.to_json()
    told = BadFrame.from_json({**wrong.to_json(), "reason": "stale", "detail": {"zh": "旧", "en": "old"}})
    assert told.detail == {"zh": "旧", "en": "old"} and told.fields["reason"] == "stale"
