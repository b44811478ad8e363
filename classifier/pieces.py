"""Letter n-grams of words as TF-IDF numbers, with a memory for words, since most words of a market come again and again.

Public names: PieceFeatures, find_pieces.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, TransformerMixin

from classifier.packing import Packed

_RUN = re.compile(r"\S+")
_DIGITS = re.compile(r"\d")
_MEMORY = 50_000  # words
_LONGEST = 400  # letters; a longer run is split, so that the memory stays small


def mask_digits(text: str) -> str:
    """Every digit as 0: that there is a weight matters, not which."""
    return _DIGITS.sub("0", text)


def find_pieces(word: str, low: int, high: int) -> Iterator[tuple[str, int, int]]:
    """(piece, start, end) of a word with a space before and after it; start and end are places in the word itself.

    Two letters say little in Latin script and much in Chinese, so pieces of plain ASCII words have three at least.
    """
    padded = f" {word} "
    for size in range(max(low, 3) if word.isascii() else low, min(high, len(padded)) + 1):
        for at in range(len(padded) - size + 1):
            yield padded[at : at + size], max(at - 1, 0), min(at + size - 1, len(word))


def split_runs(text: str) -> Iterator[tuple[str, int]]:
    """(word, start) of a text: what stands between spaces."""
    for match in _RUN.finditer(text):
        if match.end() - match.start() <= _LONGEST:
            yield match.group(), match.start()
            continue
        for start in range(match.start(), match.end(), _LONGEST):
            yield text[start : min(start + _LONGEST, match.end())], start


class PieceFeatures(Packed, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """list of folded texts -> weighted counts of the most common pieces, each row of length 1.

    As TfidfVectorizer(analyzer="char_wb", sublinear_tf=True) counts, but faster, and deterministic where pieces tie.
    """

    packed = ("vocabulary_",)

    def __init__(self, low: int = 2, high: int = 5, min_df: int = 3, max_features: int = 40_000) -> None:
        self.low = low
        self.high = high
        self.min_df = min_df
        self.max_features = max_features

    def fit(self, texts: Sequence[str], labels: object = None) -> PieceFeatures:
        spread: Counter[str] = Counter()
        for text in texts:
            words = {word for word, _ in split_runs(mask_digits(text))}
            spread.update({piece for word in words for piece, _, _ in find_pieces(word, self.low, self.high)})
        common = sorted(
            (piece for piece, number in spread.items() if number >= self.min_df),
            key=lambda piece: (-spread[piece], piece),
        )
        kept = sorted(common[: self.max_features])
        self.vocabulary_ = {piece: at for at, piece in enumerate(kept)}
        self.idf_ = np.log((1 + len(texts)) / (1 + np.array([spread[piece] for piece in kept]))) + 1.0
        return self

    def transform(self, texts: Sequence[str]) -> csr_matrix:
        memory: dict[str, list[int]] = {}
        columns: list[np.ndarray] = []
        counts: list[np.ndarray] = []
        for text in texts:
            found: Counter[int] = Counter()
            for word, _ in split_runs(mask_digits(text)):
                known = memory.get(word)
                if known is None:
                    known = self._find_columns(word)
                    if len(memory) < _MEMORY:
                        memory[word] = known
                found.update(known)
            columns.append(np.fromiter(found.keys(), dtype=np.int64, count=len(found)))
            counts.append(np.fromiter(found.values(), dtype=float, count=len(found)))
        ends = np.cumsum([0, *map(len, columns)])
        where = np.concatenate([np.zeros(0, dtype=np.int64), *columns])
        values = (1.0 + np.log(np.concatenate([np.zeros(0), *counts]))) * self.idf_[where]
        rows = csr_matrix((values, where, ends), shape=(len(texts), len(self.vocabulary_)))
        lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
        lengths[lengths == 0] = 1.0
        rows.data /= np.repeat(lengths, np.diff(rows.indptr))
        rows.sort_indices()
        return rows

    def _find_columns(self, word: str) -> list[int]:
        padded, known = f" {word} ", self.vocabulary_
        return [
            known[piece]
            for size in range(
                max(self.low, 3) if word.isascii() else self.low, min(self.high, len(padded)) + 1
            )
            for at in range(len(padded) - size + 1)
            if (piece := padded[at : at + size]) in known
        ]

    def get_feature_names_out(self, names: object = None) -> Any:
        return np.array(list(self.vocabulary_), dtype=object)
