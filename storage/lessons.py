"""What people said of texts, for the classifier to learn from.

Public names: Lesson, Told, find_lessons, iterate_told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.tables import Listing, Reading, Score, Verdict
from storage.verdicts import is_latest_score, standing_verdicts


@dataclass(frozen=True)
class Lesson:
    """A text as it was judged, by the last verdict on its listing that was not undone. language: the reader's, may be ""."""

    listing_id: int
    seller_id: int | None
    title: str
    description: str
    labels: tuple[str, ...]
    kind: str
    form: str
    language: str
    judged_at: datetime


def find_lessons(session: Session) -> list[Lesson]:
    """In the order of the verdicts."""
    standing = standing_verdicts(any_text=True)
    rows = session.execute(
        select(Verdict, Reading, Listing.seller_id)
        .join(standing, standing.c.verdict_id == Verdict.id)
        .join(Reading, Reading.id == Verdict.reading_id)
        .join(Listing, Listing.id == Verdict.listing_id)
        .order_by(Verdict.id)
    )
    return [
        Lesson(
            listing_id=verdict.listing_id,
            seller_id=seller,
            title=reading.title,
            description=reading.description,
            labels=tuple(verdict.labels),
            kind=verdict.kind,
            form=verdict.form,
            language=str((reading.fields.get("language") or {}).get("value") or ""),
            judged_at=verdict.created_at,
        )
        for verdict, reading, seller in rows
    ]


@dataclass(frozen=True)
class Told:
    """A stored ad's present text, and what is known of it. offered: by the standing verdict, None without one."""

    title: str
    description: str
    flagged: bool
    offered: bool | None


def iterate_told(session: Session) -> Iterator[Told]:
    """Every listing, one at a time."""
    standing = standing_verdicts()
    rows = session.execute(
        select(Reading.title, Reading.description, Score.flagged, Verdict.labels)
        .select_from(Listing)
        .join(Reading, Reading.id == Listing.reading_id)
        .outerjoin(Score, is_latest_score())
        .outerjoin(standing, standing.c.listing_id == Listing.id)
        .outerjoin(Verdict, Verdict.id == standing.c.verdict_id)
        .order_by(Listing.id)
        .execution_options(yield_per=500)
    )
    for title, description, flagged, labels in rows:
        yield Told(title, description, bool(flagged), None if labels is None else bool(labels))
