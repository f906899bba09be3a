"""Every protocol: nothing but BadFrame for any bytes, and frames found in a stream that is noisy, split and glued."""

import operator
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.service.acquisition.frames import covered, vectors

from denghuo.service.acquisition.protocol import dlt698, modbus
from denghuo.service.acquisition.protocol.catalogue import PROTOCOLS, bytes_of, explained
from denghuo.service.acquisition.protocol.dlms import wrapper
from denghuo.service.acquisition.protocol.fault import BadFrame
from denghuo.service.acquisition.protocol.stream import Reader


def samples(code: str) -> list[bytes]:
    """Published frames, of a protocol that is found in streams those that begin as it does there; of messages alone
    those inside frames."""
    if code == "dlms_apdu":
        return [raw[wrapper.HEAD_SIZE :] for raw in samples("dlms")]
    if code == "dlt698_apdu":
        links = map(dlt698.decode, samples("dlt698"))
        return [link.payload for link in links if not link.fragment]
    if code == "modbus_tcp":
        frames = map(modbus.decode, samples("modbus"))
        return [modbus.encode(frame._replace(transaction=7)) for frame in frames]
    framing = PROTOCOLS[code].framing
    raws = [bytes.fromhex(row.values[0]["hex"]) for row in vectors(code, whole=True)]
    return [raw for raw in raws if not framing or raw.lstrip(b"\xfe")[0] == framing.start]


SAMPLES = {code: samples(code) for code in PROTOCOLS}
codes = pytest.mark.parametrize("code", PROTOCOLS)
streamed = pytest.mark.parametrize("code", [code for code, protocol in PROTOCOLS.items() if protocol.framing])
# The wrapper of DLMS over TCP and 104 have no checksum.
checked = pytest.mark.parametrize(
    "code", [code for code, protocol in PROTOCOLS.items() if protocol.framing and code not in ("dlms", "iec104")]
)


def like(code: str) -> st.SearchStrategy[bytes]:
    """Random bytes, and real frames with some bytes changed, cut or doubled."""

    def spoil(raw: bytes, seed: int) -> bytes:
        chance = random.Random(seed)
        spoiled = bytearray(raw)
        for _ in range(chance.randrange(4)):
            spoiled[chance.randrange(len(spoiled))] = chance.randrange(256)
        cut = chance.randrange(len(spoiled) + 1) if chance.random() < 0.3 else len(spoiled)
        return bytes(spoiled[:cut]) + (raw if chance.random() < 0.1 else b"")

    return st.one_of(st.binary(max_size=80), st.builds(spoil, st.sampled_from(SAMPLES[code]), st.integers(0, 2**32)))


@codes
@given(data=st.data())
@settings(max_examples=80)
def test_any_bytes_are_explained_or_refused(code, data):
    raw = data.draw(like(code))
    try:
        parts = PROTOCOLS[code].explain(raw)
    except BadFrame:
        return
    covered(parts, len(raw))


@streamed
@given(data=st.data())
@settings(max_examples=25)
def test_frames_are_found_in_any_stream(code, data):
    framing = PROTOCOLS[code].framing
    sent = data.draw(st.lists(st.sampled_from(SAMPLES[code]), max_size=6))
    # Noise without a start byte in it: what looks like a start may swallow bytes of a frame until the line is silent.
    noise = st.binary(max_size=12).map(lambda raw: raw.replace(bytes([framing.start]), b"\x01"))
    stream = b"".join(data.draw(noise) + raw for raw in sent) + data.draw(noise)
    reader, got, at = Reader(framing), [], 0
    while at < len(stream):
        step = data.draw(st.integers(1, 40))
        got += reader.feed(stream[at : at + step])
        at += step
        assert reader.waiting <= framing.limit
    assert got + reader.idle() == [raw.lstrip(b"\xfe") for raw in sent]
    assert reader.waiting == 0


@streamed
def test_a_frame_behind_a_false_start_is_found_when_the_line_falls_silent(code):
    framing, raw = PROTOCOLS[code].framing, SAMPLES[code][0]
    reader = Reader(framing)
    assert raw in reader.feed(bytes([framing.start]) + raw) + reader.idle()


@checked
def test_a_damaged_frame_is_counted_and_the_next_one_found(code):
    framing, raw = PROTOCOLS[code].framing, SAMPLES[code][0]
    damaged = raw[:-2] + bytes([raw[-2] ^ 1]) + raw[-1:]
    reader = Reader(framing)
    assert reader.feed(damaged + raw) + reader.idle() == [raw]
    assert reader.noise >= len(damaged)


@streamed
def test_a_flood_is_read_in_bounded_time_and_memory(code):
    framing, raw = PROTOCOLS[code].framing, SAMPLES[code][0]
    starts = bytes([framing.start]) * 20_000
    heads = raw[: len(raw) // 2] * 2_000
    began = time.process_time()
    for flood in (starts, heads, bytes(100_000)):
        reader = Reader(framing)
        for at in range(0, len(flood), 1000):
            reader.feed(flood[at : at + 1000])
            assert reader.waiting <= framing.limit
        reader.idle()
    assert time.process_time() - began < 10


@pytest.mark.parametrize("written", ["68 61", "68,61", "0x68 0x61", r"\x68\x61", "6861", "68-61"])
def test_hexadecimal_is_read_as_people_write_it(written):
    assert bytes_of(written) == b"\x68\x61"


@pytest.mark.parametrize("written", ["", "6", "68 6", "68 zz", "帧", "68" * 70_000])
def test_other_text_is_refused(written):
    with pytest.raises(BadFrame):
        bytes_of(written)


@streamed
def test_frames_among_other_bytes_are_all_explained(code):
    raw = SAMPLES[code][0]
    pieces = explained(b"\x00\x01" + raw + b"\xff" + raw, code)
    assert [(piece.protocol.code if piece.protocol else None) for piece in pieces] == [None, code, None, code]
    assert pieces[-1].parts[0].start == pieces[-1].start
    assert pieces[-1].end == 3 + 2 * len(raw)


def test_no_frame_says_why():
    with pytest.raises(BadFrame):
        explained(b"\x68\x00\x01")


def test_one_flag_may_end_a_frame_and_begin_the_next():
    """HDLC: frames sent one behind the other need one flag between them."""
    first, second, third = SAMPLES["hdlc"][2:5]
    stream = first + second[1:] + third[1:]
    for step in (1, 7, len(stream)):
        reader = Reader(PROTOCOLS["hdlc"].framing)
        got = [one for at in range(0, len(stream), step) for one in reader.feed(stream[at : at + step])]
        assert (got, reader.waiting, reader.noise, reader.damaged) == ([first, second, third], 0, 0, 0)
        # Silence lies between; a flag of its own begins the next frame, and what has none is noise.
        assert reader.idle() == [] and reader.feed(first) == [first]
        assert reader.feed(b"\xa0\x07") == [] and reader.waiting == 2
        assert reader.idle() == [] and reader.noise == 2
    pieces = explained(stream)
    assert [(piece.protocol.code, piece.start, piece.end) for piece in pieces] == [
        ("hdlc", 0, len(first)),
        ("hdlc", len(first) - 1, len(first) + len(second) - 1),
        ("hdlc", len(first) + len(second) - 2, len(stream)),
    ]
    damaged = bytearray(stream)
    damaged[len(first) + 5] ^= 1
    assert [piece.protocol and piece.protocol.code for piece in explained(bytes(damaged))] == ["hdlc", None, "hdlc"]


@given(
    st.lists(st.sampled_from(["hdlc", "dlt698", "gdw3761", "dlt645", "cjt188", "gdw3762"]), min_size=2, max_size=6),
    st.data(),
)
def test_a_log_of_several_protocols_is_explained_throughout(codes: list[str], data: st.DataObject) -> None:
    """Each line of it by its own protocol, also where bytes wake a meter up before it."""
    frames = [data.draw(st.sampled_from(SAMPLES[code])) for code in codes]
    awake = [b"\xfe" * data.draw(st.integers(0, 4)) for _ in frames]
    raw = b"".join(map(operator.add, awake, frames))
    found = [piece for piece in explained(raw) if piece.protocol]
    assert [piece.protocol and piece.protocol.code for piece in found] == codes
    assert [raw[piece.start : piece.end].lstrip(b"\xfe") for piece in found] == [one.lstrip(b"\xfe") for one in frames]
    assert all(piece.parts[0].start == piece.start for piece in found)
