"""One task done in this process: it beats, hears what people wish of it, and its run has an end whatever happens.

Public names: Ended, do_task, do_by_hand, do_child.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from jobs.errors import JobError
from jobs.handmark import hold_mark, settle_dead
from jobs.places import Places
from jobs.sites import find_site, register
from jobs.taskbeat import STOP, TaskBeat, TaskLog
from jobs.taskverbs import Done, find_verb
from storage.engine import check_schema, open_engine, reading
from storage.runs import find_run
from storage.tables import Run
from storage.taskruns import TAKEN, begin_task, end_task

ORPHAN_SECONDS = 15.0
PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds between tries to write the end."""
OUR_PACKAGES = ("text", "storage", "crawler", "classifier", "reports", "jobs")


@dataclass(frozen=True)
class Ended:
    """How it ended. result: numbers, as the verb has them. value: see jobs.taskverbs.Done."""

    run_id: int
    state: str
    message: str
    result: Mapping[str, Any] = field(default_factory=dict)
    value: object = None


class _End:
    """Writes how it ended when the block is left, by whatever way; errors pass on."""

    def __init__(
        self,
        engine: Engine,
        run: Run,
        beat: TaskBeat,
        log: TaskLog,
        worker: str,
        clock: Callable[[], datetime],
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
        self.ended = Ended(self._run.id, state, words, result, done.value if done is not None else None)
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
            if wish == STOP and isinstance(error, JobError):
                return "", "The worker was stopped."  # and with it the processes that shared the work
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
    log = TaskLog(places, run.id, clock)
    beat = TaskBeat(engine, run.id, worker=worker, clock=clock, log=log, show=show)
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
    clock: Callable[[], datetime] | None = None,
) -> Ended:
    """Do a verb at once, for the person whose command this is; a run like any other, but for the queue."""
    clock = clock or _now
    known = find_verb(verb)
    given = dict(settings or {})
    known.check(given)
    engine = open_engine(places.database_url)
    try:
        check_schema(engine)
        site_id = register(engine, find_site(places, site), now=clock()) if site else None
        settle_dead(places, engine, now=clock())
        with hold_mark(places) as worker:
            run_id = begin_task(
                engine, verb=verb, site_id=site_id, by=by, reason="by hand", settings=given, worker=worker, pid=os.getpid(),
                now=clock(),
            )  # fmt: skip
            with reading(engine) as session:
                run = find_run(session, run_id)
            assert run is not None
            return do_task(places, engine, run, worker=worker, clock=clock, show=show)
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
