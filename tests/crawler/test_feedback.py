"""Ratings that buyers left, in the makes and languages of markets; all of them invented."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from crawler.buyers import is_masked, mask_buyer
from crawler.extract import read_page
from crawler.feedback import FeedbackItem, read_feedback
from crawler.html import parse_html
from crawler.ratings import read_mark, read_stars
from crawler.ratingwords import read_sign_word
from crawler.regions import make_page

CAPTURED = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


def read(body: str, *, language: str = "en", tab: str = "") -> tuple[FeedbackItem, ...]:
    return read_feedback(
        make_page(parse_html(body)), captured_at=CAPTURED, language=language, day_first=True, tab=tab
    )


def rows(*cells: tuple[str, ...]) -> str:
    return "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in cells)


STAR = "<i class='fa fa-star'></i>"
OFF = "<i class='fa fa-star-o'></i>"
PAGES: list[tuple[str, str, str, dict[str, Any]]] = [
    ("ticks", "en", "<h4>Feedback</h4><table>" + rows(("&#9745;", "ok, came 18 days <small>Old white bangle 62g - USD 410</small>", "m***7 [3]", "Mar 02, 2019 11:04")) + "</table>",
     {"sign": "good", "text": "ok, came 18 days", "product": "Old white bangle 62g", "buyer": "m***7", "price": Decimal(410), "currency": "USD",
      "at": datetime(2019, 3, 2, 11, 4, tzinfo=UTC), "date_text": "Mar 02, 2019 11:04"}),
    ("icons", "en", f"<div class=reviews><div class=review><span>{STAR * 4}{OFF}</span> <a href=/u/x class=author>somebody</a> <p>Fine piece.</p><time>2026-10-30</time></div></div>",
     {"stars": Decimal(4), "text": "Fine piece.", "buyer": "s***y", "at": datetime(2026, 10, 30, tzinfo=UTC)}),
    ("head", "en", "<table><tr><th>Rating</th><th>Comment</th><th>Item</th><th>Buyer</th><th>Price</th><th>Date</th></tr>"
     + rows(("5/5", "Great", "Small horn cup", "a***b", "$1,200.00", "2026-10-01"), ("1/5", "Never came", "Small horn cup", "k***k", "$1,200.00", "2026-09-01")) + "</table>",
     {"stars": Decimal(5), "text": "Great", "product": "Small horn cup", "buyer": "a***b", "price": Decimal("1200.00"), "currency": "USD", "at": datetime(2026, 10, 1, tzinfo=UTC)}),
    ("german", "de", "<h3>Bewertungen</h3><table><tr><th>Bewertung</th><th>Kommentar</th><th>Käufer</th><th>Datum</th></tr>" + rows(("Positiv", "Alles gut", "Hansjürgen", "03.10.2026")) + "</table>",
     {"sign": "good", "text": "Alles gut", "buyer": "H***n", "at": datetime(2026, 10, 3, tzinfo=UTC)}),
    ("chinese", "zh", "<h3>评价</h3><ul><li><b>好评</b> <span class=text>很好</span> <span class=user>王小明</span> <span class=date>2026-10-05</span></li></ul>",
     {"sign": "good", "text": "很好", "buyer": "王***明", "at": datetime(2026, 10, 5, tzinfo=UTC)}),
    ("russian", "ru", "<h3>Отзывы</h3><div><div class=otzyv><p>отрицательный</p><p>Не пришло</p><p>к***а</p><p>05.10.2026</p></div></div>",
     {"sign": "bad", "text": "Не пришло", "buyer": "к***а", "at": datetime(2026, 10, 5, tzinfo=UTC)}),
    ("glyphs", "es", "<h2>Opiniones</h2><ul><li>★★★☆☆ <p>Correcto</p> <small>2026-10-07</small></li><li>★★★★★ <p>Muy bien</p> <small>2026-10-08</small></li></ul>",
     {"stars": Decimal(3), "text": "Correcto", "at": datetime(2026, 10, 7, tzinfo=UTC)}),
    ("ages", "en", "<div class=ratings><table>" + rows(("4d", "<img class=star alt=gold><img class=star alt=gold><img class=star alt=grey><img class=star alt=grey><img class=star alt=grey>", "slow", "T . . . p", "~ $58")) + "</table></div>",
     {"stars": Decimal(2), "text": "slow", "buyer": "T***p", "price": Decimal(58), "at": CAPTURED - timedelta(days=4), "date_text": "4d"}),
    ("labels", "en", "<div class=feedback><div class=entry><b>Buyer:</b> a***z <b>Product:</b> Carved ball <b>Rating:</b> 4/5<p class=comment>Nice carving</p><span class=date>2026-10-09</span></div></div>",
     {"stars": Decimal(4), "text": "Nice carving", "product": "Carved ball", "buyer": "a***z"}),
    ("semantic", "en", "<div class='ui comments'><div class=comment><div class='ui star rating' data-rating=4></div><a class=author>q***r</a><div class=text>As told.</div><div class=date>2 days ago</div></div></div>",
     {"stars": Decimal(4), "text": "As told.", "buyer": "q***r", "at": CAPTURED - timedelta(days=2)}),
    ("signs", "en", "<h3>Reviews</h3><table>" + rows(("<i class='fa fa-thumbs-down'></i>", "Broken", "b***n", "2026-10-10"), ("<i class='fa fa-thumbs-up'></i>", "Good", "c***n", "2026-10-11")) + "</table>",
     {"sign": "bad", "text": "Broken", "buyer": "b***n"}),
    ("answers", "en", "<h3>Reviews</h3><table>" + rows(("&#9745;", "Good<br>Seller response: thanks", "b***n", "2026-10-10")) + "</table>", {"text": "Good", "sign": "good"}),
    ("split words", "en", "<h3>Reviews</h3><table>" + rows(("&#9745;", "Nice i<wbr>vo<b></b>ry pi\u200bece", "b***n", "2026-10-10")) + "</table>", {"text": "Nice ivory piece"}),
]  # fmt: skip


@pytest.mark.parametrize(("language", "body", "expected"), [page[1:] for page in PAGES], ids=[page[0] for page in PAGES])  # fmt: skip
def test_a_rating_is_read(language: str, body: str, expected: dict[str, Any]) -> None:
    items = read(body, language=language)
    assert items
    assert {name: getattr(items[0], name) for name in expected} == expected
    assert items[0].where


NONE = [
    ("counts", "<h3>Feedback</h3><table>" + rows(("Positive", "404", "449"), ("Neutral", "6", "6"), ("Negative", "1", "1")) + "</table>"),
    ("scale", "<h3>Ratings</h3><table>" + rows(("Age", "1 Stars", "2 Stars", "3 Stars", "4 Stars", "5 Stars"), ("Older", "0", "2", "0", "1", "13")) + "</table>"),
    ("cards", "".join(f"<div class=card><a href=/p/{n}>Thing {n}</a> <b>$4{n}.00</b> {STAR * 5} by <a href=/u/n>nk</a></div>" for n in range(4))),
    ("sellers", "<table>" + rows(*(("nk88", STAR * 5, "2019-04-0" + str(n)) for n in range(1, 4))) + "</table>"),
    ("words", "<p>5/5 would buy again</p><p>positive</p>"),
    ("nothing", "<h3>Feedback</h3><table>" + rows(("No feedback found.",)) + "</table>"),
]  # fmt: skip


@pytest.mark.parametrize("body", [body for _, body in NONE], ids=[name for name, _ in NONE])
def test_what_is_no_rating_is_left(body: str) -> None:
    assert read(body) == ()


def test_under_a_tab_of_good_ones_all_are_good() -> None:
    body = "<table>" + rows(("fine", "a***b", "2026-10-01"), ("well", "c***d", "2026-10-02")) + "</table>"
    assert [item.sign for item in read(body, tab="Positive Feedback")] == ["good", "good"]
    assert [item.sign for item in read(body, tab="Negative Feedback")] == ["bad", "bad"]


@pytest.mark.parametrize(
    ("name", "masked"),
    [("somebody", "s***y"), ("a***z", "a***z"), ("ab", "a***"), ("x", "x***"), ("anonymous", ""), ("", ""), ("nk88 (12)", "n***8"), ("***", "")],
)  # fmt: skip
def test_a_buyer_is_masked(name: str, masked: str) -> None:
    assert mask_buyer(name) == masked


@pytest.mark.parametrize("body", [page[2] for page in PAGES], ids=[page[0] for page in PAGES])
def test_no_whole_name_of_a_buyer_leaves_the_page(body: str) -> None:
    for item in read(body, language="en"):
        assert len(item.buyer) <= 5
        for name in ("somebody", "Hansjürgen", "王小明"):
            assert name not in f"{item.text} {item.product} {item.buyer}"


@pytest.mark.parametrize(("text", "masked"), [("a***z", True), ("T . . . p", True), ("k•••7 [3]", True), ("bangle", False), ("5.00", False), ("* * *", False), ("...", False), ("2 x 3", False)])  # fmt: skip
def test_a_mask_is_known(text: str, masked: bool) -> None:
    assert is_masked(text) is masked


@pytest.mark.parametrize(
    ("text", "stars"),
    [("★★★★☆", 4), ("4/5", 4), ("4.5 / 5", "4.5"), ("8/10", 4), ("4 of 5 stars", 4), ("5 Sterne", 5), ("3 estrellas", 3), ("⭐️⭐️⭐️", 3), ("5 звёзд", 5), ("[5/5]", 5),
     ("4 von 5 Sternen", 4), ("5", None), ("6/5", None), ("62g", None), ("4 pieces", None), ("24/7", None), ("★ 12 sold", None)],
)  # fmt: skip
def test_stars_in_letters(text: str, stars: Any) -> None:
    assert read_stars(text) == (None if stars is None else Decimal(str(stars)))


@pytest.mark.parametrize(
    ("html", "stars", "sign"),
    [
        (STAR * 3 + OFF * 2, 3, ""),
        (STAR * 4 + "<i class='fa fa-star-half-o'></i>", "4.5", ""),
        ("<i class='fas fa-star'></i>" * 2 + "<i class='far fa-star'></i>" * 3, 2, ""),
        (
            "<span class='glyphicon glyphicon-star'></span>" * 4
            + "<span class='glyphicon glyphicon-star-empty'></span>",
            4,
            "",
        ),
        ("<span class='fa fa-star checked'></span>" * 3 + "<span class='fa fa-star'></span>" * 2, 3, ""),
        ("<i class='bi bi-star-fill'></i>" * 4 + "<i class='bi bi-star'></i>", 4, ""),
        ("<div class=stars><span style='width: 80%'></span></div>", 4, ""),
        ("<span class='rating stars-4'></span>", 4, ""),
        ("<span class=rating title='4 out of 5 stars'><i></i></span>", 4, ""),
        ("<img src=/i/plus.png alt=positive>", None, "good"),
        ("<img src=/i/minus.png>", None, "bad"),
        (STAR * 15, None, ""),
    ],
)
def test_marks_in_pictures(html: str, stars: Any, sign: str) -> None:
    mark = read_mark(parse_html(f"<div>{html}</div>").root.iter())
    assert mark.stars == (None if stars is None else Decimal(str(stars)))
    assert mark.sign == sign


@pytest.mark.parametrize(("text", "sign"), [("☑", "good"), ("☒", "bad"), ("+1", "good"), ("好评", "good"), ("差评", "bad"), ("Positive feedback", "good"), ("neutral", "neutral"),
     ("tích cực", "good"), ("отрицательный", "bad"), ("olumlu", "good"), ("positively the best", ""), ("a bad one", "")])  # fmt: skip
def test_signs_in_words(text: str, sign: str) -> None:
    assert read_sign_word(text) == sign


def test_ratings_are_a_field_of_a_listing() -> None:
    body = (
        "<h1>Old bangle</h1><dl><dt>Price</dt><dd>$410.00</dd><dt>Vendor</dt><dd>nk88</dd><dt>Ships from</dt><dd>Peru</dd></dl>"
        "<h3>Feedback</h3><table>" + rows(("&#9745;", "ok", "m***7", "2026-10-02")) + "</table>"
    )
    reading = read_page(body.encode(), url="", content_type="text/html", captured_at=CAPTURED, kind_hint=None)
    assert reading.kind == "listing"
    (item,) = reading.fields["feedback"].value
    assert (item["sign"], item["text"], item["buyer"]) == ("good", "ok", "m***7")
    assert item["at"] == datetime(2026, 10, 2, tzinfo=UTC)


def test_a_flood_of_ratings_is_bounded() -> None:
    body = "<h3>Feedback</h3><table>" + rows(*(("&#9745;", "ok", "m***7", "2026-10-02"),) * 3000) + "</table>"
    assert len(read(body)) == 400
