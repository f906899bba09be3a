"""Q/GDW 376.1: published frames and those of another implementation mean what they say, both ways; damage is refused."""

import re
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.service.acquisition.frames import covered, vectors

from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.protocol import gdw3761
from denghuo.service.acquisition.protocol.catalogue import explained
from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue
from denghuo.service.acquisition.protocol.fields import shown
from denghuo.service.acquisition.protocol.gdw3761 import formats
from denghuo.service.acquisition.protocol.gdw3761.units import event_kinds, kinds
from denghuo.service.acquisition.protocol.layout import Layout, Loop
from denghuo.service.acquisition.protocol.number import Number
from denghuo.service.acquisition.protocol.words import english

FRAMES = {row.values[0]["id"]: bytes.fromhex(row.values[0]["hex"]) for row in vectors("gdw3761")}
# Units that only their maker knows: another trade in the same frame, and reserved Fn.
OTHERS_OWN = {462, 465, 468, 475, 480}


@pytest.mark.parametrize("row", vectors("gdw3761", whole=True))
def test_published_frame(row):
    raw, expected = bytes.fromhex(row["hex"]), row["expected"]
    frame = gdw3761.settle(gdw3761.decode(raw))
    assert gdw3761.encode(frame) == raw
    covered(gdw3761.explain(raw), len(raw))
    if expected:
        assert (frame.control, frame.function) == (int(expected["control"], 16), int(expected["afn"], 16))
        assert (frame.region, frame.terminal) == (expected["region"], expected["terminal"])
        assert (frame.station, int(frame.group)) == (expected["msa"], expected["group"])
        assert (frame.first, frame.last, frame.confirm, frame.number) == tuple(
            expected[name] for name in ("fir", "fin", "con", "seq")
        )
    if row["id"] in OTHERS_OWN:
        return
    units = gdw3761.units(frame)
    assert all(unit.kind for unit in units)
    if "first_unit" in expected:
        assert units[0].point == (expected["first_unit"]["pn"] or [0])[0]
        assert units[0].number == expected["first_unit"]["fn"][0]
    for unit in units:
        items = gdw3761.items(unit, frame.up)
        assert len(gdw3761.counts(unit, frame.up)) == len(items)
        layout = unit.kind.up if frame.up else unit.kind.down
        values = [item.value for item in items]
        if None not in values:
            assert layout.parse(layout.build(values)) == items


@pytest.mark.parametrize("row", vectors("gdw3761", whole=False))
def test_damaged_frame_is_refused(row):
    with pytest.raises(BadFrame):
        gdw3761.decode(bytes.fromhex(row["hex"]))


def values_of(number: int | str, unit: int = 0) -> list[str]:
    frame = gdw3761.settle(gdw3761.decode(FRAMES[number]))
    return [shown(item.value) for item in gdw3761.items(gdw3761.units(frame)[unit], frame.up)]


@pytest.mark.parametrize(
    ("number", "values"),
    [
        ("g81", "2012-06-19 18:46,255,6,1234.5678,9999.9999,0.0001,6666.5555,"),
        ("g83", "2012-06-19 18:46,255,6,1234.56,9999.99,0.01,6666.55,"),
        ("g85", "2012-06-19 18:46,255,6,799.9,-799.9,0.1,-0.1,"),
        ("g101", "12-06,2012-06-23 23:59,3,999999.9988,123456.9001,0.0001"),
        ("g97", "12-06-23,2012-06-23 23:59,3,999999.99,123456.90,0.01"),
        ("g105", "12-06-23,2012-06-23 23:59,2,99.9999,08-16 09:30,12.3456,09-17 10:31,0.0100,10-18 11:32"),
        ("g67", "4,-79.4,23.7,—,56.1,"),
        ("g65", "4,0.4,0.0,567.8,753.9,—,951.7,888.3,—,999.9,"),
        ("g59", "121"),
        ("g60", "999"),
        ("g77", "2013-09-16 10:00,9999,789654.1235,555555.3333,666666.22,555555.11,444444.99,"),
        ("g109", "12-06,2012-06-23 23:59,3,111111.1111,222222.2222,333333.3333,444444.4444,666666.6666,"),
        ("g6", "2,123,123,2c,1,123456789012,"),
        ("g22", "12,12,12,12,1234,12345,12345,01 02 03 04 05 06,1,"),
        (489, "192.168.0.1,8080,192.168.0.2,8080,ZJDL.ZJ"),
        (432, "1,22"),
    ],
)
def test_values(number, values):
    assert ",".join(values_of(number)).startswith(values)


def test_missing_is_never_zero():
    frame = gdw3761.decode(FRAMES[464])
    units = gdw3761.units(frame)
    assert (units[0].point, units[0].number) == (2, 81)
    assert gdw3761.items(units[0], True)[-1].value is None
    assert gdw3761.counts(units[0])[-1] is None
    assert gdw3761.items(units[8], True)[-1].value == Number(2200, 1)


def test_events():
    frame = gdw3761.decode(FRAMES[487])
    (unit,) = gdw3761.units(frame)
    first, second = gdw3761.events(unit)
    assert (first.number, first.name["zh"]) == (14, "终端停/上电事件")
    assert [shown(item.value) for item in first.items] == ["2010-12-07 10:31", "2010-12-07 10:32"]
    assert first.end == second.start


def test_a_meters_frame_inside_is_shown():
    (piece,) = explained(FRAMES[495])
    inner = [part for outer in piece.parts for _, part in outer.walk()]
    (value,) = [part for part in inner if part.value == "6.78"]
    assert value.unit == "kWh"
    assert FRAMES[495][value.start : value.end] == bytes.fromhex("ab393333")
    order = [part.value for outer in gdw3761.explain(FRAMES[403]) for _, part in outer.walk()]
    assert any("跳闸" in said for said in order)


def test_bulk_numbers_are_the_values():
    for number in ("g61", "g81", "g101", "g105", "g85", 464):
        frame = gdw3761.decode(FRAMES[number])
        for unit in gdw3761.units(frame):
            for item, count in zip(gdw3761.items(unit, True), gdw3761.counts(unit), strict=True):
                if isinstance(item.value, Number):
                    assert item.value.scaled == count
                elif item.value is None:
                    assert count is None


POINT_AND_FN = gdw3761.unit_bytes(0x0C, 1, 25, [None] * 24, up=True)[:4]


@given(st.lists(st.binary(min_size=67, max_size=67), min_size=1, max_size=9), st.booleans())
def test_numbers_in_one_piece_are_those_of_each_unit(contents, cut):
    # Bytes of any kind: digits, signs above digits, and nibbles that are none.
    data = b"".join(POINT_AND_FN + content for content in contents)
    if cut:
        # What follows another kind of unit is read one by one.
        data += gdw3761.unit_bytes(0x0C, 2, 129, [None, 1, Number(12345, 4), None], up=True)
    frame = gdw3761.Frame(0x88, "1405", 1, 0, False, 0x0C, 0x60, data)
    units, numbers = gdw3761.units(frame), gdw3761.numbers(frame)
    assert [(unit.point, unit.number) for unit in units] == [one[:2] for one in numbers]
    for unit, (_, _, counts) in zip(units, numbers, strict=True):
        assert counts == gdw3761.counts(unit)
        for item, count in zip(gdw3761.items(unit, True)[1:], counts[1:], strict=True):
            if unit.number == 25:
                assert (None if item.value is None else item.value.scaled) == count


def test_a_frame_of_one_kind_that_is_cut_is_refused():
    unit = POINT_AND_FN + bytes(67)
    frame = gdw3761.Frame(0x88, "1405", 1, 0, False, 0x0C, 0x60, unit + unit[:-1])
    with pytest.raises(BadFrame):
        gdw3761.numbers(frame)


def test_the_tables_are_complete_and_named():
    assert len(kinds()) > 470
    assert len(event_kinds()) == 38
    for key, kind in kinds().items():
        assert kind.name["zh"], key


@pytest.mark.parametrize(
    ("spec", "raw", "said"),
    [
        ("A1", "151515166813", "2013-08-16 15:15:15"),
        ("A2", "2181", "121"),
        ("A2", "2191", "-121"),
        ("A2", "21a1", "12.1"),
        ("A2", "2141", "12100"),
        ("A3", "56341200", "123456"),
        ("A3", "56341250", "-123456000"),
        ("A4", "85", "-5"),
        ("A9", "563492", "-12.3456"),
        ("A11", "eeeeeeee", "—"),
        ("A16", "00220553", "—"),
        ("A20", "310526", "26-05-31"),
        ("DADT", "03010100", "p1,p2 F1"),
        ("DADT", "00000100", "p0 F1"),
        ("DADT", "ff000100", "p65535 F1"),
        ("ip4", "c0a80001", "192.168.0.1"),
    ],
)
def test_formats(spec, raw, said):
    octets = bytes.fromhex(raw)
    form = formats.form(spec)
    assert shown(form.parse(octets)) == said
    if said != "—" and spec not in ("A1",):
        assert form.build(form.parse(octets)) == octets
    if said == "—" and spec.startswith("A"):
        assert form.build(None) == b"\xee" * form.size


def test_units_are_built():
    moment = datetime(2026, 5, 31, 0, 5, tzinfo=SHANGHAI)
    curve = [moment, 1, 3, Number(12345, 4), None, Number(-5, 4)]
    data = gdw3761.unit_bytes(0x0D, 9, 81, curve, up=True)
    frame = gdw3761.Frame(0x88, "1405", 1, 2, False, 0x0D, 0x60, data)
    again = gdw3761.decode(gdw3761.encode(frame))
    (unit,) = gdw3761.units(again)
    assert (unit.point, unit.number) == (9, 81)
    assert [item.value for item in gdw3761.items(unit, True)] == curve
    request = gdw3761.unit_bytes(0x0D, 9, 161, ["26-05-31"])
    assert request == bytes.fromhex("01020114310526")
    for bad in (
        lambda: gdw3761.unit_bytes(0x0D, 1, 1000),
        lambda: gdw3761.unit_bytes(0x0D, 1, 161, []),
        lambda: gdw3761.unit_bytes(0x0D, 1, 161, ["26-05-31", 1]),
        lambda: gdw3761.unit_bytes(0x0D, 1, 161, ["yesterday"]),
        lambda: gdw3761.encode(frame._replace(counters=(1, 1))),
        lambda: gdw3761.encode(frame._replace(region="14")),
        lambda: gdw3761.encode(frame._replace(terminal=70000)),
        lambda: formats.da([1, 9]),
        lambda: formats.form("A2").build(Number(12345, 0)),
        lambda: formats.form("A3").build(Number(1, 1)),
    ):
        with pytest.raises(BadValue):
            bad()


def test_counts_that_lie_are_refused_quickly():
    layout = Layout("u1=M 费率数;[A14 值{i}]*M+1", formats.form)
    with pytest.raises(BadFrame):
        layout.parse(b"\xff" + bytes(20))
    with pytest.raises(BadFrame):
        layout.counts(b"\xff" + bytes(20))
    nested = kinds()[0x04, 33].down
    with pytest.raises(BadFrame):
        nested.parse(b"\xff" * 300)
    with pytest.raises(ValueError, match="unbalanced"):
        Layout("u1 a]", formats.form)


@given(st.integers(0, 255), st.integers(0, 65535), st.binary(max_size=40), st.booleans(), st.booleans())
def test_any_frame_comes_back(control, terminal, data, tagged, accessed):
    up = control & 0x80 != 0
    control = control & 0xDF | (0x20 if accessed and up else 0)
    frame = gdw3761.Frame(
        control,
        "1405",
        terminal,
        5,
        True,
        0x0C,
        0xE0 if tagged else 0x60,
        data,
        None,
        (1, 2) if accessed and up else None,
        b"\1\2\3\4\5\6" if tagged else None,
    )
    raw = gdw3761.encode(frame)
    assert gdw3761.decode(raw) == frame
    covered(gdw3761.explain(raw), len(raw))


@given(st.sampled_from(sorted(kinds())), st.booleans(), st.binary(max_size=120))
@settings(max_examples=300)
def test_any_content_is_read_or_refused(key, up, content):
    kind = kinds()[key]
    layout = kind.up if up else kind.down
    try:
        items = layout.parse(content)
    except BadFrame:
        with pytest.raises(BadFrame):
            layout.counts(content)
        return
    end = items[-1].end if items else 0
    assert layout.end(content) == end
    counts, last = layout.counts(content)
    assert (len(counts), last) == (len(items), end)
    for item, count in zip(items, counts, strict=True):
        if isinstance(item.value, Number) and not item.name["zh"].startswith("直流"):
            assert count in (item.value.scaled, None)


@given(st.sampled_from(["A2", "A3"]), st.integers(-999, 999), st.integers(0, 3))
def test_special_numbers_come_back(spec, count, decimals):
    form = formats.form(spec)
    value = Number(count, decimals if spec == "A2" else 0)
    assert form.parse(form.build(value)) == value


def test_times_of_use_are_a_byte_for_each_half_hour() -> None:
    """04F21 as three public implementations have it: 48 bytes of rates from 0 on, and how many rates there are."""
    rates = [3] * 16 + [1] * 32
    raw = gdw3761.unit_bytes(0x04, 0, 21, [*rates, 4])
    assert raw.hex() == "0000" + "1002" + "03" * 16 + "01" * 32 + "04"


def fields(nodes):
    """The fields of a layout, those inside its loops too."""
    for node in nodes:
        if isinstance(node, Loop):
            yield from fields(node.body)
        else:
            yield node


def test_every_unit_and_every_field_is_named_in_both_languages():
    layouts = [layout for kind in kinds().values() for layout in (kind.up, kind.down)]
    layouts += [layout for _, layout in event_kinds().values()]
    names = [kind.name["en"] for kind in kinds().values()]
    names += [english(field.zh) for layout in layouts for field in fields(layout.nodes)]
    assert len(names) > 2_000
    assert [name for name in names if not name or re.search("[一-鿿]", name)] == []
