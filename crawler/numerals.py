"""Numbers as people write them: digits of all scripts, separators of all locales, Han numerals, fractions.

Public names: NUMBER, HAN_NUMBER, fold_digits, read_number, read_han_number, COMMA_LANGUAGES, POINT_LANGUAGES.

Rules of read_number, each with its reason:
- Two different separators tell the decimal sign: the last one ("1.234,56", "1,234.56", "1 234,56", "1'234.56").
- A separator that stands more than once groups ("1.234.567"), as does an apostrophe or a space before three digits.
- One "." or "," before other than three digits, or after a leading 0, or after more than three digits is the decimal
  sign: nobody groups so ("12.5", "0.123", "1234.567").
- One "." or "," with one to three digits before and three behind means two things. The language settles it (Germans
  write 1.234 for a thousand, Britons 1,234), else the number is not read.
- "10 500" with a plain space is a thousand in French or Russian and two numbers in English: in languages that do not group by
  spaces it is not read. A no-break or thin space says that it is one number, in any language.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from functools import cache

# CLDR's decimal signs: languages whose standard locale writes a comma, and those whose standard locale writes a point.
COMMA_LANGUAGES = frozenset(
    [
        "de",
        "es",
        "fr",
        "pt",
        "it",
        "nl",
        "ru",
        "vi",
        "pl",
        "tr",
        "uk",
        "be",
        "bg",
        "cs",
        "sk",
        "hu",
        "ro",
        "sv",
        "no",
        "nb",
        "nn",
        "da",
        "fi",
        "el",
        "hr",
        "sr",
        "sl",
        "bs",
        "mk",
        "id",
        "lt",
        "lv",
        "et",
        "is",
        "sq",
        "ca",
        "az",
        "kk",
        "hy",
        "ka",
    ]
)
POINT_LANGUAGES = frozenset(
    [
        "en",
        "zh",
        "ja",
        "ko",
        "th",
        "hi",
        "bn",
        "ms",
        "sw",
        "he",
        "ur",
        "ne",
        "tl",
        "fil",
        "ta",
        "te",
        "my",
        "si",
        "zu",
    ]
)
_NO_SPACES = POINT_LANGUAGES | {"vi", "id", "tr", "de", "nl", "el", "ro", "da"}

NUMBER = r"(?:(?<![0-9.,])\.)?[0-9]+(?:[.,'٫][0-9]+|[ \u00a0\u202f\u2009][0-9]{3}(?![0-9]))*"
"""A number in folded text, separators and all. It neither begins nor ends with one, save for the point of ".5"."""
HAN_NUMBER = "[零〇一二三四五六七八九十百千两兩壹贰叁肆伍陆柒捌玖拾佰仟半]+"

_HAN_DIGITS = {char: n for n, chars in enumerate(("零〇", "一壹", "二贰两兩", "三叁", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖")) for char in chars}  # fmt: skip
_HAN_POWERS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_INDIAN = frozenset(("hi", "ur", "ne", "bn", "ta", "te", "mr", "gu", "pa", "ml", "kn", "or", "as"))
_HARD_SPACES = "\u00a0\u202f\u2009"


@cache
def _fold_table() -> dict[int, str]:
    table = {
        code: str(digit)
        for code in range(128, 0x20000)
        if (digit := unicodedata.decimal(chr(code), None)) is not None
    }
    # Fullwidth forms of ASCII, one to one; then apostrophes, spaces and Arabic separators.
    table |= {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F) if code not in table}
    table |= dict.fromkeys(map(ord, "’‘ʼ´٬"), "'")  # the Arabic thousands sign groups, as the apostrophe does
    table |= dict.fromkeys(map(ord, "\u2007\u2008\u200a"), "\u2009")
    table |= dict.fromkeys(map(ord, "\u2002\u2003\u3000\t\n\r\f\v"), " ")
    table |= {ord("−"): "-", ord("￥"): "¥", ord("﹩"): "$", ord("，"): ","}
    return table


def fold_digits(text: str) -> str:
    """The text with the digits and separators of other scripts as ASCII; every character stays at its place."""
    return text if text.isascii() else text.translate(_fold_table())


def read_number(text: str, *, language: str = "") -> Decimal | None:
    """A number with its separators; None where they could mean two things (see the module's rules)."""
    if len(text) > 60:
        return None
    text = fold_digits(text).strip()
    if re.fullmatch(r"[0-9]{1,15}", text):
        return Decimal(text)
    if "٫" in text:  # the Arabic decimal sign is nothing else
        whole, _, rest = text.partition("٫")
        whole = whole.replace("'", "")
        return (
            Decimal(f"{whole}.{rest}") if re.fullmatch("[0-9]{1,15}/[0-9]{1,20}", f"{whole}/{rest}") else None
        )
    soft = re.sub(f"[{_HARD_SPACES}]", " ", text)
    if re.fullmatch(r"\.[0-9]{1,20}", soft):
        return Decimal(f"0{soft}")
    point = _find_point(soft, text, language)
    if not point:
        return None
    plain = "".join(char for char in soft if char.isdigit() or char == point)
    return Decimal(plain.replace(",", "."))


def _find_point(soft: str, text: str, language: str) -> str:
    """The decimal sign of a number with separators ("." where it has none); "" when it could be either."""
    if re.fullmatch(r"[0-9]{1,3}(?:([ '.])[0-9]{3})(?:\1[0-9]{3}){0,4},[0-9]{1,20}", soft):
        return ","
    if re.fullmatch(r"[0-9]{1,3}(?:([ ',])[0-9]{3})(?:\1[0-9]{3}){0,4}\.[0-9]{1,20}", soft):
        return "."
    if re.fullmatch(r"[0-9]{1,3}(?:([ '])[0-9]{3})(?:\1[0-9]{3}){0,4}", soft):
        return "" if " " in text and language in _NO_SPACES else "."
    if match := re.fullmatch(r"([0-9]{1,15})([.,])([0-9]{1,20})", soft):
        if len(match[3]) != 3 or match[1][0] == "0" or len(match[1]) > 3:
            return match[2]
        if language in COMMA_LANGUAGES:
            return ","
        return "." if language in POINT_LANGUAGES else ""
    if re.fullmatch(r"[0-9]{1,3}(?:\.[0-9]{3}){2,5}", soft):
        return ","
    if re.fullmatch(r"[0-9]{1,3}(?:,[0-9]{3}){2,5}", soft):
        return "."
    # "12,34,567" is how India groups: pairs, and three at the end. Elsewhere it is a slip of somebody's pen.
    indian = r"[0-9]{1,2}(?:,[0-9]{2}){1,4},[0-9]{3}(?:\.[0-9]{1,20})?"
    if language in _INDIAN and re.fullmatch(indian, soft):
        return "."
    return ""


def read_han_number(text: str) -> Decimal | None:
    """ "三" -> 3, "二十五" -> 25, "半" -> 0.5, "三半" -> 3.5; None for what is no number up to 9999 ("三两" is none)."""
    if not 0 < len(text) <= 9:
        return None
    half = Decimal("0.5") if text.endswith("半") else Decimal(0)
    body = text[:-1] if half else text
    if not body:
        return half
    total = digit = 0
    last = 10_000
    pending = False
    for char in body:
        if (power := _HAN_POWERS.get(char)) is not None:
            if power >= last or (not pending and not (power == 10 and total == 0)):
                return None
            total, last, digit, pending = total + (digit if pending else 1) * power, power, 0, False
        elif char in "零〇" and total and not pending:
            continue
        elif (value := _HAN_DIGITS.get(char)) is not None and not pending:
            digit, pending = value, True
        else:
            return None
    return Decimal(total + digit) + half
