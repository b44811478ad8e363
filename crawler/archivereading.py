"""One row of a table -> a reading, by the analyst's mapping: nothing is looked for beyond what the mapping names.

Public names: read_row, RowFacts.

Pure. `where` of each value is its column. A value that cannot be read without guessing keeps its raw text alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping as Named
from dataclasses import dataclass
from datetime import datetime

from crawler.archivemapping import Mapping
from crawler.contacts import find_contacts
from crawler.dates import read_date
from crawler.dedup import content_hash
from crawler.money import read_currency, read_prices
from crawler.quantity import read_quantity
from crawler.values import Value, as_json
from storage.readings import ReadingRow

MAX_TEXT = 200_000
_SURE = 0.95
"""A person named the column; what stands in it may still be wrong."""
_PLAIN = ("quantity", "stock", "sold", "ships_from", "payment", "language")
_LEFT = 40


@dataclass(frozen=True)
class RowFacts:
    """The stored page of a row. body: its bytes."""

    page_id: int
    site_id: int
    run_id: int
    url: str
    received_at: datetime
    body: bytes


def read_row(facts: RowFacts, cells: Named[str, str], mapping: Mapping, *, trouble: str = "") -> ReadingRow:
    """The reading of one row. Without title and description, or with a trouble, it is of kind "other" and no listing."""
    fields: dict[str, Value] = {}
    used: set[str] = set()

    def cell(field: str, joint: str = "\n") -> Value | None:
        names = [name for name in mapping.columns_of(field) if cells.get(name, "").strip()]
        used.update(mapping.columns_of(field))
        if not names:
            return None
        text = joint.join(cells[name].strip() for name in names)[:MAX_TEXT]
        return Value(text, text, ", ".join(names), _SURE)

    for name in ("title", "description", "seller", *_PLAIN):
        if found := cell(name):
            fields[name] = found
    if "seller" not in fields and mapping.seller:
        fields["seller"] = Value(mapping.seller, mapping.seller, "the mapping", _SURE)
    seen_at = _read_seen(cell("seen_at"), facts, mapping, fields)
    if found := cell("category", " > "):
        parts = tuple(part.strip() for part in re.split(r"\s*[>»/|]\s*", str(found.value)) if part.strip())
        fields["category"] = Value(parts[:20], found.raw, found.where, _SURE)
    if found := cell("ships_to"):
        parts = tuple(part.strip() for part in re.split(r"[,;|\n]", str(found.value)) if part.strip())
        fields["ships_to"] = Value(parts[:300], found.raw, found.where, _SURE)
    _read_money(cell("price"), cell("currency"), mapping, fields)
    if (found := fields.get("quantity")) and (amount := read_quantity(found.raw, language=mapping.language)):
        fields["amount"] = Value(format(amount.amount, "f"), amount.raw, found.where, _SURE)
        fields["unit"] = Value(amount.unit, amount.raw, found.where, _SURE)
    if found := cell("posted"):
        at = _read_time(found.raw, captured_at=seen_at, mapping=mapping)
        fields["posted"] = Value(at, found.raw, found.where, _SURE if at else 0.0)
    contact, link, key = cell("contact"), cell("url"), cell("key")
    if contact:
        fields["contact"] = contact
    if link:
        fields["url"] = Value(str(link.value)[:4000], link.raw, link.where, _SURE)

    def text(name: str) -> str:
        value = fields.get(name)
        return value.value if value is not None and isinstance(value.value, str) else ""

    title, description, seller = text("title"), text("description"), text("seller")
    is_listing = not trouble and bool(title or description)
    price = fields.get("price_amount")
    left = [
        [name[:200], value[:500]]
        for name, value in cells.items()
        if name not in used and value and name != "*"
    ]
    found_contacts = find_contacts("\n".join(filter(None, (title, description, text("contact")))))
    return ReadingRow(
        page_ids=(facts.page_id,),
        site_id=facts.site_id,
        run_id=facts.run_id,
        reader_version=mapping.reader_version,
        kind="listing" if is_listing else "other",
        confidence=_SURE if is_listing else 0.2,
        title=title,
        description=description,
        fields=as_json(fields),
        leftovers=left[:_LEFT],
        content_sha256=content_hash(title, description, seller),
        key=_make_key(key, text("url"), facts) if is_listing else "",
        source="listing" if is_listing else "",
        url=text("url") or facts.url,
        seller=seller,
        seen_at=seen_at,
        category=" > ".join(fields["category"].value) if "category" in fields else "",
        price_amount=price.value if price is not None else None,
        price_currency=text("price_currency"),
        ships_from=text("ships_from")[:200],
        ships_to=", ".join(fields["ships_to"].value) if "ships_to" in fields else "",
        posted_at=fields["posted"].value if "posted" in fields else None,
        contacts=tuple((each.kind, each.value[:500], each.valid) for each in found_contacts),
    )


def _make_key(key: Value | None, url: str, facts: RowFacts) -> str:
    """What the site calls the listing: the key's column, the path of its address; else the row's own bytes."""
    if key is not None:
        return str(key.value)[:300]
    if url:
        path = re.sub(r"^[a-z]+://[^/]*", "", url, flags=re.I)
        return path or "/"
    return f"row {hashlib.sha256(facts.body.strip()).hexdigest()[:32]}"


def _read_seen(found: Value | None, facts: RowFacts, mapping: Mapping, fields: dict[str, Value]) -> datetime:
    """When the row was seen: its column, the mapping's constant, else the time of its page."""
    fallback = mapping.seen_at or facts.received_at
    if found is None:
        return fallback
    at = _read_time(found.raw, captured_at=facts.received_at, mapping=mapping)
    fields["seen_at"] = Value(at, found.raw, found.where, _SURE if at else 0.0)
    return at or fallback


def _read_time(text: str, *, captured_at: datetime, mapping: Mapping) -> datetime | None:
    text = text.strip()
    if re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", text):
        try:
            at = datetime.fromisoformat(text.replace("Z", "+00:00"))
        except ValueError:
            return None
        # Dates of pages are in UTC where they name no zone; rows are read the same way.
        return at if at.tzinfo is not None else at.replace(tzinfo=captured_at.tzinfo)
    return read_date(text, captured_at=captured_at, language=mapping.language, day_first=mapping.day_first)


def _read_money(
    price: Value | None, currency: Value | None, mapping: Mapping, fields: dict[str, Value]
) -> None:
    if price is None:
        return
    fields["price_text"] = price
    code = mapping.currency
    if currency is not None:
        code = read_currency(currency.raw) or (
            currency.raw.upper() if re.fullmatch(r"[A-Za-z]{3,5}", currency.raw) else ""
        )
        if not code:
            return  # a currency that is named and not known is not the usual one
    found = read_prices(price.raw, language=mapping.language, currency=code)
    if not found:
        return
    first = found[0]
    if currency is not None and code and first.currency and first.currency != code:
        return  # the amount names one currency, its own column another
    if not first.currency:
        return
    where = price.where if currency is None else f"{price.where}, {currency.where}"
    fields["price_amount"] = Value(first.amount, first.raw, price.where, _SURE)
    fields["price_currency"] = Value(first.currency, first.currency, where, _SURE)
    if first.unit:
        fields["price_unit"] = Value(first.unit, first.raw, price.where, _SURE)
