"""The classifier as one object: the gate, then the strict stage for what it lets through.

Public names: Cascade, Opinion, PASSED_BY.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from classifier.gate import Gate
from classifier.strict import Strict, sigmoid
from storage.tables import GROUPS

PASSED_BY = 1e-4
"""Probabilities of what the gate passes over stay below this: in order, and far from any threshold."""

_BATCH = 64


@dataclass(frozen=True)
class Opinion:
    """scores: (texts, groups) in [0, 1]. kinds: of each text its likeliest kind of post, "" for what the gate passed
    over. looked: which texts the strict stage saw."""

    scores: Any
    kinds: list[str]
    looked: Any


class Cascade(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """gate and strict are fitted together, on raw texts (features.join_text)."""

    def __init__(self, gate: Gate | None = None, strict: Strict | None = None) -> None:
        self.gate = gate
        self.strict = strict

    def judge(self, texts: Sequence[str]) -> Opinion:
        """What both stages make of raw texts."""
        assert self.gate is not None
        assert self.strict is not None
        sure = np.fromiter((self.gate.score(text) for text in texts), dtype=float, count=len(texts))
        looked = sure >= self.gate.threshold
        scores = np.repeat(PASSED_BY * sigmoid(np.minimum(sure, 0.0))[:, None], len(GROUPS), axis=1)
        kinds = [""] * len(texts)
        places = np.flatnonzero(looked)
        for first in range(0, len(places), _BATCH):
            some = places[first : first + _BATCH]
            odds, likely = self.strict.decide([texts[at] for at in some])
            scores[some] = sigmoid(odds)
            for at, best in zip(some, likely.argmax(axis=1), strict=True):
                kinds[at] = self.strict.kinds[best]
        return Opinion(scores, kinds, looked)

    def predict_proba(self, texts: Sequence[str]) -> Any:
        """Probabilities (texts, groups)."""
        return self.judge(texts).scores

    def __sklearn_is_fitted__(self) -> bool:
        return self.gate is not None and hasattr(self.gate, "weights_") and hasattr(self.strict, "plain_")
