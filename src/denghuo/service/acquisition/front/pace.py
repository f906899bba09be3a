"""How many questions of collecting are open at once: as many as the front keeps up with (采集并发自适应)."""

import asyncio
from collections import deque

TICK_S = 0.05
BEHIND_S = 0.15
"""An event loop that comes so much later than it meant to has more answers waiting than it can take."""
FEWEST, STEP = 50, 8
"""So many are always asked at once, for the loop may be behind because of other work, and slow terminals must not wait for that."""


class Pace:
    """`async with` takes a turn, at most `most` at once. Turns become fewer while the loop is behind, so that a read on demand
    or a login does not wait behind hundreds of curves, and more again while it keeps up: slow terminals are asked by the
    hundred."""

    def __init__(self, most: int) -> None:
        self._most, self.allowed, self._open = most, min(FEWEST, most), 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> None:
        if self._open < self.allowed and not self._waiting:
            self._open += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()
            raise

    async def __aexit__(self, *error: object) -> None:
        self._leave()

    def _leave(self) -> None:
        self._open -= 1
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self._open < self.allowed:
            turn = self._waiting.popleft()
            if not turn.done():
                self._open += 1
                turn.set_result(None)

    async def watch(self) -> None:
        """Looks once how far the loop is behind, and lets in more or fewer."""
        loop = asyncio.get_running_loop()
        due = loop.time() + TICK_S
        await asyncio.sleep(TICK_S)
        self.adjust(loop.time() - due)

    def adjust(self, behind_s: float) -> None:
        if behind_s > BEHIND_S:
            self.allowed = max(FEWEST, self.allowed * 3 // 4)
        elif self._open >= self.allowed:
            self.allowed = min(self._most, self.allowed + STEP)
        self._let_in()
