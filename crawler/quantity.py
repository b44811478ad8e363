"""Quantities out of what sites write: an amount and its unit, in many languages and scripts, and grams where that is sure.

Public names: Quantity, read_quantity, find_quantities, to_grams.

Codes of units: g, kg, mg, oz, lb, carat, tola, tael, liang, lang, luong, chi, jin, can, cm, mm, inch, ml, piece, pair, set,
tusk. "lang" is the Vietnamese lạng, "luong" the lượng (also cây) of gold and of medicine, "can" the cân, "jin" the Chinese 斤.

What is not read, because it would be read wrongly: ranges ("3-5 g") and measures in several directions ("10x4 cm"), numbers
that could mean two things ("1.234 g" without a language), "18 carat gold" (fineness, not weight), "ein paar" (a few), the
tail of a number in words ("twenty two grams"), and words that are units in one language only, in a text of another.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from crawler.numerals import HAN_NUMBER, NUMBER, fold_digits, read_han_number, read_number
from crawler.units import THAI_NUMBER, UNIT, find_number_word, find_unit, is_compound

MAX_TEXT = 20_000
"""Longer texts are read up to here: what is sold is said at the beginning, and every character costs time."""
MAX_FOUND = 200

_VULGAR = "[¼½¾⅓⅔⅛⅜⅝⅞⅕]"
_SIZES = 'in(?![^\\W_])|"|”'  # "12in" and '12"' only where they touch the number: "5 in stock" is none
_AMOUNT = (
    rf"(?:(?P<whole>[0-9]{{1,3}})[ -])?(?P<top>[0-9]{{1,2}})/(?P<bottom>[0-9]{{1,2}})(?![0-9/])"
    rf"|(?P<before>[0-9]{{1,4}})? ?(?P<vulgar>{_VULGAR})"
    rf"|(?P<number>{NUMBER})"
    rf"|(?P<han>(?<![第零〇一二三四五六七八九十百千两兩半]){HAN_NUMBER}?)"
    rf"|(?P<thai>{THAI_NUMBER})"
)
_EDGE = r"(?<![0-9A-Za-z\u00c0-\u024f\u0370-\u052f\u1e00-\u1eff.,/#$€£¥_])"
_NUMERIC = re.compile(
    rf"{_EDGE}(?:{_AMOUNT})(?: ?-? ?(?P<unit>{UNIT})|(?P<size>{_SIZES}))(?P<rest>半(?![斤两兩公克对對件个個])|rưỡi)?",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+")
_WORDED = re.compile(rf"(?: an?)?[ -](?P<unit>{UNIT})", re.IGNORECASE)
_PART_OF_MORE = re.compile(r"[0-9](?: ?[^\W\d_\s]{1,9}\.?)? ?(?:-|–|—|~|〜|\.\.\.?|…|\+|[x×*х]|to|bis|до|à|hasta|đến|至|到) ?$", re.IGNORECASE)  # fmt: skip
_MEASURES = frozenset("个個件对對双雙支根颗粒条只隻串枚套斤克公")
_FINENESS = re.compile(
    r"[ -]?(?:solid |white |yellow |rose |de |d')?(?:gold|oro|or\b|ouro|goud|золот|złot|altın|vàng|金|emas|guld)",
    re.IGNORECASE,
)
_ARTICLES = frozenset(("a", "an", "o"))
_FEW = frozenset(("ein", "een", "en", "ett", "et"))


@dataclass(frozen=True)
class Quantity:
    """`amount` of `unit`, as it stood in `raw`, which is text[start:end]."""

    amount: Decimal
    unit: str
    raw: str
    start: int
    end: int


def read_quantity(text: str, *, language: str = "") -> Quantity | None:
    """The quantity that is the whole of a text; None when there is more in it, or nothing sure."""
    if len(text) > 80:
        return None
    for found in _find(text, language):
        before, after = text[: found.start], text[found.end :]
        if not before.strip(" \u00a0(:~[") and not after.strip(" \u00a0).,;]"):
            return None if "~" in before else found
    return None


def find_quantities(text: str, *, language: str = "") -> list[Quantity]:
    """All quantities in a text, in order, at most 200 of its first 20,000 characters."""
    found = []
    for quantity in _find(text[:MAX_TEXT], language):
        # "一个" is how Chinese says "a": a seller, a week.
        if quantity.raw not in ("一个", "一個"):
            found.append(quantity)
        if len(found) >= MAX_FOUND:
            break
    return sorted(found, key=lambda quantity: quantity.start)


def _find(text: str, language: str) -> Iterator[Quantity]:
    folded = fold_digits(text).replace("\u00a0", " ").replace("\u2009", " ").replace("\u202f", " ")
    hard = fold_digits(text)
    taken: list[tuple[int, int]] = []
    for match in _NUMERIC.finditer(folded):
        found = _settle(match, text, folded, hard, language)
        if found is not None:
            taken.append((found.start, found.end))
            yield found
    for word in _WORD.finditer(folded):
        amount = find_number_word(word[0], language=language)
        tail = _WORDED.match(folded, word.end()) if amount is not None else None
        if amount is None or tail is None or any(start <= word.start() < end for start, end in taken):
            continue
        unit = find_unit(tail["unit"], language=language)
        if unit and not _is_idiom(folded, word, unit):
            yield Quantity(amount, unit, text[word.start() : tail.end()], word.start(), tail.end())


def _settle(match: re.Match[str], text: str, folded: str, hard: str, language: str) -> Quantity | None:
    amount = _read_amount(match, hard, language)
    unit = "inch" if match["size"] else find_unit(match["unit"], language=language)
    if amount is None or not unit or _PART_OF_MORE.search(folded, max(0, match.start() - 24), match.start()):
        return None
    if match["size"] in ('"', "”") and text.count('"', 0, match.start()) % 2:
        return None  # a closing quotation mark
    if unit == "liang" and folded[match.end() : match.end() + 1] in _MEASURES:
        return None  # "三两个" is "two or three"
    if unit == "carat" and _FINENESS.match(folded, match.end()):
        return None
    if match["unit"] == "G" and match[0] in ("2G", "3G", "4G", "5G", "6G"):
        return None
    if match["rest"]:
        amount += Decimal("0.5")
    return Quantity(amount, unit, text[match.start() : match.end()], match.start(), match.end())


def _read_amount(match: re.Match[str], hard: str, language: str) -> Decimal | None:
    if match["number"]:
        start, end = match.span("number")
        return read_number(hard[start:end], language=language)
    if match["top"]:
        top, bottom = int(match["top"]), int(match["bottom"])
        if not 0 < top < bottom or bottom not in (2, 3, 4, 5, 8, 10, 16):
            return None
        return Decimal(match["whole"] or 0) + Decimal(top) / Decimal(bottom)
    if match["vulgar"]:
        top_text, _, bottom_text = unicodedata.normalize("NFKC", match["vulgar"]).partition("⁄")
        return Decimal(match["before"] or 0) + Decimal(top_text) / Decimal(bottom_text)
    if match["han"]:
        return read_han_number(match["han"])
    return find_number_word(match["thai"])


def _is_idiom(folded: str, word: re.Match[str], unit: str) -> bool:
    """Is a number in words no count: "ein paar", "$50 a gram", "twenty two grams", "one and a half kilo"?"""
    before = (
        folded[max(0, word.start() - 16) : word.start()].rstrip(" -").rpartition(" ")[2].rpartition("-")[2]
    )
    if is_compound(before) or find_number_word(before) is not None or before[-1:].isdigit():
        return True
    lower = word[0].lower()
    if lower in _ARTICLES:
        return unit not in ("pair", "set", "tusk")
    return unit == "pair" and lower in _FEW and not folded.startswith("Paar", word.end() + 1)


# Grams of one unit where it means one thing. Avoirdupois ounce and pound: the international yard and pound agreement of 1959
# (1 lb = 0.45359237 kg exactly, 1 oz = 1/16 lb). Metric carat: CGPM 1907 (200 mg). Tola: India's Standards of Weights and Measures
# Act 1956 (11.6638038 g, that is 180 grains).
_GRAMS = {
    "g": Decimal(1), "kg": Decimal(1000), "mg": Decimal("0.001"), "oz": Decimal("28.349523125"), "lb": Decimal("453.59237"),
    "carat": Decimal("0.2"), "tola": Decimal("11.6638038"), "chi": Decimal("3.75"),
}  # fmt: skip
# The rest hangs on the region. Mainland China: State Council order of 1959 (1 jin = 500 g = 10 liang; the metric 市制). Hong Kong:
# Weights and Measures Ordinance, Cap. 68 (1 catty = 604.78982 g, 1 tael = 1/16 of it), and the same in Macau, Singapore and Malaysia.
# Taiwan: 1 catty = 600 g = 16 liang of 37.5 g (the metric 台制; goldsmiths there reckon 37.429 g, which is not meant here).
# Viet Nam: everyday lạng 100 g and cân 1 kg; lượng (cây) of gold and of medicine 37.5 g = 10 chỉ of 3.75 g, as bars are sold.
_HONG_KONG = {"tael": Decimal("37.79936375"), "liang": Decimal("37.79936375"), "jin": Decimal("604.78982")}
_REGIONAL = {
    "CN": {"tael": Decimal(50), "liang": Decimal(50), "jin": Decimal(500)},
    "TW": {"tael": Decimal("37.5"), "liang": Decimal("37.5"), "jin": Decimal(600)},
    "HK": _HONG_KONG, "MO": _HONG_KONG, "SG": _HONG_KONG, "MY": _HONG_KONG,
    "VN": {"lang": Decimal(100), "luong": Decimal("37.5"), "tael": Decimal("37.5"), "can": Decimal(1000)},
}  # fmt: skip


def to_grams(quantity: Quantity, *, region: str = "") -> Decimal | None:
    """The weight in grams; None for what is no weight, or weighs differently by region (ISO 3166: CN, TW, HK, MO, SG, MY, VN)
    as long as the region is not told. An ounce counts as avoirdupois: troy ounces are for metals and say so.
    """
    factor = _GRAMS.get(quantity.unit) or _REGIONAL.get(region.upper(), {}).get(quantity.unit)
    return None if factor is None else quantity.amount * factor
