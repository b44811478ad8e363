"""A reading in the names and forms of gold.json.

Public names: shape_reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from crawler.extract import PageReading
from crawler.values import Value

KINDS = {"queue": "refresh"}
"""Gold calls a page that sends itself on a refresh page; to us it is a queue."""
_RENAMED = {"ends": "ends_in", "payment": "payment_text", "terms": "seller_terms", "stock": "quantity"}
"""Our names of a listing's fields where gold has another. A stock is gold's "quantity", ahead of a quantity offered."""
_LISTING = frozenset(
    """title description category seller seller_level seller_trust seller_sales seller_rating seller_external_ratings
    price_text price_amount price_currency prices_other bulk_prices quantity autodispatch product_class ends_in ships_from
    ships_to shipping_options payment_text escrow coins sold posted tags seller_terms reviews""".split()  # noqa: SIM905
)
_SELLER = frozenset(
    """name status level trust sales rating rating_count external_ratings feedback_counts fe_enabled joined last_seen trust_up
    trust_down description pgp_key pgp_fingerprint tab n_reviews listings items""".split()  # noqa: SIM905
)
_LIST = frozenset(("items", "categories", "category_name", "total", "last_page"))
_KNOWN = {
    "listing": _LISTING,
    "seller": _SELLER,
    "feedback": _SELLER,
    "pgp": _SELLER,
    "search": _LIST,
    "home": _LIST,
}
_REFRESH = frozenset(("refresh_seconds", "refresh_url"))
_RAW = frozenset(("posted", "joined", "last_seen"))
"""Gold keeps dates as they are shown."""


def shape_reading(reading: PageReading, *, refresh: bool) -> dict[str, Any]:
    """{"kind", "fields"} of one reading. `refresh`: the page has a refresh tag, so that our queue is gold's refresh page."""
    known = _KNOWN.get(reading.kind, _REFRESH)
    fields: dict[str, Any] = {}
    for name, value in reading.fields.items():
        renamed = _RENAMED.get(name, name) if reading.kind == "listing" else name
        if renamed not in known or (name == "quantity" and "stock" in reading.fields):
            continue
        shaped = value.raw if name in _RAW else _shape(value.value)
        if shaped not in (None, "", [], {}):
            fields[renamed] = shaped
    if reading.kind in ("search", "home"):
        fields.setdefault("items", [_shape_card(card) for card in reading.cards])
    elif reading.kind in ("seller", "feedback", "pgp"):
        fields["pgp_key"] = "pgp_key" in reading.fields  # gold says only whether there is one
        fields.setdefault("listings", [_shape_card(card, seller=False) for card in reading.cards])
    if reading.kind in ("feedback", "listing") and "feedback" in reading.fields:
        name = "items" if reading.kind == "feedback" else "reviews"
        fields.setdefault(name, shape_feedback(reading.fields["feedback"], reviews=name == "reviews"))
    kind = KINDS.get(reading.kind, reading.kind) if refresh else reading.kind
    return {
        "kind": kind,
        "fields": {name: value for name, value in fields.items() if value not in (None, "", [], {})},
    }


def shape_feedback(feedback: Value, *, reviews: bool) -> list[dict[str, Any]]:
    """The ratings in gold's two shapes: "reviews" of a listing, "items" of a feedback page."""
    names = (
        {"text": "text", "age": "date_text", "stars": "stars"}
        if reviews
        else {
            "text": "text",
            "title": "product",
            "buyer": "buyer",
            "price_amount": "price",
            "price_currency": "currency",
            "date": "date_text",
        }
    )
    found = []
    for item in feedback.value if isinstance(feedback.value, (list, tuple)) else ():
        get = item.get if isinstance(item, Mapping) else lambda name, item=item: getattr(item, name, None)
        shaped = {gold: _shape(get(ours)) for gold, ours in names.items()}
        found.append({name: value for name, value in shaped.items() if value not in (None, "")})
    return found


def _shape_card(card: Any, *, seller: bool = True) -> dict[str, Any]:
    names = ("title", "url", "seller", "price_amount", "price_currency", "sold", "quantity")
    shaped = {
        name: _shape(getattr(card, name, None))
        for name in names
        if seller or name not in ("seller", "sold", "quantity")
    }
    return {name: value for name, value in shaped.items() if value not in (None, "")}


def _shape(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (tuple, list)):
        return [_shape(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _shape(item) for key, item in value.items()}
    return value if value is None or isinstance(value, str) else str(value)
