"""Files of other systems are taken over whole, once, under our own names, and exact in sum."""

import base64
import csv
import hashlib
import json
import pathlib
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from tests.service.bindings import NOW, local
from tests.service.reading.county import installation, points_of
from tests.service.reading.foreign.given import cim, cim_xml, espi, nem12

from denghuo.data.processing.database import Database
from denghuo.data.processing.dataset import Datasets
from denghuo.kernel.contract import Call
from denghuo.kernel.period import midnight
from denghuo.kernel.problem import Unavailable
from denghuo.main.command import main
from denghuo.service.host.binding import Directory
from denghuo.service.point.api import PointApi
from denghuo.service.reading.api import (
    AdvanceImport,
    BeginImport,
    FindImportRefusals,
    ImportRef,
    ImportRefusal,
    MappingFaulty,
    ReadingApi,
    ReadingsImport,
    SendImportPart,
)
from denghuo.service.reading.api import ImportFormat as Format
from denghuo.service.reading.batch.intake import CURVES, REGISTERS, SENT
from denghuo.service.reading.foreign import FileRead, Mapping, Taken, format_of, mapping_in
from denghuo.service.reading.foreign.blocks import Block, Channel, Marks
from denghuo.service.reading.foreign.slots import Slots, slots
from denghuo.service.reading.service import ReadingService

CALL = Call.system(NOW)
QUARTERS = [f"0.{number:03d}" for number in range(96)]
HALVES = ["0.003", *["0"] * 47]
DAY = date(2026, 4, 13)


@dataclass
class Outcome:
    """An import that is done, what its file holds by channel, and the first refusals."""

    one: ReadingsImport
    held: Taken
    refusals: list[ImportRefusal]


class Refused(Exception):
    """A file that was refused as a whole: why, and the line."""


@dataclass
class House:
    """A reading service that knows the meters M1 and M2, and files to give it."""

    directory: Directory
    datasets: Datasets
    folder: pathlib.Path

    def begin(
        self, path: pathlib.Path, kind: Format | None, words: str = "", *, spread: bool = False
    ) -> ReadingsImport:
        asked = BeginImport(
            file_name=path.name,
            size_bytes=path.stat().st_size,
            content=hashlib.sha256(path.read_bytes()).hexdigest(),
            format=kind,
            mapping_words=words,
            spread=spread,
            attended=True,
        )
        one = self.api.begin_import(CALL, asked)
        part = base64.b64encode(path.read_bytes()[one.sent_bytes :]).decode()
        if part:
            self.api.send_import_part(
                CALL, SendImportPart(import_no=one.import_no, from_byte=one.sent_bytes, part=part)
            )
        return one

    def end(self, one: ReadingsImport) -> ReadingsImport:
        while self.api.advance_import(CALL, AdvanceImport(import_no=one.import_no, epoch=one.epoch)).again:
            pass
        return self.api.readings_import(CALL, ImportRef(import_no=one.import_no))

    def refusals(self, one: ReadingsImport) -> list[ImportRefusal]:
        asked = FindImportRefusals(import_no=one.import_no, limit=200)
        return self.api.import_refusals(CALL, asked).rows

    def take(self, words: str, kind: Format = "nem12", mapping: str = "", *, spread: bool = False) -> Outcome:
        path = self.folder / "given"
        path.write_text(words, encoding="utf-8")
        return self._taken(path, kind, mapping, spread=spread)

    def take_table(self, path: pathlib.Path, mapping: str) -> Outcome:
        return self._taken(path, "table", mapping)

    def _taken(self, path: pathlib.Path, kind: Format, mapping: str, *, spread: bool = False) -> Outcome:
        """What is told of the file is what stands in its import."""
        one = self.end(self.begin(path, kind, mapping, spread=spread))
        if one.trouble is not None:
            raise Refused(one.trouble.en, self.refusals(one)[0].line)
        read = FileRead(path, kind, mapping_in(mapping), spread=spread)
        while not (piece := read.read_on(60)) or not piece.ended:
            pass
        assert (sum(read.taken.values.values()), read.taken.handed) == (one.values, one.handed)
        return Outcome(one, read.taken, self.refusals(one))

    @property
    def api(self) -> ReadingApi:
        return self.directory(ReadingApi)

    def quarters(self, meter: str = "M1", series: str = "active_fwd_wh") -> list[int | None]:
        """What the lake holds of a meter's day."""
        lake = self.directory.hosted["reading"].store.lake
        return list(lake.curve(CURVES[series], meter, DAY, DAY)[DAY])


@pytest.fixture
def house(database_dsn: str, tmp_path: pathlib.Path) -> Iterator[House]:
    with Database(database_dsn) as database:
        points = points_of([installation("P1", "M1"), installation("P2", "M2", account_no="5810200000010")])
        directory = local(database, tmp_path / "data", {PointApi: points, ReadingApi: ReadingService})
        yield House(directory, Datasets(database, tmp_path / "data"), tmp_path)


def test_file_is_taken_once_and_a_correction_is_another_version(house: House) -> None:
    words = nem12(("20260413", QUARTERS, "A"), minutes=15)
    outcome = house.take(words)
    taken = outcome.one
    assert (taken.handed, taken.taken, taken.refused, outcome.held.values) == (96, 96, 0, {("M1", "E1"): 96})
    assert str(outcome.held.sums["M1", "E1"]) == "4.560000"
    assert [(one.quantity, one.values, one.energy) for one in taken.sums] == [("active_fwd", 96, "4.560")]
    assert house.quarters() == list(range(96))
    again = house.take(words).one
    assert (again.taken, again.corrected, again.unchanged) == (0, 0, 96)
    corrected = house.take(nem12(("20260413", ["1", *QUARTERS[1:]], "F"), minutes=15)).one
    assert corrected.corrected == 1 and corrected.estimated == 96 and house.quarters()[0] == 1_000


def test_missing_values_are_left_out_and_never_zero(house: House) -> None:
    house.take(nem12(("20260413", QUARTERS, "V"), minutes=15, after=("400,1,95,A,,", "400,96,96,N,,")))
    assert house.quarters() == [*range(95), None]


def test_longer_intervals_are_spread_where_that_is_wanted(house: House) -> None:
    words = nem12(("20260413", HALVES, "A"))
    (refusal,) = house.take(words).refusals
    assert (refusal.line, refusal.field, refusal.value) == (3, "interval", "30 min") and "--spread" in refusal.remedy.en
    assert house.take(words, spread=True).one.handed == 96
    assert house.quarters() == [1, 2, *[0] * 94]
    begins = int(midnight(DAY).timestamp())
    hour = espi([(begins, 3600, 7), (begins + 3600, 3600, 0)], flow="19")
    assert house.take(hour, "espi", spread=True).one.refused == 0
    assert house.quarters("M1", "active_rev_wh")[:8] == [1, 2, 2, 2, 0, 0, 0, 0]


def test_a_value_that_was_spread_keeps_the_word_of_its_sender() -> None:
    channel = Channel("M1", "E1", "wh", "active_fwd")
    marks = Marks(("", "nem12 E52"), np.array([0, 1]))
    block = Block(1, channel, datetime(2026, 4, 13, tzinfo=UTC), 1_800, np.array([4, 8]), 0, marks=marks)
    found = slots(block, spread=True)
    assert isinstance(found, Slots) and found.marks is not None
    assert [found.marks.names[code] for code in found.marks.codes] == ["spread 30"] * 2 + ["nem12 E52"] * 2


def test_their_names_are_ours_by_a_mapping(house: House) -> None:
    words = nem12(("20260413", QUARTERS, "A"), meter="NMI0000001", channel="41", minutes=15)
    outcome = house.take(words)
    assert (outcome.one.refused, outcome.one.handed) == (1, 0) and outcome.refusals[0].field == "channel"
    unknown = house.take(words, mapping="channels: {'41': active_fwd}")
    assert (unknown.one.refused, unknown.one.taken, unknown.refusals[0].field) == (96, 0, "NMI0000001")
    named = "meters_by: serial\nmeters: {SERNMI0000001: M2}\nchannels: {'41': reactive_fwd}\n"
    assert house.take(words, mapping=named).one.taken == 96
    assert house.quarters("M2", "reactive_fwd_varh")[95] == 95


def test_two_channels_of_one_flow_are_not_mixed(house: House) -> None:
    one, other = (nem12(("20260413", QUARTERS, "A"), channel=channel, minutes=15) for channel in ("E1", "E2"))
    two = one.removesuffix("900\r\n") + other.partition("\r\n")[2]
    outcome = house.take(two)
    assert (outcome.one.taken, outcome.one.refused) == (96, 1)
    assert outcome.refusals[0].value == "M1 E2" and "E1" in outcome.refusals[0].what.en


def test_registers_become_reads(house: House) -> None:
    row = "250,M1,11,1,11,11,SER1,E,000890,20260413,A,,,{now},20260414074053,A,,,2144.5,KWH,20260519,20260418104410,"
    words = f"100,NEM13,202605011135,MDA1,RET1\n{row.format(now='003034.5')}\n900\n"
    assert house.take(words).one.taken == 2 and house.take(words).one.unchanged == 2
    lake = house.directory.hosted["reading"].store.lake
    found = lake.scan(REGISTERS, DAY, DAY + timedelta(days=1)).sort_by("read_at").to_pylist()
    assert [(one["meter_no"], one["quantity"], one["value_e4"]) for one in found] == [
        ("M1", "active_fwd", 8_900_000),
        ("M1", "active_fwd", 30_345_000),
    ]
    assert found[0]["read_at"] == midnight(DAY)
    (refusal,) = house.take(words.replace("003034.5", "-1")).refusals
    assert (refusal.line, refusal.field) == (2, "register")


def test_a_register_that_its_sender_estimated_is_kept_with_his_mark_and_never_taken_for_read(house: House) -> None:
    row = "250,M1,11,1,11,11,SER1,E,000890,20260413,A,,,003034.5,20260414,E52,,,2144.5,KWH,20260519,20260418104410,"
    words = f"100,NEM13,202605011135,MDA1,RET1\n{row}\n900\n"
    taken = house.take(words).one
    assert (taken.taken, taken.refused, taken.estimated) == (2, 0, 1) and house.take(words).one.unchanged == 2
    lake = house.directory.hosted["reading"].store.lake
    days = DAY, DAY + timedelta(days=1)
    assert lake.scan(REGISTERS, *days)["value_e4"].to_pylist() == [8_900_000]
    (kept,) = lake.scan(SENT, *days).to_pylist()
    assert (kept["value_e4"], kept["mark"], kept["read_at"]) == (30_345_000, "nem12 E52", midnight(days[1]))
    said = cim(registers=[("2026-04-15T00:00:00+08:00", "3100.5")])
    said["MeterReadings"]["MeterReading"]["Readings"][0]["ReadingQualities"] = {"ReadingQualityType": {"ref": "3.8.1"}}
    for form, content in (("cim-json", json.dumps(said)), ("cim-xml", cim_xml(said))):
        taken = house.take(content, form).one
        assert (taken.taken + taken.unchanged, taken.estimated, taken.refused) == (1, 1, 0)
    assert lake.scan(SENT, date(2026, 4, 15), date(2026, 4, 15))["mark"].to_pylist() == ["cim 3.8.1"]


def test_broken_file_leaves_nothing(house: House) -> None:
    words = nem12(("20260413", QUARTERS, "A"), minutes=15)
    with pytest.raises(Refused) as refused:
        house.take(words.removesuffix("900\r\n"))
    assert refused.value.args[1] == 4 and "given" in refused.value.args[0]
    assert house.take(words).one.taken == 96


@pytest.mark.parametrize(("bytes_max", "part"), [(600, "disk"), (6_000, "lake")])
def test_a_full_disk_leaves_nothing_and_the_same_file_is_taken_later(house: House, bytes_max: int, part: str) -> None:
    """The smaller limit meets the dataset that is handed over, the larger one the day of the lake."""
    words = nem12(("20260413", QUARTERS, "E52"), minutes=15)
    path = house.folder / "given"
    path.write_text(words, encoding="utf-8")
    one = house.begin(path, "nem12")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, before[1]))
    try:
        with pytest.raises(Unavailable) as full:
            house.end(one)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert full.value.fields["part"] == part and "space" in full.value.detail["en"]
    lake = house.directory.hosted["reading"].store.lake
    assert lake.curve(CURVES["active_fwd_wh"], "M1", DAY, DAY) == {}
    assert not list(house.folder.rglob("*.partial"))
    assert house.end(one).taken == 96 and house.quarters() == list(range(96))


LONG = """
table: {meter: 表号, at: 结束时间, values: 电量, channel: 类型, stamp: end, form: "%Y/%m/%d %H:%M", encoding: gb18030}
channels: {正向: active_fwd, 反向: active_rev}
"""


def test_a_table_of_any_columns_is_read_as_its_mapping_says(house: House) -> None:
    path = house.folder / "long.csv"
    begins = datetime(2026, 4, 13)  # noqa: DTZ001  # as written
    lines = ["序号,表号,类型,结束时间,电量"]
    for kind in ("正向", "反向"):
        lines += [
            f"{slot},M1,{kind},{begins + timedelta(minutes=15 * (slot + 1)):%Y/%m/%d %H:%M},{slot / 1000 if slot != 5 else ''}"
            for slot in range(96)
        ]
    lines += ["x,M1,正向,昨天,1", "x,M1,无功,2026/04/14 00:15,1"]
    path.write_text("\n".join(lines), encoding="gb18030")
    outcome = house.take_table(path, LONG)
    taken = outcome.one
    assert (taken.taken, taken.missing, taken.refused) == (190, 2, 2)
    assert [(one.line, one.field) for one in outcome.refusals] == [(194, "结束时间"), (195, "channel")]
    assert house.quarters() == [*range(5), None, *range(6, 96)] == house.quarters("M1", "active_rev_wh")
    assert house.take_table(path, LONG).one.unchanged == 190


def test_a_long_run_of_single_minutes_is_taken_whole(house: House) -> None:
    """However many rows are read together, they end on a quarter-hour."""
    path, begins = house.folder / "minutes.csv", datetime(2026, 4, 13)  # noqa: DTZ001  # as written
    rows = [f"M1,{(begins + timedelta(minutes=minute)).isoformat()},1" for minute in range(3_000)]
    path.write_text("\n".join(["meter,at,wh", *rows]), encoding="utf-8")
    taken = house.take_table(path, "table: {meter: meter, at: at, values: wh, unit: Wh, minutes: 1}").one
    assert (taken.taken, taken.refused) == (200, 0) and house.quarters() == [15] * 96


def test_a_table_of_days_may_be_parquet(house: House) -> None:
    path = house.folder / "wide.parquet"
    columns = {f"P{number:d}": pa.array([number, None], pa.int64()) for number in range(1, 97)}
    pq.write_table(pa.table({"meter": ["M1", "M2"], "day": pa.array([DAY, DAY]), **columns}), path)
    taken = house.take_table(path, "table: {meter: meter, day: day, values: 'P{n}', unit: Wh, flow: active_rev}").one
    assert (taken.taken, taken.missing, taken.refused) == (96, 96, 0)
    assert house.quarters("M1", "active_rev_wh") == list(range(1, 97))
    with pytest.raises(Refused, match="date"):
        house.take_table(path, "table: {meter: meter, day: date, values: 'P{n}'}")


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ("table: {meter: m, at: a, day: d, values: v}", "table"),
        ("table: {meter: m, day: d, values: [a, b]}", "table"),
        ("table: {meter: m, at: a, values: v, minutes: 7}", "table.minutes"),
        ("table: {meter: m, at: a, values: v, form: '%d/%d'}", "table.form"),
        ("table: {meter: m, at: a, values: v, form: '%Q'}", "table.form"),
        ("meters: [1]", "meters"),
        ("channels: {E1: power}", "channels.E1"),
        ("zone: Moon/Base", "zone"),
        ("x: 1", "x"),
        ("a: b: c", ""),
    ],
)
def test_faulty_mapping_names_the_field(words: str, field: str) -> None:
    with pytest.raises(MappingFaulty) as faulty:
        mapping_in(words)
    assert faulty.value.fields["field"] == field


def test_command_says_what_each_file_holds(tmp_path: pathlib.Path) -> None:
    for name, words in {
        "nem.csv": nem12(("20260413", QUARTERS, "A"), minutes=15),
        "green.xml": espi([(0, 900, 5)]),
        "cim.xml": cim_xml(cim([("2026-04-13T00:15:00+08:00", "1", "1.0.0")])),
        "cim.json": json.dumps(cim([("2026-04-13T00:15:00+08:00", "1", "1.0.0")])),
        "broken.csv": "100,NEM12,1,a,b\n",
        "other.txt": "hello",
    }.items():
        (tmp_path / name).write_text(words, encoding="utf-8")
    assert [format_of(tmp_path / name, Mapping()) for name in ("nem.csv", "green.xml", "cim.xml", "cim.json")] == [
        "nem12",
        "espi",
        "cim-xml",
        "cim-json",
    ]

    def run(*names: str) -> tuple[int, str]:
        result = CliRunner().invoke(
            main,
            [
                "--data",
                str(tmp_path),
                "import-readings",
                "--dry-run",
                *(name if name.startswith("--") else str(tmp_path / name) for name in names),
            ],
        )
        return result.exit_code, result.output

    assert run("nem.csv", "green.xml", "cim.xml", "cim.json")[0] == 0
    status, said = run("broken.csv", "other.txt", "nem.csv")
    assert status == 2 and "M1 E1: 96, 4.56" in said and "line 2" in said and "--format" in said
    two_days = nem12(("20260413", HALVES, "A"), ("20260415", HALVES, "A"), meter="=M1", channel="41")
    (tmp_path / "two.csv").write_text(two_days, encoding="utf-8")
    assert run("two.csv", "broken.csv", "--refused", "refused.csv")[0] == 2
    with (tmp_path / "refused.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    # Every refusal, not only the first of its kind; no spreadsheet takes one for a formula.
    assert [(one["file"], one["line"], one["field"], one["value"]) for one in rows] == [
        ("two.csv", "3", "channel", "'=M1 41"),
        ("two.csv", "4", "channel", "'=M1 41"),
        ("broken.csv", "2", "", ""),
    ]
    assert "what this channel measures" in rows[0]["what_en"] and rows[2]["remedy_zh"] == "整个文件未导入"


# --- the arithmetic --------------------------------------------------------------------------------------------------------

UNITS = st.sampled_from(["wh", "kwh", "mwh", "varh", "kvarh"])
SHIFTS = {"wh": 0, "kwh": 3, "mwh": 6, "varh": 0, "kvarh": 3}


@given(
    numbers=st.lists(st.integers(-(10**8), 10**8), min_size=4, max_size=96).map(
        lambda found: found[: len(found) // 4 * 4]
    ),
    minutes=st.sampled_from([5, 15, 30, 60]),
    unit=UNITS,
    places=st.integers(-3, 6),
)
def test_slots_add_up_to_what_was_told(numbers: list[int], minutes: int, unit: str, places: int) -> None:
    if minutes == 5:
        numbers = numbers * 3
    channel = Channel("M1", "E1", unit, "active_fwd")
    block = Block(1, channel, datetime(2026, 4, 13, tzinfo=UTC), minutes * 60, np.array(numbers), places)
    found = slots(block, spread=True)
    if not isinstance(found, Slots):
        assert found[0] == "value"
        return
    assert len(found.values) * 15 == len(numbers) * minutes and found.there.all()
    if minutes > 15:
        assert found.marks is not None and {found.marks.names[code] for code in found.marks.codes} == {
            f"spread {minutes}"
        }
    else:
        assert found.marks is None
    power = SHIFTS[unit] - places
    assert sum(found.values.tolist()) == sum(numbers) * 10 ** max(power, 0) // 10 ** max(-power, 0)


def test_a_group_with_a_missing_value_is_missing() -> None:
    channel = Channel("M1", "E1", "wh", "active_fwd")
    missing = np.array([False, True, False, False, False, False])
    block = Block(1, channel, datetime(2026, 4, 13, tzinfo=UTC), 300, np.array([1, 2, 3, 4, 5, 6]), 0, missing)
    found = slots(block, spread=False)
    assert isinstance(found, Slots) and found.there.tolist() == [False, True] and found.values[1] == 15


@pytest.mark.parametrize(
    ("seconds", "count", "unit", "field"),
    [
        (900, 4, "therm", "unit"),
        (90, 4, "wh", "interval"),
        (0, 1, "wh", "interval"),
        (300, 4, "wh", "start"),
        (3600, 1, "wh", "interval"),
    ],
)
def test_what_cannot_be_a_curve_says_why(seconds: int, count: int, unit: str, field: str) -> None:
    channel = Channel("M1", "E1", unit, "active_fwd")
    found = slots(
        Block(1, channel, datetime(2026, 4, 13, tzinfo=UTC), seconds, np.ones(count, dtype=np.int64), 0), spread=False
    )
    assert isinstance(found, tuple) and found[0] == field
