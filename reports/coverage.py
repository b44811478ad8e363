"""What was looked at: sites, runs, pages and listings, the denominators of every count in a report.

Public names: Coverage, SiteCoverage, collect_coverage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from storage.sites import find_sites
from storage.tombstones import Gone, count_gone, count_gone_pages
from storage.trends import DatedCount, LookingRun, count_seen, find_looking_runs


@dataclass(frozen=True)
class SiteCoverage:
    """How one site was looked at. done: runs that reached the end of the site; ended: all that ended in any way."""

    site: str
    title: str
    done: int
    ended: int
    first_look: datetime | None
    last_look: datetime | None
    pages: int
    answered: int
    failed: int
    seen: int
    listings: int
    """Those of its listings that are dated in the period."""
    gone: int = 0
    """Pages of these runs that retention took away; `pages` are those that are left."""

    @property
    def state(self) -> str:
        if not self.ended:
            return "not looked at"
        if not self.pages:
            return "taken away" if self.gone else "no answer"
        return "read to the end" if self.done else "read in part"


@dataclass(frozen=True)
class Coverage:
    """The runs that could see what was posted in the period: those that ended after it began, up to the report."""

    sites: tuple[SiteCoverage, ...]
    runs: int
    runs_done: int
    runs_inside: int
    """Those that ended within the period; the others looked after it."""
    first_look: datetime | None
    last_look: datetime | None
    pages: int
    answered: int
    failed: int
    seen: int
    gone: tuple[Gone, ...]
    """What retention took away of the pages, readings, scores and verdicts that were made since the period began."""

    @property
    def looked(self) -> bool:
        """Whether anything was read at all: without it, a count of zero says nothing."""
        return self.answered > 0

    @property
    def sites_read(self) -> int:
        return sum(site.answered > 0 for site in self.sites)

    @property
    def sites_done(self) -> int:
        return sum(site.done > 0 for site in self.sites)


def collect_coverage(
    session: Session, *, start: datetime, end: datetime, now: datetime, dated: Sequence[DatedCount]
) -> Coverage:
    """Coverage of [start, end) as known at `now`; every registered site is in it, looked at or not."""
    runs = find_looking_runs(session, since=start, until=now)
    seen = count_seen(session, [run.run_id for run in runs])
    listings = {count.site: count.listings for count in dated}
    gone = count_gone_pages(session, since=start, until=now)
    sites = tuple(
        _describe(
            site.name,
            site.title,
            [run for run in runs if run.site == site.name],
            seen.get(site.name, 0),
            listings.get(site.name, 0),
            gone.get(site.id, 0),
        )
        for site in find_sites(session)
    )
    return Coverage(
        sites=sites,
        runs=len(runs),
        runs_done=sum(run.state == "done" for run in runs),
        runs_inside=sum(run.ended_at < end for run in runs),
        first_look=_find_first(runs),
        last_look=_find_last(runs),
        pages=sum(site.pages for site in sites),
        answered=sum(site.answered for site in sites),
        failed=sum(site.failed for site in sites),
        seen=sum(site.seen for site in sites),
        gone=tuple(
            found
            for found in count_gone(session, since=start, until=now)
            if found.table in ("page", "reading", "score", "verdict")
        ),
    )


def _describe(
    name: str, title: str, runs: Sequence[LookingRun], seen: int, listings: int, gone: int
) -> SiteCoverage:
    return SiteCoverage(
        site=name,
        title=title,
        done=sum(run.state == "done" for run in runs),
        ended=len(runs),
        first_look=_find_first(runs),
        last_look=_find_last(runs),
        pages=sum(run.pages for run in runs),
        answered=sum(run.answered for run in runs),
        failed=sum(run.failed for run in runs),
        seen=seen,
        listings=listings,
        gone=gone,
    )


def _find_first(runs: Sequence[LookingRun]) -> datetime | None:
    return min(((run.started_at or run.ended_at).astimezone(UTC) for run in runs), default=None)


def _find_last(runs: Sequence[LookingRun]) -> datetime | None:
    return max((run.ended_at.astimezone(UTC) for run in runs), default=None)
