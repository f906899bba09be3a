"""CJ/T 188, Q/GDW 376.2 and Modbus: published frames both ways, damage refused, round trips, register maps."""

import re
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.acquisition.frames import covered, vectors

from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.protocol import cjt188, gdw3762, modbus
from denghuo.service.acquisition.protocol.catalogue import explained
from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue
from denghuo.service.acquisition.protocol.modbus import points
from denghuo.service.acquisition.protocol.number import Number
from denghuo.service.acquisition.protocol.words import english, rows, together


@pytest.mark.parametrize("row", vectors("cjt188", whole=True))
def test_meter_frame(row):
    raw, expected = bytes.fromhex(row["hex"]), row["expected"]
    frame = cjt188.decode(raw)
    assert cjt188.encode(frame) == raw
    assert cjt188.decode(cjt188.encode(frame, wake_up=3)) == frame
    assert (frame.kind, frame.control) == (int(expected["meter_type"], 16), int(expected["control"], 16))
    assert (frame.address, frame.serial, frame.data.hex()) == (
        expected["address"],
        expected["ser"],
        expected["data"],
    )
    sent = frame.di[2:] + frame.di[:2] if frame.swapped else frame.di
    assert sent == expected["di_bytes"]
    if expected.get("current") and row["id"] != 10:
        items = frame.items()
        assert items[0].value == Number.of(expected["current"], 2)
        assert items[1].value == "m³"
        assert items[2].value == Number.of(expected["settlement"], 2)
    covered(cjt188.explain(raw), len(raw))


@pytest.mark.parametrize("row", vectors("gdw3762", whole=True))
def test_module_frame(row):
    raw, expected = bytes.fromhex(row["hex"]), row["expected"]
    frame = gdw3762.decode(raw)
    assert gdw3762.encode(frame) == raw
    assert (frame.control, frame.function) == (int(expected["control"], 16), int(expected["afn"], 16))
    assert (frame.route.hex(), frame.data.hex(), [frame.number]) == (expected["r"], expected["data"], expected["fn"])
    if expected["module_flag"]:
        assert (frame.addresses[0], frame.addresses[-1]) == (expected["a1_source"], expected["a3_dest"])
    covered(gdw3762.explain(raw), len(raw))


@pytest.mark.parametrize("row", vectors("modbus", whole=True))
def test_register_frame(row):
    raw, expected = bytes.fromhex(row["hex"]), row["expected"]
    frame = modbus.decode(raw)
    assert modbus.encode(frame) == raw
    assert (frame.unit, frame.function) == (expected["unit"], int(expected["func"], 16))
    assert frame.data.hex() == expected["data"]
    covered(modbus.explain(raw), len(raw))


@pytest.mark.parametrize("row", [*vectors("cjt188", whole=False), *vectors("gdw3762", whole=False)])
def test_damaged_frame_is_refused(row):
    decode = cjt188.decode if row["protocol"] == "cjt188" else gdw3762.decode
    with pytest.raises(BadFrame):
        decode(bytes.fromhex(row["hex"]))


@pytest.mark.parametrize("file", ["dlt645", "dlt698", "gdw3761", "cjt188", "gdw3762", "modbus"])
def test_the_protocol_of_a_frame_is_found_out(file):
    for row in vectors(file, whole=True):
        (piece,) = explained(bytes.fromhex(row.values[0]["hex"]))
        assert piece.protocol.code == file, row.id


def test_a_heat_meters_answer():
    data = bytes.fromhex(
        "00100000 05 00200000 05 12000000 17 50340000 35 00770000 2c 505500 304500 563412 31012211051520 0000"
    )
    frame = cjt188.Frame(0x20, "11223344556677", 0x81, "901f", 1, data)
    items = cjt188.decode(cjt188.encode(frame)).items()
    assert [str(item.value) for item in items[:4]] == ["10.00", "kWh", "20.00", "kWh"]
    assert str(items[10].value) == "55.50"
    assert items[5].value == "kW" and items[13].value == datetime(2015, 5, 11, 22, 1, 31, tzinfo=SHANGHAI)
    assert together(items[14].value) == "00 00 阀开 valve open"


def test_a_valve_is_told_and_ordered_and_a_clock_that_is_none_is_missing():
    data = bytes.fromhex("12345678 2c 12345678 2c ffffffffffffff 0500")
    *_, clock, state = cjt188.Frame(0x10, "11223344556677", 0x81, "901f", 1, data).items()
    assert (clock.value, together(state.value)) == (None, "05 00 阀关 valve closed，电池欠压 battery low")
    for byte, said in ((b"\x55", "55 开阀 open the valve"), (b"\x99", "99 关阀 close the valve")):
        raw = cjt188.encode(cjt188.Frame(0x10, "11223344556677", 0x04, "a017", 1, byte))
        covered(cjt188.explain(raw), len(raw))
        assert [together(item.value) for item in cjt188.decode(raw).items()] == [said]


def test_the_route_of_a_module_frame_is_told():
    route = bytes((0x2C, 3, 0, 120, 0, 9))
    addresses = tuple(f"{number:012}" for number in range(4))
    raw = gdw3762.encode(gdw3762.Frame(0x43, route, addresses, 0x02, gdw3762.unit_of(1), bytes.fromhex("0200")))
    covered(gdw3762.explain(raw), len(raw))
    told = {part.name["zh"]: together(part.value) for outer in gdw3762.explain(raw) for _, part in outer.walk()}
    assert told["路由与中继"] == "带路由 by route，对节点 to a node，冲突检测 conflict check，中继级别 relays 2"
    assert (told["信道标识"], told["预计应答字节数"], told["报文序列号"]) == ("3", "120", "9")
    assert (told["源地址 A1"], told["目的地址 A3"]) == ("000000000000", "000000000003")


def test_units_of_the_module():
    frame = gdw3762.Frame(0x43, bytes(6), (), 0x11, gdw3762.unit_of(1), bytes.fromhex("0104330000000002"))
    assert [item.value for item in gdw3762.decode(gdw3762.encode(frame)).items()] == [1, "000000003304", 2]
    for bad in (frame._replace(addresses=("00" * 6,)), frame._replace(route=b""), frame._replace(data=bytes(5000))):
        with pytest.raises(BadValue):
            gdw3762.encode(bad)
    with pytest.raises(BadFrame):
        frame._replace(function=0x77).items()


MAP = """name,function,register,type,order,decimals,unit
voltage,3,0,u16,ABCD,1,V
current,3,2,i32,CDAB,3,A
energy,3,40,f32,DCBA,2,kWh
demand,4,0,bcd32,BADC,4,kW
serial,3,300,u64,,0,
"""


def test_register_map():
    table = points.points_of(MAP)
    assert points.requests(table, gap=4) == [
        points.Request(3, 0, 4),
        points.Request(3, 40, 2),
        points.Request(3, 300, 4),
        points.Request(4, 0, 2),
    ]
    assert points.requests(table, gap=50)[0] == points.Request(3, 0, 42)
    read = {(3, 0): [2301, 0, 0xFF85, 0xFFFF], (3, 40): [0x0080, 0xF642], (4, 0): [0x3412, 0x7856]}
    found = points.values(table, read)
    assert found["voltage"] == Number(2301, 1)
    assert found["current"] == Number(-123, 3)
    assert found["demand"] == Number(12345678, 4)
    assert found["energy"] == Number(12325, 2)
    assert found["serial"] is None
    assert points.value(table[0], [0xFFFF]) is None
    assert points.value(table[2], [0x0000, 0xC07F]) is None


@pytest.mark.parametrize(
    "row",
    [
        "a,3,0,u128,ABCD,0,V",
        "a,3,0,u16,ACBD,0,V",
        "a,5,0,u16,ABCD,0,V",
        "a,3,65535,u32,ABCD,0,V",
        "a,3,0,u16,ABCD,99,V",
        "a,3,x,u16,ABCD,0,V",
        "a,3",
    ],
)
def test_a_wrong_register_map_names_its_row(row):
    with pytest.raises(BadValue) as caught:
        points.points_of(f"name,function,register,type,order,decimals,unit\n{row}\n")
    assert caught.value.field.startswith("row 2")


def test_modbus_requests_and_answers():
    asked = modbus.read(17, 3, 0x7C, 2)
    assert modbus.encode(asked).hex() == "1103007c00020743"
    assert modbus.registers(modbus.decode(bytes.fromhex("110304008d008efbbd"))) == [141, 142]
    with pytest.raises(BadFrame):
        modbus.registers(modbus.decode(bytes.fromhex("118302c134")))
    for wrong in ((3, 0, 126), (3, 65535, 2), (16, 0, 1)):
        with pytest.raises(BadValue):
            modbus.read(1, *wrong)


def test_modbus_over_tcp_survives_splitting():
    frames = [modbus.read(1, 3, at, 10, transaction=at) for at in range(5)]
    stream, reader = b"".join(map(modbus.encode, frames)), modbus.TcpReader()
    assert [frame for at in range(len(stream)) for frame in reader.feed(stream[at : at + 1])] == frames
    for wrong in (b"\0\1\0\1\0\6\1\3", b"\0\1\0\0\0\1\1\3", b"\0\1\0\0\xff\xff\1\3"):
        with pytest.raises(BadFrame):
            modbus.TcpReader().feed(wrong)
        with pytest.raises(BadFrame):
            modbus.decode_tcp(wrong)


@given(
    st.sampled_from(sorted(cjt188.KINDS)),
    st.text("0123456789a", min_size=14, max_size=14),
    st.integers(0, 255),
    st.sampled_from(["901f", "d120", "810a", "a017"]),
    st.integers(0, 255),
    st.binary(max_size=80),
    st.booleans(),
)
def test_any_meter_frame_comes_back(kind, address, control, di, serial, data, swapped):
    frame = cjt188.Frame(kind, address, control, di, serial, data, swapped)
    raw = cjt188.encode(frame, wake_up=2)
    assert cjt188.decode(raw) == frame
    covered(cjt188.explain(raw), len(raw))


@given(st.integers(0, 255), st.integers(0, 15), st.booleans(), st.integers(0, 255), st.binary(max_size=60))
def test_any_module_frame_comes_back(control, relays, addressed, function, data):
    route = bytes((relays << 4 | (4 if addressed else 0), 0, 0, 0, 0, 9))
    addresses = tuple(f"{number:012}" for number in range(relays + 2)) if addressed else ()
    frame = gdw3762.Frame(control, route, addresses, function, b"\1\0", data)
    raw = gdw3762.encode(frame)
    assert gdw3762.decode(raw) == frame
    covered(gdw3762.explain(raw), len(raw))


@given(st.integers(0, 255), st.integers(0, 255), st.binary(max_size=250), st.one_of(st.none(), st.integers(0, 65535)))
def test_any_register_frame_comes_back(unit, function, data, transaction):
    frame = modbus.Frame(unit, function, data, transaction)
    raw = modbus.encode(frame)
    if transaction is None:
        assert modbus.decode(raw) == frame
        covered(modbus.explain(raw), len(raw))
    else:
        assert modbus.decode_tcp(raw) == frame


@pytest.mark.parametrize(("protocol", "table"), [("gdw3761", "events.csv"), ("gdw3762", "units.csv")])
def test_every_event_and_unit_is_named_in_both_languages(protocol: str, table: str) -> None:
    names = [row["zh"] for row in rows(f"denghuo.service.acquisition.protocol.{protocol}", table)]
    assert len(names) > 30
    assert [name for name in names if not english(name) or re.search("[一-鿿]", english(name))] == []
