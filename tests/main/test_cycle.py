"""`denghuo cycle` follows a month into the books for as long as something moves."""

from datetime import timedelta
from itertools import count

import pytest

from denghuo.main import cycle


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cycle, "FOLLOW_UP", timedelta(seconds=0.2))
    monkeypatch.setattr(cycle, "EVERY_S", 0.01)


def test_what_moves_is_waited_for_however_long_it_takes() -> None:
    looks = count()

    def look() -> tuple[bool, object]:
        at = next(looks)
        return at == 60, at // 3

    assert cycle._until(look) and next(looks) == 61  # more than twice as long as it bears with a standstill


def test_what_stands_still_is_given_up() -> None:
    assert not cycle._until(lambda: (False, ["sent"]))
