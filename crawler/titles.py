"""The title of a listing or thread: which of a page's headings it is.

Public names: find_title, find_title_spot, own_line, same_text.
"""

from __future__ import annotations

import re

from crawler.cleaning import clean_line
from crawler.html import BLOCKS, Element, text_of, where_of
from crawler.labels import find_label, fold_label
from crawler.pairs import Pair
from crawler.regions import MONEY, Page
from crawler.values import Value

_TITLE_WORDS = frozenset(
    ("title", "titel", "titulo", "titre", "titolo", "heading", "headline", "subject", "topic", "name")
)
_NOT_TITLE_WORDS = frozenset(
    ("subtitle", "sub", "section", "username", "logo", "brand", "site", "user", "category", "file")
)
_BASE = {"h1": 0.72, "h2": 0.68, "h3": 0.6, "h4": 0.5, "h5": 0.35, "h6": 0.3}
_SPLIT = re.compile(r"\s+(?:[-–—|·•»:]|::)\s+")
_PREFIX = re.compile(r"^\s*([^:：]{3,30})\s*[:：]\s*(\S.{2,})$")
# Headings of the frame of a page, in the languages of labels.toml; never the name of a thing.
_GENERIC = frozenset(
    fold_label(word)
    for word in (
        "home", "welcome", "login", "search", "search results", "results", "browse categories", "listing options", "news",
        "contact vendor", "contact seller", "user profile", "vendor profile", "profile", "my account", "cart", "orders",
        "shipping options", "similar listings", "related listings", "more from this seller", "other listings", "market",
        "statistics", "exchange rates", "menu", "categories", "leave feedback", "buy now", "features", "error", "warning",
        "willkommen", "startseite", "kategorien", "ähnliche angebote", "weitere angebote", "mein konto", "warenkorb",
        "inicio", "bienvenido", "categorías", "productos relacionados", "accueil", "bienvenue", "catégories",
        "главная", "категории", "похожие товары", "首页", "分类", "相关商品", "trang chủ", "kategorie", "strona główna",
        "ana sayfa", "kategoriler", "início", "categorias", "categorie", "reply", "post reply", "replies", "antworten",
    )
)  # fmt: skip
_SHORTEST_CLUE = 4
_SHORT_TITLE = 160
_PLAIN = frozenset(("font", "b", "strong", "div", "p", "span", "big", "center", "legend", "caption"))
"""Elements that head nothing by themselves; one that repeats the document's title does."""


def same_text(one: str, other: str) -> bool:
    """Equal but for case, accents and white space."""
    return bool(one) and fold_label(one) == fold_label(other)


def find_title(page: Page, pairs: list[Pair]) -> Value | None:
    """The likeliest heading, by its level, the document's title, the alt text of a picture, and where it stands."""
    found = find_title_spot(page, pairs)
    return None if found is None else found[0]


def find_title_spot(page: Page, pairs: list[Pair]) -> tuple[Value, Element | None] | None:
    """The title and the element that it stands in; None for the element where only the document's title served."""
    document = page.tree.title or page.tree.meta.get("og:title", "")
    parts = [fold_label(part) for part in [document, *_SPLIT.split(document)] if part]
    pictures = {fold_label(e.attrs["alt"]) for e in page.content if e.tag == "img" and e.attrs.get("alt")}
    labelled = [
        pair for pair in pairs if pair.label is not None and pair.label.field not in ("description", "title")
    ]
    first_label = labelled[0].element.number if labelled else 10**9
    candidates: list[tuple[float, int, str, Element]] = []
    for element in page.content:
        text, score = _candidate(element)
        if not text and element.tag in _PLAIN and _repeats(element.short or "", parts):
            text, score = element.short or "", 0.32
        if (
            not text
            or fold_label(text) in _GENERIC
            or same_text(text, page.site_title)
            or _leads_home(element)
        ):
            continue
        folded = fold_label(text)
        if folded in parts:
            score += (
                0.25 + min(len(folded), 80) / 2000
            )  # of the title and the site's name, the title is the longer
        elif len(folded) >= _SHORTEST_CLUE and any(folded in part or _cut(part, folded) for part in parts):
            score += 0.2
        if folded in pictures:
            score += 0.1
        if element.number < first_label:
            score += 0.05
        candidates.append((score, -element.number, text, element))
    for pair in pairs:
        if (
            pair.label is not None
            and pair.label.field == "title"
            and 2 <= len(pair.value) <= 300
            and "\n" not in pair.value
        ):
            text = clean_line(pair.value)
            score = 0.75 * pair.sure + (0.25 if fold_label(text) in parts else 0.0)
            if not (MONEY.search(text) and len(text) < 12):
                candidates.append((score, -pair.element.number, text, pair.element))
    if candidates:
        score, _, text, element = max(candidates)
        if score >= 0.55:
            return Value(text, text, where_of(element), min(score, 0.99)), element
    last = _from_document(page, document)
    return None if last is None else (last, None)


def _candidate(element: Element) -> tuple[str, float]:
    """The text of an element that may be a title, and how much its make speaks for it."""
    if element.attrs.get("itemprop") in ("name", "headline") and element.short:
        outer = next((o.attrs["itemtype"] for o in element.up() if "itemtype" in o.attrs), "")
        return element.short, 0.5 if re.search("Person|Organization|Breadcrumb|ListItem", outer) else 0.9
    text = own_line(element) if element.tag in _BASE else element.short
    if text is None and element.tag in _BASE and element.size <= 400:
        text = clean_line("".join(child for child in element.children if isinstance(child, str)))
    if not text or len(text) < 2:
        return "", 0.0
    if element.tag in _BASE:
        score = _BASE[element.tag]
    elif (
        (words := element.words) & _TITLE_WORDS
        and not words & _NOT_TITLE_WORDS
        and element.tag not in ("a", "td", "form")
    ):
        score = 0.6
    else:
        return "", 0.0
    if match := _PREFIX.match(text):
        label = find_label(match[1])  # "Item For Sale : Old bangle"
        if label is not None and label.field == "title":
            return match[2], score + 0.1
    label = find_label(text)
    return ("", 0.0) if label is not None else (text, score)


def own_line(heading: Element) -> str | None:
    """The first line of a heading: a block behind its words is a line of smaller print ("in stock since May")."""
    here = heading
    for _ in range(4):
        words: list[Element | str] = []
        block = None
        for child in here.children[:60]:
            if isinstance(child, Element) and (child.tag in BLOCKS or child.tag == "br") and child.size:
                block = child
                break
            words.append(child)
        line = clean_line("".join(c if isinstance(c, str) else _spaced(c) for c in words))
        if any(map(str.isalnum, line)):
            return line if block is not None and len(line) >= _SHORTEST_CLUE else here.short
        if block is None:
            break
        here = block
    return heading.short


def _spaced(element: Element) -> str:
    """The text of a part of a line with the white space at its ends: letters in tags of their own are one word."""
    text = text_of(element, limit=400)
    first = element.children[0] if element.children else ""
    last = element.children[-1] if element.children else ""
    before = " " if isinstance(first, str) and first[:1].isspace() else ""
    return before + text + (" " if isinstance(last, str) and last[-1:].isspace() else "")


def _repeats(text: str, parts: list[str]) -> bool:
    """Does a text say what the document's title says?"""
    return 4 <= len(text) <= _SHORT_TITLE and fold_label(text) in parts and find_label(text) is None


def _cut(part: str, folded: str) -> bool:
    """Is the document's title the beginning of this heading, cut off?"""
    bare = part.rstrip(". …")
    return len(bare) >= 12 and folded.startswith(bare)


def _leads_home(element: Element) -> bool:
    link = next((inner for inner in element.iter() if inner.tag == "a" and inner.attrs.get("href")), None)
    return link is not None and link.attrs["href"].rstrip("/") in ("", ".", "#", "/index", "/home")


def _from_document(page: Page, document: str) -> Value | None:
    """The document's own title, less the site's name, when no heading serves."""
    parts = [part for part in _SPLIT.split(document) if part and not same_text(part, page.site_title)]
    if len(parts) == 1 and fold_label(parts[0]) not in _GENERIC and page.site_title:
        return Value(parts[0], document, "title", 0.5)
    return None
