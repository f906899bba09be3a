"""A direct meter whose codec shares no code with ours: dlms-cosem 21.3.2 (MIT) reads the requests and writes the answers."""

from collections.abc import Sequence
from datetime import datetime

from cryptography.hazmat.primitives.keywrap import aes_key_unwrap
from dlms_cosem import dlms_data, enumerations, security
from dlms_cosem.cosem import CosemAttribute, Obis
from dlms_cosem.exceptions import DecryptionError
from dlms_cosem.hdlc import frames
from dlms_cosem.hdlc.address import HdlcAddress
from dlms_cosem.protocol import acse, xdlms
from dlms_cosem.protocol.acse import UserInformation
from dlms_cosem.protocol.wrappers import WrapperHeader, WrapperProtocolDataUnit
from dlms_cosem.protocol.xdlms.conformance import Conformance
from dlms_cosem.protocol.xdlms.get import GetResponseFactory
from dlms_cosem.protocol.xdlms.invoke_id_and_priority import InvokeIdAndPriority
from dlms_cosem.time import datetime_from_bytes, datetime_to_bytes

TITLE, KEY, AUTHENTICATION = b"MTR\0\0\0\0\1", bytes(range(16)), bytes(range(0xD0, 0xE0))
MASTER, SETUP = bytes(range(0x20, 0x30)), "0.0.43.0.0.255"
PASSWORD, SERIAL, CHALLENGE = b"12345678", b"MTR0000000000001", b"challenge of the meter"
CLOCK, NAME, PROFILE = "0.0.1.0.0.255", "0.0.42.0.0.255", "1.0.99.1.0.255"
FORWARD, REVERSE, RELAY = "1.0.1.8.0.255", "1.0.2.8.0.255", "0.0.96.3.10.255"
WH = 30
BLOCK_SIZE, SEGMENT_SIZE = 400, 128
PROVEN, SEALED = security.SecurityControlField(0, authenticated=True), security.SecurityControlField(0, True, True)


def octets(value: bytes) -> bytes:
    return bytes(dlms_data.OctetStringData(value).to_bytes())


def count(value: int) -> bytes:
    return bytes(dlms_data.DoubleLongUnsignedData(value).to_bytes())


def whole(value: int) -> bytes:
    return bytes(dlms_data.UnsignedLongData(value).to_bytes())


def group(tag: int, *parts: bytes) -> bytes:
    """An array (1) or a structure (2)."""
    return bytes((tag, len(parts))) + b"".join(parts)


def got(kind: int, invoke: InvokeIdAndPriority, rest: bytes) -> bytes:
    """An answer to get. The package's own writer of these fails; its reader says what was written."""
    raw = bytes((0xC4, kind)) + invoke.to_bytes() + rest
    GetResponseFactory.from_bytes(raw)
    return bytes(raw)


class Meter:
    """`rows`: instant, registers. `answer` takes and gives what goes over TCP in the wrapper, or with `lined` frames of HDLC.
    `stubborn`: it says yes to a time and keeps its own."""

    def __init__(
        self,
        lined: bool = False,
        secret: str = "none",
        rows: Sequence[tuple[datetime, int, int]] = (),
        registers: tuple[int, int] = (0, 0),
        now: datetime | None = None,
        scaler: int = 1,
    ) -> None:
        self.lined, self.secret, self.rows, self.registers, self.now = lined, secret, rows, registers, now
        self.scaler = scaler
        self.stubborn, self.new = False, dict[int, bytes]()
        self.used: set[tuple[bytes, int]] = set()
        self.key, self.authentication, self.closed = KEY, AUTHENTICATION, True
        self.mode, self.acted, self.counter, self.client = 0, list[int](), 0, b""
        self.blocks: list[bytes] = []
        self.segments: list[bytes] = []
        self.sent = self.expected = 0

    def answer(self, raw: bytes) -> bytes:
        if self.lined:
            return self._frame(raw)
        asked = WrapperProtocolDataUnit.from_bytes(raw)
        said = self.apdu(asked.data)
        head = asked.wrapper_header
        return WrapperProtocolDataUnit(
            said, WrapperHeader(head.destination_wport, head.source_wport, len(said))
        ).to_bytes()

    # -- HDLC ------------------------------------------------------------------------------------------------------------

    def _frame(self, raw: bytes) -> bytes:
        there, here = HdlcAddress(raw[4] >> 1), HdlcAddress(1, address_type="server")
        control = raw[5]
        if control in (0x93, 0x53):
            self.sent = self.expected = 0
            return bytes(frames.UnNumberedAcknowledgmentFrame(there, here).to_bytes())
        if control & 1 == 0:
            asked = frames.InformationFrame.from_bytes(raw)
            assert asked.send_sequence_number == self.expected and asked.information[:3] == b"\xe6\xe6\x00"
            self.expected = (self.expected + 1) % 8
            said = b"\xe6\xe7\x00" + self.apdu(asked.information[3:])
            self.segments = [said[at : at + SEGMENT_SIZE] for at in range(0, len(said), SEGMENT_SIZE)]
        else:
            frames.ReceiveReadyFrame.from_bytes(raw)
        piece = self.segments.pop(0)
        frame = frames.InformationFrame(
            there,
            here,
            piece,
            segmented=bool(self.segments),
            send_sequence_number=self.sent,
            receive_sequence_number=self.expected,
        )
        self.sent = (self.sent + 1) % 8
        return bytes(frame.to_bytes())

    # -- messages --------------------------------------------------------------------------------------------------------

    def apdu(self, raw: bytes) -> bytes:
        if raw[0] == 0x60:
            self.key, self.authentication = self.new.get(0, self.key), self.new.get(2, self.authentication)
            return self._associate(acse.ApplicationAssociationRequest.from_bytes(raw))
        if raw[0] == 0x62:
            return bytes(acse.ReleaseResponse(enumerations.ReleaseResponseReason.NORMAL).to_bytes())
        if raw[0] & 0xF8 == 0xC8:
            plain = self._opened(raw[3:] if raw[1] == 0x81 else raw[2:])
            said = self._service(plain)
            sealed = self._sealed(said)
            size = bytes((len(sealed),)) if len(sealed) < 0x80 else b"\x82" + len(sealed).to_bytes(2, "big")
            return bytes((said[0] | 8,)) + size + sealed
        assert self.secret != "keys", "all is to be ciphered"
        return self._service(raw)

    def _associate(self, asked: acse.ApplicationAssociationRequest) -> bytes:
        wanted = {"none": None, "password": enumerations.AuthenticationMechanism.LLS}
        wanted["keys"] = enumerations.AuthenticationMechanism.HLS_GMAC
        right = asked.authentication == wanted[self.secret]
        if self.secret == "password":
            right = right and asked.authentication_value == PASSWORD
        terms = Conformance(
            get=True, set=True, action=True, selective_access=True, block_transfer_with_get_or_read=True
        )
        response = xdlms.InitiateResponse(terms, 512)
        extra = {}
        diagnostic = enumerations.AcseServiceUserDiagnostics.NULL
        if self.secret == "keys" and right:
            self.client, self.challenge = asked.system_title, asked.authentication_value
            inner = asked.user_information.content
            try:
                self._initiated(inner)
            except DecryptionError:
                right = False
        if self.secret == "keys" and right:
            self.counter += 1
            sealed = security.encrypt(SEALED, TITLE, self.counter, self.key, response.to_bytes(), self.authentication)
            response = xdlms.GlobalCipherInitiateResponse(SEALED, self.counter, sealed)
            extra = {"ciphered": True, "system_title": TITLE, "authentication_value": CHALLENGE}
            extra["authentication"] = wanted["keys"]
            diagnostic = enumerations.AcseServiceUserDiagnostics.AUTHENTICATION_REQUIRED
        if not right:
            diagnostic = enumerations.AcseServiceUserDiagnostics.AUTHENTICATION_FAILED
        result = enumerations.AssociationResult.ACCEPTED if right else enumerations.AssociationResult.REJECTED_PERMANENT
        return bytes(
            acse.ApplicationAssociationResponse(
                result, diagnostic, user_information=UserInformation(response), **extra
            ).to_bytes()
        )

    def _initiated(self, inner: xdlms.GlobalCipherInitiateRequest) -> None:
        opened = security.decrypt(
            inner.security_control,
            self.client,
            inner.invocation_counter,
            self.key,
            inner.ciphered_text,
            self.authentication,
        )
        xdlms.InitiateRequest.from_bytes(opened)

    def _opened(self, content: bytes) -> bytes:
        control = security.SecurityControlField.from_bytes(content[:1])
        counter = int.from_bytes(content[1:5], "big")
        assert (self.key, counter) not in self.used, "a counter is used once under a key"
        self.used.add((self.key, counter))
        return bytes(security.decrypt(control, self.client, counter, self.key, content[5:], self.authentication))

    def _sealed(self, plain: bytes) -> bytes:
        self.counter += 1
        sealed = security.encrypt(SEALED, TITLE, self.counter, self.key, plain, self.authentication)
        return bytes(SEALED.to_bytes()) + self.counter.to_bytes(4, "big") + sealed

    def _service(self, raw: bytes) -> bytes:
        if raw[0] == 0xC0 and raw[1] == 2:
            return self._block(xdlms.GetRequestNext.from_bytes(raw).invoke_id_and_priority)
        if raw[0] == 0xC0:
            get = xdlms.GetRequestNormal.from_bytes(raw)
            value = self._value(get.cosem_attribute, get.access_selection)
            if value is None:
                undefined = enumerations.DataAccessResult.OBJECT_UNDEFINED.value
                return got(1, get.invoke_id_and_priority, bytes((1, undefined)))
            if len(value) <= BLOCK_SIZE:
                return got(1, get.invoke_id_and_priority, b"\0" + value)
            self.blocks = [value[at : at + BLOCK_SIZE] for at in range(0, len(value), BLOCK_SIZE)]
            self.block = 0
            return self._block(get.invoke_id_and_priority)
        if raw[0] == 0xC1:
            put = xdlms.SetRequestNormal.from_bytes(raw)
            if put.cosem_attribute.instance.to_string(".") == CLOCK:
                self.now = self.now if self.stubborn else datetime_from_bytes(put.data[2:])[0]
            else:
                self.mode = put.data[1]
            result = enumerations.DataAccessResult.SUCCESS
            return bytes(xdlms.SetResponseNormal(result, put.invoke_id_and_priority).to_bytes())
        act = xdlms.ActionRequestNormal.from_bytes(raw)
        done = enumerations.ActionResultStatus.SUCCESS
        if act.cosem_method.instance.to_string(".") == "0.0.40.0.0.255":
            self._prove(act.data)
            self.counter += 1
            proof = security.gmac(PROVEN, TITLE, self.counter, self.key, self.authentication, self.challenge)
            said = octets(PROVEN.to_bytes() + self.counter.to_bytes(4, "big") + proof)
            return bytes(xdlms.ActionResponseNormalWithData(done, said, act.invoke_id_and_priority).to_bytes())
        if act.cosem_method.instance.to_string(".") == SETUP:
            self._take_keys(act.data)
        elif not self.stubborn:
            self.closed = act.cosem_method.method == 2
        self.acted.append(act.cosem_method.method)
        return bytes(xdlms.ActionResponseNormal(done, act.invoke_id_and_priority).to_bytes())

    def _take_keys(self, data: bytes) -> None:
        """An array of structures of which key (0 to encrypt, 2 to prove) and its wrapped octets of 24 bytes."""
        assert data[:2] == b"\x01\x02", data.hex()
        for at in (2, 32):
            kind, number, tag, size = data[at + 2 : at + 6]
            assert data[at : at + 2] == b"\x02\x02" and (kind, tag, size) == (0x16, 9, 24), data.hex()
            key = aes_key_unwrap(MASTER, data[at + 6 : at + 30])
            if not self.stubborn:
                # They hold from the next association on.
                self.new[number] = key

    def _prove(self, data: bytes) -> None:
        said = data[2:]
        counter = int.from_bytes(said[1:5], "big")
        assert said[5:] == security.gmac(PROVEN, self.client, counter, self.key, self.authentication, CHALLENGE)

    def _block(self, invoke: InvokeIdAndPriority) -> bytes:
        self.block += 1
        piece = self.blocks.pop(0)
        size = bytes((len(piece),)) if len(piece) < 0x80 else b"\x82" + len(piece).to_bytes(2, "big")
        return got(2, invoke, bytes((not self.blocks,)) + self.block.to_bytes(4, "big") + b"\0" + size + piece)

    def _value(self, asked: CosemAttribute, access: object) -> bytes | None:
        name = asked.instance.to_string(".")
        number = asked.attribute
        scale = group(2, bytes(dlms_data.IntegerData(self.scaler).to_bytes()), bytes((0x16, WH)))
        columns = [(8, CLOCK), (3, FORWARD), (3, REVERSE)]
        captured = [
            group(2, whole(kind), octets(Obis.from_string(obis).to_bytes()), b"\x0f\2", whole(0))
            for kind, obis in columns
        ]
        if (name, number) == (CLOCK, 2) and self.now is not None:
            return octets(datetime_to_bytes(self.now))
        if (name, number) == (PROFILE, 2):
            rows = self.rows
            if access is not None:
                rows = [row for row in rows if access.from_value <= row[0] <= access.to_value]  # type: ignore[attr-defined]
            return group(1, *(group(2, octets(datetime_to_bytes(at)), count(fwd), count(rev)) for at, fwd, rev in rows))
        return {
            (NAME, 2): octets(SERIAL),
            (FORWARD, 2): count(self.registers[0]),
            (REVERSE, 2): count(self.registers[1]),
            (FORWARD, 3): scale,
            (REVERSE, 3): scale,
            (RELAY, 2): bytes((3, self.closed)),
            (RELAY, 4): bytes((0x16, self.mode)),
            (PROFILE, 3): group(1, *captured),
            (PROFILE, 4): count(900),
        }.get((name, number))
