"""Work by the clock: what people do with schedules. jobs.clockwork fires them.

Public names: ScheduleInfo, add_schedule, change_schedule, preview_schedule, find_schedules, find_schedule,
pause_schedule, resume_schedule, remove_schedule, describe_schedule, next_times, describe_cron; for other modules of this
package: claim, missing, first_times, columns_of, choose_name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from jobs.adoption import adopt_old
from jobs.cron import check_cron, check_zone, next_times
from jobs.cronwords import describe_cron, say_plan
from jobs.errors import UsageError
from jobs.places import Places
from jobs.rules import SITE_VERBS, Coming, Rules, check_rules, coming_times
from jobs.scheduleview import ScheduleInfo, describe_schedule, rules_of
from jobs.sites import find_site, register
from storage import schedules as rows
from storage.engine import open_engine, reading, transaction
from storage.tables import Schedule

__all__ = [
    "ScheduleInfo", "add_schedule", "change_schedule", "preview_schedule", "find_schedules", "find_schedule",
    "pause_schedule", "resume_schedule", "remove_schedule", "describe_schedule", "next_times", "describe_cron",
    "claim", "missing", "first_times", "columns_of", "choose_name",
]  # fmt: skip

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
CHANGES = ("cron", "tz", "jitter", "blackout", "overlap", "missed", "pages", "minutes", "priority", "plan", "period",
           "account", "to", "keep")  # fmt: skip
CLOCK_STOOD_AHEAD = timedelta(days=1)
"""A time dealt with that lies this far ahead was so by a wrong clock: whoever resumes or changes the schedule is not
held to it."""


def add_schedule(
    places: Places,
    *,
    cron: str,
    tz: str,
    by: str,
    now: datetime,
    site: str = "",
    verb: str = "crawl",
    name: str | None = None,
    account_key: str = "",
    rules: Rules | None = None,
) -> ScheduleInfo:
    """Do something whenever the cron line says so, in that time zone. UsageError in plain words when it cannot be.

    account_key: what the vault makes of the account's name; "" to go without an account.
    """
    rules = replace(rules or Rules(), account=account_key or (rules.account if rules else ""))
    _check_site(verb, site)
    cron, rules = _check(cron, tz, rules, verb=verb, now=now)
    if name is not None:
        _check_name(name)
    engine = open_engine(places.database_url)
    try:
        site_id = register(engine, find_site(places, site), now=now) if site else None
        adopt_old(places, engine, now=now)
        with transaction(engine) as session:
            chosen = name or choose_name(site or verb, {row.name for row in rows.find_schedules(session)})
            values = {
                "name": chosen, "verb": verb, "site_id": site_id, "cron": cron, "tz": tz, **columns_of(rules, verb),
                **first_times(cron, tz, rules, chosen, after=now),
            }  # fmt: skip
            if rows.add_schedule(session, values, by=by, now=now) is None:
                raise UsageError(
                    f'There is a schedule "{chosen}" already. Choose another name, or remove it first: '
                    f'"tuskwatch schedule remove {chosen}".'
                )
        return _find(engine, chosen, now=now)
    finally:
        engine.dispose()


def preview_schedule(
    *,
    cron: str,
    tz: str,
    now: datetime,
    rules: Rules | None = None,
    verb: str = "crawl",
    name: str = "",
    count: int = 3,
) -> tuple[str, list[Coming]]:
    """The sentence and the next times of a schedule that is not added yet. UsageError as add_schedule has it."""
    rules = rules or Rules()
    check_zone(tz)
    cron = check_cron(cron)
    check_rules(rules, verb=verb, cron=cron, tz=tz, now=now)
    coming = coming_times(cron, tz, rules, name=name, after=now, count=count)
    return say_plan(cron, tz, [each.at for each in coming], now=now), coming


def change_schedule(
    places: Places, name: str, changes: Mapping[str, Any], *, by: str, now: datetime
) -> ScheduleInfo:
    """Set some of CHANGES; the others stay. Its coming times are worked out anew, none is fired twice."""
    unknown = sorted(set(changes) - set(CHANGES))
    if unknown:
        raise UsageError(f'"{unknown[0]}" of a schedule cannot be changed. Known: {", ".join(CHANGES)}.')

    def change(session: Session, row: Schedule) -> None:
        cron, tz = str(changes.get("cron", row.cron)), str(changes.get("tz", row.tz))
        fresh = {key: value for key, value in changes.items() if key not in ("cron", "tz")}
        cron, rules = _check(cron, tz, replace(rules_of(row), **fresh), verb=row.verb, now=now)
        values = {"cron": cron, "tz": tz, **columns_of(rules, row.verb)}
        if not row.paused and any(
            values[key] != getattr(row, key) for key in ("cron", "tz", "jitter_seconds", "blackout")
        ):
            values |= first_times(cron, tz, rules, row.name, after=_after(row, now))
        rows.change_schedule(session, row, values, action="change", by=by, now=now)

    return _act(places, name, change, now=now)


def find_schedules(places: Places, *, now: datetime, count: int = 3) -> list[ScheduleInfo]:
    """All schedules, by name, each with its next times."""
    engine = open_engine(places.database_url)
    try:
        adopt_old(places, engine, now=now)
        with reading(engine) as session:
            return [describe_schedule(row, now=now, count=count) for row in rows.find_schedules(session)]
    finally:
        engine.dispose()


def find_schedule(places: Places, name: str, *, now: datetime) -> ScheduleInfo:
    engine = open_engine(places.database_url)
    try:
        adopt_old(places, engine, now=now)
        return _find(engine, name, now=now)
    finally:
        engine.dispose()


def pause_schedule(places: Places, name: str, *, now: datetime, by: str = "not known") -> ScheduleInfo:
    """Let it rest: no time of it is kept or counted as missed until it is resumed."""

    def pause(session: Session, row: Schedule) -> None:
        if not row.paused:
            changes = {"paused": True, "next_at": None, "due_at": None}
            rows.change_schedule(session, row, changes, action="pause", by=by, now=now)

    return _act(places, name, pause, now=now)


def resume_schedule(places: Places, name: str, *, now: datetime, by: str = "not known") -> ScheduleInfo:
    """Times missed while it was paused are not made up for."""

    def resume(session: Session, row: Schedule) -> None:
        if row.paused:
            times = first_times(row.cron, row.tz, rules_of(row), row.name, after=_after(row, now))
            rows.change_schedule(session, row, {"paused": False, **times}, action="resume", by=by, now=now)

    return _act(places, name, resume, now=now)


def remove_schedule(places: Places, name: str, *, now: datetime, by: str = "not known") -> None:
    """Its runs stay."""
    engine = open_engine(places.database_url)
    try:
        adopt_old(places, engine, now=now)
        with transaction(engine) as session:
            rows.remove_schedule(session, claim(session, name), by=by, now=now)
    finally:
        engine.dispose()


def claim(session: Session, name: str) -> Schedule:
    """The row of that name, held until the transaction ends. UsageError when there is none."""
    found = rows.find_schedule(session, name)
    row = rows.claim_schedule(session, found.id) if found is not None else None
    if row is None:
        raise missing(name)
    return row


def missing(name: str) -> UsageError:
    return UsageError(f'There is no schedule "{name[:60]}". "tuskwatch schedule list" shows those there are.')


def choose_name(wanted: str, taken: set[str]) -> str:
    """The name itself, or the first of name-2, name-3, ... that is free."""
    number = 1
    while (chosen := wanted if number == 1 else f"{wanted}-{number}") in taken:
        number += 1
    return chosen


def first_times(
    cron: str, tz: str, rules: Rules, name: str, *, after: datetime
) -> dict[str, datetime | None]:
    """The columns next_at and due_at."""
    coming = coming_times(cron, tz, rules, name=name, after=after, count=1)
    return {"next_at": coming[0].at if coming else None, "due_at": coming[0].due if coming else None}


def columns_of(rules: Rules, verb: str) -> dict[str, Any]:
    return {
        "jitter_seconds": rules.jitter * 60,
        "blackout": [list(each) for each in rules.blackout],
        "overlap": rules.overlap,
        "missed": rules.missed,
        "settings": rules.settings(verb),
    }


def _act(
    places: Places, name: str, change: Callable[[Session, Schedule], None], *, now: datetime
) -> ScheduleInfo:
    engine = open_engine(places.database_url)
    try:
        adopt_old(places, engine, now=now)
        with transaction(engine) as session:
            change(session, claim(session, name))
        return _find(engine, name, now=now)
    finally:
        engine.dispose()


def _find(engine: Engine, name: str, *, now: datetime) -> ScheduleInfo:
    with reading(engine) as session:
        row = rows.find_schedule(session, name)
        if row is None:
            raise missing(name)
        return describe_schedule(row, now=now)


def _check(cron: str, tz: str, rules: Rules, *, verb: str, now: datetime) -> tuple[str, Rules]:
    check_zone(tz)
    cron = check_cron(cron)
    return cron, check_rules(rules, verb=verb, cron=cron, tz=tz, now=now)


def _after(row: Schedule, now: datetime) -> datetime:
    """From when on the coming times are worked out anew: none is fired twice where a clock was put back."""
    if row.last_at is None or row.last_at > now + CLOCK_STOOD_AHEAD:
        return now
    return max(now, row.last_at)


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise UsageError(
            f'"{name[:60]}" cannot be the name of a schedule: use small letters, digits, "-" and "_", at most 60.'
        )


def _check_site(verb: str, site: str) -> None:
    if verb == "crawl" and not site:
        raise UsageError("A crawl needs a site. Name it.")
    if site and verb not in SITE_VERBS:
        raise UsageError(f"A schedule of the verb {verb} has no site: it is for all of them.")
