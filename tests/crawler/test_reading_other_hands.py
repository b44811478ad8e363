"""Structures that markets of another make use: labels in two languages, small print in headings, struck prices."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crawler.extract import read_page
from crawler.labels import find_label
from crawler.values import PageReading

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def read(body: str, title: str = "Teak box") -> PageReading:
    page = f"<html><head><title>{title}</title></head><body>{body}</body></html>"
    return read_page(page.encode(), url="", content_type="text/html", captured_at=NOW, kind_hint=None)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("Versand aus / Ships from", "ships_from"),
        ("Xyzzy / Ships to", "ships_to"),
        ("Expédié de / Ships to", None),
        ("Type d’article", "product_class"),
    ],
)
def test_a_label_in_two_languages_is_one_label(text: str, field: str | None) -> None:
    label = find_label(text)
    assert (label.field if label else None) == field


OFFER = (
    '<h2>Teak box<div class="small">listed by <a href="/vendor/tomtit">tomtit</a></div></h2>'
    "<table><tr><td>Price</td><td><del>90.00 USD</del> <b>75.00 USD</b></td></tr>"
    "<tr><td>Versand aus / Ships from</td><td>Peru</td></tr>"
    "<tr><td>Xyzzy / Ships to</td><td>Chile</td></tr></table><form><button>Buy now</button></form>"
)


@pytest.mark.parametrize(
    ("field", "value"),
    [("title", "Teak box"), ("seller", "tomtit"), ("ships_from", "Peru"), ("ships_to", ("Chile",))],
)
def test_an_offer_of_another_make(field: str, value: object) -> None:
    reading = read(OFFER)
    assert reading.kind == "listing"
    assert reading.fields[field].value == value


def test_the_parts_of_a_page_are_no_cards() -> None:
    top = '<div id="a"><a href="/">Home</a> 1 BTC = 60 000 USD</div>'
    ad = '<div id="b"><a href="/x">Advert</a> from 5 USD</div>'
    foot = '<div id="c"><a href="/y">Terms</a> fee 3 USD</div>'
    body = OFFER.replace("h2>", "h1>").replace("<h2", "<h1")
    assert read(f'{top}{ad}<div id="m">{body}</div>{foot}').kind == "listing"


def test_a_notice_that_nothing_is_here() -> None:
    body = "<h2>Information</h2><p>The requested topic does not exist.</p>"
    assert read(body, "Information - Some Market").kind == "not_found"
