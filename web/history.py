"""The history of one listing as its page shows it: prices and their worth, changed words, near copies, ratings.

Public names: Past, Step, find_past, write_past.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from storage.copies import NearCopy, count_copies, find_copies
from storage.feedback import Sales, count_sales, find_feedback
from storage.history import Change, History, Span, find_history
from storage.rates import Valued, value_in
from storage.tables import Feedback, Listing
from web.words import say_price

BASE = "USD"
MOST_COPIES, MOST_RATINGS, MOST_CHANGES, MOST_PRICES = 20, 20, 30, 30
WIDTH, HEIGHT, EDGE = 600, 90, 8
"""Of the chart, in its own units."""
LEAST_POINTS = 3
"""Different prices from which on a drawing tells more than two lines of a table."""

KINDS = {
    "same_seller": "same seller",
    "other_seller": "another seller of this site",
    "other_site": "another site",
}


@dataclass(frozen=True)
class Step:
    """A price with what it was worth on the day when it was first seen; worth None: no rate near that day is known."""

    span: Span
    worth: Valued | None


@dataclass(frozen=True)
class Chart:
    """A line of steps. points: for an SVG polyline in a box of WIDTH by HEIGHT."""

    points: str
    low: str
    high: str
    left_out: int
    """Prices in another currency than the line's."""


@dataclass(frozen=True)
class Past:
    """What the page shows of a listing's past; the newest first."""

    history: History
    prices: tuple[Step, ...]
    worth: Valued | None
    """Of the present price, on the day of the listing's present reading."""
    chart: Chart | None
    changes: tuple[Change, ...]
    copies: tuple[NearCopy, ...]
    copies_in_all: int
    sales: Sales
    seller_sales: Sales
    ratings: tuple[Feedback, ...]


def find_past(session: Session, listing: Listing) -> Past:
    """Everything about a listing's past, in pieces small enough for one page."""
    history = find_history(session, listing.id)
    steps = tuple(
        Step(span, _find_worth(session, span.amount, span.currency, span.since))
        for span in reversed(history.prices[-MOST_PRICES:])
    )
    sold = Sales() if listing.seller_id is None else count_sales(session, seller_id=listing.seller_id)
    return Past(
        history=history,
        prices=steps,
        worth=_find_worth(session, listing.price_amount, listing.price_currency, listing.reading.seen_at),
        chart=_draw(history.prices),
        changes=tuple(reversed(history.changes[-MOST_CHANGES:])),
        copies=tuple(find_copies(session, listing.id, limit=MOST_COPIES)),
        copies_in_all=count_copies(session, listing.id),
        sales=count_sales(session, listing_id=listing.id),
        seller_sales=sold,
        ratings=tuple(find_feedback(session, listing_id=listing.id, limit=MOST_RATINGS)),
    )


def _find_worth(session: Session, amount: Decimal | None, currency: str, at: datetime) -> Valued | None:
    if amount is None or not currency or currency == BASE:
        return None
    return value_in(session, amount, code=currency, base=BASE, day=at.date())


def _draw(spans: Sequence[Span]) -> Chart | None:
    """The prices in the currency that most of them have, each drawn from when it was first seen to the next one."""
    currencies = Counter(span.currency for span in spans if span.amount is not None)
    if not currencies:
        return None
    currency = currencies.most_common(1)[0][0]
    line = [span for span in spans if span.amount is not None and span.currency == currency]
    amounts = [span.amount for span in line if span.amount is not None]
    low, high = min(amounts), max(amounts)
    start, end = line[0].since, line[-1].until
    if len(line) < LEAST_POINTS or low == high or start == end:
        return None
    points = []
    # What it asked between two sightings nobody saw: the last price seen is drawn on, as steps.
    for span, amount, until in zip(line, amounts, [*(later.since for later in line[1:]), end], strict=True):
        y = EDGE + float((high - amount) / (high - low)) * (HEIGHT - 2 * EDGE)
        for at in (span.since, until):
            x = EDGE + (at - start) / (end - start) * (WIDTH - 2 * EDGE)
            points.append(f"{x:.1f},{y:.1f}")
    left_out = sum(currencies.values()) - currencies[currency]
    return Chart(" ".join(points), say_price(low, currency), say_price(high, currency), left_out)


# --- the same for other tools ---


def write_past(past: Past) -> dict[str, Any]:
    """The past as plain values: times as ISO text in UTC, money as text to the digit."""
    history = past.history
    return {
        "sightings": {"count": history.sightings, "of_cards": history.of_cards},
        "worth": _write_worth(past.worth),
        "prices": [
            {
                "since": _iso(step.span.since), "until": _iso(step.span.until), "amount": _money(step.span.amount),
                "currency": step.span.currency, "text": step.span.text, "sightings": step.span.sightings,
                "page": step.span.page_id, "seen_on": "card" if step.span.of_card else "page",
                "worth": _write_worth(step.worth),
            }
            for step in past.prices
        ],
        "changes": [
            {
                "at": _iso(change.at), "field": change.field, "before": change.before, "after": change.after,
                "page": change.page_id, "reading": change.reading_id,
                "seen_on": "card" if change.of_card else "page", "other_reader": change.other_reader,
            }
            for change in past.changes
        ],
        "near_copies": {
            "count": past.copies_in_all,
            "shown": [
                {
                    "listing": copy.listing.id, "site": copy.listing.site.name, "title": copy.listing.title,
                    "seller": copy.listing.seller.name if copy.listing.seller is not None else "",
                    "similarity": round(copy.similarity, 3), "kind": copy.kind, "since": _iso(copy.first_seen),
                }
                for copy in past.copies
            ],
        },
        "ratings": {
            "count": past.sales.ratings, "good": past.sales.good, "neutral": past.sales.neutral, "bad": past.sales.bad,
            "of_the_seller": past.seller_sales.ratings,
            "shown": [
                {
                    "sign": rating.sign, "stars": rating.stars, "text": rating.text, "product": rating.product,
                    "price_amount": _money(rating.price_amount), "price_currency": rating.price_currency,
                    "at": _iso(rating.at), "date_text": rating.date_text, "page": rating.page_id,
                }
                for rating in past.ratings
            ],
        },
    }  # fmt: skip


def _write_worth(worth: Valued | None) -> dict[str, Any] | None:
    if worth is None:
        return None
    return {
        "amount": _money(worth.amount), "currency": worth.base, "rate": _money(worth.rate),
        "day": worth.day.isoformat(), "source": worth.source,
    }  # fmt: skip


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat(timespec="seconds")


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount, "f")
