"""Asks for the runs of a schedule: adds their rows, and puts them on the queue after that.

Public names: Errand, read_errand, ask_in, say_gate, put_on_queue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from crawler.plan import choose_plan
from crawler.sites import SiteConfig
from jobs.engine import open_client
from jobs.errors import JobError, UsageError
from jobs.places import Places
from jobs.runs import enqueue_run, name_command, view_run
from jobs.sites import find_site, register
from jobs.tasks import enqueue_task
from storage import schedules as rows
from storage.plans import find_plan_times
from storage.runs import create_run_in
from storage.tables import Run, Schedule


@dataclass(frozen=True)
class Errand:
    """What a schedule needs from outside the database: the site's settings, or why they cannot be had."""

    config: SiteConfig | None = None
    problem: str = ""


def read_errand(places: Places, engine: Engine, site: str, *, now: datetime) -> Errand:
    """The site's file, made known to the database; its problem in words when it cannot be used."""
    if not site:
        return Errand()
    try:
        config = find_site(places, site)
    except UsageError as exc:
        return Errand(problem=str(exc))
    register(engine, config, now=now)
    return Errand(config)


def ask_in(
    session: Session,
    row: Schedule,
    errand: Errand,
    *,
    at: datetime,
    due_at: datetime,
    reason: str,
    by: str,
    now: datetime,
) -> Run:
    """Add a run of the schedule for its time `at`, in the caller's transaction."""
    settings = {name: value for name, value in row.settings.items() if name not in ("plan", "priority")}
    plan = "full"
    if row.verb == "crawl":
        plan = str(row.settings.get("plan", "due"))
        if plan == "due" and errand.config is not None and row.site_id is not None:
            # A schedule that fires oftener than the plan needs looks at the known ads again.
            plan = (
                choose_plan(find_plan_times(session, site_id=row.site_id), now=now, config=errand.config)
                or "known"
            )
    return create_run_in(
        session,
        verb=row.verb,
        site_id=row.site_id,
        by=by,
        reason=reason,
        settings={**settings, rows.AT: at.astimezone(UTC).isoformat()},
        now=now,
        plan=plan,
        schedule=row.name,
        due_at=due_at,
        priority=int(row.settings.get("priority", 0)),
    )


def say_gate(run: Run) -> str:
    """What a person must do before the site of a waiting run is crawled again."""
    site = run.site.name if run.site is not None else ""
    return (
        f"Run {run.id} of {site} waits for a person ({run.message or 'a gate'}). Open the gate with "
        f'"{name_command(view_run(run))}", and it goes on where it stopped; or end it with "tuskwatch run cancel {run.id}".'
    )


def put_on_queue(places: Places, runs: Sequence[Run], errand: Errand) -> str:
    """Let workers take the runs; "" or why not. Those who look after lost runs find what is not there and put it there."""
    try:
        with open_client(places) as client:
            for run in runs:
                if run.verb == "crawl" and errand.config is not None:
                    enqueue_run(
                        client,
                        run.id,
                        site=errand.config.name,
                        pin=errand.config.worker,
                        priority=run.priority,
                    )
                else:
                    enqueue_task(client, run.id, priority=run.priority)
    except (JobError, SQLAlchemyError) as exc:
        return str(exc).splitlines()[0][:300] if str(exc) else type(exc).__name__
    return ""
