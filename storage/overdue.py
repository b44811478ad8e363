"""What nobody has looked at for long: flags without a verdict, sites without a page.

Public names: Unreviewed, count_unreviewed, find_silent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, aliased

from storage.needs import MOST, read_time
from storage.tables import Listing, Page, Reading, Run, Schedule, Score, Site, Verdict
from storage.verdicts import is_latest_score


@dataclass(frozen=True)
class Unreviewed:
    """Flagged listings without a verdict, flagged before a certain day. capped: there are more than that."""

    count: int
    since: datetime | None
    capped: bool


def count_unreviewed(session: Session, *, before: datetime, most: int = 1_000) -> Unreviewed:
    """Listings that were flagged before then, are flagged still, and have no standing verdict; `most` are counted.

    Counted from the first score that flagged the present text: a newer model's score does not make them young again.
    """
    given, undo, judged, early = aliased(Verdict), aliased(Verdict), aliased(Reading), aliased(Score)
    undone = select(undo.id).where(undo.undoes == given.id).exists()
    reviewed = (
        select(given.id)
        .join(judged, given.reading_id == judged.id)
        .where(
            given.listing_id == Listing.id,
            given.undoes.is_(None),
            ~undone,
            judged.content_sha256 == Listing.content_sha256,
        )
        .exists()
    )
    first = (
        select(func.min(early.created_at))
        .where(early.reading_id == Listing.reading_id, early.flagged.is_(True))
        .scalar_subquery()
    )
    rows = (
        select(Listing.id, first.label("flagged_at"))
        .join(Score, is_latest_score())
        .where(Score.flagged.is_(True), ~reviewed, first < before)
        .limit(most + 1)
        .subquery()
    )
    count, since = session.execute(select(func.count(), func.min(rows.c.flagged_at))).one()
    return Unreviewed(count=min(count, most), since=read_time(since) if since else None, capped=count > most)


def find_silent(
    session: Session, *, before: datetime, bad_kinds: Sequence[str]
) -> list[tuple[Site, datetime | None]]:
    """Sites of which no good page came since then, with the end of the last crawl that brought one (None: none ever did).

    Only those that somebody wants to be watched: a schedule is on, or a crawl was asked for since then; and that were
    known before then. A good page has status 200 and is none of `bad_kinds` (gates).
    """
    good = (
        select(Page.id)
        .where(
            Page.run_id == Run.id, Page.status == 200, or_(Page.kind.is_(None), Page.kind.not_in(bad_kinds))
        )
        .exists()
    )
    last = (
        select(func.max(Run.id))
        .where(Run.site_id == Site.id, Run.verb == "crawl", Run.pages > 0, good)
        .correlate(Site)
        .scalar_subquery()
    )
    asked = (
        select(Run.id)
        .where(Run.site_id == Site.id, Run.verb == "crawl", Run.created_at >= before)
        .correlate(Site)
        .exists()
    )
    planned = (
        select(Schedule.id)
        .where(Schedule.site_id == Site.id, Schedule.verb == "crawl", Schedule.paused.is_(False))
        .correlate(Site)
        .exists()
    )
    rows = session.execute(
        select(Site, last).where(Site.created_at < before, or_(asked, planned)).order_by(Site.id).limit(MOST)
    ).all()
    runs = {
        run.id: run
        for run in session.scalars(select(Run).where(Run.id.in_([each for _, each in rows if each])))
    }
    found = []
    for site, run_id in rows:
        run = runs.get(run_id)
        at = None if run is None else run.ended_at or run.heartbeat_at or run.started_at or run.created_at
        if at is None or at < before:
            found.append((site, at))
    return found
