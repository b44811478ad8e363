"""Runs of a schedule that a person asks for: now as well, or for times that are past.

Public names: trigger_schedule, plan_backfill, backfill_schedule, read_moment, Backfill, MOST_BACKFILL.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from jobs.adoption import adopt_old
from jobs.asking import Errand, ask_in, put_on_queue, read_errand, say_gate
from jobs.cron import find_instant, iterate_times
from jobs.errors import BusyError, PersonWanted, UsageError
from jobs.places import Places
from jobs.schedules import claim, missing
from storage import schedules as rows
from storage.engine import open_engine, reading, transaction
from storage.tables import Schedule

MOST_BACKFILL = 100
_TICK = timedelta(seconds=1)


@dataclass(frozen=True)
class Backfill:
    """What a backfill would do. times: those without a run so far. done: how many have one, and are left alone."""

    times: list[datetime]
    done: int


def trigger_schedule(places: Places, name: str, *, by: str, now: datetime) -> int:
    """Run it now as well; the run's id. Its coming times stay as they are. A schedule that is paused may be run too."""
    engine = open_engine(places.database_url)
    try:
        errand = _prepare(places, engine, name, now=now)
        with transaction(engine) as session:
            row = claim(session, name)
            going = rows.find_going(session, row)
            if going is not None and going.waits_for == "person":
                raise PersonWanted(say_gate(going))
            if going is not None:
                raise BusyError(
                    f"Run {going.id} is {going.state}, and one at a time is enough. See how it goes with "
                    f'"tuskwatch run show {going.id}", or end it with "tuskwatch run cancel {going.id}".'
                )
            reason = f"by hand, beside schedule {name}"
            run = ask_in(session, row, errand, at=now, due_at=now, reason=reason, by=by, now=now)
            rows.record_asked(session, row, "trigger", {"run": run.id}, by=by, now=now)
        put_on_queue(places, [run], errand)
        return run.id
    finally:
        engine.dispose()


def plan_backfill(places: Places, name: str, *, start: datetime, end: datetime, now: datetime) -> Backfill:
    """What backfill_schedule would do. UsageError as there."""
    engine = open_engine(places.database_url)
    try:
        adopt_old(places, engine, now=now)
        with reading(engine) as session:
            row = rows.find_schedule(session, name)
            if row is None:
                raise missing(name)
            return _plan(row, rows.find_dealt_with(session, name), start=start, end=end, now=now)
    finally:
        engine.dispose()


def backfill_schedule(
    places: Places, name: str, *, start: datetime, end: datetime, by: str, now: datetime
) -> list[int]:
    """Ask for a run for each of its times in [start, end) that has none; their ids, the earliest first.

    All in one transaction, so a second backfill of the same times does nothing. UsageError for more than MOST_BACKFILL,
    and for times that are not past.
    """
    engine = open_engine(places.database_url)
    try:
        errand = _prepare(places, engine, name, now=now)
        with transaction(engine) as session:
            row = claim(session, name)
            plan = _plan(row, rows.find_dealt_with(session, name), start=start, end=end, now=now)
            runs = [
                ask_in(
                    session, row, errand, at=at, due_at=now, by=by, now=now,
                    reason=f"schedule {name}, made up by hand for {at:%Y-%m-%d %H:%M} UTC",
                )
                for at in plan.times
            ]  # fmt: skip
            detail = {"from": start.isoformat(), "to": end.isoformat(), "runs": [run.id for run in runs]}
            rows.record_asked(session, row, "backfill", detail, by=by, now=now)
        if runs:
            put_on_queue(places, runs, errand)
        return [run.id for run in runs]
    finally:
        engine.dispose()


def read_moment(text: str, tz: str) -> datetime:
    """A day or a moment by the clock of a zone: "2026-10-01", "2026-10-01 03:15"; UTC. UsageError when it is none."""
    try:
        wall = datetime.fromisoformat(text.strip())
    except ValueError as exc:
        raise UsageError(
            f'"{text[:40]}" is not a day or a time. "2026-10-01" and "2026-10-01 03:15" are.'
        ) from exc
    if not 1990 <= wall.year <= 2200:
        raise UsageError(f'"{text[:40]}" is too far away.')
    return wall.astimezone(UTC) if wall.tzinfo is not None else find_instant(wall, ZoneInfo(tz))


def _prepare(places: Places, engine: Engine, name: str, *, now: datetime) -> Errand:
    adopt_old(places, engine, now=now)
    with reading(engine) as session:
        row = rows.find_schedule(session, name)
        if row is None:
            raise missing(name)
        site = row.site.name if row.site is not None else ""
    errand = read_errand(places, engine, site, now=now)
    if errand.problem:
        raise UsageError(errand.problem)
    return errand


def _plan(row: Schedule, done: set[datetime], *, start: datetime, end: datetime, now: datetime) -> Backfill:
    if end <= start:
        raise UsageError("The end of the time to make up for is not after its beginning.")
    if end > now:
        raise UsageError("What is still to come is not made up for: take an end that is past.")
    times: list[datetime] = []
    left = 0
    # The first moment itself belongs to the range.
    for at in iterate_times(row.cron, row.tz, after=start.replace(microsecond=0) - _TICK):
        if at >= end:
            break
        if at in done:
            left += 1
            continue
        times.append(at)
        if len(times) > MOST_BACKFILL:
            raise UsageError(
                f"That would be more than {MOST_BACKFILL} runs. Take a shorter time: the {MOST_BACKFILL} first times end "
                f"before {times[-1]:%Y-%m-%d %H:%M} UTC."
            )
    return Backfill(times, left)
