"""Cards of lists become sightings of the listings that they show, or listings of their own until the page is read.

Public names: CardCounts, place_cards, drop_card_sightings, is_of_card.

A card whose key the site's listings know is one more sighting of that listing, at most one in a run; the reading of a
full page takes its place. What a card says otherwise than the listing's reading (another title or price) is a reading
of its own, of kind "card", so that it stands in the history; the listing keeps the fuller reading's fields. A card that
nobody knows is a listing of source "card". A card that says nothing new makes no reading.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, delete, or_, select, tuple_
from sqlalchemy.orm import Session

from storage.absorbing import CARD
from storage.cardtext import CardRow, find_same, make_fields
from storage.grouping import check_amount, load_sellers, seller_name, shorten_key
from storage.tables import Listing, Reading, ReadingPage, Seller, Sighting
from storage.types import clean_text

if TYPE_CHECKING:
    from storage.readings import ReadingRow

MOST_CARDS = 500
"""Of one page."""
_CHUNK = 400


@dataclass(frozen=True)
class CardCounts:
    """What the cards of a batch brought."""

    new_listings: int = 0
    readings: int = 0
    sightings: int = 0


@dataclass(frozen=True)
class _Card:
    row: ReadingRow
    card: CardRow
    key: str


def place_cards(session: Session, rows: Sequence[ReadingRow], *, now: datetime) -> CardCounts:
    """Place the cards of list pages whose own readings are stored in the same transaction."""
    cards = _choose(rows)
    if not cards:
        return CardCounts()
    listings = _find_listings(session, cards)
    sighted = _find_sighted(session, cards, listings)
    known = _find_readings(session, list(listings.values()))
    sellers = load_sellers(
        session,
        {
            (card.row.site_id, seller_name(card.card.seller)): card.row.seen_at
            for card in cards
            if card.card.seller and (card.row.site_id, card.key) not in listings
        },
    )
    new: list[Listing] = []
    readings: list[Reading] = []
    present: dict[int, tuple[Listing, Reading]] = {}
    placed: list[tuple[_Card, Listing, Reading, Sighting | None]] = []
    taken: set[tuple[int, int]] = set()
    for card in cards:
        listing = listings.get((card.row.site_id, card.key))
        sighting = None if listing is None else sighted.get((listing.id, card.row.run_id))
        if sighting is not None and not _may_replace(sighting, card):
            continue
        if listing is not None and (id(listing), card.row.run_id) in taken:
            continue  # the keys of two copies of one listing
        reading = None if listing is None else find_same(card.card, known[id(listing)])
        if reading is None:
            reading = _make_reading(card, now)
            readings.append(reading)
            if listing is not None:
                known[id(listing)].append(reading)
        if listing is None:
            listing = _make(card, sellers.get((card.row.site_id, seller_name(card.card.seller))))
            listings[card.row.site_id, card.key] = listing
            known[id(listing)] = [reading]
            present[id(listing)] = (listing, reading)
            new.append(listing)
        elif listing.source == CARD and _is_newer(reading, known[id(listing)][0]):
            _fill(listing, card)
            known[id(listing)].insert(0, reading)
            present[id(listing)] = (listing, reading)
        listing.first_seen = min(listing.first_seen, card.row.seen_at)
        listing.last_seen = max(listing.last_seen, card.row.seen_at)
        taken.add((id(listing), card.row.run_id))
        placed.append((card, listing, reading, sighting))
    _keep(session, readings, new, present)
    sightings = _keep_sightings(session, placed)
    return CardCounts(len(new), len(readings), sightings)


def drop_card_sightings(session: Session, pairs: Sequence[tuple[int, int]]) -> int:
    """Take out what cards gave these (listing, run): the full page was read there. How many there were."""
    gone = 0
    for begin in range(0, len(pairs), _CHUNK):
        ids = session.scalars(
            select(Sighting.id)
            .join(Reading, Reading.id == Sighting.reading_id)
            .where(
                tuple_(Sighting.listing_id, Sighting.run_id).in_(pairs[begin : begin + _CHUNK]),
                is_of_card(),
            )
        ).all()
        session.execute(delete(Sighting).where(Sighting.id.in_(ids)))
        gone += len(ids)
    return gone


def is_of_card() -> ColumnElement[bool]:
    """Of a Sighting joined with its Reading: a card was seen, no page. Its page is not what the reading was made from."""
    return or_(Reading.kind == CARD, Sighting.page_id != Reading.page_id)


def _choose(rows: Sequence[ReadingRow]) -> list[_Card]:
    """The first card of each key in each run."""
    chosen: dict[tuple[int, int, str], _Card] = {}
    for row in rows:
        for card in row.cards[:MOST_CARDS]:
            key = shorten_key(card.key)
            if key and clean_text(card.title).strip():
                chosen.setdefault((row.site_id, row.run_id, key), _Card(row, card, key))
    return list(chosen.values())


def _find_listings(session: Session, cards: Sequence[_Card]) -> dict[tuple[int, str], Listing]:
    wanted = sorted({(card.row.site_id, card.key) for card in cards})
    found: dict[tuple[int, str], Listing] = {}
    for begin in range(0, len(wanted), _CHUNK):
        piece = wanted[begin : begin + _CHUNK]
        statement = select(Listing).where(tuple_(Listing.site_id, Listing.key).in_(piece))
        found |= {(listing.site_id, listing.key): listing for listing in session.scalars(statement)}
    # The key of a copy that was put to another listing stands in its sightings only.
    missing = [pair for pair in wanted if pair not in found]
    for begin in range(0, len(missing), _CHUNK):
        piece = missing[begin : begin + _CHUNK]
        rows = session.execute(
            select(Sighting.key, Listing)
            .join(Listing, Listing.id == Sighting.listing_id)
            .where(
                Listing.site_id.in_({site_id for site_id, _ in piece}),
                Sighting.key.in_({key for _, key in piece}),
            )
            .order_by(Sighting.id)
        )
        found |= {(listing.site_id, key): listing for key, listing in rows if (listing.site_id, key) in piece}
    return found


def _find_sighted(
    session: Session, cards: Sequence[_Card], listings: Mapping[tuple[int, str], Listing]
) -> dict[tuple[int, int], Sighting]:
    runs = {card.row.run_id for card in cards}
    ids = sorted({listing.id for listing in listings.values()})
    found: dict[tuple[int, int], Sighting] = {}
    for begin in range(0, len(ids), _CHUNK):
        statement = (
            select(Sighting)
            .where(Sighting.listing_id.in_(ids[begin : begin + _CHUNK]), Sighting.run_id.in_(runs))
            .order_by(Sighting.id)
        )
        found |= {(sighting.listing_id, sighting.run_id): sighting for sighting in session.scalars(statement)}
    return found


def _find_readings(session: Session, listings: Sequence[Listing]) -> dict[int, list[Reading]]:
    """For each listing (by its identity: a new one has no id yet) its present reading, then the newest of a card."""
    known: dict[int, list[Reading]] = {}
    names = {listing.id: id(listing) for listing in listings}
    ids = sorted(names)
    for begin in range(0, len(ids), _CHUNK):
        piece = ids[begin : begin + _CHUNK]
        for listing_id, reading in session.execute(
            select(Listing.id, Reading)
            .join(Reading, Reading.id == Listing.reading_id)
            .where(Listing.id.in_(piece))
        ):
            known[names[listing_id]] = [reading]
        newest: dict[int, Reading] = {}
        for listing_id, reading in session.execute(
            select(Sighting.listing_id, Reading)
            .join(Reading, Reading.id == Sighting.reading_id)
            .where(Sighting.listing_id.in_(piece), Reading.kind == CARD)
            .order_by(Reading.seen_at, Reading.id)
        ):
            newest[listing_id] = reading
        for listing_id, reading in newest.items():
            if reading is not known[names[listing_id]][0]:
                known[names[listing_id]].append(reading)
    return known


def _is_newer(reading: Reading, present: Reading) -> bool:
    return reading is not present and reading.seen_at >= present.seen_at


def _may_replace(sighting: Sighting, card: _Card) -> bool:
    """A better reader may say something else of the same card; any other sighting in the run stays."""
    return sighting.page_id == card.row.page_ids[0]


# --- keeping ---


def _keep(
    session: Session,
    readings: Sequence[Reading],
    new: Sequence[Listing],
    present: Mapping[int, tuple[Listing, Reading]],
) -> None:
    """Readings first, because listings and sightings name them; each kind in one statement."""
    session.add_all(readings)
    session.flush()
    for listing, reading in present.values():
        listing.reading_id = reading.id
    session.add_all(new)
    session.add_all(ReadingPage(reading_id=reading.id, page_id=reading.page_id) for reading in readings)
    session.flush()


def _keep_sightings(
    session: Session, placed: Sequence[tuple[_Card, Listing, Reading, Sighting | None]]
) -> int:
    """How many sightings are new."""
    count = 0
    for card, listing, reading, sighting in placed:
        if sighting is not None:
            sighting.reading_id = reading.id
            continue
        count += 1
        session.add(
            Sighting(
                listing_id=listing.id,
                run_id=card.row.run_id,
                page_id=card.row.page_ids[0],
                reading_id=reading.id,
                key=card.key,
                seen_at=card.row.seen_at,
            )
        )
    session.flush()
    return count


def _make_reading(card: _Card, now: datetime) -> Reading:
    page_id = card.row.page_ids[0]
    return Reading(
        page_id=page_id,
        site_id=card.row.site_id,
        reader_version=card.row.reader_version,
        # Several readings of one page: the key tells them apart.
        pages_sha256=hashlib.sha256(f"{page_id}#{card.key}".encode()).hexdigest(),
        kind=CARD,
        confidence=card.row.confidence,
        title=card.card.title,
        description="",
        fields=make_fields(card.card),
        leftovers=[],
        seen_at=card.row.seen_at,
        content_sha256=card.card.content_sha256,
        created_at=now,
    )


def _make(card: _Card, seller: Seller | None) -> Listing:
    listing = Listing(
        site_id=card.row.site_id,
        key=card.key,
        source=CARD,
        seller_id=None if seller is None else seller.id,
        first_seen=card.row.seen_at,
        last_seen=card.row.seen_at,
    )
    _fill(listing, card)
    return listing


def _fill(listing: Listing, card: _Card) -> None:
    listing.url = card.card.url
    listing.title = card.card.title
    listing.price_amount = check_amount(card.card.price_amount)
    listing.price_currency = card.card.price_currency
    listing.content_sha256 = card.card.content_sha256
