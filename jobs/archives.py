"""Brings archives in: hashed as received, every record stored raw first, then read and scored as after a crawl.

Public names: import_archive, plan_import, Custody, Plan.

May be stopped or killed at any time: the same command finds the archive by its hash and goes on where it stopped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from crawler.archivefiles import ArchiveBroken, ArchiveError, Source, open_source
from crawler.archiveforms import choose_form, read_archive
from crawler.archivemapping import Mapping as RowMapping
from crawler.archives import ROWS, Record
from crawler.archivesift import Sieve
from crawler.denyfile import open_deny_list
from crawler.errors import CrawlError
from jobs.archiveafter import (
    Imported,
    Progress,
    Work,
    raise_issues,
    read_and_score,
    read_rows,
    report_as,
    tell,
)
from jobs.errors import JobError, UsageError
from jobs.places import Places
from jobs.sites import find_site, register
from jobs.verbs import alone
from storage.archives import (
    ArchiveFacts,
    Stored,
    close_archive,
    count_records,
    find_archive,
    open_archive,
    store_records,
)
from storage.engine import check_schema, open_engine, reading
from storage.errors import StorageError
from storage.runs import create_run, end_run, find_runs, start_run
from storage.sites import find_site as find_row
from storage.sites import register_site

BATCH = 200
BATCH_BYTES = 8 * 1024 * 1024
VERB = "import"
_NAME = re.compile(r"[a-z][a-z0-9_-]{1,40}")


@dataclass(frozen=True)
class Custody:
    """Where the archive comes from and through whose hands it went, in words."""

    origin: str
    custodian: str = ""
    obtained_at: datetime | None = None
    note: str = ""


@dataclass(frozen=True)
class Plan:
    """What an import would do. known: "" for an archive never seen here, else its state."""

    source: Source
    form: str
    known: str
    new_site: bool


def plan_import(places: Places, path: Path, *, site: str, new_site: bool = False, form: str = "") -> Plan:
    """Look at the archive and at what is known of it; stores nothing."""
    engine = open_engine(places.database_url)
    try:
        check_schema(engine)
        is_new = _check_site(places, engine, site, new_site=new_site)
        source = open_source(path)
        found = None
        with reading(engine) as session:
            row = find_row(session, site)
            if row is not None:
                found = find_archive(session, sha256=source.sha256, site_id=row.id)
        return Plan(source, choose_form(source, form), found.state if found else "", is_new)
    finally:
        engine.dispose()


def import_archive(
    places: Places,
    path: Path,
    *,
    site: str,
    custody: Custody,
    by: str,
    clock: Callable[[], datetime],
    form: str = "",
    mapping: RowMapping | None = None,
    new_site: bool = False,
    read: bool = True,
    progress: Progress | None = None,
) -> Imported:
    """Import a file or folder into a site. ArchiveError or UsageError when nothing can be done; whatever was stored
    before another error stays, and the same call goes on there."""
    if not custody.origin.strip():
        raise UsageError("Say where the archive comes from: --origin TEXT.")
    engine = open_engine(places.database_url)
    try:
        check_schema(engine)
        _check_site(places, engine, site, new_site=new_site)
        deny = open_deny_list(places.data)  # before anything: without it nothing may come in
        with alone(places, f"import-{site}"):
            source = open_source(path, progress=report_as(progress, "hashing", 0))
            form = choose_form(source, form)
            if form in ROWS and mapping is None:
                raise ArchiveError(
                    f"A table ({form}) needs a mapping that says what its columns are: --mapping FILE.yml. docs/import.md "
                    "shows one."
                )
            work = _begin(
                places, engine, source, form, site=site, custody=custody, by=by, now=clock(), mapping=mapping
            )
            work.sieve = Sieve(deny, work.config)
            return _carry_out(places, work, clock=clock, read=read, progress=progress)
    finally:
        engine.dispose()


def _check_site(places: Places, engine: Engine, name: str, *, new_site: bool) -> bool:
    """Is it a site that this import makes? UsageError when the site is not known and was not said to be new."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f'"{name[:60]}" cannot be a site\'s name: 2 to 41 small letters, digits, - or _, a letter first.'
        )
    if (places.sites / name / "site.yml").is_file():
        find_site(places, name)  # its file must be right: the reader goes by it
        return False
    with reading(engine) as session:
        known = find_row(session, name) is not None
    if not known and not new_site:
        raise UsageError(
            f'There is no site "{name}". Name one of "tuskwatch site list", or say --new-site for one that is only '
            "imported and never crawled."
        )
    return not known


def _begin(
    places: Places,
    engine: Engine,
    source: Source,
    form: str,
    *,
    site: str,
    custody: Custody,
    by: str,
    now: datetime,
    mapping: RowMapping | None,
) -> Work:
    config = find_site(places, site) if (places.sites / site / "site.yml").is_file() else None
    if config is not None:
        site_id = register(engine, config, now=now)
    else:
        # Without an address and without a file it can never be crawled.
        site_id = register_site(engine, name=site, title=site, config_sha256="0" * 64, onions=(), now=now)
    _end_dead_runs(engine, site, now=now)
    settings: dict[str, Any] = {
        "archive": {"name": source.name, "sha256": source.sha256, "size": source.size, "form": form}
    }
    if mapping is not None:
        settings["mapping"] = {
            "sha256": mapping.sha256,
            "reader_version": mapping.reader_version,
            "content": mapping.model_dump(mode="json"),
        }
    run_id = create_run(
        engine,
        verb=VERB,
        site_id=site_id,
        by=by,
        reason=f"import of {source.name}"[:300],
        settings=settings,
        now=now,
    )
    start_run(engine, run_id=run_id, worker="", pid=None, now=now)
    facts = ArchiveFacts(
        name=source.name,
        form=form,
        sha256=source.sha256,
        size=source.size,
        origin=custody.origin,
        custodian=custody.custodian,
        obtained_at=custody.obtained_at,
        note=custody.note,
        by=by,
    )
    archive_id, state, message = open_archive(engine, facts, site_id=site_id, run_id=run_id, now=now)
    return Work(engine, source, form, site, site_id, config, run_id, archive_id, state, message, by, mapping)


def _end_dead_runs(engine: Engine, site: str, *, now: datetime) -> None:
    """Imports of this site that a crash left running: we hold the lock, so nobody works on them."""
    with reading(engine) as session:
        dead = [run.id for run in find_runs(session, state="running", site=site, verb=VERB)]
    for run_id in dead:
        message = (
            "The import was ended from outside. A later import of the same archive goes on where it stopped."
        )
        end_run(engine, run_id=run_id, state="lost", message=message, now=now)


def _carry_out(
    places: Places, work: Work, *, clock: Callable[[], datetime], read: bool, progress: Progress | None
) -> Imported:
    state, message = work.state, work.message
    try:
        if work.form in ROWS or state not in ("done", "broken"):
            state, message = _take_in(work, clock=clock, read=read, progress=progress)
            close_archive(
                work.engine, archive_id=work.archive_id, state=state, message=message, by=work.by, now=clock()
            )
        else:  # all that could be read of it is in
            with reading(work.engine) as session:
                work.known = count_records(session, work.archive_id).stored
        skipped = raise_issues(work, state=state, message=message, now=clock())
        done = Imported(
            run_id=work.run_id,
            archive_id=work.archive_id,
            form=work.form,
            sha256=work.source.sha256,
            state=state,
            message=message,
            stored=work.stored,
            known=work.known,
            skipped=skipped,
        )
        if read:
            done = read_and_score(places, work, done, clock=clock, progress=progress)
        end_run(work.engine, run_id=work.run_id, state="done", message=tell(done), now=clock())
        return done
    except KeyboardInterrupt:
        words = "It was stopped by hand. The same command goes on where it stopped."
        end_run(work.engine, run_id=work.run_id, state="cancelled", message=words, now=clock())
        raise
    except (CrawlError, JobError, StorageError, OSError) as exc:
        end_run(work.engine, run_id=work.run_id, state="failed", message=str(exc)[:500], now=clock())
        raise


def _take_in(
    work: Work, *, clock: Callable[[], datetime], read: bool, progress: Progress | None
) -> tuple[str, str]:
    """Store all records; how it ended: (state of the archive, message)."""
    records = read_archive(work.source, work.form, work.mapping)
    count = 0
    while True:
        batch, broken, over = _next_batch(records)
        if batch:
            count += len(batch)
            _store(work, batch, now=clock(), read=read)
            if progress is not None:
                progress("importing", count, batch[-1].done, work.source.size)
        if broken:
            return "broken", broken
        if over and work.source.is_changed():
            return "broken", "the file was changed while it was read: its hash is not that of what was stored"
        if over:
            return "done", ""


def _next_batch(records: Iterator[Record]) -> tuple[list[Record], str, bool]:
    """(records for one transaction, why the archive ends early, is this the end)."""
    batch: list[Record] = []
    size = 0
    try:
        for record in records:
            batch.append(record)
            size += len(record.body or b"")
            if len(batch) >= BATCH or size >= BATCH_BYTES:
                return batch, "", False
    except ArchiveBroken as exc:
        return batch, str(exc), True
    return batch, "", True


def _store(work: Work, batch: list[Record], *, now: datetime, read: bool) -> None:
    incoming = [work.sieve.sift(record, now=now) for record in batch]
    counts: Stored = store_records(
        work.engine, incoming, archive_id=work.archive_id, site_id=work.site_id, run_id=work.run_id, now=now
    )
    work.stored += counts.stored
    work.known += counts.known
    if work.mapping is not None and read:
        read_rows(work, batch, now=now)
