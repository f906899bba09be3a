"""Cipher machines (密码机): what proves to a meter that an order is the utility's own. Keys stay in the machine."""

import hashlib
import hmac
import importlib
import secrets
from typing import NamedTuple, Protocol, cast

from denghuo.kernel.problem import Problem, text

MAC_SIZE, EXTRA_SIZE = 4, 6
SOFTWARE_KEY = b"denghuo software cipher machine"
"""Known to everybody: it proves nothing."""


class Sealed(NamedTuple):
    """What goes with an order: the name of the key (4 bytes in hexadecimal digits), what the MAC is made with besides, the MAC."""

    sid: str
    extra: bytes
    mac: bytes


class CipherFailed(Exception):
    """The machine cannot be reached, or refused."""


class CipherMachine(Protocol):
    """What proves orders to meters."""

    def seal(self, address: str, order: bytes) -> Sealed:
        """Proves an order to the meter with this address (12 digits). Raises CipherFailed."""


class SoftwareCipher:
    """Stands in for a cipher machine in tests and demonstrations; its key is published. HMAC-SHA256, the first four bytes."""

    def seal(self, address: str, order: bytes) -> Sealed:
        extra = secrets.token_bytes(EXTRA_SIZE)
        mac = hmac.new(SOFTWARE_KEY, bytes.fromhex(address) + extra + order, hashlib.sha256).digest()[:MAC_SIZE]
        return Sealed("00000001", extra, mac)


class CipherNotThere(Problem, noun="acquisition", status=422, zh="密码机接口无法载入", en="No such cipher machine"):
    """Fields: cipher_machine."""


def cipher_of(setting: str) -> CipherMachine | None:
    """The machine that the setting names: none, `software`, or `package.module:factory` of a plug-in, called without arguments.

    Raises:
        CipherNotThere: there is no such module or factory.
    """
    if not setting:
        return None
    if setting == "software":
        return SoftwareCipher()
    module, _, factory = setting.partition(":")
    try:
        return cast(CipherMachine, getattr(importlib.import_module(module), factory)())
    except (ImportError, AttributeError, ValueError) as error:
        raise CipherNotThere(
            text(
                f"设置 cipher_machine 的值 {setting} 无法载入：{error}。请给出 software 或 模块:工厂。",
                f"Setting cipher_machine {setting} cannot be loaded: {error}. Give software or module:factory.",
            ),
            cipher_machine=setting,
        ) from error
