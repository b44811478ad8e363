"""What lists say of themselves, and what cards say beside title and price; invented pages."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from crawler.extract import PageReading, read_page

CAPTURED = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


def read(body: str, *, hint: str = "search") -> PageReading:
    return read_page(
        body.encode(), url="", content_type="text/html; charset=utf-8", captured_at=CAPTURED, kind_hint=hint
    )


def value(body: str, name: str, *, hint: str = "search") -> Any:
    found = read(body, hint=hint).fields.get(name)
    return None if found is None else found.value


def cards(count: int = 4, extra: str = "") -> str:
    return "".join(
        f"<div class=card><a href=/p/{n}>Carved thing {n}</a> <b>$4{n}.00</b> {extra}</div>"
        for n in range(count)
    )


LISTS = [
    ("<h1>Carvings (8,419)</h1>" + cards(), "category_name", "Carvings"),
    ("<h1>Carvings (8,419)</h1>" + cards(), "total", Decimal(8419)),
    ("<ol class=breadcrumb><li><a href=/>Home</a></li><li><a href=/c/1>Art</a></li><li>Carvings</li></ol>" + cards(), "category_name", "Carvings"),
    ("<h2>Kategorie: Schnitzerei</h2>" + cards(), "category_name", "Schnitzerei"),
    ("<h1>Search results</h1>" + cards(), "category_name", None),
    ("<h1>Art</h1><p>Showing 1 - 20 of 1,234</p>" + cards(), "total", Decimal(1234)),
    ("<h1>Art</h1><p>87 Ergebnisse</p>" + cards(), "total", Decimal(87)),
    ("<h1>Art</h1><p>Найдено 87 объявлений</p>" + cards(), "total", Decimal(87)),
    ("<h1>手工</h1><p>共 87 件</p>" + cards(), "total", Decimal(87)),
    ("<h1>Art</h1>" + cards(), "total", None),
    ("<h1>Art</h1>" + cards() + "<div class=pagination><a href=?page=2>2</a> <a href=?page=3>3</a> … <a href=?page=12>12</a></div>", "last_page", Decimal(12)),
    ("<h1>Art</h1>" + cards() + "<ul class=pager><li>1</li><li><a href=?p=2>2</a></li><li><a href=?p=31>Last</a></li></ul>", "last_page", Decimal(31)),
    ("<h1>Art</h1>" + cards() + "<ul class=pagination><li>1</li><li><a href=/c/9/15>2</a></li><li><a href=/c/9/30>3</a></li><li><a href=/c/9/450>Last</a></li></ul>", "last_page", None),
    ("<h1>Art</h1>" + cards() + "<p>Seite 2 von 17</p>", "last_page", Decimal(17)),
    ("<h1>Art</h1>" + cards() + "<p>第 2 页 / 17</p>", "last_page", Decimal(17)),
    ("<h1>Art</h1>" + cards(), "last_page", None),
]  # fmt: skip


@pytest.mark.parametrize(("body", "name", "expected"), LISTS)
def test_a_list_says_what_it_is(body: str, name: str, expected: Any) -> None:
    assert value(body, name) == expected


TREES = [
    "<div class=sidebar>{}</div>".format("".join(f"<div class=category><a href=./?category={n}>Kind {n} <span>{n * 10}</span></a></div>" for n in range(1, 6))),
    "<ul>{}</ul>".format("".join(f"<li><a href=/c/{n}>Kind {n}</a> ({n * 10})</li>" for n in range(1, 6))),
    "<ul>{}</ul>".format("".join(f"<li><a href=/shelf/{n}>Kind {n} [{n * 10}]</a></li>" for n in range(1, 6))),
    "<nav class=categories>{}</nav>".format("".join(f"<a href=/k{n}>Kind {n}<b class=badge>{n * 10}</b></a>" for n in range(1, 6))),
]  # fmt: skip


@pytest.mark.parametrize("tree", TREES)
def test_the_tree_of_categories_of_a_home_page(tree: str) -> None:
    menu = "<a href=/cart>Cart (3)</a><a href=/messages>Messages (2)</a><a href=/orders>Orders (1)</a>"
    found = value(f"<h1>Welcome</h1>{menu}{tree}{cards()}", "categories", hint="home")
    assert [(each["name"], each["count"]) for each in found] == [
        (f"Kind {n}", Decimal(n * 10)) for n in range(1, 6)
    ]


@pytest.mark.parametrize(
    ("extra", "sold", "quantity"),
    [
        ("<br><b>Views:</b> 12 / <b>Sales:</b> 199<br><b>Quantity left:</b> Unlimited", 199, "Unlimited"),
        ("<p>Verkauft: 12 | Auf Lager: 3</p>", 12, "3"),
        ("<small>12 sold</small>", 12, ""),
        ("<span>已售 12</span>", 12, ""),
        ("<p>Nothing more</p>", None, ""),
    ],
)
def test_cards_say_what_was_sold(extra: str, sold: int | None, quantity: str) -> None:
    found = read("<h1>Art</h1>" + cards(extra=extra)).cards
    assert len(found) == 4
    assert {(card.sold, card.quantity) for card in found} == {
        (None if sold is None else Decimal(sold), quantity)
    }


def test_the_old_sign_of_bitcoin_is_known_by_other_prices_of_the_page() -> None:
    body = "<h1>Art</h1>" + "".join(
        f"<div class=card><a href=/p/{n}>Thing {n}</a> <b>฿{price}</b></div>"
        for n, price in enumerate(("0.621", "0.00527", "0.34"))
    )
    assert [card.price_currency for card in read(body).cards] == ["BTC"] * 3
    baht = body.replace("0.00527", "340.50").replace("0.621", "620").replace("0.34", "340")
    assert {card.price_currency for card in read(baht).cards} <= {"", "THB"}


def test_a_page_that_sends_itself_on_says_when_and_where() -> None:
    body = (
        "<html><head><meta http-equiv=Refresh content='12; URL=/index/login?d=1'></head><body></body></html>"
    )
    reading = read_page(body.encode(), url="", content_type="text/html", captured_at=CAPTURED, kind_hint=None)
    assert reading.kind == "queue"
    assert reading.fields["refresh_seconds"].value == 12
    assert reading.fields["refresh_url"].value == "/index/login?d=1"
