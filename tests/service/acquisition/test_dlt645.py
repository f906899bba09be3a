"""DL/T 645: published frames mean what their publishers say, both ways; damaged ones are refused; round trips of random ones."""

import re
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.acquisition.frames import covered, vectors

from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.protocol import dlt645
from denghuo.service.acquisition.protocol.dlt645 import messages
from denghuo.service.acquisition.protocol.dlt645.identifiers import TABLES
from denghuo.service.acquisition.protocol.dlt645.load import CLASSES
from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue
from denghuo.service.acquisition.protocol.fields import format_of
from denghuo.service.acquisition.protocol.number import Number
from denghuo.service.acquisition.protocol.words import english, rows, together

READ = bytes.fromhex("fefefefe6861010000000068110433333433 1416".replace(" ", ""))


@pytest.mark.parametrize("row", vectors("dlt645", whole=True))
def test_published_frame(row):
    raw, expected = bytes.fromhex(row["hex"]), row["expected"]
    frame = dlt645.decode(raw)
    assert frame.address == expected["address"].lower()
    assert frame.control == int(expected["control"], 16)
    assert frame.data.hex() == expected["data"]
    assert dlt645.decode_all([raw]) == [frame]
    assert dlt645.encode(frame) == raw
    said = dlt645.message(frame)
    assert dlt645.edition(frame) == int(row["protocol"][-4:])
    again = dlt645.frame_of(said, dlt645.edition(frame))
    assert dlt645.message(again) == said
    if getattr(said, "until", "") is not None:
        assert again == frame
    covered(dlt645.explain(raw), len(raw))


@pytest.mark.parametrize("row", vectors("dlt645", whole=True))
def test_published_meaning(row):
    expected = row["expected"]
    said = dlt645.message(dlt645.decode(bytes.fromhex(row["hex"])))
    if "value" in expected and isinstance(said, messages.Data) and expected["di"] != "04000503":
        (item,) = said.items()
        assert item.value == Number.of(expected["value"], item.value.decimals)
        assert item.unit == expected["unit"].strip()
    if isinstance(said, messages.Read | messages.Data) and "di" in expected and not row["protocol"].endswith("97"):
        assert said.di.upper() == expected["di"]
    if isinstance(said, messages.Address):
        assert said.meter == expected["meter_address"]
    if isinstance(said, messages.Relay):
        assert (said.level, said.order) == (expected["pa"], expected["n1"])
    if "err_byte" in expected and isinstance(said, messages.Refused):
        assert said.reasons == int(expected["err_byte"], 16)


@pytest.mark.parametrize("row", vectors("dlt645", whole=False))
def test_damaged_frame_is_refused(row):
    with pytest.raises(BadFrame):
        dlt645.decode(bytes.fromhex(row["hex"]))


@pytest.mark.parametrize(
    ("written", "reason", "at"),
    [
        ("", "short", 0),
        ("68", "short", 1),
        ("fefe68", "short", 3),
        ("6961010000000068110433333433 1416", "start", 0),
        ("6861010000000069110433333433 1416", "start", 7),
        ("6861010000000068110433333433 14", "short", 15),
        ("6861010000000068110433333433 1516", "checksum", 14),
        ("6861010000000068110433333433 1417", "end", 15),
        ("6861010000000068110433333433 1416 00", "long", 16),
    ],
)
def test_what_is_wrong_is_said(written, reason, at):
    with pytest.raises(BadFrame) as caught:
        dlt645.decode(bytes.fromhex(written))
    assert (caught.value.reason, caught.value.at) == (reason, at)


@pytest.mark.parametrize(
    ("di", "written", "values"),
    [
        ("00000000", "12345680", ["-5634.12"]),  # the combined energy has its sign in the top bit
        ("00010000", "12345698", ["985634.12"]),  # the forward energy has none: all 8 digits count
        ("02020100", "050080", ["-0.005"]),
        ("02010100", "ffff", ["None"]),
        ("02010100", "eeee", ["None"]),
        ("00010000", "ffffffff", ["None"]),
        ("0201FF00", "01221922ffff", ["220.1", "221.9", "None"]),
        ("02800002", "9949", ["49.99"]),
        ("01010000", "563412 5923310526", ["12.3456", "2026-05-31 23:59:00+08:00"]),
        ("04000101", "01310526", ["26-05-31 01"]),
        ("04000403", "41" * 3 + "00" * 29, ["AAA"]),
        ("05060101", "00010000000100000000000000000000", ["1.00", "1.00", "0.00", "0.00"]),
        ("03110001", "000000000000595931120526"[:24], ["None", "None"]),
        (
            "0506FF01",
            "0000110426aa0100000002000000aaffffffffaaaaaa",
            ["2026-04-11 00:00:00+08:00", "0.01", "0.02", "None"],
        ),
        ("10020A03", "0122", ["220.1"]),
        ("1D010101", "000000000000", ["None"]),
        ("033500FE", "595923120526" + "ff" * 6 + "01000000" * 4, ["2026-05-12 23:59:59+08:00", "None", *["0.01"] * 4]),
        ("00900200", "50120000", ["12.50"]),
        ("9010", "03000000", ["0.03"]),
        ("B611", "0001", ["100"]),
        ("901F", "0100000002000000aa", ["0.01", "0.02"]),
        ("901F", "0100000002000000", ["0.01", "0.02"]),
    ],
)
def test_values(di, written, values):
    assert [str(item.value) for item in dlt645.items(di, bytes.fromhex(written))] == values


@pytest.mark.parametrize(
    ("di", "zh"),
    [
        ("00010000", "（当前）正向有功总电能"),
        ("00020301", "（上1结算日）反向有功费率3电能"),
        ("02030000", "瞬时总有功功率"),
        ("02010300", "C相电压"),
        ("03010203", "（上3次）B相失压记录"),
        ("05060101", "（上1次）日冻结正向有功电能"),
        ("04000503", "电表运行状态字3"),
        ("9020", "（当前）反向有功总电能"),
        ("C033", "用户号"),
        ("1803250A", "（上10次）C相失流结束时刻组合无功2总电能"),
        ("0501FF02", "（上2次）瞬时冻结数据块"),
        ("06020001", "给定时间的第2类负荷记录块"),
    ],
)
def test_identifiers(di, zh):
    assert dlt645.identifier(di).name["zh"] == zh


@pytest.mark.parametrize("di", ["00014000", "0201FE00", "99999999", "0001000D", "zzzzzzzz", "12", ""])
def test_unknown_identifiers(di):
    assert dlt645.identifier(di) is None
    with pytest.raises(BadFrame):
        dlt645.items(di, b"\0\0")


def test_data_too_short_for_their_identifier_are_refused():
    with pytest.raises(BadFrame):
        dlt645.items("00010000", b"\x01\x02\x03")


def test_a_block_whose_parts_are_not_marked_is_refused():
    for written in ("0000110426aa010000", "000011042601000000", "0000110426" + "aa" * 13):
        with pytest.raises(BadFrame):
            dlt645.items("0506FF01", bytes.fromhex(written))
    assert len(dlt645.items("0506FF01", bytes.fromhex("0000110426"))) == 1, "a meter may keep the time alone"


def test_data_that_follow_are_a_piece_with_a_number():
    said = messages.NextData(
        address="000000000001", di="0001ff00", data=bytes.fromhex("0000000012340056 07".replace(" ", ""))
    )
    raw = dlt645.encode(dlt645.frame_of(said))
    covered(dlt645.explain(raw), len(raw))
    told = {part.name["zh"]: together(part.value) for outer in dlt645.explain(raw) for _, part in outer.walk()}
    assert told["帧序号"] == "7" and not any("电能" in name for name in told)


def test_load_record():
    moment = datetime(2026, 5, 31, 23, 45, tzinfo=SHANGHAI)
    voltages = [Number(2301, 1), None, Number(2299, 1), Number(-5000, 3), Number(1, 3), Number(0, 3), Number(5000, 2)]
    data = dlt645.record(moment, [voltages, None, None, None, None, None])
    (point, second) = dlt645.points(
        data + data.replace(b"\xa0\xa0", b"\xe0\xe0")[:-2] + bytes([(sum(data[:-2]) + 0x80) & 255, 0xE5])
    )
    assert point.at == moment
    assert [item.value for item in point.items] == voltages
    assert (second.at, second.items) == (None, [])
    for damaged in (data[:-1], data[:5], data[:-2] + b"\0\xe5", data[:-1] + b"\0", b"\xa0\xa0\x02\0\0\0\0\0\0\0"):
        with pytest.raises(BadFrame):
            dlt645.points(damaged)


def test_commands():
    until = datetime(2026, 6, 1, 12, tzinfo=SHANGHAI)
    for said in (
        messages.Read(address="000000000001", di="06000001", blocks=4, since=until),
        messages.Relay(
            address="000000000001", level="02", password="000000", operator="00000001", order="1a", delay=0, until=until
        ),
        messages.SetClock(address="999999999999", time=until),
        messages.Freeze(address="999999999999", pattern="99999900"),
        messages.Write(
            address="000000000001",
            di="04000101",
            level="04",
            password="000000",
            operator="00000001",
            data=b"\1\1\6\x26",
        ),
        messages.ClearEvents(address="000000000001", level="02", password="000000", operator="00000001", di="ffffffff"),
        messages.WriteAddress(address="aaaaaaaaaaaa", meter="000000000001"),
        messages.Done(address="000000000001", function=0x1C),
        messages.Refused(address="000000000001", function=0x1C, reasons=4),
        messages.NextData(address="000000000001", di="00010000", data=b"\0\0\0\0\1", more=True),
    ):
        assert dlt645.message(dlt645.decode(dlt645.encode(dlt645.frame_of(said), wake_up=4))) == said
    with pytest.raises(BadValue):
        dlt645.frame_of(messages.Freeze(address="999999999999", pattern="99999900"), 1997)
    with pytest.raises(BadValue):
        dlt645.encode(dlt645.Frame("12", 0x11, b""))
    with pytest.raises(BadValue):
        dlt645.encode(dlt645.Frame("000000000001", 0x11, bytes(256)))
    with pytest.raises(BadValue):
        dlt645.build("00010000", [Number(100_000_000, 2)])
    with pytest.raises(BadValue):
        dlt645.build("00010000", [Number(1, 2), Number(1, 2)])
    with pytest.raises(BadValue):
        dlt645.build("00010000", [Number(-1, 2)])


frames = st.builds(
    dlt645.Frame,
    st.text("0123456789a", min_size=12, max_size=12),
    st.integers(0, 255),
    st.binary(max_size=255),
)


@given(frames, st.integers(0, 6))
def test_any_frame_comes_back(frame, wake_up):
    raw = dlt645.encode(frame, wake_up)
    assert dlt645.decode(raw) == frame
    said = dlt645.message(frame)
    again = dlt645.message(dlt645.frame_of(said, dlt645.edition(frame)), dlt645.edition(frame))
    assert again == said
    covered(dlt645.explain(raw), len(raw))


@given(frames, st.integers(0, 300), st.integers(1, 255))
def test_one_changed_byte_is_never_another_frame(frame, place, change):
    raw = bytearray(dlt645.encode(frame))
    raw[place % len(raw)] ^= change
    try:
        other = dlt645.decode(bytes(raw))
    except BadFrame:
        return
    assert other == frame, "only bytes before the frame may be changed unseen"


@given(st.sampled_from(["6.2", "-6.2", "2.4", "-2.4", "3.1", "-1.3", "6.0"]), st.data())
def test_any_number_comes_back(spec, data):
    form = format_of(spec)
    decimals = int(spec[-1])
    limit = (8 if spec[0] == "-" else 10) * 10 ** (2 * form.size - 1) - 1
    scaled = data.draw(st.one_of(st.none(), st.integers(-limit if spec[0] == "-" else 0, limit)))
    value = None if scaled is None else Number(scaled, decimals)
    assert form.parse(form.build(value)) == value
    if value is not None:
        assert Number.of(str(value), decimals) == value


@given(
    st.datetimes(datetime.fromisoformat("2000-01-01"), datetime.fromisoformat("2099-12-31 23:59")),
    st.lists(st.one_of(st.none(), st.just(0)), min_size=6, max_size=6),
)
def test_any_load_record_comes_back(moment, kept):
    moment = moment.replace(second=0, microsecond=0, tzinfo=SHANGHAI)
    classes = [
        None if one is None else [Number(place, int(spec[-1])) for place, (_, spec, _) in enumerate(forms)]
        for one, forms in zip(kept, CLASSES, strict=True)
    ]
    (point,) = dlt645.points(dlt645.record(moment, classes))
    assert point.at == moment
    assert [item.value for item in point.items] == [value for some in classes if some for value in some]


def test_every_identifier_is_named_in_both_languages():
    patterns = [
        row["di"]
        for size in TABLES
        for name in TABLES[size]
        for row in rows("denghuo.service.acquisition.protocol.dlt645", name)
    ]
    assert len(patterns) > 450
    for pattern in patterns:
        di = re.sub(r"([a-z])\1", "01", pattern)
        known = dlt645.identifier(re.sub("[a-z]", "1", di))
        names = [known.name["en"], *(english(form.zh) for form in known.forms)]
        assert not [name for name in names if re.search("[一-鿿]", name)], pattern
