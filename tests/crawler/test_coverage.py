"""The site's own numbers beside its categories are read in the forms that sites write, and held against what was seen."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from crawler.coverage import MAX_CATEGORIES, category_of, measure_coverage, read_counts
from crawler.markup import parse_bounded
from crawler.sites import SiteConfig, load_site


def counts(place: Any, html: str, **more: Any) -> dict[str, int]:
    config = SiteConfig.model_validate(place.config | more)
    return read_counts(parse_bounded(html.encode()), config, url=f"http://{place.onion}/")


@pytest.mark.parametrize(
    ("html", "count"),
    [
        ("<a href='/c/a'>Jewellery (123)</a>", 123),
        ("<a href='/c/a'>Jewellery</a> (123)", 123),
        ("<a href='/c/a'>Jewellery [1,234]</a>", 1234),
        ("<a href='/c/a'>Schmuck (1.234)</a>", 1234),
        ("<a href='/c/a'>Bijoux (1 234)</a>", 1234),
        ("<a href='/c/a'>珠宝（12）</a>", 12),
        ("<a href='/c/a'>Jewellery <span class='badge'>77</span></a>", 77),
        ("<a href='/c/a'>Jewellery</a> <span class='badge'>77</span>", 77),
        ("<a href='/c/a'>Jewellery</a><small>[77]</small>", 77),
        ("<li><a href='/c/a'><b>Jewellery</b></a>\n (0)</li>", 0),
        ("<a href='/c/a'>Jewellery</a>", None),
        ("<a href='/c/a'>(12)</a>", None),
        ("<a href='/c/a'>Top 100</a>", None),
        ("<a href='/c/a'>Jewellery</a> since 2019", None),
        ("<a href='/c/a'>Jewellery (123456789)</a>", None),
        ("<a href='/c/a?page=2'>Next (12)</a>", None),
        ("<a href='/p/7'>Bowl (12)</a>", None),
        ("<a href='http://example.com/c/a'>Shop (12)</a>", None),
    ],
)
def test_counts_beside_names(place: Any, html: str, count: int | None) -> None:
    assert counts(place, html) == ({} if count is None else {"/c/a": count})


def test_selectors_of_the_site_file_say_where(place: Any) -> None:
    html = "<div class='k'><a href='/c/a'>Art</a><i>9 pcs</i><u>5</u></div><div class='k'><a href='/c/b'>Book</a></div>"
    assert counts(place, html, counts={"link": ".k", "count": "i"}) == {"/c/a": 9}
    assert counts(place, html, counts={"link": ".k a", "count": "u"}) == {"/c/a": 5}


def test_a_list_may_say_in_its_own_heading_how_long_it_is(place: Any) -> None:
    tree = parse_bounded(
        b"<h1>Nordkontor</h1><h2>Schmuck <small>(1.204)</small></h2><a href='/p/1'>x (3)</a>"
    )
    config = SiteConfig.model_validate(place.config)
    assert read_counts(tree, config, url=f"http://{place.onion}/c/schmuck?page=2") == {"/c/schmuck": 1204}
    assert read_counts(tree, config, url=f"http://{place.onion}/p/2") == {}


def test_the_number_of_categories_is_bounded(place: Any) -> None:
    html = "".join(f"<a href='/c/x{number}'>A ({number})</a>" for number in range(MAX_CATEGORIES + 50))
    assert len(counts(place, html)) == MAX_CATEGORIES


@pytest.mark.parametrize(
    ("path", "category"),
    [("/c/a?page=2", "/c/a"), ("/c/a?sort=x&id=3&page=2", "/c/a?id=3"), ("/c/a", "/c/a")],
)
def test_pieces_and_orders_belong_to_their_list(path: str, category: str) -> None:
    assert category_of(path) == category


def test_a_crawl_is_held_against_the_numbers_of_the_site(place: Any, stub: ModuleType) -> None:
    """Forty said, thirty linked, twenty-five there: what has no page was not seen."""

    def answer(asked: Any) -> bytes:
        if asked.path == "/":
            return bytes(stub.reply("<p>Welcome to the market of old things, all of them used.</p>"
                                    "<a href='/c/art'>Art (40)</a> <a href='/c/food'>Food</a> (2)"))  # fmt: skip
        if asked.path.startswith("/c/art"):
            page = int(asked.path.partition("=")[2] or 1)
            links = [f"/p/{number}" for number in range(page * 10 - 10, page * 10)]
            return bytes(
                stub.html(
                    "Art", links + ([f"/c/art?page={page + 1}"] if page < 3 else []), text=f"List {page}"
                )
            )
        if asked.path == "/c/food":
            return bytes(stub.html("Food", ["/p/100", "/p/101"]))
        if asked.path in {f"/p/{number}" for number in range(25, 30)}:
            return bytes(stub.reply("nothing here", status="404 Not Found"))
        return bytes(stub.html(f"Thing {asked.path}", ["/"]))

    with stub.OnionStub(answer) as tor:
        crawled = place.crawl(tor.socks)
    assert crawled.code == 0
    config = load_site(place.data / "sites" / "oldport")
    want = {
        "/c/art": {"says": 40, "seen": 25},
        "/c/food": {"says": 2, "seen": 2},
        "*": {"says": 42, "seen": 27},
    }
    assert measure_coverage(place.engine, config, run_id=crawled.run, now=place.now) == want
    assert place.run(crawled.run).coverage == want
    assert [issue.message for issue in place.issues() if issue.kind == "coverage"] == [
        "1 category has more ads than were seen, by the site's own count: /c/art (25 of 40)"
    ]
