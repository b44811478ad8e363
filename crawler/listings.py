"""One listing out of a page: its labelled values, its title, its description.

Public names: read_listing, find_title, find_description.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from crawler import fields as f
from crawler.dates import find_order
from crawler.html import Element, text_of, where_of
from crawler.labels import fold_label, guess_language
from crawler.pairs import Pair, find_pairs
from crawler.regions import MONEY, Page
from crawler.titles import find_title, same_text
from crawler.values import Value

_DESCRIPTION_WORDS = frozenset(
    [
        "description",
        "desc",
        "beschreibung",
        "descripcion",
        "descricao",
        "descrizione",
        "omschrijving",
        "opis",
        "aciklama",
    ]
)
_OTHER_TEXT_WORDS = frozenset(
    [
        "terms",
        "refund",
        "feedback",
        "feedbacks",
        "review",
        "reviews",
        "comment",
        "comments",
        "rating",
        "ratings",
        "policy",
        "tags",
    ]
)
_SELLER_WORDS = frozenset(
    [
        "seller",
        "vendor",
        "merchant",
        "verkaeufer",
        "haendler",
        "vendedor",
        "vendeur",
        "venditore",
        "verkoper",
        "author",
    ]
)
_PRICE_WORDS = frozenset(
    ["price", "preis", "precio", "prix", "preco", "prezzo", "prijs", "cena", "fiyat", "gia", "pr"]
)
_SINCE = re.compile(r"(\d[\d.,]*)\s+\S+\s+(?:since|seit|desde|depuis|dal|sinds)\s+(.{6,30})$", re.IGNORECASE)
_COUNT = re.compile(r"\d[\d.,' ]*")
_SHORTEST = 15


class ListingReader:
    """Reads one page; `fields` fills up in the order of trust."""

    def __init__(self, page: Page, *, captured_at: datetime, day_first: bool | None = None) -> None:
        self.page = page
        self.captured_at = captured_at
        # Where numbers could be read two ways, other dates of the same page may show the site's custom.
        texts = (
            element.short for element in page.tree.elements if element.short and element.short[0].isdigit()
        )
        self.day_first = find_order(texts) if day_first is None else day_first
        self.pairs = find_pairs(page)
        known = [pair.label for pair in self.pairs if pair.label is not None]
        self.language = guess_language(known, page.tree.language)
        self.fields: dict[str, Value] = {}

    def read(self) -> dict[str, Value]:
        title = find_title(self.page, self.pairs)
        if title is not None:
            self.fields["title"] = title
        description = self._read_description()
        sections = [
            pair
            for pair in self.pairs
            if pair.label is not None and pair.label.field in ("terms", "refund", "feedback")
        ]
        own = [
            p
            for p in self.pairs
            if not any(_inside(p.element, s) for s in sections)
            and (description is None or not p.element.inside(description) or _is_strong(p, description))
        ]
        self.own = own
        for pair in own:
            if pair.label is not None:
                self._read_pair(pair)
        for pair in sections:
            if pair.label is not None and pair.label.field != "feedback":
                self._put(pair.label.field, pair.value, pair.value, pair.element, pair.sure - 0.1)
        self._read_unlabelled()
        return self.fields

    def leftovers(self) -> tuple[tuple[str, str], ...]:
        """Labels that no dictionary knows, with their values: what a person may add to labels.toml."""
        own = getattr(self, "own", [])
        found = [
            (pair.name.strip(" :"), pair.value[:120])
            for pair in own
            if pair.label is None and pair.sure >= 0.5
        ]
        return tuple(dict.fromkeys(found))[:20]

    # --- one labelled value ---

    def _put(self, name: str, value: Any, raw: str, element: Element, sure: float) -> None:
        """Keep the surer one; of two that differ and are equally sure, the first, but less sure."""
        if value is None or value == "" or value == ():
            return
        old = self.fields.get(name)
        if old is None or (old.sure < sure - 0.05 and old.value != value):
            self.fields[name] = Value(value, raw, where_of(element), max(sure, 0.0))
        elif old.value != value and name not in ("title", "description"):
            self.fields[name] = Value(old.value, old.raw, old.where, min(old.sure, 0.6))

    def _read_pair(self, pair: Pair) -> None:
        assert pair.label is not None
        name, raw, sure = pair.label.field, pair.value, pair.sure
        language = pair.label.languages[0] if len(pair.label.languages) == 1 else self.language
        if name == "price":
            self._read_price(pair, self.language or language)
        elif name == "seller":
            seller = f.read_name(pair.link) or f.read_name(raw.split("\n")[0])
            self._put("seller", seller, raw, pair.element, sure)
        elif name == "category":
            self._put("category", f.read_path(raw) if len(raw) < 200 else (), raw, pair.element, sure)
        elif name in ("ships_from", "ships_to"):
            if len(raw) <= 400:
                places = f.read_places(raw)
                value: Any = places if name == "ships_to" else ", ".join(places)
                self._put(name, value, raw, pair.element, sure)
        elif name in ("posted", "joined", "last_seen"):
            line = raw.split("\n")[0]
            moment = f.read_date(
                line,
                captured_at=self.captured_at,
                language=self.language or language,
                day_first=self.day_first,
            )
            if moment is not None:
                self._put(name, moment, line, pair.element, sure)
            elif len(line) < 40 and any(map(str.isdigit, line)) and name not in self.fields:
                self.fields[name] = Value(None, line, where_of(pair.element), 0.2)
        elif name in ("sold", "views", "replies"):
            if match := _COUNT.match(raw):
                self._put(
                    name, f.read_number(match[0].strip(), language=self.language), raw, pair.element, sure
                )
        elif name == "coins":
            self._put("coins", f.read_coins(raw), raw, pair.element, sure)
        elif name in ("quantity", "stock", "payment", "product_class", "ends", "level", "rating", "number"):
            line = " ".join(raw.split())
            if len(line) <= 120:
                self._put(name, line, raw, pair.element, sure)

    def _read_price(self, pair: Pair, language: str) -> None:
        raw = " ".join(pair.value.split())
        currency = f.read_currency(pair.name.rpartition("(")[2].strip(" ):"))
        prices = f.read_prices(raw, language=language, currency=currency)
        if prices:
            before = self.fields.get("price_amount")
            self._put("price_text", raw[:200], raw, pair.element, pair.sure)
            self._put("price_amount", prices[0].amount, prices[0].raw, pair.element, pair.sure)
            if before is None or self.fields["price_amount"].value == prices[0].amount:
                self._put("price_currency", prices[0].currency, prices[0].raw, pair.element, pair.sure)
                self._put("price_unit", prices[0].unit, prices[0].raw, pair.element, pair.sure)
                others = tuple({"amount": p.amount, "currency": p.currency} for p in prices[1:])
                self._put("prices_other", others, raw, pair.element, pair.sure - 0.1)
        elif any(map(str.isdigit, raw)) and len(raw) <= 200 and "price_text" not in self.fields:
            self.fields["price_text"] = Value(raw, raw, where_of(pair.element), 0.4)

    # --- the description ---

    def _read_description(self) -> Element | None:
        found = find_description(self.page, self.pairs)
        if found is None:
            return None
        element, text, sure = found
        title = self.fields.get("title")
        if title is not None:
            text = _without_title(text, str(title.value))
        if text:
            self.fields["description"] = Value(text, text, where_of(element), sure)
        return element

    # --- what stands without a label ---

    def _read_unlabelled(self) -> None:
        for element in self.page.content:
            text = element.short
            if not text or len(text) < 3:
                continue
            if "ships_from" not in self.fields and len(text) <= 60 and (arrow := f.read_arrow(text)):
                self._put("ships_from", arrow[0], text, element, 0.75)
                self._put("ships_to", f.read_places(arrow[1]), text, element, 0.75)
            if "posted" not in self.fields and (match := _SINCE.search(text)):
                moment = f.read_date(match[2], captured_at=self.captured_at, language=self.language)
                if moment is not None:
                    self._put("posted", moment, match[2], element, 0.75)
                    self._put("sold", f.read_number(match[1], language="en"), match[1], element, 0.75)
            if element.tag == "time" and "posted" not in self.fields:
                stamp = element.attrs.get("datetime") or text
                moment = f.read_date(stamp, captured_at=self.captured_at, language=self.language)
                self._put("posted", moment, stamp, element, 0.7)
        if "price_amount" not in self.fields:
            self._read_marked_price()
        if "seller" not in self.fields:
            self._read_marked_seller()
        if "category" not in self.fields:
            self._read_crumbs()

    def _read_marked_price(self) -> None:
        """A price whose element says so by its class, when there is only one such price."""
        found: dict[tuple[Any, str], tuple[Element, Any]] = {}
        for element in self.page.content:
            text = element.short
            if (
                text
                and len(text) <= 80
                and MONEY.search(text)
                and (element.words & _PRICE_WORDS or element.attrs.get("itemprop") in ("price", "offers"))
            ):
                prices = f.read_prices(text, language=self.language)
                if prices:
                    found.setdefault((prices[0].amount, prices[0].currency), (element, prices))
        if len(found) == 1:
            element, prices = next(iter(found.values()))
            self._put("price_text", element.short, element.short or "", element, 0.7)
            self._put("price_amount", prices[0].amount, prices[0].raw, element, 0.7)
            self._put("price_currency", prices[0].currency, prices[0].raw, element, 0.7)
            self._put("price_unit", prices[0].unit, prices[0].raw, element, 0.7)
            others = tuple({"amount": p.amount, "currency": p.currency} for p in prices[1:])
            self._put("prices_other", others, element.short or "", element, 0.6)

    def _read_marked_seller(self) -> None:
        names: dict[str, Element] = {}
        for element in self.page.content:
            text = element.short
            if text and len(text) <= 80 and element.words & _SELLER_WORDS:
                link = next((i for i in element.iter() if i.tag == "a" and i.short), element)
                if name := f.read_name(link.short or ""):
                    names.setdefault(name, element)
        if len(names) == 1:
            name, element = next(iter(names.items()))
            self._put("seller", name, name, element, 0.6)

    def _read_crumbs(self) -> None:
        for crumb in self.page.crumbs:
            links = [i.short for i in crumb.iter() if i.tag == "a" and i.short]
            if not links and crumb.short:
                links = list(f.read_path(crumb.short))
            title = str(self.fields["title"].value) if "title" in self.fields else ""
            steps = [
                step
                for step in links
                if step and not same_text(step, title) and not _is_home(step, self.page)
            ]
            if steps:
                self._put("category", tuple(steps[:8]), crumb.short or "", crumb, 0.8)
                return


def read_listing(page: Page, *, captured_at: datetime, day_first: bool | None = None) -> ListingReader:
    """Read a page as a listing; see `fields`, `leftovers()`, `language` of what comes back."""
    reader = ListingReader(page, captured_at=captured_at, day_first=day_first)
    reader.read()
    return reader


_HOME = frozenset(
    fold_label(w)
    for w in (
        "home",
        "start",
        "startseite",
        "inicio",
        "accueil",
        "início",
        "главная",
        "首页",
        "trang chủ",
        "strona główna",
        "ana sayfa",
        "market",
        "shop",
        "index",
    )
)


def _is_home(step: str, page: Page) -> bool:
    return fold_label(step) in _HOME or same_text(step, page.site_title)


def _inside(element: Element, section: Pair) -> bool:
    return any(isinstance(part, Element) and element.inside(part) for part in section.parts)


def _is_strong(pair: Pair, description: Element) -> bool:
    """A table inside a wide "details" section is the site's, a "Price: 5" in running text the seller's own."""
    return pair.sure >= 0.9 and pair.element.tag in ("td", "dd") and description.tag not in ("pre", "p")


def _without_title(text: str, title: str) -> str:
    first, _, rest = text.partition("\n")
    return rest.strip() if rest and same_text(first, title) else text


def find_description(page: Page, pairs: list[Pair]) -> tuple[Element, str, float] | None:
    """(element, text, sure): by microdata, by a heading or tab, by its name, or the one long text of the page."""
    for element in page.content:
        if element.attrs.get("itemprop") == "description" and element.size:
            return element, _plain_text(element), 0.97
    labelled = [pair for pair in pairs if pair.label is not None and pair.label.field == "description"]
    for pair in sorted(labelled, key=lambda pair: -min(len(pair.value), _SHORTEST)):
        parts = [part for part in pair.parts if isinstance(part, Element) and part.size]
        if len(parts) == 1:
            return parts[0], _plain_text(parts[0]), pair.sure
        return pair.element, pair.value, pair.sure
    named = [
        e
        for e in page.content
        if e.size >= _SHORTEST
        and e.words & _DESCRIPTION_WORDS
        and e.tag not in ("html", "body", "a", "form", "input")
    ]
    texts = {_plain_text(element): element for element in named[:6]}
    if texts:
        text, element = max(texts.items(), key=lambda item: min(len(item[0]), 200))
        return element, text, 0.8
    return _longest_text(page, pairs)


def _longest_text(page: Page, pairs: list[Pair]) -> tuple[Element, str, float] | None:
    other = {
        part.number
        for pair in pairs
        if pair.label is not None and pair.label.field in ("terms", "refund", "feedback", "tags")
        for part in pair.parts
        if isinstance(part, Element)
    }
    best: Element | None = None
    barred: set[int] = set()
    for element in page.content:
        if element.number in other or element.words & _OTHER_TEXT_WORDS or element.tag in ("form", "table"):
            barred.update(inner.number for inner in element.iter())
        if (
            element.number in barred
            or element.size < 40
            or _is_key(element)
            or element.tag in ("html", "body", "a", "ul", "ol")
        ):
            continue
        own = sum(len(c.strip()) for c in element.children if isinstance(c, str))
        own += sum(
            c.size
            for c in element.elements()
            if c.tag in ("b", "i", "em", "strong", "u", "wbr", "span", "font", "code")
        )
        if own >= max(40, 0.7 * element.size) and (best is None or own > best.size):
            best = element
    if best is None:
        return None
    if best.parent is not None and best.tag == "p":
        # several paragraphs in a row are one text
        paragraphs = [
            e for e in best.parent.elements() if e.tag == "p" and e.number not in barred and e.size > 20
        ]
        if len(paragraphs) > 1:
            return best.parent, "\n\n".join(_plain_text(e) for e in paragraphs), 0.5
    return best, _plain_text(best), 0.75 if best.tag == "pre" else 0.5


def _is_key(element: Element) -> bool:
    first = next((child for child in element.children if isinstance(child, str) and child.strip()), "")
    return first.lstrip().startswith("-----BEGIN PGP")


def _plain_text(element: Element) -> str:
    """Its text without tags and other parts that are no description."""
    without = frozenset(i.number for i in element.iter() if i is not element and i.words & {"tags", "tag"})
    return text_of(element, without=without, limit=100_000)
