"""One listing out of a page: its labelled values, its title, its description.

Public names: ListingReader, read_listing.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

from crawler import fields as f
from crawler.dates import find_order
from crawler.descriptions import find_description
from crawler.drafts import Draft
from crawler.html import Element, where_of
from crawler.labels import SECTIONS, guess_language
from crawler.money import COINS, Price, read_price
from crawler.offerrows import split_tiers
from crawler.offers import read_offers
from crawler.pairs import Pair, find_pairs
from crawler.payments import find_escrow, read_escrow
from crawler.quantity import find_quantities, read_quantity
from crawler.regions import Page
from crawler.tags import read_tags
from crawler.titles import find_title_spot, same_text
from crawler.unlabelled import read_unlabelled
from crawler.values import Value
from text.language import guess_language as guess_text_language

_TEXTS = frozenset(
    [
        "quantity",
        "stock",
        "product_class",
        "ends",
        "level",
        "trust",
        "rating",
        "seller_rating",
        "number",
        "contact",
    ]
)
_COUNTS = frozenset(["sold", "views", "replies", "seller_sales"])
_DATES = frozenset(["posted", "joined", "last_seen"])
_OF_SELLER = {"level": "seller_level", "trust": "seller_trust"}
_WORDED = 0.8
_IN_MENU = re.compile(r"[(\[]\d+[)\]]$|^\s*[□■▪▫◦•●○◆◇▸►▶☐☑]\s")  # "Drugs (500)", "□ Drugs" are a menu's
_FROM = re.compile(r"\b(?:from|starting|ab|desde|à partir de|от|від|od)\b|giá từ|起", re.IGNORECASE)
_COUNT = re.compile(r"\d[\d.,' ]*")


class ListingReader:
    """Reads one page as a listing. `fields`: what was read; `pairs`: all labels with their values; `language`: theirs."""

    def __init__(
        self,
        page: Page,
        *,
        captured_at: datetime,
        day_first: bool | None = None,
        offer: Element | None = None,
    ) -> None:
        self.page = page
        self._offer = offer
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
        title = find_title_spot(self.page, self.pairs)
        if title is not None:
            self.fields["title"] = title[0]
            if title[1] is not None:
                self._draft.spots["title"] = title[1]
        description = self._read_description()
        sections = [pair for pair in self.pairs if pair.label is not None and pair.label.field in SECTIONS]
        others = [pair for pair in sections if pair.label is not None and pair.label.field != "description"]
        for pair in self.pairs:
            dated = pair.label is not None and pair.label.field in ("joined", "last_seen")
            if not dated and any(_inside(pair.element, section) for section in others):
                continue
            if (
                description is not None
                and pair.element.inside(description)
                and not _is_strong(pair, description)
                and not (self._offer is not None and pair.element.inside(self._offer))
            ):
                continue
            if pair.label is None:
                self._unknown.append(pair)
            else:
                self._read_pair(pair, pair.label.field, pair.label.languages)
        for pair in others:
            if pair.label is not None and pair.label.field in ("terms", "refund"):
                self._draft.put(pair.label.field, pair.value, pair.value, pair.element, pair.sure - 0.1)
        read_offers(self._draft, self.pairs, within=description)
        read_unlabelled(self._draft)
        read_tags(self._draft, others)
        self._read_amount()
        self._read_language()

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
            self._draft.spots["description"] = element
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
        elif name == "category" and len(raw) < 200 and not _IN_MENU.search(raw.split("\n")[0]):
            value = f.read_path(raw)
        elif name == "ships_from" and len(raw) <= 400:
            # "Guangdong · Foshan" is one place, as written
            value = line if " · " in line and "\n" not in raw.strip() else ", ".join(f.read_places(raw))
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
        elif name in ("payment", "escrow") and len(line) <= 200:
            self._read_payment(pair, name, line)
        elif name == "seller_external_ratings" and len(raw) <= 1000:
            value = tuple(part.strip() for part in raw.split("\n") if part.strip())[:30]
        elif name == "autodispatch" and len(line) <= 40:
            match = _COUNT.match(line)
            value = match[0].strip() if match else line
        elif name in _TEXTS and len(line) <= 200:
            value = line
            if name == "quantity" and (quantity := read_quantity(line, language=language)):
                draft.put("amount", quantity.amount, quantity.raw, pair.element, pair.sure)
                draft.put("unit", quantity.unit, quantity.raw, pair.element, pair.sure)
        if name in _OF_SELLER and pair.sure <= _WORDED and value:
            whole = (pair.element.short or "").partition(",")[0].strip()  # "Vendor Level 3" is shown as one
            value = str(value).partition(",")[0].strip()
            value = whole if whole.lower().endswith(value.lower()) and len(whole) <= 40 else value
        if name in _OF_SELLER and value and "(" not in str(value):
            value = re.split(r"[,;|)]", str(value), maxsplit=1)[0].strip()  # "(level: 3, 23 deals)"
        draft.put(name, value, raw, pair.element, pair.sure)
        if name in _OF_SELLER:
            draft.put(_OF_SELLER[name], value, raw, pair.element, pair.sure)

    def _read_payment(self, pair: Pair, name: str, line: str) -> None:
        draft = self._draft
        kept = read_escrow(line) if name == "escrow" else find_escrow(line)
        draft.put("escrow", kept, line, pair.element, pair.sure)
        draft.put("payment", line, line, pair.element, pair.sure if name == "payment" else pair.sure - 0.1)
        draft.put("coins", f.read_coins(line), line, pair.element, pair.sure - 0.2)

    def _read_price(self, pair: Pair, line: str, language: str) -> None:
        """The label is part of what is said: "Price from", "Price per gram", "Price (USD)"."""
        currency = f.read_currency(pair.name.rpartition("(")[2].strip(" ):"))
        price = read_price(line, language=language, default_currency=currency)
        if price is None and (split := split_tiers(line, language=language, currency=currency)) is not None:
            line, tiers = split
            price = read_price(line, language=language, default_currency=currency)
            self._draft.put("bulk_prices", tiers, pair.value[:2000], pair.element, pair.sure - 0.1)
        if price is not None and price.kind == "exact" and not price.unit:
            whole = read_price(
                f"{pair.name.strip(' :：')}: {line}", language=language, default_currency=currency
            )
            price = whole if whole is not None and whole.amount == price.amount else price
            if _FROM.search(pair.name):
                price = replace(price, kind="from")
        if price is not None and price.amount is not None and self._add_price(price, pair):
            return
        if price is not None and (price.currency or price.amount is None):
            self._draft.put_price(price, line, pair.element, pair.sure)
        elif any(map(str.isdigit, line)) and len(line) <= 200 and "price_text" not in self.fields:
            self.fields["price_text"] = Value(line, line, where_of(pair.element), 0.4)

    def _add_price(self, price: Price, pair: Pair) -> bool:
        """The same price once more under a label that names the coin ("Price in BTC"): beside the first, not against it."""
        first, code = self.fields.get("price_amount"), self.fields.get("price_currency")
        if first is None or code is None or code.value == price.currency or price.kind != "exact":
            return False
        if f.read_coins(pair.name) != (price.currency,) or price.currency not in COINS:
            return False
        if "prices_other" not in self.fields:
            other = {"amount": price.amount, "currency": price.currency}
            self._draft.put("prices_other", (other,), price.raw, pair.element, pair.sure - 0.1)
        return True

    def _read_amount(self) -> None:
        """How much is offered, by the title, where no label told it and it names one quantity only."""
        title = self.fields.get("title")
        if title is None or "amount" in self.fields or not any(map(str.isdigit, str(title.value))):
            return
        found = find_quantities(str(title.value), language=self.language)
        if len(found) == 1:
            for name, value in (("amount", found[0].amount), ("unit", found[0].unit)):
                self.fields[name] = Value(value, found[0].raw, title.where, 0.55)

    def _read_language(self) -> None:
        texts = [self.fields[name] for name in ("title", "description") if name in self.fields]
        text = "\n".join(str(value.value)[:2000] for value in texts)
        found = guess_text_language(text) if text else "und"
        if found != "und":
            self.fields["language"] = Value(found, "", texts[-1].where, 0.8)


def read_listing(
    page: Page, *, captured_at: datetime, day_first: bool | None = None, offer: Element | None = None
) -> ListingReader:
    """Read a page as a listing. `offer`: the opening post of a thread, whose own lines say what is offered."""
    return ListingReader(page, captured_at=captured_at, day_first=day_first, offer=offer)


def _inside(element: Element, section: Pair) -> bool:
    return any(isinstance(part, Element) and element.inside(part) for part in section.parts)


def _is_strong(pair: Pair, description: Element) -> bool:
    """A table inside a wide "details" section is the site's, a "Price: 5" in running text the seller's own."""
    return pair.sure >= 0.9 and pair.element.tag in ("td", "dd") and description.tag not in ("pre", "p")
