"""Carries out orders to terminals: each is an exchange or a few, and ends with an answer or the cause why there is none."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from denghuo.kernel.contract import Call
from denghuo.service.acquisition.api import AcquisitionApi, AnswerOrders, OrderAnswer, RollOutRef, TellClocks
from denghuo.service.acquisition.front.alarms import EventTaker
from denghuo.service.acquisition.front.cipher import CipherFailed, CipherMachine
from denghuo.service.acquisition.front.conversation import cause_of
from denghuo.service.acquisition.front.dialled import Dialled
from denghuo.service.acquisition.front.line import Line
from denghuo.service.acquisition.front.sessions import Ordered, Sessions
from denghuo.service.acquisition.front.speak import CLOCK_RIGHT_S, ORDER_GOOD, Place, Speaker
from denghuo.service.acquisition.protocol.fault import BadFrame
from denghuo.service.acquisition.rules import PARAMETERS, parts_of_value

log = logging.getLogger("denghuo.front")
Answer = Mapping[str, Any]
SWITCHES = ("switch_off", "switch_on")
ABSENT = "no_data"
"""What a terminal says of a module that it has not."""


class OrderRunner:
    """Carries out orders that wait, each at its terminal."""

    def __init__(
        self,
        lines: Mapping[str, Line],
        dialled: Mapping[str, Dialled],
        sessions: Sessions,
        events: EventTaker,
        acquisition: AcquisitionApi,
        clock: Callable[[], datetime],
        saw_clock: Callable[[Line, datetime], int],
        cipher: CipherMachine | None,
    ) -> None:
        self._cipher = cipher
        self._lines, self._dialled = lines, dialled
        self._sessions, self._events, self._saw_clock = sessions, events, saw_clock
        self._acquisition, self._clock = acquisition, clock
        self._running: dict[str, asyncio.Task[None]] = {}
        self._ways: Mapping[str, Callable[[Line, Speaker, Ordered], Awaitable[Answer]]] = {
            "events": self._read_events,
            "check_clock": self._check_clock,
            "set_clock": self._set_clock,
            "set_times": self._set_times,
            "set_parameter": self._set_parameter,
            **dict.fromkeys(SWITCHES, self._switch),
        }

    async def look(self) -> None:
        """Begins what waits for terminals that are connected here."""
        if not self._lines and not self._dialled:
            return
        for no in await asyncio.to_thread(self._sessions.roll_outs):
            call = Call.system(self._clock(), actor="front")
            await asyncio.to_thread(self._acquisition.advance_roll_out, call, RollOutRef(roll_out_no=no))
        for row in await asyncio.to_thread(self._sessions.ordered):
            if row.order_no not in self._running and (
                row.terminal_no in self._lines or row.terminal_no in self._dialled
            ):
                task = asyncio.get_running_loop().create_task(self._carry_out(row))
                self._running[row.order_no] = task
                task.add_done_callback(self._ended(row.order_no))

    async def tell_clocks(self) -> None:
        """Has those clocks stated that terminals told unasked and that are off, or were."""
        if await asyncio.to_thread(self._sessions.clocks_to_tell):
            call = Call.system(self._clock(), actor="front")
            await asyncio.to_thread(self._acquisition.tell_clocks, call, TellClocks(node=self._sessions.node))

    async def stop(self) -> None:
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, order_no: str) -> Callable[[asyncio.Task[None]], None]:
        def end(task: asyncio.Task[None]) -> None:
            self._running.pop(order_no, None)
            if not task.cancelled() and task.exception() is not None:
                log.error("an order broke off", exc_info=task.exception())

        return end

    async def _carry_out(self, row: Ordered) -> None:
        line, dialled = self._lines.get(row.terminal_no), self._dialled.get(row.terminal_no)
        answer: Answer = {"cause": "offline"}
        if dialled is not None:
            first = row.kind not in SWITCHES or await asyncio.to_thread(self._sessions.may_send, row.order_no)
            answer = await dialled.carry_out(row, self._clock(), first)
        elif line is not None and line.speaker is not None:
            try:
                answer = await self._ways[row.kind](line, line.speaker, row)
            except (TimeoutError, ConnectionResetError, BadFrame) as error:
                answer = {"cause": cause_of(error)}
        said = OrderAnswer.model_validate({"order_no": row.order_no, "cause": None, **answer})
        call = Call.system(self._clock(), key=f"order:{row.order_no}", actor="front")
        await asyncio.to_thread(self._acquisition.answer_orders, call, AnswerOrders(answers=[said]))

    async def _read_events(self, line: Line, speaker: Speaker, row: Ordered) -> Answer:
        until = self._clock()
        since = until - timedelta(days=row.content["days"])
        parts = await line.exchange(lambda number: speaker.ask_events(row.terminal_no, number, since, until))
        if speaker.denied(parts):
            return {"cause": "denied"}
        told = [one for part in parts for one in speaker.told(part)]
        await asyncio.to_thread(self._events.hand_over, self._events.said(row.terminal_no, told))
        return {"events": len(told)}

    async def _check_clock(self, line: Line, speaker: Speaker, row: Ordered) -> Answer:
        parts = await line.exchange(lambda number: speaker.ask_clock(row.terminal_no, number))
        shown = speaker.clock_of(parts)
        if shown is None:
            return {"cause": "denied" if speaker.denied(parts) else "no_data"}
        return {"clock_offset_s": self._saw_clock(line, shown)}

    async def _set_clock(self, line: Line, speaker: Speaker, row: Ordered) -> Answer:
        parts = await line.exchange(lambda number: speaker.set_clock(row.terminal_no, number, self._clock()))
        if not speaker.accepted(parts):
            return {"cause": "denied"}
        answer = await self._check_clock(line, speaker, row)
        applied = abs(answer.get("clock_offset_s", CLOCK_RIGHT_S + 1)) <= CLOCK_RIGHT_S
        return answer if "cause" in answer or applied else {**answer, "cause": "not_applied"}

    async def _set_times(self, line: Line, speaker: Speaker, row: Ordered) -> Answer:
        rates = row.content["rates"]
        parts = await line.exchange(lambda number: speaker.set_times(row.terminal_no, number, rates))
        if not speaker.accepted(parts):
            return {"cause": "denied"}
        parts = await line.exchange(lambda number: speaker.ask_times(row.terminal_no, number))
        return {} if speaker.times_of(parts) == rates else {"cause": "not_applied"}

    async def _set_parameter(self, line: Line, speaker: Speaker, row: Ordered) -> Answer:
        """Sets it at each place that the terminal has, what stands beside it as the terminal has it, and reads it again."""
        places = PARAMETERS[row.content["parameter"]].places.get(speaker.code, ())
        parts = parts_of_value(row.content["value"])
        causes = [await self._set_at(line, speaker, row.terminal_no, place, parts) for place in places]
        # A terminal has not every module; what none of its places has is none.
        failed = [cause for cause in causes if cause is not None]
        if None in causes:
            failed = [cause for cause in failed if cause != ABSENT]
        return {"cause": failed[0]} if failed else {} if causes else {"cause": "denied"}

    async def _set_at(
        self, line: Line, speaker: Speaker, no: str, place: Any, wanted: Sequence[int | str]
    ) -> str | None:
        """The cause why it was not set there; None where it was."""
        parts = await line.exchange(lambda number: speaker.ask_parameter(no, number, place))
        before = speaker.parameter_of(place, parts)
        if before is None:
            return ABSENT
        content = speaker.with_parameter(place, before, wanted)
        parts = await line.exchange(lambda number: speaker.set_parameter(no, number, place, content))
        if not speaker.accepted(parts):
            return "denied"
        parts = await line.exchange(lambda number: speaker.ask_parameter(no, number, place))
        return None if speaker.parameter_of(place, parts) == content else "not_applied"

    async def _switch(self, line: Line, speaker: Speaker, row: Ordered) -> Answer:
        """Orders it once, whichever fronts take it up. Whatever is said to that, only where the switch is read to be counts."""
        cipher, on = self._cipher, row.kind == "switch_on"
        if cipher is None:
            return {"cause": "no_cipher"}
        place = Place(row.number or 0, row.meter_no or "", row.address or "")
        until = self._clock() + ORDER_GOOD

        def sealed(number: int) -> Awaitable[bytes]:
            # A machine may be asked over a network, so not in the loop.
            return asyncio.to_thread(speaker.switch, row.terminal_no, number, place, on, until, cipher)

        try:
            if await asyncio.to_thread(self._sessions.may_send, row.order_no) and not speaker.switched(
                await line.exchange(sealed)
            ):
                return {"cause": "denied"}
        except CipherFailed as error:
            log.error("the cipher machine cannot be reached: %s", error)
            return {"cause": "no_cipher"}
        except (TimeoutError, ConnectionResetError):
            # The order may have come through all the same.
            pass
        parts = await line.exchange(lambda number: speaker.ask_switch(row.terminal_no, number, place))
        closed = speaker.switch_of(place, parts)
        if closed is None:
            return {"cause": "no_data"}
        answer = {"position": "on" if closed else "off"}
        return answer if closed is on else {**answer, "cause": "not_applied"}
