"""Nordkontor: a vendor shop in German with breadcrumbs, definition lists, tiers and coins before money: Nordkontor,
key_of."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar
from urllib.parse import quote, unquote

from lab.chance import pick_rng
from lab.goods import SiteGoods
from lab.listing import Listing
from lab.pages.base import BaseSite, esc, page_count, paragraphs, read_page_number, route
from lab.wire import Request, Response

CATEGORIES = {
    "cannabis": ("Rauschmittel", "Cannabis"),
    "stimulants": ("Rauschmittel", "Aufputschmittel"),
    "psychedelics": ("Rauschmittel", "Psychedelika"),
    "pills": ("Rauschmittel", "Tabletten"),
    "opioids": ("Rauschmittel", "Opioide"),
    "fraud": ("Digitales", "Konten und Karten"),
    "software": ("Digitales", "Software"),
    "guides": ("Digitales", "Anleitungen"),
    "services": ("Digitales", "Dienste"),
    "documents": ("Waren", "Dokumente"),
    "replicas": ("Waren", "Nachbauten"),
    "electronics": ("Waren", "Technik"),
    "jewelry": ("Waren", "Schmuck und Antiquitäten"),
    "food": ("Waren", "Genussmittel"),
    "other": ("Waren", "Sonstige Angebote"),
}
_PER_PAGE = 20
_BTC = Decimal(84_200)
_LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def slug(text: str) -> str:
    """A title as a word for addresses; letters other than Latin ones fall away."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower().translate(_LETTERS)).strip("-")[:40] or "angebot"


_BY_SLUG = {slug(name): family for family, (_, name) in CATEGORIES.items()}


def key_of(number: int) -> str:
    """The site's own number of an offer."""
    return f"NK-{number * 5 + 20_017}"


def number_of(key: str) -> int | None:
    value = int(key.removeprefix("NK-")) - 20_017
    return value // 5 if value >= 0 and value % 5 == 0 else None


def show_number(value: Decimal, places: int) -> str:
    """A number as Germans write it: 1.234,56."""
    return f"{value:,.{places}f}".translate(str.maketrans(",.", ".,"))


def show_price(price: Decimal) -> str:
    return f"{show_number(price, 2)} €"


def show_date(at: datetime) -> str:
    return f"{at.strftime('%b')} {at.day}, {at.year}"


class Nordkontor(BaseSite):
    name = "nordkontor"
    title = "Nordkontor"
    cookie = "kontor_sitzung"
    kinds: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "listing": (r"^/angebot/(?P<key>NK-\d+)(-[a-z0-9-]*)?$",),
        "search": (r"^/kategorie/[a-z-]+(\?seite=\d+)?$",),
        "seller": (r"^/haendler/[\w%.-]+(\?seite=\d+)?$",),
        "home": (r"^/$",),
        "rules": (r"^/regeln$",),
    }
    skip = (r"^/abmelden", r"^/kaufen", r"^/warenkorb", r"[?&]sortierung=")

    def __init__(self, goods: SiteGoods) -> None:
        super().__init__(seed=goods.seed)
        self.goods = goods
        self.count = goods.count

    def path_of(self, number: int) -> str:
        return f"/angebot/{key_of(number)}-{slug(self.goods.listing(number).title)}"

    def _layout(
        self,
        title: str,
        main: str,
        *,
        crumbs: Sequence[tuple[str, str]] = (),
        status: int = 200,
        delay: float = 0.0,
    ) -> Response:
        items = '<li class="breadcrumb-item"><a href="/">Start</a></li>'
        for text, target in crumbs:
            inner = f'<a href="{target}">{esc(text)}</a>' if target else esc(text)
            items += f'<li class="breadcrumb-item">{inner}</li>'
        groups = "".join(
            f'<a class="list-group-item" href="/kategorie/{slug(name)}">{esc(name)}</a>\n'
            for _, name in CATEGORIES.values()
        )
        return self.page(
            f"""<!DOCTYPE html>
<html lang="de">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{esc(title)} | Nordkontor</title>
<link rel="stylesheet" href="/css/bootstrap.min.css">
<style>body {{ font-family: "Helvetica Neue", Arial, sans-serif; font-size: 14px; margin: 0; color: #333 }} .navbar {{ background: #222; padding: 12px }} .navbar a {{ color: #ddd; margin-right: 14px }}
.container {{ max-width: 1100px; margin: 0 auto }} .breadcrumb {{ list-style: none; padding: 8px; background: #f5f5f5 }} .breadcrumb-item {{ display: inline }} .breadcrumb-item + .breadcrumb-item::before {{ content: " / " }}
.col-3 {{ float: left; width: 23% }} .col-9 {{ margin-left: 26% }} .list-group-item {{ display: block; padding: 5px; border: 1px solid #ddd }} dt {{ float: left; width: 150px; font-weight: bold }} dd {{ margin: 0 0 4px 160px }}
.panel {{ border: 1px solid #ddd; margin: 10px 0 }} .panel-heading {{ background: #f5f5f5; padding: 6px 10px }} .panel-body {{ padding: 10px }} .media {{ border-bottom: 1px solid #eee; padding: 8px 0 }}</style></head>
<body><div class="navbar"><a class="navbar-brand" href="/">NORDKONTOR</a><a href="/regeln">Regeln</a><a href="/warenkorb">Warenkorb</a><a href="/anmelden">Anmelden</a><a href="https://status.example.com/nordkontor">Status</a></div>
<div class="container"><ol class="breadcrumb">{items}</ol>
<div class="col-3"><div class="list-group">
{groups}</div><p><a href="http://{self.foreign}/partner">Partnershop</a><br><a href="/download/preisliste.zip">Preisliste</a></p></div>
<div class="col-9">
{main}
</div></div><script src="/js/app.js"></script></body></html>""",
            status=status,
            delay=delay,
        )

    def _media(self, numbers: Sequence[int]) -> str:
        rows = []
        for number in numbers:
            it = self.goods.listing(number)
            price = it.price or Decimal(0)
            rows.append(
                f'<div class="media"><img src="/bild/{key_of(number)}.png" alt="" width="48"><h4 class="media-heading"><a href="{self.path_of(number)}">{esc(it.title)}</a></h4>'
                f'<span class="label">{show_number(price / _BTC, 5)} BTC &middot; {show_price(price)}</span> <a href="/haendler/{quote(it.seller)}">{esc(it.seller)}</a></div>\n'
            )
        return "".join(rows)

    def _pager(self, base: str, page: int, last: int) -> str:
        links = "".join(
            f'<li class="active"><span>{n}</span></li>'
            if n == page
            else f'<li><a href="{base}?seite={n}">{n}</a></li>'
            for n in range(max(1, page - 5), min(last, page + 5) + 1)
        )
        return f'<ul class="pagination">{links}</ul>'

    @route("/")
    def home(self, request: Request, match: re.Match[str]) -> Response:
        rng = pick_rng(self.seed, self.name, 0, "front")
        picks = rng.sample(range(self.count), k=min(8, self.count))
        return self._layout(
            "Start",
            f"<h1>Moin.</h1><p>{self.count} Angebote von {len(self.goods.sellers)} Händlern.</p><h3>Schaufenster</h3>{self._media(picks)}"
            '<p><a href="/neu">Neues</a></p>',
        )

    @route("/neu")
    def new(self, request: Request, match: re.Match[str]) -> Response:
        return self.redirect("/kategorie/sonstige-angebote")

    @route(r"/kategorie/([a-z-]+)")
    def category(self, request: Request, match: re.Match[str]) -> Response:
        family = _BY_SLUG.get(match[1])
        if family is None:
            return self.not_found()
        numbers = self.goods.in_category(family)
        last = page_count(len(numbers), _PER_PAGE)
        page = read_page_number(request.query.get("seite"), last=last)
        if page is None:
            return self.not_found()
        top, name = CATEGORIES[family]
        shown = numbers[(page - 1) * _PER_PAGE : page * _PER_PAGE]
        return self._layout(
            name,
            f"<h2>{esc(name)} <small>({len(numbers)})</small></h2><p><a href='?sortierung=preis'>nach Preis</a></p>"
            f"{self._media(shown)}{self._pager(f'/kategorie/{match[1]}', page, last)}",
            crumbs=((top, ""), (name, "")),
        )

    @route(r"/haendler/([^/]{1,200})")
    def vendor(self, request: Request, match: re.Match[str]) -> Response:
        name = unquote(match[1])
        if name not in self.goods.sellers:
            return self.not_found()
        numbers = self.goods.by_seller(name)
        last = page_count(len(numbers), _PER_PAGE)
        page = read_page_number(request.query.get("seite"), last=last)
        if page is None:
            return self.not_found()
        shown = numbers[(page - 1) * _PER_PAGE : page * _PER_PAGE]
        rng = pick_rng(self.seed, self.name, self.goods.sellers.index(name), "vendor page")
        return self._layout(
            name,
            f"<h2>Händler {esc(name)}</h2><dl><dt>Dabei seit</dt><dd>{rng.choice(('2023', '2024', '2025'))}</dd><dt>Verkäufe</dt><dd>{rng.randint(0, 800)}</dd>"
            f"<dt>Streitfälle</dt><dd>{show_number(Decimal(rng.randint(0, 60)) / 10, 1)} %</dd></dl>{self._media(shown)}{self._pager(f'/haendler/{quote(name)}', page, last)}",
            crumbs=(("Händler", ""), (name, "")),
        )

    @route(r"/angebot/(NK-\d{1,12})(-[a-z0-9-]*)?")
    def offer(self, request: Request, match: re.Match[str]) -> Response:
        number = number_of(match[1])
        if number is None or number >= self.count:
            return self.not_found()
        if request.path != self.path_of(number):
            return self.redirect(self.path_of(number), status=301)
        it = self.goods.listing(number)
        top, name = CATEGORIES[it.category]
        return self._layout(
            it.title, self._offer(it), crumbs=((top, ""), (name, f"/kategorie/{slug(name)}"), (it.title, ""))
        )

    def _offer(self, it: Listing) -> str:
        rng = pick_rng(self.seed, self.name, it.number, "page")
        price = it.price or Decimal(0)
        tiers = ""
        if rng.random() < 0.3 and not it.labels:
            rows = "".join(
                f"<tr><td>ab {count} Stück</td><td>BTC {show_number(price * off / _BTC, 5)}</td><td>{show_price(price * off)}</td></tr>"
                for count, off in ((5, Decimal("0.95")), (10, Decimal("0.90")))
            )
            tiers = (
                f'<table class="table"><tr><th>Menge</th><th>Münze</th><th>je Einheit</th></tr>{rows}</table>'
            )
        age = (self.goods.today - it.day).days
        reviews = "".join(
            f"<li>{'+' * rng.randint(1, 3)} {esc(rng.choice(_REVIEWS))} ({rng.choice('bdfhkmrst')}***{rng.choice('aeo137')}, {show_date(it.posted + timedelta(days=rng.randint(0, age)))})</li>"
            for _ in range(rng.choice((0, 0, 1, 2)))
        )
        hidden = rng if rng.random() < 0.1 else None
        return f"""<h1>{esc(it.title)}</h1>
<img src="/bild/{key_of(it.number)}.png" alt="Bild" width="120">
<p class="lead">BTC {show_number(price / _BTC, 5)} <small>({show_price(price)})</small></p>
<dl class="dl-horizontal"><dt>Händler</dt><dd><a href="/haendler/{quote(it.seller)}">{esc(it.seller)}</a> <span class="badge">{rng.randint(1, 99)}</span></dd>
<dt>Artikelnummer</dt><dd>{key_of(it.number)}</dd>
<dt>Versand aus</dt><dd>{esc(it.ships_from)}</dd>
<dt>Versand nach</dt><dd>{esc(it.ships_to)}</dd>
<dt>Eingestellt am</dt><dd>{show_date(it.posted)}</dd>
<dt>Lagerbestand</dt><dd>{rng.choice(("1", "3", "10", "unbegrenzt"))}</dd>
<dt>Bezahlung</dt><dd>{rng.choice(("Treuhand", "Treuhand oder Vorabfreigabe", "Multisig 2 von 3"))}</dd></dl>
<form method="post" action="/kaufen/{key_of(it.number)}"><button class="btn">In den Warenkorb</button></form>
{tiers}
<div class="panel"><div class="panel-heading">Beschreibung</div><div class="panel-body">
{paragraphs(it.text, tricks=hidden)}</div></div>
<div class="panel"><div class="panel-heading">Bewertungen</div><div class="panel-body">{f"<ul>{reviews}</ul>" if reviews else "Noch keine."}</div></div>"""

    @route("/regeln")
    def rules(self, request: Request, match: re.Match[str]) -> Response:
        return self._layout(
            "Regeln",
            "<h1>Hausordnung</h1><ul><li>Keine Waffen, keine Gifte, keine Auftragsgewalt, nichts mit Kindern.</li>"
            "<li>Keine geschützten Tiere und nichts aus ihnen: Elfenbein, Nashornhorn, Tigerfelle und Tigerknochen fliegen raus.</li>"
            "<li>Vier Prozent vom Umsatz gehören dem Haus.</li></ul><p>Der <a href='/chronik'>Blick ins Hauptbuch</a> dauert.</p>",
        )

    @route("/chronik")
    def slow(self, request: Request, match: re.Match[str]) -> Response:
        return self._layout(
            "Hauptbuch", "<h1>Hauptbuch</h1><p>Seit 2023 ohne Ausfall, sagt der Buchhalter.</p>", delay=2.0
        )

    @route("/anmelden")
    def login(self, request: Request, match: re.Match[str]) -> Response:
        return self._layout(
            "Anmelden",
            '<h1>Anmelden</h1><form method="post" action="/anmelden"><input name="name" placeholder="Name"> '
            '<input type="password" name="kennwort" placeholder="Kennwort"> <button class="btn">Los</button></form>',
        )

    def not_found(self) -> Response:
        return self._layout("Nicht gefunden", "<h1>404</h1><p>Dieses Regal ist leer.</p>", status=404)


_REVIEWS = (
    "Kam nach sechs Tagen, gut verpackt",
    "Menge stimmt, Ton freundlich",
    "Etwas Geduld mitbringen",
    "Gern wieder, sagt auch mein Bruder",
)
