"""Parked events: what services refused too often, over all journals of this process, and the wish that they be delivered again."""

from collections.abc import Iterable
from datetime import datetime

from denghuo.access.api import FindParked, ParkedEvent
from denghuo.access.monitoring.audit import content
from denghuo.data.processing import outbox
from denghuo.data.processing.database import Database
from denghuo.data.processing.outbox import Outbox, Parked


def parked_events(
    database: Database, nouns: Iterable[str], request: FindParked
) -> tuple[list[ParkedEvent], int, str | None]:
    """A page of events, how many there are, and where the next page goes on."""
    rows, total = outbox.parked(database, sorted(set(nouns)), request.limit + 1, _below(request.after))
    page = rows[: request.limit]
    following = f"{page[-1].parked_at.isoformat()} {_number(page[-1])}" if len(rows) > request.limit else None
    return [_shown(row) for row in page], total, following


def asked_again(database: Database, nouns: Iterable[str], parked_no: str, now: datetime) -> bool:
    """Whether there is such an event. Its mark is committed by itself: set twice it does the same as once."""
    consumer, _, event_id = parked_no.partition("-")
    schema = event_id.partition("-")[0]
    return schema in set(nouns) and Outbox(database, schema).ask_again(consumer, event_id, now)


def _number(row: Parked) -> str:
    return f"{row.consumer}-{row.event_id}"


def _below(after: str | None) -> tuple[datetime, str, str] | None:
    """Where the page before ended; None at the first page, and for a text that never was a `next`."""
    at, _, number = (after or "").partition(" ")
    consumer, _, event_id = number.partition("-")
    try:
        instant = datetime.fromisoformat(at)
    except ValueError:
        return None
    return (instant, consumer, event_id) if instant.tzinfo else None


def _shown(row: Parked) -> ParkedEvent:
    return ParkedEvent(
        parked_no=_number(row),
        event=row.event["type"],
        consumer=row.consumer,
        why=row.reason,
        actor=row.actor,
        parked_at=row.parked_at,
        asked_at=row.asked_at,
        content=content(row.event["data"]),
    )
