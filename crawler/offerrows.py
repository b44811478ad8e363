"""One row of an offer: a way of shipping with its time and price, or a price from so many on.

Public names: read_shipping_row, read_tier_row, split_tiers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from crawler.labels import find_label
from crawler.money import Price, is_only_price, read_currency, read_number, read_price
from crawler.quantity import read_quantity

_NUMBER = r"\d[\d.,' ]*\d|\d"
_UNITS = (
    r"(?:business|working|calendar)?\s*(?:days?|hours?|hrs?|weeks?|months?)|(?:werk|arbeits)?tagen?|tage|tag|wochen?|stunden?"
    r"|d[ií]as?(?: hábiles| úteis| laborables)?|semanas?|horas?|jours?(?: ouvrés| ouvrables)?|semaines?|heures?|giorn[io](?: lavorativi)?"
    r"|settiman[ae]|ore|(?:werk)?dag(?:en)?|weken|week|uur|дн(?:я|ей|і|ів)?\.?|дня|день|(?:рабочих|робочих) дн\w+|недел\w+|тиж\w+|час\w*"
    r"|dni(?: robocz\w+)?|dzień|tygodni\w*|dn[íyů]|den|týdn\w*|zile(?: lucrătoare)?|săptămâni|(?:iş )?gün\w*|hafta|saat"
    r"|ημέρες|μέρες|εβδομάδες|أيام|يوم|أسابيع|روز|هفته|个?工作日|天|日間?|個工作天|工作天|周|週間?|小时|時間|일|주|시간"
    r"|ngày|tuần|giờ|วัน|สัปดาห์|hari|minggu|jam|दिन|सप्ताह"
)
_SPAN = rf"(?:~|ca\.? |about |approx\.? )?\d+(?:[.,]\d+)?(?:\s*(?:-|–|—|to|bis|a|à|до|至|到|~|y|till|tot|đến)\s*\d+)?\s*(?:{_UNITS})"
_DAYS = re.compile(rf"{_SPAN}", re.IGNORECASE)
_DAYS_BEHIND = re.compile(
    rf"(?:\s+[-–—|·•/:]\s*|\s*[,:：]\s*|\s*[(\[（])(?P<days>{_SPAN})\s*[)\]）]?\s*$", re.IGNORECASE
)
_DAYS_FIRST = re.compile(rf"^(?P<days>{_SPAN})(?:\s+[-–—|·•/:]\s*|\s*[,:：]\s*)", re.IGNORECASE)
_PER = re.compile(
    r"^\s*\)?\s*(?:/|per\b|pro\b|por\b|par\b|je\b|za\b|за\b|na\b)\s*(?P<per>[^\W\d_]{2,14})", re.IGNORECASE
)
_EDGES = " \t-–—:：|+/,;·•([{（"
_ENDS = " \t-–—:：|+,;·•)]}）"
_RANGE = re.compile(
    rf"(?P<low>{_NUMBER})\s*(?P<one>[^\W\d_]{{0,8}}?\.?)\s*(?:-|–|—|~|to|bis|a|à|до|至|到|til|do|đến|tot|hasta|até)\s*(?P<high>{_NUMBER})\s*(?P<two>[^\W\d_]{{0,12}}\.?)",
    re.IGNORECASE,
)
_FROM = re.compile(
    rf"(?:(?:from|ab|desde|dès|à partir de|da|vanaf|от|від|od|de la|min\.?(?:imum)?|≥|>=?|从|從|từ)\s*(?:qty\.?|quantity|menge)?\s*)?"
    rf"(?P<low>{_NUMBER})\s*(?P<unit>[^\W\d_]{{0,12}}\.?)\s*(?:\+|(?:et|und|y|e|and|и|i|en|ve|&)\s*\+|(?:and|or) (?:more|up|above)|und mehr|o más|ou plus|ou mais|o più|以上|起|и более|trở lên)?",
    re.IGNORECASE,
)
_QTY_WORDS = re.compile(
    r"\b(?:from qty|qty\.?|quantity|from|menge|cantidad|quantité|кол-во|количество|数量|số lượng)\b[:.]?\s*",
    re.IGNORECASE,
)
_WITH_TIERS = re.compile(r"(?P<main>[^()\[\]]{2,60}?)\s*[(\[](?P<tiers>[^()\[\]]{6,200})[)\]]\s*")
_BARE = re.compile(r"\d[\d.,' \u00a0\u202f]*")
_LONGEST = 160


def read_shipping_row(
    cells: Sequence[str], heads: Sequence[str] = (), *, language: str = ""
) -> dict[str, Any] | None:
    """{name, days, price_amount, price_currency, per, prices_other}; None for a row that names no way of shipping."""
    texts = [" ".join(cell.split()) for cell in cells]
    filled = [(number, text) for number, text in enumerate(texts) if text]
    if not filled or sum(len(text) for text in texts) > 3 * _LONGEST:
        return None
    if len(filled) == 1:
        return _read_line(filled[0][1], language)
    found: dict[str, Any] = {}
    names: list[str] = []
    for number, text in filled:
        head = heads[number] if number < len(heads) else ""
        label = find_label(head.partition("(")[0]) if head else None
        role = label.field if label is not None else ""
        price = _price_of(text, read_currency(head.rpartition("(")[2].strip(" )")), language)
        if price is not None and "price_amount" not in found and (role == "price" or _is_price_cell(text)):
            _put_price(found, price)
            if per := _PER.match(text[_end_of(text, price) :]):
                found["per"] = per["per"].lower()
        elif (
            (role == "days" or _DAYS.fullmatch(text)) and "days" not in found and any(map(str.isdigit, text))
        ):
            found["days"] = text
        elif role not in ("days", "price", "ships_to", "ships_from", "coins"):
            names.append(text)
    if not names:
        return None
    return {"name": names[0], **found}


def _read_line(text: str, language: str) -> dict[str, Any] | None:
    """ "priority - 3 days - USD 20.00 / order", "EMS (5-7 days): $12", "+$5 Tracked"."""
    if len(text) > 2 * _LONGEST:
        return None
    found: dict[str, Any] = {}
    price = _price_of(text, "", language)
    if (
        price is None
    ):  # "Tracked, from here to there - 5 days - $9": words of the name tell nothing about the price
        for gap in reversed(list(re.finditer(r"\s[-–—|·•]\s|[:：]", text))[-6:]):
            part = _price_of(text[gap.end() :], "", language)
            if part is not None:
                price = replace(part, start=part.start + gap.end(), end=part.end + gap.end())
                break
    if price is None and (listed := _read_listed(text, language)) is not None:
        return listed
    pieces = [text]
    if price is not None:
        _put_price(found, price)
        end = _end_of(text, price)
        per = _PER.match(text[end:])
        if per is not None:
            found["per"] = per["per"].lower()
            end += per.end()
        before = text[: price.start].rstrip(_EDGES)
        pieces = [before, text[end:].lstrip(_ENDS)]
    named: list[str] = []
    for piece in pieces:
        piece = piece.strip(" \t-–—|·•")
        match = _DAYS_BEHIND.search(piece) or _DAYS_FIRST.match(piece)
        if match is not None and "days" not in found:
            found["days"] = match["days"]
            piece = (piece[: match.start()] + piece[match.end() :]).strip()
        elif "days" not in found and (whole := _DAYS.fullmatch(piece.strip("()[] "))):
            found["days"], piece = whole[0], ""
        if piece.strip(_EDGES + _ENDS):
            named.append(piece.strip(" :：+-–—|,;"))
    if not named:
        return None
    return {"name": " ".join(named), **found}


def _read_listed(text: str, language: str) -> dict[str, Any] | None:
    """ "Parcel, 900 ₽, 6-10 days": one part is a price and nothing else, one at most a time; the rest is the name."""
    found: dict[str, Any] = {}
    names: list[str] = []
    for part in re.split(r"\s*[,;，、]\s+", text)[:8]:
        if is_only_price(part) and (price := _price_of(part, "", language)) is not None:
            if "price_amount" in found:
                return None
            _put_price(found, price)
        elif _DAYS.fullmatch(part) and "days" not in found:
            found["days"] = part
        else:
            names.append(part)
    name = ", ".join(names).strip(_EDGES + _ENDS)
    return {"name": name, **found} if name and "price_amount" in found else None


def split_tiers(
    line: str, *, language: str = "", currency: str = ""
) -> tuple[str, tuple[dict[str, Any], ...]] | None:
    """("2 900 rub", the tiers) out of "2 900 rub (from 5 pcs - 2 400 rub, from 20 pcs - 1 950 rub)"; None for other texts."""
    match = _WITH_TIERS.fullmatch(line)
    if match is None or _price_of(match["main"], currency, language) is None:
        return None
    parts = [re.split(r"\s+[-–—=]\s+|\s*[:：=]\s*", part) for part in re.split(r"[,;]\s+", match["tiers"])]
    rows = [read_tier_row(cells, (), language=language) for cells in parts[:20]]
    tiers = tuple(row for row in rows if row is not None)
    return (match["main"], tiers) if tiers and len(tiers) == len(rows) else None


def read_tier_row(
    cells: Sequence[str], heads: Sequence[str] = (), *, language: str = ""
) -> dict[str, Any] | None:
    """{from, to, unit, price_amount, price_currency, prices_other}; None where a row is no price for so many."""
    texts = [" ".join(cell.split()) for cell in cells]
    if sum(map(len, texts)) > 3 * _LONGEST:
        return None
    found: dict[str, Any] = {}
    price: Price | None = None
    for number, text in enumerate(texts):
        head = heads[number] if number < len(heads) else ""
        currency = read_currency(head.rpartition("(")[2].strip(" )"))
        one = _price_of(text, currency, language) if text else None
        bare = bool(currency) and _BARE.fullmatch(text) is not None  # "0.0024" under "BTC"
        if one is not None and (bare or _is_price_cell(text)):
            if price is None:
                price = one
                _put_price(found, one)
            elif one.currency != price.currency:
                others = [*found.get("prices_other", ()), {"amount": one.amount, "currency": one.currency}]
                found["prices_other"] = tuple(others)
        elif one is not None and price is None and len([t for t in texts if t]) == 1:
            price = one
            _put_price(found, one)
            if not _read_count(text[: one.start].strip(_EDGES + "="), found, language):
                return None
        elif "from" not in found and not currency and (price is None or _names_count(head)):
            _read_count(text, found, language, named=_names_count(head))
    return found if price is not None and "from" in found else None


def _read_count(text: str, found: dict[str, Any], language: str, *, named: bool = False) -> bool:
    """`named`: the column's head says that it holds how many, so that a unit may have a name that nobody knows."""
    text = re.sub(r"(?<=\d)\s*\+\s*(?=[^\W\d])", " ", _QTY_WORDS.sub("", text).strip(" :=@"))
    if match := _RANGE.fullmatch(text):
        low, high = (read_number(match[part].strip(), language=language) for part in ("low", "high"))
        if low is not None and high is not None and low <= high:
            found["from"], found["to"] = low, high
            _put_unit(f"1 {match['two'] or match['one']}", found, language)
            return True
        return False
    if quantity := read_quantity(text.rstrip("+ "), language=language):
        found["from"], found["unit"] = quantity.amount, quantity.unit
        return True
    if match := _FROM.fullmatch(text):
        low = read_number(match["low"].strip(), language=language)
        if low is not None and (
            named or not match["unit"] or _put_unit(f"1 {match['unit']}", found, language)
        ):
            found["from"] = low
            return True
    return False


def _names_count(head: str) -> bool:
    """A column behind the price holds how many only where its head says so."""
    label = find_label(head) if head else None
    return label is not None and label.field in ("quantity", "stock", "tiers")


def _put_unit(text: str, found: dict[str, Any], language: str) -> bool:
    quantity = read_quantity(text, language=language)
    if quantity is not None:
        found["unit"] = quantity.unit
    return quantity is not None


def _price_of(text: str, currency: str, language: str) -> Price | None:
    if not any(map(str.isdigit, text)) or len(text) > 2 * _LONGEST:
        return None
    price = read_price(text, language=language, default_currency=currency)
    return (
        price
        if price is not None
        and price.amount is not None
        and price.kind in ("exact", "holding")
        and price.currency
        else None
    )


def _is_price_cell(text: str) -> bool:
    return is_only_price(text.lstrip("+ ")) or is_only_price(
        re.split(r"\s*(?:/|\bper\b|\beach\b|\bpro\b|\bpor\b|\bpar\b)", text.lstrip("+ "), maxsplit=1)[
            0
        ].strip()
    )


def _put_price(found: dict[str, Any], price: Price) -> None:
    found["price_amount"], found["price_currency"] = price.amount, price.currency
    if price.others:
        found["prices_other"] = tuple({"amount": o.amount, "currency": o.currency} for o in price.others)


def _end_of(text: str, price: Price) -> int:
    end = price.end
    for other in price.others:
        place = text.find(other.raw, end)
        end = place + len(other.raw) if place >= 0 else end
    return end + len(text[end:]) - len(text[end:].lstrip(") "))
