"""The audit trail and the list of logins: who did what, over all services, within the reader's organisations."""

from typing import Any

import pytest

from denghuo.access.api import (
    Audit,
    CredentialNotFound,
    Enrol,
    EnrolCustomer,
    FindCredentials,
    FindHeldJobs,
    FindParked,
    NameTaken,
    NotOneself,
    PostOutsideScope,
    WeakPassword,
)
from denghuo.data.processing.outbox import Outbox
from denghuo.kernel.contract import Call
from denghuo.service.permission.api import Appoint, Engage, PermissionApi
from tests.access.house import PASSWORD, Browser, House, number
from tests.held_jobs import held


def deeds(browser: Browser, **asked: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = browser.post("access.audit", asked).json()["rows"]
    return rows


@pytest.fixture
def watched(house: House, browser: Browser) -> Browser:
    """An auditor's browser, after two clerks of different stations did things."""
    house.clock.forward(minutes=1)
    for name, account in (("mishan", number(1)), ("sanjia", number(3, 2))):
        with house.browser() as clerk:
            clerk.sign_in(name, "wrong-password-1")
            house.clock.forward(seconds=1)
            clerk.sign_in(name)
            clerk.post("customer.reveal", {"account_no": account, "reason": f"{name} 核对"})
            house.clock.forward(seconds=1)
    browser.sign_in("watcher")
    return browser


def test_trail_tells_who_did_what_when_on_whom_and_why(watched: Browser) -> None:
    found = deeds(watched, actor="mishan")
    assert [(row["operation"], row["result"]) for row in found] == [
        ("customer.reveal", "done"),
        ("access.sign_in", "done"),
        ("access.sign_in", "refused"),
    ]
    assert (found[0]["subject"], found[0]["post"], found[0]["reason"]) == (number(1), "cashier", "mishan 核对")
    assert found[0]["at"].startswith("2026-05-04T01:01") and found[0]["trace"]
    assert "127.0.0.1" in found[2]["request"]
    everything = str(deeds(watched))
    assert PASSWORD not in everything and "wrong-password-1" not in everything
    assert "罗秀英" not in everything and "米西村" not in everything and "••••" in everything


def test_trail_is_narrowed(watched: Browser) -> None:
    assert {row["actor"] for row in deeds(watched, operation="customer.reveal")} == {"mishan", "sanjia"}
    assert [row["actor"] for row in deeds(watched, subject=number(3, 2))] == ["sanjia"]
    assert {row["result"] for row in deeds(watched, result="refused")} == {"refused"}
    assert {row["channel"] for row in deeds(watched, channel="browser")} == {"browser"}
    assert not deeds(watched, channel="system", actor="mishan")
    assert {row["operation"] for row in deeds(watched, operation="permission.")} == {
        "permission.register_organisations",
        "permission.engage",
        "permission.appoint",
    }
    assert deeds(watched, from_day="2026-05-05") == [] and deeds(watched, to_day="2026-05-03") == []
    assert deeds(watched, from_day="2026-05-04", to_day="2026-05-04")
    assert deeds(watched, actor="' OR 1=1 --") == []


def test_pages_cover_the_trail_once(watched: Browser) -> None:
    total = watched.post("access.audit", {}).json()["total"]
    seen: list[str] = []
    after = None
    while True:
        page = watched.post("access.audit", {"limit": 7, "after": after}).json()
        seen += [row["deed_no"] for row in page["rows"]]
        times = [row["at"] for row in page["rows"]]
        assert times == sorted(times, reverse=True)
        after = page["next"]
        if after is None:
            break
    assert len(seen) == len(set(seen)) == total > 14
    assert watched.post("access.audit", {"after": "nonsense"}).status_code == 200


def test_auditor_of_a_station_sees_its_own_people_only(house: House, watched: Browser) -> None:
    station = Call(
        actor="local", now=house.clock(), permits=frozenset({"access.audit"}), scope=("1405810.01",), channel="peer"
    )
    rows = house.access.audit(station, Audit(limit=200)).rows
    assert {row.actor for row in rows} == {"mishan"}
    assert house.access.audit(station, Audit(actor="sanjia")).total == 0
    assert house.access.audit(station, Audit(subject=number(3, 2))).total == 0


def test_trail_needs_its_permit(house: House, browser: Browser) -> None:
    for name in ("boss", "keeper", "mishan", "home"):
        browser.sign_in(name)
        answer = browser.post("access.audit")
        assert (answer.status_code, answer.json()["permit"]) == (403, "access.audit")


def test_logins_are_listed_within_the_scope(house: House, browser: Browser) -> None:
    for _ in range(5):
        browser.sign_in("mishan", "wrong-password-1")
    browser.sign_in("mishankeeper")
    rows = browser.post("access.credentials").json()["rows"]
    assert {row["user_name"]: row["state"] for row in rows} == {
        "home": "active",
        "mishan": "locked",
        "mishankeeper": "active",
    }
    assert browser.post("access.credentials", {"keyword": "sanjia"}).json()["total"] == 0
    assert browser.post("access.credentials", {"keyword": "%", "kind": "customer"}).json()["total"] == 0
    keeper = next(row for row in rows if row["user_name"] == "mishankeeper")
    assert keeper["sessions"] == 1 and keeper["last_signed_in"]
    assert browser.post("access.disable", {"user_name": "sanjia", "reason": "越权停用"}).status_code == 404
    assert browser.post("access.unlock", {"user_name": "sanjia"}).status_code == 404
    assert browser.post("access.unlock", {"user_name": "mishan"}).status_code == 200
    assert house.access.credentials(house.system(), FindCredentials()).total == 7


def test_credentials_are_handed_out_within_the_scope_and_by_another_person(house: House) -> None:
    keeper = Call(
        actor="mishankeeper",
        now=house.clock(),
        permits=frozenset({"access.enrol", "access.enrol_customer"}),
        scope=("1405810.01",),
    )
    enrol = Enrol(user_name="mishan", password="another-lamp-27")
    assert house.access.enrol(keeper, enrol).added is False
    with pytest.raises(CredentialNotFound):
        house.access.enrol(keeper, enrol.model_copy(update={"user_name": "sanjia"}))
    house.directory(PermissionApi).engage(house.system(), Engage(user_name="twoposts", name="职员甲", org="1405810.01"))
    house.directory(PermissionApi).appoint(
        house.system(), Appoint(user_name="twoposts", role="administrator", org="1405810")
    )
    with pytest.raises(PostOutsideScope) as above:
        house.access.enrol(keeper, enrol.model_copy(update={"user_name": "twoposts"}))
    assert (above.value.user_name, above.value.org) == ("twoposts", "1405810")
    with pytest.raises(NotOneself):
        house.access.enrol(keeper, enrol.model_copy(update={"user_name": "mishankeeper"}))
    with pytest.raises(WeakPassword):
        house.access.enrol(keeper, Enrol(user_name="mishan", password="short"))
    customer = EnrolCustomer(user_name="neighbour", password="neighbour-26-x", accounts=[number(2)])
    assert house.access.enrol_customer(keeper, customer).added is True
    with pytest.raises(CredentialNotFound):
        house.access.enrol_customer(keeper, customer.model_copy(update={"accounts": [number(2), number(3, 2)]}))
    with pytest.raises(NameTaken):
        house.access.enrol_customer(keeper, customer.model_copy(update={"user_name": "mishan"}))
    with pytest.raises(NameTaken):
        house.access.enrol_customer(keeper, customer.model_copy(update={"user_name": "watcher"}))
    assert house.access.enrol(house.system(), Enrol(user_name="watcher", password="another-lamp-27")).added is False


def test_held_jobs_are_shown_with_their_reason_and_run_again_by_one_whose_scope_is_the_company(
    house: House, browser: Browser
) -> None:
    browser.sign_in("keeper")
    assert browser.post("access.held_jobs").json()["rows"] == [], "without a queue there is none"
    numbers = [
        held(house.store.database, "customer.keep", {"account_no": f"{at}"}, "ValueError", "表 7") for at in (1, 2, 3)
    ]
    first = browser.post("access.held_jobs", {"limit": 2}).json()
    rest = browser.post("access.held_jobs", {"limit": 2, "after": first["next"]}).json()
    rows = first["rows"] + rest["rows"]
    assert (first["total"], rest["next"], [row["job_no"] for row in rows]) == (3, None, numbers[::-1])
    assert browser.post("access.held_jobs", {"after": "x"}).json()["rows"] == rows
    told = {(row["operation"], row["why"], row["actor"]) for row in rows}
    assert told == {("customer.keep", "ValueError: 表 7", "mishan")}
    assert rows[0]["content"] == '{"account_no": "3"}'
    again = {"job_no": numbers[1], "reason": "档案已更正"}
    browser.sign_in("mishankeeper")
    assert browser.post("access.held_jobs").json()["rows"] == []
    assert browser.post("access.run_again", again).status_code == 404
    browser.sign_in("watcher")
    assert browser.post("access.held_jobs").json()["total"] == 3
    assert browser.post("access.run_again", again).json()["permit"] == "access.run_again"
    browser.sign_in("keeper")
    assert browser.post("access.run_again", again).status_code == 200
    assert browser.post("access.held_jobs").json()["total"] == 2
    refused = browser.post("access.run_again", again | {"reason": "再次执行"})
    assert (refused.status_code, refused.json()["job_no"]) == (404, numbers[1])
    assert house.access.held_jobs(house.system(), FindHeldJobs()).total == 2


def test_parked_events_are_shown_with_their_reason_and_delivered_again_by_one_whose_scope_is_the_company(
    house: House, browser: Browser
) -> None:
    outbox = Outbox(house.store.database, "customer")
    for at in (1, 2, 3):
        event = {"type": "customer.account.opened.v1", "data": {"account_no": f"{at}", "name": {"sealed": "x"}}}
        outbox.park("ledger", f"customer-7-{at}-0", event, "mishan", f"ValueError: reason {at}")
    browser.sign_in("keeper")
    first = browser.post("access.parked", {"limit": 2}).json()
    rest = browser.post("access.parked", {"limit": 2, "after": first["next"]}).json()
    rows = first["rows"] + rest["rows"]
    assert (first["total"], rest["next"], browser.post("access.parked", {"after": "x y"}).json()["rows"]) == (
        3,
        None,
        rows,
    )
    shown = [(row["parked_no"], row["consumer"], row["why"], row["actor"], row["asked_at"]) for row in rows]
    assert shown == [
        (f"ledger-customer-7-{at}-0", "ledger", f"ValueError: reason {at}", "mishan", None) for at in (3, 2, 1)
    ]
    assert rows[0]["event"] == "customer.account.opened.v1" and "••••" in rows[0]["content"]

    again = {"parked_no": "ledger-customer-7-2-0", "reason": "户号已补录"}
    assert browser.post("access.deliver_again", again).status_code == 200
    asked = {row["parked_no"]: row["asked_at"] for row in browser.post("access.parked").json()["rows"]}
    assert [no for no, at in asked.items() if at] == [again["parked_no"]]
    for unknown in ("ledger-customer-7-9-0", "ledger-nowhere-7-2-0", "ledger"):
        refused = browser.post("access.deliver_again", again | {"parked_no": unknown})
        assert (refused.status_code, refused.json()["parked_no"]) == (404, unknown)
    browser.sign_in("watcher")
    assert [row["reason"] for row in deeds(browser, operation="access.deliver_again")] == ["户号已补录"]
    assert browser.post("access.parked").json()["total"] == 3
    assert browser.post("access.deliver_again", again).json()["permit"] == "access.deliver_again"

    # The events are the company's: an administrator of a station sees none of them and delivers none.
    browser.sign_in("mishankeeper")
    assert browser.post("access.parked").json()["rows"] == []
    assert browser.post("access.deliver_again", again).status_code == 404
    assert house.access.parked(house.system(), FindParked()).total == 3
