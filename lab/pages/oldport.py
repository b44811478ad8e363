"""Old Port Market: tables of labels and values, small print in bold, the description in a <pre>: OldPort, key_of."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar

from lab.chance import pick_rng
from lab.goods import SiteGoods
from lab.listing import Listing
from lab.pages.base import BaseSite, esc, page_count, read_page_number, route, tricky
from lab.wire import Request, Response

CATEGORIES = {
    "cannabis": ("cannabis", "Cannabis & Hash"),
    "stimulants": ("stimulants", "Stimulants"),
    "psychedelics": ("psychedelics", "Psychedelics"),
    "pills": ("prescription", "Prescription"),
    "opioids": ("opioids", "Opioids"),
    "fraud": ("fraud", "Fraud Related"),
    "software": ("software", "Software & Malware"),
    "documents": ("documents", "Forgeries & Documents"),
    "replicas": ("counterfeits", "Counterfeits"),
    "guides": ("guides", "Guides & Tutorials"),
    "services": ("services", "Services"),
    "electronics": ("electronics", "Electronics"),
    "jewelry": ("jewelry", "Jewels & Gold"),
    "food": ("food", "Food & Drink"),
    "other": ("other-listings", "Other Listings"),
}
_BY_SLUG = {slug: family for family, (slug, _) in CATEGORIES.items()}
_PER_PAGE = 25
_BTC = Decimal(91_350)


def key_of(number: int) -> str:
    """The site's own number of a listing."""
    return str(10_413 + number * 3)


def number_of(key: str) -> int | None:
    value = int(key) - 10_413
    return value // 3 if value >= 0 and value % 3 == 0 else None


def show_price(price: Decimal) -> str:
    return f"USD {price:,.2f}"


def show_date(at: datetime) -> str:
    return at.strftime("%d %b %Y")


class OldPort(BaseSite):
    name = "oldport"
    title = "Old Port Market"
    cookie = "PHPSESSID"
    kinds: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "listing": (r"^/p/(?P<key>\d+)$",),
        "search": (r"^/c/[\w-]+(\?page=\d+)?$",),
        "seller": (r"^/v/[\w-]+(\?page=\d+)?$",),
        "home": (r"^/$",),
        "rules": (r"^/rules$",),
        "pgp": (r"^/key$",),
    }
    skip = (r"^/logout", r"^/buy", r"^/cart", r"^/report", r"[?&]sort=")

    def __init__(self, goods: SiteGoods) -> None:
        super().__init__(seed=goods.seed)
        self.goods = goods
        self.count = goods.count

    def path_of(self, number: int) -> str:
        return f"/p/{key_of(number)}"

    def _layout(self, title: str, main: str, *, status: int = 200, delay: float = 0.0) -> Response:
        menu = "".join(
            f'<li><a href="/c/{slug}">{esc(name)}</a> ({len(self.goods.in_category(family))})</li>\n'
            for family, (slug, name) in CATEGORIES.items()
        )
        return self.page(
            f"""<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html lang="en"><head><meta charset="utf-8"><title>Old Port Market - {esc(title)}</title>
<link rel="stylesheet" href="/static/port.css"><script src="/static/port.js"></script>
<style>body {{ font: 13px Verdana, sans-serif; margin: 0; background: #eef }} #top {{ background: #134; color: #fff; padding: 6px }}
#top a {{ color: #cdf }} #side {{ float: left; width: 190px; padding: 8px }} #main {{ margin-left: 215px; padding: 8px; background: #fff }}
#side ul {{ padding-left: 14px }} table.d td {{ border: 1px solid #bbc; padding: 3px 8px }} pre {{ white-space: pre-wrap; background: #f6f6fa; padding: 8px }}</style></head>
<body><div id="top"><img src="/static/anchor.png" alt="anchor" width="20"> <b>Old Port Market</b>
<a href="/">Home</a> | <a href="/cart">Cart</a> | <a href="/rules">Rules</a> | <a href="/key">PGP</a> | <a href="/login">Log in</a> | <a href="/logout">Log out</a></div>
<div id="side"><b>Browse</b><ul>
{menu}</ul></div>
<div id="main">
{main}
</div>
<div id="foot"><small>Mirror list: <a href="/files/mirrors.zip">mirrors.zip</a> | <a href="https://example.org/oldport/faq">FAQ (clear net)</a> |
<a href="http://{self.foreign}/">our friends</a> | <a href="/go/news">news</a></small></div>
</body></html>""",
            status=status,
            delay=delay,
        )

    def _rows(self, numbers: Sequence[int]) -> str:
        rows = []
        for number in numbers:
            it = self.goods.listing(number)
            rows.append(
                f'<tr><td><img src="/pic/{key_of(number)}.jpg" alt="" width="40"></td>'
                f'<td><a href="{self.path_of(number)}">{esc(it.title)}</a><br><small>by <a href="/v/{it.seller}">{it.seller}</a> '
                f"({it.number % 60}) [4.{it.number % 90 + 10}]</small></td><td>{show_price(it.price or Decimal(0))}</td>"
                f"<td><i>{esc(it.ships_from)} &rarr; {esc(it.ships_to)}</i></td></tr>\n"
            )
        return (
            "<table class='list' cellpadding='4'><tr><th></th><th>Item</th>"
            "<th><a href='?sort=price'>Price</a></th><th>Ships</th></tr>\n" + "".join(rows) + "</table>"
        )

    def _pager(self, base: str, page: int, last: int) -> str:
        shown = sorted({1, last, *range(max(1, page - 3), min(last, page + 3) + 1)})
        links = [f"<b>{n}</b>" if n == page else f'<a href="{base}?page={n}">{n}</a>' for n in shown]
        return f"<p>Page {page} of {last}: {' '.join(links)}</p>"

    @route("/")
    def home(self, request: Request, match: re.Match[str]) -> Response:
        newest = sorted(range(min(self.count, 400)), key=self.goods.posted_at, reverse=True)[:12]
        return self._layout(
            "Home",
            f"<h2>Welcome ashore</h2><p>{self.count} items from {len(self.goods.sellers)} vendors. Never trust a mirror that is not in the signed list.</p>"
            f"<h3>Fresh on the quay</h3>{self._rows(newest)}<p><a href='/latest'>Latest item</a></p>",
        )

    @route("/latest")
    def latest(self, request: Request, match: re.Match[str]) -> Response:
        newest = max(range(min(self.count, 400)), key=self.goods.posted_at)
        return self.redirect(self.path_of(newest))

    @route("/index.php")
    def old_entry(self, request: Request, match: re.Match[str]) -> Response:
        return self.redirect("/", status=301)

    @route("/go/news")
    def leave(self, request: Request, match: re.Match[str]) -> Response:
        return self.redirect("https://example.org/oldport/news")

    @route(r"/c/([\w-]+)")
    def category(self, request: Request, match: re.Match[str]) -> Response:
        family = _BY_SLUG.get(match[1])
        if family is None:
            return self.not_found()
        numbers = self.goods.in_category(family)
        last = page_count(len(numbers), _PER_PAGE)
        page = read_page_number(request.query.get("page"), last=last)
        if page is None:
            return self.not_found()
        shown = numbers[(page - 1) * _PER_PAGE : page * _PER_PAGE]
        name = CATEGORIES[family][1]
        pager = self._pager(f"/c/{match[1]}", page, last)
        return self._layout(name, f"<h2>{esc(name)}</h2>{pager}{self._rows(shown)}{pager}")

    @route(r"/v/([\w-]+)")
    def vendor(self, request: Request, match: re.Match[str]) -> Response:
        numbers = self.goods.by_seller(match[1])
        if match[1] not in self.goods.sellers:
            return self.not_found()
        last = page_count(len(numbers), _PER_PAGE)
        page = read_page_number(request.query.get("page"), last=last)
        if page is None:
            return self.not_found()
        shown = numbers[(page - 1) * _PER_PAGE : page * _PER_PAGE]
        rng = pick_rng(self.seed, self.name, self.goods.sellers.index(match[1]), "vendor page")
        return self._layout(
            f"Vendor {match[1]}",
            f"<h2>Vendor {match[1]}</h2><table class='d'><tr><td>Vendor Level</td><td>{rng.randint(1, 6)}</td>"
            f"<td>Trust Level</td><td>{rng.randint(1, 9)}</td></tr><tr><td>Finished deals</td><td>{rng.randint(0, 900)}</td>"
            f"<td>Disputes lost</td><td>{rng.randint(0, 4)} %</td></tr></table>"
            f"<h3>Items of this vendor</h3>{self._rows(shown)}{self._pager(f'/v/{match[1]}', page, last)}",
        )

    @route(r"/p/(\d{1,12})")
    def listing(self, request: Request, match: re.Match[str]) -> Response:
        number = number_of(match[1])
        if number is None or number >= self.count:
            return self.not_found()
        return self._layout(self.goods.listing(number).title, self._listing(self.goods.listing(number)))

    def _listing(self, it: Listing) -> str:
        rng = pick_rng(self.seed, self.name, it.number, "page")
        slug, name = CATEGORIES[it.category]
        price = it.price or Decimal(0)
        digital = it.category in ("fraud", "software", "guides", "services")
        hidden = rng if rng.random() < 0.25 else None
        age = (self.goods.today - it.day).days
        feedback = "".join(
            f"<tr><td>&#974{rng.choice('55556')};</td><td>{esc(rng.choice(_FEEDBACK))} <small>{esc(it.title)} - USD {price:.0f}</small></td>"
            f"<td>{rng.choice('abdefkmnrstz')}***{rng.choice('0234579xyk')} [{rng.randint(0, 40)}]</td>"
            f"<td>{show_date(it.posted + timedelta(days=rng.randint(0, age)))}</td></tr>\n"
            for _ in range(rng.choice((0, 0, 1, 2, 4)))
        )
        return f"""<div id="single-product"><h3>Item For Sale : </h3><h2 class="name">{esc(it.title)}</h2>
<img src="/pic/{key_of(it.number)}.jpg" alt="picture" width="160">
<p><small><b>Sold by</b> <a class="gen-user-link" href="/v/{it.seller}">{it.seller}</a> ({rng.randint(0, 300)}) <b>Vendor Level {rng.randint(1, 6)}, Trust Level {rng.randint(1, 9)}</b></small></p>
<table class="d"><tr><td>Product class</td><td>{"Digital" if digital else "Physical"}</td><td>Quantity left</td><td>{rng.choice(("Unlimited", "1", "3", "12", "40"))}</td></tr>
<tr><td>Ships from</td><td>{esc(it.ships_from)}</td><td>Ships to</td><td>{esc(it.ships_to)}</td></tr>
<tr><td>Filed under</td><td><a href="/c/{slug}">{esc(name)}</a></td><td>Put up on</td><td>{show_date(it.posted)}</td></tr>
<tr><td>Payment</td><td>{rng.choice(("Escrow | BTC", "Escrow | XMR", "Multisig", "FE allowed"))}</td><td>Ends in</td><td>{rng.choice(("Never", "Never", "30 days"))}</td></tr></table>
<p>Purchase price : <b>{show_price(price)}</b> <small>({price / _BTC:.4f} BTC)</small></p>
<form method="post" action="/buy/{key_of(it.number)}"><input name="qty" size="3" value="1"> <input type="submit" value="Queue for purchase"></form>
<h4>Product description</h4>
<pre>{tricky(it.text, hidden)}</pre>
<p><a href="/report?item={key_of(it.number)}">Report this item</a></p>
<h4>Feedback</h4>
<table class="fb">{feedback or "<tr><td>No feedback found.</td></tr>"}</table></div>"""

    @route("/rules")
    def rules(self, request: Request, match: re.Match[str]) -> Response:
        return self._layout(
            "Rules",
            "<h2>House rules</h2><ol><li>Not allowed on these docks: weapons of war, poison, hired violence, anything with children.</li>"
            "<li>Since last winter also not allowed: ivory, rhino horn, tiger parts and live animals. Staff deletes them when staff sees them.</li>"
            "<li>Five percent of each deal keeps the lights on.</li><li>Disputes within fourteen days.</li></ol>"
            "<p>The <a href='/harbour-log'>harbour log</a> is slow, be patient.</p>",
        )

    @route("/harbour-log")
    def slow(self, request: Request, match: re.Match[str]) -> Response:
        return self._layout(
            "Harbour log", "<h2>Harbour log</h2><p>All quiet. Backups at four in the morning.</p>", delay=2.0
        )

    @route("/key")
    def key(self, request: Request, match: re.Match[str]) -> Response:
        return self._layout(
            "PGP", "<h2>Key of the market</h2><p>The key was taken offline for renewal, ask staff for it.</p>"
        )

    @route("/login")
    def login(self, request: Request, match: re.Match[str]) -> Response:
        return self._layout(
            "Log in",
            "<h2>Log in</h2><form method='post' action='/login'><p>User name <input name='user'></p>"
            "<p>Password <input name='pass' type='password'></p><p><input type='submit' value='Log in'></p></form>",
        )

    def not_found(self) -> Response:
        return self._layout("Not found", "<h2>404 Not Found</h2><p>This berth is empty.</p>", status=404)


_FEEDBACK = (
    "came after eleven days, as told",
    "good talk, fair weight",
    "box was wet, content was not",
    "second time, again fine",
    "a bit late but he answers",
    "not what I pictured, still ok",
)
