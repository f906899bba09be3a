"""MQTT brokers for tests, each a process of its own: NATS from the package index, and Mosquitto where the system has it."""

import contextlib
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tests.certificates import Certificate

START_S = 60.0
FRONT, FRONT_PASSWORD = "front", "front-secret"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Process(ABC):
    """A broker that keeps its sessions in `folder`. `users`: passwords; each may use the topics of the device of its name alone,
    the front all of them. With a `certificate` it speaks TLS alone."""

    folder: pathlib.Path
    users: Mapping[str, str]
    port: int = field(default_factory=free_port)
    certificate: Certificate | None = None
    _running: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """What starts it, with the files that it reads."""

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            self._running = subprocess.Popen(self.command(), stdout=log, stderr=log, cwd=self.folder)
        deadline = time.monotonic() + START_S
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), START_S):
                return
            assert self._running.poll() is None and time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.02)

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self._running is not None:
            self._running.send_signal(number)
            self._running.wait(START_S)
            self._running = None

    def kill(self) -> None:
        self.stop(signal.SIGKILL)


class Nats(Process):
    def command(self) -> list[str]:
        users = [{"user": FRONT, "password": FRONT_PASSWORD}]
        for user, password in self.users.items():
            own = [f"/.v1.devices.{user}.>", "$MQTT.>"]
            users.append({"user": user, "password": password, "permissions": {"publish": own, "subscribe": own}})  # type: ignore[dict-item]
        mqtt: dict[str, object] = {"listen": f"127.0.0.1:{self.port}", "ack_wait": "30s"}
        if self.certificate is not None:
            mqtt["tls"] = {"cert_file": str(self.certificate.file), "key_file": str(self.certificate.key)}
        settings = {
            "server_name": "denghuo-test",
            "listen": "127.0.0.1:-1",
            "jetstream": {"store_dir": str(self.folder / "store"), "max_mem": 64_000_000, "max_file": 256_000_000},
            "mqtt": mqtt,
            "authorization": {"users": users},
            "max_payload": 2_000_000,
        }
        (self.folder / "nats.conf").write_text(json.dumps(settings))
        return [str(pathlib.Path(sys.executable).parent / "nats-server"), "-c", str(self.folder / "nats.conf")]


class Mosquitto(Process):
    def command(self) -> list[str]:
        known = {FRONT: FRONT_PASSWORD, **self.users}
        passwords = self.folder / "passwords"
        passwords.write_text("".join(f"{user}:{password}\n" for user, password in known.items()))
        subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=True, capture_output=True)
        rights = f"user {FRONT}\ntopic readwrite /v1/devices/#\n\npattern readwrite /v1/devices/%u/#\n"
        (self.folder / "rights").write_text(rights)
        for name in ("passwords", "rights"):
            (self.folder / name).chmod(0o644)
        self.folder.chmod(0o755)
        (self.folder / "mosquitto.conf").write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\n"
            f"acl_file {self.folder / 'rights'}\nuser root\npersistence true\npersistence_location {self.folder}/\n"
            "autosave_interval 1\nautosave_on_changes true\n"
            + (f"certfile {tls.file}\nkeyfile {tls.key}\n" if (tls := self.certificate) is not None else "")
        )
        return ["mosquitto", "-c", str(self.folder / "mosquitto.conf")]


KINDS: Mapping[str, type[Process]] = {"nats": Nats} | ({"mosquitto": Mosquitto} if shutil.which("mosquitto") else {})


@contextlib.contextmanager
def broker(
    kind: str,
    folder: pathlib.Path,
    users: Mapping[str, str],
    certificate: Certificate | None = None,
    port: int | None = None,
) -> Iterator[Process]:
    made = KINDS[kind](folder, users, port or free_port(), certificate)
    made.start()
    try:
        yield made
    finally:
        made.stop()
