"""One crawl as one subprocess: started, watched, and ended with its whole process group.

Public names: Crawl, run_crawl, stop_group, find_orphan.

The process gets a fresh environment: no proxy variable, no token of ours, and of Tor only the SOCKS port. Who can ask
the control port can ask for the address of this machine. The canary (jobs.canary) watches it from here.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from crawler.denyfile import DenyError, DenyWatch, open_deny_list
from jobs.alarm import SILENT
from jobs.canary import Canary, CanaryFailed, Watch
from jobs.places import Places
from jobs.reachable import find_allowed, pin_database
from jobs.remains import name_signal, read_last_words
from storage.engine import reading
from storage.issues import raise_issue
from storage.runs import end_run, find_run

POLL_SECONDS = 0.5
GRACE_SECONDS = 20.0
SILENCE_LIMIT = 180.0
"""Seconds without a heartbeat after which a crawl process that still exists is taken for stuck."""
GOOD_CODES = (0, 3, 4, 5, 6)
"""Of the crawl process: done, paused, cancelled, asked to stop, waits for a person."""
TAKEN_CODE = 7
"""It ended because its worker, or its site, was no longer its own."""
AWAY_CODE = 8
"""Its database was gone."""
STOPPED = "The worker was stopped."
OVER = ("done", "paused", "cancelled", "failed")
COMMAND = (sys.executable, "-P", "-m", "crawler")
CANARY_GRACE = 1.0
"""Seconds that a crawl gets to end when the canary failed or the deny list cannot be read."""


@dataclass(frozen=True)
class Crawl:
    """How a crawl process ended: the state that its run has now."""

    state: str
    message: str


def run_crawl(
    places: Places,
    engine: Engine,
    *,
    run_id: int,
    socks: str,
    stop: threading.Event,
    clock: Callable[[], datetime],
    canary: Canary | None = None,
    fence: int | None = None,
) -> Crawl:
    """Crawl until the process ends, `stop` is set or the canary fails. The run's row has an end when this returns.

    canary: the worker's, shared by all its crawls (Gateway.canary). Without one the sockets alone are watched.
    fence: the run's token; nothing is said of a run that was taken away meanwhile.
    CanaryFailed, and an issue, when the crawl must not begin; DenyError when the deny list cannot be read.
    """
    why = denied = ""
    try:
        deny = open_deny_list(places.data)  # before all else: what it says holds for the first request too
    except DenyError as exc:
        _raise_fail(engine, run_id, "deny-list", str(exc), now=clock())
        raise
    database_url = pin_database(places.database_url)
    own = canary or Canary(None)
    try:
        watch = own.admit(engine, run_id=run_id, socks=socks, allowed=find_allowed(database_url), clock=clock)
    except CanaryFailed as exc:
        _raise_fail(engine, run_id, "canary", str(exc), now=clock())
        raise
    try:
        places.runs.mkdir(parents=True, exist_ok=True, mode=0o700)
        log = places.runs / f"{run_id}.log"
        errors = places.runs / f"{run_id}.err"
        environment = {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "PYTHONUTF8": "1",
            "TUSKWATCH_DATA": str(places.data),
            "TUSKWATCH_DATABASE_URL": database_url,
            "TUSKWATCH_SOCKS": socks,
        }
        if places.key_file is not None:
            environment["TUSKWATCH_KEY_FILE"] = str(places.key_file)
        log.touch(mode=0o600)
        with errors.open("ab") as sink:
            errors.chmod(0o600)
            process = subprocess.Popen(
                [*COMMAND, str(run_id)],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                env=environment,
                cwd=places.data,
                start_new_session=True,
            )
            try:
                why = _watch(process, engine, run_id=run_id, stop=stop, clock=clock, watch=watch, deny=deny)
            except DenyError as exc:
                denied = str(exc)
            finally:
                stop_group(process, grace=CANARY_GRACE if watch.failed or denied else GRACE_SECONDS)
                watch.end_left()
    finally:
        watch.close()
    if denied:
        # In these words, whatever the process said when it met the same.
        end_run(engine, run_id=run_id, state="failed", message=denied, now=clock(), fence=fence)
        _raise_fail(engine, run_id, "deny-list", denied, now=clock())
        crawl = Crawl("failed", denied)
    elif watch.failed:
        crawl = _settle_canary(engine, run_id, watch.failed, kind=watch.kind, now=clock(), fence=fence)
    else:
        crawl = _settle(
            engine, run_id, code=process.returncode, why=why, errors=errors, now=clock(), fence=fence
        )
    if process.returncode in GOOD_CODES or errors.stat().st_size == 0:
        # What it said at a good end stands in its row.
        errors.unlink()
    return crawl


def stop_group(process: subprocess.Popen[bytes], *, grace: float = GRACE_SECONDS) -> None:
    """End the process and whatever it started; politely first. Does nothing to a process that has ended."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(grace)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def find_orphan(run_id: int, pid: int | None) -> int | None:
    """The process of this run, when it still lives although its worker died; never another process of that number."""
    if pid is None:
        return None
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return None
    words = [argument.decode("utf-8", "replace") for argument in arguments if argument]
    return pid if words[-2:] == ["crawler", str(run_id)] else None


def _watch(
    process: subprocess.Popen[bytes],
    engine: Engine,
    *,
    run_id: int,
    stop: threading.Event,
    clock: Callable[[], datetime],
    watch: Watch,
    deny: DenyWatch,
) -> str:
    """Wait for the end; why it had to be ended by us, or nothing. `watch.failed` says it when it was the canary.

    DenyError as soon as the deny list cannot be read any more.
    """
    began = clock()
    with reading(engine) as session:
        row = find_run(session, run_id)
        site_id = row.site_id if row else None
    while process.poll() is None:
        if watch.check(process.pid, site_id=site_id):
            return watch.failed
        deny.current()
        if stop.wait(POLL_SECONDS):
            return STOPPED
        with reading(engine) as session:
            run = find_run(session, run_id)
            beat = run.heartbeat_at if run and run.heartbeat_at else began
        if (clock() - max(beat, began)).total_seconds() > SILENCE_LIMIT:
            return f"The crawl process gave no sign of life for {SILENCE_LIMIT:.0f} seconds and was ended."
    return ""


def _settle(
    engine: Engine, run_id: int, *, code: int, why: str, errors: Path, now: datetime, fence: int | None
) -> Crawl:
    """What the process did not say itself is said for it: a run never stays "running" without a process."""
    with reading(engine) as session:
        run = find_run(session, run_id)
        assert run is not None, "runs are never deleted"
        if fence is not None and run.fence != fence:
            return Crawl(run.state, run.message)
        if run.state == "waiting" and run.waits_for == "person":
            return Crawl(run.state, run.message)  # it stays there until a person opens the session
        # "lost" is what the process says when a signal ended it: who sent the signal knows why.
        if run.state not in ("queued", "waiting", "running", "lost"):
            return Crawl(run.state, run.message)
        said = run.message if run.state == "lost" else ""
    again = "Crawl the site again: it goes on where this run stopped."
    lacked = ""
    if why == STOPPED or code == TAKEN_CODE:
        # It lacked nothing but a worker: the next one takes it up.
        state, message, lacked = "lost", f"{STOPPED} It goes on by itself when a worker is there.", "worker"
    elif code == AWAY_CODE:
        state, lacked = "lost", "database"
        message = (
            "The database did not answer. What was fetched is kept. It goes on by itself when it answers."
        )
    elif why:
        state, message = "lost", f"{why} {again}"
    elif said:
        state, message = "lost", f"{said}. {again}"
    elif code < 0:
        state, message = "lost", f"The crawl process was killed ({name_signal(-code)}). {again}"
    else:
        state, message = (
            "failed",
            f"The crawl process ended with code {code} and said: {read_last_words(errors) or 'nothing. Its log says more.'}",
        )
    end_run(engine, run_id=run_id, state=state, message=message, now=now, again=lacked, fence=fence)
    return Crawl(state, message)


def _settle_canary(
    engine: Engine, run_id: int, fault: str, *, kind: str, now: datetime, fence: int | None
) -> Crawl:
    """Whatever the process itself said last: the canary's word goes before it."""
    with reading(engine) as session:
        run = find_run(session, run_id)
        ending = run is not None and run.wish in ("pause", "cancel")
    if kind == SILENT and run is not None and (run.state in OVER or run.waits_for == "person"):
        # It came to its own end before Tor fell silent: a machine that sleeps then finds both when it wakes.
        return Crawl(run.state, run.message)
    begin = (
        "Stopped, with all crawls of this worker, because it is not proved any more that all goes through Tor: "
        f"{fault}. What was fetched is kept. "
    )
    if kind == SILENT and not ending:
        state, again = "lost", "tor"
        message = f"{begin}It goes on by itself when Tor answers and is proved anew."
    else:
        state, again = "failed", ""
        message = f"{begin}Find the cause before you crawl again: docs/threats.md says how."
    end_run(engine, run_id=run_id, state=state, message=message, now=now, again=again, fence=fence)
    _raise_fail(engine, run_id, "canary", message, now=now)
    return Crawl(state, message)


def _raise_fail(engine: Engine, run_id: int, kind: str, message: str, *, now: datetime) -> None:
    with reading(engine) as session:
        run = find_run(session, run_id)
        site_id = run.site_id if run else None
    raise_issue(
        engine, site_id=site_id, run_id=run_id, page_id=None, kind=kind, level="fail", message=message, now=now
    )  # fmt: skip
