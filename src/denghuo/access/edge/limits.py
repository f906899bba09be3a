"""Limits: how often an address, a session and a user may ask, and how large a request may be."""

import time
from dataclasses import dataclass

import limits
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from denghuo.kernel.problem import TooMany, text


@dataclass(frozen=True)
class EdgeRules:
    """Rates in the notation of `limits`. Counted in this process: several edges behind one address need a balancer's as well."""

    address_rate: str = "6000/minute"
    session_rate: str = "1200/minute"
    user_rate: str = "2400/minute"
    sign_in_rate: str = "30/minute"
    body_bytes: int = 24 * 1024 * 1024
    sign_in_body_bytes: int = 4 * 1024
    https: bool = False
    trusted_proxies: frozenset[str] = frozenset()


class Rates:
    """Counts requests in sliding windows."""

    def __init__(self, rules: EdgeRules) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._rates = {
            "address": limits.parse(rules.address_rate),
            "session": limits.parse(rules.session_rate),
            "user": limits.parse(rules.user_rate),
            "sign_in": limits.parse(rules.sign_in_rate),
        }

    def count(self, kind: str, who: str) -> None:
        """Counts a request.

        Raises:
            TooMany: the window of this kind and caller is full.
        """
        rate = self._rates[kind]
        if self._limiter.hit(rate, kind, who):
            return
        window = self._limiter.get_window_stats(rate, kind, who)
        # The library counts by the wall clock of the process, whatever clock the platform runs on.
        seconds = max(1, min(int(window.reset_time - time.time()) + 1, rate.get_expiry()))
        raise TooMany(
            text(
                f"请求过于频繁，请在 {seconds} 秒后重试。",
                f"Too many requests; try again in {seconds} seconds.",
            ),
            retry_after_s=seconds,
        )
