"""False alarms, finds and speed of the shipped classifier beside two peers in the same run.

    TUSKWATCH_BENCH_DATA=/where/the/texts/are python benchmarks/score_texts.py [--show N]

The folder holds text/agora_titles.jsonl, text/agartha.jsonl (both all negative) and text/wlt_osn_dev.jsonl (posts with
label 1 for ivory offered; those with "substitute" are left out, as mammoth is not ivory here). Such texts are real and
stay outside the repository. Without the folder it says so and ends with 0. For the posts, average precision and recall at
a precision of 0.9 are printed, too. Figures on our own corpus stand in the model's card.

Peers: a keyword search (any of some forty words, as an analyst would type them) and plain TF-IDF with logistic
regression on the same corpus, at 0.5.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, precision_recall_curve
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

from classifier.ads import Ad, load_corpus
from classifier.features import join_text
from classifier.model import load_model, predict
from storage.tables import GROUPS

ROOT = Path(__file__).resolve().parent.parent
KEYWORDS = {
    "ivory": "ivory tusk elephant 象牙 牙雕 白料 ngà งาช้าง gading ivoire elfenbein marfil marfim avorio бивень слоновая عاج 상아",
    "rhino_horn": "rhino 犀角 犀牛角 黑料 tê giác นอแรด cula badak rhinocéros nashorn rinoceronte носорог وحيد القرن 코뿔소 서각",
    "tiger": "tiger 虎骨 虎皮 虎牙 cao hổ hổ เสือ harimau tigre тигр نمر 호골 호피 虎",
}
_PHRASES = {
    group: [
        word for word in words.split() if word not in {"tê", "giác", "cula", "badak", "وحيد", "القرن", "cao"}
    ]
    for group, words in KEYWORDS.items()
}
_PHRASES["rhino_horn"] += ["tê giác", "cula badak", "وحيد القرن"]

Scorer = Callable[[Sequence[str]], Any]


def search_keywords(texts: Sequence[str]) -> Any:
    """1 where any of a group's words stands in the text."""
    lowered = [text.lower() for text in texts]
    return np.array([[any(w in text for w in _PHRASES[g]) for g in GROUPS] for text in lowered], dtype=float)


def train_plain(ads: Sequence[Ad]) -> Any:
    """The usual baseline: TF-IDF over words and pairs of words, logistic regression."""
    labels = np.array([[group in ad.labels for group in GROUPS] for ad in ads], dtype=int)
    plain = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        OneVsRestClassifier(LogisticRegression(C=10.0, max_iter=2000)),
    )
    return plain.fit([ad.joined for ad in ads], labels)


def read_lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def read_sets(folder: Path) -> dict[str, tuple[list[str], list[bool]]]:
    """name -> texts, whether ivory is offered."""
    titles = [join_text(row["title"], "") for row in read_lines(folder / "agora_titles.jsonl")]
    listings = [join_text(row["name"], row["info"] or "") for row in read_lines(folder / "agartha.jsonl")]
    posts = [
        row for row in read_lines(folder / "wlt_osn_dev.jsonl") if not (row["label"] and row["substitute"])
    ]
    return {
        "agora titles": (titles, [False] * len(titles)),
        "agartha listings": (listings, [False] * len(listings)),
        "posts": ([join_text("", row["text"]) for row in posts], [bool(row["label"]) for row in posts]),
    }


def show_sets(folder: Path, show: int) -> None:
    model = load_model(ROOT / "models")
    limits = np.array([model.thresholds[group] for group in GROUPS])
    plain = train_plain(load_corpus(ROOT / "classifier" / "corpus"))
    systems: list[tuple[str, Scorer, Any]] = [
        (f"tuskwatch {model.version}", lambda texts: predict(model, texts), limits),
        ("keyword search", search_keywords, np.array([0.5] * 3)),
        ("TF-IDF + LR at 0.5", plain.predict_proba, np.array([0.5] * 3)),
    ]
    print(f"{'set':<18}{'system':<30}{'texts':>6}{'false':>7}{'per 10,000':>12}{'found':>12}{'texts/s':>9}")
    for name, (texts, truth) in read_sets(folder).items():
        actual = np.array(truth)
        for system, score, levels in systems:
            started = time.perf_counter()
            scores = score(texts)
            took = time.perf_counter() - started
            flagged = (scores >= levels).any(axis=1)
            false = int((flagged & ~actual).sum())
            found = f"{int((flagged & actual).sum())} of {int(actual.sum())}" if actual.any() else "-"
            rate = 10_000 * false / int((~actual).sum())
            print(
                f"{name:<18}{system:<30}{len(texts):>6}{false:>7}{rate:>12.1f}{found:>12}{len(texts) / took:>9.0f}"
            )
            if actual.any():
                ivory = scores[:, GROUPS.index("ivory")]
                print(
                    f"    ivory: average precision {average_precision_score(actual, ivory):.3f}, recall at precision 0.9 "
                    f"{find_recall(actual, ivory, 0.9):.3f}"
                )
            if system.startswith("tuskwatch"):
                for at in [at for at in np.argsort(-scores.max(axis=1)) if flagged[at] and not actual[at]][
                    :show
                ]:
                    print(f"    {np.round(scores[at], 2)} {texts[at][:120]!r}")


def find_recall(truth: Any, scores: Any, precision: float) -> float:
    """The largest recall at which the precision is reached; texts of one score are taken or left together."""
    precisions, recalls, _ = precision_recall_curve(truth, scores)
    good = recalls[precisions >= precision]
    return float(good.max()) if len(good) else 0.0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--show", type=int, default=5, help="false flags to print for each set")
    chosen = parser.parse_args()
    folder = Path(os.environ.get("TUSKWATCH_BENCH_DATA", "")) / "text"
    if not os.environ.get("TUSKWATCH_BENCH_DATA") or not folder.is_dir():
        print("score_texts: set TUSKWATCH_BENCH_DATA to a folder with text/*.jsonl; nothing measured")
    else:
        show_sets(folder, chosen.show)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
