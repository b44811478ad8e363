"""The tables: every row that Tuskwatch keeps, and which of them never change.

Public names: one class a table (Site, Address, SiteSession from sitetables.py; User, Login from peopletables.py;
Signature, Band, Likeness, Feedback, SellerLink, Rate, Archive, ArchiveRecord from readtables.py; Schedule, Worker,
Notice, Hold, Tombstone from worktables.py; Blob, Page, Frontier, Run, Reading, ReadingPage, Listing, Sighting, Seller,
Contact, Score, Verdict, Issue, Audit, Report), GROUPS, APPEND_ONLY.

Their base is in base.py, column types in types.py. Append-only, and kept so by the database itself (triggers in the
migrations): page (save its `kind`), blob, reading, score, verdict, audit, report, tombstone; rows of these, reports
apart, may be deleted once they have a tombstone (retention). Everything else is a view on them that may be made again.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from storage.base import Base
from storage.peopletables import Login, User
from storage.readtables import (
    Archive,
    ArchiveRecord,
    Band,
    Feedback,
    Likeness,
    Rate,
    SellerLink,
    Signature,
)
from storage.sitetables import Address, Site, SiteSession
from storage.types import ForeignText
from storage.worktables import Hold, Notice, Schedule, Tombstone, Worker

__all__ = [
    "GROUPS", "APPEND_ONLY", "Address", "Archive", "ArchiveRecord", "Audit", "Band", "Blob", "Contact", "Feedback", "Frontier",
    "Hold", "Issue", "Likeness", "Listing", "Login", "Notice", "Page", "Rate", "Reading", "ReadingPage", "Report", "Run",
    "Schedule", "Score", "Seller", "SellerLink", "Sighting", "Signature", "Site", "SiteSession", "Tombstone", "User", "Verdict",
    "Worker",
]  # fmt: skip

GROUPS = ("ivory", "rhino_horn", "tiger")
"""The species groups in the order of every table, screen and report."""

APPEND_ONLY = ("audit", "blob", "page", "reading", "report", "score", "tombstone", "verdict")
"""Tables whose rows the database itself refuses to change or delete (page.kind may be set once)."""


class Run(Base):
    """One piece of work with one life. verb: crawl, import, extract, classify, report, retention, backup.

    state: queued, waiting, running, paused, done, failed, cancelled, lost. `wish` (pause, resume, slow, cancel) is what a
    person asked for and the crawl polls. A sweep is one pass over a site: the first run's id; a run that takes over an
    unfinished sweep carries the same sweep_id and so the same frontier.
    """

    __tablename__ = "run"
    __table_args__ = (Index(None, "site_id", "state"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    verb: Mapped[str] = mapped_column(String(16))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"), index=True)
    sweep_id: Mapped[int | None] = mapped_column(Integer, index=True)
    state: Mapped[str] = mapped_column(String(16), default="queued", index=True)
    wish: Mapped[str | None] = mapped_column(String(16))
    retry_of: Mapped[int | None] = mapped_column(Integer, index=True)
    """The run that this one repeats or goes on with."""
    schedule: Mapped[str] = mapped_column(String(60), default="")
    due_at: Mapped[datetime | None]
    """When it was to begin; it is late when that is past and no worker has it."""
    priority: Mapped[int] = mapped_column(default=0)
    """Higher first among the queued."""
    fence: Mapped[int | None]
    """The site's token at its start: pages are stored only while the site still has it."""
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    """How far a run of another verb than crawl is."""
    by: Mapped[str] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(ForeignText(), default="")
    """Why it ran: "by hand", "schedule NAME", ..."""
    message: Mapped[str] = mapped_column(ForeignText(), default="")
    """How it ended or what it waits for, in words."""
    plan: Mapped[str] = mapped_column(String(16), default="full")
    """full: the whole site; known: the ads known before, and what is new on the pages of interest."""
    waits_for: Mapped[str] = mapped_column(String(16), default="")
    """While "waiting": tor, or person (no worker holds it then; `tuskwatch session open` sends it on)."""
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    coverage: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What the site itself says it has, beside what was seen: {category path: {"says": n, "seen": n}}."""
    proof: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What the canary checked, when, by which Tor: see docs/evidence.md."""
    worker: Mapped[str | None] = mapped_column(String(200))
    pid: Mapped[int | None]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    pages: Mapped[int] = mapped_column(default=0)
    listings: Mapped[int] = mapped_column(default=0)
    issues: Mapped[int] = mapped_column(default=0)
    site: Mapped[Site | None] = relationship()


class Blob(Base):
    """A body, named by the SHA-256 of the bytes as received; kept compressed. Append-only."""

    __tablename__ = "blob"
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    size: Mapped[int]
    """Bytes as received, before compression by us."""
    encoding: Mapped[str] = mapped_column(String(16))
    data: Mapped[bytes]
    created_at: Mapped[datetime]


class Page(Base):
    """One stored response: the request as sent and the response as received. Evidence: append-only.

    Only `kind` is filled in later, once, by the crawl that judges the page. `body_sha256` names the body as received
    (still in its Content-Encoding); null when none was kept (deny list, wrong type, error), and `note` says why.
    `attempt` counts the fetches of one frontier row, so that no fetch is stored twice.
    """

    __tablename__ = "page"
    __table_args__ = (
        UniqueConstraint("frontier_id", "attempt", "hop"),
        Index(None, "site_id", "kind"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), index=True)
    frontier_id: Mapped[int | None] = mapped_column(ForeignKey("frontier.id"))
    attempt: Mapped[int] = mapped_column(default=1)
    hop: Mapped[int] = mapped_column(default=0)
    """0 for the request itself, 1.. for the redirects that followed it."""
    url: Mapped[str] = mapped_column(ForeignText())
    method: Mapped[str] = mapped_column(String(8))
    request_headers: Mapped[list[Any]]
    """[[name, value], ...] in the order sent."""
    requested_at: Mapped[datetime]
    status: Mapped[int | None]
    reason: Mapped[str] = mapped_column(ForeignText(), default="")
    response_headers: Mapped[list[Any]]
    """[[name, value], ...] in the order received."""
    received_at: Mapped[datetime]
    body_sha256: Mapped[str | None] = mapped_column(ForeignKey("blob.sha256"), index=True)
    body_size: Mapped[int] = mapped_column(default=0)
    content_type: Mapped[str] = mapped_column(ForeignText(200), default="")
    content_encoding: Mapped[str] = mapped_column(ForeignText(100), default="")
    circuit_token: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the SOCKS isolation credentials: says which pages shared a circuit, gives none of it away."""
    error: Mapped[str] = mapped_column(ForeignText(), default="")
    note: Mapped[str] = mapped_column(ForeignText(), default="")
    kind: Mapped[str | None] = mapped_column(String(16))


class Frontier(Base):
    """What a sweep still has to fetch.

    state: new, leased, fetched (its page is stored), done (its links are stored), failed (attempts used up),
    refused (a rule forbids it).
    """

    __tablename__ = "frontier"
    __table_args__ = (
        UniqueConstraint("site_id", "sweep_id", "url_key"),
        Index(None, "sweep_id", "state", "priority", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    sweep_id: Mapped[int]
    url: Mapped[str] = mapped_column(ForeignText())
    url_key: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the normalised address without its host, so that mirrors share it."""
    shape: Mapped[str] = mapped_column(ForeignText(200), default="")
    """The address with its numbers and words taken out: pages of one template, or a trap, share it."""
    depth: Mapped[int] = mapped_column(default=0)
    priority: Mapped[int] = mapped_column(default=0)
    """Higher first."""
    state: Mapped[str] = mapped_column(String(16), default="new")
    attempts: Mapped[int] = mapped_column(default=0)
    """How often it was leased; numbers the fetches."""
    failures: Mapped[int] = mapped_column(default=0)
    """How often a fetch failed; a lease lost in a crash is no failure."""
    leased_by: Mapped[int | None]
    lease_until: Mapped[datetime | None]
    not_before: Mapped[datetime | None]
    found_on: Mapped[int | None]
    """The page whose link it was."""
    error: Mapped[str] = mapped_column(ForeignText(), default="")
    created_at: Mapped[datetime]


class Seller(Base):
    __tablename__ = "seller"
    __table_args__ = (UniqueConstraint("site_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    name: Mapped[str] = mapped_column(ForeignText(300))
    first_seen: Mapped[datetime]
    last_seen: Mapped[datetime]


class Reading(Base):
    """What one reader version made of one listing's page or pages. Append-only: an opinion, never corrected in place.

    fields: {name: {"value": ..., "raw": "...", "where": "...", "sure": 0..1}}. Names: title, description, seller,
    category (list), price_amount (text of a Decimal), price_currency, price_text, quantity, ships_from, ships_to (list),
    posted (ISO date), payment, sold, stock, language, and for threads replies (list).
    """

    __tablename__ = "reading"
    __table_args__ = (UniqueConstraint("page_id", "reader_version", "pages_sha256"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    page_id: Mapped[int] = mapped_column(ForeignKey("page.id"), index=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)
    reader_version: Mapped[str] = mapped_column(String(40))
    pages_sha256: Mapped[str] = mapped_column(String(64))
    """Hash of the ids of all pages read together (tabs on separate addresses)."""
    kind: Mapped[str] = mapped_column(String(16))
    confidence: Mapped[float]
    title: Mapped[str] = mapped_column(ForeignText(), default="")
    description: Mapped[str] = mapped_column(ForeignText(), default="")
    fields: Mapped[dict[str, Any]]
    leftovers: Mapped[list[Any]]
    seen_at: Mapped[datetime]
    """When its main page was received."""
    content_sha256: Mapped[str] = mapped_column(String(64), index=True)
    """Hash of the normalised title, description and seller: the same content has the same hash."""
    created_at: Mapped[datetime]


class ReadingPage(Base):
    """All pages that one reading was made from."""

    __tablename__ = "reading_page"
    reading_id: Mapped[int] = mapped_column(ForeignKey("reading.id"), primary_key=True)
    page_id: Mapped[int] = mapped_column(ForeignKey("page.id"), primary_key=True, index=True)


class Listing(Base):
    """An ad, as known over time. A view on its sightings: may be made again from the readings."""

    __tablename__ = "listing"
    __table_args__ = (UniqueConstraint("site_id", "key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    key: Mapped[str] = mapped_column(ForeignText(300))
    """What the site itself calls it (from its address)."""
    source: Mapped[str] = mapped_column(String(16))
    """The kind of page it was read from: listing or thread."""
    url: Mapped[str] = mapped_column(ForeignText())
    seller_id: Mapped[int | None] = mapped_column(ForeignKey("seller.id"), index=True)
    reading_id: Mapped[int] = mapped_column(ForeignKey("reading.id"), index=True)
    """The latest reading that differs from the one before (reader, title, description or fields)."""
    title: Mapped[str] = mapped_column(ForeignText(), default="")
    category: Mapped[str] = mapped_column(ForeignText(), default="")
    price_amount: Mapped[Decimal | None]
    price_currency: Mapped[str] = mapped_column(ForeignText(8), default="")
    ships_from: Mapped[str] = mapped_column(ForeignText(200), default="")
    ships_to: Mapped[str] = mapped_column(ForeignText(), default="")
    posted_at: Mapped[datetime | None] = mapped_column(index=True)
    content_sha256: Mapped[str] = mapped_column(String(64), index=True)
    first_seen: Mapped[datetime] = mapped_column(index=True)
    last_seen: Mapped[datetime]
    site: Mapped[Site] = relationship()
    seller: Mapped[Seller | None] = relationship()
    reading: Mapped[Reading] = relationship()


class Sighting(Base):
    """One observation of a listing in one run."""

    __tablename__ = "sighting"
    __table_args__ = (UniqueConstraint("listing_id", "run_id", "reading_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), index=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), index=True)
    page_id: Mapped[int] = mapped_column(ForeignKey("page.id"), index=True)
    reading_id: Mapped[int] = mapped_column(ForeignKey("reading.id"), index=True)
    key: Mapped[str] = mapped_column(ForeignText(300))
    """The site's own key of this copy; differs from the listing's when the same content stood at another address."""
    seen_at: Mapped[datetime]


class Contact(Base):
    """A wallet, key or handle found in a reading. valid: its checksum was right; false means "looks like"."""

    __tablename__ = "contact"
    __table_args__ = (UniqueConstraint("reading_id", "kind", "value"), Index(None, "kind", "value"))
    id: Mapped[int] = mapped_column(primary_key=True)
    reading_id: Mapped[int] = mapped_column(ForeignKey("reading.id"))
    seller_id: Mapped[int | None] = mapped_column(ForeignKey("seller.id"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    value: Mapped[str] = mapped_column(ForeignText(500))
    valid: Mapped[bool] = mapped_column(Boolean)


class Score(Base):
    """What one model made of one reading. Append-only.

    reasons: {group: [{"text": ..., "start": n, "end": n, "part": "title"|"description", "weight": x, "family": ...}]}:
    places in the reading's own text. thresholds: what each group was held against. flagged: any group reached it."""

    __tablename__ = "score"
    __table_args__ = (UniqueConstraint("reading_id", "model_version"), Index(None, "flagged"))
    id: Mapped[int] = mapped_column(primary_key=True)
    reading_id: Mapped[int] = mapped_column(ForeignKey("reading.id"))
    model_version: Mapped[str] = mapped_column(String(64))
    ivory: Mapped[float]
    rhino_horn: Mapped[float]
    tiger: Mapped[float]
    thresholds: Mapped[dict[str, Any]]
    flagged: Mapped[bool]
    reasons: Mapped[dict[str, Any]]
    zone: Mapped[str] = mapped_column(String(5), default="")
    """"flag", "look" (worth a person's look, below the thresholds) or "pass"; empty in scores of early models."""
    kind: Mapped[str] = mapped_column(String(20), default="")
    """Likeliest kind of post, as in classifier.ads.KINDS; empty where the first stage passed over the text."""
    created_at: Mapped[datetime]


class Verdict(Base):
    """What a person made of one reading. Append-only; undo is one more row that names what it undoes."""

    __tablename__ = "verdict"
    id: Mapped[int] = mapped_column(primary_key=True)
    reading_id: Mapped[int] = mapped_column(ForeignKey("reading.id"), index=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    labels: Mapped[list[Any]]
    """Species groups offered, a subset of GROUPS; empty: none of them."""
    kind: Mapped[str] = mapped_column(String(20), default="")
    form: Mapped[str] = mapped_column(String(40), default="")
    note: Mapped[str] = mapped_column(ForeignText(), default="")
    queue: Mapped[str] = mapped_column(String(5), default="")  # storage.queues; "": chosen by hand
    guideline_version: Mapped[str] = mapped_column(String(20))
    undoes: Mapped[int | None] = mapped_column(ForeignKey("verdict.id"), unique=True)
    created_at: Mapped[datetime]
    user: Mapped[User] = relationship()


class Issue(Base):
    """Something a person should look at. Counted, not repeated: one row for each site, kind and message."""

    __tablename__ = "issue"
    __table_args__ = (Index(None, "site_id", "kind"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))
    run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id"), index=True)
    page_id: Mapped[int | None] = mapped_column(ForeignKey("page.id"), index=True)
    kind: Mapped[str] = mapped_column(String(40))
    level: Mapped[str] = mapped_column(String(8), default="warn")
    """warn or fail."""
    message: Mapped[str] = mapped_column(ForeignText())
    count: Mapped[int] = mapped_column(default=1)
    first_seen: Mapped[datetime]
    last_seen: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class Audit(Base):
    """Who did what, each row with the hash of the one before. Append-only."""

    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(ForeignText(100))
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(ForeignText(300))
    detail: Mapped[dict[str, Any]]
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64), unique=True)


class Report(Base):
    """A written trend report. Append-only: a new one is a new row."""

    __tablename__ = "report"
    id: Mapped[int] = mapped_column(primary_key=True)
    period_from: Mapped[datetime]
    period_to: Mapped[datetime]
    folder: Mapped[str] = mapped_column(ForeignText())
    """Relative to the data folder."""
    files: Mapped[dict[str, Any]]
    """{file name: sha256}"""
    figures: Mapped[dict[str, Any]]
    by: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime]
