"""A schedule as a person sees it.

Public names: ScheduleInfo, describe_schedule, tell_schedule, rules_of.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

from croniter import CroniterError  # type: ignore[import-untyped]

from jobs.cronwords import describe_cron, say_plan
from jobs.rules import Coming, Rules, coming_times, read_rules, say_rules
from storage.tables import Schedule

OVERDUE = timedelta(minutes=1)
"""So long after its time somebody would have fired a schedule, were anybody there."""


@dataclass(frozen=True)
class ScheduleInfo:
    """One schedule. words: "every day at 03:15". says: the whole sentence. next: the coming times in UTC as its line names
    them, due: when they begin; both empty while it is paused. last: the time that was dealt with last, last_words: what
    became of it. overdue: since when a time of it is due that nobody fired. rules_words: what differs from the ordinary."""

    name: str
    verb: str
    site: str
    cron: str
    tz: str
    words: str
    says: str
    paused: bool
    by: str
    created_at: datetime
    changed_by: str
    changed_at: datetime | None
    last: datetime | None
    last_run: int | None
    last_words: str
    next: list[datetime]
    due: list[datetime]
    overdue: datetime | None = None
    rules: Rules = field(default_factory=Rules)
    rules_words: list[str] = field(default_factory=list)


def rules_of(row: Schedule) -> Rules:
    return read_rules(
        row.settings,
        jitter=row.jitter_seconds // 60,
        blackout=row.blackout,
        overlap=row.overlap,
        missed=row.missed,
    )


def describe_schedule(row: Schedule, *, now: datetime, count: int = 3) -> ScheduleInfo:
    """A row, its site loaded, as a person sees it."""
    rules, coming, overdue, problem = Rules(), list[Coming](), None, ""
    try:
        rules = rules_of(row)
        if not row.paused and row.next_at is not None and row.due_at is not None:
            # A time that is due waits for whoever fires it: what comes of it is not for this list.
            known = Coming(row.next_at, row.due_at) if row.due_at > now else None
            overdue = row.due_at if row.due_at < now - OVERDUE else None
            coming = coming_times(row.cron, row.tz, rules, name=row.name, after=now, count=count, known=known)
    except (CroniterError, ZoneInfoNotFoundError, ValueError, TypeError) as exc:
        # Changed by other means than ours. The others are shown, and it can be changed or removed.
        problem = f"cannot be read: {exc}"
    return ScheduleInfo(
        name=row.name,
        verb=row.verb,
        site=row.site.name if row.site is not None else "",
        cron=row.cron,
        tz=row.tz,
        words=describe_cron(row.cron),
        says=problem or say_plan(row.cron, row.tz, [each.at for each in coming], now=now),
        paused=row.paused,
        by=row.by,
        created_at=row.created_at,
        changed_by=row.changed_by,
        changed_at=row.changed_at,
        last=row.last_at,
        last_run=row.last_run_id,
        last_words=row.last_words,
        next=[each.at for each in coming],
        due=[each.due for each in coming],
        overdue=overdue,
        rules=rules,
        rules_words=say_rules(rules),
    )


def tell_schedule(info: ScheduleInfo) -> dict[str, Any]:
    """As plain values for other programs. That there is an account is told, not its key."""
    values = asdict(info)
    values["rules"]["account"] = bool(info.rules.account)
    return values
