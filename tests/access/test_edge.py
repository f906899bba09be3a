"""The edge: headers, page tokens, forged callers, limits, keys. Every answer is a problem that a page can show."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from denghuo.access.api import AccessApi
from denghuo.access.edge.edge import OPEN_TO_ALL
from denghuo.access.edge.headers import POLICY
from denghuo.access.edge.limits import EdgeRules
from denghuo.access.keys import Keys
from denghuo.application.api import ApplicationApi
from denghuo.kernel.contract import PUBLIC, Call
from denghuo.service.billing.api import BillingApi
from denghuo.service.host.remote import path_of
from denghuo.service.host.token import Signer
from tests.access.house import KEY, MISHAN, Browser, House, number, served

PEER = frozenset({"customer.read"})


def problem(answer: Any) -> str:
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    return str(answer.json()["type"])


def peer(house: House, **change: Any) -> Call:
    return Call(actor="peer", now=house.clock(), permits=PEER, scope=(MISHAN,), channel="peer", **change)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


# --- headers --------------------------------------------------------------------------------------------------------------


def test_every_answer_carries_the_security_headers(browser: Browser) -> None:
    browser.sign_in("mishan")
    answers = [
        browser.post("access.session"),
        browser.post("customer.account", {"account_no": number(3, 2)}),
        browser.post("customer.account", {"colour": "red"}),
        browser.post("customer.open_accounts", {"accounts": []}),
        browser.client.post("/api/nothing/here", json={}),
        browser.client.post("/api/access/session", data={"a": "b"}),
        browser.client.get("/healthz"),
        browser.client.get("/api/customer/find_accounts/stream?request={"),
    ]
    assert [answer.status_code for answer in answers] == [200, 404, 422, 422, 404, 422, 200, 422]
    for answer in answers:
        assert answer.headers["Content-Security-Policy"] == POLICY
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "camera=(), geolocation=(self)" in answer.headers["Permissions-Policy"]
        assert len(answer.headers["X-Trace-Id"]) == 16
    assert len({answer.headers["X-Trace-Id"] for answer in answers}) == len(answers)
    assert answers[0].headers["Cache-Control"] == "no-store"


def test_policy_allows_own_files_and_nothing_else() -> None:
    parts = dict(part.strip().split(" ", 1) for part in POLICY.split(";"))
    assert parts["default-src"] == "'none'" and parts["frame-ancestors"] == "'none'" and parts["base-uri"] == "'none'"
    assert parts["script-src"] == parts["style-src"] == parts["connect-src"] == "'self'"
    assert "unsafe" not in POLICY and "http" not in POLICY and "*" not in POLICY


def test_over_https_the_cookie_is_secure_and_bound_to_the_host(house: House) -> None:
    with house.browser(house.secured(EdgeRules(https=True))) as browser:
        answer = browser.post("access.sign_in", {"user": "mishan", "password": "lamp-light-26"})
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-denghuo=") and cookie.endswith("; Path=/; HttpOnly; SameSite=Strict; Secure")
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")


# --- page tokens ----------------------------------------------------------------------------------------------------------


def test_a_post_without_the_sessions_page_token_does_nothing(house: House, browser: Browser) -> None:
    browser.sign_in("home")
    with house.browser() as other:
        other.sign_in("mishan")
        for token in ("", "wrong", other.csrf, browser.csrf[:-1], "灯".encode().decode("latin-1")):
            answer = browser.client.post(
                "/api/access/enrol_totp", json={}, headers={"X-CSRF-Token": token.encode("latin-1")}
            )
            assert answer.status_code == 403 and problem(answer) == "/problems/access/csrf-refused"
    assert browser.client.post("/api/access/enrol_totp", json={}).status_code == 403
    assert '"operation":"access.enrol_totp"' not in house.kept("journal").replace(" ", "")
    assert browser.post("access.enrol_totp").status_code == 200


def test_queries_by_post_need_the_token_too_but_the_session_itself(browser: Browser) -> None:
    browser.sign_in("mishan")
    assert browser.client.post("/api/customer/find_accounts", json={}).status_code == 403
    assert browser.client.post("/api/access/session", json={}).status_code == 200


def test_foreign_pages_are_turned_away(browser: Browser) -> None:
    browser.sign_in("mishan")
    for site in ("cross-site", "same-site"):
        answer = browser.post("customer.find_accounts", **{"Sec-Fetch-Site": site})
        assert problem(answer) == "/problems/access/csrf-refused"
    assert browser.post("customer.find_accounts", **{"Sec-Fetch-Site": "same-origin"}).status_code == 200
    for media in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"):
        answer = browser.client.post(
            "/api/access/sign_in", content=b'{"user":"x","password":"y"}', headers={"Content-Type": media}
        )
        assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == "Content-Type"


# --- who calls ------------------------------------------------------------------------------------------------------------


def test_forged_and_missing_cookies_are_nobody(house: House, browser: Browser) -> None:
    assert problem(browser.post("customer.find_accounts")) == "/problems/platform/not-signed-in"
    for secret in ("x", "A" * 43, "A" * 5_000, "' OR 1=1 --", "%00"):
        browser.carry(secret)
        browser.csrf = Keys(KEY).csrf(secret)
        assert problem(browser.post("customer.find_accounts")) == "/problems/platform/not-signed-in"


def test_what_is_open_to_all_is_a_public_question(browser: Browser) -> None:
    public = {
        path_of(operation)
        for contract in (BillingApi, AccessApi, ApplicationApi)
        for operation in contract.operations().values()
        if operation.permit == PUBLIC and operation.kind == "query"
    }
    assert OPEN_TO_ALL and public >= OPEN_TO_ALL
    for path in OPEN_TO_ALL:
        # Past the edge without a session; this house does not host it.
        assert browser.client.post(path, json={}).status_code == 404


def test_call_tokens_serve_peers_and_forged_ones_nobody(house: House, browser: Browser) -> None:
    good = house.signer.sign(peer(house), house.clock())
    found = browser.client.post("/api/customer/find_accounts", json={}, headers=bearer(good))
    assert found.status_code == 200 and found.json()["total"] == 2
    forged = Signer(b"x" * 32).sign(peer(house), house.clock())
    late = house.signer.sign(peer(house), house.clock() - timedelta(minutes=10))
    for token in (forged, late, good[:-4] + "AAAA", "nonsense", "."):
        answer = browser.client.post("/api/customer/find_accounts", json={}, headers=bearer(token))
        assert answer.status_code == 401 and problem(answer) == "/problems/platform/not-signed-in"
    # A token carries no session, so it can neither read one nor change a password.
    for operation in ("session", "sign_out"):
        answer = browser.client.post(f"/api/access/{operation}", json={}, headers=bearer(good))
        assert problem(answer) == "/problems/access/edge-only"


def test_application_without_the_edge_answers_nobody(house: House) -> None:
    from denghuo.access.module import Access
    from denghuo.service.host.http import application

    access = Access(house.store, house.directory, house.signer, house.clock)
    bare = application(house.directory.bound.values(), access.edge.caller)
    with served(bare) as address:
        for headers in ({}, {"Cookie": "denghuo=x"}):
            # A connection of its own each time: the server closes one on which it had to answer for a defect.
            answer = httpx.post(f"{address}/api/customer/find_accounts", json={}, headers=headers, timeout=60)
            assert answer.status_code == 500


def test_trace_of_the_answer_stands_in_the_journal(house: House, browser: Browser) -> None:
    browser.sign_in("mishan")
    answer = browser.post("customer.reveal", {"account_no": number(1), "reason": "客户来电核对"})
    assert answer.json()["name"] == "罗秀英"
    with house.store.work("customer", house.system(), read_only=True) as work:
        row = work.row("SELECT actor, post, channel, trace FROM journal WHERE operation = 'customer.reveal'")
    assert row == {"actor": "mishan", "post": "cashier", "channel": "browser", "trace": answer.headers["X-Trace-Id"]}
    masked = browser.post("customer.account", {"account_no": number(1)}).json()
    assert masked["name"] == "罗**", "what a browser sees is masked unless it was asked for in clear"


def test_idempotency_keys_belong_to_their_user(house: House, browser: Browser) -> None:
    body = {"account_no": number(1), "reason": "客户来电核对"}
    browser.sign_in("mishan")
    first = browser.post("customer.reveal", body, **{"Idempotency-Key": "one"})
    assert browser.post("customer.reveal", body, **{"Idempotency-Key": "one"}).json() == first.json()
    with house.browser() as other:
        other.sign_in("sanjia")
        # The same key and request, but another station: nothing of the stored reply comes out.
        assert other.post("customer.reveal", body, **{"Idempotency-Key": "one"}).status_code == 404
    for key in ("", "x" * 201):
        assert browser.post("customer.reveal", body, **{"Idempotency-Key": key}).status_code == 422


def test_streams_need_the_session_and_do_not_keep_it_alive(house: House, browser: Browser) -> None:
    url = "/api/customer/find_accounts/stream?request=%7B%7D"
    assert browser.client.get(url).status_code == 401
    browser.sign_in("mishan")
    for _ in range(2):
        house.clock.forward(minutes=20)
        with browser.client.stream("GET", url) as answer:
            seen = answer.status_code
            if seen == 200:
                assert next(answer.iter_lines()).startswith("data: ")
    assert seen == 401


# --- limits ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def narrow(house: House) -> Iterator[Browser]:
    rules = EdgeRules(sign_in_rate="3/minute", session_rate="5/minute", body_bytes=2_000, sign_in_body_bytes=300)
    with house.browser(house.secured(rules)) as found:
        yield found


def test_sign_in_is_limited_by_address(narrow: Browser) -> None:
    codes = [narrow.post("access.sign_in", {"user": f"u{n}", "password": "x"}) for n in range(4)]
    assert [answer.status_code for answer in codes] == [401, 401, 401, 429]
    assert problem(codes[-1]) == "/problems/platform/too-many"
    assert 1 <= int(codes[-1].headers["Retry-After"]) <= 120
    assert codes[-1].headers["Content-Security-Policy"] == POLICY
    assert narrow.post("access.session").status_code == 401, "other requests are not held up"


def test_session_is_limited(narrow: Browser) -> None:
    narrow.sign_in("mishan")
    codes = [narrow.post("customer.find_accounts").status_code for _ in range(6)]
    assert codes == [200] * 4 + [429] * 2


def test_address_is_limited(house: House) -> None:
    with house.browser(house.secured(EdgeRules(address_rate="3/minute"))) as browser:
        codes = [browser.client.get("/healthz").status_code for _ in range(5)]
    assert codes == [200, 200, 200, 429, 429]


def test_body_is_limited_whether_announced_or_not(narrow: Browser) -> None:
    narrow.sign_in("mishan")
    big = b'{"keyword":"' + b"x" * 3_000 + b'"}'
    headers = {"Content-Type": "application/json", "X-CSRF-Token": narrow.csrf}

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(big), 500):
            yield big[start : start + 500]

    for content in (big, pieces()):
        answer = narrow.client.post("/api/customer/find_accounts", content=content, headers=headers)
        assert answer.status_code == 413 and problem(answer) == "/problems/access/too-large"
        assert answer.json()["limit_bytes"] == 2_000
    long_password = narrow.post("access.sign_in", {"user": "mishan", "password": "x" * 400})
    assert long_password.status_code == 413


def test_forwarded_address_counts_only_from_a_trusted_proxy(house: House) -> None:
    def codes(rules: EdgeRules) -> list[int]:
        with house.browser(house.secured(rules)) as browser:
            return [
                browser.client.get("/healthz", headers={"X-Forwarded-For": f"198.51.100.{n}"}).status_code
                for n in range(4)
            ]

    assert codes(EdgeRules(address_rate="2/minute")) == [200, 200, 429, 429]
    trusted = EdgeRules(address_rate="2/minute", trusted_proxies=frozenset({"127.0.0.1"}))
    assert codes(trusted) == [200] * 4
