"""Thresholds and figures follow their rules."""

from __future__ import annotations

import pytest

from classifier.evaluate import choose_threshold, find_intervals, measure_group


def test_no_everyday_text_passes_the_threshold() -> None:
    truth = [True, False, False]
    assert choose_threshold(truth, [0.9, 0.55, 0.1], [False, True, True]) == 0.56


def test_a_few_hard_negatives_may_pass() -> None:
    scores = [0.9] + [0.8] + [0.1] * 99
    assert choose_threshold([True] + [False] * 100, scores, [False] * 101) == 0.2


def test_too_many_hard_negatives_raise_the_threshold() -> None:
    scores = [0.9] + [0.8] * 10 + [0.1] * 90
    assert choose_threshold([True] + [False] * 100, scores, [False] * 101) == 0.81


def test_figures_of_a_small_table() -> None:
    row = measure_group([True, True, False, False], [0.9, 0.2, 0.6, 0.1], 0.5)
    assert (row.precision, row.recall, row.false_flags, row.false_per_10000) == (0.5, 0.5, 1, 5000.0)


def test_figures_without_positives_are_zero_not_an_error() -> None:
    row = measure_group([False, False], [0.9, 0.2], 0.5)
    assert (row.average_precision, row.recall, row.precision) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"), [(0, 0, 0.0, 1.0), (9, 10, 0.596, 0.982), (0, 50, 0.0, 0.071)]
)
def test_intervals_are_wilsons(hits: int, total: int, low: float, high: float) -> None:
    assert find_intervals(hits, total) == pytest.approx((low, high), abs=0.001)
