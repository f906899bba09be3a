"""The edge: wraps the web application and makes the Call of every request.

    access = Access(store, directory, signer, now)                        # binds the noun `access` in the directory
    app = access.edge.secured(application(directory.bound.values(), access.edge.caller))

A request names its caller in one of two ways: a session cookie (browsers; every POST carries the page token as well) or a call
token (`Authorization: Bearer`, other processes of the deployment). The secret of a new session is made here, before sign-in; the
service stores only its digest, and the cookie is set when sign-in succeeded. So the secret is in no reply, journal or script.
"""

import hmac
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from denghuo.access.api import CsrfRefused, TooLarge
from denghuo.access.authentication.rules import LIFETIME, TOUCH_EVERY, is_live
from denghuo.access.authentication.store import AccessStore, KnownSession
from denghuo.access.authorization.rights import RightsDesk
from denghuo.access.edge.headers import merged, security_headers
from denghuo.access.edge.limits import EdgeRules, Rates
from denghuo.access.keys import Keys, digest_of_secret, new_secret
from denghuo.access.visit import VISITOR, Visit
from denghuo.kernel.contract import Call
from denghuo.kernel.problem import Invalid, NotSignedIn, Problem, TooMany, text
from denghuo.service.host.binding import Store
from denghuo.service.host.http import problem_response
from denghuo.service.host.token import Signer

SIGN_IN = "/api/access/sign_in"
SIGN_OUT = "/api/access/sign_out"
SESSION = "/api/access/session"
NO_PAGE_TOKEN_YET = frozenset({SIGN_IN, SESSION})
"""A page asks these before it has a page token. The first needs no session; the second changes nothing and its answer is not
readable from a foreign page."""
OPEN_TO_ALL = frozenset({"/api/billing/day_root"})
"""Public questions that anyone may ask without a session, because they name no person: published figures to compare with."""

KEY_MAX = 200
SECRET_MAX = 100
AGENT_MAX = 200
FACTS = "denghuo.edge"
log = logging.getLogger("denghuo.edge")


@dataclass(frozen=True)
class Facts:
    """What the edge learned of a request before any operation runs."""

    address: str
    agent: str
    trace: str
    secret: str | None
    fresh: str | None


class Edge:
    """One per process that serves HTTP."""

    def __init__(
        self,
        store: Store,
        desk: RightsDesk,
        keys: Keys,
        signer: Signer,
        clock: Callable[[], datetime],
        rules: EdgeRules,
    ) -> None:
        self._store, self._desk, self._keys, self._signer, self._clock = store, desk, keys, signer, clock
        self._rules = rules
        self._rates = Rates(rules)
        self._cookie = "__Host-denghuo" if rules.https else "denghuo"

    # -- the call --------------------------------------------------------------------------------------------------------

    def caller(self, request: Request) -> Call:
        """The Call of a request, made in the operation's own thread.

        Raises:
            NotSignedIn, CsrfRefused, TooMany, Invalid.
        """
        facts: Facts = request.scope[FACTS]
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme == "Bearer":
            return self._signer.read(token, self._clock())
        path = request.url.path
        now = self._clock()
        if path == SIGN_IN:
            return self._visitor(facts, now)
        if facts.secret is None and path in OPEN_TO_ALL:
            return self._visitor(facts, now)
        if facts.secret is None:
            raise NotSignedIn(text("请先登录。", "Sign in first."))
        if request.method not in ("GET", "HEAD") and path not in NO_PAGE_TOKEN_YET:
            self._require_page_token(request, facts.secret)
        return self._holder(request, facts, facts.secret, now)

    def _visitor(self, facts: Facts, now: datetime) -> Visit:
        # The whole company's rows are in scope but no permit is held, so nothing but public operations can be reached.
        return Visit(
            actor=VISITOR,
            now=now,
            scope=("",),
            channel="browser",
            trace=facts.trace,
            address=facts.address,
            agent=facts.agent,
            presented=digest_of_secret(facts.secret) if facts.secret else None,
            fresh=digest_of_secret(facts.fresh) if facts.fresh else None,
        )

    def _holder(self, request: Request, facts: Facts, secret: str, now: datetime) -> Visit:
        session = self._session(digest_of_secret(secret), now, touch=not request.url.path.endswith("/stream"))
        self._rates.count("session", str(session.session_no))
        self._rates.count("user", session.user_name)
        rights = self._desk.of(session, now)
        return Visit(
            actor=session.user_name,
            now=now,
            permits=rights.permits,
            scope=rights.scope,
            accounts=rights.accounts,
            post=rights.posts[0] if rights.posts else "",
            channel="browser",
            key=_key(request, session.user_name),
            trace=facts.trace,
            address=facts.address,
            agent=facts.agent,
            session_no=session.session_no,
            csrf=self._keys.csrf(secret),
        )

    def _session(self, digest: bytes, now: datetime, touch: bool) -> KnownSession:
        with self._store.work("access", Call.system(now), read_only=True) as work:
            found = AccessStore(work).session(digest)
        if (
            found is None
            or found.ended_at is not None
            or found.disabled
            or not is_live(found.started_at, found.seen_at, found.ends_at, now)
        ):
            raise NotSignedIn(text("登录已过期或已在别处结束，请重新登录。", "The session has ended; sign in again."))
        if touch and now - found.seen_at > TOUCH_EVERY:
            with self._store.work("access", Call.system(now)) as work:
                AccessStore(work).touch(found.session_no, now)
        return found

    def _require_page_token(self, request: Request, secret: str) -> None:
        given = request.headers.get("X-CSRF-Token", "")
        if not hmac.compare_digest(given.encode(), self._keys.csrf(secret).encode()):
            raise CsrfRefused(
                text(
                    "页面令牌缺失或已失效，本次未办理；请刷新页面后重试。",
                    "The page token is missing or stale, so nothing was done; reload the page and try again.",
                )
            )

    # -- the application behind the edge ---------------------------------------------------------------------------------

    def secured(self, app: ASGIApp) -> ASGIApp:
        """The application with limits before it, and headers and cookies on its answers."""

        async def edge(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            facts = self._facts(scope)
            scope[FACTS] = facts
            sender = self._sender(scope, facts, send)
            try:
                self._admit(scope, facts)
                await app(scope, await self._buffered(scope, receive), sender)
            except Problem as problem:
                if sender.started:
                    raise
                await problem_response(problem)(scope, receive, sender)

        return edge

    def _facts(self, scope: Scope) -> Facts:
        headers = Headers(scope=scope)
        client = scope.get("client")
        address = client[0] if client else ""
        if address in self._rules.trusted_proxies:
            address = headers.get("X-Forwarded-For", address).rpartition(",")[2].strip()[:64]
        return Facts(
            address=address,
            agent="".join(filter(str.isprintable, headers.get("User-Agent", "")))[:AGENT_MAX],
            trace=secrets.token_hex(8),
            secret=self._secret(headers),
            fresh=new_secret() if scope["path"] == SIGN_IN else None,
        )

    def _secret(self, headers: Headers) -> str | None:
        for part in headers.get("Cookie", "").split(";"):
            name, _, value = part.strip().partition("=")
            if name == self._cookie and 0 < len(value) <= SECRET_MAX:
                return value
        return None

    def _admit(self, scope: Scope, facts: Facts) -> None:
        headers = Headers(scope=scope)
        try:
            self._rates.count("address", facts.address)
            if scope["path"] == SIGN_IN:
                self._rates.count("sign_in", facts.address)
        except TooMany:
            log.warning("too many requests from %s to %s", facts.address, scope["path"])
            raise
        if scope["method"] not in ("GET", "HEAD", "OPTIONS") and scope["path"].startswith("/api/"):
            # Forms of foreign pages can neither send JSON nor hide where they come from.
            if headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
                raise CsrfRefused(text("请从本系统页面办理。", "Do this from a page of this system."))
            media = headers.get("Content-Type", "").partition(";")[0].strip().lower()
            if media != "application/json":
                raise Invalid(
                    text("请求须为 application/json。", "The request must be application/json."),
                    errors=[
                        {"field": "Content-Type", "zh": "须为 application/json。", "en": "must be application/json"}
                    ],
                )
        declared = headers.get("Content-Length", "0")
        if not declared.isdecimal() or int(declared) > self._most(scope):
            raise self._too_large(scope)

    def _most(self, scope: Scope) -> int:
        return self._rules.sign_in_body_bytes if scope["path"] == SIGN_IN else self._rules.body_bytes

    def _too_large(self, scope: Scope) -> TooLarge:
        most = self._most(scope)
        return TooLarge(
            text(f"请求超过 {most} 字节，请分批提交。", f"The request exceeds {most} bytes; send it in smaller parts."),
            limit_bytes=most,
        )

    async def _buffered(self, scope: Scope, receive: Receive) -> Receive:
        """The request with its whole body read, refused where it grows past the limit without having said so."""
        parts: list[bytes] = []
        received, more = 0, True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                break
            parts.append(message.get("body", b""))
            received, more = received + len(parts[-1]), message.get("more_body", False)
            if received > self._most(scope):
                raise self._too_large(scope)
        whole: list[Message] = [{"type": "http.request", "body": b"".join(parts), "more_body": False}]

        async def replay() -> Message:
            return whole.pop() if whole else await receive()

        return replay

    def _sender(self, scope: Scope, facts: Facts, send: Send) -> "Sender":
        return Sender(
            send,
            security_headers(scope["path"], facts.trace, self._rules.https),
            lambda status: self._set_cookie(scope["path"], facts, status),
        )

    def _set_cookie(self, path: str, facts: Facts, status: int) -> str | None:
        """The cookie that an answer sets: the new secret after sign-in, none any more after sign-out."""
        attributes = "; Path=/; HttpOnly; SameSite=Strict" + ("; Secure" if self._rules.https else "")
        if path == SIGN_IN and status == 200 and facts.fresh is not None:
            return f"{self._cookie}={facts.fresh}; Max-Age={int(LIFETIME.total_seconds())}{attributes}"
        if path == SIGN_OUT and status in (200, 401):
            return f"{self._cookie}=; Max-Age=0{attributes}"
        return None


class Sender:
    """Sends an answer on with the edge's headers."""

    def __init__(self, send: Send, added: list[tuple[bytes, bytes]], cookie: Callable[[int], str | None]) -> None:
        self._send, self._added, self._cookie = send, added, cookie
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            message["headers"] = merged(list(message.get("headers", [])), self._added)
            cookie = self._cookie(message["status"])
            if cookie is not None:
                MutableHeaders(raw=message["headers"]).append("Set-Cookie", cookie)
        await self._send(message)


def _key(request: Request, user_name: str) -> str | None:
    """The idempotency key, bound to its user: nobody meets another person's stored reply."""
    given = request.headers.get("Idempotency-Key")
    if given is None:
        return None
    if not given.isprintable() or not 0 < len(given) <= KEY_MAX:
        raise Invalid(
            text("幂等键须为 1 至 200 个可见字符。", "An idempotency key has 1 to 200 printable characters."),
            errors=[
                {"field": "Idempotency-Key", "zh": "须为 1 至 200 个可见字符。", "en": "1 to 200 printable characters"}
            ],
        )
    return f"{user_name} {given}"
