"""Ratings that buyers left: evidence that something was sold. Each with its sign or stars, text, product, price and day.

Public names: FeedbackItem, read_feedback, find_feedback, mask_buyer, as_value.

A rating is one of several rows of one make, or a row of a part of the page that is named for ratings; it shows a mark
(stars, a sign) or a masked buyer, and a text, a day or a buyer. What is not clear stays empty. Buyers' names are masked
here when the site does not do it: at most the first and the last character leave this module.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from crawler.buyers import is_masked, mask_buyer
from crawler.columns import Role, find_roles
from crawler.feedbackrows import Row, RowReader
from crawler.html import Element, where_of
from crawler.labels import find_label
from crawler.ratings import is_icon, is_rating_label, mark_of_text, read_stars
from crawler.ratingwords import REGION, read_sign_word
from crawler.regions import Page
from crawler.values import Value

__all__ = ["FeedbackItem", "as_value", "find_feedback", "mask_buyer", "read_feedback"]

_ROWS = frozenset(("tr", "li", "div", "article", "section", "p", "blockquote", "dl", "table", "dd"))
_MOST = 400
_MOST_ANCHORS = 4_000
_LONGEST = 6_000
_CLIMB = 6


@dataclass(frozen=True)
class FeedbackItem:
    """sign: good, neutral, bad or "". stars: out of five. buyer: masked. at: None where only date_text is known."""

    sign: str = ""
    stars: Decimal | None = None
    text: str = ""
    product: str = ""
    buyer: str = ""
    price: Decimal | None = None
    currency: str = ""
    price_text: str = ""
    at: datetime | None = None
    date_text: str = ""
    where: str = ""


def read_feedback(
    page: Page,
    *,
    captured_at: datetime,
    language: str = "",
    day_first: bool | None = None,
    tab: str = "",
) -> tuple[FeedbackItem, ...]:
    """All ratings of a page, in its order. `tab`: the text of the active tab: under "Positive feedback" all are good."""
    return find_feedback(page, captured_at=captured_at, language=language, day_first=day_first, tab=tab)[0]


def find_feedback(
    page: Page, *, captured_at: datetime, language: str = "", day_first: bool | None = None, tab: str = ""
) -> tuple[tuple[FeedbackItem, ...], frozenset[int]]:
    """The ratings, and the numbers of their elements: these are no cards of listings."""
    sign = read_sign_word(tab)
    reader = RowReader(captured_at=captured_at, language=language, day_first=day_first)
    rows = _Finder(page, reader, tab).find()
    items = tuple(
        FeedbackItem(
            row.sign or sign, row.stars, row.text, row.product, row.buyer, row.price, row.currency, row.price_text[:200],
            row.at, row.date_text[:100], where_of(element),
        )
        for element, row in rows
    )  # fmt: skip
    if _is_of_ten(page):
        items = tuple(replace(item, stars=None) for item in items)
    return items, frozenset(element.number for element, _ in rows)


def _is_of_ten(page: Page) -> bool:
    """Do ratings of this page say more than five without saying of how many ("Score: 8")? Then "Score: 4" is no 4 of 5."""
    for element in page.tree.elements:
        text = element.short
        if not text or (":" not in text and "：" not in text):
            continue
        head, colon, figure = text[:40].replace("：", ":").rpartition(":")
        if colon and figure.strip() in ("6", "7", "8", "9", "10") and is_rating_label(head):
            return True
    return False


def as_value(items: Sequence[FeedbackItem]) -> Value:
    """The ratings as one field of a reading."""
    found: list[dict[str, Any]] = [dict(vars(item)) for item in items]
    return Value(tuple(found), "", items[0].where if items else "", 0.8)


class _Finder:
    def __init__(self, page: Page, reader: RowReader, tab: str) -> None:
        self.page = page
        self.reader = reader
        self.carded = page.carded
        elements = page.tree.elements
        self.anchors = [e.number for e in elements if e.number not in page.frame and _is_anchor(e)][
            :_MOST_ANCHORS
        ]
        label = find_label(tab) if tab else None
        self.tabbed = bool(tab) and ((label is not None and label.field == "feedback") or _says_region(tab))
        self.named = {
            number
            for element in elements
            if element.words
            and element.words & REGION
            and element.tag not in ("body", "html", "a", "span", "i", "b")
            for number in (element.number,)
        }
        self.heads = [
            element.number
            for element in elements
            if element.short
            and len(element.short) <= 60
            and element.tag not in ("a", "td", "li")
            and _heads_feedback(element)
        ]
        self.roles: dict[int, list[frozenset[Role]]] = {}
        """By the number of a table's first row."""
        self.read: dict[int, Row | None] = {}
        self.made: dict[tuple[int, tuple[frozenset[Role], ...]], Row | None] = {}
        """By element and roles: rows that one anchor refused are asked for again by the next."""

    def find(self) -> list[tuple[Element, Row]]:
        found: list[tuple[Element, Row]] = []
        elements = self.page.tree.elements
        done = -1
        tried: set[int] = set()
        for number in self.anchors:
            if number <= done or len(found) >= _MOST:
                continue
            element = elements[number]
            for outer in [element, *element.up()][:_CLIMB]:
                if outer.tag in ("body", "html") or outer.size > _LONGEST:
                    break
                parent = outer.parent
                if outer.tag not in _ROWS or parent is None or outer.number in tried:
                    continue
                tried.add(outer.number)
                rows = self._rows_of(outer, parent)
                if rows:
                    found += rows
                    done = rows[-1][0].last
                    tried.update(row.number for row, _ in rows)
                    break
        return found[:_MOST]

    def _rows_of(self, element: Element, parent: Element) -> list[tuple[Element, Row]]:
        if self._read(element) is None:
            return []
        makes = element.attrs.get("class", "").split()[:1] if element.tag != "tr" else []
        mates = [
            mate
            for mate in parent.elements()[: 4 * _MOST]
            if mate.tag == element.tag
            and (element.tag == "tr" or mate.attrs.get("class", "").split()[:1] == makes)
            and mate.number >= element.number
        ][:_MOST]
        roles = self._roles_of(element)
        rows = [(mate, row) for mate in mates if (row := self._read(mate, roles)) is not None]
        if not rows:
            return []
        region = self._is_region(element)
        if len(rows) == 1 and not (rows[0][1].masked and rows[0][1].has_mark):
            one = rows[0][1]  # a lone star before "Featured" is an ornament
            if not region or not (one.buyer or one.date_text or one.product or len(one.text.split()) > 3):
                return []
        if not region:
            rows = [(e, row) for e, row in rows if self._is_sure(e, row)]
        return rows

    def _is_sure(self, element: Element, row: Row) -> bool:
        """Away from any word for ratings: a masked buyer beside a mark or a day, or a mark, a day and free words."""
        if row.masked and (row.has_mark or row.date_text):
            return True
        said = len(row.text.split()) > 1 or any(char > "\u2e7f" for char in row.text)
        return element.number not in self.carded and row.has_mark and bool(row.date_text) and said

    def _read(self, element: Element, roles: Sequence[frozenset[Role]] = ()) -> Row | None:
        if element.number not in self.read or roles:
            roles = tuple(roles or self._roles_of(element))
            key = (element.number, roles)
            if key not in self.made:
                row = None
                if 0 <= element.size <= _LONGEST and self._has_anchor(element):
                    row = self.reader.read(element, roles)
                self.made[key] = row if row is not None and row.is_rating else None
            self.read[element.number] = self.made[key]
        return self.read[element.number]

    def _has_anchor(self, element: Element) -> bool:
        return bisect_left(self.anchors, element.number) < bisect_right(self.anchors, element.last)

    def _roles_of(self, element: Element) -> list[frozenset[Role]]:
        """The roles of a table's columns, by its head."""
        if element.tag != "tr":
            return []
        table = next((outer for outer in element.up() if outer.tag == "table"), None)
        if table is None:
            return []
        first = next((inner for inner in table.iter() if inner.tag == "tr"), None)
        if first is None or first is element:
            return []
        if first.number not in self.roles:
            self.roles[first.number] = find_roles(first)
        return self.roles[first.number]

    def _is_region(self, element: Element) -> bool:
        if self.tabbed or element.number in self.named or any(o.number in self.named for o in element.up()):
            return True
        before = bisect_left(self.heads, element.number)
        if before == 0:
            return False
        head = self.page.tree.elements[self.heads[before - 1]]
        return not any(
            other.tag in ("h1", "h2", "h3", "h4") and other.tag <= (head.tag if head.tag[0] == "h" else "h4")
            for other in self.page.tree.elements[head.last + 1 : element.number]
            if len(other.tag) == 2 and other.tag[0] == "h"
        )


def _is_anchor(element: Element) -> bool:
    """A mark or a masked buyer: what a rating may be found by."""
    if not element.size:
        return bool(element.attrs) and is_icon(element)
    text = element.short
    if (
        text
        and len(text) <= 40
        and element.tag != "tr"
        and (mark_of_text(text) is not None or is_masked(text))
    ):
        return True
    if "data-rating" in element.attrs or "data-score" in element.attrs:
        return True
    if len(element.children) > 1:
        for child in element.children[:12]:
            if (
                isinstance(child, str)
                and 2 <= len(child) <= 30
                and not child.isspace()
                and read_stars(child) is not None
            ):
                return True
    return False


def _heads_feedback(element: Element) -> bool:
    label = find_label(element.short or "")
    if label is not None and label.field in ("feedback", "rating"):
        return True
    return element.tag[0] == "h" and len(element.tag) == 2 and _says_region(element.short or "")


_SAYS = re.compile(
    r"\b(?:feedback|reviews?|ratings|testimonials|bewertung(?:en)?|rezensionen|opiniones|valoraciones|reseñas|avis|évaluations|avaliações|recensioni"
    r"|valutazioni|beoordelingen|opinie|oceny|recenzje|yorumlar|değerlendirmeler|hodnocení|értékelések|recenzii|omdömen|anmeldelser|arvostelut)\b"
    r"|отзыв|оценки|відгук|评价|評價|评论|đánh giá|nhận xét|レビュー|評価|후기|리뷰|รีวิว|ulasan|تقييم|مراجعات|نظرات|ביקורות|समीक्षा",
    re.IGNORECASE,
)


def _says_region(text: str) -> bool:
    return len(text) <= 60 and _SAYS.search(text) is not None
