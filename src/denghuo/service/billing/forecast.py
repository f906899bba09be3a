"""The days of a running month, and what the missing ones will be (在途电量与月末预测). Pure: registers in, pieces out.

So far is what all meters of the contract were read of. The missing days are foreseen from the account's own days of the last
eight weeks: the expected day is the mean of the same weekday, a low and a high day are the deciles of all days. The band adds low
days to low days, so it is wider than chance alone would make it: weeks of heat or of absence come together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import groupby

from denghuo.kernel.period import midnight
from denghuo.kernel.values import round_half_up
from denghuo.service.billing.batch import Piece
from denghuo.service.billing.rules.quantities import share
from denghuo.service.reading.api import DayRead

HISTORY_DAYS = 56
SAME_WEEKDAYS = 2
"""So many days of a weekday make a mean of their own; with fewer the mean is that of all days."""
LOW, HIGH = 1, 9
"""Tenths."""
READ = frozenset({"actual", "manual", "self_read"})
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Channel:
    """A register of a point over the midnights of a month, the one that ends it included."""

    point_no: str
    quantity: str
    band: str
    multiplier: int
    midnights: Sequence[DayRead]
    role: str = "sale"

    @property
    def active(self) -> bool:
        return self.quantity.startswith("active")

    def read_until(self, today: date) -> date | None:
        """The newest midnight, not after today's, at which the register was read."""
        read = (one.day for one in self.midnights if one.method in READ and one.shown is not None and one.day <= today)
        return max(read, default=None)

    def known(self, first: date, until: date) -> list[DayRead] | None:
        """The days before a midnight, from the first one on which there is a meter; None where one of them is not known."""
        days = [one for one in self.midnights if first <= one.day < until]
        while days and days[0].energy is None and days[0].shown is None:
            days = days[1:]
        return days if days and all(one.energy is not None for one in days) else None


@dataclass(frozen=True)
class Rest:
    """Energy in Wh of the days that are missing."""

    low: int
    expected: int
    high: int


def read_until(channels: Sequence[Channel], today: date) -> date | None:
    """The newest midnight until which all active registers were read; None where one was not read at all."""
    newest = [one.read_until(today) for one in channels if one.active]
    return min((day for day in newest if day is not None), default=None) if None not in newest else None


def pieces_until(account_no: str, channels: Sequence[Channel], first: date, until: date) -> list[Piece] | None:
    """What was metered from a day to a midnight; None where an active register leaves a day open. A reactive register that does is
    left out."""
    pieces = []
    for channel in channels:
        if channel.quantity == "demand":
            pieces += _demand(account_no, channel, first, until)
            continue
        days = channel.known(first, until)
        if days is not None:
            pieces.append(_piece(account_no, channel, days, until))
        elif channel.active:
            return None
    return pieces


def doubtful(channels: Sequence[Channel], until: date) -> list[str]:
    """The rules by which registers until a midnight wait for a person; an estimate takes them as they stand."""
    waiting = {
        one.rule: None
        for channel in channels
        for one in channel.midnights
        if one.day <= until and one.status == "held" and one.shown is not None
    }
    return list(waiting)


def _piece(account_no: str, channel: Channel, days: Sequence[DayRead], until: date) -> Piece:
    begin, end = days[0], next(one for one in channel.midnights if one.day == until)
    # Over an exchange there are two registers, of which the difference says nothing.
    one_meter = begin.piece == end.piece and begin.meter_no == end.meter_no
    estimated = sum(one.method not in READ for one in days[1:])
    return Piece(
        point_no=channel.point_no,
        account_no=account_no,
        area_no=None,
        role=channel.role,
        meter_no=end.meter_no,
        piece=1,
        quantity=channel.quantity,
        band=channel.band,
        from_at=midnight(begin.day),
        to_at=midnight(until),
        start_e4=begin.shown.e4 if one_meter and begin.shown is not None else None,
        end_e4=end.shown.e4 if one_meter and end.shown is not None else None,
        multiplier=channel.multiplier if one_meter else 1,
        energy_wh=sum(one.energy.wh for one in days if one.energy is not None),
        status="estimated" if estimated or begin.method not in READ else "valid",
        rule="checked",
        method="actual" if begin.method in READ else begin.method,
        days_estimated=estimated,
    )


def _demand(account_no: str, channel: Channel, first: date, until: date) -> list[Piece]:
    """The largest demand that was shown until a midnight, in W; nothing where none was read."""
    shown = [
        one for one in channel.midnights if first < one.day <= until and one.method in READ and one.shown is not None
    ]
    if not shown:
        return []
    largest = max(shown, key=lambda one: one.shown.e4 if one.shown is not None else 0)
    found = _piece(account_no, channel, [largest], until)
    e4 = largest.shown.e4 if largest.shown is not None else 0
    return [replace(found, start_e4=None, end_e4=e4, energy_wh=round_half_up(e4 * channel.multiplier, 10))]


# --- days to come ----------------------------------------------------------------------------------------------------------


def days_of(channels: Sequence[Channel], first: date, until: date) -> dict[date, int]:
    """Active energy in Wh of each known day: of each point the total register, or its bands where it has no total."""
    counted = [
        one
        for _, group in groupby(sorted((one for one in channels if one.active), key=_by_point), key=_by_point)
        for one in _totals(list(group))
    ]
    summed: dict[date, list[int]] = {}
    for channel in counted:
        for day in channel.midnights:
            if first <= day.day < until and day.energy is not None:
                summed.setdefault(day.day, []).append(day.energy.wh)
    return {day: sum(values) for day, values in summed.items() if len(values) == len(counted)}


def _by_point(one: Channel) -> str:
    return one.point_no


def _totals(group: Sequence[Channel]) -> Sequence[Channel]:
    return [one for one in group if one.band == "total"] or group


def foreseen(history: Mapping[date, int], days: Sequence[date]) -> Rest:
    """What the days to come will take, in the light of the days before them. Without any history nothing is foreseen: zero."""
    before = sorted(history)[-HISTORY_DAYS:]
    if not before or not days:
        return Rest(0, 0, 0)
    all_days = [history[day] for day in before]
    of_weekday: dict[int, list[int]] = {}
    for day in before:
        of_weekday.setdefault(day.weekday(), []).append(history[day])
    expected = 0
    for day in days:
        same = of_weekday.get(day.weekday(), [])
        expected += mean(same if len(same) >= SAME_WEEKDAYS else all_days)
    low, high = (len(days) * quantile(all_days, tenths) for tenths in (LOW, HIGH))
    # A mean may lie beyond a decile where few days are far off.
    return Rest(min(low, expected), expected, max(high, expected))


def mean(values: Sequence[int]) -> int:
    """The mean of whole numbers, half up."""
    return round_half_up(sum(values), len(values))


def quantile(values: Sequence[int], tenths: int) -> int:
    """The smallest of the values that so many tenths of them do not exceed (nearest rank)."""
    return sorted(values)[max(-(-len(values) * tenths // 10) - 1, 0)]


def grown(pieces: Sequence[Piece], rest_wh: int, until: date) -> list[Piece]:
    """The pieces as they will be at a later midnight, when so much more active energy has gone through the meters.

    Points and bands keep the shares that they have so far, and reactive energy its ratio; demand stays the largest so far.
    """
    ends = midnight(until)
    active = [one for one in pieces if one.quantity.startswith("active")]
    by_point = {
        point: list(group)
        for point, group in groupby(sorted(active, key=lambda one: one.point_no), lambda one: one.point_no)
    }
    totals = {point: [one for one in group if one.band == "total"] or group for point, group in by_point.items()}
    so_far = {point: sum(one.energy_wh or 0 for one in group) for point, group in totals.items()}
    of_point = dict(zip(so_far, _shared(rest_wh, list(so_far.values())), strict=True))
    more: dict[tuple[str, str], int] = {}
    for point, group in by_point.items():
        for kind in ("total", "bands"):
            rows = [one for one in group if (one.band == "total") is (kind == "total")]
            added = _shared(of_point[point], [one.energy_wh or 0 for one in rows])
            more |= {(point, one.band): wh for one, wh in zip(rows, added, strict=True)}
    whole = sum(so_far.values())
    found = []
    for one in pieces:
        if (one.quantity, one.method) == ("demand", "curve"):
            # Its period is the quarter-hour in which it was.
            found.append(one)
            continue
        added_wh = 0
        if one.quantity.startswith("active"):
            added_wh = more[one.point_no, one.band]
        elif one.quantity != "demand" and whole:
            added_wh = round_half_up((one.energy_wh or 0) * rest_wh, whole)
        update = replace(one, to_at=ends, energy_wh=(one.energy_wh or 0) + added_wh)
        found.append(update if rest_wh == 0 else replace(update, start_e4=None, end_e4=None, status="estimated"))
    return found


def followed(pieces: Sequence[Piece], rest_wh: int, until: date) -> list[Piece]:
    """As `grown`, with the days to come in pieces of their own, so that a month can be cut and split where it is known."""
    found = []
    for known, later in zip(pieces, grown(pieces, rest_wh, until), strict=True):
        if known.quantity == "demand":
            found.append(later)
            continue
        more = (later.energy_wh or 0) - (known.energy_wh or 0)
        ahead = {"start_e4": None, "end_e4": None, "status": "estimated", "rule": "missing", "method": "daily_average"}
        found += [
            known,
            replace(later, piece=known.piece + 1, from_at=known.to_at, energy_wh=more, days_estimated=0, **ahead),  # type: ignore[arg-type]
        ]
    return found


def _shared(total: int, weights: Sequence[int]) -> list[int]:
    """A total shared by weights, equally where all are zero."""
    return share(total, list(weights) if any(weights) else [1] * len(weights), 1)
