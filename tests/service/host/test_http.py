"""What the host derives beside the operations: streams, metrics."""

import base64
import json
import pathlib
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from tests.service.bindings import KEY, NOW, clock, local, web

from denghuo.data.processing.database import Database
from denghuo.kernel.contract import Call
from denghuo.service.customer.api import CustomerApi, NewAccount, OpenAccounts
from denghuo.service.customer.service import CustomerService
from denghuo.service.host.binding import Directory
from denghuo.service.host.token import Signer

CLERK = Call(actor="clerk", now=NOW, permits=frozenset({"customer.*"}), scope=("1405810",), channel="pc")


@pytest.fixture
def served(database_dsn: str, tmp_path: pathlib.Path) -> Iterator[tuple[Directory, httpx.Client]]:
    with Database(database_dsn) as database:
        directory = local(database, tmp_path, {CustomerApi: CustomerService})
        with web(directory) as client:
            client.headers["Authorization"] = f"Bearer {Signer(KEY).sign(CLERK, clock())}"
            yield directory, client


ACCOUNT = {
    "account_no": "5810100000019",
    "name": "罗秀英",
    "kind": "resident",
    "tariff_class": "resident",
    "address": "山西省高平市米山镇米西村",
    "phone": "10088153044",
    "org": "1405810.01",
    "opened_on": "2024-08-05",
}


def open_one(directory: Directory, account_no: str) -> None:
    account = NewAccount.model_validate(ACCOUNT | {"account_no": account_no})
    reply = directory(CustomerApi).open_accounts(CLERK, OpenAccounts(accounts=[account]))
    assert reply.opened == 1


def test_a_stream_sends_at_once_and_when_the_reply_changes(served: tuple[Directory, httpx.Client]) -> None:
    directory, client = served
    path = "/api/customer/find_accounts/stream"
    with client.stream("GET", path, params={"request": json.dumps({"limit": 5})}, timeout=60) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        replies = (json.loads(line[6:]) for line in response.iter_lines() if line.startswith("data: "))
        assert next(replies)["total"] == 0
        open_one(directory, "5810100000019")
        found = next(replies)
    assert (found["total"], found["rows"][0]["name"]) == (1, "罗**")


def test_a_stream_refuses_what_the_query_refuses(served: tuple[Directory, httpx.Client]) -> None:
    _, client = served
    refused = client.get("/api/customer/find_accounts/stream", params={"request": '{"limit": 0}'})
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == ["limit"]
    assert client.get("/api/customer/find_accounts/stream", headers={"Authorization": ""}).status_code == 401


@pytest.mark.parametrize(
    ("request_body", "field", "zh"),
    [
        ({"limit": 500}, "limit", "应不大于 200，请调整。"),
        ({"limit": "many"}, "limit", "应为整数，请改正。"),
        ({"lmit": 5}, "lmit", "契约中没有此字段，请删除或检查拼写。"),
        ({"tariff_class": "moon"}, "tariff_class", "应为以下之一：'resident', "),
        ({"org": 12}, "org", "应为文本，请加引号给出。"),
    ],
)
def test_a_request_that_does_not_fit_says_the_remedy_in_chinese(
    served: tuple[Directory, httpx.Client], request_body: dict[str, object], field: str, zh: str
) -> None:
    _, client = served
    (error,) = client.post("/api/customer/find_accounts", json=request_body).json()["errors"]
    assert error["field"] == field
    assert error["zh"].startswith(zh)
    assert error["en"]


def test_a_missing_field_has_no_value_of_what_stands_beside_it(served: tuple[Directory, httpx.Client]) -> None:
    _, client = served
    body = {"accounts": [{name: value for name, value in ACCOUNT.items() if name != "account_no"}]}
    (error,) = client.post("/api/customer/open_accounts", json=body).json()["errors"]
    assert (error["field"], error["value"], error["zh"]) == ("accounts.0.account_no", "", "缺少必填字段，请补充。")


def altered(token: str, **claims: object) -> str:
    """The token with other claims under the old signature."""
    header, body, signature = token.split(".")
    known = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return ".".join((header, encoded(known | claims), signature))


def encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def test_a_call_token_that_is_not_ours_unchanged_and_fresh_is_refused(served: tuple[Directory, httpx.Client]) -> None:
    _, client = served
    good = Signer(KEY).sign(CLERK, clock())
    _, claims, signature = good.split(".")
    refused = {
        "forged": Signer(b"another key of thirty-two bytes!").sign(CLERK, clock()),
        "permits altered": altered(good, permits=["*"]),
        "scope altered": altered(good, scope=[""]),
        "expiry altered": altered(good, exp=2**33),
        "not signed": ".".join((encoded({"alg": "none", "typ": "JWT"}), claims, "")),
        "another algorithm": ".".join((encoded({"alg": "HS512", "typ": "JWT"}), claims, signature)),
        "cut": good[:-1],
        "expired": Signer(KEY).sign(CLERK, clock() - timedelta(minutes=2)),
    }
    for how, token in refused.items():
        client.headers["Authorization"] = f"Bearer {token}"
        for operation, body in (("open_accounts", {"accounts": [ACCOUNT]}), ("find_accounts", {})):
            response = client.post(f"/api/customer/{operation}", json=body)
            assert (response.status_code, response.json()["type"]) == (401, "/problems/platform/not-signed-in"), how
    client.headers["Authorization"] = f"Bearer {good}"
    assert client.post("/api/customer/find_accounts", json={}).json()["total"] == 0


def test_health_and_metrics(served: tuple[Directory, httpx.Client]) -> None:
    _, client = served
    assert client.get("/healthz").text == "ok"
    client.post("/api/customer/find_accounts", json={})
    assert 'denghuo_operation_seconds_count{operation="customer.find_accounts"}' in client.get("/metrics").text
    for header in ("Forwarded", "X-Forwarded-For", "X-Real-IP"):
        assert client.get("/metrics", headers={header: "192.0.2.1"}).status_code == 404, "not through a proxy"
