"""A worker that counts what it costs: every statement that it sends, and the CPU time of each of its threads.

Run by benchmarks/engine.py, not by people: idler.py ours | bare NAME CRAWLS. Places come as the first line of standard
input; each line after that is answered by one line of JSON (see Counts), and the end of the input ends the worker.

`trivial` crawls, as started by `ours NAME CRAWLS trivial`, start and end their rows and do nothing between.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from sqlalchemy import Engine, event

TICKS = os.sysconf("SC_CLK_TCK")
BARE_QUEUE = "bare"


class Counts:
    """Statements by their text since the process began, and CPU seconds by thread."""

    def __init__(self) -> None:
        self.statements: Counter[str] = Counter()
        event.listen(Engine, "before_cursor_execute", self._count)

    def _count(self, connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        self.statements[" ".join(statement.split())[:160]] += 1

    def tell(self) -> dict[str, Any]:
        threads: Counter[str] = Counter()
        for thread in threading.enumerate():
            if thread.native_id is not None:
                threads[thread.name] += _read_cpu(f"/proc/self/task/{thread.native_id}/stat")
        usage = os.times()
        return {
            "at": time.monotonic(),
            "cpu": usage.user + usage.system,
            "children": usage.children_user + usage.children_system,
            "threads": {name: round(seconds, 2) for name, seconds in threads.items()},
            "statements": dict(self.statements),
            "rss": int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"),
        }


def _read_cpu(path: str) -> float:
    try:
        fields = Path(path).read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def answer(counts: Counts, stop: threading.Event) -> None:
    while sys.stdin.readline():
        sys.stdout.write(json.dumps(counts.tell()) + "\n")
        sys.stdout.flush()
    stop.set()


def run_ours(places: Any, name: str, counts: Counts, stop: threading.Event, *, trivial: bool) -> None:
    """The product's worker."""
    import jobs.worker
    from jobs.logs import open_log

    if trivial:
        make_trivial()
    open_log("WARNING")
    jobs.worker.run_worker(places, name=name, stop=stop)


def make_trivial() -> None:
    """Crawls that begin and end, each with the rows and transactions that a real one has at its ends."""
    import jobs.flow
    from storage.runs import end_run, start_run

    def crawl(desk: Any, run_id: int) -> str:
        run = start_run(
            desk.engine, run_id=run_id, worker=desk.worker, pid=None, now=desk.clock(), fence=True
        )
        end_run(
            desk.engine, run_id=run_id, state="done", message="", now=desk.clock(), fence=run.fence
        )  # fmt: skip
        return "done"

    jobs.flow._crawl = crawl  # type: ignore[assignment]


def run_bare(places: Any, crawls: int, stop: threading.Event, *, poll: float) -> None:
    """The engine alone, set up as ours, with one queue and a flow that does nothing."""
    from dbos import DBOS, SetEnqueueOptions, SetWorkflowID  # noqa: F401

    from jobs.engine import engine_config

    logging.getLogger("dbos").setLevel(logging.WARNING)

    @DBOS.workflow(name="nothing")
    def nothing(number: int) -> int:
        return number

    DBOS(config=engine_config(places, executor=f"bare-{os.getpid()}"))
    DBOS.launch()
    DBOS.register_queue(
        BARE_QUEUE,
        partition_concurrency=1,
        worker_concurrency=crawls,
        polling_interval_sec=poll,
    )
    stop.wait()
    DBOS.destroy(workflow_completion_timeout_sec=0)


def main(words: list[str]) -> int:
    from dataclasses import replace

    from jobs.places import load_places
    from jobs.queues import CRAWL_POLL_SECONDS

    kind, name, crawls, *more = words
    counts, stop = Counts(), threading.Event()
    places = replace(load_places(sys.stdin.readline()), crawls=int(crawls))
    threading.Thread(target=answer, args=(counts, stop), daemon=True, name="benchmark").start()
    work: Callable[[], None] = (
        (lambda: run_bare(places, int(crawls), stop, poll=CRAWL_POLL_SECONDS))
        if kind == "bare"
        else (lambda: run_ours(places, name, counts, stop, trivial="trivial" in more))
    )
    work()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
