"""Processes that share a long piece of work, one for each core, and end with the one that asked for them.

Public names: open_pool, count_cores, count_room.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path

from jobs.errors import JobError


def count_cores() -> int:
    """Cores that this process may use: a container or a unit may have fewer than the machine."""
    return len(os.sched_getaffinity(0))


def count_room(need: int) -> int:
    """How many processes of `need` bytes each the memory has room for now; many where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    except OSError:
        return 1_000
    available = next((int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")), None)
    return 1_000 if available is None else available * 1024 // need


@contextmanager
def open_pool(workers: int, begin: Callable[..., None], *values: object) -> Iterator[ProcessPoolExecutor]:
    """`workers` new processes, each of which calls begin(*values) first. What waits is dropped when the block fails.

    JobError when one of them was ended from outside.
    """
    pool = ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_begin, initargs=(begin, values)
    )
    try:
        yield pool
    except BrokenProcessPool as exc:
        raise JobError(
            "A process that shared the work was ended from outside; most often the machine had no memory left. "
            "What was done is kept: start the same again to go on."
        ) from exc
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


def _begin(begin: Callable[..., None], values: tuple[object, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it and ends us
    threading.Thread(target=_end_with_parent, daemon=True).start()
    begin(*values)


def _end_with_parent() -> None:
    """A parent that was killed cannot end us, and the queue that we wait at stays open: nobody would ever come."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
