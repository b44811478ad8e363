"""What a trend report counts: the listings of a period, the flagged and reviewed ones among them, and who looked.

Public names: AdRow, DatedCount, LookingRun, find_ads, find_dates, count_dated, find_looking_runs, count_seen, find_models.

A listing is dated by the day that its site shows, else by the first time that it was seen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.orm import Session, aliased

from storage.tables import GROUPS, Contact, Listing, Page, Run, Score, Seller, Sighting, Site, Verdict
from storage.types import UTCDateTime
from storage.verdicts import is_latest_score, standing_verdicts


@dataclass(frozen=True)
class AdRow:
    """A listing of the period that the model flagged or a person reviewed.

    judged: the groups of the standing verdict (none: "none of them"), or None when nobody reviewed it. scored: the
    groups whose probability reached its threshold. seller and contacts are here to be taken out of the title.
    """

    listing_id: int
    site: str
    dated_at: datetime
    has_posted_date: bool
    title: str
    seller: str
    contacts: tuple[str, ...]
    price_amount: Decimal | None
    price_currency: str
    ships_from: str
    ships_to: str
    judged: tuple[str, ...] | None
    judged_by: int | None
    guideline_version: str
    scored: tuple[str, ...]
    flagged: bool


@dataclass(frozen=True)
class DatedCount:
    """A site's listings of the period. undated: their site shows no date. scored: the latest reading has a score."""

    site: str
    listings: int
    undated: int
    scored: int


@dataclass(frozen=True)
class LookingRun:
    """A crawl run that ended. answered: pages with status 200; failed: requests without any answer."""

    run_id: int
    site: str
    state: str
    started_at: datetime | None
    ended_at: datetime
    pages: int
    answered: int
    failed: int


def find_ads(session: Session, *, start: datetime, end: datetime) -> list[AdRow]:
    """Flagged or reviewed listings dated from `start` up to, not including, `end`; by date.

    An ad that a person confirmed and the seller then made harmless stays the ad that it was: its last verdict counts
    on, unless the new text is flagged, which makes it a new question.
    """
    standing, last = standing_verdicts(), standing_verdicts(any_text=True)
    earlier = aliased(Verdict)
    found = session.execute(
        select(Listing, Site.name, Seller.name, Score, Verdict, earlier)
        .join(Site, Listing.site_id == Site.id)
        .outerjoin(Seller, Listing.seller_id == Seller.id)
        .outerjoin(Score, is_latest_score())
        .outerjoin(standing, standing.c.listing_id == Listing.id)
        .outerjoin(Verdict, Verdict.id == standing.c.verdict_id)
        .outerjoin(last, last.c.listing_id == Listing.id)
        .outerjoin(earlier, earlier.id == last.c.verdict_id)
        .where(_dated() >= start, _dated() < end, or_(Score.flagged.is_(True), earlier.id.is_not(None)))
        .order_by(_dated(), Listing.id)
    )
    rows = []
    for listing, site, seller, score, present, before in found:
        flagged = score is not None and score.flagged
        verdict = present or (before if before is not None and before.labels and not flagged else None)
        if flagged or verdict is not None:
            rows.append((listing, site, seller, score, verdict))
    contacts = _find_contacts(session, [row[0].reading_id for row in rows])
    return [
        AdRow(
            listing_id=listing.id,
            site=site,
            dated_at=listing.posted_at or listing.first_seen,
            has_posted_date=listing.posted_at is not None,
            title=listing.title,
            seller=seller or "",
            contacts=tuple(contacts[listing.reading_id]),
            price_amount=listing.price_amount,
            price_currency=listing.price_currency,
            ships_from=listing.ships_from,
            ships_to=listing.ships_to,
            judged=None if verdict is None else tuple(verdict.labels),
            judged_by=None if verdict is None else verdict.user_id,
            guideline_version="" if verdict is None else verdict.guideline_version,
            scored=_over_threshold(score),
            flagged=score is not None and score.flagged,
        )
        for listing, site, seller, score, verdict in rows
    ]


def find_dates(session: Session, *, start: datetime, end: datetime) -> Iterator[datetime]:
    """The date of every listing of the period, in no order."""
    statement = select(_dated()).where(_dated() >= start, _dated() < end).execution_options(yield_per=5000)
    yield from session.scalars(statement)


def count_dated(session: Session, *, start: datetime, end: datetime) -> list[DatedCount]:
    """The listings of the period at each site that has any, by the site's name."""
    rows = session.execute(
        select(
            Site.name,
            func.count(),
            func.sum(case((Listing.posted_at.is_(None), 1), else_=0)),
            func.count(Score.id),
        )
        .join(Site, Listing.site_id == Site.id)
        .outerjoin(Score, is_latest_score())
        .where(_dated() >= start, _dated() < end)
        .group_by(Site.name)
        .order_by(Site.name)
    )
    return [DatedCount(row[0], row[1], int(row[2]), row[3]) for row in rows]


def find_looking_runs(session: Session, *, since: datetime, until: datetime) -> list[LookingRun]:
    """Crawl runs that ended from `since` on and not after `until`, the oldest first: they could see what was posted since."""
    answered = func.sum(case((Page.status == 200, 1), else_=0))
    # The outer join gives a run without any page one empty row, which is no failed request.
    failed = func.sum(case((Page.id.is_not(None) & Page.status.is_(None), 1), else_=0))
    rows = session.execute(
        select(
            Run.id,
            Site.name,
            Run.state,
            Run.started_at,
            Run.ended_at,
            func.count(Page.status),  # answers of any kind; a request without one is no page
            func.coalesce(answered, 0),
            func.coalesce(failed, 0),
        )
        .join(Site, Run.site_id == Site.id)
        .outerjoin(Page, Page.run_id == Run.id)
        .where(Run.verb == "crawl", Run.ended_at >= since, Run.ended_at <= until)
        .group_by(Run.id, Site.name, Run.state, Run.started_at, Run.ended_at)
        .order_by(Run.id)
    )
    return [
        LookingRun(row[0], row[1], row[2], row[3], row[4], row[5], int(row[6]), int(row[7]))
        for row in rows
        if row[4] is not None
    ]


def count_seen(session: Session, run_ids: Collection[int]) -> dict[str, int]:
    """How many different listings those runs saw, by the site's name."""
    rows = session.execute(
        select(Site.name, func.count(func.distinct(Sighting.listing_id)))
        .join(Run, Sighting.run_id == Run.id)
        .join(Site, Run.site_id == Site.id)
        .where(Sighting.run_id.in_(run_ids))
        .group_by(Site.name)
    )
    return {row[0]: row[1] for row in rows}


def find_models(
    session: Session, *, start: datetime, end: datetime
) -> list[tuple[str, dict[str, float], int]]:
    """The models whose scores the listings of the period carry: version, thresholds, listings; the most used first."""
    counts = session.execute(
        select(Score.model_version, func.count(), func.max(Score.id))
        .join(Listing, is_latest_score())
        .where(_dated() >= start, _dated() < end)
        .group_by(Score.model_version)
        .order_by(func.count().desc(), Score.model_version)
    ).all()
    found = []
    for version, count, score_id in counts:
        score = session.get(Score, score_id)
        found.append((version, {} if score is None else dict(score.thresholds), count))
    return found


def _dated() -> ColumnElement[datetime]:
    return func.coalesce(Listing.posted_at, Listing.first_seen, type_=UTCDateTime())


def _over_threshold(score: Score | None) -> tuple[str, ...]:
    if score is None:
        return ()
    found = {"ivory": score.ivory, "rhino_horn": score.rhino_horn, "tiger": score.tiger}
    return tuple(group for group in GROUPS if found[group] >= score.thresholds[group])


def _find_contacts(session: Session, reading_ids: Sequence[int]) -> dict[int, list[str]]:
    contacts: dict[int, list[str]] = defaultdict(list)
    # In pieces: a statement takes a limited number of values.
    for begin in range(0, len(reading_ids), 1000):
        rows = session.execute(
            select(Contact.reading_id, Contact.value)
            .where(Contact.reading_id.in_(reading_ids[begin : begin + 1000]))
            .order_by(Contact.reading_id, Contact.id)
        )
        for reading_id, value in rows:
            contacts[reading_id].append(value)
    return contacts
