"""Kinds of pages of invented markets in several languages and makes, without any word from a site file."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crawler.extract import read_page

CAPTURED = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
MENU = "<nav><a href=/>Home</a><a href=/cart>Cart (0)</a><a href=/rules>Rules</a><a href=/messages>Messages (2)</a></nav>"
TREE = (
    "<div class=side>"
    + "".join(f"<a href=/c/{n}>Art {n} <span>{n * 7}</span></a>" for n in range(1, 9))
    + "</div>"
)
KEY = (
    "<pre>-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n"
    + "mQENBFabc123def456\n" * 20
    + "-----END PGP PUBLIC KEY BLOCK-----</pre>"
)
TALK = "<p>" + "We keep the place tidy and ask everybody to do the same, whatever they sell. " * 12 + "</p>"


def card(n: int, money: str = "$") -> str:
    return f"<div class=offer><a href=/p/{n}>A carved thing {n}</a> <b>{money}{n + 40}.00</b> by <a href=/u/nk{n}>nk{n}</a></div>"


def rating(n: int) -> str:
    return f"<tr><td>&#9745;</td><td>fine, came in {n} days</td><td>k***{n}</td><td>2026-09-0{n}</td></tr>"


PAGES = [
    # listings
    ("listing", "<title>Old bangle - Quay</title><h1>Old bangle</h1><dl><dt>Price</dt><dd>$410.00</dd><dt>Vendor</dt><dd><a href=/u/nk>nk</a></dd>"
     "<dt>Ships from</dt><dd>Peru</dd></dl><h3>Description</h3><p>An old piece.</p><button>Buy now</button><h3>Feedback</h3><table>" + rating(1) + rating(2) + "</table>"),
    ("listing", "<h2>Alter Armreif</h2><p><b>Preis:</b> 410,00 €</p><p><b>Verkäufer:</b> <a href=/u/nk>nk</a></p><p><b>Versand aus:</b> Peru</p>"
     "<h4>Beschreibung</h4><p>Ein altes Stück.</p><p>Händler seit: 2019-04-01</p><button>In den Warenkorb</button>"),
    ("listing", "<h1>手镯</h1><table><tr><td>价格</td><td>¥6800 元</td></tr><tr><td>卖家</td><td>laowang</td></tr><tr><td>发货地</td><td>云南</td></tr></table><h3>商品描述</h3><p>老料。</p>"),
    # lists
    ("search", "<title>Art - Quay</title><h1>Art</h1>" + "".join(card(n) for n in range(7)) + "<div class=pagination><a href=?page=2>2</a></div>"),
    ("search", "<title>Suche</title><h1>Suchergebnisse</h1>" + "".join(card(n, "€") for n in range(4))),
    ("search", "<title>Search</title><h1>Search results</h1><p>No results found.</p>"),
    ("search", "<title>Поиск</title><h1>Результаты поиска</h1><p>Ничего не найдено.</p>"),
    ("home", "<title>Quay Market - Home</title><h1>Welcome to Quay</h1>" + TREE + "".join(card(n) for n in range(4))),
    ("home", "<title>Quay</title>" + TREE + "<h2>Featured listings</h2><div>" + "".join(card(n) for n in range(4)) + "</div><h2>Latest listings</h2><div>"
     + "".join(card(n) for n in range(10, 14)) + "</div>"),
    ("home", "<title>Mercado</title><h1>Bienvenido al mercado</h1>" + TREE),
    # sellers
    ("seller", "<title>nk88</title><h1>nk88</h1><p>Member since: April 27, 2026</p><p>Vendor level 3</p><h3>About me</h3><p>Old things.</p>" + "".join(card(n) for n in range(5))),
    ("seller", "<title>Quay - Seller profile</title><h1>nk88 (12) [4.71]</h1><table><tr><td>Sales</td><td>12</td></tr><tr><td>Level</td><td>2</td></tr></table><p>I sell old things.</p>" + KEY),
    ("seller", "<h1>Händlerprofil: nk88</h1><p>Mitglied seit: 27.04.2026</p><p>Zuletzt online: 23.10.2026</p>" + card(1) + card(2)),
    ("feedback", "<title>Feedback of nk88</title><h1>Feedback for nk88</h1><table>" + "".join(rating(n) for n in range(1, 6)) + "</table>"),
    ("feedback", "<h1>nk88</h1><p>Member since: April 27, 2026</p><ul><li><a href=/u/nk88>About</a></li><li class=active><a href=/u/nk88/fb>Feedback</a></li></ul><table>"
     + "".join(rating(n) for n in range(1, 6)) + "</table>"),
    ("pgp", "<title>PGP key</title><h1>PGP key of nk88</h1>" + KEY),
    ("pgp", "<h1>nk88</h1><p>Member since: April 27, 2026</p><ul><li><a href=/u/nk88>About</a></li><li class=active><a href=/u/nk88/pgp>PGP</a></li></ul>" + KEY),
    # words
    ("rules", "<title>Rules</title><h1>Market rules</h1><p>No ivory, no rhino horn, no tiger bone.</p><ul><li>Vendor bond: $500.00</li><li>Fee: 4 %</li></ul>" + TALK),
    ("rules", "<title>FAQ - Quay</title><h1>FAQ</h1><h3>How do I buy ivory?</h3><p>You do not.</p>" + TALK),
    ("rules", "<h1>Правила площадки</h1><p>Слоновая кость, рог носорога и кость тигра запрещены.</p>" + TALK),
    ("rules", "<h1>Nội quy</h1><p>Cấm ngà voi, sừng tê giác, cao hổ.</p>" + TALK),
    ("thread", "<h1>Anyone with old pieces?</h1>" + "".join(
        f"<div class=post><b class=author>ann{n}</b> <span class=date>2026-09-0{n}</span><div class=message>Words and words.</div></div>" for n in range(1, 4))),
    ("directory", "<h1>Our mirrors</h1><ul>" + "".join(f"<li>http://{c * 56}.onion</li>" for c in "abcde") + "</ul>"),
    ("directory", "<h1>Is Quay online?</h1><table>" + "".join(f"<tr><td>{c * 56}.onion</td><td>Last online</td><td>2026-10-0{n}</td></tr>" for n, c in enumerate("abcd", 1)) + "</table>"),
    # the visitor's own things
    ("other", "<title>Cart</title><h1>Cart</h1>" + "".join(card(n) for n in range(4))),
    ("other", "<title>Quay - Orders</title><h1>My orders</h1><table>" + "".join(f"<tr><td><a href=/o/{n}>Order {n}</a></td><td>$4{n}.00</td></tr>" for n in range(5)) + "</table>"),
    ("other", "<h1>Geldbörse</h1><p>Guthaben: 0.00 BTC</p>" + TALK),
    # gates
    ("login", "<title>Anmelden</title><form><input name=user><input type=password name=pw><button>Anmelden</button></form>"),
    ("login", "<h1>Register</h1><form><input name=user><input type=password name=a><input type=password name=b></form><p>Write down your mnemonic.</p>"),
    ("captcha", "<form method=post><img src=/x.png><input name=answer><input type=submit value=OK></form>"),
    ("captcha", "<p>Выберите символы</p><form><img src=/x.png><input type=radio name=a><input type=radio name=a></form>"),
    ("queue", "<meta http-equiv=refresh content=8><h1>Warteschlange</h1><p>Bitte warten.</p>"),
    ("limited", "<h1>Slow down</h1><p>Too many requests. Try again in 30 seconds.</p>"),
    ("banned", "<p>Your account has been suspended.</p>"),
    ("down", "<h1>503 Service Unavailable</h1><p>We are down for maintenance.</p>"),
    ("seized", "<h1>THIS HIDDEN SITE HAS BEEN SEIZED</h1><p>by the police</p>"),
    ("not_found", "<title>Quay</title><h1>Seite nicht gefunden</h1>"),
    ("not_found", "<h1>页面不存在</h1>"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "body"), PAGES, ids=[f"{n}-{kind}" for n, (kind, _) in enumerate(PAGES)])
@pytest.mark.parametrize("menu", ["", MENU], ids=["bare", "menu"])
def test_a_kind_is_known_without_any_hint(kind: str, body: str, menu: str) -> None:
    gate = kind in ("login", "captcha", "queue", "limited", "banned", "down", "seized")
    reading = read_page(
        ("" if gate else menu).encode() + body.encode(), url="", content_type="text/html; charset=utf-8", captured_at=CAPTURED, kind_hint=None
    )  # fmt: skip
    assert reading.kind == kind
    assert 0.5 <= reading.confidence <= 1
