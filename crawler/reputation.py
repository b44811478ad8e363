"""What a seller's page says of their standing: sales, rating, levels, counts of feedback, ratings brought from elsewhere.

Public names: read_reputation.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from crawler import fields as f
from crawler.cleaning import clean_line, has_digit
from crawler.html import Element, where_of
from crawler.labels import fold_label
from crawler.pairs import Pair
from crawler.ratings import read_stars
from crawler.ratingwords import read_sign_word
from crawler.regions import Page
from crawler.values import Value

_LEVEL = re.compile(
    r"(?:(?:vendor|seller|händler|verkäufer|vendedor|vendeur|venditore|verkoper|продав\w+|卖家|sprzedawc\w+|satıcı)\s*[-:]?\s*)?"
    r"(?:level|lvl|stufe|nivel|niveau|nível|livello|уровень|等级|cấp|poziom|seviye|rank)\s*[:#]?\s*\d{1,3}(?:\s*/\s*\d{1,3})?",
    re.IGNORECASE,
)
_TRUST = re.compile(
    r"(?:trust|vertrauen\w*|confianza|confiance|confiança|fiducia|vertrouwen|довери\w+|信任|tin cậy|zaufani\w+|güven)"
    r"\s*(?:level|lvl|stufe|niveau|уровень|等级|rating)?\s*[:#]?\s*\d{1,3}(?:\s*/\s*\d{1,3})?",
    re.IGNORECASE,
)
_TRUST_LABEL = re.compile(
    "trust|vertrauen|confian|fiducia|vertrouw|довери|信任|tin cay|zaufan|guven", re.IGNORECASE
)
_STATUS = frozenset(
    fold_label(word)
    for word in """banned, suspended, deactivated, inactive, on vacation, vacation, vacation mode, on holiday, holiday mode, away, retired, scammer, exit scammed, exit scam,
    frozen, disabled, closed, gesperrt, im urlaub, urlaub, inaktiv, betrüger, suspendido, baneado, de vacaciones, inactivo, banni, suspendu, en vacances,
    inactif, banido, suspenso, de férias, bannato, sospeso, in vacanza, verbannen, geschorst, op vakantie, заблокирован, забанен, в отпуске, приостановлен,
    неактивен, 已封禁, 封禁, 休假, 已停用, bị cấm, đang nghỉ, zbanowany, zablokowany, na urlopie, yasaklandı, tatilde""".replace(
        "\n", " "
    ).split(",")
)
_STATUS_LABEL = frozenset(
    map(
        fold_label,
        (
            "status",
            "state",
            "account status",
            "estado",
            "statut",
            "stato",
            "статус",
            "状态",
            "trạng thái",
            "durum",
            "stan",
        ),
    )
)
_FE_LABEL = re.compile(
    r"^(?:fe|f\.e\.|finali[sz]e early|early finali[sz]ation)(?:\s+(?:enabled|allowed|status|permission|privileges?|right|erlaubt|aktiviert|permitido|autorisé|разрешён|разрешено))?\s*\??:?$",
    re.IGNORECASE,
)
_SALES_LABEL = frozenset(
    fold_label(word)
    for word in """sales, total sales, deals, completed deals, orders, completed orders, transactions, successful transactions, finished orders, sold, items sold, number of sales, sales count,
    verkäufe, abgeschlossene verkäufe, geschäfte, transaktionen, ventas, ventas totales, transacciones, pedidos, ventes, transactions réussies, commandes, vendas, transações, vendite, transazioni,
    verkopen, transacties, продажи, продаж, сделки, сделок, заказов, 销量, 成交, 成交量, 交易数, đã bán, lượt bán, giao dịch, sprzedaże, transakcje, satışlar, satış""".replace(
        "\n", " "
    ).split(",")
)
_RATING_LABEL = frozenset(
    fold_label(word)
    for word in """rating, score, vendor rating, seller rating, average rating, positive feedback, feedback score, feedback rating, reputation, stars, bewertung, wertung, positive bewertungen, durchschnittliche bewertung,
    valoración, puntuación, calificación, note, évaluation, note moyenne, avaliação, nota, valutazione, voto, punteggio, waardering, beoordeling, рейтинг, оценка, репутация, 评分, 好评率, 信誉,
    đánh giá, điểm, uy tín, ocena, reputacja, puan, değerlendirme""".replace("\n", " ").split(",")
)
_POSITIVE = re.compile(
    r"(?:positive? (?:feedback|ratings?|reviews?)|positive bewertungen|positiv|valoraciones positivas|avis positifs|положительны\w+(?: отзыв\w+)?|好评率|rating|score|bewertung|рейтинг)"
    r"[^\d%]{0,12}(?:\([^)]{0,30}\))?\s*[:=]?\s*(?P<n>\d{1,3}(?:[.,]\d{1,3})?)\s*%",
    re.IGNORECASE,
)
_PERCENT_POSITIVE = re.compile(
    r"(?P<n>\d{1,3}(?:[.,]\d{1,3})?)\s*%\s*(?:positive?|positiv\w*|положительных|好评)", re.IGNORECASE
)
_AFTER_NAME = re.compile(r"\s*[(\[{]\s*(?P<a>\d[\d.,']{0,9}\+?)\s*[)\]}]")
_OUT_OF_COUNT = re.compile(
    r"(?:(?:out of|from|based on|aus|von|basado en|de|sur|basée? sur|из|на основе)\s+)?(?P<n>\d[\d.,']{0,9})\s*(?:ratings?|rating\[s\]|reviews?|votes?|feedbacks?|bewertungen|stimmen|opiniones|votos|valoraciones"
    r"|avis|votes|avaliações|recensioni|voti|beoordelingen|stemmen|отзыв\w*|оцен\w*|голос\w*|条?评价|评论|đánh giá|opini\w+|ocen\w*|głos\w*|yorum|değerlendirme|oy)",
    re.IGNORECASE,
)
_EXTERNAL = re.compile(
    r"\d{1,6}\s*/\s*\d{1,6}\s*/\s*\d{1,6}|\(?\d{1,6}\)?\s*[(\[]\s*\d(?:[.,]\d{1,3})?\s*(?:/\s*5)?\s*[)\]]|\d[.,]\d{1,3}\s*(?:/\s*5)?\s*\(\d{1,6}\)|\d(?:[.,]\d{1,3})?\s*/\s*5|\d{1,6}, \d[.,]\d{1,3}/5"
)
_EXTERNAL_TITLE = re.compile(
    r"^(?P<market>.{2,30}?)\s+(?:vendor|seller|market vendor)?\s*ratings?\b", re.IGNORECASE
)
_MARKETS = (
    "alphabay|dream ?market|dream|hansa|wall ?street ?market|wsm|empire ?market|empire|agora|silk ?road(?: [23]\\.0)?|evolution|nucleus|abraxas|valhalla|trade ?route|point|berlusconi"
    "|nightmare|cryptonia|dark ?0 ?de|dark ?market|white ?house|monopoly|versus|tor2door|asap|archetyp|incognito|abacus|torrez|kingdom|bohemia|nemesis|vice ?city|world ?market|hydra"
    "|cannahome|cannazon|apollon|samsara|tochka|middle ?earth|oasis|outlaw|sheep|black ?market ?reloaded|cannabia|royal|spurdo|mega|kraken|recon|black ?ops|drughub|torzon|ares|tor ?market"
)
_NAMED_EXTERNAL = re.compile(
    rf"(?:^|[\[(|,;·])\s*(?P<market>{_MARKETS})\s*(?:market)?\s*[:\])=-]*\s*(?P<text>{_EXTERNAL.pattern})",
    re.IGNORECASE,
)
_UP_DOWN = re.compile(r"\+\s?(?P<up>\d{1,6})\s*[/|,;]?\s*[-−–]\s?(?P<down>\d{1,6})")
_IN_BRACKETS = re.compile(r"\s*[(\[][^()\[\]]{1,30}[)\]]\s*$")
_RATING_FIGURE = re.compile(r"\d{1,3}(?:[.,]\d{1,2})?\s?(?:%|/\s?(?:5|10|100))?")
_INTEGER = re.compile(r"\d[\d.,' ]{0,9}")
_UP = re.compile(r"\btrust(?:s|ed)?\b(?! level)|vertraue|confío|recommend|upvote|\blike", re.IGNORECASE)
_DOWN = re.compile(r"distrust|misstrau|desconf|not recommend|downvote|dislike", re.IGNORECASE)


class _Reader:
    def __init__(self, page: Page, pairs: list[Pair], name: Element | None, language: str) -> None:
        self.page = page
        self.pairs = pairs
        self.name = name
        self.language = language
        self.fields: dict[str, Value] = {}

    def put(self, field: str, value: Any, raw: str, element: Element, sure: float) -> None:
        if value not in (None, "", (), {}) and field not in self.fields:
            self.fields[field] = Value(value, raw[:200], where_of(element), sure)

    def number(self, text: str) -> Decimal | None:
        return f.read_number(text.strip(" +"), language=self.language or "en")

    # --- labels ---

    def read_pairs(self) -> None:
        for pair in self.pairs:
            folded, line = fold_label(pair.name), " ".join(pair.value.split())
            element = pair.element
            if folded in _STATUS_LABEL and len(line) <= 40:
                self.put("status", line, line, element, 0.8)
            elif (_FE_LABEL.match(pair.name.strip()) or _is(pair, "finalise_early")) and len(line) <= 30:
                self.put("fe_enabled", line, line, element, 0.85)
            elif pair.label is not None and pair.label.field == "level" and len(line) <= 40:
                self.put("trust" if _TRUST_LABEL.search(folded) else "level", line, line, element, 0.8)
            elif (match := _UP_DOWN.fullmatch(line)) is not None:
                self.put("trust_up", Decimal(match["up"]), line, element, 0.75)
                self.put("trust_down", Decimal(match["down"]), line, element, 0.75)
            elif (folded in _SALES_LABEL or _is(pair, "seller_sales")) and (match := _INTEGER.match(line)):
                self.put("sales", self.number(match[0]), line, element, 0.8)
            elif folded in _RATING_LABEL or _is(pair, "seller_rating"):
                self._read_rating(line, element)

    def _read_rating(self, line: str, element: Element) -> None:
        """ "4.71 (12)", "4.71/5 (12 reviews)", "97.5 %", "★★★★☆"."""
        if (match := _OUT_OF_COUNT.search(line)) or (
            match := re.search(r"[(\[]\s*(?P<n>\d[\d.,']{0,9})\s*[)\]]", line)
        ):
            count = self.number(match["n"])
            if count is not None and count == count.to_integral_value():
                self.put("rating_count", count, line, element, 0.7)
                line = line[: match.start()].strip(" ([,")
        if (
            found := re.match(
                r"(?P<n>\d{1,3}(?:[.,]\d{1,3})?)\s*(?:%|/\s*(?:5|10|100)|out of \d+)?\s*(?:stars?)?$",
                line.strip(" +"),
            )
        ) is not None:
            self.put("rating", self.number(found["n"]), line, element, 0.75)
        elif (stars := read_stars(line)) is not None:
            self.put("rating", stars, line, element, 0.7)

    def read_figures(self) -> None:
        """A figure over its name: <div><div>312</div><div>Sales</div></div>, as a profile's head has three or four."""
        for element in self.page.content:
            inner = element.elements()
            if (
                len(inner) != 2
                or element.size > 60
                or len(element.children) > 8
                or element.tag in ("tr", "dl")
            ):
                continue
            figure, name = (each.short or "" for each in inner)
            if not figure[:1].isdigit() or not name or name[:1].isdigit():
                continue
            folded = fold_label(_IN_BRACKETS.sub("", name))
            if folded in _SALES_LABEL and (match := _INTEGER.fullmatch(figure)):
                self.put("sales", self.number(match[0]), figure, element, 0.75)
            elif folded in _RATING_LABEL and _RATING_FIGURE.fullmatch(figure):
                self._read_rating(
                    f"{figure} {'' if folded == fold_label(name) and '(' not in name else name[len(name.partition('(')[0]) :]}".strip(),
                    element,
                )

    # --- what stands without a label ---

    def read_elements(self) -> None:
        for element in self.page.content:
            if title := element.attrs.get("title"):
                self._read_title(element, clean_line(title))
            text = element.short
            if not text or len(text) > 140:
                continue
            if len(text) <= 40:
                if element.elements():
                    pass  # "Level" and "5" in elements of their own are a label and its value
                elif _TRUST.fullmatch(text):
                    self.put("trust", text, text, element, 0.8)
                elif _LEVEL.fullmatch(text):
                    self.put("level", text, text, element, 0.8)
                elif (
                    fold_label(text) in _STATUS
                    and element.tag not in ("a", "li", "option")
                    and self._near_name(element)
                ):
                    self.put("status", text.strip(" ()[]"), text, element, 0.75)
            if "%" in text and (match := _POSITIVE.search(text) or _PERCENT_POSITIVE.search(text)):
                number = self.number(match["n"])
                if number is not None and number <= 100:
                    self.put("rating", number, text, element, 0.7)

    def _near_name(self, element: Element) -> bool:
        return self.name is not None and abs(element.number - self.name.number) <= 25

    def _read_title(self, element: Element, title: str) -> None:
        """Tooltips: "Successful transactions" over (20), "Average rating out of 20 ratings" over 4.65."""
        text = (element.short or "").strip(" ()[]")
        if not text:
            return
        if re.search(
            r"successful (?:transactions|sales|deals|orders)|completed (?:orders|deals)", title, re.I
        ) and _INTEGER.fullmatch(text):
            self.put("sales", self.number(text), text, element, 0.85)
        elif re.search(
            r"average|rating|bewertung|valoración|note moyenne|рейтинг", title, re.I
        ) and re.fullmatch(r"\d(?:[.,]\d{1,3})?", text):
            self.put("rating", self.number(text), text, element, 0.85)
            if match := _OUT_OF_COUNT.search(title):
                self.put("rating_count", self.number(match["n"]), title, element, 0.8)

    def read_after_name(self) -> None:
        """ "nk88 (12) [4.71]": deals, then the rating; "nk88 4.71 (12)": the rating, then how many."""
        if self.name is None:
            return
        for element in [self.name, *([self.name.parent] if self.name.parent is not None else [])]:
            text = element.short
            if not text or len(text) > 120:
                continue
            if match := re.search(
                r"(?P<rating>\d[.,]\d{1,2})\s*(?:/\s*5\s*)?[(\[]\s*(?P<count>\d[\d.,']{0,8})\s*[)\]]", text
            ):
                self.put("rating", self.number(match["rating"]), text, element, 0.7)
                self.put("rating_count", self.number(match["count"]), text, element, 0.7)
                return
            for match in _AFTER_NAME.finditer(text):
                number = self.number(match["a"])
                if number is None:
                    continue
                if re.fullmatch(r"\d[.,]\d{1,3}", match["a"]) and number <= 5:
                    self.put("rating", number, text, element, 0.7)
                elif number == number.to_integral_value():
                    self.put("sales", number, text, element, 0.65)

    def read_external(self) -> None:
        """Ratings of other markets: a tooltip names the market, or its name stands before the figures."""
        found: list[dict[str, str]] = []
        where: Element | None = None
        for element in self.page.worded:
            text = element.short or ""
            if len(text) > 200 or not has_digit(text):
                continue
            title = clean_line(element.attrs.get("title", ""))
            bare = text.strip()
            if (
                title
                and re.search(
                    r"market|vendor rating|seller rating|verified|linked|extern|import", title, re.I
                )
                and _EXTERNAL.fullmatch(bare)
            ):
                match = _EXTERNAL_TITLE.match(title)
                found.append({"market": match["market"] if match else title, "text": bare})
                where = where or element
            elif not element.elements() or len(text) <= 80:
                for named in _NAMED_EXTERNAL.finditer(text):
                    record = {"market": named["market"].strip(), "text": named["text"].strip()}
                    if record not in found and not any(record["text"] == other["text"] for other in found):
                        found.append(record)
                        where = where or element
        if where is not None:
            self.put("external_ratings", tuple(found[:20]), "", where, 0.7)

    def read_counts(self) -> None:
        """Rows that begin with positive, neutral, negative: one count for each span of time."""
        counts: dict[str, tuple[str, ...]] = {}
        where: Element | None = None
        names = {"good": "positive", "neutral": "neutral", "bad": "negative"}
        for row in self.page.tree.elements:
            if (
                row.tag not in ("tr", "li", "div", "dl", "p")
                or row.size > 120
                or row.number in self.page.frame
            ):
                continue
            head, figures = _split_row(row)
            sign = read_sign_word(head) if len(head) > 2 else ""
            if sign and figures and names[sign] not in counts:
                counts[names[sign]] = figures
                where = where or row
        if where is not None and len(counts) >= 2 and len({len(figures) for figures in counts.values()}) == 1:
            self.put("feedback_counts", counts, "", where, 0.8)

    def read_votes(self) -> None:
        """The figures after "I trust this vendor" and "I distrust this vendor"."""
        for element in self.page.content:
            title = element.attrs.get("title", "")
            if not title or len(title) > 80 or element.parent is None:
                continue
            down = _DOWN.search(title) is not None
            if not down and not _UP.search(title):
                continue
            after = "".join(
                c
                for c in element.parent.children[element.place + 1 : element.place + 2]
                if isinstance(c, str)
            ).strip()
            after = after or (element.short or "").strip(" ()+-")
            if re.fullmatch(r"\d{1,7}", after):
                self.put("trust_down" if down else "trust_up", Decimal(after), after, element, 0.75)


def read_reputation(
    page: Page, pairs: list[Pair], *, name: Element | None, language: str = ""
) -> dict[str, Value]:
    """status, level, trust, sales, rating, rating_count, external_ratings, feedback_counts, fe_enabled, trust_up, trust_down.

    `name`: the element that holds the seller's name: figures in brackets after it are theirs.
    """
    reader = _Reader(page, pairs, name, language)
    reader.read_elements()
    reader.read_pairs()
    reader.read_figures()
    reader.read_after_name()
    reader.read_external()
    reader.read_counts()
    reader.read_votes()
    return reader.fields


def _is(pair: Pair, field: str) -> bool:
    return pair.label is not None and pair.label.field == field


def _split_row(row: Element) -> tuple[str, tuple[str, ...]]:
    """("Positive", ("3", "148")) of a row of a word and figures; figures are empty where anything else stands there."""
    texts = _texts(row)
    if not texts:
        return "", ()
    if len(texts) == 1:
        head, _, rest = texts[0].partition(":")
        return head, (rest.strip(),) if re.fullmatch(r"\d[\d.,']{0,8}", rest.strip()) else ()
    figures = tuple(text.strip(" :()") for text in texts[1:])
    return texts[0].rstrip(": "), figures if all(
        re.fullmatch(r"\d[\d.,']{0,8}", figure) for figure in figures
    ) else ()


def _texts(element: Element) -> list[str]:
    return [
        text
        for inner in element.iter()
        for child in inner.children
        if isinstance(child, str) and not child.isspace() and (text := clean_line(child))
    ]
