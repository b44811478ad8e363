"""The numbers of a trend report: collected from the store, then computed without looking anywhere.

Public names: Figures, AdLine, Week, SiteLine, Tally, ModelUse, collect_figures, compute_interval, EVIDENCE.

An ad is a listing that a person found to offer a group ("reviewed"), or that the model flagged and nobody has reviewed
("scored"). An ad may offer several groups: `Tally.groups` counts mentions, `Tally.ads` counts ads, and nothing here
adds the mentions up.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from reports.coverage import Coverage, collect_coverage
from reports.redaction import redact
from storage.audit import find_head
from storage.missed import Missed, estimate_missed
from storage.queues import AuditCounts, count_audit
from storage.tables import GROUPS
from storage.trends import AdRow, count_dated, find_ads, find_dates, find_models

EVIDENCE = ("reviewed", "scored")
"""Kinds of evidence: a person's standing verdict, or the model's flag where there is none. Never added up."""


@dataclass(frozen=True)
class Tally:
    """Distinct ads, and for each group how many of them offer it."""

    ads: int
    groups: dict[str, int]
    several: int
    """Ads that offer more than one group."""


@dataclass(frozen=True)
class AdLine:
    """One ad as the report shows it: title without addresses, sellers and contacts; no seller."""

    listing_id: int
    site: str
    dated_at: datetime
    has_posted_date: bool
    evidence: str
    groups: tuple[str, ...]
    title: str
    price: str
    ships_from: str
    ships_to: str


@dataclass(frozen=True)
class Week:
    """Seven days from a Monday (UTC). whole: all seven are in the period. listings: of all kinds."""

    start: datetime
    whole: bool
    listings: int
    reviewed: int
    scored: int


@dataclass(frozen=True)
class SiteLine:
    """One site's part of the table."""

    site: str
    reviewed: Tally
    scored: Tally


@dataclass(frozen=True)
class ModelUse:
    """A model, what it held probabilities against, and how many of the period's listings carry its score."""

    version: str
    thresholds: dict[str, float]
    listings: int


@dataclass(frozen=True)
class Figures:
    """All numbers of one report; `start` is in the period, `end` is not."""

    start: datetime
    end: datetime
    now: datetime
    coverage: Coverage
    listings: int
    undated: int
    scored_listings: int
    flagged: int
    flagged_reviewed: int
    flagged_confirmed: int
    """Of the flagged and reviewed ones, those in which the person found a group."""
    turned_down: int
    """Reviewed listings in which the person found none of the groups."""
    unflagged_found: int
    """Reviewed ads that the model had not flagged."""
    reviewed: Tally
    scored: Tally
    sites: tuple[SiteLine, ...]
    weeks: tuple[Week, ...]
    ads: tuple[AdLine, ...]
    models: tuple[ModelUse, ...]
    reviewers: int
    guidelines: tuple[str, ...]
    before: Tally
    """Reviewed ads of the period of the same length just before."""
    before_listings: int
    checked: AuditCounts
    """What a random check of the ads that today's model passed over has shown, whatever their date."""
    missed: Missed | None
    """What that tells of all of them; None when none was drawn."""
    audit_head: str

    @property
    def waiting(self) -> int:
        return self.flagged - self.flagged_reviewed


def collect_figures(session: Session, *, start: datetime, end: datetime, now: datetime) -> Figures:
    """The figures of [start, end) as known at `now`, from one read-only session."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    if not start < end:
        raise ValueError("the period is empty")
    rows = find_ads(session, start=start, end=end)
    dated = count_dated(session, start=start, end=end)
    earlier = start - (end - start)
    ads = [_make_line(row) for row in rows if _is_ad(row)]
    flagged = [row for row in rows if row.flagged]
    judged = [row for row in rows if row.judged is not None]
    checked = count_audit(session)
    coverage = collect_coverage(session, start=start, end=end, now=now, dated=dated)
    return Figures(
        start=start,
        end=end,
        now=now.astimezone(UTC),
        coverage=coverage,
        listings=sum(site.listings for site in dated),
        undated=sum(site.undated for site in dated),
        scored_listings=sum(site.scored for site in dated),
        flagged=len(flagged),
        flagged_reviewed=sum(row.judged is not None for row in flagged),
        flagged_confirmed=sum(bool(row.judged) for row in flagged),
        turned_down=sum(not row.judged for row in judged),
        unflagged_found=sum(bool(row.judged) and not row.flagged for row in judged),
        reviewed=_tally(ad for ad in ads if ad.evidence == "reviewed"),
        scored=_tally(ad for ad in ads if ad.evidence == "scored"),
        sites=tuple(_make_site(site.site, ads) for site in coverage.sites),
        weeks=_count_weeks(ads, find_dates(session, start=start, end=end), start, end),
        ads=tuple(ads),
        models=tuple(ModelUse(*found) for found in find_models(session, start=start, end=end)),
        reviewers=len({row.judged_by for row in judged}),
        guidelines=tuple(sorted({row.guideline_version for row in judged if row.guideline_version})),
        before=_tally(
            ad
            for ad in map(_make_line, filter(_is_ad, find_ads(session, start=earlier, end=start)))
            if ad.evidence == "reviewed"
        ),
        before_listings=sum(site.listings for site in count_dated(session, start=earlier, end=start)),
        checked=checked,
        missed=estimate_missed(
            passed=checked.passed, drawn=checked.drawn, missed=checked.missed, found=checked.found
        ),
        audit_head=find_head(session),
    )


def compute_interval(found: int, of: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share: honest also for small counts and for none."""
    if of <= 0:
        return 0.0, 1.0
    z = 1.959964
    share = found / of
    middle = share + z * z / (2 * of)
    reach = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    scale = 1 + z * z / of
    # At the ends the formula is exact up to rounding, which would show as 0.0 being below 0.
    low = 0.0 if found == 0 else max(0.0, (middle - reach) / scale)
    high = 1.0 if found == of else min(1.0, (middle + reach) / scale)
    return low, high


def _is_ad(row: AdRow) -> bool:
    """A person who found none of the groups takes a flagged listing off the list of ads."""
    return bool(row.judged) if row.judged is not None else row.flagged


def _make_line(row: AdRow) -> AdLine:
    currency = redact(row.price_currency, longest=8)
    price = "" if row.price_amount is None else f"{row.price_amount:f} {currency}".strip()
    hidden = (row.seller, *row.contacts)
    return AdLine(
        listing_id=row.listing_id,
        site=row.site,
        dated_at=row.dated_at,
        has_posted_date=row.has_posted_date,
        evidence="scored" if row.judged is None else "reviewed",
        groups=row.scored if row.judged is None else row.judged,
        title=redact(row.title, hidden=hidden, longest=140),
        price=price,
        ships_from=redact(row.ships_from, hidden=hidden, longest=40),
        ships_to=redact(row.ships_to, hidden=hidden, longest=60),
    )


def _make_site(site: str, ads: Sequence[AdLine]) -> SiteLine:
    here = [ad for ad in ads if ad.site == site]
    return SiteLine(
        site=site,
        reviewed=_tally(ad for ad in here if ad.evidence == "reviewed"),
        scored=_tally(ad for ad in here if ad.evidence == "scored"),
    )


def _tally(ads: Iterable[AdLine]) -> Tally:
    listed = list(ads)
    return Tally(
        ads=len(listed),
        groups={group: sum(group in ad.groups for ad in listed) for group in GROUPS},
        several=sum(len(ad.groups) > 1 for ad in listed),
    )


def _count_weeks(
    ads: Sequence[AdLine], dates: Iterable[datetime], start: datetime, end: datetime
) -> tuple[Week, ...]:
    listings = Counter(_find_monday(date) for date in dates)
    counts = {
        evidence: Counter(_find_monday(ad.dated_at) for ad in ads if ad.evidence == evidence)
        for evidence in EVIDENCE
    }
    weeks = []
    monday = _find_monday(start)
    while monday < end:
        weeks.append(
            Week(
                start=monday,
                whole=start <= monday and monday + timedelta(days=7) <= end,
                listings=listings[monday],
                reviewed=counts["reviewed"][monday],
                scored=counts["scored"][monday],
            )
        )
        monday += timedelta(days=7)
    return tuple(weeks)


def _find_monday(moment: datetime) -> datetime:
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday())
