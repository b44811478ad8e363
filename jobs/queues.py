"""The queues of a worker: crawls that anybody may do, crawls pinned to its name or labels, and all other work.

Public names: listen, open_queues, check_pins, TASKS, CRAWL_POLL_SECONDS, PIN_POLL_SECONDS, TASK_POLL_SECONDS.

A pinned site's crawls stand on a queue of the pin's name, which only workers of that name or label look at.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dbos import DBOS

from jobs.engine import TASKS, name_queue
from jobs.errors import UsageError
from jobs.places import Places

__all__ = [
    "listen",
    "open_queues",
    "check_pins",
    "TASKS",
    "CRAWL_POLL_SECONDS",
    "PIN_POLL_SECONDS",
    "TASK_POLL_SECONDS",
]

PIN = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
MOST_PINS = 20
CRAWL_POLL_SECONDS = 3.0
"""Each poll is five statements and 8 ms, so the intervals are most of what an idle worker costs (benchmarks/engine.py)."""
PIN_POLL_SECONDS = 5.0
TASK_POLL_SECONDS = 5.0


def check_pins(pins: Sequence[str]) -> list[str]:
    """A worker's name and labels, each once. UsageError for what cannot be one."""
    for pin in pins:
        if not PIN.fullmatch(pin):
            raise UsageError(
                f'"{pin[:60]}" cannot name a worker or label: use small letters, digits, "-" and "_", at most 40.'
            )
    unique = list(dict.fromkeys(pins))
    if len(unique) > MOST_PINS:
        raise UsageError(f"A worker has at most {MOST_PINS - 1} labels.")
    return unique


def listen(pins: Sequence[str]) -> None:
    """Say before the engine starts which queues this worker takes from: it would take from every queue there is."""
    DBOS.listen_queues([*map(name_queue, ("", *pins)), TASKS])


def open_queues(places: Places, pins: Sequence[str]) -> None:
    """Take work from now on. A site has one crawl at a time, a worker `places.crawls` of them, all together as many as
    `places.crawls_everywhere` says, for each queue of a pin by itself."""
    for pin in ("", *pins):
        DBOS.register_queue(
            name_queue(pin),
            partition_concurrency=1,
            worker_concurrency=places.crawls,
            global_concurrency=places.crawls_everywhere,
            polling_interval_sec=PIN_POLL_SECONDS if pin else CRAWL_POLL_SECONDS,
            on_conflict="always_update",
        )
    DBOS.register_queue(
        TASKS, worker_concurrency=2, polling_interval_sec=TASK_POLL_SECONDS, on_conflict="always_update"
    )
