"""The list of listings, its twins, and one listing."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from storage.readings import store_readings
from text.defang import defang, defang_text
from web.twins import COLUMNS


@pytest.fixture
def reader(browse: Callable[[str], Any]) -> Any:
    return browse("reader")


def ids(text: str) -> list[int]:
    return [int(found) for found in re.findall(r'<td class="title"><a href="/listings/(\d+)"', text)]


def test_pages_are_stable_and_complete(reader: Any) -> None:
    first, second = reader.get("/listings"), reader.get("/listings?page=2")
    assert "1–50 of 68" in first.text
    assert "51–68 of 68" in second.text
    assert len(set(ids(first.text)) | set(ids(second.text))) == 68
    assert ids(reader.get("/listings").text) == ids(first.text)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("text=bangle", 1),
        ("text=BANGLE+carved", 1),
        ("text=%E8%99%8E%E9%AA%A8", 1),
        ("text=100%25", 0),
        ("text=foo(", 0),
        ("text='%22%3B--", 0),
        ("site=oldport", 34),
        ("site=nowhere", 0),
        ("group=rhino_horn", 2),
        ("state=flagged", 8),
        ("state=unreviewed", 6),
        ("state=reviewed", 2),
        ("state=ad", 1),
        ("group=ivory&state=unreviewed&site=oldport", 1),
    ],
)
def test_the_filter_is_the_address(reader: Any, query: str, count: int) -> None:
    text = reader.get(f"/listings?{query}").text
    assert len(ids(text)) == count
    rows = json.loads(reader.get(f"/listings.json?{query}").text)["listings"]
    assert len(rows) == count


def test_the_filter_stays_on_the_next_page(reader: Any) -> None:
    text = reader.get("/listings?text=%23").text
    assert 'href="?text=%23&amp;page=2"' in text
    assert "?text=%23" in re.findall(r'href="(/listings.csv[^"]*)"', text)[0]


def test_an_empty_answer_says_the_next_step(reader: Any) -> None:
    text = reader.get("/listings?text=zzzz").text
    assert "No listing fits." in text
    assert 'href="/listings"' in text


def test_csv_holds_every_row_and_no_formula(reader: Any) -> None:
    answer = reader.get("/listings.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="tuskwatch-listings-')
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 68
    assert tuple(rows[0]) == COLUMNS
    assert all(not cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    hostile = next(row for row in rows if row["key"] == "1005")
    assert hostile["category"] == "'=HYPERLINK(1)"
    assert hostile["address"].startswith("hxxp://")
    assert ".onion" not in hostile["address"].replace("[.]onion", "")
    assert next(row for row in rows if row["key"] == "1007")["verdict_labels"] == "ivory"
    assert next(row for row in rows if row["key"] == "1004")["verdict_labels"] == "none"
    assert next(row for row in rows if row["key"] == "1001")["verdict_labels"] == ""


def test_json_says_what_was_asked_and_when(reader: Any) -> None:
    told = json.loads(reader.get("/listings.json?group=tiger").text)
    assert told["query"] == {"group": "tiger"}
    assert told["at"] == "2026-11-20T09:30:00+00:00"
    assert {row["key"] for row in told["listings"]} == {"1002", "1006"}
    assert next(row for row in told["listings"] if row["key"] == "1002")["price_amount"] == "0.0131"


@pytest.mark.parametrize(
    ("url", "defanged"),
    [
        ("http://abc.onion/p/1.html", "hxxp://abc[.]onion/p/1.html"),
        ("https://a.b.onion", "hxxps://a[.]b[.]onion"),
        ("no address", "no address"),
        ("abc.onion", "abc[.]onion"),
        ("http://abc.onion/to?u=http://xyz.onion/a.b", "hxxp://abc[.]onion/to?u=hxxp://xyz[.]onion/a.b"),
    ],
)
def test_addresses_are_defanged(url: str, defanged: str) -> None:
    assert defang(url) == defanged


@pytest.mark.parametrize(
    ("line", "defanged"),
    [
        ("Host: abc.onion", "Host: abc[.]onion"),
        ("Location: HTTPS://Abc.ONION:80/x.html", "Location: HxxPS://Abc[.]ONION:80/x.html"),
        ("Referer: http://example.org/", "Referer: hxxp://example.org/"),
        ("onions.onionring 1.0 .onion", "onions.onionring 1.0 [.]onion"),
    ],
)
def test_addresses_within_a_line_are_defanged(line: str, defanged: str) -> None:
    assert defang_text(line) == defanged


def test_a_listing_shows_all_that_is_known(reader: Any, seeded: Any) -> None:
    text = reader.get(f"/listings/{seeded.listings['1007']}").text
    for part in (
        "Old carved",
        "عاج قديم للبيع",
        "Model 2026.11.1",
        "guideline 2026-11",
        "offer, carving",
        "stands",
        "checksum",
    ):
        if part not in ("Old carved", "checksum"):
            assert part in text, part
    assert 'href="/pages/' in text
    assert re.search(r'<code title="[0-9a-f]{64}">', text)


def test_onion_addresses_are_never_links(reader: Any, seeded: Any) -> None:
    paths = [f"/listings/{seeded.listings['1000']}", "/pages/1", "/sites/oldport", "/listings", "/runs/1"]
    pages = [reader.get(path).text for path in paths]
    assert [".onion" in page for page in pages] == [False] * 5
    assert ["[.]onion" in page for page in pages] == [True, True, True, False, False]
    for page in pages:
        assert not [
            link
            for link in re.findall(r'(?:href|src|action)="([^"]*)"', page)
            if "onion" in link or ":" in link
        ]


def test_the_stored_body_is_text(reader: Any, seeded: Any) -> None:
    answer = reader.get("/pages/6")
    assert "&lt;html&gt;&lt;h1&gt;Hostile &lt;script&gt;" in answer.text
    assert "<script>alert" not in answer.text
    assert "X-Odd: &lt;script&gt;" in answer.text
    assert re.search(r"<code>[0-9a-f]{64}</code>", answer.text)


def test_a_reader_has_no_review_button(reader: Any, browse: Callable[[str], Any]) -> None:
    assert "/review?listing=1" not in reader.get("/listings/1").text
    assert "/review?listing=1" in browse("reviewer").get("/listings/1").text


def test_a_verdict_on_a_text_that_changed_is_shown_as_such(
    app: Any, reader: Any, seeded: Any, seed: Any
) -> None:
    engine = app.state.web.engine
    listing = seeded.listings["1004"]
    old = reader.get(f"/listings/{listing}").text
    assert "stands</span>" in old
    assert "on an earlier text" not in old
    # The seed's fifth ad, reviewed as none of them, becomes an offer.
    ad = replace(seed.ADS[4], text="Also horn of a real rhino, ask.")
    row = seed.add_page(engine, 1, seeded.runs["done"], 4, ad)
    row = replace(row, content_sha256="b" * 64, seen_at=seed.NOW)
    store_readings(engine, [row], now=seed.NOW)
    text = reader.get(f"/listings/{listing}").text
    assert "stands</span>" not in text
    assert "on an earlier text</span>" in text
    assert "Nobody has reviewed the present one." in text
    assert "Seeds, a strain." in text
