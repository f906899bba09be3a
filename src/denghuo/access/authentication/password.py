"""Passwords: argon2id in a bounded pool, and what a new password must be."""

import contextlib
import threading
from collections.abc import Iterator

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from denghuo.access.api import Busy
from denghuo.kernel.problem import Text, text

# 19 MiB, t=2, p=1: the least that OWASP's password storage sheet recommends; the library's defaults took 0.2-1.4 s here.
MEMORY_KIB = 19 * 1024
PASSES = 2
LANES = 1
AT_ONCE = 2
WAITING_MAX = 8
WAIT_S = 3.0
RETRY_AFTER_S = 3
LENGTH_MIN = 10
KINDS_MIN = 2

_hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
# What a password is compared with where the name is unknown, so that the answer takes the same time.
_NOBODY = _hasher.hash("nobody has this password")
_slots = threading.BoundedSemaphore(AT_ONCE)
_queue = threading.BoundedSemaphore(AT_ONCE + WAITING_MAX)


@contextlib.contextmanager
def slot() -> Iterator[None]:
    """A place to compute hashes in. Taken before the transaction opens, so that a crowd at sign-in holds few connections.

    Raises:
        Busy: too many wait already, or the wait took too long.
    """
    if not _queue.acquire(blocking=False):
        raise _busy()
    try:
        if not _slots.acquire(timeout=WAIT_S):
            raise _busy()
        try:
            yield
        finally:
            _slots.release()
    finally:
        _queue.release()


def hashed(password: str) -> str:
    """The hash to store."""
    return _hasher.hash(password)


def matches(password: str, stored: str | None) -> bool:
    """Whether a password is the stored one; without a stored one it takes as long and is never right."""
    try:
        right = _hasher.verify(stored or _NOBODY, password)
    except (Argon2Error, InvalidHashError):
        return False
    return right and stored is not None


def outdated(stored: str) -> bool:
    """Whether a hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(stored)


def weakness(password: str, user_name: str) -> Text | None:
    """Why a password is not taken, or None."""
    kinds = sum(
        any(test(character) for character in password)
        for test in (str.isdigit, str.islower, str.isupper, lambda character: not character.isalnum())
    )
    if len(password) < LENGTH_MIN:
        return text(f"密码至少 {LENGTH_MIN} 个字符。", f"A password has at least {LENGTH_MIN} characters.")
    if user_name and user_name in password.lower():
        return text("密码不能包含用户名。", "A password does not contain the user name.")
    if kinds < KINDS_MIN or len(set(password)) < LENGTH_MIN // 2:
        return text(
            "密码过于简单：请混用字母、数字或符号，避免重复字符。",
            "Too simple: mix letters, digits or signs and avoid repetition.",
        )
    return None


def _busy() -> Busy:
    return Busy(
        text("登录人数较多，请稍后再试。", "Many people are signing in; try again in a moment."),
        part="sign-in",
        retry_after_s=RETRY_AFTER_S,
    )
