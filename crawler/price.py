"""What a price asks for: how much, in which currency, for what, and in which sense (exact, from, a range, by arrangement).

Public names: Price, Other, Tier, read_price, read_tiers, find_per_word.

Which single amounts are read is told in crawler/amounts.py and crawler/currencies.py. Here, with its reason:
- Two amounts of one currency that are no range, an amount with another number right beside it, "5 x $10", "about $50" and a
  negative amount are unread: which of them is the price is a guess.
- "10 - 500 $" is more likely a tier (ten for 500) than a range, so a range whose upper end is more than ten times the lower is
  read only where both ends have their sign, and "10 - $500" not at all.
- "from" and "up to" count right before or behind the amount; elsewhere in the text they leave it unread.
- "10 g - $590" asks 590 for the ten grams together: a lot, never a price per gram.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise

from crawler import pricewords as words
from crawler.amounts import MAX_TEXT, Amount, fold_price, read_amount, scan_amounts
from crawler.currencies import COINS, is_holding
from crawler.numerals import read_number
from crawler.quantity import find_quantities
from crawler.units import find_unit


@dataclass(frozen=True)
class Other:
    """The same price in another currency."""

    amount: Decimal
    currency: str
    raw: str


@dataclass(frozen=True)
class Price:
    """What a text asks. kind: exact, from, up_to, range, negotiable or holding.

    amount and currency: of the first price written; None and "" for a bare "negotiable". to: the upper end of a range. unit: the code
    of crawler/quantity.py when the price is for one of it ("g"). lot: amount and unit when it is for several ("10 g - $590").
    others: the same price in other currencies, in the order written. raw is text[start:end].
    """

    amount: Decimal | None
    currency: str
    kind: str
    raw: str
    start: int = 0
    end: int = 0
    to: Decimal | None = None
    unit: str = ""
    lot: tuple[Decimal, str] | None = None
    others: tuple[Other, ...] = ()


@dataclass(frozen=True)
class Tier:
    """A price for so much: 10 "g" for 590 USD."""

    amount: Decimal
    unit: str
    price: Price


def read_price(text: str, *, language: str = "", default_currency: str = "") -> Price | None:
    """The price that a value states; None where it states none, or could state two. The caller keeps the text.

    language: ISO 639-1, "" when not known. default_currency: what a label or the site says for numbers without a sign.
    """
    return _read(text, language, default_currency.upper()) if 0 < len(text) <= MAX_TEXT else None


@lru_cache(maxsize=2048)  # a page is asked several times for the same text, and a list has the same prices
def _read(text: str, language: str, default: str) -> Price | None:
    folded = fold_price(text)
    wordy = any(map(str.isalpha, folded))  # "$1,234.56" needs none of the words looked for
    negotiable = words.NEGOTIABLE.search(folded) if wordy else None
    if not any(map(str.isdigit, folded)):
        return Price(None, "", "negotiable", negotiable[0], *negotiable.span()) if negotiable else None
    amounts = scan_amounts(folded, language=language, default=default)
    if not amounts or (wordy and words.UNSURE.search(folded)):
        return None
    found = _read_range(amounts, text, folded, language)
    if found is None:
        found = _read_single(amounts, text, folded)
    if found is None or found.amount is None:
        return None
    if wordy:
        found = _add_unit(found, folded, language)
    if negotiable and found.kind == "exact":
        return replace(found, kind="negotiable")
    if found.kind == "exact" and is_holding(found.amount or Decimal(0), found.currency):
        return replace(found, kind="holding")
    return found


def read_tiers(text: str, *, language: str = "", default_currency: str = "") -> tuple[Tier, ...]:
    """The tiers of a price list in one text ("1 g $80; 10 g $700"), at most 50; empty unless it has two."""
    tiers = []
    for part in re.split(r"[\n;|•]|,\s|\s/\s", text[:4000])[:60]:
        price = read_price(part.strip(), language=language, default_currency=default_currency)
        if price is None or price.amount is None or price.kind not in ("exact", "holding"):
            continue
        lot = price.lot or ((Decimal(1), price.unit) if price.unit else None)
        if lot is not None:
            tiers.append(Tier(*lot, price))
    return tuple(tiers[:50]) if len(tiers) > 1 else ()


def find_per_word(text: str, price: Price) -> str:
    """The word that stands for one unit right behind a price ("lạng" in "35tr/lạng"), in lower case; "" when none does."""
    match = words.PER_AFTER.match(fold_price(text), price.end)
    return (match["unit"] or "").lower() if match is not None and price.unit and not price.lot else ""


def _read_range(amounts: Sequence[Amount], text: str, folded: str, language: str) -> Price | None:
    """A range of two numbers in one currency; a Price without an amount where it is a range that is not sure."""
    for first, second in pairwise(amounts):
        gap = folded[first.end : second.start]
        codes = {amount.currency for amount in (first, second) if amount.currency}
        if not words.RANGE.fullmatch(gap) or len(codes) != 1:
            continue
        if words.AND.fullmatch(gap) and not words.BETWEEN.search(folded[: first.start]):
            continue
        unsure = Price(None, "", "range", "")
        if len(amounts) != 2:
            return unsure
        ends = _read_ends(first, second, codes.pop(), language)
        if ends is None or not 0 < ends[0] < ends[1]:
            return unsure
        code = first.currency or second.currency
        return Price(
            ends[0], code, "range", text[first.start : second.end], first.start, second.end, to=ends[1]
        )
    return None


def _read_ends(first: Amount, second: Amount, code: str, language: str) -> tuple[Decimal, Decimal] | None:
    if first.amount is not None and second.amount is not None and (first.power or not second.power):
        return first.amount, second.amount
    if second.sign_before and not first.sign_before:
        return None  # "10 - $500": ten for 500?
    if first.sign_after and not second.sign_after:
        return None
    high = second.amount or read_amount(second.number, code, language, power=second.power, tail=second.tail)
    low = first.amount
    if second.power and not first.power and (low is None or not first.sign_before):
        low = read_amount(first.number, code, language, power=second.power)  # "35-40tr"
        if low is not None and high is not None and low >= high:
            low = None  # "500-2k"
    elif low is None:
        low = read_amount(first.number, code, language, power=first.power, tail=first.tail)
    if low is None or high is None or high > 10 * low:
        return None
    return low, high


def _read_single(amounts: Sequence[Amount], text: str, folded: str) -> Price | None:
    """One amount, perhaps with the same in other currencies; None where several could be meant."""
    signed = [amount for amount in amounts if amount.amount is not None]
    if not signed or len({amount.currency for amount in signed}) != len(signed) or len(signed) > 6:
        return None
    bare = [amount for amount in amounts if amount.amount is None]
    for one in signed:
        if any(_is_close(folded, one, other) for other in bare):
            return None
    first = signed[0]
    if first.amount == 1 and first.currency in COINS and re.match(r"\s*[=≈~]", folded[first.end :]):
        return None  # "1 BTC = $43000" is a rate
    if not (first.sign_before or first.sign_after) and (bare or len(signed) > 1):
        return None
    if re.search(r"(?:^|[\s(])[-−]$", folded[: first.start]) and not re.search(
        r"[^\s(]\s*[-−]$", folded[: first.start]
    ):
        return None  # negative
    kind = _find_kind(folded, first.start, first.end)
    if not kind:
        return None
    others = tuple(
        Other(amount.amount, amount.currency, text[amount.start : amount.end])
        for amount in signed[1:]
        if amount.amount is not None
    )
    return Price(
        first.amount,
        first.currency,
        kind,
        text[first.start : first.end],
        first.start,
        first.end,
        others=others,
    )


def _is_close(folded: str, one: Amount, other: Amount) -> bool:
    gap = folded[other.end : one.start] if other.end <= one.start else folded[one.end : other.start]
    return not gap.strip(" \u00a0\u202f.,'") or bool(words.TIMES.fullmatch(gap) or words.RANGE.fullmatch(gap))


def _find_kind(folded: str, start: int, end: int) -> str:
    """In which sense an amount is meant by the words right beside it; "" where words elsewhere leave it open."""
    before, after = folded[max(0, start - 24) : start], folded[end : end + 24]
    if words.TIMES.search(before) or words.TIMES_AFTER.match(after):
        return ""
    if (
        words.FROM_BEFORE.search(before)
        or words.FROM_AFTER.match(after)
        or re.search(r"[0-9] ?\+", folded[start:end])
    ):
        return "from"
    if words.UP_TO_BEFORE.search(before) or words.UP_TO_AFTER.match(after):
        return "up_to"
    return "" if words.FROM_ANYWHERE.search(folded) else "exact"


def _add_unit(price: Price, folded: str, language: str) -> Price:
    """What the price is for: "/g", "per piece", "за грамм" behind it; "each", "1克" or "10 g -" before it."""
    if not folded[: price.start].strip() and not folded[price.end :].strip():
        return price  # "USD 5.00" says nothing of it
    last = price.end
    for other in re.finditer(r"[)\]]", folded[price.end : price.end + 40]):
        last = price.end + other.end()
    for match in (words.PER_AFTER.match(folded, price.end), words.PER_AFTER.match(folded, last)):
        if match is not None and (unit := _name_unit(match, language)):
            return _set_unit(price, unit, match["lot"], language)
    before = folded[: price.start]
    match = words.PER_BEFORE.search(before[-40:])
    if match is not None and (unit := _name_unit(match, language)):
        return _set_unit(price, unit, match["lot"], language)
    quantities = find_quantities(before, language=language)
    if len(quantities) == 1 and words.AT_EACH.fullmatch(before[quantities[0].end :]):
        return replace(price, unit=quantities[0].unit)
    if len(quantities) == 1 and words.LOT_BEFORE.fullmatch(before[quantities[0].end :]):
        one = quantities[0]
        return (
            replace(price, unit=one.unit) if one.amount == 1 else replace(price, lot=(one.amount, one.unit))
        )
    return price


def _name_unit(match: re.Match[str], language: str) -> str:
    parts = match.groupdict()
    if parts.get("each"):
        return "piece"
    word = parts.get("unit") or parts.get("suffix") or ""
    return "piece" if word.lower() == "st" else find_unit(word, language=language, lenient=True)


def _set_unit(price: Price, unit: str, lot: str | None, language: str) -> Price:
    if lot is None:
        return replace(price, unit=unit)
    amount = read_number(lot, language=language)
    if amount is None or amount == 0:
        return price
    return replace(price, unit=unit) if amount == 1 else replace(price, lot=(amount, unit))
