"""How a listing is paid: the same price in other coins, which coins are taken, and whether the site keeps the money.

Public names: read_other_prices, read_accepted_coins, read_escrow.
"""

from __future__ import annotations

import re

from crawler import fields as f
from crawler.drafts import Draft
from crawler.html import Element
from crawler.money import COINS, is_only_price, read_price

_YES = re.compile(
    r"^\W*(?:yes|ja|sí|si|oui|sim|да|так|ano|da|tak|evet|ναι|نعم|بله|是|有|支持|はい|可|예|네|가능|ใช่|ya|हाँ|हां|có|available|accepted|enabled|on|true|✓|✔|☑)\b"
    r"|^\W*[✓✔☑✅]", re.IGNORECASE
)  # fmt: skip
_NO = re.compile(
    r"^\W*(?:no|none|nein|non|não|нет|ні|ne|nu|nie|hayır|nee|όχι|لا|خیر|否|无|無|不支持|いいえ|なし|不可|아니요|불가|ไม่|tidak|नहीं|không|not available|disabled|off|false|never)\b"
    r"|^\W*[✗✘☒❌]", re.IGNORECASE
)  # fmt: skip
_ESCROW = re.compile(
    r"escrow|treuhand|garant[íi]a|séquestre|custódia|deposito a garanzia|гарант|эскроу|ескроу|担保|擔保|托管|託管|ký quỹ|depozyt|emanet"
    r"|úschova|μεσεγγύηση|ضمان|امانی|エスクロー|에스크로|เอสโครว์|rekber|एस्क्रो",
    re.IGNORECASE,
)
_WITHOUT = re.compile(
    r"(?:\bno|\bnot|non|without|kein\w*|ohne|sin|sans|sem|senza|zonder|без|bez|fără|không|无|無|不|なし)[\s-]*(?:\w+[\s-]+)?(?:escrow|treuhand|garant|séquestre|custódia|гарант|эскроу|担保|擔保|ký quỹ|depozyt)"
    r"|(?:escrow|treuhand)\s*:?\s*(?:no\b|nein\b)",
    re.IGNORECASE,
)
_EARLY = re.compile(
    r"\bFE\b|finali[sz]e early|early finali[sz]|finali[sz]ación anticipada|100\s?% ?fe\b|direct pay|direktzahlung|prepa(?:y|id)|vorkasse",
    re.IGNORECASE,
)
_SEARCHES = frozenset(("q", "search", "query", "searchtext", "keyword", "keywords", "s"))
_NEAR = 4
_COIN_NAMES = frozenset(word.split()[0] for word in f.COIN_WORDS)


def read_escrow(text: str) -> str:
    """ "yes" or "no" by what a page says under payment or escrow; "" where that does not tell."""
    if _WITHOUT.search(text):
        return "no"
    if _ESCROW.search(text):
        return "" if _EARLY.search(text) and re.search(r"\bor\b|/|\||oder", text) else "yes"
    if _YES.match(text):
        return "yes"
    if _NO.match(text):
        return "no"
    return "no" if _EARLY.search(text) else ""


def find_escrow(text: str) -> str:
    """Like read_escrow, for a value under "payment", where a bare yes or no says nothing."""
    return "" if (_YES.match(text) or _NO.match(text)) and not _ESCROW.search(text) else read_escrow(text)


def read_other_prices(draft: Draft) -> None:
    """The same price in other currencies on a line of its own near the price."""
    spot, currency = draft.spots.get("price_amount"), draft.fields.get("price_currency")
    if spot is None or currency is None or "prices_other" in draft.fields:
        return
    around = spot
    for outer in list(spot.up())[:_NEAR]:
        if outer.tag in ("body", "html", "tbody", "table") or outer.size > 1500:
            break
        around = outer
        found = _others_in(draft, around, spot, str(currency.value))
        if found:
            where = found[0][0]
            raw = " / ".join(element.short or "" for element, _ in found)
            values = tuple({"amount": m.amount, "currency": m.currency} for _, many in found for m in many)
            draft.put("prices_other", values, raw, where, 0.75)
            return


def _others_in(
    draft: Draft, around: Element, spot: Element, currency: str
) -> list[tuple[Element, tuple[f.Money, ...]]]:
    found: list[tuple[Element, tuple[f.Money, ...]]] = []
    seen = {currency}
    last = -1
    for element in around.iter():
        text = element.short
        if (
            element.number <= last
            or element.inside(spot)
            or spot.inside(element)
            or not text
            or len(text) > 120
        ):
            continue
        listed = element.tag in ("option", "li", "del", "s", "td", "tr") or element.number in draft.page.frame
        if listed and (element.tag != "td" or around.size > 200):
            continue
        bare = text.strip("≈~()[] =")
        if not is_only_price(bare):
            continue
        last = element.last
        price = read_price(bare, language=draft.language)
        if (
            price is None
            or price.amount is None
            or not price.currency
            or price.kind not in ("exact", "holding")
        ):
            continue
        many = [
            f.Money(price.amount, price.currency, price.raw),
            *(f.Money(o.amount, o.currency, o.raw) for o in price.others),
        ]
        codes = {money.currency for money in many}
        if codes & seen:
            return []  # several prices in one currency: tiers or shipping
        seen |= codes
        found.append((element, tuple(many)))
    return found


def read_accepted_coins(draft: Draft) -> None:
    """The coins that the buttons and choices of the order form are named for."""
    if "coins" in draft.fields:
        return
    coins: list[str] = []
    first: Element | None = None
    for element in draft.page.content:
        attrs = element.attrs
        if element.tag == "input" and attrs.get("type", "").lower() in (
            "radio",
            "submit",
            "image",
            "checkbox",
        ):
            texts = [attrs.get(name, "") for name in ("name", "value", "id", "alt", "title")]
        elif element.tag == "button":
            texts = [attrs.get(name, "") for name in ("name", "value", "id", "title")]
        elif element.tag == "option":
            texts = [element.short or "", attrs.get("value", "")]
        else:
            continue
        found = _coins_of(texts)
        if not found or _in_search(element):
            continue
        first = first or element
        coins += [coin for coin in found if coin not in coins]
    if first is not None:
        draft.put("coins", tuple(coins), ", ".join(coins), first, 0.7)


def _coins_of(texts: list[str]) -> list[str]:
    for text in texts:
        if not text or len(text) > 40:
            continue
        words = [word for word in re.split(r"[^A-Za-z]+", text) if word]
        codes = [word.upper() for word in words if word.upper() in COINS]
        if not codes and not _COIN_NAMES.isdisjoint(map(str.lower, words)):
            codes = list(f.read_coins(" ".join(words)))
        if len(codes) == 1:
            return codes
    return []


def _in_search(element: Element) -> bool:
    form = next((outer for outer in element.up() if outer.tag == "form"), None)
    if form is None:
        return element.tag == "option"  # a form inside a form loses its tag
    inner = form.iter()
    if any(i.tag == "input" and i.attrs.get("name", "").lower() in _SEARCHES for i in inner):
        return True
    return sum(1 for i in inner if i.tag == "select") > 3
