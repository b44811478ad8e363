"""The pieces of text that one rating is made of, in their order, each with where it stands.

Public names: Piece, pieces_of.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice

from crawler.cleaning import clean_line
from crawler.html import BLOCKS, Element
from crawler.ratings import Mark

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
_MOST_PIECES = 60
_MANY = 1_000_000
"""More than a page has elements: what follows a line break is a block of its own."""
_BETWEEN = re.compile(r"\s*[·|•]\s*|\s+[-–—]\s+|[,;，、]\s*|\s{2,}|\s+(?:on|am|le|el|em|il|op|dnia)\s+")
_LONGEST_SPLIT = 90
_OF_PARTS = re.compile("[0-9*•…★☆]")
"""One of these is in every day, mask, price or mark of a line that is taken apart."""


@dataclass
class Piece:
    """A run of text that no tag with a meaning of its own breaks. column: of a table, -1 outside. role: what it is."""

    text: str
    element: Element
    block: int
    column: int
    linked: bool
    role: str = ""


def pieces_of(row: Element, mark: Mark, is_apart: Callable[[str], bool]) -> list[Piece]:
    """The row's texts in order. `is_apart`: tells of a short text whether it is a thing of its own (a day, a buyer, a price):
    a line of nothing but such is taken apart."""
    pieces: list[Piece] = []
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
                linked = owner.tag == "a" or any(
                    outer.tag == "a" for outer in islice(owner.up(), 3) if outer.number >= row.number
                )
                pieces.append(Piece(text, owner, block.number + breaks * _MANY, column, linked))
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
            and (
                item.attrs
                or item.tag in ("a", "small", "time", "strong", "b", "i", "em", "label", "cite", "q")
            )
            and item.size
        ):
            joined = False
            stack.extend((child, item, block, column) for child in reversed(item.children))
        else:
            stack.extend((child, owner, block, column) for child in reversed(item.children))
    return [part for piece in pieces for part in _split(piece, is_apart)]


def _split(piece: Piece, is_apart: Callable[[str], bool]) -> list[Piece]:
    """ "k***7, 02.03.2026" is a buyer and a day."""
    if (
        len(piece.text) > _LONGEST_SPLIT
        or _OF_PARTS.search(piece.text) is None
        or _BETWEEN.search(piece.text) is None
        or is_apart(piece.text)
    ):
        return [piece]
    for cut in _BETWEEN.finditer(piece.text):
        parts = [piece.text[: cut.start()], *_split_rest(piece.text[cut.end() :], is_apart)]
        if len(parts) > 1 and all(map(is_apart, parts)):
            return [replace(piece, text=part) for part in parts]
    return [piece]


def _split_rest(text: str, is_apart: Callable[[str], bool]) -> list[str]:
    """The parts of what follows the first: as few as are all things of their own; empty when there are none."""
    if is_apart(text):
        return [text]
    for cut in list(_BETWEEN.finditer(text))[:4]:
        head, tail = text[: cut.start()], text[cut.end() :]
        if is_apart(head) and is_apart(tail):
            return [head, tail]
    return []
