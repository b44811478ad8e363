"""The category of a page: its path of breadcrumbs, a chosen branch of the tree of categories, or marked data.

Public names: read_category.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from functools import lru_cache

from crawler import fields as f
from crawler.drafts import Draft
from crawler.html import Element
from crawler.labels import fold_label
from crawler.regions import Page
from crawler.titles import same_text

_HOME = frozenset(
    fold_label(word)
    for word in (
        "home", "start", "startseite", "inicio", "accueil", "início", "главная", "首页", "首頁", "trang chủ", "strona główna",
        "ana sayfa", "market", "shop", "index", "categories", "all categories", "kategorien", "alle kategorien", "categorías",
        "catégories", "categorias", "categorie", "категории", "всі категорії", "分类", "所有分类", "danh mục", "marketplace",
        "homepage", "listings", "products", "all", "main", "domů", "acasă", "головна", "αρχική", "الرئيسية", "خانه", "ホーム", "홈",
        "หน้าแรก", "beranda", "होम", "hem", "forside", "browse", "all products", "back", "catalog", "catalogue", "katalog", "каталог",
        "home page", "hauptseite", "tienda", "boutique", "loja", "negozio", "winkel", "магазин", "所有商品", "全部商品", "全部分类", "kategorie",
    )
)  # fmt: skip
_PATH = re.compile(
    r"categor|kategor|catégor|rubri[kc]|\bcat(?:s|id|_id)?\b|\bc\d*\b|section|danh-?muc|/g/|browse|分类",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(r"[\s>»›‹→➔/\\▸▶❯⟩:·\-–—]*")
_SURE_SEPARATOR = re.compile(r"[>»›‹→➔/\\▸▶❯⟩]|::")
_CHOSEN = frozenset(("selected", "active", "current", "chosen", "aktiv", "activo"))
_DEPTH = re.compile(r"(?:depth|level|lvl|indent|tier)[-_]?(\d)\b", re.IGNORECASE)
_COUNT = re.compile(r"\s*[(\[]?\s*\d[\d.,' ]*\s*[)\]]?\s*$")
_ROOT = re.compile(
    r"(?:https?://[^/?#]+)?(?:\.?/)?(?:[a-z]{2}/?)?(?:(?:index|home|main|start)(?:\.\w{2,5})?/?)?[?#]?",
    re.IGNORECASE,
)
_MOST_STEPS = 8
_MOST = 4_000


def read_category(draft: Draft) -> None:
    """Fill `category` unless a label or marked data told it."""
    if "category" in draft.fields:
        return
    title = str(draft.fields["title"].value) if "title" in draft.fields else ""
    for find, sure in ((_by_name, 0.85), (_by_separators, 0.75), (_by_tree, 0.7)):
        for element, links in find(draft):
            steps = [
                step
                for step in links
                if step and not same_text(step, title) and not _is_home(step, draft.page)
            ]
            if steps and len(steps) <= _MOST_STEPS and all(len(step) <= 60 for step in steps):
                draft.put("category", tuple(steps), " > ".join(links), element, sure)
                return


def _leads_home(link: Element) -> bool:
    """Does a link lead to the site's first page, whatever that is called?"""
    return _ROOT.fullmatch(link.attrs.get("href", "").strip()) is not None


def _by_name(draft: Draft) -> Iterator[tuple[Element, list[str]]]:
    for crumb in draft.page.crumbs:
        if any(crumb.inside(other) and crumb is not other for other in draft.page.crumbs):
            continue
        anchors = [inner for inner in crumb.iter() if inner.tag == "a" and inner.short]
        links = [_text(inner) for inner in anchors]
        items = [item for item in crumb.iter() if item.tag == "li" and item.short]
        if len(items) > len(links):  # steps without a link: the place where one is
            links = [" ".join(_SEPARATOR.sub(" ", item.short or "", count=1).split()) for item in items]
            links = [re.sub(r"^[\s>»›→/\\▸❯]+|[\s>»›→/\\▸❯]+$", "", link) for link in links]
        elif crumb.short and _SURE_SEPARATOR.search(crumb.short):
            path = list(f.read_path(crumb.short))
            links = path if len(path) > len(links) else links
        if len(links) > 1 and anchors and _leads_home(anchors[0]) and links[0] == _text(anchors[0]):
            links = links[1:]
        if links:
            yield crumb, links


def _by_separators(draft: Draft) -> Iterator[tuple[Element, list[str]]]:
    """Links to categories one after the other, parted by arrows or by empty elements, before the title."""
    title = draft.spots.get("title")
    last = title.number if title is not None else _MOST
    for element in draft.page.tree.elements[:_MOST]:
        if element.number > last:
            break
        if element.size > 200 or len(element.children) < 2 or len(element.children) > 40:
            continue
        if element.tag in ("a", "ul", "tr", "form", "select", "li"):
            continue
        links = [link for link in element.iter() if link.tag == "a" and link.short]
        if not 1 <= len(links) <= 6:
            continue
        rest = _outside_links(element, links)
        if element.tag == "nav" and not _SURE_SEPARATOR.search(rest):
            continue  # a menu
        arrows = len(_SURE_SEPARATOR.findall(rest))
        named = sum(1 for link in links if _PATH.search(link.attrs.get("href", "")))
        if (arrows and arrows >= len(links) - 1 and _bare(rest, title, draft)) or (
            not rest.strip() and named == len(links) and _are_parted(element, links)
        ):
            first = 1 if len(links) > 1 and _leads_home(links[0]) else 0
            yield element, [_text(link) for link in links[first:]]


def _outside_links(element: Element, links: list[Element]) -> str:
    parts: list[str] = []
    inside = {number for link in links for number in range(link.number, link.last + 1)}
    for inner in element.iter():
        if inner.number not in inside:
            parts += [child for child in inner.children if isinstance(child, str)]
    return " ".join(parts)


def _bare(rest: str, title: Element | None, draft: Draft) -> bool:
    """Nothing but separators, the title, or a word like "Home"."""
    words = [part.strip() for part in _SURE_SEPARATOR.split(rest) if any(map(str.isalnum, part))]
    own = title.short if title is not None else ""
    return all(same_text(word, own or "") or _is_home(word, draft.page) for word in words) or len(words) == 1


def _are_parted(element: Element, links: list[Element]) -> bool:
    """Do empty elements stand between all links (arrows drawn by a style sheet)?"""
    order = [(0 if any(link.inside(child) for link in links) else 1) for child in element.elements()]
    if order.count(0) != len(links):
        return False
    first, last = order.index(0), len(order) - 1 - order[::-1].index(0)
    stretch = order[first : last + 1]
    if len(links) == 1:
        return first > 0 and last < len(order) - 1
    return all(one != two for one, two in itertools.pairwise(stretch))


def _by_tree(draft: Draft) -> Iterator[tuple[Element, list[str]]]:
    """The chosen branch of a tree of categories at the side."""
    for element in draft.page.tree.elements[:_MOST]:
        attrs = element.attrs
        if not attrs or not (("class" in attrs and _is_chosen(attrs["class"])) or "aria-current" in attrs):
            continue
        link = (
            element
            if element.tag == "a"
            else next((i for i in element.iter() if i.tag == "a" and i.short), None)
        )
        if link is None or not link.short or not _PATH.search(link.attrs.get("href", "")):
            continue
        if found := _chain(element, link):
            yield element, found


@lru_cache(maxsize=2048)
def _is_chosen(names: str) -> bool:
    return not _CHOSEN.isdisjoint(re.split(r"[\s_-]+", names.lower()))


def _chain(element: Element, link: Element) -> list[str]:
    if (match := _DEPTH.search(element.attrs.get("class", ""))) and element.parent is not None:
        depth = int(match[1])
        steps = [_text(link)]
        for sibling in reversed(element.parent.elements()[:_MOST]):
            if sibling.number >= element.number or depth == 0:
                continue
            at = _DEPTH.search(sibling.attrs.get("class", ""))
            if at is not None and int(at[1]) == depth - 1:
                head = next((i for i in sibling.iter() if i.tag == "a" and i.short), None)
                if head is not None:
                    steps.append(_text(head))
                    depth -= 1
        return steps[::-1] if depth == 0 else []
    steps = []
    item = element if element.tag == "li" else next((o for o in element.up() if o.tag == "li"), None)
    while item is not None:
        head = next((i for i in item.iter()[:12] if i.tag == "a" and i.short), None)
        if head is not None:
            steps.append(_text(head))
        item = next((o for o in item.up() if o.tag == "li"), None)
    return steps[::-1]


def _text(link: Element) -> str:
    """The text of a link without a count of what is there."""
    own = " ".join(" ".join(child for child in link.children if isinstance(child, str)).split())
    text = own or link.short or ""
    return _COUNT.sub("", text) or text


def _is_home(step: str, page: Page) -> bool:
    return fold_label(step) in _HOME or same_text(step, page.site_title)
