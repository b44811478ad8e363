"""The status board: for each site its last crawls, where we stand with it, and what comes next, in a few queries.

Public names: SiteRow, RunCell, WorkerRow, find_board, find_workers_board, STRIP, SILENT_AFTER.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Executable, func, select
from sqlalchemy.orm import Session

from storage.health import HEALTH
from storage.runs import show_state
from storage.tables import Run, Schedule, Site, SiteSession, Worker
from storage.workers import LIVING

STRIP = 14
"""Runs shown of each site."""
SILENT_AFTER = timedelta(days=7)
"""A site of which no run came to its end for so long is silent."""
GATES = ("captcha", "login", "banned", "seized", "exit")
"""Standings that only a person can change."""
TROUBLE = ("failed", "lost", "late")


@dataclass(frozen=True)
class RunCell:
    """One run in the strip."""

    id: int
    state: str
    at: datetime
    pages: int
    listings: int
    message: str


@dataclass(frozen=True)
class SiteRow:
    """state: fine, running, queued, late, paused, failed, lost, waiting, a gate's name, silent or never.

    listings: of the last run that came to its end; usual: least and most of the healthy ones before it, None when there
    are fewer than two.
    """

    name: str
    title: str
    state: str
    needs_person: bool
    last_good: datetime | None
    next_at: datetime | None
    listings: int | None
    usual: tuple[int, int] | None
    runs: tuple[RunCell, ...]

    @property
    def unusual(self) -> bool:
        """Did the last run bring fewer listings than ever before, or many more?"""
        if self.listings is None or self.usual is None:
            return False
        least, most = self.usual
        return self.listings < least * 0.7 or self.listings > most * 1.5


@dataclass(frozen=True)
class WorkerRow:
    name: str
    state: str
    beat_at: datetime
    tor: str
    labels: tuple[str, ...]
    crawls: int
    running: int
    free_bytes: int | None
    version: str


def find_board(session: Session, *, now: datetime) -> list[SiteRow]:
    """All sites, those that need a person first, then by name. As many queries, however many sites there are."""
    sites = list(session.scalars(select(Site).order_by(Site.name)))
    runs = _find_strips(session)
    standing = _find_standing(session)
    good: dict[Any, datetime] = _read(
        session,
        select(Run.site_id, func.max(Run.ended_at))
        .where(Run.verb == "crawl", Run.state == "done")
        .group_by(Run.site_id),
    )
    coming: dict[Any, datetime] = _read(
        session,
        select(Schedule.site_id, func.min(Schedule.due_at))
        .where(Schedule.paused.is_(False), Schedule.site_id.is_not(None), Schedule.verb == "crawl")
        .group_by(Schedule.site_id),
    )
    rows = [
        _make_row(site, runs.get(site.id, ()), standing, good.get(site.id), coming.get(site.id), now=now)
        for site in sites
    ]
    return sorted(rows, key=lambda row: (not row.needs_person, row.name))


def _find_strips(session: Session) -> dict[int, Sequence[Run]]:
    """The last STRIP crawls of each site, the oldest first."""
    ranked = (
        select(
            Run.id, func.row_number().over(partition_by=Run.site_id, order_by=Run.id.desc()).label("place")
        )
        .where(Run.verb == "crawl", Run.site_id.is_not(None))
        .subquery()
    )
    chosen = select(ranked.c.id).where(ranked.c.place <= STRIP)
    strips: dict[int, list[Run]] = {}
    for run in session.scalars(select(Run).where(Run.id.in_(chosen)).order_by(Run.id)):
        assert run.site_id is not None
        strips.setdefault(run.site_id, []).append(run)
    return dict(strips)


def _find_standing(session: Session) -> dict[int, str]:
    """The state of each site that only a person can change, of any account."""
    return _read(session, select(SiteSession.site_id, SiteSession.state).where(SiteSession.state.in_(GATES)))


def _read(session: Session, statement: Executable) -> dict[Any, Any]:
    """The two columns of a query as a table to look things up in."""
    return {row[0]: row[1] for row in session.execute(statement)}


def _make_row(
    site: Site,
    runs: Sequence[Run],
    standing: Mapping[int, str],
    good: datetime | None,
    coming: datetime | None,
    *,
    now: datetime,
) -> SiteRow:
    cells = tuple(
        RunCell(
            run.id,
            show_state(run, now=now),
            run.started_at or run.created_at,
            run.pages,
            run.listings,
            run.message,
        )
        for run in runs
    )
    over = [run for run in runs if run.state == "done"]
    healthy = [run.listings for run in over[:-1] if (run.settings.get(HEALTH) or {}).get("healthy", True)]
    state, wanted = _judge(site, runs, cells, standing, good, now=now)
    return SiteRow(
        name=site.name,
        title=site.title,
        state=state,
        needs_person=wanted,
        last_good=good,
        next_at=coming,
        listings=over[-1].listings if over else None,
        usual=(min(healthy), max(healthy)) if len(healthy) > 1 else None,
        runs=cells,
    )


def _judge(
    site: Site,
    runs: Sequence[Run],
    cells: Sequence[RunCell],
    standing: Mapping[int, str],
    good: datetime | None,
    *,
    now: datetime,
) -> tuple[str, bool]:
    """(how the site does, does a person have to do something)"""
    if not runs:
        return "never", False
    last = cells[-1].state
    if runs[-1].waits_for == "person" and last == "waiting":
        return "waiting", True
    if last in ("running", "queued", "waiting"):
        return last, False
    if site.id in standing:
        return standing[site.id], True
    if last in TROUBLE:
        return last, True
    if now - (good or site.created_at) > SILENT_AFTER:
        return "silent", True
    return ("fine" if last == "done" else last), last == "paused"


def find_workers_board(session: Session) -> list[WorkerRow]:
    """The workers that live, and those that fell silent in the last day of the newest beat; the oldest first."""
    running = _read(
        session, select(Run.worker, func.count()).where(Run.state == "running").group_by(Run.worker)
    )
    workers = list(session.scalars(select(Worker).order_by(Worker.started_at, Worker.name)))
    newest = max((worker.beat_at for worker in workers), default=None)
    return [
        WorkerRow(
            name=worker.name,
            state=worker.state,
            beat_at=worker.beat_at,
            tor=worker.tor,
            labels=tuple(str(label) for label in worker.labels),
            crawls=worker.crawls,
            running=running.get(worker.name, 0),
            free_bytes=worker.free_bytes,
            version=worker.version,
        )
        for worker in workers
        if worker.state in LIVING
        or (worker.state == "silent" and newest is not None and newest - worker.beat_at < timedelta(days=1))
    ]
