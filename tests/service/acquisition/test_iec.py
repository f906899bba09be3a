"""IEC 60870-5-102 and -104 as the decoder shows them: published frames both ways, what they hold, damage, frames in a stream."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.acquisition.frames import covered, vectors

from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.protocol import iec102, iec104
from denghuo.service.acquisition.protocol.catalogue import explained
from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue
from denghuo.service.acquisition.protocol.words import english, together

Asdu104, Frame104 = iec104.Asdu, iec104.Frame
BYTE, WORD = st.integers(0, 255), st.integers(0, 0xFFFF)


@pytest.mark.parametrize("row", vectors("iec104"))
def test_published_frames_of_104(row) -> None:
    raw, expected = bytes.fromhex(row["hex"]), row["expected"]
    frame = iec104.decode(raw)
    assert iec104.encode(frame) == raw
    assert frame.kind == expected["format"]
    covered(iec104.explain(raw), len(raw))
    if frame.kind == "S":
        assert frame.received == expected["nr"]
    if (one := frame.asdu) is not None:
        told = {"ns": frame.sent, "nr": frame.received, "type": one.type, "count": one.number, "cot": one.cause}
        told |= {"sq": int(one.in_sequence), "negative": int(one.negative), "oa": one.originator, "ca": one.common}
        told |= {"objects": one.objects.hex(), "ioa": one.items()[0].value, "type_name": iec104.kinds()[one.type].code}
        assert told == {key: expected[key] for key in told}


@pytest.mark.parametrize("row", vectors("iec102"))
def test_published_frames_of_102(row) -> None:
    raw, expected = bytes.fromhex(row["hex"]), row["expected"]
    frame = iec102.decode(raw)
    assert iec102.encode(frame) == raw
    assert (f"{frame.control:02x}", frame.link) == (expected["control"].lower(), expected["link_addr"])
    covered(iec102.explain(raw), len(raw))
    assert (frame.asdu is None) == expected["fixed"]
    if (one := frame.asdu) is not None:
        told = {"type_id": one.type, "vsq": f"{one.vsq:02x}", "cot": f"{one.cause:02x}", "meas_point": one.point}
        told |= {"record_addr": one.record, "objects": one.objects.hex()}
        assert told == {key: expected[key] for key in told}


def said(raw: bytes) -> dict[str, str]:
    (piece,) = explained(raw)
    return {part.name["zh"]: together(part.value) for outer in piece.parts for _, part in outer.walk()}


def test_integrated_totals_with_their_time_and_what_is_not_valid() -> None:
    # 18 h 45 min 12.345 s on 11 April 2026, a Saturday; the second counter is marked as not valid.
    objects = bytes.fromhex(
        "bd0200 d2040000 05 3930 2d 12 cb 04 1a be0200 00000000 86 393012 92cb041a".replace(" ", "")
    )
    raw = iec104.encode(Frame104(bytes(4), Asdu104(37, False, 2, 37, 0, 1, objects)))
    items = iec104.decode(raw).asdu.items()
    moment = datetime(2026, 4, 11, 18, 45, 12, 345000, SHANGHAI)
    assert [item.value for item in items[:4]] == [701, 1234, "05 5", moment]
    assert together(items[6].value) == "86 6 无效 invalid"
    assert iec104.CP56.build(moment) == objects[8:15]
    assert iec104.CP56.parse(iec104.CP56.build(None)) is None
    negative = iec104.encode(Frame104(bytes(4), Asdu104(100, False, 1, 7, 0, 1, b"\0\0\0\x14", negative=True)))
    assert said(negative)["传送原因"] == "7 激活确认 activation confirmed，否定 negative"


def test_a_tariffs_answer_has_its_months_totals_and_demand() -> None:
    row = next(row.values[0] for row in vectors("iec102") if "88010501" in row.values[0]["hex"])
    raw = bytes.fromhex(row["hex"])
    one = iec102.decode(raw).asdu
    values = {
        item.name["zh"]: together(item.value) if isinstance(item.value, str) else item.value for item in one.items()
    }
    assert (values["费率"], values["有功累计量"], values["有功增量"], values["有功品质"]) == (
        20,
        29025,
        9700,
        "00 有效 valid",
    )
    assert (values["感性无功累计量"], values["感性无功增量"]) == (18187, 2440)
    assert (values["最大需量"], values["最大需量发生时间"]) == (84, datetime(2008, 12, 26, 14, 0, tzinfo=SHANGHAI))
    assert (values["起始时间"], values["终止时间"]) == (
        datetime(2008, 12, 1, tzinfo=SHANGHAI),
        datetime(2009, 1, 1, tzinfo=SHANGHAI),
    )
    assert values["超限量品质"] == "80 无效 invalid"
    two = one._replace(vsq=2, objects=one.objects + bytes((21,)) + one.objects[1:])
    assert [item.value for item in two.items() if item.name["zh"] == "费率"] == [20, 21]
    for wrong in (one._replace(objects=one.objects[:-1]), one._replace(vsq=2)):
        with pytest.raises(BadFrame):
            wrong.items()


def test_kinds_of_102_that_differ_by_their_number_alone_and_those_without_a_published_layout() -> None:
    published = {
        one.type: one for row in vectors("iec102") if (one := iec102.decode(bytes.fromhex(row.values[0]["hex"])).asdu)
    }
    for known, others in ((11, (2, 5, 8)), (122, (120, 121, 123))):
        for other in others:
            assert published[known]._replace(type=other).items() == published[known].items()
    assert iec102.encode(iec102.decode(b"\xe5")) == b"\xe5"
    assert said(b"\xe5") == {"单字符认可": ""}
    instant = iec102.encode(iec102.Frame(8, 1, iec102.Asdu(163, 1, 5, 1, 0, b"\xc0\1\2")))
    told = said(instant)
    assert (told["类型标识"], told["数据"]) == ("163 瞬时值 instantaneous value", "C0 01 02")


@pytest.mark.parametrize(
    ("hexed", "reason"),
    [
        ("68040700000000", "long"),
        ("680407000100", "start"),
        ("680e0000000064010600010000", "short"),
        ("680e0000000064010600010000000014ff", "long"),
        ("680f0000000064010600010000000014ff", "long"),
        ("680d00000000640106000100000000", "short"),
        ("690407000000", "start"),
    ],
)
def test_damaged_frames_of_104_are_refused(hexed: str, reason: str) -> None:
    with pytest.raises(BadFrame) as caught:
        iec104.explain(bytes.fromhex(hexed))
    assert caught.value.reason == reason


def test_damaged_frames_of_102_are_refused() -> None:
    for row in vectors("iec102"):
        raw = bytearray.fromhex(row.values[0]["hex"])
        for at in range(len(raw)):
            hurt = bytes(raw[:at]) + bytes((raw[at] ^ 0x21,)) + bytes(raw[at + 1 :])
            with pytest.raises(BadFrame):
                iec102.decode(hurt)
        with pytest.raises(BadFrame):
            iec102.decode(bytes(raw[:-1]))


def test_the_protocol_is_found_out_and_damage_of_others_is_not_104() -> None:
    for file in ("iec102", "iec104"):
        for row in vectors(file):
            (piece,) = explained(bytes.fromhex(row.values[0]["hex"]))
            assert piece.protocol.code == file
    glued = bytes.fromhex("680407000000680e0000000064010600010000000014")
    assert [piece.protocol.code for piece in explained(glued)] == ["iec104", "iec104"]
    for file in ("cjt188", "gdw3762", "dlt645"):
        for row in vectors(file, whole=False):
            with pytest.raises(BadFrame) as caught:
                explained(bytes.fromhex(row.values[0]["hex"]))
            assert caught.value.reason == "checksum"


def test_modbus_over_tcp_and_bare_messages_are_shown() -> None:
    assert said(bytes.fromhex("00070000000702 04 04 435c0000".replace(" ", "")))["寄存器0"] == "17244"
    message = bytes.fromhex("0501014000020000")
    with pytest.raises(BadFrame):
        explained(message)
    (piece,) = explained(message, "dlt698_apdu")
    assert "40000200 日期时间" in together(piece.parts[2].value) and piece.end == len(message)


@given(BYTE, st.booleans(), st.integers(0, 127), st.integers(0, 63), BYTE, WORD, st.binary(max_size=241), st.booleans())
def test_any_frame_of_104_comes_back(kind, order, number, cause, originator, common, objects, negative) -> None:
    asdu = Asdu104(kind, order, number, cause, originator, common, objects, negative, not negative)
    raw = iec104.encode(Frame104(b"\2\0\4\0", asdu))
    assert iec104.decode(raw).asdu == asdu
    try:
        covered(iec104.explain(raw), len(raw))
    except BadFrame as wrong:
        assert wrong.reason in ("short", "long")


@given(BYTE, WORD, BYTE, BYTE, BYTE, WORD, BYTE, st.binary(max_size=246))
def test_any_frame_of_102_comes_back(control, link, kind, vsq, cause, point, record, objects) -> None:
    for asdu in (None, iec102.Asdu(kind, vsq, cause, point, record, objects)):
        raw = iec102.encode(iec102.Frame(control, link, asdu))
        assert iec102.decode(raw) == iec102.Frame(control, link, asdu)
        covered(iec102.explain(raw), len(raw))


def test_what_cannot_be_sent_is_refused() -> None:
    one = Asdu104(100, False, 1, 6, 0, 1, b"\0\0\0\x14")
    for frame in (
        Frame104(b"\1\0\0\0", one),
        Frame104(bytes(4)),
        Frame104(bytes(4), one._replace(common=70_000)),
        Frame104(bytes(4), one._replace(objects=bytes(250))),
        Frame104(b"\7\0\1\0"),
    ):
        with pytest.raises(BadValue):
            iec104.encode(frame)
    with pytest.raises(BadValue):
        iec102.encode(iec102.Frame(0x73, 1, iec102.Asdu(8, 1, 5, 1, 11, bytes(247))))


def test_every_type_is_named_in_both_languages() -> None:
    names = [kind.name["zh"] for kind in iec104.kinds().values()] + [name["zh"] for name, _ in iec102.kinds().values()]
    assert len(names) > 55 and [name for name in names if any("一" <= letter <= "鿿" for letter in english(name))] == []
