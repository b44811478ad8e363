"""What a listing says without a label: prices, sellers, routes and dates known by their form or their element's name.

Public names: read_unlabelled.
"""

from __future__ import annotations

import re
from typing import Any

from crawler import fields as f
from crawler.drafts import Draft
from crawler.html import Element
from crawler.labels import fold_label
from crawler.regions import MONEY, Page
from crawler.titles import same_text

_SELLER_WORDS = frozenset(
    ["seller", "vendor", "merchant", "verkaeufer", "haendler", "vendedor", "vendeur", "venditore", "verkoper", "author"]
)  # fmt: skip
_PRICE_WORDS = frozenset(
    ["price", "preis", "precio", "prix", "preco", "prezzo", "prijs", "cena", "fiyat", "gia", "pr"]
)  # fmt: skip
_NO_BARE_PRICE = frozenset(
    ["tr", "li", "a", "del", "s"]
)  # fmt: skip
_SINCE = re.compile(r"(\d[\d.,]*)\s+\S+\s+(?:since|seit|desde|depuis|dal|sinds)\s+(.{6,30})$", re.IGNORECASE)
_HINT = re.compile(r"[→➔➜⇒»]|->| (?:since|seit|desde|depuis|dal|sinds) ", re.IGNORECASE)
_HOME = frozenset(
    fold_label(word)
    for word in (
        "home", "start", "startseite", "inicio", "accueil", "início", "главная", "首页", "trang chủ", "strona główna",
        "ana sayfa", "market", "shop", "index",
    )
)  # fmt: skip


def read_unlabelled(draft: Draft) -> None:
    """Fill what the labels left open."""
    for element in draft.page.content:
        text = element.short
        if text and (element.tag == "time" or _HINT.search(text)):
            _read_route_and_date(draft, element, text)
    if "price_amount" not in draft.fields:
        _read_price(draft)
    if "seller" not in draft.fields:
        _read_seller(draft)
    if "category" not in draft.fields:
        _read_crumbs(draft)


def _read_route_and_date(draft: Draft, element: Element, text: str) -> None:
    fields = draft.fields
    if "ships_from" not in fields and len(text) <= 60 and (arrow := f.read_arrow(text)):
        draft.put("ships_from", arrow[0], text, element, 0.75)
        draft.put("ships_to", f.read_places(arrow[1]), text, element, 0.75)
    if "posted" in fields and fields["posted"].value is not None:
        return
    if match := _SINCE.search(text):  # "12 sold since March 22, 2019"
        moment = draft.read_date(match[2])
        if moment is not None:
            draft.put("posted", moment, match[2], element, 0.75)
            draft.put("sold", f.read_number(match[1], language="en"), match[1], element, 0.75)
    elif element.tag == "time":
        stamp = element.attrs.get("datetime") or text
        draft.put("posted", draft.read_date(stamp), stamp, element, 0.7)


def _read_price(draft: Draft) -> None:
    """A price in an element named for it, or in one that holds nothing else; only where it is the one such price of the
    page, or of the block around the title."""
    named: list[Element] = []
    bare: list[Element] = []
    for element in draft.page.content:
        text = element.short
        if not text or len(text) > 80 or element.tag in _NO_BARE_PRICE or not MONEY.search(text):
            continue
        if element.words & _PRICE_WORDS or element.attrs.get("itemprop") in ("price", "offers"):
            named.append(element)
        elif f.is_only_price(text) and not any(_spoils_price(outer) for outer in element.up()):
            bare.append(element)
    title = draft.fields.get("title")
    near = [e for e in bare if title is not None and e.parent is not None and _holds(e.parent, title.value)]
    for elements, sure in ((named, 0.7), (near, 0.65), (bare, 0.6)):
        if _take_price(draft, elements, sure):
            return


def _spoils_price(outer: Element) -> bool:
    """A row of tiers, a struck price, or an element that is itself the whole price."""
    return outer.tag in _NO_BARE_PRICE or bool(outer.short and f.is_only_price(outer.short))


def _holds(parent: Element, title: str) -> bool:
    return any(child.short == title for child in parent.elements())


def _take_price(draft: Draft, elements: list[Element], sure: float) -> bool:
    found: dict[tuple[Any, str], tuple[Element, tuple[f.Money, ...]]] = {}
    for element in elements:
        prices = f.read_prices(element.short or "", language=draft.language)
        if prices and prices[0].amount > 0:  # "USD 0.00" is the visitor's own balance
            found.setdefault((prices[0].amount, prices[0].currency), (element, prices))
    if len(found) != 1:
        return False
    element, prices = next(iter(found.values()))
    draft.put_prices(prices, element.short or "", element, sure)
    return True


def _read_seller(draft: Draft) -> None:
    names: dict[str, Element] = {}
    for element in draft.page.content:
        text = element.short
        if text and len(text) <= 80 and element.words & _SELLER_WORDS:
            link = next((inner for inner in element.iter() if inner.tag == "a" and inner.short), element)
            if name := f.read_name(link.short or ""):
                names.setdefault(name, element)
    if len(names) == 1:
        name, element = next(iter(names.items()))
        draft.put("seller", name, name, element, 0.6)


def _read_crumbs(draft: Draft) -> None:
    page = draft.page
    title = str(draft.fields["title"].value) if "title" in draft.fields else ""
    for crumb in page.crumbs:
        links = [inner.short for inner in crumb.iter() if inner.tag == "a" and inner.short]
        if not links and crumb.short:
            links = list(f.read_path(crumb.short))
        steps = [step for step in links if not same_text(step, title) and not _is_home(step, page)]
        if steps:
            draft.put("category", tuple(steps[:8]), crumb.short or "", crumb, 0.8)
            return


def _is_home(step: str, page: Page) -> bool:
    return fold_label(step) in _HOME or same_text(step, page.site_title)
