"""DLMS/COSEM frames field by field (报文解析), by the same grammar that reads them."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from denghuo.kernel.problem import Text, text
from denghuo.service.acquisition.protocol.axdr import ARRAY, OCTETS, STRUCTURE, Data, length
from denghuo.service.acquisition.protocol.dlms import apdu, association, data, hdlc, wrapper
from denghuo.service.acquisition.protocol.dlms.objects import ERRORS, UNKNOWN, classes, member_of, name_of, unit_of
from denghuo.service.acquisition.protocol.dlms.security import AUTHENTICATED, ENCRYPTED, HEAD_SIZE, TAG_SIZE
from denghuo.service.acquisition.protocol.fault import BadFrame
from denghuo.service.acquisition.protocol.fields import shown
from denghuo.service.acquisition.protocol.grammar import Any_, Choice, List, Maybe, Node, Seq
from denghuo.service.acquisition.protocol.part import Part
from denghuo.service.acquisition.protocol.words import COMMA, both, rows, spoken

_LABELS: Mapping[str, Text] = {row["key"]: text(row["zh"], row["en"]) for row in rows(__package__, "fields.csv")}
_KINDS = {
    0: text("空", "NULL"),
    ARRAY: text("数组", "array"),
    STRUCTURE: text("结构", "structure"),
    data.COMPACT: text("紧凑数组", "compact array"),
}
_SAID: Mapping[str, Mapping[int, Text]] = {
    "error": ERRORS,
    "context": {
        1: text("逻辑名，明文", "logical names, plain"),
        2: text("短名，明文", "short names, plain"),
        3: text("逻辑名，加密", "logical names, ciphered"),
        4: text("短名，加密", "short names, ciphered"),
    },
    "mechanism": {
        0: text("无认证", "none"),
        1: text("密码 LLS", "password, LLS"),
        5: text("HLS GMAC", "HLS GMAC"),
    },
    "accepted": {0: text("接受", "accepted"), 1: text("永久拒绝", "rejected"), 2: text("暂时拒绝", "rejected for now")},
    "state": {1: text("不允许服务", "service not allowed"), 2: text("未知服务", "service unknown")},
    "service": {
        1: text("无法执行", "operation not possible"),
        2: text("不支持的服务", "service not supported"),
        3: text("其他原因", "other reason"),
        4: text("报文过长", "APDU too long"),
        5: text("解密错误", "deciphering error"),
        6: text("调用计数器错误", "invocation counter error"),
    },
}
_DIAGNOSTICS = {
    0: text("无", "none"),
    1: text("未给出原因", "no reason given"),
    2: text("不支持的应用上下文", "application context not supported"),
    11: text("不认识的认证机制", "authentication mechanism not recognised"),
    12: text("需要认证机制", "authentication mechanism required"),
    13: text("认证失败", "authentication failure"),
    14: text("需要认证", "authentication required"),
}


def label(key: str) -> Text:
    """The words for a field or message of the grammar."""
    return _LABELS.get(key) or {"zh": key, "en": key}


def explain_wrapper(raw: bytes) -> list[Part]:
    """Every byte of the one frame that `raw` is; BadFrame where it is none, or its APDU no known message."""
    frame = wrapper.decode(raw)
    inner = tuple(part.moved(wrapper.HEAD_SIZE) for part in explain_apdu(frame.payload))
    return [
        Part(0, 2, text("版本", "version"), "1"),
        Part(2, 4, text("源端口", "source port"), str(frame.source)),
        Part(4, 6, text("目的端口", "destination port"), str(frame.to)),
        Part(6, 8, text("长度", "length"), str(len(frame.payload))),
        Part(8, len(raw), text("应用层数据", "APDU"), parts=inner),
    ]


def explain_hdlc(raw: bytes) -> list[Part]:
    """Every byte of the one frame that `raw` is; BadFrame where it is none. Information that is no message stays bytes."""
    frame = hdlc.decode(raw)
    source = 3 + len(frame.to)
    control = source + len(frame.source)
    end = len(raw) - 3
    follows = spoken("，后续有分段", ", a segment follows") if frame.segmented else ""
    parts = [
        Part(0, 1, text("起始符", "start")),
        Part(1, 3, text("帧格式与长度", "format and length"), f"{len(raw) - 2}{follows}"),
        Part(3, source, text("目的地址", "to"), _address(frame.to)),
        Part(source, control, text("源地址", "from"), _address(frame.source)),
        Part(control, control + 1, text("控制域", "control"), _control(frame)),
    ]
    at = control + 1
    if at < end:
        parts.append(Part(at, at + 2, text("帧头校验 HCS", "head checksum HCS"), raw[at : at + 2].hex().upper()))
        if at + 2 < end:
            parts.append(_information(frame, at + 2, end))
    parts.append(Part(end, end + 2, text("帧校验 FCS", "frame checksum FCS"), raw[end : end + 2].hex().upper()))
    parts.append(Part(end + 2, end + 3, text("结束符", "end")))
    return parts


def _address(octets: bytes) -> str:
    upper, lower = hdlc.address_said(octets)
    return str(upper) if lower is None else f"{upper}/{lower}"


def _control(frame: hdlc.Frame) -> str:
    said = {"I": f"{spoken('信息', 'information')} I {frame.sent}{spoken('，待收', ', expects')} {frame.expected}"}
    said |= {kind: f"{kind} {spoken('待收', 'expects')} {frame.expected}" for kind in ("RR", "RNR")}
    known = hdlc.UNNUMBERED.get(frame.function, text("其他", "other"))
    final = f"{COMMA}P/F" if frame.final else ""
    return f"{frame.control:02X} {said.get(frame.kind) or both(known)}{final}"


def _information(frame: hdlc.Frame, at: int, end: int) -> Part:
    info = frame.information
    if info[:3] in (hdlc.ASKED, hdlc.ANSWERED) and len(info) > 3:
        head = Part(at, at + 3, text("链路子层 LLC", "LLC"), info[:3].hex(" ").upper())
        try:
            inner = tuple(part.moved(at + 3) for part in explain_apdu(info[3:]))
        except BadFrame as wrong:
            inner, said = (), both(wrong.detail)
            return Part(at, end, text("应用层数据", "APDU"), said, parts=(head,))
        return Part(at, end, text("信息域", "information"), parts=(head, *inner))
    if frame.kind == "U" and frame.function in (hdlc.SNRM, hdlc.UA):
        try:
            said = COMMA.join(f"{name} {value}" for name, value in hdlc.terms_of(info)._asdict().items())
        except BadFrame:
            said = info.hex(" ").upper()
        return Part(at, end, text("链路参数", "terms"), said)
    return Part(at, end, text("分段", "segment"), info.hex(" ").upper())


def explain_apdu(raw: bytes) -> list[Part]:
    """Every byte of the one message that `raw` is; BadFrame where it is none."""
    message = apdu.decode(raw)
    said = label(message.name)
    if raw[0] in apdu.ASSOCIATIONS:
        start = length(raw, 1)[1]
        head = Part(0, start, text("服务", "service"), f"{raw[0]:02X} {both(said)}")
        return [head, *map(_placed, association.fields(raw))]
    _, node, at = apdu.kind_of(raw)
    parts = [Part(0, at, text("服务", "service"), f"{raw[:at].hex(' ').upper()} {both(said)}")]
    return parts + _seq(raw, at, node)


def _placed(one: association.Placed) -> Part:
    inner: Sequence[Part] = ()
    said = shown(one.value)
    if one.name == "information":
        start = one.end - len(one.value)
        with contextlib.suppress(BadFrame):
            inner, said = tuple(part.moved(start) for part in explain_apdu(one.value)), ""
    elif one.name == "diagnostic":
        source, number = one.value
        words = _DIAGNOSTICS.get(number, text("其他", "other"))
        said = f"{source}.{number} {both(words)}"
    else:
        said = _scalar(one.name, one.value)
    return Part(one.start, one.end, label(one.name), said, parts=inner)


def _seq(raw: bytes, at: int, node: Seq) -> list[Part]:
    found = []
    for key, of in node.fields:
        part = _part(raw, at, key, of)
        at = part.end
        if part.end > part.start:
            found.append(part)
    return found


def _part(raw: bytes, at: int, key: str, node: Node) -> Part:
    value, end = apdu.reader(node)(raw, at)
    inner: Sequence[Part] = ()
    said = ""
    match node:
        case Seq():
            inner, said = _seq(raw, at, node), _object(value)
        case List(of):
            start, some = length(raw, at)[1], []
            for _ in value:
                some.append(_part(raw, start, key, of))
                start = some[-1].end
            inner, said = some, str(len(value))
        case Choice(cases):
            chosen, of = next((name, of) for tag, name, of in cases if tag == value[0])
            inner, said = (_part(raw, at + 1, chosen, of),), f"{value[0]}"
        case Maybe(of):
            inner, said = ((_part(raw, at + 1, key, of),), "") if value is not None else ((), spoken("无", "none"))
        case Any_():
            return _data(raw, at, label(key))
        case _:
            said = _scalar(key, value)
            if key == "content":
                inner = tuple(part.moved(end - len(value)) for part in _sealed(value))
    return Part(at, end, label(key), said, parts=tuple(inner))


def _sealed(octets: bytes) -> list[Part]:
    """What stands under a key: how, which message it is, the message (plain where it is only proven), the proof."""
    if len(octets) < HEAD_SIZE:
        return []
    control, end = octets[0], len(octets)
    proven, ciphered = control & AUTHENTICATED, control & ENCRYPTED
    how = COMMA.join(
        (
            f"{control:02X} {spoken('套件', 'suite')} {control & 0x0F}",
            *((spoken("认证", "authenticated"),) if proven else ()),
            *((spoken("加密", "encrypted"),) if ciphered else ()),
        )
    )
    parts = [
        Part(0, 1, text("安全控制", "security control"), how),
        Part(1, HEAD_SIZE, text("调用计数器", "invocation counter"), str(int.from_bytes(octets[1:5], "big"))),
    ]
    if proven and end >= HEAD_SIZE + TAG_SIZE:
        end -= TAG_SIZE
    if end > HEAD_SIZE:
        body = octets[HEAD_SIZE:end]
        inner: tuple[Part, ...] = ()
        if not ciphered:
            with contextlib.suppress(BadFrame):
                inner = tuple(part.moved(HEAD_SIZE) for part in explain_apdu(body))
        name = text("密文", "ciphertext") if ciphered else text("明文", "plain message")
        parts.append(Part(HEAD_SIZE, end, name, body.hex(" ").upper(), parts=inner))
    if end < len(octets):
        parts.append(Part(end, len(octets), text("认证标签", "proof"), octets[end:].hex(" ").upper()))
    return parts


def _object(value: Mapping[str, Any]) -> str:
    """The words for an attribute or method that is named by class, logical name and number."""
    if "obis" not in value:
        return ""
    name = name_of(value["obis"])
    kind, number = ("a", value["attribute"]) if "attribute" in value else ("m", value["method"])
    member = member_of(value["interface"], kind, number)
    return spoken(f"{name['zh']} {member['zh']}", f"{name['en']}, {member['en']}")


def _scalar(key: str, value: Any) -> str:
    if key == "interface":
        known = classes().get(value)
        return f"{value} {both(known.name)}" if known else str(value)
    if key == "obis":
        return _named(value)
    if key == "conformance":
        return f"{value:06X}"
    if key == "time" and isinstance(value, bytes):
        return shown(data.instant(value[-data.INSTANT_SIZE :])) if value else "—"
    if key in _SAID and isinstance(value, int):
        words = _SAID[key].get(value, text("其他", "other"))
        return f"{value} {both(words)}"
    return shown(value)


def _named(obis: str) -> str:
    name = name_of(obis)
    return obis if name is UNKNOWN else f"{obis} {both(name)}"


def _data(raw: bytes, at: int, name: Text) -> Part:
    (tag, value), end = data.read(raw, at)
    if tag in (ARRAY, STRUCTURE):
        start = length(raw, at + 1)[1]
        inner = []
        for number, _ in enumerate(value, 1):
            inner.append(_data(raw, start, text(str(number), str(number))))
            start = inner[-1].end
        kind = _KINDS[tag]
        scale = f"{COMMA}10^{value[0][1]} {unit_of(value[1][1])}" if [one[0] for one in value] == [0x0F, 0x16] else ""
        return Part(at, end, name, f"{both(kind)} {len(value)}{scale}", parts=tuple(inner))
    if tag == data.COMPACT:
        kind = _KINDS[tag]
        values = [
            Part(start, stop, text(str(number), str(number)), _flat(one))
            for number, (one, start, stop) in enumerate(data.compact_values(raw, at + 1), 1)
        ]
        return Part(at, end, name, f"{both(kind)} {len(values)}", parts=tuple(values))
    return Part(at, end, name, _value(tag, value))


def _flat(one: Data) -> str:
    """A value in a line, with those inside it."""
    tag, value = one
    return COMMA.join(map(_flat, value)) if tag in (ARRAY, STRUCTURE) else _value(tag, value)


def _value(tag: int, value: Any) -> str:
    if tag == 0:
        return spoken("空", "NULL")
    moment = data.instant_of((tag, value))
    if moment is not None:
        return shown(moment)
    if tag == OCTETS and len(value) == 6 and value[5] == 0xFF:
        return _named(".".join(map(str, value)))
    if tag == OCTETS and value and all(0x20 <= octet < 0x7F for octet in value):
        return f"{shown(value)} {value.decode('ascii')}"
    return shown(value)
