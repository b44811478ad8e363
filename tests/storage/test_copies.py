"""Near copies are found in the table, tied by whose they are, and made anew when a text or the version changes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sqlalchemy import func, select

from storage.bands import MOST_LINKS, MOST_OF_A_BAND, bands_of, compare, find_near
from storage.copies import (
    SignedRow,
    count_copies,
    count_unsigned,
    find_copies,
    find_unsigned,
    store_signatures,
)
from storage.engine import reading
from storage.readings import store_readings
from storage.tables import Band, Likeness, Listing, Signature

if TYPE_CHECKING:
    from conftest import Store

VERSION = "test-b16x8"
BASE = np.random.default_rng(5).integers(0, 65_536, 128, dtype="u2")


def alike(differ: int, *, seed: int = 1) -> bytes:
    """A signature of which so many of the 128 numbers differ from the base, spread evenly."""
    numbers = BASE.astype("<u2")
    places = np.random.default_rng(seed).permutation(128)[:differ]
    numbers[places] += np.uint16(seed)
    return numbers.tobytes()


def far(seed: int) -> bytes:
    return np.random.default_rng(seed + 99).integers(0, 65_536, 128, dtype="u2").tobytes()


def sign(
    store: Store, *listings: tuple[tuple[int, int], bytes], version: str = VERSION, later: int = 0
) -> int:
    rows = [SignedRow(listing, reading_id, hashes) for (listing, reading_id), hashes in listings]
    return store_signatures(
        store.engine, rows, version=version, now=store.now + timedelta(hours=later)
    ).linked


def ties(store: Store, listing: int) -> list[tuple[int, str]]:
    with reading(store.engine) as session:
        return [(near.listing.id, near.kind) for near in find_copies(session, listing)]


def test_near_copies_are_tied_by_whose_they_are(store: Store) -> None:
    here, there = store.site(), store.site("greyhall")
    run, run_there = store.run(here), store.run(there)
    first = store.listing(here, run, "1")
    own = store.listing(here, run, "2")
    other = store.listing(here, run, "3", seller="mekongdry")
    unnamed = store.listing(here, run, "4", seller="")
    away = store.listing(there, run_there, "1")
    nothing = store.listing(here, run, "5")
    sign(store, (first, alike(0)), (own, alike(4)), (other, alike(0)), (unnamed, alike(0)))
    assert sign(store, (away, alike(2)), (nothing, far(1))) == 4
    assert ties(store, first[0]) == [
        (other[0], "other_seller"),
        (unnamed[0], "other_seller"),
        (away[0], "other_site"),
        (own[0], "same_seller"),
    ]
    assert ties(store, nothing[0]) == []


@pytest.mark.parametrize(("differ", "tied"), [(0, 1), (12, 1), (25, 1), (26, 0), (64, 0)])
def test_the_threshold_is_a_share_of_the_numbers(store: Store, differ: int, tied: int) -> None:
    site = store.site()
    run = store.run(site)
    one, other = store.listing(site, run, "1"), store.listing(site, run, "2")
    numbers = np.frombuffer(alike(0), dtype="<u2").copy()
    numbers[128 - differ :] += np.uint16(1)  # at the end, so that whole bands stay the same
    sign(store, (one, alike(0)), (other, numbers.tobytes()))
    with reading(store.engine) as session:
        assert count_copies(session, one[0]) == tied


def test_the_same_batch_again_changes_nothing(store: Store) -> None:
    site = store.site()
    run = store.run(site)
    one, other = store.listing(site, run, "1"), store.listing(site, run, "2")
    assert sign(store, (one, alike(0)), (other, alike(1))) == 1
    assert sign(store, (one, alike(0)), (other, alike(1)), later=1) == 0
    with reading(store.engine) as session:
        tie = session.scalars(select(Likeness)).one()
        assert (tie.first_seen, tie.last_seen) == (store.now, store.now + timedelta(hours=1))
        assert session.scalar(select(func.count()).select_from(Band)) == 32
        assert session.scalar(select(func.count()).select_from(Signature)) == 2


def test_a_changed_text_loses_its_old_ties_and_bands(store: Store) -> None:
    site = store.site()
    run = store.run(site)
    one, other = store.listing(site, run, "1"), store.listing(site, run, "2")
    sign(store, (one, alike(0)), (other, alike(1)))
    sign(store, (one, far(1)))
    assert ties(store, other[0]) == []
    with reading(store.engine) as session:
        found = set(session.scalars(select(Band.hash).where(Band.listing_id == one[0])))
        assert found == set(bands_of(far(1), VERSION))
        assert [near.listing_id for near in find_near(session, alike(0), version=VERSION)] == [other[0]]


def test_what_waits_is_what_has_no_signature_of_its_present_reading(store: Store) -> None:
    site = store.site()
    run = store.run(site)
    one, other = store.listing(site, run, "1"), store.listing(site, run, "2")
    with reading(store.engine) as session:
        assert [each.listing_id for each in find_unsigned(session, version=VERSION, limit=9)] == [
            one[0],
            other[0],
        ]
        assert find_unsigned(session, version=VERSION, limit=9, site_id=site + 1) == []
    sign(store, (one, alike(0)), (other, b""))
    with reading(store.engine) as session:
        assert count_unsigned(session, version=VERSION) == 0
        assert count_unsigned(session, version="new-b16x8") == 2
    again = store.row(
        store.page(site, run), site, run, title="New words", seen_at=store.now + timedelta(days=1)
    )
    store_readings(store.engine, [again], now=store.now)
    with reading(store.engine) as session:
        waits = find_unsigned(session, version=VERSION, limit=9)
        assert [(each.listing_id, each.title) for each in waits] == [(one[0], "New words")]


def test_a_listing_with_another_reading_by_now_is_left_for_the_next_round(store: Store) -> None:
    site = store.site()
    listing, reading_id = store.listing(site, store.run(site), "1")
    sign(store, ((listing, reading_id + 7), alike(0)), ((listing + 7, reading_id), alike(0)))
    with reading(store.engine) as session:
        assert count_unsigned(session, version=VERSION) == 1


def test_another_version_makes_everything_anew_and_may_be_stopped_between(store: Store) -> None:
    site = store.site()
    run = store.run(site)
    rows = [store.listing(site, run, str(key)) for key in range(3)]
    sign(store, *((row, alike(0)) for row in rows))
    sign(store, (rows[0], alike(3)), version="new-b8x16")
    assert len(ties(store, rows[0][0])) == 2  # not compared yet, so not gone yet
    sign(store, (rows[1], alike(3)), (rows[2], far(2)), version="new-b8x16")
    assert ties(store, rows[0][0]) == [(rows[1][0], "same_seller")]
    with reading(store.engine) as session:
        assert set(session.scalars(select(Likeness.version))) == {"new-b8x16"}
        assert session.scalar(select(func.count()).select_from(Band)) == 3 * 8


def test_thousands_of_identical_texts_are_tied_to_the_oldest_and_cost_no_more(store: Store) -> None:
    site = store.site()
    run = store.run(site)
    count = MOST_OF_A_BAND + 30
    rows = []
    page = store.page(site, run)
    for key in range(count):
        rows.append(
            store.row(page, site, run, key=str(key), title=f"Item {key}", page_ids=(store.page(site, run),))
        )
    store_readings(store.engine, rows, now=store.now)
    with reading(store.engine) as session:
        waits = find_unsigned(session, version=VERSION, limit=count)
    signed = [SignedRow(each.listing_id, each.reading_id, alike(0)) for each in waits]
    store_signatures(store.engine, signed, version=VERSION, now=store.now)
    with reading(store.engine) as session:
        first, last = waits[0].listing_id, waits[-1].listing_id
        assert count_copies(session, last) == MOST_LINKS
        assert count_copies(session, first) == count - 1
        assert len(find_copies(session, first)) == 50
        near = find_near(session, alike(0), version=VERSION)
        assert [each.listing_id for each in near] == [each.listing_id for each in waits[:MOST_LINKS]]


def test_signing_the_oldest_of_many_copies_again_keeps_its_ties(store: Store) -> None:
    site = store.site()
    run = store.run(site)
    rows = [store.listing(site, run, str(key)) for key in range(MOST_LINKS + 5)]
    sign(store, *((row, alike(0)) for row in rows))
    sign(store, (rows[0], alike(0)))
    with reading(store.engine) as session:
        assert count_copies(session, rows[0][0]) == MOST_LINKS + 4


def test_short_texts_meet_their_exact_copies_only(store: Store) -> None:
    site = store.site()
    run = store.run(site)
    rows = [store.listing(site, run, str(key)) for key in range(4)]
    sign(store, (rows[0], b"8 bytes."), (rows[1], b"8 bytes."), (rows[2], b"8 others"), (rows[3], b""))
    assert ties(store, rows[0][0]) == [(rows[1][0], "same_seller")]
    with reading(store.engine) as session:
        assert session.scalar(select(func.count()).select_from(Band)) == 3


def test_bands_differ_by_place_and_version() -> None:
    same = b"\1\2" * 128
    assert len(set(bands_of(same, VERSION))) == 16
    assert not set(bands_of(same, VERSION)) & set(bands_of(same, "other-b16x8"))
    assert bands_of(b"", VERSION) == []


def test_signatures_of_different_length_agree_in_nothing() -> None:
    assert compare(alike(0), [alike(0), b"8 bytes.", alike(64)]) == [1.0, 0.0, 0.5]
    assert compare(b"8 bytes.", [alike(0), b"8 bytes."]) == [0.0, 1.0]


def test_a_band_of_the_largest_number_is_kept(store: Store) -> None:
    site = store.site()
    run = store.run(site)
    rows = [store.listing(site, run, str(key)) for key in range(40)]
    sign(store, *((row, far(number)) for number, row in enumerate(rows)))
    with reading(store.engine) as session:
        hashes = session.scalars(select(Band.hash)).all()
        assert min(hashes) < 0 < max(hashes)
        assert len(session.scalars(select(Listing.id)).all()) == 40
