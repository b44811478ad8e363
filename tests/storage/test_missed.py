"""What a random draw of the passed ads says of all of them, with the bounds of Clopper and Pearson."""

from __future__ import annotations

import pytest

from storage.missed import estimate_missed


def test_none_among_many_gives_the_rule_of_three() -> None:
    seen = estimate_missed(passed=100_000, drawn=300, missed=0, found=40)
    assert seen is not None
    assert seen.share[0] == 0
    assert seen.share[1] == pytest.approx(3 / 300, rel=0.01)
    assert seen.number[1] == pytest.approx(994, rel=0.01)
    assert seen.recall is not None
    assert seen.recall[0] == pytest.approx(40 / (40 + 994), rel=0.01)
    assert seen.recall[1] == 1


def test_some_among_many_have_a_bound_on_both_sides() -> None:
    seen = estimate_missed(passed=1_000, drawn=100, missed=5, found=0)
    assert seen is not None
    assert seen.share == pytest.approx((0.0164, 0.1128), abs=0.0002)
    assert seen.recall is None


def test_all_of_the_draw_being_offers_is_possible() -> None:
    seen = estimate_missed(passed=10, drawn=3, missed=3, found=1)
    assert seen is not None
    assert seen.share[1] == 1
    assert 0.3 < seen.share[0] < 0.4


def test_nothing_drawn_says_nothing() -> None:
    assert estimate_missed(passed=10, drawn=0, missed=0, found=4) is None


@pytest.mark.parametrize(("drawn", "missed", "found"), [(1, 2, 0), (1, -1, 0), (1, 0, -1), (-1, 0, 0)])
def test_numbers_that_cannot_be_are_refused(drawn: int, missed: int, found: int) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        estimate_missed(passed=10, drawn=drawn, missed=missed, found=found)
