"""A worker: takes runs from the queue and fires schedules, until it is told to stop.

Public names: run_worker, open_log, worker_alive, ensure_worker, find_workers.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import structlog
from dbos import DBOS, DBOSClient
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from jobs.again import is_any_lost, take_up
from jobs.child import ensure_worker
from jobs.engine import CRAWL_FLOW, QUEUE, engine_config, open_client
from jobs.gateway import Gateway
from jobs.hold import Keeper, is_tor_wanted
from jobs.places import Places
from jobs.presence import announce, find_workers, worker_alive
from jobs.runs import recover_runs
from storage.engine import check_schema, open_engine

__all__ = ["run_worker", "open_log", "worker_alive", "ensure_worker", "find_workers"]

log = structlog.get_logger("worker")

BEAT_SECONDS = 2.0
RECOVER_SECONDS = 30.0


def utc_now() -> datetime:
    return datetime.now(UTC)


def open_log(level: str) -> None:
    """Say what a worker does, one line each, on stderr: stdout belongs to results."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def run_worker(
    places: Places,
    *,
    name: str,
    stop: threading.Event,
    linger: float = 0.0,
    clock: Callable[[], datetime] = utc_now,
) -> None:
    """Work until `stop` is set; with `linger`, also end after so many seconds without anything to do.

    Once a process: DBOS is one for each. Raises storage.errors.SchemaError when the database is not made for us.
    """
    from jobs.flow import Desk, sit_down

    engine = open_engine(places.database_url)
    try:
        check_schema(engine)
        with announce(places, name=name, now=clock()) as presence, open_client(places) as client:
            gateway = Gateway(places)
            executor = presence.info.name
            sit_down(Desk(places, engine, gateway, executor, stop, clock))
            keeper = Keeper(lambda: gateway.open(lambda percent, words: None))

            def go_on() -> None:
                gateway.open(lambda percent, words: None)
                gateway.look()  # TorError while it is still silent
                if not gateway.canary.leaked:
                    take_up(places, engine, now=clock())

            resumer = Keeper(go_on)
            recover_runs(places, engine, client, now=clock())
            DBOS(config=engine_config(places, executor=executor))
            DBOS.launch()
            try:
                DBOS.register_queue(
                    QUEUE, partition_concurrency=1, worker_concurrency=places.crawls, polling_interval_sec=0.5
                )
                log.info("worker ready", name=executor)
                idle_since = recovered = time.monotonic()
                lost = False
                while not stop.wait(BEAT_SECONDS):
                    presence.beat(tor=gateway.words, now=clock())
                    if time.monotonic() - recovered > RECOVER_SECONDS:
                        recovered = time.monotonic()
                        try:
                            recover_runs(places, engine, client, now=clock())
                        except SQLAlchemyError as exc:
                            log.warning("the database did not answer", error=str(exc)[:300])
                    try:
                        lost = is_any_lost(engine)
                    except SQLAlchemyError:
                        lost = True
                    if lost:
                        resumer.keep()
                    if wanted := is_tor_wanted(places):
                        keeper.keep()
                    if linger and (wanted or lost or _has_work(client)):
                        idle_since = time.monotonic()
                    elif linger and time.monotonic() - idle_since > linger:
                        break
            finally:
                stop.set()
                # The crawls see `stop`, end their processes and say so in their rows: give them the time for it.
                DBOS.destroy(workflow_completion_timeout_sec=30 if _has_work(client, mine=executor) else 0)
                gateway.close()
    finally:
        engine.dispose()


def _has_work(client: DBOSClient, *, mine: str | None = None) -> bool:
    status = ["PENDING"] if mine else ["ENQUEUED", "PENDING"]
    try:
        rows = client.list_workflows(
            status=status, name=CRAWL_FLOW, executor_id=mine, limit=1, load_input=False, load_output=False
        )
    except OperationalError:
        return True
    return bool(rows)
