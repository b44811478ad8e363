"""The words and signs with which buyers' ratings are shown, in the languages that markets are written in.

Public names: SIGNS, REGION, BUYER, NOBODY, ACTIONS, read_sign_word.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from crawler.labels import fold_label

_GOOD = """positive, positives, positifs, positivos, positivas, positivi, positivní, положительных, positiven, pos, positiv, positivo, positiva, positif, positieve, positief, положительный, положительно, положительная,
    положительные, 好评, 好評, 正面, tích cực, pozytywna, pozytywny, pozytywne, pozytyw, olumlu, позитивний, pozitivní, pozitív, pozitiv,
    pozitivna, θετικό, θετική, ايجابي, إيجابي, مثبت, חיובי, सकारात्मक, บวก, 高評価, 긍정적, 긍정, chanya, myönteinen, recommended,
    empfehlenswert, recomendado, recommandé, rekomenduję"""
_NEUTRAL = """neutral, neutrals, neutres, neutros, neutras, neutri, neutrali, нейтральных, neutralen, neut, neutro, neutra, neutre, neutraal, нейтральный, нейтрально, нейтральная, нейтральные, 中评, 中評, 中性, trung lập,
    trung tính, neutralna, neutralny, neutralne, nötr, нейтральний, neutrální, semleges, neutru, ουδέτερο, ουδέτερη, محايد, خنثی, ניטרלי, तटस्थ,
    กลาง, ปานกลาง, 普通, 중립, netral, neutraali, mixed"""
_BAD = """negative, negatives, négatifs, negativos, negativas, negativi, отрицательных, negativen, neg, negativ, negativo, negativa, négatif, negatif, negatieve, negatief, отрицательный, отрицательно, отрицательная,
    отрицательные, 差评, 差評, 负面, 負面, tiêu cực, negatywna, negatywny, negatywne, negatyw, olumsuz, негативний, negativní, negatív,
    negativna, αρνητικό, αρνητική, سلبي, منفی, שלילי, नकारात्मक, ลบ, 低評価, 부정적, 부정, hasi, kielteinen"""
_GLYPHS = {
    "good": "☑✓✔✅👍➕⊕▲＋+🟢😀🙂😊☺",
    "neutral": "◯○⚪▬⊙●◦😐0⚫🟡",
    "bad": "☒✗✘❌✖👎➖⊖▼－−–-🔴🙁😠☹✕",
}
SIGNS = ("good", "neutral", "bad")
_BARE_SIGNS = {"+1": "good", "-1": "bad", "−1": "bad", "+0": "neutral", "±0": "neutral", "[+]": "good", "[-]": "bad", "[−]": "bad", "[0]": "neutral", "(−)": "bad", "(+)": "good", "(-)": "bad",
               "(0)": "neutral", ":)": "good", ":-)": "good", ":(": "bad", ":-(": "bad", ":|": "neutral"}  # fmt: skip

BUYER = frozenset(
    fold_label(word)
    for word in """buyer, buyers, buyer name, customer, client, purchaser, by, from, user, username, left by, reviewer, buyer / price, käufer, kunde, von,
    käufername, comprador, cliente, por, acheteur, de, par, compratore, acquirente, da, koper, klant, door, покупатель, клиент, от, заказчик,
    买家, 買家, 用户, 买方, người mua, khách hàng, bởi, kupujący, klient, przez, nabywca, alıcı, müşteri, купець, покупець, od, kupující, zákazník,
    vevő, vásárló, cumpărător, αγοραστής, πελάτης, المشتري, مشتري, العميل, خریدار, מאת, קונה, खरीदार, ग्राहक, ผู้ซื้อ, pembeli, 購入者, 구매자,
    mnunuzi, köpare, kund, køber, kunde, kjøper, ostaja""".replace("\n", " ").split(",")
    if word.strip()
)
REGION = frozenset(
    """feedback feedbacks review reviews rating ratings comments comment testimonial testimonials bewertung bewertungen rezension rezensionen
    opinion opiniones opinion valoraciones resenas avis evaluations commentaires avaliacoes comentarios recensioni recensione valutazioni beoordeling
    beoordelingen opinie oceny recenzje yorum yorumlar degerlendirme otzyv otzyvy danhgia pingjia pinglun hodnoceni""".split()  # noqa: SIM905
)
"""Words in class and id of what holds ratings."""
NOBODY = frozenset(
    fold_label(word)
    for word in """anonymous, anonym, anon, hidden, anónimo, anonyme, anônimo, anonimo, anoniem, аноним, скрыто, скрыт, 匿名, ẩn danh, anonim, n/a, -,
    deleted, deleted user, guest, buyer, käufer, comprador, покупатель, 买家, unknown, private""".replace(
        "\n", " "
    ).split(",")
)
ACTIONS = re.compile(
    r"^(?:view|view items?|view (?:item|listing|product|order)s?|show|report|reply|details|more|link|permalink|ansehen|melden|zum artikel|ver|ver más"
    r"|voir|signaler|vedi|bekijk|просмотр|смотреть|подробнее|查看|xem|zobacz|görüntüle|#\d+|»+|\.\.\.|…)$",
    re.IGNORECASE,
)


@cache
def _words() -> dict[str, str]:
    found: dict[str, str] = {}
    for sign, words in zip(SIGNS, (_GOOD, _NEUTRAL, _BAD), strict=True):
        for word in words.replace("\n", " ").split(","):
            found.setdefault(fold_label(word), sign)
    for sign, glyphs in _GLYPHS.items():
        found |= dict.fromkeys(glyphs, sign)
    return found | _BARE_SIGNS


_EXTRA_WORDS = (
    "feedback", "review", "rating", "vote", "experience", "bewertung", "valoración", "opinión", "avis", "отзыв", "оценка",
    "评价", "đánh giá", "opinia", "ocena", "yorum",
)  # fmt: skip
_EXTRA_ENDS = tuple(f"{word}{end}" for word in _EXTRA_WORDS for end in ("", "s"))
_EXTRA = re.compile(rf"\s*(?:{'|'.join(_EXTRA_WORDS)})s?$", re.IGNORECASE)


def read_sign_word(text: str) -> str:
    """good, neutral or bad where the text is nothing but a sign or a word for it ("☑", "Positive feedback"); else ""."""
    text = text.strip()
    if not text.isascii():
        text = text.replace("\ufe0f", "").replace("\ufe0e", "")
    return _find_sign(text) if text and len(text) <= 30 else ""


@lru_cache(maxsize=8192)
def _find_sign(text: str) -> str:
    words = _words()
    if found := words.get(text):
        return found
    folded = fold_label(text)
    bare = _EXTRA.sub("", folded) if folded.lower().endswith(_EXTRA_ENDS) else folded
    return words.get(folded) or (words.get(bare) if len(bare) > 1 else "") or ""  # "0 reviews" is no sign
