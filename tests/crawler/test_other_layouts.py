"""Layouts that the reader had no eye for: forum offers, tabs and their panes, tables of results, figures over their names."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from crawler.cards import read_cards
from crawler.categories import read_categories
from crawler.extract import PageReading, read_page
from crawler.html import parse_html
from crawler.offerrows import read_shipping_row, read_tier_row, split_tiers
from crawler.regions import make_page
from crawler.somebody import leads_to_somebody

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def read(body: str, title: str = "Grey box", lang: str = "en", **more: Any) -> PageReading:
    html = f"<html lang={lang}><head><title>{title} - Harbour</title></head><body>{body}</body></html>"
    return read_page(
        html.encode(),
        url="",
        content_type="text/html",
        captured_at=NOW,
        kind_hint=None,
        day_first=True,
        **more,
    )


# --- offers in a forum ---

_POST = (
    "<div class=post id=p{0}><div class=side><a href='/member.php?u={1}'>{2}</a><br><i>Store</i><br>Posts: 388<br>Registered: 02.05.2021</div>"
    "<div class=body><p class=head><b>{2}</b> » {3}, 18:32</p><div class=content>{4}</div></div></div>"
)


def thread(*posts: tuple[str, str, str]) -> str:
    made = "".join(_POST.format(n + 100, n, who, day, text) for n, (who, day, text) in enumerate(posts))
    return f"<h2>[WTS] Carved box, 31 cm</h2><div>{made}</div>"


OFFER = "<b>Item:</b> carved box<br><b>Price:</b> $680 (0.0099 BTC)<br><b>In stock:</b> 2<br><b>Ships from:</b> Norway<br><br>An old box of birch, carved all over by my grandfather."


def test_an_offer_with_replies_is_a_listing_of_its_author() -> None:
    reading = read(
        thread(
            ("harald_9", "14.10.2026", OFFER),
            ("somebody_else", "15.10.2026", "I would take one.<br><b>Price:</b> $900 is too much<br>"),
        ),
        title="Carved box, 31 cm",
    )
    assert reading.kind == "listing"
    fields = reading.fields
    assert reading.text("seller") == "harald_9"
    assert (fields["price_amount"].value, fields["price_currency"].value) == (Decimal(680), "USD")
    assert fields["price_amount"].others == ()
    assert (fields["ships_from"].value, fields["stock"].value) == ("Norway", "2")
    assert fields["posted"].raw.startswith("14.10.2026")


def test_talk_about_prices_is_a_thread() -> None:
    reading = read(
        thread(
            ("harald_9", "14.10.2026", "What would you pay for such a box, and where do you look for them?"),
            ("other", "15.10.2026", "Mine was $40, but it was a small one."),
        )
    )
    assert reading.kind == "thread"


def test_a_bulleted_offer_with_tiers_in_its_price() -> None:
    text = "[Sale]<br>&bull; Price: $29 (from 5 pcs - $24, from 20 pcs - $19)<br>&bull; In stock: 37 pcs<br>&bull; Payment: BTC<br><br>Words about it."
    fields = read(thread(("keys_12", "02.11.2026", text), ("x_y", "03.11.2026", "thanks"))).fields
    assert (fields["price_amount"].value, fields["price_text"].value) == (Decimal(29), "$29")
    assert [(t["from"], t["price_amount"]) for t in fields["bulk_prices"].value] == [(5, 24), (20, 19)]


@pytest.mark.parametrize(
    ("line", "main", "amounts"),
    [
        ("2 900 руб. (от 5 шт. — 2 400 руб., от 20 шт. — 1 950 руб.)", "2 900 руб.", [2400, 1950]),
        ("$29 (shipping $5)", None, None),
        ("$29 (0.0004 BTC)", None, None),
    ],
)
def test_tiers_in_brackets(line: str, main: str | None, amounts: list[int] | None) -> None:
    found = split_tiers(line, language="ru")
    told = (None, None) if found is None else (found[0], [row["price_amount"] for row in found[1]])
    assert told == (main, amounts)


# --- who is meant by a link ---


@pytest.mark.parametrize(
    ("href", "yes"),
    [
        ("/user.php?id=12", True), ("?vendor=nk88", True), ("/memberlist.php?mode=viewprofile&u=251", True), ("/vendor/nk88", True),
        ("/u/nk88", True), ("./shops.php?store=grey-box", True), ("/shop.php?item=12", False), ("/product/12", False), ("/c/antiques", False),
        ("/search.php?author=nk88", False), ("/users", False), ("/list?user=nk88&sort=price", False), ("", False),
    ],
)  # fmt: skip
def test_links_to_somebody(href: str, yes: bool) -> None:
    assert leads_to_somebody(href) is yes


# --- offers ---


@pytest.mark.parametrize(
    ("cells", "heads", "expected"),
    [
        (("100 bags and +", "10,00 USD", "0,000119"), ("Quantity", "Price", "BTC"), (100, Decimal("10.00"), [("BTC", Decimal("0.000119"))])),
        (("1 – 4 bags", "19,50 USD", "0,000232"), ("Quantity", "Price", "BTC"), (1, Decimal("19.50"), [("BTC", Decimal("0.000232"))])),
        (("5+ pcs", "$16.90", "$84.50"), ("Quantity", "Price each", "Total"), (5, Decimal("16.90"), [])),
    ],
)  # fmt: skip
def test_a_second_coin_is_no_quantity(cells: Any, heads: Any, expected: Any) -> None:
    row = read_tier_row(cells, heads, language="fr" if "," in cells[1] else "en")
    assert row is not None
    others = [(o["currency"], o["amount"]) for o in row.get("prices_other", ())]
    assert (row["from"], row["price_amount"], others) == expected


def test_no_tier_out_of_prices_alone() -> None:
    assert read_tier_row(("$10.00", "0.00012"), ("Price", "BTC")) is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("parcel 1st class, $9.00, 6-10 days", {"name": "parcel 1st class", "price_amount": Decimal("9.00"), "price_currency": "USD", "days": "6-10 days"}),
        ("boxed, tracked, 6-10 days, $9.00", {"name": "boxed, tracked", "price_amount": Decimal("9.00"), "price_currency": "USD", "days": "6-10 days"}),
    ],
)  # fmt: skip
def test_a_way_of_shipping_with_commas(line: str, expected: dict[str, Any]) -> None:
    assert read_shipping_row((line,)) == expected


LISTING = "<h1>Grey box</h1><table><tr><td>Seller</td><td><a href='/v/nk88'>nk88</a></td></tr><tr><td>Price</td><td>{price}</td></tr><tr><td>Ships from</td><td>Norway</td></tr>{rows}</table>{rest}"


def listing(price: str = "$19.50", rows: str = "", rest: str = "") -> dict[str, Any]:
    return dict(read(LISTING.format(price=price, rows=rows, rest=rest)).fields)


@pytest.mark.parametrize(
    ("price", "text"),
    [
        ("<span>340 EUR</span> <small>each</small> <em>0.0031 BTC</em>", "340 EUR each"),
        ("$8.00<div>0.000095 BTC</div>", "$8.00"),
        ("$8.00 / 0.000095 BTC", "$8.00 / 0.000095 BTC"),
        ("BTC 0.01 ($ 430)", "BTC 0.01 ($ 430)"),
        ("$8.00 ≈ 0.000095 BTC", "$8.00 ≈ 0.000095 BTC"),
    ],
)
def test_the_text_of_a_price_is_of_one_price(price: str, text: str) -> None:
    fields = listing(price)
    assert fields["price_text"].value == text
    assert len(fields["prices_other"].value) == 1


def test_the_same_price_in_a_row_of_its_own() -> None:
    fields = listing("$485", "<tr><td>Price in BTC</td><td>0.0071 BTC</td></tr>")
    assert fields["prices_other"].value == ({"amount": Decimal("0.0071"), "currency": "BTC"},)
    assert fields["price_amount"].value == 485


def test_a_choice_of_lines_with_name_time_and_price_is_shipping() -> None:
    choice = "<form><select name=x1><option>Plain parcel - 9 days - $12.00</option><option>Courier - 3 days - $29.00</option></select></form>"
    options = listing(rest=choice)["shipping_options"].value
    assert [(o["name"], o["days"], o["price_amount"]) for o in options] == [
        ("Plain parcel", "9 days", Decimal("12.00")),
        ("Courier", "3 days", Decimal("29.00")),
    ]


def test_a_choice_of_countries_is_none() -> None:
    choice = "<form><select name=x1><option>Norway</option><option>Peru</option></select></form>"
    assert "shipping_options" not in listing(rest=choice)


def test_a_tab_shows_the_part_of_the_page_that_it_names() -> None:
    tabs = "<ul><li class=active><a href='#one'>Description</a></li><li><a href='#two'>Terms</a></li></ul>"
    panes = "<div><div id=one><p>A grey box made of birch, old and sound.</p></div><div id=two><p>No refund after two days.<br>Be polite.</p></div></div>"
    fields = listing(rest=tabs + panes)
    assert " ".join(fields["terms"].value.split()) == "No refund after two days. Be polite."
    assert fields["description"].value == "A grey box made of birch, old and sound."


@pytest.mark.parametrize(
    ("beside", "sales", "rating"),
    [
        ("<span>Level 4</span><br><small>312 sales, 98.7 % positive</small>", 312, "98.7 %"),
        ("<div>Score <b>4.81</b> / 5</div><div>312 sales</div>", 312, "4.81"),
        (" (level 1, 4.20 / 5, 16 sales)", 16, "4.20"),
        (" rating <b>4.60</b> from 83 reviews · 97 sales in total", 97, "4.60"),
    ],
)
def test_figures_beside_the_seller_are_not_run_together(beside: str, sales: int, rating: str) -> None:
    row = f"<h1>Grey box</h1><dl><dt>Seller</dt><dd><a href='/v/nk88'>nk88</a>{beside}</dd><dt>Price</dt><dd>$5</dd><dt>Ships from</dt><dd>Norway</dd></dl>"
    fields = read(row).fields
    assert (fields["seller_sales"].value, fields["seller_rating"].value) == (sales, rating)


# --- cards ---


def cards(body: str) -> list[Any]:
    return list(read_cards(make_page(parse_html(f"<html><body><h1>Boxes</h1>{body}</body></html>"))))


def test_columns_of_a_table_of_results() -> None:
    row = "<tr><td><a href='/o/{0}'>Grey box {0}</a></td><td>{1}</td><td>from $480.00<br><small>0.00570 BTC</small></td><td>{2}</td><td>{3}</td></tr>"
    table = "<table><thead><tr><th>Offer</th><th>Shop</th><th>Price</th><th>Sold</th><th>Left</th></tr></thead><tbody>"
    rows = (
        row.format(1, "nk88", 16, 4)
        + row.format(2, "grey.owl", 9, "Unlimited")
        + row.format(3, "nk88", "1412", 500)
    )
    assert [(c.seller, c.price_amount, c.price_currency, c.sold, c.quantity) for c in cards(table + rows + "</tbody></table>")] == [
        ("nk88", Decimal("480.00"), "USD", 16, "4"),
        ("grey.owl", Decimal("480.00"), "USD", 9, "Unlimited"),
        ("nk88", Decimal("480.00"), "USD", 1412, "500"),
    ]  # fmt: skip


def test_a_name_without_a_link_where_other_names_are_known() -> None:
    card = "<div class=tile><a class=tl href='/o/{0}'>Grey box {0}</a><div class=under>{1}</div><div class=tp>3{0},00 USD</div></div>"
    grid = (
        "<div>"
        + "".join(card.format(n, who) for n, who in enumerate(("nk88", "grey.owl", "moss_7"), 1))
        + "</div>"
    )
    known = "<ol><li><a href='/vendor/grey.owl'>grey.owl</a></li></ol>"
    assert [c.seller for c in cards(grid + known)] == ["nk88", "grey.owl", "moss_7"]
    assert [c.seller for c in cards(grid)] == ["", "", ""]


def test_who_began_a_topic_sells() -> None:
    row = "<tr><td><a href='/t?t={0}'>[WTS] Box {0}</a><br><small>{1} » 3 replies</small></td><td>$1{0}</td><td>3</td><td>yesterday<br>last_one</td></tr>"
    table = "<table><tr><th>Topic</th><th>Price</th><th>Replies</th><th>Last post</th></tr>"
    rows = row.format(1, "nk88") + row.format(2, "grey_owl") + row.format(3, "moss7")
    assert [c.seller for c in cards(table + rows + "</table>")] == ["nk88", "grey_owl", "moss7"]


# --- profiles ---

PROFILE = "<h3><div>nk88<div class=under><span>Level 3</span></div></div></h3>{0}<table><tr><td>Member since</td><td>11.03.2024</td></tr><tr><td>Last seen</td><td>21.11.2026</td></tr>{1}</table>{2}"


def profile(head: str = "", rows: str = "", rest: str = "") -> dict[str, Any]:
    reading = read(PROFILE.format(head, rows, rest), title="nk88")
    assert reading.kind == "seller"
    return dict(reading.fields)


def test_figures_over_their_names() -> None:
    head = "<div><div class=f><div>312</div><div>Sales</div></div><div class=f><div>4.81</div><div>Rating (298 reviews)</div></div></div>"
    fields = profile(head)
    assert [fields[n].value for n in ("name", "level", "sales", "rating", "rating_count")] == [
        "nk88",
        "Level 3",
        312,
        Decimal("4.81"),
        298,
    ]


def test_reputation_up_and_down() -> None:
    fields = profile(rows="<tr><td>Reputation:</td><td>+54 / −1</td></tr>")
    assert (fields["trust_up"].value, fields["trust_down"].value) == (54, 1)


@pytest.mark.parametrize(
    "rest",
    [
        "<p>Fingerprint: <tt>7F1C 02AE 94B3 D6E0 5518 &nbsp;C29A 33F7 081B E46D A95C</tt></p>",
        "<dl><dt>Empreinte</dt><dd><code>7F1C 02AE 94B3 D6E0 5518 C29A 33F7 081B E46D A95C</code></dd></dl>",
        "<h3>Key<div>Fingerprint 7F1C 02AE 94B3 D6E0 5518 C29A 33F7 081B E46D A95C</div></h3>",
    ],
)
def test_a_fingerprint_that_is_shown(rest: str) -> None:
    assert profile(rest=rest)["pgp_fingerprint"].value == "7F1C 02AE 94B3 D6E0 5518 C29A 33F7 081B E46D A95C"


def test_two_fingerprints_are_none() -> None:
    one = "<p>Fingerprint: 7F1C 02AE 94B3 D6E0 5518 C29A 33F7 081B E46D A95C</p>"
    other = "<p>Fingerprint: 001C 02AE 94B3 D6E0 5518 C29A 33F7 081B E46D A95C</p>"
    assert "pgp_fingerprint" not in profile(rest=one + other)


def test_early_release_is_told() -> None:
    assert profile(rows="<tr><td>Finalise early allowed</td><td>No</td></tr>")["fe_enabled"].value == "No"


def test_the_visitors_own_last_visit_makes_no_profile() -> None:
    rows = "".join(f"<li><a href='/c/{n}'>Shelf {n} ({n}3)</a></li>" for n in range(12))
    reading = read(f"<h2>Welcome</h2><p>Last visit: 20.11.2026</p><ul>{rows}</ul>", title="Index")
    assert reading.kind != "seller"


# --- lists ---


def test_boards_of_a_forum_and_their_topics() -> None:
    row = "<tr><td><a href='/viewforum.php?f={0}'>Board {0}</a><br><small>words</small></td><td>{1}</td><td>9{1}</td><td>20.11.2026<br>nk88</td></tr>"
    head = "<table><tr><th>Market</th><th>Topics</th><th>Posts</th><th>Last post</th></tr>"
    rows = "".join(row.format(number, number * 100 + 4) for number in range(1, 7))
    page = make_page(parse_html(f"<html><body><h2>Index</h2>{head}{rows}</table></body></html>"))
    assert [(one.name, int(one.count or 0)) for one in read_categories(page)] == [
        (f"Board {number}", number * 100 + 4) for number in range(1, 7)
    ]


def test_a_total_may_be_less_than_all_cards_with_those_at_the_side() -> None:
    card = "<div class=item><a href='/o/{0}'>Grey box {0}</a><br><b>$2{0}.90</b></div>"
    side = "<div class=side>" + "".join(card.format(n) for n in range(1, 4)) + "</div>"
    main = "<div class=list>" + "".join(card.format(n) for n in range(4, 8)) + "</div>"
    reading = read(f"{side}<h4>Search results for box</h4><p>4 results</p>{main}", title="Search")
    assert (reading.kind, reading.fields["total"].value) == ("search", 4)


# --- full-width signs, parts of a price, small print ---


def test_full_width_brackets_keep_a_price_whole() -> None:
    rows = "<tr><th>価格</th><td>¥12,500（0.0009 BTC）</td></tr><tr><th>出品者</th><td>kuro</td></tr><tr><th>発送元</th><td>日本</td></tr>"
    rows += "<tr><th>支払い方法</th><td>エスクロー</td></tr><tr><th>販売数</th><td>12</td></tr>"
    fields = read(f"<h1>古い小箱</h1><table>{rows}</table>", lang="ja").fields
    assert fields["price_text"].value == "¥12,500（0.0009 BTC）"
    assert (fields["payment"].value, fields["sold"].value) == ("エスクロー", 12)


def test_a_route_behind_a_word() -> None:
    fields = read(SMALL.format("").replace("From: Norway</p><p>To: EU", "Shipping: Norway → EU")).fields
    assert (fields["ships_from"].value, fields["ships_to"].value) == ("Norway", ("EU",))


SMALL = "<h1>Grey box</h1><div class=m>{0}</div><div class='price-box'><span>$120.00</span><span>0.0018 BTC</span></div><p>From: Norway</p><p>To: EU</p><p>An old grey box of birch, carved all over by a grandfather of mine, who had a lot of time for it.</p><button>Buy now</button>"


def test_parts_of_a_price_without_a_space_between() -> None:
    price = read(SMALL.format("")).fields
    assert (price["price_amount"].value, price["price_currency"].value) == (Decimal("120.00"), "USD")


@pytest.mark.parametrize(
    ("small", "day"),
    [
        ("Posted 2 days ago by <a href='/v/nk88'>nk88</a>", 21),
        ("Lot 12, posted 2 days ago by <a href='/v/nk88'>nk88</a> (level 1)", 21),
        ("Eingestellt am 20.11.2026 von <a href='/v/nk88'>nk88</a>", 20),
    ],
)
def test_small_print_says_when_and_who(small: str, day: int) -> None:
    fields = read(SMALL.format(small), lang="de" if small[0] == "E" else "en").fields
    assert (fields["posted"].value.date().day, fields["seller"].value) == (day, "nk88")
