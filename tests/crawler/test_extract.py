"""The generic reader on invented pages of many makes, each field a test of its own, and on pages made to hurt."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crawler.extract import PageReading, read_page
from crawler.merging import choose_main, merge_readings
from crawler.values import as_json

SAMPLES = Path(__file__).parent / "samples"
CAPTURED = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


@lru_cache
def expected(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SAMPLES / name / "expected.json").read_text("utf-8"))
    return found


@lru_cache
def read_sample(name: str) -> PageReading:
    want = expected(name)
    return read_page(
        (SAMPLES / name / "page.html").read_bytes(),
        url=want["url"],
        content_type="text/html; charset=utf-8",
        captured_at=CAPTURED,
        kind_hint=want["hint"],
        site_title=want.get("site_title", ""),
    )


NAMES = sorted(path.name for path in SAMPLES.iterdir())


def fields_of_samples() -> Iterator[tuple[str, str]]:
    for name in NAMES:
        for field in expected(name)["fields"]:
            yield name, field


@pytest.mark.parametrize(("name", "field"), list(fields_of_samples()))
def test_field(name: str, field: str) -> None:
    found = as_json(read_sample(name).fields)
    assert field in found
    assert found[field]["value"] == expected(name)["fields"][field]


@pytest.mark.parametrize("name", NAMES)
def test_kind(name: str) -> None:
    assert read_sample(name).kind == expected(name)["kind"]


@pytest.mark.parametrize("name", NAMES)
def test_kind_without_the_site_file(name: str) -> None:
    if "_tabs_" in name:
        return  # one tab alone does not show what it belongs to
    reading = read_page(
        (SAMPLES / name / "page.html").read_bytes(),
        url=expected(name)["url"],
        content_type="text/html",
        captured_at=CAPTURED,
        kind_hint=None,
    )
    assert reading.kind == expected(name)["kind"]


@pytest.mark.parametrize("name", [name for name in NAMES if "absent" in expected(name)])
def test_nothing_is_guessed(name: str) -> None:
    read = {field for field, value in read_sample(name).fields.items() if value.value is not None}
    assert read & set(expected(name)["absent"]) == set()


@pytest.mark.parametrize("name", [name for name in NAMES if "language" in expected(name)])
def test_language(name: str) -> None:
    assert read_sample(name).language == expected(name)["language"]


def test_cards() -> None:
    found = [
        [card.title, card.url, card.seller, None if card.price_amount is None else str(card.price_amount), card.price_currency]
        for card in read_sample("card_grid").cards
    ]  # fmt: skip
    assert found == expected("card_grid")["cards"]


def test_unknown_labels_are_left_over() -> None:
    assert [list(pair) for pair in read_sample("bold_labels").leftovers] == expected("bold_labels")[
        "leftovers"
    ]


def test_every_value_says_where_it_stood_and_how_sure_it_is() -> None:
    for name in NAMES:
        for value in read_sample(name).fields.values():
            assert value.where
            assert 0 < value.sure <= 1


def test_tabs_make_one_listing() -> None:
    names = ["card_tabs_refund", "card_tabs_description", "card_tabs_main"]
    pages = [(expected(name)["url"], read_sample(name)) for name in names]
    main = choose_main(pages)
    assert names[main] == "card_tabs_main"
    merged = merge_readings([pages[main][1], *(reading for _, reading in pages[:main])])
    assert merged.text("title") == "Walking stick, grey handle"
    assert merged.text("description").startswith("Handle of rhino horn")
    assert merged.text("refund").startswith("No money back")
    assert str(merged.fields["price_amount"].value) == "0.92"


# --- pages made to hurt ---

LISTING = (SAMPLES / "bootstrap_es" / "page.html").read_text("utf-8")


def read(body: bytes, *, content_type: str = "text/html", hint: str | None = "listing") -> PageReading:
    return read_page(
        body, url="http://x.onion/p/1", content_type=content_type, captured_at=CAPTURED, kind_hint=hint
    )


ENCODINGS = [
    ("declared latin-1, is utf-8", LISTING.replace('"utf-8"', '"iso-8859-1"').encode(), "text/html; charset=iso-8859-1"),
    ("declared nonsense", LISTING.replace('"utf-8"', '"klingon"').encode(), "text/html; charset=x-no-such"),
    ("not declared", LISTING.replace('<meta charset="utf-8">', "").encode(), ""),
    ("utf-16 with a mark", LISTING.encode("utf-16"), "text/html"),
    ("utf-16 without a mark", LISTING.encode("utf-16-le"), "text/html"),
    ("utf-16 big without a mark", LISTING.encode("utf-16-be"), "text/html"),
    ("utf-8 with a mark", b"\xef\xbb\xbf" + LISTING.encode(), "text/html"),
    ("windows-1252", LISTING.replace('"utf-8"', '"windows-1252"').encode("cp1252"), "text/html"),
    ("a codec that is no charset", LISTING.encode(), "text/html; charset=rot13"),
    ("some broken bytes", LISTING.replace("Sin papeles", "Sin\udcff papeles").encode("utf-8", "surrogateescape"), "text/html"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "content_type"), [row[1:] for row in ENCODINGS], ids=[row[0] for row in ENCODINGS]
)
def test_encodings(body: bytes, content_type: str) -> None:
    reading = read(body, content_type=content_type)
    assert reading.text("ships_from") == "España"
    assert str(reading.fields["price_amount"].value) == "1234.56"


def test_a_page_cut_off_anywhere_is_read_as_far_as_it_goes() -> None:
    body = LISTING.encode()
    for end in range(0, len(body), 37):
        reading = read(body[:end])
        assert reading.text("title") in (
            "",
            "Figura antigua de 1.250 g",
            "Figura antigua de 1.250 g"[: len(reading.text("title"))],
        )


def test_a_page_cut_inside_of_a_letter() -> None:
    body = LISTING.encode()
    assert read(body[: body.index("España".encode()) + 5]).text("title") == "Figura antigua de 1.250 g"


def test_zeros_between_the_letters() -> None:
    assert read(LISTING.replace("<h1>", "\x00<h1>\x00").encode()).text("title") == "Figura antigua de 1.250 g"


@pytest.mark.parametrize(
    "body", [b"", b"   \n", b"\x00" * 1000, b"<", b"<html>", b"\xff\xfe", b"\xef\xbb\xbf", b"<!--"]
)
def test_next_to_nothing(body: bytes) -> None:
    reading = read(body)
    assert dict(reading.fields) == {}


@pytest.mark.parametrize(
    "content_type", ["image/png", "application/octet-stream", "video/mp4", "application/json"]
)
def test_what_is_no_text_is_not_read(content_type: str) -> None:
    assert dict(read(LISTING.encode(), content_type=content_type).fields) == {}


FLOODS = {
    "deep": b"<div>" * 10_000 + b"x" + b"</div>" * 10_000,
    "deeper than any parser likes": b"<div>" * 600_000,
    "closed by nothing": b"<div></span>" * 200_000,
    "styles never closed": b"".join(b"<div><b id=%d></div>" % n for n in range(60_000)),
    "fonts in fonts": b"".join(b"<font size=%d>x" % n for n in range(100_000)),
    "attributes": b"<a " + b" ".join(b"a%d=1" % n for n in range(200_000)) + b">x</a>",
    "options": b"<select>" + b"<option>x" * 200_000,
    "paragraphs in depth": b"<div>" * 390 + b"<p>word</p>" * 300_000,
    "rows": b"<table>" + b"<tr><td>Price</td><td>$5</td></tr>" * 80_000,
    "labels": b"<b>Price:</b> $5 " * 100_000,
    "cards": b"<div class=c><a href=/p/1>A title</a> <span>$5.00</span></div>" * 50_000,
    "posts": b"<div class=post><b class=author>ann</b> <i class=date>2026-09-01</i> <p class=message>Words.</p></div>"
    * 20_000,
    "colons": b"<p>" + b"a: b " * 300_000,
    "digits": b"<p class=price>" + b"$1 " * 500_000,
    "one word": b"<h1>" + b"a" * 3_000_000,
    "opened": b"<" * 2_000_000,
    "comments": b"<!-- a --" * 200_000,
    "quotes": b'<a href="' * 200_000,
    "entities": b"&amp" * 700_000,
    "five megabytes": LISTING.encode() * (5_000_000 // len(LISTING.encode())),
}


@pytest.mark.parametrize("name", FLOODS)
@pytest.mark.timeout(120)
def test_floods_end_in_bounded_time(name: str) -> None:
    started = time.process_time()
    reading = read(FLOODS[name], hint=None)
    # Ten times what a free machine needs for the worst of them; without the bounds some take minutes.
    assert time.process_time() - started < 30
    assert len(reading.text("description")) <= 200_000


def test_what_was_cut_is_noted() -> None:
    assert "cut: body too large" in read(FLOODS["five megabytes"]).notes
    assert "flattened: nested too deep" in read(FLOODS["deep"]).notes


def test_a_deep_page_is_still_read() -> None:
    text = LISTING.replace("<h1>", "<div>" * 3000 + "<h1>")
    assert read(text.encode()).text("title") == "Figura antigua de 1.250 g"


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=2000), st.sampled_from([None, "listing", "thread", "search", "seller", "rules"]))
def test_no_bytes_raise(body: bytes, hint: str | None) -> None:
    reading = read(body, hint=hint)
    assert 0 <= reading.confidence <= 1


TAGS = [
    "table",
    "tr",
    "td",
    "th",
    "div",
    "span",
    "b",
    "dl",
    "dt",
    "dd",
    "h1",
    "pre",
    "a href=/x",
    "form",
    "select",
    "br",
    "li",
    "p",
]
PIECES = st.one_of(
    st.sampled_from([f"<{tag}>" for tag in TAGS] + [f"</{tag.split()[0]}>" for tag in TAGS]),
    st.sampled_from(
        [
            "Price",
            "Price:",
            "Sold by ",
            "Description",
            "$5.00",
            "Ships from: Peru",
            "2026-09-01",
            "nk88",
            "<!--",
            "-->",
        ]
    ),
    st.text(max_size=8),
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(PIECES, max_size=60), st.sampled_from([None, "listing", "thread"]))
def test_no_soup_of_tags_raises(pieces: list[str], hint: str | None) -> None:
    reading = read("".join(pieces).encode("utf-8", "surrogatepass"), hint=hint)
    json.dumps(as_json(reading.fields))


@settings(max_examples=100, deadline=None)
@given(st.integers(min_value=0, max_value=len(LISTING) - 1), st.text(min_size=1, max_size=3))
def test_a_change_anywhere_raises_nothing(place: int, new: str) -> None:
    read((LISTING[:place] + new + LISTING[place + 1 :]).encode("utf-8", "surrogatepass"))


# --- what swallows the rest of a page ---

LOST = (
    "<html lang=en><head><title>Ivory tusk - Quay</title></head><body><h1>Ivory tusk</h1>{opened}"
    "<table><tr><td>Price</td><td>$500.00</td></tr><tr><td>Vendor</td><td>nk88</td></tr></table>"
    "<h3>Description</h3><p>One tusk of two, four kilos, the other one was sold to a friend. Wrapped in a carpet, sent with other "
    "carpets, never lost one so far. Ask for pictures with your name on paper beside it, and for the weight on a scale.</p></body></html>"
)


@pytest.mark.parametrize(
    "opened", ["<select>", "<textarea>", "<select><option>1", "<!-- begin", "<title>", "<iframe src=x>"]
)
def test_an_element_never_closed_swallows_nothing(opened: str) -> None:
    reading = read(LOST.format(opened=opened).encode())
    assert reading.text("description").startswith("One tusk of two")
    assert str(reading.fields["price_amount"].value) == "500.00"


def test_a_page_in_order_is_not_repaired() -> None:
    assert read(LOST.format(opened="<select><option>1</option></select>").encode()).notes == ()


# --- what a person sees ---


@pytest.mark.parametrize(
    "markup",
    [
        "i<wbr>vory", "iv<b></b>ory", "i<!-- x -->vory", "&#105;vory", "i&shy;vory", "iv\u200bory", "i\u2060vory", "iv\u200dory",
        "<span>iv</span><span>ory</span>", "iv<script>x</script>ory", "iv<span style='display:none'>xx</span>ory",
    ],
)  # fmt: skip
def test_a_word_in_pieces_is_one_word(markup: str) -> None:
    body = f"<h1>A thing</h1><h3>Description</h3><pre>Old {markup} from the attic</pre>"
    assert read(body.encode()).text("description") == "Old ivory from the attic"


def test_joiners_of_other_scripts_stay() -> None:
    body = "<h1>A thing</h1><h3>Description</h3><pre>می\u200cخواهم 👨\u200d👩\u200d👧</pre>"
    assert read(body.encode()).text("description") == "می\u200cخواهم 👨\u200d👩\u200d👧"


def test_scripts_and_styles_are_no_text() -> None:
    body = "<h1>A thing</h1><h3>Description</h3><div>Old<style>p{}</style> piece<script>alert('x')</script>.</div>"
    assert read(body.encode()).text("description") == "Old piece."


def test_what_a_style_sheet_brings_back_is_read() -> None:
    text = "One tusk of two, four kilos, the other was sold. " * 5
    body = f"<h1>Tusk</h1><div style='display:none'><h3>Description</h3><p>{text}</p></div>"
    reading = read(body.encode())
    assert reading.text("description") == text.strip()
    assert any("hidden text" in note for note in reading.notes)


def test_cards_beside_a_listing_give_it_nothing() -> None:
    reading = read_sample("card_tabs_main")
    assert "Umbrella" not in str(as_json(reading.fields))
    assert str(reading.fields["price_amount"].value) == "0.92"


def test_two_prices_that_disagree_make_it_less_sure() -> None:
    body = b"<h1>A thing</h1><dl><dt>Price</dt><dd>$5.00</dd><dt>Price</dt><dd>$7.00</dd></dl>"
    price = read(body).fields["price_amount"]
    assert str(price.value) == "5.00"
    assert price.sure <= 0.6
