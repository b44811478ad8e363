"""Out-of-fold scores: whole batches held back, and near copies of what is held back not trained on either.

Public names: Held, Vectors, find_vectors, cross_validate, share_batches, fit_fold.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from scipy.sparse import vstack

from classifier.ads import Ad, CorpusError, find_near_copies
from classifier.augment import Copy, disguise, make_copies
from classifier.features import TextFolder
from classifier.gate import Gate
from classifier.strict import Strict
from classifier.terms import TermKey
from classifier.vectors import can_make_vectors, make_vectors
from storage.tables import GROUPS

_Progress = Callable[[str], None]
_PORTION = 200
_CLOSE = ("", "disguise")
"""Copies that the jury with vectors learns from: to read meaning takes a tenth of a second a text, and that a text without
the goods offers none, which the other copies teach, the n-grams know."""


@dataclass(frozen=True)
class Held:
    """What models that did not see a text's batch made of it. Rows: the ads, then one disguised copy of each in order.

    gate: (2 * ads,) score of the gate; MUST_LOOK where it names the goods. odds: way -> (2 * ads, groups), not calibrated.
    kinds: (2 * ads,) names. truth: (ads, groups). vectors: of every text and copy, None without their package.
    """

    gate: Any
    odds: dict[str, Any]
    kinds: Any
    truth: Any
    vectors: Vectors | None = None


@dataclass(frozen=True)
class Vectors:
    """The vectors of folded texts, each computed once. rows: sparse (texts, vectors.WIDTH); places: text -> its row."""

    rows: Any
    places: dict[str, int]

    def read(self, folded: Sequence[str]) -> Any:
        """Rows in the order of the texts."""
        return self.rows[[self.places[text] for text in folded]]


def find_vectors(
    texts: Sequence[str], terms: tuple[TermKey, ...], *, progress: _Progress, jobs: int = 1
) -> Vectors:
    """Of raw texts, in portions, after each of which it says how far it is."""
    folded = sorted(set(TextFolder().transform(texts)))
    parts = [folded[at : at + _PORTION] for at in range(0, len(folded), _PORTION)]
    rows = []
    for part in Parallel(n_jobs=jobs, return_as="generator")(
        delayed(make_vectors)(part, terms) for part in parts
    ):
        rows.append(part)
        progress(f"meaning of {sum(one.shape[0] for one in rows)} of {len(folded)} texts")
    return Vectors(vstack(rows).tocsr(), {text: at for at, text in enumerate(folded)})


def cross_validate(
    ads: Sequence[Ad],
    terms: tuple[TermKey, ...],
    *,
    seed: int,
    folds: int,
    progress: _Progress,
    jobs: int = 1,
    meaning: bool = True,
) -> Held:
    """jobs: processes side by side. meaning: with vectors, where their package is there."""
    copies = make_copies(ads, terms, seed=seed)
    tests = [ad.joined for ad in ads] + [_hide(ad, terms, seed) for ad in ads]
    vectors = None
    if meaning and can_make_vectors():
        needed = {copy.text for copy in copies if copy.change in _CLOSE} | set(tests)
        vectors = find_vectors(sorted(needed), terms, progress=progress, jobs=jobs)
    fold_of = share_batches(ads, folds)
    near: dict[int, set[int]] = {}
    for one, other in find_near_copies([ad.joined for ad in ads]):
        near.setdefault(one, set()).add(other)
        near.setdefault(other, set()).add(one)
    plans = []
    batches = [ad.batch for ad in ads]
    for fold in range(folds):
        held = [at for at, ad in enumerate(ads) if fold_of[ad.batch] == fold]
        barred = set(held).union(*(near.get(at, set()) for at in held))
        known = [copy for copy in copies if copy.at not in barred]
        if not held or {bool(copy.labels) for copy in known} != {True, False}:
            raise CorpusError(
                f"{len(ads)} texts in {len(set(batches))} batches are too few to hold back a part of them and learn from "
                f"the rest in {folds} folds (near copies of what is held back are left out, too)"
            )
        plans.append((held, known))
    progress(f"{folds} folds of whole batches, {jobs} side by side")
    done = Parallel(n_jobs=jobs)(
        delayed(_score_fold)(
            known, [tests[at] for at in _double(held, len(ads))], batches, terms, seed, vectors
        )
        for held, known in plans
    )
    size = len(tests)
    gate, kinds = np.zeros(size), np.zeros(size, dtype=object)
    odds = {way: np.zeros((size, len(GROUPS))) for way in done[0][1]}
    for (held, _), (sure, found, likely) in zip(plans, done, strict=True):
        rows = _double(held, len(ads))
        gate[rows], kinds[rows] = sure, likely
        for way in odds:
            odds[way][rows] = found[way]
    truth = np.array([[group in ad.labels for group in GROUPS] for ad in ads], dtype=bool)
    return Held(gate, odds, kinds, truth, vectors)


def fit_fold(
    copies: Sequence[Copy],
    batches: Sequence[str],
    terms: tuple[TermKey, ...],
    *,
    seed: int,
    vectors: Vectors | None = None,
) -> tuple[Gate, Strict]:
    """Both stages, fitted on these copies. batches: of each ad, by Copy.at. vectors: of all these texts; None: train without."""
    texts = [copy.text for copy in copies]
    plain = [copy for copy in copies if copy.change in ("", "disguise")]
    gate = Gate(terms, seed=seed).fit([copy.text for copy in plain], [bool(copy.labels) for copy in plain])
    marks = np.array([[group in copy.labels for group in GROUPS] for copy in copies], dtype=int)
    strict = Strict(terms, seed=seed, vectors=vectors is not None)
    kinds, whose = [copy.kind for copy in copies], [batches[copy.at] for copy in copies]
    close = [copy.change in _CLOSE for copy in copies]
    strict.fit(texts, marks, kinds, whose, close=close, read=vectors.read if vectors else None)
    return gate, strict


def share_batches(ads: Sequence[Ad], folds: int) -> dict[str, int]:
    """Batches dealt to folds, the largest first, always to the fold that has least."""
    sizes = [0] * folds
    shares: dict[str, int] = {}
    for batch, number in sorted(
        Counter(ad.batch for ad in ads).items(), key=lambda item: (-item[1], item[0])
    ):
        fold = sizes.index(min(sizes))
        shares[batch] = fold
        sizes[fold] += number
    return shares


def _score_fold(
    known: list[Copy],
    texts: list[str],
    batches: list[str],
    terms: tuple[TermKey, ...],
    seed: int,
    vectors: Vectors | None,
) -> tuple[Any, dict[str, Any], Any]:
    gate, strict = fit_fold(known, batches, terms, seed=seed, vectors=vectors)
    found, kinds = strict.decide_raw(texts, vectors.read if vectors else None)
    likely = np.array(strict.kinds, dtype=object)[kinds.argmax(axis=1)]
    return np.array([gate.score(text) for text in texts]), found, likely


def _double(held: Sequence[int], number: int) -> list[int]:
    return [*held, *(at + number for at in held)]


def _hide(ad: Ad, terms: tuple[TermKey, ...], seed: int) -> str:
    return disguise(ad.joined, terms, random.Random(f"held back {seed}:{ad.id}"))  # noqa: S311  # for variety
