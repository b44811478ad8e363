"""The strict second stage: what exactly a text offers, in what kind of post.

Public names: Strict, Read, sigmoid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from scipy.sparse import hstack
from sklearn.base import BaseEstimator
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.pipeline import Pipeline

from classifier.features import FEATURE_NAMES, TextFolder, build_features
from classifier.jury import Jury
from classifier.packing import Packed
from classifier.terms import TermKey
from classifier.vectors import can_make_vectors, make_vectors
from storage.tables import GROUPS

_VECTOR_WEIGHT = 3.0  # beside word and letter n-grams of length 1 each; by cross-validation
Read = Callable[[Sequence[str]], Any]
"""Folded texts -> sparse (texts, vectors.WIDTH)."""

_CLOSE_CALL = -3.5
"""Log-odds without concepts below which none is looked for: of 2,864 true finds held back 3 lie there."""


def sigmoid(values: Any) -> Any:
    """Log-odds -> probability."""
    return 1.0 / (1.0 + np.exp(-np.clip(values, -500, 500)))


class Strict(Packed, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """n-grams, lexicon hits with their company and, for close calls, the text's concepts; then a jury of models.

    terms: the lexicon. words, chars: bounds of the vocabularies. vectors: learn and use the concepts (classifier.vectors),
    too. There are two juries, without and with them, since their package may not be there; each has its own calibration
    and thresholds.
    """

    packed = ("terms",)

    def __init__(
        self,
        terms: tuple[TermKey, ...] = (),
        *,
        words: int = 20_000,
        chars: int = 40_000,
        strength: float = 10.0,
        vectors: bool = True,
        seed: int = 7,
    ) -> None:
        self.terms = terms
        self.words = words
        self.chars = chars
        self.strength = strength
        self.vectors = vectors
        self.seed = seed

    def fit(
        self,
        texts: Sequence[str],
        marks: Any,
        kinds: Sequence[str],
        batches: Sequence[str],
        *,
        close: Sequence[bool] | None = None,
        read: Read | None = None,
    ) -> Strict:
        """marks: array (texts, groups) of 0 and 1; kinds: one of ads.KINDS each; batches: who wrote each.

        close: which texts the jury with vectors learns from; all unless given. read: folded texts -> their vectors, where
        these are known. `calibration_` is set to no change; who has scores of texts held back sets it: {"plain" |
        "vectors": array (groups, 2)} slope and offset of the log-odds.
        """
        self.features_ = Pipeline(
            [
                ("fold", TextFolder()),
                ("features", build_features(self.terms, words=self.words, chars=self.chars)),
            ]
        )
        folded = self.features_.named_steps["fold"].fit_transform(texts)
        plain = self.features_.named_steps["features"].fit_transform(folded).tocsr()
        lexicon = _take_lexicon(plain)
        self.plain_ = Jury(strength=self.strength, seed=self.seed).fit(plain, lexicon, marks, kinds, batches)
        self.full_ = None
        self.meaning_ = TfidfTransformer()
        if self.vectors:
            some = np.flatnonzero(np.ones(len(texts), dtype=bool) if close is None else np.asarray(close))
            rows = self._read(folded, some, read)
            self.meaning_.fit(rows)
            self.full_ = Jury(strength=self.strength, seed=self.seed).fit(
                self._join(plain[some], rows), lexicon[some], marks[some],
                [kinds[int(at)] for at in some], [batches[int(at)] for at in some],
            )  # fmt: skip
        same = np.array([[1.0, 0.0]] * len(GROUPS))
        self.calibration_ = {"plain": same, "vectors": same}
        return self

    @property
    def way(self) -> str:
        """ "vectors" or "plain": which jury speaks here."""
        return "vectors" if self.full_ is not None and can_make_vectors() else "plain"

    @property
    def kinds(self) -> list[str]:
        """The kinds of post, in the order of the columns of `decide`."""
        return list(self.plain_.kinds_)

    def decide(self, texts: Sequence[str], *, quick: bool = False) -> tuple[Any, Any]:
        """Calibrated log-odds (texts, groups), and the shares of the kinds of post (texts, kinds). quick: without
        concepts, which take a tenth of a second a text."""
        folded = self._fold(texts)
        plain = self._count(folded)
        raw, likely = self.plain_.decide(plain, _take_lexicon(plain))
        odds = self._calibrate("plain", raw)
        if self.full_ is not None and self.way == "vectors" and not quick:
            close = np.flatnonzero((odds > _CLOSE_CALL).any(axis=1))
            if len(close):
                rows = self._join(plain[close], self._read(folded, close))
                raw, likely[close] = self.full_.decide(rows, _take_lexicon(plain[close]))
                odds[close] = self._calibrate("vectors", raw)
        shares = sigmoid(likely)
        return odds, shares / shares.sum(axis=1, keepdims=True)

    def decide_raw(self, texts: Sequence[str], read: Read | None = None) -> tuple[dict[str, Any], Any]:
        """Log-odds of each way before calibration, and of the kinds by the best way; for training. read: as in fit."""
        folded = self._fold(texts)
        plain = self._count(folded)
        lexicon = _take_lexicon(plain)
        found: dict[str, Any] = {}
        found["plain"], kinds = self.plain_.decide(plain, lexicon)
        if self.full_ is not None:
            rows = self._join(plain, self._read(folded, range(len(texts)), read))
            found["vectors"], kinds = self.full_.decide(rows, lexicon)
        return found, kinds

    def _read(self, folded: Sequence[str], places: Iterable[int], read: Read | None = None) -> Any:
        texts = [folded[int(at)] for at in places]
        return read(texts) if read else make_vectors(texts, self.terms)

    def _fold(self, texts: Sequence[str]) -> list[str]:
        folded: list[str] = self.features_.named_steps["fold"].transform(texts)
        return folded

    def _count(self, folded: Sequence[str]) -> Any:
        return self.features_.named_steps["features"].transform(folded).tocsr()

    def _join(self, plain: Any, rows: Any) -> Any:
        return hstack([plain, self.meaning_.transform(rows) * _VECTOR_WEIGHT]).tocsr()

    def _calibrate(self, way: str, odds: Any) -> Any:
        scale = np.asarray(self.calibration_[way])
        return odds * scale[:, 0] + scale[:, 1]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "plain_")


def _take_lexicon(rows: Any) -> Any:
    """The lexicon's columns, which are the last of build_features, dense."""
    return rows[:, -len(FEATURE_NAMES) :].toarray()
