"""Logistic regressions over all features, and trees that weigh their opinions against the lexicon's: the mean of both.

Public names: Jury.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
from sklearn.linear_model import LogisticRegression
from threadpoolctl import ThreadpoolController

_FOLDS = 3


@lru_cache(maxsize=1)
def _find_pools() -> ThreadpoolController:
    return ThreadpoolController()


class Jury(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A linear model adds up; that the same words mean another thing beside "wanted" or "resin" it cannot say. The trees
    can, over the lexicon's few columns and the linear opinions, which for this are made out of fold: of each group, and
    of each kind of post, since it is the kind that tells an offer from a word.

    strength: C of the regressions. Fitted: kinds_ (names, sorted), regressions_ (one for each group, then one for each
    of kinds_), trees_ (one for each group).
    """

    def __init__(self, *, strength: float = 10.0, seed: int = 7) -> None:
        self.strength = strength
        self.seed = seed

    def fit(self, rows: Any, lexicon: Any, marks: Any, kinds: Sequence[str], batches: Sequence[str]) -> Jury:
        """rows: sparse (texts, features); lexicon: dense (texts, columns); marks: (texts, groups) of 0 and 1; kinds: one
        of ads.KINDS each; batches: whose opinions may not be learned from each other."""
        self.kinds_ = sorted(set(kinds))
        targets = [*marks.T, *(np.array([kind == name for kind in kinds], dtype=int) for name in self.kinds_)]
        order = {batch: at for at, batch in enumerate(sorted(set(batches)))}
        fold_of = np.array([order[batch] % _FOLDS for batch in batches])
        opinions = np.zeros((len(batches), len(targets)))
        for fold in sorted(set(fold_of)):
            known, held = fold_of != fold, fold_of == fold
            if not known.any():
                known = held  # a single batch: nothing to hold back
            opinions[held] = self._ask([self._regress(rows[known], t[known]) for t in targets], rows[held])
        self.regressions_ = [self._regress(rows, target) for target in targets]
        seen = np.hstack([opinions, lexicon])
        self.trees_ = [self._grow(seen, marks[:, at]) for at in range(marks.shape[1])]
        return self

    def decide(self, rows: Any, lexicon: Any) -> tuple[Any, Any]:
        """Log-odds (texts, groups), not calibrated, and log-odds (texts, kinds_)."""
        opinions = self._ask(self.regressions_, rows)
        seen = np.hstack([opinions, lexicon])
        # One thread here and below: threads that wait for each other on a busy machine make it a hundred times slower.
        with _find_pools().limit(limits=1, user_api="openmp"):
            grown = np.column_stack([tree.decision_function(seen) for tree in self.trees_])
        groups = len(self.trees_)
        return (opinions[:, :groups] + grown) / 2, opinions[:, groups:]

    def __getstate__(self) -> dict[str, Any]:
        # The nodes of 600 trees as one table, because a saved model is read back part by part (classifier.packing).
        state = dict(super().__getstate__())
        if "trees_" in state:
            grown = [
                one for tree in self.trees_ for (one,) in tree._predictors
            ]  # no public way to a tree's nodes
            state["nodes_"] = np.concatenate([one.nodes for one in grown])
            state["ends_"] = np.cumsum([len(one.nodes) for one in grown])
            state["trees_"] = [_strip(tree) for tree in self.trees_]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        nodes, ends = state.pop("nodes_", None), state.pop("ends_", None)
        super().__setstate__(state)
        if nodes is not None:
            parts = iter(np.split(nodes, ends[:-1]))
            none = np.zeros((0, 8), dtype=np.uint32)  # no column of ours is a category
            for tree in self.trees_:
                tree._predictors = [[TreePredictor(next(parts), none, none)] for _ in range(tree.max_iter)]

    def _regress(self, rows: Any, target: Any) -> LogisticRegression:
        if len(set(target.tolist())) < 2:  # a fold without any: no opinion
            target = target.copy()
            target[0] = 1 - target[0]
        return LogisticRegression(C=self.strength, solver="liblinear", random_state=self.seed).fit(
            rows, target
        )

    def _grow(self, seen: Any, target: Any) -> HistGradientBoostingClassifier:
        trees = HistGradientBoostingClassifier(
            max_iter=200, learning_rate=0.05, max_leaf_nodes=10, min_samples_leaf=15, l2_regularization=1.0,
            early_stopping=False, random_state=self.seed,
        )  # fmt: skip
        with _find_pools().limit(limits=1, user_api="openmp"):  # folds run side by side as processes
            return trees.fit(seen, target)

    def _ask(self, regressions: Sequence[LogisticRegression], rows: Any) -> Any:
        return np.column_stack([one.decision_function(rows) for one in regressions])


def _strip(tree: HistGradientBoostingClassifier) -> HistGradientBoostingClassifier:
    bare = copy.copy(tree)
    bare._predictors = []
    return bare
