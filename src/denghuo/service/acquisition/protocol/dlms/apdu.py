"""Application messages (APDU) of DLMS/COSEM (IEC 62056-5-3) with logical names, both ways."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from denghuo.service.acquisition.protocol.axdr import OCTETS, piece
from denghuo.service.acquisition.protocol.dlms import association
from denghuo.service.acquisition.protocol.dlms.data import INSTANT_SIZE, TYPES
from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue
from denghuo.service.acquisition.protocol.grammar import (
    U1,
    U2,
    U4,
    Any_,
    Choice,
    Grammar,
    List,
    Maybe,
    Node,
    Octets,
    Own,
    Seq,
    Whole,
    seq,
)

_GRAMMAR = Grammar(TYPES)
reader, writer = _GRAMMAR.reader, _GRAMMAR.writer
_CONFORMANCE = bytes.fromhex("5f1f0400")
_CONFORMANCE_SIZE = 7


@dataclass(frozen=True)
class Obis(Own):
    """A logical name as people write it: six numbers with points between."""

    def read(self, raw: bytes, at: int) -> tuple[str, int]:
        return ".".join(map(str, piece(raw, at, 6))), at + 6

    def write(self, value: str) -> bytes:
        octets = bytes(int(part) for part in value.split("."))
        if len(octets) != 6:
            raise BadValue("obis", value, "six numbers 0..255 with points between")
        return octets


@dataclass(frozen=True)
class Conformance(Own):
    """Which services a side knows: 24 bits, the highest one first, in an envelope of BER."""

    def read(self, raw: bytes, at: int) -> tuple[int, int]:
        octets = piece(raw, at, _CONFORMANCE_SIZE)
        if octets[:4] != _CONFORMANCE:
            raise BadFrame("content", at, octets[:4].hex().upper(), _CONFORMANCE.hex().upper())
        return int.from_bytes(octets[4:], "big"), at + _CONFORMANCE_SIZE

    def write(self, value: int) -> bytes:
        return _CONFORMANCE + value.to_bytes(3, "big")


@dataclass(frozen=True)
class Rest(Own):
    """Whatever bytes follow."""

    def read(self, raw: bytes, at: int) -> tuple[bytes, int]:
        return raw[at:], len(raw)

    def write(self, value: bytes) -> bytes:
        return value


@dataclass(frozen=True)
class Moment(Own):
    """A time as octets, none or twelve. Some meters put the tag of octets before them; it then stays in front of the value."""

    def read(self, raw: bytes, at: int) -> tuple[bytes, int]:
        size = 2 + INSTANT_SIZE if raw[at] == OCTETS else raw[at]
        start = at if raw[at] == OCTETS else at + 1
        if size not in (0, INSTANT_SIZE, 2 + INSTANT_SIZE):
            raise BadFrame("content", at, f"{raw[at]:02X}", "00 0C")
        return piece(raw, start, size), start + size

    def write(self, value: bytes) -> bytes:
        if len(value) not in (0, INSTANT_SIZE, 2 + INSTANT_SIZE):
            raise BadValue("time", value.hex(), "none or twelve bytes")
        return value if len(value) > INSTANT_SIZE else bytes((len(value),)) + value


ATTRIBUTE = seq(interface=U2, obis=Obis(), attribute=Whole(1, signed=True))
METHOD = seq(interface=U2, obis=Obis(), method=Whole(1, signed=True))
ACCESS = Maybe(seq(selector=U1, parameter=Any_()))
RESULT = Choice(((0, "data", Any_()), (1, "error", U1)))
BLOCK = Choice(((0, "octets", Octets()), (1, "error", U1)))
_SELECTED = seq(attribute=ATTRIBUTE, access=ACCESS)
_LAST = {"last": U1, "block": U4}
_SEALED = seq(content=Octets())
_TITLED = seq(title=Octets(), content=Octets())


def _sealed(family: int, name: str) -> dict[int, Mapping[int | None, tuple[str, Seq]]]:
    """The services under a key, from a tag on, with the gaps that plain ones have."""
    services = {0: "GetRequest", 1: "SetRequest", 3: "ActionRequest", 4: "GetResponse", 5: "SetResponse"}
    services |= {7: "ActionResponse"}
    return {family + place: {None: (name + service, _SEALED)} for place, service in services.items()}


# By tag, then by choice; None where the message has no choice. Each with its name and the fields behind them.
MESSAGES: Mapping[int, Mapping[int | None, tuple[str, Seq]]] = {
    0x01: {
        None: (
            "InitiateRequest",
            seq(
                dedicated_key=Maybe(Octets()),
                response_allowed=Maybe(U1),
                quality=Maybe(U1),
                version=U1,
                conformance=Conformance(),
                pdu_max=U2,
            ),
        )
    },
    0x08: {
        None: (
            "InitiateResponse",
            seq(quality=Maybe(U1), version=U1, conformance=Conformance(), pdu_max=U2, name_of_objects=U2),
        )
    },
    0x0E: {None: ("ConfirmedServiceError", seq(service=U1, kind=U1, error=U1))},
    0x0F: {None: ("DataNotification", seq(long_invoke=U4, time=Moment(), data=Any_()))},
    0x21: {None: ("GloInitiateRequest", _SEALED)},
    0x28: {None: ("GloInitiateResponse", _SEALED)},
    0xC0: {
        1: ("GetRequest", seq(invoke=U1, attribute=ATTRIBUTE, access=ACCESS)),
        2: ("GetNextRequest", seq(invoke=U1, block=U4)),
        3: ("GetListRequest", seq(invoke=U1, items=List(_SELECTED))),
    },
    0xC1: {
        1: ("SetRequest", seq(invoke=U1, attribute=ATTRIBUTE, access=ACCESS, data=Any_())),
        2: ("SetFirstBlockRequest", seq(invoke=U1, attribute=ATTRIBUTE, access=ACCESS, **_LAST, octets=Octets())),
        3: ("SetBlockRequest", seq(invoke=U1, **_LAST, octets=Octets())),
        4: ("SetListRequest", seq(invoke=U1, items=List(_SELECTED), values=List(Any_()))),
        5: ("SetListFirstBlockRequest", seq(invoke=U1, items=List(_SELECTED), **_LAST, octets=Octets())),
    },
    0xC2: {None: ("EventNotification", seq(time=Maybe(Octets()), attribute=ATTRIBUTE, data=Any_()))},
    0xC3: {
        1: ("ActionRequest", seq(invoke=U1, method=METHOD, parameter=Maybe(Any_()))),
        2: ("ActionNextRequest", seq(invoke=U1, block=U4)),
        3: ("ActionListRequest", seq(invoke=U1, methods=List(METHOD), parameters=List(Any_()))),
        4: ("ActionFirstBlockRequest", seq(invoke=U1, method=METHOD, **_LAST, octets=Octets())),
        5: ("ActionListFirstBlockRequest", seq(invoke=U1, methods=List(METHOD), **_LAST, octets=Octets())),
        6: ("ActionBlockRequest", seq(invoke=U1, **_LAST, octets=Octets())),
    },
    0xC4: {
        # Meters were seen to send more behind the value; what that is they do not say.
        1: ("GetResponse", seq(invoke=U1, result=RESULT, rest=Rest())),
        2: ("GetBlockResponse", seq(invoke=U1, **_LAST, part=BLOCK)),
        3: ("GetListResponse", seq(invoke=U1, results=List(RESULT))),
    },
    0xC5: {
        1: ("SetResponse", seq(invoke=U1, error=U1)),
        2: ("SetBlockResponse", seq(invoke=U1, block=U4)),
        3: ("SetLastBlockResponse", seq(invoke=U1, error=U1, block=U4)),
        4: ("SetListLastBlockResponse", seq(invoke=U1, errors=List(U1), block=U4)),
        5: ("SetListResponse", seq(invoke=U1, errors=List(U1))),
    },
    0xC7: {
        1: ("ActionResponse", seq(invoke=U1, error=U1, returned=Maybe(RESULT))),
        2: ("ActionBlockResponse", seq(invoke=U1, **_LAST, octets=Octets())),
        3: ("ActionListResponse", seq(invoke=U1, results=List(seq(error=U1, returned=Maybe(RESULT))))),
        4: ("ActionNextResponse", seq(invoke=U1, block=U4)),
    },
    0xD8: {None: ("ExceptionResponse", seq(state=U1, service=U1, counter=Rest()))},
    0xDB: {None: ("GeneralGlo", _TITLED)},
    0xDC: {None: ("GeneralDed", _TITLED)},
    0xE0: {None: ("GeneralBlock", seq(control=U1, block=U2, acknowledged=U2, octets=Octets()))},
    **_sealed(0xC8, "Glo"),
    **_sealed(0xD0, "Ded"),
}
ASSOCIATIONS = {
    0x60: "AssociationRequest",
    0x61: "AssociationResponse",
    0x62: "ReleaseRequest",
    0x63: "ReleaseResponse",
}
_TAGS = {name: tag for tag, name in ASSOCIATIONS.items()}
_BY_NAME: Mapping[str, tuple[int, int | None, Node]] = {
    name: (tag, choice, node) for tag, choices in MESSAGES.items() for choice, (name, node) in choices.items()
}


class Apdu(NamedTuple):
    """One message: its `name` (of MESSAGES or ASSOCIATIONS) and its fields as grammar.py reads them."""

    name: str
    fields: Mapping[str, Any]


def kind_of(raw: bytes) -> tuple[str, Seq, int]:
    """Name and fields of the message that `raw` begins, and where its fields begin; BadFrame where none begins so."""
    choices = MESSAGES.get(raw[0], {})
    choice = None if None in choices else raw[1]
    if choice not in choices:
        raise BadFrame("unknown", 0, raw[:2].hex(" ").upper())
    return *choices[choice], 1 if choice is None else 2


def decode(raw: bytes) -> Apdu:
    """The message that `raw` is; BadFrame where it is cut, has more behind it, or is of no kind known."""
    try:
        if raw[0] in ASSOCIATIONS:
            return Apdu(ASSOCIATIONS[raw[0]], {one.name: one.value for one in association.fields(raw)})
        name, node, at = kind_of(raw)
        fields, at = reader(node)(raw, at)
    except (IndexError, struct.error):
        raise BadFrame("short", len(raw)) from None
    if at < len(raw):
        raise BadFrame("long", at, str(len(raw) - at))
    return Apdu(name, fields)


def encode(apdu: Apdu) -> bytes:
    """The bytes of `apdu`; BadValue where a field is missing or does not fit."""
    try:
        if apdu.name in _TAGS:
            return association.encode(_TAGS[apdu.name], apdu.fields)
        if apdu.name not in _BY_NAME:
            raise BadValue("name", apdu.name, "a message of DLMS/COSEM")
        tag, choice, node = _BY_NAME[apdu.name]
        return (bytes((tag,)) if choice is None else bytes((tag, choice))) + writer(node)(apdu.fields)
    except BadValue:
        raise
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError):
        raise BadValue(apdu.name, dict(apdu.fields), "its fields") from None
