"""Ratings, profiles and lists out of mutated pages: never an error, always within bounds."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.extract import read_page
from crawler.ratings import read_stars
from crawler.ratingwords import read_sign_word

CAPTURED = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
PAGE = (
    "<title>nk88 - profile</title><h1>nk88 (12) [4.71]</h1><p>Member since: 2026-01-05</p><p title='I trust this vendor'>5</p>"
    "<div class=tabs><a class=active href=/u>Feedback</a><a href=/k>PGP</a></div><table class=feedback><tr><th>Rating</th><th>Comment</th><th>Buyer</th></tr>"
    "<tr><td>5/5</td><td>fine</td><td>a***z</td></tr><tr><td><i class='fa fa-star'></i></td><td>Mar 02, 2019</td><td>$410.00</td></tr></table>"
    "<pre>-----BEGIN PGP PUBLIC KEY BLOCK-----\nabcd\n-----END PGP PUBLIC KEY BLOCK-----</pre><a href=/c/1>Art (5)</a><a href=/c/2>Old (6)</a><a href=/c/3>New (7)</a>"
    "<div class=item><a href=/p/1>Thing</a> <b>$5.00</b> Sales: 12</div><ul class=pagination><a href=?page=2>2</a></ul><p>Page 1 of 9999999</p>"
)
PIECES = ["<table>", "</table>", "<tr>", "</td>", "<div class=review>", "★★★★", "a***z", "5/5", "-----BEGIN PGP PUBLIC KEY BLOCK-----", "(99999999999999999999)", "0" * 50,
          "\u202e", "\ufe0f", "<a href='http://[::1'>x (5)</a>", "<a href=//>x (5)</a>", "<meta http-equiv=refresh content='9e9;url='>", "Positive", "１２", "²", "½", "99999999d"]  # fmt: skip
HINTS = [None, "listing", "seller", "feedback", "pgp", "search", "home"]


@settings(max_examples=120, deadline=None)
@given(
    cuts=st.lists(
        st.tuples(st.integers(0, len(PAGE)), st.integers(0, 40), st.sampled_from(PIECES)), max_size=8
    ),
    hint=st.sampled_from(HINTS),
)
def test_a_mutated_page_is_read_without_an_error(cuts: list[tuple[int, int, str]], hint: str | None) -> None:
    text = PAGE
    for place, length, piece in cuts:
        text = text[:place] + piece + text[place + length :]
    reading = read_page(
        text.encode(), url="http://x.onion/u", content_type="text/html", captured_at=CAPTURED, kind_hint=hint
    )
    for item in reading.fields["feedback"].value if "feedback" in reading.fields else ():
        assert item["stars"] is None or 0 <= item["stars"] <= 5
        assert item["sign"] in ("", "good", "neutral", "bad")
        assert len(item["buyer"]) <= 5


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=50))
def test_any_text_is_a_mark_or_none(text: str) -> None:
    stars = read_stars(text)
    assert stars is None or 0 <= stars <= 5
    assert read_sign_word(text) in ("", "good", "neutral", "bad")


@pytest.mark.parametrize(
    "body",
    [
        "<div class='review active'>" * 20_000 + "5/5",
        "<table>" + "<tr><td>5/5</td><td>a***z</td><td>fine</td><td>2 days ago</td></tr>" * 6_000,
        "<div class=review><i class='fa fa-star'></i><b>a***z</b> ok 2019-03-04</div>" * 4_000,
        "<a href=/c/1>Cat (5)</a>" * 15_000,
        "<div class=pagination>" * 3_000 + "<a href=?page=1>1</a><a href=?page=2>2</a>",
        "<p>" + "1 - 1 of " * 9_000,
        "<span title='Average rating out of 5 ratings'>4.5</span>" * 8_000 + "Member since: 2026-01-05",
    ],
    ids=["nested", "rows", "cards", "links", "pagers", "totals", "titles"],
)
@pytest.mark.parametrize("hint", [None, "home", "seller"])
def test_a_flood_costs_little_time(body: str, hint: str | None) -> None:
    started = time.process_time()
    read_page(body.encode(), url="", content_type="text/html", captured_at=CAPTURED, kind_hint=hint)
    assert time.process_time() - started < 20
