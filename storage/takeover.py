"""A crawl that its worker cannot go on with is taken from it, and another run goes on where it stopped.

Public names: take_away, replace_run, find_live, find_again.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, joinedload

from storage.engine import lock, transaction
from storage.fencing import move_fence
from storage.runs import ACTIVE, AGAIN, SLOW, create_run_in
from storage.tables import Run

_KEPT = ("account", SLOW, "pages", "minutes")
"""Settings that a run which goes on for another takes over: without them it would go on as somebody else, or faster."""


def take_away(engine: Engine, *, run_id: int, message: str, now: datetime) -> bool:
    """End a run as lost for a worker that does not answer: what it still does stores nothing any more.

    False when the run is not at work (any more), or waits for a person.
    """
    with transaction(engine) as session:
        run = session.get_one(Run, run_id, with_for_update=True)
        if run.state not in ("running", "waiting") or run.waits_for == "person":
            return False
        run.state, run.waits_for, run.message, run.ended_at = "lost", "", message, now
        run.wish = run.pid = run.fence = None
        if run.site_id is not None and run.verb == "crawl":
            move_fence(session, run.site_id)
        return True


def replace_run(
    engine: Engine, *, run_id: int, reason: str, now: datetime, chain: str, most: int, most_barren: int
) -> int | None:
    """Ask for a run that goes on where a lost one stopped, as itself and once, whoever else asks; its id.

    None when it is not lost, was replaced, when its site is being crawled, or when that was done `most` times in a row
    (`most_barren` without a page stored) for runs whose reason begins with `chain`: a run that kills its worker must not
    do so for ever.
    """
    with transaction(engine) as session:
        run = session.get_one(Run, run_id, with_for_update=True)
        if run.state != "lost" or (run.verb == "crawl" and run.site_id is None):
            return None
        if session.scalar(select(Run.id).where(Run.retry_of == run_id).limit(1)) is not None:
            return None
        crawls = run.site_id if run.verb == "crawl" else None
        if crawls is not None and find_live(session, site_id=crawls) is not None:
            return None
        tries = barren = 0
        link: Run | None = run
        while link is not None and tries <= most:
            barren = barren + 1 if link.pages + link.done == 0 and barren == tries else barren
            tries += 1
            link = (
                session.get(Run, link.retry_of) if link.retry_of and link.reason.startswith(chain) else None
            )
        if tries > most or barren > most_barren:
            return None
        kept = {name: value for name, value in run.settings.items() if name in _KEPT or run.verb != "crawl"}
        new = create_run_in(
            session,
            verb=run.verb,
            site_id=run.site_id,
            by=run.by,
            reason=reason,
            settings=kept,
            now=now,
            plan=run.plan,
            retry_of=run.id,
            schedule=run.schedule,
            priority=run.priority,
        )
        if AGAIN in run.settings:
            run.settings = {**run.settings, AGAIN: ""}
        return new.id


def find_live(session: Session, *, site_id: int) -> Run | None:
    """The crawl of the site that is not over. Within a write transaction nobody else asks for one until its end."""
    lock(session, f"ask {site_id}")
    return session.scalar(
        select(Run)
        .options(joinedload(Run.site))
        .where(Run.verb == "crawl", Run.site_id == site_id, Run.state.in_(ACTIVE))
        .order_by(Run.id.desc())
        .limit(1)
    )


def find_again(session: Session, *, limit: int = 100) -> list[Run]:
    """Lost crawls that wait to be taken up by themselves, the newest first."""
    return list(
        session.scalars(
            select(Run)
            .options(joinedload(Run.site))
            .where(Run.verb == "crawl", Run.state == "lost", Run.settings[AGAIN].as_string() != "")
            .order_by(Run.id.desc())
            .limit(limit)
        )
    )
