"""Sellers' own pages and their tabs, invented, in several makes and languages: one test for each field."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from crawler.extract import PageReading, read_page

CAPTURED = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
KEY = "<pre>-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQENBFabc123def456\n-----END PGP PUBLIC KEY BLOCK-----</pre>"


def read(body: str) -> PageReading:
    return read_page(
        body.encode(), url="", content_type="text/html; charset=utf-8", captured_at=CAPTURED, kind_hint="seller"
    )  # fmt: skip


def cards(count: int) -> str:
    return "".join(
        f"<div class=item><a href=/p/{n}>Thing {n}</a> <b>${n}1.50</b></div>" for n in range(1, count + 1)
    )


BADGES = (
    "<title>nk88</title><h1>nk88 <i>| User profile</i></h1><h3>nk88 <span>(578)</span> <span class=lv>Vendor level 7</span> <span class=tr>Trust level 5</span></h3>"
    "<div><span title='Verified Grey Market sales and star rating 1-5'>138 (5.0)</span><p>Positive feedback (last 12 months): <b>99.78</b>%</p><p>Member since: <b>August 16, 2025</b></p></div>"
    "<table><tr><th></th><th>1 month</th><th>6 months</th><th>12 months</th></tr><tr><td>Positive</td><td>404</td><td>449</td><td>450</td></tr>"
    "<tr><td>Neutral</td><td>6</td><td>6</td><td>7</td></tr><tr><td>Negative</td><td>1</td><td>1</td><td>2</td></tr></table>"
    "<table><tr><td>Last online</td><td>Oct 07, 2026</td></tr></table>"
    "<div class=tab><a class='link focus' href=/u/nk88/about>About</a><a class=link href=/u/nk88/fb>Feedback</a></div><p>Old things only.</p>"
)
LABELS = (
    "<h2>Contact vendor</h2><table><tr><td><label>Username</label></td><td><span>kay <a href=/r><span title='Successful transactions'>(3250)</span> "
    "(<span title='Average rating out of 2450 rating[s] (1-5 stars)'>4.91</span>)</a> (<span title='Greybay vendor rating (Pos, Neut, Neg)'>402/5/2</span>)</span></td></tr></table>"
    "<div><label>FE enabled</label> <span>Yes</span></div><div><label>Join date</label> <span>10/04/2026</span></div><div><label>Last active</label> <span>16/10/2026</span></div>"
    "<div><span title='I trust this vendor'><button></button></span> 101 <span title='I distrust this vendor'><button></button></span> 8</div>"
    "<h3>Terms and conditions</h3><pre>No refunds.\nAsk first.</pre>" + KEY + cards(4)
)
GERMAN = (
    "<h1>Händlerprofil: nordlicht</h1><dl><dt>Status</dt><dd>Im Urlaub</dd><dt>Stufe</dt><dd>4</dd><dt>Verkäufe</dt><dd>1.250</dd><dt>Bewertung</dt><dd>4,71 (312 Bewertungen)</dd>"
    "<dt>Mitglied seit</dt><dd>27.04.2026</dd><dt>Zuletzt online</dt><dd>23.10.2026</dd></dl><h3>Über mich</h3><p>Nur alte Stücke.</p>" + cards(2)
)  # fmt: skip
RUSSIAN = "<h1>Продавец lesnik</h1><p>Дата регистрации: 27.04.2026</p><p>Был в сети: 23.10.2026</p><p>Рейтинг: 97,5 %</p><p>Продажи: 48</p>"
BRACKETS = "<title>nk88 - profile</title><h2>nk88 (12) [4.71]</h2><p>Joined: 2026-01-05</p><p>AlphaBay 332/9/6</p><span>BANNED</span>"

FIELDS: list[tuple[str, str, str, Any]] = [
    ("badges", BADGES, "name", "nk88"), ("badges", BADGES, "sales", Decimal(578)), ("badges", BADGES, "level", "Vendor level 7"), ("badges", BADGES, "trust", "Trust level 5"),
    ("badges", BADGES, "rating", Decimal("99.78")), ("badges", BADGES, "joined", datetime(2025, 8, 16, tzinfo=UTC)), ("badges", BADGES, "last_seen", datetime(2026, 10, 7, tzinfo=UTC)),
    ("badges", BADGES, "feedback_counts", {"positive": ("404", "449", "450"), "neutral": ("6", "6", "7"), "negative": ("1", "1", "2")}),
    ("badges", BADGES, "external_ratings", ({"market": "Verified Grey Market sales and star rating 1-5", "text": "138 (5.0)"},)), ("badges", BADGES, "tab", "About"),
    ("labels", LABELS, "name", "kay"), ("labels", LABELS, "sales", Decimal(3250)), ("labels", LABELS, "rating", Decimal("4.91")), ("labels", LABELS, "rating_count", Decimal(2450)),
    ("labels", LABELS, "external_ratings", ({"market": "Greybay", "text": "402/5/2"},)), ("labels", LABELS, "fe_enabled", "Yes"), ("labels", LABELS, "trust_up", Decimal(101)),
    ("labels", LABELS, "trust_down", Decimal(8)), ("labels", LABELS, "description", "No refunds.\nAsk first."),
    ("german", GERMAN, "name", "nordlicht"), ("german", GERMAN, "status", "Im Urlaub"), ("german", GERMAN, "level", "4"), ("german", GERMAN, "sales", Decimal(1250)),
    ("german", GERMAN, "rating", Decimal("4.71")), ("german", GERMAN, "rating_count", Decimal(312)), ("german", GERMAN, "joined", datetime(2026, 4, 27, tzinfo=UTC)),
    ("german", GERMAN, "description", "Nur alte Stücke."),
    ("russian", RUSSIAN, "name", "lesnik"), ("russian", RUSSIAN, "rating", Decimal("97.5")), ("russian", RUSSIAN, "sales", Decimal(48)),
    ("brackets", BRACKETS, "sales", Decimal(12)), ("brackets", BRACKETS, "rating", Decimal("4.71")), ("brackets", BRACKETS, "external_ratings", ({"market": "AlphaBay", "text": "332/9/6"},)),
    ("brackets", BRACKETS, "status", "BANNED"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "field", "value"), [row[1:] for row in FIELDS], ids=[f"{row[0]}-{row[2]}" for row in FIELDS])  # fmt: skip
def test_a_field_of_a_seller(body: str, field: str, value: Any) -> None:
    found = read(body).fields
    assert field in found
    assert found[field].value == value
    assert found[field].where


def test_the_key_is_kept_and_its_fingerprint_only_when_proven() -> None:
    found = read(LABELS).fields
    assert found["pgp_key"].value.startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----")
    assert "pgp_fingerprint" not in found  # an invented block proves nothing
    assert "pgp_key" not in read(BADGES).fields


@pytest.mark.parametrize(("body", "count"), [(LABELS, 4), (GERMAN, 2), (GERMAN.replace(cards(2), cards(1)), 1), (BADGES, 0)])  # fmt: skip
def test_what_they_sell(body: str, count: int) -> None:
    found = read(body).cards
    assert [(card.title, card.url, card.price_amount) for card in found] == [
        (f"Thing {n}", f"/p/{n}", Decimal(f"{n}1.50")) for n in range(1, count + 1)
    ]


def test_a_page_that_says_nothing_gives_nothing() -> None:
    found = read("<h1>nk88</h1><p>Joined: 2026-01-05</p>").fields
    for name in ("sales", "rating", "rating_count", "level", "trust", "status", "external_ratings", "feedback_counts", "trust_up"):  # fmt: skip
        assert name not in found
