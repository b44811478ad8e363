"""The life of a run, from asked for to ended.

Public names: ACTIVE, ENDED, LATE_AFTER, BOUND_FROM, SLOW, AGAIN, create_run, create_run_in, start_run, beat_run, set_run,
end_run, show_state, wish_run, wait_run_for, send_on, find_run, find_runs, find_waiting.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session, joinedload

from storage import audit
from storage.engine import transaction
from storage.errors import FencedError
from storage.fencing import move_fence
from storage.tables import Page, Run, Site

ACTIVE = ("queued", "waiting", "running")
"""States of a run that is not over."""
LATE_AFTER = timedelta(minutes=10)
"""After it was due, a run that is still queued is late."""
ENDED = ("paused", "done", "failed", "cancelled", "lost")
"""States of a run that is over. A paused one ended too: the next run takes over its sweep."""
STALE_AFTER = timedelta(days=7)
STALE_PAGES = 50
KNOWN_STALE_AFTER = timedelta(days=1)
"""What was asked for daily and not finished in a day is asked for anew: the old list of known ads is out of date."""
"""A sweep this old whose last run brought fewer good pages is stuck on a few that are barred: done pages of a sweep are
not fetched again, so a new one must begin or the site is no longer watched. A large site that is read slowly goes on."""
WISHES = ("pause", "resume", "slow", "cancel")
BOUND_FROM = "bound_from"
"""Among a run's settings: how many pages it had when a person last resumed it. Its bound counts from there; a crash
does not move it, or a site that kills its crawler would be crawled without bound."""

ASIDE = "aside"
"""Among a run's settings: its sweep is its own, neither taken up from another run nor given on (a page tried by hand)."""
SLOW = "slow"
"""Among a run's settings: by how much a person slowed it down. 1 is the site's own pace."""
MAX_SLOW = 100.0
AGAIN = "again"
"""Among a lost run's settings: what it lacked, when it may be taken up by itself; "" when no more."""


def create_run(
    engine: Engine,
    *,
    verb: str,
    site_id: int | None,
    by: str,
    reason: str,
    settings: Mapping[str, Any],
    now: datetime,
    plan: str = "full",
    retry_of: int | None = None,
    schedule: str = "",
    due_at: datetime | None = None,
    priority: int = 0,
) -> int:
    """Add a queued run; its id.

    A crawl takes over the sweep of the site's last crawl of the same plan when that one did not end "done", else it begins
    its own.
    """
    with transaction(engine) as session:
        return create_run_in(
            session,
            verb=verb,
            site_id=site_id,
            by=by,
            reason=reason,
            settings=settings,
            now=now,
            plan=plan,
            retry_of=retry_of,
            schedule=schedule,
            due_at=due_at,
            priority=priority,
        ).id


def create_run_in(
    session: Session,
    *,
    verb: str,
    site_id: int | None,
    by: str,
    reason: str,
    settings: Mapping[str, Any],
    now: datetime,
    plan: str = "full",
    retry_of: int | None = None,
    schedule: str = "",
    due_at: datetime | None = None,
    priority: int = 0,
) -> Run:
    """The same within a transaction of the caller's, with whatever belongs to it."""
    run = Run(
        verb=verb,
        site_id=site_id,
        by=by,
        reason=reason,
        plan=plan,
        settings=dict(settings),
        created_at=now,
        retry_of=retry_of,
        schedule=schedule,
        due_at=due_at,
        priority=priority,
    )
    session.add(run)
    session.flush()
    if verb == "crawl":
        run.sweep_id = _choose_sweep(session, run)
        session.flush()
    detail = {"verb": verb, "site_id": site_id, "reason": reason}
    audit.record(session, actor=by, action="run.create", subject=f"run {run.id}", detail=detail, now=now)
    return run


def start_run(
    engine: Engine, *, run_id: int, worker: str | None, pid: int | None, now: datetime, fence: bool = False
) -> Run:
    """Mark a run as running. The first start settles its sweep: the crawl before it may have ended meanwhile.

    worker None: the one that has it already. fence: whoever crawled the site before stores nothing from here on.
    """
    with transaction(engine) as session:
        run = _get(session, run_id)
        if run.state == "lost" and run.worker and worker is None:
            raise FencedError(f"run {run_id} was taken from its worker before it began")
        if run.verb == "crawl" and run.started_at is None:
            run.sweep_id = _choose_sweep(session, run)
        if run.state == "cancelled":
            # Cancelled in the instant a worker took it: the crawl must hear of it before its first request.
            run.wish = "cancel"
        elif run.wish == "resume":
            run.wish = None
        run.state, run.waits_for = "running", ""
        run.worker, run.pid = worker if worker is not None else run.worker, pid
        run.started_at = run.started_at or now
        run.heartbeat_at = now
        run.ended_at = None
        if fence and run.site_id is not None:
            run.fence = move_fence(session, run.site_id)
        return run


def show_state(run: Run, *, now: datetime) -> str:
    """Its state as people are told: a queued run that nobody took for LATE_AFTER is late, one without a slot waits."""
    if run.state == "queued" and now - (run.due_at or run.created_at) > LATE_AFTER:
        return "late"
    return "waiting" if run.state == "queued" and run.waits_for == "slot" else run.state


def beat_run(engine: Engine, *, run_id: int, now: datetime) -> str | None:
    """Say that the run lives; what a person wishes of it (pause, slow, cancel), if anything.

    "slow" stays until something else is wished: by how much stands in the run's settings[SLOW].
    """
    with transaction(engine) as session:
        session.execute(update(Run).where(Run.id == run_id).values(heartbeat_at=now))
        return session.scalar(select(Run.wish).where(Run.id == run_id))


def set_run(
    engine: Engine,
    *,
    run_id: int,
    state: str,
    message: str,
    now: datetime,
    waits_for: str = "",
    fence: int | None = None,
) -> None:
    """Say what a run that is not over does now: queued, waiting (for tor) or running.

    fence: of whoever says so; FencedError when the run was taken from it.
    """
    if state not in ACTIVE:
        raise ValueError(f"{state} ends a run: use end_run")
    with transaction(engine) as session:
        run = _get(session, run_id)
        if fence is not None and run.fence != fence:
            raise FencedError(f"run {run_id} was taken over")
        run.state, run.waits_for, run.message, run.heartbeat_at = state, waits_for, message, now


def wait_run_for(engine: Engine, *, run_id: int, what: str, message: str, now: datetime) -> None:
    """Let a run wait for a person: no process and no worker holds it until send_on puts it on the queue again.

    A wish to end it that came in the last instant is obeyed: such a run is over instead.
    """
    with transaction(engine) as session:
        run = _get(session, run_id)
        if run.wish in ("pause", "cancel"):
            run.state, run.waits_for = "paused" if run.wish == "pause" else "cancelled", ""
            run.ended_at = now
        else:
            run.state, run.waits_for, run.ended_at = "waiting", what, None
        run.message, run.heartbeat_at = message, now
        run.pid, run.wish = None, None


def send_on(engine: Engine, *, run_id: int, now: datetime) -> bool:
    """Make a run that waits for a person a queued one again; False when it does not wait (any more)."""
    with transaction(engine) as session:
        run = _get(session, run_id)
        if run.state != "waiting" or run.waits_for != "person":
            return False
        run.state, run.waits_for, run.message, run.heartbeat_at = "queued", "", "", now
        return True


def end_run(
    engine: Engine,
    *,
    run_id: int,
    state: str,
    message: str,
    now: datetime,
    again: str = "",
    fence: int | None = None,
) -> bool:
    """End a run: done, paused, failed, cancelled or lost, and how, in words.

    again: what a lost crawl lacked ("tor", "database"): it may be taken up by itself when that is there again.
    fence: of whoever says so; nothing is written, and False given, when the run was taken from it meanwhile.
    """
    if state not in ENDED:
        raise ValueError(f"{state} does not end a run")
    with transaction(engine) as session:
        run = _get(session, run_id)
        if fence is not None and run.fence != fence:
            return False
        run.state, run.waits_for, run.message, run.ended_at = state, "", message, now
        run.wish = None
        run.pid = None
        if again or AGAIN in run.settings:
            run.settings = {**run.settings, AGAIN: again}
        return True


def wish_run(
    engine: Engine, *, run_id: int, wish: str, by: str, now: datetime, factor: float | None = None
) -> str:
    """Note what a person asks of a run (pause, resume, slow, cancel); its state.

    Ended runs take no wish, but a paused one may be resumed or slowed. `factor` (with slow): so many times the site's
    own delay, from 1 on; it stays with the run, through pauses too. It never takes the place of a wish to end.
    """
    if wish not in WISHES:
        raise ValueError(f"{wish} is not one of {', '.join(WISHES)}")
    if (wish == "slow") != (factor is not None):
        raise ValueError("a factor belongs to slow, and slow needs one")
    if factor is not None and not 1 <= factor <= MAX_SLOW:
        raise ValueError(f"a run is slowed 1 to {MAX_SLOW:g} times, not {factor}")
    with transaction(engine) as session:
        run = _get(session, run_id)
        detail: dict[str, Any] = {}
        if run.state not in ACTIVE and not (run.state == "paused" and wish in ("resume", "slow")):
            return run.state
        if factor is not None:
            run.settings = {**run.settings, SLOW: factor}
            detail = {"factor": factor}
            if run.state in ACTIVE and run.wish is None:
                run.wish = wish
        else:
            run.wish = wish
        if wish == "resume":
            run.settings = {**run.settings, BOUND_FROM: run.pages}
        audit.record(session, actor=by, action=f"run.{wish}", subject=f"run {run_id}", detail=detail, now=now)
        return run.state


def find_run(session: Session, run_id: int) -> Run | None:
    """One run with its site."""
    return session.scalar(select(Run).options(joinedload(Run.site)).where(Run.id == run_id))


def find_runs(
    session: Session,
    *,
    state: str | None = None,
    site: str | None = None,
    verb: str | None = None,
    limit: int = 100,
) -> list[Run]:
    """Runs with their sites, the newest first."""
    statement = select(Run).options(joinedload(Run.site)).order_by(Run.id.desc()).limit(limit)
    if state is not None:
        statement = statement.where(Run.state == state)
    if verb is not None:
        statement = statement.where(Run.verb == verb)
    if site is not None:
        statement = statement.join(Site, Run.site_id == Site.id).where(Site.name == site)
    return list(session.scalars(statement))


def find_waiting(session: Session, *, site_id: int | None = None) -> list[Run]:
    """Runs that wait for a person, the one that waits longest first."""
    statement = (
        select(Run)
        .options(joinedload(Run.site))
        .where(Run.state == "waiting", Run.waits_for == "person")
        .order_by(Run.heartbeat_at, Run.id)
    )
    if site_id is not None:
        statement = statement.where(Run.site_id == site_id)
    return list(session.scalars(statement))


def _get(session: Session, run_id: int) -> Run:
    run = session.get(Run, run_id, with_for_update=True)
    if run is None:
        raise LookupError(f"there is no run {run_id}")
    return run


def _choose_sweep(session: Session, run: Run) -> int:
    if run.settings.get(ASIDE):
        return run.id
    earlier = session.scalars(
        select(Run)
        .where(Run.verb == "crawl", Run.site_id == run.site_id, Run.plan == run.plan, Run.id < run.id)
        .order_by(Run.id.desc())
        .limit(200)
    )
    last = next((row for row in earlier if not row.settings.get(ASIDE)), None)
    if last is None or last.state == "done" or last.sweep_id is None:
        return run.id
    first = session.get(Run, last.sweep_id)
    if run.plan == "known" and first is not None and run.created_at - first.created_at > KNOWN_STALE_AFTER:
        return run.id
    if first is not None and run.created_at - first.created_at > STALE_AFTER:
        good = select(func.count()).where(Page.run_id == last.id, Page.status == 200)
        if (session.scalar(good) or 0) < STALE_PAGES:
            return run.id
    return last.sweep_id
