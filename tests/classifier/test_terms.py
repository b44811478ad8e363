"""The lexicon's terms in folded text: at every place the longest one, found as a plain reading of the rule would find it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.terms import Hit, Matcher, TermKey


@pytest.mark.parametrize(
    ("terms", "text", "found"),
    [
        ([("tiger", "a", False)], "tiger tigers xtiger", ["tiger"]),
        ([("tiger", "a", True)], "tigers paw", ["tigers"]),
        (
            [("tiger bone", "a", False), ("tiger", "a", False)],
            "tiger bone, tiger bones",
            ["tiger bone", "tiger"],
        ),
        ([("4/5", "a", False), ("r$", "a", False)], "4/5 stars for r$ 40", ["4/5", "r$"]),
        ([("ready", "a", False), ("ready stock", "a", False)], "now ready", ["ready"]),
        ([("호골", "a", False)], "호골은 팝니다", ["호골은"]),
        ([("虎骨", "a", False), ("虎骨酒", "a", False)], "卖虎骨酒虎骨", ["虎骨酒", "虎骨"]),
        ([("งา", "a", False)], "ขายงาช้าง", ["งา"]),
        ([("🐯", "a", False)], "one 🐯 here", ["🐯"]),
        ([("हाथी", "a", False)], "हाथीयों का हाथी", ["हाथी"]),
    ],
)
def test_the_longest_term_of_each_place_is_found(terms: list[TermKey], text: str, found: list[str]) -> None:
    assert [text[hit.start : hit.end] for hit in Matcher(tuple(terms)).find(text)] == found


_LETTERS = "ab1 -虎骨"
_TERM = st.text(_LETTERS, min_size=1, max_size=6).filter(lambda text: text == text.strip() and text[0] != "-")


@given(
    terms=st.lists(st.tuples(_TERM, st.sampled_from(["x", "y"]), st.booleans()), min_size=1, max_size=12),
    text=st.text(_LETTERS, max_size=40),
)
@settings(max_examples=200, deadline=None)
def test_the_index_finds_what_trying_every_term_would_find(terms: list[TermKey], text: str) -> None:
    assert Matcher(tuple(terms)).find(text) == _try_all(terms, text)


def _try_all(terms: list[TermKey], text: str) -> list[Hit]:
    hits = []
    for start in range(len(text)):
        best: tuple[int, str] | None = None
        for term, _, _ in terms:
            if not text.startswith(term, start) or (best and len(best[1]) >= len(term)):
                continue
            end = start + len(term)
            if term[0] not in "虎骨":
                if start and text[start - 1] not in " -":
                    continue
                rest = end
                while rest < len(text) and text[rest] not in " -":
                    rest += 1
                if rest > end and not any(other == term and loose for other, _, loose in terms):
                    continue
                end = rest
            best = (end, term)
        if best:
            hits += [
                Hit(start, best[0], role) for role in {role for term, role, _ in terms if term == best[1]}
            ]
    return sorted(hits, key=lambda hit: (hit.start, hit.end, hit.role))
