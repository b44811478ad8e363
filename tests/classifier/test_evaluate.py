"""Thresholds and figures follow their rules."""

from __future__ import annotations

import pytest

from classifier.evaluate import find_intervals, measure_calibration, measure_group


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


def test_calibration_of_right_and_wrong_probabilities() -> None:
    right = measure_calibration([True] * 9 + [False], [0.9] * 10)
    assert right["ece"] == pytest.approx(0, abs=1e-9)
    assert right["points"] == [[0.9, 0.9, 10]]
    assert measure_calibration([False] * 10, [0.9] * 10)["ece"] == pytest.approx(0.9)
