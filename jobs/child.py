"""Work that a worker, or a command, has done in a process of its own: what follows a crawl, and the worker itself.

Public names: run_after, ensure_worker, tied_worker, main.

`python -m jobs.child after RUN` reads and scores; `... task RUN WORKER` does another verb (jobs.tasks watches it);
`... worker SECONDS` is a worker that ends when it had nothing to do for so long (0: never), or, with `tied`, when its
standard input closes because its parent is gone. All get the Places as one line of JSON on their standard input, because
a password must not stand in the list of processes.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from jobs.crawling import stop_group
from jobs.errors import JobError
from jobs.places import Places, dump_places, load_places
from jobs.presence import find_workers, worker_alive

AFTER_LIMIT = 3600.0
"""Seconds that reading and scoring what one run fetched may take."""
POLL_SECONDS = 0.2
START_SECONDS = 30.0
END_SECONDS = 60.0
LINGER_SECONDS = 20.0
COMMAND = (sys.executable, "-P", "-m", "jobs.child")


def run_after(places: Places, run_id: int, *, stop: threading.Event) -> str:
    """Read and score what the run fetched. Why it failed, in words; empty when it went well."""
    # Two readings of one run may be at work: it was paused, and went on while the first was still being read.
    errors = places.runs / f"{run_id}.{secrets.token_hex(3)}.after.err"
    places.runs.mkdir(parents=True, exist_ok=True, mode=0o700)
    with errors.open("wb") as sink:
        errors.chmod(0o600)
        process = subprocess.Popen(
            [*COMMAND, "after", str(run_id)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=sink,
            env={"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONUTF8": "1"},
            cwd=places.data,
            start_new_session=True,
        )
        _hand_over(process, places)
        assert process.stdin is not None
        process.stdin.close()
        waited = 0.0
        while process.poll() is None and not stop.wait(POLL_SECONDS) and waited < AFTER_LIMIT:
            waited += POLL_SECONDS
        unfinished = process.poll() is None
        stop_group(process)
    said = errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    if not said:
        errors.unlink()
    if unfinished:
        return "the worker was stopped" if stop.is_set() else f"it took more than {AFTER_LIMIT:.0f} seconds"
    if process.returncode == 0:
        return ""
    return said[-1][:500] if said else f"the process ended with code {process.returncode}"


def ensure_worker(places: Places) -> bool:
    """Start a worker that lives as long as there is work, when none is alive here. Was one started?

    JobError when it does not come up.
    """
    if worker_alive(places):
        return False
    process = _start_worker(places, str(LINGER_SECONDS))
    assert process.stdin is not None
    process.stdin.close()
    _wait_for_worker(places, process)
    process.returncode = 0  # it outlives this object, which must not complain of that
    return True


@contextmanager
def tied_worker(places: Places) -> Iterator[None]:
    """A worker in a process of its own for as long as the block, and not longer even if this process is killed."""
    process = _start_worker(places, "0", "tied")
    _wait_for_worker(places, process)
    try:
        yield
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            stop_group(process)


def _wait_for_worker(places: Places, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        if any(worker.pid == process.pid for worker in find_workers(places)):
            return
        time.sleep(0.05)
    stop_group(process)
    raise JobError(
        f"No worker came up. {places.workers}/worker.log says why; "
        '"tuskwatch worker" starts one in the foreground.'
    )


def _start_worker(places: Places, *how: str) -> subprocess.Popen[bytes]:
    """Start a worker; it says what it has to say in <data>/workers/worker.log."""
    places.workers.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = places.workers / "worker.log"
    with log.open("ab") as sink:
        log.chmod(0o600)
        process = subprocess.Popen(
            [*COMMAND, "worker", *how],
            stdin=subprocess.PIPE,
            stdout=sink,
            stderr=sink,
            cwd=places.data,
            start_new_session=True,
        )
    _hand_over(process, places)
    return process


def _hand_over(process: subprocess.Popen[bytes], places: Places) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(dump_places(places).encode() + b"\n")
        process.stdin.flush()
    except BrokenPipeError as exc:
        raise JobError(
            f"A process that was started ended at once. Look into {places.workers}/worker.log."
        ) from exc


def main(arguments: list[str]) -> int:
    """The child's side. 0 when it went well."""
    places = load_places(sys.stdin.readline())
    match arguments:
        case ["after", run]:
            return _after(places, int(run))
        case ["task", run, worker]:
            from jobs.taskrun import do_child

            return do_child(places, int(run), worker=worker)
        case ["worker", linger, *tied]:
            from jobs.logs import open_log
            from jobs.worker import run_worker

            open_log(places.log_level, form=places.log_format)
            stop = threading.Event()
            if tied:
                threading.Thread(target=_wait_for_parent, args=(stop,), daemon=True).start()
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: stop.set())
            run_worker(places, name="worker", stop=stop, linger=float(linger))
            return 0
        case _:
            sys.stderr.write("usage: python -m jobs.child after RUN | task RUN WORKER | worker SECONDS\n")
            return 2


def _wait_for_parent(stop: threading.Event) -> None:
    while sys.stdin.readline():
        pass
    stop.set()


def _after(places: Places, run_id: int) -> int:
    from jobs.runs import find_run
    from jobs.verbs import read_pages, score_listings
    from storage.engine import open_engine

    # Only this run's site: the others may be in the middle of a crawl of their own.
    engine = open_engine(places.database_url)
    try:
        site = find_run(engine, run_id).site
    finally:
        engine.dispose()
    read_pages(places, run_id=run_id, site=site, now=datetime.now(UTC))
    _look_after(places, run_id)
    score_listings(places, now=datetime.now(UTC))
    return 0


def _look_after(places: Places, run_id: int) -> None:
    """What follows the reading of a run and must not keep it from being scored: what goes wrong becomes an issue."""
    from sqlalchemy.exc import SQLAlchemyError

    from crawler.coverage import measure_coverage
    from crawler.errand import read_errand
    from crawler.errors import CrawlError
    from jobs.copies import MOST_AFTER_A_RUN, find_copies
    from jobs.limits import check_run
    from jobs.mirrors import propose_mirrors
    from jobs.sellers import link_sellers
    from jobs.sites import find_site
    from storage.engine import open_engine, reading
    from storage.errors import StorageError
    from storage.issues import raise_issue
    from storage.runs import find_run

    engine = open_engine(places.database_url)
    now = datetime.now(UTC)
    try:
        with reading(engine) as session:
            run = find_run(session, run_id)
        if run is None or run.site is None:
            return
        site, site_id = run.site.name, run.site_id
        steps: dict[str, Callable[[], object]] = {
            "limits": lambda: check_run(places, engine, run_id, now=now),
            "mirrors": lambda: propose_mirrors(places, engine, run_id=run_id, now=now),
            "copies": lambda: find_copies(engine, now=now, site_id=site_id, limit=MOST_AFTER_A_RUN),
            "sellers": lambda: link_sellers(engine, now=now, run_id=run_id),
        }
        if not read_errand(run.settings):  # a page tried by hand covers nothing
            steps["coverage"] = lambda: measure_coverage(
                engine, find_site(places, site), run_id=run_id, now=now
            )
        for what, step in steps.items():
            try:
                step()
            except (CrawlError, JobError, StorageError, SQLAlchemyError, OSError) as exc:
                raise_issue(
                    engine,
                    site_id=site_id,
                    run_id=run_id,
                    page_id=None,
                    kind=f"after-{what}",
                    level="fail",
                    message=f"After the run its {what} could not be looked at: {exc}",
                    now=now,
                )
    finally:
        engine.dispose()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
