"""What follows the storing of an archive's records: rows read by their mapping, pages as after a crawl, issues, scores.

Public names: Work, Imported, Progress, read_rows, read_and_score, raise_issues, report_as, tell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from crawler.archivefiles import Source
from crawler.archivemapping import Mapping as RowMapping
from crawler.archivereading import RowFacts, read_row
from crawler.archives import BENIGN, ROWS, Record
from crawler.archivesift import Sieve
from crawler.sites import SiteConfig
from jobs.errors import JobError
from jobs.places import Places
from storage.archives import find_row_pages, find_troubles
from storage.engine import reading
from storage.errors import StorageError
from storage.issues import raise_issue
from storage.readings import store_readings

Progress = Callable[[str, int, int, int], None]
"""Called with (what is done now, records, bytes done, bytes in all)."""


@dataclass(frozen=True)
class Imported:
    """What an import did.

    state: done or broken. known: records that were there from before. skipped: reason -> how many, over the whole
    archive. listings, flagged: read and scored now; None when that was left for later or failed (`trouble` says why).
    """

    run_id: int
    archive_id: int
    form: str
    sha256: str
    state: str
    message: str
    stored: int
    known: int
    skipped: dict[str, int] = field(default_factory=dict)
    read: int | None = None
    listings: int | None = None
    flagged: int | None = None
    trouble: str = ""


@dataclass
class Work:
    engine: Engine
    source: Source
    form: str
    site: str
    site_id: int
    config: SiteConfig | None
    run_id: int
    archive_id: int
    state: str
    message: str
    """Both of the archive before this run."""
    by: str
    mapping: RowMapping | None
    sieve: Sieve = field(init=False)
    stored: int = 0
    known: int = 0
    readings: int = 0
    unread: int = 0
    unread_why: dict[str, int] = field(default_factory=dict)


def read_rows(work: Work, batch: list[Record], *, now: datetime) -> None:
    assert work.mapping is not None
    wanted = {
        record.place: record for record in batch if record.cells is not None and record.body is not None
    }
    with reading(work.engine) as session:
        pages = find_row_pages(
            session, work.archive_id, list(wanted), reader_version=work.mapping.reader_version
        )
    rows = []
    for place, record in wanted.items():
        page = pages.get(place)
        if page is None:
            continue
        facts = RowFacts(
            page.page_id, work.site_id, page.run_id, page.url, page.received_at, record.body or b""
        )
        row = read_row(facts, record.cells or {}, work.mapping, trouble=record.unread)
        if record.unread or not row.source:
            why = record.unread or "a row has neither title nor description"
            work.unread_why[why] = work.unread_why.get(why, 0) + 1
        rows.append(row)
    if rows:
        store_readings(work.engine, rows, now=now)
        work.readings += sum(row.source != "" for row in rows)


def raise_issues(work: Work, *, state: str, message: str, now: datetime) -> dict[str, int]:
    with reading(work.engine) as session:
        troubles = find_troubles(session, work.archive_id)

    def issue(kind: str, level: str, words: str) -> None:
        raise_issue(
            work.engine,
            site_id=work.site_id,
            run_id=work.run_id,
            page_id=None,
            kind=kind,
            level=level,
            message=f"archive {work.archive_id}: {words}",
            now=now,
        )

    if state == "broken":
        issue("archive-broken", "fail", f"{message}. What came before is in. Ask for another copy.")
    for why, count, place in troubles:
        if why not in BENIGN:
            issue(
                "archive-record", "warn", f"{count} of its records skipped: {why} (the first: {place[:120]})"
            )
    for why, count in sorted(work.unread_why.items()):
        issue("archive-row", "warn", f"{count} of its rows stored, but not read: {why}")
    return {why: count for why, count, _ in troubles}


def read_and_score(
    places: Places, work: Work, done: Imported, *, clock: Callable[[], datetime], progress: Progress | None
) -> Imported:
    """What follows a crawl, here in this process: read the pages, tie near copies, score."""
    from classifier.model import ModelError
    from jobs.copies import MOST_AFTER_A_RUN, find_copies
    from jobs.verbs import read_pages, score_listings

    if work.form in ROWS:
        done = replace(done, read=work.readings, listings=work.readings)
    else:
        counts = read_pages(
            places,
            now=clock(),
            run_id=work.run_id,
            site=work.site,
            progress=report_as(progress, "reading pages", 0),
        )
        done = replace(done, read=counts.pages, listings=counts.listings)
    try:
        find_copies(work.engine, now=clock(), site_id=work.site_id, limit=MOST_AFTER_A_RUN)
        flagged = score_listings(places, now=clock(), progress=report_as(progress, "scoring", 0)).flagged
    except (ModelError, JobError, StorageError, SQLAlchemyError, OSError) as exc:
        trouble = f"The pages are stored and read, but scoring them failed: {exc}"
        raise_issue(
            work.engine, site_id=work.site_id, run_id=work.run_id, page_id=None, kind="reading", level="fail",
            message=f'{trouble} Once it is repaired, "tuskwatch classify" makes up for it.', now=clock(),
        )  # fmt: skip
        return replace(done, trouble=trouble)
    return replace(done, flagged=flagged)


def report_as(progress: Progress | None, what: str, total: int) -> Callable[[int, int], None] | None:
    if progress is None:
        return None
    call = progress
    return lambda done, known: call(what, done, known, total)


def tell(done: Imported) -> str:
    words = [
        f"{done.stored} records stored",
        f"{done.known} there already",
        f"{sum(done.skipped.values())} skipped",
    ]
    if done.listings is not None:
        words.append(f"{done.listings} listings read")
    if done.flagged is not None:
        words.append(f"{done.flagged} flagged")
    if done.state == "broken":
        words.append(f"the archive is broken: {done.message}")
    return ", ".join(words)
