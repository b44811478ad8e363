"""The dictionary of labels, and how a label is known again."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from pathlib import Path

import pytest

import crawler.labels
from crawler.labels import LANGUAGES, find_label, find_prefix, fold_label, guess_language

DATA = tomllib.loads((Path(crawler.labels.__file__).parent / "labels.toml").read_text("utf-8"))


SPARSE = {"lo", "km", "my", "bn", "ne", "sw", "ms"}  # the labels of every listing, no more
PLAIN = (
    "title",
    "description",
    "seller",
    "category",
    "price",
    "quantity",
    "ships_from",
    "ships_to",
    "shipping",
    "posted",
    "payment",
)


@pytest.mark.parametrize("field", DATA)
def test_every_field_is_known_in_every_language(field: str) -> None:
    needed = set(LANGUAGES) if field in PLAIN else set(LANGUAGES) - SPARSE
    assert needed <= set(DATA[field]) <= set(LANGUAGES)
    assert all(words for words in DATA[field].values())


def test_no_word_means_two_things() -> None:
    fields: dict[str, set[str]] = defaultdict(set)
    for field, languages in DATA.items():
        for words in languages.values():
            for word in words:
                fields[fold_label(word)].add(field)
    assert {word: found for word, found in fields.items() if len(found) > 1} == {}


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("Price:", "price"),
        ("PRICE", "price"),
        (" Prix : ", "price"),
        ("Précio", "price"),
        ("Цена:", "price"),
        ("价格：", "price"),
        ("Giá bán", "price"),
        ("Verkäufer", "seller"),
        ("Envíos a:", "ships_to"),
        ("Çıkış", None),
        ("Gönderim yeri", "ships_from"),
        ("Reviews (3)", "feedback"),
        ("售　价：", "price"),
        ("售价 Price", "price"),
        ("Цена (Price)", "price"),
        ("价格 ok", None),
        ("Price 象牙", None),
        ("ivory", None),
        ("price is what you pay for a thing", None),
        ("", None),
        (":", None),
    ],
)
def test_label(text: str, field: str | None) -> None:
    found = find_label(text)
    assert (None if found is None else found.field) == field


@pytest.mark.parametrize(
    ("line", "field", "rest"),
    [
        ("Ships from South Africa", "ships_from", "South Africa"),
        ("Versand aus Peru", "ships_from", "Peru"),
        ("Sold by nk88", "seller", "nk88"),
        ("Envío desde España", "ships_from", "España"),
    ],
)
def test_label_at_the_beginning_of_a_line(line: str, field: str, rest: str) -> None:
    found = find_prefix(line)
    assert found is not None
    assert (found[0].field, found[1]) == (field, rest)


@pytest.mark.parametrize("line", ["From here to there", "Price matters", "Ships from", "Shipsfrom Peru", "x"])
def test_a_sentence_is_no_label(line: str) -> None:
    assert find_prefix(line) is None


def labels(*words: str) -> list[crawler.labels.Label]:
    return [label for word in words if (label := find_label(word))]


@pytest.mark.parametrize(
    ("words", "declared", "language"),
    [
        (("Preis", "Händler", "Versand aus"), "", "de"),
        (("Precio", "Vendedor", "Envío desde"), "", "es"),
        (("Price",), "de", ""),
        (("Price", "Vendor"), "de", "en"),
        ((), "fr-CA", "fr"),
        ((), "", ""),
        ((), "tlh", ""),
    ],
)
def test_language_of_labels(words: tuple[str, ...], declared: str, language: str) -> None:
    assert guess_language(labels(*words), declared) == language
