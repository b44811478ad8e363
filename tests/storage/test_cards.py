"""A card and the full page are one listing; what a card says otherwise stands in the history."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from storage.cards import MOST_CARDS
from storage.cardtext import CardRow
from storage.engine import reading
from storage.readings import Counts, store_readings
from storage.runs import find_run
from storage.scores import find_unscored
from storage.tables import Listing, Reading, ReadingPage, Seller, Sighting
from storage.verdicts import give_verdict

if TYPE_CHECKING:
    from conftest import Store

TITLE = "Old carved figure, family piece"


class Market:
    """One site, with short ways to see its listings from outside and inside."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.site = store.site()
        self.run = store.run(self.site)
        self.day = 0

    def next_run(self) -> None:
        self.run = self.store.run(self.site)
        self.day += 1

    def card(self, key: str = "1", **changes: Any) -> CardRow:
        plain = CardRow(
            key, f"http://site/p/{key}", TITLE, "c" * 64, "grey_heron", Decimal("410"), "USD", f"{TITLE} $410"
        )
        return replace(plain, **changes)

    def row(self, **changes: Any) -> Any:
        at = self.store.now + timedelta(days=self.day)
        page = self.store.page(self.site, self.run)
        return self.store.row(page, self.site, self.run, seen_at=at, **changes)

    def keep(self, *rows: Any) -> Counts:
        return store_readings(self.store.engine, rows, now=self.store.now)

    def show(self, *cards: CardRow, **changes: Any) -> Counts:
        """A search page with these cards."""
        return self.keep(self.list_row(*cards, **changes))

    def list_row(self, *cards: CardRow, **changes: Any) -> Any:
        changes = {
            "kind": "search",
            "source": "",
            "key": "",
            "seller": "",
            "title": "",
            "description": "",
            **changes,
        }
        return self.row(cards=cards, **changes)

    def full_row(self, key: str = "1", **changes: Any) -> Any:
        price = {"value": str(changes.get("price_amount", "410.00"))}
        fields = {"price_amount": price, "price_currency": {"value": changes.get("price_currency", "USD")}}
        changes = {"title": TITLE, "price_amount": Decimal("410.00"), "price_currency": "USD", **changes}
        return self.row(key=key, fields=fields, **changes)

    def read(self, key: str = "1", **changes: Any) -> Counts:
        """The listing's own page."""
        return self.keep(self.full_row(key, **changes))

    def all(self, table: type[Any]) -> list[Any]:
        with reading(self.store.engine) as session:
            return list(session.scalars(select(table).order_by(table.id)))


@pytest.fixture
def market(store: Store) -> Market:
    return Market(store)


def test_an_unknown_card_is_a_listing_of_its_own_that_is_scored_on_its_title(market: Market) -> None:
    assert market.show(market.card()) == Counts(new_listings=1, changed=0, sightings=1, readings=2)
    (listing,) = market.all(Listing)
    assert (listing.source, listing.key, listing.title) == ("card", "1", TITLE)
    assert (listing.price_amount, listing.price_currency, listing.url) == (410, "USD", "http://site/p/1")
    assert [seller.name for seller in market.all(Seller)] == ["grey_heron"]
    with reading(market.store.engine) as session:
        (waits,) = find_unscored(session, model_version="m1", limit=9)
        assert (waits.reading_id, waits.title, waits.description) == (listing.reading_id, TITLE, "")
        assert session.scalars(select(ReadingPage.reading_id).order_by(ReadingPage.reading_id)).all() == [
            1,
            2,
        ]
        assert find_run(session, market.run).listings == 1


def test_the_full_page_takes_the_card_s_listing_over(market: Market) -> None:
    market.show(market.card())
    market.next_run()
    assert market.read(seller="") == Counts(0, 1, 1, 1)
    (listing,) = market.all(Listing)
    assert (listing.source, listing.reading_id) == ("listing", 3)
    assert listing.seller_id == 1  # the page names none; the card did
    assert listing.first_seen == market.store.now
    assert [sighting.reading_id for sighting in market.all(Sighting)] == [2, 3]


def test_an_older_page_takes_over_too(market: Market) -> None:
    market.day = 3
    market.show(market.card())
    market.day = 0
    market.read()
    assert [listing.source for listing in market.all(Listing)] == ["listing"]


@pytest.mark.parametrize("one_batch", [True, False])
def test_in_one_run_the_page_s_reading_wins(market: Market, one_batch: bool) -> None:
    rows = [market.list_row(market.card(price_amount=Decimal(5))), market.full_row()]
    if one_batch:
        market.keep(*rows)
    else:
        market.keep(rows[0])
        market.keep(rows[1])
    (sighting,) = market.all(Sighting)
    assert sighting.page_id == rows[1].page_ids[0]
    assert [listing.source for listing in market.all(Listing)] == ["listing"]


def test_an_unchanged_card_is_a_sighting_and_no_reading(market: Market) -> None:
    market.read()
    market.next_run()
    assert market.show(market.card(), market.card()) == Counts(0, 0, 1, 1)
    (listing,) = market.all(Listing)
    assert listing.last_seen == market.store.now + timedelta(days=1)
    first, second = market.all(Sighting)
    assert second.reading_id == first.reading_id
    assert second.page_id != first.page_id


def test_a_listing_is_sighted_once_in_a_run_however_many_lists_show_it(market: Market) -> None:
    market.show(market.card())
    assert market.show(market.card(price_amount=Decimal(9))) == Counts(0, 0, 0, 1)
    assert len(market.all(Sighting)) == 1


@pytest.mark.parametrize(
    ("change", "readings"),
    [
        ({"price_amount": Decimal("410.000")}, 0),
        ({"price_amount": None, "price_currency": ""}, 0),
        ({"price_amount": Decimal("0.004"), "price_currency": "BTC"}, 0),
        ({"price_amount": Decimal("390")}, 1),
        ({"title": "Old carved fig…"}, 0),
        ({"title": "Old carved fig..."}, 0),
        ({"title": "Old carved figure, fa"}, 0),
        ({"title": "OLD  CARVED figure, family piece"}, 0),
        ({"title": "Old"}, 1),
        ({"title": "New carved figure, family piece"}, 1),
    ],
)
def test_what_a_card_says_otherwise_is_a_reading(
    market: Market, change: dict[str, Any], readings: int
) -> None:
    market.read()
    market.next_run()
    market.show(market.card(**change))
    assert len([each for each in market.all(Reading) if each.kind == "card"]) == readings
    (listing,) = market.all(Listing)
    assert (listing.title, listing.price_amount, listing.source) == (TITLE, 410, "listing")


def test_a_changed_card_that_stays_changed_makes_one_reading(market: Market) -> None:
    market.read()
    for _ in range(3):
        market.next_run()
        market.show(market.card(price_amount=Decimal(390)))
    market.next_run()
    market.show(market.card())
    assert [sighting.reading_id for sighting in market.all(Sighting)] == [1, 3, 3, 3, 1]


def test_a_card_only_listing_follows_its_cards(market: Market) -> None:
    market.show(market.card())
    market.next_run()
    market.show(market.card(title="Two carved figures", price_amount=Decimal(700)))
    (listing,) = market.all(Listing)
    assert (listing.title, listing.price_amount, listing.source) == ("Two carved figures", 700, "card")


def test_the_same_page_again_changes_nothing(market: Market) -> None:
    row = market.list_row(market.card(), market.card("2", title="Another thing"))
    market.keep(row)
    before = [len(market.all(table)) for table in (Listing, Sighting, Reading)]
    assert market.keep(row) == Counts(0, 0, 0, 0)
    assert [len(market.all(table)) for table in (Listing, Sighting, Reading)] == before


def test_a_better_reader_reads_a_card_of_the_same_page_again(market: Market) -> None:
    row = market.list_row(market.card(title="Old carved"))
    market.keep(row)
    better = replace(row, reader_version="r2", cards=(market.card(title="Old carved figure of a crane"),))
    market.keep(better)
    (listing,) = market.all(Listing)
    (sighting,) = market.all(Sighting)
    assert listing.title == "Old carved figure of a crane"
    assert sighting.reading_id == listing.reading_id == 4


def test_a_card_of_a_copy_is_a_sighting_of_the_listing_that_the_copy_went_to(market: Market) -> None:
    market.read("1")
    market.read("2")
    market.next_run()
    market.show(market.card("2"))
    assert len(market.all(Listing)) == 1
    assert market.all(Sighting)[-1].key == "2"


def test_two_cards_of_one_seller_with_one_title_are_two_listings(market: Market) -> None:
    market.show(market.card("1"), market.card("2"))
    assert len(market.all(Listing)) == 2


def test_a_card_s_listing_that_turns_out_to_be_a_copy_goes_to_the_first(market: Market) -> None:
    market.read("1")
    market.show(market.card("2"))
    market.next_run()
    assert market.read("2") == Counts(0, 0, 1, 1)
    (listing,) = market.all(Listing)
    assert listing.key == "1"
    assert [sighting.key for sighting in market.all(Sighting)] == ["1", "2"]


def test_a_card_s_listing_that_a_person_judged_stays(market: Market) -> None:
    market.read("1")
    market.show(market.card("2"))
    judged = market.all(Listing)[1]
    give_verdict(
        market.store.engine,
        listing_id=judged.id,
        reading_id=judged.reading_id,
        user_id=market.store.user(),
        labels=("ivory",),
        guideline_version="g",
        now=market.store.now,
    )
    market.next_run()
    market.read("2")
    assert [listing.source for listing in market.all(Listing)] == ["listing", "listing"]


def test_cards_of_two_sites_with_one_key_stay_apart(market: Market) -> None:
    market.show(market.card())
    other = market.store.site("greyhall")
    run = market.store.run(other)
    row = market.list_row(market.card())
    row = replace(row, site_id=other, run_id=run, page_ids=(market.store.page(other, run),))
    market.keep(row)
    assert [(listing.site_id, listing.key) for listing in market.all(Listing)] == [
        (market.site, "1"),
        (other, "1"),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"title": " \n "},
        {"key": ""},
    ],
)
def test_a_card_without_title_or_key_is_nothing(market: Market, change: dict[str, Any]) -> None:
    market.show(market.card(**change))
    assert market.all(Listing) == []


def test_hostile_cards_are_kept_within_bounds(market: Market) -> None:
    cards = [market.card(str(number)) for number in range(MOST_CARDS + 20)]
    cards[0] = market.card(
        "k" * 5_000,
        title="\ud800 t\x00itle",
        price_amount=Decimal("1E+999999"),
        price_currency="C" * 50,
        seller="s" * 2_000,
        text="x" * 100_000,
    )
    market.show(*cards)
    listings = market.all(Listing)
    assert len(listings) == MOST_CARDS
    assert (len(listings[0].key), listings[0].price_amount) == (300, None)
    assert len(str(market.all(Reading)[1].fields)) < 4_000
