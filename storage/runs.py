"""The life of a run, from asked for to ended.

Public names: ACTIVE, ENDED, BOUND_FROM, create_run, start_run, beat_run, set_run, end_run, wish_run, find_run, find_runs, find_lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session, joinedload

from storage import audit
from storage.engine import transaction
from storage.tables import Page, Run, Site

ACTIVE = ("queued", "waiting", "running")
"""States of a run that is not over."""
ENDED = ("paused", "done", "failed", "cancelled", "lost")
"""States of a run that is over. A paused one ended too: the next run takes over its sweep."""
STALE_AFTER = timedelta(days=7)
STALE_PAGES = 50
"""A sweep this old whose last run brought fewer good pages is stuck on a few that are barred: done pages of a sweep are
not fetched again, so a new one must begin or the site is no longer watched. A large site that is read slowly goes on."""
WISHES = ("pause", "resume", "cancel")
BOUND_FROM = "bound_from"
"""Among a run's settings: how many pages it had when a person last resumed it. Its bound counts from there; a crash
does not move it, or a site that kills its crawler would be crawled without bound."""


def create_run(
    engine: Engine,
    *,
    verb: str,
    site_id: int | None,
    by: str,
    reason: str,
    settings: Mapping[str, Any],
    now: datetime,
) -> int:
    """Add a queued run; its id.

    A crawl takes over the sweep of the site's last crawl when that one did not end "done", else it begins its own.
    """
    with transaction(engine) as session:
        run = Run(verb=verb, site_id=site_id, by=by, reason=reason, settings=dict(settings), created_at=now)
        session.add(run)
        session.flush()
        if verb == "crawl":
            run.sweep_id = _choose_sweep(session, run)
        detail = {"verb": verb, "site_id": site_id, "reason": reason}
        audit.record(session, actor=by, action="run.create", subject=f"run {run.id}", detail=detail, now=now)
        return run.id


def start_run(engine: Engine, *, run_id: int, worker: str, pid: int | None, now: datetime) -> Run:
    """Mark a run as running. The first start settles its sweep: the crawl before it may have ended meanwhile."""
    with transaction(engine) as session:
        run = _get(session, run_id)
        if run.verb == "crawl" and run.started_at is None:
            run.sweep_id = _choose_sweep(session, run)
        if run.state == "cancelled":
            # Cancelled in the instant a worker took it: the crawl must hear of it before its first request.
            run.wish = "cancel"
        elif run.wish == "resume":
            run.wish = None
        run.state = "running"
        run.worker, run.pid = worker, pid
        run.started_at = run.started_at or now
        run.heartbeat_at = now
        run.ended_at = None
        return run


def beat_run(engine: Engine, *, run_id: int, now: datetime) -> str | None:
    """Say that the run lives; what a person wishes of it (pause, cancel), if anything."""
    with transaction(engine) as session:
        session.execute(update(Run).where(Run.id == run_id).values(heartbeat_at=now))
        return session.scalar(select(Run.wish).where(Run.id == run_id))


def set_run(engine: Engine, *, run_id: int, state: str, message: str, now: datetime) -> None:
    """Say what a run that is not over does now: queued, waiting (for what) or running."""
    if state not in ACTIVE:
        raise ValueError(f"{state} ends a run: use end_run")
    with transaction(engine) as session:
        run = _get(session, run_id)
        run.state, run.message, run.heartbeat_at = state, message, now


def end_run(engine: Engine, *, run_id: int, state: str, message: str, now: datetime) -> None:
    """End a run: done, paused, failed, cancelled or lost, and how, in words."""
    if state not in ENDED:
        raise ValueError(f"{state} does not end a run")
    with transaction(engine) as session:
        run = _get(session, run_id)
        run.state, run.message, run.ended_at = state, message, now
        run.wish = None
        run.pid = None


def wish_run(engine: Engine, *, run_id: int, wish: str, by: str, now: datetime) -> str:
    """Note what a person asks of a run (pause, resume, cancel); its state. Ended runs take no wish but resume."""
    if wish not in WISHES:
        raise ValueError(f"{wish} is not one of {', '.join(WISHES)}")
    with transaction(engine) as session:
        run = _get(session, run_id)
        if run.state in ACTIVE or (wish == "resume" and run.state == "paused"):
            run.wish = wish
            if wish == "resume":
                run.settings = {**run.settings, BOUND_FROM: run.pages}
            audit.record(session, actor=by, action=f"run.{wish}", subject=f"run {run_id}", detail={}, now=now)
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


def find_lost(session: Session, *, silent_since: datetime) -> list[Run]:
    """Running runs that have not been heard of since then."""
    return list(
        session.scalars(
            select(Run)
            .options(joinedload(Run.site))
            .where(Run.state == "running", Run.heartbeat_at < silent_since)
            .order_by(Run.id)
        )
    )


def _get(session: Session, run_id: int) -> Run:
    run = session.get(Run, run_id, with_for_update=True)
    if run is None:
        raise LookupError(f"there is no run {run_id}")
    return run


def _choose_sweep(session: Session, run: Run) -> int:
    last = session.scalar(
        select(Run)
        .where(Run.verb == "crawl", Run.site_id == run.site_id, Run.id < run.id)
        .order_by(Run.id.desc())
        .limit(1)
    )
    if last is None or last.state == "done" or last.sweep_id is None:
        return run.id
    first = session.get(Run, last.sweep_id)
    if first is not None and run.created_at - first.created_at > STALE_AFTER:
        good = select(func.count()).where(Page.run_id == last.id, Page.status == 200)
        if (session.scalar(good) or 0) < STALE_PAGES:
            return run.id
    return last.sweep_id
