"""Keys: what access derives from the deployment's key, one for each purpose, so that none can serve another."""

import base64
import hashlib
import hmac
import secrets

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12
SECRET_BYTES = 32


class Keys:
    """Derived from the deployment's key (32 bytes)."""

    def __init__(self, master: bytes) -> None:
        self._csrf = _derived(master, "csrf")
        self._name = _derived(master, "name")
        self._totp = AESGCM(_derived(master, "totp"))

    def csrf(self, secret: str) -> str:
        """The page token of a session: follows from the cookie's secret, so it needs no place in the database."""
        return _text(hmac.digest(self._csrf, secret.encode(), hashlib.sha256))

    def name(self, user_name: str) -> bytes:
        """Under which a name's failures are counted, so that names that do not exist are kept by nobody."""
        return hmac.digest(self._name, user_name.encode(), hashlib.sha256)

    def seal(self, user_name: str, secret: str) -> bytes:
        """The stored form of a one-time code's secret; it opens for this user alone."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._totp.encrypt(nonce, secret.encode(), user_name.encode())

    def open(self, user_name: str, sealed: bytes) -> str:
        return self._totp.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], user_name.encode()).decode()


def new_secret() -> str:
    """A fresh session secret."""
    return secrets.token_urlsafe(SECRET_BYTES)


def digest_of_secret(secret: str) -> bytes:
    """Under which a session is stored: whoever reads the table cannot take a session over."""
    return hashlib.sha256(secret.encode()).digest()


def _derived(master: bytes, purpose: str) -> bytes:
    return hmac.digest(master, f"denghuo access {purpose}".encode(), hashlib.sha256)


def _text(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
