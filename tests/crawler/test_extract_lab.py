"""The generic reader on the lab's own sites, against the lab's truth: every field of a sample of each site's listings."""

from __future__ import annotations

import html
import re
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from typing import Any

import pytest

from crawler.extract import PageReading, read_page
from crawler.merging import choose_main, merge_readings
from lab.sites import SITE_NAMES, make_sites
from lab.truth import Truth, truth
from lab.wire import Request

TODAY = date(2026, 11, 1)
CAPTURED = datetime(2026, 11, 1, 20, 0, tzinfo=UTC)
SEED, TOTAL = 11, 400
SAMPLE = 40
FIELDS = ("title", "seller", "description", "price", "ships_from", "ships_to", "posted")


@lru_cache(maxsize=1)
def sites() -> dict[str, Any]:
    return {site.name: site for site in make_sites(seed=SEED, listings=TOTAL, today=TODAY)}


@lru_cache(maxsize=1)
def all_truth() -> tuple[Truth, ...]:
    return tuple(truth(seed=SEED, listings=TOTAL, today=TODAY))


def sample(name: str) -> list[Truth]:
    """Every n-th listing of a site, and all that offer wildlife: those must not be lost."""
    own = [it for it in all_truth() if it.site == name]
    return [it for place, it in enumerate(own) if place % max(1, len(own) // SAMPLE) == 0 or it.labels]


def kind_of(name: str, path: str) -> str:
    kinds = sites()[name].kinds.items()
    return next((kind for kind, patterns in kinds if any(re.search(p, path) for p in patterns)), "other")


def fetch(name: str, path: str) -> bytes:
    site = sites()[name]
    response = site.respond(Request("GET", path, {"cookie": f"{site.cookie}=x"}))
    assert response.status == 200
    body: bytes = response.body
    return body


def read_one(name: str, path: str, body: bytes) -> PageReading:
    return read_page(
        body,
        url=f"http://{name}.onion{path}",
        content_type="text/html; charset=utf-8",
        captured_at=CAPTURED,
        kind_hint=kind_of(name, path),
        site_title=sites()[name].title,
    )


@cache
def read_listing(name: str, path: str) -> PageReading:
    """A listing with the pages that belong to it: tabs, further pages of a thread."""
    body = fetch(name, path)
    pages = [(path, read_one(name, path, body))]
    links = re.findall(rf'href="({re.escape(path)}[/?][^"#]*)"', body.decode())
    for link in dict.fromkeys(html.unescape(link) for link in links):
        if kind_of(name, link) in ("listing", "thread"):
            pages.append((link, read_one(name, link, fetch(name, link))))
    main = choose_main(pages)
    return merge_readings([pages[main][1], *(r for place, (_, r) in enumerate(pages) if place != main)])


def value_of(reading: PageReading, field: str, currency: str) -> Any:
    """A field in the form of the truth; "" when it was not read."""

    def value(name: str) -> Any:
        return reading.fields[name].value if name in reading.fields else None

    if field == "price":
        prices = {value("price_currency"): value("price_amount")}
        prices |= {other["currency"]: other["amount"] for other in value("prices_other") or ()}
        return prices.get(currency)
    if field == "ships_to":
        return ", ".join(value("ships_to") or ())
    if field == "posted":
        return value("posted").date() if value("posted") else None
    found = value(field)
    return " ".join(found.split()) if isinstance(found, str) else found or ""


def true_value(it: Truth, field: str) -> Any:
    found = getattr(it, field)
    if field == "posted":
        return found.date()
    return " ".join(found.split()) if isinstance(found, str) else found


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("name", SITE_NAMES)
def test_field_is_read_right(name: str, field: str) -> None:
    wrong = []
    for it in sample(name):
        found = value_of(read_listing(name, it.path), field, it.currency)
        if (found or "") != (true_value(it, field) or ""):
            wrong.append((it.path, true_value(it, field), found))
    assert wrong == []


@pytest.mark.parametrize("name", SITE_NAMES)
def test_the_sample_is_no_empty_one(name: str) -> None:
    assert len(sample(name)) >= 20
    assert any(true_value(it, "description") for it in sample(name))


@pytest.mark.parametrize("name", SITE_NAMES)
def test_kind_is_what_the_site_says(name: str) -> None:
    kinds = {read_listing(name, it.path).kind for it in sample(name)}
    assert kinds == {kind_of(name, sample(name)[0].path)}


@pytest.mark.parametrize("name", SITE_NAMES)
def test_prices_come_with_their_currency(name: str) -> None:
    for it in sample(name):
        if it.price is not None:
            reading = read_listing(name, it.path)
            assert reading.fields["price_currency"].value
            assert reading.fields["price_amount"].value > 0


@pytest.mark.parametrize("name", SITE_NAMES)
def test_rules_are_no_listing(name: str) -> None:
    for path in ("/rules", "/terms", "/regeln"):
        site = sites()[name]
        response = site.respond(Request("GET", path, {"cookie": f"{site.cookie}=x"}))
        if response.status == 200:
            reading = read_page(
                response.body,
                url=f"http://x.onion{path}",
                content_type="",
                captured_at=CAPTURED,
                kind_hint=None,
            )
            assert reading.kind not in ("listing", "thread", "search")
