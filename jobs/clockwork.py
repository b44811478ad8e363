"""Fires schedules: asks for the runs whose time has come, once whoever looks, and moves the times on.

Public names: fire_due, TOLERANCE.

A run is added and its schedule's next time moved on in one transaction, with the row held: any number of workers may look
at the same moment, and one that dies between two statements has done nothing. A run that was added and not put on the
queue (the worker died just then) is put there by whoever looks after lost runs.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfoNotFoundError

import structlog
from croniter import CroniterError  # type: ignore[import-untyped]
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from jobs.adoption import adopt_old
from jobs.asking import Errand, ask_in, put_on_queue, read_errand, say_gate
from jobs.cron import next_time
from jobs.places import Places
from jobs.rules import Coming, Rules, find_due
from jobs.scheduleview import rules_of
from storage import schedules as rows
from storage.engine import reading, transaction
from storage.issues import raise_issue
from storage.tables import Run, Schedule

log = structlog.get_logger("schedules")

TOLERANCE = timedelta(minutes=5)
"""A time that begins later than this was missed: nobody was there, or the clock was put forward."""
MOST_MADE_UP = 100
MOST_COUNTED = 1_000
"""Missed times beyond these are left out without being counted one by one: a month of minutes would be 43,200."""
_WORDS = 2_000


@dataclass
class Past:
    """The times of one schedule that are due. more: further missed ones were not counted."""

    missed: deque[Coming] = field(default_factory=lambda: deque(maxlen=MOST_MADE_UP))
    timely: list[Coming] = field(default_factory=list)
    count: int = 0
    more: bool = False
    coming: Coming | None = None

    @property
    def last(self) -> datetime:
        return max(each.at for each in (*self.missed, *self.timely))


@dataclass
class Outcome:
    """What became of them: the runs asked for, and what a person should know."""

    runs: list[Run] = field(default_factory=list)
    issues: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)


def fire_due(places: Places, engine: Engine, *, now: datetime) -> list[int]:
    """Ask for every run that is due; their ids. Exactly once, whoever calls it, as often as they like."""
    for line in adopt_old(places, engine, now=now):
        log.info("schedules of an older version", message=line)
    with reading(engine) as session:
        due = rows.find_due(session, now=now)
    return [run_id for schedule_id in due for run_id in _fire(places, engine, schedule_id, now=now)]


def _fire(places: Places, engine: Engine, schedule_id: int, *, now: datetime) -> list[int]:
    errand = _prepare(places, engine, schedule_id, now=now)
    with transaction(engine) as session:
        row = rows.claim_schedule(session, schedule_id)
        if row is None or row.paused or row.next_at is None or row.due_at is None or row.due_at > now:
            return []
        name, site_id = row.name, row.site_id
        try:
            past = _collect(row, rules_of(row), now=now)
        except (CroniterError, ZoneInfoNotFoundError, ValueError, TypeError) as exc:
            # Its row was changed by other means than ours: the other schedules must not wait for it.
            outcome = Outcome(issues=[f'Schedule "{name}" cannot be read and is paused: {exc}'])
            row.paused, row.next_at, row.due_at, row.last_words = True, None, None, outcome.issues[0]
        else:
            outcome = _decide(session, row, past, errand, now=now)
            row.next_at = past.coming.at if past.coming else None
            row.due_at = past.coming.due if past.coming else None
            row.last_at = past.last
            row.last_words = "; ".join(dict.fromkeys(outcome.words))[:_WORDS]
            if outcome.runs:
                row.last_run_id = outcome.runs[-1].id
    run_ids = [run.id for run in outcome.runs]
    if run_ids:
        log.info("schedule fired", schedule=name, runs=run_ids)
        if why := put_on_queue(places, outcome.runs, errand):
            log.warning("runs are asked for and not on the queue yet", runs=run_ids, why=why)
    for message in dict.fromkeys(outcome.issues):
        log.warning("schedule", schedule=name, message=message)
        raise_issue(
            engine, site_id=site_id, run_id=None, page_id=None, kind="schedule", level="warn", message=message, now=now
        )  # fmt: skip
    return run_ids


def _prepare(places: Places, engine: Engine, schedule_id: int, *, now: datetime) -> Errand:
    with reading(engine) as session:
        row = session.get(Schedule, schedule_id)
        site = row.site.name if row is not None and row.site is not None else ""
    return read_errand(places, engine, site, now=now)


def _collect(row: Schedule, rules: Rules, *, now: datetime) -> Past:
    """All that is due, and what comes then. Times that wait for the same end of blackout hours are one."""
    assert row.next_at is not None
    assert row.due_at is not None
    past, coming = Past(), Coming(row.next_at, row.due_at)
    before: datetime | None = None
    horizon = now - TOLERANCE - timedelta(minutes=rules.jitter, days=2 if rules.blackout else 0)
    while coming.due <= now:
        if coming.due != before:
            if coming.due < now - TOLERANCE:
                past.missed.append(coming)
                past.count += 1
            else:
                past.timely.append(coming)
        before, after = coming.due, coming.at
        if past.count > MOST_COUNTED and after < horizon:
            past.more, after = True, horizon
        at = next_time(row.cron, row.tz, after=after)
        if at is None:
            return past
        coming = Coming(at, find_due(rules, name=row.name, tz=row.tz, at=at))
    past.coming = coming
    return past


def _decide(session: Session, row: Schedule, past: Past, errand: Errand, *, now: datetime) -> Outcome:
    outcome = Outcome()
    made_up: list[Coming] = []
    if past.count and row.missed == "all":
        made_up = list(past.missed)
    elif past.count and row.missed == "once" and not past.timely:
        made_up = [past.missed[-1]]
    for each in made_up:
        _ask(session, row, each, errand, outcome, now=now, missed=True)
    made = len(outcome.runs)
    for each in past.timely:
        _ask(session, row, each, errand, outcome, now=now, missed=False)
    if outcome.runs:
        outcome.words.insert(0, _name_runs([run.id for run in outcome.runs]))
    if past.count:
        _tell_missed(row, past, made, outcome)
    return outcome


def _name_runs(ids: list[int]) -> str:
    if len(ids) == 1:
        return f"run {ids[0]}"
    return f"runs {', '.join(map(str, ids))}" if len(ids) <= 3 else f"runs {ids[0]} to {ids[-1]}"


def _tell_missed(row: Schedule, past: Past, made: int, outcome: Outcome) -> None:
    """made: how many of the missed times got a run of their own."""
    more = "more than " if past.more else ""
    missed = f"{more}{past.count:,} {'time was' if past.count == 1 else 'times were'} missed"
    left = past.count - made
    if row.missed == "once" and outcome.runs:
        outcome.words.append(f"{missed}: made up for{' once' if past.count > 1 else ''}")
    elif left == 0 and not past.more:
        outcome.words.append(f"{missed}: {'made up for' if made == 1 else 'all made up for'}")
    else:
        told = (
            f"{missed}: {made:,} made up for, {more}{left:,} left out" if made else f"{missed} and left out"
        )
        outcome.words.append(told)
        outcome.issues.append(f'Schedule "{row.name}": {told}.')


def _ask(
    session: Session,
    row: Schedule,
    coming: Coming,
    errand: Errand,
    outcome: Outcome,
    *,
    now: datetime,
    missed: bool,
) -> None:
    """Add the run of one time, unless the rule for the one before it says otherwise."""
    crawl = row.verb == "crawl"
    nothing = f'Schedule "{row.name}" fired and nothing was {"crawled" if crawl else "done"}:'
    if errand.problem:
        outcome.words.append(f"nothing was done: {errand.problem}")
        outcome.issues.append(f"{nothing} {errand.problem}")
        return
    going = rows.find_going(session, row)
    if going is not None:
        if going.waits_for == "person":
            outcome.words.append(f"skipped: run {going.id} waits for a person")
            outcome.issues.append(f"{nothing} {say_gate(going)}")
            return
        waits = row.overlap == "queue" and not rows.has_waiting(session, row)
        if not waits and not (missed and row.missed == "all"):
            outcome.words.append(f"skipped: run {going.id} is still {going.state}")
            why = "the site was still being crawled" if crawl else "the run before it was not over"
            outcome.issues.append(f"{nothing} {why}")
            return
    reason = f"schedule {row.name}" + (f", missed at {coming.at:%Y-%m-%d %H:%M} UTC" if missed else "")
    due_at = now if missed else coming.due
    outcome.runs.append(ask_in(session, row, errand, at=coming.at, due_at=due_at, reason=reason, by=row.by, now=now))  # fmt: skip
