"""The leash of a crawl process: it may go on only while its worker lives and its site was not given to another crawl.

Public names: Leash, SLACK_SECONDS, Unleashed.

The worker is who watches that all goes through Tor, so a crawl whose worker is dead or hung must end, and at once. And a
process that was frozen (its machine slept, or was cut off) does not know that it was: before the next request it must
ask again. After SLACK_SECONDS at most nothing leaves a crawl that was taken away.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine

from storage.errors import FencedError
from storage.workers import beat_crawl

SLACK_SECONDS = 12.0
"""So old the last sign of life may be when a request goes out."""
WORKER_SECONDS = 20.0
"""So long the worker may be silent. Less than the lease after which others take its runs (jobs.watching)."""


class Unleashed(FencedError):
    """The worker of this crawl is dead or hangs."""


def boot_seconds() -> float:
    """Seconds that go on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Leash:
    """Call `renew` every few seconds and `check` before each request; FencedError when the crawl must end."""

    def __init__(
        self,
        engine: Engine,
        *,
        run_id: int,
        worker: str | None,
        now: Callable[[], datetime],
        clock: Callable[[], float] = boot_seconds,
        parent: Callable[[], int] = os.getppid,
    ) -> None:
        self._engine = engine
        self._run_id = run_id
        self._worker = worker
        self._now = now
        self._clock = clock
        self._parent = parent
        self._born_of = parent()
        self._renewed = clock()
        self._beats: int | None = None
        self._beaten = clock()

    def renew(self) -> str | None:
        """Say that the crawl lives; what a person wishes of it. The database was asked when this returns."""
        if self._parent() != self._born_of:
            raise Unleashed("the worker that watched this crawl is gone, so it ended at once")
        before = self._clock()
        wish, beats = beat_crawl(self._engine, run_id=self._run_id, worker=self._worker, now=self._now())
        if beats is None or beats != self._beats:
            self._beats, self._beaten = beats, before
        elif before - self._beaten > WORKER_SECONDS:
            raise Unleashed("the worker that watched this crawl gives no sign of life, so it ended at once")
        self._renewed = before
        return wish

    def check(self) -> None:
        """May a request go out now? Asks the database only after a pause that should not have been."""
        if self._clock() - self._renewed > SLACK_SECONDS:
            self.renew()
