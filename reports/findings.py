"""What the figures say, in a few plain sentences; "none found" is a finding only where something was looked at.

Public names: Finding, write_findings.
"""

from __future__ import annotations

from dataclasses import dataclass

from reports.figures import Figures, Tally, compute_interval
from storage.tables import GROUPS

NAMES = {"ivory": "ivory", "rhino_horn": "rhino horn", "tiger": "tiger parts"}


@dataclass(frozen=True)
class Finding:
    """kind: "found", "none" (looked at and none found) or "blind" (not looked at). lead: one sentence in large type."""

    kind: str
    lead: str
    sentences: tuple[str, ...]


def write_findings(figures: Figures) -> Finding:
    """The lead and the sentences that stand at the top of the report."""
    if not figures.coverage.looked:
        return Finding(
            "blind",
            "Nothing was read that could show ads of this period.",
            (
                "No run fetched a page after the period began. The zeros below are not a finding: "
                "they say that nobody looked.",
            ),
        )
    if figures.reviewed.ads:
        lead = (
            f"{_ads(figures.reviewed.ads)} for the three species groups {'was' if figures.reviewed.ads == 1 else 'were'} "
            "found and confirmed by a person."
        )
        return Finding(
            "found", lead, (*_groups(figures.reviewed), *_rate(figures), *_waiting(figures), _before(figures))
        )
    if figures.waiting:
        lead = f"No ad is confirmed yet: {_flags(figures.waiting)} for review."
        return Finding("found", lead, (*_waiting(figures, first=True), *_base(figures), _before(figures)))
    return Finding(
        "none", "No ad for ivory, rhino horn or tiger parts was found.", (*_base(figures), _before(figures))
    )


def _groups(tally: Tally) -> tuple[str, ...]:
    parts = [
        f"{tally.groups[group]:,} offer{'s' if tally.groups[group] == 1 else ''} {NAMES[group]}"
        for group in GROUPS
        if tally.groups[group]
    ]
    missing = [NAMES[group] for group in GROUPS if not tally.groups[group]]
    text = f"Of the {_ads(tally.ads)}, {_join(parts, 'and')}"
    if missing:
        text += f"; none offers {_join(missing, 'or')}"
    if tally.several:
        verb = "offers" if tally.several == 1 else "offer"
        text += f". {tally.several:,} of them {verb} more than one group, so these numbers have no sum"
    return (text + ".",)


def _rate(figures: Figures) -> tuple[str, ...]:
    if figures.listings <= 0:
        return ()
    share = figures.reviewed.ads / figures.listings
    low, high = compute_interval(figures.reviewed.ads, figures.listings)
    # Rare things are told in 10,000 listings, but not where fewer than that make the number look like a count.
    scale, unit = (100, "%") if share >= 0.01 else (10_000, "in 10,000")
    return (
        f"They are {_round(scale * share)} {unit} of the {figures.listings:,} listings dated in the period "
        f"(95 % interval {_round(scale * low)} to {_round(scale * high)}).",
    )


def _waiting(figures: Figures, *, first: bool = False) -> tuple[str, ...]:
    if not figures.waiting:
        return ("Every flagged listing of the period was reviewed.",)
    groups = [
        f"{figures.scored.groups[group]:,} for {NAMES[group]}"
        for group in GROUPS
        if figures.scored.groups[group]
    ]
    text = f"{_flags(figures.waiting)} for a person" if not first else "By the model alone"
    text += f": flagged {_join(groups, 'and')}" + (
        f", {figures.scored.several:,} of them for more than one group" if figures.scored.several else ""
    )
    return (text + ". A flag is a lead, not a finding.",)


def _base(figures: Figures) -> tuple[str, ...]:
    coverage = figures.coverage
    share = 100 * figures.scored_listings / figures.listings if figures.listings else 0.0
    return (
        f"Looked at: {coverage.sites_read:,} of {len(coverage.sites):,} known sites, {coverage.answered:,} pages, "
        f"{figures.listings:,} listings dated in the period, {share:.0f} % of them scored by the model.",
    )


def _before(figures: Figures) -> str:
    if not figures.before_listings:
        return "For the period of the same length just before there are no listings to compare with."
    return (
        f"The period of the same length just before has {_ads(figures.before.ads)} confirmed, "
        f"among {figures.before_listings:,} listings."
    )


def _ads(count: int) -> str:
    return f"{count:,} distinct ad{'' if count == 1 else 's'}"


def _flags(count: int) -> str:
    return f"{count:,} flagged listing{' waits' if count == 1 else 's wait'}"


def _round(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _join(parts: list[str], word: str) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {word} {parts[-1]}"
