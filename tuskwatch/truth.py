"""What the demo found, held against what the lab knows: pure numbers.

Public names: KnownAd, FoundAd, GroupResult, Comparison, compare.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

GROUPS = ("ivory", "rhino_horn", "tiger")


@dataclass(frozen=True)
class KnownAd:
    """One ad of the lab: where it stands, and which groups it offers (most offer none).

    keys: under each of them the same text stands, word for word; it is read as one listing with several sightings.
    """

    site: str
    keys: tuple[str, ...]
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
    listings = list(found)
    flags: dict[tuple[str, str], frozenset[str]] = {(ad.site, ad.key): ad.flags for ad in listings}
    offers = {(ad.site, key): ad.labels for ad in known for key in ad.keys}
    matched = [_Matched(ad, _flags_of(ad, flags)) for ad in known]
    sites = sorted({ad.site for ad in known})
    return Comparison(
        groups=tuple(_judge(group, matched, listings, offers, frozenset({group})) for group in GROUPS),
        overall=_judge("any of them", matched, listings, offers, frozenset(GROUPS)),
        known={site: sum(ad.site == site for ad in known) for site in sites},
        read={site: sum(one.ad.site == site and one.flags is not None for one in matched) for site in sites},
        unread=tuple(one.ad for one in matched if one.ad.labels and one.flags is None),
    )


@dataclass(frozen=True)
class _Matched:
    ad: KnownAd
    flags: frozenset[str] | None
    """Those of its listing; None when it was never read."""


def _flags_of(ad: KnownAd, flags: Mapping[tuple[str, str], frozenset[str]]) -> frozenset[str] | None:
    read = [flags[ad.site, key] for key in ad.keys if (ad.site, key) in flags]
    return frozenset[str]().union(*read) if read else None


def _judge(
    name: str,
    matched: Sequence[_Matched],
    listings: Sequence[FoundAd],
    offers: Mapping[tuple[str, str], frozenset[str]],
    wanted: frozenset[str],
) -> GroupResult:
    real = [one for one in matched if one.ad.labels & wanted]
    found = [one for one in real if one.flags is not None and one.flags & wanted]
    return GroupResult(
        name=name,
        known=len(real),
        found=len(found),
        missed=tuple(one.ad.title for one in real if one not in found),
        false=tuple(
            ad.title
            for ad in listings
            if ad.flags & wanted and not offers.get((ad.site, ad.key), frozenset()) & wanted
        ),
    )
