"""Rights: what the holder of a session may do, asked of the permission service and kept for a few seconds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from denghuo.access.api import Place
from denghuo.access.authentication.store import KnownSession
from denghuo.kernel.contract import Call, is_within
from denghuo.kernel.fields import TextPair
from denghuo.service.host.binding import Ask
from denghuo.service.permission.api import Appointment, PermissionApi, PersonRef, RolePermits, StaffNotFound
from denghuo.service.permission.api import Organisations as AskOrganisations

KEPT_FOR = timedelta(seconds=5)
"""A dismissal takes effect within this time, without a question to the permission service on each request."""
KEPT_MAX = 10_000
CUSTOMER = "customer"
SELF = "access.self"


@dataclass(frozen=True)
class Rights:
    permits: frozenset[str]
    scope: tuple[str, ...]
    accounts: tuple[str, ...]
    org: str
    org_name: TextPair
    posts: tuple[str, ...]
    post_name: TextPair
    places: tuple[Place, ...] = ()


NOTHING_NAME = TextPair(zh="", en="")
NONE = Rights(frozenset(), (), (), "", NOTHING_NAME, (), NOTHING_NAME)


class RightsDesk:
    """Answers what a session's holder may do. One per process."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._kept: dict[tuple[str, str | None, bool], tuple[datetime, Rights]] = {}

    def of(self, session: KnownSession, now: datetime) -> Rights:
        """A first password that must be changed opens nothing but the change."""
        key = (session.user_name, session.org, session.must_change)
        kept = self._kept.get(key)
        if kept is not None and abs(now - kept[0]) < KEPT_FOR:
            return kept[1]
        read: Callable[[KnownSession, datetime], Rights] = self._customer if session.kind == CUSTOMER else self._staff
        rights = read(session, now)
        if session.must_change:
            rights = Rights(
                frozenset({SELF}), (), rights.accounts, rights.org, rights.org_name, rights.posts, rights.post_name
            )
        if len(self._kept) >= KEPT_MAX:
            self._kept.clear()
        self._kept[key] = (now, rights)
        return rights

    def _staff(self, session: KnownSession, now: datetime) -> Rights:
        try:
            person = self._ask(PermissionApi).person(
                Call.system(now), PersonRef(user_name=session.user_name, org=session.org)
            )
        except StaffNotFound:
            return NONE
        here = [post for post in person.posts if is_within(person.org, post.org)]
        return Rights(
            permits=frozenset(person.permits),
            scope=tuple(person.scope),
            accounts=(),
            org=person.org,
            org_name=person.org_name,
            posts=tuple(dict.fromkeys(post.role for post in here)),
            post_name=_named(here),
            places=tuple(
                Place(org=org, org_name=held[0].org_name, post_name=_named(held))
                for org, held in _by_org(person.posts).items()
            ),
        )

    def _customer(self, session: KnownSession, now: datetime) -> Rights:
        if not session.accounts:
            # Without account numbers the call would not be bound to any account, so it may nothing at all.
            return NONE
        role = self._ask(PermissionApi).role(Call.system(now), RolePermits(code=CUSTOMER))
        return Rights(
            permits=frozenset(role.permits),
            scope=("",),
            accounts=tuple(session.accounts),
            org=session.home,
            org_name=self._organisation_name(session.home, now),
            posts=(CUSTOMER,),
            post_name=role.name,
        )

    def _organisation_name(self, code: str, now: datetime) -> TextPair:
        tree = self._ask(PermissionApi).organisations(Call.system(now), AskOrganisations())
        found = next((row for row in tree.rows if row.code == code), None)
        return TextPair(zh=found.name, en=found.name_en or found.name) if found else TextPair(zh=code, en=code)


def _by_org(posts: Iterable[Appointment]) -> dict[str, list[Appointment]]:
    found: dict[str, list[Appointment]] = {}
    for post in posts:
        found.setdefault(post.org, []).append(post)
    return dict(sorted(found.items()))


def _named(posts: Iterable[Appointment]) -> TextPair:
    """What several posts are called together."""
    names = {post.role: post.role_name for post in posts}.values()
    return TextPair(zh="、".join(name.zh for name in names), en=", ".join(name.en for name in names))
