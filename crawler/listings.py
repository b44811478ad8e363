"""One listing out of a page: its labelled values, its title, its description.

Public names: ListingReader, read_listing.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from crawler import fields as f
from crawler.dates import find_order
from crawler.descriptions import find_description
from crawler.drafts import Draft
from crawler.html import Element, where_of
from crawler.labels import SECTIONS, guess_language
from crawler.pairs import Pair, find_pairs
from crawler.regions import Page
from crawler.titles import find_title, same_text
from crawler.unlabelled import read_unlabelled
from crawler.values import Value

_TEXTS = frozenset(
    ["quantity", "stock", "payment", "product_class", "ends", "level", "rating", "number", "contact"]
)
_COUNTS = frozenset(["sold", "views", "replies"])
_DATES = frozenset(["posted", "joined", "last_seen"])
_COUNT = re.compile(r"\d[\d.,' ]*")


class ListingReader:
    """Reads one page as a listing. `fields`: what was read; `pairs`: all labels with their values; `language`: theirs."""

    def __init__(self, page: Page, *, captured_at: datetime, day_first: bool | None = None) -> None:
        self.page = page
        self.pairs = find_pairs(page)
        if day_first is None:
            # Where numbers could be read two ways, other dates of the same page may show the site's custom.
            texts = (
                element.short
                for element in page.tree.elements
                if element.short and element.short[0].isdigit()
            )
            day_first = find_order(texts)
        known = [pair.label for pair in self.pairs if pair.label is not None]
        self.language = guess_language(known, page.tree.language)
        self._draft = Draft(page, captured_at=captured_at, language=self.language, day_first=day_first)
        self._unknown: list[Pair] = []
        self._read()

    @property
    def fields(self) -> dict[str, Value]:
        return self._draft.fields

    def leftovers(self) -> tuple[tuple[str, str], ...]:
        """Labels that no dictionary knows, with their values: what a person may add to labels.toml."""
        found = [(pair.name.strip(" :"), pair.value[:120]) for pair in self._unknown if pair.sure >= 0.5]
        return tuple(dict.fromkeys(found))[:20]

    def _read(self) -> None:
        title = find_title(self.page, self.pairs)
        if title is not None:
            self.fields["title"] = title
        description = self._read_description()
        sections = [pair for pair in self.pairs if pair.label is not None and pair.label.field in SECTIONS]
        others = [pair for pair in sections if pair.label is not None and pair.label.field != "description"]
        for pair in self.pairs:
            if any(_inside(pair.element, section) for section in others):
                continue
            if (
                description is not None
                and pair.element.inside(description)
                and not _is_strong(pair, description)
            ):
                continue
            if pair.label is None:
                self._unknown.append(pair)
            else:
                self._read_pair(pair, pair.label.field, pair.label.languages)
        for pair in others:
            if pair.label is not None and pair.label.field in ("terms", "refund"):
                self._draft.put(pair.label.field, pair.value, pair.value, pair.element, pair.sure - 0.1)
        read_unlabelled(self._draft)

    def _read_description(self) -> Element | None:
        found = find_description(self.page, self.pairs)
        if found is None:
            return None
        element, text, sure = found
        title = self.fields.get("title")
        if title is not None:
            first, _, rest = text.partition("\n")
            text = rest.strip() if rest and same_text(first, str(title.value)) else text
        if text:
            self.fields["description"] = Value(text, text, where_of(element), sure)
        return element

    def _read_pair(self, pair: Pair, name: str, languages: tuple[str, ...]) -> None:
        draft, raw = self._draft, pair.value
        line = " ".join(raw.split())
        language = self.language or (languages[0] if len(languages) == 1 else "")
        value: Any = None
        if name == "price":
            self._read_price(pair, line, language)
        elif name == "seller":
            value = f.read_name(pair.link) or f.read_name(raw.split("\n")[0])
        elif name == "category" and len(raw) < 200:
            value = f.read_path(raw)
        elif name == "ships_from" and len(raw) <= 400:
            value = ", ".join(f.read_places(raw))
        elif name == "ships_to" and len(raw) <= 400:
            value = f.read_places(raw)
        elif name in _DATES:
            first = raw.split("\n")[0]
            value = draft.read_date(first, language)
            raw = first
            if value is None and len(first) < 40 and any(map(str.isdigit, first)):
                draft.put_raw(name, first, pair.element)
        elif name in _COUNTS:
            match = _COUNT.match(raw)
            value = f.read_number(match[0].strip(), language=language) if match else None
        elif name == "coins":
            value = f.read_coins(raw)
        elif name == "quantity" and (quantity := f.read_quantity(line, language=language)):
            value = f"{quantity.amount} {quantity.unit}".strip()
        elif name in _TEXTS and len(line) <= 200:
            value = line
        draft.put(name, value, raw, pair.element, pair.sure)

    def _read_price(self, pair: Pair, line: str, language: str) -> None:
        currency = f.read_currency(pair.name.rpartition("(")[2].strip(" ):"))
        if prices := f.read_prices(line, language=language, currency=currency):
            self._draft.put_prices(prices, line, pair.element, pair.sure)
        elif any(map(str.isdigit, line)) and len(line) <= 200 and "price_text" not in self.fields:
            self.fields["price_text"] = Value(line, line, where_of(pair.element), 0.4)


def read_listing(page: Page, *, captured_at: datetime, day_first: bool | None = None) -> ListingReader:
    """Read a page as a listing."""
    return ListingReader(page, captured_at=captured_at, day_first=day_first)


def _inside(element: Element, section: Pair) -> bool:
    return any(isinstance(part, Element) and element.inside(part) for part in section.parts)


def _is_strong(pair: Pair, description: Element) -> bool:
    """A table inside a wide "details" section is the site's, a "Price: 5" in running text the seller's own."""
    return pair.sure >= 0.9 and pair.element.tag in ("td", "dd") and description.tag not in ("pre", "p")
