"""How many requests a circuit or a cookie may send: Bucket, Limits.

The leaky bucket of nginx (limit_req without delay), which EndGame builds on: what is above the rate piles up, and what
piles up above the burst is refused.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

_MOST = 50_000
"""Circuits and cookies that are remembered; the ones not seen for longest are forgotten first."""


@dataclass
class Bucket:
    """One circuit's or cookie's account."""

    excess: float = 0.0
    last: float | None = None

    def take(self, now: float, *, rate: float, burst: int) -> bool:
        """Whether one more request is within the limit; a refused one does not count."""
        if self.last is None:
            self.last = now
            return True
        excess = max(0.0, self.excess - rate * max(0.0, now - self.last) + 1)
        if excess > burst:
            return False
        self.excess, self.last = excess, now
        return True


class Limits:
    """The accounts of all circuits, or of all cookies."""

    def __init__(self, *, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = burst
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def allow(self, key: str, now: float) -> bool:
        """Whether the one known as `key` may ask once more now."""
        bucket = self._buckets.setdefault(key, Bucket())
        self._buckets.move_to_end(key)
        if len(self._buckets) > _MOST:
            self._buckets.popitem(last=False)
        return bucket.take(now, rate=self._rate, burst=self._burst)
