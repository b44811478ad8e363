"""Crawls that ended for want of Tor, of the database or of a worker are taken up again by themselves when it is there.

Public names: MAX_AGAIN, take_up, is_any_lost, end_when_possible.

By a new run of the same sweep, plan and account, a bounded number of times within an hour; then a person has to ask. The
new run is admitted by the canary as any other: without a new proof it fetches nothing. What ended for a leak is not here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from jobs.engine import open_client
from jobs.places import Places
from jobs.runs import ASIDE_REASONS, enqueue_again, view_run
from storage.engine import reading
from storage.runs import ACTIVE, AGAIN, end_run, find_run, find_runs
from storage.tables import Run
from storage.takeover import Successor, find_again, replace_run

MAX_AGAIN = 3
"""Times that crawls of one site are taken up again within WINDOW without a page stored."""
MOST = 50
"""Times in a row that a crawl is taken up, pages or not."""
TOR = "tor"
WINDOW = timedelta(hours=1)
GOES_ON = "goes on after run"
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 30.0, 30.0)
"""Seconds between tries to write the end of a run."""


def is_any_lost(engine: Engine) -> bool:
    """Does a crawl wait to be taken up?"""
    with reading(engine) as session:
        return bool(find_again(session, limit=1))


def take_up(places: Places, engine: Engine, *, now: datetime) -> list[int]:
    """Ask anew for the crawls that may go on; the ids of the new runs. Those that may not any more stay lost, in words.

    Safe to be called by several workers at once: each crawl is taken up by one of them.
    """
    with reading(engine) as session:
        lost = find_again(session)
        tries = {
            run.id: _count_tries(find_runs(session, site=run.site.name), now=now) for run in lost if run.site
        }
    new = []
    for run in reversed(lost):
        ended = run.ended_at or run.created_at
        # A Tor that falls silent again and again is a trouble to look into; a database that restarts, or a machine that was
        # off for a night, is none: the run begins only when they are there.
        bounded = run.settings.get(AGAIN) == TOR
        if run.site is None or run.reason.startswith(ASIDE_REASONS):
            end_run(engine, run_id=run.id, state="lost", message=run.message, now=ended)
        elif bounded and (now - ended > WINDOW or tries[run.id] >= MAX_AGAIN):
            message = (
                f"{run.message} It was not taken up again: that was done {tries[run.id]} times within an hour in vain, or "
                "what it lacked was gone for an hour. Find the cause, then crawl the site again: it goes on where this run "
                "stopped."
            )
            end_run(engine, run_id=run.id, state="lost", message=message, now=ended)
        else:
            then = Successor(f"{GOES_ON} {run.id}", GOES_ON, MOST, MOST)
            next_run = replace_run(engine, run_id=run.id, then=then, now=now)
            if next_run is None:  # the site is crawled already, or another worker was first
                end_run(engine, run_id=run.id, state="lost", message=run.message, now=ended)
                continue
            new.append(next_run)
            with reading(engine) as session:
                views = [view_run(row) for row in (find_run(session, next_run), run) if row is not None]
            with open_client(places) as client:
                for (
                    view
                ) in views:  # the old one, so that what it fetched is read and scored, if that was not done
                    enqueue_again(places, client, view, now=now)
    return new


def end_when_possible(
    engine: Engine, run_id: int, message: str, *, stop: threading.Event, clock: Callable[[], datetime]
) -> bool:
    """Write that the database did not answer, as soon as it does; False when it did not for long.

    Then the row is left to recover_runs: nobody says any more that the run lives.
    """
    for pause in PAUSES:
        try:
            with reading(engine) as session:
                run = find_run(session, run_id)
            if run is None or run.state not in ACTIVE:
                return True  # taken away while this worker could not even be told
            end_run(engine, run_id=run_id, state="lost", message=message, now=clock(), again="database")
        except SQLAlchemyError as exc:
            structlog.get_logger("worker").warning("no database", run=run_id, error=type(exc).__name__)
            if stop.wait(pause):
                return False
        else:
            return True
    return False


def _count_tries(runs: list[Run], *, now: datetime) -> int:
    """Those that brought something were not in vain."""
    return sum(
        run.reason.startswith(GOES_ON) and now - run.created_at < WINDOW and run.pages == 0 for run in runs
    )
