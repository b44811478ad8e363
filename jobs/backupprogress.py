"""How far a backup is, and whether somebody wishes it to end.

Public names: Progress, Stopped, Tell, Wished, MB.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from jobs.errors import JobError

TELL_SECONDS = 1.0
MB = 1_000_000

Tell = Callable[[int, int], object]
Wished = Callable[[], str | None]


class Stopped(JobError):
    """Somebody asked for the backup to end before it was whole; nothing of it was kept."""

    def __init__(self, wish: str) -> None:
        super().__init__("The backup was stopped; nothing of it was kept. Ask for it again when it suits.")
        self.wish = wish


class Progress:
    """Tells of bytes in megabytes (a run's numbers are small), and asks for wishes, both once a second at most."""

    def __init__(self, total: int, tell: Tell | None, wished: Wished | None) -> None:
        self._total, self._tell, self._wished = max(total, 1), tell, wished
        self._done, self._part, self._last = 0, 0, 0.0

    def add(self, done: int) -> None:
        self._done += done
        self._look()

    def part(self, done: int, total: int) -> None:
        self._part = done
        self._look()

    def end_part(self, size: int) -> None:
        self._done, self._part = self._done + size, 0

    def _look(self) -> None:
        if time.monotonic() - self._last < TELL_SECONDS:
            return
        self._last = time.monotonic()
        if self._wished is not None and (wish := self._wished()) in ("pause", "cancel"):
            raise Stopped(str(wish))
        if self._tell is not None:
            done = min(self._done + self._part, self._total)
            self._tell(done // MB, max(1, self._total // MB))
