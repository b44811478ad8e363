"""The labelled training ads: reading, checking, finding near copies.

Public names: Ad, CorpusError, KINDS, LANGUAGES, load_corpus, find_near_copies.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer

from classifier.features import join_text
from storage.tables import GROUPS
from text.normalise import normalise

KINDS = (
    "offer", "wanted", "discussion", "news", "feedback", "scam_report", "replica", "substitute", "legal_antique",
    "other_wildlife", "decoy", "everyday",
)  # fmt: skip
_CODES = "en zh vi th id ms lo km my ja ko fr de es pt it ru ar sw hi bn ne nl pl cs tr ur fa uk ro el sv da fi hu und"
LANGUAGES = frozenset(_CODES.split())
_FIELDS = {"id", "language", "labels", "kind", "form", "title", "text", "batch"}
_ID = re.compile(r"[a-z][a-z0-9-]{2,30}")
_NEAR = 0.6  # share of five-letter pieces that two texts have in common, above which they are copies


class CorpusError(ValueError):
    """A corpus that cannot be trained on; the message names file and line."""


@dataclass(frozen=True)
class Ad:
    """One invented ad or post with what a careful person would say of it."""

    id: str
    language: str
    labels: tuple[str, ...]
    kind: str
    form: str
    title: str
    text: str
    batch: str

    @property
    def joined(self) -> str:
        """What the classifier sees."""
        return join_text(self.title, self.text)


def load_corpus(folder: Path) -> list[Ad]:
    """All ads of folder/*.jsonl in order of file and line; raises CorpusError at the first broken rule."""
    files = sorted(folder.glob("*.jsonl"))
    if not files:
        raise CorpusError(f"{folder}: no corpus files (*.jsonl) there")
    ads: list[Ad] = []
    ids: dict[str, str] = {}
    texts: dict[str, str] = {}
    for file in files:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            where = f"{file.name}:{number}"
            ad = _read_ad(line, where)
            if ad.id in ids:
                raise CorpusError(f"{where}: id {ad.id} is used already in {ids[ad.id]}")
            ids[ad.id] = where
            folded = normalise(ad.joined).text
            if folded in texts:
                raise CorpusError(f"{where}: the same text stands in {texts[folded]}")
            texts[folded] = where
            ads.append(ad)
    return ads


def _read_ad(line: str, where: str) -> Ad:
    try:
        data: Any = json.loads(line)
    except json.JSONDecodeError as exc:
        raise CorpusError(f"{where}: not a JSON object: {exc}") from exc
    if not isinstance(data, dict) or set(data) != _FIELDS:
        raise CorpusError(f"{where}: expected exactly the fields {', '.join(sorted(_FIELDS))}")
    labels = data["labels"]
    if (
        not isinstance(labels, list)
        or any(label not in GROUPS for label in labels)
        or len(set(labels)) != len(labels)
    ):
        raise CorpusError(f"{where}: labels must be a list out of {', '.join(GROUPS)}")
    if not all(isinstance(data[name], str) for name in _FIELDS - {"labels"}):
        raise CorpusError(f"{where}: all fields but labels are text")
    if not _ID.fullmatch(data["id"]):
        raise CorpusError(f"{where}: {data['id']!r} is not an id (lower-case letters, digits, -)")
    if data["kind"] not in KINDS:
        raise CorpusError(f"{where}: unknown kind {data['kind']!r}; known: {', '.join(KINDS)}")
    if data["language"] not in LANGUAGES:
        raise CorpusError(f"{where}: unknown language {data['language']!r}")
    if labels and data["kind"] != "offer":
        raise CorpusError(f"{where}: only an offer carries labels, this is {data['kind']}")
    if not data["title"].strip() and not data["text"].strip():
        raise CorpusError(f"{where}: neither title nor text")
    if not data["batch"]:
        raise CorpusError(f"{where}: no batch")
    return Ad(**{**data, "labels": tuple(label for label in GROUPS if label in labels)})


def find_near_copies(texts: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs (i, j), i < j, of texts that share most of their five-letter pieces (Jaccard >= 0.6)."""
    folded = [normalise(text).text for text in texts]
    pieces = CountVectorizer(
        analyzer="char", ngram_range=(5, 5), binary=True, lowercase=False, dtype=np.int32
    )
    matrix = pieces.fit_transform([text if len(text) >= 5 else text.ljust(5) for text in folded])
    sizes = np.asarray(matrix.sum(axis=1)).ravel()
    shared = (matrix @ matrix.T).tocoo()
    near = shared.data >= _NEAR * (sizes[shared.row] + sizes[shared.col] - shared.data)
    return sorted((int(i), int(j)) for i, j in zip(shared.row[near], shared.col[near], strict=True) if i < j)
