"""What became of a schedule so far: its runs, and who changed what in it.

Public names: Past, PastRun, Change, find_past.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jobs.adoption import adopt_old
from jobs.places import Places
from jobs.schedules import missing
from jobs.scheduleview import ScheduleInfo, describe_schedule
from storage import schedules as rows
from storage.engine import open_engine, reading
from storage.runs import show_state
from storage.tables import Audit, Run

SHOWN = 20
_NAMES = {"jitter_seconds": "jitter", "tz": "time zone"}


@dataclass(frozen=True)
class PastRun:
    """One run of a schedule. at: the time it was asked for, None for one that a person asked for beside it."""

    id: int
    state: str
    reason: str
    message: str
    by: str
    pages: int
    listings: int
    at: datetime | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True)
class Change:
    """What a person did to a schedule."""

    at: datetime
    by: str
    words: str


@dataclass(frozen=True)
class Past:
    info: ScheduleInfo
    runs: list[PastRun]
    changes: list[Change]


def find_past(places: Places, name: str, *, now: datetime, limit: int = SHOWN) -> Past:
    """The newest first. UsageError when there is no schedule of that name."""
    engine = open_engine(places.database_url)
    try:
        adopt_old(places, engine, now=now)
        with reading(engine) as session:
            row = rows.find_schedule(session, name)
            if row is None:
                raise missing(name)
            return Past(
                describe_schedule(row, now=now),
                [_view(run, now=now) for run in rows.find_schedule_runs(session, name, limit=limit)],
                [_tell(entry) for entry in rows.find_changes(session, name, limit=limit)],
            )
    finally:
        engine.dispose()


def _view(run: Run, *, now: datetime) -> PastRun:
    at = run.settings.get(rows.AT)
    return PastRun(
        id=run.id,
        state=show_state(run, now=now),
        reason=run.reason,
        message=run.message,
        by=run.by,
        pages=run.pages,
        listings=run.listings,
        at=datetime.fromisoformat(str(at)) if at else None,
        created_at=run.created_at,
        started_at=run.started_at,
        ended_at=run.ended_at,
    )


def _tell(entry: Audit) -> Change:
    verb = entry.action.partition(".")[2]
    return Change(entry.at, entry.actor, _words(verb, entry.detail))


def _words(verb: str, detail: Mapping[str, Any]) -> str:
    if verb == "change":
        parts = [
            f"{_NAMES.get(name, name)} {_say(name, pair[0])} \u2192 {_say(name, pair[1])}"
            for name, pair in detail.items()
            if isinstance(pair, list) and len(pair) == 2
        ]
        return f"changed {'; '.join(parts) or 'nothing'}"
    if verb == "trigger":
        return f"ran it now as well: run {detail.get('run')}"
    if verb == "backfill":
        runs = detail.get("runs") or []
        return f"made up for {len(runs)} times from {detail.get('from')} to {detail.get('to')}"
    if verb == "add":
        return f"added it: {detail.get('cron')}, {detail.get('tz')}"
    return {"pause": "paused it", "resume": "resumed it", "remove": "removed it"}.get(verb, verb)


def _say(name: str, value: object) -> str:
    if name == "jitter_seconds" and isinstance(value, int):
        return f"{value // 60} min"
    if isinstance(value, dict):
        return ", ".join(f"{key} {inner}" for key, inner in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join("\u2013".join(map(str, each)) for each in value if isinstance(each, list)) or "none"
    return str(value)
