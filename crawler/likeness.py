"""Notices when a branch of a site goes on without showing anything new: near-identical pages in a row.

Public names: Sketch, sketch_page, Likeness, MAX_FEATURES.

Pure. A page is known by the words it shows, numbers taken out, and by the links that lead out of its own branch: a
calendar's months and the pages after a list's last one have the same of both, two ads of one template do not.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser

MAX_FEATURES = 400
"""Of a page with more features the smallest hashes are kept: the same choice on every page."""
MAX_BRANCHES = 512
_MAX_TEXT, _MAX_WORDS = 200_000, 5_000
_WORD = re.compile(r"[^\W\d_]+")
_SLACK = 2
"""Words and links, of both pages together, by which pages may differ and still count as near-identical: one month's name
for another's.."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """features: hashes, good within this process only. body: of the very bytes. whole: were all features kept?"""

    features: frozenset[int]
    body: int

    def differs_by(self, other: Sketch) -> int:
        return len(self.features ^ other.features)


def sketch_page(tree: LexborHTMLParser, body: bytes, *, links: Iterable[str]) -> Sketch:
    """`links`: those that lead out of the page's own branch. Styles and scripts are taken out of the tree."""
    for node in tree.css("body style, body script"):
        node.decompose(recursive=False)
    root = tree.body
    text = root.text(deep=True, separator=" ")[:_MAX_TEXT] if root is not None else ""
    unlike = set(text.split()[:_MAX_WORDS])
    features = {hash(word) for word in unlike if word.isalpha()}
    features.update(hash(tuple(_WORD.findall(word))) for word in unlike if not word.isalpha())
    features |= {hash((link,)) for link in links}
    if len(features) > MAX_FEATURES:
        features = set(sorted(features)[:MAX_FEATURES])
    return Sketch(frozenset(features), hash(body))


@dataclass(slots=True)
class _Row:
    last: Sketch
    count: int = 1


class Likeness:
    """Counts near-identical pages in a row, branch by branch; the branches met last are remembered."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rows: OrderedDict[str, _Row] = OrderedDict()

    def note(self, branch: str, sketch: Sketch, *, strict: str) -> bool:
        """Is this page the last of `limit` near-identical ones in a row of its branch?

        strict: "body" where only the very same bytes count, "same" where no word or link may differ, "near" where a few
        may.
        """
        row = self._rows.get(branch)
        if row is None:
            self._rows[branch] = _Row(sketch)
            if len(self._rows) > MAX_BRANCHES:
                self._rows.popitem(last=False)
            return False
        self._rows.move_to_end(branch)
        row.count = row.count + 1 if _alike(row.last, sketch, strict) else 1
        row.last = sketch
        if row.count < self._limit:
            return False
        row.count = 1
        return True


def _alike(one: Sketch, other: Sketch, strict: str) -> bool:
    if one.body == other.body:
        return True
    if strict == "body":
        return False
    return one.differs_by(other) <= (0 if strict == "same" else _SLACK)
