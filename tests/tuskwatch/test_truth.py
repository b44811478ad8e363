"""The demo's figures: how what was found is held against what is known."""

from __future__ import annotations

import pytest

from tuskwatch.truth import FoundAd, KnownAd, compare


def known(key: str, *labels: str, site: str = "oldport") -> KnownAd:
    return KnownAd(site, (key,), f"known {key}", frozenset(labels))


def found(key: str, *flags: str, site: str = "oldport") -> FoundAd:
    return FoundAd(site, key, f"found {key}", frozenset(flags))


@pytest.mark.parametrize(
    ("ads", "listings", "ivory", "overall"),
    [
        # (known, found, missed, false)
        ([known("1", "ivory")], [found("1", "ivory")], (1, 1, 0, 0), (1, 1, 0, 0)),
        ([known("1", "ivory")], [found("1")], (1, 0, 1, 0), (1, 0, 1, 0)),
        ([known("1")], [found("1", "ivory")], (0, 0, 0, 1), (0, 0, 0, 1)),
        # The wrong group: missed and false for each group, but the ad as such was found
        ([known("1", "tiger")], [found("1", "ivory")], (0, 0, 0, 1), (1, 1, 0, 0)),
        # One ad, two groups: one ad
        ([known("1", "ivory", "tiger")], [found("1", "ivory", "tiger")], (1, 1, 0, 0), (1, 1, 0, 0)),
        # Never read: missed
        ([known("1", "ivory")], [], (1, 0, 1, 0), (1, 0, 1, 0)),
        # The same key on another site is another ad
        ([known("1", "ivory")], [found("1", "ivory", site="newport")], (1, 0, 1, 1), (1, 0, 1, 1)),
    ],
)
def test_compare(
    ads: list[KnownAd],
    listings: list[FoundAd],
    ivory: tuple[int, ...],
    overall: tuple[int, ...],
) -> None:
    result = compare(ads, listings)
    rows = [
        (row.known, row.found, len(row.missed), len(row.false)) for row in (result.groups[0], result.overall)
    ]
    assert rows == [ivory, overall]


def test_counts_by_site_and_ads_that_were_never_read() -> None:
    ads = [known("1"), known("2", "ivory"), known("1", site="newport")]
    result = compare(ads, [found("1"), found("9")])
    assert (result.known, result.read) == ({"newport": 1, "oldport": 2}, {"newport": 0, "oldport": 1})
    assert [ad.keys for ad in result.unread] == [("2",)]


@pytest.mark.parametrize("key", ["1", "1b"])
def test_an_ad_that_stands_at_two_addresses_is_one_ad_under_either(key: str) -> None:
    ad = KnownAd("oldport", ("1", "1b"), "relisted", frozenset({"ivory"}))
    result = compare([ad], [found(key, "ivory")])
    assert (result.overall.known, result.overall.found, result.overall.false) == (1, 1, ())
    assert (result.known, result.read) == ({"oldport": 1}, {"oldport": 1})
