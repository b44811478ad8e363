"""What is left when old pages are gone: bodies, sellers and addresses that nothing names, the beginning of the audit log.

Public names: GRACE, find_orphans, find_freed, weigh_bodies, remove_bodies, find_bare_sellers, weigh_sellers,
remove_sellers, find_done_addresses, weigh_addresses, remove_addresses, count_old_entries, weigh_entries, remove_entries.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Engine, delete, exists, func, or_, select
from sqlalchemy.orm import Session

from storage.engine import lock, transaction
from storage.keeping import Gone
from storage.retention import Batch, Removed, say_batch
from storage.safety import Cutoffs, find_open_sweeps, pieces, read_ground
from storage.tables import (
    Audit,
    Blob,
    Contact,
    Feedback,
    Frontier,
    Listing,
    Page,
    Reading,
    Seller,
    SellerLink,
    Tombstone,
)
from storage.tombstones import LOCK, Stone, Stones, digest_stones, put_stones

GRACE = timedelta(days=1)
"""A body younger than this stays without a page: the page may be about to come."""
NONE = Stones(0, 0, 0, "")


# --- bodies ---


def find_orphans(session: Session, *, after: str, limit: int) -> list[str]:
    """The next bodies that no page names, by hash."""
    statement = (
        select(Blob.sha256)
        .where(Blob.sha256 > after, ~exists().where(Page.body_sha256 == Blob.sha256))
        .order_by(Blob.sha256)
        .limit(limit)
    )
    return list(session.scalars(statement))


def find_freed(session: Session, gone: Gone) -> set[str]:
    """The bodies that only pages named which are taken away in thought."""
    freed = set(gone.bodies)
    for some in pieces(gone.bodies):
        rows = session.execute(select(Page.body_sha256, Page.id).where(Page.body_sha256.in_(some)))
        freed -= {sha256 for sha256, page_id in rows if page_id not in gone.pages}
    return freed


def weigh_bodies(session: Session, sha256s: Collection[str], *, now: datetime) -> Removed:
    """How many of these bodies would go, and the bytes that they take here."""
    removed = Removed()
    for some in pieces(sha256s):
        for _, _, size in _find_bodies(session, some, now):
            removed.rows["orphans", None, "blob"] += 1
            removed.bytes += size
    return removed


def remove_bodies(engine: Engine, sha256s: Sequence[str], *, batch: Batch) -> Removed:
    """Take away those of the bodies that no page names. One that a page is about to name stays.

    On PostgreSQL a store of a page holds the row of its body from when it found it (storage.blobs): such a row is passed
    over here, and a store that comes later waits for us and then puts the body in anew.
    """
    with transaction(engine) as session:
        lock(session, LOCK)
        if engine.dialect.name == "postgresql":
            held = select(Blob.sha256).where(Blob.sha256.in_(sha256s)).with_for_update(skip_locked=True)
            sha256s = list(session.scalars(held))
        # A new statement sees what was stored until the rows were ours.
        free = set(session.scalars(select(Page.body_sha256).where(Page.body_sha256.in_(sha256s))))
        bodies = _find_bodies(session, set(sha256s) - free, batch.now)
        if not bodies:
            return Removed()
        removed = Removed(bytes=sum(size for _, _, size in bodies))
        removed.rows["orphans", None, "blob"] = len(bodies)
        stones = put_stones(
            session,
            [Stone("blob", sha256, None, "orphans", sha256, made_at) for sha256, made_at, _ in bodies],
            run_id=batch.run_id,
            now=batch.now,
        )
        keys = [sha256 for sha256, _, _ in bodies]
        session.execute(delete(Blob).where(Blob.sha256.in_(keys)))
        new = set(
            session.scalars(
                select(Tombstone.row_key).where(Tombstone.id >= stones.first, Tombstone.id <= stones.last)
            )
        )
        again = sorted(set(keys) - new) if stones.count else sorted(keys)
        say_batch(session, removed, stones, batch, **({"again": again} if again else {}))
        return removed


def _find_bodies(
    session: Session, sha256s: Collection[str], now: datetime
) -> list[tuple[str, datetime, int]]:
    rows = session.execute(
        select(Blob.sha256, Blob.created_at, func.length(Blob.data))
        .where(Blob.sha256.in_(sha256s), Blob.created_at < now - GRACE)
        .order_by(Blob.sha256)
    )
    return [(row[0], row[1], int(row[2])) for row in rows]


# --- sellers ---


def find_bare_sellers(
    session: Session, *, cut: Cutoffs, after: int, limit: int, gone: Gone | None = None
) -> tuple[list[int], int]:
    """(sellers that nothing names any more, the last number looked at; 0 at the end).

    One that a person tied to another or refused to, and one on hold, stays.
    """
    if cut.pages is None:
        return [], 0
    gone = gone or Gone()
    ground = read_ground(session, cut)
    newest = session.scalar(select(func.max(Seller.id))) or 0
    statement = (
        select(Seller.id, Seller.site_id)
        .where(Seller.id > after, Seller.last_seen < cut.pages)
        .order_by(Seller.id)
        .limit(limit)
    )
    rows = session.execute(statement).all()
    ids = {
        seller_id
        for seller_id, site_id in rows
        if site_id not in ground.held_sites and seller_id not in ground.held_sellers and seller_id != newest
    }
    for some in pieces(ids):
        ids -= {
            seller_id
            for seller_id, listing_id in session.execute(
                select(Listing.seller_id, Listing.id).where(Listing.seller_id.in_(some))
            )
            if listing_id not in gone.listings
        }
        ids -= {
            seller_id
            for seller_id, page_id in session.execute(
                select(Feedback.seller_id, Feedback.page_id).where(Feedback.seller_id.in_(some))
            )
            if page_id not in gone.pages
        }
        ids -= {
            seller_id
            for seller_id, page_id in session.execute(
                select(Contact.seller_id, Reading.page_id)
                .join(Reading, Reading.id == Contact.reading_id)
                .where(Contact.seller_id.in_(some))
            )
            if page_id not in gone.pages
        }
        for one in (SellerLink.a_id, SellerLink.b_id):
            ids -= set(session.scalars(select(one).where(one.in_(some), SellerLink.state != "proposed")))
    return sorted(ids), rows[-1].id if rows else 0


def weigh_sellers(session: Session, ids: Collection[int]) -> Removed:
    removed = Removed()
    for some in pieces(ids):
        rows = session.execute(
            select(Seller.site_id, func.count()).where(Seller.id.in_(some)).group_by(Seller.site_id)
        )
        removed.rows.update({("pages", site_id, "seller"): count for site_id, count in rows})
    return removed


def remove_sellers(
    engine: Engine, *, cut: Cutoffs, after: int, limit: int, batch: Batch
) -> tuple[Removed, int]:
    """One batch of sellers, with what only the machine proposed about them."""
    with transaction(engine) as session:
        for name in (LOCK, "reading", "seller_link"):
            lock(session, name)
        ids, last = find_bare_sellers(session, cut=cut, after=after, limit=limit)
        removed = weigh_sellers(session, ids)
        if ids:
            for some in pieces(ids):
                session.execute(
                    delete(SellerLink).where(or_(SellerLink.a_id.in_(some), SellerLink.b_id.in_(some)))
                )
                session.execute(delete(Seller).where(Seller.id.in_(some)))
            say_batch(session, removed, NONE, batch)
        return removed, last


# --- addresses of sweeps that are over ---


def find_done_addresses(
    session: Session, *, cut: Cutoffs, after: int, limit: int, gone: Gone | None = None
) -> tuple[dict[int, int], int]:
    """({address of a sweep that is over, without a page: its site}, the last number looked at; 0 at the end)."""
    if cut.pages is None:
        return {}, 0
    ground, open_sweeps = read_ground(session, cut), find_open_sweeps(session)
    rows = session.execute(
        select(Frontier.id, Frontier.site_id, Frontier.sweep_id)
        .where(Frontier.id > after, Frontier.created_at < cut.pages)
        .order_by(Frontier.id)
        .limit(limit)
    ).all()
    found = {
        row.id: row.site_id
        for row in rows
        if row.sweep_id not in open_sweeps and row.site_id not in ground.held_sites
    }
    pages = gone.pages if gone is not None else frozenset()
    for some in pieces(found):
        for frontier_id, page_id in session.execute(
            select(Page.frontier_id, Page.id).where(Page.frontier_id.in_(some))
        ):
            if page_id not in pages:
                found.pop(frontier_id, None)
    return found, rows[-1].id if rows else 0


def weigh_addresses(found: dict[int, int]) -> Removed:
    removed = Removed()
    for site_id in found.values():
        removed.rows["pages", site_id, "frontier"] += 1
    return removed


def remove_addresses(
    engine: Engine, *, cut: Cutoffs, after: int, limit: int, batch: Batch
) -> tuple[Removed, int]:
    with transaction(engine) as session:
        lock(session, LOCK)
        found, last = find_done_addresses(session, cut=cut, after=after, limit=limit)
        removed = weigh_addresses(found)
        if found:
            for some in pieces(found):
                session.execute(delete(Frontier).where(Frontier.id.in_(some)))
            say_batch(session, removed, NONE, batch)
        return removed, last


# --- the audit log ---


def count_old_entries(session: Session, *, cut: Cutoffs) -> int:
    """How many rows at the beginning of the log are past their date; the newest row never is."""
    if cut.audit is None:
        return 0
    end = session.scalar(select(func.min(Audit.id)).where(Audit.at >= cut.audit))
    end = end if end is not None else session.scalar(select(func.max(Audit.id))) or 0
    return session.scalar(select(func.count()).where(Audit.id < end)) or 0


def weigh_entries(session: Session, *, cut: Cutoffs) -> Removed:
    removed, count = Removed(), count_old_entries(session, cut=cut)
    if count:
        removed.rows["audit", None, "audit"] = count
        removed.see(session.scalar(select(Audit.at).order_by(Audit.id).limit(1)))
        removed.see(session.scalar(select(Audit.at).order_by(Audit.id).offset(count - 1).limit(1)))
    return removed


def remove_entries(engine: Engine, *, cut: Cutoffs, limit: int, batch: Batch) -> Removed:
    """Cut up to `limit` rows off the beginning of the log. The row that says so names the hash of the last one cut: there
    the rest of the chain is anchored."""
    removed = Removed()
    with transaction(engine) as session:
        for name in (LOCK, "audit"):
            lock(session, name)
        count = min(limit, count_old_entries(session, cut=cut))
        entries = list(session.scalars(select(Audit).order_by(Audit.id).limit(count)))
        if not entries:
            return removed
        stones = put_stones(
            session,
            [Stone("audit", str(entry.id), None, "audit", entry.hash, entry.at) for entry in entries],
            run_id=batch.run_id,
            now=batch.now,
        )
        upto = max(_stones_named(entry) for entry in entries)
        more = {}
        if upto:
            # The rows that held these tombstones go: the new one holds them all.
            number, sha256 = digest_stones(session, first=1, last=upto)
            more["earlier"] = {"first": 1, "last": upto, "count": number, "sha256": sha256}
        last = entries[-1]
        cut_at = {"last": last.id, "hash": last.hash, "rows": len(entries)}
        removed.rows["audit", None, "audit"] = len(entries)
        removed.see(entries[0].at)
        removed.see(last.at)
        last_id = last.id
        session.expunge_all()
        session.execute(delete(Audit).where(Audit.id <= last_id))
        say_batch(session, removed, stones, batch, cut=cut_at, **more)
    return removed


def _stones_named(entry: Audit) -> int:
    kept = (entry.detail.get(name) for name in ("stones", "earlier"))
    return max((int(each.get("last") or 0) for each in kept if isinstance(each, dict)), default=0)
