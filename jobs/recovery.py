"""Takes up what a dead worker left behind: its runs are lost, and other runs go on where they stopped.

Public names: recover_runs, RESUMES.

A worker is dead when its lock is free (on its own machine: at once), or when it did not beat for a lease, seen by
another worker's own clock (jobs.pulse). What it still does after that, hung as it was, stores nothing: the site's
fencing token has moved (storage.fencing).
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from dbos import DBOSClient
from sqlalchemy import Engine

from crawler.leash import SLACK_SECONDS
from jobs.child import AFTER_LIMIT
from jobs.crawling import find_orphan
from jobs.engine import AFTER_FLOW, CRAWL_FLOW, TASK_FLOW, TICK_FLOW
from jobs.places import Places
from jobs.presence import is_gone, was_here
from jobs.runs import (
    ASIDE_REASONS,
    RESUMES,
    RunView,
    enqueue_again,
    enqueue_reading,
    find_run_id,
    is_busy,
    view_run,
)
from jobs.tasks import recover_tasks
from storage.engine import reading
from storage.runs import ACTIVE, find_run, find_runs
from storage.takeover import Successor, take_away
from storage.workers import find_workers, mark_slots

__all__ = ["recover_runs", "RESUMES"]

MOST = 20
"""Times in a row that a run is taken over."""
MOST_BARREN = 3
"""Of them those that brought no page: such a run kills its worker."""


@dataclass(frozen=True)
class _Lost:
    view: RunView
    pid: int | None
    here: bool


def recover_runs(places: Places, engine: Engine, client: DBOSClient, *, now: datetime) -> list[int]:
    """Say of each run whose worker died that it is lost, end its process, and put what can go on upon the queue again.

    Safe to be called by all workers at once: of each step one of them does it. Returns the ids of the runs that were
    found lost.
    """
    flows = client.list_workflows(status="PENDING", name=[CRAWL_FLOW, AFTER_FLOW, TASK_FLOW, TICK_FLOW])
    owners = {
        find_run_id(flow.workflow_id): flow.executor_id
        for flow in flows
        if flow.name in (CRAWL_FLOW, TASK_FLOW)
    }
    with reading(engine) as session:
        states = {worker.name: worker.state for worker in find_workers(session)}
        gone = []
        for state in ("waiting", "running"):
            for run in find_runs(session, state=state, limit=1000):
                # No worker has those that wait for a person, nor those that a person's own command does.
                if run.waits_for == "person" or (run.verb != "crawl" and not run.worker):
                    continue
                worker = owners.get(run.id) or run.worker
                beat = run.heartbeat_at or run.created_at
                if is_gone(places, worker, beat=beat, now=now, states=states):
                    gone.append(_Lost(view_run(run), run.pid, was_here(places, worker)))
    lost = []
    for each in gone:
        if each.here and (orphan := find_orphan(each.view.id, each.pid)) is not None:
            with suppress(ProcessLookupError):
                os.killpg(orphan, signal.SIGKILL)
        message = "Its worker died or gave no sign of life. What was done until then is kept."
        then = None
        if each.view.verb == "crawl" and not each.view.reason.startswith(ASIDE_REASONS):
            then = Successor(f"{RESUMES} {each.view.id}", RESUMES, MOST, MOST_BARREN)
        taken, new = take_away(engine, run_id=each.view.id, message=message, now=now, then=then)
        if taken:
            lost.append(each.view.id)
        if new is not None:
            # A crawl on another machine is not ended by us: it ends itself as soon as it sees the token, within its leash.
            _enqueue(places, engine, client, new, now=now, delay=0.0 if each.here else SLACK_SECONDS)
    for flow in flows:
        # The flow of a dead worker would hold its site's place in the queue for ever. What it left undone (the reading
        # of what was fetched) is queued anew; a lost crawl itself is not begun again by that.
        run_id = find_run_id(flow.workflow_id)
        beat = _last_sign(engine, run_id, now)
        if is_gone(places, flow.executor_id, beat=beat, now=now, states=states):
            client.cancel_workflow(flow.workflow_id)
            if run_id is not None and flow.name == AFTER_FLOW:
                enqueue_reading(client, run_id, after=f"run-{run_id}-{int(now.timestamp() * 1000)}")
            elif run_id is not None and flow.name == CRAWL_FLOW:
                _enqueue(places, engine, client, run_id, now=now)
    _queue_left(places, engine, client, now=now)
    recover_tasks(places, engine, client, now=now)
    return sorted(lost)


def _enqueue(
    places: Places, engine: Engine, client: DBOSClient, run_id: int, *, now: datetime, delay: float = 0.0
) -> None:
    with reading(engine) as session:
        run = find_run(session, run_id)
        view = view_run(run) if run is not None else None
    if view is not None and view.site:
        enqueue_again(places, client, view, now=now, delay=delay)


def _queue_left(places: Places, engine: Engine, client: DBOSClient, *, now: datetime) -> None:
    """Queued runs that are on no queue are put there: whoever asked for them died before, or the queue was lost."""
    with reading(engine) as session:
        views = [view_run(run) for run in find_runs(session, state="queued", verb="crawl", limit=1000)]
    mark_slots(engine)
    for view in views:
        if view.site and not is_busy(client, [view.id]):
            enqueue_again(places, client, view, now=now)


def _last_sign(engine: Engine, run_id: int | None, now: datetime) -> datetime:
    """Until when the flow of a run on another machine is believed to be at work: reading goes on after the crawl's end."""
    with reading(engine) as session:
        run = find_run(session, run_id) if run_id is not None else None
    if run is None:
        return now
    if run.state in ACTIVE and run.waits_for != "person":
        return run.heartbeat_at or now
    ended = run.heartbeat_at if run.waits_for == "person" else run.ended_at
    return now if ended is None else ended + timedelta(seconds=AFTER_LIMIT)
