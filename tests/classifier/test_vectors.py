"""Vectors of meaning: the same for a text in any company, safe with any text, and of the right part of a long one."""

from __future__ import annotations

import numpy as np
import pytest

from classifier.terms import TermKey
from classifier.vectors import LONGEST, WIDTH, can_make_vectors, make_vectors, pick_passage

TERMS: tuple[TermKey, ...] = (("elephant tusk", "ivory:strong", False), ("white gold", "ivory:code", False))


def test_the_package_is_there() -> None:
    # it is part of the extra that the tests are installed with: without it half of the classifier would go untested
    assert can_make_vectors()


def test_a_text_has_the_same_vector_in_any_company() -> None:
    alone = make_vectors(["raw tusk for sale"], TERMS)
    beside = make_vectors(["weed", "raw tusk for sale", "looking for a job"], TERMS)
    assert alone.shape == (1, WIDTH)
    assert np.array_equal(alone.toarray()[0], beside.toarray()[1])
    assert alone.nnz > 20


def test_like_meanings_are_nearer_whatever_the_language() -> None:
    rows = make_vectors(
        ["i want to buy a car", "ich suche ein auto zu kaufen", "the weather is nice today"], TERMS
    )
    dense = rows.toarray()
    dense /= np.linalg.norm(dense, axis=1, keepdims=True)
    assert dense[0] @ dense[1] > dense[0] @ dense[2]


@pytest.mark.parametrize(
    "text",
    [
        "", " \n", "\0", "\0" * 50, "ﷺ" * 600, "ﷺa" * 200, "\ud800 lone", "a\u0301" * 500, "\U0010ffff" * 300, "㋿㌀㍻" * 200,
        "\u0958" * 500, "x" * 50_000, "▁" * 600, "</s><s><pad><unk>" * 30, "\u200d" * 600, "🏴\U000e0067" * 200,
    ],
)  # fmt: skip
def test_no_text_breaks_it(text: str) -> None:
    rows = make_vectors([text, "after it"], TERMS)
    assert rows.shape == (2, WIDTH)
    assert np.isfinite(rows.data).all()
    assert rows[1].nnz > 0


def test_a_short_text_is_read_whole() -> None:
    assert pick_passage("elephant tusk", TERMS) == "elephant tusk"


def test_of_a_long_text_the_beginning_and_what_is_around_the_goods_are_read() -> None:
    text = f"start here {'filler word ' * 300} hidden elephant tusk inside {'more filler ' * 300}"
    passage = pick_passage(text, TERMS)
    assert passage.startswith("start here")
    assert "hidden elephant tusk inside" in passage
    assert len(passage) <= LONGEST + 3 * passage.count(" … ")


def test_a_stuffed_text_stays_within_its_bound_and_keeps_the_clearest_names() -> None:
    text = f"{'white gold and so on ' * 400} elephant tusk at last {'white gold ' * 400}"
    passage = pick_passage(text, TERMS)
    assert "elephant tusk at last" in passage
    assert len(passage) <= LONGEST + 3 * passage.count(" … ")
