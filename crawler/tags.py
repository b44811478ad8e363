"""The key words that a listing is filed under.

Public names: read_tags.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from crawler.drafts import Draft
from crawler.html import Element
from crawler.pairs import Pair

_WORDS = frozenset(("tag", "tags", "keywords", "hashtags", "etiquetas", "schlagworte", "taglist"))
_SPLIT = re.compile(r"\s*[,;，、|\n]\s*")
_MOST = 200


def read_tags(draft: Draft, sections: Sequence[Pair]) -> None:
    """Fill `tags`: by their label, else by elements named for them."""
    for pair in sections:
        if pair.label is not None and pair.label.field == "tags":
            links = [
                i.short
                for part in pair.parts
                if isinstance(part, Element)
                for i in part.iter()
                if i.tag == "a" and i.short
            ]
            own = [part for part in pair.parts if isinstance(part, Element) and part.short]
            inner = own[0].elements() if len(own) == 1 else own
            spans = [i.short for i in inner if i.short]
            found = links or (spans if len(spans) > 1 else _SPLIT.split(pair.value))
            _put(draft, found, pair.value, pair.element)
    if "tags" in draft.fields:
        return
    parts: list[Element] = []
    texts: list[str] = []
    last = -1
    for element in draft.page.content:
        if (
            element.number <= last
            or not element.words & _WORDS
            or element.tag in ("body", "html", "form", "input", "textarea")
        ):
            continue
        links = [i.short or _whole(i) for i in element.iter() if i.tag == "a"]
        named = [i.short for i in element.elements() if i.short and i.tag in ("span", "li", "b", "i", "em")]
        texts += links or named or _SPLIT.split(element.short or "")
        parts.append(element)
        last = element.last
    if parts:
        _put(draft, texts, ", ".join(texts), parts[0])


def _whole(element: Element) -> str:
    """The text of a link that is longer than a line: sites let sellers stuff them."""
    return " ".join(" ".join(child for child in element.children if isinstance(child, str)).split())


def _put(draft: Draft, found: Sequence[str], raw: str, element: Element) -> None:
    tags = tuple(dict.fromkeys(tag for text in found if (tag := " ".join(text.split()).strip(" #,;"))))
    draft.put("tags", tags[:_MOST], raw, element, 0.8)
