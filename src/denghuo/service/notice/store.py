"""Queries on the notice schema, and the delivered templates."""

import json
import pathlib
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, LiteralString

import yaml

from denghuo.data.processing.work import Work
from denghuo.kernel.problem import Text, text
from denghuo.service.notice.api import NewNotice, SentNotice
from denghuo.service.notice.rules import places

_TEMPLATES = pathlib.Path(__file__).parent / "templates.yaml"


@dataclass(frozen=True)
class KnownTemplate:
    code: str
    category: str
    title: Text
    body: Text
    followed: bool
    """Others are told when it goes out."""

    @property
    def parameters(self) -> list[str]:
        return places(self.title["zh"], self.title["en"], self.body["zh"], self.body["en"])


@dataclass(frozen=True)
class KnownNotice:
    notice_no: int
    template: str
    account_no: str | None
    parameters: dict[str, str]
    sent_at: datetime
    read_at: datetime | None


@dataclass(frozen=True)
class Whose:
    """Whose notices: of one user, or of accounts."""

    user_name: str | None
    accounts: list[str]

    def params(self) -> dict[str, Any]:
        return {"user_name": self.user_name, "accounts": self.accounts}


@cache
def templates() -> dict[str, KnownTemplate]:
    content: dict[str, Any] = yaml.safe_load(_TEMPLATES.read_text("utf-8"))
    return {
        code: KnownTemplate(
            code,
            entry["category"],
            text(entry["title"]["zh"], entry["title"]["en"]),
            text(entry["body"]["zh"], entry["body"]["en"]),
            entry.get("followed", False),
        )
        for code, entry in content.items()
    }


_INSERT: LiteralString = (
    "INSERT INTO notice (key, template, account_no, user_name, org, parameters, sent_at)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (key) DO NOTHING"
)
_MINE = "(user_name = %(user_name)s OR account_no = ANY (%(accounts)s))"


class NoticeStore:
    def __init__(self, work: Work) -> None:
        self._work = work

    def add(self, notices: list[NewNotice], at: datetime) -> int:
        """Adds those whose key is new; gives how many."""
        return self._work.run_many(_INSERT, [_values(item, at) for item in notices])

    def add_followed(self, item: NewNotice, at: datetime) -> SentNotice | None:
        """Adds one to an account; None where its key was used already."""
        number = self._work.value(_INSERT + " RETURNING notice_no", _values(item, at))
        if number is None:
            return None
        return SentNotice(
            notice_no=number,
            template=item.template,
            account_no=item.account_no or "",
            org=item.org,
            parameters=item.parameters,
            way="inbox",
            sent_at=at,
        )

    def inbox(
        self, whose: Whose, codes: list[str], unread: bool, page: tuple[int, int | None]
    ) -> tuple[list[KnownNotice], int, int]:
        """Rows, their number and the number of unread ones; codes: the templates that are asked for; page: limit, below."""
        params = whose.params() | {"codes": codes, "unread": unread, "limit": page[0], "below": page[1]}
        matching = f"FROM notice WHERE {_MINE} AND template = ANY (%(codes)s) AND (NOT %(unread)s OR read_at IS NULL)"
        rows = self._work.rows(
            f"SELECT notice_no, template, account_no, parameters, sent_at, read_at {matching}"
            " AND (%(below)s::bigint IS NULL OR notice_no < %(below)s) ORDER BY notice_no DESC LIMIT %(limit)s",
            params,
            KnownNotice,
        )
        total = self._work.value(f"SELECT count(*) {matching}", params)
        waiting = self._work.value(f"SELECT count(*) FROM notice WHERE {_MINE} AND read_at IS NULL", params)
        return rows, int(total or 0), int(waiting or 0)

    def mark_read(self, whose: Whose, notice_no: int | None, at: datetime) -> int:
        return self._work.run(
            f"UPDATE notice SET read_at = %(at)s WHERE {_MINE} AND read_at IS NULL"
            " AND (%(number)s::bigint IS NULL OR notice_no = %(number)s)",
            whose.params() | {"number": notice_no, "at": at},
        )


def _values(item: NewNotice, at: datetime) -> tuple[Any, ...]:
    parameters = json.dumps(item.parameters, ensure_ascii=False)
    return (item.key, item.template, item.account_no, item.user_name, item.org, parameters, at)
