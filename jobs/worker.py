"""A worker: takes runs from the queue and fires schedules, until it is told to stop.

Public names: run_worker, worker_alive, ensure_worker, find_workers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version

import structlog
from dbos import DBOS, DBOSClient
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from jobs.again import is_any_lost, take_up
from jobs.child import ensure_worker
from jobs.engine import AFTER_FLOW, ANYBODY, CRAWL_FLOW, TASK_FLOW, engine_config, open_client
from jobs.errors import JobError
from jobs.gateway import Gateway
from jobs.hold import Keeper, is_tor_wanted
from jobs.places import Places
from jobs.presence import announce, find_workers, worker_alive
from jobs.pulse import Pulse
from jobs.queues import check_pins, listen, open_queues
from jobs.recovery import recover_runs
from jobs.tick import adopt_tick
from storage.engine import check_schema, open_engine, reading
from storage.workers import enter_worker, leave_worker

__all__ = ["run_worker", "worker_alive", "ensure_worker", "find_workers"]

log = structlog.get_logger("worker")

LOOK_SECONDS = 5.0
RECOVER_SECONDS = 30.0
PATIENCE_SECONDS = 300.0
"""So long a worker that begins waits for its database."""
WORK = [CRAWL_FLOW, AFTER_FLOW, TASK_FLOW]
"""Flows for which a worker stays. The tick is none: it comes for ever."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def run_worker(
    places: Places,
    *,
    name: str,
    stop: threading.Event,
    linger: float = 0.0,
    labels: Sequence[str] = (),
    clock: Callable[[], datetime] = utc_now,
) -> None:
    """Work until `stop` is set; with `linger`, also end after so many seconds without anything to do.

    labels: sites pinned to one of them, or to `name`, are crawled here as well as those that are pinned to nobody.
    Once a process: DBOS is one for each. Raises storage.errors.SchemaError when the database is not made for us.
    """
    from jobs.flow import Desk, sit_down

    engine = open_engine(places.database_url)
    try:
        wait_for_database(engine, stop=stop)
        check_schema(engine)
        with announce(places, name=name, now=clock()) as presence, open_client(places) as client:
            gateway = Gateway(places, stop=stop)
            executor = presence.info.name
            sit_down(Desk(places, engine, gateway, executor, stop, clock, client))
            pins = check_pins([each for each in (name, *labels) if each != ANYBODY])
            enter_worker(
                engine, name=executor, host=presence.info.host, pid=presence.info.pid, version=version("tuskwatch"),
                labels=pins, crawls=places.crawls, now=clock(),
            )  # fmt: skip
            pulse = Pulse(places, engine, presence, tor=lambda: gateway.words, clock=clock)
            pulse.start()
            try:
                _work(
                    places,
                    engine,
                    client,
                    gateway,
                    pulse,
                    executor,
                    pins,
                    stop=stop,
                    linger=linger,
                    clock=clock,
                )
            finally:
                stop.set()
                pulse.stop()
                with suppress(
                    SQLAlchemyError
                ):  # whoever looks finds its lock free, or its count standing still
                    leave_worker(engine, name=executor, state="stopped", now=clock())
    finally:
        engine.dispose()


def wait_for_database(engine: Engine, *, stop: threading.Event, seconds: float = PATIENCE_SECONDS) -> None:
    """After a power cut the database may come up after us. JobError when it does not within `seconds`."""
    end, told = time.monotonic() + seconds, False
    while engine.dialect.name != "sqlite":  # a file is there, or the schema's check says what to do
        try:
            with reading(engine) as session:
                session.connection()
            return
        except SQLAlchemyError as exc:
            if stop.is_set() or time.monotonic() > end:
                raise JobError(
                    f"The database does not answer ({str(exc).splitlines()[0][:300]}). Look whether the server runs and "
                    "whether TUSKWATCH_DATABASE_URL is right."
                ) from exc
            if not told:
                log.warning("the database does not answer yet", error=str(exc).splitlines()[0][:300])
                told = True
            stop.wait(2.0)


def _work(
    places: Places,
    engine: Engine,
    client: DBOSClient,
    gateway: Gateway,
    pulse: Pulse,
    executor: str,
    pins: Sequence[str],
    *,
    stop: threading.Event,
    linger: float,
    clock: Callable[[], datetime],
) -> None:
    keeper = Keeper(lambda: gateway.open(lambda percent, words: None))

    def go_on() -> None:
        gateway.open(lambda percent, words: None)
        gateway.look()  # TorError while it is still silent
        if not gateway.canary.leaked:
            take_up(places, engine, now=clock())

    resumer = Keeper(go_on)
    _insist(lambda: recover_runs(places, engine, client, now=clock()), stop=stop)
    _insist(lambda: adopt_tick(places, engine, client, now=clock()), stop=stop)
    DBOS(config=engine_config(places, executor=executor))
    listen(pins)
    DBOS.launch()
    try:
        _insist(lambda: open_queues(places, pins), stop=stop)
        log.info("worker ready", name=executor, pins=list(pins))
        idle_since = recovered = time.monotonic()
        lost = False
        while not stop.wait(LOOK_SECONDS):
            if pulse.lost.is_set() or time.monotonic() - recovered > RECOVER_SECONDS:
                pulse.lost.clear()
                recovered = time.monotonic()
                try:
                    # Brought up to date meanwhile by a newer version: this one must write no more, and ends.
                    check_schema(engine)
                    recover_runs(places, engine, client, now=clock())
                except SQLAlchemyError as exc:
                    pulse.lost.set()
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
        with suppress(SQLAlchemyError):
            leave_worker(engine, name=executor, state="leaving", now=clock())
        # The crawls see `stop`, end their processes and say so in their rows: give them the time for it.
        DBOS.destroy(workflow_completion_timeout_sec=30 if _has_work(client, mine=executor) else 0)
        gateway.close()


def _insist(step: Callable[[], object], *, stop: threading.Event) -> None:
    """Do a step of the beginning until the database lets it be done: it may go away again in these very seconds."""
    while not stop.is_set():
        try:
            step()
        except SQLAlchemyError as exc:
            log.warning("the database did not answer", error=str(exc)[:300])
            stop.wait(2.0)
        else:
            return


def _has_work(client: DBOSClient, *, mine: str | None = None) -> bool:
    status = ["PENDING"] if mine else ["DELAYED", "ENQUEUED", "PENDING"]
    try:
        rows = client.list_workflows(
            status=status, name=WORK, executor_id=mine, limit=1, load_input=False, load_output=False
        )
    except OperationalError:
        return True
    return bool(rows)
