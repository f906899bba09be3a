"""A file of readings, whole or not at all."""

import pathlib
from collections.abc import Iterable
from datetime import datetime

from denghuo.data.processing.export_readings import Format, MeterDay, write
from denghuo.kernel.problem import Unavailable, text


def write_file(kind: Format, days: Iterable[MeterDay], target: pathlib.Path, now: datetime) -> int:
    """Writes the days under the file's name once they are all written; gives how many.

    Raises:
        Unavailable: the disk is full or cannot be written; a file of that name stays as it was.
    """
    partial = target.with_name(f".{target.name}.partial")
    try:
        with partial.open("wb") as stream:
            count = write(kind, days, stream, now)
        partial.replace(target)
    except OSError as error:
        what = text(f"无法写入 {target}：{error.strerror}", f"Unable to write {target}: {error.strerror}")
        raise Unavailable(what) from error
    finally:
        partial.unlink(missing_ok=True)
    return count
