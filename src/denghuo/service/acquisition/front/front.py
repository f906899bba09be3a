"""The front as a running thing: a TCP port with an event loop in a thread of its own, beside the services of its process.

Connections live in the loop; whatever touches the database runs in threads. What is seen of connections is written down once a
second for all of them together.
"""

import asyncio
import contextlib
import gc
import logging
import threading
import uuid
from collections import ChainMap, Counter
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from typing import Any, cast

from denghuo.kernel.problem import Unavailable, text
from denghuo.service.acquisition.api import AcquisitionApi
from denghuo.service.acquisition.front.alarms import EventTaker
from denghuo.service.acquisition.front.book import Book
from denghuo.service.acquisition.front.broker import BrokerAddress
from denghuo.service.acquisition.front.brokers import Brokers
from denghuo.service.acquisition.front.cipher import CipherMachine
from denghuo.service.acquisition.front.collector import Collector
from denghuo.service.acquisition.front.dialled import Dialled, Dialler
from denghuo.service.acquisition.front.direct import DirectMeter
from denghuo.service.acquisition.front.gateway645 import Gateway645
from denghuo.service.acquisition.front.hub import Hub
from denghuo.service.acquisition.front.iec104 import Station104
from denghuo.service.acquisition.front.keys import KeySafe, MeterKeys
from denghuo.service.acquisition.front.limits import Limits
from denghuo.service.acquisition.front.line import Line
from denghuo.service.acquisition.front.modbus import StationModbus
from denghuo.service.acquisition.front.orders import OrderRunner
from denghuo.service.acquisition.front.sessions import Sessions, Station
from denghuo.service.acquisition.front.speak import Heard
from denghuo.service.host.binding import Ask, Store

log = logging.getLogger("denghuo.front")

BACKLOG = 4_096
LOOKUP_S = 0.02
"""Logins within so long are looked up together."""
START_S = 20.0
GARBAGE_AFTER = (20_000, 20, 20)
"""Answers become objects by the million, next to none of them in cycles: looking for garbage as often as Python does by itself,
and through all that was loaded at the start, took a third of the time of collecting."""


class PortNotOpen(
    Unavailable, noun="acquisition", status=503, zh="终端接入端口无法打开", en="The port for terminals is shut"
):
    """Fields: host, port."""


class Front:
    """`start` opens the port and returns; `stop` ends all connections and writes that down."""

    def __init__(
        self,
        store: Store,
        ask: Ask,
        clock: Callable[[], datetime],
        host: str,
        port: int,
        limits: Limits | None = None,
        passwords: Mapping[str, str] | None = None,
        cipher: CipherMachine | None = None,
        safe: KeySafe | None = None,
        broker: BrokerAddress | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.node = uuid.uuid4().hex
        self.address = (host, port)
        self._store, self._clock, self._cipher = store, clock, cipher
        self._passwords, self._safe, self._broker = passwords or {}, safe, broker
        self._keys: MeterKeys | None = None
        self._acquisition = ask(AcquisitionApi)
        self._events = EventTaker(self._acquisition, clock, self.limits)
        self._lines: dict[str, Line] = {}
        self._open: set[Line] = set()
        self._strangers: dict[Line, None] = {}
        """Of the open ones those that have not logged in, the oldest first."""
        self._peers: Counter[str] = Counter()
        self._clock_tasks: set[asyncio.Task[None]] = set()
        self._lookups: list[tuple[Line, Heard]] = []
        self._ready = threading.Event()
        self._failed: OSError | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._thresholds = gc.get_threshold()

    # -- life ------------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Raises PortNotOpen where the port is taken or not ours."""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="denghuo-front", daemon=True)
        self._thread.start()
        self._ready.wait(START_S)
        if self._failed is not None:
            host, port = self.address
            raise PortNotOpen(
                text(
                    f"终端接入端口 {host}:{port} 无法打开：{self._failed.strerror}。请以设置 terminal_port 指定其他端口。",
                    f"Port {host}:{port} for terminals cannot be opened: {self._failed.strerror}. Set terminal_port to another.",
                ),
                host=host,
                port=port,
            )
        gc.freeze()
        gc.set_threshold(*GARBAGE_AFTER)

    def stop(self) -> None:
        if self._loop is not None and self._stopping is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._stopping.set)
        if self._thread is not None:
            self._thread.join(timeout=20)
        gc.set_threshold(*self._thresholds)
        gc.unfreeze()

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        try:
            server = await self._loop.create_server(lambda: Line(self), *self.address, backlog=BACKLOG)
        except OSError as error:
            self._failed = error
            self._ready.set()
            return
        self.address = server.sockets[0].getsockname()[:2]
        sessions = Sessions(self._store, self.node, "{}:{}".format(*self.address), self._clock)
        self._keys = MeterKeys(self._safe, sessions) if self._safe is not None else None
        self._book = Book(sessions, self._clock)
        ways = {
            "dlms": self._dial_meter,
            "hdlc": self._dial_meter,
            "iec104": self._dial_station,
            "dlt645": self._dial_gateway,
            "modbus": lambda station: StationModbus.dial(station, self.limits, self._clock, sessions.addresses),
        }
        dialler = Dialler(sessions, self._clock, self.limits, ways)
        # Both are asked alike; orders are carried out in ways of their own.
        hub = self._hub(sessions)
        spoken = cast(dict[str, Line], hub.lines if hub is not None else {})
        lines = cast(Mapping[str, Line], ChainMap(self._lines, spoken, cast(dict[str, Line], dialler.lines)))
        collector = Collector(lines, sessions, self._store, self._acquisition, self._clock, self.limits)
        orders = OrderRunner(
            ChainMap(self._lines, spoken),
            dialler.lines,
            sessions,
            self._events,
            self._acquisition,
            self._clock,
            self._saw_clock,
            self._cipher,
        )
        self._ready.set()
        jobs = [
            self._every(LOOKUP_S, lambda: self._look_up(sessions)),
            self._every(self.limits.work_s, lambda: self._book.write(self._lines)),
            self._every(min(self.limits.work_s, 1.0), self._end_the_silent),
            self._every(self.limits.dial_s, dialler.look),
            self._every(self.limits.work_s, dialler.write_down),
            self._every(self.limits.look_s, collector.look_for_reads),
            self._every(self.limits.look_s, orders.look),
            self._every(self.limits.clock_s, orders.tell_clocks),
            self._every(self.limits.event_s, self._events.write),
            self._every(self.limits.work_s, collector.look_for_due),
            self._every(min(self.limits.write_s, 0.5), collector.write),
            self._every(30.0, collector.start_day),
            self._every(0.0, collector.pace.watch),
        ]
        if hub is not None:
            jobs += [
                self._every(self.limits.dial_s, hub.look),
                self._every(LOOKUP_S, hub.let_in),
                self._every(self.limits.work_s, hub.call_all),
                self._every(self.limits.work_s, hub.write_down),
                self._every(min(self.limits.work_s, 1.0), hub.end_the_silent),
            ]
        tasks = [asyncio.create_task(job) for job in jobs]
        await self._stopping.wait()
        server.close()
        for line in list(self._open):
            line.end("stopped")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await orders.stop()
        await collector.stop()
        await dialler.stop()
        if hub is not None:
            with contextlib.suppress(Exception):
                await hub.stop()
        await asyncio.sleep(0.05)
        with contextlib.suppress(Exception):
            await self._book.write(self._lines)

    def _hub(self, sessions: Sessions) -> Hub | None:
        if self._broker is None:
            return None
        brokers = Brokers(self._store, self.node, str(self._broker), self._clock)
        return Hub(self._broker, sessions, brokers, self._events, self._clock, self.limits)

    async def _dial_meter(self, station: Station) -> Dialled:
        password = self._passwords.get(station.terminal_no, "")
        return await DirectMeter(station, self.limits, password.encode(), self._keys).opened()

    async def _dial_station(self, station: Station) -> Dialled:
        return await Station104.dial(station, self.limits, self._clock)

    async def _dial_gateway(self, station: Station) -> Dialled:
        return await Gateway645(station, self.limits, self._clock, self._cipher).opened()

    async def _every(self, seconds: float, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Does the work again and again; what fails is done again at its next turn."""
        while True:
            try:
                await work()
            except Exception as error:
                log.warning("the front goes on after: %s", error, exc_info=not isinstance(error, Unavailable))
            await asyncio.sleep(seconds)

    # -- what lines tell -------------------------------------------------------------------------------------------------

    def opened(self, line: Line) -> bool:
        """Whether there is room: connections that say nothing take none from those that come after them."""
        host = line.peer.rpartition(":")[0]
        limits = self.limits
        if self._peers[host] >= limits.connections_per_address:
            self._make_room(lambda one: one.peer.rpartition(":")[0] == host)
        if len(self._open) >= limits.connections:
            self._make_room(lambda one: True)
        if self._peers[host] >= limits.connections_per_address or len(self._open) >= limits.connections:
            line.ended_by = "refused"
            return False
        self._open.add(line)
        self._strangers[line] = None
        self._peers[host] += 1
        return True

    def _make_room(self, fits: Callable[[Line], bool]) -> None:
        """Ends the oldest of such connections that has not logged in."""
        oldest = next((one for one in self._strangers if fits(one) and not one.waiting_for_lookup), None)
        if oldest is not None:
            oldest.end("silent")
            self.closed(oldest)

    def closed(self, line: Line) -> None:
        if line not in self._open:
            return
        self._open.discard(line)
        self._strangers.pop(line, None)
        host = line.peer.rpartition(":")[0]
        self._peers[host] -= 1
        if not self._peers[host]:
            del self._peers[host]
        if line.terminal_no is not None:
            if self._lines.get(line.terminal_no) is line:
                del self._lines[line.terminal_no]
            self._book.note(line)

    def heard(self, line: Line, heard: Heard) -> None:
        if line.speaker is None:
            return
        if heard.kind == "login" and line.terminal_no != heard.terminal_no:
            if not line.waiting_for_lookup:
                line.waiting_for_lookup = True
                self._lookups.append((line, heard))
            return
        if line.terminal_no != heard.terminal_no:
            # A heartbeat of a terminal that is not logged in here: it logs in again when it is told no.
            if heard.kind == "heartbeat":
                line.send(line.speaker.confirm(heard, False, self._clock()))
            return
        self._note(line, heard)
        if heard.kind == "events":
            self._events.take(line, heard)
        if heard.kind in ("login", "heartbeat", "logout"):
            line.logins += heard.kind == "login"
            line.send(line.speaker.confirm(heard, True, self._clock()))
        if heard.kind == "logout":
            line.end("logged_out")

    def _note(self, line: Line, heard: Heard) -> None:
        self._book.note(line)
        if heard.clock is not None:
            self._saw_clock(line, heard.clock)

    # -- what is done in turn --------------------------------------------------------------------------------------------

    async def _look_up(self, sessions: Sessions) -> None:
        """Lets in the terminals that logged in and are in the records; the newer connection of one wins."""
        if not self._lookups:
            return
        asked, self._lookups = self._lookups, []
        try:
            known = await asyncio.to_thread(sessions.known, [heard.terminal_no for _, heard in asked])
        except Exception:
            # Without the records nobody is let in; terminals log in again until they are confirmed.
            for line, _ in asked:
                line.waiting_for_lookup = False
            raise
        for line, heard in asked:
            line.waiting_for_lookup = False
            if line.ended_by is not None or line.speaker is None:
                continue
            found = known.get(heard.terminal_no)
            if found is None or found.protocol != line.speaker.code or found.state == "stopped":
                line.send(line.speaker.confirm(heard, False, self._clock()))
                line.end("refused")
                if found is None:
                    await asyncio.to_thread(
                        sessions.stranger, heard.terminal_no, line.speaker.code, line.peer, self.limits.strangers
                    )
                continue
            if line.terminal_no is not None and self._lines.get(line.terminal_no) is line:
                del self._lines[line.terminal_no]
            before = self._lines.get(heard.terminal_no)
            if before is not None and before is not line:
                before.end("replaced")
            line.terminal_no, self._lines[heard.terminal_no] = heard.terminal_no, line
            self._strangers.pop(line, None)
            line.logins += 1
            self._note(line, heard)
            line.send(line.speaker.confirm(heard, True, self._clock()))
            if heard.clock is None:
                task = asyncio.create_task(self._see_clock(line))
                self._clock_tasks.add(task)
                task.add_done_callback(self._clock_tasks.discard)

    async def _see_clock(self, line: Line) -> None:
        """Asks a terminal whose logins do not tell its clock, once after each."""
        shown = await line.clock()
        if shown is not None:
            self._saw_clock(line, shown)

    def _saw_clock(self, line: Line, shown: datetime) -> int:
        """Keeps how far a terminal's clock is ahead, in seconds."""
        self._book.note(line)
        return line.saw_clock(shown, self._clock())

    async def _end_the_silent(self) -> None:
        now = asyncio.get_running_loop().time()
        for line in list(self._open):
            if line.ended_by is not None:
                continue
            stranger = line.terminal_no is None and now - line.opened_at > self.limits.login_within_s
            if stranger or now - line.heard_at > self.limits.silence_s:
                line.end("silent")
