"""Cards: the results of a search or category page, each a listing seen from outside.

Public names: read_cards, find_few.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from decimal import Decimal

from crawler import fields as f
from crawler.cardcells import find_columns, find_seller_spot, find_somebody, read_cells, read_spot
from crawler.cleaning import clean_line
from crawler.html import Element, text_of
from crawler.labels import find_label
from crawler.money import read_price
from crawler.regions import MONEY, CardGroup, Page
from crawler.somebody import SELLER_PATH, leads_to_somebody
from crawler.values import Card

_ITEM_WORDS = frozenset(
    [
        "item",
        "listing",
        "product",
        "card",
        "offer",
        "ad",
        "lot",
        "result",
        "artikel",
        "produkt",
        "angebot",
        "producto",
        "anuncio",
        "produit",
        "annonce",
    ]
)
_COIN_SIGN = re.compile(r"[฿₿]\s?\d*[.,]\d{4,}|\d[.,]\d{4,}\s?[฿₿]")
_SOLD = re.compile(
    r"(\d[\d.,]*)\s+(?:sold|sales|orders|verkauft|verkäufe|vendidos?|ventas|vendus?|ventes|vendas|venduti|vendite|verkocht|продано|продаж|已售|đã bán"
    r"|sprzedan\w+|satıldı|satış)\b|(?:已售|销量|成交|đã bán)\s*(\d+)",
    re.IGNORECASE,
)
_PARTS = re.compile(r"\s*(?:\||·|•|\s/\s|/$|\n|;)\s*")
_TITLE_WORDS = frozenset(("title", "titel", "titulo", "titre", "titolo", "name", "heading"))
_SELLER_WORDS = frozenset(("seller", "vendor", "merchant", "author", "verkaeufer", "vendedor"))
_ACTIONS = re.compile(
    r"^(?:order|buy|buy now|add to cart|details|view|more|more info|kaufen|in den warenkorb|ver|comprar|voir|acheter"
    r"|купить|подробнее|购买|查看|mua|xem|kup|zobacz|satın al)\W*$",
    re.IGNORECASE,
)
BEFORE_SELLER = re.compile(
    r"(?:^|\W)(?:by|seller|vendor|sold by|von|verkäufer|anbieter|por|vendedor|vendeur|par|da|venditore|door|verkoper|от|chez|bei|presso|hos|od|de la|tarafından|ขายโดย|oleh|販売者|판매자"
    r"|продавец|卖家|bởi|người bán|sprzedawca|satıcı)\s*:?\s*$",
    re.IGNORECASE,
)
_MOST = 500


def read_cards(
    page: Page, *, language: str = "", without: Collection[int] = (), few: bool = False
) -> tuple[Card, ...]:
    """All cards of the page with a title and an address, in order.

    `without`: numbers of elements that are ratings, not cards. `few`: on a page of one seller two or one are enough.
    """
    cards: list[Card] = []
    coin = _shows_coin_sign(page)
    groups = [group for group in page.groups if not any(member.number in without for member in group.members)]
    if few and not groups:
        groups = find_few(page, without)
    somebody = find_somebody(page) if groups else frozenset()
    for group in groups:
        seller_shape = _seller_shape(group)
        columns = find_columns(group)
        spot = "" if seller_shape else find_seller_spot(group, somebody)
        for member in group.members[:_MOST]:
            if card := _read_card(member, seller_shape, language, coin=coin, columns=columns, spot=spot):
                cards.append(card)
    return tuple(cards[:_MOST])


def _shows_coin_sign(page: Page) -> bool:
    """Is the baht's sign Bitcoin's on this page? Only a coin has more than three decimals."""
    for element in page.tree.elements:
        text = element.short
        if text and not text.isascii() and ("฿" in text or "₿" in text) and _COIN_SIGN.search(text):
            return True
    return False


def find_few(page: Page, without: Collection[int]) -> list[CardGroup]:
    """One or two elements named for goods, with a price and links to one listing; the outermost such."""
    found: list[Element] = []
    for element in page.tree.elements:
        if element.number in page.frame or element.number in without or not 8 <= element.size <= 1500:
            continue
        if not element.words & _ITEM_WORDS or element.tag in (
            "a",
            "span",
            "p",
            "b",
            "table",
            "ul",
            "body",
            "html",
            "main",
        ):
            continue
        if found and element.inside(found[-1]):
            continue
        targets = {
            link.attrs["href"] for link in _links(element) if not SELLER_PATH.search(link.attrs["href"])
        }
        if len(targets) == 1 and any(i.short and MONEY.search(i.short) for i in element.iter()):
            found.append(element)
    return [CardGroup(found[0].parent or found[0], tuple(found))] if 1 <= len(found) <= 2 else []


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
        if leads_to_somebody(link.attrs["href"]) and len(link.short or "") > 1
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
    if BEFORE_SELLER.search(clean_line(before)):
        return True
    label = find_label(before)
    return label is not None and label.field == "seller"


def _read_card(
    member: Element, seller_shape: str, language: str, *, coin: bool, columns: Mapping[int, str], spot: str
) -> Card | None:
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
    cells = read_cells(member, columns)
    price = _read_card_price(member, title, language, coin=coin)
    sold, quantity = _read_counts(member, title, language)
    if sold is None and re.fullmatch(r"\d[\d.,' ]*", cells.get("sold", "")):
        sold = f.read_number(cells["sold"], language=language or "en")
    if not quantity and re.fullmatch(r"\d[\d.,' ]*\+?|[^\W\d_]{3,20}", cells.get("stock", "")):
        quantity = cells["stock"]
    seller = seller or f.read_name(cells.get("seller", "")) or (read_spot(member, spot) if spot else "")
    return Card(
        title,
        address,
        seller,
        price.amount if price else None,
        price.currency if price else "",
        text[:600],
        sold,
        quantity,
    )


def _between(link: Element, member: Element) -> list[Element]:
    found = []
    for outer in link.up():
        if outer is member:
            break
        found.append(outer)
    return found[:4]


def _read_counts(member: Element, title: str, language: str) -> tuple[Decimal | None, str]:
    """(sold, quantity left) by the card's labels."""
    sold: Decimal | None = None
    quantity = ""
    for element in member.iter():
        children = element.children
        for index, child in enumerate(children[:40]):
            text = clean_line(child) if isinstance(child, str) else child.short or ""
            if not 2 <= len(text) <= 120 or text == title:
                continue
            after = _next_text(children[index + 1 : index + 3]) if index + 1 < len(children) else ""
            for part in _PARTS.split(text):
                name, colon, value = part.partition(":") if ":" in part else part.partition("：")
                label = find_label(name.strip())
                if label is None or label.field not in ("sold", "stock"):
                    if sold is None and isinstance(child, str) and (match := _SOLD.search(part)):
                        sold = f.read_number(match[1] or match[2], language=language or "en")
                    continue
                value = value.strip() or (after if colon or not isinstance(child, str) else "")
                if label.field == "stock" and not quantity and value and len(value) <= 40:
                    quantity = value
                elif label.field == "sold" and sold is None and (match := re.match(r"\d[\d.,']*", value)):
                    sold = f.read_number(match[0].rstrip(".,"), language=language or "en")
    return sold, quantity


def _next_text(nodes: list[Element | str]) -> str:
    for node in nodes:
        text = clean_line(node) if isinstance(node, str) else node.short or ""
        if text.strip(" :"):
            return _PARTS.split(text.strip(" :"))[0].strip(" /|")
    return ""


def _read_card_price(member: Element, title: str, language: str, *, coin: bool = False) -> f.Money | None:
    """The first price that is no part of the title."""
    for element in member.iter():
        text = element.short
        if not text or len(text) > 80 or not any(map(str.isdigit, text)) or text in title:
            continue
        if title in text and title != text:
            text = text.replace(title, " ")  # a price in the title is the seller's talk
        if coin:
            text = text.replace("฿", "BTC ")
        if MONEY.search(text) and (prices := f.read_prices(text, language=language)):
            return prices[0]
        price = read_price(text, language=language) if MONEY.search(text) else None
        if price is not None and price.kind == "from" and price.amount is not None and price.currency:
            return f.Money(
                price.amount, price.currency, price.raw
            )  # "from $480": the least it costs stands for all
    return None
