"""Takes away what is past its date, a bounded batch at a time: tombstones, rows and a row of the audit log, or nothing.

Public names: Batch, Removed, RULES, weigh_pages, remove_pages, say_batch, open_for_removal, find_space.

Bodies, sellers, addresses of old sweeps and the beginning of the audit log are taken by storage.leftovers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, delete, event, or_, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from storage import audit
from storage.bands import bands_of
from storage.base import Base
from storage.engine import lock, open_engine, reading, transaction
from storage.keeping import Decision, Gone, decide
from storage.safety import Cutoffs, pieces
from storage.tables import (
    ArchiveRecord,
    Band,
    Contact,
    Feedback,
    Issue,
    Likeness,
    Listing,
    Page,
    Reading,
    ReadingPage,
    Score,
    Sighting,
    Signature,
    Verdict,
)
from storage.tombstones import ACTION, LOCK, Stone, Stones, hash_row, put_stones

RULES = ("pages", "flagged", "verdicts", "audit", "orphans")
"""What a row falls under. orphans: bodies that no page names (any more)."""
TRIES = 5
REMOVED = "removed under retention"
"""What the record of an archive says whose page is gone."""


@dataclass(frozen=True)
class Batch:
    """For whom a batch is: the retention run, who asked for it, when."""

    run_id: int
    by: str
    now: datetime


@dataclass
class Removed:
    """What went, or in a dry run would go. rows: {(rule, site, table): how many}; bytes: of bodies as kept, packed."""

    rows: Counter[tuple[str, int | None, str]] = field(default_factory=Counter)
    bytes: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None
    batches: int = 0
    kept: dict[int, str] = field(default_factory=dict)
    sites: dict[int, int] = field(default_factory=dict)
    """Of the kept pages."""

    def add(self, other: Removed) -> None:
        self.rows.update(other.rows)
        self.bytes += other.bytes
        self.batches += other.batches
        self.see(other.oldest)
        self.see(other.newest)
        self.kept |= other.kept
        self.sites |= other.sites

    def see(self, made_at: datetime | None) -> None:
        if made_at is not None:
            self.oldest = min(self.oldest or made_at, made_at)
            self.newest = max(self.newest or made_at, made_at)


class Changed(Exception):
    """Something moved while a batch waited for its locks: it is decided anew."""


def open_for_removal(url: str) -> Engine:
    """An engine whose removals leave no bytes behind in an SQLite file: what is freed is written over with zeros."""
    engine = open_engine(url)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def prepare(connection: Any, entry: Any) -> None:
            connection.execute("PRAGMA secure_delete = ON").close()

    return engine


def find_space(engine: Engine) -> str:
    """What becomes of the space that was freed, in words."""
    if engine.dialect.name != "sqlite":
        return "PostgreSQL's autovacuum makes the space free for new rows; VACUUM FULL gives it back to the disk."
    with engine.connect() as connection:
        free = connection.execute(text("PRAGMA freelist_count")).scalar() or 0
        size = connection.execute(text("PRAGMA page_size")).scalar() or 0
    return (
        f"{free * size:,} bytes are free inside the database file, overwritten with zeros; new pages take them. To give "
        "them back to the disk, stop everything and run VACUUM on it: docs/retention.md says how."
    )


def weigh_pages(session: Session, page_ids: Collection[int], *, cut: Cutoffs, gone: Gone) -> Removed:
    """The dry run of one batch; `gone` goes on to the next one."""
    decision = decide(session, [each for each in page_ids if each not in gone.pages], cut=cut, gone=gone)
    removed = _Removal(session, decision, gone=gone, hashed=False).weigh()
    gone.pages |= decision.pages.keys()
    gone.listings |= decision.listings
    gone.readings |= decision.readings
    gone.bodies |= {decision.facts[page_id].sha256 for page_id in decision.pages} - {""}
    return removed


def remove_pages(engine: Engine, page_ids: Collection[int], *, cut: Cutoffs, batch: Batch) -> Removed:
    """Take away what may go of these pages, and all that rests on it. Killed at any moment, all of it stays or all went."""
    with reading(engine) as session:
        first = decide(session, page_ids, cut=cut)
    if not first.pages and not first.listings:
        return _left(first)
    for _ in range(TRIES):
        try:
            with transaction(engine) as session:
                for name in (LOCK, "reading", "verdict", "issue"):
                    lock(session, name)
                if engine.dialect.name == "postgresql":
                    _hold_rows(session, first)
                decision = decide(session, page_ids, cut=cut)
                if engine.dialect.name == "postgresql" and not _is_within(decision, first):
                    first = decision
                    raise Changed
                removal = _Removal(session, decision, gone=Gone(), hashed=True)
                removed = removal.weigh()
                if removed.rows:
                    stones = put_stones(session, removal.stones, run_id=batch.run_id, now=batch.now)
                    removal.delete()
                    say_batch(session, removed, stones, batch)
            return removed
        except Changed:
            continue
        except IntegrityError:
            # A row that points here came in while nobody could see it yet: look again.
            with reading(engine) as session:
                first = decide(session, page_ids, cut=cut)
    return _left(first)


def say_batch(session: Session, removed: Removed, stones: Stones, batch: Batch, **more: Any) -> None:
    """The batch's row in the audit log: what went, and the hash that holds its tombstones."""
    counts: Counter[str] = Counter()
    for (_, _, table), count in removed.rows.items():
        counts[table] += count
    removed.batches = 1
    audit.record(
        session,
        actor=batch.by,
        action=ACTION,
        subject=f"run {batch.run_id}",
        detail={
            "rows": dict(counts),
            "stones": {
                "first": stones.first, "last": stones.last, "count": stones.count, "sha256": stones.sha256,
            },
            **more,
        },
        now=batch.now,
    )  # fmt: skip


def _left(decision: Decision) -> Removed:
    """Nothing went."""
    return Removed(
        kept=dict(decision.kept),
        sites={page_id: decision.facts[page_id].site_id for page_id in decision.kept},
    )


def _is_within(decision: Decision, held: Decision) -> bool:
    return (
        decision.pages.keys() <= held.pages.keys()
        and decision.listings <= held.listings
        and decision.readings <= held.readings
    )


def _hold_rows(session: Session, decision: Decision) -> None:
    """Wait for whoever is about to point at these rows, and let nobody begin to."""
    table: Any
    for table, ids in ((Listing, decision.listings), (Page, decision.pages), (Reading, decision.readings)):
        for some in pieces(ids):
            session.execute(
                select(table.id).where(table.id.in_(some)).order_by(table.id).with_for_update()
            ).all()


class _Removal:
    """One decision carried out. stones: of the rows of append-only tables, in the order in which they were made."""

    def __init__(self, session: Session, decision: Decision, *, gone: Gone, hashed: bool) -> None:
        self._session = session
        self._decision = decision
        self._gone = gone
        self._hashed = hashed
        self._removed = _left(decision)
        self.stones: list[Stone] = []

    def weigh(self) -> Removed:
        decision, removed = self._decision, self._removed
        for page_id, rule in decision.pages.items():
            facts = decision.facts[page_id]
            self._mark("page", page_id, facts.site_id, rule, facts.sha256, facts.made_at)
            removed.see(facts.made_at)
        self._weigh_readings()
        self._weigh_listings()
        gone = self._gone
        for sighting in self._find(Sighting, self._sightings()):
            if (
                sighting.page_id not in gone.pages
                and sighting.listing_id not in gone.listings
                and sighting.reading_id not in gone.readings
            ):
                rule = decision.pages.get(sighting.page_id, "pages")
                removed.rows[rule, decision.facts[sighting.page_id].site_id, "sighting"] += 1
        for rating in self._find(Feedback, [(Feedback.page_id, decision.pages)]):
            removed.rows[decision.pages[rating.page_id], rating.site_id, "feedback"] += 1
        return removed

    def _mark(
        self, table: str, key: int, site_id: int | None, rule: str, sha256: str, made_at: datetime
    ) -> None:
        self.stones.append(Stone(table, str(key), site_id, rule, sha256, made_at))
        self._removed.rows[rule, site_id, table] += 1

    def _weigh_readings(self) -> None:
        sites: dict[int, tuple[int, str]] = {}
        for row in self._find(Reading, [(Reading.id, self._decision.readings)]):
            rule = self._decision.pages[row.page_id]
            sites[row.id] = (row.site_id, rule)
            self._mark("reading", row.id, row.site_id, rule, self._hash(row), row.created_at)
        for row in self._find(Score, [(Score.reading_id, self._decision.readings)]):
            site_id, rule = sites[row.reading_id]
            self._mark("score", row.id, site_id, rule, self._hash(row), row.created_at)
        for row in self._find(Contact, [(Contact.reading_id, self._decision.readings)]):
            site_id, rule = sites[row.reading_id]
            self._removed.rows[rule, site_id, "contact"] += 1

    def _weigh_listings(self) -> None:
        sites: dict[int, int] = {}
        for row in self._find(Listing, [(Listing.id, self._decision.listings)]):
            sites[row.id] = row.site_id
            self._removed.rows["pages", row.site_id, "listing"] += 1
        for row in self._find(Verdict, [(Verdict.listing_id, self._decision.listings)]):
            self._mark("verdict", row.id, sites[row.listing_id], "verdicts", self._hash(row), row.created_at)

    def _hash(self, row: Base) -> str:
        return hash_row(row) if self._hashed else ""

    def _find(self, table: Any, places: Iterable[tuple[Any, Collection[int]]]) -> list[Any]:
        """The rows with one of the ids in one of the columns, each once, by number."""
        found: dict[int, Any] = {}
        for column, ids in places:
            for some in pieces(ids):
                for row in self._session.scalars(select(table).where(column.in_(some))):
                    found[row.id] = row
        return [found[number] for number in sorted(found)]

    def _sightings(self) -> list[tuple[Any, Collection[int]]]:
        return [
            (Sighting.page_id, self._decision.pages),
            (Sighting.listing_id, self._decision.listings),
            (Sighting.reading_id, self._decision.readings),
        ]

    def delete(self) -> None:
        """Those that point first, those pointed at last."""
        pages, listings, readings = self._decision.pages, self._decision.listings, self._decision.readings
        self._session.expunge_all()
        for column, ids in self._sightings():
            self._delete(Sighting, column, ids)
        self._delete(Feedback, Feedback.page_id, pages)
        self._update(Feedback, Feedback.listing_id, listings, {"listing_id": None})
        self._delete(Contact, Contact.reading_id, readings)
        self._forget_copies()
        self._delete_verdicts()
        self._delete(Score, Score.reading_id, readings)
        self._delete(Listing, Listing.id, listings)
        self._delete(ReadingPage, ReadingPage.reading_id, readings)
        self._delete(Reading, Reading.id, readings)
        self._update(Issue, Issue.page_id, pages, {"page_id": None})
        self._update(ArchiveRecord, ArchiveRecord.page_id, pages, {"page_id": None, "message": REMOVED})
        self._delete(Page, Page.id, pages)

    def _forget_copies(self) -> None:
        """Signatures and ties of listings that go; a signature of an old text of one that stays is made again."""
        listings = self._decision.listings
        for column, ids in (
            (Signature.listing_id, listings),
            (Signature.reading_id, self._decision.readings),
        ):
            for some in pieces(ids):
                rows = self._session.execute(
                    select(Signature.listing_id, Signature.hashes, Signature.version).where(column.in_(some))
                ).all()
                for listing_id, hashes, version in rows:
                    bands = bands_of(hashes, version)
                    self._session.execute(
                        delete(Band).where(Band.hash.in_(bands), Band.listing_id == listing_id)
                    )
                self._session.execute(delete(Signature).where(column.in_(some)))
        for some in pieces(listings):
            self._session.execute(
                delete(Likeness).where(or_(Likeness.a_id.in_(some), Likeness.b_id.in_(some)))
            )

    def _delete_verdicts(self) -> None:
        """An undo goes before what it undoes."""
        for some in pieces(self._decision.listings):
            self._session.execute(
                delete(Verdict).where(Verdict.listing_id.in_(some), Verdict.undoes.is_not(None))
            )
            self._session.execute(delete(Verdict).where(Verdict.listing_id.in_(some)))

    def _delete(self, table: Any, column: Any, ids: Collection[int]) -> None:
        for some in pieces(ids):
            self._session.execute(
                delete(table).where(column.in_(some)).execution_options(synchronize_session=False)
            )

    def _update(self, table: Any, column: Any, ids: Collection[int], values: dict[str, Any]) -> None:
        for some in pieces(ids):
            self._session.execute(
                update(table)
                .where(column.in_(some))
                .values(values)
                .execution_options(synchronize_session=False)
            )
