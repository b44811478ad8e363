"""A seller's own page: name, dates, standing, text, key. Thin: sellers are read from their listings first.

Public names: read_profile.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from crawler import fields as f
from crawler.html import text_of, where_of
from crawler.labels import find_label, fold_label
from crawler.listings import ListingReader
from crawler.regions import headings
from crawler.values import Value

_PGP_START = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
_CONTACT = (
    "contact ", "profile of ", "viewing profile ::", "vendor ", "seller ", "profil von ", "perfil de ", "profil de ",
    "händler ", "verkäufer ", "anbieter ", "vendedor ", "vendeur ", "venditore ", "verkoper ", "продавец ", "sprzedawca ",
)  # fmt: skip


def read_profile(reader: ListingReader) -> dict[str, Value]:
    """Fields of a seller page, from a reader that has read it as a listing: name, joined, last_seen, description ..."""
    kept: dict[str, Value] = {
        name: reader.fields[name]
        for name in ("joined", "last_seen", "rating", "level", "terms")
        if name in reader.fields
    }
    page = reader.page
    name = reader.fields.get("seller")
    if name is None or not name.value:
        name = _name_of(reader)
    if name is not None:
        kept["name"] = Value(name.value, name.raw, name.where, name.sure)
    text = reader.fields.get("description") or reader.fields.get("terms")
    if text is not None:
        first, _, rest = str(text.value).partition("\n")
        named = name is not None and str(name.value) in first and len(first) <= len(str(name.value)) + 20
        own = rest.strip() if named and rest.strip() else str(text.value)  # "About nk88" is a heading
        kept["description"] = Value(own, own, text.where, text.sure)
    for element in page.content:
        first = next(
            (child for child in element.children if isinstance(child, str) and not child.isspace()), ""
        )
        if first.lstrip().startswith(_PGP_START):
            kept["pgp_key"] = Value(text_of(element, limit=20_000), "", where_of(element), 0.9)
            break
    return kept


def _name_of(reader: ListingReader) -> Value | None:
    """The heading that names somebody: it stands in the document's title, in addresses of the page, or beside "profile"."""
    page = reader.page
    document = fold_label(page.tree.title)
    addresses = " ".join(e.attrs.get("href", "") for e in page.content if e.tag == "a")[:100_000].lower()
    best: tuple[int, int, Value] | None = None
    for place, element in enumerate(headings(page)):
        own = " ".join(child.strip() for child in element.children if isinstance(child, str)).strip()
        whole = element.short or own
        text = _strip_start(own or whole)
        name = f.read_name(text)
        if not name or find_label(name) is not None or len(name) > 40:
            continue
        score = 2 * (fold_label(name) in document) + 2 * _is_addressed(name, addresses)
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
    for start in _CONTACT:
        if text.lower().startswith(start):
            return text[len(start) :].lstrip(" :")
    return text


def _is_addressed(name: str, addresses: str) -> bool:
    return re.search(rf"[/=]{re.escape(quote(name).lower())}(?:[/&?# ]|$)", addresses) is not None
