"""Terminals that speak over an MQTT broker: let in by the records, seen and held to limits like those that connect by TCP.

One front at a time holds the broker. A terminal is there when something of it comes. What a broker retained or kept from before is
no voice of now, so after a connection the front asks all that the records know, and those that only the past spoke of must answer.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import datetime
from typing import Any

from denghuo.service.acquisition.api import BROKER_FAULTS
from denghuo.service.acquisition.front.alarms import EventTaker
from denghuo.service.acquisition.front.book import Book
from denghuo.service.acquisition.front.broker import REFUSALS, Arrived, BrokerAddress, BrokerLink
from denghuo.service.acquisition.front.brokers import Brokers, LinkSeen
from denghuo.service.acquisition.front.conversation import Conversation
from denghuo.service.acquisition.front.limits import Limits
from denghuo.service.acquisition.front.mqtt import SpeakerMqtt
from denghuo.service.acquisition.front.sessions import Sessions
from denghuo.service.acquisition.front.speak import Heard
from denghuo.service.acquisition.protocol.fault import BadFrame
from denghuo.service.acquisition.protocol.mqtt import command_topic, topic_of

log = logging.getLogger("denghuo.front")

PAST_S = 30.0
"""So long after a connection a message may be one that the broker kept."""
HELD_MAX = 64
"""Messages of a terminal that wait until it is known whether it is let in."""
CALLED_AT_ONCE = 200
"""Terminals that are asked in a second whether they are there."""
CALLED_BY = SpeakerMqtt.numbers
"""The number of that question; no other has it."""


class MqttLine(Conversation):
    """A terminal behind the broker. Ended, it is heard again only as a new one."""

    speaker: SpeakerMqtt

    def __init__(self, hub: "Hub", terminal_no: str, peer: str) -> None:
        super().__init__(hub.limits, peer)
        self._hub = hub
        self.terminal_no = terminal_no
        self.speaker = SpeakerMqtt(terminal_no, hub.clock, hub.limits.answer_s)
        self.bad = 0
        self.logins = 1
        self.held: deque[Arrived] | None = deque()
        """What waits for the records; None once it was let in."""

    def send(self, raw: bytes) -> None:
        if self.ended_by is None and self.terminal_no is not None:
            self.frames_out += 1
            self._hub.send(self.terminal_no, raw)

    def confirm(self, heard: Heard) -> None:
        self._hub.confirm(heard.content)

    def end(self, why: str) -> None:
        if self.ended_by is None:
            self.ended_by = why
            self.broken_off()
            self._hub.ended(self)


class Hub:
    """One broker and the terminals behind it."""

    def __init__(
        self,
        address: BrokerAddress,
        sessions: Sessions,
        brokers: Brokers,
        events: EventTaker,
        clock: Callable[[], datetime],
        limits: Limits,
    ) -> None:
        self._address, self._sessions, self._brokers, self._events = address, sessions, brokers, events
        self.clock, self.limits = clock, limits
        self.lines: dict[str, MqttLine] = {}
        self._knocking: dict[str, MqttLine] = {}
        self._shut: dict[str, float] = {}
        """Terminals that are not listened to until then: refused ones, and those that flood."""
        self._book = Book(sessions, clock)
        self._link: BrokerLink | None = None
        self._state, self._said, self._since = "offline", "", clock()
        self._fault: str | None = None
        self._heard_at: datetime | None = None
        self._losses = self._in = self._dropped = 0
        self._told = (0, 0, 0, 0)
        self._call, self._up_at = False, 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    # -- the broker ------------------------------------------------------------------------------------------------------

    async def look(self) -> None:
        """Takes the broker where no living front holds it, and lets go of what another took."""
        mine = await asyncio.to_thread(self._brokers.hold)
        if mine and self._link is None:
            self._link = BrokerLink(self._address, self.limits, self._arrived, self._up, self._down)
            self._link.start()
        elif not mine and self._link is not None:
            await self._leave("replaced")
        elif (
            self._state == "refused" and (self.clock() - self._since).total_seconds() > self.limits.broker_again_most_s
        ):
            # What was refused is asked for anew: the broker's rights may have been mended.
            await self._leave("broker")

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._link is not None:
            await self._leave("stopped")
            await self.write_down()
            await asyncio.to_thread(self._brokers.let_go)

    async def _leave(self, why: str) -> None:
        link, self._link = self._link, None
        if link is not None:
            await asyncio.to_thread(link.stop)
            self._dropped += link.dropped
        self._end_all(why)

    def _up(self) -> None:
        self._state, self._fault, self._said = "online", None, ""
        self._since, self._call = self.clock(), True
        self._up_at = time.monotonic()

    def _down(self, fault: str, said: str) -> None:
        self._losses += self._state == "online"
        state = "refused" if fault in REFUSALS else "offline"
        if (self._fault, self._said) != (fault, said):
            log.warning("MQTT broker %s: %s: %s", self._address, BROKER_FAULTS.entries[fault]["en"], said)
        self._since = self.clock() if self._state != state else self._since
        self._state, self._fault, self._said = state, fault, said
        self._end_all("broker")

    def _end_all(self, why: str) -> None:
        # What waits unconfirmed comes again with the next connection.
        self._knocking.clear()
        for line in list(self.lines.values()):
            line.end(why)

    async def call_all(self) -> None:
        """Asks all terminals of the records whether they are there, after a connection."""
        if not self._call:
            return
        self._call = False
        for place, terminal_no in enumerate(await asyncio.to_thread(self._brokers.terminals), 1):
            if terminal_no not in self.lines:
                asks = SpeakerMqtt(terminal_no, self.clock, self.limits.answer_s)
                self.send(terminal_no, asks.ask_clock(terminal_no, CALLED_BY))
            if not place % CALLED_AT_ONCE:
                await asyncio.sleep(1.0)

    def send(self, terminal_no: str, raw: bytes) -> None:
        if self._link is not None:
            self._link.send(command_topic(terminal_no), raw)

    def confirm(self, arrived: Arrived) -> None:
        if self._link is not None:
            self._link.confirm(arrived)

    # -- what comes in ---------------------------------------------------------------------------------------------------

    def _arrived(self, arrived: Arrived) -> None:
        self._in += 1
        self._heard_at = self.clock()
        found = topic_of(arrived.topic)
        if found is None or self._is_shut(found[0]):
            self._drop(arrived)
            return
        terminal_no = found[0]
        line = self.lines.get(terminal_no) or self._knocking.get(terminal_no)
        if line is None:
            line = self._knocking[terminal_no] = MqttLine(self, terminal_no, str(self._address))
        if line.held is None:
            self._hear(line, arrived)
        elif len(line.held) < HELD_MAX:
            line.held.append(arrived)
        else:
            self._drop(arrived)

    def _is_shut(self, terminal_no: str) -> bool:
        until = self._shut.get(terminal_no)
        if until is not None and time.monotonic() >= until:
            del self._shut[terminal_no]
            return False
        return until is not None

    def _drop(self, arrived: Arrived) -> None:
        self._dropped += 1
        self.confirm(arrived)

    def _hear(self, line: MqttLine, arrived: Arrived) -> None:
        if line.ended_by is not None or line.floods(1, len(arrived.payload)):
            self._drop(arrived)
            self._shut[line.terminal_no or ""] = time.monotonic() + self.limits.dial_again_s
            line.end("flood")
            return
        found = topic_of(arrived.topic)
        try:
            heard = line.speaker.hear(found[1] if found else "", arrived.payload)
        except BadFrame:
            self._drop(arrived)
            line.bad += 1
            if line.bad > self.limits.bad_frames:
                self._shut[line.terminal_no or ""] = time.monotonic() + self.limits.dial_again_s
                line.end("bad_frames")
            return
        line.frames_in += 1
        line.heard_at, line.bad = time.monotonic(), 0
        if heard.clock is not None:
            line.saw_clock(heard.clock, self.clock())
        self._book.note(line)
        if heard.kind == "events":
            self._events.take(line, replace(heard, content=arrived, confirm=True))
            return
        self.confirm(arrived)
        if heard.kind == "answer":
            if heard.number == CALLED_BY:
                self._saw_clock(line, heard)
            else:
                line.answered(heard)
        elif heard.kind == "logout":
            line.end("closed")

    def _saw_clock(self, line: MqttLine, heard: Heard) -> None:
        try:
            shown = line.speaker.clock_of([heard.content])
        except BadFrame:
            return
        if shown is not None:
            line.saw_clock(shown, self.clock())

    # -- what is done in turn --------------------------------------------------------------------------------------------

    async def let_in(self) -> None:
        """Lets in the terminals that were heard and are in the records; the others are strangers."""
        if not self._knocking:
            return
        asked, self._knocking = self._knocking, {}
        try:
            known = await asyncio.to_thread(self._sessions.known, list(asked))
        except Exception:
            self._knocking = asked | self._knocking
            raise
        for terminal_no, line in asked.items():
            held, line.held = line.held or (), None
            found = known.get(terminal_no)
            later = self._knocking.pop(terminal_no, None)
            waiting = [*held, *((later.held or ()) if later is not None else ())]
            if found is not None and found.protocol == "mqtt" and found.state != "stopped":
                self.lines[terminal_no] = line
                self._book.note(line)
                for arrived in waiting:
                    self._hear(line, arrived)
                if line.ended_by is None:
                    self._run(self._see_clock(line))
                continue
            for arrived in waiting:
                self._drop(arrived)
            self._shut[terminal_no] = time.monotonic() + self.limits.dial_again_s
            if found is None:
                await asyncio.to_thread(
                    self._sessions.stranger, terminal_no, "mqtt", str(self._address), self.limits.strangers
                )

    async def _see_clock(self, line: MqttLine) -> None:
        heard_at, past = line.heard_at, time.monotonic() - self._up_at < PAST_S
        shown = await line.clock()
        if shown is not None:
            line.saw_clock(shown, self.clock())
            self._book.note(line)
        elif past and line.heard_at == heard_at:
            line.end("silent")

    def ended(self, line: MqttLine) -> None:
        if line.terminal_no is not None and self.lines.get(line.terminal_no) is line:
            del self.lines[line.terminal_no]
            self._book.note(line)

    async def end_the_silent(self) -> None:
        now = time.monotonic()
        for line in list(self.lines.values()):
            if now - line.heard_at > self.limits.silence_s:
                line.end("silent")
        for terminal_no in [no for no, until in self._shut.items() if until <= now]:
            del self._shut[terminal_no]

    async def write_down(self) -> None:
        await self._book.write(self.lines)
        sent = self._link.sent if self._link is not None else self._told[2]
        dropped = self._dropped + (self._link.dropped if self._link is not None else 0)
        counts = (self._losses, self._in, sent, dropped)
        losses, came, out, left = (new - old for new, old in zip(counts, self._told, strict=True))
        seen = LinkSeen(self._state, self._fault, self._said, self._since, self._heard_at, losses, came, out, left)
        if self._link is not None or any(new != old for new, old in zip(counts, self._told, strict=True)):
            await asyncio.to_thread(self._brokers.write, seen)
            self._told = counts

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
