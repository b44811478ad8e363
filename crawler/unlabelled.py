"""What a listing says without a label: prices, sellers, routes and dates known by their form or their element's name.

Public names: read_unlabelled.
"""

from __future__ import annotations

import re
from typing import Any

from crawler import fields as f
from crawler.cards import BEFORE_SELLER
from crawler.crumbs import read_category
from crawler.drafts import Draft
from crawler.html import Element
from crawler.money import Price, read_price
from crawler.payments import read_accepted_coins, read_other_prices
from crawler.regions import says_money
from crawler.somebody import leads_to_somebody
from crawler.vendors import read_vendor

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


_POSTED = re.compile(
    r"(?:[^,.]{2,20}, )?(?:posted|listed|published|added|eingestellt|veröffentlicht|publi(?:é|cado|cata|kováno)|mise? en ligne|pubblicato|geplaatst|dodano|опубликовано"
    r"|размещено|добавлено|发布于|đăng)\s+(?:on |am |le |el |em |il |op |vào )?(?P<when>[^,()|·]{4,30}?)\s+(?:by|von|par|por|da|door|przez|от|bởi)\s",
    re.IGNORECASE,
)
"""Small print under a title: "Lot 12, posted 2 days ago by nk88"."""


def read_unlabelled(draft: Draft) -> None:
    """Fill what the labels left open."""
    for element in draft.page.worded:
        text = element.short or ""
        if element.tag == "time" or (_may_hint(text) and (_HINT.search(text) or _POSTED.match(text))):
            _read_route_and_date(draft, element, text)
    if "price_amount" not in draft.fields:
        _read_price(draft)
    if "seller" not in draft.fields:
        _read_seller(draft)
    read_other_prices(draft)
    read_category(draft)
    read_vendor(draft)
    read_accepted_coins(draft)


def _may_hint(text: str) -> bool:
    """A word with blanks around it, or an arrow: cheap to see, and most texts of a page have neither."""
    return not text.isascii() or "->" in text or text.count(" ") > 1


def _read_route_and_date(draft: Draft, element: Element, text: str) -> None:
    fields = draft.fields
    route = text.replace("：", ":").rpartition(":")[2].strip()  # "Shipping: NO → EU"
    if "ships_from" not in fields and len(text) <= 60 and (arrow := f.read_arrow(route)):
        draft.put("ships_from", arrow[0], text, element, 0.75)
        draft.put("ships_to", f.read_places(arrow[1]), text, element, 0.75)
    if "posted" in fields and fields["posted"].value is not None:
        return
    if match := _SINCE.search(text):  # "12 sold since March 22, 2019"
        moment = draft.read_date(match[2])
        if moment is not None:
            draft.put("posted", moment, match[2], element, 0.75)
            draft.put("sold", f.read_number(match[1], language="en"), match[1], element, 0.75)
    elif match := _POSTED.match(text):
        moment = draft.read_date(match["when"])
        if moment is not None:
            draft.put("posted", moment, match["when"], element, 0.7)
    elif element.tag == "time":
        stamp = element.attrs.get("datetime") or text
        draft.put("posted", draft.read_date(stamp), stamp, element, 0.7)


def _read_price(draft: Draft) -> None:
    """A price in an element named for it, or in one that holds nothing else; only where it is the one such price of the
    page, or of the block around the title."""
    named: list[Element] = []
    bare: list[Element] = []
    for element in draft.page.worded:
        text = element.short or ""
        if len(text) > 80 or element.tag in _NO_BARE_PRICE or not says_money(text):
            continue
        if element.words & _PRICE_WORDS or element.attrs.get("itemprop") in ("price", "offers"):
            named.append(element)
        elif f.is_only_price(text) and not any(_spoils_price(outer) for outer in element.up()):
            bare.append(element)
    title = draft.fields.get("title")
    near = _find_near(bare, title.value) if title is not None else []
    # parts of one price in elements of their own, with no space between: "<b>$5.00</b><i>0.0001 BTC</i>"
    parts = [
        inner
        for element in named[:20]
        for inner in element.elements()[:6]
        if inner.tag not in _NO_BARE_PRICE and says_money(inner.short or "")
    ]
    for elements, sure in ((named, 0.7), (parts, 0.68), (near, 0.65), (bare, 0.6)):
        if _take_price(draft, elements, sure):
            return


def _spoils_price(outer: Element) -> bool:
    """A row of tiers, a struck price, or an element that is itself the whole price."""
    return outer.tag in _NO_BARE_PRICE or bool(outer.short and f.is_only_price(outer.short))


def _find_near(elements: list[Element], title: str) -> list[Element]:
    """Those beside an element that holds the title alone. Each parent is looked through once: it may have thousands."""
    holds: dict[int, bool] = {}
    near = []
    for element in elements:
        parent = element.parent
        if parent is None:
            continue
        if parent.number not in holds:
            holds[parent.number] = any(child.short == title for child in parent.elements())
        if holds[parent.number]:
            near.append(element)
    return near


def _take_price(draft: Draft, elements: list[Element], sure: float) -> bool:
    found: dict[tuple[Any, str], tuple[Element, Price]] = {}
    for element in elements:
        price = read_price(element.short or "", language=draft.language)
        if price is not None and price.amount and price.currency:  # "USD 0.00" is the visitor's own balance
            found.setdefault((price.amount, price.currency), (element, price))
    if len({currency for _, currency in found}) < len(found) or not found:
        return False
    element, price = next(iter(found.values()))
    if len(found) > 1 and not _side_by_side([spot for spot, _ in found.values()]):
        return False
    draft.put_price(price, element.short or "", element, sure)
    return True


def _side_by_side(elements: list[Element]) -> bool:
    """Do prices in several currencies stand together: one price, said more than once?"""
    first = elements[0]
    around = list(first.up())[:2]
    return any(outer.size < 120 and all(element.inside(outer) for element in elements) for outer in around)


def _read_seller(draft: Draft) -> None:
    names: dict[str, Element] = {}
    for element in draft.page.worded:
        text = element.short or ""
        if element.words and len(text) <= 80 and element.words & _SELLER_WORDS:
            link = next((inner for inner in element.iter() if inner.tag == "a" and inner.short), element)
            name = f.read_name(link.short or "")
            if name and "**" not in name:  # a masked name is a buyer's
                names.setdefault(name, element)
    if len(names) == 1:
        name, element = next(iter(names.items()))
        draft.put("seller", name, name, element, 0.6)
    elif not names:
        _read_seller_link(draft)


def _read_seller_link(draft: Draft) -> None:
    """The one somebody that the page leads to behind a "by", "von", "chez": "by <a href=/vendor/nk88>nk88</a>"."""
    names: dict[str, Element] = {}
    for element in draft.page.content:
        if (
            element.tag != "a"
            or not element.short
            or element.parent is None
            or len(element.parent.children) > 60
        ):
            continue
        if not leads_to_somebody(element.attrs.get("href", "")):
            continue
        before = [c for c in element.parent.children[: element.place] if not isinstance(c, str) or c.strip()]
        word = before[-1] if before else ""
        if isinstance(word, str) and BEFORE_SELLER.search(word) and (name := f.read_name(element.short)):
            names.setdefault(name, element)
    if len(names) == 1:
        name, element = next(iter(names.items()))
        draft.put("seller", name, name, element, 0.65)
