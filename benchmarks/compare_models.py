"""Which model and which features: five families and more, held against each other batch by batch.

    python -m benchmarks.compare_models [--folds N] [--corpus FOLDER]

Every row is trained and asked on the same folds of whole batches (near copies of what is held back are left out), with
the same disguised and swapped copies. Prints average precision and the best F1 of each group, and macro-F1, as in the
table of docs/method.md. Takes about forty minutes for 5,000 texts on two cores.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from scipy.sparse import hstack
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.naive_bayes import ComplementNB
from sklearn.neural_network import MLPClassifier
from sklearn.svm import LinearSVC

from classifier.ads import find_near_copies, load_corpus
from classifier.augment import make_copies
from classifier.crossval import find_vectors, share_batches
from classifier.features import FEATURE_NAMES, build_features
from classifier.jury import Jury
from classifier.train import find_terms
from storage.tables import GROUPS
from text.normalise import normalise

ROOT = Path(__file__).resolve().parent.parent
SETS = ("n-grams", "lexicon", "vectors", "n-grams + lexicon", "n-grams + lexicon + vectors")


def _logistic(rows: Any, marks: Any, asked: Any) -> Any:
    return (
        LogisticRegression(C=10.0, solver="liblinear", random_state=7)
        .fit(rows, marks)
        .decision_function(asked)
    )


def _svm(rows: Any, marks: Any, asked: Any) -> Any:
    return LinearSVC(C=0.5, random_state=7).fit(rows, marks).decision_function(asked)


def _bayes(rows: Any, marks: Any, asked: Any) -> Any:
    return ComplementNB().fit(abs(rows), marks).predict_proba(abs(asked))[:, 1]


def _boosted(rows: Any, marks: Any, asked: Any) -> Any:
    model = HistGradientBoostingClassifier(
        max_iter=200, learning_rate=0.05, max_leaf_nodes=10, min_samples_leaf=15, random_state=7
    )
    return model.fit(rows.toarray(), marks).decision_function(asked.toarray())


def _trees(rows: Any, marks: Any, asked: Any) -> Any:
    model = ExtraTreesClassifier(200, min_samples_leaf=2, n_jobs=-1, random_state=7)
    return model.fit(rows, marks).predict_proba(asked)[:, 1]


def _network(rows: Any, marks: Any, asked: Any) -> Any:
    model = MLPClassifier((64,), alpha=1.0, max_iter=60, early_stopping=True, random_state=7)
    return model.fit(rows, marks).predict_proba(asked)[:, 1]


Asked = Callable[[Any, Any, Any], Any]
PLANS: list[tuple[str, str, Asked]] = [
    *(("logistic regression", name, _logistic) for name in SETS),
    ("linear SVM", SETS[3], _svm),
    ("linear SVM", SETS[4], _svm),
    ("complement naive Bayes", SETS[3], _bayes),
    ("boosted trees", SETS[1], _boosted),
    ("extra trees", SETS[1], _trees),
    ("neural network", SETS[2], _network),
]
JURY = ("jury (regressions + boosted trees)", SETS[4])


def best_f1(truth: Any, scores: Any) -> float:
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(truth[order])
    return float((2 * hits / (np.arange(1, len(order) + 1) + truth.sum())).max())


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folds", type=int, default=6)
    parser.add_argument("--corpus", type=Path, default=ROOT / "classifier" / "corpus")
    chosen = parser.parse_args()
    ads, terms = load_corpus(chosen.corpus), find_terms()
    copies = [copy for copy in make_copies(ads, terms, seed=7) if copy.change in ("", "disguise", "swapped")]
    folded = [normalise(copy.text).text for copy in copies]
    texts = [copy.text for copy in copies]
    vectors = find_vectors(
        sorted(set(texts)),
        terms,
        progress=lambda line: print(line, file=sys.stderr),
        jobs=os.cpu_count() or 1,
    ).read(folded)
    marks = np.array([[group in copy.labels for group in GROUPS] for copy in copies], dtype=int)
    whose = np.array([copy.at for copy in copies])
    fold_of = share_batches(ads, chosen.folds)
    near: dict[int, set[int]] = {}
    for one, other in find_near_copies([ad.joined for ad in ads]):
        near.setdefault(one, set()).add(other)
        near.setdefault(other, set()).add(one)
    found: dict[tuple[str, str], Any] = {}
    for fold in range(chosen.folds):
        held = [at for at, ad in enumerate(ads) if fold_of[ad.batch] == fold]
        barred = set(held).union(*(near.get(at, set()) for at in held))
        known = np.flatnonzero(~np.isin(whose, list(barred)))
        features = build_features(terms, words=20_000, chars=40_000)
        all_known = features.fit_transform([folded[at] for at in known]).tocsr()
        all_held = features.transform([folded[at] for at in held]).tocsr()
        weigh = TfidfTransformer().fit(vectors[known])
        views = [
            _split(all_known, weigh.transform(vectors[known])),
            _split(all_held, weigh.transform(vectors[held])),
        ]
        for name, kind, ask in PLANS:
            rows = found.setdefault((name, kind), np.zeros((len(ads), len(GROUPS))))
            for at in range(len(GROUPS)):
                rows[held, at] = ask(views[0][kind], marks[known, at], views[1][kind])
        jury = Jury().fit(
            views[0][SETS[4]], views[0]["lexicon"].toarray(), marks[known],
            [copies[at].kind for at in known], [ads[whose[at]].batch for at in known],
        )  # fmt: skip
        rows = found.setdefault(JURY, np.zeros((len(ads), len(GROUPS))))
        rows[held], _ = jury.decide(views[1][SETS[4]], views[1]["lexicon"].toarray())
        print(f"fold {fold + 1} of {chosen.folds}", file=sys.stderr)
    truth = marks[: len(ads)].astype(bool)
    print(
        f"{len(ads)} texts, {len({ad.batch for ad in ads})} batches, {chosen.folds} folds of whole batches\n"
    )
    print("| model | features | " + " | ".join(f"{group} AP" for group in GROUPS) + " | macro-F1 (best) |")
    print("|---|---|" + "---|" * (len(GROUPS) + 1))
    for (name, kind), scores in found.items():
        precision = [
            f"{average_precision_score(truth[:, at], scores[:, at]):.3f}" for at in range(len(GROUPS))
        ]
        macro = np.mean([best_f1(truth[:, at], scores[:, at]) for at in range(len(GROUPS))])
        print(f"| {name} | {kind} | {' | '.join(precision)} | {macro:.3f} |")
    return 0


def _split(rows: Any, vectors: Any) -> dict[str, Any]:
    """The feature sets of SETS; vectors weigh as in classifier/strict.py."""
    own = vectors * 3.0
    grams, lexicon = rows[:, : -len(FEATURE_NAMES)], rows[:, -len(FEATURE_NAMES) :]
    return dict(zip(SETS, (grams, lexicon, own, rows, hstack([rows, own]).tocsr()), strict=True))


if __name__ == "__main__":
    raise SystemExit(main())
