"""Markets of the make of Agora: the seller's link and the description have no label and no element of their own.

Public names: VERSION, judge, read.

An ad stands in #single-product: heading, price, route, the seller's link with "[31 deals]", then the text, right among
the other elements, up to the list of feedback.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from crawler.cleaning import clean_text
from crawler.html import Element, text_of, where_of
from crawler.regions import Page
from crawler.values import PageReading, Value

VERSION = 1

_DEALS = re.compile(r"\[\s*(\d{1,6})\s+deals?\s*\]")
_LONGEST = 20_000


def judge(page: Page) -> str:
    """An ad, where the page holds one product; nothing else is said here."""
    return "listing" if _find_product(page) is not None else ""


def read(page: Page, reading: PageReading, *, captured_at: datetime) -> Mapping[str, Value | None]:
    """Seller, how many deals they have had, and the text of the ad."""
    product = _find_product(page)
    if reading.kind != "listing" or product is None:
        return {}
    found: dict[str, Value | None] = {}
    link = next((e for e in product.iter() if e.tag == "a" and _is(e, "gen-user-link")), None)
    if link is not None and (name := text_of(link).strip()):
        found["seller"] = Value(name, name, where_of(link), 0.95)
    ratings = next((e for e in product.iter() if _is(e, "gen-user-ratings")), None)
    if ratings is not None and (deals := _DEALS.search(text_of(ratings))):
        found["seller_sales"] = Value(deals[1], deals[0], where_of(ratings), 0.9)
    last = ratings or link
    if last is not None and (text := clean_text("".join(_text_behind(product, last)))[:_LONGEST]):
        found["description"] = Value(text, text, where_of(product), 0.85)
    return found


def _find_product(page: Page) -> Element | None:
    return next((e for e in page.tree.elements if e.attrs.get("id") == "single-product"), None)


def _is(element: Element, name: str) -> bool:
    return name in element.attrs.get("class", "").split()


def _text_behind(product: Element, last: Element) -> Iterator[str]:
    """What stands in the product itself from behind `last` to the feedback, line breaks kept."""
    behind = False
    for child in product.children:
        if not isinstance(child, str):
            if _is(child, "embedded-feedback-list"):
                return
            if child is last or last.inside(child):
                behind = True
            elif behind:
                yield "\n" if child.tag == "br" else text_of(child)
        elif behind:
            yield child
