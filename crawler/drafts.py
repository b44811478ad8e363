"""The fields of one page while they fill up: of two values the surer one stays, and a contradiction makes it less sure.

Public names: Draft.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from crawler import fields as f
from crawler.html import Element, where_of
from crawler.regions import Page
from crawler.values import Value

_CONTRADICTED = 0.6
_SURER = 0.05
_MOST_OTHERS = 5


class Draft:
    """`fields`: what was read so far. `language`, `day_first`: what the page's labels and dates say of its custom."""

    def __init__(self, page: Page, *, captured_at: datetime, language: str, day_first: bool | None) -> None:
        self.page = page
        self.captured_at = captured_at
        self.language = language
        self.day_first = day_first
        self.fields: dict[str, Value] = {}

    def put(self, name: str, value: Any, raw: str, element: Element, sure: float) -> bool:
        """Keep the surer one; of two that differ and are equally sure the first, but less sure. True when it is kept.
        What is not kept stays among the others."""
        if value is None or value == "" or value == ():
            return False
        old = self.fields.get(name)
        if old is None or old.value is None:
            self.fields[name] = Value(value, raw, where_of(element), sure)
            return True
        if old.value == value:
            return False
        new = Value(value, raw, where_of(element), sure)
        if old.sure < sure - _SURER:
            self.fields[name] = replace(new, others=_add(old.others, replace(old, others=())))
            return True
        self.fields[name] = replace(old, sure=min(old.sure, _CONTRADICTED), others=_add(old.others, new))
        return False

    def put_raw(self, name: str, raw: str, element: Element) -> None:
        """Keep the text of what could not be read, unless something was."""
        if name not in self.fields:
            self.fields[name] = Value(None, raw, where_of(element), 0.2)

    def put_prices(self, prices: tuple[f.Money, ...], raw: str, element: Element, sure: float) -> None:
        """The first price is the listing's, as the page puts it first; the others are the same in other currencies."""
        if not self.put("price_amount", prices[0].amount, prices[0].raw, element, sure):
            return
        self.fields.pop("prices_other", None)
        for name, value, text in (
            ("price_text", raw[:200], raw),
            ("price_currency", prices[0].currency, prices[0].raw),
            ("price_unit", prices[0].unit, prices[0].raw),
        ):
            self.fields.pop(name, None)
            self.put(name, value, text, element, sure)
        others = tuple({"amount": p.amount, "currency": p.currency} for p in prices[1:])
        self.put("prices_other", others, raw, element, sure - 0.1)

    def read_date(self, text: str, language: str = "") -> datetime | None:
        return f.read_date(
            text, captured_at=self.captured_at, language=self.language or language, day_first=self.day_first
        )


def _add(others: tuple[Value, ...], value: Value) -> tuple[Value, ...]:
    if len(others) >= _MOST_OTHERS or any(other.value == value.value for other in others):
        return others
    return (*others, value)
