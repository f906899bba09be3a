"""What goes to a meter of DL/T 645-2007 under a cipher machine's proof: its relay's order (1C), and writing (14); and the status
word that tells where the relay is."""

from collections.abc import Sequence
from datetime import datetime

from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.front.cipher import CipherMachine
from denghuo.service.acquisition.protocol import dlt645
from denghuo.service.acquisition.protocol.dlt645.messages import Data, Done, Read, Relay, Write
from denghuo.service.acquisition.protocol.fault import BadFrame

OPEN, CLOSE = "1A", "1C"
LEVEL, PASSWORD, OPERATOR = "98", "000000", "00000000"
"""The class of orders that a cipher machine proves; there the password says nothing."""
PLAIN_LEVEL = "99"
"""The class of data in plain text with a MAC."""
STATUS_WORD_3 = "04000503"
RELAY_BIT = 4
"""Of status word 3: 0 where the relay is closed, 1 where it is open."""


def relay_said(address: str, on: bool, until: datetime, cipher: CipherMachine) -> Relay:
    """`until`: the meter takes the order no later, so that a frame caught on the way is of no use afterwards."""
    local = until.astimezone(SHANGHAI).replace(microsecond=0)
    order = CLOSE if on else OPEN
    plain = bytes.fromhex(order) + bytes(1) + bytes.fromhex(f"{local:%S%M%H%d%m%y}")
    sealed = cipher.seal(address, plain)
    return Relay(
        address=address,
        level=LEVEL,
        password=PASSWORD,
        operator=OPERATOR,
        order=order,
        delay=0,
        until=local,
        cipher=sealed.extra + sealed.mac,
    )


def relay_order(address: str, on: bool, until: datetime, cipher: CipherMachine) -> bytes:
    """The frame of that order."""
    return dlt645.encode(dlt645.frame_of(relay_said(address, on, until, cipher)))


def write_said(address: str, di: str, data: bytes, cipher: CipherMachine) -> Write:
    """The order to set an item; what is proven is the identifier with its data, as they are sent."""
    sealed = cipher.seal(address, bytes.fromhex(di)[::-1] + data)
    return Write(
        address=address,
        di=di,
        level=PLAIN_LEVEL,
        password=PASSWORD,
        operator=OPERATOR,
        data=data + sealed.extra + sealed.mac,
    )


def relay_done(answers: Sequence[bytes]) -> bool:
    """Whether a meter says that it did so. BadFrame: what it says is no frame."""
    return any(isinstance(dlt645.message(dlt645.decode(raw)), Done) for raw in answers)


def relay_question(address: str) -> bytes:
    """Asks a meter of DL/T 645 for the state of its relay."""
    return dlt645.encode(dlt645.frame_of(Read(address=address, di=STATUS_WORD_3)))


def relay_closed(address: str, answers: Sequence[bytes]) -> bool | None:
    """Where the relay is by the meter's status word 3; None where another meter answered, or with other data."""
    for raw in answers:
        try:
            said = dlt645.message(dlt645.decode(raw))
        except BadFrame:
            continue
        if (
            isinstance(said, Data)
            and said.address == address
            and said.di.upper() == STATUS_WORD_3
            and len(said.data) == 2
        ):
            return closed_of(said.data)
    return None


def closed_of(status: bytes) -> bool:
    """Where the relay is by status word 3. BadFrame: it is none."""
    if len(status) != 2:
        raise BadFrame("content", 0, status.hex(), "two bytes")
    return not status[0] >> RELAY_BIT & 1
