"""Audit: reads the journals of all services and the attempts that were refused as one trail, newest first.

The journals stay where they are; each is read through a Work of its schema, in that schema's role.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from denghuo.access.api import Audit, Deed
from denghuo.access.visit import VISITOR
from denghuo.data.processing.work import Work
from denghuo.kernel.contract import Call
from denghuo.kernel.period import midnight
from denghuo.service.host.binding import Store

CONTENT_MAX = 2_000
COUNT_MAX = 10_000
DOTS = "••••"
ATTEMPTS = "access.attempt"
EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
LATEST = datetime(9999, 12, 30, tzinfo=UTC)

_JOURNAL_WHERE = """
 FROM journal WHERE at >= %(since)s AND at < %(until)s
 AND (NOT %(limited)s OR actor = ANY (%(actors)s) OR (actor = %(visitor)s AND subject = ANY (%(actors)s)))
 AND (%(actor)s = '' OR actor = %(actor)s OR (actor = %(visitor)s AND subject = %(actor)s))
 AND (%(operation)s = '' OR operation ^@ %(operation)s) AND (%(subject)s = '' OR subject = %(subject)s)
 AND (%(channel)s = '' OR channel = %(channel)s)
"""
_ATTEMPT_WHERE = """
 FROM attempt WHERE at >= %(since)s AND at < %(until)s
 AND (NOT %(limited)s OR user_name = ANY (%(actors)s)) AND (%(actor)s = '' OR user_name = %(actor)s)
 AND (%(operation)s = '' OR 'access.sign_in' ^@ %(operation)s) AND (%(subject)s = '' OR user_name = %(subject)s)
"""
_AFTER = " AND (at, %(source)s, {number}) < (%(after_at)s, %(after_source)s, %(after_number)s)"
_OUTCOMES = {
    "wrong": "用户名或密码不正确 wrong name or password",
    "code": "验证码不正确 wrong code",
    "locked": "锁定期内尝试 tried while locked",
    "no_post": "尚未任职 no post",
}


@dataclass(frozen=True)
class Cursor:
    """Where a page ended; rows go on below it in the order (at, source, number)."""

    at: datetime = LATEST
    source: str = "~"
    number: int = 2**62

    def __str__(self) -> str:
        return f"{self.at.isoformat()} {self.source} {self.number}"

    @classmethod
    def of(cls, value: str | None) -> "Cursor":
        try:
            at, source, number = (value or "").split(" ")
            instant = datetime.fromisoformat(at)
            return cls(instant, source, int(number)) if instant.tzinfo else cls()
        except ValueError:
            return cls()


@dataclass(frozen=True)
class Found:
    cursor: Cursor
    deed: Deed


def trail(
    store: Store, nouns: Iterable[str], call: Call, request: Audit, actors: list[str] | None
) -> tuple[list[Deed], int, str | None]:
    """A page of deeds, their number (each service counts up to a limit) and where the next page goes on.

    actors: whose deeds the caller may see; None for everyone's.
    """
    params = _params(request, actors)
    found: list[Found] = []
    total = 0
    for noun in sorted(set(nouns)):
        # The journal is read in the platform's name: its tables know no organisation, the actors bound it instead.
        with store.work(noun, Call.system(call.now), read_only=True) as work:
            if request.result != "refused":
                found += _journal(work, noun, params)
                total += _count(work, _JOURNAL_WHERE, params)
            if noun == "access" and request.result != "done" and request.channel != "system":
                found += _attempts(work, params)
                total += _count(work, _ATTEMPT_WHERE, params)
    found.sort(key=lambda item: (item.cursor.at, item.cursor.source, item.cursor.number), reverse=True)
    page = found[: request.limit]
    more = len(found) > request.limit
    return [item.deed for item in page], total, str(page[-1].cursor) if more else None


def _params(request: Audit, actors: list[str] | None) -> dict[str, Any]:
    after = Cursor.of(request.after)
    return {
        "since": midnight(request.from_day) if request.from_day else EARLIEST,
        "until": midnight(request.to_day + timedelta(days=1)) if request.to_day else LATEST,
        "limited": actors is not None,
        "actors": actors or [],
        "actor": request.actor,
        "operation": request.operation,
        "subject": request.subject,
        "channel": request.channel or "",
        "visitor": VISITOR,
        "limit": request.limit + 1,
        "most": COUNT_MAX,
        "after_at": after.at,
        "after_source": after.source,
        "after_number": after.number,
    }


def _count(work: Work, where: str, params: dict[str, Any]) -> int:
    return int(work.value(f"SELECT count(*) FROM (SELECT 1 {where} LIMIT %(most)s) AS counted", params) or 0)


def _journal(work: Work, noun: str, params: dict[str, Any]) -> Iterator[Found]:
    query = (
        f"SELECT at, seq, actor, post, channel, trace, operation, subject, request {_JOURNAL_WHERE}"
        f"{_AFTER.format(number='seq')} ORDER BY at DESC, seq DESC LIMIT %(limit)s"
    )
    for row in work.rows(query, params | {"source": noun}):
        signed_in = row["actor"] == VISITOR
        yield Found(
            Cursor(row["at"].astimezone(UTC), noun, row["seq"]),
            Deed(
                at=row["at"],
                actor=row["subject"] if signed_in else row["actor"],
                post=row["post"],
                channel=row["channel"],
                operation=row["operation"],
                subject="" if row["subject"] == row["actor"] else row["subject"],
                result="done",
                reason=_reason(row["request"]),
                request=content(row["request"]),
                trace=row["trace"],
                deed_no=f"{noun}-{row['seq']}",
            ),
        )


def _attempts(work: Work, params: dict[str, Any]) -> Iterator[Found]:
    query = (
        f"SELECT at, attempt_no, user_name, address, agent, trace, outcome {_ATTEMPT_WHERE}"
        f"{_AFTER.format(number='attempt_no')} ORDER BY at DESC, attempt_no DESC LIMIT %(limit)s"
    )
    for row in work.rows(query, params | {"source": ATTEMPTS}):
        yield Found(
            Cursor(row["at"].astimezone(UTC), ATTEMPTS, row["attempt_no"]),
            Deed(
                at=row["at"],
                actor=row["user_name"] or "?",
                post="",
                channel="browser",
                operation="access.sign_in",
                subject="",
                result="refused",
                reason=_OUTCOMES.get(row["outcome"], row["outcome"]),
                request=content({"address": row["address"], "agent": row["agent"]}),
                trace=row["trace"],
                deed_no=f"attempt-{row['attempt_no']}",
            ),
        )


def _reason(request: Any) -> str:
    """The reason that a person gave, where the operation asks for one."""
    value = request.get("reason") or request.get("remark") if isinstance(request, dict) else None
    return value if isinstance(value, str) else ""


def content(request: Any) -> str:
    """As much as a list shows of it, sealed personal data as dots."""
    shown = json.dumps(_unsealed(request), ensure_ascii=False)
    return shown if len(shown) <= CONTENT_MAX else shown[:CONTENT_MAX] + "…"


def _unsealed(node: Any) -> Any:
    """The stored request with dots where personal data is sealed: the trail tells that it was given, not what."""
    if isinstance(node, dict):
        if set(node) == {"sealed"}:
            return DOTS
        return {key: _unsealed(value) for key, value in cast(dict[str, Any], node).items()}
    if isinstance(node, list):
        return [_unsealed(item) for item in node[:50]]
    return node
