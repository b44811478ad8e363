"""One rating out of one row: which of its pieces of text is the buyer's, the product, the price and the day.

Public names: Row, RowReader.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from crawler import fields as f
from crawler.buyers import find_mask, mask_buyer
from crawler.columns import Role, role_of_word
from crawler.feedbackpieces import Piece, pieces_of
from crawler.html import Element
from crawler.labels import fold_label
from crawler.ratings import mark_of_text, read_mark
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
_SMALL_WORDS = frozenset(
    ("faint", "muted", "dim", "grey", "gray", "variant", "subtle", "secondary", "details")
)
_DATE_WORDS = frozenset(("date", "time", "when", "ago", "posted", "datum", "fecha", "age"))
_PRICE_WORDS = frozenset(("price", "amount", "preis", "precio", "prix", "cost", "total", "value"))
_TAIL_PRICE = re.compile(
    r"^(?P<head>.{3,200}?)\s*(?:[-–—|·:,@]|\bfor\b|\bà\b|\bfür\b|\bpor\b|\()\s*(?P<price>[^-–—|·]{2,40}?)\)?$",
    re.DOTALL,
)
_SOLD_LINE = re.compile(r"^.{3,200}\S\s*\s[-–—|·]\s+[^-–—|·]{2,40}$", re.DOTALL)
_ANSWER = re.compile(
    r"\n\s*(?:(?:seller|vendor)(?:'s)? (?:response|reply|answer|comment)|(?:response|reply|answer) (?:from|by|of) (?:the )?(?:seller|vendor)|antwort des (?:verkäufers|händlers)"
    r"|respuesta del vendedor|réponse du vendeur|resposta do vendedor|risposta del venditore|reactie van de verkoper|ответ продавца|卖家回复|phản hồi của người bán"
    r"|odpowiedź sprzedawcy|satıcının yanıtı)\s*[:：]?",
    re.IGNORECASE,
)
"""What the seller says to a rating is no part of it."""
_BY = re.compile(r"^(?:by|from|von|por|par|de|da|door|от|przez|bởi)\s+(\S{1,40})$", re.IGNORECASE)
_DAY = re.compile(
    r"\d{1,2}([./-])\d{1,2}\1(?:19|20)\d\d|(?:19|20)\d\d([./-])\d{1,2}\2\d{1,2}(?:[T,]?\s*\d{1,2}:\d\d(?::\d\d)?)?"
)
"""A day in figures: one, even where its order or the clock does not let it be read."""
_NUMBERS_ONLY = re.compile(r"[\d\s.,:;%/()+\-–#|]*")
_HEADS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_FIGURE = re.compile(r"[\d.,]{1,9}\s?%?")
_DIGIT = re.compile(r"\d")
_AROUND = " \t,;:·|•–—-()[]"
_LONGEST = 5_000
_LONGEST_DAY_WORD = 24


@dataclass(frozen=True)
class Row:
    """What one row says; `masked`: the site shows a masked buyer. An empty one is no rating."""

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

    @property
    def has_mark(self) -> bool:
        return bool(self.sign) or self.stars is not None

    @property
    def is_rating(self) -> bool:
        """A mark or a masked buyer, and something beside it that only a single rating has."""
        if not self.has_mark and not self.masked:
            return False
        beside = bool(self.text or self.product) + bool(self.date_text) + bool(self.buyer) * 1
        return beside >= 1 + (not self.has_mark)


class RowReader:
    """Reads rows of one page; the page's language and custom settle dates and prices."""

    def __init__(self, *, captured_at: datetime, language: str, day_first: bool | None) -> None:
        self.captured_at = captured_at
        self.language = language
        self.day_first = day_first
        self._dates: dict[str, datetime | None] = {}

    def read(self, row: Element, roles: Sequence[frozenset[Role]] = ()) -> Row:
        """What a row says. `roles`: those of its columns."""
        if not _is_single(row) or _counts(row):
            return Row()
        mark = read_mark(row.iter())
        pieces = pieces_of(row, mark, self._is_apart)
        self._give_roles(pieces, roles)
        _find_signer(pieces)
        buyer, masked = _buyer_of(pieces)
        if not masked and not mark.sign and mark.stars is None:
            return Row()
        date_text, at = self._date_of(pieces)
        price_text, price = self._price_of(pieces)
        silent = any(
            not e.size and e.words & _TEXT_WORDS and e.tag in ("p", "div", "td", "span") for e in row.iter()
        )
        if not any(piece.role == "product" for piece in pieces):
            self._find_sold(pieces)
        product, text = _texts_of(pieces, silent=silent)
        if product and price is None and (split := self._split_price(product)) is not None:
            product, price_text, price = split
        return Row(
            mark.sign, mark.stars, text[:_LONGEST], product[:300], buyer, masked, price.amount if price else None,
            price.currency if price else "", price_text, at, date_text,
        )  # fmt: skip

    def _give_roles(self, pieces: list[Piece], roles: Sequence[frozenset[Role]]) -> None:
        expected = ""
        for piece in pieces:
            text = piece.text
            if len(text) <= 45 and (bare := text.strip(_AROUND)) and bare[0].isdigit():
                text = piece.text = bare if self._is_date(bare, frozenset(), frozenset()) else text
            column = roles[piece.column] if 0 <= piece.column < len(roles) else frozenset()
            words = piece.element.words | (
                piece.element.parent.words if piece.element.parent is not None else frozenset()
            )
            own = expected
            expected = ""
            if piece.element.tag == "dt" and len(text) <= 30:
                piece.role, expected = (
                    "label",
                    role_of_word(text) or "",
                )  # the term says it is one, known or not
            elif (
                len(text) <= 30
                and text.rstrip().endswith((":", "："))
                and (label := role_of_word(text)) is not None
            ):
                piece.role, expected = "label", label
            elif len(text) <= 12 and fold_label(text) in BUYER:
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
            elif f.is_only_price(text.lstrip("~≈·|•–— ")) or (
                len(text) <= 40 and ("price" in column or words & _PRICE_WORDS) and MONEY.search(text)
            ):
                piece.role = "price"
            elif (match := _BY.match(text)) is not None and not column & {"text", "product"}:
                piece.role, piece.text = "buyer", match[1]
            elif len(column) == 1 and (only := next(iter(column))) not in ("mark", "date", "price", "text"):
                piece.role = only
            elif "product" in column and not column & {"text", "buyer"}:
                piece.role = "product"  # under "Product / Price", what is no price
            elif len(text) <= 40 and _is_somebody(piece, column):
                piece.role = "buyer"
            elif piece.element.words & _SMALL_WORDS and any(
                other.block != piece.block
                and not other.element.words & _SMALL_WORDS
                and other.role in ("", "text")
                for other in pieces[: pieces.index(piece)]
            ):
                piece.role = "product"  # what was bought, in small print under what the buyer says
            elif words & _TEXT_WORDS and not piece.element.words & _PRODUCT_WORDS:
                piece.role = "text"
            elif (
                piece.element.words & _PRODUCT_WORDS or piece.linked or piece.element.tag in ("small", "cite")
            ):
                piece.role = "product"

    def _is_apart(self, text: str) -> bool:
        """Is a short text a day, a masked buyer, a mark or a price, and nothing else?"""
        text = text.strip()
        if not text or len(text) > 45:
            return False
        if find_mask(text) is not None or (len(text) > 1 and mark_of_text(text) is not None):
            return True
        return f.is_only_price(text) or self._is_date(text, frozenset(), frozenset())

    def _is_date(self, text: str, words: frozenset[str], column: frozenset[Role]) -> bool:
        if len(text) > 45:
            return False
        if _AGE.fullmatch(text) or _AGE_LONG.fullmatch(text) or _DAY.fullmatch(text):
            return True
        if "date" in column and any(map(str.isdigit, text)):
            return True
        if words & _DATE_WORDS and any(map(str.isdigit, text)):
            return True
        if not any(map(str.isdigit, text)) and (len(text) > _LONGEST_DAY_WORD or text.count(" ") > 3):
            return False  # "yesterday", "vor einer Woche", but no sentence
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

    def _date_of(self, pieces: list[Piece]) -> tuple[str, datetime | None]:
        for piece in pieces:
            if piece.role == "date":
                stamp = piece.element.attrs.get("datetime", "")
                return piece.text, (self._read_date(stamp) if stamp else None) or self._read_date(piece.text)
        return "", None

    def _price_of(self, pieces: list[Piece]) -> tuple[str, f.Money | None]:
        for piece in pieces:
            if piece.role == "price":
                prices = f.read_prices(piece.text.lstrip("~≈·|•-–— "), language=self.language)
                return piece.text.strip("·|•–— "), prices[0] if prices else None
        return "", None

    def _find_sold(self, pieces: list[Piece]) -> None:
        """A line "Old bangle — USD 410" over or under what the buyer says names what was sold."""
        said = [piece for piece in pieces if piece.role in ("", "text")]
        lines = [one for one in (said[0], said[-1]) if _SOLD_LINE.match(one.text)] if len(said) > 1 else []
        for piece in reversed(lines):
            alone = not any(other is not piece and other.block == piece.block for other in said)
            if alone and self._split_price(piece.text) is not None:
                piece.role = "product"
                return

    def _split_price(self, product: str) -> tuple[str, str, f.Money] | None:
        """("Old bangle", "USD 410", its price) out of "Old bangle - USD 410"."""
        match = _TAIL_PRICE.match(product)
        if match is None or not f.is_only_price(match["price"].strip()):
            return None
        prices = f.read_prices(match["price"].strip(), language=self.language)
        return (match["head"].strip(), match["price"].strip(), prices[0]) if prices else None


def _find_signer(pieces: list[Piece]) -> None:
    """A marked name right before the day is the buyer's, whom the site does not mask: "<b>nk 88</b>, 02.11.2026: fine"."""
    if any(piece.role == "buyer" for piece in pieces):
        return
    for piece, after in pairwise(pieces):
        if after.role != "date" or after.block != piece.block or piece.role not in ("", "product", "text"):
            continue
        if (
            piece.element.tag not in ("b", "strong", "a", "em", "i")
            or len(piece.text) > 30
            or piece.text.count(" ") > 2
        ):
            continue
        if any(other is not piece and other.role in ("", "text") for other in pieces):
            piece.role = "buyer"
            return


def _counts(row: Element) -> bool:
    """A row of figures ("Older | 0 | 2 | 13"), or a head that names several marks ("1 star | 2 stars")."""
    if row.size > 400:
        return False
    texts = [element.short for element in row.iter() if element.short and not element.elements()]
    if len(texts) < 2:
        return False
    figures = sum(text[0].isdigit() and _FIGURE.fullmatch(text) is not None for text in texts)
    marks = {text for text in texts if mark_of_text(text) is not None and not _DIGIT.fullmatch(text)}
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


def _buyer_of(pieces: list[Piece]) -> tuple[str, bool]:
    named = [piece.text for piece in pieces if piece.role == "buyer"]
    for text in named:
        if (mask := find_mask(text)) is not None:
            return mask_buyer(mask), True
    name = f.read_name(named[0]) if named else ""
    return (mask_buyer(name), False) if name else ("", False)


def _texts_of(pieces: list[Piece], *, silent: bool) -> tuple[str, str]:
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


def _join(pieces: Sequence[Piece]) -> str:
    text = ""
    block = -1
    for piece in pieces:
        text += piece.text if not text else (" " if piece.block == block else "\n") + piece.text
        block = piece.block
    return _ANSWER.split(text)[0].strip(" \n|·•")


def _is_somebody(piece: Piece, column: frozenset[Role]) -> bool:
    """A name by its element's class, or a link to a member."""
    if piece.element.words & _BUYER_WORDS and len(piece.text.split()) <= 3 and "product" not in column:
        return True
    href = piece.element.attrs.get("href", "").lower() if piece.linked else ""
    return re.search(r"(?:^|[/?&])(?:u|user|users|buyer|member|profile|customer)(?:[/=])", href) is not None
