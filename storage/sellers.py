"""Sellers as the screens show them: a list, and everything known about one.

Public names: SellerFilter, SellerRow, SellerContact, SellerDetail, find_sellers, iterate_sellers, find_seller,
name_sellers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from storage.sellerfacts import ContactKey, Trace, find_holders, find_traces
from storage.sitetables import Site
from storage.tables import Contact, Feedback, Listing, Reading, Seller, SellerLink


@dataclass(frozen=True)
class SellerFilter:
    """Which sellers are wanted; an empty field leaves nothing out. text: in the name, or a whole contact."""

    text: str = ""
    site: str = ""


@dataclass(frozen=True)
class SellerRow:
    """One line of a list: how many listings, contacts, ratings and links (confirmed, and those that wait)."""

    seller: Seller
    site: Site
    listings: int
    contacts: int
    feedback: int
    confirmed: int
    proposed: int


@dataclass(frozen=True)
class SellerContact:
    """One contact of a seller. holders: other sellers who show it too; None where so many do that it says nothing."""

    trace: Trace
    holders: tuple[int, ...] | None


@dataclass(frozen=True)
class SellerDetail:
    """All about one seller. profiles: the readings of their own pages, the newest first."""

    row: SellerRow
    listings: list[Listing]
    contacts: list[SellerContact]
    profiles: list[Reading]
    sales_from: datetime | None
    sales_to: datetime | None


def find_sellers(
    session: Session, wanted: SellerFilter, *, page: int = 1, per_page: int = 50
) -> tuple[list[SellerRow], int]:
    """(one page of the sellers that match, how many there are), those last seen first."""
    statement = _select_rows(wanted)
    total = (
        session.scalar(select(func.count()).select_from(statement.with_only_columns(Seller.id).subquery()))
        or 0
    )
    ordered = statement.order_by(Seller.last_seen.desc(), Seller.id.desc())
    rows = session.execute(ordered.limit(per_page).offset((max(1, page) - 1) * per_page))
    return [SellerRow(*row) for row in rows], total


def iterate_sellers(session: Session, wanted: SellerFilter) -> Iterator[SellerRow]:
    """All that match without holding them all: for CSV and JSON."""
    for row in session.execute(_select_rows(wanted).order_by(Seller.id).execution_options(yield_per=500)):
        yield SellerRow(*row)


def find_seller(
    session: Session, seller_id: int, *, most_holders: int, listings: int = 100
) -> SellerDetail | None:
    """Everything about one seller, or None. A contact that more than `most_holders` sellers show says nothing."""
    row = session.execute(_select_rows(SellerFilter()).where(Seller.id == seller_id)).first()
    if row is None:
        return None
    traces = find_traces(session, [seller_id]).get(seller_id, {})
    holders = find_holders(session, list(traces), most=most_holders)
    sales = session.execute(
        select(func.min(Feedback.first_seen), func.max(Feedback.last_seen)).where(
            Feedback.seller_id == seller_id
        )
    ).one()
    return SellerDetail(
        row=SellerRow(*row),
        listings=list(
            session.scalars(
                select(Listing)
                .where(Listing.seller_id == seller_id)
                .order_by(Listing.last_seen.desc(), Listing.id.desc())
                .limit(listings)
            )
        ),
        contacts=[
            _make_contact(seller_id, key, trace, holders)
            for key, trace in sorted(traces.items(), key=_by_worth)
        ],
        profiles=list(
            session.scalars(
                select(Reading)
                .where(
                    Reading.kind.in_(("seller", "pgp")),
                    Reading.id.in_(select(Contact.reading_id).where(Contact.seller_id == seller_id)),
                )
                .order_by(Reading.id.desc())
                .limit(5)
            )
        ),
        sales_from=sales[0],
        sales_to=sales[1],
    )


def name_sellers(session: Session, seller_ids: Collection[int]) -> dict[int, tuple[str, str]]:
    """{id: (name, the site's title)} of some sellers."""
    rows = session.execute(
        select(Seller.id, Seller.name, Site.title)
        .join(Site, Seller.site_id == Site.id)
        .where(Seller.id.in_(list(seller_ids)[:1000]))
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def _make_contact(
    seller_id: int, key: ContactKey, trace: Trace, holders: dict[ContactKey, dict[int, int] | None]
) -> SellerContact:
    others = holders.get(key, {})
    return SellerContact(trace, None if others is None else tuple(sorted(set(others) - {seller_id})))


def _by_worth(item: tuple[ContactKey, Trace]) -> tuple[bool, str, str]:
    return not item[1].valid, item[1].kind, item[1].value


def _select_rows(wanted: SellerFilter) -> Select[Any]:
    def count(table: Any, column: Any, *more: Any) -> Any:
        return (
            select(func.count()).select_from(table).where(column, *more).correlate(Seller).scalar_subquery()
        )

    linked = or_(SellerLink.a_id == Seller.id, SellerLink.b_id == Seller.id)
    contacts = (
        select(func.count(func.distinct(Contact.kind + " " + Contact.value)))
        .where(Contact.seller_id == Seller.id)
        .correlate(Seller)
        .scalar_subquery()
    )
    statement = select(
        Seller,
        Site,
        count(Listing, Listing.seller_id == Seller.id),
        contacts,
        count(Feedback, Feedback.seller_id == Seller.id),
        count(SellerLink, linked, SellerLink.state == "confirmed"),
        count(SellerLink, linked, SellerLink.state == "proposed"),
    ).join(Site, Seller.site_id == Site.id)
    if wanted.text:
        shown = select(Contact.seller_id).where(Contact.value == wanted.text, Contact.seller_id.is_not(None))
        statement = statement.where(
            or_(Seller.name.icontains(wanted.text, autoescape=True), Seller.id.in_(shown))
        )
    if wanted.site:
        statement = statement.where(Site.name == wanted.site)
    return statement


def find_reading_pages(session: Session, reading_ids: Collection[int]) -> dict[int, int]:
    """{reading: its main page} of some readings."""
    ids = list(dict.fromkeys(reading_ids))[:2000]
    found: dict[int, int] = {}
    for start in range(0, len(ids), 400):
        rows = session.execute(
            select(Reading.id, Reading.page_id).where(Reading.id.in_(ids[start : start + 400]))
        )
        found |= {row[0]: row[1] for row in rows}
    return found
