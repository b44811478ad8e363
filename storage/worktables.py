"""The tables of planned work: schedules, the workers that do it, notices to people, and what was taken away or is on hold.

Public names: Schedule, Worker, Notice, Hold, Tombstone. Imported by tables.py, which has all the others.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from storage.base import Base
from storage.sitetables import Site
from storage.types import ForeignText


class Schedule(Base):
    """Work asked for by the clock: when, what, and what to do when that cannot be. One row a schedule, by its name.

    next_at is the coming nominal time; due_at the moment at which it is fired (nominal time, jitter and blackout hours).
    Both are null while it is paused. A run is added, and next_at moved on, in one transaction: no crash loses or repeats a
    time.
    """

    __tablename__ = "schedule"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    verb: Mapped[str] = mapped_column(String(16), default="crawl")
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"), index=True)
    cron: Mapped[str] = mapped_column(String(200))
    tz: Mapped[str] = mapped_column(String(60), default="UTC")
    jitter_seconds: Mapped[int] = mapped_column(default=0)
    blackout: Mapped[list[Any]] = mapped_column(default=list)
    """Hours in which nothing is begun, in the schedule's zone: [["22:00", "06:00"], ...]."""
    overlap: Mapped[str] = mapped_column(String(8), default="skip")
    """skip or queue: when the run before it is not over yet."""
    missed: Mapped[str] = mapped_column(String(8), default="once")
    """once, all or none: what becomes of times at which nobody was there to fire."""
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """plan, account (its key), pages, minutes (bounds of a run), priority, and what the verb wants (a report: period)."""
    paused: Mapped[bool] = mapped_column(Boolean, default=False)
    by: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime]
    changed_by: Mapped[str] = mapped_column(String(100), default="")
    changed_at: Mapped[datetime | None]
    next_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None] = mapped_column(index=True)
    last_at: Mapped[datetime | None]
    """The nominal time that was dealt with last."""
    last_run_id: Mapped[int | None] = mapped_column(Integer)
    last_words: Mapped[str] = mapped_column(ForeignText(), default="")
    """What became of that time: "run 12", "skipped: run 11 is still running", ..."""
    site: Mapped[Site | None] = relationship()


class Worker(Base):
    """One worker process of the fleet. Whether it lives is judged by `beats` going up, never by its clock."""

    __tablename__ = "worker"
    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    host: Mapped[str] = mapped_column(String(100), default="")
    pid: Mapped[int] = mapped_column(default=0)
    version: Mapped[str] = mapped_column(String(40), default="")
    labels: Mapped[list[Any]] = mapped_column(default=list)
    """Sites pinned to one of these, or to its name as given, are its to crawl."""
    state: Mapped[str] = mapped_column(String(16), default="ready")
    """ready, leaving (takes nothing more), stopped, silent (did not beat for a lease: its runs were taken from it)."""
    beats: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime]
    beat_at: Mapped[datetime]
    """By its own clock; for people to read."""
    tor: Mapped[str] = mapped_column(ForeignText(200), default="")
    crawls: Mapped[int] = mapped_column(default=0)
    """How many sites it crawls at once, at most."""
    free_bytes: Mapped[int | None] = mapped_column(BigInteger)
    """Of the disk with its data folder."""
    message: Mapped[str] = mapped_column(ForeignText(), default="")


class Notice(Base):
    """Something that people are told by mail, webhook or feed. One row for each channel; kept after it was sent.

    state: waiting, sent, failed (given up), dropped (its kind was switched off meanwhile).
    """

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("channel", "subject", "raised_at"),
        Index(None, "state", "next_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(String(16))
    """mail, webhook or feed."""
    kind: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(120))
    """What it is about: "run 12", "site 3", ... The same subject raised at the same moment is told once."""
    level: Mapped[str] = mapped_column(String(8), default="warn")
    text: Mapped[str] = mapped_column(ForeignText())
    """As it is sent: without ad text, onions and account names unless the settings allow them."""
    raised_at: Mapped[datetime]
    """When what it tells of began."""
    created_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(8), default="waiting")
    tries: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(ForeignText(), default="")


class Hold(Base):
    """What retention must never take away until a person lifts it: a listing, a page, a seller or a whole site."""

    __tablename__ = "hold"
    __table_args__ = (Index(None, "subject", "subject_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(16))
    """listing, page, seller or site."""
    subject_id: Mapped[int]
    reason: Mapped[str] = mapped_column(ForeignText())
    by: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime]
    released_by: Mapped[str] = mapped_column(String(100), default="")
    released_at: Mapped[datetime | None]


class Tombstone(Base):
    """What retention took away: enough to say that it was there and what its bytes hashed to. Append-only.

    The database lets go of a row of an append-only table only when its tombstone stands here.
    """

    __tablename__ = "tombstone"
    __table_args__ = (UniqueConstraint("table_name", "row_key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    table_name: Mapped[str] = mapped_column(String(30))
    row_key: Mapped[str] = mapped_column(String(64))
    """Its id, or a blob's SHA-256."""
    site_id: Mapped[int | None] = mapped_column(Integer, index=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), index=True)
    """The retention run."""
    rule: Mapped[str] = mapped_column(String(30))
    sha256: Mapped[str] = mapped_column(String(64), default="")
    """Of a page: its body's; of other rows: of their content."""
    made_at: Mapped[datetime]
    """When the row itself came to be."""
    removed_at: Mapped[datetime]
