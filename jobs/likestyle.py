"""How alike two sellers write: character pairs to fives of their texts, held against how alike others write.

Public names: compare_styles, Style, LEAST_TEXT, LEAST_OTHERS.

Any two texts in one language are alike, and any two on one market more so. A number alone says nothing; so it is
compared with what the same measure gives for each of the two and many other sellers of the same script. A pair counts
only where the two are nearer to each other than either is to any of the others. That is a hint and no more: people copy
each other's ads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from text.language import find_scripts

LEAST_TEXT = 600
"""Characters; below this a text says too little about its writer."""
LEAST_OTHERS = 20
"""Other sellers of the same script to compare with."""
_FEATURES = 2**18


@dataclass(frozen=True)
class Style:
    """The cosine of two sellers' texts, the nearest that either comes to any of `others` sellers."""

    a_id: int
    b_id: int
    cosine: float
    nearest: float
    others: int


def compare_styles(
    pairs: Sequence[tuple[int, int]], texts: Mapping[int, str], *, least_margin: float = 0.05
) -> list[Style]:
    """The pairs whose two write more like each other than like anybody else in `texts`, by at least the margin."""
    scripts = {number: _script(text) for number, text in texts.items() if len(text) >= LEAST_TEXT}
    found: list[Style] = []
    for script in sorted(set(scripts.values())):
        ids = [number for number, its in scripts.items() if its == script]
        wanted = [(a, b) for a, b in pairs if scripts.get(a) == script == scripts.get(b)]
        if wanted and len(ids) >= LEAST_OTHERS + 2:
            found += _compare(wanted, ids, texts, least_margin)
    return found


def _compare(
    wanted: Sequence[tuple[int, int]], ids: Sequence[int], texts: Mapping[int, str], least_margin: float
) -> list[Style]:
    vectors = _vectorise([texts[number] for number in ids])
    places = {number: place for place, number in enumerate(ids)}
    found = []
    for a, b in wanted:
        near_a = (vectors @ vectors[places[a]].T).toarray().ravel()
        near_b = (vectors @ vectors[places[b]].T).toarray().ravel()
        cosine = float(near_a[places[b]])
        others = [place for number, place in places.items() if number not in (a, b)]
        nearest = float(max(near_a[others].max(), near_b[others].max()))
        if cosine >= nearest + least_margin:
            found.append(Style(a, b, round(cosine, 3), round(nearest, 3), len(others)))
    return found


def _vectorise(texts: Sequence[str]) -> Any:
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    counts = HashingVectorizer(
        analyzer="char_wb", ngram_range=(2, 5), n_features=_FEATURES, alternate_sign=False, norm=None
    ).transform(texts)
    # What all of them write (the language itself, the market's phrases) weighs little.
    return TfidfTransformer(sublinear_tf=True).fit_transform(counts)


def _script(text: str) -> str:
    return next(iter(find_scripts(text)), "")
