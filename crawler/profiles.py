"""A seller's own page: name, dates, standing, text, key. Thin: sellers are read from their listings first.

Public names: read_profile.
"""

from __future__ import annotations

from crawler import fields as f
from crawler.html import text_of, where_of
from crawler.labels import fold_label
from crawler.listings import ListingReader
from crawler.regions import headings
from crawler.values import Value

_PGP_START = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
_CONTACT = ("contact ", "profile of ", "vendor ", "seller ", "profil von ", "perfil de ", "profil de ")


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
        kept["description"] = text
    for element in page.content:
        first = next(
            (child for child in element.children if isinstance(child, str) and not child.isspace()), ""
        )
        if first.lstrip().startswith(_PGP_START):
            kept["pgp_key"] = Value(text_of(element, limit=20_000), "", where_of(element), 0.9)
            break
    return kept


def _name_of(reader: ListingReader) -> Value | None:
    document = fold_label(reader.page.tree.title)
    for element in headings(reader.page):
        own = " ".join(child.strip() for child in element.children if isinstance(child, str)).strip()
        text = own or element.short or ""
        for start in _CONTACT:
            if text.lower().startswith(start):
                text = text[len(start) :]
        name = f.read_name(text)
        if name and " " not in name and (fold_label(name) in document or element.words or len(name) <= 30):
            return Value(name, text, where_of(element), 0.7)
    title = reader.page.tree.title
    for start in _CONTACT:
        if title.lower().startswith(start) and (name := f.read_name(title[len(start) :])):
            return Value(name, title, "title", 0.6)
    return None
