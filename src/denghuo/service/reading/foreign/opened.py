"""Opens a file of readings as it is, or packed with gzip or zip, without letting a small file unpack to an endless one."""

import gzip
import io
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO, cast

from denghuo.data.processing.import_files import Place
from denghuo.kernel.problem import text
from denghuo.service.reading.foreign.blocks import ASK_SENDER, Malformed

RATIO_MAX = 200
"""How many times its own size a packed file may unpack to; readings as text reach about 60."""
SMALL_BYTES = 1 << 20
"""What any file may unpack to, whatever its own size."""


def opened(path: Path, place: Place | None = None) -> BinaryIO:
    """The content of a file from its beginning. place: is told how far it is read.

    Raises:
        Malformed: a zip file that is damaged or does not hold exactly one file.
    """
    raw = path.open("rb")
    if place is not None:
        place.watch(raw.tell)
    most = max(path.stat().st_size * RATIO_MAX, SMALL_BYTES)
    magic = raw.read(4)
    raw.seek(0)
    if magic[:2] == b"\x1f\x8b":
        return _bounded(cast(BinaryIO, gzip.open(raw)), most)
    if magic != b"PK\x03\x04":
        return raw
    try:
        archive = zipfile.ZipFile(raw)
        names = [name for name in archive.namelist() if not name.endswith("/")]
        if len(names) == 1:
            return _bounded(cast(BinaryIO, archive.open(names[0])), most)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise _fault(str(error)[:80], "压缩包已损坏或有密码", "the archive is damaged or has a password") from error
    raise _fault(str(len(names)), "压缩包内应只有一个文件", "an archive is to hold one file")


def _bounded(stream: BinaryIO, most: int) -> BinaryIO:
    return io.BufferedReader(_Bounded(stream, most), 1 << 16)


class _Bounded(io.RawIOBase):
    """What is unpacked, up to a size."""

    def __init__(self, stream: BinaryIO, most: int) -> None:
        self._stream, self._left = stream, most

    def readable(self) -> bool:
        return True

    def readinto(self, into: "memoryview") -> int:  # type: ignore[override]  # the buffer of BufferedReader is a memoryview
        try:
            found = self._stream.read(len(into))
        except (zlib.error, OSError, EOFError, zipfile.BadZipFile) as error:
            raise _fault(str(error)[:80], "压缩内容不完整", "what is packed is not whole") from error
        self._left -= len(found)
        if self._left < 0:
            raise _fault("", "解压后过大，疑似压缩炸弹", "it unpacks to more than a file of readings would")
        into[: len(found)] = found
        return len(found)

    def close(self) -> None:
        self._stream.close()
        super().close()


def _fault(value: str, zh: str, en: str) -> Malformed:
    return Malformed(0, "", value, text(zh, en), ASK_SENDER)
