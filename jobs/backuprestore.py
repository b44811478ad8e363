"""A backup becomes a data folder again, where there was nothing before.

Public names: restore, Restored.

What is restored is built in a folder of its own inside the target and moved out at the end, the database last: a
restore that breaks off leaves nothing that Tuskwatch would open.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import make_url, text

from jobs.backupfiles import (
    DATA,
    DATABASE,
    DUMP,
    ENGINE_DUMP,
    ENGINE_FILE,
    Manifest,
    copy_file,
    read_manifest,
    sync_folder,
)
from jobs.backupverify import explain_faults, verify_backup, verify_live
from jobs.errors import JobError, UsageError
from jobs.places import Places
from storage.backup import count_rows, is_empty, settle_restored
from storage.backupcheck import Check, compare_rows
from storage.dump import restore_dump
from storage.engine import find_head, open_engine, transaction, upgrade

STAGE = ".restoring"


@dataclass(frozen=True)
class Restored:
    """What came back. lost: runs that were under way and are taken up by the next worker. checks: of the restored data.
    queue: what became of the queue, in words."""

    name: str
    schema: str
    lost: list[int]
    checks: list[Check]
    left_out: list[str]
    queue: str


def restore(
    places: Places, backup: Path, *, now: datetime, by: str, tell: Callable[[int, int], object] | None = None
) -> Restored:
    """Bring the backup into `places`: its data folder and database, both of which must be empty.

    The backup is verified before, the restored data afterwards. JobError when anything is not as it was.
    """
    manifest, _ = read_manifest(backup)
    check_fit(places, manifest)
    faults = [check for check in verify_backup(backup, tell=tell) if not check.ok]
    if faults:
        raise JobError(f"{backup.name} is not whole, so nothing was restored. {explain_faults(faults)}")
    places.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    places.data.chmod(0o700)
    stage = places.data / STAGE
    stage.mkdir(mode=0o700)
    staged = replace(places, data=stage)
    if manifest.database == "sqlite":
        final = Path(make_url(places.database_url).database or "")
        built = (
            stage / final.name if final.parent == places.data else final.with_name(f".{final.name}{STAGE}")
        )
        staged = replace(staged, database_url=f"sqlite:///{built}")
        _copy(backup, DATABASE, built, manifest)
    for line in manifest.files:
        if line.path.startswith(DATA):
            _copy(backup, line.path, stage / line.path.removeprefix(DATA), manifest)
    queue = _restore_queue(places, backup, manifest, stage)
    if manifest.database == "postgresql":
        restore_dump(places.database_url, backup / DUMP, major=manifest.tool, look=lambda: None)
    lost = _settle(staged, manifest, now=now, by=by)
    checks = list(verify_live(staged, since=backup, tell=tell))
    if not all(check.ok for check in checks):
        raise JobError(
            f"What was restored is not what was backed up. {explain_faults(checks)} {_start_anew(places)}"
        )
    if manifest.database == "sqlite":
        _close(built)
    for folder in ("runs", "workers", "sites", "reports"):
        (stage / folder).mkdir(mode=0o700, exist_ok=True)
    sync_folder(stage)
    # The database gets its name last: before that Tuskwatch says that there is nothing here.
    for path in sorted(stage.iterdir(), key=lambda path: path.name == Path(staged.database_url).name):
        path.rename(places.data / path.name)
    if manifest.database == "sqlite" and built.parent != stage:
        built.rename(final)
    stage.rmdir()
    sync_folder(places.data)
    return Restored(manifest.name, find_head(), lost, checks, manifest.left_out, queue)


def check_fit(places: Places, manifest: Manifest) -> None:
    """Can the backup go there at all? UsageError, with what to do instead, when it cannot."""
    if manifest.revision > find_head():
        raise JobError(
            f"{manifest.name} was made by Tuskwatch {manifest.tuskwatch} with schema {manifest.revision}; this one knows "
            f"{find_head()} at most. Install that version, and restore with it."
        )
    there = (
        [path.name for path in places.data.iterdir() if path.name != "lost+found"]
        if places.data.is_dir()
        else []
    )
    if STAGE in there:
        raise UsageError(f"A restore into {places.data} broke off. {_start_anew(places)}")
    if there:
        raise UsageError(
            f"{places.data} is not empty (it has {sorted(there)[0]}). Name a folder that is, or that is not there."
        )
    url = make_url(places.database_url)
    kind = url.get_backend_name()
    if manifest.database == "sqlite":
        if kind != "sqlite":
            raise UsageError(
                "This backup is of SQLite, and the database named is PostgreSQL: rows cannot be carried from one to the "
                "other. Restore it without --database and without TUSKWATCH_DATABASE_URL."
            )
        if Path(url.database or "").exists():
            raise UsageError(
                f"There is a database at {url.database} already. A restore never writes over one."
            )
        return
    if kind == "sqlite":
        raise UsageError(
            "This backup is of PostgreSQL: name an empty database with TUSKWATCH_DATABASE_URL or --database "
            "postgresql://USER@HOST/NAME (made with createdb)."
        )
    _check_empty(places.database_url)


def _check_empty(url: str) -> None:
    engine = open_engine(url)
    try:
        if not is_empty(engine):
            shown = engine.url.render_as_string(hide_password=True)
            raise UsageError(
                f"The database {shown} has tables already. A restore never writes over one: make a new database."
            )
    finally:
        engine.dispose()


def _start_anew(places: Places) -> str:
    return f"Empty {places.data} (and the database, where that is PostgreSQL), and begin anew."


def _copy(backup: Path, path: str, to: Path, manifest: Manifest) -> None:
    """Copied and hashed in one: what was verified a minute ago may be another file now."""
    wanted = manifest.find(path)
    line = copy_file(backup / path, to, path=path, look=lambda _: None)
    if line != wanted:
        raise JobError(f"{path} of the backup changed while it was restored. Nothing was put into place.")


def _restore_queue(places: Places, backup: Path, manifest: Manifest, stage: Path) -> str:
    url = make_url(places.engine_url)
    if manifest.engine_rows is None and manifest.database == "postgresql":
        return "The queue came back with the database."
    if manifest.find(ENGINE_FILE) and url.get_backend_name() == "sqlite":
        final = Path(url.database or "")
        if final.parent == places.data:
            _copy(backup, ENGINE_FILE, stage / final.name, manifest)
            return "The queue came back."
    elif (
        manifest.find(ENGINE_DUMP)
        and url.get_backend_name() != "sqlite"
        and places.engine_url != places.database_url
    ):
        _check_empty(places.engine_url)
        restore_dump(places.engine_url, backup / ENGINE_DUMP, major=manifest.tool, look=lambda: None)
        return "The queue came back."
    return "The queue begins anew: a worker puts the crawls that wait on it again."


def _settle(places: Places, manifest: Manifest, *, now: datetime, by: str) -> list[int]:
    engine = open_engine(places.database_url)
    try:
        with engine.connect() as connection:
            counted = compare_rows(manifest.rows, count_rows(connection))
        if not counted.ok:
            raise JobError(
                f"What was restored is not what was backed up. {counted.words} {_start_anew(places)}"
            )
        upgrade(places.database_url)
        with transaction(engine) as session:
            session.execute(text("ANALYZE"))
        return settle_restored(engine, backup_run=manifest.run, name=manifest.name, by=by, now=now)
    finally:
        engine.dispose()


def _close(path: Path) -> None:
    """Let the database be one file again, so that it can be renamed."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    with path.open("rb") as file:
        os.fsync(file.fileno())
