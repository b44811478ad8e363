"""Trains a model from the corpus, measures it batch by batch, and saves it with its card.

Public names: train, find_terms, find_everyday, finish.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from classifier.ads import Ad, load_corpus
from classifier.augment import make_copies
from classifier.card import write_card
from classifier.cascade import PASSED_BY, Cascade
from classifier.crossval import Held, cross_validate, fit_fold
from classifier.evaluate import measure_all
from classifier.lexicon import load_lexicon
from classifier.model import RECALL, hash_parameters, save_model
from classifier.strict import sigmoid
from classifier.terms import TermKey, get_matcher
from classifier.zones import LOOK_RECALL, RECALLS, calibrate, choose_gate, find_floor, find_limits
from storage.tables import GROUPS
from text.normalise import normalise

FOLDS = 6
GATE_RECALL = 0.995
"""Share of the offers and disguised offers which the strict stage would flag, that the gate must let through. What the
strict stage would miss in any case is not worth a look at most of a market."""

_Progress = Callable[[str], None]


def train(
    corpus: Path,
    out: Path,
    *,
    seed: int,
    now: datetime,
    progress: _Progress | None = None,
    folds: int = FOLDS,
    current: bool = True,
    more: Sequence[Ad] = (),
    jobs: int | None = None,
    meaning: bool = True,
) -> str:
    """Train on all ads of the corpus folder and on `more` (people's verdicts), save under <out>/<version>/; with
    `current`, point CURRENT there. Returns the version.

    jobs: processes side by side; None: one a core. meaning: with vectors (classifier.vectors), where their package is
    there. Calibration, gate and thresholds come from out-of-fold scores, never from texts that the scoring model has seen. The
    same texts, seed and libraries give the same version: it ends in the hash of the parameters.
    """
    say = progress or (lambda line: None)
    ads = [*load_corpus(corpus), *more]
    terms = find_terms()
    say(f"{len(ads)} ads, {len({ad.batch for ad in ads})} batches, {len(terms)} terms")
    folds = min(folds, len({ad.batch for ad in ads}))
    held = cross_validate(
        ads, terms, seed=seed, folds=folds, progress=say, jobs=jobs or os.cpu_count() or 1, meaning=meaning
    )
    say("the model itself, on all ads")
    cascade, limits, scores = finish(ads, terms, held, seed=seed)
    parameters = hash_parameters(cascade)
    version = f"{now:%Y%m%d}-{parameters[:8]}"
    assert cascade.gate is not None
    assert cascade.strict is not None
    metrics: dict[str, Any] = {
        "version": version,
        "trained_at": now.isoformat(timespec="seconds"),
        "seed": seed,
        "folds": folds,
        "parameters_sha256": parameters,
        "ads": len(ads),
        "ads_without_label": sum(not ad.labels for ad in ads),
        "ads_from_verdicts": len(more),
        "ads_by_language": dict(sorted(Counter(ad.language for ad in ads).items())),
        "ads_by_kind": dict(sorted(Counter(ad.kind for ad in ads).items())),
        "recall": RECALL,
        "limits": limits,
        "gate": _measure_gate(held, cascade.gate.threshold, find_everyday(ads, terms)),
        "ways": {
            way: measure_all(
                ads, rows[: len(ads)], rows[len(ads) :], limits[way]["flag"][RECALL], held.kinds[: len(ads)]
            )
            for way, rows in scores.items()
        },
        "way": cascade.strict.way,
    }
    files = {
        "metrics.json": json.dumps(metrics, indent=2, ensure_ascii=False) + "\n",
        "card.md": write_card(metrics),
    }
    save_model(out, cascade, version=version, limits=limits, files=files, current=current)
    # what the figures and thresholds were made of, so that they can be made again
    np.savez_compressed(
        out / version / "held.npz",
        ids=np.array([ad.id for ad in ads]),
        gate=held.gate,
        truth=held.truth,
        **held.odds,
    )
    say(f"saved {version}")
    return version


def find_terms() -> tuple[TermKey, ...]:
    """The lexicon as the features want it: each (text, role, prefix) once."""
    return tuple(sorted({(term.text, term.role, term.prefix) for term in load_lexicon()}))


def find_everyday(ads: Sequence[Ad], terms: tuple[TermKey, ...]) -> Any:
    """Array of bool: usual goods of a market, without any word of ours. A text that has one ("we sell no ivory") is a hard
    case whatever its kind, and must not stand for the thousands of listings that the floor of the thresholds is about."""
    return np.array(
        [
            ad.kind == "everyday"
            and not any(
                hit.role.split(":")[0] in GROUPS for hit in get_matcher(terms).find(normalise(ad.joined).text)
            )
            for ad in ads
        ],
        dtype=bool,
    )


def finish(
    ads: Sequence[Ad], terms: tuple[TermKey, ...], held: Held, *, seed: int
) -> tuple[Cascade, dict[str, Any], dict[str, Any]]:
    """The model on all ads, its limits, and the out-of-fold probabilities {way: (2 * ads, groups)}."""
    number = len(ads)
    everyday = find_everyday(ads, terms)
    wanted = np.tile(held.truth.any(axis=1), 2)
    calibration: dict[str, Any] = {}
    limits: dict[str, Any] = {}
    scores: dict[str, Any] = {}
    for way, odds in sorted(held.odds.items()):
        calibration[way] = calibrate(held.truth, odds[:number])
        found = scores[way] = sigmoid(odds * calibration[way][:, 0] + calibration[way][:, 1])
        by_group = {
            group: find_limits(held.truth[:, at], found[:number, at]) for at, group in enumerate(GROUPS)
        }
        floor = {group: find_floor(found[:number, at], everyday) for at, group in enumerate(GROUPS)}
        limits[way] = {
            "flag": {
                f"{recall:.2f}": {
                    group: max(by_group[group][f"{recall:.2f}"], floor[group]) for group in GROUPS
                }
                for recall in RECALLS
            },
            "look": {
                group: min(max(by_group[group][f"{LOOK_RECALL:.2f}"], floor[group] / 2), 0.5)
                for group in GROUPS
            },
        }
    best = "vectors" if "vectors" in scores else "plain"
    lines = np.array([limits[best]["flag"][RECALL][group] for group in GROUPS])
    threshold = choose_gate(held.gate, wanted & (scores[best] >= lines).any(axis=1), recall=GATE_RECALL)
    for found in scores.values():
        found[held.gate < threshold] = PASSED_BY / 2
    copies, batches = make_copies(ads, terms, seed=seed), [ad.batch for ad in ads]
    gate, strict = fit_fold(copies, batches, terms, seed=seed, vectors=held.vectors)
    gate.threshold = threshold
    strict.calibration_ = {**strict.calibration_, **calibration}
    for _, part in strict.features_.named_steps["features"].transformer_list:
        if hasattr(part, "vocabulary_"):
            # plain numbers: skops would keep each numpy integer as a file of its own
            part.vocabulary_ = {gram: int(at) for gram, at in sorted(part.vocabulary_.items())}
    for jury in (strict.plain_, strict.full_):
        for at, regression in enumerate(jury.regressions_ if jury is not None else ()):
            # the file shrinks by half, no score changes by 1 in 1,000
            regression.coef_ = np.round(regression.coef_, 4 if at < len(GROUPS) else 2)
    return Cascade(gate, strict), limits, scores


def _measure_gate(held: Held, threshold: float, everyday: Sequence[bool]) -> dict[str, Any]:
    number = len(held.truth)
    wanted = np.tile(held.truth.any(axis=1), 2)
    let = held.gate >= threshold
    plain = let[:number]
    bulk = np.asarray(everyday, dtype=bool)
    return {
        "threshold": round(threshold, 4),
        "offers": int(wanted.sum()),
        "let_through": int(let[wanted].sum()),
        "named": int(np.isinf(held.gate[wanted]).sum()),
        "everyday": int(bulk.sum()),
        "everyday_let_through": int(plain[bulk].sum()),
    }
