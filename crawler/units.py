"""Words for units and for numbers in many languages; the words themselves are data in units.toml.

Public names: UNIT, THAI_NUMBER, find_unit, find_number_word, is_compound.
"""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

# Scripts without spaces between words: a word of theirs needs no boundary.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]$")


@cache
def _read_data() -> dict[str, Any]:
    return tomllib.loads(files("crawler").joinpath("units.toml").read_text("utf-8"))


@cache
def _find_words() -> dict[str, dict[str, str]]:
    """Each word with the unit it names by language."""
    words: dict[str, dict[str, str]] = {}
    for unit, languages in _read_data()["words"].items():
        for language, names in languages.items():
            for name in names:
                words.setdefault(name, {})[language] = unit
    return words


@cache
def _find_risky() -> frozenset[str]:
    return frozenset(_read_data()["risky"]["words"])


def find_unit(word: str, *, language: str = "", lenient: bool = False) -> str:
    """The unit's code that a word names; "" when it names none, or could name two, or is another word in this language.

    lenient: the place says that it is a unit ("/set", "per item"), so words that are risky elsewhere count too.
    """
    word = word.lower()
    units = _find_words().get(word)
    if units is None:
        return ""
    if "any" in units and (lenient or not language or word not in _find_risky() or language == "en"):
        return units["any"]
    if language in units:
        return units[language]
    if word in _find_risky() and not lenient:
        return ""
    found = set(units.values())
    return found.pop() if len(found) == 1 else ""


@cache
def _join(names: tuple[str, ...]) -> str:
    ordered = sorted(names, key=len, reverse=True)
    spaced = [re.escape(name) for name in ordered if not _UNSPACED.search(name)]
    unspaced = [re.escape(name) for name in ordered if _UNSPACED.search(name)]
    return rf"(?:(?:{'|'.join(spaced)})(?![^\W\d_])|(?:{'|'.join(unspaced)}))"


@cache
def _find_numbers() -> dict[str, dict[str, Decimal]]:
    found: dict[str, dict[str, Decimal]] = {}
    for language, numbers in _read_data()["numbers"].items():
        for word, value in numbers.items():
            found.setdefault(word, {})[language] = Decimal(value)
    return found


def find_number_word(word: str, *, language: str = "") -> Decimal | None:
    """What a number in words says; None when it says none, or not the same in all languages."""
    values = _find_numbers().get(word.lower())
    if values is None:
        return None
    if language in values:
        return values[language]
    found = set(values.values())
    return found.pop() if len(found) == 1 else None


def is_compound(word: str) -> bool:
    """Does a word before a number word make it the end of a longer number ("twenty two", "one and a half")?"""
    return word.lower() in _find_compound()


@cache
def _find_compound() -> frozenset[str]:
    return frozenset(_read_data()["compound"]["words"])


UNIT = _join(tuple(_find_words()))
"""A unit's word, for use in expressions with re.IGNORECASE."""
THAI_NUMBER = "|".join(sorted((w for w in _find_numbers() if _UNSPACED.search(w)), key=len, reverse=True))
