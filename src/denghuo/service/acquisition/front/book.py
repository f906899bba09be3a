"""What is written down of terminals' connections, once a second for all of them together (连接登记)."""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from denghuo.service.acquisition.front.conversation import Conversation
from denghuo.service.acquisition.front.sessions import Seen, Sessions


class Book:
    """Connections that changed since they were last written, and how much of their counts is written already."""

    def __init__(self, sessions: Sessions, clock: Callable[[], datetime]) -> None:
        self._sessions, self._clock = sessions, clock
        self._changed: dict[int, tuple[Conversation, str]] = {}
        self._written: dict[int, tuple[int, int, int]] = {}

    def note(self, line: Conversation) -> None:
        if line.terminal_no is not None:
            self._changed[line.serial] = (line, line.terminal_no)

    async def write(self, lines: Mapping[str, Conversation]) -> None:
        """Writes what changed; of `lines` ends those that a newer connection took over, here or elsewhere."""
        changed, self._changed = self._changed, {}
        # The same terminal may have come twice within a second: the newest line speaks for it.
        newest: dict[str, Conversation] = {}
        for line, terminal_no in sorted(changed.values(), key=lambda one: one[0].serial):
            newest[terminal_no] = line
        seen = [self._seen(line, terminal_no) for terminal_no, line in newest.items()]
        held = [(no, line.serial) for no, line in lines.items()]
        try:
            lost = await asyncio.to_thread(self._sessions.write, seen, held)
        except Exception:
            self._changed = changed | self._changed
            raise
        for one in seen:
            logins, frames_in, frames_out = self._written.get(one.line, (0, 0, 0))
            self._written[one.line] = (logins + one.logins, frames_in + one.frames_in, frames_out + one.frames_out)
        for line, _ in changed.values():
            if line.ended_by is not None and line.serial not in self._changed:
                self._written.pop(line.serial, None)
        for terminal_no, serial in lost:
            taken = lines.get(terminal_no)
            if taken is not None and taken.serial == serial and not self._changed.get(serial):
                taken.end("replaced")

    def _seen(self, line: Conversation, terminal_no: str) -> Seen:
        logins, frames_in, frames_out = self._written.get(line.serial, (0, 0, 0))
        now, at = self._clock(), time.monotonic()
        return Seen(
            terminal_no=terminal_no,
            line=line.serial,
            peer=line.peer,
            online=line.ended_by is None,
            connected_at=now - timedelta(seconds=max(0.0, at - line.opened_at)),
            heard_at=now - timedelta(seconds=max(0.0, at - line.heard_at)),
            ended_by=line.ended_by,
            logins=line.logins - logins,
            frames_in=line.frames_in - frames_in,
            frames_out=line.frames_out - frames_out,
            clock_offset_s=line.clock_offset_s,
        )
