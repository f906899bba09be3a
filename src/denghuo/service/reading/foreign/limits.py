"""How much of a structured file one part of it may be."""

from codecs import BOM_UTF8
from typing import BinaryIO

from denghuo.kernel.problem import text
from denghuo.service.reading.foreign.blocks import ASK_SENDER, Malformed

DEPTH_MAX = 64
"""Elements within each other: no message of readings has a dozen."""
ELEMENTS_MAX = 2_000_000
"""Elements of one part: a year of quarter-hours has about 250,000."""
PART_BYTES_MAX = 256 << 20
"""The text of one part: a year of quarter-hours has about 20 MB."""
TOO_MUCH = text("元素嵌套过深或一段内过多", "its elements are too deep, or too many in one part")


class Rationed:
    """A stream, without the mark of UTF-8 at its beginning, of which so much may be read until the reader has let a part go."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._left = stream, PART_BYTES_MAX
        head = stream.read(len(BOM_UTF8))
        self._head = b"" if head == BOM_UTF8 else head

    def read(self, size: int = -1) -> bytes:
        """Raises Malformed where a part is too large."""
        if size == 0:
            return b""
        content, self._head = self._head or self._stream.read(size), b""
        self._left -= len(content)
        if self._left < 0:
            raise Malformed(0, "", "", TOO_MUCH, ASK_SENDER)
        return content

    def renew(self) -> None:
        """A part was let go."""
        self._left = PART_BYTES_MAX
