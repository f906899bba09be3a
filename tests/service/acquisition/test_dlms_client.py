"""The DLMS client against a meter that shares no code with it: over TCP and HDLC, without a secret, with a password, with keys."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.service.acquisition import peer
from tests.service.acquisition.peer import Meter

from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.protocol import dlms
from denghuo.service.acquisition.protocol.dlms import client, data, hdlc, profile, wrapper
from denghuo.service.acquisition.protocol.dlms.client import Attribute, Client, Lined, Refused, Wrapped
from denghuo.service.acquisition.protocol.dlms.security import Security
from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue
from denghuo.service.acquisition.protocol.stream import Reader

CLOCK, NAME = Attribute(8, "0.0.1.0.0.255", 2), Attribute(1, "0.0.42.0.0.255", 2)
FORWARD, SCALE = Attribute(3, "1.0.1.8.0.255", 2), Attribute(3, "1.0.1.8.0.255", 3)
PROFILE = "1.0.99.1.0.255"
RELAY = "0.0.96.3.10.255"
MIDNIGHT = datetime(2026, 4, 10, tzinfo=SHANGHAI)
ROWS = [(MIDNIGHT + timedelta(minutes=15 * place), 1_000 + 10 * place, 500 + place) for place in range(97)]
OWN = b"DHCLIENT"


def driven(steps, meter: Callable[[bytes], bytes], framing):
    """What the steps return, with a meter that answers bytes with bytes."""
    reader, waiting = Reader(framing), []
    try:
        out = next(steps)
        while True:
            if out:
                waiting += reader.feed(meter(out))
            if not waiting:
                raise TimeoutError
            out = steps.send(waiting.pop(0))
    except StopIteration as done:
        return done.value


def over_tcp(**options):
    return Wrapped(), Meter(**options)


def over_hdlc(**options):
    return Lined(), Meter(lined=True, **options)


@pytest.fixture(params=[over_tcp, over_hdlc])
def meter(request):
    return request.param


def session(transport, server, **access):
    found = Client(transport, **access)

    def do(steps):
        return driven(steps, server.answer, transport.framing)

    return found, do


def test_registers_clock_and_profile_are_read(meter):
    now = datetime(2026, 4, 11, 8, 30, tzinfo=UTC)
    transport, server = meter(rows=ROWS, registers=(12_345, 67), now=now)
    one, do = session(transport, server)
    do(one.open())
    assert do(one.get(NAME)) == (9, peer.SERIAL)
    assert data.instant_of(do(one.get(CLOCK))) == now
    assert do(one.get(FORWARD)) == (6, 12_345)
    assert dlms.scale_of(do(one.get(SCALE))) == (1, 30)
    columns = profile.columns_of(do(one.get(Attribute(7, PROFILE, 3))))
    assert [(column.interface, column.obis, column.attribute) for column in columns] == [
        (8, "0.0.1.0.0.255", 2),
        (3, "1.0.1.8.0.255", 2),
        (3, "1.0.2.8.0.255", 2),
    ]
    period = do(one.get(Attribute(7, PROFILE, 4)))[1]
    begin, end = MIDNIGHT + timedelta(hours=1), MIDNIGHT + timedelta(hours=2)
    some = profile.rows_of(do(one.get(Attribute(7, PROFILE, 2), profile.by_range(begin, end))), columns, period)
    assert [row.at for row in some] == [row[0] for row in ROWS[4:9]]
    assert [row.values[1][1] for row in some] == [row[1] for row in ROWS[4:9]]
    # The whole day is longer than one message: it comes in blocks, over HDLC in segments too.
    day = profile.rows_of(do(one.get(Attribute(7, PROFILE, 2))), columns, period)
    assert [(row.at, row.values[1][1], row.values[2][1]) for row in day] == ROWS
    do(one.close())


def test_a_meter_is_commanded(meter):
    transport, server = meter()
    one, do = session(transport, server)
    do(one.open())
    do(one.act(Attribute(70, RELAY, 1), (0x0F, 0)))
    assert server.acted == [1]
    do(one.set(Attribute(70, RELAY, 4), (0x16, 3)))
    assert do(one.get(Attribute(70, RELAY, 4))) == (0x16, 3)
    with pytest.raises(Refused) as caught:
        do(one.get(Attribute(3, "1.0.99.99.0.255", 2)))
    assert caught.value.what == "access"


def test_a_password_is_asked_for(meter):
    transport, server = meter(secret="password", registers=(1, 2))
    one, do = session(transport, server, password=peer.PASSWORD)
    do(one.open())
    assert do(one.get(FORWARD)) == (6, 1)
    for password in (b"", b"wrong"):
        transport, server = meter(secret="password")
        one, do = session(transport, server, password=password)
        with pytest.raises(Refused) as caught:
            do(one.open())
        assert caught.value.what == "association"


def keys(key: bytes = peer.KEY) -> Security:
    return Security(OWN, key, peer.AUTHENTICATION)


def test_with_keys_both_sides_prove_themselves_and_all_is_ciphered(meter):
    transport, server = meter(secret="keys", rows=ROWS, registers=(9, 8))
    one, do = session(transport, server, security=keys())
    heard = []
    answer = server.answer
    server.answer = lambda raw: (heard.append(raw), answer(raw))[1]
    do(one.open(os.urandom(16)))
    assert do(one.get(FORWARD)) == (6, 9)
    assert len(do(one.get(Attribute(7, PROFILE, 2)))[1]) == 97
    assert not any(bytes.fromhex("0100010800ff") in raw for raw in heard), "no name goes out in plain"
    transport, server = meter(secret="keys")
    one, do = session(transport, server, security=keys(bytes(16)))
    with pytest.raises(Refused):
        do(one.open(os.urandom(16)))


def test_sealed_bytes_are_opened_by_who_has_the_keys_and_once():
    mine, theirs = keys(), Security(b"OTHERSID", peer.KEY, peer.AUTHENTICATION)
    mine.peer, theirs.peer = theirs.title, mine.title
    sealed = mine.seal(b"register")
    assert b"register" not in sealed and theirs.open(sealed) == b"register"
    with pytest.raises(BadFrame):
        theirs.open(sealed)
    for place in range(len(sealed)):
        spoiled = bytearray(mine.seal(b"x"))
        if place < len(spoiled):
            spoiled[place] ^= 1
            before = theirs.heard
            with pytest.raises(BadFrame):
                theirs.open(bytes(spoiled))
            assert theirs.heard == before
    proof = mine.prove(b"challenge")
    assert theirs.proven(proof, b"challenge") and not theirs.proven(proof, b"another")
    for short in (b"", sealed[:10]):
        with pytest.raises(BadFrame):
            theirs.open(short)
    with pytest.raises(BadValue):
        Security(b"short", peer.KEY, peer.AUTHENTICATION)
    mine.counter = 0xFFFFFFFF
    with pytest.raises(BadValue):
        mine.seal(b"")


AARE = "6129a109060760857405080101a203020100a305a103020100be10040e0800065f1f040000181d02000007"
ANSWER = wrapper.encode(wrapper.Frame(1, 16, bytes.fromhex(AARE)))


def test_the_captured_meter_is_read_again():
    """The exchange that was captured between other programs, with our client as the client."""
    answers = {
        "08": "c401c100090c07ea0b170105273100000000090f090c07ea0b170105273100000000090f",
        "63": "c402c1000000000100020100",
    }

    def meter(raw):
        asked = dlms.decode_apdu(wrapper.decode(raw).payload)
        if asked.name == "AssociationRequest":
            return ANSWER
        said = (
            answers["08" if asked.fields["attribute"]["interface"] == 8 else "63"]
            if "attribute" in asked.fields
            else ""
        )
        said = said or "c402c1010000000200020100"
        return wrapper.encode(
            wrapper.Frame(1, 16, bytes.fromhex(said[:4] + f"{asked.fields['invoke']:02x}" + said[6:]))
        )

    one = Client(Wrapped())
    driven(one.open(), meter, wrapper.FRAMING)
    assert data.instant_of(driven(one.get(CLOCK), meter, wrapper.FRAMING)) == datetime(
        2026, 11, 23, 5, 39, 49, tzinfo=UTC
    )
    assert driven(one.get(Attribute(7, PROFILE, 2)), meter, wrapper.FRAMING) == (1, [])


def test_times_that_are_left_out_follow_the_row_before():
    columns = [profile.Column(8, "0.0.1.0.0.255", 2, 0), profile.Column(3, "1.0.1.8.0.255", 2, 0)]
    first = (9, data.instant_bytes(MIDNIGHT))
    rows = profile.rows_of((1, [(2, [first, (6, 1)]), (2, [(0, None), (6, 2)])]), columns, 900)
    assert [row.at for row in rows] == [MIDNIGHT, MIDNIGHT + timedelta(minutes=15)]
    assert profile.rows_of((1, [(2, [(0, None), (6, 2)])]), columns, 900)[0].at is None
    with pytest.raises(BadFrame):
        profile.rows_of((1, [(2, [first])]), columns, 900)
    with pytest.raises(BadFrame):
        profile.columns_of((1, [(2, [(0x12, 3)])]))


def test_windows_of_the_meter_are_taken():
    """Three segments in a row before the meter waits."""
    one = Lined()
    payload = dlms.encode_apdu(dlms.Apdu("GetResponse", {"invoke": 0xC1, "result": (0, (9, bytes(90))), "rest": b""}))
    information = hdlc.ANSWERED + payload
    pieces = [information[at : at + 40] for at in range(0, len(information), 40)]
    own, meter_ = hdlc.address(16), b"\x03"
    frames = [
        hdlc.encode(
            hdlc.Frame(
                own,
                meter_,
                0x20 | place << 1 | (0x10 if place == len(pieces) - 1 else 0),
                piece,
                place < len(pieces) - 1,
            )
        )
        for place, piece in enumerate(pieces)
    ]
    push = hdlc.encode(hdlc.Frame(own, meter_, hdlc.UI, b"\xe6\xe7\x00\x0f"))
    assert driven(one.exchange(b"\xc0"), lambda raw: push + b"".join(frames), hdlc.FRAMING) == payload
    twice = Lined()
    with pytest.raises(BadFrame):
        driven(twice.exchange(b"\xc0"), lambda raw: frames[0] + frames[0], hdlc.FRAMING)


@pytest.mark.parametrize("size", [client.VALUE_SIZE_MAX // 60_000 + 3])
def test_endless_answers_end(size):
    def endless(raw):
        asked = dlms.decode_apdu(wrapper.decode(raw).payload)
        block = asked.fields.get("block", 0) + 1
        fields = {"invoke": asked.fields["invoke"], "last": 0, "block": block, "part": (0, bytes(60_000))}
        return wrapper.encode(wrapper.Frame(1, 16, dlms.encode_apdu(dlms.Apdu("GetBlockResponse", fields))))

    with pytest.raises(BadFrame):
        driven(Client(Wrapped()).get(NAME), endless, wrapper.FRAMING)
    other = wrapper.encode(wrapper.Frame(2, 16, b"\xc4"))
    with pytest.raises(BadFrame):
        driven(Client(Wrapped()).get(NAME), lambda raw: other * 100, wrapper.FRAMING)


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=6), st.booleans())
@settings(max_examples=80)
def test_whatever_a_meter_answers_only_typed_errors_come(answers, lined):
    """Damaged payloads in whole frames, to every operation."""
    transport = Lined() if lined else Wrapped()
    said = iter(answers)

    def meter(raw):
        payload = next(said, b"")
        if lined:
            return hdlc.encode(hdlc.Frame(hdlc.address(16), b"\x03", payload[0] if payload else 0x73, payload[1:]))
        return wrapper.encode(wrapper.Frame(1, 16, payload or b"\xd8\x01\x01"))

    one = Client(transport)
    for steps in (one.open(), one.get(NAME), one.act(NAME), one.set(NAME, (0, None)), one.close()):
        try:
            driven(steps, meter, transport.framing)
        except (BadFrame, Refused, TimeoutError):
            continue
