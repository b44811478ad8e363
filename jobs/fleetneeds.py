"""What needs a person about the machines: disks, Tor, clocks, workers that are silent or missing.

Public names: find_fleet_needs.
"""

from __future__ import annotations

import re
import shutil
import socket
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from jobs.need import Need
from jobs.noticesettings import Limits
from jobs.places import Places
from storage.needs import find_active_schedules, find_clock_gap, find_late
from storage.tables import Worker
from storage.workers import LIVING, find_workers

CLOCK_GAP = timedelta(seconds=60)
SILENT_AFTER = timedelta(seconds=90)
"""Workers beat every three seconds; one that is said to live and did not for so long is silent, or its clock is behind."""
_GB = 1_000_000_000
_NO_TOR = re.compile(r"could not|cannot|silent|no answer|does not|failed", re.IGNORECASE)


def find_fleet_needs(
    session: Session, places: Places, limits: Limits, *, now: datetime, late_after: timedelta
) -> Iterator[Need]:
    workers = find_workers(session)
    living = [worker for worker in workers if worker.state in LIVING]
    yield from _find_disks(places, living, limits)
    fresh = [worker for worker in living if abs(now - worker.beat_at) <= SILENT_AFTER]
    for worker in living:
        if worker.beat_at - now > CLOCK_GAP:
            yield _about_clock(worker.name, worker.beat_at - now, since=worker.started_at)
        elif now - worker.beat_at > SILENT_AFTER:
            # Another worker would have found out a dead one within half a minute: then it is the clock.
            if fresh:
                yield _about_clock(worker.name, worker.beat_at - now, since=worker.started_at)
            else:
                yield _about_silence(worker, level="now")
        elif _NO_TOR.search(worker.tor):
            yield Need(
                kind="tor", level="soon", subject=f"worker {worker.name}"[:120], words=f"Tor of worker {worker.name}: {worker.tor}.",
                what_to_do="See that Tor runs on that machine and gets out.", command="tuskwatch doctor", link="/runs", since=None,
            )  # fmt: skip
    for worker in workers:
        if worker.state == "silent" and not _is_replaced(worker, living):
            yield _about_silence(worker, level="soon" if fresh else "now")
    gap = find_clock_gap(session, now=now)
    if abs(gap) > CLOCK_GAP:
        yield _about_clock("database", gap, since=None)
    if not fresh and not any(worker.state == "silent" for worker in workers):
        yield from _find_idle(session, now=now, late_after=late_after)


def _find_idle(session: Session, *, now: datetime, late_after: timedelta) -> Iterator[Need]:
    late = find_late(session, before=now - late_after)
    due = [
        row.due_at
        for row in find_active_schedules(session)
        if row.due_at is not None and row.due_at < now - late_after
    ]
    if late or due:
        since = min([*due, *(run.due_at or run.created_at for run in late)])
        yield Need(
            kind="worker", level="now", subject="workers", words="No worker is there, and work is due.",
            what_to_do="Start one, and keep it running.", command="tuskwatch worker", link="/runs?state=queued", since=since,
            count=len(late) + len(due),
        )  # fmt: skip


def _is_replaced(worker: Worker, living: Sequence[Worker]) -> bool:
    """Did another worker begin on that machine since?"""
    return any(other.host == worker.host and other.started_at > worker.beat_at for other in living)


def _about_silence(worker: Worker, *, level: str) -> Need:
    taken = "its runs are taken over by others" if level == "soon" else "and no other is there for its runs"
    return Need(
        kind="worker", level=level, subject=f"worker {worker.name}"[:120],
        words=f"Worker {worker.name} gives no sign of life; {taken}.",
        what_to_do=f"See what became of process {worker.pid} on {worker.host or 'its machine'}, then start it again.",
        command="tuskwatch worker", link="/runs", since=worker.beat_at, message=worker.message,
    )  # fmt: skip


def _about_clock(whose: str, gap: timedelta, *, since: datetime | None) -> Need:
    seconds = int(gap.total_seconds())
    way = "ahead of" if seconds > 0 else "behind"
    name = "The database's clock" if whose == "database" else f"The clock of worker {whose}"
    return Need(
        kind="clock", level="soon", subject=f"clock {whose}"[:120], words=f"{name} is {abs(seconds):,} s {way} this machine's.",
        what_to_do="Set the clocks by NTP on both machines.", command="timedatectl status", link="/runs", since=since,
    )  # fmt: skip


def _find_disks(places: Places, living: Sequence[Worker], limits: Limits) -> Iterator[Need]:
    free = {worker.host: worker.free_bytes for worker in living if worker.free_bytes is not None}
    here = socket.gethostname()
    try:
        free[here] = shutil.disk_usage(places.data).free
    except OSError as exc:
        yield _about_disk(
            here, f"The data folder on {here} cannot be looked at: {exc.strerror or exc}.", "now"
        )
        return
    for host, left in free.items():
        if left < limits.disk_gb * _GB:
            words = f"{left / _GB:,.1f} GB are left for the data folder on {host or 'a worker'}."
            yield _about_disk(host, words, "now" if left < _GB else "soon")


def _about_disk(host: str, words: str, level: str) -> Need:
    return Need(
        kind="disk", level=level, subject=f"disk {host}"[:120], words=words,
        what_to_do="Make room, or let retention take away what is no longer needed. A full disk ends all crawls.",
        command="tuskwatch doctor", link="/runs", since=None,
    )  # fmt: skip
