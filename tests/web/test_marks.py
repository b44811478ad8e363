"""Ads cut into pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.marks import MAX_SPANS, Piece, Span, mark_text, read_spans

CASES = [
    ("plain", [], [Piece("plain")]),
    ("", [], []),
    ("a tusk b", [Span(2, 6, "ivory")], [Piece("a "), Piece("tusk", ("ivory",)), Piece(" b")]),
    ("tusk", [Span(0, 4, "ivory")], [Piece("tusk", ("ivory",))]),
    (
        "abcdef",
        [Span(0, 4, "ivory"), Span(2, 6, "tiger")],
        [Piece("ab", ("ivory",)), Piece("cd", ("ivory", "tiger")), Piece("ef", ("tiger",))],
    ),
    ("ab", [Span(0, 1, "ivory"), Span(0, 1, "ivory")], [Piece("a", ("ivory",)), Piece("b")]),
    ("ab", [Span(1, 9, "ivory")], [Piece("a"), Piece("b", ("ivory",))]),
    ("ab", [Span(5, 9, "ivory")], [Piece("ab")]),
    ("<b>", [Span(0, 3, "ivory")], [Piece("<b>", ("ivory",))]),
]


@pytest.mark.parametrize(("text", "spans", "pieces"), CASES)
def test_text_is_cut_at_the_spans(text: str, spans: list[Span], pieces: list[Piece]) -> None:
    assert mark_text(text, spans) == pieces


@pytest.mark.parametrize(
    ("character", "shown", "named"),
    [
        ("\u202e", "RLO", "U+202E right-to-left override"),
        ("\u2066", "LRI", "U+2066 left-to-right isolate"),
        ("\u200b", "·", "U+200B zero width space"),
        ("\x00", "�", "U+0000 control character"),
        ("\ud800", "�", "U+D800 control character"),
    ],
)
def test_hidden_characters_are_named(character: str, shown: str, named: str) -> None:
    assert mark_text(f"a{character}b") == [Piece("a"), Piece(shown, (), named), Piece("b")]


@pytest.mark.parametrize("kept", ["\n", "\t", "\u200d", "\u200c", "é", "象牙", "🐘"])
def test_ordinary_characters_stay(kept: str) -> None:
    assert mark_text(kept) == [Piece(kept)]


def test_a_word_split_by_a_hidden_character_is_marked_on_both_sides() -> None:
    pieces = mark_text("i\u200bvory", [Span(0, 6, "ivory")])
    assert [(piece.text, piece.groups) for piece in pieces] == [
        ("i", ("ivory",)),
        ("·", ("ivory",)),
        ("vory", ("ivory",)),
    ]


def test_long_text_is_cut() -> None:
    assert sum(len(piece.text) for piece in mark_text("x" * 500, [Span(400, 410, "ivory")], limit=100)) == 100


def test_the_number_of_marks_is_bounded() -> None:
    spans = [Span(n, n + 1, "ivory") for n in range(0, 4 * MAX_SPANS, 2)]
    assert sum(1 for piece in mark_text("x" * 5_000, spans) if piece.groups) == MAX_SPANS


BROKEN = [
    None,
    "text",
    [{"part": "title"}],
    [{"part": "title", "start": -1, "end": 2}],
    [{"part": "title", "start": 3, "end": 2}],
    [{"part": "title", "start": 0, "end": 99}],
    [{"part": "title", "start": "0", "end": "2"}],
    [{"part": "description", "start": 0, "end": 2}],
    [17],
]


@pytest.mark.parametrize("found", BROKEN)
def test_malformed_reasons_mark_nothing(found: object) -> None:
    assert read_spans({"ivory": found}, "title", 10) == []


@given(
    st.text(max_size=60),
    st.lists(
        st.tuples(st.integers(-5, 70), st.integers(-5, 70), st.sampled_from(["ivory", "tiger"])), max_size=8
    ),
)
def test_nothing_is_lost_or_added(text: str, found: list[tuple[int, int, str]]) -> None:
    reasons = {"ivory": [{"part": "title", "start": a, "end": b} for a, b, _ in found]}
    pieces = mark_text(text, read_spans(reasons, "title", len(text)))
    visible = "".join("?" if piece.hidden else piece.text for piece in pieces)
    assert len(visible) == len(text)
    assert all(one == other for one, other in zip(visible, text, strict=True) if one != "?")
