"""Ratings that buyers left: evidence that something was sold, each kept once however often it is seen.

Public names: FeedbackRow, Sales, store_feedback, count_sales, find_feedback, mask_buyer.

Buyers are no subject of this tool: of a name at most the first and the last character is kept, and nothing finds by it.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from storage.grouping import EARLIEST, LATEST, check_amount
from storage.tables import Feedback, Listing, Seller
from storage.types import clean_text

if TYPE_CHECKING:
    from storage.readings import ReadingRow

MOST_OF_A_PAGE = 500
MOST_TITLES = 5_000
SIGNS = ("good", "neutral", "bad")
_CHUNK = 400
_EXACT = re.compile(r"(19|20)\d\d|\d[./-]\d")
_YEAR = 365


@dataclass(frozen=True)
class FeedbackRow:
    """One rating as read. at: its time where the page tells one, relative ones resolved; date_text: as it stood there."""

    sign: str = ""
    stars: float | None = None
    text: str = ""
    product: str = ""
    buyer: str = ""
    price_amount: Decimal | None = None
    price_currency: str = ""
    price_text: str = ""
    at: datetime | None = None
    date_text: str = ""


@dataclass(frozen=True)
class Sales:
    """How many ratings speak of a sale, by sign, and from when to when. A rating without a sign counts in all only."""

    ratings: int = 0
    good: int = 0
    neutral: int = 0
    bad: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None


@dataclass(frozen=True)
class Rated:
    """Where ratings stood: the page's row, its reading's id, its seller, and the listing when it is a listing's page."""

    row: ReadingRow
    reading_id: int
    seller: Seller | None
    listing: Listing | None


def mask_buyer(name: str) -> str:
    """At most the first and the last character: "a***z"; of a name of one or two characters nothing."""
    name = clean_text(name).strip()
    if not name:
        return ""
    return "***" if len(name) < 3 else f"{name[0]}***{name[-1]}"


def store_feedback(session: Session, rated: Sequence[Rated]) -> int:
    """Keep the ratings of a batch; how many are new. One that is known only gets a later last_seen."""
    wanted: list[tuple[Rated, FeedbackRow, list[str]]] = [
        (place, item, _find_keys(place, item))
        for place in rated
        for item in place.row.feedback[:MOST_OF_A_PAGE]
        if item.sign or item.stars is not None or item.text.strip() or item.product.strip()
    ]
    if not wanted:
        return 0
    known = _find_known(session, wanted)
    titles = _Titles(session)
    new = 0
    for place, item, keys in wanted:
        found = next((row for key in keys if (row := known.get((place.row.site_id, key)))), None)
        if found is None:
            found = _make(place, item, keys[0])
            session.add(found)
            known[place.row.site_id, keys[0]] = found
            new += 1
        found.first_seen = min(found.first_seen, place.row.seen_at)
        found.last_seen = max(found.last_seen, place.row.seen_at)
        if found.listing_id is None:
            found.listing_id = titles.find(place, item.product)
        if found.seller_id is None and place.seller is not None:
            found.seller_id = place.seller.id
    session.flush()
    return new


def count_sales(session: Session, *, listing_id: int | None = None, seller_id: int | None = None) -> Sales:
    """The ratings of one listing, of one seller, or of both together where both are given."""
    counts = [func.coalesce(func.sum(case((Feedback.sign == sign, 1), else_=0)), 0) for sign in SIGNS]
    row = session.execute(
        select(func.count(), *counts, func.min(Feedback.at), func.max(Feedback.at)).where(
            *_of(listing_id, seller_id)
        )
    ).one()
    return Sales(int(row[0]), int(row[1]), int(row[2]), int(row[3]), row[4], row[5])


def find_feedback(
    session: Session, *, listing_id: int | None = None, seller_id: int | None = None, limit: int = 50
) -> list[Feedback]:
    """The newest ratings of one listing or one seller."""
    order = func.coalesce(Feedback.at, Feedback.first_seen).desc()
    statement = select(Feedback).where(*_of(listing_id, seller_id)).order_by(order, Feedback.id.desc())
    return list(session.scalars(statement.limit(limit)))


def _of(listing_id: int | None, seller_id: int | None) -> list[ColumnElement[bool]]:
    wanted = []
    if listing_id is not None:
        wanted.append(Feedback.listing_id == listing_id)
    if seller_id is not None:
        wanted.append(Feedback.seller_id == seller_id)
    return wanted


# --- when two are the same ---


def _find_keys(place: Rated, item: FeedbackRow) -> list[str]:
    """The key of a rating, and those that it may have had: "2 weeks ago" is another day each time it is read."""
    price = "" if item.price_amount is None else format(check_amount(item.price_amount) or Decimal(0), "f")
    product = item.product or (place.row.title if place.listing is not None else "")
    parts = (
        "" if place.seller is None else place.seller.name,
        _fold(item.text),
        _fold(product),
        mask_buyer(item.buyer),
        f"{price} {item.price_currency}",
    )

    def key(day: str) -> str:
        return hashlib.sha256("\x1f".join((*parts, day)).encode("utf-8", "surrogatepass")).hexdigest()

    reach = -1 if item.at is None else _find_reach(item.at, item.date_text, place.row.seen_at)
    if item.at is None or reach < 0:
        return [key("")]
    days = [0, *(sign * each for each in range(1, reach + 1) for sign in (-1, 1))]
    return [key((item.at + timedelta(days=each)).date().isoformat()) for each in days]


def _find_reach(at: datetime, text: str, seen_at: datetime) -> int:
    """By how many days a date may be off: none where the page shows one, else by the unit that it counts in; -1: any."""
    if not text or _EXACT.search(text):
        return 0
    days = (seen_at - at).days
    return 1 if days < 7 else 7 if days < 31 else 31 if days < _YEAR else -1


def _fold(text: str) -> str:
    return " ".join(clean_text(text).casefold().split())


def _find_known(
    session: Session, wanted: Sequence[tuple[Rated, FeedbackRow, list[str]]]
) -> dict[tuple[int, str], Feedback]:
    sites = {place.row.site_id for place, _, _ in wanted}
    keys = sorted({key for _, _, found in wanted for key in found})
    known: dict[tuple[int, str], Feedback] = {}
    for begin in range(0, len(keys), _CHUNK):
        rows = session.scalars(
            select(Feedback).where(
                Feedback.site_id.in_(sites), Feedback.key.in_(keys[begin : begin + _CHUNK])
            )
        )
        known |= {(row.site_id, row.key): row for row in rows}
    return known


class _Titles:
    """The titles of a seller's listings, read once for a batch."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._of: dict[int, dict[str, list[int]]] = {}

    def find(self, place: Rated, product: str) -> int | None:
        """The listing whose title the product is, of that seller; without a product, the page's own."""
        if place.listing is not None and (
            not product.strip() or _fold(product) == _fold(place.listing.title)
        ):
            return place.listing.id
        if place.seller is None or not product.strip():
            return None
        ids = self._load(place.seller.id).get(_fold(product), [])
        return ids[0] if len(ids) == 1 else None  # two of one title: which of them was sold is not known

    def _load(self, seller_id: int) -> dict[str, list[int]]:
        if seller_id not in self._of:
            titles: dict[str, list[int]] = defaultdict(list)
            rows = self._session.execute(
                select(Listing.id, Listing.title).where(Listing.seller_id == seller_id).limit(MOST_TITLES)
            )
            for listing_id, title in rows:
                titles[_fold(title)].append(listing_id)
            self._of[seller_id] = titles
        return self._of[seller_id]


def _make(place: Rated, item: FeedbackRow, key: str) -> Feedback:
    row = place.row
    return Feedback(
        site_id=row.site_id,
        key=key,
        run_id=row.run_id,
        page_id=row.page_ids[0],
        reading_id=place.reading_id,
        seller_id=None if place.seller is None else place.seller.id,
        sign=item.sign if item.sign in SIGNS else "",
        stars=item.stars if item.stars is not None and 0 <= item.stars <= 5 else None,
        text=item.text[:5_000],
        product=item.product[:500],
        buyer=mask_buyer(item.buyer),
        price_amount=check_amount(item.price_amount),
        price_currency=item.price_currency[:8],
        price_text=item.price_text[:500],
        at=item.at if item.at is not None and EARLIEST <= item.at < LATEST else None,
        date_text=item.date_text[:100],
        first_seen=row.seen_at,
        last_seen=row.seen_at,
    )
