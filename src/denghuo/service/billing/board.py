"""The board of a month by unit (核算进度与质量看板): states, counts and expected ends, put together from what the store counts."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import Energy, Money, Percent
from denghuo.service.billing.api import UnitBoard, UnitRow
from denghuo.service.billing.store import NO_FIGURES, UNDER_WAY, UnitRun

Figures = Mapping[str, int]
_SUMS = ("due", "read", "rated", "issued", "open", "waiting")


def unit_row(unit: UnitRun, figures: Figures | None, month_state: str | None, now: datetime) -> UnitRow:
    """month_state: of the month's cycle."""
    found = figures or NO_FIGURES
    return UnitRow(
        org=unit.org,
        state=_state(unit, found, month_state),  # type: ignore[arg-type]  # text of the table, validated here
        due=unit.due,
        read=unit.read,
        read_share=Percent.of_parts(unit.read, unit.due),
        accounts=max(unit.accounts + found["waiting"], found["rated"] + found["unrated"]),
        done=unit.done,
        rated=found["rated"],
        issued=found["issued"],
        open=found["open"],
        waiting=found["waiting"],
        later=unit.later,
        passed_share=_passed(found),
        error_share=_wrong(found),
        energy=Energy(found["energy_wh"]),
        amount=Money(found["amount_fen"]),
        rate=_rate(unit),
        started_at=unit.started_at,
        started_by=unit.started_by,
        ends_at=_ends_at(unit, now),
        ended_at=unit.ended_at,
        trouble=None if unit.trouble is None else TextPair.model_validate(unit.trouble),
    )


def unit_board(
    month: str | None,
    units: Sequence[UnitRun],
    figures: Mapping[str, Figures],
    month_state: str | None,
    auto_start: tuple[bool, int],
    now: datetime,
) -> UnitBoard:
    """The board of a month: a row a unit, and their sums. auto_start: whether units begin by themselves, and from which percent of
    reads on. month_state: that of the whole month, None where it was not started."""
    rows = [unit_row(unit, figures.get(unit.org), month_state, now) for unit in units]
    sums = {name: sum(getattr(row, name) for row in rows) for name in _SUMS}
    every = {name: sum(one[name] for one in figures.values()) for name in NO_FIGURES}
    ends = [row.ends_at for row in rows if row.ends_at is not None]
    return UnitBoard(
        month=month,
        auto_start=auto_start[0],
        share=auto_start[1],
        units=len(rows),
        units_done=sum(_done(row.state, month_state) for row in rows),
        read_share=Percent.of_parts(sums["read"], sums["due"]),
        passed_share=_passed(every),
        error_share=_wrong(every),
        energy=Energy(every["energy_wh"]),
        amount=Money(every["amount_fen"]),
        ends_at=max(ends, default=None),
        rows=rows,
        as_of=now,
        **sums,
    )


def _state(unit: UnitRun, figures: Figures, month_state: str | None) -> str:
    if unit.state == "planned":
        if month_state not in (None, "units"):
            return "whole"
        return "complete" if 0 < unit.due <= unit.read else "planned"
    if unit.state == "stopped" and month_state not in (None, "units"):
        return "whole"
    return "blocked" if unit.state == "issued" and figures["open"] else unit.state


def _done(state: str, month_state: str | None) -> bool:
    return state in ("issued", "blocked") or (state == "whole" and month_state == "done")


def _taken(unit: UnitRun) -> timedelta | None:
    """How long it took to rate what is done, without the time in which the unit stood still."""
    if unit.rated_from is None or unit.rated_until is None or not unit.done:
        return None
    return max(unit.rated_until - unit.rated_from, timedelta(milliseconds=1))


def _rate(unit: UnitRun) -> int | None:
    taken = _taken(unit)
    return None if taken is None else unit.done * timedelta(seconds=1) // taken or 1


def _ends_at(unit: UnitRun, now: datetime) -> datetime | None:
    """When all is rated at the speed so far; not before now."""
    taken = _taken(unit)
    if unit.state not in UNDER_WAY or taken is None or unit.rated_until is None:
        return None
    return max(now, unit.rated_until + taken * (unit.accounts - unit.done) / unit.done)


def _passed(figures: Figures) -> Percent | None:
    """The share of contracts that no rule held at any time."""
    reviewed = figures["rated"] + figures["unrated"]
    return Percent.of_parts(max(reviewed - figures["held"], 0), reviewed)


def _wrong(figures: Figures) -> Percent | None:
    """Wrongly billed money / billed money (差错率)."""
    return Percent.of_parts(figures["wrong_fen"], figures["amount_fen"])
