"""A second look at broken pages, with a parser that forgives other things: Beautiful Soup on html.parser.

Public names: needs_repair, parse_broken.

A list, text box, title or comment that is never closed swallows the rest of a page under the rules of HTML5. Python's
html.parser knows no such rules, so what the seller wrote comes back. Slow, hence only for pages that need it.
"""

from __future__ import annotations

import re

from bs4 import BeautifulSoup, CData, Comment, NavigableString, Tag

from crawler.html import Element, Tree, is_dropped, is_hidden, measure

MAX_BROKEN = 200_000
"""Characters; a broken page may be dear for html.parser."""
_MAX_ELEMENTS = 10_000
_SWALLOWERS = (
    "select",
    "textarea",
    "title",
    "xmp",
    "noembed",
    "noframes",
    "iframe",
    "template",
    "svg",
    "math",
)
_TAG = re.compile(r"<[^<>]*>")
_UNSEEN = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_LEAST = 200


def needs_repair(text: str, tree: Tree) -> bool:
    """Is an element never closed, and did most of the source's text get lost to it?"""
    if len(text) > MAX_BROKEN or not _find_open(text):
        return False
    source = len("".join(_TAG.sub(" ", _UNSEEN.sub(" ", text)).split()))
    return source >= _LEAST and tree.root.size < 0.5 * source


def _find_open(text: str) -> list[str]:
    lower = text.lower()
    found = [
        name
        for name in _SWALLOWERS
        if f"<{name}" in lower and lower.count(f"<{name}") > lower.count(f"</{name}")
    ]
    if lower.count("<!--") > lower.count("-->"):
        found.append("!--")
    return found


def parse_broken(text: str) -> Tree | None:
    """A tree by html.parser, the start tags that swallow taken out; None when it is no better."""
    found = _find_open(text)
    if "!--" in found:
        head, _, tail = text.rpartition("<!--")
        text = head + tail
    names = [name for name in found if name != "!--"]
    if names:
        text = re.sub(rf"</?(?:{'|'.join(names)})\b[^<>]*>", "\n", text, flags=re.IGNORECASE)
    soup = BeautifulSoup(text, "html.parser")
    root = Element("html", {}, None, 0)
    elements = [root]
    stack: list[tuple[Tag, Element]] = [(soup, root)]
    while stack:
        source, target = stack.pop()
        for child in source.children:
            if isinstance(child, Tag):
                attrs = {
                    key: value if isinstance(value, str) else " ".join(value or ())
                    for key, value in child.attrs.items()
                }
                if is_dropped(child.name) or is_hidden(attrs) or len(elements) >= _MAX_ELEMENTS:
                    continue
                element = Element(child.name, attrs, target, len(elements))
                elements.append(element)
                element.place = len(target.children)
                target.children.append(element)
                stack.append((child, element))
            elif type(child) in (NavigableString, CData) and not isinstance(child, Comment):
                target.children.append(str(child))
    elements = _in_order(root)
    measure(elements)
    title = soup.title.get_text(" ", strip=True)[:1000] if soup.title is not None else ""
    return Tree(root, tuple(elements), title, notes=("repaired: an element was never closed",))


def _in_order(root: Element) -> list[Element]:
    """All elements in the order of the page, numbered so."""
    found: list[Element] = []
    stack = [root]
    while stack:
        element = stack.pop()
        element.number = element.last = len(found)
        found.append(element)
        stack.extend(reversed(element.elements()))
    return found
