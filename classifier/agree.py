"""How far reviewers agree beyond chance: Cohen's kappa for two, Krippendorff's alpha for any number.

Public names: Agreement, measure_agreement, find_kappa, find_alpha.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations


@dataclass(frozen=True)
class Agreement:
    """texts: judged by two people or more; pairs: of judgements on one text. kappa, alpha: None where nothing can be said
    (no text judged twice, or everybody said the same of everything)."""

    texts: int
    pairs: int
    agreed: int
    kappa: float | None
    alpha: float | None


def measure_agreement(judgements: Iterable[tuple[Hashable, Hashable, Hashable]]) -> Agreement:
    """judgements: (text, reviewer, value), one a reviewer and text; the last one counts.

    kappa is taken over the pairs of all reviewers, in the order of their names, so that with two people it is Cohen's.
    """
    by_text: defaultdict[Hashable, dict[Hashable, Hashable]] = defaultdict(dict)
    for text, reviewer, value in judgements:
        by_text[text][reviewer] = value
    shared = [said for said in by_text.values() if len(said) > 1]
    pairs = [
        (said[one], said[other]) for said in shared for one, other in combinations(sorted(said, key=str), 2)
    ]
    return Agreement(
        texts=len(shared),
        pairs=len(pairs),
        agreed=sum(one == other for one, other in pairs),
        kappa=find_kappa(pairs),
        alpha=find_alpha([list(said.values()) for said in shared]),
    )


def find_kappa(pairs: Sequence[tuple[Hashable, Hashable]]) -> float | None:
    """Cohen (1960): (agreed - expected) / (1 - expected), expected from each side's own shares."""
    if not pairs:
        return None
    left, right = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    expected = sum(left[value] * right[value] for value in left) / len(pairs) ** 2
    agreed = sum(one == other for one, other in pairs) / len(pairs)
    return None if expected == 1 else (agreed - expected) / (1 - expected)


def find_alpha(units: Sequence[Sequence[Hashable]]) -> float | None:
    """Krippendorff (2011) for nominal values: 1 - observed / expected disagreement; units with one value do not count."""
    units = [unit for unit in units if len(unit) > 1]
    total = sum(len(unit) for unit in units)
    if total < 2:
        return None
    spread = Counter(value for unit in units for value in unit)
    expected = total * total - sum(number * number for number in spread.values())
    if not expected:
        return None
    observed = 0.0
    for unit in units:
        own = Counter(unit)
        observed += (len(unit) ** 2 - sum(number * number for number in own.values())) / (len(unit) - 1)
    return 1 - (total - 1) * observed / expected
