"""Amounts of money in a text: numbers with the currency signs and the powers of ten that belong to them.

Public names: Amount, scan_amounts, read_amount, fold_price.

Rules that decide whether an amount is read, each with its reason:
- Numbers follow crawler/numerals.py: separators that could mean two things stay unread without a language.
- Money has no three decimals: "1.234 €" is 1234 in a German text and unread in an English one; "1,200 USD" is unread in a German
  text, where it is more likely English than 1.2. (Dinars with three decimals are on no list of ours.)
- A coin amount such as 0.123 is never thousands, and "1.234 BTC" is a little over one; "1,234 BTC" hangs on the language.
- Where no small coin is in use (đồng, yen, rupiah …) three digits behind a separator are thousands; "35 đ" without a "tr" or
  "k" is nobody's price and stays unread.
- A number between two signs that do not agree ("$ 430 BTC") is unread.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from price_parser import Price as SecondOpinion

from crawler.currencies import CODES, EXACT_COINS, NO_CENTS, find_signs, settle_sign
from crawler.numerals import NUMBER, fold_digits, read_number
from crawler.pricewords import POWER, read_power
from crawler.units import UNIT, find_unit

MAX_TEXT = 300
MAX_NUMBERS = 24
"""A text with more of them is a list or an attack, never the price of one thing."""
_NUMBERS = re.compile(NUMBER)
_UNIT_AFTER = re.compile(rf" ?(?P<unit>{UNIT})", re.IGNORECASE)
_FLOORS = {"VND": 500, "IDR": 100, "LAK": 500, "KHR": 100, "IRR": 1000}
_TRIM = re.compile(r"([0-9](?:[0-9]|[.'][0-9]{3})*)([.,](?:-{1,2}|–|—))(?![0-9])")  # "1.250,- €", "50,-- €"

_Sign = tuple[int, int, str]


@dataclass(frozen=True)
class Amount:
    """One number of a text. currency and amount are "" and None where nothing said which currency it is in.

    number, power and tail are its written parts: "2tr5" has number 2, power 1,000,000 and tail 5. text[start:end] is all of it,
    with its signs, which stand before or after it.
    """

    amount: Decimal | None
    currency: str
    start: int
    end: int
    number: str
    power: int = 0
    tail: str = ""
    sign_before: bool = False
    sign_after: bool = False


def fold_price(text: str) -> str:
    """The text as it is scanned: ASCII digits, the dash of "50,- €" as blanks; every character stays at its place."""
    # The dash stands for the cents, so a point before it groups.
    return _TRIM.sub(lambda match: match[1].replace(".", "'") + " " * len(match[2]), fold_digits(text))


def scan_amounts(folded: str, *, language: str = "", default: str = "") -> list[Amount] | None:
    """All numbers of a folded text that may be money, in order; None when one with a sign could mean two things.

    Numbers that are quantities ("10 g"), shares ("10 %"), times or parts of words are left out.
    """
    folded = folded[:MAX_TEXT]
    signs = find_signs(folded)
    used: set[int] = set()
    found: list[Amount] = []
    skip = -1
    numbers = list(_NUMBERS.finditer(folded))
    if len(numbers) > MAX_NUMBERS:
        return None
    for place, match in enumerate(numbers):
        if match.start() < skip or not _stands_alone(folded, match, signs):
            continue
        end, power, tail = _find_power(folded, match, language, numbers[place + 1 : place + 2])
        skip = end
        before, after = _find_before(folded, match.start(), signs, used), _find_after(folded, end, signs)
        if before is None and after is None:
            if not _is_other(folded, end, power, language):
                found.append(_make_bare(folded, match, (end, power, tail), language, default))
            continue
        code, taken = _choose(folded, match, before, after, signs, language, default)
        if not code:
            return None
        used.update(sign[0] for sign in taken)
        amount = read_amount(match[0], code, language, power=power, tail=tail)
        if amount is None:
            return None
        found.append(
            Amount(
                amount, code, min(match.start(), taken[0][0]), max(end, taken[-1][1]), match[0], power, tail,
                taken[0][0] < match.start(), taken[-1][0] > match.start(),
            )
        )  # fmt: skip
    return found


def read_amount(number: str, code: str, language: str, *, power: int = 0, tail: str = "") -> Decimal | None:
    """A written number as an amount of a currency; None where it could mean two things."""
    number = number.strip()
    if tail:
        # "2tr5" is two and a half million: the digits behind the word are decimals of it.
        return _tidy(Decimal(f"{number}.{tail}") * power) if number.isdigit() and len(number) < 7 else None
    if code in EXACT_COINS:
        match = re.fullmatch(r"([0-9]{0,9})([.,])([0-9]{1,18})", number)
        if match and (match[2] == "." or len(match[3]) != 3 or match[1] == "0"):
            return Decimal(f"{match[1] or 0}.{match[3]}") * (power or 1)
        amount = read_number(number, language=language)
        return None if amount is None else amount * (power or 1)
    if code in NO_CENTS and not power and re.fullmatch(r"[1-9][0-9]{0,2}[.,][0-9]{3}", number):
        return Decimal(re.sub("[.,]", "", number))
    if not language and (power or code == "INR"):
        language = {"VND": "vi", "INR": "hi"}.get(code, "")
    amount = read_number(number, language=language)
    if amount is None:
        return None
    if power:
        return _tidy(amount * power)
    if (amount.as_tuple().exponent == -3 and number[0] not in "0.") or 0 < amount < _FLOORS.get(code, 0):
        return None
    return amount if _is_agreed(number, amount) else None


def _is_agreed(number: str, amount: Decimal) -> bool:
    """price-parser as the second opinion: where it reads another amount from the same digits, something is odd."""
    if not re.search("[.,]", number):
        return True
    decimals = -int(amount.as_tuple().exponent)
    comma = "," in number[-decimals - 1 :] if decimals > 0 else "." in number
    other = SecondOpinion.fromstring(number, decimal_separator="," if comma else ".").amount
    return other is None or other == amount


def _tidy(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal(1)) if amount == amount.to_integral_value() else amount


def _is_other(folded: str, end: int, power: int, language: str) -> bool:
    """Is a number without a sign a share, a time or a quantity?"""
    if folded[end : end + 2].lstrip()[:1] in ("%", "°") or re.match(":[0-9]", folded[end:]):
        return True
    unit = None if power else _UNIT_AFTER.match(folded, end)
    return unit is not None and bool(find_unit(unit["unit"], language=language, lenient=True))


def _make_bare(
    folded: str, match: re.Match[str], parts: tuple[int, int, str], language: str, default: str
) -> Amount:
    end, power, tail = parts
    code = default if default in CODES else ""
    word = folded[match.end() : end].strip().lower()
    if not code and power:
        # The word for the power of ten tells the country: nobody else counts in triệu, and in Chinese 万 are yuan.
        if word.startswith(("tr", "tỷ", "tỉ", "củ")) or (language == "vi" and word.startswith(("k", "ng"))):
            code = "VND"
        elif word.startswith("万"):
            code = {"zh": "CNY", "ja": "JPY"}.get(language, "")
    amount = read_amount(match[0], code, language, power=power, tail=tail) if code else None
    return Amount(amount, code if amount is not None else "", match.start(), end, match[0], power, tail)


def _stands_alone(folded: str, match: re.Match[str], signs: Sequence[_Sign]) -> bool:
    """Is a number no part of a word, a time or an identifier ("nk88", "#12", "12:30")?"""
    start = match.start()
    before = folded[start - 1 : start] if start else ""
    if before in ("#", "_", ".", ",") and before:
        return False
    if before == ":" and folded[start - 2 : start - 1].isdigit():
        return False
    if before.isalpha() and before < "\u0e00":
        return any(end == start for _, end, _ in signs) or before in "x×"
    return True


def _find_power(
    folded: str, match: re.Match[str], language: str, following: Sequence[re.Match[str]]
) -> tuple[int, int, str]:
    """Where the number ends with its power of ten, the factor (0 for none), and digits behind it ("2tr5" -> "5")."""
    found = POWER.match(folded, match.end())
    factor = read_power(found["word"], language) if found is not None else None
    if found is None or factor is None:
        # "$1.2m": only glued, and only behind a sign, for a metre and a month are written so too.
        if re.match(r"[mM](?![^\W\d_])", folded[match.end() : match.end() + 2]) and folded[
            : match.start()
        ].rstrip()[-1:] in tuple("$€£"):
            return match.end() + 1, 10**6, ""
        return match.end(), 0, ""
    if following and following[0].start() == found.end() and re.fullmatch("[0-9]{1,3}", following[0][0]):
        return following[0].end(), factor, following[0][0]
    return found.end(), factor, ""


def _find_before(folded: str, start: int, signs: Sequence[_Sign], used: set[int]) -> _Sign | None:
    for sign in reversed(signs):
        if sign[1] <= start:
            near = start - sign[1] <= 3 and not folded[sign[1] : start].strip(" \u00a0\u202f+(:")
            return sign if near and sign[0] not in used else None
    return None


def _find_after(folded: str, end: int, signs: Sequence[_Sign]) -> _Sign | None:
    for sign in signs:
        if sign[0] >= end:
            return sign if sign[0] - end <= 4 and not folded[end : sign[0]].strip(" \u00a0\u202f+") else None
    return None


def _choose(
    folded: str, match: re.Match[str], before: _Sign | None, after: _Sign | None, signs: Sequence[_Sign],
    language: str, default: str,
) -> tuple[str, list[_Sign]]:  # fmt: skip
    """The currency of a number between two signs, and the signs that belong to it; "" where that is not sure."""
    number = match[0]
    rough = read_number(number, language=language or "de") or read_number(number, language="en")

    def settle(sign: _Sign | None, around: str = folded, default: str = default) -> str:
        if sign is None:
            return ""
        return settle_sign(
            sign[2], amount=rough, number=number, around=around, language=language, default=default
        )

    if before is not None and before[2] in ("$", "¥"):
        # "AUD $50": the code in front of the sign says which dollar.
        outer = _find_before(folded, before[0], signs, set())
        code = settle(outer)
        if outer is not None and code and settle(before, "", code) == code:
            return code, [outer, before]
    first, second = settle(before), settle(after)
    if before is None or after is None:
        return (
            (first, [before]) if before is not None else (second, [after]) if after is not None else ("", [])
        )
    if first == second != "":
        return first, [before, after]
    if second and settle(before, "", second) == second:
        return second, [before, after]  # "$50 AUD"
    if re.match(r"[\s:]{0,2}[0-9]", folded[after[1] : after[1] + 3]):
        return first, [before]  # "BTC 0.01 $ 430": the second sign belongs to the next number
    if not first and before[2].isalpha():
        return second, [after]  # "real 50 €"
    return (first, [before]) if not second and after[2].isalpha() else ("", [])
