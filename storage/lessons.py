"""What people said of texts, for the classifier to learn from.

Public names: Lesson, find_lessons.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.tables import Listing, Reading, Verdict
from storage.verdicts import standing_verdicts


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
