"""Asks for crawls and watches them. What a dead worker left behind is taken up by jobs.recovery.

Public names: start_crawl, ask_run, wait_run, RunView, find_run, view_runs, enqueue_run, enqueue_again,
enqueue_reading, count_sweep,
is_busy, find_run_id, is_over, name_command, view_run.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dbos import DBOSClient, EnqueueOptions
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from crawler.plan import choose_plan
from jobs.child import ensure_worker
from jobs.engine import AFTER_FLOW, CRAWL_FLOW, MOST_PRIORITY, TASKS, name_queue, open_client, rank
from jobs.errors import BusyError, JobError, PersonWanted, UsageError
from jobs.places import Places
from jobs.sites import find_site, register
from storage.engine import open_engine, reading, transaction
from storage.frontier import count_states
from storage.plans import find_plan_times
from storage.runs import MAX_SLOW, SLOW, create_run_in, end_run, find_runs, set_run, wish_run
from storage.runs import find_run as find_row
from storage.tables import Run
from storage.takeover import find_live

LIVE = ("queued", "waiting", "running")
ENDED = ("done", "failed", "cancelled", "lost")
WISHES = ("pause", "resume", "slow", "cancel")
RESUMES = "takes over run"
ASIDE_REASONS = ("tried by hand", "look around")
"""Of trials (jobs.tryout): a lost one is not made up for, least of all by a crawl of the whole site."""


@dataclass(frozen=True)
class RunView:
    """A run as a person sees it.

    waits_for: while it waits, "tor" or "person". slow: how many times the site's own delay it keeps; 1 is normal.
    """

    id: int
    verb: str
    site: str
    state: str
    wish: str | None
    by: str
    reason: str
    message: str
    pages: int
    listings: int
    issues: int
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    heartbeat_at: datetime | None
    sweep_id: int | None
    waits_for: str = ""
    slow: float = 1.0
    account: bool = False
    priority: int = 0
    worker: str = ""
    retry_of: int | None = None
    schedule: str = ""


def is_over(view: RunView) -> bool:
    """Does nothing happen any more unless a person does something? It ended, is paused, or waits for a person."""
    return view.state not in LIVE or view.waits_for == "person"


def name_command(view: RunView) -> str:
    """What a person types to open the gate that this run waits at."""
    return f"tuskwatch session open {view.site}{' --account NAME' if view.account else ''}"


def start_crawl(
    places: Places,
    site: str,
    *,
    by: str,
    reason: str,
    now: datetime,
    account_key: str = "",
    plan: str = "full",
    priority: int = 0,
    retry_of: int | None = None,
    settings: Mapping[str, Any] | None = None,
) -> int:
    """Put a crawl of the site on the queue; its run id. BusyError when the site is being crawled already.

    account_key: what the vault makes of the account's name; "" to go without an account. plan: full; known; or due: what
    is due now by the site's own plan, as a schedule asks for it. priority: higher first. settings: of the run, besides.
    """
    if abs(priority) > MOST_PRIORITY:
        raise UsageError(f"A priority is a number from -{MOST_PRIORITY} to {MOST_PRIORITY}, not {priority}.")
    config = find_site(places, site)
    engine = open_engine(places.database_url)
    try:
        site_id = register(engine, config, now=now)
        if plan == "due":
            with reading(engine) as session:
                times = find_plan_times(session, site_id=site_id)
            # A schedule that fires oftener than the plan needs looks at the known ads again.
            plan = choose_plan(times, now=now, config=config) or "known"
        account = {"account": account_key} if account_key else {}
        with transaction(engine) as session:
            # Looked and asked in one: of two who ask at the same moment one is told that the site is being crawled.
            live = find_live(session, site_id=site_id)
            if live is not None:
                raise _say_live(view_run(live))
            run_id = create_run_in(
                session, verb="crawl", site_id=site_id, by=by, reason=reason, settings={**(settings or {}), **account},
                now=now, plan=plan, priority=priority, retry_of=retry_of,
            ).id  # fmt: skip
    finally:
        engine.dispose()
    with open_client(places) as client:
        enqueue_run(client, run_id, site=site, pin=config.worker, priority=priority)
    return run_id


def _say_live(run: RunView) -> JobError:
    if run.waits_for == "person":
        return PersonWanted(
            f"Run {run.id} of {run.site} waits for a person ({run.message or 'a gate'}). Open the gate with "
            f'"{name_command(run)}", and it goes on where it stopped; or end it with '
            f'"tuskwatch run cancel {run.id}".'
        )
    return BusyError(
        f"{run.site} is being crawled already: run {run.id} is {run.state}. See how it goes with "
        f'"tuskwatch run show {run.id}", or end it with "tuskwatch run cancel {run.id}".'
    )


def enqueue_run(
    client: DBOSClient,
    run_id: int,
    *,
    site: str,
    turn: str = "",
    pin: str = "",
    priority: int = 0,
    delay: float = 0.0,
) -> None:
    """Put the run on the queue, one run of a site at a time. Twice with the same turn is once.

    pin: only a worker of that name or label takes it. delay: seconds in which nobody does.
    """
    options: EnqueueOptions = {
        "workflow_name": CRAWL_FLOW,
        "queue_name": name_queue(pin),
        "queue_partition_key": site,
        "workflow_id": f"run-{run_id}{turn}",
        "priority": rank(priority),
    }
    if delay > 0:
        options["delay_seconds"] = delay
    client.enqueue(options, run_id)


def enqueue_reading(client: DBOSClient, run_id: int, *, after: str) -> None:
    """Have what the run fetched read and scored. after: the flow that fetched it; twice with the same is once."""
    client.enqueue({"workflow_name": AFTER_FLOW, "queue_name": TASKS, "workflow_id": f"{after}-read"}, run_id)


def enqueue_again(
    places: Places, client: DBOSClient, run: RunView, *, now: datetime, delay: float = 0.0
) -> None:
    """Put a run on the queue once more: it goes on, or what it left undone is done."""
    try:
        pin = find_site(places, run.site).worker
    except JobError:
        pin = ""  # its file is gone or wrong: whoever takes the run says so
    turn = f"-{int(now.timestamp() * 1000)}"
    enqueue_run(client, run.id, site=run.site, turn=turn, pin=pin, priority=run.priority, delay=delay)


def ask_run(
    places: Places, run_id: int, wish: str, *, by: str, now: datetime, factor: float | None = None
) -> str:
    """Pause, resume, slow or cancel a run; the state that it has now. A running crawl follows within seconds.

    factor: with slow, so many times the site's own delay; 1 is normal again.
    """
    if wish not in WISHES:
        raise UsageError(f'"{wish}" cannot be asked of a run. Known: {", ".join(WISHES)}.')
    if wish == "slow" and (factor is None or not 1 <= factor <= MAX_SLOW):
        raise UsageError(f"A run is slowed 1 to {MAX_SLOW:g} times; 1 is the site's own pace again.")
    engine = open_engine(places.database_url)
    try:
        run = find_run(engine, run_id)
        if run.state in ENDED:
            raise UsageError(
                f'Run {run_id} has ended ({run.state}). "tuskwatch run retry {run_id}" goes on where it stopped.'
            )
        if wish == "resume" and run.state != "paused" and run.waits_for != "person":
            raise UsageError(f"Run {run_id} is {run.state}, not paused: there is nothing to resume.")
        if wish == "pause" and run.state == "paused":
            return run.state
        wish_run(engine, run_id=run_id, wish=wish, by=by, now=now, factor=factor)
        # Read again: the run may have begun to wait for a person in this instant, and nobody would poll its wish.
        run = find_run(engine, run_id)
        idle = run.waits_for == "person" or run.state == "paused"
        if wish == "cancel" and (idle or run.state == "queued"):
            # No process polls its wish: it ends here. Its place in the queue is dropped when its turn comes.
            end_run(engine, run_id=run_id, state="cancelled", message=f"Cancelled by {by}.", now=now)
        elif wish == "pause" and idle:
            end_run(engine, run_id=run_id, state="paused", message=f"Paused by {by}.", now=now)
        elif wish == "resume":
            set_run(engine, run_id=run_id, state="queued", message="", now=now)
            with open_client(places) as client:
                enqueue_again(places, client, run, now=now)
        return find_run(engine, run_id).state
    finally:
        engine.dispose()


def wait_run(
    places: Places,
    run_ids: Sequence[int],
    *,
    timeout: float,
    watch: Callable[[Sequence[RunView]], None] | None = None,
) -> list[RunView]:
    """Wait until the runs have ended, paused or want a person, and what they fetched has been read and scored.

    watch is called about twice a second. A worker is started when none lives. JobError after `timeout` seconds.
    """
    engine = open_engine(places.database_url)
    end = time.monotonic() + timeout
    try:
        with open_client(places) as client:
            while True:
                views = [find_run(engine, run_id) for run_id in run_ids]
                if watch is not None:
                    watch(views)
                if all(is_over(view) for view in views) and not is_busy(client, run_ids):
                    return views
                if time.monotonic() > end:
                    raise JobError(
                        f"Runs {', '.join(map(str, run_ids))} took more than {timeout:.0f} seconds. They go on in the "
                        'background: "tuskwatch run list" shows them.'
                    )
                ensure_worker(places)
                time.sleep(0.4)
    finally:
        engine.dispose()


def is_busy(client: DBOSClient, run_ids: Sequence[int]) -> bool:
    """Is any part of these runs (reading and scoring too) still on the queue or at work?"""
    prefixes = [f"run-{run_id}" for run_id in run_ids]
    rows = client.list_workflows(
        workflow_id_prefix=prefixes,
        status=["DELAYED", "ENQUEUED", "PENDING"],
        load_input=False,
        load_output=False,
    )
    wanted = set(run_ids)
    return any(find_run_id(row.workflow_id) in wanted for row in rows)


def find_run_id(workflow_id: str) -> int | None:
    """Of the run that a flow belongs to."""
    found = re.match(r"run-(\d+)(?:-|$)", workflow_id)
    return int(found.group(1)) if found else None


def find_run(engine: Engine, run_id: int) -> RunView:
    """One run. UsageError when there is none of that number."""
    with reading(engine) as session:
        run = find_row(session, run_id)
        if run is None:
            raise UsageError(f'There is no run {run_id}. "tuskwatch run list" shows those there are.')
        return view_run(run)


def count_sweep(engine: Engine, view: RunView) -> tuple[int, int]:
    """How many addresses of the run's sweep are dealt with, and how many are known so far."""
    if view.sweep_id is None:
        return 0, 0
    states = count_states(engine, sweep_id=view.sweep_id)
    return sum(states.get(state, 0) for state in ("done", "failed", "refused")), sum(states.values())


def view_runs(
    session: Session, *, state: str | None = None, site: str | None = None, limit: int
) -> list[RunView]:
    """The newest runs first."""
    return [view_run(run) for run in find_runs(session, state=state, site=site, limit=limit)]


def view_run(run: Run) -> RunView:
    """The row of a run, its site loaded, as a person sees it."""
    return RunView(
        id=run.id,
        verb=run.verb,
        site=run.site.name if run.site is not None else "",
        state=run.state,
        wish=run.wish,
        by=run.by,
        reason=run.reason,
        message=run.message,
        pages=run.pages,
        listings=run.listings,
        issues=run.issues,
        created_at=run.created_at,
        started_at=run.started_at,
        ended_at=run.ended_at,
        heartbeat_at=run.heartbeat_at,
        sweep_id=run.sweep_id,
        waits_for=run.waits_for,
        slow=float(run.settings.get(SLOW, 1)),
        account=bool(run.settings.get("account")),
        priority=run.priority,
        worker=run.worker or "",
        retry_of=run.retry_of,
        schedule=run.schedule,
    )
