"""Cards: the results of a search or category page, each a listing seen from outside.

Public names: read_cards.
"""

from __future__ import annotations

import re
from collections import Counter

from crawler import fields as f
from crawler.cleaning import clean_line
from crawler.html import Element, text_of
from crawler.labels import find_label
from crawler.regions import MONEY, CardGroup, Page
from crawler.values import Card

_TITLE_WORDS = frozenset(("title", "titel", "titulo", "titre", "titolo", "name", "heading"))
_SELLER_WORDS = frozenset(("seller", "vendor", "merchant", "author", "verkaeufer", "vendedor"))
_ACTIONS = re.compile(
    r"^(?:order|buy|buy now|add to cart|details|view|more|more info|kaufen|in den warenkorb|ver|comprar|voir|acheter"
    r"|купить|подробнее|购买|查看|mua|xem|kup|zobacz|satın al)\W*$",
    re.IGNORECASE,
)
_BEFORE_SELLER = re.compile(
    r"(?:^|\W)(?:by|seller|vendor|sold by|von|verkäufer|anbieter|por|vendedor|vendeur|par|da|venditore|door|verkoper|от"
    r"|продавец|卖家|bởi|người bán|sprzedawca|satıcı)\s*:?\s*$",
    re.IGNORECASE,
)
_SELLER_PATH = re.compile(
    r"(?:^|/)(?:u|v|users?|vendors?|sellers?|members?|profiles?|stores?|shops?|verkaeufer|anbieter|haendler|vendedor"
    r"|vendeur|tienda)(?:[/?]|$)",
    re.IGNORECASE,
)
_MOST = 500


def read_cards(page: Page, *, language: str = "") -> tuple[Card, ...]:
    """All cards of the page with a title and an address, in order."""
    cards: list[Card] = []
    for group in page.groups:
        seller_shape = _seller_shape(group)
        for member in group.members[:_MOST]:
            if card := _read_card(member, seller_shape, language):
                cards.append(card)
    return tuple(cards[:_MOST])


def _links(element: Element) -> list[Element]:
    return [i for i in element.iter() if i.tag == "a" and i.attrs.get("href", "#")[:1] not in ("#", "")]


def _shape(href: str) -> str:
    """An address without what differs from one to the next: "/v/nk88" and "/v/abc" have one shape."""
    path = href.split("://", 1)[-1]
    path, _, query = path.partition("?")
    names = "&".join(part.partition("=")[0] for part in query.split("&")) if query else ""
    steps = path.strip("./").split("/")
    return "/".join(steps[:-1] if not query else steps) + f"?{names}"


def _seller_shape(group: CardGroup) -> str:
    """The shape of the links that follow a "by" or stand in an element named for the seller."""
    for member in group.members[:10]:
        for link in _links(member):
            if _names_seller(link, member):
                return _shape(link.attrs["href"])
    # else the shape of links that lead to somebody, when most cards have one
    shapes = Counter(
        _shape(link.attrs["href"])
        for member in group.members[:20]
        for link in _links(member)
        if _SELLER_PATH.search(link.attrs["href"]) and len(link.short or "") > 1
    )
    best = shapes.most_common(1)
    return best[0][0] if best and best[0][1] >= 0.8 * len(group.members[:20]) else ""


def _names_seller(link: Element, member: Element) -> bool:
    if link.words & _SELLER_WORDS:
        return True
    for outer in link.up():
        if outer is member:
            break
        if outer.words & _SELLER_WORDS:
            return True
    parent = link.parent
    if parent is None:
        return False
    before = ""
    for child in parent.children:
        if child is link:
            break
        text = child if isinstance(child, str) else child.short or ""
        before = text if text.strip() else before
    if _BEFORE_SELLER.search(clean_line(before)):
        return True
    label = find_label(before)
    return label is not None and label.field == "seller"


def _read_card(member: Element, seller_shape: str, language: str) -> Card | None:
    links = _links(member)
    seller = ""
    title = address = ""
    best = 0
    for link in links:
        text = link.short if link.short is not None else clean_line(text_of(link, limit=400))
        href = link.attrs["href"]
        if seller_shape and _shape(href) == seller_shape and (not seller) and text:
            seller = f.read_name(text)
            continue
        if not text or _ACTIONS.match(text) or (seller_shape and _shape(href) == seller_shape):
            continue
        heading = any(
            o.tag in ("h1", "h2", "h3", "h4", "h5") or o.words & _TITLE_WORDS
            for o in (link, *_between(link, member))
        )
        weight = len(text) + (200 if heading else 0) - (150 if MONEY.fullmatch(text) else 0)
        if weight > best:
            best, title, address = weight, text, href
    if member.tag == "a" and not title:
        head = next(
            (
                i
                for i in member.iter()
                if i.short and (i.tag in ("h2", "h3", "h4", "h5", "b", "strong") or i.words & _TITLE_WORDS)
            ),
            None,
        )
        title, address = (head.short or "") if head is not None else "", member.attrs.get("href", "")
    if not title:
        address = next((link.attrs["href"] for link in links), "")
        head = next(
            (
                i
                for i in member.iter()
                if i.short and (i.tag in ("h2", "h3", "h4", "h5") or i.words & _TITLE_WORDS)
            ),
            None,
        )
        title = (head.short or "") if head is not None else ""
    if not title or not address:
        return None
    text = text_of(member, limit=4000)
    price = _read_card_price(member, title, language)
    return Card(
        title, address, seller, price.amount if price else None, price.currency if price else "", text[:600]
    )


def _between(link: Element, member: Element) -> list[Element]:
    found = []
    for outer in link.up():
        if outer is member:
            break
        found.append(outer)
    return found[:4]


def _read_card_price(member: Element, title: str, language: str) -> f.Money | None:
    """The first price that is no part of the title."""
    for element in member.iter():
        text = element.short
        if not text or len(text) > 80 or not any(map(str.isdigit, text)) or text in title:
            continue
        if title in text and title != text:
            text = text.replace(title, " ")  # a price in the title is the seller's talk
        if MONEY.search(text) and (prices := f.read_prices(text, language=language)):
            return prices[0]
    return None
