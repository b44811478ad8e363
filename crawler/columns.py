"""What the columns of a table of ratings hold, by the words in its head.

Public names: Role, find_roles, role_of_word.
"""

from __future__ import annotations

import re
from typing import Literal

from crawler.html import Element
from crawler.labels import find_label, fold_label
from crawler.ratingwords import BUYER

Role = Literal["buyer", "product", "price", "date", "text", "mark"]


def find_roles(head: Element) -> list[frozenset[Role]]:
    """The roles of the columns that a table's first row names: "Buyer / Price" has two. Empty when it names none."""
    cells = [cell for cell in head.elements() if cell.tag in ("th", "td")]
    roles = [_roles_of_head(cell.short or "") for cell in cells]
    return roles if sum(map(bool, roles)) >= 2 else []


def _roles_of_head(text: str) -> frozenset[Role]:
    found: set[Role] = set()
    for part in [text, *re.split(r"\s*[/|,&]\s*", text)]:
        if role := role_of_word(part):
            found.add(role)
    return frozenset(found)


def role_of_word(text: str) -> Role | None:
    folded = fold_label(text)
    if not folded:
        return None
    if folded in BUYER:
        return "buyer"
    label = find_label(text)
    named: dict[str, Role] = {
        "title": "product", "price": "price", "posted": "date", "feedback": "text", "rating": "mark", "description": "text",
    }  # fmt: skip
    if label is not None and label.field in named:
        return named[label.field]
    if folded in ("age", "when", "time", "alter", "zeit", "date / time"):
        return "date"
    if folded in ("comment", "message", "text", "kommentar", "comentario", "commentaire", "review"):
        return "text"
    return None
