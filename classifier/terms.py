"""Finds the lexicon's terms in folded text.

Public names: TermKey, Hit, Matcher, LETTER, SPACELESS, get_matcher, find_words.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

TermKey = tuple[str, str, bool]
"""Folded text, role, whether any ending may follow. Plain tuples, so that a saved model holds them."""

SPACELESS = r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]"
"""Scripts written without spaces between words, as a pattern: a term may stand anywhere in a run."""

_SPACELESS = re.compile(SPACELESS)
_HANGUL = re.compile(r"[\uac00-\ud7af]")
_SIGNS = "\u0900-\u0903\u093a-\u094f\u0955-\u0957\u0962\u0963\u0981-\u0983\u09bc-\u09d7\u09e2\u09e3"
LETTER = rf"(?:[^\W_]|[{_SIGNS}])"
"""Pattern of a letter or digit of a word, the vowel signs of Devanagari and Bengali among them (\\w leaves those out)."""

_WORD = re.compile(rf"{LETTER}+")
_HEAD = 4
_BOUNDARY = rf"(?!{LETTER})"
_ANY_END = rf"{LETTER}*"


@dataclass(frozen=True)
class Hit:
    """One term found at text[start:end]."""

    start: int
    end: int
    role: str


class Matcher:
    """Finds at every place the longest term that starts there; terms may overlap."""

    def __init__(self, terms: tuple[TermKey, ...]) -> None:
        self._roles: dict[str, tuple[str, ...]] = {}
        roles: defaultdict[str, set[str]] = defaultdict(set)
        worded: dict[str, str] = {}
        spaceless: dict[str, str] = {}
        for text, role, prefix in terms:
            roles[text].add(role)
            if _SPACELESS.match(text) or not text[0].isalnum():
                spaceless[text] = ""
            else:
                # Korean hangs particles on its nouns, as a trailing * allows any ending
                loose = prefix or bool(_HANGUL.match(text)) or worded.get(text) == _ANY_END
                worded[text] = _ANY_END if loose else _BOUNDARY
        self._roles = {text: tuple(sorted(found)) for text, found in roles.items()}
        self._worded = re.compile(_build_trie(worded)) if worded else None
        self._spaceless = re.compile(f"(?=({_build_trie(spaceless)}))") if spaceless else None
        self._heads = frozenset(word[:_HEAD] for word in worded if len(word) >= _HEAD)
        self._short = frozenset(word for word in worded if len(word) < _HEAD)
        self._loose = frozenset(word for word in self._short if worded[word] != _BOUNDARY)
        self._stems = tuple(
            sorted((text for text, end in worded.items() if end == _ANY_END), key=len, reverse=True)
        )

    def find(self, text: str) -> list[Hit]:
        """All hits in order of their start."""
        hits: list[Hit] = []
        if self._worded:
            for word in _WORD.finditer(text):
                start = word.start()
                # most words begin no term: their first letters tell, before the pattern is tried
                if (
                    text[start : start + _HEAD] in self._heads
                    or word.group() in self._short
                    or text[start : start + 3] in self._loose
                    or text[start : start + 2] in self._loose
                ):
                    match = self._worded.match(text, start)
                    if match:
                        hits += [Hit(start, match.end(), role) for role in self._find_roles(match.group())]
        if self._spaceless and not text.isascii():
            for match in self._spaceless.finditer(text):
                hits += [Hit(match.start(1), match.end(1), role) for role in self._find_roles(match.group(1))]
        return sorted(hits, key=lambda hit: (hit.start, hit.end, hit.role))

    def _find_roles(self, found: str) -> tuple[str, ...]:
        roles = self._roles.get(found)
        if roles is None:
            roles = next((self._roles[stem] for stem in self._stems if found.startswith(stem)), ())
            if len(self._roles) < 200_000:
                self._roles[found] = roles
        return roles


def find_words(folded: str) -> list[str]:
    """The words of a folded text; of a script without spaces, whole runs."""
    return _WORD.findall(folded)


def _build_trie(words: dict[str, str]) -> str:
    """A pattern that tries the letters of all words together: one step a letter instead of one a word."""
    root: dict[str, Any] = {}
    for word, end in words.items():
        node = root
        for char in word:
            node = node.setdefault(char, {})
        node[""] = end
    return _write_node(root)


def _write_node(node: dict[str, Any]) -> str:
    branches = [re.escape(char) + _write_node(child) for char, child in sorted(node.items()) if char]
    if "" in node:
        branches.append(node[""])  # last, so that the longest term wins
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"


@lru_cache(maxsize=8)
def get_matcher(terms: tuple[TermKey, ...]) -> Matcher:
    """The matcher for these terms, built once."""
    return Matcher(terms)
