"""Currencies and coins by their signs, words and codes, and which one a sign of several means.

Public names: COINS, EXACT_COINS, CODES, DOLLARS, NO_CENTS, find_signs, settle_sign, find_code, is_holding.

Rules for signs that several currencies share, each with its reason:
- "$" is the US dollar unless the text, or `default` (a label such as "Price (AUD)"), names another dollar or peso: every market seen so
  far prices in it.
- "¥" is the yuan or the yen: the unit (克, 斤), a word beside it (元, 円), the language or `default` tells; else it is not read.
- "฿" was Bitcoin's sign before U+20BF and is the baht's: four and more decimals are a coin; 1,000 and more are baht, as is everything
  in Thai; what lies between is not read.
- "kr", "Rs", "R", "K" and "р" are read only where the language or `default` settles them.
"""

from __future__ import annotations

import re
from decimal import Decimal

COINS = frozenset(("BTC", "XMR", "LTC", "BCH", "ETH", "USDT", "USDC", "DASH", "ZEC", "DOGE", "SOL", "TRX"))
EXACT_COINS = COINS - {"USDT", "USDC", "DOGE", "TRX", "SOL"}
"""Coins worth so much that nobody groups their digits: "1.234 BTC" is a little over one."""
# fmt: off
CODES = COINS.union((
    "USD", "EUR", "GBP", "AUD", "CAD", "NZD", "CHF", "SEK", "NOK", "DKK", "ISK", "PLN", "CZK", "HUF", "RON",
    "BGN", "RUB", "UAH", "TRY", "BRL", "MXN", "ARS", "CLP", "COP", "PEN", "INR", "CNY", "JPY", "KRW", "HKD", "MOP",
    "SGD", "THB", "VND", "IDR", "MYR", "PHP", "ZAR", "KES", "TZS", "UGX", "NGN", "AED", "SAR", "ILS", "TWD", "LAK",
    "KHR", "MMK", "IRR", "PKR", "NPR", "LKR", "BDT", "KZT", "GEL", "RSD", "EGP", "MZN", "AOA", "ZMW", "BWP", "NAD", "ETB",
))
# fmt: on
DOLLARS = frozenset(("USD", "AUD", "CAD", "NZD", "HKD", "SGD", "TWD", "MXN", "ARS", "CLP", "COP", "NAD"))
"""Whose sign is "$" at home."""
NO_CENTS = frozenset(
    ("VND", "IDR", "KRW", "JPY", "LAK", "KHR", "MMK", "CLP", "COP", "TZS", "UGX", "IRR", "ISK", "HUF", "TWD")
)
"""Where no coin below one unit is in use: "1.234" and "1,234" can only be a thousand."""

_SIGNS = {
    "us$": "USD", "u$s": "USD", "$us": "USD", "us $": "USD", "$": "$", "a$": "AUD", "au$": "AUD", "c$": "CAD", "ca$": "CAD",
    "nz$": "NZD", "hk$": "HKD", "s$": "SGD", "sg$": "SGD", "r$": "BRL", "mx$": "MXN", "nt$": "TWD", "n$": "NAD", "€": "EUR", "£": "GBP",
    "₽": "RUB", "₫": "VND", "₺": "TRY", "zł": "PLN", "zl": "PLN", "złotych": "PLN", "₹": "INR", "₩": "KRW", "฿": "฿", "₿": "BTC",
    "¥": "¥", "kč": "CZK", "ɱ": "XMR", "ł": "LTC", "ξ": "ETH", "₴": "UAH", "₦": "NGN", "₱": "PHP", "₭": "LAK", "៛": "KHR", "₪": "ILS",
    "₸": "KZT", "₾": "GEL", "﷼": "﷼", "৳": "BDT",
    "руб": "RUB", "руб.": "RUB", "р.": "RUB", "р": "р", "rub.": "RUB", "рублей": "RUB", "рубль": "RUB", "рубля": "RUB", "грн": "UAH",
    "грн.": "UAH", "гривень": "UAH", "долларов": "USD", "доллара": "USD", "доллар": "USD", "евро": "EUR", "лв": "BGN", "лв.": "BGN",
    "euro": "EUR", "euros": "EUR", "eur": "EUR", "eur.": "EUR", "dollar": "USD", "dollars": "USD", "dolar": "USD", "dólares": "USD",
    "dolares": "USD", "dólar": "USD", "dollari": "USD", "bucks": "USD", "đ": "VND", "vnđ": "VND", "đồng": "VND", "tl": "TRY", "lira": "lira",
    "rmb": "CNY", "cnh": "CNY", "yuan": "CNY", "yen": "JPY", "chf": "CHF", "fr.": "CHF", "sfr": "CHF", "sfr.": "CHF", "rand": "ZAR",
    "rands": "ZAR", "pounds sterling": "GBP", "pound sterling": "GBP", "quid": "GBP", "reais": "BRL", "real": "real", "rupiah": "IDR",
    "rp": "IDR", "rp.": "IDR", "rm": "MYR", "ringgit": "MYR", "baht": "THB", "บาท": "THB", "ກີບ": "LAK", "kip": "LAK", "រៀល": "KHR", "ကျပ်": "MMK",
    "kyat": "MMK", "kyats": "MMK", "ksh": "KES", "kshs": "KES", "ksh.": "KES", "kes": "KES", "tsh": "TZS", "ush": "UGX", "naira": "NGN",
    "shillings": "", "birr": "ETB", "kr": "kr", "kr.": "kr", "ft": "ft", "lei": "RON", "peso": "", "pesos": "", "rs": "rs", "rs.": "rs",
    "₨": "rs", "रुपये": "INR", "रुपए": "INR", "रु": "INR", "रु.": "INR", "r": "r", "تومان": "", "ریال": "IRR", "ريال": "ريال", "درهم": "AED", "دولار": "USD",
    "دلار": "USD", "يورو": "EUR", "یورو": "EUR", "يوان": "CNY", "یوان": "CNY",
    "元": "元", "圆": "元", "圓": "圓", "块": "元", "块钱": "CNY", "人民币": "CNY", "人民幣": "CNY", "円": "JPY", "日元": "JPY", "日圆": "JPY",
    "美元": "USD", "美金": "USD", "刀": "", "欧元": "EUR", "歐元": "EUR", "英镑": "GBP", "英鎊": "GBP", "港元": "HKD", "港币": "HKD", "港幣": "HKD",
    "台币": "TWD", "台幣": "TWD", "新台币": "TWD", "新台幣": "TWD", "泰铢": "THB", "泰銖": "THB", "越南盾": "VND", "卢布": "RUB", "澳元": "AUD", "加元": "CAD",
    "ドル": "USD", "米ドル": "USD", "ユーロ": "EUR", "원": "KRW", "달러": "USD", "澳门元": "MOP",
    "bitcoin": "BTC", "bitcoins": "BTC", "xbt": "BTC", "monero": "XMR", "litecoin": "LTC", "bitcoin cash": "BCH", "ethereum": "ETH",
    "ether": "ETH", "tether": "USDT", "比特币": "BTC", "比特幣": "BTC", "门罗币": "XMR", "биткоин": "BTC", "монеро": "XMR", "dash": "DASH", "zcash": "ZEC",
}  # fmt: skip
_SETTLED = {
    "kr": {"sv": "SEK", "no": "NOK", "nb": "NOK", "nn": "NOK", "da": "DKK", "is": "ISK"},
    "rs": {"hi": "INR", "ur": "PKR", "ne": "NPR", "si": "LKR"},
    "r": {"af": "ZAR", "zu": "ZAR"},
    "р": {"ru": "RUB"},
    "lira": {"tr": "TRY"},
    "real": {"pt": "BRL"},
    "ft": {"hu": "HUF"},
    "ريال": {},
    "﷼": {"fa": "IRR"},
    "¥": {"zh": "CNY", "ja": "JPY"},
    "元": {"zh": "CNY", "": "CNY"},
    "圓": {},
}
_MEMBERS = {
    "kr": {"SEK", "NOK", "DKK", "ISK"}, "rs": {"INR", "PKR", "NPR", "LKR"}, "r": {"ZAR"}, "р": {"RUB"}, "lira": {"TRY"},
    "real": {"BRL"}, "ft": {"HUF"}, "ريال": {"SAR"}, "﷼": {"IRR", "SAR"}, "¥": {"CNY", "JPY"}, "元": {"CNY", "TWD", "HKD", "MOP"}, "圓": {"TWD", "HKD", "MOP"},
    "฿": {"THB", "BTC"}, "$": DOLLARS,
}  # fmt: skip


_UNSPACED = "\u0900-\u097f\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_CLOSE = "|".join(
    re.escape(word) for word in sorted(_SIGNS, key=len, reverse=True) if re.match(f"[{_UNSPACED}]", word)
)
# A loop over 250 words at every place would cost more than the page's parsing, so whole words are cut out and looked up.
_WORD = re.compile(
    rf"(?<![^\W\d_])(?:us \$|u\$s|[a-z]{{1,2}}\$)|\$us(?![^\W\d_])|[$€£₽₫₺₹₩฿₿¥₴₦₱₭៛₪₸₾৳₨﷼]|(?=[{_UNSPACED}])(?:{_CLOSE})"
    rf"|(?<=[0-9])(?:k|tr)(?=đ|vn[dđ]|usd|eur)|(?<=[0-9]k)(?:đ|vnđ|vnd|usd|eur)(?![^\W\d_])|(?<=[0-9]tr)(?:đ|vnđ|vnd)(?![^\W\d_])"
    rf"|(?:bitcoin cash|pounds? sterling)(?![^\W\d_])|(?<![^\W\d_])[^\W\d_{_UNSPACED}]{{1,12}}(?![^\W\d_])\.?",
    re.IGNORECASE,
)


def find_signs(text: str) -> list[tuple[int, int, str]]:
    """Where signs, words and codes of currencies stand in a folded text: start, end, and the sign in lower case."""
    found = []
    for match in _WORD.finditer(text):
        word, end = match[0].lower(), match.end()
        if word not in _SIGNS and word.endswith("."):
            word, end = word[:-1], end - 1
        if word in _SIGNS or word.upper() in CODES or word.endswith("$"):
            found.append((match.start(), end, word))
    return found


_TRADITIONAL = re.compile("[萬億價兩對個雙張組錢銀條顆]")


def find_code(word: str) -> str:
    """The one code that a sign or word stands for by itself ("€", "usd", "Monero"); "" for none or several."""
    word = word.strip().lower()
    found = _SIGNS.get(word)
    if found == "$":
        return "USD"
    if found is None:
        found = word.upper() if word.upper() in CODES else ""
    return found if found in CODES else ""


def settle_sign(
    sign: str, *, amount: Decimal | None, number: str, around: str, language: str, default: str
) -> str:
    """The code that a sign stands for here; "" where it could be several.

    amount: as read, None when its form alone is known; number: as written; around: the words that may settle it.
    """
    sign = sign.lower()
    raw = _SIGNS.get(sign)
    if raw is None:
        return find_code(sign)
    members = _MEMBERS.get(raw)
    if members is None:
        return raw
    if raw == "฿":
        if re.search(r"[.,][0-9]{4,}$", number):
            return "BTC"
        if language == "th" or (amount is not None and amount >= 1000):
            return "THB"
        return default if default in members else ""
    if raw == "$":
        named = [code for code in re.findall(r"(?<![A-Z])[A-Z]{3}(?![A-Z])", around) if code in DOLLARS]
        if named:
            return str(named[0]) if len(set(named)) == 1 else ""
        return default if default in members else "USD"
    if raw == "¥":
        yuan = bool(re.search("[元克斤两钱]|人民币|rmb|cny", around, re.IGNORECASE))
        yen = bool(re.search("円|jpy|yen|グラム", around, re.IGNORECASE))
        if yuan != yen:
            return "CNY" if yuan else "JPY"
        if yuan:
            return ""
    if default in members:
        return default
    if raw == "元" and _TRADITIONAL.search(around):
        return ""  # Taiwan's, Hong Kong's or Macau's
    return _SETTLED[raw].get(language, "")


# What a US dollar buys, to one figure, so that "absurd" is the same in all currencies. Only the power of ten matters here; this is
# never used to convert a price (rates come from the analyst's own table).
_PER_DOLLAR = {
    "VND": 25_000, "IDR": 16_000, "LAK": 20_000, "KHR": 4_000, "MMK": 2_000, "IRR": 40_000, "KRW": 1_300, "JPY": 150, "CLP": 900, "COP": 4_000,
    "TZS": 2_500, "UGX": 3_700, "NGN": 1_000, "HUF": 350, "RUB": 80, "INR": 85, "PKR": 280, "NPR": 130, "LKR": 300, "BDT": 110, "PHP": 57,
    "THB": 35, "TWD": 32, "KES": 130, "KZT": 480, "UAH": 40, "TRY": 35, "CZK": 23, "MXN": 18, "ARS": 1000, "ZAR": 18, "SEK": 10, "NOK": 10,
    "DKK": 7, "CNY": 7, "HKD": 8, "MOP": 8, "EGP": 45, "ISK": 130, "RSD": 110, "ETB": 100, "MZN": 64, "AOA": 900,
}  # fmt: skip
# Coins have been worth from next to nothing to a fortune, so only amounts that were never an offer's count.
_COIN_BOUNDS = {
    "BTC": 1_000,
    "ETH": 10_000,
    "BCH": 20_000,
    "XMR": 20_000,
    "LTC": 50_000,
    "ZEC": 50_000,
    "DASH": 50_000,
}
_MILLION = 1_000_000
_PATTERNS = re.compile(r"9{5,}|1{5,}|12345(?:6(?:7(?:8(?:90?)?)?)?)?|98765(?:4(?:3(?:21?)?)?)?")


def is_holding(amount: Decimal, currency: str) -> bool:
    """Is a price one that holds a place and asks for nothing: above a million dollars' worth, or 99999, 1234567 and the like?

    Figures such as 99999 count from some ten thousand dollars' worth on: 99.999 đ and 999,999 đ are true prices of small things.
    """
    if currency in _COIN_BOUNDS:
        return amount >= _COIN_BOUNDS[currency]
    worth = amount / _PER_DOLLAR.get(currency, 1)
    if worth > _MILLION:
        return True
    whole = amount.to_integral_value(rounding="ROUND_DOWN")
    if amount != whole and format(amount % 1, "f").strip("0.") not in ("9", "99"):
        return False
    return worth >= 9_990 and bool(_PATTERNS.fullmatch(format(whole, "f")))
