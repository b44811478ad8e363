"""Counts of things on a page that tell what kind it is.

Public names: has_count, count_onions.
"""

from __future__ import annotations

import re

from crawler.html import Element
from crawler.regions import Page

_ONION = re.compile(r"\b[a-z2-7]{16}(?:[a-z2-7]{40})?\.onion\b")


def has_count(link: Element) -> bool:
    """Does a number stand beside the name of a link, as beside that of a category?"""
    text = link.short or ""
    if re.search(r"\S\s*[(\[]\d[\d.,]{0,8}[)\]]$", text):
        return True
    return any(
        inner.short and re.fullmatch(r"[(\[]?\d[\d.,]{0,8}[)\]]?", inner.short) for inner in link.elements()
    )


def count_onions(page: Page) -> int:
    """Different onion addresses that the content shows, not only links to."""
    return len({m for text in page.strings if "onion" in text for m in _ONION.findall(text[:20_000])})
