"""The first stage: passes over what neither names the goods, disguised or not, nor sounds like an offer of them.

Public names: Gate, find_tokens, MUST_LOOK.

Most listings of a market have no word of ours. To see that must cost next to nothing, so every word between spaces is
folded once and remembered with its weight, and whether it may be part of a name of the goods. Only a text with such a
word is folded whole.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from classifier.packing import Packed
from classifier.terms import LETTER, SPACELESS, Matcher, TermKey, find_words
from storage.tables import GROUPS
from text.normalise import SPACED, normalise

MUST_LOOK = math.inf
"""Score of a text that names the goods."""

_MEMORY = 200_000  # words; then it is begun anew
_SINGLES = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_FEW_SINGLES = 3  # of different ones; with fewer no watched word is spelt in single letters
_SYLLABLE = re.compile(r"(?:[bpmfdtnlgkhjqxrzcsyw]|[zcs]h)?[aeiouv]{1,3}(?:ng?|r)?[1-5]")
_SPACELESS = re.compile(SPACELESS)
_RUN = re.compile(rf"{SPACELESS}+|(?:(?!{SPACELESS}|\d){LETTER})+")
_MIN_DF = 2
_COMMON = 2  # texts


def find_tokens(folded: str) -> list[str]:
    """Words of a folded text; of a script without spaces, single signs and pairs of neighbours."""
    tokens: list[str] = []
    for match in _RUN.finditer(folded):
        run = match.group()
        if _SPACELESS.match(run):
            tokens += run
            tokens += [run[at : at + 2] for at in range(len(run) - 1)]
        else:
            tokens.append(run)
    return tokens


def _split(text: str) -> set[str]:
    return set(text.lower().split())


def _count(text: str) -> list[str]:
    """Tokens as the gate adds them up: those of each different word between spaces."""
    return [token for word in _split(text) for token in find_tokens(normalise(word).text)]


class Gate(Packed, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Says of raw texts whether the strict stage must look. terms: the lexicon; of these only names of goods count."""

    packed = ("terms", "weights_", "common_")

    def __init__(self, terms: tuple[TermKey, ...] = (), threshold: float = 0.0, seed: int = 7) -> None:
        self.terms = terms
        self.threshold = threshold
        self.seed = seed

    def fit(self, texts: Sequence[str], wanted: Sequence[bool]) -> Gate:
        """wanted: whether the text offers any of the goods."""
        counter = CountVectorizer(analyzer=_count, min_df=_MIN_DF, binary=True)
        counts = counter.fit_transform(texts)
        model = LogisticRegression(C=0.3, class_weight="balanced", max_iter=1000, random_state=self.seed)
        model.fit(counts, np.asarray(wanted, dtype=bool))
        weights = np.ravel(model.coef_)
        names = self._find_names()
        plain = [text for text, mark in zip(texts, wanted, strict=True) if not mark]
        self.common_ = _count_common(plain, Matcher(names))
        self.weights_ = {word: float(weights[at]) for word, at in sorted(counter.vocabulary_.items())}
        self.bias_ = float(model.intercept_[0])
        return self

    def score(self, text: str) -> float:
        """Log-odds that the text offers goods; MUST_LOOK when it names them."""
        words = _split(text)
        memory = self._remember()
        total = sum(map(memory.__getitem__, words))
        may_spell = len(words & _SINGLES) >= _FEW_SINGLES
        led = memory.may_name(words) or (may_spell and SPACED.search(text.lower()))
        if led and self._matcher.find(normalise(text).text):
            return MUST_LOOK
        return total + self.bias_

    def passes(self, texts: Iterable[str]) -> Any:
        """Array of bool: True where the strict stage must look."""
        return np.fromiter((self.score(text) >= self.threshold for text in texts), dtype=bool)

    def _remember(self) -> _Memory:
        memory: _Memory | None = self.__dict__.get("_memory")
        if memory is None or len(memory) > _MEMORY:
            names = self._find_names()
            self._matcher = Matcher(names)
            memory = self._memory = _Memory(_Anchors(names, self.common_), self.weights_)
        return memory

    def _find_names(self) -> tuple[TermKey, ...]:
        return tuple(term for term in self.terms if term[1].split(":")[0] in GROUPS)

    def __getstate__(self) -> dict[str, Any]:
        return {
            name: value
            for name, value in super().__getstate__().items()
            if name not in ("_memory", "_matcher")
        }

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "weights_")


def _count_common(texts: Sequence[str], matcher: Matcher) -> dict[str, int]:
    """Word -> in how many texts it stands, of those without any of our terms."""
    spread: Counter[str] = Counter()
    for text in texts:
        folded = normalise(text).text
        if not matcher.find(folded):
            spread.update(set(find_words(folded)))
    return {word: number for word, number in sorted(spread.items()) if number >= _COMMON}


class _Anchors:
    """Of every name of the goods one word, the anchor, and what must stand beside it: without, the name is not there.

    Anchors are few and rare ("ivory" for "raw ivory" and "pieces of ivory"), so that "pieces" sends no text to be folded
    whole. common: in how many ordinary texts a word stands.
    """

    def __init__(self, names: Sequence[TermKey], common: Mapping[str, int]) -> None:
        choices = [_split_name(text, loose) for text, _, loose in names if not _SPACELESS.match(text)]
        spread = Counter(choice for words in choices for choice in words)
        self._whole: defaultdict[str, set[frozenset[str]]] = defaultdict(set)
        self._stems: defaultdict[str, set[frozenset[str]]] = defaultdict(set)
        for words in choices:
            anchor = max(
                words,
                key=lambda choice: (
                    -common.get(choice[0], 0), len(choice[0]) > 3, spread[choice], len(choice[0]), choice,
                ),
            )  # fmt: skip
            others = frozenset(word for word, loose in words if not loose and word != anchor[0])
            (self._stems if anchor[1] else self._whole)[anchor[0]].add(others)

    def find(self, word: str) -> frozenset[frozenset[str]]:
        """Companies that make of this word of a folded text a name; an empty one: the word by itself."""
        found = set(self._whole.get(word, ()))
        for size in range(1, len(word) + 1):
            found |= self._stems.get(word[:size], set())
        return frozenset([frozenset()]) if frozenset() in found else frozenset(found)


def _split_name(text: str, loose: bool) -> list[tuple[str, bool]]:
    words = find_words(text) or [text]
    ends = loose or "\uac00" <= words[-1][0] <= "\ud7af"  # Korean hangs particles on its nouns
    return [(word, False) for word in words[:-1]] + [(words[-1], ends)]


class _Memory(dict[str, float]):
    """Word between spaces -> its weight."""

    def __init__(self, anchors: _Anchors, weights: dict[str, float]) -> None:
        super().__init__()
        self._anchors = anchors
        self._weights = weights
        self._parts: dict[str, list[str]] = {}
        self._syllables: set[str] = set()
        self._leads: dict[str, frozenset[frozenset[str]]] = {}

    def __missing__(self, word: str) -> float:
        folded = normalise(word).text
        parts = self._parts[word] = find_words(folded)
        companies = frozenset(company for part in parts for company in self._anchors.find(part))
        if _SPACELESS.search(folded) or (len(word) == 1 and not word.isascii()):
            companies = frozenset(
                [frozenset()]
            )  # names may run over the spaces; one letter of a word set apart
        elif _SYLLABLE.fullmatch(word):
            companies |= self._anchors.find(word[:-1])  # xi1 jiao3
            self._syllables.add(word)
        if companies:
            self._leads[word] = companies
        weight = sum(self._weights.get(token, 0.0) for token in find_tokens(folded))
        self[word] = weight
        return weight

    def may_name(self, words: set[str]) -> bool:
        """May the goods be named by these words, all of which were weighed?"""
        leads = words & self._leads.keys()
        if not leads:
            return False
        present = {part for word in words for part in self._parts[word]}
        present |= {word[:-1] for word in words & self._syllables}
        return any(company <= present for word in leads for company in self._leads[word])
