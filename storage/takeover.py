"""A crawl that its worker cannot go on with is taken from it, and another run goes on where it stopped.

Public names: KEPT, Successor, take_away, replace_run, is_replaced, find_live, find_again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, joinedload

from storage.engine import lock, transaction
from storage.fencing import move_fence
from storage.runs import ACTIVE, AGAIN, SLOW, create_run_in
from storage.tables import Run

KEPT = ("account", SLOW, "pages", "minutes")
"""Settings that a run which goes on for another takes over: without them it would go on as somebody else, or faster."""


@dataclass(frozen=True)
class Successor:
    """How a lost run is gone on with: in words why, and when no more. chain: how reasons of such runs begin.

    most: times in a row; most_barren: of them those that brought nothing. A run that kills its worker must not do so for
    ever.
    """

    reason: str
    chain: str
    most: int
    most_barren: int


def take_away(
    engine: Engine, *, run_id: int, message: str, now: datetime, then: Successor | None = None
) -> tuple[bool, int | None]:
    """End a run as lost for a worker that does not answer: what it still does stores nothing any more.

    (False, None) when it is not at work (any more), or waits for a person. then: ask in the same transaction for the run
    that goes on, whose id comes back; no crash in between leaves a lost run that nobody goes on with.
    """
    with transaction(engine) as session:
        run = session.get_one(Run, run_id, with_for_update=True)
        if run.state not in ("running", "waiting") or run.waits_for == "person":
            return False, None
        run.state, run.waits_for, run.message, run.ended_at = "lost", "", message, now
        run.wish = run.pid = run.fence = None
        if run.site_id is not None and run.verb == "crawl":
            move_fence(session, run.site_id)
        session.flush()
        return True, _replace(session, run, then, now=now) if then is not None else None


def replace_run(engine: Engine, *, run_id: int, then: Successor, now: datetime) -> int | None:
    """Ask for a run that goes on where a lost crawl stopped, as itself and once, whoever else asks; its id.

    None when it is not lost, was replaced, when its site is being crawled, or when that was done too often in a row.
    """
    with transaction(engine) as session:
        return _replace(session, session.get_one(Run, run_id, with_for_update=True), then, now=now)


def _replace(session: Session, run: Run, then: Successor, *, now: datetime) -> int | None:
    if run.state != "lost" or run.verb != "crawl" or run.site_id is None or is_replaced(session, run.id):
        return None
    if find_live(session, site_id=run.site_id) is not None:
        return None
    tries = barren = 0
    link: Run | None = run
    while link is not None and tries <= then.most:
        barren = barren + 1 if link.pages == 0 and barren == tries else barren
        tries += 1
        before = link.retry_of if link.reason.startswith(then.chain) else None
        link = session.get(Run, before) if before else None
    if tries > then.most or barren > then.most_barren:
        return None
    kept = {name: value for name, value in run.settings.items() if name in KEPT}
    new = create_run_in(
        session,
        verb="crawl",
        site_id=run.site_id,
        by=run.by,
        reason=then.reason,
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


def is_replaced(session: Session, run_id: int) -> bool:
    """Does another run go on with this one?"""
    return session.scalar(select(Run.id).where(Run.retry_of == run_id).limit(1)) is not None


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
