"""Frames of the same kinds as the published ones: with other addresses, numbers, additions and contents they say the same."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import pytest
from tests.service.acquisition.frames import vectors
from tests.service.acquisition.test_gdw3761 import OTHERS_OWN

from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.front.gdw3761 import Speaker3761
from denghuo.service.acquisition.protocol import cjt188, dlms, dlt645, dlt698, gdw3761, gdw3762, iec102, iec104, modbus
from denghuo.service.acquisition.protocol.axdr import length_bytes
from denghuo.service.acquisition.protocol.catalogue import explained
from denghuo.service.acquisition.protocol.dlms import hdlc, wrapper
from denghuo.service.acquisition.protocol.dlt645 import identifiers
from denghuo.service.acquisition.protocol.dlt698 import apdu, data
from denghuo.service.acquisition.protocol.fault import BadFrame
from denghuo.service.acquisition.protocol.gdw3761.formats import da, dt
from denghuo.service.acquisition.protocol.gdw3761.units import kinds

TIME_TAG_698 = bytes.fromhex("01 07ea0b1c062000 010005")
REPORTED = [{"oad": "33200201", "result": (0, 4)}, {"oad": "40000200", "result": (1, (data.DATE_TIME_S, bytes(7)))}]


def frames(file: str, protocol: str = "") -> list[bytes]:
    """The bytes of the whole frames of a file."""
    return [bytes.fromhex(row.values[0]["hex"]) for row in vectors(file, whole=True, protocol=protocol)]


def spoken(raw: bytes) -> str:
    """The protocol of which `raw` is found to be one frame."""
    (piece,) = explained(raw)
    assert piece.protocol
    return piece.protocol.code


def shown(raw: bytes) -> list[str]:
    """The fields of the one frame in `raw` that stand deepest, as they are said."""
    (piece,) = explained(raw)
    return [f"{part.name['zh']} {part.value}" for outer in piece.parts for _, part in outer.walk() if not part.parts]


def test_645_to_any_address_behind_wake_up_bytes() -> None:
    for raw in frames("dlt645"):
        frame = dlt645.decode(raw)
        said = dlt645.message(frame)
        for address, wake_up in (("123456789012", 1), ("a" * 12, 4), ("9" * 12, 0), ("aaaa00000001", 2)):
            other = dlt645.encode(frame._replace(address=address), wake_up)
            assert dlt645.message(dlt645.decode(other)) == replace(said, address=address)
        assert spoken(other) == "dlt645"


def of_the_group(pattern: str, row: identifiers._Row) -> Iterator[str]:
    """Identifiers of a row: the first, the last, one between, and all of them (FF), in each place that varies."""
    choices = []
    for letters, start, end in row.holes:
        values = identifiers._VARIABLES[letters].values
        some = (values[0], values[len(values) // 2], values[-1])
        choices.append([*(f"{one:0{end - start}X}" for one in some), "F" * (end - start)])
    for chosen in itertools.zip_longest(*choices) if choices else [()]:
        di = pattern
        for (_, start, end), digits in zip(row.holes, chosen, strict=True):
            di = di[:start] + digits + di[end:]
        yield di


@pytest.mark.parametrize(("size", "answer"), [(4, 0x91), (2, 0x81)])
def test_645_every_identifier_of_each_group_and_their_blocks(size: int, answer: int) -> None:
    asked = 0
    for patterns in identifiers._table(size).values():
        for di in (di for pattern, row in patterns.items() for di in of_the_group(pattern, row)):
            known = dlt645.identifier(di)
            assert known, di
            some = 4 if known.block or known.repeats is not None else None
            forms = list(itertools.islice(identifiers._in_order(known), some))
            content = b"\x11" * sum(form.format.size for form in forms)
            raw = dlt645.encode(dlt645.Frame("000000000001", answer, bytes.fromhex(di)[::-1] + content))
            said = dlt645.message(dlt645.decode(raw))
            if forms:
                assert [(item.start, item.unit) for item in said.items()] == [
                    (at, form.unit)
                    for at, form in zip(
                        itertools.accumulate((form.format.size for form in forms), initial=0), forms, strict=False
                    )
                ], di
            asked += 1
    assert asked > (1_700 if size == 4 else 200)


def test_645_what_is_whole_of_an_answer_with_more_to_come_is_shown() -> None:
    registers = bytes.fromhex("00ff0100 01000000 02000000 03000000 0400".replace(" ", ""))
    raw = dlt645.encode(dlt645.Frame("000000000001", 0xB1, registers))
    assert [said.split(" ")[-1] for said in shown(raw) if "电能 " in said][-3:] == ["0.01", "0.02", "0.03"]
    point = dlt645.record(datetime(2026, 6, 1, tzinfo=SHANGHAI), [None] * 6)
    cut = dlt645.encode(dlt645.Frame("000000000001", 0xB1, bytes.fromhex("01000006") + point + point[:-2]))
    assert "负荷记录 2026-06-01 00:00" in shown(cut)
    assert not any("负荷记录 2026" in said for said in shown(dlt645.encode(dlt645.decode(cut)._replace(control=0x91))))


def test_645_the_word_of_an_esam_that_refuses_is_its_own() -> None:
    for data_of, year, name, said in (
        (b"\x02\x01", 2007, "SecurityRefused", "0102"),
        (b"\x02", 1997, "Refused", "02 "),
    ):
        frame = dlt645.Frame("000000000001", 0xC3, data_of)
        refused = dlt645.message(frame)
        assert (dlt645.edition(frame), type(refused).__name__, refused.function) == (year, name, 3)
        assert dlt645.frame_of(refused, year) == frame
        assert any(one.startswith(f"错误信息字 {said}") for one in shown(dlt645.encode(frame)))


def test_645_commands_of_1997_have_their_names() -> None:
    for function, kind in ((0x0F, "SetPasswordOld"), (0x10, "ClearDemandOld")):
        frame = dlt645.Frame("000000000001", function, bytes(8))
        said = dlt645.message(frame)
        assert (type(said).__name__, said.data, dlt645.frame_of(said, 1997)) == (kind, frame.data, frame)
        done = dlt645.message(frame._replace(control=0x80 | function, data=b""))
        assert (type(done).__name__, done.function) == ("Done", function)


def test_698_links_to_any_address() -> None:
    kinds_of = ((0, 0, "05"), (1, 1, "aaaaaaaaaaaa"), (2, 2, "f123"), (3, 3, "aa"), (0, 0, "11" * 16))
    for raw in frames("dlt698", protocol="dlt698"):
        frame = dlt698.decode(raw)
        for (kind, logical, server), flags in itertools.product(kinds_of, (0, 0x40, 0x80, 0x08)):
            other = frame._replace(
                address_type=kind, logical=logical, server=server, client=0xFF, control=frame.control ^ flags
            )
            assert dlt698.decode(dlt698.encode(other)) == other
        assert spoken(b"\xfe" * 4 + dlt698.encode(other)) == "dlt698"


def messages_698() -> Iterator[tuple[bytes, apdu.Apdu]]:
    for raw in frames("dlt698", protocol="dlt698"):
        frame = dlt698.decode(raw)
        if not frame.fragment:
            yield frame.payload, dlt698.decode_apdu(frame.payload)


def test_698_messages_with_other_priorities_and_tails() -> None:
    follow = dlt698.encode_apdu(dlt698.Apdu("Report", {"piid": 1, "results": REPORTED}))[3:-2]
    columns = {"oad": "50040200", "columns": [(0, "20210200"), (1, {"oad": "20000200", "columns": ["20000201"]})]}
    records = [{**columns, "result": (1, [[data.NULL, data.NULL]])}]
    rows = dlt698.encode_apdu(dlt698.Apdu("RecordReport", {"piid": 1, "records": records}))[3:-2]
    seen = set()
    for raw, message in messages_698():
        place = 1 if None in apdu.MESSAGES[raw[0]] else 2
        if "piid" in message.fields:
            for piid in (0x00, 0x3F, 0x80, 0xC5):
                other = dlt698.decode_apdu(raw[:place] + bytes((piid,)) + raw[place + 1 :])
                assert other == message._replace(fields={**message.fields, "piid": piid})
        names = [name for name, _ in apdu.tail(raw[0]).fields]
        if message.time_tag is not None or message.follow_report is not None or not names:
            continue
        body = dlt698.encode_apdu(message)[: -len(names)]
        tails = [b"", TIME_TAG_698]
        if len(names) == 2:
            tails = [b"", b"\0", b"\0" + TIME_TAG_698, b"\1\1" + follow + TIME_TAG_698, b"\1\2" + rows + b"\0"]
        for tail in tails:
            found = dlt698.decode_apdu(body + tail)
            assert found[:2] == message[:2]
            assert (found.time_tag is not None) == tail.endswith(TIME_TAG_698)
            assert (found.follow_report is not None) == (tail[:1] == b"\1" and tail != TIME_TAG_698)
            assert dlt698.explain_apdu(body + tail)[-1].end == len(body + tail)
        seen.add(message.name)
    assert {"GetRequest", "GetResponse", "ProxyTransparentRequest", "ActionRequest"} <= seen


def test_698_messages_under_security() -> None:
    sid, mac = bytes(4) + b"\2\xaa\xbb", b"\4abcd"
    asked = {b"\0" + sid + mac: 0, b"\1\x10" + bytes(16): 1, b"\2\x10" + bytes(16) + mac: 2, b"\3" + sid: 3}
    answered = {b"": None, b"\0": None, b"\1\0" + mac: 0}
    for raw, message in messages_698():
        if message.name.startswith(("Link", "Security", "Error")):
            continue
        for proof, kind in (answered if raw[0] & 0x80 else asked).items():
            wrapped = bytes((0x10 | raw[0] & 0x80, 0)) + length_bytes(len(raw)) + raw + proof
            found = dlt698.decode_apdu(wrapped)
            assert found.inner() == message
            assert (found.fields["proof"] and found.fields["proof"][0]) == kind
            sealed = dlt698.decode_apdu(wrapped[:1] + b"\1" + wrapped[2:])
            assert sealed.fields["content"] == (1, raw) and sealed.inner() is None
    assert dlt698.decode_apdu(b"\x90\2\x16\0").fields["content"] == (2, 0x16)


def test_698_data_of_every_type_in_any_place() -> None:
    meters = [(0, None), (1, None), (2, [1, 2]), (3, ["05000000000001", "0700000000000002"]), (4, [1, 500])]
    meters += [(kind, [{"kind": 1, "begin": (0x12, 1), "end": (0x12, 9)}]) for kind in (5, 6, 7)]
    span = {"begin": bytes(7), "end": bytes(7), "interval": {"unit": 1, "interval": 15}}
    ranges = {
        "oad": "20210200",
        "begin": (0x1C, bytes(7)),
        "end": (0x1C, bytes(7)),
        "interval": (0x54, span["interval"]),
    }
    rows = [(0, None), (1, {"oad": "20210200", "value": data.NULL}), (2, ranges), (3, [ranges, ranges]), (9, 3)]
    rows += [(kind, {"time": bytes(7), "meters": some}) for kind in (4, 5) for some in meters]
    rows += [(kind, {**span, "meters": some}) for kind in (6, 7, 8) for some in meters]
    rows += [(10, {"count": 2, "meters": some}) for some in meters]
    road = {"oad": "50040200", "columns": ["00100200", "00200200"]}
    columns = [(0, "202a0200"), (1, road)]
    for one in rows:
        record = {"oad": "60120300", "rows": one, "columns": columns}
        for message in (
            dlt698.Apdu("GetRecordRequest", {"piid": 5, "record": record}),
            dlt698.Apdu("GetRecordRequestList", {"piid": 5, "records": [record] * 3}),
            dlt698.Apdu("SetRequest", {"piid": 5, "item": {"oad": "60140200", "data": (0x5A, one)}}),
        ):
            raw = dlt698.encode_apdu(message)
            assert dlt698.decode_apdu(raw) == message
            assert dlt698.explain_apdu(raw)[-1].end == len(raw)
    oads = [f"{0x0010 + 0x10 * (number % 8):04x}02{number % 256:02x}" for number in range(300)]
    for message in (
        dlt698.Apdu("GetRequestList", {"piid": 1, "oads": oads}),
        dlt698.Apdu(
            "GetResponseList", {"piid": 1, "results": [{"oad": oad, "result": (1, data.NULL)} for oad in oads]}
        ),
    ):
        assert dlt698.decode_apdu(dlt698.encode_apdu(message)) == message


def contents(frame: gdw3761.Frame) -> tuple[object, ...]:
    settled = gdw3761.settle(frame)
    found = gdw3761.units(settled)
    inner = [(unit.point, unit.number, gdw3761.items(unit, frame.up), gdw3761.events(unit)) for unit in found]
    return settled.data, settled.password, inner


def test_376_with_other_addresses_numbers_counters_and_time_tags() -> None:
    rows = [row.values[0] for row in vectors("gdw3761", whole=True) if row.values[0]["id"] not in OTHERS_OWN]
    for row in rows:
        frame = gdw3761.settle(gdw3761.decode(bytes.fromhex(row["hex"])))
        said = contents(frame)
        for sequence, tag in itertools.product((0x60, 0x7F, 0x40, 0x05), (None, bytes.fromhex("05563412310a"))):
            for counters in (None, (255, 7)) if frame.up else (None,):
                access = (frame.control & ~0x20) | (0x20 if counters else 0)
                other = frame._replace(
                    control=access if frame.up else frame.control,
                    region="9999",
                    terminal=0xFFFF if counters else 1,
                    station=127,
                    group=tag is not None,
                    sequence=sequence | (0x80 if tag else 0),
                    counters=counters,
                    time_tag=tag,
                )
                raw = gdw3761.encode(other)
                again = gdw3761.decode(raw)
                assert (again.time_tag, again.counters, again.number) == (tag, counters, sequence & 15)
                assert contents(again) == said
        assert spoken(raw) == "gdw3761"


def test_376_logins_and_heartbeats_of_later_editions_say_more_and_are_still_heard() -> None:
    for number, kind in ((1, "login"), (3, "heartbeat")):
        for more in (b"", b"\x01\x03", b"2013", bytes(6)):
            unit = da([0]) + dt([number]) + more
            raw = gdw3761.encode(gdw3761.Frame(0xC9, "1405", 7, 0, False, 0x02, 0x71, unit))
            heard = Speaker3761().hear(raw)
            assert heard and (heard.kind, heard.terminal_no) == (kind, "140500007")
            assert not more or any(said.endswith(more.hex(" ").upper()) for said in shown(raw))


def test_376_two_points_and_two_numbers_in_one_identifier() -> None:
    fixed = {key: kind.up.size for key, kind in kinds().items() if kind.up.size is not None and not kind.events}
    for (function, number), size in fixed.items():
        mates = [other for other in range((number - 1) // 8 * 8 + 1, number) if (function, other) in fixed]
        numbers = [*mates[-1:], number]
        sizes = [fixed[function, mates[-1]], size] if mates else [size]
        data_of = da([9, 16]) + dt(numbers) + b"\x11" * 2 * sum(sizes)
        frame = gdw3761.Frame(0xA8, "1405", 7, 1, False, function, 0xE5, data_of, None, (3, 4), bytes(6))
        found = gdw3761.units(gdw3761.decode(gdw3761.encode(frame)))
        assert [(unit.point, unit.number, unit.end - unit.start) for unit in found] == [
            (point, one, length) for point in (9, 16) for one, length in zip(numbers, sizes, strict=True)
        ]


def test_dlms_between_other_ports_and_addresses() -> None:
    for raw in frames("dlms"):
        frame = wrapper.decode(raw)
        for source, to in ((1, 16), (0x10, 0x11), (0xFFFF, 0)):
            other = wrapper.encode(wrapper.Frame(source, to, frame.payload))
            assert dlms.decode_apdu(wrapper.decode(other).payload) == dlms.decode_apdu(frame.payload)
            assert spoken(other) == "dlms"
    for raw in frames("hdlc"):
        link = hdlc.decode(raw)
        for to in (hdlc.address(1), hdlc.address(1, 17), hdlc.address(1, 16383)):
            other = link._replace(to=to, source=hdlc.address(48))
            assert hdlc.decode(hdlc.encode(other)) == other
            assert spoken(hdlc.encode(other)) == "hdlc"


def test_the_other_protocols_with_other_addresses() -> None:
    for raw in frames("cjt188"):
        frame = cjt188.decode(raw)
        for kind, address in ((0x10, "a" * 14), (0x20, "12345678901234"), (0x30, "0" * 14)):
            other = frame._replace(kind=kind, address=address)
            assert cjt188.decode(cjt188.encode(other, wake_up=3)) == other
            assert spoken(cjt188.encode(other)) == "cjt188"
    for raw in frames("gdw3762"):
        module = gdw3762.decode(raw)
        other = module._replace(addresses=tuple("123456789012" for _ in module.addresses))
        assert gdw3762.decode(gdw3762.encode(other)) == other
        assert spoken(gdw3762.encode(other)) == "gdw3762"
    for raw in frames("modbus"):
        registers = modbus.decode(raw)._replace(unit=0xF7)
        assert modbus.decode(modbus.encode(registers)) == registers
        tcp = registers._replace(transaction=0x1234)
        assert modbus.decode_tcp(modbus.encode(tcp)) == tcp
    for raw in frames("iec102"):
        total = iec102.decode(raw)._replace(link=0xFFFF)
        assert iec102.decode(iec102.encode(total)) == total
        assert spoken(iec102.encode(total)) == "iec102"
    for raw in frames("iec104"):
        station = iec104.decode(raw)
        if station.asdu is not None:
            station = iec104.Frame(b"\xfe\xff\xfe\xff", station.asdu._replace(common=0xFFFF, originator=255, test=True))
            assert iec104.decode(iec104.encode(station)) == station
            assert spoken(iec104.encode(station)) == "iec104"


def test_frames_of_any_meter_or_module_are_shown_where_they_are_carried() -> None:
    line = {"baud": 6, "parity": 2, "data_bits": 8, "stop_bits": 1, "flow": 0}
    port = {"piid": 1, "port": "f2090201"}
    for inner in (*frames("dlt645")[:3], *frames("cjt188")[:3], *frames("gdw3762")[:3]):
        said = shown(inner)
        asked = {**port, "line": line, "answer_timeout_s": 3, "byte_timeout_ms": 100, "octets": inner}
        messages = [
            dlt698.Apdu("ProxyTransparentRequest", asked),
            dlt698.Apdu("TransparentReport", {**port, "octets": inner}),
        ]
        around = [dlt698.Link(0x43, 0, 0, "000000000001", 0x10, dlt698.encode_apdu(one)) for one in messages]
        unit = gdw3761.unit_bytes(0x10, 0, 1, [31, len(inner), inner], up=True)
        carrying = [
            *map(dlt698.encode, around),
            gdw3761.encode(gdw3761.Frame(0x88, "1405", 7, 1, False, 0x10, 0x60, unit)),
        ]
        for raw in carrying:
            found = shown(raw)
            assert any(found[at : at + len(said)] == said for at in range(len(found)))


@pytest.mark.parametrize("file", ["dlt645", "dlt698", "gdw3761", "gdw3762", "cjt188", "hdlc", "iec102"])
def test_a_frame_with_a_wrong_checksum_is_refused_whatever_it_carries(file: str) -> None:
    for raw in frames(file):
        at = len(raw) - (3 if file in ("dlt698", "hdlc") else 2)
        with pytest.raises(BadFrame) as caught:
            explained(raw[:at] + bytes((raw[at] ^ 0x40,)) + raw[at + 1 :])
        assert caught.value.reason == "checksum"


def test_a_damaged_frame_of_698_is_none_of_104() -> None:
    """Both say their length in the second byte, so only what stands inside tells that a damaged one is none of 104."""
    raw = dlt698.encode(dlt698.Link(0x43, 0, 0, "0000000001", 0x10, bytes.fromhex("0501014000020000")))
    hurt = raw[:-3] + bytes((raw[-3] ^ 1,)) + raw[-2:]
    assert iec104.decode(hurt).kind == "I"
    with pytest.raises(BadFrame) as caught:
        explained(hurt)
    assert caught.value.reason == "checksum"
    with pytest.raises(BadFrame):
        explained(raw[:5] + b"\xff" + raw[6:])
