"""Words of dates in many languages: months, units of time, "ago", "yesterday"; the words themselves are data in datewords.toml.

Public names: find_month, is_other_month, find_unit, find_ago, read_count, find_day_word, MONTH_LANGUAGES.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def _read_data() -> dict[str, Any]:
    return tomllib.loads(files("crawler").joinpath("datewords.toml").read_text("utf-8"))


@cache
def _find_months() -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for language, months in _read_data()["months"].items():
        for number, forms in enumerate(months, 1):
            for form in forms.split("|"):
                found.setdefault(form, {})[language] = number
    return found


@cache
def _find_month_languages() -> frozenset[str]:
    return frozenset(_read_data()["months"])


def find_month(word: str, language: str = "") -> tuple[int, frozenset[str]] | None:
    """The month that a word names and the languages that write it so; None for no month, or for one that depends."""
    languages = _find_months().get(word.strip(" .,").lower())
    if languages is None:
        return None
    if language in languages:
        return languages[language], frozenset((language,))
    months = set(languages.values())
    return (months.pop(), frozenset(languages)) if len(months) == 1 else None


@cache
def _find_other_months() -> frozenset[str]:
    return frozenset(name for names in _read_data()["other_months"].values() for name in names)


def is_other_month(text: str) -> bool:
    """Does a text name a month of the Persian or the Hijri calendar?"""
    lower = f" {text.lower()} "
    return any(f" {name} " in lower for name in _find_other_months())


@cache
def _find_units() -> dict[str, str]:
    return {word: unit for unit, words in _read_data()["units"].items() for word in words}


def find_unit(word: str) -> str:
    """second, minute, hour, day, week, month or year; "" for no unit of time."""
    return _find_units().get(word.strip(" .").lower(), "")


@cache
def _find_templates() -> tuple[tuple[str, str], ...]:
    pairs = {
        tuple(part for part in template.split("{n}"))
        for templates in _read_data()["ago"].values()
        for template in templates
    }
    return tuple(sorted(((a, b) for a, b in pairs), key=lambda pair: -len(pair[0]) - len(pair[1])))


@cache
def _templates_by_end() -> dict[str, tuple[tuple[str, str], ...]]:
    """The templates that may fit a text by its last letter: those that end in it, and those that end in the count."""
    ends = {after[-1:] for _, after in _find_templates()}
    return {
        end: tuple(pair for pair in _find_templates() if pair[1][-1:] in ("", end)) for end in ends | {""}
    }


def find_ago(text: str) -> str:
    """What stands where "3 days" does in a text of the form "3 days ago", in any language; "" for another form."""
    for before, after in _templates_by_end().get(text[-1:]) or _templates_by_end()[""]:
        if text.startswith(before) and text.endswith(after) and len(text) > len(before) + len(after):
            return text[len(before) : len(text) - len(after)].strip()
    return ""


@cache
def _find_ones() -> frozenset[str]:
    return frozenset(_read_data()["one"]["words"])


def read_count(word: str) -> int | None:
    """The number in "3 days", "an hour", "неделю": up to four digits, or a word for one, or nothing at all."""
    if word.isascii() and word.isdigit() and len(word) <= 4:
        return int(word)
    return 1 if word in _find_ones() else None


@cache
def _find_day_words() -> dict[str, int]:
    data = _read_data()
    return {
        word: days
        for days, name in enumerate(("now", "today", "yesterday", "before_yesterday"), -1)
        for word in data[name]["words"]
    }


def find_day_word(text: str) -> int | None:
    """-1 for "now", 0 for "today", 1 for "yesterday", 2 for the day before; None for anything else."""
    return _find_day_words().get(text)


MONTH_LANGUAGES = _find_month_languages()
