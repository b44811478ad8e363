"""Ten sightings are one ad: its prices as spans, its changes as words, each page once."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from storage.cardtext import CardRow
from storage.engine import reading
from storage.history import History, Piece, diff_words, find_history
from storage.readings import store_readings

if TYPE_CHECKING:
    from conftest import Store


class Ad:
    """One listing, seen day by day."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.site = store.site()
        self.day = -1

    def see(self, price: str | None = "410", currency: str = "USD", **changes: Any) -> int:
        """Its page on the next day; the page's id."""
        self.day += 1
        run = self.store.run(self.site)
        page = self.store.page(self.site, run)
        self.read(page, run, price, currency, **changes)
        return page

    def read(
        self, page: int, run: int, price: str | None = "410", currency: str = "USD", **changes: Any
    ) -> None:
        fields = {"price_currency": {"value": currency}} if price else {"price_text": {"value": "ask me"}}
        if price:
            fields["price_amount"] = {"value": price}
        fields |= changes.pop("fields", {})
        at = self.store.now + timedelta(days=self.day)
        amount = Decimal(price) if price else None
        row = self.store.row(
            page,
            self.site,
            run,
            seen_at=at,
            fields=fields,
            price_amount=amount,
            price_currency=currency,
            **changes,
        )
        store_readings(self.store.engine, [row], now=at)

    def show(self, **changes: Any) -> None:
        """A card of it on the next day."""
        self.day += 1
        run = self.store.run(self.site)
        plain = {"title": "Carved figure", "price_amount": Decimal(390), "price_currency": "USD", **changes}
        card = CardRow("1", "http://site/p/1", content_sha256="c" * 64, **plain)
        row = self.store.row(
            self.store.page(self.site, run), self.site, run, kind="search", source="", key="", seller="",
            seen_at=self.store.now + timedelta(days=self.day), cards=(card,),
        )  # fmt: skip
        store_readings(self.store.engine, [row], now=self.store.now)

    def history(self) -> History:
        with reading(self.store.engine) as session:
            return find_history(session, 1)


@pytest.fixture
def ad(store: Store) -> Ad:
    return Ad(store)


def test_equal_prices_in_a_row_are_one_span(ad: Ad) -> None:
    for price in ("410", "410.00", "395", "410"):
        ad.see(price)
    spans = ad.history().prices
    assert [(span.amount, span.sightings) for span in spans] == [(410, 2), (395, 1), (410, 1)]
    assert (spans[0].since, spans[0].until) == (ad.store.now, ad.store.now + timedelta(days=1))


def test_a_price_that_was_not_read_is_a_span_with_its_text(ad: Ad) -> None:
    ad.see("410")
    ad.see(None)
    ad.see(None)
    assert [(span.amount, span.text, span.sightings) for span in ad.history().prices] == [
        (410, "", 1),
        (None, "ask me", 2),
    ]


def test_cards_give_prices_and_sightings(ad: Ad) -> None:
    ad.see("410")
    ad.show()
    ad.show()
    ad.show(price_amount=None)
    history = ad.history()
    assert (history.sightings, history.of_cards, history.shown) == (4, 3, 4)
    assert [(span.amount, span.of_card, span.sightings) for span in history.prices] == [
        (410, False, 1),
        (390, True, 2),
        (410, True, 1),
    ]


def test_changes_name_field_page_and_words(ad: Ad) -> None:
    ad.see(description="Old family piece, small.", fields={"ships_to": {"value": ["EU"]}})
    page = ad.see(description="Old family piece, large.", fields={"ships_to": {"value": ["EU", "US"]}})
    ad.see(description="Old family piece, large.", fields={"ships_to": {"value": ["EU", "US"]}})
    first, second = ad.history().changes
    assert (first.field, first.page_id, first.before, first.after) == (
        "description", page, "Old family piece, small.", "Old family piece, large.",
    )  # fmt: skip
    assert first.pieces == (
        Piece("same", "Old family piece,"),
        Piece("gone", "small."),
        Piece("new", "large."),
    )
    assert (second.field, second.before, second.after) == ("ships_to", "EU", "EU, US")


def test_another_title_on_a_card_is_a_change(ad: Ad) -> None:
    ad.see()
    ad.show(title="Two figures", price_amount=None)
    (change,) = ad.history().changes
    assert (change.field, change.before, change.after, change.of_card) == (
        "title",
        "Carved figure",
        "Two figures",
        True,
    )


def test_a_page_read_again_by_a_better_reader_is_no_change(ad: Ad) -> None:
    page = ad.see(None, description="Bad")
    ad.read(page, 1, "410", description="Well read", reader_version="r2")
    history = ad.history()
    assert (history.shown, history.changes) == (1, ())
    assert [span.amount for span in history.prices] == [410]


def test_pages_read_by_two_versions_say_so(ad: Ad) -> None:
    ad.see(description="One")
    ad.see(description="Two", reader_version="r2")
    assert [change.other_reader for change in ad.history().changes] == [True]


def test_no_listing_has_no_history(ad: Ad) -> None:
    assert ad.history() == History()


@pytest.mark.parametrize(
    ("before", "after", "pieces"),
    [
        ("", "", []),
        ("a b", "a b", [("same", "a b")]),
        ("", "a", [("new", "a")]),
        ("a", "", [("gone", "a")]),
        ("a b c", "a x c", [("same", "a"), ("gone", "b"), ("new", "x"), ("same", "c")]),
        ("a a a", "a a", [("same", "a a"), ("gone", "a")]),
    ],
)
def test_the_words_of_a_change(before: str, after: str, pieces: list[tuple[str, str]]) -> None:
    assert [(piece.kind, piece.text) for piece in diff_words(before, after)] == pieces


def test_words_far_from_a_change_are_left_out() -> None:
    words = [f"w{number}" for number in range(60)]
    pieces = diff_words(" ".join(words), " ".join([*words[:30], "new", *words[31:]]))
    assert [piece.kind for piece in pieces] == ["cut", "same", "gone", "new", "same", "cut"]
    assert pieces[0].text == "22"
    assert pieces[1].text == " ".join(words[22:30])


@pytest.mark.parametrize("words", [100_000, 400])
def test_hostile_texts_are_compared_in_bounded_time(words: int) -> None:
    dice = random.Random(4)
    one, other = (" ".join(dice.choice("abcde") for _ in range(words)) for _ in range(2))
    pieces = diff_words(one, other)
    assert {"gone", "new"} <= {piece.kind for piece in pieces}
