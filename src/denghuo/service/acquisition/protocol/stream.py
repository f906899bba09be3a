"""Frames out of a byte stream that has noise in it, splits them, glues them and damages them."""

from collections.abc import Callable
from dataclasses import dataclass

MORE = 0
NEVER = -1


@dataclass(frozen=True, slots=True)
class Framing:
    """How a protocol's frames are found.

    `start`: the byte a frame begins with. `measure(buffer, at)`: the frame's whole length once its head is there, MORE while
    the head is not, NEVER where no frame begins at `at`. `whole(frame)`: marks and checksums are right. `limit`: no frame is
    longer; also bounds what the reader keeps. `shared`: the start byte also ends a frame, and one may end a frame and begin the
    next.
    """

    start: int
    measure: Callable[[bytes, int], int]
    whole: Callable[[bytes], bool]
    limit: int
    shared: bool = False


class Reader:
    """Feed it what arrives, get whole frames with right checksums. It keeps at most one frame's bytes.

    `noise` counts bytes that belonged to no frame, `damaged` the frames whose checksum or end was wrong. Bytes after a false
    start are looked at again, so a frame behind noise that looks like a head is still found, at the latest after `idle`.
    """

    def __init__(self, framing: Framing) -> None:
        self._framing = framing
        self._kept = b""
        # Whether the first byte kept is the end of a frame that was given out.
        self._lent = False
        self.noise = 0
        self.damaged = 0

    @property
    def waiting(self) -> int:
        """Bytes of a frame that is not all there yet."""
        return len(self._kept) - self._lent

    def feed(self, chunk: bytes) -> list[bytes]:
        """The frames that are complete now, in order, without wake-up bytes."""
        return self._frames(self._kept + chunk if self._kept else chunk, final=False)

    def idle(self) -> list[bytes]:
        """The line was silent: what is kept will not be completed. Gives the frames behind a false start."""
        return self._frames(self._kept, final=True)

    def _frames(self, buffer: bytes, final: bool) -> list[bytes]:
        start, measure, whole, limit = (
            self._framing.start,
            self._framing.measure,
            self._framing.whole,
            self._framing.limit,
        )
        frames: list[bytes] = []
        at, end = 0, len(buffer)
        lent = 0 if self._lent else -1
        self._lent = False
        while True:
            found = buffer.find(start, at)
            if found < 0:
                self.noise += end - at
                self._kept = b""
                return frames
            self.noise += found - at
            at = found
            size = measure(buffer, at)
            if size == MORE or (size > 0 and size <= limit and at + size > end):
                if not final:
                    self._kept = buffer[at:]
                    self._lent = at == lent
                    return frames
            elif 0 < size <= limit:
                frame = buffer[at : at + size]
                if whole(frame):
                    frames.append(frame)
                    at += size
                    if self._framing.shared:
                        at = lent = at - 1
                    continue
                self.damaged += 1
            self.noise += at != lent
            at += 1
