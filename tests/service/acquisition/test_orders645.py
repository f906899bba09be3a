"""Orders to meters of DL/T 645 behind a gateway, told to a bus of meters that answer as they like."""

import itertools
from collections.abc import Callable
from datetime import datetime

import pytest
from tests.asynchronous import run

from denghuo.kernel.period import SHANGHAI
from denghuo.service.acquisition.front.dlt645 import Asked, NoSuchData
from denghuo.service.acquisition.front.orders645 import DATE, DATE_AND_TIME, Orders645
from denghuo.service.acquisition.front.sessions import Ordered
from denghuo.service.acquisition.front.speak import Place
from denghuo.service.acquisition.protocol.dlt645 import Message, build

NOW = datetime(2026, 4, 1, 0, 0, 5, tzinfo=SHANGHAI)


class Meters:
    """One meter that tells date and time apart, each as `told` gives it next."""

    def __init__(self, told: Callable[[str], str]) -> None:
        self._told = told

    async def read(self, address: str, asked: Asked) -> bytes:
        if asked.di == DATE_AND_TIME:
            raise NoSuchData
        return build(asked.di, [self._told(asked.di)])

    async def tell(self, order: Message) -> None: ...

    async def broadcast(self, order: Message) -> None: ...


def checked(told: Callable[[str], str]) -> dict[str, object]:
    places = [Place(1, "M1", "000000000001")]
    order = Ordered("1", "check_clock", "T1", None, None, None, {}, places)
    return dict(run(Orders645(Meters(told), lambda: NOW, None).carry_out(order, first=True)))


def test_midnight_between_date_and_time_is_read_over() -> None:
    days = itertools.chain(["26-03-31 02"], itertools.repeat("26-04-01 03"))
    assert checked(lambda di: next(days) if di == DATE else "00:00:03") == {
        "clock_offset_s": -2, "meters": [{"meter_no": "M1", "cause": None, "clock_offset_s": -2}],
    }  # fmt: skip


@pytest.mark.parametrize("days", [["26-04-01 03", "26-04-02 04"], ["00-00-00 00"]], ids=["another each time", "no day"])
def test_a_date_that_is_none_or_never_the_same_is_no_clock(days: list[str]) -> None:
    told = itertools.cycle(days)
    assert checked(lambda di: next(told) if di == DATE else "00:00:03") == {
        "cause": "bad_frame", "meters": [{"meter_no": "M1", "cause": "bad_frame", "clock_offset_s": None}],
    }  # fmt: skip
