"""The web files as a browser gets them."""

import pathlib

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from denghuo.application.channels import serve


@pytest.fixture
def client(tmp_path: pathlib.Path) -> TestClient:
    (tmp_path / "assets").mkdir()
    for name, content in {
        "index.html": "<title>workbench</title>",
        "field.html": "<title>field</title>",
        "phone.html": "<title>phone</title>",
        "screen.html": "<title>screen</title>",
        "assets/app-1a2b.js": "let a = 1",
    }.items():
        (tmp_path / name).write_text(content, "utf-8")
    (tmp_path / "assets/app-1a2b.js.br").write_bytes(b"brotli")
    (tmp_path / "assets/app-1a2b.js.gz").write_bytes(b"gzip")
    (tmp_path.parent / "secret.txt").write_text("secret", "utf-8")
    app = FastAPI()
    app.post("/api/customer/account")(lambda: {"ok": True})
    serve(app, tmp_path)
    return TestClient(app)


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/", "workbench"),
        ("/w/customer/accounts?x=1", "workbench"),
        ("/field", "field"),
        ("/phone", "phone"),
        ("/phone/bills", "phone"),
        ("/screen", "screen"),
    ],
)
def test_pages_by_path(client: TestClient, path: str, title: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200 and title in answer.text
    assert answer.headers["Cache-Control"] == "no-cache"


def test_an_asset_is_immutable_and_compressed_as_accepted(client: TestClient) -> None:
    with client.stream("GET", "/assets/app-1a2b.js", headers={"Accept-Encoding": "gzip, br"}) as answer:
        assert answer.headers["Content-Encoding"] == "br" and "immutable" in answer.headers["Cache-Control"]
        assert b"".join(answer.iter_raw()) == b"brotli"
    plain = client.get("/assets/app-1a2b.js", headers={"Accept-Encoding": "identity"})
    assert plain.text == "let a = 1" and "Content-Encoding" not in plain.headers


def test_an_unchanged_page_is_not_sent_again(client: TestClient) -> None:
    etag = client.get("/").headers["ETag"]
    assert client.get("/", headers={"If-None-Match": etag}).status_code == 304


@pytest.mark.parametrize(
    "path", ["/assets/gone.js", "/../secret.txt", "/%2e%2e/secret.txt", "/api/none", "/favicon.ico"]
)
def test_what_is_not_there_is_not_answered_with_a_page(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404 and "secret" not in answer.text


def test_api_routes_win(client: TestClient) -> None:
    assert client.post("/api/customer/account").json() == {"ok": True}


def test_unbuilt_web_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("denghuo.application.channels.assets.built_folder", lambda: None)
    app = FastAPI()
    serve(app)
    answer = TestClient(app).get("/")
    assert answer.status_code == 503 and "npm run build" in answer.text
