"""The front's side of MQTT terminals: what it asks, and what their payloads say."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.api import ALARM_KINDS
from denghuo.service.acquisition.front.cipher import CipherMachine
from denghuo.service.acquisition.front.events import OTHER
from denghuo.service.acquisition.front.relay import relay_closed, relay_done, relay_order, relay_question
from denghuo.service.acquisition.front.speak import Curve, Got, Heard, Kind, Place, Registers, Told, quarters
from denghuo.service.acquisition.protocol.fault import BadFrame
from denghuo.service.acquisition.protocol.mqtt import (
    DATAS,
    STATUS,
    ClockData,
    CurveData,
    Datas,
    EventData,
    FrameData,
    ParameterData,
    RegistersData,
    Response,
    Service,
    Status,
    TimesData,
    command,
    data_of,
    e4_of,
    payload,
)
from denghuo.service.acquisition.rules import Named, midnight_after

SERVICE_OF: Mapping[Kind, str] = {"freeze": "freeze", "month": "month", "curve": "curve", "now": "energy"}
EVENT, CLOCK, TIMES, FORWARD, PARAMETER = "event", "clock", "times", "forward", "parameter"
QUANTITIES = ("active_fwd", "active_rev")


class SpeakerMqtt:
    """Questions carry the instant until which they hold: a broker keeps them for a terminal that is away."""

    code, numbers = "mqtt", 65_535

    def __init__(self, terminal_no: str, clock: Callable[[], datetime], good_s: float) -> None:
        self._terminal_no, self._clock, self._good = terminal_no, clock, timedelta(seconds=good_s)

    def hear(self, kind: str, raw: bytes) -> Heard:
        """The message on one of the terminal's topics; BadFrame."""
        terminal_no = self._terminal_no
        if kind == STATUS:
            said = payload(Status, raw)
            online = said.state == "ONLINE"
            return Heard("heartbeat" if online else "logout", terminal_no, clock=said.event_time if online else None)
        if kind == DATAS:
            datas = payload(Datas, raw)
            told = _told(terminal_no, datas)
            return Heard("events" if told else "other", terminal_no, content=datas, told=told)
        response = payload(Response, raw)
        return Heard("answer", terminal_no, response.mid, content=response)

    def _command(self, mid: int, service_id: str, cmd: Any, **paras: Any) -> bytes:
        return command(mid, service_id, cmd, said(self._clock() + self._good), paras)

    def ask(self, terminal_no: str, number: int, kind: Kind, day: date, places: Sequence[Place]) -> bytes:
        devices = [place.address for place in places]
        return self._command(number, SERVICE_OF[kind], "read", day=str(day), devices=devices)

    def ask_events(self, terminal_no: str, number: int, since: datetime, until: datetime) -> bytes:
        return self._command(number, EVENT, "read", since=said(since), until=said(until))

    def ask_clock(self, terminal_no: str, number: int) -> bytes:
        return self._command(number, CLOCK, "read")

    def set_clock(self, terminal_no: str, number: int, moment: datetime) -> bytes:
        return self._command(number, CLOCK, "set", clock=said(moment))

    def set_times(self, terminal_no: str, number: int, rates: Sequence[int]) -> bytes:
        return self._command(number, TIMES, "set", rates=list(rates))

    def ask_times(self, terminal_no: str, number: int) -> bytes:
        return self._command(number, TIMES, "read")

    def ask_parameter(self, terminal_no: str, number: int, place: Named) -> bytes:
        return self._command(number, PARAMETER, "read", name=place.name)

    def parameter_of(self, place: Named, contents: Sequence[Any]) -> int | str | None:
        said = [data_of(ParameterData, one) for one in _services(contents, PARAMETER)]
        return next((one.value for one in said if one.name == place.name), None)

    def with_parameter(self, place: Named, content: int | str, parts: Sequence[int | str]) -> int | str:
        value = parts[0] if len(parts) == 1 else ":".join(map(str, parts))
        if type(value) is not type(content):
            raise BadFrame("content", 0, str(content), f"a value of {place.name}")
        return value

    def set_parameter(self, terminal_no: str, number: int, place: Named, content: int | str) -> bytes:
        return self._command(number, PARAMETER, "set", name=place.name, value=content)

    def switch(
        self, terminal_no: str, number: int, place: Place, on: bool, until: datetime, cipher: CipherMachine
    ) -> bytes:
        """The frame goes to the meter as it is: neither broker nor terminal can make one."""
        frame = relay_order(place.address, on, until, cipher)
        return self._command(number, FORWARD, "set", device=place.address, frame=frame.hex())

    def switched(self, contents: Sequence[Any]) -> bool:
        return relay_done(_frames(contents))

    def ask_switch(self, terminal_no: str, number: int, place: Place) -> bytes:
        frame = relay_question(place.address)
        return self._command(number, FORWARD, "read", device=place.address, frame=frame.hex())

    def switch_of(self, place: Place, contents: Sequence[Any]) -> bool | None:
        return relay_closed(place.address, _frames(contents))

    def denied(self, contents: Sequence[Any]) -> bool:
        return all(response.errcode for response in contents)

    def accepted(self, contents: Sequence[Any]) -> bool:
        return bool(contents) and not any(response.errcode for response in contents)

    def told(self, content: Any) -> Sequence[Told]:
        return _told(self._terminal_no, content)

    def clock_of(self, contents: Sequence[Any]) -> datetime | None:
        found = [data_of(ClockData, one).clock for one in _services(contents, CLOCK)]
        return found[0] if found else None

    def times_of(self, contents: Sequence[Any]) -> Sequence[int] | None:
        found = [data_of(TimesData, one).rates for one in _services(contents, TIMES)]
        return found[0] if found else None

    def understand(self, kind: Kind, day: date, places: Sequence[Place], contents: Sequence[Any]) -> Mapping[str, Got]:
        if self.denied(contents):
            return {place.meter_no: Got("denied") for place in places}
        by_address = {
            device.device_id: got_of(kind, day, device.services) for response in contents for device in response.devices
        }
        return {place.meter_no: by_address[place.address] for place in places if place.address in by_address}


def got_of(kind: Kind, day: date, services: Sequence[Service]) -> Got:
    """What a device says of a day, or of now. BadFrame: its data are not those of the service."""
    mine = [one for one in services if one.service_id == SERVICE_OF[kind]]
    end = midnight_after(day)
    at = {"curve": end - timedelta(days=1), "freeze": end, "month": end}.get(kind)
    right = [one for one in mine if at is None or one.event_time == at]
    if not right:
        return Got("wrong_day" if mine else "no_data")
    if kind == "curve":
        data = data_of(CurveData, right[-1])
        curves = [Curve(quantity, _quarters(getattr(data, quantity))) for quantity in QUANTITIES]
        found = tuple(one for one in curves if any(value is not None for value in one.values_e4))
        return Got(None, curves=found) if found else Got("no_data")
    shown = data_of(RegistersData, right[-1])
    registers = [
        Registers(quantity, band, right[-1].event_time, e4_of(value))
        for quantity in QUANTITIES
        for band, value in getattr(shown, quantity).items()
    ]
    return Got(None, tuple(registers)) if registers else Got("no_data")


def _quarters(values: Sequence[str | None]) -> tuple[int | None, ...]:
    return quarters({slot: e4_of(value) for slot, value in enumerate(values) if value is not None})


def said(moment: datetime) -> str:
    """A moment as terminals write it."""
    return moment.astimezone(SHANGHAI).isoformat(timespec="milliseconds")


def _frames(contents: Sequence[Any]) -> list[bytes]:
    """What meters said to frames that were passed on to them."""
    return [bytes.fromhex(data_of(FrameData, one).frame) for one in _services(contents, FORWARD)]


def _services(contents: Sequence[Any], service_id: str) -> list[Service]:
    return [
        one
        for content in contents
        for device in content.devices
        for one in device.services
        if one.service_id == service_id
    ]


def _told(terminal_no: str, datas: Datas) -> list[Told]:
    """The events among what devices tell; a device that is not the terminal is a meter."""
    found = []
    for device in datas.devices:
        for service in device.services:
            if service.service_id != EVENT:
                continue
            data = data_of(EventData, service)
            if (data.begun is None and data.ended is None) or (data.begun and data.ended and data.ended < data.begun):
                raise BadFrame("content", 0, "begun, ended", "an instant, or two in order")
            kind = data.kind if data.kind in ALARM_KINDS.entries else OTHER
            address = None if device.device_id == terminal_no else device.device_id
            found.append(Told(kind, data.code, data.phases, data.begun, data.ended, None, address))
    return found
