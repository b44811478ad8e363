"""What nobody has looked at for long: flags without a verdict, sites without a page.

Public names: Unreviewed, count_unreviewed, find_silent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

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
    given, undo, judged = aliased(Verdict), aliased(Verdict), aliased(Reading)
    first, before_it = aliased(Score), aliased(Score)
    undone = select(undo.id).where(undo.undoes == given.id).exists()
    reviewed = (
        select(given.id)
        .join(judged, given.reading_id == judged.id)
        .where(
            given.listing_id == Listing.id,
            # Not "is null": SQLite would walk all verdicts that undo nothing, for each listing.
            func.coalesce(given.undoes, 0) == 0,
            ~undone,
            judged.content_sha256 == Listing.content_sha256,
        )
        .exists()
    )
    earlier = select(before_it.id).where(
        before_it.reading_id == first.reading_id, before_it.id < first.id, _is_flagged(before_it.flagged)
    )
    still = select(Score.id).where(is_latest_score(), _is_flagged(Score.flagged)).correlate(Listing)
    # From the flagged scores, which are few, to their listings: the other way round costs what the store holds.
    rows = (
        select(Listing.id, first.created_at.label("flagged_at"))
        .select_from(first)
        .join(Listing, Listing.reading_id == first.reading_id)
        .where(
            first.flagged.is_(True), first.created_at < before, ~earlier.exists(), ~reviewed, still.exists()
        )
        .limit(most + 1)
        .subquery()
    )
    count, since = session.execute(select(func.count(), func.min(rows.c.flagged_at))).one()
    return Unreviewed(count=min(count, most), since=read_time(since) if since else None, capped=count > most)


def _is_flagged(column: ColumnElement[bool] | InstrumentedAttribute[bool]) -> ColumnElement[bool]:
    """The same as the column, without its index: the scores of one reading are few, the flagged ones are not."""
    return case((column, 1), else_=0) == 1


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
