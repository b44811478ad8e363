"""Keeps Tuskwatch's own Tor running while a person opens a gate: a circuit ends with its Tor, a Tor with its worker.

Public names: hold_tor, is_tor_wanted, Keeper, find_ready_tor.

Only for a Tor that a worker started itself; one that is attached to lives on by itself. Who opens a session holds a
locked file in the workers' folder, which the workers look for; a lock ends with its process however it ends.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from crawler.errors import CrawlError
from jobs.child import ensure_worker
from jobs.errors import JobError
from jobs.places import Places
from jobs.presence import find_workers

READY = "ready on "
"""How a worker says of its Tor that it may be used, and where."""
POLL_SECONDS = 0.3
AGAIN_SECONDS = 20.0
"""After Tor could not be had."""
STALL_SECONDS = 60.0
"""Without any change in what the workers say of their Tor."""


@contextmanager
def hold_tor(places: Places) -> Iterator[None]:
    """While inside, a worker of this data folder and machine keeps its Tor open, and does not end for want of work."""
    places.workers.mkdir(parents=True, exist_ok=True, mode=0o700)
    mark = places.workers / f"{os.getpid()}-{secrets.token_hex(3)}.hold"
    fresh = mark.with_suffix(".fresh-hold")
    with fresh.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        # Locked before it gets its name: a mark that is seen unlocked for a moment would be swept away.
        fresh.replace(mark)
        try:
            yield
        finally:
            mark.unlink(missing_ok=True)


def is_tor_wanted(places: Places) -> bool:
    """Does anybody hold the Tor of this data folder's workers? Marks of dead holders are removed."""
    return any(_is_held(mark) for mark in places.workers.glob("*.hold"))


class Keeper:
    """Opens a worker's Tor beside its other work, and again when that failed some time ago. What is wrong it logs."""

    def __init__(self, open_tor: Callable[[], object], *, again_seconds: float = AGAIN_SECONDS) -> None:
        self._open_tor = open_tor
        self._again = again_seconds
        self._thread: threading.Thread | None = None
        self._failed: float | None = None

    def keep(self) -> None:
        """Let Tor be open soon; returns at once. May be said as often as one likes."""
        if self._thread is not None and self._thread.is_alive():
            return
        if self._failed is not None and time.monotonic() - self._failed < self._again:
            return
        self._thread = threading.Thread(target=self._run, name="Tor for a person", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._open_tor()
        except (CrawlError, JobError, OSError, SQLAlchemyError) as exc:
            self._failed = time.monotonic()
            structlog.get_logger("worker").warning("no Tor yet", error=str(exc))


def find_ready_tor(
    places: Places,
    *,
    report: Callable[[str], None] = lambda words: None,
    stall_seconds: float | None = None,
) -> tuple[str, int]:
    """The SOCKS port of the Tor that a worker of ours keeps; starts a worker when none lives. Call it inside hold_tor.

    JobError when no Tor comes up: the words of the worker say why.
    """
    patience = STALL_SECONDS if stall_seconds is None else stall_seconds
    ensure_worker(places)
    words, since = "", time.monotonic()
    while True:
        said = [worker.tor for worker in find_workers(places)]
        for each in said:
            if each.startswith(READY):
                host, _, port = each.removeprefix(READY).rpartition(":")
                return host, int(port)
        if (now := "; ".join(said)) != words:
            words, since = now, time.monotonic()
            report(words)
        elif time.monotonic() - since > patience:
            raise JobError(
                "Tuskwatch's own Tor does not come up, and a session holds on the circuits of one running Tor only "
                f'(the worker says: {words or "nothing"}). "tuskwatch doctor" looks at Tor. Or let Tuskwatch use the Tor '
                "of this machine (TUSKWATCH_TOR_CONTROL_PORT)."
            )
        time.sleep(POLL_SECONDS)


def _is_held(mark: Path) -> bool:
    with suppress(FileNotFoundError):
        with mark.open("r") as probe:
            try:
                fcntl.flock(probe, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        mark.unlink(missing_ok=True)
    return False
