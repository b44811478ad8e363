"""Amounts and prices out of the forms that sites write, in many locales: right or not read at all.

Public names: Money, read_number, read_prices, read_currency, is_only_price, COINS.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from price_parser import Price

COINS = frozenset(("BTC", "XMR", "LTC", "BCH", "ETH", "USDT", "USDC", "DASH", "ZEC", "DOGE", "SOL", "TRX"))

_COMMA_LANGUAGES = frozenset(("de", "es", "fr", "pt", "it", "nl", "ru", "vi", "pl", "tr"))
_POINT_LANGUAGES = frozenset(("en", "zh"))
# "$" and "¥" stand for several currencies. A bare "$" is the US dollar on every market seen; "¥" and "kr" say too little.
_SIGNS = {
    "us$": "USD", "u$s": "USD", "$us": "USD", "a$": "AUD", "au$": "AUD", "c$": "CAD", "ca$": "CAD", "nz$": "NZD",
    "hk$": "HKD", "s$": "SGD", "r$": "BRL", "mx$": "MXN", "$": "USD", "€": "EUR", "£": "GBP", "₽": "RUB",
    "₫": "VND", "₺": "TRY", "zł": "PLN", "zl": "PLN", "₹": "INR", "₩": "KRW", "฿": "฿", "₿": "BTC", "¥": "¥",
    "￥": "¥", "元": "CNY", "人民币": "CNY", "円": "JPY", "kč": "CZK", "ɱ": "XMR", "ł": "LTC", "ξ": "ETH", "₴": "UAH",
    "руб": "RUB", "руб.": "RUB", "р.": "RUB", "rub.": "RUB", "euro": "EUR", "euros": "EUR", "eur": "EUR",
    "dollar": "USD", "dollars": "USD", "dolar": "USD", "dólares": "USD", "bucks": "USD", "đ": "VND", "vnđ": "VND",
    "đồng": "VND", "tl": "TRY", "rmb": "CNY", "cnh": "CNY", "bitcoin": "BTC", "bitcoins": "BTC", "xbt": "BTC",
    "monero": "XMR", "litecoin": "LTC", "bitcoin cash": "BCH", "ethereum": "ETH", "tether": "USDT", "chf": "CHF",
    "fr.": "CHF", "rand": "ZAR", "pln": "PLN", "zar": "ZAR", "usd": "USD", "gbp": "GBP", "pounds": "GBP",
}  # fmt: skip
# fmt: off
_CODES = COINS.union((
    "USD", "EUR", "GBP", "AUD", "CAD", "NZD", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON",
    "BGN", "RUB", "UAH", "TRY", "BRL", "MXN", "ARS", "CLP", "COP", "INR", "CNY", "JPY", "KRW", "HKD",
    "SGD", "THB", "VND", "IDR", "MYR", "PHP", "ZAR", "KES", "NGN", "AED", "SAR", "ILS", "TWD", "LAK",
    "KHR", "MMK",
))
# fmt: on
# Vietnamese and Chinese write large amounts with a word for the power of ten.
_POWERS = {"tr": 10**6, "triệu": 10**6, "trieu": 10**6, "tỷ": 10**9, "万": 10**4, "萬": 10**4}
_UNITS = (
    r"g|gr|gram|grams|gramm|grammes?|gramo|kg|kilo|oz|ounce|lb|ml|l|cm|pc|pcs|piece|stück|stk|st|each|unit|pair|set|"
    r"order|item|lạng|lang|chỉ|cân|克|公斤|斤|两|件|个|支|шт|г|кг|szt|adet|pza|pieza|pièce|pz|unidad"
)
_NUMBER = r"\d[\d.,'’\u00a0\u202f ]*\d|\d"
_SIGN_WORDS = sorted((*_SIGNS, *(code.lower() for code in _CODES)), key=len, reverse=True)
_SIGN = "|".join(re.escape(word) + (r"(?![^\W\d_])" if word[-1].isalpha() else "") for word in _SIGN_WORDS)
_TOKEN = re.compile(
    rf"(?P<sign>(?<![^\W\d_])(?:{_SIGN})|(?<=\d)(?:{_SIGN}))|(?P<number>{_NUMBER})|(?P<word>[^\W\d_]+)|(?P<other>[^\s\w])",
    re.IGNORECASE,
)
_PER = re.compile(
    rf"\s*(?:/|per|pro|por|par|al|each|je|за|每)\s*(?:1\s*)?({_UNITS})(?![^\W\d_])", re.IGNORECASE
)
_UNSURE = re.compile(
    r"(?<!\w)(?:from|starting|starts at|up to|ab|bis|desde|hasta|à partir|a partire|vanaf|od|от|до|từ|起|başlayan"
    r"|about|approx|ca|circa|negotiable|neg|vb|offer)(?!\w)",
    re.IGNORECASE,
)
_RANGE = re.compile(r"\d\s*(?:-|–|—|~|to|bis|до)\s*[^\d\s]{0,4}\s*\d", re.IGNORECASE)


@dataclass(frozen=True)
class Money:
    """An amount in a currency (ISO 4217 or a coin's code) as it stood in `raw`; unit: "g" for "per gram", else ""."""

    amount: Decimal
    currency: str
    raw: str
    unit: str = ""


def read_number(text: str, *, language: str = "") -> Decimal | None:
    """A number with its separators; None where they could mean two things.

    "1.234" is 1234 in German and 1.234 in English: without a language it is not read. "1.234,56", "1,234.56",
    "1 234,56" and "1'234.56" each have one meaning.
    """
    text = text.strip().replace("\u00a0", " ").replace("\u202f", " ").replace("’", "'")
    if re.fullmatch(r"\d{1,15}", text):
        return Decimal(text)
    if re.fullmatch(r"\d{1,3}(?:[ '.]\d{3})+,\d+|\d{1,3}(?:[ ']\d{3})+", text):
        point = ","
    elif re.fullmatch(r"\d{1,3}(?:[ ',]\d{3})+\.\d+", text):
        point = "."
    elif match := re.fullmatch(r"\d{1,15}([.,])(\d{1,20})", text):
        if len(match[2]) != 3 or text[0] == "0" or len(text) > 7:
            point = match[
                1
            ]  # a group has three digits and stands after one to three that do not begin with 0
        elif language in _COMMA_LANGUAGES:
            point = ","
        elif language in _POINT_LANGUAGES:
            point = "."
        else:
            return None
    elif re.fullmatch(r"\d{1,3}(?:\.\d{3}){2,5}", text):
        point = ","
    elif re.fullmatch(r"\d{1,3}(?:,\d{3}){2,5}", text):
        point = "."
    else:
        return None
    groups = " '." if point == "," else " ',"
    plain = "".join(char for char in text if char not in groups).replace(",", ".")
    try:
        return Decimal(plain)
    except InvalidOperation:
        return None


def read_currency(text: str) -> str:
    """The currency's code of a sign or word: "€" -> "EUR"; "" when it says none or could be several."""
    found = _SIGNS.get(text.strip().lower(), "")
    if found in ("฿", "¥"):
        return ""
    return found or (text.strip().upper() if text.strip().upper() in _CODES else "")


def read_prices(text: str, *, language: str = "", currency: str = "") -> tuple[Money, ...]:
    """All prices of a value in the order written: "BTC 0.01 ($ 430)" gives the coin first.

    `currency` is what the label says ("Price (USD)"). A range, a "from", or a number that could mean two things makes
    the whole value unread, for a wrong price is worse than none.
    """
    text = re.sub(r"(?<=\d)[.,][-–—](?!\d)", "", text[:300])  # "50,- €"
    if not text or _UNSURE.search(text) or _RANGE.search(text):
        return ()
    tokens = [match for match in _TOKEN.finditer(text) if not match[0].isspace()]
    found: list[Money] = []
    used: set[int] = set()
    for index, token in enumerate(tokens):
        if token.lastgroup != "number":
            continue
        sign, place = _find_sign(tokens, index, used)
        if not sign:
            continue
        used.add(place)
        end = max(token.end(), tokens[place].end())
        power = 1
        if index + 1 < len(tokens) and tokens[index + 1].lastgroup == "word":
            power = _POWERS.get(tokens[index + 1][0].lower(), 1)
        amount = _read_amount(token[0], sign, language)
        if amount is None:
            return ()
        code = _settle(sign, token[0], text, language)
        if not code:
            return ()
        unit = _PER.match(text, end)
        raw = text[min(token.start(), tokens[place].start()) : end].strip()
        found.append(Money(amount * power, code, raw, unit[1].lower() if unit else ""))
    if not found:
        return _read_bare(text, tokens, language, currency)
    return tuple(found[:6])


def is_only_price(text: str) -> bool:
    """Is the whole text one or more prices and nothing else: "BTC 0.01 ($ 430)"?"""
    if not text or len(text) > 60:
        return False
    kinds = {match.lastgroup for match in _TOKEN.finditer(text)}
    return kinds >= {"sign", "number"} and "word" not in kinds


def _find_sign(tokens: list[re.Match[str]], index: int, used: set[int]) -> tuple[str, int]:
    """The currency sign beside a number: the one before it unless that belongs to an earlier number, else after."""
    before = index - 1
    if before >= 0 and tokens[before].lastgroup == "other" and tokens[before][0] in "+(":
        before -= 1  # "USD + 5.00"
    if before >= 0 and before not in used and tokens[before].lastgroup == "sign":
        # "10 USD 20 EUR": the sign between two numbers goes with the one it has taken; "used" settles that.
        return tokens[before][0].lower(), before
    after = index + 1
    if after < len(tokens) and tokens[after].lastgroup == "word" and tokens[after][0].lower() in _POWERS:
        after += 1
    if after < len(tokens) and tokens[after].lastgroup == "sign":
        return tokens[after][0].lower(), after
    return "", -1


def _read_amount(number: str, sign: str, language: str) -> Decimal | None:
    code = read_currency(sign)
    if code in COINS or sign == "฿":
        # Coins are written with a point or comma before the decimals; nobody groups the digits of a coin amount.
        if match := re.fullmatch(r"(\d{1,9})[.,](\d{1,18})", number.strip()):
            return Decimal(f"{match[1]}.{match[2]}")
        return read_number(number, language=language)
    amount = read_number(number, language=language)
    if amount is None or (amount.as_tuple().exponent == -3 and number.strip()[0] != "0"):
        return None  # money has no three decimals: "1,200" on a German page is more likely English than 1.2
    # price-parser as the second opinion: where it reads another amount from the same digits, something is odd.
    point = "," if _is_comma(number, amount) else "."
    other = Price.fromstring(number, decimal_separator=point).amount
    return amount if other is None or other == amount else None


def _is_comma(number: str, amount: Decimal) -> bool:
    decimals = -int(amount.as_tuple().exponent)
    if decimals > 0:
        return "," in number[-decimals - 1 :]
    return "." in number


def _settle(sign: str, number: str, text: str, language: str) -> str:
    """The code of a sign, the signs of two currencies settled by what stands around them."""
    raw = _SIGNS.get(sign, "")
    if raw == "฿":  # Bitcoin's old sign, and the baht's: only the coin has more than three decimals
        return "BTC" if re.search(r"[.,]\d{4,}$", number) or text.count("฿") != text.count(sign) else ""
    if raw == "¥":
        if language == "zh" or re.search("[元克斤两]|rmb|cny", text, re.IGNORECASE):
            return "CNY"
        return "JPY" if re.search("円|jpy|yen", text, re.IGNORECASE) else ""
    return raw or read_currency(sign)


def _read_bare(text: str, tokens: list[re.Match[str]], language: str, currency: str) -> tuple[Money, ...]:
    """A number without a sign: read where the label named the currency, or where Vietnamese counts in millions."""
    numbers = [index for index, token in enumerate(tokens) if token.lastgroup == "number"]
    if len(numbers) != 1:
        return ()
    token = tokens[numbers[0]]
    after = tokens[numbers[0] + 1] if numbers[0] + 1 < len(tokens) else None
    power = _POWERS.get(after[0].lower(), 1) if after is not None and after.lastgroup == "word" else 1
    if power != 1:
        currency = currency or ("CNY" if after is not None and after[0] in "万萬" else "VND")
    if not currency or len(tokens) > 6:
        return ()
    # "35tr" is thirty-five million, "1,5tr" one and a half
    amount = read_number(token[0], language=language if power == 1 else "vi")
    if amount is None:
        return ()
    end = after.end() if power != 1 and after is not None else token.end()
    unit = _PER.match(text, end)
    return (
        Money(amount * power, currency, text[token.start() : end].strip(), unit[1].lower() if unit else ""),
    )
