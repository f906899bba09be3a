"""Ciphering of DLMS/COSEM by security suite 0: AES-128 in Galois/counter mode (IEC 62056-5-3, 9.2.3).

    sealed:  control | invocation counter (4) | ciphertext | tag (12)

The nonce is the sender's system title and the counter, so a counter is never used twice under a key; what is heard must count up.
"""

import hmac
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM

from denghuo.service.acquisition.protocol.fault import BadFrame, BadValue

AUTHENTICATED, ENCRYPTED = 0x10, 0x20
SEALED = AUTHENTICATED | ENCRYPTED
"""Control bytes: proven alone, and proven and encrypted."""
HEAD_SIZE, TAG_SIZE, TITLE_SIZE, KEY_SIZE = 5, 12, 8, 16
COUNTER_MAX = 0xFFFFFFFF


class Sealing(Protocol):
    """One side of a ciphered association, wherever its keys are. `peer`: the other side's title, once it is known; `heard`: the
    newest counter of the other side."""

    title: bytes
    peer: bytes
    heard: int

    def seal(self, plain: bytes) -> bytes: ...

    def open(self, sealed: bytes) -> bytes: ...

    def prove(self, challenge: bytes) -> bytes: ...

    def proven(self, answer: bytes, challenge: bytes) -> bool: ...


@dataclass
class Security:
    """The side whose keys are here. `key` encrypts, `authentication` proves; `counter` is the one that was used last, and must be
    kept beyond the association; `last` is the last that may be used."""

    title: bytes
    key: bytes
    authentication: bytes
    counter: int = 0
    peer: bytes = b""
    heard: int = -1
    last: int = COUNTER_MAX

    def __post_init__(self) -> None:
        for name, octets, size in (
            ("title", self.title, TITLE_SIZE),
            ("key", self.key, KEY_SIZE),
            ("authentication", self.authentication, KEY_SIZE),
        ):
            if len(octets) != size:
                raise BadValue(name, f"{len(octets)} bytes", f"{size} bytes")

    def seal(self, plain: bytes) -> bytes:
        """`plain` encrypted and proven under the next counter."""
        counter = self._next()
        cipher = self._cipher(self.title + counter).encryptor()
        cipher.authenticate_additional_data(bytes((SEALED,)) + self.authentication)
        sealed = cipher.update(plain) + cipher.finalize()
        return bytes((SEALED,)) + counter + sealed + cipher.tag[:TAG_SIZE]

    def open(self, sealed: bytes) -> bytes:
        """What the other side sealed; BadFrame where it is not proven, not sealed so, or its counter does not count up."""
        if len(sealed) < HEAD_SIZE + TAG_SIZE:
            raise BadFrame("short", len(sealed), str(len(sealed)), str(HEAD_SIZE + TAG_SIZE))
        if sealed[0] != SEALED:
            raise BadFrame("content", 0, f"{sealed[0]:02X}", f"{SEALED:02X}")
        counter = int.from_bytes(sealed[1:HEAD_SIZE], "big")
        if counter <= self.heard:
            raise BadFrame("content", 1, f"counter {counter}", f"more than {self.heard}")
        tag = sealed[-TAG_SIZE:]
        cipher = self._cipher(self.peer + sealed[1:HEAD_SIZE], tag).decryptor()
        cipher.authenticate_additional_data(sealed[:1] + self.authentication)
        plain = cipher.update(sealed[HEAD_SIZE:-TAG_SIZE])
        try:
            plain += cipher.finalize()
        except InvalidTag:
            raise BadFrame("checksum", len(sealed) - TAG_SIZE, tag.hex().upper()) from None
        self.heard = counter
        return plain

    def prove(self, challenge: bytes) -> bytes:
        """The answer to a challenge (GMAC): control, counter and tag."""
        counter = self._next()
        return bytes((AUTHENTICATED,)) + counter + self._tag(self.title + counter, challenge)

    def proven(self, answer: bytes, challenge: bytes) -> bool:
        """Whether the other side answered our challenge as only who has the keys can."""
        if len(answer) != HEAD_SIZE + TAG_SIZE or answer[0] != AUTHENTICATED:
            return False
        return hmac.compare_digest(answer[HEAD_SIZE:], self._tag(self.peer + answer[1:HEAD_SIZE], challenge))

    def _next(self) -> bytes:
        if self.counter >= self.last:
            raise BadValue(
                "counter", self.counter, f"below {self.last}; the last is {COUNTER_MAX}, then the keys must be changed"
            )
        self.counter += 1
        return self.counter.to_bytes(4, "big")

    def _tag(self, nonce: bytes, challenge: bytes) -> bytes:
        cipher = self._cipher(nonce).encryptor()
        cipher.authenticate_additional_data(bytes((AUTHENTICATED,)) + self.authentication + challenge)
        cipher.finalize()
        return bytes(cipher.tag[:TAG_SIZE])

    def _cipher(self, nonce: bytes, tag: bytes | None = None) -> "Cipher[GCM]":
        return Cipher(AES(self.key), GCM(nonce, tag, min_tag_length=TAG_SIZE))
