"""What a page shows besides its own subject, as rows: cards of listings, ratings by buyers.

Public names: CARD_KINDS, make_card_rows, make_feedback_rows.

Pure. Only cards that lead to a listing of the same site count: by the site file's patterns where it has some, else only
those that name a price, because a list of categories is made of cards too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urljoin, urlsplit

from crawler.dedup import content_hash
from crawler.groups import LISTING_KINDS
from crawler.links import MAX_URL, normalise_url
from crawler.siteconfig import SiteConfig
from crawler.urls import split_url
from crawler.values import Card, PageReading
from storage.cardtext import CardRow
from storage.feedback import FeedbackRow

CARD_KINDS = ("search", "home", "seller")
MOST_CARDS = 500
MOST_RATINGS = 500
MOST_TITLE = 500


def make_card_rows(reading: PageReading, *, url: str, config: SiteConfig | None) -> tuple[CardRow, ...]:
    """The cards of a list page that lead to listings of its site, each key once. `url` is the page's own."""
    if reading.kind not in CARD_KINDS:
        return ()
    owner = reading.text("name") if reading.kind == "seller" else ""
    own = {split_url(url).netloc.lower(), *(config.addresses if config is not None else ())}
    rows: dict[str, CardRow] = {}
    for card in reading.cards[:MOST_CARDS]:
        address = _resolve(card.url, url, own)
        key = "" if address is None else _find_key(address, card, config)
        title = card.title.strip()[:MOST_TITLE]
        if address is None or not key or not title or key in rows:
            continue
        seller = card.seller or owner
        rows[key] = CardRow(
            key=key,
            url=urljoin(url, address),
            title=title,
            content_sha256=content_hash(title, "", seller),
            seller=seller,
            price_amount=card.price_amount,
            price_currency=card.price_currency,
            text=card.raw,
        )
    return tuple(rows.values())


def _resolve(target: str, url: str, own: set[str]) -> str | None:
    """The path of a link to the same site, in the one spelling that the crawl asks for; None for any other."""
    if not target or len(target) > MAX_URL:
        return None
    try:
        parts = urlsplit(urljoin(url, target.strip()))
        if parts.scheme not in ("http", "https") or parts.netloc.lower() not in own:
            return None
        return normalise_url(parts)
    except (ValueError, UnicodeError):
        return None


def _find_key(path: str, card: Card, config: SiteConfig | None) -> str:
    """The key that the reading of the full page has; "" for what is no listing."""
    if config is not None and any(config.kinds.get(kind) for kind in LISTING_KINDS):
        match = config.kind_of(path)
        return (match.key or path) if match.kind in LISTING_KINDS else ""
    if config is not None and config.kind_of(path).kind != "other":
        return ""
    return path if card.price_amount is not None and path != "/" else ""


def make_feedback_rows(reading: PageReading) -> tuple[FeedbackRow, ...]:
    """The ratings that the reader found on the page."""
    found = reading.fields.get("feedback")
    if found is None or not isinstance(found.value, (list, tuple)):
        return ()
    return tuple(_make_rating(_plain(item)) for item in found.value[:MOST_RATINGS])


def _plain(item: Any) -> Mapping[str, Any]:
    return item if isinstance(item, Mapping) else vars(item) if hasattr(item, "__dict__") else {}


def _make_rating(item: Mapping[str, Any]) -> FeedbackRow:
    def text(*names: str) -> str:
        return next((str(item[name]) for name in names if item.get(name)), "")

    return FeedbackRow(
        sign=text("sign"),
        stars=_read_number(item.get("stars")),
        text=text("text"),
        product=text("product"),
        buyer=text("buyer"),
        price_amount=_read_amount(item.get("price_amount", item.get("price"))),
        price_currency=text("price_currency", "currency"),
        price_text=text("price_text"),
        at=_read_time(item.get("at")),
        date_text=text("date_text"),
    )


def _read_number(value: Any) -> float | None:
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None


def _read_amount(value: Any) -> Decimal | None:
    if value is None or isinstance(value, Decimal):
        return value
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


def _read_time(value: Any) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, datetime) and value.tzinfo is not None else None
