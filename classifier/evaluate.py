"""Measures scores against labels.

Public names: GroupFigures, measure_group, measure_all, measure_calibration, find_intervals.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score

from classifier.ads import Ad
from storage.tables import GROUPS


@dataclass(frozen=True)
class GroupFigures:
    """What a threshold gives on labelled texts. interval: 95 % Wilson interval of the recall."""

    positives: int
    negatives: int
    average_precision: float
    threshold: float
    precision: float
    recall: float
    recall_low: float
    recall_high: float
    false_flags: int
    false_per_10000: float


def measure_group(truth: Any, scores: Any, threshold: float) -> GroupFigures:
    """Figures of one group; a share of nothing is 0."""
    actual = np.asarray(truth, dtype=bool)
    values = np.asarray(scores, dtype=float)
    said = values >= threshold
    hits, false = int((said & actual).sum()), int((said & ~actual).sum())
    positives, negatives = int(actual.sum()), int((~actual).sum())
    low, high = find_intervals(hits, positives)
    return GroupFigures(
        positives=positives,
        negatives=negatives,
        average_precision=round(float(average_precision_score(actual, values)), 4) if positives else 0.0,
        threshold=threshold,
        precision=round(hits / (hits + false), 4) if hits + false else 0.0,
        recall=round(hits / positives, 4) if positives else 0.0,
        recall_low=round(low, 4),
        recall_high=round(high, 4),
        false_flags=false,
        false_per_10000=round(10_000 * false / negatives, 1) if negatives else 0.0,
    )


def measure_all(
    ads: Sequence[Ad], scores: Any, hidden: Any, limits: Mapping[str, float], kinds: Sequence[str]
) -> dict[str, Any]:
    """All figures of one set of scores (ads, groups) at the limits: by group, by language, disguised, kinds.

    hidden: the scores of the disguised copies of the same ads.
    """
    truth = np.array([[group in ad.labels for group in GROUPS] for ad in ads], dtype=bool)
    said = scores >= np.array([limits[group] for group in GROUPS])
    said_hidden = hidden >= np.array([limits[group] for group in GROUPS])
    groups = {
        group: asdict(measure_group(truth[:, at], scores[:, at], limits[group]))
        for at, group in enumerate(GROUPS)
    }
    languages = np.array([ad.language for ad in ads])
    any_group: dict[str, dict[str, int]] = {}
    for ad, flagged in zip(ads, said.any(axis=1), strict=True):
        row = any_group.setdefault("labelled" if ad.labels else ad.kind, {"texts": 0, "flagged": 0})
        row["texts"] += 1
        row["flagged"] += int(flagged)
    return {
        "groups": groups,
        "macro_f1": _round(np.mean([_f1(truth[:, at], said[:, at]) for at in range(len(GROUPS))])),
        "best_f1": {group: _round(_best_f1(truth[:, at], scores[:, at])) for at, group in enumerate(GROUPS)},
        "disguised": {
            "recall": {group: _share(said_hidden[truth[:, at], at]) for at, group in enumerate(GROUPS)},
            "macro_f1": _round(np.mean([_f1(truth[:, at], said_hidden[:, at]) for at in range(len(GROUPS))])),
        },
        "calibration": {
            group: measure_calibration(truth[:, at], scores[:, at]) for at, group in enumerate(GROUPS)
        },
        "languages": {
            str(language): {
                "texts": int((languages == language).sum()),
                "offers": int(truth[languages == language].any(axis=1).sum()),
                "f1": _round(_f1(truth[languages == language].ravel(), said[languages == language].ravel())),
            }
            for language in sorted(set(languages))
        },
        "any_group": dict(sorted(any_group.items())),
        "kinds_right": _round(np.mean([kind == ad.kind for kind, ad in zip(kinds, ads, strict=True)])),
    }


def measure_calibration(truth: Any, scores: Any, bins: int = 10) -> dict[str, Any]:
    """Brier score, expected calibration error and the reliability diagram's points [mean score, share true, texts]."""
    actual, values = np.asarray(truth, dtype=float), np.asarray(scores, dtype=float)
    which = np.minimum((values * bins).astype(int), bins - 1)
    points = [
        [_round(values[which == at].mean()), _round(actual[which == at].mean()), int((which == at).sum())]
        for at in range(bins)
        if (which == at).any()
    ]
    error = sum(abs(mean - share) * number for mean, share, number in points) / max(len(values), 1)
    return {"brier": _round(np.mean((values - actual) ** 2)), "ece": _round(error), "points": points}


def _f1(truth: Any, said: Any) -> float:
    hits = int((truth & said).sum())
    total = int(truth.sum()) + int(said.sum())
    return 2 * hits / total if total else 0.0


def _best_f1(truth: Any, scores: Any) -> float:
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(truth[order])
    return float((2 * hits / (np.arange(1, len(order) + 1) + truth.sum())).max()) if len(order) else 0.0


def _share(said: Any) -> float:
    return _round(said.mean()) if len(said) else 0.0


def _round(value: Any) -> float:
    return round(float(value), 4)


def find_intervals(hits: int, total: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share; (0, 1) when there is nothing to count."""
    if not total:
        return 0.0, 1.0
    z = 1.959964
    share = hits / total
    centre = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return (centre - spread) / (1 + z * z / total), (centre + spread) / (1 + z * z / total)
