"""Work that a worker, or a command, has done in a process of its own: what follows a crawl, and the worker itself.

Public names: run_after, ensure_worker, main.

`python -m jobs.child after RUN` reads and scores; `python -m jobs.child worker SECONDS` is a worker that ends when it
had nothing to do for so long (0: never). Both get the Places as one line of JSON on their standard input, because a
password must not stand in the list of processes.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime

from jobs.crawling import stop_group
from jobs.errors import JobError
from jobs.places import Places, dump_places, load_places
from jobs.presence import worker_alive

AFTER_LIMIT = 3600.0
"""Seconds that reading and scoring what one run fetched may take."""
POLL_SECONDS = 0.2
START_SECONDS = 30.0
LINGER_SECONDS = 20.0
COMMAND = (sys.executable, "-P", "-m", "jobs.child")


def run_after(places: Places, run_id: int, *, stop: threading.Event) -> str:
    """Read and score what the run fetched. Why it failed, in words; empty when it went well."""
    errors = places.runs / f"{run_id}.after.err"
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
    pid = _start_worker(places, linger=LINGER_SECONDS)
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if worker_alive(places):
            return True
        try:
            ended = os.waitpid(pid, os.WNOHANG)[0] != 0
        except ChildProcessError:
            ended = True
        if ended:
            break
        time.sleep(0.1)
    raise JobError(
        f"No worker came up within {START_SECONDS:.0f} seconds. {places.workers}/worker.log says why; "
        '"tuskwatch worker" starts one in the foreground.'
    )


def _start_worker(places: Places, *, linger: float) -> int:
    """Start a worker that outlives this process; its process id. Its log is <data>/workers/worker.log."""
    places.workers.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = places.workers / "worker.log"
    with log.open("ab") as sink:
        log.chmod(0o600)
        process = subprocess.Popen(
            [*COMMAND, "worker", str(linger)],
            stdin=subprocess.PIPE,
            stdout=sink,
            stderr=sink,
            cwd=places.data,
            start_new_session=True,
        )
    _hand_over(process, places)
    return process.pid


def _hand_over(process: subprocess.Popen[bytes], places: Places) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(dump_places(places).encode() + b"\n")
        process.stdin.close()
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
        case ["worker", linger]:
            from jobs.worker import run_worker

            stop = threading.Event()
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: stop.set())
            run_worker(places, name="worker", stop=stop, linger=float(linger))
            return 0
        case _:
            sys.stderr.write("usage: python -m jobs.child after RUN | worker SECONDS\n")
            return 2


def _after(places: Places, run_id: int) -> int:
    from jobs.verbs import read_pages, score_listings

    read_pages(places, run_id=run_id, now=datetime.now(UTC))
    score_listings(places, now=datetime.now(UTC))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
