"""One task done in this process: it beats, hears what people wish of it, and its run has an end whatever happens.

Public names: Ended, do_task, do_by_hand, do_child.
"""

from __future__ import annotations

import _thread
import fcntl
import json
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from jobs.places import Places
from jobs.presence import _here as name_folder
from jobs.sites import find_site, register
from jobs.taskverbs import Done, find_verb
from storage.engine import check_schema, open_engine, reading
from storage.runs import find_run
from storage.tables import Run
from storage.taskruns import TAKEN, beat_task, begin_task, end_task

BEAT_SECONDS = 1.0
CANCEL_SECONDS = 3.0
"""A task that hears of its cancelling ends after its batch; one whose batch takes longer is broken off."""
ORPHAN_SECONDS = 15.0
NOTE_SECONDS = 10.0
STOP = "stop"
PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds between tries to write the end."""
OUR_PACKAGES = ("text", "storage", "crawler", "classifier", "reports", "jobs")


@dataclass(frozen=True)
class Ended:
    """How it ended. result: numbers, as the verb has them."""

    run_id: int
    state: str
    message: str
    result: Mapping[str, Any] = field(default_factory=dict)


class _Beat:
    """Says in a thread of its own that the task lives and how far it is, and hears what is wished of it."""

    def __init__(
        self,
        engine: Engine,
        run_id: int,
        *,
        worker: str,
        clock: Callable[[], datetime],
        log: _Log,
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

    def __enter__(self) -> _Beat:
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


class _Log:
    """What a run's page shows of how it went: a line now and then, as the crawls write theirs."""

    def __init__(self, places: Places, run_id: int, clock: Callable[[], datetime]) -> None:
        places.runs.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path, self._clock = places.runs / f"{run_id}.log", clock
        self._path.touch(mode=0o600)

    def note(self, event: str, **values: object) -> None:
        line = {"timestamp": self._clock().isoformat(), "level": "info", "event": event, **values}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")


class _End:
    """Writes how it ended when the block is left, by whatever way; errors pass on."""

    def __init__(
        self, engine: Engine, run: Run, beat: _Beat, log: _Log, worker: str, clock: Callable[[], datetime]
    ) -> None:
        self._engine, self._run, self._beat, self._log = engine, run, beat, log
        self._worker, self._clock = worker, clock
        self.done: Done | None = None
        self.ended: Ended | None = None

    def __enter__(self) -> _End:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        state, words = self._judge(error)
        done = self.done
        result = dict(done.result) if done is not None else {}
        self.ended = Ended(self._run.id, state, words, result)
        self._log.note(state or "stopped", message=words)
        for pause in (*PAUSES, None):
            if state == "":
                break  # its worker says it, or whoever took it
            try:
                end_task(
                    self._engine, run_id=self._run.id, worker=self._worker, state=state, message=words, now=self._clock(),
                    done=self._beat.total if state == "done" else self._beat.done, total=self._beat.total, result=result if done else None,
                    listings=done.listings if done else None, issues=done.issues if done else None,
                )  # fmt: skip
                break
            except SQLAlchemyError:
                if pause is None:
                    break  # it stays "running" until somebody sees that we are gone
                time.sleep(pause)
        # A person asked for it from elsewhere: that is an end and no error.
        return isinstance(error, KeyboardInterrupt) and self._beat.wish in ("cancel", TAKEN)

    def _judge(self, error: BaseException | None) -> tuple[str, str]:
        wish = self._beat.wish
        if wish == TAKEN:
            return "", "The run was taken away meanwhile."
        if isinstance(error, KeyboardInterrupt):
            how = "Cancelled" if wish == "cancel" else "Broken off with Ctrl-C"
            return "cancelled", f"{how}. What was done until then is kept."
        if error is not None:
            return "failed", _say(error)
        assert self.done is not None
        if not self._beat.heard:
            return "done", self.done.words
        if wish == STOP:
            return "", "The worker was stopped."
        state = "cancelled" if wish == "cancel" else "paused"
        return state, f"{state.capitalize()} {self._say_far()}. {self.done.words}"

    def _say_far(self) -> str:
        total = self._beat.total
        return f"at {self._beat.done:,} of {total:,}" if total else "before it began"


def do_task(
    places: Places,
    engine: Engine,
    run: Run,
    *,
    worker: str,
    clock: Callable[[], datetime],
    show: Callable[[int, int], None] | None = None,
    stopping: Callable[[Callable[[], None]], None] | None = None,
) -> Ended:
    """Do a run that this worker holds. Errors pass on after the run's row says that it failed, and why.

    show: sees (done, all) as they are told. stopping: is given what ends it after the present batch.
    """
    verb = find_verb(run.verb)
    log = _Log(places, run.id, clock)
    beat = _Beat(engine, run.id, worker=worker, clock=clock, log=log, show=show)
    if stopping is not None:
        stopping(lambda: setattr(beat, "wish", STOP))
    log.note(run.verb, by=run.by, reason=run.reason)
    end = _End(engine, run, beat, log, worker, clock)
    with end, beat:
        end.done = verb.do(places, run, tell=beat.tell, wished=beat.wished, now=clock())
    assert end.ended is not None
    return end.ended


def do_by_hand(
    places: Places,
    verb: str,
    *,
    by: str,
    settings: Mapping[str, Any] | None = None,
    site: str | None = None,
    show: Callable[[int, int], None] | None = None,
) -> Ended:
    """Do a verb at once, for the person whose command this is; a run like any other, but for the queue."""
    known = find_verb(verb)
    given = dict(settings or {})
    known.check(given)
    engine = open_engine(places.database_url)
    try:
        check_schema(engine)
        site_id = register(engine, find_site(places, site), now=_now()) if site else None
        with _hold_mark(places) as worker:
            run_id = begin_task(
                engine, verb=verb, site_id=site_id, by=by, reason="by hand", settings=given, worker=worker, pid=os.getpid(),
                now=_now(),
            )  # fmt: skip
            with reading(engine) as session:
                run = find_run(session, run_id)
            assert run is not None
            return do_task(places, engine, run, worker=worker, clock=_now, show=show)
    finally:
        engine.dispose()


def do_child(places: Places, run_id: int, *, worker: str) -> int:
    """The child's side of jobs.tasks.run_task. 0 when its run has an end, or is to have none."""
    stoppers: list[Callable[[], None]] = []

    def stop(*_: object) -> None:
        for each in stoppers:
            each()

    signal.signal(signal.SIGTERM, stop)
    threading.Thread(target=_watch_parent, daemon=True).start()
    engine = open_engine(places.database_url)
    try:
        with reading(engine) as session:
            run = find_run(session, run_id)
        if run is None or run.state != "running" or run.worker != worker:
            return 0
        do_task(places, engine, run, worker=worker, clock=_now, stopping=stoppers.append)
        return 0
    finally:
        engine.dispose()


def _watch_parent() -> None:
    """Without its worker nobody would end it: it ends after its batch, or is ended."""
    while sys.stdin.readline():
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(ORPHAN_SECONDS)
    os.killpg(os.getpgid(0), signal.SIGKILL)


@contextmanager
def _hold_mark(places: Places) -> Iterator[str]:
    """A name under which workers see whether this process lives: its lock ends with it, however it ends."""
    places.workers.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = f"{name_folder(places)}-hand-{os.getpid()}-{secrets.token_hex(3)}"
    lock = places.workers / f"{name}.lock"
    fresh = lock.with_suffix(".fresh")
    with fresh.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        fresh.replace(lock)
        try:
            yield name
        finally:
            lock.unlink(missing_ok=True)


def _say(error: BaseException) -> str:
    """Why it failed, for the person at the screen."""
    kind = type(error)
    first = str(error).strip().splitlines()[:1]
    if kind.__module__.split(".")[0] in OUR_PACKAGES:
        return str(error)[:1000]
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename or 'no file named'}. Check the disk, the path and who may use it."
    return f"It broke off: {kind.__name__}: {first[0][:500] if first else 'no words'}"


def _now() -> datetime:
    return datetime.now(UTC)
