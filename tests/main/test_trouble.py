"""What happens to a running platform: its database dies and returns, its disk fills up."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import pytest
from click.testing import CliRunner

from denghuo.data.processing.embedded import EmbeddedServer
from denghuo.kernel.problem import Unavailable
from denghuo.main import main
from denghuo.main.composition import operator, platform
from denghuo.service.customer.api import CustomerApi, FindAccounts, NewAccount, OpenAccounts
from denghuo.settings import load

ACCOUNT = {
    "account_no": "5810100000019",
    "name": "罗秀英",
    "kind": "resident",
    "tariff_class": "resident",
    "address": "山西省高平市米山镇米西村",
    "org": "1405810.01",
    "opened_on": "2024-08-05",
}


def test_a_database_that_dies_is_started_anew_and_nothing_committed_is_lost(data_folder: pathlib.Path) -> None:
    loaded = load(None, {}, {"data": str(data_folder)})
    with platform(loaded, alone=True) as running:
        customers = running.directory(CustomerApi)
        customers.open_accounts(operator(), OpenAccounts(accounts=[NewAccount.model_validate(ACCOUNT)]))
        pid = EmbeddedServer(data_folder / "postgres").pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 120
        while True:
            # The pool waits for a server for a while, so a short outage may pass without anybody being refused.
            try:
                found = customers.find_accounts(operator(), FindAccounts())
                # What the killed server left behind may answer once more.
                if EmbeddedServer(data_folder / "postgres").pid() not in (None, pid):
                    break
            except Unavailable as problem:
                assert problem.part == "database"
            assert time.monotonic() < deadline
            threading.Event().wait(0.1)
        assert [row.account_no for row in found.rows] == ["5810100000019"]


_FULL_DISK = """
import json, pathlib, sys
from denghuo.kernel.problem import Unavailable
from denghuo.main.composition import operator, platform
from denghuo.service.customer.api import CustomerApi, FindAccounts, NewAccount, OpenAccounts
from denghuo.service.customer.rules import check_digit
from denghuo.settings import load

folder = pathlib.Path(sys.argv[1])
account = json.loads(sys.argv[2])


def batch(number):
    numbers = (f"58101{serial:07d}" for serial in range(number * 1000, number * 1000 + 1000))
    return OpenAccounts(accounts=[NewAccount.model_validate(account | {"account_no": n + check_digit(n)}) for n in numbers])


with platform(load(None, {}, {"data": str(folder)}), alone=True) as running:
    customers = running.directory(CustomerApi)
    customers.open_accounts(operator(), batch(0))
    filler = folder / "filler"
    with filler.open("wb") as file:
        try:
            while True:
                file.write(bytes(1 << 20))
                file.flush()
        except OSError:
            pass
    said, taken, number = "", 1, 1
    while not said:
        try:
            customers.open_accounts(operator(), batch(number))
            taken += 1
            number += 1
        except Unavailable as problem:
            said = problem.part
    full = customers.find_accounts(operator(), FindAccounts(limit=1)).total
    filler.unlink()
    for _ in range(100):
        try:
            customers.open_accounts(operator(), batch(number))
            break
        except Unavailable:
            pass
    print(json.dumps({"said": said, "taken": taken, "full": full,
                      "after": customers.find_accounts(operator(), FindAccounts(limit=1)).total}))
"""


def test_a_full_disk_refuses_clearly_keeps_what_was_there_and_recovers(
    tmp_path: pathlib.Path, data_folder: pathlib.Path
) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    namespace = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    script = f'mount -t tmpfs -o size=160m tmpfs "{folder}" && cp -a "{data_folder}/." "{folder}" && exec "$@"'
    command = [*namespace, "sh", "-c", script, "sh", sys.executable, "-c", _FULL_DISK, str(folder), json.dumps(ACCOUNT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["said"] in ("disk", "database")
    assert told["full"] == told["taken"] * 1000
    assert told["after"] == told["full"] + 1000


@pytest.mark.parametrize("folder", ["/proc/denghuo", "/dev/null/denghuo"])
def test_a_folder_that_cannot_be_made_is_named(folder: str) -> None:
    refused = CliRunner().invoke(main, ["--data", folder, "up", "--port", "0"])
    assert refused.exit_code == 2
    assert folder in refused.stderr and "--data" in refused.stderr
