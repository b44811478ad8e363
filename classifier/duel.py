"""Champion against challenger on the same texts that neither was trained on.

Public names: Bout, Duel, hold_back, hold_duel, LEAST_TEXTS.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from classifier.ads import Ad, find_near_copies
from storage.tables import GROUPS

LEAST_TEXTS = 30
"""Texts of a group's offers, or of a language, below which nothing is said of it."""

_REPEATS = 500
_MARGIN = 0.01  # of F1: a difference below that is no difference
_SHARE = 0.3  # of the verdicts, the newest, are held back


@dataclass(frozen=True)
class Bout:
    """One comparison. difference: F1 of the challenger less that of the champion, with its 95 % interval."""

    about: str
    texts: int
    champion: float
    challenger: float
    low: float
    high: float

    @property
    def worse(self) -> bool:
        return self.challenger < self.champion - _MARGIN


@dataclass(frozen=True)
class Duel:
    """bouts: all groups together, each group and each language of size. won: the challenger is worse in none of them."""

    texts: int
    bouts: tuple[Bout, ...]

    @property
    def won(self) -> bool:
        return bool(self.bouts) and not any(bout.worse for bout in self.bouts)


def hold_back(ads: Sequence[Ad]) -> tuple[list[Ad], list[Ad]]:
    """(to learn from, to test on) of ads in the order of time: the newest are tested on, with all of their sellers and near
    copies, so that nothing that is tested on was learned from in other words. An ad's batch names its seller."""
    groups: dict[str, str] = {}

    def root(name: str) -> str:
        while groups.setdefault(name, name) != name:
            name = groups[name]
        return name

    for one, other in find_near_copies([ad.joined for ad in ads]):
        groups[root(ads[one].batch)] = root(ads[other].batch)
    newest: dict[str, int] = {}
    for at, ad in enumerate(ads):
        newest[root(ad.batch)] = at
    size: defaultdict[str, int] = defaultdict(int)
    for ad in ads:
        size[root(ad.batch)] += 1
    tested: set[str] = set()
    for name in sorted(newest, key=lambda name: -newest[name]):
        if sum(size[one] for one in tested) + size[name] > _SHARE * len(ads) and tested:
            break
        tested.add(name)
    return (
        [ad for ad in ads if root(ad.batch) not in tested],
        [ad for ad in ads if root(ad.batch) in tested],
    )


def hold_duel(
    ads: Sequence[Ad],
    champion: Any,
    challenger: Any,
    limits: tuple[Mapping[str, float], Mapping[str, float]],
    *,
    seed: int = 7,
) -> Duel:
    """champion, challenger: scores (ads, groups); limits: the flag thresholds of each."""
    truth = np.array([[group in ad.labels for group in GROUPS] for ad in ads], dtype=bool).reshape(
        -1, len(GROUPS)
    )
    said = [
        scores >= np.array([limit[group] for group in GROUPS])
        for scores, limit in zip((champion, challenger), limits, strict=True)
    ]
    rng = np.random.default_rng(seed)
    samples = [rng.integers(0, len(ads), len(ads)) for _ in range(_REPEATS)] if ads else []
    bouts = []
    every = np.ones(len(ads), dtype=bool)
    languages = np.array([ad.language for ad in ads])
    views = [("all groups", every, slice(None))] if len(ads) >= LEAST_TEXTS else []
    views += [
        (group, every, slice(at, at + 1))
        for at, group in enumerate(GROUPS)
        if truth[:, at].sum() >= LEAST_TEXTS
    ]
    views += [
        (f"language {language}", languages == language, slice(None))
        for language in sorted(set(languages.tolist()))
        if (languages == language).sum() >= LEAST_TEXTS
    ]
    for about, mask, columns in views:
        values = [_f1(truth[mask, columns], one[mask, columns]) for one in said]
        drawn = []
        for sample in samples:
            kept = sample[mask[sample]]
            before, after = (_f1(truth[kept, columns], one[kept, columns]) for one in said)
            drawn.append(after - before)
        low, high = np.quantile(drawn, (0.025, 0.975))
        bouts.append(
            Bout(
                about,
                int(mask.sum()),
                round(values[0], 4),
                round(values[1], 4),
                round(float(low), 4),
                round(float(high), 4),
            )
        )
    return Duel(len(ads), tuple(bouts))


def _f1(truth: Any, said: Any) -> float:
    total = int(truth.sum()) + int(said.sum())
    return 2 * int((truth & said).sum()) / total if total else 1.0
