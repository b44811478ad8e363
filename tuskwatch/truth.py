"""What the demo found, held against what the lab knows: pure numbers.

Public names: KnownAd, FoundAd, GroupResult, Comparison, compare.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

GROUPS = ("ivory", "rhino_horn", "tiger")


@dataclass(frozen=True)
class KnownAd:
    """One ad of the lab: where it stands, and which groups it offers (most offer none)."""

    site: str
    key: str
    title: str
    labels: frozenset[str]


@dataclass(frozen=True)
class FoundAd:
    """One listing as read and scored. flags: the groups whose threshold its score reached."""

    site: str
    key: str
    title: str
    flags: frozenset[str]


@dataclass(frozen=True)
class GroupResult:
    """For one group, or for all ads of any group: how many there are, and what became of them."""

    name: str
    known: int
    found: int
    missed: tuple[str, ...]
    """Titles."""
    false: tuple[str, ...]
    """Titles of listings that were flagged and offer no such thing."""


@dataclass(frozen=True)
class Comparison:
    """known and read: listings by site. unread: known ads with a label that were not read at all."""

    groups: tuple[GroupResult, ...]
    overall: GroupResult
    known: Mapping[str, int]
    read: Mapping[str, int]
    unread: tuple[KnownAd, ...]


def compare(known: Sequence[KnownAd], found: Iterable[FoundAd]) -> Comparison:
    """Ads are matched by site and by the site's own key, never by their text."""
    listings = {(ad.site, ad.key): ad for ad in found}
    truth = {(ad.site, ad.key): ad for ad in known}
    groups = tuple(_judge(group, truth, listings, wanted=frozenset({group})) for group in GROUPS)
    sites = sorted({ad.site for ad in known})
    return Comparison(
        groups=groups,
        overall=_judge("any of them", truth, listings, wanted=frozenset(GROUPS)),
        known={site: sum(ad.site == site for ad in known) for site in sites},
        read={site: sum(key in listings for key in truth if key[0] == site) for site in sites},
        unread=tuple(ad for key, ad in truth.items() if ad.labels and key not in listings),
    )


def _judge(
    name: str,
    truth: Mapping[tuple[str, str], KnownAd],
    listings: Mapping[tuple[str, str], FoundAd],
    *,
    wanted: frozenset[str],
) -> GroupResult:
    flagged = {key for key, ad in listings.items() if ad.flags & wanted}
    real = {key for key, ad in truth.items() if ad.labels & wanted}
    return GroupResult(
        name=name,
        known=len(real),
        found=len(real & flagged),
        missed=tuple(truth[key].title for key in truth if key in real - flagged),
        false=tuple(listings[key].title for key in listings if key in flagged - real),
    )
