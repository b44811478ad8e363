"""Amounts and prices out of the forms that sites write, in many locales: right or not read at all.

Public names: Money, Price, Tier, read_number, read_prices, read_price, read_tiers, read_currency, is_only_price, COINS.

The one door to crawler/price.py (what a price asks), amounts.py (which number with which sign), currencies.py and numerals.py; the
rules, each with its reason, stand there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from crawler.amounts import fold_price
from crawler.currencies import COINS, find_code, find_signs
from crawler.numerals import NUMBER, read_number
from crawler.price import Price, Tier, find_per_word, read_price, read_tiers

__all__ = [
    "COINS",
    "Money",
    "Price",
    "Tier",
    "is_only_price",
    "read_currency",
    "read_number",
    "read_price",
    "read_prices",
    "read_tiers",
]


@dataclass(frozen=True)
class Money:
    """An amount in a currency (ISO 4217 or a coin's code) as it stood in `raw`; unit: "g" for "per gram", else ""."""

    amount: Decimal
    currency: str
    raw: str
    unit: str = ""


def read_currency(text: str) -> str:
    """The currency's code of a sign or word: "€" -> "EUR"; "" when it says none or could be several."""
    return find_code(text)


def read_prices(text: str, *, language: str = "", currency: str = "") -> tuple[Money, ...]:
    """The price of a value in all currencies that it is written in, in order: "BTC 0.01 ($ 430)" gives the coin first.

    `currency` is what the label says ("Price (USD)"). A range, a "from", or a number that could mean two things makes
    the whole value unread, for a wrong price is worse than none. The unit is the word as written.
    """
    text = text[:300]
    price = read_price(text, language=language, default_currency=currency)
    if price is None or price.amount is None or price.kind not in ("exact", "holding"):
        return ()
    unit = find_per_word(text, price)
    first = Money(price.amount, price.currency, price.raw, unit)
    return (first, *(Money(other.amount, other.currency, other.raw) for other in price.others))


def is_only_price(text: str) -> bool:
    """Is the whole text one or more prices and nothing else: "BTC 0.01 ($ 430)"?"""
    return 0 < len(text) <= 60 and _is_only_price(text)


@lru_cache(maxsize=8192)
def _is_only_price(text: str) -> bool:
    folded = fold_price(text)
    numbers = list(_NUMBERS.finditer(folded))
    if not numbers:
        return False
    rest = list(folded)
    signs = find_signs(folded)
    for start, end in [*((sign[0], sign[1]) for sign in signs), *(match.span() for match in numbers)]:
        rest[start:end] = " " * (end - start)
    return bool(signs) and bool(numbers) and not any(map(str.isalnum, rest))


_NUMBERS = re.compile(NUMBER)
