"""Ratings that name what was sold in a line of their own, and what only looks like a rating."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from crawler.extract import read_page
from crawler.feedback import FeedbackItem, read_feedback
from crawler.html import parse_html
from crawler.ratings import read_stars
from crawler.regions import make_page

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def read(body: str, language: str = "en") -> tuple[FeedbackItem, ...]:
    page = make_page(parse_html(f"<html><body><h1>Shop</h1>{body}</body></html>"))
    return read_feedback(page, captured_at=NOW, language=language)


def comments(*rows: tuple[str, str, str, str]) -> str:
    made = "".join(
        f"<div class=row1><b>{buyer}</b><div class=top><span class=st>{stars}</span> <i class=when>{day}</i></div>"
        f"<div class=words>{text}</div></div>"
        for buyer, stars, day, text in rows
    )
    return f"<h3>Comments</h3><div class=comments>{made}</div>"


@pytest.mark.parametrize(
    ("line", "product", "price", "currency"),
    [
        ("Old bangle 62 g — 265,00 USD", "Old bangle 62 g", "265.00", "USD"),
        ("Old bangle 62 g - $1,240.00", "Old bangle 62 g", "1240.00", "USD"),
        ("Armreif, alt | 65,00 €", "Armreif, alt", "65.00", "EUR"),
        ("Браслет · 5 600 ₽", "Браслет", "5600", "RUB"),
    ],
)
def test_a_line_of_title_and_price_is_what_was_sold(
    line: str, product: str, price: str, currency: str
) -> None:
    body = comments(
        ("a***b", "★★★★★", "21/11/2026", f"fine, thanks<div class=what>{line}</div>"),
        ("c***d", "★★★☆☆", "20/11/2026", f"slow<div class=what>{line}</div>"),
    )
    found = read(body, "ru" if currency == "RUB" else "en")  # "5 600" is one number in Russian only
    assert [(one.text, one.product, one.price, one.currency) for one in found] == [
        ("fine, thanks", product, Decimal(price), currency),
        ("slow", product, Decimal(price), currency),
    ]


def test_a_price_that_the_buyer_speaks_of_stays_text() -> None:
    body = comments(
        ("a***b", "★★★★★", "21/11/2026", "worth every cent of the $40 that I paid"),
        ("c***d", "★★★★☆", "20/11/2026", "he gave me 10 USD back"),
    )
    assert [one.product for one in read(body)] == ["", ""]


def test_small_print_under_the_words_is_what_was_bought() -> None:
    body = comments(
        ("a***b", "★★★★★", "3 days ago", "fine, thanks<div><span class=text-muted>5 bags</span></div>"),
        ("c***d", "★★★★☆", "4 days ago", "came late<div><span class=text-muted>1 bag</span></div>"),
    )
    assert [(one.text, one.product) for one in read(body)] == [
        ("fine, thanks", "5 bags"),
        ("came late", "1 bag"),
    ]


@pytest.mark.parametrize(
    ("small", "buyer", "day"),
    [
        ("k***7, 02.11.2026", "k***7", "02.11.2026"),
        ("k***7 · 3 days ago", "k***7", "3 days ago"),
        ("2026-11-02 | k***7", "k***7", "2026-11-02"),
        ("k***7 - 02/11/2026", "k***7", "02/11/2026"),
    ],
)
def test_a_line_of_buyer_and_day_is_taken_apart(small: str, buyer: str, day: str) -> None:
    row = "<div class=media><i class='icon thumbs-up'></i><p>{}<br><small>{}</small></p></div>"
    body = "<h3>Feedback</h3><div>" + row.format("good man", small) + row.format("all fine", small) + "</div>"
    assert [(one.text, one.buyer, one.date_text) for one in read(body)] == [
        ("good man", buyer, day),
        ("all fine", buyer, day),
    ]


def test_the_product_in_a_small_link_and_its_price_behind_it() -> None:
    row = (
        "<tr><td><span class='glyphicon glyphicon-thumbs-up'></span></td><td>fast<br><small>"
        "<a href='/o/1'>Carved box</a> &middot; € 27,90</small></td><td>a***o</td><td>18.03.2026</td></tr>"
    )
    found = read(f"<h3>Reviews</h3><table>{row}{row}</table>")
    assert [(one.product, one.price, one.price_text, one.date_text) for one in found] == [
        ("Carved box", Decimal("27.90"), "€ 27,90", "18.03.2026")
    ] * 2


def test_a_day_after_the_capture_is_kept_as_text_only() -> None:
    body = comments(
        ("a***b", "★★★★★", "21/12/2031", "fine, thanks"), ("c***d", "★★★★★", "20/12/2031", "slow")
    )
    assert [(one.date_text, one.at) for one in read(body)] == [("21/12/2031", None), ("20/12/2031", None)]


@pytest.mark.parametrize(
    "body",
    [
        "<div class=panel><div class=head><span class='icon icon-star'></span> Featured</div></div>",
        "<h3><div>Comments<div class=sub>0 reviews</div></div></h3><div class=comments><p>None so far.</p></div>",
        "<div class=panel><div class=head>★ Ad of the week</div><p>Buy here</p></div>",
    ],
)
def test_an_ornament_is_no_rating(body: str) -> None:
    assert read(body) == ()


@pytest.mark.parametrize(
    ("text", "stars"),
    [("Rating: 4", 4), ("Оценка: 5", 5), ("Note : 3/5", 3), ("★★★★★ 21/11/2026", None), ("★★★★☆ (4/5)", 4), ("Rating: 8", None), ("Weight: 4", None)],
)  # fmt: skip
def test_stars_behind_a_word(text: str, stars: int | None) -> None:
    assert read_stars(text) == (None if stars is None else Decimal(stars))


def test_figures_of_ten_are_no_stars_of_five() -> None:
    row = (
        "<div class=review><b>{}</b> <i class=date>{}</i> <span>Score: {}</span><p>words of a buyer</p></div>"
    )
    body = "<h3>Reviews</h3>" + row.format("a***b", "2026-11-02", 8) + row.format("c***d", "2026-11-03", 4)
    assert [one.stars for one in read(body)] == [None, None]


def test_ratings_under_their_tab_are_a_feedback_page_though_cards_stand_at_the_side() -> None:
    card = "<div class=item><a href='/o/{0}'>Thing number {0}</a><br><b>€ 2{0},90</b><br><a href='/u/nk{0}'>nk{0}</a></div>"
    side = "<div class=side>" + "".join(card.format(number) for number in range(3, 6)) + "</div>"
    row = "<tr><td>+</td><td>words of a buyer, number {0}</td><td>a***{0}</td><td>0{0}.03.2026</td></tr>"
    rows = "<table class=fb>" + "".join(row.format(number) for number in range(1, 6)) + "</table>"
    tabs = "<ul class=nav-tabs><li><a href='/u/nk88'>Profile</a></li><li class=active><a href='/u/nk88/r'>Reviews</a></li></ul>"
    body = f"<h3>nk88</h3><dl><dt>Member since</dt><dd>11.01.2024</dd></dl>{tabs}{rows}"
    page = f"<html><head><title>nk88 - Reviews</title></head><body>{side}<div>{body}</div></body></html>"
    reading = read_page(
        page.encode(), url="", content_type="text/html", captured_at=NOW, kind_hint=None, day_first=True
    )
    assert reading.kind == "feedback"
    assert len(reading.fields["feedback"].value) == 5


def test_a_heading_says_whose_ratings_these_are() -> None:
    row = "<tr><td>+</td><td>m***k</td><td>слова покупателя {0}</td><td>0{0}.10.2026</td></tr>"
    rows = "".join(row.format(number) for number in range(1, 5))
    bar = "<div><a href='/m.php?mode=viewprofile&amp;u=12'>О себе</a> <span>Отзывы</span> <a href='/s.php?author=x'>Сообщения</a></div>"
    page = (
        "<html lang=ru><head><title>Отзывы о продавце Sosna_12 • Лес</title></head><body>"
        f"<h2>Отзывы о продавце <a href='/m.php?mode=viewprofile&amp;u=12'>Sosna_12</a></h2>{bar}<table>{rows}</table></body></html>"
    )
    reading = read_page(page.encode(), url="", content_type="text/html", captured_at=NOW, kind_hint=None)
    assert (reading.kind, reading.text("name"), reading.text("tab")) == ("feedback", "Sosna_12", "Отзывы")


def test_a_marked_name_before_the_day_is_a_buyer_and_masked() -> None:
    row = "<p class=oz><span>[+]</span> <b>{0}</b>, 21.11.2026: <q>{1}</q></p>"
    body = "<div class=reviews><h4>Reviews</h4>" + row.format("Old Sam", "mild, came whole")
    body += row.format("winter_in_town", "fine, but slow") + row.format("kot***", "one was broken") + "</div>"
    assert [(one.sign, one.buyer, one.date_text, one.text) for one in read(body)] == [
        ("good", "O***m", "21.11.2026", "mild, came whole"),
        ("good", "w***n", "21.11.2026", "fine, but slow"),
        ("good", "k***", "21.11.2026", "one was broken"),
    ]


def test_two_things_under_one_head() -> None:
    head = "<tr><th>Rating</th><th>Review</th><th>Product / Price</th><th>Buyer / Date</th></tr>"
    row = "<tr><td>5/5</td><td>very fine</td><td>Grey box<br>$120.00</td><td>t***r<br>2026-10-12</td></tr>"
    found = read(f"<h3>Reviews</h3><table>{head}{row}{row}</table>")
    assert [(one.text, one.product, one.buyer, one.date_text) for one in found] == [
        ("very fine", "Grey box", "t***r", "2026-10-12")
    ] * 2
