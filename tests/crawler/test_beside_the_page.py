"""What stands at the side of a page does not say what the page is; and what says so when no word is known."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crawler.extract import PageReading, read_page

NOW = datetime(2026, 11, 23, tzinfo=UTC)
LONG = (
    "This is a line of running text that says nothing of any goods, only how things are done here by all of us. "
    * 2
)
ASIDE = (
    "<div class=aside><h3>More of this shop</h3><ul>"
    + "".join(
        f"<li><a href='/i/{n}'>Brass hook, size {n}</a> <span>USD {n}.50</span></li>" for n in (3, 4, 5, 6)
    )
    + "</ul></div>"
)


def read(body: str, title: str = "Page", lang: str = "en") -> PageReading:
    html = f"<html lang={lang}><head><title>{title} - Harbour</title></head><body>{body}</body></html>"
    return read_page(html.encode(), url="", content_type="text/html", captured_at=NOW, kind_hint=None)


def row(name: str, value: str) -> str:
    return f"<tr><td>{name}</td><td>{value}</td></tr>"


def test_four_cards_at_the_side_make_no_list_of_a_listing() -> None:
    rows = row("Price", "USD 40") + row("Seller", "<a href='/u/nk88'>nk88</a>") + row("Ships from", "Peru")
    page = read(
        f"<h1>Walnut box with a hinge</h1><table>{rows}</table><p>{LONG * 3}</p>{ASIDE}", "Walnut box"
    )
    assert page.kind == "listing"
    assert page.fields["title"].value == "Walnut box with a hinge"


def test_four_cards_at_the_side_make_no_list_of_the_rules() -> None:
    sections = "".join(f"<h2>{n}. Something about it</h2><p>{LONG}</p>" for n in (1, 2, 3, 4))
    assert read(f"<h1>How we live here</h1>{sections}{ASIDE}", "How we live here").kind == "rules"


def test_cards_that_are_the_page_are_a_list() -> None:
    assert read(f"<h1>Hooks</h1><p>All hooks.</p>{ASIDE}", "Hooks").kind == "search"


@pytest.mark.parametrize("name", ["fala", "zzz", "c3"])
def test_what_can_be_pointed_at_is_a_post_whatever_it_is_called(name: str) -> None:
    posts = "".join(
        f"<div class={name} id=k{n}><div class=who><a href='/membro/{n}-ana{n}'>ana{n}</a></div>"
        f"<div>12.03.2026 10:0{n} <a href='#k{n}'>#{n}</a></div><div class=corpo>{LONG}</div></div>"
        for n in (1, 2, 3)
    )
    page = read(f"<h1>What do you all think of it</h1>{posts}", "What do you all think of it")
    assert page.kind == "thread"
    assert page.fields["seller"].value == "ana1"
    assert len(page.fields["replies"].value) == 2


def test_a_link_to_another_place_makes_no_post() -> None:
    body = f"<div id=top><a href='#end'>to the end</a><p>{LONG * 2}</p></div><div id=end><p>{LONG}</p></div>"
    assert read(body).kind != "thread"


@pytest.mark.parametrize("spread", ["卖 家", "卖　家", "卖家 Seller", "Seller 卖家", "卖家(Seller)"])
def test_labels_set_apart_or_said_twice_are_read(spread: str) -> None:
    rows = (
        row(f"{spread}：", "<a href='/u/1'>nk88</a>")
        + row("售 价：", "￥9,800.00")
        + row("发货地 From：", "广东")
    )
    page = read(
        f"<h1>红木镇纸一对，旧物</h1><table>{rows}</table><p>{'旧物，品相如图，不议价。' * 20}</p>",
        "红木镇纸",
        "zh",
    )
    assert page.kind == "listing"
    assert page.fields["seller"].value == "nk88"
    assert str(page.fields["price_amount"].value) == "9800.00"
