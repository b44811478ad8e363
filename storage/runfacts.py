"""What the list of runs and the page of one ask of the database.

Public names: RunFilter, ReadSo, find_filtered, find_earlier, find_later, read_so_far, SHOWN_STATES.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, func, not_, or_, select
from sqlalchemy.orm import Session, aliased, joinedload

from storage.runs import ACTIVE, ENDED, LATE_AFTER
from storage.tables import Page, Reading, ReadingPage, Run, Score, Sighting, Site
from storage.verdicts import standing_verdicts

SHOWN_STATES = ("queued", "late", *ACTIVE[1:], *ENDED)
"""States as people are told (storage.runs.show_state)."""
LONGEST_CHAIN = 100


@dataclass(frozen=True)
class RunFilter:
    """Which runs are wanted; an empty field leaves nothing out. state: as shown. worker: a part of its name."""

    state: str = ""
    site: str = ""
    verb: str = ""
    worker: str = ""
    schedule: str = ""


@dataclass(frozen=True)
class ReadSo:
    """What followed the fetching of a run's pages. unread: pages that wait for the reader. changed: listings whose text
    differs from the time before. scored, flagged, unreviewed: of the listings seen, by any model; without a verdict."""

    unread: int
    changed: int
    scored: int
    flagged: int
    unreviewed: int


def find_filtered(
    session: Session, wanted: RunFilter, *, now: datetime, limit: int, before: int | None = None
) -> list[Run]:
    """Runs with their sites, the newest first. before: only those with a lower number."""
    statement: Select[Run] = select(Run).options(joinedload(Run.site)).order_by(Run.id.desc()).limit(limit)
    if wanted.state:
        statement = statement.where(_in_state(wanted.state, now=now))
    if wanted.verb:
        statement = statement.where(Run.verb == wanted.verb)
    if wanted.site:
        statement = statement.join(Site, Run.site_id == Site.id).where(Site.name == wanted.site)
    if wanted.worker:
        statement = statement.where(Run.worker.contains(wanted.worker, autoescape=True))
    if wanted.schedule:
        statement = statement.where(Run.schedule == wanted.schedule)
    if before is not None:
        statement = statement.where(Run.id < before)
    return list(session.scalars(statement))


def _in_state(state: str, *, now: datetime) -> ColumnElement[bool]:
    """The same as show_state says of one run."""
    late = and_(Run.state == "queued", func.coalesce(Run.due_at, Run.created_at) < now - LATE_AFTER)
    slot = and_(Run.state == "queued", Run.waits_for == "slot", not_(late))
    if state == "late":
        return late
    if state == "waiting":
        return or_(Run.state == "waiting", slot)
    if state == "queued":
        return and_(Run.state == "queued", not_(late), not_(slot))
    return Run.state == state


def find_earlier(session: Session, run: Run) -> list[int]:
    """The runs that this one repeats or goes on with, the nearest first."""
    chain: list[int] = []
    link = run.retry_of
    while link is not None and link not in chain and link != run.id and len(chain) < LONGEST_CHAIN:
        chain.append(link)
        link = session.scalar(select(Run.retry_of).where(Run.id == link))
    return chain


def find_later(session: Session, run_id: int) -> list[Run]:
    """The runs that repeat this one or go on with it, and those that repeat these; the oldest first."""
    found: dict[int, Run] = {}
    wanted = [run_id]
    while wanted and len(found) < LONGEST_CHAIN:
        rows = session.scalars(
            select(Run).where(Run.retry_of.in_(wanted)).order_by(Run.id).limit(LONGEST_CHAIN)
        )
        fresh = [row for row in rows if row.id not in found and row.id != run_id]
        found |= {row.id: row for row in fresh}
        wanted = [row.id for row in fresh]
    return [found[number] for number in sorted(found)]


def read_so_far(session: Session, run_id: int) -> ReadSo:
    """How far reading, scoring and review of what the run fetched have come."""
    unread = (
        select(func.count())
        .select_from(Page)
        .outerjoin(ReadingPage, ReadingPage.page_id == Page.id)
        .where(
            Page.run_id == run_id,
            Page.status == 200,
            Page.body_sha256.is_not(None),
            ReadingPage.page_id.is_(None),
        )
    )
    seen = Sighting.run_id == run_id
    scored = (
        select(func.count(func.distinct(Sighting.listing_id)))
        .join(Score, Score.reading_id == Sighting.reading_id)
        .where(seen)
    )
    standing = standing_verdicts()
    flagged = scored.where(Score.flagged.is_(True))
    unreviewed = flagged.outerjoin(standing, standing.c.listing_id == Sighting.listing_id).where(
        standing.c.verdict_id.is_(None)
    )
    return ReadSo(
        unread=session.scalar(unread) or 0,
        changed=_count_changed(session, run_id),
        scored=session.scalar(scored) or 0,
        flagged=session.scalar(flagged) or 0,
        unreviewed=session.scalar(unreviewed) or 0,
    )


def _count_changed(session: Session, run_id: int) -> int:
    """Listings whose content in this run is another than when they were seen last before it."""
    now_seen, old_seen, now_read, old_read = (
        aliased(Sighting),
        aliased(Sighting),
        aliased(Reading),
        aliased(Reading),
    )
    earlier = aliased(Sighting)
    last = (
        select(func.max(earlier.id))
        .where(earlier.listing_id == now_seen.listing_id, earlier.run_id < run_id)
        .correlate(now_seen)
        .scalar_subquery()
    )
    statement = (
        select(func.count(func.distinct(now_seen.listing_id)))
        .select_from(now_seen)
        .join(old_seen, old_seen.id == last)
        .join(now_read, now_read.id == now_seen.reading_id)
        .join(old_read, old_read.id == old_seen.reading_id)
        .where(now_seen.run_id == run_id, now_read.content_sha256 != old_read.content_sha256)
    )
    return session.scalar(statement) or 0
