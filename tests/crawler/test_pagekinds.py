"""What kind a page is, and which pages are gates."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crawler.extract import read_page

CAPTURED = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
LONG = (
    "<p>" + "We have been around for a while and mean to stay, whatever the others say of us. " * 40 + "</p>"
)
LISTING = (
    "<h1>Old white bangle</h1><table><tr><td>Vendor</td><td>nk88</td></tr><tr><td>Price</td><td>$410.00</td></tr>"
    "<tr><td>Ships from</td><td>Peru</td></tr></table><h3>Description</h3><p>Old piece, sold as it is.</p>"
)
POST = "<div class=post><b class=author>ann{n}</b> <span class=date>2026-09-0{n}</span><div class=message>Words and words.</div></div>"
CARD = "<div class=card><a href=/p/{n}>A thing number {n}</a> <b>$1{n}.00</b></div>"
LOGIN = "<title>Login</title><form><input name=user><input type=password name=pw></form>"
CAPTCHA = (
    "<form><img alt=captcha src=/c.png><input name=captcha></form><p>Prove that you are not a robot.</p>"
)


def kind_of(body: str, *, hint: str | None = None, path: str = "/x") -> tuple[str, float]:
    reading = read_page(
        body.encode(),
        url=f"http://x.onion{path}",
        content_type="text/html",
        captured_at=CAPTURED,
        kind_hint=hint,
    )
    return reading.kind, reading.confidence


KINDS = [
    ("listing", LISTING, "/x"),
    ("thread", "<h2>A topic</h2>" + POST.format(n=1) + POST.format(n=2), "/x"),
    ("search", "<h1>Art</h1>" + "".join(CARD.format(n=n) for n in range(5)), "/x"),
    ("home", "<title>Welcome</title><h1>The market</h1>" + "".join(CARD.format(n=n) for n in range(5)), "/x"),
    ("home", "<h1>The market</h1>" + LONG, "/"),
    (
        "rules",
        "<h1>Rules</h1><p>No ivory, no rhino horn, no tiger bone, no ivory at all. Ivory is ivory.</p>",
        "/x",
    ),
    ("rules", "<h1>Regeln</h1><p>Kein Elfenbein, kein Nashornhorn.</p>", "/x"),
    ("seller", "<h1>nk88</h1><p>Member since: April 27, 2026</p><p>Last online: Oct 23, 2026</p>", "/x"),
    ("directory", "<h1>Links</h1>" + "".join(f"<p>http://{c * 56}.onion</p>" for c in "abcd"), "/x"),
    ("other", "<h1>Nothing much</h1>" + LONG, "/x"),
    ("login", LOGIN, "/x"),
    ("captcha", CAPTCHA, "/x"),
    ("queue", "<meta http-equiv=refresh content=12><p>You are in queue. Estimated time: 3 min</p>", "/x"),
    ("seized", "<h1>This hidden site has been seized</h1><p>By order of a court.</p>", "/x"),
    ("not_found", "<title>Listing not found</title><h1>Listing not found</h1>", "/x"),
    ("not_found", "<h1>404</h1><p>Dieses Regal ist leer.</p>", "/x"),
]


@pytest.mark.parametrize(("kind", "body", "path"), KINDS)
def test_kind_by_make_and_words(kind: str, body: str, path: str) -> None:
    assert kind_of(body, path=path)[0] == kind


@pytest.mark.parametrize(("kind", "body"), [("login", LOGIN), ("captcha", CAPTCHA), ("queue", KINDS[12][1])])
@pytest.mark.parametrize("hint", ["listing", "thread", "search"])
def test_a_gate_is_never_what_the_site_file_says(kind: str, body: str, hint: str) -> None:
    assert kind_of(body, hint=hint)[0] == kind


def test_a_login_box_beside_content_is_no_gate() -> None:
    assert kind_of(LISTING + LOGIN.replace("<title>Login</title>", ""), hint="listing")[0] == "listing"
    assert kind_of("<h1>Words</h1>" + LONG + LOGIN.replace("<title>Login</title>", ""))[0] == "other"


def test_a_listing_that_sells_logins_is_a_listing() -> None:
    body = "<title>Shop - Stream login, a year</title><h1>Stream login, a year</h1><h3>Description</h3><p>Works.</p>"
    assert kind_of(body, hint="listing")[0] == "listing"


def test_the_site_file_and_the_page_agree() -> None:
    assert kind_of(LISTING, hint="listing")[1] > 0.9


def test_the_site_file_is_doubted_when_the_page_does_not_look_like_it() -> None:
    kind, confidence = kind_of(LONG, hint="listing")
    assert kind == "listing"
    assert confidence < 0.6


def test_rules_full_of_ivory_are_no_listing_even_when_prices_stand_there() -> None:
    body = "<h1>Rules</h1><p>Ivory, rhino horn and tiger bone are banned.</p><ul><li>Vendor bond: $500.00</li><li>Fee: 4 %</li></ul>"
    assert kind_of(body)[0] == "rules"
