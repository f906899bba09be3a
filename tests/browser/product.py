"""Starting the product as a user does: `denghuo up` on a free port over a data folder of its own, and stopping it again."""

import contextlib
import datetime
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

DEMO = pathlib.Path(__file__).resolve().parents[2] / "examples" / "gaoping"
MONTH = "2026-04"
START_S = 300
RUN_S = 300
STOP_S = 120


@dataclass
class Product:
    """A running product and its demo users."""

    url: str
    users: dict[str, dict[str, str]]
    front: tuple[str, int]
    """Where terminals connect to."""
    folder: pathlib.Path
    """Its data."""

    def password(self, user: str) -> str:
        return self.users[user]["password"]

    @contextlib.contextmanager
    def session(self, user: str) -> Iterator[httpx.Client]:
        """An API client in which the user is signed in."""
        with httpx.Client(base_url=self.url, timeout=60) as client:
            answer = client.post(
                "/api/access/sign_in",
                json={"user": user, "password": self.password(user)},
                headers={"Idempotency-Key": os.urandom(8).hex(), "Origin": self.url},
            )
            answer.raise_for_status()
            found = client.post("/api/access/session", json={}).json()
            client.headers.update({"X-CSRF-Token": found["csrf"], "Origin": self.url})
            yield client

    def ask(self, client: httpx.Client, operation: str, **request: Any) -> Any:
        """Calls an operation; a refusal is an error of the test."""
        answer = client.post(
            f"/api/{operation.replace('.', '/')}", json=request, headers={"Idempotency-Key": os.urandom(8).hex()}
        )
        assert answer.status_code == 200, f"{operation}: {answer.status_code} {answer.text[:500]}"
        return answer.json()

    def bill_month(self, month: str = MONTH) -> None:
        """Runs a month to its end and waits until the ledger has its bills."""
        with self.session("billing") as client:
            self.ask(client, "billing.start_cycle", month=month)
            cycle = self.until(
                lambda: self.ask(client, "billing.cycle", month=month), lambda found: found["state"] == "done"
            )
            issued = cycle["issued"]
        with self.session("ledger") as client:
            self.until(
                lambda: self.ask(client, "ledger.postings", month=month),
                lambda found: sum(row["bills"] + row["unchanged"] for row in found["rows"]) >= issued,
            )

    def operate(self, operation: str, **request: Any) -> None:
        """Calls an operation as the operator of the machine does, from its command line."""
        command = [sys.executable, "-m", "denghuo", "--data", str(self.folder), "call", operation, json.dumps(request)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    @staticmethod
    def until(look: Any, wanted: Any) -> Any:
        ends, pause = time.monotonic() + RUN_S, 0.05
        while True:
            found = look()
            if wanted(found):
                return found
            assert time.monotonic() < ends, f"not reached in {RUN_S} s: {str(found)[:800]}"
            # Most come at once; what takes long is not asked for so often that the asking holds it up.
            time.sleep(pause)
            pause = min(2 * pause, 0.4)


ON_ANOTHER_DAY = """
import datetime, sys
import denghuo.main
from denghuo.main.composition import now as here
ahead = datetime.datetime.fromisoformat(sys.argv.pop(1)) - here()
for module in list(sys.modules.values()):
    if getattr(module, "now", None) is here:
        module.now = lambda: here() + ahead
denghuo.main.main(prog_name="denghuo")
"""
"""The command line of a product whose clock begins at another instant: some things are open on a few days of a month only."""


@contextlib.contextmanager
def running(folder: pathlib.Path, demo: pathlib.Path = DEMO, at: datetime.datetime | None = None) -> Iterator[Product]:
    """`denghuo up --demo` over the folder, until the block ends; or the product that DENGHUO_BROWSER_URL names, whose data
    folder is DENGHUO_BROWSER_DATA, where the demo company itself is asked for. at: where the clock begins, if not now."""
    given = os.environ.get("DENGHUO_BROWSER_URL")
    if given and demo == DEMO and at is None:
        data = pathlib.Path(os.environ["DENGHUO_BROWSER_DATA"])
        front = ("127.0.0.1", int(os.environ.get("DENGHUO_BROWSER_FRONT", "0")))
        yield Product(given, json.loads((data / "demo-users.json").read_text("utf-8")), front, data)
        return
    program = ["-m", "denghuo"] if at is None else ["-c", ON_ANOTHER_DAY, at.isoformat()]
    command = [sys.executable, *program, "--data", str(folder), "up", "--demo", str(demo), "--port", "0"]
    # All tests sign in from one address, more often than people do.
    environment = {**os.environ, "DENGHUO_SIGN_IN_RATE": "1000/minute", "DENGHUO_SANDBOX_PAYMENT": "true"}
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env=environment,
        start_new_session=True,
    )
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(process.stdout or ()), daemon=True)
    reader.start()
    try:
        url = _address(process, lines)
        users = json.loads((folder / "demo-users.json").read_text("utf-8"))
        yield Product(url, users, _front(lines), folder)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _address(process: "subprocess.Popen[str]", lines: list[str]) -> str:
    ends = time.monotonic() + START_S
    while time.monotonic() < ends:
        for line in list(lines):
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            if found:
                _wait_for(found.group(), ends)
                return found.group()
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise AssertionError("the product did not start:\n" + "".join(lines[-40:]))


def _front(lines: list[str]) -> tuple[str, int]:
    found = next(match for line in lines if (match := re.search(r"terminals: ([\d.]+):(\d+)", line)))
    return found.group(1), int(found.group(2))


def _wait_for(url: str, ends: float) -> None:
    while time.monotonic() < ends:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url, timeout=5).status_code == 200:
                return
        time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")
