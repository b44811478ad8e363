"""Pages that retention leaves alone whatever is on them: young, on hold, in a sweep that may go on, not read yet.

Public names: Cutoffs, Ground, PageFacts, read_ground, look_at_pages, find_aged, count_aged, find_open_sweeps, pieces.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from storage.runs import ACTIVE, ASIDE
from storage.tables import Hold, Listing, Page, Reading, ReadingPage, Run, Score, Verdict

_PIECE = 5_000
Key = TypeVar("Key", int, str)


@dataclass(frozen=True)
class Cutoffs:
    """What was made before these moments is past its date; None: it is kept for ever.

    model: by which a listing must have been scored; None: by the one that scored last.
    """

    pages: datetime | None
    flagged: datetime | None
    verdicts: datetime | None
    audit: datetime | None
    model: str | None = None


@dataclass(frozen=True)
class Ground:
    """What is the same for all pages of one decision.

    newest_pages, newest_listings: those with the highest number of a table on them. They stay: SQLite would give such
    a number out again, and a tombstone must name one row only.
    """

    held_sites: frozenset[int]
    held_pages: frozenset[int]
    held_listings: frozenset[int]
    held_sellers: frozenset[int]
    open_sweeps: frozenset[int]
    model: str | None
    newest_pages: frozenset[int]
    newest_listings: frozenset[int]


@dataclass(frozen=True)
class PageFacts:
    """One page. age_at: when it came into the store: what an archive brought is as old as its import.

    safe: why it stays whatever is on it; "" when it need not.
    """

    id: int
    site_id: int
    age_at: datetime
    made_at: datetime
    sha256: str
    safe: str


def read_ground(session: Session, cut: Cutoffs) -> Ground:
    held: dict[str, set[int]] = {name: set() for name in ("site", "page", "listing", "seller")}
    for subject, subject_id in session.execute(
        select(Hold.subject, Hold.subject_id).where(Hold.released_at.is_(None))
    ):
        held.setdefault(subject, set()).add(subject_id)
    newest_reading = select(func.max(Reading.id)).scalar_subquery()
    newest_score = select(Score.reading_id).order_by(Score.id.desc()).limit(1).scalar_subquery()
    newest_verdict = select(Verdict.listing_id).order_by(Verdict.id.desc()).limit(1)
    pages = session.scalars(select(Reading.page_id).where(Reading.id.in_([newest_reading, newest_score])))
    listings = (session.scalar(select(func.max(Listing.id))), session.scalar(newest_verdict))
    return Ground(
        held_sites=frozenset(held["site"]),
        held_pages=frozenset(held["page"]),
        held_listings=frozenset(held["listing"]),
        held_sellers=frozenset(held["seller"]),
        open_sweeps=find_open_sweeps(session),
        model=cut.model or session.scalar(select(Score.model_version).order_by(Score.id.desc()).limit(1)),
        newest_pages=frozenset([*pages, session.scalar(select(func.max(Page.id))) or 0]),
        newest_listings=frozenset(each for each in listings if each is not None),
    )


def find_open_sweeps(session: Session) -> frozenset[int]:
    """Sweeps that a run works on, or that the site's next run would go on with (see storage.runs)."""
    rows = session.execute(
        select(Run.site_id, Run.plan, Run.state, Run.sweep_id, Run.settings)
        .where(Run.verb == "crawl", Run.sweep_id.is_not(None))
        .order_by(Run.id)
    )
    last: dict[tuple[int | None, str], int | None] = {}
    found: set[int] = set()
    for site_id, plan, state, sweep_id, settings in rows:
        if state in ACTIVE:
            found.add(sweep_id)
        if not settings.get(ASIDE):
            last[site_id, plan] = None if state == "done" else sweep_id
    return frozenset(found | {sweep_id for sweep_id in last.values() if sweep_id is not None})


def look_at_pages(
    session: Session, ids: Collection[int], ground: Ground, cut: Cutoffs
) -> dict[int, PageFacts]:
    """The facts of those of the pages that there are."""
    found = {}
    unread = and_(
        Page.body_sha256.is_not(None),
        or_(Page.status == 200, Page.status.is_(None)),
        ~exists().where(ReadingPage.page_id == Page.id),
    )
    for some in pieces(ids):
        rows = session.execute(
            select(
                Page.id, Page.site_id, Page.received_at, Page.body_sha256, Run.created_at, Run.sweep_id, Run.state,
                unread,
            )
            .join(Run, Run.id == Page.run_id)
            .where(Page.id.in_(some))
        )  # fmt: skip
        for page_id, site_id, received_at, sha256, stored_at, sweep_id, state, is_unread in rows:
            age_at = max(received_at, stored_at)
            if cut.pages is None or age_at >= cut.pages:
                safe = "young"
            elif site_id in ground.held_sites or page_id in ground.held_pages:
                safe = "hold"
            elif is_unread:
                safe = "waiting"
            elif state in ACTIVE or sweep_id in ground.open_sweeps:
                safe = "open"
            else:
                safe = "newest" if page_id in ground.newest_pages else ""
            found[page_id] = PageFacts(page_id, site_id, age_at, received_at, sha256 or "", safe)
    return found


def find_aged(session: Session, cut: Cutoffs, *, after: int, limit: int) -> list[int]:
    """The next pages past their date, by number."""
    return list(session.scalars(_aged(cut).where(Page.id > after).order_by(Page.id).limit(limit)))


def count_aged(session: Session, cut: Cutoffs) -> int:
    return session.scalar(select(func.count()).select_from(_aged(cut).subquery())) or 0


def _aged(cut: Cutoffs) -> Select[int]:
    statement = select(Page.id).join(Run, Run.id == Page.run_id)
    if cut.pages is None:
        return statement.where(Page.id < 0)
    return statement.where(Page.received_at < cut.pages, Run.created_at < cut.pages)


def pieces(ids: Collection[Key]) -> Iterator[list[Key]]:
    """The ids in order, as many at a time as a statement takes."""
    ordered = sorted(ids)
    for start in range(0, len(ordered), _PIECE):
        yield ordered[start : start + _PIECE]
