"""DLMS/COSEM: a captured exchange means what its two sides said, both ways; damage is refused; round trips."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.service.acquisition.frames import covered, vectors

from denghuo.service.acquisition.protocol import dlms
from denghuo.service.acquisition.protocol.dlms import apdu, data, hdlc, objects, wrapper
from denghuo.service.acquisition.protocol.dlms.explain import label
from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue
from denghuo.service.acquisition.protocol.words import together

OBJECT = re.compile(r"class (\d+) ([\d.]+) attribute (\d+)")
CAPTURED = {row.values[0]["id"]: row.values[0] for row in [*vectors("dlms"), *vectors("hdlc")]}


def message(number):
    """The message of a captured frame."""
    raw = bytes.fromhex(CAPTURED[number]["hex"])
    if CAPTURED[number]["protocol"] == "hdlc":
        return dlms.decode_apdu(hdlc.decode(raw).information[3:])
    return dlms.decode_apdu(wrapper.decode(raw).payload)


@pytest.mark.parametrize("row", vectors("dlms"))
def test_captured_over_tcp(row):
    raw, expected = bytes.fromhex(row["hex"]), row["expected"]
    frame = wrapper.decode(raw)
    assert (frame.source, frame.to) == ((16, 1) if expected["direction"] == "down" else (1, 16))
    assert wrapper.encode(frame) == raw
    found = dlms.decode_apdu(frame.payload)
    assert dlms.encode_apdu(found) == frame.payload
    covered(dlms.explain_wrapper(raw), len(raw))
    said = OBJECT.match(expected["meaning"])
    if said and found.name == "GetRequest":
        asked = found.fields["attribute"]
        assert (asked["interface"], asked["obis"], asked["attribute"]) == (int(said[1]), said[2], int(said[3]))
    names = {"AARQ": "AssociationRequest", "AARE": "AssociationResponse", "RLRQ": "ReleaseRequest"}
    if expected["meaning"] in names:
        assert found.name == names[expected["meaning"]]


@pytest.mark.parametrize("row", vectors("hdlc", whole=True))
def test_captured_and_published_over_hdlc(row):
    raw, expected = bytes.fromhex(row["hex"]), row["expected"]
    frame = hdlc.decode(raw)
    assert hdlc.encode(frame) == raw
    covered(dlms.explain_hdlc(raw), len(raw))
    if "kind" in expected:
        assert (frame.to.hex(), frame.source.hex()) == (expected["dest"], expected["src"])
        assert (frame.kind if frame.kind != "U" else "UI") == expected["kind"]
        assert frame.control == int(expected["control"], 16) and frame.segmented == expected["segmented"]
        assert frame.information.hex() == expected.get("info", "")
    if frame.information[:3] in (hdlc.ASKED, hdlc.ANSWERED):
        assert dlms.encode_apdu(dlms.decode_apdu(frame.information[3:])) == frame.information[3:]


@pytest.mark.parametrize("row", vectors("hdlc", whole=False))
def test_damaged_frame_is_refused(row):
    with pytest.raises(BadFrame):
        hdlc.decode(bytes.fromhex(row["hex"]))


@pytest.mark.parametrize(
    ("number", "result"),
    [
        ("d6", (0, (0x10, 0))),
        ("d8", (0, (9, b"GRX0000000123456"))),
        ("d10", (0, (0x12, 9))),
        ("d12", (0, (2, [(0x0F, -2), (0x16, 30)]))),
        ("d20", (0, (6, 0))),
        ("d24", (0, (3, False))),
        ("d34", (0, (0x12, 10))),
    ],
)
def test_captured_answers_have_the_values_of_the_server(number, result):
    assert message(number).fields["result"] == result


def test_captured_clock_and_what_stands_behind_it():
    found = message("d4")
    assert data.instant_of(found.fields["result"][1]) == datetime(2026, 11, 23, 5, 39, 49, tzinfo=UTC)
    assert len(found.fields["rest"]) == 18


def test_captured_association():
    asked, answered = message("d1"), message("d2")
    assert asked.fields["context"] == 1 and len(asked.fields["title"]) == 8
    wanted = dlms.decode_apdu(asked.fields["information"]).fields
    assert (wanted["conformance"], wanted["pdu_max"]) == (0x20525F, 0xFFFF)
    assert (answered.fields["accepted"], answered.fields["diagnostic"]) == (0, (1, 0))
    given_ = dlms.decode_apdu(answered.fields["information"]).fields
    assert (given_["conformance"], given_["pdu_max"], given_["name_of_objects"]) == (0x18, 512, 7)
    assert message("d26").name == "ExceptionResponse"


def test_captured_terms_of_a_link():
    frame = hdlc.decode(bytes.fromhex(CAPTURED["d28"]["hex"]))
    assert frame.function == hdlc.UA and hdlc.terms_of(frame.information) == hdlc.Terms(128, 128, 1, 1)
    assert hdlc.terms_of(b"") == hdlc.Terms()
    said = bytes.fromhex("818014 05020200 06020400 070400000001 080400000007")
    assert hdlc.terms_of(said) == hdlc.Terms(512, 1024, 1, 7)


@pytest.mark.parametrize("octets", ["8180", "818004050180", "8281000000", "81800205"])
def test_terms_that_are_cut_are_refused(octets):
    with pytest.raises(BadFrame):
        hdlc.terms_of(bytes.fromhex(octets))


RIGHT = CAPTURED["d31"]["hex"]


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "start"),
        ("7f" + RIGHT[2:], "start"),
        ("7eb0" + RIGHT[4:], "start"),
        (RIGHT[:-4], "short"),
        (RIGHT + "00", "long"),
        (RIGHT[:-2] + "7f", "end"),
        (RIGHT.replace("6fd8", "6fd9"), "checksum"),
        (RIGHT[:-6] + "601b7e", "checksum"),
    ],
)
def test_what_is_wrong_is_said(written, reason):
    with pytest.raises(BadFrame) as caught:
        hdlc.decode(bytes.fromhex(written))
    assert caught.value.reason == reason


@pytest.mark.parametrize("parts", [(16,), (1, 17), (1, 200), (1, 16383)])
def test_addresses_come_back(parts):
    octets = hdlc.address(*parts)
    assert hdlc.address_said(octets) == (parts[0], parts[1] if len(parts) > 1 else None)
    assert hdlc.encode(hdlc.Frame(octets, b"\x21", hdlc.SNRM | hdlc.FINAL))


@pytest.mark.parametrize(
    ("obis", "zh", "en"),
    [
        ("1.0.1.8.0.255", "正向有功电能 总", "active, forward, energy, total"),
        ("1.0.2.8.3.255", "反向有功电能 费率3", "active, reverse, energy, tariff 3"),
        ("1.0.32.7.0.255", "A相电压 瞬时值", "voltage phase A, instantaneous"),
        ("1.0.41.7.0.255", "B相正向有功功率 瞬时值", "active, forward phase B, power, instantaneous"),
        ("1.0.99.1.0.255", "负荷曲线1", "load profile 1"),
        ("0.0.1.0.0.255", "时钟", "clock"),
        ("0.0.96.3.10.255", "断开控制", "disconnect control"),
        ("1.0.200.99.0.255", "未知对象", "unknown object"),
    ],
)
def test_objects_are_named(obis, zh, en):
    assert dlms.name_of(obis) == {"zh": zh, "en": en}


def test_every_word_has_both_languages():
    for key in ("invoke", *(name for choices in apdu.MESSAGES.values() for name, _ in choices.values())):
        assert label(key)["zh"] != key, key
    for kind in objects.classes().values():
        for name in (kind.name, *kind.members.values()):
            assert name["zh"] and not re.search("[一-鿿]", name["en"]), name
    assert dlms.unit_of(30) == "Wh" and dlms.unit_of(255) == ""


def test_times_know_their_deviation():
    moment = datetime(2026, 6, 1, 0, 15, tzinfo=UTC)
    for deviation in (True, False):
        assert data.instant(data.instant_bytes(moment, deviation)) == moment
    assert data.instant(data.instant_bytes(moment)[:9] + (-330).to_bytes(2, "big", signed=True) + b"\0") == moment + (
        timedelta(hours=8) - timedelta(hours=5, minutes=30)
    )
    assert data.instant(b"\xff" * 12) is None and data.instant(b"") is None
    assert data.instant(data.instant_bytes(moment)[:9] + b"\x7f\xff\0") is None


def test_compact_arrays_come_back_and_cannot_say_more_than_they_hold():
    kind = (2, [0x12, 9, (1, 3, 0x11)])
    rows = [(2, [(0x12, n), (9, b"\1" * n), (1, [(0x11, 1), (0x11, 2), (0x11, n)])]) for n in range(4)]
    raw = data.write((data.COMPACT, (kind, rows)))
    assert data.read(raw, 0) == ((data.COMPACT, (kind, rows)), len(raw))
    for hostile in ("13 00 03 010203", "13 01ffff00 03 010203", "13 01000011 01 01", "13 0200 01 01", "13 ff 01 01"):
        with pytest.raises(BadFrame):
            data.read(bytes.fromhex(hostile), 0)
    for value in ((0x12, [(0x11, 1)]), ((2, [0x12]), [(2, [])])):
        with pytest.raises(BadValue):
            data.write((data.COMPACT, value))


def told(raw):
    parts = dlms.explain_apdu(raw)
    covered(parts, len(raw))
    return [(part.name["zh"], together(part.value)) for outer in parts for _, part in outer.walk()]


def test_rows_of_a_compact_array_are_shown():
    rows = [(2, [(0x12, n), (6, 100 * n), (1, [(0x11, n)])]) for n in (1, 2)]
    result = (0, (data.COMPACT, ((2, [0x12, 6, (1, 1, 0x11)]), rows)))
    said = told(dlms.encode_apdu(apdu.Apdu("GetResponse", {"invoke": 1, "result": result, "rest": b""})))
    assert ("1", "1，100，1") in said and ("2", "2，200，2") in said


def test_what_stands_under_a_key_is_taken_apart():
    plain = bytes.fromhex("c001c100080000010000ff0200")
    for head, there in (("3000000007", "密文"), ("1000000007", "明文"), ("2000000007", "密文"), ("00000000", "")):
        sealed = bytes.fromhex(head) + plain + b"\xbb" * 12
        said = dict(told(dlms.encode_apdu(apdu.Apdu("GloGetRequest", {"content": sealed if there else sealed[:4]}))))
        assert not there or (said["调用计数器"] == "7" and there in said)
        assert ("认证标签" in said) == (head[0] in "13"), "what is not proven has no proof"
        assert ("属性" in said) == (there == "明文")


def test_actions_and_settings_in_lists_and_blocks_come_back():
    method = {"interface": 70, "obis": "0.0.96.3.10.255", "method": 1}
    item = {"attribute": {"interface": 8, "obis": "0.0.1.0.0.255", "attribute": 2}, "access": None}
    block = {"invoke": 1, "last": 1, "block": 2, "octets": b"\1\2"}
    for name, fields in (
        ("ActionListRequest", {"invoke": 1, "methods": [method], "parameters": [(0x0F, 0)]}),
        ("ActionFirstBlockRequest", {**block, "method": method}),
        ("ActionListFirstBlockRequest", {**block, "methods": [method]}),
        ("ActionBlockRequest", block),
        (
            "ActionListResponse",
            {"invoke": 1, "results": [{"error": 0, "returned": None}, {"error": 3, "returned": (1, 3)}]},
        ),
        ("ActionNextResponse", {"invoke": 1, "block": 2}),
        ("SetListFirstBlockRequest", {**block, "items": [item]}),
        ("SetListLastBlockResponse", {"invoke": 1, "errors": [0, 3], "block": 2}),
    ):
        raw = dlms.encode_apdu(apdu.Apdu(name, fields))
        assert dlms.decode_apdu(raw) == apdu.Apdu(name, fields)
        assert told(raw)[0][1].startswith(raw[:2].hex(" ").upper())


@pytest.mark.parametrize(
    "wrong",
    [
        apdu.Apdu("GetRequest", {"invoke": 1}),
        apdu.Apdu(
            "GetRequest", {"invoke": 1, "attribute": {"interface": 3, "obis": "1.0.1", "attribute": 2}, "access": None}
        ),
        apdu.Apdu("GetNextRequest", {"invoke": 300, "block": 1}),
        apdu.Apdu("AssociationRequest", {"password": b"1"}),
        apdu.Apdu("AssociationRequest", {"context": 300}),
        apdu.Apdu("Nothing", {}),
    ],
)
def test_what_cannot_be_encoded_is_refused(wrong):
    with pytest.raises(BadValue):
        dlms.encode_apdu(wrong)


def test_frames_that_do_not_fit_are_refused():
    for frame in (
        hdlc.Frame(b"", b"\x21", 0x10),
        hdlc.Frame(b"\x02", b"\x21", 0x10),
        hdlc.Frame(b"\x03", b"\x21", 300),
        hdlc.Frame(b"\x03", b"\x21", 0x10, bytes(2048)),
    ):
        with pytest.raises(BadValue):
            hdlc.encode(frame)
    for frame in (wrapper.Frame(70_000, 1, b""), wrapper.Frame(1, 1, bytes(70_000))):
        with pytest.raises(BadValue):
            wrapper.encode(frame)
    for parts in ((200,), (1, 20_000), (-1, 1)):
        with pytest.raises(BadValue):
            hdlc.address(*parts)


numbers = {5: (-(2**31), 2**31), 6: (0, 2**32), 0x0F: (-128, 128), 0x10: (-32768, 32768), 0x11: (0, 256)}
numbers |= {0x12: (0, 65536), 0x14: (-(2**63), 2**63), 0x15: (0, 2**64), 0x16: (0, 256), 0x0D: (0, 256)}
leaves = st.one_of(
    st.just((0, None)),
    st.just((data.DONT_CARE, None)),
    st.sampled_from(list(numbers)).flatmap(
        lambda tag: st.integers(numbers[tag][0], numbers[tag][1] - 1).map(lambda value: (tag, value))
    ),
    st.booleans().map(lambda value: (3, value)),
    st.text("01", max_size=20).map(lambda value: (4, value)),
    st.binary(max_size=200).map(lambda value: (9, value)),
    st.text(st.characters(max_codepoint=255), max_size=20).map(lambda value: (10, value)),
    st.sampled_from(list(data.TIMES.items())).flatmap(
        lambda pair: st.binary(min_size=pair[1], max_size=pair[1]).map(lambda value: (pair[0], value))
    ),
)
any_data = st.recursive(
    leaves, lambda inner: st.tuples(st.sampled_from([1, 2]), st.lists(inner, max_size=5)), max_leaves=20
)
addresses = st.one_of(
    st.integers(0, 127).map(hdlc.address),
    st.tuples(st.integers(0, 127), st.integers(0, 127)).map(lambda pair: hdlc.address(*pair, size=2)),
    st.tuples(st.integers(0, 16383), st.integers(0, 16383)).map(lambda pair: hdlc.address(*pair, size=4)),
)
frames = st.builds(hdlc.Frame, addresses, addresses, st.integers(0, 255), st.binary(max_size=300), st.booleans())


@given(any_data)
@settings(max_examples=60)
def test_any_data_come_back(value):
    raw = data.write(value)
    assert data.read(raw, 0) == (value, len(raw))
    attribute = {"interface": 7, "obis": "1.0.99.1.0.255", "attribute": 2}
    access = {"selector": 1, "parameter": value}
    for found in (
        apdu.Apdu("GetRequest", {"invoke": 1, "attribute": attribute, "access": access}),
        apdu.Apdu("GetResponse", {"invoke": 1, "result": (0, value), "rest": b""}),
        apdu.Apdu("SetRequest", {"invoke": 1, "attribute": attribute, "access": None, "data": value}),
        apdu.Apdu("DataNotification", {"long_invoke": 1, "time": b"", "data": value}),
    ):
        octets = dlms.encode_apdu(found)
        assert dlms.decode_apdu(octets) == found
        covered(dlms.explain_apdu(octets), len(octets))


@given(frames)
def test_any_frame_comes_back(frame):
    raw = hdlc.encode(frame)
    assert hdlc.decode(raw) == frame
    covered(dlms.explain_hdlc(raw), len(raw))


@given(frames, st.integers(0, 400), st.integers(1, 255))
def test_one_changed_byte_is_always_seen(frame, place, change):
    raw = bytearray(hdlc.encode(frame))
    raw[place % len(raw)] ^= change
    with pytest.raises(BadFrame):
        hdlc.decode(bytes(raw))


@given(st.binary(max_size=60))
@settings(max_examples=100)
def test_any_message_is_read_or_refused(octets):
    for start in ("", "c401c100", "c001c1", "60", "6129a109060760857405080101", "0f40000000", "c40100001301", "c403c1"):
        try:
            found = dlms.decode_apdu(bytes.fromhex(start) + octets)
        except BadFrame:
            continue
        assert dlms.decode_apdu(dlms.encode_apdu(found)) == found
