"""Sign-in through the edge: cookie, session, lockout, one-time codes, fixation, ends of sessions."""

import contextlib
import json
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from denghuo.access.api import CredentialRef, Disable, Enrol
from denghuo.access.authentication import password
from denghuo.access.authentication.rules import FREE_FAILURES, LONGEST_WAIT, code_step, wait_after
from denghuo.service.permission.api import Appoint, Dismiss, PermissionApi, StaffRef
from tests.access.house import COMPANY, MISHAN, PASSWORD, SANJIA, Browser, House, number


def problem(answer: Any) -> str:
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    return str(answer.json()["type"])


def test_session_says_who_is_signed_in(browser: Browser) -> None:
    assert browser.post("access.session").status_code == 401
    answer = browser.sign_in(" MISHAN ")
    assert answer.status_code == 200 and answer.json()["user_name"] == "mishan"
    session = browser.post("access.session").json()
    assert (session["actor"], session["organisation"], session["organisation_name"]) == ("mishan", MISHAN, "米山供电所")
    assert (session["post"], session["post_name"], session["posts"]) == (
        "cashier",
        {"zh": "收费员", "en": "Cashier"},
        ["cashier"],
    )
    assert "payment.take" in session["permits"] and session["accounts"] == [] and session["as_of"]


def test_cookie_is_out_of_reach_of_scripts_and_the_secret_stands_nowhere_else(house: House, browser: Browser) -> None:
    answer = browser.sign_in("mishan")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/" in cookie
    assert browser.secret and browser.secret not in answer.text + browser.post("access.session").text
    kept = house.kept("journal") + house.kept("session") + house.kept("credential")
    assert "access.sign_in" in kept and browser.secret not in kept and PASSWORD not in kept


def test_unknown_name_and_wrong_password_get_the_same_answer(house: House, browser: Browser) -> None:
    unknown, wrong = browser.sign_in("nobody-here"), browser.sign_in("mishan", "wrong-password-1")
    assert unknown.status_code == wrong.status_code == 401
    assert unknown.json() == wrong.json()
    for name in ("nobody-here", "mishan"):
        answers = [browser.sign_in(name, "wrong-password-1").status_code for _ in range(FREE_FAILURES)]
        assert answers == [401] * (FREE_FAILURES - 1) + [429]
    assert "nobody-here" not in house.kept("attempt") + house.kept("failure")


def test_name_is_locked_for_a_growing_time(house: House, browser: Browser) -> None:
    for _ in range(FREE_FAILURES):
        browser.sign_in("mishan", "wrong-password-1")
    locked = browser.sign_in("mishan")
    assert problem(locked) == "/problems/access/locked-out"
    assert 0 < int(locked.headers["Retry-After"]) <= 31
    house.clock.forward(seconds=31)
    assert browser.sign_in("mishan", "wrong-password-1").status_code == 401
    assert int(browser.sign_in("mishan").headers["Retry-After"]) > 31
    house.access.unlock(house.system(), CredentialRef(user_name="mishan"))
    assert browser.sign_in("mishan").status_code == 200
    # Success forgets the failures.
    assert browser.sign_in("mishan", "wrong-password-1").status_code == 401
    assert browser.sign_in("mishan").status_code == 200


@given(failures=st.integers(0, 10_000))
def test_waits_grow_and_end_growing(failures: int) -> None:
    assert timedelta(0) <= wait_after(failures) <= wait_after(failures + 1) <= LONGEST_WAIT
    assert (wait_after(failures) > timedelta(0)) == (failures >= FREE_FAILURES)


def test_second_factor(house: House, browser: Browser) -> None:
    browser.sign_in("mishan")
    offered = browser.post("access.enrol_totp").json()
    assert offered["uri"].startswith("otpauth://totp/") and offered["secret"] in offered["uri"]
    totp = pyotp.TOTP(offered["secret"])
    assert problem(browser.post("access.confirm_totp", {"code": "000000"})) == "/problems/access/wrong-code"
    assert browser.sign_in("mishan").status_code == 200, "an unconfirmed factor locks nobody out"
    code = totp.at(house.clock())
    assert browser.post("access.confirm_totp", {"code": code}).status_code == 200
    assert browser.post("access.session").json()["second_factor"] is True

    assert problem(browser.sign_in("mishan")) == "/problems/access/code-wanted"
    assert problem(browser.sign_in("mishan", code=code)) == "/problems/access/wrong-code", "a code works once"
    house.clock.forward(seconds=60)
    assert browser.sign_in("mishan", code=totp.at(house.clock())).status_code == 200
    assert problem(browser.sign_in("mishan", "wrong-password-1", code="123456")) == "/problems/access/wrong-credentials"
    assert browser.post("access.drop_totp", {"password": "wrong"}).status_code == 422
    assert browser.post("access.drop_totp", {"password": PASSWORD}).status_code == 200
    assert browser.sign_in("mishan").status_code == 200
    kept = house.kept("journal") + house.kept("credential")
    assert offered["secret"] not in kept and code not in kept


def test_codes_count_within_a_step_of_clock_error_and_once(house: House) -> None:
    secret, now = pyotp.random_base32(), house.clock()
    totp = pyotp.TOTP(secret)
    step = int(now.timestamp()) // 30
    assert [code_step(secret, totp.at(now + timedelta(seconds=30 * off)), now, 0) for off in (-2, -1, 0, 1, 2)] == [
        None,
        step - 1,
        step,
        step + 1,
        None,
    ]
    assert code_step(secret, totp.at(now), now, step) is None


def test_session_that_was_planted_before_sign_in_is_worth_nothing(house: House, browser: Browser) -> None:
    with house.browser() as attacker:
        attacker.sign_in("sanjia")
        planted = attacker.secret or ""
        browser.carry(planted)
        browser.sign_in("mishan")
        assert browser.secret != planted
        # Who signs in over a session ends it; the planted secret now opens nobody's session.
        assert attacker.post("access.session").status_code == 401
    browser.carry("made-up-by-the-attacker")
    answer = browser.post("access.sign_in", {"user": "mishan", "password": PASSWORD})
    assert answer.status_code == 200 and "made-up-by-the-attacker" not in answer.headers["Set-Cookie"]


def test_session_ends_by_idleness_by_age_and_by_sign_out(house: House, browser: Browser) -> None:
    browser.sign_in("mishan")
    for _ in range(4):
        house.clock.forward(minutes=29)
        assert browser.post("access.session").status_code == 200
    house.clock.forward(minutes=31)
    assert problem(browser.post("access.session")) == "/problems/platform/not-signed-in"
    browser.sign_in("mishan")
    for _ in range(24):
        house.clock.forward(minutes=29)
        browser.post("access.session")
    house.clock.forward(minutes=29)
    assert browser.post("access.session").status_code == 401, "twelve hours are the end whatever was done"
    browser.sign_in("mishan")
    kept = browser.secret or ""
    assert "Max-Age=0" in browser.post("access.sign_out").headers["Set-Cookie"]
    browser.carry(kept)
    assert browser.post("access.session").status_code == 401


def test_change_of_password_ends_the_other_sessions(house: House, browser: Browser) -> None:
    browser.sign_in("mishan")
    with house.browser() as other:
        other.sign_in("mishan")
        body = {"current": "wrong", "new": "another-lamp-27"}
        refused = browser.post("access.change_password", body)
        assert problem(refused) == "/problems/access/current-password-wrong"
        for weak in ("short1", "mishan-mishan-1", "aaaaaaaaaaaa", "abcdefghijkl"):
            answer = browser.post("access.change_password", {"current": PASSWORD, "new": weak})
            assert problem(answer) == "/problems/access/weak-password", weak
            assert answer.json()["errors"][0]["field"] == "new"
        assert browser.post("access.change_password", body | {"current": PASSWORD}).json() == {"ended": 1}
        assert other.post("access.session").status_code == 401
    assert browser.post("access.session").status_code == 200
    assert browser.sign_in("mishan").status_code == 401
    assert browser.sign_in("mishan", "another-lamp-27").status_code == 200


def test_first_password_opens_nothing_but_its_change(house: House, browser: Browser) -> None:
    house.access.enrol(house.system(), Enrol(user_name="mishan", password="first-lamp-26"))
    assert browser.sign_in("mishan", "first-lamp-26").json()["must_change_password"] is True
    assert browser.post("customer.find_accounts").status_code == 403
    browser.post("access.change_password", {"current": "first-lamp-26", "new": "second-lamp-26"})
    assert browser.post("customer.find_accounts").json()["total"] == 2


def test_sessions_are_listed_and_ended(house: House, browser: Browser) -> None:
    browser.sign_in("mishan")
    with house.browser() as other:
        other.sign_in("mishan")
        rows = browser.post("access.sessions").json()["rows"]
        assert [row["current"] for row in rows] == [False, True]
        assert browser.post("access.end_session", {"session_no": rows[0]["session_no"]}).json() == {"ended": 1}
        assert other.post("access.session").status_code == 401
    mine = rows[1]["session_no"]
    with house.browser() as keeper, house.browser() as stranger:
        stranger.sign_in("sanjia")
        assert stranger.post("access.end_session", {"session_no": mine}).status_code == 403
        assert stranger.post("access.sessions", {"user_name": "mishan"}).status_code == 403
        assert stranger.post("access.sessions", {"everyone": True}).status_code == 403
        keeper.sign_in("mishankeeper")
        seen = keeper.post("access.sessions", {"everyone": True}).json()["rows"]
        assert {row["user_name"] for row in seen} == {"mishan", "mishankeeper"}, "sanjia is another station"
        foreign = stranger.post("access.sessions").json()["rows"][0]["session_no"]
        assert keeper.post("access.end_session", {"session_no": foreign}).status_code == 404
        assert keeper.post("access.end_session", {"session_no": mine}).status_code == 200
    assert browser.post("access.session").status_code == 401


def test_disabled_login_and_lost_post_end_at_once(house: House, browser: Browser) -> None:
    browser.sign_in("mishan")
    house.access.disable(house.system(), Disable(user_name="mishan", reason="借调外单位"))
    assert browser.post("access.session").status_code == 401
    assert problem(browser.sign_in("mishan")) == "/problems/access/wrong-credentials"
    house.access.disable(house.system(), Disable(user_name="mishan", disabled=False, reason="借调结束"))
    assert browser.sign_in("mishan").status_code == 200
    permission = house.directory(PermissionApi)
    held = permission.appointments(house.system(), StaffRef(user_name="mishan")).rows[0]
    permission.dismiss(house.system(), Dismiss(appointment_no=held.appointment_no, reason="调离岗位"))
    house.clock.forward(seconds=6)
    assert browser.post("customer.find_accounts").status_code == 403
    assert problem(browser.sign_in("mishan")) == "/problems/access/no-post"


def test_person_with_posts_at_two_stations_acts_at_one_at_a_time(house: House, browser: Browser) -> None:
    permission = house.directory(PermissionApi)
    permission.appoint(house.system(), Appoint(user_name="mishan", role="reading_clerk", org=SANJIA))
    browser.sign_in("mishan")
    assert browser.post("customer.find_accounts").json()["total"] == 2
    assert browser.post("access.take_post", {"org": COMPANY}).status_code == 403
    assert browser.post("access.take_post", {"org": SANJIA}).status_code == 200
    session = browser.post("access.session").json()
    assert (session["organisation"], session["posts"]) == (SANJIA, ["reading_clerk"])
    assert {place["org"]: place["post_name"]["zh"] for place in session["places"]} == {
        MISHAN: "收费员",
        SANJIA: "抄表员",
    }
    assert browser.post("customer.find_accounts").json()["total"] == 1


def test_customer_sees_the_own_accounts_only(browser: Browser) -> None:
    browser.sign_in("home")
    session = browser.post("access.session").json()
    assert (session["accounts"], session["posts"]) == ([number(1), number(2)], ["customer"])
    found = browser.post("customer.find_accounts").json()
    assert [row["account_no"] for row in found["rows"]] == [number(1), number(2)]
    assert browser.post("customer.account", {"account_no": number(3, 2)}).status_code == 404
    assert browser.post("customer.reveal", {"account_no": number(1), "reason": "想看看"}).status_code in (403, 422)
    assert browser.post("permission.staff").status_code == 403


def test_at_most_five_sessions_of_one_person(house: House, browser: Browser) -> None:
    browser.sign_in("mishan")
    first = browser.secret or ""
    for _ in range(5):
        browser.client.cookies.clear()
        browser.sign_in("mishan")
    assert browser.post("access.sessions").json()["total"] == 5
    browser.carry(first)
    assert browser.post("access.session").status_code == 401


@pytest.mark.parametrize(
    "name", ["' OR 1=1 --", "<script>alert(1)</script>", "灯🔥", "a\x00b", "x" * 10_000, "", "%", "ｍｉｓｈａｎ"]
)
def test_hostile_names_do_not_sign_in(browser: Browser, name: str) -> None:
    answer = browser.sign_in(name)
    assert answer.status_code in (401, 413, 422)
    assert json.loads(answer.text)["type"].startswith("/problems/")


def test_a_crowd_at_sign_in_is_told_to_wait() -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(password.AT_ONCE + password.WAITING_MAX):
            assert password._queue.acquire(blocking=False)
            stack.callback(password._queue.release)
        with pytest.raises(Exception, match="signing in") as raised, password.slot():
            pass
        assert raised.value.retry_after_s == password.RETRY_AFTER_S


def test_passwords_are_argon2id_with_the_stated_cost() -> None:
    stored = password.hashed("lamp-light-26")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert password.matches("lamp-light-26", stored) and not password.matches("lamp-light-27", stored)
    assert not password.matches("nobody has this password", None)
