"""Labelled files are read with clear errors, and measured with intervals."""

from __future__ import annotations

import json

import pytest

from classifier.model import Model
from classifier.trial import TrialError, measure_trial, read_labelled, read_texts


def _line(**values: object) -> str:
    return json.dumps(values, ensure_ascii=False)


BAD = [
    ("{", "not a JSON object"),
    ("[1]", "not a JSON object"),
    ("[" * 200_000, "line 1"),
    (_line(id="a", body="x"), "labels must be a list"),
    (_line(id="a", body="x", labels=["lion"]), "labels must be a list"),
    (_line(id="a", body=7, labels=[]), "'body' is not text"),
    ("", "there are no texts"),
]


@pytest.mark.parametrize(("line", "words"), BAD)
def test_a_bad_line_is_named(line: str, words: str) -> None:
    with pytest.raises(TrialError, match=words):
        read_labelled([line])


def test_a_line_without_end_is_refused() -> None:
    with pytest.raises(TrialError, match="longer than"):
        read_labelled(["x" * 6_000_000])


def test_text_is_taken_as_body_and_other_keys_stay() -> None:
    [(number, row)] = read_texts(["", _line(id=3, text="raw tusk", shop="x")])
    assert (number, row["id"], row["title"], row["body"], row["shop"]) == (2, "3", "", "raw tusk", "x")


@pytest.mark.parametrize("labels", [["ivory"], {"ivory": 1, "tiger": 0}])
def test_labels_come_in_two_forms(labels: object) -> None:
    [row] = read_labelled([_line(id="a", title="t", body="b", labels=labels, lang="de")])
    assert (set(row.labels), row.language) == ({"ivory"}, "de")


def test_figures_of_a_small_file(model: Model) -> None:
    rows = read_labelled(
        [
            _line(id="a", title="Elephant tusk 4 kg", body="Raw tusk, no papers, price in xmr.", labels=["ivory"], kind="offer", language="en"),
            _line(id="b", title="Netflix account", body="4K, warranty.", labels=[], kind="everyday", language="en"),
            _line(id="c", title="Cannabis 10 g", body="Indica.", labels=[], kind="everyday", language="en"),
        ]
    )  # fmt: skip
    figures = measure_trial(model, rows, model.cascade.judge([row.joined for row in rows]))
    assert figures["groups"]["ivory"]["recall"] == 1.0
    assert figures["groups"]["ivory"]["false_flags"] == 0
    assert figures["groups"]["tiger"]["offers"] == 0
    low, high = figures["groups"]["ivory"]["recall_interval"]
    assert 0 <= low <= high <= 1
    assert figures["kinds"]["everyday"] == {"texts": 2, "offers": 0, "found": 0, "false_flags": 0}
    assert figures["languages"]["en"]["texts"] == 3
