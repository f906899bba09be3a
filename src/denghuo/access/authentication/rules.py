"""Rules of sign-in: how long to wait after failures, how long a session lives, which one-time code counts."""

from datetime import datetime, timedelta

import pyotp

FREE_FAILURES = 5
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(hours=24)

IDLE = timedelta(minutes=30)
LIFETIME = timedelta(hours=12)
TOUCH_EVERY = timedelta(seconds=60)
SESSIONS_MAX = 5

STEP_S = 30
STEPS_AROUND = 1


def wait_after(failures: int) -> timedelta:
    """How long a name is locked after so many failures in a row: none at first, then doubling up to a quarter of an hour.

    The end of the growth keeps an attacker from locking a colleague out for good.
    """
    if failures < FREE_FAILURES:
        return timedelta(0)
    doublings = min(failures - FREE_FAILURES, 10)
    return min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)


def is_live(started_at: datetime, seen_at: datetime, ends_at: datetime, now: datetime) -> bool:
    """Whether a session still stands: not idle too long and not past its absolute end."""
    return now < ends_at and now - seen_at <= IDLE and started_at <= now + TOUCH_EVERY


def code_step(secret: str, code: str, now: datetime, used_step: int) -> int | None:
    """The time step whose code this is, one step of clock error allowed; None for a wrong code or one used before."""
    totp = pyotp.TOTP(secret, interval=STEP_S)
    current = int(now.timestamp()) // STEP_S
    for step in range(current - STEPS_AROUND, current + STEPS_AROUND + 1):
        if pyotp.utils.strings_equal(totp.at(step * STEP_S), code) and step > used_step:
            return step
    return None
