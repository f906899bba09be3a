"""From what the registers show to the reads of a month: status, rule, method and energy of each (抄表复核)."""

from collections.abc import Mapping, Sequence

import numpy as np

from denghuo.kernel.values import INT64_MAX
from denghuo.service.reading.batch.matrix import Evaluated
from denghuo.service.reading.batch.plan import Accepted, PlanPiece, ReadRow, us
from denghuo.service.reading.rules import energy_wh

_METHODS = ("actual", "manual", "self_read", "sender", "interpolated", "daily_average", "none")
_VALID_RULES = (
    "self_read",
    "manual",
    "rollover",
    "outlier",
    "exchange",
    "drop",
    "reverse",
    "missing_days",
    "zero_month",
)
"""Which of the remarks names the rule of a valid read, the first that applies."""


def reads_of(found: Evaluated, accepted: Mapping[tuple[str, int, str, str], Accepted]) -> list[ReadRow]:
    """The reads of all channels in the order of the plan."""
    backwards, spike, over, rolled, outlier = (
        np.asarray(flags.any(axis=1))
        for flags in (found.backwards, found.spike, found.over_capacity, found.rolled, found.outlier)
    )
    sequence, total = found.sequence, found.total
    many = _exchanged(found.pieces)
    rows: list[ReadRow] = []
    for row, (place, quantity, band) in enumerate(found.channels):
        piece = found.pieces[place]
        start, end = int(sequence[row, 0]), int(sequence[row, -1])
        methods = found.method[row]
        method = max(methods, key=_METHODS.index)
        energy: int | None = None
        held: list[str] = []
        if start < 0 or end < 0:
            held.append(_absent(found, piece, start, end))
        else:
            if backwards[row]:
                held.append("negative")
            elif int(total[row]) > INT64_MAX // (2 * piece.multiplier):
                held.append("too_large")
            else:
                energy = energy_wh(int(total[row]), piece.multiplier)
            if spike[row]:
                held.append("spike")
            if over[row]:
                held.append("over_capacity")
            if _stands_still(found, piece, row):
                held.append("zero_run")
        notices = [
            name
            for name, applies in (
                ("self_read", found.self_read[row]),
                ("manual", "manual" in methods),
                ("rollover", rolled[row]),
                ("outlier", outlier[row]),
                ("exchange", (piece.point_no in many)),
                ("drop", bool(found.drop[row]) and not held),
                ("reverse", bool(found.reverse[row])),
                ("missing_days", found.days_missing[row] > 0),
                ("zero_month", energy == 0 and not held),
            )
            if applies
        ]
        held, softened = _by_severity(found, held)
        rows.append(
            _judged(found, piece, quantity, band, start, end, energy, method, held, notices + softened, row, accepted)
        )
    return rows


def _judged(
    found: Evaluated,
    piece: PlanPiece,
    quantity: str,
    band: str,
    start: int,
    end: int,
    energy: int | None,
    method: str,
    held: list[str],
    notices: list[str],
    row: int,
    accepted: Mapping[tuple[str, int, str, str], Accepted],
) -> ReadRow:
    estimated = method in ("sender", "interpolated", "daily_average")
    word = accepted.get((piece.point_no, piece.piece, quantity, band))
    if held and (energy is None or not all(_may_accept(found, rule) for rule in held)):
        word = None
    if word is not None and not (held and (word.start_e4, word.end_e4, word.rule) == (start, end, held[0])):
        word = None
    if held and word is None:
        status, rule = "held", held[0]
        notices = held[1:] + notices
    elif estimated:
        status, rule = "estimated", "sender" if method == "sender" else "missing"
        notices = held + notices
    elif word is not None:
        status, rule = "valid", "accepted"
        notices = held + notices
    else:
        status, rule = "valid", next((name for name in _VALID_RULES if name in notices), "checked")
    return ReadRow(
        month=piece.month,
        point_no=piece.point_no,
        piece=piece.piece,
        quantity=quantity,
        band=band,
        account_no=piece.account_no,
        area_no=piece.area_no,
        feeder_no=piece.feeder_no,
        org=piece.org,
        role=piece.role,
        meter_no=piece.meter_no,
        from_at=piece.from_at,
        to_at=piece.to_at,
        start_e4=start if start >= 0 else None,
        end_e4=end if end >= 0 else None,
        multiplier=piece.multiplier,
        energy_wh=energy,
        status=status,
        rule=rule,
        method=method,
        days_estimated=int(found.days_estimated[row]),
        days_missing=int(found.days_missing[row]),
        notices=notices,
        accepted_by=word.accepted_by if word else None,
        remark=word.reason if word else None,
        start_source=found.source[row][0],
        end_source=found.source[row][1],
        start_mark=found.mark[row][0],
        end_mark=found.mark[row][1],
    )


def _absent(found: Evaluated, piece: PlanPiece, start: int, end: int) -> str:
    """Which rule holds a read that lacks a register."""
    if end < 0 and us(piece.to_at) < found.window.end_us:
        return "exchange_no_final"
    if start < 0 and us(piece.from_at) not in found.window.starts_us:
        return "no_start"
    return "missing"


def _stands_still(found: Evaluated, piece: PlanPiece, row: int) -> bool:
    rule = found.rules.get("zero_run")
    return (
        rule is not None
        and piece.role in rule.roles
        and found.total[row] > 0
        and found.channels[row][1].startswith("active")
        and found.channels[row][2] == "total"
        and int(found.zero_run[row]) >= rule.parameters["days_min"]
    )


def _by_severity(found: Evaluated, codes: Sequence[str]) -> tuple[list[str], list[str]]:
    """Those that hold the read, and those that the rule book only remarks. A register that is not there always holds it."""
    always = ("missing", "exchange_no_final", "no_start", "negative", "too_large")
    holds = [code for code in codes if code in always or (code in found.rules and found.rules[code].severity == "hold")]
    return holds, [code for code in codes if code not in holds]


def _may_accept(found: Evaluated, code: str) -> bool:
    return code in found.rules and found.rules[code].may_accept


def _exchanged(pieces: Sequence[PlanPiece]) -> set[str]:
    """Points with more than one meter in the month."""
    seen: set[str] = set()
    many: set[str] = set()
    for piece in pieces:
        (many if piece.point_no in seen else seen).add(piece.point_no)
    return many
