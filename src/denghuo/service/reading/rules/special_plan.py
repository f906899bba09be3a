"""When what was collected for a plan is gathered, and what a meter took between midnights of one for line loss (线损抄表). Pure."""

from datetime import date, datetime, timedelta
from typing import NamedTuple

from denghuo.kernel.fields import TextPair
from denghuo.kernel.period import SHANGHAI, midnight
from denghuo.service.reading.rules import energy_wh

GATHERED_AFTER = timedelta(hours=6)
"""How long after a midnight its registers are gathered: terminals have told theirs by then, and nobody has gone out to read yet."""
GATHERED_FOR = timedelta(days=31)
"""How long a register that is not known is looked for every morning."""


def gathering_of(waits_since: date, now: datetime) -> datetime:
    """The next morning on which registers are gathered of which the first has its midnight on a day."""
    morning = midnight(now.astimezone(SHANGHAI).date()) + GATHERED_AFTER
    if morning <= now:
        morning += timedelta(days=1)
    return max(morning, midnight(waits_since) + GATHERED_AFTER)


class Ends(NamedTuple):
    """The registers of a meter at both ends of its time in a plan, in 1e-4 of the unit. late: one was read after its midnight.
    hung_at, off_at: when it was hung or taken off between the midnights; None: it hung there at that midnight."""

    start_e4: int | None
    end_e4: int | None
    late: bool = False
    hung_at: datetime | None = None
    off_at: datetime | None = None


def energy_of(ends: Ends, multiplier: int) -> tuple[int | None, TextPair | None]:
    """Wh between both ends, and what is to be known of them; no energy where they do not tell it."""
    before, after = ends.start_e4, ends.end_e4
    if before is None or after is None:
        if (ends.hung_at and before is None) or (ends.off_at and after is None):
            return None, TextPair(
                zh="缺换表示数，请补录拆装示数", en="A register of the exchange is not known; enter it"
            )
        return None, TextPair(zh="示数未抄齐", en="A register is not read yet")
    if after < before:
        return None, TextPair(zh="止示数小于起示数，请核对", en="The end lies below the start; check them")
    said: list[tuple[str, str]] = []
    if ends.late:
        said.append(("现场当前值，与其他表计不同时", "As it showed later than the other meters"))
    if ends.hung_at:
        said.append(
            (f"{_day(ends.hung_at)} 装表，自装表示数起", f"Hung on {_day(ends.hung_at)}, from its register then")
        )
    if ends.off_at:
        said.append(
            (f"{_day(ends.off_at)} 拆表，至拆表示数止", f"Taken off on {_day(ends.off_at)}, to its register then")
        )
    remark = TextPair(zh="；".join(zh for zh, _ in said), en="; ".join(en for _, en in said)) if said else None
    return energy_wh(after - before, multiplier), remark


def _day(at: datetime) -> date:
    return at.astimezone(SHANGHAI).date()
