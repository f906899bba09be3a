"""DL/T 698.45: published frames and messages mean what their publishers say, both ways; damage is refused; round trips."""

import asyncio
import re
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.asynchronous import run_in_no_time
from tests.service.acquisition.frames import covered, vectors

from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.front.dlt698 import Speaker698
from denghuo.service.acquisition.front.limits import Limits
from denghuo.service.acquisition.front.line import Line
from denghuo.service.acquisition.protocol import dlt698
from denghuo.service.acquisition.protocol.dlt698 import apdu, data, link, objects, rows
from denghuo.service.acquisition.protocol.dlt698.explain import label
from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue
from denghuo.service.acquisition.protocol.stream import Reader
from denghuo.service.acquisition.protocol.words import together

# A message as a draft of the standard printed it: three dates of 9 bytes without the day of the week, which the standard of 2017
# has in its 10. The third is cut short where the message ends.
OF_A_DRAFT = 387
# Published without the byte that says "no time tag" at the end, or with one too few.
SHORT_TAIL = {343, 379}
NAMES = {
    0: "null",
    1: "array",
    2: "structure",
    5: "int32",
    6: "uint32",
    9: "octet_string",
    0x0F: "int8",
    0x11: "uint8",
    0x12: "uint16",
    0x16: "enumeration",
    0x19: "date_time",
    0x1C: "date_time_s",
    0x51: "oad",
    0x54: "ti",
    0x55: "tsa",
}


def plain(value):
    """A value of ours as the publisher of the expected ones writes it."""
    tag, inner = value
    if tag in (data.ARRAY, data.STRUCTURE):
        return {NAMES[tag]: [plain(member) for member in inner]}
    if tag in data.TIMES:
        size = list(inner)
        return {NAMES[tag]: [size[0], size[1], *size[2:]]}
    if isinstance(inner, bytes):
        inner = inner.hex()
    return {NAMES[tag]: inner.upper() if tag == 0x51 else inner}


def column(value):
    if value[0] == 0:
        return value[1].upper()
    return {"associated": [oad.upper() for oad in value[1]["columns"]], "attribute": value[1]["oad"].upper()}


@pytest.mark.parametrize("row", vectors("dlt698", whole=True))
def test_published_frame(row):
    raw, expected = bytes.fromhex(row["hex"]), row["expected"]
    frame = dlt698.decode(raw)
    assert frame.control == int(expected["control"], 16)
    assert (frame.function, frame.address_type, frame.logical) == tuple(
        expected[name] for name in ("func", "addr_type", "logical")
    )
    assert (frame.server, frame.client) == (expected["server"], int(expected["client"], 16))
    assert frame.fragment == expected["fragment"]
    if frame.fragment:
        assert frame.payload.hex() == expected["fragment_payload"]
    assert dlt698.encode(frame) == raw
    covered(dlt698.explain(raw), len(raw))


@pytest.mark.parametrize("row", [*vectors("dlt698", True), *vectors("dlt698", protocol="dlt698-apdu")])
def test_published_message(row):
    raw, expected = bytes.fromhex(row["hex"]), row["expected"]
    if row["protocol"] == "dlt698":
        frame = dlt698.decode(raw)
        if frame.fragment:
            return
        raw = frame.payload
    if row["id"] == OF_A_DRAFT:
        with pytest.raises(BadFrame) as caught:
            dlt698.decode_apdu(raw)
        assert (caught.value.reason, caught.value.at, caught.value.found) == ("short", 30, "7")
        dates = (raw[at : at + 4] + b"\4" + raw[at + 4 : at + 9] for at in (3, 12, 21))
        assert dlt698.decode_apdu(raw[:3] + b"".join(dates)).name == "LinkResponse", "with the day it would be whole"
        return
    message = dlt698.decode_apdu(raw)
    if row["id"] in SHORT_TAIL:
        assert dlt698.decode_apdu(dlt698.encode_apdu(message)) == message
    else:
        assert dlt698.encode_apdu(message) == raw
    covered(dlt698.explain_apdu(raw), len(raw))
    fields = expected.get("fields", {})
    if message.name in ("GetResponse", "GetResponseList") and fields:
        results = [message.fields["result"]] if message.name == "GetResponse" else message.fields["results"]
        assert [one["oad"].upper() for one in results] == [one["attribute"] for one in fields["attributes"]]
        assert [plain(one["result"][1]) for one in results] == [one["result"] for one in fields["attributes"]]
    if message.name == "GetRecordResponse":
        record, (theirs,) = message.fields["record"], fields["records"]
        assert record["oad"].upper() == theirs["attribute"]
        assert [column(one) for one in record["columns"]] == theirs["columns"]
        assert [[plain(cell) for cell in line] for line in record["result"][1]] == theirs["result"]
    if message.name == "GetRequest":
        assert [message.fields["oad"].upper()] == fields["attributes"]
    if message.name == "SetRequest" and fields:
        (theirs,) = fields["attributes"]
        assert plain(message.fields["item"]["data"]) == theirs["value"]
    if message.name == "ProxyTransparentRequest":
        theirs = fields["payload"]
        assert message.fields["octets"].hex() == theirs["command"]
        assert message.fields["answer_timeout_s"] == theirs["response_timeout_seconds"]
        assert message.fields["line"]["data_bits"] == theirs["communication"]["data_bits"]
    if message.name == "LinkRequest":
        assert message.fields["heartbeat_s"] == fields["heartbeat_seconds"]
    if message.name.startswith("Security"):
        assert message.fields["content"][1].hex() == fields["application"]
        assert message.inner() is not None


@pytest.mark.parametrize("row", vectors("dlt698", whole=False, protocol="dlt698"))
def test_damaged_frame_is_refused(row):
    if row["whole"] is False:
        with pytest.raises(BadFrame):
            dlt698.decode(bytes.fromhex(row["hex"]))


GET = "68170043050100000000001026f60501002000020000e5be16"


@pytest.mark.parametrize(
    ("written", "reason", "at"),
    [
        ("", "short", 0),
        ("69" + GET[2:], "start", 0),
        (GET[:-4], "short", 23),
        (GET[:-2] + "17", "end", 24),
        (GET[:-4] + "bf16", "checksum", 22),
        (GET.replace("26f6", "26f7"), "checksum", 12),
        (GET + "00", "long", 25),
        (GET.replace("681700", "684700"), "checksum", 12),
        (GET.replace("681700", "681740"), "length", 1),
    ],
)
def test_what_is_wrong_is_said(written, reason, at):
    with pytest.raises(BadFrame) as caught:
        dlt698.decode(bytes.fromhex(written))
    assert (caught.value.reason, caught.value.at) == (reason, at)


def test_checksum_of_the_standard():
    assert dlt698.fcs16(b"123456789") == bytes.fromhex("6e90")


def test_scrambled_payload():
    frame = link.Link(0x4B, 0, 0, "000000000001", 0x10, bytes.fromhex("0501004000020000"))
    raw = dlt698.encode(frame)
    assert raw[14:22] == bytes((byte + 0x33) & 255 for byte in frame.payload)
    assert dlt698.decode(raw) == frame


def test_missing_is_never_zero():
    answer = dlt698.decode_apdu(
        bytes.fromhex("8503035004020002 0020210200 0000100200 0101 00 00 0000".replace(" ", ""))
    )
    assert answer.fields["record"]["result"] == (1, [[data.NULL, data.NULL]])
    assert data.instant(b"\xff" * 7) is None
    assert data.members(data.NULL) == ()


def test_a_refusal_keeps_its_reason():
    answer = dlt698.decode_apdu(bytes.fromhex("85010140010200 00 04 0000".replace(" ", "")))
    assert answer.fields["result"]["result"] == (0, 4)
    parts = dlt698.explain_apdu(bytes.fromhex("8501014001020000040000"))
    assert any("对象未定义" in inner.value for part in parts for _, inner in part.walk())


def test_every_reason_of_the_standard_has_its_words():
    assert set(objects.DARS) == {*range(37), 255}
    parts = dlt698.explain_apdu(bytes.fromhex("8602010180008100220000"))
    assert [
        together(part.value) for outer in parts for _, part in outer.walk() if part.name["zh"] == "数据访问结果"
    ] == ["34 ESAM的P1P2不正确 P1P2 of the ESAM wrong"]


def test_a_meters_frame_inside_is_shown_and_dates_are_dates():
    meter = bytes.fromhex("6801000000000068110433333433b316")
    line = {"baud": 6, "parity": 2, "data_bits": 8, "stop_bits": 1, "flow": 0}
    asked = {"piid": 3, "port": "f2010201", "line": line, "answer_timeout_s": 10, "byte_timeout_ms": 100}
    raw = dlt698.encode_apdu(dlt698.Apdu("ProxyTransparentRequest", {**asked, "octets": meter}))
    said = [together(part.value) for outer in dlt698.explain_apdu(raw) for _, part in outer.walk()]
    assert any(value.startswith("00010000 （当前）正向有功总电能") for value in said)
    days = (1, [(0x1A, bytes.fromhex("07ea040bff")), (0x1A, b"\xff" * 5), (0x1B, bytes((23, 59, 0xFF)))])
    raw = dlt698.encode_apdu(dlt698.Apdu("SetRequest", {"piid": 1, "item": {"oad": "40110200", "data": days}}))
    said = [together(part.value) for outer in dlt698.explain_apdu(raw) for _, part in outer.walk()]
    assert [value for value in said if value in ("2026-04-11", "*-*-*", "23:59:*")] == [
        "2026-04-11",
        "*-*-*",
        "23:59:*",
    ]


def test_an_address_longer_than_127_bytes_comes_back():
    raw = bytes.fromhex("8501014001020001558181") + bytes(0x81) + b"\0\0"
    assert dlt698.encode_apdu(dlt698.decode_apdu(raw)) == raw


def test_values_have_their_units():
    raw = bytes.fromhex("85010100100200 01 0102 06000003e8 06000001f4 0000".replace(" ", ""))
    values = [(inner.value, inner.unit) for part in dlt698.explain_apdu(raw) for _, inner in part.walk()]
    assert ("10.00", "kWh") in values
    assert ("5.00", "kWh") in values


def test_every_object_is_named_in_both_languages():
    assert len(objects.objects()) > 460
    for oi in objects.objects():
        for attribute in range(1, 0x20):
            name = dlt698.name_of(f"{oi}{attribute:02x}00")
            assert not re.search("[一-鿿]", name["en"]), (oi, name)
    for key in ("piid", *(name for choices in apdu.MESSAGES.values() for name, _ in choices.values())):
        assert label(key)["zh"] != key, key


def test_nesting_is_bounded():
    deep = b"\x85\x01\x01\x40\x01\x02\x00\x01" + b"\x02\x01" * 2000
    with pytest.raises(BadFrame):
        dlt698.decode_apdu(deep)
    nested = data.NULL
    for _ in range(100):
        nested = (data.STRUCTURE, [nested])
    with pytest.raises(BadValue):
        data.write(nested)


def test_rows_of_one_shape_and_of_others():
    columns = [(0, "202a0200"), (0, "50040200"), (0, "00100200")]
    moment = data.instant_bytes(datetime(2026, 6, 1, tzinfo=SHANGHAI))
    alike = [(0x55, "05000000000001"), (0x1C, moment), (1, [(6, 1), (6, 2), (6, 3)])]
    others = [
        [(0x55, "05000000000002"), data.NULL, data.NULL],
        [(0x55, "070000000000000003"), (0x1C, moment), (1, [(6, 1), (6, 2)])],
        [(0x55, "05000000000001"), (0x1C, moment), (1, [(6, 1), (5, -2), (6, 3)])],
        [(0x55, "05000000000001"), (0x1C, moment), (1, [(2, [(6, 1)])])],
    ]
    for some in ([alike] * 3, [alike, *others, alike], [*others, alike, alike]):
        value = {"oad": "60120300", "columns": columns, "result": (1, some)}
        message = dlt698.Apdu("GetRecordResponse", {"piid": 1, "record": value})
        assert dlt698.decode_apdu(dlt698.encode_apdu(message)) == message


def test_fragments_come_together():
    frame = link.Link(0xC3, 0, 0, "000000000001", 0x10, bytes(range(256)) * 4)
    pieces = dlt698.fragments(frame, 100)
    assert [link.segment(piece).kind for piece in pieces] == [link.FIRST, *[link.MIDDLE] * 9, link.LAST]
    again = [dlt698.decode(dlt698.encode(piece)) for piece in pieces]
    assert dlt698.assembled(again) == [frame.payload]
    assert dlt698.fragments(frame, 2000) == [frame]
    with pytest.raises(BadFrame):
        dlt698.assembled([again[0], again[2]])
    with pytest.raises(BadFrame):
        dlt698.assembled(again[1:])
    endless = dlt698.Assembly()
    words = [((link.MIDDLE if number else link.FIRST) << 14 | number).to_bytes(2, "little") for number in range(66)]
    sent = [frame._replace(control=0xE3, payload=word + bytes(1000)) for word in words]
    assert [endless.take(one) for one in sent[:65]] == [None] * 65
    with pytest.raises(BadFrame):
        endless.take(sent[65])


def test_fragments_are_confirmed_but_for_the_last():
    frame = link.Link(0xCB, 0, 0, "000000000001", 0x10, bytes(range(250)))
    pieces = dlt698.fragments(frame, 100)
    said = [dlt698.confirmation(piece) for piece in pieces]
    assert [one and (one.control, link.segment(one)) for one in said] == [
        (0x63, link.Segment(link.CONFIRM, 0, b"")),
        (0x63, link.Segment(link.CONFIRM, 1, b"")),
        None,
    ]
    assert dlt698.confirmation(frame) is None
    assert dlt698.confirmation(said[0]) is None, "a confirmation is not confirmed"


def block_of(number, block, last, part):
    """A block of an answer as a terminal sends it."""
    fields = {"piid": number, "last": int(last), "block": block, "part": part}
    payload = dlt698.encode_apdu(dlt698.Apdu("GetNextResponse", fields))
    return dlt698.encode(link.Link(0xC3, 0, 0, "000000000001", 1, payload))


def test_blocks_are_asked_for_in_order():
    speaker, record = Speaker698(), {"oad": "60120300", "columns": [(0, "202a0200")], "result": (1, [])}
    first = speaker.hear(block_of(5, 1, False, (2, [record])))
    assert (first.kind, first.last, first.content.name) == ("answer", False, "GetRecordResponseList")
    asked = dlt698.decode_apdu(dlt698.decode(first.reply).payload)
    assert asked == dlt698.Apdu("GetNextRequest", {"piid": 5, "block": 1})
    assert speaker.hear(block_of(5, 1, False, (2, [record]))).kind == "part", "what comes twice is taken once"
    with pytest.raises(BadFrame):
        speaker.hear(block_of(5, 3, False, (2, [record])))
    assert speaker.hear(block_of(5, 2, True, (2, [record]))).last
    assert speaker.hear(block_of(6, 7, False, (1, []))).content.name == "GetResponseList"
    assert speaker.hear(block_of(6, 8, False, (0, 3))).content == dlt698.Apdu("ErrorResponse", {"piid": 6, "error": 3})


class Owner:
    """A front that only holds limits."""

    limits = Limits(answer_s=0.3, parts=20)

    def opened(self, line):
        return True

    def closed(self, line):
        pass

    def heard(self, line, heard):
        pass


class Wire(asyncio.Transport):
    def __init__(self):
        super().__init__()
        self.sent = []

    def write(self, raw):
        self.sent.append(raw)

    def is_closing(self):
        return False


def test_an_answer_without_an_end_ends():
    async def run():
        line, wire = Line(Owner()), Wire()
        line.connection_made(wire)
        line.speaker, line.terminal_no = Speaker698(), "000000000001"
        line._candidates = [(line.speaker, Reader(line.speaker.framing))]
        asking = asyncio.ensure_future(line.exchange(lambda number: b"?"))
        while not wire.sent:
            await asyncio.sleep(0)
        for block in range(1, 22):
            line.data_received(block_of(1, block, False, (2, [])))
        with pytest.raises(BadFrame):
            await asking
        assert 20 <= len(wire.sent) <= 22, "one request a block"
        slow = asyncio.ensure_future(line.exchange(lambda number: b"?"))
        for block in range(1, 4):
            # Longer in all than an answer may take, but each part in time.
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.shield(slow), 0.8 * Owner.limits.answer_s)
            line.data_received(block_of(2, block, block == 3, (2, [])))
        assert len(await slow) == 3
        with pytest.raises(TimeoutError):
            await line.exchange(lambda number: b"?")

    run_in_no_time(run())


@pytest.mark.parametrize(
    "message",
    [
        dlt698.Apdu("GetRequest", {"piid": 1}),
        dlt698.Apdu("GetRequest", {"piid": 300, "oad": "40010200"}),
        dlt698.Apdu("GetRequest", {"piid": 1, "oad": "4001"}),
        dlt698.Apdu("GetRequest", {"piid": 1, "oad": 5}),
        dlt698.Apdu("Nothing", {}),
        dlt698.Apdu("SetRequest", {"piid": 1, "item": {"oad": "40010200", "data": (6, -1)}}),
        dlt698.Apdu("SetRequest", {"piid": 1, "item": {"oad": "40010200", "data": (0x77, 1)}}),
        dlt698.Apdu("SetRequest", {"piid": 1, "item": {"oad": "40010200", "data": None}}),
        dlt698.Apdu("Report", {"piid": 1, "results": [{"oad": "40010200", "result": (7, 1)}]}),
    ],
)
def test_what_cannot_be_encoded_is_refused(message):
    with pytest.raises(BadValue):
        dlt698.encode_apdu(message)


def test_addresses_and_sizes_are_checked():
    for frame in (
        link.Link(0x43, 0, 0, "", 0, b""),
        link.Link(0x43, 0, 0, "zz", 0, b""),
        link.Link(0x43, 0, 0, "00" * 17, 0, b""),
        link.Link(0x43, 4, 0, "00", 0, b""),
        link.Link(0x43, 0, 0, "00", 0, bytes(0x3FFF)),
    ):
        with pytest.raises(BadValue):
            dlt698.encode(frame)


numbers = {5: (-(2**31), 2**31), 6: (0, 2**32), 0x0F: (-128, 128), 0x10: (-32768, 32768), 0x11: (0, 256)}
numbers |= {0x12: (0, 65536), 0x14: (-(2**63), 2**63), 0x15: (0, 2**64), 0x16: (0, 256)}
leaves = st.one_of(
    st.just(data.NULL),
    st.sampled_from(list(numbers)).flatmap(
        lambda tag: st.integers(numbers[tag][0], numbers[tag][1] - 1).map(lambda value: (tag, value))
    ),
    st.booleans().map(lambda value: (data.BOOL, value)),
    st.text("01", max_size=20).map(lambda value: (data.BITS, value)),
    st.binary(max_size=200).map(lambda value: (data.OCTETS, value)),
    st.text(st.characters(max_codepoint=255), max_size=20).map(lambda value: (data.TEXT, value)),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20).map(lambda value: (data.UTF8, value)),
    st.sampled_from(list(data.TIMES.items())).flatmap(
        lambda pair: st.binary(min_size=pair[1], max_size=pair[1]).map(lambda value: (pair[0], value))
    ),
    st.binary(min_size=4, max_size=4).map(lambda value: (0x51, value.hex())),
    st.binary(min_size=1, max_size=17).map(lambda value: (0x55, value.hex())),
    st.tuples(st.integers(0, 255), st.integers(0, 65535)).map(
        lambda pair: (0x54, {"unit": pair[0], "interval": pair[1]})
    ),
)
any_data = st.recursive(
    leaves, lambda inner: st.tuples(st.sampled_from([1, 2]), st.lists(inner, max_size=5)), max_leaves=20
)
links = st.builds(
    link.Link,
    st.integers(0, 255),
    st.integers(0, 3),
    st.integers(0, 3),
    st.binary(min_size=1, max_size=16).map(bytes.hex),
    st.integers(0, 255),
    st.binary(min_size=1, max_size=300),
)


@given(any_data)
@settings(max_examples=60)
def test_any_data_come_back(value):
    raw = data.write(value)
    assert data.read(raw, 0) == (value, len(raw))
    message = dlt698.Apdu("SetRequest", {"piid": 1, "item": {"oad": "40010200", "data": value}})
    octets = dlt698.encode_apdu(message)
    assert dlt698.decode_apdu(octets) == message
    covered(dlt698.explain_apdu(octets), len(octets))


@given(st.lists(st.tuples(any_data, any_data), min_size=1, max_size=5))
@settings(max_examples=40)
def test_any_rows_come_back_whatever_was_read_before(lines):
    value = {
        "oad": "60120300",
        "columns": [(0, "00100200"), (0, "00200200")],
        "result": (1, [list(line) for line in lines]),
    }
    message = dlt698.Apdu("GetRecordResponse", {"piid": 1, "record": value})
    for _ in range(2):
        assert dlt698.decode_apdu(dlt698.encode_apdu(message)) == message
    assert len(rows._plans) <= rows._PLANS_MAX


@given(links)
def test_any_frame_comes_back(frame):
    raw = dlt698.encode(frame)
    assert dlt698.decode(raw) == frame
    covered(dlt698.explain(raw), len(raw))


@given(links, st.integers(0, 400), st.integers(1, 255))
def test_one_changed_byte_is_always_seen(frame, place, change):
    raw = bytearray(dlt698.encode(frame))
    raw[place % len(raw)] ^= change
    with pytest.raises(BadFrame):
        dlt698.decode(bytes(raw))


@given(st.binary(max_size=60))
@settings(max_examples=100)
def test_any_message_is_read_or_refused(octets):
    for start in (b"", b"\x85\x03", b"\x85\x01\x01\x40\x01\x02\x00\x01", b"\x05\x03\x00", b"\x89\x01", b"\x10\x00"):
        try:
            message = dlt698.decode_apdu(start + octets)
        except BadFrame:
            continue
        assert dlt698.decode_apdu(dlt698.encode_apdu(message)) == message
