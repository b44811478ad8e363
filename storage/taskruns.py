"""The rows of tasks: runs of every verb but crawl. Whoever does one holds its row by its name, and says how far it is.

Public names: BY_HAND, TAKEN, RESULT, TAKES_OVER, claim_task, begin_task, beat_task, end_task, wish_task, replace_task,
find_tasks, find_same, find_retry, keep_setting, kept_settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session, joinedload

from storage import audit
from storage.engine import lock, transaction
from storage.runs import ENDED, create_run_in
from storage.tables import Run

TAKEN = "taken"
"""Instead of a wish: the run is nobody's, or somebody else's, by now."""
RESULT = "result"
"""Among a run's settings: what came of it, in numbers."""
BY_HAND = "by_hand"
"""Among a run's settings: a person's own command does it, so no worker goes on with it."""
TAKES_OVER = "takes over run"
"""How the reason of a run begins that takes the place of a lost one."""
CRAWL = "crawl"


def claim_task(engine: Engine, *, run_id: int, worker: str, now: datetime) -> bool:
    """Take a queued run of this number: of any number who ask, one gets it. What was wished while it stood there is done."""
    with transaction(engine) as session:
        run = session.get(Run, run_id, with_for_update=True)
        if run is None or run.state != "queued" or run.verb == CRAWL:
            return False
        if run.wish in ("pause", "cancel"):
            run.state = "paused" if run.wish == "pause" else "cancelled"
            run.wish, run.ended_at = None, now
            return False
        _start(run, worker=worker, pid=None, now=now)
        return True


def begin_task(
    engine: Engine,
    *,
    verb: str,
    site_id: int | None,
    by: str,
    reason: str,
    settings: Mapping[str, Any],
    worker: str,
    pid: int,
    now: datetime,
    retry_of: int | None = None,
) -> int:
    """Add a run that a person's own command does at once; its id. It never stands in the queue."""
    with transaction(engine) as session:
        run = create_run_in(
            session, verb=verb, site_id=site_id, by=by, reason=reason, settings={**settings, BY_HAND: True}, now=now,
            retry_of=retry_of,
        )  # fmt: skip
        _start(run, worker=worker, pid=pid, now=now)
        return run.id


def _start(run: Run, *, worker: str, pid: int | None, now: datetime) -> None:
    run.state, run.waits_for, run.message, run.wish = "running", "", "", None
    run.worker, run.pid = worker, pid
    run.started_at, run.heartbeat_at, run.ended_at = run.started_at or now, now, None


def beat_task(
    engine: Engine, *, run_id: int, worker: str, pid: int | None, done: int, total: int, now: datetime
) -> str | None:
    """Say that it goes on and how far it is; what a person wishes of it, or TAKEN when it is not this worker's any more."""
    with transaction(engine) as session:
        held = update(Run).where(Run.id == run_id, Run.state == "running", Run.worker == worker)
        values: dict[str, Any] = {"heartbeat_at": now, "done": done, "total": total}
        if pid is not None:
            values["pid"] = pid
        changed: Any = session.execute(held.values(**values))
        if changed.rowcount != 1:
            return TAKEN
        return session.scalar(select(Run.wish).where(Run.id == run_id))


def end_task(
    engine: Engine,
    *,
    run_id: int,
    worker: str,
    state: str,
    message: str,
    now: datetime,
    done: int | None = None,
    total: int | None = None,
    result: Mapping[str, Any] | None = None,
    listings: int | None = None,
    issues: int | None = None,
) -> bool:
    """End a run that this worker does; False, and nothing written, when it is not its own any more."""
    if state not in ENDED:
        raise ValueError(f"{state} does not end a run")
    with transaction(engine) as session:
        run = session.get(Run, run_id, with_for_update=True)
        if run is None or run.state != "running" or run.worker != worker:
            return False
        run.state, run.message, run.ended_at = state, message, now
        run.wish = run.pid = None
        numbers = {"done": done, "total": total, "listings": listings, "issues": issues}
        for name, value in numbers.items():
            if value is not None:
                setattr(run, name, value)
        if result is not None:
            run.settings = {**run.settings, RESULT: dict(result)}
        return True


def keep_setting(engine: Engine, *, run_id: int, name: str, value: Any) -> None:
    """Note something among a run's settings."""
    with transaction(engine) as session:
        run = session.get_one(Run, run_id, with_for_update=True)
        run.settings = {**run.settings, name: value}


def find_tasks(session: Session, *, state: str, newest: bool = False, limit: int = 1000) -> list[Run]:
    """Tasks in this state with their sites, the oldest first or the newest."""
    return list(
        session.scalars(
            select(Run)
            .options(joinedload(Run.site))
            .where(Run.state == state, Run.verb != CRAWL)
            .order_by(Run.id.desc() if newest else Run.id)
            .limit(limit)
        )
    )


def find_same(session: Session, *, verb: str, site_id: int | None, settings: Mapping[str, Any]) -> Run | None:
    """A queued run that would do exactly this. Within a write transaction nobody else asks for one until its end."""
    lock(session, f"task {verb}")
    queued = select(Run).where(
        Run.state == "queued", Run.verb == verb, Run.site_id.is_not_distinct_from(site_id)
    )
    return next((run for run in session.scalars(queued) if dict(run.settings) == dict(settings)), None)


def find_retry(session: Session, run_id: int) -> int | None:
    """The newest run that repeats this one or goes on with it."""
    return session.scalar(select(Run.id).where(Run.retry_of == run_id).order_by(Run.id.desc()).limit(1))


def wish_task(engine: Engine, *, run_id: int, wish: str, by: str, now: datetime) -> str | None:
    """Note what a person asks of a task (pause, resume, cancel), or do it where nobody is at work; its state now.

    None when it cannot be asked in the state that it has: an ended one takes no wish, only a paused one is resumed.
    """
    with transaction(engine) as session:
        run = session.get_one(Run, run_id, with_for_update=True)
        possible = {"pause": ("queued", "running", "waiting"), "resume": ("paused",)}
        if run.state not in possible.get(wish, ("queued", "running", "waiting", "paused")):
            return None
        if wish == "resume":
            run.state, run.message, run.ended_at, run.wish = "queued", "", None, None
            run.due_at = now  # it is late only when nobody takes it from here on
        elif run.state in ("queued", "paused"):
            run.state = "paused" if wish == "pause" else "cancelled"
            run.message = f"{run.state.capitalize()} by {by}."
            run.ended_at, run.wish = now, None
        else:
            run.wish = wish
        audit.record(session, actor=by, action=f"run.{wish}", subject=f"run {run_id}", detail={}, now=now)
        return run.state


def replace_task(engine: Engine, *, run_id: int, most: int, now: datetime) -> int | None:
    """Ask for a run that does what a lost one did not, as itself and once, whoever else asks; its id.

    None when it is not lost, was replaced, was a person's own command, or when that was done `most` times in a row: a
    task that kills its worker must not do so for ever.
    """
    with transaction(engine) as session:
        run = session.get_one(Run, run_id, with_for_update=True)
        if run.state != "lost" or run.verb == CRAWL or run.settings.get(BY_HAND):
            return None
        if find_retry(session, run_id) is not None:
            return None
        tries, link = 0, run
        while link.reason.startswith(TAKES_OVER) and link.retry_of and tries < most:
            tries, earlier = tries + 1, session.get(Run, link.retry_of)
            if earlier is None:
                break
            link = earlier
        if tries >= most:
            return None
        return create_run_in(
            session, verb=run.verb, site_id=run.site_id, by=run.by, reason=f"{TAKES_OVER} {run_id}", settings=kept_settings(run.settings),
            now=now, retry_of=run.id, schedule=run.schedule, priority=run.priority,
        ).id  # fmt: skip


def kept_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Of a task's settings those that say what is to be done, without what came of it."""
    return {name: value for name, value in settings.items() if name not in (BY_HAND, RESULT, "from_reading")}
