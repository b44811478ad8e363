"""The steps of the demo, each over the ordinary machinery of the tool: places, crawl, figures, user, report.

Public names: make_demo_places, remember, crawl_sites, CrawlResult, read_ads, find_flagged, Flagged, known_ads, add_demo_user.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from jobs.places import Places
from tuskwatch.places import MODELS
from tuskwatch.truth import GROUPS, FoundAd, KnownAd

DEMO_USER = "demo"
LAST = "last"
LIMIT = 1800.0
"""Seconds after which the demo gives up waiting for its crawls."""


@dataclass(frozen=True)
class SiteResult:
    """How the crawl of one site went. seconds: from the start of its crawl to the end of it."""

    site: str
    run: int
    state: str
    message: str
    pages: int
    listings: int
    issues: int
    seconds: float

    @property
    def pace(self) -> float:
        return self.pages / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class CrawlResult:
    """All sites together. first_page: seconds from asking for the crawl to the first stored page.

    crawled: seconds until the last crawl had ended; done: until all was read and scored too.
    """

    sites: tuple[SiteResult, ...]
    unread: tuple[str, ...]
    """What could not be read or scored, in words."""
    first_page: float | None
    crawled: float
    done: float

    @property
    def pages(self) -> int:
        return sum(site.pages for site in self.sites)

    @property
    def pace(self) -> float:
        return self.pages / self.crawled if self.crawled else 0.0


@dataclass(frozen=True)
class Flagged:
    """One flagged listing, as the table shows it. because: the words that spoke for it."""

    listing: int
    site: str
    key: str
    title: str
    groups: tuple[str, ...]
    score: float
    because: tuple[str, ...]


def make_demo_places(folder: Path, now: datetime) -> Places:
    """A new data folder. The settings of this machine have no say: a demo must never write into a real database."""
    data = (folder / now.strftime("%Y-%m-%dT%H%M%S")).absolute()
    data.mkdir(parents=True, mode=0o700)
    return Places(
        data=data,
        database_url=f"sqlite:///{data / 'tuskwatch.db'}",
        engine_url=f"sqlite:///{data / 'engine.db'}",
        models=MODELS,
    )


def remember(places: Places) -> None:
    """Let "last" point to this demo, in one step, so that `make serve` opens it."""
    fresh = places.data.parent / f".{LAST}.{os.getpid()}"
    fresh.symlink_to(places.data.name)
    fresh.replace(places.data.parent / LAST)


def crawl_sites(places: Places, names: Sequence[str], *, now: datetime) -> CrawlResult:
    """Crawl, read and score, by a worker that lives as long as this takes."""
    from jobs.child import tied_worker
    from jobs.runs import RunView, is_over, start_crawl
    from storage.engine import open_engine
    from tuskwatch.commands.crawl import find_unread, follow_runs

    began = time.monotonic()
    first_page: float | None = None
    crawled = 0.0

    def watch(views: Sequence[RunView]) -> None:
        nonlocal first_page, crawled
        passed = time.monotonic() - began
        if first_page is None and any(view.pages for view in views):
            first_page = passed
        if not crawled and all(is_over(view) for view in views):
            crawled = passed

    with tied_worker(places):
        run_ids = [start_crawl(places, name, by=DEMO_USER, reason="demo", now=now) for name in names]
        views = follow_runs(places, run_ids, timeout=LIMIT, watch=watch)
        done = time.monotonic() - began
    sites = tuple(
        SiteResult(
            site=view.site,
            run=view.id,
            state=view.state,
            message=view.message,
            pages=view.pages,
            listings=view.listings,
            issues=view.issues,
            seconds=(view.ended_at - view.started_at).total_seconds()
            if view.started_at and view.ended_at
            else 0.0,
        )
        for view in views
    )
    engine = open_engine(places.database_url)
    unread = tuple(find_unread(engine, run_ids))
    engine.dispose()
    return CrawlResult(sites, unread, first_page, crawled, done)


def read_ads(places: Places) -> list[FoundAd]:
    """Every listing as read, with the groups for which its latest score flags it."""
    from storage.engine import open_engine, reading
    from storage.queries import ListingFilter, iterate_listings

    engine = open_engine(places.database_url)
    with reading(engine) as session:
        ads = [
            FoundAd(row.listing.site.name, row.listing.key, row.listing.title, frozenset(_flags(row.score)))
            for row in iterate_listings(session, ListingFilter())
        ]
    engine.dispose()
    return ads


def find_flagged(places: Places) -> list[Flagged]:
    """The flagged listings, the surest first."""
    from storage.engine import open_engine, reading
    from storage.queries import ListingFilter, find_listings

    engine = open_engine(places.database_url)
    with reading(engine) as session:
        rows = find_listings(session, ListingFilter(state="flagged"), per_page=1000).rows
        flagged = [
            Flagged(
                listing=row.listing.id,
                site=row.listing.site.name,
                key=row.listing.key,
                title=row.listing.title,
                groups=tuple(_flags(row.score)),
                score=max(getattr(row.score, group) for group in GROUPS),
                because=tuple(_because(row.score)),
            )
            for row in rows
            if row.score is not None
        ]
    engine.dispose()
    return flagged


def known_ads(*, seed: int, listings: int, today: date) -> list[KnownAd]:
    """What the lab knows, copies joined to what they repeat."""
    from lab.truth import truth

    rows = truth(seed=seed, listings=listings, today=today)
    copies: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        copies.setdefault((row.site, row.copy_of or row.key), []).append(row.key)
    return [
        KnownAd(row.site, tuple(copies[row.site, row.key]), row.title, frozenset(row.labels))
        for row in rows
        if row.copy_of is None
    ]


def add_demo_user(places: Places, *, now: datetime) -> None:
    """The user of `make serve`, with a password that nobody knows: serve gives out a one-time password at each start."""
    from storage.engine import open_engine
    from storage.users import add_user
    from web.auth import hash_password, new_password

    engine = open_engine(places.database_url)
    add_user(
        engine,
        name=DEMO_USER,
        password_hash=hash_password(new_password()),
        role="analyst",
        must_change=True,
        by=DEMO_USER,
        now=now,
    )
    engine.dispose()


def _flags(score: Any) -> list[str]:
    if score is None:
        return []
    return [group for group in GROUPS if getattr(score, group) >= score.thresholds[group]]


def _because(score: Any) -> list[str]:
    """The three words that weighed most, over all groups that are flagged."""
    said = [reason for group in _flags(score) for reason in score.reasons.get(group, [])]
    said.sort(key=lambda reason: -float(reason["weight"]))
    return list(dict.fromkeys(str(reason["text"]) for reason in said))[:3]
