"""What a page tells machines of the one thing that it sells: JSON-LD of a schema.org Product with its Offer.

Public names: read_linked, add_linked.

A page with several products is a list, and says nothing of one. What the page shows to people goes before: a value from here fills
what they are not shown, and where the two differ it is kept among the others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from crawler.cleaning import clean_line, clean_text
from crawler.currencies import find_code
from crawler.values import Value

_OPENER = re.compile(r"<script\b[^<>]*$", re.IGNORECASE)
_WHERE = "script[type='application/ld+json']"
_NUMBER = re.compile(r"\d{1,12}(?:\.\d{1,12})?")
_TAG = re.compile(r"<[^>]{0,500}>")
_MOST_SCRIPTS = 20
_LONGEST = 100_000
_MOST_NODES = 2_000
_SURE = 0.7


def read_linked(text: str) -> dict[str, Value]:
    """title, description, category, seller, price_amount, price_currency, price_text of the one product of a page's source."""
    if "ld+json" not in text:
        return {}
    products: list[Mapping[str, Any]] = []
    for source in _scripts(text):
        try:
            data = json.loads(source, parse_float=Decimal, parse_int=Decimal)
        except (ValueError, RecursionError, ArithmeticError):
            continue
        products += [node for node in _nodes(data) if _is(node, "Product")]
    return _read_product(products[0]) if len(products) == 1 else {}


def _scripts(text: str) -> Iterator[str]:
    """The contents of the page's scripts of that type. Plain searches: a page may open a script a million times."""
    place = 0
    for _ in range(_MOST_SCRIPTS):
        place = text.find("ld+json", place)
        if place < 0:
            return
        start = text.find(">", place, place + 300) + 1
        if start and _OPENER.search(text[max(0, place - 300) : place]):
            end = text.find("</script", start, start + _LONGEST)
            if end >= 0:
                yield text[start:end].strip()
        place += 7


def add_linked(fields: dict[str, Value], linked: Mapping[str, Value]) -> None:
    """Fill `fields` from what read_linked gave. A price is one thing: its parts come together or not at all."""
    priced = "price_amount" in fields or "price_text" in fields
    for name, value in linked.items():
        old = fields.get(name)
        if old is None or old.value in (None, "", ()):
            if not (priced and name.startswith("price_")):
                fields[name] = value
        elif old.value != value.value and name in ("price_amount", "seller") and len(old.others) < 5:
            fields[name] = replace(old, others=(*old.others, value))


def _nodes(data: Any) -> Iterator[Mapping[str, Any]]:
    stack, left = [data], _MOST_NODES
    while stack and left:
        node = stack.pop()
        left -= 1
        if isinstance(node, list):
            stack.extend(reversed(node[:200]))
        elif isinstance(node, Mapping):
            yield node
            if not _is(node, "Product"):  # what is related to a product stands inside it
                stack.extend(each for each in node.values() if isinstance(each, (list, Mapping)))


def _is(node: Any, kind: str) -> bool:
    types = node.get("@type") if isinstance(node, Mapping) else None
    return any(str(one).rpartition("/")[2] == kind for one in (types if isinstance(types, list) else [types]))


def _read_product(product: Mapping[str, Any]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    if name := _line(product.get("name"), 300):
        found["title"] = Value(name, name, _WHERE, _SURE)
    about = product.get("description")
    if isinstance(about, str) and (words := clean_text(_TAG.sub(" ", about[:100_000]))):
        found["description"] = Value(words, words, _WHERE, _SURE)
    if category := _line(product.get("category"), 200):
        steps = tuple(step for part in re.split(r"\s*[>›»/]\s*", category) if (step := part.strip()))
        found["category"] = Value(steps, category, _WHERE, _SURE)
    offers = product.get("offers")
    offers = offers if isinstance(offers, list) else [offers]
    if len(offers) == 1 and _is(offers[0], "Offer"):
        found |= _read_offer(offers[0])
    return found


def _read_offer(offer: Mapping[str, Any]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    price = str(offer.get("price", "")).strip()
    code = find_code(str(offer.get("priceCurrency", "")).strip()[:8])
    if code and _NUMBER.fullmatch(price) and Decimal(price) > 0:
        shown = f"{price} {code}"
        found["price_amount"] = Value(Decimal(price), shown, _WHERE, _SURE)
        found["price_currency"] = Value(code, shown, _WHERE, _SURE)
        found["price_text"] = Value(shown, shown, _WHERE, _SURE)
        found["price_kind"] = Value("exact", shown, _WHERE, _SURE)
    seller = offer.get("seller") or offer.get("offeredBy")
    if name := _line(seller.get("name") if isinstance(seller, Mapping) else seller, 60):
        found["seller"] = Value(name, name, _WHERE, _SURE)
    return found


def _line(value: Any, most: int) -> str:
    text = clean_line(_TAG.sub(" ", value[: 4 * most])) if isinstance(value, str) else ""
    return text if len(text) <= most else ""
