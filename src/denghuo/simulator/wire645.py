"""DL/T 645-2007 as a meter writes and reads it, as far as its relay goes."""

from denghuo.simulator.device import Device, proven

START, END = 0x68, 0x16
SWITCH, READ, STATUS_WORD_3 = 0x1C, 0x11, bytes.fromhex("03050004")
OPEN, CLOSE = 0x1A, 0x1C
REFUSED = 0x04


def frame(address: str, control: int, data: bytes) -> bytes:
    head = bytes((START,)) + bytes.fromhex(address)[::-1] + bytes((START, control, len(data)))
    body = head + bytes((byte + 0x33) % 256 for byte in data)
    return body + bytes((sum(body) % 256, END))


def answer(raw: bytes, device: Device) -> bytes | None:
    """What the meter says to a frame; nothing where it is none of these."""
    raw = raw.lstrip(b"\xfe")
    if len(raw) < 12 or raw[0] != START or raw[7] != START or sum(raw[:-2]) % 256 != raw[-2]:
        return None
    address, control = raw[1:7][::-1].hex(), raw[8]
    data = bytes((byte - 0x33) % 256 for byte in raw[10 : 10 + raw[9]])
    if control == READ and data[:4] == STATUS_WORD_3:
        return frame(address, READ | 0x80, data[:4] + bytes((0x50 if address in device.opened else 0x00, 0x00)))
    if control == SWITCH and len(data) == 26:
        order, extra, mac = data[8:16], data[16:22], data[22:]
        # A digit pair comes low byte first; what is proven is the order as it was meant.
        if not proven(address, extra, mac, order):
            return frame(address, SWITCH | 0xC0, bytes((REFUSED,)))
        device.switch(address, on=order[0] == CLOSE)
        return frame(address, SWITCH | 0x80, b"")
    return None
