"""Measures scores against labels, and chooses the threshold of each species group.

Public names: GroupFigures, measure_group, choose_threshold, find_intervals, MAX_FALSE_SHARE.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score

MAX_FALSE_SHARE = 0.02
"""Share of the hard negatives (texts that name the goods and offer none) that a threshold may let through, each group."""

_STEPS = [step / 100 for step in range(20, 97)]


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


def measure_group(truth: Sequence[bool], scores: Sequence[float], threshold: float) -> GroupFigures:
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


def choose_threshold(truth: Sequence[bool], scores: Sequence[float], everyday: Sequence[bool]) -> float:
    """The lowest threshold that flags no everyday text and at most MAX_FALSE_SHARE of the other negatives.

    Everyday goods are nearly all of a market, so one false flag there is thousands in the field; hard negatives are
    rare, and a reviewer wants to see a few of them rather than miss an ad.
    """
    actual = np.asarray(truth, dtype=bool)
    values = np.asarray(scores, dtype=float)
    bulk = np.asarray(everyday, dtype=bool) & ~actual
    hard = ~bulk & ~actual
    for step in _STEPS:
        if not (values[bulk] >= step).any() and (values[hard] >= step).sum() <= MAX_FALSE_SHARE * hard.sum():
            return step
    return _STEPS[-1]


def find_intervals(hits: int, total: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share; (0, 1) when there is nothing to count."""
    if not total:
        return 0.0, 1.0
    z = 1.959964
    share = hits / total
    centre = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return (centre - spread) / (1 + z * z / total), (centre + spread) / (1 + z * z / total)
