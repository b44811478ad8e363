"""What stands on a card, and whether it says something else than a reading does.

Public names: CardRow, find_same, make_fields.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from storage.grouping import check_amount
from storage.tables import Reading
from storage.types import clean_text

_CUT_WITHOUT_SIGN = 20
"""Letters from which on a title that begins another one is that title, cut off."""


@dataclass(frozen=True)
class CardRow:
    """One card: the site's own key of what it shows, the address, and what stands on it. text: all of it, for the record."""

    key: str
    url: str
    title: str
    content_sha256: str
    seller: str = ""
    price_amount: Decimal | None = None
    price_currency: str = ""
    text: str = ""


def find_same(card: CardRow, known: Sequence[Reading]) -> Reading | None:
    """The present reading, or the newest of a card, when it says what the card says."""
    for reading in (known[0], known[-1]):
        if _same_title(card.title, reading.title) and _same_price(card, reading):
            return reading
    return None


def _same_title(one: str, other: str) -> bool:
    """Lists cut long titles off, with a sign or without."""
    first, second = (" ".join(clean_text(text).casefold().split()) for text in (one, other))
    short, long = sorted((first.rstrip(".… "), second.rstrip(".… ")), key=len)
    if short == long:
        return True
    signed = any(text.endswith(("…", "...")) for text in (first, second))
    return long.startswith(short) and len(short) >= (5 if signed else _CUT_WITHOUT_SIGN)


def _same_price(card: CardRow, reading: Reading) -> bool:
    """No price says nothing; one in another currency moves with the rate and says nothing either."""
    if card.price_amount is None:
        return True
    prices = _read_prices(reading.fields)
    if not prices:
        return False
    same_currency = [amount for amount, currency in prices if currency == card.price_currency]
    return not same_currency or card.price_amount in same_currency


def _read_prices(fields: Mapping[str, Any]) -> list[tuple[Decimal, str]]:
    """All prices of a reading: its own and those of its tiers."""

    def plain(name: str) -> Any:
        field = fields.get(name)
        return field.get("value") if isinstance(field, Mapping) else None

    currency = str(plain("price_currency") or "")
    found = [(plain("price_amount"), currency), (plain("price_to"), currency)]
    for name in ("prices", "tiers", "price_tiers"):
        rows = plain(name)
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, Mapping):
                found.append(
                    (
                        row.get("amount") or row.get("price") or row.get("price_amount"),
                        str(row.get("currency") or row.get("price_currency") or currency),
                    )
                )
    prices = []
    for amount, code in found:
        try:
            prices.append((Decimal(str(amount)), code))
        except InvalidOperation:
            continue
    return prices


def make_fields(card: CardRow) -> dict[str, Any]:
    values: dict[str, Any] = {"title": card.title, "seller": card.seller}
    if (amount := check_amount(card.price_amount)) is not None:
        values |= {
            "price_amount": format(amount, "f"),
            "price_currency": card.price_currency,
        }
    return {
        name: {
            "value": value,
            "raw": card.text[:600] if name == "title" else "",
            "where": "card",
            "sure": 0.7,
        }
        for name, value in values.items()
        if value
    }
