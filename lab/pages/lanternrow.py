"""Lantern Row: a grid of cards beside a tree of categories with counts; each tab of an item has an address of its own:
LanternRow, key_of."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar

from lab.chance import pick_rng
from lab.goods import SiteGoods
from lab.listing import Listing
from lab.pages.base import BaseSite, esc, page_count, paragraphs, read_page_number, route
from lab.wire import Request, Response

TREE = {
    "Drugs": {
        "cannabis": "Weed & Hash",
        "stimulants": "Uppers",
        "psychedelics": "Trips",
        "pills": "Tablets",
        "opioids": "Downers",
    },
    "Fraud": {"fraud": "Accounts & Cards", "documents": "Papers"},
    "Digital": {"software": "Programs", "guides": "Books & Courses", "services": "Helping Hands"},
    "Goods": {
        "replicas": "Replicas",
        "electronics": "Gadgets",
        "jewelry": "Jewellery & Antiques",
        "food": "Pantry",
        "other": "Other Listings",
    },
}
PARENT = {family: top for top, kids in TREE.items() for family in kids}
NAMES = {family: name for kids in TREE.values() for family, name in kids.items()}


def slug_of(family: str) -> str:
    """The category's word in addresses, such as `goods-other-listings`."""
    return re.sub(r"[^a-z]+", "-", f"{PARENT[family]} {NAMES[family]}".lower())


_BY_SLUG = {slug_of(family): family for family in NAMES}
_PER_PAGE = 24
_XMR = Decimal(312)
_TABS = (
    ("", "Overview"),
    ("/description", "Description"),
    ("/feedback", "Feedback"),
    ("/refund", "Refund policy"),
)


def key_of(number: int) -> str:
    """The site's own number of an item."""
    return str(700_001 + number * 7)


def number_of(key: str) -> int | None:
    value = int(key) - 700_001
    return value // 7 if value >= 0 and value % 7 == 0 else None


def show_price(price: Decimal) -> str:
    return f"${price:,.2f}"


def show_date(at: datetime) -> str:
    return at.date().isoformat()


class LanternRow(BaseSite):
    name = "lanternrow"
    title = "Lantern Row"
    cookie = "lantern_session"
    gzip = True
    kinds: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "listing": (r"^/item/(?P<key>\d+)$", r"^/item/(?P<key>\d+)/(description|feedback|refund)$"),
        "search": (r"^/category/[\w-]+(/\d+)?$",),
        "seller": (r"^/vendor/[\w-]+(/\d+)?$",),
        "home": (r"^/$",),
        "rules": (r"^/terms$",),
    }
    skip = (r"^/auth/logout", r"^/order/", r"^/basket", r"^/message/", r"[?&]sort=")

    def __init__(self, goods: SiteGoods) -> None:
        super().__init__(seed=goods.seed)
        self.goods = goods
        self.count = goods.count

    def path_of(self, number: int) -> str:
        return f"/item/{key_of(number)}"

    def _layout(self, title: str, main: str, *, status: int = 200, delay: float = 0.0) -> Response:
        tree = ""
        for top, kids in TREE.items():
            leaves = "".join(
                f'<li><a href="/category/{slug_of(family)}">{esc(name)}</a> <span class="n">{len(self.goods.in_category(family))}</span></li>'
                for family, name in kids.items()
            )
            tree += f"<li>{top}<ul>{leaves}</ul></li>\n"
        return self.page(
            f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{esc(title)} :: Lantern Row</title><link rel="icon" href="/favicon.ico">
<style>body {{ margin: 0 auto; max-width: 1080px; font: 14px Georgia, serif; background: #fdf8ee }} header {{ border-bottom: 3px double #a63; padding: 10px }}
nav.tree {{ float: left; width: 210px; font-size: 13px }} section.content {{ margin-left: 230px }} .card {{ display: inline-block; vertical-align: top; width: 180px; height: 170px;
border: 1px solid #dcb; margin: 4px; padding: 6px; overflow: hidden; background: #fff }} .n {{ color: #999 }} .tabs a {{ padding: 4px 10px; border: 1px solid #dcb; border-bottom: 0 }}
.tabs .on {{ font-weight: bold; padding: 4px 10px; background: #fff }} .row .k {{ display: inline-block; width: 120px; color: #864 }}</style></head>
<body><header><strong>Lantern Row</strong> &middot; <a href="/">Front</a> &middot; <a href="/terms">Terms</a> &middot; <a href="/basket">Basket (0)</a> &middot; <a href="/auth/login">Sign in</a></header>
<nav class="tree"><ul>
{tree}</ul></nav>
<section class="content">
{main}
</section>
<footer><p>Talk about us on <a href="//forum.example.net/lantern">a clear-net board</a> or on <a href="http://{self.foreign}/board?x=1">another onion</a>. <a href="/static/row.js">script</a> <a href="/dl/warrant-canary.zip">canary.zip</a></p></footer>
</body></html>""",
            status=status,
            delay=delay,
        )

    def _cards(self, numbers: Sequence[int]) -> str:
        cards = []
        for number in numbers:
            it = self.goods.listing(number)
            cards.append(
                f'<div class="card"><a href="{self.path_of(number)}"><img src="/thumb/{key_of(number)}.png" alt="" width="60"></a>'
                f'<h4><a href="{self.path_of(number)}">{esc(it.title)}</a></h4><div class="amount">{show_price(it.price or Decimal(0))}</div>'
                f'<div>Vendor <a href="/vendor/{it.seller}">{it.seller}</a></div><div class="n">{esc(it.ships_from)}</div></div>\n'
            )
        return "".join(cards)

    def _pager(self, base: str, page: int, last: int) -> str:
        parts = []
        if page > 1:
            parts.append(
                f'<a href="{base}/{page - 1}" rel="prev">&laquo; newer</a>'
                if page > 2
                else f'<a href="{base}" rel="prev">&laquo; newer</a>'
            )
        parts.append(f"{page}/{last}")
        if page < last:
            parts.append(
                f'<a href="{base}/{page + 1}" rel="next">older &raquo;</a> <a href="{base}/{last}">last</a>'
            )
        return f'<p class="pager">{" ".join(parts)}</p>'

    @route("/")
    def home(self, request: Request, match: re.Match[str]) -> Response:
        rng = pick_rng(self.seed, self.name, 0, "front")
        picks = rng.sample(range(self.count), k=min(12, self.count))
        return self._layout(
            "Front",
            f"<h1>Under the lanterns tonight</h1>{self._cards(picks)}<p><a href='/all'>everything</a></p>",
        )

    @route("/all")
    def everything(self, request: Request, match: re.Match[str]) -> Response:
        return self.redirect(f"/category/{slug_of('other')}")

    @route("/i/(\\d{1,12})")
    def short(self, request: Request, match: re.Match[str]) -> Response:
        return self.redirect(f"/item/{match[1]}", status=301)

    @route(r"/category/([\w-]+)(?:/(\d+))?")
    def category(self, request: Request, match: re.Match[str]) -> Response:
        family = _BY_SLUG.get(match[1])
        if family is None:
            return self.not_found()
        numbers = self.goods.in_category(family)
        last = page_count(len(numbers), _PER_PAGE)
        page = read_page_number(match[2], last=last)
        if page is None:
            return self.not_found()
        shown = numbers[(page - 1) * _PER_PAGE : page * _PER_PAGE]
        pager = self._pager(f"/category/{match[1]}", page, last)
        sort = '<p class="n">Order: <a href="?sort=cheap">cheapest</a> <a href="?sort=new">newest</a></p>'
        return self._layout(
            NAMES[family],
            f"<h1>{PARENT[family]} &rsaquo; {esc(NAMES[family])}</h1>{sort}{self._cards(shown)}{pager}",
        )

    @route(r"/vendor/([\w-]+)(?:/(\d+))?")
    def vendor(self, request: Request, match: re.Match[str]) -> Response:
        if match[1] not in self.goods.sellers:
            return self.not_found()
        numbers = self.goods.by_seller(match[1])
        last = page_count(len(numbers), _PER_PAGE)
        page = read_page_number(match[2], last=last)
        if page is None:
            return self.not_found()
        rng = pick_rng(self.seed, self.name, self.goods.sellers.index(match[1]), "vendor page")
        seen = self.goods.today - timedelta(days=rng.randint(0, 9))
        shown = numbers[(page - 1) * _PER_PAGE : page * _PER_PAGE]
        return self._layout(
            match[1],
            f"<h1>{match[1]}</h1><p>Score 4.{rng.randint(10, 99)} ({rng.randint(3, 700)}) &middot; last lamp lit {seen.isoformat()}</p>"
            f"{self._cards(shown)}{self._pager(f'/vendor/{match[1]}', page, last)}",
        )

    @route(r"/item/(\d{1,12})(/description|/feedback|/refund)?")
    def item(self, request: Request, match: re.Match[str]) -> Response:
        number = number_of(match[1])
        if number is None or number >= self.count:
            return self.not_found()
        it = self.goods.listing(number)
        tab = match[2] or ""
        tabs = "".join(
            f'<span class="on">{name}</span>'
            if end == tab
            else f'<a href="{self.path_of(number)}{end}">{name}</a>'
            for end, name in _TABS
        )
        panels = {
            "": self._overview,
            "/description": self._description,
            "/feedback": self._feedback,
            "/refund": self._refund,
        }
        return self._layout(
            it.title,
            f'<h1 class="item-title">{esc(it.title)}</h1><div class="tabs">{tabs}</div><div class="sheet">{panels[tab](it)}</div>',
        )

    def _overview(self, it: Listing) -> str:
        rng = pick_rng(self.seed, self.name, it.number, "page")
        price = it.price or Decimal(0)
        slug = slug_of(it.category)
        rows = (
            ("Vendor", f'<a href="/vendor/{it.seller}">{it.seller}</a>'),
            (
                "Price",
                f'<span class="amount">{show_price(price)}</span> <span class="n">/ {price / _XMR:.3f} XMR</span>',
            ),
            ("Origin", esc(it.ships_from)),
            ("Delivers to", esc(it.ships_to)),
            ("Listed on", show_date(it.posted)),
            ("Found in", f'{PARENT[it.category]} / <a href="/category/{slug}">{esc(NAMES[it.category])}</a>'),
            ("In stock", str(rng.choice((1, 2, 5, 9, 25)))),
            ("Safety", rng.choice(("Escrow", "Escrow", "2 of 3 multisig", "Finalize early"))),
            ("Viewed", f"{rng.randint(4, 2400)} times"),
        )
        shown = "".join(
            f'<div class="row"><span class="k">{k}</span><span class="v">{v}</span></div>\n' for k, v in rows
        )
        return (
            f'<img src="/picture/{key_of(it.number)}.jpg" alt="">{shown}'
            f'<form method="post" action="/order/{key_of(it.number)}"><button>Take it home</button></form>'
            f'<p><a href="/message/new?to={it.seller}">Write to the vendor</a></p>'
        )

    def _description(self, it: Listing) -> str:
        rng = pick_rng(self.seed, self.name, it.number, "tricks")
        return f'<div class="text">{paragraphs(it.text, tricks=rng if rng.random() < 0.15 else None)}</div>'

    def _feedback(self, it: Listing) -> str:
        rng = pick_rng(self.seed, self.name, it.number, "feedback")
        age = (self.goods.today - it.day).days
        found = "".join(
            f"<li><b>{'&#9733;' * rng.randint(2, 5)}</b> {esc(rng.choice(_VOICES))} <em>{rng.choice('bcdgjlmpqsw')}***{rng.choice('aeiou159')}, "
            f"{show_date(it.posted + timedelta(days=rng.randint(0, age)))}</em></li>\n"
            for _ in range(rng.choice((0, 1, 2, 3)))
        )
        return f"<ul>{found}</ul>" if found else "<p>Nobody has said a word yet.</p>"

    def _refund(self, it: Listing) -> str:
        rng = pick_rng(self.seed, self.name, it.number, "refund")
        return f"<p>{esc(rng.choice(_REFUNDS))}</p>"

    @route("/terms")
    def terms(self, request: Request, match: re.Match[str]) -> Response:
        return self._layout(
            "Terms",
            "<h1>Terms of the Row</h1><p>You trade at your own risk. Vendors pay a bond, buyers pay attention.</p>"
            "<p>Forbidden under these lanterns: firearms, killers, anything with minors, wildlife such as ivory, rhino horn, tiger skins and bones, and fake charity.</p>"
            "<p>The <a href='/statistics'>statistics</a> take a moment.</p>",
        )

    @route("/statistics")
    def slow(self, request: Request, match: re.Match[str]) -> Response:
        return self._layout(
            "Statistics", f"<h1>Statistics</h1><p>{self.count} items on {len(NAMES)} shelves.</p>", delay=2.5
        )

    @route("/auth/login")
    def login(self, request: Request, match: re.Match[str]) -> Response:
        return self._layout(
            "Sign in",
            '<h1>Sign in</h1><form method="post" action="/auth/login"><label>Name <input name="n"></label> '
            '<label>Secret <input name="s" type="password"></label> <button>Enter</button></form>',
        )

    def not_found(self) -> Response:
        return self._layout("Dark corner", "<h1>404</h1><p>No lantern hangs here.</p>", status=404)


_VOICES = (
    "As described, neat parcel.",
    "Took its time, then it was there.",
    "Friendly, answers at night.",
    "Half of what I hoped, all of what I paid for.",
    "Would knock again.",
)
_REFUNDS = (
    "Half back when the tracking stops for twenty days, nothing when it was delivered to your cat.",
    "No refund for digital things that were opened, one replacement if they never worked.",
    "First order: no reship. From the third one on we share the pain.",
    "Refund in full if I forgot to post it, which happens around holidays.",
)
