"""Files of readings sent in parts, read and taken in by a job, stopped and gone on with; mappings kept, tried and used."""

import base64
import csv
import hashlib
import io
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from denghuo.kernel.contract import Call
from denghuo.service.reading.api import (
    AdvanceImport,
    BeginImport,
    FindImportRefusals,
    FindImports,
    FindMappings,
    ImportRef,
    ImportRefusalsAsked,
    MappingFaulty,
    MappingRef,
    NoSuchImport,
    NoSuchMapping,
    PartOutOfPlace,
    PreviewMapping,
    ReadingsImport,
    SampleUnfit,
    SaveMapping,
    SendImportPart,
)
from denghuo.service.reading.batch.intake import CURVES
from tests.service.bindings import NOW, settle
from tests.service.reading.conftest import Bench, Make
from tests.service.reading.county import installation

DAY = date(2026, 4, 13)
CLERK = Call(actor="clerk", now=NOW, permits=frozenset({"reading.import"}), scope=("1405810.01",), channel="pc")
FORM = {"meter": "表号", "at": "结束", "values": "电量", "stamp": "end", "quality": "质量", "estimated": "估算，拟合"}
ROWS = "表号,结束,电量,质量\nM1,2026-04-13T00:15:00,0.5,\nM1,2026-04-13T00:30:00,,\nM1,昨天,1,\nM1,2026-04-13T00:45:00,2,估算\n"


def table(*meters: str, faults: int = 0) -> bytes:
    """A day of each meter, and rows without an instant behind the first of them."""
    begins = datetime(2026, 4, 13)  # noqa: DTZ001  # as written
    lines = ["表号,结束,电量,质量"]
    for meter in meters:
        lines += [
            f"{meter},{(begins + timedelta(minutes=15 * (slot + 1))).isoformat()},{slot / 1000}," for slot in range(96)
        ]
        lines += [f"{meter},=x{number},1," for number in range(faults)]
        faults = 0
    return ("\n".join(lines) + "\n").encode()


def begun(bench: Bench, content: bytes, call: Call | None = None, **how: object) -> ReadingsImport:
    words = {"file_name": "四月.csv", "size_bytes": len(content), "content": hashlib.sha256(content).hexdigest()}
    return bench.api.begin_import(call or bench.call(), BeginImport.model_validate(words | how))


def send(bench: Bench, one: ReadingsImport, content: bytes, first: int, last: int, call: Call | None = None) -> int:
    part = base64.b64encode(content[first:last]).decode()
    asked = SendImportPart(import_no=one.import_no, from_byte=first, part=part)
    return bench.api.send_import_part(call or bench.call(), asked).sent_bytes


def file_of(bench: Bench, one: ReadingsImport) -> tuple[list[dict[str, str]], int]:
    """All refusals as their file, and of how many parts it is."""
    content, after, parts = b"", None, 0
    while True:
        asked = ImportRefusalsAsked(import_no=one.import_no, after=after)
        part = bench.api.import_refusals_file(bench.call(), asked)
        content, after, parts = content + base64.b64decode(part.content), part.next, parts + 1
        if after is None:
            return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig")))), parts


@pytest.fixture
def made(bench: Make) -> Bench:
    made = bench([installation(f"P{number}", f"M{number}") for number in (1, 2, 3)])
    words = made.api.preview_mapping(made.call(), PreviewMapping.model_validate(FORM)).words
    made.api.save_mapping(made.call(), SaveMapping(code="village", title="村表", words=words))
    return made


def test_a_file_is_sent_in_parts_and_every_refusal_of_it_can_be_had(
    made: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("denghuo.service.reading.service.import_forms.FILE_ROWS", 70)
    content = table("M1", "M9", "M8", faults=3)
    one = begun(made, content, CLERK, mapping="village")
    assert (one.state, one.mapping, one.percent, one.changed) == ("sending", "village v1", 0, None)
    assert send(made, one, content, 0, 1_000, CLERK) == 1_000
    # A part that comes again changes nothing; one that leaves a gap, or goes beyond the end, is refused with the place to go on.
    assert send(made, one, content, 0, 1_000, CLERK) == 1_000
    for first, last in ((1_001, 1_100), (2_000, 2_001)):
        with pytest.raises(PartOutOfPlace) as out:
            send(made, one, content, first, last, CLERK)
        assert out.value.fields["sent_bytes"] == 1_000
    made.api.stop_import(CLERK, ImportRef(import_no=one.import_no))
    # Who comes with the same file goes on; another content under its name is another import.
    again = begun(made, content, CLERK, mapping="village")
    assert (again.import_no, again.state, again.sent_bytes) == (one.import_no, "sending", 1_000)
    assert begun(made, content + b"\n", CLERK, mapping="village").changed == one.import_no
    assert send(made, one, content, 1_000, len(content), CLERK) == len(content)
    settle(made.directory)
    done = made.api.readings_import(CLERK, ImportRef(import_no=one.import_no))
    assert (done.state, done.percent, done.values, done.taken, done.refused) == ("done", 100, 288, 96, 3 + 192)
    assert [(total.quantity, total.values, total.energy) for total in done.sums] == [("active_fwd", 288, "13.680")]
    assert [step.state for step in done.stages] == ["done"] * 3 and done.begun_by == "clerk"
    curve = made.lake.curve(CURVES["active_fwd_wh"], "M1", DAY, DAY)[DAY]
    assert list(curve) == list(range(96))
    # The file of refusals has all of them, whoever refused: three that could not be read, two meters that nobody knows.
    rows, parts = file_of(made, one)
    assert (len(rows), parts) == (195, 3)
    assert [(row["line"], row["field"], row["value"]) for row in rows[:3]] == [
        (str(98 + number), "结束", f"'=x{number}") for number in range(3)
    ]
    assert {row["field"] for row in rows[3:]} == {"M8", "M9"} and "建档" in rows[3]["remedy_zh"]
    page = made.api.import_refusals(made.call(), FindImportRefusals(import_no=one.import_no, limit=4))
    assert (page.total, len(page.rows), page.rows[0].line) == (195, 4, 98)
    found = made.api.readings_imports(made.call(), FindImports(state="done"))
    assert [row.import_no for row in found.rows] == [one.import_no]
    # Nobody of another unit sees it.
    stranger = replace(CLERK, scope=("1405810.02",))
    assert made.api.readings_imports(stranger, FindImports()).total == 0
    with pytest.raises(NoSuchImport):
        made.api.readings_import(stranger, ImportRef(import_no=one.import_no))


def test_an_import_is_gone_on_with_by_another_process(made: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("denghuo.service.reading.foreign.file_read.ROWS_EACH", 96)
    content = table("M1", "M2", "M3", faults=2)
    one = begun(made, content, mapping="village", attended=True)
    send(made, one, content, 0, len(content))
    steps = 0
    while True:
        asked = AdvanceImport(import_no=one.import_no, epoch=one.epoch)
        if not made.api.advance_import(made.call(), asked).again:
            break
        steps += 1
        monkeypatch.setattr("denghuo.service.reading.service.imports._reading", {})
    done = made.api.readings_import(made.call(), ImportRef(import_no=one.import_no))
    assert (done.state, done.values, done.handed, done.taken, done.refused) == ("done", 288, 288, 288, 2)
    assert steps == 6 and done.sums[0].energy == "13.680"
    assert len(file_of(made, one)[0]) == 2
    for meter in ("M1", "M2", "M3"):
        assert list(made.lake.curve(CURVES["active_fwd_wh"], meter, DAY, DAY)[DAY]) == list(range(96))
    # A step that comes late, and a resume of what is done, change nothing.
    assert not made.api.advance_import(made.call(), asked).again
    assert made.api.resume_import(made.call(), ImportRef(import_no=one.import_no)).state == "done"


@pytest.mark.parametrize(
    ("name", "content", "how", "said"),
    [
        (
            "四月.csv",
            b"meter,end\nM1,1\n",
            {"mapping": "village"},
            "表号: a required column is missing; the file has meter, end; change the mapping",
        ),
        ("四月.parquet", b"PAR1" + bytes(100), {"mapping": "village"}, "Parquet"),
        ("四月.xml", b"<!DOCTYPE a [<!ENTITY b 'c'>]><feed>&b;</feed>", {"format": "espi"}, "XML"),
        ("四月.csv", b"hello", {}, "format is not recognised"),
        ("四月.csv", b"a,b\n1,2\n", {"format": "table"}, "a table needs its columns"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_field_and_remedy(
    made: Bench, name: str, content: bytes, how: dict[str, str], said: str
) -> None:
    one = begun(made, content, file_name=name, attended=True, **how)
    send(made, one, content, 0, len(content))
    made.api.advance_import(made.call(), AdvanceImport(import_no=one.import_no, epoch=one.epoch))
    refused = made.api.readings_import(made.call(), ImportRef(import_no=one.import_no))
    assert refused.trouble is not None and refused.state == "refused" and refused.taken == 0
    assert name in refused.trouble.en and said in refused.trouble.en
    assert len(file_of(made, one)[0]) == refused.refused == 1


def test_a_mapping_is_tried_kept_by_versions_and_given_as_its_file(made: Bench) -> None:
    asked = PreviewMapping.model_validate(FORM | {"sample": ROWS, "meters": [{"theirs": "M1", "meter_no": "M2"}]})
    tried = made.api.preview_mapping(made.call(), asked)
    assert tried.columns == ["表号", "结束", "电量", "质量"]
    assert [(row.meter_no, row.flow, row.value, row.mark) for row in tried.rows] == [
        ("M2", "active_fwd", "0.5", ""),
        ("M2", "active_fwd", None, ""),
        ("M2", "active_fwd", "2", "table 估算"),
    ]
    assert tried.rows[0].begins == datetime.fromisoformat("2026-04-13T00:00:00+08:00")
    assert [(row.line, row.field, row.value) for row in tried.refusals] == [(4, "结束", "昨天")]
    saved = made.api.save_mapping(made.call(), SaveMapping(code="village", title="村表", words=tried.words))
    assert (saved.version, saved.meters[0].meter_no, saved.estimated) == (2, "M2", "估算，拟合")
    # The same again is no other version; what is shown is a form that gives the same file.
    assert made.api.save_mapping(made.call(), SaveMapping(code="village", title="村表", words=tried.words)).version == 2
    form = PreviewMapping.model_validate(saved.model_dump(include=set(PreviewMapping.model_fields)))
    assert made.api.preview_mapping(made.call(), form).words == saved.words
    versions = made.api.mappings(made.call(), FindMappings(code="village", limit=1))
    assert [row.version for row in versions.rows] == [2] and versions.total == 2
    older = made.api.mappings(made.call(), FindMappings(code="village", after=versions.next))
    assert [row.version for row in older.rows] == [1]
    assert [row.code for row in made.api.mappings(made.call(), FindMappings()).rows] == ["village"]
    first = made.api.mapping(made.call(), MappingRef(code="village", version=1))
    assert first.meters == [] and first.meter == "表号"
    given = made.api.mapping_file(made.call(), MappingRef(code="village"))
    assert given.file_name == "village-v2.yaml" and base64.b64decode(given.content).decode() == saved.words


def test_what_is_wrong_with_a_mapping_is_told_by_its_field(made: Bench) -> None:
    with pytest.raises(MappingFaulty) as faulty:
        made.api.preview_mapping(made.call(), PreviewMapping(meter="表号", values="电量"))
    assert faulty.value.fields["field"] == "table" and "at" in faulty.value.detail["en"]
    # A column of values that the file has not is told, and not taken for values that are missing.
    for wrong in ({"at": "时刻"}, {"values": "电能"}):
        asked = PreviewMapping.model_validate(FORM | wrong | {"sample": ROWS})
        with pytest.raises(SampleUnfit, match=next(iter(wrong.values()))):
            made.api.preview_mapping(made.call(), asked)
    with pytest.raises(MappingFaulty):
        made.api.save_mapping(made.call(), SaveMapping(code="bad", title="坏", words="zone: Moon/Base"))
    with pytest.raises(NoSuchMapping):
        begun(made, b"x", mapping="none")
    with pytest.raises(NoSuchMapping):
        made.api.mapping(made.call(), MappingRef(code="village", version=9))
