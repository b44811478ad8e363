"""What a random draw of the passed ads tells of all of them: how many offers the model misses, and so its recall.

Public names: Missed, estimate_missed.
"""

from __future__ import annotations

from dataclasses import dataclass

from scipy.stats import beta

SURE = 0.95


@dataclass(frozen=True)
class Missed:
    """share: (low, high) of offers among the passed, by Clopper and Pearson (1934) at SURE; number: the same of listings.
    recall: (low, high) share of all offers that was flagged, None where nothing was found or drawn."""

    share: tuple[float, float]
    number: tuple[float, float]
    recall: tuple[float, float] | None


def estimate_missed(*, passed: int, drawn: int, missed: int, found: int) -> Missed | None:
    """From `drawn` of `passed` ads at random, of which `missed` were offers, and `found` offers flagged; None when none
    was drawn. ValueError for numbers that cannot be."""
    if not 0 <= missed <= drawn or found < 0 or passed < 0:
        raise ValueError(f"{missed} offers among {drawn} drawn of {passed}, {found} found: that cannot be")
    if drawn == 0:
        return None
    tail = (1 - SURE) / (
        2 if 0 < missed < drawn else 1
    )  # one-sided at the ends, where the other bound is certain
    low = float(beta.ppf(tail, missed, drawn - missed + 1)) if missed else 0.0
    high = float(beta.ppf(1 - tail, missed + 1, drawn - missed)) if missed < drawn else 1.0
    number = (low * passed, high * passed)
    recall = (found / (found + number[1]), found / (found + number[0])) if found else None
    return Missed((low, high), number, recall)
