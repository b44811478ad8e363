"""What a reader gives back: Value, Card, PageReading, and their form as JSON.

Public names: Value, Card, PageReading, as_json.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Value:
    """One field: its value (text, Decimal, datetime, tuple of texts or of dicts), the text it was read from, where on
    the page (a CSS path), and how sure the reader is (0 to 1). value is None where only the raw text is known.
    others: what else the page says of the same field, each with its own text and place."""

    value: Any
    raw: str
    where: str
    sure: float
    others: tuple[Value, ...] = ()


@dataclass(frozen=True)
class Card:
    """One result of a list: a listing seen from outside."""

    title: str
    url: str
    seller: str = ""
    price_amount: Decimal | None = None
    price_currency: str = ""
    raw: str = ""
    sold: Decimal | None = None
    quantity: str = ""


@dataclass(frozen=True)
class PageReading:
    """What one reader made of one page. `kind` is a page kind or a gate kind; leftovers are labels nobody knew."""

    kind: str
    confidence: float
    fields: Mapping[str, Value] = field(default_factory=dict)
    leftovers: tuple[tuple[str, str], ...] = ()
    cards: tuple[Card, ...] = ()
    language: str = ""
    notes: tuple[str, ...] = ()

    def text(self, name: str) -> str:
        """A field's value as text; "" when it was not read."""
        found = self.fields.get(name)
        return found.value if found is not None and isinstance(found.value, str) else ""


def as_json(fields: Mapping[str, Value]) -> dict[str, Any]:
    """Fields as stored: Decimals and dates as text, tuples as lists."""
    return {name: _as_json(name, value) for name, value in fields.items()}


def _as_json(name: str, value: Value) -> dict[str, Any]:
    found = {
        "value": _plain(value.value),
        "raw": value.raw[:2000] if name != "description" else "",
        "where": value.where,
        "sure": round(value.sure, 3),
    }
    if value.others:
        found["others"] = [_as_json(name, other) for other in value.others]
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value
