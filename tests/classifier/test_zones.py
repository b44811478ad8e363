"""Thresholds are no higher than the recall that is asked for allows."""

from __future__ import annotations

import math

import numpy as np
import pytest

from classifier.zones import RECALLS, calibrate, choose_gate, find_floor, find_limits


def test_the_recall_holds_and_is_not_in_doubt() -> None:
    scores = [at / 1000 for at in range(1000)]
    limits = find_limits([True] * 1000, scores)
    for recall in RECALLS:
        found = sum(score >= limits[f"{recall:.2f}"] for score in scores) / 1000
        assert recall < found < recall + 0.03


def test_more_recall_never_asks_for_a_higher_threshold() -> None:
    rng = np.random.default_rng(1)
    limits = list(find_limits([True] * 300, rng.random(300)).values())
    assert limits == sorted(limits, reverse=True)


def test_with_few_offers_the_lowest_score_is_the_threshold() -> None:
    assert set(find_limits([True, True, False], [0.7, 0.4, 0.9]).values()) == {0.4}


def test_without_offers_nothing_is_flagged() -> None:
    assert set(find_limits([False], [0.9]).values()) == {1.0}


def test_the_promise_is_kept_on_other_samples() -> None:
    """Drawn again and again, the recall on new texts falls short of the target in about a tenth of the cases."""
    rng = np.random.default_rng(7)
    short = 0
    for _ in range(300):
        limit = find_limits([True] * 400, rng.normal(size=400))["0.95"]
        truth = 1 - 0.5 * (
            1 + math.erf(limit / math.sqrt(2))
        )  # recall of that threshold in the whole population
        short += truth < 0.95
    assert 10 <= short <= 50


def test_the_gate_may_lose_its_share_and_no_more() -> None:
    scores = [math.inf] * 90 + list(range(10))
    threshold = choose_gate(scores, [True] * 100, recall=0.98)
    assert sum(score < threshold for score in scores) == 2


def test_a_gate_that_names_all_needs_no_threshold() -> None:
    assert choose_gate([math.inf] * 5, [True] * 5, recall=0.99) == 0.0


def test_calibration_turns_odds_into_shares() -> None:
    rng = np.random.default_rng(3)
    odds = rng.normal(size=(20_000, 1)) * 2
    truth = rng.random((20_000, 1)) < 1 / (1 + np.exp(-(odds * 0.5 - 1)))
    assert calibrate(truth, odds)[0] == pytest.approx([0.5, -1], abs=0.1)


def test_the_floor_lies_above_all_everyday_texts_but_one_in_300() -> None:
    scores = [0.9, *(0.3 for _ in range(298)), 0.2]
    assert find_floor(scores, [True] * 300) == pytest.approx(0.3001)
    assert find_floor(scores[:299], [True] * 299) == pytest.approx(0.9001)
    assert find_floor(scores, [False] * 300) == 0.0
