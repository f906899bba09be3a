"""A Q/GDW 376.1 frame field by field (报文解析), with the meter's frame where one is forwarded."""

from denghuo.kernel.problem import text
from denghuo.service.acquisition.protocol.carried import carried
from denghuo.service.acquisition.protocol.fault import BadFrame
from denghuo.service.acquisition.protocol.fields import Item, shown
from denghuo.service.acquisition.protocol.gdw3761.formats import form
from denghuo.service.acquisition.protocol.gdw3761.frame import HEAD_SIZE, LINK_SIZE, Frame, decode
from denghuo.service.acquisition.protocol.gdw3761.units import FUNCTIONS, Unit, events, items, settle, units
from denghuo.service.acquisition.protocol.part import Part
from denghuo.service.acquisition.protocol.words import COMMA, both, spoken

_PRIMARY = {
    1: text("复位", "reset"),
    4: text("发送无回答", "send, no reply"),
    9: text("链路测试", "link test"),
    10: text("请求1级数据", "request class 1"),
    11: text("请求2级数据", "request class 2"),
}
_SECONDARY = {
    0: text("认可", "confirm"),
    8: text("用户数据", "user data"),
    9: text("无所召唤数据", "no such data"),
    11: text("链路状态", "link state"),
}
_FORWARDS = 0x10


def explain(raw: bytes) -> list[Part]:
    """Every byte of the one frame that `raw` is; BadFrame where it is none. Units that do not fit the table stay bytes."""
    frame = settle(decode(raw))
    end = len(raw) - 2
    function = FUNCTIONS.get(frame.function, text("未知功能", "unknown function"))
    at = HEAD_SIZE + LINK_SIZE
    parts = [
        Part(0, 1, text("起始符", "start")),
        Part(1, 3, text("长度", "length"), f"{end - HEAD_SIZE}{spoken('，规约', ', protocol')} {frame.edition}"),
        Part(3, 5, text("长度", "length"), str(end - HEAD_SIZE)),
        Part(5, 6, text("起始符", "start")),
        Part(6, 7, text("控制域", "control"), _control(frame)),
        Part(7, 9, text("行政区划码 A1", "region A1"), frame.region),
        Part(9, 11, text("终端地址 A2", "terminal A2"), f"{frame.terminal} ({frame.terminal:04X})"),
        Part(
            11,
            12,
            text("主站地址 A3", "master station A3"),
            f"{frame.station}{spoken('，组地址', ', group') if frame.group else ''}",
        ),
        Part(12, 13, text("功能码 AFN", "function AFN"), f"{frame.function:02X} {both(function)}"),
        Part(13, 14, text("帧序列 SEQ", "sequence SEQ"), _sequence(frame)),
    ]
    parts += _data(frame, at)
    at += len(frame.data)
    if frame.password is not None:
        parts.append(
            Part(at, at + len(frame.password), text("消息认证码 PW", "password PW"), frame.password.hex().upper())
        )
        at += len(frame.password)
    if frame.counters is not None:
        said = f"EC1 {frame.counters[0]}{COMMA}EC2 {frame.counters[1]}"
        parts.append(Part(at, at + 2, text("事件计数器 EC", "event counters EC"), said))
        at += 2
    if frame.time_tag is not None:
        parts.append(Part(at, at + 6, text("时间标签 Tp", "time tag Tp"), _time_tag(frame.time_tag)))
    parts.append(Part(end, end + 1, text("校验和", "checksum"), f"{raw[end]:02X}"))
    parts.append(Part(end + 1, end + 2, text("结束符", "end")))
    return parts


def _control(frame: Frame) -> str:
    way = spoken("上行", "up") if frame.up else spoken("下行", "down")
    primary = frame.control & 0x40 != 0
    table = _PRIMARY if primary else _SECONDARY
    function = table.get(frame.control & 0x0F, text("备用", "reserved"))
    side = spoken("启动站", "primary") if primary else spoken("从动站", "secondary")
    flag = spoken("，要求访问 ACD", ", access demanded ACD") if frame.up and frame.control & 0x20 else ""
    return f"{frame.control:02X} {way}{COMMA}{side}{COMMA}{both(function)}{flag}"


def _sequence(frame: Frame) -> str:
    flags = [
        name
        for name, there in (
            ("TpV", frame.sequence & 0x80),
            ("FIR", frame.first),
            ("FIN", frame.last),
            ("CON", frame.confirm),
        )
        if there
    ]
    return f"{frame.sequence:02X} {' '.join([*flags, str(frame.number)])}"


def _time_tag(raw: bytes) -> str:
    sent = shown(form("A16").parse(raw[1:5]))
    count, at, delay = spoken("计数", "count"), spoken("，发送时标", ", sent"), spoken("，允许延时", ", delay")
    return f"{count} {raw[0]}{at} {sent}{delay} {raw[5]} min"


def _data(frame: Frame, at: int) -> list[Part]:
    try:
        found = units(frame)
    except BadFrame as wrong:
        said = f"{both(wrong.detail)}"
        return [Part(at, at + len(frame.data), text("数据单元", "data units"), said)]
    parts: list[Part] = []
    heads: set[int] = set()
    for unit in found:
        if unit.head not in heads:
            heads.add(unit.head)
            said = shown(form("DADT").parse(frame.data[unit.head : unit.head + 4]))
            parts.append(Part(at + unit.head, at + unit.head + 4, text("数据单元标识", "data unit identifier"), said))
        if unit.end > unit.start:
            parts.append(_unit(frame, unit).moved(at + unit.start))
        elif unit.kind:
            name = unit.kind.name
            last = parts[-1]
            parts[-1] = Part(last.start, last.end, last.name, f"{last.value} {both(name)}")
    end = found[-1].end if found else 0
    if end < len(frame.data):
        parts.append(Part(at + end, at + len(frame.data), text("填充", "padding")))
    return parts


def _unit(frame: Frame, unit: Unit) -> Part:
    said = f"p{unit.point} F{unit.number}"
    if unit.kind is None:
        name = text("规约表中没有的数据单元", "a data unit that the tables lack")
        return Part(0, len(unit.content), name, f"{said} {unit.content.hex(' ').upper()}")
    inner = [_item(frame, item) for item in items(unit, frame.up)]
    if frame.up:
        for event in events(unit):
            parts = tuple(_item(frame, item) for item in event.items)
            inner.append(Part(event.start, event.end, event.name, f"ERC{event.number}", parts=parts))
    return Part(0, len(unit.content), unit.kind.name, said, parts=tuple(inner))


def _item(frame: Frame, item: Item) -> Part:
    inner: tuple[Part, ...] = ()
    if frame.function == _FORWARDS and isinstance(item.value, bytes):
        inner = carried(item.value, item.start)
    return Part(item.start, item.end, item.name, shown(item.value), item.unit, inner)
