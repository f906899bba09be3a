"""What a front bears of its terminals before it ends a connection, and how long it waits (前置限额)."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from denghuo.kernel.problem import Problem, text


@dataclass(frozen=True)
class Limits:
    """`connections_per_address` is wide because terminals of a carrier come from few addresses."""

    connections: int = 20_000
    connections_per_address: int = 12_000
    login_within_s: float = 30.0
    silence_s: float = 1_200.0
    """Without a word for so long a terminal is gone: heartbeats come every 1 to 15 minutes."""
    frames_per_s: int = 100
    bytes_per_s: int = 262_144
    """More than this on average over `burst_s` is a flood."""
    burst_s: float = 5.0
    noise: int = 65_536
    """Bytes that belong to no frame, since the last good one."""
    bad_frames: int = 50
    """Frames that are no messages, since the last good one."""
    answer_s: float = 20.0
    bus_s: float = 3.0
    """How long a meter behind a gateway may take: 0.5 s on its bus, the rest is the network's."""
    parts: int = 1_024
    """Parts that one answer comes in."""
    at_once: int = 400
    """Terminals that are asked at the same time; fewer while the front does not keep up with what they answer."""
    dial_s: float = 5.0
    """How often the front looks for direct meters and stations that it is to dial."""
    dial_within_s: float = 10.0
    dial_again_s: float = 60.0
    """How long one that was not reached, or was lost, is left alone."""
    broker_again_s: int = 1
    broker_again_most_s: int = 120
    """A broker that is away is tried again after the first, then each time after twice as long, up to the second."""
    payload_bytes: int = 262_144
    messages_waiting: int = 10_000
    """Messages of a broker that wait to be looked at; of those that may be lost (QoS 0) more are."""
    strangers: int = 10_000
    write_s: float = 5.0
    """How long collected values wait for others before they are published together, and how many do at most."""
    write_rows: int = 1_000_000
    clock_s: float = 30.0
    """How often the front looks whether a clock that a terminal told is to be stated."""
    event_s: float = 0.2
    """How long events wait for others before they are written down together and confirmed."""
    events_waiting: int = 50_000
    """More than these are not taken, so terminals tell them again."""
    look_s: float = 0.3
    """How often the front looks for reads on demand."""
    work_s: float = 1.0
    """How often it looks for what is due, and writes down connections."""


class LimitRefused(Problem, noun="acquisition", status=422, zh="前置限额有误", en="A limit of the front is wrong"):
    """Fields: field, value."""


def limits_of(given: Mapping[str, float]) -> Limits:
    """The limits with those that the settings give in place of the presets.

    Raises:
        LimitRefused: there is no such limit, or it is not above zero.
    """
    kinds = {one.name: int if isinstance(one.default, int) else float for one in fields(Limits)}
    for name, value in given.items():
        if name not in kinds:
            near = difflib.get_close_matches(name, kinds, n=1)
            known = near[0] if near else ", ".join(kinds)
            raise _refused(name, value, f"没有此限额，是否指 {known}", f"there is no such limit; did you mean {known}")
        if value <= 0:
            raise _refused(name, value, "须大于零", "it is above zero")
    found: dict[str, Any] = {name: kinds[name](value) for name, value in given.items()}
    return replace(Limits(), **found)


def _refused(name: str, value: float, zh: str, en: str) -> LimitRefused:
    said = text(f"设置 terminal_limits 的 {name}={value}：{zh}。", f"Setting terminal_limits, {name}={value}: {en}.")
    return LimitRefused(said, field=name, value=str(value))
