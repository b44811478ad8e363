"""What stands in a fixed place of every card: the columns of a table of results, and a seller's name without a link.

Public names: find_columns, read_cells, find_somebody, find_seller_spot, read_spot, name_many.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from crawler.html import Element
from crawler.labels import find_label, fold_label
from crawler.regions import CardGroup, Page
from crawler.somebody import leads_to_somebody

_KNOWN = frozenset(("price", "sold", "stock", "seller", "quantity"))
_NAME = re.compile(r"@?[^\W_][\w.\-]{1,29}")
_STARTER = re.compile(r"^(?P<name>[^\W_][\w.\-]{1,29})\s*(?:»|,)\s")
_MOST_LOOKED = 20


def find_columns(group: CardGroup) -> Mapping[int, str]:
    """{place of a column: field} by the table's head; "starter" at the title's column of a list of topics."""
    first = group.members[0]
    table = next((outer for outer in first.up() if outer.tag == "table"), None) if first.tag == "tr" else None
    if table is None:
        return {}
    head = next((inner for inner in table.iter() if inner.tag == "tr"), None)
    if head is None or head.number >= first.number:
        return {}
    names = [find_label(cell.short or "") for cell in _cells(head)]
    found = {
        place: label.field for place, label in enumerate(names) if label is not None and label.field in _KNOWN
    }
    counted = Counter(found.values())
    found = {place: field for place, field in found.items() if counted[field] == 1}
    if any(label is not None and label.field == "replies" for label in names) and "seller" not in counted:
        found[-1] = "starter"
    return found


def read_cells(member: Element, columns: Mapping[int, str]) -> dict[str, str]:
    """The texts of a row's cells by field."""
    if not columns or member.tag != "tr":
        return {}
    cells = _cells(member)
    found = {field: cells[place].short or "" for place, field in columns.items() if 0 <= place < len(cells)}
    if -1 in columns:
        for inner in cells[0].iter() if cells else ():
            if inner.tag in ("small", "span", "p", "div", "i", "em") and (
                match := _STARTER.match(inner.short or "")
            ):
                found.setdefault("seller", match["name"])
    return found


def find_somebody(page: Page) -> frozenset[str]:
    """The names under links that lead to members of the site, anywhere on the page."""
    return frozenset(
        element.short
        for element in page.tree.elements
        if element.tag == "a"
        and element.short
        and _NAME.fullmatch(element.short)
        and leads_to_somebody(element.attrs.get("href", ""))
    )


def find_seller_spot(group: CardGroup, somebody: Collection[str]) -> str:
    """The make of the element that holds a bare name in nearly every card, where one of the names is known from a link of
    the page; "" when there is none or there are two."""
    members = group.members[:_MOST_LOOKED]
    makes: Counter[str] = Counter()
    known: set[str] = set()
    for member in members:
        seen = Counter(_make(inner) for inner in member.iter() if _is_name(inner))
        makes.update(make for make, count in seen.items() if count == 1 and make)
        known.update(_make(inner) for inner in member.iter() if inner.short in somebody and _is_name(inner))
    best = [make for make, count in makes.items() if count >= 0.8 * len(members) and make in known]
    return best[0] if len(best) == 1 else ""


def read_spot(member: Element, make: str) -> str:
    found = [inner.short or "" for inner in member.iter() if _make(inner) == make and _is_name(inner)]
    return found[0].lstrip("@") if len(found) == 1 else ""


def _is_name(element: Element) -> bool:
    text = element.short
    return bool(
        text
        and not element.elements()
        and element.tag != "a"
        and _NAME.fullmatch(text)
        and find_label(text) is None
        and not fold_label(text).isdigit()
    )


def _make(element: Element) -> str:
    name = element.attrs.get("class", "")
    return f"{element.tag}.{name}" if name or element.tag in ("small", "i", "em") else ""


def _cells(row: Element) -> list[Element]:
    return [cell for cell in row.elements() if cell.tag in ("td", "th")]


def name_many(groups: Sequence[CardGroup]) -> bool:
    """Do the cards lead to several sellers: what a site recommends at the side of every page, and no one's own goods?"""
    named = {
        inner.attrs["href"]
        for group in groups
        for member in group.members[:_MOST_LOOKED]
        for inner in member.iter()
        if inner.tag == "a" and inner.short and leads_to_somebody(inner.attrs.get("href", ""))
    }
    return len(named) >= 2
