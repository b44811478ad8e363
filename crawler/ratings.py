"""Stars and signs out of the many ways to draw them: icons, letters, classes, widths, "4/5", words.

Public names: Mark, read_mark, read_stars, is_icon, is_rating_label, mark_of_text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from crawler.html import Element
from crawler.labels import find_label
from crawler.ratingwords import read_sign_word

_FULL_STARS = "★⭐🌟✭✮✯"
_EMPTY_STARS = "☆✩✰"
_MAY_BE = re.compile(rf"[\d{_FULL_STARS}{_EMPTY_STARS}]")
_LABELLED = re.compile(r"(?P<head>[^:：\d]{2,24})\s*[:：]\s*(?P<n>[1-5](?:[.,]\d{1,2})?)(?:\s*/\s*5)?")
_FIGURES = re.compile(r"[(\[]?(?:\d{1,2}(?:[.,]\d{1,2})?(?:/(?:5|10))?%?)?[)\]]?")
"""What may stand beside drawn stars: "4.5", "(5/5)"; a day may not."""
_OUT_OF = re.compile(
    r"[(\[]?\s*(?P<n>10|\d(?:[.,]\d{1,2})?)\s*(?:/|out of|of|von|de|sur|su|van|из|/\s*|trên|z|üzerinden)\s*(?P<of>5|10)(?:[.,]0+)?\s*"
    r"(?:stars?|sterne?n?|estrellas?|étoiles?|stelle|sterren|звёзд\w*|звезд\w*|星|sao|gwiazd\w*|yıldız)?\s*[)\]]?",
    re.IGNORECASE,
)
_COUNTED = re.compile(
    r"(?P<n>[0-5](?:[.,]\d{1,2})?)\s*(?:stars?|sterne?|stern|estrellas?|étoiles?|estrelas?|stelle|stella|sterren|ster|звёзд\w*|звезд\w*|颗?星|sao|gwiazd\w*|yıldız)",
    re.IGNORECASE,
)
_CLASSED = re.compile(
    r"(?:^|[\s_-])(?:stars?|rating|rated|score|note)[-_]?([0-5])(?:[-_.](5|half))?(?:[\s_-]|$)", re.IGNORECASE
)
_WIDTH = re.compile(r"width\s*:\s*(\d{1,3})(?:\.\d+)?\s*%", re.IGNORECASE)
_STAR_WORDS = frozenset(("star", "stars"))
_RATED_WORDS = _STAR_WORDS | {"rating", "rated"}
_EMPTY_WORDS = frozenset(
    (
        "o",
        "empty",
        "grey",
        "gray",
        "off",
        "outline",
        "blank",
        "inactive",
        "far",
        "muted",
        "unchecked",
        "secondary",
    )
)
_ON_WORDS = frozenset(
    (
        "checked",
        "active",
        "on",
        "full",
        "filled",
        "fill",
        "gold",
        "yellow",
        "orange",
        "selected",
        "fas",
        "solid",
        "warning",
    )
)
_HALF_WORDS = frozenset(("half", "alt"))
_GREY = re.compile(
    r"color\s*:\s*(?:(?:light|dark)?gr[ae]y|silver|#(?:999|aaa|bbb|ccc|ddd|eee|c0c0c0|cccccc|dddddd)\b)",
    re.IGNORECASE,
)
_GOOD_ICONS = frozenset(("thumbsup", "plus", "check", "smile", "positive", "pos", "happy", "good", "like"))
_BAD_ICONS = frozenset(
    ("thumbsdown", "minus", "times", "frown", "negative", "neg", "sad", "bad", "dislike", "cross", "remove")
)
_NEUTRAL_ICONS = frozenset(("meh", "neutral", "neut", "circle"))
_ICON_NAMES = _STAR_WORDS | _GOOD_ICONS | _BAD_ICONS | _NEUTRAL_ICONS
_ROW_SIGNS = {"positive": "good", "negative": "bad", "neutral": "neutral"}
_ICON_TAGS = frozenset(("img", "i", "span", "em", "b", "label", "abbr", "font", "use"))
_FIVE = Decimal(5)
_NAMING = ("class", "alt", "title", "aria-label", "src", "data-icon")


@dataclass(frozen=True)
class Mark:
    """What one buyer gave. sign: good, neutral, bad or "". stars: out of five, or None. spent: elements that showed it."""

    sign: str = ""
    stars: Decimal | None = None
    spent: frozenset[int] = frozenset()


def is_rating_label(text: str) -> bool:
    label = find_label(text)
    return label is not None and label.field == "rating"


@lru_cache(maxsize=8192)
def read_stars(text: str) -> Decimal | None:
    """Stars out of five that a short text says: "★★★★☆", "4/5", "8/10", "4 of 5 stars", "5 stars"; None for all else."""
    text = text.strip()
    if not 1 <= len(text) <= 40 or _MAY_BE.search(text) is None:
        return None
    plain = text.replace("\ufe0f", "").replace(" ", "")
    full = empty = half = 0
    if not plain.isascii():
        full = sum(plain.count(star) for star in _FULL_STARS)
        empty = sum(plain.count(star) for star in _EMPTY_STARS)
        half = sum(plain.count(star) for star in "½⯨⯪")
    if full + empty:
        rest = re.sub(rf"[{_FULL_STARS}{_EMPTY_STARS}½⯨⯪]", "", plain)
        if (
            full + empty + half <= 5
            and _FIGURES.fullmatch(rest) is not None
            and (empty == 0 or full + empty + half == 5)
        ):
            return Decimal(full) + Decimal(half) / 2
        return None
    match = _OUT_OF.fullmatch(text)
    if match is not None:
        number = Decimal(match["n"].replace(",", "."))
        stars = number if match["of"] == "5" else number / 2
        return stars if stars <= _FIVE else None
    match = _LABELLED.fullmatch(text)
    if match is not None and is_rating_label(match["head"]):
        return Decimal(match["n"].replace(",", "."))
    match = _COUNTED.fullmatch(text)
    return Decimal(match["n"].replace(",", ".")) if match is not None else None


@lru_cache(maxsize=8192)
def mark_of_text(text: str) -> Mark | None:
    """The mark that a whole short text is; None for any other text."""
    if sign := read_sign_word(text):
        return Mark(sign)
    stars = read_stars(text)
    return Mark("", stars) if stars is not None else None


def _names(element: Element) -> frozenset[str]:
    """The words of an icon's class, and of its alt, title and file name."""
    attrs = element.attrs
    return _split_names(" ".join([attrs.get(name, "") for name in _NAMING])[:300])


@lru_cache(maxsize=2048)
def _split_names(text: str) -> frozenset[str]:
    text = text.lower()
    text = (
        text.replace("thumbs-up", "thumbsup")
        .replace("thumbs-down", "thumbsdown")
        .replace("thumbs_up", "thumbsup")
    )
    text = (
        text.replace("thumb-up", "thumbsup")
        .replace("thumb-down", "thumbsdown")
        .replace("thumbs_down", "thumbsdown")
    )
    return frozenset(re.findall(r"[a-z]+", text))


def is_icon(element: Element) -> bool:
    """Does an element without text show a star or a sign?"""
    if element.tag not in _ICON_TAGS or element.size or not element.attrs:
        return False
    names = _names(element)
    return not names.isdisjoint(_ICON_NAMES)


def read_mark(row: Sequence[Element]) -> Mark:
    """The mark that a row of elements shows, by icons, attributes and short texts; an empty one when there is none."""
    spent: set[int] = set()
    sign = ""
    stars = _read_attributes(row, spent)
    icons = [element for element in row if not element.size and is_icon(element)]
    drawn = [(element, names) for element in icons if (names := _names(element)) & _STAR_WORDS]
    if stars is None and drawn and len(drawn) <= 10:
        stars = _count(drawn)
    for element in icons:
        names = _names(element)
        if not sign and not names & _STAR_WORDS:
            sign = "good" if names & _GOOD_ICONS else "bad" if names & _BAD_ICONS else "neutral"
    if stars is None:
        pieces = [
            c for e in row for c in e.children if isinstance(c, str) and len(c) <= 60 and not c.isspace()
        ]
        stars = next((number for piece in pieces if (number := read_stars(piece)) is not None), None)
    for element in row:
        text = element.short
        if not text or len(text) > 40 or element.number in spent or element.tag in ("tr", "a"):
            continue
        if not sign and (found := read_sign_word(text)):
            sign = found
            spent.update(inner.number for inner in element.iter())
        elif (number := read_stars(text)) is not None and (stars is None or not drawn):
            stars = number if stars is None else stars
            spent.update(inner.number for inner in element.iter())
    if not sign and row:
        named = {_ROW_SIGNS[word] for word in row[0].words if word in _ROW_SIGNS}
        sign = named.pop() if len(named) == 1 else ""
    return Mark(sign, stars, frozenset(spent))


def _read_attributes(row: Sequence[Element], spent: set[int]) -> Decimal | None:
    for element in row:
        attrs = element.attrs
        if not attrs:
            continue
        if element.words.isdisjoint(_RATED_WORDS) and attrs.get("itemprop") != "ratingValue":
            continue
        for name in ("data-rating", "data-score", "data-stars", "data-value", "content"):
            if re.fullmatch(r"[0-5](?:\.\d{1,2})?", attrs.get(name, "")):
                return Decimal(attrs[name])
        for name in ("title", "aria-label", "alt"):
            if (stars := read_stars(attrs.get(name, ""))) is not None:
                return stars
        if (match := _CLASSED.search(attrs.get("class", ""))) is not None and element.tag != "a":
            spent.update(inner.number for inner in element.iter() if inner.size <= 5)
            return Decimal(match[1]) + (Decimal("0.5") if match[2] else 0)
        for inner in element.iter()[:4]:
            if (
                (match := _WIDTH.search(inner.attrs.get("style", ""))) is not None
                and not inner.size
                and int(match[1]) <= 100
            ):
                return (Decimal(match[1]) / 20).quantize(Decimal("0.1"))
    return None


def _count(drawn: Sequence[tuple[Element, frozenset[str]]]) -> Decimal | None:
    """Full stars among icons; where none is marked empty, those that are marked full; else all of them."""
    half = [names for _, names in drawn if names & _HALF_WORDS]
    empty = [
        names
        for element, names in drawn
        if names & _EMPTY_WORDS or _GREY.search(element.attrs.get("style", ""))
    ]
    marked = [names for _, names in drawn if names & _ON_WORDS and not names & _EMPTY_WORDS]
    if len(drawn) > 5:
        return None  # several ratings side by side: which is whose is not known
    if half or empty:
        full = len(drawn) - len(half) - len([names for names in empty if not names & _HALF_WORDS])
        return Decimal(full) + Decimal(len(half)) / 2
    if marked and len(marked) < len(drawn):
        return Decimal(len(marked))
    return Decimal(len(drawn))
