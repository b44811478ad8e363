"""How large the database is and how fast it grows, told from its size and the pages that runs stored lately.

Public names: Growth, measure_growth, measure_size.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from storage.tables import Page, Run

WINDOW = timedelta(days=7)


@dataclass(frozen=True)
class Growth:
    """size: bytes of the whole database. per_day: bytes it grew each day of the last week, by the pages of its runs."""

    size: int
    per_day: float


def measure_size(session: Session) -> int:
    """Bytes of the whole database, asked of itself: to add up bodies would read a row of each."""
    if session.get_bind().dialect.name == "postgresql":
        return int(session.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    pages, each = (
        session.execute(text(f"PRAGMA {name}")).scalar_one() for name in ("page_count", "page_size")
    )
    return int(pages) * int(each)


def measure_growth(session: Session, *, now: datetime) -> Growth:
    """Three statements along indexes, whatever the size."""
    size = measure_size(session)
    # Ids go up by one: the highest is about how many pages the whole size comes from.
    stored = session.scalar(select(func.max(Page.id))) or 0
    lately, begun = session.execute(
        select(func.sum(Run.pages), func.min(Run.created_at)).where(Run.created_at > now - WINDOW)
    ).one()
    if not stored or not lately or begun is None:
        return Growth(size, 0.0)
    days = max(1.0, (now - begun).total_seconds() / 86_400)
    return Growth(size, size / stored * int(lately) / days)
