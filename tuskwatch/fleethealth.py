"""What `tuskwatch doctor` looks at beside one machine's parts: workers, runs, schedules, clocks, files and limits.

Public names: FLEET_CHECKS, check_workers, check_plans, check_clocks, check_files, check_limits, check_scripts,
ask_database.
"""

from __future__ import annotations

import os
import resource
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.places import Places
from tuskwatch.finding import Finding

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

SKEW = timedelta(seconds=60)
"""Clocks may differ by this; nothing depends on it but the times of the evidence."""
QUIET = timedelta(seconds=60)
LEAST_FILES = 1024
SHARED_DISKS = ("nfs", "cifs", "smb", "fuse.sshfs", "9p", "ceph", "glusterfs")
"""File systems on which SQLite's locks and write-ahead log cannot be relied on (sqlite.org/wal.html)."""
SCRIPTS = {"Thai": "Thai", "Lao": "Lao", "Khmer": "Khmer", "Myanmar": "Burmese"}


def ask_database(places: Places, look: Callable[[Session], Iterator[Finding]]) -> Iterator[Finding]:
    """Findings of a look into the database; none when it cannot be opened, which another check says."""
    from sqlalchemy.exc import SQLAlchemyError

    from storage.engine import check_schema, open_engine, reading
    from storage.errors import StorageError

    engine = open_engine(places.database_url)
    try:
        check_schema(engine)
        with reading(engine) as session:
            found = list(look(session))
    except (StorageError, SQLAlchemyError):
        return
    finally:
        engine.dispose()
    yield from found


def check_workers(places: Places) -> Iterator[Finding]:
    """Every worker of the fleet, by its row: the local ones, by their locks, are another check's."""
    from storage.workers import find_workers

    now = datetime.now(UTC)
    ours = version("tuskwatch")

    def look(session: Session) -> Iterator[Finding]:
        for worker in find_workers(session):
            where = f"{worker.name} on {worker.host}"
            if worker.state == "silent" and now - worker.beat_at < timedelta(days=1):
                remedy = "Its runs went on elsewhere. Look after that machine, then start the worker again."
                yield Finding(
                    "fleet", "warn", f"{where} fell silent at {worker.beat_at:%Y-%m-%d %H:%M} UTC", remedy
                )
            elif worker.state in ("ready", "leaving"):
                if worker.version != ours:
                    remedy = "Bring all machines to the same version: docs/deploy.md."
                    yield Finding(
                        "fleet", "warn", f"{where} is version {worker.version}, this is {ours}", remedy
                    )
                elif now - worker.beat_at > QUIET:
                    quiet = (now - worker.beat_at).total_seconds()
                    remedy = "It hangs, its clock is wrong, or this one's is."
                    yield Finding(
                        "fleet", "warn", f"{where}: its last sign of life is {quiet:.0f} s old", remedy
                    )
                else:
                    yield Finding(
                        "fleet", "ok", f"{where}: {worker.state}, Tor {worker.tor or 'not opened yet'}"
                    )

    yield from ask_database(places, look)


def check_plans(places: Places) -> Iterator[Finding]:
    """Runs that nobody takes, and schedules that do not fire."""
    from storage.metrics import count_all

    now = datetime.now(UTC)

    def look(session: Session) -> Iterator[Finding]:
        numbers = {gauge.name: gauge.values.get((), 0.0) for gauge in count_all(session, now=now)}
        for name, subject, words, remedy in (
            (
                "runs_late", "runs", "are late: nobody took them for ten minutes",
                'Start a worker: "tuskwatch worker". For a pinned site it must have that name or label.',
            ),
            (
                "schedules_behind", "schedules", "did not fire ten minutes after their time",
                'No worker ticks: "tuskwatch worker".',
            ),
            (
                "runs_waiting_for_a_person", "runs", "wait for a person", '"tuskwatch needs list" says where.',
            ),
        ):  # fmt: skip
            if count := int(numbers.get(name, 0)):
                yield Finding(subject, "warn", f"{count} {words}", remedy)
        if not any(numbers.get(name) for name in ("runs_late", "schedules_behind")):
            yield Finding("runs", "ok", "none is late, and every schedule fired in time")

    yield from ask_database(places, look)


def check_clocks(places: Places) -> Iterator[Finding]:
    """This machine's clock beside the database server's. SQLite has no clock of its own."""
    from sqlalchemy import text

    if places.database_url.startswith("sqlite"):
        return

    def look(session: Session) -> Iterator[Finding]:
        theirs = session.execute(text("SELECT clock_timestamp()")).scalar_one()
        skew = abs(datetime.now(UTC) - theirs)
        if skew > SKEW:
            remedy = "Set the clocks (timedatectl set-ntp true): the times of the evidence come from them."
            yield Finding(
                "clocks",
                "fail",
                f"this machine and the database differ by {skew.total_seconds():.0f} s",
                remedy,
            )
        else:
            yield Finding("clocks", "ok", "this machine and the database agree within a minute")

    yield from ask_database(places, look)


def check_files(places: Places) -> Iterator[Finding]:
    """Who else may read what must not be read."""
    if not places.data.is_dir():
        return
    wrong = []
    for name in ("tuskwatch.db", "tuskwatch.db-wal", "engine.db", "notices.yml", "tor.yml", "deny.yml"):
        path = places.data / name
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            wrong.append(path)
    key = places.key_file
    if key is not None and key.exists():
        if stat.S_IMODE(key.stat().st_mode) & 0o077:
            wrong.append(key)
        if key.resolve().is_relative_to(places.data.resolve()):
            remedy = (
                "Move it elsewhere and name it with TUSKWATCH_KEY_FILE: a backup must not hold lock and key."
            )
            yield Finding("key file", "fail", f"{key} lies inside the data folder", remedy)
    for path in wrong:
        yield Finding("files", "fail", f"{path} can be read by others", f"chmod 600 {path}")
    if not wrong:
        yield Finding("files", "ok", "nothing secret can be read by others")


def check_limits(places: Places) -> Iterator[Finding]:
    """Open files, and the kind of disk that SQLite lies on."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files != resource.RLIM_INFINITY and files < LEAST_FILES:
        remedy = f"ulimit -n {LEAST_FILES}, or LimitNOFILE= in the unit."
        yield Finding("limits", "warn", f"a process may open {files} files only", remedy)
    else:
        yield Finding("limits", "ok", "enough files may be open")
    if places.database_url.startswith("sqlite") and places.data.is_dir():
        kind = _find_shared_disk(places.data)
        if kind:
            remedy = "Keep the data folder on a disk of this machine, or use PostgreSQL."
            yield Finding("disk", "fail", f"the database lies on {kind}, where SQLite can lose pages", remedy)


def _find_shared_disk(folder: Path) -> str:
    """The name of the network file system that a folder lies on, by the longest mount point above it; "" for none."""
    try:
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    best, found = -1, ""
    target = str(folder.resolve())
    for line in lines:
        left, _, right = line.partition(" - ")
        fields, kind = left.split(" "), right.split(" ")[0]
        point = fields[4].encode().decode("unicode_escape") if len(fields) > 4 else ""
        above = point == "/" or target == point or target.startswith(f"{point}{os.sep}")
        if above and len(point) > best:
            best, found = len(point), kind
    return found if found.startswith(SHARED_DISKS) else ""


def check_scripts(places: Places) -> Iterator[Finding]:
    """Fonts for the scripts of ads, in which titles would show as boxes in reports."""
    fonts = Path("/usr/share/fonts")
    missing = [name for name in SCRIPTS if not any(fonts.rglob(f"*{name}*.[to]tf"))]
    if missing:
        names = ", ".join(SCRIPTS[name] for name in missing)
        remedy = "apt-get install fonts-noto-core"
        yield Finding("fonts", "warn", f"none for {names}: such titles show as boxes", remedy)
    else:
        yield Finding("fonts", "ok", "Thai, Lao, Khmer and Burmese can be shown")


FLEET_CHECKS: tuple[Callable[[Places], Iterator[Finding]], ...] = (
    check_workers,
    check_plans,
    check_clocks,
    check_files,
    check_limits,
    check_scripts,
)
