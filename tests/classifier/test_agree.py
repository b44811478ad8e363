"""Kappa and alpha against values worked out by hand and from the literature."""

from __future__ import annotations

import pytest

from classifier.agree import find_alpha, find_kappa, measure_agreement


def test_kappa_of_a_worked_table() -> None:
    # 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no: agreed 0.7, expected 0.5
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    assert find_kappa(pairs) == pytest.approx(0.4)


def test_alpha_of_krippendorffs_example_of_two_observers() -> None:
    one = "0100000010"
    other = "1110010000"
    assert find_alpha([[a, b] for a, b in zip(one, other, strict=True)]) == pytest.approx(0.095, abs=0.001)


def test_full_agreement_is_one() -> None:
    assert find_kappa([("a", "a"), ("b", "b")]) == 1
    assert find_alpha([["a", "a"], ["b", "b"]]) == 1


@pytest.mark.parametrize("pairs", [[], [("a", "a")]])
def test_nothing_can_be_said_of_nothing(pairs: list[tuple[str, str]]) -> None:
    assert find_kappa(pairs) is None
    assert find_alpha([list(pair) for pair in pairs]) is None


def test_only_texts_judged_twice_count_and_the_last_word_of_each() -> None:
    said = measure_agreement(
        [(1, "ana", "x"), (1, "ben", "y"), (1, "ben", "x"), (2, "ana", "x"), (3, "ana", "y"), (3, "ben", "x")]
    )
    assert (said.texts, said.pairs, said.agreed) == (2, 2, 1)
