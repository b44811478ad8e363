"""What a plan needs to know of the past: when each last ran, the ads worth seeing daily, the ads already read.

Public names: PlanTimes, find_plan_times, find_known_ads, find_read_keys.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import Text, cast, or_, select
from sqlalchemy.orm import Session

from storage.tables import Listing, Page, Run, Score, Verdict
from storage.verdicts import is_latest_score, standing_verdicts

MAX_KNOWN = 20_000
GONE_AFTER = timedelta(days=60)
"""An ad that was not seen for so long is looked for by full sweeps only."""


@dataclass(frozen=True)
class PlanTimes:
    """When the newest crawl of each plan was asked for; `unfinished`: the newest full one left addresses behind."""

    full: datetime | None
    known: datetime | None
    unfinished: bool = False


def find_plan_times(session: Session, *, site_id: int) -> PlanTimes:
    """Runs that were cancelled before their first page do not count."""
    newest: dict[str, Run] = {}
    for plan in ("full", "known"):
        run = session.scalar(
            select(Run)
            .where(
                Run.verb == "crawl",
                Run.site_id == site_id,
                Run.plan == plan,
                or_(Run.state != "cancelled", Run.pages > 0),
            )
            .order_by(Run.id.desc())
            .limit(1)
        )
        if run is not None:
            newest[plan] = run
    full, known = newest.get("full"), newest.get("known")
    return PlanTimes(
        full=full.created_at if full else None,
        known=known.created_at if known else None,
        unfinished=full is not None and full.state != "done",
    )


def find_known_ads(session: Session, *, site_id: int, now: datetime, limit: int = MAX_KNOWN) -> list[str]:
    """Addresses of the site's ads that a person confirmed, or the model flagged and no person denied: surest first.

    Left out are those that the site last said do not exist (404, 410), and those not seen for two months.
    """
    since = now - GONE_AFTER
    gone: dict[str, datetime] = {}
    missing = select(Page.url, Page.received_at).where(
        Page.site_id == site_id, Page.kind == "not_found", Page.received_at >= since
    )
    for url, at in session.execute(missing.order_by(Page.received_at)):
        gone[_path_of(url)] = at
    standing = standing_verdicts()
    offers = cast(Verdict.labels, Text) != "[]"
    rows = session.execute(
        select(Listing.url, Listing.last_seen)
        .outerjoin(standing, standing.c.listing_id == Listing.id)
        .outerjoin(Verdict, Verdict.id == standing.c.verdict_id)
        .outerjoin(Score, is_latest_score())
        .where(
            Listing.site_id == site_id,
            Listing.last_seen >= since,
            or_(Verdict.id.is_not(None) & offers, Verdict.id.is_(None) & Score.flagged.is_(True)),
        )
        .order_by(Verdict.id.is_(None), Listing.last_seen.desc(), Listing.id)
        .limit(limit)
    )
    return [url for url, seen in rows if seen > gone.get(_path_of(url), seen.min.replace(tzinfo=seen.tzinfo))]


def find_read_keys(session: Session, *, site_id: int, keys: Collection[str]) -> set[str]:
    """Which of the site's own keys of ads have been read before, as an ad or as a copy of one."""
    found: set[str] = set()
    wanted: Sequence[str] = sorted(keys)
    for start in range(0, len(wanted), 500):
        some = wanted[start : start + 500]
        found |= set(
            session.scalars(
                select(Listing.key).where(
                    Listing.site_id == site_id,
                    Listing.key.in_(some),
                    Listing.source != "card",  # seen on a list only: its page is still to be read
                )
            )
        )
    return found


def _path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
