"""A meter's relay by DL/T 645-2007: the order under a cipher machine's proof (1C), and the status word that tells where it is."""

from collections.abc import Sequence
from datetime import datetime

from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.front.cipher import CipherMachine
from denghuo.service.acquisition.protocol import dlt645
from denghuo.service.acquisition.protocol.dlt645.messages import Data, Done, Read, Relay
from denghuo.service.acquisition.protocol.fault import BadFrame

OPEN, CLOSE = "1A", "1C"
LEVEL, PASSWORD, OPERATOR = "98", "000000", "00000000"
"""The class of orders that a cipher machine proves; there the password says nothing."""
STATUS_WORD_3 = "04000503"
RELAY_BIT = 4
"""Of status word 3: 0 where the relay is closed, 1 where it is open."""


def relay_order(address: str, on: bool, until: datetime, cipher: CipherMachine) -> bytes:
    """`until`: the meter takes the order no later, so that a frame caught on the way is of no use afterwards."""
    local = until.astimezone(SHANGHAI).replace(microsecond=0)
    order = CLOSE if on else OPEN
    plain = bytes.fromhex(order) + bytes(1) + bytes.fromhex(f"{local:%S%M%H%d%m%y}")
    sealed = cipher.seal(address, plain)
    said = Relay(
        address=address,
        level=LEVEL,
        password=PASSWORD,
        operator=OPERATOR,
        order=order,
        delay=0,
        until=local,
        cipher=sealed.extra + sealed.mac,
    )
    return dlt645.encode(dlt645.frame_of(said))


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
            return not said.data[0] >> RELAY_BIT & 1
    return None
