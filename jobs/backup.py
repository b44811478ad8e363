"""Backups: made while crawls go on, looked through, and given back on an empty machine.

Public names: back_up, drop_old, Stopped, restore, Restored, verify_backup, verify_live.

Everything is written under a temporary name, made sure of, and renamed at the end: a crash leaves nothing that looks
like a backup.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import Engine, make_url

from jobs.backupfiles import (
    DATA,
    DATABASE,
    DUMP,
    ENGINE_DUMP,
    ENGINE_FILE,
    FORMAT,
    FileLine,
    Manifest,
    copy_file,
    find_data_files,
    hash_file,
    sync_folder,
    sync_name,
    write_manifest,
)
from jobs.backupkeep import drop_old
from jobs.backupprogress import MB, Progress, Stopped, Tell, Wished
from jobs.backuprestore import Restored, restore
from jobs.backupverify import verify_backup, verify_live
from jobs.errors import BusyError, JobError, UsageError
from jobs.places import Places
from storage import audit
from storage.backup import Facts, copy_sqlite, dump_postgresql, measure_sqlite, open_copy, read_facts
from storage.engine import check_schema, open_engine, reading, transaction
from storage.errors import BackupError
from storage.runs import find_run

__all__ = ["back_up", "drop_old", "Stopped", "restore", "Restored", "verify_backup", "verify_live"]

LOCK = ".tuskwatch-backup.lock"
SPARE = 64 * 1024 * 1024
KEEP_SCHEDULED = 14
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def back_up(
    places: Places,
    *,
    to: Path,
    now: datetime,
    by: str,
    tell: Tell | None = None,
    wished: Wished | None = None,
    keep: int | None = None,
    run_id: int | None = None,
) -> Path:
    """Make one backup in the folder `to`; its own folder. Writers of the database are not held up.

    tell(done, total) in megabytes; wished() "pause" or "cancel" ends it with Stopped. keep: afterwards so many of this
    installation's whole backups are left in `to`; a schedule's run keeps KEEP_SCHEDULED if it says nothing. run_id: the run
    that this is.
    """
    if keep is not None and keep < 1:
        raise UsageError("At least one backup is kept: --keep 1 or more.")
    to = to.expanduser().absolute()
    _check_target(places, to)
    engine = open_engine(places.database_url)
    try:
        check_schema(engine)
        with _alone(to):
            name = f"tuskwatch-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
            if (to / name).exists():
                raise BusyError(f"{to / name} is there already. Wait a second, and try again.")
            _record(engine, "backup.begin", name, {"to": str(to)}, by=by, now=now)
            partial = to / f".{name}.partial"
            try:
                sha256 = _write(
                    places, engine, partial, name, now=now, by=by, tell=tell, wished=wished, run_id=run_id
                )
                partial.rename(to / name)
                sync_name(to)
            except OSError as exc:
                words = "the disk is full" if exc.errno in FULL else exc.strerror or str(exc)
                raise JobError(
                    f"The backup could not be written to {to}: {words}. Nothing of it was kept."
                ) from exc
            except BackupError as exc:
                raise JobError(f"{exc} Nothing of the backup was kept.") from exc
            finally:
                shutil.rmtree(partial, ignore_errors=True)
            _record(engine, "backup.make", name, {"manifest_sha256": sha256}, by=by, now=now)
            if keep is None:
                keep = _find_keep(engine, run_id)
            if keep is not None:
                for dropped in drop_old(to, keep=keep, newest=name):
                    _record(engine, "backup.drop", dropped, {"kept": str(keep)}, by=by, now=now)
            return to / name
    finally:
        engine.dispose()


def _find_keep(engine: Engine, run_id: int | None) -> int | None:
    """A schedule that says nothing else must not fill the disk for ever."""
    with reading(engine) as session:
        run = find_run(session, run_id) if run_id is not None else None
        return KEEP_SCHEDULED if run is not None and run.schedule else None


def _write(
    places: Places, engine: Engine, partial: Path, name: str, *, now: datetime, by: str,
    tell: Tell | None, wished: Wished | None, run_id: int | None,
) -> str:  # fmt: skip
    take, left_out = find_data_files(places)
    needed = sum((places.data / path).stat().st_size for path in take) + _measure(places)
    free = shutil.disk_usage(partial.parent).free
    if needed + SPARE > free:
        raise JobError(
            f"{partial.parent} has {free // MB:,} MB free, and the backup needs about {(needed + SPARE) // MB:,} MB. "
            "Make room, or name another folder."
        )
    progress = Progress(needed, tell, wished)
    partial.mkdir(mode=0o700)
    (partial / "database").mkdir(mode=0o700)
    lines: list[FileLine] = []
    # The queue first: whatever it knows of is then in the other copy; what it lacks is put on it again by a worker.
    engine_rows = _copy_engine(places, partial, lines, progress)
    facts, tool, server = _copy_database(engine, partial, lines, progress)
    # The files last: of every report in the copy the files have been there before.
    for path in take:
        if (places.data / path).is_file():
            lines.append(
                copy_file(places.data / path, partial / DATA / path, path=f"{DATA}{path}", look=progress.add)
            )
    manifest = Manifest(
        format=FORMAT, name=name, tuskwatch=version("tuskwatch"), made_at=now.astimezone(UTC), by=by[:200], run=run_id,
        database="sqlite" if server == 0 else "postgresql", server=server, tool=tool, revision=facts.schema,
        origin=facts.origin, audit_head=facts.audit_head, rows=facts.rows, engine_rows=engine_rows,
        model=_find_model(places), left_out=left_out, files=lines,
    )  # fmt: skip
    sha256 = write_manifest(partial, manifest)
    sync_folder(partial)
    return sha256


def _copy_database(
    engine: Engine, partial: Path, lines: list[FileLine], progress: Progress
) -> tuple[Facts, int, int]:
    if engine.dialect.name == "sqlite":
        to = partial / DATABASE
        copy_sqlite(Path(engine.url.database or ""), to, look=progress.part)
        lines.append(_describe(to, DATABASE, progress))
        return _read_copy(to), 0, 0
    to = partial / DUMP
    facts, tool, server = dump_postgresql(engine, to, look=progress.part)
    lines.append(_describe(to, DUMP, progress))
    return facts, tool.major, server


def _copy_engine(
    places: Places, partial: Path, lines: list[FileLine], progress: Progress
) -> dict[str, int] | None:
    """The queue's database, where it is not within the other one; its rows."""
    if places.engine_url == places.database_url:
        return None
    url = make_url(places.engine_url)
    if url.get_backend_name() == "sqlite":
        source = Path(url.database or "")
        if not source.is_file():
            return None
        copy_sqlite(source, partial / ENGINE_FILE, look=progress.part)
        lines.append(_describe(partial / ENGINE_FILE, ENGINE_FILE, progress))
        return _read_copy(partial / ENGINE_FILE).rows
    engine = open_engine(places.engine_url)
    try:
        facts, _, _ = dump_postgresql(engine, partial / ENGINE_DUMP, look=progress.part)
    finally:
        engine.dispose()
    lines.append(_describe(partial / ENGINE_DUMP, ENGINE_DUMP, progress))
    return facts.rows


def _read_copy(path: Path) -> Facts:
    engine = open_copy(path)
    try:
        with engine.connect() as connection:
            return read_facts(connection)
    finally:
        engine.dispose()


def _describe(path: Path, name: str, progress: Progress) -> FileLine:
    size = path.stat().st_size
    progress.end_part(size)
    line = FileLine(path=name, size=size, sha256=hash_file(path, look=lambda _: progress.add(0)))
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return line


def _measure(places: Places) -> int:
    total = 0
    for address in {places.database_url, places.engine_url}:
        url = make_url(address)
        if url.get_backend_name() == "sqlite" and Path(url.database or "").is_file():
            total += measure_sqlite(Path(url.database or ""))
    return total


def _find_model(places: Places) -> list[str]:
    current = places.models / "CURRENT"
    return (
        current.read_text(encoding="utf-8", errors="replace")[:4000].splitlines() if current.is_file() else []
    )


def _record(
    engine: Engine, action: str, name: str, detail: dict[str, str], *, by: str, now: datetime
) -> None:
    with transaction(engine) as session:
        audit.record(session, actor=by, action=action, subject=name, detail=detail, now=now)


def _check_target(places: Places, to: Path) -> None:
    inside = [
        folder
        for folder in (places.sites, places.reports, places.models)
        if to.resolve().is_relative_to(folder.resolve())
    ]
    if inside:
        raise UsageError(
            f"A backup cannot be written into {inside[0]}: it would hold itself. Name another folder."
        )
    to.mkdir(parents=True, exist_ok=True, mode=0o700)


@contextmanager
def _alone(to: Path) -> Iterator[None]:
    """One backup at a time in one folder; what a broken-off one left behind is removed."""
    with (to / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise BusyError(
                f"Another backup is being written to {to} at this moment. Wait for its end."
            ) from exc
        for left in [*to.glob(".tuskwatch-*.partial"), *to.glob(".tuskwatch-*.removing")]:
            shutil.rmtree(left, ignore_errors=True)
        yield
