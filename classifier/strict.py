"""The strict second stage: what exactly a text offers, in what kind of post.

Public names: Strict, sigmoid.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline

from classifier.features import FEATURE_NAMES, TextFolder, build_features
from classifier.jury import Jury
from classifier.terms import TermKey
from classifier.vectors import can_make_vectors, make_vectors
from storage.tables import GROUPS

_VECTOR_WEIGHT = 2.0  # beside word and letter n-grams of length 1 each; by cross-validation
_CLOSE_CALL = -4.5  # log-odds; below that no sentence vector has ever made a flag, so none is computed


def sigmoid(values: Any) -> Any:
    """Log-odds -> probability."""
    return 1.0 / (1.0 + np.exp(-np.clip(values, -500, 500)))


class Strict(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """n-grams, lexicon hits with their company and, for close calls, sentence vectors; then a jury of models.

    terms: the lexicon. words, chars: bounds of the vocabularies. vectors: learn and use sentence vectors, too. There are
    two juries, without and with vectors, since the package of the vectors may not be there; each has its
    own calibration and thresholds.
    """

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
        vectors: Any = None,
    ) -> Strict:
        """marks: array (texts, groups) of 0 and 1; kinds: one of ads.KINDS each; batches: who wrote each.

        vectors: make_vectors(texts), when known. `calibration_` is set to no change; who has scores of texts held back
        sets it: {"plain" | "vectors": array (groups, 2)} slope and offset of the log-odds.
        """
        self.features_ = Pipeline(
            [
                ("fold", TextFolder()),
                ("features", build_features(self.terms, words=self.words, chars=self.chars)),
            ]
        )
        plain = self.features_.fit_transform(texts).tocsr()
        lexicon = _take_lexicon(plain)
        offers = np.array([kind == "offer" for kind in kinds])
        self.plain_ = Jury(strength=self.strength, seed=self.seed).fit(plain, lexicon, marks, offers, batches)
        self.kinds_ = OneVsRestClassifier(
            LogisticRegression(C=3.0, solver="liblinear", random_state=self.seed)
        ).fit(plain, np.asarray(kinds))
        self.full_ = None
        if self.vectors:
            rows = make_vectors(texts) if vectors is None else vectors
            self.full_ = Jury(strength=self.strength, seed=self.seed).fit(
                _join(plain, rows), lexicon, marks, offers, batches
            )
        same = np.array([[1.0, 0.0]] * len(GROUPS))
        self.calibration_ = {"plain": same, "vectors": same}
        return self

    @property
    def way(self) -> str:
        """ "vectors" or "plain": which jury speaks here."""
        return "vectors" if self.full_ is not None and can_make_vectors() else "plain"

    def decide(self, texts: Sequence[str]) -> tuple[Any, Any]:
        """Calibrated log-odds (texts, groups), and probabilities of the kinds (texts, kinds of kinds_.classes_)."""
        plain = self.features_.transform(texts).tocsr()
        odds = self._calibrate("plain", self.plain_.decide(plain, _take_lexicon(plain)))
        if self.full_ is not None and self.way == "vectors":
            close = np.flatnonzero((odds > _CLOSE_CALL).any(axis=1))
            if len(close):
                rows = _join(plain[close], make_vectors([texts[int(at)] for at in close]))
                odds[close] = self._calibrate("vectors", self.full_.decide(rows, _take_lexicon(plain[close])))
        return odds, self.kinds_.predict_proba(plain)

    def decide_raw(self, texts: Sequence[str], vectors: Any = None) -> dict[str, Any]:
        """Log-odds before calibration, of each way; for training. vectors: as in fit."""
        plain = self.features_.transform(texts).tocsr()
        lexicon = _take_lexicon(plain)
        found = {"plain": self.plain_.decide(plain, lexicon), "kinds": self.kinds_.predict_proba(plain)}
        if self.full_ is not None:
            rows = make_vectors(texts) if vectors is None else vectors
            found["vectors"] = self.full_.decide(_join(plain, rows), lexicon)
        return found

    def _calibrate(self, way: str, odds: Any) -> Any:
        scale = np.asarray(self.calibration_[way])
        return odds * scale[:, 0] + scale[:, 1]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "plain_")


def _join(plain: Any, vectors: Any) -> Any:
    return hstack([plain, csr_matrix(vectors * _VECTOR_WEIGHT)]).tocsr()


def _take_lexicon(rows: Any) -> Any:
    """The lexicon's columns, which are the last of build_features, dense."""
    return rows[:, -len(FEATURE_NAMES) :].toarray()
