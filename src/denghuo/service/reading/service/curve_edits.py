"""Values of curves as clerks accept and edit them (曲线人工确认与编辑), beside what was received, and what came of it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np

from denghuo.data.analysis.lake_day import SLOTS
from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.period import midnight
from denghuo.kernel.problem import text
from denghuo.kernel.values import Energy
from denghuo.service.reading.api import (
    CheckedCurve,
    CheckedCurveAsked,
    CurveEditRow,
    CurveHistory,
    CurveHistoryAsked,
    CurveVersionRow,
    EditCurve,
    NotYet,
    SpanUnfit,
)
from denghuo.service.reading.batch.checked import matrix
from denghuo.service.reading.batch.intake import CURVES
from denghuo.service.reading.batch.plan import Ints
from denghuo.service.reading.rules.edits import (
    Edit,
    Unfit,
    accepted,
    by_like_days,
    by_line,
    by_registers,
    counts_of,
    entered,
)
from denghuo.service.reading.service.curves import Curves, slot_of, slot_text
from denghuo.service.reading.service.judging import JudgedDay, Judging
from denghuo.service.reading.store.curves import CurveStore
from denghuo.service.reading.store.edits import EditStore, edit_of


class CurveEdits:
    def __init__(self, work: Work, curves: Curves, judging: Judging) -> None:
        self._work, self._curves, self._judging = work, curves, judging
        self._store, self._edits = CurveStore(work), EditStore(work)

    def edit(self, call: Call, request: EditCurve, owner: tuple[str, str | None]) -> CheckedCurve:
        day, series, meter_no = request.day, request.series, request.meter_no
        if midnight(day + timedelta(days=1)) > call.now:
            raise NotYet(
                text(f"{day} 尚未结束。", f"{day} has not ended."),
                read_at=midnight(day + timedelta(days=1)).isoformat(),
            )
        asked = self._judging.asked(call, day, owner[0])
        self._store.lock(day)
        (found,) = self._judging.judged(series, self._judging.known(day, asked, meter_no))
        first, last = slot_of(request.begins), slot_of(request.ends) - 1
        try:
            given = self._given(request, found, first, last)
        except Unfit as unfit:
            raise SpanUnfit(
                text(
                    f"{day} {request.begins}–{request.ends}：{unfit.zh}",
                    f"{day} {request.begins}–{request.ends}: {unfit}",
                ),
                day=str(day),
                begins=request.begins,
                ends=request.ends,
                way=request.way,
            ) from unfit
        seen = tuple(found.raw[0, first : last + 1].tolist())
        edit = Edit(0, first, last, request.way, seen, tuple(given.tolist()))
        said = (request.reason, call.actor, call.now)
        self._edits.enter(series, meter_no, day, edit, owner, said)
        self._curves.judge_again(call, series, self._judging.known(day, asked, meter_no))
        return self._curves.curve(call, CheckedCurveAsked(meter_no=meter_no, series=series, day=day))

    def history(self, call: Call, request: CurveHistoryAsked) -> CurveHistory:
        kind, day = CURVES[request.series], request.day
        rows = self._edits.rows(request.series, request.meter_no, day)
        versions = self._versions(request)
        now = versions[0][1] if versions else np.full(len(SLOTS), -1, dtype=np.int64)
        counts = counts_of([edit_of(row) for row in rows], now)
        edits = [
            CurveEditRow.model_validate(
                {
                    "edit_no": row["edit_no"],
                    "begins": slot_text(row["first_slot"]),
                    "ends": slot_text(row["last_slot"] + 1),
                    "way": row["way"],
                    "energy": _energy(row["given"]),
                    "state": _state(row["way"], row["given"], int(counts[row["edit_no"]].sum())),
                    "reason": row["reason"],
                    "entered_by": row["entered_by"],
                    "entered_at": row["entered_at"],
                }
            )
            for row in reversed(rows)
        ]
        received = [row for row, _ in versions]
        as_of = self._work.lake.recorded_at([kind.name], day, day) or call.now
        return CurveHistory(edits=edits, received=received, as_of=as_of)

    def _given(self, request: EditCurve, found: JudgedDay, first: int, last: int) -> Any:
        raw, estimate, verdict = found.raw[0], found.estimate[0], found.verdict[0]
        if request.way == "accept":
            return accepted(raw, verdict, first, last)
        if request.way == "value":
            assert request.energy is not None
            return entered(verdict, first, last, request.energy.wh)
        if request.way == "linear":
            return by_line(raw, verdict, first, last)
        if request.way == "like_day":
            like = self._judging.like(request.series, request.day, [request.meter_no])[0]
            return by_like_days(verdict, like, first, last)
        if request.way == "register_even":
            return by_registers(raw, estimate, verdict, first, last, int(found.bound[0]))
        return np.full(last - first + 1, -1, dtype=np.int64)

    def _versions(self, request: CurveHistoryAsked) -> list[tuple[CurveVersionRow, Ints]]:
        """What was received of a meter's day by versions of the lake that changed it, newest first."""
        kind, lake = CURVES[request.series], self._work.lake
        before: Ints = np.full(len(SLOTS), -1, dtype=np.int64)
        rows: list[tuple[CurveVersionRow, Ints]] = []
        for file in lake.versions(kind, request.day):
            found = lake.rows_of(kind, [file], [request.meter_no])
            if not len(found):
                # A piece of the day that says nothing of this meter.
                continue
            values = matrix([request.meter_no], found)[0]
            changed = int((values != before).sum())
            if changed:
                row = CurveVersionRow(
                    version=len(rows) + 1,
                    recorded_at=file.recorded_at,
                    received=int((values >= 0).sum()),
                    changed=changed,
                    energy=Energy(int(np.maximum(values, 0).sum())),
                )
                rows.append((row, values))
            before = values
        return rows[::-1]


def _energy(given: Sequence[int]) -> Energy | None:
    there = [value for value in given if value >= 0]
    return Energy(sum(there)) if there else None


def _state(way: str, given: Sequence[int], counting: int) -> str:
    said = len(given) if way == "withdraw" else sum(value >= 0 for value in given)
    return "counts" if counting == said else "partly" if counting else "lapsed"
