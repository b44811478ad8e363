"""JSON-LD of one product: what it may fill, and what hostile scripts do."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from crawler.extract import read_page
from crawler.linkeddata import read_linked

PRODUCT: dict[str, Any] = {
    "@context": "https://schema.org",
    "@type": "Product",
    "name": "Grey box &amp; key",
    "description": "A box of birch.<br>Old.",
    "category": "Home > Boxes",
    "offers": {
        "@type": "Offer",
        "price": "19.50",
        "priceCurrency": "EUR",
        "seller": {"@type": "Organization", "name": "nk88"},
    },
}


def script(data: Any) -> str:
    made = data if isinstance(data, str) else json.dumps(data)
    return f'<script type="application/ld+json">{made}</script>'


def values(text: str) -> dict[str, Any]:
    return {name: value.value for name, value in read_linked(text).items()}


@pytest.mark.parametrize(
    "data", [PRODUCT, [PRODUCT], {"@graph": [{"@type": "WebSite", "name": "x"}, PRODUCT]}]
)
def test_one_product_is_read(data: Any) -> None:
    found = values(f"<html>{script(data)}</html>")
    assert (found["seller"], found["price_amount"], found["price_currency"]) == (
        "nk88",
        Decimal("19.50"),
        "EUR",
    )
    assert (found["category"], found["description"]) == (("Home", "Boxes"), "A box of birch. Old.")


@pytest.mark.parametrize(
    "data",
    [
        [PRODUCT, PRODUCT], "{not json", "[" * 50_000, {"@type": "Product"}, {"@type": ["Thing"]}, None, 5, {"@type": 5},
        {"@type": "Product", "name": ["a"], "offers": "x"}, {"@type": "Product", "name": {"a": 1}, "offers": [1, 2]},
    ],
)  # fmt: skip
def test_what_is_no_single_product_gives_nothing(data: Any) -> None:
    assert values(script(data)) == {}


def test_a_flood_of_scripts_is_bounded() -> None:
    assert values('<script type="application/ld+json">{"a":' * 60_000) == {}


@pytest.mark.parametrize(
    ("price", "currency"), [("1,950", "EUR"), ("free", "EUR"), ("0", "EUR"), ("-5", "EUR"), ("5", "??"), (None, "EUR"), (["5"], "EUR")]
)  # fmt: skip
def test_a_doubtful_price_is_left(price: Any, currency: str) -> None:
    offer = {**PRODUCT["offers"], "price": price, "priceCurrency": currency}
    assert "price_amount" not in values(script({**PRODUCT, "offers": offer}))


def test_what_the_page_shows_goes_before() -> None:
    shown = (
        "<h1>Grey box</h1><table><tr><td>Price</td><td>$30.00</td></tr><tr><td>Ships from</td><td>Norway</td></tr>"
        "</table><h3>Description</h3><p>The words that people read of this old grey box.</p><button>Buy now</button>"
    )
    page = f"<html><head><title>Grey box</title>{script(PRODUCT)}</head><body>{shown}</body></html>"
    reading = read_page(
        page.encode(), url="", content_type="text/html", captured_at=datetime(2026, 11, 1, tzinfo=UTC), kind_hint=None
    )  # fmt: skip
    price = reading.fields["price_amount"]
    assert (price.value, [other.value for other in price.others]) == (Decimal("30.00"), [Decimal("19.50")])
    assert (reading.fields["price_currency"].value, reading.text("seller")) == ("USD", "nk88")
    assert reading.text("description").startswith("The words")
