"""What the reading of stored pages over again needs to know: which pages there are, and what was made of them last.

Public names: find_all_pages, find_last_readings, find_last_page, find_versions.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage.pages import PageRef
from storage.tables import Contact, Page, Reading, ReadingPage


def find_last_page(session: Session) -> int:
    """The newest page's id; 0 when there is none."""
    return session.scalar(select(func.max(Page.id))) or 0


def find_all_pages(
    session: Session, *, upto: int | None = None, site_id: int | None = None, since: datetime | None = None
) -> list[PageRef]:
    """Pages with status 200 and a kept body, read or not, up to the page `upto` where one is named, the oldest first."""
    statement = (
        select(
            Page.id,
            Page.site_id,
            Page.run_id,
            Page.url,
            Page.kind,
            Page.received_at,
            Page.content_type,
            Page.body_sha256,
        )
        .where(Page.status == 200, Page.body_sha256.is_not(None))
        .order_by(Page.id)
    )
    if upto is not None:
        statement = statement.where(Page.id <= upto)
    if site_id is not None:
        statement = statement.where(Page.site_id == site_id)
    if since is not None:
        statement = statement.where(Page.received_at >= since)
    return [PageRef(*row[:7], body_sha256=row[7] or "") for row in session.execute(statement)]


def find_last_readings(
    session: Session, page_ids: Sequence[int]
) -> dict[int, tuple[Reading, frozenset[tuple[str, str]]]]:
    """By page: the latest reading that it had a part in, and the contacts (kind, value) found in that.

    Cards have readings of their own, which say nothing of their page.
    """
    latest = (
        select(ReadingPage.page_id, func.max(Reading.id).label("reading_id"))
        .join(Reading, Reading.id == ReadingPage.reading_id)
        .where(ReadingPage.page_id.in_(page_ids), Reading.kind != "card")
        .group_by(ReadingPage.page_id)
        .subquery()
    )
    found = session.execute(
        select(latest.c.page_id, Reading).join(Reading, Reading.id == latest.c.reading_id)
    )
    readings: dict[int, Reading] = {}
    for page_id, row in found:
        readings[page_id] = row
    contacts: dict[int, set[tuple[str, str]]] = {row.id: set() for row in readings.values()}
    wanted = select(Contact.reading_id, Contact.kind, Contact.value).where(Contact.reading_id.in_(contacts))
    for reading_id, kind, value in session.execute(wanted):
        contacts[reading_id].add((kind, value))
    return {page_id: (row, frozenset(contacts[row.id])) for page_id, row in readings.items()}


def find_versions(session: Session) -> set[str]:
    """Every reader version that any reading was made by."""
    return set(session.scalars(select(Reading.reader_version).distinct()))
