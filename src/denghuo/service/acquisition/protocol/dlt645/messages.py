"""Messages of DL/T 645: what a frame asks or answers, as typed values, in both editions (1997, 2007).

A message class states its data as a layout: fields in order, each with a form of `fields.py`; `?` may be missing, `..` takes
the rest. `message` reads a frame, `frame_of` writes one; both are driven by the layouts, as is the field-by-field view.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, NamedTuple

from denghuo.kernel.problem import Text, text
from denghuo.service.acquisition.protocol.dlt645.frame import Frame
from denghuo.service.acquisition.protocol.dlt645.identifiers import items
from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue
from denghuo.service.acquisition.protocol.fields import Item, Value, format_of


class Slot(NamedTuple):
    """One field of a layout: its form, empty for the rest of the data; `optional` may be missing at the end."""

    name: str
    form: str
    optional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """`address` as in Frame."""

    name: ClassVar[Text]
    layout: ClassVar[str] = ""

    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Read(Message):
    """Asks for `di`; a load record also by `blocks` from `since` on."""

    name = text("读数据", "read")
    layout = "di:id* blocks:u1? since:YYMMDDhhmm?"

    di: str
    blocks: int | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Data(Message):
    """Answers a read. `more`: the rest follows on request."""

    name = text("数据", "data")
    layout = "di:id* data:.."

    di: str
    data: bytes
    more: bool = False

    def items(self) -> list[Item]:
        """The fields of the data; BadFrame where the tables do not know `di` or the data do not fit it."""
        return items(self.di, self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadNext(Message):
    """Asks for what follows; `sequence` counts from 1 (2007)."""

    name = text("读后续数据", "read what follows")
    layout = "di:id* sequence:u1?"

    di: str
    sequence: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NextData(Data):
    """What follows; in 2007 the last byte of `data` is the sequence number."""

    name = text("后续数据", "data that follow")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAddress(Message):
    """Asks the one meter on the line for its address."""

    name = text("读通信地址", "read the address")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address(Message):
    """A meter's address, 12 digits."""

    name = text("通信地址", "address")
    layout = "meter:id6"

    meter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteAddress(Message):
    """Gives the one meter on the line another address."""

    name = text("写通信地址", "write the address")
    layout = "meter:id6"

    meter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Write(Message):
    """`level` 98H and 99H say that `data` are ciphered or carry a MAC (through the ESAM); keys are not kept here."""

    name = text("写数据", "write")
    layout = "di:id* level:hex1? password:hex3? operator:hex4? data:.."

    di: str
    level: str | None = None
    password: str | None = None
    operator: str | None = None
    data: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOld(Message):
    """1997: the identifier and its data; a password was written before."""

    name = text("写数据", "write")
    layout = "di:id* data:.."

    di: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SetClock(Message):
    """To everyone, unanswered."""

    name = text("广播校时", "broadcast time")
    layout = "time:YYMMDDhhmmss"

    time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze(Message):
    """`pattern` MM DD hh mm; 99 stands for every: 99999999 now, 99999900 hourly at minute 0."""

    name = text("冻结命令", "freeze")
    layout = "pattern:id4"

    pattern: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSpeed(Message):
    """Bits 1..6 of `speed`: 600, 1200, 2400, 4800, 9600, 19200."""

    name = text("更改通信速率", "set the speed")
    layout = "speed:hex1"

    speed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPassword(Message):
    """Changes a password, under the old one."""

    name = text("修改密码", "set the password")
    layout = "di:id* old:hex4 new:hex4"

    di: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPasswordOld(Message):
    """1997: passwords without an identifier, as the vendor lays them out."""

    name = SetPassword.name
    layout = "data:.."

    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorised(Message):
    """A command under a password: `level` 00..04, 98, 99."""

    layout = "level:hex1 password:hex3 operator:hex4"

    level: str
    password: str
    operator: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearDemand(Authorised):
    """Sets the maximum demands to zero."""

    name = text("最大需量清零", "clear the maximum demand")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearDemandOld(Message):
    """1997: the same, with what the vendor wants before it does so."""

    name = ClearDemand.name
    layout = "data:.."

    data: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearMeter(Authorised):
    """Sets all registers to zero."""

    name = text("电表清零", "clear the meter")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearEvents(Authorised):
    """`di` FFFFFFFF clears all events."""

    name = text("事件清零", "clear events")
    layout = "level:hex1 password:hex3 operator:hex4 di:id4"

    di: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay(Authorised):
    """`order` 1a trip, 1b permit to close by the key, 1c close, 2a alarm, 2b alarm off, 3a keep supply, 3b end of that."""

    name = text("拉合闸报警保电", "relay, alarm, keep supply")
    layout = "level:hex1 password:hex3 operator:hex4 order:hex1 delay:u1? until:YYMMDDhhmmss? cipher:.."

    order: str
    delay: int | None = None
    until: datetime | None = None
    cipher: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Security(Message):
    """Identity authentication and keys through the ESAM (2007, class 07)."""

    name = text("安全认证", "security")
    layout = "di:id4 operator:hex4? data:.."

    di: str
    operator: str | None = None
    data: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done(Message):
    """The command `function` was carried out. Vendors add bytes of their own."""

    name = text("正常应答", "done")
    layout = "data:.."

    function: int
    data: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Message):
    """The command `function` was refused; bits of `reasons` as in REASONS."""

    name = text("异常应答", "refused")
    layout = "reasons:u1 data:.."

    function: int
    reasons: int
    data: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityRefused(Refused):
    """`reasons` is a word of the ESAM's own (SERR)."""

    layout = "reasons:u2 data:.."


@dataclass(frozen=True, slots=True, kw_only=True)
class Other(Message):
    """A function of no edition, or data that do not fit their function: a vendor's own. Kept as it is."""

    name = text("其他功能", "another function")
    layout = "data:.."

    control: int
    data: bytes


REASONS: Mapping[int, Text] = {
    0: text("其他错误", "another error"),
    1: text("无请求数据", "no such data"),
    2: text("密码错或未授权", "wrong password or not authorised"),
    3: text("通信速率不能更改", "the speed cannot be changed"),
    4: text("年时区数超", "too many year zones"),
    5: text("日时段数超", "too many day periods"),
    6: text("费率数超", "too many tariffs"),
}

Kind = type[Message]
# By edition (2007, 1997) and control without its more-follows bit.
KINDS: Mapping[int, Mapping[int, Kind]] = {
    2007: {
        0x08: SetClock,
        0x11: Read,
        0x91: Data,
        0x12: ReadNext,
        0x92: NextData,
        0x13: ReadAddress,
        0x93: Address,
        0x14: Write,
        0x15: WriteAddress,
        0x16: Freeze,
        0x17: SetSpeed,
        0x97: SetSpeed,
        0x18: SetPassword,
        0x19: ClearDemand,
        0x1A: ClearMeter,
        0x1B: ClearEvents,
        0x1C: Relay,
        0x03: Security,
        0x83: Security,
    },
    1997: {
        0x01: Read,
        0x81: Data,
        0x02: ReadNext,
        0x82: NextData,
        0x03: ReadNext,
        0x83: NextData,
        0x04: WriteOld,
        0x08: SetClock,
        0x0A: WriteAddress,
        0x0C: SetSpeed,
        0x8C: SetSpeed,
        0x0F: SetPasswordOld,
        0x10: ClearDemandOld,
    },
}
_DI_SIZES = {2007: 4, 1997: 2}
_FUNCTIONS_1997 = frozenset((0x01, 0x02, 0x04, 0x0A, 0x0C, 0x0F, 0x10))


def edition(frame: Frame) -> int:
    """1997 or 2007, as the frame's function says; what both have counts as 2007. 03 is security there, a re-read here."""
    read_again = frame.function == 0x03 and len(frame.data) in ((1,) if frame.refused else (2, 3))
    return 1997 if frame.function in _FUNCTIONS_1997 or read_again else 2007


@cache
def slots(layout: str, of_edition: int) -> Sequence[Slot]:
    """The fields of `layout`, with the width that `of_edition` gives a data identifier."""
    found = []
    for word in layout.split():
        name, form = word.split(":")
        optional = form.endswith("?")
        form = form.rstrip("?").replace("*", str(_DI_SIZES[of_edition]))
        found.append(Slot(name, "" if form == ".." else form, optional))
    return tuple(found)


def placed(kind: Kind, of_edition: int, data: bytes) -> Iterator[tuple[str, Value, int, int]]:
    """Name, value and place of every field that `data` have by the layout of `kind`; BadFrame where they do not fit."""
    at = 0
    for name, form, optional in slots(kind.layout, of_edition):
        if not form:
            yield name, data[at:], at, len(data)
            return
        if optional and at == len(data):
            continue
        known = format_of(form)
        if at + known.size > len(data):
            raise BadFrame("short", 10 + at, str(len(data) - at), str(known.size))
        yield name, known.parse(data[at : at + known.size]), at, at + known.size
        at += known.size
    if at < len(data):
        raise BadFrame("content", 10 + at, str(len(data) - at), "0")


def kind_of(frame: Frame, of_edition: int | None = None) -> Kind:
    """The message class of `frame`, by its control byte alone."""
    known = KINDS[of_edition or edition(frame)]
    if frame.refused:
        of_esam = known is KINDS[2007] and frame.function == 0x03 and len(frame.data) > 1
        return SecurityRefused if of_esam else Refused
    # Only an answer says that more follows; the bit in a request makes a function of its own.
    control = frame.control & 0xDF if frame.answer else frame.control
    return known.get(control) or (Done if frame.answer and frame.control & 0x5F in known else Other)


def message(frame: Frame, of_edition: int | None = None) -> Message:
    """What `frame` says. Data that do not fit their function become `Other`: meters' vendors add functions of their own."""
    of_edition = of_edition or edition(frame)
    kind = kind_of(frame, of_edition)
    try:
        fields: dict[str, Any] = {name: value for name, value, _, _ in placed(kind, of_edition, frame.data)}
    except BadFrame:
        kind, fields = Other, {"data": frame.data}
    if issubclass(kind, Data):
        fields["more"] = frame.more
    elif issubclass(kind, Done | Refused):
        fields["function"] = frame.function
    elif kind is Other:
        fields["control"] = frame.control
    return kind(address=frame.address, **fields)


def frame_of(said: Message, of_edition: int = 2007) -> Frame:
    """The frame that says `said`, the inverse of `message`; BadValue where the edition has no such message."""
    kind = type(said)
    data = b""
    missing = False
    for name, form, optional in slots(kind.layout, of_edition):
        value = getattr(said, name)
        missing = missing or (value is None and optional)
        if not form:
            data += value
        elif not missing:
            data += format_of(form).build(value)
    return Frame(said.address, _control(said, of_edition), data)


def _control(said: Message, of_edition: int) -> int:
    if isinstance(said, Other):
        return said.control
    if isinstance(said, Done):
        return 0x80 | said.function
    if isinstance(said, Refused):
        return 0xC0 | said.function
    for control, kind in KINDS[of_edition].items():
        if kind is type(said):
            return control | (0x20 if isinstance(said, Data) and said.more else 0)
    raise BadValue("message", type(said).__name__, f"a message of DL/T 645-{of_edition}")
