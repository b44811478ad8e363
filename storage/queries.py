"""What the screens ask: lists of listings with filters, and everything known about one of them.

Public names: ListingFilter, ListingRow, Rows, ListingDetail, RunNumbers, find_listings, iterate_listings,
find_listing, find_run_numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, Text, cast, func, or_, select
from sqlalchemy.orm import Session, joinedload

from storage.tables import (
    GROUPS,
    Contact,
    Issue,
    Listing,
    Page,
    Reading,
    ReadingPage,
    Run,
    Score,
    Sighting,
    Site,
    User,
    Verdict,
)
from storage.verdicts import find_earlier, find_standing, is_latest_score, standing_verdicts, top_probability

STATES = ("flagged", "unreviewed", "reviewed", "ad")


@dataclass(frozen=True)
class ListingFilter:
    """Which listings are wanted; an empty field leaves nothing out.

    text: somewhere in title or description. site: its name. group: offered by the standing verdict, or scored over its
    threshold where there is none. state: flagged (by the model), unreviewed (flagged, no standing verdict), reviewed
    (has one), ad (its standing verdict names a group).
    """

    text: str = ""
    site: str = ""
    group: str = ""
    state: str = ""
    seller_id: int | None = None
    posted_from: datetime | None = None
    posted_to: datetime | None = None


@dataclass(frozen=True)
class ListingRow:
    """One line of a list: the listing (site and seller loaded), its latest score, its standing verdict and by whom."""

    listing: Listing
    score: Score | None
    verdict: Verdict | None
    verdict_by: str | None


@dataclass(frozen=True)
class Rows:
    """One page of a list: `total` counts all that match."""

    rows: list[ListingRow]
    total: int
    page: int
    per_page: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.per_page))


@dataclass(frozen=True)
class ListingDetail:
    """All about one listing. pages: those that its current reading was made from, request and response included."""

    listing: Listing
    reading: Reading
    pages: list[Page]
    sightings: list[Sighting]
    scores: list[Score]
    verdicts: list[tuple[Verdict, str]]
    """Every one ever given, undos too, each with its person's name, the oldest first."""
    standing: Verdict | None
    earlier: frozenset[int]
    """Ids of the verdicts that were given on an earlier text: they do not stand."""
    contacts: list[Contact]


@dataclass(frozen=True)
class RunNumbers:
    """What a run stored: pages by kind (None: not judged) and by status (None: no answer), listings and issues.

    issues: those whose last meeting was in this run. issues_met_later: those of its own that a later run met again; they
    are listed with that run.
    """

    pages: int
    by_kind: dict[str | None, int]
    by_status: dict[int | None, int]
    listings: int
    new_listings: int
    issues: int
    issues_met_later: int


def find_listings(session: Session, wanted: ListingFilter, *, page: int = 1, per_page: int = 50) -> Rows:
    """One page (from 1) of the listings that match, surest flags first, then the newest."""
    page, per_page = max(1, page), max(1, min(per_page, 1000))
    statement = _select_rows(wanted)
    total = session.scalar(
        select(func.count()).select_from(statement.with_only_columns(Listing.id).subquery())
    )
    ordered = statement.order_by(
        func.coalesce(top_probability(), -1.0).desc(), Listing.first_seen.desc(), Listing.id.desc()
    )
    rows = session.execute(ordered.limit(per_page).offset((page - 1) * per_page))
    return Rows([ListingRow(*row) for row in rows], total or 0, page, per_page)


def iterate_listings(session: Session, wanted: ListingFilter) -> Iterator[ListingRow]:
    """All listings that match, by id, without holding them all: for CSV and JSON."""
    for row in session.execute(_select_rows(wanted).order_by(Listing.id).execution_options(yield_per=500)):
        yield ListingRow(*row)


def find_listing(session: Session, listing_id: int) -> ListingDetail | None:
    """Everything about one listing, or None when there is none."""
    listing = session.scalar(
        select(Listing)
        .options(joinedload(Listing.site), joinedload(Listing.seller), joinedload(Listing.reading))
        .where(Listing.id == listing_id)
    )
    if listing is None:
        return None
    readings = select(Sighting.reading_id).where(Sighting.listing_id == listing_id)
    verdicts = session.execute(
        select(Verdict, User.name)
        .join(User, Verdict.user_id == User.id)
        .where(Verdict.listing_id == listing_id)
        .order_by(Verdict.id)
    )
    pages = session.scalars(
        select(Page)
        .join(ReadingPage, ReadingPage.page_id == Page.id)
        .where(ReadingPage.reading_id == listing.reading_id)
        .order_by(Page.id)
    )
    return ListingDetail(
        listing=listing,
        reading=listing.reading,
        # The main page first, as in the reading.
        pages=sorted(pages, key=lambda page: page.id != listing.reading.page_id),
        sightings=list(
            session.scalars(
                select(Sighting)
                .where(Sighting.listing_id == listing_id)
                .order_by(Sighting.seen_at, Sighting.id)
            )
        ),
        scores=list(
            session.scalars(select(Score).where(Score.reading_id.in_(readings)).order_by(Score.id.desc()))
        ),
        verdicts=[(row[0], row[1]) for row in verdicts],
        standing=find_standing(session, listing_id),
        earlier=find_earlier(session, listing_id),
        contacts=list(
            session.scalars(
                select(Contact)
                .where(Contact.reading_id == listing.reading_id)
                .order_by(Contact.kind, Contact.value)
            )
        ),
    )


def find_run_numbers(session: Session, run_id: int) -> RunNumbers:
    """What a run stored so far."""
    by_kind = session.execute(
        select(Page.kind, func.count()).where(Page.run_id == run_id).group_by(Page.kind).order_by(Page.kind)
    )
    by_status = session.execute(
        select(Page.status, func.count())
        .where(Page.run_id == run_id)
        .group_by(Page.status)
        .order_by(Page.status)
    )
    statuses = {row[0]: row[1] for row in by_status}
    first_run = (
        select(Sighting.listing_id, func.min(Sighting.run_id).label("run_id"))
        .group_by(Sighting.listing_id)
        .subquery()
    )
    raised = session.scalar(select(Run.issues).where(Run.id == run_id)) or 0
    issues = session.scalar(select(func.count()).select_from(Issue).where(Issue.run_id == run_id)) or 0
    return RunNumbers(
        pages=sum(statuses.values()),
        by_kind={row[0]: row[1] for row in by_kind},
        by_status=statuses,
        listings=session.scalar(
            select(func.count(func.distinct(Sighting.listing_id))).where(Sighting.run_id == run_id)
        )
        or 0,
        new_listings=session.scalar(
            select(func.count()).select_from(first_run).where(first_run.c.run_id == run_id)
        )
        or 0,
        issues=issues,
        # An issue moves to the run that met it last; the run's own count stays.
        issues_met_later=max(0, raised - issues),
    )


def _select_rows(wanted: ListingFilter) -> Select[Listing, Score, Verdict, str]:
    standing = standing_verdicts()
    statement = (
        select(Listing, Score, Verdict, User.name)
        .join(Site, Listing.site_id == Site.id)
        .join(Reading, Listing.reading_id == Reading.id)
        .outerjoin(Score, is_latest_score())
        .outerjoin(standing, standing.c.listing_id == Listing.id)
        .outerjoin(Verdict, Verdict.id == standing.c.verdict_id)
        .outerjoin(User, User.id == Verdict.user_id)
        .options(joinedload(Listing.site), joinedload(Listing.seller))
    )
    for word in wanted.text.split()[:20]:
        statement = statement.where(
            or_(
                Listing.title.icontains(word, autoescape=True),
                Reading.description.icontains(word, autoescape=True),
            )
        )
    if wanted.site:
        statement = statement.where(Site.name == wanted.site)
    if wanted.seller_id is not None:
        statement = statement.where(Listing.seller_id == wanted.seller_id)
    if wanted.posted_from is not None:
        statement = statement.where(
            func.coalesce(Listing.posted_at, Listing.first_seen) >= wanted.posted_from
        )
    if wanted.posted_to is not None:
        statement = statement.where(func.coalesce(Listing.posted_at, Listing.first_seen) < wanted.posted_to)
    if wanted.group:
        statement = statement.where(_offers(wanted.group))
    if wanted.state:
        statement = statement.where(_in_state(wanted.state))
    return statement


def _in_state(state: str) -> ColumnElement[bool]:
    if state == "flagged":
        return Score.flagged.is_(True)
    if state == "unreviewed":
        return Score.flagged.is_(True) & Verdict.id.is_(None)
    if state == "reviewed":
        return Verdict.id.is_not(None)
    if state == "ad":
        return Verdict.id.is_not(None) & (cast(Verdict.labels, Text) != "[]")
    raise ValueError(f"{state!r} is not one of {', '.join(STATES)}")


def _offers(group: str) -> ColumnElement[bool]:
    """By the standing verdict where there is one, else by the score."""
    if group not in GROUPS:
        raise ValueError(f"{group!r} is not one of {', '.join(GROUPS)}")
    probability = {"ivory": Score.ivory, "rhino_horn": Score.rhino_horn, "tiger": Score.tiger}[group]
    threshold: ColumnElement[float] = Score.thresholds[group].as_float()
    judged = cast(Verdict.labels, Text).contains(f'"{group}"', autoescape=True)
    return or_(Verdict.id.is_not(None) & judged, Verdict.id.is_(None) & (probability >= threshold))
