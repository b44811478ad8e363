"""The verbs of the tool on stored data: read pages, score listings, write the report. Each works without Tor.

Public names: read_pages, score_listings, write_report, add_report, find_report_folder, alone, Progress, Until.

The heavy libraries behind each verb are loaded when the verb runs.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from jobs.errors import UsageError
from jobs.places import Places
from storage.engine import check_schema, open_engine, reading
from storage.issues import raise_issue
from storage.reports import find_report
from storage.scores import find_last_score
from storage.sellerfacts import find_last_reading
from storage.sites import find_sites

if TYPE_CHECKING:
    from classifier.score import ScoreCounts
    from crawler.reading import ReadCounts


@contextmanager
def alone(places: Places, verb: str) -> Iterator[None]:
    """One process of this machine at a time: when the crawls of several sites end together, each reads all that is
    unread, and side by side they would do the same work over again. Ends with the process, however that ends."""
    places.workers.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (places.workers / f"{verb}.busy").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


Progress = Callable[[int, int], None]
"""Called with (done, all)."""
Until = Callable[[], bool]
"""Asked between batches: shall it end here? What was done is kept, and the next time goes on."""


def read_pages(
    places: Places,
    *,
    now: datetime,
    run_id: int | None = None,
    site: str | None = None,
    progress: Progress | None = None,
    until: Until | None = None,
    after_reading: int | None = None,
) -> ReadCounts:
    """Read listings out of the stored pages that this reader has not read yet, of one site when `site` names it.
    Issues are raised for `run_id`. Without a run, which has its own step for it, near copies are tied too, and sellers
    looked at who are named in readings after `after_reading` (None: the last one before)."""
    from crawler.reading import read_stored_pages
    from crawler.sites import sort_sites
    from jobs.sellers import link_sellers

    engine = open_engine(places.database_url)
    try:
        check_schema(engine)
        with alone(places, "extract"):
            sites, faults = sort_sites(places.data)
            # A site whose file is wrong waits, its pages unread; the others must not wait with it.
            _report_faults(engine, faults, run_id=run_id, now=now)
            with reading(engine) as session:
                before = find_last_reading(session) if after_reading is None else after_reading
            counts = read_stored_pages(
                engine, sites, now=now, progress=progress, run_id=run_id, site=site, leave=frozenset(faults), until=until
            )  # fmt: skip
            if run_id is None:
                _tie_copies(engine, site=site, now=now)
                link_sellers(engine, now=now, after_reading=before)
            return counts
    finally:
        engine.dispose()


def _tie_copies(engine: Engine, *, site: str | None, now: datetime) -> None:
    from jobs.copies import find_copies

    with reading(engine) as session:
        site_id = next((known.id for known in find_sites(session) if known.name == site), None)
    find_copies(engine, now=now, site_id=site_id)


def _report_faults(engine: Engine, faults: Mapping[str, str], *, run_id: int | None, now: datetime) -> None:
    with reading(engine) as session:
        known = {site.name: site.id for site in find_sites(session)}
    for name in sorted(known.keys() & faults.keys()):
        raise_issue(
            engine,
            site_id=known[name],
            run_id=run_id,
            page_id=None,
            kind="site-file",
            level="fail",
            message=f"the site's file is wrong, so its pages stay unread until it is mended: {faults[name]}",
            now=now,
        )


def score_listings(
    places: Places,
    *,
    now: datetime,
    progress: Progress | None = None,
    site: str | None = None,
    until: Until | None = None,
) -> ScoreCounts:
    """Score the listings that the current model has not scored yet, of one site when `site` names it, and say where they
    are unlike the earlier ones."""
    from classifier.model import load_model
    from classifier.score import ScoreCounts, score_stored
    from jobs.drift import check_drift
    from jobs.scoring import share_scoring

    engine = open_engine(places.database_url)
    try:
        check_schema(engine)
        with alone(places, "classify"):
            model = load_model(places.models, recall=places.recall)
            with reading(engine) as session:
                since = find_last_score(session)
                sites = {known.name: known.id for known in find_sites(session)}
                if site is not None and site not in sites:
                    return ScoreCounts(0, 0)
                site_id = sites[site] if site is not None else None
            with share_scoring(places, model) as score_all:
                counts = score_stored(
                    engine,
                    model,
                    now=now,
                    progress=progress,
                    site_id=site_id,
                    until=until,
                    score_all=score_all,
                )
            check_drift(engine, model_version=model.version, known=model.known_words, since=since, now=now)
            return counts
    finally:
        engine.dispose()


def write_report(places: Places, *, start: datetime, end: datetime, by: str, now: datetime) -> Path:
    """Write the trend report of a period (UTC, half-open: `end` is not in it); the folder that it is in."""
    return find_report_folder(places, add_report(places, start=start, end=end, by=by, now=now))


def add_report(places: Places, *, start: datetime, end: datetime, by: str, now: datetime) -> int:
    """The same; the report's number."""
    from reports.trend import write_report as write

    if not start < end:
        raise UsageError("The period is empty: --from must be before --to.")
    engine = open_engine(places.database_url)
    try:
        check_schema(engine)
        places.reports.mkdir(parents=True, exist_ok=True, mode=0o700)
        return write(engine, folder=places.reports, start=start, end=end, now=now, by=by)
    finally:
        engine.dispose()


def find_report_folder(places: Places, report_id: int) -> Path:
    engine = open_engine(places.database_url)
    try:
        with reading(engine) as session:
            report = find_report(session, report_id)
            if report is None:
                raise UsageError(f"There is no report {report_id}.")
            return places.data / report.folder
    finally:
        engine.dispose()
