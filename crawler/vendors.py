"""What a listing says of its seller, beside the name: level, trust, sales, rating, ratings brought from other markets.

Public names: read_vendor.
"""

from __future__ import annotations

import re

from crawler import fields as f
from crawler.drafts import Draft
from crawler.html import Element, text_of

_LEVEL_WORD = r"(?:level|lvl\.?|rank|stufe|nivel|nível|niveau|livello|rang|poziom|seviye|уровень|рівень|úroveň|nivelul|等级|等級|级|cấp|レベル|레벨|tingkat|ระดับ)"
_TRUST_WORD = r"(?:trust|vertrauen\w*|confianza|confiance|confiança|fiducia|vertrouwen\w*|довери\w+|довіри|zaufani\w+|güven|důvěr\w+|încredere|信任|tin cậy|信頼|신뢰)"
_TRUST = re.compile(rf"^\W*(?=.*{_TRUST_WORD})(?=.*\d)[^\d,;|]{{3,30}}\s*:?\s*\d{{1,3}}\W*$", re.IGNORECASE)
_LEVEL = re.compile(
    rf"^\W*(?:[^\W\d]+\.?\s+){{0,2}}{_LEVEL_WORD}\s*:?\s*#?\d{{1,3}}\W*$|^\W*(?:lv|l)\.?\s?\d{{1,2}}\W*$",
    re.IGNORECASE,
)
_TRUST_IN = re.compile(rf"{_TRUST_WORD}(?:\s+{_LEVEL_WORD})?\s*:?\s*\d{{1,3}}\b", re.IGNORECASE)
_LEVEL_IN = re.compile(
    rf"(?<!{'trust '})(?:[Vv]endor |[Ss]eller )?{_LEVEL_WORD}\s*:?\s*\d{{1,3}}\b", re.IGNORECASE
)
_SALES_HINT = re.compile(
    r"transaction|sales|deals|orders|sold|verkäufe|ventas|vendas|ventes|vendite|verkopen|продаж|сделок|sprzedaż|satış|销量|成交|已售|giao dịch|lượt bán",
    re.IGNORECASE,
)
_RATING_HINT = re.compile(
    r"rating|score|stars?\b|satisfaction|reputation|bewertung|valoraci|avalia|note|valutazione|beoordeling|рейтинг|ocena|puan|评分|信誉|đánh giá",
    re.IGNORECASE,
)
_EXTERNAL_CLASS = frozenset(("external", "linked", "imported", "foreign"))
_PLAIN_TITLE_WORDS = frozenset(
    ["user", "vendor", "seller", "average", "successful", "verified", "total", "overall", "the", "a", "an", "and", "of", "out", "deal", "deals", "count", "rating", "ratings", "stars", "star", "positive", "neutral", "negative", "number", "sales", "sale", "sold", "orders", "order", "based", "feedback", "score", "transactions", "pos", "neut", "neg", "completed", "level", "trust", "market", "marketplace", "buyer", "buyers", "product", "this", "shop", "store", "all-time", "lifetime", "member", "since", "reputation"]
)  # fmt: skip
_SALES_WORDED = re.compile(
    r"(?<![\d.,])(?P<n>\d{1,3}(?:[.,' \u00a0\u202f]\d{3})+|\d+)\+?[^\S\n]*(?:successful |completed )?(?:sales|deals|transactions|orders|verkäufe|ventas|vendas|ventes|vendite|verkopen|сделок|продаж\w*|sprzedaży|satış|笔成交|笔交易|lượt bán|giao dịch)\b",
    re.IGNORECASE,
)
_SALES_NAMED = re.compile(
    r"(?:sales|deals|transactions|orders|verkäufe|geschäfte|ventas|vendas|ventes|vendite|verkopen|сделок|продаж|sprzedaż|satış|成交|销量|giao dịch|đã bán)"
    r"[^\S\n]*[:：]?[^\S\n]*(?P<n>\d[\d.,']*)",
    re.IGNORECASE,
)
_IN_ROUND = re.compile(r"^\W*\(\s*(\d[\d.,' ]*)\s*\)")
_ANY_ROUND = re.compile(r"\(\s*(\d[\d,' ]*)\s*(?:sales|deals|orders|сделок|продаж)?\s*\)", re.IGNORECASE)
_RATING_FORMS = re.compile(
    r"\[\s*(?P<square>\d(?:[.,]\d{1,3})?|\d{1,3}(?:[.,]\d+)?\s?%)\s*\]|[★☆⭐]\s*(?P<star>\d(?:[.,]\d{1,3})?)|(?P<of>\d(?:[.,]\d{1,3})?)\s*(?:/\s*5\b|[★⭐])"
    r"|(?<![\d.,])(?P<percent>\d{1,3}(?:[.,]\d+)?\s?%)|\(\s*(?P<round>[0-5][.,]\d{1,3})\s*\)"
)
_RATING_NAMED = re.compile(
    r"(?:rating|rated|score|note|bewertung|valoración|avaliação|valutazione|beoordeling|рейтинг|оценка|ocena|puan|评分|đánh giá)[^\S\n]*[:：]?[^\S\n]*"
    r"(?P<n>[0-5][.,]\d{1,2}|\d{1,3}(?:[.,]\d{1,2})?\s?%)(?![\d.,])",
    re.IGNORECASE,
)
_DISPATCH = re.compile(
    r"^\W*(?P<n>\d+|unlimited)\s+(?:items?|pieces?|units?)?\s*(?:are )?(?:available |ready )?(?:for|with)? ?auto(?:matic)?[- ]?(?:dispatch|delivery)",
    re.IGNORECASE,
)
_BOX = 420


def read_vendor(draft: Draft) -> None:
    """Fill seller_level, seller_trust, seller_sales, seller_rating, seller_external_ratings from around the seller's name."""
    spot = draft.spots.get("seller")
    if spot is None:
        return
    box = _box_of(spot, draft)
    name = str(draft.fields["seller"].value)
    external: list[str] = []
    spent: set[int] = set()
    for element in box.iter():
        text = element.short
        if not text or len(text) > 90 or element.number in spent:
            continue
        if (match := _DISPATCH.match(text)) and "autodispatch" not in draft.fields:
            draft.put("autodispatch", match["n"], text, element, 0.8)
        elif _TRUST.match(text):
            draft.put("seller_trust", text.strip(" ,;|()[]"), text, element, 0.85)
        elif _LEVEL.match(text):
            draft.put("seller_level", text.strip(" ,;|()[]"), text, element, 0.85)
        elif "," in text and len(text) <= 60:
            _read_list(draft, element, text)
        title = element.attrs.get("title", "")
        if (title or element.words & _EXTERNAL_CLASS) and any(map(str.isdigit, text)):
            if _is_external(element, title):
                external.append(text[1:-1].strip() if text[0] == "(" and text[-1] == ")" else text)
                spent.update(inner.number for inner in element.iter())
            elif title and not any(inner.attrs.get("title") for inner in element.iter()[1:]):
                _read_titled(draft, element, title, text)
    if external:
        draft.put("seller_external_ratings", tuple(external[:30]), " | ".join(external), box, 0.8)
    _read_beside(draft, spot, box, name, spent)


def _box_of(spot: Element, draft: Draft) -> Element:
    """The smallest stretch around the name that holds more than it, without the title or a whole text."""
    box = spot
    title = draft.spots.get("title")
    own = draft.spots.get("description")
    for outer in spot.up():
        if outer.size > _BOX or outer.tag in ("body", "html", "form", "table", "tbody", "tr", "main", "dl"):
            break
        if (title is not None and title.inside(outer)) or (own is not None and own.inside(outer)):
            break
        if any(
            name in draft.spots and draft.spots[name].inside(outer) for name in ("ships_from", "price_amount")
        ):
            break
        box = outer
    return box


def _read_list(draft: Draft, element: Element, text: str) -> None:
    """ "Vendor Level 2, Trust Level 3"."""
    for part in text.split(","):
        if _TRUST.match(part):
            draft.put("seller_trust", part.strip(" ()[]"), text, element, 0.8)
        elif _LEVEL.match(part):
            draft.put("seller_level", part.strip(" ()[]"), text, element, 0.8)


def _is_external(element: Element, title: str) -> bool:
    if element.words & _EXTERNAL_CLASS:
        return True
    if not _RATING_HINT.search(title) and not _SALES_HINT.search(title):
        return False
    bare = re.sub(r"\([^)]*\)", " ", title)
    return any(
        word[0].isupper() and word.lower().strip(",.") not in _PLAIN_TITLE_WORDS
        for word in re.findall(r"[^\W\d_][\w-]*", bare)
    )


def _read_titled(draft: Draft, element: Element, title: str, text: str) -> None:
    """A figure whose meaning its tooltip tells: title="Successful transactions"."""
    figure = text.strip(" ()[]~★⭐")
    if (
        _RATING_HINT.search(title)
        and len(figure) <= 12
        and re.fullmatch(r"\d{1,3}(?:[.,]\d+)?\s?(?:%|/\s?\d+)?", figure)
    ):
        draft.put("seller_rating", figure, text, element, 0.85)
    elif _SALES_HINT.search(title) and re.fullmatch(r"\d[\d.,' ]*", figure):
        draft.put("seller_sales", f.read_number(figure, language=draft.language or "en"), text, element, 0.85)


def _read_beside(draft: Draft, spot: Element, box: Element, name: str, spent: set[int]) -> None:
    """What stands right behind the name: "nk88 (12) [4.71]", "nk88 · 4.9/5 · 120 sales"."""
    line = text_of(box, without=frozenset(spent), limit=2000) or _line_of(box, spent)
    place = line.find(name)
    if place < 0:
        return
    tail = line[place + len(name) :][:120]
    if "seller_sales" not in draft.fields:
        match = _SALES_WORDED.search(tail) or _SALES_NAMED.search(tail)
        number = (
            match["n"]
            if match
            else (found[1] if (found := _IN_ROUND.match(tail) or _ANY_ROUND.search(tail)) else "")
        )
        if (
            number
            and not re.fullmatch(r"[0-5][.,]\d{1,2}", number.strip())
            and not re.search(r"since|seit|desde|depuis", tail[:30])
        ):
            draft.put(
                "seller_sales",
                f.read_number(number.strip(), language=draft.language or "en"),
                tail,
                spot,
                0.7,
            )
    for name_of, pattern in (("seller_trust", _TRUST_IN), ("seller_level", _LEVEL_IN)):
        if name_of not in draft.fields and (found_in := pattern.search(tail)):
            draft.put(name_of, found_in[0].strip(" ()"), tail, spot, 0.65)
    if "seller_rating" not in draft.fields and (match := _RATING_NAMED.search(tail)):
        draft.put("seller_rating", match["n"], tail, spot, 0.7)
    if "seller_rating" not in draft.fields and (match := _RATING_FORMS.search(tail)):
        value = next(group for group in match.groups() if group)
        draft.put("seller_rating", value.strip(), tail, spot, 0.7)


def _line_of(element: Element, spent: set[int]) -> str:
    parts: list[str] = []
    for inner in element.iter():
        if inner.number in spent:
            continue
        if (
            inner.short is not None
            and (inner is element or (inner.parent is not None and inner.parent.short is None))
            and not any(other.number in spent for other in inner.iter())
        ):
            parts.append(inner.short)
    if not parts and element.short is None:
        return ""
    return "\n".join(parts)  # figures of neighbours are not one number
