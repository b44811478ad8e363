"""Letter n-grams count as scikit-learn's do."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from classifier.pieces import PieceFeatures, find_pieces, split_runs

TEXTS = ["two old tusks", "tusk of an old bull", "white rhino seeds", "seeds and bulbs", "a", ""]


def test_the_numbers_are_those_of_scikit_learn() -> None:
    ours = PieceFeatures(low=3, high=5, min_df=2, max_features=10_000).fit(TEXTS)
    theirs = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), min_df=2, sublinear_tf=True).fit(TEXTS)
    assert set(ours.vocabulary_) == set(theirs.vocabulary_)
    columns = [theirs.vocabulary_[piece] for piece in ours.vocabulary_]
    assert np.allclose(ours.transform(TEXTS).toarray(), theirs.transform(TEXTS).toarray()[:, columns])


def test_the_vocabulary_is_bounded_and_ties_are_broken_the_same_way() -> None:
    one, other = (PieceFeatures(min_df=1, max_features=20).fit(texts) for texts in (TEXTS, TEXTS[::-1]))
    assert len(one.vocabulary_) == 20
    assert one.vocabulary_ == other.vocabulary_


@pytest.mark.parametrize(
    ("word", "piece"), [("tusk", ("tus", 0, 3)), ("象牙", ("象牙", 0, 2)), ("tusk", ("sk ", 2, 4))]
)
def test_a_piece_knows_its_place(word: str, piece: tuple[str, int, int]) -> None:
    assert piece in set(find_pieces(word, 2, 5))


def test_a_run_without_spaces_is_split() -> None:
    runs = list(split_runs("x" * 1000))
    assert "".join(word for word, _ in runs) == "x" * 1000
    assert max(len(word) for word, _ in runs) <= 400
