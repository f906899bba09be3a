"""Published frames with what they say (frames/*.jsonl): each has a number, its bytes, whether it is whole, its source."""

import json
import pathlib
import re
from typing import Any

import pytest

from denghuo.service.acquisition.protocol.words import tongues

CHINESE = re.compile("[\u4e00-\u9fff，。]")
FOLDER = pathlib.Path(__file__).parent / "frames"


def vectors(file: str, whole: bool | None = None, protocol: str = "") -> list[Any]:
    """The frames of `file` as parameters named by their number; `whole` picks the right or the damaged ones."""
    rows = map(json.loads, (FOLDER / f"{file}.jsonl").read_text("utf-8").splitlines())
    return [
        pytest.param(row, id=f"{row['protocol']}-{row['id']}")
        for row in rows
        if whole in (None, row["whole"]) and row["protocol"].startswith(protocol)
    ]


def covered(parts: Any, size: int) -> None:
    """The parts follow each other without a gap to the end of the bytes, and inner parts stay inside their own."""
    at = 0
    for part in parts:
        assert part.start == at, part
        assert part.end > part.start, part
        for _, one in part.walk():
            # Who reads English is told no Chinese, but for what the frame itself says.
            words = tongues(one.value)
            assert not CHINESE.search(words["en"]), one
        inside(part)
        at = part.end
    assert at == size


def inside(part: Any) -> None:
    at = part.start
    for inner in part.parts:
        assert at <= inner.start <= inner.end <= part.end, (part, inner)
        inside(inner)
        at = inner.end
