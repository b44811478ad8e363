"""The parts of a value: pieces of text and elements, as one text, a link, or what pictures say.

Public names: text_of_parts, first_link, pictures_of, is_control.
"""

from __future__ import annotations

from crawler.cleaning import clean_text
from crawler.html import BLOCKS, Element, fold_spaces, text_of

_LONGEST = 60_000
_SPLITTERS = frozenset(("wbr", "b", "i", "em", "strong", "u", "font"))
"""Elements that stand inside of words, too."""


_NO_FIELDS = frozenset(("hidden", "submit", "button", "image", "radio", "checkbox"))
"""Inputs that nobody types into: what stands beside them may be the page's own statement."""


def text_of_parts(parts: list[Element | str]) -> str:
    texts: list[str] = []
    struck = {part.number for part in parts if isinstance(part, Element) and _is_struck(part)}
    if struck and not any(_has_digit(p) for p in parts if isinstance(p, str) or p.number not in struck):
        struck = set()
    for part in parts:
        if isinstance(part, str):
            texts.append(fold_spaces(part))
        elif part.number in struck:
            texts.append(" ")  # the price of before, beside the one of today
        else:
            edge = "\n" if part.tag in BLOCKS else ""
            inner = part.short if part.short is not None else text_of(part, limit=_LONGEST)
            if edge:
                texts.append(f"{edge}{inner}{edge}")
            elif part.tag in _SPLITTERS:
                texts.append(_edges(part, inner))
            else:
                texts.append(f" {inner} ")
    return clean_text("".join(texts)).strip(" :：-–—|/\n")


def _is_struck(part: Element) -> bool:
    if not part.short or len(part.short) > 40 or not _has_digit(part):
        return False
    return part.tag in ("del", "s", "strike") or not part.words.isdisjoint(
        ("strike", "struck", "strikethrough")
    )


def _has_digit(part: Element | str) -> bool:
    return any(map(str.isdigit, part if isinstance(part, str) else part.short or ""))


def first_link(parts: list[Element | str]) -> str:
    for part in parts:
        if isinstance(part, Element):
            for inner in part.iter():
                if inner.tag == "a" and inner.short:
                    return inner.short
    return ""


def pictures_of(parts: list[Element | str]) -> str:
    """What pictures say in place of words: the signs of coins, flags."""
    alts = [
        inner.attrs.get("alt", "") or inner.attrs.get("title", "")
        for part in parts
        if isinstance(part, Element)
        for inner in part.iter()[:40]
        if inner.tag in ("img", "i", "span", "abbr")
    ]
    return ", ".join(alt.strip() for alt in alts if 1 < len(alt) <= 40)


def is_control(element: Element) -> bool:
    """Something that a visitor fills in?"""
    return element.tag in ("select", "textarea") or (
        element.tag == "input" and element.attrs.get("type", "").lower() not in _NO_FIELDS
    )


def _edges(element: Element, text: str) -> str:
    """The text with the spaces that the element had at its ends."""
    first = element.children[0] if element.children else ""
    last = element.children[-1] if element.children else ""
    before = " " if isinstance(first, str) and first[:1].isspace() else ""
    after = " " if isinstance(last, str) and last[-1:].isspace() else ""
    return f"{before}{text}{after}"
