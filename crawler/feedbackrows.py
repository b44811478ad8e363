"""One rating out of one row: which of its pieces of text is the buyer's, the product, the price and the day.

Public names: Row, RowReader.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from crawler import fields as f
from crawler.buyers import find_mask, mask_buyer
from crawler.cleaning import clean_line
from crawler.columns import Role, role_of_word
from crawler.html import BLOCKS, Element
from crawler.labels import fold_label
from crawler.ratings import Mark, mark_of_text, read_mark
from crawler.ratingwords import ACTIONS, BUYER
from crawler.regions import MONEY

_AGE = re.compile(r"(?:\d{1,4}\s?(?:s|m|min|h|hr|d|w)\b\.?\s?){1,3}", re.IGNORECASE)
_AGE_PART = re.compile(r"(\d{1,4})\s?([smhdw])", re.IGNORECASE)
_AGE_LONG = re.compile(r"\d{1,3}\s?(?:mo|mth|y|yr)s?\.?", re.IGNORECASE)
_STEPS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_OWN = frozenset(
    (
        "a",
        "small",
        "time",
        "font",
        "span",
        "em",
        "strong",
        "b",
        "i",
        "label",
        "abbr",
        "cite",
        "q",
        "u",
        "code",
    )
)
_BUYER_WORDS = frozenset(
    (
        "buyer",
        "user",
        "username",
        "author",
        "customer",
        "client",
        "reviewer",
        "name",
        "kaeufer",
        "comprador",
        "acheteur",
        "by",
        "from",
    )
)
_PRODUCT_WORDS = frozenset(
    (
        "product",
        "item",
        "listing",
        "title",
        "offer",
        "article",
        "producto",
        "produkt",
        "artikel",
        "goods",
        "order",
    )
)
_TEXT_WORDS = frozenset(
    (
        "text",
        "message",
        "msg",
        "comment",
        "review",
        "feedback",
        "body",
        "content",
        "kommentar",
        "comentario",
        "description",
    )
)
_DATE_WORDS = frozenset(("date", "time", "when", "ago", "posted", "datum", "fecha", "age"))
_PRICE_WORDS = frozenset(("price", "amount", "preis", "precio", "prix", "cost", "total", "value"))
_TAIL_PRICE = re.compile(
    r"^(?P<head>.{3,200}?)\s*(?:[-–—|·:,@]|\bfor\b|\bà\b|\bfür\b|\bpor\b|\()\s*(?P<price>[^-–—|·]{2,40}?)\)?$",
    re.DOTALL,
)
_ANSWER = re.compile(
    r"\n\s*(?:(?:seller|vendor)(?:'s)? (?:response|reply|answer|comment)|(?:response|reply|answer) (?:from|by|of) (?:the )?(?:seller|vendor)|antwort des (?:verkäufers|händlers)"
    r"|respuesta del vendedor|réponse du vendeur|resposta do vendedor|risposta del venditore|reactie van de verkoper|ответ продавца|卖家回复|phản hồi của người bán"
    r"|odpowiedź sprzedawcy|satıcının yanıtı)\s*[:：]?",
    re.IGNORECASE,
)
"""What the seller says to a rating is no part of it."""
_BY = re.compile(r"^(?:by|from|von|por|par|de|da|door|от|przez|bởi)\s+(\S{1,40})$", re.IGNORECASE)
_NUMBERS_ONLY = re.compile(r"[\d\s.,:;%/()+\-–#|]*")
_HEADS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_LONGEST = 5_000
_MOST_PIECES = 60
_MANY = 1_000_000
"""More than a page has elements: what follows a line break is a block of its own."""


@dataclass(frozen=True)
class Row:
    """What one row says; `masked`: the site shows a masked buyer. `counts`: it sums up ratings and is none."""

    sign: str = ""
    stars: Decimal | None = None
    text: str = ""
    product: str = ""
    buyer: str = ""
    masked: bool = False
    price: Decimal | None = None
    currency: str = ""
    price_text: str = ""
    at: datetime | None = None
    date_text: str = ""
    counts: bool = False

    @property
    def has_mark(self) -> bool:
        return bool(self.sign) or self.stars is not None

    @property
    def is_rating(self) -> bool:
        """A mark or a masked buyer, and something beside it that only a single rating has."""
        if self.counts:
            return False
        if not self.has_mark and not self.masked:
            return False
        beside = bool(self.text or self.product) + bool(self.date_text) + bool(self.buyer) * 1
        return beside >= 1 + (not self.has_mark)


@dataclass
class _Piece:
    text: str
    element: Element
    block: int
    column: int
    linked: bool
    role: str = ""


class RowReader:
    """Reads rows of one page; the page's language and custom settle dates and prices."""

    def __init__(self, *, captured_at: datetime, language: str, day_first: bool | None) -> None:
        self.captured_at = captured_at
        self.language = language
        self.day_first = day_first
        self._dates: dict[str, datetime | None] = {}

    def read(self, row: Element, roles: Sequence[frozenset[Role]] = ()) -> Row:
        """What a row says. `roles`: those of its columns."""
        mark = read_mark(row.iter())
        if not _is_single(row):
            return Row()
        pieces = _pieces_of(row, mark)
        self._give_roles(pieces, roles)
        buyer, masked = _buyer_of(pieces)
        date_text, at = self._date_of(pieces)
        price_text, price = self._price_of(pieces)
        silent = any(
            e.words & _TEXT_WORDS and not e.size and e.tag in ("p", "div", "td", "span") for e in row.iter()
        )
        product, text = _texts_of(pieces, silent=silent)
        if product and price is None and (split := self._split_price(product)) is not None:
            product, price_text, price = split
        return Row(
            mark.sign, mark.stars, text[:_LONGEST], product[:300], buyer, masked, price.amount if price else None,
            price.currency if price else "", price_text, at, date_text, _counts(row),
        )  # fmt: skip

    def _give_roles(self, pieces: list[_Piece], roles: Sequence[frozenset[Role]]) -> None:
        expected = ""
        for piece in pieces:
            text = piece.text
            column = roles[piece.column] if 0 <= piece.column < len(roles) else frozenset()
            words = piece.element.words | (
                piece.element.parent.words if piece.element.parent is not None else frozenset()
            )
            own = expected
            expected = ""
            if (
                (label := role_of_word(text)) is not None
                and len(text) <= 30
                and text.rstrip().endswith((":", "："))
            ):
                piece.role, expected = "label", label
            elif fold_label(text) in BUYER and len(text) <= 12:
                piece.role, expected = "label", "buyer"
            elif own and own != "text":
                piece.role = own
            elif find_mask(text) is not None:
                piece.role = "buyer"
            elif mark_of_text(text) is not None:
                piece.role = "mark"
            elif (ACTIONS.match(text) and (piece.linked or len(text) > 3)) or (
                _NUMBERS_ONLY.fullmatch(text) and not self._is_date(text, words, column)
            ):
                piece.role = "none"
            elif self._is_date(text, words, column):
                piece.role = "date"
            elif f.is_only_price(text.lstrip("~≈ ")) or (
                len(text) <= 40 and ("price" in column or words & _PRICE_WORDS) and MONEY.search(text)
            ):
                piece.role = "price"
            elif (match := _BY.match(text)) is not None and not column & {"text", "product"}:
                piece.role, piece.text = "buyer", match[1]
            elif len(column) == 1 and (only := next(iter(column))) not in ("mark", "date", "price", "text"):
                piece.role = only
            elif len(text) <= 40 and _is_somebody(piece, column):
                piece.role = "buyer"
            elif words & _TEXT_WORDS and not piece.element.words & _PRODUCT_WORDS:
                piece.role = "text"
            elif (
                piece.element.words & _PRODUCT_WORDS or piece.linked or piece.element.tag in ("small", "cite")
            ):
                piece.role = "product"

    def _is_date(self, text: str, words: frozenset[str], column: frozenset[Role]) -> bool:
        if len(text) > 45:
            return False
        if _AGE.fullmatch(text) or _AGE_LONG.fullmatch(text):
            return True
        if "date" in column and any(map(str.isdigit, text)):
            return True
        if words & _DATE_WORDS and any(map(str.isdigit, text)):
            return True
        return self._read_date(text) is not None

    def _read_date(self, text: str) -> datetime | None:
        if text not in self._dates:
            self._dates[text] = self._find_date(text)
        return self._dates[text]

    def _find_date(self, text: str) -> datetime | None:
        if _AGE.fullmatch(text) is not None:
            parts = _AGE_PART.findall(text)
            return self.captured_at - sum(
                (int(count) * _STEPS[unit.lower()] for count, unit in parts), timedelta()
            )
        return f.read_date(
            text, captured_at=self.captured_at, language=self.language, day_first=self.day_first
        )

    def _date_of(self, pieces: list[_Piece]) -> tuple[str, datetime | None]:
        for piece in pieces:
            if piece.role == "date":
                stamp = piece.element.attrs.get("datetime", "")
                return piece.text, (self._read_date(stamp) if stamp else None) or self._read_date(piece.text)
        return "", None

    def _price_of(self, pieces: list[_Piece]) -> tuple[str, f.Money | None]:
        for piece in pieces:
            if piece.role == "price":
                prices = f.read_prices(piece.text.lstrip("~≈ "), language=self.language)
                return piece.text, prices[0] if prices else None
        return "", None

    def _split_price(self, product: str) -> tuple[str, str, f.Money] | None:
        """("Old bangle", "USD 410", its price) out of "Old bangle - USD 410"."""
        match = _TAIL_PRICE.match(product)
        if match is None or not f.is_only_price(match["price"].strip()):
            return None
        prices = f.read_prices(match["price"].strip(), language=self.language)
        return (match["head"].strip(), match["price"].strip(), prices[0]) if prices else None


def _counts(row: Element) -> bool:
    """A row of figures ("Older | 0 | 2 | 13"), or a head that names several marks ("1 star | 2 stars")."""
    if row.size > 400:
        return False
    texts = [element.short for element in row.iter() if element.short and not element.elements()]
    figures = sum(text[0].isdigit() and re.fullmatch(r"[\d.,]{1,9}\s?%?", text) is not None for text in texts)
    marks = {text for text in texts if mark_of_text(text) is not None and not re.fullmatch(r"\d", text)}
    return figures >= 3 or len(marks) >= 4 or (figures >= 2 and figures >= len(texts) - 1)


def _is_single(row: Element) -> bool:
    """One rating, or a table, a list or a whole part of the page?"""
    inner = row.iter()
    rows = sum(i.tag in ("tr", "li", "article") for i in inner)
    return (
        rows <= 3
        and sum(i.tag in _HEADS for i in inner) <= 1
        and (row.tag == "tr" or not any(i.tag == "th" for i in inner))
    )


def _buyer_of(pieces: list[_Piece]) -> tuple[str, bool]:
    named = [piece.text for piece in pieces if piece.role == "buyer"]
    for text in named:
        if (mask := find_mask(text)) is not None:
            return mask_buyer(mask), True
    name = f.read_name(named[0]) if named else ""
    return (mask_buyer(name), False) if name else ("", False)


def _texts_of(pieces: list[_Piece], *, silent: bool) -> tuple[str, str]:
    """(product, text): by their roles; a piece without a role beside a named one is the other of the two. `silent`: the
    element for the text is there and empty."""
    products = [piece for piece in pieces if piece.role == "product"]
    texts = [piece for piece in pieces if piece.role == "text"]
    others = [piece for piece in pieces if not piece.role]
    if others and (texts or silent) and not products and len({piece.block for piece in others}) == 1:
        products, others = others, []
    elif others:
        texts, others = sorted([*texts, *others], key=pieces.index), []
    return _join(products[:1]), _join(texts)


def _join(pieces: Sequence[_Piece]) -> str:
    text = ""
    block = -1
    for piece in pieces:
        text += piece.text if not text else (" " if piece.block == block else "\n") + piece.text
        block = piece.block
    return _ANSWER.split(text)[0].strip(" \n|·•")


def _is_somebody(piece: _Piece, column: frozenset[Role]) -> bool:
    """A name by its element's class, or a link to a member."""
    if piece.element.words & _BUYER_WORDS and len(piece.text.split()) <= 3 and "product" not in column:
        return True
    href = piece.element.attrs.get("href", "").lower() if piece.linked else ""
    return re.search(r"(?:^|[/?&])(?:u|user|users|buyer|member|profile|customer)(?:[/=])", href) is not None


def _pieces_of(row: Element, mark: Mark) -> list[_Piece]:
    """The row's texts in order, each the longest run that no tag with a meaning of its own breaks."""
    pieces: list[_Piece] = []
    column = -1
    stack: list[tuple[Element | str, Element, Element, int]] = [
        (child, row, row, column) for child in reversed(row.children)
    ]
    columns = {
        cell.number: index for index, cell in enumerate(c for c in row.elements() if c.tag in ("td", "th"))
    }
    joined = False
    breaks = 0
    while stack and len(pieces) < _MOST_PIECES:
        item, owner, block, column = stack.pop()
        if isinstance(item, str):
            text = clean_line(item)
            if not text:
                continue
            last = pieces[-1] if pieces else None
            if joined and last is not None and last.element is owner:
                gap = " " if item[:1].isspace() else ""
                last.text += gap + text
            else:
                linked = any(o.tag == "a" for o in [owner, *owner.up()][:4] if o.number >= row.number)
                pieces.append(_Piece(text, owner, block.number + breaks * _MANY, column, linked))
            joined = True
            continue
        if item.number in mark.spent:
            continue
        column = columns.get(item.number, column)
        if item.tag in BLOCKS or item.tag == "br":
            joined = False
            stack.extend((child, item, item, column) for child in reversed(item.children))
            breaks += item.tag == "br"
            if item.tag == "br":
                continue
        elif (
            item.tag in _OWN
            and (item.attrs or item.tag in ("a", "small", "time", "strong", "b", "i", "em", "label", "cite"))
            and item.size
        ):
            joined = False
            stack.extend((child, item, block, column) for child in reversed(item.children))
        else:
            stack.extend((child, owner, block, column) for child in reversed(item.children))
    return pieces
