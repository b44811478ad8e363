"""Processes that share a long piece of work, one for each core, and end with the one that asked for them.

Public names: open_pool, end_pool, count_cores, count_room, said_at_start.
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

_MANY = 1_000
_GROUPS = Path("/sys/fs/cgroup")


def count_cores() -> int:
    """Cores that this process may run on (a share of their time that a unit or container is given is not seen)."""
    return len(os.sched_getaffinity(0))


def count_room(need: int) -> int:
    """How many processes of `need` bytes each the memory has room for now; many where the system does not say."""
    left = [*_find_available(), *_find_left_in_groups()]
    return min(left) // need if left else _MANY


def _find_available() -> Iterator[int]:
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    except OSError:
        return
    yield from (int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))


def _find_left_in_groups() -> Iterator[int]:
    """What the control groups around us leave: a unit or a container has less than the machine."""
    try:
        lines = Path("/proc/self/cgroup").read_text("ascii").splitlines()
    except OSError:
        return
    for line in lines:
        if not line.startswith("0::"):
            continue
        place = _GROUPS / line[3:].strip("/")
        for folder in (place, *place.parents):
            if not folder.is_relative_to(_GROUPS):
                break
            try:
                most = (folder / "memory.max").read_text("ascii").strip()
                if most == "max":
                    continue
                used = int((folder / "memory.current").read_text("ascii"))
                facts = dict(
                    each.split() for each in (folder / "memory.stat").read_text("ascii").splitlines()
                )
                yield max(int(most) - used + int(facts.get("inactive_file", 0)), 0)
            except (OSError, ValueError):
                continue


@contextmanager
def open_pool(workers: int, begin: Callable[..., None], *values: object) -> Iterator[ProcessPoolExecutor]:
    """`workers` new processes, each of which calls begin(*values) first. When the block fails they end at once.

    What begin raises is found in said_at_start(), by the first piece of work. JobError when one was ended from outside.
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
        end_pool(pool)
        raise
    pool.shutdown()


def end_pool(pool: ProcessPoolExecutor) -> None:
    """End its processes in the middle of what they do: they keep nothing, and their present pieces may take long."""
    processes = list((pool._processes or {}).values())  # no public way to them before Python 3.14
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.kill()


_faults: list[str] = []


def said_at_start() -> str:
    """In a process of the pool: why its beginning failed; "" when it went well."""
    return _faults[0] if _faults else ""


def _begin(begin: Callable[..., None], values: tuple[object, ...]) -> None:
    # A group of its own: a signal to the parent's group, or Ctrl-C, is for the parent, which ends politely and us with it.
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        begin(*values)
    except Exception as exc:  # noqa: BLE001  # raised here it would reach the parent as a broken pool without a word
        _faults[:] = [str(exc) or type(exc).__name__]


def _end_with_parent() -> None:
    """A parent that was killed cannot end us, and the queue that we wait at stays open: nobody would ever come."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
