"""Ways of shipping and prices by quantity: rows of tables, lists, choices and lines that stand under their heading.

Public names: read_offers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crawler.drafts import Draft
from crawler.html import Element, text_of
from crawler.labels import find_label
from crawler.offerrows import read_shipping_row, read_tier_row
from crawler.pairs import Pair
from crawler.regions import CHOICE_WORDS, SHIPPING_WORDS, TIER_WORDS

_BLOCKS = frozenset(("select", "table", "ul", "ol", "tbody"))
_ROWS = {"select": "option", "table": "tr", "tbody": "tr", "ul": "li", "ol": "li"}
_MOST_ROWS = 60
_MOST_BLOCKS = 200
_FEWEST_TIERS = 2
_SHIP_NAMES = SHIPPING_WORDS | {"ship", "postal", "shipment", "dostavka", "entrega", "lieferung"}
_PLACEHOLDER = re.compile(r"^\W*(?:(?:please )?(?:select|choose)|wählen|bitte|elige|selecc?ion|choisi|выбер|选择|請選擇|chọn|wybierz|seç)|^\W*$", re.I)  # fmt: skip


@dataclass(frozen=True)
class _Block:
    element: Element
    rows: tuple[tuple[str, ...], ...]
    heads: tuple[str, ...]
    field: str


def read_offers(draft: Draft, pairs: Sequence[Pair], *, within: Element | None) -> None:
    """Fill shipping_options and bulk_prices. `within`: the description, whose own lists are the seller's talk."""
    shipping: tuple[_Block, list[dict[str, Any]]] | None = None
    tiers: tuple[_Block, list[dict[str, Any]]] | None = None
    bitcoin = _means_bitcoin(draft)
    for block in _blocks(draft, within):
        if bitcoin:
            block = replace(
                block, rows=tuple(tuple(cell.replace("฿", "BTC ") for cell in row) for row in block.rows)
            )
        if shipping is None and block.field == "shipping":
            found = _read_shipping(block, draft.language)
            shipping = (block, found) if found else None
        elif (
            shipping is None
            and not block.field
            and block.element.tag == "select"
            and _is_shipping(block, draft)
        ):
            shipping = block, _read_shipping(block, draft.language)
        elif tiers is None and block.field in ("tiers", ""):
            rows = [read_tier_row(row, block.heads, language=draft.language) for row in block.rows]
            good = [row for row in rows if row is not None]
            sure = block.field == "tiers"
            if (
                len(good) == len(rows) >= (1 if sure else _FEWEST_TIERS)
                or (sure and 0 < len(rows) - len(good) <= 1 < len(good))
            ) and (sure or all("unit" in row or "to" in row for row in good)):
                tiers = (block, good)
    if shipping is None:
        shipping = _by_lines(draft, pairs)
    if tiers is None:
        tiers = _tiers_by_lines(draft, pairs)
    for name, found_block in (("shipping_options", shipping), ("bulk_prices", tiers)):
        if found_block is not None:
            block, values = found_block
            raw = "\n".join(" | ".join(cell for cell in row if cell) for row in block.rows)
            draft.put(name, tuple(values), raw[:2000], block.element, 0.85 if block.field else 0.7)


def _is_shipping(block: _Block, draft: Draft) -> bool:
    """A choice of which every line has a name, a time and a price is one of ways of shipping, whatever it is called."""
    found = _read_shipping(block, draft.language)
    return bool(found) and all({"name", "days", "price_amount"} <= set(option) for option in found)


def _means_bitcoin(draft: Draft) -> bool:
    """The sign of the baht once stood for bitcoin, too: does this page's own price say so?"""
    text, code = draft.fields.get("price_text"), draft.fields.get("price_currency")
    return text is not None and code is not None and "฿" in text.raw and code.value == "BTC"


def _read_shipping(block: _Block, language: str) -> list[dict[str, Any]]:
    found = []
    for number, row in enumerate(block.rows):
        option = read_shipping_row(row, block.heads, language=language)
        if option is None or (
            number == 0 and "price_amount" not in option and _PLACEHOLDER.match(option["name"])
        ):
            continue
        found.append(option)
    priced = [option for option in found if "price_amount" in option]
    return found if priced or (found and block.element.tag == "select") else []


def _by_lines(draft: Draft, pairs: Sequence[Pair]) -> tuple[_Block, list[dict[str, Any]]] | None:
    """Lines of a labelled value: "Shipping: EMS, 7 days, $20"."""
    for pair in pairs:
        if pair.label is None or pair.label.field != "shipping" or len(pair.value) > 2000:
            continue
        rows = tuple((line,) for line in pair.value.split("\n")[:_MOST_ROWS] if line.strip())
        block = _Block(pair.element, rows, (), "shipping")
        found = [option for option in _read_shipping(block, draft.language) if "price_amount" in option]
        if found:
            return block, found
    return None


def _tiers_by_lines(draft: Draft, pairs: Sequence[Pair]) -> tuple[_Block, list[dict[str, Any]]] | None:
    """Lines under a marked word: "Bulk prices", then "2 - 4 pieces: $90 each"."""
    for pair in pairs:
        if pair.label is None or pair.label.field != "tiers":
            continue
        around = pair.element.parent or pair.element
        if around.size > 1500 or around.tag in ("body", "html"):
            continue
        rows = tuple((line,) for line in text_of(around, limit=4000).split("\n")[:_MOST_ROWS] if line.strip())
        found = [read_tier_row(row, (), language=draft.language) for row in rows]
        good = [row for row in found if row is not None]
        if len(good) >= _FEWEST_TIERS:
            return _Block(around, rows, (), "tiers"), good
    return None


def _blocks(draft: Draft, within: Element | None) -> list[_Block]:
    found: list[_Block] = _radio_blocks(draft)
    tables: list[Element] = []
    for element in draft.page.content:
        if element.tag not in _BLOCKS or (within is not None and element.inside(within)):
            continue
        if element.tag == "tbody" and tables and element.inside(tables[-1]):
            continue
        if element.tag in ("table", "tbody"):
            tables.append(element)
        rows, heads = _rows_of(element)
        if not rows:
            continue
        found.append(_Block(element, rows, heads, _field_of(element, heads)))
        if len(found) >= _MOST_BLOCKS:
            break
    return found


def _radio_blocks(draft: Draft) -> list[_Block]:
    """Buttons of which one is chosen, outside tables, each with its text."""
    groups: dict[str, list[Element]] = {}
    for element in draft.page.content:
        if element.tag == "input" and element.attrs.get("type", "").lower() == "radio":
            groups.setdefault(element.attrs.get("name", ""), []).append(element)
    found = []
    for radios in list(groups.values())[:20]:
        numbers = [radio.number for radio in radios]
        rows = [_row_of_radio(radio, numbers) for radio in radios[:_MOST_ROWS]]
        texts = tuple((text,) for text, _ in rows if text)
        first = rows[0][1]
        words = _name_words(radios[0])
        field = "shipping" if words & _SHIP_NAMES and not words & CHOICE_WORDS else _field_of(first, ())
        if texts and field == "shipping" and not any(outer.tag == "td" for outer in first.up()):
            found.append(_Block(first, texts, (), field))
    return found


def _row_of_radio(radio: Element, numbers: list[int]) -> tuple[str, Element]:
    """The text of the widest element around a button that holds no other of its group; else what follows it."""
    row = radio
    for outer in list(radio.up())[:4]:
        if (
            outer.tag in ("form", "body", "fieldset")
            or sum(outer.number < n <= outer.last for n in numbers) > 1
        ):
            break
        row = outer
    if row is not radio:
        return row.short or "", row
    parts: list[str] = []
    parent = radio.parent
    for node in parent.children[radio.place + 1 : radio.place + 8] if parent is not None else ():
        if isinstance(node, Element) and node.tag in ("br", "input"):
            break
        parts.append(node if isinstance(node, str) else node.short or "")
    return " ".join("".join(parts).split()), radio


def _rows_of(element: Element) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]:
    tag = _ROWS[element.tag]
    rows: list[tuple[str, ...]] = []
    heads: tuple[str, ...] = ()
    for row in _children(element):
        if row.tag != tag:
            continue
        if len(rows) >= _MOST_ROWS:
            return (), ()
        if tag != "tr":
            if row.short is None:
                return (), ()
            if row.short:
                rows.append((row.short,))
            continue
        cells = [cell for cell in row.elements() if cell.tag in ("td", "th")]
        texts = tuple(cell.short or "" for cell in cells)
        if len(cells) > 12 or any(cell.short is None for cell in cells):
            return (), ()
        if (
            not rows
            and not heads
            and len(cells) > 1
            and (all(cell.tag == "th" for cell in cells) or all(find_label(text) for text in texts if text))
        ):
            heads = texts
        elif any(texts):
            rows.append(texts)
    return tuple(rows), heads


def _children(element: Element) -> Iterator[Element]:
    """Rows, items and choices right in an element or in the groups that HTML puts around them."""
    for child in element.elements():
        if child.tag in ("thead", "tbody", "tfoot", "optgroup"):
            yield from child.elements()
        else:
            yield child


def _field_of(element: Element, heads: Sequence[str]) -> str:
    """What the rows are: "shipping", "tiers", "coins" or ""; by the block's heading, its name, or its columns."""
    words = element.words | _name_words(element)
    if words & SHIPPING_WORDS and not words & CHOICE_WORDS:
        return "shipping"
    if words & TIER_WORDS:
        return "tiers"
    fields = [label.field for head in heads if (label := find_label(head))]
    for name in ("shipping", "tiers"):
        if name in fields:
            return name
    if "quantity" in fields and "price" in fields:
        return "tiers"
    if "days" in fields and "price" in fields:
        return "shipping"
    label = find_label(_heading_of(element))
    return label.field if label is not None else ""


def _name_words(element: Element) -> frozenset[str]:
    name = element.attrs.get("name", "")
    return Element("", {"id": name[:60]}, None, 0).words if name else frozenset()


def _heading_of(element: Element) -> str:
    """The text that stands right before a block, in it, or before what it stands in."""
    for child in element.elements()[:2]:
        if child.tag == "caption" and child.short:
            return child.short
    here = element
    for _ in range(4):
        parent = here.parent
        if parent is None or here.tag in ("body", "td"):
            return ""
        for node in reversed(parent.children[max(0, here.place - 6) : here.place]):
            text = node.strip() if isinstance(node, str) else node.short
            if text is None:
                return ""
            if text:
                return text
        here = parent
    return ""
