"""Whether other workers live, seen from here: by their counts going up while this clock runs, never by their clocks.

Public names: Watching, LEASE_SECONDS.

Clocks of machines differ, and jump; a count that does not go up for so long while *we* were awake and could ask is a
worker that is killed, hung or cut off. When we ourselves slept, or could not ask, everybody gets the whole time again.
"""

from __future__ import annotations

from collections.abc import Mapping

LEASE_SECONDS = 30.0
"""A worker that does not beat for so long loses its runs."""
GAP_SECONDS = 10.0
"""Looks further apart than this say nothing about others."""


class Watching:
    """Call `look` every few seconds with all living workers' counts."""

    def __init__(self, *, lease_seconds: float = LEASE_SECONDS, gap_seconds: float = GAP_SECONDS) -> None:
        self._lease = lease_seconds
        self._gap = gap_seconds
        self._last: float | None = None
        self._since: dict[str, tuple[int, float]] = {}

    def look(self, beats: Mapping[str, int], *, at: float) -> dict[str, int]:
        """Those that were silent for a lease, each with the count it stands at. at: monotonic seconds."""
        if self._last is None or not 0 <= at - self._last <= self._gap:
            self._since.clear()
        self._last = at
        silent = {}
        for name, count in beats.items():
            before, since = self._since.get(name, (None, at))
            if before != count:
                self._since[name] = (count, at)
            elif at - since >= self._lease:
                silent[name] = count
        for name in self._since.keys() - beats.keys():
            del self._since[name]
        return silent
