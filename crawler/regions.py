"""Which parts of a page are its frame, which are rows of cards, and what is left for reading.

Public names: Page, CardGroup, make_page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from crawler.html import Element, Tree

_FRAME_TAGS = frozenset(("nav", "footer", "aside"))
_FRAMES = _FRAME_TAGS | {"header"}
_FRAME_WORDS = frozenset(
    [
        "nav",
        "navbar",
        "navi",
        "navigation",
        "menu",
        "sidebar",
        "footer",
        "breadcrumb",
        "breadcrumbs",
        "crumbs",
        "crumb",
    ]
).union(["pager", "pagination", "topbar", "navheader", "exchange", "rates", "toolbar", "statusbar", "cookie"])
_TAB_WORDS = frozenset(("tab", "tabs", "tabular", "pills"))
_CRUMB_WORDS = frozenset(("breadcrumb", "breadcrumbs", "crumbs", "crumb", "breadcrump"))
_TAGS = frozenset(("tag", "tags", "taglist", "hashtags"))
_CONTENT_WORDS = frozenset(("main", "content", "wrapper", "container", "page"))
_CONTENT_TAGS = frozenset(("h1", "main", "article", "pre"))
_NOT_CARDS = frozenset(
    ("p", "br", "option", "th", "td", "b", "i", "span", "input", "label", "img", "thead", "tbody", "hr")
)
MONEY = re.compile(
    r"(?:[$€£¥₽₫₺฿₿￥]|\b(?:USD|EUR|GBP|BTC|XMR|LTC|AUD|CAD|CHF|PLN|TRY|RUB|VND|CNY|BRL)\b)\s?\d"
    r"|\d\s?(?:[€£₽₫₺元đ$]|zł|tr/|\b(?:USD|EUR|GBP|BTC|XMR|LTC|AUD|CAD|CHF|PLN|TL|RUB|VND|CNY|BRL)\b)"
)


@lru_cache(maxsize=8192)  # elements around each other have one text, and it is asked for by several readers
def says_money(text: str) -> bool:
    """Does a line name an amount with a currency anywhere?"""
    return MONEY.search(text) is not None


_FEWEST = 3
_FARM = 12
"""Links of the smallest tree of categories or the like."""
SHIPPING_WORDS = frozenset(
    (
        "shipping",
        "shippings",
        "delivery",
        "postage",
        "versand",
        "envio",
        "livraison",
        "spedizione",
        "dostawa",
        "kargo",
    )
)
TIER_WORDS = frozenset(("bulk", "tier", "tiers", "tiered", "staffel", "discount", "discounts", "wholesale"))
CHOICE_WORDS = frozenset(("country", "countries", "from", "to", "filter", "address"))
"""Names of parts of a page that say what its rows are; and of choices that are no offer but a visitor's own."""


_PAGE_PARTS = 8
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))


@dataclass(frozen=True)
class CardGroup:
    """Neighbours of one make, each with a link and a price: results of a search, or "more from this seller"."""

    parent: Element
    members: tuple[Element, ...]


@dataclass
class Page:
    """A tree with its regions marked. `frame`, `carded`: numbers of elements inside frames and card groups."""

    tree: Tree
    url: str = ""
    site_title: str = ""
    frame: frozenset[int] = frozenset()
    crumbs: tuple[Element, ...] = ()
    groups: tuple[CardGroup, ...] = ()
    carded: frozenset[int] = frozenset()
    notes: list[str] = field(default_factory=list)

    @cached_property
    def content(self) -> tuple[Element, ...]:
        """The elements that are neither frame nor inside a card."""
        out = self.frame | self.carded
        return tuple([element for element in self.tree.elements if element.number not in out])

    @cached_property
    def worded(self) -> tuple[Element, ...]:
        """The elements of the content with a text that fits on a line."""
        return tuple([element for element in self.content if element.short])

    @cached_property
    def headings(self) -> tuple[Element, ...]:
        """h1 to h6 of the content, in order."""
        return tuple([element for element in self.content if element.tag in _HEADINGS])

    @cached_property
    def strings(self) -> tuple[str, ...]:
        """The pieces of text that stand directly in the content's elements, in order."""
        return tuple(
            [
                child
                for element in self.content
                for child in element.children
                if isinstance(child, str) and not child.isspace()
            ]
        )


def make_page(tree: Tree, *, url: str = "", site_title: str = "") -> Page:
    """Mark frames, breadcrumbs and card groups of a tree."""
    frame: set[int] = set()
    crumbs: list[Element] = []
    linked, links = _measure_links(tree.elements)
    for element in tree.elements:
        if element.number in frame:
            continue
        words = element.words
        if element.attrs and (
            words & _CRUMB_WORDS or element.attrs.get("aria-label", "").lower() == "breadcrumb"
        ):
            crumbs.append(element)
        if ((words or element.tag in _FRAMES) and _is_frame(element, words, tree.root.size)) or (
            links.get(element.number, 0) >= _FARM and _is_link_farm(element, linked, links)
        ):
            frame.update(range(element.number, element.last + 1))
    groups = find_card_groups(tree, frame, links)
    carded = frozenset(
        number for group in groups for card in group.members for number in range(card.number, card.last + 1)
    )
    return Page(tree, url, site_title, frozenset(frame), tuple(crumbs), groups, carded)


def _is_frame(element: Element, words: frozenset[str], whole: int) -> bool:
    if element.tag in ("html", "body", "main", "article"):
        return False
    if element.tag == "header":
        if any(outer.tag in ("main", "article", "section") for outer in element.up()):
            return False
    elif element.tag not in _FRAME_TAGS and (not words & _FRAME_WORDS or words & _CONTENT_WORDS):
        return False
    if words & _TAB_WORDS and not words & _CRUMB_WORDS:
        return False  # the tabs of a listing are read
    if element.tag in ("nav", "footer"):
        return True
    if element.size > 0.5 * whole and element.tag != "header":
        return False  # "has-sidebar" and the like name the layout of everything
    allowed = ("main", "article", "pre") if element.tag == "header" else _CONTENT_TAGS
    return not any(inner.tag in allowed for inner in element.iter())


def _measure_links(elements: tuple[Element, ...]) -> tuple[dict[int, int], dict[int, int]]:
    """For each element: characters inside links, and number of links."""
    linked: dict[int, int] = {}
    links: dict[int, int] = {}
    for element in reversed(elements):
        if element.tag == "a" and "href" in element.attrs:
            here, count = element.size, 1
            linked[element.number], links[element.number] = here, count
        elif count := links.get(element.number, 0):
            here = linked[element.number]
        if count and element.parent is not None:
            number = element.parent.number
            linked[number] = linked.get(number, 0) + here
            links[number] = links.get(number, 0) + count
    return linked, links


def _is_link_farm(element: Element, linked: dict[int, int], links: dict[int, int]) -> bool:
    """A category tree or the like: many short links and hardly anything else."""
    count = links.get(element.number, 0)
    if count < _FARM or element.tag in ("html", "body", "main", "table", "tbody"):
        return False
    if not element.words.isdisjoint(_TAGS):
        return False
    return (
        linked[element.number] > 0.85 * element.size and element.size < 45 * count and not _has_money(element)
    )


def _has_money(element: Element) -> bool:
    return any(inner.short and says_money(inner.short) for inner in element.iter())


def find_card_groups(tree: Tree, frame: set[int], links: dict[int, int]) -> tuple[CardGroup, ...]:
    """Groups of at least three like neighbours, most with a link and a price; the ones with most members win."""
    found: list[CardGroup] = []
    for parent in tree.elements:
        if len(parent.children) < _FEWEST or parent.number in frame or links.get(parent.number, 0) < _FEWEST:
            continue
        makes: dict[tuple[str, str], list[Element]] = {}
        for child in parent.elements():
            if child.tag not in _NOT_CARDS and links.get(child.number):
                name = child.attrs.get("class", "").split()
                makes.setdefault((child.tag, name[0] if name and child.tag != "tr" else ""), []).append(child)
        for members in makes.values():
            if len(members) < _FEWEST:
                continue
            priced = [member for member in members if 8 <= member.size <= 3000 and _has_money(member)]
            if len(priced) >= _FEWEST and len(priced) >= 0.6 * len(members) and not _are_page_parts(priced):
                found.append(CardGroup(parent, tuple(priced)))
    found.sort(key=lambda group: -len(group.members))
    kept: list[CardGroup] = []
    for group in found:
        if not any(_overlap(group, other) for other in kept):
            kept.append(group)
    return tuple(sorted(kept, key=lambda group: group.parent.number))


def _are_page_parts(members: list[Element]) -> bool:
    """Header, body and footer as plain neighbours: the one with the page's heading is no card among others."""
    if len(members) > _PAGE_PARTS:
        return False
    headed = sum(any(inner.tag == "h1" for inner in member.iter()) for member in members)
    return 0 < headed < len(members) / 2


def _overlap(group: CardGroup, other: CardGroup) -> bool:
    return group.parent.inside(other.parent) or other.parent.inside(group.parent)


def headings(page: Page) -> Iterator[Element]:
    """h1 to h6 of the content, in order."""
    yield from page.headings
