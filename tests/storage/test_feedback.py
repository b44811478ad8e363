"""Ratings are evidence of a sale, kept once each; of a buyer nearly nothing is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from storage.engine import reading
from storage.feedback import FeedbackRow, count_sales, find_feedback, mask_buyer
from storage.readings import Counts, store_readings
from storage.tables import Feedback

if TYPE_CHECKING:
    from conftest import Store

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
ITEM = FeedbackRow(
    sign="good",
    stars=5.0,
    text="Came fast, well packed.",
    product="Carved figure",
    buyer="m***k",
    price_amount=Decimal("410"),
    price_currency="USD",
    at=NOW - timedelta(days=3),
    date_text="2026-10-30",
)


class Ratings:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.site = store.site()
        self.run = store.run(self.site)

    def keep(self, *items: FeedbackRow, days: int = 0, **changes: Any) -> Counts:
        """A seller's page with these ratings."""
        changes = {"kind": "seller", "source": "", "key": "", "title": "", "description": "", **changes}
        page = self.store.page(self.site, self.run)
        at = self.store.now + timedelta(days=days)
        row = self.store.row(page, self.site, self.run, feedback=items, seen_at=at, **changes)
        return store_readings(self.store.engine, [row], now=self.store.now)

    def all(self) -> list[Feedback]:
        with reading(self.store.engine) as session:
            return list(session.scalars(select(Feedback).order_by(Feedback.id)))


@pytest.fixture
def ratings(store: Store) -> Ratings:
    return Ratings(store)


@pytest.mark.parametrize(
    ("name", "masked"),
    [("", ""), ("a", "***"), ("ab", "***"), ("abc", "a***c"), ("greyheron77", "g***7"), ("g*****n", "g***n"),
     ("  long name  ", "l***e"), ("买家很好", "买***好")],
)  # fmt: skip
def test_of_a_buyer_at_most_two_characters_are_kept(name: str, masked: str) -> None:
    assert mask_buyer(name) == masked


def test_a_rating_is_kept_with_its_seller_listing_and_price(ratings: Ratings) -> None:
    listing, _ = ratings.store.listing(ratings.site, ratings.run, "1", title="Carved figure")
    assert ratings.keep(replace(ITEM, buyer="marek.k")).feedback == 1
    (row,) = ratings.all()
    assert (row.listing_id, row.sign, row.stars, row.buyer) == (listing, "good", 5.0, "m***k")
    assert (row.price_amount, row.price_currency, row.at) == (410, "USD", ITEM.at)
    assert row.seller_id == 1


def test_the_same_rating_seen_again_only_moves_last_seen(ratings: Ratings) -> None:
    ratings.keep(ITEM)
    assert ratings.keep(ITEM, days=20).feedback == 0
    (row,) = ratings.all()
    assert (row.first_seen, row.last_seen) == (NOW, NOW + timedelta(days=20))


@pytest.mark.parametrize(
    "change",
    [
        {"text": "Other words"},
        {"buyer": "z***a"},
        {"price_amount": Decimal("411")},
        {"product": "Other thing"},
        {"at": NOW - timedelta(days=4), "date_text": "2026-10-29"},
    ],
)
def test_another_rating_is_another_sale(ratings: Ratings, change: dict[str, Any]) -> None:
    ratings.keep(ITEM, replace(ITEM, **change))
    assert len(ratings.all()) == 2


@pytest.mark.parametrize(
    ("ago", "text", "later", "off"),
    [(0, "5 hours ago", 1, 1), (3, "3 days ago", 2, -1), (14, "vor 2 Wochen", 5, 5), (60, "2 months ago", 25, 25),
     (730, "2 years ago", 300, 300)],
)  # fmt: skip
def test_a_relative_date_that_moves_with_the_reading_is_one_sale(
    ratings: Ratings, ago: int, text: str, later: int, off: int
) -> None:
    at = NOW - timedelta(days=ago)
    ratings.keep(replace(ITEM, at=at, date_text=text))
    ratings.keep(replace(ITEM, at=at + timedelta(days=off), date_text=text), days=later)
    assert len(ratings.all()) == 1


def test_a_rating_on_the_listing_s_page_and_on_the_seller_s_is_one_sale(ratings: Ratings) -> None:
    ratings.keep(
        replace(ITEM, product=""),
        kind="listing",
        source="listing",
        key="1",
        title="Carved figure",
        description="x",
    )
    ratings.keep(ITEM, days=1)
    (row,) = ratings.all()
    assert row.listing_id == 1


def test_a_rating_finds_its_listing_when_that_is_read_later(ratings: Ratings) -> None:
    ratings.keep(ITEM)
    assert ratings.all()[0].listing_id is None
    listing, _ = ratings.store.listing(ratings.site, ratings.run, "1", title="CARVED figure")
    ratings.keep(ITEM, days=1)
    assert ratings.all()[0].listing_id == listing


def test_two_listings_of_one_title_leave_the_rating_without_one(ratings: Ratings) -> None:
    for key in "12":
        ratings.store.listing(
            ratings.site, ratings.run, key, title="Carved figure", description=f"text {key}"
        )
    ratings.keep(ITEM)
    assert ratings.all()[0].listing_id is None


def test_a_rating_of_another_thing_on_a_listing_s_page_is_not_the_listing_s(ratings: Ratings) -> None:
    ratings.keep(
        replace(ITEM, product="Other thing"), kind="listing", source="listing", key="1", title="Carved figure"
    )
    assert ratings.all()[0].listing_id is None


def test_sales_are_counted_by_listing_and_seller(ratings: Ratings) -> None:
    listing, _ = ratings.store.listing(ratings.site, ratings.run, "1", title="Carved figure")
    ratings.keep(
        ITEM, replace(ITEM, text="Never came.", sign="bad"), replace(ITEM, product="Other", sign="", stars=4)
    )
    with reading(ratings.store.engine) as session:
        here = count_sales(session, listing_id=listing)
        assert (here.ratings, here.good, here.neutral, here.bad) == (2, 1, 0, 1)
        assert here.first_at == here.last_at == ITEM.at
        assert count_sales(session, seller_id=1).ratings == 3
        assert count_sales(session, listing_id=99) == type(here)()
        assert len(find_feedback(session, seller_id=1, limit=2)) == 2


def test_an_empty_rating_and_wild_values_are_not_kept(ratings: Ratings) -> None:
    ratings.keep(
        FeedbackRow(buyer="somebody"),
        FeedbackRow(
            sign="excellent",
            stars=900.0,
            text="\ud800\x00" + "t" * 90_000,
            product="p" * 9_000,
            buyer="b" * 9_000,
            price_amount=Decimal("1E+999999"),
            price_currency="x" * 90,
            at=NOW.replace(year=1970),
            date_text="d" * 900,
        ),
    )
    (row,) = ratings.all()
    assert (row.sign, row.stars, row.price_amount, row.at) == ("", None, None, None)
    assert (len(row.text), len(row.product), row.buyer) == (5_000, 500, "b***b")


def test_contacts_of_a_seller_s_page_are_the_seller_s(ratings: Ratings) -> None:
    from storage.tables import Contact

    ratings.keep(contacts=(("email", "pier.nine@example.org", True),))
    with reading(ratings.store.engine) as session:
        assert session.scalars(select(Contact.seller_id)).one() == 1
