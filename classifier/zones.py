"""Where the lines between flag, look and pass are drawn.

Public names: RECALLS, LOOK_RECALL, EVERYDAY, SURE, calibrate, find_limits, find_floor,
choose_gate.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import binom
from sklearn.linear_model import LogisticRegression

RECALLS = (0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99)
"""Recalls at the flag threshold that an analyst may ask for."""

LOOK_RECALL = 0.99
"""Share of the true offers that are to be flagged or shown for a look."""

EVERYDAY = 300
"""One false flag among so many everyday texts is borne."""

SURE = 0.9
"""How sure the promised recall is: the bound holds for the field as far as the texts held back are like it."""


def find_limits(truth: Any, scores: Any) -> dict[str, float]:
    """Recall -> the highest threshold at which that recall is not in doubt, for RECALLS.

    Risk control by a binomial test (Angelopoulos et al. 2021, "Learn then Test"): a threshold is good when, were the true
    recall just short of the target, so many finds would have a chance below 1 - SURE. Where too few texts are there to
    be sure of anything, it is the lowest score of a true offer.
    """
    own = np.sort(np.asarray(scores, dtype=float)[np.asarray(truth, dtype=bool)])
    limits: dict[str, float] = {}
    for recall in RECALLS:
        # finds needed of len(own): the smallest number k with P(at least k finds | recall) <= 1 - SURE
        lost = len(own) - int(binom.isf(1 - SURE, len(own), recall)) - 1 if len(own) else 0
        limits[f"{recall:.2f}"] = round(float(own[max(lost, 0)]), 4) if len(own) else 1.0
    return limits


def find_floor(scores: Any, everyday: Any) -> float:
    """The threshold above all everyday texts but one in EVERYDAY: a false flag among them would be hundreds in the field.

    One in so many, and not none, since a single text that is no clear case would set the threshold for all.
    """
    bulk = np.sort(np.asarray(scores, dtype=float)[np.asarray(everyday, dtype=bool)])[::-1]
    return round(float(bulk[len(bulk) // EVERYDAY]) + 1e-4, 4) if len(bulk) else 0.0


def calibrate(truth: Any, odds: Any) -> Any:
    """Slope and offset for each group's log-odds (Platt), array (groups, 2); odds must be out of fold. A group that no
    text, or every text, offers stays as it is."""
    rows = []
    for at in range(odds.shape[1]):
        if len(set(np.asarray(truth)[:, at].tolist())) < 2:
            rows.append((1.0, 0.0))
            continue
        model = LogisticRegression(C=1e4).fit(odds[:, [at]], truth[:, at])
        rows.append((float(model.coef_[0, 0]), float(model.intercept_[0])))
    return np.array(rows)


def choose_gate(scores: Any, wanted: Any, *, recall: float) -> float:
    """The highest threshold of the gate that loses at most 1 - recall of the texts that are wanted."""
    own = np.sort(np.asarray(scores, dtype=float)[np.asarray(wanted, dtype=bool)])
    finite = own[np.isfinite(own)]
    may_lose = int((1 - recall) * len(own))
    return float(finite[may_lose]) - 1e-6 if len(finite) > may_lose else 0.0
