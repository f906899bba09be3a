"""The board of a month by unit (核算进度与质量看板): states, counts and expected ends, put together from what the store counts."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from denghuo.kernel.fields import TextPair
from denghuo.kernel.values import Energy, Money, Percent
from denghuo.service.billing.api import UnitBoard, UnitRow
from denghuo.service.billing.store import UNDER_WAY, UnitRun

Figures = Mapping[str, int]
_SUMS = ("due", "read", "rated", "issued", "open", "waiting")
_NONE: Figures = dict.fromkeys(("rated", "issued", "open", "unrated", "waiting", "held", "energy_wh", "amount_fen"), 0)


def unit_row(unit: UnitRun, figures: Figures | None, month_state: str | None, now: datetime) -> UnitRow:
    """month_state: of the month's cycle."""
    found = figures or _NONE
    rate = _rate(unit)
    ends_at = None
    if unit.state in UNDER_WAY and rate:
        ends_at = now + timedelta(seconds=(unit.accounts - unit.done) // rate)
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
        passed_share=_passed(found),
        energy=Energy(found["energy_wh"]),
        amount=Money(found["amount_fen"]),
        rate=rate,
        started_at=unit.started_at,
        started_by=unit.started_by,
        ends_at=ends_at,
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
    rows = [unit_row(unit, figures.get(unit.org), month_state, now) for unit in units]
    sums = {name: sum(getattr(row, name) for row in rows) for name in _SUMS}
    every = {name: sum(one[name] for one in figures.values()) for name in _NONE}
    ends = [row.ends_at for row in rows if row.ends_at is not None]
    return UnitBoard(
        month=month,
        auto_start=auto_start[0],
        share=auto_start[1],
        units=len(rows),
        units_done=sum(row.state in ("issued", "blocked") for row in rows),
        read_share=Percent.of_parts(sums["read"], sums["due"]),
        passed_share=_passed(every),
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
    return "blocked" if unit.state == "issued" and figures["open"] else unit.state


def _rate(unit: UnitRun) -> int | None:
    """Contracts a second since the unit began, as far as it was rated."""
    if unit.rated_from is None or unit.rated_until is None or not unit.done:
        return None
    taken = (unit.rated_until - unit.rated_from) / timedelta(milliseconds=1)
    return int(unit.done * 1000 / taken) or 1 if taken > 0 else None


def _passed(figures: Figures) -> Percent | None:
    """The share of contracts that no rule held at any time."""
    reviewed = figures["rated"] + figures["unrated"]
    return Percent.of_parts(max(reviewed - figures["held"], 0), reviewed)
