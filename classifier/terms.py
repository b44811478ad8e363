"""Finds the lexicon's terms in folded text.

Public names: TermKey, Hit, Matcher, LETTER, SPACELESS, get_matcher, find_words.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

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
_REST = re.compile(rf"{LETTER}*")
_HEAD = 4
"""Letters by which the terms of a word are looked up: few words of a text share them with a term."""


@dataclass(frozen=True)
class Hit:
    """One term found at text[start:end]."""

    start: int
    end: int
    role: str


class Matcher:
    """Finds at every place the longest term that starts there; terms may overlap.

    Terms are looked up by their first letters and then, the longest first, as slices of the text. One pattern of all terms
    would find the same, but takes seconds to compile at 26,000 terms, and every process that scores would wait for it.
    """

    def __init__(self, terms: tuple[TermKey, ...]) -> None:
        roles: defaultdict[str, set[str]] = defaultdict(set)
        loose: set[str] = set()
        worded: set[str] = set()
        spaceless: set[str] = set()
        for text, role, prefix in terms:
            roles[text].add(role)
            if _SPACELESS.match(text) or not text[0].isalnum():
                spaceless.add(text)
            else:
                worded.add(text)
                # Korean hangs particles on its nouns, as a trailing * allows any ending
                if prefix or _HANGUL.match(text):
                    loose.add(text)
        self._roles = {text: tuple(sorted(found)) for text, found in roles.items()}
        self._loose = frozenset(loose)
        self._worded = tuple(_index(worded, head) for head in range(1, _HEAD + 1))
        self._spaceless = _index(spaceless, 1, whole=False)

    def find(self, text: str) -> list[Hit]:
        """All hits in order of their start."""
        hits = [hit for word in _WORD.finditer(text) for hit in self._find_worded(text, word.start())]
        if self._spaceless and not text.isascii():
            for start, char in enumerate(text):
                for length in self._spaceless.get(char, ()):
                    found = text[start : start + length]
                    if roles := self._roles.get(found):
                        hits += [Hit(start, start + len(found), role) for role in roles]
                        break
        return sorted(hits, key=lambda hit: (hit.start, hit.end, hit.role))

    def _find_worded(self, text: str, start: int) -> Iterator[Hit]:
        # A term as long as the head or longer stands under its first letters, a shorter one under all of them.
        for head in range(_HEAD, 0, -1):
            for length in self._worded[head - 1].get(text[start : start + head], ()):
                found = text[start : start + length]
                roles = self._roles.get(found)
                if roles is None or _SPACELESS.match(found):
                    continue
                end = start + len(found)  # at the end of the text a slice is shorter than was asked for
                rest = _REST.match(text, end)
                if rest and rest.end() > end:
                    if found not in self._loose:
                        continue
                    end = rest.end()
                yield from (Hit(start, end, role) for role in roles)
                return


def find_words(folded: str) -> list[str]:
    """The words of a folded text; of a script without spaces, whole runs."""
    return _WORD.findall(folded)


def _index(texts: Iterable[str], head: int, *, whole: bool = True) -> dict[str, tuple[int, ...]]:
    """First letters -> the lengths of the terms that begin so, the longest first. whole: of terms shorter than the longest
    head only those that are just `head` long, because the others stand under more letters."""
    lengths: defaultdict[str, set[int]] = defaultdict(set)
    for text in texts:
        if len(text) == head or (len(text) > head and (head == _HEAD or not whole)):
            lengths[text[:head]].add(len(text))
    return {start: tuple(sorted(found, reverse=True)) for start, found in lengths.items()}


_matchers: dict[int, tuple[tuple[TermKey, ...], Matcher]] = {}
_MATCHERS = 8


def get_matcher(terms: tuple[TermKey, ...]) -> Matcher:
    """The matcher for these terms, built once."""
    # By identity: the hash of 25,000 terms is counted anew each time, and takes longer than a text.
    known = _matchers.get(id(terms))
    if known is None:
        while len(_matchers) >= _MATCHERS:
            _matchers.pop(next(iter(_matchers)), None)
        known = _matchers[id(terms)] = (
            terms,
            Matcher(terms),
        )  # holds the terms, so that the number stays theirs
    return known[1]
