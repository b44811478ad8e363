"""The description of a listing: which of a page's texts it is.

Public names: find_description.
"""

from __future__ import annotations

from crawler.html import Element, text_of
from crawler.pairs import Pair
from crawler.regions import Page

_NAMES = frozenset(
    ["description", "desc", "beschreibung", "descripcion", "descricao", "descrizione", "omschrijving", "opis", "aciklama"]
)  # fmt: skip
_OTHER_NAMES = frozenset(
    ["terms", "refund", "feedback", "feedbacks", "review", "reviews", "comment", "comments", "rating", "ratings", "policy", "tags"]
)  # fmt: skip
_INLINE = frozenset(
    ["b", "i", "em", "strong", "u", "wbr", "span", "font", "code"]
)  # fmt: skip
_TAGS = frozenset(("tags", "tag"))
_OTHER_FIELDS = frozenset(["terms", "refund", "feedback", "tags"])
_SHORTEST = 15
_STRONG = 0.88
"""A text with a value of the site's own in it is no description."""


def find_description(page: Page, pairs: list[Pair]) -> tuple[Element, str, float] | None:
    """(element, text, sure): by microdata, by a heading or tab, by its name, or the one long text of the page."""
    for element in page.content:
        if element.attrs.get("itemprop") == "description" and element.size:
            return element, _plain_text(element), 0.97
    labelled = [pair for pair in pairs if pair.label is not None and pair.label.field == "description"]
    # the heading inside the part that a tab shows is nearer to the text than the tab
    labelled = [
        pair
        for pair in labelled
        if not any(
            other is not pair and other.sure >= pair.sure and _holds(pair, other) for other in labelled[:40]
        )
    ]
    for pair in sorted(labelled, key=lambda pair: (_is_table(pair), -min(len(pair.value), _SHORTEST))):
        parts = [part for part in pair.parts if isinstance(part, Element) and part.size]
        if len(parts) == 1:
            return parts[0], _plain_text(parts[0]), pair.sure
        return pair.element, pair.value, pair.sure
    named = [
        e
        for e in page.content
        if e.size >= _SHORTEST and e.words & _NAMES and e.tag not in ("html", "body", "a", "form", "input")
    ]
    texts = {_plain_text(element): element for element in named[:6]}
    if texts:
        text, element = max(texts.items(), key=lambda item: min(len(item[0]), 200))
        return element, text, 0.8
    return _longest_text(page, pairs)


def _is_table(pair: Pair) -> bool:
    """Does a section begin with rows of labels and values: a profile under its tab "About"?"""
    first = next((part for part in pair.parts if isinstance(part, Element) and part.size), None)
    return first is not None and (first.tag in ("table", "dl") or first.words & {"table"} != frozenset())


def _holds(outer: Pair, inner: Pair) -> bool:
    """Is one section a true part of the other, with more in it than the heading?"""
    return len(inner.value) < 0.9 * len(outer.value) and any(
        isinstance(part, Element) and inner.element.inside(part) and inner.element is not part
        for part in outer.parts
    )


def _longest_text(page: Page, pairs: list[Pair]) -> tuple[Element, str, float] | None:
    other = {
        part.number
        for pair in pairs
        if pair.label is not None and pair.label.field in ("terms", "refund", "feedback", "tags")
        for part in pair.parts
        if isinstance(part, Element)
    }
    strong = [
        pair.element.number
        for pair in pairs
        if pair.label is not None and pair.sure >= _STRONG and pair.element.tag not in ("pre", "p")
    ]
    best: Element | None = None
    barred: set[int] = set()
    for element in page.content:
        if element.number in barred:
            continue
        if element.number in other or element.words & _OTHER_NAMES or element.tag in ("form", "table"):
            barred.update(inner.number for inner in element.iter())
        if (
            element.number in barred
            or element.size < (_SHORTEST if element.tag == "pre" else 40)
            or (
                element.tag != "pre"
                and any(element.number <= number <= element.last for number in strong[:200])
            )
            or _is_key(element)
            or element.tag
            in ("html", "body", "a", "ul", "ol", "li", "option", "h1", "h2", "h3", "h4", "h5", "h6")
        ):
            continue
        own = sum(len(c.strip()) for c in element.children if isinstance(c, str))
        own += sum(
            c.size
            for c in element.elements()
            if c.tag in ("b", "i", "em", "strong", "u", "wbr", "span", "font", "code")
        )
        if own >= max(_SHORTEST if element.tag == "pre" else 40, 0.7 * element.size) and (
            best is None or own > best.size
        ):
            best = element
    if best is None:
        return None
    if best.parent is not None and best.tag == "p":
        # several paragraphs in a row are one text
        paragraphs = [
            e for e in best.parent.elements() if e.tag == "p" and e.number not in barred and e.size > 20
        ]
        if len(paragraphs) > 1:
            return best, "\n\n".join(_plain_text(e) for e in paragraphs), 0.5
    return best, _plain_text(best), 0.75 if best.tag == "pre" else 0.5


def _is_key(element: Element) -> bool:
    first = next((child for child in element.children if isinstance(child, str) and child.strip()), "")
    return first.lstrip().startswith("-----BEGIN PGP")


def _plain_text(element: Element) -> str:
    """Its text without tags and other parts that are no description."""
    without = frozenset(
        [i.number for i in element.iter() if i.words and i.words & _TAGS and i is not element]
    )
    return text_of(element, without=without, limit=100_000)
