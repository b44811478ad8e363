"""The mark of a task that a person's own command does: a locked file, by which everybody sees whether it still lives.

Public names: hold_mark, settle_dead.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Engine

from jobs.places import Places
from jobs.presence import is_gone, name_folder
from storage.engine import reading
from storage.taskruns import BY_HAND, end_task, find_tasks

DEAD = "The command that did it was ended before it could say how. What was done until then is kept."


@contextmanager
def hold_mark(places: Places) -> Iterator[str]:
    """A name under which workers see whether this process lives: its lock ends with it, however it ends."""
    places.workers.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = f"{name_folder(places)}-hand-{os.getpid()}-{secrets.token_hex(3)}"
    lock = places.workers / f"{name}.lock"
    # Locked before it gets its name: a mark that is seen unlocked for a moment would be taken for a dead one's.
    fresh = lock.with_suffix(".fresh")
    with fresh.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        fresh.replace(lock)
        try:
            yield name
        finally:
            lock.unlink(missing_ok=True)


def settle_dead(places: Places, engine: Engine, *, now: datetime) -> list[int]:
    """Say of tasks whose command is dead that they are lost; their ids. A worker would do so too, but there may be none."""
    with reading(engine) as session:
        running = [
            (run.id, run.worker, run.heartbeat_at or run.created_at)
            for run in find_tasks(session, state="running")
            if run.settings.get(BY_HAND) and run.worker
        ]
    return [
        run_id
        for run_id, worker, beat in running
        if is_gone(places, worker, beat=beat, now=now)
        and end_task(engine, run_id=run_id, worker=worker, state="lost", message=DEAD, now=now)
    ]
