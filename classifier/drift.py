"""Has what a site's ads are like moved away from what it was? By scores, languages and words that the model never saw.

Public names: Scored, Shape, Drift, measure_shape, find_drift, LEAST.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from classifier.gate import find_tokens
from text.normalise import normalise

LEAST = 200
"""Texts on each side; with fewer, chance alone looks like drift."""

LARGE = 0.25
"""Population stability index from which a change is taken for a real one, as is usual where scores are watched (Siddiqi
2006, Credit Risk Scorecards)."""

_STRANGE = 0.10  # more of the words unknown than before
_BINS = (0.001, 0.01, 0.05, 0.2, 0.5, 0.8)
_FLOOR = 0.005  # share of a bin that nobody is in: one text there is no drift
_MOST_CHARACTERS = 2_000


@dataclass(frozen=True)
class Scored:
    """One text with its highest probability. language: as the reader says, "" when unsure."""

    title: str
    description: str
    score: float
    language: str


@dataclass(frozen=True)
class Shape:
    """texts: how many; scores: by bin of the highest probability; languages: by code; strange: share of the words that
    the model has never seen."""

    texts: int
    scores: Mapping[str, int]
    languages: Mapping[str, int]
    strange: float


@dataclass(frozen=True)
class Drift:
    """kind: "scores", "languages" or "words"; words: what changed, in plain words."""

    kind: str
    words: str


def measure_shape(rows: Iterable[Scored], known: Collection[str]) -> Shape:
    """known: the words that the model has weights for (classifier.gate.Gate.weights_)."""
    scores: Counter[str] = Counter()
    languages: Counter[str] = Counter()
    words = strange = texts = 0
    for row in rows:
        texts += 1
        scores[_name_bin(row.score)] += 1
        languages[row.language or "und"] += 1
        tokens = set(find_tokens(normalise(f"{row.title}\n{row.description}"[:_MOST_CHARACTERS]).text))
        words += len(tokens)
        strange += sum(token not in known for token in tokens)
    return Shape(texts, dict(scores), dict(languages), strange / words if words else 0.0)


def find_drift(now: Shape, before: Shape) -> list[Drift]:
    """What has moved; nothing while there are fewer than LEAST texts on either side."""
    if min(now.texts, before.texts) < LEAST:
        return []
    found = []
    for kind, new, old in (
        ("scores", now.scores, before.scores),
        ("languages", now.languages, before.languages),
    ):
        moved = _compare(new, old)
        if sum(moved.values()) >= LARGE:
            worst = max(moved, key=lambda name: (moved[name], name))
            share, was = (100 * side.get(worst, 0) / sum(side.values()) for side in (new, old))
            what = "a probability of" if kind == "scores" else "the language"
            found.append(
                Drift(kind, f"{share:.0f} % of {now.texts} newly scored texts have {what} {worst}, {was:.0f} % before")
            )  # fmt: skip
    if now.strange - before.strange >= _STRANGE:
        found.append(
            Drift(
                "words",
                f"{100 * now.strange:.0f} % of the words of {now.texts} newly scored texts were never seen in training, "
                f"{100 * before.strange:.0f} % before",
            )
        )
    return found


def _compare(new: Mapping[str, int], old: Mapping[str, int]) -> dict[str, float]:
    """Each name's part of the population stability index."""
    parts = {}
    for name in new.keys() | old.keys():
        share = max(new.get(name, 0) / sum(new.values()), _FLOOR)
        was = max(old.get(name, 0) / sum(old.values()), _FLOOR)
        parts[name] = (share - was) * math.log(share / was)
    return parts


def _name_bin(score: float) -> str:
    for low, high in zip((0.0, *_BINS), (*_BINS, 1.0), strict=True):
        if score < high:
            return f"{low:g} to {high:g}"
    return f"{_BINS[-1]:g} to 1"
