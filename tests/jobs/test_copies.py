"""After the reading near copies are tied, what is new only, and a broken step is an issue."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select

import crawler.signatures
import jobs.copies
from jobs.copies import find_copies
from jobs.places import Places
from storage.copies import CopyCounts
from storage.engine import open_engine, reading
from storage.pages import Fetched, store_page
from storage.readings import ReadingRow, store_readings
from storage.runs import create_run
from storage.sites import register_site
from storage.tables import Likeness, Listing

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TEXT = (
    "Hand carved bangle from my late uncle's house, inner width six centimetres, small crack on the inside that does "
    "not show when worn. Sent flat in a book, tracked to most places, no returns, pictures after a first message. "
    "On the kitchen scale it has sixty two grams. Payment goes through the market only, and an order leaves the house "
    "within three days; whoever asks for another way is told no. Two more of the same make are kept for later."
)


class Ads:
    """Invented ads, put into the store by way of pages and readings."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.sites = {
            name: register_site(engine, name=name, title=name, config_sha256="0" * 64, onions=(), now=NOW)
            for name in ("oldport", "newport")
        }

    def add(self, key: str, text: str, *, site: str = "oldport", seller: str = "nk88", day: int = 0) -> None:
        site_id, at = self.sites[site], NOW + timedelta(days=day)
        run_id = create_run(
            self.engine, verb="crawl", site_id=site_id, by="t", reason="t", settings={}, now=NOW
        )
        fetched = Fetched(
            site_id, run_id, None, 1, 0, f"http://x/p/{key}", "GET", (), at, 200, "OK", (), at, b"x", "text/html", "",
            "0" * 64,
        )  # fmt: skip
        page_id = store_page(self.engine, fetched, now=at)
        row = ReadingRow(
            page_ids=(page_id,), site_id=site_id, run_id=run_id, reader_version="r", kind="listing", confidence=1.0,
            title=f"Bangle {key}", description=text, fields={}, leftovers=[], content_sha256=f"{key}{day}{seller}",
            key=key, source="listing", url="", seller=seller, seen_at=at,
        )  # fmt: skip
        store_readings(self.engine, [row], now=at)

    def ties(self) -> list[tuple[str, str, str]]:
        with reading(self.engine) as session:
            keys = {listing.id: listing.key for listing in session.scalars(select(Listing))}
            found = session.scalars(select(Likeness).order_by(Likeness.a_id, Likeness.b_id))
            return [(keys[tie.a_id], keys[tie.b_id], tie.kind) for tie in found]


@pytest.fixture
def ads(places: Places) -> Iterator[Ads]:
    engine = open_engine(places.database_url)
    yield Ads(engine)
    engine.dispose()


def test_copies_are_found_within_a_site_and_across_sites(ads: Ads) -> None:
    ads.add("1", TEXT)
    ads.add("2", TEXT.replace("six", "seven"))
    ads.add("3", TEXT, seller="mekongdry")
    ads.add("4", TEXT.upper(), site="newport")
    ads.add(
        "5", "Something else altogether, with enough words of its own to be compared with anything at all."
    )
    assert find_copies(ads.engine, now=NOW) == CopyCounts(5, 6)
    assert ads.ties() == [
        ("1", "2", "same_seller"), ("1", "3", "other_seller"), ("1", "4", "other_site"), ("2", "3", "other_seller"),
        ("2", "4", "other_site"), ("3", "4", "other_site"),
    ]  # fmt: skip


def test_only_what_is_new_or_changed_is_looked_at(ads: Ads) -> None:
    ads.add("1", TEXT)
    ads.add("2", TEXT, seller="mekongdry")
    find_copies(ads.engine, now=NOW)
    assert find_copies(ads.engine, now=NOW) == CopyCounts(0, 0)
    ads.add(
        "2",
        "Now for sale is quite another thing, which was never seen here before today.",
        seller="mekongdry",
        day=1,
    )
    assert find_copies(ads.engine, now=NOW) == CopyCounts(1, 0)
    assert ads.ties() == []


def test_one_site_s_listings_are_compared_with_those_of_all(ads: Ads) -> None:
    ads.add("1", TEXT)
    ads.add("4", TEXT, site="newport")
    find_copies(ads.engine, now=NOW, site_id=ads.sites["oldport"])
    assert ads.ties() == []
    find_copies(ads.engine, now=NOW, site_id=ads.sites["newport"])
    assert ads.ties() == [("1", "4", "other_site")]


def test_stopped_in_between_it_goes_on_where_it_was(ads: Ads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs.copies, "BATCH", 2)
    for number in range(5):
        ads.add(str(number), TEXT, seller=f"s{number}")
    assert find_copies(ads.engine, now=NOW, limit=3).signed == 4
    seen: list[tuple[int, int]] = []
    assert find_copies(ads.engine, now=NOW, progress=lambda *both: seen.append(both)) == CopyCounts(1, 4)
    assert seen == [(1, 1)]
    assert len(ads.ties()) == 10


def test_with_another_version_everything_is_signed_again(ads: Ads, monkeypatch: pytest.MonkeyPatch) -> None:
    ads.add("1", TEXT)
    ads.add("2", TEXT, seller="mekongdry")
    find_copies(ads.engine, now=NOW)
    monkeypatch.setattr(crawler.signatures, "SIGNATURE_VERSION", "next-b16x8")
    assert find_copies(ads.engine, now=NOW + timedelta(days=1)) == CopyCounts(2, 0)
    assert ads.ties() == [("1", "2", "other_seller")]
