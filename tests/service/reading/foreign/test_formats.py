"""Files of other systems are read exactly, or refused with the place and the reason."""

import csv
import gzip
import io
import json
import pathlib
import re
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.service.reading.foreign.given import COLLECTED, cim, cim_xml, espi, nem12

from denghuo.kernel.period import SHANGHAI, midnight
from denghuo.service.reading.foreign.blocks import Block, Malformed, RegisterRead
from denghuo.service.reading.foreign.cim import read_cim_json, read_cim_xml
from denghuo.service.reading.foreign.espi import read_espi
from denghuo.service.reading.foreign.nem12 import DAYS_TOGETHER, read_nem
from denghuo.service.reading.foreign.opened import RATIO_MAX, SMALL_BYTES, opened

ONE = ["0.001", "1", "-2.5", *["0"] * 45]


def nem(words: str | bytes) -> list[Block | RegisterRead]:
    return list(read_nem(io.BytesIO(words.encode() if isinstance(words, str) else words), UTC))


def green(words: str | bytes) -> list[Block]:
    content = words.encode() if isinstance(words, str) else words
    return list(read_espi(lambda: io.BytesIO(content)))


def of(block: Block | RegisterRead) -> Block:
    assert isinstance(block, Block)
    return block


def test_days_that_follow_each_other_are_one_block() -> None:
    first, second = map(of, nem(nem12(("20260401", ONE, "A"), ("20260402", ONE, "E52"), ("20260404", ONE, "N"))))
    assert (first.begins, first.seconds, len(first.numbers)) == (datetime(2026, 4, 1, tzinfo=UTC), 1800, 96)
    assert first.numbers[:3].tolist() == [1_000, 1_000_000, -2_500_000] and first.places == 6
    assert (first.estimated, first.missing) == (48, None)
    assert second.begins.day == 4 and second.missing is not None and second.missing.all()
    assert (first.channel.meter, first.channel.unit, first.channel.usual) == ("M1", "kwh", "active_fwd")
    many = nem12(*((f"2026{month:02d}{day:02d}", ONE, "A") for month in (1, 3, 5) for day in range(1, 32)))
    assert [len(of(block).numbers) // 48 for block in nem(many)] == [31, 31, 31] and DAYS_TOGETHER > 31


def test_a_value_finer_than_six_places_is_refused_and_never_cut() -> None:
    day = ("20260401", ["0.1234560", "1.0000000", *["0.000001"] * 46], "A")
    (block,) = map(of, nem(nem12(day)))
    assert block.numbers[:3].tolist() == [123_456, 1_000_000, 1]
    finer = ("20260401", ["0.1234567", *["0"] * 47], "A")
    with pytest.raises(Malformed) as refused:
        list(nem(nem12(finer)))
    assert (refused.value.value, refused.value.what["en"]) == ("0.1234567", "it has more than six decimal places")


def test_quality_of_parts_of_a_day() -> None:
    told = nem12(("20260401", ONE, "V"), after=("400,1,2,N,,", "400,3,40,F55,1,", "400,41,48,A,,"))
    (block,) = map(of, nem(told))
    assert block.missing.tolist() == [True] * 2 + [False] * 46 and block.estimated == 38
    assert marks(block) == [""] * 2 + ["nem12 F55"] * 38 + [""] * 8


def marks(block: Block | RegisterRead) -> list[str]:
    """The mark of each interval."""
    told = of(block).marks
    return [""] * len(of(block).numbers) if told is None else [told.names[code] for code in told.codes.tolist()]


def test_how_a_sender_estimated_is_kept_in_his_own_code() -> None:
    (block,) = nem(nem12(("20260401", ONE, "E52"), ("20260402", ONE, "S14"), ("20260403", ONE, "A")))
    assert marks(block) == ["nem12 E52"] * 48 + ["nem12 S14"] * 48 + [""] * 48
    (block,) = green(espi(HOURS).replace("<value>1<", "<ReadingQuality><quality>9</quality></ReadingQuality><value>1<"))
    assert marks(block) == ["", "espi 9", "", ""]
    usual = espi(HOURS).replace("<flowDirection>", "<defaultQuality>8</defaultQuality><flowDirection>")
    (block,) = green(usual.replace("<value>1<", "<ReadingQuality><quality>17</quality></ReadingQuality><value>1<"))
    assert marks(block) == ["espi 8", "", "espi 8", "espi 8"]
    said = [
        (f"2026-04-13T0{hour}:00:00+08:00", "1", code) for hour, code in enumerate(("3.8.1", "2.7.0", "1.5.4", "1.0.0"))
    ]
    (block,) = message(cim(said, kind="0.0.7.4.1.1.12.0.0.0.0.0.0.0.0.3.72.0"), "xml")
    assert marks(block) == ["cim 3.8.1", "cim 2.7.0", "", ""]


def test_registers_before_and_now() -> None:
    words = (
        "100,NEM13,202605011135,MDA1,RET1\n"
        "250,M1,11,1,11,11,SER1,E,99890,20260117093206,A,,,02034.5,20260417074053,E,,,2144.5,KWH,20260519,20260418104410,\n"
        "550,N,,R,\n900\n"
    )
    before, now = nem(words)
    assert isinstance(before, RegisterRead) and isinstance(now, RegisterRead)
    assert (before.value, before.at, before.energy) == (
        Decimal(99890),
        datetime(2026, 1, 17, 9, 32, 6, tzinfo=UTC),
        None,
    )
    assert (now.value, now.energy, now.mark, now.channel.usual) == (
        Decimal("2034.5"),
        Decimal("2144.5"),
        "nem12 E",
        "active_fwd",
    )


@pytest.mark.parametrize(
    ("words", "line", "field"),
    [
        ("", 1, "RecordIndicator"),
        ("200,M1,E1,1,E1,,S,kWh,30,\n900\n", 1, "RecordIndicator"),
        ("100,NEM11,1,a,b\n900\n", 1, "VersionHeader"),
        ("100,NEM12,1,a,b\n", 2, ""),
        (nem12(("20260401", ONE[:-1], "A")), 3, "300"),
        (nem12(("20260401", [*ONE, "0"], "A")), 3, "300"),
        (nem12(("20260401", ["x", *ONE[1:]], "A")), 3, "IntervalValue"),
        (nem12(("20260401", ["", *ONE[1:]], "A")), 3, "IntervalValue"),
        (nem12(("20260401", ["1.2.3", *ONE[1:]], "A")), 3, "E1"),
        (nem12(("20260401", ["9" * 30, *ONE[1:]], "A")), 3, "E1"),
        (nem12(("20260431", ONE, "A")), 3, "DateTime"),
        (nem12(("20260401", ONE, "V")), 3, "E1"),
        (nem12(("20260401", ONE, "V"), after=("400,1,49,A,,",)), 4, "EndInterval"),
        (nem12(("20260401", ONE, "V"), after=("400,1,48,Z,,",)), 4, "QualityMethod"),
        (nem12(("20260401", ONE, "A"), after=("777,",)), 4, "RecordIndicator"),
        (nem12(("20260401", ONE, "A")) + "200,", 5, "RecordIndicator"),
        (nem12(minutes=7), 2, "IntervalLength"),
        (nem12().replace("900", "300,20260401," + "1" * 70_000), 3, ""),
    ],
)
def test_file_that_breaks_the_format_is_refused_at_its_line(words: str, line: int, field: str) -> None:
    with pytest.raises(Malformed) as refused:
        nem(words)
    assert (refused.value.line, refused.value.field) == (line, field)
    assert refused.value.what["zh"] and refused.value.remedy["en"]


HOURS = [(1_775_001_600 + 3600 * hour, 3600, hour) for hour in range(4)]


@pytest.mark.parametrize("ahead", [False, True])
def test_green_button_blocks_have_the_type_of_their_reading(ahead: bool) -> None:
    (block,) = green(espi(HOURS, power="3", flow="19", ahead=ahead))
    assert (block.begins.timestamp(), block.seconds, block.numbers.tolist()) == (1_775_001_600, 3600, [0, 1, 2, 3])
    assert (block.channel.meter, block.channel.unit, block.channel.usual, block.places) == (
        "M1",
        "wh",
        "active_rev",
        -3,
    )


def test_a_break_in_green_button_readings_ends_the_block() -> None:
    apart = [*HOURS[:2], (HOURS[1][0] + 7200, 3600, 5), (HOURS[1][0] + 10800, 900, 6)]
    assert [(one.seconds, one.numbers.tolist()) for one in green(espi(apart))] == [
        (3600, [0, 1]),
        (3600, [5]),
        (900, [6]),
    ]


BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]><feed>&c;&c;</feed>'
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><feed>&b;</feed>'


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (BOMB, "XML"),
        (OUTSIDE, "XML"),
        (espi(HOURS)[:-40], "XML"),
        ("<feed/>", "feed"),
        ("", "XML"),
        (espi([(0, 3600, 2**60)]), "value"),
        (espi(HOURS).replace("<value>2</value>", "<value>two</value>"), "value"),
        (espi(HOURS).replace("<value>2</value>", ""), "value"),
        (espi(HOURS, power="99"), "powerOfTenMultiplier"),
    ],
)
def test_green_button_file_that_is_unsafe_or_broken_is_refused(words: str, field: str) -> None:
    with pytest.raises(Malformed) as refused:
        green(words)
    assert refused.value.field == field
    assert ("DTD" in refused.value.what["zh"]) == ("DOCTYPE" in words) and "Forbidden" not in refused.value.value


MESSAGE = cim(
    [
        ("2026-04-13T00:15:00+08:00", "0.25", "1.0.0"),
        ("2026-04-13T00:30:00+08:00", "0.5", "3.8.0"),
        ("2026-04-13T01:00:00+08:00", "1", "1.0.0"),
    ],
    [("2026-04-13T00:00:00", "1234.5")],
)
ONE_O_CLOCK = "2026-04-13T01:00:00+08:00"


def message(said: Any, form: str) -> list[Block | RegisterRead]:
    if form == "json":
        return list(read_cim_json(io.BytesIO(said if isinstance(said, bytes) else json.dumps(said).encode()), SHANGHAI))
    return list(read_cim_xml(io.BytesIO(said if isinstance(said, bytes) else cim_xml(said).encode()), SHANGHAI))


@pytest.mark.parametrize("form", ["json", "xml"])
def test_a_message_of_meter_readings_is_the_same_as_xml_and_json(form: str) -> None:
    begins = midnight(date(2026, 4, 13))
    register, first, second = message(MESSAGE, form)
    assert isinstance(register, RegisterRead) and (register.value, register.at) == (Decimal("1234.5"), begins)
    assert (of(first).begins, of(first).seconds) == (begins, 900)
    assert of(first).numbers.tolist() == [250_000, 500_000] and of(first).estimated == 1
    assert of(second).begins == begins + timedelta(minutes=45)
    for one in (register, first, second):
        assert (one.channel.meter, one.channel.unit, one.channel.usual) == ("M1", "kwh", "active_fwd")


@pytest.mark.parametrize(
    ("kind", "unit", "flow"),
    [
        ("0.0.7.4.19.1.12.0.0.0.0.0.0.0.0.0.72.0", "wh", "active_rev"),
        ("0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.3.73.0", "kvarh", "reactive_fwd"),
        ("0.0.2.4.1.1.12.0.0.0.0.1.0.0.0.3.72.0", "kwh", None),
        ("0.0.2.4.1.7.58.0.0.0.0.0.0.0.0.0.42.0", "0.42", None),
    ],
)
def test_reading_types_say_what_is_measured(kind: str, unit: str, flow: str | None) -> None:
    (block,) = message(cim([(ONE_O_CLOCK, "1", "1.0.0")], kind=kind), "json")
    assert (block.channel.unit, block.channel.usual) == (unit, flow)


@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize(
    ("said", "field"),
    [
        (cim([("yesterday", "1", "1.0.0")]), "timeStamp"),
        (cim([(ONE_O_CLOCK, "x", "1.0.0")]), "value"),
        (cim([(ONE_O_CLOCK, "0.0000001", "1.0.0")]), "value"),
        (cim([(ONE_O_CLOCK, "1", "1.0.0")], kind="1.2.3"), "ReadingType"),
        ({"MeterReadings": {"MeterReading": {"Meter": {"Names": {"name": ""}}}}}, "Meter"),
        ({"MeterReadings": {"MeterReading": {"Meter": {"Names": {"name": "M1"}}, "Readings": "1"}}}, "Readings"),
        (b"[]", ""),
        (b"", ""),
    ],
)
def test_a_message_that_breaks_its_rules_is_refused(said: Any, field: str, form: str) -> None:
    with pytest.raises(Malformed) as refused:
        message(said, form)
    assert not field or refused.value.field == field


WHOLE = [nem12(("20260401", ONE, "V"), after=("400,1,48,A,,",)), espi(HOURS), cim_xml(MESSAGE), json.dumps(MESSAGE)]


MANY = "<c/>" * 50
DEEP = {"json": b"[" * 100_000, "espi": b"<a>" * 100_000, "xml": b"<a>" * 100_000}


@pytest.mark.parametrize("form", ["espi", "xml", "json"])
def test_what_is_too_deep_or_never_ends_a_part_is_refused_before_it_fills_the_memory(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(content: str | bytes) -> None:
        content = content.encode() if isinstance(content, str) else content
        green(content) if form == "espi" else message(content, form)

    with pytest.raises(Malformed) as refused:
        read(DEEP[form])
    assert refused.value.what["en"].startswith("its elements are too deep")
    good = {"espi": espi(HOURS), "xml": cim_xml(MESSAGE), "json": json.dumps(MESSAGE)}[form]
    more = good.replace("<entry>", f"<entry>{MANY}", 1).replace("<m:MeterReading>", f"<m:MeterReading>{MANY}")
    more = more.replace('"Meter"', f'"c": {[0] * 150}, "Meter"')
    with monkeypatch.context() as limits:
        limits.setattr(
            f"denghuo.service.reading.foreign.{'json' if form == 'json' else 'xml'}.ELEMENTS_MAX",
            100 if form == "json" else 40,
        )
        read(good)
        with pytest.raises(Malformed) as refused:
            read(more)
        assert refused.value.field == form.upper().replace("ESPI", "XML")
    monkeypatch.setattr("denghuo.service.reading.foreign.limits.PART_BYTES_MAX", len(good) + 50)
    read(good)
    with pytest.raises(Malformed, match="too many in one part"):
        read(good[:-1] + " " * 100 + good[-1:])


@given(st.data())
def test_damaged_files_are_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from(WHOLE)).encode()
    start = data.draw(st.integers(0, len(whole)))
    damaged = whole[:start] + data.draw(st.binary(max_size=8)) + whole[start + data.draw(st.integers(0, 20)) :]
    for read in (nem, green, partial(message, form="xml"), partial(message, form="json")):
        try:
            read(damaged)
        except Malformed as refused:
            assert refused.what["zh"]


@given(
    st.lists(
        st.sampled_from(
            [b"100,NEM12,", b"200,M,E,1,E1,,S,kWh,30,", b"300,20260401,", b"400,1,48,A", b"900", b"\n", b"1,"]
        )
    )
)
@example([b"100,NEM12,", b"\n", b"300,20260401,", b"\n"])
def test_any_order_of_records_is_read_or_refused(parts: list[bytes]) -> None:
    try:
        nem(b"".join(parts))
    except Malformed as refused:
        assert refused.line >= 1


def test_packed_files_are_opened_and_bombs_are_not(tmp_path: pathlib.Path) -> None:
    words = nem12(("20260401", ONE, "A")).encode()
    plain, packed, zipped = (tmp_path / name for name in ("a.csv", "a.csv.gz", "a.zip"))
    plain.write_bytes(words)
    packed.write_bytes(gzip.compress(words))
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", words)
    for path in (plain, packed, zipped):
        with opened(path) as stream:
            assert stream.read() == words
    bomb = tmp_path / "bomb.gz"
    bomb.write_bytes(gzip.compress(b"\n" * (SMALL_BYTES * 40)))
    assert bomb.stat().st_size * RATIO_MAX < SMALL_BYTES * 40
    cut = tmp_path / "cut.gz"
    cut.write_bytes(packed.read_bytes()[:-12])
    two = tmp_path / "two.zip"
    with zipfile.ZipFile(two, "w") as archive:
        archive.writestr("a.csv", words)
        archive.writestr("b.csv", words)
    torn = tmp_path / "torn.zip"
    torn.write_bytes(zipped.read_bytes()[:60])
    for path in (bomb, cut, two, torn):
        with pytest.raises(Malformed):
            _emptied(path)


def _emptied(path: pathlib.Path) -> None:
    with opened(path) as stream:
        while stream.read(1 << 16):
            pass


# --- the collected files ---------------------------------------------------------------------------------------------------

LENIENT = {"invalid/Example_NEM12_30min_200_15min_300.csv", "invalid/Example_NEM12_incomplete_interval.csv"}
"""Invalid files that the reader which counted reads all the same: their days have not as many values as their interval says."""


def _members() -> Iterator[tuple[str, bytes]]:
    assert COLLECTED is not None
    with zipfile.ZipFile(COLLECTED / "nem12" / "aemo_nem12_nem13_examples.zip") as archive:
        for name in archive.namelist():
            content = archive.read(name)
            if name.lower().endswith(".zip"):
                with zipfile.ZipFile(io.BytesIO(content)) as inner:
                    content = inner.read(inner.namelist()[0])
            yield name, content


@pytest.mark.skipif(COLLECTED is None, reason="the collected files are not here")
def test_collected_nem_files_have_the_counts_and_sums_that_another_reader_found() -> None:
    assert COLLECTED is not None
    expected: dict[str, dict[tuple[str, str], tuple[int, Decimal]]] = {}
    with (COLLECTED / "nem12" / "expected_nemreader.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            of_file = expected.setdefault(row["file"], {})
            if row["status"] == "ok":
                of_file[row["nmi"], row["channel"]] = int(row["n"]), Decimal(row["sum"]).quantize(Decimal("0.001"))
    files = dict(_members())
    assert len(expected) == 92 and set(expected) <= set(files)
    for name, rows in expected.items():
        if not rows or name in LENIENT:
            with pytest.raises(Malformed):
                nem(files[name])
            continue
        counts: Counter[tuple[str, str]] = Counter()
        sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for found in nem(files[name]):
            key = found.channel.meter, found.channel.name
            if isinstance(found, Block):
                counts[key] += len(found.numbers)
                sums[key] += Decimal(int(found.numbers.sum())).scaleb(-found.places)
            elif found.energy is not None:
                counts[key] += 1
                sums[key] += found.energy
        for key, (count, total) in rows.items():
            assert (counts[key], round(sums[key], 3)) == (count, total), (name, key)


@pytest.mark.skipif(COLLECTED is None, reason="the collected files are not here")
def test_collected_green_button_files_have_the_stated_counts_and_sums() -> None:
    assert COLLECTED is not None
    with (COLLECTED / "green_button" / "index.csv").open(encoding="utf-8") as stream:
        stated = list(csv.DictReader(stream))
    assert len(stated) == 23
    for row in stated:
        content = gzip.decompress((COLLECTED / "green_button" / f"{row['file']}.gz").read_bytes())
        blocks = green(content)
        assert sum(len(block.numbers) for block in blocks) == int(row["interval_readings"]), row["file"]
        # What is stated sums the values of summaries too, which are no readings.
        readings = b"".join(
            re.findall(rb"<(?:\w+:)?IntervalReading>.*?</(?:\w+:)?IntervalReading>", content, re.DOTALL)
        )
        value = rb"<(?:\w+:)?value>\s*(-?\d+)\s*</"
        assert sum(map(int, re.findall(value, content))) == int(row["sum_of_values"])
        assert sum(int(block.numbers.sum()) for block in blocks) == sum(map(int, re.findall(value, readings))), row[
            "file"
        ]
