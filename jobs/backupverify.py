"""Looks whether a backup is whole, or whether the live data is.

Public names: verify_backup, verify_live, explain_faults.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import Engine, select

from jobs.backupfiles import (
    DATABASE,
    DUMP,
    ENGINE_DUMP,
    ENGINE_FILE,
    Manifest,
    check_files,
    hash_file,
    read_manifest,
)
from jobs.errors import JobError
from jobs.places import Places
from storage.backup import count_rows, open_copy
from storage.backupcheck import Check, check_database, check_dump, compare_rows
from storage.backupguards import check_gone, check_guards
from storage.dump import list_dump
from storage.engine import check_schema, open_engine, reading
from storage.errors import StorageError
from storage.tables import Report

Tell = Callable[[int, int], object]
"""Called with (done, total) bodies."""


def verify_backup(folder: Path, *, tell: Tell | None = None) -> Iterator[Check]:
    """What was found, one after the other. JobError when it is no backup at all."""
    manifest, _ = read_manifest(folder)
    files = check_files(folder, manifest, look=lambda _: None)
    yield files
    if not files.ok:
        yield Check(
            "database", False, "The copy of the database was not looked at: its files are not as they were."
        )
        return
    try:
        yield from _check_copy(folder, manifest, tell or _tell_nobody)
    except (StorageError, ValueError, TypeError, OSError) as exc:
        yield Check("database", False, f"The copy of the database cannot be read: {exc}")


def _check_copy(folder: Path, manifest: Manifest, tell: Tell) -> Iterator[Check]:
    if manifest.database == "sqlite":
        engine = open_copy(folder / DATABASE)
        try:
            yield from check_database(engine, rows=manifest.rows, head=manifest.audit_head, tell=tell)
        finally:
            engine.dispose()
    else:
        yield from check_dump(
            folder / DUMP, major=manifest.tool, rows=manifest.rows, head=manifest.audit_head,
            total=manifest.rows.get("blob", 0), tell=tell,
        )  # fmt: skip
    if manifest.find(ENGINE_FILE) and manifest.engine_rows is not None:
        engine = open_copy(folder / ENGINE_FILE)
        try:
            with engine.connect() as connection:
                found = compare_rows(manifest.engine_rows, count_rows(connection))
        finally:
            engine.dispose()
        yield Check("queue", found.ok, found.words)
    elif manifest.find(ENGINE_DUMP):
        entries = list_dump(folder / ENGINE_DUMP, major=manifest.tool)
        yield Check("queue", bool(entries), f"pg_restore reads the queue's dump: {len(entries):,} entries.")


def verify_live(places: Places, *, since: Path | None = None, tell: Tell | None = None) -> Iterator[Check]:
    """The data that Tuskwatch works on. since: a backup whose last row of the audit chain must still be in it."""
    head = read_manifest(since)[0].audit_head if since is not None else None
    engine = open_engine(places.database_url)
    try:
        check_schema(engine)
        yield from check_database(engine, rows=None, head=head, tell=tell or _tell_nobody)
        yield check_guards(engine)
        yield check_gone(engine)
        yield _check_reports(engine, places)
    finally:
        engine.dispose()


def _check_reports(engine: Engine, places: Places) -> Check:
    faults, total = [], 0
    with reading(engine) as session:
        reports = [
            (row.folder, dict(row.files)) for row in session.scalars(select(Report).order_by(Report.id))
        ]
    for folder, files in reports:
        for name, sha256 in sorted(files.items()):
            total += 1
            path = places.data / folder / str(name)
            if not os.path.lexists(path):
                faults.append(f"{folder}/{name} is missing")
                continue
            try:
                if hash_file(path, look=lambda _: None) != sha256:
                    faults.append(f"{folder}/{name} was altered")
            except JobError as exc:
                faults.append(str(exc))
    if faults:
        return Check(
            "reports", False, f"Files of reports are not what was published: {'; '.join(faults[:5])}."
        )
    return Check("reports", True, f"{total:,} files of {len(reports):,} reports are what was published.")


def explain_faults(checks: list[Check]) -> str:
    return " ".join(check.words for check in checks if not check.ok)


def _tell_nobody(done: int, total: int) -> None:
    return None
