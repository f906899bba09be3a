"""Queries on what is told before disconnections, and on the policies that ask for it."""

from datetime import datetime
from typing import LiteralString

from denghuo.data.processing.work import Work
from denghuo.service.acquisition.api import (
    DisconnectionNotice,
    FindNotices,
    RecordNotice,
    SetSwitchingPolicy,
    SwitchingPolicy,
)
from denghuo.service.notice.api import SentNotice

_NOTICE: LiteralString = (
    "SELECT notice_no, meter_no, org, kind, given_at, way, note, sent_no, told_by, told_at FROM disconnection_notice n "
)
_POLICY: LiteralString = (
    "SELECT policy_no, org, effective_from, notice_days, call_minutes, reconnect_alone, source, set_by, set_at"
    " FROM switching_policy "
)


class NoticeStore:
    """Queries on notices and what is wanted of them."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def record(self, request: RecordNotice, org: str, by: str, now: datetime) -> DisconnectionNotice:
        no = self._work.value(
            "INSERT INTO disconnection_notice (meter_no, org, kind, given_at, way, note, told_by, told_at) VALUES (%(meter_no)s,"
            " %(org)s, %(kind)s, %(given_at)s, %(way)s, %(note)s, %(by)s, %(now)s) RETURNING notice_no",
            {**request.model_dump(), "org": org, "by": by, "now": now},
        )
        found: DisconnectionNotice | None = self._work.row(_NOTICE + "WHERE notice_no = %s", (no,), DisconnectionNotice)
        assert found is not None  # just written
        return found

    def record_sent(self, sent: SentNotice, kind: str, meter_no: str, org: str, by: str, now: datetime) -> None:
        self._work.run(
            "INSERT INTO disconnection_notice (meter_no, org, kind, given_at, way, note, sent_no, told_by, told_at)"
            " VALUES (%s, %s, %s, %s, %s, '', %s, %s, %s) ON CONFLICT (sent_no) DO NOTHING",
            (meter_no, org, kind, sent.sent_at, sent.way, sent.notice_no, by, now),
        )

    def find(self, request: FindNotices) -> list[DisconnectionNotice]:
        return self._work.rows(
            _NOTICE + "WHERE (%(meter_no)s::text IS NULL OR meter_no = %(meter_no)s)"
            " AND (%(kind)s::text IS NULL OR kind = %(kind)s) AND (%(after)s::bigint IS NULL OR notice_no < %(after)s)"
            " ORDER BY notice_no DESC LIMIT %(limit)s",
            {**request.model_dump(), "after": request.after_number},
            DisconnectionNotice,
        )

    def given(self, meter_no: str) -> list[DisconnectionNotice]:
        """Those since the meter was switched last: a disconnection uses up its notice."""
        return self._work.rows(
            _NOTICE
            + "WHERE meter_no = %(no)s AND NOT EXISTS (SELECT FROM switching s JOIN terminal_order o USING (order_no)"
            " WHERE s.meter_no = %(no)s AND o.state = 'answered' AND o.answered_at > n.given_at) ORDER BY notice_no",
            {"no": meter_no},
            DisconnectionNotice,
        )

    def set_policy(self, request: SetSwitchingPolicy, by: str, now: datetime) -> SwitchingPolicy:
        no = self._work.value(
            "INSERT INTO switching_policy AS p (org, effective_from, notice_days, call_minutes, reconnect_alone, source, set_by,"
            " set_at) VALUES (%(org)s, %(effective_from)s, %(notice_days)s, %(call_minutes)s, %(reconnect_alone)s, %(source)s,"
            " %(by)s, %(now)s) ON CONFLICT (org, effective_from) DO UPDATE SET notice_days = excluded.notice_days,"
            " call_minutes = excluded.call_minutes, reconnect_alone = excluded.reconnect_alone, source = excluded.source,"
            " set_by = excluded.set_by, set_at = excluded.set_at RETURNING policy_no",
            {**request.model_dump(), "by": by, "now": now},
        )
        found: SwitchingPolicy | None = self._work.row(_POLICY + "WHERE policy_no = %s", (no,), SwitchingPolicy)
        assert found is not None  # just written
        return found

    def policies(self) -> list[SwitchingPolicy]:
        return self._work.rows(_POLICY + "ORDER BY org, effective_from DESC", (), SwitchingPolicy)
