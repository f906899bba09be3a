"""Keys of direct meters (电表密钥): behind a port, so that they may lie in a machine. The software safe keeps them in a file, each
version sealed under the master key of the deployment; neither the database nor a log ever has them, only version and check value.
"""

import contextlib
import fcntl
import hashlib
import hmac
import importlib
import json
import os
import pathlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_wrap

from denghuo.kernel.problem import Problem, text
from denghuo.service.acquisition.front.sessions import Sessions
from denghuo.service.acquisition.protocol.dlms.security import KEY_SIZE, Sealing, Security

TITLE = b"DNG\0\0\0\0\1"
"""Our system title; a counter is never used twice under a key, whichever front uses it, so all of them have the same."""
NONCE_SIZE, CHECK_SIZE = 12, 4
ENCRYPTION, AUTHENTICATION = 0, 2
"""Which key is transferred, as class 64 numbers them (IEC 62056-6-2, security setup)."""
Version = tuple[str, int]
"""A meter by its record's number, and which of its keys."""


class Keys(NamedTuple):
    """The keys of one version, 16 bytes each: encryption and proof (GUEK, GAK), and the meter's master key (KEK) that new ones are
    wrapped under on their way."""

    encryption: bytes
    authentication: bytes
    master: bytes

    @property
    def check(self) -> str:
        """Says whether two hold the same keys, and nothing of the keys."""
        return hmac.new(b"".join(self), b"check value", hashlib.sha256).digest()[:CHECK_SIZE].hex()


class KeysNotThere(Exception):
    """The safe has no such keys, or others than those that were agreed on."""


class KeySafe(Protocol):
    """Where keys are used without being seen."""

    def association(self, version: Version, check: str, counters: range) -> Sealing:
        """One side of an association that uses these invocation counters and no other. Raises KeysNotThere."""

    def transfer(self, version: Version, check: str) -> Sequence[tuple[int, bytes]]:
        """The keys of a version wrapped for the meter: which key, and its octets. Raises KeysNotThere."""


class KeysRefused(Problem, noun="acquisition", status=422, zh="密钥不能使用", en="The keys cannot be used"):
    """Fields: field, value."""


class KeyFile:
    """A safe of software: a line for each version, sealed under a master key of 32 bytes. What is sealed stays; a new version is
    another line."""

    def __init__(self, path: pathlib.Path, master: bytes) -> None:
        self._path, self._master = path, master
        self._read_at, self._sealed = -1, dict[Version, bytes]()

    # -- used by the front -----------------------------------------------------------------------------------------------

    def association(self, version: Version, check: str, counters: range) -> Sealing:
        keys = self._agreed(version, check)
        return Security(TITLE, keys.encryption, keys.authentication, counters.start - 1, last=counters.stop - 1)

    def transfer(self, version: Version, check: str) -> Sequence[tuple[int, bytes]]:
        keys = self._agreed(version, check)
        new = ((ENCRYPTION, keys.encryption), (AUTHENTICATION, keys.authentication))
        return [(which, aes_key_wrap(keys.master, key)) for which, key in new]

    def _agreed(self, version: Version, check: str) -> Keys:
        sealed = self._versions().get(version)
        try:
            keys = _opened(self._master, version, sealed) if sealed is not None else None
        except InvalidTag:
            raise KeysNotThere("sealed under another master key") from None
        if keys is None or not hmac.compare_digest(keys.check, check):
            raise KeysNotThere("not those that were agreed on" if keys else "no such version")
        return keys

    # -- kept by people, at the command line -----------------------------------------------------------------------------

    def keep(self, terminal_no: str, keys: Keys) -> tuple[int, str]:
        """Seals keys as the meter's next version: its number and check value.

        Raises:
            KeysRefused: a key has not 16 bytes.
        """
        for field, key in keys._asdict().items():
            if len(key) != KEY_SIZE:
                raise KeysRefused(
                    text(
                        f"{terminal_no} 的密钥 {field} 应为 {KEY_SIZE} 字节，实为 {len(key)} 字节。请更正。",
                        f"Key {field} of {terminal_no} has {len(key)} bytes, not {KEY_SIZE}. Mend it.",
                    ),
                    field=field,
                    value=f"{len(key)} bytes",
                )
        with self._alone():
            version = 1 + max((number for no, number in self._versions() if no == terminal_no), default=0)
            sealed = _sealed(self._master, (terminal_no, version), keys)
            self._write({**self._versions(), (terminal_no, version): sealed})
        return version, keys.check

    def make(self, terminal_no: str) -> tuple[int, str]:
        """New keys that nobody has seen, as the next version; they go to the meter under the master key that it has."""
        newest = max((one for one in self._versions() if one[0] == terminal_no), default=None)
        if newest is None:
            raise KeysRefused(
                text(
                    f"{terminal_no} 还没有密钥，请先封存出厂密钥。",
                    f"{terminal_no} has no keys yet; seal those that it came with first.",
                ),
                field="terminal_no",
                value=terminal_no,
            )
        master = self._known(newest).master
        return self.keep(terminal_no, Keys(secrets.token_bytes(KEY_SIZE), secrets.token_bytes(KEY_SIZE), master))

    def reseal(self, master: bytes) -> int:
        """Seals everything anew under another master key of the deployment; how many versions."""
        with self._alone():
            opened = {version: self._known(version) for version in self._versions()}
            self._write({version: _sealed(master, version, keys) for version, keys in opened.items()})
            self._master = master
        return len(opened)

    def checks(self) -> dict[Version, str]:
        """The check value of each version."""
        return {version: self._known(version).check for version in sorted(self._versions())}

    def _known(self, version: Version) -> Keys:
        try:
            return _opened(self._master, version, self._versions()[version])
        except InvalidTag:
            raise KeysRefused(
                text(
                    f"密钥文件 {self._path} 不是用当前主密钥封存的，请检查设置 master_key。",
                    f"Key file {self._path} is sealed under another master key; check the setting master_key.",
                ),
                field="master_key",
                value="",
            ) from None

    # -- the file --------------------------------------------------------------------------------------------------------

    def _versions(self) -> Mapping[Version, bytes]:
        try:
            changed = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            return {}
        if changed != self._read_at:
            rows = [json.loads(line) for line in self._path.read_text("utf-8").splitlines()]
            self._sealed = {(row["terminal_no"], row["version"]): bytes.fromhex(row["sealed"]) for row in rows}
            self._read_at = changed
        return self._sealed

    def _write(self, versions: Mapping[Version, bytes]) -> None:
        beside = self._path.with_suffix(".new")
        lines = [
            json.dumps({"terminal_no": no, "version": number, "sealed": sealed.hex()})
            for (no, number), sealed in versions.items()
        ]
        descriptor = os.open(beside, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class MeterKeys:
    """A safe with the counters of the deployment: no association uses one that another had, whichever front opened it."""

    def __init__(self, safe: KeySafe, sessions: Sessions) -> None:
        self._safe, self._sessions, self.transfer = safe, sessions, safe.transfer

    def association(self, version: Version, check: str) -> Sealing:
        """Raises KeysNotThere."""
        return self._safe.association(version, check, self._sessions.counters(version))


def _sealed(master: bytes, version: Version, keys: Keys) -> bytes:
    nonce = secrets.token_bytes(NONCE_SIZE)
    return nonce + AESGCM(master).encrypt(nonce, b"".join(keys), _named(version))


def _opened(master: bytes, version: Version, sealed: bytes) -> Keys:
    plain = AESGCM(master).decrypt(sealed[:NONCE_SIZE], sealed[NONCE_SIZE:], _named(version))
    return Keys(*(plain[at : at + KEY_SIZE] for at in range(0, 3 * KEY_SIZE, KEY_SIZE)))


def _named(version: Version) -> bytes:
    """Bound to its meter: a sealed line that is moved to another opens no more."""
    return f"{version[0]} {version[1]}".encode()


def safe_of(setting: str, file: pathlib.Path, master: str) -> KeySafe | None:
    """The safe that the settings name: `package.module:factory` of a plug-in, else the key file where there is a master key, else
    none.

    Raises:
        KeysRefused: there is no such module or factory.
    """
    if not setting:
        return KeyFile(file, bytes.fromhex(master)) if master else None
    module, _, factory = setting.partition(":")
    try:
        return cast(KeySafe, getattr(importlib.import_module(module), factory)())
    except (ImportError, AttributeError, ValueError) as error:
        raise KeysRefused(
            text(
                f"设置 key_safe 的值 {setting} 无法载入：{error}。请给出 模块:工厂。",
                f"Setting key_safe {setting} cannot be loaded: {error}. Give module:factory.",
            ),
            field="key_safe",
            value=setting,
        ) from error
