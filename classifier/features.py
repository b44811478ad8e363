"""Turns a text into numbers: scikit-learn transformers for folding, n-grams and lexicon hits with their company.

Public names: MAX_TEXT, MAX_HITS, TextFolder, LexiconFeatures, join_text, WORD_PATTERN, find_hits, count_features,
build_features.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import FeatureUnion

from classifier.denial import mark_denied
from classifier.lexicon import DECOY_FAMILIES, KINDS_OF_CUE
from classifier.packing import Packed, WordFeatures
from classifier.pieces import PieceFeatures, mask_digits
from classifier.terms import LETTER, Hit, TermKey, get_matcher
from storage.tables import GROUPS
from text.normalise import normalise

MAX_TEXT = 20_000
"""Characters of title and description that are read; a longer text is key-word stuffing, and costs time."""

MAX_HITS = 25
"""Hits of one role that count; company is looked for pair by pair, so a stuffed text must not have thousands."""

WORD_PATTERN = rf"{LETTER}+|[\U0001f300-\U0001faff]"
_UNIT = re.compile(
    r"\d ?(?:g|gr|gm|gms|gram\w*|grammi|kg|kgs|kilo\w*|ky|lang|chi|jin|tael|liang|oz|lbs?|cm|mm|inch\w*|ft|pcs?|ml|"
    r"г|гр|грамм\w*|кг|см|غرام|جرام|كيلو|กรัม|กก|克|斤|公斤|两|千克|킬로|그램|グラム|キロ|ກຣາມ|ກິໂລ|ក្រាម|គីឡូ|ग्राम|किलो)"
)
_NEAR = 45
"""Characters between two hits that count as company: about seven words."""

_CONTEXT = tuple(f"cue:{kind}" for kind in sorted({*KINDS_OF_CUE, "denied"})) + tuple(
    f"decoy:{name}" for name in sorted(DECOY_FAMILIES)
)
_OWN = (
    "strong",
    "clear",
    "bare",
    "bare_clear",
    "bare_part",
    "code",
    "code_clear",
    "code_unit",
    "code_wink",
    "any",
    "unit",
    "title",
    "denied",
)
FEATURE_NAMES = (
    "unit",
    *_CONTEXT,
    *(f"{group}:{name}" for group in GROUPS for name in _OWN),
    *(f"{group}~{name}" for group in GROUPS for name in _CONTEXT),
)
_TITLE = 70  # characters at the beginning that usually are the title


def join_text(title: str, description: str) -> str:
    """What a text is scored on: title, line break, description, cut at MAX_TEXT."""
    return f"{title[:MAX_TEXT]}\n{description[:MAX_TEXT]}"[:MAX_TEXT]


class TextFolder(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """list of texts -> list of folded texts."""

    def fit(self, texts: Sequence[str], labels: object = None) -> TextFolder:
        return self

    def transform(self, texts: Sequence[str]) -> list[str]:
        return [normalise(text[:MAX_TEXT]).text for text in texts]

    def __sklearn_is_fitted__(self) -> bool:
        return True


class LexiconFeatures(Packed, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """list of folded texts -> one column for each of FEATURE_NAMES."""

    packed = ("terms",)

    def __init__(self, terms: tuple[TermKey, ...] = ()) -> None:
        self.terms = terms

    def fit(self, texts: Sequence[str], labels: object = None) -> LexiconFeatures:
        return self

    def transform(self, texts: Sequence[str]) -> csr_matrix:
        columns = {name: at for at, name in enumerate(FEATURE_NAMES)}
        rows, cols, values = [], [], []
        for row, text in enumerate(texts):
            for name, value in count_features(text, find_hits(text, self.terms)).items():
                rows.append(row)
                cols.append(columns[name])
                values.append(value)
        return csr_matrix(
            (np.array(values, dtype=float), (rows, cols)), shape=(len(texts), len(FEATURE_NAMES))
        )

    def get_feature_names_out(self, names: object = None) -> Any:
        return np.array(FEATURE_NAMES, dtype=object)

    def __sklearn_is_fitted__(self) -> bool:
        return True


def find_hits(text: str, terms: tuple[TermKey, ...]) -> list[Hit]:
    """The terms of a folded text, those that the text denies marked so; of each role the first MAX_HITS."""
    numbers: Counter[str] = Counter()
    kept: list[Hit] = []
    for hit in get_matcher(terms).find(text):
        numbers[hit.role] += 1
        if numbers[hit.role] <= MAX_HITS:
            kept.append(hit)
    return mark_denied(text, kept)


def count_features(text: str, hits: Sequence[Hit]) -> dict[str, float]:
    """The lexicon features of one folded text; only those that are not zero."""
    context = [hit for hit in hits if hit.role.startswith(("cue:", "decoy:"))]
    found: Counter[str] = Counter(hit.role for hit in context)
    features: dict[str, float] = {name: math.log1p(number) for name, number in found.items()}
    units = [match.span() for match in _UNIT.finditer(text)]
    if units:
        features["unit"] = 1.0
    parts = [hit for hit in hits if hit.role == "part"]
    decoys = [hit for hit in context if hit.role.startswith("decoy:")]
    for group in GROUPS:
        found_own = [hit for hit in hits if hit.role.startswith(f"{group}:")]
        own = [hit for hit in found_own if not hit.role.endswith(":denied")]
        if len(own) < len(found_own):
            features[f"{group}:denied"] = 1.0
        if not own:
            continue
        features[f"{group}:any"] = 1.0
        for hit in own:
            strength = hit.role.removeprefix(f"{group}:")
            features[f"{group}:{strength}"] = 1.0
            near_decoy = _is_near(hit, decoys)
            if strength == "strong" and not near_decoy:
                features[f"{group}:clear"] = 1.0
            elif strength == "bare":
                if not near_decoy:
                    features[f"{group}:bare_clear"] = 1.0
                if any(not _overlap(hit, part) for part in parts if _distance(hit, part) <= _NEAR):
                    features[f"{group}:bare_part"] = 1.0
            elif strength == "code":
                if not near_decoy:
                    features[f"{group}:code_clear"] = 1.0
                if units:
                    features[f"{group}:code_unit"] = 1.0
                if "cue:wink" in found:
                    features[f"{group}:code_wink"] = 1.0
            if hit.start < _TITLE:
                features[f"{group}:title"] = 1.0
            if any(start - hit.end <= 80 and hit.start - end <= 80 for start, end in units):
                features[f"{group}:unit"] = 1.0
        for other in context:
            name = f"{group}~{other.role}"
            if name not in features and _is_near(other, own):
                features[name] = 1.0
    return features


def _distance(one: Hit, other: Hit) -> int:
    return max(one.start - other.end, other.start - one.end, 0)


def _overlap(one: Hit, other: Hit) -> bool:
    return one.start < other.end and other.start < one.end


def _is_near(hit: Hit, others: Iterable[Hit]) -> bool:
    return any(_distance(hit, other) <= _NEAR for other in others)


def build_features(terms: tuple[TermKey, ...], *, words: int, chars: int) -> FeatureUnion:
    """The three views on a folded text; words and chars bound the two vocabularies."""
    word = WordFeatures(
        token_pattern=WORD_PATTERN,
        ngram_range=(1, 2),
        min_df=2,
        max_features=words,
        lowercase=False,
        preprocessor=mask_digits,
        sublinear_tf=True,
        dtype=np.float64,
    )
    return FeatureUnion(
        [("word", word), ("char", PieceFeatures(max_features=chars)), ("lexicon", LexiconFeatures(terms))]
    )
