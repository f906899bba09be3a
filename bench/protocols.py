"""Bench: frames a CPU second that the protocols decode, beside dlt645, dlt698 (C++), dlms-cosem and pymodbus in the same run.

    pip install 'denghuo[bench]'
    python bench/protocols.py [SECONDS]

Each row repeats the same work on both sides for SECONDS (default 1) three times, in turn, and gives the best of each. Without
the peers the own figures still come. What is compared: a DL/T 645-2007 answer of 18 bytes to address, control and data; a
DL/T 698.45 record of three rows, 148 bytes, to its values, with both checksums (the peer makes rows when they are asked for:
both ways); a DLMS push of 27 objects to its values; a Modbus answer of 40 registers. For Q/GDW 376.1 no peer exists: numbers of
present power, voltage and current (24 fields), and of a curve of 96 points.
"""

import os
import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.protocol import dlms, dlt645, dlt698, gdw3761, modbus
from denghuo.service.acquisition.protocol.dlms import hdlc
from denghuo.service.acquisition.protocol.number import Number

BATCH = 1000
"""Frames that a reader hands over at once."""
ROUNDS = 3
METER = bytes.fromhex("686101000000006891063334343534431016")
RECORD = bytes.fromhex(
    "689200c305990078003310109ef5850330601203000200202a020001300006000320220200201e0200202002000103"
    "550705000000000001010306000000021c07e70a131732001c07e70a13173700"
    "550705000000000002010306000000021c07e70a131732001c07e70a13173700"
    "550705000000000003010306000000021c07e70a131732001c07e70a131737000000f0cb16"
)
AIMS = {"dlt645": 8.0, "dlt698": 1 / 3}

Work = tuple[Callable[[], Any], int]


def speed(work: Work, seconds: float) -> float:
    """Frames a CPU second."""
    run, frames = work
    done, began = 0, time.process_time()
    while (took := time.process_time() - began) < seconds:
        run()
        done += frames
    return done / took


def beside(name: str, own: Work, peer: Work | None, seconds: float) -> None:
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(ROUNDS):
        ours.append(speed(own, seconds))
        if peer:
            theirs.append(speed(peer, seconds))
    said = f"{name:34} {max(ours):12,.0f}/s"
    if theirs:
        said += f"   peer {max(theirs):12,.0f}/s   ratio {max(ours) / max(theirs):6.2f}"
    print(said, flush=True)


def dlt645_peer() -> Work | None:
    try:
        from dlt645 import DLT645Protocol
    except ImportError:
        return None
    return lambda: [DLT645Protocol.deserialize(METER) for _ in range(100)], 100


def dlt698_peers() -> tuple[Work | None, Work | None]:
    try:
        from dlt698 import _native
    except ImportError:
        return None, None

    def rows() -> None:
        for record in _native.decode_apdu(_native.decode_frame(RECORD).payload).records:
            for row in record.result:
                for _ in row:
                    pass

    return (lambda: _native.decode_apdu(_native.decode_frame(RECORD).payload), 1), (rows, 1)


def modbus_peer(raw: bytes) -> Work | None:
    try:
        from pymodbus.framer import FramerRTU
        from pymodbus.pdu import DecodePDU
    except ImportError:
        return None
    framer = FramerRTU(DecodePDU(False))
    return lambda: framer.handleFrame(raw, 1, 0), 1


def units() -> tuple[Work, Work]:
    """Frames of eight present values, and of one curve of a day, as (work, data units in it)."""
    moment = datetime(2026, 5, 31, tzinfo=SHANGHAI)
    powers = [Number(12345 + place, 4) for place in range(8)]
    present = [moment, *powers, *[Number(985, 1)] * 4, *[Number(2301, 1)] * 3, *[Number(5012, 3)] * 4, *powers[:4]]
    eight = b"".join(gdw3761.unit_bytes(0x0C, point, 25, present, up=True) for point in range(1, 9))
    curve = [moment, 1, 96, *(Number(12345 + point, 4) for point in range(96))]
    day = gdw3761.unit_bytes(0x0D, 1, 81, curve, up=True)
    frames = [
        gdw3761.encode(gdw3761.Frame(0x88, "1405", 1, 0, False, function, 0x60, data))
        for function, data in ((0x0C, eight), (0x0D, day))
    ]

    def numbers(raw: bytes) -> list[tuple[int, int, list[int | None]]]:
        return gdw3761.numbers(gdw3761.decode(raw))

    return (lambda: numbers(frames[0]), 8), (lambda: numbers(frames[1]), 1)


def push() -> bytes:
    """A frame in which a meter tells 27 objects, each with its name, value, scaler and unit."""
    rows = [
        (2, [(9, bytes((1, 0, 1 + place, 7, 0, 255))), (6, 12345 + place), (2, [(0x0F, -1), (0x16, 27)])])
        for place in range(27)
    ]
    told = dlms.Apdu("DataNotification", {"long_invoke": 0x40000000, "time": b"", "data": (1, rows)})
    return hdlc.encode(hdlc.Frame(b"\x41", b"\x08\x83", 0x13, hdlc.ANSWERED + dlms.encode_apdu(told)))


def dlms_peer(raw: bytes) -> Work | None:
    try:
        from dlms_cosem.hdlc.frames import UnnumberedInformationFrame
        from dlms_cosem.protocol.xdlms import DataNotification
        from dlms_cosem.utils import parse_as_dlms_data
    except ImportError:
        return None

    def run() -> Any:
        said = DataNotification.from_bytes(UnnumberedInformationFrame.from_bytes(raw).payload[3:])
        return parse_as_dlms_data(bytearray(said.body))

    return run, 1


def main(seconds: float) -> None:
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs")
    meters = [METER] * BATCH
    beside("DL/T 645 frames", (lambda: dlt645.decode_all(meters), BATCH), dlt645_peer(), seconds)
    lazy, looked_at = dlt698_peers()
    own = (lambda: dlt698.decode_apdu(dlt698.decode(RECORD).payload)), 1
    beside("DL/T 698.45 records, 148 bytes", own, lazy, seconds)
    beside("  with rows looked at", own, looked_at, seconds)
    present, curve = units()
    beside("Q/GDW 376.1 units, 24 fields", present, None, seconds)
    beside("Q/GDW 376.1 curves, 96 points", curve, None, seconds)
    pushed = push()
    own_push = (lambda: dlms.decode_apdu(hdlc.decode(pushed).information[3:])), 1
    beside(f"DLMS pushes over HDLC, {len(pushed)} bytes", own_push, dlms_peer(pushed), seconds)
    answer = modbus.encode(modbus.Frame(1, 3, bytes((80, *range(80)))))
    beside(
        "Modbus answers, 40 registers",
        (lambda: modbus.registers(modbus.decode(answer)), 1),
        modbus_peer(answer),
        seconds,
    )
    print(f"aims: DL/T 645 {AIMS['dlt645']:g}x its peer, DL/T 698.45 {AIMS['dlt698']:.2f}x, 376.1 300,000 units/s")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
