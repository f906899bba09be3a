"""What MQTT terminals may publish: a message or the one typed error, whatever it is; and what the front asks means what it says."""

import json
from datetime import UTC, timedelta

from hypothesis import given
from hypothesis import strategies as st
from tests.service.acquisition.field import DAY, county, meters
from tests.service.acquisition.test_mqtt import BEGUN, NO, event, simulated

from denghuo.service.acquisition.front.alarms import EventTaker
from denghuo.service.acquisition.front.mqtt import SpeakerMqtt
from denghuo.service.acquisition.front.speak import Kind, Place
from denghuo.service.acquisition.protocol.fault import BadFrame
from denghuo.service.acquisition.protocol.mqtt import UPWARDS, e4_of, kwh_of, topic_of

WHOLE = json.dumps(event("000004000001", BEGUN)).encode()
MOMENTS = st.datetimes(timezones=st.just(UTC)).map(lambda at: at.isoformat())
DATA = st.dictionaries(
    st.sampled_from(["kind", "begun", "ended", "active_fwd", "clock", "rates", "phases", "frame", "x"]),
    st.none()
    | MOMENTS
    | st.text(max_size=5)
    | st.binary(max_size=20).map(bytes.hex)
    | st.lists(st.sampled_from(["1.5", None, "x", 3]), max_size=97)
    | st.dictionaries(st.sampled_from(["total", "peak", "y"]), st.sampled_from(["12.3456", "1e9", "-1", ""])),
)
SERVICES = st.sampled_from(["event", "freeze", "curve", "energy", "clock", "times", "forward", "other"])
PAYLOADS = st.fixed_dictionaries(
    {
        "devices": st.lists(
            st.fixed_dictionaries(
                {
                    "deviceId": st.sampled_from([NO, "000004000001", "x"]),
                    "services": st.lists(
                        st.fixed_dictionaries(
                            {"serviceId": SERVICES, "data": DATA}, optional={"eventTime": MOMENTS | st.integers()}
                        ),
                        max_size=3,
                    ),
                }
            ),
            max_size=3,
        )
    },
    optional={"mid": st.integers(-1, 70_000), "errcode": st.integers(-1, 1), "state": st.sampled_from(["ONLINE", "?"])},
)


@given(
    st.sampled_from(UPWARDS),
    st.binary(max_size=60)
    | st.builds(lambda at, byte: WHOLE[:at] + byte + WHOLE[at + 1 :], st.integers(0, 120), st.binary(max_size=2))
    | PAYLOADS.map(lambda said: json.dumps(said).encode())
    | st.sampled_from([b"[" * 50_000, b'{"mid":' + b"9" * 6_000 + b"}", b'{"devices":' + b'{"a":' * 20_000]),
)
def test_whatever_a_terminal_publishes_is_a_message_or_the_one_typed_error(kind: str, raw: bytes) -> None:
    speaker = SpeakerMqtt(NO, lambda: BEGUN, 20)
    places = [Place(one.number, one.meter_no, one.address) for one in meters(NO)]
    try:
        heard = speaker.hear(kind, raw)
        EventTaker.said(NO, heard.told)
        if heard.kind == "answer":
            speaker.clock_of([heard.content])
            speaker.times_of([heard.content])
            speaker.switched([heard.content])
            speaker.switch_of(places[0], [heard.content])
            EventTaker.said(NO, speaker.told(heard.content))
            asks: list[Kind] = ["freeze", "month", "curve", "now"]
            for ask in asks:
                found = speaker.understand(ask, DAY, places, [heard.content])
                assert set(found) <= {place.meter_no for place in places}
    except BadFrame:
        pass


@given(st.text(max_size=60) | st.from_regex(r"/?v1/devices/[0-9]{11,13}/(status|datas|command|commandResponse)"))
def test_only_topics_of_terminals_are_heard(topic: str) -> None:
    found = topic_of(topic)
    if found is not None:
        assert topic == f"/v1/devices/{found[0]}/{found[1]}" and len(found[0]) == 12 and found[1] in UPWARDS
    for kind in UPWARDS:
        assert topic_of(f"/v1/devices/{NO}/{kind}") == (NO, kind)


@given(st.integers(0, 10**14 - 1))
def test_registers_are_exact_both_ways(value_e4: int) -> None:
    assert e4_of(kwh_of(value_e4)) == value_e4


def test_a_question_of_the_front_is_answered_as_the_reference_says() -> None:
    """What the simulator answers, which knows the messages by itself, means what was asked."""
    device, places = simulated(), [Place(one.number, one.meter_no, one.address) for one in meters(NO)]
    speaker = SpeakerMqtt(NO, lambda: BEGUN, 20)
    asked = json.loads(speaker.ask(NO, 7, "freeze", DAY, places))
    assert (asked["mid"], asked["until"]) == (7, "2026-04-10T08:00:20.000+08:00")
    devices = device.answer(asked["serviceId"], asked["cmd"], asked["paras"])
    raw = json.dumps({"mid": 7, "errcode": 0, "devices": devices}).encode()
    heard = speaker.hear("commandResponse", raw)
    assert (heard.kind, heard.number) == ("answer", 7)
    found = speaker.understand("freeze", DAY, places, [heard.content])
    shown = county(NO)
    for place in places:
        assert [one.value_e4 for one in found[place.meter_no].registers] == [
            shown.at_midnight(place.meter_no, quantity, DAY + timedelta(days=1)) for quantity in (0, 1)
        ]
    other = speaker.understand("freeze", DAY + timedelta(days=1), places, [heard.content])
    assert {one.cause for one in other.values()} == {"wrong_day"}
    denied = speaker.hear("commandResponse", b'{"mid": 7, "errcode": 3}')
    assert {one.cause for one in speaker.understand("now", DAY, places, [denied.content]).values()} == {"denied"}
