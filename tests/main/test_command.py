"""The command line as a user runs it: start, stop, kill, a port that is taken, commands beside a running server."""

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from denghuo.data.processing.embedded import EmbeddedServer
from denghuo.main import main

COMMAND = [sys.executable, "-m", "denghuo"]
ACCOUNT = {
    "account_no": "5810100000019",
    "name": "罗秀英",
    "kind": "resident",
    "tariff_class": "resident",
    "address": "山西省高平市米山镇米西村",
    "org": "1405810.01",
    "opened_on": "2024-08-05",
}


def call(folder: pathlib.Path, operation: str, request: Mapping[str, Any]) -> Any:
    """What `denghuo call` answers; in this process, for a start takes longer than the call."""
    said = CliRunner().invoke(main, ["--data", str(folder), "call", operation, json.dumps(request)])
    assert said.exit_code == 0, said.output
    return json.loads(said.stdout)


@contextlib.contextmanager
def started(folder: pathlib.Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running `denghuo up` and its address; killed at the end when it still runs."""
    process = subprocess.Popen(
        [*COMMAND, "--data", str(folder), *(words or ("up", "--port", "0"))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    try:
        address = ""
        for line in process.stdout:
            found = re.search(r"http://[0-9.]+:\d+", line)
            if found:
                address = found.group()
                break
        yield process, address
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
        server = EmbeddedServer(folder / "postgres")
        if server.pid() is not None:
            # What a killed process leaves behind is taken over and stopped.
            server.start()
            server.stop()


def test_up_serves_alone_stops_in_order_and_keeps_what_was_committed(tmp_path: pathlib.Path) -> None:
    with started(tmp_path) as (process, address):
        assert httpx.get(f"{address}/healthz", timeout=60).text == "ok"
        assert httpx.get(f"{address}/docs", timeout=60).status_code == 200
        assert call(tmp_path, "customer.open_accounts", {"accounts": [ACCOUNT]})["opened"] == 1
        second = CliRunner().invoke(main, ["--data", str(tmp_path), "up", "--port", "0"])
        assert second.exit_code == 2
        assert "--data" in second.output and "正在使用" in second.output
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 0
    with started(tmp_path) as (process, _):
        process.kill()
        process.wait(120)
    assert call(tmp_path, "customer.find_accounts", {"keyword": "罗秀英"})["total"] == 1


def test_a_port_that_is_taken_is_named_with_the_remedy(tmp_path: pathlib.Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        refused = CliRunner().invoke(main, ["--data", str(tmp_path), "up", "--port", str(port)])
    assert refused.exit_code == 2
    assert str(port) in refused.output and "--port" in refused.output and "占用" in refused.output
    assert not (tmp_path / "postgres").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("call", "customer.nothing"), "unknown operation"),
        (("call", "customer.account", "{"), "Invalid JSON"),
        (("call", "customer.account", '{"account_no": "1"}'), "account_no"),
        (("serve", "nothing"), "unknown service nothing"),
    ],
)
def test_wrong_words_are_answered_without_a_store(tmp_path: pathlib.Path, words: tuple[str, ...], said: str) -> None:
    refused = CliRunner().invoke(main, ["--data", str(tmp_path), *words])
    assert refused.exit_code == 2
    assert said in refused.output
    assert not (tmp_path / "postgres").exists()


def test_an_anticipated_problem_ends_a_command_with_both_texts(data_folder: pathlib.Path) -> None:
    refused = CliRunner().invoke(
        main, ["--data", str(data_folder), "call", "customer.account", '{"account_no": "5810100000019"}']
    )
    assert refused.exit_code == 2
    assert "does not exist" in refused.output and "不存在" in refused.output
