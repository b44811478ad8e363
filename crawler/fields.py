"""Values out of the strings that stand beside labels: the one door to money, dates, places, quantities and names.

Public names: COIN_WORDS, read_prices, is_only_price, read_number, read_date, read_places, read_arrow, read_quantity, read_name, read_path, read_coins.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from crawler.dates import read_date
from crawler.money import COINS, Money, is_only_price, read_currency, read_number, read_prices

__all__ = [
    "COIN_WORDS",
    "Money",
    "Quantity",
    "is_only_price",
    "read_arrow",
    "read_coins",
    "read_currency",
    "read_date",
    "read_name",
    "read_number",
    "read_path",
    "read_places",
    "read_prices",
    "read_quantity",
]

_EXCEPT = re.compile(
    r"\b(?:except|excluding|excl|without|not|außer|ausser|excepto|menos|sauf|hors|exceto|tranne|eccetto|behalve|кроме"
    r"|ngoại trừ|trừ|oprócz|poza|hariç)\b|除|不含",
    re.IGNORECASE,
)
_PLACE_PART = re.compile(r"\s*(?:[,;、，\n|•·]|\s/\s)\s*")
_FLAGS = re.compile(r"^[^\w(\[\"']+(?=\w)")
_ARROW = re.compile(r"\s*(?:→|➔|➜|⇒|»|->|=>|-->)\s*")
_QUANTITY = re.compile(
    r"(?P<number>\d[\d.,' ]*\d|\d)\s*(?P<unit>kg|g|gr|gram(?:s|m|o|os|mes)?|oz|lb|lbs|ml|l|cm|mm|m|pcs?|pieces?|stück|stk"
    r"|stuks?|piezas?|pièces?|pezzi|шт|г|кг|件|个|克|公斤|斤|两|lạng|chỉ|cân|adet|szt|units?|items?|pairs?|sets?)?\.?",
    re.IGNORECASE,
)
# What follows a name: deals, ratings, levels. "nk88 (12) [4.71]", "nk88 - Level 3", "nk88 ★ 4.9".
_AFTER_NAME = re.compile(r"\s*(?:[(\[{<★☆⭐|•·,/]|\s[-–—]\s|\s+-?$|\s\d[\d.,]*\s?%|:\s)")
_CRUMB = re.compile(r"\s*(?:[>»›→/|\\]|::|\s-\s|\s–\s)\s*")
COIN_WORDS = {
    "bitcoin cash": "BCH", "bitcoin": "BTC", "monero": "XMR", "litecoin": "LTC", "ethereum": "ETH", "tether": "USDT",
    "dogecoin": "DOGE", "zcash": "ZEC",
}  # fmt: skip
_COIN_STEMS = {
    "биткоин": "BTC", "биткойн": "BTC", "біткоїн": "BTC", "比特币": "BTC", "比特幣": "BTC", "ビットコイン": "BTC", "비트코인": "BTC", "بيتكوين": "BTC",
    "بیت کوین": "BTC", "बिटकॉइन": "BTC", "বিটকয়েন": "BTC", "บิตคอยน์": "BTC", "บิทคอยน์": "BTC", "ဘစ်ကွိုင်": "BTC", "монеро": "XMR", "门罗币": "XMR",
    "門羅幣": "XMR", "モネロ": "XMR", "모네로": "XMR", "مونيرو": "XMR", "मोनेरो": "XMR", "лайткоин": "LTC", "лайткойн": "LTC", "莱特币": "LTC", "萊特幣": "LTC",
    "ライトコイン": "LTC", "라이트코인": "LTC", "эфириум": "ETH", "ефіріум": "ETH", "以太坊": "ETH", "以太币": "ETH", "イーサリアム": "ETH", "이더리움": "ETH",
}  # fmt: skip
"""Words that take endings, or stand without spaces around them."""
_COIN = re.compile(
    rf"\b(?:{'|'.join(sorted(COINS))}|{'|'.join(COIN_WORDS)})\b|{'|'.join(_COIN_STEMS)}", re.IGNORECASE
)


@dataclass(frozen=True)
class Quantity:
    """A number and its unit as written ("" when none)."""

    amount: Decimal
    unit: str


def read_places(text: str) -> tuple[str, ...]:
    """The places of a "ships to" value, as written; a list with an exception stays one place."""
    text = " ".join(text.split("\n")) if _EXCEPT.search(text) else text
    parts = [text] if _EXCEPT.search(text) else _PLACE_PART.split(text)
    places = [_FLAGS.sub("", " ".join(part.split())).strip(" .:-") for part in parts]
    return tuple(dict.fromkeys(place for place in places if place and len(place) <= 200))


def read_arrow(text: str) -> tuple[str, str] | None:
    """("ZA", "WW") out of "ZA → WW"; None unless it is two short places with one arrow between."""
    parts = _ARROW.split(text.strip())
    if len(parts) != 2 or not all(2 <= len(part) <= 40 and part[0].isalpha() for part in parts):
        return None
    if any(char.isdigit() for char in text) or len(text.split()) > 9:
        return None
    return parts[0].strip(), parts[1].strip()


def read_quantity(text: str, *, language: str = "") -> Quantity | None:
    """ "62 g" -> 62 and "g"; None for what is no single number with at most a unit."""
    match = _QUANTITY.fullmatch(text.strip())
    if match is None:
        return None
    amount = read_number(match["number"], language=language)
    return None if amount is None else Quantity(amount, (match["unit"] or "").lower())


def read_name(text: str) -> str:
    """A seller's name without the figures beside it; "" when nothing is left or it is no name."""
    name = _AFTER_NAME.split(text.strip().lstrip("@"), maxsplit=1)[0].strip(" :-–—\u00a0")
    return name if 1 <= len(name) <= 60 and len(name.split()) <= 5 and any(map(str.isalnum, name)) else ""


def read_path(text: str) -> tuple[str, ...]:
    """The steps of a category: "Art > Carvings" -> ("Art", "Carvings")."""
    steps = (" ".join(step.split()).strip(" .:") for step in _CRUMB.split(text))
    return tuple(step for step in steps if step and len(step) <= 80)[:8]


def read_coins(text: str) -> tuple[str, ...]:
    """The coins that a text names, each once, in order."""
    found = (match[0].lower() for match in _COIN.finditer(text))
    return tuple(
        dict.fromkeys(COIN_WORDS.get(word) or _COIN_STEMS.get(word) or word.upper() for word in found)
    )
