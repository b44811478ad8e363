"""The verbs of the tool as runs: all but crawl, which needs Tor and has a queue of its own (jobs.runs).

Public names: Verb, VERBS, find_verb, start_task, enqueue_task, run_task, recover_tasks, TAKES_OVER.

A worker does each in a process of its own (jobs.child), which it watches: one that crashes, hangs or is killed takes
nobody with it, and its run ends in words. What is done in that process is in jobs.taskrun and jobs.taskverbs.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from dbos import DBOSClient
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from jobs.child import COMMAND
from jobs.crawling import stop_group
from jobs.engine import MOST_PRIORITY, TASK_FLOW, TASKS, open_client, rank
from jobs.errors import BusyError, JobError, UsageError
from jobs.places import Places, dump_places
from jobs.remains import name_signal, read_last_words
from jobs.runs import is_busy
from jobs.sites import find_site, register
from jobs.taskverbs import VERBS, Verb, find_verb
from storage.engine import open_engine, reading, transaction
from storage.runs import create_run_in, find_run
from storage.taskruns import TAKES_OVER, claim_task, end_task, find_same, find_tasks, replace_task

__all__ = [
    "Verb",
    "VERBS",
    "find_verb",
    "start_task",
    "enqueue_task",
    "run_task",
    "recover_tasks",
    "TAKES_OVER",
]

POLL_SECONDS = 0.5
SILENCE_SECONDS = 60.0
"""A process that did not beat for so long hangs."""
STUCK_SECONDS = 6 * 3600.0
"""One that beats and does not get on for so long hangs as well."""
CANCEL_SECONDS = 5.0
"""So long a cancelled task may take to end by itself."""
LAST_SECONDS = 30.0
"""So long its process may live after its run ended."""
SETTLE_SECONDS = 2.0
MOST = 3
"""Times in a row that a lost task is begun anew."""
PATIENCE = timedelta(days=1)
"""After that nobody expects it any more."""


def start_task(
    places: Places,
    verb: str,
    *,
    by: str,
    reason: str,
    now: datetime,
    settings: Mapping[str, Any] | None = None,
    site: str | None = None,
    schedule: str = "",
    due_at: datetime | None = None,
    retry_of: int | None = None,
    priority: int = 0,
) -> int:
    """Put a task on the queue; its run id. BusyError when the very same stands there already.

    settings: a report's start and end (ISO, UTC) or period; retention's dry_run; a backup's to.
    """
    known = find_verb(verb)
    if abs(priority) > MOST_PRIORITY:
        raise UsageError(f"A priority is a number from -{MOST_PRIORITY} to {MOST_PRIORITY}, not {priority}.")
    if site and not known.site:
        raise UsageError(f"{verb} is not of one site: it is for all of them.")
    given = dict(settings or {})
    known.check(given)
    engine = open_engine(places.database_url)
    try:
        site_id = register(engine, find_site(places, site), now=now) if site else None
        with transaction(engine) as session:
            same = find_same(session, verb=verb, site_id=site_id, settings=given)
            if same is not None and not schedule:
                raise BusyError(
                    f'Run {same.id} stands in the queue to do just that. See it with "tuskwatch run show {same.id}"; '
                    'when no worker takes it, start one: "tuskwatch worker".'
                )
            run_id = create_run_in(
                session, verb=verb, site_id=site_id, by=by, reason=reason, settings=given, now=now, retry_of=retry_of,
                schedule=schedule, due_at=due_at, priority=priority,
            ).id  # fmt: skip
    finally:
        engine.dispose()
    with open_client(places) as client:
        enqueue_task(client, run_id, priority=priority)
    return run_id


def enqueue_task(client: DBOSClient, run_id: int, *, turn: str = "", priority: int = 0) -> None:
    """Put the run on the queue of tasks. Twice with the same turn is once."""
    client.enqueue(
        {
            "workflow_name": TASK_FLOW,
            "queue_name": TASKS,
            "workflow_id": f"run-{run_id}{turn}",
            "priority": rank(priority),
        },
        run_id,
    )


def recover_tasks(places: Places, engine: Engine, client: DBOSClient, *, now: datetime) -> list[int]:
    """Begin lost tasks anew, and put queued ones that are on no queue there; the ids of the new runs.

    Safe to be called by all workers at once: of each step one of them does it.
    """
    with reading(engine) as session:
        lost = [
            run.id
            for run in find_tasks(session, state="lost", newest=True, limit=200)
            if run.verb in VERBS and now - (run.ended_at or run.created_at) < PATIENCE
        ]
        queued = [(run.id, run.priority) for run in find_tasks(session, state="queued") if run.verb in VERBS]
    fresh = []
    for run_id in sorted(lost):
        new = replace_task(engine, run_id=run_id, most=MOST, now=now)
        if new is not None:
            fresh.append(new)
            enqueue_task(client, new)
    for run_id, priority in queued:
        if not is_busy(client, [run_id]):
            enqueue_task(client, run_id, turn=f"-{int(now.timestamp() * 1000)}", priority=priority)
    return fresh


def run_task(
    places: Places,
    engine: Engine,
    run_id: int,
    *,
    stop: threading.Event,
    clock: Callable[[], datetime],
    worker: str = "worker",
    silence: float = SILENCE_SECONDS,
) -> str:
    """Do a queued task in a process of its own; the state that its run has when that has ended.

    worker: who does it, by the name that its mark has. A run that is not queued (any more) is left alone. When `stop` is
    set the process ends after its batch, and the run is lost until a worker takes it over (recover_tasks).
    """
    with reading(engine) as session:
        run = find_run(session, run_id)
    if run is None:
        return "gone"
    if run.verb not in VERBS:
        return run.state  # a newer worker knows what to do: it stays queued for that one
    if not claim_task(engine, run_id=run_id, worker=worker, now=clock()):
        with reading(engine) as session:
            run = find_run(session, run_id)
            return run.state if run is not None else "gone"
    places.runs.mkdir(parents=True, exist_ok=True, mode=0o700)
    errors = places.runs / f"{run_id}.err"
    with errors.open("wb") as sink:
        errors.chmod(0o600)
        try:
            process = subprocess.Popen(
                [*COMMAND, "task", str(run_id), worker],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=sink,
                env={"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONUTF8": "1"},
                cwd=places.data,
                start_new_session=True,
            )
        except OSError as exc:
            why = f"It could not be started: {exc.strerror or exc}."
            return _settle(engine, run_id, worker, "failed", why, stop=stop, clock=clock)
    assert process.stdin is not None
    with suppress(BrokenPipeError):  # it ended at once: what it said is read below
        # Kept open: its end tells the process that its worker is gone.
        process.stdin.write(dump_places(places).encode() + b"\n")
        process.stdin.flush()
    try:
        state, why = _watch(process, engine, run_id, worker, stop=stop, silence=silence)
    finally:
        stop_group(process)
        with suppress(BrokenPipeError):
            process.stdin.close()
    if not state:
        state, why = _explain_end(process.returncode, errors)
    ended = _settle(engine, run_id, worker, state, why, stop=stop, clock=clock)
    if process.returncode == 0 or errors.stat().st_size == 0:
        errors.unlink()
    return ended


def _watch(
    process: subprocess.Popen[bytes],
    engine: Engine,
    run_id: int,
    worker: str,
    *,
    stop: threading.Event,
    silence: float,
) -> tuple[str, str]:
    """Wait for the process; the state and words of an end that it does not say itself, ("", "") else."""
    at = time.monotonic()
    beat, beaten, far, moved = None, at, (-1, -1), at
    cancelled: float | None = None
    over: float | None = None
    while process.poll() is None:
        if stop.wait(POLL_SECONDS):
            return "lost", "The worker was stopped. It goes on by itself when a worker is there."
        at = time.monotonic()
        try:
            with reading(engine) as session:
                run = find_run(session, run_id)
        except SQLAlchemyError:
            beaten = at  # nobody can beat now
            continue
        if run is None or run.state != "running" or run.worker != worker:
            over = over or at
            if at - over > LAST_SECONDS:
                return "", ""
            continue
        if run.heartbeat_at != beat:
            beat, beaten = run.heartbeat_at, at
        if (run.done, run.total) != far:
            far, moved = (run.done, run.total), at
        cancelled = (cancelled or at) if run.wish == "cancel" else None
        if cancelled is not None and at - cancelled > CANCEL_SECONDS:
            return "cancelled", "Cancelled. What was done until then is kept."
        if at - beaten > silence:
            return "lost", f"Its process gave no sign of life for {silence:.0f} seconds and was ended."
        if at - moved > STUCK_SECONDS:
            return "failed", f"It did not get on for {STUCK_SECONDS / 3600:.0f} hours and was ended."
    return "", ""


def _explain_end(code: int, errors: Path) -> tuple[str, str]:
    """What is said of a process that ended without saying how."""
    if code < 0:
        return "lost", f"Its process was killed ({name_signal(-code)}). What was done until then is kept."
    said = read_last_words(errors)
    return "failed", f"Its process ended with code {code} and said: {said or 'nothing'}"


def _settle(
    engine: Engine,
    run_id: int,
    worker: str,
    state: str,
    why: str,
    *,
    stop: threading.Event,
    clock: Callable[[], datetime],
) -> str:
    """Write the end, unless the process wrote it or the run was taken away. Waits for a database that does not answer."""
    while True:
        try:
            end_task(engine, run_id=run_id, worker=worker, state=state, message=why, now=clock())
            with reading(engine) as session:
                run = find_run(session, run_id)
                return run.state if run is not None else "gone"
        except SQLAlchemyError as exc:
            if stop.wait(SETTLE_SECONDS):
                raise JobError(f"The end of run {run_id} could not be written: {type(exc).__name__}") from exc
