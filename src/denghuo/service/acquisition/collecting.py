"""Collecting of days (采集), what is missing of them, and reads on demand (召测)."""

import uuid
from datetime import timedelta

from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.problem import text
from denghuo.kernel.values import Percent
from denghuo.service.acquisition.api import (
    AnswerReads,
    AskSuccess,
    CollectedTaken,
    CollectionStarted,
    CurvesCollected,
    DayNotOver,
    FindLeft,
    FindReads,
    FindWork,
    LeftFound,
    MeterNotCollected,
    NotMonthEnd,
    OnDemandRead,
    ReadNotFound,
    ReadNow,
    ReadRef,
    ReadsAnswered,
    ReadsFound,
    RegistersCollected,
    StartCollection,
    SuccessBoard,
    TakeCollected,
    WorkFound,
    WorkRow,
)
from denghuo.service.acquisition.api.collection import CollectionOperations
from denghuo.service.acquisition.api.work import WorkOperations
from denghuo.service.acquisition.rules import deadline_of, midnight_after, step_of
from denghuo.service.acquisition.store.collecting import CollectionStore
from denghuo.service.acquisition.store.work import WorkStore


class Collecting:
    """What is due of a day and what came of it, and reads on demand."""

    def __init__(self, work: Work) -> None:
        self._work, self._store = work, CollectionStore(work)

    def start(self, call: Call, request: StartCollection) -> CollectionStarted:
        if midnight_after(request.day) > call.now:
            raise DayNotOver(
                text(
                    f"{request.day} 尚未结束，零点示值和全天曲线还没有形成。请选择已结束的日期。",
                    f"{request.day} is not over, so its midnight registers do not exist yet. Choose a day that has ended.",
                ),
                day=str(request.day),
            )
        if "month" in request.kinds and (request.day + timedelta(days=1)).day != 1:
            raise NotMonthEnd(
                text(
                    f"{request.day} 不是月末最后一日，没有月冻结示值。请选择月末日，或不选月冻结。",
                    f"{request.day} is not the last day of a month. Choose such a day, or leave the month's registers out.",
                ),
                day=str(request.day),
            )
        deadline = deadline_of(call.now)
        due = sum(self._store.start(request.day, kind, call.now, deadline) for kind in dict.fromkeys(request.kinds))
        return CollectionStarted(day=request.day, due=due)

    def take(self, call: Call, request: TakeCollected) -> CollectedTaken:
        outcomes = self._work.datasets.scan(request.outcomes)
        collected, failed = self._store.take(outcomes, call.now)
        if request.registers is not None:
            self._work.emit(RegistersCollected(rows=request.registers))
        if request.curves is not None:
            self._work.emit(CurvesCollected(rows=request.curves))
        return CollectedTaken(collected=collected, failed=failed)

    def success(self, call: Call, request: AskSuccess) -> SuccessBoard:
        day = request.day or self._store.newest_day(request.kind)
        rows = self._store.success(request, day, call.now) if day else []
        due, done = sum(row.due for row in rows), sum(row.done for row in rows)
        return SuccessBoard(
            day=day,
            kind=request.kind,
            due=due,
            done=done,
            missing=due - done,
            rate=Percent(done * 10_000 // due) if due else None,
            rows=rows,
            as_of=call.now,
        )

    def wanting(self, call: Call, request: FindWork) -> WorkFound:
        day = request.day or self._store.newest_day(request.kind)
        found = WorkStore(self._work).rows(request, day, call.now) if day else []
        rows = [WorkRow.model_validate({**row, "step": step_of(row["cause"], row["days"])}) for row in found]
        rows = [row for row in rows if request.step in (None, row.step)]
        skip = request.after_number or 0
        shown_rows = rows[skip : skip + request.limit]
        following = str(skip + len(shown_rows)) if skip + len(shown_rows) < len(rows) else None
        return WorkFound(
            rows=shown_rows, day=day, missing=sum(row.missing for row in rows), next=following, as_of=call.now
        )

    def left(self, call: Call, request: FindLeft) -> LeftFound:
        day = request.day or self._store.newest_day(request.kind)
        rows, total = self._store.left(request, day, call.now)
        following = rows[-1].row_key if len(rows) == request.limit else None
        return LeftFound(rows=rows, total=total, next=following, as_of=call.now)

    def read_now(self, call: Call, request: ReadNow) -> OnDemandRead:
        place = self._store.place(request.meter_no, call.now)
        if place is None:
            raise MeterNotCollected(
                text(
                    f"表 {request.meter_no} 不在任何终端下，或不在您的管辖范围内。请先在终端档案中登记测量点。",
                    f"Meter {request.meter_no} is behind no terminal, or outside your scope. Assign it to a measuring point first.",
                ),
                meter_no=request.meter_no,
            )
        read = OnDemandRead(
            read_no=f"{call.now:%Y%m%d%H%M%S%f}-{uuid.uuid4().hex[:8]}",
            meter_no=request.meter_no,
            terminal_no=place["terminal_no"],
            number=place["number"],
            org=place["org"],
            asked_by=call.actor,
            asked_at=call.now,
            state="waiting" if place["online"] else "failed",
            cause=None if place["online"] else "offline",
            answered_at=None if place["online"] else call.now,
            rows=[],
        )
        self._store.ask(read, place["address"])
        return read

    def read(self, read_no: str) -> OnDemandRead:
        found = self._store.read(read_no)
        if found is None:
            raise ReadNotFound(
                text(f"召测 {read_no} 不存在。", f"There is no read on demand {read_no}."),
                read_no=read_no,
            )
        return found

    def reads(self, call: Call, request: FindReads) -> ReadsFound:
        rows = self._store.reads(request)
        following = rows[-1].read_no if len(rows) == request.limit else None
        return ReadsFound(rows=rows, next=following, as_of=call.now)

    def answer(self, call: Call, request: AnswerReads) -> ReadsAnswered:
        return ReadsAnswered(answered=self._store.answer(request.answers, call.now))


class CollectionPart(CollectionOperations, WorkOperations):
    """The operations of a service that keeps `_collecting`."""

    _collecting: Collecting

    def start_collection(self, call: Call, request: StartCollection) -> CollectionStarted:
        return self._collecting.start(call, request)

    def take_collected(self, call: Call, request: TakeCollected) -> CollectedTaken:
        return self._collecting.take(call, request)

    def success(self, call: Call, request: AskSuccess) -> SuccessBoard:
        return self._collecting.success(call, request)

    def collection_work(self, call: Call, request: FindWork) -> WorkFound:
        return self._collecting.wanting(call, request)

    def left(self, call: Call, request: FindLeft) -> LeftFound:
        return self._collecting.left(call, request)

    def read_now(self, call: Call, request: ReadNow) -> OnDemandRead:
        return self._collecting.read_now(call, request)

    def on_demand_read(self, call: Call, request: ReadRef) -> OnDemandRead:
        return self._collecting.read(request.read_no)

    def on_demand_reads(self, call: Call, request: FindReads) -> ReadsFound:
        return self._collecting.reads(call, request)

    def answer_reads(self, call: Call, request: AnswerReads) -> ReadsAnswered:
        return self._collecting.answer(call, request)
