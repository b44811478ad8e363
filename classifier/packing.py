"""Keeps large tables as one text each in a saved model.

Public names: Packed, WordFeatures.

skops writes a part for every entry of a dict and of a tuple, and looks at each part when it reads them back: 300,000 for
the lexicon and the vocabularies, which took nine seconds. As texts they take a quarter of one.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, ClassVar

from sklearn.feature_extraction.text import TfidfVectorizer

_MARK = "packed:"


class Packed:
    """Beside BaseEstimator, before it. packed: names of attributes that are dicts by words, or tuples of terms."""

    packed: ClassVar[tuple[str, ...]] = ()

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = {**super().__getstate__()}  # type: ignore[dict-item]  # a dict, by BaseEstimator
        for name in self.packed:
            if name in state:
                state[name] = _MARK + json.dumps(
                    state[name], ensure_ascii=False, separators=(",", ":"), default=int
                )
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        found = {
            name: _unpack(value) if isinstance(value, str) and value.startswith(_MARK) else value
            for name, value in state.items()
        }
        super().__setstate__(found)  # type: ignore[misc]  # BaseEstimator has one


@lru_cache(maxsize=8)
def _unpack(text: str) -> Any:
    """The same text gives the same object, so that the lexicon is there once."""
    value = json.loads(text.removeprefix(_MARK))
    if isinstance(value, list):
        return tuple(tuple(term) for term in value)
    if not isinstance(value, dict):
        raise ValueError("a packed table is neither terms nor a dict")
    return value


class WordFeatures(Packed, TfidfVectorizer):  # type: ignore[misc]  # scikit-learn has no types
    """scikit-learn's, with its vocabulary packed."""

    packed = ("vocabulary_",)
