"""Invented pages cut, repeated, nested, shuffled and badly encoded: the reader never raises, and its work stays bounded."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler.extract import read_page
from crawler.html import MAX_ELEMENTS, parse_html
from crawler.listings import ListingReader
from crawler.pairs import _Finder, find_pairs
from crawler.regions import make_page
from crawler.values import as_json

CAPTURED = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
SAMPLES = sorted((Path(__file__).parent / "samples").glob("*/page.html"))
PAGES = [path.read_text("utf-8") for path in SAMPLES]
TAG = re.compile(r"<[^<>]*>")
SPICE = (
    "\u200b", "\u00ad", "\u202e", "\x00", "&#0;", "&#x110000;", "&nbsp;", "<wbr>", "<b>", "</b>", "<table>", "<td>", "<select>",
    "<option>", "</form>", "<!--", "-->", "<![CDATA[", "<svg>", "<textarea>", "9" * 400, "$" * 40, "Price: ", "Ships to: ", "→",
    "1/" * 60, "(" * 80, "\U0001f469\u200d\U0001f33e", "Описание", "价格：", "الوصف", "\ud83d",
)  # fmt: skip


def cut(page: str, chance: random.Random) -> str:
    start, end = sorted(chance.randrange(len(page)) for _ in range(2))
    return page[:start] + page[end:]


def repeat(page: str, chance: random.Random) -> str:
    start = chance.randrange(len(page))
    piece = page[start : start + chance.randrange(1, 200)]
    return page[:start] + piece * chance.randrange(2, 60) + page[start:]


def nest(page: str, chance: random.Random) -> str:
    tags = chance.choice(("div", "table><tr><td", "ul><li", "b", "form", "dl><dd", "select"))
    return f"<{tags}>" * chance.randrange(1, 90) + page


def shuffle(page: str, chance: random.Random) -> str:
    tags = TAG.findall(page)
    chance.shuffle(tags)
    left = iter(tags)
    return TAG.sub(lambda _: next(left), page)


def season(page: str, chance: random.Random) -> str:
    for _ in range(chance.randrange(1, 12)):
        place = chance.randrange(len(page) + 1)
        page = page[:place] + chance.choice(SPICE) + page[place:]
    return page


MUTATIONS: tuple[Callable[[str, random.Random], str], ...] = (cut, repeat, nest, shuffle, season)
ENCODINGS = ("utf-8", "utf-16", "cp1251", "gb18030", "latin-1")


@pytest.mark.parametrize("seed", range(120))
def test_a_mutated_page_is_read_without_an_error(seed: int) -> None:
    chance = random.Random(seed)
    page = chance.choice(PAGES)
    for _ in range(chance.randrange(1, 4)):
        page = chance.choice(MUTATIONS)(page, chance)[:60_000] or "<"
    body = page.encode(chance.choice(ENCODINGS), "replace")
    declared = chance.choice(("", "text/html", "text/html; charset=utf-8", "text/html; charset=shift_jis"))
    reading = read_page(
        body, url="http://x.onion/p/1", content_type=declared, captured_at=CAPTURED, kind_hint="listing"
    )
    for name, value in as_json(reading.fields).items():
        assert 0 < value["sure"] <= 1, name
        assert len(str(value["value"])) < 400_000
    assert len(reading.leftovers) <= 40


FLOODS = {
    "options": "<h3>Shipping</h3><select name=shipping>" + "<option>Post - 5 days - $5" * 4_000 + "</select>",
    "radios": "<h3>Shipping</h3>" + "<label><input type=radio name=ship>Post $5</label>" * 3_000,
    "radios of one row": "<h3>Shipping</h3><p>" + "<input type=radio name=ship> Post $5 " * 3_000,
    "tables": "<h3>Bulk prices</h3>" + "<table><tr><td>5 g<td>$9<tr><td>9 g<td>$7</table>" * 2_000,
    "tables in tables": "<table><tr><td>5 g<td>$9<tr><td>" * 300,
    "crumbs": "<div class=breadcrumb><a href=/category/1>A</a> &gt; " * 2_000,
    "chosen": "<li class=selected><a href=/category/1>A</a>" * 2_000,
    "tags": "<span class=tags><a href=/t>x</a>" * 2_000,
    "labels": "<b>Price:</b><b>Seller:</b><b>Payment</b><b>Escrow</b>" * 4_000,
    "sellers": "<p>Sold by <a href=/u/a>a</a> (12) [4.9] <span title='Rating on Vell'>1/1</span></p>" * 2_000,
    "days": "<p>Shipping: " + "1-" * 20_000 + "</p>",
    "prices in a row": "<span itemprop=price>$5</span> " * 3_000,
    "bare prices in a row": "".join(f"<span>${n}</span> " for n in range(3_000)),
    "levels": "<p>Sold by <a href=/u/a>a</a> " + "level " * 60 + "</p>",
}


@pytest.mark.parametrize("flood", FLOODS)
def test_twice_the_page_is_no_more_than_some_times_the_work(
    flood: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Work is counted as calls into the tree, not as seconds, so that a loaded machine tells the same."""

    def work(text: str) -> int:
        from crawler.html import Element

        calls = 0
        plain = Element.iter

        def counted(self: Element) -> list[Element]:
            nonlocal calls
            found = plain(self)
            calls += 1 + len(found)
            return found

        children = Element.elements

        def counted_children(self: Element) -> list[Element]:
            nonlocal calls
            found = children(self)
            calls += 1 + len(found)
            return found

        with monkeypatch.context() as patch:
            patch.setattr(Element, "iter", counted)
            patch.setattr(Element, "elements", counted_children)
            page = make_page(parse_html(f"<html><body><h1>Grey box</h1>{text}</body></html>"))
            ListingReader(page, captured_at=CAPTURED)
        return calls

    text = FLOODS[flood]
    half, whole = work(text[: len(text) // 2]), work(text)
    assert whole <= 3 * half + 20_000
    assert whole <= 60 * MAX_ELEMENTS


def test_pairs_of_a_flood_are_bounded() -> None:
    page = make_page(parse_html("<p>Price: $5</p>" * 5_000))
    assert len(find_pairs(page)) <= 1_000
    assert _Finder(page).work == 0


@pytest.mark.parametrize("odd", ["<?xml x?>", "<?div class=a>b</div>", "<!ELEMENT a>", "</ >", "<>"])
def test_what_is_no_element_is_passed_over(odd: str) -> None:
    page = make_page(parse_html(f"<html><body><p>before</p>{odd}<p>after</p></body></html>"))
    assert all(element.tag for element in page.tree.elements)
    assert next(e.short for e in page.tree.elements if e.tag == "p") == "before"
