"""Composes everyday goods out of many parts: FAMILIES, compose_goods, compose_ending, pick_price."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lab.texts import read_texts

FAMILIES = {
    "cannabis": 16, "stimulants": 13, "psychedelics": 9, "pills": 12, "opioids": 5, "fraud": 14, "software": 8,
    "documents": 5, "replicas": 6, "guides": 6, "services": 4, "electronics": 5, "jewelry": 5, "food": 3, "other": 7,
}  # fmt: skip
"""How often each family is drawn."""

_NAMES = tuple(FAMILIES)
_WHEEL = tuple(name for name, weight in FAMILIES.items() for _ in range(weight))

_TITLES = (
    "{product} {mark}, {unit}",
    "{unit} {product} - {mark}",
    "{product} | {unit} | {mark}",
    "{product}, {unit}",
    "{product} ({mark}) {unit}",
    "[{mark}] {product} {unit}",
    "{product} x {unit}, {mark}",
)


@dataclass(frozen=True)
class Goods:
    """A composed text."""

    title: str
    text: str
    language: str
    price: Decimal


def pick_family(number: int) -> str:
    """The family that a hash points to."""
    return _WHEEL[number % len(_WHEEL)]


def compose_goods(rng: random.Random, family: str, *, language: str) -> Goods:
    """Title, text and price of one everyday listing."""
    source = read_texts(f"everyday_{language}")
    if family not in source["families"]:  # the German seller of such goods writes English
        language, source = "en", read_texts("everyday_en")
    parts = source["families"][family]
    fill = {
        "product": rng.choice(parts["products"]),
        "unit": rng.choice(parts["units"]),
        "mark": rng.choice(parts["marks"]),
    }
    title = rng.choice(_TITLES).format(**fill)
    body = rng.sample(parts["body"], k=min(len(parts["body"]), rng.choice((2, 2, 3, 3, 4))))
    sentences = [_fill(rng, body[0], source, **fill)]
    fill["product"] = fill["product"].split(",")[0]  # named in full once, as people do
    sentences += [_fill(rng, sentence, source, **fill) for sentence in body[1:]]
    ending = compose_ending(rng, language=language)
    text = " ".join(sentences)
    if ending:
        text += rng.choice((" ", "\n\n")) + ending
    return Goods(title, text, language, pick_price(rng, parts["price"]))


def compose_ending(rng: random.Random, *, language: str) -> str:
    """What sellers say below every ad: post, terms, small talk; empty for languages without such a pool."""
    if language not in ("en", "de"):
        return ""
    source = read_texts(f"everyday_{language}")
    chosen = []
    for pool, share in (("shipping", 0.75), ("terms", 0.6), ("talk", 0.35)):
        if rng.random() < share:
            chosen.append(_fill(rng, rng.choice(source["common"][pool]), source))
    rng.shuffle(chosen)
    return " ".join(chosen)


def pick_price(rng: random.Random, span: list[int]) -> Decimal:
    """A price within the span, more often low than high, with an ending that sellers like."""
    low, high = span
    value = low * (high / low) ** rng.random()
    if value < 20:
        return Decimal(int(value)) + rng.choice(
            (Decimal("0.00"), Decimal("0.50"), Decimal("0.99"), Decimal("0.90"))
        )
    if value < 200:
        return Decimal(int(value)) + rng.choice((Decimal("0.00"), Decimal("0.00"), Decimal("0.50")))
    return Decimal(int(value) // 5 * 5).quantize(Decimal("0.01"))


def _fill(rng: random.Random, sentence: str, source: Any, **fill: str) -> str:
    return sentence.format(
        n=rng.randint(2, 9), days=rng.randint(3, 24), city=rng.choice(source["common"]["cities"]), **fill
    )
