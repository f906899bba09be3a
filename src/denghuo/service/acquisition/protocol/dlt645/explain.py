"""A DL/T 645 frame field by field (报文解析)."""

from collections.abc import Sequence

from denghuo.kernel.problem import Text, text
from denghuo.service.acquisition.protocol.dlt645.frame import HEAD_SIZE, Frame, decode
from denghuo.service.acquisition.protocol.dlt645.identifiers import identifier, items
from denghuo.service.acquisition.protocol.dlt645.load import points
from denghuo.service.acquisition.protocol.dlt645.messages import (
    REASONS,
    NextData,
    Other,
    SecurityRefused,
    edition,
    kind_of,
    placed,
)
from denghuo.service.acquisition.protocol.fault import BadFrame
from denghuo.service.acquisition.protocol.fields import Item, Value, shown
from denghuo.service.acquisition.protocol.part import Part
from denghuo.service.acquisition.protocol.words import both, spoken

NAMES = {
    "blocks": text("记录块数", "number of records"),
    "since": text("起始时间", "from"),
    "data": text("数据", "data"),
    "sequence": text("帧序号", "sequence"),
    "meter": text("表地址", "meter address"),
    "level": text("密码权限", "password level"),
    "password": text("密码", "password"),
    "operator": text("操作者代码", "operator"),
    "time": text("时间", "time"),
    "pattern": text("冻结时间 MMDDhhmm", "time of the freeze MMDDhhmm"),
    "speed": text("速率特征字", "speed"),
    "old": text("原密码", "old password"),
    "new": text("新密码", "new password"),
    "di": text("数据标识", "data identifier"),
    "order": text("控制命令", "order"),
    "delay": text("延时", "delay"),
    "until": text("命令有效截止时间", "valid until"),
    "cipher": text("密文", "ciphertext"),
    "reasons": text("错误信息字", "error"),
}
ORDERS = {
    "1a": text("跳闸", "trip"),
    "1b": text("合闸允许", "permit to close"),
    "1c": text("直接合闸", "close"),
    "2a": text("报警", "alarm"),
    "2b": text("报警解除", "alarm off"),
    "3a": text("保电", "keep supply"),
    "3b": text("保电解除", "end keeping supply"),
}


def explain(raw: bytes) -> list[Part]:
    """Every byte of the one frame that `raw` is; BadFrame where it is none."""
    frame = decode(raw)
    wake = len(raw) - len(raw.lstrip(b"\xfe"))
    parts = [Part(0, wake, text("唤醒字节", "wake-up bytes"))] if wake else []
    parts += [
        Part(wake, wake + 1, text("起始符", "start")),
        Part(wake + 1, wake + 7, text("地址", "address"), _address(frame.address)),
        Part(wake + 7, wake + 8, text("起始符", "start")),
        Part(wake + 8, wake + 9, text("控制码", "control"), _control(frame)),
        Part(wake + 9, wake + 10, text("数据长度", "length"), str(len(frame.data))),
    ]
    at = wake + HEAD_SIZE
    if frame.data:
        inner = [part.moved(at) for part in _data(frame)]
        name = text("数据域（已减33H）", "data (33H taken off)")
        parts.append(Part(at, at + len(frame.data), name, frame.data.hex(" ").upper(), parts=inner))
    end = len(raw)
    parts.append(Part(end - 2, end - 1, text("校验和", "checksum"), f"{raw[-2]:02X}"))
    parts.append(Part(end - 1, end, text("结束符", "end")))
    return parts


def _address(address: str) -> str:
    if address == "9" * 12:
        return f"{address} {spoken('广播', 'broadcast')}"
    return f"{address.upper()} {spoken('通配', 'wildcard')}" if "a" in address else address


def _control(frame: Frame) -> str:
    kind = kind_of(frame)
    more = spoken(" 有后续帧", " more follows") if frame.more else ""
    return f"{frame.control:02X} DL/T 645-{edition(frame)} {both(kind.name)}{more}"


def _data(frame: Frame) -> list[Part]:
    kind = kind_of(frame)
    try:
        fields = list(placed(kind, edition(frame), frame.data))
    except BadFrame:
        fields = list(placed(Other, edition(frame), frame.data))
    parts = []
    di = ""
    for name, value, start, end in fields:
        if start == end:
            continue
        inner: Sequence[Part] = ()
        if name == "di":
            di = str(value)
        elif name == "data" and isinstance(value, bytes):
            if kind is NextData:
                inner = _piece(value, numbered=edition(frame) == 2007)
            elif di:
                inner = _fields(di, value, frame.more)
            inner = tuple(part.moved(start) for part in inner)
        of_esam = kind is SecurityRefused and name == "reasons"
        said = frame.data[start:end][::-1].hex().upper() if of_esam else _said(name, value)
        parts.append(Part(start, end, NAMES[name], said, parts=inner))
    return parts


def _piece(data: bytes, numbered: bool) -> Sequence[Part]:
    """Data that follow: where in an item they begin is told by the frames before them."""
    at = len(data) - 1
    if not numbered:
        return ()
    piece = (Part(0, at, text("数据片段", "piece of the data")),) if at else ()
    return *piece, Part(at, at + 1, NAMES["sequence"], str(data[-1]))


def _said(name: str, value: Value) -> str:
    if name == "di":
        known = identifier(str(value))
        return f"{str(value).upper()} {both(known.name)}" if known else str(value).upper()
    if name == "order" and str(value) in ORDERS:
        return f"{str(value).upper()} {both(ORDERS[str(value)])}"
    if name == "reasons" and isinstance(value, int):
        said = [word for bit, word in REASONS.items() if value >> bit & 1]
        return f"{value:02X} " + "；".join(f"{both(word)}" for word in said)
    return shown(value)


def _fields(di: str, data: bytes, more: bool) -> list[Part]:
    """The fields of `data`; where `more` follows in another frame, those that are whole here."""
    for end in range(len(data), 0, -1) if more else (len(data),):
        try:
            if di.startswith("06") and len(di) == 8:
                return [_point(point.start, point.end, shown(point.at), point.items) for point in points(data[:end])]
            return [_item(item) for item in items(di, data[:end])]
        except BadFrame:
            continue
    return []


def _point(start: int, end: int, moment: str, found: Sequence[Item]) -> Part:
    return Part(start, end, text("负荷记录", "load record"), moment, parts=tuple(map(_item, found)))


def _item(item: Item) -> Part:
    name: Text = item.name
    return Part(item.start, item.end, name, shown(item.value), item.unit)
