"""The rows of schedules, what was changed in them by whom, and the runs they asked for.

Public names: find_schedules, find_schedule, find_due, claim_schedule, add_schedule, change_schedule, remove_schedule,
find_going, has_waiting, find_last_runs, find_schedule_runs, find_dealt_with, find_changes, record_asked, AT.

Functions that write take the session of a transaction: a time is moved on, and its run added, in one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from storage import audit
from storage.engine import lock
from storage.runs import ACTIVE
from storage.tables import Audit, Run, Schedule
from storage.takeover import find_live

AT = "at"
"""Among a run's settings: the time that it was asked for, as the schedule's cron line names it; ISO, UTC."""
_KEPT_BACK = "account"
"""The key of an account: that there is one is told, not which."""


def find_schedules(session: Session) -> list[Schedule]:
    """All schedules with their sites, by name."""
    return list(session.scalars(select(Schedule).options(joinedload(Schedule.site)).order_by(Schedule.name)))


def find_schedule(session: Session, name: str) -> Schedule | None:
    return session.scalar(select(Schedule).options(joinedload(Schedule.site)).where(Schedule.name == name))


def find_due(session: Session, *, now: datetime) -> list[int]:
    """Ids of the schedules with a time that is due, the longest overdue first."""
    return list(
        session.scalars(
            select(Schedule.id)
            .where(Schedule.paused.is_(False), Schedule.due_at <= now)
            .order_by(Schedule.due_at, Schedule.id)
        )
    )


def claim_schedule(session: Session, schedule_id: int) -> Schedule | None:
    """The row, which nobody else changes until this transaction ends; None when it was removed."""
    return session.get(Schedule, schedule_id, with_for_update=True, populate_existing=True)


def add_schedule(session: Session, values: Mapping[str, Any], *, by: str, now: datetime) -> Schedule | None:
    """A new row, and who made it in the audit chain; None when the name is taken."""
    lock(session, "schedule")
    if session.scalar(select(Schedule.id).where(Schedule.name == values["name"])) is not None:
        return None
    row = Schedule(**values, by=by, created_at=now)
    session.add(row)
    session.flush()
    _record(session, row, "schedule.add", _tell(values), by=by, now=now)
    return row


def change_schedule(
    session: Session, row: Schedule, changes: Mapping[str, Any], *, action: str, by: str, now: datetime
) -> None:
    """Set columns; what they were and are stands in the audit chain. action: change, pause, resume."""
    before = _tell({name: getattr(row, name) for name in changes})
    for name, value in changes.items():
        setattr(row, name, value)
    row.changed_by, row.changed_at = by, now
    after = _tell(changes)
    detail = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
    _record(session, row, f"schedule.{action}", detail, by=by, now=now)


def remove_schedule(session: Session, row: Schedule, *, by: str, now: datetime) -> None:
    """Its runs stay."""
    detail = {"verb": row.verb, "site_id": row.site_id, "cron": row.cron, "tz": row.tz}
    _record(session, row, "schedule.remove", detail, by=by, now=now)
    session.delete(row)


def find_going(session: Session, row: Schedule) -> Run | None:
    """The run that a new one of this schedule would meet: any crawl of the site, or its own run of another verb."""
    if row.verb == "crawl" and row.site_id is not None:
        return find_live(session, site_id=row.site_id)
    return session.scalar(
        select(Run)
        .options(joinedload(Run.site))
        .where(Run.verb == row.verb, Run.schedule == row.name, Run.state.in_(ACTIVE))
        .order_by(Run.id.desc())
        .limit(1)
    )


def has_waiting(session: Session, row: Schedule) -> bool:
    """Is a run of this schedule in the queue already?"""
    wanted = (
        select(Run.id).where(Run.schedule == row.name, Run.verb == row.verb, Run.state == "queued").limit(1)
    )
    return session.scalar(wanted) is not None


def find_schedule_runs(session: Session, name: str, *, limit: int) -> list[Run]:
    """The newest first, with their sites."""
    return list(
        session.scalars(
            select(Run)
            .options(joinedload(Run.site))
            .where(Run.schedule == name)
            .order_by(Run.id.desc())
            .limit(limit)
        )
    )


def find_dealt_with(session: Session, name: str) -> set[datetime]:
    """The times for which a run of the schedule is asked for, at work or done."""
    rows = session.execute(
        select(Run.settings).where(Run.schedule == name, Run.state.not_in(("failed", "cancelled", "lost")))
    )
    return {datetime.fromisoformat(str(settings[AT])) for (settings,) in rows if settings.get(AT)}


def find_changes(session: Session, name: str, *, limit: int) -> list[Audit]:
    """Who did what to the schedule of that name, the newest first."""
    return list(
        session.scalars(
            select(Audit)
            .where(Audit.subject == f"schedule {name}", Audit.action.like("schedule.%"))
            .order_by(Audit.id.desc())
            .limit(limit)
        )
    )


def record_asked(
    session: Session, row: Schedule, what: str, detail: Mapping[str, Any], *, by: str, now: datetime
) -> None:
    """Keep that a person asked for runs of it: what is "trigger" or "backfill"."""
    _record(session, row, f"schedule.{what}", detail, by=by, now=now)


def _record(
    session: Session, row: Schedule, action: str, detail: Mapping[str, Any], *, by: str, now: datetime
) -> None:
    audit.record(session, actor=by, action=action, subject=f"schedule {row.name}", detail=detail, now=now)


def _tell(values: Mapping[str, Any]) -> dict[str, Any]:
    """Columns as the audit chain has them: times as text, no account's key, nothing that follows from the rest."""
    told: dict[str, Any] = {}
    for name, value in values.items():
        if name in ("name", "next_at", "due_at"):
            continue
        if isinstance(value, datetime):
            value = value.isoformat()
        if name == "settings":
            value = {key: "set" if key == _KEPT_BACK else inner for key, inner in value.items()}
        told[name] = value
    return told


def find_last_runs(session: Session) -> dict[int, Run]:
    """The run that each schedule asked for last, by its id."""
    wanted = select(Schedule.last_run_id).where(Schedule.last_run_id.is_not(None))
    return {run.id: run for run in session.scalars(select(Run).where(Run.id.in_(wanted)))}
