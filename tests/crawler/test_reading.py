"""Stored pages become listings: tabs put together, each page once, troubles as issues."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

import crawler.reading
from crawler.reading import ReadCounts, read_stored_pages
from crawler.sites import SiteConfig
from lab.pages.base import invent_onion
from storage.engine import open_engine, reading, upgrade
from storage.pages import Fetched, store_page
from storage.runs import create_run, end_run, start_run
from storage.sites import register_site
from storage.tables import Contact, Feedback, Issue, Listing, Reading, Seller, Sighting

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
ONION = invent_onion("piernine")
HEAD = "<!DOCTYPE html><html lang=en><head><title>{title} - Pier Nine</title></head><body><h2>{title}</h2>"
MAIN = (
    HEAD + "<table><tr><td>Vendor</td><td><a href=/v/{seller}>{seller}</a></td></tr>"
    "<tr><td>Price</td><td>{price}</td></tr><tr><td>Ships from</td><td>Peru</td></tr>"
    "<tr><td>Ships to</td><td>EU, USA</td></tr><tr><td>Posted</td><td>2026-09-03</td></tr></table>"
    '<p class="tabs"><a class="active" href="/p/{key}">Overview</a> <a href="/p/{key}/description">Description</a></p>'
)
TAB = (
    HEAD
    + '<p class="tabs"><a href="/p/{key}">Overview</a> <a class="active" href="/p/{key}/description">Description</a>'
    ' <a href="/p/{key}/refund">Refund</a></p><pre>{text}</pre>'
)


def make_site() -> SiteConfig:
    return SiteConfig.model_validate(
        {
            "name": "piernine",
            "title": "Pier Nine",
            "addresses": [ONION],
            "authorised": {"by": "A. Analyst", "on": date(2026, 10, 1)},
            "kinds": {
                "listing": [r"^/p/(?P<key>\d+)$", r"^/p/(?P<key>\d+)/(description|refund)$"],
                "thread": [r"^/t/(?P<key>\d+)(\?page=\d+)?$"],
                "search": [r"^/c/\w+$"],
                "rules": ["^/rules$"],
            },
        }
    )


@dataclass
class Store:
    """A database with one site and one running crawl."""

    engine: Engine
    site_id: int
    run_id: int
    sites: dict[str, SiteConfig]
    minute: int = 0

    def keep(self, path: str, text: str, *, status: int = 200) -> int:
        self.minute += 1
        at = NOW + timedelta(minutes=self.minute)
        fetched = Fetched(
            site_id=self.site_id,
            run_id=self.run_id,
            frontier_id=None,
            attempt=1,
            hop=0,
            url=f"http://{ONION}{path}",
            method="GET",
            request_headers=(),
            requested_at=at,
            status=status,
            reason="OK",
            response_headers=(("Content-Type", "text/html"),),
            received_at=at,
            body=text.encode(),
            content_type="text/html; charset=utf-8",
            content_encoding="",
            circuit_token="0" * 64,
        )
        return store_page(self.engine, fetched, now=at)

    def keep_listing(
        self, key: int, *, title: str = "Old carved figure", seller: str = "nk88", price: str = "$410.00"
    ) -> int:
        text = f"{title}, sold as it is, from my late aunt's house."
        number = self.keep(f"/p/{key}", MAIN.format(title=title, seller=seller, price=price, key=key))
        self.keep(f"/p/{key}/description", TAB.format(title=title, key=key, text=text))
        return number

    def next_run(self) -> None:
        end_run(self.engine, run_id=self.run_id, state="done", message="", now=NOW)
        self.run_id = begin_run(self.engine, self.site_id)

    def read(self, progress: Callable[[int, int], None] | None = None) -> ReadCounts:
        return read_stored_pages(self.engine, self.sites, now=NOW + timedelta(hours=1), progress=progress)

    def session(self) -> Session:
        return Session(self.engine)

    def count(self, table: type) -> int:
        with reading(self.engine) as session:
            return session.scalar(select(func.count()).select_from(table)) or 0


def begin_run(engine: Engine, site_id: int) -> int:
    run_id = create_run(engine, verb="crawl", site_id=site_id, by="test", reason="test", settings={}, now=NOW)
    start_run(engine, run_id=run_id, worker="test", pid=None, now=NOW)
    return run_id


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path}/test.db"
    upgrade(url)
    engine = open_engine(url)
    site_id = register_site(
        engine, name="piernine", title="Pier Nine", config_sha256="0" * 64, onions=(ONION,), now=NOW
    )
    yield Store(engine, site_id, begin_run(engine, site_id), {"piernine": make_site()})
    engine.dispose()


def test_a_listing_is_made_of_its_page_and_its_tab(store: Store) -> None:
    store.keep_listing(7)
    counts = store.read()
    assert (counts.pages, counts.readings, counts.listings, counts.new_listings) == (2, 1, 1, 1)
    with reading(store.engine) as session:
        listing = session.scalars(select(Listing)).one()
        found = session.scalars(select(Reading)).one()
        seller = session.scalars(select(Seller)).one()
        assert (listing.key, listing.title, seller.name) == ("7", "Old carved figure", "nk88")
        assert (listing.price_amount, listing.price_currency) == (Decimal("410.00"), "USD")
        assert (listing.ships_from, listing.ships_to) == ("Peru", "EU, USA")
        assert listing.posted_at == datetime(2026, 9, 3, tzinfo=UTC)
        assert found.description == "Old carved figure, sold as it is, from my late aunt's house."
        assert found.fields["price_amount"]["value"] == "410.00"
        assert found.fields["posted"]["value"] == "2026-09-03T00:00:00+00:00"


def test_the_main_page_comes_first_even_when_its_tab_was_fetched_before_it(store: Store) -> None:
    store.keep("/p/7/description", TAB.format(title="A figure", key=7, text="From my late aunt's house."))
    main = store.keep("/p/7", MAIN.format(title="A figure", seller="nk88", price="$5.00", key=7))
    store.read()
    with reading(store.engine) as session:
        assert session.scalars(select(Reading)).one().page_id == main


def test_reading_again_changes_nothing(store: Store) -> None:
    store.keep_listing(7)
    store.keep("/rules", "<h1>Rules</h1><p>No ivory, no rhino horn, no tiger bone.</p>")
    store.read()
    before = (store.count(Reading), store.count(Listing), store.count(Sighting))
    again = store.read()
    assert again.pages == 0
    assert (store.count(Reading), store.count(Listing), store.count(Sighting)) == before


def test_a_tab_that_comes_later_is_put_to_its_page(store: Store) -> None:
    store.keep("/p/7", MAIN.format(title="A figure", seller="nk88", price="$5.00", key=7))
    store.read()
    store.keep(
        "/p/7/description", TAB.format(title="A figure", key=7, text="From my late aunt's house, as it is.")
    )
    store.read()
    with reading(store.engine) as session:
        listing = session.scalars(select(Listing)).one()
        latest = session.get(Reading, listing.reading_id)
        assert latest is not None
        assert latest.description == "From my late aunt's house, as it is."
        assert listing.title == "A figure"


def test_a_newer_reader_leaves_what_was_read_alone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.keep_listing(7)
    store.read()
    monkeypatch.setattr(crawler.reading, "READER_VERSION", "generic-test")
    assert store.read().pages == 0
    assert store.count(Reading) == 1


def test_the_next_run_sights_the_same_listing(store: Store) -> None:
    store.keep_listing(7)
    store.read()
    store.next_run()
    store.keep_listing(7)
    counts = store.read()
    assert (counts.new_listings, counts.sightings) == (0, 1)
    assert store.count(Sighting) == 2


def test_a_copy_at_another_address_is_one_listing_sighted_twice(store: Store) -> None:
    store.keep_listing(7)
    store.keep_listing(8)
    store.keep_listing(9, seller="somebody-else")
    counts = store.read()
    assert counts.new_listings == 2
    assert store.count(Sighting) == 3


@pytest.mark.parametrize(
    ("path", "text", "kind"),
    [
        ("/rules", "<h1>Rules</h1><p>No ivory, no rhino horn, no tiger bone, no pangolin.</p>", "rules"),
        ("/c/art", "<h1>Art</h1><p>Nothing here today.</p>", "search"),
        ("/about", "<h1>Paint and brushes</h1><p>We are a market for ivory white paint.</p>", "other"),
        ("/x", "<h1>Nothing</h1>", "other"),
    ],
)
def test_other_pages_are_read_once_and_make_no_listing(store: Store, path: str, text: str, kind: str) -> None:
    store.keep(path, text)
    assert (store.read().listings, store.read().pages) == (0, 0)
    with reading(store.engine) as session:
        assert session.scalars(select(Reading.kind)).all() == [kind]


def test_a_login_in_place_of_a_listing_is_an_issue_and_no_listing(store: Store) -> None:
    login = "<title>Login</title><form><input name=user><input type=password name=pw></form>"
    store.keep("/p/7", login)
    assert store.read().listings == 0
    with reading(store.engine) as session:
        assert session.scalars(select(Issue.message)).all() == ["a page of kind listing is a login page"]


def test_a_listing_without_a_title_is_an_issue(store: Store) -> None:
    store.keep("/p/7", "<p>Something long enough to be a text of a kind, without a head of any sort.</p>")
    store.read()
    with reading(store.engine) as session:
        issue = session.scalars(select(Issue)).one()
        assert issue.kind == "reading-title"
        assert "has no title" in issue.message
        assert issue.site_id == store.site_id


def test_a_price_that_means_two_things_stays_unread_and_is_an_issue(store: Store) -> None:
    store.keep_listing(7, price="from 50")
    store.read()
    with reading(store.engine) as session:
        listing = session.scalars(select(Listing)).one()
        found = session.scalars(select(Reading)).one()
        assert listing.price_amount is None
        assert found.fields["price_text"]["value"] == "from 50"
        assert [issue.kind for issue in session.scalars(select(Issue))] == ["reading-price"]


def test_labels_that_nobody_knows_are_raised_when_they_are_frequent(store: Store) -> None:
    for key in range(1, 7):
        page = MAIN.format(title=f"Figure {key}", seller="nk88", price="$5.00", key=key)
        store.keep(f"/p/{key}", page.replace("</table>", "<tr><td><b>Karma</b></td><td>12</td></tr></table>"))
    store.read()
    with reading(store.engine) as session:
        messages = session.scalars(select(Issue.message).where(Issue.kind == "reading-label")).all()
        assert messages == ['the label "Karma" is not known: no field takes its value']


def test_the_same_trouble_again_is_counted_and_not_repeated(store: Store) -> None:
    for key in (1, 2):
        store.keep_listing(key, title=f"Figure {key}", price="from 50")
        store.read()
    with reading(store.engine) as session:
        assert [issue.count for issue in session.scalars(select(Issue))] == [2]


def test_contacts_of_a_listing_are_kept_with_it(store: Store) -> None:
    store.keep("/p/7", MAIN.format(title="A figure", seller="nk88", price="$5.00", key=7))
    store.keep(
        "/p/7/description", TAB.format(title="A figure", key=7, text="Write to pier.nine@example.org please.")
    )
    store.read()
    with reading(store.engine) as session:
        contact = session.scalars(select(Contact)).one()
        assert (contact.kind, contact.value, contact.valid) == ("email", "pier.nine@example.org", False)


def test_a_thread_over_two_pages_is_one_listing(store: Store) -> None:
    post = '<div class="post"><b class="author"><a href="/u/{a}">{a}</a></b> <span class="date">2026-09-0{n} 10:00</span><div class="message">{t}</div></div>'
    head = "<title>{t} - Pier Nine</title><h2>{t}</h2>"
    first = post.format(a="ann0", n=1, t="Anyone with black material? Pay well for it.")
    store.keep(
        "/t/3",
        head.format(t="WTB black material") + first + post.format(a="bob1", n=2, t="Ask in the other room."),
    )
    store.keep(
        "/t/3?page=2",
        head.format(t="WTB black material") + post.format(a="cat2", n=3, t="Scam, do not answer."),
    )
    counts = store.read()
    assert (counts.pages, counts.listings) == (2, 1)
    with reading(store.engine) as session:
        found = session.scalars(select(Reading)).one()
        assert found.title == "WTB black material"
        assert found.description == "Anyone with black material? Pay well for it."
        assert [reply["author"] for reply in found.fields["replies"]["value"]] == ["bob1", "cat2"]
        assert session.scalars(select(Listing.source)).one() == "thread"


def test_progress_ends_at_the_number_of_pages(store: Store) -> None:
    seen: list[tuple[int, int]] = []
    for key in range(60):
        store.keep(f"/p/{key}", MAIN.format(title=f"Figure {key}", seller="nk88", price="$5.00", key=key))
    store.read(lambda done, total: seen.append((done, total)))
    assert seen == [(50, 60), (60, 60)]


def test_a_site_without_its_file_is_still_read(store: Store) -> None:
    store.sites = {}
    store.keep_listing(7)
    counts = store.read()
    assert counts.pages == 2
    assert counts.listings >= 1


def test_a_body_that_cannot_be_unpacked_is_an_issue_and_not_an_end(store: Store) -> None:
    store.keep_listing(7)
    at = NOW + timedelta(minutes=50)
    broken = Fetched(
        store.site_id, store.run_id, None, 1, 0, f"http://{ONION}/p/9", "GET", (), at, 200, "OK", (), at,
        b"not gzip", "text/html", "gzip", "0" * 64,
    )  # fmt: skip
    store_page(store.engine, broken, now=at)
    counts = store.read()
    assert (counts.pages, counts.listings) == (3, 1)
    with reading(store.engine) as session:
        assert [issue.kind for issue in session.scalars(select(Issue))] == ["reading-body"]


def test_one_site_is_read_without_the_others(store: Store) -> None:
    other = register_site(
        store.engine, name="tidewater", title="Tidewater", config_sha256="0" * 64, onions=(), now=NOW
    )
    store.keep_listing(7)
    here, store.site_id = store.site_id, other
    store.run_id = begin_run(store.engine, other)
    store.keep("/p/8", MAIN.format(title="Old map", seller="nk88", price="$5.00", key=8))
    store.site_id = here
    counts = read_stored_pages(store.engine, store.sites, now=NOW, site="piernine")
    assert counts.pages == 2
    assert read_stored_pages(store.engine, store.sites, now=NOW, site="nowhere").pages == 0
    assert read_stored_pages(store.engine, store.sites, now=NOW).pages == 1


def test_a_page_of_many_megabytes_is_cut_and_still_read(store: Store) -> None:
    padded = (
        MAIN.format(title="Old map", seller="nk88", price="$5.00", key=9) + "<!--" + "x" * 3_200_000 + "-->"
    )
    store.keep("/p/9", padded)
    store.read()
    with store.session() as session:
        assert session.scalars(select(Listing.title)).all() == ["Old map"]


def test_the_pages_of_a_site_left_out_stay_unread(store: Store) -> None:
    store.keep_listing(7)
    assert read_stored_pages(store.engine, {}, now=NOW, leave={"piernine"}).pages == 0
    assert store.read().pages == 2


LIST = (
    "<title>Art - Pier Nine</title><h1>Art</h1>"
    + '<div class="grid">{cards}</div>'
    + '<p><a href="/c/art?page=2">Next</a></p>'
)
CARD = (
    '<div class="card"><h3><a href="{href}">{title}</a></h3><p>by <a href="/v/{seller}">{seller}</a></p>'
    '<p class="price">{price}</p></div>'
)


def keep_list(store: Store, *cards: tuple[str, str, str]) -> None:
    """A category page with cards of (address, title, price) and a few others that make it a list."""
    more = [(f"/p/{number}", f"Painting number {number}", "$20.00") for number in (901, 902, 903)]
    text = "".join(
        CARD.format(href=href, title=title, price=price, seller="nk88")
        for href, title, price in (*cards, *more)
    )
    store.keep("/c/art", LIST.format(cards=text))


def find_known(store: Store) -> dict[str, Listing]:
    with reading(store.engine) as session:
        found = {listing.key: listing for listing in session.scalars(select(Listing))}
        return {key: listing for key, listing in found.items() if not key.startswith("90")}


@pytest.mark.parametrize("list_first", [True, False])
def test_a_card_and_its_page_are_one_listing(store: Store, list_first: bool) -> None:
    steps = [
        lambda: keep_list(store, ("/p/7", "Old carved figure", "$410.00")),
        lambda: store.keep_listing(7),
    ]
    for step in steps if list_first else reversed(steps):
        step()
    counts = store.read()
    assert (counts.listings, counts.new_listings, counts.sightings) == (1, 4, 4)
    assert {key: listing.source for key, listing in find_known(store).items()} == {"7": "listing"}
    assert store.count(Reading) == 2 + 3  # the page, the list, and three cards that nobody knew


def test_a_card_seen_in_another_run_is_a_sighting(store: Store) -> None:
    store.keep_listing(7)
    store.read()
    store.next_run()
    keep_list(store, ("/p/7", "Old carved figure", "$390.00"))
    store.read()
    with reading(store.engine) as session:
        listing = find_known(store)["7"]
        sightings = session.scalars(
            select(Sighting).where(Sighting.listing_id == listing.id).order_by(Sighting.id)
        ).all()
        kinds = [session.get(Reading, sighting.reading_id).kind for sighting in sightings]  # type: ignore[union-attr]
    assert kinds == ["listing", "card"]
    assert listing.price_amount == Decimal("410.00")


@pytest.mark.parametrize(
    "href",
    [
        "http://example.org/p/8",
        "/v/nk88",
        "/c/other",
        "mailto:x@example.org",
        "//[::1/p/8",
        "/q/" + "x" * 3_000,
    ],
)
def test_cards_that_lead_elsewhere_make_no_listing(store: Store, href: str) -> None:
    keep_list(store, (href, "Somewhere else altogether", "$5.00"))
    store.read()
    assert find_known(store) == {}


def test_cards_on_a_listing_s_page_make_no_listing(store: Store) -> None:
    cards = "".join(
        CARD.format(href=f"/p/{n}", title=f"Featured thing {n}", price="$3.00", seller="nk88")
        for n in (11, 12, 13)
    )
    store.keep("/p/7", MAIN.format(title="A figure", seller="nk88", price="$5.00", key=7) + cards)
    store.read()
    assert list(find_known(store)) == ["7"]


def test_without_a_site_file_a_card_needs_a_price(store: Store) -> None:
    store.sites = {}
    keep_list(store, ("/p/7", "Old carved figure", "$410.00"), ("/c/maps", "Maps and charts", ""))
    store.read()
    assert list(find_known(store)) == ["/p/901", "/p/902", "/p/903", "/p/7"] or set(find_known(store)) == {
        "/p/7", "/p/901", "/p/902", "/p/903",
    }  # fmt: skip


def test_a_seller_s_own_page_gives_its_contacts_to_the_seller(store: Store) -> None:
    store.sites["piernine"] = store.sites["piernine"].model_copy()
    store.keep(
        "/v/nk88",
        "<title>nk88 - Pier Nine</title><h1>Profile of nk88</h1><table><tr><td>Joined</td><td>2025-02-01</td></tr></table>"
        "<h3>About nk88</h3><p>Write to pier.nine@example.org before you order anything from me.</p>"
        '<a href="/v/nk88/feedback">Feedback</a>',
    )
    store.read()
    with reading(store.engine) as session:
        found = session.execute(
            select(Seller.name, Contact.value).join(Contact, Contact.seller_id == Seller.id)
        ).all()
        assert [tuple(row) for row in found] == [("nk88", "pier.nine@example.org")]


def test_ratings_on_a_listing_s_page_are_kept_as_its_sales(store: Store) -> None:
    rows = "".join(
        f"<tr><td>{mark}</td><td>{text}</td><td>{buyer}</td><td>$5.00</td><td>2026-10-{day:02}</td></tr>"
        for mark, text, buyer, day in (
            ("Positive", "Came fast, well packed", "m***k", 3),
            ("Negative", "Never came at all", "greyheron77", 9),
            ("Positive", "As described", "z***a", 12),
        )
    )
    table = f"<h3>Feedback</h3><table><tr><th>Rating</th><th>Comment</th><th>Buyer</th><th>Price</th><th>Date</th></tr>{rows}</table>"
    store.keep("/p/7", MAIN.format(title="A figure", seller="nk88", price="$5.00", key=7) + table)
    store.read()
    with reading(store.engine) as session:
        found = session.execute(
            select(Feedback.sign, Feedback.text, Feedback.buyer, Listing.key, Seller.name)
            .join(Listing, Listing.id == Feedback.listing_id)
            .join(Seller, Seller.id == Feedback.seller_id)
            .order_by(Feedback.at)
        ).all()
    assert [tuple(row) for row in found] == [
        ("good", "Came fast, well packed", "m***k", "7", "nk88"),
        ("bad", "Never came at all", "g***7", "7", "nk88"),
        ("good", "As described", "z***a", "7", "nk88"),
    ]


def test_a_familys_adapter_reads_and_its_version_is_told(store: Store) -> None:
    site = store.sites["piernine"]
    store.sites["piernine"] = SiteConfig.model_validate(site.model_dump() | {"family": "agora"})
    body = (
        '<html><body><div id="single-product"><h1>Copper kettle {0}</h1><div class="product-page-price">0.01 BTC</div>'
        '<p><b>Kettle depth:</b> {0} cm</p>Brought to you by: <a class="gen-user-link" href="/v/tin">tin</a>'
        " Hammered by hand, of one sheet.</div></body></html>"
    )
    for number in range(6):
        store.keep(f"/p/{number}", body.format(number))
    store.read()
    with reading(store.engine) as session:
        rows = session.scalars(select(Reading)).all()
        issues = session.scalars(select(Issue.message)).all()
    assert {row.fields["seller"]["value"] for row in rows} == {"tin"}
    assert all(row.reader_version.endswith("+agora-1") for row in rows)
    assert any("Kettle depth" in message for message in issues)
