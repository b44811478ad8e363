"""Which workers are alive on this data folder: a locked file each, since a lock ends with its process however it ends.

Of workers of other machines, and of those that hang, the rows of the database tell (storage.workers, jobs.watching).

Public names: Presence, WorkerInfo, announce, find_workers, worker_alive, is_gone, was_here, name_folder.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from jobs.places import Places
from storage.workers import LIVING

HEARTBEAT_LIMIT = 120.0
"""Seconds without a heartbeat after which a run of another machine counts as lost."""
INFO_LIMIT = 10_000


@dataclass(frozen=True)
class WorkerInfo:
    """One worker. tor: what it says of its Tor ("not opened yet", "ready on 127.0.0.1:9050", ...)."""

    name: str
    pid: int
    host: str
    started: str
    beat: str
    tor: str


class Presence:
    """The mark of a worker that is alive; only the worker itself has one."""

    def __init__(self, folder: Path, info: WorkerInfo) -> None:
        self._path = folder / f"{info.name}.json"
        self.info = info
        self._write()

    def beat(self, *, tor: str, now: datetime) -> None:
        self.info = replace(self.info, tor=tor, beat=now.isoformat())
        self._write()

    def _write(self) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self.info)), encoding="utf-8")
        fresh.replace(self._path)


@contextmanager
def announce(places: Places, *, name: str, now: datetime) -> Iterator[Presence]:
    """Be a living worker while inside. The name gets the host, the process and a random end: no two ever share one."""
    places.workers.mkdir(parents=True, exist_ok=True, mode=0o700)
    label = re.sub(r"[^a-z0-9-]", "-", name.lower())[:40]
    full = f"{name_folder(places)}-{label}-{os.getpid()}-{secrets.token_hex(3)}"
    lock = places.workers / f"{full}.lock"
    # Locked before it gets its name: a mark that is seen unlocked for a moment would be taken for a dead worker's.
    fresh = lock.with_suffix(".fresh")
    with fresh.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        fresh.replace(lock)
        info = WorkerInfo(
            full, os.getpid(), socket.gethostname(), now.isoformat(), now.isoformat(), "not opened yet"
        )
        try:
            yield Presence(places.workers, info)
        finally:
            lock.unlink(missing_ok=True)
            lock.with_suffix(".json").unlink(missing_ok=True)


def find_workers(places: Places) -> list[WorkerInfo]:
    """The workers alive on this machine and data folder, oldest first. Marks of dead ones are removed."""
    alive: list[WorkerInfo] = []
    for lock in sorted(places.workers.glob("*.lock")):
        if not _is_held(lock):
            # The mark of a process that was killed. Its runs are judged by is_gone, which takes "no lock" for dead.
            lock.unlink(missing_ok=True)
            lock.with_suffix(".json").unlink(missing_ok=True)
            continue
        with suppress(OSError, ValueError, TypeError):
            text = lock.with_suffix(".json").read_text(encoding="utf-8")[:INFO_LIMIT]
            alive.append(WorkerInfo(**json.loads(text)))
    return sorted(alive, key=lambda info: info.started)


def worker_alive(places: Places) -> bool:
    return bool(find_workers(places))


def is_gone(
    places: Places,
    worker: str | None,
    *,
    beat: datetime | None,
    now: datetime,
    states: Mapping[str, str] | None = None,
) -> bool:
    """Is the worker that had this run dead? Known at once where it worked, by its silence elsewhere.

    states: what the database says of the workers. One that hangs still holds its lock, and is dead all the same.
    """
    state = (states or {}).get(worker or "")
    if state is not None and state not in LIVING:
        return True
    if worker is not None and _is_held(places.workers / f"{worker}.lock"):
        return False
    if was_here(places, worker):
        return True
    return state is None and (beat is None or (now - beat).total_seconds() > HEARTBEAT_LIMIT)


def was_here(places: Places, worker: str | None) -> bool:
    """Did the worker run on this machine and data folder? Then its missing lock says all."""
    return (worker or "").startswith(f"{name_folder(places)}-")


def name_folder(places: Places) -> str:
    """Names this machine and data folder: two containers may well have one host's name."""
    host = re.sub(r"[^a-z0-9-]", "-", socket.gethostname().lower())[:40]
    mark = places.workers / "folder"
    folder = _read_mark(mark)
    if not folder:
        places.workers.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = mark.with_suffix(f".{os.getpid()}")
        fresh.write_text(secrets.token_hex(3), encoding="ascii")
        if mark.exists():
            fresh.replace(mark)  # it held something else
        else:
            with suppress(FileExistsError):  # of two that begin together the first one's holds
                mark.hardlink_to(fresh)
            fresh.unlink()
        folder = _read_mark(mark)
    return f"{host}-{folder}"


def _read_mark(mark: Path) -> str:
    try:
        folder = mark.read_text(encoding="ascii").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return ""
    return folder if re.fullmatch(r"[0-9a-f]{6}", folder) else ""


def _is_held(lock: Path) -> bool:
    try:
        with lock.open("r") as probe:
            fcntl.flock(probe, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
