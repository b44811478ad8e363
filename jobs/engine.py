"""The engine behind runs and schedules: DBOS on a database of its own, set up so that it talks to nobody.

Public names: ENGINE, FORMAT, QUEUE, CRAWL_FLOW, AFTER_FLOW, TASKS, TASK_FLOW, TICK_FLOW,
TICK_SCHEDULE, SCHEDULE_FLOW, MOST_PRIORITY, ANYBODY, name_queue, rank, prepare_engine, open_client, engine_config, JsonSerializer.

Why each setting stands here: an explicit version, because DBOS leaves the runs of another version waiting for ever; a
new executor name for each process, because a second process of the same name would run a live run once more; no
console key, no admin server, no OTLP: this process opens no connection but to its database.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from dbos import DBOS, DBOSClient, DBOSConfig, Serializer
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from jobs.errors import JobError
from jobs.places import Places

ENGINE = "tuskwatch"
FORMAT = "1"
"""Version of what is written into the queue; raised only when old queue rows could not be run any more."""
QUEUE = "crawls"
CRAWL_FLOW = "crawl_site"
AFTER_FLOW = "read_run"
TASKS = "tasks"
"""The queue of all verbs but crawl, and of what follows a crawl: apart, so that the site may be crawled again meanwhile."""
TASK_FLOW = "do_task"
TICK_FLOW = "tick"
TICK_SCHEDULE = "tuskwatch-tick"
SCHEDULE_FLOW = "fire_schedule"
"""Of early versions, which kept schedules as rows of the engine."""
MOST_PRIORITY = 9
ANYBODY = "worker"
"""The name of a worker that was given none: nothing is pinned to it."""

_prepared: set[str] = set()


def name_queue(pin: str = "") -> str:
    """The queue of crawls for all workers, or for those of one name or label."""
    return f"{QUEUE}-{pin}" if pin not in ("", ANYBODY) else QUEUE


def rank(priority: int) -> int:
    """Our priorities go up with what matters; the engine's begin at 1 with what comes first."""
    return MOST_PRIORITY + 1 - priority


class JsonSerializer(Serializer):
    """Keeps queue rows as JSON: DBOS's own choice is pickle, which would run whatever stands in the database."""

    def name(self) -> str:
        return "tuskwatch_json"

    def serialize(self, data: Any) -> str:
        return json.dumps(data, default=_encode)

    def deserialize(self, serialized_data: str) -> Any:
        return json.loads(serialized_data, object_hook=_decode)


def _encode(value: Any) -> dict[str, str]:
    if isinstance(value, datetime):
        return {"__time__": value.isoformat()}
    if isinstance(value, BaseException):
        return {"__error__": f"{type(value).__name__}: {value}"}
    raise TypeError(f"{type(value).__name__} has no place in the queue")


def _decode(value: Mapping[str, Any]) -> Any:
    if set(value) == {"__time__"}:
        return datetime.fromisoformat(value["__time__"])
    if set(value) == {"__error__"}:
        return JobError(str(value["__error__"]))
    return value


class _Brief(logging.Filter):
    """The engine tells of a database that is away with a traceback a second: its first and last line say it all."""

    def filter(self, record: logging.LogRecord) -> bool:
        lines = [line.strip() for line in record.getMessage().splitlines() if line.strip()]
        if record.exc_info and isinstance(record.exc_info[1], BaseException):
            lines.append(f"{type(record.exc_info[1]).__name__}: {record.exc_info[1]}")
        if len(lines) > 1:
            record.msg, record.args = f"{lines[0][:200]} ... {lines[-1][:300]}", ()
        record.exc_info = record.exc_text = None
        return True


_BRIEF = _Brief()


def prepare_engine(places: Places) -> None:
    """Make or update the engine's tables. Looked at once a process: every question to the queue passes here."""
    logger = logging.getLogger("dbos")
    logger.setLevel(logging.WARNING)
    logger.addFilter(_BRIEF)  # the same one twice is once
    url = make_url(places.engine_url)
    if places.engine_url in _prepared and (
        url.get_backend_name() != "sqlite" or Path(url.database or "").exists()
    ):
        return
    if url.get_backend_name() == "sqlite" and url.database:
        path = Path(url.database)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
    try:
        DBOS.migrate(places.engine_url)
    except SQLAlchemyError as exc:
        raise JobError(
            f"The queue's database cannot be opened ({exc.__class__.__name__}: {_first_line(exc)}). "
            'Run "tuskwatch doctor": it names what is wrong.'
        ) from exc
    _prepared.add(places.engine_url)


@contextmanager
def open_client(places: Places) -> Iterator[DBOSClient]:
    """A way to put work on the queue and to look at it, from any process."""
    prepare_engine(places)
    client = DBOSClient(
        system_database_url=places.engine_url, application_name=ENGINE, serializer=JsonSerializer()
    )
    try:
        yield client
    finally:
        client.destroy()


def engine_config(places: Places, *, executor: str) -> DBOSConfig:
    """How the worker's engine is set up. It has one schedule, the tick, so it need not look for others often."""
    return {
        "name": ENGINE,
        "system_database_url": places.engine_url,
        "application_version": FORMAT,
        "executor_id": executor,
        "enable_otlp": False,
        "log_level": "WARNING",
        "serializer": JsonSerializer(),
        "scheduler_polling_interval_sec": 30.0,
        # No notifications are sent, and the engine would wake a hundred times a second for them.
        "notification_coalesce_sec": 1.0,
        "notification_listener_polling_interval_sec": 10.0,
        # As for our own tables (storage.engine): a frozen worker must not keep the queue's locks.
        "sys_db_idle_transaction_timeout_sec": 15.0,
        "max_executor_threads": places.crawls + 12,
    }


def _first_line(exc: BaseException) -> str:
    return str(exc).strip().splitlines()[0][:300] if str(exc).strip() else ""
