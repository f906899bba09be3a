"""The front's side of DL/T 698.45: link requests answered, task data of a concentrator and present registers asked for."""

import struct
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.front.cipher import CipherMachine
from denghuo.service.acquisition.front.events import (
    BEGUN_AT,
    BY_OBJECT,
    ENDED_AT,
    METER_ADDRESS,
    SOURCE,
    TASK_DATA,
    told_by_apdu,
)
from denghuo.service.acquisition.front.speak import (
    MINUTE,
    ORDER_GOOD,
    Got,
    Heard,
    Kind,
    Place,
    Told,
    parts_of,
    rates_in,
)
from denghuo.service.acquisition.front.values698 import QUANTITIES, QUARTER, present, recorded
from denghuo.service.acquisition.protocol import dlt698
from denghuo.service.acquisition.protocol.dlt698 import Apdu, Assembly, Link
from denghuo.service.acquisition.protocol.dlt698.data import (
    ARRAY,
    BITS,
    BOOL,
    DATE_TIME_S,
    OCTETS,
    STRUCTURE,
    UNSIGNED,
    Data,
    instant,
    instant_bytes,
    members,
)
from denghuo.service.acquisition.protocol.fault import BadFrame
from denghuo.service.acquisition.rules import Attribute, midnight_after

FROZEN_AT, CLOCK, RECORD_NO = "20210200", "40000200", "20220200"
FROZEN: Mapping[Kind, str] = {"freeze": "50040200", "month": "50060200", "curve": "50020200"}
TIMES = "40160201"
"""The first of the day tables in force (当前套日时段表)."""
SINGLE_FLAG = "05"
"""The flag byte of a meter's address of six bytes."""
RELAY, SWITCH_OFF, SWITCH_ON, DIRECT = "f2050201", "80008100", "80008200", 1
"""The first relay; the methods of remote control (8000) that open and close it, the latter at once, without a key being pressed."""
STATUS_WORD_3, RELAY_BIT = "20140203", 4
OAD_TAG, ENUM, LONG_UNSIGNED = 0x51, 0x16, 0x12
ANSWER_TIMEOUT_S = 30
OWN_EVENTS = 10
"""How many records of each of the terminal's own event objects are asked for."""
_LINKS = {0: "login", 1: "heartbeat", 2: "logout"}
_ANSWERS = frozenset(
    (
        "GetResponse",
        "SetResponse",
        "GetRecordResponse",
        "GetRecordResponseList",
        "ProxyGetResponse",
        "ProxyActionResponse",
        "ErrorResponse",
    )
)
_REPORTS = frozenset(("Report", "RecordReport", "TransparentReport"))


class Speaker698:
    """DL/T 698.45 to one terminal."""

    code, framing, numbers = "dlt698", dlt698.FRAMING, 64

    def __init__(self) -> None:
        self._block: tuple[int, int] | None = None
        """Of a long answer: its number and the newest block of it."""
        self._assembly = Assembly()

    def hear(self, raw: bytes) -> Heard | None:
        link = dlt698.decode(raw)
        terminal_no = link.server.rjust(12, "0")
        if not link.from_server or not terminal_no.isdecimal() or len(terminal_no) != 12:
            raise BadFrame("content", 3, f"{link.control:02X}", "a frame from a terminal")
        whole = self._assembly.take(link)
        if whole is None:
            confirmation = dlt698.confirmation(link)
            return Heard("part", terminal_no, reply=dlt698.encode(confirmation)) if confirmation else None
        outer = dlt698.decode_apdu(whole)
        apdu = outer.inner() or outer
        number = int(apdu.fields.get("piid", 0)) & 0x3F
        if apdu.name == "LinkRequest":
            kind = apdu.fields["kind"]
            if kind not in _LINKS:
                raise BadFrame("content", 2, str(kind), "0, 1 or 2")
            clock, content = instant(apdu.fields["time"]), (link, apdu)
            if kind == 0:
                return Heard("login", terminal_no, number, content=content, clock=clock)
            if kind == 1:
                return Heard("heartbeat", terminal_no, number, content=content, clock=clock)
            return Heard("logout", terminal_no, number, content=content, clock=clock)
        if apdu.name in _REPORTS:
            return Heard("events", terminal_no, number, content=apdu, told=told_by_apdu(apdu), confirm=True)
        if apdu.name == "GetNextResponse":
            return self._block_of(terminal_no, number, apdu.fields)
        answer = apdu.name in _ANSWERS
        return Heard("answer" if answer else "other", terminal_no, number, content=apdu)

    def _block_of(self, terminal_no: str, number: int, fields: Mapping[str, Any]) -> Heard:
        """A block of a long answer, as the message that it would be by itself, and the request for the next one."""
        block, (choice, part) = int(fields["block"]), fields["part"]
        if (number, block) == self._block:
            return Heard("part", terminal_no)
        if self._block is not None and self._block[0] == number and block != self._block[1] + 1:
            raise BadFrame("content", 4, f"block {block}", f"block {self._block[1] + 1}")
        piid = fields["piid"]
        content = {
            0: Apdu("ErrorResponse", {"piid": piid, "error": part}),
            1: Apdu("GetResponseList", {"piid": piid, "results": part}),
            2: Apdu("GetRecordResponseList", {"piid": piid, "records": part}),
        }[choice]
        if fields["last"] or choice == 0:
            self._block = None
            return Heard("answer", terminal_no, number, content=content)
        self._block = (number, block)
        payload = dlt698.encode_apdu(Apdu("GetNextRequest", {"piid": number, "block": block}))
        asked = dlt698.encode(Link(0x43, 0, 0, terminal_no, 1, payload))
        return Heard("answer", terminal_no, number, last=False, content=content, reply=asked)

    def confirm(self, heard: Heard, accepted: bool, now: datetime) -> bytes:
        link, apdu = heard.content
        time = _date_time(now)
        fields = {
            "piid": apdu.fields["piid"],
            "result": 0x80 if accepted else 0x82,
            "requested": apdu.fields["time"],
            "received": time,
            "answered": time,
        }
        payload = dlt698.encode_apdu(Apdu("LinkResponse", fields))
        return dlt698.encode(link._replace(control=0x01, payload=payload))

    def told(self, content: Any) -> Sequence[Told]:
        return told_by_apdu(content)

    def denied(self, contents: Sequence[Any]) -> bool:
        return all(apdu.name == "ErrorResponse" for apdu in contents)

    def acknowledge(self, heard: Heard) -> bytes:
        apdu: Apdu = heard.content
        fields: dict[str, Any] = {"piid": apdu.fields["piid"]}
        if apdu.name == "RecordReport":
            fields["oads"] = [record["oad"] for record in apdu.fields["records"]]
        elif apdu.name == "Report":
            fields["oads"] = [result["oad"] for result in apdu.fields["results"]]
        payload = dlt698.encode_apdu(Apdu(f"{apdu.name}Response", fields))
        return dlt698.encode(Link(0x03, 0, 0, heard.terminal_no, 0, payload))

    def ask_events(self, terminal_no: str, number: int, since: datetime, until: datetime) -> bytes:
        span = {"begin": instant_bytes(since), "end": instant_bytes(until), "interval": {"unit": 1, "interval": 0}}
        records = []
        for object_no in BY_OBJECT:
            if object_no >= "3100":
                columns: list[tuple[int, Any]] = [(0, RECORD_NO), (0, BEGUN_AT), (0, ENDED_AT), (0, SOURCE)]
                records.append({"oad": f"{object_no}0200", "rows": (9, OWN_EVENTS), "columns": columns})
                continue
            event = f"{object_no}{'0600' if object_no < '3009' else '0200'}"
            columns = [(0, METER_ADDRESS), (1, {"oad": event, "columns": [RECORD_NO, BEGUN_AT, ENDED_AT]})]
            records.append({"oad": TASK_DATA, "rows": (7, {**span, "meters": (1, None)}), "columns": columns})
        payload = dlt698.encode_apdu(Apdu("GetRecordRequestList", {"piid": number, "records": records}))
        return dlt698.encode(Link(0x43, 0, 0, terminal_no, 1, payload))

    def ask(self, terminal_no: str, number: int, kind: Kind, day: date, places: Sequence[Place]) -> bytes:
        addresses = [SINGLE_FLAG + place.address for place in places]
        if kind == "now":
            meters = [
                {"meter": address, "timeout_s": ANSWER_TIMEOUT_S, "items": list(QUANTITIES)} for address in addresses
            ]
            apdu = Apdu("ProxyGetRequest", {"piid": number, "timeout_s": ANSWER_TIMEOUT_S, "meters": meters})
        else:
            end = midnight_after(day)
            begin = end - timedelta(days=1)
            frozen, wanted = FROZEN[kind], [FROZEN_AT, *QUANTITIES]
            rows: tuple[int, Any] = (5, {"time": instant_bytes(end), "meters": (3, addresses)})
            if kind == "curve":
                span = {
                    "begin": instant_bytes(begin),
                    "end": instant_bytes(end + QUARTER),
                    "interval": {"unit": 1, "interval": 15},
                }
                rows = (7, {**span, "meters": (3, addresses)})
            columns = [(0, METER_ADDRESS), (1, {"oad": frozen, "columns": wanted})]
            record = {"oad": TASK_DATA, "rows": rows, "columns": columns}
            apdu = Apdu("GetRecordRequest", {"piid": number, "record": record})
        return dlt698.encode(Link(0x43, 0, 0, terminal_no, 1, dlt698.encode_apdu(apdu)))

    def ask_clock(self, terminal_no: str, number: int) -> bytes:
        payload = dlt698.encode_apdu(Apdu("GetRequest", {"piid": number, "oad": CLOCK}))
        return dlt698.encode(Link(0x43, 0, 0, terminal_no, 1, payload))

    def clock_of(self, contents: Sequence[Any]) -> datetime | None:
        for apdu in contents:
            choice, value = apdu.fields["result"]["result"] if apdu.name == "GetResponse" else (0, (0, None))
            if choice == 1 and isinstance(value[1], bytes):
                return instant(value[1])
        return None

    def set_clock(self, terminal_no: str, number: int, moment: datetime) -> bytes:
        return _set(terminal_no, number, CLOCK, (DATE_TIME_S, instant_bytes(moment)))

    def set_times(self, terminal_no: str, number: int, rates: Sequence[int]) -> bytes:
        parts: list[Data] = [
            (STRUCTURE, [(UNSIGNED, half // 2), (UNSIGNED, half % 2 * 30), (UNSIGNED, rate)])
            for half, rate in parts_of(rates)
        ]
        return _set(terminal_no, number, TIMES, (ARRAY, parts))

    def ask_times(self, terminal_no: str, number: int) -> bytes:
        payload = dlt698.encode_apdu(Apdu("GetRequest", {"piid": number, "oad": TIMES}))
        return dlt698.encode(Link(0x43, 0, 0, terminal_no, 1, payload))

    def times_of(self, contents: Sequence[Any]) -> Sequence[int] | None:
        for apdu in contents:
            choice, value = apdu.fields["result"]["result"] if apdu.name == "GetResponse" else (0, (0, None))
            if choice == 1:
                return _times(value)
        return None

    def ask_parameter(self, terminal_no: str, number: int, place: Attribute) -> bytes:
        payload = dlt698.encode_apdu(Apdu("GetRequest", {"piid": number, "oad": place.oad}))
        return dlt698.encode(Link(0x43, 0, 0, terminal_no, 1, payload))

    def parameter_of(self, place: Attribute, contents: Sequence[Any]) -> Data | None:
        for apdu in contents:
            choice, value = apdu.fields["result"]["result"] if apdu.name == "GetResponse" else (0, (0, None))
            if choice == 1 and apdu.fields["result"]["oad"] == place.oad:
                return value[0], value[1]
        return None

    def with_parameter(self, place: Attribute, content: Data, parts: Sequence[int | str]) -> Data:
        for way, tag, part in zip(place.ways, place.tags, parts, strict=True):
            content = _changed(content, way, tag, part * place.scale if isinstance(part, int) else part)
        return content

    def set_parameter(self, terminal_no: str, number: int, place: Attribute, content: Data) -> bytes:
        return _set(terminal_no, number, place.oad, content)

    def switch(
        self, terminal_no: str, number: int, place: Place, on: bool, until: datetime, cipher: CipherMachine
    ) -> bytes:
        order: list[Data] = (
            [(OAD_TAG, RELAY), (ENUM, DIRECT)]
            if on
            else [(OAD_TAG, RELAY), (UNSIGNED, 0), (LONG_UNSIGNED, 0), (BOOL, False)]
        )
        act = {"omd": SWITCH_ON if on else SWITCH_OFF, "data": (ARRAY, [(STRUCTURE, order)])}
        meter = {"meter": SINGLE_FLAG + place.address, "timeout_s": ANSWER_TIMEOUT_S, "items": [act]}
        tag = {"sent": instant_bytes(until - ORDER_GOOD), "delay": {"unit": 1, "interval": ORDER_GOOD // MINUTE}}
        fields = {"piid": number, "timeout_s": ANSWER_TIMEOUT_S, "meters": [meter]}
        plain = dlt698.encode_apdu(Apdu("ProxyActionRequest", fields, time_tag=tag))
        sealed = cipher.seal(place.address, plain)
        proof = (0, {"sid": {"sid": sealed.sid, "extra": sealed.extra}, "mac": sealed.mac})
        payload = dlt698.encode_apdu(Apdu("SecurityRequest", {"content": (0, plain), "proof": proof}))
        return dlt698.encode(Link(0x43, 0, 0, terminal_no, 1, payload))

    def switched(self, contents: Sequence[Any]) -> bool:
        return any(
            apdu.name == "ProxyActionResponse"
            and all(item["dar"] == 0 for meter in apdu.fields["meters"] for item in meter["items"])
            for apdu in contents
        )

    def ask_switch(self, terminal_no: str, number: int, place: Place) -> bytes:
        meter = {"meter": SINGLE_FLAG + place.address, "timeout_s": ANSWER_TIMEOUT_S, "items": [STATUS_WORD_3]}
        fields = {"piid": number, "timeout_s": ANSWER_TIMEOUT_S, "meters": [meter]}
        payload = dlt698.encode_apdu(Apdu("ProxyGetRequest", fields))
        return dlt698.encode(Link(0x43, 0, 0, terminal_no, 1, payload))

    def switch_of(self, place: Place, contents: Sequence[Any]) -> bool | None:
        for apdu in contents:
            for meter in apdu.fields["meters"] if apdu.name == "ProxyGetResponse" else ():
                for item in meter["items"] if meter["meter"][2:] == place.address else ():
                    choice, value = item["result"]
                    if item["oad"] == STATUS_WORD_3 and choice == 1 and value[0] == BITS and len(value[1]) == 16:
                        return bool(value[1][RELAY_BIT] == "0")
        return None

    def accepted(self, contents: Sequence[Any]) -> bool:
        return all(apdu.name == "SetResponse" and apdu.fields["item"]["dar"] == 0 for apdu in contents)

    def understand(self, kind: Kind, day: date, places: Sequence[Place], contents: Sequence[Any]) -> Mapping[str, Got]:
        by_address = {place.address: place for place in places}
        found: dict[str, Got] = {}
        records: list[Mapping[str, Any]] = []
        for apdu in contents:
            if apdu.name == "ErrorResponse":
                return {place.meter_no: Got("denied") for place in places}
            if apdu.name == "ProxyGetResponse" and kind == "now":
                for meter in apdu.fields["meters"]:
                    place = by_address.get(meter["meter"][2:])
                    if place is not None:
                        found[place.meter_no] = present(meter["items"])
            elif apdu.name == "GetRecordResponse" and kind != "now":
                records.append(apdu.fields["record"])
            elif apdu.name == "GetRecordResponseList" and kind != "now":
                records += apdu.fields["records"]
        return found | recorded(kind, day, by_address, records)


def _changed(data: Data, way: Sequence[int], tag: int, part: int | str) -> Data:
    """The data with another value at the end of the way, where one of that type stands."""
    if way:
        within = list(members(data))
        if data[0] not in (ARRAY, STRUCTURE) or not -len(within) <= way[0] < len(within):
            raise BadFrame("content", 0, f"type {data[0]:02X}", "an array or structure that has it")
        within[way[0]] = _changed(within[way[0]], way[1:], tag, part)
        return data[0], within
    if data[0] != tag:
        raise BadFrame("content", 0, f"type {data[0]:02X}", f"type {tag:02X}")
    if tag == OCTETS:
        return tag, bytes(int(one) for one in str(part).split("."))
    return tag, bool(part) if tag == BOOL else part


def _set(terminal_no: str, number: int, oad: str, value: Data) -> bytes:
    payload = dlt698.encode_apdu(Apdu("SetRequest", {"piid": number, "item": {"oad": oad, "data": value}}))
    return dlt698.encode(Link(0x43, 0, 0, terminal_no, 1, payload))


def _times(table: Data) -> Sequence[int]:
    """The rate of each half hour, as parts of the day that begin at an hour and minute say it."""
    parts = []
    for part in members(table):
        said = [value if tag == UNSIGNED else -1 for tag, value in members(part)]
        if len(said) != 3:
            raise BadFrame("content", 0, str(said), "an hour, a half of it and a rate")
        parts.append((said[0], said[1], said[2]))
    return rates_in(parts)


def _date_time(moment: datetime) -> bytes:
    local = moment.astimezone(SHANGHAI)
    return struct.pack(
        ">HBBBBBBH",
        local.year,
        local.month,
        local.day,
        local.isoweekday() % 7,
        local.hour,
        local.minute,
        local.second,
        local.microsecond // 1000,
    )
