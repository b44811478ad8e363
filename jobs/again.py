"""Crawls that ended for want of Tor or of the database are taken up again by themselves when it is there again.

Public names: MAX_AGAIN, take_up, is_any_lost, end_when_possible.

By a new run of the same sweep, plan and account, a bounded number of times within an hour; then a person has to ask. The
new run is admitted by the canary as any other: without a new proof it fetches nothing. What ended for a leak is not here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from jobs.engine import open_client
from jobs.errors import UsageError
from jobs.places import Places
from jobs.runs import ASIDE_REASONS, enqueue_run, start_crawl
from storage.engine import reading
from storage.runs import AGAIN, end_run, find_runs
from storage.tables import Run

MAX_AGAIN = 3
"""Times that crawls of one site are taken up again within WINDOW."""
WINDOW = timedelta(hours=1)
GOES_ON = "goes on after run"
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 30.0, 30.0)
"""Seconds between tries to write the end of a run."""


def is_any_lost(engine: Engine) -> bool:
    """Does a crawl wait to be taken up?"""
    with reading(engine) as session:
        return any(run.settings.get(AGAIN) for run in find_runs(session, state="lost", verb="crawl"))


def take_up(places: Places, engine: Engine, *, now: datetime) -> list[int]:
    """Ask anew for the crawls that may go on; the ids of the new runs. Those that may not any more fail in words."""
    with reading(engine) as session:
        lost = [run for run in find_runs(session, state="lost", verb="crawl") if run.settings.get(AGAIN)]
        tries = {
            run.id: _count_tries(find_runs(session, site=run.site.name), now=now) for run in lost if run.site
        }
    new = []
    for run in reversed(lost):
        ended = run.ended_at or run.created_at
        if run.site is None or run.reason.startswith(ASIDE_REASONS):
            end_run(engine, run_id=run.id, state="lost", message=run.message, now=ended)
        elif now - ended > WINDOW or tries[run.id] >= MAX_AGAIN:
            message = (
                f"{run.message} It was not taken up again: that was done {tries[run.id]} times within an hour, or what it "
                "lacked was gone for an hour. Find the cause, then crawl the site again: it goes on where this run stopped."
            )
            end_run(engine, run_id=run.id, state="failed", message=message, now=now)
        else:
            end_run(engine, run_id=run.id, state="lost", message=run.message, now=ended)
            with suppress(UsageError):  # the site is crawled already, or is no more
                new.append(
                    start_crawl(
                        places, run.site.name, by=run.by, reason=f"{GOES_ON} {run.id}", now=now,
                        account_key=str(run.settings.get("account", "")), plan=run.plan,
                    )
                )  # fmt: skip
            with open_client(places) as client:  # what it fetched is read and scored, if that was not done
                enqueue_run(client, run.id, site=run.site.name, turn=f"-{int(now.timestamp() * 1000)}")
    return new


def end_when_possible(
    engine: Engine, run_id: int, message: str, *, stop: threading.Event, clock: Callable[[], datetime]
) -> bool:
    """Write that the database did not answer, as soon as it does; False when it did not for long.

    Then the row is left to recover_runs: nobody says any more that the run lives.
    """
    for pause in PAUSES:
        try:
            end_run(engine, run_id=run_id, state="lost", message=message, now=clock(), again="database")
        except SQLAlchemyError as exc:
            structlog.get_logger("worker").warning("no database", run=run_id, error=type(exc).__name__)
            if stop.wait(pause):
                return False
        else:
            return True
    return False


def _count_tries(runs: list[Run], *, now: datetime) -> int:
    return sum(run.reason.startswith(GOES_ON) and now - run.created_at < WINDOW for run in runs)
