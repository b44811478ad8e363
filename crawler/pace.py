"""How fast one site is asked: never faster than its file says, slower when it or a person says so, or when it grows slow.

Public names: Pace, Change, MIN_GAP.

Pure: times are seconds of one clock. Front ends kill a circuit that asks more than six times a second (tor.md §3), so
that five is the most, whatever the site file says; only a delay of exactly 0, which is written down for a lab of one's
own, is taken by its word.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from statistics import median

from crawler.siteconfig import Pace as PaceRules

MIN_GAP = 0.2
"""Seconds between two requests: five a second at most."""
MAX_FACTOR = 8.0
"""How much slower the pace becomes by itself."""
_BASELINE = 20
"""The middle of so many first answers is what is usual for this site and circuit."""
_WEIGHT = 0.2
_GROWN, _GROWN_BY = 2.0, 1.0
"""An answer takes long when it takes this many times the usual, and by so many seconds more: both, or a quick site's
hiccups would count."""
_CALM = 1.25
_PATIENT = 10
"""Answers between two changes by latency: the last one must show its effect first."""
_FORGIVEN = 50
"""Good answers after which a limit is forgotten by half."""


@dataclass(frozen=True)
class Change:
    """The pace is now `factor` times the delay of the site file."""

    factor: float
    why: str


class Pace:
    """When the next request may go out."""

    def __init__(self, rules: PaceRules, *, seed: int, slowed: float = 1.0) -> None:
        self._rules = rules
        self._random = random.Random(seed)  # noqa: S311 - a pace, not a secret
        self._wished = max(slowed, 1.0)
        self._latency_factor = self._care = 1.0
        self._first: deque[float] = deque(maxlen=_BASELINE)
        self._usual = self._now = 0.0
        self._since_change = self._since_limit = 0
        self.next_at = 0.0
        """No request before this time."""

    @property
    def factor(self) -> float:
        """So many times the site file's own delay."""
        return self._wished * max(self._latency_factor, self._care)

    def started(self, at: float) -> None:
        """A request goes out now."""
        delay = self._rules.delay
        if delay == 0 and self.factor == 1:
            self.next_at = max(self.next_at, at)
            return
        gap = max(delay, MIN_GAP) * self.factor
        gap *= 1 + self._random.uniform(-self._rules.jitter, self._rules.jitter)
        self.next_at = max(self.next_at, at + max(gap, MIN_GAP))

    def hold(self, until: float) -> None:
        """The site asked to be left alone until then."""
        self.next_at = max(self.next_at, until)

    def slow(self, factor: float) -> Change | None:
        """A person wishes so many times the site's own delay; 1 takes the wish back."""
        factor = max(factor, 1.0)
        if factor == self._wished:
            return None
        self._wished = factor
        return Change(self.factor, "as asked by a person")

    def limited(self) -> Change | None:
        """The site said that we ask too often: half as fast from now on, until many answers were good."""
        self._since_limit = 0
        if self._care >= MAX_FACTOR:
            return None
        self._care *= 2
        return Change(self.factor, "the site says we ask too often")

    def answered(self, seconds: float) -> Change | None:
        """A good answer took so long."""
        seconds = max(seconds, 0.0)
        self._since_limit += 1
        if self._care > 1 and self._since_limit >= _FORGIVEN:
            self._since_limit = 0
            self._care /= 2
            return Change(self.factor, "the site no longer says that we ask too often")
        if len(self._first) < _BASELINE:
            self._first.append(seconds)
            self._usual = self._now = median(self._first)
            return None
        # One answer out of all proportion counts as three times the usual: it takes several to say something.
        self._now += _WEIGHT * (min(seconds, 3 * max(self._now, MIN_GAP)) - self._now)
        self._usual = min(self._usual, self._now) if self._now > 0 else self._usual
        self._since_change += 1
        if self._since_change < _PATIENT:
            return None
        if self._now > _GROWN * self._usual and self._now > self._usual + _GROWN_BY:
            if self._latency_factor < MAX_FACTOR:
                return self._adapt(2.0, f"answers take {self._now:.1f} s, and {self._usual:.1f} s before")
        elif self._latency_factor > 1 and self._now < max(_CALM * self._usual, self._usual + _GROWN_BY / 2):
            return self._adapt(0.5, f"answers take {self._now:.1f} s again")
        return None

    def _adapt(self, by: float, why: str) -> Change:
        self._since_change = 0
        self._latency_factor = min(max(self._latency_factor * by, 1.0), MAX_FACTOR)
        return Change(self.factor, why)
