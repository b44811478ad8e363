"""Numbers for monitoring, counted when they are asked for: runs, pages, listings, reviews, workers, schedules, notices.

Public names: Gauge, count_all.

No site's name, no text and no address is among them: a monitoring system keeps what it reads for long, elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage.engine import find_head
from storage.growth import measure_size
from storage.queues import count_waiting
from storage.runs import LATE_AFTER
from storage.tables import Audit, Blob, Issue, Listing, Notice, Page, Run, Schedule, Worker
from storage.workers import LIVING


@dataclass(frozen=True)
class Gauge:
    """One number, or one for each set of labels: {(value of each label, ...): number}."""

    name: str
    words: str
    labels: tuple[str, ...]
    values: Mapping[tuple[str, ...], float]


def count_all(session: Session, *, now: datetime) -> Iterator[Gauge]:
    """All of them: about fifteen queries that count by an index."""
    yield from _count_runs(session, now=now)
    yield from _count_store(session)
    yield from _count_people(session)
    yield from _count_workers(session, now=now)
    yield from _count_plans(session, now=now)


def _one(name: str, words: str, value: float) -> Gauge:
    return Gauge(name, words, (), {(): value})


def _count_runs(session: Session, *, now: datetime) -> Iterator[Gauge]:
    rows = session.execute(select(Run.verb, Run.state, func.count()).group_by(Run.verb, Run.state))
    yield Gauge(
        "runs",
        "Runs by verb and state.",
        ("verb", "state"),
        {(verb, state): count for verb, state, count in rows},
    )
    late = session.scalar(
        select(func.count()).where(
            Run.state == "queued", func.coalesce(Run.due_at, Run.created_at) < now - LATE_AFTER
        )
    )
    yield _one("runs_late", "Queued runs that nobody took for ten minutes after they were due.", late or 0)
    waiting = session.scalar(select(func.count()).where(Run.state == "waiting", Run.waits_for == "person"))
    yield _one("runs_waiting_for_a_person", "Runs at a gate that a person must open.", waiting or 0)
    for state in ("queued", "running"):
        oldest = session.scalar(select(func.min(Run.created_at)).where(Run.state == state))
        age = (now - oldest).total_seconds() if oldest is not None else 0.0
        yield _one(f"runs_{state}_oldest_seconds", f"Age of the oldest {state} run.", age)
    last = session.scalar(select(func.max(Run.ended_at)).where(Run.verb == "backup", Run.state == "done"))
    if last is not None:
        yield _one(
            "backup_age_seconds", "Since the last backup that went well.", (now - last).total_seconds()
        )


def _count_store(session: Session) -> Iterator[Gauge]:
    # Ids go up by one and rows are hardly ever removed: the highest is the count, and costs nothing at any size.
    yield _one(
        "pages", "Stored responses, as their numbers go.", session.scalar(select(func.max(Page.id))) or 0
    )
    yield _one(
        "listings", "Listings, as their numbers go.", session.scalar(select(func.max(Listing.id))) or 0
    )
    yield _one("audit_entries", "Entries of the audit log.", session.scalar(select(func.max(Audit.id))) or 0)
    yield _one("database_bytes", "Size of the database, bodies among it.", measure_size(session))
    labels = ("version", "schema")
    values: dict[tuple[str, ...], float] = {(version("tuskwatch"), find_head()): 1.0}
    yield Gauge("build_info", "Version of the screens, and the schema that it works with.", labels, values)
    newest = session.scalar(select(func.max(Blob.created_at)))
    if newest is not None:
        yield _one("newest_body_timestamp_seconds", "When the newest body was stored.", newest.timestamp())


def _count_people(session: Session) -> Iterator[Gauge]:
    yield _one("reviews_waiting", "Flagged ads that wait for a person.", count_waiting(session))
    issues = session.execute(
        select(Issue.level, func.count()).where(Issue.closed_at.is_(None)).group_by(Issue.level)
    )
    yield Gauge(
        "issues_open", "Open issues by level.", ("level",), {(level,): count for level, count in issues}
    )
    rows = session.execute(
        select(Notice.channel, Notice.state, func.count()).group_by(Notice.channel, Notice.state)
    )
    yield Gauge(
        "notices",
        "Notices by channel and state.",
        ("channel", "state"),
        {(channel, state): count for channel, state, count in rows},
    )


def _count_workers(session: Session, *, now: datetime) -> Iterator[Gauge]:
    workers = session.execute(select(Worker.state, func.count()).group_by(Worker.state))
    yield Gauge("workers", "Workers by state.", ("state",), {(state,): count for state, count in workers})
    living = list(session.scalars(select(Worker).where(Worker.state.in_(LIVING))))
    yield Gauge(
        "worker_beat_age_seconds",
        "Since a worker's last sign of life, by its own clock.",
        ("worker",),
        {(worker.name,): (now - worker.beat_at).total_seconds() for worker in living},
    )
    yield Gauge(
        "worker_free_bytes",
        "Free disk where a worker keeps its data folder.",
        ("worker",),
        {(worker.name,): worker.free_bytes for worker in living if worker.free_bytes is not None},
    )
    yield Gauge(
        "worker_tor_ready",
        "1 while a worker's Tor is ready.",
        ("worker",),
        {(worker.name,): float(worker.tor.startswith("ready")) for worker in living},
    )


def _count_plans(session: Session, *, now: datetime) -> Iterator[Gauge]:
    rows = session.execute(select(Schedule.paused, func.count()).group_by(Schedule.paused))
    yield Gauge(
        "schedules",
        "Schedules by whether they are on.",
        ("state",),
        {("paused" if paused else "on",): count for paused, count in rows},
    )
    behind = session.scalar(
        select(func.count()).where(Schedule.paused.is_(False), Schedule.due_at < now - LATE_AFTER)
    )
    yield _one(
        "schedules_behind", "Schedules whose time passed ten minutes ago and that did not fire.", behind or 0
    )
