"""A client that reads and commands a meter: which bytes to send next, and what the answers are; it opens no connection itself.

Every operation is a generator of steps: it gives the bytes to send (none: only wait), is sent the next whole frame that comes,
and returns what was asked. Whoever holds the connection drives it; see `Steps`.
"""

from collections.abc import Generator
from typing import Any, NamedTuple, Protocol, TypeVar

from denghuo.service.acquisition.protocol.axdr import OCTETS, Data
from denghuo.service.acquisition.protocol.dlms import association, data, hdlc, wrapper
from denghuo.service.acquisition.protocol.dlms.apdu import Apdu, decode, encode
from denghuo.service.acquisition.protocol.dlms.objects import ERRORS
from denghuo.service.acquisition.protocol.dlms.security import Sealing
from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue
from denghuo.service.acquisition.protocol.stream import Framing

T = TypeVar("T")
Steps = Generator[bytes, bytes, T]
"""Gives bytes to send, is sent frames that came, returns T. BadFrame: what came fits no protocol; Refused: the meter does not."""

PUBLIC, LOGICAL_DEVICE = 16, 1
CONFORMANCE = 0x00181D
"""Asked for: selective access, get, set, action, and their blocks (bits from the highest of 24)."""
PDU_MAX = 0xFFFF
VALUE_SIZE_MAX = 1 << 20
BLOCKS_MAX = 65_536
IDLE_FRAMES_MAX = 64
"""Frames in a row that answer nothing: notifications, late answers, a line that is not ready."""
ASSOCIATION = ("0.0.40.0.0.255", 15)
_ACSE = b"\x07\x80"
_GLO = {"GetRequest": 0xC8, "GetNextRequest": 0xC8, "SetRequest": 0xC9, "ActionRequest": 0xCB}


class Refused(Exception):
    """The meter says no: `what` (association, access, exception, link) and the code that it gives."""

    def __init__(self, what: str, code: int) -> None:
        words = ERRORS.get(code, {"en": "another reason"})["en"] if what == "access" else str(code)
        super().__init__(f"{what}: {words}")
        self.what, self.code = what, code


class Attribute(NamedTuple):
    """An attribute of an object: its class, logical name and number."""

    interface: int
    obis: str
    number: int


class Transport(Protocol):
    """How an APDU gets to the meter and its answer back."""

    framing: Framing

    def open(self) -> Steps[None]: ...

    def exchange(self, payload: bytes) -> Steps[bytes]:
        """The answer to an APDU; with an empty one, what comes next."""

    def close(self) -> Steps[None]: ...


class Wrapped:
    """Over TCP, in the wrapper."""

    framing = wrapper.FRAMING

    def __init__(self, client: int = PUBLIC, server: int = LOGICAL_DEVICE) -> None:
        self._client, self._server = client, server

    def open(self) -> Steps[None]:
        return
        yield b""

    def exchange(self, payload: bytes) -> Steps[bytes]:
        raw = yield wrapper.encode(wrapper.Frame(self._client, self._server, payload)) if payload else b""
        for _ in range(IDLE_FRAMES_MAX):
            frame = wrapper.decode(raw)
            if (frame.source, frame.to) == (self._server, self._client):
                return frame.payload
            raw = yield b""
        raise BadFrame("content", 2, f"{frame.source}", f"{self._server}")

    def close(self) -> Steps[None]:
        return
        yield b""


class Lined:
    """In frames of HDLC: on a line, or over a converter's TCP. One frame at a time goes out; windows of the meter are taken."""

    framing = hdlc.FRAMING

    def __init__(self, client: int = PUBLIC, server: bytes = b"\x03") -> None:
        self._own, self._meter = hdlc.address(client), server
        self._sent = self._expected = 0
        self.terms = hdlc.Terms()

    def open(self) -> Steps[None]:
        frame = yield from self._next(self._raw(hdlc.SNRM | hdlc.FINAL))
        if frame.function != hdlc.UA:
            raise Refused("link", frame.function)
        self._sent = self._expected = 0
        self.terms = hdlc.terms_of(frame.information)

    def close(self) -> Steps[None]:
        yield from self._next(self._raw(hdlc.DISC | hdlc.FINAL))

    def exchange(self, payload: bytes) -> Steps[bytes]:
        information = hdlc.ASKED + payload if payload else b""
        # What the meter receives at most is what it calls its longest information received; older ones swap the two.
        size = max(min(self.terms.send_max, self.terms.receive_max), 32)
        frame = None
        for at in range(0, len(information), size):
            more = at + size < len(information)
            control = self._expected << 5 | hdlc.FINAL | self._sent << 1
            raw = self._raw(control, information[at : at + size], more)
            self._sent = (self._sent + 1) & 7
            frame = yield from self._next(raw)
            if more and (frame.kind != "RR" or frame.expected != self._sent):
                raise BadFrame("content", 5, f"{frame.control:02X}", f"RR {self._sent}")
        answer = yield from self._gather(frame or (yield from self._next(b"")))
        if answer[:3] != hdlc.ANSWERED:
            raise BadFrame("content", 8, answer[:3].hex(" ").upper(), hdlc.ANSWERED.hex(" ").upper())
        return answer[3:]

    def _gather(self, frame: hdlc.Frame) -> Steps[bytes]:
        """The information of an answer from its segments; the meter goes on after each window."""
        found = b""
        for _ in range(BLOCKS_MAX):
            if frame.kind == "U":
                raise Refused("link", frame.function)
            if frame.kind == "I":
                if frame.sent != self._expected:
                    raise BadFrame("content", 5, f"frame {frame.sent}", f"frame {self._expected}")
                self._expected = (self._expected + 1) & 7
                found += frame.information
                if not frame.segmented:
                    return found
                if len(found) > VALUE_SIZE_MAX:
                    break
            ready = self._raw(self._expected << 5 | hdlc.FINAL | hdlc.RR)
            frame = yield from self._next(ready if frame.final else b"")
        raise BadFrame("long", 0, str(len(found)), str(VALUE_SIZE_MAX))

    def _raw(self, control: int, information: bytes = b"", segmented: bool = False) -> bytes:
        return hdlc.encode(hdlc.Frame(self._meter, self._own, control, information, segmented))

    def _next(self, raw: bytes) -> Steps[hdlc.Frame]:
        """The next frame that this meter sends to us; notifications wait for nobody."""
        for _ in range(IDLE_FRAMES_MAX):
            frame = hdlc.decode((yield raw))
            if frame.to == self._own and not (frame.kind == "U" and frame.function == hdlc.UI):
                return frame
            raw = b""
        raise BadFrame("content", 3, frame.to.hex(), self._own.hex())


class Client:
    """One association with a meter. `password`: its low secret; with `security` it is proven by GMAC and all is ciphered."""

    def __init__(self, transport: Transport, password: bytes = b"", security: Sealing | None = None) -> None:
        self._transport, self._password, self._security = transport, password, security
        self._invoke = 0
        self.conformance, self.pdu_max = CONFORMANCE, PDU_MAX

    def open(self, challenge: bytes = b"") -> Steps[None]:
        """Opens the association; `challenge`: 8 to 64 random bytes that the meter proves itself by, with `security` alone."""
        yield from self._transport.open()
        wanted = {"dedicated_key": None, "response_allowed": None, "quality": None, "version": 6}
        wanted |= {"conformance": CONFORMANCE, "pdu_max": PDU_MAX}
        information = encode(Apdu("InitiateRequest", wanted))
        fields: dict[str, Any] = {"context": association.PLAIN, "information": information}
        if self._security is not None:
            if not 8 <= len(challenge) <= 64:
                raise BadValue("challenge", len(challenge), "8..64 bytes")
            sealed = encode(Apdu("GloInitiateRequest", {"content": self._security.seal(information)}))
            fields = {"context": association.CIPHERED, "title": self._security.title, "information": sealed}
            fields |= {"acse_requirements": _ACSE, "mechanism": association.HIGH_GMAC, "secret": challenge}
        elif self._password:
            fields |= {"acse_requirements": _ACSE, "mechanism": association.LOW, "secret": self._password}
        raw = yield from self._transport.exchange(encode(Apdu("AssociationRequest", fields)))
        answer = self._known(raw, "AssociationResponse")
        if answer.fields.get("accepted") != 0:
            raise Refused("association", answer.fields.get("diagnostic", (1, 1))[1])
        if self._security is not None:
            self._security.peer, self._security.heard = answer.fields.get("title", b""), -1
        self._agreed(answer.fields.get("information", b""))
        if self._security is not None:
            yield from self._prove(self._security, challenge, answer.fields.get("secret", b""))

    def _agreed(self, information: bytes) -> None:
        terms = decode(information)
        if terms.name == "GloInitiateResponse" and self._security is not None:
            terms = decode(self._security.open(terms.fields["content"]))
        if terms.name != "InitiateResponse":
            raise Refused("association", terms.fields.get("error", 0))
        self.conformance, self.pdu_max = terms.fields["conformance"], terms.fields["pdu_max"]

    def _prove(self, security: Sealing, own: bytes, theirs: bytes) -> Steps[None]:
        obis, interface = ASSOCIATION
        answer = yield from self.act(Attribute(interface, obis, 1), (OCTETS, security.prove(theirs)))
        if answer is None or answer[0] != OCTETS or not security.proven(answer[1], own):
            raise Refused("association", 13)

    def close(self) -> Steps[None]:
        """Ends the association and the link; a meter that knows no release is not asked again."""
        yield from self._transport.exchange(encode(Apdu("ReleaseRequest", {"reason": 0})))
        yield from self._transport.close()

    def get(self, attribute: Attribute, access: tuple[int, Data] | None = None) -> Steps[Data]:
        """The value of an attribute; `access`: which part of it, see profile.py."""
        fields = {"attribute": _named(attribute), "access": _access(access)}
        answer = yield from self._ask("GetRequest", fields)
        if answer.name == "GetResponse":
            return _value(answer.fields["result"])
        found = b""
        for number in range(1, BLOCKS_MAX):
            if answer.name != "GetBlockResponse" or answer.fields["block"] != number:
                raise BadFrame("content", 0, f"{answer.name} {answer.fields.get('block')}", f"block {number}")
            choice, part = answer.fields["part"]
            if choice == 1:
                raise Refused("access", part)
            found += part
            if len(found) > VALUE_SIZE_MAX:
                break
            if answer.fields["last"]:
                try:
                    return data.read(found, 0)[0]
                except (IndexError, ValueError):
                    raise BadFrame("short", len(found)) from None
            answer = yield from self._ask("GetNextRequest", {"block": number}, same=True)
        raise BadFrame("long", 0, str(len(found)), str(VALUE_SIZE_MAX))

    def set(self, attribute: Attribute, value: Data) -> Steps[None]:
        """Sets an attribute."""
        answer = yield from self._ask("SetRequest", {"attribute": _named(attribute), "access": None, "data": value})
        self._done(answer, "SetResponse")

    def act(self, method: Attribute, parameter: Data | None = None) -> Steps[Data | None]:
        """Does a method of an object; gives what it returns."""
        fields = {"interface": method.interface, "obis": method.obis, "method": method.number}
        answer = yield from self._ask("ActionRequest", {"method": fields, "parameter": parameter})
        self._done(answer, "ActionResponse")
        returned = answer.fields["returned"]
        return None if returned is None else _value(returned)

    def _done(self, answer: Apdu, name: str) -> None:
        if answer.name != name:
            raise BadFrame("content", 0, answer.name, name)
        if answer.fields["error"]:
            raise Refused("access", answer.fields["error"])

    def _ask(self, name: str, fields: dict[str, Any], same: bool = False) -> Steps[Apdu]:
        """The answer to one service; late answers to others are left."""
        if not same:
            self._invoke = self._invoke % 15 + 1
        invoke = 0xC0 | self._invoke
        payload = encode(Apdu(name, {"invoke": invoke, **fields}))
        if self._security is not None:
            sealed = self._security.seal(payload)
            payload = bytes((_GLO[name],)) + encode(Apdu("GloGetRequest", {"content": sealed}))[1:]
        if self.pdu_max and len(payload) > self.pdu_max:
            raise BadValue(name, len(payload), f"at most {self.pdu_max} bytes, as the meter says")
        for _ in range(IDLE_FRAMES_MAX):
            answer = self._opened((yield from self._transport.exchange(payload)))
            if answer.fields.get("invoke", invoke) & 0x0F == self._invoke:
                return answer
            payload = b""
        raise BadFrame("content", 2, answer.name, name)

    def _opened(self, raw: bytes) -> Apdu:
        answer = decode(raw)
        if answer.name in ("GloGetResponse", "GloSetResponse", "GloActionResponse") and self._security is not None:
            answer = decode(self._security.open(answer.fields["content"]))
        elif self._security is not None and answer.name not in ("ExceptionResponse", "ConfirmedServiceError"):
            raise BadFrame("content", 0, answer.name, "a ciphered answer")
        return self._told(answer)

    def _known(self, raw: bytes, name: str) -> Apdu:
        answer = self._told(decode(raw))
        if answer.name != name:
            raise BadFrame("content", 0, answer.name, name)
        return answer

    def _told(self, answer: Apdu) -> Apdu:
        if answer.name == "ExceptionResponse":
            raise Refused("exception", answer.fields["service"])
        if answer.name == "ConfirmedServiceError":
            raise Refused("exception", answer.fields["error"])
        return answer


def _named(attribute: Attribute) -> dict[str, Any]:
    return {"interface": attribute.interface, "obis": attribute.obis, "attribute": attribute.number}


def _access(access: tuple[int, Data] | None) -> dict[str, Any] | None:
    return None if access is None else {"selector": access[0], "parameter": access[1]}


def _value(result: tuple[int, Any]) -> Data:
    choice, value = result
    if choice == 1:
        raise Refused("access", value)
    found: Data = value
    return found
