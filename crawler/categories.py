"""What a list of listings says of itself: its category, how many there are, how many pages, and the tree of categories.

Public names: read_categories, read_list, read_count, Category.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from crawler.cleaning import clean_line, has_digit
from crawler.html import Element, where_of
from crawler.labels import find_label, fold_label
from crawler.regions import MONEY, Page, says_money
from crawler.shapes import page_number, shape_of
from crawler.titles import own_line
from crawler.urls import split_url
from crawler.values import Card, Value

_CATEGORY_WORDS = frozenset(
    """category categories cat cats kategorie kategorien categoria categorias categorie rubrik rubrique kategoria kategori kategoriler
    browse catmenu mainmenu""".split()  # noqa: SIM905
)
_CATEGORY_PATH = re.compile(
    r"(?:^|[/?&_-])(?:c|cat|category|categories|kategorie|categoria|categorie|rubrique|rubrik|kategoria|kategori|section|dept|viewforum|forumdisplay|boards?|viewboard)(?:[/=?_-]|\.php|\.html?|$)",
    re.IGNORECASE,
)
_COUNT = re.compile(r"[(\[{]?\s*(\d[\d.,' \u00a0]{0,9}\d|\d)\s*[)\]}]?")
_NAME_COUNT = re.compile(r"(?P<name>.*?\S)\s*[(\[{]\s*(?P<count>\d[\d.,' \u00a0]{0,9}\d|\d)\s*[)\]}]\s*")
_TOPICS = frozenset(
    fold_label(word)
    for word in (
        "topics", "threads", "themen", "temas", "hilos", "sujets", "discussions", "tópicos", "argomenti", "discussioni", "onderwerpen", "tematy", "wątki",
        "konular", "témata", "vlákna", "subiecte", "теми", "темы", "темы форума", "主题", "主題", "话题", "トピック", "スレッド", "주제", "chủ đề", "หัวข้อ",
        "topik", "विषय", "مواضيع", "المواضيع", "θέματα",
    )
)  # fmt: skip
_NO_CATEGORY = re.compile(
    r"(?:logout|login|wallet|cart|order|message|inbox|profile|sort|currency|lang|page|rss|feed)",
    re.IGNORECASE,
)
_THINGS = (
    r"(?:results?|listings?|lots?|threads?|topics?|themen|sujets?|тем(?:ы|а)?|items?|products?|offers?|ads?|adverts?|articles?|hits?|matches|entries|Ergebnisse?|Angebote?|Artikel|Treffer|Produkte?|Anzeigen"
    r"|Einträge|resultados?|anuncios?|productos?|artículos?|ofertas?|résultats?|annonces?|produits?|offres?|anúncios?|produtos?|risultati|annunci|prodotti"
    r"|resultaten|advertenties|producten|aanbiedingen|wynik(?:ów|i)?|ofert\w*|produkt\w*|ogłosze\w*|результат\w*|объявлени\w*|товар\w*|лот\w*|kết quả|sản phẩm"
    r"|sonuç|ilan|ürün|výsledk\w*|találat|rezultat\w*|hasil|produk|รายการ|ผลลัพธ์|نتيجة|نتائج|תוצאות|परिणाम|件|条(?:结果|记录)?|个(?:结果|商品)?|項|개)"
)
_TOTALS = (
    re.compile(r"\d[\d.,']*\s*(?:[-–—]|to|bis|a|à|au|до|至|~)\s*\d[\d.,']*\s*(?:of|von|de|sur|di|van|из|z|av|af|/|trong|共)\s*(?:about |über )?(?P<n>\d[\d.,' ]*\d|\d)", re.IGNORECASE),
    re.compile(rf"(?:^|[^\d.,-])(?P<n>\d[\d.,' \u00a0]*\d|\d)\s*{_THINGS}(?!\w)(?!\s*(?:per|pro|por|par|/)\b)", re.IGNORECASE),
    re.compile(r"(?:total|gesamt|insgesamt|totale|totaal|итого|всего|共|总共|tổng|łącznie|toplam)(?:\s+\w+)?\s*:?\s*(?P<n>\d[\d.,' ]*\d|\d)", re.IGNORECASE),
    re.compile(rf"(?:^|[\s(]){_THINGS}\s*[:：]\s*(?P<n>\d[\d.,' ]*\d|\d)(?=\s*(?:$|[.)|•·;]))", re.IGNORECASE),
)  # fmt: skip
_PAGE_OF = re.compile(
    r"(?:page|seite|página|pagina|страница|strona|sayfa|trang|strana|oldal|halaman|sida|side|sivu|หน้า|صفحة|第|p\.)\s*\d{1,6}\s*(?:页|頁|ページ)?\s*"
    r"(?:of|von|de|sur|di|van|из|z|/|共|av|af|trên|dari|จาก|من|\|)\s*(\d{1,6})",
    re.IGNORECASE,
)
_LAST = re.compile(
    r"^(?:last|letzte|ende|última|ultimo|ultima|dernière|dernier|fin|laatste|последняя|末页|最后|尾页|cuối|ostatnia|son|»»|>>|›\||>\||»\|)\W*(?:page|seite|página)?$",
    re.IGNORECASE,
)
_PAGER_WORDS = frozenset(
    (
        "pagination",
        "pager",
        "paging",
        "paginator",
        "pages",
        "pagelinks",
        "paginate",
        "seiten",
        "pagenav",
        "nav",
        "page",
    )
)
_GENERIC = frozenset(
    fold_label(word)
    for word in """home, search, search results, results, browse categories, browse by category, categories, category, all, all listings, listings, news,
    menu, filter, filters, sort, sort by, featured, featured listings, quick search, shop, store, market, startseite, start, kategorien, alle, inicio, inicio,
    categorías, todas, accueil, catégories, tous, início, categorias, home page, alle categorieën, главная, категории, все, 首页, 分类, 全部, trang chủ, danh mục,
    strona główna, kategorie, ana sayfa, kategoriler, advanced search, profile, account, cart, orders, error, warning, notice, products, items""".replace(
        "\n", " "
    ).split(",")
)
_MOST = 500
_MOST_LINKS = 4_000


@dataclass(frozen=True)
class Category:
    """One category: its name, address as written, and how many listings it says it has."""

    name: str
    url: str
    count: Decimal | None = None
    where: str = ""


def read_list(
    page: Page, cards: Sequence[Card], *, language: str = "", home: bool = False
) -> dict[str, Value]:
    """Fields of a search, category or home page: category_name, total, last_page, and on a home page categories."""
    found: dict[str, Value] = {}
    # cards at the side are no part of what the total counts
    shown = min(len(cards), max((len(group.members) for group in page.groups), default=len(cards)))
    if home:
        categories = read_categories(page, language=language)
        if categories:
            plain = tuple(_as_dict(category) for category in categories)
            found["categories"] = Value(plain, "", categories[0].where, 0.8)
    else:
        name, count, value = _read_heading(page, language)
        if name and value is not None:
            found["category_name"] = Value(name, value.raw, value.where, value.sure)
            if count is not None and count >= shown:
                found["total"] = Value(count, value.raw, value.where, 0.7)
    if "total" not in found and (total := _read_total(page, language, shown)) is not None:
        found["total"] = total
    if (last := _read_last(page)) is not None:
        found["last_page"] = last
    return found


def _as_dict(category: Category) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": category.name, "url": category.url}
    if category.count is not None:
        shown["count"] = category.count
    return shown


def read_count(text: str) -> Decimal | None:
    """A whole number with or without separators of thousands; None for all else."""
    text = text.strip()
    if re.fullmatch(r"\d{1,3}(?:([.,' \u00a0\u202f])\d{3})(?:\1\d{3}){0,3}|\d{1,12}", text) is None:
        return None
    return Decimal(re.sub(r"\D", "", text))


# --- the tree of categories ---


def read_categories(page: Page, *, language: str = "") -> tuple[Category, ...]:
    """Links to categories, in order: many of one make with a count, or links in a part that is named for categories."""
    groups: dict[str, list[Category]] = defaultdict(list)
    counted: dict[str, int] = defaultdict(int)
    seen = 0
    for element in page.tree.elements:
        if element.tag != "a" or element.number in page.carded:
            continue
        href = element.attrs.get("href", "").strip()
        if not href or href[0] == "#" or href.lower().startswith(("javascript:", "mailto:")):
            continue
        seen += 1
        if seen > _MOST_LINKS:
            break
        parts = split_url(href)
        name, count = _name_of(element, language)
        if not 2 <= len(name) <= 60 or MONEY.search(name) or (parts.netloc and ".onion" in name):
            continue
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        named = bool(_CATEGORY_PATH.search(path)) or _in_category_part(element)
        if not named and (count is None or _NO_CATEGORY.search(path)):
            continue
        key = (
            "named"
            if named and count is not None
            else f"{'n' if named else 'c'} {shape_of('/' + path.lstrip('./'))}"
        )
        place = "" if groups[key] else where_of(element)  # one place tells where the tree stands
        groups[key].append(Category(name, href, count, place))
        counted[key] += count is not None
    best = max(
        groups, key=lambda key: counted[key] * 3 + len(groups[key]) + 5 * key.startswith("n"), default=""
    )
    if not best or len(groups[best]) < (2 if best.startswith("n") else 3):
        return ()
    unique = {(category.name, category.url): category for category in groups[best]}
    return tuple(unique.values())[:_MOST]


def _name_of(link: Element, language: str) -> tuple[str, Decimal | None]:
    """(name, count) of a link: the count is in an element of its own, in brackets, or follows the link."""
    for inner in reversed(link.elements()):
        if inner.short and (match := _COUNT.fullmatch(inner.short)):
            rest = clean_line(
                " ".join(c if isinstance(c, str) else c.short or "" for c in link.children if c is not inner)
            )
            if rest:
                return rest, read_count(match[1])
    text = link.short or ""
    if match := _NAME_COUNT.fullmatch(text):
        return match["name"], read_count(match["count"])
    parent = link.parent
    if parent is not None:
        for node in parent.children[link.place + 1 : link.place + 3]:
            after = (
                node
                if isinstance(node, str)
                else (node.short or "")
                if node.tag not in ("a", "ul", "td")
                else "?"
            )
            if not after.strip():
                continue
            bracketed = not isinstance(node, str) or after.strip()[0] in "([{"
            if bracketed and (match := _COUNT.fullmatch(after.strip())):
                return text, read_count(match[1])
            break
    return text, _count_in_row(link)


def _count_in_row(link: Element) -> Decimal | None:
    """The figure under "Topics" in a forum's table of boards; None elsewhere."""
    row = next((outer for outer in [*link.up()][:4] if outer.tag == "tr"), None)
    table = next((outer for outer in row.up() if outer.tag == "table"), None) if row is not None else None
    if row is None or table is None or len(row.children) > 24:
        return None
    head = next((inner for inner in table.iter()[:40] if inner.tag == "tr"), None)
    if head is None or head is row:
        return None
    names = [fold_label(cell.short or "") for cell in head.elements() if cell.tag in ("td", "th")]
    cells = [cell for cell in row.elements() if cell.tag in ("td", "th")]
    place = next((number for number, name in enumerate(names) if name in _TOPICS), len(cells))
    return (
        read_count(cells[place].short or "") if place < len(cells) and not link.inside(cells[place]) else None
    )


def _in_category_part(element: Element) -> bool:
    return any(
        outer.words & _CATEGORY_WORDS
        for outer in [element, *element.up()][:6]
        if outer.tag not in ("body", "html")
    )


# --- the list's own heading, its total, its pages ---


def _read_heading(page: Page, language: str) -> tuple[str, Decimal | None, Value | None]:
    for crumb in page.crumbs:
        last = crumb.elements()[-1] if crumb.elements() else None
        inner = last.short if last is not None else ""
        if (
            inner
            and 2 <= len(inner) <= 60
            and fold_label(inner) not in _GENERIC
            and find_label(inner) is None
        ):
            name, count = _split_count(inner, language)
            return name, count, Value(name, inner, where_of(crumb), 0.75)
    first = page.groups[0].members[0].number if page.groups else 10**9
    for element in page.content:
        if element.number > first:
            break
        text = own_line(element) if element.tag in ("h1", "h2", "h3", "h4") else element.short
        if not text or not 2 <= len(text) <= 80:
            continue
        heading = len(element.tag) == 2 and element.tag[0] == "h" and element.tag[1] in "1234"
        if not heading and not (
            element.words & {"title", "heading", "caption"} and not element.words & {"site", "logo", "brand"}
        ):
            continue
        name, count = _split_count(text, language)
        name = re.sub(
            r"^(?:category|kategorie|categoría|catégorie|categoria|категория|分类|browse|browsing|listings in|items in)\s*[:：-]?\s+",
            "",
            name,
            flags=re.IGNORECASE,
        )
        if (
            fold_label(name) in _GENERIC
            or find_label(name) is not None
            or _SEARCHED.search(name)
            or MONEY.search(name)
        ):
            continue
        if fold_label(name) == fold_label(page.site_title) or len(name.split()) > 6:
            continue
        return name, count, Value(name, text, where_of(element), 0.65)
    return "", None, None


_SEARCHED = re.compile(
    r"\b(?:search|results?|suche?|ergebnis|resultados?|búsqueda|recherche|résultats?|zoek|ricerca|risultati|busca|wynik|welcome|login|market)\b|поиск|результат|搜索|tìm kiếm",
    re.IGNORECASE,
)


def _split_count(text: str, language: str) -> tuple[str, Decimal | None]:
    match = _NAME_COUNT.fullmatch(text)
    return (match["name"], read_count(match["count"])) if match else (text, None)


def _read_total(page: Page, language: str, cards: int) -> Value | None:
    for element in page.tree.elements:
        text = element.short
        if not text or len(text) > 120 or element.tag in ("a", "option", "li") or not has_digit(text):
            continue
        if element.number in page.carded or says_money(text):
            continue
        for pattern in _TOTALS:
            match = pattern.search(text)
            if match is None or (element.number in page.frame and pattern is not _TOTALS[0]):
                continue
            number = read_count(match["n"])
            if number is not None and number >= cards:
                return Value(number, text, where_of(element), 0.7)
    return None


def _read_last(page: Page) -> Value | None:
    """The number of the last page; absent where the page hides it behind a link without a number."""
    for element in page.tree.elements:
        text = element.short
        if (
            text
            and len(text) <= 60
            and has_digit(text)
            and element.number not in page.carded
            and (match := _PAGE_OF.search(text))
        ):
            return Value(Decimal(match[1]), text, where_of(element), 0.85)
    best: tuple[int, Element] | None = None
    for parent in page.tree.elements:
        if parent.number in page.carded or parent.size > 400 or len(parent.children) < 2:
            continue
        links = [e for e in parent.iter() if e.tag == "a" and e.attrs.get("href")]
        numbered = [e for e in links if e.short and e.short.isdigit() and len(e.short) <= 6]
        if not numbered or len(links) > 60 or not _is_pager(parent, numbered):
            continue
        if (last := _last_of(parent, links, numbered)) is not None and (best is None or last >= best[0]):
            best = (last, parent)
    return Value(Decimal(best[0]), best[1].short or "", where_of(best[1]), 0.7) if best is not None else None


def _is_pager(parent: Element, numbered: Sequence[Element]) -> bool:
    if parent.words & _PAGER_WORDS and not parent.words & {"navbar", "main"}:
        return True
    if any(page_number("/" + e.attrs["href"].lstrip("./")) is not None for e in numbered):
        return True
    numbers = [int(e.short or 0) for e in numbered]
    return len(numbers) >= 2 and numbers == sorted(numbers) and min(numbers) <= 3


def _last_of(parent: Element, links: Sequence[Element], numbered: Sequence[Element]) -> int | None:
    numbers = [int(e.short or 0) for e in numbered]
    current = [
        int(e.short)
        for e in parent.iter()
        if e.tag in ("strong", "b", "span", "em", "li")
        and e.short
        and e.short.isdigit()
        and len(e.short) <= 6
    ]
    highest = max([*numbers, *current])
    for link in links:
        text = link.short or ""
        if not _LAST.match(text):
            continue
        number = page_number("/" + link.attrs["href"].lstrip("./"))
        if number is None or number < highest:
            return None  # the link to the last page says no number, or counts listings
        same = [e for e in numbered if page_number("/" + e.attrs["href"].lstrip("./")) == int(e.short or 0)]
        return number if same else None
    return highest
