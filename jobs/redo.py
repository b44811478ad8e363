"""Reads stored pages over again with today's reader, on all cores; nothing is stored before somebody agreed.

Public names: Redo, read_again, commit_again, drop_again.

What was read waits in <data>/redo/<name>/, a file for each batch of pages, so that an interrupted redo goes on where it
stopped: the same command finds the same folder by what was asked, the reader and the site files. Old readings stay.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Container, Iterator, Mapping
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import zstandard
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Engine

from crawler.changes import OldReading, Tally
from crawler.groups import Group, group_pages
from jobs.copies import find_copies
from jobs.errors import JobError, UsageError
from jobs.places import Places, dump_places, load_places
from jobs.pool import count_cores, open_pool, said_at_start
from jobs.verbs import Progress, alone
from storage.engine import check_schema, open_engine, reading
from storage.readings import Counts, ReadingRow, store_readings
from storage.redo import find_all_pages, find_last_page, find_last_readings, find_versions
from storage.runs import create_run, end_run, start_run
from storage.sites import find_sites
from storage.types import clean_text

if TYPE_CHECKING:
    from crawler.siteconfig import SiteConfig

BATCH = 100
"""Groups of pages in one file."""
_LIMIT = 1 << 30
"""Bytes that one file may unpack to: it is ours, but it lies on a disk."""


@dataclass(frozen=True)
class _Plan:
    """What a redo's folder is about. upto: the newest page that belongs to it. version: what its readings are marked with."""

    site: str | None
    since: str | None
    version: str
    upto: int
    batches: int
    pages: int
    agreed: bool = False
    """Somebody said yes: from here on it is only carried through."""


@dataclass(frozen=True)
class _Batch:
    rows: list[ReadingRow]
    """Those that differ from what stands there."""
    tally: Tally


_Work = tuple[Path, list[Group], str]
"""Where to write, what to read, and the version it is marked with."""

_FORM: TypeAdapter[_Batch] = TypeAdapter(_Batch)


@dataclass(frozen=True)
class Redo:
    """A finished reading, not stored yet. resumed: batches that were there from before. agreed: storing had begun."""

    folder: Path
    version: str
    pages: int
    tally: Tally
    resumed: int
    agreed: bool


def read_again(
    places: Places,
    *,
    site: str | None = None,
    since: datetime | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Redo:
    """Read all stored pages, of one site or received since a time, on `workers` processes (None: one for each core).

    UsageError when there is no such site or nothing to read.
    """
    from crawler.sites import sort_sites

    engine = open_engine(places.database_url)
    try:
        check_schema(engine)
        sites, faults = sort_sites(places.data)
        folder = places.data / "redo" / _name(sites, site, since)
        if site in faults:
            raise UsageError(f"The file of the site {site} is wrong; mend it first: {faults[site]}")
        plan, groups = _open_plan(engine, sites, folder, site=site, since=since, leave=faults)
    finally:
        engine.dispose()
    batches = [groups[start : start + BATCH] for start in range(0, len(groups), BATCH)]
    missing = [number for number in range(len(batches)) if not _file(folder, number).exists()]
    done = plan.pages - sum(len(group.pages) for number in missing for group in batches[number])
    if progress is not None:
        progress(done, plan.pages)
    work = [(_file(folder, number), batches[number], plan.version) for number in missing]
    for pages in _read_all(places, work, workers or count_cores()):
        done += pages
        if progress is not None:
            progress(done, plan.pages)
    tally = Tally()
    for batch in _batches(folder, plan):
        tally.add(batch.tally)
    return Redo(folder, plan.version, plan.pages, tally, len(batches) - len(missing), plan.agreed)


def _read_all(places: Places, work: list[_Work], workers: int) -> Iterator[int]:
    """Read the batches, as many at a time as there are workers; how many pages each had, as they are done."""
    if min(workers, len(work)) <= 1:
        _open_tools(places)
        yield from (_read_batch(*one) for one in work)
        _tools.pop().engine.dispose()
        return
    with open_pool(min(workers, len(work)), _open_worker, dump_places(places)) as pool:
        for job in as_completed([pool.submit(_read_batch, *one) for one in work]):
            yield job.result()


def commit_again(
    places: Places, redo: Redo, *, by: str, now: datetime, progress: Progress | None = None
) -> Counts:
    """Store the readings that differ, as new opinions beside the old ones. Interrupted, it is carried through next time."""
    plan = _load_plan(redo.folder)
    _save_plan(redo.folder, replace(plan, agreed=True))
    engine = open_engine(places.database_url)
    total = Counts(0, 0, 0, 0)
    try:
        with alone(places, "extract"):
            for number, batch in enumerate(_batches(redo.folder, plan), 1):
                counts = store_readings(engine, batch.rows, now=now)
                total = Counts(*(a + b for a, b in zip(_parts(total), _parts(counts), strict=True)))
                if progress is not None:
                    progress(number, plan.batches)
            _note_run(engine, plan, redo, by=by, now=now)
        find_copies(engine, now=now)
    finally:
        engine.dispose()
    drop_again(redo)
    return total


def drop_again(redo: Redo) -> None:
    """Forget what was read; nothing of it was stored."""
    shutil.rmtree(redo.folder)


def _parts(counts: Counts) -> tuple[int, int, int, int]:
    return counts.new_listings, counts.changed, counts.sightings, counts.readings


def _note_run(engine: Engine, plan: _Plan, redo: Redo, *, by: str, now: datetime) -> None:
    with reading(engine) as session:
        site_id = next((known.id for known in find_sites(session) if known.name == plan.site), None)
    tally = redo.tally
    run_id = create_run(
        engine,
        verb="extract",
        site_id=site_id,
        by=by,
        reason="read again",
        settings={
            "reader_version": plan.version,
            "since": plan.since,
            "pages": tally.pages,
            "readings": tally.readings,
            "fields": {name: dict(counts) for name, counts in tally.fields.items()},
        },
        now=now,
    )
    start_run(engine, run_id=run_id, worker="", pid=None, now=now)
    message = f"{tally.pages} pages read again by {plan.version}, {tally.readings} readings differ"
    end_run(engine, run_id=run_id, state="done", message=message, now=now)


# --- the plan and its folder ---


def _name(sites: Mapping[str, SiteConfig], site: str | None, since: datetime | None) -> str:
    from crawler.extract import READER_VERSION

    configs = {name: config.model_dump_json() for name, config in sorted(sites.items())}
    asked = json.dumps([site, since.isoformat() if since else None, READER_VERSION, configs])
    return hashlib.sha256(asked.encode()).hexdigest()[:16]


def _open_plan(
    engine: Engine,
    sites: Mapping[str, SiteConfig],
    folder: Path,
    *,
    site: str | None,
    since: datetime | None,
    leave: Container[str],
) -> tuple[_Plan, list[Group]]:
    # Without its file a site's tabs would fall apart: pages of those in `leave` keep their readings for now.
    known = folder / "plan.json"
    plan = _load_plan(folder) if known.exists() else None
    with reading(engine) as session:
        names = {row.id: row.name for row in find_sites(session)}
        site_id = next((number for number, name in names.items() if name == site), None)
        if site is not None and site_id is None:
            raise UsageError(f'There is no site "{site}" with stored pages. "tuskwatch site list" shows all.')
        upto = plan.upto if plan is not None else find_last_page(session)
        refs = find_all_pages(session, upto=upto, site_id=site_id, since=since)
        if not refs:
            raise UsageError("There is no stored page to read again. Crawl or import something first.")
        groups = list(group_pages(session, refs, names, sites))
        version = plan.version if plan is not None else _choose_version(find_versions(session))
    groups = [group for group in groups if group.site not in leave]
    pages = sum(len(group.pages) for group in groups)
    batches = -(-len(groups) // BATCH)
    if plan is None or plan.batches != batches:
        if plan is not None:
            shutil.rmtree(folder)  # the pages fall into other groups than before: begin anew
        plan = _Plan(site, since.isoformat() if since else None, version, upto, batches, pages)
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        _save_plan(folder, plan)
    return plan, groups


def _choose_version(known: set[str]) -> str:
    """Today's reader; where it has read before (a site file changed since), the number of this opinion with it."""
    from crawler.extract import READER_VERSION

    numbers = [0]
    for version in known:
        base, _, number = version.partition("#")
        if base.partition("+")[0] == READER_VERSION:
            numbers.append(int(number) if number.isdecimal() else 1)
    return READER_VERSION if max(numbers) == 0 else f"{READER_VERSION}#{max(numbers) + 1}"


def _mark(own: str, version: str) -> str:
    """A row's own version, which names its adapter too, as this opinion: "generic-3+agora-1#2"."""
    return f"{own}#{version.partition('#')[2]}" if "#" in version else own


def _file(folder: Path, number: int) -> Path:
    return folder / f"{number:06}.json.zst"


def _load_plan(folder: Path) -> _Plan:
    path = folder / "plan.json"
    try:
        return _Plan(**json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError) as exc:
        raise JobError(f"{path} cannot be read: {exc}. Remove the folder {folder} and begin anew.") from exc


def _save_plan(folder: Path, plan: _Plan) -> None:
    _write(folder / "plan.json", json.dumps(asdict(plan)).encode())


def _write(path: Path, content: bytes) -> None:
    """All of it or nothing, whenever the power goes."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _batches(folder: Path, plan: _Plan) -> Iterator[_Batch]:
    for number in range(plan.batches):
        path = _file(folder, number)
        try:
            packed = zstandard.ZstdDecompressor().decompress(path.read_bytes(), max_output_size=_LIMIT)
            yield _FORM.validate_json(packed)
        except (OSError, zstandard.ZstdError, ValidationError) as exc:
            raise JobError(
                f"{path} cannot be read ({type(exc).__name__}). Remove it; the same command makes it again."
            ) from exc


# --- the side of a worker process ---


@dataclass(frozen=True)
class _Tools:
    engine: Engine
    sites: Mapping[str, SiteConfig]


_tools: list[_Tools] = []
"""One while this process reads, else none."""


def _open_worker(text: str) -> None:
    _open_tools(load_places(text))


def _open_tools(places: Places) -> None:
    from crawler.sites import sort_sites

    _tools[:] = [_Tools(open_engine(places.database_url), sort_sites(places.data)[0])]


def _read_batch(path: Path, groups: list[Group], version: str) -> int:
    """Read one batch into its file; how many pages that were."""
    from crawler.reading import Troubles, read_group

    if not _tools:
        raise JobError(said_at_start())
    tools = _tools[0]
    tally, differing = Tally(), []
    with reading(tools.engine) as session:
        rows = [read_group(session, group, tools.sites.get(group.site), Troubles()) for group in groups]
        last = find_last_readings(session, [row.page_ids[0] for row in rows])
        for row in rows:
            found = last.get(row.page_ids[0])
            old = None
            if found is not None:
                stored, contacts = found
                old = OldReading(stored.kind, stored.title, stored.description, stored.fields, contacts)
            if tally.compare(old, row):
                differing.append(replace(row, reader_version=_mark(row.reader_version, version)))
    plain = _FORM.dump_python(_Batch(differing, tally), mode="json")
    text = clean_text(json.dumps(plain, ensure_ascii=False))
    _write(path, zstandard.ZstdCompressor(level=3).compress(text.encode()))
    return sum(len(group.pages) for group in groups)
