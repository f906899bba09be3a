"""Application messages (APDU) of DL/T 698.45: requests of a client, answers and reports of a server, both ways."""

import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

from denghuo.service.acquisition.protocol.dlt698.grammar import (
    COMDCB,
    GET_RESULT,
    MOMENT,
    MOMENT_MS,
    OAD,
    OMD,
    RCSD,
    RESULT,
    RSD,
    SID,
    SID_MAC,
    TI,
    Address,
    Record,
    reader,
    writer,
)
from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue
from denghuo.service.acquisition.protocol.grammar import (
    U1,
    U2,
    U4,
    Any_,
    Choice,
    Fixed,
    List,
    Maybe,
    Node,
    Nothing,
    Octets,
    Seq,
    seq,
)

TIME_TAG = Maybe(seq(sent=MOMENT, delay=TI))
FOLLOW_REPORT = Maybe(Choice(((1, "results", List(RESULT)), (2, "records", List(Record())))))

_GET_RECORD = seq(oad=OAD, rows=RSD, columns=RCSD)
_SET = seq(oad=OAD, data=Any_())
_SET_THEN_GET = seq(oad=OAD, data=Any_(), read=OAD, delay_s=U1)
_ACT = seq(omd=OMD, data=Any_())
_ACT_THEN_GET = seq(omd=OMD, data=Any_(), read=OAD, delay_s=U1)
_SET_DONE = seq(oad=OAD, dar=U1)
_SET_READ = seq(oad=OAD, dar=U1, read=OAD, result=GET_RESULT)
_ACT_DONE = seq(omd=OMD, dar=U1, data=Maybe(Any_()))
_ACT_READ = seq(omd=OMD, dar=U1, data=Maybe(Any_()), read=OAD, result=GET_RESULT)
_TERMS: dict[str, Node] = {
    "version": U2,
    "protocols": Fixed(8),
    "functions": Fixed(16),
    "send_max": U2,
    "receive_max": U2,
    "window": U1,
}
_TERMS |= {"apdu_max": U2, "timeout_s": U4}


def _for_meters(node: Node) -> Node:
    return List(seq(meter=Address(), timeout_s=U2, items=List(node)))


def _of_meters(node: Node) -> Node:
    return List(seq(meter=Address(), items=List(node)))


def _proxy(**fields: Node) -> Seq:
    return seq(piid=U1, timeout_s=U2, **fields)


# By tag, then by choice; None where the message has no choice. Each with its name and the fields behind them.
MESSAGES: Mapping[int, Mapping[int | None, tuple[str, Seq]]] = {
    0x01: {None: ("LinkRequest", seq(piid=U1, kind=U1, heartbeat_s=U2, time=MOMENT_MS))},
    0x81: {
        None: ("LinkResponse", seq(piid=U1, result=U1, requested=MOMENT_MS, received=MOMENT_MS, answered=MOMENT_MS))
    },
    0x02: {
        None: (
            "ConnectRequest",
            seq(
                piid=U1,
                **_TERMS,
                security=Choice(
                    (
                        (0, "none", Nothing()),
                        (1, "password", Octets()),
                        (2, "cipher", seq(cipher=Octets(), signature=Octets())),
                        (3, "signature", seq(cipher=Octets(), signature=Octets())),
                    )
                ),
            ),
        )
    },
    0x82: {
        None: (
            "ConnectResponse",
            seq(piid=U1, factory=Fixed(32), **_TERMS, result=U1, security=Maybe(seq(random=Octets(), mac=Octets()))),
        )
    },
    0x03: {None: ("ReleaseRequest", seq(piid=U1))},
    0x83: {None: ("ReleaseResponse", seq(piid=U1, result=U1))},
    0x84: {None: ("ReleaseNotification", seq(piid=U1, connected=MOMENT, now=MOMENT))},
    0x05: {
        1: ("GetRequest", seq(piid=U1, oad=OAD)),
        2: ("GetRequestList", seq(piid=U1, oads=List(OAD))),
        3: ("GetRecordRequest", seq(piid=U1, record=_GET_RECORD)),
        4: ("GetRecordRequestList", seq(piid=U1, records=List(_GET_RECORD))),
        5: ("GetNextRequest", seq(piid=U1, block=U2)),
        6: ("GetMd5Request", seq(piid=U1, oad=OAD)),
    },
    0x85: {
        1: ("GetResponse", seq(piid=U1, result=RESULT)),
        2: ("GetResponseList", seq(piid=U1, results=List(RESULT))),
        3: ("GetRecordResponse", seq(piid=U1, record=Record())),
        4: ("GetRecordResponseList", seq(piid=U1, records=List(Record()))),
        5: (
            "GetNextResponse",
            seq(
                piid=U1,
                last=U1,
                block=U2,
                part=Choice(((0, "dar", U1), (1, "results", List(RESULT)), (2, "records", List(Record())))),
            ),
        ),
        6: ("GetMd5Response", seq(piid=U1, oad=OAD, result=Choice(((0, "dar", U1), (1, "md5", Octets()))))),
    },
    0x06: {
        1: ("SetRequest", seq(piid=U1, item=_SET)),
        2: ("SetRequestList", seq(piid=U1, items=List(_SET))),
        3: ("SetThenGetRequest", seq(piid=U1, items=List(_SET_THEN_GET))),
    },
    0x86: {
        1: ("SetResponse", seq(piid=U1, item=_SET_DONE)),
        2: ("SetResponseList", seq(piid=U1, items=List(_SET_DONE))),
        3: ("SetThenGetResponse", seq(piid=U1, items=List(_SET_READ))),
    },
    0x07: {
        1: ("ActionRequest", seq(piid=U1, item=_ACT)),
        2: ("ActionRequestList", seq(piid=U1, items=List(_ACT))),
        3: ("ActionThenGetRequest", seq(piid=U1, items=List(_ACT_THEN_GET))),
    },
    0x87: {
        1: ("ActionResponse", seq(piid=U1, item=_ACT_DONE)),
        2: ("ActionResponseList", seq(piid=U1, items=List(_ACT_DONE))),
        3: ("ActionThenGetResponse", seq(piid=U1, items=List(_ACT_READ))),
    },
    0x88: {
        1: ("Report", seq(piid=U1, results=List(RESULT))),
        2: ("RecordReport", seq(piid=U1, records=List(Record()))),
        3: ("TransparentReport", seq(piid=U1, port=OAD, octets=Octets())),
    },
    0x08: {
        1: ("ReportResponse", seq(piid=U1, oads=List(OAD))),
        2: ("RecordReportResponse", seq(piid=U1, oads=List(OAD))),
        3: ("TransparentReportResponse", seq(piid=U1)),
    },
    0x09: {
        1: ("ProxyGetRequest", _proxy(meters=_for_meters(OAD))),
        2: ("ProxyGetRecordRequest", _proxy(meter=Address(), record=_GET_RECORD)),
        3: ("ProxySetRequest", _proxy(meters=_for_meters(_SET))),
        4: ("ProxySetThenGetRequest", _proxy(meters=_for_meters(_SET_THEN_GET))),
        5: ("ProxyActionRequest", _proxy(meters=_for_meters(_ACT))),
        6: ("ProxyActionThenGetRequest", _proxy(meters=_for_meters(_ACT_THEN_GET))),
        7: (
            "ProxyTransparentRequest",
            seq(piid=U1, port=OAD, line=COMDCB, answer_timeout_s=U2, byte_timeout_ms=U2, octets=Octets()),
        ),
    },
    0x89: {
        1: ("ProxyGetResponse", seq(piid=U1, meters=_of_meters(RESULT))),
        2: ("ProxyGetRecordResponse", seq(piid=U1, meter=Address(), record=Record())),
        3: ("ProxySetResponse", seq(piid=U1, meters=_of_meters(_SET_DONE))),
        4: ("ProxySetThenGetResponse", seq(piid=U1, meters=_of_meters(_SET_READ))),
        5: ("ProxyActionResponse", seq(piid=U1, meters=_of_meters(_ACT_DONE))),
        6: ("ProxyActionThenGetResponse", seq(piid=U1, meters=_of_meters(_ACT_READ))),
        7: (
            "ProxyTransparentResponse",
            seq(piid=U1, port=OAD, result=Choice(((0, "dar", U1), (1, "octets", Octets())))),
        ),
    },
    0x10: {
        None: (
            "SecurityRequest",
            seq(
                content=Choice(((0, "plain", Octets()), (1, "cipher", Octets()))),
                proof=Choice(
                    (
                        (0, "sid_mac", SID_MAC),
                        (1, "random", Octets()),
                        (2, "random_mac", seq(random=Octets(), mac=Octets())),
                        (3, "sid", SID),
                    )
                ),
            ),
        )
    },
    0x90: {
        None: (
            "SecurityResponse",
            seq(
                content=Choice(((0, "plain", Octets()), (1, "cipher", Octets()), (2, "dar", U1))),
                proof=Maybe(Choice(((0, "mac", Octets()),))),
            ),
        )
    },
    0x6E: {None: ("ErrorResponse", seq(piid=U1, error=U1))},
    0xEE: {None: ("ErrorResponse", seq(piid=U1, error=U1))},
}
_WITHOUT_TAIL = frozenset((0x01, 0x81, 0x10, 0x90, 0x6E, 0xEE))
_BY_NAME = {
    name: (tag, choice, node)
    for tag, choices in reversed(list(MESSAGES.items()))
    for choice, (name, node) in choices.items()
}


def tail(tag: int) -> Seq:
    """What follows the fields of a message: its time tag, from a server also a report that follows along."""
    if tag in _WITHOUT_TAIL:
        return seq()
    return seq(follow_report=FOLLOW_REPORT, time_tag=TIME_TAG) if tag >= 0x80 else seq(time_tag=TIME_TAG)


class Apdu(NamedTuple):
    """One message: its `name` (a name of MESSAGES) and its fields as grammar.py reads them. Times are bytes: `data.instant`."""

    name: str
    fields: Mapping[str, Any]
    follow_report: Any = None
    time_tag: Any = None

    def inner(self) -> "Apdu | None":
        """The message inside a security wrapper, where it is plain."""
        if self.name not in ("SecurityRequest", "SecurityResponse") or self.fields["content"][0] != 0:
            return None
        return decode(self.fields["content"][1])


# By tag and choice as one number; a message without a choice has 100H in its place.
_WHOLE = 0x100
_READERS = {
    tag << 9 | (_WHOLE if choice is None else choice): (
        name,
        reader(node),
        reader(tail(tag)),
        b"\0\0" if tag >= 0x80 else b"\0",
    )
    for tag, choices in MESSAGES.items()
    for choice, (name, node) in choices.items()
}


def decode(raw: bytes) -> Apdu:
    """The message that `raw` is; BadFrame where it is cut, has more behind it, or is of no kind in MESSAGES."""
    at = 0
    try:
        tag = raw[0]
        known = _READERS.get(tag << 9 | raw[1])
        at = 2
        if known is None:
            known = _READERS.get(tag << 9 | _WHOLE)
            at = 1
        if known is None:
            raise BadFrame("unknown", 0, raw[:2].hex(" ").upper())
        name, read, read_tail, no_tail = known
        fields, at = read(raw, at)
        # Most messages have nothing in their tail.
        if raw[at:] == no_tail:
            return Apdu(name, fields)
        rest, at = read_tail(raw, at)
    except (IndexError, struct.error):
        raise BadFrame("short", len(raw)) from None
    if at < len(raw):
        raise BadFrame("long", at, str(len(raw) - at))
    return Apdu(name, fields, **rest)


def encode(apdu: Apdu) -> bytes:
    """The bytes of `apdu`; BadValue where a field is missing or does not fit."""
    if apdu.name not in _BY_NAME:
        raise BadValue("name", apdu.name, "a message of DL/T 698.45")
    tag, choice, node = _BY_NAME[apdu.name]
    head = bytes((tag,)) if choice is None else bytes((tag, choice))
    try:
        body = writer(node)(apdu.fields)
        return head + body + writer(tail(tag))({"follow_report": apdu.follow_report, "time_tag": apdu.time_tag})
    except BadValue:
        raise
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        raise BadValue(apdu.name, dict(apdu.fields), "its fields") from None
