"""A light, bounded tree out of hostile HTML, and the text of its parts as a person would see it.

Public names: Element, Tree, parse_html, text_of, fold_spaces, where_of, measure, is_dropped, is_hidden, MAX_ELEMENTS.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Any, cast

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.cleaning import clean_line, clean_text
from crawler.markup import SAFE_SIZE, tame

MAX_ELEMENTS = 60_000
_MAX_ATTRIBUTE = 2_000

_DROPPED = frozenset(
    ["script", "style", "template", "svg", "math", "iframe", "object", "embed", "applet", "audio",
     "video", "canvas", "head", "meta", "link", "base", "noframes", "title", "-comment", "-doctype"]
)  # fmt: skip
BLOCKS = frozenset(
    ["html", "body", "address", "article", "aside", "blockquote", "center", "dd", "details", "dialog",
     "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3",
     "h4", "h5", "h6", "header", "hr", "li", "main", "menu", "nav", "ol", "p", "pre", "section",
     "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul", "caption", "legend",
     "listing", "xmp", "plaintext", "optgroup", "option", "select", "textarea"]
)  # fmt: skip
_PARAGRAPHS = frozenset(
    ["p", "pre", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table"]
)
_CELLS = frozenset(("td", "th"))
_VERBATIM = frozenset(("pre", "listing", "xmp", "plaintext", "textarea"))
_NO_TEXT = frozenset(("select", "button", "textarea", "datalist"))
"""Choices and buttons are no statement of the page."""
_SHORT = 160

_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_PRE_STYLE = re.compile(r"white-space\s*:\s*(?:pre|break-spaces)", re.I)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W\d_a-zA-Z]+")


_NO_ATTRIBUTES: dict[str, str] = {}
_NO_WORDS: frozenset[str] = frozenset()


@lru_cache(maxsize=8192)
def _split_words(text: str) -> frozenset[str]:
    return frozenset(map(str.lower, _WORD.findall(text)))


def _words_of(attrs: dict[str, str]) -> frozenset[str]:
    if "class" in attrs or "id" in attrs or "role" in attrs:
        text = f"{attrs.get('class', '')} {attrs.get('id', '')} {attrs.get('role', '')}"
        return _split_words(text[:300])
    return _NO_WORDS


class Element:
    """One element. `short` is its whole text on one line, or None where that is longer than 160 characters."""

    __slots__ = (
        "_elements",
        "all",
        "attrs",
        "children",
        "last",
        "number",
        "parent",
        "place",
        "short",
        "size",
        "tag",
        "text",
        "words",
    )

    def __init__(self, tag: str, attrs: dict[str, str], parent: Element | None, number: int) -> None:
        self.tag = tag
        self.attrs = attrs
        self.parent = parent
        self.number = number  # in the order of the page; those below have the numbers up to `last`
        self.last = number
        self.place = 0  # among the parent's children
        self.all: list[Element] = []
        self.children: list[Element | str] = []
        self.short: str | None = ""
        self.size = 0
        # The words in class, id and role, in small letters: "tabContent-main" -> {tab, content, main}.
        self.words = _words_of(attrs) if attrs else _NO_WORDS
        self._elements: list[Element] | None = None
        self.text: tuple[int, str] | None = (
            None  # what text_of made of it, and its length before it was cleaned
        )

    def elements(self) -> list[Element]:
        """The children that are elements; once asked for, they are kept: ask when the tree is whole."""
        found = self._elements
        if found is None:
            found = self._elements = [child for child in self.children if isinstance(child, Element)]
        return found

    def iter(self) -> list[Element]:
        """This element and all below it, in the order of the page."""
        return self.all[self.number : self.last + 1]

    def up(self) -> Iterator[Element]:
        """The elements around this one, nearest first."""
        element = self.parent
        while element is not None:
            yield element
            element = element.parent

    def inside(self, other: Element) -> bool:
        """Is this element `other` or below it?"""
        return other.number <= self.number <= other.last


_NOTHING: list[Any] = []


@dataclass(frozen=True)
class Tree:
    """A page as a tree: its body, the elements in order, the document's title, and what the head says."""

    root: Element
    elements: tuple[Element, ...]
    title: str = ""
    language: str = ""
    refresh: str = ""
    meta: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def clear(self) -> None:
        """Take the tree apart, so that its memory is free at once: it is one knot of references."""
        for element in self.elements:
            element.parent = None
            element.all = _NOTHING
            element.children = _NOTHING
            element._elements = None


# --- text -> tree ---


def _attributes(node: LexborNode) -> dict[str, str]:
    raw: dict[str, str | None] = node.attributes
    if not raw:
        return _NO_ATTRIBUTES
    for value in raw.values():
        if value is None or len(value) > _MAX_ATTRIBUTE:
            return {name: (each or "")[:_MAX_ATTRIBUTE] for name, each in raw.items()}
    return cast("dict[str, str]", raw)


def is_dropped(tag: str) -> bool:
    """Scripts, embedded things and what else is no text of a page."""
    return tag in _DROPPED


def is_hidden(attrs: dict[str, str]) -> bool:
    """Does a person not see the element, by its own attributes?"""
    return "hidden" in attrs or ("style" in attrs and _HIDDEN.search(attrs["style"]) is not None)


def parse_html(text: str) -> Tree:
    """Parse with lexbor. Bounded in size, depth and count; scripts, styles and hidden elements are left out.

    Where more text is hidden than shown, a style sheet brings it back (sites do so against scrapers): it is kept.
    """
    text = text.replace("\x00", "")
    notes: list[str] = []
    if len(text) > SAFE_SIZE or text.count("<") > 2_000:
        text, notes = tame(text)
    parser = LexborHTMLParser(text)
    elements, hidden = _build(parser, keep_hidden=False)
    measure(elements)
    if hidden > elements[0].size:
        elements, _ = _build(parser, keep_hidden=True)
        measure(elements)
        notes.append("hidden text is kept: there is more of it than of other text")
    if len(elements) >= MAX_ELEMENTS:
        notes.append("cut: too many elements")
    root = elements[0]
    title, refresh, meta = _read_head(parser)
    language = root.attrs.get("lang", "")[:10].lower()
    return Tree(root, tuple(elements), title, language, refresh, meta, tuple(notes))


def _build(parser: LexborHTMLParser, *, keep_hidden: bool) -> tuple[list[Element], int]:
    """(elements in the order of the page, characters of text in hidden ones)."""
    top = parser.root
    elements = [Element("html", _attributes(top) if top is not None else {}, None, 0)]
    node = top.first_child if top is not None else None
    parents = [elements[0]]
    nodes: list[LexborNode] = []
    hidden = 0
    count = 1
    while node is not None:
        tag = node.tag or ""
        below: LexborNode | None = None
        if tag == "-text":
            parents[-1].children.append(node.text_content or "")
        elif tag and tag not in _DROPPED and tag[0] != "-" and count < MAX_ELEMENTS:
            attrs = _attributes(node)
            if attrs and not keep_hidden and is_hidden(attrs):
                hidden += len("".join((node.text(deep=True) or "").split()))
            else:
                parent = parents[-1]
                element = Element(tag, attrs, parent, count)
                element.place = len(parent.children)
                parent.children.append(element)
                elements.append(element)
                count += 1
                below = node.first_child
                if below is not None:
                    nodes.append(node)
                    parents.append(element)
        if below is not None:
            node = below
            continue
        node = node.next
        while node is None and nodes:
            node = nodes.pop().next
            parents.pop()
    return elements, hidden


def _read_head(parser: LexborHTMLParser) -> tuple[str, str, dict[str, str]]:
    title = parser.css_first("title")
    refresh = ""
    meta: dict[str, str] = {}
    head = parser.head
    for node in head.css("meta")[:60] if head is not None else ():
        attrs = _attributes(node)
        if attrs.get("http-equiv", "").lower() == "refresh":
            refresh = attrs.get("content", "")
        elif name := attrs.get("property") or attrs.get("name"):
            meta.setdefault(name.lower(), clean_line(attrs.get("content", "")))
    return clean_line(title.text()[:1000]) if title is not None else "", refresh, meta


def measure(elements: list[Element]) -> None:
    """Fill `last`, `short` and `size` of every element, from the innermost out. `elements`: all, in order."""
    for element in reversed(elements):
        element.all = elements
        parent = element.parent
        if parent is not None and parent.last < element.last:
            parent.last = element.last
        if element.tag in _NO_TEXT:
            element.short, element.size = "", 0
            continue
        children = element.children
        if not children:
            continue
        if len(children) == 1 and isinstance(children[0], str):
            text = children[0].strip()
            element.size = len(text)
            element.short = clean_line(text) if len(text) <= _SHORT else None
            continue
        parts: list[str] = []
        size = 0
        long = False
        for child in children:
            if isinstance(child, str):
                size += len(child.strip())
                parts.append(child)
                continue
            size += child.size
            if child.short is None:
                long = True
            elif child.tag in BLOCKS or child.tag == "br":
                parts.append(f" {child.short} ")
            elif child.children:
                # short lost its outer spaces, which part words: put them back where the element had them
                parts.append(_outer_spaces(child))
        element.size = size
        if long or size > _SHORT:
            element.short = None
        else:
            element.short = clean_line("".join(parts))


def _outer_spaces(child: Element) -> str:
    text = child.short or ""
    first = child.children[0] if child.children else ""
    last = child.children[-1] if child.children else ""
    before = " " if isinstance(first, str) and first[:1].isspace() else ""
    after = " " if isinstance(last, str) and last[-1:].isspace() else ""
    return f"{before}{text}{after}"


# --- tree -> text ---


_EDGES = dict.fromkeys(BLOCKS, "\n") | dict.fromkeys(_CELLS, " ") | dict.fromkeys(_PARAGRAPHS, "\n\n")


def text_of(element: Element, *, without: frozenset[int] = frozenset(), limit: int = 200_000) -> str:
    """The text of `element` with its lines; `without` holds numbers of elements to leave out."""
    if not without and element.text is not None and element.text[0] <= limit:
        return element.text[1]
    parts: list[str] = []
    size = 0
    stack: list[tuple[Element | str, bool]] = [(element, False)]
    while stack and size <= limit:
        item, verbatim = stack.pop()
        if isinstance(item, str):
            part = item if verbatim else fold_spaces(item)
            parts.append(part)
            size += len(part)
            continue
        tag = item.tag
        if tag == "br":
            if item.number not in without:
                parts.append("\n")
            continue
        if item.number in without or (tag in _NO_TEXT and item is not element):
            continue
        edge = _EDGES.get(tag, "")
        kept = (
            verbatim
            or tag in _VERBATIM
            or ("style" in item.attrs and _PRE_STYLE.search(item.attrs["style"]) is not None)
        )
        children = item.children
        if len(children) == 1 and isinstance(children[0], str):
            part = children[0] if kept else fold_spaces(children[0])
            parts += (edge, part, edge)
            size += len(part) + len(edge)
            continue
        if edge:
            parts.append(edge)
            stack.append((edge, True))
        stack += [(child, kept) for child in reversed(children)]
    whole = "".join(parts)
    text = clean_text(whole[:limit])
    if not without and not stack and len(whole) <= limit:
        element.text = len(whole), text
    return text


def fold_spaces(text: str) -> str:
    """White space as one blank, at the ends too."""
    folded = " ".join(text.split())
    if folded == text:
        return text
    if not folded:
        return " " if text else ""
    return f"{' ' if text[0].isspace() else ''}{folded}{' ' if text[-1].isspace() else ''}"


def _place_of(element: Element, parent: Element) -> int:
    """Which of its parent's elements of this tag it is, from 1 on; 0 for the only one."""
    place = count = 0
    for child in parent.elements():
        if child.tag == element.tag:
            count += 1
            if child is element:
                place = count
            if place and count > 1:
                return place
    return 0


def where_of(element: Element) -> str:
    """A CSS path to the element, good enough to find it by hand: its last five steps."""
    steps: list[str] = []
    for item in (element, *islice(element.up(), 4)):
        step = item.tag
        if name := item.attrs.get("id"):
            step += f"#{name[:40]}"
        elif names := item.attrs.get("class", "").split():
            step += f".{names[0][:40]}"
        if item.parent is not None and item.tag in (
            "td",
            "th",
            "tr",
            "li",
            "dd",
            "dt",
            "div",
            "span",
            "b",
            "p",
        ):
            place = _place_of(item, item.parent)
            step += f":nth-of-type({place})" if place else ""
        steps.append(step)
    return " > ".join(reversed(steps))
