"""What a gap may look like (估计曲线): days like it, the same time last year, meters of the same class.

Curves are meters by slots in Wh, -1 where nothing is known; integers only.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

Ints = Any
Flags = Any
LIKE_DAYS = (7, 14, 21, 28)
"""How many days before a day those lie that are like it: their mean errs least for households and for industry
(docs/reference/estimation.md)."""
DAY_BEFORE = 1
"""What stands for days like it where none is known."""
LAST_YEAR = 364
"""Days to the same day of the week a year before."""
RECENT_DAYS = (1, 2, 3, 4, 5, 6, 7)
"""The days before both by which last year is scaled, as far as they are known whole in both years."""
GROUP_MIN, GROUP_MAX = 3, 10_000
"""How many meters of a class, received whole, make its profile: fewer are no group, and more change nothing."""
GROUP_SLOTS_MIN = 24
"""How many slots of a day must be received of a meter to know its level among the others."""
_ONE_E4 = 10_000
_TIMES_E4 = 10 * _ONE_E4
"""A use that grew more than tenfold is another use."""


def likened(days: Sequence[Ints], before: Ints) -> Ints:
    """The mean of the days that are like a day, slot by slot, of those that are known; else the day before."""
    count = sum((day >= 0).astype(np.int64) for day in days)
    total = sum(np.maximum(day, 0) for day in days)
    return np.where(count > 0, total // np.maximum(count, 1), before)


def scaled_year(then: Ints, recent: Sequence[tuple[Ints, Ints]]) -> Ints:
    """The day of last year, scaled by what recent days have to the same ones of last year (days of both years); unscaled where no
    pair is known whole, and unknown where use grew more than tenfold."""
    now, before = np.zeros((2, len(then)), dtype=np.int64)
    for day, same in recent:
        whole = ((day >= 0) & (same >= 0)).all(axis=1)
        now += np.where(whole, day.sum(axis=1), 0)
        before += np.where(whole, same.sum(axis=1), 0)
    share_e4 = np.where(before > 0, now * _ONE_E4 // np.maximum(before, 1), _ONE_E4)
    known = (then >= 0) & (share_e4 <= _TIMES_E4)[:, None]
    return np.where(known, then * np.minimum(share_e4, _TIMES_E4)[:, None] // _ONE_E4, -1)


def group_profile(curves: Ints) -> Ints | None:
    """The mean of the meters that were received whole, slot by slot; None where they are too few or all of it is nothing."""
    whole = curves[(curves >= 0).all(axis=1)]
    mean = whole.sum(axis=0) // max(len(whole), 1)
    return mean if len(whole) >= GROUP_MIN and mean.any() else None


def of_group(raw: Ints, profile: Ints, bound: Flags) -> Ints:
    """A group's profile at the level of each meter, by what was received of it. bound: registers say how much there is, so that the
    shape is enough where too little was received."""
    there = raw >= 0
    own = np.where(there, raw, 0).sum(axis=1)
    of_others = np.where(there, profile, 0).sum(axis=1)
    enough = (there.sum(axis=1) >= GROUP_SLOTS_MIN) & (of_others > 0)
    share_e4 = np.where(enough, own * _ONE_E4 // np.maximum(of_others, 1), _ONE_E4)
    sane = share_e4 <= _TIMES_E4 * _ONE_E4
    level = profile * np.minimum(share_e4, _TIMES_E4 * _ONE_E4)[:, None] // _ONE_E4
    return np.where(((enough & sane) | bound)[:, None], np.where(sane[:, None], level, profile), -1)
