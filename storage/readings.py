"""What readers made of pages, and the listings, sightings, sellers and contacts that follow from it.

Public names: ReadingRow, Counts, store_readings, find_unread.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine, exists, func, select
from sqlalchemy.orm import Session

from storage.cards import drop_card_sightings, place_cards
from storage.cardtext import CardRow
from storage.engine import lock, transaction
from storage.feedback import FeedbackRow, Rated, store_feedback
from storage.grouping import Grouping, shorten_key
from storage.pages import PageRef
from storage.tables import Contact, Listing, Page, Reading, ReadingPage, Run, Sighting

LISTING_SOURCES = ("listing", "thread")
"""Kinds of page that become listings; of any other, cards, ratings and contacts are kept."""
BATCH = 500


@dataclass(frozen=True)
class ReadingRow:
    """One reader version's result from one listing's page or pages; see tables.Reading for `fields`.

    page_ids: the main page first. key: what the site itself calls the listing. source: "listing" or "thread", else no
    listing follows. seen_at: when the main page was received. contacts: (kind, value, whether its checksum is right).
    """

    page_ids: tuple[int, ...]
    site_id: int
    run_id: int
    reader_version: str
    kind: str
    confidence: float
    title: str
    description: str
    fields: dict[str, Any]
    leftovers: list[Any]
    content_sha256: str
    key: str
    source: str
    url: str
    seller: str
    seen_at: datetime
    category: str = ""
    price_amount: Decimal | None = None
    price_currency: str = ""
    ships_from: str = ""
    ships_to: str = ""
    posted_at: datetime | None = None
    contacts: tuple[tuple[str, str, bool], ...] = ()
    cards: tuple[CardRow, ...] = ()
    feedback: tuple[FeedbackRow, ...] = ()


@dataclass(frozen=True)
class Counts:
    """What a batch of readings brought; readings and sightings of cards are among them."""

    new_listings: int
    changed: int
    sightings: int
    readings: int
    feedback: int = 0


def store_readings(engine: Engine, rows: Sequence[ReadingRow], *, now: datetime) -> Counts:
    """Keep a batch in one transaction. The same pages with the same reader version again give nothing new.

    The listing of a reading: that with the site's own key; else, when the seller is known and there is text, that of
    the same site, seller and content (a relisted copy: one more sighting); else a new one.
    """
    total = [0, 0, 0, 0, 0]
    with transaction(engine) as session:
        # Two writers could each make the same listing or seller; readings come in batches, so they may wait.
        lock(session, "reading")
        rows = _drop_removed(session, rows)
        for start in range(0, len(rows), BATCH):
            counts = _store_batch(session, rows[start : start + BATCH], now)
            total = [one + other for one, other in zip(total, counts, strict=True)]
        for run_id in sorted({row.run_id for row in rows}):
            _count_listings(session, run_id)
    return Counts(*total)


def _drop_removed(session: Session, rows: Sequence[ReadingRow]) -> list[ReadingRow]:
    """Without those whose page retention took away between its reading and now."""
    wanted = sorted({page_id for row in rows for page_id in row.page_ids})
    there: set[int] = set()
    for start in range(0, len(wanted), BATCH):
        there.update(session.scalars(select(Page.id).where(Page.id.in_(wanted[start : start + BATCH]))))
    return [row for row in rows if there.issuperset(row.page_ids)]


def find_unread(session: Session, *, site_id: int | None = None, limit: int | None = None) -> list[PageRef]:
    """Pages with status 200 and a kept body that no reader has read, the oldest first. What an older reader has read is
    read again only when somebody asks for it: they see what changes first."""
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
        .where(
            Page.status == 200,
            Page.body_sha256.is_not(None),
            ~exists().where(ReadingPage.page_id == Page.id),
        )
        .order_by(Page.id)
        .limit(limit)
    )
    if site_id is not None:
        statement = statement.where(Page.site_id == site_id)
    return [PageRef(*row[:7], body_sha256=row[7] or "") for row in session.execute(statement)]


def _store_batch(session: Session, rows: Sequence[ReadingRow], now: datetime) -> tuple[int, ...]:
    fresh = _drop_known(session, rows)
    grouping = Grouping(session, fresh)
    readings = [_make_reading(row, pages_sha256, now) for row, pages_sha256 in fresh]
    session.add_all(readings)
    session.flush()
    new = changed = 0
    rated: list[Rated] = []
    pending: list[tuple[Listing, Reading, ReadingRow]] = []
    for (row, _), reading in zip(fresh, readings, strict=True):
        session.add_all(
            ReadingPage(reading_id=reading.id, page_id=page_id) for page_id in dict.fromkeys(row.page_ids)
        )
        seller = grouping.find_seller(row)
        session.add_all(
            Contact(
                reading_id=reading.id,
                seller_id=None if seller is None else seller.id,
                kind=kind,
                value=value,
                valid=valid,
            )
            for kind, value, valid in {contact[:2]: contact for contact in row.contacts}.values()
        )
        listing = None
        if row.source in LISTING_SOURCES:
            listing, outcome = grouping.place(row, reading, seller)
            new += outcome == "new"
            changed += outcome == "changed"
            pending.append((listing, reading, row))
        if row.feedback:
            rated.append(Rated(row, reading.id, seller, listing))
    session.flush()
    drop_card_sightings(session, sorted({(listing.id, row.run_id) for listing, _, row in pending}))
    session.add_all(
        Sighting(
            listing_id=listing.id,
            run_id=row.run_id,
            page_id=row.page_ids[0],
            reading_id=reading.id,
            key=shorten_key(row.key),
            seen_at=row.seen_at,
        )
        for listing, reading, row in pending
    )
    session.flush()
    # After the pages: a card gives a sighting only where no page of the batch did.
    cards = place_cards(session, [row for row, _ in fresh if row.cards], now=now)
    ratings = store_feedback(session, rated)
    return (
        new + cards.new_listings,
        changed,
        len(pending) + cards.sightings,
        len(readings) + cards.readings,
        ratings,
    )


def _drop_known(session: Session, rows: Sequence[ReadingRow]) -> list[tuple[ReadingRow, str]]:
    """The rows that are not stored yet, each with the hash of its pages."""
    known = {
        (row[0], row[1], row[2])
        for row in session.execute(
            select(Reading.page_id, Reading.reader_version, Reading.pages_sha256).where(
                Reading.page_id.in_([row.page_ids[0] for row in rows])
            )
        )
    }
    fresh = []
    for row in rows:
        pages_sha256 = hashlib.sha256(",".join(str(page_id) for page_id in row.page_ids).encode()).hexdigest()
        name = (row.page_ids[0], row.reader_version, pages_sha256)
        if name not in known:
            known.add(name)
            fresh.append((row, pages_sha256))
    return fresh


def _make_reading(row: ReadingRow, pages_sha256: str, now: datetime) -> Reading:
    return Reading(
        page_id=row.page_ids[0],
        site_id=row.site_id,
        reader_version=row.reader_version,
        pages_sha256=pages_sha256,
        kind=row.kind,
        confidence=row.confidence,
        title=row.title,
        description=row.description,
        fields=row.fields,
        leftovers=row.leftovers,
        seen_at=row.seen_at,
        content_sha256=row.content_sha256,
        created_at=now,
    )


def _count_listings(session: Session, run_id: int) -> None:
    run = session.get(Run, run_id, with_for_update=True)
    if run is not None:
        run.listings = (
            session.scalar(
                select(func.count(func.distinct(Sighting.listing_id))).where(Sighting.run_id == run_id)
            )
            or 0
        )
