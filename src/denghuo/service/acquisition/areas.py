"""What supply areas are called: the records of terminals know their numbers alone."""

from collections.abc import Iterable, Mapping
from contextlib import suppress

from denghuo.kernel.batch import ITEMS_MAX
from denghuo.kernel.contract import Call
from denghuo.kernel.problem import Unavailable
from denghuo.service.host.binding import Ask
from denghuo.service.point.api import AreaNumbers, PointApi


def area_names(ask: Ask, call: Call, area_nos: Iterable[str | None]) -> Mapping[str, str]:
    """The names that are known and within the caller's scope, by number. None is known while the points are out of reach: an alarm
    does not wait for a name."""
    wanted = sorted({no for no in area_nos if no})
    names = dict[str, str]()
    with suppress(Unavailable):
        for first in range(0, len(wanted), ITEMS_MAX):
            asked = AreaNumbers(area_nos=wanted[first : first + ITEMS_MAX])
            rows = ask(PointApi).area_names(call.only("point.read"), asked).rows
            names |= {row.area_no: row.name for row in rows}
    return names
