"""The rows of the workers: each says again and again that it lives, and any other can see when one no longer does.

Public names: enter_worker, beat_worker, beat_crawl, leave_worker, find_workers, silence_worker, mark_slots, LIVING.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Engine, delete, func, select, update
from sqlalchemy.orm import Session

from storage.engine import transaction
from storage.tables import Run, Worker

LIVING = ("ready", "leaving")
"""States of a worker that is believed to be alive."""
FORGET_AFTER = timedelta(days=14)


def enter_worker(
    engine: Engine,
    *,
    name: str,
    host: str,
    pid: int,
    version: str,
    labels: Sequence[str],
    crawls: int,
    now: datetime,
) -> None:
    """Add a worker that begins; rows of workers that ended long ago are removed."""
    with transaction(engine) as session:
        session.execute(
            delete(Worker).where(Worker.state.not_in(LIVING), Worker.beat_at < now - FORGET_AFTER)
        )
        session.add(
            Worker(
                name=name,
                host=host,
                pid=pid,
                version=version,
                labels=list(labels),
                crawls=crawls,
                started_at=now,
                beat_at=now,
            )
        )


def beat_worker(engine: Engine, *, name: str, tor: str, free_bytes: int | None, now: datetime) -> str:
    """Say that the worker lives; the state that its row had: "silent" says that its runs were taken from it."""
    with transaction(engine) as session:
        worker = session.get(Worker, name, with_for_update=True)
        if worker is None:
            return "gone"
        before = worker.state
        if before not in LIVING:
            worker.state = "ready"
        worker.beats += 1
        worker.beat_at, worker.tor, worker.free_bytes = now, tor, free_bytes
        return before


def beat_crawl(
    engine: Engine, *, run_id: int, worker: str | None, now: datetime
) -> tuple[str | None, int | None]:
    """Say that a crawl lives; what a person wishes of it, and how often its worker beat (None: it has no row)."""
    with transaction(engine) as session:
        session.execute(update(Run).where(Run.id == run_id).values(heartbeat_at=now))
        wish = session.scalar(select(Run.wish).where(Run.id == run_id))
        return wish, session.scalar(select(Worker.beats).where(Worker.name == worker))


def leave_worker(engine: Engine, *, name: str, state: str, now: datetime) -> None:
    """Say that the worker takes nothing more ("leaving"), or that it has ended ("stopped")."""
    with transaction(engine) as session:
        session.execute(
            update(Worker).where(Worker.name == name).values(state=state, beat_at=now, beats=Worker.beats + 1)
        )


def silence_worker(engine: Engine, *, name: str, beats: int) -> bool:
    """Declare a worker dead that still stands at so many beats; False when it did beat meanwhile."""
    with transaction(engine) as session:
        found = session.execute(
            update(Worker)
            .where(Worker.name == name, Worker.beats == beats, Worker.state.in_(LIVING))
            .values(state="silent")
            .returning(Worker.name)
        )
        return found.first() is not None


def find_workers(session: Session, *, living: bool = False) -> list[Worker]:
    """All workers that are remembered, or the living only; the oldest first."""
    statement = select(Worker).order_by(Worker.started_at, Worker.name)
    if living:
        statement = statement.where(Worker.state.in_(LIVING))
    return list(session.scalars(statement))


def mark_slots(engine: Engine) -> None:
    """Say of queued crawls whether they wait because all workers are at work; they are waiting then (show_state)."""
    with transaction(engine) as session:
        running = select(func.count()).where(Run.verb == "crawl", Run.state == "running")
        places = select(func.coalesce(func.sum(Worker.crawls), 0)).where(Worker.state.in_(LIVING))
        most = int(session.scalar(places) or 0)
        what = "slot" if 0 < most <= int(session.scalar(running) or 0) else ""
        session.execute(
            update(Run)
            .where(Run.verb == "crawl", Run.state == "queued", Run.waits_for != what)
            .values(waits_for=what)
        )
