"""Which listing a reading belongs to: the rule of store_readings, for one batch inside its transaction.

Public names: Grouping, load_sellers, seller_name, shorten_key, check_amount.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from storage.absorbing import CARD, absorb
from storage.tables import Listing, Reading, Seller
from storage.types import clean_text

if TYPE_CHECKING:
    from storage.readings import ReadingRow

KEY_LENGTH = 300
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""Of the dates that a site shows for an ad; any other is not kept."""


class Grouping:
    """The sellers and listings that a batch can touch, read once and kept up to date while it is placed."""

    def __init__(self, session: Session, rows: Sequence[tuple[ReadingRow, str]]) -> None:
        self._session = session
        self._sellers = load_sellers(
            session,
            {(row.site_id, seller_name(row.seller)): row.seen_at for row, _ in reversed(rows) if row.seller},
        )
        self._by_key: dict[tuple[int, str], Listing] = {}
        self._by_content: dict[tuple[int, int, str], Listing] = {}
        self._current: dict[int, Reading] = {}
        self._load_listings([row for row, _ in rows])

    def find_seller(self, row: ReadingRow) -> Seller | None:
        """The row's seller, its last_seen brought up to date; None when the page named none."""
        if not row.seller:
            return None
        seller = self._sellers[row.site_id, seller_name(row.seller)]
        seller.first_seen = min(seller.first_seen, row.seen_at)
        seller.last_seen = max(seller.last_seen, row.seen_at)
        return seller

    def place(self, row: ReadingRow, reading: Reading, seller: Seller | None) -> tuple[Listing, str]:
        """The listing of a reading, and what became of it: "new", "changed", "same" or "copy"."""
        key = shorten_key(row.key)
        listing = self._by_key.get((row.site_id, key))
        outcome = "same"
        if (
            (listing is None or listing.source == CARD)
            and seller is not None
            and (row.title or row.description)
        ):
            twin = self._by_content.get((row.site_id, seller.id, row.content_sha256))
            if twin is not None and (listing is None or absorb(self._session, listing, into=twin)):
                listing, outcome = twin, "copy"
        if listing is None:
            listing = self._make(row, key, reading, seller)
            outcome = "new"
        elif outcome == "same" and listing.source == CARD:
            self._take_over(listing, row, reading, seller)
            outcome = "changed"
        elif outcome == "same" and self._differs(listing, reading):
            _fill(listing, row, reading, seller)
            self._current[id(listing)] = reading
            outcome = "changed"
        listing.first_seen = min(listing.first_seen, row.seen_at)
        listing.last_seen = max(listing.last_seen, row.seen_at)
        self._remember(listing)
        return listing, outcome

    def _make(self, row: ReadingRow, key: str, reading: Reading, seller: Seller | None) -> Listing:
        listing = Listing(
            site_id=row.site_id,
            key=key,
            source=row.source,
            first_seen=row.seen_at,
            last_seen=row.seen_at,
        )
        _fill(listing, row, reading, seller)
        self._session.add(listing)
        self._current[id(listing)] = reading
        return listing

    def _take_over(self, listing: Listing, row: ReadingRow, reading: Reading, seller: Seller | None) -> None:
        """A page's reading always says more than a card; only the seller may stand on the card alone."""
        known = listing.seller_id
        _fill(listing, row, reading, seller)
        listing.seller_id = known if seller is None else seller.id
        listing.source = row.source
        self._current[id(listing)] = reading

    def _differs(self, listing: Listing, reading: Reading) -> bool:
        """Whether a reading says something else than the listing's current one and is not older than it.

        An equal reading does not replace it: scores and verdicts of the current one stay those of the listing.
        """
        current = self._current[id(listing)]
        if reading.seen_at < current.seen_at:
            return False
        return (
            reading.reader_version != current.reader_version
            or reading.content_sha256 != current.content_sha256
            or clean_text(reading.title) != current.title
            or clean_text(reading.description) != current.description
            or _values(reading) != _values(current)
        )

    def _remember(self, listing: Listing) -> None:
        self._by_key[listing.site_id, listing.key] = listing
        if listing.seller_id is not None and listing.source != CARD:
            self._by_content.setdefault((listing.site_id, listing.seller_id, listing.content_sha256), listing)

    def _load_listings(self, rows: Sequence[ReadingRow]) -> None:
        if not rows:
            return
        conditions: list[ColumnElement[bool]] = [
            and_(
                Listing.site_id.in_({row.site_id for row in rows}),
                Listing.key.in_({shorten_key(row.key) for row in rows}),
            ),
            Listing.content_sha256.in_({row.content_sha256 for row in rows}),
        ]
        statement = (
            select(Listing, Reading).join(Reading, Listing.reading_id == Reading.id).where(or_(*conditions))
        )
        for listing, reading in self._session.execute(statement.order_by(Listing.id)):
            self._current[id(listing)] = reading
            self._remember(listing)


def load_sellers(session: Session, seen: Mapping[tuple[int, str], datetime]) -> dict[tuple[int, str], Seller]:
    """The sellers by (site, name as stored), those that nobody knew made; `seen` says when each was seen."""
    found = session.scalars(
        select(Seller).where(
            Seller.site_id.in_({site_id for site_id, _ in seen}),
            Seller.name.in_({name for _, name in seen}),
        )
    )
    sellers = {(seller.site_id, seller.name): seller for seller in found}
    for (site_id, name), seen_at in seen.items():
        if (site_id, name) not in sellers:
            seller = Seller(site_id=site_id, name=name, first_seen=seen_at, last_seen=seen_at)
            session.add(seller)
            sellers[site_id, name] = seller
    session.flush()
    return sellers


def shorten_key(key: str) -> str:
    """The key as stored: a very long one keeps its beginning and ends in its hash, so that two never fall together."""
    key = clean_text(key)
    if len(key) <= KEY_LENGTH:
        return key
    return f"{key[: KEY_LENGTH - 65]}~{hashlib.sha256(key.encode()).hexdigest()}"


def _fill(listing: Listing, row: ReadingRow, reading: Reading, seller: Seller | None) -> None:
    listing.url = row.url
    listing.seller_id = None if seller is None else seller.id
    listing.reading_id = reading.id
    listing.title = row.title
    listing.category = row.category
    listing.price_amount = check_amount(row.price_amount)
    listing.price_currency = row.price_currency
    listing.ships_from = row.ships_from
    listing.ships_to = row.ships_to
    # Dates of another age are misread or made up.
    listing.posted_at = row.posted_at if row.posted_at and EARLIEST <= row.posted_at < LATEST else None
    listing.content_sha256 = row.content_sha256


def _values(reading: Reading) -> dict[str, object]:
    """The fields' values alone: where on the page they stood does not matter, and ratings have a table of their own."""
    return {
        name: field.get("value") if isinstance(field, dict) else field
        for name, field in reading.fields.items()
        if name != "feedback"
    }


def seller_name(name: str) -> str:
    """A seller's name as stored."""
    return clean_text(name)[:300]


def check_amount(amount: Decimal | None) -> Decimal | None:
    """A price that can be one: finite, and of a size that 64 digits hold (1E+999999 would become a megabyte)."""
    if amount is None or not amount.is_finite() or not -20 <= amount.adjusted() <= 20:
        return None
    return amount if len(format(amount, "f")) <= 64 else None
