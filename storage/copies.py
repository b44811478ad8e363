"""Near copies among listings: which listings wait for a signature, and what ties those whose texts are nearly the same.

Public names: ToSign, SignedRow, CopyCounts, NearCopy, find_unsigned, count_unsigned, store_signatures, find_copies,
count_copies.

Near copies stay listings of their own; what ties them is a Likeness row, which says whose they are: same_seller,
other_seller (of one site) or other_site. Exact copies by one seller are one listing already (storage.grouping). A
listing is tied to at most storage.bands.MOST_LINKS others when it is looked at: copies without number hang together by the oldest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    Select,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.orm import Session, joinedload

from storage.bands import THRESHOLD, bands_of, compare, find_near
from storage.engine import lock, transaction
from storage.tables import Band, Likeness, Listing, Reading, Signature

MOST_SHOWN = 50


@dataclass(frozen=True)
class ToSign:
    """A listing whose present text has no signature of the wanted version."""

    listing_id: int
    reading_id: int
    title: str
    description: str


@dataclass(frozen=True)
class SignedRow:
    """The signature of a listing's text; empty when the text says too little."""

    listing_id: int
    reading_id: int
    hashes: bytes


@dataclass(frozen=True)
class CopyCounts:
    """signed: listings looked at. linked: Likeness rows that were not there before."""

    signed: int = 0
    linked: int = 0


@dataclass(frozen=True)
class NearCopy:
    """A near copy as shown: the other listing (site and seller loaded) and what ties the two."""

    listing: Listing
    similarity: float
    kind: str
    first_seen: datetime


# --- what waits ---


def find_unsigned(
    session: Session, *, version: str, limit: int, site_id: int | None = None, after: int = 0
) -> list[ToSign]:
    """The next listings, by id from `after` on, whose present reading has no signature of that version."""
    statement = (
        _unsigned(version, site_id)
        .add_columns(Reading.id, Reading.title, Reading.description)
        .join(Reading, Reading.id == Listing.reading_id)
        .where(Listing.id > after)
        .order_by(Listing.id)
        .limit(limit)
    )
    return [ToSign(*row) for row in session.execute(statement)]


def count_unsigned(session: Session, *, version: str, site_id: int | None = None) -> int:
    """How many find_unsigned would give without a limit."""
    return session.scalar(select(func.count()).select_from(_unsigned(version, site_id).subquery())) or 0


def _unsigned(version: str, site_id: int | None) -> Select[Any]:
    statement: Select[Any] = (
        select(Listing.id)
        .outerjoin(Signature, Signature.listing_id == Listing.id)
        .where(
            or_(
                Signature.listing_id.is_(None),
                Signature.version != version,
                Signature.reading_id != Listing.reading_id,
            )
        )
    )
    return statement if site_id is None else statement.where(Listing.site_id == site_id)


# --- keeping ---


def store_signatures(engine: Engine, rows: Sequence[SignedRow], *, version: str, now: datetime) -> CopyCounts:
    """Keep the signatures of a batch and tie each listing to its near copies, in one transaction.

    What a listing was tied to by an earlier text goes. A listing that has meanwhile another reading is left for the
    next round.
    """
    linked = 0
    with transaction(engine) as session:
        # The lock of store_readings, which may take a listing away (storage.absorbing).
        lock(session, "reading")
        owners = _find_owners(session, [row.listing_id for row in rows])
        rows = [
            row for row in rows if row.listing_id in owners and owners[row.listing_id][2] == row.reading_id
        ]
        _forget(session, [row.listing_id for row in rows])
        connection = session.connection()
        for row in rows:
            near = find_near(connection, row.hashes, version=version, leave=row.listing_id)
            _keep(connection, row, version)
            found = {each.listing_id: each.similarity for each in near}
            owners |= _find_owners(session, [each for each in found if each not in owners])
            linked += _link(connection, row, found, owners, version, now)
    return CopyCounts(len(rows), linked)


_Owner = tuple[int, int | None, int]
"""(site, seller, present reading)"""


def _find_owners(session: Session, ids: Sequence[int]) -> dict[int, _Owner]:
    if not ids:
        return {}
    rows = session.execute(
        select(Listing.id, Listing.site_id, Listing.seller_id, Listing.reading_id).where(Listing.id.in_(ids))
    )
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


def _forget(session: Session, ids: Sequence[int]) -> None:
    """Take the bands and signatures of these listings out. Bands are found by what made them, not by their listing."""
    old = session.execute(
        select(Signature.listing_id, Signature.version, Signature.hashes).where(Signature.listing_id.in_(ids))
    ).all()
    keys = [(band, row[0]) for row in old for band in bands_of(row[2], row[1])]
    for begin in range(0, len(keys), 400):
        session.execute(delete(Band).where(tuple_(Band.hash, Band.listing_id).in_(keys[begin : begin + 400])))
    session.execute(delete(Signature).where(Signature.listing_id.in_([row[0] for row in old])))


def _keep(connection: Connection, row: SignedRow, version: str) -> None:
    values = {
        "listing_id": row.listing_id,
        "reading_id": row.reading_id,
        "version": version,
        "hashes": row.hashes,
    }
    connection.execute(insert(Signature), values)
    if bands := sorted(set(bands_of(row.hashes, version))):
        connection.execute(insert(Band), [{"hash": band, "listing_id": row.listing_id} for band in bands])


def _link(
    connection: Connection,
    row: SignedRow,
    found: dict[int, float],
    owners: dict[int, _Owner],
    version: str,
    now: datetime,
) -> int:
    """Make the ties of one listing those of its present text; how many are new.

    A tie to a listing whose own signature is not of this version yet is left until that one is looked at.
    """
    here = owners[row.listing_id]
    known = set()
    for likeness_id, other_id, hashes, signed_by in connection.execute(_ties_of(row.listing_id)):
        known.add(other_id)
        if signed_by != version:
            continue
        similarity = compare(row.hashes, [hashes])[0]
        if similarity < THRESHOLD:
            connection.execute(delete(Likeness).where(Likeness.id == likeness_id))
            continue
        values: dict[str, Any] = {"similarity": similarity, "version": version, "last_seen": now}
        if other_id in owners:
            values["kind"] = _say_kind(here, owners[other_id])
        connection.execute(update(Likeness).where(Likeness.id == likeness_id).values(values))
    new = [
        {
            "a_id": min(row.listing_id, other),
            "b_id": max(row.listing_id, other),
            "similarity": similarity,
            "kind": _say_kind(here, owners[other]),
            "version": version,
            "first_seen": now,
            "last_seen": now,
        }
        for other, similarity in found.items()
        if other not in known and other in owners
    ]
    if new:
        connection.execute(insert(Likeness), new)
    return len(new)


def _ties_of(listing_id: int) -> Select[Any]:
    """(tie, the other listing, its signature and that one's version)"""
    other = case((Likeness.a_id == listing_id, Likeness.b_id), else_=Likeness.a_id)
    return (
        select(Likeness.id, other, Signature.hashes, Signature.version)
        .outerjoin(Signature, Signature.listing_id == other)
        .where(or_(Likeness.a_id == listing_id, Likeness.b_id == listing_id))
    )


def _say_kind(one: _Owner, other: _Owner) -> str:
    if one[0] != other[0]:
        return "other_site"
    return "same_seller" if one[1] is not None and one[1] == other[1] else "other_seller"


# --- asking ---


def find_copies(session: Session, listing_id: int, *, limit: int = MOST_SHOWN) -> list[NearCopy]:
    """The near copies of a listing, the likest first, then the longest known."""
    other = case((Likeness.a_id == listing_id, Likeness.b_id), else_=Likeness.a_id)
    rows = session.execute(
        select(Listing, Likeness)
        .join(Likeness, Listing.id == other)
        .where(or_(Likeness.a_id == listing_id, Likeness.b_id == listing_id))
        .options(joinedload(Listing.site), joinedload(Listing.seller))
        .order_by(Likeness.similarity.desc(), Listing.first_seen, Listing.id)
        .limit(limit)
    )
    return [NearCopy(row[0], row[1].similarity, row[1].kind, row[1].first_seen) for row in rows]


def count_copies(session: Session, listing_id: int) -> int:
    """How many near copies a listing is tied to."""
    return (
        session.scalar(
            select(func.count())
            .select_from(Likeness)
            .where(or_(Likeness.a_id == listing_id, Likeness.b_id == listing_id))
        )
        or 0
    )
