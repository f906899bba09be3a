"""Rules of permission: which posts exclude each other, what a person may do where, and how posts are named."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Protocol

from denghuo.kernel.contract import is_within
from denghuo.kernel.problem import Text, text

EXCLUDING = (
    frozenset({"administrator", "auditor"}),
    frozenset({"tariff_clerk", "tariff_approver"}),
)
"""Pairs that one person never holds at once: who does and who looks over, who drafts and who publishes."""


class Post(Protocol):
    """What the rules read of an appointment."""

    @property
    def role(self) -> str: ...

    @property
    def org(self) -> str: ...


def conflict(role: str, held: Iterable[str]) -> str | None:
    """A held role that excludes `role`, or None."""
    return next((other for other in held if frozenset({role, other}) in EXCLUDING), None)


def stands(from_day: date, to_day: date | None, on: date) -> bool:
    """Whether a half-open period of days covers a day."""
    return from_day <= on and (to_day is None or on < to_day)


def chosen_org(orgs: Iterable[str], wanted: str | None, home: str) -> str:
    """The organisation a person acts at: the wanted one where they hold a post, else the highest with a post, else home."""
    held = sorted(set(orgs), key=lambda org: (org.count("."), org))
    if wanted in held and wanted is not None:
        return wanted
    return held[0] if held else home


def permits_at(org: str, posts: Iterable[Post], permits: Mapping[str, Iterable[str]]) -> list[str]:
    """The permits of the posts that a person holds at `org` or above it; a post elsewhere lends nothing here."""
    granted: set[str] = set()
    for post in posts:
        if is_within(org, post.org):
            granted.update(permits.get(post.role, ()))
    return sorted(granted)


def named_posts(titles: Iterable[Text]) -> Text:
    """Titles of posts in one line, each once, in both languages."""
    unique = list({title["zh"]: title for title in titles}.values())
    return text("、".join(title["zh"] for title in unique), ", ".join(title["en"] for title in unique))
