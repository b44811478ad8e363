"""Readings become listings and sightings by one rule, and the same reading twice changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from storage.engine import reading
from storage.readings import Counts, find_unread, store_readings
from storage.runs import find_run
from storage.tables import Contact, Listing, Reading, Seller, Sighting

if TYPE_CHECKING:
    from conftest import Store


def keep(store: Store, *rows: object) -> Counts:
    return store_readings(store.engine, rows, now=store.now)


def test_a_reading_becomes_a_listing_with_its_seller_and_contacts(store: Store) -> None:
    site = store.site()
    run = store.run(site)
    page = store.page(site, run)
    row = store.row(
        page,
        site,
        run,
        price_amount=Decimal("0.10000000000000000001"),
        contacts=(("handle", "grey_heron", True), ("handle", "grey_heron", True), ("btc", "bad", False)),
    )
    assert keep(store, row) == Counts(new_listings=1, changed=0, sightings=1, readings=1)
    with reading(store.engine) as session:
        listing = session.scalars(select(Listing)).one()
        assert listing.price_amount == Decimal("0.10000000000000000001")
        assert session.scalars(select(Seller.name)).all() == ["grey_heron"]
        assert len(session.scalars(select(Contact)).all()) == 2
        assert find_run(session, run).listings == 1


def test_the_same_reading_twice_changes_nothing(store: Store) -> None:
    site = store.site()
    run = store.run(site)
    row = store.row(store.page(site, run), site, run)
    keep(store, row, row)
    assert keep(store, row) == Counts(0, 0, 0, 0)
    with reading(store.engine) as session:
        assert len(session.scalars(select(Sighting)).all()) == 1


def test_the_same_key_is_the_same_listing(store: Store) -> None:
    site = store.site()
    first_run, second_run = store.run(site), store.run(site)
    later = store.now + timedelta(days=7)
    keep(store, store.row(store.page(site, first_run), site, first_run))
    row = store.row(
        store.page(site, second_run),
        site,
        second_run,
        title="New words",
        price_amount=Decimal(5),
        seen_at=later,
    )
    assert keep(store, row) == Counts(0, 1, 1, 1)
    with reading(store.engine) as session:
        listing = session.scalars(select(Listing)).one()
        assert (listing.title, listing.price_amount, listing.last_seen) == ("New words", Decimal(5), later)
        assert listing.first_seen == store.now


def test_an_equal_reading_leaves_the_listing_with_the_reading_that_was_judged(store: Store) -> None:
    site = store.site()
    first_run, second_run = store.run(site), store.run(site)
    keep(store, store.row(store.page(site, first_run), site, first_run))
    with reading(store.engine) as session:
        judged = session.scalars(select(Listing.reading_id)).one()
    row = store.row(store.page(site, second_run), site, second_run, seen_at=store.now + timedelta(days=1))
    assert keep(store, row) == Counts(0, 0, 1, 1)
    with reading(store.engine) as session:
        assert session.scalars(select(Listing.reading_id)).one() == judged


def test_a_newer_reader_replaces_the_reading_and_an_older_page_does_not(store: Store) -> None:
    site = store.site()
    old_run, new_run = store.run(site), store.run(site)
    old_page, new_page = store.page(site, old_run), store.page(site, new_run)
    later = store.now + timedelta(days=1)
    keep(store, store.row(old_page, site, old_run, title="Old"))
    keep(store, store.row(new_page, site, new_run, title="New", seen_at=later))
    assert keep(store, store.row(old_page, site, old_run, title="Old!", reader_version="r2")).changed == 0
    assert (
        keep(
            store, store.row(new_page, site, new_run, title="New!", reader_version="r2", seen_at=later)
        ).changed
        == 1
    )
    with reading(store.engine) as session:
        assert session.scalars(select(Listing.title)).all() == ["New!"]
        assert len(session.scalars(select(Reading)).all()) == 4


@pytest.mark.parametrize(
    ("change", "listings"),
    [
        ({}, 1),
        ({"seller": "other_heron"}, 2),
        ({"title": "Another"}, 2),
    ],
    ids=["same content and seller", "other seller", "other content"],
)
def test_a_copy_at_another_address(store: Store, change: dict[str, str], listings: int) -> None:
    site = store.site()
    run = store.run(site)
    keep(store, store.row(store.page(site, run), site, run))
    keep(store, store.row(store.page(site, run), site, run, key="2", **change))
    with reading(store.engine) as session:
        assert len(session.scalars(select(Listing)).all()) == listings
        assert session.scalars(select(Sighting.key).order_by(Sighting.key)).all() == ["1", "2"]


def test_a_copy_in_one_batch_is_found_too(store: Store) -> None:
    site = store.site()
    run = store.run(site)
    rows = [store.row(store.page(site, run), site, run, key=key) for key in ("7", "8", "7")]
    assert keep(store, *rows) == Counts(1, 0, 3, 3)


@pytest.mark.parametrize(
    "change",
    [{"seller": ""}, {"title": "", "description": ""}],
    ids=["no seller known", "no text"],
)
def test_copies_that_cannot_be_told_stay_apart(store: Store, change: dict[str, str]) -> None:
    site = store.site()
    run = store.run(site)
    rows = [store.row(store.page(site, run), site, run, key=key, **change) for key in ("1", "2")]
    assert keep(store, *rows).new_listings == 2


def test_the_same_key_on_two_sites_is_two_listings(store: Store) -> None:
    sites = [store.site("oldport"), store.site("reedmarket")]
    for site in sites:
        run = store.run(site)
        assert keep(store, store.row(store.page(site, run), site, run)).new_listings == 1


def test_very_long_keys_stay_apart(store: Store) -> None:
    site = store.site()
    run = store.run(site)
    rows = [
        store.row(store.page(site, run), site, run, key="k" * 400 + end, title=end, seller="s" * 400 + end)
        for end in ("a", "b")
    ]
    assert keep(store, *rows).new_listings == 2


def test_pages_of_other_kinds_are_read_but_become_no_listing(store: Store) -> None:
    site = store.site()
    run = store.run(site)
    page = store.page(site, run)
    assert keep(store, store.row(page, site, run, kind="search", source="")) == Counts(0, 0, 0, 1)
    with reading(store.engine) as session:
        assert find_unread(session) == []


def test_only_pages_with_an_answer_and_a_body_are_unread(store: Store) -> None:
    site, other = store.site("oldport"), store.site("reedmarket")
    run = store.run(site)
    wanted = store.page(site, run)
    store.page(site, run, status=404)
    store.page(site, run, body=None)
    elsewhere = store.page(other, run)
    both_read = store.page(site, run), store.page(site, run)
    keep(store, store.row(both_read[0], site, run, page_ids=both_read))
    with reading(store.engine) as session:
        assert [ref.page_id for ref in find_unread(session)] == [wanted, elsewhere]
        assert [ref.page_id for ref in find_unread(session, site_id=site)] == [wanted]


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "1E+999999", "1E-999999", "0." + "1" * 70])
def test_a_price_that_can_be_none_is_not_kept(store: Store, amount: str) -> None:
    site = store.site()
    run = store.run(site)
    keep(store, store.row(store.page(site, run), site, run, price_amount=Decimal(amount)))
    with reading(store.engine) as session:
        assert session.scalars(select(Listing.price_amount)).one() is None


@pytest.mark.parametrize(
    ("year", "kept"), [(1, False), (1999, False), (2000, True), (2026, True), (9999, False)]
)
def test_a_posted_date_of_another_age_is_not_kept(store: Store, year: int, kept: bool) -> None:
    site = store.site()
    run = store.run(site)
    posted = datetime(year, 6, 1, tzinfo=UTC)
    keep(store, store.row(store.page(site, run), site, run, posted_at=posted))
    with reading(store.engine) as session:
        assert session.scalars(select(Listing.posted_at)).one() == (posted if kept else None)


def test_another_rating_on_the_page_is_no_other_ad(store: Store) -> None:
    site = store.site()
    first_run, second_run = store.run(site), store.run(site)
    keep(store, store.row(store.page(site, first_run), site, first_run))
    row = store.row(store.page(site, second_run), site, second_run, seen_at=store.now + timedelta(days=1))
    row.fields["feedback"] = {"value": [{"text": "Came fast."}], "raw": "", "where": "", "sure": 0.8}
    assert keep(store, row) == Counts(0, 0, 1, 1)
