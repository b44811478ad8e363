"""What a task says of itself while it is done: that it lives, how far it is, a line of log; and what it hears.

Public names: TaskBeat, TaskLog, STOP.
"""

from __future__ import annotations

import _thread
import json
import os
import threading
import time
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from jobs.places import Places
from storage.taskruns import TAKEN, beat_task

BEAT_SECONDS = 1.0
CANCEL_SECONDS = 3.0
"""A task that hears of its cancelling ends after its batch; one whose batch takes longer is broken off."""
NOTE_SECONDS = 10.0
STOP = "stop"
"""Instead of a wish: the worker ends."""


class TaskLog:
    """What a run's page shows of how it went: a line now and then, as the crawls write theirs."""

    def __init__(self, places: Places, run_id: int, clock: Callable[[], datetime]) -> None:
        places.runs.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path, self._clock = places.runs / f"{run_id}.log", clock
        self._path.touch(mode=0o600)

    def note(self, event: str, **values: object) -> None:
        line = {"timestamp": self._clock().isoformat(), "level": "info", "event": event, **values}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")


class TaskBeat:
    """Says in a thread of its own that the task lives and how far it is, and hears what is wished of it."""

    def __init__(
        self,
        engine: Engine,
        run_id: int,
        *,
        worker: str,
        clock: Callable[[], datetime],
        log: TaskLog,
        show: Callable[[int, int], None] | None,
    ) -> None:
        self._engine, self._run_id, self._worker, self._clock = engine, run_id, worker, clock
        self._log, self._show = log, show
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat_on, name="task beat", daemon=True)
        self._breakable = threading.current_thread() is threading.main_thread()
        self._noted = 0.0
        self.done = self.total = 0
        self.wish: str | None = None
        self.heard = False

    def tell(self, done: int, total: int) -> None:
        self.done, self.total = done, total
        if time.monotonic() - self._noted > NOTE_SECONDS:
            self._noted = time.monotonic()
            self._log.note("going on", done=done, total=total)
        if self._show is not None:
            self._show(done, total)

    def wished(self) -> str | None:
        """What the verb is to end for after this batch; it is remembered that it heard of it."""
        wish = self.wish if self.wish in ("pause", "cancel", STOP, TAKEN) else None
        self.heard = self.heard or wish is not None
        return wish

    def __enter__(self) -> TaskBeat:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _beat_on(self) -> None:
        asked: float | None = None
        broken = False
        while True:
            try:
                wish = beat_task(
                    self._engine, run_id=self._run_id, worker=self._worker, pid=os.getpid(), done=self.done, total=self.total,
                    now=self._clock(),
                )  # fmt: skip
                self.wish = self.wish if self.wish == STOP and wish != TAKEN else wish
            except SQLAlchemyError:
                pass  # whoever watches us sees that we do not beat
            if self.wish in ("cancel", TAKEN):
                asked = asked or time.monotonic()
                if not broken and self._breakable and time.monotonic() - asked > CANCEL_SECONDS:
                    broken = True
                    _thread.interrupt_main()
            if self._over.wait(BEAT_SECONDS):
                return
