"""The fields of one page while they fill up: of two values the surer one stays, and a contradiction makes it less sure.

Public names: Draft.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

from crawler import fields as f
from crawler.html import Element, where_of
from crawler.money import Price
from crawler.regions import Page
from crawler.values import Value

_CONTRADICTED = 0.6
_SURER = 0.05
_MOST_OTHERS = 5


class Draft:
    """`fields`: what was read so far, `spots`: where. `language`, `day_first`: what the page's labels and dates say of its custom."""

    def __init__(self, page: Page, *, captured_at: datetime, language: str, day_first: bool | None) -> None:
        self.page = page
        self.captured_at = captured_at
        self.language = language
        self.day_first = day_first
        self.fields: dict[str, Value] = {}
        self.spots: dict[str, Element] = {}

    def put(self, name: str, value: Any, raw: str, element: Element, sure: float) -> bool:
        """Keep the surer one; of two that differ and are equally sure the first, but less sure. True when it is kept.
        What is not kept stays among the others."""
        if value is None or value == "" or value == ():
            return False
        old = self.fields.get(name)
        if old is None or old.value is None:
            self.fields[name] = Value(value, raw, where_of(element), sure)
            self.spots[name] = element
            return True
        if old.value == value:
            return False
        new = Value(value, raw, where_of(element), sure)
        if old.sure < sure - _SURER:
            self.fields[name] = replace(new, others=_add(old.others, replace(old, others=())))
            self.spots[name] = element
            return True
        self.fields[name] = replace(old, sure=min(old.sure, _CONTRADICTED), others=_add(old.others, new))
        return False

    def put_raw(self, name: str, raw: str, element: Element) -> None:
        """Keep the text of what could not be read, unless something was."""
        if name not in self.fields:
            self.fields[name] = Value(None, raw, where_of(element), 0.2)

    def put_price(self, price: Price, raw: str, element: Element, sure: float) -> None:
        """The first price is the listing's, as the page puts it first; the others are the same in other currencies."""
        if price.amount is None:
            self.put("price_kind", price.kind, price.raw, element, sure)
            self.put("price_text", raw[:200], raw, element, sure)
            return
        if not self.put("price_amount", price.amount, price.raw, element, sure):
            return
        shown = _first_price(price, raw)[:200]
        others = tuple({"amount": other.amount, "currency": other.currency} for other in price.others)
        for name, value, less in (
            ("price_text", shown, 0.0),
            ("price_currency", price.currency, 0.0),
            ("price_kind", price.kind, 0.0),
            ("price_to", price.to, 0.0),
            ("price_unit", price.unit, 0.0),
            ("holding", True if price.kind == "holding" else None, 0.0),
            ("prices_other", others, 0.1),
        ):
            old = self.fields.pop(name, None)
            if (
                self.put(name, value, raw if name == "price_text" else price.raw, element, sure - less)
                and old is not None
            ):
                new = self.fields[name]
                if old.value is not None and old.value != new.value:
                    self.fields[name] = replace(new, others=_add(old.others, replace(old, others=())))
        if price.lot is not None:
            self.put("amount", price.lot[0], price.raw, element, sure - 0.1)
            self.put("unit", price.lot[1], price.raw, element, sure - 0.1)

    def read_date(self, text: str, language: str = "") -> datetime | None:
        return f.read_date(
            text, captured_at=self.captured_at, language=self.language or language, day_first=self.day_first
        )


def _first_price(price: Price, raw: str) -> str:
    """The text of a price without a second one that stands beside it in a coin: "340 EUR 0.0031 BTC", but whole where the
    page itself joins them ("USD 430 / 0.01 BTC", "BTC 0.01 ($ 430)")."""
    if not price.others or price.raw not in raw:
        return raw
    end = raw.index(price.raw) + len(price.raw)
    second = raw.find(price.others[0].raw, end)
    gap = raw[end:second] if second >= 0 else "("
    return (
        raw
        if re.search(r"[(\[/|=≈~–—:+（［【／｜＝〜：]|\bor\b|\boder\b", gap.replace("≈", "("))
        else raw[:second].strip()
    )


def _add(others: tuple[Value, ...], value: Value) -> tuple[Value, ...]:
    if len(others) >= _MOST_OTHERS or any(other.value == value.value for other in others):
        return others
    return (*others, value)
