"""What the rows say that a person should see to: asked for in bounded queries, along indexes.

Public names: OpenIssues, Proposed, find_unmended, find_late, find_without_tor, find_open_issues, find_ending_sessions,
count_proposed, find_active_schedules, find_clock_gap, close_issues, read_time, MOST.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.orm import Session, joinedload

from storage import audit
from storage.engine import transaction
from storage.tables import (
    Address,
    Issue,
    Page,
    Run,
    Schedule,
    Site,
    SiteSession,
)

MOST = 500
"""Rows of one kind that are looked at: the newest."""
_TROUBLED = ("failed", "lost", "paused")


@dataclass(frozen=True)
class OpenIssues:
    """The open issues of one site and kind. newest: the id of the one that was raised last, with its run, page and message."""

    site_id: int | None
    kind: str
    level: str
    count: int
    issues: int
    first_seen: datetime
    last_seen: datetime
    newest: int
    run_id: int | None
    page_id: int | None
    message: str


@dataclass(frozen=True)
class Proposed:
    """Addresses of a site that wait for a person. onions: a few of them, as they are."""

    site_id: int
    count: int
    since: datetime | None
    onions: tuple[str, ...]


def find_unmended(session: Session, *, since: datetime) -> list[Run]:
    """Runs that failed, were lost or are paused, ended since then, where nobody went on since: no later run of the same
    verb and site (of a report: the same schedule) and none that repeats it. The newest of each only, the newest first."""
    rows = session.execute(
        select(Run.id, Run.verb, Run.site_id, Run.schedule, func.coalesce(Run.ended_at, Run.created_at))
        .where(Run.state.in_(_TROUBLED))
        .order_by(Run.id.desc())
        .limit(MOST)
    )
    newest: dict[tuple[str, int | None, str], tuple[int, datetime]] = {}
    for run_id, verb, site_id, schedule, ended in rows:
        newest.setdefault(_key(verb, site_id, schedule), (run_id, read_time(ended)))
    found = {key: run_id for key, (run_id, ended) in newest.items() if ended >= since}
    if not found:
        return []
    repeated = set(session.scalars(select(Run.retry_of).where(Run.retry_of.in_(found.values()))))
    later = (
        select(Run.verb, Run.site_id, Run.schedule, func.max(Run.id))
        .where(Run.id > min(found.values()))
        .group_by(Run.verb, Run.site_id, Run.schedule)
    )
    last: dict[tuple[str, int | None, str], int] = {}
    for verb, site_id, schedule, run_id in session.execute(later):
        key = _key(verb, site_id, schedule)
        last[key] = max(run_id, last.get(key, 0))
    left = [run_id for key, run_id in found.items() if run_id not in repeated and last.get(key, 0) <= run_id]
    return list(
        session.scalars(
            select(Run).options(joinedload(Run.site)).where(Run.id.in_(left)).order_by(Run.id.desc())
        )
    )


def _key(verb: str, site_id: int | None, schedule: str) -> tuple[str, int | None, str]:
    """What a later run makes good: a crawl of the site; a report only where it is the same one."""
    return verb, site_id, schedule if verb == "report" else ""


def find_late(session: Session, *, before: datetime) -> list[Run]:
    """Runs that should have begun before then and that no worker has taken, the longest waiting first."""
    due = func.coalesce(Run.due_at, Run.created_at)
    return list(
        session.scalars(
            select(Run)
            .options(joinedload(Run.site))
            .where(Run.state == "queued", due < before)
            .order_by(due, Run.id)
            .limit(MOST)
        )
    )


def find_without_tor(session: Session, *, before: datetime) -> list[Run]:
    """Runs that have waited for Tor since before then."""
    return list(
        session.scalars(
            select(Run)
            .options(joinedload(Run.site))
            .where(
                Run.state == "waiting",
                Run.waits_for == "tor",
                func.coalesce(Run.started_at, Run.created_at) < before,
            )
            .order_by(Run.id)
            .limit(MOST)
        )
    )


def find_open_issues(session: Session) -> list[OpenIssues]:
    """The open issues by site and kind, the last seen first."""
    rows = session.execute(
        select(
            Issue.site_id, Issue.kind, func.min(Issue.level), func.sum(Issue.count), func.count(), func.min(Issue.first_seen),
            func.max(Issue.last_seen), func.max(Issue.id),
        )
        .where(Issue.closed_at.is_(None))
        .group_by(Issue.site_id, Issue.kind)
        .order_by(func.max(Issue.last_seen).desc())
        .limit(MOST)
    ).all()  # fmt: skip
    newest = {
        row.id: row for row in session.scalars(select(Issue).where(Issue.id.in_([each[7] for each in rows])))
    }
    found = []
    for site_id, kind, level, count, issues, first, last, number in rows:
        issue = newest[number]
        found.append(
            OpenIssues(
                site_id=site_id, kind=kind, level=level, count=int(count), issues=issues, first_seen=read_time(first),
                last_seen=read_time(last), newest=number, run_id=issue.run_id, page_id=issue.page_id, message=issue.message,
            )
        )  # fmt: skip
    return found


def find_ending_sessions(
    session: Session, *, after: datetime, before: datetime
) -> list[tuple[SiteSession, Site]]:
    """Sessions that a person opened and whose time ends between the two, the first to end first."""
    rows = session.execute(
        select(SiteSession, Site)
        .join(Site, SiteSession.site_id == Site.id)
        .where(
            SiteSession.sealed.is_not(None), SiteSession.expires_at > after, SiteSession.expires_at < before
        )
        .order_by(SiteSession.expires_at, SiteSession.id)
        .limit(MOST)
    )
    return [(row, site) for row, site in rows]


def count_proposed(session: Session) -> list[Proposed]:
    """The addresses that wait for a person's approval, by site."""
    rows = session.execute(
        select(Address.site_id, Address.onion, Page.received_at)
        .outerjoin(Page, Page.id == Address.found_on)
        .where(Address.state == "proposed")
        .order_by(Address.site_id, Address.id)
        .limit(MOST)
    )
    found: dict[int, list[tuple[str, datetime | None]]] = {}
    for site_id, onion, seen in rows:
        found.setdefault(site_id, []).append((onion, seen))
    return [
        Proposed(
            site_id=site_id,
            count=len(each),
            since=min((seen for _, seen in each if seen is not None), default=None),
            onions=tuple(onion for onion, _ in each[:10]),
        )
        for site_id, each in found.items()
    ]


def find_active_schedules(session: Session) -> list[Schedule]:
    """Schedules that are not paused, by name."""
    return list(
        session.scalars(
            select(Schedule).where(Schedule.paused.is_(False)).order_by(Schedule.name).limit(MOST)
        )
    )


def find_clock_gap(session: Session, *, now: datetime) -> timedelta:
    """How far the database's clock is ahead of `now`; nothing on SQLite, which has none of its own."""
    if session.get_bind().dialect.name != "postgresql":
        return timedelta(0)
    there: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    return there.astimezone(UTC) - now


def close_issues(engine: Engine, *, issue_id: int, by: str, note: str, now: datetime) -> int:
    """Mark this issue, and the open ones of its site and kind up to it, as dealt with; how many. LookupError without it."""
    with transaction(engine) as session:
        issue = session.get(Issue, issue_id, with_for_update=True)
        if issue is None:
            raise LookupError(f"there is no issue {issue_id}")
        same = Issue.site_id.is_(None) if issue.site_id is None else Issue.site_id == issue.site_id
        closed = session.scalars(
            update(Issue)
            .where(same, Issue.kind == issue.kind, Issue.id <= issue_id, Issue.closed_at.is_(None))
            .values(closed_at=now)
            .returning(Issue.id)
            .execution_options(synchronize_session=False)
        ).all()
        if closed:
            detail: Mapping[str, object] = {
                "kind": issue.kind,
                "issues": sorted(closed)[:100],
                "count": len(closed),
                "note": note,
            }
            audit.record(
                session, actor=by, action="issue.close", subject=f"issue {issue_id}", detail=detail, now=now
            )
        return len(closed)


def read_time(value: datetime | str) -> datetime:
    """SQLite gives the least or greatest of times as text or without a zone."""
    time = datetime.fromisoformat(value) if isinstance(value, str) else value
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
