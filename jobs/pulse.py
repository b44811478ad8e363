"""A worker's pulse, in a thread of its own: says that it lives, and sees which of the others no longer do.

Public names: Pulse, BEAT_SECONDS.

Apart from the worker's other duties, so that a slow one among them does not look like a death.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from datetime import datetime

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from jobs.places import Places
from jobs.presence import Presence
from jobs.watching import Watching
from storage.engine import reading
from storage.workers import beat_worker, find_workers, silence_worker

BEAT_SECONDS = 3.0

log = structlog.get_logger("worker")


class Pulse:
    """Beats from `start` to `stop`. `lost` is set when a worker was found dead: its runs are to be taken over."""

    def __init__(
        self,
        places: Places,
        engine: Engine,
        presence: Presence,
        *,
        tor: Callable[[], str],
        clock: Callable[[], datetime],
        watching: Watching | None = None,
    ) -> None:
        self._places = places
        self._engine = engine
        self._presence = presence
        self._tor = tor
        self._clock = clock
        self._watching = watching or Watching()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat_on, name="pulse", daemon=True)
        self.lost = threading.Event()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def _beat_on(self) -> None:
        silent = False
        while not self._ended.wait(BEAT_SECONDS):
            try:
                self.beat(at=time.monotonic())
                silent = False
            except (SQLAlchemyError, OSError) as exc:
                if not silent:
                    log.warning("no sign of life could be given", error=str(exc)[:300])
                silent = True

    def beat(self, *, at: float) -> None:
        """One sign of life, and one look at the others. at: monotonic seconds."""
        now, tor = self._clock(), self._tor()
        self._presence.beat(tor=tor, now=now)
        name = self._presence.info.name
        free = shutil.disk_usage(self._places.data).free
        before = beat_worker(self._engine, name=name, tor=tor, free_bytes=free, now=now)
        if before == "silent":
            log.warning("this worker gave no sign of life for a while, so its runs were taken from it")
        with reading(self._engine) as session:
            counts = {
                worker.name: worker.beats
                for worker in find_workers(session, living=True)
                if worker.name != name
            }
        for other, beats in self._watching.look(counts, at=at).items():
            if silence_worker(self._engine, name=other, beats=beats):
                log.warning("a worker gives no sign of life any more", name=other)
                self.lost.set()
