"""Drift of scores, languages and words is told; chance, and too few texts, are not."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from classifier.drift import LEAST, Scored, find_drift, measure_shape

KNOWN = frozenset(["weed", "pills", "card", "fast", "shipping", "tusk", "grams"])


def _texts(
    number: int,
    *,
    words: Sequence[str] = ("weed", "pills", "card"),
    high: float = 0.02,
    language: str = "en",
    seed: int = 1,
) -> list[Scored]:
    rng = random.Random(seed)  # for variety
    return [
        Scored(
            rng.choice(words),
            " ".join(rng.choices(words, k=5)),
            0.9 if rng.random() < high else 0.0005,
            language,
        )
        for _ in range(number)
    ]


def _kinds(new: list[Scored], old: list[Scored]) -> list[str]:
    return [drift.kind for drift in find_drift(measure_shape(new, KNOWN), measure_shape(old, KNOWN))]


@pytest.mark.parametrize("seed", range(20))
def test_chance_is_no_drift(seed: int) -> None:
    assert _kinds(_texts(LEAST, seed=seed), _texts(2_000, seed=100 + seed)) == []


def test_more_high_scores_are_told_with_both_shares() -> None:
    [drift] = find_drift(
        measure_shape(_texts(300, high=0.4), KNOWN), measure_shape(_texts(900, high=0.01), KNOWN)
    )
    assert drift.kind == "scores"
    assert "% of 300 newly scored texts" in drift.words
    assert "0.8 to 1" in drift.words or "0 to 0.001" in drift.words


def test_another_language_is_told() -> None:
    assert _kinds(_texts(150) + _texts(150, language="vi"), _texts(600)) == ["languages"]


def test_words_never_seen_are_told() -> None:
    assert _kinds(_texts(300, words=("weed", "zorbl", "quemp")), _texts(600)) == ["words"]


def test_too_few_texts_say_nothing() -> None:
    assert _kinds(_texts(LEAST - 1, high=0.9), _texts(2_000, high=0.0)) == []
    assert _kinds(_texts(2_000, high=0.9), _texts(LEAST - 1, high=0.0)) == []


def test_no_texts_have_a_shape_too() -> None:
    assert measure_shape([], KNOWN).texts == 0
