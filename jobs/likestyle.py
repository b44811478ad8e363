"""How alike two sellers write: runs of three and four characters of their texts, held against how alike others write.

Public names: compare_styles, Style, StyleBook, LEAST_TEXT, LEAST_OTHERS.

Any two texts in one language are alike, and any two on one market more so. A number alone says nothing; so it is
compared with what the same measure gives for each of the two and many other sellers of the same script. A pair counts
only where the two are nearer to each other than either is to any of the others. That is a hint and no more: people copy
each other's ads.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
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


class StyleBook:
    """Texts that were counted already, by seller: the same ones are compared with in every batch."""

    def __init__(self) -> None:
        self.rows: dict[int, Any] = {}
        self.scripts: dict[int, str] = {}

    def add(self, texts: Mapping[int, str]) -> None:
        """Count the texts that are long enough and not counted yet."""
        from sklearn.feature_extraction.text import HashingVectorizer

        fresh = [
            number for number, text in texts.items() if number not in self.rows and len(text) >= LEAST_TEXT
        ]
        if not fresh:
            return
        counter = HashingVectorizer(
            analyzer="char_wb", ngram_range=(3, 4), n_features=_FEATURES, alternate_sign=False, norm=None
        )
        counts = counter.transform([texts[number] for number in fresh])
        for place, number in enumerate(fresh):
            self.rows[number] = counts[place]
            self.scripts[number] = next(iter(find_scripts(texts[number])), "")

    def keep(self, numbers: Collection[int]) -> None:
        """Forget all others: each takes some 30 KB."""
        for number in set(self.rows) - set(numbers):
            del self.rows[number], self.scripts[number]


def compare_styles(
    pairs: Sequence[tuple[int, int]],
    texts: Mapping[int, str],
    *,
    book: StyleBook | None = None,
    least_margin: float = 0.05,
) -> list[Style]:
    """The pairs whose two write more like each other than like anybody else in `texts`, by at least the margin."""
    book = StyleBook() if book is None else book
    book.add(texts)
    found: list[Style] = []
    known = [number for number in texts if number in book.rows]
    for script in sorted({book.scripts[number] for number in known}):
        ids = [number for number in known if book.scripts[number] == script]
        among = set(ids)
        wanted = [(a, b) for a, b in pairs if a in among and b in among]
        if wanted and len(ids) >= LEAST_OTHERS + 2:
            found += _compare(wanted, ids, book, least_margin)
    return found


def _compare(
    wanted: Sequence[tuple[int, int]], ids: Sequence[int], book: StyleBook, least_margin: float
) -> list[Style]:
    from scipy.sparse import vstack
    from sklearn.feature_extraction.text import TfidfTransformer

    # What all of them write (the language itself, the market's phrases) weighs little.
    vectors = TfidfTransformer(sublinear_tf=True).fit_transform(vstack([book.rows[number] for number in ids]))
    places = {number: place for place, number in enumerate(ids)}
    asked = sorted({number for pair in wanted for number in pair})
    near = dict(
        zip(asked, (vectors[[places[number] for number in asked]] @ vectors.T).toarray(), strict=True)
    )
    found = []
    for a, b in wanted:
        cosine = float(near[a][places[b]])
        others = [place for number, place in places.items() if number not in (a, b)]
        nearest = float(max(near[a][others].max(), near[b][others].max()))
        if cosine >= nearest + least_margin:
            found.append(Style(a, b, round(cosine, 3), round(nearest, 3), len(others)))
    return found
