"""What terminals tell of events unasked: gathered for a moment, written down together, and only then confirmed."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from denghuo.kernel.batch import ITEMS_MAX
from denghuo.kernel.contract import Call
from denghuo.kernel.problem import Problem, Unavailable
from denghuo.service.acquisition.api import AcquisitionApi, TakeEvents, ToldEvent
from denghuo.service.acquisition.front.conversation import Conversation
from denghuo.service.acquisition.front.limits import Limits
from denghuo.service.acquisition.front.speak import Heard, Told


class EventTaker:
    """A terminal repeats what was not confirmed, so what is too much comes again."""

    def __init__(self, acquisition: AcquisitionApi, clock: Callable[[], datetime], limits: Limits) -> None:
        self._acquisition, self._clock, self._limits = acquisition, clock, limits
        self._waiting: list[tuple[Conversation, Heard]] = []
        self._events: list[ToldEvent] = []

    def take(self, line: Conversation, heard: Heard) -> None:
        if len(self._events) + len(heard.told) <= self._limits.events_waiting:
            self._waiting.append((line, heard))
            self._events += self.said(heard.terminal_no, heard.told)

    @staticmethod
    def said(terminal_no: str, told: Sequence[Told]) -> list[ToldEvent]:
        return [ToldEvent.model_validate({"terminal_no": terminal_no, **one._asdict()}) for one in told]

    async def write(self) -> None:
        """Hands on what is waiting, and confirms it."""
        if not self._waiting:
            return
        waiting, events = self._waiting, self._events
        self._waiting, self._events = [], []
        try:
            await asyncio.to_thread(self.hand_over, events)
        except Exception as error:
            if not isinstance(error, Problem) or isinstance(error, Unavailable):
                # A broker gives again only after a new connection what was not confirmed to it, so nothing is let go here.
                self._waiting, self._events = waiting + self._waiting, events + self._events
            raise
        for line, heard in waiting:
            if heard.confirm:
                line.confirm(heard)

    def hand_over(self, events: Sequence[ToldEvent]) -> None:
        for at in range(0, len(events), ITEMS_MAX):
            call = Call.system(self._clock(), actor="front")
            self._acquisition.take_events(call, TakeEvents(events=list(events[at : at + ITEMS_MAX])))
