"""Messages of MQTT terminals (融合终端、边缘网关): topics by device, and JSON payloads with devices, their services and data.

    /v1/devices/{terminal}/status            up    ONLINE, OFFLINE (the latter also as the terminal's will)
    /v1/devices/{terminal}/datas             up    what it tells unasked: events and values
    /v1/devices/{terminal}/command           down  a question or an order, with its number `mid`
    /v1/devices/{terminal}/commandResponse   up    the answer with the same `mid`

Topics and the frame of the payloads are those of the IoT platforms that terminals talk to. Which services there are and what their
data hold is no standard's: it is this platform's own, see docs/reference/mqtt.md. Registers are decimal text in kWh.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from denghuo.service.acquisition.protocol.fault import BadFrame

STATUS, DATAS, RESPONSE = "status", "datas", "commandResponse"
UPWARDS = (STATUS, DATAS, RESPONSE)
_TOPIC = re.compile(rf"/v1/devices/([0-9]{{12}})/({'|'.join(UPWARDS)})")
DEVICES_MAX, SERVICES_MAX, POINTS, HALF_HOURS = 2_048, 64, 97, 48
DECIMALS = 4

Kwh = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,10}(\.[0-9]{1,4})?$")]
Quantity = Literal["active_fwd", "active_rev"]
Band = Literal["total", "sharp", "peak", "flat", "valley"]


def _of_this_century(moment: datetime) -> datetime:
    if not 2000 <= moment.year < 2100:
        raise ValueError("a year from 2000 to 2099")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_of_this_century)]
ErrorCode = Annotated[int, Field(ge=-(2**31), lt=2**31)]


class Payload(BaseModel):
    """What a payload holds beside what it must is left alone: terminals say more than is asked."""

    model_config = ConfigDict(frozen=True, strict=True)


class Status(Payload):
    """Whether a terminal is there."""

    state: Literal["ONLINE", "OFFLINE"]
    event_time: Annotated[Moment | None, Field(alias="eventTime")] = None


class Service(Payload):
    """One thing that a device tells; `data` are as the service has them."""

    service_id: Annotated[str, Field(alias="serviceId", min_length=1, max_length=64)]
    event_time: Annotated[Moment | None, Field(alias="eventTime")] = None
    data: dict[str, Any] = {}


class Device(Payload):
    """A meter by its address, or the terminal itself by its own number."""

    device_id: Annotated[str, Field(alias="deviceId", pattern=r"^[0-9]{12}$")]
    services: Annotated[list[Service], Field(max_length=SERVICES_MAX)] = []


class Datas(Payload):
    """What a terminal reports of its devices."""

    devices: Annotated[list[Device], Field(max_length=DEVICES_MAX)] = []


class Response(Datas):
    """`errcode` 0: done."""

    mid: Annotated[int, Field(ge=0, lt=65_536)]
    errcode: ErrorCode = 0


class RegistersData(Payload):
    """By quantity and band."""

    active_fwd: dict[Band, Kwh] = {}
    active_rev: dict[Band, Kwh] = {}


class CurveData(Payload):
    """Registers at the borders of a day's quarters of an hour; null: not kept."""

    active_fwd: Annotated[list[Kwh | None], Field(max_length=POINTS)] = []
    active_rev: Annotated[list[Kwh | None], Field(max_length=POINTS)] = []


class EventData(Payload):
    """`begun` and `ended`: one of the two at least."""

    kind: Annotated[str, Field(max_length=32)]
    code: Annotated[str, Field(pattern=r"^[0-9A-Z]{1,8}$")] = "MQTT"
    phases: Annotated[str, Field(pattern=r"^A?B?C?$")] = ""
    begun: Moment | None = None
    ended: Moment | None = None


class ClockData(Payload):
    """The clock of a terminal."""

    clock: Moment


class TimesData(Payload):
    """The rate of each half hour, 1 sharp to 5 deep valley."""

    rates: Annotated[list[Annotated[int, Field(ge=1, le=5)]], Field(min_length=HALF_HOURS, max_length=HALF_HOURS)]


class ParameterData(Payload):
    """A parameter of a terminal by its name."""

    name: Annotated[str, Field(max_length=32)]
    value: Annotated[int, Field(ge=-(2**31), lt=2**31)] | Annotated[str, Field(max_length=64)]


class FrameData(Payload):
    """What a meter answered to a frame that was passed on to it, in hexadecimal digits."""

    frame: Annotated[str, Field(pattern=r"^([0-9A-Fa-f]{2}){12,255}$")]


P = TypeVar("P", bound=Payload)


def topic_of(topic: str) -> tuple[str, str] | None:
    """Terminal and kind (one of UPWARDS) of a topic; None for one that no terminal speaks on."""
    found = _TOPIC.fullmatch(topic)
    return (found[1], found[2]) if found else None


def command_topic(terminal_no: str) -> str:
    """Where commands to a terminal are published."""
    return f"/v1/devices/{terminal_no}/command"


def payload(kind: type[P], raw: bytes) -> P:
    """What a payload says; BadFrame where it is not that, with the place in it that is wrong."""
    try:
        return kind.model_validate_json(raw)
    except ValidationError as error:
        raise _bad(error) from None


def data_of(kind: type[P], service: Service) -> P:
    """The data of a service; BadFrame where they are not its."""
    try:
        # Through JSON, so that texts that say instants are taken as those.
        return kind.model_validate_json(json.dumps(service.data))
    except ValidationError as error:
        raise _bad(error) from None


def command(mid: int, service_id: str, cmd: Literal["read", "set"], until: str, paras: Mapping[str, Any]) -> bytes:
    """A question or an order; after `until` the terminal does not carry it out."""
    said = {"mid": mid, "serviceId": service_id, "cmd": cmd, "until": until, "paras": paras}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def e4_of(kwh: str) -> int:
    """A register in 1e-4 kWh."""
    whole, _, part = kwh.partition(".")
    return int(whole + part.ljust(DECIMALS, "0"))


def kwh_of(value_e4: int) -> str:
    """The inverse of `e4_of`."""
    return f"{value_e4 // 10**DECIMALS}.{value_e4 % 10**DECIMALS:0{DECIMALS}d}"


def _bad(error: ValidationError) -> BadFrame:
    first: Mapping[str, Any] = error.errors(include_url=False, include_input=False)[0]
    place: Sequence[Any] = first["loc"]
    return BadFrame("content", 0, ".".join(map(str, place))[:80] or "JSON", str(first["msg"])[:80])
