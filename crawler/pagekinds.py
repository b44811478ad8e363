"""What kind a page is: what the site file says, checked against the page's make; else its make and its words.

Public names: judge_kind, judge_gate, Kind.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from crawler.cleaning import clean_line
from crawler.html import Element, text_of
from crawler.labels import fold_label
from crawler.pairs import Pair
from crawler.regions import Page, headings
from crawler.siteconfig import GATE_KINDS

GATES = frozenset(GATE_KINDS)

_CAPTCHA = re.compile(
    r"captcha|not a robot|are you human|human verification|anti-?bot|ddos[- ]protection", re.IGNORECASE
)
_QUEUE = re.compile(
    r"\bqueue\b|estimated (?:waiting )?time|please wait|you will be redirected|warteschlange|очеред|排队",
    re.IGNORECASE,
)
_NOT_FOUND = re.compile(
    r"\b404\b|not found|does not exist|no longer (?:available|exists)|nicht gefunden|no encontrad|introuvable|não encontrad"
    r"|non trovat|niet gevonden|не найден|未找到|找不到|không tìm thấy|nie znalezion|bulunamadı",
    re.IGNORECASE,
)
_LOGIN = re.compile(
    r"login|log ?in|sign ?in|anmeld|iniciar sesión|connexion|вход|登录|đăng nhập|giriş|logowanie",
    re.IGNORECASE,
)
_SEIZED = re.compile(
    r"(?:site|service|market|domain) has been seized|this hidden site has been seized", re.IGNORECASE
)
_RULES = frozenset(
    fold_label(word)
    for word in (
        "rules", "market rules", "forum rules", "faq", "terms", "terms of service", "terms of use", "help", "guide", "regeln",
        "marktregeln", "hilfe", "reglas", "normas", "ayuda", "règles", "règlement", "aide", "regras", "ajuda", "regole", "правила",
        "помощь", "规则", "帮助", "quy định", "regulamin", "kurallar", "spielregeln", "nutzungsbedingungen", "about", "house rules",
    )
)  # fmt: skip
_ONION = re.compile(r"\b[a-z2-7]{16}(?:[a-z2-7]{40})?\.onion\b")
_SELLER_FIELDS = frozenset(("joined", "last_seen"))
_HOME = re.compile(r"\b(?:home|welcome|willkommen|startseite|inicio|accueil)\b")
_FEW_CARDS = 3
_LITTLE = 700
"""Letters outside forms and frames: a gate says little."""


@dataclass(frozen=True)
class Kind:
    """name: a page kind or gate kind. confidence: 0 to 1. why: the clues, for whoever looks at it."""

    name: str
    confidence: float
    why: str = ""


def judge_gate(page: Page, *, hinted: bool = False) -> Kind | None:
    """The gate that a page is by its make: little text, and a form for a person or a refresh. None for content.

    `hinted`: the site file names the page as content, so words alone do not make it a gate.
    """
    title = page.tree.title
    if sum(map(len, page.strings)) > 6 * _LITTLE and not _LOGIN.search(title):
        return None
    text = _text_outside_forms(page)
    forms = _controls(page.tree.elements)
    little = len(text) < _LITTLE
    if page.tree.refresh and (
        _QUEUE.search(text) or len(text) < 80 or (little and re.search("queue|ddos", title, re.I))
    ):
        return Kind("queue", 0.9, "refreshes itself and says little")
    if len(text) < 4 * _LITTLE and _SEIZED.search(text):
        return Kind("seized", 0.9, "says that it was seized")
    if not little:
        if forms.password and re.search(
            r"login|sign ?in|anmeld|iniciar sesión|connexion|вход|登录", title, re.I
        ):
            return Kind("login", 0.75, "a password box and a title that says login")
        return None
    if (
        not hinted
        and _LOGIN.search(title)
        and not any(len((h.short or "").split()) > 4 for h in headings(page))
    ):
        return Kind(
            "login", 0.7, "a title that says login and little text"
        )  # its form may be hidden from scrapers
    captcha = forms.named_captcha or (
        forms.texts > 0 and bool(_CAPTCHA.search(text + " " + title + " " + forms.words))
    )
    if forms.password:
        return Kind("login", 0.9, "a password box and little text")
    if captcha and (forms.texts or forms.pictures):
        return Kind("captcha", 0.9, "a box for a captcha and little text")
    if _QUEUE.search(text) and len(text) < 300 and not any(e.tag == "form" for e in page.tree.elements):
        return Kind("queue", 0.6, "asks to wait")
    return None


@dataclass
class _Controls:
    password: int = 0
    texts: int = 0
    pictures: int = 0
    named_captcha: bool = False
    words: str = ""


def _controls(elements: Collection[Element]) -> _Controls:
    found = _Controls()
    forms = {inner.number for element in elements if element.tag == "form" for inner in element.iter()}
    words: list[str] = []
    for element in elements:
        if element.tag == "input":
            kind = element.attrs.get("type", "text").lower()
            found.password += kind == "password"
            if kind in ("text", "") and element.number in forms:
                found.texts += 1
                name = f"{element.attrs.get('name', '')} {element.attrs.get('placeholder', '')} {element.attrs.get('id', '')}"
                found.named_captcha |= bool(re.search(r"captcha|\bcap\b", name, re.I))
        elif element.number in forms and len(words) < 40:
            found.pictures += element.tag == "img"
            if element.short:
                words.append(element.short)
    found.words = " ".join(words)[:1000]
    return found


def _text_outside_forms(page: Page) -> str:
    forms = {inner.number for e in page.content if e.tag == "form" for inner in e.iter()}
    return clean_line(
        " ".join(
            child
            for element in page.content
            if element.number not in forms
            for child in element.children
            if isinstance(child, str)
        )
    )


def judge_kind(
    page: Page,
    *,
    hint: str | None,
    fields: Collection[str],
    pairs: Collection[Pair],
    posts: int,
    rated: Collection[int] = (),
    tab: str = "",
) -> Kind:
    """`fields`: what a listing reader found. `posts`: how many posts of a forum. `rated`: the numbers of elements that are
    ratings. `tab`: the text of the open tab. The hint is the site file's word."""
    gate = judge_gate(page, hinted=bool(hint) and hint not in ("other", *GATES))
    if gate is not None and not {"price_amount", "seller"} <= set(fields):
        return gate
    if _says_not_found(page, fields):
        return Kind("not_found", 0.8, "says that nothing is here")
    seen = _by_structure(page, set(fields), pairs, posts)
    if hint and hint not in ("other", *GATES):
        if hint == seen.name:
            return Kind(hint, 0.97, "the site file says so, and so does the page")
        good = _supports(hint, page, set(fields), posts)
        return Kind(hint, 0.85 if good else 0.4, f"the site file says so; the page looks like {seen.name}")
    return seen


def _supports(hint: str, page: Page, fields: set[str], posts: int) -> bool:
    if hint == "listing":
        return "title" in fields
    if hint == "thread":
        return posts > 0
    if hint in ("search", "home"):
        return bool(page.groups) or "description" not in fields
    return True


def _says_not_found(page: Page, fields: Collection[str]) -> bool:
    if {"price_amount", "description"} & set(fields) and "seller" in fields:
        return False
    heads = [page.tree.title, *(element.short or "" for element in headings(page))]
    if any(len(head) < 80 and _NOT_FOUND.search(head) for head in heads[:4]):
        return len(text_of(page.tree.root, without=page.frame, limit=6000)) < 5000
    return False


def _by_structure(page: Page, fields: set[str], pairs: Collection[Pair], posts: int) -> Kind:
    labels = {pair.label.field for pair in pairs if pair.label is not None}
    cards = max((len(group.members) for group in page.groups), default=0)
    if posts >= 2 and "price" not in labels:
        return Kind("thread", 0.8, f"{posts} posts")
    if posts == 1 and not cards and "price" not in labels and not labels & _SELLER_FIELDS:
        return Kind("thread", 0.6, "one post with author or date")
    mass = sum(
        weight
        for name, weight in (
            ("price_amount", 2.0), ("seller", 1.5), ("ships_from", 1.5), ("ships_to", 1.0), ("description", 1.0), ("title", 1.0),
            ("payment", 0.5), ("stock", 0.5), ("quantity", 0.5), ("product_class", 0.5), ("ends", 0.5), ("category", 0.5),
        )
        if name in fields
    )  # fmt: skip
    if mass >= 5 and "title" in fields and ("price_amount" in fields or "ships_from" in fields):
        return Kind("listing", min(0.5 + mass / 20, 0.95), "title, price and the like")
    path = urlsplit(page.url).path
    title = fold_label(page.tree.title)
    if (path in ("", "/", "/index.php", "/home") and page.url) or _HOME.search(title):
        return Kind("home", 0.7, "by its address or title")
    if cards < _FEW_CARDS and _is_directory(page):
        return Kind("directory", 0.8, "a list of onion addresses")
    if profile := _judge_profile(page, labels):
        return profile
    if cards >= _FEW_CARDS:
        return Kind("search", min(0.6 + cards / 40, 0.9), f"{cards} cards")
    heads = {fold_label(element.short or "") for element in headings(page)}
    if heads & _RULES or title in _RULES:
        return Kind("rules", 0.7, "by its heading")
    return Kind("other", 0.5, "nothing decides")


def _judge_profile(page: Page, labels: set[str]) -> Kind | None:
    """A seller's page, or the tab of it with feedback or the key."""
    if not labels & _SELLER_FIELDS:
        return None
    tab = _active_tab(page)
    if "pgp" in tab or "public key" in tab:
        return Kind("pgp", 0.8, "a seller's page, the tab of the key")
    if re.search(r"feedback|review|rating|bewertung|opinion|avis|отзыв", tab):
        return Kind("feedback", 0.8, "a seller's page, the tab of feedback")
    return Kind("seller", 0.8, "says since when somebody is a member")


def _active_tab(page: Page) -> str:
    for element in page.content:
        if element.tag not in ("a", "li", "span") or not element.short or len(element.short) > 40:
            continue
        names = set(re.split(r"[\s_-]+", element.attrs.get("class", "").lower()))
        if names & {"active", "focus", "current", "selected"} or element.attrs.get("aria-selected") == "true":
            return element.short.lower()
    return ""


def _is_directory(page: Page) -> bool:
    texts = [text for text in page.strings if "onion" in text]
    found = {match for text in texts for match in _ONION.findall(text[:20_000])}
    return len(found) >= 3 or (len(found) >= 2 and any("-----BEGIN PGP" in text for text in page.strings))
