"""Trains a model from the corpus, measures it batch by batch, and saves it with its card.

Public names: train, fit, cross_validate, share_batches, find_terms.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from classifier.ads import Ad, find_near_copies, load_corpus
from classifier.augment import augment
from classifier.card import write_card
from classifier.evaluate import choose_threshold, measure_group
from classifier.lexicon import load_lexicon
from classifier.model import build_pipeline, hash_parameters, predict, save_model
from classifier.terms import TermKey
from storage.tables import GROUPS

FOLDS = 6
_Progress = Callable[[str], None]


def train(
    corpus: Path,
    out: Path,
    *,
    seed: int,
    now: datetime,
    progress: _Progress | None = None,
    folds: int = FOLDS,
) -> str:
    """Train on all ads of the corpus folder, save under <out>/<version>/ and point CURRENT there; returns the version.

    Thresholds come from out-of-fold scores, never from texts that the scoring model has seen. The same corpus, seed
    and libraries give the same version: it ends in the hash of the parameters.
    """
    say = progress or (lambda line: None)
    ads = load_corpus(corpus)
    terms = find_terms()
    say(f"{len(ads)} ads, {len({ad.batch for ad in ads})} batches, {len(terms)} terms")
    scores = cross_validate(ads, terms, seed=seed, folds=folds, progress=say)
    everyday = [ad.kind == "everyday" for ad in ads]
    truths = {group: [group in ad.labels for ad in ads] for group in GROUPS}
    thresholds = {
        group: choose_threshold(truths[group], scores[:, at], everyday) for at, group in enumerate(GROUPS)
    }
    pipeline = fit(ads, terms, seed=seed)
    parameters = hash_parameters(pipeline)
    version = f"{now:%Y%m%d}-{parameters[:8]}"
    metrics: dict[str, Any] = {
        "version": version,
        "trained_at": now.isoformat(timespec="seconds"),
        "seed": seed,
        "folds": folds,
        "parameters_sha256": parameters,
        "ads": len(ads),
        "ads_without_label": sum(not ad.labels for ad in ads),
        "ads_by_language": dict(sorted(Counter(ad.language for ad in ads).items())),
        "ads_by_kind": dict(sorted(Counter(ad.kind for ad in ads).items())),
        "groups": {
            group: asdict(measure_group(truths[group], scores[:, at], thresholds[group]))
            for at, group in enumerate(GROUPS)
        },
        "any_group": _measure_any(ads, scores, thresholds),
    }
    files = {
        "metrics.json": json.dumps(metrics, indent=2, ensure_ascii=False) + "\n",
        "card.md": write_card(metrics),
    }
    save_model(out, pipeline, version=version, thresholds=thresholds, files=files)
    say(f"saved {version}")
    return version


def find_terms() -> tuple[TermKey, ...]:
    """The lexicon as the features want it: each (text, role, prefix) once."""
    return tuple(sorted({(term.text, term.role, term.prefix) for term in load_lexicon()}))


def fit(ads: Sequence[Ad], terms: tuple[TermKey, ...], *, seed: int) -> Pipeline:
    """A trained pipeline; the ads are joined by disguised and changed copies of themselves, which no test ever sees."""
    texts, labels = augment(ads, terms, seed=seed)
    marks = np.array([[group in found for group in GROUPS] for found in labels], dtype=int)
    pipeline = build_pipeline(terms, seed=seed).fit(texts, marks)
    for _, part in pipeline.named_steps["features"].transformer_list:
        if hasattr(part, "vocabulary_"):
            # plain numbers: skops would keep each numpy integer as a file of its own
            part.vocabulary_ = {gram: int(at) for gram, at in sorted(part.vocabulary_.items())}
    return pipeline


def cross_validate(
    ads: Sequence[Ad], terms: tuple[TermKey, ...], *, seed: int, folds: int, progress: _Progress
) -> Any:
    """Out-of-fold probabilities, shape (ads, groups). Whole batches are held back, and near copies of what is held
    back are not trained on either."""
    fold_of = share_batches(ads, folds)
    near: dict[int, set[int]] = {}
    for one, other in find_near_copies([ad.joined for ad in ads]):
        near.setdefault(one, set()).add(other)
        near.setdefault(other, set()).add(one)
    scores = np.zeros((len(ads), len(GROUPS)))
    for fold in range(folds):
        held = [at for at, ad in enumerate(ads) if fold_of[ad.batch] == fold]
        if not held:
            continue
        barred = set(held).union(*(near.get(at, set()) for at in held))
        pipeline = fit([ad for at, ad in enumerate(ads) if at not in barred], terms, seed=seed)
        scores[held] = predict(pipeline, [ads[at].joined for at in held])
        progress(f"fold {fold + 1} of {folds}: {len(held)} ads held back")
    return scores


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


def _measure_any(ads: Sequence[Ad], scores: Any, thresholds: dict[str, float]) -> dict[str, Any]:
    """Flagged at all, by kind: for labelled ads the share found, for others the share falsely flagged."""
    limits = np.array([thresholds[group] for group in GROUPS])
    flagged = (scores >= limits).any(axis=1)
    table: dict[str, dict[str, int]] = {}
    for ad, said in zip(ads, flagged, strict=True):
        row = table.setdefault("labelled" if ad.labels else ad.kind, {"texts": 0, "flagged": 0})
        row["texts"] += 1
        row["flagged"] += int(said)
    return dict(sorted(table.items()))
