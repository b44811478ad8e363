"""What a worker does when its turn comes: crawl, then read and score; and the tick of the whole fleet.

Public names: Desk, sit_down.

Imported by a worker only: DBOS keeps one list of workflows for each process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from dbos import DBOS, DBOSClient
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from crawler.errors import CrawlError, TorUnwanted
from jobs.again import end_when_possible
from jobs.alarm import SILENT
from jobs.calls import call_person
from jobs.canary import CanaryFailed
from jobs.child import run_after
from jobs.crawling import run_crawl
from jobs.engine import AFTER_FLOW, CRAWL_FLOW, TASK_FLOW, TICK_FLOW
from jobs.errors import JobError
from jobs.gateway import Gateway
from jobs.places import Places
from jobs.runs import enqueue_reading
from jobs.tasks import run_task
from jobs.tick import do_tick
from storage.engine import reading
from storage.errors import FencedError
from storage.issues import raise_issue
from storage.runs import end_run, find_run, set_run, start_run
from storage.takeover import is_replaced

log = structlog.get_logger("worker")


@dataclass(frozen=True)
class Desk:
    """All that the flows of this worker need."""

    places: Places
    engine: Engine
    gateway: Gateway
    worker: str
    stop: threading.Event
    clock: Callable[[], datetime]
    client: DBOSClient


_desks: list[Desk] = []


def sit_down(desk: Desk) -> None:
    """Give the flows of this process their worker. Once a process."""
    _desks.clear()
    _desks.append(desk)


@DBOS.workflow(name=CRAWL_FLOW)
def crawl_site(run_id: int) -> str:
    """One run: crawl it unless it is over, then have what it fetched read and scored. Its state at the end."""
    state = crawl_step(run_id)
    queue_step(run_id, DBOS.workflow_id or "")
    return state


@DBOS.workflow(name=AFTER_FLOW)
def read_run(run_id: int) -> str:
    """What follows a crawl, in its own turn: the site's place among the crawls is free meanwhile."""
    return read_step(run_id)


@DBOS.workflow(name=TASK_FLOW)
def do_task(run_id: int) -> str:
    """One run of another verb than crawl. Its state at the end."""
    return task_step(run_id)


@DBOS.step(name="task")
def task_step(run_id: int) -> str:
    """In a process of its own, which run_task watches."""
    desk = _desks[0]
    try:
        return run_task(
            desk.places, desk.engine, run_id, stop=desk.stop, clock=desk.clock, worker=desk.worker
        )
    except (SQLAlchemyError, JobError) as exc:
        log.warning("a task was left", run=run_id, error=str(exc)[:300])
        return "lost"


@DBOS.workflow(name=TICK_FLOW)
def tick(at: datetime, context: Any) -> list[str]:
    """Once in a while, by one worker of all."""
    return tick_step()


@DBOS.step(name="tick")
def tick_step() -> list[str]:
    desk = _desks[0]
    return do_tick(desk.places, desk.engine, desk.client, now=desk.clock())


NO_DATABASE = (
    "lost: the database did not answer. What was fetched is kept. It goes on by itself when it answers again."
)


@DBOS.step(name="crawl")
def crawl_step(run_id: int) -> str:
    """The run always ends in words: without its database, once that answers again."""
    desk = _desks[0]
    try:
        return _crawl(desk, run_id)
    except SQLAlchemyError as exc:
        log.warning("the database did not answer", run=run_id, error=str(exc)[:300])
        end_when_possible(desk.engine, run_id, NO_DATABASE, stop=desk.stop, clock=desk.clock)
        return "lost"


def _crawl(desk: Desk, run_id: int) -> str:
    with reading(desk.engine) as session:
        run = find_run(session, run_id)
        if run is None:
            return "gone"
        if run.state != "queued":
            return run.state
    fence = start_run(
        desk.engine, run_id=run_id, worker=desk.worker, pid=None, now=desk.clock(), fence=True
    ).fence
    try:

        def report(percent: int, words: str) -> None:
            message = f"Connecting to Tor: {percent} % ({words})"
            set_run(
                desk.engine,
                run_id=run_id,
                state="waiting",
                message=message,
                now=desk.clock(),
                waits_for="tor",
                fence=fence,
            )

        socks = desk.gateway.open(report)
        set_run(desk.engine, run_id=run_id, state="running", message="", now=desk.clock(), fence=fence)
        crawl = run_crawl(
            desk.places,
            desk.engine,
            run_id=run_id,
            socks=socks,
            stop=desk.stop,
            clock=desk.clock,
            canary=desk.gateway.canary,
            fence=fence,
        )
    except FencedError:
        return "lost"  # taken away meanwhile: whoever did so said it
    except CanaryFailed as exc:
        silent = exc.kind == SILENT
        state, again = ("lost", "tor") if silent else ("failed", "")
        end_run(
            desk.engine,
            run_id=run_id,
            state=state,
            message=str(exc),
            now=desk.clock(),
            again=again,
            fence=fence,
        )
        return state
    except TorUnwanted as exc:
        message = f"{exc} It goes on by itself when a worker is there."
        end_run(
            desk.engine,
            run_id=run_id,
            state="lost",
            message=message,
            now=desk.clock(),
            again="worker",
            fence=fence,
        )
        return "lost"
    except (CrawlError, JobError) as exc:
        end_run(desk.engine, run_id=run_id, state="failed", message=str(exc), now=desk.clock(), fence=fence)
        return "failed"
    except OSError as exc:
        message = (
            f"The crawl could not be started: {exc.strerror or exc} ({exc.filename or 'no file named'})."
        )
        end_run(desk.engine, run_id=run_id, state="failed", message=message, now=desk.clock(), fence=fence)
        return "failed"
    log.info("crawl ended", run=run_id, state=crawl.state, message=crawl.message)
    if crawl.state == "waiting":
        # The flow ends, and with it the run's place among those at work: a person may take days.
        call_person(desk.engine, run_id, now=desk.clock())
    return crawl.state


@DBOS.step(name="queue the reading")
def queue_step(run_id: int, crawl: str) -> None:
    enqueue_reading(_desks[0].client, run_id, after=crawl)


@DBOS.step(name="read and score")
def read_step(run_id: int) -> str:
    """In a process of its own: it keeps the model's memory, and a parser that crashes, out of the worker."""
    try:
        return _read(_desks[0], run_id)
    except SQLAlchemyError as exc:
        log.warning("the database did not answer", run=run_id, error=str(exc)[:300])
        return "failed"


def _read(desk: Desk, run_id: int) -> str:
    with reading(desk.engine) as session:
        run = find_run(session, run_id)
        if run is None or run.pages == 0:
            return "nothing to read"
        if run.state == "lost" and is_replaced(session, run_id):
            return "left to the run that goes on: it reads these pages, too"
        site_id = run.site_id
    why = run_after(desk.places, run_id, stop=desk.stop)
    if not why:
        return "read and scored"
    raise_issue(
        desk.engine,
        site_id=site_id,
        run_id=run_id,
        page_id=None,
        kind="reading",
        level="fail",
        message=f"The pages are stored, but reading or scoring them failed: {why} "
        'Once it is repaired, "tuskwatch extract" and "tuskwatch classify" make up for it.',
        now=desk.clock(),
    )
    return "failed"
