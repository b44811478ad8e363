"""A seller's own page, or a tab of it: name, dates, standing, text, key, feedback, and what they sell.

Public names: read_profile, active_tab.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

from crawler import fields as f
from crawler.html import Element, text_of, where_of
from crawler.labels import SECTIONS, find_label, fold_label
from crawler.listings import ListingReader
from crawler.pgp import read_key_block
from crawler.regions import Page, headings
from crawler.reputation import read_reputation
from crawler.somebody import leads_to_somebody
from crawler.titles import own_line
from crawler.values import Card, Value

_PGP_START = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
_CONTACT = (
    "contact ", "profile of ", "viewing profile ::", "vendor ", "seller ", "profil von ", "perfil de ", "profil de ",
    "händler ", "verkäufer ", "anbieter ", "vendedor ", "vendeur ", "venditore ", "verkoper ", "продавец ", "sprzedawca ",
)  # fmt: skip
_PROFILE_OF = re.compile(
    r"^[^:]{0,24}(?:profil\w*|profile|perfil|профил\w*|资料|プロフィール|프로필)[^:]{0,12}[:：]+\s*(\S.*)$",
    re.IGNORECASE,
)
_FINGERPRINT = re.compile(r"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{4}[\s:]{0,3}){9}[0-9A-Fa-f]{4}(?![0-9A-Fa-f])")
_FINGERPRINT_WORD = re.compile(
    r"finger\s?-?(?:print|abdruck)|vingerafdruk|empreinte|huella|impronta|impressão digital|odcisk|otisk|parmak izi|отпечат|відбит|指纹|指紋|지문|dấu vân tay"
    r"|بصمة|اثر انگشت|טביעת|ลายนิ้วมือ|sidik jari|फ़िंगरप्रिंट|फिंगरप्रिंट|আঙুলের ছাপ|alama ya kidole|\bfpr?\b|amprent|αποτύπωμα",
    re.IGNORECASE,
)
_ACTIVE = frozenset(("active", "focus", "focused", "current", "selected", "on"))
_OTHER_TABS = re.compile(
    r"feedback|review|rating|bewertung|opinion|valoraci|avis|évaluation|avalia|recension|beoordeling|отзыв|оценки|评价|đánh giá|opinie|yorum|pgp|public key|schlüssel|clave|clé|ключ|公钥",
    re.IGNORECASE,
)


def read_profile(reader: ListingReader, *, cards: Sequence[Card] = ()) -> dict[str, Value]:
    """Fields of a seller's page, from a reader that has read it as a listing, in the names of the gold files."""
    kept: dict[str, Value] = {
        name: reader.fields[name] for name in ("joined", "last_seen", "terms") if name in reader.fields
    }
    page = reader.page
    open_tab = _find_tab(page)
    tab = (open_tab.short or "") if open_tab is not None else ""
    if open_tab is not None:
        kept["tab"] = Value(tab, tab, where_of(open_tab), 0.7)
    name = reader.fields.get("seller")
    if name is None or not name.value:
        name = _name_of(reader)
    if name is not None:
        kept["name"] = Value(name.value, name.raw, name.where, name.sure)
    if not _OTHER_TABS.search(tab):
        _read_text(reader, kept, cards)
    place = _place_of(page, str(name.value)) if name is not None else None
    kept |= read_reputation(page, reader.pairs, name=place, language=reader.language)
    _read_key(page, kept)
    if "pgp_fingerprint" not in kept:
        _read_fingerprint(page, kept)
    return kept


def active_tab(page: Page) -> str:
    """The text of the tab that is open, of a bar of at least two; "" where none is marked."""
    found = _find_tab(page)
    return (found.short or "") if found is not None else ""


def _find_tab(page: Page) -> Element | None:
    plain: Element | None = None
    crumbs = {inner.number for crumb in page.crumbs for inner in crumb.iter()}
    for element in page.content:
        if (
            element.tag not in ("a", "li", "span", "td", "button", "label", "div", "b", "strong")
            or not element.short
        ):
            continue
        if len(element.short) > 40 or (element.tag == "div" and len(element.elements()) > 2):
            continue
        marked = (
            element.words & _ACTIVE
            or element.attrs.get("aria-selected") == "true"
            or "aria-current" in element.attrs
        )
        if marked and not element.short.isdigit() and _is_in_bar(element):
            return element
        if plain is None and _is_only_unlinked(element) and element.number not in crumbs:
            plain = element
    return plain


def _is_only_unlinked(element: Element) -> bool:
    """The one part of a bar of links that is no link, and is named as tabs are: "[About] Feedback [Messages]"."""
    parent, text = element.parent, element.short or ""
    if parent is None or element.tag not in ("span", "b", "strong", "em") or len(parent.children) > 24:
        return False
    if any(isinstance(child, str) and child.strip(" \t\n|·•/[]") for child in parent.children):
        return False
    others = [other for other in parent.elements() if other is not element and other.size]
    if len(others) < 2 or any(other.tag != "a" or not other.attrs.get("href") for other in others):
        return False
    label = find_label(text)
    return (label is not None and label.field in SECTIONS) or bool(_OTHER_TABS.search(text))


def _is_in_bar(element: Element) -> bool:
    """Do other links of the same make stand beside it?"""
    parent = element.parent
    if parent is None:
        return False
    if len(parent.elements()) == 1 and parent.parent is not None:
        element, parent = parent, parent.parent
    others = [e for e in parent.elements()[:40] if e is not element and e.short]
    others = [e for e in others if e.tag == element.tag or e.tag in ("a", "button", "label")]
    return any(inner.tag in ("a", "button", "label") for other in others for inner in other.iter())


def _read_text(reader: ListingReader, kept: dict[str, Value], cards: Sequence[Card]) -> None:
    text = reader.fields.get("description")
    if text is None or not text.value:
        text = _read_terms(reader)
    if text is None:
        return
    name = str(kept["name"].value) if "name" in kept else ""
    first, _, rest = str(text.value).partition("\n")
    named = bool(name) and name in first and len(first) <= len(name) + 20
    own = rest.strip() if named and rest.strip() else str(text.value)  # "About nk88" is a heading
    own = own.partition(_PGP_START)[0].rstrip()
    if not reader.page.groups:  # one or two cards are no group, so they may have been taken for text
        ends = [place for card in cards if (place := own.find(f"\n{card.title}")) > 0]
        own = own[: min(ends)].rstrip() if ends else own
    if own:
        kept["description"] = Value(own, own, text.where, text.sure)


def _read_terms(reader: ListingReader) -> Value | None:
    """Where nothing is called a description, the terms are what a seller says of themselves. With their lines."""
    found = reader.fields.get("terms")
    if found is None or not found.value:
        return None
    for pair in reader.pairs:
        if pair.label is not None and pair.label.field == "terms":
            parts = [part if isinstance(part, str) else text_of(part, limit=60_000) for part in pair.parts]
            text = "\n\n".join(part.strip() for part in parts if part.strip())
            return Value(text, text, found.where, found.sure) if text else found
    return found


def _read_key(page: Page, kept: dict[str, Value]) -> None:
    for element in page.content:
        first = next(
            (child for child in element.children if isinstance(child, str) and not child.isspace()), ""
        )
        if not first.lstrip().startswith(_PGP_START):
            continue
        block = text_of(element, limit=60_000)
        kept["pgp_key"] = Value(block[:20_000], "", where_of(element), 0.9)
        inner = block.partition(_PGP_START)[2].partition("-----END")[0]
        keys = [key for key in read_key_block(inner) if key.valid]
        if keys:
            kept["pgp_fingerprint"] = Value(keys[0].fingerprint.upper(), "", where_of(element), 0.95)
        return


def _read_fingerprint(page: Page, kept: dict[str, Value]) -> None:
    """A fingerprint that the page shows behind a word for it; of several different ones none."""
    found: dict[str, Value] = {}
    for element in page.content:
        text = element.short
        if (
            not text
            or len(text) > 300
            or (
                element.elements()
                and any(inner.short and _FINGERPRINT.search(inner.short) for inner in element.elements())
            )
        ):
            continue
        for match in _FINGERPRINT.finditer(text):
            before = text[: match.start()][-40:] or _text_before(element)
            if _FINGERPRINT_WORD.search(before):
                shown = " ".join(match[0].split())
                found.setdefault(
                    re.sub(r"[^0-9A-F]", "", shown.upper()), Value(shown, text, where_of(element), 0.8)
                )
    if len(found) == 1:
        kept["pgp_fingerprint"] = next(iter(found.values()))


def _text_before(element: Element) -> str:
    """The words right before an element, or before what it fills."""
    here = element
    for _ in range(3):
        parent = here.parent
        if parent is None:
            return ""
        for node in reversed(parent.children[max(0, here.place - 4) : here.place]):
            text = node if isinstance(node, str) else node.short or ""
            if text.strip():
                return text[-40:]
        here = parent
    return ""


def _place_of(page: Page, name: str) -> Element | None:
    """Where the name stands with what follows it: the smallest element that begins with it and says more, else the name."""
    best: Element | None = None
    for element in page.content:
        text = element.short
        if (
            not text
            or len(text) > 120
            or element.tag in ("a", "li", "option", "h1")
            or not text.startswith(name)
        ):
            continue
        if len(text) > len(name) and any(map(str.isdigit, text[len(name) :])):
            return element
        best = best or element
    return best


def _name_of(reader: ListingReader) -> Value | None:
    """The heading that names somebody: it stands in the document's title, in addresses of the page, or beside "profile"."""
    page = reader.page
    document = fold_label(page.tree.title)
    addresses = " ".join(e.attrs.get("href", "") for e in page.content if e.tag == "a")[:100_000].lower()
    best: tuple[int, int, Value] | None = None
    for place, element in enumerate(headings(page)):
        own = " ".join(child.strip() for child in element.children if isinstance(child, str)).strip()
        own = own or (own_line(element) or "")  # smaller print under the name is none of it
        whole = element.short or own
        links = [inner for inner in element.iter() if inner.tag == "a" and inner.short]
        if len(links) == 1 and leads_to_somebody(links[0].attrs.get("href", "")) and own != links[0].short:
            own = links[0].short or ""  # "Feedback of <a>nk88</a>"
        text = _strip_start(own or whole)
        name = f.read_name(text)
        if not name or find_label(name) is not None or len(name) > 40:
            continue
        score = 2 * (fold_label(name) in document) + 2 * _is_addressed(name, addresses)
        score += 2 * (len(links) == 1 and name == f.read_name(links[0].short or ""))
        score += ("profil" in whole.lower()) + (text != own and bool(own)) + (element.tag == "h1")
        if score >= 2 and (best is None or (score, -place) > best[:2]):
            best = (score, -place, Value(name, whole, where_of(element), 0.7))
    if best is not None:
        return best[2]
    title = page.tree.title
    if _strip_start(title) != title and (name := f.read_name(_strip_start(title))):
        return Value(name, title, "title", 0.6)
    return None


def _strip_start(text: str) -> str:
    if match := _PROFILE_OF.match(text):
        return match[1]
    for start in _CONTACT:
        if text.lower().startswith(start):
            return text[len(start) :].lstrip(" :")
    return text


def _is_addressed(name: str, addresses: str) -> bool:
    return re.search(rf"[/=]{re.escape(quote(name).lower())}(?:[/&?# ]|$)", addresses) is not None
